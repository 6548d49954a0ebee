/* retention.c - deletion schedules: closed tickets that are old enough, and people long not heard of, are erased for good.
 *
 * A schedule of tickets has the conditions of rules (rule.c), read as a view's, with
 * one more: duration_since_last_update greater_than P1Y, which becomes the
 * hours that have gone by since that moment of the calendar. Only what was
 * closed is deleted, and only by a schedule that says how old it must be. Those of
 * people are idle.c's.
 *
 * A run goes through the active schedules by id, and through the tickets or people of
 * each by ascending id. One that goes is one transaction, which deletes and erases
 * it and writes how far the run has come, so a crash repeats nothing and the
 * run goes on where it was. In that transaction the schedule is read again: one
 * that was changed or switched off meanwhile deletes nothing more. Conditions
 * that do not compile any more (a field is gone) delete nothing at all.
 */
#include <stdlib.h>

#include "desk/def.h"
#include "desk/rule.h"

#define HOUR ((usec)3600 * SECOND)
#define HOURS_MAX 876000             /* 100 years */
#define LOOK 500                     /* tickets or people that one step looks at */
#define BATCH 50                     /* and deletes */
#define LOOKED_MAX 200000            /* tickets that a preview looks at */

static const struct stmt get_run = {
	.name = "retention_run.get",
	.sql  = "SELECT r.at, r.done, r.schedule_id, r.after_id, r.deleted FROM retention_run r"
	        " WHERE r.account_id = $1 AND r.id = 1",
	.in   = "i", .out = "iiiii",
};

static const struct stmt put_run = {
	.name = "retention_run.put",
	.sql  = "INSERT INTO retention_run (account_id, id, at, done, schedule_id, after_id, deleted)"
	        " VALUES ($1, 1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, id) DO UPDATE SET at = excluded.at,"
	        " done = excluded.done, schedule_id = excluded.schedule_id, after_id = excluded.after_id,"
	        " deleted = excluded.deleted",
	.in   = "iiiiii",
};

const struct stmt *const retention_stmts[] = { &get_run, &put_run, NULL };

/* ---- conditions --------------------------------------------------------------------------------------------------- */

static void
wrong(struct ctx *cx, const char *why)
{
	bad(cx, "conditions", "InvalidValue", why);
}

/* An ISO 8601 duration (P1Y6M, P2W, P30D, PT12H) as the whole hours from that moment of the calendar to `now`, rounded
 * up: nothing goes before its time. */
bool
retention_hours(str s, usec now, int64_t *hours)
{
	static const int days_of[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t years = 0, months = 0, days = 0, span = 0, n;
	int y, mo, d, h, mi, sec, most;
	const char *order = "YMWDH", *at = order;
	bool in_time = false;

	if (s.n < 3 || s.p[0] != 'P')
		return false;
	for (size_t i = 1, from; i < s.n; i++) {
		if (s.p[i] == 'T' && !in_time) {
			in_time = true;
			at = order + 4;
			i++;
		}
		for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			;
		if (i == s.n || i == from || i - from > 6 || !str_int(str_sub(s, from, i - from), &n))
			return false;
		while (*at && *at != s.p[i])
			at++;
		if (*at == 0 || (*at == 'H') != in_time)
			return false;
		switch (*at++) {
		case 'Y': years = n; break;
		case 'M': months = n; break;
		case 'W': days = n * 7; break;
		case 'D': days += n; break;
		default:  span = n; break;
		}
	}
	months += years * 12;
	if (months > 1200 || days > 36525 || span > HOURS_MAX)
		return false;
	time_civil(now, &y, &mo, &d, &h, &mi, &sec);
	n = (int64_t)y * 12 + mo - 1 - months;
	y = (int)(n / 12);
	mo = (int)(n % 12) + 1;
	most = days_of[mo - 1] + (mo == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0));
	n = now - time_of_civil(y, mo, d < most ? d : most, h, mi, sec);
	*hours = (n + HOUR - 1) / HOUR + days * 24 + span;
	if (months == 0)
		*hours = days * 24 + span;
	return *hours >= 1 && *hours <= HOURS_MAX;
}

