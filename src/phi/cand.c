/* cand.c - the rules tried at each token, weighed by the words around it.
 *
 * No literal engine runs over the text: the tokeniser has already met every
 * word, so triggers are bits of the token. Which rules may begin at a token is
 * asked of all rules at once: a rule is a bit, and for each of the first LOOK
 * bytes a table says by the byte which rules could have it there. What is left
 * of the and of them, of the start conditions and of the words near is tried.
 * Most tokens cost one look at a table; a pattern match costs a few nanoseconds
 * and ends at the first byte that does not fit.
 */
#include "engine.h"

#include <stdlib.h>

#define WORDS_MAX 16              /* of 64 rules each: rules.c refuses more than 1000 */
typedef uint64_t words2 __attribute__((vector_size(16)));

struct dispatch {
	unsigned  words;
	/* May a rule that is not bound to a word or chunk begin with this byte? The
	 * second table leaves out those that begin with letters and need one of... */
	bool      any[2][256], look_at[2][256];
	uint64_t  needs;          /* ... these words near */
	uint8_t   col[256];       /* bytes that no table tells apart share a column */
	uint64_t *look;           /* [LOOK][256 columns][words] */
	/* Rules by their start, each `words` long. */
	uint64_t *letter, *code, *punct, *dotted, *at, *dot, *strict, *loose;
	uint64_t *num[RUNS][NEXTS];
	uint64_t *cls[2 * CLASSES];     /* START_WORD */
	uint64_t  bits[] __attribute__((aligned(16)));
};

bool
cand_add(struct scan *s, size_t at, size_t end, int kind, int score, int rule)
{
	if (at >= end || end > s->tn)
		return true;
	if (s->ncand == s->candcap && !grow((void **)&s->cand, &s->candcap, s->ncand + 1, sizeof *s->cand)) {
		s->nomem = true;
		return false;
	}
	s->cand[s->ncand++] = (struct cand){ (uint32_t)at, (uint32_t)end, (uint8_t)kind,
	    (int16_t)(score > 100 ? 100 : score), (int16_t)rule };
	return true;
}

static inline unsigned char
byte_at(const struct scan *s, size_t i)
{
	return i < s->tn ? (unsigned char)s->t[i] : ' ';
}

static bool
edge_before(const struct scan *s, size_t at, uint8_t edge)
{
	if (at == 0)
		return true;
	unsigned char c = (unsigned char)s->t[at - 1], d = at > 1 ? (unsigned char)s->t[at - 2] : ' ';
	if (is_alnum_(c))
		return false;
	if (edge == EDGE_LOOSE || phi_cls[c] & C_BLANK)
		return true;
	switch (c) {
	case '$': case '%':
		return false;
	case '-': case '/': case '_':
		return !is_alnum_(d);
	case '+':
		return false;
	case ',':                       /* 1,234; but 40.00,Visa 8841 */
		return !is_digit(d) || is_letter((unsigned char)s->t[at]);
	case '.': case ':':
		return !is_digit(d);
	default:
		return true;
	}
}

static bool
edge_after(const struct scan *s, size_t end, uint8_t edge)
{
	unsigned char c = byte_at(s, end), d = byte_at(s, end + 1);
	if (is_alnum_(c))
		return false;
	if (edge == EDGE_LOOSE || phi_cls[c] & C_BLANK)
		return true;
	switch (c) {
	case '%':
		return false;
	case '-': case '/': case '_': case '@': case '+':
		return !is_alnum_(d);
	case '.':
		return !is_digit(d);
	case ':':
		return !is_digit(d);
	case ',':
		return !(is_digit(d) && is_digit(byte_at(s, end + 2)) && is_digit(byte_at(s, end + 3)) &&
		    !is_alnum_(byte_at(s, end + 4)));
	default:
		return true;
	}
}

