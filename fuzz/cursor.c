/* module: api */
/* cursor.c - cursor tokens: what is taken is made again and reads the same;
 * what is made is always taken. */
#include <assert.h>

#include "api/in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx cx;
	struct sys sys = { 0 };
	int64_t v = 0, id = 0, v2 = 0, id2 = 0;
	char kind = 0, kind2 = 0;

	ctx_init(&cx, &sys, 1);
	if (cursor_read(&cx, (str){ (const char *)data, size }, &kind, &v, &id)) {
		assert(kind >= 'a' && kind <= 'z');
		assert(cursor_read(&cx, cursor_make(&cx, kind, v, id), &kind2, &v2, &id2));
		assert(kind == kind2 && v == v2 && id == id2);
	}
	if (size >= 16) {
		memcpy(&v, data, 8);
		memcpy(&id, data + 8, 8);
		assert(cursor_read(&cx, cursor_make(&cx, 'u', v, id), &kind2, &v2, &id2));
		assert(kind2 == 'u' && v2 == v && id2 == id);
	}
	ctx_done(&cx);
	return 0;
}
