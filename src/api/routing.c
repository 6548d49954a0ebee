/* routing.c - /api/v2/routing: attributes, their values (skills), who has them, which tickets ask for them. */
#include <stdlib.h>

#include "api/rules.h"

#define VALUES_MAX 1000
#define AGENTS_MAX 100

static str
number(struct ctx *cx, int64_t id)
{
	return str_printf(cx->arena, "%lld", (long long)id);
}

/* ---- shapes: ids are texts, as clients have them -------------------------------------------------------------- */

static void
json_attribute(struct json *j, struct ctx *cx, const char *base, const struct def *d)
{
	jw_obj(j);
	url_of(j, cx, base, "routing/attributes", d->id);
	jw_kstr(j, "id", number(cx, d->id));
	jw_kstr(j, "name", def_text(d, "name"));
	jw_ktime(j, "created_at", d->created_at);
	jw_ktime(j, "updated_at", d->updated_at);
	jw_end_obj(j);
}

static void
value_members(struct json *j, struct ctx *cx, const char *base, const struct rule *r)
{
	int64_t attribute = skill_attribute(cx, r);

	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/routing/attributes/%lld/values/%lld.json", base, (long long)attribute, (long long)r->id));
	jw_kstr(j, "attribute_id", number(cx, attribute));
	jw_kstr(j, "name", r->title);
}

/* s NULL: the value as such; else as somebody has it. */
static void
json_value(struct json *j, struct ctx *cx, const char *base, const struct rule *r, const struct skill *s)
{
	jw_obj(j);
	value_members(j, cx, base, r);
	jw_kstr(j, "id", number(cx, r->id));
	jw_ktime(j, "created_at", r->created_at);
	jw_ktime(j, "updated_at", r->updated_at);
	if (s != NULL)
		jw_kz(j, "agent_skill_priority", s->high ? "HIGH" : "NORMAL");
	else
		jw_kraw(j, "conditions", r->conditions);
	jw_end_obj(j);
}

static enum err
all_values(struct ctx *cx, struct rule **out, int *n)
{
	return rule_list(cx, &(struct rule_filter){ .kind = RULE_SKILL, .active = -1 }, out, n);
}

static const struct rule *
value_by_id(const struct rule *r, int n, int64_t id)
{
	for (int i = 0; i < n; i++)
		if (r[i].id == id)
			return &r[i];
	return NULL;
}

/* attribute 0: of all. */
static enum err
json_values(struct json *j, struct ctx *cx, const char *base, int64_t attribute)
{
	struct rule *r;
	int n;

	TRY(all_values(cx, &r, &n));
	jw_key(j, "attribute_values");
	jw_arr(j);
	for (int i = 0; i < n; i++)
		if (attribute == 0 || skill_attribute(cx, &r[i]) == attribute)
			json_value(j, cx, base, &r[i], NULL);
	jw_end_arr(j);
	return OK;
}

/* ---- attributes ---------------------------------------------------------------------------------------------------- */

static enum err
attribute_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct def *d)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "attribute");
	json_attribute(&j, cx, z_of(cx, api_base(cx, rq)), d);
	jw_end_obj(&j);
	return OK;
}

static enum err
attributes(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	const struct defs *all;
	const struct def *const *d;
	struct json j;
	int n;

	TRY(gate_may(cx, MAY_READ_RULES, NULL));
	TRY(defs_get(cx, &all));
	d = def_all(all, DEF_SKILL, &n);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "attributes");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_attribute(&j, cx, base, d[i]);
	jw_end_arr(&j);
	if (api_includes(rq, "attribute_values"))
		TRY(json_values(&j, cx, base, 0));
	jw_kint(&j, "count", n);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_end_obj(&j);
	return OK;
}

static enum err
attribute_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;

	TRY(def_get(cx, DEF_SKILL, rq->param[0], &d));
	return attribute_reply(cx, rq, rp, 200, &d);
}

static enum err
attribute_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, "attribute", &obj));
	if (obj == NULL)
		return OK;
	TRY(def_create(cx, DEF_SKILL, obj, &d));
	api_location(cx, rq, rp, "routing/attributes", d.id);
	return attribute_reply(cx, rq, rp, 201, &d);
}

