/* tagger.c - a linear-chain tagger over hashed features.
 *
 * Eleven tags: O and B/I of NAME, LOCATION, FACILITY, DATE, ID. A token's
 * score for a tag is the sum of one row entry for each of its features; rows
 * are found by hash, so the table is of fixed size and rare features may share
 * one. Viterbi finds the best sequence. Trained by `phi train` as an averaged
 * structured perceptron with margins (train.c).
 *
 * Model file, little endian:
 *    0  "PHIMOD1\n"
 *    8  u32 version 1, u32 rows (a power of two)
 *   16  u64 check: phi_mix over all that follows, 8 bytes at a time
 *   24  i16 unit, 6 zero bytes
 *   32  i16 start[16]
 *   64  i16 trans[16][16]    from, to
 *  576  i8  row[rows][16]    the lanes are tags, five are unused
 *
 * Where the time goes: rows are 16 bytes, so a feature is one load and two
 * adds; the table (1 MB) stays in the second-level cache. Two thirds of the
 * features depend on one word alone, and their sum for five positions around
 * it is kept in a small cache by word, so that running text pays for the
 * conjunctions only. Viterbi is eleven compare-and-blend steps on vectors.
 */
#include "engine.h"

#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define HEADER 576

bool
phi_tagger_open(struct tagger *t, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint32_t version, rows;
	uint64_t check, sum = 1, w;
	if (n < HEADER || memcmp(p, "PHIMOD1\n", 8) != 0)
		return false;
	memcpy(&version, p + 8, 4);
	memcpy(&rows, p + 12, 4);
	memcpy(&check, p + 16, 8);
	if (version != 1 || rows < 256 || rows > 1u << 22 || rows & (rows - 1) || n != HEADER + (size_t)rows * TAGS)
		return false;
	uint64_t lane[4] = { 1, 2, 3, 4 };
	for (size_t i = 24; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		lane[i / 8 & 3] = phi_mix(lane[i / 8 & 3], w);
	}
	for (int k = 0; k < 4; k++)
		sum = phi_mix(sum, lane[k]);
	if (sum != check)
		return false;
	memcpy(&t->unit, p + 24, 2);
	memcpy(&t->start, p + 32, 32);
	memcpy(t->trans, p + 64, sizeof t->trans);
	for (int i = 0; i < TAGS; i++)
		for (int j = 0; j < TAGS; j++)
			if (t->trans[i][j] > 6000 || t->trans[i][j] < -6000)
				return false;
	if (t->unit <= 0)
		return false;
	t->row = (const int8_t *)(p + HEADER);
	t->mask = rows - 1;
	return true;
}

/* ---- features ---------------------------------------------------------------------------------- */

/* What a token is, boiled down. */
struct sig {
	uint64_t w;        /* the word; numbers by their form */
	uint32_t lex;      /* grades and kinds of the lexicon, coarse */
	uint32_t shape;    /* case, kind, length class */
	uint32_t ls;       /* both, as one number */
	uint64_t suf, pre, ctx;
};

static inline uint32_t
lex_sig(const struct tok *k)
{
	static const uint8_t g3[8] = { 0, 1, 1, 2, 2, 3, 3, 3 };
	uint64_t x = k->lex;
	return (uint32_t)(g3[LEX_GIVEN(x)] | g3[LEX_SUR(x)] << 2 | LEX_COMMON(x) << 4 | ((x >> 8) & 0x7ff) << 6 | (x & LEX_WORLD ? 1u << 18 : 0));
}

static inline uint32_t
shape_sig(const struct scan *s, const struct tok *k)
{
	if (k->type == T_PUNCT)
		return 0x100u | (unsigned char)s->t[k->at];
	uint32_t len = k->len > 15 ? 9 : k->len > 8 ? 8 : k->len > 6 ? 7 : k->len;
	if (k->type == T_NUM)
		return 0x200u | len;
	uint32_t f = k->flags & (F_UP | F_ALLUP | F_MIXED | F_POSS);
	/* Marks that normalisation took off: hardly any English word had some. */
	uint32_t marked = !s->identity && s->map[k->at + k->len] - s->map[k->at] > k->len && k->len > 2 ? 0x10000u : 0;
	if (k->type == T_MIX)
		return 0x4000u | f << 4 | (len > 4 ? 5 : len) | (is_digit((unsigned char)s->t[k->at]) ? 8 : 0);
	return marked | 0x8000u | f << 4 | (k->len == 1 ? 1 : k->len < 4 ? 2 : 3) | ((unsigned char)s->t[k->at] >= 0x80 ? 4 : 0);
}

