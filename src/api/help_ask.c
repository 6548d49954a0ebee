/* help_ask.c - asking: the account's forms with what they ask for, and a look at what is typed before it goes.
 *
 * Without script a form is a short conversation: which form; its fields; when
 * a choice makes the form ask for more, the page comes back with that; when
 * the subject or a field holds what identifies a person, it comes back with a
 * warning. Each field that the form may ask for is in the page, those that it
 * does not ask for now are hidden and disabled, so a browser does not send
 * them; help.js shows and hides them as one types, by the same conditions. What
 * the form does not ask for is not kept, whatever was sent.
 */
#include "api/help.h"

/* ---- what a form asks for -------------------------------------------------------------------------------------------- */

struct asking {
	const struct defs *d;
	const struct def  *form;                /* NULL: the account has none for requesters */
	const struct def **field; int fields;   /* all that it may ask for, in its order */
	int               *says;                /* field_asked() with what was posted */
	json_t            *values;              /* of those that are shown */
	struct ticket      t;                   /* its priority and type */
};

static str
type_of_field(const struct def *f)
{
	return def_text(f, "type");
}

static bool
is_kind(const struct def *f, const char *type)
{
	return str_eq(type_of_field(f), str_of(type));
}

static bool
may_ask(const struct def *f)
{
	static const char *const kinds[] = { "text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "partialcreditcard",
		"multiselect", "tagger", "priority", "tickettype" };

	if (!f->active || !def_bool(f, "visible_in_portal") || !def_bool(f, "editable_in_portal") || def_bool(f, "phi"))
		return false;
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (is_kind(f, kinds[i]))
			return true;
	return false;
}

static const char *
name_of(struct ctx *cx, const struct def *f)
{
	return z_of(cx, str_printf(cx->arena, "f%lld", (long long)f->id));
}

/* What was posted for a field, as the API takes it; NULL: nothing. */
static json_t *
value_of(struct ctx *cx, struct http_req *rq, const struct def *f)
{
	str s = form_value(cx, rq, name_of(cx, f));

	if (is_kind(f, "checkbox"))
		return json_boolean(s.n != 0);
	if (is_kind(f, "multiselect")) {
		json_t *list = json_array();
		const struct form *form = help_form(cx, rq);
		for (int i = 0; i < form->n; i++)
			if (form->part[i].bytes.n && form->part[i].file_name.n == 0 && str_eq(form->part[i].name, str_of(name_of(cx, f))))
				json_array_append_new(list, json_stringn(form->part[i].bytes.p, form->part[i].bytes.n));
		if (json_array_size(list) > 0)
			return list;
		json_decref(list);
		return NULL;
	}
	return s.n ? json_stringn(s.p, s.n) : NULL;
}

static void
set_value(struct asking *q, const struct def *f, json_t *v)
{
	json_t *one;
	size_t i;

	json_array_foreach(q->values, i, one)
		if (json_integer_value(json_object_get(one, "id")) == f->id) {
			json_array_remove(q->values, i);
			break;
		}
	if (v != NULL)
		json_array_append_new(q->values, json_pack("{sIso}", "id", (json_int_t)f->id, "value", v));
}

/* Which fields are shown depends on values of fields that are shown: until nothing changes. */
static void
settle(struct ctx *cx, struct http_req *rq, struct asking *q)
{
	bool again = true;

	for (int round = 0; again && round < 10; round++) {
		again = false;
		for (int i = 0; i < q->fields; i++) {
			const struct def *f = q->field[i];
			int says = field_asked(q->d, q->form, f, &q->t, q->values);
			if (says == q->says[i] && round > 0)
				continue;
			again = again || (says < 0) != (q->says[i] < 0) || round == 0;
			q->says[i] = says;
			if (is_kind(f, "priority")) {
				if (says < 0 || !priority_of(form_value(cx, rq, name_of(cx, f)), &q->t.priority))
					q->t.priority = PRIORITY_NONE;
			} else if (is_kind(f, "tickettype")) {
				if (says < 0 || !type_of(form_value(cx, rq, name_of(cx, f)), &q->t.type))
					q->t.type = TYPE_NONE;
			} else
				set_value(q, f, says < 0 ? NULL : value_of(cx, rq, f));
		}
	}
}

