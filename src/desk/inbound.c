/* inbound.c - from a raw message to exactly one ticket, comment or suspended ticket.
 *
 * The bytes are parsed in the sandbox first, which changes nothing; then one
 * transaction keeps the raw mail sealed together with what became of it. A
 * crash before the commit leaves nothing and the sender's server tries again;
 * a crash after it is met by the unique keyed hash of the bytes (without the
 * trace headers that each delivery adds), and the second delivery is seen as
 * a duplicate. A message that cannot be used is kept as a suspended ticket
 * with its cause, never dropped.
 *
 * Threads: a signed address "anything+t35-0123456789abcdef@host" among the
 * recipients, else In-Reply-To, else References from the newest on (RFC 5322
 * 3.6.4). A known thread alone lets nobody in: the sender must be the
 * requester, a CC or an agent who may see the ticket; others are suspended
 * with the ticket they aimed at.
 */
#include "desk/in.h"
#include "flow/flow.h"

static const struct stmt insert_raw = {
	.name = "raw_mail.insert",
	.sql  = "INSERT INTO raw_mail (account_id, id, key_id, ticket_id, comment_id, suspended_id, size, received_at,"
	        " message_x, content_x, message_doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	.in   = "iiii?i?i?iiX?bS?", .seal_in = { { "raw_mail", "message_doc", 1 } },
	.blind = { "raw_mail.message" },
};

static const struct stmt insert_raw_chunk = {
	.name = "raw_mail_chunk.insert",
	.sql  = "INSERT INTO raw_mail_chunk (account_id, raw_id, n, body) VALUES ($1, $2, $3, $4)",
	.in   = "iiiS", .seal_in = { { "raw_mail_chunk", "body", 1 } },
};

static const struct stmt claim_raw = {
	.name = "raw_mail.claim",
	.sql  = "UPDATE raw_mail SET ticket_id = $3, comment_id = $4, suspended_id = NULL WHERE account_id = $1 AND id = $2",
	.in   = "iiii",
};

static const struct stmt raw_chunks = {
	.name = "raw_mail_chunk.all",
	.sql  = "SELECT raw_id, body FROM raw_mail_chunk WHERE account_id = $1 AND raw_id = $2 ORDER BY n",
	.in   = "ii", .out = "iS", .seal_out = { { "raw_mail_chunk", "body", 0 } },
};

static const struct stmt delete_raw_chunks = {
	.name = "raw_mail_chunk.delete",
	.sql  = "DELETE FROM raw_mail_chunk WHERE account_id = $1 AND raw_id = $2",
	.in   = "ii",
};

static const struct stmt raw_key = {
	.name = "raw_mail.key",
	.sql  = "SELECT id, key_id FROM raw_mail WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "ii",
};

static const struct stmt raw_of_ticket = {
	.name = "raw_mail.of_ticket",
	.sql  = "SELECT r.id, r.key_id FROM raw_mail r WHERE r.account_id = $1 AND r.id IN"
	        " (SELECT c.raw_id" OF_TICKET("c", "$2") " AND c.raw_id IS NOT NULL)",
	.in   = "ii", .out = "ii",
};

static const struct stmt by_content = {
	.name = "raw_mail.by_content",
	.sql  = "SELECT id, ticket_id, suspended_id FROM raw_mail WHERE account_id = $1 AND content_x = $2",
	.in   = "ib", .out = "ii?i?",
};

static const struct stmt by_message = {
	.name = "raw_mail.by_message",
	.sql  = "SELECT id, ticket_id FROM raw_mail WHERE account_id = $1 AND message_x = $2 ORDER BY id LIMIT 1",
	.in   = "iX", .out = "ii?", .blind = { "raw_mail.message" },
};

static const struct stmt thread_of = {
	.name = "raw_mail.thread",
	.sql  = "SELECT ticket_id FROM raw_mail WHERE account_id = $1 AND message_x = $2 AND ticket_id IS NOT NULL"
	        " ORDER BY id LIMIT 1",
	.in   = "iX", .out = "i", .blind = { "raw_mail.message" },
};

#define S_COLS "s.id, s.key_id, s.raw_id, s.ticket_id, s.cause_id, s.created_at, s.updated_at, s.doc"
#define S_OUT "iiii?iiiS"
#define S_SEAL { { "suspended_ticket", "doc", 0 } }

static const struct stmt insert_suspended = {
	.name = "suspended_ticket.insert",
	.sql  = "INSERT INTO suspended_ticket (account_id, id, key_id, raw_id, ticket_id, cause_id, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	.in   = "iiiii?iiiS", .seal_in = { { "suspended_ticket", "doc", 1 } },
};

