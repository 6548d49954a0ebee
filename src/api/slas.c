/* slas.c - /api/v2/slas, /group_slas, /business_hours and /ticket_metrics. */
#include "api/rules.h"

static const struct rule_api sla = { RULE_SLA, "sla_policy", "sla_policies", "slas/policies" };
static const struct rule_api group_sla = { RULE_GROUP_SLA, "group_sla_policy", "group_sla_policies", "group_slas/policies" };

static enum err list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &sla, -1); }
static enum err show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &sla); }
static enum err post(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_post(cx, rq, rp, &sla, 201); }
static enum err put(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_put(cx, rq, rp, &sla); }
static enum err destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &sla); }
static enum err definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_definitions(cx, rq, rp, &sla); }
static enum err g_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &group_sla, -1); }
static enum err g_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &group_sla); }
static enum err g_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_post(cx, rq, rp, &group_sla, 201); }
static enum err g_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_put(cx, rq, rp, &group_sla); }
static enum err g_destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &group_sla); }
static enum err g_definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_definitions(cx, rq, rp, &group_sla); }

/* ?sla_policy_ids=1,2 or the same in the body. */
static enum err
reorder_of(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum rule_kind kind, const char *name)
{
	const json_t *obj, *ids_in, *one;
	int64_t *ids;
	size_t i;
	int n = 0;

	if (http_query(rq, name) != NULL) {
		if (!api_ids(cx, rq, rp, name, 1000, &ids, &n))
			return OK;
	} else {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		ids_in = json_object_get(obj, name);
		if (!json_is_array(ids_in))
			return api_error(rp, 400, "ParameterMissing", "The ids of the policies are required, in order");
		ids = NEW(cx->arena, int64_t, json_array_size(ids_in) + 1);
		json_array_foreach(ids_in, i, one)
			if (!json_id(one, &ids[n++])) {
				bad(cx, name, "InvalidValue", "Ids: must be an array of ids");
				return bad_check(cx);
			}
	}
	TRY(rule_reorder(cx, kind, ids, n));
	api_empty(rp, 200);
	return OK;
}

static enum err reorder(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return reorder_of(cx, rq, rp, RULE_SLA, "sla_policy_ids"); }
static enum err g_reorder(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return reorder_of(cx, rq, rp, RULE_GROUP_SLA, "group_sla_policy_ids"); }

/* ---- schedules --------------------------------------------------------------------------------------------------- */

#define WEEK "[{\"start_time\":1980,\"end_time\":2460},{\"start_time\":3420,\"end_time\":3900},{\"start_time\":4860,\"end_time\":5340}," \
	"{\"start_time\":6300,\"end_time\":6780},{\"start_time\":7740,\"end_time\":8220}]"

static enum err
spec_of(struct ctx *cx, const struct rule *r, json_t **out)
{
	return json_parse(cx, r->extra, out);
}

static void
json_schedule(struct json *j, struct ctx *cx, const struct rule *r, const json_t *spec)
{
	jw_obj(j);
	jw_kint(j, "id", r->id);
	jw_kstr(j, "name", r->title);
	jw_kstr(j, "time_zone", json_text(cx, json_object_get(spec, "time_zone")));
	jw_kraw(j, "intervals", json_compact(cx, json_object_get(spec, "intervals")));
	jw_ktime(j, "created_at", r->created_at);
	jw_ktime(j, "updated_at", r->updated_at);
	jw_end_obj(j);
}

static enum err
schedule_reply(struct ctx *cx, struct http_reply *rp, int status, const struct rule *r)
{
	struct json j;
	json_t *spec;

	TRY(spec_of(cx, r, &spec));
	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "schedule");
	json_schedule(&j, cx, r, spec);
	jw_end_obj(&j);
	return OK;
}

static enum err
schedules(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule *r;
	struct json j;
	int n;

	(void)rq;
	TRY(rule_list(cx, &(struct rule_filter){ .kind = RULE_SCHEDULE, .active = -1 }, &r, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "schedules");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_t *spec;
		TRY(spec_of(cx, &r[i], &spec));
		json_schedule(&j, cx, &r[i], spec);
	}
	jw_end_arr(&j);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return OK;
}

static enum err
schedule_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;

	TRY(rule_get(cx, RULE_SCHEDULE, rq->param[0], &r));
	return schedule_reply(cx, rp, 200, &r);
}

