/* auth.c - who is asking: passwords, sessions, tokens.
 *
 * What is presented is kept nowhere in clear. A token or a cookie is 32 random
 * bytes; the tables hold a keyed hash of it (HMAC-SHA-256 under the token key,
 * with a word in front so that one kind never passes for another), and a
 * password is kept as its Argon2id hash, sealed under its user's data key.
 *
 *   api_token.hash   mac("api_token" 0 token)
 *   session.hash     mac("session" 0 cookie)   (oauth.c tells of its own)
 *   CSRF token       base64url(mac("csrf" 0 cookie)), 32 characters: known to
 *                    who has the session's page, derivable only by us
 *   cache key        mac("basic" 0 folded e-mail 0 token), mac("bearer" 0 token),
 *                    session.hash
 *
 * A token is checked even while its address is locked out: it cannot be
 * guessed, and a machine that works must not stop because another one behind
 * the same address has a wrong token. A wrong one is refused either way. A
 * password is not looked at while locked.
 *
 * A session ends after a quarter of an hour without a request (45 CFR
 * 164.312(a)(2)(iii); setting "session_idle_minutes") and after twelve hours in
 * any case. The cache knows the last request; the table is told once a minute.
 */
#include <openssl/crypto.h>

#include "gate/authorization.h"
#include "gate/inside.h"
#include "gate/lockout.h"
#include "gate/oauth.h"

#define WHO_WHY   "Couldn't authenticate you"
#define LIMIT_WHY "Too many failed sign-ins, try again later"
enum { SECRET_BYTES = 32, SECRET_MAX = 512, CSRF_CHARS = 32 };

/* ---- SQL ------------------------------------------------------------------------------------------- */

const struct stmt st_credential_put = {
	.name = "credential.put",
	.sql  = "INSERT INTO credential (account_id, user_id, changed_at, password) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, user_id) DO UPDATE SET changed_at = excluded.changed_at,"
	        " password = excluded.password",
	.in   = "iiiS",
	.seal_in = { { "credential", "password", 1 } },
};

const struct stmt st_credential_get = {
	.name = "credential.get",
	.sql  = "SELECT user_id, password FROM credential WHERE account_id = $1 AND user_id = $2",
	.in   = "ii", .out = "iS",
	.seal_out = { { "credential", "password", 0 } },
};

const struct stmt st_credential_delete = {
	.name = "credential.delete",
	.sql  = "DELETE FROM credential WHERE account_id = $1 AND user_id = $2",
	.in   = "ii",
};

const struct stmt st_session_insert = {
	.name = "session.insert",
	.sql  = "INSERT INTO session (account_id, id, user_id, hash, created_at, seen_at, factored)"
	        " VALUES ($1, $2, $3, $4, $5, $5, $6)",
	.in   = "iiibii",
};

const struct stmt st_session_by_hash = {
	.name = "session.by_hash",
	.sql  = "SELECT s.id, s.created_at, s.seen_at, s.factored, " STANDING_COLS " FROM session s"
	        " JOIN users u ON u.account_id = s.account_id AND u.id = s.user_id"
	        " WHERE s.account_id = $1 AND s.hash = $2",
	.in   = "ib", .out = "iiii" STANDING_KINDS,
};

const struct stmt st_session_standing = {
	.name = "session.standing",
	.sql  = "SELECT s.created_at, s.seen_at, s.factored, " STANDING_COLS " FROM session s"
	        " JOIN users u ON u.account_id = s.account_id AND u.id = s.user_id"
	        " WHERE s.account_id = $1 AND s.id = $2",
	.in   = "ii", .out = "iii" STANDING_KINDS,
};

const struct stmt st_token_standing = {
	.name = "token.standing",
	.sql  = "SELECT t.active, t.read_only, " STANDING_COLS " FROM api_token t"
	        " JOIN users u ON u.account_id = t.account_id AND u.id = t.user_id"
	        " WHERE t.account_id = $1 AND t.id = $2",
	.in   = "ii", .out = "ii" STANDING_KINDS,
};

const struct stmt st_session_seen = {
	.name = "session.seen",
	.sql  = "UPDATE session SET seen_at = $3 WHERE account_id = $1 AND id = $2 AND seen_at < $3",
	.in   = "iii",
};

const struct stmt st_session_delete = {
	.name = "session.delete",
	.sql  = "DELETE FROM session WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt st_session_delete_user = {
	.name = "session.delete_user",
	.sql  = "DELETE FROM session WHERE account_id = $1 AND user_id = $2 AND id <> $3",
	.in   = "iii",
};

const struct stmt st_session_delete_old = {
	.name = "session.delete_old",
	.sql  = "DELETE FROM session WHERE account_id = $1 AND seen_at < $2",
	.in   = "ii",
};

