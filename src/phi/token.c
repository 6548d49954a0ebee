/* token.c - the text cut into words, numbers and single other characters.
 *
 * A token is the longest run of letters, digits and bytes above 0x7f, with
 * apostrophes inside a word (O'Neil, don't), without the possessive 's at its
 * end, which only sets a flag. Blanks are not tokens, they are flags of what
 * follows. For each word two tables are asked once: the lexicon and the words
 * that the rules know (with phrases of up to four words); a small cache by word
 * in front of them catches most of running text.
 *
 * First each class of bytes becomes a bitmap of the text, 16 bytes a step; then
 * a token is cut with a few loads, shifts and counts of zeros, without a branch
 * on what its bytes are: the ends of words are what a processor guesses worst.
 */
#include "engine.h"

#include <stdlib.h>

bool
grow(void **p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return true;
	size_t more = *cap ? *cap : 256;
	while (more < need)
		more *= 2;
	void *q = realloc(*p, more * size);
	if (!q)
		return false;
	*p = q;
	*cap = more;
	return true;
}

/* ---- bitmaps ------------------------------------------------------------------------------------ */

enum { BIT_BLANK, BIT_NL, BIT_WORD, BIT_ALNUM, BIT_DIGIT, BIT_UPPER, BIT_LOWER, BIT_DOT, BIT_START, BIT_COUNT };
#define REACH 56        /* bits that one look at a bitmap holds, from any place */

typedef unsigned char bytes16 __attribute__((vector_size(16)));
typedef unsigned long long words2 __attribute__((vector_size(16)));

/* One bit a byte of a comparison's result. */
static inline uint64_t
mask_of(bytes16 v)
{
#ifdef __SSE2__
	return (uint32_t)__builtin_ia32_pmovmskb128((char __attribute__((vector_size(16))))v);
#else
	words2 w = (words2)v & 0x8040201008040201ull;
	/* Each byte keeps its own bit; a multiplication adds eight of them up. */
	return (w[0] * 0x0101010101010101ull) >> 56 | (w[1] * 0x0101010101010101ull) >> 56 << 8;
#endif
}

static inline unsigned char
char_at(const struct scan *s, size_t i)
{
	return (unsigned char)s->t[i];
}

/* Apostrophes between letters are part of the word, but for the possessive. */
static void
join_apostrophes(struct scan *s, uint64_t *word, size_t block, uint64_t apos)
{
	for (; apos; apos &= apos - 1) {
		size_t i = block * 64 + (size_t)__builtin_ctzll(apos);
		if (i == 0 || !is_letter(char_at(s, i - 1)) || !is_letter(char_at(s, i + 1)))
			continue;
		if ((char_at(s, i + 1) | 0x20) == 's' && !is_alnum_(char_at(s, i + 2)))
			continue;
		word[block] |= 1ull << (i & 63);
	}
}

