/* rules.c - what views, macros, triggers, automations and SLA policies have in common: shapes, bodies, lists. */
#include <stdlib.h>

#include "api/rules.h"

/* ---- shapes --------------------------------------------------------------------------------------------------- */

static void
restriction(struct json *j, const struct rule *r)
{
	jw_key(j, "restriction");
	if (r->whom == FOR_ALL) {
		jw_null(j);
		return;
	}
	jw_obj(j);
	jw_kz(j, "type", r->whom == FOR_USER ? "User" : "Group");
	jw_kint(j, "id", r->whom == FOR_USER ? r->user_id : r->group_count ? r->group_id[0] : 0);
	if (r->whom == FOR_GROUPS) {
		jw_key(j, "ids");
		jw_arr(j);
		for (int i = 0; i < r->group_count; i++)
			jw_int(j, r->group_id[i]);
		jw_end_arr(j);
	}
	jw_end_obj(j);
}

static json_t *
tree(struct ctx *cx, str text)
{
	json_t *v = NULL;

	if (text.n == 0 || json_parse(cx, text, &v) != OK)
		fail_forget(cx);
	return v;
}

static str
member(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

static void
one_column(struct json *j, const json_t *c)
{
	str name = json_is_string(c) ? (str){ json_string_value(c), json_string_length(c) } : S("");
	const struct view_col *col = view_col_of(name);

	jw_obj(j);
	if (col != NULL) {
		jw_kstr(j, "id", str_of(col->name));
		jw_kz(j, "title", col->title);
	} else {
		int64_t id = json_integer_value(c);
		if (json_is_string(c))
			(void)str_int(name, &id);
		jw_kint(j, "id", id);
		jw_kz(j, "title", "Custom field");
	}
	jw_end_obj(j);
}

static void
order(struct json *j, const char *key, str by, str way)
{
	const struct view_col *col = by.n ? view_col_of(by) : NULL;

	jw_key(j, key);
	if (col == NULL) {
		jw_null(j);
		return;
	}
	jw_obj(j);
	jw_kz(j, "id", col->name);
	jw_kz(j, "title", col->title);
	jw_kstr(j, "order", way.n ? way : S("desc"));
	jw_end_obj(j);
}

static void
word_or_null(struct json *j, const char *key, str s)
{
	if (s.n)
		jw_kstr(j, key, s);
	else
		jw_knull(j, key);
}

static void
execution(struct json *j, struct ctx *cx, const struct rule *r)
{
	const json_t *x = tree(cx, r->extra), *list = json_object_get(x, "columns"), *c;
	str group = member(x, "group_by"), group_order = member(x, "group_order"), sort = member(x, "sort_by"),
	    sort_order = member(x, "sort_order");
	size_t i;

	jw_key(j, "execution");
	jw_obj(j);
	word_or_null(j, "group_by", group);
	jw_kstr(j, "group_order", group_order.n ? group_order : S("desc"));
	jw_kstr(j, "sort_by", sort.n ? sort : S("nice_id"));
	jw_kstr(j, "sort_order", sort_order.n ? sort_order : S("desc"));
	order(j, "group", group, group_order);
	order(j, "sort", sort.n ? sort : S("nice_id"), sort_order);
	for (int pass = 0; pass < 3; pass++) {
		static const char *const keys[] = { "columns", "fields", "custom_fields" };
		jw_key(j, keys[pass]);
		jw_arr(j);
		json_array_foreach(list, i, c) {
			bool own = !json_is_string(c) || view_col_of((str){ json_string_value(c), json_string_length(c) }) == NULL;
			if (pass == 0 || (pass == 2) == own)
				one_column(j, c);
		}
		jw_end_arr(j);
	}
	jw_end_obj(j);
}

/* ---- how often they were used ---- */

static const char *const usages[4] = { "usage_1h", "usage_24h", "usage_7d", "usage_30d" };
struct uses { struct rule_use *use; int count; bool shown[4]; };

/* Loaded when ?include= names one of them, or the list goes by one. */
static enum err
uses_read(struct ctx *cx, const struct http_req *rq, const struct rule_api *a, bool sorted, struct uses *out)
{
	bool any = sorted;

	*out = (struct uses){ 0 };
	if (a->kind != RULE_MACRO && a->kind != RULE_TRIGGER && a->kind != RULE_AUTOMATION)
		return OK;
	for (int i = 0; i < 4; i++)
		any = (out->shown[i] = api_includes(rq, usages[i])) || any;
	return any ? rule_uses(cx, &out->use, &out->count) : OK;
}

static int64_t
used(const struct uses *u, int64_t rule_id, int which)
{
	for (int i = 0; i < u->count; i++)
		if (u->use[i].rule_id == rule_id)
			return u->use[i].n[which];
	return 0;
}

void
json_rule(struct json *j, struct ctx *cx, const char *base, const struct rule *r, const struct uses *uses)
{
	static const char *const paths[RULE_KINDS] = { [RULE_VIEW] = "views", [RULE_MACRO] = "macros", [RULE_TRIGGER] = "triggers",
	    [RULE_AUTOMATION] = "automations", [RULE_SLA] = "slas/policies", [RULE_GROUP_SLA] = "group_slas/policies",
	    [RULE_WORKSPACE] = "workspaces" };

	jw_obj(j);
	url_of(j, cx, base, paths[r->kind], r->id);
	if (r->kind == RULE_GROUP_SLA)
		jw_kstr(j, "id", str_printf(cx->arena, "%lld", (long long)r->id));
	else
		jw_kint(j, "id", r->id);
	jw_kstr(j, "title", r->title);
	if (r->kind != RULE_SLA && r->kind != RULE_GROUP_SLA && r->kind != RULE_WORKSPACE) {
		jw_kstr(j, "raw_title", r->title);
		jw_kbool(j, "active", r->active);
		jw_kbool(j, "default", r->is_default);
	}
	jw_ktime(j, "updated_at", r->updated_at);
	jw_ktime(j, "created_at", r->created_at);
	jw_kint(j, "position", r->position);
	for (int i = 0; i < 4 && uses != NULL; i++)
		if (uses->shown[i])
			jw_kint(j, usages[i], used(uses, r->id, i));
	word_or_null(j, "description", r->description);
	switch (r->kind) {
	case RULE_VIEW:
		execution(j, cx, r);
		jw_kraw(j, "conditions", r->conditions);
		restriction(j, r);
		break;
	case RULE_MACRO:
		jw_kraw(j, "actions", r->actions);
		restriction(j, r);
		break;
	case RULE_WORKSPACE:
		json_workspace(j, cx, base, r);
		break;
	case RULE_TRIGGER:
		if (r->category_id)
			jw_kstr(j, "category_id", str_printf(cx->arena, "%lld", (long long)r->category_id));
		else
			jw_knull(j, "category_id");
		/* fallthrough */
	case RULE_AUTOMATION:
		jw_kraw(j, "conditions", r->conditions);
		jw_kraw(j, "actions", r->actions);
		break;
	default: {
		const json_t *x = tree(cx, r->extra);
		jw_kraw(j, "filter", r->conditions);
		jw_kraw(j, "policy_metrics", json_object_get(x, "policy_metrics") ? json_compact(cx, json_object_get(x, "policy_metrics")) : S("[]"));
		break;
	}
	}
	jw_end_obj(j);
}

enum err
rule_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct rule_api *a,
    const struct rule *r)
{
	struct uses uses;
	struct json j;

	TRY(uses_read(cx, rq, a, false, &uses));
	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, a->one);
	json_rule(&j, cx, z_of(cx, api_base(cx, rq)), r, &uses);
	jw_end_obj(&j);
	return OK;
}

