/* module: phi */
/* Whatever the bytes: findings ascend, do not overlap, lie inside of the text,
 * are whole characters where the text is UTF-8, and a second scan finds the
 * same. The first byte chooses options. */
#include "phi.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen { size_t end, size, count; const char *text; uint64_t sum; };

static int
check(void *arg, const struct phi_finding *f)
{
	struct seen *s = arg;
	assert(f->len > 0 && f->at >= s->end && f->at <= s->size && f->len <= s->size - f->at);
	assert(phi_kind_name(f->kind) && f->score >= 1 && f->score <= 100 && f->rule >= 0);
	s->end = f->at + f->len;
	s->count++;
	s->sum = (s->sum ^ f->at) * 0x100000001b3u + f->len + (uint64_t)f->kind;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	if (!p && phi_open(NULL, &p, NULL, 0) != PHI_OK)
		abort();
	if (size == 0)
		return 0;
	struct phi_opts o = { .size = sizeof o, .min_score = data[0] & 1 ? 1 : 0, .flags = data[0] >> 1 & 3,
		.recall = data[0] & 8 ? 100 : 0 };
	const char *text = (const char *)data + 1;
	struct seen a = { .size = size - 1, .text = text }, b = a;
	assert(phi_scan_opts(p, &o, text, size - 1, check, &a) == PHI_OK);
	assert(phi_scan_opts(p, &o, text, size - 1, check, &b) == PHI_OK);
	assert(a.sum == b.sum && a.count == b.count);
	return 0;
}
