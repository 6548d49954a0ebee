/* liking.c - how a person likes the desk to look: a JSON object per user. */
#include "gate/inside.h"

#define LIKING_MAX (16 * KiB)

const struct stmt st_liking_get = {
	.name = "user_setting.get", .sql = "SELECT user_id, doc FROM user_setting WHERE account_id = $1 AND user_id = $2",
	.in   = "ii", .out = "iS", .seal_out = { { "user_setting", "doc", 0 } },
};
const struct stmt st_liking_put = {
	.name = "user_setting.put",
	.sql  = "INSERT INTO user_setting (account_id, user_id, updated_at, doc) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, doc = excluded.doc",
	.in   = "iiiS", .seal_in = { { "user_setting", "doc", 1 } },
};

enum err
user_settings(struct ctx *cx, str *json)
{
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(find_one(cx, &st_liking_get, ARGS(INT(cx->account), INT(cx->actor->user_id)), &row, &found));
	*json = found && !row_erased(&row, 1) ? reveal(cx, row_sensitive(&row, 1), TO_STORE) : S("{}");
	return OK;
}

static enum err
put_tx(struct ctx *cx, void *arg)
{
	const str *json = arg;
	struct changes c;
	struct user u;

	TRY(user_load(cx, cx->actor->user_id, &u));
	TRY(store_exec(cx, &st_liking_put, ARGS(INT(cx->account), INT(u.id), INT(cx->now), SEALED(u.key, HIDE(*json))), NULL));
	changes_init(cx, &c, 1);
	changes_word(&c, "settings", NULL, "changed");
	return trail_append(cx, &(struct event){ .action = "user.settings", .object = "user", .id = u.id, .key = u.key, .field = c.field, .count = c.count });
}

enum err
user_settings_set(struct ctx *cx, str json)
{
	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (json.n > LIKING_MAX) {
		bad(cx, "settings", "TooLong", "Settings: are more than 16 KiB");
		return bad_check(cx);
	}
	return store_write(cx, put_tx, &json);
}