/* ---- bodies ---------------------------------------------------------------------------------------------------- */

/* A value as conditions and actions keep it: texts, arrays of texts, null. */
static void
plain(struct json *j, struct ctx *cx, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (json_is_array(v)) {
		jw_arr(j);
		json_array_foreach(v, i, one)
			plain(j, cx, json_is_array(one) || json_is_object(one) ? NULL : one);
		jw_end_arr(j);
	} else if (json_is_string(v))
		jw_str(j, json_text(cx, v));
	else if (json_is_boolean(v))
		jw_str(j, json_is_true(v) ? S("true") : S("false"));
	else if (json_is_number(v))
		jw_str(j, json_compact(cx, v));
	else
		jw_null(j);
}

static void
one_list(struct json *j, struct ctx *cx, const json_t *list, bool operators, const char *name, const char *why)
{
	const json_t *one;
	size_t i;

	jw_arr(j);
	if (list != NULL && !json_is_null(list) && !json_is_array(list))
		bad(cx, name, "InvalidValue", why);
	json_array_foreach(list, i, one) {
		const json_t *v = json_object_get(one, "value");
		if (!json_is_object(one) || !json_is_string(json_object_get(one, "field")) || json_is_object(v)) {
			bad(cx, name, "InvalidValue", why);
			continue;
		}
		jw_obj(j);
		jw_kstr(j, "field", json_text(cx, json_object_get(one, "field")));
		if (operators) {
			str op = json_text(cx, json_object_get(one, "operator"));
			jw_kstr(j, "operator", op.n ? op : S("is"));
		}
		jw_key(j, "value");
		plain(j, cx, v);
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static str
conditions_of(struct ctx *cx, const json_t *all, const json_t *any)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, 4 * MiB);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_key(&j, "all");
	one_list(&j, cx, all, true, "conditions", "Conditions: each is an object with field, operator and value");
	jw_key(&j, "any");
	one_list(&j, cx, any, true, "conditions", "Conditions: each is an object with field, operator and value");
	jw_end_obj(&j);
	return buf_str(&b);
}

