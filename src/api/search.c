/* search.c - /api/v2/search, and the incremental exports. */
#include "api/in.h"

#define TICKET_SHOWN "subject,description,tags,custom_fields,external_id"

static enum err
search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	const str *query = http_query(rq, "query"), *by = http_query(rq, "sort_by");
	struct search_page sp = { .ascending = api_query_is(rq, "sort_order", "asc") };
	struct paging p;
	struct found *f;
	struct json j;
	int64_t total, *tickets, *users, *orgs;
	int n, nt = 0, nu = 0, no = 0;

	if (query == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter query is required");
	if (!api_paging(cx, rq, rp, NULL, 0, 100, &p))
		return OK;
	if (p.cursor)
		return api_error(rp, 400, "InvalidParameter", "page must be an integer");
	if (p.offset + p.limit > 1000)
		return api_error(rp, 422, "invalid", "Requested response size was greater than Search Response Limits");
	sp.query = *query;
	sp.sort_by = by ? *by : S("");
	sp.offset = p.offset;
	sp.limit = p.limit;
	TRY(search_run(cx, &sp, &f, &n, &total));
	tickets = NEW(cx->arena, int64_t, n + 1);
	users = NEW(cx->arena, int64_t, n + 1);
	orgs = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "results");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		size_t at = rp->body.n;
		enum err e = OK;
		if (f[i].type == FOUND_TICKET) {
			struct ticket t;
			if ((e = ticket_get(cx, f[i].id, &t)) == OK) {
				json_ticket(&j, cx, base, &t, false);
				tickets[nt++] = t.id;
			}
		} else if (f[i].type == FOUND_USER) {
			struct user u;
			if ((e = user_get(cx, f[i].id, &u)) == OK) {
				json_user(&j, cx, base, &u);
				users[nu++] = u.id;
			}
		} else if (f[i].type == FOUND_ORG) {
			struct organization o;
			if ((e = org_get(cx, f[i].id, &o)) == OK) {
				json_org(&j, cx, base, &o);
				orgs[no++] = o.id;
			}
		} else {
			struct group g;
			if ((e = group_get(cx, f[i].id, &g)) == OK)
				json_group(&j, cx, base, &g);
		}
		if (e == E_ABSENT || e == E_DENIED) {
			fail_clear(cx);
			continue;
		}
		TRY(e);
		if (rp->body.n > at) {
			rp->body.n--;           /* reopen the object */
			jw_kz(&j, "result_type", f[i].type == FOUND_TICKET ? "ticket" : f[i].type == FOUND_USER ? "user"
			    : f[i].type == FOUND_ORG ? "organization" : "group");
			jw_end_obj(&j);
		}
	}
	jw_end_arr(&j);
	jw_knull(&j, "facets");
	api_page_end(&j, cx, rq, &p, n, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	if (nt)
		TRY(trail_look(cx, "ticket", tickets, nt, TICKET_SHOWN));
	if (nu)
		TRY(trail_look(cx, "user", users, nu, "name,email,phone"));
	if (no)
		TRY(trail_look(cx, "organization", orgs, no, "name"));
	return OK;
}

