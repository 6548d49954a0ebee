/* engine.h - what the files of libphi share; nobody else includes it.
 *
 * One scan goes: norm.c (a copy that is plain ASCII where it can be, with a
 * map back) -> token.c (tokens, lexicon.c says what each word may be) ->
 * cand.c (rules of rules.c, confirmed by dfa.c and check.c, weighed by the
 * words around) and paste.c (HL7, tables, keys) and place.c (addresses, facilities) and name.c (titles, forms,
 * greetings) and tagger.c -> merge.c -> scan.c reports. Long texts go through
 * in windows.
 */
#ifndef PHI_ENGINE_H
#define PHI_ENGINE_H

#include "phi.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define HIDDEN __attribute__((visibility("hidden")))
#pragma GCC visibility push(hidden)

/* ---- tokens ------------------------------------------------------------------------------- */

enum { T_WORD, T_NUM, T_MIX, T_PUNCT };           /* letters; digits; both; one other character */
enum {
	F_SPACE = 1,   /* a blank stands before it */
	F_NL    = 2,   /* a line break stands before it (or the text begins) */
	F_PARA  = 4,   /* an empty line stands before it */
	F_UP    = 8,   /* first letter is a capital */
	F_ALLUP = 16,  /* all letters are capitals, two or more */
	F_CODE  = 32,  /* its blank-delimited chunk holds a digit */
	F_POSS  = 64,  /* 's follows, taken off */
	F_MIXED = 128, /* a capital after a small letter: McKay, iPhone */
};

struct tok {
	uint32_t at;            /* in the normalised window */
	uint16_t len;
	uint8_t  type, flags;
	uint64_t h;             /* of the word in small letters */
	uint64_t lex;           /* LEX_* of lexicon.h's table, 0: unknown */
	uint64_t ctx;           /* bit per word class of the rule files */
};

/* Token classes of bytes: what the tokeniser and the rule edges ask. */
extern const uint8_t phi_cls[256];
enum { C_DIGIT = 1, C_UPPER = 2, C_LOWER = 4, C_HIGH = 8, C_BLANK = 16, C_LETTER = 14, C_ALNUM = 15 };
static inline bool is_digit(unsigned char c) { return phi_cls[c] & C_DIGIT; }
static inline bool is_alnum_(unsigned char c) { return phi_cls[c] & C_ALNUM; }
static inline bool is_letter(unsigned char c) { return phi_cls[c] & C_LETTER; }

uint64_t phi_word_hash(const char *p, size_t n);      /* small letters; p needs no padding */
static inline uint64_t
phi_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

/* Letters, digits, apostrophes and bytes above 0x7f only: bit 5 is the case. */
static inline uint64_t
word_hash(const char *p, size_t n, bool padded)
{
	uint64_t h = 0x243f6a8885a308d3ull ^ n, w;
	while (n > 8) {
		memcpy(&w, p, 8);
		h = phi_mix(h, w | 0x2020202020202020ull);
		p += 8, n -= 8;
	}
	if (padded)
		memcpy(&w, p, 8);
	else
		w = 0, memcpy(&w, p, n);
	w |= 0x2020202020202020ull;
	w &= n == 8 ? ~0ull : (1ull << (n * 8)) - 1;
	h = phi_mix(h, w);
	h = phi_mix(h, h >> 17);
	return h | 1;                   /* never 0 */
}

/* ---- lexicon ------------------------------------------------------------------------------ */

