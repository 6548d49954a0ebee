/* ticketops.c - what is done with whole tickets: merge, split, spam, problems
 * and incidents, counts, import, and the audits of the whole account. */
#include "api/in.h"

#define SHOWN "subject,description,tags,custom_fields,external_id"

/* ---- merge and split ------------------------------------------------------------------------------------------- */

static sensitive
text_member(struct ctx *cx, const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	if (v != NULL && !json_is_null(v) && !json_is_string(v))
		bad(cx, name, "InvalidValue", "Comment: must be a string");
	return HIDE(json_text(cx, v));
}

static bool
bool_member(struct ctx *cx, const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	if (v != NULL && !json_is_null(v) && !json_is_boolean(v))
		bad(cx, name, "InvalidValue", "Public: must be true or false");
	return json_is_true(v);
}

void
merge_fields(struct ctx *cx, const json_t *obj, struct ticket_merge *m)
{
	const json_t *ids = json_object_get(obj, "ids");
	json_t *w;
	size_t i;

	(void)json_id(json_object_get(obj, "id"), &m->target);
	if (!json_is_array(ids) || json_array_size(ids) == 0 || json_array_size(ids) > 100) {
		bad(cx, "ids", "InvalidValue", "Ids: must be an array of 1 to 100 ticket ids");
		return;
	}
	m->ids = NEW(cx->arena, int64_t, json_array_size(ids));
	json_array_foreach(ids, i, w)
		if (!json_id(w, &m->ids[m->count++]) || m->ids[m->count - 1] == 0) {
			bad(cx, "ids", "InvalidValue", "Ids: must be an array of 1 to 100 ticket ids");
			break;
		}
	m->count = ids_unique(m->ids, m->count);
	m->target_comment = text_member(cx, obj, "target_comment");
	m->source_comment = text_member(cx, obj, "source_comment");
	m->target_public = bool_member(cx, obj, "target_comment_is_public");
	m->source_public = bool_member(cx, obj, "source_comment_is_public");
}

static enum err
merge(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_merge m = { 0 };
	json_t *list, *copy;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	if (gate_limited(cx, LIMIT_MERGE))
		return fail(cx, E_DENIED, NULL, "the role does not let merge");
	merge_fields(cx, obj, &m);
	TRY(bad_check(cx));
	copy = json_copy((json_t *)(uintptr_t)obj);
	json_object_set_new(copy, "id", json_integer(rq->param[0]));
	list = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, list);
	json_array_append_new(list, copy);
	return queue_job(cx, rq, rp, JOB_TICKETS_MERGE, list, "ids");
}

static enum err
split(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct ticket t;
	int64_t comment = 0;
	sensitive subject;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	if (!json_id(json_object_get(obj, "comment_id"), &comment) || comment == 0)
		bad(cx, "comment_id", "BlankValue", "Comment id: is required and must be an id");
	subject = text_member(cx, obj, "subject");
	TRY(bad_check(cx));
	TRY(ticket_split(cx, rq->param[0], comment, subject, &t));
	api_location(cx, rq, rp, "tickets", t.id);
	return ticket_reply(cx, rq, rp, 201, &t, NULL);
}

/* ---- spam --------------------------------------------------------------------------------------------------------- */

static enum err
spam(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	TRY(ticket_spam(cx, rq->param[0]));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
spam_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	json_t *made;
	int64_t *ids;
	int n;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++)
		json_array_append_new(made, json_integer(ids[i]));
	return queue_job(cx, rq, rp, JOB_TICKETS_SPAM, made, "ids");
}

/* ---- problems ------------------------------------------------------------------------------------------------------ */

static enum err
problems(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .problems = true };

	return tickets_page(cx, rq, rp, "tickets", &f);
}

