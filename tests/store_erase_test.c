/* Erasure: what a destroyed key was, wrapped, is nowhere in the keyring's files;
 * a crash before it only delays; readers only delay. */
#include "rows.h"

#include <pthread.h>
#include <sys/stat.h>

#include "db.h"

/* Secure deletion also has to hold for pages that were split and merged, so
 * many keys come and go; `wrapped` is kept to look for it. */
enum { KEYS = 3000 };
static struct { int64_t id; char wrapped[32]; bool gone; } keys[KEYS];

static struct testdb d;
static struct ctx cx;

static const struct migration schema[] = { TOY_MIGRATION };
static const struct stmt notes = { .name = "erase.notes", .sql = "SELECT count(*) FROM erase_key", .out = "i" };

static int
setup(void **state UNUSED)
{
	d.sys = (struct sys){0};
	db_mkdir(d.dir);
	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	return 0;
}

static int
teardown(void **state UNUSED)
{
	ctx_done(&cx);
	db_close(&d);
	return 0;
}

static enum err
make_keys(struct ctx *c, void *arg)
{
	int *range = arg;

	for (int i = range[0]; i < range[1]; i++) {
		struct row r;
		TRY(store_key_new(c, &keys[i].id));
		TRY(store_one(c, &toy_key_get, ARGS(INT(c->account), INT(keys[i].id)), &r));
		memcpy(keys[i].wrapped, row_str(&r, 0).p, 32);
		keys[i].gone = false;
	}
	return OK;
}

static enum err
note_key(struct ctx *c, void *arg)
{
	return store_key_destroy(c, *(int64_t *)arg);
}

static enum err
note_every_third(struct ctx *c, void *arg)
{
	for (int i = 0; i < KEYS; i++)
		if (i % 3 == *(int *)arg && !keys[i].gone) {
			TRY(store_key_destroy(c, keys[i].id));
			keys[i].gone = true;
		}
	return OK;
}

static str
file(const char *name)
{
	str bytes = S("");
	const char *path = str_printf(cx.arena, "%s/%s", d.dir, name).p;

	if (access(path, F_OK) == 0)
		assert_int_equal(file_read(&cx, path, 64 * MiB, &bytes), OK);
	return bytes;
}

static int64_t
count_notes(void)
{
	struct row r;

	assert_int_equal(store_one(&cx, &notes, NO_ARGS, &r), OK);
	return row_int(&r, 0);
}

/* How many of the keys (gone or not) have their bytes in a file of the keyring. A
 * prefix of the bytes is looked for too: half a key is too much. */
static int
found(bool gone)
{
	str files[] = { file("keys.db"), file("keys.db-wal"), file("keys.db-shm") };
	int n = 0;

	for (int i = 0; i < KEYS; i++) {
		bool here = false;
		if (keys[i].gone != gone || keys[i].id == 0)
			continue;
		for (size_t f = 0; f < COUNT(files); f++)
			for (size_t at = 0; at < 32; at += 16)
				here = here || str_find(files[f], (str){ keys[i].wrapped + at, 16 }) != SIZE_MAX;
		n += here;
	}
	return n;
}

static const struct stmt rewrap = {
	.name = "toy_key.rewrap", .db = DB_KEYS,
	.sql  = "UPDATE toy_key SET wrapped = $3 WHERE account_id = $1 AND key_id = $2", .in = "iib",
};
static const struct stmt integrity = {
	.name = "keys.integrity", .db = DB_KEYS, .sql = "SELECT integrity_check FROM pragma_integrity_check", .out = "t",
};

/* Another wrapping of the same key, of another length: rows move to other pages. */
static enum err
rewrap_key(struct ctx *c, void *arg)
{
	int i = *(int *)arg;
	char longer[200];

	rand_bytes(longer, sizeof(longer));
	memcpy(keys[i].wrapped, longer, 32);
	return store_exec(c, &rewrap, ARGS(INT(1), INT(keys[i].id), BYTES(((str){ longer, 32 + (size_t)i % 169 }))), NULL);
}

static enum err
rewrap_all(struct ctx *c, void *arg UNUSED)
{
	for (int i = 0; i < KEYS; i++)
		if (!keys[i].gone) {
			rand_bytes(keys[i].wrapped, 32);
			TRY(store_exec(c, &rewrap, ARGS(INT(1), INT(keys[i].id), BYTES(((str){ keys[i].wrapped, 32 }))), NULL));
		}
	return OK;
}