/* The forms that requesters may choose from. */
static int
forms_of(struct ctx *cx, const struct defs *d, const struct def ***out)
{
	int n, k = 0;
	const struct def *const *all = def_all(d, DEF_TICKET_FORM, &n);

	*out = arena_alloc(cx->arena, sizeof **out, (size_t)n + 1, alignof(void *));
	for (int i = 0; i < n; i++)
		if (all[i]->active && def_bool(all[i], "end_user_visible"))
			(*out)[k++] = all[i];
	return k;
}

static enum err
asking_of(struct ctx *cx, struct http_req *rq, const struct def *form, struct asking *q)
{
	int n;
	const struct def *const *all;
	json_t *w;
	size_t i;

	*q = (struct asking){ .form = form, .values = json_array() };
	arena_defer(cx->arena, (void (*)(void *))json_decref, q->values);
	TRY(defs_get(cx, &q->d));
	all = def_all(q->d, DEF_TICKET_FIELD, &n);
	q->field = arena_alloc(cx->arena, sizeof *q->field, (size_t)n + 1, alignof(void *));
	q->says = NEW(cx->arena, int, n + 1);
	if (form != NULL) {
		json_array_foreach(json_object_get(form->doc, "ticket_field_ids"), i, w) {
			const struct def *f = def_find(q->d, DEF_TICKET_FIELD, json_integer_value(w));
			if (f != NULL && may_ask(f) && q->fields < n)
				q->field[q->fields++] = f;
		}
	} else
		for (int k = 0; k < n; k++)
			if (may_ask(all[k]) && !is_kind(all[k], "priority") && !is_kind(all[k], "tickettype"))
				q->field[q->fields++] = all[k];
	settle(cx, rq, q);
	return OK;
}

/* ---- the page ------------------------------------------------------------------------------------------------------------ */

static str
title_of(const struct def *f)
{
	str t = def_text(f, "title_in_portal");

	return t.n ? t : def_text(f, "title");
}

/* When the form asks for it: what help.js needs to know. */
static void
conditions(struct page *p, const struct asking *q, const struct def *f)
{
	json_t *c, *child, *when = json_array();
	size_t i, k;

	if (q->form != NULL)
		json_array_foreach(json_object_get(q->form->doc, "end_user_conditions"), i, c)
			json_array_foreach(json_object_get(c, "child_fields"), k, child)
				if (json_integer_value(json_object_get(child, "id")) == f->id)
					json_array_append_new(when, json_pack("[s,O,b]", name_of(p->cx, def_find(q->d, DEF_TICKET_FIELD,
					    json_integer_value(json_object_get(c, "parent_field_id"))) ? def_find(q->d, DEF_TICKET_FIELD,
					    json_integer_value(json_object_get(c, "parent_field_id"))) : f), json_object_get(c, "value"),
					    json_is_true(json_object_get(child, "is_required"))));
	if (json_array_size(when) > 0) {
		page_raw(p, " data-when=\"");
		page_text(p, json_compact(p->cx, when));
		page_raw(p, "\"");
	}
	json_decref(when);
}

static void
option(struct page *p, str value, str words, bool chosen)
{
	page_raw(p, "<option value=\"");
	page_text(p, value);
	page_raw(p, chosen ? "\" selected>" : "\">");
	page_text(p, words);
	page_raw(p, "</option>");
}

static bool
was_posted(struct ctx *cx, struct http_req *rq, const struct def *f, str value)
{
	const struct form *form = help_form(cx, rq);

	for (int i = 0; i < form->n; i++)
		if (str_eq(form->part[i].name, str_of(name_of(cx, f))) && str_eq(form->part[i].bytes, value))
			return true;
	return false;
}

