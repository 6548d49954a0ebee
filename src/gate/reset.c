/* reset.c - a password by a link: for who forgot theirs, and for staff who were invited.
 *
 * Who asks learns nothing: an ask is counted and queued, and only the
 * background looks whether anybody has that address, so the answer is the same
 * and as fast for all. The queue is in memory: nothing about an unknown
 * address is kept, and who asked just before a restart asks again.
 *
 * The link's token is kept as a keyed hash, works once and for half an hour,
 * and is bound to the password and the address its person had when it was
 * made: a change of either ends it, and so does a newer link. The mailbox
 * stands in for the password only: the second factor is asked for as ever.
 *
 * An invitation is the same link for days, asked for by an administrator. What
 * an outsider asks for does not end it; a password, however it is set, does.
 */
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gate/inside.h"

#define RESET_FOR ((usec)30 * MINUTE)
enum { ASKS_MAX = 256, ASKS_A_STEP = 16, EMAIL_MAX = 254, ADDRESS_MAX = 64, TOKEN_MAX = 64 };

struct ask {
	char   email[EMAIL_MAX], address[ADDRESS_MAX];
	size_t email_n, address_n;
};

struct resets {
	pthread_mutex_t lock;
	struct ask      ask[ASKS_MAX];         /* a ring */
	int             first;
	_Atomic int     count;
};

enum err (*gate_on_reset)(struct ctx *cx, const struct user *u, str token);
enum err (*gate_on_password_changed)(struct ctx *cx, const struct user *u);
enum err (*gate_on_invited)(struct ctx *cx, const struct user *u, str token);

const struct stmt st_reset_insert = {
	.name = "reset.insert",
	.sql  = "INSERT INTO password_reset (account_id, hash, user_id, bound, expires_at, invited_at, by_mail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.in   = "ibibii?i",
};
const struct stmt st_reset_get = {
	.name = "reset.get",
	.sql  = "SELECT user_id, bound, coalesce(invited_at, 0) FROM password_reset WHERE account_id = $1 AND hash = $2 AND expires_at > $3",
	.in   = "ibi", .out = "ibi",
};
const struct stmt st_reset_drop = {
	.name = "reset.drop",
	.sql  = "DELETE FROM password_reset WHERE account_id = $1 AND invited_at IS NULL AND (user_id = $2 OR expires_at <= $3)",
	.in   = "iii",
};
const struct stmt st_invite_drop = {
	.name = "invite.drop", .sql = "DELETE FROM password_reset WHERE account_id = $1 AND user_id = $2 AND invited_at IS NOT NULL", .in = "ii",
};
const struct stmt st_invite_over = {
	.name = "invite.over",
	.sql  = "UPDATE password_reset SET expires_at = $3 WHERE account_id = $1 AND user_id = $2 AND invited_at IS NOT NULL AND expires_at > $3",
	.in   = "iii",
};
#define WAITING " FROM password_reset r JOIN users u ON u.account_id = r.account_id AND u.id = r.user_id WHERE r.account_id = $1" \
	" AND r.invited_at IS NOT NULL AND u.active = 1 AND NOT EXISTS (SELECT 1 FROM credential c WHERE c.account_id = r.account_id AND c.user_id = r.user_id)"
const struct stmt st_invite_list = {
	.name = "invite.list",
	.sql  = "SELECT r.user_id, r.invited_at, r.expires_at, r.by_mail" WAITING " ORDER BY r.user_id LIMIT 1000",
	.in   = "i", .out = "iiii",
};
const struct stmt st_invite_none = {
	.name = "invite.none",
	.sql  = "SELECT u.id FROM users u WHERE u.account_id = $1 AND u.role IN ($2, $3) AND u.active = 1 AND u.suspended = 0 AND NOT EXISTS"
	        " (SELECT 1 FROM credential c WHERE c.account_id = u.account_id AND c.user_id = u.id) AND NOT EXISTS (SELECT 1 FROM password_reset r"
	        " WHERE r.account_id = u.account_id AND r.user_id = u.id AND r.invited_at IS NOT NULL) ORDER BY u.id LIMIT 1000",
	.in   = "iii", .out = "i",
};
const struct stmt st_invite_of = {
	.name = "invite.of",
	.sql  = "SELECT r.user_id, r.invited_at, r.expires_at, r.by_mail" WAITING " AND r.user_id = $2",
	.in   = "ii", .out = "iiii",
};

