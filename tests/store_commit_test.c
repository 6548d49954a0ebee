/* Group commit: many threads, one failing among many, a commit that fails,
 * hooks, nesting, what readers see, a full disk, the lock. */
#include "rows.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "db.h"
#include "store/driver.h"

static const struct migration schema[] = {
	TOY_MIGRATION,
	{ 2, DB_MAIN, "entry", S("CREATE TABLE entry (account_id BIGINT NOT NULL, id BIGINT NOT NULL,"
	    " thread BIGINT NOT NULL, n BIGINT NOT NULL, body BYTEA NOT NULL,"
	    " PRIMARY KEY (account_id, id), UNIQUE (account_id, thread, n))") },
};

static const struct stmt insert = {
	.name = "entry.insert",
	.sql  = "INSERT INTO entry (account_id, id, thread, n, body) VALUES ($1, $2, $3, $4, $5)",
	.in = "iiiib",
};
static const struct stmt count_all = {
	.name = "entry.count", .sql = "SELECT count(*), coalesce(max(id), 0) FROM entry", .out = "ii",
};
static const struct stmt count_one = {
	.name = "entry.count_one", .sql = "SELECT count(*) FROM entry WHERE account_id = $1 AND thread = $2 AND n = $3",
	.in = "iii", .out = "i",
};
static const struct stmt list = {
	.name = "entry.list", .sql = "SELECT id, thread, n FROM entry ORDER BY id", .out = "iii",
};
static const struct stmt key_count = {
	.name = "toy_key.count", .sql = "SELECT count(*) FROM toy_key", .out = "i", .db = DB_KEYS,
};
static const struct stmt key_one = {
	.name = "toy_key.one", .sql = "SELECT count(*) FROM toy_key WHERE account_id = $1 AND key_id = $2",
	.in = "ii", .out = "i", .db = DB_KEYS,
};

static struct testdb d;

static int
setup(void **state UNUSED)
{
	struct ctx cx;

	d.sys = (struct sys){0};
	db_mkdir(d.dir);
	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	ctx_done(&cx);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	db_close(&d);
	return 0;
}

static void
totals(int64_t *count, int64_t *max)
{
	struct ctx cx;
	struct row r;

	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_one(&cx, &count_all, NO_ARGS, &r), OK);
	*count = row_int(&r, 0);
	*max = row_int(&r, 1);
	ctx_done(&cx);
}

/* ---- one item, as the tests below use it ----------------------------------------------------------- */

struct put {
	int64_t thread, n, id, key;
	bool fail_after;              /* insert, then fail */
	bool read_only, with_key;
	size_t body;                  /* bytes */
	int *order;                   /* hooks write down n here, */
	atomic_int *at;               /* at this place */
	enum err err;
	const char *why;              /* static words */
	sem_t *entered, *leave;       /* tell that it runs; wait before it goes on */
};

static void
note(struct sys *sys UNUSED, void *arg)
{
	struct put *p = arg;

	p->order[atomic_fetch_add(p->at, 1)] = (int)p->n;
}

static enum err
put_fn(struct ctx *cx, void *arg)
{
	struct put *p = arg;
	struct row r;
	int64_t id;

	if (p->order != NULL) {
		store_after(cx, note, p);
		store_undo(cx, note, p);
	}
	if (p->read_only) {
		if (p->entered != NULL) {
			sem_post(p->entered);
			sem_wait(p->leave);
		}
		return store_one(cx, &count_all, NO_ARGS, &r);
	}
	TRY(store_next_id(cx, "entry", &id));
	if (p->with_key)
		TRY(store_key_new(cx, &p->key));
	TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(id), INT(p->thread), INT(p->n),
	    BYTES(((str){ NEW(cx->arena, char, p->body + 1), p->body }))), NULL));
	if (p->entered != NULL) {
		sem_post(p->entered);
		sem_wait(p->leave);
	}
	if (p->fail_after)
		return fail(cx, E_LIMIT, "n", "is not wanted");
	p->id = id;
	return OK;
}