/* What was found out about token `at`, for all rules tried there. */
struct fit {
	size_t   at;
	uint64_t before[41], own[41]; /* phi_context(at, n, 0), of the built-in classes and of somebody's own */
	uint64_t known;               /* bit n: before[n] is; bit 63: wide is */
	uint64_t wide, wide_own;      /* all classes near, whatever stands between */
};

static bool
before(const struct scan *s, struct fit *f, int n, const struct clause *c)
{
	if (!(f->known >> n & 1)) {
		f->before[n] = phi_context(s, f->at, n, 0);
		f->own[n] = s->own_present ? phi_context_own(s, f->at, n, 0) : 0;
		f->known |= 1ull << n;
	}
	return (f->before[n] & c->classes) | (f->own[n] & c->own);
}

static bool
behind(const struct scan *s, size_t next, const struct clause *c)
{
	return c->after > 0 && ((c->classes && phi_context(s, next, 0, c->after) & c->classes) ||
	    (c->own & s->own_present && phi_context_own(s, next, 0, c->after) & c->own));
}

static inline bool
present(const struct scan *s, const struct clause *c)
{
	return (c->classes & s->present) | (c->own & s->own_present);
}

/* Words between the token and the nearest word of `c` in front of it; 0: none near. */
static int
distance(const struct scan *s, struct fit *f, const struct clause *c)
{
	int lo = 1;
	if (c->before <= 0 || !before(s, f, c->before, c))
		return 0;
	while (lo < c->before && !before(s, f, lo, c))
		lo++;
	return lo;
}

static bool
near_words(const struct scan *s, struct fit *f, size_t next, const struct clause *c)
{
	return present(s, c) && ((c->before > 0 && before(s, f, c->before, c)) || behind(s, next, c));
}

/* A window of words may reach far where much stands between them: this far it counts. */
static bool
wide(const struct scan *s, struct fit *f, const struct clause *c)
{
	if (!(f->known >> 63)) {
		size_t i = f->at, lo = i > 24 ? i - 24 : 0, hi = i + 16 < s->ntok ? i + 16 : s->ntok;
		f->wide = f->wide_own = 0;
		for (size_t j = lo; j < hi; j++)
			f->wide |= s->tok[j].ctx;
		for (size_t j = lo; j < hi && s->own_present; j++)
			f->wide_own |= s->own[j];
		f->known |= 1ull << 63;
	}
	return (f->wide & c->classes) | (f->wide_own & c->own);
}

static void
try(struct scan *s, size_t i, unsigned number, struct fit *f)
{
	const struct rule *r = &s->phi->rules.rule[number];
	const struct tok *k = &s->tok[i];
	const char *p = s->t + k->at;
	uint16_t ends[8];
	int d = 0;

	/* The words in front are asked first: they are the same for all rules here. */
	if (r->needs_given) {
		d = distance(s, f, &r->needs);
		if ((d == 0 && r->needs.after <= 0) || !wide(s, f, &r->needs))
			return;
	}
	unsigned n = phi_dfa_match(r->dfa, p, s->t + s->tn, ends, 8);
	while (n > 0 && !(r->kind == PHI_URL && ends[n - 1] == MATCH_MAX) && !edge_after(s, k->at + ends[n - 1], r->edge))
		n--;
	if (n == 0)
		return;
	size_t len = ends[n - 1];
	if (r->kind == PHI_URL) {
		/* An address goes on to the blank; the sentence's punctuation is not part of it. */
		while (len >= MATCH_MAX && k->at + len < s->tn && !(phi_cls[(unsigned char)p[len]] & C_BLANK))
			len++;
		while (len > 4 && strchr(".,;:!?)'\"*", p[len - 1]))
			len--;
	}
	size_t end = k->at + len, next = token_from(s, end);
	int score = r->score;
	if (r->min_digits) {
		unsigned digits = 0;
		for (size_t j = 0; j < len; j++)
			digits += is_digit((unsigned char)p[j]);
		if (digits < r->min_digits)
			return;
	}
	if (r->needs_given) {
		if (d == 0 && !behind(s, next, &r->needs))
			return;
		if (d == 0)
			d = r->needs.after;
		score -= d > 1 ? d - 1 : 0;
	}
	for (unsigned j = 0; j < 2 && r->check[j]; j++) {
		int add = r->check[j](p, len);
		if (add == CHECK_NO)
			return;
		score += add;
	}
	for (unsigned j = 0; j < r->drops; j++)
		if (near_words(s, f, next, &r->drop[j]))
			return;
	for (unsigned j = 0; j < r->boosts; j++)
		if (near_words(s, f, next, &r->boost[j]))
			score += r->boost[j].add;
	if (score > 0)
		cand_add(s, k->at, end, r->kind, score, (int)number);
}

