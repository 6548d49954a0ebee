/* view_kept.h - what is kept of views: for view_kept.c, which keeps it up, and view_pass.c, which makes it. */
#ifndef WARD_DESK_VIEW_KEPT_H
#define WARD_DESK_VIEW_KEPT_H

#include <stdatomic.h>

#include "desk/view.h"

/* What counting needs of a ticket; texts only as keyed hashes. */
struct snap {
	int64_t  requester_id, submitter_id, assignee_id, group_id, organization_id, problem_id, brand_id, form_id, custom_status_id;
	usec     created_at, updated_at, due_at, solved_at;
	int      status, priority, type;
	bool     is_public, gone;          /* gone: deleted, or not there yet */
	char     channel[24];
	int      people, ccs, tags, customs;
	int64_t *person;                   /* CCs, then followers */
	uint64_t *tag;
	struct field_hash *custom;
};
struct change {
	atomic_int users;
	int64_t    id;
	usec       generated;
	bool       sealed;                 /* tags and custom are known */
	struct snap before, after;
};

#define RING 8192
#define BEHIND_MAX 4096              /* further behind: all is read anew */
struct kept {
	int64_t  rule_id, user_id, n;
	uint64_t version, gate, epoch;
	usec     generated, counted_at, cost;
	uint64_t seq;                      /* changes below it are applied */
	bool     used;
};
#define KEPT 2048

/* The first tickets of a view in one order: all that fit and come not after `floor`; all that fit, when complete. */
struct key { int64_t g, s, id; };
#define TOP 120
#define TOPS 512
#define READINGS 64
#define WAIT_FOR (SECOND / 4)        /* for another who reads the same */
#define WAIT_LONG (2 * SECOND)       /* for a page that is being made, before it is looked for without */
#define WAITING_MAX 24               /* so many may wait: the other workers serve the others */
#define SLOW_MAX 3                   /* so many may look for a page at once in what is large, so that connections are left */
struct top {
	int64_t  rule_id, user_id;
	uint64_t version, gate, epoch, seq;
	usec     generated, made_at;
	unsigned order;                    /* enum below */
	bool     complete;
	int      n;
	struct key floor, key[TOP];
};
enum { O_GROUPED = 1, O_GROUP_DOWN = 2, O_BY_NUMBER = 4, O_DOWN = 8, O_PAGE = 16 };

struct counters {
	pthread_mutex_t ring_lock, lock;   /* lock: the table of numbers */
	struct change *ring[RING];
	uint64_t       head, epoch;
	usec           lost;               /* the newest generated_at that was never noted */
	struct kept    kept[KEPT];
	struct top    *top[TOPS];          /* NULL: not used yet */
	struct reading { int64_t rule_id, user_id; unsigned order; } reading[READINGS];      /* who reads anew; rule_id 0: free */
	pthread_cond_t read;               /* one of them is through, or a page is there, or room for a slow one */
	int            waiting, slow;
	atomic_bool    live, sealed;       /* somebody counts; somebody counts by tags */
	atomic_bool    large;              /* more tickets than a request counts itself */
	struct passes *passes;             /* view_pass.c; NULL: requests count all themselves */
};


/* Whose sight a view is kept for (0: of all who see all), and what it is kept under; p->whole is set. */
enum err sight_of(struct ctx *cx, struct counters *k, struct plan *p, int64_t *user, uint64_t *gate) MUST_CHECK;

/* What the ring has from `seq` on that is newer than `generated`. False: that cannot be known, all is to be read anew. */
struct since { uint64_t head, epoch; struct change **todo; int todos; };
bool     changes_since(struct ctx *cx, struct counters *k, bool keep, uint64_t seq, usec generated, uint64_t epoch, bool sealed, struct since *s);
void     since_done(struct since *s);
enum err snap_counts(struct ctx *cx, const struct plan *p, int64_t id, const struct snap *s, bool *yes) MUST_CHECK;

/* Of two who know a number or a list, the one who knows more stays. */
void     count_put(struct counters *k, const struct kept *n);
void     top_put(struct counters *k, const struct top *t);
unsigned order_bits(const struct order *o);
struct key key_of(unsigned order, int64_t id, int status, usec updated_at);
/* A ticket changed: it is no longer where it was; `fits`: it belongs at `at`. */
void     top_change(struct top *t, int64_t id, bool fits, struct key at);

/* ---- the passes (view_pass.c) */

/* Is it to be made behind: too much for a request, and somebody there who does it. */
bool     pass_due(struct ctx *cx, struct counters *k, const struct plan *p);
/* Asks for it, for the actor's sight; o NULL: in the view's own order. It is made once, whoever asks. */
void     pass_ask(struct ctx *cx, struct counters *k, const struct rule *view, int64_t user, const struct order *o);
/* What those who see all have of the view, made or asked for; heavy: only if it was made behind. */
enum err view_warm(struct ctx *cx, struct counters *k, const struct rule *view, bool heavy) MUST_CHECK;

#endif
