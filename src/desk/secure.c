/* secure.c - secure links: an answer that is announced by mail and read here.
 *
 * The mail holds a link and nothing else. Who opens it proves to be the
 * requester a second time: with a code that goes to the address at that moment
 * (a forwarded or leaked link opens nothing), or with something that both know
 * and the agent named. The link opens one public comment and what was said
 * after it, nothing older. It ends by time, by an agent, and by five wrong
 * proofs; after a proof a browser holds a pass for half an hour. Link, code,
 * answer and pass are kept as keyed hashes.
 */
#include <openssl/crypto.h>

#include "desk/in.h"
#include "flow/flow.h"

#define CODE_FOR   (15 * 60 * SECOND)
#define PASS_FOR   (30 * 60 * SECOND)
#define TRIES_MAX  5

#define COLS "id, ticket_id, comment_id, user_id, author_id, proof, question, tries, views, created_at, expires_at, revoked_at, viewed_at"
#define OUT  "iiiiiiiiiiii?i?"

static const struct stmt link_insert = {
	.name = "secure_link.insert",
	.sql  = "INSERT INTO secure_link (account_id, id, ticket_id, comment_id, user_id, author_id, hash, proof, question, answer, code_until,"
	        " tries, views, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, $11, $12)",
	.in   = "iiiiiibiib?ii",
};
static const struct stmt link_by_hash = {
	.name = "secure_link.by_hash",
	.sql  = "SELECT " COLS " FROM secure_link WHERE account_id = $1 AND hash = $2",
	.in   = "ib", .out = OUT,
};
static const struct stmt link_list = {
	.name = "secure_link.list",
	.sql  = "SELECT " COLS " FROM secure_link WHERE account_id = $1 AND ticket_id = $2 ORDER BY id DESC LIMIT 100",
	.in   = "ii", .out = OUT,
};
static const struct stmt link_secrets = {
	.name = "secure_link.secrets",
	.sql  = "SELECT answer, code, code_until FROM secure_link WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "b?b?i",
};
static const struct stmt link_code = {
	.name = "secure_link.code",
	.sql  = "UPDATE secure_link SET code = $3, code_until = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iib?i",
};
static const struct stmt link_tries = {
	.name = "secure_link.tries",
	.sql  = "UPDATE secure_link SET tries = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};
static const struct stmt link_revoke = {
	.name = "secure_link.revoke",
	.sql  = "UPDATE secure_link SET revoked_at = $4 WHERE account_id = $1 AND ticket_id = $2 AND id = $3 AND revoked_at IS NULL",
	.in   = "iiii",
};
static const struct stmt link_known = {
	.name = "secure_link.known",
	.sql  = "SELECT count(*) FROM secure_link WHERE account_id = $1 AND ticket_id = $2 AND id = $3",
	.in   = "iii", .out = "i",
};
static const struct stmt link_seen = {
	.name = "secure_link.seen",
	.sql  = "UPDATE secure_link SET views = views + 1, viewed_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};
static const struct stmt pass_insert = {
	.name = "secure_pass.insert",
	.sql  = "INSERT INTO secure_pass (account_id, hash, link_id, expires_at) VALUES ($1, $2, $3, $4)",
	.in   = "ibii",
};
static const struct stmt pass_find = {
	.name = "secure_pass.find",
	.sql  = "SELECT count(*) FROM secure_pass WHERE account_id = $1 AND hash = $2 AND link_id = $3 AND expires_at > $4",
	.in   = "ibii", .out = "i",
};
static const struct stmt pass_old = {
	.name = "secure_pass.old",
	.sql  = "DELETE FROM secure_pass WHERE account_id = $1 AND expires_at <= $2",
	.in   = "ii",
};
static const struct stmt pass_drop = {
	.name = "secure_pass.drop",
	.sql  = "DELETE FROM secure_pass WHERE account_id = $1 AND link_id = $2",
	.in   = "ii",
};
static const struct stmt pass_forget = {
	.name = "secure_pass.forget",
	.sql  = "DELETE FROM secure_pass WHERE account_id = $1 AND link_id IN (SELECT id FROM secure_link WHERE account_id = $1 AND ticket_id = $2)",
	.in   = "ii",
};
static const struct stmt link_forget = {
	.name = "secure_link.forget",
	.sql  = "DELETE FROM secure_link WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii",
};
const struct stmt *const secure_stmts[] = { &link_insert, &link_by_hash, &link_list, &link_secrets, &link_code, &link_tries,
	&link_revoke, &link_known, &link_seen, &pass_insert, &pass_find, &pass_old, &pass_drop, &pass_forget, &link_forget, NULL };

static const char *const questions[] = { "date_of_birth", "phone_last_four", "postal_code", "passphrase" };

const char *
secure_question_name(enum secure_question q)
{
	return (size_t)q < COUNT(questions) ? questions[q] : NULL;
}

bool
secure_question_of(str s, enum secure_question *out)
{
	for (size_t i = 0; i < COUNT(questions); i++)
		if (str_eq(s, str_of(questions[i])))
			return *out = (enum secure_question)i, true;
	return false;
}

const char *
secure_state(struct ctx *cx, const struct secure_link *l)
{
	return l->revoked_at ? "revoked" : l->tries >= TRIES_MAX ? "locked" : l->expires_at <= cx->now ? "expired" : "active";
}

static struct secure_link
from_row(const struct row *r)
{
	return (struct secure_link){ .id = row_int(r, 0), .ticket_id = row_int(r, 1), .comment_id = row_int(r, 2), .user_id = row_int(r, 3),
	    .author_id = row_int(r, 4), .known = row_int(r, 5) == 2, .question = (enum secure_question)row_int(r, 6), .tries = (int)row_int(r, 7),
	    .views = row_int(r, 8), .created_at = row_int(r, 9), .expires_at = row_int(r, 10), .revoked_at = row_int(r, 11), .viewed_at = row_int(r, 12) };
}

/* How an answer is compared: letters and digits only, without case; a date by its parts, whichever way it is written. */
static str
folded(struct ctx *cx, enum secure_question q, str s)
{
	struct buf b;
	int64_t n[3] = { 0 };
	int parts = 0, first = 0;
	bool digits = false;

	if (q == ASK_BIRTH) {
		for (size_t i = 0; i < s.n && parts < 3; i++) {
			bool d = s.p[i] >= '0' && s.p[i] <= '9';
			if (d) {
				n[parts] = n[parts] * 10 + (s.p[i] - '0');
				first += parts == 0;
			}
			if ((!d && digits) || (d && i + 1 == s.n))
				parts++;
			digits = d;
		}
		if (parts == 3)
			return first == 4 ? str_printf(cx->arena, "%lld-%lld-%lld", (long long)n[0], (long long)n[1], (long long)n[2])
			    : str_printf(cx->arena, "%lld-%lld-%lld", (long long)n[2], (long long)n[0], (long long)n[1]);
	}
	buf_init(&b, cx->arena, 4 * KiB);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + 32);
		if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buf_byte(&b, (char)c);
	}
	return buf_str(&b);
}

