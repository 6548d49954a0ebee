/* belong.c - who belongs to which organization: memberships, domains,
 * subscriptions, and organizations that become one.
 *
 * users.organization_id is the default membership's; the two change together,
 * always by way of user_update(), where counters and the trail are.
 */
#include <jansson.h>

#include "gate/inside.h"

#define BELONG "id, user_id, organization_id, is_default, created_at, updated_at"
#define BELONG_OUT "iiiiii"
const struct stmt st_belong_insert = {
	.name = "organization_membership.insert",
	.sql  = "INSERT INTO organization_membership (account_id, id, user_id, organization_id, is_default, created_at, updated_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (account_id, user_id, organization_id)"
	        " DO UPDATE SET is_default = excluded.is_default, updated_at = excluded.updated_at",
	.in   = "iiiiii",
};

const struct stmt st_belong_undefault = {
	.name = "organization_membership.undefault",
	.sql  = "UPDATE organization_membership SET is_default = 0, updated_at = $3 WHERE account_id = $1 AND user_id = $2"
	        " AND is_default = 1",
	.in   = "iii",
};

const struct stmt st_belong_drop = {
	.name = "organization_membership.drop",
	.sql  = "DELETE FROM organization_membership WHERE account_id = $1 AND user_id = $2 AND organization_id = $3",
	.in   = "iii",
};

const struct stmt st_belong_drop_user = {
	.name = "organization_membership.drop_user",
	.sql  = "DELETE FROM organization_membership WHERE account_id = $1 AND user_id = $2",
	.in   = "ii",
};

const struct stmt st_belong_drop_org = {
	.name = "organization_membership.drop_org",
	.sql  = "DELETE FROM organization_membership WHERE account_id = $1 AND organization_id = $2",
	.in   = "ii",
};

const struct stmt st_belong_next = {
	.name = "organization_membership.next",
	.sql  = "SELECT organization_id FROM organization_membership WHERE account_id = $1 AND user_id = $2 AND organization_id <> $3"
	        " ORDER BY id LIMIT 1",
	.in   = "iii", .out = "i",
};

const struct stmt st_belong_by_id = {
	.name = "organization_membership.by_id",
	.sql  = "SELECT " BELONG " FROM organization_membership WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = BELONG_OUT,
};

const struct stmt st_belong_pair = {
	.name = "organization_membership.pair",
	.sql  = "SELECT " BELONG " FROM organization_membership WHERE account_id = $1 AND user_id = $2 AND organization_id = $3",
	.in   = "iii", .out = BELONG_OUT,
};

/* $4 and $5: user and organization, 0 for any. Each form walks its own index. */
#define BELONG_PAGE(where) "SELECT " BELONG " FROM organization_membership WHERE account_id = $1 AND id > $2" where \
	" ORDER BY id LIMIT $3 OFFSET $4"
const struct stmt st_belong_page = { .name = "organization_membership.page", .sql = BELONG_PAGE(""), .in = "iiii", .out = BELONG_OUT };
const struct stmt st_belong_page_user = { .name = "organization_membership.page_user", .sql = BELONG_PAGE(" AND user_id = $5"),
	.in = "iiiii", .out = BELONG_OUT };
const struct stmt st_belong_page_org = { .name = "organization_membership.page_org", .sql = BELONG_PAGE(" AND organization_id = $5"),
	.in = "iiiii", .out = BELONG_OUT };

#define BELONG_COUNT(where) "SELECT count(*) FROM (SELECT 1 AS one FROM organization_membership WHERE account_id = $1" where \
	" LIMIT 100000) AS capped"
const struct stmt st_belong_count = { .name = "organization_membership.count", .sql = BELONG_COUNT(""), .in = "i", .out = "i" };
const struct stmt st_belong_count_user = { .name = "organization_membership.count_user", .sql = BELONG_COUNT(" AND user_id = $2"),
	.in = "ii", .out = "i" };
const struct stmt st_belong_count_org = { .name = "organization_membership.count_org", .sql = BELONG_COUNT(" AND organization_id = $2"),
	.in = "ii", .out = "i" };

const struct stmt st_domain_insert = {
	.name = "organization_domain.insert",
	.sql  = "INSERT INTO organization_domain (account_id, organization_id, domain_x) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	.in   = "iiX", .blind = { "organization.domain" },
};

