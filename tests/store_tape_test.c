/* Gathered writes: what is read, measured and cut is as if nothing had been
 * gathered, and what was synced or locked is in the file for all to see. */
#include "rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "db.h"
#include "store/tape.h"

enum { SIZE = 1 << 20, STEPS = 4000 };

static struct testdb d;
static sqlite3_vfs *vfs;

static int
setup(void **state UNUSED)
{
	db_mkdir(d.dir);
	sqlite3_initialize();
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
	int flags = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

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

	snprintf(path, sizeof(path), "%s/tape", d.dir);
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
		} else if (what < 39) {
			assert_int_equal(f->pMethods->xSync(f, SQLITE_SYNC_NORMAL), SQLITE_OK);
			same_on_disk(path, model, n);
		} else {
			assert_int_equal(f->pMethods->xLock(f, SQLITE_LOCK_SHARED), SQLITE_OK);
			same_on_disk(path, model, n);
			assert_int_equal(f->pMethods->xUnlock(f, SQLITE_LOCK_NONE), SQLITE_OK);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_if_nothing_were_gathered),
		cmocka_unit_test(a_database_on_it),
	};

	return cmocka_run_group_tests_name("store tape", tests, setup, teardown);
}