static const struct stmt insert_refusal = {
	.name = "mail_refusal.insert",
	.sql  = "INSERT INTO mail_refusal (account_id, id, at, reason) VALUES ($1, $2, $3, $4)",
	.in   = "iiit",
};

static const struct stmt list_suspended = {
	.name = "suspended_ticket.list",
	.sql  = "SELECT " S_COLS " FROM suspended_ticket s WHERE s.account_id = $1 AND s.id > $2 ORDER BY s.id"
	        " LIMIT $3 OFFSET $4",
	.in   = "iiii", .out = S_OUT, .seal_out = S_SEAL,
};

static const struct stmt get_suspended = {
	.name = "suspended_ticket.get",
	.sql  = "SELECT " S_COLS " FROM suspended_ticket s WHERE s.account_id = $1 AND s.id = $2",
	.in   = "ii", .out = S_OUT, .seal_out = S_SEAL,
};

static const struct stmt drop_suspended = {
	.name = "suspended_ticket.delete",
	.sql  = "DELETE FROM suspended_ticket WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt *const inbound_stmts[] = {
	&insert_raw, &insert_raw_chunk, &claim_raw, &raw_chunks, &delete_raw_chunks, &raw_key, &raw_of_ticket, &by_content,
	&by_message, &thread_of, &insert_suspended, &insert_refusal, &list_suspended, &get_suspended, &drop_suspended, NULL
};

enum cause {
	C_AUTOMATIC = 1, C_BOUNCE, C_BULK, C_LOOP, C_NO_SENDER, C_NOT_MAIL, C_GAVE_UP, C_TOO_LARGE, C_SAME_ID,
	C_STRANGER, C_SENDER_SUSPENDED, C_REFUSED, C_HELD = CAUSE_HELD,
};
static const char *const causes[] = {
	[C_AUTOMATIC] = "Automated response mail", [C_BOUNCE] = "Mail delivery failure notice",
	[C_BULK] = "Mailing list or bulk mail", [C_LOOP] = "Mail loop", [C_NO_SENDER] = "No usable sender address",
	[C_NOT_MAIL] = "Not an e-mail message", [C_GAVE_UP] = "The message could not be read safely",
	[C_TOO_LARGE] = "The message is too large", [C_SAME_ID] = "Another message with this Message-ID came before",
	[C_STRANGER] = "Sender is not part of the ticket it answers", [C_SENDER_SUSPENDED] = "Sender is suspended",
	[C_REFUSED] = "The message breaks a rule for tickets", [C_HELD] = CAUSE_HELD_WORDS,
};

/* ---- raw mail ---------------------------------------------------------------------------------------------- */

/* The message without the headers that a delivery adds (RFC 5321 4.4), so
 * that a second delivery of the same message has the same bytes. */
static str
content_of(struct arena *a, str raw)
{
	static const char *const trace[] = { "received:", "return-path:", "delivered-to:", "x-original-to:", "envelope-to:",
	    "x-received:", "from " };
	struct buf b;
	str rest = raw;
	bool skip = false;

	buf_init(&b, a, raw.n);
	(void)buf_room(&b, raw.n);               /* at once: a buffer that grows leaves its copies behind */
	b.n = 0;
	while (rest.n) {
		str before = rest, line = str_cut(&rest, '\n');
		size_t whole = before.n - rest.n;
		if (str_trim(line).n == 0) {
			buf_add(&b, before);
			break;
		}
		if (line.p[0] != ' ' && line.p[0] != '\t') {
			skip = false;
			for (size_t i = 0; i < COUNT(trace); i++)
				skip = skip || str_eqi(str_sub(line, 0, strlen(trace[i])), str_of(trace[i]));
		}
		if (!skip)
			buf_add(&b, str_sub(before, 0, whole));
	}
	return buf_str(&b);
}

static enum err
content_hash(struct ctx *cx, str raw, unsigned char out[16])
{
	CLEANUP(arena_free) struct arena *a = arena_new();

	return store_blind(cx, "raw_mail.content", content_of(a, raw), out);
}

/* What sealing makes of a chunk is gone before the next one. */
static enum err
raw_chunks_put(struct ctx *cx, int64_t raw_id, int64_t key, str bytes)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	struct arena *own = cx->arena;
	enum err e = OK;

	cx->arena = scratch;
	for (size_t at = 0, n = 0; at < bytes.n && e == OK; at += CHUNK, n++) {
		e = store_exec(cx, &insert_raw_chunk, ARGS(INT(cx->account), INT(raw_id), INT((int64_t)n),
		    SEALED(key, HIDE(str_sub(bytes, at, CHUNK)))), NULL);
		arena_reset(scratch);
	}
	cx->arena = own;
	return e;
}