static str
actions_of(struct ctx *cx, const json_t *list)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, 4 * MiB);
	jw_init(&j, &b);
	one_list(&j, cx, list, false, "actions", "Actions: each is an object with field and value");
	return buf_str(&b);
}

static void
read_restriction(struct ctx *cx, const json_t *v, struct rule *in)
{
	str type = json_text(cx, json_object_get(v, "type"));
	const json_t *ids = json_object_get(v, "ids"), *one;
	int64_t id = 0;
	size_t i;

	in->whom = FOR_ALL;
	if (json_is_null(v))
		return;
	if (json_object_get(v, "id") != NULL && !json_is_null(json_object_get(v, "id")) && !json_id(json_object_get(v, "id"), &id))
		bad(cx, "restriction", "InvalidValue", "Restriction: id must be an id");
	if (str_eqi(type, S("user"))) {
		in->whom = FOR_USER;
		in->user_id = id ? id : cx->actor->user_id;
		if (in->user_id != cx->actor->user_id)
			bad(cx, "restriction", "InvalidValue", "Restriction: a personal rule can only be one's own");
	} else if (str_eqi(type, S("group"))) {
		in->whom = FOR_GROUPS;
		in->group_id = NEW(cx->arena, int64_t, json_array_size(ids) + 1);
		json_array_foreach(ids, i, one) {
			bool twice = false;
			int64_t g;
			if (!json_id(one, &g) || g == 0 || i >= 200) {
				bad(cx, "restriction", "InvalidValue", "Restriction: ids must be at most 200 ids of groups");
				return;
			}
			for (int k = 0; k < in->group_count; k++)
				twice = twice || in->group_id[k] == g;
			if (!twice)
				in->group_id[in->group_count++] = g;
		}
		if (in->group_count == 0 && id)
			in->group_id[in->group_count++] = id;
	} else
		bad(cx, "restriction", "InvalidValue", "Restriction: type must be Group or User, or the whole null");
}

static void
order_member(struct json *j, struct ctx *cx, const json_t *o, const char *by, const char *way, const char *nested)
{
	const json_t *v = json_object_get(o, by), *n = json_object_get(o, nested);
	str name = json_text(cx, v), dir = json_text(cx, json_object_get(o, way));

	if (name.n == 0 && json_is_object(n)) {
		name = json_text(cx, json_object_get(n, "id"));
		dir = json_text(cx, json_object_get(n, "order"));
	}
	if (v != NULL && !json_is_string(v) && !json_is_null(v))
		bad(cx, "output", "InvalidValue", "Output: group_by and sort_by must be names of columns");
	if (dir.n && !str_eqi(dir, S("asc")) && !str_eqi(dir, S("desc")))
		bad(cx, "output", "InvalidValue", "Output: an order must be asc or desc");
	word_or_null(j, by, name);
	jw_kstr(j, way, str_eqi(dir, S("asc")) ? S("asc") : S("desc"));
}

