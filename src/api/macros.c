/* macros.c - /api/v2/macros, and what one would make of a ticket. */
#include <stdlib.h>

#include "api/rules.h"

static const struct rule_api api = { RULE_MACRO, "macro", "macros", "macros" };

static enum err list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, -1); }
static enum err active(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, 1); }
static enum err show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &api); }
static enum err post(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_post(cx, rq, rp, &api, 201); }
static enum err put(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_put(cx, rq, rp, &api); }
static enum err destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &api); }
static enum err update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_update_many(cx, rq, rp, &api); }
static enum err destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_destroy_many(cx, rq, rp, &api); }
static enum err definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_definitions(cx, rq, rp, &api); }

/* {"actions":[...]}: the same rows as the definitions have. */
static enum err
actions(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)rq;
	api_begin(rp, &j, 200);
	rule_definitions(cx, RULE_MACRO, &j);
	return OK;
}

static int
by_text(const void *a, const void *b)
{
	return str_cmp(*(const str *)a, *(const str *)b);
}

/* What stands before "::" in titles. */
static enum err
categories(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rule *r;
	struct json j;
	str *names;
	int n, k = 0;

	(void)rq;
	TRY(rule_list(cx, &(struct rule_filter){ .kind = RULE_MACRO, .active = -1 }, &r, &n));
	names = NEW(cx->arena, str, n + 1);
	for (int i = 0; i < n; i++) {
		size_t at = str_find(r[i].title, S("::"));
		if (at != SIZE_MAX && at > 0)
			names[k++] = str_sub(r[i].title, 0, at);
	}
	qsort(names, (size_t)k, sizeof *names, by_text);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "categories");
	jw_arr(&j);
	for (int i = 0; i < k; i++)
		if (i == 0 || !str_eq(names[i], names[i - 1]))
			jw_str(&j, names[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static str
custom_text(struct ctx *cx, const struct ticket *t, int64_t id)
{
	str text = reveal(cx, t->custom_fields, TO_SHOW_ACTOR);
	json_t *all = NULL, *one;
	size_t i;

	if (!field_readable(cx, id))
		return S("null");
	if (text.n > 2 && json_parse(cx, text, &all) != OK)
		fail_forget(cx);
	json_array_foreach(all, i, one)
		if (json_integer_value(json_object_get(one, "id")) == id && field_readable(cx, id))
			return json_compact(cx, json_object_get(one, "value"));
	return S("null");
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static void
json_file(struct json *j, struct ctx *cx, const char *base, const struct attachment *f)
{
	jw_obj(j);
	jw_kint(j, "id", f->id);
	jw_kstr(j, "filename", reveal(cx, f->file_name, TO_SHOW_ACTOR));
	jw_kstr(j, "content_type", reveal(cx, f->content_type, TO_SHOW_ACTOR));
	jw_kstr(j, "content_url", str_printf(cx->arena, "%s/api/v2/macros/attachments/%lld/content", base, (long long)f->id));
	jw_kint(j, "size", f->size);
	jw_ktime(j, "created_at", f->created_at);
	jw_end_obj(j);
}

static enum err
file_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct attachment *f)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "macro_attachment");
	json_file(&j, cx, z_of(cx, api_base(cx, rq)), f);
	jw_end_obj(&j);
	return look_one(cx, "attachment", f->id, "file_name");
}

/* A form with the file in "attachment", and what it shall be called in "filename" if that is another name. */
static enum err
file_add(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int64_t macro_id)
{
	struct http_part *part = NULL;
	const struct http_part *file = NULL;
	str name = S("");
	struct attachment f;
	enum err e;
	int n = 0;

	e = http_form(cx, rq, &part, &n);
	if (e == E_INVALID) {
		fail_forget(cx);
		return api_error(rp, 400, "InvalidForm", "The body must be multipart/form-data with a file in its part attachment");
	}
	TRY(e);
	for (int i = 0; i < n; i++)
		if (str_eq(part[i].name, S("attachment")))
			file = &part[i];
		else if (str_eq(part[i].name, S("filename")))
			name = part[i].bytes;
	if (file == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter attachment is required: a file in the form");
	if (name.n == 0)
		name = file->file_name;
	if (str_trim(name).n == 0 || utf8_floor(name, name.n) != name.n || memchr(name.p, 0, name.n) != NULL || name.n > 500) {
		bad(cx, "filename", "InvalidValue", "Filename: must be UTF-8, at most 500 bytes and not blank");
		return bad_check(cx);
	}
	e = macro_file_add(cx, macro_id, name, file->type.n ? file->type : S("application/octet-stream"), file->bytes, &f);
	if (e == E_LIMIT) {
		fail_forget(cx);
		bad(cx, "attachments", "TooManyValues", "Attachments: a macro has at most five");
		return bad_check(cx);
	}
	TRY(e);
	return file_reply(cx, rq, rp, 201, &f);
}

static enum err
file_upload(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return file_add(cx, rq, rp, 0);
}

static enum err
file_attach(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return file_add(cx, rq, rp, rq->param[0]);
}

static enum err
file_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;

	TRY(macro_file_get(cx, rq->param[0], &f));
	return file_reply(cx, rq, rp, 200, &f);
}

