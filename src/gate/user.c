/* user.c - users: everyone who can be named.
 *
 * All that may name somebody is one sealed doc per user, so that one opening
 * reads it all. E-mail addresses stand in user_identity, one row each, the
 * primary one too, and its unique blind index is what keeps an address to one
 * user; the doc repeats the primary address for reading.
 */
#include <jansson.h>

#include "gate/inside.h"

/* Tags inside the sealed doc; never reused. */
enum {
	DOC_NAME = 1, DOC_EMAIL, DOC_PHONE, DOC_ALIAS, DOC_DETAILS, DOC_NOTES, DOC_SIGNATURE, DOC_EXTERNAL_ID,
	DOC_LOCALE, DOC_TIME_ZONE, DOC_TAGS, DOC_FIELDS,
};

enum shape { LINE, TEXT_BLOCK, JSON_LIST, JSON_MAP };

/* A str and a sensitive have the same shape, so one table serves both. */
enum err (*gate_on_user_changed)(struct ctx *cx, const struct user *u);

static const struct text_member {
	enum user_has bit;
	uint8_t       tag;
	size_t        at, max;
	enum shape    shape;
	const char   *field, *wrong;
} members[] = {
	{ USER_NAME,        DOC_NAME,        offsetof(struct user, name),        255,   LINE,       "name",
	  "Name: is too long or not one line of text" },
	{ USER_EMAIL,       DOC_EMAIL,       offsetof(struct user, email),       254,   LINE,       "email",
	  "Email: is not properly formatted" },
	{ USER_PHONE,       DOC_PHONE,       offsetof(struct user, phone),       128,   LINE,       "phone",
	  "Phone: is too long or not one line of text" },
	{ USER_ALIAS,       DOC_ALIAS,       offsetof(struct user, alias),       255,   LINE,       "alias",
	  "Alias: is too long or not one line of text" },
	{ USER_DETAILS,     DOC_DETAILS,     offsetof(struct user, details),     65535, TEXT_BLOCK, "details",
	  "Details: is too long (maximum is 65535 bytes)" },
	{ USER_NOTES,       DOC_NOTES,       offsetof(struct user, notes),       65535, TEXT_BLOCK, "notes",
	  "Notes: is too long (maximum is 65535 bytes)" },
	{ USER_SIGNATURE,   DOC_SIGNATURE,   offsetof(struct user, signature),   65535, TEXT_BLOCK, "signature",
	  "Signature: is too long (maximum is 65535 bytes)" },
	{ USER_EXTERNAL_ID, DOC_EXTERNAL_ID, offsetof(struct user, external_id), 255,   LINE,       "external_id",
	  "External ID: is too long or not one line of text" },
	{ USER_LOCALE,      DOC_LOCALE,      offsetof(struct user, locale),      32,    LINE,       "locale",
	  "Locale: is not a locale" },
	{ USER_TIME_ZONE,   DOC_TIME_ZONE,   offsetof(struct user, time_zone),   64,    LINE,       "time_zone",
	  "Time zone: is not a time zone" },
	{ USER_TAGS,        DOC_TAGS,        offsetof(struct user, tags),        65535, JSON_LIST,  "tags",
	  "Tags: is too long or not a list" },
	{ USER_FIELDS,      DOC_FIELDS,      offsetof(struct user, user_fields), 65535, JSON_MAP,   "user_fields",
	  "User fields: is too long or not an object" },
};

static const char *const role_names[] = { "end-user", "agent", "admin" };
static const char *const sees_names[] = { "all", "groups", "organization", "assigned", "requested" };

/* ---- SQL ------------------------------------------------------------------------------------------- */

#define USER_COLS \
	"u.id, u.data_key, u.role, u.sees, u.organization_id, u.default_group_id, u.active, u.suspended," \
	" u.verified, u.moderator, u.only_private, u.shared, u.created_at, u.updated_at, u.last_login_at, u.doc, u.custom_role_id"
#define USER_KINDS "iiiii?i?iiiiiiiii?Si?"
#define USER_DOC .seal_out = { { "users", "doc", 0 } }

const struct stmt st_user_insert = {
	.name = "user.insert",
	.sql  = "INSERT INTO users (account_id, id, data_key, role, sees, organization_id, default_group_id, active,"
	        " suspended, verified, moderator, only_private, shared, external_id_x, phone_x, created_at,"
	        " updated_at, doc, custom_role_id)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11, 0, $12, $13, $14, $15, $16, $17)",
	.in   = "iiiiii?i?iiiiX?X?iiSi?",
	.seal_in = { { "users", "doc", 1 } },
	.blind = { "user.external_id", "user.phone" },
};

const struct stmt st_user_update = {
	.name = "user.update",
	.sql  = "UPDATE users SET role = $3, sees = $4, organization_id = $5, active = $6, suspended = $7,"
	        " verified = $8, moderator = $9, only_private = $10, external_id_x = $11, phone_x = $12,"
	        " updated_at = $13, doc = $14, custom_role_id = $15 WHERE account_id = $1 AND id = $2",
	.in   = "iiiii?iiiiiX?X?iSi?",
	.seal_in = { { "users", "doc", 1 } },
	.blind = { "user.external_id", "user.phone" },
};

const struct stmt st_user_by_id = {
	.name = "user.by_id",
	.sql  = "SELECT " USER_COLS " FROM users u WHERE u.account_id = $1 AND u.id = $2",
	.in   = "ii", .out = USER_KINDS, USER_DOC,
};

const struct stmt st_user_by_email = {
	.name = "user.by_email",
	.sql  = "SELECT " USER_COLS " FROM user_identity i JOIN users u ON u.account_id = i.account_id"
	        " AND u.id = i.user_id WHERE i.account_id = $1 AND i.email_x = $2",
	.in   = "iX", .out = USER_KINDS, USER_DOC, .blind = { "user.email" },
};

const struct stmt st_user_by_external = {
	.name = "user.by_external_id",
	.sql  = "SELECT " USER_COLS " FROM users u WHERE u.account_id = $1 AND u.external_id_x = $2 AND u.active = 1",
	.in   = "iX", .out = USER_KINDS, USER_DOC, .blind = { "user.external_id" },
};

const struct stmt st_user_many = {
	.name = "user.many",
	.sql  = "SELECT " USER_COLS " FROM users u WHERE u.account_id = $1"
	        " AND u.id IN (SELECT value FROM json_each($2)) ORDER BY u.id",
	.pg   = "SELECT " USER_COLS " FROM users u WHERE u.account_id = $1"
	        " AND u.id IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($2 AS json)))"
	        " ORDER BY u.id",
	.in   = "it", .out = USER_KINDS, USER_DOC,
};

