/* defs.c - what administrators define: ticket, user and organization fields,
 * forms, statuses, brands, dynamic content, custom roles, deletion schedules.
 *
 * One row per resource says what it is called on the wire; its members are
 * desk's table (desk/def.c), so one handler shows, makes, changes, orders and
 * removes all of them. What Zendesk does differently for one of them is below
 * its name.
 */
#include "api/in.h"

struct resource {
	const char   *path, *wrapper;       /* "ticket_fields", "ticket_field" */
	enum def_kind kind;
	int           create_status;
	bool          has_url;
};
static const struct resource resources[] = {
	{ "ticket_fields",         "ticket_field",         DEF_TICKET_FIELD, 201, true },
	{ "user_fields",           "user_field",           DEF_USER_FIELD,   201, true },
	{ "organization_fields",   "organization_field",   DEF_ORG_FIELD,    201, true },
	{ "ticket_forms",          "ticket_form",          DEF_TICKET_FORM,  201, true },
	{ "custom_statuses",       "custom_status",        DEF_STATUS,       201, true },
	{ "brands",                "brand",                DEF_BRAND,        201, true },
	{ "custom_roles",          "custom_role",          DEF_ROLE,         200, true },
	{ "deletion_schedules",    "deletion_schedule",    DEF_SCHEDULE,     201, true },
	{ "ticket_form_statuses",  "ticket_form_status",   DEF_FORM_STATUS,  200, false },
	{ "dynamic_content/items", "item",                 DEF_CONTENT,      201, true },
	{ "recipient_addresses",   "recipient_address",    DEF_ADDRESS,      201, false },
};

static const struct resource *
resource_of(const struct http_req *rq)
{
	str rest = str_sub(rq->path, sizeof "/api/v2/" - 1, rq->path.n);

	for (size_t i = 0; i < COUNT(resources); i++) {
		str p = str_of(resources[i].path);
		if (str_starts(rest, p) && (rest.n == p.n || rest.p[p.n] == '/' || rest.p[p.n] == '.'))
			return &resources[i];
	}
	return &resources[0];
}

/* An end user sees what the portal shows. */
static bool
visible(const struct ctx *cx, const struct def *d)
{
	if (cx->actor != NULL && cx->actor->role >= ROLE_AGENT)
		return true;
	switch (d->kind) {
	case DEF_TICKET_FIELD: return d->active && def_bool(d, "visible_in_portal") && (!def_bool(d, "removable")
		    || field_access(cx, d) != FIELD_NONE);
	case DEF_TICKET_FORM:  return d->active && def_bool(d, "end_user_visible");
	case DEF_STATUS:       return d->active;
	case DEF_BRAND:        return d->active;
	default:               return false;
	}
}

/* Zendesk's words for the system's own choices. */
static void
system_options(struct json *j, str type)
{
	static const char *const priorities[][2] = { { "Low", "low" }, { "Normal", "normal" }, { "High", "high" }, { "Urgent", "urgent" } };
	static const char *const types[][2] = { { "Question", "question" }, { "Incident", "incident" }, { "Problem", "problem" }, { "Task", "task" } };
	static const char *const states[][2] = { { "Open", "open" }, { "Pending", "pending" }, { "On-hold", "hold" }, { "Solved", "solved" } };
	const char *const (*list)[2] = str_eq(type, S("priority")) ? priorities : str_eq(type, S("tickettype")) ? types
	    : str_eq(type, S("status")) ? states : NULL;

	if (list == NULL)
		return;
	jw_key(j, "system_field_options");
	jw_arr(j);
	for (int i = 0; i < 4; i++) {
		jw_obj(j);
		jw_kz(j, "name", list[i][0]);
		jw_kz(j, "value", list[i][1]);
		jw_end_obj(j);
	}
	jw_end_arr(j);
	if (list == types || list == priorities)
		jw_kint(j, "sub_type_id", list == types ? 0 : 1);
}

