/* merge.c - candidates become findings: the union of what any detector saw.
 *
 * Overlapping candidates become one; it takes the label of the one with the
 * highest score, the longer of equals. Nothing is ever shortened because
 * another detector saw less. Then each grows to whole tokens, and pieces of
 * one address or one name that only a blank or a comma parts are joined.
 */
#include "engine.h"

#include <stdlib.h>

static int
by_place(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

static void
sort(struct cand *c, size_t n)
{
	bool sorted = true;
	for (size_t i = 1; i < n && sorted; i++)
		sorted = by_place(&c[i - 1], &c[i]) <= 0;
	if (sorted)
		return;
	if (n > 64) {
		qsort(c, n, sizeof *c, by_place);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct cand x = c[i];
		size_t j = i;
		for (; j > 0 && by_place(&c[j - 1], &x) > 0; j--)
			c[j] = c[j - 1];
		c[j] = x;
	}
}

static bool
joinable(const struct scan *s, const struct cand *a, const struct cand *b)
{
	if (a->kind != b->kind || b->at - a->end > 3)
		return false;
	bool comma = false;
	unsigned nl = 0;
	for (size_t i = a->end; i < b->at; i++) {
		char c = s->t[i];
		if (c == '\n')
			nl++;
		else if (c == ',')
			comma = true;
		else if (c != ' ')
			return false;
	}
	if (a->kind == PHI_NAME)
		return !comma && nl == 0;
	return a->kind == PHI_LOCATION && nl < 2;
}

static size_t
token_of(const struct scan *s, size_t at)
{
	size_t lo = 0, hi = s->ntok;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (s->tok[mid].at < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A title tells the sex and goes with its name; "Seattle clinic" and "Scott &
 * White" are wholes; "Guarantor Per Lindqvist" begins behind its label. */
static void
extend(struct scan *s, struct cand *c, size_t lo, size_t hi)
{
	const uint64_t *wc = s->phi->wc;
	if (c->kind == PHI_NAME) {
		size_t i = token_of(s, c->at);
		/* jasmine w, at the end of a line */
		size_t z = token_of(s, c->end);
		if (z < s->ntok && s->tok[z].type == T_WORD && s->tok[z].len == 1 && s->tok[z].flags & F_SPACE && !(s->tok[z].flags & F_NL) &&
		    s->tok[z].at - c->end == 1 && s->tok[z].at + 1 <= hi && (s->t[s->tok[z].at] | 32) != 'a' && (s->t[s->tok[z].at] | 32) != 'i' &&
		    (z + 1 >= s->ntok || s->tok[z + 1].flags & F_NL))
			c->end = s->tok[z].at + 1;
		if (i >= s->ntok || i == 0 || s->tok[i].flags & F_NL)
			return;
		size_t j = i - 1;
		if (s->tok[j].type == T_PUNCT && s->t[s->tok[j].at] == '.' && j > 0)
			j--;
		if (s->tok[j].at < lo || s->tok[j].type != T_WORD)
			return;
		const struct tok *k = &s->tok[j];
		if (k->ctx & wc[W_TITLE] && k->len <= 4)
			c->at = k->at;
		else if (j == i - 1 && k->flags & F_UP && j > 0 && s->tok[j - 1].ctx & (wc[W_NAMELABEL] | wc[W_ROLE]) &&
		    s->tok[j - 1].type == T_WORD && !(k->flags & F_NL) && !(k->ctx & (wc[W_NAMELABEL] | wc[W_NOTNAME])) && (LEX_GIVEN(k->lex) || !(k->ctx & wc[W_ROLE])))
			c->at = k->at;
	} else if (c->kind == PHI_LOCATION || c->kind == PHI_FACILITY) {
		size_t i = token_of(s, c->end);
		if (i >= s->ntok || s->tok[i].flags & F_NL)
			return;
		const struct tok *k = &s->tok[i];
		if (k->type == T_WORD && k->flags & F_SPACE && k->at + k->len <= hi && k->at - c->end == 1 && !(k->flags & F_UP) && k->len > 5 &&
		    k->ctx & wc[W_FACHEAD] && c->end - c->at > 2)
			c->end = k->at + k->len;
		else if (c->kind == PHI_FACILITY && k->type == T_PUNCT && s->t[k->at] == '&' && i + 1 < s->ntok && s->tok[i + 1].flags & F_UP &&
		    s->tok[i + 1].at + s->tok[i + 1].len <= hi)
			c->end = s->tok[i + 1].at + s->tok[i + 1].len + (s->tok[i + 1].flags & F_POSS ? 2 : 0);
	}
}

void
phi_merge(struct scan *s)
{
	int min = s->o.min_score ? s->o.min_score : 50;
	size_t n = 0;
	for (size_t i = 0; i < s->ncand; i++)
		if (s->cand[i].score >= min)
			s->cand[n++] = s->cand[i];
	sort(s->cand, n);
	size_t k = 0;
	int best = 0;
	size_t best_len = 0;
	for (size_t i = 0; i < n; i++) {
		struct cand *c = &s->cand[i], *m = k ? &s->cand[k - 1] : NULL;
		size_t len = c->end - c->at;
		if (m && c->at < m->end) {
			if (c->score > best || (c->score == best && len > best_len)) {
				m->kind = c->kind, m->rule = c->rule, m->score = c->score;
				best = c->score, best_len = len;
			}
			if (c->end > m->end)
				m->end = c->end;
			continue;
		}
		best = c->score, best_len = len;
		s->cand[k++] = *c;
	}
	for (size_t i = 0; i < k; i++)
		extend(s, &s->cand[i], i ? s->cand[i - 1].end : 0, i + 1 < k ? s->cand[i + 1].at : s->tn);
	/* Whole tokens. */
	for (size_t i = 0; i < k; i++) {
		struct cand *c = &s->cand[i];
		size_t lo = i ? s->cand[i - 1].end : 0, hi = i + 1 < k ? s->cand[i + 1].at : s->tn;
		if (is_alnum_((unsigned char)s->t[c->at]))
			while (c->at > lo && is_alnum_((unsigned char)s->t[c->at - 1]))
				c->at--;
		if (is_alnum_((unsigned char)s->t[c->end - 1]))
			while (c->end < hi && is_alnum_((unsigned char)s->t[c->end]))
				c->end++;
	}
	n = k;
	k = 0;
	for (size_t i = 0; i < n; i++) {
		struct cand *c = &s->cand[i], *m = k ? &s->cand[k - 1] : NULL;
		if (m && joinable(s, m, c)) {
			m->end = c->end;
			if (c->score > m->score)
				m->score = c->score, m->rule = c->rule;
			continue;
		}
		s->cand[k++] = *c;
	}
	s->ncand = k;
}
