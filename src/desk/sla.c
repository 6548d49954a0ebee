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

static const struct stmt get_targets = {
	.name = "sla_target.of_ticket",
	.sql  = "SELECT s.metric, s.policy_id, s.target, s.business, s.state, s.since, s.spent, s.due_at, s.ended_at FROM sla_target s"
	        " WHERE s.account_id = $1 AND s.ticket_id = $2 ORDER BY s.metric",
	.in   = "ii", .out = "iiiiiiii?i?",
};

static const struct stmt put_target = {
	.name = "sla_target.put",
	.sql  = "INSERT INTO sla_target (account_id, ticket_id, metric, policy_id, target, business, state, since, spent, due_at, ended_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (account_id, ticket_id, metric) DO UPDATE SET"
	        " policy_id = excluded.policy_id, target = excluded.target, business = excluded.business, state = excluded.state,"
	        " since = excluded.since, spent = excluded.spent, due_at = excluded.due_at, ended_at = excluded.ended_at",
	.in   = "iiiiiiiiii?i?",
};

static const struct stmt drop_target = {
	.name = "sla_target.delete",
	.sql  = "DELETE FROM sla_target WHERE account_id = $1 AND ticket_id = $2 AND metric = $3",
	.in   = "iii",
};

const struct stmt *const sla_stmts[] = { &get_metric, &put_metric, &get_targets, &put_target, &drop_target, NULL };

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
static void
add_period(struct metric *m, const struct calendar *hours, enum ticket_status was, usec at)
{
	usec all = at - m->status_at, business;

	if (m->status_at == 0 || all <= 0 || was >= TICKET_SOLVED)
		return;
	business = hours_between(hours, m->status_at, at);
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
}

/* ---- SLA policies: what they measure ------------------------------------------------------------------------------------ */

/* Numbers in the database; never reuse one. */
enum measure { FIRST_REPLY = 1, NEXT_REPLY, REQUESTER_WAIT, AGENT_WORK, PERIODIC_UPDATE, PAUSABLE_UPDATE, TOTAL_RESOLUTION,
	GROUP_OWNERSHIP, MEASURES };
#define ST(s) (1u << TICKET_ ## s)

/* A measure runs in some statuses and rests in others; in the rest it is reached. */
static const struct {
	const char *name;
	unsigned    runs, rests;
	bool        group;           /* of group SLA policies */
} measures[MEASURES] = {
	[FIRST_REPLY]      = { "first_reply_time",      ST(NEW) | ST(OPEN) | ST(PENDING) | ST(HOLD), 0, false },
	[NEXT_REPLY]       = { "next_reply_time",       ST(NEW) | ST(OPEN) | ST(PENDING) | ST(HOLD), 0, false },
	[REQUESTER_WAIT]   = { "requester_wait_time",   ST(NEW) | ST(OPEN) | ST(HOLD), ST(PENDING), false },
	[AGENT_WORK]       = { "agent_work_time",       ST(NEW) | ST(OPEN), ST(PENDING) | ST(HOLD), false },
	[PERIODIC_UPDATE]  = { "periodic_update_time",  ST(NEW) | ST(OPEN) | ST(PENDING) | ST(HOLD), 0, false },
	[PAUSABLE_UPDATE]  = { "pausable_update_time",  ST(NEW) | ST(OPEN) | ST(HOLD), ST(PENDING), false },
	[TOTAL_RESOLUTION] = { "total_resolution_time", ST(NEW) | ST(OPEN) | ST(PENDING) | ST(HOLD), 0, false },
	[GROUP_OWNERSHIP]  = { "group_ownership_time",  ST(NEW) | ST(OPEN), ST(PENDING) | ST(HOLD), true },
};

const char *
sla_measure_name(int measure)
{
	return measure > 0 && measure < MEASURES ? measures[measure].name : NULL;
}