static void
json_status_brief(struct json *j, const struct defs *all)
{
	int n;
	const struct def *const *s = def_all(all, DEF_STATUS, &n);

	jw_key(j, "custom_statuses");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		jw_obj(j);
		jw_kint(j, "id", s[i]->id);
		jw_kstr(j, "agent_label", def_text(s[i], "agent_label"));
		jw_kstr(j, "end_user_label", def_text(s[i], "end_user_label"));
		jw_kstr(j, "status_category", def_text(s[i], "status_category"));
		jw_kbool(j, "active", s[i]->active);
		jw_kbool(j, "default", def_bool(s[i], "default"));
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static void
json_def(struct json *j, struct ctx *cx, const char *base, const struct resource *r, const struct defs *all, const struct def *d)
{
	int count;
	const struct def_member *m = def_members(d->kind, &count);
	str type = d->kind <= DEF_ORG_FIELD ? def_text(d, "type") : S("");
	bool options = str_eq(type, S("tagger")) || str_eq(type, S("multiselect")) || str_eq(type, S("dropdown"));
	bool person = d->kind == DEF_USER_FIELD || d->kind == DEF_ORG_FIELD, staff = cx->actor && cx->actor->role >= ROLE_AGENT;

	jw_obj(j);
	if (r->has_url)
		url_of(j, cx, base, r->path, d->id);
	if (d->kind == DEF_FORM_STATUS)        /* a string, as clients have it */
		jw_kstr(j, "id", str_printf(cx->arena, "%lld", (long long)d->id));
	else
		jw_kint(j, "id", d->id);
	for (int i = 0; i < count; i++) {
		const json_t *v = json_object_get(d->doc, m[i].name);
		if ((m[i].flags & D_HIDDEN) || (strncmp(m[i].name, "phi", 3) == 0 && (m[i].name[3] == 0 || m[i].name[3] == '_') && !staff))
			continue;
		if (strcmp(m[i].name, "custom_field_options") == 0 && !options)
			continue;
		if (strcmp(m[i].name, "sub_type_id") == 0 && (str_eq(type, S("priority")) || str_eq(type, S("tickettype"))))
			continue;
		if ((strcmp(m[i].name, "agent_description") == 0) && !staff)
			continue;
		if (d->kind == DEF_ROLE && strcmp(m[i].name, "team_member_count") == 0) {
			int64_t members = 0;
			if (gate_role_members(cx, d->id, &members) != OK)
				fail_forget(cx);
			jw_kint(j, m[i].name, members);
			continue;
		}
		jw_kraw(j, m[i].name, v ? json_compact(cx, v) : S("null"));
		if (m[i].flags & D_RAW)
			jw_kraw(j, z_of(cx, str_printf(cx->arena, "raw_%s", m[i].name)), v ? json_compact(cx, v) : S("null"));
	}
	system_options(j, type);
	if (str_eq(type, S("custom_status")) && !person)
		json_status_brief(j, all);
	if (d->kind == DEF_TICKET_FORM)
		jw_knull(j, "deleted_at");
	jw_ktime(j, "created_at", d->created_at);
	jw_ktime(j, "updated_at", d->updated_at);
	jw_end_obj(j);
}

enum err
sideload_roles(struct json *j, struct ctx *cx, const char *base, const int64_t *ids, int n)
{
	const struct resource *r = &resources[6];
	const struct defs *all;
	const struct def *const *d;
	int count;

	TRY(defs_get(cx, &all));
	d = def_all(all, DEF_ROLE, &count);
	jw_key(j, "roles");
	jw_arr(j);
	for (int i = 0; i < count; i++)
		for (int k = 0; k < n; k++)
			if (ids[k] == d[i]->id) {
				json_def(j, cx, base, r, all, d[i]);
				break;
			}
	jw_end_arr(j);
	return OK;
}

enum err
sideload_forms(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n)
{
	const struct defs *all;
	const struct def *f;

	TRY(defs_get(cx, &all));
	n = ids_unique(ids, n);
	jw_key(j, "ticket_forms");
	jw_arr(j);
	for (int i = 0; i < n; i++)
		if ((f = def_find(all, DEF_TICKET_FORM, ids[i])) != NULL)
			json_def(j, cx, base, &resources[3], all, f);
	jw_end_arr(j);
	return OK;
}

static enum err
one_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct resource *r, int status, const struct def *d)
{
	const struct defs *all;
	struct json j;

	TRY(defs_get(cx, &all));
	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, r->wrapper);
	json_def(&j, cx, z_of(cx, api_base(cx, rq)), r, all, d);
	jw_end_obj(&j);
	return OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	struct def d;

	TRY(def_get(cx, r->kind, rq->param[0], &d));
	if (!visible(cx, &d))
		return fail(cx, E_ABSENT, NULL, "no such thing");
	return one_reply(cx, rq, rp, r, 200, &d);
}

/* Fields of people may be named by their key. */
static enum err
show_by_key(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const struct def *const *all;
	const struct defs *d;
	int n;

	TRY(defs_get(cx, &d));
	all = def_all(d, r->kind, &n);
	for (int i = 0; i < n; i++)
		if (str_eq(def_text(all[i], "key"), rq->word[0]))
			return one_reply(cx, rq, rp, r, 200, all[i]);
	return fail(cx, E_ABSENT, NULL, "no such thing");
}

static bool
wanted(const struct http_req *rq, const struct def *d)
{
	static const char *const flags[][2] = { { "active", "active" }, { "end_user_visible", "end_user_visible" }, { "default", "default" } };
	const str *cat = http_query(rq, "status_categories"), *form = http_query(rq, "ticket_form_id");

	for (size_t i = 0; i < COUNT(flags); i++) {
		const str *q = http_query(rq, flags[i][0]);
		if (q != NULL && json_object_get(d->doc, flags[i][1]) != NULL
		    && (str_eq(*q, S("true")) || str_eq(*q, S("false"))) && def_bool(d, flags[i][1]) != str_eq(*q, S("true")))
			return false;
	}
	if (cat != NULL && d->kind == DEF_STATUS) {
		str rest = *cat;
		while (rest.n)
			if (str_eq(str_trim(str_cut(&rest, ',')), def_text(d, "status_category")))
				return true;
		return false;
	}
	if (form != NULL && d->kind == DEF_FORM_STATUS) {
		int64_t id;
		return str_int(*form, &id) && def_int(d, "ticket_form_id") == id;
	}
	return true;
}

/* A whole kind fits on a page or a few: a cursor is the place in the order of ids. */
static enum err
page_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct resource *r, const struct def **list, int n)
{
	static const char *const sorts[] = { "id", "position", "created_at", "updated_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	const struct defs *all;
	struct paging p;
	struct json j;
	int from = 0, to;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 4, 100, &p))
		return OK;
	TRY(defs_get(cx, &all));
	if (p.cursor && p.after) {
		while (from < n && list[from]->id != p.id)
			from++;
		from += from < n;
	} else if (p.cursor && p.before) {
		for (to = 0; to < n && list[to]->id != p.id; to++)
			;
		from = to > p.limit ? to - p.limit : 0;
		n = to;
	} else if (!p.cursor && http_query(rq, "page") == NULL && http_query(rq, "per_page") == NULL)
		p.limit = n > 100 ? n : 100;           /* Zendesk gives these whole when no page is asked for */
	else
		from = p.offset < n ? (int)p.offset : n;
	to = from + p.limit < n ? from + p.limit : n;
	more = to < n || p.before;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, r->kind == DEF_CONTENT ? "items" : r->path);
	jw_arr(&j);
	for (int i = from; i < to; i++)
		json_def(&j, cx, base, r, all, list[i]);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, to - from, more,
	    to > from ? (struct place){ list[from]->id, list[from]->id } : (struct place){ 0, 0 },
	    to > from ? (struct place){ list[to - 1]->id, list[to - 1]->id } : (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return OK;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const struct def *const *all, **some;
	const struct defs *d;
	int n, k = 0;

	TRY(defs_get(cx, &d));
	all = def_all(d, r->kind, &n);
	some = arena_alloc(cx->arena, sizeof *some, (size_t)n + 1, alignof(void *));
	for (int i = 0; i < n; i++)
		if (visible(cx, all[i]) && wanted(rq, all[i]))
			some[k++] = all[i];
	return page_reply(cx, rq, rp, r, some, k);
}