static enum err
attribute_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, "attribute", &obj));
	if (obj == NULL)
		return OK;
	TRY(def_update(cx, DEF_SKILL, rq->param[0], obj, &d));
	return attribute_reply(cx, rq, rp, 200, &d);
}

static enum err
attribute_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(skill_attribute_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

static enum err
definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const struct rule_api api = { RULE_SKILL, "attribute_value", "attribute_values", "routing/attributes" };

	return rules_definitions(cx, rq, rp, &api);
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static enum err
value_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct rule *r)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "attribute_value");
	json_value(&j, cx, z_of(cx, api_base(cx, rq)), r, NULL);
	jw_end_obj(&j);
	return OK;
}

/* The value of the path, under the attribute of the path. */
static enum err
value_of_path(struct ctx *cx, const struct http_req *rq, struct rule *out)
{
	TRY(rule_get(cx, RULE_SKILL, rq->param[1], out));
	if (skill_attribute(cx, out) != rq->param[0])
		return fail(cx, E_ABSENT, NULL, "no such value of this attribute");
	return OK;
}

static enum err
values(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;
	struct def d;

	TRY(def_get(cx, DEF_SKILL, rq->param[0], &d));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(json_values(&j, cx, z_of(cx, api_base(cx, rq)), d.id));
	jw_end_obj(&j);
	return OK;
}

static enum err
value_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;

	TRY(value_of_path(cx, rq, &r));
	return value_reply(cx, rq, rp, 200, &r);
}

/* {"name","conditions"}: as a rule's title and conditions. */
static void
read_value(struct ctx *cx, const json_t *obj, unsigned *has, struct rule *in)
{
	const json_t *name = json_object_get(obj, "name");
	json_t *rule = json_object();

	if (name != NULL)
		json_object_set(rule, "title", (json_t *)(uintptr_t)name);
	if (json_object_get(obj, "conditions") != NULL)
		json_object_set(rule, "conditions", json_object_get(obj, "conditions"));
	rule_read(cx, rule, RULE_SKILL, has, in);
	in->title = str_dup(cx->arena, in->title);
	json_decref(rule);
}

static enum err
value_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule in = { .active = true }, out;
	unsigned has = RULE_EXTRA;
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, "attribute_value", &obj));
	if (obj == NULL)
		return OK;
	TRY(def_get(cx, DEF_SKILL, rq->param[0], &d));
	read_value(cx, obj, &has, &in);
	in.extra = str_printf(cx->arena, "{\"attribute_id\":%lld}", (long long)d.id);
	TRY(rule_create(cx, RULE_SKILL, has, &in, &out));
	return value_reply(cx, rq, rp, 201, &out);
}

static enum err
value_patch(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule in = { 0 }, out;
	const json_t *obj;
	unsigned has = 0;

	TRY(api_body(cx, rq, rp, "attribute_value", &obj));
	if (obj == NULL)
		return OK;
	TRY(value_of_path(cx, rq, &out));
	read_value(cx, obj, &has, &in);
	TRY(rule_update(cx, RULE_SKILL, out.id, has, &in, &out));
	return value_reply(cx, rq, rp, 200, &out);
}

static enum err
value_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule r;

	TRY(value_of_path(cx, rq, &r));
	TRY(rule_delete(cx, RULE_SKILL, r.id));
	api_empty(rp, 204);
	return OK;
}

/* ---- who has them, which tickets ask for them ------------------------------------------------------------------------ */

