/* lexc.c - builds phi.lex from the lists in data/phi/lexicon.
 *
 *   lexc FOLDER OUT
 *
 * The layout is told in lexicon.c, the attributes in engine.h. The result
 * depends on the lists alone: entries go in sorted by hash.
 */
#include "../hash.c"

#include <stdio.h>
#include <stdlib.h>

struct entry { uint64_t h, attr; };
static struct entry *e;
static size_t n, cap;

static void
put(uint64_t h, uint64_t attr)
{
	if (n == cap) {
		cap = cap ? cap * 2 : 1 << 19;
		e = realloc(e, cap * sizeof *e);
		if (!e)
			abort();
	}
	e[n++] = (struct entry){ h | 1, attr };
}

/* The words of a line, as the tokeniser cuts them; their hashes. */
static unsigned
words(const char *p, size_t len, uint64_t *h, unsigned max)
{
	unsigned k = 0;
	for (size_t i = 0; i < len && k < max;) {
		if (!is_alnum_((unsigned char)p[i])) {
			i++;
			continue;
		}
		size_t from = i;
		while (i < len && (is_alnum_((unsigned char)p[i]) || (p[i] == '\'' && i > from && i + 1 < len && is_letter((unsigned char)p[i + 1]) &&
		    !((p[i + 1] | 32) == 's' && (i + 2 == len || !is_alnum_((unsigned char)p[i + 2]))))))
			i++;
		h[k++] = phi_word_hash(p + from, i - from);
		if (i + 1 < len && p[i] == '\'' && (p[i + 1] | 32) == 's')
			i += 2;
	}
	return k;
}

static unsigned
grade(long count, const long *steps)
{
	unsigned g = 1;
	while (g < 7 && count >= steps[g - 1])
		g++;
	return g;
}

static void
name_entry(const char *word, size_t len, unsigned shift, unsigned g)
{
	uint64_t h[4];
	if (words(word, len, h, 4) == 1)
		put(h[0], (uint64_t)g << shift);
}

/* The phrase, and that it may go on behind its first two words, three, ... */
static void
phrase(const uint64_t *h, unsigned k, uint64_t attr)
{
	uint64_t x = 0;
	for (unsigned i = 0; i < k; i++) {
		x = phi_mix(x, h[i]);
		if (i > 0)
			put(x, i + 1 < k ? LEX_MORE : attr);
	}
}

static void
place(const char *p, size_t len, uint64_t one, uint64_t many)
{
	uint64_t h[8];
	unsigned k = words(p, len, h, 8);
	if (k == 1)
		put(h[0], one);
	else if (k > 1) {
		put(h[0], LEX_PLACE_HEAD);
		if (many)
			phrase(h, k, many);
	}
}

static void
hospital(const char *p, size_t len)
{
	uint64_t h[8];
	unsigned k = words(p, len, h, 8);
	if (k < 2)
		return;
	put(h[0], LEX_HOSP_HEAD);
	phrase(h, k, LEX_HOSPITAL);
}

enum what { GIVEN, SURNAME, COMMON, FREQUENT, MEDICAL, EPONYM, EPO_HEAD, PLACE, BIG, WORLD, COUNTRY, STATE, COUNTY, HOSPITAL };

