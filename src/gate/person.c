/* person.c - a user's addresses and sessions, users merged into one, users
 * that were deleted and those that are gone for good. */
#include "flow/flow.h"
#include "gate/inside.h"

#define VERIFY_FOR ((usec)24 * 3600 * SECOND)

#define IDENTITY "id, user_id, is_primary, verified, created_at, updated_at, value, kind"
#define IDENTITY_OUT "iiiiiiSi"
#define IDENTITY_SEAL { { "user_identity", "value", 0 } }
const struct stmt st_identity_of_user = {
	.name = "identity.of_user",
	.sql  = "SELECT " IDENTITY " FROM user_identity WHERE account_id = $1 AND user_id = $2 ORDER BY is_primary DESC, id",
	.in   = "ii", .out = IDENTITY_OUT, .seal_out = IDENTITY_SEAL,
};

const struct stmt st_identity_by_id = {
	.name = "identity.by_id",
	.sql  = "SELECT " IDENTITY " FROM user_identity WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = IDENTITY_OUT, .seal_out = IDENTITY_SEAL,
};

const struct stmt st_identity_set_verified = {
	.name = "identity.set_verified",
	.sql  = "UPDATE user_identity SET verified = $3, updated_at = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiii",
};

const struct stmt st_identity_set_value = {
	.name = "identity.set_value",
	.sql  = "UPDATE user_identity SET email_x = $3, verified = $4, updated_at = $5, value = $6 WHERE account_id = $1 AND id = $2",
	.in   = "iiXiiS", .seal_in = { { "user_identity", "value", 1 } }, .blind = { "user.email" },
};

const struct stmt st_identity_delete = {
	.name = "identity.delete",
	.sql  = "DELETE FROM user_identity WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt st_user_deleted_page = {
	.name = "user.deleted_page",
	.sql  = "SELECT u.id FROM users u WHERE u.account_id = $1 AND u.active = 0 AND u.id > $2 ORDER BY u.id LIMIT $3 OFFSET $4",
	.in   = "iiii", .out = "i",
};

const struct stmt st_user_deleted_count = {
	.name = "user.deleted_count",
	.sql  = "SELECT count(*) FROM (SELECT 1 AS one FROM users WHERE account_id = $1 AND active = 0 LIMIT 100000) AS capped",
	.in   = "i", .out = "i",
};

const struct stmt st_user_idle = {
	.name = "user.idle",
	.sql  = "SELECT u.id FROM users u WHERE u.account_id = $1 AND u.role = $2 AND u.active = 1 AND u.id > $3 AND u.created_at < $4"
	        " AND u.updated_at < $4 AND coalesce(u.last_login_at, 0) < $4 ORDER BY u.id LIMIT $5",
	.in   = "iiiii", .out = "i",
};

