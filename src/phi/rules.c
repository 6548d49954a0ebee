/* rules.c - the rule files, read.
 *
 * A file is lines; # begins a comment line; a line that begins with a blank
 * goes on with what the last unindented one began.
 *
 *   words CLASS: word, several words, ...     a word class (up to 64 in the files of a folder);
 *                                             the same class again adds to it
 *   rule ID                                   a rule; then, indented, one a line:
 *     kind NAME                               one of phi_kind_name()
 *     pattern RE                              dfa.c tells what may stand there; several
 *                                             lines are alternatives
 *     start digit | code | punct | any | dotted | at | dot | words CLASS...
 *                                             where a match may begin: at a digit (or ( or +); in a
 *                                             chunk (what stands between blanks) with a digit; at
 *                                             another character; at any token (slow: avoid); at a
 *                                             chunk with . or _ or :/ in it; at what stands before
 *                                             an @; some words before the word dot or an [at]; at a
 *                                             word of the classes
 *     edge strict | loose                     strict (default): not inside of a longer number or code
 *     check NAME [NAME]                       validators of check.c
 *     digits N                                at least so many digits in the match
 *     score N                                 0 to 100, before boosts; 50 and more is reported
 *     needs CLASS... before N [after N]       no match without one of these words near
 *     boost N CLASS... before N [after N]     adds N when one is near (N may be negative)
 *     drop CLASS... before N [after N]        no match when one is near
 *     yes "text with the [[finding]] marked"  examples; they are tests
 *     no "text in which this rule finds nothing"
 *
 * Windows count words. Errors name file and line.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

struct reader {
	struct rules    *r;
	struct examples *ex;
	const char      *name;
	unsigned         line;
	char            *why;
	size_t           wn;
	struct rule     *rule;
	char            *pattern;
	size_t           pattern_n;
	unsigned         pattern_line;
	int              cls;          /* `words` being continued, or -1 */
};

static bool
refuse(struct reader *rd, const char *why)
{
	if (rd->why && rd->wn)
		snprintf(rd->why, rd->wn, "%s:%u: %s", rd->name, rd->line, why);
	return false;
}

static bool
next_word(const char **p, const char *end, const char **w, size_t *n)
{
	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	*w = *p;
	while (*p < end && **p != ' ' && **p != '\t')
		++*p;
	*n = (size_t)(*p - *w);
	return *n > 0;
}

static bool is(const char *w, size_t n, const char *z) { return strlen(z) == n && !memcmp(w, z, n); }

static int
class_of(struct rules *r, const char *w, size_t n, bool make)
{
	for (unsigned i = 0; i < CLASSES + r->classes[1]; i = i + 1 == r->classes[0] ? CLASSES : i + 1)
		if (r->cls_name[i] && strlen(r->cls_name[i]) == n && !memcmp(r->cls_name[i], w, n))
			return (int)i;
	unsigned k = r->classes[r->adds] + r->adds * CLASSES;
	if (!make || r->classes[r->adds] == CLASSES || !(r->cls_name[k] = strndup(w, n)))
		return -1;
	r->classes[r->adds]++;
	return (int)k;
}

uint64_t
phi_class(const struct rules *r, const char *name)
{
	for (unsigned i = 0; i < r->classes[0]; i++)
		if (!strcmp(r->cls_name[i], name))
			return 1ull << i;
	return 0;
}

/* ---- words ------------------------------------------------------------------------------------ */

const struct ctx_slot *
phi_ctx_get(const struct rules *r, uint64_t h)
{
	if (!r->ctx)
		return NULL;
	for (uint64_t i = h & r->ctx_mask;; i = (i + 1) & r->ctx_mask) {
		if (r->ctx[i].h == h)
			return &r->ctx[i];
		if (r->ctx[i].h == 0)
			return NULL;
	}
}

