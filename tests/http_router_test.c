/* Which row a path finds. */
#include "rows.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/http.h"

static enum err
nothing(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)cx;
	(void)rq;
	(void)rp;
	return OK;
}

#define ON(m, p, n) { m, p, n, 0, nothing, 0 }
static const struct route users[] = {
	ON(GET, "/api/v2/users", 1), ON(POST, "/api/v2/users", 2),
	ON(GET, "/api/v2/users/{id}", 3), ON(PUT, "/api/v2/users/{id}", 4), ON(DELETE, "/api/v2/users/{id}", 5),
	ON(GET, "/api/v2/users/me", 6), ON(GET, "/api/v2/users/{user_id}/groups", 7),
	ON(GET, "/api/v2/users/{id}/groups/{id}", 8), ON(PUT, "/api/v2/users/{word}", 9),
	ON(GET, "/api/v2/users/me/settings", 10), ON(GET, "/api/v2/users/{word}/avatar", 11),
	{ .method = 0 },
};
static const struct route others[] = {
	ON(GET, "/", 20), ON(GET, "/healthz", 21), ON(HEAD, "/healthz", 22), ON(OPTIONS, "/healthz", 23),
	ON(GET, "/assets/{name*}", 24), ON(PATCH, "/a/b", 25),
	ON(GET, "/deep/{id}/{word}/{id}/{word}/{id}/{word}/{id}/{word}", 26),
	{ .method = 0 },
};
static const struct route *const tables[] = { users, others, NULL };

#define BITS(a, b, c) (1u << (a) | 1u << (b) | 1u << (c))
static const struct {
	const char      *why;
	enum http_method method;
	str              path;
	int              permission;       /* 0: no row */
	unsigned         allowed;
	int64_t          id[2];
	const char      *word;
} cases[] = {
	{ "a fixed path", GET, S("/api/v2/users"), 1, 0, { 0 }, NULL },
	{ "the method decides", POST, S("/api/v2/users"), 2, 0, { 0 }, NULL },
	{ ".json is ignored", GET, S("/api/v2/users.json"), 1, 0, { 0 }, NULL },
	{ ".json behind an id", GET, S("/api/v2/users/12.json"), 3, 0, { 12 }, NULL },
	{ ".json behind a fixed name", GET, S("/api/v2/users/me.json"), 6, 0, { 0 }, NULL },
	{ ".json alone is a word, not a suffix", PUT, S("/api/v2/users/.json"), 9, 0, { 0 }, ".json" },
	{ ".json alone is not the root", GET, S("/.json"), 0, 0, { 0 }, NULL },
	{ ".json twice is not .json", GET, S("/api/v2/users/12.json.json"), 0, 1u << PUT, { 0 }, NULL },
	{ "me wins over {id}", GET, S("/api/v2/users/me"), 6, 0, { 0 }, NULL },
	{ "{id}", GET, S("/api/v2/users/4711"), 3, 0, { 4711 }, NULL },
	{ "{id} wins over {word}", PUT, S("/api/v2/users/4711"), 4, 0, { 4711 }, NULL },
	{ "{word} when {id} does not match", PUT, S("/api/v2/users/x1"), 9, 0, { 0 }, "x1" },
	{ "{word} when the fixed name lacks the method", PUT, S("/api/v2/users/me"), 9, 0, { 0 }, "me" },
	{ "back from me to {word}", GET, S("/api/v2/users/me/avatar"), 11, 0, { 0 }, "me" },
	{ "back from {id} to {word}", GET, S("/api/v2/users/7/avatar"), 11, 0, { 0 }, "7" },
	{ "below a fixed name", GET, S("/api/v2/users/me/settings"), 10, 0, { 0 }, NULL },
	{ "two ids", GET, S("/api/v2/users/3/groups/9.json"), 8, 0, { 3, 9 }, NULL },
	{ "an id with a name of its own", GET, S("/api/v2/users/3/groups"), 7, 0, { 3 }, NULL },
	{ "18 digits", GET, S("/api/v2/users/999999999999999999"), 3, 0, { 999999999999999999 }, NULL },
	{ "19 digits", GET, S("/api/v2/users/1000000000000000000"), 0, 1u << PUT, { 0 }, NULL },
	{ "zero is no id", GET, S("/api/v2/users/0"), 0, 1u << PUT, { 0 }, NULL },
	{ "negative is no id", DELETE, S("/api/v2/users/-1"), 0, 1u << PUT, { 0 }, NULL },
	{ "other methods are told", DELETE, S("/api/v2/users/me"), 0, BITS(GET, HEAD, PUT), { 0 }, NULL },
	{ "and those of {id}", POST, S("/api/v2/users/5"), 0, BITS(GET, HEAD, PUT) | 1u << DELETE, { 0 }, NULL },
	{ "HEAD finds the GET row", HEAD, S("/api/v2/users/5"), 3, 0, { 5 }, NULL },
	{ "a HEAD row of its own", HEAD, S("/healthz"), 22, 0, { 0 }, NULL },
	{ "OPTIONS is a method as others", OPTIONS, S("/healthz"), 23, 0, { 0 }, NULL },
	{ "the root", GET, S("/"), 20, 0, { 0 }, NULL },
	{ "the root with another method", PUT, S("/"), 0, BITS(GET, HEAD, HEAD), { 0 }, NULL },
	{ "a slash at the end is ignored", GET, S("/api/v2/users/"), 1, 0, { 0 }, NULL },
	{ "behind an id", PUT, S("/api/v2/users/12/"), 4, 0, { 12 }, NULL },
	{ "behind a word", GET, S("/assets/a/"), 24, 0, { 0 }, "a" },
	{ "other methods are told of it, too", POST, S("/api/v2/users/5/"), 0, BITS(GET, HEAD, PUT) | 1u << DELETE, { 0 }, NULL },
	{ "a slash is no word", GET, S("/assets/"), 0, 0, { 0 }, NULL },
	{ "two slashes at the end", GET, S("/api/v2/users//"), 0, 0, { 0 }, NULL },
	{ ".json and a slash", GET, S("/api/v2/users.json/"), 0, 0, { 0 }, NULL },
	{ "two slashes", GET, S("/api/v2//users"), 0, 0, { 0 }, NULL },
	{ "two slashes in front", GET, S("//api/v2/users"), 0, 0, { 0 }, NULL },
	{ "only slashes", GET, S("//"), 0, 0, { 0 }, NULL },
	{ "a longer path", GET, S("/api/v2/users/5/groups/6/7"), 0, 0, { 0 }, NULL },
	{ "a shorter path", GET, S("/api/v2"), 0, 0, { 0 }, NULL },
	{ "case matters", GET, S("/API/v2/users"), 0, 0, { 0 }, NULL },
	{ "no slash in front", GET, S("api/v2/users"), 0, 0, { 0 }, NULL },
	{ "an empty path", GET, S(""), 0, 0, { 0 }, NULL },
	{ "{name*} is a word", GET, S("/assets/app-1.2.js"), 24, 0, { 0 }, "app-1.2.js" },
	{ "a word may be UTF-8", GET, S("/assets/caf\xc3\xa9"), 24, 0, { 0 }, "caf\xc3\xa9" },
	{ "a word is not broken UTF-8", GET, S("/assets/caf\xc3"), 0, 0, { 0 }, NULL },
	{ "a word is not ..", GET, S("/assets/.."), 0, 0, { 0 }, NULL },
	{ "a word is not .", GET, S("/assets/."), 0, 0, { 0 }, NULL },
	{ "but may begin so", GET, S("/assets/..a"), 24, 0, { 0 }, "..a" },
	{ "a word has no NUL", GET, S("/assets/a\0b"), 0, 0, { 0 }, NULL },
	{ "a word has no control characters", GET, S("/assets/a\nb"), 0, 0, { 0 }, NULL },
	{ "a NUL behind a fixed path", GET, S("/healthz\0"), 0, 0, { 0 }, NULL },
	{ "four of each", GET, S("/deep/1/a/2/b/3/c/4/d"), 26, 0, { 1, 2 }, "a" },
	{ "PATCH", PATCH, S("/a/b.json"), 25, 0, { 0 }, NULL },
	{ "no such method", (enum http_method)0, S("/a/b"), 0, 1u << PATCH, { 0 }, NULL },
	{ "a method out of range", (enum http_method)99, S("/a/b"), 0, 1u << PATCH, { 0 }, NULL },
};

