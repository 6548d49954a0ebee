/* view.h - what view.c (a view's queries) and view_kept.c (what is kept of it) share; not for others. */
#ifndef WARD_DESK_VIEW_H
#define WARD_DESK_VIEW_H

#include "desk/clause.h"
#include "desk/rule.h"

/* In a statement that reads tickets: up to which change it sees them. */
#define NEWEST "(SELECT g.generated_at FROM ticket g WHERE g.account_id = $1 ORDER BY g.generated_at DESC LIMIT 1)"

/* What a query needs to know of a view. */
struct plan {
	const struct compiled *c;
	const struct cond     *rest[128];      /* looked at ticket by ticket */
	int        rests;
	bool       rest_any;                   /* the whole of `any` is */
	bool       metric;                     /* a clause names m */
	bool       timed, sealed, words, mine, groups;
	const struct cond *walk;               /* the condition whose values are walked one by one */
	bool       by_status;                  /* each walk names its status, so conditions on it are spent */
	bool       by_id;                      /* the order is (status, id): no other index may look better */
	bool       whole;                      /* for somebody who sees all tickets: no clause of theirs */
	bool       newest;                     /* the newest change of all is a column behind the others */
};

/* The order of a page. */
struct order {
	const struct view_col *group, *sort;
	bool   group_down, sort_down;
	bool   walked;               /* an index gives it */
	bool   keyed;                /* a page can go on from (sort, id) */
};

/* The view's own order, or what the page asks for instead. */
void view_order(const struct compiled *c, const struct view_page *p, struct order *o);
/* The statuses that the conditions under `all` leave, a bit each. */
unsigned view_statuses(const struct compiled *c);

/* A statement while it is put together: begun with the account as $1, its words, the view's FROM and WHERE, and made. */
void view_begin(struct query *q, struct ctx *cx);
void view_say(struct query *q, const char *z);
void view_where(struct query *q, struct plan *p, usec now, bool scoped);
enum err view_intern(struct query *q, const char *name, const char *out, bool sealed, const struct stmt **st) MUST_CHECK;
enum err view_page_query(struct ctx *cx, struct query *q, struct plan *p, const struct order *o, const struct view_page *at,
    int limit, int64_t offset, usec now) MUST_CHECK;

/* The conditions that the query left, on a ticket it gave; whether the actor may see it. */
bool view_rest_holds(const struct plan *p, struct subject *s);
enum err view_visible(struct ctx *cx, const struct ticket *t, bool *yes) MUST_CHECK;
/* The view's conditions; *version 0: it is only tried. */
enum err view_compiled(struct ctx *cx, const struct rule *view, const struct compiled **out, uint64_t *version) MUST_CHECK;

/* Around what may look through a large desk. */
bool view_is_large(struct counters *k);
void slow_begin(struct ctx *cx, struct counters *k);
void slow_end(struct counters *k);

/* A page out of the kept tickets; *count -1: they do not reach so far (view_kept.c). */
enum err view_top_page(struct ctx *cx, const struct rule *view, const struct compiled *c, uint64_t version, const struct order *o,
    const struct view_page *at, struct ticket *list, int *count, struct view_place *place) MUST_CHECK;

#endif
