/* factor.c - the second factor of staff: time-based codes (RFC 6238, SHA-1, 30
 * seconds, six digits, as every authenticator app has them) and ten recovery
 * codes.
 *
 * A code is good in its own step and one step either side, and never twice:
 * the step of the last one taken is kept, written in the transaction of the
 * sign-in. Staff without a factor get a session that may do nothing but set
 * one up (actor.enrolling). The setting "staff_second_factor", when off, lets
 * agents do without; administrators and compliance officers never.
 * API tokens need none: they are a secret of a machine. The secret is sealed
 * under the user's key; recovery codes are kept as keyed hashes.
 */
#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "gate/inside.h"

#define STEP 30
#define DIGITS 6
#define SECRET_BYTES 20            /* RFC 4226 R6: 160 bits recommended */
#define RECOVERY_COUNT 10
#define KIND_TOTP 1

const struct stmt st_factor_get = {
	.name = "factor.get",
	.sql  = "SELECT user_id, secret, confirmed_at, last_step, created_at FROM factor"
	        " WHERE account_id = $1 AND user_id = $2 AND kind = 1",
	.in   = "ii", .out = "iSi?ii",
	.seal_out = { { "factor", "secret", 0 } },
};
const struct stmt st_factor_missing = {
	.name = "factor.missing",
	.sql  = "SELECT count(*), coalesce(sum(CASE WHEN u.role = $2 OR coalesce(" ROLE_COL("officer") ", 0) <> 0 THEN 1 ELSE 0 END), 0)"
	        " FROM users u WHERE u.account_id = $1 AND u.role IN ($2, $3) AND u.active = 1 AND u.suspended = 0 AND NOT EXISTS"
	        " (SELECT 1 FROM factor f WHERE f.account_id = u.account_id AND f.user_id = u.id AND f.confirmed_at IS NOT NULL)",
	.in   = "iii", .out = "ii",
};
const struct stmt st_factor_put = {
	.name = "factor.put",
	.sql  = "INSERT INTO factor (account_id, user_id, kind, confirmed_at, last_step, created_at, secret)"
	        " VALUES ($1, $2, 1, $3, $4, $5, $6) ON CONFLICT (account_id, user_id, kind) DO UPDATE SET"
	        " confirmed_at = excluded.confirmed_at, last_step = excluded.last_step,"
	        " created_at = excluded.created_at, secret = excluded.secret",
	.in   = "iii?iiS",
	.seal_in = { { "factor", "secret", 1 } },
};
/* Nothing is changed when another request took the same code a moment before. */
const struct stmt st_factor_step = {
	.name = "factor.step",
	.sql  = "UPDATE factor SET last_step = $3, confirmed_at = coalesce(confirmed_at, $4)"
	        " WHERE account_id = $1 AND user_id = $2 AND kind = 1 AND last_step < $3",
	.in   = "iiii",
};
const struct stmt st_factor_delete = {
	.name = "factor.delete",
	.sql  = "DELETE FROM factor WHERE account_id = $1 AND user_id = $2",
	.in   = "ii",
};
const struct stmt st_recovery_put = {
	.name = "recovery.put",
	.sql  = "INSERT INTO recovery_code (account_id, user_id, hash) VALUES ($1, $2, $3)",
	.in   = "iib",
};
const struct stmt st_recovery_take = {
	.name = "recovery.take",
	.sql  = "DELETE FROM recovery_code WHERE account_id = $1 AND user_id = $2 AND hash = $3",
	.in   = "iib",
};
const struct stmt st_recovery_count = {
	.name = "recovery.count",
	.sql  = "SELECT count(*) FROM recovery_code WHERE account_id = $1 AND user_id = $2",
	.in   = "ii", .out = "i",
};
const struct stmt st_recovery_delete = {
	.name = "recovery.delete",
	.sql  = "DELETE FROM recovery_code WHERE account_id = $1 AND user_id = $2",
	.in   = "ii",
};
const struct stmt st_session_factored = {
	.name = "session.factored",
	.sql  = "UPDATE session SET factored = 1 WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

/* ---- codes --------------------------------------------------------------------------------------------- */

/* The step whose code this is, or 0. All three are computed whatever matches. */
static int64_t
step_of(str secret, str code, int64_t after, usec now)
{
	int64_t at = now / SECOND / STEP, found = 0;
	char want[DIGITS + 1];

	if (code.n != DIGITS)
		return 0;
	for (int64_t s = at - 1; s <= at + 1; s++) {
		if (oath_totp_generate(secret.p, secret.n, (time_t)(s * STEP), STEP, 0, DIGITS, want) != OATH_OK)
			return 0;
		if (CRYPTO_memcmp(want, code.p, DIGITS) == 0 && s > after)
			found = s;
	}
	OPENSSL_cleanse(want, sizeof want);
	return found;
}

/* Digits and letters as typed: blanks and dashes do not count, case neither. */
static str
code_fold(struct ctx *cx, str typed)
{
	char *p = NEW(cx->arena, char, typed.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < typed.n && i < 64; i++) {
		char c = typed.p[i];
		if (c != ' ' && c != '-')
			p[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return (str){ p, n };
}

static void
recovery_hash(struct ctx *cx, int64_t user_id, str code, unsigned char out[GATE_KEY])
{
	gate_mac(cx, "recovery_code", str_printf(cx->arena, "%lld", (long long)user_id), code, out);
}

enum err
factor_of(struct ctx *cx, int64_t user_id, struct factor *out)
{
	struct row row;
	bool found;

	*out = (struct factor){ 0 };
	TRY(find_one(cx, &st_factor_get, ARGS(INT(cx->account), INT(user_id)), &row, &found));
	if (found && !row_erased(&row, 1)) {
		out->begun = true;
		out->secret = reveal(cx, row_sensitive(&row, 1), TO_STORE);
		out->confirmed_at = row_int(&row, 2);
		out->last_step = row_int(&row, 3);
	}
	TRY(store_one(cx, &st_recovery_count, ARGS(INT(cx->account), INT(user_id)), &row));
	out->recovery_left = (int)row_int(&row, 0);
	return OK;
}

bool
factor_needed(struct ctx *cx, enum role role, bool officer)
{
	return role == ROLE_ADMIN || (role == ROLE_AGENT && (officer || gate_setting_bool(cx, "staff_second_factor", true)));
}

bool
factor_check(struct ctx *cx, int64_t user_id, const struct factor *f, str typed, struct factor_taken *out)
{
	str code = code_fold(cx, typed);

	*out = (struct factor_taken){ .user_id = user_id };
	out->step = step_of(f->secret, code, f->last_step, cx->now);
	if (out->step == 0 && code.n > DIGITS) {
		recovery_hash(cx, user_id, code, out->recovery);
		out->by_recovery = true;
	}
	return out->step != 0 || out->by_recovery;
}

enum err
factor_take(struct ctx *cx, const struct factor_taken *t, bool *good)
{
	int64_t n = 0;

	if (t->by_recovery)
		TRY(store_exec(cx, &st_recovery_take, ARGS(INT(cx->account), INT(t->user_id),
		    BYTES(((str){ (const char *)t->recovery, GATE_KEY }))), &n));
	else
		TRY(store_exec(cx, &st_factor_step, ARGS(INT(cx->account), INT(t->user_id), INT(t->step), INT(cx->now)), &n));
	*good = n == 1;
	return OK;
}

enum err
factor_state(struct ctx *cx, int64_t user_id, struct factor_state *out)
{
	struct factor f;
	struct user u;
	bool known, officer = false;

	TRY(user_load(cx, user_id, &u));
	if (u.custom_role_id != 0)
		TRY(role_known(cx, u.custom_role_id, &known, &officer));
	TRY(factor_of(cx, user_id, &f));
	*out = (struct factor_state){ .set = f.confirmed_at != 0, .begun = f.begun, .needed = factor_needed(cx, u.role, officer),
	    .set_at = f.confirmed_at, .recovery_left = f.recovery_left };
	return OK;
}

enum err
factor_missing(struct ctx *cx, struct factor_missing *out)
{
	struct row row;

	TRY(gate_may(cx, MAY_READ_POSTURE, NULL));
	TRY(store_one(cx, &st_factor_missing, ARGS(INT(cx->account), INT(ROLE_ADMIN), INT(ROLE_AGENT)), &row));
	*out = (struct factor_missing){ .staff = row_int(&row, 0), .admins = row_int(&row, 1) };
	return OK;
}

/* ---- setting one up ------------------------------------------------------------------------------------- */

struct call {
	int64_t user_id, session_id;
	str     secret;
	struct factor_taken taken;
	unsigned char (*hash)[GATE_KEY];
	bool    confirmed, good;
	const char *action;
};

static enum err
event(struct ctx *cx, const char *action, int64_t user_id, const char *name, const char *before, const char *after)
{
	struct changes c;

	changes_init(cx, &c, 1);
	changes_word(&c, name, before, after);
	return trail_append(cx, &(struct event){ .action = action, .object = "user", .id = user_id, .field = c.field, .count = c.count });
}

/* Ten codes of 50 bits, "abcde-fghij", as a person can copy them. */
static enum err
recovery_new(struct ctx *cx, int64_t user_id, str **codes, unsigned char (**hash)[GATE_KEY])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789x";       /* 32, without l, o, i, 0, 1 */
	unsigned char r[10];
	char text[12];

	*codes = NEW(cx->arena, str, RECOVERY_COUNT);
	*hash = arena_alloc(cx->arena, GATE_KEY, RECOVERY_COUNT, 1);
	for (int i = 0; i < RECOVERY_COUNT; i++) {
		rand_bytes(r, sizeof r);
		for (int k = 0, n = 0; k < 10; k++) {
			if (k == 5)
				text[n++] = '-';
			text[n++] = letters[r[k] & 31];
		}
		(*codes)[i] = str_dup(cx->arena, (str){ text, 11 });
		recovery_hash(cx, user_id, code_fold(cx, (*codes)[i]), (*hash)[i]);
	}
	OPENSSL_cleanse(r, sizeof r);
	return OK;
}

static enum err
recovery_store(struct ctx *cx, int64_t user_id, unsigned char (*hash)[GATE_KEY])
{
	TRY(store_exec(cx, &st_recovery_delete, ARGS(INT(cx->account), INT(user_id)), NULL));
	for (int i = 0; i < RECOVERY_COUNT; i++)
		TRY(store_exec(cx, &st_recovery_put, ARGS(INT(cx->account), INT(user_id),
		    BYTES(((str){ (const char *)hash[i], GATE_KEY }))), NULL));
	return OK;
}

/* A person at the screen, or the command line for somebody. */
static enum err
own(struct ctx *cx)
{
	TRY(gate_may(cx, MAY_OWN_FACTOR, NULL));
	if (cx->actor->session_id == 0)
		return fail(cx, E_DENIED, NULL, "a second factor is set up by the person who signs in");
	return OK;
}

static enum err
begin_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;
	struct user u;

	TRY(user_load(cx, c->user_id, &u));
	TRY(store_exec(cx, &st_factor_put, ARGS(INT(cx->account), INT(u.id), c->confirmed ? INT(cx->now) : NIL, INT(0), INT(cx->now),
	    SEALED(u.key, HIDE(c->secret))), NULL));
	if (c->hash != NULL)
		TRY(recovery_store(cx, u.id, c->hash));
	return event(cx, "user.factor_begin", u.id, "totp", NULL, c->confirmed ? "set" : "begun");
}

static enum err
secret_make(struct ctx *cx, int64_t user_id, struct call *c, str *base32, str *uri)
{
	unsigned char raw[SECRET_BYTES];
	struct user u;
	struct buf b;
	char *text = NULL;
	size_t n = 0;

	TRY(user_load(cx, user_id, &u));
	rand_bytes(raw, sizeof raw);
	if (oath_base32_encode((const char *)raw, sizeof raw, &text, &n) != OATH_OK)
		return fail(cx, E_FAULT, NULL, "no secret could be made");
	*base32 = str_dup(cx->arena, (str){ text, n });
	OPENSSL_cleanse(text, n);
	free(text);
	*c = (struct call){ .user_id = user_id, .secret = str_dup(cx->arena, (str){ (const char *)raw, sizeof raw }) };
	OPENSSL_cleanse(raw, sizeof raw);
	buf_init(&b, cx->arena, 4 * KiB);
	buf_add(&b, S("otpauth://totp/Ward:"));
	buf_percent(&b, reveal(cx, u.email, TO_STORE));
	buf_fmt(&b, "?secret=" STR_F "&issuer=Ward", STR_A(*base32));
	*uri = buf_str(&b);
	return OK;
}

enum err
factor_begin(struct ctx *cx, str *base32, str *uri)
{
	struct factor f;
	struct call c;

	TRY(own(cx));
	TRY(factor_of(cx, cx->actor->user_id, &f));
	if (f.confirmed_at != 0)
		return fail(cx, E_CONFLICT, "totp", "there is a second factor already; end it first");
	TRY(secret_make(cx, cx->actor->user_id, &c, base32, uri));
	return store_write(cx, begin_tx, &c);
}

static enum err
confirm_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;

	TRY(factor_take(cx, &c->taken, &c->good));
	if (!c->good)
		return OK;
	if (c->hash != NULL)
		TRY(recovery_store(cx, c->user_id, c->hash));
	TRY(store_exec(cx, &st_session_factored, ARGS(INT(cx->account), INT(c->session_id)), NULL));
	gate_changed(cx);
	return event(cx, c->action, c->user_id, c->confirmed ? "recovery_codes" : "totp", NULL, "set");
}

