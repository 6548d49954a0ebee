/* oauth.c - clients, consent, codes, tokens.
 *
 *   oauth_client.secret   mac("oauth_secret" 0 secret)
 *   oauth_code.hash       mac("oauth_code" 0 code); .redirect: mac("oauth_redirect" 0 uri)
 *   api_token.hash        mac("api_token" 0 token), as every token's
 *   api_token.refresh     mac("oauth_refresh" 0 refresh token)
 *
 * A code is good for 120 seconds and once; it is bound to its client, its
 * redirect address and, for public clients always, to a verifier (RFC 7636
 * 4.6, S256 only). A second use ends what the first one got (RFC 6749 4.1.2).
 * A refresh token is good once, too: a used one that comes back is somebody
 * else's copy, and all tokens of its consent end (RFC 9700 4.14.2). What a
 * token may is the least of its scopes and of its user, who is looked at
 * anew with each request.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "gate/inside.h"
#include "gate/oauth.h"

#define CODE_FOR    ((usec)120 * SECOND)
#define ACCESS_FOR  1800                       /* seconds */
#define REFRESH_FOR 2592000
enum { HINT = 10, REDIRECTS_MAX = 50, URI_MAX = 2000, CLIENTS_MAX = 1000 };

/* ---- SQL -------------------------------------------------------------------------------------------- */

#define CLIENT "id, key_id, user_id, confidential, secret, secret_hint, created_at, updated_at, doc"
#define CLIENT_KINDS "iiiibtiiS"
#define CLIENT_SEAL .seal_out = { { "oauth_client", "doc", 0 } }

const struct stmt st_client_insert = {
	.name = "oauth_client.insert",
	.sql  = "INSERT INTO oauth_client (account_id, id, key_id, user_id, confidential, identifier_x, secret, secret_hint, created_at,"
	        " updated_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
	.in   = "iiiiiXbtiS", .blind = { "oauth_client.identifier" }, .seal_in = { { "oauth_client", "doc", 1 } },
};
const struct stmt st_client_update = {
	.name = "oauth_client.update",
	.sql  = "UPDATE oauth_client SET user_id = $3, confidential = $4, identifier_x = $5, secret = $6, secret_hint = $7, updated_at = $8,"
	        " doc = $9 WHERE account_id = $1 AND id = $2",
	.in   = "iiiiXbtiS", .blind = { "oauth_client.identifier" }, .seal_in = { { "oauth_client", "doc", 1 } },
};
const struct stmt st_client_delete = {
	.name = "oauth_client.delete", .sql = "DELETE FROM oauth_client WHERE account_id = $1 AND id = $2", .in = "ii",
};
const struct stmt st_client_by_id = {
	.name = "oauth_client.by_id", .sql = "SELECT " CLIENT " FROM oauth_client WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = CLIENT_KINDS, CLIENT_SEAL,
};
const struct stmt st_client_by_name = {
	.name = "oauth_client.by_identifier", .sql = "SELECT " CLIENT " FROM oauth_client WHERE account_id = $1 AND identifier_x = $2",
	.in   = "iX", .out = CLIENT_KINDS, .blind = { "oauth_client.identifier" }, CLIENT_SEAL,
};
/* $2 user or 0, $3 < id < $4, $5 limit, $6 offset */
#define CLIENT_PAGE "SELECT " CLIENT " FROM oauth_client WHERE account_id = $1 AND ($2 = 0 OR user_id = $2) AND id > $3 AND id < $4 ORDER BY id"
const struct stmt st_client_up = {
	.name = "oauth_client.page_up", .sql = CLIENT_PAGE " LIMIT $5 OFFSET $6", .in = "iiiiii", .out = CLIENT_KINDS, CLIENT_SEAL,
};
const struct stmt st_client_down = {
	.name = "oauth_client.page_down", .sql = CLIENT_PAGE " DESC LIMIT $5 OFFSET $6", .in = "iiiiii", .out = CLIENT_KINDS, CLIENT_SEAL,
};
const struct stmt st_client_count = {
	.name = "oauth_client.count", .sql = "SELECT count(*) FROM oauth_client WHERE account_id = $1 AND ($2 = 0 OR user_id = $2)",
	.in   = "ii", .out = "i",
};

const struct stmt st_code_insert = {
	.name = "oauth_code.insert",
	.sql  = "INSERT INTO oauth_code (account_id, hash, grant_id, client_id, user_id, scopes, redirect, challenge, created_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	.in   = "ibiiiibti",
};
const struct stmt st_code_get = {
	.name = "oauth_code.get",
	.sql  = "SELECT grant_id, client_id, user_id, scopes, redirect, challenge, created_at, used_at FROM oauth_code"
	        " WHERE account_id = $1 AND hash = $2",
	.in   = "ib", .out = "iiiibtii?",
};
const struct stmt st_code_use = {
	.name = "oauth_code.use", .sql = "UPDATE oauth_code SET used_at = $3 WHERE account_id = $1 AND hash = $2", .in = "ibi",
};
const struct stmt st_code_tidy = {
	.name = "oauth_code.tidy", .sql = "DELETE FROM oauth_code WHERE account_id = $1 AND created_at < $2", .in = "ii",
};

