/* outbox.c - the table of what is to leave, and every step a message takes in it.
 *
 * Each step is one transaction and one change of `state`; who reads the table
 * after a crash knows from it alone what may have happened (flow.h). Claims
 * are made on the store's writer thread, one after the other, so no message
 * has two senders.
 */
#include "flow/in.h"

#define O_COLS "o.id, o.key_id, o.kind, o.state, o.event, o.cause, o.ticket_id, o.comment_id, o.user_id, o.webhook_id," \
	" o.automatic, o.content, o.attempts, o.uncertain, o.status, o.reason, o.created_at, o.due_at, o.updated_at"
#define O_OUT "iiiitt?i?i?i?i?iiiiit?iii"
enum { C_ID, C_KEY, C_KIND, C_STATE, C_EVENT, C_CAUSE, C_TICKET, C_COMMENT, C_USER, C_WEBHOOK, C_AUTO, C_CONTENT, C_TRIES,
       C_UNCERTAIN, C_STATUS, C_REASON, C_CREATED, C_DUE, C_UPDATED, C_DOC };

static const struct stmt insert = {
	.name = "outbox.insert",
	.sql  = "INSERT INTO outbox (account_id, id, key_id, kind, state, event, cause, ticket_id, comment_id, user_id,"
	        " webhook_id, automatic, content, reason, created_at, due_at, updated_at, to_x, doc) VALUES ($1, $2, $3, $4,"
	        " $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $15, $16, $17)",
	.in   = "iiiiitt?i?i?i?i?iit?iX?S", .seal_in = { { "outbox", "doc", 1 } }, .blind = { "outbox.to" },
};
static const struct stmt get = {
	.name = "outbox.get",
	.sql  = "SELECT " O_COLS ", o.doc FROM outbox o WHERE o.account_id = $1 AND o.id = $2",
	.in   = "ii", .out = O_OUT "S?", .seal_out = { { "outbox", "doc", 0 } },
};
static const struct stmt list_all = {
	.name = "outbox.list",
	.sql  = "SELECT " O_COLS " FROM outbox o WHERE o.account_id = $1 AND o.id < $2 AND o.id > $3 AND ($4 = 0 OR o.kind = $4)"
	        " ORDER BY o.id DESC LIMIT $5",
	.in   = "iiiii", .out = O_OUT,
};
static const struct stmt list_state = {
	.name = "outbox.list_state",
	.sql  = "SELECT " O_COLS " FROM outbox o WHERE o.account_id = $1 AND o.id < $2 AND o.id > $3 AND ($4 = 0 OR o.kind = $4)"
	        " AND o.state = $6 ORDER BY o.id DESC LIMIT $5",
	.in   = "iiiiii", .out = O_OUT,
};
static const struct stmt list_ticket = {
	.name = "outbox.list_ticket",
	.sql  = "SELECT " O_COLS " FROM outbox o WHERE o.account_id = $1 AND o.id < $2 AND o.id > $3 AND ($4 = 0 OR o.kind = $4)"
	        " AND o.ticket_id = $6 AND ($7 = 0 OR o.state = $7) ORDER BY o.id DESC LIMIT $5",
	.in   = "iiiiiii", .out = O_OUT,
};
static const struct stmt list_webhook = {
	.name = "outbox.list_webhook",
	.sql  = "SELECT " O_COLS " FROM outbox o WHERE o.account_id = $1 AND o.webhook_id = $2 AND o.id < $3 ORDER BY o.id DESC LIMIT $4",
	.in   = "iiii", .out = O_OUT,
};
static const struct stmt count_states = {
	.name = "outbox.count",
	.sql  = "SELECT state, count(*) FROM outbox WHERE account_id = $1 AND state IN (1, 2, 3, 4, 6) GROUP BY state",
	.in   = "i", .out = "ii",
};
static const struct stmt recent_to = {
	.name = "outbox.recent_to",
	.sql  = "SELECT count(*) FROM outbox WHERE account_id = $1 AND to_x = $2 AND created_at > $3 AND automatic = 1"
	        " AND event = $4",
	.in   = "iXit", .out = "i", .blind = { "outbox.to" },
};
static const struct stmt next_due = {
	.name = "outbox.next_due",
	.sql  = "SELECT due_at FROM outbox WHERE account_id = $1 AND kind = $2 AND state IN (1, 3) ORDER BY due_at, id LIMIT 1",
	.in   = "ii", .out = "i",
};
static const struct stmt next_one = {
	.name = "outbox.next",
	.sql  = "SELECT id FROM outbox WHERE account_id = $1 AND kind = $2 AND state IN (1, 3) AND due_at <= $3"
	        " ORDER BY due_at, id LIMIT 1",
	.in   = "iii", .out = "i",
};
static const struct stmt claim = {
	.name = "outbox.claim",
	.sql  = "UPDATE outbox SET state = 2, attempts = attempts + 1, stage = CASE WHEN kind = 2 THEN 1 ELSE 0 END,"
	        " reason = NULL, updated_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};
static const struct stmt last_byte = {
	.name = "outbox.last_byte",
	.sql  = "UPDATE outbox SET stage = 1 WHERE account_id = $1 AND id = $2 AND state = 2",
	.in   = "ii",
};
static const struct stmt set_state = {
	.name = "outbox.set_state",
	.sql  = "UPDATE outbox SET state = $3, stage = 0, status = $4, reason = $5, due_at = $6, uncertain = $7, updated_at = $8"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiiit?iii",
};
/* It was not tried: as if it had not been claimed. */
static const struct stmt unclaim = {
	.name = "outbox.unclaim",
	.sql  = "UPDATE outbox SET state = 3, stage = 0, attempts = attempts - 1, reason = $3, due_at = $4, updated_at = $5"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iitii",
};
/* A webhook that pauses: all that waits for it waits with it. */
static const struct stmt defer = {
	.name = "outbox.defer",
	.sql  = "UPDATE outbox SET due_at = $3, reason = $4 WHERE account_id = $1 AND webhook_id = $2 AND state IN (1, 3)"
	        " AND due_at < $3",
	.in   = "iiit",
};
static const struct stmt recover = {
	.name = "outbox.recover",
	.sql  = "UPDATE outbox SET state = 3, uncertain = CASE WHEN stage = 1 THEN 1 ELSE uncertain END, due_at = $2, reason ="
	        " CASE WHEN stage = 1 THEN 'cut off while the answer was awaited; sent again under the same id'"
	        " ELSE 'cut off before its last byte; sent again' END, stage = 0, updated_at = $2"
	        " WHERE account_id = $1 AND state = 2",
	.in   = "ii",
};
static const struct stmt release_held = {
	.name = "outbox.release",
	.sql  = "UPDATE outbox SET state = 1, due_at = $2, reason = NULL, updated_at = $2 WHERE account_id = $1 AND state = 4",
	.in   = "ii",
};
static const struct stmt of_ticket = {
	.name = "outbox.of_ticket",
	.sql  = "SELECT " O_COLS ", o.doc FROM outbox o WHERE o.account_id = $1 AND o.ticket_id = $2 AND o.content = 1"
	        " AND o.doc IS NOT NULL",
	.in   = "ii", .out = O_OUT "S?", .seal_out = { { "outbox", "doc", 0 } },
};
static const struct stmt of_user = {
	.name = "outbox.of_user",
	.sql  = "SELECT " O_COLS " FROM outbox o WHERE o.account_id = $1 AND o.user_id = $2 AND o.doc IS NOT NULL",
	.in   = "ii", .out = O_OUT,
};
static const struct stmt reseal = {
	.name = "outbox.reseal",
	.sql  = "UPDATE outbox SET key_id = $3, content = 0, doc = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiiS", .seal_in = { { "outbox", "doc", 1 } },
};
static const struct stmt empty = {
	.name = "outbox.empty",
	.sql  = "UPDATE outbox SET doc = NULL, content = 0 WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};
static const struct stmt old = {
	.name = "outbox.old",
	.sql  = "SELECT id, key_id, doc IS NULL, state FROM outbox WHERE account_id = $1 AND state >= 5 AND updated_at < $2"
	        " AND (state <> 6 OR updated_at < $3) ORDER BY updated_at, id LIMIT 200",
	.in   = "iii", .out = "iiii",
};
static const struct stmt old_held = {
	.name = "outbox.old_held",
	.sql  = "SELECT id, key_id, doc IS NULL, state FROM outbox WHERE account_id = $1 AND state = 4 AND updated_at < $2"
	        " ORDER BY id LIMIT 200",
	.in   = "ii", .out = "iiii",
};
static const struct stmt delete = {
	.name = "outbox.delete",
	.sql  = "DELETE FROM outbox WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt *const outbox_stmts[] = {
	&insert, &get, &list_all, &list_state, &list_ticket, &list_webhook, &count_states, &recent_to, &next_due, &next_one, &claim,
	&last_byte, &set_state, &unclaim, &defer, &recover, &release_held, &of_ticket, &of_user, &reseal, &empty, &old, &old_held, &delete, NULL
};

static const char *const kinds[] = { NULL, "mail", "webhook" };
static const char *const states[] = { NULL, "queued", "sending", "retry", "held", "sent", "dead", "dropped" };

const char *
flow_kind_name(enum flow_kind k)
{
	return k > 0 && (size_t)k < COUNT(kinds) ? kinds[k] : "?";
}

const char *
flow_state_name(enum flow_state s)
{
	return s > 0 && (size_t)s < COUNT(states) ? states[s] : "?";
}

bool
flow_kind_of(str s, enum flow_kind *out)
{
	for (size_t i = 1; i < COUNT(kinds); i++)
		if (str_eq(s, str_of(kinds[i])))
			return *out = (enum flow_kind)i, true;
	return false;
}

bool
flow_state_of(str s, enum flow_state *out)
{
	for (size_t i = 1; i < COUNT(states); i++)
		if (str_eq(s, str_of(states[i])))
			return *out = (enum flow_state)i, true;
	return false;
}

enum err (*flow_sender)(struct ctx *cx, const struct outgoing *o, struct sender *out);

/* ---- making ------------------------------------------------------------------------------------------------- */

/* What may stand in an SMTP command and a header as it is: one local part, one
 * "@", one host; no blank, control character, bracket, quote or comma. */
bool
address_ok(str a)
{
	size_t at = SIZE_MAX;

	if (a.n < 3 || a.n > 254)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned char c = (unsigned char)a.p[i];
		if (c <= ' ' || c == 127 || strchr("<>()[],;:\\\"", c) != NULL)
			return false;
		if (c == '@') {
			if (at != SIZE_MAX)
				return false;
			at = i;
		}
	}
	return at != SIZE_MAX && at > 0 && at < a.n - 1;
}

static void
put_text(struct buf *b, uint8_t tag, sensitive s)
{
	if (s.hidden.n)
		pack_put(b, tag, s.hidden);
}

static str
doc_of(struct ctx *cx, const struct outgoing *o, const struct sender *from, bool content)
{
	struct buf b;

	buf_init(&b, cx->arena, OUT_DOC_MAX);
	put_text(&b, ODOC_TO, HIDE(str_lower(cx->arena, o->to.hidden)));
	put_text(&b, ODOC_TO_NAME, o->to_name);
	if (content) {
		put_text(&b, ODOC_SUBJECT, o->subject);
		put_text(&b, ODOC_TEXT, o->text);
	}
	put_text(&b, ODOC_LINE, HIDE(str_of(o->line)));
	put_text(&b, ODOC_LINK, o->link);
	put_text(&b, ODOC_REPLY_TO, o->in_reply_to);
	put_text(&b, ODOC_BODY, o->body);
	put_text(&b, ODOC_TYPE, HIDE(str_of(o->event_type)));
	put_text(&b, ODOC_FROM, HIDE(from->from));
	put_text(&b, ODOC_FROM_NAME, HIDE(from->name));
	if (str_eqi(str_sub(from->locale, 0, 2), S("es")))
		pack_put(&b, ODOC_SPANISH, S("1"));
	if (o->check_id)
		pack_int(&b, ODOC_CHECK, o->check_id);
	if (o->staff)
		pack_put(&b, ODOC_STAFF, S("1"));
	return b.over ? S("") : buf_str(&b);
}

enum err
flow_enqueue(struct ctx *cx, const struct outgoing *o, int64_t *out)
{
	enum flow_state state = FLOW_QUEUED;
	const char *reason = NULL;
	struct allowed a = { 0 };
	struct sender from = { .name = S("") };
	bool content = false;
	int64_t id, key;
	struct row r;
	str doc;

	if (out != NULL)
		*out = 0;
	if (cx->tx == NULL)
		return fail(cx, E_FAULT, "outbox", "a message is queued in the transaction that causes it");
	if (o->kind == FLOW_MAIL) {
		bool dead = false, by_staff;
		if (!address_ok(o->to.hidden)) {
			bad(cx, "to", "InvalidFormat", "To: is not an address that mail can go to");
			return bad_check(cx);
		}
		TRY(address_bounced(cx, o->to.hidden, &dead));
		if (dead) {
			state = FLOW_DEAD;
			reason = WHY_BOUNCED;
		}
		/* What staff did themselves, and what staff are told, makes no loop. */
		by_staff = cx->actor != NULL && (cx->actor->role == ROLE_AGENT || cx->actor->role == ROLE_ADMIN);
		if (o->automatic && !o->staff && !by_staff) {
			struct flow_conf conf;
			TRY(flow_conf_get(cx, &conf));
			TRY(store_one(cx, &recent_to, ARGS(INT(cx->account), BLIND(HIDE(str_lower(cx->arena, o->to.hidden))),
			    INT(cx->now - 3600 * SECOND), TEXT(str_of(o->event ? o->event : "message"))), &r));
			if (dead || row_int(&r, 0) >= conf.auto_limit)
				return trail_append(cx, &(struct event){ .action = "outbox.suppress", .object = "ticket",
				    .id = o->ticket_id, .cause = dead ? "address bounced" : "too many automatic mails to one recipient" });
		}
		TRY(destination_for_mail(cx, o->to.hidden, &a));
		/* What is in the way now need not be found out by a sender. */
		if (!dead && (!a.found || !flow_mail_on(cx))) {
			state = FLOW_HELD;
			reason = flow_mail_on(cx) ? WHY_NO_DEST : WHY_NO_RELAY;
		}
		content = a.content && (o->text.hidden.n != 0 || o->subject.hidden.n != 0);
	} else
		content = o->body.hidden.n != 0;
	if (o->kind == FLOW_MAIL && flow_sender != NULL)
		TRY(flow_sender(cx, o, &from));
	doc = doc_of(cx, o, &from, content);
	if (doc.n == 0)
		return fail(cx, E_LIMIT, "body", "a message that leaves has at most 4 MiB");
	TRY(store_next_id(cx, "outbox", &id));
	TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(id), INT(key), INT(o->kind), INT(state),
	    TEXT(str_of(o->event ? o->event : "message")), o->cause ? TEXT(str_of(o->cause)) : NIL, ID(o->ticket_id),
	    ID(o->comment_id), ID(o->user_id), ID(o->webhook_id), INT(o->automatic), INT(content),
	    reason ? TEXT(str_of(reason)) : NIL, INT(cx->now),
	    o->kind == FLOW_MAIL ? BLIND(HIDE(str_lower(cx->arena, o->to.hidden))) : NIL, SEALED(key, HIDE(doc))), NULL));
	if (out != NULL)
		*out = id;
	if (state != FLOW_QUEUED)
		return trail_append(cx, &(struct event){ .action = state == FLOW_HELD ? "outbox.held" : "outbox.dead", .object = "outbox",
		    .id = id, .parent = o->ticket_id, .cause = reason });
	flow_ring(cx, o->kind);
	return OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static void
