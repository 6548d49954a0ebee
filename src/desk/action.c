/* action.c - the table of actions: how each is read, what it does.
 *
 * Actions change a ticket in memory; who calls them writes it. What they name
 * (a group, an agent) is looked up when they run: one that is gone by then is
 * passed over, because a ticket must not be refused for a rule that aged.
 */
#include <stdlib.h>

#include "desk/def.h"
#include "desk/rule.h"
#include "flow/flow.h"

/* ---- actions -------------------------------------------------------------------------------------------------------------------- */

static enum err
set_status(struct effect *fx, const struct act *a)
{
	if (a->num == TICKET_NEW && fx->t->status != TICKET_NEW)
		return OK;                       /* no ticket goes back to new */
	fx->t->status = (enum ticket_status)a->num;
	return OK;
}

static enum err
set_priority(struct effect *fx, const struct act *a)
{
	if (a->texts && a->text[0].n)
		fx->t->priority = (enum ticket_priority)a->num;
	return OK;
}

static enum err
set_type(struct effect *fx, const struct act *a)
{
	fx->t->type = a->texts && a->text[0].n ? (enum ticket_type)a->num : TYPE_NONE;
	return OK;
}

static enum err
live_group(struct effect *fx, int64_t id, bool *yes)
{
	struct group g;
	enum err e = group_get(fx->cx, id, &g);

	*yes = e == OK && !g.deleted;
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(fx->cx);
		return OK;
	}
	return e;
}

static enum err
set_group(struct effect *fx, const struct act *a)
{
	int64_t id = a->texts && a->text[0].n ? a->num : 0;
	bool yes = true;

	if (id == NUM_MY_GROUPS) {
		struct user u;
		enum err e = fx->s->user_id ? user_load(fx->cx, fx->s->user_id, &u) : E_ABSENT;
		if (e == E_ABSENT) {
			fail_forget(fx->cx);
			return OK;
		}
		TRY(e);
		id = u.default_group_id;
	}
	if (id != 0)
		TRY(live_group(fx, id, &yes));
	if (!yes)
		return OK;
	fx->t->group_id = id;
	if (fx->t->assignee_id != 0 && (id == 0 || !membership_exists(fx->cx, fx->t->assignee_id, id)))
		fx->t->assignee_id = 0;
	return OK;
}

/* A user that an action names; *u untouched and *yes false: nobody. */
static enum err
named_user(struct effect *fx, int64_t v, struct user *u, bool *yes)
{
	int64_t id = v == NUM_ME ? fx->s->user_id : v == NUM_REQUESTER ? fx->t->requester_id : v == NUM_ASSIGNEE
	    ? fx->t->assignee_id : v;
	struct user got;
	enum err e;

	*yes = false;
	if (id <= 0)
		return OK;
	e = user_load(fx->cx, id, &got);
	if (e == E_ABSENT) {
		fail_forget(fx->cx);
		return OK;
	}
	TRY(e);
	*yes = got.active && !got.suspended;
	if (*yes)
		*u = got;
	return OK;
}

static enum err
set_assignee(struct effect *fx, const struct act *a)
{
	struct user u;
	bool yes;

	if (a->texts == 0 || a->text[0].n == 0) {
		fx->t->assignee_id = 0;
		return OK;
	}
	TRY(named_user(fx, a->num, &u, &yes));
	if (!yes || u.role < ROLE_AGENT)
		return OK;
	fx->t->assignee_id = u.id;
	if (fx->t->group_id == 0 || !membership_exists(fx->cx, u.id, fx->t->group_id))
		fx->t->group_id = u.default_group_id;
	return OK;
}

static void
note_custom(struct effect *fx, int64_t field)
{
	int64_t *ids = NEW(fx->cx->arena, int64_t, fx->customs + 1);

	for (int i = 0; i < fx->customs; i++)
		if ((ids[i] = fx->custom[i]) == field)
			return;
	ids[fx->customs++] = field;
	fx->custom = ids;
}

