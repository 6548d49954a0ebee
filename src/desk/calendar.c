/* calendar.c - business hours (calendar.h tells the rules). */
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "desk/calendar.h"
#include "desk/rule.h"

#define MINUTE ((usec)60 * SECOND)
#define DAY    ((usec)86400 * SECOND)
#define WEEK_MINUTES 10080
#define DAYS_MAX 3660                /* that calendar_after() looks ahead */

struct shift  { int from, to; };             /* minutes of a day, to <= 1440 */
struct offset { usec from, by; };            /* from this moment on, local = UTC + by */
struct calendar {
	struct shift  *day[7];       /* Sunday first */
	int            shifts[7];
	int64_t       *holiday;      /* days since 1970-01-01, first and last of each, in turn */
	int            holidays;
	struct offset *offset;
	int            offsets;
};

/* ---- zones ------------------------------------------------------------------------------------------------------ */

/* Zendesk's (Rails') names of zones. */
static const struct { const char *name, *iana; } zones[] = {
	{ "International Date Line West", "Etc/GMT+12" }, { "American Samoa", "Pacific/Pago_Pago" }, { "Midway Island", "Pacific/Midway" },
	{ "Hawaii", "Pacific/Honolulu" }, { "Alaska", "America/Juneau" }, { "Pacific Time (US & Canada)", "America/Los_Angeles" },
	{ "Tijuana", "America/Tijuana" }, { "Arizona", "America/Phoenix" }, { "Chihuahua", "America/Chihuahua" },
	{ "Mazatlan", "America/Mazatlan" }, { "Mountain Time (US & Canada)", "America/Denver" },
	{ "Central America", "America/Guatemala" }, { "Central Time (US & Canada)", "America/Chicago" },
	{ "Guadalajara", "America/Mexico_City" }, { "Mexico City", "America/Mexico_City" }, { "Monterrey", "America/Monterrey" },
	{ "Saskatchewan", "America/Regina" }, { "Bogota", "America/Bogota" }, { "Eastern Time (US & Canada)", "America/New_York" },
	{ "Indiana (East)", "America/Indiana/Indianapolis" }, { "Lima", "America/Lima" }, { "Quito", "America/Lima" },
	{ "Atlantic Time (Canada)", "America/Halifax" }, { "Caracas", "America/Caracas" }, { "Georgetown", "America/Guyana" },
	{ "La Paz", "America/La_Paz" }, { "Puerto Rico", "America/Puerto_Rico" }, { "Santiago", "America/Santiago" },
	{ "Newfoundland", "America/St_Johns" }, { "Brasilia", "America/Sao_Paulo" }, { "Buenos Aires", "America/Argentina/Buenos_Aires" },
	{ "Montevideo", "America/Montevideo" }, { "Greenland", "America/Godthab" }, { "Mid-Atlantic", "Atlantic/South_Georgia" },
	{ "Azores", "Atlantic/Azores" }, { "Cape Verde Is.", "Atlantic/Cape_Verde" }, { "Casablanca", "Africa/Casablanca" },
	{ "Dublin", "Europe/Dublin" }, { "Edinburgh", "Europe/London" }, { "Lisbon", "Europe/Lisbon" }, { "London", "Europe/London" },
	{ "Monrovia", "Africa/Monrovia" }, { "UTC", "Etc/UTC" }, { "Amsterdam", "Europe/Amsterdam" }, { "Belgrade", "Europe/Belgrade" },
	{ "Berlin", "Europe/Berlin" }, { "Bern", "Europe/Zurich" }, { "Bratislava", "Europe/Bratislava" }, { "Brussels", "Europe/Brussels" },
	{ "Budapest", "Europe/Budapest" }, { "Copenhagen", "Europe/Copenhagen" }, { "Ljubljana", "Europe/Ljubljana" },
	{ "Madrid", "Europe/Madrid" }, { "Paris", "Europe/Paris" }, { "Prague", "Europe/Prague" }, { "Rome", "Europe/Rome" },
	{ "Sarajevo", "Europe/Sarajevo" }, { "Skopje", "Europe/Skopje" }, { "Stockholm", "Europe/Stockholm" }, { "Vienna", "Europe/Vienna" },
	{ "Warsaw", "Europe/Warsaw" }, { "West Central Africa", "Africa/Algiers" }, { "Zagreb", "Europe/Zagreb" }, { "Zurich", "Europe/Zurich" },
	{ "Athens", "Europe/Athens" }, { "Bucharest", "Europe/Bucharest" }, { "Cairo", "Africa/Cairo" }, { "Harare", "Africa/Harare" },
	{ "Helsinki", "Europe/Helsinki" }, { "Jerusalem", "Asia/Jerusalem" }, { "Kaliningrad", "Europe/Kaliningrad" }, { "Kyiv", "Europe/Kiev" },
	{ "Pretoria", "Africa/Johannesburg" }, { "Riga", "Europe/Riga" }, { "Sofia", "Europe/Sofia" }, { "Tallinn", "Europe/Tallinn" },
	{ "Vilnius", "Europe/Vilnius" }, { "Baghdad", "Asia/Baghdad" }, { "Istanbul", "Europe/Istanbul" }, { "Kuwait", "Asia/Kuwait" },
	{ "Minsk", "Europe/Minsk" }, { "Moscow", "Europe/Moscow" }, { "Nairobi", "Africa/Nairobi" }, { "Riyadh", "Asia/Riyadh" },
	{ "St. Petersburg", "Europe/Moscow" }, { "Tehran", "Asia/Tehran" }, { "Abu Dhabi", "Asia/Muscat" }, { "Baku", "Asia/Baku" },
	{ "Muscat", "Asia/Muscat" }, { "Samara", "Europe/Samara" }, { "Tbilisi", "Asia/Tbilisi" }, { "Yerevan", "Asia/Yerevan" },
	{ "Kabul", "Asia/Kabul" }, { "Ekaterinburg", "Asia/Yekaterinburg" }, { "Islamabad", "Asia/Karachi" }, { "Karachi", "Asia/Karachi" },
	{ "Tashkent", "Asia/Tashkent" }, { "Chennai", "Asia/Kolkata" }, { "Kolkata", "Asia/Kolkata" }, { "Mumbai", "Asia/Kolkata" },
	{ "New Delhi", "Asia/Kolkata" }, { "Sri Jayawardenepura", "Asia/Colombo" }, { "Kathmandu", "Asia/Kathmandu" }, { "Almaty", "Asia/Almaty" },
	{ "Astana", "Asia/Dhaka" }, { "Dhaka", "Asia/Dhaka" }, { "Urumqi", "Asia/Urumqi" }, { "Rangoon", "Asia/Rangoon" },
	{ "Bangkok", "Asia/Bangkok" }, { "Hanoi", "Asia/Bangkok" }, { "Jakarta", "Asia/Jakarta" }, { "Krasnoyarsk", "Asia/Krasnoyarsk" },
	{ "Novosibirsk", "Asia/Novosibirsk" }, { "Beijing", "Asia/Shanghai" }, { "Chongqing", "Asia/Chongqing" }, { "Hong Kong", "Asia/Hong_Kong" },
	{ "Irkutsk", "Asia/Irkutsk" }, { "Kuala Lumpur", "Asia/Kuala_Lumpur" }, { "Perth", "Australia/Perth" }, { "Singapore", "Asia/Singapore" },
	{ "Taipei", "Asia/Taipei" }, { "Ulaanbaatar", "Asia/Ulaanbaatar" }, { "Osaka", "Asia/Tokyo" }, { "Sapporo", "Asia/Tokyo" },
	{ "Seoul", "Asia/Seoul" }, { "Tokyo", "Asia/Tokyo" }, { "Yakutsk", "Asia/Yakutsk" }, { "Adelaide", "Australia/Adelaide" },
	{ "Darwin", "Australia/Darwin" }, { "Brisbane", "Australia/Brisbane" }, { "Canberra", "Australia/Melbourne" }, { "Guam", "Pacific/Guam" },
	{ "Hobart", "Australia/Hobart" }, { "Melbourne", "Australia/Melbourne" }, { "Port Moresby", "Pacific/Port_Moresby" },
	{ "Sydney", "Australia/Sydney" }, { "Vladivostok", "Asia/Vladivostok" }, { "Magadan", "Asia/Magadan" }, { "New Caledonia", "Pacific/Noumea" },
	{ "Solomon Is.", "Pacific/Guadalcanal" }, { "Srednekolymsk", "Asia/Srednekolymsk" }, { "Auckland", "Pacific/Auckland" },
	{ "Fiji", "Pacific/Fiji" }, { "Kamchatka", "Asia/Kamchatka" }, { "Marshall Is.", "Pacific/Majuro" }, { "Wellington", "Pacific/Auckland" },
	{ "Chatham Is.", "Pacific/Chatham" }, { "Nuku'alofa", "Pacific/Tongatapu" }, { "Samoa", "Pacific/Apia" }, { "Tokelau Is.", "Pacific/Fakaofo" },
};

