/* aside.h - what agents keep beside tickets: saved searches, pinned content,
 * task lists; and what others did to their tickets.
 *
 * The first three are few and small, so they share a table: a JSON object,
 * sealed under a key of its own that goes with the row. A saved search is its
 * agent's alone; the others are whoever's who may work the ticket. */
#ifndef WARD_DESK_ASIDE_H
#define WARD_DESK_ASIDE_H

#include <jansson.h>

#include "desk/desk.h"

enum aside_kind { ASIDE_SEARCH = 1, ASIDE_PIN, ASIDE_TASKS, ASIDE_LAST };      /* numbers in the database */
struct aside {
	int64_t id, key, user_id, ticket_id;      /* user_id: who made it; ticket_id 0: none */
	usec    created_at, updated_at;
	const json_t *doc;                        /* the arena's */
};
/* Writing: E_CONFLICT, fail.field the member, when another one of the agent's (of the ticket's) has the same; E_LIMIT above
 * the most of its kind. Searches that are another's and what hangs on a ticket out of sight: E_ABSENT. */
enum err aside_create(struct ctx *cx, enum aside_kind kind, int64_t ticket_id, const json_t *doc, struct aside *out) MUST_CHECK;
enum err aside_update(struct ctx *cx, enum aside_kind kind, int64_t id, const json_t *doc, struct aside *out) MUST_CHECK;
enum err aside_delete(struct ctx *cx, enum aside_kind kind, int64_t id, struct aside *out) MUST_CHECK;    /* *out: what it was */
enum err aside_get(struct ctx *cx, enum aside_kind kind, int64_t id, struct aside *out) MUST_CHECK;
/* Oldest first; all of them. ticket_id 0: the actor's own. */
enum err aside_list(struct ctx *cx, enum aside_kind kind, int64_t ticket_id, struct aside **out, int *count) MUST_CHECK;

/* ---- tasks: a list of them is made of a template (DEF_TASKS), whose texts and tasks it copies ---- */

/* On a ticket, from an active template. E_CONFLICT: it has one of this template. */
enum err tasks_add(struct ctx *cx, int64_t ticket_id, int64_t template_id, struct aside *out) MUST_CHECK;
enum err tasks_tick(struct ctx *cx, int64_t ticket_id, int64_t list_id, int64_t task_id, bool done, struct aside *out) MUST_CHECK;

/* ---- activities -------------------------------------------------------------------------------------- */

#define ACTIVITY_KEPT_FOR ((usec)30 * 86400 * SECOND)
enum activity_verb { ACT_ASSIGNMENT = 1, ACT_COMMENT, ACT_PRIORITY };
struct activity {
	int64_t id, user_id, actor_id, ticket_id, comment_id;    /* actor_id -1: a rule that runs on time */
	enum activity_verb verb;
	enum ticket_priority was, is;                            /* ACT_PRIORITY */
	usec created_at;
};
/* The actor's own of the last thirty days. `after`/`before`: ids, 0: none. Tickets that the actor may not see any more are
 * left out; *total, which may be NULL, counts them too. */
struct activity_filter { usec since; int64_t after, before, offset; bool oldest_first; int limit; };
enum err activity_list(struct ctx *cx, const struct activity_filter *f, struct activity **out, int *count, bool *more, int64_t *total) MUST_CHECK;
enum err activity_get(struct ctx *cx, int64_t id, struct activity *out) MUST_CHECK;

/* The last tickets that the actor opened or made, newest first, at most `most`; as the trail has it. */
enum err ticket_recent(struct ctx *cx, int most, int64_t *ids, int *count) MUST_CHECK;
#define LOOK_OPENED "opened:"        /* in front of the fields of a look at one ticket that somebody opened */

#endif
