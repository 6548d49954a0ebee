/* phi_slow.h - the plain way to do what libphi does fast: tests and a fuzz
 * target compare the two on any text. A window is cut and tagged by the
 * library; then each token, each sum of weights and the path through the tags
 * is done again here, one byte, one row, one step at a time.
 */
#ifndef PHI_SLOW_H
#define PHI_SLOW_H

#include "phi/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* The tokens of s->t again; NULL, or what differs at token *at. */
static inline const char *
slow_tokens(const struct scan *s, size_t *at)
{
	const char *t = s->t;
	size_t n = s->tn, k = 0, chunk = 0;
	uint32_t upper = 0, lower = 0;
	uint8_t flags = F_NL | F_PARA | F_SPACE;
	struct tok *tok = calloc(n + 1, sizeof *tok);
	const char *wrong = NULL;
	if (!tok)
		abort();
	for (size_t i = 0; i < n;) {
		uint8_t c = phi_cls[(unsigned char)t[i]];
		if (c & C_BLANK) {
			if (t[i++] == '\n')
				flags |= flags & F_NL ? F_PARA : F_NL;
			flags |= F_SPACE;
			continue;
		}
		if (flags & F_SPACE)
			chunk = k;
		struct tok *q = &tok[k++];
		q->at = (uint32_t)i;
		q->flags = flags;
		flags = 0;
		bool digit = false, dot = false;
		if (!(c & C_ALNUM)) {
			q->type = T_PUNCT;
			q->len = 1;
			q->h = (uint64_t)(unsigned char)t[i] << 8 | 1;
			dot = ((t[i] == '.' || t[i] == '_') && !(phi_cls[(unsigned char)t[i + 1]] & C_BLANK)) || (t[i] == ':' && t[i + 1] == '/');
			i++;
		} else {
			uint8_t seen = 0, last = 0;
			uint32_t ups = 0;
			for (; i - q->at < 0xffff; i++) {
				c = phi_cls[(unsigned char)t[i]];
				if (c & C_ALNUM) {
					seen |= c;
					ups += c == C_UPPER;
					q->flags |= c == C_UPPER && last == C_LOWER ? F_MIXED : 0;
					last = c;
				} else if (t[i] != '\'' || i == q->at || !is_letter((unsigned char)t[i + 1]) || !is_letter((unsigned char)t[i - 1]) ||
				    ((t[i + 1] | 0x20) == 's' && !is_alnum_((unsigned char)t[i + 2])))
					break;
			}
			q->len = (uint16_t)(i - q->at);
			q->type = !(seen & C_DIGIT) ? T_WORD : seen & C_LETTER ? T_MIX : T_NUM;
			digit = seen & C_DIGIT;
			if (seen & C_LETTER) {
				bool up = phi_cls[(unsigned char)t[q->at]] == C_UPPER;
				up ? upper++ : lower++;
				q->flags |= (up ? F_UP : 0) | (ups == q->len && ups > 1 ? F_ALLUP : 0);
			}
			q->h = phi_word_hash(t + q->at, q->len);
			if (t[i] == '\'' && (t[i + 1] | 0x20) == 's' && q->type == T_WORD && i + 1 < n) {
				q->flags |= F_POSS;
				i += 2;
			}
			q->lex = lex_word(&s->phi->lex, q->h, t + q->at, q->len);
			const struct ctx_slot *x = phi_ctx_get(&s->phi->rules, q->h);
			q->ctx = x ? x->mask : 0;
			q->lex |= x ? (uint64_t)x->flags << WORD_FLAGS : 0;
		}
		/* What one token of a chunk has, all have. */
		for (size_t j = chunk; j + 1 < k; j++) {
			tok[j].flags |= digit ? F_CODE : 0;
			tok[j].lex |= dot ? LEX_DOTTED : 0;
		}
		q->flags |= digit || (k - 1 > chunk && tok[chunk].flags & F_CODE) ? F_CODE : 0;
		q->lex |= dot || (k - 1 > chunk && tok[chunk].lex & LEX_DOTTED) ? LEX_DOTTED : 0;
	}
	if (k != s->ntok)
		wrong = "number of tokens";
	else if (upper != s->caps_upper || lower != s->caps_lower)
		wrong = "number of capitals";
	for (size_t i = 0; !wrong && i < k; i++) {
		const struct tok *a = &tok[i], *b = &s->tok[i];
		*at = i;
		wrong = a->at != b->at || a->len != b->len ? "place of a token" : a->type != b->type ? "type" : a->flags != b->flags ? "flags" :
		    a->h != b->h ? "hash" : a->lex != b->lex ? "lexicon" : a->ctx & ~b->ctx ? "word classes" : NULL;
		if (!wrong && token_from(s, a->at) != i)
			wrong = "rank";
	}
	free(tok);
	return wrong;
}

/* The sums of weights and the best path of a tagged window again. */
static inline const char *
slow_tags(const struct scan *s, size_t *at)
{
	const struct tagger *t = &s->phi->tagger;
	long score[TAGS] = { 0 }, next[TAGS], taken = 0;
	for (size_t i = 0; i < s->ntok; i++) {
		uint32_t row[FEATURES_MAX];
		unsigned n = phi_features(s, i, row, t->mask);
		*at = i;
		for (int k = 0; k < TAG_COUNT; k++) {
			int sum = k ? s->o.recall * t->unit / 8 : 0;
			for (unsigned f = 0; f < n; f++)
				sum += t->row[(size_t)row[f] * TAGS + (size_t)k];
			if ((int16_t)sum != s->emit[i][k])
				return "sum of weights";
			next[k] = i ? -1000000 : t->start[k];
			for (int p = 0; i && p < TAG_COUNT; p++)
				if (score[p] + t->trans[p][k] > next[k])
					next[k] = score[p] + t->trans[p][k];
			next[k] += sum;
		}
		memcpy(score, next, sizeof score);
		taken += s->emit[i][s->tag[i]] + (i ? t->trans[s->tag[i - 1]][s->tag[i]] : t->start[s->tag[i]]);
	}
	for (int k = 0; s->ntok && k < TAG_COUNT; k++)
		if (score[k] > taken)
			return "a better path";
	return NULL;
}

/* One text as one window; NULL, or what differs. */
static inline const char *
slow_check(const struct phi *p, const char *text, size_t n, int recall, size_t *at)
{
	struct scan *s = phi_scratch(p);
	if (!s)
		return NULL;
	s->o = (struct phi_opts){ .size = sizeof s->o, .recall = recall };
	if (!phi_window(s, text, n))
		return NULL;
	const char *wrong = slow_tokens(s, at);
	if (wrong || !p->has_tagger || s->ntok == 0)
		return wrong;
	phi_tag(s);
	return s->nomem ? NULL : slow_tags(s, at);
}

#endif
