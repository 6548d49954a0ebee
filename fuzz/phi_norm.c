/* module: phi */
/* The normalised copy has a map that ascends and stays inside of the original;
 * without one it is as long; the tokens lie inside of the copy, in order. */
#include "phi/engine.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	if (!p && phi_open(NULL, &p, NULL, 0) != PHI_OK)
		abort();
	struct scan *s = phi_scratch(p);
	assert(s);
	s->o = (struct phi_opts){ .size = sizeof s->o };
	assert(phi_window(s, (const char *)data, size));
	if (s->identity)
		assert(s->tn == size);
	for (size_t i = 0; !s->identity && i <= s->tn; i++)
		assert(s->map[i] <= size && (i == 0 || s->map[i] >= s->map[i - 1]));
	for (size_t i = 0, end = 0; i < s->ntok; i++) {
		assert(s->tok[i].len > 0 && s->tok[i].at >= end && s->tok[i].at + s->tok[i].len <= s->tn);
		end = s->tok[i].at + s->tok[i].len;
	}
	for (size_t i = 0; i < s->ncand; i++)
		assert(s->cand[i].at < s->cand[i].end && s->cand[i].end <= s->tn);
	return 0;
}