static struct ctx_slot *
ctx_put(struct rules *r, uint64_t h)
{
	if (r->ctx_count * 2 + 2 > r->ctx_mask) {
		uint32_t mask = r->ctx_mask ? r->ctx_mask * 2 + 1 : 1023;
		struct ctx_slot *to = calloc(mask + 1, sizeof *to);
		if (!to)
			return NULL;
		for (uint32_t i = 0; r->ctx && i <= r->ctx_mask; i++)
			if (r->ctx[i].h) {
				uint64_t k = r->ctx[i].h & mask;
				while (to[k].h)
					k = (k + 1) & mask;
				to[k] = r->ctx[i];
			}
		free(r->ctx);
		r->ctx = to;
		r->ctx_mask = mask;
	}
	uint64_t k = h & r->ctx_mask;
	while (r->ctx[k].h && r->ctx[k].h != h)
		k = (k + 1) & r->ctx_mask;
	if (!r->ctx[k].h)
		r->ctx[k].h = h, r->ctx_count++;
	return &r->ctx[k];
}

static void
add_class(uint64_t *built_in, uint64_t *own, int cls)
{
	*(cls < CLASSES ? built_in : own) |= 1ull << (cls & (CLASSES - 1));
}

static bool
add_words(struct reader *rd, const char *p, const char *end)
{
	struct rules *r = rd->r;
	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end;
		uint64_t h[4];
		unsigned n = 0;
		for (const char *q = p; q < stop;) {
			if (!is_alnum_((unsigned char)*q)) {
				q++;
				continue;
			}
			const char *from = q;
			/* As the tokeniser cuts: apostrophes inside, the possessive off. */
			bool poss = false;
			while (q < stop && (is_alnum_((unsigned char)*q) || (*q == '\'' && q + 1 < stop && is_letter((unsigned char)q[1])))) {
				poss = *q == '\'' && (q[1] | 32) == 's' && (q + 2 == stop || !is_alnum_((unsigned char)q[2]));
				if (poss)
					break;
				q++;
			}
			if (n == 4)
				return refuse(rd, "a phrase may have at most four words");
			h[n++] = phi_word_hash(from, (size_t)(q - from));
			if (poss)
				q += 2;
		}
		if (n > 0) {
			struct ctx_slot *c = ctx_put(r, h[n - 1]);
			if (!c)
				return refuse(rd, "out of memory");
			if (n == 1)
				add_class(&c->mask, &c->own, rd->cls);
			else {
				if (r->phrases == r->phrase_cap) {
					uint32_t cap = r->phrase_cap ? r->phrase_cap * 2 : 256;
					struct phrase *f = realloc(r->phrase, cap * sizeof *f);
					if (!f)
						return refuse(rd, "out of memory");
					r->phrase = f;
					r->phrase_cap = cap;
				}
				/* Until sort_phrases, h[3] says under which word it belongs. */
				struct phrase *f = &r->phrase[r->phrases++];
				*f = (struct phrase){ .n = (uint8_t)(n - 1), .cls = (uint8_t)rd->cls };
				for (unsigned i = 0; i + 1 < n; i++)
					f->h[i] = h[n - 2 - i];
				f->h[3] = h[n - 1];
				if (c->phrases++ == UINT16_MAX)
					return refuse(rd, "more than 65535 phrases with the same last word");
			}
		}
		p = stop + 1;
	}
	return true;
}

/* Puts the phrases of one last word beside each other. */
static bool
sort_phrases(struct rules *r)
{
	struct phrase *to = calloc(r->phrases + 1, sizeof *to);
	uint32_t at = 0;
	if (!to)
		return false;
	for (uint32_t i = 0; r->ctx && i <= r->ctx_mask; i++) {
		struct ctx_slot *c = &r->ctx[i];
		if (!c->h || !c->phrases)
			continue;
		c->phrase = at;
		at += c->phrases;
		c->phrases = 0;
	}
	for (uint32_t i = 0; i < r->phrases; i++) {
		struct ctx_slot *c = ctx_put(r, r->phrase[i].h[3]);
		if (!c)
			return free(to), false;
		to[c->phrase + c->phrases++] = r->phrase[i];
	}
	free(r->phrase);
	r->phrase = to;
	return true;
}

/* ---- rules ------------------------------------------------------------------------------------ */

static bool
end_rule(struct reader *rd)
{
	struct rule *r = rd->rule;
	rd->rule = NULL;
	if (!r)
		return true;
	unsigned line = rd->line;
	if (rd->pattern_line)
		rd->line = rd->pattern_line;
	if (!rd->pattern)
		return refuse(rd, "a rule without pattern");
	if (r->kind == PHI_KINDS)
		return refuse(rd, "a rule without kind");
	const char *why;
	r->dfa = phi_dfa_new(rd->pattern, rd->pattern_n, &why);
	free(rd->pattern);
	rd->pattern = NULL;
	rd->pattern_n = 0;
	if (!r->dfa)
		return refuse(rd, why);
	rd->line = line;
	rd->pattern_line = 0;
	return true;
}

