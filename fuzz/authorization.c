/* module: gate */
/* The input is an Authorization header. What is read out of it is whole: a
 * user and a secret without control bytes, put together again and encoded,
 * are read as the same; and what is bad has neither. */
#include <assert.h>

#include "gate/authorization.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
clean(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return false;
	return s.n > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	str header = { (const char *)data, size }, text;
	struct authorization au, again;

	authorization_parse(a, header, &au);
	switch (au.kind) {
	case AUTH_NONE:
		assert(str_trim(header).n == 0);
		assert(au.email.n == 0 && au.secret.n == 0);
		break;
	case AUTH_BAD:
		assert(au.email.n == 0 && au.secret.n == 0);
		break;
	case AUTH_BEARER:
		assert(au.email.n == 0 && clean(au.secret));
		assert(au.secret.p >= header.p && au.secret.p + au.secret.n <= header.p + header.n);
		authorization_parse(a, str_printf(a, "Bearer " STR_F, STR_A(au.secret)), &again);
		assert(again.kind == AUTH_BEARER && str_eq(again.secret, au.secret));
		break;
	case AUTH_TOKEN:
	case AUTH_PASSWORD:
		assert(clean(au.email) && clean(au.secret));
		assert(str_find(au.email, S(":")) == SIZE_MAX);
		assert(au.kind == AUTH_TOKEN || !str_ends(au.email, S("/token")));
		text = str_printf(a, STR_F "%s:" STR_F, STR_A(au.email), au.kind == AUTH_TOKEN ? "/token" : "",
		    STR_A(au.secret));
		authorization_parse(a, str_printf(a, "Basic " STR_F, STR_A(base64_of(a, text))), &again);
		assert(again.kind == au.kind && str_eq(again.email, au.email) && str_eq(again.secret, au.secret));
		break;
	}
	assert(size <= AUTHORIZATION_MAX || au.kind == AUTH_BAD || str_trim(header).n <= AUTHORIZATION_MAX);
	arena_free(&a);
	return 0;
}