/* The week, zone and holidays of a schedule with what the body says instead. */
static str
spec_with(struct ctx *cx, const json_t *old, const json_t *body, const json_t *intervals, const json_t *holidays)
{
	json_t *spec = json_object();
	const json_t *zone = json_object_get(body, "time_zone");
	str out;

	arena_defer(cx->arena, (void (*)(void *))json_decref, spec);
	if (zone == NULL || json_is_null(zone))
		zone = json_object_get(old, "time_zone");
	if (intervals == NULL || json_is_null(intervals))
		intervals = json_object_get(old, "intervals");
	if (holidays == NULL)
		holidays = json_object_get(old, "holidays");
	json_object_set(spec, "time_zone", (json_t *)(uintptr_t)zone);
	json_object_set(spec, "intervals", (json_t *)(uintptr_t)intervals);
	if (holidays != NULL)
		json_object_set(spec, "holidays", (json_t *)(uintptr_t)holidays);
	else
		json_object_set_new(spec, "holidays", json_array());
	out = json_compact(cx, spec);
	return out;
}

static enum err
schedule_write(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	bool week = str_ends(rq->path, S("workweek")) || str_ends(rq->path, S("workweek.json"));
	struct rule in = { 0 }, r;
	const json_t *obj, *name;
	json_t *old = NULL;
	unsigned has = RULE_EXTRA;

	TRY(api_body(cx, rq, rp, week ? "workweek" : "schedule", &obj));
	if (obj == NULL)
		return OK;
	if (rq->param[0]) {
		TRY(rule_get(cx, RULE_SCHEDULE, rq->param[0], &r));
		TRY(spec_of(cx, &r, &old));
	} else
		TRY(json_parse(cx, S("{\"time_zone\":\"Etc/UTC\",\"intervals\":" WEEK ",\"holidays\":[]}"), &old));
	name = json_object_get(obj, "name");
	if (name != NULL && !week) {
		if (json_is_string(name))
			in.title = json_text(cx, name);
		else
			bad(cx, "name", "InvalidValue", "Name: must be a string");
		has |= RULE_TITLE;
	}
	in.extra = spec_with(cx, old, obj, json_object_get(obj, "intervals"), NULL);
	if (rq->param[0]) {
		TRY(rule_update(cx, RULE_SCHEDULE, rq->param[0], has, &in, &r));
		if (week) {
			struct json j;
			TRY(spec_of(cx, &r, &old));
			api_begin(rp, &j, 200);
			jw_obj(&j);
			jw_key(&j, "workweek");
			jw_obj(&j);
			jw_kraw(&j, "intervals", json_compact(cx, json_object_get(old, "intervals")));
			jw_end_obj(&j);
			jw_end_obj(&j);
			return OK;
		}
		return schedule_reply(cx, rp, 200, &r);
	}
	TRY(rule_create(cx, RULE_SCHEDULE, has, &in, &r));
	api_location(cx, rq, rp, "business_hours/schedules", r.id);
	return schedule_reply(cx, rp, 201, &r);
}

