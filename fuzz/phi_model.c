/* module: phi */
/* A damaged model or lexicon is refused; what is accepted can be used. The
 * first byte chooses which of the two the rest is. */
#include "phi/engine.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	/* Aligned, as a mapped file is. */
	uint64_t *copy = malloc(size + 8);
	assert(copy);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1) {
		struct tagger t;
		if (phi_tagger_open(&t, copy, size - 1)) {
			volatile int8_t last = t.row[(size_t)t.mask * TAGS + TAGS - 1];
			assert(t.unit > 0);
			(void)last;
		}
	} else {
		struct lexicon l;
		if (phi_lex_open(&l, copy, size - 1))
			for (uint64_t h = 0; h < 64; h++)
				(void)lex_get(&l, h * 0x9e3779b97f4a7c15ull);
	}
	free(copy);
	return 0;
}