static bool
begin_rule(struct reader *rd, const char *id, size_t n)
{
	struct rules *r = rd->r;
	if (n == 0 || n > 60)
		return refuse(rd, "a rule needs an id of 1 to 60 characters");
	for (size_t i = 0; i < n; i++)
		if (!is_alnum_((unsigned char)id[i]) && !strchr(".-_", id[i]))
			return refuse(rd, "a rule's id is letters, digits, . - _");
	for (unsigned i = 0; i < r->count; i++)
		if (strlen(r->rule[i].id) == n && !memcmp(r->rule[i].id, id, n))
			return refuse(rd, "two rules with this id");
	if (r->count == 1000)
		return refuse(rd, "more than 1000 rules");
	if (r->count == r->cap) {
		unsigned cap = r->cap ? r->cap * 2 : 128;
		struct rule *q = realloc(r->rule, cap * sizeof *q);
		if (!q)
			return refuse(rd, "out of memory");
		r->rule = q;
		r->cap = cap;
	}
	rd->rule = &r->rule[r->count];
	*rd->rule = (struct rule){ .kind = PHI_KINDS, .score = 60, .start = START_DIGIT };
	rd->rule->id = strndup(id, n);
	if (!rd->rule->id)
		return refuse(rd, "out of memory");
	r->count++;
	rd->pattern_line = 0;
	return true;
}

static bool
to_int(const char *w, size_t n, int *v)
{
	bool minus = n > 1 && *w == '-';
	size_t i = minus;
	if (i == n || n > 5)
		return false;
	for (*v = 0; i < n; i++) {
		if (!is_digit((unsigned char)w[i]))
			return false;
		*v = *v * 10 + w[i] - '0';
	}
	if (minus)
		*v = -*v;
	return true;
}

static bool
clause(struct reader *rd, const char *p, const char *end, struct clause *c, bool adds)
{
	const char *w;
	size_t n;
	int v;
	*c = (struct clause){ 0 };
	if (adds) {
		if (!next_word(&p, end, &w, &n) || !to_int(w, n, &v) || v < -100 || v > 100)
			return refuse(rd, "boost needs a number from -100 to 100 first");
		c->add = (int16_t)v;
	}
	while (next_word(&p, end, &w, &n)) {
		bool before = is(w, n, "before");
		if (before || is(w, n, "after")) {
			if (!next_word(&p, end, &w, &n) || !to_int(w, n, &v) || v < 0 || v > 40)
				return refuse(rd, "a window is 0 to 40 words");
			*(before ? &c->before : &c->after) = (int8_t)v;
			continue;
		}
		int k = class_of(rd->r, w, n, false);
		if (k < 0)
			return refuse(rd, "no such word class above");
		add_class(&c->classes, &c->own, k);
	}
	if (!c->classes && !c->own)
		return refuse(rd, "no word class given");
	if (c->before == 0 && c->after == 0)
		return refuse(rd, "say before N or after N");
	return true;
}

static bool
example(struct reader *rd, const char *p, const char *end, bool yes)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end - p < 2 || *p != '"' || end[-1] != '"')
		return refuse(rd, "an example stands in double quotes");
	p++, end--;
	if (!rd->ex)
		return true;
	struct examples *ex = rd->ex;
	if (ex->count == ex->cap) {
		unsigned cap = ex->cap ? ex->cap * 2 : 256;
		struct example *e = realloc(ex->e, cap * sizeof *e);
		if (!e)
			return refuse(rd, "out of memory");
		ex->e = e;
		ex->cap = cap;
	}
	char *t = malloc((size_t)(end - p) + 1), *part = NULL;
	size_t n = 0, from = 0;
	if (!t)
		return refuse(rd, "out of memory");
	for (; p < end; p++) {
		if (end - p >= 2 && p[0] == '\\' && p[1] == 'n')
			t[n++] = '\n', p++;
		else if (yes && end - p >= 2 && p[0] == '[' && p[1] == '[')
			from = n, p++;
		else if (yes && end - p >= 2 && p[0] == ']' && p[1] == ']' && !part)
			part = strndup(t + from, n - from), p++;
		else
			t[n++] = *p;
	}
	t[n] = 0;
	if (yes && !part) {
		free(t);
		return refuse(rd, "an example marks its finding with [[ ]]");
	}
	ex->e[ex->count++] = (struct example){ (unsigned)(rd->rule - rd->r->rule), yes, t, part, rd->line };
	return true;
}

