/* use.c - how often rules were used.
 *
 * A busy desk's triggers run with most writes, so a use is only noted by the
 * writer's thread, and written once per rule just before the commit that many
 * writes share. What is kept are ten minutes at a time, for 30 days.
 */
#include "desk/rule.h"

#define MINUTE    (60 * SECOND)
#define PART      (10 * MINUTE)
#define HOUR      (60 * MINUTE)
#define KEPT_FOR  (30 * 24 * HOUR)

static const struct stmt add_use = {
	.name = "rule_use.add",
	.sql  = "INSERT INTO rule_use (account_id, rule_id, at, n) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, rule_id, at) DO UPDATE SET n = rule_use.n + excluded.n",
	.in   = "iiii",
};

static const struct stmt sum_uses = {
	.name = "rule_use.sums",
	.sql  = "SELECT u.rule_id, sum(CASE WHEN u.at >= $2 THEN u.n ELSE 0 END), sum(CASE WHEN u.at >= $3 THEN u.n ELSE 0 END),"
	        " sum(CASE WHEN u.at >= $4 THEN u.n ELSE 0 END), sum(u.n) FROM rule_use u WHERE u.account_id = $1 AND u.at >= $5"
	        " GROUP BY u.rule_id ORDER BY u.rule_id",
	.in   = "iiiii", .out = "iiiii",
};

static const struct stmt drop_old = {
	.name = "rule_use.drop_old", .sql = "DELETE FROM rule_use WHERE account_id = $1 AND at < $2", .in = "ii",
};

static const struct stmt drop_rule = {
	.name = "rule_use.forget", .sql = "DELETE FROM rule_use WHERE account_id = $1 AND rule_id = $2", .in = "ii",
};

const struct stmt *const use_stmts[] = { &add_use, &sum_uses, &drop_old, &drop_rule, NULL };

/* Of this commit. Only the writer's thread comes here. */
static struct { int64_t account, rule_id, n; } due[256];
static int dues;

static void
dues_clear(struct sys *sys UNUSED, void *arg UNUSED)
{
	dues = 0;
}

static enum err
write_one(struct ctx *cx, int64_t account, int64_t rule_id, int64_t n)
{
	return store_exec(cx, &add_use, ARGS(INT(account), INT(rule_id), INT(cx->now / PART * PART), INT(n)), NULL);
}

static enum err
dues_write(struct ctx *cx, void *arg UNUSED)
{
	for (int i = 0; i < dues; i++)
		if (due[i].n != 0)
			TRY(write_one(cx, due[i].account, due[i].rule_id, due[i].n));
	store_after(cx, dues_clear, NULL);
	return OK;
}

static void
due_back(struct sys *sys UNUSED, void *arg)
{
	--*(int64_t *)arg;
}

enum err
rule_used(struct ctx *cx, int64_t rule_id)
{
	int i = 0;

	while (i < dues && (due[i].account != cx->account || due[i].rule_id != rule_id))
		i++;
	if (i == (int)COUNT(due))
		return write_one(cx, cx->account, rule_id, 1);
	if (i == dues) {
		due[dues].account = cx->account;
		due[dues].rule_id = rule_id;
		due[dues++].n = 0;
	}
	due[i].n++;
	store_undo(cx, due_back, &due[i].n);
	store_before_commit(cx, dues_write, NULL);
	return OK;
}

enum err
rule_uses(struct ctx *cx, struct rule_use **out, int *count)
{
	usec now = cx->now / PART * PART;
	struct rows rs;

	TRY(store_all(cx, &sum_uses, ARGS(INT(cx->account), INT(now - HOUR), INT(now - 24 * HOUR), INT(now - 7 * 24 * HOUR),
	    INT(now - KEPT_FOR)), &rs));
	*out = NEW(cx->arena, struct rule_use, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = (struct rule_use){ row_int(&rs.row[i], 0), { row_int(&rs.row[i], 1), row_int(&rs.row[i], 2),
		    row_int(&rs.row[i], 3), row_int(&rs.row[i], 4) } };
	*count = rs.count;
	return OK;
}

enum err
rule_uses_sweep(struct ctx *cx)
{
	return store_exec(cx, &drop_old, ARGS(INT(cx->account), INT(cx->now - KEPT_FOR - PART)), NULL);
}

enum err
rule_uses_forget(struct ctx *cx, int64_t rule_id)
{
	return store_exec(cx, &drop_rule, ARGS(INT(cx->account), INT(rule_id)), NULL);
}