/* The list as rules know it; a reference of its own. */
static json_t *
translated(struct ctx *cx, const json_t *list, usec now)
{
	json_t *out = json_array(), *one;
	size_t i;

	json_array_foreach(list, i, one) {
		str op = rule_text(cx, json_object_get(one, "operator"));
		int64_t hours = 0;
		if (!str_eq(rule_text(cx, json_object_get(one, "field")), S("duration_since_last_update"))) {
			json_array_append(out, one);
			continue;
		}
		if (!str_eq(op, S("greater_than")) || !retention_hours(rule_text(cx, json_object_get(one, "value")), now, &hours))
			wrong(cx, "Conditions: duration_since_last_update takes greater_than and a duration from an hour to 100 years, such as P1Y,"
			    " P18M, P30D or PT12H");
		else
			json_array_append_new(out, json_pack("{s:s,s:s,s:I}", "field", "updated_at", "operator", "greater_than", "value", (json_int_t)hours));
	}
	return out;
}

/* Does it let only what is old go. */
static bool
says_age(const struct compiled *c)
{
	static const char *const ages[] = { "updated_at", "created_at", "SOLVED", "CLOSED" };

	for (int i = 0; i < c->alls; i++)
		for (size_t k = 0; k < COUNT(ages); k++)
			if (strcmp(c->all[i].row->name, ages[k]) == 0 && (c->all[i].op == OP_GREATER || c->all[i].op == OP_GREATER_B)
			    && c->all[i].nums > 0 && c->all[i].num[0] > 0)
				return true;
	return false;
}

/* What is wrong is noted with bad(). */
static void
compile(struct ctx *cx, const json_t *conditions, usec now, struct compiled *out)
{
	json_t *both = json_object();
	struct rule r = { .kind = RULE_VIEW };
	char *z;

	json_object_set_new(both, "all", translated(cx, json_object_get(conditions, "all"), now));
	json_object_set_new(both, "any", translated(cx, json_object_get(conditions, "any"), now));
	z = json_dumps(both, JSON_COMPACT);
	json_decref(both);
	r.conditions = str_dup(cx->arena, str_of(z ? z : "x"));
	free(z);
	if (r.conditions.n < 2)
		wrong(cx, "Conditions: are too large");
	rule_compile(cx, &r, out);
	for (int i = 0; i < out->alls + out->anys; i++) {
		const struct cond *c = i < out->alls ? &out->all[i] : &out->any[i - out->alls];
		for (int k = 0; k < c->nums; k++)
			if ((c->row->type == VAL_AGENT || c->row->type == VAL_USER || c->row->type == VAL_GROUP)
			    && (c->num[k] == NUM_ME || c->num[k] == NUM_MY_GROUPS))
				wrong(cx, "Conditions: nobody looks when a schedule runs; name an agent or a group, not the current one");
	}
	rule_fields_check(cx, out);
}

void
retention_check(struct ctx *cx, str object, const json_t *conditions, bool active)
{
	struct compiled c;
	struct idle people;

	if (str_eq(object, S("zen:user"))) {
		idle_read(cx, conditions, cx->now, &people);
		if (active && people.hours == 0)
			wrong(cx, "Conditions: an active schedule must say under all how long nothing was heard, such as duration_since_last_activity"
			    " greater_than P2Y");
		return;
	}
	if (!str_eq(object, S("zen:ticket"))) {
		bad(cx, "object", "InvalidValue", "Object: only zen:ticket and zen:user can be deleted by a schedule here; attachments are deleted"
		    " one by one or with their tickets");
		return;
	}
	compile(cx, conditions, cx->now, &c);
	if (active && !says_age(&c))
		wrong(cx, "Conditions: an active schedule must say under all how old a ticket has to be, such as duration_since_last_update"
		    " greater_than P1Y");
}

/* What a schedule looks for, as it is now. */
struct search { bool users, aged; struct compiled tickets; struct idle people; };

/* *ok false: it can delete nothing as it is. */
static enum err
ready(struct ctx *cx, const struct def *d, usec now, struct search *out, bool *ok)
{
	const json_t *conditions = json_object_get(d->doc, "conditions");
	str object = def_text(d, "object");
	enum err e;

	*ok = false;
	*out = (struct search){ .users = str_eq(object, S("zen:user")) };
	if (out->users) {
		idle_read(cx, conditions, now, &out->people);
		out->aged = out->people.hours > 0;
	} else if (str_eq(object, S("zen:ticket"))) {
		compile(cx, conditions, now, &out->tickets);
		out->aged = says_age(&out->tickets);
	} else
		return OK;
	e = bad_check(cx);
	if (e == E_INVALID) {
		fail_clear(cx);
		return OK;
	}
	TRY(e);
	*ok = true;
	return OK;
}