row_of(const struct row *r, struct outbox_row *o)
{
	*o = (struct outbox_row){ .id = row_int(r, C_ID), .ticket_id = row_int(r, C_TICKET), .comment_id = row_int(r, C_COMMENT),
	    .user_id = row_int(r, C_USER), .webhook_id = row_int(r, C_WEBHOOK), .kind = (enum flow_kind)row_int(r, C_KIND),
	    .state = (enum flow_state)row_int(r, C_STATE), .event = row_str(r, C_EVENT), .cause = row_str(r, C_CAUSE),
	    .reason = row_str(r, C_REASON), .attempts = (int)row_int(r, C_TRIES), .status = (int)row_int(r, C_STATUS),
	    .automatic = row_int(r, C_AUTO) != 0, .content = row_int(r, C_CONTENT) != 0,
	    .uncertain = row_int(r, C_UNCERTAIN) != 0, .created_at = row_int(r, C_CREATED), .due_at = row_int(r, C_DUE),
	    .updated_at = row_int(r, C_UPDATED) };
}

static void
message_of(const struct row *r, struct message *m)
{
	str rest, v;
	uint8_t tag;

	*m = (struct message){ .id = row_int(r, C_ID), .key = row_int(r, C_KEY), .kind = (enum flow_kind)row_int(r, C_KIND),
	    .ticket_id = row_int(r, C_TICKET), .comment_id = row_int(r, C_COMMENT), .user_id = row_int(r, C_USER),
	    .webhook_id = row_int(r, C_WEBHOOK), .attempts = (int)row_int(r, C_TRIES), .automatic = row_int(r, C_AUTO) != 0,
	    .content = row_int(r, C_CONTENT) != 0, .uncertain = row_int(r, C_UNCERTAIN) != 0, .created_at = row_int(r, C_CREATED),
	    .event = row_str(r, C_EVENT), .cause = row_str(r, C_CAUSE) };
	for (rest = row_sensitive(r, C_DOC).hidden; pack_next(&rest, &tag, &v);)
		switch (tag) {
		case ODOC_TO:         m->to = v; break;
		case ODOC_TO_NAME:    m->to_name = v; break;
		case ODOC_SUBJECT:    m->subject = v; break;
		case ODOC_TEXT:       m->text = v; break;
		case ODOC_LINE:       m->line = v; break;
		case ODOC_LINK:       m->link = v; break;
		case ODOC_REPLY_TO:   m->in_reply_to = v; break;
		case ODOC_STAFF:      m->staff = true; break;
		case ODOC_FROM:       m->from = v; break;
		case ODOC_FROM_NAME:  m->from_name = v; break;
		case ODOC_SPANISH:    m->spanish = true; break;
		case ODOC_CHECK:      m->check_id = pack_get_int(v); break;
		case ODOC_BODY:       m->body = v; break;
		case ODOC_TYPE:       m->event_type = v; break;
		default: break;
		}
}