static enum err
file_content(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;

	TRY(macro_file_open(cx, rq->param[0], &f));
	return attachment_reply(cx, rq, rp, &f);
}

static enum err
files(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct attachment *f;
	struct json j;
	int64_t *ids;
	int n;

	TRY(macro_file_list(cx, rq->param[0], &f, &n));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "macro_attachments");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_file(&j, cx, base, &f[i]);
		ids[i] = f[i].id;
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return n ? trail_look(cx, "attachment", ids, n, "file_name") : OK;
}

/* ---- applying ---------------------------------------------------------------------------------------------------- */

static enum err
apply_reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t macro_id, int64_t ticket_id)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct macro_result m;
	const struct ticket *t = &m.ticket;
	struct rule r;
	struct json j;
	str token;

	TRY(rule_get(cx, RULE_MACRO, macro_id, &r));
	TRY(macro_apply(cx, &r, ticket_id, &m));
	TRY(macro_files_token(cx, macro_id, &token));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "result");
	jw_obj(&j);
	jw_key(&j, "ticket");
	jw_obj(&j);
	if (ticket_id) {
		jw_kint(&j, "id", t->id);
		url_of(&j, cx, base, "tickets", t->id);
	}
	if (m.has & T_STATUS)
		jw_kz(&j, "status", status_name(t->status));
	if (m.has & T_CUSTOM_STATUS)
		jw_kid(&j, "custom_status_id", t->custom_status_id);
	if (m.has & T_PRIORITY)
		jw_kz(&j, "priority", priority_name(t->priority));
	if (m.has & T_TYPE)
		jw_kz(&j, "type", type_name(t->type));
	if (m.has & T_GROUP)
		jw_kid(&j, "group_id", t->group_id);
	if (m.has & T_ASSIGNEE)
		jw_kid(&j, "assignee_id", t->assignee_id);
	if (m.has & T_FORM)
		jw_kid(&j, "ticket_form_id", t->form_id);
	if (m.has & T_BRAND)
		jw_kid(&j, "brand_id", t->brand_id);
	if (m.has & T_SUBJECT)
		jw_kstr(&j, "subject", reveal(cx, t->subject, TO_SHOW_ACTOR));
	if (m.has & T_TAGS)
		jw_kraw(&j, "tags", reveal(cx, t->tags, TO_SHOW_ACTOR));
	if (m.has & (T_CC | T_FOLLOWERS))
		for (int kind = 0; kind < 2; kind++) {
			jw_key(&j, kind ? "follower_ids" : "email_cc_ids");
			jw_arr(&j);
			for (int i = 0; i < (kind ? t->follower_count : t->cc_count); i++)
				jw_int(&j, (kind ? t->follower : t->cc)[i]);
			jw_end_arr(&j);
		}
	if (m.customs) {
		jw_key(&j, "fields");
		jw_obj(&j);
		for (int i = 0; i < m.customs; i++) {
			jw_key_str(&j, str_printf(cx->arena, "%lld", (long long)m.custom[i]));
			jw_raw(&j, custom_text(cx, t, m.custom[i]));
		}
		jw_end_obj(&j);
		jw_key(&j, "custom_fields");
		jw_arr(&j);
		for (int i = 0; i < m.customs; i++) {
			jw_obj(&j);
			jw_kint(&j, "id", m.custom[i]);
			jw_kraw(&j, "value", custom_text(cx, t, m.custom[i]));
			jw_end_obj(&j);
		}
		jw_end_arr(&j);
	}
	if (m.body_set || m.public_set || token.n) {
		jw_key(&j, "comment");
		jw_obj(&j);
		if (m.body_set) {
			/* The ticket's own words may stand in it. */
			m.body = reveal(cx, HIDE(m.body), TO_SHOW_ACTOR);
			jw_kstr(&j, "body", m.body);
			jw_key(&j, "scoped_body");
			jw_arr(&j);
			jw_arr(&j);
			jw_str(&j, S("channel:all"));
			jw_str(&j, m.body);
			jw_end_arr(&j);
			jw_end_arr(&j);
		}
		if (m.public_set)
			jw_kbool(&j, "public", m.is_public);
		/* Who sends this comment attaches copies of the macro's files. */
		if (token.n) {
			jw_key(&j, "uploads");
			jw_arr(&j);
			jw_str(&j, token);
			jw_end_arr(&j);
		}
		jw_end_obj(&j);
	}
	jw_end_obj(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	if (ticket_id)
		return look_one(cx, "ticket", ticket_id, "subject,tags,custom_fields,comments");
	/* Of no ticket nothing was shown; names of the actor alone may stand in it. */
	cx->looked = true;
	return OK;
}

