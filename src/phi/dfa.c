/* dfa.c - patterns that cannot blow up.
 *
 * A pattern is a regular expression without look-around and back references:
 * literals, . [a-z] [^x] \d \w \s \. ( ) | ? * + {m} {m,n}, and (?i) in front or (?i:...).
 * It is parsed to a Thompson automaton and made deterministic when the rules
 * are read, so a match costs one table look-up a byte whatever the pattern and
 * the text are: there is no backtracking, nothing to allocate, no generated
 * code (a hardened process may forbid writable executable pages). What would
 * need too many states is refused with the reason. A match is anchored at its
 * first byte and at most MATCH_MAX bytes long.
 *
 * Bytes that no part of the pattern tells apart share a column: a table has
 * states * columns entries, most are below 4 KB. State 0 is dead.
 */
#include "engine.h"

#include <stdlib.h>

#define NFA_MAX   3000
#define DFA_MAX   1500
#define PATTERN_MAX 1024

struct dfa {
	uint8_t   col[256];
	unsigned  columns, states;
	uint8_t  *accept;
	uint16_t *next;               /* [state * columns + column] */
	/* The same, for matching: where the next state's row begins, twice, + 1 if
	 * it accepts. Short where 15 bits are enough: small tables stay near. */
	uint16_t *small;
	uint32_t *large;
};

/* ---- the pattern, parsed straight into an automaton ---------------------------------------- */

struct set { uint64_t b[4]; };

struct nfa_state { int set; int out, out1; };   /* set -1: split to out and out1; -2: the end */

struct build {
	const char *p, *end;
	const char *why;
	bool        fold;
	struct nfa_state *s;
	int         n;
	struct set *sets;
	int         nsets;
	int         depth;
};

struct frag { int in, out; };   /* `out` is a split state whose out is still open */

static inline void set_add(struct set *s, unsigned c) { s->b[c >> 6] |= 1ull << (c & 63); }
static inline bool set_has(const struct set *s, unsigned c) { return s->b[c >> 6] >> (c & 63) & 1; }

static int
state(struct build *b, int set, int out, int out1)
{
	if (b->n >= NFA_MAX) {
		b->why = "the pattern is too large";
		return 0;
	}
	b->s[b->n] = (struct nfa_state){ set, out, out1 };
	return b->n++;
}

static int
new_set(struct build *b, struct set s)
{
	if (b->fold)
		for (unsigned c = 'a'; c <= 'z'; c++)
			if (set_has(&s, c) || set_has(&s, c - 32)) {
				set_add(&s, c);
				set_add(&s, c - 32);
			}
	for (int i = 0; i < b->nsets; i++)
		if (!memcmp(&b->sets[i], &s, sizeof s))
			return i;
	if (b->nsets >= 200) {
		b->why = "too many character classes";
		return 0;
	}
	b->sets[b->nsets] = s;
	return b->nsets++;
}

static bool
escape_set(char c, struct set *s)
{
	switch (c) {
	case 'd':
		for (unsigned i = '0'; i <= '9'; i++)
			set_add(s, i);
		return true;
	case 'w':
		for (unsigned i = 0; i < 256; i++)
			if (is_alnum_((unsigned char)i) || i == '_')
				set_add(s, i);
		return true;
	case 's':
		set_add(s, ' '), set_add(s, '\t'), set_add(s, '\n'), set_add(s, '\r');
		return true;
	case 'a':
		for (unsigned i = 0; i < 256; i++)
			if (is_letter((unsigned char)i))
				set_add(s, i);
		return true;
	case 'n': set_add(s, '\n'); return true;
	case 't': set_add(s, '\t'); return true;
	default:
		if (is_alnum_((unsigned char)c))
			return false;
		set_add(s, (unsigned char)c);
		return true;
	}
}

