/* module: phi */
/* A rule file is accepted or refused with words that say why; it never hangs,
 * and reading it twice ends the same way. */
#include "phi.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char a[300] = "", b[300] = "";
	if (size > 4000)
		return 0;
	const char *text = size ? (const char *)data : "";
	enum phi_err x = phi_rules_check(text, size, a, sizeof a), y = phi_rules_check(text, size, b, sizeof b);
	assert(x == y && !strcmp(a, b));
	assert(x == PHI_OK || (x == PHI_BAD && a[0]));
	return 0;
}
