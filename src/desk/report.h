/* report.h - what reports show: counters, kept as things happen. Part of desk.h.
 *
 * A figure has a number per day (UTC) and two marks a and b:
 *
 *   figure               a                    b                  total
 *   FIG_CREATED          channel              0                  -
 *   FIG_SOLVED           0                    0                  -
 *   FIG_REOPENED         0                    0                  -
 *   FIG_UNSOLVED         0                    0                  -       n: how many more at the end of the day
 *   FIG_FIRST_REPLY      span (report_span)   0                  seconds
 *   FIG_RESOLUTION       span                 0                  seconds (first resolution)
 *   FIG_SLA              measure of sla.c     0 kept, 1 late     -
 *   FIG_RATING           0 bad, 1 good        0                  -
 *   FIG_PHI_FOUND        kind                 channel            -
 *   FIG_PHI_REMOVED      kind, or POLICY_KINDS: words that no rule had marked
 *                                             0 on arrival, 1 by hand, 2 in bulk
 *   FIG_LOOKS            user                 0                  -
 *   FIG_UNMASKS          user                 0                  -
 *   FIG_SIGN_INS         user                 0 in, 1 refused    -
 *
 * The last three come from the trail, a moment later (report_step).
 */
#ifndef WARD_DESK_REPORT_H
#define WARD_DESK_REPORT_H

#include "base/base.h"

enum figure { FIG_CREATED = 1, FIG_SOLVED, FIG_REOPENED, FIG_UNSOLVED, FIG_FIRST_REPLY, FIG_RESOLUTION, FIG_SLA, FIG_RATING,
              FIG_PHI_FOUND, FIG_PHI_REMOVED, FIG_LOOKS, FIG_UNMASKS, FIG_SIGN_INS, FIGURES };

#define REPORT_SPANS 8
/* Which of the spans: under 15 min, 1 h, 4 h, 8 h, 1 day, 2 days, 7 days, longer. */
int         report_span(int64_t seconds);
const char *report_span_name(int span);                  /* "15m" ... "more" */
const char *sla_measure_name(int measure);               /* "first_reply_time" ...; NULL: no such */

struct report_row { int64_t day, a, b, n, total; };
/* Sums of a figure from day to day, both counted; by day or not (then day 0), by a and b or not (then 0). Ascending. */
enum { BY_DAY = 1, BY_A = 2, BY_B = 4 };
enum err report_sums(struct ctx *cx, enum figure f, int64_t from, int64_t to, unsigned by, struct report_row **out, int *count) MUST_CHECK;
/* One step of counting what the trail has: at most 20,000 events. */
enum err report_step(struct ctx *cx, bool *more) MUST_CHECK;
/* Events that are not counted yet; the first day that anything is counted of (0: none). */
enum err report_state(struct ctx *cx, int64_t *behind, int64_t *since) MUST_CHECK;

#endif