/* Attributes of a word, 40 bits in a slot of the table. */
#define LEX_GIVEN(x)   ((unsigned)(x) & 7)            /* grade of given name by frequency, 0: none */
#define LEX_SUR(x)     ((unsigned)((x) >> 3) & 7)     /* the same, surname */
#define LEX_COMMON(x)  ((unsigned)((x) >> 6) & 3)     /* 1 in the word list, 2 frequent, 3 very */
#define LEX_PLACE      (1ull << 8)                    /* a US place of one word */
#define LEX_PLACE_HEAD (1ull << 9)                    /* first word of a place of several words */
#define LEX_STATE      (1ull << 10)                   /* name of a state, one word */
#define LEX_ABBR       (1ull << 11)                   /* postal abbreviation of a state */
#define LEX_COUNTY     (1ull << 12)
#define LEX_HOSP_HEAD  (1ull << 13)                   /* first word of a known hospital */
#define LEX_EPONYM     (1ull << 14)
#define LEX_EPO_HEAD   (1ull << 15)                   /* disease, catheter: makes the word before it one */
#define LEX_MEDICAL    (1ull << 16)
#define LEX_COUNTRY    (1ull << 17)
#define LEX_BIGPLACE   (1ull << 18)                   /* a place whose name stands for itself: Boston */
#define LEX_PLACES     (1ull << 20)                   /* phrase entries: a place of several words */
#define LEX_HOSPITAL   (1ull << 21)                   /* a known hospital, whole name */
#define LEX_WORLD      (1ull << 22)                   /* a city abroad */
#define LEX_MORE       (1ull << 23)                   /* phrase entries: longer ones begin so */
/* Not of the table, but of the token: */
#define LEX_DOTTED     (1ull << 63)                   /* . or _ or :/ stands inside of its chunk */
#define LEX_SPELLS     (1ull << 62)                   /* the word at or dot */
#define LEX_OPENS      (1ull << 61)                   /* a frame of name.c may begin at it */
#define LEX_STARTS     (1ull << 60)                   /* a rule of somebody's own may */
#define LEX_OWNS       (1ull << 59)                   /* no word, but a given name and s: joeys inhaler */
#define LEX_PLACE_SOME (1ull << 58)                   /* a place may begin at it, */
#define LEX_PLACE_UP   (1ull << 57)                   /* if it has a capital */
#define WORD_FLAGS     48                             /* bits to shift ctx_slot.flags by */
#define LEX_TABLE      0xffffffffffull

struct lexicon { const uint64_t *slot; uint64_t mask; size_t count; };
bool     phi_lex_open(struct lexicon *l, const void *bytes, size_t n);
static inline uint64_t
lex_get(const struct lexicon *l, uint64_t h)
{
	/* A slot: 24 bits of the hash, 40 bits of attributes; 0 is empty. */
	for (uint64_t i = h & l->mask;; i = (i + 1) & l->mask) {
		uint64_t s = l->slot[i];
		if (s == 0)
			return 0;
		if (s >> 40 == h >> 40)
			return s & LEX_TABLE;
	}
}

/* What a word that the table does not have may be all the same. */
static inline uint64_t
lex_derived(const struct lexicon *l, const char *p, size_t n)
{
	if (n < 4 || n > 12 || p[n - 1] != 's')
		return 0;
	uint64_t x = lex_get(l, phi_word_hash(p, n - 1));
	return LEX_GIVEN(x) >= 4 && LEX_COMMON(x) == 0 ? LEX_OWNS : 0;
}

/* All that is known of a word: what the table has, and what follows from it. */
static inline uint64_t
lex_word(const struct lexicon *l, uint64_t h, const char *p, size_t n)
{
	const uint64_t place = LEX_PLACE | LEX_WORLD | LEX_BIGPLACE;
	uint64_t x = lex_get(l, h);
	/* A rare surname may be one, too: jakes. */
	if (x == 0 || (LEX_COMMON(x) == 0 && LEX_GIVEN(x) == 0 && LEX_SUR(x) < 3 && !(x & ~(uint64_t)0x3f)))
		x |= lex_derived(l, p, n);
	if (x & LEX_PLACE_HEAD || (x & place && LEX_COMMON(x) == 0))
		x |= LEX_PLACE_SOME;
	if (x & (place | LEX_ABBR | LEX_STATE | LEX_PLACE_HEAD | LEX_HOSP_HEAD))
		x |= LEX_PLACE_UP;
	return x;
}

/* ---- patterns ----------------------------------------------------------------------------- */

struct dfa;
struct dfa *phi_dfa_new(const char *pattern, size_t n, const char **why);   /* NULL: refused, *why fixed words */
void   phi_dfa_free(struct dfa *d);
#define MATCH_MAX 256
/* May a match begin with exactly `run` digits, then end or go on with a
 * character of class `next`? One call for all: fills may[run][next]. */
void phi_dfa_runs(const struct dfa *d, bool (*may)[9]);
/* May a match hold byte c at offset j from its beginning, j below LOOK? Where a
 * match may have ended before, anything may stand. */
#define LOOK 6
void phi_dfa_look(const struct dfa *d, bool (*may)[256]);
/* Calls back nothing: fills the ends of the matches that begin at p, longest
 * last; returns how many (at most `max`, the longest are kept). */
unsigned phi_dfa_match(const struct dfa *d, const char *p, const char *end, uint16_t *ends, unsigned max);

/* ---- rules -------------------------------------------------------------------------------- */

enum { START_DIGIT, START_CODE, START_WORD, START_PUNCT, START_ANY, START_DOTTED, START_AT, START_DOT };
enum { EDGE_STRICT, EDGE_LOOSE };
#define CLAUSES 6
struct clause { uint64_t classes, own; int8_t before, after; int16_t add; };   /* windows in tokens */
struct scan;
typedef int check_fn(const char *p, size_t n);        /* change of score; CHECK_NO refuses */
#define CHECK_NO (-1000)