static str
output_of(struct ctx *cx, const json_t *o)
{
	const json_t *list = json_object_get(o, "columns"), *c;
	struct buf b;
	struct json j;
	size_t i;

	buf_init(&b, cx->arena, 256 * KiB);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_key(&j, "columns");
	jw_arr(&j);
	if (list == NULL || json_is_null(list)) {
		static const char *const usual[] = { "status", "subject", "requester", "created", "group", "assignee" };
		for (i = 0; i < COUNT(usual); i++)
			jw_str(&j, str_of(usual[i]));
	} else if (!json_is_array(list))
		bad(cx, "output", "InvalidValue", "Output: columns must be an array");
	json_array_foreach(list, i, c) {
		const json_t *id = json_is_object(c) ? json_object_get(c, "id") : c;
		if (json_is_integer(id))
			jw_int(&j, json_integer_value(id));
		else
			jw_str(&j, json_text(cx, id));
	}
	jw_end_arr(&j);
	order_member(&j, cx, o, "group_by", "group_order", "group");
	order_member(&j, cx, o, "sort_by", "sort_order", "sort");
	jw_end_obj(&j);
	return buf_str(&b);
}

/* Texts of rules are the house's own words: sealed at rest, but shown to whoever may see the rule. */
struct rule_texts { sensitive title, description; bool active; int64_t position; };

static const struct field rule_table[] = {
	{ "title",       F_TEXT, offsetof(struct rule_texts, title),       RULE_TITLE,       true  },
	{ "description", F_TEXT, offsetof(struct rule_texts, description), RULE_DESCRIPTION, true  },
	{ "active",      F_BOOL, offsetof(struct rule_texts, active),      RULE_ACTIVE,      false },
	{ "position",    F_ID,   offsetof(struct rule_texts, position),    RULE_POSITION,    false },
};
const struct fieldset rule_fieldset = { rule_table, COUNT(rule_table) };

