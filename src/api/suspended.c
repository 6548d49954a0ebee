/* suspended.c - /api/v2/suspended_tickets: mail that was kept because it could not be used. */
#include "api/in.h"

#define SHOWN "author,subject,content"

static void
json_suspended(struct json *j, struct ctx *cx, const char *base, const struct suspended *s)
{
	jw_obj(j);
	url_of(j, cx, base, "suspended_tickets", s->id);
	jw_kint(j, "id", s->id);
	jw_key(j, "author");
	jw_obj(j);
	jw_knull(j, "id");
	jw_kstr(j, "name", reveal(cx, s->from_name, TO_SHOW_ACTOR));
	jw_kstr(j, "email", reveal(cx, s->from_address, TO_SHOW_ACTOR));
	jw_end_obj(j);
	jw_kstr(j, "subject", reveal(cx, s->subject, TO_SHOW_ACTOR));
	jw_kstr(j, "content", reveal(cx, s->content, TO_SHOW_ACTOR));
	jw_kstr(j, "cause", s->cause);
	jw_kint(j, "cause_id", s->cause_id);
	jw_kstr(j, "message_id", reveal(cx, s->message_id, TO_SHOW_ACTOR));
	jw_kid(j, "ticket_id", s->ticket_id);
	jw_kstr(j, "recipient", reveal(cx, s->recipient, TO_SHOW_ACTOR));
	jw_knull(j, "brand_id");
	jw_kraw(j, "attachments", S("[]"));
	jw_knull(j, "error_messages");
	json_via(j, cx, S("email"), (sensitive){ 0 });
	jw_ktime(j, "created_at", s->created_at);
	jw_ktime(j, "updated_at", s->updated_at);
	jw_end_obj(j);
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct suspended *s;
	struct json j;
	int64_t total, *ids;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(suspended_list(cx, p.id, p.offset, p.limit + (p.cursor ? 1 : 0), &s, &n));
	TRY(suspended_count(cx, &total));
	more = p.cursor && n > p.limit;
	if (more)
		n = p.limit;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "suspended_tickets");
	jw_arr(&j);
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++) {
		json_suspended(&j, cx, base, &s[i]);
		ids[i] = s[i].id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ s[0].id, s[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ s[n - 1].id, s[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return n ? trail_look(cx, "suspended_ticket", ids, n, SHOWN) : OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct suspended s;
	struct json j;

	TRY(suspended_get(cx, rq->param[0], &s));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "suspended_ticket");
	json_suspended(&j, cx, z_of(cx, api_base(cx, rq)), &s);
	jw_end_obj(&j);
	return look_one(cx, "suspended_ticket", s.id, SHOWN);
}

static enum err
recover(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;
	struct json j;

	TRY(suspended_recover(cx, rq->param[0], &t));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket");
	json_ticket(&j, cx, z_of(cx, api_base(cx, rq)), &t, false);
	jw_end_obj(&j);
	return look_tickets(cx, &t, 1, "subject,description");
}

static enum err
recover_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct ticket *t;
	struct json j;
	int64_t *ids;
	int n, got = 0;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	t = NEW(cx->arena, struct ticket, n + 1);
	for (int i = 0; i < n; i++) {
		enum err e = suspended_recover(cx, ids[i], &t[got]);
		if (e == OK)
			got++;
		else if (e != E_ABSENT && e != E_INVALID)
			return e;
		fail_clear(cx);
	}
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tickets");
	jw_arr(&j);
	for (int i = 0; i < got; i++)
		json_ticket(&j, cx, base, &t[i], false);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return look_tickets(cx, t, got, "subject,description");
}

/* The id stands in the path, in ?id= or in the body: Zendesk's description forgets to say. */
static enum err
attachments(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	const str *q = http_query(rq, "id");
	int64_t id = rq->param[0], *ids;
	struct attachment *f;
	const json_t *obj = NULL;
	struct json j;
	str token;
	int n;

	if (id == 0 && q != NULL && (q->n > 18 || !str_int(*q, &id)))
		id = 0;
	if (id == 0 && q == NULL) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		if (json_is_object(json_object_get(obj, "suspended_ticket")))
			obj = json_object_get(obj, "suspended_ticket");
		if (!json_id(json_object_get(obj, "id"), &id))
			id = 0;
	}
	if (id <= 0)
		return api_error(rp, 400, "ParameterMissing", "Parameter id is required: a suspended ticket's");
	TRY(suspended_uploads(cx, id, &token, &f, &n));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "upload");
	jw_obj(&j);
	if (token.n)
		jw_kstr(&j, "token", token);
	else
		jw_knull(&j, "token");
	jw_key(&j, "attachments");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_attachment(&j, cx, base, &f[i]);
		ids[i] = f[i].id;
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return n ? trail_look(cx, "attachment", ids, n, "file_name") : OK;
}

static enum err
destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(suspended_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

static enum err
destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t *ids;
	int n;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	for (int i = 0; i < n; i++) {
		enum err e = suspended_delete(cx, ids[i]);
		if (e != OK && e != E_ABSENT)
			return e;
		fail_clear(cx);
	}
	api_empty(rp, 204);
	return OK;
}

const struct route suspended_routes[] = {
	{ GET,    "/api/v2/suspended_tickets",              MAY_SUSPENDED, 0,        list,         0 },
	{ GET,    "/api/v2/suspended_tickets/{id}",         MAY_SUSPENDED, 0,        show,         0 },
	{ PUT,    "/api/v2/suspended_tickets/{id}/recover", MAY_SUSPENDED, 64 * KiB, recover,      0 },
	{ PUT,    "/api/v2/suspended_tickets/recover_many", MAY_SUSPENDED, 64 * KiB, recover_many, 0 },
	{ POST,   "/api/v2/suspended_tickets/attachments",  MAY_SUSPENDED, 16 * KiB, attachments,  0 },
	{ POST,   "/api/v2/suspended_tickets/{id}/attachments", MAY_SUSPENDED, 16 * KiB, attachments, 0 },
	{ DELETE, "/api/v2/suspended_tickets/{id}",         MAY_SUSPENDED, 0,        destroy,      0 },
	{ DELETE, "/api/v2/suspended_tickets/destroy_many", MAY_SUSPENDED, 0,        destroy_many, 0 },
	{ 0 }
};
