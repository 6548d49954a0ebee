/* module: phi max_len=20000 */
/* A damaged model or lexicon is refused; what is accepted can be used. The
 * first byte chooses which of the two the rest is, and whether size and
 * checksum are made to fit, as somebody who forges a file would: then what is
 * behind the checksum is tried too. */
#include "phi/engine.h"

#include <assert.h>
#include <stdlib.h>

enum { LEX_HEAD = 64, MODEL_HEAD = 576 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
sum_of(const unsigned char *p, size_t from, size_t n, size_t zero, uint64_t sum)
{
	uint64_t lane[4] = { 1, 2, 3, 4 }, w;

	for (size_t i = from; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		lane[(i - zero) / 8 & 3] = phi_mix(lane[(i - zero) / 8 & 3], w);
	}
	for (int k = 0; k < 4; k++)
		sum = phi_mix(sum, lane[k]);
	return sum;
}

/* A whole file out of some bytes of one: they go on behind the header until it is full. */
static size_t
forge(unsigned char *file, const uint8_t *data, size_t size, bool model)
{
	size_t head = model ? MODEL_HEAD : LEX_HEAD, n;
	uint64_t slots = 16, check, word, count = 0;
	uint32_t version = model ? 1 : 2, rows = 256;

	n = model ? head + (size_t)rows * TAGS : head + (size_t)slots * 8;
	for (size_t i = 0; i < n; i++)
		file[i] = size > 0 ? data[i % size] : 0;
	memcpy(file, model ? "PHIMOD1\n" : "PHILEX1\n", 8);
	memcpy(file + 8, &version, 4);
	if (model)
		memcpy(file + 12, &rows, 4);
	else {
		memcpy(file + 16, &slots, 8);
		for (uint64_t i = 0; i < slots; i++) {
			memcpy(&word, file + LEX_HEAD + 8 * i, 8);
			count += word != 0;
		}
		if (size % 2)          /* or what the bytes say */
			memcpy(file + 24, &count, 8);
	}
	check = model ? sum_of(file, 24, n, 0, 1) : sum_of(file, LEX_HEAD, n, LEX_HEAD, 0);
	memcpy(file + (model ? 16 : 32), &check, 8);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t forged[(MODEL_HEAD + 256 * TAGS) / 8 + 1];   /* aligned, as a mapped file is */
	bool model, fits;
	uint64_t *copy;

	if (size == 0)
		return 0;
	model = data[0] & 1;
	fits = data[0] & 2;
	if (fits)
		size = 1 + forge((unsigned char *)forged, data + 1, size - 1, model);
	copy = malloc(size + 8);
	assert(copy);
	memcpy(copy, fits ? (const uint8_t *)forged : data + 1, size - 1);
	if (model) {
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