const struct stmt st_otoken_insert = {
	.name = "oauth_token.insert",
	.sql  = "INSERT INTO api_token (account_id, id, user_id, hash, bearer, read_only, active, created_at, description, client_id, grant_id,"
	        " scopes, expires_at, hint, refresh, refresh_hint, refresh_expires_at)"
	        " VALUES ($1, $2, $3, $4, 1, $5, 1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
	.in   = "iiibiiSiiii?tb?t?i?", .seal_in = { { "api_token", "description", 1 } },
};
#define TOKEN "id, user_id, client_id, grant_id, scopes, read_only, created_at, last_used_at, expires_at, hint, refresh_hint, refresh_expires_at"
#define TOKEN_KINDS "iii?i?i?iii?i?t?t?i?"
const struct stmt st_otoken_by_id = {
	.name = "oauth_token.by_id", .sql = "SELECT " TOKEN " FROM api_token WHERE account_id = $1 AND id = $2 AND bearer = 1 AND active = 1",
	.in   = "ii", .out = TOKEN_KINDS,
};
const struct stmt st_otoken_by_hash = {
	.name = "oauth_token.by_hash", .sql = "SELECT id, client_id FROM api_token WHERE account_id = $1 AND (hash = $2 OR refresh = $3) AND bearer = 1",
	.in   = "ibb", .out = "ii?",
};
const struct stmt st_otoken_refresh = {
	.name = "oauth_token.by_refresh",
	.sql  = "SELECT id, user_id, client_id, grant_id, scopes, refresh_expires_at, active, rotated FROM api_token"
	        " WHERE account_id = $1 AND refresh = $2",
	.in   = "ib", .out = "iiiiiiii",
};
const struct stmt st_otoken_rotate = {
	.name = "oauth_token.rotate", .sql = "UPDATE api_token SET active = 0, rotated = 1 WHERE account_id = $1 AND id = $2", .in = "ii",
};
const struct stmt st_otoken_end_grant = {
	.name = "oauth_token.end_grant", .sql = "UPDATE api_token SET active = 0 WHERE account_id = $1 AND grant_id = $2 AND active = 1", .in = "ii",
};
const struct stmt st_otoken_end_client = {
	.name = "oauth_token.end_client", .sql = "UPDATE api_token SET active = 0 WHERE account_id = $1 AND client_id = $2 AND active = 1", .in = "ii",
};
const struct stmt st_otoken_end_user = {
	.name = "oauth_token.end_user",
	.sql  = "UPDATE api_token SET active = 0 WHERE account_id = $1 AND user_id = $2 AND client_id IS NOT NULL AND active = 1",
	.in   = "ii",
};
const struct stmt st_code_end_user = {
	.name = "oauth_code.end_user", .sql = "DELETE FROM oauth_code WHERE account_id = $1 AND user_id = $2", .in = "ii",
};
#define TOKEN_WHERE "account_id = $1 AND bearer = 1 AND active = 1 AND ($2 = 0 OR user_id = $2) AND ($3 = 0 OR client_id = $3)"
#define TOKEN_PAGE "SELECT " TOKEN " FROM api_token WHERE " TOKEN_WHERE " AND id > $4 AND id < $5 ORDER BY id"
const struct stmt st_otoken_up = {
	.name = "oauth_token.page_up", .sql = TOKEN_PAGE " LIMIT $6 OFFSET $7", .in = "iiiiiii", .out = TOKEN_KINDS,
};
const struct stmt st_otoken_down = {
	.name = "oauth_token.page_down", .sql = TOKEN_PAGE " DESC LIMIT $6 OFFSET $7", .in = "iiiiiii", .out = TOKEN_KINDS,
};
const struct stmt st_otoken_count = {
	.name = "oauth_token.count", .sql = "SELECT count(*) FROM api_token WHERE " TOKEN_WHERE, .in = "iii", .out = "i",
};
/* Rows that nothing can be done with any more; $2: a month ago. */
const struct stmt st_otoken_tidy = {
	.name = "oauth_token.tidy",
	.sql  = "DELETE FROM api_token WHERE account_id = $1 AND expires_at IS NOT NULL AND expires_at < $2"
	        " AND (refresh_expires_at IS NULL OR refresh_expires_at < $2)",
	.in   = "ii",
};

/* ---- what is handed out, once ----------------------------------------------------------------------------- */

struct handed { str clear, hint; unsigned char hash[GATE_KEY]; };

static struct handed
hand_out(struct ctx *cx, const char *kind)
{
	struct handed h;
	unsigned char front[8];

	rand_bytes(front, sizeof front);
	h.hint = str_sub(base64url_of(cx->arena, (str){ (const char *)front, sizeof front }), 0, HINT);
	h.clear = str_printf(cx->arena, STR_F STR_F, STR_A(h.hint), STR_A(gate_secret(cx)));
	gate_mac(cx, kind, h.clear, S(""), h.hash);
	return h;
}

static str
hash_str(const unsigned char *hash)
{
	return (str){ (const char *)hash, GATE_KEY };
}

/* ---- clients ------------------------------------------------------------------------------------------------ */

struct client_row { struct oauth_client c; str secret; };

static str
member(struct ctx *cx, const struct json_t *doc, const char *name)
{
	const json_t *v = json_object_get(doc, name);

	return json_is_string(v) ? str_dup(cx->arena, (str){ json_string_value(v), json_string_length(v) }) : S("");
}

static enum err
client_of(struct ctx *cx, const struct row *r, struct client_row *out)
{
	struct json_t *doc;

	*out = (struct client_row){ .c = { .id = row_int(r, 0), .key = row_int(r, 1), .user_id = row_int(r, 2), .confidential = row_int(r, 3) != 0,
		.secret_hint = row_str(r, 5), .created_at = row_int(r, 6), .updated_at = row_int(r, 7) }, .secret = row_str(r, 4) };
	TRY(json_parse(cx, reveal(cx, row_sensitive(r, 8), TO_STORE), &doc));
	out->c.identifier = member(cx, doc, "identifier");
	out->c.name = member(cx, doc, "name");
	out->c.company = member(cx, doc, "company");
	out->c.description = member(cx, doc, "description");
	out->c.redirect_uris = member(cx, doc, "redirect_uri");
	return OK;
}

