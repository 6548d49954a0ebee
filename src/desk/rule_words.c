/* rule_words.c - the tables of conditions, actions and columns, as the API's definitions write them. */
#include "desk/def.h"
#include "desk/rule.h"

/* A row stands once, or once for each field that the actor may read. */
struct entry { const struct def *field; str name; const char *title; };

static int
entries(struct ctx *cx, enum value_type type, const char *name, const char *title, struct entry **out)
{
	enum def_kind kind = type == VAL_CUSTOM ? DEF_TICKET_FIELD : str_eq(str_of(name), S(ORGANIZATION_FIELD)) ? DEF_ORG_FIELD : DEF_USER_FIELD;
	const struct def *const *all;
	const struct defs *d;
	int n, count = 0;

	*out = NEW(cx->arena, struct entry, 1);
	(*out)[0] = (struct entry){ .name = str_of(name), .title = title };
	if (type != VAL_CUSTOM && type != VAL_PERSON)
		return 1;
	if (defs_get(cx, &d) != OK) {
		fail_forget(cx);         /* none are offered */
		return 0;
	}
	all = def_all(d, kind, &n);
	*out = NEW(cx->arena, struct entry, n + 1);
	for (int i = 0; i < n; i++)
		if (all[i]->active && !all[i]->field.system && field_access(cx, all[i]) != FIELD_NONE)
			(*out)[count++] = (struct entry){ .field = all[i], .title = str_z(cx->arena, def_text(all[i], "title")),
			    .name = type == VAL_CUSTOM ? str_printf(cx->arena, "%s%lld", name, (long long)all[i]->id)
			    : str_printf(cx->arena, "%s" STR_F, name, STR_A(def_text(all[i], "key"))) };
	return count;
}

static void
value(struct json *j, str v, const char *title)
{
	jw_obj(j);
	jw_kstr(j, "value", v);
	jw_kz(j, "title", title);
	jw_kbool(j, "enabled", true);
	jw_end_obj(j);
}

static void
schedules(struct ctx *cx, struct json *j)
{
	const struct book *b;

	if (book_get(cx, &b) != OK) {
		fail_forget(cx);         /* none are offered */
		return;
	}
	for (int i = b->from[RULE_SCHEDULE]; i < b->from[RULE_SCHEDULE + 1]; i++)
		value(j, str_printf(cx->arena, "%lld", (long long)b->rule[i].r.id), str_z(cx->arena, b->rule[i].r.title));
}

static void
options(struct ctx *cx, struct json *j, const struct def *field)
{
	const json_t *o;
	size_t i;

	if (str_eq(def_text(field, "type"), S("checkbox"))) {
		value(j, S("true"), "Checked");
		value(j, S("false"), "Unchecked");
	}
	json_array_foreach(json_object_get(field->doc, "custom_field_options"), i, o) {
		const char *v = json_string_value(json_object_get(o, "value")), *name = json_string_value(json_object_get(o, "name"));
		if (v != NULL)
			value(j, str_dup(cx->arena, str_of(v)), name ? str_z(cx->arena, str_of(name)) : v);
	}
}

/* The words that a value may be; what is looked up (agents, groups) has its special words only. */
static void
values(struct ctx *cx, struct json *j, enum value_type type, const struct def *field)
{
	static const struct { const char *v, *t; } lists[][8] = {
		[VAL_AGENT] = { { "", "-" }, { "current_user", "(current user)" }, { "requester_id", "(requester)" } },
		[VAL_USER] = { { "current_user", "(current user)" }, { "assignee_id", "(assignee)" } },
		[VAL_GROUP] = { { "", "-" }, { "current_groups", "(current user's groups)" } },
		[VAL_UPDATE] = { { "Create", "Created" }, { "Change", "Updated" } },
		[VAL_PUBLIC] = { { "public", "Public" }, { "private", "Private" } },
		[VAL_COMMENT] = { { "true", "Public" }, { "false", "Private" }, { "not_relevant", "Present (public or private)" },
		    { "requester_can_see_comment", "Present, and requester can see the comment" } },
		[VAL_ROLE] = { { "agent", "(agent)" }, { "end_user", "(end user)" }, { "admin", "(administrator)" } },
		[VAL_SCORE] = { { "good", "Good" }, { "bad", "Bad" }, { "good_with_comment", "Good with comment" },
		    { "bad_with_comment", "Bad with comment" }, { "unoffered", "Unoffered" } },
		[VAL_ATTACHED] = { { "present", "Present" }, { "not_present", "Not present" } },
		[VAL_SHIFT] = { { "true", "Yes" }, { "false", "No" } },
		[VAL_VIA] = { { "0", "Web form" }, { "4", "Mail" }, { "5", "Web service (API)" }, { "8", "Business rule" },
		    { "23", "Help center" }, { "29", "Chat" }, { "44", "Voice" } },
		[VAL_TYPES] = { { NULL, NULL } },
	};

	jw_key(j, "values");
	jw_arr(j);
	if (type == VAL_STATUS)
		for (int s = TICKET_NEW; s <= TICKET_CLOSED; s++)
			value(j, str_of(status_name((enum ticket_status)s)), status_name((enum ticket_status)s));
	else if (type == VAL_PRIORITY)
		for (int p = PRIORITY_LOW; p <= PRIORITY_URGENT; p++)
			value(j, str_of(priority_name((enum ticket_priority)p)), priority_name((enum ticket_priority)p));
	else if (type == VAL_TYPE)
		for (int t = TYPE_PROBLEM; t <= TYPE_TASK; t++)
			value(j, str_of(type_name((enum ticket_type)t)), type_name((enum ticket_type)t));
	else
		for (size_t i = 0; i < COUNT(lists[0]) && lists[type][i].v != NULL; i++)
			value(j, str_of(lists[type][i].v), lists[type][i].t);
	for (int i = 0; i < LOCALES && type == VAL_LOCALE; i++)
		value(j, str_printf(cx->arena, "%d", desk_locale[i].id), desk_locale[i].name);
	if (type == VAL_SCHEDULE || type == VAL_SHIFT)
		schedules(cx, j);
	if (field != NULL)
		options(cx, j, field);
	jw_end_arr(j);
}