enum err
flow_list(struct ctx *cx, const struct outbox_filter *f, struct outbox_row **out, int *count)
{
	int64_t below = f->before_id ? f->before_id : INT64_MAX;
	struct rows rs;

	if (f->ticket_id)
		TRY(store_all(cx, &list_ticket, ARGS(INT(cx->account), INT(below), INT(f->after_id), INT(f->kind), INT(f->limit),
		    INT(f->ticket_id), INT(f->state)), &rs));
	else if (f->state)
		TRY(store_all(cx, &list_state, ARGS(INT(cx->account), INT(below), INT(f->after_id), INT(f->kind), INT(f->limit),
		    INT(f->state)), &rs));
	else
		TRY(store_all(cx, &list_all, ARGS(INT(cx->account), INT(below), INT(f->after_id), INT(f->kind), INT(f->limit)), &rs));
	*out = NEW(cx->arena, struct outbox_row, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		row_of(&rs.row[i], &(*out)[i]);
	*count = rs.count;
	return OK;
}

enum err
flow_invocations(struct ctx *cx, int64_t webhook_id, int64_t before_id, int limit, struct outbox_row **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &list_webhook, ARGS(INT(cx->account), INT(webhook_id), INT(before_id ? before_id : INT64_MAX), INT(limit)), &rs));
	*out = NEW(cx->arena, struct outbox_row, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		row_of(&rs.row[i], &(*out)[i]);
	*count = rs.count;
	return OK;
}

