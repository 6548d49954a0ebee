/* notifications.c - /api/v2/email_notifications: what became of the mails about a ticket. No word of any mail is in it. */
#include <stdlib.h>

#include "api/in.h"
#include "flow/flow.h"

#define MOST 1000                    /* mails of one ticket that are looked through */

struct notes { struct outbox_row *row; int n; };

/* What the far side said, in Zendesk's words where it has some. */
static void
delivery(struct json *j, struct ctx *cx, const struct outbox_row *o)
{
	static const struct { int code, id; const char *name; } known[] = {
		{ 421, 421, "service_not_available" }, { 450, 450, "mailbox_unavailable" }, { 451, 451, "local_error_in_processing" },
		{ 452, 452, "insufficient_system_storage" }, { 500, 500, "syntax_error" }, { 501, 8, "syntax_error_in_arguments" },
		{ 503, 503, "bad_sequence_of_commands" }, { 530, 24, "authentication_required" }, { 535, 535, "authentication_failed" },
		{ 538, 27, "encryption_required" }, { 550, 550, "mailbox_unavailable" }, { 551, 551, "user_not_local" },
		{ 552, 552, "exceeded_storage_allocation" }, { 553, 553, "mailbox_name_not_allowed" }, { 554, 554, "transaction_failed" },
	};
	bool over = o->state == FLOW_DEAD || o->state == FLOW_DROPPED;
	const char *name = o->state == FLOW_SENT ? "delivered" : over ? "failed" : "none";
	int id = o->state == FLOW_SENT ? 5 : over ? 1 : 0;

	for (size_t i = 0; i < COUNT(known) && o->state != FLOW_SENT; i++)
		if (known[i].code == o->status) {
			name = known[i].name;
			id = known[i].id;
		}
	jw_key(j, "delivery_status");
	jw_obj(j);
	jw_kint(j, "id", id);
	jw_kz(j, "name", name);
	jw_kstr(j, "code", str_printf(cx->arena, "%d", o->state == FLOW_SENT && o->status == 0 ? 250 : o->status));
	if (o->state == FLOW_SENT)
		jw_kz(j, "message", "Email was delivered.");
	else if (o->status)
		jw_kstr(j, "message", str_printf(cx->arena, "Email failed to deliver. Status code: %d", o->status));
	else if (over && o->reason.n)
		jw_kstr(j, "message", o->reason);
	else
		jw_kz(j, "message", over ? "Email was not sent." : "No delivery response has been received.");
	jw_end_obj(j);
}

static enum err
json_note(struct json *j, struct ctx *cx, const char *base, int64_t id)
{
	struct outbox_row o;
	str message;

	TRY(flow_get(cx, id, &o));
	TRY(flow_message_id(cx, &o, &message));
	jw_obj(j);
	url_of(j, cx, base, "email_notifications", o.id);
	jw_kint(j, "notification_id", o.id);
	jw_kstr(j, "email_id", flow_invocation_uid(cx, o.id, o.created_at));
	jw_kstr(j, "message_id", str_printf(cx->arena, "<" STR_F ">", STR_A(message)));
	jw_kid(j, "ticket_id", o.ticket_id);
	jw_kid(j, "comment_id", o.comment_id);
	jw_key(j, "recipients");
	jw_arr(j);
	jw_obj(j);
	jw_kid(j, "user_id", o.user_id);
	jw_kstr(j, "email_address", reveal(cx, o.to, TO_SHOW_ACTOR));
	delivery(j, cx, &o);
	jw_end_obj(j);
	jw_end_arr(j);
	jw_ktime(j, "created_at", o.created_at);
	jw_ktime(j, "updated_at", o.updated_at);
	jw_end_obj(j);
	return OK;
}

/* The mails about a ticket that the actor sees; comment 0: all of them. Others: none. */
static enum err
of_ticket(struct ctx *cx, int64_t ticket, int64_t comment, struct notes *all)
{
	struct outbox_row *o;
	enum err e = ticket_visible(cx, ticket);
	int n;

	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	TRY(flow_list(cx, &(struct outbox_filter){ .kind = FLOW_MAIL, .ticket_id = ticket, .limit = MOST }, &o, &n));
	for (int i = 0; i < n && all->n < MOST; i++)
		if (comment == 0 || o[i].comment_id == comment)
			all->row[all->n++] = o[i];
	return OK;
}

static enum err
of_comment(struct ctx *cx, int64_t comment, struct notes *all)
{
	struct comment c;
	enum err e = comment_get(cx, 0, comment, &c);

	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	return of_ticket(cx, c.ticket_id, comment, all);
}

static enum err
of_id(struct ctx *cx, int64_t id, struct notes *all)
{
	struct outbox_row o;
	enum err e = flow_get(cx, id, &o);

	if (e == OK && (o.kind != FLOW_MAIL || o.ticket_id == 0))
		e = E_ABSENT;
	if (e == OK)
		e = ticket_visible(cx, o.ticket_id);
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	if (all->n < MOST)
		all->row[all->n++] = o;
	return OK;
}