const struct stmt st_user_logged_in = {
	.name = "user.logged_in",
	.sql  = "UPDATE users SET last_login_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

#define TOKEN_COLS "t.id, t.user_id, t.description, t.bearer, t.active, t.created_at, t.last_used_at"
#define TOKEN_KINDS "iiSiiii?"
#define TOKEN_SEAL .seal_out = { { "api_token", "description", 0 } }

const struct stmt st_token_insert = {
	.name = "token.insert",
	.sql  = "INSERT INTO api_token (account_id, id, user_id, hash, bearer, read_only, active, created_at,"
	        " description) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8)",
	.in   = "iiibiiiS",
	.seal_in = { { "api_token", "description", 1 } },
};

const struct stmt st_token_by_hash = {
	.name = "token.by_hash",
	.sql  = "SELECT t.id, t.bearer, t.read_only, t.active, t.created_at, t.last_used_at, t.scopes, t.expires_at, " STANDING_COLS
	        " FROM api_token t JOIN users u ON u.account_id = t.account_id AND u.id = t.user_id"
	        " WHERE t.account_id = $1 AND t.hash = $2",
	.in   = "ib", .out = "iiiiii?i?i?" STANDING_KINDS,
};

const struct stmt st_token_by_id = {
	.name = "token.by_id",
	.sql  = "SELECT " TOKEN_COLS " FROM api_token t WHERE t.account_id = $1 AND t.id = $2",
	.in   = "ii", .out = TOKEN_KINDS, TOKEN_SEAL,
};

const struct stmt st_token_used = {
	.name = "token.used",
	.sql  = "UPDATE api_token SET last_used_at = $3 WHERE account_id = $1 AND id = $2"
	        " AND (last_used_at IS NULL OR last_used_at < $3)",
	.in   = "iii",
};

const struct stmt st_token_list = {
	.name = "token.list",
	.sql  = "SELECT " TOKEN_COLS " FROM api_token t WHERE t.account_id = $1 ORDER BY t.id DESC LIMIT 1000",
	.in   = "i", .out = TOKEN_KINDS, TOKEN_SEAL,
};

const struct stmt st_token_revoke = {
	.name = "token.revoke",
	.sql  = "UPDATE api_token SET active = 0 WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt st_token_revoke_user = {
	.name = "token.revoke_user",
	.sql  = "UPDATE api_token SET active = 0 WHERE account_id = $1 AND user_id = $2 AND active = 1",
	.in   = "ii",
};

/* ---- keyed hashes -------------------------------------------------------------------------------------- */

void
gate_mac(struct ctx *cx, const char *kind, str a, str b, unsigned char out[GATE_KEY])
{
	struct buf buf;

	buf_init(&buf, cx->arena, 8 * KiB);
	buf_add(&buf, str_of(kind));
	buf_byte(&buf, 0);
	buf_add(&buf, a);
	if (b.n > 0) {
		buf_byte(&buf, 0);
		buf_add(&buf, b);
	}
	gate_crypto_of(cx)->mac(cx->sys, buf_str(&buf), out);
}

str
gate_secret(struct ctx *cx)
{
	unsigned char raw[SECRET_BYTES];
	str s;

	rand_bytes(raw, sizeof(raw));
	s = base64url_of(cx->arena, (str){ (const char *)raw, sizeof(raw) });
	wipe(raw, sizeof(raw));
	return s;
}

static str
csrf_of(struct ctx *cx, str cookie)
{
	unsigned char mac[GATE_KEY];

	gate_mac(cx, "csrf", cookie, S(""), mac);
	return str_sub(base64url_of(cx->arena, (str){ (const char *)mac, sizeof(mac) }), 0, CSRF_CHARS);
}

static enum err
need_crypto(struct ctx *cx)
{
	return gate_crypto_of(cx) != NULL ? OK : fail(cx, E_FAULT, NULL, "sign-in is not open");
}

/* ---- actors ------------------------------------------------------------------------------------------------ */

static struct actor *
actor_new(struct ctx *cx, const struct standing *who, const char *how)
{
	struct actor *a = NEW(cx->arena, struct actor, 1);

	*a = (struct actor){ .user_id = who->user_id, .role = who->role, .sees = who->sees,
		.organization_id = who->organization_id, .default_group_id = who->default_group_id, .how = how,
		.sees_phi = standing_sees_phi(cx, who), .limits = who->limits, .officer = who->officer };
	return a;
}

void
gate_as_system(struct ctx *cx, const char *how)
{
	struct actor *a = NEW(cx->arena, struct actor, 1);

	*a = (struct actor){ .role = ROLE_SYSTEM, .how = how, .sees_phi = true };
	cx->actor = a;
}

enum err
gate_as_user(struct ctx *cx, int64_t user_id, const char *how)
{
	struct standing who;
	struct row row;
	bool found;

	TRY(find_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(user_id)), &row, &found));
	who = found ? standing_of(&row, 0) : (struct standing){0};
	if (!who.active)
		return fail(cx, E_WHO, "user", WHO_WHY);
	cx->actor = actor_new(cx, &who, how);
	return OK;
}