enum err
raw_mail_save(struct ctx *cx, const struct inbound *in, int64_t ticket_id, int64_t comment_id, int64_t suspended_id,
    int64_t *raw_id)
{
	str id = in->mail ? in->mail->message_id : S("");
	unsigned char content[16];
	int64_t key;

	if (in->raw_id != 0) {
		*raw_id = in->raw_id;
		return store_exec(cx, &claim_raw, ARGS(INT(cx->account), INT(in->raw_id), INT(ticket_id), INT(comment_id)), NULL);
	}
	TRY(content_hash(cx, in->raw, content));
	TRY(store_next_id(cx, "raw_mail", raw_id));
	TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &insert_raw, ARGS(INT(cx->account), INT(*raw_id), INT(key), ID(ticket_id), ID(comment_id),
	    ID(suspended_id), INT((int64_t)in->raw.n), INT(cx->now), id.n ? BLIND(HIDE(id)) : NIL,
	    BYTES(((str){ (char *)content, sizeof content })), id.n ? SEALED(key, HIDE(id)) : NIL), NULL));
	return raw_chunks_put(cx, *raw_id, key, in->kept.n ? in->kept : in->raw);
}

/* The bytes and their key go; the row stays, so that answers still find their
 * ticket and a second delivery is still known. A negative id: all raw mail of
 * that ticket. */
enum err
raw_mail_erase(struct ctx *cx, int64_t raw_id)
{
	struct rows rs;

	TRY(store_all(cx, raw_id < 0 ? &raw_of_ticket : &raw_key, ARGS(INT(cx->account), INT(raw_id < 0 ? -raw_id : raw_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		TRY(store_exec(cx, &delete_raw_chunks, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0))), NULL));
		TRY(store_key_destroy(cx, row_int(&rs.row[i], 1)));
	}
	return OK;
}

static enum err
raw_add(struct ctx *cx, const struct row *r, void *arg)
{
	buf_add(arg, reveal(cx, row_sensitive(r, 1), TO_STORE));
	return OK;
}