static enum err
put(struct put *p)
{
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	p->err = store_write(&cx, put_fn, p);
	p->why = cx.fail.why;
	assert_int_equal(cx.fail.code, p->err);
	assert_null(cx.tx);
	ctx_done(&cx);
	return p->err;
}

static void *
put_thread(void *arg)
{
	put(arg);
	return NULL;
}

/* Runs the items in one batch, in order: one that only reads holds the writer
 * up until all of them wait. */
static void
one_batch(struct put *p, int n)
{
	pthread_t hold_thread, threads[64];
	sem_t entered, leave;
	struct put hold = { .read_only = true, .entered = &entered, .leave = &leave };
	struct store_stats st;

	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	pthread_create(&hold_thread, NULL, put_thread, &hold);
	sem_wait(&entered);
	for (int i = 0; i < n; i++) {
		pthread_create(&threads[i], NULL, put_thread, &p[i]);
		do {
			sched_yield();
			store_stats(d.sys.store, &st);
		} while (st.queue != (uint64_t)i + 1);
	}
	sem_post(&leave);
	pthread_join(hold_thread, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(hold.err, OK);
}

/* ---- many threads ---------------------------------------------------------------------------------- */

enum { THREADS = 32, EACH = 500 };
static int      hook_order[THREADS * EACH * 2];
static atomic_int hook_at, undo_at;

static void
after_id(struct sys *sys UNUSED, void *arg)
{
	hook_order[atomic_fetch_add(&hook_at, 1)] = (int)*(int64_t *)arg;
}

static void
count_undo(struct sys *sys UNUSED, void *arg UNUSED)
{
	atomic_fetch_add(&undo_at, 1);
}

struct many { int thread, bad; };

static enum err
many_fn(struct ctx *cx, void *arg)
{
	struct put *p = arg;
	int64_t *id = NEW(cx->arena, int64_t, 1);

	TRY(store_next_id(cx, "entry", id));
	store_after(cx, after_id, id);
	store_undo(cx, count_undo, NULL);
	TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(*id), INT(p->thread), INT(p->n), BYTES(S("x"))), NULL));
	if (p->n % 7 == 3)
		return fail(cx, E_LIMIT, "n", "is not wanted");
	p->id = *id;
	return OK;
}

static void *
many(void *arg)
{
	struct many *m = arg;
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	for (int n = 0; n < EACH; n++) {
		struct put p = { .thread = m->thread, .n = n };
		enum err e = store_write(&cx, many_fn, &p);
		m->bad += e != (n % 7 == 3 ? E_LIMIT : OK);
		fail_clear(&cx);
		if (n % 16 == 0) {          /* what was acknowledged can be read */
			struct row r;
			m->bad += store_one(&cx, &count_one, ARGS(INT(1), INT(m->thread), INT(n)), &r) != OK ||
			    row_int(&r, 0) != (n % 7 != 3);
		}
		arena_reset(cx.arena);
	}
	ctx_done(&cx);
	return NULL;
}