/* ASCII of a zone's name for ICU; false: it is none. */
static bool
zone_chars(str s, UChar *out, int max)
{
	if (s.n == 0 || (int)s.n >= max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 127)
			return false;
		out[i] = (UChar)s.p[i];
	}
	out[s.n] = 0;
	return true;
}

const char *
calendar_zone(str name)
{
	static _Thread_local char kept[64];
	UChar id[64], canonical[64];
	UErrorCode e = U_ZERO_ERROR;
	UBool system = 0;

	for (size_t i = 0; i < COUNT(zones); i++)
		if (str_eq(name, str_of(zones[i].name)))
			return zones[i].iana;
	if (!zone_chars(name, id, COUNT(id)))
		return NULL;
	ucal_getCanonicalTimeZoneID(id, -1, canonical, COUNT(canonical), &system, &e);
	if (U_FAILURE(e) || !system)
		return NULL;
	memcpy(kept, name.p, name.n);
	kept[name.n] = '\0';
	return kept;
}

static bool
read_offsets(struct ctx *cx, const char *zone, struct calendar *c)
{
	enum { MOST = 400 };
	UErrorCode e = U_ZERO_ERROR;
	UDate at = 946684800000.0, end = 4102444800000.0;      /* 2000 to 2100 */
	UChar id[64];
	UCalendar *cal;
	bool ok = true;

	if (!zone_chars(str_of(zone), id, COUNT(id)) || (cal = ucal_open(id, -1, "en_US", UCAL_GREGORIAN, &e)) == NULL || U_FAILURE(e))
		return false;
	c->offset = NEW(cx->arena, struct offset, MOST);
	while (at < end && c->offsets < MOST) {
		UDate next;
		int32_t by;
		ucal_setMillis(cal, at, &e);
		by = ucal_get(cal, UCAL_ZONE_OFFSET, &e) + ucal_get(cal, UCAL_DST_OFFSET, &e);
		if (U_FAILURE(e)) {
			ok = false;
			break;
		}
		c->offset[c->offsets++] = (struct offset){ c->offsets == 0 ? INT64_MIN : (usec)at * 1000, (usec)by * 1000 };
		if (!ucal_getTimeZoneTransitionDate(cal, UCAL_TZ_TRANSITION_NEXT, &next, &e) || U_FAILURE(e))
			break;
		at = next;
	}
	ucal_close(cal);
	return ok && c->offsets > 0;
}