/* ---- staff -------------------------------------------------------------------------------------------------------- */

struct making { int64_t ticket_id; const struct secure_new *in; struct secure_link *out; str token; struct ticket *t; struct audit *a; };

static enum err
create_tx(struct ctx *cx, void *arg)
{
	struct making *m = arg;
	const struct secure_new *in = m->in;
	struct secure_link l = { .ticket_id = m->ticket_id, .comment_id = in->comment_id, .author_id = cx->actor->user_id, .known = in->known,
	    .question = in->question, .created_at = cx->now, .expires_at = cx->now + in->good_for };
	unsigned char hash[GATE_KEY], answer[GATE_KEY];
	struct comment c;
	struct about about;
	struct ticket t;
	struct user u;
	enum err e;

	TRY(ticket_get(cx, m->ticket_id, &t));
	about_ticket(&t, &about);
	TRY(gate_may(cx, MAY_UPDATE_TICKET, &about));
	if (in->change != NULL) {
		struct audit a;
		TRY(ticket_update(cx, t.id, in->change, &t, &a));
		l.comment_id = a.comment_id;
	} else {
		e = comment_get(cx, t.id, l.comment_id, &c);
		if (e == E_ABSENT) {
			fail_forget(cx);
			bad(cx, "comment_id", "RecordNotFound", "Comment: is not one of this ticket");
		} else if (e == OK && !c.is_public)
			bad(cx, "comment_id", "InvalidValue", "Comment: is an internal note, which no requester may read");
		else
			TRY(e);
	}
	l.user_id = t.requester_id;
	TRY(user_load(cx, t.requester_id, &u));
	if (u.role != ROLE_END_USER || !u.active || u.suspended || !email_valid(u.email.hidden))
		bad(cx, "requester", "InvalidValue", "Requester: has no address that a link can go to");
	TRY(bad_check(cx));
	gate_mac(cx, "secure_link", m->token, S(""), hash);
	gate_mac(cx, "secure_answer", m->token, folded(cx, in->question, in->answer.hidden), answer);
	TRY(store_next_id(cx, "secure_link", &l.id));
	TRY(store_exec(cx, &link_insert, ARGS(INT(cx->account), INT(l.id), INT(l.ticket_id), INT(l.comment_id), INT(l.user_id), INT(l.author_id),
	    BYTES(((str){ (char *)hash, GATE_KEY })), INT(in->known ? 2 : 1), INT((int64_t)in->question),
	    in->known ? BYTES(((str){ (char *)answer, GATE_KEY })) : NIL, INT(l.created_at), INT(l.expires_at)), NULL));
	TRY(flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .event = "secure", .ticket_id = t.id, .comment_id = l.comment_id, .user_id = u.id,
	    .to = u.email, .to_name = u.name, .link = HIDE(str_printf(cx->arena, "/help/secure/" STR_F, STR_A(m->token))) }, NULL));
	*m->out = l;
	return trail_append(cx, &(struct event){ .action = "secure_link.create", .object = "secure_link", .id = l.id, .parent = t.id });
}