static bool
bitmaps(struct scan *s)
{
	size_t blocks = s->tn / 64 + 2;
	if (!grow((void **)&s->bits, &s->bitcap, blocks * BIT_COUNT, sizeof *s->bits))
		return false;
	uint64_t *map[BIT_COUNT];
	for (int k = 0; k < BIT_COUNT; k++)
		map[k] = s->bits + blocks * (size_t)k;
	const char *t = s->t;
	for (size_t b = 0; b * 64 <= s->tn; b++) {
		uint64_t m[BIT_COUNT] = { 0 }, apos = 0, dot = 0, colon = 0;
		for (unsigned q = 0; q < 64; q += 16) {
			bytes16 v;
			memcpy(&v, t + b * 64 + q, 16);
			bytes16 fold = v | 0x20;
			bytes16 digit = (bytes16)(v - '0' < 10), high = (bytes16)(v > 0x7f), letter = (bytes16)(fold - 'a' < 26);
			bytes16 upper = letter & (bytes16)((v & 0x20) == 0);
			m[BIT_BLANK] |= mask_of((bytes16)(v < 33)) << q;
			m[BIT_NL] |= mask_of((bytes16)(v == '\n')) << q;
			m[BIT_ALNUM] |= mask_of(digit | letter | high) << q;
			m[BIT_DIGIT] |= mask_of(digit) << q;
			m[BIT_UPPER] |= mask_of(upper) << q;
			m[BIT_LOWER] |= mask_of(letter & ~upper) << q;
			apos |= mask_of((bytes16)(v == '\'')) << q;
			dot |= mask_of((bytes16)(v == '.') | (bytes16)(v == '_')) << q;
			colon |= mask_of((bytes16)(v == ':')) << q;
		}
		if (s->tn - b * 64 < 64) {
			/* What stands behind the text is blank. */
			uint64_t in = (1ull << (s->tn & 63)) - 1;
			for (int k = 0; k < BIT_COUNT; k++)
				m[k] &= in;
			m[BIT_BLANK] |= ~in;
			apos &= in, dot &= in, colon &= in;
		}
		m[BIT_WORD] = m[BIT_ALNUM];
		/* . and _ inside of a chunk, and :/ */
		uint64_t next_blank = m[BIT_BLANK] >> 1 | (uint64_t)(char_at(s, b * 64 + 64) < 33 || b * 64 + 64 >= s->tn) << 63;
		m[BIT_DOT] = dot & ~next_blank;
		for (; colon; colon &= colon - 1) {
			unsigned i = (unsigned)__builtin_ctzll(colon);
			m[BIT_DOT] |= (uint64_t)(t[b * 64 + i + 1] == '/') << i;
		}
		for (int k = 0; k < BIT_COUNT; k++)
			map[k][b] = m[k];
		if (apos)
			join_apostrophes(s, map[BIT_WORD], b, apos);
	}
	/* A look at the last place reads a word more. */
	for (int k = 0; k < BIT_COUNT; k++)
		map[k][blocks - 1] = k == BIT_BLANK ? ~0ull : 0;
	return true;
}

/* The bits from place i on, REACH of them and some more or less garbage. */
static inline uint64_t
bits_at(const uint64_t *map, size_t i)
{
	uint64_t w;
	memcpy(&w, (const char *)map + (i >> 3), 8);
	return w >> (i & 7);
}

/* How many bits from place i on, before `end`, are set. */
static size_t
run_of(const uint64_t *map, size_t i, size_t end)
{
	size_t from = i;
	unsigned k = REACH;
	for (; i < end && k == REACH; i += k)
		k = (unsigned)__builtin_ctzll(~bits_at(map, i) | 1ull << REACH);
	return (i < end ? i : end) - from;
}

/* ---- words ---------------------------------------------------------------------------------------- */

/* word_hash, without a branch between short words and those of up to 16 bytes. */
static inline uint64_t
hash_of(const char *p, size_t n)
{
	if (__builtin_expect(n > 16, 0))
		return word_hash(p, n, true);
	uint64_t h = 0x243f6a8885a308d3ull ^ n, w, more = n > 8;
	memcpy(&w, p, 8);
	h ^= (phi_mix(h, w | 0x2020202020202020ull) ^ h) & -more;
	p += more * 8, n -= more * 8;
	memcpy(&w, p, 8);
	w |= 0x2020202020202020ull;
	w &= ~0ull >> (64 - n * 8);
	h = phi_mix(h, w);
	h = phi_mix(h, h >> 17);
	return h | 1;
}

/* Phrases are stored under their last word: compare backwards. */
static void
phrases(const struct scan *s, struct tok *k, uint32_t from, uint32_t count)
{
	for (uint32_t i = from; i < from + count; i++) {
		const struct phrase *f = &s->phi->rules.phrase[i];
		const struct tok *q = k;
		unsigned n = 0, skipped = 0;
		while (n < f->n && q > s->tok) {
			q--;
			if (q->type == T_PUNCT) {
				char c = s->t[q->at];
				if (++skipped > 2 || (c != '.' && c != '-' && c != '/' && c != '\''))
					break;
				continue;
			}
			if (q->h != f->h[n])
				break;
			n++, skipped = 0;
		}
		if (n == f->n)
			k->ctx |= 1ull << f->cls;
	}
}

