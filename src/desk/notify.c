/* notify.c - who hears of what happened to a ticket, as long as no trigger says so.
 *
 * One built-in rule, in the transaction of the change: the requester hears
 * that a request came in and of every public comment of somebody else; CCs of
 * public comments; followers and the assignee of every comment of others.
 * Default triggers do the same and more: who installs them switches this off
 * (setting "builtin_notifications"), so that nobody is told twice. Without
 * outgoing mail there is nothing to do, and it costs nothing.
 */
#include "desk/in.h"
#include "flow/flow.h"

static const struct stmt last_message = {
	.name = "raw_mail.last_message",
	.sql  = "SELECT id, message_doc FROM raw_mail WHERE account_id = $1 AND ticket_id = $2 AND message_doc IS NOT NULL"
	        " ORDER BY id DESC LIMIT 1",
	.in   = "ii", .out = "iS", .seal_out = { { "raw_mail", "message_doc", 0 } },
};

const struct stmt *const notify_stmts[] = { &last_message, NULL };

struct told { int64_t id[128]; int count; };

/* The Message-ID to answer to: of the newest mail in the ticket. */
enum err
ticket_last_message(struct ctx *cx, int64_t ticket_id, sensitive *message_id)
{
	struct row r;
	enum err e = store_one(cx, &last_message, ARGS(INT(cx->account), INT(ticket_id)), &r);

	*message_id = (sensitive){ 0 };
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	*message_id = row_sensitive(&r, 1);
	return OK;
}

static enum err
tell(struct ctx *cx, struct told *told, int64_t user_id, struct outgoing o)
{
	struct user u;
	enum err e;

	if (user_id == 0)
		return OK;
	for (int i = 0; i < told->count; i++)
		if (told->id[i] == user_id)
			return OK;
	if (told->count < (int)COUNT(told->id))
		told->id[told->count++] = user_id;
	e = user_load(cx, user_id, &u);
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	if (!u.active || u.suspended || u.email.hidden.n == 0 || !email_valid(u.email.hidden))
		return OK;
	o.kind = FLOW_MAIL;
	o.user_id = u.id;
	o.to = u.email;
	o.to_name = u.name;
	return flow_enqueue(cx, &o, NULL);
}

enum err
notify_ticket(struct ctx *cx, const struct ticket *t, const struct comment *c, bool created, const struct ticket_change *in)
{
	struct told told = { { 0 }, 0 };
	struct outgoing o, staff;
	bool by_requester, automatic = in->inbound != NULL && in->inbound->mail != NULL && in->inbound->mail->kind != MAIL_NORMAL;

	/* What is imported happened long ago. */
	if (c == NULL || !flow_mail_on(cx) || (in->created_at != 0 && in->inbound == NULL)
	    || !gate_setting_bool(cx, "builtin_notifications", true))
		return OK;
	told.id[told.count++] = c->author_id;
	by_requester = c->author_id == t->requester_id;
	o = (struct outgoing){ .event = "comment", .cause = in->cause, .ticket_id = t->id, .comment_id = c->id,
	    .subject = t->subject, .text = c->body };
	TRY(ticket_last_message(cx, t->id, &o.in_reply_to));
	staff = o;
	staff.staff = true;
	if (c->is_public) {
		if (created && by_requester && !automatic) {
			struct outgoing got = o;
			/* Their own words need not come back to them. */
			got.event = "received";
			got.automatic = true;
			got.text = (sensitive){ 0 };
			told.count = 0;
			TRY(tell(cx, &told, t->requester_id, got));
		}
		TRY(tell(cx, &told, t->requester_id, o));
		for (int i = 0; i < t->cc_count; i++)
			TRY(tell(cx, &told, t->cc[i], o));
	}
	for (int i = 0; i < t->follower_count; i++)
		TRY(tell(cx, &told, t->follower[i], staff));
	return tell(cx, &told, t->assignee_id, staff);
}
