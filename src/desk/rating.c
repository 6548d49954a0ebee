/* rating.c - what the requester said of a solved ticket, and tickets that agents passed by. */
#include "desk/in.h"

#define COLS "r.id, r.ticket_id, r.requester_id, r.assignee_id, r.group_id, r.score, r.reason_code, r.has_comment," \
	" r.created_at, r.updated_at"
#define OUT "iiii?i?iiiii"
static const struct stmt rating_of = {
	.name = "satisfaction_rating.of_ticket",
	.sql  = "SELECT " COLS " FROM satisfaction_rating r WHERE r.account_id = $1 AND r.ticket_id = $2",
	.in   = "ii", .out = OUT,
};

static const struct stmt rating_by_id = {
	.name = "satisfaction_rating.get",
	.sql  = "SELECT " COLS " FROM satisfaction_rating r WHERE r.account_id = $1 AND r.id = $2",
	.in   = "ii", .out = OUT,
};

static const struct stmt rating_put = {
	.name = "satisfaction_rating.put",
	.sql  = "INSERT INTO satisfaction_rating (account_id, id, ticket_id, requester_id, assignee_id, group_id, score, reason_code,"
	        " has_comment, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"
	        " ON CONFLICT (account_id, ticket_id) DO UPDATE SET score = excluded.score, reason_code = excluded.reason_code,"
	        " has_comment = excluded.has_comment, assignee_id = excluded.assignee_id, group_id = excluded.group_id,"
	        " updated_at = excluded.updated_at",
	.in   = "iiiii?i?iiii",
};

static const struct stmt rating_drop = {
	.name = "satisfaction_rating.drop",
	.sql  = "DELETE FROM satisfaction_rating WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii",
};

/* $2: after this id; $3 and $4: scores from, to; $5 and $6: created from, to; $7: bit 0 those without words, bit 1 those with. */
#define PAGE(order, cmp) \
	"SELECT " COLS " FROM satisfaction_rating r WHERE r.account_id = $1 AND r.id " cmp " $2 AND r.score >= $3 AND r.score <= $4" \
	" AND r.created_at >= $5 AND r.created_at < $6 AND ($7 & (1 + r.has_comment)) <> 0 ORDER BY r.id " order " LIMIT $8 OFFSET $9"
static const struct stmt rating_up = { .name = "satisfaction_rating.up", .sql = PAGE("ASC", ">"), .in = "iiiiiiiii", .out = OUT };
static const struct stmt rating_down = { .name = "satisfaction_rating.down", .sql = PAGE("DESC", "<"), .in = "iiiiiiiii", .out = OUT };

static const struct stmt rating_count = {
	.name = "satisfaction_rating.count",
	.sql  = "SELECT count(*) FROM (SELECT 1 AS one FROM satisfaction_rating r WHERE r.account_id = $1 AND r.score >= $2"
	        " AND r.score <= $3 AND r.created_at >= $4 AND r.created_at < $5 AND ($6 & (1 + r.has_comment)) <> 0 LIMIT 100000) AS capped",
	.in   = "iiiiii", .out = "i",
};

#define SKIP "id, ticket_id, user_id, created_at, reason"
#define SKIP_OUT "iiiiS"
#define SKIP_SEAL { { "ticket_skip", "reason", 0 } }
static const struct stmt skip_insert = {
	.name = "ticket_skip.insert",
	.sql  = "INSERT INTO ticket_skip (account_id, id, ticket_id, user_id, data_key, created_at, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.in   = "iiiiiiS", .seal_in = { { "ticket_skip", "reason", 1 } },
};

#define SKIPS(where) "SELECT " SKIP " FROM ticket_skip WHERE account_id = $1 AND id > $2" where " ORDER BY id LIMIT $3 OFFSET $4"
static const struct stmt skips_all = { .name = "ticket_skip.all", .sql = SKIPS(""), .in = "iiii", .out = SKIP_OUT, .seal_out = SKIP_SEAL };
static const struct stmt skips_ticket = { .name = "ticket_skip.of_ticket", .sql = SKIPS(" AND ticket_id = $5"), .in = "iiiii",
	.out = SKIP_OUT, .seal_out = SKIP_SEAL };
static const struct stmt skips_user = { .name = "ticket_skip.of_user", .sql = SKIPS(" AND user_id = $5"), .in = "iiiii",
	.out = SKIP_OUT, .seal_out = SKIP_SEAL };

static const struct stmt skip_keys = {
	.name = "ticket_skip.keys",
	.sql  = "SELECT data_key FROM ticket_skip WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii", .out = "i",
};

static const struct stmt skip_drop = {
	.name = "ticket_skip.drop",
	.sql  = "DELETE FROM ticket_skip WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii",
};

