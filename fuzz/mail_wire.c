/* module: mail */
/* A parser process that was taken over can write anything to its parent: what
 * mail_unpack() believes keeps every rule of mail.h. */
#include <stdlib.h>

#include "mail_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct mail m;

	if (mail_unpack(a, (str){ (const char *)data, size }, &m))
		check_mail(&m);
	arena_free(&a);
	return 0;
}