static bool
bracket(struct build *b, struct set *s)
{
	bool not = false;
	if (b->p < b->end && *b->p == '^')
		not = true, b->p++;
	for (bool any = false;; any = true) {
		if (b->p >= b->end)
			return b->why = "[ without ]", false;
		unsigned char c = (unsigned char)*b->p++;
		if (c == ']' && any)
			break;
		if (c == '\\') {
			if (b->p >= b->end || !escape_set(*b->p++, s))
				return b->why = "unknown escape", false;
			continue;
		}
		unsigned char hi = c;
		if (b->p + 1 < b->end && *b->p == '-' && b->p[1] != ']') {
			hi = (unsigned char)b->p[1];
			b->p += 2;
			if (hi < c)
				return b->why = "a range runs backwards", false;
		}
		for (unsigned i = c; i <= hi; i++)
			set_add(s, i);
	}
	if (not)
		for (int i = 0; i < 4; i++)
			s->b[i] = ~s->b[i];
	return true;
}

static struct frag alternatives(struct build *b);

static struct frag
atom(struct build *b)
{
	struct set s = { { 0 } };
	char c = *b->p++;
	if (c == '(') {
		if (++b->depth > 20) {
			b->why = "nested too deep";
			return (struct frag){ 0, 0 };
		}
		bool fold = b->fold;
		if (b->p + 1 < b->end && b->p[0] == '?' && b->p[1] == ':')
			b->p += 2;
		else if (b->end - b->p > 2 && !memcmp(b->p, "?i:", 3))
			b->p += 3, b->fold = true;
		else if (b->p < b->end && b->p[0] == '?') {
			b->why = "look-around and inline options are not supported";
			return (struct frag){ 0, 0 };
		}
		struct frag f = alternatives(b);
		b->depth--;
		b->fold = fold;
		if (b->why)
			return f;
		if (b->p >= b->end || *b->p != ')') {
			b->why = "( without )";
			return f;
		}
		b->p++;
		return f;
	}
	if (c == '[') {
		if (!bracket(b, &s))
			return (struct frag){ 0, 0 };
	} else if (c == '.') {
		for (unsigned i = 0; i < 256; i++)
			if (i != '\n')
				set_add(&s, i);
	} else if (c == '\\') {
		if (b->p < b->end && *b->p >= '1' && *b->p <= '9') {
			b->why = "back references are not supported";
			return (struct frag){ 0, 0 };
		}
		if (b->p >= b->end || !escape_set(*b->p++, &s)) {
			b->why = "unknown escape";
			return (struct frag){ 0, 0 };
		}
	} else if (strchr("*+?{", c)) {
		b->why = "nothing to repeat";
		return (struct frag){ 0, 0 };
	} else if (c == '^' || c == '$') {
		b->why = "^ and $ are not supported: say start and edge";
		return (struct frag){ 0, 0 };
	} else
		set_add(&s, (unsigned char)c);
	int set = new_set(b, s);
	int out = state(b, -1, -1, -1);
	int in = state(b, set, out, -1);
	return (struct frag){ in, out };
}

static bool
number(struct build *b, int *v)
{
	if (b->p >= b->end || !is_digit((unsigned char)*b->p))
		return false;
	*v = 0;
	while (b->p < b->end && is_digit((unsigned char)*b->p) && *v < 1000)
		*v = *v * 10 + (*b->p++ - '0');
	return true;
}

static struct frag
empty(struct build *b)
{
	int out = state(b, -1, -1, -1);
	return (struct frag){ out, out };
}

static struct frag
join(struct build *b, struct frag x, struct frag y)
{
	b->s[x.out].out = y.in;
	return (struct frag){ x.in, y.out };
}

