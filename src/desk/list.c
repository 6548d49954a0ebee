/* list.c - pages of tickets: the one place that puts a query together.
 *
 * Out of whole clauses from the tables below, never out of anything a person
 * sent. Each combination becomes one struct stmt that lives as long as the
 * process, so that the store's cache of prepared statements works; there are
 * some hundreds of combinations at most. Every page starts at a place in an
 * index and reads `limit` rows of it.
 *
 * What the actor may see is part of the query, so that pages are full and
 * nothing is counted that is not theirs; each row is asked about again by
 * gate_may() before it is handed out.
 */
#include <pthread.h>
#include <stdlib.h>

#include "desk/clause.h"

/* $U is the actor, $O the actor's organization. CCs and followers see the ticket whatever else holds. */
#define OR_CC " OR EXISTS (SELECT 1 FROM ticket_cc k WHERE k.account_id = t.account_id AND k.ticket_id = t.id AND k.user_id = $U))"
#define MY_GROUPS "(SELECT m.group_id FROM group_membership m WHERE m.account_id = t.account_id AND m.user_id = $U)"
#define PRIVATE_GROUPS "(SELECT g.id FROM agent_group g WHERE g.account_id = t.account_id AND g.is_public = 0)"
static const char *const scopes[SCOPES] = {
	[SCOPE_ALL]       = "",
	[SCOPE_AGENT]     = " AND (t.group_id IS NULL OR t.group_id NOT IN " PRIVATE_GROUPS " OR t.group_id IN " MY_GROUPS
	                    " OR t.assignee_id = $U" OR_CC,
	[SCOPE_GROUPS]    = " AND (t.group_id IN " MY_GROUPS " OR t.assignee_id = $U" OR_CC,
	[SCOPE_ORG]       = " AND (t.organization_id = $O OR t.assignee_id = $U" OR_CC,
	[SCOPE_ASSIGNED]  = " AND (t.assignee_id = $U" OR_CC,
	[SCOPE_REQUESTED] = " AND (t.requester_id = $U OR t.assignee_id = $U" OR_CC,
	[SCOPE_END_USER]  = " AND (t.requester_id = $U OR t.organization_id IN (SELECT o.id FROM organization o"
	                    " WHERE o.account_id = t.account_id AND o.id = $O AND o.shared_tickets = 1)" OR_CC,
};

static const char *const orders[] = {
	[SORT_ID] = "t.id", [SORT_UPDATED] = "t.updated_at", [SORT_CREATED] = "t.id", [SORT_STATUS] = "t.status",
};

enum page { PAGE_OFFSET, PAGE_AFTER, PAGE_BEFORE };

static struct made { unsigned key; struct stmt st; struct made *next; } *made_list;
static pthread_mutex_t made_lock = PTHREAD_MUTEX_INITIALIZER;

void
clause(struct query *q, const char *text, const struct arg *a)
{
	for (const char *p = text; *p; p++)
		if (*p == '?')
			buf_fmt(&q->sql, "$%d", q->n + 1);
		else
			buf_byte(&q->sql, *p);
	if (a != NULL) {
		q->arg[q->n++] = *a;
		buf_byte(&q->in, a->kind == ARG_BLIND ? 'X' : 'i');
	}
}

enum scope
scope_of(const struct ctx *cx, const struct ticket_filter *f)
{
	const struct actor *a = cx->actor;

	if (a == NULL || a->role == ROLE_END_USER)
		return SCOPE_END_USER;
	if (a->role >= ROLE_ADMIN)
		return SCOPE_ALL;
	/* What they requested or are copied on: the filter itself is the permission. */
	if (f != NULL && f->as_request && (f->requester_id == a->user_id || f->cc_id == a->user_id))
		return SCOPE_ALL;
	switch (a->sees) {
	case SEE_ALL:          return SCOPE_AGENT;
	case SEE_GROUPS:       return SCOPE_GROUPS;
	case SEE_ORGANIZATION: return SCOPE_ORG;
	case SEE_ASSIGNED:     return SCOPE_ASSIGNED;
	default:               return SCOPE_REQUESTED;
	}
}

