/* view.c - views: their queries and pages.
 *
 * A view's conditions become whole clauses of the table in rule.c; what has no
 * column (tags, words, custom fields: they are sealed) is looked at ticket by
 * ticket behind the query. What the actor may see is part of the query.
 *
 * Pages. Ordered by change or by number, within groups of status or none, a
 * page is a merge of one walk per status (and per group or agent asked for)
 * along an index: (status, updated_at, id), (assignee, status, updated_at, id),
 * (group, status, updated_at, id). Its cost is the page's length, whatever the
 * table's, where most of what is walked fits; else it is what was kept of the
 * view (view_kept.c). Other orders sort the newest SORT_MAX tickets that fit.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "desk/view.h"

#define HOUR ((usec)3600 * SECOND)
#define SORT_MAX 10000               /* tickets that a page's order may sort */
#define LOOK_MAX 20000               /* tickets looked at one by one for a page or a count */
#define BRANCHES_MAX 24

/* ---- columns ---------------------------------------------------------------------------------------------------- */

static const struct view_col cols[] = {
	{ "nice_id",      "ID",           "number", "t.id" },
	{ "subject",      "Subject",      "text",   NULL },
	{ "description",  "Description",  "text",   NULL },
	{ "status",       "Status",       "list",   "t.status" },
	{ "type",         "Type",         "list",   "t.type" },
	{ "priority",     "Priority",     "list",   "t.priority" },
	{ "requester",    "Requester",    "list",   "t.requester_id" },
	{ "assignee",     "Assignee",     "list",   "coalesce(t.assignee_id, 0)" },
	{ "group",        "Group",        "list",   "coalesce(t.group_id, 0)" },
	{ "organization", "Organization", "list",   "coalesce(t.organization_id, 0)" },
	{ "submitter",    "Submitter",    "list",   "t.submitter_id" },
	{ "created",      "Requested",    "date",   "t.id" },
	{ "updated",      "Updated",      "date",   "t.updated_at" },
	{ "solved",       "Solved",       "date",   "coalesce(t.solved_at, 0)" },
	{ "due_date",     "Due date",     "date",   "coalesce(t.due_at, 0)" },
	{ "assigned",     "Assigned",     "date",   "coalesce(m.assigned_at, 0)" },
	{ "updated_requester", "Requester updated", "date", "coalesce(m.requester_at, 0)" },
	{ "updated_assignee",  "Assignee updated",  "date", "coalesce(m.assignee_at, 0)" },
	{ "sla_next_breach_at", "Next SLA breach", "date", "coalesce(m.breach_at, 9223372036854775807)" },
	{ "brand",        "Brand",        "list",   "coalesce(t.brand_id, 0)" },
	{ "ticket_form",  "Form",         "list",   "coalesce(t.form_id, 0)" },
	{ "via",          "Channel",      "list",   NULL },
	{ "tags",         "Tags",         "tags",   NULL },
	{ "satisfaction_score", "Satisfaction", "list", NULL },
};

static const struct { const char *from, *to; } col_alias[] = {
	{ "id", "nice_id" }, { "ticket_id", "nice_id" }, { "created_at", "created" }, { "requested", "created" },
	{ "updated_at", "updated" }, { "due_at", "due_date" }, { "solved_at", "solved" }, { "assigned_at", "assigned" },
	{ "ticket_form_id", "ticket_form" }, { "brand_id", "brand" }, { "assignee_id", "assignee" }, { "group_id", "group" },
	{ "organization_id", "organization" }, { "requester_id", "requester" }, { "submitter_id", "submitter" },
	{ "requester_updated_at", "updated_requester" }, { "assignee_updated_at", "updated_assignee" },
	{ "requester.name", "requester" }, { "assignee.name", "assignee" },
};

const struct view_col *
view_cols(int *count)
{
	*count = (int)COUNT(cols);
	return cols;
}

const struct view_col *
view_col_of(str name)
{
	for (size_t i = 0; i < COUNT(col_alias); i++)
		if (str_eq(name, str_of(col_alias[i].from)))
			name = str_of(col_alias[i].to);
	for (size_t i = 0; i < COUNT(cols); i++)
		if (str_eq(name, str_of(cols[i].name)))
			return &cols[i];
	return NULL;
}

