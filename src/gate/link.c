/* link.c - requesters sign in without a password: a link by mail, and a code.
 *
 * Who asks gets a code of six digits on the screen, and a link goes to the
 * address. The link asks for the code, so a forwarded or stolen mail alone
 * opens nothing, and who only sees the screen needs the mailbox as well. A
 * link lives fifteen minutes, takes five wrong codes, works once; a newer one
 * voids the older ones of its person. Staff sign in with password and factor.
 */
#include <openssl/crypto.h>

#include "gate/inside.h"

#define LINK_FOR ((usec)15 * MINUTE)
#define TRIES_MAX 5

enum err (*gate_on_login_link)(struct ctx *cx, const struct user *u, str token);

const struct stmt st_link_insert = {
	.name = "link.insert",
	.sql  = "INSERT INTO login_link (account_id, hash, user_id, code, tries, expires_at) VALUES ($1, $2, $3, $4, 0, $5)",
	.in   = "ibibi",
};
const struct stmt st_link_get = {
	.name = "link.get",
	.sql  = "SELECT user_id, code, tries FROM login_link WHERE account_id = $1 AND hash = $2 AND expires_at > $3",
	.in   = "ibi", .out = "ibi",
};
const struct stmt st_link_try = {
	.name = "link.try",
	.sql  = "UPDATE login_link SET tries = tries + 1 WHERE account_id = $1 AND hash = $2",
	.in   = "ib",
};
const struct stmt st_link_drop = {
	.name = "link.drop",
	.sql  = "DELETE FROM login_link WHERE account_id = $1 AND (user_id = $2 OR expires_at <= $3)",
	.in   = "iii",
};

struct call {
	unsigned char hash[GATE_KEY], code[GATE_KEY];
	struct user u;
	str token;
	struct standing who;
	bool good;
};

static enum err
begin_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;

	TRY(store_exec(cx, &st_link_drop, ARGS(INT(cx->account), INT(c->u.id), INT(cx->now)), NULL));
	TRY(store_exec(cx, &st_link_insert, ARGS(INT(cx->account), BYTES(((str){ (const char *)c->hash, GATE_KEY })), INT(c->u.id),
	    BYTES(((str){ (const char *)c->code, GATE_KEY })), INT(cx->now + LINK_FOR)), NULL));
	TRY(trail_append(cx, &(struct event){ .action = "user.login_link", .object = "user", .id = c->u.id }));
	return gate_on_login_link(cx, &c->u, c->token);
}

enum err
login_link_begin(struct ctx *cx, str email, str *code)
{
	struct call c = { .good = false };
	unsigned char r[24];
	uint32_t n;
	enum err e;

	if (gate_on_login_link == NULL)
		return fail(cx, E_BUSY, NULL, "mail is not set up here");
	rand_bytes(r, sizeof r);
	memcpy(&n, r, sizeof n);
	*code = str_printf(cx->arena, "%06u", n % 1000000);
	c.token = base64url_of(cx->arena, (str){ (const char *)r + 4, 20 });
	gate_mac(cx, "login_link", c.token, S(""), c.hash);
	gate_mac(cx, "login_code", c.token, *code, c.code);
	e = user_by_email(cx, email, &c.u);
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;                    /* the page reads the same */
	}
	TRY(e);
	if (!c.u.active || c.u.suspended || c.u.role != ROLE_END_USER)
		return OK;
	return store_write(cx, begin_tx, &c);
}

static enum err
take_tx(struct ctx *cx, void *arg)
{
	struct call *c = arg;
	str hash = { (const char *)c->hash, GATE_KEY };
	struct row row;
	bool found;

	TRY(find_one(cx, &st_link_get, ARGS(INT(cx->account), BYTES(hash), INT(cx->now)), &row, &found));
	if (!found || row_int(&row, 2) >= TRIES_MAX)
		return OK;
	if (row_str(&row, 1).n != GATE_KEY || CRYPTO_memcmp(row_str(&row, 1).p, c->code, GATE_KEY) != 0)
		return store_exec(cx, &st_link_try, ARGS(INT(cx->account), BYTES(hash)), NULL);
	TRY(store_exec(cx, &st_link_drop, ARGS(INT(cx->account), INT(row_int(&row, 0)), INT(cx->now)), NULL));
	TRY(store_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(row_int(&row, 0))), &row));
	c->who = standing_of(&row, 0);
	c->good = c->who.active && c->who.role == ROLE_END_USER;
	return OK;
}

enum err
login_link_take(struct ctx *cx, str token, str code, str *cookie, str *csrf)
{
	struct call c = { .good = false };

	if (token.n == 0 || token.n > 64 || code.n == 0 || code.n > 16)
		return fail(cx, E_WHO, "code", "the link is over or the code is wrong");
	gate_mac(cx, "login_link", token, S(""), c.hash);
	gate_mac(cx, "login_code", token, code, c.code);
	TRY(store_write(cx, take_tx, &c));
	if (!c.good)
		return fail(cx, E_WHO, "code", "the link is over or the code is wrong");
	return session_start(cx, &c.who, true, cookie, csrf);
}
