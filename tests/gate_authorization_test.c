/* What an Authorization header says. */
#include "rows.h"

#include "gate/authorization.h"

static const struct {
	const char     *why, *header;
	enum auth_kind  kind;
	const char     *email, *secret;
} cases[] = {
	{ "nothing",                        "",                                      AUTH_NONE, "", "" },
	{ "blanks",                         "  \t ",                                 AUTH_NONE, "", "" },
	{ "API token",                      "Basic amFuZUB4LmV4YW1wbGUvdG9rZW46YWJj", AUTH_TOKEN, "jane@x.example", "abc" },
	{ "scheme in small letters",        "basic amFuZUB4LmV4YW1wbGUvdG9rZW46YWJj", AUTH_TOKEN, "jane@x.example", "abc" },
	{ "more blanks",                    "Basic    amFuZUB4LmV4YW1wbGUvdG9rZW46YWJj ", AUTH_TOKEN, "jane@x.example", "abc" },
	{ "password",                       "Basic amFuZUB4LmV4YW1wbGU6YWJj",        AUTH_PASSWORD, "jane@x.example", "abc" },
	{ "password with colons",           "Basic amFuZUB4LmV4YW1wbGU6YTpiOmM=",    AUTH_PASSWORD, "jane@x.example", "a:b:c" },
	{ "password with /token",           "Basic amFuZUB4LmV4YW1wbGU6YS90b2tlbg==", AUTH_PASSWORD, "jane@x.example", "a/token" },
	{ "no padding",                     "Basic amFuZUB4LmV4YW1wbGU6YTpiOmM",     AUTH_PASSWORD, "jane@x.example", "a:b:c" },
	{ "bearer",                         "Bearer abc.DEF-_~+/123==",              AUTH_BEARER, "", "abc.DEF-_~+/123==" },
	{ "bearer in capitals",             "BEARER abc",                            AUTH_BEARER, "", "abc" },
	{ "bearer with a blank inside",     "Bearer abc def",                        AUTH_BAD, "", "" },
	{ "bearer with = in the middle",    "Bearer abc=def",                        AUTH_BAD, "", "" },
	{ "bearer of nothing",              "Bearer ",                               AUTH_BAD, "", "" },
	{ "bearer of padding",              "Bearer ==",                             AUTH_BAD, "", "" },
	{ "a scheme alone",                 "Basic",                                 AUTH_BAD, "", "" },
	{ "a scheme we have not",           "Digest username=\"jane\"",              AUTH_BAD, "", "" },
	{ "not base64",                     "Basic jane@x.example:abc",              AUTH_BAD, "", "" },
	{ "no colon",                       "Basic amFuZQ==",                        AUTH_BAD, "", "" },
	{ "no secret",                      "Basic amFuZUB4LmV4YW1wbGU6",            AUTH_BAD, "", "" },
	{ "no user",                        "Basic OmFiYw==",                        AUTH_BAD, "", "" },
	{ "no user before /token",          "Basic L3Rva2VuOmFiYw==",                AUTH_BAD, "", "" },
	{ "a NUL in the secret",            "Basic amFuZUB4OmEAYg==",                AUTH_BAD, "", "" },
	{ "a line break in the user",       "Basic amFuZQpAeDphYmM=",                AUTH_BAD, "", "" },
	{ "bits left over in base64",       "Basic amFuZUB4OmFiYR==",                AUTH_BAD, "", "" },
};

static void
run(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	struct authorization au;

	authorization_parse(a, str_of(cases[i].header), &au);
	assert_int_equal(au.kind, cases[i].kind);
	assert_true(str_eq(au.email, str_of(cases[i].email)));
	assert_true(str_eq(au.secret, str_of(cases[i].secret)));
	arena_free(&a);
}

static void
too_long_is_bad(void **state UNUSED)
{
	struct arena *a = arena_new();
	struct authorization au;
	char text[AUTHORIZATION_MAX + 8];

	memset(text, 'a', sizeof(text));
	memcpy(text, "Bearer ", 7);
	authorization_parse(a, (str){ text, AUTHORIZATION_MAX }, &au);
	assert_int_equal(au.kind, AUTH_BEARER);
	authorization_parse(a, (str){ text, AUTHORIZATION_MAX + 1 }, &au);
	assert_int_equal(au.kind, AUTH_BAD);
	arena_free(&a);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, cases, run);
	ADD(t, n, too_long_is_bad);
	return RUN_ROWS("gate authorization", t, n);
}
