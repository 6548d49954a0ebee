/* view.c - views: their queries, their pages, their counters.
 *
 * A view's conditions become whole clauses of the table in rule.c; what has no
 * column (tags, words, custom fields: they are sealed) is looked at ticket by
 * ticket behind the query. What the actor may see is part of the query.
 *
 * Pages. Ordered by change or by number, within groups of status or none, a
 * page is a merge of one walk per status (and per group or agent asked for)
 * along an index: (status, updated_at, id), (assignee, status, updated_at, id),
 * (group, status, updated_at, id). Its cost is the page's length, whatever the
 * table's. Other orders sort the newest SORT_MAX tickets that fit.
 *
 * Counters. A view is counted once per actor's sight of it and then kept:
 * each write leaves the ticket before and after in a ring, and whoever asks
 * for a count applies what came since he last asked. A count and the newest
 * generated_at are read by one statement, so from one snapshot; changes in the
 * ring carry theirs, so none is missed or taken twice. Where that cannot be
 * known (the ring has gone round, a mass change, memberships changed), the view
 * is counted anew. So are views with hours or words, after a change or when
 * their number is older than STALE_FOR.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "desk/clause.h"
#include "desk/rule.h"

#define HOUR ((usec)3600 * SECOND)
#define SORT_MAX 10000               /* tickets that a page's order may sort */
#define LOOK_MAX 20000               /* tickets looked at one by one for a page or a count */
#define STALE_FOR (10 * SECOND)
#define BRANCHES_MAX 24
#define NEWEST "(SELECT g.generated_at FROM ticket g WHERE g.account_id = $1 ORDER BY g.generated_at DESC LIMIT 1)"

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

static void
text(struct query *q, const char *z)
{
	buf_add(&q->sql, str_of(z));
}

/* "col = value" or what stands for it. */
static void
equals(struct query *q, const char *col, int64_t v)
{
	const struct actor *a = q->cx->actor;

	text(q, col);
	switch (v) {
	case NUM_ME:        clause(q, " = ?", &INT(a && a->user_id ? a->user_id : -1)); break;
	case NUM_REQUESTER: text(q, " = t.requester_id"); break;
	case NUM_ASSIGNEE:  text(q, " = t.assignee_id"); break;
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
	text(q, "(");
	for (int i = 0; i < c->nums; i++) {
		if (i)
			text(q, " OR ");
		equals(q, c->row->sql, c->num[i]);
	}
	text(q, ")");
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
	text(q, "(");
	text(q, c->row->sql);
	clause(q, " >= ?", &INT(lo > 1 ? lo : 1));
	text(q, " AND ");
	text(q, c->row->sql);
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
		text(q, col);
		text(q, null ? c->op == OP_PRESENT ? " IS NOT NULL" : " IS NULL" : c->op == OP_PRESENT ? " <> 0" : " = 0");
		return;
	case OP_IS: case OP_INCLUDES:
		if (c->nums == 0) {
			text(q, col);
			text(q, null ? " IS NULL" : " = 0");
		} else
			one_of(q, c);
		return;
	case OP_IS_NOT: case OP_NOT_INCLUDES:
		if (c->nums == 0) {
			text(q, col);
			text(q, null ? " IS NOT NULL" : " <> 0");
			return;
		}
		text(q, "(");
		if (null) {
			text(q, col);
			text(q, " IS NULL OR ");
		}
		text(q, "NOT ");
		one_of(q, c);
		text(q, ")");
		return;
	case OP_WITHIN_LAST: case OP_WITHIN_NEXT: {
		usec days = (c->nums ? c->num[0] : 0) * 24 * HOUR;
		text(q, "(");
		text(q, col);
		clause(q, c->op == OP_WITHIN_LAST ? " > ? AND " : " < ? AND ", &INT(c->op == OP_WITHIN_LAST ? now - days : now + days));
		text(q, col);
		clause(q, c->op == OP_WITHIN_LAST ? " <= ?)" : " >= ?)", &INT(now));
		return;
	}
	default:
		text(q, col);
		clause(q, c->op == OP_LESS ? " < ?" : c->op == OP_GREATER ? " > ?" : c->op == OP_LESS_EQ ? " <= ?" : " >= ?", &INT(c->num[0]));
	}
}

/* The statuses that the conditions under `all` leave, a bit each. */
static unsigned
statuses_of(const struct compiled *c)
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