static void
signature(const struct scan *s, size_t i, struct sig *g)
{
	if (i >= s->ntok) {             /* also i before the first: SIZE_MAX */
		*g = (struct sig){ .w = 1, .lex = 0, .shape = 1, .ls = 1 };
		return;
	}
	const struct tok *k = &s->tok[i];
	g->shape = shape_sig(s, k);
	g->lex = lex_sig(k);
	g->ctx = k->ctx;
	g->w = k->type == T_NUM || k->type == T_MIX ? phi_mix(77, g->shape) : k->h;
	g->ls = (uint32_t)phi_mix(g->shape, g->lex);
	uint64_t a = 0, b = 0;
	if (k->type == T_WORD) {
		/* The last three letters, the last first; the first three. */
		const char *p = s->t + k->at;
		uint32_t n = k->len < 3 ? k->len : 3, tail, head, small = 0x202020u >> (24 - n * 8);
		memcpy(&tail, p + k->len - n, 4);
		memcpy(&head, p, 4);
		a = (tail & (0xffffffu >> (24 - n * 8))) | small;
		b = __builtin_bswap32(head) >> (32 - n * 8) | small;
		a = a << 8 | (k->flags & F_UP ? 1 : 0), b = b << 8 | (k->flags & F_UP ? 1 : 0);
	}
	g->suf = a, g->pre = b;
}

#define ROW(id, v) ((uint32_t)(phi_mix((uint64_t)(id) * 0x9e3779b97f4a7c15ull, (v)) >> 13))

/* Features of a word alone, seen from `d` positions off: 0 the word itself. */
static inline unsigned
word_rows(const struct sig *g, int d, uint32_t *r)
{
	unsigned n = 0, id = (unsigned)(d + 2) * 16;
	r[n++] = ROW(id + 1, g->w);
	r[n++] = ROW(id + 2, g->ls);
	if (d == 2 || d == -2)
		return n;
	r[n++] = ROW(id + 3, g->ctx);
	r[n++] = ROW(id + 4, g->suf);
	r[n++] = ROW(id + 5, g->shape);
	r[n++] = ROW(id + 6, g->lex);
	if (d == 0) {
		r[n++] = ROW(id + 7, g->pre);
		r[n++] = ROW(id + 8, phi_mix(g->w, g->shape));
	}
	return n;
}

/* Where the token stands. */
static inline uint32_t
stand(const struct scan *s, size_t i)
{
	const struct tok *k = &s->tok[i];
	uint32_t v = 0;
	bool first = i == 0 || k->flags & F_NL, last = i + 1 >= s->ntok || s->tok[i + 1].flags & F_NL;
	v |= first ? 1 : 0;
	v |= last ? 2 : 0;
	v |= k->flags & F_PARA ? 4 : 0;
	v |= i + 8 > s->ntok ? 8 : 0;
	v |= i < 4 ? 16 : 0;
	v |= last && !first && i > 0 && s->tok[i - 1].flags & F_NL ? 32 : 0;     /* second and last */
	v |= first && !last && i + 2 <= s->ntok && (i + 2 >= s->ntok || s->tok[i + 2].flags & F_NL) ? 64 : 0;
	v |= k->flags & F_SPACE ? 128 : 0;
	return v;
}