static const char *
shown_type(enum value_type t, const struct def *field)
{
	if (field != NULL && (str_eq(def_text(field, "type"), S("checkbox")) || json_array_size(json_object_get(field->doc, "custom_field_options")) > 0))
		return "list";
	if (field != NULL && str_eq(def_text(field, "type"), S("date")))
		return "date";
	switch (t) {
	case VAL_TAGS:  return "tags";
	case VAL_WORDS: case VAL_TEXT: case VAL_CUSTOM: case VAL_PERSON: case VAL_HOURS: case VAL_COUNT: return "text";
	case VAL_TIME:  return "date";
	case VAL_USER: case VAL_AGENT: return "autocomplete";
	default:        return "list";
	}
}

static void
condition(struct ctx *cx, struct json *j, const struct cond_row *r, const struct entry *e, unsigned where, bool sla)
{
	jw_obj(j);
	jw_kz(j, "title", e->title);
	jw_kstr(j, sla ? "value" : "subject", e->name);
	if (!sla) {
		jw_kz(j, "type", shown_type(r->type, e->field));
		jw_kbool(j, "nullable", (r->ops & 1u << OP_PRESENT) != 0);
		jw_kbool(j, "repeatable", r->type == VAL_WORDS || r->type == VAL_TAGS);
	}
	jw_kz(j, "group", r->group);
	jw_key(j, "operators");
	jw_arr(j);
	for (int o = 0; o < OPS; o++)
		if (r->ops & 1u << o && ((where & IN_TRIGGER) || (o != OP_CHANGED && o != OP_NOT_CHANGED && o != OP_TO
		    && o != OP_NOT_TO && o != OP_FROM && o != OP_NOT_FROM))) {
			jw_obj(j);
			jw_kz(j, "value", op_name((enum op)o));
			jw_kz(j, "title", op_title((enum op)o));
			if (!sla)
				jw_kbool(j, "terminal", o == OP_PRESENT || o == OP_NOT_PRESENT || o == OP_CHANGED || o == OP_NOT_CHANGED);
			jw_end_obj(j);
		}
	jw_end_arr(j);
	if (sla) {
		jw_key(j, "values");
		jw_obj(j);
		jw_kz(j, "type", shown_type(r->type, e->field));
		jw_key(j, "list");
		jw_arr(j);
		jw_end_arr(j);
		jw_end_obj(j);
		jw_knull(j, "target");
	} else
		values(cx, j, r->type, e->field);
	jw_end_obj(j);
}

static void
conditions(struct ctx *cx, struct json *j, const char *key, unsigned where, bool sla)
{
	int n;
	const struct cond_row *r = cond_rows(&n);

	jw_key(j, key);
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		struct entry *e;
		int count = r[i].where & where ? entries(cx, r[i].type, r[i].name, r[i].title, &e) : 0;
		for (int k = 0; k < count; k++)
			condition(cx, j, &r[i], &e[k], where, sla);
	}
	jw_end_arr(j);
}

static void
action(struct ctx *cx, struct json *j, const struct act_row *r, const struct entry *e)
{
	jw_obj(j);
	jw_kz(j, "title", e->title);
	jw_kstr(j, "subject", e->name);
	jw_kstr(j, "field", e->name);
	jw_kz(j, "type", e->field ? shown_type(r->value, e->field) : r->type);
	jw_kz(j, "group", r->group);
	jw_kbool(j, "nullable", r->null_ok);
	jw_kbool(j, "repeatable", r->texts > 1);
	values(cx, j, r->value, e->field);
	jw_end_obj(j);
}

static void
actions(struct ctx *cx, struct json *j, unsigned where)
{
	int n;
	const struct act_row *r = act_rows(&n);

	jw_key(j, "actions");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		struct entry *e;
		int count = r[i].where & where ? entries(cx, r[i].value, r[i].name, r[i].title, &e) : 0;
		for (int k = 0; k < count; k++)
			action(cx, j, &r[i], &e[k]);
	}
	jw_end_arr(j);
}

static void
columns(struct json *j, const char *key, bool sortable)
{
	int n;
	const struct view_col *c = view_cols(&n);

	jw_key(j, key);
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		if (sortable && c[i].sql == NULL)
			continue;
		jw_obj(j);
		jw_kz(j, "title", c[i].title);
		jw_kz(j, "value", c[i].name);
		jw_kz(j, "type", c[i].type);
		jw_kz(j, "group", "ticket");
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

void
rule_definitions(struct ctx *cx, enum rule_kind kind, struct json *j)
{
	unsigned where = rule_place(kind);
	bool sla = kind == RULE_SLA || kind == RULE_GROUP_SLA;

	jw_obj(j);
	if (kind != RULE_MACRO) {
		conditions(cx, j, sla ? "all" : "conditions_all", where, sla);
		conditions(cx, j, sla ? "any" : "conditions_any", where, sla);
	}
	if (kind == RULE_MACRO || kind == RULE_TRIGGER || kind == RULE_AUTOMATION)
		actions(cx, j, where);
	if (kind == RULE_VIEW) {
		columns(j, "groupables", true);
		columns(j, "sortables", true);
		columns(j, "output", false);
	}
	jw_end_obj(j);
}