/* ---- failures -------------------------------------------------------------------------------------------------- */

static void
lock_keys(struct ctx *cx, str address, str email, struct lock_keys *k)
{
	unsigned char mac[GATE_KEY];

	gate_mac(cx, "lock_address", address, S(""), mac);
	memcpy(k->key[LOCK_ADDRESS], mac, LOCK_KEY);
	gate_mac(cx, "lock_pair", address, email, mac);
	memcpy(k->key[LOCK_PAIR], mac, LOCK_KEY);
	gate_mac(cx, "lock_user", email, S(""), mac);
	memcpy(k->key[LOCK_USER], mac, LOCK_KEY);
}

struct failure {
	int64_t     user_id;       /* 0: not known */
	const char *reason;        /* fixed words */
	bool        record;        /* an event of its own */
	int         locked_for;    /* seconds, when it started a lock */
	int64_t     summary;       /* earlier failures to be summarised */
};

static enum err
failure_event(struct ctx *cx, const char *action, int64_t user_id, const char *name, str value)
{
	struct trail_field f = { .name = name, .after = HIDE(value), .has_after = true };

	return trail_append(cx, &(struct event){ .action = action, .object = "user", .id = user_id, .field = &f,
	    .count = 1 });
}

static enum err
failure_tx(struct ctx *cx, void *arg)
{
	const struct failure *f = arg;

	if (f->summary > 0)
		TRY(failure_event(cx, "user.login_failed", 0, "more_failures",
		    str_printf(cx->arena, "%lld", (long long)f->summary)));
	if (f->record)
		TRY(failure_event(cx, "user.login_failed", f->user_id, "reason", str_of(f->reason)));
	if (f->locked_for > 0)
		TRY(failure_event(cx, "user.locked", f->user_id, "seconds",
		    str_printf(cx->arena, "%d", f->locked_for)));
	return OK;
}

/* Records the failure as far as the flood rule lets it, and says E_WHO, or
 * E_LIMIT when it was not even looked at. */
static enum err
refuse(struct ctx *cx, const struct lock_keys *k, str address, struct failure *f, const char *field, int retry_after)
{
	f->record = lockout_report(gate_lockout(cx), k, address, cx->now, &f->summary);
	if (!f->record && retry_after > 0)
		f->locked_for = 0;
	if (f->record || f->summary > 0 || f->locked_for > 0)
		TRY(store_write(cx, failure_tx, f));
	return retry_after > 0 ? fail(cx, E_LIMIT, field, LIMIT_WHY) : fail(cx, E_WHO, field, WHO_WHY);
}

static enum err
summaries_tx(struct ctx *cx, void *arg UNUSED)
{
	char address[ADDRESS_TEXT];
	struct failure f = { .user_id = 0 };
	str was = cx->address;
	enum err e = OK;
	int from = 0;

	while (e == OK && lockout_due(gate_lockout(cx), cx->now, &from, address, &f.summary)) {
		cx->address = str_dup(cx->arena, str_of(address));
		e = failure_tx(cx, &f);
	}
	cx->address = was;
	return e;
}

/* What is written aside, and may fail without harm to the request. */
static void
aside(struct ctx *cx, tx_fn *fn, void *arg)
{
	bool clean = cx->fail.code == OK;

	if (store_write(cx, fn, arg) != OK && clean)
		fail_forget(cx);
}

/* ---- passwords ---------------------------------------------------------------------------------------------------- */

enum err
credential_hash(struct ctx *cx, sensitive password, str *encoded)
{
	TRY(need_crypto(cx));
	return gate_crypto_of(cx)->password_hash(cx, reveal(cx, password, TO_STORE), encoded);
}

enum err
credential_set(struct ctx *cx, int64_t user_id, int64_t key, str encoded)
{
	return store_exec(cx, &st_credential_put, ARGS(INT(cx->account), INT(user_id), INT(cx->now),
	    SEALED(key, HIDE(encoded))), NULL);
}

enum err
sessions_end(struct ctx *cx, int64_t user_id, int64_t except)
{
	gate_changed(cx);
	return store_exec(cx, &st_session_delete_user, ARGS(INT(cx->account), INT(user_id), INT(except)), NULL);
}

enum err
password_told(struct ctx *cx, const struct user *u)
{
	return gate_on_password_changed != NULL && u->email.hidden.n > 0 ? gate_on_password_changed(cx, u) : OK;
}

enum err
credential_end(struct ctx *cx, int64_t user_id)
{
	TRY(sessions_end(cx, user_id, 0));
	TRY(store_exec(cx, &st_token_revoke_user, ARGS(INT(cx->account), INT(user_id)), NULL));
	return store_exec(cx, &st_credential_delete, ARGS(INT(cx->account), INT(user_id)), NULL);
}

/* What a sign-in brings besides the password. */
struct second { str code; struct factor_taken taken; bool given; };