#define SLOT_OF(h) ((h) >> 20 & (CACHE_SLOTS - 1))

/* Words that the cache did not hold, and then those that may end a phrase.
 * `list` holds the first from its begin, the others from its middle. */
static void
resolve(struct scan *s, uint32_t *list, size_t missed, uint32_t *ends, size_t phrased)
{
	const struct phi *p = s->phi;
	for (size_t i = 0, asked = 0; i < missed; i++) {
		/* Asked for long before they are waited for. */
		for (; asked < missed && asked < i + 32; asked++) {
			uint64_t h = s->tok[list[asked]].h;
			__builtin_prefetch(&p->lex.slot[h & p->lex.mask]);
			if (p->rules.ctx)
				__builtin_prefetch(&p->rules.ctx[h & p->rules.ctx_mask]);
		}
		struct tok *k = &s->tok[list[i]];
		struct wcache *w = &s->words[SLOT_OF(k->h)];
		if (w->h != k->h) {
			const struct ctx_slot *c = phi_ctx_get(&p->rules, k->h);
			*w = (struct wcache){ .h = k->h, .lex = lex_get(&p->lex, k->h) };
			if (c)
				w->mask = c->mask, w->phrase = c->phrase, w->phrases = c->phrases;
		}
		k->lex |= w->lex;
		k->ctx = w->mask;
		ends[phrased] = list[i];
		phrased += w->phrases > 0;
	}
	for (size_t i = 0; i < phrased; i++) {
		struct tok *k = &s->tok[ends[i]];
		struct wcache *w = &s->words[SLOT_OF(k->h)];
		if (w->h == k->h) {
			phrases(s, k, w->phrase, w->phrases);
		} else {
			const struct ctx_slot *c = phi_ctx_get(&p->rules, k->h);
			if (c)
				phrases(s, k, c->phrase, c->phrases);
		}
	}
}

