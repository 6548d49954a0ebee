/* The calendar, and moments as text. */
#include <time.h>

#include "rows.h"
#include "base/base.h"

#define NOT INT64_MIN         /* must be refused */

/* Seconds since 1970 from `date -u -d ... +%s`. */
static const struct {
	const char *why, *text;
	int64_t unix_seconds, micro;
} cases[] = {
	{ "a date",                         "2026-01-05", 1767571200, 0 },
	{ "date and time",                  "2026-01-05T10:00:00Z", 1767607200, 0 },
	{ "small letters",                  "2026-01-05t10:00:00z", 1767607200, 0 },
	{ "a blank instead of T",           "2026-01-05 10:00:00", 1767607200, 0 },
	{ "no zone is UTC",                 "2026-01-05T10:00:00", 1767607200, 0 },
	{ "no seconds",                     "2026-01-05T10:00Z", 1767607200, 0 },
	{ "offset zero",                    "2026-01-05T10:00:00+00:00", 1767607200, 0 },
	{ "east of Greenwich is earlier",   "2026-01-05T10:00:00+02:00", 1767600000, 0 },
	{ "west of Greenwich is later",     "2026-01-05T10:00:00-05:30", 1767627000, 0 },
	{ "offset without colon",           "2026-01-05T10:00:00+0200", 1767600000, 0 },
	{ "offset of hours only",           "2026-01-05T10:00:00+02", 1767600000, 0 },
	{ "offset into another year",       "2026-01-01T00:30:00+01:00", 1767223800, 0 },
	{ "milliseconds",                   "2026-01-05T10:00:00.250Z", 1767607200, 250000 },
	{ "one digit of a second",          "2026-01-05T10:00:00.5", 1767607200, 500000 },
	{ "microseconds",                   "2026-01-05T10:00:00.000001Z", 1767607200, 1 },
	{ "nanoseconds are cut",            "2026-01-05T10:00:00.123456789Z", 1767607200, 123456 },
	{ "fraction and offset",            "2026-01-05T10:00:00.5+02:00", 1767600000, 500000 },
	{ "the beginning",                  "1970-01-01T00:00:00Z", 0, 0 },
	{ "a second before the beginning",  "1969-12-31T23:59:59Z", -1, 0 },
	{ "half a second before",           "1969-12-31T23:59:59.5Z", -1, 500000 },
	{ "birthday long ago",              "1905-03-14", -2045001600, 0 },
	{ "leap day",                       "2024-02-29", 1709164800, 0 },
	{ "no leap day",                    "2023-02-29", NOT, 0 },
	{ "leap day of 2000",               "2000-02-29", 951782400, 0 },
	{ "no leap day in 1900",            "1900-02-29", NOT, 0 },
	{ "no leap day in 2100",            "2100-02-29", NOT, 0 },
	{ "day after the missing leap day", "2100-03-01", 4107542400, 0 },
	{ "end of the counted years",       "9999-12-31T23:59:59Z", 253402300799, 0 },
	{ "year 0000",                      "0000-01-01", -62167219200, 0 },
	{ "31 April",                       "2026-04-31", NOT, 0 },
	{ "day 00",                         "2026-04-00", NOT, 0 },
	{ "month 00",                       "2026-00-10", NOT, 0 },
	{ "month 13",                       "2026-13-10", NOT, 0 },
	{ "hour 24",                        "2026-04-10T24:00:00Z", NOT, 0 },
	{ "minute 60",                      "2026-04-10T23:60:00Z", NOT, 0 },
	{ "second 60",                      "2026-04-10T23:59:60Z", NOT, 0 },
	{ "offset of 24 hours",             "2026-04-10T10:00:00+24:00", NOT, 0 },
	{ "offset of 60 minutes",           "2026-04-10T10:00:00+00:60", NOT, 0 },
	{ "nothing",                        "", NOT, 0 },
	{ "a year",                         "2026", NOT, 0 },
	{ "short fields",                   "2026-1-5", NOT, 0 },
	{ "US order",                       "01/05/2026", NOT, 0 },
	{ "T and nothing",                  "2026-01-05T", NOT, 0 },
	{ "an hour alone",                  "2026-01-05T10", NOT, 0 },
	{ "a point and nothing",            "2026-01-05T10:00:00.", NOT, 0 },
	{ "a point and Z",                  "2026-01-05T10:00:00.Z", NOT, 0 },
	{ "Z and more",                     "2026-01-05T10:00:00Zx", NOT, 0 },
	{ "Z and offset",                   "2026-01-05T10:00:00Z+01:00", NOT, 0 },
	{ "a blank behind",                 "2026-01-05 ", NOT, 0 },
	{ "a blank before",                 " 2026-01-05", NOT, 0 },
	{ "a sign before",                  "-2026-01-05", NOT, 0 },
	{ "offset cut off",                 "2026-01-05T10:00:00+", NOT, 0 },
	{ "offset of one digit",            "2026-01-05T10:00:00+1", NOT, 0 },
	{ "offset ends in a colon",         "2026-01-05T10:00:00+01:", NOT, 0 },
	{ "a letter for a digit",           "2026-01-0O", NOT, 0 },
};

