/* store.c - statements with kinds, the writer and its queue, sealing, hooks.
 *
 * Group commit. Every write is an item in one queue. The writer thread takes
 * all that wait (at most BATCH), runs their functions one after the other in
 * one transaction, commits once, and only then lets their callers go on; while
 * it waits for the disk, the next batch gathers by itself, so nothing is ever
 * delayed to make a batch bigger. A transaction begins with its first
 * statement, separately for each database.
 *
 * One item's failure must not touch the others. It runs inside a savepoint,
 * which is set at its first change (an item that only read has none), and only
 * if items before it changed something in this transaction: otherwise the
 * whole transaction is its savepoint.
 *
 * Order of a commit: keyring, then main. A crash between the two leaves keys
 * without data, which harm nobody; data without keys would be lost. For the
 * same reason keys are destroyed only for notes that are committed already
 * (store_erase reads them outside the writer).
 *
 * Sequences are counted in memory within a batch and written once before its
 * commit: with 64 tickets in a batch that is one update instead of 64. An item
 * that fails gives its numbers back, so they stay gapless. The numbers of data
 * keys are counted in the keyring: counted in main, a crash between the two
 * commits would give the next key the number of one that is there already.
 *
 * Waking. The writer wakes the first item's thread, each thread wakes two
 * others: with 256 waiters the writer would else spend a millisecond on system
 * calls in which the next batch could have begun.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "store/driver.h"

enum { BATCH = 256, READERS = 8, READER_WAIT_S = 10, IDLE_MS = 250, ERASE_KEYS = 256, SCRUB_TRIES = 50 };

struct before {
	struct before *next;
	tx_fn         *fn;
	void          *arg;
};

struct hook {
	struct hook *next;
	void       (*fn)(struct sys *sys, void *arg);
	void        *arg;
};

/* What one item did so far; lives on the stack of the thread that waits. */
struct tx {
	struct store *s;
	unsigned      wrote, saved;        /* a bit per database: changed; inside a savepoint */
	struct hook  *after, **after_end;  /* in order */
	struct hook  *undo;                /* last first */
	struct before *before;             /* what it wants done before the commit */
};

struct item {
	struct item *next;
	struct ctx  *cx;
	tx_fn       *fn;
	void        *arg;
	bool         scrub;                /* also clean the keyring's files after the commit */
	enum err     err;
	sem_t        done;
	struct item *wakes[2];             /* whom this one's thread wakes */
	struct tx    tx;
};

struct sequence {
	enum db     db;
	int64_t     account;
	const char *name;                  /* of the first item that used it; lives as long as the batch */
	int64_t     next, stored;          /* the next to give; what the table says */
	const struct tx *owner;            /* the item that touched it last, */
	int64_t     before;                /* and what it was before that */
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
	struct conn    *writer;            /* the writer thread's, like all down to seq */
	struct ctx      cx;
	unsigned        begun, dirty;      /* a bit per database: in a transaction; changed in it by earlier items */
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

static _Thread_local const struct store *writing;   /* in the writer thread: its store */

#define SEQUENCE_SQL \
	"CREATE TABLE sequence (account_id BIGINT NOT NULL, name TEXT NOT NULL, next BIGINT NOT NULL," \
	" PRIMARY KEY (account_id, name));"
static const char keys_sql[] = SEQUENCE_SQL;
static const char main_sql[] = SEQUENCE_SQL
	"CREATE TABLE erase_key (account_id BIGINT NOT NULL, key_id BIGINT NOT NULL,"
	" PRIMARY KEY (account_id, key_id));";

static const struct stmt sequence_get = {
	.name = "store.sequence_get",
	.sql  = "SELECT next FROM sequence WHERE account_id = $1 AND name = $2",
	.in = "it", .out = "i",
};
static const struct stmt sequence_set = {
	.name = "store.sequence_set",
	.sql  = "INSERT INTO sequence (account_id, name, next) VALUES ($1, $2, $3)"
	        " ON CONFLICT (account_id, name) DO UPDATE SET next = excluded.next",
	.in = "iti",
};
static const struct stmt key_sequence_get = {
	.name = "store.key_sequence_get", .db = DB_KEYS,
	.sql  = "SELECT next FROM sequence WHERE account_id = $1 AND name = $2",
	.in = "it", .out = "i",
};
static const struct stmt key_sequence_set = {
	.name = "store.key_sequence_set", .db = DB_KEYS,
	.sql  = "INSERT INTO sequence (account_id, name, next) VALUES ($1, $2, $3)"
	        " ON CONFLICT (account_id, name) DO UPDATE SET next = excluded.next",
	.in = "iti",
};
static const struct stmt *const sequence_stmts[DB_COUNT][2] = {
	[DB_MAIN] = { &sequence_get, &sequence_set }, [DB_KEYS] = { &key_sequence_get, &key_sequence_set },
};
static const struct stmt erase_note = {
	.name = "store.erase_note",
	.sql  = "INSERT INTO erase_key (account_id, key_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
	.in = "ii",
};
static const struct stmt erase_list = {
	.name = "store.erase_list",
	.sql  = "SELECT account_id, key_id FROM erase_key ORDER BY account_id, key_id LIMIT $1",
	.in = "i", .out = "ii",
};
static const struct stmt erase_forget = {
	.name = "store.erase_forget",
	.sql  = "DELETE FROM erase_key WHERE account_id = $1 AND key_id = $2",
	.in = "ii",
};

/* ---- reading connections --------------------------------------------------------------------------- */

static enum err
reader_take(struct ctx *cx, struct store *s)
{
	struct timespec until;
	struct reader *r;

	pthread_mutex_lock(&s->pool_mutex);
	if (s->pool == NULL) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += READER_WAIT_S;
		while (s->pool == NULL && pthread_cond_timedwait(&s->pool_free, &s->pool_mutex, &until) == 0)
			;
	}
	if ((r = s->pool) != NULL)
		s->pool = r->next;
	pthread_mutex_unlock(&s->pool_mutex);
	if (r == NULL)
		return fail(cx, E_BUSY, NULL, "no reading connection became free");
	cx->reader = r;
	return OK;
}