static struct frag
repeat(struct build *b)
{
	const char *from = b->p;
	struct frag f = atom(b);
	while (!b->why && b->p < b->end && strchr("*+?{", *b->p)) {
		int lo, hi;
		const char *atom_end = b->p;
		char c = *b->p++;
		if (c == '*') lo = 0, hi = -1;
		else if (c == '+') lo = 1, hi = -1;
		else if (c == '?') lo = 0, hi = 1;
		else {
			if (!number(b, &lo)) {
				b->why = "{ needs a number";
				return f;
			}
			hi = lo;
			if (b->p < b->end && *b->p == ',') {
				b->p++;
				if (!number(b, &hi))
					hi = -1;
			}
			if (b->p >= b->end || *b->p++ != '}') {
				b->why = "{ without }";
				return f;
			}
			if (lo > 250 || hi > 250 || (hi >= 0 && hi < lo)) {
				b->why = "a repeat must be 0 to 250, low before high";
				return f;
			}
		}
		if (b->p < b->end && strchr("*+?{", *b->p)) {
			b->why = "a repeat of a repeat: use a group";
			return f;
		}
		/* Parse the atom again for each copy: copies share nothing. */
		const char *after = b->p;
		struct frag all = empty(b);
		for (int i = 0; i < lo && !b->why; i++) {
			b->p = from, b->end = b->end;
			all = join(b, all, atom(b));
		}
		if (hi < 0 && !b->why) {
			b->p = from;
			struct frag one = atom(b);
			int out = state(b, -1, -1, -1);
			int split = state(b, -1, one.in, out);
			b->s[one.out].out = split;
			all = join(b, all, (struct frag){ split, out });
		}
		int last = state(b, -1, -1, -1);
		for (int i = lo; i < hi && !b->why; i++) {
			b->p = from;
			struct frag one = atom(b);
			int split = state(b, -1, one.in, last);
			all = join(b, all, (struct frag){ split, one.out });
		}
		if (!b->why)
			b->s[all.out].out = last;
		all.out = last;
		f = all;
		(void)atom_end;
		b->p = after;
	}
	return f;
}

static struct frag
sequence(struct build *b)
{
	struct frag f = empty(b);
	while (!b->why && b->p < b->end && *b->p != '|' && *b->p != ')')
		f = join(b, f, repeat(b));
	return f;
}

static struct frag
alternatives(struct build *b)
{
	struct frag f = sequence(b);
	while (!b->why && b->p < b->end && *b->p == '|') {
		b->p++;
		struct frag g = sequence(b);
		int out = state(b, -1, -1, -1);
		int in = state(b, -1, f.in, g.in);
		b->s[f.out].out = out;
		b->s[g.out].out = out;
		f = (struct frag){ in, out };
	}
	return f;
}

/* ---- made deterministic ---------------------------------------------------------------------- */

/* Only states that read a byte, and the end, are kept in a DFA state. */
static void
closure(const struct build *b, int at, uint64_t *in, uint32_t *mark, uint32_t now, int *stack, int max)
{
	int n = 0;
	stack[n++] = at;
	while (n > 0) {
		int i = stack[--n];
		if (i < 0 || mark[i] == now)
			continue;
		mark[i] = now;
		if (b->s[i].set >= 0 || b->s[i].set == -2)
			in[i >> 6] |= 1ull << (i & 63);
		else if (n + 2 < max) {
			stack[n++] = b->s[i].out;
			stack[n++] = b->s[i].out1;
		}
	}
}

struct work {
	uint64_t *sets;         /* DFA state -> NFA states */
	size_t    words;
	unsigned  states;
	uint32_t *hash;         /* open addressing over the sets */
};

static unsigned
find_state(struct work *w, const uint64_t *set, bool *is_new)
{
	uint64_t h = 1469598103934665603ull;
	for (size_t i = 0; i < w->words; i++)
		h = (h ^ set[i]) * 0x9e3779b97f4a7c15ull, h ^= h >> 29;
	*is_new = false;
	for (uint32_t i = (uint32_t)h & 4095;; i = (i + 1) & 4095) {
		if (w->hash[i] == 0) {
			if (w->states > DFA_MAX)
				return 0;
			memcpy(w->sets + w->words * w->states, set, w->words * 8);
			w->hash[i] = w->states;
			*is_new = true;
			return w->states++;
		}
		if (!memcmp(w->sets + w->words * w->hash[i], set, w->words * 8))
			return w->hash[i];
	}
}

static void
columns(struct dfa *d, const struct build *b)
{
	/* Bytes with the same membership in every set share a column. */
	unsigned n = 1;
	memset(d->col, 0, sizeof d->col);
	for (int i = 0; i < b->nsets; i++) {
		int16_t to[256];
		unsigned was = n;
		memset(to, -1, sizeof to);
		bool stays[256] = { false };
		for (unsigned c = 0; c < 256; c++)
			if (!set_has(&b->sets[i], c))
				stays[d->col[c]] = true;
		for (unsigned c = 0; c < 256; c++) {
			unsigned k = d->col[c];
			if (!set_has(&b->sets[i], c) || !stays[k] || k >= was)
				continue;
			if (to[k] < 0)
				to[k] = (int16_t)n++;
			d->col[c] = (uint8_t)to[k];
		}
	}
	d->columns = n;
}

