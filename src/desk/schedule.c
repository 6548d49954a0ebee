/* schedule.c - the account's schedules: which is a ticket's, and what follows when hours change.
 *
 * A ticket goes by the schedule that a trigger gave it (set_schedule); one that
 * has none, or whose schedule is gone, by the default, the first. Without any
 * schedule all hours are business hours.
 *
 * When the hours of a schedule change (it is changed or deleted, or it is the
 * first), what tickets have used of their targets stays as it was counted; the
 * rest is counted by the new hours. So the change keeps the hours that were in a
 * row of schedule_change, in its own transaction, and the book has them until
 * the row goes. A running target that began before the change gets what it used
 * until then and goes on from there (sla_settle): its `since` tells that it was
 * done, so doing it twice does nothing. A ticket that is written while the row
 * is there is settled in that transaction; the background settles the others by
 * ascending id, some in a transaction that also writes how far it came.
 */
#include <stdlib.h>

#include "desk/rule.h"

#define BATCH 50

static const struct stmt add_change = {
	.name = "schedule_change.insert",
	.sql  = "INSERT INTO schedule_change (account_id, id, schedule_id, was_default, at, after_id, settled, hours)"
	        " VALUES ($1, $2, $3, $4, $5, 0, 0, $6)",
	.in   = "iiiiit",
};

static const struct stmt all_changes = {
	.name = "schedule_change.all",
	.sql  = "SELECT s.id, s.schedule_id, s.was_default, s.at, s.after_id, s.settled, s.hours FROM schedule_change s"
	        " WHERE s.account_id = $1 ORDER BY s.id",
	.in   = "i", .out = "iiiiiit",
};

static const struct stmt come_on = {
	.name = "schedule_change.update",
	.sql  = "UPDATE schedule_change SET after_id = $3, settled = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiii",
};

static const struct stmt drop_change = {
	.name = "schedule_change.delete",
	.sql  = "DELETE FROM schedule_change WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt running = {
	.name = "sla_target.running",
	.sql  = "SELECT DISTINCT s.ticket_id FROM sla_target s WHERE s.account_id = $1 AND s.ticket_id > $2 AND s.state = 1"
	        " AND s.business = 1 ORDER BY s.ticket_id LIMIT $3",
	.in   = "iii", .out = "i",
};

const struct stmt *const schedule_stmts[] = { &add_change, &all_changes, &come_on, &drop_change, &running, NULL };

/* ---- whose ---------------------------------------------------------------------------------------------------------- */

const struct compiled *
schedule_find(const struct book *b, int64_t id)
{
	for (int i = b->from[RULE_SCHEDULE]; i < b->from[RULE_SCHEDULE + 1]; i++)
		if (b->rule[i].r.id == id && b->rule[i].calendar != NULL)
			return &b->rule[i];
	return NULL;
}

const struct compiled *
schedule_of(const struct book *b, int64_t id)
{
	const struct compiled *c = id != 0 ? schedule_find(b, id) : NULL;

	for (int i = b->from[RULE_SCHEDULE]; i < b->from[RULE_SCHEDULE + 1] && c == NULL; i++)
		if (b->rule[i].calendar != NULL)
			c = &b->rule[i];
	return c;
}

const struct calendar *
schedule_hours(const struct book *b, int64_t id)
{
	const struct compiled *c = schedule_of(b, id);

	return c ? c->calendar : NULL;
}

usec
hours_between(const struct calendar *c, usec from, usec to)
{
	return c ? calendar_between(c, from, to) : to - from;
}

usec
hours_after(const struct calendar *c, usec at, usec span)
{
	return c ? calendar_after(c, at, span) : at + span;
}

enum err
business_between(struct ctx *cx, int64_t schedule, usec a, usec b, usec *out)
{
	const struct book *book;

	TRY(book_get(cx, &book));
	*out = hours_between(schedule_hours(book, schedule), a, b);
	return OK;
}

/* ---- what follows when hours change --------------------------------------------------------------------------------- */