static void
reader_release(struct ctx *cx)
{
	struct reader *r = cx->reader;
	struct store *s;

	if (r == NULL)
		return;
	s = r->s;
	cx->reader = NULL;
	pthread_mutex_lock(&s->pool_mutex);
	r->next = s->pool;
	s->pool = r;
	pthread_mutex_unlock(&s->pool_mutex);
	pthread_cond_signal(&s->pool_free);
}

/* ---- values ---------------------------------------------------------------------------------------- */

static enum err
need_codec(struct ctx *cx, const char *name)
{
	return cx->sys->codec != NULL ? OK : fail(cx, E_FAULT, name, "nothing is wired to seal with");
}

static enum err
seal_arg(struct ctx *cx, const struct stmt *st, int k, const struct arg *a, int i, int n, struct arg *in)
{
	const struct sealed_col *col;
	str sealed = {0};

	TRY(need_codec(cx, st->name));
	if (k >= (int)COUNT(st->seal_in) || (col = &st->seal_in[k])->table == NULL || col->column == NULL ||
	    col->row < 0 || col->row >= n || a[col->row].kind != ARG_INT)
		return fail(cx, E_FAULT, st->name, "the statement does not say what a value is sealed to");
	TRY(cx->sys->codec->seal(cx, a[i].i, col->table, col->column, a[col->row].i, a[i].s, &sealed));
	*in = BYTES(sealed);
	return OK;
}

static enum err
blind_arg(struct ctx *cx, const struct stmt *st, int k, const struct arg *a, struct arg *in)
{
	unsigned char *hash = NEW(cx->arena, unsigned char, 16);

	TRY(need_codec(cx, st->name));
	if (k >= (int)COUNT(st->blind) || st->blind[k] == NULL)
		return fail(cx, E_FAULT, st->name, "the statement does not name a blind index");
	TRY(cx->sys->codec->blind(cx, st->blind[k], a->s, hash));
	*in = BYTES(((str){ (char *)hash, 16 }));
	return OK;
}

/* Checks the arguments against the kinds of `st` and turns them into plain values. */
static enum err
plain_args(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct arg *in)
{
	const char *k = st->in;
	int sealed = 0, blind = 0;

	for (int i = 0; i < n; i++, k++) {
		char kind = *k;
		bool may_be_null = k[1] == '?';
		enum arg_kind want = kind == 'i' ? ARG_INT : kind == 't' ? ARG_TEXT : kind == 'b' ? ARG_BYTES
		    : kind == 'S' ? ARG_SEALED : kind == 'X' ? ARG_BLIND : ARG_NULL;

		k += may_be_null;
		if (a[i].kind == ARG_NULL ? !may_be_null : a[i].kind != want)
			return fail(cx, E_FAULT, st->name, "an argument is not of the kind the statement declares");
		if (a[i].kind == ARG_SEALED)
			TRY(seal_arg(cx, st, sealed, a, i, n, &in[i]));
		else if (a[i].kind == ARG_BLIND)
			TRY(blind_arg(cx, st, blind, &a[i], &in[i]));
		else
			in[i] = a[i];
		sealed += kind == 'S';
		blind += kind == 'X';
	}
	return OK;
}

static enum err
open_cell(struct ctx *cx, const struct stmt *st, int k, str sealed, int n, struct cell *cells, struct cell *out)
{
	const struct sealed_col *col;
	bool failed = cx->fail.code != OK;
	enum err e;

	TRY(need_codec(cx, st->name));
	if (k >= (int)COUNT(st->seal_out) || (col = &st->seal_out[k])->table == NULL || col->column == NULL ||
	    col->row < 0 || col->row >= n || cells[col->row].null)
		return fail(cx, E_FAULT, st->name, "the statement does not say what a value is sealed to");
	e = cx->sys->codec->open(cx, col->table, col->column, cells[col->row].i, sealed, &out->s);
	if (e != E_ABSENT)
		return e;
	if (!failed) {                  /* being erased is an answer, not a failure */
		cx->fail.code = OK;
		cx->fail.field = cx->fail.why = NULL;
	}
	out->erased = true;
	out->s = (str){0};
	return OK;
}

/* Fills `cells` from the cursor's row. Texts and bytes are copied when `copy`;
 * what is opened is made in cx->arena either way. Sealed cells come second:
 * the id that they are bound to may stand behind them. */