static enum err
second_tx(struct ctx *cx, void *arg)
{
	struct second *s = arg;

	return factor_take(cx, &s->taken, &s->given);
}

/* Who has a second factor must bring its code; NULL: good, else why not. */
static enum err
second_verify(struct ctx *cx, int64_t user_id, struct second *s, const char **why)
{
	struct factor f;

	*why = NULL;
	TRY(factor_of(cx, user_id, &f));
	if (f.confirmed_at == 0)
		return OK;
	*why = s->code.n == 0 ? "no code" : "wrong code";
	if (s->code.n == 0 || !factor_check(cx, user_id, &f, s->code, &s->taken))
		return OK;
	TRY(store_write(cx, second_tx, s));
	if (s->given)
		*why = NULL;
	return OK;
}

/* The same work whoever it is: one lookup and one Argon2id. `second`: NULL
 * where one's own password is asked for again. */
static enum err
password_verify(struct ctx *cx, str email, str password, struct second *second, struct standing *out, int *retry_after)
{
	const char *why = NULL;
	const struct gate_crypto *crypto = gate_crypto_of(cx);
	str folded = fold(cx, HIDE(email)).hidden, address = lockout_address(cx->arena, cx->address);
	struct failure f = { .reason = "unknown user" };
	struct standing who = {0};
	bool found, has = false, right = false;
	struct lock_keys k;
	struct row row;
	int starts;

	folded = str_sub(folded, 0, 254);
	lock_keys(cx, address, folded, &k);
	if (!lockout_begin(gate_lockout(cx), &k, cx->now, retry_after, &starts)) {
		f.reason = "locked out";
		return refuse(cx, &k, address, &f, "password", *retry_after);
	}
	TRY(find_one(cx, &st_identity_by_email, ARGS(INT(cx->account), BLIND(HIDE(folded))), &row, &found));
	if (found) {
		f.user_id = row_int(&row, 1);
		TRY(store_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(f.user_id)), &row));
		who = standing_of(&row, 0);
		TRY(find_one(cx, &st_credential_get, ARGS(INT(cx->account), INT(f.user_id)), &row, &has));
		f.reason = has ? "wrong password" : "no password set";
	}
	if (has && !row_erased(&row, 1) && password.n <= PASSWORD_MAX)
		right = crypto->password_check(reveal(cx, row_sensitive(&row, 1), TO_STORE), password);
	else
		crypto->password_waste(str_sub(password, 0, PASSWORD_MAX));
	if (right && who.active) {
		if (second != NULL)
			TRY(second_verify(cx, f.user_id, second, &why));
		if (why == NULL || second->code.n == 0)
			lockout_passed(gate_lockout(cx), &k);
		if (why == NULL) {
			*out = who;
			return OK;
		}
		if (second->code.n == 0)           /* no failure: the page asks for it now */
			return fail(cx, E_WHO, "code", WHO_WHY);
		f.reason = why;
		f.locked_for = starts;
		return refuse(cx, &k, address, &f, "code", 0);
	}
	if (right)
		f.reason = "suspended";
	f.locked_for = starts;
	return refuse(cx, &k, address, &f, "password", 0);
}

enum err
factor_pass(struct ctx *cx, int64_t user_id, sensitive email, str code, int *retry_after)
{
	str address = lockout_address(cx->arena, cx->address);
	struct failure f = { .user_id = user_id };
	struct second second = { .code = code };
	struct lock_keys k;
	struct factor has;

	*retry_after = 0;
	TRY(factor_of(cx, user_id, &has));
	if (has.confirmed_at == 0)
		return OK;
	if (code.n == 0)
		return fail(cx, E_WHO, "code", WHO_WHY);
	lock_keys(cx, address, str_sub(fold(cx, email).hidden, 0, 254), &k);
	if (!lockout_begin(gate_lockout(cx), &k, cx->now, retry_after, &f.locked_for)) {
		f.reason = "locked out";
		return refuse(cx, &k, address, &f, "code", *retry_after);
	}
	TRY(second_verify(cx, user_id, &second, &f.reason));
	if (f.reason != NULL)
		return refuse(cx, &k, address, &f, "code", 0);
	lockout_passed(gate_lockout(cx), &k);
	return OK;
}

enum err
reset_counted(struct ctx *cx, str email, int *retry_after)
{
	str address = lockout_address(cx->arena, cx->address);
	struct failure f = { .reason = "too many password resets" };
	struct lock_keys k;
	int starts;

	TRY(need_crypto(cx));
	lock_keys(cx, str_printf(cx->arena, "reset " STR_F, STR_A(address)), str_printf(cx->arena, "reset " STR_F, STR_A(email)), &k);
	if (lockout_begin(gate_lockout(cx), &k, cx->now, retry_after, &starts))
		return OK;
	return refuse(cx, &k, address, &f, "email", *retry_after);
}

/* ---- sessions -------------------------------------------------------------------------------------------------------- */