static sensitive
client_doc(struct ctx *cx, const struct oauth_client *c)
{
	struct json j;
	struct buf b;

	buf_init(&b, cx->arena, 1 * MiB);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_kstr(&j, "identifier", c->identifier);
	jw_kstr(&j, "name", c->name);
	jw_kstr(&j, "company", c->company);
	jw_kstr(&j, "description", c->description);
	jw_kstr(&j, "redirect_uri", c->redirect_uris);
	jw_end_obj(&j);
	return HIDE(buf_str(&b));
}

/* Where a code may be sent: https, or this machine of the user's own (RFC 8252
 * 7.3); no fragment (RFC 6749 3.1.2), no user name that would make the host
 * read as another. */
static bool
redirect_shape(str u)
{
	static const char *const local[] = { "http://localhost", "http://127.0.0.1", "http://[::1]" };
	bool ok = str_starts(u, S("https://")) && u.n > sizeof "https://" - 1;
	str rest = u, host;

	for (size_t i = 0; i < COUNT(local); i++) {
		size_t n = strlen(local[i]);
		ok = ok || (str_starts(u, str_of(local[i])) && (u.n == n || u.p[n] == ':' || u.p[n] == '/' || u.p[n] == '?'));
	}
	for (size_t i = 0; i < u.n; i++)
		if ((unsigned char)u.p[i] <= 0x20 || (unsigned char)u.p[i] >= 0x7F || u.p[i] == '#' || u.p[i] == '\\' || u.p[i] == '"' || u.p[i] == '<')
			return false;
	if (!ok || u.n > URI_MAX)
		return false;
	rest = str_sub(u, str_find(u, S("//")) + 2, u.n);
	host = str_sub(rest, 0, rest.n);
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == '/' || host.p[i] == '?') {
			host.n = i;
			break;
		}
	return host.n > 0 && host.p[0] != ':' && str_find(host, S("@")) == SIZE_MAX && str_find(host, S(";")) == SIZE_MAX && str_find(host, S(",")) == SIZE_MAX;
}

static void
check_redirects(struct ctx *cx, str list)
{
	struct json_t *all;
	json_t *v;
	size_t i;

	if (json_parse(cx, list, &all) != OK || !json_is_array(all)) {
		fail_forget(cx);
		bad(cx, "redirect_uri", "InvalidValue", "Redirect uri: must be an array of addresses");
		return;
	}
	if (json_array_size(all) > REDIRECTS_MAX)
		bad(cx, "redirect_uri", "TooManyValues", "Redirect uri: has more than 50 addresses");
	json_array_foreach(all, i, v)
		if (!json_is_string(v) || !redirect_shape((str){ json_string_value(v), json_string_length(v) })) {
			bad(cx, "redirect_uri", "InvalidValue", "Redirect uri: each must be an https address, or http on localhost, without a fragment");
			return;
		}
}

static void
check_text(struct ctx *cx, const char *name, str s, size_t max, const char *blank, const char *wrong)
{
	if (blank != NULL && str_trim(s).n == 0)
		bad(cx, name, "BlankValue", blank);
	else if (s.n > max || !utf8_valid(s) || memchr(s.n ? s.p : "", 0, s.n) != NULL)
		bad(cx, name, "InvalidValue", wrong);
}

static enum err
client_check(struct ctx *cx, const struct oauth_client *c, unsigned has)
{
	bool plain = true, found;
	struct user u;
	struct row row;

	check_text(cx, "name", c->name, 255, "Name: cannot be blank", "Name: must be text of at most 255 bytes");
	check_text(cx, "company", c->company, 255, NULL, "Company: must be text of at most 255 bytes");
	check_text(cx, "description", c->description, 4000, NULL, "Description: must be text of at most 4000 bytes");
	for (size_t i = 0; i < c->identifier.n; i++) {
		char ch = c->identifier.p[i];
		plain = plain && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '.');
	}
	if (c->identifier.n == 0)
		bad(cx, "identifier", "BlankValue", "Identifier: cannot be blank");
	else if (!plain || c->identifier.n > 255)
		bad(cx, "identifier", "InvalidValue", "Identifier: must be letters, digits, dots, dashes and underscores");
	else {
		TRY(find_one(cx, &st_client_by_name, ARGS(INT(cx->account), BLIND(HIDE(c->identifier))), &row, &found));
		if (found && row_int(&row, 0) != c->id)
			bad(cx, "identifier", "DuplicateValue", "Identifier: is already being used by another client");
	}
	check_redirects(cx, c->redirect_uris);
	if (has & CLIENT_USER) {
		enum err e = user_brief(cx, c->user_id, &u);
		if (e == E_ABSENT)
			fail_forget(cx);
		else
			TRY(e);
		if (e != OK || !u.active || u.suspended || u.role != ROLE_ADMIN)
			bad(cx, "user_id", "InvalidValue", "User: must be an administrator");
	}
	return bad_check(cx);
}

static void
client_change(struct oauth_client *c, unsigned has, const struct oauth_client *in)
{
	if (has & CLIENT_NAME)
		c->name = in->name;
	if (has & CLIENT_IDENTIFIER)
		c->identifier = in->identifier;
	if (has & CLIENT_COMPANY)
		c->company = in->company;
	if (has & CLIENT_DESCRIPTION)
		c->description = in->description;
	if (has & CLIENT_REDIRECTS)
		c->redirect_uris = in->redirect_uris;
	if (has & CLIENT_KIND)
		c->confidential = in->confidential;
	if (has & CLIENT_USER)
		c->user_id = in->user_id;
}

