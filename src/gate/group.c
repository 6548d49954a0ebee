/* group.c - groups, who belongs to them, and which is whose default.
 *
 * A member's default group stands twice: as is_default in the membership and
 * as default_group_id of the user, where sign-in reads it. One transaction
 * changes both.
 */
#include "gate/inside.h"

enum err (*gate_on_membership_removed)(struct ctx *cx, int64_t user_id, int64_t group_id);
enum err (*gate_on_group_deleted)(struct ctx *cx, int64_t group_id);

/* ---- SQL ------------------------------------------------------------------------------------------- */

#define GROUP_COLS "g.id, g.name, g.description, g.is_public, g.is_default, g.deleted, g.created_at, g.updated_at"
#define GROUP_KINDS "ittiiiii"

const struct stmt st_group_insert = {
	.name = "group.insert",
	.sql  = "INSERT INTO agent_group (account_id, id, name, description, is_public, is_default, deleted,"
	        " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)",
	.in   = "iittiii",
};

const struct stmt st_group_update = {
	.name = "group.update",
	.sql  = "UPDATE agent_group SET name = $3, description = $4, is_public = $5, is_default = $6,"
	        " deleted = $7, updated_at = $8 WHERE account_id = $1 AND id = $2",
	.in   = "iittiiii",
};

const struct stmt st_group_by_id = {
	.name = "group.by_id",
	.sql  = "SELECT " GROUP_COLS " FROM agent_group g WHERE g.account_id = $1 AND g.id = $2",
	.in   = "ii", .out = GROUP_KINDS,
};

const struct stmt st_group_named = {
	.name = "group.named",
	.sql  = "SELECT count(*) FROM agent_group g WHERE g.account_id = $1 AND lower(g.name) = lower($2) AND g.id <> $3 AND g.deleted = 0",
	.in   = "iti", .out = "i",
};

const struct stmt st_group_many = {
	.name = "group.many",
	.sql  = "SELECT " GROUP_COLS " FROM agent_group g WHERE g.account_id = $1"
	        " AND g.id IN (SELECT value FROM json_each($2)) ORDER BY g.id",
	.pg   = "SELECT " GROUP_COLS " FROM agent_group g WHERE g.account_id = $1"
	        " AND g.id IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($2 AS json)))"
	        " ORDER BY g.id",
	.in   = "it", .out = GROUP_KINDS,
};

#define GROUP_PAGE(order) \
	"SELECT " GROUP_COLS " FROM agent_group g WHERE g.account_id = $1 AND g.deleted = 0" \
	" AND g.id > $2 AND g.id < $3 ORDER BY g.id " order " LIMIT $4 OFFSET $5"
const struct stmt st_group_page_up = { .name = "group.page_up", .sql = GROUP_PAGE("ASC"),
	.in = "iiiii", .out = GROUP_KINDS };
const struct stmt st_group_page_down = { .name = "group.page_down", .sql = GROUP_PAGE("DESC"),
	.in = "iiiii", .out = GROUP_KINDS };

#define GROUP_OF_PAGE(order) \
	"SELECT " GROUP_COLS " FROM group_membership m" \
	" JOIN agent_group g ON g.account_id = m.account_id AND g.id = m.group_id" \
	" WHERE m.account_id = $1 AND m.user_id = $6 AND m.group_id > $2 AND m.group_id < $3" \
	" AND g.deleted = 0 ORDER BY m.group_id " order " LIMIT $4 OFFSET $5"
const struct stmt st_group_of_page_up = { .name = "group.of_page_up", .sql = GROUP_OF_PAGE("ASC"),
	.in = "iiiiii", .out = GROUP_KINDS };
const struct stmt st_group_of_page_down = { .name = "group.of_page_down", .sql = GROUP_OF_PAGE("DESC"),
	.in = "iiiiii", .out = GROUP_KINDS };

const struct stmt st_group_of_count = {
	.name = "group.of_count",
	.sql  = "SELECT COUNT(*) FROM group_membership WHERE account_id = $1 AND user_id = $2",
	.in   = "ii", .out = "i",
};

const struct stmt st_group_default = {
	.name = "group.default",
	.sql  = "SELECT id FROM agent_group WHERE account_id = $1 AND is_default = 1",
	.in   = "i", .out = "i",
};

const struct stmt st_group_clear_default = {
	.name = "group.clear_default",
	.sql  = "UPDATE agent_group SET is_default = 0 WHERE account_id = $1 AND is_default = 1",
	.in   = "i",
};