/* ---- which rules ------------------------------------------------------------------------------------ */

static inline void
set(uint64_t *m, unsigned i)
{
	m[i / 64] |= 1ull << (i & 63);
}

bool
phi_dispatch_new(struct rules *r)
{
	unsigned words = (r->count + 127) / 128 * 2;
	/* Columns are not known yet: room for one a byte. */
	size_t rows = LOOK * 256u + 8 + RUNS * NEXTS + 2 * CLASSES, bytes = sizeof(struct dispatch) + rows * words * sizeof(uint64_t);
	struct dispatch *d = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	bool (*look)[256] = malloc(LOOK * sizeof *look);
	uint64_t *all = calloc(LOOK * 256u, words * sizeof *all);
	if (!d || !look || !all) {
		free(d), free(look), free(all);
		return false;
	}
	memset(d, 0, bytes);
	d->words = words;
	uint64_t *to = d->bits;
	d->look = to;
	to += LOOK * 256 * words;
	uint64_t **lists[] = { &d->letter, &d->code, &d->punct, &d->dotted, &d->at, &d->dot, &d->strict, &d->loose };
	for (unsigned i = 0; i < COUNTOF(lists); i++, to += words)
		*lists[i] = to;
	for (unsigned a = 0; a < RUNS; a++)
		for (unsigned b = 0; b < NEXTS; b++, to += words)
			d->num[a][b] = to;
	for (unsigned i = 0; i < 2 * CLASSES; i++, to += words)
		d->cls[i] = to;

	for (unsigned i = 0; i < r->count; i++) {
		const struct rule *q = &r->rule[i];
		bool may[RUNS][NEXTS], free_start = false;
		phi_dfa_look(q->dfa, look);
		for (unsigned j = 0; j < LOOK; j++)
			for (unsigned c = 0; c < 256; c++)
				if (look[j][c])
					set(all + (j * 256 + c) * words, i);
		set(q->edge == EDGE_LOOSE ? d->loose : d->strict, i);
		switch (q->start) {
		case START_WORD:
			for (unsigned c = 0; c < 2 * CLASSES; c++)
				if ((c < CLASSES ? q->start_class : q->start_own) >> (c & (CLASSES - 1)) & 1)
					set(d->cls[c], i);
			break;
		case START_DOTTED: set(d->dotted, i); break;
		case START_AT: set(d->at, i); break;
		case START_DOT: set(d->dot, i); break;
		case START_ANY:
			set(d->letter, i);
			if (q->needs_given)
				d->needs |= q->needs.classes;
			free_start = true;
			set(d->punct, i);
			break;
		case START_CODE:
			set(d->code, i);
			free_start = true;
			set(d->punct, i);
			break;
		case START_DIGIT:
			free_start = true;
			set(d->punct, i);
			break;
		default:
			set(d->punct, i);
		}
		if (free_start) {
			phi_dfa_runs(q->dfa, may);
			for (unsigned a = 1; a < RUNS; a++)
				for (unsigned b = 0; b < NEXTS; b++)
					if (may[a][b])
						set(d->num[a][b], i);
		}
		for (unsigned c = 0; c < 256; c++)
			if (look[0][c] && (is_digit((unsigned char)c) ? free_start : is_letter((unsigned char)c) ? q->start == START_ANY :
			    q->start != START_WORD && q->start < START_DOTTED))
				d->any[0][c] = true, d->any[1][c] |= !is_letter((unsigned char)c) || !q->needs_given || q->needs.own;
	}
	memcpy(d->look_at, d->any, sizeof d->any);
	d->look_at[0]['@'] = d->look_at[1]['@'] = true;
	unsigned columns = 0;
	for (unsigned c = 0; c < 256; c++) {
		unsigned k = 0;
		for (; k < columns; k++) {
			bool same = true;
			for (unsigned j = 0; j < LOOK && same; j++)
				same = !memcmp(d->look + (j * 256 + k) * words, all + (j * 256 + c) * words, words * sizeof *all);
			if (same)
				break;
		}
		if (k == columns) {
			columns++;
			for (unsigned j = 0; j < LOOK; j++)
				memcpy(d->look + (j * 256 + k) * words, all + (j * 256 + c) * words, words * sizeof *all);
		}
		d->col[c] = (uint8_t)k;
	}
	free(look), free(all);
	r->dispatch = d;
	return true;
}