/* Both want a code that is good now. */
static enum err
with_code(struct ctx *cx, str code, bool confirmed, const char *action, str **codes, int *count)
{
	struct call c = { .user_id = cx->actor->user_id, .session_id = cx->actor->session_id, .confirmed = confirmed, .action = action };
	struct factor f;

	TRY(factor_of(cx, c.user_id, &f));
	if (!f.begun || (f.confirmed_at != 0) != confirmed)
		return fail(cx, E_ABSENT, "totp", "no second factor is being set up");
	TRY(recovery_new(cx, c.user_id, codes, &c.hash));
	c.good = factor_check(cx, c.user_id, &f, code, &c.taken) && !c.taken.by_recovery;
	if (c.good)
		TRY(store_write(cx, confirm_tx, &c));
	if (!c.good) {
		bad(cx, "code", "InvalidValue", "Code: is wrong, too old, or was used already");
		return bad_check(cx);
	}
	*count = RECOVERY_COUNT;
	return OK;
}

enum err
factor_confirm(struct ctx *cx, str code, str **codes, int *count)
{
	TRY(own(cx));
	return with_code(cx, code, false, "user.factor_set", codes, count);
}

enum err
factor_recovery_new(struct ctx *cx, str code, str **codes, int *count)
{
	TRY(own(cx));
	return with_code(cx, code, true, "user.recovery_codes", codes, count);
}

