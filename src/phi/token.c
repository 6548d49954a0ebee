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
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
	return (uint32_t)_mm_movemask_epi8((__m128i)v);
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
	uint64_t inside = 0;
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
		/* A token begins at each other character, and where a word does. */
		uint64_t word = map[BIT_WORD][b];
		map[BIT_START][b] = ~m[BIT_BLANK] & ~(word & (word << 1 | inside));
		inside = word >> 63;
	}
	/* A look at the last place reads a word more. */
	for (int k = 0; k < BIT_COUNT; k++)
		map[k][blocks - 1] = k == BIT_BLANK ? ~0ull : 0;
	return true;
}

/* How many bits from place i on, before `end`, are set. */
static size_t
run_of(const uint64_t *map, size_t i, size_t end)
{
	size_t from = i;
	unsigned k = REACH;
	for (; i < end && k == REACH; i += k)
		k = (unsigned)__builtin_ctzll(~phi_bits(map, i) | 1ull << REACH);
	return (i < end ? i : end) - from;
}

/* ---- words ---------------------------------------------------------------------------------------- */

#define SLOT_OF(h) ((h) >> 20 & (CACHE_SLOTS - 1))

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
		if (n == f->n && f->cls < CLASSES)
			k->ctx |= 1ull << f->cls;
		else if (n == f->n)
			s->own[k - s->tok] |= 1ull << (f->cls - CLASSES);
	}
}

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
			*w = (struct wcache){ .h = k->h, .lex = lex_word(&p->lex, k->h, s->t + k->at, k->len) };
			if (c)
				w->lex |= (uint64_t)c->flags << WORD_FLAGS, w->mask = c->mask, w->phrase = c->phrase, w->phrases = c->phrases;
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

/* The starts behind a possessive taken off, or behind a word cut off: what was
 * inside of a word begins a token now. Returns those left in block b. */
static uint64_t
start_at(struct scan *s, size_t i, size_t from, size_t b)
{
	size_t blocks = s->tn / 64 + 2;
	uint64_t *start = s->bits + blocks * BIT_START;
	const uint64_t *blank = s->bits + blocks * BIT_BLANK;
	for (size_t j = from; j < i; j++)
		start[j >> 6] &= ~(1ull << (j & 63));
	if (!(blank[i >> 6] >> (i & 63) & 1))
		start[i >> 6] |= 1ull << (i & 63);
	size_t done = from - b * 64;
	return done < 64 ? start[b] >> done << done : 0;
}

/* A word of REACH bytes and more, byte by byte. Returns its length. */
static size_t
long_word(const struct scan *s, const uint64_t *word, size_t i, struct tok *q)
{
	size_t len = run_of(word, i, s->tn);
	uint8_t last = 0, seen = 0;
	bool all_up = true, mixed = false;
	if (len > 0xffff)
		len = 0xffff;
	for (size_t j = i; j < i + len; j++) {
		uint8_t c = phi_cls[char_at(s, j)];
		seen |= c;
		all_up &= c == C_UPPER;
		mixed |= c == C_UPPER && last == C_LOWER;
		last = c & C_ALNUM ? c : last;
	}
	q->type = !(seen & C_DIGIT) ? T_WORD : seen & C_LETTER ? T_MIX : T_NUM;
	q->flags |= (uint8_t)(all_up ? F_ALLUP : mixed ? F_MIXED : 0);
	return len;
}