/* A page is merged from at most three walks, one per role asked for ($7-$9),
 * each along an index that ends in the id; $4 is limit and offset together. */
#define BRANCH(flag, role, where, order, name) \
	"SELECT * FROM (SELECT id FROM users WHERE " flag " = 1 AND account_id = $1 AND role = " role \
	" AND active = 1" where " AND id > $2 AND id < $3 ORDER BY id " order " LIMIT $4) " name
#define USER_PAGE(where, order) \
	"SELECT " USER_COLS " FROM users u JOIN (SELECT id FROM (" \
	BRANCH("$7", "0", where, order, "a") " UNION ALL " \
	BRANCH("$8", "1", where, order, "b") " UNION ALL " \
	BRANCH("$9", "2", where, order, "c") \
	") d ORDER BY id " order " LIMIT $5 OFFSET $6) p ON u.account_id = $1 AND u.id = p.id ORDER BY u.id " order
const struct stmt st_user_page_up = { .name = "user.page_up", .sql = USER_PAGE("", "ASC"),
	.in = "iiiiiiiii", .out = USER_KINDS, USER_DOC };
const struct stmt st_user_page_down = { .name = "user.page_down", .sql = USER_PAGE("", "DESC"),
	.in = "iiiiiiiii", .out = USER_KINDS, USER_DOC };
const struct stmt st_user_org_page_up = { .name = "user.org_page_up",
	.sql = USER_PAGE(" AND organization_id = $10", "ASC"), .in = "iiiiiiiiii", .out = USER_KINDS, USER_DOC };
const struct stmt st_user_org_page_down = { .name = "user.org_page_down",
	.sql = USER_PAGE(" AND organization_id = $10", "DESC"), .in = "iiiiiiiiii", .out = USER_KINDS, USER_DOC };

/* $9: an organization, or 0 for any. Members of a group are few. */
#define USER_GROUP_PAGE(order) \
	"SELECT " USER_COLS " FROM group_membership m JOIN users u ON u.account_id = m.account_id AND u.id = m.user_id" \
	" WHERE m.account_id = $1 AND m.group_id = $8 AND m.user_id > $2 AND m.user_id < $3 AND u.active = 1" \
	" AND ((u.role = 1 AND $6 = 1) OR (u.role = 2 AND $7 = 1)) AND ($9 = 0 OR u.organization_id = $9)" \
	" ORDER BY m.user_id " order " LIMIT $4 OFFSET $5"
const struct stmt st_user_group_page_up = { .name = "user.group_page_up", .sql = USER_GROUP_PAGE("ASC"),
	.in = "iiiiiiiii", .out = USER_KINDS, USER_DOC };
const struct stmt st_user_group_page_down = { .name = "user.group_page_down", .sql = USER_GROUP_PAGE("DESC"),
	.in = "iiiiiiiii", .out = USER_KINDS, USER_DOC };

const struct stmt st_user_group_count = {
	.name = "user.group_count",
	.sql  = "SELECT COUNT(*) FROM group_membership m JOIN users u ON u.account_id = m.account_id AND u.id = m.user_id"
	        " WHERE m.account_id = $1 AND m.group_id = $2 AND u.active = 1"
	        " AND ((u.role = 1 AND $3 = 1) OR (u.role = 2 AND $4 = 1)) AND ($5 = 0 OR u.organization_id = $5)",
	.in   = "iiiii", .out = "i",
};

const struct stmt st_user_changed = {
	.name = "user.changed",
	.sql  = "SELECT " USER_COLS " FROM users u WHERE u.account_id = $1 AND (u.updated_at, u.id) > ($2, $3)"
	        " ORDER BY u.updated_at, u.id LIMIT $4",
	.in   = "iiii", .out = USER_KINDS, USER_DOC,
};

const struct stmt st_user_other_admin = {
	.name = "user.other_admin",
	.sql  = "SELECT id FROM users WHERE account_id = $1 AND role = 2 AND active = 1 AND suspended = 0 AND id <> $2"
	        " LIMIT 1",
	.in   = "ii", .out = "i",
};

const struct stmt st_user_drop_org = {
	.name = "user.drop_organization",
	.sql  = "UPDATE users SET organization_id = NULL, updated_at = $3 WHERE account_id = $1 AND organization_id = $2",
	.in   = "iii",
};

const struct stmt st_user_standing = {
	.name = "user.standing",
	.sql  = "SELECT " STANDING_COLS " FROM users u WHERE u.account_id = $1 AND u.id = $2",
	.in   = "ii", .out = STANDING_KINDS,
};

const struct stmt st_user_set_phi = {
	.name = "user.set_phi",
	.sql  = "UPDATE users SET sees_phi = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii?",
};

const struct stmt st_identity_insert = {
	.name = "identity.insert",
	.sql  = "INSERT INTO user_identity (account_id, id, user_id, email_x, is_primary, verified, created_at,"
	        " updated_at, value, kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
	.in   = "iiiXiiiSi",
	.seal_in = { { "user_identity", "value", 1 } },
	.blind = { "user.email" },
};

const struct stmt st_identity_by_email = {
	.name = "identity.by_email",
	.sql  = "SELECT id, user_id, is_primary FROM user_identity WHERE account_id = $1 AND email_x = $2",
	.in   = "iX", .out = "iii", .blind = { "user.email" },
};

const struct stmt st_identity_demote = {
	.name = "identity.demote",
	.sql  = "UPDATE user_identity SET is_primary = 0, updated_at = $3"
	        " WHERE account_id = $1 AND user_id = $2 AND is_primary = 1",
	.in   = "iii",
};

