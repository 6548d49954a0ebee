/* Business hours: spans, holidays, midnight, time zones, both days of the changed clock. Expected values were worked out by hand. */
#include <stdlib.h>

#include "rows.h"

#include "desk/calendar.h"

#define WEEKDAYS "{\"start_time\":1980,\"end_time\":2460},{\"start_time\":3420,\"end_time\":3900},{\"start_time\":4860,\"end_time\":5340}," \
	"{\"start_time\":6300,\"end_time\":6780},{\"start_time\":7740,\"end_time\":8220}"
#define NINE_TO_FIVE(zone, holidays) "{\"time_zone\":\"" zone "\",\"intervals\":[" WEEKDAYS "],\"holidays\":[" holidays "]}"
#define ALWAYS(zone) "{\"time_zone\":\"" zone "\",\"intervals\":[{\"start_time\":0,\"end_time\":10080}],\"holidays\":[]}"
#define SUNDAY(zone, a, b) "{\"time_zone\":\"" zone "\",\"intervals\":[{\"start_time\":" #a ",\"end_time\":" #b "}],\"holidays\":[]}"

static const struct {
	const char *why, *spec, *from, *to;
	int minutes;
} spans[] = {
	{ "inside one shift",                   NINE_TO_FIVE("UTC", ""), "2026-01-05T10:00:00Z", "2026-01-05T11:30:00Z", 90 },
	{ "before the shift to behind it",      NINE_TO_FIVE("UTC", ""), "2026-01-05T05:00:00Z", "2026-01-05T23:00:00Z", 480 },
	{ "all night is nothing",               NINE_TO_FIVE("UTC", ""), "2026-01-05T17:00:00Z", "2026-01-06T09:00:00Z", 0 },
	{ "over the weekend",                   NINE_TO_FIVE("UTC", ""), "2026-01-09T16:00:00Z", "2026-01-12T10:00:00Z", 120 },
	{ "a week",                             NINE_TO_FIVE("UTC", ""), "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z", 2400 },
	{ "a year that has 261 weekdays",       NINE_TO_FIVE("UTC", ""), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 261 * 480 },
	{ "backwards is negative",              NINE_TO_FIVE("UTC", ""), "2026-01-05T11:30:00Z", "2026-01-05T10:00:00Z", -90 },
	{ "a holiday does not count",           NINE_TO_FIVE("UTC", "{\"start_date\":\"2026-01-06\",\"end_date\":\"2026-01-07\"}"),
	                                        "2026-01-05T00:00:00Z", "2026-01-09T00:00:00Z", 960 },
	{ "a holiday is a day of the zone",     NINE_TO_FIVE("America/New_York", "{\"start_date\":\"2026-07-03\",\"end_date\":\"2026-07-03\"}"),
	                                        "2026-07-02T20:00:00Z", "2026-07-06T14:00:00Z", 60 + 60 },
	{ "New York in winter is five behind",  NINE_TO_FIVE("America/New_York", ""), "2026-01-05T13:00:00Z", "2026-01-05T15:00:00Z", 60 },
	{ "and in summer four",                 NINE_TO_FIVE("America/New_York", ""), "2026-07-06T12:00:00Z", "2026-07-06T14:00:00Z", 60 },
	{ "Zendesk's name of it",               NINE_TO_FIVE("Eastern Time (US & Canada)", ""), "2026-07-06T12:00:00Z", "2026-07-06T14:00:00Z", 60 },
	{ "half-hour zones",                    NINE_TO_FIVE("Asia/Kolkata", ""), "2026-01-05T03:00:00Z", "2026-01-05T04:00:00Z", 30 },
	{ "a zone a day ahead",                 NINE_TO_FIVE("Pacific/Auckland", ""), "2026-01-04T19:00:00Z", "2026-01-04T21:00:00Z", 60 },
	{ "spring forward loses an hour",       ALWAYS("America/New_York"), "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23 * 60 },
	{ "the lost hour lies in the shift",    SUNDAY("America/New_York", 60, 240), "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", 120 },
	{ "a shift that begins in the gap",     SUNDAY("America/New_York", 150, 240), "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", 60 },
	{ "a shift all inside the gap",         SUNDAY("America/New_York", 130, 170), "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", 0 },
	{ "fall back gains an hour",            SUNDAY("America/New_York", 0, 240), "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", 300 },
	{ "the hour that comes twice, first",   SUNDAY("America/New_York", 60, 90), "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", 30 },
	{ "Europe changes on another day",      SUNDAY("Europe/Vienna", 60, 240), "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", 120 },
	{ "no change in Arizona",               SUNDAY("America/Phoenix", 60, 240), "2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z", 180 },
	{ "a shift over midnight",              "{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":2760,\"end_time\":3000}]}",
	                                        "2026-01-05T21:00:00Z", "2026-01-06T03:00:00Z", 240 },
	{ "round the clock",                    ALWAYS("UTC"), "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 31 * 1440 },
	{ "southern summer",                    NINE_TO_FIVE("Australia/Sydney", ""), "2026-01-04T22:00:00Z", "2026-01-05T00:00:00Z", 120 },
	{ "southern winter",                    NINE_TO_FIVE("Australia/Sydney", ""), "2026-07-05T22:00:00Z", "2026-07-06T00:00:00Z", 60 },
};

static struct calendar *
read_spec(struct ctx *cx, const char *text)
{
	struct calendar *c;
	json_t *j;

	assert_int_equal(json_parse(cx, str_of(text), &j), OK);
	calendar_read(cx, j, &c);
	return c;
}

static usec
at(const char *text)
{
	usec t;

	assert_true(time_parse(str_of(text), &t));
	return t;
}

static void
span(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct ctx cx;
	struct calendar *c;
	usec from = at(spans[i].from), to = at(spans[i].to), due;

	ctx_init(&cx, NULL, 1);
	c = read_spec(&cx, spans[i].spec);
	assert_non_null(c);
	assert_int_equal(calendar_between(c, from, to) / (60 * SECOND), spans[i].minutes);
	/* What falls due after so much working time has that much working time before it, and not a moment less. */
	if (spans[i].minutes > 0) {
		due = calendar_after(c, from, spans[i].minutes * 60 * SECOND);
		assert_true(due > from && due <= to);
		assert_int_equal(calendar_between(c, from, due), spans[i].minutes * 60 * SECOND);
		assert_true(calendar_open(c, due - 1));
	}
	ctx_done(&cx);
}

#define CLOSED(zone) NINE_TO_FIVE(zone, "{\"start_date\":\"2026-12-24\",\"end_date\":\"2026-12-26\"}")
static const struct {
	const char *why, *spec, *at;
	bool off;
} days[] = {
	{ "the last second before a holiday",     CLOSED("Europe/Vienna"),     "2026-12-23T22:59:59Z", false },
	{ "its first where the calendar is",      CLOSED("Europe/Vienna"),     "2026-12-23T23:00:00Z", true },
	{ "which is later in the west",           CLOSED("America/New_York"),  "2026-12-24T04:59:59Z", false },
	{ "and earlier in the east",              CLOSED("Pacific/Auckland"),  "2026-12-23T11:00:00Z", true },
	{ "its last second",                      CLOSED("America/New_York"),  "2026-12-27T04:59:59Z", true },
	{ "and it is over",                       CLOSED("America/New_York"),  "2026-12-27T05:00:00Z", false },
	{ "a day off in summer time",             NINE_TO_FIVE("America/New_York", "{\"start_date\":\"2026-07-03\",\"end_date\":\"2026-07-03\"}"),
	                                          "2026-07-03T04:00:00Z", true },
	{ "which begins an hour sooner",          NINE_TO_FIVE("America/New_York", "{\"start_date\":\"2026-07-03\",\"end_date\":\"2026-07-03\"}"),
	                                          "2026-07-04T04:00:00Z", false },
};

static void
day_off(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct ctx cx;
	struct calendar *c;

	ctx_init(&cx, NULL, 1);
	c = read_spec(&cx, days[i].spec);
	assert_non_null(c);
	assert_int_equal(calendar_holiday(c, at(days[i].at)), days[i].off);
	ctx_done(&cx);
}

/* Any span is the sum of its parts, wherever it is cut. */
static void
parts(void **state UNUSED)
{
	static const char *const specs[] = { NINE_TO_FIVE("America/New_York", "{\"start_date\":\"2026-03-10\",\"end_date\":\"2026-03-11\"}"),
	    ALWAYS("Europe/Vienna"), SUNDAY("America/New_York", 30, 250), NINE_TO_FIVE("Australia/Lord_Howe", "") };
	struct ctx cx;
	unsigned seed = 7;

	ctx_init(&cx, NULL, 1);
	for (size_t s = 0; s < COUNT(specs); s++) {
		struct calendar *c = read_spec(&cx, specs[s]);
		usec base = at("2026-01-01T00:00:00Z");
		for (int i = 0; i < 2000; i++) {
			usec x[3];
			for (int k = 0; k < 3; k++) {
				seed = seed * 1103515245 + 12345;
				x[k] = base + (usec)(seed >> 4) % (366 * 86400) * SECOND;
			}
			assert_int_equal(calendar_between(c, x[0], x[1]) + calendar_between(c, x[1], x[2]), calendar_between(c, x[0], x[2]));
		}
	}
	ctx_done(&cx);
}

static void
refused(void **state UNUSED)
{
	static const char *const wrong[] = {
		"{}", "{\"time_zone\":\"Mars/Olympus\",\"intervals\":[{\"start_time\":0,\"end_time\":10}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[]}", "{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":10,\"end_time\":10}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":-1,\"end_time\":10}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":0,\"end_time\":10081}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":0,\"end_time\":10},{\"start_time\":9,\"end_time\":12}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":\"0\",\"end_time\":10}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":0,\"end_time\":10}],\"holidays\":[{\"start_date\":\"2026-02-02\",\"end_date\":\"2026-02-01\"}]}",
		"{\"time_zone\":\"UTC\",\"intervals\":[{\"start_time\":0,\"end_time\":10}],\"holidays\":[{\"start_date\":\"tomorrow\"}]}",
		"{\"time_zone\":\"../etc/passwd\",\"intervals\":[{\"start_time\":0,\"end_time\":10}]}",
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct ctx cx;
		ctx_init(&cx, NULL, 1);
		assert_null(read_spec(&cx, wrong[i]));
		assert_non_null(cx.bad);
		ctx_done(&cx);
	}
}

int
main(void)
{
	struct CMUnitTest t[COUNT(spans) + COUNT(days) + 2];
	size_t n = 0;

	for (; n < COUNT(spans); n++)
		t[n] = (struct CMUnitTest){ .name = spans[n].why, .test_func = span, .initial_state = (void *)(uintptr_t)n };
	for (size_t i = 0; i < COUNT(days); i++)
		t[n++] = (struct CMUnitTest){ .name = days[i].why, .test_func = day_off, .initial_state = (void *)(uintptr_t)i };
	t[n++] = (struct CMUnitTest){ .name = "a span is the sum of its parts", .test_func = parts };
	t[n++] = (struct CMUnitTest){ .name = "what is no calendar is refused", .test_func = refused };
	return cmocka_run_group_tests_name("desk calendar", t, NULL, NULL);
}
