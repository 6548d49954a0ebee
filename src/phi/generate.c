/* generate.c - `phi generate`: tickets of invented people, with their spans.
 *
 *   phi generate [--data DIR] [--seed N] [--count N] [--held-out] [--start SYMBOL]
 *
 * DIR/generate/ holds a grammar in files (*.txt, in the order of their names): @symbol
 * begins one or goes on with it, each line below is an
 * alternative, `*3 ` in front makes it three times as likely, $symbol goes on
 * there, {slot} is a value, {a|b|c} a choice, \n a line break,
 * \t a tab, \{ \} braces. Every ninth
 * alternative of a symbol with twelve or more is held out: used only, and then
 * preferred, with --held-out.
 *
 * A ticket has one cast: p the patient, q a relative, d a doctor, a an agent; x
 * is somebody new each time. {p} is the whole name in some order, {p.f} the
 * first name, {p.l} the last, {p.fl} both, {p.lf} last first, {p.fi} first and
 * initial, {p.il} initial and last, {p.inits}, {p.nick}, {p.up} in capitals,
 * {p.spell} the letters of the last name, {p.hl7}. {p.dob}, {p.phone}, {p.addr},
 * {p.mail}, {p.mrn} and so on belong to the person: the same value in another form
 * each time; {date}, {phone}, {addr}, {mrn} are new. invent.c has them all.
 *
 * Then noise: small letters, capitals, typing errors, lost blanks, line breaks
 * in the middle of things, smart quotes, HTML, look-alike digits; the spans'
 * offsets are carried along.
 */
#include "command.h"
#include "invent.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the grammar ------------------------------------------------------------------------------------------ */

struct symbol { char *name; char **alt; unsigned *weight; unsigned n, total; };
static struct symbol *symbols;
static unsigned nsymbols;
static bool held_out;

static struct symbol *
find(const char *name, size_t n)
{
	for (unsigned i = 0; i < nsymbols; i++)
		if (strlen(symbols[i].name) == n && !memcmp(symbols[i].name, name, n))
			return &symbols[i];
	return NULL;
}

static void
read_grammar(const char *dir)
{
	char pattern[4096];
	glob_t g;
	snprintf(pattern, sizeof pattern, "%s/generate/*.txt", dir);
	if (glob(pattern, 0, NULL, &g) != 0) {
		fprintf(stderr, "phi: generate: no %s\n", pattern);
		exit(1);
	}
	symbols = calloc(1000, sizeof *symbols);
	for (size_t f = 0; f < g.gl_pathc; f++) {
		struct symbol *s = NULL;
		size_t n;
		char *p = slurp(g.gl_pathv[f], &n), *nl;
		for (; *p; p = nl + 1) {
			char *q = p;
			nl = strchr(p, '\n');
			if (!nl)
				nl = p + strlen(p) - 1;
			else
				*nl = 0;
			if (*q == '#' || !*q)
				continue;
			if (*q == '@' && q[1] != ' ' && !strchr(q, ' ')) {
				s = find(q + 1, strlen(q + 1));
				if (!s && nsymbols < 1000) {
					s = &symbols[nsymbols++];
					*s = (struct symbol){ .name = q + 1, .alt = malloc(2000 * sizeof(char *)),
					    .weight = malloc(2000 * sizeof(unsigned)) };
				}
				continue;
			}
			if (!s || s->n == 2000)
				continue;
			unsigned w = 1;
			if (*q == '*' && q[1] >= '0' && q[1] <= '9') {
				w = (unsigned)strtoul(q + 1, &q, 10);
				q++;
			}
			s->alt[s->n] = q;
			s->weight[s->n++] = w;
			s->total += w;
		}
	}
	globfree(&g);
}

static void expand(const char *z, int depth);

static void
symbol(struct symbol *s, int depth)
{
	if (depth > 30)
		return;
	unsigned k = 0;
	for (int tries = 0; tries < 50; tries++) {
		unsigned x = below(s->total);
		for (k = 0; x >= s->weight[k]; k++)
			x -= s->weight[k];
		bool out = s->n >= 12 && k % 9 == 4;
		if (out == held_out || s->n < 12)
			break;
	}
	expand(s->alt[k], depth + 1);
}