static void
row(void **state)
{
	size_t i = ROW(state);
	bool ok = cases[i].unix_seconds != NOT;
	usec t = 77;

	assert_int_equal(time_parse(str_of(cases[i].text), &t), ok);
	if (!ok) {
		assert_true(t == 77);
		return;
	}
	assert_true(t == cases[i].unix_seconds * SECOND + cases[i].micro);
	assert_true(time_unix(t) == cases[i].unix_seconds);
}

static const struct {
	const char *why;
	usec t;
	const char *iso;
} texts[] = {
	{ "the beginning",             0, "1970-01-01T00:00:00Z" },
	{ "fractions are dropped",     1767607200999999, "2026-01-05T10:00:00Z" },
	{ "a microsecond before 1970", -1, "1969-12-31T23:59:59Z" },
	{ "last of February",          951825599000000, "2000-02-29T11:59:59Z" },
	{ "below four digits",         INT64_MIN, "0000-01-01T00:00:00Z" },
	{ "above four digits",         INT64_MAX, "9999-12-31T23:59:59Z" },
};

static void
text_row(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	struct buf b;

	assert_true(str_eq(time_iso(a, texts[i].t), str_of(texts[i].iso)));
	buf_init(&b, a, 20);
	buf_time(&b, texts[i].t);
	assert_true(str_eq(buf_str(&b), str_of(texts[i].iso)));
	buf_time(&b, texts[i].t);
	assert_true(b.over && b.n == 20);
	arena_free(&a);
}

/* Against the C library, a moment every 13 hours or so from 1582 to 2600. */
static void
agrees_with_timegm(void **state)
{
	(void)state;
	for (int64_t s = -12219292800; s < 19880899200; s += 47017) {
		int y, mo, d, h, mi, se;
		struct tm tm;
		time_t t = s;

		time_civil(s * SECOND, &y, &mo, &d, &h, &mi, &se);
		gmtime_r(&t, &tm);
		assert_true(y == tm.tm_year + 1900 && mo == tm.tm_mon + 1 && d == tm.tm_mday);
		assert_true(h == tm.tm_hour && mi == tm.tm_min && se == tm.tm_sec);
		assert_true(time_of_civil(y, mo, d, h, mi, se) == s * SECOND);
	}
}

static void
months_and_days_carry(void **state)
{
	(void)state;
	assert_true(time_of_civil(2026, 13, 1, 0, 0, 0) == time_of_civil(2027, 1, 1, 0, 0, 0));
	assert_true(time_of_civil(2026, 0, 1, 0, 0, 0) == time_of_civil(2025, 12, 1, 0, 0, 0));
	assert_true(time_of_civil(2026, -11, 1, 0, 0, 0) == time_of_civil(2025, 1, 1, 0, 0, 0));
	assert_true(time_of_civil(2024, 2, 30, 0, 0, 0) == time_of_civil(2024, 3, 1, 0, 0, 0));
	assert_true(time_of_civil(2024, 3, 0, 24, 0, 0) == time_of_civil(2024, 3, 1, 0, 0, 0));
}

static void
clocks_run(void **state)
{
	usec a = time_mono(), b;
	struct timespec pause = { .tv_nsec = 2000000 };

	(void)state;
	assert_true(llabs(time_now() - time(NULL) * SECOND) < 5 * SECOND);
	nanosleep(&pause, NULL);
	b = time_mono();
	assert_true(b - a >= 2000 && b - a < 60 * SECOND);
}

int
main(void)
{
	struct CMUnitTest t[96];
	size_t n = 0;

	ADD_ROWS(t, n, cases, row);
	ADD_ROWS(t, n, texts, text_row);
	ADD(t, n, agrees_with_timegm);
	ADD(t, n, months_and_days_carry);
	ADD(t, n, clocks_run);
	return RUN_ROWS("base time", t, n);
}