#define PAIRS 16
#define ALONE 24
static inline unsigned
pair_rows(const struct scan *s, size_t i, const struct sig *a2, const struct sig *a, const struct sig *b, const struct sig *c,
    uint32_t *r)
{
	unsigned n = 0;
	uint32_t where = stand(s, i);
	uint32_t mode = s->caps_upper * 12 < s->caps_lower ? 1 : s->caps_lower < s->caps_upper ? 2 : 0;
	uint8_t h0 = s->cover[i], hb = i ? s->cover[i - 1] : 0, ha = i + 1 < s->ntok ? s->cover[i + 1] : 0;
	r[n++] = ROW(100, phi_mix(a->w, b->ls));
	r[n++] = ROW(101, phi_mix(c->w, b->ls));
	r[n++] = ROW(102, (uint64_t)a->ls << 32 | b->ls);
	r[n++] = ROW(103, (uint64_t)b->ls << 32 | c->ls);
	r[n++] = ROW(104, phi_mix((uint64_t)a->shape << 32 | c->shape, b->shape));
	r[n++] = ROW(105, phi_mix((uint64_t)a->lex << 32 | c->lex, b->lex));
	r[n++] = ROW(106, (uint64_t)where << 32 | b->ls);
	r[n++] = ROW(107, (uint64_t)mode << 32 | b->ls);
	r[n++] = ROW(108, (uint64_t)h0 << 16 | (uint64_t)hb << 8 | ha | (uint64_t)b->shape << 24);
	r[n++] = ROW(109, phi_mix(phi_mix(a2->w, a->w), b->shape));
	r[n++] = ROW(110, phi_mix(phi_mix(a->w, c->w), b->shape));
	r[n++] = ROW(111, phi_mix((uint64_t)where << 32 | a->shape, c->shape));
	r[n++] = ROW(112, phi_mix(phi_mix(a->ctx, c->ctx), b->ls));
	uint8_t t0 = s->hint[i], tb = i ? s->hint[i - 1] : 0, ta = i + 1 < s->ntok ? s->hint[i + 1] : 0;
	r[n++] = ROW(114, (uint64_t)t0 << 32 | b->shape);
	r[n++] = ROW(115, (uint64_t)t0 << 32 | (uint64_t)tb << 8 | ta);
	r[n++] = ROW(113, phi_mix(a2->ctx, (uint64_t)b->ls << 32 | a->shape));
	return n;
}

unsigned
phi_features(const struct scan *s, size_t i, uint32_t *row, uint32_t mask)
{
	struct sig g[5];
	unsigned n = 0;
	for (int d = -2; d <= 2; d++) {
		signature(s, i + (size_t)d, &g[d + 2]);
		n += word_rows(&g[d + 2], d, row + n);
	}
	n += pair_rows(s, i, &g[0], &g[1], &g[2], &g[3], row + n);
	for (unsigned k = 0; k < n; k++)
		row[k] &= mask;
	return n;
}

/* ---- decoding ------------------------------------------------------------------------------------ */

static bool
tag_room(struct scan *s, size_t n)
{
	if (n <= s->tagcap)
		return true;
	size_t cap = n + n / 2 + 64;
	tagvec *e = aligned_alloc(64, (cap * sizeof *e + 63) & ~(size_t)63);
	int16_t (*b)[TAGS] = malloc(cap * sizeof *b);
	uint8_t *g = malloc(cap);
	if (!e || !b || !g) {
		free(e), free(b), free(g);
		s->nomem = true;
		return false;
	}
	free(s->emit), free(s->score), free(s->tag);
	s->emit = e, s->score = b, s->tag = g;
	s->tagcap = cap;
	return true;
}

static bool
all_words(const struct scan *s, size_t from, size_t to, uint64_t lex)
{
	for (size_t i = from; i < to; i++)
		if (s->tok[i].type != T_PUNCT && !(s->tok[i].lex & lex))
			return false;
	return true;
}

/* Texas, East Tennessee, rural Montana, Mexico: lawful to keep. New York and
 * Washington are towns as well. */
