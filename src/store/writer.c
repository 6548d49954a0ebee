/* writer.c - the queue of writes, the thread that commits them in groups, hooks.
 *
 * Group commit. Every write is an item in one queue. The writer thread takes
 * all that wait (at most BATCH), runs their functions one after the other in
 * one transaction, with them those that have come by then, commits once, and
 * only then lets their callers go on; while it waits for the disk, the next
 * batch gathers by itself, so nothing is ever delayed to make a batch bigger. A
 * transaction begins with its first statement, separately for each database.
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
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "store/inside.h"

enum { BATCH = 256, IDLE_MS = 250 };

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

static _Thread_local const struct store *writing;   /* in the writer thread: its store */

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

/* ---- sequences ------------------------------------------------------------------------------------- */

/* How far the numbers of the keyring are is written into the main database as well: a keyring that is older than the
 * database beside it (put back from a copy, or copied first) must not give a number that is a lost key's. */
static const char keys_mark[] = "keyring_key";

static enum err
sequence_stored(struct ctx *cx, enum db db, const char *name, int64_t *next)
{
	struct rows rows;

	TRY(store_all(cx, sequence_stmts[db][0], ARGS(INT(cx->account), TEXT(str_of(name))), &rows));
	*next = rows.count > 0 ? row_int(&rows.row[0], 0) : 1;
	return OK;
}

enum err
store_keys_behind(struct ctx *cx, bool *behind)
{
	int64_t next = 1, mark = 1;

	TRY(sequence_stored(cx, DB_KEYS, KEY_SEQUENCE, &next));
	TRY(sequence_stored(cx, DB_MAIN, keys_mark, &mark));
	*behind = mark > next;
	return OK;
}

static enum err
sequence_load(struct ctx *cx, struct store *s, enum db db, const char *name, struct sequence **out)
{
	struct sequence q = { .db = db, .account = cx->account, .name = name };
	int64_t mark = 1;

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
	TRY(sequence_stored(cx, db, name, &q.next));
	if (db == DB_KEYS)
		TRY(sequence_stored(cx, DB_MAIN, keys_mark, &mark));
	q.stored = q.next;
	if (mark > q.next)
		q.next = mark;
	s->seq[s->seq_count] = q;
	*out = &s->seq[s->seq_count++];
	return OK;
}