static enum err
show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const str *keys = http_query(rq, r->kind == DEF_CONTENT ? "identifiers" : "keys");
	const struct def *const *all, **some;
	const struct defs *d;
	int64_t *ids;
	int n, count, k = 0;

	TRY(defs_get(cx, &d));
	some = arena_alloc(cx->arena, sizeof *some, 102, alignof(void *));
	if (keys != NULL) {
		str rest = *keys;
		all = def_all(d, r->kind, &count);
		while (rest.n && k < 100) {
			str w = str_trim(str_cut(&rest, ','));
			for (int i = 0; i < count; i++)
				if (k < 100 && visible(cx, all[i]) && (r->kind == DEF_CONTENT
				    ? str_find(def_text(all[i], "placeholder"), str_printf(cx->arena, "dc." STR_F "}", STR_A(w))) != SIZE_MAX
				    : str_eq(def_text(all[i], "key"), w)))
					some[k++] = all[i];
		}
		return page_reply(cx, rq, rp, r, some, k);
	}
	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	for (int i = 0; i < n; i++) {
		const struct def *one = def_find(d, r->kind, ids[i]);
		if (one != NULL && visible(cx, one))
			some[k++] = one;
	}
	return page_reply(cx, rq, rp, r, some, k);
}

static enum err
count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const struct def *const *all;
	const struct defs *d;
	int n, k = 0;

	TRY(defs_get(cx, &d));
	all = def_all(d, r->kind, &n);
	for (int i = 0; i < n; i++)
		k += visible(cx, all[i]);
	count_reply(cx, rp, k);
	return OK;
}

static enum err
create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, r->wrapper, &obj));
	if (obj == NULL)
		return OK;
	TRY(def_create(cx, r->kind, obj, &d));
	if (r->create_status == 201)
		api_location(cx, rq, rp, r->path, d.id);
	return one_reply(cx, rq, rp, r, r->create_status, &d);
}

static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, r->wrapper, &obj));
	if (obj == NULL)
		return OK;
	TRY(def_update(cx, r->kind, rq->param[0], obj, &d));
	return one_reply(cx, rq, rp, r, 200, &d);
}

static enum err
destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(def_delete(cx, resource_of(rq)->kind, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* {"ticket_field_ids":[3,1]}, {"ticket_form_ids":[...]}, {"user_field_ids":[...]} */
static enum err
reorder(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const char *name = z_of(cx, str_printf(cx->arena, "%s_ids", r->wrapper));
	const json_t *obj, *list_in;
	int64_t *ids;
	json_t *w;
	size_t i;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	list_in = json_object_get(obj, name);
	if (!json_is_array(list_in) || json_array_size(list_in) > 400) {
		bad(cx, name, "InvalidValue", "Ids: must be an array of at most 400 ids");
		return bad_check(cx);
	}
	ids = NEW(cx->arena, int64_t, json_array_size(list_in) + 1);
	json_array_foreach(list_in, i, w)
		if (!json_id(w, &ids[i])) {
			bad(cx, name, "InvalidValue", "Ids: must be an array of ids");
			return bad_check(cx);
		}
	TRY(def_reorder(cx, r->kind, ids, (int)json_array_size(list_in)));
	return list(cx, rq, rp);
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

static void
json_option(struct json *j, struct ctx *cx, const char *base, const struct resource *r, int64_t field, const json_t *o)
{
	int64_t id = json_integer_value(json_object_get(o, "id"));

	jw_obj(j);
	jw_kint(j, "id", id);
	jw_kstr(j, "name", json_text(cx, json_object_get(o, "name")));
	jw_kstr(j, "raw_name", json_text(cx, json_object_get(o, "name")));
	jw_kstr(j, "value", json_text(cx, json_object_get(o, "value")));
	jw_kint(j, "position", json_integer_value(json_object_get(o, "position")));
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/%s/%lld/options/%lld.json", base, r->path, (long long)field, (long long)id));
	jw_end_obj(j);
}

static enum err
options(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const struct resource *r = resource_of(rq);
	const char *base = z_of(cx, api_base(cx, rq));
	const json_t *all;
	struct paging p;
	struct json j;
	struct def d;
	size_t n, from = 0, to;
	struct place first = { 0, 0 }, last = { 0, 0 };

	TRY(def_get(cx, r->kind, rq->param[0], &d));
	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	all = json_object_get(d.doc, "custom_field_options");
	n = json_array_size(all);
	if (p.after)
		while (from < n && json_integer_value(json_object_get(json_array_get(all, from++), "id")) != p.id)
			;
	else if (!p.cursor)
		from = (size_t)p.offset < n ? (size_t)p.offset : n;
	to = from + (size_t)p.limit < n ? from + (size_t)p.limit : n;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "custom_field_options");
	jw_arr(&j);
	for (size_t i = from; i < to; i++)
		json_option(&j, cx, base, r, d.id, json_array_get(all, i));
	jw_end_arr(&j);
	if (to > from) {
		first.id = first.value = json_integer_value(json_object_get(json_array_get(all, from), "id"));
		last.id = last.value = json_integer_value(json_object_get(json_array_get(all, to - 1), "id"));
	}
	api_page_end(&j, cx, rq, &p, (int)(to - from), to < n, first, last, (int64_t)n);
	jw_end_obj(&j);
	return OK;
}

static const json_t *
option_of(const struct def *d, int64_t id, size_t *at)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(d->doc, "custom_field_options"), i, o)
		if (json_integer_value(json_object_get(o, "id")) == id)
			return *at = i, o;
	return NULL;
}

static enum err
option_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const json_t *o;
	struct json j;
	struct def d;
	size_t at;

	TRY(def_get(cx, r->kind, rq->param[0], &d));
	if ((o = option_of(&d, rq->param[1], &at)) == NULL)
		return fail(cx, E_ABSENT, NULL, "no such option");
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "custom_field_option");
	json_option(&j, cx, z_of(cx, api_base(cx, rq)), r, d.id, o);
	jw_end_obj(&j);
	return OK;
}

