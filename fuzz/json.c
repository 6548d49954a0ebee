/* module: base */
/* What json_parse() takes, jansson takes as an equal tree, and what jansson
 * refuses, it refuses; what it takes can be written by jansson and read again as an equal
 * tree; and whatever bytes jw_str() is given, it writes valid JSON that reads
 * back as those bytes with every invalid one mended, and writes that the same. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
reads_again_as_equal(struct ctx *cx, str text)
{
	json_t *one, *two;
	char *again;

	if (json_parse(cx, text, &one) != OK) {
		assert(cx->fail.code == E_INVALID && cx->fail.why != NULL);
		fail_clear(cx);
		return;
	}
	assert(utf8_valid(text));
	two = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert(two != NULL && json_equal(one, two));
	json_decref(two);
	again = json_dumps(one, JSON_COMPACT | JSON_ENCODE_ANY);
	assert(again != NULL);
	assert(json_parse(cx, str_of(again), &two) == OK);
	assert(json_equal(one, two));
	free(again);
}

static void
writes_what_reads_back(struct ctx *cx, str bytes)
{
	struct buf b, c;
	struct json j;
	json_t *tree;
	str back;

	buf_init(&b, cx->arena, 64 * MiB);
	jw_init(&j, &b);
	jw_str(&j, bytes);
	assert(!b.over && utf8_valid(buf_str(&b)));
	assert(json_parse(cx, buf_str(&b), &tree) == OK);
	back = (str){ json_string_value(tree), json_string_length(tree) };
	assert(utf8_valid(bytes) ? str_eq(back, bytes) : back.n >= bytes.n);
	buf_init(&c, cx->arena, 64 * MiB);
	jw_init(&j, &c);
	jw_str(&j, back);
	assert(str_eq(buf_str(&b), buf_str(&c)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx cx;
	str text = { (const char *)data, size };

	ctx_init(&cx, NULL, 1);
	reads_again_as_equal(&cx, text);
	writes_what_reads_back(&cx, text);
	ctx_done(&cx);
	return 0;
}
