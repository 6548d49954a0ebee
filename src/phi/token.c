/* token.c - the text cut into words, numbers and single other characters.
 *
 * A token is the longest run of letters, digits and bytes above 0x7f, with
 * apostrophes inside a word (O'Neil, don't), without the possessive 's at its
 * end, which only sets a flag. Blanks are not tokens, they are flags of what
 * follows. For each word two tables are asked once: the lexicon and the words
 * that the rules know (with phrases of up to four words); a small cache by word
 * in front of them catches most of running text.
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

static inline void
look_up(struct scan *s, struct tok *k)
{
	struct wcache *w = &s->words[k->h >> 20 & (CACHE_SLOTS - 1)];
	if (w->h != k->h) {
		const struct ctx_slot *c = phi_ctx_get(&s->phi->rules, k->h);
		*w = (struct wcache){ .h = k->h, .lex = lex_get(&s->phi->lex, k->h) };
		if (c)
			w->mask = c->mask, w->phrase = c->phrase, w->phrases = c->phrases;
	}
	k->lex |= w->lex;
	k->ctx = w->mask;
	if (w->phrases == 0)
		return;
	/* Phrases are stored under their last word: compare backwards. */
	for (uint32_t i = w->phrase; i < w->phrase + w->phrases; i++) {
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

bool
phi_tokenise(struct scan *s)
{
	const char *t = s->t;
	size_t n = s->tn, i = 0, k = 0, chunk = 0;
	uint8_t flags = F_NL | F_PARA | F_SPACE;
	bool digit = false, dotted = false;
	uint32_t upper = 0, lower = 0;

	if (!grow((void **)&s->tok, &s->tokcap, n / 2 + 64, sizeof *s->tok))
		return false;
	while (i < n) {
		uint8_t c = phi_cls[(unsigned char)t[i]];
		if (c & C_BLANK) {
			if (t[i] == '\n')
				flags |= flags & F_NL ? F_PARA : F_NL;
			flags |= F_SPACE;
			i++;
			if (digit)
				for (size_t j = chunk; j < k; j++)
					s->tok[j].flags |= F_CODE;
			if (dotted)
				for (size_t j = chunk; j < k; j++)
					s->tok[j].lex |= LEX_DOTTED;
			digit = dotted = false;
			chunk = k;
			continue;
		}
		if (k + 2 > s->tokcap && !grow((void **)&s->tok, &s->tokcap, k + 2, sizeof *s->tok))
			return false;
		struct tok *q = &s->tok[k++];
		q->at = (uint32_t)i;
		q->flags = flags;
		flags = 0;
		if (!(c & C_ALNUM)) {
			q->type = T_PUNCT;
			q->len = 1;
			q->h = (uint64_t)(unsigned char)t[i] << 8 | 1;
			q->lex = q->ctx = 0;
			if ((t[i] == '.' || t[i] == '_') && !(phi_cls[(unsigned char)t[i + 1]] & C_BLANK))
				dotted = true;
			else if (t[i] == ':' && t[i + 1] == '/')
				dotted = true;
			i++;
			continue;
		}
		uint8_t seen = 0;
		uint32_t ups = 0;
		size_t from = i;
		bool mixed = false;
		uint8_t last = 0;
		for (;; i++) {
			c = phi_cls[(unsigned char)t[i]];
			if (c == C_LOWER) {
				/* Most of all text. */
				while (phi_cls[(unsigned char)t[i + 1]] == C_LOWER)
					i++;
				seen |= C_LOWER;
				last = C_LOWER;
				continue;
			}
			if (c & C_ALNUM) {
				seen |= c;
				ups += c == C_UPPER;
				mixed |= c == C_UPPER && last == C_LOWER;
				last = c;
				continue;
			}
			if (t[i] == '\'' && i > from && (phi_cls[(unsigned char)t[i + 1]] & (C_UPPER | C_LOWER | C_HIGH)) &&
			    (phi_cls[(unsigned char)t[i - 1]] & (C_UPPER | C_LOWER | C_HIGH))) {
				if ((t[i + 1] | 0x20) == 's' && !(phi_cls[(unsigned char)t[i + 2]] & C_ALNUM))
					break;
				continue;
			}
			break;
		}
		if (i - from > 0xffff)
			i = from + 0xffff;
		q->len = (uint16_t)(i - from);
		q->type = !(seen & C_DIGIT) ? T_WORD : seen & C_LETTER ? T_MIX : T_NUM;
		digit |= seen & C_DIGIT;
		if (seen & C_LETTER) {
			uint32_t letters = q->len;
			if (phi_cls[(unsigned char)t[from]] == C_UPPER)
				q->flags |= F_UP, upper++;
			else
				lower++;
			if (ups == letters && ups > 1)
				q->flags |= F_ALLUP;
			if (mixed)
				q->flags |= F_MIXED;
		}
		q->h = word_hash(t + from, q->len, true);
		q->lex = q->ctx = 0;
		/* Asked for now, looked up when the window is cut. */
		__builtin_prefetch(&s->words[q->h >> 20 & (CACHE_SLOTS - 1)]);
		__builtin_prefetch(&s->phi->lex.slot[q->h & s->phi->lex.mask]);
		if (t[i] == '\'' && (t[i + 1] | 0x20) == 's' && q->type == T_WORD) {
			q->flags |= F_POSS;
			i += 2;
		}
	}
	for (size_t j = 0; j < k; j++)
		if (s->tok[j].type != T_PUNCT)
			look_up(s, &s->tok[j]);
	for (size_t j = chunk; j < k; j++) {
		s->tok[j].flags |= digit ? F_CODE : 0;
		s->tok[j].lex |= dotted ? LEX_DOTTED : 0;
	}
	s->ntok = k;
	s->caps_upper = upper, s->caps_lower = lower;
	return true;
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