struct rule {
	/* What a try needs first stands in one line of the cache. */
	struct dfa  *dfa;
	uint8_t      kind, start, edge, boosts, drops, min_digits;
	int16_t      score;
	bool         needs_given;
	check_fn    *check[2];
	struct clause needs;
	char        *id;
	uint64_t     start_class, start_own;     /* START_WORD: word classes that may begin it */
	struct clause drop[CLAUSES], boost[CLAUSES];
};

struct phrase { uint64_t h[4]; uint8_t n, cls; };     /* words before the last, nearest first */
struct ctx_slot { uint64_t h, mask, own; uint32_t phrase; uint16_t phrases, flags; };   /* flags: LEX_SPELLS, LEX_OPENS by WORD_FLAGS */

/* The built-in files have up to 64 word classes, a bit each of tok.ctx; those
 * that a folder's files add are bits of scan.own, which is asked only where there are some. */
#define CLASSES 64

#define RUNS  22
#define NEXTS 9
static inline unsigned
next_class(unsigned char c)
{
	switch (c) {
	case '-': return 1;
	case '.': return 2;
	case '/': return 3;
	case ':': return 4;
	case ',': return 5;
	case ')': return 6;
	default: return phi_cls[c] & C_BLANK ? 0 : phi_cls[c] & C_LETTER ? 7 : 8;
	}
}

struct rules {
	struct rule     *rule;
	unsigned         count, cap;
	char            *cls_name[2 * CLASSES];
	unsigned         classes[2];     /* built in, from 0; own, from CLASSES */
	bool             adds;           /* what is read now is somebody's own */
	struct ctx_slot *ctx;         /* open addressing */
	uint32_t         ctx_mask, ctx_count;
	struct phrase   *phrase;
	uint32_t         phrases, phrase_cap;
	struct dispatch *dispatch;       /* cand.c: which rules may begin at a token */
	uint64_t         word_starts, own_starts;    /* union of start_class, of start_own */
};
struct example { unsigned rule; bool yes; char *text, *part; unsigned line; };
struct examples { struct example *e; unsigned count, cap; };
bool phi_rules_read(struct rules *r, const char *text, size_t n, const char *name, struct examples *ex,
    char *why, size_t wn);
bool phi_rules_done(struct rules *r);                 /* builds the dispatch tables */
void phi_rules_free(struct rules *r);
bool phi_dispatch_new(struct rules *r);
void phi_dispatch_free(struct rules *r);
void phi_examples_free(struct examples *ex);
const struct ctx_slot *phi_ctx_get(const struct rules *r, uint64_t h);
uint64_t phi_class(const struct rules *r, const char *name);   /* its bit, or 0 */
check_fn *phi_check_of(const char *name, size_t n);

/* ---- tagger ------------------------------------------------------------------------------- */

#define TAGS 16       /* a row of weights: 11 tags, padded */
enum { TAG_O, TAG_BNAME, TAG_INAME, TAG_BLOC, TAG_ILOC, TAG_BFAC, TAG_IFAC, TAG_BDATE, TAG_IDATE,
	TAG_BID, TAG_IID, TAG_COUNT };
typedef int16_t tagvec __attribute__((vector_size(32)));
struct tagger {
	const int8_t *row;         /* rows * TAGS */
	uint32_t      mask;        /* rows - 1 */
	tagvec        trans[TAGS]; /* [from], lanes: to */
	tagvec        start;
	int16_t       unit;        /* score points of one step of confidence */
};
bool phi_tagger_open(struct tagger *t, const void *bytes, size_t n);

/* ---- classes that C code asks for, by name in the rule files ------------------------------- */

enum wc { W_TITLE, W_NAMELABEL, W_ROLE, W_DEGREE, W_GREET, W_SIGN, W_STREET, W_UNIT, W_DIR, W_FACHEAD, W_FACPREP,
	W_MONTH, W_WEEKDAY, W_NOTNAME, W_SPEAKER, W_ADDRLABEL, W_LIVES, W_SUFFIX, W_PARTICLE, W_KIN, W_SAYS, W_FACLABEL,
	W_POBOX, W_BRAND, W_CODE, W_QUANTITY, W_COMPANY, W_NOTDATE, W_DEED, W_COUNT };

/* ---- the open engine ------------------------------------------------------------------------ */