enum err
flow_get(struct ctx *cx, int64_t id, struct outbox_row *out)
{
	struct message m;
	struct row r;

	TRY(store_one(cx, &get, ARGS(INT(cx->account), INT(id)), &r));
	row_of(&r, out);
	out->erased = row_null(&r, C_DOC) || row_erased(&r, C_DOC);
	message_of(&r, &m);
	out->to = HIDE(m.to);
	out->subject = HIDE(m.subject);
	out->text = HIDE(m.text);
	out->body = HIDE(m.body);
	return OK;
}

enum err
flow_count(struct ctx *cx, struct flow_counts *out)
{
	struct rows rs;

	*out = (struct flow_counts){ 0 };
	TRY(store_all(cx, &count_states, ARGS(INT(cx->account)), &rs));
	for (int i = 0; i < rs.count; i++)
		if (row_int(&rs.row[i], 0) > 0 && row_int(&rs.row[i], 0) <= FLOW_DROPPED)
			out->of[row_int(&rs.row[i], 0)] = row_int(&rs.row[i], 1);
	return OK;
}

/* ---- a person's steps ----------------------------------------------------------------------------------------- */

struct step { int64_t id; bool again; };

static enum err
trail_outbox(struct ctx *cx, const char *action, const struct outbox_row *o, const char *cause)
{
	return trail_append(cx, &(struct event){ .action = action, .object = "outbox", .id = o->id, .parent = o->ticket_id,
	    .cause = cause });
}