static enum err
raw_load(struct ctx *cx, int64_t raw_id, str *raw)
{
	struct buf b;

	buf_init(&b, cx->arena, MAIL_MAX + 1 * MiB);
	TRY(store_each(cx, &raw_chunks, ARGS(INT(cx->account), INT(raw_id)), raw_add, &b));
	*raw = buf_str(&b);
	return b.n ? OK : fail(cx, E_ABSENT, NULL, "the raw message is gone");
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

static enum err
ticket_of_message(struct ctx *cx, str message_id, int64_t *ticket_id)
{
	struct row r;
	enum err e;

	if (message_id.n == 0)
		return OK;
	/* The Message-IDs of what we sent carry the same mark. */
	TRY(flow_marked(cx, 't', message_id, ticket_id));
	if (*ticket_id != 0)
		return OK;
	if ((e = store_one(cx, &thread_of, ARGS(INT(cx->account), BLIND(HIDE(message_id))), &r)) == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	*ticket_id = row_int(&r, 0);
	return OK;
}

static enum err
find_thread(struct ctx *cx, const struct mail *m, str rcpt, int64_t *ticket_id)
{
	*ticket_id = 0;
	TRY(flow_marked(cx, 't', rcpt, ticket_id));
	for (int i = 0; i < m->to_count && *ticket_id == 0; i++)
		TRY(flow_marked(cx, 't', m->to[i].addr, ticket_id));
	if (*ticket_id == 0)
		TRY(ticket_of_message(cx, m->in_reply_to, ticket_id));
	for (int i = m->reference_count - 1; i >= 0 && *ticket_id == 0; i--)
		TRY(ticket_of_message(cx, m->references[i], ticket_id));
	return OK;
}

/* ---- suspending ------------------------------------------------------------------------------------------------ */

struct suspend {
	const struct inbound *in;
	enum cause cause;
	int64_t ticket_id, id;
	str rcpt;
};

static enum err
suspend_tx(struct ctx *cx, void *arg)
{
	struct suspend *s = arg;
	const struct mail *m = s->in->mail;
	int64_t raw_id, key;
	struct buf b;
	str content;

	TRY(store_next_id(cx, "suspended_ticket", &s->id));
	TRY(store_key_new(cx, &key));
	TRY(raw_mail_save(cx, s->in, 0, 0, s->id, &raw_id));
	content = m ? m->text : utf8_mend(cx->arena, str_sub(s->in->kept.n ? s->in->kept : s->in->raw, 0, 16 * KiB));
	buf_init(&b, cx->arena, DOC_MAX);
	if (m != NULL) {
		pack_put(&b, SDOC_NAME, m->from.name);
		pack_put(&b, SDOC_ADDRESS, m->from.addr);
		pack_put(&b, SDOC_SUBJECT, m->subject);
		pack_put(&b, SDOC_MESSAGE_ID, m->message_id);
	}
	pack_put(&b, SDOC_CONTENT, content);
	pack_put(&b, SDOC_RECIPIENT, s->rcpt);
	TRY(store_exec(cx, &insert_suspended, ARGS(INT(cx->account), INT(s->id), INT(key), INT(raw_id), ID(s->ticket_id),
	    INT(s->cause), INT(cx->now), INT(cx->now), SEALED(key, HIDE(buf_str(&b)))), NULL));
	TRY(desk_counter_add(cx, "suspended", 1));
	return trail_append(cx, &(struct event){ .action = "suspended_ticket.create", .object = "suspended_ticket",
	    .id = s->id, .parent = s->ticket_id, .cause = causes[s->cause] });
}

static enum cause
cause_of_kind(enum mail_kind k)
{
	switch (k) {
	case MAIL_AUTO_REPLY: return C_AUTOMATIC;
	case MAIL_BOUNCE:     return C_BOUNCE;
	case MAIL_BULK:       return C_BULK;
	case MAIL_LOOP:       return C_LOOP;
	default:              return (enum cause)0;
	}
}

/* ---- refusing ---------------------------------------------------------------------------------------------------- */

enum err (*desk_on_mail_refused)(struct ctx *cx, const struct refusal *r);

/* Nothing of the message is kept: not its words, not its sender. */
static enum err
refuse_tx(struct ctx *cx, void *arg)
{
	struct refusal *r = arg;

	TRY(store_next_id(cx, "mail_refusal", &r->id));
	TRY(store_exec(cx, &insert_refusal, ARGS(INT(cx->account), INT(r->id), INT(cx->now), TEXT(r->reason)), NULL));
	TRY(trail_append(cx, &(struct event){ .action = "mail.refuse", .object = "mail_refusal", .id = r->id,
	    .cause = str_z(cx->arena, r->reason) }));
	return desk_on_mail_refused != NULL ? desk_on_mail_refused(cx, r) : OK;
}

/* What the policy refused, in words for the sender; "" when that was not the reason. */
static str
refused_why(struct ctx *cx)
{
	struct buf b;

	buf_init(&b, cx->arena, 4 * KiB);
	for (struct bad_field *f = cx->bad; f != NULL; f = f->next)
		if (strcmp(f->error, "PolicyBlocked") == 0)
			buf_fmt(&b, "%s%s", b.n ? ". " : "", f->why);
	return buf_str(&b);
}

/* ---- intake ------------------------------------------------------------------------------------------------------ */

static str
via_of(struct ctx *cx, const struct mail *m, str rcpt)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, 64 * KiB);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_key(&j, "from");
	jw_obj(&j);
	jw_kstr(&j, "address", m->from.addr);
	jw_kstr(&j, "name", m->from.name);
	jw_end_obj(&j);
	jw_key(&j, "to");
	jw_obj(&j);
	jw_kstr(&j, "address", rcpt.n ? rcpt : m->to_count ? m->to[0].addr : S(""));
	jw_knull(&j, "name");
	jw_end_obj(&j);
	jw_knull(&j, "rel");
	jw_end_obj(&j);
	return buf_str(&b);
}