struct option_change { enum def_kind kind; int64_t field, option; const json_t *in; struct def *out; int64_t *made; bool *fresh; };

/* The list is read and written in one transaction, so that two options added at once both stay. */
static enum err
option_tx(struct ctx *cx, void *arg)
{
	struct option_change *c = arg;
	json_t *doc, *all, *one;
	const json_t *o;
	struct def d;
	size_t at = 0, i;
	int64_t id = c->option;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(def_get(cx, c->kind, c->field, &d));
	all = json_deep_copy(json_object_get(d.doc, "custom_field_options"));
	doc = json_object();
	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	json_object_set_new(doc, "custom_field_options", all);
	if (c->in == NULL) {
		if (option_of(&d, id, &at) == NULL)
			return fail(cx, E_ABSENT, NULL, "no such option");
		json_array_remove(all, at);
		return def_update(cx, c->kind, c->field, doc, c->out);
	}
	if (!json_is_object(c->in) || (json_object_get(c->in, "id") != NULL && !json_is_null(json_object_get(c->in, "id"))
	    && !json_id(json_object_get(c->in, "id"), &id))) {
		bad(cx, "id", "InvalidValue", "Id: must be an id");
		return bad_check(cx);
	}
	one = json_deep_copy(c->in);
	*c->fresh = id == 0;
	if (id != 0) {
		if ((o = option_of(&d, id, &at)) == NULL) {
			json_decref(one);
			return fail(cx, E_ABSENT, NULL, "no such option");
		}
		if (json_object_get(one, "value") == NULL)
			json_object_set(one, "value", json_object_get(o, "value"));
		if (json_object_get(one, "name") == NULL)
			json_object_set(one, "name", json_object_get(o, "name"));
		json_object_set_new(one, "id", json_integer(id));
		json_array_set_new(all, at, one);
	} else {
		json_object_del(one, "id");
		json_array_append_new(all, one);
		at = json_array_size(all) - 1;
	}
	TRY(def_update(cx, c->kind, c->field, doc, c->out));
	i = at;
	*c->made = json_integer_value(json_object_get(json_array_get(json_object_get(c->out->doc, "custom_field_options"), i), "id"));
	return OK;
}

static enum err
option_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	const json_t *obj;
	struct json j;
	struct def d;
	int64_t made = 0;
	bool fresh = false;
	size_t at;

	TRY(api_body(cx, rq, rp, "custom_field_option", &obj));
	if (obj == NULL)
		return OK;
	TRY(store_write(cx, option_tx, &(struct option_change){ r->kind, rq->param[0], 0, obj, &d, &made, &fresh }));
	api_begin(rp, &j, fresh ? 201 : 200);
	jw_obj(&j);
	jw_key(&j, "custom_field_option");
	json_option(&j, cx, z_of(cx, api_base(cx, rq)), r, d.id, option_of(&d, made, &at));
	jw_end_obj(&j);
	return OK;
}

static enum err
option_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	struct def d;

	TRY(store_write(cx, option_tx, &(struct option_change){ r->kind, rq->param[0], rq->param[1], NULL, &d, NULL, NULL }));
	api_empty(rp, 204);
	return OK;
}

/* ---- forms and statuses --------------------------------------------------------------------------------------------- */

static enum err
form_clone(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct resource *r = resource_of(rq);
	struct def d, made;
	json_t *in;

	TRY(def_get(cx, DEF_TICKET_FORM, rq->param[0], &d));
	in = json_copy((json_t *)(uintptr_t)d.doc);
	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	json_object_set_new(in, "name", json_string(z_of(cx, str_printf(cx->arena, "Copy of " STR_F, STR_A(str_sub(def_text(&d, "name"), 0,
	    utf8_floor(def_text(&d, "name"), def_text(&d, "name").n < 240 ? def_text(&d, "name").n : 240)))))));
	json_object_del(in, "default");
	TRY(def_create(cx, DEF_TICKET_FORM, in, &made));
	return one_reply(cx, rq, rp, r, 200, &made);
}

static enum err
status_default(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct json j;
	int64_t ids[100];
	str rest;
	int n = 0;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	rest = json_text(cx, json_object_get(obj, "ids"));
	while (rest.n) {
		if (n == 100 || !str_int(str_trim(str_cut(&rest, ',')), &ids[n]) || ids[n] <= 0) {
			bad(cx, "ids", "InvalidValue", "Ids: must be a comma-separated list of at most 100 ids");
			return bad_check(cx);
		}
		n++;
	}
	if (n == 0) {
		bad(cx, "ids", "BlankValue", "Ids: cannot be blank");
		return bad_check(cx);
	}
	TRY(status_defaults(cx, ids, n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* {"ticket_form_statuses":[{"custom_status_id":1}]} below a form, {"ticket_form_status":[{"ticket_form_id":1}]} below a status. */
struct pairs { const json_t *list; int64_t form, status; };

static enum err
pairs_tx(struct ctx *cx, void *arg)
{
	struct pairs *p = arg;
	json_t *w;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)p->list, i, w) {
		json_t *in = json_object();
		int64_t form = p->form, st = p->status;
		struct def d;
		arena_defer(cx->arena, (void (*)(void *))json_decref, in);
		if ((form == 0 && !json_id(json_object_get(w, "ticket_form_id"), &form))
		    || (st == 0 && !json_id(json_object_get(w, "custom_status_id"), &st))) {
			bad(cx, form == 0 ? "ticket_form_id" : "custom_status_id", "InvalidValue", "Entries: must each name an id");
			return bad_check(cx);
		}
		json_object_set_new(in, "ticket_form_id", json_integer(form));
		json_object_set_new(in, "custom_status_id", json_integer(st));
		TRY(def_create(cx, DEF_FORM_STATUS, in, &d));
	}
	return OK;
}

static enum err
pairs_reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t form, int64_t st)
{
	const struct resource *r = &resources[8];
	const struct def *const *all, **some;
	const struct defs *d;
	int n, k = 0;

	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_FORM_STATUS, &n);
	some = arena_alloc(cx->arena, sizeof *some, (size_t)n + 1, alignof(void *));
	for (int i = 0; i < n; i++)
		if ((form == 0 || def_int(all[i], "ticket_form_id") == form) && (st == 0 || def_int(all[i], "custom_status_id") == st))
			some[k++] = all[i];
	return page_reply(cx, rq, rp, r, some, k);
}