static void
many_threads_each_exactly_once(void **state UNUSED)
{
	pthread_t t[THREADS];
	struct many m[THREADS];
	static bool seen[THREADS][EACH];
	struct store_stats st;
	struct rows rows;
	struct ctx cx;
	int good = 0;

	for (int i = 0; i < THREADS; i++) {
		m[i] = (struct many){ .thread = i };
		pthread_create(&t[i], NULL, many, &m[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(m[i].bad, 0);
	}
	for (int n = 0; n < EACH; n++)
		good += n % 7 != 3;
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_all(&cx, &list, NO_ARGS, &rows), OK);
	assert_int_equal(rows.count, good * THREADS);
	for (int i = 0; i < rows.count; i++) {
		int64_t thread = row_int(&rows.row[i], 1), n = row_int(&rows.row[i], 2);
		assert_int_equal(row_int(&rows.row[i], 0), i + 1);        /* gapless */
		assert_false(seen[thread][n]);
		assert_int_not_equal(n % 7, 3);
		seen[thread][n] = true;
	}
	ctx_done(&cx);
	assert_int_equal(atomic_load(&hook_at), good * THREADS);
	for (int i = 0; i < good * THREADS; i++)
		assert_int_equal(hook_order[i], i + 1);                   /* in commit order */
	assert_int_equal(atomic_load(&undo_at), (EACH - good) * THREADS);
	store_stats(d.sys.store, &st);
	assert_int_equal(st.transactions, good * THREADS);
	assert_int_equal(st.rollbacks, (EACH - good) * THREADS);
	assert_true(st.commits < st.transactions / 2);                    /* they shared */
	assert_int_equal(st.queue, 0);
	assert_true(st.bytes_main > 0 && st.bytes_keys > 0);
}

/* ---- one batch ------------------------------------------------------------------------------------- */

static void
one_fails_alone(void **state UNUSED)
{
	struct put p[9] = {0};
	int order[32];
	atomic_int at = 0;
	struct store_stats before, after;
	int64_t count, max;
	int next = 1;

	for (int bad = 0; bad < 9; bad++) {       /* the first, the last, one between */
		store_stats(d.sys.store, &before);
		atomic_store(&at, 0);
		for (int i = 0; i < 9; i++)
			p[i] = (struct put){ .thread = bad, .n = i, .fail_after = i == bad, .order = order, .at = &at,
			    .with_key = i % 2 == 0 };
		one_batch(p, 9);
		for (int i = 0; i < 9; i++) {
			assert_int_equal(p[i].err, i == bad ? E_LIMIT : OK);
			if (i != bad)
				assert_int_equal(p[i].id, next++);
		}
		totals(&count, &max);
		assert_int_equal(count, 8 * (bad + 1));
		assert_int_equal(max, count);
		store_stats(d.sys.store, &after);
		assert_int_equal(after.commits, before.commits + 1);      /* it was one batch */
		assert_int_equal(atomic_load(&at), 9);
		assert_int_equal(order[0], bad);                          /* its undo, at once; then what was committed */
		for (int i = 1, n = 0; i < 9; i++, n++) {
			n += n == bad;
			assert_int_equal(order[i], n);
		}
	}
}

static void
those_that_fail_leave_no_key(void **state UNUSED)
{
	struct put p[4] = {0};
	struct ctx cx;
	struct row r;

	for (int i = 0; i < 4; i++)
		p[i] = (struct put){ .n = i, .with_key = true, .fail_after = i % 2 == 1 };
	one_batch(p, 4);
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_one(&cx, &key_count, NO_ARGS, &r), OK);
	assert_int_equal(row_int(&r, 0), 2);
	assert_int_equal(p[0].key, 1);
	assert_int_equal(p[2].key, 2);
	ctx_done(&cx);
}

static void
a_failed_commit_takes_all(void **state UNUSED)
{
	struct put p[6] = {0}, q = { .thread = 9, .with_key = true };
	int order[16];
	atomic_int at = 0;
	int64_t count, max;
	struct ctx cx;
	struct row r;

	for (int i = 0; i < 6; i++)
		p[i] = (struct put){ .n = i, .with_key = true, .order = order, .at = &at, .fail_after = i == 2,
		    .read_only = i == 4 };
	store_fail_commit(d.sys.store, 1);
	one_batch(p, 6);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(p[i].err, E_FAULT);
		assert_string_equal(p[i].why, "the disk is full");
	}
	totals(&count, &max);
	assert_int_equal(count, 0);
	assert_int_equal(atomic_load(&at), 6);
	{
		static const int want[] = { 2, 5, 4, 3, 1, 0 };   /* 2 failed by itself, the others last first */
		assert_memory_equal(order, want, sizeof(want));
	}

	assert_int_equal(put(&q), OK);                    /* service goes on, no number was lost */
	assert_int_equal(q.id, 1);
	assert_int_equal(q.key, 5);                       /* but the keyring's: four keys are orphans there */
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_one(&cx, &key_one, ARGS(INT(1), INT(q.key)), &r), OK);
	assert_int_equal(row_int(&r, 0), 1);
	ctx_done(&cx);
	store_fail_commit(d.sys.store, 2);
	for (int i = 1; i <= 3; i++) {
		struct put next = { .thread = 9, .n = i };
		assert_int_equal(put(&next), i == 2 ? E_FAULT : OK);
	}
}

