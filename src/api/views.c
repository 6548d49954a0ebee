/* views.c - /api/v2/views. */
#include "api/rules.h"

static const struct rule_api api = { RULE_VIEW, "view", "views", "views" };
#define SHOWN "subject,description,tags,custom_fields,external_id"

static enum err list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, -1); }
static enum err active(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, 1); }
static enum err show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &api); }
static enum err post(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_post(cx, rq, rp, &api, 201); }
static enum err put(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_put(cx, rq, rp, &api); }
static enum err destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &api); }
static enum err update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_update_many(cx, rq, rp, &api); }
static enum err destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_destroy_many(cx, rq, rp, &api); }
static enum err show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show_many(cx, rq, rp, &api); }
static enum err definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_definitions(cx, rq, rp, &api); }

/* The views of an agent's list, short: at most 32. */
static enum err
compact(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct rule *r;
	struct json j;
	int n;

	TRY(rule_list(cx, &(struct rule_filter){ .kind = RULE_VIEW, .active = 1 }, &r, &n));
	n = n < 32 ? n : 32;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "views");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_rule(&j, cx, base, &r[i], NULL);
	jw_end_arr(&j);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return OK;
}

static enum err
views_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule *r;
	int n;

	(void)rq;
	TRY(rule_list(cx, &(struct rule_filter){ .kind = RULE_VIEW, .active = -1 }, &r, &n));
	count_reply(cx, rp, n);
	return OK;
}

/* ---- counters -------------------------------------------------------------------------------------------------- */

static str
pretty(struct ctx *cx, int64_t n)
{
	if (n < 1000)
		return str_printf(cx->arena, "%lld", (long long)n);
	if (n < 1000000)
		return str_printf(cx->arena, "~%lldk", (long long)(n / 1000));
	return str_printf(cx->arena, "~%lldm", (long long)(n / 1000000));
}

static enum err
json_count(struct json *j, struct ctx *cx, const char *base, const struct rule *r)
{
	int64_t n;
	bool fresh;

	TRY(view_count(cx, r, &n, &fresh));
	jw_obj(j);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/views/%lld/count.json", base, (long long)r->id));
	if (r->id)
		jw_kint(j, "view_id", r->id);
	else
		jw_knull(j, "view_id");
	if (n >= 0)
		jw_kint(j, "value", n);
	else
		jw_knull(j, "value");
	jw_kstr(j, "pretty", n >= 0 ? pretty(cx, n) : S("..."));
	jw_kbool(j, "fresh", fresh);
	jw_kbool(j, "active", r->active);
	jw_end_obj(j);
	return OK;
}

static enum err
count_one(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;
	struct json j;

	TRY(rule_get(cx, RULE_VIEW, rq->param[0], &r));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "view_count");
	TRY(json_count(&j, cx, z_of(cx, api_base(cx, rq)), &r));
	jw_end_obj(&j);
	return OK;
}

static enum err
count_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct rule r;
	struct json j;
	int64_t *ids;
	int n;

	if (!api_ids(cx, rq, rp, "ids", 20, &ids, &n))
		return OK;
	n = ids_unique(ids, n);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "view_counts");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		enum err e = rule_get(cx, RULE_VIEW, ids[i], &r);
		if (e == E_ABSENT) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		TRY(json_count(&j, cx, base, &r));
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- what is in a view ------------------------------------------------------------------------------------------- */

/* ?sort_by=&sort_order=, ?group_by=&group_order= instead of the view's own. */
static bool
order_of(const struct http_req *rq, struct http_reply *rp, struct view_page *p)
{
	const str *sort = http_query(rq, "sort_by"), *group = http_query(rq, "group_by");

	if (sort != NULL && sort->n) {
		const struct view_col *c = view_col_of(*sort);
		if (c == NULL || c->sql == NULL) {
			(void)!api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "sort_by is not valid");
			return false;
		}
		p->sort_set = true;
		p->sort_by = *sort;
		p->descending = !api_query_is(rq, "sort_order", "asc");
	}
	if (group != NULL && group->n) {
		const struct view_col *c = view_col_of(*group);
		if (c == NULL || c->sql == NULL) {
			(void)!api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "group_by is not valid");
			return false;
		}
		p->group_set = true;
		p->group_by = *group;
		p->group_descending = !api_query_is(rq, "group_order", "asc");
	}
	return true;
}

