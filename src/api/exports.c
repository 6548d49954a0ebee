/* exports.c - /api/v2/incremental: what changed since, page by page to the end.
 *
 * Tickets come by generated_at, which the writer gives out strictly ascending,
 * so that none is missed however long its transaction took. A cursor names the
 * last one seen. A time-based page ends with whole seconds: its end_time is
 * the next start_time, and the records of that second come again (clients
 * expect doubles there); next_page carries the exact place besides, so who
 * follows it sees none twice. Events are ordered by the moment they were asked
 * for, which may be a little before they are seen: the end_time of the last
 * page stays a minute back.
 */
#include "api/in.h"

#define TICKET_SHOWN "subject,description,tags,custom_fields,external_id"
#define USER_SHOWN "name,email,phone,details,notes"
enum { PAGE_MAX = 1000, SAMPLE = 50, SECOND_MAX = 20000, SEEN = 32 };

struct export {
	usec    at;                  /* after this place */
	int64_t id;
	usec    start;               /* what start_time said; 0 with a cursor */
	int     limit;
	bool    no_deleted, counted, users, groups, orgs, any_start;
};

/* Seconds since 1970; with a fraction, as clients print a float, or a time in ISO 8601. */
static bool
start_read(str s, int64_t *n, bool *iso)
{
	str whole = s, part;
	usec t;

	*iso = false;
	if (str_find(s, S("-")) != SIZE_MAX && time_parse(s, &t)) {
		*n = time_unix(t);
		*iso = true;
		return *n >= 0;
	}
	part = str_cut(&whole, '.');
	for (size_t i = 0; i < whole.n; i++)
		if (whole.p[i] < '0' || whole.p[i] > '9')
			return false;
	return str_int(part, n) && *n >= 0 && *n <= (int64_t)1 << 40;
}

/* Where to begin: a cursor, or start_time in unix seconds. False: an error is in rp. */
static bool
begin_at(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, struct export *x)
{
	const str *cursor = http_query(rq, "cursor"), *start = http_query(rq, "start_time"), *per = http_query(rq, "per_page"),
	    *after = http_query(rq, "after");
	int64_t n;
	bool any = x->any_start, iso;
	char kind;

	*x = (struct export){ .limit = PAGE_MAX, .no_deleted = api_query_is(rq, "exclude_deleted", "true"),
	    .counted = api_includes(rq, "comment_count"),
	    .users = api_includes(rq, "users"), .groups = api_includes(rq, "groups"), .orgs = api_includes(rq, "organizations") };
	if (per != NULL) {
		if (!str_int(*per, &n) || n < 1) {
			(void)!api_error(rp, 400, "InvalidParameter", "per_page must be a positive integer");
			return false;
		}
		x->limit = (int)(n > PAGE_MAX ? PAGE_MAX : n);
	}
	if (cursor != NULL && cursor->n) {          /* node-zendesk names it empty on the first page */
		if (!cursor_read(cx, *cursor, &kind, &x->at, &x->id) || kind != 'x') {
			(void)!api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "the cursor is not valid");
			return false;
		}
		return true;
	}
	if (start == NULL || !start_read(*start, &n, &iso)) {
		(void)!api_error(rp, 400, "ParameterMissing", "Parameter start_time is required: seconds since 1970 (UTC)");
		return false;
	}
	x->start = n * SECOND;
	/* A next_page of ours: the exact place in that second. */
	if (after != NULL && cursor_read(cx, *after, &kind, &x->at, &x->id) && kind == 'x' && time_unix(x->at) == n)
		return true;
	/* tap-zendesk asks from this moment on to see whether it may: with an ISO time, or for metric events. */
	if ((iso || any) && x->start > cx->now - 60 * SECOND)
		x->start = time_unix(cx->now - 60 * SECOND) * SECOND;
	if (x->start > cx->now - 60 * SECOND) {
		(void)!api_error(rp, 400, "InvalidValue", "Parameter start_time must be at least 60 seconds in the past");
		return false;
	}
	x->at = x->start - 1;                /* the second itself belongs to it */
	x->id = INT64_MAX;
	return true;
}