static enum err
remove_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;
	int64_t n;

	if (c->taken.user_id != 0) {
		TRY(factor_take(cx, &c->taken, &c->good));
		if (!c->good)
			return OK;
	}
	TRY(store_exec(cx, &st_factor_delete, ARGS(INT(cx->account), INT(c->user_id)), &n));
	TRY(store_exec(cx, &st_recovery_delete, ARGS(INT(cx->account), INT(c->user_id)), NULL));
	if (n == 0)
		return fail(cx, E_ABSENT, NULL, "Not found");
	TRY(sessions_end(cx, c->user_id, 0));
	return event(cx, "user.factor_end", c->user_id, "totp", "set", NULL);
}

enum err
factor_end(struct ctx *cx, str code)
{
	struct call c = { .user_id = cx->actor != NULL ? cx->actor->user_id : 0 };
	struct factor f;

	TRY(own(cx));
	TRY(factor_of(cx, c.user_id, &f));
	if (f.confirmed_at == 0)
		return fail(cx, E_ABSENT, NULL, "Not found");
	c.good = factor_check(cx, c.user_id, &f, code, &c.taken);
	if (c.good)
		TRY(store_write(cx, remove_tx, &c));
	if (!c.good) {
		bad(cx, "code", "InvalidValue", "Code: is wrong, too old, or was used already");
		return bad_check(cx);
	}
	return OK;
}

enum err
factor_reset(struct ctx *cx, int64_t user_id)
{
	struct call c = { .user_id = user_id };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	return store_write(cx, remove_tx, &c);
}

enum err
factor_issue(struct ctx *cx, int64_t user_id, str *base32, str *uri, str **codes, int *count)
{
	struct call c;

	if (cx->actor == NULL || cx->actor->role != ROLE_SYSTEM)
		return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
	TRY(secret_make(cx, user_id, &c, base32, uri));
	TRY(recovery_new(cx, user_id, codes, &c.hash));
	c.confirmed = true;
	*count = RECOVERY_COUNT;
	return store_write(cx, begin_tx, &c);
}