/* A page as asked for: places are {value, id}, or where the order has none {offset, 0}. */
static enum err
page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule *r, struct paging *p, struct ticket **t,
    int *n, bool *more, struct place *first, struct place *last, bool *ok)
{
	struct view_page at = { 0 };
	struct view_place place;

	*ok = false;
	if (!api_paging(cx, rq, rp, (const char *const[]){ "id", NULL }, 1, 100, p) || !order_of(rq, rp, &at))
		return OK;
	at.limit = p->limit;
	at.offset = p->offset;
	if ((p->after || p->before) && p->id != 0) {
		at.after_set = true;
		at.after_value = p->value;
		at.after_id = p->id;
		at.backward = p->before;
	} else if (p->after)
		at.offset = p->value > 0 ? p->value : 0;       /* the id 0 marks a place that is an offset */
	else if (p->before) {
		at.offset = p->value > p->limit ? p->value - p->limit : 0;
		at.limit = (int)(p->value - at.offset > 0 ? p->value - at.offset : 0);
	}
	TRY(view_tickets(cx, r, &at, t, n, &place));
	*more = p->before && !at.after_set ? at.offset > 0 : place.more;
	*first = place.keyed ? (struct place){ place.first_value, place.first_id } : (struct place){ at.offset, 0 };
	*last = place.keyed ? (struct place){ place.value, place.id } : (struct place){ at.offset + *n, 0 };
	*ok = true;
	return OK;
}

/* What a page shows is there, even where the view is not counted yet. */
static enum err
total_of(struct ctx *cx, const struct rule *r, const struct paging *p, int n, bool more, int64_t *total)
{
	int64_t seen = p->offset + n + more;
	bool fresh;

	TRY(view_count(cx, r, total, &fresh));
	if (!fresh && *total < seen)
		*total = seen;
	return OK;
}

static enum err
tickets_reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule *r)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct ticket *t;
	struct place first, last;
	struct json j;
	int64_t total = 0;
	int n;
	bool more, ok;

	TRY(page(cx, rq, rp, r, &p, &t, &n, &more, &first, &last, &ok));
	if (!ok)
		return OK;
	if (!p.cursor)
		TRY(total_of(cx, r, &p, n, more, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tickets");
	json_tickets(&j, cx, base, t, n, api_includes(rq, "comment_count"));
	TRY(ticket_sideload(&j, cx, rq, base, t, n));
	api_page_end(&j, cx, rq, &p, n, more, first, last, total);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, SHOWN);
}

static enum err
tickets(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;

	TRY(rule_get(cx, RULE_VIEW, rq->param[0], &r));
	return tickets_reply(cx, rq, rp, &r);
}