static enum err
schedule_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(rule_delete(cx, RULE_SCHEDULE, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

static void
json_holiday(struct json *j, struct ctx *cx, const json_t *h)
{
	jw_obj(j);
	jw_kint(j, "id", json_integer_value(json_object_get(h, "id")));
	jw_kstr(j, "name", json_text(cx, json_object_get(h, "name")));
	jw_kstr(j, "start_date", json_text(cx, json_object_get(h, "start_date")));
	jw_kstr(j, "end_date", json_text(cx, json_object_get(h, "end_date")));
	jw_end_obj(j);
}

static enum err
holidays(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *all, *h;
	struct rule r;
	struct json j;
	json_t *spec;
	size_t i;

	TRY(rule_get(cx, RULE_SCHEDULE, rq->param[0], &r));
	TRY(spec_of(cx, &r, &spec));
	all = json_object_get(spec, "holidays");
	if (rq->param[1] == 0) {
		api_begin(rp, &j, 200);
		jw_obj(&j);
		jw_key(&j, "holidays");
		jw_arr(&j);
		json_array_foreach(all, i, h)
			json_holiday(&j, cx, h);
		jw_end_arr(&j);
		jw_knull(&j, "next_page");
		jw_knull(&j, "previous_page");
		jw_kint(&j, "count", (int64_t)json_array_size(all));
		jw_end_obj(&j);
		return OK;
	}
	json_array_foreach(all, i, h)
		if (json_integer_value(json_object_get(h, "id")) == rq->param[1]) {
			api_begin(rp, &j, 200);
			jw_obj(&j);
			jw_key(&j, "holiday");
			json_holiday(&j, cx, h);
			jw_end_obj(&j);
			return OK;
		}
	return fail(cx, E_ABSENT, NULL, "no such holiday");
}

struct holiday_put { int64_t schedule, id; bool remove; const json_t *in; json_t *out; };

static enum err
holiday_tx(struct ctx *cx, void *arg)
{
	struct holiday_put *w = arg;
	static const char *const members[] = { "name", "start_date", "end_date" };
	struct rule r, in = { 0 };
	json_t *spec, *all, *h = NULL, *one;
	int64_t id = w->id;
	size_t i, at = 0;

	TRY(rule_get(cx, RULE_SCHEDULE, w->schedule, &r));
	TRY(spec_of(cx, &r, &spec));
	all = json_object_get(spec, "holidays");
	if (id != 0) {
		json_array_foreach(all, i, one)
			if (json_integer_value(json_object_get(one, "id")) == id)
				h = one, at = i;
		if (h == NULL)
			return fail(cx, E_ABSENT, NULL, "no such holiday");
	} else {
		if (json_array_size(all) >= 1000) {
			bad(cx, "base", "TooManyValues", "There are too many holidays");
			return bad_check(cx);
		}
		TRY(store_next_id(cx, "holiday", &id));
		h = json_object();
		json_object_set_new(h, "id", json_integer(id));
		json_array_append_new(all, h);
	}
	if (w->remove)
		json_array_remove(all, at);
	else
		for (i = 0; i < COUNT(members); i++) {
			const json_t *v = json_object_get(w->in, members[i]);
			if (json_is_string(v))
				json_object_set(h, members[i], (json_t *)(uintptr_t)v);
			else if (v != NULL || w->id == 0)
				bad(cx, members[i], v == NULL ? "BlankValue" : "InvalidValue", i == 0 ? "Name: must be a string" : i == 1
				    ? "Start date: must be a date such as 2026-12-24" : "End date: must be a date such as 2026-12-26");
		}
	TRY(bad_check(cx));
	w->out = h;
	in.extra = spec_with(cx, spec, NULL, NULL, all);
	return rule_update(cx, RULE_SCHEDULE, w->schedule, RULE_EXTRA, &in, &r);
}

static enum err
holiday_write(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct holiday_put w = { .schedule = rq->param[0], .id = rq->param[1] };
	struct json j;

	TRY(api_body(cx, rq, rp, "holiday", &w.in));
	if (w.in == NULL)
		return OK;
	TRY(store_write(cx, holiday_tx, &w));
	api_begin(rp, &j, w.id ? 200 : 201);
	jw_obj(&j);
	jw_key(&j, "holiday");
	json_holiday(&j, cx, w.out);
	jw_end_obj(&j);
	return OK;
}

static enum err
holiday_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct holiday_put w = { .schedule = rq->param[0], .id = rq->param[1], .remove = true };

	TRY(store_write(cx, holiday_tx, &w));
	api_empty(rp, 204);
	return OK;
}

/* ---- metrics ------------------------------------------------------------------------------------------------------- */

static void
span(struct json *j, const char *key, usec calendar, usec business, usec unit)
{
	jw_key(j, key);
	jw_obj(j);
	if (calendar > 0) {
		jw_kint(j, "calendar", calendar / unit);
		jw_kint(j, "business", business / unit);
	} else {
		jw_knull(j, "calendar");
		jw_knull(j, "business");
	}
	jw_end_obj(j);
}

static void
wait(struct json *j, const char *key, usec calendar, usec business)
{
	jw_key(j, key);
	jw_obj(j);
	jw_kint(j, "calendar", calendar / (60 * SECOND));
	jw_kint(j, "business", business / (60 * SECOND));
	jw_end_obj(j);
}

enum err
json_metric(struct json *j, struct ctx *cx, const char *base, const struct ticket *t)
{
	struct metric m;
	struct metric_times x;

	TRY(metric_get(cx, t, &m, &x));
	jw_obj(j);
	url_of(j, cx, base, "ticket_metrics", t->id);
	jw_kint(j, "id", t->id);
	jw_kint(j, "ticket_id", t->id);
	jw_ktime(j, "created_at", t->created_at);
	jw_ktime(j, "updated_at", t->updated_at);
	jw_kint(j, "group_stations", m.groups);
	jw_kint(j, "assignee_stations", m.assignees);
	jw_kint(j, "reopens", m.reopens);
	jw_kint(j, "replies", m.replies);
	jw_ktime(j, "assignee_updated_at", m.assignee_at);
	jw_ktime(j, "requester_updated_at", m.requester_at);
	jw_ktime(j, "status_updated_at", m.status_at);
	jw_ktime(j, "custom_status_updated_at", m.status_at);
	jw_ktime(j, "initially_assigned_at", m.first_assigned_at);
	jw_ktime(j, "assigned_at", m.assigned_at);
	jw_ktime(j, "solved_at", t->solved_at);
	jw_ktime(j, "latest_comment_added_at", m.comment_at);
	span(j, "reply_time_in_minutes", x.reply, x.reply_b, 60 * SECOND);
	span(j, "reply_time_in_seconds", x.reply, x.reply_b, SECOND);
	span(j, "first_resolution_time_in_minutes", x.first, x.first_b, 60 * SECOND);
	span(j, "full_resolution_time_in_minutes", x.full, x.full_b, 60 * SECOND);
	wait(j, "agent_wait_time_in_minutes", x.agent, x.agent_b);
	wait(j, "requester_wait_time_in_minutes", x.requester, x.requester_b);
	wait(j, "on_hold_time_in_minutes", x.hold, x.hold_b);
	jw_end_obj(j);
	return OK;
}

/* "dates":{...} inside a ticket. */
enum err
json_dates(struct json *j, struct ctx *cx, const struct ticket *t)
{
	struct metric m;
	struct metric_times x;

	TRY(metric_get(cx, t, &m, &x));
	jw_obj(j);
	jw_ktime(j, "assignee_updated_at", m.assignee_at);
	jw_ktime(j, "requester_updated_at", m.requester_at);
	jw_ktime(j, "status_updated_at", m.status_at);
	jw_ktime(j, "initially_assigned_at", m.first_assigned_at);
	jw_ktime(j, "assigned_at", m.assigned_at);
	jw_ktime(j, "solved_at", t->solved_at);
	jw_ktime(j, "latest_comment_added_at", m.comment_at);
	jw_end_obj(j);
	return OK;
}

/* "slas":{"policy_metrics":[...]} inside a ticket: what is left, negative when it was missed. */
enum err
json_slas(struct json *j, struct ctx *cx, const struct ticket *t)
{
	struct sla_target *s;
	int n;

	TRY(sla_targets(cx, t->id, &s, &n));
	jw_obj(j);
	jw_key(j, "policy_metrics");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		if (s[i].state == SLA_LEFT)
			continue;
		usec left = s[i].state == SLA_RUNS && s[i].due_at ? s[i].due_at - cx->now : s[i].target - s[i].spent, size = left < 0 ? -left : left;
		jw_obj(j);
		jw_kz(j, "metric", s[i].metric);
		jw_kz(j, "stage", s[i].state == SLA_RUNS ? "active" : s[i].state == SLA_RESTS ? "paused" : "achieved");
		jw_ktime(j, "breach_at", s[i].due_at);
		jw_kbool(j, "breached", s[i].state == SLA_RUNS ? s[i].due_at != 0 && s[i].due_at <= cx->now : s[i].spent > s[i].target);
		if (size >= (usec)48 * 3600 * SECOND)
			jw_kint(j, "days", left / ((usec)86400 * SECOND));
		else if (size >= (usec)3600 * SECOND)
			jw_kint(j, "hours", left / ((usec)3600 * SECOND));
		else
			jw_kint(j, "minutes", left / (60 * SECOND));
		jw_kint(j, "policy_id", s[i].policy_id);
		jw_kbool(j, "business_hours", s[i].business);
		jw_end_obj(j);
	}
	jw_end_arr(j);
	jw_end_obj(j);
	return OK;
}

