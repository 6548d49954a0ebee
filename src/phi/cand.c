/* cand.c - the rules tried at each token, weighed by the words around it.
 *
 * No literal engine runs over the text: the tokeniser has already met every
 * word, so triggers are bits of the token, and a rule is tried only where its
 * first byte and its start condition agree. Most tokens cost one look at a
 * table. A pattern match costs a few nanoseconds and ends at the first byte
 * that does not fit.
 */
#include "engine.h"

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
	case '.': case ',':
		return !is_digit(d);
	case ':':
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

static size_t
token_at(const struct scan *s, size_t from, size_t byte)
{
	while (from < s->ntok && s->tok[from].at < byte)
		from++;
	return from;
}

/* Words between a value and the nearest word of `classes`; -1: none near. */
static int
distance(const struct scan *s, size_t i, size_t next, const struct clause *c)
{
	int lo = 1, hi = c->before;
	if (hi > 0 && phi_context(s, i, hi, 0) & c->classes) {
		while (lo < hi && !(phi_context(s, i, lo, 0) & c->classes))
			lo++;
		return lo;
	}
	if (c->after > 0 && phi_context(s, next, 0, c->after) & c->classes)
		return c->after;
	return -1;
}

static bool
near_words(const struct scan *s, size_t i, size_t next, const struct clause *c)
{
	return (c->before > 0 && phi_context(s, i, c->before, 0) & c->classes) ||
	    (c->after > 0 && phi_context(s, next, 0, c->after) & c->classes);
}

/* All word classes near, whatever stands between: a rule whose words are not
 * even here need not be tried. */
static uint64_t
wide(const struct scan *s, size_t i)
{
	uint64_t m = 0;
	size_t lo = i > 24 ? i - 24 : 0, hi = i + 16 < s->ntok ? i + 16 : s->ntok;
	for (size_t j = lo; j < hi; j++)
		m |= s->tok[j].ctx;
	return m;
}

static void
try(struct scan *s, size_t i, unsigned number, uint64_t around)
{
	const struct rule *r = &s->phi->rules.rule[number];
	const struct tok *k = &s->tok[i];
	if (r->needs_given && !(r->needs.classes & around))
		return;
	const char *p = s->t + k->at;
	uint16_t ends[8];

	unsigned n = phi_dfa_match(r->dfa, p, s->t + s->tn, ends, 8);
	if (n == 0 || !edge_before(s, k->at, r->edge))
		return;
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
	size_t end = k->at + len, next = token_at(s, i, end);
	int score = r->score;
	if (r->min_digits) {
		unsigned d = 0;
		for (size_t j = 0; j < len; j++)
			d += is_digit((unsigned char)p[j]);
		if (d < r->min_digits)
			return;
	}
	if (r->needs_given) {
		int d = distance(s, i, next, &r->needs);
		if (d < 0)
			return;
		score -= d > 1 ? d - 1 : 0;
	}
	for (unsigned j = 0; j < 2 && r->check[j]; j++) {
		int add = r->check[j](p, len);
		if (add == CHECK_NO)
			return;
		score += add;
	}
	for (unsigned j = 0; j < r->drops; j++)
		if (near_words(s, i, next, &r->drop[j]))
			return;
	for (unsigned j = 0; j < r->boosts; j++)
		if (near_words(s, i, next, &r->boost[j]))
			score += r->boost[j].add;
	if (score > 0)
		cand_add(s, k->at, end, r->kind, score, (int)number);
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
	uint64_t at_word = phi_word_hash("at", 2), dot_word = phi_word_hash("dot", 3);
	for (size_t i = 0; i < s->ntok; i++) {
		const struct tok *k = &s->tok[i];
		unsigned char c = (unsigned char)s->t[k->at];
		const uint16_t *l = r->by_byte[c];
		if (is_digit(c)) {
			size_t run = k->len;
			if (k->type != T_NUM)
				for (run = 1; is_digit((unsigned char)s->t[k->at + run]); run++)
					;
			l = r->by_num[run < RUNS ? run : RUNS - 1][next_class(byte_at(s, k->at + run))];
		}
		bool code = k->flags & F_CODE && k->type != T_PUNCT && r->by_code[c];
		if (l || code) {
			uint64_t around = wide(s, i);
			if (l)
				for (; *l != 0xffff; l++)
					try(s, i, *l, around);
			if (code)
				for (l = r->by_code[c]; *l != 0xffff; l++)
					try(s, i, *l, around);
		}
		if (k->lex & LEX_DOTTED && r->by_dotted && (k->at == 0 || !(is_alnum_((unsigned char)s->t[k->at - 1]) ||
		    strchr("._-/@", s->t[k->at - 1])))) {
			uint64_t around = wide(s, i);
			for (l = r->by_dotted; *l != 0xffff; l++)
				if (phi_dfa_first(r->rule[*l].dfa)[c])
					try(s, i, *l, around);
		}
		if (c == '@' && r->by_at) {
			size_t j = local_part(s, i);
			for (l = r->by_at; j < i && *l != 0xffff; l++)
				try(s, j, *l, wide(s, j));
		}
		if (k->type == T_WORD && r->by_dot && (k->h == dot_word || (k->h == at_word && k->at > 0 &&
		    strchr("[({<", s->t[k->at - 1]))))
			for (size_t j = i > 8 ? i - 8 : 0; j < i; j++)
				for (l = r->by_dot; *l != 0xffff && s->tok[j].type != T_PUNCT; l++)
					try(s, j, *l, wide(s, j));
		if (k->ctx & r->word_starts) {
			uint64_t around = wide(s, i);
			for (l = r->by_word; *l != 0xffff; l++)
				if (r->rule[*l].start_class & k->ctx && phi_dfa_first(r->rule[*l].dfa)[c])
					try(s, i, *l, around);
		}
	}
}