/* Cuts the text into s->tok, which has room, without asking what words are. */
static inline __attribute__((always_inline)) void
cut(struct scan *s)
{
	size_t n = s->tn, blocks = n / 64 + 2;
	const char *t = s->t;
	struct tok *q = s->tok;
	const uint64_t *blank = s->bits + blocks * BIT_BLANK, *word = s->bits + blocks * BIT_WORD, *alnum = s->bits + blocks * BIT_ALNUM,
	    *digit = s->bits + blocks * BIT_DIGIT, *upper = s->bits + blocks * BIT_UPPER, *lower = s->bits + blocks * BIT_LOWER,
	    *start = s->bits + blocks * BIT_START;
	uint64_t behind = 1;            /* a blank in front of the block */
	uint32_t odd = 0;               /* words that begin with a digit */

	for (size_t b = 0; b < blocks; b++) {
		uint64_t m = start[b], space = blank[b] << 1 | behind, alnums = alnum[b], ups = upper[b],
		    joins = word[b] & ~alnums;
		behind = blank[b] >> 63;
		while (m) {
			unsigned bit = (unsigned)__builtin_ctzll(m);
			size_t i = b * 64 + bit;
			m &= m - 1;
			uint64_t is_word = alnums >> bit & 1;
			size_t len = (size_t)__builtin_ctzll(~phi_bits(word, i) | 1ull << REACH);
			len = (len & -is_word) | (is_word ^ 1);
			uint64_t range = (1ull << len) - 1, d = phi_bits(digit, i) & range, u = phi_bits(upper, i) & range;
			q->at = (uint32_t)i;
			q->flags = (uint8_t)((space >> bit & 1) * F_SPACE | (ups >> bit & 1) * F_UP);
			q->lex = 0;
			/* All digits, some, none. */
			q->type = (uint8_t)(is_word ? d == range ? T_NUM : d ? T_MIX : T_WORD : T_PUNCT);
			if (__builtin_expect(u > 1, 0)) {
				/* A capital behind the first letter. */
				uint64_t l = phi_bits(lower, i) & range, inner = range & ~phi_bits(alnum, i);
				q->flags |= (uint8_t)(u == range ? F_ALLUP : u & (l << 1 | (inner << 1 & l << 2)) ? F_MIXED : 0);
			}
			if (__builtin_expect(len >= REACH, 0)) {
				q->flags &= (uint8_t)~(F_ALLUP | F_MIXED);
				len = long_word(s, word, i, q);
				if (len == 0xffff)
					m = start_at(s, i + len, i + len, b);
			}
			uint64_t h = hash_of(t + i, len), plain = (uint64_t)(unsigned char)t[i] << 8 | 1;
			q->h = plain ^ ((h ^ plain) & -is_word);
			__builtin_prefetch(&s->words[SLOT_OF(q->h)]);
			q->len = (uint16_t)len;
			odd += (uint32_t)(d & (q->type == T_MIX));
			i += len;
			if (__builtin_expect(joins >> bit & 1, 0))
				m = start_at(s, i, i, b);        /* an apostrophe that no word was left for */
			if (__builtin_expect(t[i] == '\'', 0)) {
				if (q->type == T_WORD && (t[i + 1] | 0x20) == 's' && i < n && !is_alnum_((unsigned char)t[i + 2])) {
					q->flags |= F_POSS;
					m = start_at(s, i + 2, i, b);
				}
			}
			q++;
		}
	}
	s->ntok = (size_t)(q - s->tok);
	s->caps_lower = odd;
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

/* The chunk between blanks that the token at byte i is part of gets a flag;
 * returns the byte behind it. */
static size_t
mark_chunk(struct scan *s, size_t i, uint8_t flag, uint64_t lex)
{
	size_t k = token_from(s, i + 1), from = k, end = s->tn;
	while (from > 0 && (from == k || !(s->tok[from].flags & F_SPACE)))
		from--;
	for (k = from; k < s->ntok && (k == from || !(s->tok[k].flags & F_SPACE)); k++) {
		s->tok[k].flags |= flag;
		s->tok[k].lex |= lex;
	}
	if (k < s->ntok)
		end = s->tok[k].at;
	return end;
}

/* What few tokens have, set from the bitmaps: line breaks in front of them,
 * digits or dots inside of what stands between blanks. */
static bool
marks(struct scan *s)
{
	size_t blocks = s->tn / 64 + 2;
	const uint64_t *map = s->bits;
	uint32_t before = 0, ups = 0, lows = s->caps_lower;
	if (!grow((void **)&s->before, &s->beforecap, blocks, sizeof *s->before))
		return false;
	s->starts = s->bits + blocks * BIT_START;
	s->alnum = s->bits + blocks * BIT_ALNUM;
	for (size_t b = 0; b < blocks; b++) {
		uint64_t m = s->starts[b], up = map[blocks * BIT_UPPER + b];
		s->before[b] = before;
		before += (uint32_t)__builtin_popcountll(m);
		ups += (uint32_t)__builtin_popcountll(m & up);
		lows += (uint32_t)__builtin_popcountll(m & map[blocks * BIT_ALNUM + b] & ~up & ~map[blocks * BIT_DIGIT + b]);
	}
	s->caps_upper = ups, s->caps_lower = lows;
	if (s->ntok)
		s->tok[0].flags |= F_NL | F_PARA | F_SPACE;
	size_t code = 0, dotted = 0;       /* done up to these bytes */
	for (size_t b = 0; b * 64 < s->tn; b++) {
		for (uint64_t m = map[blocks * BIT_NL + b]; m; m &= m - 1) {
			size_t k = token_from(s, b * 64 + (size_t)__builtin_ctzll(m));
			if (k < s->ntok)
				s->tok[k].flags |= s->tok[k].flags & F_NL ? F_PARA : F_NL;
		}
		for (uint64_t m = map[blocks * BIT_DIGIT + b]; m; m &= m - 1) {
			size_t i = b * 64 + (size_t)__builtin_ctzll(m);
			if (i >= code)
				code = mark_chunk(s, i, F_CODE, 0);
		}
		for (uint64_t m = map[blocks * BIT_DOT + b]; m; m &= m - 1) {
			size_t i = b * 64 + (size_t)__builtin_ctzll(m);
			if (i >= dotted)
				dotted = mark_chunk(s, i, 0, LEX_DOTTED);
		}
	}
	return true;
}

/* What each word is, from the cache or from the tables. */
static bool
look_up(struct scan *s)
{
	size_t n = s->ntok, missed = 0, phrased = 0;
	if (!grow((void **)&s->near, &s->nearcap, n / NEAR + 8, sizeof *s->near) ||
	    !grow((void **)&s->list, &s->listcap, (n + 2) * 2, sizeof *s->list))
		return false;
	struct tok *tok = s->tok;
	const struct wcache *words = s->words;
	const struct rules *rules = &s->phi->rules;
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
	if (rules->classes[1]) {
		if (!grow((void **)&s->own, &s->owncap, n + 1, sizeof *s->own))
			return false;
		for (size_t i = 0; i < n; i++) {
			const struct ctx_slot *c = tok[i].type == T_PUNCT ? NULL : phi_ctx_get(rules, tok[i].h);
			s->own[i] = c ? c->own : 0;
		}
	}
	resolve(s, list, missed, ends, phrased);
	s->own_present = 0;
	for (size_t i = 0; rules->classes[1] && i < n; i++) {
		s->own_present |= s->own[i];
		tok[i].lex |= s->own[i] & rules->own_starts ? LEX_STARTS : 0;
	}

	/* The word classes of each block of tokens. */
	uint64_t present = 0;
	s->near[0] = s->near[1] = s->near[2] = 0;
	for (size_t from = 0; from < n; from += NEAR) {
		uint64_t classes = 0;
		for (size_t j = from; j < n && j < from + NEAR; j++)
			classes |= tok[j].ctx;
		s->near[3 + from / NEAR] = classes;
		present |= classes;
	}
	size_t end = 3 + (n + NEAR - 1) / NEAR;
	s->near[end] = s->near[end + 1] = 0;
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
	return marks(s) && look_up(s);
}

/* Which word classes stand up to `before` words in front of token i and up to
 * `after` behind its end... a window that a full stop ends, and that crosses a
 * line break only to a line that asks (ends with ? or :) or from a bare value. */
static inline __attribute__((always_inline)) uint64_t
context(const struct scan *s, size_t i, int before, int after, bool own)
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
		m |= own ? s->own[q - s->tok] : q->ctx;
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
		m |= own ? s->own[q - s->tok] : q->ctx;
	}
	return m;
}

uint64_t
phi_context(const struct scan *s, size_t i, int before, int after)
{
	return context(s, i, before, after, false);
}

/* The same for classes of somebody's own; asked only where the text has some. */
uint64_t
phi_context_own(const struct scan *s, size_t i, int before, int after)
{
	return context(s, i, before, after, true);
}