void
scope_clause(struct query *q, enum scope s)
{
	const char *p = scopes[s];
	bool user = false, org = false;
	int at_user = q->n + 1, at_org;

	user = strstr(p, "$U") != NULL;
	org = strstr(p, "$O") != NULL;
	at_org = at_user + user;
	for (; *p; p++)
		if (p[0] == '$' && (p[1] == 'U' || p[1] == 'O')) {
			buf_fmt(&q->sql, "$%d", p[1] == 'U' ? at_user : at_org);
			p++;
		} else
			buf_byte(&q->sql, *p);
	if (user) {
		q->arg[q->n++] = INT(q->cx->actor ? q->cx->actor->user_id : -1);
		buf_byte(&q->in, 'i');
	}
	if (org) {
		q->arg[q->n++] = INT(q->cx->actor ? q->cx->actor->organization_id : -1);
		buf_byte(&q->in, 'i');
	}
}

static void
filter_clauses(struct query *q, const struct ticket_filter *f)
{
	buf_add(&q->sql, S(" FROM ticket t WHERE t.account_id = $1"));
	q->arg[q->n++] = INT(q->cx->account);
	buf_byte(&q->in, 'i');
	clause(q, f->deleted ? " AND t.deleted_at IS NOT NULL" : " AND t.deleted_at IS NULL", NULL);
	if (f->requester_id)
		clause(q, " AND t.requester_id = ?", &INT(f->requester_id));
	if (f->assignee_id)
		clause(q, " AND t.assignee_id = ?", &INT(f->assignee_id));
	if (f->group_id)
		clause(q, " AND t.group_id = ?", &INT(f->group_id));
	if (f->organization_id)
		clause(q, " AND t.organization_id = ?", &INT(f->organization_id));
	if (f->cc_id)
		clause(q, " AND t.id IN (SELECT c.ticket_id FROM ticket_cc c WHERE c.account_id = t.account_id"
		    " AND c.user_id = ? AND c.kind = 1)", &INT(f->cc_id));
	if (f->follower_id)
		clause(q, " AND t.id IN (SELECT c.ticket_id FROM ticket_cc c WHERE c.account_id = t.account_id"
		    " AND c.user_id = ? AND c.kind = 2)", &INT(f->follower_id));
	if (f->problem_id)
		clause(q, " AND t.problem_id = ?", &INT(f->problem_id));
	if (f->problems)
		clause(q, " AND t.type = 1", NULL);
	if (f->external_id.n)
		clause(q, " AND t.external_id_x = ?", &BLIND(HIDE(f->external_id)));
	for (int s = 0; f->status_mask && s <= TICKET_CLOSED; s++)
		if (!(f->status_mask & (1 << s)))
			clause(q, (const char *[]){ " AND t.status <> 0", " AND t.status <> 1", " AND t.status <> 2",
			    " AND t.status <> 3", " AND t.status <> 4", " AND t.status <> 5" }[s], NULL);
}

/* The statement with this text, made once. `key` says which combination it is. */
static const struct stmt *
intern(struct query *q, unsigned key, bool rows)
{
	struct made *m;

	pthread_mutex_lock(&made_lock);
	for (m = made_list; m != NULL && m->key != key; m = m->next)
		;
	if (m == NULL && (m = calloc(1, sizeof *m)) != NULL) {
		buf_byte(&q->sql, '\0');
		buf_byte(&q->in, '\0');
		m->key = key;
		m->st.name = rows ? "ticket.list" : "ticket.count";
		m->st.sql = strdup(q->sql.p);
		m->st.in = strdup(q->in.p);
		m->st.out = rows ? LIST_OUT : "i";
		if (rows)
			m->st.seal_out[0] = (struct sealed_col){ "ticket", "doc", 0 };
		if (strchr(m->st.in, 'X'))
			m->st.blind[0] = "ticket.external_id";
		m->next = made_list;
		made_list = m;
	}
	pthread_mutex_unlock(&made_lock);
	return m ? &m->st : NULL;
}