const struct stmt st_user_erase = {
	.name = "user.erase",
	.sql  = "UPDATE users SET external_id_x = NULL, phone_x = NULL, updated_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

const struct stmt st_user_private_only = {
	.name = "user.private_only",
	.sql  = "SELECT only_private FROM users WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "i",
};

#define SESSION "id, user_id, created_at, seen_at"
const struct stmt st_session_page = {
	.name = "session.page",
	.sql  = "SELECT " SESSION " FROM session WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
	.in   = "iii", .out = "iiii",
};

const struct stmt st_session_page_user = {
	.name = "session.page_user",
	.sql  = "SELECT " SESSION " FROM session WHERE account_id = $1 AND id > $2 AND user_id = $4 ORDER BY id LIMIT $3",
	.in   = "iiii", .out = "iiii",
};

const struct stmt st_session_by_id = {
	.name = "session.by_id",
	.sql  = "SELECT " SESSION " FROM session WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "iiii",
};

const struct stmt st_session_delete_one = {
	.name = "session.delete_one",
	.sql  = "DELETE FROM session WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

enum err (*gate_on_user_merged)(struct ctx *cx, int64_t from, int64_t to);
enum err (*gate_on_verification)(struct ctx *cx, const struct user *u, const struct identity *i, str token);

enum err
gate_private_only(struct ctx *cx, bool *yes)
{
	struct row r;
	bool found;

	*yes = false;
	if (cx->actor == NULL || cx->actor->role != ROLE_AGENT)
		return OK;
	if (gate_limited(cx, LIMIT_PUBLIC)) {
		*yes = true;
		return OK;
	}
	TRY(find_one(cx, &st_user_private_only, ARGS(INT(cx->account), INT(cx->actor->user_id)), &r, &found));
	*yes = found && row_int(&r, 0) != 0;
	return OK;
}

/* ---- identities -------------------------------------------------------------------------------------------- */

static struct identity
identity_of(const struct row *r)
{
	return (struct identity){ .id = row_int(r, 0), .user_id = row_int(r, 1), .primary = row_int(r, 2) != 0,
	    .verified = row_int(r, 3) != 0, .created_at = row_int(r, 4), .updated_at = row_int(r, 5), .value = row_sensitive(r, 6),
	    .kind = (enum identity_kind)row_int(r, 7) };
}

static const char *const identity_names[ID_KINDS] = { "email", "phone_number", "twitter", "facebook", "google", "agent_forwarding" };

const char *
identity_kind_name(enum identity_kind kind)
{
	return identity_names[kind];
}

bool
identity_kind_of(str name, enum identity_kind *out)
{
	for (int i = 0; i < ID_KINDS; i++)
		if (str_eq(name, str_of(identity_names[i]))) {
			*out = (enum identity_kind)i;
			return true;
		}
	return false;
}

/* What the actor may know of: an end user nothing but addresses and numbers. */
static bool
identity_shown(const struct ctx *cx, const struct identity *i)
{
	return i->kind <= ID_PHONE || cx->actor == NULL || cx->actor->role != ROLE_END_USER;
}

enum err
identity_list(struct ctx *cx, int64_t user_id, struct identity **out, int *count)
{
	struct rows rs;
	struct user u;

	TRY(user_get(cx, user_id, &u));
	TRY(store_all(cx, &st_identity_of_user, ARGS(INT(cx->account), INT(user_id)), &rs));
	*out = NEW(cx->arena, struct identity, rs.count + 1);
	*count = 0;
	for (int i = 0; i < rs.count; i++) {
		struct identity one = identity_of(&rs.row[i]);
		if (identity_shown(cx, &one))
			(*out)[(*count)++] = one;
	}
	return OK;
}

static enum err
identity_load(struct ctx *cx, int64_t user_id, int64_t id, struct identity *out)
{
	struct row r;

	TRY(store_one(cx, &st_identity_by_id, ARGS(INT(cx->account), INT(id)), &r));
	*out = identity_of(&r);
	return out->user_id == user_id && identity_shown(cx, out) ? OK : fail(cx, E_ABSENT, NULL, "Not found");
}

enum err
identity_get(struct ctx *cx, int64_t user_id, int64_t id, struct identity *out)
{
	struct user u;

	TRY(user_get(cx, user_id, &u));
	return identity_load(cx, user_id, id, out);
}

struct identity_call {
	int64_t   user_id, id;
	enum identity_kind kind;
	sensitive value;
	bool      primary, verified, set_verified;
	enum { I_ADD, I_CHANGE, I_PRIMARY, I_DELETE } what;
	struct identity *out;
};

static enum err
identity_trail(struct ctx *cx, const struct user *u, const char *action, sensitive before, sensitive after)
{
	struct trail_field f = { .name = "identity", .before = before, .after = after, .has_before = before.hidden.n != 0,
	    .has_after = after.hidden.n != 0 };

	return trail_append(cx, &(struct event){ .action = action, .object = "user", .id = u->id, .key = u->key, .field = &f, .count = 1 });
}

/* The primary address stands in the user too. */
static enum err
take_primary(struct ctx *cx, struct user *u, const struct identity *i)
{
	TRY(store_exec(cx, &st_identity_demote, ARGS(INT(cx->account), INT(u->id), INT(cx->now)), NULL));
	TRY(store_exec(cx, &st_identity_promote, ARGS(INT(cx->account), INT(i->id), INT(cx->now)), NULL));
	u->email = i->value;
	u->verified = i->verified;
	u->updated_at = gate_stamp(cx);
	TRY(user_store(cx, u));
	gate_changed(cx);
	return gate_on_user_changed != NULL ? gate_on_user_changed(cx, u) : OK;
}

/* What is hashed: "kind:value", of an address the address alone. */
static sensitive
identity_folded(struct ctx *cx, enum identity_kind kind, sensitive value)
{
	str text = fold(cx, kind == ID_PHONE || kind == ID_FORWARDING ? fold_phone(cx, value) : value).hidden;

	return kind == ID_EMAIL ? HIDE(text) : HIDE(str_printf(cx->arena, "%s:" STR_F, identity_names[kind], STR_A(text)));
}

static bool
all_of(str s, const char *signs)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') || strchr(signs, s.p[i]) != NULL))
			return false;
	return s.n > 0 && memchr(s.p, 0, s.n) == NULL;
}

/* As it is kept: a number as "+15551234567" (E.164 has at most 15 digits). *ok false: it is none. */
static sensitive
identity_value(struct ctx *cx, enum identity_kind kind, sensitive given, bool *ok)
{
	str v = str_trim(given.hidden), digits;

	switch (kind) {
	case ID_EMAIL: case ID_GOOGLE:
		*ok = email_valid(v);
		return HIDE(v);
	case ID_PHONE: case ID_FORWARDING:
		*ok = v.n <= 40;
		for (size_t i = 0; i < v.n; i++)
			*ok = *ok && ((v.p[i] >= '0' && v.p[i] <= '9') || (v.p[i] != 0 && strchr("+ ()-./", v.p[i]) != NULL));
		digits = *ok ? fold_phone(cx, HIDE(v)).hidden : S("");
		v = str_starts(digits, S("+")) ? str_sub(digits, 1, digits.n) : digits;
		*ok = *ok && v.n >= 5 && v.n <= 15;
		return HIDE(digits);
	case ID_TWITTER:
		v = str_starts(v, S("@")) ? str_sub(v, 1, v.n) : v;
		*ok = v.n <= 15 && all_of(v, "_");
		return HIDE(v);
	default:
		*ok = v.n <= 64 && all_of(v, ".");
		return HIDE(v);
	}
}

static enum err
check_identity(struct ctx *cx, enum identity_kind kind, sensitive *value)
{
	struct row r;
	bool found, ok;

	if (str_trim(value->hidden).n == 0) {
		bad(cx, "value", "BlankValue", "Value: cannot be blank");
		return bad_check(cx);
	}
	*value = identity_value(cx, kind, *value, &ok);
	if (!ok)
		bad(cx, "value", "InvalidValue", "Value: is not properly formatted");
	else {
		TRY(find_one(cx, &st_identity_by_email, ARGS(INT(cx->account), BLIND(identity_folded(cx, kind, *value))), &r, &found));
		if (found)
			bad(cx, "value", "DuplicateValue", "Value: is already being used by another user");
	}
	return bad_check(cx);
}

static enum err
identity_insert(struct ctx *cx, const struct user *u, enum identity_kind kind, sensitive value, bool verified, int64_t *id)
{
	TRY(store_next_id(cx, "identity", id));
	return store_exec(cx, &st_identity_insert, ARGS(INT(cx->account), INT(*id), INT(u->id), BLIND(identity_folded(cx, kind, value)), INT(0),
	    INT(verified), INT(cx->now), SEALED(u->key, HIDE(str_trim(value.hidden))), INT(kind)), NULL);
}

/* The first telephone number of somebody without one is the user's, too. */
static enum err
take_phone(struct ctx *cx, struct user *u, const struct identity *i)
{
	if (i->kind != ID_PHONE || u->phone.hidden.n)
		return OK;
	u->phone = i->value;
	u->updated_at = gate_stamp(cx);
	TRY(user_store(cx, u));
	return gate_on_user_changed != NULL ? gate_on_user_changed(cx, u) : OK;
}

/* Staff write those of whom they may write; an end user the own. */
static enum err
may_identify(struct ctx *cx, const struct user *u, bool *own)
{
	*own = cx->actor != NULL && cx->actor->role == ROLE_END_USER && cx->actor->user_id == u->id;
	if (*own && !u->verified)
		return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
	if (*own)
		return gate_may(cx, MAY_READ_USER, &(struct about){ .has_object = true, .user_id = u->id, .role = u->role, .organization_id = u->organization_id });
	if (cx->actor != NULL && cx->actor->role == ROLE_END_USER)
		return fail(cx, E_ABSENT, NULL, "Not found");
	return gate_may(cx, MAY_WRITE_USER, &(struct about){ .has_object = true, .user_id = u->id, .role = u->role, .organization_id = u->organization_id });
}

static enum err
identity_tx(struct ctx *cx, void *arg)
{
	struct identity_call *c = arg;
	struct identity i;
	struct user u;
	bool self, own;

	TRY(user_load(cx, c->user_id, &u));
	TRY(may_identify(cx, &u, &own));
	if (!u.active)
		return fail(cx, E_ABSENT, NULL, "Not found");
	self = cx->actor != NULL && cx->actor->user_id == u.id && !own && !is_full(cx->actor);
	if (self)                      /* an agent's way in is an administrator's to change */
		return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
	if (own && (c->what == I_CHANGE || (c->what == I_ADD && (c->verified || c->primary))))
		return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
	if (c->what == I_ADD) {
		if (own && c->kind > ID_PHONE)
			bad(cx, "type", "InvalidValue", "Type: must be email or phone_number");
		else if (c->primary && c->kind != ID_EMAIL)
			bad(cx, "primary", "InvalidValue", "Primary: only an address of e-mail can be the primary identity");
		TRY(bad_check(cx));
		TRY(check_identity(cx, c->kind, &c->value));
		TRY(identity_insert(cx, &u, c->kind, c->value, c->verified, &c->id));
		TRY(identity_load(cx, u.id, c->id, &i));
		TRY(identity_trail(cx, &u, "user.identity_create", (sensitive){ 0 }, i.value));
		if (c->kind == ID_EMAIL && (c->primary || u.email.hidden.n == 0))
			TRY(take_primary(cx, &u, &i));
		TRY(take_phone(cx, &u, &i));
		gate_changed(cx);
		return identity_load(cx, u.id, c->id, c->out);
	}
	TRY(identity_load(cx, u.id, c->id, &i));
	switch (c->what) {
	case I_DELETE:
		if (i.primary) {
			bad(cx, "base", "InvalidValue", "the primary identity cannot be deleted; make another one primary first");
			return bad_check(cx);
		}
		TRY(store_exec(cx, &st_identity_delete, ARGS(INT(cx->account), INT(i.id)), NULL));
		gate_changed(cx);
		return identity_trail(cx, &u, "user.identity_delete", i.value, (sensitive){ 0 });
	case I_PRIMARY:
		if (i.primary)
			return OK;
		if (i.kind != ID_EMAIL)
			bad(cx, "base", "InvalidValue", "only an address of e-mail can be the primary identity");
		else if (own && !i.verified)
			bad(cx, "base", "InvalidValue", "an address must be verified before it can be the primary identity");
		TRY(bad_check(cx));
		TRY(identity_trail(cx, &u, "user.identity_primary", u.email, i.value));
		return take_primary(cx, &u, &i);
	default:
		break;
	}
	if (c->value.hidden.n && !str_eqi(str_trim(c->value.hidden), i.value.hidden)) {
		TRY(check_identity(cx, i.kind, &c->value));
		TRY(store_exec(cx, &st_identity_set_value, ARGS(INT(cx->account), INT(i.id), BLIND(identity_folded(cx, i.kind, c->value)),
		    INT(c->set_verified && c->verified), INT(cx->now), SEALED(u.key, c->value)), NULL));
		TRY(identity_trail(cx, &u, "user.identity_update", i.value, c->value));
		if (i.primary) {
			TRY(identity_load(cx, u.id, i.id, c->out));
			TRY(take_primary(cx, &u, c->out));
		}
		gate_changed(cx);
		return identity_load(cx, u.id, i.id, c->out);
	}
	if (c->set_verified && c->verified != i.verified) {
		TRY(store_exec(cx, &st_identity_set_verified, ARGS(INT(cx->account), INT(i.id), INT(c->verified), INT(cx->now)), NULL));
		TRY(identity_trail(cx, &u, "user.identity_verify", (sensitive){ 0 }, i.value));
		if (i.primary) {
			u.verified = c->verified;
			u.updated_at = gate_stamp(cx);
			TRY(user_store(cx, &u));
		}
		gate_changed(cx);
	}
	if (c->primary && !i.primary && i.kind == ID_EMAIL) {
		TRY(identity_load(cx, u.id, i.id, &i));
		TRY(take_primary(cx, &u, &i));
	}
	return identity_load(cx, u.id, c->id, c->out);
}

enum err
identity_create(struct ctx *cx, int64_t user_id, enum identity_kind kind, sensitive value, bool verified, bool primary, struct identity *out)
{
	return store_write(cx, identity_tx, &(struct identity_call){ .user_id = user_id, .kind = kind, .value = value, .verified = verified,
	    .primary = primary, .what = I_ADD, .out = out });
}

enum err
identity_update(struct ctx *cx, int64_t user_id, int64_t id, sensitive value, const bool *verified, bool primary, struct identity *out)
{
	return store_write(cx, identity_tx, &(struct identity_call){ .user_id = user_id, .id = id, .value = value,
	    .set_verified = verified != NULL, .verified = verified && *verified, .primary = primary, .what = I_CHANGE, .out = out });
}

enum err
identity_make_primary(struct ctx *cx, int64_t user_id, int64_t id)
{
	return store_write(cx, identity_tx, &(struct identity_call){ .user_id = user_id, .id = id, .what = I_PRIMARY });
}

enum err
identity_delete(struct ctx *cx, int64_t user_id, int64_t id)
{
	return store_write(cx, identity_tx, &(struct identity_call){ .user_id = user_id, .id = id, .what = I_DELETE });
}

/* A link that says who it is for: identity, end of validity, MAC of both. Nothing of it is kept. */
static void
token_mac(struct ctx *cx, int64_t id, usec until, str value, unsigned char out[32])
{
	str text = str_printf(cx->arena, "verify %lld %lld " STR_F, (long long)id, (long long)until, STR_A(str_lower(cx->arena, value)));

	gate_crypto_of(cx)->mac(cx->sys, text, out);
}

struct verification { int64_t user_id, id; };

static enum err
verification_tx(struct ctx *cx, void *arg)
{
	struct verification *v = arg;
	unsigned char mac[32];
	struct identity i;
	struct user u;
	usec until = cx->now + VERIFY_FOR;
	bool own;

	TRY(user_load(cx, v->user_id, &u));
	if (cx->actor == NULL || cx->actor->role != ROLE_END_USER || cx->actor->user_id != u.id)    /* who is not verified yet may ask */
		TRY(may_identify(cx, &u, &own));
	TRY(identity_load(cx, u.id, v->id, &i));
	if (i.kind != ID_EMAIL)
		bad(cx, "base", "InvalidValue", "only an address of e-mail can be verified by mail");
	TRY(bad_check(cx));
	token_mac(cx, i.id, until, i.value.hidden, mac);
	TRY(identity_trail(cx, &u, "user.identity_request_verification", (sensitive){ 0 }, i.value));
	return gate_on_verification(cx, &u, &i, str_printf(cx->arena, "%lld.%lld." STR_F, (long long)i.id, (long long)until,
	    STR_A(base64url_of(cx->arena, (str){ (char *)mac, sizeof mac }))));
}

enum err
identity_request_verification(struct ctx *cx, int64_t user_id, int64_t id)
{
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (gate_on_verification == NULL)
		return fail(cx, E_BUSY, NULL, "mail is not set up; an administrator can verify the address");
	return store_write(cx, verification_tx, &(struct verification){ user_id, id });
}

struct token_call { str token; };

static enum err
token_tx(struct ctx *cx, void *arg)
{
	str rest = ((struct token_call *)arg)->token, given;
	unsigned char mac[32], bad_bits = 0;
	int64_t id, until;
	struct identity i;
	struct user u;
	struct row r;
	bool found;

	if (!str_int(str_cut(&rest, '.'), &id) || !str_int(str_cut(&rest, '.'), &until) || !base64_to(cx->arena, rest, &given)
	    || given.n != sizeof mac)
		return fail(cx, E_ABSENT, NULL, "Not found");
	TRY(find_one(cx, &st_identity_by_id, ARGS(INT(cx->account), INT(id)), &r, &found));
	if (found)
		i = identity_of(&r);
	token_mac(cx, id, until, found ? i.value.hidden : S(""), mac);
	for (size_t k = 0; k < sizeof mac; k++)
		bad_bits |= (unsigned char)(mac[k] ^ (unsigned char)given.p[k]);
	if (!found || bad_bits != 0 || until < cx->now)
		return fail(cx, E_ABSENT, NULL, "Not found");
	TRY(user_load(cx, i.user_id, &u));
	if (!u.active || i.verified)
		return OK;
	TRY(store_exec(cx, &st_identity_set_verified, ARGS(INT(cx->account), INT(i.id), INT(1), INT(cx->now)), NULL));
	if (i.primary) {
		u.verified = true;
		u.updated_at = gate_stamp(cx);
		TRY(user_store(cx, &u));
	}
	gate_changed(cx);
	return identity_trail(cx, &u, "user.identity_verify", (sensitive){ 0 }, i.value);
}

enum err
identity_verify_token(struct ctx *cx, str token)
{
	return store_write(cx, token_tx, &(struct token_call){ token });
}

/* ---- merge ------------------------------------------------------------------------------------------------------ */

struct merge_call { int64_t from, to; struct user *out; };

static enum err
merge_tx(struct ctx *cx, void *arg)
{
	struct merge_call *c = arg;
	struct user from, to, gone;
	struct rows rs;
	struct trail_field f;

	TRY(gate_may(cx, MAY_WRITE_USER, NULL));
	TRY(user_load(cx, c->from, &from));
	if (!from.active)
		return fail(cx, E_ABSENT, NULL, "Not found");
	TRY(gate_may(cx, MAY_WRITE_USER, &(struct about){ .has_object = true, .user_id = from.id, .role = from.role, .organization_id = from.organization_id }));
	{
		enum err e = user_load(cx, c->to, &to);
		if (e == E_ABSENT || (e == OK && !to.active)) {
			fail_forget(cx);
			bad(cx, "id", "InvalidValue", "Id: is not a known user");
			return bad_check(cx);
		}
		TRY(e);
	}
	if (from.id == to.id)
		bad(cx, "id", "InvalidValue", "Id: a user cannot be merged into itself");
	if (from.role != ROLE_END_USER || to.role != ROLE_END_USER)
		bad(cx, "base", "InvalidValue", "only end users can be merged");
	TRY(bad_check(cx));
	TRY(store_all(cx, &st_identity_of_user, ARGS(INT(cx->account), INT(from.id)), &rs));
	if (gate_on_user_merged != NULL)
		TRY(gate_on_user_merged(cx, from.id, to.id));
	TRY(user_delete(cx, from.id, &gone));         /* its addresses are free after that */
	for (int i = 0; i < rs.count; i++) {
		struct identity one = identity_of(&rs.row[i]);
		int64_t id;
		TRY(identity_insert(cx, &to, one.kind, one.value, one.verified, &id));
		if (to.email.hidden.n == 0 && one.primary) {
			TRY(identity_load(cx, to.id, id, &one));
			TRY(take_primary(cx, &to, &one));
		}
	}
	f = (struct trail_field){ .name = "merged_from", .has_after = true,
	    .after = HIDE(str_printf(cx->arena, "%lld", (long long)from.id)) };
	TRY(trail_append(cx, &(struct event){ .action = "user.merge", .object = "user", .id = to.id, .key = to.key, .field = &f, .count = 1 }));
	gate_changed(cx);
	return user_load(cx, to.id, c->out);
}

enum err
user_merge(struct ctx *cx, int64_t from, int64_t to, struct user *out)
{
	return store_write(cx, merge_tx, &(struct merge_call){ from, to, out });
}

/* ---- deleted users -------------------------------------------------------------------------------------------------- */

enum err
user_deleted_list(struct ctx *cx, int64_t after, int64_t offset, int limit, struct user **out, int *count)
{
	struct rows rs;
	int n = 0;

	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	TRY(store_all(cx, &st_user_deleted_page, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset)), &rs));
	*out = NEW(cx->arena, struct user, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		TRY(user_load(cx, row_int(&rs.row[i], 0), &(*out)[n++]));
	*count = n;
	return OK;
}