static struct { int a[8]; int n; } told;

static void
tell(struct sys *sys, void *arg)
{
	assert_ptr_equal(sys, &d.sys);
	told.a[told.n++] = *(int *)arg;
}

static enum err
hooks_fn(struct ctx *cx, void *arg)
{
	static int n[] = { 0, 1, 2, 3, 4, 5 };

	for (int i = 0; i < 3; i++) {
		store_after(cx, tell, &n[i]);
		store_undo(cx, tell, &n[i + 3]);
	}
	assert_int_equal(told.n, 0);          /* not yet */
	return *(bool *)arg ? fail(cx, E_DENIED, NULL, "no") : OK;
}

static void
hooks_run_in_their_order(void **state UNUSED)
{
	struct ctx cx;

	for (int bad = 0; bad < 2; bad++) {
		bool arg = bad;
		ctx_init(&cx, &d.sys, 1);
		told.n = 0;
		assert_int_equal(store_write(&cx, hooks_fn, &arg), bad ? E_DENIED : OK);
		assert_int_equal(told.n, 3);
		for (int i = 0; i < 3; i++)
			assert_int_equal(told.a[i], bad ? 5 - i : i);
		ctx_done(&cx);
	}
}

/* ---- nesting --------------------------------------------------------------------------------------- */

static enum err
inner(struct ctx *cx, void *arg)
{
	assert_non_null(cx->tx);
	return put_fn(cx, arg);
}

static enum err
outer(struct ctx *cx, void *arg)
{
	struct put *p = arg;
	struct ctx other;

	TRY(store_write(cx, inner, &p[0]));
	TRY(store_write(cx, inner, &p[1]));
	ctx_init(&other, cx->sys, 1);
	assert_int_equal(store_write(&other, inner, &p[2]), E_FAULT);   /* would wait for itself */
	ctx_done(&other);
	return OK;
}

static void
a_write_inside_a_write(void **state UNUSED)
{
	struct put p[3] = { { .n = 0 }, { .n = 1 }, { .n = 2 } };
	int64_t count, max;
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_write(&cx, outer, p), OK);
	totals(&count, &max);
	assert_int_equal(count, 2);
	fail_clear(&cx);
	p[0].n = 10;
	p[1].n = 11;
	p[1].fail_after = true;
	assert_int_equal(store_write(&cx, outer, p), E_LIMIT);
	totals(&count, &max);
	assert_int_equal(count, 2);                             /* the first inner one went, too */
	ctx_done(&cx);
}

/* ---- readers --------------------------------------------------------------------------------------- */

static void
readers_see_what_is_committed(void **state UNUSED)
{
	sem_t entered, leave;
	struct put p = { .n = 1, .entered = &entered, .leave = &leave };
	int64_t count, max;
	pthread_t t;

	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	pthread_create(&t, NULL, put_thread, &p);
	sem_wait(&entered);               /* it has inserted */
	totals(&count, &max);
	assert_int_equal(count, 0);
	sem_post(&leave);
	pthread_join(t, NULL);
	totals(&count, &max);
	assert_int_equal(count, 1);
}

static void *
read_much(void *arg)
{
	int *bad = arg;

	for (int i = 0; i < 200; i++) {
		struct ctx cx;
		struct row r;
		ctx_init(&cx, &d.sys, 1);
		*bad += store_one(&cx, &count_all, NO_ARGS, &r) != OK || row_int(&r, 0) != row_int(&r, 1);
		ctx_done(&cx);
	}
	return NULL;
}