static enum err
tags_with(struct effect *fx, const struct act *a, unsigned has)
{
	struct ticket_change ch = { .has = has };
	const struct ticket before = *fx->t;
	sensitive tag;
	str text;

	TRY(template_render(fx->cx, a->texts ? a->text[0] : S(""), fx->s, &text));
	tag = HIDE(text);
	*(has == T_REMOVE_TAGS ? &ch.drop_tag : &ch.tag) = &tag;
	*(has == T_REMOVE_TAGS ? &ch.drop_count : &ch.tag_count) = 1;
	fx->t->tags = HIDE(ticket_tags_after(fx->cx, fx->t->tags.hidden, &ch));
	TRY(fields_from_tags(fx->cx, &before, fx->t, &ch));
	if (ch.custom_count == 0)
		return OK;
	TRY(fields_apply(fx->cx, &before, fx->t, &ch, true, true));
	for (int i = 0; i < ch.custom_count; i++)
		note_custom(fx, ch.custom[i].id);
	return OK;
}

static enum err set_tags(struct effect *fx, const struct act *a) { return tags_with(fx, a, T_TAGS); }
static enum err add_tags(struct effect *fx, const struct act *a) { return tags_with(fx, a, T_ADD_TAGS); }
static enum err drop_tags(struct effect *fx, const struct act *a) { return tags_with(fx, a, T_REMOVE_TAGS); }

static enum err
set_subject(struct effect *fx, const struct act *a)
{
	str text;

	TRY(template_render(fx->cx, a->text[0], fx->s, &text));
	text = str_sub(text, 0, utf8_floor(text, text.n < SUBJECT_MAX ? text.n : SUBJECT_MAX));
	if (str_trim(text).n)
		fx->t->subject = HIDE(str_trim(text));
	return OK;
}

static enum err
set_form(struct effect *fx, const struct act *a)
{
	fx->t->form_id = a->texts && a->text[0].n ? a->num : 0;
	return OK;
}

static enum err
set_brand(struct effect *fx, const struct act *a)
{
	fx->t->brand_id = a->num;
	return OK;
}

/* Without a value: the default one again. */
static enum err
set_schedule(struct effect *fx, const struct act *a)
{
	int64_t id = a->texts && a->text[0].n ? a->num : 0;
	const struct book *b;

	TRY(book_get(fx->cx, &b));
	if (id == 0 || schedule_find(b, id) != NULL)
		fx->t->schedule_id = id;
	return OK;
}

str
custom_json(struct ctx *cx, sensitive fields, int64_t id)
{
	str text = reveal(cx, fields, TO_STORE), out = S("null");
	json_t *list = json_loadb(text.p ? text.p : "[]", text.n ? text.n : 2, JSON_ALLOW_NUL, NULL), *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_integer_value(json_object_get(one, "id")) == id) {
			char *z = json_dumps(json_object_get(one, "value"), JSON_COMPACT | JSON_ENCODE_ANY);
			if (z != NULL) {
				out = str_dup(cx->arena, str_of(z));
				wipe(z, out.n);
				free(z);
			}
		}
	json_decref(list);
	return out;
}

/* As an administrator could set it: typed, with the tags of its options. What does not fit the field is passed over. */
static enum err
set_custom(struct effect *fx, const struct act *a)
{
	struct ctx *cx = fx->cx;
	struct ticket_change ch = { .has = T_CUSTOM, .custom_count = 1 };
	struct bad_field *bad_before = cx->bad, **bad_end_before = cx->bad_end;
	struct ticket before = *fx->t;
	str text = S("");
	bool fits;

	if (a->texts)
		TRY(template_render(cx, a->text[0], fx->s, &text));
	ch.custom = arena_alloc(cx->arena, sizeof *ch.custom, 1, 16);
	ch.custom[0].id = a->field;
	ch.custom[0].value_json = text.n == 0 ? S("null") : json_quote(cx, text);
	cx->bad = NULL;
	cx->bad_end = &cx->bad;
	TRY(fields_settle(cx, &ch, false));
	fits = cx->bad == NULL && ch.custom_count == 1;
	cx->bad = bad_before;
	cx->bad_end = bad_before ? bad_end_before : &cx->bad;
	if (!fits)
		return OK;
	TRY(fields_apply(cx, &before, fx->t, &ch, true, true));
	note_custom(fx, a->field);
	return OK;
}