static bool
only_state(const struct scan *s, size_t from, size_t to)
{
	bool state = false;
	for (size_t i = from; i < to; i++) {
		const struct tok *k = &s->tok[i];
		uint64_t got = 0;
		size_t n;
		if (k->type == T_PUNCT)
			continue;
		if (k->lex & LEX_BIGPLACE || k->type != T_WORD)
			return false;
		if (k->lex & (LEX_STATE | LEX_COUNTRY | LEX_ABBR) && k->flags & F_UP && !(k->len == 2 && !(k->flags & F_ALLUP)))
			state = true;
		else if ((n = phi_phrase(s, i, LEX_STATE, &got)) && got & LEX_STATE && !(got & LEX_BIGPLACE) && i + n <= to)
			state = true, i += n - 1;
		else if (!(k->ctx & s->phi->wc[W_DIR]) && ((k->flags & F_UP && i > from) || !LEX_COMMON(k->lex)))
			return false;
	}
	return state;
}

/* Our Jordan office handles Middle East accounts: a place in capitals ends before a verb in small letters. */
static size_t
trim_place(const struct scan *s, size_t from, size_t to)
{
	const uint64_t *wc = s->phi->wc;
	bool upper = false;
	for (size_t i = from; i < to; i++) {
		const struct tok *k = &s->tok[i];
		if (k->type == T_WORD && !capital(s, k, 3) && upper && k->len > 3 && LEX_COMMON(k->lex) && !(k->ctx & (wc[W_FACHEAD] |
		    wc[W_STREET] | wc[W_UNIT] | wc[W_DIR] | wc[W_PARTICLE] | wc[W_POBOX])) && !(k->lex & LEX_PLACE))
			return i;
		upper |= capital(s, k, 3) && k->type == T_WORD;
	}
	/* Rite Aid no */
	while (upper && to > from + 1 && s->tok[to - 1].type == T_WORD && !capital(s, &s->tok[to - 1], 3) && LEX_COMMON(s->tok[to - 1].lex) == 3)
		to--;
	return to;
}

/* What no training taught well enough: rules that a span must keep. */
/* What follows a thing in a heading, never a name: for, from, of, about, amount. */
static bool
heading_word(const struct scan *s, size_t i)
{
	static const char *const words[] = { "for", "from", "of", "about", "amount", "total", "date", "number", "is too", "is wrong", "is due" };
	const struct tok *k = &s->tok[i];
	const char *p = s->t + k->at;

	for (size_t w = 0; w < COUNTOF(words); w++) {
		size_t n = strlen(words[w]);
		if (k->at + n <= s->tn && memcmp(p, words[w], n) == 0 && (k->at + n == s->tn || p[n] == ' ' || p[n] == '\n'))
			return true;
	}
	return false;
}

/* Who or what a question is about: will there, may I. */
static bool
asks(const struct scan *s, size_t i)
{
	static const char *const words[] = { "there", "you", "this", "that", "it", "i", "we", "he", "she", "they", "my", "the", "your", "someone",
		"anyone", "somebody", "our", "his", "her", "call", "send", "need", "try", "be", "do", "have", "get", "check", "follow", "fax", "forward",
		"update", "advise", "contact", "not", "also", "someone's" };
	if (i >= s->ntok || s->tok[i].type != T_WORD)
		return false;
	for (size_t w = 0; w < COUNTOF(words); w++)
		if (s->tok[i].h == phi_word_hash(words[w], strlen(words[w])))
			return true;
	return false;
}