static enum err
retry_tx(struct ctx *cx, void *arg)
{
	const struct step *s = arg;
	struct outbox_row o;

	TRY(flow_get(cx, s->id, &o));
	if (o.erased)
		return fail(cx, E_CONFLICT, NULL, "its content was destroyed, so it cannot be sent any more");
	if (o.state == FLOW_SENDING)
		return fail(cx, E_CONFLICT, NULL, "it is being sent at this moment");
	if (o.state == FLOW_DROPPED || (o.state == FLOW_SENT && !s->again))
		return fail(cx, E_CONFLICT, NULL, o.state == FLOW_SENT ? "it was sent already; ask for it again expressly" : "it was dropped");
	if (o.kind == FLOW_MAIL)
		TRY(address_unbounce(cx, o.to.hidden));
	TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(o.id), INT(FLOW_QUEUED), INT(o.status), NIL, INT(cx->now),
	    INT(o.uncertain), INT(cx->now)), NULL));
	flow_ring(cx, o.kind);
	return trail_outbox(cx, "outbox.retry", &o, flow_state_name(o.state));
}

enum err
flow_retry(struct ctx *cx, int64_t id, bool again)
{
	return store_write(cx, retry_tx, &(struct step){ id, again });
}

static enum err
destroy(struct ctx *cx, int64_t id, int64_t key)
{
	TRY(store_exec(cx, &empty, ARGS(INT(cx->account), INT(id)), NULL));
	return store_key_destroy(cx, key);
}