static enum err
client_trail(struct ctx *cx, const char *action, const struct oauth_client *was, const struct oauth_client *is, bool secret)
{
	struct changes c;

	changes_init(cx, &c, 8);
	changes_text(&c, "identifier", HIDE(was->identifier), HIDE(is->identifier));
	changes_text(&c, "name", HIDE(was->name), HIDE(is->name));
	changes_text(&c, "company", HIDE(was->company), HIDE(is->company));
	changes_text(&c, "description", HIDE(was->description), HIDE(is->description));
	changes_text(&c, "redirect_uri", HIDE(was->redirect_uris), HIDE(is->redirect_uris));
	changes_int(cx, &c, "user_id", was->user_id, is->user_id);
	changes_word(&c, "kind", was->id ? was->confidential ? "confidential" : "public" : NULL, is->id ? is->confidential ? "confidential" : "public" : NULL);
	if (secret)
		changes_word(&c, "secret", "set", "changed");
	return trail_append(cx, &(struct event){ .action = action, .object = "oauth_client", .id = is->id ? is->id : was->id, .field = c.field, .count = c.count });
}

struct client_call {
	int64_t id;
	unsigned has;
	const struct oauth_client *in;
	struct handed secret;
	struct oauth_client *out;
};

static enum err
client_create_tx(struct ctx *cx, void *arg)
{
	struct client_call *call = arg;
	struct oauth_client c = { .user_id = cx->actor->user_id, .confidential = true, .redirect_uris = S("[]"), .created_at = cx->now,
		.updated_at = cx->now, .secret_hint = call->secret.hint };
	struct row row;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	client_change(&c, call->has, call->in);
	TRY(client_check(cx, &c, call->has | (c.user_id == 0 ? CLIENT_USER : 0)));
	TRY(store_one(cx, &st_client_count, ARGS(INT(cx->account), INT(0)), &row));
	if (row_int(&row, 0) >= CLIENTS_MAX)
		return fail(cx, E_LIMIT, NULL, "there are too many OAuth clients already");
	TRY(store_next_id(cx, "oauth_client", &c.id));
	TRY(store_key_new(cx, &c.key));
	TRY(store_exec(cx, &st_client_insert, ARGS(INT(cx->account), INT(c.id), INT(c.key), INT(c.user_id), INT(c.confidential), BLIND(HIDE(c.identifier)),
	    BYTES(hash_str(call->secret.hash)), TEXT(c.secret_hint), INT(cx->now), SEALED(c.key, client_doc(cx, &c))), NULL));
	TRY(client_trail(cx, "oauth_client.create", &(struct oauth_client){ .id = 0 }, &c, false));
	*call->out = c;
	return OK;
}

enum err
oauth_client_create(struct ctx *cx, unsigned has, const struct oauth_client *in, str *secret, struct oauth_client *out)
{
	struct client_call call = { .has = has, .in = in, .secret = hand_out(cx, "oauth_secret"), .out = out };

	TRY(store_write(cx, client_create_tx, &call));
	*secret = call.secret.clear;
	return OK;
}

static enum err
client_load(struct ctx *cx, int64_t id, struct client_row *out)
{
	struct row row;

	TRY(store_one(cx, &st_client_by_id, ARGS(INT(cx->account), INT(id)), &row));
	return client_of(cx, &row, out);
}

static enum err
client_update_tx(struct ctx *cx, void *arg)
{
	struct client_call *call = arg;
	bool secret = call->secret.clear.n > 0;
	struct client_row was;
	struct oauth_client c;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(client_load(cx, call->id, &was));
	c = was.c;
	client_change(&c, call->has, call->in);
	c.updated_at = cx->now;
	TRY(client_check(cx, &c, call->has));
	if (secret)
		c.secret_hint = call->secret.hint;
	TRY(store_exec(cx, &st_client_update, ARGS(INT(cx->account), INT(c.id), INT(c.user_id), INT(c.confidential), BLIND(HIDE(c.identifier)),
	    BYTES(secret ? hash_str(call->secret.hash) : was.secret), TEXT(c.secret_hint), INT(cx->now), SEALED(c.key, client_doc(cx, &c))), NULL));
	TRY(client_trail(cx, "oauth_client.update", &was.c, &c, secret));
	*call->out = c;
	return OK;
}

enum err
oauth_client_update(struct ctx *cx, int64_t id, unsigned has, const struct oauth_client *in, struct oauth_client *out)
{
	return store_write(cx, client_update_tx, &(struct client_call){ .id = id, .has = has, .in = in, .out = out });
}

enum err
oauth_client_secret(struct ctx *cx, int64_t id, str *secret, struct oauth_client *out)
{
	struct client_call call = { .id = id, .in = out, .secret = hand_out(cx, "oauth_secret"), .out = out };

	TRY(store_write(cx, client_update_tx, &call));
	*secret = call.secret.clear;
	return OK;
}

static enum err
client_delete_tx(struct ctx *cx, void *arg)
{
	struct client_row was;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(client_load(cx, *(int64_t *)arg, &was));
	TRY(store_exec(cx, &st_otoken_end_client, ARGS(INT(cx->account), INT(was.c.id)), NULL));
	gate_changed(cx);
	TRY(store_exec(cx, &st_client_delete, ARGS(INT(cx->account), INT(was.c.id)), NULL));
	TRY(store_key_destroy(cx, was.c.key));
	return client_trail(cx, "oauth_client.delete", &was.c, &(struct oauth_client){ .id = 0 }, false);
}

enum err
oauth_client_delete(struct ctx *cx, int64_t id)
{
	TRY(store_write(cx, client_delete_tx, &id));
	return cx->tx != NULL ? OK : store_erase(cx);
}

enum err
oauth_client_get(struct ctx *cx, int64_t id, struct oauth_client *out)
{
	struct client_row r;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(client_load(cx, id, &r));
	*out = r.c;
	return OK;
}