static void
change_of(struct ctx *cx, const struct inbound *in, str rcpt, bool reply, struct ticket_change *ch)
{
	const struct mail *m = in->mail;
	str text = str_trim(m->text);
	int n = 0;

	*ch = (struct ticket_change){ .has = T_COMMENT, .channel = "email", .inbound = in,
	    .via_source_json = via_of(cx, m, rcpt), .html = HIDE(m->html), .released = in->raw_id != 0 };
	if (!reply && str_trim(m->quoted).n)
		text = str_printf(cx->arena, STR_F "\n\n" STR_F, STR_A(text), STR_A(str_trim(m->quoted)));
	if (text.n == 0)
		text = str_trim(m->quoted);
	if (text.n == 0)
		text = m->attachment_count ? S("(no text, see attachments)") : S("(empty message)");
	ch->body = HIDE(str_sub(text, 0, utf8_floor(text, text.n < BODY_MAX ? text.n : BODY_MAX)));
	ch->upload = NEW(cx->arena, struct upload, m->attachment_count ? m->attachment_count : 1);
	for (int i = 0; i < m->attachment_count; i++)
		ch->upload[ch->upload_count++] = (struct upload){ .file_name = m->attachment[i].file_name,
		    .content_type = m->attachment[i].content_type, .content_id = m->attachment[i].content_id,
		    .bytes = m->attachment[i].bytes, .is_inline = m->attachment[i].is_inline };
	if (reply)
		return;
	ch->has |= T_SUBJECT | T_REQUESTER | T_RECIPIENT;
	ch->subject = HIDE(m->subject.n ? m->subject : S("(no subject)"));
	ch->requester_name = HIDE(m->from.name.n ? m->from.name : m->from.addr);
	ch->requester_email = HIDE(m->from.addr);
	ch->recipient = HIDE(rcpt.n ? rcpt : m->to_count ? m->to[0].addr : S(""));
	ch->cc = NEW(cx->arena, struct cc_change, m->cc_count ? m->cc_count : 1);
	for (int i = 0; i < m->cc_count && n < 20; i++)
		if (email_valid(m->cc[i].addr) && !str_eqi(m->cc[i].addr, m->from.addr) && !str_eqi(m->cc[i].addr, rcpt))
			ch->cc[n++] = (struct cc_change){ .name = HIDE(m->cc[i].name.n ? m->cc[i].name : m->cc[i].addr),
			    .email = HIDE(m->cc[i].addr) };
	ch->cc_count = n;
	if (n)
		ch->has |= T_CC;
}

/* May this sender speak in this ticket? Then *author is set. */
static enum err
is_party(struct ctx *cx, const struct ticket *t, str from, int64_t *author)
{
	struct user u;
	enum err e = user_by_email(cx, from, &u);

	*author = 0;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	if (!u.active || u.suspended)
		return OK;
	if (u.role >= ROLE_AGENT || u.id == t->requester_id)
		*author = u.id;
	for (int i = 0; i < t->cc_count; i++)
		if (t->cc[i] == u.id)
			*author = u.id;
	for (int i = 0; i < t->follower_count; i++)
		if (t->follower[i] == u.id)
			*author = u.id;
	return OK;
}

struct settle { struct inbound in; str rcpt; const struct def *address; bool forced; enum inbound_outcome outcome; int64_t id, aimed; };

/* Makes the ticket, or the comment on ticket_id. */
static enum err
place(struct ctx *cx, struct settle *s, const struct ticket_change *ch, int64_t ticket_id)
{
	struct ticket t;

	s->aimed = ticket_id;
	if (ticket_id) {
		TRY(ticket_update(cx, ticket_id, ch, &t, NULL));
		s->outcome = IN_COMMENT;
	} else {
		TRY(ticket_create(cx, ch, &t, NULL));
		s->outcome = IN_TICKET;
	}
	s->id = t.id;
	return OK;
}

/* A new ticket is of the brand and group of the address that it was written to; addresses of ours are nobody's CC. */
static enum err
addressed(struct ctx *cx, const struct settle *s, struct ticket_change *ch)
{
	const struct def *brand;
	const struct defs *d;
	int n = 0;

	TRY(defs_get(cx, &d));
	for (int i = 0; i < ch->cc_count; i++)
		if (address_find(d, ch->cc[i].email.hidden) == NULL)
			ch->cc[n++] = ch->cc[i];
	ch->cc_count = n;
	if (n == 0)
		ch->has &= ~(unsigned)T_CC;
	if (s->address == NULL)
		return OK;
	ch->recipient = HIDE(def_text(s->address, "email"));
	if ((brand = def_find(d, DEF_BRAND, def_int(s->address, "brand_id"))) != NULL && brand->active) {
		ch->has |= T_BRAND;
		ch->brand_id = brand->id;
	}
	if ((ch->group_id = def_int(s->address, "group_id")) != 0) {
		struct group *g;
		int found;
		TRY(group_many(cx, &ch->group_id, 1, &g, &found));
		if (found == 0 || g[0].deleted)
			ch->group_id = 0;
		else
			ch->has |= T_GROUP;
	}
	return OK;
}