void
rule_read(struct ctx *cx, const json_t *obj, enum rule_kind kind, unsigned *has, struct rule *in)
{
	bool sla = kind == RULE_SLA || kind == RULE_GROUP_SLA;
	struct rule_texts t = { .active = true };
	const json_t *v = json_object_get(obj, sla ? "filter" : "conditions");

	api_fields(cx, obj, rule_table, COUNT(rule_table), &t, has);
	in->title = reveal(cx, t.title, TO_STORE);
	in->description = reveal(cx, t.description, TO_STORE);
	in->active = t.active;
	in->position = t.position;
	if (kind != RULE_MACRO) {
		if (json_is_object(v)) {
			in->conditions = conditions_of(cx, json_object_get(v, "all"), json_object_get(v, "any"));
			*has |= RULE_CONDITIONS;
		} else if (v != NULL && !json_is_null(v))
			bad(cx, sla ? "filter" : "conditions", "InvalidValue", "Conditions: must be an object with all and any");
		else if (json_object_get(obj, "all") != NULL || json_object_get(obj, "any") != NULL) {
			in->conditions = conditions_of(cx, json_object_get(obj, "all"), json_object_get(obj, "any"));
			*has |= RULE_CONDITIONS;
		}
	}
	if ((kind == RULE_MACRO || kind == RULE_TRIGGER || kind == RULE_AUTOMATION) && (v = json_object_get(obj, "actions")) != NULL) {
		in->actions = actions_of(cx, v);
		*has |= RULE_ACTIONS;
	}
	if (kind == RULE_VIEW) {
		v = json_object_get(obj, "output");
		if (v == NULL)
			v = json_object_get(obj, "execution");
		if (json_is_object(v)) {
			in->extra = output_of(cx, v);
			*has |= RULE_EXTRA;
		} else if (v != NULL && !json_is_null(v))
			bad(cx, "output", "InvalidValue", "Output: must be an object");
	}
	if (sla && (v = json_object_get(obj, "policy_metrics")) != NULL) {
		in->extra = str_printf(cx->arena, "{\"policy_metrics\":" STR_F "}", STR_A(json_compact(cx, v)));
		*has |= RULE_EXTRA;
	}
	if ((kind == RULE_VIEW || kind == RULE_MACRO) && (v = json_object_get(obj, "restriction")) != NULL) {
		read_restriction(cx, v, in);
		*has |= RULE_WHOM;
	}
	if (kind == RULE_TRIGGER && (v = json_object_get(obj, "category_id")) != NULL) {
		if (!json_is_null(v) && !json_id(v, &in->category_id))
			bad(cx, "category_id", "InvalidValue", "Category: must be the id of a category");
		*has |= RULE_CATEGORY;
	}
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

bool
rules_page(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int total, int64_t (*id_of)(const void *list, int i),
    const void *list, struct paging *p, int *from, int *n, bool *more)
{
	static const char *const sorts[] = { "position", "created_at", "updated_at", "alphabetical", "id", "title", "usage_1h", "usage_24h",
	    "usage_7d", "usage_30d", NULL };
	int at = 0, end = total;

	if (!api_paging(cx, rq, rp, sorts, 6, 100, p))
		return false;
	if (!p->cursor) {
		*from = p->offset < total ? (int)p->offset : total;
		*n = total - *from < p->limit ? total - *from : p->limit;
		*more = false;
		return true;
	}
	if (p->after || p->before) {
		for (at = 0; at < total && id_of(list, at) != p->id; at++)
			;
		if (at == total)         /* it went meanwhile: its place tells */
			at = p->value < total ? (int)p->value : total;
		if (p->after)
			at = at < total ? at + 1 : total;
		else {
			end = at;
			at = end - p->limit < 0 ? 0 : end - p->limit;
		}
	}
	*from = at;
	*n = end - at < p->limit ? end - at : p->limit;
	*more = p->before ? true : at + *n < total;
	return true;
}

static int64_t
rule_id_at(const void *list, int i)
{
	return ((const struct rule *)list)[i].id;
}

static int
by_created(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return x->created_at != y->created_at ? (x->created_at > y->created_at) - (x->created_at < y->created_at)
	    : (x->id > y->id) - (x->id < y->id);
}

static int
by_updated(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return x->updated_at != y->updated_at ? (x->updated_at > y->updated_at) - (x->updated_at < y->updated_at)
	    : (x->id > y->id) - (x->id < y->id);
}

static int
by_title(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	int c = str_cmp(x->title, y->title);

	return c ? c : (x->id > y->id) - (x->id < y->id);
}

static int
by_id(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* The least used first; a list is turned round where the most used are asked for. */
static void
by_use(struct rule *r, int n, const struct uses *u, int which)
{
	for (int i = 1; i < n; i++) {
		struct rule one = r[i];
		int64_t uses = used(u, one.id, which);
		int k = i;
		for (; k > 0 && used(u, r[k - 1].id, which) > uses; k--)
			r[k] = r[k - 1];
		r[k] = one;
	}
}

static enum err
list_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct rule_api *a, struct rule *r, int total)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct uses uses;
	struct paging p;
	struct json j;
	int from, n;
	bool more;

	/* The order comes first, so that a page is a page of it. */
	if (!rules_page(cx, rq, rp, 0, rule_id_at, r, &p, &from, &n, &more))
		return OK;
	TRY(uses_read(cx, rq, a, p.sort >= 6, &uses));
	if (p.sort >= 6)
		by_use(r, total, &uses, p.sort - 6);
	else if (p.sort > 0)
		qsort(r, (size_t)total, sizeof *r, p.sort == 1 ? by_created : p.sort == 2 ? by_updated : p.sort == 4 ? by_id : by_title);
	if (p.descending)
		for (int i = 0; i < total / 2; i++) {
			struct rule swap = r[i];
			r[i] = r[total - 1 - i];
			r[total - 1 - i] = swap;
		}
	if (!rules_page(cx, rq, rp, total, rule_id_at, r, &p, &from, &n, &more))
		return OK;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, a->many);
	jw_arr(&j);
	for (int i = from; i < from + n; i++)
		json_rule(&j, cx, base, &r[i], &uses);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ from, r[from].id } : (struct place){ 0, 0 },
	    n ? (struct place){ from + n - 1, r[from + n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return OK;
}

/* What all lists of rules can be narrowed by; false: 400 in rp. */
static bool
filter_of(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, struct rule_filter *f)
{
	const str *access = http_query(rq, "access"), *active = http_query(rq, "active"), *query = http_query(rq, "query"),
	    *category = http_query(rq, "category_id"), *group = http_query(rq, "group_id");

	(void)cx;
	if (active != NULL && f->active < 0)
		f->active = str_eq(*active, S("true")) ? 1 : str_eq(*active, S("false")) ? 0 : -1;
	if (access != NULL)
		f->whom = str_eq(*access, S("personal")) ? PERSONAL : str_eq(*access, S("shared")) || str_eq(*access, S("account")) ? SHARED : ANY_WHOM;
	if (query != NULL)
		f->query = *query;
	if ((category != NULL && category->n && (!str_int(*category, &f->category_id) || f->category_id <= 0))
	    || (group != NULL && group->n && (!str_int(*group, &f->group_id) || f->group_id <= 0))) {
		(void)!api_error(rp, 400, "InvalidValue", "Parameter category_id or group_id must be an id");
		return false;
	}
	return true;
}

enum err
rules_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a, int active)
{
	struct rule_filter f = { .kind = a->kind, .active = active };
	struct rule *r;
	int n;

	if (!filter_of(cx, rq, rp, &f))
		return OK;
	/* ?query= narrows a search, not a list. */
	if (!str_ends(rq->path, S("search")) && !str_ends(rq->path, S("search.json")))
		f.query = S("");
	TRY(rule_list(cx, &f, &r, &n));
	if (a->kind == RULE_MACRO && http_query(rq, "category") != NULL && http_query(rq, "category")->n) {
		/* A macro's category is what stands before "::" in its title. */
		str want = *http_query(rq, "category");
		int kept = 0;
		for (int i = 0; i < n; i++) {
			size_t at = str_find(r[i].title, S("::"));
			if (at != SIZE_MAX && str_eq(str_sub(r[i].title, 0, at), want))
				r[kept++] = r[i];
		}
		n = kept;
	}
	return list_reply(cx, rq, rp, a, r, n);
}