const struct stmt st_identity_promote = {
	.name = "identity.promote",
	.sql  = "UPDATE user_identity SET is_primary = 1, updated_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

const struct stmt st_identity_verify = {
	.name = "identity.verify",
	.sql  = "UPDATE user_identity SET verified = $3, updated_at = $4"
	        " WHERE account_id = $1 AND user_id = $2 AND is_primary = 1 AND verified <> $3",
	.in   = "iiii",
};

const struct stmt st_identity_delete_all = {
	.name = "identity.delete_all",
	.sql  = "DELETE FROM user_identity WHERE account_id = $1 AND user_id = $2",
	.in   = "ii",
};

/* ---- the doc ------------------------------------------------------------------------------------------ */

static str
text_of(const struct user *u, const struct text_member *m)
{
	return *(const str *)(const void *)((const char *)u + m->at);
}

static void
text_set(struct user *u, const struct text_member *m, str v)
{
	*(str *)(void *)((char *)u + m->at) = v;
}

static sensitive
doc_pack(struct ctx *cx, const struct user *u)
{
	struct buf b;

	buf_init(&b, cx->arena, 1 * MiB);
	for (size_t i = 0; i < COUNT(members); i++) {
		str v = reveal(cx, HIDE(text_of(u, &members[i])), TO_STORE);

		if (v.n > 0)
			pack_put(&b, members[i].tag, v);
	}
	return HIDE(buf_str(&b));
}

/* What a user always has, so that writers of JSON need no special cases. */
static void
fill_defaults(struct user *u)
{
	if (u->locale.n == 0)
		u->locale = S("en-US");
	if (u->time_zone.n == 0)
		u->time_zone = S("UTC");
	if (u->tags.hidden.n == 0)
		u->tags = HIDE(S("[]"));
	if (u->user_fields.hidden.n == 0)
		u->user_fields = HIDE(S("{}"));
}

static struct user
user_of(struct ctx *cx, const struct row *r)
{
	struct user u = {
		.id = row_int(r, 0), .key = row_int(r, 1), .role = (enum role)row_int(r, 2),
		.sees = (enum restriction)row_int(r, 3), .organization_id = row_int(r, 4),
		.default_group_id = row_int(r, 5), .active = row_int(r, 6) != 0, .suspended = row_int(r, 7) != 0,
		.verified = row_int(r, 8) != 0, .moderator = row_int(r, 9) != 0,
		.only_private_comments = row_int(r, 10) != 0, .shared = row_int(r, 11) != 0,
		.created_at = row_int(r, 12), .updated_at = row_int(r, 13), .last_login_at = row_int(r, 14),
		.erased = row_erased(r, 15), .custom_role_id = row_int(r, 16),
	};
	str rest = reveal(cx, row_sensitive(r, 15), TO_STORE), value;
	uint8_t tag;

	while (pack_next(&rest, &tag, &value))
		for (size_t i = 0; i < COUNT(members); i++)
			if (members[i].tag == tag)
				text_set(&u, &members[i], value);
	if (u.erased)
		u.name = HIDE(S("Permanently Deleted User"));
	fill_defaults(&u);
	return u;
}

static enum err
user_find(struct ctx *cx, const struct stmt *st, struct arg by, struct user *out)
{
	struct row row;
	bool found;

	TRY(find_one(cx, st, ARGS(INT(cx->account), by), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*out = user_of(cx, &row);
	return OK;
}

/* ---- validation ----------------------------------------------------------------------------------------- */

static bool
atom_char(char c)
{
	/* RFC 5322 3.2.3 atext, and RFC 6532 3.2 */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL) || (unsigned char)c >= 0x80;
}

bool
email_valid(str email)
{
	str domain = email, local = str_cut(&domain, '@'), label;

	/* RFC 5321 4.5.3.1: 64 before the sign, 254 in all; RFC 1035 2.3.4: 63 a label */
	if (email.n > 254 || local.n == 0 || local.n > 64 || domain.n == 0 || !utf8_valid(email))
		return false;
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '.' ? i == 0 || i + 1 == local.n || local.p[i - 1] == '.' : !atom_char(local.p[i]))
			return false;
	}
	if (domain.p[domain.n - 1] == '.')
		return false;
	while (domain.n > 0) {
		label = str_cut(&domain, '.');
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++) {
			char c = label.p[i];

			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || (unsigned char)c >= 0x80))
				return false;
		}
	}
	return true;
}

bool
shaped_json(struct ctx *cx, str text, bool object)
{
	struct ctx try = { .arena = cx->arena };   /* its words are not ours */
	struct json_t *tree;

	return json_parse(&try, text, &tree) == OK && (object ? json_is_object(tree) : json_is_array(tree));
}

static bool
shape_ok(struct ctx *cx, const struct text_member *m, str v)
{
	if (m->shape == LINE)
		v = str_trim(v);
	if (v.n == 0)
		return true;
	if (v.n > m->max || !utf8_valid(v))
		return false;
	if (m->shape == JSON_LIST || m->shape == JSON_MAP)
		return shaped_json(cx, v, m->shape == JSON_MAP);
	if (m->shape == LINE) {
		for (size_t i = 0; i < v.n; i++)
			if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7F)
				return false;
	}
	return memchr(v.p, 0, v.n) == NULL;
}

const char *
password_wrong(struct ctx *cx, sensitive password)
{
	int64_t least = sign_in_setting(cx, SIGN_IN_PASSWORD);
	str s = reveal(cx, password, TO_STORE);

	if ((int64_t)utf8_count(s) < least)
		return str_z(cx->arena, str_printf(cx->arena, "Password: is too short (minimum is %lld characters)", (long long)least));
	return s.n > PASSWORD_MAX ? "Password: is too long (maximum is 1024 bytes)" : NULL;
}

/* What of a change takes an administrator: `was` and `is` differ in it. */
static void
check_privileges(struct ctx *cx, const struct user *was, const struct user *is, const struct user_change *in)
{
	bool self = cx->actor != NULL && cx->actor->user_id == was->id && was->id != 0;

	/* Of somebody who is there; a new one has none that could be taken over. */
	if ((in->has & USER_PASSWORD) && was->id != 0 && is_full(cx->actor) && cx->actor->role != ROLE_SYSTEM
	    && !gate_setting_bool(cx, "admins_can_set_user_passwords", false))
		bad(cx, "password", "InvalidValue", "Password: administrators may not set passwords here; a link by mail does, or the"
		    " account's sign-in settings allow it");
	if (is_full(cx->actor))
		return;
	if (was->role != is->role)
		bad(cx, "role", "InvalidValue", "Role: only an administrator can set it");
	if (was->sees != is->sees)
		bad(cx, "ticket_restriction", "InvalidValue", "Ticket restriction: only an administrator can set it");
	if (was->only_private_comments != is->only_private_comments)
		bad(cx, "only_private_comments", "InvalidValue", "Only private comments: only an administrator can set it");
	if (was->custom_role_id != is->custom_role_id)
		bad(cx, "custom_role_id", "InvalidValue", "Custom role: only an administrator can set it");
	if (was->moderator != is->moderator)
		bad(cx, "moderator", "InvalidValue", "Moderator: only an administrator can set it");
	if (in->has & USER_PASSWORD)
		bad(cx, "password", "InvalidValue", "Password: only an administrator can set it");
	if (!self)
		return;
	/* An agent's own standing is not the agent's to set. */
	if (was->suspended != is->suspended)
		bad(cx, "suspended", "InvalidValue", "Suspended: only an administrator can set it");
	if (was->organization_id != is->organization_id)
		bad(cx, "organization_id", "InvalidValue", "Organization: only an administrator can set it");
	if ((in->has & USER_GROUP) && was->default_group_id != in->u.default_group_id)
		bad(cx, "default_group_id", "InvalidValue", "Default group: only an administrator can set it");
	if (!str_eq(was->email.hidden, is->email.hidden))
		bad(cx, "email", "InvalidValue", "Email: only an administrator can change an agent's");
	if (!str_eq(was->external_id.hidden, is->external_id.hidden))
		bad(cx, "external_id", "InvalidValue", "External ID: only an administrator can change an agent's");
}