struct dfa *
phi_dfa_new(const char *pattern, size_t n, const char **why)
{
	struct build b = { .p = pattern, .end = pattern + n };
	struct dfa *d = NULL;
	struct work w = { 0 };
	uint32_t *mark = NULL, now = 1;     /* mark[i] == now: state i is in the set being made */
	int *stack = NULL;
	uint64_t *set = NULL;

	*why = "out of memory";
	if (n == 0 || n > PATTERN_MAX) {
		*why = n ? "the pattern is too long" : "the pattern is empty";
		return NULL;
	}
	if (n > 4 && !memcmp(b.p, "(?i)", 4))
		b.fold = true, b.p += 4;
	b.s = calloc(NFA_MAX + 1, sizeof *b.s);
	b.sets = calloc(201, sizeof *b.sets);
	if (!b.s || !b.sets)
		goto out;
	struct frag f = alternatives(&b);
	if (!b.why && b.p < b.end)
		b.why = ") without (";
	int last = state(&b, -2, -1, -1);
	if (b.why) {
		*why = b.why;
		goto out;
	}
	b.s[f.out].out = last;

	d = calloc(1, sizeof *d);
	w.words = ((size_t)b.n + 63) / 64;
	w.sets = calloc(DFA_MAX + 2, w.words * 8);
	w.hash = calloc(4096, sizeof *w.hash);
	w.states = 1;
	mark = calloc((size_t)b.n, sizeof *mark);
	stack = calloc((size_t)b.n * 2 + 4, sizeof *stack);
	set = calloc(w.words, 8);
	if (!d || !w.sets || !w.hash || !mark || !stack || !set)
		goto fail;
	columns(d, &b);
	size_t cap = 64;
	d->next = calloc(cap * d->columns, sizeof *d->next);
	if (!d->next)
		goto fail;
	uint8_t sample[256];
	for (unsigned c = 256; c-- > 0;)
		sample[d->col[c]] = (uint8_t)c;

	bool fresh;
	int max = b.n * 2 + 4;
	closure(&b, f.in, set, mark, now, stack, max);
	find_state(&w, set, &fresh);
	for (unsigned s = 1; s < w.states; s++) {
		if (s >= cap) {
			size_t more = cap * 2;
			uint16_t *next = realloc(d->next, more * d->columns * sizeof *next);
			if (!next)
				goto fail;
			memset(next + cap * d->columns, 0, (more - cap) * d->columns * sizeof *next);
			d->next = next;
			cap = more;
		}
		for (unsigned k = 0; k < d->columns; k++) {
			memset(set, 0, w.words * 8);
			now++;
			bool any = false;
			const uint64_t *from = w.sets + w.words * s;
			for (size_t i = 0; i < w.words; i++)
				for (uint64_t m = from[i]; m; m &= m - 1) {
					int q = (int)(i * 64) + __builtin_ctzll(m);
					if (b.s[q].set >= 0 && set_has(&b.sets[b.s[q].set], sample[k])) {
						closure(&b, b.s[q].out, set, mark, now, stack, max);
						any = true;
					}
				}
			unsigned to = any ? find_state(&w, set, &fresh) : 0;
			if (any && to == 0) {
				*why = "the pattern needs too many states";
				goto fail;
			}
			d->next[s * d->columns + k] = (uint16_t)to;
		}
	}
	d->states = w.states;
	d->accept = calloc(1, d->states);
	if (!d->accept)
		goto fail;
	for (unsigned s = 1; s < d->states; s++)
		d->accept[s] = w.sets[w.words * s + (size_t)(last >> 6)] >> (last & 63) & 1;
	if (d->accept[1]) {
		*why = "the pattern matches nothing at all";
		goto fail;
	}
	size_t entries = (size_t)d->states * d->columns;
	if (entries <= 0x8000)
		d->small = malloc(entries * sizeof *d->small);
	else
		d->large = malloc(entries * sizeof *d->large);
	if (!d->small && !d->large)
		goto fail;
	for (size_t i = 0; i < entries; i++) {
		uint32_t to = d->next[i] * d->columns << 1 | d->accept[d->next[i]];
		if (d->small)
			d->small[i] = (uint16_t)to;
		else
			d->large[i] = to;
	}
	goto out;
fail:
	phi_dfa_free(d);
	d = NULL;
out:
	free(b.s), free(b.sets), free(w.sets), free(w.hash), free(mark), free(stack), free(set);
	return d;
}

