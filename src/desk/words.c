/* words.c - from a text to the terms it is found by.
 *
 * Folding. ASCII is lowered byte by byte. The rest goes through ICU, run by
 * run: NFKC with case folding, then decomposition, of which the diacritics are
 * dropped (Latin, Greek, Cyrillic, Hebrew and Arabic points; the vowel signs of
 * other scripts are letters to us and stay). Scripts that write no blanks
 * (Han, kana, Thai, ...) become one word per character; a query of several is
 * then a phrase.
 *
 * Splitting. A word is a run of letters and digits. Runs joined by one of
 * @ . _ - + ' without a blank are a compound, which is a word too, so that an
 * address or a record number is found whole and by its parts. An English 's at
 * the end is left out.
 *
 * Terms. A term is a keyed hash (HMAC-SHA-256, 64 bits) of a space, one
 * letter, and a word; the key is the account's, so a term says nothing to who
 * has only the database. The lowest two bits are replaced by the kind of the
 * document, so that lists of tickets, users and organizations never meet.
 * Words of a text are stemmed; heads (the first characters, for `word*`) are
 * not. Each word of a text is taken once, however often it occurs.
 */
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "desk/index.h"

uint64_t (*search_term_key)(struct sys *sys, str term);

enum { PIECE = 128 };                /* bytes given to ICU at a time */

/* ---- folding ------------------------------------------------------------------------------------------ */

static bool
is_diacritic(UChar32 c)
{
	return (c >= 0x300 && c <= 0x36f) || (c >= 0x483 && c <= 0x489) || (c >= 0x591 && c <= 0x5bd) || c == 0x5bf ||
	    (c >= 0x5c1 && c <= 0x5c5) || c == 0x5c7 || c == 0x640 || (c >= 0x64b && c <= 0x65f) || c == 0x670 ||
	    (c >= 0x6d6 && c <= 0x6dc) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x1dc0 && c <= 0x1dff) ||
	    (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe20 && c <= 0xfe2f);
}

static bool
is_alone(UChar32 c)
{
	return (c >= 0xe00 && c <= 0xeff) || (c >= 0x1000 && c <= 0x109f) || (c >= 0x1780 && c <= 0x17ff) ||
	    (c >= 0x3041 && c <= 0x30ff) || (c >= 0x31f0 && c <= 0x31ff) || (c >= 0x3400 && c <= 0x9fff) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x323af);
}

struct fold { char *p; size_t n, cap; };

static void
put(struct fold *f, UChar32 c)
{
	char b[8];
	size_t n = 0;
	UBool wrong = 0;
	bool alone = is_alone(c);

	if (alone)
		b[n++] = ' ';
	U8_APPEND((uint8_t *)b, n, sizeof(b) - 1, c, wrong);
	if (alone)
		b[n++] = ' ';
	if (wrong || n > f->cap - f->n)
		return;
	memcpy(f->p + f->n, b, n);
	f->n += n;
}

static void
fold_piece(struct fold *f, str piece)
{
	UChar in[PIECE], kc[PIECE * 10], d[PIECE * 40];
	int32_t n;
	UErrorCode rc = U_ZERO_ERROR;
	const UNormalizer2 *nfkc = unorm2_getNFKCCasefoldInstance(&rc), *nfd = unorm2_getNFDInstance(&rc);

	u_strFromUTF8WithSub(in, PIECE, &n, piece.p, (int32_t)piece.n, 0xfffd, NULL, &rc);
	n = unorm2_normalize(nfkc, in, n, kc, (int32_t)COUNT(kc), &rc);
	n = unorm2_normalize(nfd, kc, n, d, (int32_t)COUNT(d), &rc);
	if (U_FAILURE(rc))
		return;
	for (int32_t i = 0; i < n;) {
		UChar32 c;
		U16_NEXT(d, i, n, c);
		if (is_diacritic(c))
			continue;
		if (c == 0x2019 || c == 0x2bc || c == 0x2bb)
			c = '\'';
		else if (c == 0x2010 || c == 0x2011)
			c = '-';
		else if (c >= 0x80 && !u_isalnum(c) && !(U_MASK(u_charType(c)) & U_GC_M_MASK))
			c = ' ';
		put(f, c);
	}
}

