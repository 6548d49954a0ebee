/* The WAL: copied back while writing goes on, bounded by itself, cut after a
 * long reader; and an item that changes very much, rolled back. */
#include "rows.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "db.h"

static const struct migration schema[] = {
	TOY_MIGRATION,
	{ 2, DB_MAIN, "page", S("CREATE TABLE page (account_id BIGINT NOT NULL, id BIGINT NOT NULL, version BIGINT NOT NULL,"
	    " body BYTEA NOT NULL, PRIMARY KEY (account_id, id))") },
};
static const struct stmt put = {
	.name = "page.put", .sql = "INSERT INTO page (account_id, id, version, body) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (account_id, id) DO UPDATE SET version = excluded.version, body = excluded.body", .in = "iiib",
};
static const struct stmt update_all = {
	.name = "page.update_all", .sql = "UPDATE page SET version = $2, body = $3 WHERE account_id = $1", .in = "iib",
};
static const struct stmt sums = {
	.name = "page.sums", .sql = "SELECT count(*), coalesce(min(version), 0), coalesce(max(version), 0) FROM page", .out = "iii",
};
static const struct stmt list = { .name = "page.list", .sql = "SELECT id FROM page ORDER BY id", .out = "i" };
static const struct stmt integrity = {
	.name = "main.integrity", .sql = "SELECT integrity_check FROM pragma_integrity_check", .out = "t",
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

struct work { int64_t first, count, version; size_t body; bool all, fails; };

static enum err
work_fn(struct ctx *cx, void *arg)
{
	const struct work *w = arg;
	str body = { NEW(cx->arena, char, w->body), w->body };

	for (size_t at = 0; at < body.n; at += 256)       /* each page another, or SQLite would not write it */
		rand_bytes((char *)body.p + at, body.n - at < 256 ? body.n - at : 256);
	if (w->all)
		TRY(store_exec(cx, &update_all, ARGS(INT(1), INT(w->version), BYTES(body)), NULL));
	for (int64_t i = 0; i < w->count; i++)
		TRY(store_exec(cx, &put, ARGS(INT(1), INT(w->first + i), INT(w->version), BYTES(body)), NULL));
	return w->fails ? fail(cx, E_LIMIT, NULL, "no") : OK;
}

static enum err
work(struct work w)
{
	struct ctx cx;
	enum err e;

	ctx_init(&cx, &d.sys, 1);
	e = store_write(&cx, work_fn, &w);
	ctx_done(&cx);
	return e;
}

static void
expect(int64_t count, int64_t min, int64_t max)
{
	struct ctx cx;
	struct row r;

	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_one(&cx, &sums, NO_ARGS, &r), OK);
	assert_int_equal(row_int(&r, 0), count);
	assert_int_equal(row_int(&r, 1), min);
	assert_int_equal(row_int(&r, 2), max);
	assert_int_equal(store_one(&cx, &integrity, NO_ARGS, &r), OK);
	assert_true(str_eq(row_str(&r, 0), S("ok")));
	ctx_done(&cx);
}

static off_t
size_of(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", d.dir, name);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* Changes 3,000 pages after another item of its batch changed some: what its
 * savepoint keeps is far above what fits into memory. */
static void *
big_thread(void *arg)
{
	struct work *w = arg;

	w->fails = work(*w) != (w->fails ? E_LIMIT : OK);
	return NULL;
}

static void
a_big_item_is_rolled_back(void **state UNUSED)
{
	struct work w[3] = { { .first = 1, .count = 1, .version = 2, .body = 10 },
	    { .all = true, .version = 3, .body = 3000, .fails = true }, { .first = 5000, .count = 1, .version = 4, .body = 10 } };
	pthread_t t[3];

	assert_int_equal(work((struct work){ .first = 1, .count = 3000, .version = 1, .body = 3000 }), OK);
	for (int round = 0; round < 10; round++) {        /* now and then the three meet in one batch */
		for (int i = 0; i < 3; i++) {
			w[i].fails = i == 1;
			pthread_create(&t[i], NULL, big_thread, &w[i]);
		}
		for (int i = 0; i < 3; i++) {
			pthread_join(t[i], NULL);
			assert_false(w[i].fails);
		}
	}
	expect(3001, 1, 4);
	assert_int_equal(work((struct work){ .all = true, .version = 9, .body = 3000 }), OK);
	expect(3001, 9, 9);
}

/* Writing that never stops does not let the WAL grow without end. */
static void *
steady(void *arg)
{
	for (int i = 0; i < 40; i++)
		assert_int_equal(work((struct work){ .first = (intptr_t)arg * 1000, .count = 60, .version = i, .body = 16000 }), OK);
	return NULL;
}

static void
the_wal_begins_again(void **state UNUSED)
{
	pthread_t t[4];

	for (intptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, steady, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_true(size_of("ward.db-wal") <= 130 << 20);         /* of some 160 MB written */
	expect(4 * 60, 39, 39);
}

struct hold { sem_t seen, go; };

static enum err
hold_here(struct ctx *cx UNUSED, const struct row *r, void *arg)
{
	struct hold *h = arg;

	if (row_int(r, 0) == 1) {
		sem_post(&h->seen);
		sem_wait(&h->go);
	}
	return OK;
}

static void *
long_reader(void *arg)
{
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_each(&cx, &list, NO_ARGS, hold_here, arg), OK);
	ctx_done(&cx);
	return NULL;
}

static void
a_long_reader_stops_nobody(void **state UNUSED)
{
	struct hold h;
	pthread_t t;

	sem_init(&h.seen, 0, 0);
	sem_init(&h.go, 0, 0);
	assert_int_equal(work((struct work){ .first = 1, .count = 300, .version = 1, .body = 100 }), OK);
	pthread_create(&t, NULL, long_reader, &h);
	sem_wait(&h.seen);
	for (int i = 0; i < 220; i++)                             /* 130 pages each: past every bound */
		assert_int_equal(work((struct work){ .first = 1000, .count = 1, .version = 7, .body = 520000 }), OK);
	assert_true(size_of("ward.db-wal") > 100 << 20);
	sem_post(&h.go);
	pthread_join(t, NULL);
	for (int i = 0; i < 20 && size_of("ward.db-wal") > 100 << 20; i++) {
		assert_int_equal(work((struct work){ .first = 1000, .count = 1, .version = 8, .body = 10 }), OK);
		usleep(400000);                           /* an idle moment is when it is looked at again */
	}
	assert_true(size_of("ward.db-wal") <= 100 << 20);
	expect(301, 1, 8);
}

int
main(void)
{
#define FRESH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest t[] = {
		FRESH(a_big_item_is_rolled_back), FRESH(the_wal_begins_again), FRESH(a_long_reader_stops_nobody),
	};
	return cmocka_run_group_tests_name("store wal", t, NULL, NULL);
}