static void
run(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	struct router *r = router_new(a, tables);
	/* What an earlier search has left behind must not be seen. */
	struct http_req rq = { .method = cases[i].method, .path = cases[i].path,
	    .param = { 1, 2, 3, 4 }, .word = { S("x"), S("x"), S("x"), S("x") } };
	unsigned allowed = ~0u;
	const struct route *row = router_find(r, &rq, &allowed);

	assert_int_equal(row != NULL ? row->permission : 0, cases[i].permission);
	assert_int_equal(allowed, cases[i].allowed);
	assert_int_equal(rq.param[0], cases[i].id[0]);
	assert_int_equal(rq.param[1], cases[i].id[1]);
	if (cases[i].permission != 26) {
		assert_int_equal(rq.param[2], 0);
		assert_int_equal(rq.word[1].n, 0);
	}
	assert_true(str_eq(rq.word[0], str_of(cases[i].word)));
	arena_free(&a);
}

/* A table with a mistake ends the process. */
static void
refused(const struct route *table)
{
	const struct route *const list[] = { table, NULL };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct arena *a = arena_new();

		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		router_new(a, list);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void
bugs(void **state)
{
	static const struct route twice[] = { ON(GET, "/a/{id}", 1), ON(GET, "/a/{b_id}", 2), { .method = 0 } };
	static const struct route open_to_all[] = { ON(GET, "/a", 0), { .method = 0 } };
	static const struct route with_json[] = { ON(GET, "/a.json", 1), { .method = 0 } };
	static const struct route slashes[] = { ON(GET, "/a//b", 1), { .method = 0 } };
	static const struct route unknown[] = { ON(GET, "/a/{what}", 1), { .method = 0 } };
	static const struct route no_handler[] = { { GET, "/a", 1, 0, NULL, 0 }, { .method = 0 } };
	static const struct route five[] = { ON(GET, "/{id}/{id}/{id}/{id}/{id}", 1), { .method = 0 } };

	(void)state;
	refused(twice);
	refused(open_to_all);
	refused(with_json);
	refused(slashes);
	refused(unknown);
	refused(no_handler);
	refused(five);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, cases, run);
	ADD(t, n, bugs);
	return RUN_ROWS("http router", t, n);
}