/* What a query needs to know of a view. */
struct plan {
	const struct compiled *c;
	const struct cond     *rest[128];      /* looked at ticket by ticket */
	int        rests;
	bool       rest_any;                   /* the whole of `any` is */
	bool       metric;                     /* a clause names m */
	bool       timed, sealed, words, mine, groups;
	const struct cond *walk;               /* the condition whose values are walked one by one */
	bool       by_status;                  /* each walk names its status, so conditions on it are spent */
	bool       by_id;                      /* the order is (status, id): no other index may look better */
	bool       newest;                     /* the newest change of all is a column behind the others */
};

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
	    || c->row->type == VAL_SCORE;
	for (int i = 0; i < c->nums; i++) {
		p->mine = p->mine || c->num[i] == NUM_ME || c->num[i] == NUM_MY_GROUPS;
		p->groups = p->groups || c->num[i] == NUM_MY_GROUPS;
	}
}

/* FROM ... WHERE ...: all that can be said in SQL. */
static void
where(struct query *q, struct plan *p, usec now, bool scoped)
{
	const struct compiled *c = p->c;
	struct buf whole = q->sql;

	buf_init(&q->sql, q->cx->arena, 64 * KiB);
	text(q, " WHERE t.account_id = $1 AND t.deleted_at IS NULL");
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
		text(q, p->by_id && c->all[i].nums == 0 ? " AND +" : " AND ");
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
		text(q, " AND (");
		for (int i = 0; i < c->anys; i++) {
			if (i)
				text(q, " OR ");
			p->metric = p->metric || names_metric(&c->any[i]);
			as_clause(q, &c->any[i], now);
		}
		text(q, ")");
	}
	if (scoped)
		scope_clause(q, scope_of(q->cx, NULL));
	{
		str cond = buf_str(&q->sql);
		q->sql = whole;
		text(q, " FROM ticket t");
		if (p->metric)
			text(q, " LEFT JOIN ticket_metric m ON m.account_id = t.account_id AND m.ticket_id = t.id");
		buf_add(&q->sql, cond);
	}
}

/* The conditions that the query left, on a ticket it gave. */
static bool
rest_holds(const struct plan *p, struct subject *s)
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

static enum err
intern(struct query *q, const char *name, const char *out, bool sealed, const struct stmt **st)
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

static void
begin(struct query *q, struct ctx *cx)
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

struct order {
	const struct view_col *group, *sort;
	bool   group_down, sort_down;
	bool   walked;               /* an index gives it */
	bool   keyed;                /* a page can go on from (sort, id) */
};

static void
order_of(const struct compiled *c, const struct view_page *p, struct order *o)
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

static enum err
page_query(struct ctx *cx, struct query *q, struct plan *p, const struct order *o, const struct view_page *at, int limit, int64_t offset,
    usec now)
{
	unsigned mask = statuses_of(p->c);
	const struct cond *walk = NULL;
	int64_t value[32];
	struct buf from;
	int values = 0, branches = 0, stat = 0, n_limit, n_offset, n_value = 0, n_id = 0, n_walk[16];
	bool walked = o->walked, by_number = strcmp(o->sort->sql, "t.id") == 0;
	const char *g = o->group ? o->group->sql : "0", *s = o->sort->sql;

	begin(q, cx);
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
	where(q, p, now, true);
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
				text(q, " UNION ALL ");
			if (walked)
				text(q, "SELECT * FROM (");
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

static enum err
visible(struct ctx *cx, const struct ticket *t, bool *yes)
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

static enum err
compiled_of(struct ctx *cx, const struct rule *view, const struct compiled **out, uint64_t *version)
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
rule_candidates(struct ctx *cx, const struct compiled *c, int64_t after, usec now, int limit, int64_t **ids, int *count)
{
	struct plan p = { .c = c };
	const struct stmt *st;
	struct query q;
	struct rows rs;

	begin(&q, cx);
	text(&q, "SELECT t.id");
	where(&q, &p, now, false);
	clause(&q, " AND t.status < 5 AND t.id > ?", &INT(after));
	clause(&q, " ORDER BY t.id LIMIT ?", &INT(limit));
	TRY(intern(&q, "view.candidates", "i", false, &st));
	TRY(store_all(cx, st, q.arg, q.n, &rs));
	*ids = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*ids)[i] = row_int(&rs.row[i], 0);
	*count = rs.count;
	return OK;
}

/* ---- counters: the ring of changes ------------------------------------------------------------------------------------------- */

/* What counting needs of a ticket; texts only as keyed hashes. */
struct snap {
	int64_t  requester_id, submitter_id, assignee_id, group_id, organization_id, problem_id, brand_id, form_id, custom_status_id;
	usec     created_at, updated_at, due_at, solved_at;
	int      status, priority, type;
	bool     is_public, gone;          /* gone: deleted, or not there yet */
	char     channel[24];
	int      people, ccs, tags, customs;
	int64_t *person;                   /* CCs, then followers */
	uint64_t *tag;
	struct field_hash *custom;
};
struct change {
	atomic_int users;
	int64_t    id;
	usec       generated;
	bool       sealed;                 /* tags and custom are known */
	struct snap before, after;
};