static void
choices(struct page *p, const struct def *f)
{
	static const char *const priorities[][3] = { { "low", "Low", "Baja" }, { "normal", "Normal", "Normal" }, { "high", "High", "Alta" }, { "urgent", "Urgent", "Urgente" } };
	static const char *const types[][3] = { { "question", "Question", "Pregunta" }, { "incident", "Incident", "Incidente" }, { "problem", "Problem", "Problema" }, { "task", "Task", "Tarea" } };
	const char *const (*own)[3] = is_kind(f, "priority") ? priorities : is_kind(f, "tickettype") ? types : NULL;
	json_t *o;
	size_t i;

	if (!is_kind(f, "multiselect"))
		option(p, S(""), str_of(page_say(p, W_CHOOSE)), false);
	for (int k = 0; own != NULL && k < 4; k++)
		option(p, str_of(own[k][0]), str_of(own[k][1 + p->lang]), was_posted(p->cx, p->rq, f, str_of(own[k][0])));
	if (own == NULL)
		json_array_foreach(json_object_get(f->doc, "custom_field_options"), i, o) {
			str value = json_text(p->cx, json_object_get(o, "value")), name = json_text(p->cx, json_object_get(o, "name"));
			option(p, value, name.n ? name : value, was_posted(p->cx, p->rq, f, value));
		}
}

static void
field(struct page *p, const struct asking *q, int at)
{
	const struct def *f = q->field[at];
	const char *name = name_of(p->cx, f), *type = is_kind(f, "date") ? "date" : is_kind(f, "integer") || is_kind(f, "decimal") ? "text" : "text";
	const char *mode = is_kind(f, "integer") ? " inputmode=\"numeric\"" : is_kind(f, "decimal") ? " inputmode=\"decimal\"" : "";
	str words = def_text(f, "description");
	bool off = q->says[at] < 0, must = q->says[at] > 0;
	char state[64];

	snprintf(state, sizeof state, "%s%s", off ? " disabled" : "", must ? " required" : "");
	buf_fmt(p->b, "<div class=\"field\"%s", off ? " hidden" : "");
	conditions(p, q, f);
	if (def_bool(f, "required_in_portal"))
		page_raw(p, " data-must");
	page_raw(p, ">");
	buf_fmt(p->b, "<input type=\"hidden\" name=\"asked\" value=\"%lld\"%s>", (long long)f->id, off ? " disabled" : "");
	if (is_kind(f, "checkbox")) {
		buf_fmt(p->b, "<label class=\"check\"><input type=\"checkbox\" name=\"%s\" value=\"1\"%s%s> ", name, state,
		    form_value(p->cx, p->rq, name).n ? " checked" : "");
		page_text(p, title_of(f));
		page_raw(p, "</label>");
	} else {
		buf_fmt(p->b, "<label for=\"%s\">", name);
		page_text(p, title_of(f));
		page_raw(p, " <span class=\"soft optional\"");
		page_raw(p, must ? " hidden>(" : ">(");
		page_word(p, W_OPTIONAL);
		page_raw(p, ")</span></label>");
		if (is_kind(f, "tagger") || is_kind(f, "multiselect") || is_kind(f, "priority") || is_kind(f, "tickettype")) {
			buf_fmt(p->b, "<select id=\"%s\" name=\"%s\"%s%s>", name, name, is_kind(f, "multiselect") ? " multiple" : "", state);
			choices(p, f);
			page_raw(p, "</select>");
		} else if (is_kind(f, "textarea")) {
			buf_fmt(p->b, "<textarea id=\"%s\" name=\"%s\" rows=\"4\" dir=\"auto\" data-phi%s>\n", name, name, state);
			page_text(p, form_value(p->cx, p->rq, name));
			page_raw(p, "</textarea>");
		} else {
			buf_fmt(p->b, "<input id=\"%s\" name=\"%s\" type=\"%s\" dir=\"auto\"%s%s%s value=\"", name, name, type, mode,
			    is_kind(f, "text") || is_kind(f, "regexp") ? " data-phi" : "", state);
			page_text(p, form_value(p->cx, p->rq, name));
			page_raw(p, "\">");
		}
	}
	if (words.n) {
		page_raw(p, "<p class=\"soft\">");
		page_text(p, words);
		page_raw(p, "</p>");
	}
	page_raw(p, "</div>");
}

static bool
may_come(struct ctx *cx)
{
	return help_signed_in(cx) || api_of(cx)->conf.open_requests;
}