enum { CPU_BMI = 1, CPU_AVX2 = 2 };
struct phi {
	uint64_t        id;           /* unlike any other opened in this process */
	unsigned        cpu;          /* CPU_*: what this processor can do beyond the least of its kind */
	struct rules    rules;
	struct lexicon  lex;
	struct tagger   tagger;
	bool            has_tagger;
	uint64_t        id_words;     /* classes of labels of numbers, together */
	uint64_t        wc[W_COUNT];  /* word class bits, 0 when the rules have none */
	int             r_tag[6], r_name, r_title, r_form, r_greet, r_sign, r_speaker, r_memory, r_known, r_address, r_facility,
	                r_city, r_citystate, r_lastfirst, r_hospital, r_hl7, r_table, r_pair, r_kin, r_beside, r_subject, r_memory_number;
	uint32_t        key_lengths[32], key_ends;  /* paste.c */
	uint8_t         key_first[32], key_next[UINT8_MAX];
	void           *lex_map, *model_map;
	size_t          lex_len, model_len;
};

/* ---- one scan ------------------------------------------------------------------------------- */

struct cand {
	uint32_t at, end;             /* normalised window */
	uint8_t  kind;
	int16_t  score, rule;
};

#define CACHE_SLOTS 4096
struct wcache {                       /* what a word is, per thread */
	uint64_t h, lex, mask;
	uint32_t phrase, phrases;
};
#define VEC_SLOTS 2048
struct vcache {                       /* the tagger's sums of a word alone */
	tagvec   at[5];               /* as the word two before, before, itself, behind, two behind */
	uint64_t key;
};

#define NEAR 8
#define PAD 80                        /* zero bytes behind a window: a block of the tokeniser, and a load */
/* Names found in a text, to be found again. */
struct learned { uint64_t h; uint8_t words; };
#define LEARNED_SLOTS 4096
#define LEARNED_MAX   2800
#define NUMBERS_MAX   256
struct memory {
	size_t         count;
	uint64_t       bits[64];      /* what is surely not among them */
	uint16_t       at[LEARNED_MAX + 1];
	struct learned slot[LEARNED_SLOTS];
	/* numbers, by their letters and digits alone */
	size_t         numbers;
	uint64_t       begins[64];    /* by the first character, bits of the second: see pair_bit() */
	uint64_t       sums;          /* bits of what is surely not among them */
	struct { uint64_t h; uint8_t n, kind; } number[NUMBERS_MAX];
};

struct scan {
	const struct phi *phi;
	struct phi_opts   o;
	/* window */
	char      *t;                 /* normalised text, padded by PAD zero bytes */
	size_t     tn, tcap, high;    /* high: most bytes of it used since it was wiped */
	uint32_t  *map;               /* of each normalised byte: offset in the window of the original */
	bool       identity;
	uint64_t  *bits;              /* BIT_* of each 64 bytes of t */
	size_t     bitcap;
	struct tok *tok;
	size_t     ntok, tokcap;
	uint64_t  *starts, *alnum;    /* within bits: the first bytes of tokens; letters and digits */
	uint32_t  *before;            /* per 64 bytes: tokens in front of them */
	size_t     beforecap;
	uint32_t  *list;              /* tokens to look at again */
	size_t     listcap;
	uint64_t  *near;              /* word classes of each NEAR tokens, or-ed; from [3] on, see beside() */
	size_t     nearcap;
	uint64_t   present;           /* of all tokens */
	uint64_t  *own;               /* per token: classes of somebody's own; none are asked if the rules have none */
	size_t     owncap;
	uint64_t   own_present;
	uint8_t   *cover;             /* per token: 1 + kind of the best rule candidate over it */
	size_t     covercap, hintcap;
	uint8_t   *hint;              /* per token: which frame of place.c or name.c fits, and how well */
	struct cand *cand;
	size_t     ncand, candcap;
	struct cand *sorted;          /* merge.c's other half */
	size_t     sortedcap;
	uint64_t  *cap_words;         /* hash of phrases already looked up: unused slots 0 */
	bool       nomem;
	/* tagger */
	tagvec    *emit;
	int16_t  (*score)[TAGS];
	uint8_t   *tag;
	size_t     tagcap;
	/* the whole text */
	struct phi_finding *out;
	size_t     nout, outcap;
	bool       open;              /* the last one goes on in the next part, up to a blank */
	struct memory *memory;        /* NULL until something was learned */
	uint64_t   owner;             /* phi->id the caches were filled for */
	struct wcache *words;
	struct vcache *vecs;
	uint32_t   caps_lower, caps_upper;
};

/* A capital that says something. In a text all of capitals none does: there a
 * frequent word that nobody is called counts as one in small letters. */
