/* What goes wrong below: a damaged file is told with the place where SQLite saw
 * it, a long read ends when its context is told to. */
#include "rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "db.h"

static const struct migration schema[] = {
	TOY_MIGRATION,
	{ 2, DB_MAIN, "note", S("CREATE TABLE note (account_id BIGINT NOT NULL, id BIGINT NOT NULL, body TEXT NOT NULL,"
	    " PRIMARY KEY (account_id, id))") },
};
static const struct stmt put = { .name = "note.put", .sql = "INSERT INTO note (account_id, id, body) VALUES ($1, $2, $3)", .in = "iit" };
static const struct stmt sizes = { .name = "note.sizes", .sql = "SELECT sum(length(body)) FROM note", .out = "i" };
static const struct stmt count_to = {
	.name = "note.count_to", .in = "i", .out = "i",
	.sql = "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < $1) SELECT count(*) FROM i",
};

static struct testdb d;
static atomic_int told;
static char words[512];

static void
note_trouble(int code, const char *where)
{
	if (atomic_fetch_add(&told, 1) == 0)
		snprintf(words, sizeof(words), "%d %s", code & 0xff, where);
}

static int
setup(void **state UNUSED)
{
	struct ctx cx;

	store_trouble = note_trouble;
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

/* ---- a long read --------------------------------------------------------------------------------------- */

static atomic_bool stop;

static void *
stop_soon(void *arg UNUSED)
{
	usleep(30000);
	atomic_store(&stop, true);
	return NULL;
}

static void
a_long_read_ends_when_told(void **state UNUSED)
{
	pthread_t thread;
	struct row row;
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	cx.stop = &stop;
	assert_int_equal(store_one(&cx, &count_to, ARGS(INT(100000)), &row), OK);
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
	assert_int_equal(store_one(&cx, &count_to, ARGS(INT(40000000)), &row), E_BUSY);     /* seconds, to its end */
	assert_string_equal(cx.fail.why, "the server is ending");
	pthread_join(thread, NULL);
	fail_clear(&cx);
	assert_int_equal(store_one(&cx, &count_to, ARGS(INT(100000)), &row), E_BUSY);
	ctx_done(&cx);

	ctx_init(&cx, &d.sys, 1);                /* the same connection, for one who was not told */
	assert_int_equal(store_one(&cx, &count_to, ARGS(INT(100000)), &row), OK);
	assert_int_equal(row_int(&row, 0), 100000);
	ctx_done(&cx);
}

/* ---- a damaged file ------------------------------------------------------------------------------------ */

static enum err
put_some(struct ctx *cx, void *arg UNUSED)
{
	char body[900];

	memset(body, 'Q', sizeof(body));
	for (int i = 1; i <= 400; i++)
		TRY(store_exec(cx, &put, ARGS(INT(1), INT(i), TEXT(((str){ body, sizeof(body) }))), NULL));
	return OK;
}

static void
damage_is_told_with_its_place(void **state UNUSED)
{
	unsigned char junk[4096];
	char path[128];
	struct row row;
	struct ctx cx;
	int fd;

	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_write(&cx, put_some, NULL), OK);
	ctx_done(&cx);
	store_close(&d.sys.store);
	assert_int_equal(atomic_load(&told), 0);
	snprintf(path, sizeof(path), "%s/ward.db", d.dir);
	fd = open(path, O_WRONLY);
	memset(junk, 0xEE, sizeof(junk));
	for (int page = 30; page < 60; page++)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), page * 4096L), sizeof(junk));
	close(fd);

	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	assert_int_equal(store_one(&cx, &sizes, NULL, 0, &row), E_FAULT);
	assert_string_equal(cx.fail.why, "the database is damaged");
	assert_true(atomic_load(&told) > 0);
	assert_true(str_starts(str_of(words), S("11 database corruption at line ")));
	assert_null(strstr(words, "QQQ"));
	ctx_done(&cx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_read_ends_when_told),
		cmocka_unit_test(damage_is_told_with_its_place),
	};

	return cmocka_run_group_tests_name("store trouble", tests, setup, teardown);
}