const struct stmt st_group_private = {
	.name = "group.private",
	.sql  = "SELECT id FROM agent_group WHERE account_id = $1 AND is_public = 0 ORDER BY id",
	.in   = "i", .out = "i",
};

#define MEMBER_COLS "id, user_id, group_id, is_default, created_at, updated_at"
#define MEMBER_KINDS "iiiiii"

const struct stmt st_member_insert = {
	.name = "membership.insert",
	.sql  = "INSERT INTO group_membership (account_id, id, user_id, group_id, is_default, created_at, updated_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $6)",
	.in   = "iiiiii",
};

const struct stmt st_member_delete = {
	.name = "membership.delete",
	.sql  = "DELETE FROM group_membership WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt st_member_by_id = {
	.name = "membership.by_id",
	.sql  = "SELECT " MEMBER_COLS " FROM group_membership WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = MEMBER_KINDS,
};

const struct stmt st_member_by_pair = {
	.name = "membership.by_pair",
	.sql  = "SELECT " MEMBER_COLS " FROM group_membership WHERE account_id = $1 AND user_id = $2 AND group_id = $3",
	.in   = "iii", .out = MEMBER_KINDS,
};

const struct stmt st_member_first = {
	.name = "membership.first",
	.sql  = "SELECT " MEMBER_COLS " FROM group_membership WHERE account_id = $1 AND user_id = $2"
	        " ORDER BY id LIMIT 1",
	.in   = "ii", .out = MEMBER_KINDS,
};

const struct stmt st_member_clear_default = {
	.name = "membership.clear_default",
	.sql  = "UPDATE group_membership SET is_default = 0, updated_at = $3"
	        " WHERE account_id = $1 AND user_id = $2 AND is_default = 1",
	.in   = "iii",
};