static enum err
instances_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, enum skill_of kind, int64_t of_id)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct skill *s;
	struct rule *r;
	struct json j;
	int n, k;

	TRY(skill_list(cx, kind, of_id, &s, &k));
	TRY(all_values(cx, &r, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "attribute_values");
	jw_arr(&j);
	for (int i = 0; i < k; i++) {
		const struct rule *v = value_by_id(r, n, s[i].value_id);
		if (v != NULL)
			json_value(&j, cx, base, v, &s[i]);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static void
read_priority(struct ctx *cx, const json_t *v, struct skill *s)
{
	str p = json_text(cx, v);

	if (v == NULL || json_is_null(v))
		return;
	s->high_set = true;
	s->high = str_eq(p, S("HIGH"));
	if (!s->high && !str_eq(p, S("NORMAL")))
		bad(cx, "agent_skill_priority", "InvalidValue", "Agent skill priority: must be NORMAL or HIGH");
}

/* {"attribute_value_ids":["1"]}, or {"attribute_values":[{"id","agent_skill_priority"}]}. False: 400 in rp. */
static bool
read_skills(struct ctx *cx, const json_t *obj, struct http_reply *rp, struct skill **out, int *n)
{
	const json_t *list = json_object_get(obj, "attribute_value_ids"), *one;
	size_t i;

	if (list == NULL)
		list = json_object_get(obj, "attribute_values");
	if (!json_is_array(list) || json_array_size(list) > VALUES_MAX) {
		(void)!api_error(rp, 400, "ParameterMissing", "Parameter attribute_value_ids is required: an array of at most 1000 ids");
		return false;
	}
	*out = NEW(cx->arena, struct skill, json_array_size(list) + 1);
	*n = (int)json_array_size(list);
	json_array_foreach(list, i, one) {
		if (!json_id(json_is_object(one) ? json_object_get(one, "id") : one, &(*out)[i].value_id))
			bad(cx, "attribute_value_ids", "InvalidValue", "Attribute values: each must be the id of a value");
		read_priority(cx, json_object_get(one, "agent_skill_priority"), &(*out)[i]);
	}
	return true;
}

static enum err
set_instances(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum skill_of kind)
{
	const json_t *obj;
	struct skill *s;
	int n;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL || !read_skills(cx, obj, rp, &s, &n))
		return OK;
	TRY(skill_set(cx, kind, rq->param[0], SKILL_SET, s, n));
	return instances_reply(cx, rq, rp, kind, rq->param[0]);
}

static enum err agent_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return instances_reply(cx, rq, rp, SKILL_AGENT, rq->param[0]); }
static enum err agent_set(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return set_instances(cx, rq, rp, SKILL_AGENT); }
static enum err ticket_list_(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return instances_reply(cx, rq, rp, SKILL_TICKET, rq->param[0]); }
static enum err ticket_set(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return set_instances(cx, rq, rp, SKILL_TICKET); }