#define RING 8192
#define BEHIND_MAX 4096
struct kept {
	int64_t  rule_id, user_id, n;
	uint64_t version, gate, epoch;
	usec     generated, counted_at, cost;
	uint64_t seq;                      /* changes below it are applied */
	bool     used;
};
#define KEPT 2048

/* The first tickets of a view in one order: all that fit and come not after `floor`; all that fit, when complete. */
struct key { int64_t g, s, id; };
#define TOP 120
#define TOPS 512
struct top {
	int64_t  rule_id, user_id;
	uint64_t version, gate, epoch, seq;
	usec     generated;
	unsigned order;                    /* enum below */
	bool     complete;
	int      n;
	struct key floor, key[TOP];
};
enum { O_GROUPED = 1, O_GROUP_DOWN = 2, O_BY_NUMBER = 4, O_DOWN = 8 };

struct counters {
	pthread_mutex_t ring_lock, lock;   /* lock: the table of numbers */
	struct change *ring[RING];
	uint64_t       head, epoch;
	usec           lost;               /* the newest generated_at that fell off or was never noted */
	struct kept    kept[KEPT];
	struct top    *top[TOPS];          /* NULL: not used yet */
	atomic_bool    live, sealed;       /* somebody counts; somebody counts by tags */
};

struct counters *
counters_new(void)
{
	struct counters *c = calloc(1, sizeof *c);

	if (c != NULL) {
		pthread_mutex_init(&c->ring_lock, NULL);
		pthread_mutex_init(&c->lock, NULL);
	}
	return c;
}

static void
snap_free(struct snap *s)
{
	free(s->person);
	free(s->tag);
	free(s->custom);
}

static void
change_unref(struct change *c)
{
	if (c != NULL && atomic_fetch_sub(&c->users, 1) == 1) {
		snap_free(&c->before);
		snap_free(&c->after);
		free(c);
	}
}

void
counters_free(struct counters **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < RING; i++)
		change_unref((*c)->ring[i]);
	for (size_t i = 0; i < TOPS; i++)
		free((*c)->top[i]);
	pthread_mutex_destroy(&(*c)->ring_lock);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

static bool
copy_of(void *out, const void *from, size_t n)
{
	void *p = malloc(n ? n : 1);

	if (p == NULL)
		return false;
	if (n)
		memcpy(p, from, n);
	*(void **)out = p;
	return true;
}

static bool
snap_take(struct ctx *cx, struct snap *s, const struct ticket *t, bool sealed)
{
	struct subject sub = { .cx = cx, .t = t };
	int64_t *all;

	if (t == NULL || t->deleted_at != 0) {
		*s = (struct snap){ .gone = true };
		return true;
	}
	*s = (struct snap){ .requester_id = t->requester_id, .submitter_id = t->submitter_id, .assignee_id = t->assignee_id,
	    .group_id = t->group_id, .organization_id = t->organization_id, .problem_id = t->problem_id, .brand_id = t->brand_id,
	    .form_id = t->form_id, .custom_status_id = t->custom_status_id, .created_at = t->created_at, .updated_at = t->updated_at, .due_at = t->due_at,
	    .solved_at = t->solved_at, .status = t->status, .priority = t->priority, .type = t->type, .is_public = t->is_public,
	    .people = t->cc_count + t->follower_count, .ccs = t->cc_count };
	memcpy(s->channel, t->channel.p ? t->channel.p : "", t->channel.n < sizeof s->channel - 1 ? t->channel.n : sizeof s->channel - 1);
	if (s->people) {
		all = NEW(cx->arena, int64_t, s->people);
		for (int i = 0; i < t->cc_count; i++)
			all[i] = t->cc[i];
		for (int i = 0; i < t->follower_count; i++)
			all[t->cc_count + i] = t->follower[i];
		if (!copy_of(&s->person, all, sizeof *all * (size_t)s->people))
			return false;
	}
	if (sealed) {
		subject_hashes(&sub);
		s->tags = sub.tags;
		s->customs = sub.customs;
		if (!copy_of(&s->tag, sub.tag, sizeof *sub.tag * (size_t)sub.tags)
		    || !copy_of(&s->custom, sub.custom, sizeof *sub.custom * (size_t)sub.customs))
			return false;
	}
	return true;
}

static void
change_drop(struct sys *sys, void *arg)
{
	(void)sys;
	change_unref(arg);
}

/* On the writer, in commit order: so the ring is in the order of generated_at. */
static void
change_done(struct sys *sys, void *arg)
{
	struct counters *c = sys->rules->counters;
	struct change *n = arg, *old;

	pthread_mutex_lock(&c->ring_lock);
	old = c->ring[c->head % RING];
	c->ring[c->head % RING] = n;
	c->head++;
	if (old != NULL && old->generated > c->lost)
		c->lost = old->generated;
	pthread_mutex_unlock(&c->ring_lock);
	change_unref(old);
}