static const struct stmt mark_insert = {
	.name = "bookmark.insert",
	.sql  = "INSERT INTO bookmark (account_id, id, user_id, ticket_id, created_at) VALUES ($1, $2, $3, $4, $5)",
	.in   = "iiiii",
};

static const struct stmt mark_find = {
	.name = "bookmark.find",
	.sql  = "SELECT id, ticket_id, user_id, created_at FROM bookmark WHERE account_id = $1 AND user_id = $2 AND ticket_id = $3",
	.in   = "iii", .out = "iiii",
};

static const struct stmt mark_list = {
	.name = "bookmark.list",
	.sql  = "SELECT id, ticket_id, user_id, created_at FROM bookmark WHERE account_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1000",
	.in   = "ii", .out = "iiii",
};

static const struct stmt mark_delete = {
	.name = "bookmark.delete",
	.sql  = "DELETE FROM bookmark WHERE account_id = $1 AND user_id = $2 AND id = $3",
	.in   = "iii",
};

static const struct stmt mark_drop = {
	.name = "bookmark.drop",
	.sql  = "DELETE FROM bookmark WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii",
};

const struct stmt *const rating_stmts[] = {
	&mark_insert, &mark_find, &mark_list, &mark_delete, &mark_drop,
	&rating_of, &rating_by_id, &rating_put, &rating_drop, &rating_up, &rating_down, &rating_count, &skip_insert, &skips_all,
	&skips_ticket, &skips_user, &skip_keys, &skip_drop, NULL
};

static const struct { int code; const char *value; } reasons[] = {
	{ 1000, "The issue took too long to resolve" }, { 1001, "The issue was not resolved" },
	{ 1002, "The agent's knowledge is unsatisfactory" }, { 1003, "The agent's attitude is unsatisfactory" },
	{ 100, "Some other reason" },
};

int
rating_reasons(void)
{
	return (int)COUNT(reasons);
}

const char *
rating_reason(int i, int *code)
{
	*code = reasons[i].code;
	return reasons[i].value;
}

static struct rating
rating_from(const struct row *r)
{
	return (struct rating){ .id = row_int(r, 0), .ticket_id = row_int(r, 1), .requester_id = row_int(r, 2),
	    .assignee_id = row_int(r, 3), .group_id = row_int(r, 4), .good = row_int(r, 5) != 0, .reason_code = (int)row_int(r, 6),
	    .has_comment = row_int(r, 7) != 0, .created_at = row_int(r, 8), .updated_at = row_int(r, 9) };
}

struct rate { struct rating *r; struct findings found; };

static enum err
rate_tx(struct ctx *cx, void *arg)
{
	struct rate *w = arg;
	struct rating *r = w->r;
	struct ticket t;
	struct findings all;
	struct row row;
	str score = r->good ? S("good") : S("bad");
	usec at = cx->now;
	int64_t id;
	enum err e;

	TRY(request_get(cx, r->ticket_id, &t));
	if (t.requester_id != cx->actor->user_id)
		return fail(cx, E_DENIED, NULL, "only the requester says how it was");
	if (t.status != TICKET_SOLVED)
		bad(cx, "base", "InvalidValue", "only a solved ticket can be rated");
	TRY(bad_check(cx));
	/* Who thinks again has one rating, on the day of the first. */
	e = store_one(cx, &rating_of, ARGS(INT(cx->account), INT(t.id)), &row);
	if (e == OK) {
		struct rating was = rating_from(&row);
		at = was.created_at;
		TRY(report_add(cx, FIG_RATING, at, was.good, 0, -1));
	} else if (e == E_ABSENT)
		fail_forget(cx);
	else
		return e;
	TRY(report_add(cx, FIG_RATING, at, r->good, 0, 1));
	TRY(store_next_id(cx, "satisfaction_rating", &id));
	TRY(store_exec(cx, &rating_put, ARGS(INT(cx->account), INT(id), INT(t.id), INT(t.requester_id), ID(t.assignee_id), ID(t.group_id),
	    INT(r->good), INT(r->reason_code), INT(r->comment.hidden.n != 0), INT(cx->now)), NULL));
	TRY(store_one(cx, &rating_of, ARGS(INT(cx->account), INT(t.id)), &row));
	t.rating = r->comment;
	t.rating_score = r->good ? 2 : 1;
	all = (struct findings){ NEW(cx->arena, struct finding, t.finding_count + w->found.count + 1), 0, 0 };
	for (int i = 0; i < t.finding_count; i++)
		if (!str_eq(t.finding[i].field, S("satisfaction_rating")))
			all.f[all.count++] = t.finding[i];
	for (int i = 0; i < w->found.count; i++)
		all.f[all.count++] = w->found.f[i];
	t.finding = all.f;
	t.finding_count = all.count;
	TRY(next_generated(cx, &t.generated_at));
	TRY(ticket_save_doc(cx, &t));
	TRY(audit_note(cx, &t, "SatisfactionRating", "score", HIDE(json_quote(cx, score))));
	{
		sensitive comment = r->comment;
		*r = rating_from(&row);
		r->comment = comment;
	}
	return trail_append(cx, &(struct event){ .action = "ticket.rate", .object = "ticket", .id = t.id, .parent = r->id, .key = t.key,
	    .field = &(struct trail_field){ .name = "satisfaction_rating", .after = HIDE(score), .has_after = true }, .count = 1 });
}