static enum err
form_statuses(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;

	TRY(def_get(cx, DEF_TICKET_FORM, rq->param[0], &d));
	return pairs_reply(cx, rq, rp, d.id, 0);
}

static enum err
pairs_add(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	bool below_form = str_starts(rq->path, S("/api/v2/ticket_forms"));
	const json_t *obj, *in;
	struct def d;

	TRY(def_get(cx, below_form ? DEF_TICKET_FORM : DEF_STATUS, rq->param[0], &d));
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	in = json_object_get(obj, "ticket_form_statuses");
	if (in == NULL)
		in = json_object_get(obj, "ticket_form_status");
	if (!json_is_array(in) || json_array_size(in) > 100) {
		bad(cx, "ticket_form_statuses", "InvalidValue", "Ticket form statuses: must be an array of at most 100");
		return bad_check(cx);
	}
	TRY(store_write(cx, pairs_tx, &(struct pairs){ in, below_form ? d.id : 0, below_form ? 0 : d.id }));
	return pairs_reply(cx, rq, rp, below_form ? d.id : 0, below_form ? 0 : d.id);
}

static enum err
pair_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;

	TRY(def_get(cx, DEF_FORM_STATUS, rq->param[1], &d));
	if (def_int(&d, "ticket_form_id") != rq->param[0])
		return fail(cx, E_ABSENT, NULL, "no such thing");
	TRY(def_delete(cx, DEF_FORM_STATUS, d.id));
	api_empty(rp, 204);
	return OK;
}

/* PUT: the form has these statuses and no others. DELETE {"id":["1","2"]}: without these. */
static enum err
pairs_set_tx(struct ctx *cx, void *arg)
{
	struct pairs *p = arg;
	const struct def *const *all;
	const struct defs *d;
	json_t *w, *fresh = json_array();
	size_t i;
	int n;

	arena_defer(cx->arena, (void (*)(void *))json_decref, fresh);
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_FORM_STATUS, &n);
	json_array_foreach((json_t *)(uintptr_t)p->list, i, w) {
		int64_t st;
		bool have = false;
		if (!json_id(json_object_get(w, "custom_status_id"), &st)) {
			bad(cx, "custom_status_id", "InvalidValue", "Entries: must each name an id");
			return bad_check(cx);
		}
		for (int k = 0; k < n; k++)
			have = have || (def_int(all[k], "ticket_form_id") == p->form && def_int(all[k], "custom_status_id") == st);
		if (!have)
			json_array_append(fresh, w);
	}
	for (int k = 0; k < n; k++) {
		bool keep = false;
		json_array_foreach((json_t *)(uintptr_t)p->list, i, w) {
			int64_t st = 0;
			(void)json_id(json_object_get(w, "custom_status_id"), &st);
			keep = keep || def_int(all[k], "custom_status_id") == st;
		}
		if (def_int(all[k], "ticket_form_id") == p->form && !keep)
			TRY(def_delete(cx, DEF_FORM_STATUS, all[k]->id));
	}
	return pairs_tx(cx, &(struct pairs){ fresh, p->form, 0 });
}

static enum err
pairs_set(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *in;
	struct def d;

	TRY(def_get(cx, DEF_TICKET_FORM, rq->param[0], &d));
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	in = json_object_get(obj, "ticket_form_statuses");
	if (in == NULL)
		in = json_object_get(obj, "ticket_form_status");
	if (!json_is_array(in) || json_array_size(in) > 100) {
		bad(cx, "ticket_form_statuses", "InvalidValue", "Ticket form statuses: must be an array of at most 100");
		return bad_check(cx);
	}
	TRY(store_write(cx, pairs_set_tx, &(struct pairs){ in, d.id, 0 }));
	return pairs_reply(cx, rq, rp, d.id, 0);
}

/* One of them becomes another status: {"ticket_form_status":{"custom_status_id":3}} */
struct pair_change { int64_t form, id, status; };

static enum err
pair_put_tx(struct ctx *cx, void *arg)
{
	struct pair_change *c = arg;
	json_t *in = json_object();
	struct def d;

	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(def_get(cx, DEF_FORM_STATUS, c->id, &d));
	if (def_int(&d, "ticket_form_id") != c->form)
		return fail(cx, E_ABSENT, NULL, "no such thing");
	if (def_int(&d, "custom_status_id") == c->status)
		return OK;
	TRY(def_delete(cx, DEF_FORM_STATUS, c->id));
	json_object_set_new(in, "ticket_form_id", json_integer(c->form));
	json_object_set_new(in, "custom_status_id", json_integer(c->status));
	return def_create(cx, DEF_FORM_STATUS, in, &d);
}

static enum err
pair_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct pair_change c = { .form = rq->param[0], .id = rq->param[1] };
	const json_t *obj, *in;
	struct def d;

	TRY(def_get(cx, DEF_FORM_STATUS, c.id, &d));
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	in = json_object_get(obj, "ticket_form_status");
	if (in == NULL)
		in = json_object_get(obj, "ticket_form_statuses");
	if (json_is_array(in))
		in = json_array_get(in, 0);
	if (!json_id(json_object_get(in, "custom_status_id"), &c.status) || c.status == 0) {
		bad(cx, "custom_status_id", "InvalidValue", "Custom status id: is required and must be an id");
		return bad_check(cx);
	}
	TRY(store_write(cx, pair_put_tx, &c));
	return pairs_reply(cx, rq, rp, c.form, 0);
}

static enum err
pairs_drop_tx(struct ctx *cx, void *arg)
{
	struct pairs *p = arg;
	json_t *w;
	size_t i;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	json_array_foreach((json_t *)(uintptr_t)p->list, i, w) {
		struct def d;
		int64_t id = 0;
		if (!json_id(w, &id)) {
			bad(cx, "id", "InvalidValue", "Id: must be an array of ids");
			return bad_check(cx);
		}
		TRY(def_get(cx, DEF_FORM_STATUS, id, &d));
		if (def_int(&d, "ticket_form_id") != p->form)
			return fail(cx, E_ABSENT, NULL, "no such thing");
		TRY(def_delete(cx, DEF_FORM_STATUS, id));
	}
	return OK;
}

