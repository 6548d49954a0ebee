/* merge.c - candidates become findings: the union of what any detector saw.
 *
 * Overlapping candidates become one; it takes the label of the one with the
 * highest score, the longer of equals. Nothing is ever shortened because
 * another detector saw less. Then each grows to whole tokens, and pieces of
 * one address or one name that only a blank or a comma parts are joined.
 */
#include "engine.h"

/* Below: in front, or as far in front and longer. */
static inline uint64_t
place_of(const struct cand *c)
{
	return (uint64_t)c->at << 32 | (uint32_t)~c->end;
}

/* What detectors add comes in ascending runs, a handful of them: they are merged
 * two by two. Of equals the earlier stays in front. */
static bool
sort(struct scan *s, size_t n)
{
	for (;;) {
		struct cand *c = s->cand, *to;
		size_t runs = 0, k = 0;
		for (size_t i = 1; i < n && !runs; i++)
			runs += place_of(&c[i]) < place_of(&c[i - 1]);
		if (!runs)
			return true;
		if (!grow((void **)&s->sorted, &s->sortedcap, s->candcap, sizeof *s->sorted))
			return false;
		to = s->sorted;
		for (size_t i = 0; i < n;) {
			size_t a = i, mid = i + 1, b, end;
			while (mid < n && place_of(&c[mid]) >= place_of(&c[mid - 1]))
				mid++;
			b = mid;
			end = mid < n ? mid + 1 : n;
			while (end < n && place_of(&c[end]) >= place_of(&c[end - 1]))
				end++;
			while (a < mid && b < end)
				to[k++] = place_of(&c[b]) < place_of(&c[a]) ? c[b++] : c[a++];
			while (a < mid)
				to[k++] = c[a++];
			while (b < end)
				to[k++] = c[b++];
			i = end;
		}
		size_t cap = s->candcap;
		s->cand = to, s->candcap = s->sortedcap;
		s->sorted = c, s->sortedcap = cap;
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

/* P J Vanderbeek, T-Roy, P.L.: initials in front, and what a hyphen ties to it, are of the name. */
static void
initials(const struct scan *s, struct cand *c, size_t lo)
{
	for (size_t i = token_from(s, c->at); i > 0 && i < s->ntok && !(s->tok[i].flags & F_NL) && s->tok[i].at == c->at; i--) {
		const struct tok *k = &s->tok[i - 1];
		bool tied = false;
		if (k->type == T_PUNCT) {
			char p = s->t[k->at];
			tied = p == '-' && !(k->flags & F_SPACE) && !(s->tok[i].flags & F_SPACE);
			if (i < 2 || (!tied && p != '.') || k->flags & (F_SPACE | F_NL))
				return;
			k = &s->tok[--i - 1];
		}
		char letter = s->t[k->at];
		if (k->type != T_WORD || !(k->flags & F_UP) || k->at < lo || (tied ? k->len > 12 || (k->len > 1 && LEX_COMMON(k->lex) == 3) : k->len != 1) ||
		    (!tied && s->tok[i].type == T_WORD && (letter == 'I' || letter == 'A')) ||
		    (!tied && s->tok[i].type == T_WORD && i > 1 && s->tok[i - 2].type != T_PUNCT && !(k->flags & F_NL) &&
		    !(s->tok[i - 2].flags & F_UP) && s->tok[i - 2].lex & LEX_MEDICAL))
			return;
		c->at = k->at;
	}
}

/* A title tells the sex and goes with its name; "Seattle clinic" and "Scott &
 * White" are wholes; "Guarantor Per Lindqvist" begins behind its label. */
static void
extend(struct scan *s, struct cand *c, size_t lo, size_t hi)
{
	const uint64_t *wc = s->phi->wc;
	if (c->kind == PHI_NAME) {
		initials(s, c, lo);
		size_t i = token_from(s, c->at);
		/* jasmine w, at the end of a line */
		size_t z = token_from(s, c->end);
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
		size_t i = token_from(s, c->end);
		if (i >= s->ntok || s->tok[i].flags & F_NL)
			return;
		const struct tok *k = &s->tok[i];
		if (k->type == T_WORD && k->flags & F_SPACE && k->at + k->len <= hi && k->at - c->end == 1 && !(k->flags & F_UP) && k->len > 5 &&
		    k->ctx & wc[W_FACHEAD] && c->end - c->at > 2)
			c->end = k->at + k->len;
		else if (c->kind == PHI_LOCATION && k->type == T_PUNCT && s->t[k->at] == ',' && i + 1 < s->ntok && is_digit((unsigned char)s->t[c->at])) {
			/* 1420 Calle del Sol, Apt 6, Calexico: the town of a house is part of its address. */
			const struct tok *q = &s->tok[i + 1];
			if (q->type == T_WORD && q->flags & F_UP && !(q->flags & F_NL) && q->lex & (LEX_PLACE | LEX_WORLD | LEX_BIGPLACE) &&
			    !LEX_COMMON(q->lex) && q->at + q->len <= hi)
				c->end = q->at + q->len;
		} else if (c->kind == PHI_FACILITY && k->type == T_PUNCT && s->t[k->at] == '&' && i + 1 < s->ntok && s->tok[i + 1].flags & F_UP &&
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
	if (!sort(s, n)) {
		s->nomem = true;
		return;
	}
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