enum err
rules_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	struct rule r;

	TRY(rule_get(cx, a->kind, rq->param[0], &r));
	return rule_reply(cx, rq, rp, 200, a, &r);
}

enum err
rules_show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	struct rule_filter f = { .kind = a->kind, .active = -1 };
	struct rule *r;
	int64_t *ids;
	int n, count, kept = 0;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &count) || !filter_of(cx, rq, rp, &f))
		return OK;
	f.query = S("");
	TRY(rule_list(cx, &f, &r, &n));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < count; k++)
			if (r[i].id == ids[k]) {
				r[kept++] = r[i];
				break;
			}
	return list_reply(cx, rq, rp, a, r, kept);
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

/* A rule with what is written along with it: a trigger's new category, the files of a macro. id 0: a new one. */
struct saving { const struct rule_api *a; int64_t id; unsigned has; struct rule in, out; str name; int64_t position; int64_t *file; int files; };

/* {"attachments":[1,2]} of a macro: ids of POST /macros/attachments. */
static void
read_files(struct ctx *cx, const json_t *obj, struct saving *w)
{
	const json_t *list = json_object_get(obj, "attachments"), *one;
	size_t i;

	if (w->a->kind != RULE_MACRO || list == NULL || json_is_null(list))
		return;
	w->file = NEW(cx->arena, int64_t, json_array_size(list) + 1);
	if (!json_is_array(list))
		bad(cx, "attachments", "InvalidValue", "Attachments: must be an array of ids");
	json_array_foreach(list, i, one)
		if (!json_id(one, &w->file[w->files++]))
			bad(cx, "attachments", "InvalidValue", "Attachments: must be an array of ids");
}

static enum err
save_tx(struct ctx *cx, void *arg)
{
	struct saving *w = arg;
	struct rule_category c;

	if (w->id != 0) {
		TRY(rule_update(cx, w->a->kind, w->id, w->has, &w->in, &w->out));
		return w->file ? macro_files_set(cx, w->id, w->file, w->files) : OK;
	}

	if (w->name.n) {
		TRY(category_put(cx, 0, w->name, w->position, &c));
		w->in.category_id = c.id;
		w->has |= RULE_CATEGORY;
	}
	TRY(rule_create(cx, w->a->kind, w->has, &w->in, &w->out));
	return w->file ? macro_files_set(cx, w->out.id, w->file, w->files) : OK;
}