static enum err
pairs_drop(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *ids;
	struct def d;

	TRY(def_get(cx, DEF_TICKET_FORM, rq->param[0], &d));
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	ids = json_object_get(obj, "id");
	if (!json_is_array(ids) || json_array_size(ids) == 0 || json_array_size(ids) > 100) {
		bad(cx, "id", "InvalidValue", "Id: must be an array of 1 to 100 ids");
		return bad_check(cx);
	}
	TRY(store_write(cx, pairs_drop_tx, &(struct pairs){ ids, d.id, 0 }));
	api_empty(rp, 204);
	return OK;
}

/* ---- dynamic content: variants stand inside their item ----------------------------------------------------------------- */

static void
json_variant(struct json *j, struct ctx *cx, const char *base, int64_t item, const json_t *v)
{
	int64_t id = json_integer_value(json_object_get(v, "id"));

	jw_obj(j);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/dynamic_content/items/%lld/variants/%lld.json", base, (long long)item, (long long)id));
	jw_kint(j, "id", id);
	jw_kstr(j, "content", json_text(cx, json_object_get(v, "content")));
	jw_kint(j, "locale_id", json_integer_value(json_object_get(v, "locale_id")));
	jw_kbool(j, "outdated", json_is_true(json_object_get(v, "outdated")));
	jw_kbool(j, "active", json_is_true(json_object_get(v, "active")));
	jw_kbool(j, "default", json_is_true(json_object_get(v, "default")));
	jw_kstr(j, "created_at", json_text(cx, json_object_get(v, "created_at")));
	jw_kstr(j, "updated_at", json_text(cx, json_object_get(v, "updated_at")));
	jw_end_obj(j);
}

static const json_t *
variant_of(const struct def *d, int64_t id, size_t *at)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(d->doc, "variants"), i, v)
		if (json_integer_value(json_object_get(v, "id")) == id)
			return *at = i, v;
	return NULL;
}

static enum err
variants_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct def *d)
{
	struct paging p = { .limit = 200, .page = 1 };
	json_t *v;
	struct json j;
	size_t i;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "variants");
	jw_arr(&j);
	json_array_foreach(json_object_get(d->doc, "variants"), i, v)
		json_variant(&j, cx, z_of(cx, api_base(cx, rq)), d->id, v);
	jw_end_arr(&j);
	p.cursor = http_query(rq, "page[size]") != NULL;
	v = json_array_get(json_object_get(d->doc, "variants"), i ? i - 1 : 0);
	api_page_end(&j, cx, rq, &p, (int)i, false, (struct place){ d->id, d->id },
	    (struct place){ json_integer_value(json_object_get(v, "id")), json_integer_value(json_object_get(v, "id")) }, (int64_t)i);
	jw_end_obj(&j);
	return OK;
}

static enum err
variants(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;

	TRY(def_get(cx, DEF_CONTENT, rq->param[0], &d));
	return variants_reply(cx, rq, rp, 200, &d);
}

static enum err
variant_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct def *d, int64_t id)
{
	struct json j;
	size_t at;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "variant");
	json_variant(&j, cx, z_of(cx, api_base(cx, rq)), d->id, variant_of(d, id, &at));
	jw_end_obj(&j);
	return OK;
}

static enum err
variant_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;
	size_t at;

	TRY(def_get(cx, DEF_CONTENT, rq->param[0], &d));
	if (variant_of(&d, rq->param[1], &at) == NULL)
		return fail(cx, E_ABSENT, NULL, "no such variant");
	return variant_reply(cx, rq, rp, 200, &d, rq->param[1]);
}

struct variant_change { int64_t item, variant; const json_t *in; bool many, remove; struct def *out; int64_t *made; };

static enum err
variant_tx(struct ctx *cx, void *arg)
{
	struct variant_change *c = arg;
	json_t *doc = json_object(), *all, *w, *one;
	const json_t *v;
	struct def d;
	size_t at = 0, i;

	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(def_get(cx, DEF_CONTENT, c->item, &d));
	all = json_deep_copy(json_object_get(d.doc, "variants"));
	json_object_set_new(doc, "variants", all);
	if (c->remove) {
		if ((v = variant_of(&d, c->variant, &at)) == NULL)
			return fail(cx, E_ABSENT, NULL, "no such variant");
		json_array_remove(all, at);
		return def_update(cx, DEF_CONTENT, c->item, doc, c->out);
	}
	for (i = 0; i < (c->many ? json_array_size(c->in) : 1); i++) {
		const char *key;
		json_t *val;
		int64_t id = c->variant;
		w = c->many ? json_array_get(c->in, i) : (json_t *)(uintptr_t)c->in;
		if (!json_is_object(w)) {
			bad(cx, "variants", "InvalidValue", "Variants: must be objects");
			return bad_check(cx);
		}
		if (c->many && id == 0)
			(void)json_id(json_object_get(w, "id"), &id);
		if (id != 0 && variant_of(&d, id, &at) == NULL)
			return fail(cx, E_ABSENT, NULL, "no such variant");
		one = id != 0 ? json_deep_copy(json_array_get(all, at)) : json_object();
		json_object_foreach(w, key, val)
			if (strcmp(key, "id") != 0 && strcmp(key, "created_at") != 0)
				json_object_set(one, key, val);
		if (id != 0)
			json_array_set_new(all, at, one);
		else {
			json_object_del(one, "id");
			json_array_append_new(all, one);
			at = json_array_size(all) - 1;
		}
		if (json_is_true(json_object_get(w, "default")))
			json_object_set(doc, "default_locale_id", json_object_get(one, "locale_id"));
	}
	TRY(def_update(cx, DEF_CONTENT, c->item, doc, c->out));
	*c->made = json_integer_value(json_object_get(json_array_get(json_object_get(c->out->doc, "variants"), at), "id"));
	return OK;
}