static void
nowhere_in_the_files(void **state UNUSED)
{
	for (int i = 0; i < KEYS; i += 100) {
		int range[2] = { i, i + 100 };
		assert_int_equal(store_write(&cx, make_keys, range), OK);
	}
	assert_int_equal(found(false), KEYS);                     /* the search finds what is there */
	for (int k = 0; k < 3; k++) {
		int gone = 0;
		assert_int_equal(store_write(&cx, note_every_third, &k), OK);
		for (int i = 0; i < KEYS; i++)
			gone += keys[i].gone;
		assert_int_equal(found(true), KEYS / 3);          /* noted, not destroyed yet */
		assert_int_equal(store_erase(&cx), OK);
		assert_int_equal(found(true), 0);
		assert_int_equal(found(false), KEYS - gone);      /* the others live */
		assert_int_equal(count_notes(), 0);
		assert_int_equal(file("keys.db-wal").n, 0);
		assert_int_equal(store_write(&cx, rewrap_all, NULL), OK);   /* every page is written again, */
		assert_int_equal(found(false), KEYS - gone);
		assert_int_equal(found(true), 0);                           /* and brings nothing back */
	}
	assert_int_equal(store_erase(&cx), OK);                   /* nothing to do */
}

static bool
anywhere(const char *wrapped)
{
	str files[] = { file("keys.db"), file("keys.db-wal") };

	return str_find(files[0], (str){ wrapped, 16 }) != SIZE_MAX || str_find(files[1], (str){ wrapped, 16 }) != SIZE_MAX;
}

/* Keys of random ages go and are wrapped anew, new ones come, the writer has
 * idle moments, as in service. Each that went stays away. */
static void
nowhere_after_much_coming_and_going(void **state UNUSED)
{
	enum { ROUNDS = 24, PER_ROUND = 60 };
	static char old[ROUNDS * PER_ROUND * 2][32];
	int range[2] = { 0, KEYS }, n = 0;
	uint64_t x = 88172645463325252u;
	struct row r;

	assert_int_equal(store_write(&cx, make_keys, range), OK);
	for (int round = 0; round < ROUNDS; round++) {
		int first = n;
		for (int k = 0; k < PER_ROUND; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			int i = (int)(x % KEYS);
			if (keys[i].gone)
				continue;
			memcpy(old[n++], keys[i].wrapped, 32);
			if (x >> 40 & 1) {
				assert_int_equal(store_write(&cx, rewrap_key, &i), OK);
				continue;
			}
			keys[i].gone = true;
			assert_int_equal(store_write(&cx, note_key, &keys[i].id), OK);
		}
		if (round == 10)
			usleep(300000);                 /* the WAL is copied back and begun again */
		assert_int_equal(store_erase(&cx), OK);
		for (int k = first; k < n; k++)
			assert_false(anywhere(old[k]));
		for (int i = 0; i < KEYS && round % 4 == 0; i++)
			if (keys[i].gone) {             /* another in its place */
				int one[2] = { i, i + 1 };
				assert_int_equal(store_write(&cx, make_keys, one), OK);
			}
		arena_reset(cx.arena);
	}
	assert_int_equal(store_write(&cx, note_key, &keys[0].id), OK);
	assert_int_equal(store_erase(&cx), OK);
	for (int k = 0; k < n; k += 7) {
		assert_false(anywhere(old[k]));
		arena_reset(cx.arena);
	}
	assert_int_equal(store_one(&cx, &integrity, NO_ARGS, &r), OK);
	assert_true(str_eq(row_str(&r, 0), S("ok")));
}

static enum err
note_and_fail(struct ctx *c, void *arg)
{
	TRY(store_key_destroy(c, *(int64_t *)arg));
	return fail(c, E_LIMIT, NULL, "no");
}

static void
a_note_that_was_rolled_back_destroys_nothing(void **state UNUSED)
{
	int range[2] = { 0, 2 };

	memset(keys, 0, sizeof(keys));
	assert_int_equal(store_write(&cx, make_keys, range), OK);
	assert_int_equal(store_write(&cx, note_and_fail, &keys[0].id), E_LIMIT);
	fail_clear(&cx);
	store_fail_commit(d.sys.store, 1);
	assert_int_equal(store_write(&cx, note_key, &keys[1].id), E_FAULT);
	fail_clear(&cx);
	assert_int_equal(store_erase(&cx), OK);
	assert_int_equal(found(false), 2);
}