/* What hours a schedule has, and nothing else of it: names of holidays are sealed with it. */
static str
hours_text(struct ctx *cx, const struct rule *r)
{
	json_t *spec, *hours, *days, *one;
	char *z;
	str out;
	size_t i;

	if (r == NULL || json_parse(cx, r->extra, &spec) != OK) {
		fail_forget(cx);
		return S("");
	}
	hours = json_object();
	days = json_array();
	json_object_set(hours, "time_zone", json_object_get(spec, "time_zone"));
	json_object_set(hours, "intervals", json_object_get(spec, "intervals"));
	json_array_foreach(json_object_get(spec, "holidays"), i, one) {
		json_t *day = json_object();
		json_object_set(day, "start_date", json_object_get(one, "start_date"));
		json_object_set(day, "end_date", json_object_get(one, "end_date"));
		json_array_append_new(days, day);
	}
	json_object_set_new(hours, "holidays", days);
	z = json_dumps(hours, JSON_COMPACT);
	json_decref(hours);
	out = z ? str_dup(cx->arena, str_of(z)) : S("");
	free(z);
	return out;
}

enum err
schedule_changed(struct ctx *cx, const struct rule *old, const struct rule *now, bool was_default)
{
	str before = hours_text(cx, old);
	int64_t id;

	/* A new one that is not the first is nobody's yet. */
	if (str_eq(before, hours_text(cx, now)) || (old == NULL && !was_default))
		return OK;
	TRY(store_next_id(cx, "schedule_change", &id));
	return store_exec(cx, &add_change, ARGS(INT(cx->account), INT(id), INT(old ? old->id : now->id), INT(was_default), INT(cx->now),
	    TEXT(before)), NULL);
}

enum err
schedule_changes(struct ctx *cx, struct book *b)
{
	struct rows rs;

	TRY(store_all(cx, &all_changes, ARGS(INT(cx->account)), &rs));
	b->change = NEW(cx->arena, struct schedule_change, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		struct schedule_change *c = &b->change[b->changes++];
		json_t *hours;
		*c = (struct schedule_change){ .id = row_int(r, 0), .schedule_id = row_int(r, 1), .was_default = row_int(r, 2) != 0,
		    .at = row_int(r, 3), .after_id = row_int(r, 4), .settled = row_int(r, 5) };
		if (row_str(r, 6).n == 0)
			continue;
		TRY(json_parse(cx, row_str(r, 6), &hours));
		calendar_read(cx, hours, &c->calendar);
	}
	return OK;
}

bool
schedule_concerns(const struct book *b, const struct schedule_change *c, int64_t schedule)
{
	if (schedule == c->schedule_id)
		return true;
	if (!c->was_default)
		return false;
	/* Did it go by the default then? One that is deleted by a later change was still there. */
	for (int i = 0; i < b->changes; i++)
		if (b->change[i].id > c->id && b->change[i].schedule_id == schedule)
			return false;
	return schedule == 0 || schedule_find(b, schedule) == NULL;
}

static enum err
step_tx(struct ctx *cx, void *arg)
{
	bool *more = arg;
	struct schedule_change c;
	const struct book *b;
	struct trail_field f;
	struct rows rs, ids;

	TRY(store_all(cx, &all_changes, ARGS(INT(cx->account)), &rs));
	if (rs.count == 0)
		return OK;
	c = (struct schedule_change){ .id = row_int(&rs.row[0], 0), .schedule_id = row_int(&rs.row[0], 1),
	    .after_id = row_int(&rs.row[0], 4), .settled = row_int(&rs.row[0], 5) };
	TRY(book_get(cx, &b));
	TRY(store_all(cx, &running, ARGS(INT(cx->account), INT(c.after_id), INT(BATCH)), &ids));
	for (int i = 0; i < ids.count; i++) {
		bool settled;
		c.after_id = row_int(&ids.row[i], 0);
		TRY(sla_settle(cx, b, c.after_id, &settled));
		c.settled += settled;
	}
	*more = true;
	if (ids.count == BATCH)
		return store_exec(cx, &come_on, ARGS(INT(cx->account), INT(c.id), INT(c.after_id), INT(c.settled)), NULL);
	TRY(store_exec(cx, &drop_change, ARGS(INT(cx->account), INT(c.id)), NULL));
	view_forget(cx);
	book_changed(cx);
	f = (struct trail_field){ .name = "tickets", .has_after = true,
	    .after = HIDE(str_printf(cx->arena, "%lld", (long long)c.settled)) };
	return trail_append(cx, &(struct event){ .action = "schedule.recount", .object = "schedule", .id = c.schedule_id, .field = &f, .count = 1 });
}

enum err
schedules_step(struct ctx *cx, bool *more)
{
	const struct actor *actor = cx->actor;
	const struct book *b;
	enum err e;

	*more = false;
	TRY(book_get(cx, &b));
	if (b->changes == 0)
		return OK;
	gate_as_system(cx, "schedule");
	e = store_write(cx, step_tx, more);
	cx->actor = actor;
	if (e != OK)
		*more = false;
	return e;
}
