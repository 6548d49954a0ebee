/* idle.c - deletion schedules of people: requesters of whom nothing was heard for long.
 *
 * Somebody's last activity is the latest of: made, changed, signed in, a
 * change of a ticket that they asked for or are copied on. Who has a ticket
 * that is not closed, or that is deleted and could be restored, is never
 * deleted, and neither is staff. Conditions are few, all under `all`:
 * duration_since_last_activity greater_than P2Y, organization_id, current_tags
 * (of the person).
 */
#include "desk/def.h"
#include "desk/in.h"
#include "desk/rule.h"

#define HOUR ((usec)3600 * SECOND)
#define CONDITIONS_MAX 20
#define DELETED_MAX 1000             /* of somebody with more deleted tickets it is not known whether all are erased: they stay */

static void
wrong(struct ctx *cx, const char *why)
{
	bad(cx, "conditions", "InvalidValue", why);
}

static void
read_one(struct ctx *cx, const json_t *one, usec now, struct idle *out)
{
	str field = rule_text(cx, json_object_get(one, "field")), op = rule_text(cx, json_object_get(one, "operator")),
	    value = str_trim(rule_text(cx, json_object_get(one, "value")));
	struct idle_test *t = &out->test[out->tests];
	int64_t hours;

	if (str_eq(field, S("duration_since_last_activity"))) {
		if (!str_eq(op, S("greater_than")) || !retention_hours(value, now, &hours))
			wrong(cx, "Conditions: duration_since_last_activity takes greater_than and a duration from an hour to 100 years, such as P2Y");
		else if (hours > out->hours)
			out->hours = hours;
		return;
	}
	*t = (struct idle_test){ .tags = str_eq(field, S("current_tags")) };
	if (t->tags && value.n > 0 && (str_eq(op, S("includes")) || str_eq(op, S("not_includes")))) {
		t->not = str_eq(op, S("not_includes"));
		t->words = tag_lower(cx, value);
	} else if (str_eq(field, S("organization_id")) && (str_eq(op, S("is")) || str_eq(op, S("is_not")))
	    && (value.n == 0 || (str_int(value, &t->organization_id) && t->organization_id > 0)))
		t->not = str_eq(op, S("is_not"));
	else {
		wrong(cx, "Conditions: a schedule of zen:user knows duration_since_last_activity, organization_id (is, is_not) and current_tags"
		    " (includes, not_includes)");
		return;
	}
	out->tests++;
}

void
idle_read(struct ctx *cx, const json_t *conditions, usec now, struct idle *out)
{
	const json_t *list = json_object_get(conditions, "all"), *one;
	size_t i;

	*out = (struct idle){ .test = NEW(cx->arena, struct idle_test, CONDITIONS_MAX + 1) };
	if (json_array_size(json_object_get(conditions, "any")) > 0)
		wrong(cx, "Conditions: a schedule of zen:user takes them under all only");
	if (json_array_size(list) > CONDITIONS_MAX) {
		wrong(cx, "Conditions: at most 20 are allowed");
		return;
	}
	json_array_foreach(list, i, one)
		read_one(cx, one, now, out);
}

static bool
passes(struct ctx *cx, const struct idle_test *t, const struct user *u)
{
	str words = t->words, *have;
	bool is = false;
	int n;

	if (!t->tags)
		return (u->organization_id == t->organization_id) != t->not;
	n = json_words(cx, reveal(cx, u->tags, TO_SCAN), &have);
	while (words.n && !is) {
		str w = tag_cut(&words);
		for (int i = 0; i < n && !is; i++)
			is = w.n > 0 && str_eq(have[i], w);
	}
	return is != t->not;
}

/* *yes stays only if no ticket that the filter finds stands against it. */
static enum err
tickets_allow(struct ctx *cx, struct ticket_filter f, usec before, bool *yes)
{
	struct ticket *t;
	int64_t count;
	int n;

	if (!*yes)
		return OK;
	f.deleted = true;
	f.limit = DELETED_MAX;
	TRY(ticket_list(cx, &f, &t, &n));
	*yes = n < DELETED_MAX;
	for (int i = 0; i < n; i++)
		*yes = *yes && t[i].erased;
	f.deleted = false;
	f.status_mask = (1 << TICKET_CLOSED) - 1;
	TRY(ticket_count(cx, &f, &count));
	*yes = *yes && count == 0;
	f.status_mask = 0;
	f.sort = SORT_UPDATED;
	f.descending = true;
	f.limit = 1;
	TRY(ticket_list(cx, &f, &t, &n));
	*yes = *yes && (n == 0 || t[0].updated_at < before);
	return OK;
}

enum err
idle_goes(struct ctx *cx, const struct idle *c, int64_t id, usec now, bool *yes)
{
	usec before = now - c->hours * HOUR;
	struct user u;
	enum err e = user_load(cx, id, &u);

	*yes = false;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	*yes = c->hours > 0 && u.role == ROLE_END_USER && u.active && !u.erased && u.created_at < before && u.updated_at < before
	    && u.last_login_at < before;
	for (int i = 0; i < c->tests && *yes; i++)
		*yes = passes(cx, &c->test[i], &u);
	TRY(tickets_allow(cx, (struct ticket_filter){ .requester_id = id }, before, yes));
	TRY(tickets_allow(cx, (struct ticket_filter){ .cc_id = id }, before, yes));
	return tickets_allow(cx, (struct ticket_filter){ .follower_id = id }, before, yes);
}

enum err
idle_retire(struct ctx *cx, int64_t id, const char *cause)
{
	struct user u;

	TRY(trail_append(cx, &(struct event){ .action = "user.retire", .object = "user", .id = id, .cause = cause }));
	TRY(user_delete(cx, id, &u));
	return user_purge(cx, id, &u);
}