/* Some that may be among them, by id behind `after`. */
static enum err
candidates(struct ctx *cx, const struct search *s, int64_t after, usec now, int64_t **ids, int *n)
{
	if (s->users)
		return user_idle(cx, now - s->people.hours * HOUR, after, LOOK, ids, n);
	return rule_candidates(cx, &s->tickets, true, after, now, LOOK, ids, n);
}

/* Is this one that goes now. */
static enum err
goes(struct ctx *cx, const struct search *search, int64_t id, usec now, bool *yes)
{
	const struct compiled *c = &search->tickets;
	struct ticket t;
	struct subject s = { .cx = cx, .now = now, .t = &t, .role = ROLE_SYSTEM };
	enum err e;

	*yes = false;
	if (search->users)
		return idle_goes(cx, &search->people, id, now, yes);
	e = ticket_row(cx, id, &t);
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	*yes = t.status == TICKET_CLOSED && !t.deleted_at && !t.erased && rule_holds(&s, c) && s.e == OK;
	return s.e;
}

/* The same, leaving nothing behind in the arena: most that are looked at stay. */
static enum err
looks(struct ctx *cx, struct arena *scratch, const struct search *c, int64_t id, usec now, bool *yes)
{
	struct arena *own = cx->arena;
	enum err e;

	cx->arena = scratch;
	e = goes(cx, c, id, now, yes);
	cx->arena = own;
	if (e != OK && cx->fail.why != NULL)
		cx->fail.why = str_z(own, str_of(cx->fail.why));
	arena_reset(scratch);
	return e;
}

/* ---- runs --------------------------------------------------------------------------------------------------------- */

static enum err
run_get(struct ctx *cx, struct retention_run *out, bool *found)
{
	struct row r;
	enum err e = store_one(cx, &get_run, ARGS(INT(cx->account)), &r);

	*found = e == OK;
	if (e == E_ABSENT) {
		fail_forget(cx);
		*out = (struct retention_run){ .done = true };
		return OK;
	}
	if (e == OK)
		*out = (struct retention_run){ row_int(&r, 0), row_int(&r, 1) != 0, row_int(&r, 2), row_int(&r, 3), row_int(&r, 4) };
	return e;
}

static enum err
put_tx(struct ctx *cx, void *arg)
{
	const struct retention_run *r = arg;

	return store_exec(cx, &put_run, ARGS(INT(cx->account), INT(r->at), INT(r->done), INT(r->schedule_id), INT(r->after_id),
	    INT(r->deleted)), NULL);
}

struct one { const struct def *d; const struct search *c; int64_t id; struct retention_run *run; bool stale; };

static enum err
one_tx(struct ctx *cx, void *arg)
{
	struct one *w = arg;
	struct retention_run run = *w->run;
	struct def now;
	bool yes;
	enum err e = def_get(cx, DEF_SCHEDULE, w->d->id, &now);

	if (e == E_ABSENT)
		fail_forget(cx);
	else
		TRY(e);
	w->stale = e == E_ABSENT || !now.active || now.updated_at != w->d->updated_at;
	if (w->stale)
		return OK;
	run.after_id = w->id;
	TRY(goes(cx, w->c, w->id, run.at, &yes));
	if (yes) {
		const char *cause = str_z(cx->arena, str_printf(cx->arena, "deletion_schedule:%lld", (long long)w->d->id));
		TRY(w->c->users ? idle_retire(cx, w->id, cause) : ticket_retire(cx, w->id, cause));
		run.deleted++;
	}
	TRY(put_tx(cx, &run));
	*w->run = run;
	return OK;
}

/* The active schedule with this id or the next above it; NULL: none. */
static const struct def *
schedule_from(const struct defs *all, int64_t id)
{
	const struct def *next = NULL;
	int n;
	const struct def *const *d = def_all(all, DEF_SCHEDULE, &n);

	for (int i = 0; i < n; i++)
		if (d[i]->active && d[i]->id >= id && (next == NULL || d[i]->id < next->id))
			next = d[i];
	return next;
}