static inline bool
capital(const struct scan *s, const struct tok *k, unsigned common)
{
	return k->flags & F_UP && !(k->flags & F_ALLUP && s->caps_lower < s->caps_upper && LEX_COMMON(k->lex) >= common && LEX_SUR(k->lex) < 5 && LEX_GIVEN(k->lex) < 5 &&
	    !(k->lex & LEX_BIGPLACE));
}

bool phi_normalise(struct scan *s, const char *p, size_t n);
bool phi_tokenise(struct scan *s);
void phi_candidates(struct scan *s);
void phi_pastes(struct scan *s);
void phi_paste_keys(struct phi *p);
void phi_number_rules(struct phi *p);
void phi_places(struct scan *s);
void phi_names(struct scan *s);
void phi_tag(struct scan *s);
void phi_beside(struct scan *s);
void phi_memory(struct scan *s);
void phi_memory_wipe(struct memory *m);
void phi_merge(struct scan *s);
void phi_known_find(struct scan *s);
bool phi_known_allowed(const struct phi_known *k, const char *p, size_t n);
/* The bits of a bitmap from place i on, 57 of them and some more or less garbage. */
static inline uint64_t
phi_bits(const uint64_t *map, size_t i)
{
	uint64_t w;
	memcpy(&w, (const char *)map + (i >> 3), 8);
	return w >> (i & 7);
}
/* The token that begins at byte `at` of the window, or the first behind it. */
static inline size_t
token_from(const struct scan *s, size_t at)
{
	uint64_t m = s->starts[at >> 6] & ((1ull << (at & 63)) - 1);
	/* Counted by hand: not every processor of its kind has an instruction for it. */
	m -= m >> 1 & 0x5555555555555555ull;
	m = (m & 0x3333333333333333ull) + (m >> 2 & 0x3333333333333333ull);
	return s->before[at >> 6] + (size_t)(((m + (m >> 4)) & 0x0f0f0f0f0f0f0f0full) * 0x0101010101010101ull >> 56);
}
/* Does token i begin another column: behind a tab or three blanks, and not in the middle of LOPEZ,   ANA? */
static inline bool
column(const struct scan *s, size_t i)
{
	size_t at = s->tok[i].at;
	return s->tok[i].flags & F_SPACE && !(s->tok[i].flags & F_NL) && i > 0 && at > 2 && s->tok[i - 1].type != T_PUNCT &&
	    (s->t[at - 1] == '\t' || (s->t[at - 1] == ' ' && s->t[at - 2] == ' ' && s->t[at - 3] == ' '));
}
bool cand_add(struct scan *s, size_t at, size_t end, int kind, int score, int rule);
uint64_t phi_context(const struct scan *s, size_t tok, int before, int after);
uint64_t phi_context_own(const struct scan *s, size_t tok, int before, int after);
/* Takes the longest phrase of the lexicon that begins at token i and has
 * `want`; returns the tokens it takes, 0 for none. */
size_t phi_phrase(const struct scan *s, size_t i, uint64_t want, uint64_t *got);
bool grow(void **p, size_t *cap, size_t need, size_t size);
/* The features of token i for training and for tagging: see tagger.c. */
#define FEATURES_MAX 64
unsigned phi_features(const struct scan *s, size_t i, uint32_t *row, uint32_t mask);

/* Prepares one window up to the tagger; for training. */
struct scan *phi_scratch(const struct phi *p);
bool phi_window(struct scan *s, const char *text, size_t n);

/* The parts of a long text: see scan.c. */
#define PHI_PART   ((size_t)32 << 10)
#define PHI_BACK   ((size_t)512)
#define PHI_AHEAD  ((size_t)1024)
#define PHI_CARRY  ((size_t)4096)
size_t phi_part_end(const char *text, size_t len, size_t from);
enum phi_err phi_part_scan(struct scan *s, const char *text, size_t len, size_t from, size_t to);
/* phi_scan_opts of a text above PHI_TEXT_MAX too: what a redaction has made longer. */
enum phi_err phi_scan_any(const struct phi *p, const struct phi_opts *o, const char *text, size_t len, phi_found *found, void *arg);
/* Copies an options struct of `theirs` bytes over the `ours` bytes at `to`; false if it is malformed. */
bool phi_options(void *to, size_t ours, size_t least, const void *from, size_t theirs);
#define PHI_OPTS_V1   sizeof(struct phi_opts)               /* the size it had in 1.0 */
#define PHI_REDACT_V1 offsetof(struct phi_redact_opts, secret)

extern const unsigned char phi_lex_start[], phi_lex_end[], phi_model_start[], phi_model_end[],
    phi_rules_start[], phi_rules_end[];

#pragma GCC visibility pop
#endif
