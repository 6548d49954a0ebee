/* reports.c - /api/ward/v1/reports: figures of the desk, from counters that are
 * kept (desk/report.h), as JSON and as CSV.
 *
 * A report is a row of the table below: its lines are days or what its figure
 * counts by, its columns sums, shares or means of figures.
 */
#include <stdlib.h>

#include "api/in.h"

#define DAY (24 * 3600 * SECOND)
enum { DAYS_MOST = 731, ROWS_MOST = 2000 };

/* How a line or a column is called: its number says it by itself, or by one of these. */
enum names { NAME_DAY, NAME_CHANNEL, NAME_SPAN, NAME_MEASURE, NAME_KIND, NAME_USER };

struct column {
	const char *name;
	enum figure f;
	int         a, b;            /* -1: all of them */
	enum { COUNT_OF, MINUTES_OF, PERCENT_OF } what;      /* MINUTES_OF: the mean; PERCENT_OF: of the figure as a whole */
};

struct report {
	const char   *name;
	enum names    lines;
	bool          running;       /* each day adds to the days before */
	enum may      may;
	struct column col[5];
};

static const struct report reports[] = {
	{ "tickets", NAME_DAY, false, MAY_READ_REPORTS, { { "created", FIG_CREATED, -1, -1, COUNT_OF }, { "solved", FIG_SOLVED, -1, -1, COUNT_OF },
	    { "reopened", FIG_REOPENED, -1, -1, COUNT_OF } } },
	{ "channels", NAME_DAY, false, MAY_READ_REPORTS, { { "email", FIG_CREATED, CHANNEL_EMAIL, -1, COUNT_OF }, { "form", FIG_CREATED, CHANNEL_FORM, -1, COUNT_OF },
	    { "chat", FIG_CREATED, CHANNEL_CHAT, -1, COUNT_OF }, { "api", FIG_CREATED, CHANNEL_API, -1, COUNT_OF } } },
	{ "backlog", NAME_DAY, true, MAY_READ_REPORTS, { { "unsolved", FIG_UNSOLVED, -1, -1, COUNT_OF } } },
	{ "first_reply", NAME_DAY, false, MAY_READ_REPORTS, { { "mean_minutes", FIG_FIRST_REPLY, -1, -1, MINUTES_OF }, { "tickets", FIG_FIRST_REPLY, -1, -1, COUNT_OF } } },
	{ "first_reply_spans", NAME_SPAN, false, MAY_READ_REPORTS, { { "tickets", FIG_FIRST_REPLY, -1, -1, COUNT_OF } } },
	{ "resolution", NAME_DAY, false, MAY_READ_REPORTS, { { "mean_minutes", FIG_RESOLUTION, -1, -1, MINUTES_OF }, { "tickets", FIG_RESOLUTION, -1, -1, COUNT_OF } } },
	{ "resolution_spans", NAME_SPAN, false, MAY_READ_REPORTS, { { "tickets", FIG_RESOLUTION, -1, -1, COUNT_OF } } },
	{ "sla", NAME_DAY, false, MAY_READ_REPORTS, { { "kept", FIG_SLA, -1, 0, COUNT_OF }, { "late", FIG_SLA, -1, 1, COUNT_OF }, { "kept_percent", FIG_SLA, -1, 0, PERCENT_OF } } },
	{ "sla_metrics", NAME_MEASURE, false, MAY_READ_REPORTS, { { "kept", FIG_SLA, -1, 0, COUNT_OF }, { "late", FIG_SLA, -1, 1, COUNT_OF } } },
	{ "satisfaction", NAME_DAY, false, MAY_READ_REPORTS, { { "good", FIG_RATING, 1, -1, COUNT_OF }, { "bad", FIG_RATING, 0, -1, COUNT_OF }, { "good_percent", FIG_RATING, 1, -1, PERCENT_OF } } },
	{ "phi_found", NAME_DAY, false, MAY_READ_REPORTS, { { "email", FIG_PHI_FOUND, -1, CHANNEL_EMAIL, COUNT_OF }, { "form", FIG_PHI_FOUND, -1, CHANNEL_FORM, COUNT_OF },
	    { "chat", FIG_PHI_FOUND, -1, CHANNEL_CHAT, COUNT_OF }, { "api", FIG_PHI_FOUND, -1, CHANNEL_API, COUNT_OF } } },
	{ "phi_found_kinds", NAME_KIND, false, MAY_READ_REPORTS, { { "email", FIG_PHI_FOUND, -1, CHANNEL_EMAIL, COUNT_OF }, { "form", FIG_PHI_FOUND, -1, CHANNEL_FORM, COUNT_OF },
	    { "chat", FIG_PHI_FOUND, -1, CHANNEL_CHAT, COUNT_OF }, { "api", FIG_PHI_FOUND, -1, CHANNEL_API, COUNT_OF } } },
	{ "phi_removed", NAME_DAY, false, MAY_READ_REPORTS, { { "on_arrival", FIG_PHI_REMOVED, -1, 0, COUNT_OF }, { "by_hand", FIG_PHI_REMOVED, -1, 1, COUNT_OF },
	    { "in_bulk", FIG_PHI_REMOVED, -1, 2, COUNT_OF } } },
	{ "phi_removed_kinds", NAME_KIND, false, MAY_READ_REPORTS, { { "on_arrival", FIG_PHI_REMOVED, -1, 0, COUNT_OF }, { "by_hand", FIG_PHI_REMOVED, -1, 1, COUNT_OF },
	    { "in_bulk", FIG_PHI_REMOVED, -1, 2, COUNT_OF } } },
	{ "looks", NAME_DAY, false, MAY_READ_TRAIL, { { "looks", FIG_LOOKS, -1, -1, COUNT_OF }, { "unmasked", FIG_UNMASKS, -1, -1, COUNT_OF } } },
	{ "looks_people", NAME_USER, false, MAY_READ_TRAIL, { { "looks", FIG_LOOKS, -1, -1, COUNT_OF }, { "unmasked", FIG_UNMASKS, -1, -1, COUNT_OF } } },
	{ "sign_ins", NAME_DAY, false, MAY_READ_TRAIL, { { "signed_in", FIG_SIGN_INS, -1, 0, COUNT_OF }, { "refused", FIG_SIGN_INS, -1, 1, COUNT_OF } } },
	{ "sign_ins_people", NAME_USER, false, MAY_READ_TRAIL, { { "signed_in", FIG_SIGN_INS, -1, 0, COUNT_OF }, { "refused", FIG_SIGN_INS, -1, 1, COUNT_OF } } },
};