static unsigned
combination(const struct ctx *cx, const struct ticket_filter *f, bool rows, enum page page)
{
	unsigned k = (unsigned)scope_of(cx, f);

	k = k << 7 | (unsigned)((f->requester_id != 0) | (f->assignee_id != 0) << 1 | (f->group_id != 0) << 2
	    | (f->organization_id != 0) << 3 | (f->cc_id != 0) << 4 | (f->follower_id != 0) << 5 | (f->external_id.n != 0) << 6);
	k = k << 2 | (unsigned)((f->problem_id != 0) | f->problems << 1);
	k = k << 6 | (unsigned)(f->status_mask & 63);
	k = k << 1 | f->deleted;
	k = k << 2 | (unsigned)f->sort;
	k = k << 1 | f->descending;
	k = k << 2 | (unsigned)page;
	return k << 1 | rows;
}

/* The whole desk by last update. An index for that would be one more page for every update of a ticket; there is one for each
 * status, and a page is merged from theirs. */
static bool
is_merged(const struct ticket_filter *f)
{
	return f->sort == SORT_UPDATED && !f->deleted && !f->requester_id && !f->assignee_id && !f->group_id && !f->organization_id
	    && !f->cc_id && !f->follower_id && !f->problem_id && !f->problems && f->external_id.n == 0;
}

/* Puts what was said so far, which is all but order and limit, into a query of each status. */
static void
merge(struct query *q, const struct ticket_filter *f, bool down, bool skips)
{
	str from = buf_str(&q->sql);
	const char *way = down ? "DESC" : "ASC", *between = "";
	int limit = q->n + 1;

	buf_init(&q->sql, q->cx->arena, 64 * KiB);
	buf_fmt(&q->sql, "SELECT " LIST_COLS " FROM (SELECT * FROM (");
	for (int s = 0; s <= TICKET_CLOSED; s++) {
		if (f->status_mask && !(f->status_mask & (1 << s)))
			continue;
		buf_fmt(&q->sql, "%sSELECT * FROM (SELECT t.id AS id, t.updated_at AS s", between);
		buf_add(&q->sql, from);
		buf_fmt(&q->sql, " AND t.status = %d ORDER BY t.updated_at %s, t.id %s LIMIT $%d", s, way, way, limit);
		if (skips)
			buf_fmt(&q->sql, " + $%d", limit + 1);
		buf_fmt(&q->sql, ") w%d", s);
		between = " UNION ALL ";
	}
	buf_fmt(&q->sql, ") u ORDER BY u.s %s, u.id %s LIMIT $%d", way, way, limit);
	if (skips)
		buf_fmt(&q->sql, " OFFSET $%d", limit + 1);
	buf_fmt(&q->sql, ") p JOIN ticket t ON t.account_id = $1 AND t.id = p.id ORDER BY p.s %s, p.id %s", way, way);
}