static enum err
drop_tx(struct ctx *cx, void *arg)
{
	const struct step *s = arg;
	struct outbox_row o;
	struct row r;

	TRY(flow_get(cx, s->id, &o));
	if (o.state == FLOW_SENDING)
		return fail(cx, E_CONFLICT, NULL, "it is being sent at this moment");
	if (o.state == FLOW_SENT || o.state == FLOW_DROPPED)
		return fail(cx, E_CONFLICT, NULL, o.state == FLOW_SENT ? "it was sent already" : "it was dropped already");
	TRY(store_one(cx, &get, ARGS(INT(cx->account), INT(s->id)), &r));
	TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(o.id), INT(FLOW_DROPPED), INT(o.status),
	    TEXT(S("dropped by a person")), INT(cx->now), INT(o.uncertain), INT(cx->now)), NULL));
	if (!row_null(&r, C_DOC))
		TRY(destroy(cx, o.id, row_int(&r, C_KEY)));
	return trail_outbox(cx, "outbox.drop", &o, flow_state_name(o.state));
}

enum err
flow_drop(struct ctx *cx, int64_t id)
{
	TRY(store_write(cx, drop_tx, &(struct step){ id, false }));
	return store_erase(cx);
}

enum err
flow_forget_ticket(struct ctx *cx, int64_t ticket_id)
{
	struct rows rs;

	TRY(store_all(cx, &of_ticket, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		enum flow_state state = (enum flow_state)row_int(r, C_STATE);
		struct message m;
		struct outgoing o;
		struct sender from;
		int64_t key;

		message_of(r, &m);
		if (state >= FLOW_SENT || row_erased(r, C_DOC)) {
			TRY(destroy(cx, m.id, m.key));
			continue;
		}
		if (m.kind == FLOW_WEBHOOK) {
			TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(m.id), INT(FLOW_DROPPED), INT(row_int(r, C_STATUS)),
			    TEXT(S("the ticket was redacted, and what was to be sent of it destroyed")), INT(cx->now),
			    INT(m.uncertain), INT(cx->now)), NULL));
			TRY(destroy(cx, m.id, m.key));
			continue;
		}
		/* Subject and text go, the notice that something is there stays. */
		o = (struct outgoing){ .kind = m.kind, .to = HIDE(m.to), .to_name = HIDE(m.to_name), .link = HIDE(m.link),
		    .line = str_z(cx->arena, m.line), .in_reply_to = HIDE(m.in_reply_to), .staff = m.staff, .check_id = m.check_id };
		from = (struct sender){ .from = m.from, .name = m.from_name, .locale = m.spanish ? S("es") : S("") };
		TRY(store_key_new(cx, &key));
		TRY(store_exec(cx, &reseal, ARGS(INT(cx->account), INT(m.id), INT(key), SEALED(key, HIDE(doc_of(cx, &o, &from, false)))), NULL));
		TRY(store_key_destroy(cx, m.key));
	}
	return OK;
}

enum err
flow_forget_user(struct ctx *cx, int64_t user_id, sensitive address)
{
	struct rows rs;

	TRY(store_all(cx, &of_user, ARGS(INT(cx->account), INT(user_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		if (row_int(r, C_STATE) < FLOW_SENT)
			TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(row_int(r, C_ID)), INT(FLOW_DROPPED), INT(row_int(r, C_STATUS)),
			    TEXT(S("its recipient was erased")), INT(cx->now), INT(row_int(r, C_UNCERTAIN)), INT(cx->now)), NULL));
		TRY(destroy(cx, row_int(r, C_ID), row_int(r, C_KEY)));
	}
	return address.hidden.n ? address_unbounce(cx, address.hidden) : OK;
}