static bool
plausible(struct scan *s, size_t from, size_t to, int kind, int lead)
{
	bool small = false;      /* in, at, the: not inside of a place in small letters */
	bool digits = false, upper = false, dateword = false, place = false;
	unsigned plain = 0, words = 0;
	const uint64_t *wc = s->phi->wc;
	for (size_t i = from; i < to; i++) {
		const struct tok *k = &s->tok[i];
		if (k->type == T_PUNCT)
			continue;
		words++;
		digits |= k->type != T_WORD;
		upper |= (k->flags & F_UP) != 0;
		dateword |= (k->ctx & (wc[W_MONTH] | wc[W_WEEKDAY])) != 0;
		place |= (k->lex & (LEX_PLACE | LEX_WORLD | LEX_PLACE_HEAD | LEX_STATE | LEX_HOSP_HEAD)) != 0;
		small |= LEX_COMMON(k->lex) == 3 && k->len < 4;
		plain += k->type == T_WORD && ((!(k->flags & F_UP) && (LEX_COMMON(k->lex) || k->lex & LEX_MEDICAL)) || (k->flags & F_UP && !capital(s, k, 2)));
	}
	const struct tok *first = &s->tok[from], *last = &s->tok[to - 1];
	const char *p = s->t + first->at;
	size_t n = last->at + last->len - first->at;
	switch (kind) {
	case 0: {
		/* Barrett esophagus, Lou Gehrig's disease, and lists of such; Dr. Foley is a person. */
		bool title = from > 0 && (s->tok[from - 1].ctx & wc[W_TITLE] ||
		    (from > 1 && s->tok[from - 1].type == T_PUNCT && s->tok[from - 2].ctx & wc[W_TITLE]));
		bool eponym = last->lex & LEX_EPONYM || (words > 1 && phi_phrase(s, from, LEX_EPONYM, NULL));
		if (!title && ((eponym && to < s->ntok && s->tok[to].lex & LEX_EPO_HEAD) || (words > 1 && last->lex & LEX_EPO_HEAD &&
		    s->tok[from].lex & LEX_EPONYM) || all_words(s, from, to, LEX_EPONYM)))
			return false;
		/* GERD, Rx, PTSD */
		if (words == 1 && !title && first->len <= 5 && (first->flags & F_ALLUP || first->lex & LEX_MEDICAL) && LEX_GIVEN(first->lex) < 3 &&
		    LEX_SUR(first->lex) < 4 && !(s->caps_lower < s->caps_upper) && (first->len > 2 || first->lex & LEX_MEDICAL ||
		    !(first->flags & F_NL)))
			return false;
		if (words == 1 && !title && first->ctx & wc[W_WEEKDAY])
			return false;
		/* Wells Fargo, Chase Corp. */
		if (words > 1 && !title && last->ctx & wc[W_COMPANY] && last->flags & F_UP)
			return false;
		/* Bill for my visit, Bill from March: a heading's first word, and no person in front of such a word. */
		if (words == 1 && !title && first->ctx & wc[W_NOTNAME] && !(first->flags & F_POSS) && (from == 0 || first->flags & F_NL) &&
		    to < s->ntok && heading_word(s, to))
			return false;
		/* I've asked; OBR|1|; drew my blood */
		for (size_t i = from; i < to; i++) {
			const char *q = memchr(s->t + s->tok[i].at, '\'', s->tok[i].len);
			size_t rest = q ? (size_t)(s->t + s->tok[i].at + s->tok[i].len - q) : 0;
			if (rest && rest < 4 && (!memcmp(q, "'ve", 3) || !memcmp(q, "'ll", 3) || !memcmp(q, "'re", 3) || !memcmp(q, "'m", 2) ||
			    !memcmp(q, "'t", 2)) && s->tok[i].len < 8)
				return false;
		}
		if (words == 1 && first->len == 3 && first->flags & F_ALLUP && s->t[first->at + 3] == '|')
			return false;
		/* A word of the language in small letters, in a text that has capitals: drew, post, mask. */
		if (plain == words && s->caps_upper * 12 >= s->caps_lower &&
		    !(phi_context(s, from, 2, 0) & (wc[W_TITLE] | wc[W_KIN] | wc[W_GREET])))
			return false;
		/* Will there be one in May? */
		if (words == 1 && !title && first->flags & F_UP && (first->h == phi_word_hash("will", 4) || first->h == phi_word_hash("may", 3)) &&
		    asks(s, to))
			return false;
		return !(plain == words && lead < s->phi->tagger.unit * 15) && !digits;
	}
	case 1: case 2:
		/* Creon 36,000 */
		if (kind == 1 && words == 1 && first->type == T_NUM && first->len == 3 && from > 1 && s->t[first->at - 1] == ',' &&
		    is_digit((unsigned char)s->t[first->at - 2]))
			return false;
		/* Rite Aid: which of a thousand? */
		if (kind == 2 && words < 3 && last->ctx & wc[W_BRAND] && !digits)
			return false;
		if (kind == 2 && words > 1 && last->ctx & wc[W_COMPANY] && last->flags & F_UP)
			return false;
		if (!digits && only_state(s, from, to))
			return false;
		if (words == 1 && plain && LEX_COMMON(first->lex) > 1 && !(first->lex & LEX_BIGPLACE))
			return false;
		/* urgent care, drive thru: words of the language only */
		if (!upper && !digits) {
			bool town = false;
			for (size_t i = from; i < to; i++)
				town |= (s->tok[i].lex & (LEX_PLACE | LEX_WORLD | LEX_BIGPLACE)) || !LEX_COMMON(s->tok[i].lex);
			if (!town)
				return false;
		}
		return !(plain == words && !place && !digits) && !(!upper && small);
	case 3:
		if (dateword && (digits || words > 1))
			return true;
		/* Rating: 5/5 */
		if (n < 6 && to - from == 3 && memchr(p, '/', n) && (phi_context(s, from, 4, 0) | phi_context(s, to, 0, 1)) & wc[W_NOTDATE])
			return false;
		return digits && (phi_check_of("date", 4)(p, n) != CHECK_NO || (words <= 2 && phi_check_of("age90", 5)(p, n) != CHECK_NO));
	default:
		/* An identifier without a digit is a word; 300mg is a dose. */
		if (!digits || phi_check_of("code", 4)(p, n) < -10)
			return false;
		/* error AADSTS50058, model 10402-1 */
		if (phi_context(s, from, 2, 0) & wc[W_CODE] && !(phi_context(s, from, 3, 0) & s->phi->id_words))
			return false;
		/* E13, B047, 4x4: so short a code needs a word that asks for it. */
		return n > 4 || phi_context(s, from, 2, 0) & s->phi->id_words;
	}
}