/* By a part of the subject, newest first: unsolved problems that the actor may see. */
static enum err
problems_complete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *q = http_query(rq, "text");
	struct ticket_filter f = { .problems = true, .descending = true, .limit = 500,
	    .status_mask = 1 << TICKET_NEW | 1 << TICKET_OPEN | 1 << TICKET_PENDING | 1 << TICKET_HOLD };
	const char *base = z_of(cx, api_base(cx, rq));
	str text = q ? *q : S("");
	const json_t *obj;
	struct paging p = { .limit = 15, .page = 1 };
	struct ticket *t;
	struct json j;
	int n, k = 0;

	if (rq->body.n) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		if (json_is_string(json_object_get(obj, "text")))
			text = json_text(cx, json_object_get(obj, "text"));
	}
	if (str_trim(text).n == 0)
		return api_error(rp, 400, "ParameterMissing", "Parameter text is required");
	TRY(ticket_list(cx, &f, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tickets");
	jw_arr(&j);
	for (int i = 0; i < n && k < 15; i++)
		if (str_findi(t[i].subject.hidden, str_trim(text)) != SIZE_MAX) {
			t[k] = t[i];
			json_ticket(&j, cx, base, &t[k++], false);
		}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, k, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, k);
	jw_end_obj(&j);
	return look_tickets(cx, t, k, SHOWN);
}

static enum err
incidents(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .problem_id = rq->param[0] };

	TRY(ticket_visible(cx, rq->param[0]));
	return tickets_page(cx, rq, rp, "tickets", &f);
}

/* ---- counts ----------------------------------------------------------------------------------------------------------- */

