/* triggers.c - /api/v2/triggers, /trigger_categories, and the trial of any rule. */
#include "api/rules.h"

static const struct rule_api api = { RULE_TRIGGER, "trigger", "triggers", "triggers" };

static enum err list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, -1); }
static enum err active(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, 1); }
static enum err show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &api); }
static enum err post(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_post(cx, rq, rp, &api, 201); }
static enum err put(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_put(cx, rq, rp, &api); }
static enum err destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &api); }
static enum err update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_update_many(cx, rq, rp, &api); }
static enum err destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_destroy_many(cx, rq, rp, &api); }
static enum err definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_definitions(cx, rq, rp, &api); }

static enum err
reorder(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *list_, *one;
	int64_t *ids;
	size_t i;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	list_ = json_object_get(obj, "trigger_ids");
	if (!json_is_array(list_))
		return api_error(rp, 400, "ParameterMissing", "Parameter trigger_ids is required: an array of ids");
	ids = NEW(cx->arena, int64_t, json_array_size(list_) + 1);
	json_array_foreach(list_, i, one)
		if (!json_id(one, &ids[i]) || ids[i] == 0) {
			bad(cx, "trigger_ids", "InvalidValue", "Trigger ids: must be an array of ids");
			return bad_check(cx);
		}
	TRY(rule_reorder(cx, RULE_TRIGGER, ids, (int)i));
	return list(cx, rq, rp);
}

/* ---- revisions ------------------------------------------------------------------------------------------------- */

static void
json_revision(struct json *j, struct ctx *cx, const char *base, int64_t trigger, const struct rule_revision *r)
{
	jw_obj(j);
	jw_kint(j, "id", r->id);
	jw_kid(j, "author_id", r->author_id);
	jw_ktime(j, "created_at", r->created_at);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/triggers/%lld/revisions/%lld.json", base, (long long)trigger, (long long)r->id));
	jw_key(j, "snapshot");
	jw_obj(j);
	jw_kstr(j, "title", r->title);
	if (r->description.n)
		jw_kstr(j, "description", r->description);
	else
		jw_knull(j, "description");
	jw_kbool(j, "active", r->active);
	jw_kraw(j, "conditions", r->conditions);
	jw_kraw(j, "actions", r->actions);
	jw_end_obj(j);
	jw_end_obj(j);
}

static enum err
revisions(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct rule_revision *r;
	struct json j;
	int n;

	TRY(revision_list(cx, rq->param[0], &r, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "trigger_revisions");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_revision(&j, cx, base, rq->param[0], &r[i]);
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_knull(&j, "after_cursor");
	jw_knull(&j, "after_url");
	jw_knull(&j, "before_cursor");
	jw_knull(&j, "before_url");
	jw_end_obj(&j);
	return OK;
}

static enum err
revision(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule_revision *r;
	struct json j;
	int n;

	TRY(revision_list(cx, rq->param[0], &r, &n));
	for (int i = 0; i < n; i++)
		if (r[i].id == rq->param[1]) {
			api_begin(rp, &j, 200);
			jw_obj(&j);
			jw_key(&j, "trigger_revision");
			json_revision(&j, cx, z_of(cx, api_base(cx, rq)), rq->param[0], &r[i]);
			jw_end_obj(&j);
			return OK;
		}
	return fail(cx, E_ABSENT, NULL, "no such revision");
}

/* ---- categories -------------------------------------------------------------------------------------------------- */

static void
json_category(struct json *j, struct ctx *cx, const struct rule_category *c, bool counts)
{
	jw_obj(j);
	jw_kstr(j, "id", str_printf(cx->arena, "%lld", (long long)c->id));
	jw_kstr(j, "name", c->name);
	jw_kint(j, "position", c->position);
	jw_ktime(j, "created_at", c->created_at);
	jw_ktime(j, "updated_at", c->updated_at);
	if (counts) {
		jw_kint(j, "active_count", c->active);
		jw_kint(j, "inactive_count", c->inactive);
	}
	jw_end_obj(j);
}

static int64_t
category_at(const void *list_, int i)
{
	return ((const struct rule_category *)list_)[i].id;
}

static enum err
categories(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule_category *c;
	struct paging p;
	struct json j;
	int total, from, n;
	bool more;

	TRY(category_list(cx, &c, &total));
	if (!rules_page(cx, rq, rp, total, category_at, c, &p, &from, &n, &more))
		return OK;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "trigger_categories");
	jw_arr(&j);
	for (int i = from; i < from + n; i++)
		json_category(&j, cx, &c[i], api_includes(rq, "rule_counts"));
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ from, c[from].id } : (struct place){ 0, 0 },
	    n ? (struct place){ from + n - 1, c[from + n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return OK;
}

static enum err
category_reply(struct ctx *cx, struct http_reply *rp, int status, const struct rule_category *c)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "trigger_category");
	json_category(&j, cx, c, false);
	jw_end_obj(&j);
	return OK;
}