enum err
oauth_client_list(struct ctx *cx, int64_t user_id, int64_t after, int64_t before, bool down, int64_t offset, int limit, struct oauth_client **out, int *count)
{
	struct client_row one;
	struct rows rs;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_all(cx, down ? &st_client_down : &st_client_up, ARGS(INT(cx->account), INT(user_id), INT(after), INT(before ? before : INT64_MAX),
	    INT(limit), INT(offset)), &rs));
	*out = NEW(cx->arena, struct oauth_client, (size_t)rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		TRY(client_of(cx, &rs.row[down ? rs.count - 1 - i : i], &one));
		(*out)[i] = one.c;
	}
	*count = rs.count;
	return OK;
}

enum err
oauth_client_count(struct ctx *cx, int64_t user_id, int64_t *n)
{
	struct row row;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_one(cx, &st_client_count, ARGS(INT(cx->account), INT(user_id)), &row));
	*n = row_int(&row, 0);
	return OK;
}

static enum err
client_named(struct ctx *cx, str identifier, struct client_row *out, bool *found)
{
	struct row row;

	*found = false;
	if (identifier.n == 0 || identifier.n > 255)
		return OK;
	TRY(find_one(cx, &st_client_by_name, ARGS(INT(cx->account), BLIND(HIDE(identifier))), &row, found));
	return *found ? client_of(cx, &row, out) : OK;
}