static enum err
variant_write(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	bool many = str_find(rq->path, S("_many")) != SIZE_MAX;
	const json_t *obj;
	struct def d;
	int64_t made;

	TRY(api_body(cx, rq, rp, many ? NULL : "variant", &obj));
	if (obj == NULL)
		return OK;
	if (many)
		obj = json_object_get(obj, "variants");
	if (many && (!json_is_array(obj) || json_array_size(obj) > 100 || json_array_size(obj) == 0)) {
		bad(cx, "variants", "InvalidValue", "Variants: must be an array of 1 to 100");
		return bad_check(cx);
	}
	TRY(store_write(cx, variant_tx, &(struct variant_change){ rq->param[0], rq->param[1], obj, many, false, &d, &made }));
	if (many)
		return variants_reply(cx, rq, rp, rq->method == POST ? 201 : 200, &d);
	return variant_reply(cx, rq, rp, rq->method == POST ? 201 : 200, &d, made);
}

static enum err
variant_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;

	TRY(store_write(cx, variant_tx, &(struct variant_change){ rq->param[0], rq->param[1], NULL, false, true, &d, NULL }));
	api_empty(rp, 204);
	return OK;
}

/* ---- brands ---------------------------------------------------------------------------------------------------------- */

static enum err
host_mapping(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *host = http_query(rq, "host_mapping");
	str mapped = host ? *host : S(""), own = api_base(cx, rq);
	const char *why = NULL;
	const struct defs *all;
	struct json j;
	struct def d;

	if (rq->param[0] != 0) {
		TRY(def_get(cx, DEF_BRAND, rq->param[0], &d));
		mapped = def_text(&d, "host_mapping");
	}
	TRY(defs_get(cx, &all));
	if (mapped.n)
		why = brand_host_wrong(all, rq->param[0], mapped);
	/* The desk's own host, where the brand's has to lead. Who looks whether it does is the browser: no name is asked for from here. */
	if (str_find(own, S("://")) != SIZE_MAX)
		own = str_sub(own, str_find(own, S("://")) + 3, own.n);
	own = str_cut(&own, ':');
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kstr(&j, "cname", mapped);
	jw_key(&j, "expected_cnames");
	jw_arr(&j);
	jw_str(&j, own);
	jw_end_arr(&j);
	jw_kbool(&j, "is_valid", why == NULL);
	jw_kz(&j, "reason", why ? why : "");
	jw_end_obj(&j);
	return OK;
}

static enum err
verify_address(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj = NULL;
	str type = S("forwarding");

	if (rq->body.n) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		if (json_object_get(obj, "type") != NULL)
			type = json_text(cx, json_object_get(obj, "type"));
	}
	if (!str_eq(type, S("forwarding")) && !str_eq(type, S("spf")) && !str_eq(type, S("dns"))) {
		bad(cx, "type", "InvalidValue", "Type: must be forwarding, spf or dns");
		return bad_check(cx);
	}
	/* Records of other domains are their owners' and the relay's to check. */
	if (str_eq(type, S("forwarding")))
		TRY(address_verify(cx, rq->param[0]));
	else {
		struct def d;
		TRY(def_get(cx, DEF_ADDRESS, rq->param[0], &d));
	}
	api_empty(rp, 200);
	return OK;
}

#define LOGO_MAX (64 * KiB)

static const char *
picture_type(str b)
{
	if (str_starts(b, S("\x89PNG\r\n\x1a\n")))
		return "image/png";
	return b.n > 3 && str_starts(b, S("\xff\xd8\xff")) ? "image/jpeg" : NULL;
}

/* The picture itself, or a form with it. */
static enum err
logo_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str bytes = rq->body;
	struct http_part *part;
	const char *type;
	struct def d;
	json_t *in;
	enum err e;
	int n;

	TRY(def_get(cx, DEF_BRAND, rq->param[0], &d));
	if (str_starts(http_header(rq, "content-type"), S("multipart/form-data"))) {
		TRY(http_form(cx, rq, &part, &n));
		bytes = S("");
		for (int i = 0; i < n; i++)
			if (part[i].file_name.n)
				bytes = part[i].bytes;
	}
	type = picture_type(bytes);
	if (type == NULL)
		bad(cx, "logo", "InvalidValue", "Logo: must be a PNG or JPEG picture");
	if (bytes.n > LOGO_MAX)
		bad(cx, "logo", "TooLarge", "Logo: is too large (maximum is 65536 bytes)");
	TRY(bad_check(cx));
	in = json_pack("{s:{s:s,s:s,s:I},s:s,s:s}", "logo", "content_url", z_of(cx, str_printf(cx->arena, "/help/logo/%lld", (long long)d.id)),
	    "content_type", type, "size", (json_int_t)bytes.n, "logo_type", type, "logo_bytes", z_of(cx, base64_of(cx->arena, bytes)));
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	e = def_set(cx, DEF_BRAND, d.id, in, &d);
	json_decref(in);
	TRY(e);
	return one_reply(cx, rq, rp, &resources[5], 200, &d);
}

static enum err
logo_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;
	json_t *in;
	enum err e;

	TRY(def_get(cx, DEF_BRAND, rq->param[0], &d));
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	in = json_pack("{s:n,s:s,s:s}", "logo", "logo_type", "", "logo_bytes", "");
	e = def_set(cx, DEF_BRAND, d.id, in, &d);
	json_decref(in);
	TRY(e);
	api_empty(rp, 204);
	return OK;
}

#define BODY (1 * MiB)
#define CRUD(path, read) \
	{ GET,    path,         read,      0,    list,    0 }, \
	{ POST,   path,         MAY_ADMIN, BODY, create,  0 }, \
	{ GET,    path "/{id}", read,      0,    show,    0 }, \
	{ PUT,    path "/{id}", MAY_ADMIN, BODY, update,  0 }, \
	{ DELETE, path "/{id}", MAY_ADMIN, 0,    destroy, 0 }