/* Twice as many threads as connections, and a snapshot never shows half a transaction. */
static void
readers_take_turns(void **state UNUSED)
{
	pthread_t t[16];
	int bad[16] = {0};

	for (int i = 0; i < 16; i++)
		pthread_create(&t[i], NULL, read_much, &bad[i]);
	for (int i = 0; i < 200; i++) {
		struct put p = { .n = i };
		assert_int_equal(put(&p), OK);
	}
	for (int i = 0; i < 16; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(bad[i], 0);
	}
}

/* ---- before the commit ----------------------------------------------------------------------------- */

static const struct stmt head_set = {
	.name = "entry.head", .sql = "INSERT INTO entry (account_id, id, thread, n, body) VALUES ($1, 0, 777, $2, $3)"
	" ON CONFLICT (account_id, id) DO UPDATE SET n = entry.n + excluded.n", .in = "iib",
};
static const struct stmt head_get = {
	.name = "entry.head_get", .sql = "SELECT n FROM entry WHERE account_id = $1 AND id = 0", .in = "i", .out = "i",
};

struct head { int done, runs; bool fails; };

static enum err
write_head(struct ctx *cx, void *arg)
{
	struct head *h = arg;

	h->runs++;
	TRY(store_exec(cx, &head_set, ARGS(INT(1), INT(h->done), BYTES(S(""))), NULL));
	h->done = 0;
	return h->fails ? fail(cx, E_DENIED, NULL, "the head is refused") : OK;
}

struct headed { struct put put; struct head *head; };

static enum err
headed_fn(struct ctx *cx, void *arg)
{
	struct headed *h = arg;

	store_before_commit(cx, write_head, h->head);
	store_before_commit(cx, write_head, h->head);
	TRY(put_fn(cx, &h->put));
	h->head->done++;
	return OK;
}

static void *
headed_thread(void *arg)
{
	struct headed *h = arg;
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	h->put.err = store_write(&cx, headed_fn, h);
	h->put.why = cx.fail.why;
	ctx_done(&cx);
	return NULL;
}

static void
before_the_commit_once(void **state UNUSED)
{
	for (int fails = 0; fails < 2; fails++) {
		struct head head = { .fails = fails };
		struct headed h[6];
		pthread_t hold_thread, t[6];
		sem_t entered, leave;
		struct put hold = { .read_only = true, .entered = &entered, .leave = &leave };
		struct store_stats st;
		struct ctx cx;
		struct row r;
		sem_init(&entered, 0, 0);
		sem_init(&leave, 0, 0);
		pthread_create(&hold_thread, NULL, put_thread, &hold);
		sem_wait(&entered);
		for (int i = 0; i < 6; i++) {         /* the first to ask fails: its asking does not count */
			h[i] = (struct headed){ { .thread = fails, .n = i, .fail_after = i == 0 }, &head };
			pthread_create(&t[i], NULL, headed_thread, &h[i]);
			do {
				sched_yield();
				store_stats(d.sys.store, &st);
			} while (st.queue != (uint64_t)i + 1);
		}
		sem_post(&leave);
		pthread_join(hold_thread, NULL);
		for (int i = 0; i < 6; i++) {
			pthread_join(t[i], NULL);
			assert_int_equal(h[i].put.err, fails ? E_FAULT : i == 0 ? E_LIMIT : OK);
			if (fails)
				assert_string_equal(h[i].put.why, "the head is refused");
		}
		assert_int_equal(head.runs, 1);
		ctx_init(&cx, &d.sys, 1);
		assert_int_equal(store_one(&cx, &head_get, ARGS(INT(1)), &r), OK);
		assert_int_equal(row_int(&r, 0), 5);          /* of the five good ones; the failed batch added nothing */
		assert_int_equal(store_one(&cx, &count_all, NO_ARGS, &r), OK);
		assert_int_equal(row_int(&r, 0), 6);
		ctx_done(&cx);
	}
}