static enum err
settle(struct ctx *cx, struct settle *s, enum cause *cause, int64_t *aimed)
{
	const struct mail *m = s->in.mail;
	struct ticket_change ch;
	struct ticket t;
	struct user u;
	struct row r;
	const struct defs *defs;
	int64_t ticket_id, author;
	enum err e;

	*aimed = 0;
	*cause = (enum cause)0;
	if (!s->forced && (*cause = cause_of_kind(m->kind)) != 0) {
		bool ours = false;
		/* A report about a mail of ours marks the address that it could not reach. */
		if (m->kind == MAIL_BOUNCE)
			TRY(flow_bounced(cx, s->rcpt, m->failed_recipient, &ours));
		for (int i = 0; i < m->to_count && m->kind == MAIL_BOUNCE && !ours; i++)
			TRY(flow_bounced(cx, m->to[i].addr, m->failed_recipient, &ours));
		TRY(find_thread(cx, m, s->rcpt, aimed));
		return OK;
	}
	if (!email_valid(m->from.addr)) {
		*cause = C_NO_SENDER;
		return OK;
	}
	TRY(defs_get(cx, &defs));
	if (!s->forced && address_find(defs, m->from.addr) != NULL) {
		*cause = C_LOOP;
		return OK;
	}
	TRY(address_arrived(cx, m, s->rcpt, &s->address));
	if (!s->forced && m->message_id.n) {
		e = store_one(cx, &by_message, ARGS(INT(cx->account), BLIND(HIDE(m->message_id))), &r);
		if (e == OK) {
			*cause = C_SAME_ID;
			*aimed = row_int(&r, 1);
			return OK;
		}
		if (e != E_ABSENT)
			return e;
		fail_forget(cx);
	}
	if ((e = user_by_email(cx, m->from.addr, &u)) == OK) {
		if (u.suspended) {
			*cause = C_SENDER_SUSPENDED;
			return OK;
		}
	} else if (e != E_ABSENT)
		return e;
	fail_forget(cx);
	TRY(find_thread(cx, m, s->rcpt, &ticket_id));
	if (ticket_id) {
		e = ticket_row(cx, ticket_id, &t);
		if (e != OK && e != E_ABSENT)
			return e;
		fail_forget(cx);
		if (e == E_ABSENT || t.deleted_at || t.erased)
			ticket_id = 0;
	}
	if (ticket_id) {
		TRY(is_party(cx, &t, m->from.addr, &author));
		if (author == 0 && !s->forced) {
			*cause = C_STRANGER;
			*aimed = ticket_id;
			return OK;
		}
		change_of(cx, &s->in, s->rcpt, t.status != TICKET_CLOSED, &ch);
		if (t.status == TICKET_CLOSED) {
			TRY(addressed(cx, s, &ch));
			ch.followup_source_id = ticket_id;
			return place(cx, s, &ch, 0);
		}
		if (author == 0) {
			TRY(user_for_address(cx, m->from.name, m->from.addr, &u));
			ch.author_id = u.id;
			return place(cx, s, &ch, ticket_id);
		}
		TRY(gate_as_user(cx, author, "mail"));
		ch.author_id = author;
		e = place(cx, s, &ch, ticket_id);
		if (e == E_ABSENT || e == E_DENIED) {
			/* An agent who may not see it. */
			fail_forget(cx);
			*cause = C_STRANGER;
			*aimed = ticket_id;
			e = OK;
		}
		return e;
	}
	change_of(cx, &s->in, s->rcpt, false, &ch);
	TRY(addressed(cx, s, &ch));
	return place(cx, s, &ch, 0);
}

/* Bytes that are no message, as far as they can be read. */
static enum err
treat_unread(struct ctx *cx, str raw, str *kept)
{
	struct findings drop = { 0 };
	struct treating t;
	sensitive s = HIDE(str_sub(raw, 0, SCAN_TEXT_MAX));

	treat_begin(cx, &t, S("email"));
	t.skip = 1u << PHI_MOVE | 1u << PHI_HOLD | 1u << PHI_BLOCK;
	fail_clear(cx);
	TRY(treat_text(cx, &t, PLACE_COMMENT, "body", &s, &drop));
	if (t.v.redacted)
		*kept = s.hidden;
	return OK;
}