enum err
user_deleted_count(struct ctx *cx, int64_t *n)
{
	struct row r;

	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	TRY(store_one(cx, &st_user_deleted_count, ARGS(INT(cx->account)), &r));
	*n = row_int(&r, 0);
	return OK;
}

enum err
user_deleted_get(struct ctx *cx, int64_t id, struct user *out)
{
	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	TRY(user_load(cx, id, out));
	return out->active ? fail(cx, E_ABSENT, NULL, "Not found") : OK;
}

enum err
user_idle(struct ctx *cx, usec before, int64_t after, int limit, int64_t **ids, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &st_user_idle, ARGS(INT(cx->account), INT(ROLE_END_USER), INT(after), INT(before), INT(limit)), &rs));
	*ids = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*ids)[i] = row_int(&rs.row[i], 0);
	*count = rs.count;
	return OK;
}

struct erase_call { int64_t id; struct user *out; };

static enum err
erase_tx(struct ctx *cx, void *arg)
{
	struct erase_call *c = arg;
	struct user u;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(user_deleted_get(cx, c->id, &u));
	if (u.erased)
		return fail(cx, E_ABSENT, NULL, "Not found");
	TRY(store_exec(cx, &st_user_erase, ARGS(INT(cx->account), INT(u.id), INT(gate_stamp(cx))), NULL));
	TRY(trail_reseal(cx, u.key, 0, NULL, NULL));
	TRY(flow_forget_user(cx, u.id, u.email));
	TRY(store_key_destroy(cx, u.key));
	gate_changed(cx);
	TRY(trail_append(cx, &(struct event){ .action = "user.purge", .object = "user", .id = u.id }));
	*c->out = (struct user){ .id = u.id, .created_at = u.created_at, .updated_at = cx->now, .role = u.role, .erased = true,
	    .name = HIDE(S("Permanently Deleted User")), .organization_id = u.organization_id, .locale = u.locale, .time_zone = u.time_zone };
	return OK;
}