void
sla_read(struct ctx *cx, struct compiled *c)
{
	const json_t *list = json_object_get(c->extra, "policy_metrics"), *one, *v;
	bool group = c->r.kind == RULE_GROUP_SLA;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > 100) {
		bad(cx, "policy_metrics", "BlankValue", "Policy metrics: must be an array of at least one and at most 100");
		return;
	}
	c->goal = NEW(cx->arena, struct goal, json_array_size(list));
	json_array_foreach(list, i, one) {
		struct goal g = { .measure = 0 };
		json_int_t n = 0;
		str name = rule_text(cx, json_object_get(one, "metric"));
		for (int k = 1; k < MEASURES; k++)
			if (str_eq(name, str_of(measures[k].name)) && measures[k].group == group)
				g.measure = k;
		if (g.measure == 0)
			bad(cx, "policy_metrics", "InvalidValue", "Policy metrics: names a metric that is not known");
		if (!priority_of(rule_text(cx, json_object_get(one, "priority")), &g.priority))
			bad(cx, "policy_metrics", "InvalidValue", "Policy metrics: priority must be one of urgent, high, normal, low");
		if (json_is_integer(v = json_object_get(one, "target_in_seconds")))
			n = json_integer_value(v);
		else if (json_is_integer(v = json_object_get(one, "target")))
			n = json_integer_value(v) <= 10000000 ? json_integer_value(v) * 60 : -1;
		if (n <= 0 || n > 600000000)
			bad(cx, "policy_metrics", "InvalidValue", "Policy metrics: target must be minutes, or target_in_seconds seconds, above 0");
		g.target = n * SECOND;
		v = json_object_get(one, "business_hours");
		if (v != NULL && !json_is_boolean(v) && !json_is_null(v))
			bad(cx, "policy_metrics", "InvalidValue", "Policy metrics: business_hours must be true or false");
		g.business = json_is_true(v);
		for (int k = 0; k < c->goals; k++)
			if (c->goal[k].measure == g.measure && c->goal[k].priority == g.priority && g.measure)
				bad(cx, "policy_metrics", "DuplicateValue", "Policy metrics: the same metric twice for a priority");
		c->goal[c->goals++] = g;
	}
}

struct row_target { int64_t policy_id; usec target, since, spent, due_at, ended_at; bool business; int state; };

/* The hours that a ticket went by until now, and those from now on. */
struct turn { const struct calendar *was, *is; };

/* The change of one target. start 0: it goes on as it is; else it begins (anew) then. */
static void
target_step(struct row_target *r, const struct goal *g, int64_t policy, int state, usec start, usec at, const struct turn *hours)
{
	if (start != 0)
		*r = (struct row_target){ .since = start, .state = SLA_RUNS };
	else if (r->state == 0)
		return;
	if (r->state == SLA_RUNS && (state != SLA_RUNS || r->business != g->business || (start == 0 && hours->was != hours->is))) {
		bool business = start ? g->business : r->business;
		usec more = business ? hours_between(start ? hours->is : hours->was, r->since, at) : at - r->since;
		r->spent += more > 0 ? more : 0;
		r->since = at;
	}
	if (state == SLA_REACHED && r->state != SLA_REACHED)
		r->ended_at = at;
	if (state == SLA_RUNS && r->state != SLA_RUNS) {
		r->since = at;
		r->ended_at = 0;
	}
	r->state = state;
	r->policy_id = policy;
	r->business = g->business;
	r->target = g->target;
	/* What was missed stays missed; what rests in time has no moment of breach. */
	if (r->state == SLA_RUNS) {
		if (r->spent < r->target) {
			r->due_at = hours_after(r->business ? hours->is : NULL, r->since, r->target - r->spent);
		} else if (r->due_at == 0)
			r->due_at = r->since;
	} else if (r->spent <= r->target && r->state == SLA_RESTS)
		r->due_at = 0;
}

/* A running target gets what it used before hours changed, as it was counted then; due_at is the caller's. */
static bool
used_before(const struct book *b, int64_t schedule, struct row_target *r)
{
	usec since = r->since;

	for (int i = 0; i < b->changes && r->state == SLA_RUNS && r->business; i++)
		if (r->since < b->change[i].at && schedule_concerns(b, &b->change[i], schedule)) {
			r->spent += hours_between(b->change[i].calendar, r->since, b->change[i].at);
			r->since = b->change[i].at;
		}
	return r->since != since;
}

