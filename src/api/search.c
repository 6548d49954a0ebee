/* search.c - /api/v2/search. */
#include "api/in.h"

#define TICKET_SHOWN "subject,description,tags,custom_fields,external_id"

/* "results":[...], and the access events for what is in it. */
static enum err
results(struct json *jp, struct ctx *cx, const char *base, struct http_reply *rp, const struct found *f, int n)
{
	struct json j = *jp;
	int64_t *tickets, *users, *orgs;
	int nt = 0, nu = 0, no = 0;

	tickets = NEW(cx->arena, int64_t, n + 1);
	users = NEW(cx->arena, int64_t, n + 1);
	orgs = NEW(cx->arena, int64_t, n + 1);
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
	*jp = j;
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
search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *query = http_query(rq, "query"), *by = http_query(rq, "sort_by");
	struct search_page sp = { .ascending = api_query_is(rq, "sort_order", "asc") };
	struct paging p;
	struct found *f;
	struct json j;
	int64_t total;
	int n;

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
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(results(&j, cx, z_of(cx, api_base(cx, rq)), rp, f, n));
	api_page_end(&j, cx, rq, &p, n, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
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