struct line { int64_t key, n[5], total[5], of[5]; };
struct table { const struct report *r; struct line *line; int lines, cols; int64_t from, to, before; };

/* ---- adding up ----------------------------------------------------------------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static struct line *
line_of(struct ctx *cx, struct table *t, int64_t key, int *room)
{
	if (t->r->lines == NAME_DAY)
		return key >= t->from && key <= t->to ? &t->line[key - t->from] : NULL;
	for (int i = 0; i < t->lines; i++)
		if (t->line[i].key == key)
			return &t->line[i];
	if (t->lines == ROWS_MOST)
		return NULL;
	if (t->lines == *room) {
		struct line *more = NEW(cx->arena, struct line, *room * 2 + 32);
		if (t->lines)
			memcpy(more, t->line, sizeof *more * (size_t)t->lines);
		t->line = more;
		*room = *room * 2 + 32;
	}
	t->line[t->lines] = (struct line){ .key = key };
	return &t->line[t->lines++];
}

static enum err
add_up(struct ctx *cx, struct table *t)
{
	const struct report *r = t->r;
	bool days = r->lines == NAME_DAY;
	struct report_row *row;
	int room = 0, n;

	if (days) {
		t->lines = (int)(t->to - t->from) + 1;
		t->line = NEW(cx->arena, struct line, t->lines);
		for (int i = 0; i < t->lines; i++)
			t->line[i].key = t->from + i;
	}
	for (t->cols = 0; t->cols < (int)COUNT(r->col) && r->col[t->cols].name != NULL; t->cols++) {
		const struct column *c = &r->col[t->cols];
		TRY(report_sums(cx, c->f, t->from, t->to, (days ? BY_DAY : BY_A) | (c->a >= 0 ? BY_A : 0) | (c->b >= 0 ? BY_B : 0), &row, &n));
		for (int i = 0; i < n; i++) {
			struct line *l = line_of(cx, t, days ? row[i].day : row[i].a, &room);
			if (l == NULL)
				continue;
			l->of[t->cols] += row[i].n;
			if ((c->a >= 0 && row[i].a != c->a) || (c->b >= 0 && row[i].b != c->b))
				continue;
			l->n[t->cols] += row[i].n;
			l->total[t->cols] += row[i].total;
		}
	}
	if (!days && t->lines)
		qsort(t->line, (size_t)t->lines, sizeof *t->line, by_key);
	if (r->running) {
		int64_t sum = 0;
		TRY(report_sums(cx, r->col[0].f, 0, t->from - 1, 0, &row, &n));
		sum = n > 0 ? row[0].n : 0;
		for (int i = 0; i < t->lines; i++)
			t->line[i].n[0] = sum += t->line[i].n[0];
	}
	return OK;
}

static int64_t
cell(const struct table *t, const struct line *l, int c)
{
	switch (t->r->col[c].what) {
	case MINUTES_OF: return l->n[c] ? (l->total[c] / l->n[c] + 30) / 60 : 0;
	case PERCENT_OF: return l->of[c] ? (l->n[c] * 100 + l->of[c] / 2) / l->of[c] : 0;
	case COUNT_OF:   break;
	}
	return l->n[c];
}

/* A mean or share of nothing is not 0. */
static bool
is_none(const struct table *t, const struct line *l, int c)
{
	return t->r->col[c].what == MINUTES_OF ? l->n[c] == 0 : t->r->col[c].what == PERCENT_OF && l->of[c] == 0;
}

