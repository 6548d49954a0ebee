/* clock.c - the metric events of a ticket, played again from its audits.
 *
 * A clock per metric runs in some statuses, rests in others and is done in the
 * rest; it begins anew, as the next instance, when a new question comes, a
 * solved ticket is opened again, an agent updates, a group takes over. Nothing
 * is written down for it: what an event is called and when it was follow from
 * the audit that it came with, and so does its number
 *
 *     audit id * 64 + metric * 8 + type
 *
 * which stays what it is whatever comes later. A policy's target and its breach
 * have the number of the audit that began their instance. */
#include "desk/report.h"
#include "desk/rule.h"

enum clock_metric { C_REPLY, C_WAIT, C_WORK, C_PERIODIC, C_PAUSABLE, C_RESOLUTION, C_GROUP, C_METRICS };
enum clock_type { E_ACTIVATE, E_PAUSE, E_FULFILL, E_STATUS, E_MEASURE, E_APPLY, E_BREACH };
#define ST(s) (1u << TICKET_ ## s)
static const struct { const char *name; unsigned rests; } clocks[C_METRICS] = {
	[C_REPLY]      = { "reply_time",           0 },
	[C_WAIT]       = { "requester_wait_time",  ST(PENDING) },
	[C_WORK]       = { "agent_work_time",      ST(PENDING) | ST(HOLD) },
	[C_PERIODIC]   = { "periodic_update_time", 0 },
	[C_PAUSABLE]   = { "pausable_update_time", ST(PENDING) },
	[C_RESOLUTION] = { "resolution_time",      0 },
	[C_GROUP]      = { "group_ownership_time", ST(PENDING) | ST(HOLD) },
};
static const struct { const char *target; enum clock_metric metric; } of_target[] = {
	{ "first_reply_time", C_REPLY }, { "next_reply_time", C_REPLY }, { "requester_wait_time", C_WAIT },
	{ "agent_work_time", C_WORK }, { "periodic_update_time", C_PERIODIC }, { "pausable_update_time", C_PAUSABLE },
	{ "total_resolution_time", C_RESOLUTION }, { "group_ownership_time", C_GROUP },
};

static const struct stmt said = {
	.name = "clock.comments",
	.sql  = "SELECT c.audit_id, c.author_id, c.is_public, coalesce((SELECT u.role FROM users u"
	        " WHERE u.account_id = c.account_id AND u.id = c.author_id), 0)" OF_TICKET("c", "$2") " ORDER BY a.id",
	.in   = "ii", .out = "iiii",
};

/* Missed by tickets that did not change since then. */
static const struct stmt idle = {
	.name = "clock.idle",
	.sql  = "SELECT DISTINCT s.ticket_id FROM sla_target s JOIN ticket t ON t.account_id = s.account_id AND t.id = s.ticket_id"
	        " WHERE s.account_id = $1 AND s.state = 1 AND s.due_at >= $2 AND s.due_at <= $3 AND t.generated_at < $2"
	        " ORDER BY s.ticket_id LIMIT $4",
	.in   = "iiii", .out = "i",
};

const struct stmt *const clock_stmts[] = { &said, &idle, NULL };

struct clock { int instance; enum { OFF, RUNS, RESTS, DONE } state; usec since, spent, spent_b, began; int64_t audit, first_audit; usec first_began; };
struct replay {
	struct ctx    *cx;
	const struct ticket *t;
	struct metric_event *e;
	int            n, cap;
	int64_t        audit;
	struct clock   c[C_METRICS];
};

static struct metric_event *
add(struct replay *r, int64_t audit, enum clock_metric m, enum clock_type type, int instance, usec at)
{
	static const char *const names[] = { "activate", "pause", "fulfill", "update_status", "measure", "apply_sla", "breach" };

	if (r->n == r->cap) {
		struct metric_event *more = NEW(r->cx->arena, struct metric_event, r->cap = r->cap ? r->cap * 2 : 32);
		if (r->n)
			memcpy(more, r->e, sizeof *more * (size_t)r->n);
		r->e = more;
	}
	r->e[r->n] = (struct metric_event){ .id = audit * 64 + m * 8 + type, .ticket_id = r->t->id, .instance = instance,
	    .metric = clocks[m].name, .type = names[type], .at = at, .deleted = r->t->deleted_at != 0 };
	return &r->e[r->n++];
}

static enum err
stop(struct replay *r, enum clock_metric m, bool done, usec at)
{
	struct clock *c = &r->c[m];
	usec business;

	if (c->state != RUNS && !(done && c->state == RESTS))
		return OK;
	if (c->state == RUNS && at > c->since) {
		TRY(business_between(r->cx, r->t->schedule_id, c->since, at, &business));
		c->spent += at - c->since;
		c->spent_b += business;
	}
	c->state = done ? DONE : RESTS;
	(void)add(r, r->audit, m, done ? E_FULFILL : E_PAUSE, c->instance, at);
	{
		struct metric_event *e = add(r, r->audit, m, E_STATUS, c->instance, at);
		e->has_spent = true;
		e->spent = c->spent;
		e->spent_b = c->spent_b;
	}
	return OK;
}

/* Begins, or goes on after a rest. */
static void
start(struct replay *r, enum clock_metric m, usec at)
{
	struct clock *c = &r->c[m];

	if (c->state == RUNS)
		return;
	if (c->state != RESTS) {
		if (c->instance++ == 0) {
			(void)add(r, r->audit, m, E_MEASURE, 0, at);
			c->first_audit = r->audit;
			c->first_began = at;
		}
		c->spent = c->spent_b = 0;
		c->audit = r->audit;
		c->began = at;
	}
	c->state = RUNS;
	c->since = at;
	(void)add(r, r->audit, m, E_ACTIVATE, c->instance, at);
}