/* ---- a sender's steps ------------------------------------------------------------------------------------------- */

/* base * 2^(n-1), at most four hours, times 0.8 to 1.2. */
usec
flow_backoff(usec base, int attempts, unsigned random)
{
	const usec most = (usec)4 * 3600 * SECOND;
	usec w = base > 0 ? base : SECOND;

	for (int i = 1; i < attempts && w < most; i++)
		w *= 2;
	if (w > most)
		w = most;
	return w / 1000 * (800 + (usec)(random % 401));
}

enum err
outbox_next_due(struct ctx *cx, enum flow_kind kind, usec *due)
{
	struct row r;

	TRY(store_one(cx, &next_due, ARGS(INT(cx->account), INT(kind)), &r));
	*due = row_int(&r, 0);
	return OK;
}

struct claiming { enum flow_kind kind; struct message m; };

static enum err
claim_tx(struct ctx *cx, void *arg)
{
	struct claiming *c = arg;
	struct row r;

	TRY(store_one(cx, &next_one, ARGS(INT(cx->account), INT(c->kind), INT(cx->now)), &r));
	TRY(store_exec(cx, &claim, ARGS(INT(cx->account), INT(row_int(&r, 0)), INT(cx->now)), NULL));
	TRY(store_one(cx, &get, ARGS(INT(cx->account), INT(row_int(&r, 0))), &r));
	message_of(&r, &c->m);
	return OK;
}

enum err
outbox_claim(struct ctx *cx, enum flow_kind kind, struct message *out)
{
	struct claiming c = { .kind = kind };

	TRY(store_write(cx, claim_tx, &c));
	*out = c.m;
	return OK;
}

static enum err
last_byte_tx(struct ctx *cx, void *arg)
{
	return store_exec(cx, &last_byte, ARGS(INT(cx->account), INT(*(int64_t *)arg)), NULL);
}

enum err
outbox_last_byte(struct ctx *cx, int64_t id)
{
	return store_write(cx, last_byte_tx, &id);
}

struct settling { const struct message *m; const struct outcome *o; };

static enum err
settle_tx(struct ctx *cx, void *arg)
{
	const struct settling *s = arg;
	const struct message *m = s->m;
	const struct outcome *o = s->o;
	struct flow_conf conf;
	enum flow_state state = FLOW_SENT;
	const char *action = m->kind == FLOW_MAIL ? "mail.sent" : "webhook.sent", *reason = o->reason;
	bool uncertain = m->uncertain || o->uncertain, gave_up;
	usec due = cx->now, base;
	struct trail_field f[2];
	int n = 0;

	if (o->paused_until) {
		TRY(store_exec(cx, &unclaim, ARGS(INT(cx->account), INT(m->id), TEXT(str_of(o->reason)), INT(o->paused_until),
		    INT(cx->now)), NULL));
		return m->webhook_id == 0 || o->paused_until <= cx->now ? OK : store_exec(cx, &defer, ARGS(INT(cx->account),
		    INT(m->webhook_id), INT(o->paused_until), TEXT(str_of(o->reason))), NULL);
	}
	TRY(flow_conf_get(cx, &conf));
	base = (m->kind == FLOW_MAIL ? conf.retry_seconds : conf.webhook_retry_seconds) * SECOND;
	switch (o->what) {
	case TRIED_SENT:
		uncertain = m->uncertain;
		break;
	case TRIED_HOLD:
		state = FLOW_HELD;
		action = "outbox.held";
		break;
	case TRIED_NEVER:
		state = FLOW_DEAD;
		action = "outbox.dead";
		break;
	case TRIED_LATER:
		due += flow_backoff(base, m->attempts, (unsigned)rand_u64());
		if (due < cx->now + o->wait_for)
			due = cx->now + o->wait_for;
		gave_up = m->kind == FLOW_MAIL ? due > m->created_at + conf.give_up_hours * 3600 * SECOND
		    : m->attempts >= conf.webhook_tries;
		state = gave_up ? FLOW_DEAD : FLOW_RETRY;
		action = "outbox.dead";
		break;
	}
	TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(m->id), INT(state), INT(o->status),
	    reason ? TEXT(str_of(reason)) : NIL, INT(due), INT(uncertain), INT(cx->now)), NULL));
	if (m->kind == FLOW_WEBHOOK && o->what != TRIED_HOLD)
		TRY(attempt_save(cx, m, o, state != FLOW_RETRY));
	if (state == FLOW_RETRY)
		return OK;
	if (state == FLOW_SENT) {
		/* The record of a disclosure: to whom, and whether with what a person wrote. */
		if (m->user_id != 0)
			f[n++] = (struct trail_field){ .name = "user_id", .has_after = true,
			    .after = HIDE(str_printf(cx->arena, "%lld", (long long)m->user_id)) };
		else if (m->to.n)
			f[n++] = (struct trail_field){ .name = "to", .after = HIDE(m->to), .has_after = true };
		f[n++] = (struct trail_field){ .name = "content", .has_after = true,
		    .after = HIDE(m->content && !o->masked ? S("full") : S("none")) };
	}
	return trail_append(cx, &(struct event){ .action = action, .object = "outbox", .id = m->id, .parent = m->ticket_id,
	    .field = f, .count = n, .cause = m->cause.n ? str_z(cx->arena, m->cause) : reason });
}