static enum err
count_of_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .organization_id = rq->param[0] };
	struct organization o;
	int64_t n;

	TRY(org_get(cx, rq->param[0], &o));
	TRY(ticket_count(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
count_of_user(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { 0 };
	struct user u;
	int64_t n;

	TRY(user_get(cx, rq->param[0], &u));
	if (str_eq(rq->word[0], S("requested")))
		f.requester_id = u.id;
	else if (str_eq(rq->word[0], S("assigned")))
		f.assignee_id = u.id;
	else if (str_eq(rq->word[0], S("ccd")))
		f.cc_id = u.id;
	else if (str_eq(rq->word[0], S("followed")))
		f.follower_id = u.id;
	else
		return api_error(rp, 404, "InvalidEndpoint", "Not found");
	TRY(ticket_count(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

/* ---- import ----------------------------------------------------------------------------------------------------------- */

void
import_fields(struct ctx *cx, const json_t *obj, struct ticket_import *im)
{
	static const struct field times[] = {
		{ "created_at", F_TIME, offsetof(struct ticket_import, created_at), 0, true },
		{ "updated_at", F_TIME, offsetof(struct ticket_import, updated_at), 0, true },
		{ "solved_at",  F_TIME, offsetof(struct ticket_import, solved_at),  0, true },
	};
	const json_t *list = json_object_get(obj, "comments"), *v;
	json_t *w;
	size_t i;

	ticket_new_fields(cx, obj, &im->head);
	im->head.has &= ~(unsigned)T_SAFE;
	api_fields(cx, obj, times, COUNT(times), im, NULL);
	if (list == NULL || json_is_null(list))
		return;
	if (!json_is_array(list) || json_array_size(list) > 5000) {
		bad(cx, "comments", "InvalidValue", "Comments: must be an array of at most 5000 comments");
		return;
	}
	im->comment = NEW(cx->arena, struct import_comment, json_array_size(list) + 1);
	json_array_foreach(list, i, w) {
		struct import_comment *c = &im->comment[im->comment_count++];
		const json_t *body = json_object_get(w, "value");
		if (body == NULL)
			body = json_object_get(w, "body");
		c->is_public = !json_is_false(json_object_get(w, "public"));
		if (json_is_string(body))
			c->body = HIDE(json_text(cx, body));
		else if (json_is_string(json_object_get(w, "html_body")))
			c->body = HIDE(html_to_text(cx->arena, json_text(cx, json_object_get(w, "html_body")), 1 * MiB));
		else {
			bad(cx, "comments", "BlankValue", "Comments: each needs a value");
			return;
		}
		v = json_object_get(w, "author_id");
		if (v != NULL && !json_is_null(v) && !json_id(v, &c->author_id))
			bad(cx, "comments", "InvalidValue", "Comments: author_id must be an id");
		v = json_object_get(w, "created_at");
		if (v != NULL && !json_is_null(v) && (!json_is_string(v) || !time_parse(json_text(cx, v), &c->created_at)))
			bad(cx, "comments", "InvalidValue", "Comments: created_at must be a time");
	}
}

static enum err
import_one(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_import im = { .head = { .shown = SHOWN ",comments" } };
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "ticket", &obj));
	if (obj == NULL)
		return OK;
	import_fields(cx, obj, &im);
	TRY(ticket_import(cx, &im));
	api_location(cx, rq, rp, "tickets", im.out.id);
	return ticket_reply(cx, rq, rp, 201, &im.out, NULL);
}

static enum err
import_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	return queue_job(cx, rq, rp, JOB_TICKETS_IMPORT, json_object_get(obj, "tickets"), "tickets");
}

/* ---- audits -------------------------------------------------------------------------------------------------------------- */

/* Newest first, cursor only; of the tickets that the actor may see. */
static enum err
all_audits(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	const str *size = http_query(rq, "page[size]"), *limit = http_query(rq, "limit");
	struct paging p = { .cursor = true, .limit = 100 };
	struct audit *a;
	struct json j;
	int64_t *ids, n_asked;
	int n, k = 0;
	bool more;

	if (size != NULL || http_query(rq, "page[after]") != NULL || http_query(rq, "page[before]") != NULL) {
		if (!api_paging(cx, rq, rp, NULL, 0, 1000, &p))
			return OK;
	} else if (limit != NULL && str_int(*limit, &n_asked) && n_asked > 0 && n_asked <= 1000)
		p.limit = (int)n_asked;
	TRY(audit_all(cx, p.after ? p.id : 0, p.before ? p.id : 0, p.limit + 1, &a, &n));
	more = n > p.limit;
	if (more) {
		if (p.before)
			a++;
		n = p.limit;
	}
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "audits");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_audit(&j, cx, base, &a[i]);
		ids[k++] = a[i].ticket_id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ a[0].id, a[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ a[n - 1].id, a[n - 1].id } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	k = ids_unique(ids, k);
	return k ? trail_look(cx, "ticket", ids, k, "audits,comments") : OK;
}

static enum err
audit_make_private(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct audit a;
	struct json j;

	TRY(audit_get(cx, rq->param[0], rq->param[1], &a));
	if (a.comment_id == 0) {
		bad(cx, "base", "InvalidValue", "this audit has no comment");
		return bad_check(cx);
	}
	TRY(comment_make_private(cx, rq->param[0], a.comment_id));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

#define BODY (2 * MiB)
const struct route ticketop_routes[] = {
	{ POST, "/api/v2/tickets/{id}/merge",                   MAY_UPDATE_TICKET, BODY,     merge,              0 },
	{ POST, "/api/ward/v1/tickets/{id}/split",              MAY_UPDATE_TICKET, 64 * KiB, split,              0 },
	{ PUT,  "/api/v2/tickets/{id}/mark_as_spam",            MAY_DELETE_TICKET, 64 * KiB, spam,               0 },
	{ PUT,  "/api/v2/tickets/mark_many_as_spam",            MAY_DELETE_TICKET, 64 * KiB, spam_many,          0 },
	{ GET,  "/api/v2/problems",                             MAY_READ_TICKET,   0,        problems,           0 },
	{ POST, "/api/v2/problems/autocomplete",                MAY_READ_TICKET,   64 * KiB, problems_complete,  0 },
	{ GET,  "/api/v2/tickets/{id}/incidents",               MAY_READ_TICKET,   0,        incidents,          0 },
	{ GET,  "/api/v2/organizations/{id}/tickets/count",     MAY_READ_TICKET,   0,        count_of_org,       0 },
	{ GET,  "/api/v2/users/{id}/tickets/{word}/count",      MAY_READ_TICKET,   0,        count_of_user,      0 },
	{ POST, "/api/v2/imports/tickets",                      MAY_ADMIN,         32 * MiB, import_one,         0 },
	{ POST, "/api/v2/imports/tickets/create_many",          MAY_ADMIN,         50 * MiB, import_many,        0 },
	{ GET,  "/api/v2/ticket_audits",                        MAY_READ_TICKET,   0,        all_audits,         0 },
	{ PUT,  "/api/v2/tickets/{id}/audits/{id}/make_private", MAY_UPDATE_TICKET, 64 * KiB, audit_make_private, 0 },
	{ 0 }
};