static enum err
step(struct ctx *cx, bool force, bool *more)
{
	const struct defs *all;
	const struct def *d;
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	struct retention_run run;
	struct search c;
	int64_t *ids;
	bool found, ok = false, yes;
	int n = 0, gone = 0;

	*more = false;
	TRY(run_get(cx, &run, &found));
	if (run.done || force) {
		/* Once an hour: when the clock's hour is another than the last run's. */
		if (!force && found && run.at / HOUR == cx->now / HOUR)
			return OK;
		run = (struct retention_run){ .at = cx->now };
		TRY(store_write(cx, put_tx, &run));
	}
	TRY(defs_get(cx, &all));
	if ((d = schedule_from(all, run.schedule_id)) == NULL) {
		run.done = true;
		return store_write(cx, put_tx, &run);
	}
	if (d->id != run.schedule_id) {
		run.schedule_id = d->id;
		run.after_id = 0;
	}
	TRY(ready(cx, d, run.at, &c, &ok));
	if (ok && c.aged)
		TRY(candidates(cx, &c, run.after_id, run.at, &ids, &n));
	for (int i = 0; i < n && gone < BATCH; i++) {
		struct one w = { d, &c, ids[i], &run, false };
		enum err e;
		TRY(looks(cx, scratch, &c, ids[i], run.at, &yes));
		if (!yes) {
			run.after_id = ids[i];
			continue;
		}
		gone++;
		e = store_write(cx, one_tx, &w);
		if (e == E_INVALID || e == E_ABSENT || e == E_DENIED || e == E_LIMIT || e == E_CONFLICT) {
			/* This one cannot go now; the others can. */
			fail_clear(cx);
			run.after_id = ids[i];
		} else
			TRY(e);
		if (w.stale || (cx->stop != NULL && *cx->stop))
			break;
	}
	if (n == 0) {
		run.schedule_id = d->id + 1;
		run.after_id = 0;
	}
	TRY(store_write(cx, put_tx, &run));
	if (gone > 0)
		TRY(store_erase(cx));
	*more = true;
	return OK;
}

static pthread_mutex_t one_runs = PTHREAD_MUTEX_INITIALIZER;

static enum err
forced_tx(struct ctx *cx, void *arg UNUSED)
{
	return trail_append(cx, &(struct event){ .action = "deletion_schedule.run", .object = "account", .id = cx->account });
}

enum err
retention_step(struct ctx *cx, bool force, bool *more)
{
	const struct actor *actor = cx->actor;
	enum err e;

	if (force) {
		TRY(gate_may(cx, MAY_ADMIN, NULL));
		TRY(store_write(cx, forced_tx, NULL));
	}
	/* Whoever asks for it, the schedules do it. */
	gate_as_system(cx, "deletion_schedule");
	pthread_mutex_lock(&one_runs);
	e = step(cx, force, more);
	pthread_mutex_unlock(&one_runs);
	cx->actor = actor;
	return e;
}

enum err
retention_state(struct ctx *cx, struct retention_run *out)
{
	bool found;

	TRY(gate_may(cx, MAY_READ_POSTURE, NULL));
	return run_get(cx, out, &found);
}

static enum err
preview(struct ctx *cx, const struct search *c, usec until, struct retention_preview *out)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	int64_t *ids, after = 0;
	int n = 1, looked = 0;

	for (out->whole = true; n > 0; looked += n) {
		if (looked >= LOOKED_MAX || time_mono() > until) {
			out->whole = false;
			return OK;
		}
		TRY(candidates(cx, c, after, cx->now, &ids, &n));
		for (int i = 0; i < n; i++) {
			bool yes;
			after = ids[i];
			TRY(looks(cx, scratch, c, ids[i], cx->now, &yes));
			if (yes && out->count < RETENTION_SHOWN)
				out->id[out->count] = ids[i];
			out->count += yes;
		}
	}
	return OK;
}

enum err
retention_preview(struct ctx *cx, int64_t id, usec time_for, struct retention_preview *out)
{
	const struct actor *actor = cx->actor;
	struct search c;
	struct def d;
	enum err e;
	bool ok;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(def_get(cx, DEF_SCHEDULE, id, &d));
	*out = (struct retention_preview){ .whole = true };
	TRY(ready(cx, &d, cx->now, &c, &ok));
	if (!ok)
		return fail(cx, E_INVALID, NULL, "the schedule deletes nothing as it is: its object or a condition is not known here; change it");
	out->ready = c.aged;
	out->users = c.users;
	if (c.users && !c.aged)                  /* of everybody who is not heard of since just now, nothing is to be said */
		return OK;
	gate_as_system(cx, "deletion_schedule");
	e = preview(cx, &c, time_mono() + time_for, out);
	cx->actor = actor;
	return e;
}