static enum err
choose_form(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct def **form, int n)
{
	struct page p = page_begin(cx, rq, rp, 200, W_ASK);

	page_raw(&p, "<h2>");
	page_word(&p, W_FORM);
	page_raw(&p, "</h2>");
	page_para(&p, "soft", W_FORM_WHY);
	page_raw(&p, "<ul class=\"list\">");
	for (int i = 0; i < n; i++) {
		str name = def_text(form[i], "display_name");
		buf_fmt(p.b, "<li><a href=\"" AT "/ask/%lld\">", (long long)form[i]->id);
		page_text(&p, name.n ? name : def_text(form[i], "name"));
		page_raw(&p, "</a></li>");
	}
	page_raw(&p, "</ul>");
	page_end(&p);
	return OK;
}

struct phi { str place, label; };

/* `phi`: what was found where it should not be; `more`: the form asks for more than it did. */
static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, struct asking *q, const struct phi *phi, int found, bool more)
{
	struct page p = page_begin_titled(cx, rq, rp, status, str_of(word_in(W_ASK, help_lang(rq))), true);
	str name = q->form ? def_text(q->form, "display_name") : S("");

	if (q->form != NULL) {
		page_raw(&p, "<p class=\"lead\">");
		page_text(&p, name.n ? name : def_text(q->form, "name"));
		page_raw(&p, "</p>");
	}
	page_wrongs(&p);
	if (more)
		page_outcome(&p, true, W_MORE_FIELDS_WHY);
	if (rq->method == POST && found == 0)
		TRY(page_suggest(&p, form_value(cx, rq, "subject")));
	page_form_files(&p, q->form ? z_of(cx, str_printf(cx->arena, "/ask/%lld", (long long)q->form->id)) : "/ask");
	buf_fmt(p.b, "<div id=\"phi\" class=\"wrong\" role=\"alert\" data-where=\"");
	page_word(&p, W_PHI_WHERE);
	page_raw(&p, "\" data-found=\"");
	page_word(&p, W_PHI_FOUND);
	page_raw(&p, found ? "\"" PAGE_FIRST ">" : "\" hidden>");
	if (found) {
		page_raw(&p, "<p id=\"outcome\">");
		page_word(&p, W_PHI_FOUND);
		page_raw(&p, "</p><ul>");
		for (int i = 0; i < found; i++) {
			page_raw(&p, "<li>");
			page_text(&p, phi[i].place);
			page_raw(&p, ": ");
			page_text(&p, str_of(label_in(phi[i].label, p.lang)));
			page_raw(&p, "</li>");
		}
		page_raw(&p, "</ul><p>");
		page_word(&p, W_PHI_WHERE);
		page_raw(&p, "</p><label class=\"check\"><input type=\"checkbox\" name=\"sure\" value=\"1\"> ");
		page_word(&p, W_PHI_SURE);
		page_raw(&p, "</label>");
	}
	page_raw(&p, "</div>");
	if (!help_signed_in(cx)) {
		page_input(&p, "name", "text", "autocomplete=\"name\" required maxlength=\"200\"", W_NAME, form_value(cx, rq, "name"));
		page_input(&p, "email", "email", "autocomplete=\"email\" required", W_EMAIL, form_value(cx, rq, "email"));
	}
	page_input(&p, "subject", "text", "required maxlength=\"150\" dir=\"auto\" data-phi aria-describedby=\"subject-hint\"", W_SUBJECT, form_value(cx, rq, "subject"));
	page_raw(&p, "<p class=\"soft\" id=\"subject-hint\">");
	page_word(&p, W_SUBJECT_HINT);
	page_raw(&p, "</p>");
	for (int i = 0; i < q->fields; i++)
		field(&p, q, i);
	page_area(&p, "text", W_MESSAGE, form_value(cx, rq, "text"));
	page_para(&p, "soft", W_MESSAGE_HINT);
	page_files(&p);
	page_para(&p, "soft", W_ONLY_FORM);
	page_raw(&p, "<div class=\"row\">");
	page_button(&p, W_SEND);
	if (q->form != NULL && json_array_size(json_object_get(q->form->doc, "end_user_conditions")) > 0) {
		page_raw(&p, "<button id=\"refresh\" name=\"step\" value=\"fields\" formnovalidate>");
		page_word(&p, W_MORE_FIELDS);
		page_raw(&p, "</button>");
	}
	page_raw(&p, "<button id=\"look\" name=\"step\" value=\"look\" formnovalidate>");
	page_word(&p, W_MAYBE_LOOK);
	page_raw(&p, "</button></div></form>");
	page_end(&p);
	return OK;
}