static struct row_target
target_of_row(const struct row *r)
{
	return (struct row_target){ row_int(r, 1), row_int(r, 2), row_int(r, 5), row_int(r, 6), row_int(r, 7), row_int(r, 8),
	    row_int(r, 3) != 0, (int)row_int(r, 4) };
}

enum err
sla_settle(struct ctx *cx, const struct book *b, int64_t ticket_id, bool *settled)
{
	struct ticket t;
	struct metric m;
	struct rows rs;
	usec breach = 0;
	bool found;

	*settled = false;
	TRY(ticket_row(cx, ticket_id, &t));
	TRY(store_all(cx, &get_targets, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		struct row_target r = target_of_row(&rs.row[i]);
		usec due = r.due_at;
		bool used = used_before(b, t.schedule_id, &r);
		/* What was missed stays missed, at its moment. */
		if (r.state == SLA_RUNS && r.business && r.spent < r.target)
			r.due_at = hours_after(schedule_hours(b, t.schedule_id), r.since, r.target - r.spent);
		if (used || r.due_at != due) {
			TRY(store_exec(cx, &put_target, ARGS(INT(cx->account), INT(ticket_id), INT(row_int(&rs.row[i], 0)), INT(r.policy_id),
			    INT(r.target), INT(r.business), INT(r.state), INT(r.since), INT(r.spent), ID(r.due_at), ID(r.ended_at)), NULL));
			*settled = true;
		}
		if (r.state == SLA_RUNS && r.due_at != 0 && (breach == 0 || r.due_at < breach))
			breach = r.due_at;
	}
	if (!*settled)
		return OK;
	TRY(metric_row(cx, ticket_id, &m, &found));
	if (!found || m.breach_at == breach)
		return OK;
	m.breach_at = breach;
	return metric_put(cx, &m);
}

/* The first active policy of a kind whose filter the ticket fits. */
static const struct compiled *
policy_for(struct subject *s, const struct book *b, enum rule_kind kind)
{
	for (int i = b->from[kind]; i < b->from[kind + 1]; i++)
		if (b->rule[i].r.active && !b->rule[i].broken && rule_holds(s, &b->rule[i]))
			return &b->rule[i];
	return NULL;
}

/* A policy no longer has this target for the ticket. What was missed stays known, in the export of metric events. */
static enum err
target_left(struct ctx *cx, int64_t ticket_id, int measure, bool there, const struct row_target *r, usec at)
{
	bool missed = r->due_at != 0 && r->due_at < (r->state == SLA_REACHED ? r->ended_at : at);

	if (!there || r->state == SLA_LEFT)
		return OK;
	if (missed && r->state != SLA_REACHED)
		TRY(report_add(cx, FIG_SLA, at, measure, 1, 1));
	if (!missed)
		return store_exec(cx, &drop_target, ARGS(INT(cx->account), INT(ticket_id), INT(measure)), NULL);
	return store_exec(cx, &put_target, ARGS(INT(cx->account), INT(ticket_id), INT(measure), INT(r->policy_id), INT(r->target),
	    INT(r->business), INT(SLA_LEFT), INT(r->since), INT(r->spent), INT(r->due_at), INT(r->state == SLA_REACHED ? r->ended_at : at)), NULL);
}

/* What the update says about comments. */
struct said { bool agent, requester; };

static enum err
targets_on_ticket(struct ctx *cx, const struct rule_event *ev, const struct book *b, struct metric *m, usec replied_before,
    const struct said *said, usec at)
{
	const struct ticket *t = ev->t;
	struct subject s = { .cx = cx, .t = t, .now = at, .m = m, .user_id = cx->actor ? cx->actor->user_id : 0 };
	struct turn hours = { schedule_hours(b, (ev->old ? ev->old : t)->schedule_id), schedule_hours(b, t->schedule_id) };
	const struct compiled *policy[2];
	struct row_target have[MEASURES] = { { 0 } };
	bool there[MEASURES] = { false };
	struct rows rs;

	if (b->from[RULE_SLA] == b->from[RULE_GROUP_SLA + 1] && m->policy_id == 0)
		return OK;
	policy[0] = policy_for(&s, b, RULE_SLA);
	policy[1] = policy_for(&s, b, RULE_GROUP_SLA);
	TRY(s.e);
	if (policy[0] == NULL && policy[1] == NULL && m->policy_id == 0)
		return OK;
	if (ev->old != NULL) {
		TRY(store_all(cx, &get_targets, ARGS(INT(cx->account), INT(t->id)), &rs));
		for (int i = 0; i < rs.count; i++) {
			const struct row *r = &rs.row[i];
			int k = (int)row_int(r, 0);
			if (k <= 0 || k >= MEASURES)
				continue;
			there[k] = true;
			have[k] = target_of_row(r);
			(void)used_before(b, ev->old->schedule_id, &have[k]);
		}
	}
	m->breach_at = 0;
	m->policy_id = policy[0] ? policy[0]->r.id : policy[1] ? policy[1]->r.id : 0;
	for (int k = 1; k < MEASURES; k++) {
		const struct compiled *p = policy[measures[k].group];
		const struct goal *g = NULL;
		struct row_target was = have[k], *r = &have[k];
		int state = measures[k].runs & 1u << t->status ? SLA_RUNS : measures[k].rests & 1u << t->status ? SLA_RESTS : SLA_REACHED;
		usec start = 0;
		for (int i = 0; p != NULL && i < p->goals; i++)
			if (p->goal[i].measure == k && p->goal[i].priority == t->priority)
				g = &p->goal[i];
		if (g == NULL) {
			TRY(target_left(cx, t->id, k, there[k], r, at));
			continue;
		}
		if (r->state == SLA_LEFT)
			*r = (struct row_target){ 0 };       /* a target again: anew */
		switch ((enum measure)k) {
		case FIRST_REPLY:
			/* Where staff wrote first, the requester's own first words are what waits for a reply. */
			if (r->state == 0 && m->replied_at == 0)
				start = t->submitter_id == t->requester_id || !t->is_public ? t->created_at : m->requester_at;
			if (m->replied_at != 0)
				state = SLA_REACHED;
			break;
		case NEXT_REPLY:
			if (said->requester && replied_before != 0 && r->state != SLA_RUNS)
				start = at;
			if (said->agent)
				state = SLA_REACHED;
			/* Only a new question begins it again. */
			else if (start == 0 && r->state == SLA_REACHED)
				state = SLA_REACHED;
			break;
		case PERIODIC_UPDATE: case PAUSABLE_UPDATE:
			if (r->state == 0 || said->agent)
				start = at;
			break;
		case GROUP_OWNERSHIP:
			if (t->group_id == 0)
				state = SLA_RESTS;
			if (t->group_id != 0 && (r->state == 0 || (ev->old != NULL && ev->old->group_id != t->group_id)))
				start = at;
			break;
		case TOTAL_RESOLUTION:
			start = r->state == 0 ? t->created_at : 0;
			break;
		default:
			start = r->state == 0 ? at : 0;
			break;
		}
		target_step(r, g, p->r.id, state, start, at, &hours);
		if (r->state == 0)
			continue;
		if (r->state == SLA_REACHED && r->ended_at != 0 && r->ended_at != was.ended_at)
			TRY(report_add(cx, FIG_SLA, r->ended_at, k, r->spent > r->target, 1));
		if (r->state == SLA_RUNS && r->due_at != 0 && (m->breach_at == 0 || r->due_at < m->breach_at))
			m->breach_at = r->due_at;
		if (!there[k] || r->policy_id != was.policy_id || r->target != was.target || r->business != was.business
		    || r->state != was.state || r->since != was.since || r->spent != was.spent || r->due_at != was.due_at
		    || r->ended_at != was.ended_at)
			TRY(store_exec(cx, &put_target, ARGS(INT(cx->account), INT(t->id), INT(k), INT(r->policy_id), INT(r->target),
			    INT(r->business), INT(r->state), INT(r->since), INT(r->spent), ID(r->due_at), ID(r->ended_at)), NULL));
	}
	return OK;
}

enum err
sla_targets(struct ctx *cx, int64_t ticket_id, struct sla_target **out, int *count)
{
	struct rows rs;
	int n = 0;

	TRY(store_all(cx, &get_targets, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	*out = NEW(cx->arena, struct sla_target, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		int k = (int)row_int(r, 0);
		struct sla_target *t = &(*out)[n];
		if (k <= 0 || k >= MEASURES)
			continue;
		*t = (struct sla_target){ .metric = measures[k].name, .policy_id = row_int(r, 1), .target = row_int(r, 2),
		    .business = row_int(r, 3) != 0, .spent = row_int(r, 6), .due_at = row_int(r, 7), .ended_at = row_int(r, 8) };
		t->state = row_int(r, 4) == SLA_RUNS ? SLA_RUNS : row_int(r, 4) == SLA_RESTS ? SLA_RESTS : row_int(r, 4) == SLA_LEFT ? SLA_LEFT : SLA_REACHED;
		n++;
	}
	*count = n;
	return OK;
}

enum err
metric_get(struct ctx *cx, const struct ticket *t, struct metric *m, struct metric_times *x)
{
	bool found = false;
	usec now = cx->now, more = 0, more_b = 0;
	const struct calendar *hours;
	const struct book *b;

	TRY(book_get(cx, &b));
	hours = schedule_hours(b, t->schedule_id);
	*m = (struct metric){ .ticket_id = t->id };
	*x = (struct metric_times){ 0 };
	TRY(metric_row(cx, t->id, m, &found));
	if (m->replied_at) {
		x->reply = m->replied_at - t->created_at;
		x->reply_b = hours_between(hours, t->created_at, m->replied_at);
	}
	if (m->first_solved_at) {
		x->first = m->first_solved_at - t->created_at;
		x->first_b = hours_between(hours, t->created_at, m->first_solved_at);
	}
	if (t->solved_at) {
		x->full = t->solved_at - t->created_at;
		x->full_b = hours_between(hours, t->created_at, t->solved_at);
	}
	if (m->status_at && t->status < TICKET_SOLVED && now > m->status_at) {
		more = now - m->status_at;
		more_b = hours_between(hours, m->status_at, now);
	}
	x->agent = m->agent_for + (t->status == TICKET_PENDING ? more : 0);
	x->agent_b = m->agent_for_b + (t->status == TICKET_PENDING ? more_b : 0);
	x->requester = m->requester_for + (t->status != TICKET_PENDING ? more : 0);
	x->requester_b = m->requester_for_b + (t->status != TICKET_PENDING ? more_b : 0);
	x->hold = m->hold_for + (t->status == TICKET_HOLD ? more : 0);
	x->hold_b = m->hold_for_b + (t->status == TICKET_HOLD ? more_b : 0);
	return OK;
}

/* ---- in the waist ----------------------------------------------------------------------------------------------------------- */

enum err
metric_on_ticket(struct ctx *cx, const struct rule_event *ev, const struct book *b)
{
	const struct ticket *t = ev->t, *old = ev->old;
	int64_t author = ev->a->author_id;
	usec at = old == NULL ? t->created_at : ev->a->created_at ? ev->a->created_at : cx->now;
	struct metric m = { .ticket_id = t->id }, before;
	struct said said = { 0 };
	usec replied_before;
	bool found = false, agent = false;

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
	replied_before = m.replied_at;
	if (old == NULL || t->status != old->status) {
		if (old != NULL)
			add_period(&m, schedule_hours(b, old->schedule_id), old->status, at);
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
		if (ev->comment->is_public && author != t->requester_id)
			TRY(by_agent(cx, author, &agent));
		if (agent && old != NULL) {
			m.replies++;
			if (m.replied_at == 0)
				m.replied_at = at;
		}
		said.agent = agent;
		said.requester = ev->comment->is_public && !agent;
	}
	if (!ev->import)
		TRY(targets_on_ticket(cx, ev, b, &m, replied_before, &said, at));
	if (found && memcmp(&m, &before, sizeof m) == 0)
		return OK;
	if (m.replied_at != 0 && before.replied_at == 0)
		TRY(report_time(cx, FIG_FIRST_REPLY, t->created_at, m.replied_at));
	if (m.first_solved_at != 0 && before.first_solved_at == 0)
		TRY(report_time(cx, FIG_RESOLUTION, t->created_at, m.first_solved_at));
	return metric_put(cx, &m);
}