static void
expand(const char *z, int depth)
{
	char b[1600];
	while (*z) {
		if (z[0] == '\\' && z[1] == 'n') {
			put("\n");
			z += 2;
		} else if (z[0] == '\\' && (z[1] == '{' || z[1] == '}' || z[1] == 't')) {
			b[0] = z[1] == 't' ? '\t' : z[1], b[1] = 0;
			put(b);
			z += 2;
		} else if (*z == '$' && (isalpha((unsigned char)z[1]))) {
			size_t n = 1;
			while (isalnum((unsigned char)z[n]) || z[n] == '-')
				n++;
			struct symbol *s = find(z + 1, n - 1);
			if (!s) {
				fprintf(stderr, "phi: generate: no symbol %.*s\n", (int)n, z);
				exit(1);
			}
			symbol(s, depth);
			z += n;
		} else if (*z == '{') {
			/* To the brace that closes it; choices may hold slots. */
			size_t n = 0;
			int open = 0;
			do
				open += (z[n] == '{') - (z[n] == '}');
			while (z[n++] && open > 0);
			n--;
			snprintf(b, sizeof b, "%.*s", (int)(n - 1), z + 1);
			unsigned count = 1;
			for (char *q = b; *q; q++) {
				open += (*q == '{') - (*q == '}');
				if (*q == '|' && open == 0)
					*q = '\1', count++;
			}
			if (count > 1) {
				unsigned k = below(count);
				char *q = b;
				while (k-- > 0)
					q = strchr(q, '\1') + 1;
				q[strcspn(q, "\1")] = 0;
				expand(q, depth + 1);
			} else if (!slot(b)) {
				fprintf(stderr, "phi: generate: no slot {%s}\n", b);
				exit(1);
			}
			z += n + (z[n] == '}');
		} else {
			b[0] = *z++, b[1] = 0;
			put(b);
		}
	}
}

/* ---- noise ---------------------------------------------------------------------------------------------------- */

/* Replaces `n` bytes at `at` by `by`, and moves the spans along. */
static void
splice(size_t at, size_t n, const char *by)
{
	size_t m = strlen(by);
	if (made.n + m >= MADE_CAP)
		return;
	memmove(made.text + at + m, made.text + at + n, made.n - at - n + 1);
	memcpy(made.text + at, by, m);
	made.n = made.n + m - n;
	for (unsigned i = 0; i < made.spans; i++) {
		if (made.span[i].at > at)
			made.span[i].at = made.span[i].at + m - n;
		if (made.span[i].end > at)
			made.span[i].end = made.span[i].end + m - n;
	}
}

/* Every byte `c` between letters (or anywhere) with the chance of `percent`. */
static void
swap(char c, const char *by, bool inside, unsigned percent)
{
	for (size_t i = 1; i + 1 < made.n; i++)
		if (made.text[i] == c && (!inside || isalpha((unsigned char)made.text[i - 1])) && chance(percent)) {
			splice(i, 1, by);
			i += strlen(by) - 1;
		}
}

static void
letters(void)
{
	char *t = made.text;
	unsigned r = below(100);
	if (r < 20) {
		for (size_t i = 0; i < made.n; i++)
			t[i] = (char)tolower((unsigned char)t[i]);
	} else if (r < 24) {
		for (size_t i = 0; i < made.n; i++)
			t[i] = (char)toupper((unsigned char)t[i]);
	} else if (r < 30) {
		/* Only the first letters of some words. */
		for (size_t i = 0; i < made.n; i++)
			if (chance(50))
				t[i] = (char)tolower((unsigned char)t[i]);
	}
	if (!chance(12))
		return;
	for (unsigned k = 1 + below(4); k > 0 && made.n > 20; k--) {
		size_t i = 1 + below((unsigned)made.n - 2);
		if (!islower((unsigned char)t[i]) || !islower((unsigned char)t[i - 1]))
			continue;
		switch (below(3)) {
		case 0: splice(i, 1, ""); break;
		case 1: { char c = t[i]; t[i] = t[i - 1]; t[i - 1] = c; break; }
		default: { char c[3] = { t[i], t[i], 0 }; splice(i, 1, c); }
		}
	}
}