void
phi_dispatch_free(struct rules *r)
{
	free(r->dispatch);
	r->dispatch = NULL;
}

/* All word classes near the tokens of a block: where wide() looks, and some more. */
static inline uint64_t
beside(const struct scan *s, size_t block)
{
	const uint64_t *n = s->near + block;      /* with 3 empty ones in front, 2 behind */
	return n[0] | n[1] | n[2] | n[3] | n[4] | n[5];
}

/* Tries the rules of `group` that could begin at token i, by its first bytes,
 * by what stands in front of it and by the words near. */
static inline __attribute__((always_inline)) void
try_words(struct scan *s, size_t i, const uint64_t *group, struct fit *f, const unsigned words)
{
	const struct dispatch *d = s->phi->rules.dispatch;
	const struct tok *k = &s->tok[i];
	const unsigned char *p = (const unsigned char *)s->t + k->at;
	uint64_t left[WORDS_MAX], any = 0;
	for (unsigned w = 0; w < words; w += 2) {
#define AT(q) (*(const words2 *)(const void *)((q) + w))
#define ROW(j) AT(d->look + ((j) * 256u + d->col[p[j]]) * words)
		words2 m = AT(group) & ROW(0) & ROW(1) & ROW(2) & ROW(3) & ROW(4) & ROW(5);
#undef ROW
#undef AT
		left[w] = m[0], left[w + 1] = m[1];
		any |= m[0] | m[1];
	}
	if (!any)
		return;
	if (f->at != i)
		f->at = i, f->known = 0;
	if (!(k->flags & F_SPACE)) {
		uint64_t s_ok = -(uint64_t)edge_before(s, k->at, EDGE_STRICT), l_ok = -(uint64_t)edge_before(s, k->at, EDGE_LOOSE);
		for (unsigned w = 0; w < words; w++)
			left[w] &= (d->strict[w] & s_ok) | (d->loose[w] & l_ok);
	}
	uint64_t near = beside(s, i / NEAR);
	for (unsigned w = 0; w < words; w++)
		for (uint64_t m = left[w]; m; m &= m - 1) {
			unsigned number = w * 64 + (unsigned)__builtin_ctzll(m);
			const struct rule *r = &s->phi->rules.rule[number];
			if (!r->needs_given || (r->needs.classes & near) | (r->needs.own & s->own_present))
				try(s, i, number, f);
		}
}

static void
try_all(struct scan *s, size_t i, const uint64_t *group, struct fit *f)
{
	if (s->phi->rules.dispatch->words == 2)      /* the built-in rules alone */
		try_words(s, i, group, f, 2);
	else
		try_words(s, i, group, f, s->phi->rules.dispatch->words);
}

