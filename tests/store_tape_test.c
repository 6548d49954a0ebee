/* Gathered writes: what is read, measured and cut is as if nothing had been
 * gathered, and what was synced is in the file for all to see. Databases are
 * written at once, so that nobody is told of what is not there yet. */
#include "rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "db.h"
#include "store/tape.h"

enum { SIZE = 1 << 20, STEPS = 4000 };

static struct testdb d;
static sqlite3_vfs *vfs, *plain, spied;

/* ---- a VFS under the tape's, which knows of writes and lets them fail ---------------------------------- */

static const sqlite3_io_methods *plain_db, *plain_wal;
static void (*on_write)(void);                  /* before something is written into a database */
static bool wal_fails;

static int
db_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (on_write != NULL)
		on_write();
	return plain_db->xWrite(f, p, n, at);
}

static int
wal_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return wal_fails ? SQLITE_FULL : plain_wal->xWrite(f, p, n, at);
}

static int
spied_open(sqlite3_vfs *self UNUSED, const char *name, sqlite3_file *f, int flags, int *out)
{
	static sqlite3_io_methods db, wal;
	int rc = plain->xOpen(plain, name, f, flags, out);

	if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
		db = *(plain_db = f->pMethods);
		db.xWrite = db_write;
		f->pMethods = &db;
	} else if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
		wal = *(plain_wal = f->pMethods);
		wal.xWrite = wal_write;
		f->pMethods = &wal;
	}
	return rc;
}

static int
setup(void **state UNUSED)
{
	db_mkdir(d.dir);
	sqlite3_initialize();
	plain = sqlite3_vfs_find(NULL);
	spied = *plain;
	spied.pNext = NULL;
	spied.zName = "spied";
	spied.xOpen = spied_open;
	assert_int_equal(sqlite3_vfs_register(&spied, 1), SQLITE_OK);
	assert_non_null(tape_vfs());
	vfs = sqlite3_vfs_find(tape_vfs());
	assert_non_null(vfs);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	db_close(&d);
	return 0;
}

static sqlite3_file *
open_file(const char *path)
{
	sqlite3_file *f = calloc(1, (size_t)vfs->szOsFile);
	int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	assert_int_equal(vfs->xOpen(vfs, path, f, flags, &flags), SQLITE_OK);
	return f;
}

static void
close_file(sqlite3_file *f)
{
	assert_int_equal(f->pMethods->xClose(f), SQLITE_OK);
	free(f);
}

static unsigned
below(unsigned n)
{
	static uint64_t seed = 88172645463325252u;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % n;
}

static void
same_on_disk(const char *path, const unsigned char *model, size_t n)
{
	unsigned char *is = malloc(SIZE + 1);
	int fd = open(path, O_RDONLY);

	assert_int_equal(pread(fd, is, SIZE + 1, 0), (ssize_t)n);
	assert_memory_equal(is, model, n);
	close(fd);
	free(is);
}

static void
as_if_nothing_were_gathered(void **state UNUSED)
{
	unsigned char *model = calloc(1, SIZE), *got = malloc(SIZE), *put = malloc(SIZE);
	size_t n = 0, at = 0;
	sqlite3_int64 size;
	char path[256];
	sqlite3_file *f;

	snprintf(path, sizeof(path), "%s/tape.wal", d.dir);
	f = open_file(path);
	for (int i = 0; i < STEPS; i++) {
		size_t len = 1 + below(below(4) == 0 ? 120000 : 5000);     /* 128 KB the VFS below would refuse */
		unsigned what = below(40);
		if (what < 30) {                /* mostly right behind the last one */
			if (below(6) == 0 || at + len > SIZE)
				at = below(SIZE / 2);
			len = at + len > SIZE ? SIZE - at : len;
			for (size_t k = 0; k < len; k++)
				put[k] = (unsigned char)(i + (int)k * 7);
			assert_int_equal(f->pMethods->xWrite(f, put, (int)len, (sqlite3_int64)at), SQLITE_OK);
			memcpy(model + at, put, len);
			at += len;
			n = at > n ? at : n;
		} else if (what < 34 && n > 0) {
			size_t from = below((unsigned)n);
			len = from + len > n ? n - from : len;
			assert_int_equal(f->pMethods->xRead(f, got, (int)len, (sqlite3_int64)from), SQLITE_OK);
			assert_memory_equal(got, model + from, len);
		} else if (what < 36) {
			assert_int_equal(f->pMethods->xFileSize(f, &size), SQLITE_OK);
			assert_int_equal(size, n);
		} else if (what < 37) {
			n = below((unsigned)n + 1);
			assert_int_equal(f->pMethods->xTruncate(f, (sqlite3_int64)n), SQLITE_OK);
			memset(model + n, 0, SIZE - n);
			at = n;
		} else {
			assert_int_equal(f->pMethods->xSync(f, SQLITE_SYNC_NORMAL), SQLITE_OK);
			same_on_disk(path, model, n);
		}
	}
	close_file(f);
	same_on_disk(path, model, n);
	free(model);
	free(got);
	free(put);
}