const struct stmt st_domain_delete = {
	.name = "organization_domain.delete",
	.sql  = "DELETE FROM organization_domain WHERE account_id = $1 AND organization_id = $2",
	.in   = "ii",
};

const struct stmt st_domain_find = {
	.name = "organization_domain.find",
	.sql  = "SELECT organization_id FROM organization_domain WHERE account_id = $1 AND domain_x = $2 ORDER BY organization_id LIMIT 1",
	.in   = "iX", .out = "i", .blind = { "organization.domain" },
};

#define SUB "id, user_id, organization_id, created_at"
const struct stmt st_sub_insert = {
	.name = "organization_subscription.insert",
	.sql  = "INSERT INTO organization_subscription (account_id, id, user_id, organization_id, created_at) VALUES ($1, $2, $3, $4, $5)",
	.in   = "iiiii",
};

const struct stmt st_sub_delete = {
	.name = "organization_subscription.delete",
	.sql  = "DELETE FROM organization_subscription WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt st_sub_drop_org = {
	.name = "organization_subscription.drop_org",
	.sql  = "DELETE FROM organization_subscription WHERE account_id = $1 AND organization_id = $2",
	.in   = "ii",
};

const struct stmt st_sub_by_id = {
	.name = "organization_subscription.by_id",
	.sql  = "SELECT " SUB " FROM organization_subscription WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "iiii",
};

const struct stmt st_sub_pair = {
	.name = "organization_subscription.pair",
	.sql  = "SELECT " SUB " FROM organization_subscription WHERE account_id = $1 AND user_id = $2 AND organization_id = $3",
	.in   = "iii", .out = "iiii",
};

#define SUB_PAGE(where) "SELECT " SUB " FROM organization_subscription WHERE account_id = $1 AND id > $2" where \
	" ORDER BY id LIMIT $3 OFFSET $4"
const struct stmt st_sub_page = { .name = "organization_subscription.page", .sql = SUB_PAGE(""), .in = "iiii", .out = "iiii" };
const struct stmt st_sub_page_user = { .name = "organization_subscription.page_user", .sql = SUB_PAGE(" AND user_id = $5"),
	.in = "iiiii", .out = "iiii" };
const struct stmt st_sub_page_org = { .name = "organization_subscription.page_org", .sql = SUB_PAGE(" AND organization_id = $5"),
	.in = "iiiii", .out = "iiii" };

const struct stmt st_sub_count = {
	.name = "organization_subscription.count",
	.sql  = "SELECT count(*) FROM organization_subscription WHERE account_id = $1 AND user_id = $2",
	.in   = "ii", .out = "i",
};

const struct stmt st_merge_insert = {
	.name = "organization_merge.insert",
	.sql  = "INSERT INTO organization_merge (account_id, id, winner_id, loser_id, created_at) VALUES ($1, $2, $3, $4, $5)",
	.in   = "iiiii",
};

const struct stmt st_merge_by_id = {
	.name = "organization_merge.by_id",
	.sql  = "SELECT id, winner_id, loser_id, created_at FROM organization_merge WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "iiii",
};

const struct stmt st_merge_of = {
	.name = "organization_merge.of",
	.sql  = "SELECT id, winner_id, loser_id, created_at FROM organization_merge WHERE account_id = $1 AND winner_id = $2"
	        " ORDER BY id LIMIT 100",
	.in   = "ii", .out = "iiii",
};


const struct stmt st_merge_members = {
	.name = "organization_merge.members",
	.sql  = "UPDATE organization_membership SET organization_id = $3, updated_at = $4 WHERE account_id = $1 AND organization_id = $2"
	        " AND user_id NOT IN (SELECT m.user_id FROM organization_membership m WHERE m.account_id = $1 AND m.organization_id = $3)",
	.in   = "iiii",
};

const struct stmt st_merge_move = {
	.name = "organization_merge.move",
	.sql  = "UPDATE users SET organization_id = $3, updated_at = $4 WHERE account_id = $1 AND organization_id = $2",
	.in   = "iiii",
};

enum err (*gate_on_org_merged)(struct ctx *cx, int64_t from, int64_t to);

/* ---- memberships -------------------------------------------------------------------------------------------- */

