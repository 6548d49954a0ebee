/* sla.c - what is timed of a ticket: metrics, and the targets of SLA policies.
 *
 * One row per ticket (ticket_metric), written in the transaction of the
 * ticket's own change, after the triggers. Waiting is counted in whole periods:
 * when a ticket leaves a status, the time it was in it is added.
 *
 *   requester waits   new, open, on-hold
 *   agents wait       pending
 *   on hold           on-hold
 */
#include "desk/rule.h"

#define METRIC_COLS "ticket_id, new_at, open_at, pending_at, hold_at, solved_at, closed_at, status_at, assigned_at," \
	" first_assigned_at, requester_at, assignee_at, comment_at, replied_at, first_solved_at, waiting_since, reopens," \
	" replies, assignees, groups, hold_for, hold_for_b, agent_for, agent_for_b, requester_for, requester_for_b," \
	" policy_id, breach_at"

static const struct stmt get_metric = {
	.name = "ticket_metric.get",
	.sql  = "SELECT " METRIC_COLS " FROM ticket_metric WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii", .out = "iiiiiiiiiiiiiiiiiiiiiiiiiii?i?",
};

static const struct stmt put_metric = {
	.name = "ticket_metric.put",
	.sql  = "INSERT INTO ticket_metric (account_id, " METRIC_COLS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
	        " $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)"
	        " ON CONFLICT (account_id, ticket_id) DO UPDATE SET new_at = excluded.new_at, open_at = excluded.open_at,"
	        " pending_at = excluded.pending_at, hold_at = excluded.hold_at, solved_at = excluded.solved_at,"
	        " closed_at = excluded.closed_at, status_at = excluded.status_at, assigned_at = excluded.assigned_at,"
	        " first_assigned_at = excluded.first_assigned_at, requester_at = excluded.requester_at,"
	        " assignee_at = excluded.assignee_at, comment_at = excluded.comment_at, replied_at = excluded.replied_at,"
	        " first_solved_at = excluded.first_solved_at, waiting_since = excluded.waiting_since, reopens = excluded.reopens,"
	        " replies = excluded.replies, assignees = excluded.assignees, groups = excluded.groups,"
	        " hold_for = excluded.hold_for, hold_for_b = excluded.hold_for_b, agent_for = excluded.agent_for,"
	        " agent_for_b = excluded.agent_for_b, requester_for = excluded.requester_for,"
	        " requester_for_b = excluded.requester_for_b, policy_id = excluded.policy_id, breach_at = excluded.breach_at",
	.in   = "iiiiiiiiiiiiiiiiiiiiiiiiiiii?i?",
};

const struct stmt *const sla_stmts[] = { &get_metric, &put_metric, NULL };

/* ---- metrics ------------------------------------------------------------------------------------------------------- */

enum err
metric_row(struct ctx *cx, int64_t ticket_id, struct metric *m, bool *found)
{
	struct row r;
	enum err e = store_one(cx, &get_metric, ARGS(INT(cx->account), INT(ticket_id)), &r);
	int c = 0;

	*found = e == OK;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	*m = (struct metric){ .ticket_id = row_int(&r, c++) };
	m->new_at = row_int(&r, c++);
	m->open_at = row_int(&r, c++);
	m->pending_at = row_int(&r, c++);
	m->hold_at = row_int(&r, c++);
	m->solved_at = row_int(&r, c++);
	m->closed_at = row_int(&r, c++);
	m->status_at = row_int(&r, c++);
	m->assigned_at = row_int(&r, c++);
	m->first_assigned_at = row_int(&r, c++);
	m->requester_at = row_int(&r, c++);
	m->assignee_at = row_int(&r, c++);
	m->comment_at = row_int(&r, c++);
	m->replied_at = row_int(&r, c++);
	m->first_solved_at = row_int(&r, c++);
	m->waiting_since = row_int(&r, c++);
	m->reopens = row_int(&r, c++);
	m->replies = row_int(&r, c++);
	m->assignees = row_int(&r, c++);
	m->groups = row_int(&r, c++);
	m->hold_for = row_int(&r, c++);
	m->hold_for_b = row_int(&r, c++);
	m->agent_for = row_int(&r, c++);
	m->agent_for_b = row_int(&r, c++);
	m->requester_for = row_int(&r, c++);
	m->requester_for_b = row_int(&r, c++);
	m->policy_id = row_int(&r, c++);
	m->breach_at = row_int(&r, c++);
	return OK;
}

