/* Several schedules: which one a ticket goes by, whose tickets a change of hours concerns, and what each counts of the same span. */
#include "rows.h"

#include "desk/rule.h"

#define WEEK "\"intervals\":[{\"start_time\":1980,\"end_time\":2460},{\"start_time\":3420,\"end_time\":3900},{\"start_time\":4860,\"end_time\":5340}," \
	"{\"start_time\":6300,\"end_time\":6780},{\"start_time\":7740,\"end_time\":8220}]"
#define HOURS(zone) "{\"time_zone\":\"" zone "\"," WEEK ",\"holidays\":[]}"

enum { YORK = 40, VIENNA = 41, SYDNEY = 42, BROKEN = 43, GONE = 77, OLDER = 78 };
enum { NONE = 0, ONE = 1, ALL = 4 };

static struct compiled rules[4];
static struct schedule_change changes[3];

static usec
at(const char *text)
{
	usec t;

	assert_true(time_parse(str_of(text), &t));
	return t;
}

/* The first `n` schedules; the one that is broken stands before them all when there are four. */
static struct book
book(struct ctx *cx, int n)
{
	static const struct { int64_t id; const char *hours; } all[] = { { YORK, HOURS("America/New_York") },
	    { VIENNA, HOURS("Europe/Vienna") }, { SYDNEY, HOURS("Australia/Sydney") } };
	struct book b = { .rule = rules };

	if (n == ALL)
		rules[b.count++] = (struct compiled){ .r.id = BROKEN, .r.kind = RULE_SCHEDULE, .broken = true };
	for (int i = 0; i < (n == ALL ? 3 : n); i++) {
		struct compiled *c = &rules[b.count++];
		json_t *spec;
		*c = (struct compiled){ .r.id = all[i].id, .r.kind = RULE_SCHEDULE };
		assert_int_equal(json_parse(cx, str_of(all[i].hours), &spec), OK);
		calendar_read(cx, spec, &c->calendar);
		assert_non_null(c->calendar);
	}
	b.from[RULE_SCHEDULE + 1] = b.count;
	return b;
}

static const struct { const char *why; int have; int64_t given, by; } whose[] = {
	{ "none there",                             NONE, 0,      0 },
	{ "none there, one was given once",         NONE, VIENNA, 0 },
	{ "the only one",                           ONE,  0,      YORK },
	{ "none given: the first",                  3,    0,      YORK },
	{ "the first that can be read",             ALL,  0,      YORK },
	{ "the one that was given",                 3,    SYDNEY, SYDNEY },
	{ "what was given is gone: the first",      3,    GONE,   YORK },
	{ "what was given cannot be read: the first", ALL, BROKEN, YORK },
};

static void
goes_by(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	const struct compiled *c;
	struct ctx cx;
	struct book b;

	ctx_init(&cx, NULL, 1);
	b = book(&cx, whose[i].have);
	c = schedule_of(&b, whose[i].given);
	assert_int_equal(c ? c->r.id : 0, whose[i].by);
	ctx_done(&cx);
}

/* One span, each schedule's own share of it. 2026-03-06 is a Friday; New York's clocks change on the 8th, Vienna's on the 29th,
 * Sydney's on the 5th of April. Worked out by hand. */
static const struct { const char *why, *from, *to; int york, vienna, sydney; } shares[] = {
	{ "a Monday morning in Vienna",         "2026-03-02T08:00:00Z", "2026-03-02T12:00:00Z", 0, 240, 0 },
	{ "New York in winter",                 "2026-03-06T14:00:00Z", "2026-03-06T15:00:00Z", 60, 60, 0 },
	{ "in summer it opens an hour sooner",  "2026-03-09T13:00:00Z", "2026-03-09T15:00:00Z", 120, 120, 0 },
	{ "Vienna still in winter",             "2026-03-27T07:00:00Z", "2026-03-27T09:00:00Z", 0, 60, 0 },
	{ "and then in summer",                 "2026-03-30T07:00:00Z", "2026-03-30T09:00:00Z", 0, 120, 0 },
	{ "Sydney's summer ends",               "2026-04-02T22:00:00Z", "2026-04-03T00:00:00Z", 0, 0, 120 },
	{ "and it opens an hour later",         "2026-04-05T22:00:00Z", "2026-04-06T00:00:00Z", 0, 0, 60 },
	{ "a week with a change in one of them", "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z", 2400, 2400, 2400 },
};

static void
share(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	usec from = at(shares[i].from), to = at(shares[i].to);
	const int64_t ids[] = { YORK, VIENNA, SYDNEY };
	const int minutes[] = { shares[i].york, shares[i].vienna, shares[i].sydney };
	struct ctx cx;
	struct book b;

	ctx_init(&cx, NULL, 1);
	b = book(&cx, 3);
	for (int k = 0; k < 3; k++) {
		const struct calendar *c = schedule_hours(&b, ids[k]);
		assert_int_equal(hours_between(c, from, to) / (60 * SECOND), minutes[k]);
		if (minutes[k] > 0)
			assert_true(hours_after(c, from, minutes[k] * 60 * SECOND) <= to);
	}
	assert_int_equal(hours_between(NULL, from, to), to - from);
	assert_int_equal(hours_after(NULL, from, SECOND), from + SECOND);
	ctx_done(&cx);
}

/* The changes: the default (New York) at 1, GONE deleted at 2, Vienna at 3. */
static const struct { const char *why; int64_t given; bool first, second, third; } concerned[] = {
	{ "a ticket without one went by the default",        0,      true,  false, false },
	{ "so did one that was given it",                    YORK,   true,  false, false },
	{ "another's tickets are concerned by theirs only",  VIENNA, false, false, true },
	{ "and not by a third",                              SYDNEY, false, false, false },
	{ "one deleted since was still there at the first",  GONE,   false, true,  false },
	{ "one deleted long ago counted as none",            OLDER,  true,  false, false },
};

static void
concerns(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct ctx cx;
	struct book b;

	ctx_init(&cx, NULL, 1);
	b = book(&cx, 3);
	changes[0] = (struct schedule_change){ .id = 1, .schedule_id = YORK, .was_default = true };
	changes[1] = (struct schedule_change){ .id = 2, .schedule_id = GONE };
	changes[2] = (struct schedule_change){ .id = 3, .schedule_id = VIENNA };
	b.change = changes;
	b.changes = 3;
	assert_int_equal(schedule_concerns(&b, &changes[0], concerned[i].given), concerned[i].first);
	assert_int_equal(schedule_concerns(&b, &changes[1], concerned[i].given), concerned[i].second);
	assert_int_equal(schedule_concerns(&b, &changes[2], concerned[i].given), concerned[i].third);
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(whose) + COUNT(shares) + COUNT(concerned)];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(whose); i++)
		t[n++] = (struct CMUnitTest){ .name = whose[i].why, .test_func = goes_by, .initial_state = (void *)(uintptr_t)i };
	for (size_t i = 0; i < COUNT(shares); i++)
		t[n++] = (struct CMUnitTest){ .name = shares[i].why, .test_func = share, .initial_state = (void *)(uintptr_t)i };
	for (size_t i = 0; i < COUNT(concerned); i++)
		t[n++] = (struct CMUnitTest){ .name = concerned[i].why, .test_func = concerns, .initial_state = (void *)(uintptr_t)i };
	return cmocka_run_group_tests_name("desk schedule", t, NULL, NULL);
}
