/* template.c - the placeholders in texts of rules: {{ticket.id}} and the like.
 *
 * No template language: a placeholder is a name of the table below, with dots.
 * One that is not known becomes nothing, as in Zendesk. Liquid's {% ... %} and
 * filters are refused when the rule is saved, because a text that silently
 * said something else than its author meant would be sent to patients.
 */
#include "desk/def.h"
#include "desk/rule.h"

#define RENDERED_MAX (512 * KiB)

const char *
template_wrong(str text)
{
	size_t at = 0, k;

	if (!utf8_valid(text))
		return "Actions: a text is not UTF-8";
	if (str_find(text, S("{%")) != SIZE_MAX)
		return "Actions: Liquid tags ({% ... %}) are not supported; use placeholders such as {{ticket.id}}";
	while ((k = str_find(str_sub(text, at, text.n), S("{{"))) != SIZE_MAX) {
		str rest = str_sub(text, at + k + 2, text.n), name;
		size_t end = str_find(rest, S("}}"));
		if (end == SIZE_MAX)
			return NULL;
		name = str_sub(rest, 0, end);
		if (str_find(name, S("|")) != SIZE_MAX)
			return "Actions: Liquid filters ({{ ... | ... }}) are not supported";
		at += k + 2 + end + 2;
	}
	return NULL;
}

/* ---- values -------------------------------------------------------------------------------------------------- */

static str
word_or_none(const char *z)
{
	return str_of(z);
}