struct resets *
resets_new(void)
{
	struct resets *r = calloc(1, sizeof(*r));

	if (r != NULL)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
resets_free(struct resets **rp)
{
	if (*rp == NULL)
		return;
	pthread_mutex_destroy(&(*rp)->lock);
	wipe(*rp, sizeof(**rp));
	free(*rp);
	*rp = NULL;
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

enum err
password_reset_ask(struct ctx *cx, str email, int *retry_after)
{
	str address = str_sub(cx->address, 0, ADDRESS_MAX);
	struct resets *q;
	bool room;

	*retry_after = 0;
	email = str_sub(fold(cx, HIDE(email)).hidden, 0, EMAIL_MAX);
	TRY(reset_counted(cx, email, retry_after));
	q = gate_resets(cx);
	pthread_mutex_lock(&q->lock);
	room = q->count < ASKS_MAX;
	if (room) {
		struct ask *a = &q->ask[(q->first + q->count) % ASKS_MAX];
		*a = (struct ask){ .email_n = email.n, .address_n = address.n };
		if (email.n > 0)
			memcpy(a->email, email.p, email.n);
		if (address.n > 0)
			memcpy(a->address, address.p, address.n);
		q->count++;
	}
	pthread_mutex_unlock(&q->lock);
	return room ? OK : fail(cx, E_BUSY, NULL, "too many ask for a new password at once");
}

static bool
next_ask(struct resets *q, struct ask *out)
{
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->count > 0;
	if (any) {
		*out = q->ask[q->first];
		wipe(&q->ask[q->first], sizeof(*out));
		q->first = (q->first + 1) % ASKS_MAX;
		q->count--;
	}
	pthread_mutex_unlock(&q->lock);
	return any;
}

struct call {
	unsigned char hash[GATE_KEY], bound[GATE_KEY];
	struct user u;
	struct standing who;
	str token, encoded;
	bool invited;
};

/* What ends the link when it changes. */
static enum err
bind(struct ctx *cx, struct call *c)
{
	str password = S(""), email = fold(cx, c->u.email).hidden;
	struct row row;
	bool has;

	TRY(find_one(cx, &st_credential_get, ARGS(INT(cx->account), INT(c->u.id)), &row, &has));
	if (has && !row_erased(&row, 1))
		password = reveal(cx, row_sensitive(&row, 1), TO_STORE);
	gate_mac(cx, "reset_bound", str_printf(cx->arena, STR_F "\n" STR_F, STR_A(c->token), STR_A(password)), email, c->bound);
	return OK;
}

static enum err
begin_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;

	TRY(bind(cx, c));
	TRY(store_exec(cx, &st_reset_drop, ARGS(INT(cx->account), INT(c->u.id), INT(cx->now)), NULL));
	TRY(store_exec(cx, &st_reset_insert, ARGS(INT(cx->account), BYTES(((str){ (const char *)c->hash, GATE_KEY })), INT(c->u.id),
	    BYTES(((str){ (const char *)c->bound, GATE_KEY })), INT(cx->now + RESET_FOR), NIL, INT(0)), NULL));
	TRY(trail_append(cx, &(struct event){ .action = "user.password_reset", .object = "user", .id = c->u.id }));
	return gate_on_reset(cx, &c->u, c->token);
}

static enum err
begin(struct ctx *cx, str email)
{
	struct call c = { .token = gate_secret(cx) };
	enum err e = user_by_email(cx, email, &c.u);

	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	if (gate_on_reset == NULL)
		return fail(cx, E_BUSY, NULL, "mail is not set up here");
	if (!c.u.active || c.u.suspended || c.u.email.hidden.n == 0)
		return OK;
	gate_mac(cx, "password_reset", c.token, S(""), c.hash);
	return store_write(cx, begin_tx, &c);
}

enum err
password_reset_step(struct ctx *cx, bool *more)
{
	struct resets *q = gate_resets(cx);
	str address = cx->address;
	enum err e = OK;
	struct ask a;

	for (int i = 0; e == OK && i < ASKS_A_STEP && q->count > 0 && next_ask(q, &a); i++) {
		gate_as_system(cx, "password_reset");
		cx->address = str_dup(cx->arena, (str){ a.address, a.address_n });
		e = begin(cx, str_dup(cx->arena, (str){ a.email, a.email_n }));
		wipe(&a, sizeof a);
	}
	cx->address = address;
	*more = *more || q->count > 0;
	return e;
}

/* ---- having the link ------------------------------------------------------------------------------------------------ */

static enum err
find(struct ctx *cx, struct call *c)
{
	struct row row;
	bool found = false;
	str was;

	if (c->token.n > 0 && c->token.n <= TOKEN_MAX) {
		gate_mac(cx, "password_reset", c->token, S(""), c->hash);
		TRY(find_one(cx, &st_reset_get, ARGS(INT(cx->account), BYTES(((str){ (const char *)c->hash, GATE_KEY })), INT(cx->now)), &row, &found));
	}
	if (!found)
		return fail(cx, E_ABSENT, "token", "the link is over");
	was = str_dup(cx->arena, row_str(&row, 1));
	c->invited = row_int(&row, 2) != 0;
	TRY(user_load(cx, row_int(&row, 0), &c->u));
	TRY(store_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(c->u.id)), &row));
	c->who = standing_of(&row, 0);
	TRY(bind(cx, c));
	if (!c->who.active || was.n != GATE_KEY || CRYPTO_memcmp(was.p, c->bound, GATE_KEY) != 0)
		return fail(cx, E_ABSENT, "token", "the link is over");
	return OK;
}