enum err
rating_set(struct ctx *cx, struct rating *r)
{
	struct rate w = { .r = r };

	TRY(gate_may(cx, MAY_READ_REQUEST, NULL));
	if (cx->actor->read_only)
		return fail(cx, E_DENIED, NULL, "this token may only read");
	if (r->comment.hidden.n > 64 * KiB)
		bad(cx, "comment", "TooLong", "Comment: is too long (maximum is 65536 bytes)");
	TRY(bad_check(cx));
	TRY(desk_scan(cx, "satisfaction_rating", r->comment, &w.found));
	return store_write(cx, rate_tx, &w);
}

/* The words, of those tickets that the actor may see; others are left out. */
static enum err
with_words(struct ctx *cx, struct rating *r, int *n)
{
	int k = 0;

	for (int i = 0; i < *n; i++) {
		struct ticket t;
		enum err e = ticket_get(cx, r[i].ticket_id, &t);
		if (e == E_ABSENT || e == E_DENIED) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		r[k] = r[i];
		r[k++].comment = t.rating;
	}
	*n = k;
	return OK;
}

enum err
rating_list(struct ctx *cx, const struct rating_filter *f, struct rating **out, int *count)
{
	usec to = f->to ? f->to : INT64_MAX;
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(store_all(cx, f->newest ? &rating_down : &rating_up, ARGS(INT(cx->account), INT(f->newest && f->after == 0 ? INT64_MAX : f->after),
	    INT(f->only_good ? 1 : 0), INT(f->only_bad ? 0 : 1), INT(f->from), INT(to), INT(f->words ? f->words : 3), INT(f->limit),
	    INT(f->offset)), &rs));
	*out = NEW(cx->arena, struct rating, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = rating_from(&rs.row[i]);
	*count = rs.count;
	return with_words(cx, *out, count);
}

enum err
rating_total(struct ctx *cx, const struct rating_filter *f, int64_t *n)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(store_one(cx, &rating_count, ARGS(INT(cx->account), INT(f->only_good ? 1 : 0), INT(f->only_bad ? 0 : 1), INT(f->from),
	    INT(f->to ? f->to : INT64_MAX), INT(f->words ? f->words : 3)), &r));
	*n = row_int(&r, 0);
	return OK;
}

enum err
rating_get(struct ctx *cx, int64_t id, struct rating *out)
{
	struct row r;
	int n = 1;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(store_one(cx, &rating_by_id, ARGS(INT(cx->account), INT(id)), &r));
	*out = rating_from(&r);
	TRY(with_words(cx, out, &n));
	return n ? OK : fail(cx, E_ABSENT, NULL, "no such rating");
}

/* ---- skips ------------------------------------------------------------------------------------------------------ */

static enum err
skip_tx(struct ctx *cx, void *arg)
{
	struct skip *s = arg;
	int64_t key;

	TRY(ticket_visible(cx, s->ticket_id));
	TRY(store_next_id(cx, "ticket_skip", &s->id));
	TRY(store_key_new(cx, &key));
	s->user_id = cx->actor->user_id;
	s->created_at = cx->now;
	TRY(store_exec(cx, &skip_insert, ARGS(INT(cx->account), INT(s->id), INT(s->ticket_id), INT(s->user_id), INT(key), INT(cx->now),
	    SEALED(key, s->reason)), NULL));
	return trail_append(cx, &(struct event){ .action = "ticket.skip", .object = "ticket", .id = s->ticket_id, .parent = s->id, .key = key,
	    .field = &(struct trail_field){ .name = "reason", .after = s->reason, .has_after = true }, .count = 1 });
}

enum err
skip_add(struct ctx *cx, struct skip *s)
{
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	if (s->reason.hidden.n > 64 * KiB)
		bad(cx, "reason", "TooLong", "Reason: is too long (maximum is 65536 bytes)");
	TRY(bad_check(cx));
	return store_write(cx, skip_tx, s);
}

