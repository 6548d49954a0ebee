/* A walk through rows that lie apart is read ahead: more of the file comes into memory than was asked for. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "rows.h"
#include "db.h"

enum { ROWS = 1000, BETWEEN = 2, WALKED = 300, PAGE = 4096 };

static struct testdb d;
static struct ctx cx;
static char main_path[80], keys_path[80];

static const char schema[] =
    "CREATE TABLE walked (id BIGINT NOT NULL PRIMARY KEY, body BYTEA NOT NULL);"
    "CREATE TABLE beside (id BIGINT NOT NULL PRIMARY KEY, body BYTEA NOT NULL);";
static const struct stmt put_walked = { .name = "walked.put", .sql = "INSERT INTO walked (id, body) VALUES ($1, $2)", .in = "ib" };
static const struct stmt put_beside = { .name = "beside.put", .sql = "INSERT INTO beside (id, body) VALUES ($1, $2)", .in = "ib" };
static const struct stmt walk = {
	.name = "walked.walk", .sql = "SELECT id, body FROM walked WHERE id > $1 ORDER BY id LIMIT $2", .in = "ii", .out = "ib",
};

static enum err
fill(struct ctx *c, void *arg UNUSED)
{
	static char bytes[3000];
	const str body = { bytes, sizeof bytes };

	for (int i = 0; i < ROWS; i++) {
		TRY(store_exec(c, &put_walked, ARGS(INT(i + 1), BYTES(body)), NULL));
		for (int k = 0; k < BETWEEN; k++)
			TRY(store_exec(c, &put_beside, ARGS(INT(BETWEEN * i + k + 1), BYTES(body)), NULL));
	}
	return OK;
}

static enum err
open_it(void)
{
	static const struct migration m[] = { { 2, DB_MAIN, "walked", { schema, sizeof(schema) - 1 } } };
	struct store_conf conf = { .main_path = main_path, .keys_path = keys_path, .readers = 1, .migrations = m, .migration_count = 1 };

	return store_open(&cx, &conf, &d.sys.store);
}

/* How many of the file's pages are in memory; thrown out before, if asked. */
static size_t
resident(bool empty)
{
	int fd = open(main_path, O_RDWR | O_CLOEXEC);
	struct stat st;
	unsigned char *is;
	size_t pages, n = 0;
	void *p;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	pages = (size_t)st.st_size / PAGE;
	if (empty) {
		fsync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	is = calloc(1, pages);
	assert_true(p != MAP_FAILED && is != NULL && mincore(p, pages * PAGE, is) == 0);
	for (size_t i = 0; i < pages; i++)
		n += is[i] & 1;
	free(is);
	munmap(p, (size_t)st.st_size);
	close(fd);
	return n;
}

static void
what_comes_next_is_read_ahead(void **state UNUSED)
{
	struct rows rows;
	size_t n = 0;

	assert_int_equal(open_it(), OK);
	assert_int_equal(store_write(&cx, fill, NULL), OK);
	ctx_done(&cx);
	store_close(&d.sys.store);
	if (resident(true) > WALKED / 2)
		skip();                      /* a file system without a disk, or one that keeps what it likes */
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(open_it(), OK);
	assert_int_equal(store_all(&cx, &walk, ARGS(INT(0), INT(WALKED)), &rows), OK);
	assert_int_equal(rows.count, WALKED);
	ctx_done(&cx);
	store_close(&d.sys.store);
	for (int i = 0; i < 100 && n < 2 * WALKED; i++) {        /* nobody waited for it */
		usleep(10000);
		n = resident(false);
	}
	assert_true(n >= 2 * WALKED);
}

int
main(void)
{
	struct CMUnitTest t[] = { cmocka_unit_test(what_comes_next_is_read_ahead) };

	db_mkdir(d.dir);
	snprintf(main_path, sizeof(main_path), "%s/ward.db", d.dir);
	snprintf(keys_path, sizeof(keys_path), "%s/keys.db", d.dir);
	d.sys = (struct sys){ .codec = &toy_codec };
	ctx_init(&cx, &d.sys, 1);
	return RUN_ROWS("store ahead", t, COUNT(t));
}