static bool
rule_line(struct reader *rd, const char *p, const char *end)
{
	struct rule *r = rd->rule;
	const char *w;
	size_t n;
	int v;

	if (!next_word(&p, end, &w, &n))
		return true;
	if (is(w, n, "kind")) {
		int k = next_word(&p, end, &w, &n) ? phi_kind_of(w, n) : -1;
		if (k < 0)
			return refuse(rd, "no such kind");
		r->kind = (uint8_t)k;
	} else if (is(w, n, "pattern")) {
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		size_t more = (size_t)(end - p);
		bool fold = more > 4 && !memcmp(p, "(?i)", 4);
		char *q = realloc(rd->pattern, rd->pattern_n + more + 4);
		if (!q)
			return refuse(rd, "out of memory");
		rd->pattern = q;
		if (rd->pattern_n)
			q[rd->pattern_n++] = '|';
		if (fold) {
			/* For this line only. */
			memcpy(q + rd->pattern_n, "(?i:", 4);
			rd->pattern_n += 4, p += 4, more -= 4;
		}
		memcpy(q + rd->pattern_n, p, more);
		rd->pattern_n += more;
		if (fold)
			q[rd->pattern_n++] = ')';
		rd->pattern_line = rd->line;
	} else if (is(w, n, "start")) {
		if (!next_word(&p, end, &w, &n))
			return refuse(rd, "start digit, code, punct, any, dotted, at, dot or words");
		if (is(w, n, "digit")) r->start = START_DIGIT;
		else if (is(w, n, "code")) r->start = START_CODE;
		else if (is(w, n, "punct")) r->start = START_PUNCT;
		else if (is(w, n, "any")) r->start = START_ANY;
		else if (is(w, n, "dotted")) r->start = START_DOTTED;
		else if (is(w, n, "at")) r->start = START_AT;
		else if (is(w, n, "dot")) r->start = START_DOT;
		else if (is(w, n, "words")) {
			r->start = START_WORD;
			while (next_word(&p, end, &w, &n)) {
				int k = class_of(rd->r, w, n, false);
				if (k < 0)
					return refuse(rd, "no such word class above");
				add_class(&r->start_class, &r->start_own, k);
			}
			if (!r->start_class && !r->start_own)
				return refuse(rd, "start words needs a word class");
		} else
			return refuse(rd, "start digit, code, punct, any, dotted, at, dot or words");
	} else if (is(w, n, "edge")) {
		if (!next_word(&p, end, &w, &n) || (!is(w, n, "strict") && !is(w, n, "loose")))
			return refuse(rd, "edge strict or loose");
		r->edge = is(w, n, "strict") ? EDGE_STRICT : EDGE_LOOSE;
	} else if (is(w, n, "check")) {
		for (unsigned i = 0; next_word(&p, end, &w, &n); i++)
			if (i == 2 || !(r->check[i] = phi_check_of(w, n)))
				return refuse(rd, "no such check, or more than two");
	} else if (is(w, n, "digits")) {
		if (!next_word(&p, end, &w, &n) || !to_int(w, n, &v) || v < 0 || v > 60)
			return refuse(rd, "digits is 0 to 60");
		r->min_digits = (uint8_t)v;
	} else if (is(w, n, "score")) {
		if (!next_word(&p, end, &w, &n) || !to_int(w, n, &v) || v < 0 || v > 100)
			return refuse(rd, "score is 0 to 100");
		r->score = (int16_t)v;
	} else if (is(w, n, "needs")) {
		if (r->needs_given)
			return refuse(rd, "one needs line a rule");
		r->needs_given = true;
		return clause(rd, p, end, &r->needs, false);
	} else if (is(w, n, "boost")) {
		if (r->boosts == CLAUSES)
			return refuse(rd, "more than six boost lines");
		return clause(rd, p, end, &r->boost[r->boosts++], true);
	} else if (is(w, n, "drop")) {
		if (r->drops == CLAUSES)
			return refuse(rd, "more than six drop lines");
		return clause(rd, p, end, &r->drop[r->drops++], false);
	} else if (is(w, n, "yes") || is(w, n, "no"))
		return example(rd, p, end, n == 3);
	else
		return refuse(rd, "not a line of a rule");
	return true;
}