/* ---- on disk --------------------------------------------------------------------------------------- */

static atomic_int syncs, sync_fails;

/* In the place of the C library's, also for SQLite. */
int
fdatasync(int fd)
{
	if (atomic_load(&sync_fails) > 0 && atomic_fetch_sub(&sync_fails, 1) == 1) {
		errno = EIO;
		return -1;
	}
	atomic_fetch_add(&syncs, 1);
	return (int)syscall(SYS_fdatasync, fd);
}

static void
acknowledged_means_synced(void **state UNUSED)
{
	for (int i = 0; i < 20; i++) {
		struct put p = { .n = i, .with_key = i % 2 == 1 };
		int before = atomic_load(&syncs);
		assert_int_equal(put(&p), OK);
		assert_true(atomic_load(&syncs) - before >= 1 + (i % 2 == 1));
	}
	struct put reading = { .read_only = true };
	int before = atomic_load(&syncs);
	assert_int_equal(put(&reading), OK);
	assert_int_equal(atomic_load(&syncs), before);    /* and what changed nothing costs nothing */
}

static void
a_sync_that_fails(void **state UNUSED)
{
	int64_t count, max, good = 0;

	for (int i = 0; i < 30; i++) {
		bool bad = i % 3 == 2;
		struct put p = { .n = i, .with_key = i % 2 == 1 };
		atomic_store(&sync_fails, bad);               /* the first one: the keyring's if there is a key */
		if (bad) {
			assert_int_equal(put(&p), E_FAULT);
			assert_string_equal(p.why, "the disk failed");
		} else {
			assert_int_equal(put(&p), OK);
			assert_int_equal(p.id, ++good);
		}
		atomic_store(&sync_fails, 0);
		totals(&count, &max);
		assert_int_equal(count, good);
	}
}

/* ---- a full disk ----------------------------------------------------------------------------------- */

static void
a_full_database(void **state UNUSED)
{
	struct put p[8] = {0};
	int64_t count, max, good = 0;
	int failures = 0;

	store_limit_pages(d.sys.store, DB_MAIN, 60);
	for (int round = 0; failures == 0; round++) {
		assert_true(round < 100);
		for (int i = 0; i < 8; i++)
			p[i] = (struct put){ .thread = round, .n = i, .body = 3000, .with_key = true };
		one_batch(p, 8);
		for (int i = 0; i < 8; i++) {
			if (p[i].err == OK) {
				assert_int_equal(p[i].id, ++good);
				continue;
			}
			assert_int_equal(p[i].err, E_FAULT);
			assert_string_equal(p[i].why, "the disk is full");
			failures++;
		}
		totals(&count, &max);
		assert_int_equal(count, good);
		assert_int_equal(max, good);
	}
	assert_true(good > 8);
	store_limit_pages(d.sys.store, DB_MAIN, 0);               /* there is space again */
	for (int i = 0; i < 8; i++)
		p[i] = (struct put){ .thread = 1000, .n = i, .body = 3000, .with_key = true };
	one_batch(p, 8);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(p[i].err, OK);
		assert_int_equal(p[i].id, ++good);
	}
}