/* ---- showing it ------------------------------------------------------------------------------------------------------ */

struct people { struct user *u; int n; };

static enum err
people(struct ctx *cx, const struct table *t, struct people *out)
{
	int64_t *ids = NEW(cx->arena, int64_t, t->lines + 1);

	*out = (struct people){ NULL, 0 };
	if (t->r->lines != NAME_USER || t->lines == 0)
		return OK;
	for (int i = 0; i < t->lines; i++)
		ids[i] = t->line[i].key;
	return user_many(cx, ids, ids_unique(ids, t->lines), &out->u, &out->n);
}

static str
day_text(struct ctx *cx, int64_t day)
{
	return str_sub(time_iso(cx->arena, day * DAY), 0, 10);
}

static str
line_name(struct ctx *cx, const struct table *t, const struct line *l, const struct people *who)
{
	const char *z = NULL;

	switch (t->r->lines) {
	case NAME_DAY:     return day_text(cx, l->key);
	case NAME_CHANNEL: z = channel_name((enum phi_channel)l->key); break;
	case NAME_SPAN:    z = report_span_name((int)l->key); break;
	case NAME_MEASURE: z = sla_measure_name((int)l->key); break;
	case NAME_KIND:    z = l->key == POLICY_KINDS ? "UNMARKED" : policy_kind_name((int)l->key); break;
	case NAME_USER:
		for (int i = 0; i < who->n; i++)
			if (who->u[i].id == l->key)
				return who->u[i].role >= ROLE_AGENT ? reveal_clear(cx, who->u[i].name) : reveal(cx, who->u[i].name, TO_SHOW_ACTOR);
		return l->key == 0 ? S("System") : S("");
	}
	return z != NULL ? str_of(z) : S("other");
}

static enum err
as_csv(struct ctx *cx, struct http_reply *rp, const struct table *t, const struct people *who)
{
	static const char *const heads[] = { "day", "channel", "time", "metric", "kind", "person" };
	struct buf *b = &rp->body;

	rp->status = 200;
	rp->type = "text/csv; charset=utf-8";
	http_head(rp, "Content-Disposition", str_printf(cx->arena, "attachment; filename=\"%s.csv\"", t->r->name));
	csv_cell(b, true, str_of(heads[t->r->lines]));
	if (t->r->lines == NAME_USER)
		csv_cell(b, false, S("id"));
	for (int c = 0; c < t->cols; c++)
		csv_cell(b, false, str_of(t->r->col[c].name));
	buf_add(b, S("\r\n"));
	for (int i = 0; i < t->lines; i++) {
		csv_cell(b, true, line_name(cx, t, &t->line[i], who));
		if (t->r->lines == NAME_USER)
			csv_cell(b, false, str_printf(cx->arena, "%lld", (long long)t->line[i].key));
		for (int c = 0; c < t->cols; c++)
			csv_cell(b, false, is_none(t, &t->line[i], c) ? S("") : str_printf(cx->arena, "%lld", (long long)cell(t, &t->line[i], c)));
		buf_add(b, S("\r\n"));
	}
	return OK;
}

