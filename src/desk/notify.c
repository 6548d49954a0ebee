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

/* ---- events for webhooks ------------------------------------------------------------------------------------- */

static str
upper(struct ctx *cx, const char *z)
{
	char *p = str_z(cx->arena, str_of(z));

	for (char *c = p; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 32);
	return str_of(p);
}

static void
put_id(struct json *j, struct ctx *cx, const char *key, int64_t id)
{
	if (id != 0)
		jw_kstr(j, key, str_printf(cx->arena, "%lld", (long long)id));
	else
		jw_knull(j, key);
}

/* Ids are strings and enumerations upper case there, as in Zendesk's events. */
static str
detail_of(struct ctx *cx, const struct ticket *t)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, DOC_MAX);
	jw_init(&j, &b);
	jw_obj(&j);
	put_id(&j, cx, "actor_id", cx->actor ? cx->actor->user_id : 0);
	put_id(&j, cx, "assignee_id", t->assignee_id);
	put_id(&j, cx, "brand_id", t->brand_id);
	jw_ktime(&j, "created_at", t->created_at);
	jw_kstr(&j, "description", reveal(cx, t->description, TO_SEND));
	jw_kstr(&j, "external_id", reveal(cx, t->external_id, TO_SEND));
	put_id(&j, cx, "form_id", t->form_id);
	put_id(&j, cx, "group_id", t->group_id);
	put_id(&j, cx, "id", t->id);
	jw_kbool(&j, "is_public", t->is_public);
	put_id(&j, cx, "organization_id", t->organization_id);
	if (priority_name(t->priority) != NULL)
		jw_kstr(&j, "priority", upper(cx, priority_name(t->priority)));
	else
		jw_knull(&j, "priority");
	put_id(&j, cx, "requester_id", t->requester_id);
	jw_kstr(&j, "status", upper(cx, status_name(t->status)));
	jw_kstr(&j, "subject", reveal(cx, t->subject, TO_SEND));
	put_id(&j, cx, "submitter_id", t->submitter_id);
	jw_kraw(&j, "tags", reveal(cx, t->tags, TO_SEND));
	if (type_name(t->type) != NULL)
		jw_kstr(&j, "type", upper(cx, type_name(t->type)));
	else
		jw_knull(&j, "type");
	jw_ktime(&j, "updated_at", t->updated_at);
	jw_key(&j, "via");
	jw_obj(&j);
	jw_kstr(&j, "channel", channel_shown(t->channel));
	jw_end_obj(&j);
	jw_end_obj(&j);
	return buf_str(&b);
}

enum err
ticket_event(struct ctx *cx, const char *type, const struct ticket *t, str event)
{
	if (!flow_event_wanted(cx, type))
		return OK;
	return flow_event(cx, type, "ticket", t->id, t->id, HIDE(detail_of(cx, t)), HIDE(event));
}

static enum err
comment_event(struct ctx *cx, const struct ticket *t, const struct comment *c)
{
	static const char type[] = "zen:event-type:ticket.comment_added";
	struct user u = { 0 };
	struct buf b;
	struct json j;
	enum err e;

	if (!flow_event_wanted(cx, type))
		return OK;
	if ((e = user_load(cx, c->author_id, &u)) == E_ABSENT)
		fail_forget(cx);
	else
		TRY(e);
	buf_init(&b, cx->arena, DOC_MAX);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_key(&j, "comment");
	jw_obj(&j);
	jw_key(&j, "author");
	jw_obj(&j);
	put_id(&j, cx, "id", c->author_id);
	jw_kbool(&j, "is_staff", u.role >= ROLE_AGENT);
	jw_kstr(&j, "name", reveal(cx, u.name, TO_SEND));
	jw_end_obj(&j);
	jw_kstr(&j, "body", c->secure ? S("") : reveal(cx, c->body, TO_SEND));
	put_id(&j, cx, "id", c->id);
	jw_kbool(&j, "is_public", c->is_public);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return ticket_event(cx, type, t, buf_str(&b));
}

/* What webhooks may have subscribed to; `old` NULL: it was made. */
static enum err
tell_webhooks(struct ctx *cx, const struct ticket *old, const struct ticket *t, const struct comment *c)
{
	if (old == NULL)
		TRY(ticket_event(cx, "zen:event-type:ticket.created", t, S("{}")));
	if (c != NULL)
		TRY(comment_event(cx, t, c));
	if (old != NULL && old->status != t->status && flow_event_wanted(cx, "zen:event-type:ticket.status_changed"))
		TRY(ticket_event(cx, "zen:event-type:ticket.status_changed", t, str_printf(cx->arena,
		    "{\"current\":\"" STR_F "\",\"previous\":\"" STR_F "\"}", STR_A(upper(cx, status_name(t->status))),
		    STR_A(upper(cx, status_name(old->status))))));
	return old != NULL ? ticket_event(cx, "zen:event-type:ticket.updated", t, S("{}")) : OK;
}

/* A solved request is asked about once it is solved: a link, which rates this ticket and reads nothing. Off by default. */
static enum err
ask_how_it_was(struct ctx *cx, const struct ticket *old, const struct ticket *t)
{
	struct told told = { { 0 }, 0 };
	struct user u;
	str token;

	if (old == NULL || old->status >= TICKET_SOLVED || t->status != TICKET_SOLVED || t->rating_score != 0 || !t->is_public || !flow_mail_on(cx)
	    || cx->sys->base_url == NULL || *cx->sys->base_url == 0 || !gate_setting_bool(cx, "satisfaction_mail", false)
	    || !gate_setting_bool(cx, "customer_satisfaction", true))
		return OK;
	TRY(user_brief(cx, t->requester_id, &u));
	if (u.role != ROLE_END_USER)
		return OK;
	token = link_sign_for(cx, "rating", t->id, t->requester_id, (cx->now + RATING_LINK_FOR) / SECOND * SECOND);
	return tell(cx, &told, t->requester_id, (struct outgoing){ .event = "satisfaction", .ticket_id = t->id, .automatic = true,
	    .link = HIDE(str_printf(cx->arena, "/help/rate/%lld/" STR_F, (long long)t->id, STR_A(token))) });
}

/* ---- both ------------------------------------------------------------------------------------------------------ */

enum err
notify_ticket(struct ctx *cx, const struct ticket *old, const struct ticket *t, const struct comment *c,
    const struct ticket_change *in)
{
	bool created = old == NULL;
	struct told told = { { 0 }, 0 };
	struct outgoing o, staff;
	bool by_requester, automatic = in->inbound != NULL && in->inbound->mail != NULL && in->inbound->mail->kind != MAIL_NORMAL;

	TRY(tell_webhooks(cx, old, t, c));
	if (!in->imported)
		TRY(ask_how_it_was(cx, old, t));
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
	/* A secure message is announced by its own mail (secure.c); nobody gets its words by mail. */
	if (c->secure) {
		o.text = o.subject = staff.text = staff.subject = (sensitive){ 0 };
		told.id[told.count++] = t->requester_id;
	}
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