enum err
secure_link_create(struct ctx *cx, int64_t ticket_id, const struct secure_new *in, struct secure_link *out)
{
	struct making m = { .ticket_id = ticket_id, .in = in, .out = out };
	unsigned char r[24];

	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	TRY(ticket_visible(cx, ticket_id));
	if (in->known && folded(cx, in->question, in->answer.hidden).n < (in->question == ASK_PHRASE ? 6 : 4))
		bad(cx, "answer", "TooShort", "Answer: is too short to prove anything (four characters, a passphrase six)");
	if (in->known && in->answer.hidden.n > 200)
		bad(cx, "answer", "TooLong", "Answer: is too long (maximum is 200 bytes)");
	if (in->good_for < 3600 * SECOND || in->good_for > (usec)720 * 3600 * SECOND)
		bad(cx, "expires_in_hours", "InvalidValue", "Expires in hours: must be from 1 to 720");
	TRY(bad_check(cx));
	if (!flow_mail_on(cx) || cx->sys->base_url == NULL || *cx->sys->base_url == 0)
		return fail(cx, E_BUSY, NULL, "a secure link goes by mail: mail and base_url must be set up first");
	rand_bytes(r, sizeof r);
	m.token = base64url_of(cx->arena, (str){ (char *)r, sizeof r });
	return store_write(cx, create_tx, &m);
}

