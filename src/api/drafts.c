/* drafts.c - what an agent is writing: the kept draft, and placeholders as they would be sent.
 *
 * A draft of a ticket, or (without an id in the path) of the ticket that its
 * writer is about to make; that one also keeps the other fields of its page.
 */
#include "api/in.h"

#define DRAFT_MAX  (256 * KiB)
#define FIELDS_MAX (64 * KiB)
#define FILES_MAX  100

static enum err
json_files(struct json *j, struct ctx *cx, const char *base, const struct draft *d)
{
	struct attachment *f;
	int n;

	jw_key(j, "uploads");
	jw_arr(j);
	for (int i = 0; i < d->token_count; i++) {
		TRY(attachments_look(cx, d->token[i], &f, &n));
		if (n == 0)
			continue;
		jw_obj(j);
		jw_kstr(j, "token", d->token[i]);
		jw_key(j, "attachments");
		jw_arr(j);
		for (int k = 0; k < n; k++)
			json_attachment(j, cx, base, &f[k]);
		jw_end_arr(j);
		jw_end_obj(j);
	}
	jw_end_arr(j);
	return OK;
}

/* base NULL: without what it says. */
static enum err
json_draft(struct json *j, struct ctx *cx, const char *base, const struct draft *d, bool made)
{
	jw_key(j, "draft");
	if (d->id == 0) {
		jw_null(j);
		return OK;
	}
	jw_obj(j);
	jw_kint(j, "version", d->version);
	jw_kbool(j, "public", d->is_public);
	jw_ktime(j, "updated_at", d->updated_at);
	if (base != NULL) {
		jw_kstr(j, "body", reveal_clear(cx, d->body));
		jw_kstr(j, "html_body", reveal_clear(cx, d->html));
		if (!made)
			jw_kraw(j, "fields", d->fields.hidden.n ? reveal_clear(cx, d->fields) : S("{}"));
		TRY(json_files(j, cx, base, d));
	}
	jw_end_obj(j);
	return OK;
}

static enum err
draft_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct draft d;
	struct json j;

	TRY(draft_get(cx, rq->param[0], &d));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(json_draft(&j, cx, z_of(cx, api_base(cx, rq)), &d, rq->param[0] != 0));
	jw_end_obj(&j);
	return OK;
}

static bool
text_of(struct ctx *cx, const json_t *obj, const char *name, const char *why, sensitive *out)
{
	const json_t *v = json_object_get(obj, name);
	str s;

	if (v == NULL || json_is_null(v))
		return false;
	s = json_text(cx, v);
	if (!json_is_string(v) || s.n > DRAFT_MAX)
		bad(cx, name, "InvalidValue", why);
	*out = HIDE(s);
	return true;
}

static void
read_files(struct ctx *cx, const json_t *obj, struct draft *in)
{
	const json_t *v = json_object_get(obj, "uploads"), *one;
	size_t i;

	if (v == NULL || json_is_null(v))
		return;
	in->has_tokens = true;
	in->token = NEW(cx->arena, str, FILES_MAX);
	for (i = 0; i < json_array_size(v) && i < FILES_MAX && json_is_string(one = json_array_get(v, i)); i++)
		in->token[in->token_count++] = json_text(cx, one);
	if (!json_is_array(v) || i < json_array_size(v))
		bad(cx, "uploads", "InvalidValue", "Uploads: must be an array of at most 100 upload tokens");
}

