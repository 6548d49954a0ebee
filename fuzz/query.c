/* module: desk */
/* A query parses to a tree that is within its limits and points into the text;
 * its printed form parses to the same tree and prints the same again. What the
 * words of a text are does not depend on what is folded already: folding twice
 * is folding once, and every word is a slice of the folded text, not empty and
 * not too long. */
#include <assert.h>

#include "desk/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
prints_what_parses_the_same(struct ctx *cx, str text)
{
	struct query q, again;
	str printed, twice;

	if (query_parse(cx, text, &q) != OK) {
		assert(cx->fail.code == E_INVALID && cx->fail.field != NULL && cx->fail.why != NULL);
		return;
	}
	assert(q.count >= 0 && q.count <= ITEMS_MAX && text.n <= QUERY_MAX);
	for (int i = 0; i < q.count; i++)
		assert(q.item[i].value.n == 0 ||
		    (q.item[i].value.p >= text.p && q.item[i].value.p + q.item[i].value.n <= text.p + text.n));
	printed = str_dup(cx->arena, query_print(cx, &q));
	if (query_parse(cx, printed, &again) != OK) {
		assert(printed.n > QUERY_MAX);       /* a blank more per item, and longer names */
		return;
	}
	assert(again.count == q.count);
	for (int i = 0; i < q.count; i++) {
		const struct qitem *a = &q.item[i], *b = &again.item[i];
		assert(a->field == b->field && a->op == b->op && a->negative == b->negative && a->quoted == b->quoted);
		assert(a->prefix == b->prefix && a->number == b->number && str_eq(a->value, b->value));
	}
	twice = query_print(cx, &again);
	assert(str_eq(printed, twice));
}

struct seen { str in; size_t at; };

static void
word_is_in(void *arg, str w, bool whole)
{
	struct seen *s = arg;

	assert(w.n > 0 && w.n <= (whole ? WHOLE_MAX : WORD_MAX));
	assert(w.p >= s->in.p && w.p + w.n <= s->in.p + s->in.n);
	if (whole)
		return;
	assert((size_t)(w.p - s->in.p) >= s->at);    /* in their order, none in another */
	s->at = (size_t)(w.p - s->in.p) + w.n;
}

static void
words_are_in_the_text(struct ctx *cx, str text)
{
	str folded = words_fold(cx->arena, text), twice = words_fold(cx->arena, folded);
	struct seen s = { folded, 0 };
	char room[WORD_MAX];

	assert(folded.n <= text.n * 4 + 16);
	words_split(folded, word_is_in, &s);
	s = (struct seen){ twice, 0 };
	words_split(twice, word_is_in, &s);
	if (text.n <= WORD_MAX) {
		str stem = word_stem(text, room);
		assert(stem.n <= text.n);
		for (int chars = 1; chars < 9; chars++)
			assert(word_head(text, chars) < (text.n > 0 ? text.n : 1));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx cx;
	str text = { (const char *)data, size };

	ctx_init(&cx, NULL, 1);
	prints_what_parses_the_same(&cx, text);
	words_are_in_the_text(&cx, text);
	ctx_done(&cx);
	return 0;
}