static enum err
read_row(struct ctx *cx, const struct driver *drv, struct prepared *cur, bool copy, struct cell *cells)
{
	const struct stmt *st = cur->st;
	str sealed[COUNT(st->seal_out)];
	int at[COUNT(st->seal_out)], count = 0, sealed_at = 0;
	const char *k = st->out;

	for (int i = 0; i < cur->out; i++, k++) {
		char kind = *k;
		bool may_be_null = k[1] == '?', fits;
		struct arg v = NIL;

		k += may_be_null;
		fits = drv->column(cur, i, &v) && (v.kind == ARG_NULL ? may_be_null
		    : kind == 'i' ? v.kind == ARG_INT : kind == 't' ? v.kind == ARG_TEXT : v.kind == ARG_BYTES);
		if (!fits)
			return fail(cx, E_FAULT, st->name, "a column is not of the kind the statement declares");
		cells[i] = (struct cell){ .null = v.kind == ARG_NULL, .i = v.i };
		if (kind == 'S') {
			if (sealed_at == (int)COUNT(sealed))
				return fail(cx, E_FAULT, st->name, "the statement has too many sealed columns");
			if (v.kind == ARG_BYTES) {
				sealed[count] = v.s;
				at[count++] = i | sealed_at << 8;
			}
			sealed_at++;
		} else if (v.kind == ARG_TEXT || v.kind == ARG_BYTES)
			cells[i].s = copy ? str_dup(cx->arena, v.s) : v.s;
	}
	for (int i = 0; i < count; i++)
		TRY(open_cell(cx, st, at[i] >> 8, sealed[i], cur->out, cells, &cells[at[i] & 0xff]));
	return OK;
}

/* ---- running statements ---------------------------------------------------------------------------- */

/* Begins what must be begun before `p` runs in this item. */
static enum err
tx_ready(struct ctx *cx, struct tx *tx, const struct prepared *p)
{
	struct store *s = tx->s;
	enum db db = p->st->db;
	unsigned bit = 1u << db;

	if ((s->begun & bit) == 0) {
		TRY(s->drv->begin(cx, s->writer, db));
		s->begun |= bit;
	}
	if (p->writes && (tx->wrote & bit) == 0) {
		if ((s->dirty & bit) != 0) {
			TRY(s->drv->save(cx, s->writer, db));
			tx->saved |= bit;
		}
		tx->wrote |= bit;
	}
	return OK;
}

struct call {
	struct store    *s;
	struct reader   *r;       /* NULL: on the writer's connection */
	struct prepared *cur;
};

static enum err
call_start(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct call *out)
{
	struct arg in[STORE_ARGS_MAX];
	struct call c = { .s = cx->tx != NULL ? cx->tx->s : cx->sys->store };
	struct prepared *p;

	if (c.s == NULL)
		return fail(cx, E_FAULT, st->name, "no store is open");
	if (cx->tx == NULL) {
		if (cx->reader == NULL)
			TRY(reader_take(cx, c.s));
		c.r = cx->reader;
	}
	TRY(c.s->drv->prepare(cx, c.r != NULL ? c.r->c : c.s->writer, st, &p));
	if (n != p->in)
		return fail(cx, E_FAULT, st->name, "there are more or fewer arguments than the statement declares");
	if (p->writes && cx->tx == NULL)
		return fail(cx, E_FAULT, st->name, "a statement that writes ran outside a transaction");
	TRY(plain_args(cx, st, a, n, in));
	if (cx->tx != NULL)
		TRY(tx_ready(cx, cx->tx, p));
	TRY(c.s->drv->start(cx, p, in, &c.cur));
	if (c.r != NULL)
		c.r->running++;
	*out = c;
	return OK;
}

static int64_t
call_end(struct call *c)
{
	if (c->r != NULL)
		c->r->running--;
	return c->s->drv->finish(c->cur);
}

static enum err
one(struct ctx *cx, struct call *c, struct row *out)
{
	struct row r = { .n = c->cur->out };
	bool more;

	TRY(c->s->drv->next(cx, c->cur, &more));
	if (!more)
		return fail(cx, E_ABSENT, c->cur->st->name, "is not there");
	r.cell = NEW(cx->arena, struct cell, (size_t)r.n);
	TRY(read_row(cx, c->s->drv, c->cur, true, r.cell));
	TRY(c->s->drv->next(cx, c->cur, &more));
	if (more)
		return fail(cx, E_FAULT, c->cur->st->name, "there is a second row where one was expected");
	*out = r;
	return OK;
}

enum err
store_one(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct row *out)
{
	struct call c;
	enum err e;

	TRY(call_start(cx, st, a, n, &c));
	e = one(cx, &c, out);
	call_end(&c);
	return e;
}

static enum err
all(struct ctx *cx, struct call *c, struct rows *out)
{
	struct rows rows = {0};
	int cap = 0;
	bool more;

	for (;;) {
		TRY(c->s->drv->next(cx, c->cur, &more));
		if (!more)
			break;
		if (rows.count == cap) {
			struct row *old = rows.row;
			cap = cap == 0 ? 16 : cap * 2;
			rows.row = NEW(cx->arena, struct row, (size_t)cap);
			if (old != NULL)
				memcpy(rows.row, old, sizeof(*old) * (size_t)rows.count);
		}
		struct row *r = &rows.row[rows.count++];
		r->n = c->cur->out;
		r->cell = NEW(cx->arena, struct cell, (size_t)r->n);
		TRY(read_row(cx, c->s->drv, c->cur, true, r->cell));
	}
	*out = rows;
	return OK;
}

enum err
store_all(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct rows *out)
{
	struct call c;
	enum err e;

	TRY(call_start(cx, st, a, n, &c));
	e = all(cx, &c, out);
	call_end(&c);
	return e;
}

/* What is opened for a row goes into an arena that is wiped after it; what fn
 * makes goes into the context's own. */
