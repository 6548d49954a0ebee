/* driver.h - what an SQL engine must do for the store; internal to store.
 *
 * A driver is one file that fills one struct driver. It knows connections,
 * statements and plain values (ARG_NULL, ARG_INT, ARG_TEXT, ARG_BYTES), and
 * nothing of requests, queues, sealing, sequences or hooks: those are
 * store.c's. A connection is used by one thread at a time and reaches both
 * databases. Failures go into `cx` with the statement's name as the field.
 */
#ifndef WARD_STORE_DRIVER_H
#define WARD_STORE_DRIVER_H

#include "store/store.h"

#define STORE_ARGS_MAX 64             /* values one statement takes or gives */
#define DB_COUNT       2

struct conn;                          /* the driver's own */

/* A statement on one connection, ready to run. Drivers put it first in theirs. */
struct prepared {
	const struct stmt *st;
	int  in, out;                     /* values it takes and gives */
	bool writes;                      /* changes something, so it needs a transaction */
};

/* Housekeeping: what is due; since nobody waits, also what soon will be; or at
 * once, since a commit failed and there may be room to be had. */
enum tidy { TIDY_DUE, TIDY_IDLE, TIDY_NOW };

struct driver {
	const char *name;

	/* The writer's connection creates and may write; the others only read. */
	enum err (*open)(struct ctx *cx, const struct store_conf *conf, bool writer, struct conn **out);
	void     (*close)(struct conn **c);
	/* Reads on it fail with E_BUSY from when *stop is true; NULL: they do not. */
	void     (*heed)(struct conn *c, const atomic_bool *stop);
	/* From on to off a reader's connection sees one snapshot of the keyring, which costs its locks once. Only for as long
	 * as a page takes: what is erased meanwhile is still seen, and scrubbing waits. */
	void     (*hold_keys)(struct conn *c, bool on);
	/* Brings both databases to the list's state, one transaction each. */
	enum err (*migrate)(struct ctx *cx, struct conn *c, const struct migration *m, int count);

	/* From the connection's cache, or prepared now. */
	enum err (*prepare)(struct ctx *cx, struct conn *c, const struct stmt *st, struct prepared **out);
	/* start, then next until it says no more or one has enough, then finish,
	 * whatever happened. Columns live until the following next or finish. */
	enum err (*start)(struct ctx *cx, struct prepared *p, const struct arg *in, struct prepared **cursor);
	enum err (*next)(struct ctx *cx, struct prepared *cursor, bool *more);
	bool     (*column)(struct prepared *cursor, int i, struct arg *out);  /* false: a kind we have not */
	int64_t  (*finish)(struct prepared *cursor);                          /* rows changed */

	/* Transactions, on the writer's connection. A savepoint does not nest. */
	enum err (*begin)(struct ctx *cx, struct conn *c, enum db db);
	enum err (*commit)(struct ctx *cx, struct conn *c, enum db db);
	void     (*rollback)(struct conn *c, enum db db);
	enum err (*save)(struct ctx *cx, struct conn *c, enum db db);
	enum err (*keep)(struct ctx *cx, struct conn *c, enum db db);   /* ends the savepoint */
	enum err (*back)(struct ctx *cx, struct conn *c, enum db db);   /* undoes it and ends it */
	bool     (*lost)(struct conn *c, enum db db);      /* the engine rolled the transaction back by itself */
	bool     (*dangling)(struct conn *c, enum db db);  /* a deferred constraint is broken */

	/* Between transactions, on the writer's connection: housekeeping. */
	void     (*tidy)(struct conn *c, enum tidy how);
	/* Leaves nothing of what was deleted in the database's files. E_BUSY: a
	 * reader was in the way, try again. */
	enum err (*scrub)(struct ctx *cx, struct conn *c, enum db db);
	uint64_t (*size)(const struct store_conf *conf, enum db db);    /* bytes on disk */
	/* Test hook: the database may not grow above so many pages (0: it may). */
	void     (*limit)(struct conn *c, enum db db, int64_t pages);
};
extern const struct driver driver_sqlite;

/* Test hook: see driver.limit; set by the writer before its next batch. */
void store_limit_pages(struct store *s, enum db db, int64_t pages);

#endif