enum err
sequence_next(struct ctx *cx, enum db db, const char *sequence, int64_t *id)
{
	struct sequence *q = NULL;
	enum err e;

	if (cx->tx == NULL)
		return fail(cx, E_FAULT, sequence, "a number was taken outside a transaction");
	e = sequence_load(cx, cx->tx->s, db, sequence, &q);
	if (q == NULL)
		return e;
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
	return sequence_next(cx, DB_MAIN, sequence, id);
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
		if (q->next == q->stored)
			continue;
		e = store_exec(&s->cx, sequence_stmts[q->db][1], ARGS(INT(q->account), TEXT(str_of(q->name)), INT(q->next)), NULL);
		if (e == OK && q->db == DB_KEYS)
			e = store_exec(&s->cx, sequence_stmts[DB_MAIN][1], ARGS(INT(q->account), TEXT(str_of(keys_mark)), INT(q->next)), NULL);
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
tx_keep(struct store *s, struct ctx *cx, struct tx *tx)
{
	for (int d = 0; d < DB_COUNT; d++) {
		if ((tx->wrote & 1u << d) == 0)
			continue;
		if (s->drv->dangling(s->writer, (enum db)d))
			return fail(cx, E_INVALID, NULL, "refers to something that is not there");
		if ((tx->saved & 1u << d) != 0) {
			TRY(s->drv->keep(cx, s->writer, (enum db)d));
			tx->saved &= ~(1u << d);
		}
	}
	s->dirty |= tx->wrote;
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

/* Takes over what a good item wants done before the commit, if none before it did. */
static void
before_note(struct store *s, struct item *it)
{
	for (struct before *b = it->tx.before, *next; b != NULL; b = next) {
		struct before **o = &s->before;
		next = b->next;
		while (*o != NULL && ((*o)->fn != b->fn || (*o)->arg != b->arg))
			o = &(*o)->next;
		if (*o == NULL) {
			b->next = NULL;
			*o = b;
		}
	}
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
		it->err = tx_keep(s, it->cx, &it->tx);
	if (it->err == OK) {
		before_note(s, it);
		return true;
	}
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
		return fail(&s->cx, E_FAULT, NULL, store_full);
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

/* As a late part of the item that asked first: an undo that is left here is
 * run with its others. No savepoint is needed, a failure fails all. */
static enum err
before_run(struct store *s)
{
	for (struct before *b = s->before; b != NULL; b = b->next) {
		enum err e;
		b->cx->tx = b->tx;
		e = b->fn(b->cx, b->arg);
		b->cx->tx = NULL;
		if (e == OK)
			e = tx_keep(s, b->cx, b->tx);
		if (e != OK)
			return fail(&s->cx, E_FAULT, NULL, b->cx->fail.why != NULL ? b->cx->fail.why : "the commit was refused");
	}
	return OK;
}

/* Moves what waits behind the n items of `it`; with the queue's lock held. */
static int
take_queued(struct store *s, struct item **it, int n)
{
	int before = n;

	for (; n < BATCH && s->head != NULL; n++) {
		it[n] = s->head;
		s->head = it[n]->next;
	}
	if (s->head == NULL)
		s->end = &s->head;
	atomic_fetch_sub(&s->queue, n - before);
	return n;
}

/* Runs, commits and settles the items of `all` from `at` on, and in *count what
 * came while they ran; returns how many, at least one, and in *failed whether
 * they were lost. */
static int
batch(struct store *s, struct item **all, int at, int *count, bool *failed)
{
	struct item **it = all + at;
	int n = *count - at;
	bool whole = true;
	const char *why = NULL;
	int ran = 0;

	s->begun = s->dirty = 0;
	s->seq_count = 0;
	s->before = NULL;
	fail_clear(&s->cx);
	while (ran < n && whole) {
		whole = item_run(s, it[ran++]);
		if (ran < n || !whole || s->dirty == 0 || atomic_load(&s->queue) == 0)
			continue;        /* what has nothing to commit does not wait for others */
		pthread_mutex_lock(&s->mutex);
		*count = take_queued(s, all, *count);
		pthread_mutex_unlock(&s->mutex);
		n = *count - at;
	}
	if (!whole)
		why = it[ran - 1]->cx->fail.code == E_FAULT ? it[ran - 1]->cx->fail.why : "the database gave up the transaction";
	else if (before_run(s) != OK || sequences_flush(s) != OK || commit(s) != OK)
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
	int n;

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
		s->drv->tidy(s->writer, TIDY_IDLE);
		pthread_mutex_lock(&s->mutex);
	}
	n = take_queued(s, it, 0);
	pthread_mutex_unlock(&s->mutex);
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
	pthread_setname_np(pthread_self(), "store-writer");
	while ((n = take(s, it, &untidy)) > 0) {
		for (int d = 0; d < DB_COUNT; d++) {
			int64_t pages = atomic_exchange(&s->limit[d], -1);
			if (pages >= 0)
				s->drv->limit(s->writer, (enum db)d, pages);
		}
		for (int at = 0; at < n;) {
			bool failed;
			int ran = batch(s, it, at, &n, &failed);
			if (failed)     /* on a full disk the WAL may still have room to give back */
				s->drv->tidy(s->writer, TIDY_NOW);
			wake(it + at, ran);
			at += ran;
		}
		s->drv->tidy(s->writer, TIDY_DUE);
		untidy = true;
	}
	return NULL;
}

/* Signals belong to the main thread. */
enum err
writer_start(struct ctx *cx, struct store *s)
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

void
writer_stop(struct store *s)
{
	if (!s->started)
		return;
	pthread_mutex_lock(&s->mutex);
	s->closing = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	free(s->seq);
}

enum err
writer_submit(struct store *s, struct ctx *cx, tx_fn *fn, void *arg, bool scrub)
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
	return writer_submit(cx->sys->store, cx, fn, arg, false);
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
	struct before **o = &cx->tx->before;

	while (*o != NULL && ((*o)->fn != fn || (*o)->arg != arg))
		o = &(*o)->next;
	if (*o == NULL) {
		*o = NEW(cx->arena, struct before, 1);
		**o = (struct before){ NULL, cx, cx->tx, fn, arg };
	}
}