enum err
secure_link_list(struct ctx *cx, int64_t ticket_id, struct secure_link **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(ticket_visible(cx, ticket_id));
	TRY(store_all(cx, &link_list, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	*out = NEW(cx->arena, struct secure_link, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = from_row(&rs.row[i]);
	*count = rs.count;
	return OK;
}

struct ending { int64_t ticket_id, id; };

static enum err
revoke_tx(struct ctx *cx, void *arg)
{
	const struct ending *w = arg;
	struct about about;
	struct ticket t;
	struct row r;
	int64_t n;

	TRY(ticket_get(cx, w->ticket_id, &t));
	about_ticket(&t, &about);
	TRY(gate_may(cx, MAY_UPDATE_TICKET, &about));
	TRY(store_exec(cx, &link_revoke, ARGS(INT(cx->account), INT(w->ticket_id), INT(w->id), INT(cx->now)), &n));
	if (n == 0) {
		TRY(store_one(cx, &link_known, ARGS(INT(cx->account), INT(w->ticket_id), INT(w->id)), &r));
		return row_int(&r, 0) ? OK : fail(cx, E_ABSENT, NULL, "no such link");
	}
	TRY(store_exec(cx, &pass_drop, ARGS(INT(cx->account), INT(w->id)), NULL));
	return trail_append(cx, &(struct event){ .action = "secure_link.revoke", .object = "secure_link", .id = w->id, .parent = w->ticket_id });
}

enum err
secure_link_revoke(struct ctx *cx, int64_t ticket_id, int64_t id)
{
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	return store_write(cx, revoke_tx, &(struct ending){ ticket_id, id });
}

enum err
secure_forget(struct ctx *cx, int64_t ticket_id)
{
	TRY(store_exec(cx, &pass_forget, ARGS(INT(cx->account), INT(ticket_id)), NULL));
	return store_exec(cx, &link_forget, ARGS(INT(cx->account), INT(ticket_id)), NULL);
}

/* ---- who has the link ------------------------------------------------------------------------------------------------ */

enum err
secure_link_find(struct ctx *cx, str token, struct secure_link *out)
{
	unsigned char hash[GATE_KEY];
	struct secure_link l;
	struct row r;

	if (token.n != 32)
		return fail(cx, E_ABSENT, NULL, "no such link");
	gate_mac(cx, "secure_link", token, S(""), hash);
	TRY(store_one(cx, &link_by_hash, ARGS(INT(cx->account), BYTES(((str){ (char *)hash, GATE_KEY }))), &r));
	l = from_row(&r);
	if (strcmp(secure_state(cx, &l), "active") != 0)
		return fail(cx, E_ABSENT, NULL, "no such link");
	*out = l;
	return OK;
}

struct proving { str token, code; struct secure_link l; unsigned char mac[GATE_KEY], mac2[GATE_KEY]; str pass; bool good; };

static enum err
code_tx(struct ctx *cx, void *arg)
{
	struct proving *p = arg;
	struct user u;

	TRY(secure_link_find(cx, p->token, &p->l));
	TRY(user_load(cx, p->l.user_id, &u));
	if (!u.active || u.suspended)
		return fail(cx, E_ABSENT, NULL, "no such link");
	TRY(store_exec(cx, &link_code, ARGS(INT(cx->account), INT(p->l.id), BYTES(((str){ (char *)p->mac, GATE_KEY })), INT(cx->now + CODE_FOR)), NULL));
	TRY(trail_append(cx, &(struct event){ .action = "secure_link.code", .object = "secure_link", .id = p->l.id, .parent = p->l.ticket_id }));
	return flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .automatic = true, .event = "secure_code", .user_id = u.id, .to = u.email,
	    .to_name = u.name, .line = str_z(cx->arena, str_printf(cx->arena, str_eqi(str_sub(u.locale, 0, 2), S("es"))
	    ? "Su código para el mensaje seguro es " STR_F ". Vale 15 minutos. Si no lo pidió, no haga nada."
	    : "Your code for the secure message is " STR_F ". It is good for 15 minutes. If you did not ask for it, do nothing.",
	    STR_A(p->code))), .link = HIDE(S("/help")) }, NULL);
}

enum err
secure_link_send_code(struct ctx *cx, str token)
{
	struct proving p = { .token = token };
	uint32_t n;

	TRY(secure_link_find(cx, token, &p.l));
	if (p.l.known)
		return fail(cx, E_ABSENT, NULL, "no such link");
	rand_bytes(&n, sizeof n);
	p.code = str_printf(cx->arena, "%06u", n % 1000000);
	gate_mac(cx, "secure_code", token, p.code, p.mac);
	return store_write(cx, code_tx, &p);
}

static enum err
prove_tx(struct ctx *cx, void *arg)
{
	struct proving *p = arg;
	struct row r;
	str want;

	TRY(secure_link_find(cx, p->token, &p->l));
	TRY(store_one(cx, &link_secrets, ARGS(INT(cx->account), INT(p->l.id)), &r));
	want = row_str(&r, p->l.known ? 0 : 1);
	p->good = want.n == GATE_KEY && (p->l.known || row_int(&r, 2) > cx->now) && CRYPTO_memcmp(want.p, p->mac, GATE_KEY) == 0;
	TRY(store_exec(cx, &link_tries, ARGS(INT(cx->account), INT(p->l.id), INT(p->good ? 0 : p->l.tries + 1)), NULL));
	if (!p->good)
		return trail_append(cx, &(struct event){ .action = "secure_link.refuse", .object = "secure_link", .id = p->l.id, .parent = p->l.ticket_id });
	/* A code works once. */
	TRY(store_exec(cx, &link_code, ARGS(INT(cx->account), INT(p->l.id), NIL, INT(0)), NULL));
	TRY(store_exec(cx, &pass_old, ARGS(INT(cx->account), INT(cx->now)), NULL));
	TRY(store_exec(cx, &pass_insert, ARGS(INT(cx->account), BYTES(((str){ (char *)p->mac2, GATE_KEY })), INT(p->l.id), INT(cx->now + PASS_FOR)), NULL));
	return trail_append(cx, &(struct event){ .action = "secure_link.open", .object = "secure_link", .id = p->l.id, .parent = p->l.ticket_id });
}

enum err
secure_link_prove(struct ctx *cx, str token, str answer, str *pass)
{
	struct proving p = { .token = token };
	unsigned char r[24];

	TRY(secure_link_find(cx, token, &p.l));
	if (answer.n > 200)
		answer.n = 200;
	gate_mac(cx, p.l.known ? "secure_answer" : "secure_code", token, p.l.known ? folded(cx, p.l.question, answer) : answer, p.mac);
	rand_bytes(r, sizeof r);
	p.pass = base64url_of(cx->arena, (str){ (char *)r, sizeof r });
	gate_mac(cx, "secure_pass", p.pass, S(""), p.mac2);
	TRY(store_write(cx, prove_tx, &p));
	if (!p.good)
		return fail(cx, E_WHO, "code", "that is not it");
	*pass = p.pass;
	return OK;
}

enum err
secure_link_enter(struct ctx *cx, str token, str pass, struct secure_link *out)
{
	unsigned char hash[GATE_KEY];
	struct row r;

	TRY(secure_link_find(cx, token, out));
	gate_mac(cx, "secure_pass", pass, S(""), hash);
	TRY(store_one(cx, &pass_find, ARGS(INT(cx->account), BYTES(((str){ (char *)hash, GATE_KEY })), INT(out->id), INT(cx->now)), &r));
	if (pass.n == 0 || row_int(&r, 0) == 0)
		return fail(cx, E_WHO, "code", "the proof is over");
	TRY(gate_as_user(cx, out->user_id, "secure_link"));
	return cx->actor->role == ROLE_END_USER ? OK : fail(cx, E_ABSENT, NULL, "no such link");
}

static enum err
seen_tx(struct ctx *cx, void *arg)
{
	const struct secure_link *l = arg;

	TRY(store_exec(cx, &link_seen, ARGS(INT(cx->account), INT(l->id), INT(cx->now)), NULL));
	return trail_look(cx, "ticket", &l->ticket_id, 1, "subject,comments");
}

enum err
secure_link_seen(struct ctx *cx, const struct secure_link *l)
{
	return store_write(cx, seen_tx, (void *)(uintptr_t)l);
}