const struct stmt st_member_set_default = {
	.name = "membership.set_default",
	.sql  = "UPDATE group_membership SET is_default = 1, updated_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

#define MEMBER_PAGE(where, order) \
	"SELECT " MEMBER_COLS " FROM group_membership WHERE account_id = $1 " where \
	" AND id > $2 AND id < $3 ORDER BY id " order " LIMIT $4 OFFSET $5"
const struct stmt st_member_page_up = { .name = "membership.page_up", .sql = MEMBER_PAGE("", "ASC"),
	.in = "iiiii", .out = MEMBER_KINDS };
const struct stmt st_member_page_down = { .name = "membership.page_down", .sql = MEMBER_PAGE("", "DESC"),
	.in = "iiiii", .out = MEMBER_KINDS };
const struct stmt st_member_user_page_up = { .name = "membership.user_page_up",
	.sql = MEMBER_PAGE("AND user_id = $6", "ASC"), .in = "iiiiii", .out = MEMBER_KINDS };
const struct stmt st_member_user_page_down = { .name = "membership.user_page_down",
	.sql = MEMBER_PAGE("AND user_id = $6", "DESC"), .in = "iiiiii", .out = MEMBER_KINDS };
const struct stmt st_member_group_page_up = { .name = "membership.group_page_up",
	.sql = MEMBER_PAGE("AND group_id = $6", "ASC"), .in = "iiiiii", .out = MEMBER_KINDS };
const struct stmt st_member_group_page_down = { .name = "membership.group_page_down",
	.sql = MEMBER_PAGE("AND group_id = $6", "DESC"), .in = "iiiiii", .out = MEMBER_KINDS };

const struct stmt st_member_groups = {
	.name = "membership.groups",
	.sql  = "SELECT group_id FROM group_membership WHERE account_id = $1 AND user_id = $2 ORDER BY group_id",
	.in   = "ii", .out = "i",
};

const struct stmt st_member_of_user_count = {
	.name = "membership.of_user_count",
	.sql  = "SELECT COUNT(*) FROM group_membership WHERE account_id = $1 AND user_id = $2",
	.in   = "ii", .out = "i",
};

const struct stmt st_user_set_group = {
	.name = "user.set_group",
	.sql  = "UPDATE users SET default_group_id = $3, updated_at = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iii?i",
};

/* ---- groups ------------------------------------------------------------------------------------------ */

static struct group
group_of(const struct row *r)
{
	return (struct group){ row_int(r, 0), row_str(r, 1), row_str(r, 2), row_int(r, 3) != 0,
		row_int(r, 4) != 0, row_int(r, 5) != 0, row_int(r, 6), row_int(r, 7) };
}

static enum err
group_load(struct ctx *cx, int64_t id, struct group *out)
{
	struct row row;
	bool found;

	TRY(find_one(cx, &st_group_by_id, ARGS(INT(cx->account), INT(id)), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*out = group_of(&row);
	return OK;
}

enum err
group_known(struct ctx *cx, int64_t id, bool *known)
{
	struct row row;

	TRY(find_one(cx, &st_group_by_id, ARGS(INT(cx->account), INT(id)), &row, known));
	*known = *known && row_int(&row, 5) == 0;
	return OK;
}

static enum err
group_trail(struct ctx *cx, const char *action, const struct group *was, const struct group *is)
{
	struct changes c;

	changes_init(cx, &c, 5);
	changes_text(&c, "name", HIDE(was->name), HIDE(is->name));
	changes_text(&c, "description", HIDE(was->description), HIDE(is->description));
	if (was->id == 0 || was->is_public != is->is_public)
		changes_word(&c, "is_public", was->id == 0 ? NULL : was->is_public ? "true" : "false",
		    is->is_public ? "true" : "false");
	if (was->is_default != is->is_default)
		changes_word(&c, "default", was->is_default ? "true" : "false", is->is_default ? "true" : "false");
	if (was->deleted != is->deleted)
		changes_word(&c, "deleted", "false", "true");
	if (was->id != 0 && c.count == 0)
		return OK;
	return trail_append(cx, &(struct event){ .action = action, .object = "group", .id = is->id,
	    .field = c.field, .count = c.count });
}

static bool
short_text(str s, size_t max)
{
	return s.n == 0 || (s.n <= max && utf8_valid(s) && memchr(s.p, 0, s.n) == NULL);
}

static enum err
group_check(struct ctx *cx, const struct group *was, const struct group *is)
{
	if (str_trim(is->name).n == 0)
		bad(cx, "name", "BlankValue", "Name: cannot be blank");
	else if (!short_text(is->name, 255))
		bad(cx, "name", "InvalidValue", "Name: is too long or not text");
	if (!short_text(is->description, 4096))
		bad(cx, "description", "InvalidValue", "Description: is too long or not text");
	if (was->id != 0 && !was->is_public && is->is_public)
		bad(cx, "is_public", "InvalidValue", "Is public: a private group cannot become public");
	if (!str_eq(was->name, is->name) && gate_setting_bool(cx, "unique_group_names", false)) {
		struct row r;
		TRY(store_one(cx, &st_group_named, ARGS(INT(cx->account), TEXT(is->name), INT(is->id)), &r));
		if (row_int(&r, 0) > 0)
			bad(cx, "name", "DuplicateValue", "Name: has already been taken");
	}
	if (was->is_default && !is->is_default)
		bad(cx, "default", "InvalidValue", "Default: make another group the default instead");
	return bad_check(cx);
}

static struct group
group_with(const struct group *was, unsigned has, const struct group *in)
{
	struct group g = *was;

	if (has & GROUP_NAME)
		g.name = str_trim(in->name);
	if (has & GROUP_DESCRIPTION)
		g.description = in->description;
	if (has & GROUP_PUBLIC)
		g.is_public = in->is_public;
	if (has & GROUP_DEFAULT)
		g.is_default = in->is_default;
	return g;
}

struct group_call { int64_t id; unsigned has; const struct group *in; struct group *out; };

/* Unchecked: also for the account's first group, which an agent's coming makes. */
static enum err
group_insert(struct ctx *cx, struct group *g)
{
	static const struct group none = { .is_public = true };
	struct row row;
	bool any;

	TRY(find_one(cx, &st_group_default, ARGS(INT(cx->account)), &row, &any));
	if (!any)
		g->is_default = true;
	else if (g->is_default)
		TRY(store_exec(cx, &st_group_clear_default, ARGS(INT(cx->account)), NULL));
	TRY(store_next_id(cx, "group", &g->id));
	g->created_at = g->updated_at = cx->now;
	TRY(store_exec(cx, &st_group_insert, ARGS(INT(cx->account), INT(g->id), TEXT(g->name),
	    TEXT(g->description), INT(g->is_public), INT(g->is_default), INT(cx->now)), NULL));
	TRY(counter_add(cx, "groups", 0, 1));
	gate_changed(cx);
	return group_trail(cx, "group.create", &none, g);
}

static enum err
group_create_tx(struct ctx *cx, void *arg)
{
	static const struct group none = { .is_public = true };
	struct group_call *call = arg;
	struct group g = group_with(&none, call->has, call->in);

	TRY(gate_may(cx, MAY_WRITE_GROUPS, NULL));
	TRY(group_check(cx, &none, &g));
	TRY(group_insert(cx, &g));
	*call->out = g;
	return OK;
}

enum err
group_create(struct ctx *cx, unsigned has, const struct group *in, struct group *out)
{
	return store_write(cx, group_create_tx, &(struct group_call){ 0, has, in, out });
}

static enum err
group_store(struct ctx *cx, const struct group *g)
{
	gate_changed(cx);
	return store_exec(cx, &st_group_update, ARGS(INT(cx->account), INT(g->id), TEXT(g->name),
	    TEXT(g->description), INT(g->is_public), INT(g->is_default), INT(g->deleted),
	    INT(g->updated_at)), NULL);
}

static enum err
group_update_tx(struct ctx *cx, void *arg)
{
	struct group_call *call = arg;
	struct group was = {0}, is;

	TRY(gate_may(cx, MAY_WRITE_GROUPS, NULL));
	TRY(group_get(cx, call->id, &was));
	is = group_with(&was, call->has, call->in);
	TRY(group_check(cx, &was, &is));
	if (!was.is_default && is.is_default)
		TRY(store_exec(cx, &st_group_clear_default, ARGS(INT(cx->account)), NULL));
	is.updated_at = cx->now;
	TRY(group_store(cx, &is));
	TRY(group_trail(cx, "group.update", &was, &is));
	*call->out = is;
	return OK;
}

enum err
group_update(struct ctx *cx, int64_t id, unsigned has, const struct group *in, struct group *out)
{
	return store_write(cx, group_update_tx, &(struct group_call){ id, has, in, out });
}

static enum err membership_remove(struct ctx *cx, const struct membership *m);
static struct membership membership_of(const struct row *r);

static enum err
group_delete_tx(struct ctx *cx, void *arg)
{
	int64_t id = *(int64_t *)arg;
	struct membership m;
	struct group was = {0}, is;
	struct rows rows;

	TRY(gate_may(cx, MAY_WRITE_GROUPS, NULL));
	TRY(group_get(cx, id, &was));
	if (was.is_default) {
		bad(cx, "base", "InvalidValue", "The default group cannot be deleted");
		return bad_check(cx);
	}
	TRY(store_all(cx, &st_member_group_page_up, ARGS(INT(cx->account), INT(0), INT(INT64_MAX),
	    INT(INT64_MAX), INT(0), INT(id)), &rows));
	for (int i = 0; i < rows.count; i++) {
		m = membership_of(&rows.row[i]);
		TRY(membership_remove(cx, &m));
	}
	if (gate_on_group_deleted != NULL)
		TRY(gate_on_group_deleted(cx, id));
	TRY(store_exec(cx, &st_org_leave_group, ARGS(INT(cx->account), INT(id), INT(cx->now)), NULL));
	is = was;
	is.deleted = true;
	is.updated_at = cx->now;
	TRY(group_store(cx, &is));
	TRY(counter_add(cx, "groups", 0, -1));
	return group_trail(cx, "group.delete", &was, &is);
}

enum err
group_delete(struct ctx *cx, int64_t id)
{
	return store_write(cx, group_delete_tx, &id);
}

enum err
group_get(struct ctx *cx, int64_t id, struct group *out)
{
	struct group g = {0};

	TRY(gate_may(cx, MAY_READ_GROUPS, NULL));
	TRY(group_load(cx, id, &g));
	if (g.deleted)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*out = g;
	return OK;
}

static void
groups_out(struct ctx *cx, const struct rows *rows, bool reverse, struct group **out, int *count)
{
	struct group *g = NEW(cx->arena, struct group, (size_t)rows->count + 1);

	for (int i = 0; i < rows->count; i++)
		g[i] = group_of(&rows->row[reverse ? rows->count - 1 - i : i]);
	*out = g;
	*count = rows->count;
}

enum err
group_many(struct ctx *cx, const int64_t *ids, int n, struct group **out, int *count)
{
	struct rows rows;

	TRY(store_all(cx, &st_group_many, ARGS(INT(cx->account), TEXT(ids_json(cx, ids, n))), &rows));
	groups_out(cx, &rows, false, out, count);
	return OK;
}

enum err
group_list(struct ctx *cx, int64_t user_id, int64_t after, int64_t before, int64_t offset, int limit,
    struct group **out, int *count)
{
	struct page p = page_of(after, before, offset, limit, false);
	struct rows rows;

	TRY(gate_may(cx, MAY_READ_GROUPS, NULL));
	if (user_id == 0)
		TRY(store_all(cx, p.down ? &st_group_page_down : &st_group_page_up, ARGS(INT(cx->account),
		    INT(p.lo), INT(p.hi), INT(p.limit), INT(p.offset)), &rows));
	else
		TRY(store_all(cx, p.down ? &st_group_of_page_down : &st_group_of_page_up, ARGS(INT(cx->account),
		    INT(p.lo), INT(p.hi), INT(p.limit), INT(p.offset), INT(user_id)), &rows));
	groups_out(cx, &rows, p.reverse, out, count);
	return OK;
}

enum err
group_count(struct ctx *cx, int64_t user_id, int64_t *count)
{
	struct row row;

	TRY(gate_may(cx, MAY_READ_GROUPS, NULL));
	if (user_id == 0)
		return counter_sum(cx, "groups", (const int64_t[]){ 0 }, 1, count);
	TRY(store_one(cx, &st_group_of_count, ARGS(INT(cx->account), INT(user_id)), &row));
	*count = row_int(&row, 0);
	return OK;
}

enum err
group_default(struct ctx *cx, int64_t *id)
{
	struct row row;
	bool found;

	TRY(find_one(cx, &st_group_default, ARGS(INT(cx->account)), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "there is no default group");
	*id = row_int(&row, 0);
	return OK;
}

enum err
groups_default_or_new(struct ctx *cx, int64_t *id)
{
	struct group g = { .name = S("Support"), .is_public = true };
	struct row row;
	bool found;

	TRY(find_one(cx, &st_group_default, ARGS(INT(cx->account)), &row, &found));
	if (!found)
		TRY(group_insert(cx, &g));
	*id = found ? row_int(&row, 0) : g.id;
	return OK;
}

/* ---- memberships ---------------------------------------------------------------------------------------- */

static struct membership
membership_of(const struct row *r)
{
	return (struct membership){ row_int(r, 0), row_int(r, 1), row_int(r, 2), row_int(r, 3) != 0,
		row_int(r, 4), row_int(r, 5) };
}

static enum err
membership_trail(struct ctx *cx, const char *action, const struct membership *was, const struct membership *is)
{
	const struct membership *m = is->id != 0 ? is : was;
	struct changes c;

	changes_init(cx, &c, 3);
	changes_int(cx, &c, "user_id", was->user_id, is->user_id);
	changes_int(cx, &c, "group_id", was->group_id, is->group_id);
	changes_word(&c, "default", was->is_default ? "true" : NULL, is->is_default ? "true" : NULL);
	return trail_append(cx, &(struct event){ .action = action, .object = "membership", .id = m->id,
	    .parent = m->user_id, .field = c.field, .count = c.count });
}

static enum err
set_user_group(struct ctx *cx, int64_t user_id, int64_t group_id)
{
	return store_exec(cx, &st_user_set_group, ARGS(INT(cx->account), INT(user_id), ID(group_id),
	    INT(gate_stamp(cx))), NULL);
}

static enum err
make_default(struct ctx *cx, const struct membership *m)
{
	struct membership is = *m;

	if (m->is_default)
		return OK;
	is.is_default = true;
	TRY(store_exec(cx, &st_member_clear_default, ARGS(INT(cx->account), INT(m->user_id), INT(cx->now)), NULL));
	TRY(store_exec(cx, &st_member_set_default, ARGS(INT(cx->account), INT(m->id), INT(cx->now)), NULL));
	TRY(set_user_group(cx, m->user_id, m->group_id));
	gate_changed(cx);
	return membership_trail(cx, "membership.make_default", m, &is);
}

static enum err
membership_insert(struct ctx *cx, int64_t user_id, int64_t group_id, bool is_default, struct membership *out)
{
	static const struct membership none;
	struct membership m = { .user_id = user_id, .group_id = group_id, .is_default = is_default,
		.created_at = cx->now, .updated_at = cx->now };
	struct row row;
	bool any;

	TRY(find_one(cx, &st_member_first, ARGS(INT(cx->account), INT(user_id)), &row, &any));
	if (!any)
		m.is_default = true;
	else if (is_default)
		TRY(store_exec(cx, &st_member_clear_default, ARGS(INT(cx->account), INT(user_id), INT(cx->now)), NULL));
	TRY(store_next_id(cx, "membership", &m.id));
	TRY(store_exec(cx, &st_member_insert, ARGS(INT(cx->account), INT(m.id), INT(user_id), INT(group_id),
	    INT(m.is_default), INT(cx->now)), NULL));
	if (m.is_default)
		TRY(set_user_group(cx, user_id, group_id));
	TRY(counter_add(cx, "memberships", 0, 1));
	TRY(counter_add(cx, "group_members", group_id, 1));
	gate_changed(cx);
	TRY(membership_trail(cx, "membership.create", &none, &m));
	if (out != NULL)
		*out = m;
	return OK;
}

enum err
groups_join(struct ctx *cx, int64_t user_id, int64_t group_id, bool is_default)
{
	struct membership m;
	struct row row;
	bool found;

	TRY(find_one(cx, &st_member_by_pair, ARGS(INT(cx->account), INT(user_id), INT(group_id)), &row, &found));
	if (!found)
		return membership_insert(cx, user_id, group_id, is_default, NULL);
	m = membership_of(&row);
	return is_default ? make_default(cx, &m) : OK;
}

struct membership_call { int64_t id, user_id, group_id; bool is_default; struct membership *out; };

static enum err
membership_create_tx(struct ctx *cx, void *arg)
{
	struct membership_call *call = arg;
	bool found = false, known;
	struct standing s = {0};
	struct row row;

	TRY(gate_may(cx, MAY_WRITE_GROUPS, NULL));
	TRY(find_one(cx, &st_user_standing, ARGS(INT(cx->account), INT(call->user_id)), &row, &found));
	if (found)
		s = standing_of(&row, 0);
	if (!found || row_int(&row, 5) == 0)
		bad(cx, "user_id", "InvalidValue", "User: is not known");
	else if (s.role == ROLE_END_USER)
		bad(cx, "user_id", "InvalidValue", "User: is not an agent");
	else if (s.officer)
		bad(cx, "user_id", "InvalidValue", "User: is a compliance officer, who works no tickets");
	TRY(group_known(cx, call->group_id, &known));
	if (!known)
		bad(cx, "group_id", "InvalidValue", "Group: is not known");
	TRY(bad_check(cx));
	TRY(find_one(cx, &st_member_by_pair, ARGS(INT(cx->account), INT(call->user_id), INT(call->group_id)),
	    &row, &found));
	if (found)
		bad(cx, "user_id", "DuplicateValue", "User: is already a member of this group");
	TRY(bad_check(cx));
	return membership_insert(cx, call->user_id, call->group_id, call->is_default, call->out);
}

enum err
membership_create(struct ctx *cx, int64_t user_id, int64_t group_id, bool is_default, struct membership *out)
{
	return store_write(cx, membership_create_tx,
	    &(struct membership_call){ 0, user_id, group_id, is_default, out });
}

/* Its agent's tickets in that group are desk's to unassign: hence the hook. */
static enum err
membership_remove(struct ctx *cx, const struct membership *m)
{
	static const struct membership none;
	struct membership next;
	struct row row;
	bool any;

	TRY(store_exec(cx, &st_member_delete, ARGS(INT(cx->account), INT(m->id)), NULL));
	TRY(counter_add(cx, "memberships", 0, -1));
	TRY(counter_add(cx, "group_members", m->group_id, -1));
	gate_changed(cx);
	TRY(membership_trail(cx, "membership.delete", m, &none));
	if (m->is_default) {
		TRY(find_one(cx, &st_member_first, ARGS(INT(cx->account), INT(m->user_id)), &row, &any));
		if (any) {
			next = membership_of(&row);
			TRY(make_default(cx, &next));
		} else {
			TRY(set_user_group(cx, m->user_id, 0));
		}
	}
	return gate_on_membership_removed != NULL ?
	    gate_on_membership_removed(cx, m->user_id, m->group_id) : OK;
}

enum err
groups_leave_all(struct ctx *cx, int64_t user_id)
{
	struct membership m;
	struct rows rows;

	TRY(store_all(cx, &st_member_user_page_up, ARGS(INT(cx->account), INT(0), INT(INT64_MAX),
	    INT(INT64_MAX), INT(0), INT(user_id)), &rows));
	/* The default one last, so that it does not move from one to the next. */
	for (int last = 0; last < 2; last++) {
		for (int i = 0; i < rows.count; i++) {
			m = membership_of(&rows.row[i]);
			if (m.is_default == (last == 1))
				TRY(membership_remove(cx, &m));
		}
	}
	return OK;
}

static enum err
membership_delete_tx(struct ctx *cx, void *arg)
{
	struct membership m = {0};

	TRY(gate_may(cx, MAY_WRITE_GROUPS, NULL));
	TRY(membership_get(cx, *(int64_t *)arg, &m));
	return membership_remove(cx, &m);
}

enum err
membership_delete(struct ctx *cx, int64_t id)
{
	return store_write(cx, membership_delete_tx, &id);
}

enum err
membership_get(struct ctx *cx, int64_t id, struct membership *out)
{
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_READ_GROUPS, NULL));
	TRY(find_one(cx, &st_member_by_id, ARGS(INT(cx->account), INT(id)), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*out = membership_of(&row);
	return OK;
}

enum err
membership_list(struct ctx *cx, int64_t user_id, int64_t group_id, int64_t after, int64_t before,
    int64_t offset, int limit, struct membership **out, int *count)
{
	struct page p = page_of(after, before, offset, limit, false);
	struct membership *m;
	struct rows rows;
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_READ_GROUPS, NULL));
	if (user_id != 0 && group_id != 0) {
		TRY(find_one(cx, &st_member_by_pair, ARGS(INT(cx->account), INT(user_id), INT(group_id)), &row,
		    &found));
		rows = (struct rows){ found && row_int(&row, 0) > p.lo && row_int(&row, 0) < p.hi && p.offset == 0,
			&row };
	} else if (user_id != 0) {
		TRY(store_all(cx, p.down ? &st_member_user_page_down : &st_member_user_page_up,
		    ARGS(INT(cx->account), INT(p.lo), INT(p.hi), INT(p.limit), INT(p.offset), INT(user_id)), &rows));
	} else if (group_id != 0) {
		TRY(store_all(cx, p.down ? &st_member_group_page_down : &st_member_group_page_up,
		    ARGS(INT(cx->account), INT(p.lo), INT(p.hi), INT(p.limit), INT(p.offset), INT(group_id)), &rows));
	} else {
		TRY(store_all(cx, p.down ? &st_member_page_down : &st_member_page_up,
		    ARGS(INT(cx->account), INT(p.lo), INT(p.hi), INT(p.limit), INT(p.offset)), &rows));
	}
	m = NEW(cx->arena, struct membership, (size_t)rows.count + 1);
	for (int i = 0; i < rows.count; i++)
		m[i] = membership_of(&rows.row[p.reverse ? rows.count - 1 - i : i]);
	*out = m;
	*count = rows.count;
	return OK;
}

enum err
membership_count(struct ctx *cx, int64_t user_id, int64_t group_id, int64_t *count)
{
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_READ_GROUPS, NULL));
	if (user_id != 0 && group_id != 0) {
		TRY(find_one(cx, &st_member_by_pair, ARGS(INT(cx->account), INT(user_id), INT(group_id)), &row,
		    &found));
		*count = found;
		return OK;
	}
	if (user_id == 0)
		return counter_sum(cx, group_id != 0 ? "group_members" : "memberships", &group_id, 1, count);
	TRY(store_one(cx, &st_member_of_user_count, ARGS(INT(cx->account), INT(user_id)), &row));
	*count = row_int(&row, 0);
	return OK;
}

static enum err
membership_make_default_tx(struct ctx *cx, void *arg)
{
	struct membership m = {0};

	TRY(gate_may(cx, MAY_WRITE_GROUPS, NULL));
	TRY(membership_get(cx, *(int64_t *)arg, &m));
	return make_default(cx, &m);
}

enum err
membership_make_default(struct ctx *cx, int64_t id)
{
	return store_write(cx, membership_make_default_tx, &id);
}

bool
membership_exists(struct ctx *cx, int64_t user_id, int64_t group_id)
{
	bool yes = false;

	/* What cannot be read is not there: default is no. */
	return user_id != 0 && group_id != 0 && my_group(cx, user_id, group_id, &yes) == OK && yes;
}
