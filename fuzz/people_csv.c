/* module: desk */
/* CSV of known people: every record takes something off the rest; fields lie in
 * the text or the arena; read in two pieces it gives the same records. */
#include <assert.h>
#include <stdint.h>

#include "desk/known.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
records(struct arena *a, str text, size_t cut, uint64_t *sum)
{
	str field[16], rest = str_sub(text, 0, cut);
	size_t n = 0;
	int got;

	*sum = 0;
	for (int piece = 0; piece < 2; piece++) {
		bool last = piece == 1 || cut >= text.n;
		if (piece == 1)
			rest = str_sub(text, (size_t)(rest.p - text.p), text.n);
		for (;;) {
			str before = rest;
			got = csv_record(a, &rest, last, field, 16);
			if (got < 0)
				break;
			assert(got >= 1 && got <= 16 && rest.n < before.n);
			n++;
			for (int i = 0; i < got; i++) {
				assert(field[i].n <= text.n);
				for (size_t k = 0; k < field[i].n; k++)
					*sum = *sum * 31 + (unsigned char)field[i].p[k];
				*sum = *sum * 31 + 7;
			}
		}
		assert(!last || rest.n == 0);
		if (last)
			break;
		if (rest.p == NULL)
			rest = text;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	str text = { (const char *)data, size };
	uint64_t whole, parts;
	size_t n = records(a, text, size, &whole), m = records(a, text, size / 2, &parts);

	assert(n == m && whole == parts);
	arena_free(&a);
	return 0;
}
