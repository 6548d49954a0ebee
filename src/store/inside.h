/* inside.h - what the store's own files share: store.c opens and closes, run.c
 * runs statements, writer.c is the queue and the thread behind store_write(). */
#ifndef WARD_STORE_INSIDE_H
#define WARD_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/driver.h"

struct item;                               /* writer.c: one store_write() that waits */
struct sequence;                           /* writer.c: a counter in use by this batch */

struct hook {
	struct hook *next;
	void       (*fn)(struct sys *sys, void *arg);
	void        *arg;
};

struct before {
	struct before *next;
	struct ctx    *cx;                 /* of the item that asked first, */
	struct tx     *tx;                 /* and what it did */
	tx_fn         *fn;
	void          *arg;
};

/* What one item did so far; lives on the stack of the thread that waits. */
struct tx {
	struct store *s;
	unsigned      wrote, saved;        /* a bit per database: changed; inside a savepoint */
	struct hook  *after, **after_end;  /* in order */
	struct hook  *undo;                /* last first */
	struct before *before;             /* what it wants done before the commit */
};

struct reader {
	struct reader *next;               /* in the pool */
	struct store  *s;
	struct conn   *c;
	int            running;            /* statements */
};

struct store {
	const struct driver *drv;
	struct store_conf    conf;
	struct sys           sys;          /* for cx below and for opening: knows only this store */
	int                  lock_fd;

	pthread_mutex_t mutex;             /* guards the queue */
	pthread_cond_t  work;
	struct item    *head, **end;
	bool            closing;
	atomic_int      queue;

	pthread_t       thread;
	bool            started;
	struct conn    *writer;            /* the writer thread's, like all down to known */
	struct ctx      cx;
	unsigned        begun, dirty;      /* a bit per database: in a transaction; changed in it by earlier items */
	struct before  *before;            /* what this batch's items want done before its commit */
	struct sequence *seq;
	int             seq_count, seq_cap;
	const struct stmt **known;         /* what store_prepare() was given */
	size_t          known_count, known_cap;

	pthread_mutex_t pool_mutex;
	pthread_cond_t  pool_free;
	struct reader  *pool, *all;        /* free ones, last used first; the array */
	int             readers;

	atomic_uint_fast64_t transactions, commits, rollbacks;
	atomic_int      fail_commit;
	_Atomic int64_t limit[DB_COUNT];   /* -1: nothing to set */
};

/* run.c */
enum err need_codec(struct ctx *cx, const char *name) MUST_CHECK;
void     reader_release(struct ctx *cx);

/* writer.c */
enum err writer_start(struct ctx *cx, struct store *s) MUST_CHECK;
void     writer_stop(struct store *s);     /* after what is queued */
/* store_write() on a store that is not wired yet; with `scrub`, the keyring's
 * files are cleaned after the commit (driver.scrub). */
enum err writer_submit(struct store *s, struct ctx *cx, tx_fn *fn, void *arg, bool scrub) MUST_CHECK;
#define KEY_SEQUENCE "key"
enum err sequence_next(struct ctx *cx, enum db db, const char *name, int64_t *id) MUST_CHECK;

#endif