static enum err
each(struct ctx *cx, struct call *c, struct arena *scratch, row_fn *fn, void *arg)
{
	struct cell cells[STORE_ARGS_MAX];
	struct row r = { .n = c->cur->out, .cell = cells };
	struct arena *own = cx->arena;
	bool more;

	for (;;) {
		enum err e;
		TRY(c->s->drv->next(cx, c->cur, &more));
		if (!more)
			return OK;
		if (scratch != NULL)
			cx->arena = scratch;
		e = read_row(cx, c->s->drv, c->cur, false, cells);
		cx->arena = own;
		TRY(e);
		TRY(fn(cx, &r, arg));
		if (scratch != NULL)
			arena_reset(scratch);
	}
}

enum err
store_each(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, row_fn *fn, void *arg)
{
	CLEANUP(arena_free) struct arena *scratch = NULL;
	struct call c;
	enum err e;

	TRY(call_start(cx, st, a, n, &c));
	if (st->out != NULL && strchr(st->out, 'S') != NULL)
		scratch = arena_new();
	e = each(cx, &c, scratch, fn, arg);
	call_end(&c);
	return e;
}

enum err
store_exec(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, int64_t *changed)
{
	struct call c;
	bool more = true;
	enum err e = OK;
	int64_t count;

	if (cx->tx == NULL)
		return fail(cx, E_FAULT, st->name, "a statement that writes ran outside a transaction");
	TRY(call_start(cx, st, a, n, &c));
	while (e == OK && more)
		e = c.s->drv->next(cx, c.cur, &more);
	count = call_end(&c);
	if (e == OK && changed != NULL)
		*changed = count;
	return e;
}

/* ---- sequences ------------------------------------------------------------------------------------- */

static enum err
sequence_load(struct ctx *cx, struct store *s, enum db db, const char *name, struct sequence **out)
{
	const struct arg args[] = { INT(cx->account), TEXT(str_of(name)) };
	struct sequence q = { .db = db, .account = cx->account, .name = name };
	struct call c;
	bool more;
	enum err e;

	for (int i = 0; i < s->seq_count; i++)
		if (s->seq[i].account == cx->account && s->seq[i].db == db && strcmp(s->seq[i].name, name) == 0) {
			*out = &s->seq[i];
			return OK;
		}
	if (s->seq_count == s->seq_cap) {
		int cap = s->seq_cap == 0 ? 64 : s->seq_cap * 2;
		struct sequence *grown = realloc(s->seq, sizeof(*grown) * (size_t)cap);
		if (grown == NULL)
			return fail(cx, E_FAULT, name, "out of memory");
		s->seq = grown;
		s->seq_cap = cap;
	}
	TRY(call_start(cx, sequence_stmts[db][0], args, (int)COUNT(args), &c));
	e = c.s->drv->next(cx, c.cur, &more);
	if (e == OK && more) {
		struct arg v = NIL;
		c.s->drv->column(c.cur, 0, &v);
		q.stored = v.i;
	}
	call_end(&c);
	TRY(e);
	q.next = q.stored != 0 ? q.stored : 1;
	s->seq[s->seq_count] = q;
	*out = &s->seq[s->seq_count++];
	return OK;
}

static enum err
next_id(struct ctx *cx, enum db db, const char *sequence, int64_t *id)
{
	struct sequence *q = NULL;

	if (cx->tx == NULL)
		return fail(cx, E_FAULT, sequence, "a number was taken outside a transaction");
	TRY(sequence_load(cx, cx->tx->s, db, sequence, &q));
	if (q->owner != cx->tx) {
		q->owner = cx->tx;
		q->before = q->next;
	}
	*id = q->next++;
	return OK;
}

enum err
store_next_id(struct ctx *cx, const char *sequence, int64_t *id)
{
	return next_id(cx, DB_MAIN, sequence, id);
}

static void
sequences_back(struct store *s, const struct tx *tx)
{
	for (int i = 0; i < s->seq_count; i++)
		if (s->seq[i].owner == tx) {
			s->seq[i].next = s->seq[i].before;
			s->seq[i].owner = NULL;
		}
}

/* In the name of nobody's item, just before the commit. */
static enum err
sequences_flush(struct store *s)
{
	struct tx tx = { .s = s };
	enum err e = OK;

	s->cx.tx = &tx;
	for (int i = 0; i < s->seq_count && e == OK; i++) {
		struct sequence *q = &s->seq[i];
		if (q->next == (q->stored != 0 ? q->stored : 1))
			continue;
		e = store_exec(&s->cx, sequence_stmts[q->db][1], ARGS(INT(q->account), TEXT(str_of(q->name)), INT(q->next)), NULL);
	}
	s->cx.tx = NULL;
	s->dirty |= tx.wrote;
	for (int d = 0; d < DB_COUNT && e == OK; d++)
		if ((tx.saved & 1u << d) != 0)
			e = s->drv->keep(&s->cx, s->writer, (enum db)d);
	return e;
}

/* ---- the writer ------------------------------------------------------------------------------------ */

static void
undo_item(struct item *it)
{
	for (struct hook *h = it->tx.undo; h != NULL; h = h->next)
		h->fn(it->cx->sys, h->arg);
	it->tx.undo = NULL;
}

static void
set_fault(struct item *it, const char *why)
{
	it->err = it->cx->fail.code = E_FAULT;
	it->cx->fail.field = NULL;
	it->cx->fail.why = why;
}

static bool
is_lost(struct store *s)
{
	for (int d = 0; d < DB_COUNT; d++)
		if ((s->begun & 1u << d) != 0 && s->drv->lost(s->writer, (enum db)d))
			return true;
	return false;
}

static void
rollback_all(struct store *s)
{
	for (int d = 0; d < DB_COUNT; d++)
		if ((s->begun & 1u << d) != 0)
			s->drv->rollback(s->writer, (enum db)d);
	s->begun = s->dirty = 0;
}