/* One row of an executed view: the columns' values, and the ticket in short. */
static void
row(struct json *j, struct ctx *cx, const char *base, const struct ticket *t, const json_t *columns)
{
	const json_t *c;
	sensitive shown;
	size_t i;

	shows_of(cx, t);
	jw_obj(j);
	jw_key(j, "ticket");
	jw_obj(j);
	jw_kint(j, "id", t->id);
	url_of(j, cx, base, "tickets", t->id);
	jw_kstr(j, "subject", reveal(cx, t->subject, TO_SHOW_ACTOR));
	jw_kstr(j, "description", reveal(cx, t->description, TO_SHOW_ACTOR));
	jw_kz(j, "type", type_name(t->type));
	jw_kz(j, "priority", priority_name(t->priority));
	jw_kz(j, "status", status_name(t->status));
	jw_end_obj(j);
	jw_kint(j, "ticket_id", t->id);
	jw_kid(j, "requester_id", t->requester_id);
	jw_kid(j, "assignee_id", t->assignee_id);
	jw_kid(j, "group_id", t->group_id);
	jw_kid(j, "organization_id", t->organization_id);
	jw_kid(j, "submitter_id", t->submitter_id);
	jw_ktime(j, "created", t->created_at);
	jw_ktime(j, "updated", t->updated_at);
	jw_kz(j, "status", status_name(t->status));
	jw_kz(j, "priority", priority_name(t->priority));
	jw_kz(j, "type", type_name(t->type));
	jw_kstr(j, "subject", reveal(cx, t->subject, TO_SHOW_ACTOR));
	json_array_foreach(columns, i, c) {
		str name = json_is_string(c) ? (str){ json_string_value(c), json_string_length(c) } : S("");
		const struct view_col *col = view_col_of(name);
		if (col == NULL)
			continue;
		name = str_of(col->name);
		if (str_eq(name, S("nice_id")))
			jw_kint(j, "nice_id", t->id);
		else if (str_eq(name, S("requester")))
			jw_kid(j, "requester", t->requester_id);
		else if (str_eq(name, S("assignee")))
			jw_kid(j, "assignee", t->assignee_id);
		else if (str_eq(name, S("group")))
			jw_kid(j, "group", t->group_id);
		else if (str_eq(name, S("organization")))
			jw_kid(j, "organization", t->organization_id);
		else if (str_eq(name, S("submitter")))
			jw_kid(j, "submitter", t->submitter_id);
		else if (str_eq(name, S("description")))
			jw_kstr(j, "description", reveal(cx, t->description, TO_SHOW_ACTOR));
		else if (str_eq(name, S("solved")))
			jw_ktime(j, "solved", t->solved_at);
		else if (str_eq(name, S("due_date")))
			jw_ktime(j, "due_date", t->due_at);
		else if (str_eq(name, S("brand")))
			jw_kid(j, "brand", t->brand_id);
		else if (str_eq(name, S("ticket_form")))
			jw_kid(j, "ticket_form", t->form_id);
		else if (str_eq(name, S("via")))
			jw_kstr(j, "via", channel_shown(t->channel));
		else if (str_eq(name, S("tags")))
			jw_kraw(j, "tags", reveal(cx, t->tags, TO_SHOW_ACTOR));
	}
	shown = fields_shown(cx, t);
	jw_kraw(j, "custom_fields", reveal(cx, shown, TO_SHOW_ACTOR));
	jw_kraw(j, "fields", reveal(cx, shown, TO_SHOW_ACTOR));
	jw_end_obj(j);
}

static enum err
execute_reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule *r)
{
	const char *base = z_of(cx, api_base(cx, rq));
	const json_t *columns;
	json_t *extra = NULL;
	struct paging p;
	struct ticket *t;
	struct place first, last;
	struct json j;
	int64_t total = 0, *ids;
	int n;
	bool more, ok;
	const json_t *c;
	size_t i;

	TRY(page(cx, rq, rp, r, &p, &t, &n, &more, &first, &last, &ok));
	if (!ok)
		return OK;
	if (!p.cursor)
		TRY(total_of(cx, r, &p, n, more, &total));
	if (r->extra.n)
		TRY(json_parse(cx, r->extra, &extra));
	columns = json_object_get(extra, "columns");
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "rows");
	jw_arr(&j);
	for (int k = 0; k < n; k++)
		row(&j, cx, base, &t[k], columns);
	jw_end_arr(&j);
	jw_key(&j, "columns");
	jw_arr(&j);
	json_array_foreach(columns, i, c) {
		str name = json_is_string(c) ? (str){ json_string_value(c), json_string_length(c) } : S("");
		const struct view_col *col = view_col_of(name);
		jw_obj(&j);
		if (col != NULL) {
			jw_kz(&j, "id", col->name);
			jw_kz(&j, "title", col->title);
		} else {
			int64_t id = json_integer_value(c);
			if (json_is_string(c))
				(void)str_int(name, &id);
			jw_kint(&j, "id", id);
			jw_kz(&j, "title", "Custom field");
		}
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_key(&j, "view");
	json_rule(&j, cx, base, r, NULL);
	ids = NEW(cx->arena, int64_t, (n + 1) * 3);
	for (int k = 0; k < n; k++) {
		ids[3 * k] = t[k].requester_id;
		ids[3 * k + 1] = t[k].assignee_id;
		ids[3 * k + 2] = t[k].submitter_id;
	}
	TRY(sideload_users(&j, cx, base, ids, 3 * n));
	for (int k = 0; k < n; k++)
		ids[k] = t[k].group_id;
	TRY(sideload_groups(&j, cx, base, ids, n));
	for (int k = 0; k < n; k++)
		ids[k] = t[k].organization_id;
	if (api_includes(rq, "organizations"))
		TRY(sideload_orgs(&j, cx, base, ids, n));
	api_page_end(&j, cx, rq, &p, n, more, first, last, total);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, SHOWN);
}