static enum err
check_last_admin(struct ctx *cx, const struct user *was, const struct user *is)
{
	struct row row;
	bool other;

	if (was->id == 0 || was->role != ROLE_ADMIN || !was->active || was->suspended)
		return OK;
	if (is->role == ROLE_ADMIN && is->active && !is->suspended)
		return OK;
	TRY(find_one(cx, &st_user_other_admin, ARGS(INT(cx->account), INT(was->id)), &row, &other));
	if (other)
		return OK;
	if (!is->active)
		bad(cx, "base", "InvalidValue", "The last administrator cannot be deleted");
	else if (is->role != ROLE_ADMIN)
		bad(cx, "role", "InvalidValue", "Role: the last administrator cannot be demoted");
	else
		bad(cx, "suspended", "InvalidValue", "Suspended: the last administrator cannot be suspended");
	return OK;
}

/* Who has this address: *user_id 0 when nobody, *primary for the user's first. */
static enum err
email_owner(struct ctx *cx, sensitive email, int64_t *identity, int64_t *user_id, bool *primary)
{
	sensitive folded = fold(cx, email);
	struct row row;
	bool found = false;

	*identity = *user_id = 0;
	*primary = false;
	if (folded.hidden.n > 0)
		TRY(find_one(cx, &st_identity_by_email, ARGS(INT(cx->account), BLIND(folded)), &row, &found));
	if (found) {
		*identity = row_int(&row, 0);
		*user_id = row_int(&row, 1);
		*primary = row_int(&row, 2) != 0;
	}
	return OK;
}

static enum err
user_check(struct ctx *cx, const struct user *was, const struct user *is, const struct user_change *in)
{
	int64_t identity, owner;
	struct row row;
	bool known;

	for (size_t i = 0; i < COUNT(members); i++)
		if ((in->has & members[i].bit) && !shape_ok(cx, &members[i], text_of(&in->u, &members[i])))
			bad(cx, members[i].field, "InvalidValue", members[i].wrong);
	if (str_trim(is->name.hidden).n == 0)
		bad(cx, "name", "BlankValue", "Name: cannot be blank");
	if ((unsigned)is->role > ROLE_ADMIN)
		bad(cx, "role", "InvalidValue", "Role: is not one of end-user, agent, admin");
	if ((unsigned)is->sees > SEE_REQUESTED)
		bad(cx, "ticket_restriction", "InvalidValue", "Ticket restriction: is not known");
	if ((in->has & USER_EMAIL) && in->u.email.hidden.n > 0) {
		str email = str_trim(in->u.email.hidden);

		if (email.n > 0 && !email_valid(email) && shape_ok(cx, &members[1], email))
			bad(cx, "email", "InvalidValue", "Email: is not properly formatted");
		TRY(email_owner(cx, in->u.email, &identity, &owner, &known));
		if (owner != 0 && owner != was->id)
			bad(cx, "email", "DuplicateValue", "Email: is already being used by another user");
	}
	if ((in->has & USER_EXTERNAL_ID) && is->external_id.hidden.n > 0) {
		TRY(find_one(cx, &st_user_by_external, ARGS(INT(cx->account), BLIND(fold(cx, is->external_id))), &row,
		    &known));
		if (known && row_int(&row, 0) != was->id)
			bad(cx, "external_id", "DuplicateValue", "External ID: has already been taken");
	}
	if (is->organization_id != was->organization_id && is->organization_id != 0) {
		TRY(org_known(cx, is->organization_id, &known));
		if (!known)
			bad(cx, "organization_id", "InvalidValue", "Organization: is not known");
	}
	if ((in->has & USER_GROUP) && in->u.default_group_id != 0 &&
	    in->u.default_group_id != was->default_group_id) {
		TRY(group_known(cx, in->u.default_group_id, &known));
		if (!known)
			bad(cx, "default_group_id", "InvalidValue", "Default group: is not known");
	}
	if ((in->has & USER_PASSWORD) && password_wrong(cx, in->password) != NULL)
		bad(cx, "password", "InvalidValue", password_wrong(cx, in->password));
	check_privileges(cx, was, is, in);
	if ((in->has & USER_CUSTOM_ROLE) && is->custom_role_id != 0) {
		bool there, officer;
		TRY(role_known(cx, is->custom_role_id, &there, &officer));
		if (!there)
			bad(cx, "custom_role_id", "InvalidValue", "Custom role: is not a known role");
		else if (is->role != ROLE_AGENT)
			bad(cx, "custom_role_id", "InvalidValue", "Custom role: is for users whose role is agent");
	}
	TRY(check_last_admin(cx, was, is));
	return bad_check(cx);
}

/* ---- changing -------------------------------------------------------------------------------------------- */

static struct user
user_with(const struct user *was, const struct user_change *in)
{
	struct user u = *was;

	for (size_t i = 0; i < COUNT(members); i++)
		if (in->has & members[i].bit) {
			str v = text_of(&in->u, &members[i]);

			text_set(&u, &members[i], members[i].shape == LINE ? str_trim(v) : v);
		}
	fill_defaults(&u);
	if (in->has & USER_ROLE)
		u.role = in->u.role;
	if (in->has & USER_SEES)
		u.sees = in->u.sees;
	if (in->has & USER_CUSTOM_ROLE)
		u.custom_role_id = in->u.custom_role_id;
	if (u.role != ROLE_AGENT && !(in->has & USER_CUSTOM_ROLE))
		u.custom_role_id = 0;                  /* it is of agents */
	if (in->has & USER_ORG)
		u.organization_id = in->u.organization_id;
	if (in->has & USER_SUSPENDED)
		u.suspended = in->u.suspended;
	if (in->has & USER_VERIFIED)
		u.verified = in->u.verified;
	if (in->has & USER_MODERATOR)
		u.moderator = in->u.moderator;
	if (in->has & USER_PRIVATE_ONLY)
		u.only_private_comments = in->u.only_private_comments;
	return u;
}