static void
lost_from(struct counters *c, usec generated)
{
	pthread_mutex_lock(&c->ring_lock);
	if (generated > c->lost)
		c->lost = generated;
	pthread_mutex_unlock(&c->ring_lock);
}

void
view_note(struct ctx *cx, const struct ticket *old, const struct ticket *now)
{
	struct counters *c = cx->sys->rules ? cx->sys->rules->counters : NULL;
	struct change *n;

	if (c == NULL)
		return;
	if (!atomic_load_explicit(&c->live, memory_order_acquire)) {
		lost_from(c, now->generated_at);
		return;
	}
	if ((n = calloc(1, sizeof *n)) == NULL) {
		lost_from(c, now->generated_at);
		return;
	}
	atomic_init(&n->users, 1);
	n->id = now->id;
	n->generated = now->generated_at;
	n->sealed = atomic_load_explicit(&c->sealed, memory_order_acquire);
	if (!snap_take(cx, &n->before, old, n->sealed) || !snap_take(cx, &n->after, now, n->sealed)) {
		change_unref(n);
		lost_from(c, now->generated_at);
		return;
	}
	store_after(cx, change_done, n);
	store_undo(cx, change_drop, n);
}

static void
forget(struct sys *sys, void *arg)
{
	struct counters *c = sys->rules->counters;

	(void)arg;
	pthread_mutex_lock(&c->ring_lock);
	c->epoch++;
	pthread_mutex_unlock(&c->ring_lock);
}

void
view_forget(struct ctx *cx)
{
	if (cx->sys->rules != NULL)
		store_after(cx, forget, NULL);
}

static enum err
snap_counts(struct ctx *cx, const struct plan *p, int64_t id, const struct snap *s, bool *yes)
{
	struct ticket t = { .id = id, .requester_id = s->requester_id, .submitter_id = s->submitter_id, .assignee_id = s->assignee_id,
	    .group_id = s->group_id, .organization_id = s->organization_id, .problem_id = s->problem_id, .brand_id = s->brand_id,
	    .form_id = s->form_id, .custom_status_id = s->custom_status_id, .created_at = s->created_at, .updated_at = s->updated_at, .due_at = s->due_at,
	    .solved_at = s->solved_at, .status = (enum ticket_status)s->status, .priority = (enum ticket_priority)s->priority,
	    .type = (enum ticket_type)s->type, .is_public = s->is_public, .channel = str_of(s->channel), .cc = s->person,
	    .cc_count = s->ccs, .follower = s->person ? s->person + s->ccs : NULL, .follower_count = s->people - s->ccs };
	struct subject sub = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now,
	    .tag = s->tag, .tags = s->tags, .have_tag = true, .custom = s->custom, .customs = s->customs, .have_custom = true };

	*yes = false;
	if (s->gone || !rule_holds(&sub, p->c))
		return sub.e;
	TRY(sub.e);
	return visible(cx, &t, yes);
}

/* A count looked up one by one. */
struct looking { const struct plan *p; struct arena *scratch; int64_t looked, n; usec generated; };

static enum err
look_at(struct ctx *cx, const struct row *r, void *arg)
{
	struct looking *l = arg;
	struct arena *own = cx->arena;
	struct ticket t;
	struct subject s = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
	bool yes = false;
	enum err e = OK;

	l->looked++;
	l->generated = row_int(r, r->n - 1);
	cx->arena = l->scratch;
	ticket_from_row(cx, r, &t);
	if (rest_holds(l->p, &s))
		e = visible(cx, &t, &yes);
	l->n += yes;
	cx->arena = own;
	arena_reset(l->scratch);
	return s.e != OK ? s.e : e;
}

static const struct stmt newest = {
	.name = "view.newest",
	.sql  = "SELECT COALESCE(" NEWEST ", 0)",
	.in   = "i", .out = "i",
};

static const struct stmt by_ids = {
	.name = "view.by_ids",
	.sql  = "SELECT " LIST_COLS " FROM ticket t WHERE t.account_id = $1 AND t.id IN (SELECT value FROM json_each($2)) AND t.deleted_at IS NULL",
	.in   = "it", .out = LIST_OUT, .seal_out = { { "ticket", "doc", 0 } },
};

const struct stmt *const view_stmts[] = { &newest, &by_ids, NULL };

/* Counts anew; *generated: everything up to it is in the number. It is read by the statement that counts, so from the
 * same snapshot; where there was no ticket to look at, before it, and nothing changed until after it. */