/* The request's other parameters, for the next page. */
static str
others(struct ctx *cx, const struct http_req *rq)
{
	static const char *const ours[] = { "start_time", "after", "cursor", "per_page", "access_token" };
	struct buf b;

	buf_init(&b, cx->arena, 64 * KiB);
	for (int i = 0; i < rq->query_count; i++) {
		bool skip = false;
		for (size_t k = 0; k < COUNT(ours); k++)
			skip = skip || str_eq(rq->query[i].name, str_of(ours[k]));
		if (skip)
			continue;
		buf_byte(&b, '&');
		buf_percent(&b, rq->query[i].name);
		buf_byte(&b, '=');
		buf_percent(&b, rq->query[i].value);
	}
	return buf_str(&b);
}

static void
cursor_end(struct json *j, struct ctx *cx, const struct http_req *rq, const struct export *x, const char *path, bool end)
{
	str c = cursor_make(cx, 'x', x->at, x->id);

	jw_kstr(j, "after_cursor", c);
	jw_kstr(j, "after_url", str_printf(cx->arena, STR_F "%s?cursor=" STR_F "&per_page=%d" STR_F, STR_A(api_base(cx, rq)), path,
	    STR_A(c), x->limit, STR_A(others(cx, rq))));
	jw_knull(j, "before_cursor");
	jw_knull(j, "before_url");
	jw_kbool(j, "end_of_stream", end);
}

static void
time_end(struct json *j, struct ctx *cx, const struct http_req *rq, const struct export *x, const char *path, int n, bool end, bool late)
{
	usec at = x->at > x->start ? x->at : x->start, told = at;
	str c = cursor_make(cx, 'x', x->at, x->id);

	/* The end is at least a minute back: it is the next start_time of who keeps it. What is asked for now may also
	 * still be on its way into the order (`late`), then next_page begins there, too. */
	if (end && at > cx->now - 60 * SECOND)
		told = cx->now - 60 * SECOND;
	if (late)
		at = told;
	jw_kint(j, "count", n);
	jw_kbool(j, "end_of_stream", end);
	jw_kint(j, "end_time", time_unix(told));
	if (end && n == 0)
		jw_knull(j, "next_page");
	else {
		str exact = end && late ? S("") : str_printf(cx->arena, "&after=" STR_F, STR_A(c));
		jw_kstr(j, "next_page", str_printf(cx->arena, STR_F "%s?start_time=%lld" STR_F "&per_page=%d" STR_F, STR_A(api_base(cx, rq)), path,
		    (long long)time_unix(at), STR_A(exact), x->limit, STR_A(others(cx, rq))));
	}
}

/* ---- tickets ---------------------------------------------------------------------------------------------------------- */

static enum err
tickets_of(struct json *j, struct ctx *cx, const char *base, struct export *x, struct ticket *t, int n)
{
	int64_t *people = NEW(cx->arena, int64_t, 3 * n + 1), *groups = NEW(cx->arena, int64_t, n + 1), *orgs = NEW(cx->arena, int64_t, n + 1);
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	int kept = 0;
	size_t before = j->b->n;

	jw_key(j, "tickets");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		if (kept == SEEN)            /* the others will be about as long */
			buf_expect(j->b, (j->b->n - before) / SEEN * (size_t)(n - i) * 17 / 16);
		x->at = t[i].generated_at;
		x->id = t[i].id;
		if (x->no_deleted && t[i].deleted_at)
			continue;
		json_ticket_in(scratch, j, cx, base, &t[i], x->counted);
		people[3 * kept] = t[i].requester_id;
		people[3 * kept + 1] = t[i].submitter_id;
		people[3 * kept + 2] = t[i].assignee_id;
		groups[kept] = t[i].group_id;
		orgs[kept] = t[i].organization_id;
		t[kept++] = t[i];
	}
	jw_end_arr(j);
	if (x->users)
		TRY(sideload_users(j, cx, base, people, 3 * kept));
	if (x->groups)
		TRY(sideload_groups(j, cx, base, groups, kept));
	if (x->orgs)
		TRY(sideload_orgs(j, cx, base, orgs, kept));
	cx->looked = cx->looked || kept == 0;
	return kept ? look_tickets(cx, t, kept, TICKET_SHOWN) : OK;
}