static enum err
category_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule_category c;

	TRY(category_get(cx, rq->param[0], &c));
	return category_reply(cx, rp, 200, &c);
}

static enum err
category_write(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct { str name; int64_t position; } in = { S(""), 0 };
	const struct field table[] = {
		{ "name",     F_PLAIN, offsetof(__typeof__(in), name),     0, false },
		{ "position", F_ID,    offsetof(__typeof__(in), position), 0, false },
	};
	struct rule_category c;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "trigger_category", &obj));
	if (obj == NULL)
		return OK;
	if (rq->param[0])
		TRY(category_get(cx, rq->param[0], &c));
	api_fields(cx, obj, table, COUNT(table), &in, NULL);
	TRY(bad_check(cx));
	TRY(category_put(cx, rq->param[0], in.name, in.position, &c));
	return category_reply(cx, rp, rq->param[0] ? 200 : 201, &c);
}

static enum err
category_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(category_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* {"job":{"action":"patch","items":{"trigger_categories":[{id,position}],"triggers":[{id,active,position,category_id}]}}}: all or none. */
struct batch { const json_t *categories, *triggers; int64_t *category; int n; };

static enum err
batch_tx(struct ctx *cx, void *arg)
{
	struct batch *b = arg;
	const json_t *one;
	size_t i;

	json_array_foreach(b->categories, i, one) {
		struct rule_category c;
		int64_t id = 0, position = 0;
		if (!json_id(json_object_get(one, "id"), &id) || id == 0)
			bad(cx, "trigger_categories", "InvalidValue", "Trigger categories: each needs an id");
		(void)json_id(json_object_get(one, "position"), &position);
		TRY(bad_check(cx));
		TRY(category_put(cx, id, json_text(cx, json_object_get(one, "name")), position, &c));
	}
	json_array_foreach(b->triggers, i, one) {
		struct rule in = { 0 }, out;
		unsigned has = 0;
		int64_t id = 0;
		if (!json_id(json_object_get(one, "id"), &id) || id == 0)
			bad(cx, "triggers", "InvalidValue", "Triggers: each needs an id");
		rule_read(cx, one, RULE_TRIGGER, &has, &in);
		TRY(bad_check(cx));
		TRY(rule_update(cx, RULE_TRIGGER, id, has & (RULE_ACTIVE | RULE_POSITION | RULE_CATEGORY), &in, &out));
	}
	return OK;
}

static enum err
category_jobs(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct batch b = { 0 };
	struct rule_category *c;
	struct rule *r;
	const json_t *obj, *items, *one;
	struct json j;
	size_t i;
	int nc, nr;

	TRY(api_body(cx, rq, rp, "job", &obj));
	if (obj == NULL)
		return OK;
	if (!str_eq(json_text(cx, json_object_get(obj, "action")), S("patch")) || !json_is_object(items = json_object_get(obj, "items")))
		return api_error(rp, 400, "InvalidValue", "A job needs the action \"patch\" and items");
	b.categories = json_object_get(items, "trigger_categories");
	b.triggers = json_object_get(items, "triggers");
	TRY(store_write(cx, batch_tx, &b));
	TRY(category_list(cx, &c, &nc));
	TRY(rule_list(cx, &(struct rule_filter){ .kind = RULE_TRIGGER, .active = -1 }, &r, &nr));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kz(&j, "status", "complete");
	jw_kraw(&j, "errors", S("[]"));
	jw_key(&j, "results");
	jw_obj(&j);
	jw_key(&j, "trigger_categories");
	jw_arr(&j);
	json_array_foreach(b.categories, i, one) {
		int64_t id = 0;
		(void)json_id(json_object_get(one, "id"), &id);
		for (int k = 0; k < nc; k++)
			if (c[k].id == id)
				json_category(&j, cx, &c[k], false);
	}
	jw_end_arr(&j);
	jw_key(&j, "triggers");
	jw_arr(&j);
	json_array_foreach(b.triggers, i, one) {
		int64_t id = 0;
		(void)json_id(json_object_get(one, "id"), &id);
		for (int k = 0; k < nr; k++)
			if (r[k].id == id)
				json_rule(&j, cx, base, &r[k], NULL);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- trials ---------------------------------------------------------------------------------------------------------- */

/* {"ticket_id":35,"audit_id":null,"kind":"trigger","rule_id":7} or "rule":{...} instead of rule_id: what held and what it
 * would do. Conditions are answered with true or false and the kind of their value, never with the ticket's own. */
static enum err
dry_run(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const struct { const char *word; enum rule_kind kind; } kinds[] = { { "trigger", RULE_TRIGGER },
	    { "automation", RULE_AUTOMATION }, { "macro", RULE_MACRO }, { "view", RULE_VIEW }, { "sla_policy", RULE_SLA } };
	const char *base = z_of(cx, api_base(cx, rq));
	const json_t *obj, *draft;
	struct rule r = { .active = true, .conditions = S("{\"all\":[],\"any\":[]}") };
	struct rule_try t;
	int64_t ticket_id = 0, audit_id = 0, rule_id = 0;
	struct json j;
	unsigned has = 0;
	str kind;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	kind = json_text(cx, json_object_get(obj, "kind"));
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_eq(kind, str_of(kinds[i].word)))
			r.kind = kinds[i].kind;
	if (r.kind == 0)
		bad(cx, "kind", "InvalidValue", "Kind: must be one of trigger, automation, macro, view, sla_policy");
	if (!json_id(json_object_get(obj, "ticket_id"), &ticket_id) || ticket_id == 0)
		bad(cx, "ticket_id", "BlankValue", "Ticket id: is required and must be an id");
	if (json_object_get(obj, "audit_id") != NULL && !json_is_null(json_object_get(obj, "audit_id"))
	    && !json_id(json_object_get(obj, "audit_id"), &audit_id))
		bad(cx, "audit_id", "InvalidValue", "Audit id: must be an id");
	draft = json_object_get(obj, "rule");
	if (draft == NULL && (!json_id(json_object_get(obj, "rule_id"), &rule_id) || rule_id == 0))
		bad(cx, "rule_id", "BlankValue", "Rule id: is required, or rule with a draft");
	if (draft != NULL && !json_is_object(draft))
		bad(cx, "rule", "InvalidValue", "Rule: must be an object");
	TRY(bad_check(cx));
	TRY(ticket_visible(cx, ticket_id));
	if (draft == NULL)
		TRY(rule_get(cx, r.kind, rule_id, &r));
	else {
		rule_read(cx, draft, r.kind, &has, &r);
		if (!(has & RULE_CONDITIONS))
			r.conditions = S("{\"all\":[],\"any\":[]}");
	}
	TRY(rule_dry_run(cx, &r, ticket_id, audit_id, &t));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "ticket_id", ticket_id);
	jw_kint(&j, "audit_id", t.audit_id);
	jw_kid(&j, "rule_id", r.id);
	jw_kbool(&j, "matches", t.holds);
	jw_key(&j, "conditions");
	jw_arr(&j);
	for (int i = 0; i < t.cond_count; i++) {
		jw_obj(&j);
		jw_kz(&j, "list", t.cond[i].any ? "any" : "all");
		jw_kstr(&j, "field", t.cond[i].field);
		jw_kz(&j, "operator", t.cond[i].op);
		jw_kz(&j, "value_kind", t.cond[i].kind);
		jw_kbool(&j, "holds", t.cond[i].holds);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_kbool(&j, "cycle", t.cycle);
	jw_key(&j, "would");
	jw_arr(&j);
	for (int i = 0; i < t.audit.event_count; i++) {
		const struct audit_event *e = &t.audit.event[i];
		int64_t field;
		if (e->field.n && e->field.p[0] >= '0' && e->field.p[0] <= '9' && str_int(e->field, &field) && !field_readable(cx, field))
			continue;
		jw_obj(&j);
		jw_kstr(&j, "type", e->type);
		if (e->field.n) {
			jw_kstr(&j, "field_name", e->field);
			jw_kraw(&j, "value", reveal(cx, e->value, TO_SHOW_ACTOR));
			jw_kraw(&j, "previous_value", reveal(cx, e->previous, TO_SHOW_ACTOR));
		}
		jw_end_obj(&j);
	}
	for (int i = 0; i < t.notice_count; i++) {
		jw_obj(&j);
		jw_kz(&j, "type", t.notice[i].kind == NOTICE_MAIL ? "Mail" : "Webhook");
		jw_key(&j, "recipients");
		jw_arr(&j);
		for (int k = 0; k < t.notice[i].user_count; k++)
			jw_int(&j, t.notice[i].user_id[k]);
		jw_end_arr(&j);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_kstr(&j, "ticket_url", str_printf(cx->arena, "%s/api/v2/tickets/%lld.json", base, (long long)ticket_id));
	jw_end_obj(&j);
	return look_one(cx, "ticket", ticket_id, "rules");
}

/* ---- settings ------------------------------------------------------------------------------------------------------------ */

/* Who hears of comments while no trigger says so: the built-in rule (desk/notify.c). */
static enum err
settings(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *v;
	struct json j;

	if (rq->method == PUT) {
		TRY(api_body(cx, rq, rp, "rules", &obj));
		if (obj == NULL)
			return OK;
		v = json_object_get(obj, "builtin_notifications");
		if (!json_is_boolean(v)) {
			bad(cx, "builtin_notifications", "InvalidValue", "Builtin notifications: must be true or false");
			return bad_check(cx);
		}
		TRY(gate_setting_set(cx, "builtin_notifications", json_is_true(v) ? S("true") : S("false")));
	}
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "rules");
	jw_obj(&j);
	jw_kbool(&j, "builtin_notifications", gate_setting_bool(cx, "builtin_notifications", true));
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

const struct route trigger_routes[] = {
	{ GET,    "/api/v2/triggers",                     MAY_READ_RULES,   0,        list,            0 },
	{ POST,   "/api/v2/triggers",                     MAY_MANAGE_RULES, 2 * MiB,  post,            0 },
	{ GET,    "/api/v2/triggers/active",              MAY_READ_RULES,   0,        active,          0 },
	{ GET,    "/api/v2/triggers/definitions",         MAY_READ_RULES,   0,        definitions,     0 },
	{ DELETE, "/api/v2/triggers/destroy_many",        MAY_MANAGE_RULES, 0,        destroy_many,    0 },
	{ PUT,    "/api/v2/triggers/reorder",             MAY_MANAGE_RULES, 256 * KiB, reorder,        0 },
	{ GET,    "/api/v2/triggers/search",              MAY_READ_RULES,   0,        list,            0 },
	{ PUT,    "/api/v2/triggers/update_many",         MAY_MANAGE_RULES, 2 * MiB,  update_many,     0 },
	{ GET,    "/api/v2/triggers/{id}",                MAY_READ_RULES,   0,        show,            0 },
	{ PUT,    "/api/v2/triggers/{id}",                MAY_MANAGE_RULES, 2 * MiB,  put,             0 },
	{ DELETE, "/api/v2/triggers/{id}",                MAY_MANAGE_RULES, 0,        destroy,         0 },
	{ GET,    "/api/v2/triggers/{id}/revisions",      MAY_READ_RULES,   0,        revisions,       0 },
	{ GET,    "/api/v2/triggers/{id}/revisions/{id}", MAY_READ_RULES,   0,        revision,        0 },
	{ GET,    "/api/v2/trigger_categories",           MAY_READ_RULES,   0,        categories,      0 },
	{ POST,   "/api/v2/trigger_categories",           MAY_MANAGE_RULES, 64 * KiB, category_write,  0 },
	{ POST,   "/api/v2/trigger_categories/jobs",      MAY_MANAGE_RULES, 2 * MiB,  category_jobs,   0 },
	{ GET,    "/api/v2/trigger_categories/{id}",      MAY_READ_RULES,   0,        category_show,   0 },
	{ PATCH,  "/api/v2/trigger_categories/{id}",      MAY_MANAGE_RULES, 64 * KiB, category_write,  0 },
	{ PUT,    "/api/v2/trigger_categories/{id}",      MAY_MANAGE_RULES, 64 * KiB, category_write,  0 },
	{ DELETE, "/api/v2/trigger_categories/{id}",      MAY_MANAGE_RULES, 0,        category_remove, 0 },
	{ GET,    "/api/ward/v1/rules/settings",          MAY_ADMIN,        0,        settings,        0 },
	{ PUT,    "/api/ward/v1/rules/settings",          MAY_ADMIN,        4 * KiB,  settings,        0 },
	{ POST,   "/api/ward/v1/rules/dry_run",           MAY_READ_TICKET,  2 * MiB,  dry_run,         0 },
	{ 0 }
};