struct session_call {
	struct standing who;
	int64_t id;
	unsigned char hash[GATE_KEY];
	const char *cause;
	bool factored;
};

static enum err
session_create_tx(struct ctx *cx, void *arg)
{
	struct session_call *call = arg;
	struct trail_field f = { .name = "session_id", .has_after = true };
	int64_t id;

	TRY(store_next_id(cx, "session", &id));
	TRY(store_exec(cx, &st_session_insert, ARGS(INT(cx->account), INT(id), INT(call->who.user_id),
	    BYTES(((str){ (const char *)call->hash, GATE_KEY })), INT(cx->now), INT(call->factored)), NULL));
	TRY(store_exec(cx, &st_user_logged_in, ARGS(INT(cx->account), INT(call->who.user_id), INT(cx->now)), NULL));
	f.after = HIDE(str_printf(cx->arena, "%lld", (long long)id));
	TRY(trail_append(cx, &(struct event){ .action = "user.login", .object = "user", .id = call->who.user_id,
	    .field = &f, .count = 1 }));
	call->id = id;
	return OK;
}

enum err
session_start(struct ctx *cx, const struct standing *who, bool factored, str *cookie, str *csrf)
{
	struct session_call call = { .who = *who, .factored = factored };
	struct actor *a;
	str secret = gate_secret(cx);

	gate_mac(cx, "session", secret, S(""), call.hash);
	a = actor_new(cx, who, "session");
	cx->actor = a;                 /* the sign-in is theirs */
	TRY(store_write(cx, session_create_tx, &call));
	a->session_id = call.id;
	a->csrf = csrf_of(cx, secret);
	a->enrolling = !factored && factor_needed(cx, who->role, who->officer);
	*cookie = secret;
	*csrf = a->csrf;
	return OK;
}

enum err
session_create(struct ctx *cx, str email, sensitive password, str code, str *cookie, str *csrf, int *retry_after)
{
	struct second second = { .code = code };
	struct standing who;

	*retry_after = 0;
	TRY(need_crypto(cx));
	if (cx->actor == NULL)
		cx->actor = &gate_nobody;
	TRY(password_verify(cx, email, reveal(cx, password, TO_STORE), &second, &who, retry_after));
	return session_start(cx, &who, second.given, cookie, csrf);
}

enum err
password_ok(struct ctx *cx, str email, sensitive password, str code, struct standing *who, bool *factored, int *retry_after)
{
	struct second second = { .code = code };

	TRY(need_crypto(cx));
	TRY(password_verify(cx, email, reveal(cx, password, TO_STORE), &second, who, retry_after));
	*factored = second.given;
	return OK;
}

static enum err
session_end_tx(struct ctx *cx, void *arg)
{
	struct session_call *call = arg;
	struct trail_field f = { .name = "session_id", .has_before = true };
	int64_t gone;

	TRY(store_exec(cx, &st_session_delete, ARGS(INT(cx->account), INT(call->id)), &gone));
	gate_changed(cx);
	if (gone == 0)
		return OK;
	f.before = HIDE(str_printf(cx->arena, "%lld", (long long)call->id));
	return trail_append(cx, &(struct event){ .action = "user.logout", .object = "user", .id = call->who.user_id,
	    .field = &f, .count = 1, .cause = call->cause });
}

enum err
session_end(struct ctx *cx)
{
	struct session_call call = {0};

	if (is_nobody(cx->actor) || cx->actor->session_id == 0)
		return fail(cx, E_WHO, "session", WHO_WHY);
	call.id = cx->actor->session_id;
	call.who.user_id = cx->actor->user_id;
	return store_write(cx, session_end_tx, &call);
}

bool
session_csrf_ok(struct ctx *cx, str token)
{
	const struct actor *a = cx->actor;

	return a != NULL && a->csrf.n == CSRF_CHARS && token.n == a->csrf.n &&
	    CRYPTO_memcmp(a->csrf.p, token.p, token.n) == 0;
}

static enum err
session_seen_tx(struct ctx *cx, void *arg)
{
	return store_exec(cx, &st_session_seen, ARGS(INT(cx->account), INT(*(int64_t *)arg), INT(cx->now)), NULL);
}

static usec
idle_for(struct ctx *cx)
{
	return sign_in_setting(cx, SIGN_IN_IDLE) * MINUTE;
}

static usec
longest_for(struct ctx *cx)
{
	return sign_in_setting(cx, SIGN_IN_HOURS) * 60 * MINUTE;
}