/* Whatever of its three steps a crash came after, the next start finishes it. */
static void
a_crash_only_delays(void **state UNUSED)
{
	int range[2] = { 0, 3 };

	memset(keys, 0, sizeof(keys));
	assert_int_equal(store_write(&cx, make_keys, range), OK);
	assert_int_equal(store_write(&cx, note_key, &keys[0].id), OK);
	keys[0].gone = true;
	arena_reset(cx.arena);
	ctx_release_reader(&cx);
	store_close(&d.sys.store);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	assert_int_equal(store_erase(&cx), OK);
	assert_int_equal(found(true), 0);

	assert_int_equal(store_write(&cx, note_key, &keys[1].id), OK);
	store_fail_commit(d.sys.store, 2);                        /* destroyed, but the note could not be taken away */
	assert_int_equal(store_erase(&cx), E_FAULT);
	fail_clear(&cx);
	keys[1].gone = true;
	assert_int_equal(found(true), 0);
	assert_int_equal(count_notes(), 1);
	assert_int_equal(store_erase(&cx), OK);                   /* the key is gone already: fine */
	assert_int_equal(count_notes(), 0);
	assert_int_equal(found(false), 1);
}

struct slow { int seen; };

static const struct stmt slow_list = {
	.name = "toy_key.slow", .sql = "SELECT key_id FROM toy_key ORDER BY key_id", .out = "i", .db = DB_KEYS,
};

static enum err
slowly(struct ctx *c UNUSED, const struct row *r UNUSED, void *arg)
{
	struct slow *s = arg;

	__atomic_fetch_add(&s->seen, 1, __ATOMIC_SEQ_CST);
	usleep(100000);
	return OK;
}

static void *
slow_reader(void *arg)
{
	struct ctx own;

	ctx_init(&own, &d.sys, 1);
	assert_int_equal(store_each(&own, &slow_list, NO_ARGS, slowly, arg), OK);
	ctx_done(&own);
	return NULL;
}

static void
a_reader_only_delays(void **state UNUSED)
{
	int range[2] = { 0, 6 };
	struct slow slow = {0};
	pthread_t t;

	memset(keys, 0, sizeof(keys));
	assert_int_equal(store_write(&cx, make_keys, range), OK);
	pthread_create(&t, NULL, slow_reader, &slow);
	while (__atomic_load_n(&slow.seen, __ATOMIC_SEQ_CST) == 0)
		usleep(1000);
	assert_int_equal(store_write(&cx, note_key, &keys[3].id), OK);
	keys[3].gone = true;
	assert_int_equal(store_erase(&cx), OK);
	assert_int_equal(found(true), 0);
	assert_int_equal(__atomic_load_n(&slow.seen, __ATOMIC_SEQ_CST), 6);   /* it did wait for the reader */
	pthread_join(t, NULL);
}

static void *
erase_thread(void *arg)
{
	struct ctx own;
	int *range = arg;

	ctx_init(&own, &d.sys, 1);
	for (int i = range[0]; i < range[1]; i++) {
		assert_int_equal(store_write(&own, note_key, &keys[i].id), OK);
		assert_int_equal(store_erase(&own), OK);
	}
	ctx_done(&own);
	return NULL;
}

static bool enough;

static enum err
good_key(struct ctx *c, const struct row *r, void *arg)
{
	(void)c;
	*(int *)arg += row_str(r, 0).n == 32;
	return OK;
}

static const struct stmt every_key = {
	.name = "toy_key.every", .sql = "SELECT wrapped FROM toy_key", .out = "b", .db = DB_KEYS,
};

/* Pages are swept under its eyes; it sees at least those that stay. */
static void *
reading_thread(void *arg UNUSED)
{
	while (!__atomic_load_n(&enough, __ATOMIC_SEQ_CST)) {
		struct ctx own;
		int n = 0;
		ctx_init(&own, &d.sys, 1);
		assert_int_equal(store_each(&own, &every_key, NO_ARGS, good_key, &n), OK);
		assert_true(n >= KEYS - 40 && n <= KEYS);
		ctx_done(&own);
	}
	return NULL;
}

static void
two_at_a_time_and_readers(void **state UNUSED)
{
	int range[2] = { 0, KEYS }, halves[2][2] = { { 0, 20 }, { 20, 40 } };
	pthread_t t[4];

	assert_int_equal(store_write(&cx, make_keys, range), OK);
	__atomic_store_n(&enough, false, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, i < 2 ? erase_thread : reading_thread, i < 2 ? halves[i] : NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	__atomic_store_n(&enough, true, __ATOMIC_SEQ_CST);
	for (int i = 2; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 40; i++)
		keys[i].gone = true;
	assert_int_equal(found(true), 0);
	assert_int_equal(count_notes(), 0);
}

int
main(void)
{
#define FRESH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest t[] = {
		FRESH(nowhere_in_the_files), FRESH(nowhere_after_much_coming_and_going),
		FRESH(a_note_that_was_rolled_back_destroys_nothing), FRESH(a_crash_only_delays),
		FRESH(a_reader_only_delays), FRESH(two_at_a_time_and_readers),
	};
	return cmocka_run_group_tests_name("store erase", t, NULL, NULL);
}