static int
offset_at(const struct calendar *c, usec utc)
{
	int lo = 0, hi = c->offsets;

	while (hi - lo > 1) {
		int mid = (lo + hi) / 2;
		if (c->offset[mid].from <= utc)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static usec
to_utc(const struct calendar *c, usec local)
{
	int i = offset_at(c, local - c->offset[0].by);

	/* The right period is this one or a neighbour; the earliest that fits is meant. */
	for (int k = i > 0 ? i - 1 : 0; k < c->offsets && k <= i + 1; k++) {
		usec utc = local - c->offset[k].by;
		usec end = k + 1 < c->offsets ? c->offset[k + 1].from : INT64_MAX;
		if (utc >= c->offset[k].from && utc < end)
			return utc;
		/* In the gap before the next period: the moment of the jump. */
		if (utc >= end && k + 1 < c->offsets && local - c->offset[k + 1].by < end)
			return end;
	}
	return local - c->offset[i].by;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static int64_t
local_day(const struct calendar *c, usec utc)
{
	return floor_div(utc + c->offset[offset_at(c, utc)].by, DAY);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static bool
date_of(str s, int64_t *day)
{
	usec at;

	if (s.n != 10 || s.p[4] != '-' || !time_parse(s, &at))
		return false;
	*day = floor_div(at, DAY);
	return true;
}

static str
member(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

void
calendar_read(struct ctx *cx, const json_t *spec, struct calendar **out)
{
	struct calendar *c = NEW(cx->arena, struct calendar, 1);
	const json_t *list = json_object_get(spec, "intervals"), *holidays = json_object_get(spec, "holidays"), *one;
	struct bad_field **before = cx->bad_end;
	const char *zone = calendar_zone(member(spec, "time_zone"));
	char busy[WEEK_MINUTES] = { 0 };
	size_t i;

	*out = NULL;
	if (zone == NULL)
		bad(cx, "time_zone", "InvalidValue", "Time zone: is not a known time zone");
	else if (!read_offsets(cx, zone, c))
		bad(cx, "time_zone", "InvalidValue", "Time zone: cannot be used");
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > 200)
		bad(cx, "intervals", "InvalidValue", "Intervals: must be an array of at least one and at most 200");
	else
		json_array_foreach(list, i, one) {
			json_int_t from = json_integer_value(json_object_get(one, "start_time")), to = json_integer_value(json_object_get(one, "end_time"));
			if (!json_is_integer(json_object_get(one, "start_time")) || !json_is_integer(json_object_get(one, "end_time"))
			    || from < 0 || to > WEEK_MINUTES || from >= to) {
				bad(cx, "intervals", "InvalidValue", "Intervals: each needs start_time and end_time, minutes of the week, in order");
				break;
			}
			for (json_int_t m = from; m < to; m++) {
				if (busy[m]) {
					bad(cx, "intervals", "InvalidValue", "Intervals: overlap");
					return;
				}
				busy[m] = 1;
			}
		}
	c->holiday = NEW(cx->arena, int64_t, 2 * json_array_size(holidays) + 1);
	json_array_foreach(holidays, i, one) {
		int64_t first, last;
		if (!date_of(member(one, "start_date"), &first) || !date_of(member(one, "end_date"), &last) || last < first || last - first > 731) {
			bad(cx, "holidays", "InvalidValue", "Holidays: each needs start_date and end_date, such as 2026-12-24, in order, at most two years apart");
			break;
		}
		c->holiday[2 * c->holidays] = first;
		c->holiday[2 * c->holidays++ + 1] = last;
	}
	if (cx->bad_end != before)
		return;
	/* Runs of minutes, cut at midnight. */
	for (int d = 0; d < 7; d++) {
		c->day[d] = NEW(cx->arena, struct shift, 721);
		for (int m = 0; m < 1440;) {
			int from = m;
			if (!busy[d * 1440 + m]) {
				m++;
				continue;
			}
			while (m < 1440 && busy[d * 1440 + m])
				m++;
			c->day[d][c->shifts[d]++] = (struct shift){ from, m };
		}
	}
	*out = c;
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static bool
is_holiday(const struct calendar *c, int64_t day)
{
	for (int i = 0; i < c->holidays; i++)
		if (day >= c->holiday[2 * i] && day <= c->holiday[2 * i + 1])
			return true;
	return false;
}

/* 1970-01-01 was a Thursday. */
static int
weekday(int64_t day)
{
	return (int)((day % 7 + 7 + 4) % 7);
}

usec
calendar_between(const struct calendar *c, usec a, usec b)
{
	usec sum = 0;

	if (b < a)
		return -calendar_between(c, b, a);
	for (int64_t day = local_day(c, a), last = local_day(c, b); day <= last; day++) {
		int w = weekday(day);
		if (is_holiday(c, day))
			continue;
		for (int i = 0; i < c->shifts[w]; i++) {
			usec from = to_utc(c, day * DAY + c->day[w][i].from * MINUTE), to = to_utc(c, day * DAY + c->day[w][i].to * MINUTE);
			from = from > a ? from : a;
			to = to < b ? to : b;
			sum += to > from ? to - from : 0;
		}
	}
	return sum;
}

bool
calendar_holiday(const struct calendar *c, usec at)
{
	return is_holiday(c, local_day(c, at));
}

bool
calendar_open(const struct calendar *c, usec at)
{
	return calendar_between(c, at, at + 1) > 0;
}

usec
calendar_after(const struct calendar *c, usec at, usec span)
{
	int64_t first = local_day(c, at);

	if (span <= 0)
		return at;
	for (int64_t day = first; day < first + DAYS_MAX; day++) {
		int w = weekday(day);
		if (is_holiday(c, day))
			continue;
		for (int i = 0; i < c->shifts[w]; i++) {
			usec from = to_utc(c, day * DAY + c->day[w][i].from * MINUTE), to = to_utc(c, day * DAY + c->day[w][i].to * MINUTE);
			from = from > at ? from : at;
			if (to <= from)
				continue;
			if (span <= to - from)
				return from + span;
			span -= to - from;
		}
	}
	return 0;
}