enum err
oauth_client_named(struct ctx *cx, str identifier, struct oauth_client *out)
{
	struct client_row r;
	bool found;

	TRY(client_named(cx, identifier, &r, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "no such client");
	*out = r.c;
	return OK;
}

bool
oauth_redirect_ok(struct ctx *cx, const struct oauth_client *c, str uri)
{
	struct json_t *all;
	json_t *v;
	size_t i;

	if (json_parse(cx, c->redirect_uris, &all) != OK)
		return false;
	json_array_foreach(all, i, v)
		if (str_eq(uri, (str){ json_string_value(v), json_string_length(v) }))
			return true;
	return false;
}

/* ---- tokens -------------------------------------------------------------------------------------------------- */

static struct oauth_token
token_row(const struct row *r)
{
	return (struct oauth_token){ .id = row_int(r, 0), .user_id = row_int(r, 1), .client_id = row_int(r, 2), .grant_id = row_int(r, 3),
		.scopes = !row_null(r, 4) ? (uint64_t)row_int(r, 4) : SCOPE_READ | (row_int(r, 5) ? 0 : SCOPE_WRITE), .created_at = row_int(r, 6),
		.used_at = row_int(r, 7), .expires_at = row_int(r, 8), .hint = row_str(r, 9), .refresh_hint = row_str(r, 10),
		.refresh_expires_at = row_int(r, 11) };
}

static enum err
may_tokens(struct ctx *cx, int64_t user_id)
{
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	return user_id != 0 && user_id == cx->actor->user_id ? OK : gate_may(cx, MAY_ADMIN, NULL);
}

enum err
oauth_token_list(struct ctx *cx, const struct oauth_token_filter *f, struct oauth_token **out, int *count)
{
	struct rows rs;

	TRY(may_tokens(cx, f->user_id));
	TRY(store_all(cx, f->down ? &st_otoken_down : &st_otoken_up, ARGS(INT(cx->account), INT(f->user_id), INT(f->client_id), INT(f->after),
	    INT(f->before ? f->before : INT64_MAX), INT(f->limit), INT(f->offset)), &rs));
	*out = NEW(cx->arena, struct oauth_token, (size_t)rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = token_row(&rs.row[f->down ? rs.count - 1 - i : i]);
	*count = rs.count;
	return OK;
}

enum err
oauth_token_count(struct ctx *cx, const struct oauth_token_filter *f, int64_t *n)
{
	struct row row;

	TRY(may_tokens(cx, f->user_id));
	TRY(store_one(cx, &st_otoken_count, ARGS(INT(cx->account), INT(f->user_id), INT(f->client_id)), &row));
	*n = row_int(&row, 0);
	return OK;
}

enum err
oauth_token_get(struct ctx *cx, int64_t id, struct oauth_token *out)
{
	struct row row;

	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	TRY(store_one(cx, &st_otoken_by_id, ARGS(INT(cx->account), INT(id)), &row));
	*out = token_row(&row);
	/* Somebody else's reads as none. */
	return out->user_id == cx->actor->user_id || is_full(cx->actor) ? OK : fail(cx, E_ABSENT, NULL, "Not found");
}

static enum err
token_end(struct ctx *cx, int64_t id, int64_t user_id, const char *why)
{
	struct changes c;

	TRY(store_exec(cx, &st_token_revoke, ARGS(INT(cx->account), INT(id)), NULL));
	gate_changed(cx);
	changes_init(cx, &c, 2);
	changes_word(&c, "active", "true", "false");
	changes_word(&c, "reason", NULL, why);
	return trail_append(cx, &(struct event){ .action = "token.revoke", .object = "token", .id = id, .parent = user_id, .field = c.field, .count = c.count });
}

static enum err
token_drop_tx(struct ctx *cx, void *arg)
{
	struct oauth_token t;

	TRY(oauth_token_get(cx, *(int64_t *)arg, &t));
	return token_end(cx, t.id, t.user_id, "asked for");
}

enum err
oauth_token_drop(struct ctx *cx, int64_t id)
{
	return store_write(cx, token_drop_tx, &id);
}

/* What a token is made of. In a transaction. */
struct issue {
	int64_t       user_id, client_id, grant_id;
	uint64_t      scopes;
	usec          expires_at, refresh_expires_at;
	struct handed access, refresh;      /* refresh.clear empty: none */
	const char   *grant;
};

static enum err
token_issue(struct ctx *cx, const struct issue *i, struct oauth_token *out)
{
	bool again = i->refresh.clear.n > 0;
	struct changes c;
	struct user u;
	int64_t id;

	TRY(user_load(cx, i->user_id, &u));
	TRY(store_next_id(cx, "token", &id));
	TRY(store_exec(cx, &st_otoken_insert, ARGS(INT(cx->account), INT(id), INT(u.id), BYTES(hash_str(i->access.hash)), INT(!scope_writes(i->scopes)),
	    INT(cx->now), SEALED(u.key, HIDE(S("OAuth"))), INT(i->client_id), INT(i->grant_id), INT((int64_t)i->scopes), ID(i->expires_at),
	    TEXT(i->access.hint), again ? BYTES(hash_str(i->refresh.hash)) : NIL, again ? TEXT(i->refresh.hint) : NIL, ID(i->refresh_expires_at)), NULL));
	changes_init(cx, &c, 5);
	changes_int(cx, &c, "user_id", 0, u.id);
	changes_int(cx, &c, "client_id", 0, i->client_id);
	changes_word(&c, "kind", NULL, "bearer");
	changes_word(&c, "grant", NULL, i->grant);
	changes_text(&c, "scope", HIDE(S("")), HIDE(scope_text(cx, i->scopes)));
	TRY(trail_append(cx, &(struct event){ .action = "token.create", .object = "token", .id = id, .parent = u.id, .key = u.key, .field = c.field, .count = c.count }));
	if (out != NULL)
		*out = (struct oauth_token){ .id = id, .user_id = u.id, .client_id = i->client_id, .grant_id = i->grant_id, .scopes = i->scopes,
			.created_at = cx->now, .expires_at = i->expires_at, .refresh_expires_at = i->refresh_expires_at, .hint = i->access.hint,
			.refresh_hint = i->refresh.hint };
	return OK;
}

struct create_call { struct issue issue; struct oauth_token *out; };

static enum err
token_create_tx(struct ctx *cx, void *arg)
{
	struct create_call *call = arg;
	struct client_row c;
	enum err e;

	if ((e = client_load(cx, call->issue.client_id, &c)) == E_ABSENT) {
		fail_forget(cx);
		bad(cx, "client_id", "InvalidValue", "Client: is not known");
		return bad_check(cx);
	}
	TRY(e);
	TRY(store_next_id(cx, "oauth_grant", &call->issue.grant_id));
	return token_issue(cx, &call->issue, call->out);
}

enum err
oauth_token_create(struct ctx *cx, int64_t client_id, uint64_t scopes, str *clear, struct oauth_token *out)
{
	struct create_call call = { .out = out };

	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (cx->actor->user_id == 0 || cx->actor->read_only || (cx->actor->scoped && !scope_within(scopes, cx->actor->scopes)))
		return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
	call.issue = (struct issue){ .user_id = cx->actor->user_id, .client_id = client_id, .scopes = scopes, .access = hand_out(cx, "api_token"),
		.grant = "direct" };
	TRY(store_write(cx, token_create_tx, &call));
	*clear = call.issue.access.clear;
	return OK;
}

/* ---- consent ------------------------------------------------------------------------------------------------- */

struct consent { const struct oauth_client *client; str redirect, challenge; uint64_t scopes; unsigned char hash[GATE_KEY]; };

static enum err
consent_tx(struct ctx *cx, void *arg)
{
	struct consent *k = arg;
	unsigned char where[GATE_KEY];
	struct changes c;
	int64_t grant;

	TRY(store_next_id(cx, "oauth_grant", &grant));
	gate_mac(cx, "oauth_redirect", k->redirect, S(""), where);
	TRY(store_exec(cx, &st_code_insert, ARGS(INT(cx->account), BYTES(hash_str(k->hash)), INT(grant), INT(k->client->id), INT(cx->actor->user_id),
	    INT((int64_t)k->scopes), BYTES(hash_str(where)), TEXT(k->challenge), INT(cx->now)), NULL));
	changes_init(cx, &c, 2);
	changes_int(cx, &c, "client_id", 0, k->client->id);
	changes_text(&c, "scope", HIDE(S("")), HIDE(scope_text(cx, k->scopes)));
	return trail_append(cx, &(struct event){ .action = "user.consent", .object = "user", .id = cx->actor->user_id, .field = c.field, .count = c.count });
}

enum err
oauth_consent(struct ctx *cx, const struct oauth_client *c, str redirect_uri, uint64_t scopes, str challenge, str *code)
{
	struct consent k = { .client = c, .redirect = redirect_uri, .challenge = challenge, .scopes = scopes };
	str clear;

	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (cx->actor->session_id == 0)
		return fail(cx, E_DENIED, NULL, "only a person who is signed in can consent");
	clear = gate_secret(cx);
	gate_mac(cx, "oauth_code", clear, S(""), k.hash);
	TRY(store_write(cx, consent_tx, &k));
	*code = clear;
	return OK;
}

/* ---- exchange ------------------------------------------------------------------------------------------------- */

struct exchange {
	const struct oauth_ask *ask;
	struct client_row client;
	struct issue issue;
	const char *error, *why;             /* of RFC 6749 5.2 */
	uint64_t scopes;
};

static enum err
no(struct exchange *x, const char *error, const char *why)
{
	x->error = error;
	x->why = why;
	return OK;                           /* what was done stays done: a code used twice ended its tokens */
}

static bool
wider(const struct exchange *x)
{
	return x->ask->scopes != 0 && !scope_within(x->ask->scopes, x->scopes);
}

/* RFC 7636 4.6: BASE64URL(SHA256(verifier)) is the challenge. */
static bool
verifier_ok(struct ctx *cx, str verifier, str challenge)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	str made;

	if (verifier.n < 43 || verifier.n > 128 || EVP_Digest(verifier.p, verifier.n, md, &n, EVP_sha256(), NULL) != 1)
		return false;
	made = base64url_of(cx->arena, (str){ (const char *)md, n });
	return made.n == challenge.n && CRYPTO_memcmp(made.p, challenge.p, made.n) == 0;
}

static enum err
grant_ends(struct ctx *cx, int64_t grant_id, int64_t user_id, const char *why)
{
	struct changes c;

	TRY(store_exec(cx, &st_otoken_end_grant, ARGS(INT(cx->account), INT(grant_id)), NULL));
	gate_changed(cx);
	changes_init(cx, &c, 1);
	changes_word(&c, "reason", NULL, why);
	return trail_append(cx, &(struct event){ .action = "token.revoke_grant", .object = "user", .id = user_id, .field = c.field, .count = c.count });
}

enum err
oauth_end_user(struct ctx *cx, int64_t user_id)
{
	TRY(store_exec(cx, &st_code_end_user, ARGS(INT(cx->account), INT(user_id)), NULL));
	gate_changed(cx);
	return store_exec(cx, &st_otoken_end_user, ARGS(INT(cx->account), INT(user_id)), NULL);
}

static enum err
issue_for(struct ctx *cx, struct exchange *x, int64_t user_id)
{
	enum err e = gate_as_user(cx, user_id, "oauth");

	if (e == E_WHO) {
		fail_forget(cx);
		return no(x, "invalid_grant", "The user is not active");
	}
	TRY(e);
	x->issue.scopes = x->ask->scopes != 0 ? x->ask->scopes : x->scopes;
	if (x->issue.scopes == 0)
		return no(x, "invalid_scope", "The scope is missing");
	x->issue.user_id = user_id;
	x->issue.client_id = x->client.c.id;
	if (x->issue.grant_id == 0)
		TRY(store_next_id(cx, "oauth_grant", &x->issue.grant_id));
	return token_issue(cx, &x->issue, NULL);
}

static enum err
code_tx(struct ctx *cx, void *arg)
{
	struct exchange *x = arg;
	unsigned char hash[GATE_KEY], where[GATE_KEY];
	struct row row;
	bool found;
	str challenge;

	gate_mac(cx, "oauth_code", x->ask->code, S(""), hash);
	gate_mac(cx, "oauth_redirect", x->ask->redirect_uri, S(""), where);
	TRY(find_one(cx, &st_code_get, ARGS(INT(cx->account), BYTES(hash_str(hash))), &row, &found));
	if (!found || row_int(&row, 1) != x->client.c.id || cx->now - row_int(&row, 6) > CODE_FOR)
		return no(x, "invalid_grant", "The code is not known, or it is over");
	if (!row_null(&row, 7)) {
		TRY(grant_ends(cx, row_int(&row, 0), row_int(&row, 2), "a code was used twice"));
		return no(x, "invalid_grant", "The code was used already");
	}
	if (row_str(&row, 4).n != GATE_KEY || CRYPTO_memcmp(row_str(&row, 4).p, where, GATE_KEY) != 0)
		return no(x, "invalid_grant", "The redirect_uri is not the one that the code was asked for with");
	challenge = row_str(&row, 5);
	/* A verifier where none was announced: somebody took the challenge away (RFC 9700 4.8.2). */
	if (challenge.n == 0 ? x->ask->verifier.n != 0 : !verifier_ok(cx, x->ask->verifier, challenge))
		return no(x, "invalid_grant", "The code_verifier does not fit");
	x->scopes = (uint64_t)row_int(&row, 3);
	if (wider(x))
		return no(x, "invalid_scope", "The scope is wider than what was consented to");
	TRY(store_exec(cx, &st_code_use, ARGS(INT(cx->account), BYTES(hash_str(hash)), INT(cx->now)), NULL));
	x->issue.grant_id = row_int(&row, 0);
	x->issue.grant = "authorization_code";
	return issue_for(cx, x, row_int(&row, 2));
}

static enum err
refresh_tx(struct ctx *cx, void *arg)
{
	struct exchange *x = arg;
	unsigned char hash[GATE_KEY];
	struct row row;
	bool found;

	gate_mac(cx, "oauth_refresh", x->ask->refresh, S(""), hash);
	TRY(find_one(cx, &st_otoken_refresh, ARGS(INT(cx->account), BYTES(hash_str(hash))), &row, &found));
	if (!found || row_int(&row, 2) != x->client.c.id)
		return no(x, "invalid_grant", "The refresh_token is not known");
	if (row_int(&row, 7) != 0) {
		TRY(grant_ends(cx, row_int(&row, 3), row_int(&row, 1), "a refresh token was used twice"));
		return no(x, "invalid_grant", "The refresh_token was used already");
	}
	if (row_int(&row, 6) == 0 || row_int(&row, 5) <= cx->now)
		return no(x, "invalid_grant", "The refresh_token is over or was revoked");
	x->issue.grant_id = row_int(&row, 3);
	x->issue.grant = "refresh_token";
	x->scopes = (uint64_t)row_int(&row, 4);
	if (wider(x))
		return no(x, "invalid_scope", "The scope is wider than what was consented to");
	TRY(store_exec(cx, &st_otoken_rotate, ARGS(INT(cx->account), INT(row_int(&row, 0))), NULL));
	gate_changed(cx);
	return issue_for(cx, x, row_int(&row, 1));
}

struct plain_call { struct exchange *x; int64_t user_id; };

static enum err
plain_tx(struct ctx *cx, void *arg)
{
	struct plain_call *p = arg;

	return issue_for(cx, p->x, p->user_id);
}

static enum err
client_check_secret(struct ctx *cx, str identifier, str secret, struct client_row *out, int *retry_after)
{
	unsigned char hash[GATE_KEY];
	bool found;

	TRY(client_named(cx, identifier, out, &found));
	if (!found)
		return client_refused(cx, "unknown OAuth client", retry_after);
	if (secret.n == 0 && !out->c.confidential)
		return OK;
	gate_mac(cx, "oauth_secret", str_sub(secret, 0, 512), S(""), hash);
	if (secret.n > 512 || out->secret.n != GATE_KEY || CRYPTO_memcmp(hash, out->secret.p, GATE_KEY) != 0)
		return client_refused(cx, "wrong OAuth client secret", retry_after);
	return OK;
}

/* What was handed out counts from the transaction's time on, in whole seconds. */
static bool
spans_ok(const struct oauth_ask *ask)
{
	int64_t refresh = ask->refresh_expires_in ? ask->refresh_expires_in : REFRESH_FOR;

	return (ask->expires_in == 0 || (ask->expires_in >= 300 && ask->expires_in <= 172800 && ask->expires_in < refresh))
	    && (ask->refresh_expires_in == 0 || (ask->refresh_expires_in >= 604800 && ask->refresh_expires_in <= 7776000));
}

enum err
oauth_exchange(struct ctx *cx, const struct oauth_ask *ask, struct oauth_answer *out, int *retry_after)
{
	struct exchange x = { .ask = ask };
	int64_t access_for = ask->expires_in ? ask->expires_in : ACCESS_FOR;
	int64_t refresh_for = ask->refresh_expires_in ? ask->refresh_expires_in : REFRESH_FOR;
	bool code = str_eq(ask->grant_type, S("authorization_code")), refresh = str_eq(ask->grant_type, S("refresh_token"));
	bool client = str_eq(ask->grant_type, S("client_credentials")), password = str_eq(ask->grant_type, S("password"));
	struct standing who;
	bool factored;
	enum err e = OK;

	*retry_after = 0;
	gate_as_system(cx, "oauth");
	if (!code && !refresh && !client && !(password && gate_setting_bool(cx, "oauth_password_grant", false)))
		return fail(cx, E_INVALID, "unsupported_grant_type", "grant_type must be authorization_code, refresh_token or client_credentials");
	if (!spans_ok(ask))
		return fail(cx, E_INVALID, "invalid_request", "expires_in must be 300 to 172800 and refresh_expires_in 604800 to 7776000 seconds");
	TRY(client_check_secret(cx, ask->client, ask->secret, &x.client, retry_after));
	x.issue.access = hand_out(cx, "api_token");
	x.issue.expires_at = cx->now + access_for * SECOND;
	if (!client) {
		x.issue.refresh = hand_out(cx, "oauth_refresh");
		x.issue.refresh_expires_at = cx->now + refresh_for * SECOND;
	}
	if (code)
		e = store_write(cx, code_tx, &x);
	else if (refresh)
		e = store_write(cx, refresh_tx, &x);
	else if (client && !x.client.c.confidential)
		return fail(cx, E_INVALID, "unauthorized_client", "A public client has no credentials of its own");
	else if (client) {
		x.issue.grant = "client_credentials";
		e = store_write(cx, plain_tx, &(struct plain_call){ &x, x.client.c.user_id });
	} else {
		x.issue.grant = "password";
		e = password_ok(cx, ask->email, ask->password, ask->otp, &who, &factored, retry_after);
		if (e == E_WHO)
			return fail_forget(cx), fail(cx, E_INVALID, "invalid_grant", "The user name, the password or the code is wrong");
		TRY(e);
		if (factor_needed(cx, who.role, who.officer) && !factored)
			return fail(cx, E_INVALID, "invalid_grant", "This user must sign in with a second factor");
		e = store_write(cx, plain_tx, &(struct plain_call){ &x, who.user_id });
	}
	TRY(e);
	if (x.error != NULL)
		return fail(cx, E_INVALID, x.error, x.why);
	*out = (struct oauth_answer){ .access = x.issue.access.clear, .refresh = x.issue.refresh.clear, .scopes = x.issue.scopes, .expires_in = access_for,
		.refresh_expires_in = client ? 0 : refresh_for };
	return OK;
}

struct revoke_call { const struct client_row *client; str token; };

static enum err
revoke_tx(struct ctx *cx, void *arg)
{
	struct revoke_call *call = arg;
	unsigned char hash[GATE_KEY], refresh[GATE_KEY];
	struct row row;
	bool found;

	gate_mac(cx, "api_token", call->token, S(""), hash);
	gate_mac(cx, "oauth_refresh", call->token, S(""), refresh);
	TRY(find_one(cx, &st_otoken_by_hash, ARGS(INT(cx->account), BYTES(hash_str(hash)), BYTES(hash_str(refresh))), &row, &found));
	if (!found || row_int(&row, 1) != call->client->c.id)
		return OK;
	TRY(store_one(cx, &st_token_by_id, ARGS(INT(cx->account), INT(row_int(&row, 0))), &row));
	return row_int(&row, 4) ? token_end(cx, row_int(&row, 0), row_int(&row, 1), "its client gave it back") : OK;
}

enum err
oauth_revoke(struct ctx *cx, str client, str secret, str token)
{
	struct client_row c;
	int retry;

	gate_as_system(cx, "oauth");
	TRY(client_check_secret(cx, client, secret, &c, &retry));
	return token.n == 0 || token.n > 512 ? OK : store_write(cx, revoke_tx, &(struct revoke_call){ &c, token });
}

enum err
oauth_tidy(struct ctx *cx)
{
	const usec day = (usec)24 * 60 * MINUTE;

	TRY(store_exec(cx, &st_code_tidy, ARGS(INT(cx->account), INT(cx->now - day)), NULL));
	return store_exec(cx, &st_otoken_tidy, ARGS(INT(cx->account), INT(cx->now - 30 * day)), NULL);
}
