/* comply.h - the compliance centre: verifications of the trail, the first-run guide. */
#ifndef WARD_COMPLY_H
#define WARD_COMPLY_H

#include "base/base.h"
#include "store/store.h"

/* ---- verifying the trail, beside the day's work ---------------------------------------------------------- */

enum check_state { CHECK_RUNNING = 1, CHECK_GOOD, CHECK_WRONG, CHECK_FAILED };
struct trail_check {
	int64_t id, user_id;
	enum check_state state;
	usec    started_at, ended_at;
	int64_t done, of;                    /* events; while it runs */
	int64_t events, checkpoints, bad_seq;
	str     why, head;                   /* head: 32 bytes, the hash that the chain ends with */
};
const char *check_state_name(enum check_state s);        /* "running" "good" "wrong" "failed" */
/* What was running when the program ended has failed. sys->checks is set by the caller. */
enum err checks_open(struct ctx *cx, struct checks **out) MUST_CHECK;
void     checks_close(struct checks **c);                /* ends what runs, waits for it */
/* MAY_READ_TRAIL, all of these. One runs at a time (E_CONFLICT). Start and end are events in the trail. */
enum err check_start(struct ctx *cx, struct trail_check *out) MUST_CHECK;
enum err check_get(struct ctx *cx, int64_t id, struct trail_check *out) MUST_CHECK;
enum err check_list(struct ctx *cx, struct trail_check **out, int *count) MUST_CHECK;     /* newest first, at most 50 */

/* ---- the first-run guide ----------------------------------------------------------------------------------- */

enum setup_step { SETUP_FACTOR = 1, SETUP_BACKUP, SETUP_MAIL, SETUP_TEAM, SETUP_POLICY, SETUP_STEPS };
const char *setup_step_name(enum setup_step s);          /* "factor" "backup" "mail" "team" "policy" */
bool        setup_step_of(str name, enum setup_step *out);
struct setup_note {
	enum { SETUP_OPEN, SETUP_PROVEN, SETUP_DEFERRED } state;
	int64_t   user_id;
	usec      at;
	str       proof;                     /* what was true when it was proven */
	sensitive reason;                    /* why it was put off */
};
/* What was noted of each step; index: the step. Whether a step is done, its facts say as well (api/setup.c). MAY_READ_POSTURE. */
enum err setup_notes(struct ctx *cx, struct setup_note out[SETUP_STEPS]) MUST_CHECK;
/* SETUP_OPEN takes a deferral back. A deferral needs a reason of ten characters (bad()). In the trail. MAY_ADMIN. */
enum err setup_put(struct ctx *cx, enum setup_step s, int state, str proof, sensitive reason) MUST_CHECK;

extern const struct stmt *const comply_stmts[];

#endif
