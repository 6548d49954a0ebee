/* module: http */
/* The input is a request target, a line feed and a Cookie header. A target
 * that can be decoded and is encoded again decodes to the same path and
 * parameters; the row a path finds fits it piece by piece, ".json" or not; and
 * a cookie is a piece of its header that stands behind its name. */
#include <assert.h>

#include "http/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err
nothing(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)cx;
	(void)rq;
	(void)rp;
	return OK;
}

#define ON(m, p) { m, p, 1, 0, nothing, 0 }
static const struct route table[] = {
	ON(GET, "/"), ON(GET, "/a"), ON(POST, "/a"), ON(GET, "/a/{id}"), ON(PUT, "/a/{word}"), ON(GET, "/a/me"),
	ON(GET, "/a/me/b"), ON(GET, "/a/{id}/b/{id}"), ON(GET, "/a/{word}/b"), ON(DELETE, "/{word}/{id}"),
	ON(GET, "/f/{name*}"), ON(HEAD, "/f/{name*}"), ON(PATCH, "/{word}/{word}/{word}/{word}"),
	{ .method = 0 },
};
static const struct route *const tables[] = { table, NULL };

/* Decoded and encoded again; what slashes the path has are kept. */
static str
encode(struct arena *a, const struct http_req *rq)
{
	str rest = rq->path;
	struct buf b;

	buf_init(&b, a, 16 * MiB);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] == '/')
			buf_byte(&b, '/');
		else
			buf_percent(&b, str_sub(rest, i, 1));
	for (int i = 0; i < rq->query_count; i++) {
		buf_byte(&b, i == 0 ? '?' : '&');
		buf_percent(&b, rq->query[i].name);
		buf_byte(&b, '=');
		buf_percent(&b, rq->query[i].value);
	}
	return buf_str(&b);
}

static bool
same(const struct http_req *x, const struct http_req *y)
{
	if (!str_eq(x->path, y->path) || x->query_count != y->query_count)
		return false;
	for (int i = 0; i < x->query_count; i++)
		if (!str_eq(x->query[i].name, y->query[i].name) || !str_eq(x->query[i].value, y->query[i].value))
			return false;
	return true;
}

/* Does the row's pattern, with what was found for its holes, make the path? */
static void
fits(const struct route *row, const struct http_req *rq)
{
	str pattern = str_of(row->path), path = rq->path, want, have;
	int ids = 0, words = 0;
	int64_t id;

	if (str_ends(path, S(".json")) && !str_ends(path, S("/.json")))
		path.n -= 5;
	while (pattern.n > 0) {
		assert(path.n > 0 || str_eq(pattern, S("/")));
		want = str_cut(&pattern, '/');
		have = str_cut(&path, '/');
		if (want.n == 0 || want.p[0] != '{') {
			assert(str_eq(want, have));
		} else if (str_ends(want, S("id}"))) {
			assert(str_int(have, &id) && id > 0 && id == rq->param[ids++]);
		} else {
			assert(have.n > 0 && str_eq(have, rq->word[words++]));
		}
	}
	assert(path.n == 0);
}

static void
route_it(struct arena *a, struct router *r, struct http_req *rq)
{
	const struct route *row, *with_json;
	struct http_req longer = *rq;
	unsigned allowed, also;

	for (int m = GET; m <= OPTIONS; m++) {
		rq->method = longer.method = (enum http_method)m;
		row = router_find(r, rq, &allowed);
		if (row != NULL) {
			assert(allowed == 0);
			assert(row->method == rq->method || (rq->method == HEAD && row->method == GET));
			fits(row, rq);
		} else {
			assert((allowed & 1u << m) == 0);
		}
		if (str_ends(rq->path, S(".json")) || str_ends(rq->path, S("/")))
			continue;
		longer.path = str_printf(a, STR_F ".json", STR_A(rq->path));
		if (longer.path.n != rq->path.n + 5)        /* a NUL cut it */
			continue;
		with_json = router_find(r, &longer, &also);
		assert(with_json == row && also == allowed);
	}
}

static void
cookies(struct arena *a, str header)
{
	struct http_param field = { S("cookie"), header };
	struct call w = { .field = &field, .field_count = 1 };
	struct http_req rq = { .wire = &w };
	str rest = header, name, v;
	char *z;

	for (int i = 0; i < 8 && rest.n > 0; i++) {
		name = str_cut(&rest, ';');
		name = str_trim(str_cut(&name, '='));
		if (memchr(name.p, 0, name.n) != NULL)
			continue;
		z = str_z(a, name);
		v = http_cookie(&rq, z);
		assert(v.n == 0 || (v.p >= header.p && v.p + v.n <= header.p + header.n));
		assert(v.n == 0 || memchr(v.p, ';', v.n) == NULL);
		/* Written the way a client writes it, it is found again. */
		struct http_param again = { S("Cookie"), str_printf(a, "x=%d; %s=\"" STR_F "\"; y=1", i, z, STR_A(v)) };

		if (str_eq(name, S("x")) || str_eq(name, S("y")) || memchr(again.value.p, 0, again.value.n) != NULL ||
		    again.value.n < name.n + v.n || (v.n > 0 && memchr(v.p, 0, v.n) != NULL))
			continue;
		w.field = &again;
		assert(str_eq(http_cookie(&rq, z), v));
		w.field = &field;
	}
	assert(http_header(&rq, "Cookie").p == header.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct router *r = router_new(a, tables);
	str rest = { (const char *)data, size }, target = str_cut(&rest, '\n'), authority, text;
	struct http_req rq = { .method = GET }, again = { .method = GET };

	if (request_target(a, target, &rq, &authority)) {
		assert(rq.path.n > 0 && rq.path.p[0] == '/');
		text = encode(a, &rq);
		assert(request_target(a, text, &again, &authority) && authority.n == 0);
		assert(same(&rq, &again));
		route_it(a, r, &rq);
	}
	cookies(a, rest);
	arena_free(&a);
	return 0;
}