static void
flag(struct changes *c, const char *name, bool was, bool is)
{
	if (was != is)
		changes_word(c, name, was ? "true" : "false", is ? "true" : "false");
}

static void
user_changes(struct ctx *cx, struct changes *c, const struct user *was, const struct user *is)
{
	changes_init(cx, c, (int)COUNT(members) + 12);
	for (size_t i = 0; i < COUNT(members); i++)
		changes_text(c, members[i].field, HIDE(text_of(was, &members[i])), HIDE(text_of(is, &members[i])));
	changes_word(c, "role", was->id != 0 ? role_names[was->role] : NULL, role_names[is->role]);
	if (was->sees != is->sees)
		changes_word(c, "ticket_restriction", sees_names[was->sees], sees_names[is->sees]);
	changes_int(cx, c, "organization_id", was->organization_id, is->organization_id);
	flag(c, "active", was->id == 0 || was->active, is->active);
	flag(c, "suspended", was->suspended, is->suspended);
	flag(c, "verified", was->verified, is->verified);
	flag(c, "moderator", was->moderator, is->moderator);
	changes_int(cx, c, "custom_role_id", was->custom_role_id, is->custom_role_id);
	flag(c, "only_private_comments", was->only_private_comments, is->only_private_comments);
}

static enum err
count_user(struct ctx *cx, const struct user *u, int64_t delta)
{
	if (!u->active)
		return OK;
	TRY(counter_add(cx, "users", u->role, delta));
	if (u->organization_id == 0)
		return OK;
	return counter_add(cx, "org_users", u->organization_id * 4 + (int64_t)u->role, delta);
}

static enum err
recount_user(struct ctx *cx, const struct user *was, const struct user *is)
{
	if (was->role == is->role && was->organization_id == is->organization_id && was->active == is->active)
		return OK;
	TRY(count_user(cx, was, -1));
	return count_user(cx, is, 1);
}

static enum err
identity_add(struct ctx *cx, const struct user *u, sensitive email, bool primary)
{
	int64_t id;

	TRY(store_next_id(cx, "identity", &id));
	return store_exec(cx, &st_identity_insert, ARGS(INT(cx->account), INT(id), INT(u->id),
	    BLIND(fold(cx, email)), INT(primary), INT(primary && u->verified), INT(cx->now),
	    SEALED(u->key, HIDE(str_trim(email.hidden))), INT(ID_EMAIL)), NULL);
}

/* A new address is added as a secondary one, as Zendesk does: which one is primary
 * is changed by name (identities, make_primary). Who had none has it as the first. */
static enum err
identity_change(struct ctx *cx, const struct user *was, struct user *is, sensitive email, struct changes *extra)
{
	int64_t identity, owner;
	bool primary;

	TRY(email_owner(cx, email, &identity, &owner, &primary));
	if (primary) {                 /* only spelled differently */
		is->email = was->email;
		return OK;
	}
	if (was->email.hidden.n != 0) {
		is->email = was->email;
		if (identity != 0)
			return OK;
		changes_text(extra, "identity", HIDE(S("")), email);
		return identity_add(cx, is, email, false);
	}
	TRY(store_exec(cx, &st_identity_demote, ARGS(INT(cx->account), INT(is->id), INT(cx->now)), NULL));
	if (identity != 0)
		return store_exec(cx, &st_identity_promote, ARGS(INT(cx->account), INT(identity), INT(cx->now)), NULL);
	return identity_add(cx, is, email, true);
}

/* After role and group are settled: staff belong to a group; others, and compliance officers, to none, so no ticket is
 * assigned to them. */
static enum err
settle_groups(struct ctx *cx, const struct user *was, struct user *is, const struct user_change *in)
{
	int64_t group = (in->has & USER_GROUP) ? in->u.default_group_id : 0;
	bool known, officer = false;
	struct row row;

	if (is->custom_role_id != 0)
		TRY(role_known(cx, is->custom_role_id, &known, &officer));
	if (is->role == ROLE_END_USER || !is->active || officer) {
		if (was->id != 0 && was->role != ROLE_END_USER)
			TRY(groups_leave_all(cx, is->id));
	} else if (group != 0) {
		TRY(groups_join(cx, is->id, group, true));
	} else if (was->default_group_id == 0 && (was->role == ROLE_END_USER || was->custom_role_id != is->custom_role_id)) {
		TRY(groups_default_or_new(cx, &group));
		TRY(groups_join(cx, is->id, group, true));
	}
	TRY(store_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(is->id)), &row));
	is->default_group_id = standing_of(&row, 0).default_group_id;
	return OK;
}

struct user_call {
	int64_t id;
	const struct user_change *in;
	str encoded;               /* the password's hash, made before the transaction */
	struct user *out;
	bool *created;
	str name, email;
};

/* Argon2id takes its time, and the writer thread has none: so a password is
 * hashed before the transaction, for who may set one at all. One that is not
 * acceptable is left for user_check() to refuse with all other fields. */
static enum err
hash_password(struct ctx *cx, struct user_call *call)
{
	if (!(call->in->has & USER_PASSWORD) || !is_full(cx->actor) || password_wrong(cx, call->in->password) != NULL)
		return OK;
	return credential_hash(cx, call->in->password, &call->encoded);
}

static enum err
custom_values(struct ctx *cx, const struct user *was, struct user *is, const struct user_change *in)
{
	if (!(in->has & USER_FIELDS) || gate_fields == NULL)
		return OK;
	return gate_fields(cx, false, was->user_fields, in->u.user_fields, &is->user_fields);
}

