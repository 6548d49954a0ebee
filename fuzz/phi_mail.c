/* module: phi */
/* The readers of an mbox give back all of its bytes, in order; the text made of
 * a message is the same each time and no longer than what ICU can make of it,
 * and no line of it begins like a separator but the first. */
#include "phi/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text m = { 0 }, all = { 0 }, a = { 0 }, b = { 0 };
	if (size == 0)
		return 0;
	FILE *f = fmemopen((void *)(uintptr_t)data, size, "rb");
	struct reader r = { .f = f };
	assert(f);
	for (enum got g; (g = read_message(&r, &m)) != GOT_NONE;) {
		unsigned left = 0, again = 0;
		assert(g == GOT_ONE && m.n > 0);
		text_add(&all, m.p, m.n);
		a.n = b.n = 0;
		mail_text(&a, m.p, m.n, &left);
		mail_text(&b, m.p, m.n, &again);
		assert(left == again && a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n)));
		assert(a.n <= 100 * m.n + 1000);
	}
	assert(all.n == size && !memcmp(all.p, data, size));
	reader_done(&r);
	fclose(f);
	text_free(&m), text_free(&all), text_free(&a), text_free(&b);
	return 0;
}