static enum err
execute(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;

	TRY(rule_get(cx, RULE_VIEW, rq->param[0], &r));
	return execute_reply(cx, rq, rp, &r);
}

static enum err
draft(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct rule *r, bool *ok)
{
	struct rule in = { .kind = RULE_VIEW, .title = S("preview"), .active = true, .conditions = S("{\"all\":[],\"any\":[]}") };
	const json_t *obj;
	unsigned has = 0;

	*ok = false;
	TRY(api_body(cx, rq, rp, "view", &obj));
	if (obj == NULL)
		return OK;
	rule_read(cx, obj, RULE_VIEW, &has, &in);
	if (!(has & RULE_CONDITIONS))
		in.conditions = S("{\"all\":[],\"any\":[]}");
	TRY(view_draft(cx, &in, r));
	*ok = true;
	return OK;
}

static enum err
preview(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;
	bool ok;

	TRY(draft(cx, rq, rp, &r, &ok));
	return ok ? execute_reply(cx, rq, rp, &r) : OK;
}

static enum err
preview_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;
	struct json j;
	bool ok;

	TRY(draft(cx, rq, rp, &r, &ok));
	if (!ok)
		return OK;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "view_count");
	TRY(json_count(&j, cx, z_of(cx, api_base(cx, rq)), &r));
	jw_end_obj(&j);
	return OK;
}

/* ---- export ------------------------------------------------------------------------------------------------------- */

#define CSV_MAX 10000                /* tickets */

static str
number(struct ctx *cx, int64_t n)
{
	return n ? str_printf(cx->arena, "%lld", (long long)n) : S("");
}

static str
moment(struct ctx *cx, usec t)
{
	return t ? time_iso(cx->arena, t) : S("");
}

static void
csv_row(struct buf *b, struct ctx *cx, const struct ticket *t)
{
	shows_of(cx, t);
	csv_cell(b, true, number(cx, t->id));
	csv_cell(b, false, str_of(status_name(t->status)));
	csv_cell(b, false, reveal(cx, t->subject, TO_SHOW_ACTOR));
	csv_cell(b, false, str_of(type_name(t->type)));
	csv_cell(b, false, str_of(priority_name(t->priority)));
	csv_cell(b, false, number(cx, t->requester_id));
	csv_cell(b, false, number(cx, t->assignee_id));
	csv_cell(b, false, number(cx, t->group_id));
	csv_cell(b, false, number(cx, t->organization_id));
	csv_cell(b, false, moment(cx, t->created_at));
	csv_cell(b, false, moment(cx, t->updated_at));
	csv_cell(b, false, moment(cx, t->due_at));
	csv_cell(b, false, moment(cx, t->solved_at));
	csv_cell(b, false, reveal(cx, t->tags, TO_SHOW_ACTOR));
	buf_add(b, S("\r\n"));
}