/* `unchecked`: the mail intake makes requesters whoever acts. */
static enum err
user_insert(struct ctx *cx, const struct user_change *in, str encoded, bool unchecked, struct user *out)
{
	static const struct user none;
	struct user u = user_with(&none, in);
	struct changes c;

	if (!unchecked)
		TRY(gate_may(cx, MAY_WRITE_USER, &(struct about){ .has_object = true, .organization_id = u.organization_id }));
	u.active = true;
	if (u.organization_id == 0 && u.role == ROLE_END_USER && u.email.hidden.n > 0)
		TRY(domain_organization(cx, u.email, &u.organization_id));
	TRY(custom_values(cx, &none, &u, in));
	TRY(user_check(cx, &none, &u, in));
	TRY(store_next_id(cx, "user", &u.id));
	TRY(store_key_new(cx, &u.key));
	u.created_at = cx->now;
	u.updated_at = gate_stamp(cx);
	TRY(store_exec(cx, &st_user_insert, ARGS(INT(cx->account), INT(u.id), INT(u.key), INT(u.role), INT(u.sees),
	    ID(u.organization_id), NIL, INT(u.suspended), INT(u.verified), INT(u.moderator),
	    INT(u.only_private_comments), blind_or_nil(fold(cx, u.external_id)), blind_or_nil(fold_phone(cx, u.phone)),
	    INT(u.created_at), INT(u.updated_at), SEALED(u.key, doc_pack(cx, &u)), ID(u.custom_role_id)), NULL));
	if (u.email.hidden.n > 0)
		TRY(identity_add(cx, &u, u.email, true));
	TRY(belong_changed(cx, u.id, 0, u.organization_id, false));
	if (in->has & USER_PASSWORD)
		TRY(credential_set(cx, u.id, u.key, encoded));
	TRY(count_user(cx, &u, 1));
	user_changes(cx, &c, &none, &u);
	if (in->has & USER_PASSWORD)
		changes_word(&c, "password", NULL, "set");
	TRY(trail_append(cx, &(struct event){ .action = "user.create", .object = "user", .id = u.id, .key = u.key,
	    .field = c.field, .count = c.count }));
	if (u.role != ROLE_END_USER)
		TRY(settle_groups(cx, &none, &u, in));
	if (gate_on_user_changed != NULL)
		TRY(gate_on_user_changed(cx, &u));
	*out = u;
	return OK;
}

static enum err
user_create_tx(struct ctx *cx, void *arg)
{
	struct user_call *call = arg;

	return user_insert(cx, call->in, call->encoded, false, call->out);
}

enum err
user_create(struct ctx *cx, const struct user_change *in, struct user *out)
{
	struct user_call call = { .in = in, .out = out };

	TRY(hash_password(cx, &call));
	return store_write(cx, user_create_tx, &call);
}

enum err
user_store(struct ctx *cx, const struct user *u)
{
	return store_exec(cx, &st_user_update, ARGS(INT(cx->account), INT(u->id), INT(u->role), INT(u->sees),
	    ID(u->organization_id), INT(u->active), INT(u->suspended), INT(u->verified), INT(u->moderator),
	    INT(u->only_private_comments), blind_or_nil(fold(cx, u->external_id)),
	    blind_or_nil(fold_phone(cx, u->phone)), INT(u->updated_at), SEALED(u->key, doc_pack(cx, u)), ID(u->custom_role_id)), NULL);
}

/* Whether sign-in, or what it lets see, is another one now. */
static bool
standing_changed(const struct user *was, const struct user *is)
{
	return was->role != is->role || was->sees != is->sees || was->custom_role_id != is->custom_role_id || was->organization_id != is->organization_id ||
	    was->active != is->active || was->suspended != is->suspended ||
	    !str_eq(was->email.hidden, is->email.hidden);
}

static enum err
user_change(struct ctx *cx, const struct user *was, const struct user_change *in, str encoded, struct user *out)
{
	struct user is = user_with(was, in);
	struct changes c, extra;
	bool regroup, told = false;

	TRY(gate_may(cx, MAY_WRITE_USER, &(struct about){ .has_object = true, .user_id = was->id,
	    .role = was->role, .organization_id = was->organization_id }));
	if (!was->active)
		return fail(cx, E_ABSENT, NULL, "Not found");
	if ((in->has & USER_EMAIL) && is.email.hidden.n == 0)
		is.email = was->email;  /* an address is not taken away by leaving it empty */
	TRY(custom_values(cx, was, &is, in));
	TRY(user_check(cx, was, &is, in));
	changes_init(cx, &extra, 2);
	if ((in->has & USER_EMAIL) && !str_eq(is.email.hidden, was->email.hidden)) {
		TRY(identity_change(cx, was, &is, is.email, &extra));
		TRY(invitation_over(cx, is.id));
	}
	if (in->has & USER_PASSWORD) {
		TRY(credential_set(cx, is.id, is.key, encoded));
		TRY(sessions_end(cx, is.id, cx->actor != NULL ? cx->actor->session_id : 0));
		changes_word(&extra, "password", NULL, "set");
		told = true;
	}
	if (is.suspended && !was->suspended)
		TRY(sessions_end(cx, is.id, 0));
	user_changes(cx, &c, was, &is);
	for (int i = 0; i < extra.count; i++)
		c.field[c.count++] = extra.field[i];
	regroup = was->role != is.role || was->custom_role_id != is.custom_role_id || ((in->has & USER_GROUP) && in->u.default_group_id != was->default_group_id);
	if (c.count == 0 && !regroup) {
		*out = is;
		return OK;
	}
	if (c.count > 0) {
		is.updated_at = gate_stamp(cx);
		TRY(user_store(cx, &is));
		if (was->verified != is.verified)
			TRY(store_exec(cx, &st_identity_verify, ARGS(INT(cx->account), INT(is.id), INT(is.verified),
			    INT(cx->now)), NULL));
		TRY(recount_user(cx, was, &is));
		TRY(belong_changed(cx, is.id, was->organization_id, is.organization_id, (in->has & USER_KEEP_ORGS) != 0));
		TRY(trail_append(cx, &(struct event){ .action = "user.update", .object = "user", .id = is.id,
		    .key = is.key, .field = c.field, .count = c.count }));
		if (told)                  /* at the address that was theirs before this change */
			TRY(password_told(cx, was->email.hidden.n > 0 ? was : &is));
		if (gate_on_user_changed != NULL)
			TRY(gate_on_user_changed(cx, &is));
	}
	if (regroup)
		TRY(settle_groups(cx, was, &is, in));
	if (standing_changed(was, &is) || extra.count > 0)
		gate_changed(cx);
	*out = is;
	return OK;
}