enum err
inbound_mail(struct ctx *cx, str raw, str rcpt, enum inbound_outcome *outcome, int64_t *id)
{
	struct mail m;
	struct settle s = { .in = { .raw = raw, .mail = &m }, .rcpt = rcpt };
	struct suspend sus = { .in = &s.in, .rcpt = rcpt };
	struct refusal no = { 0 };
	unsigned char content[16];
	struct row r;
	enum err e;

	gate_as_system(cx, "mail");
	cx->via = "email";
	TRY(content_hash(cx, raw, content));
	e = store_one(cx, &by_content, ARGS(INT(cx->account), BYTES(((str){ (char *)content, sizeof content }))), &r);
	if (e == OK) {
		*outcome = IN_DUPLICATE;
		*id = row_int(&r, 1);
		return OK;
	}
	if (e != E_ABSENT)
		return e;
	fail_forget(cx);

	e = raw.n > MAIL_MAX ? E_LIMIT : parser_mail(cx, cx->sys->parser, raw, &m);
	switch (e) {
	case OK:
		TRY(address_came_back(cx, m.message_id, id));
		if (*id != 0) {
			*outcome = IN_CHECK;
			return OK;
		}
		TRY(treat_mail(cx, &m, &s.in));
		e = settle(cx, &s, &sus.cause, &sus.ticket_id);
		if (e == E_INVALID && (no.reason = refused_why(cx)).n) {
			no.from_address = m.from.addr;
			no.message_id = m.message_id;
			fail_clear(cx);
			gate_as_system(cx, "mail");
			TRY(store_write(cx, refuse_tx, &no));
			*outcome = IN_REFUSED;
			*id = no.id;
			cx->fail.why = str_z(cx->arena, no.reason);     /* for who delivered it; a failure it is not */
			return OK;
		}
		if (e == E_INVALID || e == E_LIMIT) {
			sus.cause = cx->fail.field != NULL && strcmp(cx->fail.field, POLICY_HELD) == 0 ? C_HELD : C_REFUSED;
			sus.ticket_id = s.aimed;
			e = OK;
		}
		break;
	case E_INVALID: sus.cause = C_NOT_MAIL;  s.in.mail = NULL; e = OK; break;
	case E_LIMIT:   sus.cause = C_TOO_LARGE; s.in.mail = NULL; e = OK; break;
	case E_FAULT:   sus.cause = C_GAVE_UP;   s.in.mail = NULL; e = OK; break;
	default:        return e;
	}
	if (s.in.mail == NULL && raw.n <= MAIL_MAX)
		TRY(treat_unread(cx, raw, &s.in.kept));
	if (e == OK && sus.cause != 0) {
		fail_clear(cx);
		gate_as_system(cx, "mail");
		e = store_write(cx, suspend_tx, &sus);
		s.outcome = IN_SUSPENDED;
		s.id = sus.id;
	}
	if (e == E_CONFLICT) {
		/* The same bytes were delivered beside us. */
		fail_forget(cx);
		s.outcome = IN_DUPLICATE;
		s.id = 0;
		e = OK;
	}
	TRY(e);
	*outcome = s.outcome;
	*id = s.id;
	return OK;
}

/* ---- suspended tickets --------------------------------------------------------------------------------------------- */

static void
suspended_from_row(const struct row *r, struct suspended *s)
{
	str rest, v;
	uint8_t tag;

	*s = (struct suspended){ .id = row_int(r, 0), .key = row_int(r, 1), .raw_id = row_int(r, 2),
	    .ticket_id = row_int(r, 3), .cause_id = row_int(r, 4), .created_at = row_int(r, 5),
	    .updated_at = row_int(r, 6), .erased = row_erased(r, 7) };
	s->cause = str_of(s->cause_id > 0 && (size_t)s->cause_id < COUNT(causes) ? causes[s->cause_id] : "Unknown");
	for (rest = row_sensitive(r, 7).hidden; pack_next(&rest, &tag, &v);)
		switch (tag) {
		case SDOC_NAME:       s->from_name = HIDE(v); break;
		case SDOC_ADDRESS:    s->from_address = HIDE(v); break;
		case SDOC_SUBJECT:    s->subject = HIDE(v); break;
		case SDOC_CONTENT:    s->content = HIDE(v); break;
		case SDOC_MESSAGE_ID: s->message_id = HIDE(v); break;
		case SDOC_RECIPIENT:  s->recipient = HIDE(v); break;
		case SDOC_CHANGE:     s->change = v; break;
		default: break;
		}
}

enum err
suspended_list(struct ctx *cx, int64_t after_id, int64_t offset, int limit, struct suspended **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_SUSPENDED, NULL));
	TRY(store_all(cx, &list_suspended, ARGS(INT(cx->account), INT(after_id), INT(limit), INT(offset)), &rs));
	*out = NEW(cx->arena, struct suspended, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		suspended_from_row(&rs.row[i], &(*out)[i]);
	*count = rs.count;
	return OK;
}

enum err
suspended_count(struct ctx *cx, int64_t *count)
{
	TRY(gate_may(cx, MAY_SUSPENDED, NULL));
	return desk_counter_get(cx, "suspended", count);
}

enum err
suspended_get(struct ctx *cx, int64_t id, struct suspended *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_SUSPENDED, NULL));
	TRY(store_one(cx, &get_suspended, ARGS(INT(cx->account), INT(id)), &r));
	suspended_from_row(&r, out);
	return OK;
}

static enum err
drop_tx(struct ctx *cx, void *arg)
{
	const struct suspended *s = arg;

	TRY(store_exec(cx, &drop_suspended, ARGS(INT(cx->account), INT(s->id)), NULL));
	TRY(store_key_destroy(cx, s->key));
	return desk_counter_add(cx, "suspended", -1);
}

