/* calendar.h - business hours: how much of a span is working time, when a target falls due.
 *
 * A calendar is a week of intervals in local time, holidays, and a time zone.
 * The zone's offsets are taken from ICU once, when the calendar is read; after
 * that all is arithmetic on integers, so threads share a calendar freely.
 *
 * Daylight saving: an interval is what a clock on the wall shows. The day that
 * loses an hour has less working time if the hour lies in an interval, the day
 * that gains one has more. A wall time that does not exist is the moment at
 * which the clock jumps; of one that comes twice, the first is meant.
 */
#ifndef WARD_DESK_CALENDAR_H
#define WARD_DESK_CALENDAR_H

#include <jansson.h>

#include "base/base.h"

struct calendar;
/* {"time_zone":"Europe/Vienna","intervals":[{"start_time":1980,"end_time":2460}],"holidays":[{"start_date":"2026-12-24",
 * "end_date":"2026-12-26"}]}: minutes since Sunday 00:00. What is wrong is noted with bad(); then *out is NULL. Memory is the
 * arena's. Zones are IANA names, or the names that Zendesk gives them. */
void calendar_read(struct ctx *cx, const json_t *spec, struct calendar **out);
bool calendar_open(const struct calendar *c, usec at);
bool calendar_holiday(const struct calendar *c, usec at);            /* a day off where the calendar is */
usec calendar_between(const struct calendar *c, usec a, usec b);     /* negative when b is before a */
/* The moment when `span` of working time has gone by since `at`; 0 when there is none within ten years. */
usec calendar_after(const struct calendar *c, usec at, usec span);

#endif