enum err
belong_changed(struct ctx *cx, int64_t user_id, int64_t from, int64_t to, bool keep)
{
	int64_t id;

	if (from == to)
		return OK;
	if (from != 0) {
		if (!keep)
			TRY(store_exec(cx, &st_belong_drop, ARGS(INT(cx->account), INT(user_id), INT(from)), NULL));
		TRY(store_exec(cx, &st_belong_undefault, ARGS(INT(cx->account), INT(user_id), INT(cx->now)), NULL));
	}
	if (to == 0)
		return OK;
	TRY(store_next_id(cx, "organization_membership", &id));
	return store_exec(cx, &st_belong_insert, ARGS(INT(cx->account), INT(id), INT(user_id), INT(to), INT(1), INT(cx->now)), NULL);
}

enum err
belong_end(struct ctx *cx, int64_t user_id)
{
	return store_exec(cx, &st_belong_drop_user, ARGS(INT(cx->account), INT(user_id)), NULL);
}

enum err
belong_org_gone(struct ctx *cx, int64_t organization_id)
{
	TRY(store_exec(cx, &st_belong_drop_org, ARGS(INT(cx->account), INT(organization_id)), NULL));
	TRY(store_exec(cx, &st_domain_delete, ARGS(INT(cx->account), INT(organization_id)), NULL));
	return store_exec(cx, &st_sub_drop_org, ARGS(INT(cx->account), INT(organization_id)), NULL);
}

static struct org_membership
belong_of(const struct row *r)
{
	return (struct org_membership){ row_int(r, 0), row_int(r, 1), row_int(r, 2), row_int(r, 3) != 0, row_int(r, 4), row_int(r, 5) };
}

struct belong_call { int64_t user_id, org_id, id; bool is_default; enum { B_ADD, B_DELETE, B_DEFAULT } what; struct org_membership *out; };

static enum err
belong_tx(struct ctx *cx, void *arg)
{
	struct belong_call *c = arg;
	struct user_change ch = { .has = USER_ORG | USER_KEEP_ORGS };
	struct user u;
	struct row r;
	bool known, found;

	TRY(gate_may(cx, MAY_WRITE_ORGS, NULL));
	if (c->what != B_ADD) {
		TRY(store_one(cx, &st_belong_by_id, ARGS(INT(cx->account), INT(c->id)), &r));
		*c->out = belong_of(&r);
		if (c->user_id != 0 && c->out->user_id != c->user_id)
			return fail(cx, E_ABSENT, NULL, "Not found");
	}
	if (c->what == B_DEFAULT) {
		ch.u.organization_id = c->out->organization_id;
		TRY(user_update(cx, c->out->user_id, &ch, &u));
		c->out->is_default = true;
		return OK;
	}
	if (c->what == B_DELETE) {
		if (!c->out->is_default) {
			TRY(store_exec(cx, &st_belong_drop, ARGS(INT(cx->account), INT(c->out->user_id), INT(c->out->organization_id)), NULL));
			return trail_append(cx, &(struct event){ .action = "organization_membership.delete", .object = "organization_membership",
			    .id = c->id, .parent = c->out->organization_id });
		}
		TRY(find_one(cx, &st_belong_next, ARGS(INT(cx->account), INT(c->out->user_id), INT(c->out->organization_id)), &r, &found));
		ch.has = USER_ORG;
		ch.u.organization_id = found ? row_int(&r, 0) : 0;
		return user_update(cx, c->out->user_id, &ch, &u);
	}
	{
		enum err e = user_load(cx, c->user_id, &u);
		if (e == E_ABSENT || (e == OK && !u.active)) {
			fail_forget(cx);
			bad(cx, "user_id", "InvalidValue", "User: is not a known user");
		} else
			TRY(e);
	}
	TRY(org_known(cx, c->org_id, &known));
	if (!known)
		bad(cx, "organization_id", "InvalidValue", "Organization: is not known");
	TRY(bad_check(cx));
	TRY(find_one(cx, &st_belong_pair, ARGS(INT(cx->account), INT(u.id), INT(c->org_id)), &r, &found));
	if (found) {
		bad(cx, "user_id", "DuplicateValue", "User: is a member of this organization already");
		return bad_check(cx);
	}
	if (u.organization_id == 0 || c->is_default) {
		ch.u.organization_id = c->org_id;
		TRY(user_update(cx, u.id, &ch, &u));
	} else {
		int64_t id;
		TRY(store_next_id(cx, "organization_membership", &id));
		TRY(store_exec(cx, &st_belong_insert, ARGS(INT(cx->account), INT(id), INT(u.id), INT(c->org_id), INT(0), INT(cx->now)), NULL));
		TRY(trail_append(cx, &(struct event){ .action = "organization_membership.create", .object = "organization_membership",
		    .id = id, .parent = c->org_id }));
	}
	TRY(store_one(cx, &st_belong_pair, ARGS(INT(cx->account), INT(u.id), INT(c->org_id)), &r));
	*c->out = belong_of(&r);
	return OK;
}