static int
first_int(void *arg, int n UNUSED, char **v, char **names UNUSED)
{
	return str_int(str_of(v[0]), arg) ? 0 : 1;
}

static int64_t
ask(sqlite3 *h, const char *sql)
{
	int64_t v = -1;

	assert_int_equal(sqlite3_exec(h, sql, first_int, &v, NULL), SQLITE_OK);
	return v;
}

/* Transactions with savepoints that are undone, copied back by one connection
 * while another without gathering reads. */
static void
a_database_on_it(void **state UNUSED)
{
	sqlite3 *writer, *copier, *reader;
	int64_t sum = 0, ok = 0;
	char path[256], sql[256];

	snprintf(path, sizeof(path), "%s/db", d.dir);
	assert_int_equal(sqlite3_open_v2(path, &writer, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, tape_vfs()), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
	    " PRAGMA cache_size=10; CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, body BLOB)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_open_v2(path, &copier, SQLITE_OPEN_READWRITE, tape_vfs()), SQLITE_OK);
	assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(copier, "PRAGMA synchronous=FULL; SELECT count(*) FROM t", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 1; i <= 300; i++) {
		snprintf(sql, sizeof(sql), "BEGIN; INSERT INTO t (n, body) VALUES (%d, randomblob(%u)); SAVEPOINT s;"
		    " UPDATE t SET n = n + 1000, body = randomblob(%u) WHERE id %% 7 = %d; ROLLBACK TO s; RELEASE s; COMMIT",
		    i, below(20000), below(3000), i % 7);
		assert_int_equal(sqlite3_exec(writer, sql, NULL, NULL, NULL), SQLITE_OK);
		sum += i;
		assert_int_equal(ask(reader, "SELECT sum(n) FROM t"), sum);
		if (i % 20 == 0)
			assert_int_equal(sqlite3_wal_checkpoint_v2(i % 40 == 0 ? writer : copier, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(sqlite3_exec(reader, "SELECT integrity_check = 'ok' FROM pragma_integrity_check", first_int, &ok, NULL), SQLITE_OK);
	assert_int_equal(ok, 1);
	sqlite3_close(reader);
	sqlite3_close(copier);
	sqlite3_close(writer);
	assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(ask(reader, "SELECT sum(n) FROM t"), sum);
	sqlite3_close(reader);
}

/* ---- part of the WAL is copied back -------------------------------------------------------------------- */

static sqlite3 *onlooker;
static int looked;
static int64_t rows_sum;

/* A snapshot of its own each time; nothing from before may lie in its cache. */
static void
look(void)
{
	looked++;
	sqlite3_db_release_memory(onlooker);
	assert_int_equal(ask(onlooker, "SELECT sum(n) FROM t"), rows_sum);
}

static sqlite3 *
open_wal(const char *name, const char *on)
{
	char path[256];
	sqlite3 *h;

	snprintf(path, sizeof(path), "%s/%s", d.dir, name);
	assert_int_equal(sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, on), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
	    " SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL), SQLITE_OK);
	return h;
}

/* Somebody's older snapshot keeps the end of the WAL from being copied, so that
 * SQLite neither syncs nor cuts the database before it tells how far it got.
 * Who begins to read from then on takes those pages from the database. */
static void
what_is_told_is_there(void **state UNUSED)
{
	sqlite3 *writer = open_wal("part", tape_vfs()), *old = open_wal("part", "spied");
	int in_wal = 0, copied = 0;

	onlooker = open_wal("part", "spied");
	assert_int_equal(sqlite3_exec(writer, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, body BLOB);"
	    " WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 200)"
	    " INSERT INTO t (n, body) SELECT 1, randomblob(3000) FROM i", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_wal_checkpoint_v2(writer, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
	for (int i = 2; i <= 4; i++) {
		char sql[64];
		snprintf(sql, sizeof(sql), "UPDATE t SET n = %d WHERE id > %d", i, i * 40);
		assert_int_equal(sqlite3_exec(writer, sql, NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(old, "BEGIN; SELECT sum(n) FROM t", NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(writer, "UPDATE t SET n = n + 1 WHERE id = 7", NULL, NULL, NULL), SQLITE_OK);
		rows_sum = ask(writer, "SELECT sum(n) FROM t");
		looked = 0;
		on_write = look;
		assert_int_equal(sqlite3_wal_checkpoint_v2(writer, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied), SQLITE_OK);
		on_write = NULL;
		assert_true(copied > 0 && copied < in_wal && looked > 0);
		assert_int_equal(ask(onlooker, "SELECT sum(n) FROM t"), rows_sum);
		assert_int_equal(sqlite3_exec(old, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	}
	sqlite3_close(old);
	sqlite3_close(onlooker);
	sqlite3_close(writer);
}

/* ---- a write that fails -------------------------------------------------------------------------------- */

static void
a_read_never_fails_for_a_write(void **state UNUSED)
{
	char path[256], got[8] = "";
	sqlite3_file *f;

	snprintf(path, sizeof(path), "%s/read.wal", d.dir);
	f = open_file(path);
	assert_int_equal(f->pMethods->xWrite(f, "0123456789", 10, 0), SQLITE_OK);
	wal_fails = true;
	assert_int_equal(f->pMethods->xRead(f, got, 4, 3), SQLITE_OK);
	assert_string_equal(got, "3456");
	assert_int_equal(f->pMethods->xSync(f, SQLITE_SYNC_NORMAL), SQLITE_FULL);
	wal_fails = false;
	same_on_disk(path, NULL, 0);
	close_file(f);
}

/* The cache is so small that the first statement's pages go to the WAL before
 * the commit; the second one reads them back while the disk is full. Of a full
 * disk SQLite may undo that one alone, and go on with the transaction. */
static void
a_transaction_is_whole_or_gone(void **state UNUSED)
{
	sqlite3 *h = open_wal("whole", tape_vfs());
	int64_t sum = 0, ok = 0;
	char sql[256];
	int whole = 0;

	assert_int_equal(sqlite3_exec(h, "PRAGMA cache_size=10;"
	    " CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n >= 0), body BLOB);"
	    " WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 200)"
	    " INSERT INTO t (n, body) SELECT 0, randomblob(3000) FROM i", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 11; i <= 100; i++) {
		assert_int_equal(sqlite3_wal_checkpoint_v2(h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
		snprintf(sql, sizeof(sql), "BEGIN; UPDATE t SET n = n + 1 WHERE id <= %d", 15 + i);
		assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
		wal_fails = true;
		snprintf(sql, sizeof(sql), "UPDATE t SET n = n + 0 WHERE id BETWEEN %d AND %d", i - 10, i - 5);
		sqlite3_exec(h, sql, NULL, NULL, NULL);
		wal_fails = false;
		if (sqlite3_exec(h, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
			whole++;
			sum += 15 + i;
		} else if (sqlite3_get_autocommit(h) == 0) {
			sqlite3_exec(h, "ROLLBACK", NULL, NULL, NULL);
		}
		assert_int_equal(ask(h, "SELECT sum(n) FROM t"), sum);
		assert_int_equal(sqlite3_exec(h, "SELECT integrity_check = 'ok' FROM pragma_integrity_check", first_int, &ok, NULL), SQLITE_OK);
		assert_int_equal(ok, 1);
	}
	assert_true(whole > 0);
	sqlite3_close(h);
}

static int
nothing_fails(void **state UNUSED)
{
	on_write = NULL;
	wal_fails = false;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_if_nothing_were_gathered),
		cmocka_unit_test(a_database_on_it),
		cmocka_unit_test_setup(what_is_told_is_there, nothing_fails),
		cmocka_unit_test_setup(a_read_never_fails_for_a_write, nothing_fails),
		cmocka_unit_test_setup(a_transaction_is_whole_or_gone, nothing_fails),
	};

	return cmocka_run_group_tests_name("store tape", tests, setup, teardown);
}