/* A name, address or the like of a user; nothing of nobody. */
static enum err
user_value(struct subject *s, int64_t id, str what, str *out)
{
	struct ctx *cx = s->cx;
	struct user u;
	struct organization o;
	enum err e;

	*out = S("");
	if (id <= 0)
		return OK;
	if ((e = user_load(cx, id, &u)) == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	/* Of patients, as lists show them. */
	if (s->reader != NULL && !actor_sees_phi(s->reader) && u.role == ROLE_END_USER && !str_eq(what, S("id")) && !str_eq(what, S("language")) && !str_eq(what, S("locale"))
	    && !str_eq(what, S("role"))) {
		*out = str_eq(what, S("email")) ? S("[EMAIL]") : str_eq(what, S("phone")) ? S("[PHONE]") : str_find(what, S("name")) != SIZE_MAX
		    ? S("[NAME]") : S("");
		return OK;
	}
	if (str_eq(what, S("name")))
		*out = reveal(cx, u.name, TO_STORE);
	else if (str_eq(what, S("first_name")) || str_eq(what, S("last_name"))) {
		str rest = str_trim(reveal(cx, u.name, TO_STORE)), first = str_cut(&rest, ' ');
		*out = str_eq(what, S("first_name")) ? first : str_trim(rest);
	} else if (str_eq(what, S("email")))
		*out = reveal(cx, u.email, TO_STORE);
	else if (str_eq(what, S("phone")))
		*out = reveal(cx, u.phone, TO_STORE);
	else if (str_eq(what, S("id")))
		*out = str_printf(cx->arena, "%lld", (long long)u.id);
	else if (str_eq(what, S("signature")))
		*out = reveal(cx, u.signature, TO_STORE);
	else if (str_eq(what, S("details")))
		*out = reveal(cx, u.details, TO_STORE);
	else if (str_eq(what, S("notes")))
		*out = reveal(cx, u.notes, TO_STORE);
	else if (str_eq(what, S("external_id")))
		*out = reveal(cx, u.external_id, TO_STORE);
	else if (str_eq(what, S("language")) || str_eq(what, S("locale")))
		*out = u.locale.n ? u.locale : S("en-US");
	else if (str_eq(what, S("role")))
		*out = u.role == ROLE_END_USER ? S("End user") : u.role == ROLE_AGENT ? S("Agent") : S("Administrator");
	else if (str_eq(what, S("organization.name")) && u.organization_id) {
		int n;
		struct organization *list;
		TRY(org_many(cx, &u.organization_id, 1, &list, &n));
		if (n == 1) {
			o = list[0];
			*out = reveal(cx, o.name, TO_STORE);
		}
	}
	return OK;
}

/* What was said; of a secure comment that it is there. */
static str
body_of(struct ctx *cx, const struct comment *c)
{
	return c->secure ? S("(A secure message. Please read it in the help centre.)") : reveal(cx, c->body, TO_STORE);
}

static str
author_line(struct subject *s, const struct comment *c)
{
	struct ctx *cx = s->cx;
	str name = S(""), at = time_iso(cx->arena, c->created_at ? c->created_at : cx->now);

	if (user_value(s, c->author_id, S("name"), &name) != OK)
		fail_forget(cx);
	return str_printf(cx->arena, STR_F ", " STR_F "\n\n" STR_F "\n", STR_A(name), STR_A(at),
	    STR_A(body_of(cx, c)));
}

/* The ticket's comments, newest first: at most `limit`, public ones only or all. */
static enum err
comments_text(struct subject *s, bool only_public, bool formatted, int limit, str *out)
{
	struct ctx *cx = s->cx;
	struct comment *c = NULL;
	struct buf b;
	int n = 0, shown = 0;

	buf_init(&b, cx->arena, RENDERED_MAX);
	if (s->comment != NULL && (s->comment->is_public || !only_public) && shown < limit) {
		buf_add(&b, formatted ? author_line(s, s->comment) : body_of(cx, s->comment));
		shown++;
	}
	if (shown < limit && s->t->id != 0 && !s->created)
		TRY(comments_of(cx, s->t->id, &c, &n));
	for (int i = n - 1; i >= 0 && shown < limit; i--) {
		if ((only_public && !c[i].is_public) || (s->comment != NULL && c[i].id == s->comment->id))
			continue;
		if (shown)
			buf_add(&b, S("\n----------------------------------------------\n\n"));
		buf_add(&b, formatted ? author_line(s, &c[i]) : body_of(cx, &c[i]));
		shown++;
	}
	*out = buf_str(&b);              /* what fitted */
	return OK;
}

static enum err
custom_value(struct subject *s, int64_t id, str *out)
{
	str text = reveal(s->cx, s->t->custom_fields, TO_STORE);
	json_t *list, *one;
	size_t i;

	/* Through a placeholder nobody learns what they may not read. */
	if (!field_readable_by(s->cx, s->role, id)) {
		*out = S("");
		return OK;
	}
	list = json_loadb(text.p ? text.p : "[]", text.n ? text.n : 2, JSON_ALLOW_NUL, NULL);
	json_array_foreach(list, i, one) {
		const json_t *v = json_object_get(one, "value");
		if (json_integer_value(json_object_get(one, "id")) != id)
			continue;
		if (json_is_string(v))
			*out = str_dup(s->cx->arena, (str){ json_string_value(v), json_string_length(v) });
		else if (json_is_integer(v))
			*out = str_printf(s->cx->arena, "%lld", (long long)json_integer_value(v));
		else if (json_is_boolean(v))
			*out = json_is_true(v) ? S("true") : S("false");
	}
	json_decref(list);
	return OK;
}

static str
link_of(struct subject *s)
{
	const char *base = s->cx->sys->base_url;

	return str_printf(s->cx->arena, "%s/tickets/%lld", base ? base : "", (long long)s->t->id);
}

static enum err
ticket_value(struct subject *s, str what, str *out)
{
	const struct ticket *t = s->t;
	struct ctx *cx = s->cx;
	struct group *g;
	struct organization *o;
	str rest = what, head = str_cut(&rest, '.');
	int64_t id;
	int n;

	if (str_eq(what, S("id")) && t->id)
		*out = str_printf(cx->arena, "%lld", (long long)t->id);
	else if (str_eq(what, S("title")) || str_eq(what, S("subject")))
		*out = reveal(cx, t->subject, TO_STORE);
	else if (str_eq(what, S("description")))
		*out = reveal(cx, t->description, TO_STORE);
	else if (str_eq(what, S("url")) || str_eq(what, S("link")))
		*out = link_of(s);
	else if (str_eq(what, S("external_id")))
		*out = reveal(cx, t->external_id, TO_STORE);
	else if (str_eq(what, S("status")))
		*out = word_or_none(status_name(t->status));
	else if (str_eq(what, S("priority")))
		*out = word_or_none(priority_name(t->priority));
	else if (str_eq(what, S("ticket_type")) || str_eq(what, S("type")))
		*out = word_or_none(type_name(t->type));
	else if (str_eq(what, S("via")))
		*out = channel_shown(t->channel);
	else if (str_eq(what, S("tags"))) {
		str *w;
		struct buf b;
		n = json_words(cx, reveal(cx, t->tags, TO_STORE), &w);
		buf_init(&b, cx->arena, 64 * KiB);
		for (int i = 0; i < n; i++) {
			if (i)
				buf_byte(&b, ' ');
			buf_add(&b, w[i]);
		}
		*out = buf_str(&b);
	} else if (str_eq(what, S("created_at")) || str_eq(what, S("created_at_with_timestamp")))
		*out = time_iso(cx->arena, t->created_at);
	else if (str_eq(what, S("updated_at")) || str_eq(what, S("updated_at_with_timestamp")))
		*out = time_iso(cx->arena, t->updated_at);
	else if ((str_eq(what, S("due_date")) || str_eq(what, S("due_date_with_timestamp"))) && t->due_at)
		*out = time_iso(cx->arena, t->due_at);
	else if (str_eq(what, S("latest_comment")) || str_eq(what, S("latest_comment_html")) || str_eq(what, S("latest_comment_rich")))
		return comments_text(s, false, false, 1, out);
	else if (str_eq(what, S("latest_public_comment")) || str_eq(what, S("latest_public_comment_html")))
		return comments_text(s, true, false, 1, out);
	else if (str_eq(what, S("latest_comment_formatted")))
		return comments_text(s, false, true, 1, out);
	else if (str_eq(what, S("latest_public_comment_formatted")))
		return comments_text(s, true, true, 1, out);
	else if (str_eq(what, S("comments_formatted")))
		return comments_text(s, false, true, 100, out);
	else if (str_eq(what, S("public_comments_formatted")))
		return comments_text(s, true, true, 100, out);
	else if (str_eq(head, S("requester")))
		return user_value(s, t->requester_id, rest, out);
	else if (str_eq(head, S("assignee")))
		return user_value(s, t->assignee_id, rest, out);
	else if (str_eq(head, S("submitter")))
		return user_value(s, t->submitter_id, rest, out);
	else if (str_eq(what, S("group.name")) && t->group_id) {
		TRY(group_many(cx, &t->group_id, 1, &g, &n));
		if (n == 1)
			*out = g[0].name;
	} else if (str_eq(what, S("organization.name")) && t->organization_id) {
		TRY(org_many(cx, &t->organization_id, 1, &o, &n));
		if (n == 1)
			*out = reveal(cx, o[0].name, TO_STORE);
	} else if (str_eq(what, S("organization.id")) && t->organization_id)
		*out = str_printf(cx->arena, "%lld", (long long)t->organization_id);
	else if (str_eq(what, S("group.id")) && t->group_id)
		*out = str_printf(cx->arena, "%lld", (long long)t->group_id);
	else if (str_starts(what, S("ticket_field_")) && str_int(str_sub(what, 13, what.n), &id))
		return custom_value(s, id, out);
	return OK;
}

static enum err render(struct ctx *cx, str text, struct subject *s, bool inside, str *out) MUST_CHECK;

/* {{dc.name}}: the item's text in the requester's language if it has one, else in its default language; its own
 * placeholders are filled in, another item's are not. */
static enum err
dynamic_content(struct subject *s, str name, str *out)
{
	str placeholder = str_printf(s->cx->arena, "{{dc." STR_F "}}", STR_A(name)), language, text = S("");
	const struct def *const *all;
	const struct defs *d;
	int n;

	TRY(user_value(s, s->t->requester_id, S("language"), &language));
	TRY(defs_get(s->cx, &d));
	all = def_all(d, DEF_CONTENT, &n);
	for (int i = 0; i < n; i++) {
		const json_t *list = json_object_get(all[i]->doc, "variants"), *v;
		bool theirs = false;
		size_t k;

		if (!str_eq(def_text(all[i], "placeholder"), placeholder))
			continue;
		json_array_foreach(list, k, v) {
			const json_t *c = json_object_get(v, "content");
			bool match = language.n > 0 && !json_is_false(json_object_get(v, "active"))
			    && str_eq(locale_named(json_integer_value(json_object_get(v, "locale_id"))), language);

			if (match || (!theirs && json_is_true(json_object_get(v, "default"))))
				text = str_dup(s->cx->arena, (str){ json_string_value(c), json_string_length(c) });
			theirs |= match;
		}
	}
	if (template_wrong(text) == NULL)
		return render(s->cx, text, s, true, out);
	*out = text;                     /* Liquid: as it was written */
	return OK;
}

static enum err
value_of(struct subject *s, str name, bool inside, str *out)
{
	str rest = name, head = str_cut(&rest, '.');

	*out = S("");
	if (str_eq(head, S("ticket")))
		return ticket_value(s, rest, out);
	if (str_eq(head, S("current_user")) || str_eq(head, S("agent")))
		return user_value(s, s->user_id, rest, out);
	if (str_eq(head, S("requester")))
		return user_value(s, s->t->requester_id, rest, out);
	if (str_eq(head, S("dc")) && !inside)
		return dynamic_content(s, rest, out);
	return OK;
}

/* `inside` an item of dynamic content. */
static enum err
render(struct ctx *cx, str text, struct subject *s, bool inside, str *out)
{
	struct buf b;
	size_t k, end;

	if (str_find(text, S("{{")) == SIZE_MAX) {
		*out = text;
		return OK;
	}
	buf_init(&b, cx->arena, RENDERED_MAX);
	while ((k = str_find(text, S("{{"))) != SIZE_MAX && (end = str_find(str_sub(text, k, text.n), S("}}"))) != SIZE_MAX) {
		str v;
		TRY(value_of(s, str_trim(str_sub(text, k + 2, end - 2)), inside, &v));
		buf_add(&b, str_sub(text, 0, k));
		buf_add(&b, v);
		text = str_sub(text, k + end + 2, text.n);
	}
	buf_add(&b, text);
	*out = buf_str(&b);              /* what fitted */
	return OK;
}

enum err
template_render(struct ctx *cx, str text, struct subject *s, str *out)
{
	return render(cx, text, s, false, out);
}