enum err
org_membership_create(struct ctx *cx, int64_t user_id, int64_t org_id, bool is_default, struct org_membership *out)
{
	return store_write(cx, belong_tx, &(struct belong_call){ .user_id = user_id, .org_id = org_id, .is_default = is_default,
	    .what = B_ADD, .out = out });
}

enum err
org_membership_delete(struct ctx *cx, int64_t user_id, int64_t id)
{
	struct org_membership m;

	return store_write(cx, belong_tx, &(struct belong_call){ .user_id = user_id, .id = id, .what = B_DELETE, .out = &m });
}

enum err
org_membership_make_default(struct ctx *cx, int64_t user_id, int64_t id, struct org_membership *out)
{
	return store_write(cx, belong_tx, &(struct belong_call){ .user_id = user_id, .id = id, .what = B_DEFAULT, .out = out });
}

enum err
org_membership_get(struct ctx *cx, int64_t user_id, int64_t id, struct org_membership *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	TRY(store_one(cx, &st_belong_by_id, ARGS(INT(cx->account), INT(id)), &r));
	*out = belong_of(&r);
	return user_id == 0 || out->user_id == user_id ? OK : fail(cx, E_ABSENT, NULL, "Not found");
}

enum err
org_membership_of(struct ctx *cx, int64_t user_id, int64_t org_id, struct org_membership *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	TRY(store_one(cx, &st_belong_pair, ARGS(INT(cx->account), INT(user_id), INT(org_id)), &r));
	*out = belong_of(&r);
	return OK;
}

enum err
org_membership_list(struct ctx *cx, int64_t user_id, int64_t org_id, int64_t after, int64_t offset, int limit,
    struct org_membership **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	if (user_id)
		TRY(store_all(cx, &st_belong_page_user, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset), INT(user_id)), &rs));
	else if (org_id)
		TRY(store_all(cx, &st_belong_page_org, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset), INT(org_id)), &rs));
	else
		TRY(store_all(cx, &st_belong_page, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset)), &rs));
	*out = NEW(cx->arena, struct org_membership, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = belong_of(&rs.row[i]);
	*count = rs.count;
	return OK;
}

enum err
org_membership_count(struct ctx *cx, int64_t user_id, int64_t org_id, int64_t *n)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	if (user_id)
		TRY(store_one(cx, &st_belong_count_user, ARGS(INT(cx->account), INT(user_id)), &r));
	else if (org_id)
		TRY(store_one(cx, &st_belong_count_org, ARGS(INT(cx->account), INT(org_id)), &r));
	else
		TRY(store_one(cx, &st_belong_count, ARGS(INT(cx->account)), &r));
	*n = row_int(&r, 0);
	return OK;
}

/* ---- domains ---------------------------------------------------------------------------------------------------- */

static void
add_words(struct ctx *cx, str json, str **out, int *count)
{
	struct ctx try = { .arena = cx->arena };
	struct json_t *list, *w;
	size_t i;

	*count = 0;
	*out = NULL;
	if (json_parse(&try, json, &list) != OK || !json_is_array(list))
		return;
	*out = NEW(cx->arena, str, json_array_size(list) + 1);
	json_array_foreach(list, i, w)
		if (json_is_string(w))
			(*out)[(*count)++] = str_lower(cx->arena, str_trim((str){ json_string_value(w), json_string_length(w) }));
}

enum err
domains_changed(struct ctx *cx, const struct organization *o)
{
	str *w;
	int n;

	TRY(store_exec(cx, &st_domain_delete, ARGS(INT(cx->account), INT(o->id)), NULL));
	add_words(cx, reveal(cx, o->domain_names, TO_STORE), &w, &n);
	for (int i = 0; i < n && i < 1000; i++)
		if (w[i].n)
			TRY(store_exec(cx, &st_domain_insert, ARGS(INT(cx->account), INT(o->id), BLIND(HIDE(w[i]))), NULL));
	return OK;
}