static enum err
draft_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const ticket[] = { "body", "html_body", "public", "version", "uploads", NULL },
	    *const unmade[] = { "body", "html_body", "public", "version", "uploads", "fields", NULL };
	bool made = rq->param[0] != 0;
	struct draft in = { .is_public = true, .version = -1 }, out;
	const json_t *obj, *v;
	sensitive html;
	struct json j;

	if (made)
		TRY(ticket_visible(cx, rq->param[0]));
	TRY(api_body(cx, rq, rp, "draft", &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, made ? ticket : unmade);
	if (text_of(cx, obj, "html_body", "Html body: must be a string of at most 256 KiB", &html)) {
		in.html = HIDE(html_wash(cx->arena, html.hidden, MiB));
		in.body = HIDE(html_to_text(cx->arena, html.hidden, MiB));
	} else if (!text_of(cx, obj, "body", "Body: must be a string of at most 256 KiB", &in.body))
		bad(cx, "body", "BlankValue", "Body: body or html_body is required");
	if ((v = json_object_get(obj, "public")) != NULL && !json_is_boolean(v))
		bad(cx, "public", "InvalidValue", "Public: must be true or false");
	in.is_public = v == NULL || json_is_true(v);
	if ((v = json_object_get(obj, "version")) != NULL && !json_is_null(v)) {
		if (!json_is_integer(v) || json_integer_value(v) < 0)
			bad(cx, "version", "InvalidValue", "Version: must be the version that was read, or 0 for none");
		else
			in.version = json_integer_value(v);
	}
	read_files(cx, obj, &in);
	if ((v = json_object_get(obj, "fields")) != NULL && !json_is_null(v)) {
		in.fields = HIDE(json_compact(cx, v));
		if (!json_is_object(v) || in.fields.hidden.n > FIELDS_MAX)
			bad(cx, "fields", "InvalidValue", "Fields: must be an object of at most 64 KiB");
	}
	TRY(bad_check(cx));
	TRY(draft_save(cx, rq->param[0], &in, &out));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(json_draft(&j, cx, NULL, &out, made));
	jw_end_obj(&j);
	return OK;
}

static enum err
draft_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(draft_drop(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* Of the actor, not of a patient. */
static bool
is_own(str placeholder)
{
	str name = str_trim(str_sub(placeholder, 2, placeholder.n - 2));

	return str_starts(name, S("current_user.")) || str_starts(name, S("agent."));
}

/* The text with its placeholders resolved, and each of them. The words around them are the actor's own. */
static enum err
placeholders(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "text", NULL };
	const json_t *obj;
	sensitive text = { 0 }, made;
	struct json j;
	struct buf whole;
	str rest;
	size_t at, end;

	TRY(ticket_visible(cx, rq->param[0]));
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, names);
	if (!text_of(cx, obj, "text", "Text: must be a string of at most 256 KiB", &text))
		bad(cx, "text", "BlankValue", "Text: is required and must be a string");
	TRY(bad_check(cx));
	TRY(ticket_render(cx, rq->param[0], text, &made));     /* refuses what cannot be rendered */
	buf_init(&whole, cx->arena, 4 * MiB);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "placeholders");
	jw_arr(&j);
	rest = reveal_clear(cx, text);
	for (int n = 0; n < 200 && (at = str_find(rest, S("{{"))) != SIZE_MAX
	    && (end = str_find(str_sub(rest, at, rest.n), S("}}"))) != SIZE_MAX; n++) {
		str one = str_sub(rest, at, end + 2), value;
		TRY(ticket_render(cx, rq->param[0], HIDE(one), &made));
		value = is_own(one) ? reveal_clear(cx, made) : reveal(cx, made, TO_SHOW_ACTOR);
		jw_obj(&j);
		jw_kstr(&j, "placeholder", one);
		jw_kstr(&j, "value", value);
		jw_end_obj(&j);
		buf_add(&whole, str_sub(rest, 0, at));
		buf_add(&whole, value);
		rest = str_sub(rest, at + end + 2, rest.n);
	}
	buf_add(&whole, rest);
	jw_end_arr(&j);
	jw_kstr(&j, "text", buf_str(&whole));
	jw_end_obj(&j);
	return look_one(cx, "ticket", rq->param[0], "placeholders");
}

const struct route draft_routes[] = {
	{ GET,    "/api/ward/v1/tickets/{id}/draft",        MAY_UPDATE_TICKET, 0,     draft_show,   0 },
	{ PUT,    "/api/ward/v1/tickets/{id}/draft",        MAY_UPDATE_TICKET, MiB,   draft_put,    0 },
	{ DELETE, "/api/ward/v1/tickets/{id}/draft",        MAY_UPDATE_TICKET, 0,     draft_delete, 0 },
	{ GET,    "/api/ward/v1/draft",                     MAY_CREATE_TICKET, 0,     draft_show,   0 },
	{ PUT,    "/api/ward/v1/draft",                     MAY_CREATE_TICKET, MiB,   draft_put,    0 },
	{ DELETE, "/api/ward/v1/draft",                     MAY_CREATE_TICKET, 0,     draft_delete, 0 },
	{ POST,   "/api/ward/v1/tickets/{id}/placeholders", MAY_READ_TICKET,   MiB,   placeholders, 0 },
	{ 0 }
};