static enum err
as_json(struct ctx *cx, struct http_reply *rp, const struct table *t, const struct people *who)
{
	static const char *const whats[] = { "count", "minutes", "percent" };
	int64_t behind, since;
	struct line all = { 0 };
	struct json j;

	TRY(report_state(cx, &behind, &since));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "report");
	jw_obj(&j);
	jw_kz(&j, "name", t->r->name);
	jw_kstr(&j, "from", day_text(cx, t->from));
	jw_kstr(&j, "to", day_text(cx, t->to));
	jw_kz(&j, "lines", t->r->lines == NAME_DAY ? "days" : t->r->lines == NAME_USER ? "people" : t->r->lines == NAME_KIND ? "kinds"
	    : t->r->lines == NAME_SPAN ? "spans" : t->r->lines == NAME_MEASURE ? "metrics" : "channels");
	jw_kint(&j, "events_behind", behind);
	if (since)
		jw_kstr(&j, "counted_since", day_text(cx, since));
	else
		jw_knull(&j, "counted_since");
	jw_key(&j, "columns");
	jw_arr(&j);
	for (int c = 0; c < t->cols; c++) {
		jw_obj(&j);
		jw_kz(&j, "name", t->r->col[c].name);
		jw_kz(&j, "unit", whats[t->r->col[c].what]);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_key(&j, "rows");
	jw_arr(&j);
	for (int i = 0; i < t->lines; i++) {
		const struct line *l = &t->line[i];
		jw_obj(&j);
		jw_kstr(&j, "name", line_name(cx, t, l, who));
		if (t->r->lines == NAME_USER)
			jw_kid(&j, "user_id", l->key);
		jw_key(&j, "values");
		jw_arr(&j);
		for (int c = 0; c < t->cols; c++) {
			if (is_none(t, l, c))
				jw_raw(&j, S("null"));
			else
				jw_int(&j, cell(t, l, c));
			all.n[c] = t->r->running ? l->n[c] : all.n[c] + l->n[c];
			all.total[c] += l->total[c];
			all.of[c] += l->of[c];
		}
		jw_end_arr(&j);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_key(&j, "whole");               /* of the whole time; of a running one: at its end */
	jw_arr(&j);
	for (int c = 0; c < t->cols; c++) {
		if (is_none(t, &all, c))
			jw_raw(&j, S("null"));
		else
			jw_int(&j, cell(t, &all, c));
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static bool
day_of(const struct http_req *rq, const char *name, int64_t *day)
{
	const str *v = http_query(rq, name);
	usec at;

	if (v == NULL)
		return true;
	if (v->n != 10 || !time_parse(*v, &at) || at < 0)
		return false;
	*day = at / DAY;
	return true;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct table t = { .to = cx->now / DAY };
	int64_t about[1] = { 0 };
	struct people who;
	bool csv = api_query_is(rq, "format", "csv");

	for (size_t i = 0; i < COUNT(reports); i++)
		if (str_eq(rq->word[0], str_of(reports[i].name)))
			t.r = &reports[i];
	if (t.r == NULL)
		return fail(cx, E_ABSENT, NULL, "no such report");
	TRY(gate_may(cx, t.r->may, NULL));
	if (http_query(rq, "format") != NULL && !csv && !api_query_is(rq, "format", "json"))
		return api_error(rp, 400, "InvalidValue", "Parameter format must be json or csv");
	if (!day_of(rq, "to", &t.to))
		return api_error(rp, 400, "InvalidValue", "Parameter to must be a day, 2026-11-28");
	t.from = t.to - 29;
	if (!day_of(rq, "from", &t.from))
		return api_error(rp, 400, "InvalidValue", "Parameter from must be a day, 2026-11-01");
	if (t.from > t.to || t.to - t.from >= DAYS_MOST)
		return api_error(rp, 400, "InvalidValue", "From must not be after to, and at most two years before it");
	TRY(add_up(cx, &t));
	TRY(people(cx, &t, &who));
	TRY(csv ? as_csv(cx, rp, &t, &who) : as_json(cx, rp, &t, &who));
	return t.r->lines == NAME_USER ? trail_look(cx, "user", about, 1, "name") : OK;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "reports");
	jw_arr(&j);
	for (size_t i = 0; i < COUNT(reports); i++) {
		enum err e = gate_may(cx, reports[i].may, NULL);
		if (e == E_DENIED) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		jw_obj(&j);
		jw_kz(&j, "name", reports[i].name);
		jw_key(&j, "columns");
		jw_arr(&j);
		for (size_t c = 0; c < COUNT(reports[i].col) && reports[i].col[c].name != NULL; c++)
			jw_str(&j, str_of(reports[i].col[c].name));
		jw_end_arr(&j);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

const struct route report_routes[] = {
	{ GET, "/api/ward/v1/reports",        MAY_READ_REPORTS, 0, list, 0 },
	{ GET, "/api/ward/v1/reports/{word}", MAY_READ_REPORTS, 0, show, 0 },
	{ 0 }
};