static enum err
item_keep(struct store *s, struct item *it)
{
	for (int d = 0; d < DB_COUNT; d++) {
		if ((it->tx.wrote & 1u << d) == 0)
			continue;
		if (s->drv->dangling(s->writer, (enum db)d))
			return fail(it->cx, E_INVALID, NULL, "refers to something that is not there");
		if ((it->tx.saved & 1u << d) != 0) {
			TRY(s->drv->keep(it->cx, s->writer, (enum db)d));
			it->tx.saved &= ~(1u << d);
		}
	}
	s->dirty |= it->tx.wrote;
	return OK;
}

/* False when that is not possible: then the whole transaction has to go. */
static bool
item_back(struct store *s, struct item *it)
{
	for (int d = 0; d < DB_COUNT; d++) {
		if ((it->tx.wrote & 1u << d) == 0)
			continue;
		if ((it->tx.saved & 1u << d) != 0) {
			if (s->drv->back(it->cx, s->writer, (enum db)d) != OK)
				return false;
		} else if ((s->dirty & 1u << d) != 0) {
			return false;   /* it was kept, but keeping another database's part failed */
		} else {
			s->drv->rollback(s->writer, (enum db)d);
			s->begun &= ~(1u << d);
		}
	}
	sequences_back(s, &it->tx);
	return true;
}

/* False: the engine has rolled back everything, or has to. */
static bool
item_run(struct store *s, struct item *it)
{
	it->tx = (struct tx){ .s = s };
	it->tx.after_end = &it->tx.after;
	it->cx->tx = &it->tx;
	it->err = it->fn(it->cx, it->arg);
	it->cx->tx = NULL;
	if (is_lost(s))
		return false;
	if (it->err == OK)
		it->err = item_keep(s, it);
	if (it->err == OK)
		return true;
	if (is_lost(s) || !item_back(s, it))
		return false;
	atomic_fetch_add(&s->rollbacks, 1);
	undo_item(it);
	return true;
}

static enum err
commit(struct store *s)
{
	unsigned dirty = s->dirty;

	if ((s->begun & 1u << DB_KEYS) != 0)
		TRY(s->drv->commit(&s->cx, s->writer, DB_KEYS));
	s->begun &= ~(1u << DB_KEYS);
	if (dirty != 0 && atomic_load(&s->fail_commit) > 0 && atomic_fetch_sub(&s->fail_commit, 1) == 1)
		return fail(&s->cx, E_FAULT, NULL, "the disk is full");
	if ((s->begun & 1u << DB_MAIN) != 0)
		TRY(s->drv->commit(&s->cx, s->writer, DB_MAIN));
	s->begun = s->dirty = 0;
	if (dirty != 0)
		atomic_fetch_add(&s->commits, 1);
	return OK;
}

static void
scrub_after(struct store *s, struct item **it, int n)
{
	bool done = false;
	enum err e = OK;

	for (int i = 0; i < n; i++)
		if (it[i]->scrub && it[i]->err == OK) {
			if (!done)
				e = s->drv->scrub(&s->cx, s->writer, DB_KEYS);
			done = true;
			it[i]->err = e == OK ? OK : fail(it[i]->cx, e, s->cx.fail.field, s->cx.fail.why);
		}
}

static bool
asked_before(struct item **it, int n, const struct before *b)
{
	for (int i = 0; i < n; i++)
		for (const struct before *o = it[i]->err == OK ? it[i]->tx.before : NULL; o != NULL; o = o->next)
			if (o->fn == b->fn && o->arg == b->arg)
				return true;
	return false;
}

/* As a late part of the item that asked first: an undo that is left here is
 * run with its others. No savepoint is needed, a failure fails all. */
static enum err
before_flush(struct store *s, struct item **it, int n)
{
	for (int i = 0; i < n; i++) {
		struct ctx *cx = it[i]->cx;
		for (const struct before *b = it[i]->err == OK ? it[i]->tx.before : NULL; b != NULL; b = b->next) {
			enum err e;
			if (asked_before(it, i, b))
				continue;
			cx->tx = &it[i]->tx;
			e = b->fn(cx, b->arg);
			cx->tx = NULL;
			if (e == OK)
				e = item_keep(s, it[i]);
			if (e != OK)
				return fail(&s->cx, E_FAULT, NULL, cx->fail.why != NULL ? cx->fail.why : "the commit was refused");
		}
	}
	return OK;
}

/* Runs, commits and settles the first items of `it`; returns how many, at
 * least one, and in *failed whether they were lost. */
static int
batch(struct store *s, struct item **it, int n, bool *failed)
{
	bool whole = true;
	const char *why = NULL;
	int ran = 0;

	s->begun = s->dirty = 0;
	s->seq_count = 0;
	fail_clear(&s->cx);
	while (ran < n && whole)
		whole = item_run(s, it[ran++]);
	if (!whole)
		why = it[ran - 1]->cx->fail.code == E_FAULT ? it[ran - 1]->cx->fail.why : "the database gave up the transaction";
	else if (before_flush(s, it, ran) != OK || sequences_flush(s) != OK || commit(s) != OK)
		why = s->cx.fail.why;
	if (why == NULL) {
		for (int i = 0; i < ran; i++) {
			if (it[i]->err != OK)
				continue;
			atomic_fetch_add(&s->transactions, 1);
			for (struct hook *h = it[i]->tx.after; h != NULL; h = h->next)
				h->fn(it[i]->cx->sys, h->arg);
		}
		scrub_after(s, it, ran);
	} else {
		rollback_all(s);
		for (int i = ran - 1; i >= 0; i--) {
			undo_item(it[i]);
			set_fault(it[i], why);
			atomic_fetch_add(&s->rollbacks, 1);
		}
	}
	arena_reset(s->cx.arena);
	*failed = why != NULL;
	return ran;
}

