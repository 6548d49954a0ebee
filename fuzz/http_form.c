/* module: http */
/* The input is a Content-Type, a line feed and a body. Parts lie in the body,
 * one behind the other, and none holds a delimiter; and a form put together
 * of the parts' bytes is cut into the same. */
#include <assert.h>

#include "http/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 20 };

static void
again(const struct http_part *part, int count)
{
	const str type = S("multipart/form-data; boundary=\"-- again\"");
	struct http_part other[MOST];
	struct arena *a = arena_new();
	bool fits = true;
	struct buf b;
	int n;

	buf_init(&b, a, 16 * MiB);
	for (int i = 0; i < count; i++) {
		fits = fits && str_find(part[i].bytes, S("-- again")) == SIZE_MAX;
		buf_add(&b, S("\r\n---- again\r\n\r\n"));
		buf_add(&b, part[i].bytes);
	}
	buf_add(&b, S("\r\n---- again--"));
	if (fits) {
		assert(form_cut(type, buf_str(&b), other, MOST, &n) && n == count);
		for (int i = 0; i < n; i++)
			assert(str_eq(other[i].bytes, part[i].bytes));
	}
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str body = { (const char *)data, size }, type = str_cut(&body, '\n');
	struct http_part part[MOST];
	const char *at = body.p;
	int n;

	if (!form_cut(type, body, part, MOST, &n))
		return 0;
	assert(n <= MOST);
	for (int i = 0; i < n; i++) {
		assert(part[i].bytes.p >= at && part[i].bytes.n <= (size_t)(body.p + body.n - part[i].bytes.p));
		at = part[i].bytes.p + part[i].bytes.n;
		assert(str_starts((str){ at, (size_t)(body.p + body.n - at) }, S("\r\n--")));
	}
	again(part, n);
	return 0;
}