/* The system refuses to let a file grow: what a full disk looks like to write(2). */
static void
a_full_disk(void **state UNUSED)
{
	struct rlimit limit = { 300 << 10, RLIM_INFINITY };
	int64_t count, max, good = 0;
	int failures = 0, status;
	pid_t child;

	store_close(&d.sys.store);
	child = fork();
	if (child == 0) {
		struct ctx cx;
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		ctx_init(&cx, &d.sys, 1);
		db_or_exit(&d, &cx, schema, COUNT(schema));
		for (int i = 0; i < 400 && failures < 20; i++) {
			struct put p = { .n = i, .body = 3000 };
			if (put(&p) == OK && p.id == ++good)
				continue;
			if (p.err != E_FAULT || p.why == NULL || strcmp(p.why, "the disk is full") != 0)
				_exit(2);
			failures++;
		}
		totals(&count, &max);
		if (failures != 20 || good < 20 || count != good || max != good)
			_exit(3);
		limit.rlim_cur = RLIM_INFINITY;
		setrlimit(RLIMIT_FSIZE, &limit);
		for (int i = 1000; i < 1020; i++) {
			struct put p = { .n = i, .body = 3000 };
			if (put(&p) != OK || p.id != ++good)
				_exit(4);
		}
		totals(&count, &max);
		if (count != good || max != good)
			_exit(5);
		ctx_done(&cx);
		store_close(&d.sys.store);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	setup(NULL);
}

/* ---- open, close ----------------------------------------------------------------------------------- */

static void
a_second_one_is_refused(void **state UNUSED)
{
	struct testdb second = {0};
	struct ctx cx;

	memcpy(second.dir, d.dir, sizeof(d.dir));
	ctx_init(&cx, &second.sys, 1);
	assert_int_equal(db_try(&second, &cx, schema, COUNT(schema)), E_BUSY);
	assert_string_equal(cx.fail.why, "another ward uses this data folder");
	fail_clear(&cx);
	{
		struct put p = { .n = 1 };                    /* the first is not disturbed */
		assert_int_equal(put(&p), OK);
	}
	store_close(&d.sys.store);
	assert_int_equal(db_try(&second, &cx, schema, COUNT(schema)), OK);
	ctx_done(&cx);
	store_close(&second.sys.store);
	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	ctx_done(&cx);
}

static void
files_are_private(void **state UNUSED)
{
	static const char *const names[] = { "ward.db", "ward.db-wal", "ward.db-shm", "keys.db", "keys.db-wal", "keys.db-shm", "lock" };
	struct put p = { .n = 1, .with_key = true };
	char path[128];
	struct stat st;

	assert_int_equal(put(&p), OK);
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", d.dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void *
close_thread(void *arg UNUSED)
{
	store_close(&d.sys.store);
	return NULL;
}

static void
closing_finishes_what_waits(void **state UNUSED)
{
	pthread_t t[5], closer;
	sem_t entered, leave;
	struct put p[5] = {0};
	struct store_stats st;
	struct ctx cx;
	int64_t count, max;

	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	p[0] = (struct put){ .n = 0, .entered = &entered, .leave = &leave };
	pthread_create(&t[0], NULL, put_thread, &p[0]);
	sem_wait(&entered);
	for (int i = 1; i < 5; i++) {
		p[i] = (struct put){ .n = i };
		pthread_create(&t[i], NULL, put_thread, &p[i]);
	}
	do {
		sched_yield();
		store_stats(d.sys.store, &st);
	} while (st.queue != 4);
	pthread_create(&closer, NULL, close_thread, NULL);
	usleep(20000);
	sem_post(&leave);
	for (int i = 0; i < 5; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(p[i].err, OK);
	}
	pthread_join(closer, NULL);
	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	ctx_done(&cx);
	totals(&count, &max);
	assert_int_equal(count, 5);
}

int
main(void)
{
#define FRESH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest t[] = {
		FRESH(many_threads_each_exactly_once), FRESH(one_fails_alone), FRESH(those_that_fail_leave_no_key),
		FRESH(a_failed_commit_takes_all), FRESH(hooks_run_in_their_order), FRESH(a_write_inside_a_write),
		FRESH(readers_see_what_is_committed), FRESH(readers_take_turns), FRESH(before_the_commit_once),
		FRESH(acknowledged_means_synced), FRESH(a_sync_that_fails), FRESH(a_full_database), FRESH(a_full_disk),
		FRESH(a_second_one_is_refused), FRESH(files_are_private), FRESH(closing_finishes_what_waits),
	};
	return cmocka_run_group_tests_name("store commit", t, NULL, NULL);
}