/* ?filter[agent_ids]=1,2: all that they have, on one page. */
static enum err
agents(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t *ids;
	struct rule *r;
	struct json j;
	int n, count, total = 0;

	if (!api_ids(cx, rq, rp, "filter[agent_ids]", AGENTS_MAX, &ids, &count))
		return OK;
	TRY(all_values(cx, &r, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "instance_values");
	jw_arr(&j);
	for (int i = 0; i < count; i++) {
		struct skill *s;
		int k;
		enum err e = skill_list(cx, SKILL_AGENT, ids[i], &s, &k);
		if (e == E_ABSENT) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		for (int a = 0; a < k; a++) {
			const struct rule *v = value_by_id(r, n, s[a].value_id);
			if (v == NULL)
				continue;
			jw_obj(&j);
			value_members(&j, cx, base, v);
			jw_kstr(&j, "id", number(cx, s[a].id));
			jw_kint(&j, "agent_id", ids[i]);
			jw_kstr(&j, "attribute_value_id", number(cx, v->id));
			jw_kz(&j, "agent_skill_priority", s[a].high ? "HIGH" : "NORMAL");
			jw_ktime(&j, "created_at", s[a].created_at);
			jw_ktime(&j, "updated_at", s[a].updated_at);
			jw_end_obj(&j);
			total++;
		}
	}
	jw_end_arr(&j);
	jw_kint(&j, "count", total);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_end_obj(&j);
	return OK;
}

static bool
how_of(str word, enum skill_how *out)
{
	static const struct { const char *word; enum skill_how how; } hows[] = { { "upsert", SKILL_ADD }, { "update", SKILL_SET }, { "delete", SKILL_REMOVE } };

	for (size_t i = 0; i < COUNT(hows); i++)
		if (str_eq(word, str_of(hows[i].word)))
			return *out = hows[i].how, true;
	return false;
}

/* {"job":{"action","attributes":{"attribute_values":[...]},"items":[ids]}}: an item per agent. */
static enum err
agents_job(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *items, *one;
	json_t *list;
	enum skill_how how;
	size_t i;
	enum err e;

	TRY(api_body(cx, rq, rp, "job", &obj));
	if (obj == NULL)
		return OK;
	items = json_object_get(obj, "items");
	if (!how_of(json_text(cx, json_object_get(obj, "action")), &how) || !json_is_array(items) || json_array_size(items) > AGENTS_MAX
	    || !json_is_array(json_object_get(json_object_get(obj, "attributes"), "attribute_values")))
		return api_error(rp, 400, "InvalidValue", "Parameter job needs an action (upsert, update, delete), at most 100 items and"
		    " attributes.attribute_values");
	list = json_array();
	json_array_foreach(items, i, one)
		json_array_append_new(list, json_pack("{s:O,s:O,s:O}", "id", one, "action", json_object_get(obj, "action"), "attribute_values",
		    json_object_get(json_object_get(obj, "attributes"), "attribute_values")));
	e = queue_job(cx, rq, rp, JOB_SKILLS, list, "items");
	json_decref(list);
	return e;
}

enum err
skills_item(struct ctx *cx, const json_t *one, int64_t *id)
{
	struct http_reply rp = { 0 };
	enum skill_how how;
	struct skill *s;
	int n;

	if (!json_id(json_object_get(one, "id"), id) || *id == 0 || !how_of(json_text(cx, json_object_get(one, "action")), &how))
		return fail(cx, E_INVALID, "id", "id must be an id");
	if (!read_skills(cx, one, &rp, &s, &n))
		return fail(cx, E_INVALID, "attribute_values", "must be an array");
	TRY(bad_check(cx));
	return skill_set(cx, SKILL_AGENT, *id, how, s, n);
}

static enum err
fulfilled(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t *ids, *out;
	struct json j;
	int n, count;

	if (!api_ids(cx, rq, rp, "ticket_ids", 100, &ids, &n))
		return OK;
	out = NEW(cx->arena, int64_t, n + 1);
	TRY(skill_fulfilled(cx, ids, n, out, &count));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "fulfilled_ticket_ids");
	jw_arr(&j);
	for (int i = 0; i < count; i++)
		jw_int(&j, out[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- exports ----------------------------------------------------------------------------------------------------------- */

#define EVENTS_MAX 1000
#define LATE_FOR (60 * SECOND)       /* what was under way then is in by now: the cursor goes no further, and the rest comes again */

static void
json_event(struct json *j, struct ctx *cx, enum skill_thing what, const struct skill_event *e)
{
	jw_obj(j);
	jw_kstr(j, "id", number(cx, e->id));
	if (what == SKILL_INSTANCE) {
		jw_kstr(j, "attribute_value_id", number(cx, e->value_id));
		jw_kstr(j, "instance_id", number(cx, e->of_id));
		jw_kz(j, "type", e->kind == SKILL_AGENT ? e->gone ? "unassociate_agent" : "associate_agent" : e->gone ? "unassociate_ticket" : "associate_ticket");
	} else {
		if (what == SKILL_VALUE)
			jw_kstr(j, "attribute_id", number(cx, e->attribute_id));
		jw_kstr(j, "name", e->name);
		jw_kz(j, "type", e->gone ? "delete" : e->made ? "create" : "update");
	}
	jw_ktime(j, "time", e->at);
	jw_end_obj(j);
}

/* ?cursor=AT-KEY, as next_page has it. */
static enum err
events(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum skill_thing what, const char *name)
{
	const str *cursor = http_query(rq, "cursor");
	usec at = 0, newest = 0;
	int64_t key = 0;
	struct skill_event *e;
	struct json j;
	str rest;
	int n;

	if (cursor != NULL && cursor->n) {
		rest = *cursor;
		if (!str_int(str_cut(&rest, '-'), &at) || !str_int(rest, &key) || at < 0 || key < 0)
			return api_error(rp, 400, "InvalidValue", "Parameter cursor must be that of a next_page");
	}
	TRY(skill_events(cx, what, at, key, EVENTS_MAX, &e, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, name);
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_event(&j, cx, what, &e[i]);
		newest = e[i].at;
		if (e[i].at <= cx->now - LATE_FOR)
			at = e[i].at, key = e[i].key;
	}
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_kint(&j, "end_time", newest / SECOND);
	jw_kstr(&j, "next_page", str_printf(cx->arena, STR_F "/api/v2/incremental/routing/%s.json?cursor=%lld-%lld", STR_A(api_base(cx, rq)), name,
	    (long long)at, (long long)key));
	jw_end_obj(&j);
	return OK;
}

static enum err attribute_events(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return events(cx, rq, rp, SKILL_ATTRIBUTE, "attributes"); }
static enum err value_events(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return events(cx, rq, rp, SKILL_VALUE, "attribute_values"); }
static enum err instance_events(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return events(cx, rq, rp, SKILL_INSTANCE, "instance_values"); }

const struct route routing_routes[] = {
	{ GET,    "/api/v2/routing/attributes",                       MAY_READ_RULES,    0,        attributes,       0 },
	{ POST,   "/api/v2/routing/attributes",                       MAY_MANAGE_RULES,  16 * KiB, attribute_post,   0 },
	{ GET,    "/api/v2/routing/attributes/definitions",           MAY_READ_RULES,    0,        definitions,      0 },
	{ GET,    "/api/v2/routing/attributes/{id}",                  MAY_READ_RULES,    0,        attribute_show,   0 },
	{ PUT,    "/api/v2/routing/attributes/{id}",                  MAY_MANAGE_RULES,  16 * KiB, attribute_put,    0 },
	{ DELETE, "/api/v2/routing/attributes/{id}",                  MAY_MANAGE_RULES,  0,        attribute_delete, 0 },
	{ GET,    "/api/v2/routing/attributes/{id}/values",           MAY_READ_RULES,    0,        values,           0 },
	{ POST,   "/api/v2/routing/attributes/{id}/values",           MAY_MANAGE_RULES,  2 * MiB,  value_post,       0 },
	{ GET,    "/api/v2/routing/attributes/{id}/values/{id}",      MAY_READ_RULES,    0,        value_show,       0 },
	{ PATCH,  "/api/v2/routing/attributes/{id}/values/{id}",      MAY_MANAGE_RULES,  2 * MiB,  value_patch,      0 },
	{ DELETE, "/api/v2/routing/attributes/{id}/values/{id}",      MAY_MANAGE_RULES,  0,        value_delete,     0 },
	{ GET,    "/api/v2/routing/agents/instance_values",           MAY_READ_RULES,    0,        agents,           0 },
	{ POST,   "/api/v2/routing/agents/instance_values/jobs",      MAY_MANAGE_RULES,  1 * MiB,  agents_job,       0 },
	{ GET,    "/api/v2/routing/agents/{id}/instance_values",      MAY_READ_RULES,    0,        agent_list,       0 },
	{ POST,   "/api/v2/routing/agents/{id}/instance_values",      MAY_MANAGE_RULES,  256 * KiB, agent_set,       0 },
	{ GET,    "/api/v2/routing/tickets/{id}/instance_values",     MAY_READ_TICKET,   0,        ticket_list_,     0 },
	{ POST,   "/api/v2/routing/tickets/{id}/instance_values",     MAY_UPDATE_TICKET, 256 * KiB, ticket_set,      0 },
	{ GET,    "/api/v2/routing/requirements/fulfilled",           MAY_READ_TICKET,   0,        fulfilled,        0 },
	{ GET,    "/api/v2/incremental/routing/attributes",           MAY_EXPORT,        0,        attribute_events, 0 },
	{ GET,    "/api/v2/incremental/routing/attribute_values",     MAY_EXPORT,        0,        value_events,     0 },
	{ GET,    "/api/v2/incremental/routing/instance_values",      MAY_EXPORT,        0,        instance_events,  0 },
	{ 0 }
};