enum err
domain_organization(struct ctx *cx, sensitive email, int64_t *organization_id)
{
	str domain = str_trim(email.hidden);
	struct row r;
	bool found;

	*organization_id = 0;
	(void)str_cut(&domain, '@');
	if (domain.n == 0)
		return OK;
	TRY(find_one(cx, &st_domain_find, ARGS(INT(cx->account), BLIND(HIDE(str_lower(cx->arena, domain)))), &r, &found));
	if (found)
		*organization_id = row_int(&r, 0);
	return OK;
}

/* ---- subscriptions ------------------------------------------------------------------------------------------------- */

static struct org_membership
sub_of(const struct row *r)
{
	return (struct org_membership){ .id = row_int(r, 0), .user_id = row_int(r, 1), .organization_id = row_int(r, 2),
	    .created_at = row_int(r, 3) };
}

/* Agents for themselves and end users; an end user for the organization that is theirs. */
static enum err
may_subscribe(struct ctx *cx, int64_t user_id)
{
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (cx->actor->user_id == user_id || is_full(cx->actor))
		return OK;
	return cx->actor->role >= ROLE_AGENT ? OK : fail(cx, E_DENIED, NULL, "You do not have access to this page.");
}

static enum err
sub_tx(struct ctx *cx, void *arg)
{
	struct belong_call *c = arg;
	struct user u;
	struct row r;
	bool known, found;
	int64_t id;
	enum err e;

	TRY(may_subscribe(cx, c->user_id));
	if (c->what == B_DELETE) {
		TRY(store_one(cx, &st_sub_by_id, ARGS(INT(cx->account), INT(c->id)), &r));
		*c->out = sub_of(&r);
		if (cx->actor->role == ROLE_END_USER && c->out->user_id != cx->actor->user_id)
			return fail(cx, E_ABSENT, NULL, "Not found");
		TRY(store_exec(cx, &st_sub_delete, ARGS(INT(cx->account), INT(c->id)), NULL));
		return trail_append(cx, &(struct event){ .action = "organization_subscription.delete", .object = "organization_subscription",
		    .id = c->id, .parent = c->out->organization_id });
	}
	e = user_load(cx, c->user_id, &u);
	if (e == E_ABSENT || (e == OK && !u.active)) {
		fail_forget(cx);
		bad(cx, "user_id", "InvalidValue", "User: is not a known user");
	} else
		TRY(e);
	TRY(org_known(cx, c->org_id, &known));
	if (!known || (e == OK && u.role == ROLE_END_USER && u.organization_id != c->org_id))
		bad(cx, "organization_id", "InvalidValue", "Organization: is not one that this user may follow");
	TRY(bad_check(cx));
	TRY(find_one(cx, &st_sub_pair, ARGS(INT(cx->account), INT(u.id), INT(c->org_id)), &r, &found));
	if (!found) {
		TRY(store_next_id(cx, "organization_subscription", &id));
		TRY(store_exec(cx, &st_sub_insert, ARGS(INT(cx->account), INT(id), INT(u.id), INT(c->org_id), INT(cx->now)), NULL));
		TRY(trail_append(cx, &(struct event){ .action = "organization_subscription.create", .object = "organization_subscription",
		    .id = id, .parent = c->org_id }));
		TRY(store_one(cx, &st_sub_by_id, ARGS(INT(cx->account), INT(id)), &r));
	}
	*c->out = sub_of(&r);
	return OK;
}

enum err
org_subscribe(struct ctx *cx, int64_t user_id, int64_t org_id, struct org_membership *out)
{
	return store_write(cx, sub_tx, &(struct belong_call){ .user_id = user_id, .org_id = org_id, .what = B_ADD, .out = out });
}

enum err
org_unsubscribe(struct ctx *cx, int64_t id)
{
	struct org_membership m;

	return store_write(cx, sub_tx, &(struct belong_call){ .user_id = cx->actor ? cx->actor->user_id : 0, .id = id, .what = B_DELETE, .out = &m });
}

enum err
org_subscription_count(struct ctx *cx, int64_t user_id, int64_t *n)
{
	struct row r;

	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	TRY(store_one(cx, &st_sub_count, ARGS(INT(cx->account), INT(user_id)), &r));
	*n = row_int(&r, 0);
	return OK;
}