static enum err
tickets_cursor(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct export x = { 0 };
	struct ticket *t;
	struct json j;
	int n;

	if (!begin_at(cx, rq, rp, &x))
		return OK;
	TRY(ticket_changed(cx, x.at, x.id, x.limit, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(tickets_of(&j, cx, z_of(cx, api_base(cx, rq)), &x, t, n));
	cursor_end(&j, cx, rq, &x, "/api/v2/incremental/tickets/cursor.json", n < x.limit);
	jw_end_obj(&j);
	return OK;
}

static enum err
tickets_time(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct export x = { 0 };
	struct ticket *t;
	struct json j;
	int n;

	if (!begin_at(cx, rq, rp, &x))
		return OK;
	TRY(ticket_changed(cx, x.at, x.id, x.limit, &t, &n));
	/* Who builds the next start_time from end_time must come further: a page is never of one second alone, unless it is all. */
	if (n == x.limit && x.id == INT64_MAX && time_unix(t[n - 1].generated_at) == time_unix(x.start))
		TRY(ticket_changed(cx, x.at, x.id, SECOND_MAX, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(tickets_of(&j, cx, z_of(cx, api_base(cx, rq)), &x, t, n));
	time_end(&j, cx, rq, &x, "/api/v2/incremental/tickets.json", n, n < x.limit, false);
	jw_end_obj(&j);
	return OK;
}

/* ---- users, organizations ----------------------------------------------------------------------------------------------- */

static enum err
users_of(struct json *j, struct ctx *cx, const char *base, struct export *x, const struct user *u, int n)
{
	int64_t *ids = NEW(cx->arena, int64_t, n + 1);
	int kept = 0;

	jw_key(j, "users");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		x->at = u[i].updated_at;
		x->id = u[i].id;
		if (x->no_deleted && !u[i].active)
			continue;
		json_user(j, cx, base, &u[i]);
		ids[kept++] = u[i].id;
	}
	jw_end_arr(j);
	cx->looked = cx->looked || kept == 0;
	return kept ? trail_look(cx, "user", ids, kept, USER_SHOWN) : OK;
}

static enum err
users_cursor(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct export x = { 0 };
	struct user *u;
	struct json j;
	int n;

	if (!begin_at(cx, rq, rp, &x))
		return OK;
	TRY(user_changed(cx, x.at, x.id, x.limit, &u, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(users_of(&j, cx, z_of(cx, api_base(cx, rq)), &x, u, n));
	cursor_end(&j, cx, rq, &x, "/api/v2/incremental/users/cursor.json", n < x.limit);
	jw_end_obj(&j);
	return OK;
}

static enum err
users_time(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct export x = { 0 };
	struct user *u;
	struct json j;
	int n;

	if (!begin_at(cx, rq, rp, &x))
		return OK;
	TRY(user_changed(cx, x.at, x.id, x.limit, &u, &n));
	if (n == x.limit && x.id == INT64_MAX && time_unix(u[n - 1].updated_at) == time_unix(x.start))
		TRY(user_changed(cx, x.at, x.id, SECOND_MAX, &u, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(users_of(&j, cx, z_of(cx, api_base(cx, rq)), &x, u, n));
	time_end(&j, cx, rq, &x, "/api/v2/incremental/users.json", n, n < x.limit, true);
	jw_end_obj(&j);
	return OK;
}

static enum err
orgs_time(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct organization *o;
	struct export x = { 0 };
	struct json j;
	int64_t *ids;
	int n;

	if (!begin_at(cx, rq, rp, &x))
		return OK;
	TRY(org_changed(cx, x.at, x.id, x.limit, &o, &n));
	if (n == x.limit && x.id == INT64_MAX && time_unix(o[n - 1].updated_at) == time_unix(x.start))
		TRY(org_changed(cx, x.at, x.id, SECOND_MAX, &o, &n));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organizations");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_org(&j, cx, base, &o[i]);
		ids[i] = o[i].id;
		x.at = o[i].updated_at;
		x.id = o[i].id;
	}
	jw_end_arr(&j);
	time_end(&j, cx, rq, &x, "/api/v2/incremental/organizations.json", n, n < x.limit, true);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return n ? trail_look(cx, "organization", ids, n, "name,details,notes") : OK;
}

/* ---- events of tickets ------------------------------------------------------------------------------------------------------ */

/* One child per field that changed; a comment's text only when it was asked for. */
static void
json_event(struct json *j, struct ctx *cx, const struct audit *a, bool comments)
{
	const struct comment *c = &a->comment;

	jw_obj(j);
	jw_kint(j, "id", a->id);
	jw_kint(j, "ticket_id", a->ticket_id);
	jw_kint(j, "timestamp", time_unix(a->created_at));
	jw_ktime(j, "created_at", a->created_at);
	jw_kid(j, "updater_id", a->author_id);
	jw_kstr(j, "via", channel_shown(a->channel));
	jw_kraw(j, "system", S("{}"));
	jw_kraw(j, "metadata", S("{}"));
	jw_kz(j, "event_type", "Audit");
	if (!actor_sees_phi(cx->actor))
		desk_about(cx, a->ticket_id);
	jw_key(j, "child_events");
	jw_arr(j);
	for (int i = 0; i < a->event_count; i++) {
		const struct audit_event *e = &a->event[i];
		int64_t field;
		if (e->field.n && e->field.p[0] >= '0' && e->field.p[0] <= '9' && str_int(e->field, &field) && !field_readable(cx, field))
			continue;
		jw_obj(j);
		jw_kint(j, "id", e->id);
		jw_kstr(j, "via", channel_shown(a->channel));
		jw_knull(j, "via_reference_id");
		jw_kstr(j, "event_type", e->type);
		if (json_people_change(j, cx, e))
			;
		else if (e->field.n == 0) {
			str v = reveal(cx, e->value, TO_SHOW_ACTOR);
			if (v.n > 2)
				jw_raw(j, str_sub(v, 1, v.n - 2));
		} else {
			bool custom = e->field.p[0] >= '0' && e->field.p[0] <= '9';
			if (custom) {
				jw_key(j, "custom_ticket_fields");
				jw_obj(j);
			}
			jw_key_str(j, e->field);
			jw_raw(j, e->value.hidden.n ? reveal(cx, e->value, TO_SHOW_ACTOR) : S("null"));
			if (custom)
				jw_end_obj(j);
			if (str_eq(e->type, S("Change"))) {
				jw_key(j, "previous_value");
				jw_raw(j, e->previous.hidden.n ? reveal(cx, e->previous, TO_SHOW_ACTOR) : S("null"));
			}
		}
		jw_end_obj(j);
	}
	if (a->comment_id != 0) {
		jw_obj(j);
		jw_kint(j, "id", c->id);
		jw_kstr(j, "via", channel_shown(a->channel));
		jw_knull(j, "via_reference_id");
		jw_kbool(j, "comment_present", true);
		jw_kbool(j, "comment_public", c->is_public);
		jw_kz(j, "event_type", "Comment");
		if (comments) {
			jw_kid(j, "author_id", c->author_id);
			jw_kbool(j, "public", c->is_public);
			jw_kstr(j, "body", reveal(cx, c->body, TO_SHOW_ACTOR));
			jw_kint(j, "audit_id", a->id);
		}
		jw_end_obj(j);
	}
	jw_end_arr(j);
	jw_end_obj(j);
}

static enum err
events_time(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct audit *a;
	struct export x = { 0 };
	struct json j;
	int64_t *ids;
	int n;

	if (!begin_at(cx, rq, rp, &x))
		return OK;
	TRY(audit_since(cx, x.at, x.id, x.limit, &a, &n));
	if (n == x.limit && x.id == INT64_MAX && time_unix(a[n - 1].created_at) == time_unix(x.start))
		TRY(audit_since(cx, x.at, x.id, SECOND_MAX, &a, &n));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket_events");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_event(&j, cx, &a[i], api_includes(rq, "comment_events"));
		ids[i] = a[i].ticket_id;
		x.at = a[i].created_at;
		x.id = a[i].id;
	}
	jw_end_arr(&j);
	time_end(&j, cx, rq, &x, "/api/v2/incremental/ticket_events.json", n, n < x.limit, true);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	n = ids_unique(ids, n);
	return n ? trail_look(cx, "ticket", ids, n, "audits") : OK;
}

/* ---- metric events ------------------------------------------------------------------------------------------------------ */

static void
json_metric_event(struct json *j, struct ctx *cx, const struct metric_event *e)
{
	jw_obj(j);
	jw_kint(j, "id", e->id);
	jw_kint(j, "ticket_id", e->ticket_id);
	jw_kz(j, "metric", e->metric);
	jw_kint(j, "instance_id", e->instance);
	jw_kz(j, "type", e->type);
	jw_ktime(j, "time", e->at);
	if (e->has_spent) {
		jw_key(j, "status");
		jw_obj(j);
		jw_kint(j, "calendar", e->spent / (60 * SECOND));
		jw_kint(j, "business", e->spent_b / (60 * SECOND));
		jw_end_obj(j);
	}
	if (e->policy_id) {
		str title = S("");
		const char *rel;
		jw_key(j, strcmp(e->type, "apply_group_sla") == 0 ? "group_sla" : "sla");
		jw_obj(j);
		jw_kint(j, "target", e->target / (60 * SECOND));
		jw_kint(j, "target_in_seconds", e->target / SECOND);
		jw_kbool(j, "business_hours", e->business);
		jw_key(j, "policy");
		jw_obj(j);
		jw_kint(j, "id", e->policy_id);
		if (rule_name(cx, e->policy_id, &title, &rel))
			jw_kstr(j, "title", title);
		else
			jw_knull(j, "title");
		jw_end_obj(j);
		jw_end_obj(j);
	}
	if (e->deleted || strcmp(e->type, "breach") == 0)
		jw_kbool(j, "deleted", e->deleted);
	jw_end_obj(j);
}

/* With page[size]: at most 100 events; the place is the ticket, and how many of its events were shown. */
static enum err
metric_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	struct export x = { .any_start = true };
	struct place first = { 0, 0 }, last = { 0, 0 };
	struct paging p;
	struct ticket *t;
	struct json j;
	int64_t ids[101];
	int n, events = 0, kept = 0;
	bool more = false;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p) || !begin_at(cx, rq, rp, &x))
		return OK;
	if (p.before)
		return api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "events are exported with page[after]");
	if (p.after) {
		x.at = p.value - ((p.id & 0xFFFFF) != 0);       /* that ticket again, without what was shown */
		x.id = (p.id & 0xFFFFF) != 0 ? INT64_MAX : p.id >> 20;
	}
	TRY(ticket_changed(cx, x.at, x.id, p.limit + 1, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket_metric_events");
	jw_arr(&j);
	for (int i = 0; i < n && !more; i++) {
		struct metric_event *e = NULL;
		int count = 0, from = 0;
		if (i == 0 && p.after && t[0].id == p.id >> 20 && t[0].generated_at == p.value)
			from = (int)(p.id & 0xFFFFF);
		if (!x.no_deleted || !t[i].deleted_at)
			TRY(ticket_metric_events(cx, &t[i], &e, &count));
		for (int k = from; k < count && !more; k++) {
			if (events == p.limit) {
				more = true;
				break;
			}
			json_metric_event(&j, cx, &e[k]);
			events++;
			last = (struct place){ t[i].generated_at, t[i].id << 20 | (k + 1 < count ? k + 1 : 0) };
			first = events == 1 ? last : first;
			if (kept == 0 || ids[kept - 1] != t[i].id)
				ids[kept++] = t[i].id;
		}
	}
	more = more || n > p.limit;
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, events, more, first, last, 0);
	jw_end_obj(&j);
	cx->looked = cx->looked || kept == 0;
	return kept ? trail_look(cx, "ticket", ids, ids_unique(ids, kept), "metrics") : OK;
}

/* Where the whole export began, which the pages behind the first say as since=; that is put into the request, so that the next
 * page's address has it. */
static usec
begun(struct ctx *cx, struct http_req *rq, usec start)
{
	struct http_param *q = NEW(cx->arena, struct http_param, rq->query_count + 1);
	const str *since = http_query(rq, "since");
	int64_t n = time_unix(start);
	int k = 0;

	if (http_query(rq, "after") != NULL && since != NULL && (since->n > 12 || !str_int(*since, &n) || n < 0))
		n = time_unix(start);
	for (int i = 0; i < rq->query_count; i++)
		if (!str_eq(rq->query[i].name, S("since")))
			q[k++] = rq->query[i];
	q[k++] = (struct http_param){ S("since"), str_printf(cx->arena, "%lld", (long long)n) };
	rq->query = q;
	rq->query_count = k;
	return n * SECOND;
}

/* By the tickets that changed, all events of each: those that were given before have their numbers again. Behind the last of
 * them: what was missed while nothing else happened. */
static enum err
metric_events(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct export x = { .any_start = true };
	struct metric_event *e;
	struct ticket *t, *idle;
	int n, kept = 0, events = 0, count, idles = 0;
	struct json j;
	int64_t *ids;
	usec from;

	if (http_query(rq, "page[size]") != NULL || http_query(rq, "page[after]") != NULL)
		return metric_page(cx, rq, rp);
	if (!begin_at(cx, rq, rp, &x))
		return OK;
	from = begun(cx, rq, x.start);
	TRY(ticket_changed(cx, x.at, x.id, x.limit, &t, &n));
	if (n < x.limit)
		TRY(ticket_idle_breaches(cx, from, x.limit, &idle, &idles));
	ids = NEW(cx->arena, int64_t, n + idles + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket_metric_events");
	jw_arr(&j);
	for (int i = 0; i < n + idles; i++) {
		const struct ticket *one = i < n ? &t[i] : &idle[i - n];
		if (i < n) {
			x.at = one->generated_at;
			x.id = one->id;
		}
		if (x.no_deleted && one->deleted_at)
			continue;
		TRY(ticket_metric_events(cx, one, &e, &count));
		for (int k = 0; k < count; k++)
			if (i < n || (strcmp(e[k].type, "breach") == 0 && e[k].at >= from)) {
				json_metric_event(&j, cx, &e[k]);
				events++;
			}
		ids[kept++] = one->id;
	}
	jw_end_arr(&j);
	time_end(&j, cx, rq, &x, "/api/v2/incremental/ticket_metric_events.json", events, n < x.limit, false);
	jw_end_obj(&j);
	cx->looked = cx->looked || kept == 0;
	return kept ? trail_look(cx, "ticket", ids, ids_unique(ids, kept), "metrics") : OK;
}

/* One small page of a resource, to see what it looks like. */
static enum err
sample(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const struct { const char *name; enum err (*handle)(struct ctx *, struct http_req *, struct http_reply *); } rows[] = {
		{ "tickets", tickets_time }, { "users", users_time }, { "organizations", orgs_time }, { "ticket_events", events_time },
	};
	struct http_param *q = NEW(cx->arena, struct http_param, rq->query_count + 1);

	for (int i = 0; i < rq->query_count; i++)
		q[i + 1] = rq->query[i];
	q[0] = (struct http_param){ S("per_page"), str_printf(cx->arena, "%d", SAMPLE) };
	rq->query = q;
	rq->query_count++;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(rq->word[0], str_of(rows[i].name)))
			return rows[i].handle(cx, rq, rp);
	return fail(cx, E_ABSENT, NULL, "no such export");
}

const struct route export_routes[] = {
	{ GET, "/api/v2/incremental/tickets",        MAY_EXPORT, 0, tickets_time,   0 },
	{ GET, "/api/v2/incremental/tickets/cursor", MAY_EXPORT, 0, tickets_cursor, 0 },
	{ GET, "/api/v2/incremental/ticket_events",  MAY_EXPORT, 0, events_time,    0 },
	{ GET, "/api/v2/incremental/ticket_metric_events", MAY_EXPORT, 0, metric_events, 0 },
	{ GET, "/api/v2/incremental/users",          MAY_EXPORT, 0, users_time,     0 },
	{ GET, "/api/v2/incremental/users/cursor",   MAY_EXPORT, 0, users_cursor,   0 },
	{ GET, "/api/v2/incremental/organizations",  MAY_EXPORT, 0, orgs_time,      0 },
	{ GET, "/api/v2/incremental/{word}/sample",  MAY_EXPORT, 0, sample,         0 },
	{ 0 }
};