static enum err
by_session(struct ctx *cx, str cookie)
{
	unsigned char key[GATE_KEY];
	struct session_call call = { .cause = "idle" };
	struct actor *a;
	struct row row;
	struct pass p;
	bool found;

	if (cookie.n > SECRET_MAX)
		return fail(cx, E_WHO, "session", WHO_WHY);
	gate_mac(cx, "session", cookie, S(""), key);
	if (!pass_get(cx, key, &p)) {
		usec seen_at = p.full ? p.seen_at : 0;

		p = (struct pass){ .gen = gate_generation(cx), .loaded_at = cx->now };
		memcpy(p.key, key, GATE_KEY);
		TRY(find_one(cx, &st_session_by_hash, ARGS(INT(cx->account),
		    BYTES(((str){ (const char *)key, GATE_KEY }))), &row, &found));
		if (!found)
			return fail(cx, E_WHO, "session", WHO_WHY);
		p.session_id = row_int(&row, 0);
		p.created_at = row_int(&row, 1);
		p.used_at = row_int(&row, 2);
		p.seen_at = p.used_at > seen_at ? p.used_at : seen_at;
		p.factored = row_int(&row, 3) != 0;
		p.who = standing_of(&row, 4);
		pass_put(cx, &p);
	}
	if (!p.who.active)
		return fail(cx, E_WHO, "session", WHO_WHY);
	if (cx->now - p.created_at >= longest_for(cx))
		call.cause = "age";
	if (cx->now - p.created_at >= longest_for(cx) || cx->now - p.seen_at >= idle_for(cx)) {
		call.id = p.session_id;
		call.who = p.who;
		TRY(store_write(cx, session_end_tx, &call));
		return fail(cx, E_WHO, "session", WHO_WHY);
	}
	a = actor_new(cx, &p.who, "session");
	a->session_id = p.session_id;
	a->csrf = csrf_of(cx, cookie);
	a->enrolling = !p.factored && factor_needed(cx, p.who.role, p.who.officer);
	cx->actor = a;
	if (pass_used(cx, key))
		aside(cx, session_seen_tx, &p.session_id);
	return OK;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------------ */

static enum err
token_used_tx(struct ctx *cx, void *arg)
{
	return store_exec(cx, &st_token_used, ARGS(INT(cx->account), INT(*(int64_t *)arg), INT(cx->now)), NULL);
}

/* Why not, in fixed words; NULL: *p is filled. */
static enum err
token_load(struct ctx *cx, const struct authorization *au, str folded, struct pass *p, const char **why)
{
	bool found, bearer = au->kind == AUTH_BEARER;
	unsigned char hash[GATE_KEY];
	int64_t named = 0;
	struct row row, named_row;

	gate_mac(cx, "api_token", au->secret, S(""), hash);
	*why = "unknown token";
	if (!bearer) {
		TRY(find_one(cx, &st_identity_by_email, ARGS(INT(cx->account), BLIND(HIDE(folded))), &named_row,
		    &found));
		named = found ? row_int(&named_row, 1) : 0;
		p->who.user_id = named;        /* for the event */
	}
	TRY(find_one(cx, &st_token_by_hash, ARGS(INT(cx->account), BYTES(((str){ (const char *)hash, GATE_KEY }))),
	    &row, &found));
	if (!found || (row_int(&row, 1) != 0) != bearer)
		return OK;
	p->token_id = row_int(&row, 0);
	p->read_only = row_int(&row, 2) != 0;
	p->created_at = row_int(&row, 4);
	p->used_at = row_int(&row, 5);
	p->seen_at = cx->now;
	p->scopes = row_null(&row, 6) ? SCOPES_ALL : (uint64_t)row_int(&row, 6);
	p->expires_at = row_int(&row, 7);
	p->who = standing_of(&row, 8);
	if (row_int(&row, 3) == 0)
		*why = "revoked token";
	else if (p->expires_at != 0 && p->expires_at <= cx->now)
		*why = "expired token";
	else if (!p->who.active)
		*why = "suspended";
	else if (!bearer && named != p->who.user_id)
		*why = "another user's token";
	else
		*why = NULL;
	return OK;
}

static enum err
by_token(struct ctx *cx, const struct authorization *au, int *retry_after)
{
	bool bearer = au->kind == AUTH_BEARER;
	str folded = bearer ? S("") : str_sub(fold(cx, HIDE(au->email)).hidden, 0, 254), address;
	unsigned char key[GATE_KEY];
	struct lock_keys k;
	const char *why;
	struct actor *a;
	struct pass p;

	if (bearer)
		gate_mac(cx, "bearer", au->secret, S(""), key);
	else
		gate_mac(cx, "basic", folded, au->secret, key);
	if (!pass_get(cx, key, &p) || (p.expires_at != 0 && p.expires_at <= cx->now)) {
		p = (struct pass){ .gen = gate_generation(cx), .loaded_at = cx->now };
		memcpy(p.key, key, GATE_KEY);
		TRY(token_load(cx, au, folded, &p, &why));
		if (why != NULL) {
			struct failure f = { .user_id = p.who.user_id, .reason = why };

			address = lockout_address(cx->arena, cx->address);
			lock_keys(cx, address, folded, &k);
			lockout_failed(gate_lockout(cx), &k, !bearer, cx->now, retry_after, &f.locked_for);
			return refuse(cx, &k, address, &f, "token", *retry_after);
		}
		pass_put(cx, &p);
	}
	a = actor_new(cx, &p.who, bearer ? "bearer" : "token");
	a->token_id = p.token_id;
	a->read_only = p.read_only;
	a->scoped = p.scopes != SCOPES_ALL;
	a->scopes = p.scopes;
	cx->actor = a;
	if (pass_used(cx, key))
		aside(cx, token_used_tx, &p.token_id);
	return OK;
}

enum err
client_refused(struct ctx *cx, const char *reason, int *retry_after)
{
	struct failure f = { .reason = reason };
	str address = lockout_address(cx->arena, cx->address);
	struct lock_keys k;

	lock_keys(cx, address, S(""), &k);
	lockout_failed(gate_lockout(cx), &k, false, cx->now, retry_after, &f.locked_for);
	return refuse(cx, &k, address, &f, "client", *retry_after);
}

enum err
gate_authenticate(struct ctx *cx, str authorization, str session_cookie, int *retry_after)
{
	struct authorization au;
	struct standing who;

	*retry_after = 0;
	cx->actor = &gate_nobody;
	TRY(need_crypto(cx));
	if (lockout_waiting(gate_lockout(cx), cx->now))
		aside(cx, summaries_tx, NULL);
	authorization_parse(cx->arena, authorization, &au);
	switch (au.kind) {
	case AUTH_TOKEN:
	case AUTH_BEARER:
		return by_token(cx, &au, retry_after);
	case AUTH_PASSWORD:
		if (!gate_setting_bool(cx, "api_password_access", false))
			return fail(cx, E_WHO, "password", WHO_WHY);
		TRY(password_verify(cx, au.email, au.secret, NULL, &who, retry_after));
		cx->actor = actor_new(cx, &who, "password");
		return OK;
	case AUTH_BAD:
		return fail(cx, E_WHO, "authorization", WHO_WHY);
	case AUTH_NONE:
		break;
	}
	return session_cookie.n > 0 ? by_session(cx, session_cookie) : OK;
}

enum err
gate_again(struct ctx *cx, const struct actor *was)
{
	struct standing who;
	struct actor *a;
	struct row row;
	bool found, read_only = false, factored = true;

	cx->actor = &gate_nobody;
	if (was->session_id != 0) {
		TRY(find_one(cx, &st_session_standing, ARGS(INT(cx->account), INT(was->session_id)), &row, &found));
		/* Uses are written once a minute, so the row may be that much behind. */
		if (!found || cx->now - row_int(&row, 0) >= longest_for(cx) || cx->now - row_int(&row, 1) >= idle_for(cx) + MINUTE)
			return fail(cx, E_WHO, "session", WHO_WHY);
		factored = row_int(&row, 2) != 0;
		who = standing_of(&row, 3);
	} else if (was->token_id != 0) {
		TRY(find_one(cx, &st_token_standing, ARGS(INT(cx->account), INT(was->token_id)), &row, &found));
		if (!found || row_int(&row, 0) == 0)
			return fail(cx, E_WHO, "token", WHO_WHY);
		read_only = row_int(&row, 1) != 0;
		who = standing_of(&row, 2);
	} else {
		TRY(find_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(was->user_id)), &row, &found));
		who = found ? standing_of(&row, 0) : (struct standing){0};
	}
	if (!who.active || who.user_id != was->user_id)
		return fail(cx, E_WHO, "user", WHO_WHY);
	a = actor_new(cx, &who, was->how);
	a->session_id = was->session_id;
	a->token_id = was->token_id;
	a->read_only = read_only;
	a->enrolling = was->session_id != 0 && !factored && factor_needed(cx, who.role, who.officer);
	cx->actor = a;
	return OK;
}

