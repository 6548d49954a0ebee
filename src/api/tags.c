/* tags.c - /api/v2/tags, autocomplete/tags, and the tags of users and
 * organizations (a ticket's are in tickets.c). POST sets, PUT adds, DELETE
 * removes. */
#include <stdlib.h>

#include "api/in.h"

static enum err
tags_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct paging *p, const struct tag *t, int n,
    bool more, int64_t total)
{
	int64_t *ids = NEW(cx->arena, int64_t, n + 1);
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tags");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		ids[i] = t[i].id;
		jw_obj(&j);
		jw_kstr(&j, "name", reveal(cx, t[i].name, TO_SHOW_ACTOR));
		jw_kint(&j, "count", t[i].n);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, p, n, more, n ? (struct place){ t[0].n, t[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ t[n - 1].n, t[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return n ? trail_look(cx, "tag", ids, n, "name") : OK;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "count", NULL };
	struct paging p;
	struct tag *t;
	int64_t total = 0;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(tag_list(cx, p.after, p.before, p.value, p.id, p.offset, p.limit + (p.cursor ? 1 : 0), &t, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			t++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(tag_total(cx, &total));
	return tags_reply(cx, rq, rp, &p, t, n, p.before ? true : more, total);
}

static enum err
count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t n;

	(void)rq;
	TRY(tag_total(cx, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
complete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *q = http_query(rq, "name");
	str name = q ? *q : S("");
	const json_t *obj;
	int64_t *ids;
	struct tag *t;
	struct json j;
	int n;

	if (rq->method == POST && rq->body.n) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		name = json_text(cx, json_object_get(obj, "name"));
	}
	if (utf8_count(str_trim(name)) < 2)
		return api_error(rp, 400, "InvalidValue", "Parameter name must have at least 2 characters");
	TRY(tag_complete(cx, name, 15, &t, &n));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tags");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		ids[i] = t[i].id;
		jw_str(&j, reveal(cx, t[i].name, TO_SHOW_ACTOR));
	}
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_end_obj(&j);
	return n ? trail_look(cx, "tag", ids, n, "name") : OK;
}

/* ---- of users and organizations ------------------------------------------------------------------------------------ */

static enum err
names_reply(struct ctx *cx, struct http_reply *rp, int status, const char *object, int64_t id, sensitive tags)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_kraw(&j, "tags", tags.hidden.n ? reveal(cx, tags, TO_SHOW_ACTOR) : S("[]"));
	jw_end_obj(&j);
	return trail_look(cx, object, &id, 1, "tags");
}

static enum err
user_tags(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;

	TRY(user_get(cx, rq->param[0], &u));
	return names_reply(cx, rp, 200, "user", u.id, u.tags);
}

static enum err
org_tags(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization o;

	TRY(org_get(cx, rq->param[0], &o));
	return names_reply(cx, rp, 200, "organization", o.id, o.tags);
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const str *)a, *(const str *)b);
}

/* What the tags are after this request. */
static sensitive
tags_after(struct ctx *cx, enum http_method method, sensitive now, const json_t *given)
{
	json_t *old = json_loadb(now.hidden.n ? now.hidden.p : "[]", now.hidden.n ? now.hidden.n : 2, JSON_ALLOW_NUL, NULL), *w;
	str *all = NEW(cx->arena, str, json_array_size(old) + 5200);
	struct json j;
	struct buf b;
	size_t i;
	int n = 0;

	if (method != POST)
		json_array_foreach(old, i, w)
			if (n < 5000)
				all[n++] = json_text(cx, w);
	json_decref(old);
	json_array_foreach((json_t *)(uintptr_t)given, i, w) {
		str rest = tag_lower(cx, json_text(cx, w));
		while (rest.n) {
			str one = tag_cut(&rest);
			int k;
			if (one.n == 0)
				continue;
			for (k = 0; k < n && !str_eq(all[k], one); k++)
				;
			if (method == DELETE && k < n)
				all[k] = all[--n];
			else if (method != DELETE && k == n && n < 5100)
				all[n++] = one;
		}
	}
	qsort(all, (size_t)n, sizeof *all, by_bytes);
	buf_init(&b, cx->arena, 1 * MiB);
	jw_init(&j, &b);
	jw_arr(&j);
	for (int k = 0; k < n; k++)
		jw_str(&j, all[k]);
	jw_end_arr(&j);
	return HIDE(buf_str(&b));
}

sensitive
tags_clean(struct ctx *cx, const json_t *given)
{
	return tags_after(cx, POST, HIDE(S("[]")), given);
}

struct tagging { int64_t id; enum http_method method; const json_t *given; usec stamp; bool safe; sensitive after; };

static enum err
stale(struct ctx *cx, const struct tagging *t, usec updated_at)
{
	if (t->safe && time_unix(t->stamp) != time_unix(updated_at))
		return fail(cx, E_CONFLICT, "updated_stamp", "Safe Update prevented the update due to outdated data."
		    " Please fetch the latest data and try again.");
	return OK;
}