static enum err
user_update_tx(struct ctx *cx, void *arg)
{
	struct user_call *call = arg;
	struct user was;

	TRY(gate_may(cx, MAY_WRITE_USER, NULL));
	TRY(user_find(cx, &st_user_by_id, INT(call->id), &was));
	return user_change(cx, &was, call->in, call->encoded, call->out);
}

enum err
user_update(struct ctx *cx, int64_t id, const struct user_change *in, struct user *out)
{
	struct user_call call = { .id = id, .in = in, .out = out };

	TRY(hash_password(cx, &call));
	return store_write(cx, user_update_tx, &call);
}

static enum err
user_create_or_update_tx(struct ctx *cx, void *arg)
{
	struct user_call *call = arg;
	struct user_change in = *call->in;
	bool found = false, by_email = false;
	struct row row;
	struct user was;

	TRY(gate_may(cx, MAY_WRITE_USER, NULL));
	if (call->id != 0)
		TRY(find_one(cx, &st_user_by_id, ARGS(INT(cx->account), INT(call->id)), &row, &found));
	if (!found && (in.has & USER_EMAIL) && str_trim(in.u.email.hidden).n > 0) {
		TRY(find_one(cx, &st_user_by_email, ARGS(INT(cx->account), BLIND(fold(cx, in.u.email))), &row, &found));
		by_email = found;
	}
	if (!found && (in.has & USER_EXTERNAL_ID) && str_trim(in.u.external_id.hidden).n > 0)
		TRY(find_one(cx, &st_user_by_external, ARGS(INT(cx->account), BLIND(fold(cx, in.u.external_id))), &row,
		    &found));
	*call->created = !found;
	if (!found)
		return user_insert(cx, &in, call->encoded, false, call->out);
	was = user_of(cx, &row);
	if (by_email)                  /* a secondary address that was matched stays one */
		in.has &= ~(unsigned)USER_EMAIL;
	return user_change(cx, &was, &in, call->encoded, call->out);
}

enum err
user_create_or_update(struct ctx *cx, int64_t id, const struct user_change *in, struct user *out, bool *created)
{
	struct user_call call = { .id = id, .in = in, .out = out, .created = created };

	TRY(hash_password(cx, &call));
	return store_write(cx, user_create_or_update_tx, &call);
}

static enum err
user_delete_tx(struct ctx *cx, void *arg)
{
	static const struct user_change nothing;
	struct user_call *call = arg;
	struct user was = {0}, is;
	struct changes c;

	TRY(gate_may(cx, MAY_WRITE_USER, NULL));
	TRY(user_find(cx, &st_user_by_id, INT(call->id), &was));
	TRY(gate_may(cx, MAY_WRITE_USER, &(struct about){ .has_object = true, .user_id = was.id,
	    .role = was.role }));
	if (!was.active)
		return fail(cx, E_ABSENT, NULL, "Not found");
	if (cx->actor != NULL && cx->actor->user_id == was.id)
		bad(cx, "base", "InvalidValue", "You cannot delete yourself");
	is = was;
	is.active = false;
	TRY(check_last_admin(cx, &was, &is));
	TRY(bad_check(cx));
	TRY(credential_end(cx, is.id));
	TRY(store_exec(cx, &st_identity_delete_all, ARGS(INT(cx->account), INT(is.id)), NULL));
	TRY(belong_end(cx, is.id));
	TRY(settle_groups(cx, &was, &is, &nothing));
	is.updated_at = gate_stamp(cx);
	TRY(user_store(cx, &is));
	TRY(recount_user(cx, &was, &is));
	gate_changed(cx);
	user_changes(cx, &c, &was, &is);
	TRY(trail_append(cx, &(struct event){ .action = "user.delete", .object = "user", .id = is.id, .key = is.key,
	    .field = c.field, .count = c.count }));
	if (gate_on_user_changed != NULL)
		TRY(gate_on_user_changed(cx, &is));
	*call->out = is;
	return OK;
}

enum err
user_delete(struct ctx *cx, int64_t id, struct user *out)
{
	return store_write(cx, user_delete_tx, &(struct user_call){ .id = id, .out = out });
}

/* ---- who sees PHI ------------------------------------------------------------------------------------------ */

static enum err
staff_standing(struct ctx *cx, int64_t id, struct standing *s)
{
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(find_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(id)), &row, &found));
	if (!found || row_int(&row, 1) == ROLE_END_USER || row_int(&row, 5) == 0)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*s = standing_of(&row, 0);
	return OK;
}

enum err
user_phi(struct ctx *cx, int64_t id, int *own, bool *sees)
{
	struct standing s;

	TRY(staff_standing(cx, id, &s));
	*own = s.phi;
	*sees = standing_sees_phi(cx, &s);
	return OK;
}

struct phi_call { int64_t id; int own; };

static enum err
user_set_phi_tx(struct ctx *cx, void *arg)
{
	static const char *const words[] = { "as the role", "no", "yes" };
	struct phi_call *call = arg;
	struct standing s;
	struct changes c;

	TRY(staff_standing(cx, call->id, &s));
	if (s.phi == call->own)
		return OK;
	TRY(store_exec(cx, &st_user_set_phi, ARGS(INT(cx->account), INT(call->id), call->own < 0 ? NIL : INT(call->own)), NULL));
	gate_changed(cx);
	changes_init(cx, &c, 1);
	changes_word(&c, "sees_phi", words[s.phi + 1], words[call->own + 1]);
	return trail_append(cx, &(struct event){ .action = "user.set_phi", .object = "user", .id = call->id,
	    .field = c.field, .count = c.count });
}