/* An item is gone as soon as its thread was woken, so this one comes last. */
static void
wake(struct item **it, int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < 2; k++)
			it[i]->wakes[k] = 2 * i + 1 + k < n ? it[2 * i + 1 + k] : NULL;
	sem_post(&it[0]->done);
}

/* Waits for items and takes what waits; 0 at the end. */
static int
take(struct store *s, struct item **it, bool *untidy)
{
	int n = 0;

	pthread_mutex_lock(&s->mutex);
	while (s->head == NULL && !s->closing) {
		struct timespec until;
		if (!*untidy) {
			pthread_cond_wait(&s->work, &s->mutex);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += IDLE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_cond_timedwait(&s->work, &s->mutex, &until) != ETIMEDOUT || s->head != NULL || s->closing)
			continue;
		*untidy = false;
		pthread_mutex_unlock(&s->mutex);
		s->drv->tidy(s->writer, true);
		pthread_mutex_lock(&s->mutex);
	}
	for (; n < BATCH && s->head != NULL; n++) {
		it[n] = s->head;
		s->head = it[n]->next;
	}
	if (s->head == NULL)
		s->end = &s->head;
	pthread_mutex_unlock(&s->mutex);
	atomic_fetch_sub(&s->queue, n);
	return n;
}

static void *
writer(void *arg)
{
	struct store *s = arg;
	struct item *it[BATCH];
	bool untidy = false;
	int n;

	writing = s;
	while ((n = take(s, it, &untidy)) > 0) {
		for (int d = 0; d < DB_COUNT; d++) {
			int64_t pages = atomic_exchange(&s->limit[d], -1);
			if (pages >= 0)
				s->drv->limit(s->writer, (enum db)d, pages);
		}
		for (int at = 0; at < n;) {
			bool failed;
			int ran = batch(s, it + at, n - at, &failed);
			if (failed)     /* on a full disk the WAL may still have room to give back */
				s->drv->tidy(s->writer, true);
			wake(it + at, ran);
			at += ran;
		}
		s->drv->tidy(s->writer, false);
		untidy = true;
	}
	return NULL;
}

static enum err
submit(struct store *s, struct ctx *cx, tx_fn *fn, void *arg, bool scrub)
{
	struct item it = { .cx = cx, .fn = fn, .arg = arg, .scrub = scrub };
	struct reader *r = cx->reader;
	bool closing;

	if (writing == s)
		return fail(cx, E_FAULT, NULL, "a write was begun inside another one");
	if (r != NULL && r->running == 0)     /* else it is the loop of a store_each() */
		reader_release(cx);
	sem_init(&it.done, 0, 0);
	pthread_mutex_lock(&s->mutex);
	closing = s->closing;
	if (!closing) {
		*s->end = &it;
		s->end = &it.next;
		atomic_fetch_add(&s->queue, 1);
		pthread_cond_signal(&s->work);   /* under the lock: the store may be closed after it */
	}
	pthread_mutex_unlock(&s->mutex);
	if (closing)
		return fail(cx, E_BUSY, NULL, "the store is closing");
	while (sem_wait(&it.done) != 0)
		;
	for (int k = 0; k < 2; k++)
		if (it.wakes[k] != NULL)
			sem_post(&it.wakes[k]->done);
	sem_destroy(&it.done);
	return it.err;
}

enum err
store_write(struct ctx *cx, tx_fn *fn, void *arg)
{
	if (cx->tx != NULL)
		return fn(cx, arg);
	if (cx->sys->store == NULL)
		return fail(cx, E_FAULT, NULL, "no store is open");
	return submit(cx->sys->store, cx, fn, arg, false);
}

static struct hook *
hook_new(struct ctx *cx, void (*fn)(struct sys *, void *), void *arg)
{
	struct hook *h = NEW(cx->arena, struct hook, 1);

	*h = (struct hook){ NULL, fn, arg };
	return h;
}

void
store_after(struct ctx *cx, void (*fn)(struct sys *sys, void *arg), void *arg)
{
	struct hook *h = hook_new(cx, fn, arg);

	*cx->tx->after_end = h;
	cx->tx->after_end = &h->next;
}

void
store_undo(struct ctx *cx, void (*fn)(struct sys *sys, void *arg), void *arg)
{
	struct hook *h = hook_new(cx, fn, arg);

	h->next = cx->tx->undo;
	cx->tx->undo = h;
}

void
store_before_commit(struct ctx *cx, tx_fn *fn, void *arg)
{
	struct before *b;

	for (b = cx->tx->before; b != NULL; b = b->next)
		if (b->fn == fn && b->arg == arg)
			return;
	b = NEW(cx->arena, struct before, 1);
	*b = (struct before){ cx->tx->before, fn, arg };
	cx->tx->before = b;
}

/* ---- sealing and keys ------------------------------------------------------------------------------ */

enum err
store_seal(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed)
{
	TRY(need_codec(cx, table));
	return cx->sys->codec->seal(cx, key, table, column, row, plain, sealed);
}

enum err
store_open_sealed(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	TRY(need_codec(cx, table));
	return cx->sys->codec->open(cx, table, column, row, sealed, plain);
}

struct made_key {
	struct ctx *cx;
	int64_t     key;
};

