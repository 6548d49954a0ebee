/* report.c - counters per day: written by what happens, read by reports.
 *
 * A row is one figure of one day; the key begins with figure and day, so a
 * report of a month reads that month's rows and nothing else. What the trail
 * alone knows (looks, sign-ins) is counted from it in the background, behind a
 * cursor that is kept in the same transaction.
 */
#include <stdlib.h>

#include "desk/in.h"

#define DAY (24 * 3600 * SECOND)
enum { STEP = 20000 };

static const struct stmt add_day = {
	.name = "report_day.add",
	.sql  = "INSERT INTO report_day (account_id, figure, day, a, b, n, total) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	        " ON CONFLICT (account_id, figure, day, a, b) DO UPDATE SET n = report_day.n + excluded.n,"
	        " total = report_day.total + excluded.total",
	.in   = "iiiiiii",
};

/* $5 to $7: 1 where the sums are by that column. */
static const struct stmt sums = {
	.name = "report_day.sums",
	.sql  = "SELECT day * $5, a * $6, b * $7, SUM(n), SUM(total) FROM report_day WHERE account_id = $1 AND figure = $2"
	        " AND day >= $3 AND day <= $4 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
	.in   = "iiiiiii", .out = "iiiii",
};

static const struct stmt first_day = {
	.name = "report_day.first",
	.sql  = "SELECT COALESCE(MIN(day), 0) FROM report_day WHERE account_id = $1 AND figure = $2",
	.in   = "ii", .out = "i",
};

static const struct stmt cursor_get = {
	.name = "report_cursor.get",
	.sql  = "SELECT seq FROM report_cursor WHERE account_id = $1",
	.in   = "i", .out = "i",
};

static const struct stmt cursor_put = {
	.name = "report_cursor.put",
	.sql  = "INSERT INTO report_cursor (account_id, seq) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET seq = excluded.seq",
	.in   = "ii",
};

const struct stmt *const report_stmts[] = { &add_day, &sums, &first_day, &cursor_get, &cursor_put, NULL };

static const struct { int64_t below; const char *name; } spans[REPORT_SPANS] = {
	{ 900, "15m" }, { 3600, "1h" }, { 14400, "4h" }, { 28800, "8h" }, { 86400, "1d" }, { 172800, "2d" }, { 604800, "7d" }, { INT64_MAX, "more" },
};

int
report_span(int64_t seconds)
{
	int i = 0;

	while (i < REPORT_SPANS - 1 && seconds >= spans[i].below)
		i++;
	return i;
}

const char *
report_span_name(int span)
{
	return span >= 0 && span < REPORT_SPANS ? spans[span].name : "more";
}

/* What the tickets of this commit count. Most count the same rows: each is written once, just before their commit. Only
 * the writer's thread comes here; every number goes back to what it was when its ticket is rolled back. */
struct due { int64_t account, figure, day, a, b, n, total; };
static struct { struct due *d; int n, cap; } dues;

static void
dues_clear(struct sys *sys UNUSED, void *arg UNUSED)
{
	dues.n = 0;
}

static enum err
dues_write(struct ctx *cx, void *arg UNUSED)
{
	for (int i = 0; i < dues.n; i++) {
		const struct due *d = &dues.d[i];
		if (d->n != 0 || d->total != 0)
			TRY(store_exec(cx, &add_day, ARGS(INT(d->account), INT(d->figure), INT(d->day), INT(d->a), INT(d->b), INT(d->n),
			    INT(d->total)), NULL));
	}
	store_after(cx, dues_clear, NULL);
	return OK;
}

struct due_step { int at; int64_t n, total; };

static void
due_back(struct sys *sys UNUSED, void *arg)
{
	const struct due_step *s = arg;

	dues.d[s->at].n -= s->n;
	dues.d[s->at].total -= s->total;
}

static enum err
add(struct ctx *cx, enum figure f, int64_t day, int64_t a, int64_t b, int64_t n, int64_t total)
{
	struct due_step *s = NEW(cx->arena, struct due_step, 1);
	int i = 0;

	while (i < dues.n && (dues.d[i].figure != (int64_t)f || dues.d[i].day != day || dues.d[i].a != a || dues.d[i].b != b
	    || dues.d[i].account != cx->account))
		i++;
	if (i == dues.cap) {
		int cap = dues.cap == 0 ? 64 : dues.cap * 2;
		struct due *more = realloc(dues.d, (size_t)cap * sizeof *more);
		if (more == NULL)
			return fail(cx, E_FAULT, NULL, "out of memory");
		dues.d = more;
		dues.cap = cap;
	}
	if (i == dues.n)
		dues.d[dues.n++] = (struct due){ cx->account, (int64_t)f, day, a, b, 0, 0 };
	dues.d[i].n += n;
	dues.d[i].total += total;
	*s = (struct due_step){ i, n, total };
	store_undo(cx, due_back, s);
	store_before_commit(cx, dues_write, NULL);
	return OK;
}