static int
newest_first(const void *a, const void *b)
{
	const struct outbox_row *x = a, *y = b;

	return (x->id < y->id) - (x->id > y->id);
}

static int
last_touched_first(const void *a, const void *b)
{
	const struct outbox_row *x = a, *y = b;

	return x->updated_at != y->updated_at ? (x->updated_at < y->updated_at) - (x->updated_at > y->updated_at) : newest_first(a, b);
}

/* A page of them, with the access events for whom they went to. */
static enum err
reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, struct notes *all)
{
	static const char *const sorts[] = { "created_at", "updated_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	const str *sort = http_query(rq, "sort");
	struct place first, last;
	int from, to, k = 0;
	int64_t *ids;
	struct paging p;
	bool more;
	struct json j;

	if (!api_paging(cx, rq, rp, sorts, 2, 100, &p))
		return OK;
	if (!p.cursor && sort != NULL) {
		str by = str_starts(*sort, S("-")) ? str_sub(*sort, 1, sort->n) : *sort;
		p.descending = str_starts(*sort, S("-"));
		p.sort = str_eq(by, S("updated_at"));
		if (!p.sort && !str_eq(by, S("created_at")))
			return api_error(rp, 400, "InvalidValue", "Parameter sort must be created_at or updated_at, or one with - in front");
	} else if (sort == NULL)
		p.descending = true;
	qsort(all->row, (size_t)all->n, sizeof *all->row, p.sort ? last_touched_first : newest_first);
	if (!p.descending)
		for (int i = 0; i < all->n / 2; i++) {
			struct outbox_row swap = all->row[i];
			all->row[i] = all->row[all->n - 1 - i];
			all->row[all->n - 1 - i] = swap;
		}
	api_cut(&p, &all->row[0].id, sizeof *all->row, all->n, &from, &to, &more, &first, &last);
	ids = NEW(cx->arena, int64_t, to - from + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "email_notifications");
	jw_arr(&j);
	for (int i = from; i < to; i++) {
		TRY(json_note(&j, cx, base, all->row[i].id));
		ids[k++] = all->row[i].id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, k, more, first, last, all->n);
	jw_end_obj(&j);
	return k ? trail_look(cx, "outbox", ids, k, "to") : OK;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "filter[ticket_id]", "filter[comment_id]", "filter[notification_id]" };
	struct notes all = { NEW(cx->arena, struct outbox_row, MOST), 0 };
	bool asked = false;

	for (int i = 0; i < 3; i++) {
		const str *q = http_query(rq, names[i]);
		int64_t id;
		if (q == NULL)
			continue;
		if (q->n > 18 || !str_int(*q, &id) || id <= 0)
			return api_error(rp, 400, "InvalidValue", "A filter must be an id");
		if (asked)
			return api_error(rp, 400, "InvalidValue", "Only one of ticket_id, comment_id and notification_id can be filtered by");
		asked = true;
		TRY(i == 0 ? of_ticket(cx, id, 0, &all) : i == 1 ? of_comment(cx, id, &all) : of_id(cx, id, &all));
	}
	if (!asked)
		return api_error(rp, 400, "ParameterMissing", "Parameter filter is required: filter[ticket_id], filter[comment_id] or"
		    " filter[notification_id]");
	return reply(cx, rq, rp, &all);
}

static enum err
show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "ids", "comment_ids", "ticket_ids" };
	struct notes all = { NEW(cx->arena, struct outbox_row, MOST), 0 };
	int64_t *ids;
	int n;

	for (int i = 0; i < 3; i++) {
		if (http_query(rq, names[i]) == NULL)
			continue;
		if (!api_ids(cx, rq, rp, names[i], 100, &ids, &n))
			return OK;
		n = ids_unique(ids, n);
		for (int k = 0; k < n; k++)
			TRY(i == 0 ? of_id(cx, ids[k], &all) : i == 1 ? of_comment(cx, ids[k], &all) : of_ticket(cx, ids[k], 0, &all));
		return reply(cx, rq, rp, &all);
	}
	return api_error(rp, 400, "ParameterMissing", "One of ids, comment_ids or ticket_ids is required");
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct notes all = { NEW(cx->arena, struct outbox_row, 1), 0 };
	struct json j;

	TRY(of_id(cx, rq->param[0], &all));
	if (all.n == 0)
		return fail(cx, E_ABSENT, NULL, "no such notification");
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "email_notification");
	TRY(json_note(&j, cx, z_of(cx, api_base(cx, rq)), all.row[0].id));
	jw_end_obj(&j);
	return look_one(cx, "outbox", all.row[0].id, "to");
}

const struct route notification_routes[] = {
	{ GET, "/api/v2/email_notifications",           MAY_READ_TICKET, 0, list,      0 },
	{ GET, "/api/v2/email_notifications/show_many", MAY_READ_TICKET, 0, show_many, 0 },
	{ GET, "/api/v2/email_notifications/{id}",      MAY_READ_TICKET, 0, show,      0 },
	{ 0 }
};
