/* workspaces.c - /api/v2/workspaces, and which of them a ticket has. */
#include "api/rules.h"

#define MACROS_MAX 500

static const struct rule_api api = { RULE_WORKSPACE, "workspace", "workspaces", "workspaces" };

static json_t *
extra_of(struct ctx *cx, const struct rule *r)
{
	return r->extra.n ? json_again(cx, r->extra) : NULL;
}

void
json_workspace(struct json *j, struct ctx *cx, const char *base, const struct rule *r)
{
	const json_t *x = extra_of(cx, r), *macros = json_object_get(x, "macros"), *one;
	size_t i;

	jw_kbool(j, "activated", r->active);
	jw_kraw(j, "apps", S("[]"));
	jw_kraw(j, "conditions", r->conditions);
	jw_kid(j, "ticket_form_id", json_integer_value(json_object_get(x, "ticket_form_id")));
	jw_kbool(j, "prefer_workspace_app_order", !json_is_false(json_object_get(x, "prefer_workspace_app_order")));
	jw_key(j, "macro_ids");
	jw_arr(j);
	json_array_foreach(macros, i, one)
		jw_int(j, json_integer_value(one));
	jw_end_arr(j);
	/* Those that are there still, and that the reader may see. */
	jw_key(j, "selected_macros");
	jw_arr(j);
	json_array_foreach(macros, i, one) {
		struct rule m;
		if (rule_get(cx, RULE_MACRO, json_integer_value(one), &m) == OK)
			json_rule(j, cx, base, &m, NULL);
		else
			fail_forget(cx);
	}
	jw_end_arr(j);
}

/* What came, over what was. */
static str
read_extra(struct ctx *cx, const json_t *obj, const struct rule *old, unsigned *has)
{
	json_t *x = json_pack("{s:n,s:[],s:b}", "ticket_form_id", "macros", "prefer_workspace_app_order", 1);
	const json_t *form = json_object_get(obj, "ticket_form_id"), *list = json_object_get(obj, "macros"), *one,
	    *prefer = json_object_get(obj, "prefer_workspace_app_order");
	int64_t id;
	str text;
	size_t i;

	json_object_update(x, extra_of(cx, old));
	if (list == NULL)
		list = json_object_get(obj, "macro_ids");
	if (form != NULL) {
		if (!json_is_null(form) && !json_id(form, &id))
			bad(cx, "ticket_form_id", "InvalidValue", "Ticket form: must be the id of a form");
		json_object_set_new(x, "ticket_form_id", json_is_null(form) ? json_null() : json_integer(id));
	}
	if (list != NULL) {
		json_t *ids = json_array();
		if (!json_is_array(list) || json_array_size(list) > MACROS_MAX)
			bad(cx, "macros", "InvalidValue", "Macros: must be an array of at most 500 ids");
		json_array_foreach(list, i, one)
			if (!json_id(one, &id) || i >= MACROS_MAX)
				bad(cx, "macros", "InvalidValue", "Macros: must be an array of at most 500 ids");
			else
				json_array_append_new(ids, json_integer(id));
		json_object_set_new(x, "macros", ids);
	}
	if (json_is_boolean(prefer))
		json_object_set(x, "prefer_workspace_app_order", (json_t *)(uintptr_t)prefer);
	if (form != NULL || list != NULL || json_is_boolean(prefer) || old->extra.n == 0)
		*has |= RULE_EXTRA;
	text = json_compact(cx, x);
	json_decref(x);
	return text;
}

static void
read_workspace(struct ctx *cx, const json_t *obj, const struct rule *old, unsigned *has, struct rule *in)
{
	const json_t *on = json_object_get(obj, "activated");

	rule_read(cx, obj, RULE_WORKSPACE, has, in);
	if (json_is_boolean(on)) {
		in->active = json_is_true(on);
		*has |= RULE_ACTIVE;
	}
	in->extra = read_extra(cx, obj, old, has);
}

static enum err list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, -1); }
static enum err show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &api); }
static enum err destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &api); }

static enum err
post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule in = { .active = true }, out;
	const struct rule none = { 0 };
	const json_t *obj;
	unsigned has = 0;

	TRY(api_body(cx, rq, rp, api.one, &obj));
	if (obj == NULL)
		return OK;
	read_workspace(cx, obj, &none, &has, &in);
	TRY(rule_create(cx, RULE_WORKSPACE, has, &in, &out));
	api_location(cx, rq, rp, api.path, out.id);
	return rule_reply(cx, rq, rp, 201, &api, &out);
}

static enum err
put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule in = { 0 }, out;
	const json_t *obj;
	unsigned has = 0;

	TRY(api_body(cx, rq, rp, api.one, &obj));
	if (obj == NULL)
		return OK;
	TRY(rule_get(cx, RULE_WORKSPACE, rq->param[0], &out));
	read_workspace(cx, obj, &out, &has, &in);
	TRY(rule_update(cx, RULE_WORKSPACE, out.id, has, &in, &out));
	return rule_reply(cx, rq, rp, 200, &api, &out);
}

/* Described as 200 without a body, and so is the next. */
static enum err
destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(rules_destroy_many(cx, rq, rp, &api));
	if (rp->status == 204)
		api_empty(rp, 200);
	return OK;
}

static enum err
reorder(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *ids, *one;
	int64_t *id;
	size_t i;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	ids = json_object_get(obj, "ids");
	if (!json_is_array(ids))
		return api_error(rp, 400, "ParameterMissing", "Parameter ids is required: an array of ids");
	id = NEW(cx->arena, int64_t, json_array_size(ids) + 1);
	json_array_foreach(ids, i, one)
		if (!json_id(one, &id[i]) || id[i] == 0) {
			bad(cx, "ids", "InvalidValue", "Ids: must be an array of ids");
			return bad_check(cx);
		}
	TRY(rule_reorder(cx, RULE_WORKSPACE, id, (int)i));
	api_empty(rp, 200);
	return OK;
}

/* {"workspace": the ticket's, or null}: what an agent's page asks. */
static enum err
of_ticket(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;
	struct ticket t;
	struct json j;
	enum err e;

	TRY(ticket_get(cx, rq->param[0], &t));
	e = workspace_for(cx, &t, &r);
	if (e == OK)
		return rule_reply(cx, rq, rp, 200, &api, &r);
	if (e != E_ABSENT)
		return e;
	fail_forget(cx);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_knull(&j, "workspace");
	jw_end_obj(&j);
	return OK;
}

const struct route workspace_routes[] = {
	{ GET,    "/api/v2/workspaces",                   MAY_READ_RULES,   0,       list,         0 },
	{ POST,   "/api/v2/workspaces",                   MAY_MANAGE_RULES, 2 * MiB, post,         0 },
	{ DELETE, "/api/v2/workspaces/destroy_many",      MAY_MANAGE_RULES, 0,       destroy_many, 0 },
	{ PUT,    "/api/v2/workspaces/reorder",           MAY_MANAGE_RULES, 64 * KiB, reorder,     0 },
	{ GET,    "/api/v2/workspaces/{id}",              MAY_MANAGE_RULES, 0,       show,         0 },
	{ PUT,    "/api/v2/workspaces/{id}",              MAY_MANAGE_RULES, 2 * MiB, put,          0 },
	{ DELETE, "/api/v2/workspaces/{id}",              MAY_MANAGE_RULES, 0,       destroy,      0 },
	{ GET,    "/api/ward/v1/tickets/{id}/workspace",  MAY_READ_TICKET,  0,       of_ticket,    0 },
	{ 0 }
};
