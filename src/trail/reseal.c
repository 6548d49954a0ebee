/* reseal.c - values of events erased, or rewritten under another key.
 *
 * The chain holds commitments and the hash of what was sealed, so values can
 * go without breaking it; but then a value that was taken away by somebody
 * else must not look like one that was erased here. So each step is an event
 * of its own, trail.reseal: object "key" with the old data key as id and the
 * fresh one as parent, and for each event touched the hash of its values as
 * they are sealed now, or null. The event touched points to it.
 */
#include "trail/part.h"

enum { STEP = 500 };

const struct stmt trail_by_key = {
	.name = "trail.by_key",
	.sql  = "SELECT seq, vals FROM trail WHERE account_id = $1 AND vals_key = $2 ORDER BY seq LIMIT $3",
	.in = "iii", .out = "ib?",
};
const struct stmt trail_key_last = {
	.name = "trail.key_last",
	.sql  = "SELECT MAX(seq) FROM trail WHERE account_id = $1 AND vals_key = $2",
	.in = "ii", .out = "i?",
};
const struct stmt trail_set_vals = {
	.name = "trail.set_vals",
	.sql  = "UPDATE trail SET vals = $1, vals_key = $2, resealed = $3 WHERE account_id = $4 AND lane = $5 AND seq = $6",
	.in   = "b?i?iiii",
};

struct reseal {
	struct trail  *t;
	int64_t        fresh;
	trail_rewrite *rewrite;
	void          *arg;
};

static str
rewritten(struct ctx *cx, const struct reseal *rs, const char *field, str value, bool *changed)
{
	str now = rs->rewrite != NULL ? rs->rewrite(cx, rs->arg, field, value) : value;

	*changed |= !str_eq(now, value);
	return now;
}

/* Empty in *sealed: there is nothing left, its key was destroyed before. */
static enum err
reseal_one(struct ctx *cx, const struct reseal *rs, int64_t seq, str was, str *sealed)
{
	struct buf b, scratch;
	enum err e;
	struct val v;
	str packed;

	*sealed = (str){0};
	e = store_open_sealed(cx, "trail", "vals", seq, was, &packed);
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	buf_init(&b, cx->arena, 2 * VALS_MAX);
	buf_init(&scratch, cx->arena, 2 * VALS_MAX);
	while (val_next(&packed, &v)) {
		const char *name = str_z(cx->arena, v.name);
		if (v.has_before)
			v.before = rewritten(cx, rs, name, v.before, &v.before_changed);
		if (v.has_after)
			v.after = rewritten(cx, rs, name, v.after, &v.after_changed);
		val_put(&b, &scratch, &v);
	}
	if (packed.n != 0)
		return fail(cx, E_FAULT, "trail", "the values of an event cannot be read");
	if (b.over)
		return fail(cx, E_LIMIT, "trail", "the change is too large for one event");
	return store_seal(cx, rs->fresh, "trail", "vals", seq, buf_str(&b), sealed);
}

static enum err
step(struct ctx *cx, const struct reseal *rs, int64_t old, const struct rows *rows)
{
	struct draft d = { .kind = TRAIL_CHANGE, .who = who_of(cx), .action = S("trail.reseal"), .object = S("key"), .id = old,
	    .parent = rs->fresh, .now = cx->now != 0 ? cx->now : time_now() };
	str *sealed = NEW(cx->arena, str, (size_t)rows->count);
	struct buf b;
	int64_t at;
	hash32 h;

	buf_init(&b, cx->arena, CANON_MAX / 2);
	for (int i = 0; i < rows->count; i++) {
		const struct row *r = &rows->row[i];
		if (rs->fresh != 0 && !row_null(r, 1))
			TRY(reseal_one(cx, rs, row_int(r, 0), row_str(r, 1), &sealed[i]));
		buf_add(&b, i > 0 ? S(",[") : S("["));
		buf_int(&b, row_int(r, 0));
		if (sealed[i].n != 0) {
			rs->t->crypto.sha256(sealed[i], h);
			buf_add(&b, S(",\""));
			put_b64(&b, h, HASH_BYTES);
			buf_add(&b, S("\"]"));
		} else
			buf_add(&b, S(",null]"));
	}
	d.resealed = buf_str(&b);
	TRY(draft_values(cx, &rs->t->crypto, NULL, 0, &d));
	TRY(chain(cx, rs->t, &d, &at));
	for (int i = 0; i < rows->count; i++) {
		bool left = sealed[i].n != 0;
		TRY(store_exec(cx, &trail_set_vals, ARGS(left ? BYTES(sealed[i]) : NIL, left ? INT(rs->fresh) : NIL, INT(at),
		    INT(rs->t->account), INT(LANE), INT(row_int(&rows->row[i], 0))), NULL));
	}
	return OK;
}

enum err
trail_reseal(struct ctx *cx, int64_t old, int64_t fresh, trail_rewrite *rewrite, void *arg)
{
	struct reseal rs = { .fresh = fresh, .rewrite = rewrite, .arg = arg };
	struct rows rows;

	TRY(trail_of(cx, &rs.t));
	if (cx->tx == NULL)
		return fail(cx, E_FAULT, "trail", "values were resealed outside a transaction");
	if (old <= 0 || fresh < 0 || old == fresh)
		return fail(cx, E_FAULT, "trail", "values are resealed from one data key to another");
	do {
		TRY(store_all(cx, &trail_by_key, ARGS(INT(rs.t->account), INT(old), INT(STEP)), &rows));
		if (rows.count > 0)
			TRY(step(cx, &rs, old, &rows));
	} while (rows.count == STEP);
	return OK;
}

enum err
trail_ahead(struct ctx *cx, int64_t key)
{
	struct row r;

	return store_one(cx, &trail_key_last, ARGS(INT(cx->account), INT(key)), &r);
}