#define OPTIONS_OF(path) \
	{ GET,    path "/{id}/options",      MAY_READ_TICKET, 0,        options,       0 }, \
	{ POST,   path "/{id}/options",      MAY_ADMIN,       64 * KiB, option_put,    0 }, \
	{ GET,    path "/{id}/options/{id}", MAY_READ_TICKET, 0,        option_show,   0 }, \
	{ DELETE, path "/{id}/options/{id}", MAY_ADMIN,       0,        option_delete, 0 }
#define ITEM "/api/v2/dynamic_content/items"
const struct route def_routes[] = {
	CRUD("/api/v2/ticket_fields", MAY_SIGNED_IN),
	OPTIONS_OF("/api/v2/ticket_fields"),
	{ GET,    "/api/v2/ticket_fields/count",             MAY_SIGNED_IN,   0,        count,          0 },
	{ GET,    "/api/v2/ticket_fields/show_many",         MAY_SIGNED_IN,   0,        show_many,      0 },
	{ PUT,    "/api/v2/ticket_fields/reorder",           MAY_ADMIN,       64 * KiB, reorder,        0 },
	CRUD("/api/v2/user_fields", MAY_READ_TICKET),
	OPTIONS_OF("/api/v2/user_fields"),
	{ GET,    "/api/v2/user_fields/{word}",              MAY_READ_TICKET, 0,        show_by_key,    0 },
	{ GET,    "/api/v2/user_fields/show_many",           MAY_READ_TICKET, 0,        show_many,      0 },
	{ PUT,    "/api/v2/user_fields/reorder",             MAY_ADMIN,       64 * KiB, reorder,        0 },
	CRUD("/api/v2/organization_fields", MAY_READ_TICKET),
	OPTIONS_OF("/api/v2/organization_fields"),
	{ GET,    "/api/v2/organization_fields/{word}",      MAY_READ_TICKET, 0,        show_by_key,    0 },
	{ PUT,    "/api/v2/organization_fields/reorder",     MAY_ADMIN,       64 * KiB, reorder,        0 },
	CRUD("/api/v2/ticket_forms", MAY_SIGNED_IN),
	{ GET,    "/api/v2/ticket_forms/show_many",          MAY_SIGNED_IN,   0,        show_many,      0 },
	{ PUT,    "/api/v2/ticket_forms/reorder",            MAY_ADMIN,       64 * KiB, reorder,        0 },
	{ POST,   "/api/v2/ticket_forms/{id}/clone",         MAY_ADMIN,       64 * KiB, form_clone,     0 },
	{ GET,    "/api/v2/ticket_forms/{id}/ticket_form_statuses", MAY_READ_TICKET, 0, form_statuses,  0 },
	{ POST,   "/api/v2/ticket_forms/{id}/ticket_form_statuses", MAY_ADMIN, 64 * KiB, pairs_add,     0 },
	{ PUT,    "/api/v2/ticket_forms/{id}/ticket_form_statuses", MAY_ADMIN, 64 * KiB, pairs_set,     0 },
	{ DELETE, "/api/v2/ticket_forms/{id}/ticket_form_statuses", MAY_ADMIN, 64 * KiB, pairs_drop,    0 },
	{ PUT,    "/api/v2/ticket_forms/{id}/ticket_form_statuses/{id}", MAY_ADMIN, 16 * KiB, pair_put, 0 },
	{ DELETE, "/api/v2/ticket_forms/{id}/ticket_form_statuses/{id}", MAY_ADMIN, 0,  pair_delete,    0 },
	{ GET,    "/api/v2/ticket_form_statuses",            MAY_READ_TICKET, 0,        list,           0 },
	{ GET,    "/api/v2/ticket_form_statuses/show_many",  MAY_READ_TICKET, 0,        show_many,      0 },
	CRUD("/api/v2/custom_statuses", MAY_SIGNED_IN),
	{ PUT,    "/api/v2/custom_status/default",           MAY_ADMIN,       64 * KiB, status_default, 0 },
	{ POST,   "/api/v2/custom_statuses/{id}/ticket_form_statuses", MAY_ADMIN, 64 * KiB, pairs_add,  0 },
	CRUD("/api/v2/brands", MAY_READ_TICKET),
	{ PUT,    "/api/v2/brands/{id}/logo",                MAY_ADMIN, 2 * LOGO_MAX,   logo_put,       0 },
	{ DELETE, "/api/v2/brands/{id}/logo",                MAY_ADMIN,       0,        logo_delete,    0 },
	{ GET,    "/api/v2/brands/check_host_mapping",       MAY_READ_TICKET, 0,        host_mapping,   0 },
	{ GET,    "/api/v2/brands/{id}/check_host_mapping",  MAY_READ_TICKET, 0,        host_mapping,   0 },
	CRUD("/api/v2/recipient_addresses", MAY_READ_TICKET),
	{ PUT,    "/api/v2/recipient_addresses/{id}/verify", MAY_ADMIN,       4 * KiB,  verify_address, 0 },
	CRUD("/api/v2/custom_roles", MAY_READ_TICKET),
	CRUD("/api/v2/deletion_schedules", MAY_ADMIN),
	CRUD(ITEM, MAY_READ_TICKET),
	{ GET,    ITEM "/show_many",                         MAY_READ_TICKET, 0,        show_many,      0 },
	{ GET,    ITEM "/{id}/variants",                     MAY_READ_TICKET, 0,        variants,       0 },
	{ POST,   ITEM "/{id}/variants",                     MAY_ADMIN,       BODY,     variant_write,  0 },
	{ POST,   ITEM "/{id}/variants/create_many",         MAY_ADMIN,       BODY,     variant_write,  0 },
	{ PUT,    ITEM "/{id}/variants/update_many",         MAY_ADMIN,       BODY,     variant_write,  0 },
	{ GET,    ITEM "/{id}/variants/{id}",                MAY_READ_TICKET, 0,        variant_show,   0 },
	{ PUT,    ITEM "/{id}/variants/{id}",                MAY_ADMIN,       BODY,     variant_write,  0 },
	{ DELETE, ITEM "/{id}/variants/{id}",                MAY_ADMIN,       0,        variant_delete, 0 },
	{ 0 }
};