/* Cuts the text into s->tok, which has room, without asking what words are. */
static inline __attribute__((always_inline)) void
cut(struct scan *s)
{
	static const uint8_t type_of[8] = { T_PUNCT, T_WORD, T_PUNCT, T_NUM, T_PUNCT, T_WORD, T_PUNCT, T_MIX };
	size_t n = s->tn, i = 0;
	const char *t = s->t;
	struct tok *q = s->tok;
	size_t blocks = n / 64 + 2;
	const uint64_t *blank = s->bits + blocks * BIT_BLANK, *nl = s->bits + blocks * BIT_NL, *word = s->bits + blocks * BIT_WORD,
	    *alnum = s->bits + blocks * BIT_ALNUM, *digit = s->bits + blocks * BIT_DIGIT, *upper = s->bits + blocks * BIT_UPPER,
	    *lower = s->bits + blocks * BIT_LOWER, *dot = s->bits + blocks * BIT_DOT;
	uint64_t *start = s->bits + blocks * BIT_START;
	uint32_t ups = 0, lows = 0;
	uint32_t first = F_NL | F_PARA | F_SPACE;
	uint64_t code = 0, dotted = 0;

	for (;;) {
		/* The blanks in front of the token. */
		uint32_t gap = (uint32_t)__builtin_ctzll(~bits_at(blank, i) | 1ull << REACH), flags = first;
		uint64_t breaks = bits_at(nl, i) & ((1ull << gap) - 1);
		first = 0;
		if (__builtin_expect(gap >= REACH, 0)) {
			size_t all = run_of(blank, i, n);
			unsigned lines = 0;
			for (size_t j = i; j < i + all && lines < 2; j++)
				lines += t[j] == '\n';
			breaks = (1ull << lines) - 1;
			i += all;
		} else
			i += gap;
		if (i >= n)
			break;
		flags |= (gap != 0) * F_SPACE;
		flags |= (breaks != 0) * F_NL;
		flags |= ((breaks & (breaks - 1)) != 0) * F_PARA;

		/* What stands between blanks, seen from its first token. */
		uint64_t starts = flags & F_SPACE;
		uint32_t span = (uint32_t)__builtin_ctzll(bits_at(blank, i) | 1ull << REACH);
		uint64_t in = (1ull << span) - 1;
		uint64_t new_code = (bits_at(digit, i) & in) != 0, new_dotted = (bits_at(dot, i) & in) != 0;
		if (__builtin_expect(starts && span >= REACH, 0)) {
			size_t end = i + span;
			for (; end < n && !(bits_at(blank, end) & 1); end++)
				new_code |= bits_at(digit, end) & 1, new_dotted |= bits_at(dot, end) & 1;
		}
		code ^= (code ^ new_code) & -starts;
		dotted ^= (dotted ^ new_dotted) & -starts;

		/* The token. */
		uint64_t alnums = bits_at(alnum, i), is_word = alnums & 1;
		size_t len = (size_t)__builtin_ctzll(~bits_at(word, i) | 1ull << REACH);
		len = (len & -is_word) | (is_word ^ 1);
		uint64_t range = (1ull << len) - 1, a = alnums & range;
		uint64_t d = bits_at(digit, i) & a, u = bits_at(upper, i) & a, l = bits_at(lower, i) & a, letters = a & ~d;
		uint64_t mixed = u & (l << 1 | ((range & ~a) << 1 & l << 2)), all_up = (u == range) & (len > 1);
		if (__builtin_expect(len >= REACH, 0)) {
			/* The same for a long one, byte by byte. */
			len = run_of(word, i, n);
			if (len > 0xffff)
				len = 0xffff;
			uint8_t last = 0;
			all_up = 1, mixed = 0;
			for (size_t j = i; j < i + len; j++) {
				uint8_t y = phi_cls[(unsigned char)t[j]];
				d |= y & C_DIGIT, letters |= y & C_LETTER;
				all_up &= y == C_UPPER;
				mixed |= y == C_UPPER && last == C_LOWER;
				last = y & C_ALNUM ? y : last;
			}
		}
		uint32_t type = type_of[is_word | (uint64_t)(d != 0) << 1 | (uint64_t)(letters != 0) << 2];
		uint64_t h = hash_of(t + i, len), plain = (uint64_t)(unsigned char)t[i] << 8 | 1;
		h = plain ^ ((h ^ plain) & -is_word);
		flags |= (uint32_t)(u & 1) * F_UP;
		flags |= (uint32_t)all_up * F_ALLUP;
		flags |= (mixed != 0) * F_MIXED;
		flags |= (uint32_t)code * F_CODE;
		ups += (uint32_t)(u & 1);
		lows += (uint32_t)(letters != 0) & (uint32_t)(~u & 1);
		start[i >> 6] |= 1ull << (i & 63);
		*q = (struct tok){ .at = (uint32_t)i, .len = (uint16_t)len, .type = (uint8_t)type, .flags = (uint8_t)flags, .h = h,
			.lex = dotted << 63 };
		i += len;
		if (__builtin_expect(t[i] == '\'', 0) && type == T_WORD && (t[i + 1] | 0x20) == 's') {
			q->flags |= F_POSS;
			i += 2;
		}
		q++;
	}
	s->ntok = (size_t)(q - s->tok);
	s->caps_upper = ups, s->caps_lower = lows;
}

/* The same code for processors with shifts and counts of zeros that need no
 * fixed register: a third fewer instructions. */
#ifdef __x86_64__
__attribute__((target("bmi,bmi2")))
static void
cut_bmi(struct scan *s)
{
	cut(s);
}
#endif