static str
member(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

void
view_check(struct ctx *cx, const struct compiled *c)
{
	const json_t *list = json_object_get(c->extra, "columns"), *one;
	str by[2] = { member(c->extra, "group_by"), member(c->extra, "sort_by") };
	size_t i;
	int64_t id;

	if (c->r.extra.n == 0)
		return;
	json_array_foreach(list, i, one) {
		str s = json_is_string(one) ? (str){ json_string_value(one), json_string_length(one) } : S("");
		if (!(json_is_string(one) && (view_col_of(s) != NULL || (str_int(s, &id) && id > 0)))
		    && !(json_is_integer(one) && json_integer_value(one) > 0))
			bad(cx, "output", "InvalidValue", "Output: names a column that is not known");
	}
	if (json_array_size(list) > 30)
		bad(cx, "output", "TooManyValues", "Output: at most 30 columns are allowed");
	for (int k = 0; k < 2; k++) {
		const struct view_col *col = by[k].n ? view_col_of(by[k]) : NULL;
		if (by[k].n && (col == NULL || col->sql == NULL))
			bad(cx, "output", "InvalidValue", "Output: cannot be grouped or sorted by that column");
	}
}

/* ---- conditions as clauses ----------------------------------------------------------------------------------------- */

static bool
may_be_null(const struct cond_row *r)
{
	return r->of == OF_ID && (r->type == VAL_GROUP || r->type == VAL_AGENT || r->type == VAL_ORG || r->type == VAL_ID
	    || r->type == VAL_HOURS || r->type == VAL_TIME);
}

static bool
sql_able(const struct cond *c)
{
	if (c->row->sql == NULL || c->nums > 20)
		return false;
	switch (c->op) {
	case OP_IS: case OP_IS_NOT: case OP_INCLUDES: case OP_NOT_INCLUDES: case OP_LESS: case OP_GREATER: case OP_LESS_EQ:
	case OP_GREATER_EQ: case OP_PRESENT: case OP_NOT_PRESENT: case OP_WITHIN_LAST: case OP_WITHIN_NEXT:
		return true;
	default:
		return false;
	}
}

void
view_say(struct query *q, const char *z)
{
	buf_add(&q->sql, str_of(z));
}

/* "col = value" or what stands for it. */
static void
equals(struct query *q, const char *col, int64_t v)
{
	const struct actor *a = q->cx->actor;

	view_say(q, col);
	switch (v) {
	case NUM_ME:        clause(q, " = ?", &INT(a && a->user_id ? a->user_id : -1)); break;
	case NUM_REQUESTER: view_say(q, " = t.requester_id"); break;
	case NUM_ASSIGNEE:  view_say(q, " = t.assignee_id"); break;
	case NUM_MY_GROUPS:
		clause(q, " IN (SELECT gm.group_id FROM group_membership gm WHERE gm.account_id = t.account_id AND gm.user_id = ?)",
		    &INT(a && a->user_id ? a->user_id : -1));
		break;
	default:            clause(q, " = ?", &INT(v)); break;
	}
}

static void
one_of(struct query *q, const struct cond *c)
{
	view_say(q, "(");
	for (int i = 0; i < c->nums; i++) {
		if (i)
			view_say(q, " OR ");
		equals(q, c->row->sql, c->num[i]);
	}
	view_say(q, ")");
}

/* Hours gone by at `now`: with since, col <= now - h; until, col >= now + h. */
static void
hours(struct query *q, const struct cond *c, usec now)
{
	bool until = str_starts(str_of(c->row->name), S("until"));
	usec h = (c->nums ? c->num[0] : 0) * HOUR, lo = 0, hi = INT64_MAX;

	if (!until)
		switch (c->op) {
		case OP_IS:   lo = now - h - HOUR + 1, hi = now - h; break;
		case OP_LESS: lo = now - h + 1; break;
		default:      hi = now - h; break;
		}
	else
		switch (c->op) {
		case OP_IS:   lo = now + h, hi = now + h + HOUR - 1; break;
		case OP_LESS: lo = now, hi = now + h - 1; break;
		default:      lo = now + h; break;
		}
	view_say(q, "(");
	view_say(q, c->row->sql);
	clause(q, " >= ?", &INT(lo > 1 ? lo : 1));
	view_say(q, " AND ");
	view_say(q, c->row->sql);
	clause(q, " <= ?)", &INT(hi));
}

static void
as_clause(struct query *q, const struct cond *c, usec now)
{
	const char *col = c->row->sql;
	bool null = may_be_null(c->row);

	if (c->row->type == VAL_HOURS) {
		hours(q, c, now);
		return;
	}
	switch (c->op) {
	case OP_PRESENT: case OP_NOT_PRESENT:
		view_say(q, col);
		view_say(q, null ? c->op == OP_PRESENT ? " IS NOT NULL" : " IS NULL" : c->op == OP_PRESENT ? " <> 0" : " = 0");
		return;
	case OP_IS: case OP_INCLUDES:
		if (c->nums == 0) {
			view_say(q, col);
			view_say(q, null ? " IS NULL" : " = 0");
		} else
			one_of(q, c);
		return;
	case OP_IS_NOT: case OP_NOT_INCLUDES:
		if (c->nums == 0) {
			view_say(q, col);
			view_say(q, null ? " IS NOT NULL" : " <> 0");
			return;
		}
		view_say(q, "(");
		if (null) {
			view_say(q, col);
			view_say(q, " IS NULL OR ");
		}
		view_say(q, "NOT ");
		one_of(q, c);
		view_say(q, ")");
		return;
	case OP_WITHIN_LAST: case OP_WITHIN_NEXT: {
		usec days = (c->nums ? c->num[0] : 0) * 24 * HOUR;
		view_say(q, "(");
		view_say(q, col);
		clause(q, c->op == OP_WITHIN_LAST ? " > ? AND " : " < ? AND ", &INT(c->op == OP_WITHIN_LAST ? now - days : now + days));
		view_say(q, col);
		clause(q, c->op == OP_WITHIN_LAST ? " <= ?)" : " >= ?)", &INT(now));
		return;
	}
	default:
		view_say(q, col);
		clause(q, c->op == OP_LESS ? " < ?" : c->op == OP_GREATER ? " > ?" : c->op == OP_LESS_EQ ? " <= ?" : " >= ?", &INT(c->num[0]));
	}
}

unsigned
view_statuses(const struct compiled *c)
{
	unsigned mask = 0;

	for (int st = TICKET_NEW; st <= TICKET_CLOSED; st++) {
		struct ticket t = { .status = (enum ticket_status)st };
		struct subject s = { .t = &t };
		bool fits = true;
		for (int i = 0; i < c->alls; i++)
			if (c->all[i].row->type == VAL_STATUS)
				fits = fits && cond_holds(&s, &c->all[i]);
		if (fits)
			mask |= 1u << st;
	}
	return mask;
}

static bool
names_metric(const struct cond *c)
{
	return c->row->of == OF_METRIC;
}

static void
look(struct plan *p, const struct cond *c)
{
	p->timed = p->timed || c->row->type == VAL_HOURS || c->row->type == VAL_SHIFT || names_metric(c) || c->op == OP_WITHIN_LAST
	    || c->op == OP_WITHIN_NEXT;
	p->sealed = p->sealed || c->row->type == VAL_TAGS || c->row->type == VAL_CUSTOM;
	p->words = p->words || c->row->type == VAL_WORDS || c->row->type == VAL_TEXT || c->row->type == VAL_ROLE
	    || c->row->type == VAL_SCORE || c->row->type == VAL_PERSON || c->row->type == VAL_LOCALE;
	for (int i = 0; i < c->nums; i++) {
		p->mine = p->mine || c->num[i] == NUM_ME || c->num[i] == NUM_MY_GROUPS;
		p->groups = p->groups || c->num[i] == NUM_MY_GROUPS;
	}
}

/* FROM ... WHERE ...: all that can be said in SQL. */
void
view_where(struct query *q, struct plan *p, usec now, bool scoped)
{
	const struct compiled *c = p->c;
	struct buf whole = q->sql;

	buf_init(&q->sql, q->cx->arena, 64 * KiB);
	view_say(q, " WHERE t.account_id = $1 AND t.deleted_at IS NULL");
	for (int i = 0; i < c->alls; i++) {
		look(p, &c->all[i]);
		if (&c->all[i] == p->walk || (p->by_status && c->all[i].row->type == VAL_STATUS))
			continue;
		if (!sql_able(&c->all[i]) || q->n + c->all[i].nums > 44) {
			p->rest[p->rests++] = &c->all[i];
			continue;
		}
		p->metric = p->metric || names_metric(&c->all[i]);
		/* The plus makes a term that no index serves. */
		view_say(q, p->by_id && c->all[i].nums == 0 ? " AND +" : " AND ");
		as_clause(q, &c->all[i], now);
	}
	for (int i = 0; i < c->anys; i++) {
		look(p, &c->any[i]);
		p->rest_any = p->rest_any || !sql_able(&c->any[i]) || q->n + c->any[i].nums > 44;
	}
	if (c->anys && !p->rest_any) {
		int n = q->n;
		for (int i = 0; i < c->anys; i++)
			n += c->any[i].nums + 2;
		if (n > 50)
			p->rest_any = true;
	}
	if (c->anys && !p->rest_any) {
		view_say(q, " AND (");
		for (int i = 0; i < c->anys; i++) {
			if (i)
				view_say(q, " OR ");
			p->metric = p->metric || names_metric(&c->any[i]);
			as_clause(q, &c->any[i], now);
		}
		view_say(q, ")");
	}
	if (scoped)
		scope_clause(q, scope_of(q->cx, NULL));
	{
		str cond = buf_str(&q->sql);
		q->sql = whole;
		view_say(q, " FROM ticket t");
		if (p->metric)
			view_say(q, " LEFT JOIN ticket_metric m ON m.account_id = t.account_id AND m.ticket_id = t.id");
		buf_add(&q->sql, cond);
	}
}

/* The conditions that the query left, on a ticket it gave. */
bool
view_rest_holds(const struct plan *p, struct subject *s)
{
	bool any = !p->rest_any || p->c->anys == 0;

	for (int i = 0; i < p->rests; i++)
		if (!cond_holds(s, p->rest[i]))
			return false;
	for (int i = 0; i < p->c->anys && !any; i++)
		any = cond_holds(s, &p->c->any[i]);
	return any;
}

/* ---- statements made once ---------------------------------------------------------------------------------------------- */

#define MADE_MAX 4000
static struct made { uint64_t hash; struct stmt st; struct made *next; } *made[512];
static int made_count;
static pthread_mutex_t made_lock = PTHREAD_MUTEX_INITIALIZER;

/* Of views that are only tried, and when there are very many: one place per thread, written over each time, its text the
 * request's. The store sees by the text that a statement is another, and none of ours runs on when its rows were read. */
static const struct stmt *
spare_stmt(const char *name, const char *out, bool sealed, const char *sql, const char *in)
{
	static _Thread_local struct stmt spare[2];
	struct stmt *st = &spare[sealed];

	*st = (struct stmt){ .name = name, .sql = sql, .in = in, .out = out };
	if (sealed)
		st->seal_out[0] = (struct sealed_col){ "ticket", "doc", 0 };
	return st;
}

enum err
view_intern(struct query *q, const char *name, const char *out, bool sealed, const struct stmt **st)
{
	uint64_t h = 1469598103934665603u;
	struct made *m;

	buf_byte(&q->sql, '\0');
	buf_byte(&q->in, '\0');
	if (q->sql.over || q->in.over)
		return fail(q->cx, E_LIMIT, NULL, "the view has too many conditions");
	for (const char *p = q->sql.p; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	if (q->once) {
		*st = spare_stmt(name, out, sealed, q->sql.p, q->in.p);
		return OK;
	}
	pthread_mutex_lock(&made_lock);
	for (m = made[h % COUNT(made)]; m != NULL && (m->hash != h || strcmp(m->st.sql, q->sql.p) != 0); m = m->next)
		;
	if (m == NULL && made_count < MADE_MAX && (m = calloc(1, sizeof *m)) != NULL) {
		m->hash = h;
		m->st = (struct stmt){ .name = name, .sql = strdup(q->sql.p), .in = strdup(q->in.p), .out = out };
		if (sealed)
			m->st.seal_out[0] = (struct sealed_col){ "ticket", "doc", 0 };
		m->next = made[h % COUNT(made)];
		made[h % COUNT(made)] = m;
		made_count++;
	}
	pthread_mutex_unlock(&made_lock);
	*st = m != NULL ? &m->st : spare_stmt(name, out, sealed, q->sql.p, q->in.p);
	return OK;
}

void
view_begin(struct query *q, struct ctx *cx)
{
	*q = (struct query){ .cx = cx };
	buf_init(&q->sql, cx->arena, 64 * KiB);
	buf_init(&q->in, cx->arena, 128);
	q->arg[q->n++] = INT(cx->account);
	buf_byte(&q->in, 'i');
}

static int
number(struct query *q, int64_t v)
{
	q->arg[q->n++] = INT(v);
	buf_byte(&q->in, 'i');
	return q->n;
}

/* ---- a page ---------------------------------------------------------------------------------------------------------------- */

void
view_order(const struct compiled *c, const struct view_page *p, struct order *o)
{
	str group = p->group_set ? p->group_by : member(c->extra, "group_by"), sort = p->sort_set ? p->sort_by : member(c->extra, "sort_by");

	o->group = group.n ? view_col_of(group) : NULL;
	o->sort = sort.n ? view_col_of(sort) : NULL;
	if (o->group != NULL && o->group->sql == NULL)
		o->group = NULL;
	if (o->sort == NULL || o->sort->sql == NULL)
		o->sort = &cols[0];
	o->group_down = p->group_set ? p->group_descending : !str_eq(member(c->extra, "group_order"), S("asc"));
	o->sort_down = p->sort_set ? p->descending : !str_eq(member(c->extra, "sort_order"), S("asc"));
	o->keyed = o->group == NULL;
	o->walked = (o->group == NULL || strcmp(o->group->name, "status") == 0)
	    && (strcmp(o->sort->sql, "t.id") == 0 || strcmp(o->sort->sql, "t.updated_at") == 0);
}

/* One condition under `all` whose few values can be walked each by its index; values of "current groups" become ids. */
static enum err
walk_values(struct ctx *cx, const struct compiled *c, const struct cond **out, int64_t *value, int *count)
{
	*out = NULL;
	*count = 0;
	for (int i = 0; i < c->alls; i++) {
		const struct cond *k = &c->all[i];
		int n = 0;
		bool fits = (k->op == OP_IS || k->op == OP_INCLUDES) && k->row->of == OF_ID && k->nums > 0
		    && (k->row->type == VAL_GROUP || strcmp(k->row->name, "assignee_id") == 0);
		for (int v = 0; v < k->nums && fits; v++) {
			if (k->num[v] == NUM_MY_GROUPS) {
				const int64_t *ids;
				int m;
				TRY(gate_my_groups(cx, &ids, &m));
				fits = n + m <= 8;
				for (int g = 0; g < m && fits; g++)
					value[n++] = ids[g];
			} else if (k->num[v] == NUM_ME && cx->actor != NULL)
				value[n++] = cx->actor->user_id;
			else if (k->num[v] >= 0)
				value[n++] = k->num[v];
			else
				fits = false;
			fits = fits && n <= 8;
		}
		/* Walks must not meet the same ticket twice. */
		for (int a = 0; a < n && fits; a++)
			for (int b = 0; b < a; b++)
				fits = fits && value[a] != value[b];
		if (fits && n > 0) {
			*out = k;
			*count = n;
			return OK;
		}
	}
	return OK;
}

enum err
view_page_query(struct ctx *cx, struct query *q, struct plan *p, const struct order *o, const struct view_page *at, int limit, int64_t offset,
    usec now)
{
	unsigned mask = view_statuses(p->c);
	const struct cond *walk = NULL;
	int64_t value[32];
	struct buf from;
	int values = 0, branches = 0, stat = 0, n_limit, n_offset, n_value = 0, n_id = 0, n_walk[16];
	bool walked = o->walked, by_number = strcmp(o->sort->sql, "t.id") == 0;
	const char *g = o->group ? o->group->sql : "0", *s = o->sort->sql;

	view_begin(q, cx);
	for (unsigned m = mask; m; m &= m - 1)
		stat++;
	if (walked)
		TRY(walk_values(cx, p->c, &walk, value, &values));
	if (walk != NULL && stat * values > BRANCHES_MAX)
		walk = NULL;
	p->metric = (o->group && strstr(o->group->sql, "m.")) || strstr(o->sort->sql, "m.");
	p->walk = walk;
	p->by_status = walked && mask != 0;
	p->by_id = walked && walk == NULL && by_number;
	view_where(q, p, now, !p->whole);
	from = q->sql;
	buf_init(&q->sql, cx->arena, 64 * KiB);
	for (int i = 0; i < values && walk != NULL; i++)
		n_walk[i] = number(q, value[i]);
	n_limit = number(q, limit);
	n_offset = number(q, offset);
	if (at->after_set && o->keyed) {
		if (!by_number)
			n_value = number(q, at->after_value);
		n_id = number(q, at->after_id);
	}
	buf_fmt(&q->sql, "SELECT " LIST_COLS "%s FROM (SELECT u.id AS id, u.g AS g, u.s AS s FROM (", p->newest ? ", " NEWEST : "");
	if (mask == 0) {
		mask = 1;            /* nothing fits: the clauses say so themselves */
		walked = walked && true;
	}
	for (int st = 0; st <= TICKET_CLOSED; st++) {
		if (walked && !(mask & 1u << st))
			continue;
		for (int v = 0; v < (walk ? values : 1); v++) {
			if (branches++)
				view_say(q, " UNION ALL ");
			if (walked)
				view_say(q, "SELECT * FROM (");
			buf_fmt(&q->sql, "SELECT t.id AS id, %s AS g, %s AS s", g, s);
			buf_add(&q->sql, buf_str(&from));
			if (walked)
				buf_fmt(&q->sql, " AND t.status = %d", st);
			if (walk)
				buf_fmt(&q->sql, " AND %s = $%d", walk->row->sql, n_walk[v]);
			if (n_id && by_number)
				buf_fmt(&q->sql, " AND t.id %c $%d", o->sort_down ? '<' : '>', n_id);
			else if (n_id)
				buf_fmt(&q->sql, " AND (%s, t.id) %c ($%d, $%d)", s, o->sort_down ? '<' : '>', n_value, n_id);
			/* SQLite takes an index for (status, id) only if the order names the id once; with a plus
			 * before it, it takes the one of the walk's own column and sorts. */
			if (walked && by_number)
				buf_fmt(&q->sql, " ORDER BY %st.id %s LIMIT $%d + $%d) w%d", walk ? "+" : "", o->sort_down ? "DESC" : "ASC",
				    n_limit, n_offset, branches);
			else if (walked)
				buf_fmt(&q->sql, " ORDER BY %s %s, t.id %s LIMIT $%d + $%d) w%d", s, o->sort_down ? "DESC" : "ASC",
				    o->sort_down ? "DESC" : "ASC", n_limit, n_offset, branches);
			else
				buf_fmt(&q->sql, " ORDER BY t.id DESC LIMIT %d", SORT_MAX);
		}
		if (!walked)
			break;
	}
	buf_fmt(&q->sql, ") u ORDER BY u.g %s, u.s %s, u.id %s LIMIT $%d OFFSET $%d) p JOIN ticket t ON t.account_id = $1"
	    " AND t.id = p.id ORDER BY p.g %s, p.s %s, p.id %s", o->group_down ? "DESC" : "ASC", o->sort_down ? "DESC" : "ASC",
	    o->sort_down ? "DESC" : "ASC", n_limit, n_offset, o->group_down ? "DESC" : "ASC", o->sort_down ? "DESC" : "ASC",
	    o->sort_down ? "DESC" : "ASC");
	return OK;
}

enum err
view_visible(struct ctx *cx, const struct ticket *t, bool *yes)
{
	struct about a;
	enum err e;

	about_ticket(t, &a);
	if (t->cc_count + t->follower_count) {
		int64_t *all = NEW(cx->arena, int64_t, t->cc_count + t->follower_count);
		for (int i = 0; i < t->cc_count; i++)
			all[a.cc_count++] = t->cc[i];
		for (int i = 0; i < t->follower_count; i++)
			all[a.cc_count++] = t->follower[i];
		a.cc = all;
	}
	e = gate_may(cx, MAY_READ_TICKET, &a);
	*yes = e == OK;
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

enum err
view_compiled(struct ctx *cx, const struct rule *view, const struct compiled **out, uint64_t *version)
{
	const struct book *b;
	struct compiled *c;

	*version = 0;
	if (view->id != 0) {
		const struct compiled *have;
		TRY(book_get(cx, &b));
		have = book_find(b, view->id);
		if (have != NULL && have->r.updated_at == view->updated_at) {
			if (have->broken)
				return fail(cx, E_INVALID, "conditions", "Conditions: this view's conditions are not understood any more; edit it");
			*out = have;
			*version = (uint64_t)view->updated_at;
			return OK;
		}
	}
	c = NEW(cx->arena, struct compiled, 1);
	rule_compile(cx, view, c);
	*out = c;
	return bad_check(cx);
}

static int64_t
place_value(const struct order *o, const struct ticket *t)
{
	const char *s = o->sort->sql;

	if (strcmp(s, "t.updated_at") == 0)
		return t->updated_at;
	if (strcmp(s, "t.status") == 0)
		return t->status;
	if (strcmp(s, "t.type") == 0)
		return t->type;
	if (strcmp(s, "t.priority") == 0)
		return t->priority;
	if (strcmp(s, "t.requester_id") == 0)
		return t->requester_id;
	if (strcmp(s, "t.submitter_id") == 0)
		return t->submitter_id;
	if (strstr(s, "t.assignee_id"))
		return t->assignee_id;
	if (strstr(s, "t.group_id"))
		return t->group_id;
	if (strstr(s, "t.organization_id"))
		return t->organization_id;
	if (strstr(s, "t.solved_at"))
		return t->solved_at;
	if (strstr(s, "t.due_at"))
		return t->due_at;
	return t->id;
}

enum err
view_draft(struct ctx *cx, const struct rule *in, struct rule *out)
{
	struct compiled c;

	*out = *in;
	out->kind = RULE_VIEW;
	out->id = 0;
	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	rule_compile(cx, out, &c);
	rule_fields_check(cx, &c);
	view_check(cx, &c);
	return bad_check(cx);
}

enum err
rule_candidates(struct ctx *cx, const struct compiled *c, bool closed, int64_t after, usec now, int limit, int64_t **ids,
    int *count)
{
	struct plan p = { .c = c };
	const struct stmt *st;
	struct query q;
	struct rows rs;

	view_begin(&q, cx);
	view_say(&q, "SELECT t.id");
	view_where(&q, &p, now, false);
	/* No condition at all, but it lets all be read out of the index ticket_search (0031-search.sql), in a tenth of the time. */
	view_say(&q, " AND t.status >= 0");
	clause(&q, closed ? " AND t.status = 5 AND t.id > ?" : " AND t.status < 5 AND t.id > ?", &INT(after));
	clause(&q, " ORDER BY t.id LIMIT ?", &INT(limit));
	TRY(view_intern(&q, "view.candidates", "i", false, &st));
	TRY(store_all(cx, st, q.arg, q.n, &rs));
	*ids = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*ids)[i] = row_int(&rs.row[i], 0);
	*count = rs.count;
	return OK;
}

/* The rows of a page. Where more may be walked than fits, only some may do it at once on a large desk. */
static enum err
page_rows(struct ctx *cx, const struct plan *p, const struct order *o, const struct stmt *st, const struct query *q, struct rows *rs)
{
	struct counters *k = cx->sys->rules ? cx->sys->rules->counters : NULL;
	bool slow = !o->walked || p->c->anys > 0;
	enum err e;

	for (int i = 0; i < p->c->alls; i++)
		slow = slow || (p->c->all[i].row->type != VAL_STATUS && &p->c->all[i] != p->walk);
	slow = slow && k != NULL && view_is_large(k);
	if (slow)
		slow_begin(cx, k);
	e = store_all(cx, st, q->arg, q->n, rs);
	if (slow)
		slow_end(k);
	return e;
}

enum err
view_tickets(struct ctx *cx, const struct rule *view, const struct view_page *page, struct ticket **out, int *count,
    struct view_place *place)
{
	const struct compiled *c;
	struct order o;
	struct view_page at = *page;
	struct ticket *list, last = { 0 };
	uint64_t version;
	int want = page->limit, got = 0, looked = 0, limit;
	int64_t skip = page->offset, offset = page->offset;
	bool more = true, rest = false;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(view_compiled(cx, view, &c, &version));
	if (rule_hidden(cx, c)) {
		*out = NEW(cx->arena, struct ticket, 1);
		*count = 0;
		*place = (struct view_place){ .more = false };
		return OK;
	}
	view_order(c, page, &o);
	o.keyed = o.keyed && strstr(o.sort->sql, "m.") == NULL && strstr(o.sort->sql, "brand") == NULL && strstr(o.sort->sql, "form") == NULL;
	if (page->backward && page->after_set && o.keyed)
		o.sort_down = !o.sort_down;
	list = NEW(cx->arena, struct ticket, want + 1);
	if (!page->backward) {
		TRY(view_top_page(cx, view, c, version, &o, &at, list, &got, place));
		if (got >= 0) {
			*out = list;
			*count = got;
			return OK;
		}
		got = 0;
	}
	/* With conditions left over, chunks are looked through until the page is full. */
	for (limit = want + 1; got <= want && more && looked < LOOK_MAX; limit = 200) {
		struct plan p = { .c = c };
		const struct stmt *st;
		struct query q;
		struct rows rs;
		TRY(view_page_query(cx, &q, &p, &o, &at, limit, rest ? offset : p.rests || p.rest_any ? 0 : offset, cx->now));
		if (!rest && (p.rests || p.rest_any)) {
			/* Now that it is known: from the beginning, skipping what fits. */
			rest = true;
			offset = 0;
			limit = 200;
			TRY(view_page_query(cx, &q, &(struct plan){ .c = c }, &o, &at, limit, 0, cx->now));
		}
		q.once = version == 0;
		TRY(view_intern(&q, "view.page", LIST_OUT, true, &st));
		TRY(page_rows(cx, &p, &o, st, &q, &rs));
		more = rs.count == limit;
		looked += rs.count;
		for (int i = 0; i < rs.count && got <= want; i++) {
			struct ticket *t = &list[got];
			bool yes;
			ticket_from_row(cx, &rs.row[i], t);
			TRY(view_visible(cx, t, &yes));
			if (yes && rest) {
				struct subject s = { .cx = cx, .t = t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
				yes = view_rest_holds(&p, &s);
				TRY(s.e);
				if (yes && skip > 0) {
					skip--;
					yes = false;
				}
			}
			if (got < want)
				last = *t;
			got += yes;
		}
		if (!rest)
			break;
		if (o.keyed && rs.count) {
			struct ticket end;
			ticket_from_row(cx, &rs.row[rs.count - 1], &end);
			at.after_set = true;
			at.after_value = place_value(&o, &end);
			at.after_id = end.id;
		} else
			offset += rs.count;
	}
	if (place != NULL) {
		*place = (struct view_place){ .keyed = o.keyed, .more = got > want || (rest && more && looked >= LOOK_MAX) };
		if (got > 0) {
			struct ticket *end = got > want ? &list[want - 1] : place->more ? &last : &list[got - 1];
			place->value = place_value(&o, end);
			place->id = end->id;
			place->first_value = place_value(&o, &list[0]);
			place->first_id = list[0].id;
		}
	}
	got = got > want ? want : got;
	if (page->backward && page->after_set && o.keyed) {
		for (int i = 0; i < got / 2; i++) {
			last = list[i];
			list[i] = list[got - 1 - i];
			list[got - 1 - i] = last;
		}
		if (place != NULL)
			*place = (struct view_place){ .keyed = true, .more = place->more, .value = place->first_value, .id = place->first_id,
			    .first_value = place->value, .first_id = place->id };
	}
	*out = list;
	*count = got;
	return OK;
}
