/* module: phi */
/* What libphi does fast, with and without what the processor can do beyond the
 * least of its kind, is what the plain way does: the tokens, the sums of the
 * tagger, its path, the findings. The first byte is the dial. */
#include "../tests/phi_slow.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
sum(void *arg, const struct phi_finding *f)
{
	uint64_t *h = arg;
	*h = phi_mix(*h, f->at << 20 ^ f->len ^ (uint64_t)f->kind << 56 ^ (uint64_t)f->score << 48 ^ (uint64_t)f->rule << 40);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	static unsigned cpu;
	if (!p) {
		if (phi_open(NULL, &p, NULL, 0) != PHI_OK)
			abort();
		cpu = p->cpu;
	}
	if (size == 0 || size > 65536)
		return 0;
	const char *text = (const char *)data + 1;
	uint64_t found[2] = { 0 };
	for (int i = 0; i < 2; i++) {
		size_t at = 0;
		p->cpu = i ? cpu : 0;
		const char *wrong = slow_check(p, text, size - 1, data[0] % 201 - 100, &at);
		if (wrong) {
			fprintf(stderr, "%s differs at token %zu\n", wrong, at);
			abort();
		}
		assert(phi_scan(p, text, size - 1, sum, &found[i]) == PHI_OK);
	}
	assert(found[0] == found[1]);
	return 0;
}