static enum err
metric_of(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;
	struct json j;

	TRY(ticket_get(cx, rq->param[0], &t));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket_metric");
	TRY(json_metric(&j, cx, z_of(cx, api_base(cx, rq)), &t));
	jw_end_obj(&j);
	return look_one(cx, "ticket", t.id, "metrics");
}

static enum err
metrics(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct ticket_filter f = { .descending = true };
	struct paging p;
	struct ticket *t;
	struct json j;
	int64_t total = 0;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	f.limit = p.limit + (p.cursor ? 1 : 0);
	f.offset = p.offset;
	f.after_set = p.after;
	f.before_set = p.before;
	f.after_value = f.after_id = p.id;
	TRY(ticket_list(cx, &f, &t, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			t++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(ticket_count(cx, &f, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket_metrics");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		TRY(json_metric(&j, cx, base, &t[i]));
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ t[0].id, t[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ t[n - 1].id, t[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, "metrics");
}

const struct route sla_routes[] = {
	{ GET,    "/api/v2/slas/policies",                   MAY_READ_RULES,   0,         list,          0 },
	{ POST,   "/api/v2/slas/policies",                   MAY_MANAGE_RULES, 256 * KiB, post,          0 },
	{ GET,    "/api/v2/slas/policies/definitions",       MAY_READ_RULES,   0,         definitions,   0 },
	{ PUT,    "/api/v2/slas/policies/reorder",           MAY_MANAGE_RULES, 64 * KiB,  reorder,       0 },
	{ GET,    "/api/v2/slas/policies/{id}",              MAY_READ_RULES,   0,         show,          0 },
	{ PUT,    "/api/v2/slas/policies/{id}",              MAY_MANAGE_RULES, 256 * KiB, put,           0 },
	{ DELETE, "/api/v2/slas/policies/{id}",              MAY_MANAGE_RULES, 0,         destroy,       0 },
	{ GET,    "/api/v2/group_slas/policies",             MAY_READ_RULES,   0,         g_list,        0 },
	{ POST,   "/api/v2/group_slas/policies",             MAY_MANAGE_RULES, 256 * KiB, g_post,        0 },
	{ GET,    "/api/v2/group_slas/policies/definitions", MAY_READ_RULES,   0,         g_definitions, 0 },
	{ PUT,    "/api/v2/group_slas/policies/reorder",     MAY_MANAGE_RULES, 64 * KiB,  g_reorder,     0 },
	{ GET,    "/api/v2/group_slas/policies/{id}",        MAY_READ_RULES,   0,         g_show,        0 },
	{ PUT,    "/api/v2/group_slas/policies/{id}",        MAY_MANAGE_RULES, 256 * KiB, g_put,         0 },
	{ DELETE, "/api/v2/group_slas/policies/{id}",        MAY_MANAGE_RULES, 0,         g_destroy,     0 },
	{ GET,    "/api/v2/business_hours/schedules",        MAY_READ_RULES,   0,         schedules,     0 },
	{ POST,   "/api/v2/business_hours/schedules",        MAY_MANAGE_RULES, 256 * KiB, schedule_write, 0 },
	{ GET,    "/api/v2/business_hours/schedules/{id}",   MAY_READ_RULES,   0,         schedule_show, 0 },
	{ PUT,    "/api/v2/business_hours/schedules/{id}",   MAY_MANAGE_RULES, 256 * KiB, schedule_write, 0 },
	{ DELETE, "/api/v2/business_hours/schedules/{id}",   MAY_MANAGE_RULES, 0,         schedule_remove, 0 },
	{ PUT,    "/api/v2/business_hours/schedules/{id}/workweek", MAY_MANAGE_RULES, 256 * KiB, schedule_write, 0 },
	{ GET,    "/api/v2/business_hours/schedules/{id}/holidays", MAY_READ_RULES, 0,    holidays,      0 },
	{ POST,   "/api/v2/business_hours/schedules/{id}/holidays", MAY_MANAGE_RULES, 16 * KiB, holiday_write, 0 },
	{ GET,    "/api/v2/business_hours/schedules/{id}/holidays/{id}", MAY_READ_RULES, 0, holidays,    0 },
	{ PUT,    "/api/v2/business_hours/schedules/{id}/holidays/{id}", MAY_MANAGE_RULES, 16 * KiB, holiday_write, 0 },
	{ DELETE, "/api/v2/business_hours/schedules/{id}/holidays/{id}", MAY_MANAGE_RULES, 0, holiday_remove, 0 },
	{ GET,    "/api/v2/ticket_metrics",                  MAY_READ_TICKET,  0,         metrics,       0 },
	{ GET,    "/api/v2/ticket_metrics/{id}",             MAY_READ_TICKET,  0,         metric_of,     0 },
	{ GET,    "/api/v2/tickets/{id}/metrics",            MAY_READ_TICKET,  0,         metric_of,     0 },
	{ 0 }
};