/* The form that the address names; *answered when it names none of theirs, or has to be chosen first. */
static enum err
form_of(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct def **form, bool *answered)
{
	const struct defs *d;
	const struct def **own;
	int n;

	*answered = true;
	*form = NULL;
	if (!may_come(cx))
		return page_go(cx, rp, S(AT "/sign-in"));
	TRY(defs_get(cx, &d));
	n = forms_of(cx, d, &own);
	for (int i = 0; i < n; i++)
		if (own[i]->id == rq->param[0])
			*form = own[i];
	if (rq->param[0] != 0 && *form == NULL)
		return page_message(cx, rq, rp, 404, W_ABSENT);
	if (*form == NULL && n > 1)
		return choose_form(cx, rq, rp, own, n);
	if (*form == NULL && n == 1)
		*form = own[0];
	*answered = false;
	return OK;
}

static enum err
ask(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct def *form;
	struct asking q;
	bool answered;

	TRY(form_of(cx, rq, rp, &form, &answered));
	if (answered)
		return OK;
	TRY(asking_of(cx, rq, form, &q));
	return show(cx, rq, rp, 200, &q, NULL, 0, false);
}

/* ---- what was sent ---------------------------------------------------------------------------------------------------------- */

static enum err
look_at(struct ctx *cx, str place, str text, struct phi *phi, int *n, int most)
{
	struct finding *f;
	int count;

	if (text.n == 0)
		return OK;
	TRY(desk_findings(cx, HIDE(text), &f, &count));
	for (int i = 0; i < count && *n < most; i++)
		phi[(*n)++] = (struct phi){ place, f[i].label };
	return OK;
}

/* What is shown but was not in the page that was posted: nobody had a chance to fill it in. */
static bool
asks_more(struct ctx *cx, struct http_req *rq, const struct asking *q)
{
	const struct form *form = help_form(cx, rq);

	for (int i = 0; i < q->fields; i++) {
		bool asked = q->says[i] < 0;
		for (int k = 0; k < form->n && !asked; k++)
			asked = (str_eq(form->part[k].name, S("asked")) && str_eq(form->part[k].bytes,
			    str_printf(cx->arena, "%lld", (long long)q->field[i]->id))) || str_eq(form->part[k].name, str_of(name_of(cx, q->field[i])));
		if (!asked)
			return true;
	}
	return false;
}

static enum err
take_fields(struct ctx *cx, const struct asking *q, struct ticket_change *ch)
{
	json_t *one;
	size_t i;

	if (q->form != NULL) {
		ch->form_id = q->form->id;
		ch->has |= T_FORM;
	}
	if (q->t.priority != PRIORITY_NONE) {
		ch->priority = q->t.priority;
		ch->has |= T_PRIORITY;
	}
	if (q->t.type != TYPE_NONE) {
		ch->type = q->t.type;
		ch->has |= T_TYPE;
	}
	ch->custom = arena_alloc(cx->arena, sizeof *ch->custom, json_array_size(q->values) + 1, 16);
	json_array_foreach(q->values, i, one) {
		ch->custom[ch->custom_count].id = json_integer_value(json_object_get(one, "id"));
		ch->custom[ch->custom_count++].value_json = json_compact(cx, json_object_get(one, "value"));
	}
	if (ch->custom_count)
		ch->has |= T_CUSTOM;
	return OK;
}

static void
check_required(struct ctx *cx, struct http_req *rq, const struct asking *q)
{
	for (int i = 0; i < q->fields; i++) {
		const struct def *f = q->field[i];
		if (q->says[i] > 0 && form_value(cx, rq, name_of(cx, f)).n == 0)
			bad(cx, "base", "BlankValue", z_of(cx, str_printf(cx->arena, STR_F ": %s", STR_A(title_of(f)),
			    help_lang(rq) == LANG_ES ? "hace falta" : "is required")));
	}
}