enum err
user_set_phi(struct ctx *cx, int64_t id, int own)
{
	return store_write(cx, user_set_phi_tx, &(struct phi_call){ id, own < 0 ? -1 : own != 0 });
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

enum err
user_get(struct ctx *cx, int64_t id, struct user *out)
{
	TRY(gate_may(cx, MAY_READ_USER, &(struct about){ .has_object = true, .user_id = id }));
	return user_find(cx, &st_user_by_id, INT(id), out);
}

enum err
user_load(struct ctx *cx, int64_t id, struct user *out)
{
	return user_find(cx, &st_user_by_id, INT(id), out);
}

/* Not standing_of(): to that a suspended user is not active. */
enum err
user_brief(struct ctx *cx, int64_t id, struct user *out)
{
	struct row row;
	bool found;

	TRY(find_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(id)), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*out = (struct user){ .id = row_int(&row, 0), .role = (enum role)row_int(&row, 1),
	    .sees = (enum restriction)row_int(&row, 2), .organization_id = row_int(&row, 3),
	    .default_group_id = row_int(&row, 4), .active = row_int(&row, 5) != 0, .suspended = row_int(&row, 6) != 0 };
	return OK;
}

enum err
user_by_email(struct ctx *cx, str email, struct user *out)
{
	return user_find(cx, &st_user_by_email, BLIND(fold(cx, HIDE(email))), out);
}

enum err
user_by_external_id(struct ctx *cx, str external_id, struct user *out)
{
	return user_find(cx, &st_user_by_external, BLIND(fold(cx, HIDE(external_id))), out);
}

static void
users_out(struct ctx *cx, const struct rows *rows, bool reverse, struct user **out, int *count)
{
	struct user *u = NEW(cx->arena, struct user, (size_t)rows->count + 1);

	for (int i = 0; i < rows->count; i++)
		u[i] = user_of(cx, &rows->row[reverse ? rows->count - 1 - i : i]);
	*out = u;
	*count = rows->count;
}

enum err
user_many(struct ctx *cx, const int64_t *ids, int n, struct user **out, int *count)
{
	struct rows rows;

	TRY(store_all(cx, &st_user_many, ARGS(INT(cx->account), TEXT(ids_json(cx, ids, n))), &rows));
	users_out(cx, &rows, false, out, count);
	return OK;
}

/* A mask of bits 1 << role; 0 and below: any role. */
static bool
in_mask(const struct user_filter *f, enum role role)
{
	return f->role_mask <= 0 || (f->role_mask >> role & 1) != 0;
}

enum err
user_list(struct ctx *cx, const struct user_filter *f, struct user **out, int *count)
{
	struct page p = page_of(f->after, f->before, f->offset, f->limit, f->newest_first);
	bool r0 = in_mask(f, ROLE_END_USER), r1 = in_mask(f, ROLE_AGENT), r2 = in_mask(f, ROLE_ADMIN);
	struct rows rows;

	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	if (f->group_id != 0)
		TRY(store_all(cx, p.down ? &st_user_group_page_down : &st_user_group_page_up, ARGS(INT(cx->account),
		    INT(p.lo), INT(p.hi), INT(p.limit), INT(p.offset), INT(r1), INT(r2), INT(f->group_id),
		    INT(f->organization_id)), &rows));
	else if (f->organization_id != 0)
		TRY(store_all(cx, p.down ? &st_user_org_page_down : &st_user_org_page_up, ARGS(INT(cx->account),
		    INT(p.lo), INT(p.hi), INT(p.limit + p.offset), INT(p.limit), INT(p.offset), INT(r0), INT(r1),
		    INT(r2), INT(f->organization_id)), &rows));
	else
		TRY(store_all(cx, p.down ? &st_user_page_down : &st_user_page_up, ARGS(INT(cx->account),
		    INT(p.lo), INT(p.hi), INT(p.limit + p.offset), INT(p.limit), INT(p.offset), INT(r0), INT(r1),
		    INT(r2)), &rows));
	users_out(cx, &rows, p.reverse, out, count);
	return OK;
}

enum err
user_count(struct ctx *cx, const struct user_filter *f, int64_t *count)
{
	int64_t which[3];
	struct row row;
	int n = 0;

	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	if (f->group_id != 0) {
		TRY(store_one(cx, &st_user_group_count, ARGS(INT(cx->account), INT(f->group_id),
		    INT(in_mask(f, ROLE_AGENT)), INT(in_mask(f, ROLE_ADMIN)), INT(f->organization_id)), &row));
		*count = row_int(&row, 0);
		return OK;
	}
	for (int64_t role = ROLE_END_USER; role <= ROLE_ADMIN; role++)
		if (in_mask(f, (enum role)role))
			which[n++] = f->organization_id != 0 ? f->organization_id * 4 + role : role;
	return counter_sum(cx, f->organization_id != 0 ? "org_users" : "users", which, n, count);
}

/* "jane.doe-smith@example.com" is "Jane Doe Smith" until somebody says better. */
static str
name_of_address(struct ctx *cx, str email)
{
	str rest = email, local = str_cut(&rest, '@');
	struct buf b;
	bool start = true;

	buf_init(&b, cx->arena, 255);
	for (size_t i = 0; i < local.n; i++) {
		char c = local.p[i];

		if (c == '.' || c == '_' || c == '-' || c == '+') {
			start = true;
			continue;
		}
		if (start && b.n > 0)
			buf_byte(&b, ' ');
		buf_byte(&b, start && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
		start = false;
	}
	return b.n > 0 ? buf_str(&b) : S("Unknown");
}

/* The name in a mail's From is whatever its sender wrote: made usable, never refused. */
static str
usable_name(struct ctx *cx, str name, str email)
{
	str s = str_trim(utf8_mend(cx->arena, name));
	char *p;

	s.n = s.n > 255 ? utf8_floor(s, 255) : s.n;
	p = arena_alloc(cx->arena, 1, s.n + 1, 1);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7F)
			p[i] = ' ';
	s = str_trim((str){ p, s.n });
	return s.n > 0 ? s : name_of_address(cx, email);
}

static enum err
user_for_address_tx(struct ctx *cx, void *arg)
{
	struct user_call *call = arg;
	str email = str_trim(call->email);
	struct user_change in = { .has = USER_NAME | USER_EMAIL };
	struct row row;
	bool found;

	if (!email_valid(email)) {
		bad(cx, "email", "InvalidValue", "Email: is not properly formatted");
		return bad_check(cx);
	}
	TRY(find_one(cx, &st_user_by_email, ARGS(INT(cx->account), BLIND(fold(cx, HIDE(email)))), &row, &found));
	if (found) {
		*call->out = user_of(cx, &row);
		return OK;
	}
	in.u.name = HIDE(usable_name(cx, call->name, email));
	in.u.email = HIDE(email);
	return user_insert(cx, &in, S(""), true, call->out);
}

enum err
user_for_address(struct ctx *cx, str name, str email, struct user *out)
{
	return store_write(cx, user_for_address_tx,
	    &(struct user_call){ .name = name, .email = email, .out = out });
}

enum err
user_changed(struct ctx *cx, usec at, int64_t id, int limit, struct user **out, int *count)
{
	struct rows rows;

	TRY(store_all(cx, &st_user_changed, ARGS(INT(cx->account), INT(at), INT(id),
	    INT(limit > 0 && limit <= 10000 ? limit : 1000)), &rows));
	users_out(cx, &rows, false, out, count);
	return OK;
}