enum err
suspended_gone(struct ctx *cx, const struct suspended *s)
{
	return drop_tx(cx, (void *)(uintptr_t)s);
}

struct recovery { struct settle s; struct suspended sus; const struct actor *by; struct ticket out; };

static enum err
recover_tx(struct ctx *cx, void *arg)
{
	struct recovery *r = arg;
	struct suspended again;
	enum cause cause;
	int64_t aimed;
	enum err e;

	TRY(suspended_get(cx, r->sus.id, &again));      /* two agents at once: the second finds nothing */
	gate_as_system(cx, "mail");
	e = settle(cx, &r->s, &cause, &aimed);
	cx->actor = r->by;
	TRY(e);
	if (cause != 0) {
		bad(cx, "base", "InvalidValue", "The message cannot become a ticket: it has no usable sender");
		return bad_check(cx);
	}
	if (r->s.in.kept.n)
		TRY(raw_mail_erase(cx, r->s.in.raw_id));        /* it was kept under a policy that destroyed less */
	TRY(drop_tx(cx, &r->sus));
	TRY(ticket_row(cx, r->s.id, &r->out));
	return trail_append(cx, &(struct event){ .action = "suspended_ticket.recover", .object = "suspended_ticket",
	    .id = r->sus.id, .parent = r->s.id });
}

/* The mail of a suspended ticket, read again. */
static enum err
suspended_mail(struct ctx *cx, const struct suspended *s, struct inbound *in, struct mail *m)
{
	enum err e;

	TRY(raw_load(cx, s->raw_id, &in->raw));
	e = parser_mail(cx, cx->sys->parser, in->raw, m);
	if (e == E_INVALID || e == E_LIMIT || e == E_FAULT) {
		fail_forget(cx);
		bad(cx, "base", "InvalidValue", "The message cannot be read as an e-mail; it stays suspended");
		return bad_check(cx);
	}
	TRY(e);
	return treat_mail(cx, m, in);
}

enum err
suspended_uploads(struct ctx *cx, int64_t id, str *token, struct attachment **out, int *count)
{
	struct inbound in = { 0 };
	struct suspended s;
	struct mail m = { 0 };

	TRY(suspended_get(cx, id, &s));
	if (s.cause_id == CAUSE_HELD)
		TRY(gate_may(cx, MAY_SEE_PHI, NULL));
	if (s.raw_id != 0)
		TRY(suspended_mail(cx, &s, &in, &m));
	*token = S("");
	*count = 0;
	*out = NEW(cx->arena, struct attachment, m.attachment_count + 1);
	for (int i = 0; i < m.attachment_count; i++)
		TRY(upload_create(cx, m.attachment[i].file_name.n ? m.attachment[i].file_name : S("attachment"), m.attachment[i].content_type,
		    m.attachment[i].bytes, *token, token, &(*out)[(*count)++]));
	return OK;
}

enum err
suspended_recover(struct ctx *cx, int64_t id, struct ticket *out)
{
	struct recovery r = { .by = cx->actor };
	const char *via = cx->via;
	struct mail m;
	enum err e;

	TRY(suspended_get(cx, id, &r.sus));
	if (r.sus.cause_id == CAUSE_HELD)
		TRY(gate_may(cx, MAY_SEE_PHI, NULL));
	if (r.sus.raw_id == 0)
		return held_recover(cx, &r.sus, r.sus.change, out);
	r.s = (struct settle){ .in = { .mail = &m, .raw_id = r.sus.raw_id }, .forced = true, .rcpt = r.sus.recipient.hidden };
	TRY(suspended_mail(cx, &r.sus, &r.s.in, &m));
	cx->via = "email";
	e = store_write(cx, recover_tx, &r);
	cx->via = via;
	cx->actor = r.by;
	TRY(e);
	TRY(store_erase(cx));
	*out = r.out;
	return OK;
}

static enum err
suspended_delete_tx(struct ctx *cx, void *arg)
{
	struct suspended *s = arg, again;

	TRY(suspended_get(cx, s->id, &again));
	if (s->raw_id != 0)
		TRY(raw_mail_erase(cx, s->raw_id));
	else
		TRY(held_discard(cx, s->change));
	TRY(drop_tx(cx, s));
	return trail_append(cx, &(struct event){ .action = "suspended_ticket.delete", .object = "suspended_ticket",
	    .id = s->id });
}

enum err
suspended_delete(struct ctx *cx, int64_t id)
{
	struct suspended s;

	TRY(suspended_get(cx, id, &s));
	TRY(store_write(cx, suspended_delete_tx, &s));
	return store_erase(cx);
}