static void
file(const char *folder, const char *name, enum what w)
{
	static const long given[6] = { 300, 3000, 20000, 100000, 300000, 1000000 };
	static const long surname[6] = { 800, 4000, 15000, 50000, 150000, 500000 };
	char path[4096], line[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "r");
	if (!f) {
		perror(path);
		exit(1);
	}
	for (unsigned i = 0; fgets(line, sizeof line, f); i++) {
		size_t len = strcspn(line, "\r\n");
		const char *tab = memchr(line, '\t', len);
		size_t k = tab ? (size_t)(tab - line) : len;
		long count = tab ? strtol(tab + 1, NULL, 10) : 0;
		switch (w) {
		case GIVEN:
			if (count >= 20)
				name_entry(line, k, 0, grade(count, given));
			break;
		case SURNAME: name_entry(line, k, 3, grade(count, surname)); break;
		case COMMON: name_entry(line, k, 6, 1); break;
		case FREQUENT: name_entry(line, k, 6, i < 150 ? 3 : 2); break;
		case MEDICAL: place(line, k, LEX_MEDICAL, 0); break;
		case EPONYM: place(line, k, LEX_EPONYM, LEX_EPONYM); break;
		case EPO_HEAD: place(line, k, LEX_EPO_HEAD, 0); break;
		case PLACE: place(line, k, LEX_PLACE, LEX_PLACES); break;
		case BIG: place(line, k, LEX_PLACE | LEX_BIGPLACE, LEX_PLACES | LEX_BIGPLACE); break;
		case WORLD: place(line, k, LEX_WORLD, LEX_PLACES | LEX_WORLD); break;
		case COUNTRY: place(line, k, LEX_COUNTRY, 0); break;
		case STATE:
			place(line, k, LEX_STATE, LEX_STATE);
			place(tab + 1, 2, LEX_ABBR, 0);
			break;
		case COUNTY: place(line, k, LEX_COUNTY, 0); break;
		case HOSPITAL: hospital(line, k); break;
		}
	}
	fclose(f);
}

static int
by_hash(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return x->h < y->h ? -1 : x->h > y->h;
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return fputs("usage: lexc FOLDER OUT\n", stderr), 2;
	const char *d = argv[1];
	file(d, "given.tsv", GIVEN);
	file(d, "surnames.tsv", SURNAME);
	file(d, "common.txt", COMMON);
	file(d, "frequent.txt", FREQUENT);
	file(d, "medical.txt", MEDICAL);
	file(d, "eponyms.txt", EPONYM);
	file(d, "eponym_heads.txt", EPO_HEAD);
	file(d, "places.tsv", PLACE);
	file(d, "bigplaces.txt", BIG);
	file(d, "world.txt", WORLD);
	file(d, "countries.txt", COUNTRY);
	file(d, "states.tsv", STATE);
	file(d, "counties.tsv", COUNTY);
	file(d, "hospitals.txt", HOSPITAL);

	/* One entry a word: bits joined, grades the higher ones. */
	qsort(e, n, sizeof *e, by_hash);
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		if (k && e[k - 1].h == e[i].h) {
			uint64_t a = e[k - 1].attr, b = e[i].attr, m = (a | b) & ~0xffull;
			m |= LEX_GIVEN(a) > LEX_GIVEN(b) ? LEX_GIVEN(a) : LEX_GIVEN(b);
			m |= (uint64_t)(LEX_SUR(a) > LEX_SUR(b) ? LEX_SUR(a) : LEX_SUR(b)) << 3;
			m |= (uint64_t)(LEX_COMMON(a) > LEX_COMMON(b) ? LEX_COMMON(a) : LEX_COMMON(b)) << 6;
			e[k - 1].attr = m;
		} else
			e[k++] = e[i];
	}
	n = k;
	uint64_t slots = 16;
	while (slots * 6 < n * 10)
		slots *= 2;
	uint64_t *t = calloc(slots, sizeof *t);
	if (!t)
		abort();
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (e[i].attr == 0)
			continue;
		uint64_t s = e[i].h & (slots - 1), v = (e[i].h >> 40) << 40 | e[i].attr;
		while (t[s])
			s = (s + 1) & (slots - 1);
		t[s] = v;
		count++;
	}
	uint64_t a[4] = { 1, 2, 3, 4 }, sum = 0;
	for (uint64_t i = 0; i < slots; i += 4)
		for (int j = 0; j < 4; j++)
			a[j] = phi_mix(a[j], t[i + (uint64_t)j]);
	for (int j = 0; j < 4; j++)
		sum = phi_mix(sum, a[j]);
	struct { char magic[8]; uint32_t version, zero; uint64_t slots, count, check; uint64_t pad[3]; } head =
	    { "PHILEX1\n", 2, 0, slots, count, sum, { 0 } };
	FILE *f = fopen(argv[2], "wb");
	if (!f || fwrite(&head, sizeof head, 1, f) != 1 || fwrite(t, sizeof *t, slots, f) != slots || fclose(f) != 0) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}