enum err
user_purge(struct ctx *cx, int64_t id, struct user *out)
{
	TRY(store_write(cx, erase_tx, &(struct erase_call){ id, out }));
	return cx->tx != NULL ? OK : store_erase(cx);
}

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */

static struct session_row
session_of(const struct row *r)
{
	return (struct session_row){ row_int(r, 0), row_int(r, 1), row_int(r, 2), row_int(r, 3) };
}

/* Staff's own and end users' by agents; all by administrators. */
static enum err
may_sessions(struct ctx *cx, int64_t user_id)
{
	struct user u;

	if (user_id == 0)
		return gate_may(cx, MAY_ADMIN, NULL);
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (cx->actor->user_id == user_id || is_full(cx->actor))
		return user_load(cx, user_id, &u);
	TRY(user_get(cx, user_id, &u));
	return gate_may(cx, MAY_WRITE_USER, &(struct about){ .has_object = true, .user_id = u.id, .role = u.role, .organization_id = u.organization_id });
}

enum err
session_list(struct ctx *cx, int64_t user_id, int64_t after, int limit, struct session_row **out, int *count)
{
	struct rows rs;

	TRY(may_sessions(cx, user_id));
	if (user_id)
		TRY(store_all(cx, &st_session_page_user, ARGS(INT(cx->account), INT(after), INT(limit), INT(user_id)), &rs));
	else
		TRY(store_all(cx, &st_session_page, ARGS(INT(cx->account), INT(after), INT(limit)), &rs));
	*out = NEW(cx->arena, struct session_row, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = session_of(&rs.row[i]);
	*count = rs.count;
	return OK;
}

enum err
session_get(struct ctx *cx, int64_t user_id, int64_t id, struct session_row *out)
{
	struct row r;

	TRY(may_sessions(cx, user_id));
	TRY(store_one(cx, &st_session_by_id, ARGS(INT(cx->account), INT(id)), &r));
	*out = session_of(&r);
	return out->user_id == user_id ? OK : fail(cx, E_ABSENT, NULL, "Not found");
}

struct session_call { int64_t user_id, id; };

static enum err
session_drop_tx(struct ctx *cx, void *arg)
{
	struct session_call *c = arg;
	struct session_row s;

	TRY(may_sessions(cx, c->user_id));
	if (c->id != 0) {
		TRY(session_get(cx, c->user_id, c->id, &s));
		TRY(store_exec(cx, &st_session_delete_one, ARGS(INT(cx->account), INT(c->id)), NULL));
		gate_changed(cx);
	} else
		TRY(sessions_end(cx, c->user_id, 0));
	return trail_append(cx, &(struct event){ .action = "user.session_end", .object = "user", .id = c->user_id });
}

enum err
session_drop(struct ctx *cx, int64_t user_id, int64_t id)
{
	return store_write(cx, session_drop_tx, &(struct session_call){ user_id, id });
}

/* ---- links ---------------------------------------------------------------------------------------------------------------- */

static void
link_mac(struct ctx *cx, const char *what, int64_t id, int64_t user_id, usec until, unsigned char out[32])
{
	gate_crypto_of(cx)->mac(cx->sys, str_printf(cx->arena, "link %s %lld %lld %lld", what, (long long)id, (long long)user_id,
	    (long long)until), out);
}

str
link_sign_for(struct ctx *cx, const char *what, int64_t id, int64_t user_id, usec until)
{
	unsigned char mac[32];

	if (gate_crypto_of(cx) == NULL || user_id == 0)
		return S("");
	link_mac(cx, what, id, user_id, until, mac);
	return str_printf(cx->arena, "%lld.%lld." STR_F, (long long)user_id, (long long)(until / SECOND),
	    STR_A(base64url_of(cx->arena, (str){ (char *)mac, 32 })));
}

str
link_sign(struct ctx *cx, const char *what, int64_t id, usec until)
{
	return link_sign_for(cx, what, id, cx->actor ? cx->actor->user_id : 0, until);
}

enum err
link_enter(struct ctx *cx, const char *what, int64_t id, str token)
{
	unsigned char mac[32], wrong = 0;
	int64_t user_id, until;
	str given;

	if (!str_int(str_cut(&token, '.'), &user_id) || !str_int(str_cut(&token, '.'), &until) || until < 0 || until > INT64_MAX / SECOND
	    || !base64_to(cx->arena, token, &given) || given.n != sizeof mac)
		return fail(cx, E_WHO, NULL, "Couldn't authenticate you");
	link_mac(cx, what, id, user_id, until * SECOND, mac);
	for (size_t k = 0; k < sizeof mac; k++)
		wrong |= (unsigned char)(mac[k] ^ (unsigned char)given.p[k]);
	if (wrong != 0 || until * SECOND < cx->now)
		return fail(cx, E_WHO, NULL, "Couldn't authenticate you");
	TRY(gate_as_user(cx, user_id, "link"));
	((struct actor *)(uintptr_t)cx->actor)->read_only = true;
	return OK;
}