static size_t
ascii_run(str s)
{
	size_t i = 0;

	while (i + 8 <= s.n) {
		uint64_t w;
		memcpy(&w, s.p + i, 8);
		if ((w & 0x8080808080808080u) != 0)
			break;
		i += 8;
	}
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i;
}

str
words_fold(struct arena *a, str text)
{
	size_t run = ascii_run(text);
	struct fold f = { .cap = run == text.n ? text.n : text.n * 4 + 16 };

	f.p = NEW(a, char, f.cap + 1);
	for (;;) {
		if (run > f.cap - f.n)
			run = f.cap - f.n;
		for (size_t i = 0; i < run; i++) {
			unsigned char c = (unsigned char)text.p[i];
			f.p[f.n + i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		}
		f.n += run;
		text = str_sub(text, run, text.n);
		if (text.n == 0 || f.n == f.cap)
			break;
		for (run = 0; run < text.n && (unsigned char)text.p[run] >= 0x80; run++)
			;
		if (run > PIECE) {
			run = utf8_floor(text, PIECE);
			if (run == 0)
				run = PIECE;
		}
		fold_piece(&f, str_sub(text, 0, run));
		text = str_sub(text, run, text.n);
		run = ascii_run(text);
	}
	return (str){ f.p, f.n };
}

str
fold_value(struct ctx *cx, str text)
{
	return str_trim(words_fold(cx->arena, str_trim(text)));
}

str
digits_of(struct arena *a, str text)
{
	char *p = NEW(a, char, text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= '0' && text.p[i] <= '9')
			p[n++] = text.p[i];
	return (str){ p, n };
}

/* ---- splitting ---------------------------------------------------------------------------------------- */

enum { SEP, WORD, JOIN };
#define W9  WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD
#define W16 W9, WORD, WORD, WORD, WORD, WORD, WORD, WORD
static const unsigned char classes[256] = {
	['\''] = JOIN, ['+'] = JOIN, ['-'] = JOIN, ['.'] = JOIN, ['@'] = JOIN, ['_'] = JOIN,
	['0'] = W9, WORD, ['A'] = W16, W9, WORD, ['a'] = W16, W9, WORD,
	[0x80] = W16, W16, W16, W16, W16, W16, W16, W16,
};

static inline unsigned char
class_at(str s, size_t i)
{
	return i < s.n ? classes[(unsigned char)s.p[i]] : (unsigned char)SEP;
}

static str
clipped(str w)
{
	return w.n <= WORD_MAX ? w : str_sub(w, 0, utf8_floor(w, WORD_MAX));
}

void
words_split(str s, word_fn *fn, void *arg)
{
	for (size_t i = 0;;) {
		size_t start, at, end, parts = 0;
		while (i < s.n && class_at(s, i) != WORD)
			i++;
		if (i >= s.n)
			return;
		for (start = at = i;; at = i) {
			while (class_at(s, i) == WORD)
				i++;
			end = i;
			fn(arg, clipped((str){ s.p + at, end - at }), false);
			parts++;
			if (class_at(s, i) != JOIN || class_at(s, i + 1) != WORD)
				break;
			if (s.p[i] == '\'' && s.p[i + 1] == 's' && class_at(s, i + 2) != WORD &&
			    !(class_at(s, i + 2) == JOIN && class_at(s, i + 3) == WORD)) {
				i += 2;
				break;
			}
			i++;
		}
		if (parts > 1 && end - start <= WHOLE_MAX)
			fn(arg, (str){ s.p + start, end - start }, true);
	}
}

str
word_stem(str w, char room[WORD_MAX])
{
	if (w.n < 4 || w.p[w.n - 1] != 's')
		return w;
	for (size_t i = 0; i < w.n; i++)
		if (w.p[i] < 'a' || w.p[i] > 'z')
			return w;
	if (str_ends(w, S("ss")) || str_ends(w, S("us")) || str_ends(w, S("is")))
		return w;
	if (w.n > 4 && str_ends(w, S("ies"))) {
		memcpy(room, w.p, w.n - 3);
		room[w.n - 3] = 'y';
		return (str){ room, w.n - 2 };
	}
	if (str_ends(w, S("sses")) || str_ends(w, S("xes")) || str_ends(w, S("ches")) || str_ends(w, S("shes")) ||
	    str_ends(w, S("zes")))
		return str_sub(w, 0, w.n - 2);
	return str_sub(w, 0, w.n - 1);
}

size_t
word_head(str w, int chars)
{
	size_t i = 0;

	while (chars > 0 && i < w.n) {
		i++;
		while (i < w.n && ((unsigned char)w.p[i] & 0xc0) == 0x80)
			i++;
		chars--;
	}
	return chars == 0 && i < w.n ? i : 0;
}

/* ---- terms -------------------------------------------------------------------------------------------- */

/* Names are short and looked up while they are typed. */
static const int heads[KINDS][9] = {
	[KIND_TICKET] = { 3, 5 },
	[KIND_USER]   = { 1, 2, 3, 4, 5, 6, 7, 8 },
	[KIND_ORG]    = { 1, 2, 3, 4, 5, 6, 7, 8 },
};

size_t
head_of(enum doc_kind kind, str word, bool *exact)
{
	size_t best = 0;

	*exact = false;
	for (const int *h = heads[kind]; *h != 0; h++) {
		size_t n = word_head(word, *h);
		if (n == 0 && (int)utf8_count(word) == *h) {
			*exact = true;
			return word.n;
		}
		best = n > best ? n : best;
	}
	return best;
}

uint64_t
term_of(struct ctx *cx, enum doc_kind kind, char space, str word)
{
	char b[1 + 256];
	size_t n = word.n < 256 ? word.n : 256;

	b[0] = space;
	memcpy(b + 1, word.p != NULL ? word.p : "", n);
	return (search_term_key(cx->sys, (str){ b, n + 1 }) & ~(uint64_t)3) | kind;
}

static void
push(struct ctx *cx, struct terms *into, uint64_t term)
{
	if (into->count == into->cap) {
		int cap = into->cap == 0 ? 256 : into->cap * 2;
		uint64_t *t = NEW(cx->arena, uint64_t, cap);
		if (into->count > 0)
			memcpy(t, into->t, sizeof(*t) * (size_t)into->count);
		into->t = t;
		into->cap = cap;
	}
	into->t[into->count++] = term;
}

/* Most words of a text were in the texts before it, so their terms are kept
 * (a megabyte of them): an HMAC costs ten times a lookup. What is kept is no
 * word but its SipHash under a key of this process, of which 64 bits are
 * compared. Threads share the slots without a lock: `check` is tag ^ term, so
 * two halves of different writes do not fit together. */
enum { KEPT = 1 << 16 };
static struct { _Atomic uint64_t check, term; } kept[KEPT];
static uint64_t sip_key[2];
static pthread_once_t sip_once = PTHREAD_ONCE_INIT;

static void
sip_begin(void)
{
	rand_bytes(sip_key, sizeof sip_key);
}

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define SIP_ROUND() \
	do { \
		v0 += v1; v1 = ROTL(v1, 13) ^ v0; v0 = ROTL(v0, 32); \
		v2 += v3; v3 = ROTL(v3, 16) ^ v2; \
		v0 += v3; v3 = ROTL(v3, 21) ^ v0; \
		v2 += v1; v1 = ROTL(v1, 17) ^ v2; v2 = ROTL(v2, 32); \
	} while (0)

/* SipHash-2-4 of the space and the word (Aumasson and Bernstein, 2012). */
static uint64_t
tag_of(char space, str w)
{
	uint64_t v0 = sip_key[0] ^ 0x736f6d6570736575u, v1 = sip_key[1] ^ 0x646f72616e646f6du,
	    v2 = sip_key[0] ^ 0x6c7967656e657261u ^ (unsigned char)space, v3 = sip_key[1] ^ 0x7465646279746573u, m;
	size_t i = 0;

	for (; i + 8 <= w.n; i += 8) {
		memcpy(&m, w.p + i, 8);
		v3 ^= m;
		SIP_ROUND();
		SIP_ROUND();
		v0 ^= m;
	}
	m = (uint64_t)w.n << 56;
	for (unsigned shift = 0; i < w.n; i++, shift += 8)
		m |= (uint64_t)(unsigned char)w.p[i] << shift;
	v3 ^= m;
	SIP_ROUND();
	SIP_ROUND();
	v0 ^= m;
	v2 ^= 0xff;
	for (int k = 0; k < 4; k++)
		SIP_ROUND();
	m = v0 ^ v1 ^ v2 ^ v3;
	return m != 0 ? m : 1;
}

static uint64_t
kept_term(struct ctx *cx, uint64_t tag, char space, str w)
{
	size_t i = tag & (KEPT - 1);
	uint64_t term = atomic_load_explicit(&kept[i].term, memory_order_relaxed);

	if ((atomic_load_explicit(&kept[i].check, memory_order_relaxed) ^ term) == tag)
		return term;
	term = term_of(cx, KIND_TICKET, space, w) & ~(uint64_t)3;
	atomic_store_explicit(&kept[i].term, term, memory_order_relaxed);
	atomic_store_explicit(&kept[i].check, tag ^ term, memory_order_relaxed);
	return term;
}

/* The tags of this text so far; open addressing, at most half full. */
struct gather {
	struct ctx   *cx;
	struct terms *into;
	uint64_t     *seen;
	size_t        slots, used;
	const int    *heads;
	bool          title;
};

static void
grow(struct gather *g)
{
	uint64_t *old = g->seen;
	size_t n = g->slots;

	g->slots = n * 2;
	g->seen = NEW(g->cx->arena, uint64_t, g->slots);
	for (size_t i = 0; i < n; i++)
		if (old[i] != 0) {
			size_t h = old[i] >> 32 & (g->slots - 1);
			while (g->seen[h] != 0)
				h = (h + 1) & (g->slots - 1);
			g->seen[h] = old[i];
		}
}

/* False: the text had it already. */
static bool
emit(struct gather *g, char space, str w)
{
	uint64_t tag = tag_of(space, w);
	size_t h;

	__builtin_prefetch(&kept[tag & (KEPT - 1)]);
	if ((g->used + 1) * 2 > g->slots)
		grow(g);
	for (h = tag >> 32 & (g->slots - 1); g->seen[h] != 0; h = (h + 1) & (g->slots - 1))
		if (g->seen[h] == tag)
			return false;
	g->seen[h] = tag;
	g->used++;
	push(g->cx, g->into, kept_term(g->cx, tag, space, w));
	return true;
}

static void
gather_word(void *arg, str w, bool whole)
{
	struct gather *g = arg;
	char room[WORD_MAX];
	str stem = whole ? w : word_stem(w, room);
	bool fresh = emit(g, IN_TEXT, stem);

	if (g->title)
		emit(g, IN_TITLE, stem);
	/* A stem that was there has its heads, unless this is another form of it. */
	if (whole || g->heads == NULL || (!fresh && stem.n == w.n))
		return;
	for (const int *h = g->heads; *h != 0; h++) {
		size_t n = word_head(w, *h);
		if (n == 0)
			break;
		emit(g, IN_HEAD, str_sub(w, 0, n));
	}
}

static void
gather_text(struct ctx *cx, str text, const int *with_heads, bool title, struct terms *into)
{
	uint64_t first[512] = { 0 };         /* on the stack, where it is warm */
	struct gather g = { .cx = cx, .into = into, .heads = with_heads, .title = title, .seen = first, .slots = COUNT(first) };

	pthread_once(&sip_once, sip_begin);
	words_split(words_fold(cx->arena, text), gather_word, &g);
}

void
terms_value(struct ctx *cx, char space, str text, struct terms *into)
{
	push(cx, into, term_of(cx, KIND_TICKET, space, str_sub(text, 0, 255)) & ~(uint64_t)3);
}

void
terms_heads(struct ctx *cx, enum doc_kind kind, bool title, str text, struct terms *into)
{
	gather_text(cx, text, heads[kind], title, into);
}

void
search_terms(struct ctx *cx, char space, str text, struct terms *into)
{
	if (text.n == 0)
		return;
	switch (space) {
	case 's':
		gather_text(cx, text, heads[KIND_TICKET], true, into);
		break;
	case 'g':
		terms_value(cx, IN_TAG, fold_value(cx, text), into);
		terms_value(cx, IN_TAGGED, S(""), into);
		gather_text(cx, text, heads[KIND_TICKET], false, into);
		break;
	case 'u':
	case 'o':
		gather_text(cx, text, NULL, false, into);
		break;
	default:
		gather_text(cx, text, heads[KIND_TICKET], false, into);
		break;
	}
}