enum err
rules_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a, int status)
{
	struct saving w = { .a = a };
	const json_t *obj, *v;

	TRY(api_body(cx, rq, rp, a->one, &obj));
	if (obj == NULL)
		return OK;
	rule_read(cx, obj, a->kind, &w.has, &w.in);
	read_files(cx, obj, &w);
	if (a->kind == RULE_TRIGGER && json_is_object(v = json_object_get(obj, "category"))) {
		w.name = json_text(cx, json_object_get(v, "name"));
		(void)json_id(json_object_get(v, "position"), &w.position);
	}
	TRY(store_write(cx, save_tx, &w));
	api_location(cx, rq, rp, a->path, w.out.id);
	return rule_reply(cx, rq, rp, status, a, &w.out);
}

enum err
rules_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	struct saving w = { .a = a, .id = rq->param[0] };
	const json_t *obj;

	TRY(api_body(cx, rq, rp, a->one, &obj));
	if (obj == NULL)
		return OK;
	TRY(rule_get(cx, a->kind, w.id, &w.out));           /* 404 before 422 */
	rule_read(cx, obj, a->kind, &w.has, &w.in);
	read_files(cx, obj, &w);
	TRY(store_write(cx, save_tx, &w));
	return rule_reply(cx, rq, rp, 200, a, &w.out);
}

enum err
rules_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	TRY(rule_delete(cx, a->kind, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

struct many { const struct rule_api *a; const json_t *list; const int64_t *id; int n; };

static enum err
update_many_tx(struct ctx *cx, void *arg)
{
	struct many *m = arg;
	const json_t *one;
	size_t i;

	json_array_foreach(m->list, i, one) {
		struct rule in = { 0 }, out;
		unsigned has = 0;
		int64_t id = 0;
		if (!json_is_object(one) || !json_id(json_object_get(one, "id"), &id) || id == 0) {
			bad(cx, "id", "BlankValue", "Id: each needs the id of a rule");
			return bad_check(cx);
		}
		rule_read(cx, one, m->a->kind, &has, &in);
		has &= RULE_ACTIVE | RULE_POSITION | RULE_CATEGORY;
		TRY(rule_update(cx, m->a->kind, id, has, &in, &out));
		((int64_t *)(uintptr_t)m->id)[m->n++] = id;
	}
	return OK;
}

enum err
rules_update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	struct rule_filter f = { .kind = a->kind, .active = -1 };
	struct many m = { .a = a };
	const json_t *obj;
	struct rule *r;
	int n, kept = 0;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	m.list = json_object_get(obj, a->many);
	if (!json_is_array(m.list))
		return api_error(rp, 400, "ParameterMissing", z_of(cx, str_printf(cx->arena, "Parameter %s is required: an array", a->many)));
	if (json_array_size(m.list) > 100)
		return api_error(rp, 400, "TooManyValues", z_of(cx, str_printf(cx->arena, "Parameter %s cannot specify more than 100 values", a->many)));
	m.id = NEW(cx->arena, int64_t, json_array_size(m.list) + 1);
	TRY(store_write(cx, update_many_tx, &m));
	TRY(rule_list(cx, &f, &r, &n));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < m.n; k++)
			if (r[i].id == m.id[k]) {
				r[kept++] = r[i];
				break;
			}
	return list_reply(cx, rq, rp, a, r, kept);
}

static enum err
destroy_many_tx(struct ctx *cx, void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < m->n; i++)
		TRY(rule_delete(cx, m->a->kind, m->id[i]));
	return OK;
}

enum err
rules_destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	struct many m = { .a = a };
	int64_t *ids;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &m.n))
		return OK;
	m.n = ids_unique(ids, m.n);
	m.id = ids;
	TRY(store_write(cx, destroy_many_tx, &m));
	TRY(store_erase(cx));
	api_empty(rp, 204);
	return OK;
}

enum err
rules_definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a)
{
	struct json j;

	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "definitions");
	rule_definitions(cx, a->kind, &j);
	jw_end_obj(&j);
	return OK;
}