static enum err
apply(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return apply_reply(cx, rq, rp, rq->param[0], 0);
}

static enum err
apply_to_ticket(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(ticket_visible(cx, rq->param[0]));
	return apply_reply(cx, rq, rp, rq->param[1], rq->param[0]);
}

/* ?macro_id= copies a macro, ?ticket_id= makes one of what a ticket has; not saved. */
static enum err
replica(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *macro = http_query(rq, "macro_id"), *ticket = http_query(rq, "ticket_id");
	struct rule r = { .kind = RULE_MACRO, .active = true, .actions = S("[]"), .title = S("") };
	struct ticket t;
	struct buf b;
	struct json j;
	int64_t id;

	if (macro != NULL && macro->n) {
		if (!str_int(*macro, &id))
			return api_error(rp, 400, "InvalidValue", "Parameter macro_id must be an id");
		TRY(rule_get(cx, RULE_MACRO, id, &r));
		r.id = 0;
		r.is_default = false;
		return rule_reply(cx, rq, rp, 200, &api, &r);
	}
	if (ticket == NULL || !str_int(*ticket, &id))
		return api_error(rp, 400, "ParameterMissing", "Parameter macro_id or ticket_id is required");
	TRY(ticket_get(cx, id, &t));
	buf_init(&b, cx->arena, 64 * KiB);
	jw_init(&j, &b);
	jw_arr(&j);
	for (int i = 0; i < 5; i++) {
		static const char *const names[] = { "status", "priority", "type", "group_id", "assignee_id" };
		const char *word = i == 0 ? status_name(t.status) : i == 1 ? priority_name(t.priority) : i == 2 ? type_name(t.type) : NULL;
		int64_t n = i == 3 ? t.group_id : i == 4 ? t.assignee_id : 0;
		if (word == NULL && n == 0)
			continue;
		jw_obj(&j);
		jw_kz(&j, "field", names[i]);
		if (word != NULL)
			jw_kz(&j, "value", word);
		else
			jw_kstr(&j, "value", str_printf(cx->arena, "%lld", (long long)n));
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	r.actions = buf_str(&b);
	return rule_reply(cx, rq, rp, 200, &api, &r);
}

const struct route macro_routes[] = {
	{ GET,    "/api/v2/macros",              MAY_READ_RULES,  0,       list,         0 },
	{ POST,   "/api/v2/macros",              MAY_WRITE_RULES, 2 * MiB, post,         0 },
	{ GET,    "/api/v2/macros/active",       MAY_READ_RULES,  0,       active,       0 },
	{ GET,    "/api/v2/macros/actions",      MAY_READ_RULES,  0,       actions,      0 },
	{ POST,   "/api/v2/macros/attachments",  MAY_WRITE_RULES, 50 * MiB, file_upload, 0 },
	{ GET,    "/api/v2/macros/attachments/{id}", MAY_READ_RULES, 0,    file_show,    0 },
	{ GET,    "/api/v2/macros/attachments/{id}/content", MAY_READ_RULES, 0, file_content, 0 },
	{ GET,    "/api/v2/macros/{id}/attachments", MAY_READ_RULES, 0,    files,        0 },
	{ POST,   "/api/v2/macros/{id}/attachments", MAY_WRITE_RULES, 50 * MiB, file_attach, 0 },
	{ GET,    "/api/v2/macros/categories",   MAY_READ_RULES,  0,       categories,   0 },
	{ GET,    "/api/v2/macros/definitions",  MAY_READ_RULES,  0,       definitions,  0 },
	{ DELETE, "/api/v2/macros/destroy_many", MAY_WRITE_RULES, 0,       destroy_many, 0 },
	{ GET,    "/api/v2/macros/new",          MAY_READ_RULES,  0,       replica,      0 },
	{ GET,    "/api/v2/macros/search",       MAY_READ_RULES,  0,       list,         0 },
	{ PUT,    "/api/v2/macros/update_many",  MAY_WRITE_RULES, 2 * MiB, update_many,  0 },
	{ GET,    "/api/v2/macros/{id}",         MAY_READ_RULES,  0,       show,         0 },
	{ PUT,    "/api/v2/macros/{id}",         MAY_WRITE_RULES, 2 * MiB, put,          0 },
	{ DELETE, "/api/v2/macros/{id}",         MAY_WRITE_RULES, 0,       destroy,      0 },
	{ GET,    "/api/v2/macros/{id}/apply",   MAY_READ_RULES,  0,       apply,        0 },
	{ GET,    "/api/v2/tickets/{id}/macros/{id}/apply", MAY_READ_TICKET, 0, apply_to_ticket, 0 },
	{ 0 }
};