enum err
password_reset_find(struct ctx *cx, str token, bool *code_needed, bool *invited)
{
	struct call c = { .token = token };
	struct factor f;

	TRY(find(cx, &c));
	TRY(factor_of(cx, c.u.id, &f));
	*code_needed = f.confirmed_at != 0;
	*invited = c.invited;
	return OK;
}

static enum err
take_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;
	struct changes ch;

	TRY(find(cx, c));
	TRY(store_exec(cx, &st_reset_drop, ARGS(INT(cx->account), INT(c->u.id), INT(cx->now)), NULL));
	TRY(store_exec(cx, &st_invite_drop, ARGS(INT(cx->account), INT(c->u.id)), NULL));
	TRY(credential_set(cx, c->u.id, c->u.key, c->encoded));
	TRY(sessions_end(cx, c->u.id, 0));
	TRY(oauth_end_user(cx, c->u.id));
	changes_init(cx, &ch, 3);
	changes_word(&ch, "password", NULL, "changed");
	changes_word(&ch, "sessions", NULL, "ended");
	changes_word(&ch, "oauth_tokens", NULL, "ended");
	TRY(trail_append(cx, &(struct event){ .action = "user.update", .object = "user", .id = c->u.id, .key = c->u.key,
	    .field = ch.field, .count = ch.count, .cause = c->invited ? "invitation" : "password_reset" }));
	return c->invited ? OK : password_told(cx, &c->u);
}

enum err
password_reset_take(struct ctx *cx, str token, sensitive fresh, str code, struct reset_taken *out, int *retry_after)
{
	struct call c = { .token = token };

	*retry_after = 0;
	TRY(find(cx, &c));
	if (password_wrong(cx, fresh) != NULL) {
		bad(cx, "password", "InvalidValue", password_wrong(cx, fresh));
		return bad_check(cx);
	}
	TRY(factor_pass(cx, c.u.id, c.u.email, code, retry_after));
	TRY(credential_hash(cx, fresh, &c.encoded));
	TRY(gate_as_user(cx, c.u.id, c.invited ? "invitation" : "password_reset"));      /* the change is theirs */
	*out = (struct reset_taken){ c.who.role != ROLE_END_USER, c.invited };
	return store_write(cx, take_tx, &c);
}

/* ---- invitations --------------------------------------------------------------------------------------------------- */

static struct invitation
invitation_of(const struct row *r)
{
	return (struct invitation){ .user_id = row_int(r, 0), .invited_at = row_int(r, 1), .expires_at = row_int(r, 2), .by_mail = row_int(r, 3) != 0 };
}