enum err
skip_list(struct ctx *cx, int64_t ticket_id, int64_t user_id, int64_t after, int64_t offset, int limit, struct skip **out, int *count)
{
	struct rows rs;
	int n = 0;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (ticket_id)
		TRY(store_all(cx, &skips_ticket, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset), INT(ticket_id)), &rs));
	else if (user_id)
		TRY(store_all(cx, &skips_user, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset), INT(user_id)), &rs));
	else
		TRY(store_all(cx, &skips_all, ARGS(INT(cx->account), INT(after), INT(limit), INT(offset)), &rs));
	*out = NEW(cx->arena, struct skip, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		struct skip s = { row_int(r, 0), row_int(r, 1), row_int(r, 2), row_int(r, 3), row_sensitive(r, 4) };
		enum err e = ticket_visible(cx, s.ticket_id);
		if (e == E_ABSENT || e == E_DENIED)
			fail_forget(cx);
		else {
			TRY(e);
			(*out)[n++] = s;
		}
	}
	*count = n;
	return OK;
}

/* ---- bookmarks ---------------------------------------------------------------------------------------------------- */

#define BOOKMARKS_MAX 1000

static enum err
bookmark_tx(struct ctx *cx, void *arg)
{
	struct skip *s = arg;
	struct rows rs;
	int64_t changed;

	if (s->ticket_id == 0) {
		TRY(store_exec(cx, &mark_delete, ARGS(INT(cx->account), INT(cx->actor->user_id), INT(s->id)), &changed));
		if (changed == 0)
			return fail(cx, E_ABSENT, NULL, "no such bookmark");
		return trail_append(cx, &(struct event){ .action = "bookmark.delete", .object = "bookmark", .id = s->id });
	}
	TRY(ticket_visible(cx, s->ticket_id));
	TRY(store_all(cx, &mark_find, ARGS(INT(cx->account), INT(cx->actor->user_id), INT(s->ticket_id)), &rs));
	if (rs.count) {
		*s = (struct skip){ row_int(&rs.row[0], 0), s->ticket_id, cx->actor->user_id, row_int(&rs.row[0], 3), { { 0 } } };
		return OK;
	}
	TRY(store_all(cx, &mark_list, ARGS(INT(cx->account), INT(cx->actor->user_id)), &rs));
	if (rs.count >= BOOKMARKS_MAX)
		return fail(cx, E_LIMIT, NULL, "there are 1,000 bookmarks already");
	TRY(store_next_id(cx, "bookmark", &s->id));
	s->user_id = cx->actor->user_id;
	s->created_at = cx->now;
	TRY(store_exec(cx, &mark_insert, ARGS(INT(cx->account), INT(s->id), INT(s->user_id), INT(s->ticket_id), INT(cx->now)), NULL));
	return trail_append(cx, &(struct event){ .action = "bookmark.create", .object = "bookmark", .id = s->id, .parent = s->ticket_id });
}

enum err
bookmark_add(struct ctx *cx, struct skip *s)
{
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	return store_write(cx, bookmark_tx, s);
}

enum err
bookmark_delete(struct ctx *cx, int64_t id)
{
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	return store_write(cx, bookmark_tx, &(struct skip){ .id = id });
}

enum err
bookmark_list(struct ctx *cx, struct skip **out, int *count)
{
	struct rows rs;
	int n = 0;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(store_all(cx, &mark_list, ARGS(INT(cx->account), INT(cx->actor->user_id)), &rs));
	*out = NEW(cx->arena, struct skip, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		enum err e = ticket_visible(cx, row_int(&rs.row[i], 1));
		if (e == E_ABSENT || e == E_DENIED) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		(*out)[n++] = (struct skip){ row_int(&rs.row[i], 0), row_int(&rs.row[i], 1), row_int(&rs.row[i], 2), row_int(&rs.row[i], 3), { { 0 } } };
	}
	*count = n;
	return OK;
}

enum err
rating_forget(struct ctx *cx, int64_t ticket_id)
{
	struct rows rs;

	TRY(asides_forget(cx, ticket_id));
	TRY(skill_forget(cx, SKILL_TICKET, ticket_id));
	TRY(store_exec(cx, &mark_drop, ARGS(INT(cx->account), INT(ticket_id)), NULL));
	TRY(store_exec(cx, &rating_drop, ARGS(INT(cx->account), INT(ticket_id)), NULL));
	TRY(store_all(cx, &skip_keys, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		TRY(trail_reseal(cx, row_int(&rs.row[i], 0), 0, NULL, NULL));
		TRY(store_key_destroy(cx, row_int(&rs.row[i], 0)));
	}
	return store_exec(cx, &skip_drop, ARGS(INT(cx->account), INT(ticket_id)), NULL);
}