static enum err
by_status(struct replay *r, enum clock_metric m, enum ticket_status s, bool begins, usec at)
{
	if (s >= TICKET_SOLVED)
		return stop(r, m, true, at);
	if (clocks[m].rests & 1u << s)
		return stop(r, m, false, at);
	if (begins || r->c[m].state == RESTS)
		start(r, m, at);
	return OK;
}

/* What an audit made of status and group: the last event that says so. */
static void
of_audit(const struct audit *a, enum ticket_status *status, int64_t *group)
{
	for (int i = 0; i < a->event_count; i++) {
		const struct audit_event *e = &a->event[i];
		str v = e->value.hidden;
		if (v.n >= 2 && v.p[0] == '"')
			v = str_sub(v, 1, v.n - 2);
		if (str_eq(e->field, S("status")))
			(void)status_of(v, status);
		else if (str_eq(e->field, S("group_id")) && !str_int(v, group))
			*group = 0;
	}
}

static enum err
step(struct replay *r, enum ticket_status was, enum ticket_status is, int64_t group_was, int64_t group, bool first, bool agent, bool requester,
    usec at)
{
	bool opened = first || was >= TICKET_SOLVED;

	if (first)
		start(r, C_REPLY, at);
	else if (agent)
		TRY(stop(r, C_REPLY, true, at));
	else if (requester && r->c[C_REPLY].state == DONE)
		start(r, C_REPLY, at);
	TRY(by_status(r, C_WAIT, is, opened, at));
	TRY(by_status(r, C_WORK, is, opened, at));
	TRY(by_status(r, C_RESOLUTION, is, opened, at));
	if (agent) {
		TRY(stop(r, C_PERIODIC, true, at));
		TRY(stop(r, C_PAUSABLE, true, at));
	}
	TRY(by_status(r, C_PERIODIC, is, agent, at));
	TRY(by_status(r, C_PAUSABLE, is, agent, at));
	if (group != group_was)
		TRY(stop(r, C_GROUP, true, at));
	return group != 0 ? by_status(r, C_GROUP, is, group != group_was || opened, at) : OK;
}

/* Targets that the ticket has, and those that it missed. */
static enum err
targets(struct replay *r)
{
	struct sla_target *s;
	int n;

	TRY(sla_targets(r->cx, r->t->id, &s, &n));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < (int)COUNT(of_target); k++) {
			enum clock_metric m = of_target[k].metric;
			bool left = s[i].state == SLA_LEFT, over = s[i].state >= SLA_REACHED;
			int64_t audit = k == 0 ? r->c[m].first_audit : r->c[m].audit;
			int instance = k == 0 ? 1 : r->c[m].instance;
			struct metric_event *e;
			if (strcmp(s[i].metric, of_target[k].target) != 0)
				continue;
			if (audit == 0)              /* its clock never began in the audits: a ticket from before */
				audit = r->audit;
			if (!left) {
				e = add(r, audit, m, E_APPLY, instance ? instance : 1, k == 0 ? r->c[m].first_began : r->c[m].began);
				e->policy_id = s[i].policy_id;
				e->target = s[i].target;
				e->business = s[i].business;
				if (m == C_GROUP)
					e->type = "apply_group_sla";
				if (e->at == 0)
					e->at = r->t->created_at;
			}
			if (s[i].due_at && s[i].due_at < (over ? s[i].ended_at : r->cx->now))
				(void)add(r, audit, m, E_BREACH, instance ? instance : 1, s[i].due_at);
		}
	return OK;
}

static int
by_time(const void *a, const void *b)
{
	const struct metric_event *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->id > y->id) - (x->id < y->id);
}

enum err
ticket_metric_events(struct ctx *cx, const struct ticket *t, struct metric_event **out, int *count)
{
	struct replay r = { .cx = cx, .t = t };
	enum ticket_status status = TICKET_NEW;
	int64_t group = 0;
	struct audit *a;
	struct rows rs;
	int n, k = 0;

	TRY(gate_may(cx, MAY_EXPORT, NULL));
	TRY(audits_of(cx, t->id, &a, &n));
	TRY(store_all(cx, &said, ARGS(INT(cx->account), INT(t->id)), &rs));
	for (int i = 0; i < n; i++) {
		enum ticket_status was = status;
		int64_t group_was = group;
		bool agent = false, requester = false;
		of_audit(&a[i], &status, &group);
		r.audit = a[i].id;
		for (; k < rs.count && row_int(&rs.row[k], 0) <= a[i].id; k++) {
			bool public = row_int(&rs.row[k], 2) != 0, of_requester = row_int(&rs.row[k], 1) == t->requester_id;
			if (row_int(&rs.row[k], 0) != a[i].id || !public)
				continue;
			agent = agent || (i > 0 && !of_requester && row_int(&rs.row[k], 3) >= ROLE_AGENT);
			requester = requester || of_requester || row_int(&rs.row[k], 3) < ROLE_AGENT;
		}
		TRY(step(&r, was, status, group_was, group, i == 0, agent, requester, a[i].created_at));
	}
	TRY(targets(&r));
	if (r.n > 1)
		qsort(r.e, (size_t)r.n, sizeof *r.e, by_time);
	*out = r.e;
	*count = r.n;
	return OK;
}

enum err
ticket_idle_breaches(struct ctx *cx, usec from, int limit, struct ticket **out, int *count)
{
	struct rows rs;
	int64_t *ids;

	TRY(gate_may(cx, MAY_EXPORT, NULL));
	TRY(store_all(cx, &idle, ARGS(INT(cx->account), INT(from), INT(cx->now), INT(limit)), &rs));
	ids = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		ids[i] = row_int(&rs.row[i], 0);
	return ticket_many(cx, ids, rs.count, out, count);
}
