/* search.c - /api/v2/search. */
#include "api/in.h"

#define TICKET_SHOWN "subject,description,tags,custom_fields,external_id"

/* "results":[...], and the access events for what is in it. */
static enum err
results(struct json *jp, struct ctx *cx, const struct http_req *rq, const char *base, struct http_reply *rp, const struct found *f, int n)
{
	struct ticket *shown = NEW(cx->arena, struct ticket, n + 1);
	struct json j = *jp;
	int64_t *tickets, *users, *orgs, *homes;
	int nt = 0, nu = 0, no = 0;

	tickets = NEW(cx->arena, int64_t, n + 1);
	users = NEW(cx->arena, int64_t, n + 1);
	homes = NEW(cx->arena, int64_t, n + 1);
	orgs = NEW(cx->arena, int64_t, n + 1);
	jw_key(&j, "results");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		size_t at = rp->body.n;
		enum err e = OK;
		if (f[i].type == FOUND_TICKET) {
			struct ticket t;
			if ((e = ticket_get(cx, f[i].id, &t)) == OK) {
				json_ticket(&j, cx, base, &t, api_includes(rq, "comment_count"));
				shown[nt] = t;
				tickets[nt++] = t.id;
			}
		} else if (f[i].type == FOUND_USER) {
			struct user u;
			if ((e = user_get(cx, f[i].id, &u)) == OK) {
				json_user(&j, cx, base, &u);
				homes[nu] = u.organization_id;
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
	if (nt)
		TRY(ticket_sideload(&j, cx, rq, base, shown, nt));
	else if (nu && api_includes(rq, "organizations"))
		TRY(sideload_orgs(&j, cx, base, homes, nu));
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
	TRY(results(&j, cx, rq, z_of(cx, api_base(cx, rq)), rp, f, n));
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

/* When a thing was made; what is gone meanwhile keeps the place of the one before. */
static enum err
made_at(struct ctx *cx, const struct found *f, usec *at)
{
	struct organization o;
	struct ticket t;
	struct group g;
	struct user u;
	enum err e;

	switch (f->type) {
	case FOUND_TICKET: e = ticket_get(cx, f->id, &t);  *at = e == OK ? t.created_at : *at; break;
	case FOUND_USER:   e = user_get(cx, f->id, &u);    *at = e == OK ? u.created_at : *at; break;
	case FOUND_ORG:    e = org_get(cx, f->id, &o);     *at = e == OK ? o.created_at : *at; break;
	default:           e = group_get(cx, f->id, &g);   *at = e == OK ? g.created_at : *at; break;
	}
	if (e == E_ABSENT || e == E_DENIED)
		fail_clear(cx);
	else
		TRY(e);
	return OK;
}

/* A type in the query that is not the filter's; zenpy gives the same one in both places. */
static bool
other_type(str query, str type)
{
	while (query.n) {
		str word = str_cut(&query, ' ');
		if (str_findi(word, S("type:")) == 0 && !str_eqi(str_sub(word, 5, word.n), type))
			return true;
	}
	return false;
}

/* All that is found, oldest first, to the end: a cursor names the second that
 * was reached and how many of it were given, so it goes on where it was
 * whatever was made or found since. */
static enum err
search_export(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const types[] = { "ticket", "user", "organization", "group", NULL };
	const str *query = http_query(rq, "query"), *type = http_query(rq, "filter[type]"), *size = http_query(rq, "page[size]"),
	    *after = http_query(rq, "page[after]");
	struct search_page sp = { .sort_by = S("created_at"), .ascending = true, .limit = 1001 };
	int64_t limit = 100, second = 0, skip = 0, total;
	struct found *f;
	struct json j;
	usec at = 0;
	str cursor, url;
	struct buf b;
	bool known = false;
	char kind;
	int n, take;

	if (query == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter query is required");
	for (int i = 0; types[i] != NULL && type != NULL; i++)
		known = known || str_eq(*type, str_of(types[i]));
	if (!known)
		return api_error(rp, 400, "ParameterMissing", "Parameter filter[type] is required: ticket, user, organization or group");
	if (other_type(*query, *type))
		return api_error(rp, 422, "invalid", "The type belongs into filter[type], not into the query");
	if (size != NULL && (!str_int(*size, &limit) || limit < 1 || limit > 1000))
		return api_error(rp, 400, "InvalidPaginationParameter", "page[size] must be from 1 to 1000");
	if (after != NULL && (!cursor_read(cx, *after, &kind, &second, &skip) || kind != 'e' || second < 0 || skip < 0))
		return api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "the cursor is not valid");
	sp.query = str_printf(cx->arena, STR_F " type:" STR_F, STR_A(*query), STR_A(*type));
	if (second)
		sp.query = str_printf(cx->arena, STR_F " created>=" STR_F, STR_A(sp.query), STR_A(time_iso(cx->arena, second * SECOND)));
	sp.offset = skip;
	sp.limit = (int)limit + 1;
	TRY(search_run(cx, &sp, &f, &n, &total));
	take = n > (int)limit ? (int)limit : n;
	at = second * SECOND;
	for (int i = 0; i < take; i++) {
		usec was = at;
		TRY(made_at(cx, &f[i], &at));
		if (time_unix(at) != time_unix(was))
			skip = 0;
		skip++;
	}
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(results(&j, cx, rq, z_of(cx, api_base(cx, rq)), rp, f, take));
	cursor = cursor_make(cx, 'e', time_unix(at), skip);
	jw_key(&j, "meta");
	jw_obj(&j);
	jw_kbool(&j, "has_more", n > take);
	jw_kstr(&j, "after_cursor", cursor);
	jw_knull(&j, "before_cursor");
	jw_end_obj(&j);
	buf_init(&b, cx->arena, 64 * KiB);
	buf_percent(&b, *query);
	url = str_printf(cx->arena, STR_F "/api/v2/search/export.json?query=" STR_F "&filter%%5Btype%%5D=" STR_F "&page%%5Bsize%%5D=%d&page%%5Bafter%%5D=" STR_F,
	    STR_A(api_base(cx, rq)), STR_A(buf_str(&b)), STR_A(*type), (int)limit, STR_A(cursor));
	jw_key(&j, "links");
	jw_obj(&j);
	if (n > take)
		jw_kstr(&j, "next", url);
	else
		jw_knull(&j, "next");
	jw_knull(&j, "prev");
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

const struct route search_routes[] = {
	{ GET, "/api/v2/search/export", MAY_SEARCH, 0, search_export, 0 },
	{ GET, "/api/v2/search",       MAY_SEARCH, 0, search,       0 },
	{ GET, "/api/v2/search/count", MAY_SEARCH, 0, search_count, 0 },
	{ 0 }
};