/* RFC 4180, at most CSV_MAX tickets in the view's order. */
static enum err
csv(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct view_page at = { .limit = 500 };
	struct view_place place = { .more = true };
	struct rule r;
	int rows = 0, n;

	TRY(rule_get(cx, RULE_VIEW, rq->param[0], &r));
	rp->status = 200;
	rp->type = "text/csv; charset=utf-8";
	http_head(rp, "Content-Disposition", S("attachment; filename=\"view.csv\""));
	buf_add(&rp->body, S("id,status,subject,type,priority,requester_id,assignee_id,group_id,organization_id,created_at,updated_at,due_at,"
	    "solved_at,tags\r\n"));
	while (place.more && rows < CSV_MAX) {
		struct ticket *t;
		TRY(view_tickets(cx, &r, &at, &t, &n, &place));
		for (int i = 0; i < n && rows < CSV_MAX; i++, rows++)
			csv_row(&rp->body, cx, &t[i]);
		TRY(look_tickets(cx, t, n, "subject,tags"));
		if (n == 0 && !place.keyed)
			break;
		at.offset = place.keyed ? 0 : at.offset + n;
		at.after_set = place.keyed;
		at.after_value = place.value;
		at.after_id = place.id;
	}
	return OK;
}

/* The file is there at once; clients are told where. */
static enum err
export(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;
	struct json j;

	TRY(rule_get(cx, RULE_VIEW, rq->param[0], &r));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "export");
	jw_obj(&j);
	jw_kint(&j, "view_id", r.id);
	jw_kz(&j, "status", "completed");
	jw_kstr(&j, "url", str_printf(cx->arena, STR_F "/api/ward/v1/views/%lld/csv", STR_A(api_base(cx, rq)), (long long)r.id));
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

const struct route view_routes[] = {
	{ GET,    "/api/v2/views",               MAY_READ_RULES,  0,         list,          0 },
	{ POST,   "/api/v2/views",               MAY_WRITE_RULES, 2 * MiB,   post,          0 },
	{ GET,    "/api/v2/views/active",        MAY_READ_RULES,  0,         active,        0 },
	{ GET,    "/api/v2/views/compact",       MAY_READ_RULES,  0,         compact,       0 },
	{ GET,    "/api/v2/views/count",         MAY_READ_RULES,  0,         views_count,   0 },
	{ GET,    "/api/v2/views/count_many",    MAY_READ_TICKET, 0,         count_many,    0 },
	{ GET,    "/api/v2/views/definitions",   MAY_READ_RULES,  0,         definitions,   0 },
	{ DELETE, "/api/v2/views/destroy_many",  MAY_WRITE_RULES, 0,         destroy_many,  0 },
	{ POST,   "/api/v2/views/preview",       MAY_READ_TICKET, 2 * MiB,   preview,       0 },
	{ POST,   "/api/v2/views/preview/count", MAY_READ_TICKET, 2 * MiB,   preview_count, 0 },
	{ GET,    "/api/v2/views/search",        MAY_READ_RULES,  0,         list,          0 },
	{ GET,    "/api/v2/views/show_many",     MAY_READ_RULES,  0,         show_many,     0 },
	{ PUT,    "/api/v2/views/update_many",   MAY_WRITE_RULES, 2 * MiB,   update_many,   0 },
	{ GET,    "/api/v2/views/{id}",          MAY_READ_RULES,  0,         show,          0 },
	{ PUT,    "/api/v2/views/{id}",          MAY_WRITE_RULES, 2 * MiB,   put,           0 },
	{ DELETE, "/api/v2/views/{id}",          MAY_WRITE_RULES, 0,         destroy,       0 },
	{ GET,    "/api/v2/views/{id}/count",    MAY_READ_TICKET, 0,         count_one,     0 },
	{ GET,    "/api/v2/views/{id}/execute",  MAY_READ_TICKET, 0,         execute,       0 },
	{ GET,    "/api/v2/views/{id}/tickets",  MAY_READ_TICKET, 0,         tickets,       0 },
	{ GET,    "/api/v2/views/{id}/export",   MAY_READ_TICKET, 0,         export,        0 },
	{ GET,    "/api/ward/v1/views/{id}/csv", MAY_READ_TICKET, 0,         csv,           0 },
	{ 0 }
};