static enum err
metric_put(struct ctx *cx, const struct metric *m)
{
	return store_exec(cx, &put_metric, ARGS(INT(cx->account), INT(m->ticket_id), INT(m->new_at), INT(m->open_at),
	    INT(m->pending_at), INT(m->hold_at), INT(m->solved_at), INT(m->closed_at), INT(m->status_at), INT(m->assigned_at),
	    INT(m->first_assigned_at), INT(m->requester_at), INT(m->assignee_at), INT(m->comment_at), INT(m->replied_at),
	    INT(m->first_solved_at), INT(m->waiting_since), INT(m->reopens), INT(m->replies), INT(m->assignees), INT(m->groups),
	    INT(m->hold_for), INT(m->hold_for_b), INT(m->agent_for), INT(m->agent_for_b), INT(m->requester_for),
	    INT(m->requester_for_b), ID(m->policy_id), ID(m->breach_at)), NULL);
}

static usec *
entered(struct metric *m, enum ticket_status s)
{
	switch (s) {
	case TICKET_NEW:     return &m->new_at;
	case TICKET_OPEN:    return &m->open_at;
	case TICKET_PENDING: return &m->pending_at;
	case TICKET_HOLD:    return &m->hold_at;
	case TICKET_SOLVED:  return &m->solved_at;
	default:             return &m->closed_at;
	}
}

static enum err
by_agent(struct ctx *cx, int64_t author, bool *yes)
{
	struct user u;
	enum err e;

	if (cx->actor != NULL && cx->actor->user_id == author) {
		*yes = cx->actor->role == ROLE_AGENT || cx->actor->role == ROLE_ADMIN;
		return OK;
	}
	e = author > 0 ? user_load(cx, author, &u) : E_ABSENT;
	*yes = e == OK && u.role >= ROLE_AGENT;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

/* The status it leaves was one of these for so long. */
static enum err
add_period(struct ctx *cx, struct metric *m, enum ticket_status was, usec at)
{
	usec all = at - m->status_at, business;

	if (m->status_at == 0 || all <= 0 || was >= TICKET_SOLVED)
		return OK;
	TRY(business_between(cx, m->status_at, at, &business));
	if (was == TICKET_PENDING) {
		m->agent_for += all;
		m->agent_for_b += business;
	} else {
		m->requester_for += all;
		m->requester_for_b += business;
	}
	if (was == TICKET_HOLD) {
		m->hold_for += all;
		m->hold_for_b += business;
	}
	return OK;
}

enum err
metric_on_ticket(struct ctx *cx, const struct rule_event *ev, const struct book *b)
{
	const struct ticket *t = ev->t, *old = ev->old;
	int64_t author = ev->a->author_id;
	usec at = old != NULL ? cx->now : t->created_at;
	struct metric m = { .ticket_id = t->id }, before;
	bool found = false, agent;

	(void)b;
	if (old != NULL) {
		TRY(metric_row(cx, t->id, &m, &found));
		if (!found) {            /* a ticket from before metrics were kept */
			m.ticket_id = t->id;
			m.status_at = old->created_at;
			*entered(&m, old->status) = old->updated_at;
			m.first_solved_at = old->solved_at;
		}
	}
	before = m;
	if (old == NULL || t->status != old->status) {
		if (old != NULL)
			TRY(add_period(cx, &m, old->status, at));
		m.status_at = at;
		*entered(&m, t->status) = at;
		if (old == NULL)
			m.new_at = at;
		if (t->status >= TICKET_SOLVED && m.first_solved_at == 0)
			m.first_solved_at = at;
		if (old != NULL && old->status == TICKET_SOLVED && t->status < TICKET_SOLVED)
			m.reopens++;
	}
	if (t->assignee_id != 0 && (old == NULL || t->assignee_id != old->assignee_id)) {
		m.assigned_at = at;
		if (m.first_assigned_at == 0)
			m.first_assigned_at = at;
		m.assignees++;
	}
	if (t->group_id != 0 && (old == NULL || t->group_id != old->group_id))
		m.groups++;
	if (author == t->requester_id)
		m.requester_at = at;
	if (author == t->assignee_id && author != 0)
		m.assignee_at = at;
	if (ev->comment != NULL) {
		m.comment_at = at;
		if (old != NULL && ev->comment->is_public && author != t->requester_id) {
			TRY(by_agent(cx, author, &agent));
			if (agent) {
				m.replies++;
				if (m.replied_at == 0)
					m.replied_at = at;
			}
		}
	}
	if (found && memcmp(&m, &before, sizeof m) == 0)
		return OK;
	return metric_put(cx, &m);
}

void
sla_check(struct ctx *cx, const struct compiled *c)
{
	(void)cx;
	(void)c;
}