static enum err
count_anew(struct ctx *cx, const struct compiled *c, bool once, struct plan *p, int64_t *n, usec *generated)
{
	struct looking l = { .p = p };
	const struct stmt *st;
	struct query q, head;
	struct row r;
	enum err e = OK;

	begin(&q, cx);
	*p = (struct plan){ .c = c };
	where(&q, p, cx->now, true);
	head = q;
	head.once = once;
	buf_init(&head.sql, cx->arena, 64 * KiB);
	if (p->rests == 0 && !p->rest_any) {
		text(&head, "SELECT count(*), " NEWEST);
		buf_add(&head.sql, buf_str(&q.sql));
		TRY(intern(&head, "view.count", "ii?", false, &st));
		TRY(store_one(cx, st, head.arg, head.n, &r));
		*n = row_int(&r, 0);
		*generated = row_int(&r, 1);
		return OK;
	}
	text(&head, "SELECT " LIST_COLS ", " NEWEST);
	buf_add(&head.sql, buf_str(&q.sql));
	TRY(intern(&head, "view.look", LIST_OUT "i?", true, &st));
	l.scratch = arena_new();
	for (int tries = 0; tries < 20; tries++) {
		usec before;
		if ((e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK)
			break;
		l.generated = before = row_int(&r, 0);
		if ((e = store_each(cx, st, head.arg, head.n, look_at, &l)) != OK || l.looked > 0
		    || (e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK || row_int(&r, 0) == before)
			break;
	}
	arena_free(&l.scratch);
	*n = l.n;
	*generated = l.generated;
	return e;
}

/* What the ring has since then. False: that cannot be known, all is to be read anew. */
struct since { uint64_t head, epoch; struct change **todo; int todos; };

static bool
changes_since(struct ctx *cx, struct counters *k, bool keep, uint64_t seq, usec generated, uint64_t epoch, bool sealed, struct since *s)
{
	uint64_t room = 0;

	*s = (struct since){ .todos = 0 };
	for (;;) {
		if (keep && room)
			s->todo = NEW(cx->arena, struct change *, room);
		pthread_mutex_lock(&k->ring_lock);
		s->head = k->head;
		s->epoch = k->epoch;
		keep = keep && epoch == k->epoch && generated >= k->lost && k->head - seq <= BEHIND_MAX;
		if (!keep || k->head - seq <= room)
			break;
		room = k->head - seq + 16;
		pthread_mutex_unlock(&k->ring_lock);
	}
	for (uint64_t i = seq; keep && i < s->head; i++) {
		struct change *ch = k->ring[i % RING];
		if (ch->generated <= generated)
			continue;
		if (sealed && !ch->sealed) {
			keep = false;
			break;
		}
		atomic_fetch_add(&ch->users, 1);
		s->todo[s->todos++] = ch;
	}
	pthread_mutex_unlock(&k->ring_lock);
	return keep;
}

static void
since_done(struct since *s)
{
	for (int i = 0; i < s->todos; i++)
		change_unref(s->todo[i]);
	s->todos = 0;
}

/* Whose sight a view is kept for, and what it was kept under. */
static void
sight_of(struct ctx *cx, struct counters *k, const struct plan *p, int64_t *user, uint64_t *gate)
{
	bool own = scope_of(cx, NULL) != SCOPE_ALL;

	atomic_store_explicit(&k->live, true, memory_order_release);
	if (p->sealed)
		atomic_store_explicit(&k->sealed, true, memory_order_release);
	*user = p->mine || own ? cx->actor->user_id : 0;
	*gate = p->groups || own ? gate_generation(cx) : 0;
}

static uint64_t
place_in_table(int64_t view, int64_t user)
{
	uint64_t h = ((uint64_t)view * 0x9E3779B97F4A7C15u) ^ ((uint64_t)user * 0xC2B2AE3D27D4EB4Fu);

	return h ^ h >> 29;
}

enum err
view_count(struct ctx *cx, const struct rule *view, int64_t *count, bool *fresh)
{
	struct counters *k = cx->sys->rules ? cx->sys->rules->counters : NULL;
	const struct compiled *c;
	struct kept *slot = NULL, was = { 0 };
	struct since since;
	struct plan p;
	struct query q;
	uint64_t version, gate, h;
	int64_t user, n;
	usec generated, now = time_now();
	bool keep, anew = true;
	enum err e = OK;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(compiled_of(cx, view, &c, &version));
	if (k == NULL || version == 0) {
		*fresh = true;
		return count_anew(cx, c, true, &p, count, &generated);
	}
	begin(&q, cx);
	p = (struct plan){ .c = c };
	where(&q, &p, cx->now, true);
	sight_of(cx, k, &p, &user, &gate);
	h = place_in_table(view->id, user);

	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < 8; i++) {
		struct kept *s = &k->kept[(h + i) % KEPT];
		if (s->used && s->rule_id == view->id && s->user_id == user) {
			slot = s;
			was = *s;
			break;
		}
	}
	pthread_mutex_unlock(&k->lock);

	keep = slot != NULL && was.version == version && was.gate == gate;
	if (keep && (p.timed || p.words))
		keep = now - was.counted_at < STALE_FOR && now >= was.counted_at;
	keep = changes_since(cx, k, keep, was.seq, was.generated, was.epoch, p.sealed, &since);

	/* Hours and words cannot be kept up: after a change such a view is counted anew, but not more often than that
	 * its counting stays a twentieth of the time; meanwhile its number is not fresh. */
	if (keep && (p.timed || p.words) && since.todos > 0) {
		since_done(&since);
		keep = now - was.counted_at < 20 * was.cost;
		if (keep) {
			*count = was.n;
			*fresh = false;
			return OK;
		}
	}
	if (keep) {
		anew = false;
		n = was.n;
		generated = was.generated;
		for (int i = 0; i < since.todos && e == OK; i++) {
			const struct change *ch = since.todo[i];
			bool before, after = false;
			e = snap_counts(cx, &p, ch->id, &ch->before, &before);
			if (e == OK)
				e = snap_counts(cx, &p, ch->id, &ch->after, &after);
			n += after - before;
			generated = ch->generated > generated ? ch->generated : generated;
		}
	}
	since_done(&since);
	TRY(e);
	if (anew) {
		usec began = time_mono();
		TRY(count_anew(cx, c, false, &p, &n, &generated));
		was.counted_at = now;
		was.cost = time_mono() - began;
	}
	*fresh = true;
	*count = n;
	pthread_mutex_lock(&k->lock);
	if (slot == NULL || !slot->used || slot->rule_id != view->id || slot->user_id != user) {
		slot = NULL;
		for (unsigned i = 0; i < 8; i++) {
			struct kept *s = &k->kept[(h + i) % KEPT];
			if (!s->used || (s->rule_id == view->id && s->user_id == user)) {
				slot = s;
				break;
			}
		}
		if (slot == NULL)
			slot = &k->kept[(h + (rand_u64() & 7)) % KEPT];
	}
	/* Of two who counted at once the one who knows more stays. */
	if (!slot->used || slot->rule_id != view->id || slot->user_id != user || slot->version != version || slot->epoch != since.epoch
	    || slot->gate != gate || slot->generated <= generated)
		*slot = (struct kept){ .rule_id = view->id, .user_id = user, .n = n, .version = version, .gate = gate, .epoch = since.epoch,
		    .generated = generated, .counted_at = was.counted_at, .cost = was.cost, .seq = since.head, .used = true };
	pthread_mutex_unlock(&k->lock);
	return OK;
}

/* ---- pages that are kept --------------------------------------------------------------------------------------------------- */

static int
key_cmp(unsigned order, const struct key *a, const struct key *b)
{
	int way = order & O_DOWN ? -1 : 1;

	if (a->g != b->g)
		return (a->g < b->g ? -1 : 1) * (order & O_GROUP_DOWN ? -1 : 1);
	if (a->s != b->s)
		return a->s < b->s ? -way : way;
	return a->id == b->id ? 0 : a->id < b->id ? -way : way;
}

static struct key
key_of(unsigned order, int64_t id, int status, usec updated_at)
{
	return (struct key){ order & O_GROUPED ? status : 0, order & O_BY_NUMBER ? id : updated_at, id };
}

/* A ticket changed: it is no longer where it was; `fits`: it belongs at `k`. */
static void
top_change(struct top *t, int64_t id, bool fits, struct key k)
{
	int at;

	for (at = 0; at < t->n && t->key[at].id != id; at++)
		;
	if (at < t->n)
		memmove(&t->key[at], &t->key[at + 1], sizeof *t->key * (size_t)(--t->n - at));
	if (!fits || (!t->complete && key_cmp(t->order, &k, &t->floor) > 0))
		return;
	for (at = t->n; at > 0 && key_cmp(t->order, &k, &t->key[at - 1]) < 0; at--)
		;
	if (t->n == TOP) {
		t->n--;
		t->complete = false;
		if (at == TOP) {                           /* behind all that are kept */
			t->floor = t->key[t->n++];
			return;
		}
	}
	memmove(&t->key[at + 1], &t->key[at], sizeof *t->key * (size_t)(t->n - at));
	t->key[at] = k;
	t->n++;
	if (!t->complete && t->n == TOP)
		t->floor = t->key[TOP - 1];
}

/* Fills a top from the query of a page without end. */
struct filling { const struct plan *p; struct top *t; struct arena *scratch; bool full, any; };

static enum err
top_row(struct ctx *cx, const struct row *r, void *arg)
{
	struct filling *f = arg;
	struct arena *own = cx->arena;
	struct ticket t;
	struct subject s = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
	bool yes = false;
	enum err e = OK;

	f->any = true;
	f->t->generated = row_int(r, r->n - 1);
	if (f->t->n == TOP) {
		f->full = true;
		return E_ABSENT;                           /* enough */
	}
	cx->arena = f->scratch;
	ticket_from_row(cx, r, &t);
	if (rest_holds(f->p, &s))
		e = visible(cx, &t, &yes);
	if (yes)
		f->t->key[f->t->n++] = key_of(f->t->order, t.id, (int)t.status, t.updated_at);
	cx->arena = own;
	arena_reset(f->scratch);
	return s.e != OK ? s.e : e;
}

static enum err
top_fill(struct ctx *cx, const struct compiled *c, const struct order *o, struct top *t)
{
	struct plan p = { .c = c, .newest = true };
	struct filling f = { .p = &p, .t = t };
	const struct view_page none = { .limit = TOP };
	const struct stmt *st;
	struct query q;
	struct row r;
	usec before = 0;
	enum err e = OK;

	TRY(page_query(cx, &q, &p, o, &none, TOP + 1, 0, cx->now));
	if (p.rests || p.rest_any) {
		p = (struct plan){ .c = c, .newest = true };
		TRY(page_query(cx, &q, &p, o, &none, INT32_MAX, 0, cx->now));
	}
	TRY(intern(&q, "view.top", LIST_OUT "i?", true, &st));
	f.scratch = arena_new();
	for (int tries = 0; tries < 20; tries++) {
		/* Of no row nobody learns up to when there was none. */
		if ((e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK)
			break;
		t->generated = before = row_int(&r, 0);
		t->n = 0;
		e = store_each(cx, st, q.arg, q.n, top_row, &f);
		if (e == E_ABSENT && f.full)
			e = OK;
		if (e != OK || f.any || (e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK || row_int(&r, 0) == before)
			break;
	}
	arena_free(&f.scratch);
	t->complete = !f.full;
	if (t->n > 0)
		t->floor = t->key[t->n - 1];
	return e;
}

/* The first tickets of the view as they are now, at least `need` of them or all; NULL: of this view they are not kept. */
static enum err
top_of(struct ctx *cx, const struct rule *view, const struct compiled *c, uint64_t version, const struct order *o, int need, struct top **out)
{
	struct counters *k = cx->sys->rules ? cx->sys->rules->counters : NULL;
	unsigned order = (o->group ? O_GROUPED : 0u) | (o->group_down ? O_GROUP_DOWN : 0u) | (strcmp(o->sort->sql, "t.id") == 0 ? O_BY_NUMBER : 0u)
	    | (o->sort_down ? O_DOWN : 0u);
	struct top *t, **slot = NULL;
	struct plan p = { .c = c };
	struct since since;
	struct query q;
	uint64_t gate, h;
	int64_t user;
	bool keep = false;
	enum err e = OK;

	*out = NULL;
	if (k == NULL || version == 0 || !o->walked)
		return OK;
	begin(&q, cx);
	where(&q, &p, cx->now, true);
	if (p.timed || p.words)
		return OK;
	sight_of(cx, k, &p, &user, &gate);
	h = place_in_table(view->id, user) + order * 0x2545F491u;
	t = NEW(cx->arena, struct top, 1);
	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < 4 && !keep; i++) {
		struct top *s = k->top[(h + i) % TOPS];
		if (s != NULL && s->rule_id == view->id && s->user_id == user && s->order == order) {
			*t = *s;
			keep = t->version == version && t->gate == gate;
			break;
		}
	}
	pthread_mutex_unlock(&k->lock);
	keep = changes_since(cx, k, keep, t->seq, t->generated, t->epoch, p.sealed, &since);
	for (int i = 0; keep && i < since.todos && e == OK; i++) {
		const struct change *ch = since.todo[i];
		bool fits;
		e = snap_counts(cx, &p, ch->id, &ch->after, &fits);
		top_change(t, ch->id, fits, key_of(order, ch->id, ch->after.status, ch->after.updated_at));
		t->generated = ch->generated > t->generated ? ch->generated : t->generated;
	}
	since_done(&since);
	TRY(e);
	t->rule_id = view->id;
	t->user_id = user;
	t->version = version;
	t->gate = gate;
	t->order = order;
	t->seq = since.head;
	t->epoch = since.epoch;
	if (!keep || (!t->complete && t->n < need))
		TRY(top_fill(cx, c, o, t));
	*out = t;
	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < 4; i++) {
		struct top **s = &k->top[(h + i) % TOPS];
		if (*s == NULL || ((*s)->rule_id == view->id && (*s)->user_id == user && (*s)->order == order)) {
			slot = s;
			break;
		}
	}
	if (slot == NULL)
		slot = &k->top[(h + (rand_u64() & 3)) % TOPS];
	if (*slot == NULL)
		*slot = calloc(1, sizeof **slot);
	/* Of two the one who knows more stays. */
	if (*slot != NULL && ((*slot)->rule_id != view->id || (*slot)->user_id != user || (*slot)->order != order || (*slot)->version != version
	    || (*slot)->gate != gate || (*slot)->epoch != t->epoch || (*slot)->generated <= t->generated))
		**slot = *t;
	pthread_mutex_unlock(&k->lock);
	return OK;
}

/* A page out of the kept tickets; *count -1: they do not reach so far. */
static enum err
top_page(struct ctx *cx, const struct rule *view, const struct compiled *c, uint64_t version, const struct order *o, const struct view_page *at,
    struct ticket *list, int *count, struct view_place *place)
{
	struct key after = { 0, at->after_value, at->after_id };
	int64_t start = at->offset;
	struct top *t;
	struct rows rs;
	struct buf ids;
	int n, got = 0;

	*count = -1;
	if (at->after_set && !o->keyed)
		return OK;
	if (start + at->limit >= TOP)
		return OK;
	TRY(top_of(cx, view, c, version, o, (int)start + at->limit + 1, &t));
	if (t == NULL)
		return OK;
	if (at->after_set) {
		if (t->order & O_BY_NUMBER)
			after.s = after.id;
		for (int i = 0; i < t->n && key_cmp(t->order, &t->key[i], &after) <= 0; i++)
			start++;
	}
	if (t->n - start <= at->limit && !t->complete)
		return OK;
	n = t->n - start > at->limit ? at->limit : t->n > start ? (int)(t->n - start) : 0;
	buf_init(&ids, cx->arena, 8 * KiB);
	for (int i = 0; i < n; i++)
		buf_fmt(&ids, "%c%lld", i ? ',' : '[', (long long)t->key[start + i].id);
	buf_add(&ids, n ? S("]") : S("[]"));
	TRY(store_all(cx, &by_ids, ARGS(INT(cx->account), TEXT(buf_str(&ids))), &rs));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < rs.count; k++) {
			struct ticket *one = &list[got];
			struct subject s = { .cx = cx, .t = one, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
			bool yes = false;
			if (row_int(&rs.row[k], 0) != t->key[start + i].id)
				continue;
			/* It may be newer than the list. */
			ticket_from_row(cx, &rs.row[k], one);
			if (rule_holds(&s, c))
				TRY(visible(cx, one, &yes));
			TRY(s.e);
			got += yes;
			break;
		}
	if (place != NULL) {
		*place = (struct view_place){ .keyed = o->keyed, .more = t->n - start > at->limit };
		if (n > 0) {
			place->value = t->key[start + n - 1].s;
			place->id = t->key[start + n - 1].id;
			place->first_value = t->key[start].s;
			place->first_id = t->key[start].id;
		}
	}
	*count = got;
	return OK;
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
	TRY(compiled_of(cx, view, &c, &version));
	order_of(c, page, &o);
	o.keyed = o.keyed && strstr(o.sort->sql, "m.") == NULL && strstr(o.sort->sql, "brand") == NULL && strstr(o.sort->sql, "form") == NULL;
	if (page->backward && page->after_set && o.keyed)
		o.sort_down = !o.sort_down;
	list = NEW(cx->arena, struct ticket, want + 1);
	if (!page->backward) {
		TRY(top_page(cx, view, c, version, &o, &at, list, &got, place));
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
		TRY(page_query(cx, &q, &p, &o, &at, limit, rest ? offset : p.rests || p.rest_any ? 0 : offset, cx->now));
		if (!rest && (p.rests || p.rest_any)) {
			/* Now that it is known: from the beginning, skipping what fits. */
			rest = true;
			offset = 0;
			limit = 200;
			TRY(page_query(cx, &q, &(struct plan){ .c = c }, &o, &at, limit, 0, cx->now));
		}
		q.once = version == 0;
		TRY(intern(&q, "view.page", LIST_OUT, true, &st));
		TRY(store_all(cx, st, q.arg, q.n, &rs));
		more = rs.count == limit;
		looked += rs.count;
		for (int i = 0; i < rs.count && got <= want; i++) {
			struct ticket *t = &list[got];
			bool yes;
			ticket_from_row(cx, &rs.row[i], t);
			TRY(visible(cx, t, &yes));
			if (yes && rest) {
				struct subject s = { .cx = cx, .t = t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
				yes = rest_holds(&p, &s);
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