void
phi_dfa_free(struct dfa *d)
{
	if (!d)
		return;
	free(d->accept);
	free(d->next);
	free(d->small);
	free(d->large);
	free(d);
}

void
phi_dfa_runs(const struct dfa *d, bool (*may)[NEXTS])
{
	bool now[DFA_MAX + 2] = { [1] = true }, then[DFA_MAX + 2];
	/* What each column holds besides digits, and which hold digits. */
	uint16_t nexts[256] = { 0 }, all = 0;
	bool digits[256] = { false };
	for (unsigned c = 0; c < 256; c++)
		if (is_digit((unsigned char)c))
			digits[d->col[c]] = true;
		else
			nexts[d->col[c]] |= (uint16_t)(1u << next_class((unsigned char)c)), all |= nexts[d->col[c]];
	for (unsigned run = 0; run < RUNS; run++) {
		uint16_t can = 0;
		memset(then, 0, sizeof then);
		for (unsigned s = 1; s < d->states; s++) {
			if (!now[s])
				continue;
			const uint16_t *next = d->next + (size_t)s * d->columns;
			can |= d->accept[s] ? all : 0;
			for (unsigned k = 0; k < d->columns; k++) {
				if (!next[k])
					continue;
				can |= nexts[k];
				if (digits[k])
					then[next[k]] = true;
			}
		}
		for (unsigned c = 0; c < NEXTS; c++)
			may[run][c] = can >> c & 1;
		/* The last row stands for all longer runs. */
		if (run + 2 == RUNS)
			for (unsigned s = 1; s < d->states; s++)
				now[s] |= then[s];
		else
			memcpy(now, then, sizeof now);
	}
}

void
phi_dfa_look(const struct dfa *d, bool (*may)[256])
{
	bool now[DFA_MAX + 2] = { [1] = true }, then[DFA_MAX + 2], any = false;
	for (unsigned j = 0; j < LOOK; j++) {
		bool can[256];
		memset(can, any, sizeof can);
		memset(then, 0, sizeof then);
		for (unsigned s = 1; s < d->states; s++) {
			if (!now[s])
				continue;
			const uint16_t *next = d->next + (size_t)s * d->columns;
			for (unsigned k = 0; k < d->columns; k++)
				if (next[k])
					can[k] = then[next[k]] = true;
		}
		for (unsigned c = 0; c < 256; c++)
			may[j][c] = can[d->col[c]];
		for (unsigned s = 1; s < d->states; s++)
			any |= then[s] && d->accept[s];
		memcpy(now, then, sizeof now);
	}
}

unsigned
phi_dfa_match(const struct dfa *d, const char *p, const char *end, uint16_t *ends, unsigned max)
{
	uint16_t all[MATCH_MAX + 1];
	uint32_t s = d->columns << 1;
	unsigned n = 0, len = end - p > MATCH_MAX ? MATCH_MAX : (unsigned)(end - p);
	const uint8_t *col = d->col;
	if (d->small) {
		const uint16_t *to = d->small;
		for (unsigned i = 0; i < len && (s = to[(s >> 1) + col[(unsigned char)p[i]]]) != 0;) {
			all[n] = (uint16_t)++i;
			n += s & 1;
		}
	} else {
		const uint32_t *to = d->large;
		for (unsigned i = 0; i < len && (s = to[(s >> 1) + col[(unsigned char)p[i]]]) != 0;) {
			all[n] = (uint16_t)++i;
			n += s & 1;
		}
	}
	unsigned keep = n < max ? n : max;
	for (unsigned i = 0; i < keep; i++)
		ends[i] = all[n - keep + i];
	return keep;
}
