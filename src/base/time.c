/* time.c - moments and the civil calendar, in UTC and without the C library's
 * time zones.
 *
 * The calendar is the Gregorian one carried backwards. Days are counted in
 * eras of 400 years (146,097 days) that begin on 1 March, so that the leap day
 * is the last of its year and the lengths of the months follow from
 * (153 * m + 2) / 5 with m = 0 for March.
 */
#include <time.h>

#include "base/base.h"

enum { DAY_SECONDS = 86400 };

usec
time_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * SECOND + t.tv_nsec / 1000;
}

usec
time_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec / 1000;
}

/* Like /, but rounds down; b > 0. */
static int64_t
div_floor(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
days_of_civil(int64_t y, int month, int day)
{
	int64_t era, m = month > 2 ? month - 3 : month + 9;

	y -= month <= 2;
	era = div_floor(y, 400);
	y -= era * 400;
	return era * 146097 + y * 365 + y / 4 - y / 100 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool
is_leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int
month_days(int y, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(y));
}

int64_t
time_unix(usec t)
{
	return div_floor(t, SECOND);
}

void
time_civil(usec t, int *year, int *month, int *day, int *hour, int *minute, int *second)
{
	int64_t s = time_unix(t), midnight = div_floor(s, DAY_SECONDS);
	int rest = (int)(s - midnight * DAY_SECONDS);
	/* At most 107 million days fit into usec, so an int does from here. */
	int days = (int)midnight + 719468, era = days / 146097 - (days % 146097 < 0);
	int doe = days - era * 146097, yoe, doy, m;

	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	m = (5 * doy + 2) / 153;
	*day = doy - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = yoe + era * 400 + (*month <= 2);
	*hour = rest / 3600;
	*minute = rest / 60 % 60;
	*second = rest % 60;
}

/* Months outside 1-12 carry into the year, days and times into what is above
 * them, so that "31 days later" is day + 31. */
usec
time_of_civil(int year, int month, int day, int hour, int minute, int second)
{
	int64_t carry = div_floor((int64_t)month - 1, 12);
	int m = (int)(month - 12 * carry);
	int64_t days = days_of_civil(year + carry, m, 1) + day - 1;

	return (days * DAY_SECONDS + hour * (int64_t)3600 + minute * (int64_t)60 + second) * SECOND;
}

static void
two(char *p, int v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

/* Years outside 0-9999 have no four digits; they become the nearest moment. */
static void
iso(char p[20], usec t)
{
	int y, mo, d, h, mi, s;
	const usec first = -62167219200 * SECOND, last = 253402300799 * SECOND;

	time_civil(t < first ? first : t > last ? last : t, &y, &mo, &d, &h, &mi, &s);
	two(p, y / 100);
	two(p + 2, y % 100);
	p[4] = '-';
	two(p + 5, mo);
	p[7] = '-';
	two(p + 8, d);
	p[10] = 'T';
	two(p + 11, h);
	p[13] = ':';
	two(p + 14, mi);
	p[16] = ':';
	two(p + 17, s);
	p[19] = 'Z';
}

str
time_iso(struct arena *a, usec t)
{
	char *p = arena_alloc(a, 1, 21, 1);

	iso(p, t);
	return (str){ p, 20 };
}

void
buf_time(struct buf *b, usec t)
{
	char *p = buf_room(b, 20);

	if (p != NULL)
		iso(p, t);
}

/* Takes exactly n digits off *s. */
static bool
digits(str *s, int n, int *out)
{
	int v = 0;

	if (s->n < (size_t)n)
		return false;
	for (int i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_sub(*s, (size_t)n, s->n);
	*out = v;
	return true;
}

static bool
one_of(str *s, const char *chars)
{
	if (s->n == 0 || s->p[0] == 0 || strchr(chars, s->p[0]) == NULL)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

/* hh:mm[:ss[.fraction]][zone] behind the date. */
static bool
clock_and_zone(str s, usec *out)
{
	int h, mi, sec = 0, zh, zm = 0, sign;
	usec t, unit = SECOND;

	if (!digits(&s, 2, &h) || !one_of(&s, ":") || !digits(&s, 2, &mi))
		return false;
	if (one_of(&s, ":") && !digits(&s, 2, &sec))
		return false;
	if (h > 23 || mi > 59 || sec > 59)
		return false;
	t = (h * 3600 + mi * 60 + sec) * SECOND;
	if (one_of(&s, ".,")) {
		if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9')
			return false;
		/* What is finer than a microsecond is cut off. */
		for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9'; s = str_sub(s, 1, s.n))
			t += (s.p[0] - '0') * (unit /= 10);
	}
	*out = t;
	if (s.n == 0)
		return true;
	if (one_of(&s, "Zz"))
		return s.n == 0;
	sign = s.p[0] == '-' ? -1 : 1;
	if (!one_of(&s, "+-") || !digits(&s, 2, &zh))
		return false;
	if (s.n > 0 && (one_of(&s, ":"), !digits(&s, 2, &zm)))
		return false;
	if (s.n > 0 || zh > 23 || zm > 59)
		return false;
	*out = t - sign * (zh * 3600 + zm * 60) * SECOND;
	return true;
}

bool
time_parse(str s, usec *out)
{
	int y, mo, d;
	usec t = 0;

	if (!digits(&s, 4, &y) || !one_of(&s, "-") || !digits(&s, 2, &mo) || !one_of(&s, "-") ||
	    !digits(&s, 2, &d))
		return false;
	if (mo < 1 || mo > 12 || d < 1 || d > month_days(y, mo))
		return false;
	if (s.n > 0 && (!one_of(&s, "Tt ") || !clock_and_zone(s, &t)))
		return false;
	*out = time_of_civil(y, mo, d, 0, 0, 0) + t;
	return true;
}
