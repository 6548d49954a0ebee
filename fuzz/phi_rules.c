/* module: phi */
/* A rule file is accepted or refused with words that say why; it never hangs,
 * and reading it twice ends the same way. Most inputs are read alone, because
 * the built-in rules that phi_rules_check reads first take a thousand times
 * as long; those whose length says so go all the way, examples and all. */
#include "phi/engine.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
alone(const char *text, size_t size, char *why, size_t n)
{
	struct rules r = { 0 };
	struct examples ex = { 0 };
	bool ok = phi_rules_read(&r, text, size, "rules", &ex, why, n) && phi_rules_done(&r);
	for (unsigned i = 0; ok && i < ex.count; i++) {
		assert(ex.e[i].rule < r.count && ex.e[i].text);
		assert(!ex.e[i].yes || (ex.e[i].part && strstr(ex.e[i].text, ex.e[i].part)));
	}
	for (unsigned i = 0; ok && i < r.count; i++) {
		/* What was compiled can be run, on anything. */
		uint16_t ends[8];
		const char *end = text + size;
		for (size_t k = 0; r.rule[i].dfa && k < size && k < 64; k++) {
			unsigned found = phi_dfa_match(r.rule[i].dfa, text + k, end, ends, 8);
			for (unsigned j = 0; j < found; j++)
				assert(ends[j] <= size - k && ends[j] <= MATCH_MAX);
		}
	}
	phi_rules_free(&r);
	phi_examples_free(&ex);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char a[300] = "", b[300] = "";
	if (size > 4000)
		return 0;
	const char *text = size ? (const char *)data : "";
	if (size % 64 == 63) {
		enum phi_err x = phi_rules_check(text, size, a, sizeof a);
		assert(x == PHI_OK || (x == PHI_BAD && a[0]));
		return 0;
	}
	bool x = alone(text, size, a, sizeof a), y = alone(text, size, b, sizeof b);
	assert(x == y && !strcmp(a, b));
	assert(x || a[0]);
	return 0;
}