struct token_call {
	int64_t user_id, id;
	str description;
	bool bearer, read_only;
	unsigned char hash[GATE_KEY];
	struct api_token *out;
};

static enum err
token_create_tx(struct ctx *cx, void *arg)
{
	struct token_call *call = arg;
	struct user u;
	struct changes c;
	int64_t id;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(user_load(cx, call->user_id, &u));
	if (!u.active || u.suspended) {
		bad(cx, "user_id", "InvalidValue", "User: is not active");
		return bad_check(cx);
	}
	TRY(store_next_id(cx, "token", &id));
	TRY(store_exec(cx, &st_token_insert, ARGS(INT(cx->account), INT(id), INT(u.id),
	    BYTES(((str){ (const char *)call->hash, GATE_KEY })), INT(call->bearer), INT(call->read_only),
	    INT(cx->now), SEALED(u.key, HIDE(call->description))), NULL));
	changes_init(cx, &c, 4);
	changes_int(cx, &c, "user_id", 0, u.id);
	changes_text(&c, "description", HIDE(S("")), HIDE(call->description));
	changes_word(&c, "kind", NULL, call->bearer ? "bearer" : "api");
	changes_word(&c, "scope", NULL, call->read_only ? "read" : "read write");
	TRY(trail_append(cx, &(struct event){ .action = "token.create", .object = "token", .id = id, .parent = u.id,
	    .key = u.key, .field = c.field, .count = c.count }));
	*call->out = (struct api_token){ .id = id, .user_id = u.id, .description = call->description,
		.created_at = cx->now, .active = true, .bearer = call->bearer };
	return OK;
}