struct invite { struct call c; bool by_mail; struct invitation *out; };

static enum err
invite_tx(struct ctx *cx, void *arg)
{
	struct invite *v = arg;
	usec days = sign_in_setting(cx, SIGN_IN_INVITATION);
	struct row row;
	bool has;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(user_load(cx, v->c.u.id, &v->c.u));
	TRY(find_one(cx, &st_credential_get, ARGS(INT(cx->account), INT(v->c.u.id)), &row, &has));
	if (!v->c.u.active || v->c.u.suspended || v->c.u.role == ROLE_END_USER)
		bad(cx, "user_id", "InvalidValue", "User: is not somebody of the staff who may sign in");
	else if (v->c.u.email.hidden.n == 0)
		bad(cx, "user_id", "InvalidValue", "User: has no e-mail address");
	else if (has)
		bad(cx, "user_id", "InvalidValue", "User: has a password already; a forgotten one is set anew by its owner");
	TRY(bad_check(cx));
	TRY(bind(cx, &v->c));
	*v->out = (struct invitation){ v->c.u.id, cx->now, cx->now + days * 24 * 60 * MINUTE, v->by_mail };
	TRY(store_exec(cx, &st_invite_drop, ARGS(INT(cx->account), INT(v->c.u.id)), NULL));
	TRY(store_exec(cx, &st_reset_insert, ARGS(INT(cx->account), BYTES(((str){ (const char *)v->c.hash, GATE_KEY })), INT(v->c.u.id),
	    BYTES(((str){ (const char *)v->c.bound, GATE_KEY })), INT(v->out->expires_at), INT(cx->now), INT(v->by_mail)), NULL));
	TRY(trail_append(cx, &(struct event){ .action = "user.invite", .object = "user", .id = v->c.u.id, .key = v->c.u.key,
	    .field = (struct trail_field[]){ { .name = "by", .after = HIDE(v->by_mail ? S("mail") : S("hand")), .has_after = true } }, .count = 1 }));
	return v->by_mail ? gate_on_invited(cx, &v->c.u, v->c.token) : OK;
}

enum err
invitation_make(struct ctx *cx, int64_t user_id, bool by_mail, str *token, struct invitation *out)
{
	struct invite v = { .c = { .u = { .id = user_id }, .token = gate_secret(cx) }, .by_mail = by_mail, .out = out };
	enum err e;

	if (by_mail && gate_on_invited == NULL)
		return fail(cx, E_BUSY, NULL, "mail is not set up here");
	gate_mac(cx, "password_reset", v.c.token, S(""), v.c.hash);
	e = store_write(cx, invite_tx, &v);
	if (e == E_ABSENT) {
		fail_forget(cx);
		bad(cx, "user_id", "InvalidValue", "User: is not known");
		return bad_check(cx);
	}
	TRY(e);
	*token = v.c.token;
	return OK;
}

enum err
invitation_list(struct ctx *cx, struct invitation **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_all(cx, &st_invite_list, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct invitation, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = invitation_of(&rs.row[i]);
	*count = rs.count;
	return OK;
}

enum err
invitation_none(struct ctx *cx, int64_t **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_all(cx, &st_invite_none, ARGS(INT(cx->account), INT(ROLE_ADMIN), INT(ROLE_AGENT)), &rs));
	*out = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = row_int(&rs.row[i], 0);
	*count = rs.count;
	return OK;
}

/* Its link was for the address that was. */
enum err
invitation_over(struct ctx *cx, int64_t user_id)
{
	return store_exec(cx, &st_invite_over, ARGS(INT(cx->account), INT(user_id), INT(cx->now)), NULL);
}

static enum err
withdraw_tx(struct ctx *cx, void *arg)
{
	int64_t id = *(int64_t *)arg;
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(find_one(cx, &st_invite_of, ARGS(INT(cx->account), INT(id)), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "no such invitation");
	TRY(store_exec(cx, &st_invite_drop, ARGS(INT(cx->account), INT(id)), NULL));
	return trail_append(cx, &(struct event){ .action = "user.invite_withdraw", .object = "user", .id = id });
}

enum err
invitation_withdraw(struct ctx *cx, int64_t user_id)
{
	return store_write(cx, withdraw_tx, &user_id);
}