/* What happens to a value alone: wrapped, read by a scanner, pasted from a page. */
static void
wear(unsigned k)
{
	static const char *const zero_width[] = { "\xe2\x80\x8b", "\xc2\xad", "\xe2\x80\x8c", "\xef\xbb\xbf" };
	size_t at = made.span[k].at, n = made.span[k].end - at;
	const char *label = made.span[k].label;
	bool number = strcmp(label, "NAME") && strcmp(label, "LOCATION") && strcmp(label, "FACILITY") && strncmp(label, "X_", 2);
	if (n < 5)
		return;
	size_t i = at + 1 + below((unsigned)n - 2);
	switch (below(5)) {
	case 0:
		for (size_t j = at; j < at + n; j++)
			if (made.text[j] == ' ') {
				splice(j, 1, chance(60) ? "\n" : chance(50) ? "\xc2\xa0" : "&nbsp;");
				break;
			}
		break;
	case 1:
		if (!((unsigned char)made.text[i] & 0x80))
			splice(i, 0, zero_width[below(4)]);
		break;
	case 2:
		for (size_t j = at; number && j < made.span[k].end; j++)
			if (made.text[j] >= '0' && made.text[j] <= '9') {
				char wide[4] = { '\xef', '\xbc', (char)('\x90' + made.text[j] - '0'), 0 };
				splice(j, 1, wide);
				j += 2;
			}
		break;
	case 3:
		for (size_t j = at; number && j < at + n; j++)
			if (made.text[j] == '0' && isdigit((unsigned char)made.text[j + 1]) && chance(50))
				made.text[j] = 'O';
			else if (made.text[j] == '1' && isdigit((unsigned char)made.text[j + 1]) && chance(30))
				made.text[j] = 'l';
		break;
	default:
		for (size_t j = at; j < at + n; j++)
			if (made.text[j] == '-' && chance(70))
				splice(j, 1, "\xe2\x80\x91"), j += 2;
	}
}

static void
noise(void)
{
	letters();
	if (chance(8)) {
		/* wrapped at 60 columns */
		size_t col = 0;
		for (size_t i = 0; i < made.n; i++, col++) {
			if (made.text[i] == '\n')
				col = 0;
			else if (made.text[i] == ' ' && col > 55)
				made.text[i] = '\n', col = 0;
		}
	}
	if (chance(6))
		swap('\'', "\xe2\x80\x99", true, 100);
	if (chance(5))
		swap(' ', chance(50) ? "  " : "\xc2\xa0", true, 20);
	if (chance(4))
		for (size_t i = 1; i + 1 < made.n; i++)
			if (made.text[i] == ' ' && made.text[i - 1] == ',' && chance(40))
				splice(i, 1, "");
	if (chance(3))
		swap('\n', chance(50) ? "<br>\n" : "\n> ", false, 100);
	if (chance(2))
		swap('\'', "&#39;", true, 100);
	if (chance(9) && made.spans)
		for (unsigned k = 1 + below(2); k > 0; k--)
			wear(below(made.spans));
}

static void
print(const char *prefix, unsigned number)
{
	printf("{\"id\": \"%s-%06u\", \"text\": \"", prefix, number);
	for (size_t i = 0; i < made.n; i++) {
		unsigned char c = (unsigned char)made.text[i];
		if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			fputc(' ', stdout);
		else
			fputc(c, stdout);
	}
	fputs("\", \"spans\": [", stdout);
	unsigned k = 0;
	for (unsigned i = 0; i < made.spans; i++) {
		/* {p.f} {p.l} is one name. */
		if (k && made.span[i].at == made.span[k - 1].end + 1 && made.text[made.span[i].at - 1] == ' ' && !strcmp(made.span[i].label, "NAME") &&
		    !strcmp(made.span[k - 1].label, "NAME"))
			made.span[k - 1].end = made.span[i].end;
		else
			made.span[k++] = made.span[i];
	}
	made.spans = k;
	for (unsigned i = 0; i < made.spans; i++)
		if (made.span[i].end > made.span[i].at)
			printf("%s{\"start\": %zu, \"end\": %zu, \"label\": \"%s\"}", i ? ", " : "", made.span[i].at, made.span[i].end, made.span[i].label);
	fputs("]}\n", stdout);
}

int
command_generate(int argc, char **argv)
{
	const char *dir = "data/phi", *start = "ticket";
	unsigned long count = 10, seed = 1;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--held-out")) {
			held_out = true;
			continue;
		}
		if (i + 1 == argc)
			return fprintf(stderr, "phi: generate: %s: unknown, or without a value\n", argv[i]), 2;
		const char *o = argv[i], *v = argv[++i];
		if (!strcmp(o, "--data")) dir = v;
		else if (!strcmp(o, "--seed")) seed = strtoul(v, NULL, 10);
		else if (!strcmp(o, "--count")) count = strtoul(v, NULL, 10);
		else if (!strcmp(o, "--start")) start = v;
		else
			return fprintf(stderr, "phi: generate: unknown option %s\n", o), 2;
	}
	invent_open(dir, seed);
	read_grammar(dir);
	struct symbol *s = find(start, strlen(start));
	if (!s)
		return fprintf(stderr, "phi: generate: no symbol %s\n", start), 2;
	for (unsigned long i = 0; i < count; i++) {
		people_new();
		made.n = 0, made.spans = 0, made.text[0] = 0;
		symbol(s, 0);
		noise();
		print("gen", (unsigned)i);
	}
	return 0;
}