static void
cut_any(struct scan *s)
{
	cut(s);
}

/* What each word is, from the cache or from the tables. */
static bool
look_up(struct scan *s)
{
	size_t n = s->ntok, missed = 0, phrased = 0, blocks = s->tn / 64 + 2;
	s->starts = s->bits + blocks * BIT_START;
	if (!grow((void **)&s->before, &s->beforecap, blocks, sizeof *s->before) ||
	    !grow((void **)&s->near, &s->nearcap, n / NEAR + 2, sizeof *s->near) ||
	    !grow((void **)&s->list, &s->listcap, (n + 2) * 2, sizeof *s->list))
		return false;
	struct tok *tok = s->tok;
	const struct wcache *words = s->words;
	uint32_t *list = s->list, *ends = list + n + 2;
	for (size_t i = 0; i < n; i++) {
		struct tok *k = &tok[i];
		const struct wcache *w = &words[SLOT_OF(k->h)];
		uint64_t is_word = k->type != T_PUNCT, hit = is_word & (w->h == k->h);
		list[missed] = (uint32_t)i;
		ends[phrased] = (uint32_t)i;
		missed += is_word & ~hit;
		phrased += hit & (w->phrases > 0);
		k->lex |= w->lex & -hit;
		k->ctx = w->mask & -hit;
	}
	resolve(s, list, missed, ends, phrased);

	uint32_t before = 0;
	for (size_t b = 0; b < blocks; b++) {
		s->before[b] = before;
		before += (uint32_t)__builtin_popcountll(s->starts[b]);
	}
	/* The word classes of each block of tokens. */
	uint64_t present = 0;
	for (size_t from = 0; from < n; from += NEAR) {
		uint64_t classes = 0;
		for (size_t j = from; j < n && j < from + NEAR; j++)
			classes |= tok[j].ctx;
		s->near[from / NEAR] = classes;
		present |= classes;
	}
	s->present = present;
	return true;
}

bool
phi_tokenise(struct scan *s)
{
	if (!bitmaps(s) || !grow((void **)&s->tok, &s->tokcap, s->tn + 2, sizeof *s->tok))
		return false;
#ifdef __x86_64__
	if (s->phi->cpu & CPU_BMI)
		cut_bmi(s);
	else
#endif
		cut_any(s);
	return look_up(s);
}

/* Which word classes stand up to `before` words in front of token i and up to
 * `after` behind its end... a window that a full stop ends, and that crosses a
 * line break only to a line that asks (ends with ? or :) or from a bare value. */
uint64_t
phi_context(const struct scan *s, size_t i, int before, int after)
{
	uint64_t m = 0;
	int words = 0, lines = 0;
	for (size_t j = i; j > 0 && words < before;) {
		const struct tok *right = &s->tok[j], *q = &s->tok[--j];
		if (right->flags & F_NL) {
			char c = s->t[q->at];
			if (++lines > 1 || (right->flags & F_PARA && q->type != T_PUNCT))
				break;
			if (q->type == T_PUNCT && (c == '?' || c == ':'))
				words = words > 3 ? 3 : words;
			else if (words < before - 3)
				words = before - 3;
		}
		if (q->type == T_PUNCT) {
			char c = s->t[q->at];
			if ((c == '.' || c == ';' || c == '!') && right->flags & F_SPACE && right->flags & F_UP && j > 0 &&
			    s->tok[j - 1].len > 3)
				break;
			continue;
		}
		words++;
		m |= q->ctx;
	}
	words = 0;
	for (size_t j = i; j < s->ntok && words < after; j++) {
		const struct tok *q = &s->tok[j];
		if (q->flags & F_NL && j > i)
			break;
		if (q->type == T_PUNCT) {
			if (s->t[q->at] == '.' && j + 1 < s->ntok && s->tok[j + 1].flags & F_SPACE)
				break;
			continue;
		}
		words++;
		m |= q->ctx;
	}
	return m;
}