enum err
report_add(struct ctx *cx, enum figure f, usec at, int64_t a, int64_t b, int64_t n)
{
	return n == 0 ? OK : add(cx, f, at / DAY, a, b, n, 0);
}

enum err
report_time(struct ctx *cx, enum figure f, usec from, usec at)
{
	int64_t secs = at > from ? (at - from) / SECOND : 0;

	return add(cx, f, at / DAY, report_span(secs), 0, 1, secs);
}

enum err
report_phi(struct ctx *cx, const struct verdict *v, const uint16_t *gone, usec at, str channel)
{
	enum phi_channel c = policy_channel(channel);

	for (int k = 0; k < POLICY_KINDS; k++) {
		int more = gone != NULL ? gone[k] : 0;
		TRY(report_add(cx, FIG_PHI_FOUND, at, k, c, v->found[k] + more));
		TRY(report_add(cx, FIG_PHI_REMOVED, at, k, 0, v->gone[k] + more));
	}
	return OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

enum err
report_sums(struct ctx *cx, enum figure f, int64_t from, int64_t to, unsigned by, struct report_row **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &sums, ARGS(INT(cx->account), INT(f), INT(from), INT(to), INT((by & BY_DAY) != 0), INT((by & BY_A) != 0),
	    INT((by & BY_B) != 0)), &rs));
	*out = NEW(cx->arena, struct report_row, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		(*out)[i] = (struct report_row){ row_int(r, 0), row_int(r, 1), row_int(r, 2), row_int(r, 3), row_int(r, 4) };
	}
	*count = rs.count;
	return OK;
}

static enum err
cursor(struct ctx *cx, int64_t *seq)
{
	struct row r;
	enum err e = store_one(cx, &cursor_get, ARGS(INT(cx->account)), &r);

	*seq = e == OK ? row_int(&r, 0) : 0;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

enum err
report_state(struct ctx *cx, int64_t *behind, int64_t *since)
{
	int64_t seq, events, first = 0;
	struct row r;

	TRY(cursor(cx, &seq));
	TRY(trail_count(cx, &events));
	for (int f = 1; f < FIGURES; f++) {
		TRY(store_one(cx, &first_day, ARGS(INT(cx->account), INT(f)), &r));
		if (row_int(&r, 0) != 0 && (first == 0 || row_int(&r, 0) < first))
			first = row_int(&r, 0);
	}
	*behind = events > seq ? events - seq : 0;
	*since = first;
	return OK;
}

/* ---- from the trail --------------------------------------------------------------------------------------------------- */

static enum err
step_tx(struct ctx *cx, void *arg)
{
	bool *more = arg;
	struct trail_tally *t;
	int64_t seq, last;
	int n;

	TRY(cursor(cx, &seq));
	TRY(trail_tally(cx, seq, STEP, &t, &n, &last));
	for (int i = 0; i < n; i++) {
		if (t[i].kind == TRAIL_LOOK)
			TRY(add(cx, FIG_LOOKS, t[i].day, t[i].actor_id, 0, t[i].n, 0));
		else if (str_eq(t[i].action, S("user.login")))
			TRY(add(cx, FIG_SIGN_INS, t[i].day, t[i].actor_id, 0, t[i].n, 0));
		else if (str_eq(t[i].action, S("user.login_failed")))
			TRY(add(cx, FIG_SIGN_INS, t[i].day, t[i].actor_id, 1, t[i].n, 0));
		else if (str_eq(t[i].action, S("ticket.unmask")))
			TRY(add(cx, FIG_UNMASKS, t[i].day, t[i].actor_id, 0, t[i].n, 0));
	}
	if (last > seq)
		TRY(store_exec(cx, &cursor_put, ARGS(INT(cx->account), INT(last)), NULL));
	*more = last >= seq + STEP;
	return OK;
}

enum err
report_step(struct ctx *cx, bool *more)
{
	int64_t seq, events;

	*more = false;
	TRY(cursor(cx, &seq));
	TRY(trail_count(cx, &events));
	return events > seq ? store_write(cx, step_tx, more) : OK;
}