enum err
token_create(struct ctx *cx, int64_t user_id, str description, bool bearer, bool read_only, str *clear,
    struct api_token *out)
{
	struct token_call call = { .user_id = user_id, .description = description, .bearer = bearer,
		.read_only = read_only, .out = out };
	str secret;

	TRY(need_crypto(cx));
	if (description.n > 255 || !utf8_valid(description)) {
		bad(cx, "description", "InvalidValue", "Description: is too long (maximum is 255 bytes)");
		return bad_check(cx);
	}
	secret = gate_secret(cx);
	gate_mac(cx, "api_token", secret, S(""), call.hash);
	TRY(store_write(cx, token_create_tx, &call));
	*clear = secret;
	return OK;
}

static struct api_token
token_of(struct ctx *cx, const struct row *r)
{
	return (struct api_token){ .id = row_int(r, 0), .user_id = row_int(r, 1),
		.description = reveal(cx, row_sensitive(r, 2), TO_STORE), .bearer = row_int(r, 3) != 0,
		.active = row_int(r, 4) != 0, .created_at = row_int(r, 5), .last_used_at = row_int(r, 6) };
}

enum err
token_list(struct ctx *cx, struct api_token **out, int *count)
{
	struct api_token *t;
	struct rows rows;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_all(cx, &st_token_list, ARGS(INT(cx->account)), &rows));
	t = NEW(cx->arena, struct api_token, (size_t)rows.count + 1);
	for (int i = 0; i < rows.count; i++)
		t[i] = token_of(cx, &rows.row[i]);
	*out = t;
	*count = rows.count;
	return OK;
}

static enum err
token_revoke_tx(struct ctx *cx, void *arg)
{
	int64_t id = *(int64_t *)arg;
	struct changes c;
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(find_one(cx, &st_token_by_id, ARGS(INT(cx->account), INT(id)), &row, &found));
	if (!found || row_int(&row, 4) == 0)
		return fail(cx, E_ABSENT, NULL, "Not found");
	TRY(store_exec(cx, &st_token_revoke, ARGS(INT(cx->account), INT(id)), NULL));
	gate_changed(cx);
	changes_init(cx, &c, 1);
	changes_word(&c, "active", "true", "false");
	return trail_append(cx, &(struct event){ .action = "token.revoke", .object = "token", .id = id,
	    .parent = row_int(&row, 1), .field = c.field, .count = c.count });
}

enum err
token_revoke(struct ctx *cx, int64_t id)
{
	return store_write(cx, token_revoke_tx, &id);
}

/* ---- one's own password, and the minute's work --------------------------------------------------------------------------- */

struct password_call { struct user u; str encoded; };

static enum err
password_change_tx(struct ctx *cx, void *arg)
{
	struct password_call *call = arg;
	struct changes c;

	TRY(credential_set(cx, call->u.id, call->u.key, call->encoded));
	TRY(sessions_end(cx, call->u.id, cx->actor->session_id));
	changes_init(cx, &c, 1);
	changes_word(&c, "password", "set", "changed");
	TRY(trail_append(cx, &(struct event){ .action = "user.update", .object = "user", .id = call->u.id,
	    .key = call->u.key, .field = c.field, .count = c.count }));
	return password_told(cx, &call->u);
}

enum err
password_change(struct ctx *cx, sensitive previous, sensitive fresh, int *retry_after)
{
	struct password_call call;
	struct standing who;

	*retry_after = 0;
	TRY(need_crypto(cx));
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (cx->actor->user_id == 0 || cx->actor->read_only)
		return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
	if (password_wrong(cx, fresh) != NULL) {
		bad(cx, "password", "InvalidValue", password_wrong(cx, fresh));
		return bad_check(cx);
	}
	TRY(user_load(cx, cx->actor->user_id, &call.u));
	TRY(password_verify(cx, reveal(cx, call.u.email, TO_STORE), reveal(cx, previous, TO_STORE), NULL, &who, retry_after));
	TRY(credential_hash(cx, fresh, &call.encoded));
	return store_write(cx, password_change_tx, &call);
}

static enum err
sessions_tidy_tx(struct ctx *cx, void *arg UNUSED)
{
	TRY(oauth_tidy(cx));
	return store_exec(cx, &st_session_delete_old, ARGS(INT(cx->account),
	    INT(cx->now - (SESSION_MAX_FOR + idle_for(cx)))), NULL);
}

enum err
gate_tick(struct ctx *cx)
{
	TRY(need_crypto(cx));
	TRY(store_write(cx, summaries_tx, NULL));
	return store_write(cx, sessions_tidy_tx, NULL);
}
