/* role.c - custom roles: what they take away from what an agent may.
 *
 * A role never gives: the base role and the account's settings are asked as
 * ever, and then the role may say no. So a mistake in a role can shut a door,
 * but never open one.
 *
 * One role is built in and gives: the compliance officer's. What it gives is
 * written in may.c and cannot be changed.
 */
#include "gate/inside.h"

const struct stmt st_role_put = {
	.name = "custom_role.put",
	.sql  = "INSERT INTO custom_role (account_id, id, limits, sees, officer) VALUES ($1, $2, $3, $4, $5)"
	        " ON CONFLICT (account_id, id) DO UPDATE SET limits = excluded.limits, sees = excluded.sees",
	.in   = "iiiii",
};
const struct stmt st_role_drop = {
	.name = "custom_role.drop", .sql = "DELETE FROM custom_role WHERE account_id = $1 AND id = $2", .in = "ii",
};
const struct stmt st_role_get = {
	.name = "custom_role.get", .sql = "SELECT officer FROM custom_role WHERE account_id = $1 AND id = $2", .in = "ii", .out = "i",
};
const struct stmt st_role_members = {
	.name = "custom_role.members",
	.sql  = "SELECT count(*) FROM users WHERE account_id = $1 AND custom_role_id = $2 AND active = 1",
	.in   = "ii", .out = "i",
};

bool
gate_limited(const struct ctx *cx, enum role_limit what)
{
	return cx->actor != NULL && cx->actor->role == ROLE_AGENT && (cx->actor->limits & (unsigned)what) != 0;
}

enum restriction
role_sees(enum restriction own, enum restriction role)
{
	if (role == SEE_ALL || role == own || own == SEE_REQUESTED)
		return own;
	if (own == SEE_ALL)
		return role;
	/* Of groups and of an organization: what is in both cannot be said, what is assigned is. */
	return SEE_ASSIGNED;
}

enum err
gate_role_put(struct ctx *cx, int64_t id, unsigned limits, enum restriction sees, bool officer)
{
	gate_changed(cx);
	return store_exec(cx, &st_role_put, ARGS(INT(cx->account), INT(id), INT(limits), INT(sees), INT(officer)), NULL);
}

enum err
gate_role_members(struct ctx *cx, int64_t id, int64_t *n)
{
	struct row row;

	TRY(store_one(cx, &st_role_members, ARGS(INT(cx->account), INT(id)), &row));
	*n = row_int(&row, 0);
	return OK;
}

enum err
gate_role_drop(struct ctx *cx, int64_t id)
{
	int64_t n;

	TRY(gate_role_members(cx, id, &n));
	if (n > 0) {
		bad(cx, "base", "InvalidValue", "Role: agents have it; give them another one first");
		return bad_check(cx);
	}
	gate_changed(cx);
	return store_exec(cx, &st_role_drop, ARGS(INT(cx->account), INT(id)), NULL);
}

enum err
role_known(struct ctx *cx, int64_t id, bool *known, bool *officer)
{
	struct row row;

	TRY(find_one(cx, &st_role_get, ARGS(INT(cx->account), INT(id)), &row, known));
	*officer = *known && row_int(&row, 0) != 0;
	return OK;
}