static void
forget_key(struct sys *sys, void *arg)
{
	struct made_key *m = arg;

	sys->codec->key_forget(m->cx, m->key);
}

enum err
store_key_new(struct ctx *cx, int64_t *key)
{
	struct made_key *m = NEW(cx->arena, struct made_key, 1);
	int64_t id = 0;

	TRY(need_codec(cx, "key"));
	TRY(next_id(cx, DB_KEYS, "key", &id));
	*m = (struct made_key){ cx, id };
	store_undo(cx, forget_key, m);  /* first: key_new may fail half way */
	TRY(cx->sys->codec->key_new(cx, id));
	*key = id;
	return OK;
}

enum err
store_key_destroy(struct ctx *cx, int64_t key)
{
	return store_exec(cx, &erase_note, ARGS(INT(cx->account), INT(key)), NULL);
}

/* A key that is gone already was destroyed before a crash, or by another
 * request's store_erase(). */
static enum err
destroy_keys(struct ctx *cx, void *arg)
{
	const struct rows *rows = arg;
	int64_t own = cx->account;
	enum err e = OK;

	for (int i = 0; i < rows->count && e == OK; i++) {
		cx->account = row_int(&rows->row[i], 0);
		e = cx->sys->codec->key_destroy(cx, row_int(&rows->row[i], 1));
		if (e == E_ABSENT) {
			cx->fail.code = e = OK;
			cx->fail.field = cx->fail.why = NULL;
		}
	}
	cx->account = own;
	return e;
}

static enum err
nothing(struct ctx *cx UNUSED, void *arg UNUSED)
{
	return OK;
}

static enum err
forget_notes(struct ctx *cx, void *arg)
{
	const struct rows *rows = arg;

	for (int i = 0; i < rows->count; i++)
		TRY(store_exec(cx, &erase_forget, ARGS(INT(row_int(&rows->row[i], 0)), INT(row_int(&rows->row[i], 1))), NULL));
	return OK;
}

/* The notes are read outside the writer, so that only committed ones count. */
enum err
store_erase(struct ctx *cx)
{
	struct rows rows;

	if (cx->tx != NULL)
		return fail(cx, E_FAULT, NULL, "keys cannot be destroyed inside a transaction");
	TRY(need_codec(cx, "key"));
	for (;;) {
		struct store *s = cx->sys->store;
		enum err e;

		TRY(store_all(cx, &erase_list, ARGS(INT(ERASE_KEYS)), &rows));
		if (rows.count == 0)
			return OK;
		e = submit(s, cx, destroy_keys, &rows, true);
		for (int i = 0; e == E_BUSY && i < SCRUB_TRIES; i++) {
			fail_clear(cx);
			nanosleep(&(struct timespec){ 0, 20 * 1000000L }, NULL);
			e = submit(s, cx, nothing, NULL, true);
		}
		TRY(e);
		TRY(submit(s, cx, forget_notes, &rows, false));
	}
}

/* ---- open and close -------------------------------------------------------------------------------- */