enum err
ticket_list(struct ctx *cx, const struct ticket_filter *f, struct ticket **out, int *count)
{
	struct query q = { .cx = cx };
	enum page page = f->after_set ? PAGE_AFTER : f->before_set ? PAGE_BEFORE : PAGE_OFFSET;
	bool down = f->descending != (page == PAGE_BEFORE);
	const struct stmt *st;
	struct rows rs;
	struct ticket *t;
	int n = 0;

	if (cx->actor == NULL || cx->actor->user_id == 0)
		if (cx->actor == NULL || cx->actor->role != ROLE_SYSTEM)
			return fail(cx, E_WHO, NULL, "nobody is signed in");
	if (f->deleted && gate_limited(cx, LIMIT_DELETED))
		return fail(cx, E_DENIED, NULL, "the role does not show deleted tickets");
	buf_init(&q.sql, cx->arena, 8 * KiB);
	buf_init(&q.in, cx->arena, 64);
	if (!is_merged(f))
		buf_add(&q.sql, S("SELECT " LIST_COLS));
	filter_clauses(&q, f);
	scope_clause(&q, scope_of(cx, f));
	if (page != PAGE_OFFSET) {
		if (f->sort == SORT_UPDATED || f->sort == SORT_STATUS) {
			buf_fmt(&q.sql, " AND (%s, t.id) %c ($%d, $%d)", orders[f->sort], down ? '<' : '>', q.n + 1, q.n + 2);
			q.arg[q.n++] = INT(f->after_value);
			buf_byte(&q.in, 'i');
			q.arg[q.n++] = INT(f->after_id);
			buf_byte(&q.in, 'i');
		} else
			clause(&q, down ? " AND t.id < ?" : " AND t.id > ?", &INT(f->after_id));
	}
	if (is_merged(f)) {
		merge(&q, f, down, page == PAGE_OFFSET);
	} else if (f->sort == SORT_UPDATED || f->sort == SORT_STATUS)
		buf_fmt(&q.sql, " ORDER BY %s %s, t.id %s", orders[f->sort], down ? "DESC" : "ASC", down ? "DESC" : "ASC");
	else
		buf_fmt(&q.sql, " ORDER BY t.id %s", down ? "DESC" : "ASC");
	clause(&q, is_merged(f) ? "" : " LIMIT ?", &INT(f->limit));
	if (page == PAGE_OFFSET)
		clause(&q, is_merged(f) ? "" : " OFFSET ?", &INT(f->offset));
	if ((st = intern(&q, combination(cx, f, true, page), true)) == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	TRY(store_all(cx, st, q.arg, q.n, &rs));
	t = NEW(cx->arena, struct ticket, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++) {
		struct about a;
		int k = page == PAGE_BEFORE ? rs.count - 1 - i : i;
		enum err e;
		ticket_from_row(cx, &rs.row[k], &t[n]);
		about_ticket(&t[n], &a);
		if (t[n].cc_count + t[n].follower_count) {
			int64_t *all = NEW(cx->arena, int64_t, t[n].cc_count + t[n].follower_count);
			for (int c = 0; c < t[n].cc_count; c++)
				all[a.cc_count++] = t[n].cc[c];
			for (int c = 0; c < t[n].follower_count; c++)
				all[a.cc_count++] = t[n].follower[c];
			a.cc = all;
		}
		e = gate_may(cx, cx->actor->role == ROLE_END_USER || f->as_request ? MAY_READ_REQUEST : MAY_READ_TICKET, &a);
		if (e == OK)
			n++;
		else
			fail_forget(cx);
	}
	*out = t;
	*count = n;
	return OK;
}

#define COUNT_MAX 100000             /* above it a count is approximate, as Zendesk's is */

enum err
ticket_count(struct ctx *cx, const struct ticket_filter *f, int64_t *count)
{
	struct query q = { .cx = cx };
	const struct stmt *st;
	struct row r;

	if (scope_of(cx, f) == SCOPE_ALL && !f->requester_id && !f->assignee_id && !f->group_id && !f->organization_id
	    && !f->cc_id && !f->follower_id && !f->external_id.n && !f->status_mask && !f->deleted
	    && !f->problem_id && !f->problems)
		return desk_counter_get(cx, "tickets", count);
	buf_init(&q.sql, cx->arena, 8 * KiB);
	buf_init(&q.in, cx->arena, 64);
	buf_add(&q.sql, S("SELECT count(*) FROM (SELECT 1 AS one"));
	filter_clauses(&q, f);
	scope_clause(&q, scope_of(cx, f));
	clause(&q, " LIMIT ?) AS capped", &INT(COUNT_MAX));
	if ((st = intern(&q, combination(cx, f, false, PAGE_OFFSET), false)) == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	TRY(store_one(cx, st, q.arg, q.n, &r));
	*count = row_int(&r, 0);
	return OK;
}

static const struct stmt changed = {
	.name = "ticket.changed",
	.sql  = "SELECT " LIST_COLS " FROM ticket t WHERE t.account_id = $1 AND (t.generated_at, t.id) > ($2, $3)"
	        " ORDER BY t.generated_at, t.id LIMIT $4",
	.in   = "iiii",
	.out  = LIST_OUT,
	.seal_out = { { "ticket", "doc", 0 } },
};

const struct stmt *const list_stmts[] = { &changed, NULL };

enum err
ticket_changed(struct ctx *cx, usec at, int64_t id, int limit, struct ticket **out, int *count)
{
	struct rows rs;
	struct ticket *t;

	TRY(gate_may(cx, MAY_EXPORT, NULL));
	TRY(store_all(cx, &changed, ARGS(INT(cx->account), INT(at), INT(id), INT(limit)), &rs));
	t = NEW(cx->arena, struct ticket, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		ticket_from_row(cx, &rs.row[i], &t[i]);
	*out = t;
	*count = rs.count;
	return OK;
}