static enum err
set_custom_status(struct effect *fx, const struct act *a)
{
	struct ticket_change ch = { .has = T_CUSTOM_STATUS | T_STATUS, .custom_status_id = a->num };
	struct ticket before = *fx->t;
	const struct defs *d;
	const struct def *s;

	TRY(defs_get(fx->cx, &d));
	if ((s = def_find(d, DEF_STATUS, a->num)) == NULL || !s->active || !status_of(def_text(s, "status_category"), &fx->t->status))
		return OK;
	return fields_apply(fx->cx, &before, fx->t, &ch, true, true);
}

static enum err
set_comment(struct effect *fx, const struct act *a)
{
	str text;

	TRY(template_render(fx->cx, a->text[0], fx->s, &text));
	fx->body = fx->body_set ? str_printf(fx->cx->arena, STR_F "\n" STR_F, STR_A(fx->body), STR_A(text)) : text;
	fx->body_set = true;
	return OK;
}

static enum err
set_comment_html(struct effect *fx, const struct act *a)
{
	struct act plain = *a;
	str text = html_to_text(fx->cx->arena, a->text[0], 1 * MiB);

	plain.text = &text;
	return set_comment(fx, &plain);
}

static enum err
set_comment_mode(struct effect *fx, const struct act *a)
{
	fx->public_set = true;
	fx->is_public = a->num != 0;
	return OK;
}

static enum err
add_person(struct effect *fx, const struct act *a, struct cc_change **list, int *count)
{
	struct cc_change *more;
	struct user u;
	bool yes;

	TRY(named_user(fx, a->num, &u, &yes));
	if (!yes || (list == &fx->follower && u.role < ROLE_AGENT))
		return OK;
	more = NEW(fx->cx->arena, struct cc_change, *count + 1);
	if (*count)
		memcpy(more, *list, sizeof *more * (size_t)*count);
	more[(*count)++] = (struct cc_change){ .user_id = u.id };
	*list = more;
	return OK;
}

static enum err add_cc(struct effect *fx, const struct act *a) { return add_person(fx, a, &fx->cc, &fx->ccs); }
static enum err add_follower(struct effect *fx, const struct act *a) { return add_person(fx, a, &fx->follower, &fx->followers); }

/* ---- notifications */

#define PEOPLE_MAX 200               /* that one notification goes to */

static enum err
note(struct effect *fx, const struct notice *n)
{
	struct notice *more = NEW(fx->cx->arena, struct notice, fx->notices + 1);

	if (fx->notices)
		memcpy(more, fx->notice, sizeof *more * (size_t)fx->notices);
	more[fx->notices++] = *n;
	fx->notice = more;
	return OK;
}

static enum err
note_people(struct effect *fx, const struct act *a, int64_t *ids, int n)
{
	struct notice out = { .kind = NOTICE_MAIL, .user_id = ids };
	str subject, body;

	for (int i = 0; i < n; i++) {
		struct user u;
		bool yes, twice = false;
		for (int k = 0; k < out.user_count; k++)
			twice = twice || ids[k] == ids[i];
		if (twice)
			continue;
		TRY(named_user(fx, ids[i], &u, &yes));
		if (yes)
			ids[out.user_count++] = u.id;
	}
	if (out.user_count == 0 || (!fx->dry && !flow_mail_on(fx->cx)))
		return OK;
	TRY(template_render(fx->cx, a->text[1], fx->s, &subject));
	TRY(template_render(fx->cx, a->text[2], fx->s, &body));
	out.subject = HIDE(subject);
	out.body = HIDE(body);
	return note(fx, &out);
}

static enum err
notify_user(struct effect *fx, const struct act *a)
{
	int64_t *ids = NEW(fx->cx->arena, int64_t, PEOPLE_MAX + 64);
	str whom = a->text[0];
	int n = 0;

	if (str_eq(whom, S("requester_and_ccs"))) {
		ids[n++] = fx->t->requester_id;
		for (int i = 0; i < fx->t->cc_count && n < PEOPLE_MAX; i++)
			ids[n++] = fx->t->cc[i];
	} else if (str_eq(whom, S("all_agents"))) {
		struct user *u;
		int count;
		TRY(user_list(fx->cx, &(struct user_filter){ .role_mask = 1 << ROLE_AGENT | 1 << ROLE_ADMIN, .limit = PEOPLE_MAX }, &u, &count));
		for (int i = 0; i < count; i++)
			ids[n++] = u[i].id;
	} else
		ids[n++] = a->num == NUM_REQUESTER ? fx->t->requester_id : a->num == NUM_ASSIGNEE ? fx->t->assignee_id
		    : a->num == NUM_ME ? fx->s->user_id : a->num;
	return note_people(fx, a, ids, n);
}