static enum err
lock(struct ctx *cx, struct store *s)
{
	if (s->conf.lock_path == NULL)
		return OK;
	s->lock_fd = open(s->conf.lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return fail(cx, E_FAULT, "lock", "the lock file cannot be opened");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return fail(cx, E_BUSY, "lock", "another ward uses this data folder");
	return OK;
}

static enum err
migrate(struct ctx *cx, struct store *s, const struct store_conf *conf)
{
	int count = conf->migration_count + 2;
	struct migration *m = NEW(cx->arena, struct migration, (size_t)count);

	m[0] = (struct migration){ 0, DB_MAIN, "store", { main_sql, sizeof(main_sql) - 1 } };
	m[1] = (struct migration){ 0, DB_KEYS, "store", { keys_sql, sizeof(keys_sql) - 1 } };
	for (int i = 2; i < count; i++) {
		m[i] = conf->migrations[i - 2];
		if (m[i].number <= m[i - 1].number)   /* also: 0 is ours */
			return fail(cx, E_FAULT, m[i].name, "the migrations are not in ascending order");
	}
	return s->drv->migrate(cx, s->writer, m, count);
}

static enum err
open_readers(struct ctx *cx, struct store *s)
{
	s->readers = s->conf.readers > 0 ? s->conf.readers : READERS;
	s->all = calloc((size_t)s->readers, sizeof(*s->all));
	if (s->all == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	for (int i = 0; i < s->readers; i++) {
		struct reader *r = &s->all[i];
		r->s = s;
		TRY(s->drv->open(cx, &s->conf, false, &r->c));
		r->next = s->pool;
		s->pool = r;
	}
	return OK;
}

/* Signals belong to the main thread. */
static enum err
start(struct ctx *cx, struct store *s)
{
	sigset_t all_signals, before;
	int rc;

	sigfillset(&all_signals);
	pthread_sigmask(SIG_SETMASK, &all_signals, &before);
	rc = pthread_create(&s->thread, NULL, writer, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return fail(cx, E_FAULT, NULL, "the writer cannot be started");
	s->started = true;
	return OK;
}

static enum err
copy_conf(struct ctx *cx, const struct store_conf *conf, struct store *s)
{
	const char *const from[] = { conf->main_path, conf->keys_path, conf->lock_path };
	const char **const to[] = { &s->conf.main_path, &s->conf.keys_path, &s->conf.lock_path };

	s->conf.readers = conf->readers;
	for (size_t i = 0; i < COUNT(from); i++)
		if (from[i] != NULL && (*to[i] = strdup(from[i])) == NULL)
			return fail(cx, E_FAULT, NULL, "out of memory");
	return OK;
}

enum err
store_open(struct ctx *cx, const struct store_conf *conf, struct store **out)
{
	CLEANUP(store_close) struct store *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	s->drv = &driver_sqlite;
	s->lock_fd = -1;
	s->end = &s->head;
	s->sys.store = s;
	ctx_init(&s->cx, &s->sys, 0);
	for (int d = 0; d < DB_COUNT; d++)
		atomic_init(&s->limit[d], -1);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_mutex_init(&s->pool_mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->pool_free, &attr);
	pthread_condattr_destroy(&attr);

	ctx_release_reader = reader_release;
	TRY(copy_conf(cx, conf, s));
	TRY(lock(cx, s));
	TRY(s->drv->open(cx, &s->conf, true, &s->writer));
	TRY(migrate(cx, s, conf));
	TRY(open_readers(cx, s));
	TRY(start(cx, s));
	*out = s;
	s = NULL;
	return OK;
}

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	if (s == NULL)
		return;
	if (s->started) {
		pthread_mutex_lock(&s->mutex);
		s->closing = true;
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(s->thread, NULL);
	}
	for (int i = 0; i < s->readers && s->all != NULL; i++)
		s->drv->close(&s->all[i].c);
	s->drv->close(&s->writer);      /* last, it checkpoints */
	free(s->all);
	free(s->seq);
	free(s->known);
	ctx_done(&s->cx);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->pool_free);
	pthread_mutex_destroy(&s->mutex);
	pthread_mutex_destroy(&s->pool_mutex);
	if (s->lock_fd >= 0)
		close(s->lock_fd);      /* and the lock with it */
	free((char *)s->conf.main_path);
	free((char *)s->conf.keys_path);
	free((char *)s->conf.lock_path);
	free(s);
	*sp = NULL;
}

/* Are the kinds letters we know, and is said of each S and X what it needs? */
static enum err
check_kinds(struct ctx *cx, const struct stmt *st, const char *kinds, const char *letters,
    const struct sealed_col *seal, size_t seals)
{
	char flat[STORE_ARGS_MAX + 1] = {0};
	size_t n = 0, sealed = 0, blind = 0;

	for (const char *k = kinds != NULL ? kinds : ""; *k != '\0'; k++) {
		if (strchr(letters, *k) == NULL || n == STORE_ARGS_MAX)
			return fail(cx, E_FAULT, st->name, "the statement declares a kind that there is not");
		flat[n++] = *k;
		k += k[1] == '?';
	}
	for (size_t i = 0; i < n; i++) {
		if (flat[i] == 'X' && (blind == COUNT(st->blind) || st->blind[blind++] == NULL))
			return fail(cx, E_FAULT, st->name, "the statement does not name a blind index");
		if (flat[i] != 'S')
			continue;
		if (sealed == seals || seal[sealed].table == NULL || seal[sealed].column == NULL ||
		    seal[sealed].row < 0 || seal[sealed].row >= (int)n || flat[seal[sealed].row] != 'i')
			return fail(cx, E_FAULT, st->name, "the statement does not say what a value is sealed to");
		sealed++;
	}
	return OK;
}

static enum err
note_name(struct ctx *cx, struct store *s, const struct stmt *st)
{
	for (size_t i = 0; i < s->known_count; i++) {
		if (s->known[i] == st)
			return OK;
		if (strcmp(s->known[i]->name, st->name) == 0)
			return fail(cx, E_FAULT, st->name, "two statements have this name");
	}
	if (s->known_count == s->known_cap) {
		size_t cap = s->known_cap == 0 ? 256 : s->known_cap * 2;
		const struct stmt **grown = realloc(s->known, cap * sizeof(const struct stmt *));
		if (grown == NULL)
			return fail(cx, E_FAULT, st->name, "out of memory");
		s->known = grown;
		s->known_cap = cap;
	}
	s->known[s->known_count++] = st;
	return OK;
}

/* Only in the writer, whose statements are a superset; a reader prepares at
 * first use, which costs less than 200 statements on each of eight. */
static enum err
prepare_all(struct ctx *cx, void *arg)
{
	const struct stmt *const *list = arg;
	struct store *s = cx->tx->s;
	struct prepared *p;

	for (; *list != NULL; list++) {
		const struct stmt *st = *list;
		TRY(check_kinds(cx, st, st->in, "itbSX", st->seal_in, COUNT(st->seal_in)));
		TRY(check_kinds(cx, st, st->out, "itbS", st->seal_out, COUNT(st->seal_out)));
		TRY(note_name(cx, s, st));
		TRY(s->drv->prepare(cx, s->writer, st, &p));
	}
	return OK;
}

enum err
store_prepare(struct ctx *cx, struct store *s, const struct stmt *const *list)
{
	return submit(s, cx, prepare_all, (void *)list, false);
}

void
store_stats(struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){
		.transactions = atomic_load(&s->transactions),
		.commits = atomic_load(&s->commits),
		.rollbacks = atomic_load(&s->rollbacks),
		.queue = (uint64_t)atomic_load(&s->queue),
		.bytes_main = s->drv->size(&s->conf, DB_MAIN),
		.bytes_keys = s->drv->size(&s->conf, DB_KEYS),
	};
}

void
store_fail_commit(struct store *s, int n)
{
	atomic_store(&s->fail_commit, n);
}

void
store_limit_pages(struct store *s, enum db db, int64_t pages)
{
	atomic_store(&s->limit[db], pages);
}