/* Sums of a word alone, as seen from five places: its rows, one list a place. */
static inline unsigned
alone_rows(const struct sig *g, uint32_t *r)
{
	unsigned n = 0;
	for (int d = -2; d <= 2; d++)
		n += word_rows(g, d, r + n);
	return n;
}

#define PREFETCH(t, r) __builtin_prefetch((t)->row + (size_t)((r) & (t)->mask) * TAGS)

/* decode.h twice: for every processor, and for those that widen and add a row of
 * weights in two instructions. */
#define BLOCK 16
#define DECODE(name) name##_any
#include "decode.h"
#undef DECODE
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#endif
#define DECODE(name) name##_avx2
#define DECODE_AVX2
#include "decode.h"
#undef DECODE
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/* A missed identifier is worse than a false one: the dial's zero leans so far to finding. */
#define LEAN 25

void
phi_tag(struct scan *s)
{
	const struct tagger *t = &s->phi->tagger;
	size_t n = s->ntok;
	if (n == 0 || !tag_room(s, n))
		return;
#ifdef __x86_64__
	if (s->phi->cpu & CPU_AVX2)
		decode_avx2(s, t);
	else
#endif
		decode_any(s, t);
	static const uint8_t kind[5] = { PHI_NAME, PHI_LOCATION, PHI_FACILITY, PHI_DATE, PHI_OTHERID };
	for (size_t i = 0; i < n;) {
		int tag = s->tag[i];
		if (tag == TAG_O) {
			i++;
			continue;
		}
		size_t j = i + 1;
		int inside = (tag & 1) ? tag + 1 : tag;
		while (j < n && s->tag[j] == inside && !(inside == TAG_INAME && (column(s, j) || s->tok[j].flags & F_PARA)))
			j++;
		/* How sure: the mean lead over O. */
		int lead = 0;
		size_t from = i, to = j;
		for (size_t k = i; k < j; k++)
			lead += s->emit[k][s->tag[k]] - s->emit[k][TAG_O];
		lead /= (int)(j - i);
		while (from < to && s->tok[from].type == T_PUNCT && !strchr("(#", s->t[s->tok[from].at]))
			from++;
		while (to > from && s->tok[to - 1].type == T_PUNCT)
			to--;
		int k5 = (tag - 1) / 2;
		/* Jose Brown    Challenge: what the next column begins with is a name only if it is like one. */
		if (tag == TAG_INAME && to == from + 1 && (column(s, from) || s->tok[from].flags & F_PARA) && LEX_COMMON(s->tok[from].lex) &&
		    LEX_SUR(s->tok[from].lex) < 4 && LEX_GIVEN(s->tok[from].lex) < 4) {
			i = j;
			continue;
		}
		/* female, Karen L; Diabetes, Paul Winters: what no one is called does not begin a name. */
		while (k5 == 0 && to > from + 1 && s->tok[from].type == T_WORD && (LEX_COMMON(s->tok[from].lex) || s->tok[from].lex & LEX_MEDICAL) &&
		    ((LEX_SUR(s->tok[from].lex) < 2 && LEX_GIVEN(s->tok[from].lex) < 2) || (!(s->tok[from].flags & F_UP) &&
		    s->tok[from + 1].type == T_PUNCT && to > from + 2 && s->tok[from + 2].flags & F_UP)) && !(s->tok[from].ctx & (s->phi->wc[W_PARTICLE] |
		    s->phi->wc[W_TITLE])) && (s->tok[from + 1].type == T_PUNCT ? s->t[s->tok[from + 1].at] == ',' && to > from + 2 :
		    !(s->tok[from].flags & F_UP) && s->tok[from + 1].flags & F_UP))
			from += s->tok[from + 1].type == T_PUNCT ? 2 : 1;
		/* Thx, Val; Connie's Part D */
		if (k5 == 0 && to > from + 2 && s->tok[from].ctx & s->phi->wc[W_SIGN] && s->tok[from + 1].type == T_PUNCT && s->t[s->tok[from + 1].at] == ',')
			from += 2;
		for (size_t k = from; k5 == 0 && k + 1 < to; k++)
			if (s->tok[k].flags & F_POSS)
				to = k + 1;
		/* A number begins behind the words that ask for it: SSN 123; but RX 48812, A 99 */
		while (k5 == 4 && to > from + 1 && s->tok[from].type == T_WORD && s->tok[from + 1].flags & F_SPACE &&
		    (!(s->tok[from].flags & F_UP) || s->tok[from].len > 3 || s->tok[from].ctx & s->phi->id_words))
			from++;
		while (k5 == 4 && to > from + 1 && s->tok[to - 1].type == T_WORD && s->tok[to - 1].flags & F_SPACE &&
		    (!(s->tok[to - 1].flags & F_UP) || s->tok[to - 1].len > 3))
			to--;
		if ((k5 == 1 || k5 == 2) && to > from + 1)
			to = trim_place(s, from, to);
		if (to > from && plausible(s, from, to, k5, lead)) {
			const struct tok *last = &s->tok[to - 1];
			int score = 58 + lead / t->unit;
			const char *p = s->t + s->tok[from].at;
			size_t bytes = last->at + last->len - s->tok[from].at;
			/* A rule that knows the form names the kind; the model only adds to it. */
			for (size_t k = from; k < to; k++) {
				int c = (int)s->cover[k] - 1;
				if (c >= 0 && c != PHI_LOCATION && c != PHI_FACILITY && c != kind[k5] && score > 51 && !(k5 == 3 && c == PHI_AGE90))
					score = 51;
			}
			/* Dates and ages over 89 share a tag. */
			bool age = k5 == 3 && bytes <= 12 && phi_check_of("date", 4)(p, bytes) == CHECK_NO &&
			    phi_check_of("age90", 5)(p, bytes) != CHECK_NO &&
			    is_digit((unsigned char)*p);
			/* St. Luke's keeps its 's, Maria's does not. */
			cand_add(s, s->tok[from].at, last->at + last->len + (k5 > 0 && last->flags & F_POSS ? 2u : 0u),
			    age ? PHI_AGE90 : kind[k5],
			    score < 50 ? 50 : score > 95 ? 95 : score, s->phi->r_tag[k5]);
		}
		i = j;
	}
}