static enum err
notify_group(struct effect *fx, const struct act *a)
{
	int64_t group = a->num == 0 ? fx->t->group_id : a->num, *ids;
	struct user *u;
	int n;

	if (group <= 0)
		return OK;
	TRY(user_list(fx->cx, &(struct user_filter){ .role_mask = 1 << ROLE_AGENT | 1 << ROLE_ADMIN, .group_id = group,
	    .limit = PEOPLE_MAX }, &u, &n));
	ids = NEW(fx->cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		ids[i] = u[i].id;
	return note_people(fx, a, ids, n);
}

static enum err
notify_webhook(struct effect *fx, const struct act *a)
{
	struct notice out = { .kind = NOTICE_WEBHOOK, .target = a->text[0] };
	str body;

	(void)str_int(a->text[0], &out.webhook_id);
	TRY(template_render(fx->cx, a->texts > 1 ? a->text[1] : S(""), fx->s, &body));
	out.body = HIDE(body);
	return note(fx, &out);
}

/* ---- what is written of the requester and the organization */

/* A value that does not fit, or somebody who cannot be changed, is passed over. */
static enum err
passed_over(struct ctx *cx, struct bad_field *bad, struct bad_field **bad_end, enum err e)
{
	if (e == E_INVALID || e == E_ABSENT || e == E_DENIED || e == E_CONFLICT) {
		fail_clear(cx);
		e = OK;
	}
	cx->bad = bad;
	cx->bad_end = bad ? bad_end : &cx->bad;
	return e;
}

static enum err
write_requester(struct effect *fx, const struct user_change *ch)
{
	struct ctx *cx = fx->cx;
	struct bad_field *bad = cx->bad, **bad_end = cx->bad_end;
	struct user u;

	if (fx->dry || fx->t->requester_id == 0)
		return OK;
	cx->bad = NULL;
	cx->bad_end = &cx->bad;
	fx->s->requester = NULL;         /* to be read again */
	fx->elsewhere = true;
	return passed_over(cx, bad, bad_end, user_update(cx, fx->t->requester_id, ch, &u));
}

/* {"KEY":"value"}, or null. */
static enum err
one_field(struct effect *fx, const struct act *a, sensitive *out)
{
	str text = S("");

	if (a->texts)
		TRY(template_render(fx->cx, a->text[0], fx->s, &text));
	text = text.n == 0 ? S("null") : json_quote(fx->cx, text);
	*out = HIDE(str_printf(fx->cx->arena, "{" STR_F ":" STR_F "}", STR_A(json_quote(fx->cx, a->key)), STR_A(text)));
	return OK;
}

static enum err
set_requester_field(struct effect *fx, const struct act *a)
{
	struct user_change ch = { .has = USER_FIELDS };

	TRY(one_field(fx, a, &ch.u.user_fields));
	return write_requester(fx, &ch);
}

static enum err
set_organization_field(struct effect *fx, const struct act *a)
{
	struct ctx *cx = fx->cx;
	struct bad_field *bad = cx->bad, **bad_end = cx->bad_end;
	struct organization in = { 0 }, o;

	TRY(one_field(fx, a, &in.fields));
	if (fx->dry || fx->t->organization_id == 0)
		return OK;
	cx->bad = NULL;
	cx->bad_end = &cx->bad;
	fx->s->organization = NULL;
	fx->elsewhere = true;
	return passed_over(cx, bad, bad_end, org_update(cx, fx->t->organization_id, ORG_FIELDS, &in, &o));
}

static enum err
set_locale(struct effect *fx, const struct act *a)
{
	return write_requester(fx, &(struct user_change){ .has = USER_LOCALE, .u.locale = locale_named(a->num) });
}

#define RULES (IN_TRIGGER | IN_AUTOMATION)
static const struct act_row acts[] = {
	{ "status",       "Status",      "Ticket", "list", VAL_STATUS,   RULES | IN_MACRO, 1, false, set_status },
	{ "custom_status_id", "Ticket status", "Ticket", "list", VAL_ID, RULES | IN_MACRO, 1, false, set_custom_status },
	{ "priority",     "Priority",    "Ticket", "list", VAL_PRIORITY, RULES | IN_MACRO, 1, true,  set_priority },
	{ "type",         "Type",        "Ticket", "list", VAL_TYPE,     RULES | IN_MACRO, 1, true,  set_type },
	{ "group_id",     "Group",       "Ticket", "list", VAL_GROUP,    RULES | IN_MACRO, 1, true,  set_group },
	{ "assignee_id",  "Assignee",    "Ticket", "list", VAL_AGENT,    RULES | IN_MACRO, 1, true,  set_assignee },
	{ "set_tags",     "Set tags",    "Ticket", "tags", VAL_TAGS,     RULES | IN_MACRO, 1, true,  set_tags },
	{ "current_tags", "Add tags",    "Ticket", "tags", VAL_TAGS,     RULES | IN_MACRO, 1, false, add_tags },
	{ "remove_tags",  "Remove tags", "Ticket", "tags", VAL_TAGS,     RULES | IN_MACRO, 1, false, drop_tags },
	{ "ticket_form_id", "Form",      "Ticket", "list", VAL_ID,       RULES | IN_MACRO, 1, true,  set_form },
	{ "brand_id",     "Brand",       "Ticket", "list", VAL_ID,       RULES | IN_MACRO, 1, false, set_brand },
	{ "set_schedule", "Set schedule", "Ticket", "list", VAL_SCHEDULE, IN_TRIGGER, 1, true, set_schedule },
	{ "custom_fields_", "Custom field", "Custom fields", "text", VAL_CUSTOM, RULES | IN_MACRO, 1, true, set_custom },
	{ REQUESTER_FIELD,    "Requester: custom field", "Requester", "text", VAL_PERSON, RULES, 1, true, set_requester_field },
	{ ORGANIZATION_FIELD, "Organization: custom field", "Organization", "text", VAL_PERSON, RULES, 1, true, set_organization_field },
	{ "locale_id",    "Requester's language", "Requester", "list", VAL_LOCALE, RULES, 1, false, set_locale },
	{ "subject",      "Set subject", "Ticket", "text", VAL_TEXT,     IN_MACRO | RULES, 1, false, set_subject },
	{ "comment_value", "Comment/description", "Ticket", "textarea", VAL_TEXT, IN_MACRO, 1, false, set_comment },
	{ "comment_value_html", "Comment/description", "Ticket", "textarea", VAL_TEXT, IN_MACRO, 1, false, set_comment_html },
	{ "comment_mode_is_public", "Comment mode", "Ticket", "list", VAL_PUBLIC, IN_MACRO, 1, false, set_comment_mode },
	{ "cc",           "Add CC",      "Ticket", "list", VAL_USER,     RULES | IN_MACRO, 1, false, add_cc },
	{ "follower",     "Add follower", "Ticket", "list", VAL_USER,    RULES | IN_MACRO, 1, false, add_follower },
	{ "notification_user",  "Email user",  "Notifications", "list_text_textarea", VAL_TEXT, RULES, 3, false, notify_user },
	{ "notification_group", "Email group", "Notifications", "list_text_textarea", VAL_TEXT, RULES, 3, false, notify_group },
	{ "notification_webhook", "Notify active webhook", "Notifications", "list_textarea", VAL_TEXT, RULES, 2, false, notify_webhook },
	{ "notification_target",  "Notify target", "Notifications", "list_textarea", VAL_TEXT, RULES, 2, false, notify_webhook },
};

const struct act_row *
act_rows(int *count)
{
	*count = (int)COUNT(acts);
	return acts;
}

enum err
rule_apply(struct effect *fx)
{
	for (int i = 0; i < fx->rule->acts; i++) {
		const struct act *a = &fx->rule->act[i];
		TRY(a->row->apply(fx, a));
	}
	return OK;
}

enum err
ticket_settle(struct ctx *cx, struct ticket *t, const struct ticket *before, usec at)
{
	if (t->status == TICKET_NEW && t->assignee_id != 0)
		t->status = TICKET_OPEN;
	if (t->status >= TICKET_SOLVED && (t->solved_at == 0 || before->status < TICKET_SOLVED))
		t->solved_at = at;
	if (t->status < TICKET_SOLVED)
		t->solved_at = 0;
	/* A custom status goes with its category. */
	if (t->status != before->status && t->custom_status_id != 0)
		return fields_apply(cx, before, t, &(struct ticket_change){ 0 }, true, true);
	return OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
wrong(struct ctx *cx, const char *why)
{
	bad(cx, "actions", "InvalidValue", why);
}

void
act_read(struct ctx *cx, const json_t *one, unsigned where, struct act *a, bool *ok)
{
	str name = rule_text(cx, json_object_get(one, "field"));
	const json_t *v = json_object_get(one, "value"), *w;
	size_t i;

	*ok = false;
	*a = (struct act){ 0 };
	if (!json_is_object(one)) {
		wrong(cx, "Actions: each is an object with field and value");
		return;
	}
	if (str_starts(name, S("custom_fields_")) || str_starts(name, S("ticket_fields_"))) {
		if (!str_int(str_sub(name, 14, name.n), &a->field) || a->field <= 0) {
			wrong(cx, "Actions: names a field that is not known");
			return;
		}
		name = S("custom_fields_");
	}
	if (!rule_person(&name, &a->key)) {
		wrong(cx, "Actions: names a field that is not known");
		return;
	}
	for (i = 0; i < COUNT(acts) && a->row == NULL; i++)
		if (str_eq(name, str_of(acts[i].name)))
			a->row = &acts[i];
	if (a->row == NULL || !(a->row->where & where)) {
		wrong(cx, a->row == NULL ? "Actions: names a field that is not known"
		    : "Actions: names a field that cannot be used in this kind of rule");
		return;
	}
	a->text = NEW(cx->arena, str, 4);
	if (json_is_array(v)) {
		json_array_foreach(v, i, w) {
			if (i >= 4 || json_is_object(w) || json_is_array(w)) {
				wrong(cx, "Actions: a value must be a text or a short array of texts");
				return;
			}
			a->text[a->texts++] = rule_text(cx, w);
		}
	} else if (json_is_object(v)) {
		wrong(cx, "Actions: a value must be a text or a short array of texts");
		return;
	} else if (v != NULL && !json_is_null(v))
		a->text[a->texts++] = rule_text(cx, v);
	/* ["channel:all", "text"] is how a macro's comment comes from some clients. */
	if (a->row->texts == 1 && a->texts == 2 && str_starts(a->text[0], S("channel:")))
		a->text[0] = a->text[1], a->texts = 1;
	if (a->row->texts > 1 && a->texts < a->row->texts) {
		wrong(cx, "Actions: a value is missing; a notification needs whom, subject and text");
		return;
	}
	if (a->row->texts == 1 && a->texts > 1) {
		wrong(cx, "Actions: has more values than the field takes");
		return;
	}
	for (int k = 0; k < a->texts; k++) {
		const char *why = a->text[k].n > 256 * KiB ? "Actions: a text is too long" : template_wrong(a->text[k]);
		if (why != NULL) {
			wrong(cx, why);
			return;
		}
	}
	/* Whom a note goes to is a number or a word. */
	if (a->row->texts == 3 && !rule_number(a->row->apply == notify_group ? VAL_GROUP : VAL_AGENT, a->text[0], &a->num)
	    && !str_eq(a->text[0], a->row->apply == notify_group ? S("group_id") : S("requester_and_ccs"))
	    && (a->row->apply == notify_group || !str_eq(a->text[0], S("all_agents")))) {
		wrong(cx, "Actions: a notification names nobody who can be notified");
		return;
	}
	if (a->texts == 0 || str_trim(a->text[0]).n == 0) {
		if (!a->row->null_ok) {
			wrong(cx, "Actions: a value is missing");
			return;
		}
	} else if (a->row->value != VAL_TEXT && a->row->value != VAL_TAGS && a->row->value != VAL_CUSTOM && a->row->value != VAL_PERSON
	    && !rule_number(a->row->value, str_trim(a->text[0]), &a->num)) {
		if (!(a->row->value == VAL_USER && rule_number(VAL_AGENT, str_trim(a->text[0]), &a->num))) {
			wrong(cx, "Actions: a value does not fit its field");
			return;
		}
	}
	*ok = true;
}