static bool
one_line(struct reader *rd, const char *p, const char *end)
{
	const char *w, *q = p;
	size_t n;
	if (end > p && end[-1] == '\r')
		end--;
	if (memchr(p, 0, (size_t)(end - p)))
		return refuse(rd, "a NUL byte");
	if (!next_word(&q, end, &w, &n) || *w == '#')
		return true;
	if (*p == ' ' || *p == '\t') {
		if (rd->cls >= 0)
			return add_words(rd, p, end);
		return rd->rule ? rule_line(rd, p, end) : refuse(rd, "an indented line without a rule above");
	}
	if (!end_rule(rd))
		return false;
	rd->cls = -1;
	if (is(w, n, "words")) {
		if (!next_word(&q, end, &w, &n) || w[n - 1] != ':' || n < 2)
			return refuse(rd, "words CLASS: ...");
		rd->cls = class_of(rd->r, w, n - 1, true);
		if (rd->cls < 0)
			return refuse(rd, "more than 64 word classes in the files of a folder");
		return add_words(rd, q, end);
	}
	if (is(w, n, "rule")) {
		if (!next_word(&q, end, &w, &n))
			n = 0;
		return begin_rule(rd, w, n);
	}
	return refuse(rd, "a line begins with words or rule");
}

bool
phi_rules_read(struct rules *r, const char *text, size_t n, const char *name, struct examples *ex, char *why, size_t wn)
{
	struct reader rd = { .r = r, .ex = ex, .name = name, .why = why, .wn = wn, .cls = -1 };
	bool ok = true;
	for (const char *p = text, *end = text + n; ok && p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		rd.line++;
		ok = stop - p > 4000 ? refuse(&rd, "a line of more than 4000 bytes") : one_line(&rd, p, stop);
		p = stop + 1;
	}
	ok = ok && end_rule(&rd);
	free(rd.pattern);
	return ok;
}

bool
phi_rules_done(struct rules *r)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->rule[i].start == START_WORD)
			r->word_starts |= r->rule[i].start_class, r->own_starts |= r->rule[i].start_own;
	/* What cand.c and name.c ask of words without a class. */
	static const struct { const char *word; uint64_t flag; } flags[] = {
		{ "at", LEX_SPELLS }, { "dot", LEX_SPELLS },
		{ "name", LEX_OPENS }, { "this", LEX_OPENS }, { "i'm", LEX_OPENS }, { "im", LEX_OPENS }, { "i", LEX_OPENS }, { "named", LEX_OPENS },
		{ "he", LEX_OPENS }, { "she", LEX_OPENS }, { "it", LEX_OPENS }, { "its", LEX_OPENS }, { "bed", LEX_OPENS }, { "rm", LEX_OPENS },
		{ "room", LEX_OPENS }, { "user", LEX_OPENS }, { "username", LEX_OPENS }, { "login", LEX_OPENS }, { "surname", LEX_OPENS }, { "logged", LEX_OPENS }, { "signed", LEX_OPENS }, { "log", LEX_OPENS }, { "sign", LEX_OPENS },
	};
	for (size_t i = 0; i < COUNTOF(flags); i++) {
		struct ctx_slot *c = ctx_put(r, phi_word_hash(flags[i].word, strlen(flags[i].word)));
		if (!c)
			return false;
		c->flags |= (uint16_t)(flags[i].flag >> WORD_FLAGS);
	}
	return sort_phrases(r) && phi_dispatch_new(r);
}

void
phi_rules_free(struct rules *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		free(r->rule[i].id);
		phi_dfa_free(r->rule[i].dfa);
	}
	free(r->rule);
	for (unsigned i = 0; i < COUNTOF(r->cls_name); i++)
		free(r->cls_name[i]);
	free(r->ctx);
	free(r->phrase);
	phi_dispatch_free(r);
	*r = (struct rules){ 0 };
}

void
phi_examples_free(struct examples *ex)
{
	for (unsigned i = 0; i < ex->count; i++) {
		free(ex->e[i].text);
		free(ex->e[i].part);
	}
	free(ex->e);
	*ex = (struct examples){ 0 };
}
