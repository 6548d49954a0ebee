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