enum err
org_subscription_list(struct ctx *cx, int64_t user_id, int64_t org_id, int64_t after, int64_t offset, int limit,
    struct org_membership **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (cx->actor->role == ROLE_END_USER) {         /* their own, whatever was asked for */
		if (user_id != 0 && user_id != cx->actor->user_id)
			return fail(cx, E_ABSENT, NULL, "Not found");
		user_id = cx->actor->user_id;
	}
	if (user_id)
		TRY(store_all(cx, &st_sub_page_user, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset), INT(user_id)), &rs));
	else if (org_id)
		TRY(store_all(cx, &st_sub_page_org, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset), INT(org_id)), &rs));
	else
		TRY(store_all(cx, &st_sub_page, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset)), &rs));
	*out = NEW(cx->arena, struct org_membership, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = sub_of(&rs.row[i]);
	*count = rs.count;
	return OK;
}

enum err
org_subscription_get(struct ctx *cx, int64_t id, struct org_membership *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	TRY(store_one(cx, &st_sub_by_id, ARGS(INT(cx->account), INT(id)), &r));
	*out = sub_of(&r);
	if (cx->actor->role == ROLE_END_USER && out->user_id != cx->actor->user_id)
		return fail(cx, E_ABSENT, NULL, "Not found");
	return OK;
}

/* ---- merge ----------------------------------------------------------------------------------------------------------- */

static struct org_merge
merge_of(const struct row *r)
{
	return (struct org_merge){ row_int(r, 0), row_int(r, 1), row_int(r, 2), row_int(r, 3) };
}

struct org_merge_call { int64_t loser, winner; struct org_merge *out; };

static enum err
org_merge_tx(struct ctx *cx, void *arg)
{
	struct org_merge_call *c = arg;
	struct organization from, to;
	struct trail_field f;
	int64_t id, n;
	enum err e;

	TRY(gate_may(cx, MAY_WRITE_ORGS, NULL));
	TRY(org_get(cx, c->loser, &from));
	e = org_get(cx, c->winner, &to);
	if (e == E_ABSENT || c->loser == c->winner) {
		fail_forget(cx);
		bad(cx, "winner_id", "InvalidValue", "Winner: is not another known organization");
		return bad_check(cx);
	}
	TRY(e);
	for (int64_t role = ROLE_END_USER; role <= ROLE_ADMIN; role++) {
		TRY(counter_sum(cx, "org_users", (const int64_t[]){ from.id * 4 + role }, 1, &n));
		if (n != 0) {
			TRY(counter_add(cx, "org_users", from.id * 4 + role, -n));
			TRY(counter_add(cx, "org_users", to.id * 4 + role, n));
		}
	}
	TRY(store_exec(cx, &st_merge_move, ARGS(INT(cx->account), INT(from.id), INT(to.id), INT(gate_stamp(cx))), NULL));
	TRY(store_exec(cx, &st_merge_members, ARGS(INT(cx->account), INT(from.id), INT(to.id), INT(cx->now)), NULL));
	if (gate_on_org_merged != NULL)
		TRY(gate_on_org_merged(cx, from.id, to.id));
	TRY(store_next_id(cx, "organization_merge", &id));
	TRY(store_exec(cx, &st_merge_insert, ARGS(INT(cx->account), INT(id), INT(to.id), INT(from.id), INT(cx->now)), NULL));
	f = (struct trail_field){ .name = "merged_from", .has_after = true, .after = HIDE(str_printf(cx->arena, "%lld", (long long)from.id)) };
	TRY(trail_append(cx, &(struct event){ .action = "organization.merge", .object = "organization", .id = to.id, .key = to.key,
	    .field = &f, .count = 1 }));
	gate_changed(cx);
	*c->out = (struct org_merge){ id, to.id, from.id, cx->now };
	return org_delete(cx, from.id);
}

enum err
org_merge(struct ctx *cx, int64_t loser, int64_t winner, struct org_merge *out)
{
	return store_write(cx, org_merge_tx, &(struct org_merge_call){ loser, winner, out });
}

enum err
org_merge_get(struct ctx *cx, int64_t id, struct org_merge *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	TRY(store_one(cx, &st_merge_by_id, ARGS(INT(cx->account), INT(id)), &r));
	*out = merge_of(&r);
	return OK;
}

enum err
org_merge_list(struct ctx *cx, int64_t winner, struct org_merge **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	TRY(store_all(cx, &st_merge_of, ARGS(INT(cx->account), INT(winner)), &rs));
	*out = NEW(cx->arena, struct org_merge, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = merge_of(&rs.row[i]);
	*count = rs.count;
	return OK;
}