static enum err
ask_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_SUBJECT | T_COMMENT, .channel = "web" };
	const struct actor *asker = cx->actor;
	struct page p = { .lang = help_lang(rq) };
	bool own = help_signed_in(cx), answered;
	str step = form_value(cx, rq, "step");
	const struct def *form;
	struct asking q;
	struct ticket t;
	struct phi *phi = NEW(cx->arena, struct phi, 32);
	int found = 0;
	enum err e;

	if (own && !form_meant(cx, rq, rp))
		return OK;
	TRY(form_of(cx, rq, rp, &form, &answered));
	if (answered)
		return OK;
	TRY(asking_of(cx, rq, form, &q));
	if (step.n)
		return show(cx, rq, rp, 200, &q, NULL, 0, str_eq(step, S("fields")) && asks_more(cx, rq, &q));
	ch.subject = HIDE(form_value(cx, rq, "subject"));
	ch.body = HIDE(form_value(cx, rq, "text"));
	if (ch.subject.hidden.n == 0)
		bad(cx, "subject", "BlankValue", page_say(&p, W_BLANK_SUBJECT));
	if (ch.body.hidden.n == 0)
		bad(cx, "text", "BlankValue", page_say(&p, W_BLANK_MESSAGE));
	if (!own) {
		ch.requester_name = HIDE(form_value(cx, rq, "name"));
		ch.requester_email = HIDE(form_value(cx, rq, "email"));
		ch.has |= T_REQUESTER;
		ch.nobody = true;
		if (!email_valid(ch.requester_email.hidden))
			bad(cx, "email", "InvalidValue", page_say(&p, W_BAD_EMAIL));
	}
	if (asks_more(cx, rq, &q)) {
		cx->bad = NULL;
		cx->bad_end = &cx->bad;
		return show(cx, rq, rp, 422, &q, NULL, 0, true);
	}
	check_required(cx, rq, &q);
	form_files(cx, rq, &p, &ch);
	if (form_value(cx, rq, "sure").n == 0) {
		TRY(look_at(cx, str_of(page_say(&p, W_SUBJECT)), ch.subject.hidden, phi, &found, 32));
		for (int i = 0; i < q.fields; i++)
			if (q.says[i] >= 0 && (is_kind(q.field[i], "text") || is_kind(q.field[i], "textarea") || is_kind(q.field[i], "regexp")))
				TRY(look_at(cx, title_of(q.field[i]), form_value(cx, rq, name_of(cx, q.field[i])), phi, &found, 32));
	}
	TRY(take_fields(cx, &q, &ch));
	e = bad_check(cx);
	if (e == OK && found > 0)
		return show(cx, rq, rp, 422, &q, phi, found, false);
	if (e == OK) {
		if (!own)
			gate_as_system(cx, "form");
		e = ticket_create(cx, &ch, &t, NULL);
		cx->actor = asker;
	}
	if (e == E_INVALID && cx->held != 0) {
		fail_forget(cx);
		return page_message(cx, rq, rp, 202, W_ASKED);
	}
	if (e == E_INVALID) {
		struct bad_field *why = cx->bad;
		fail_forget(cx);
		cx->bad = why;
		return show(cx, rq, rp, 422, &q, phi, found, false);
	}
	TRY(e);
	if (own)
		return page_go(cx, rp, str_printf(cx->arena, AT "/requests/%lld?asked=1", (long long)t.id));
	return page_message(cx, rq, rp, 201, W_ASKED);
}

const struct route help_ask_routes[] = {
	{ GET,  AT "/ask",      MAY_ANYONE, 0,                 ask,      PUBLIC },
	{ POST, AT "/ask",      MAY_ANYONE, FORM_FILES + BODY, ask_post, PUBLIC },
	{ GET,  AT "/ask/{id}", MAY_ANYONE, 0,                 ask,      PUBLIC },
	{ POST, AT "/ask/{id}", MAY_ANYONE, FORM_FILES + BODY, ask_post, PUBLIC },
	{ 0 }
};