enum err
outbox_settle(struct ctx *cx, const struct message *m, const struct outcome *o)
{
	return store_write(cx, settle_tx, &(struct settling){ m, o });
}

static enum err
recover_tx(struct ctx *cx, void *arg)
{
	int64_t n;

	(void)arg;
	TRY(store_exec(cx, &recover, ARGS(INT(cx->account), INT(cx->now)), &n));
	return n == 0 ? OK : trail_append(cx, &(struct event){ .action = "outbox.recover", .object = "outbox", .id = 0,
	    .cause = str_z(cx->arena, str_printf(cx->arena, "messages:%lld", (long long)n)) });
}

enum err
outbox_recover(struct ctx *cx)
{
	return store_write(cx, recover_tx, NULL);
}

enum err
outbox_release(struct ctx *cx)
{
	TRY(store_exec(cx, &release_held, ARGS(INT(cx->account), INT(cx->now)), NULL));
	flow_ring(cx, FLOW_MAIL);
	flow_ring(cx, FLOW_WEBHOOK);
	return OK;
}

enum err
outbox_came_back(struct ctx *cx, int64_t id)
{
	struct outbox_row o;

	TRY(flow_get(cx, id, &o));
	if (o.state == FLOW_SENT)
		TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(id), INT(FLOW_DEAD), INT(o.status),
		    TEXT(S("it came back: the receiving server could not deliver it")), INT(cx->now), INT(o.uncertain), INT(cx->now)), NULL));
	return trail_outbox(cx, "outbox.bounced", &o, NULL);
}

/* ---- what is long done -------------------------------------------------------------------------------------------- */

/* What was sent and dropped, what nobody cared for as dead letter, and what was held for as long as that. */
static enum err
long_done(struct ctx *cx, struct rows *done, struct rows *held)
{
	struct flow_conf conf;

	TRY(flow_conf_get(cx, &conf));
	TRY(store_all(cx, &old, ARGS(INT(cx->account), INT(cx->now - conf.keep_days * DAY), INT(cx->now - conf.dead_days * DAY)), done));
	return store_all(cx, &old_held, ARGS(INT(cx->account), INT(cx->now - conf.dead_days * DAY)), held);
}

static enum err
clean_tx(struct ctx *cx, void *arg)
{
	bool *more = arg;
	struct rows lists[2];
	int n = 0;

	TRY(long_done(cx, &lists[0], &lists[1]));
	for (int l = 0; l < 2; l++)
		for (int i = 0; i < lists[l].count; i++, n++) {
			const struct row *r = &lists[l].row[i];
			if (row_int(r, 2) == 0)
				TRY(store_key_destroy(cx, row_int(r, 1)));
			TRY(attempts_forget(cx, row_int(r, 0)));
			TRY(store_exec(cx, &delete, ARGS(INT(cx->account), INT(row_int(r, 0))), NULL));
		}
	*more = lists[0].count == 200 || lists[1].count == 200;
	return n == 0 ? OK : trail_append(cx, &(struct event){ .action = "outbox.expire", .object = "outbox", .id = 0,
	    .cause = str_z(cx->arena, str_printf(cx->arena, "messages:%d", n)) });
}

enum err
outbox_clean(struct ctx *cx, bool *more)
{
	struct rows done, held;

	*more = false;
	TRY(long_done(cx, &done, &held));
	if (done.count + held.count == 0)
		return OK;
	TRY(store_write(cx, clean_tx, more));
	return store_erase(cx);
}