/* The token at which what stands before the @ at token i begins. */
static size_t
local_part(const struct scan *s, size_t i)
{
	size_t at = s->tok[i].at, low = at > 64 ? at - 64 : 0;
	if (at > 0 && s->t[at - 1] == ' ')
		at--;
	while (at > low && (is_alnum_((unsigned char)s->t[at - 1]) || strchr("_.+%'&=!#-", s->t[at - 1])))
		at--;
	size_t j = i;
	while (j > 0 && s->tok[j - 1].at >= at)
		j--;
	while (j < i && s->tok[j].type == T_PUNCT)
		j++;
	return j;
}

void
phi_candidates(struct scan *s)
{
	const struct rules *r = &s->phi->rules;
	const struct dispatch *d = r->dispatch;
	struct fit fit;
	fit.at = SIZE_MAX, fit.known = 0;
	uint64_t dot_word = phi_word_hash("dot", 3);
	/* First which tokens to look at, without a branch that could be guessed wrong. */
	const struct tok *tok = s->tok, *k = tok, *end = tok + s->ntok;
	const char *t = s->t;
	uint32_t *to = s->list;
	for (size_t b = 0; k < end; b++) {
		const bool *look_at = d->look_at[!(beside(s, b) & d->needs)];
		for (const struct tok *stop = end - k > NEAR ? k + NEAR : end; k < stop; k++) {
			*to = (uint32_t)(k - tok);
			to += (look_at[(unsigned char)t[k->at]] | (k->flags & F_CODE) | (k->lex & (LEX_DOTTED | LEX_SPELLS | LEX_STARTS)) |
			    (k->ctx & r->word_starts)) != 0;
		}
	}
	size_t count = (size_t)(to - s->list);
	for (size_t q = 0; q < count; q++) {
		size_t i = s->list[q];
		k = &s->tok[i];
		unsigned char c = (unsigned char)s->t[k->at];
		if (d->any[!(beside(s, i / NEAR) & d->needs)][c]) {
			const uint64_t *group = k->type == T_PUNCT ? d->punct : d->letter;
			if (is_digit(c)) {
				size_t run = k->len;
				if (k->type != T_NUM)
					for (run = 1; is_digit((unsigned char)s->t[k->at + run]); run++)
						;
				group = d->num[run < RUNS ? run : RUNS - 1][next_class(byte_at(s, k->at + run))];
			}
			try_all(s, i, group, &fit);
		}
		if (k->flags & F_CODE && is_letter(c))
			try_all(s, i, d->code, &fit);
		if (k->lex & LEX_DOTTED && (k->at == 0 || !(is_alnum_((unsigned char)s->t[k->at - 1]) ||
		    strchr("._-/@", s->t[k->at - 1]))))
			try_all(s, i, d->dotted, &fit);
		if (c == '@') {
			size_t j = local_part(s, i);
			if (j < i)
				try_all(s, j, d->at, &fit);
		}
		if (k->lex & LEX_SPELLS && k->type == T_WORD && (k->h == dot_word || (k->at > 0 && strchr("[({<", s->t[k->at - 1]))))
			for (size_t j = i > 8 ? i - 8 : 0; j < i; j++)
				if (s->tok[j].type != T_PUNCT)
					try_all(s, j, d->dot, &fit);
		uint64_t m = k->ctx & r->word_starts, own = k->lex & LEX_STARTS ? s->own[i] & r->own_starts : 0;
		if (m && !(m & (m - 1)) && !own) {
			try_all(s, i, d->cls[__builtin_ctzll(m)], &fit);
		} else if (m | own) {
			_Alignas(16) uint64_t group[WORDS_MAX] = { 0 };
			for (; m; m &= m - 1)
				for (unsigned w = 0; w < d->words; w++)
					group[w] |= d->cls[__builtin_ctzll(m)][w];
			for (; own; own &= own - 1)
				for (unsigned w = 0; w < d->words; w++)
					group[w] |= d->cls[CLASSES + __builtin_ctzll(own)][w];
			try_all(s, i, group, &fit);
		}
	}
}