static enum err
user_tx(struct ctx *cx, void *arg)
{
	struct tagging *t = arg;
	struct user_change ch = { .has = USER_TAGS };
	struct user u;

	TRY(user_get(cx, t->id, &u));
	TRY(stale(cx, t, u.updated_at));
	ch.u.tags = tags_after(cx, t->method, u.tags, t->given);
	TRY(user_update(cx, t->id, &ch, &u));
	t->after = u.tags;
	return OK;
}

static enum err
org_tx(struct ctx *cx, void *arg)
{
	struct tagging *t = arg;
	struct organization o, in = { 0 };

	TRY(org_get(cx, t->id, &o));
	TRY(stale(cx, t, o.updated_at));
	in.tags = tags_after(cx, t->method, o.tags, t->given);
	TRY(org_update(cx, t->id, ORG_TAGS, &in, &o));
	t->after = o.tags;
	return OK;
}

bool
api_tags_body(struct ctx *cx, const struct http_req *rq, const json_t *obj, const json_t **out, usec *stamp, bool *safe)
{
	const str *q = http_query(rq, "tags");
	const json_t *v = json_object_get(obj, "tags");
	json_t *w, *made;
	size_t i;

	if (v == NULL && rq->method == DELETE && q != NULL) {
		str rest = *q;
		made = json_array();
		arena_defer(cx->arena, (void (*)(void *))json_decref, made);
		while (rest.n) {
			str one = str_cut(&rest, ',');
			json_array_append_new(made, json_stringn(one.p, one.n));
		}
		v = made;
	}
	if (json_is_string(v)) {
		made = json_array();
		arena_defer(cx->arena, (void (*)(void *))json_decref, made);
		json_array_append(made, (json_t *)(uintptr_t)v);
		v = made;
	}
	if (v == NULL)
		bad(cx, "tags", "BlankValue", "Tags: is required");
	else if (!json_is_array(v) || json_array_size(v) > 1000)
		bad(cx, "tags", "InvalidValue", "Tags: must be an array of at most 1000 strings");
	else
		json_array_foreach(v, i, w)
			if (!json_is_string(w) || json_string_length(w) > 255) {
				bad(cx, "tags", "InvalidValue", "Tags: must be an array of strings of at most 255 bytes");
				break;
			}
	*out = v;
	v = json_object_get(obj, "safe_update");
	*safe = json_is_true(v) || str_eq(json_text(cx, v), S("true"));
	if (*safe && !time_parse(json_text(cx, json_object_get(obj, "updated_stamp")), stamp))
		bad(cx, "updated_stamp", "InvalidValue", "Updated stamp: must be updated_at as last seen");
	return cx->bad == NULL;
}

static enum err
change(struct ctx *cx, struct http_req *rq, struct http_reply *rp, bool user)
{
	struct tagging t = { .id = rq->param[0], .method = rq->method };
	const json_t *obj = NULL;
	struct organization o;
	struct user u;

	if (rq->body.n || rq->method != DELETE) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
	}
	TRY(user ? user_get(cx, t.id, &u) : org_get(cx, t.id, &o));
	if (!api_tags_body(cx, rq, obj, &t.given, &t.stamp, &t.safe))
		return bad_check(cx);
	TRY(store_write(cx, user ? user_tx : org_tx, &t));
	return names_reply(cx, rp, rq->method == POST ? 201 : 200, user ? "user" : "organization", t.id, t.after);
}

static enum err
user_change(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return change(cx, rq, rp, true);
}

static enum err
org_change(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return change(cx, rq, rp, false);
}

const struct route tag_routes[] = {
	{ GET,    "/api/v2/tags",                    MAY_READ_TICKET, 0,        list,        0 },
	{ GET,    "/api/v2/tags/count",              MAY_READ_TICKET, 0,        count,       0 },
	{ GET,    "/api/v2/autocomplete/tags",       MAY_READ_TICKET, 0,        complete,    0 },
	{ POST,   "/api/v2/autocomplete/tags",       MAY_READ_TICKET, 64 * KiB, complete,    0 },
	{ GET,    "/api/v2/users/{id}/tags",         MAY_LIST_USERS,  0,        user_tags,   0 },
	{ POST,   "/api/v2/users/{id}/tags",         MAY_WRITE_USER,  64 * KiB, user_change, 0 },
	{ PUT,    "/api/v2/users/{id}/tags",         MAY_WRITE_USER,  64 * KiB, user_change, 0 },
	{ DELETE, "/api/v2/users/{id}/tags",         MAY_WRITE_USER,  64 * KiB, user_change, 0 },
	{ GET,    "/api/v2/organizations/{id}/tags", MAY_READ_ORGS,   0,        org_tags,    0 },
	{ POST,   "/api/v2/organizations/{id}/tags", MAY_WRITE_ORGS,  64 * KiB, org_change,  0 },
	{ PUT,    "/api/v2/organizations/{id}/tags", MAY_WRITE_ORGS,  64 * KiB, org_change,  0 },
	{ DELETE, "/api/v2/organizations/{id}/tags", MAY_WRITE_ORGS,  64 * KiB, org_change,  0 },
	{ 0 }
};