static enum err
search_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *query = http_query(rq, "query");
	struct search_page sp = { .limit = 1 };
	struct found *f;
	struct json j;
	int64_t total;
	int n;

	if (query == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter query is required");
	sp.query = *query;
	TRY(search_run(cx, &sp, &f, &n, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "count", total);
	jw_end_obj(&j);
	return OK;
}

const struct route search_routes[] = {
	{ GET, "/api/v2/search",       MAY_SEARCH, 0, search,       0 },
	{ GET, "/api/v2/search/count", MAY_SEARCH, 0, search_count, 0 },
	{ 0 }
};

/* ---- incremental exports --------------------------------------------------------------------------------------- */

/* Where to begin: a cursor, or start_time in unix seconds. False: an error is in rp. */
static bool
begin_at(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int64_t *at, int64_t *id, int *limit)
{
	const str *cursor = http_query(rq, "cursor"), *start = http_query(rq, "start_time"), *per = http_query(rq, "per_page");
	int64_t n;
	char kind;

	*limit = 1000;
	if (per != NULL) {
		if (!str_int(*per, &n) || n < 1) {
			(void)!api_error(rp, 400, "InvalidParameter", "per_page must be a positive integer");
			return false;
		}
		*limit = (int)(n > 1000 ? 1000 : n);
	}
	if (cursor != NULL) {
		if (!cursor_read(cx, *cursor, &kind, at, id) || kind != 'x') {
			(void)!api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "the cursor is not valid");
			return false;
		}
		return true;
	}
	if (start == NULL || !str_int(*start, &n) || n < 0 || n > (int64_t)1 << 40) {
		(void)!api_error(rp, 400, "ParameterMissing", "Parameter start_time is required: seconds since 1970 (UTC)");
		return false;
	}
	if (n * SECOND > cx->now - 60 * SECOND) {
		(void)!api_error(rp, 400, "InvalidValue", "Parameter start_time must be at least 60 seconds in the past");
		return false;
	}
	*at = n * SECOND;
	*id = 0;
	return true;
}

static void
cursor_end(struct json *j, struct ctx *cx, const struct http_req *rq, const char *path, int limit, int n, int64_t at, int64_t id)
{
	str c = cursor_make(cx, 'x', at, id);

	jw_kstr(j, "after_cursor", c);
	jw_kstr(j, "after_url", str_printf(cx->arena, STR_F "%s?cursor=" STR_F "&per_page=%d", STR_A(api_base(cx, rq)), path,
	    STR_A(c), limit));
	jw_knull(j, "before_cursor");
	jw_knull(j, "before_url");
	jw_kbool(j, "end_of_stream", n < limit);
}

static enum err
tickets_cursor(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct ticket *t;
	struct json j;
	int64_t at, id, *ids;
	int limit, n;

	if (!begin_at(cx, rq, rp, &at, &id, &limit))
		return OK;
	TRY(ticket_changed(cx, at, id, limit, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tickets");
	jw_arr(&j);
	ids = NEW(cx->arena, int64_t, 3 * n + 1);
	for (int i = 0; i < n; i++) {
		json_ticket(&j, cx, base, &t[i], api_includes(rq, "comment_count"));
		ids[3 * i] = t[i].requester_id;
		ids[3 * i + 1] = t[i].submitter_id;
		ids[3 * i + 2] = t[i].assignee_id;
		at = t[i].generated_at;
		id = t[i].id;
	}
	jw_end_arr(&j);
	if (api_includes(rq, "users"))
		TRY(sideload_users(&j, cx, base, ids, 3 * n));
	cursor_end(&j, cx, rq, "/api/v2/incremental/tickets/cursor.json", limit, n, at, id);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, TICKET_SHOWN);
}

static enum err
users_cursor(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct user *u;
	struct json j;
	int64_t at, id, *ids;
	int limit, n;

	if (!begin_at(cx, rq, rp, &at, &id, &limit))
		return OK;
	TRY(user_changed(cx, at, id, limit, &u, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "users");
	jw_arr(&j);
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++) {
		json_user(&j, cx, base, &u[i]);
		ids[i] = u[i].id;
		at = u[i].updated_at;
		id = u[i].id;
	}
	jw_end_arr(&j);
	cursor_end(&j, cx, rq, "/api/v2/incremental/users/cursor.json", limit, n, at, id);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return n ? trail_look(cx, "user", ids, n, "name,email,phone,details,notes") : OK;
}

const struct route export_routes[] = {
	{ GET, "/api/v2/incremental/tickets/cursor", MAY_EXPORT, 0, tickets_cursor, 0 },
	{ GET, "/api/v2/incremental/users/cursor",   MAY_EXPORT, 0, users_cursor,   0 },
	{ 0 }
};
