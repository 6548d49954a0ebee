/* kill -9 at random moments: what was acknowledged is there, once; no number is
 * given twice; what was acknowledged as erased stays erased; nothing is half.
 * $ROUNDS sets how many times (50). */
#include "rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "db.h"

enum { THREADS = 6, ERASER = 0, ACKS_MAX = 1 << 20 };

static const struct migration schema[] = {
	TOY_MIGRATION,
	{ 2, DB_MAIN, "entry", S("CREATE TABLE entry (account_id BIGINT NOT NULL, id BIGINT NOT NULL,"
	    " round BIGINT NOT NULL, thread BIGINT NOT NULL, n BIGINT NOT NULL, data_key BIGINT NOT NULL, body BYTEA NOT NULL,"
	    " PRIMARY KEY (account_id, id));"
	    "CREATE TABLE part (account_id BIGINT NOT NULL, id BIGINT NOT NULL, entry_id BIGINT NOT NULL,"
	    " PRIMARY KEY (account_id, id), FOREIGN KEY (account_id, entry_id) REFERENCES entry (account_id, id));") },
};
static const struct stmt insert = {
	.name = "entry.insert",
	.sql  = "INSERT INTO entry (account_id, id, round, thread, n, data_key, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.in = "iiiiiiS", .seal_in = { { "entry", "body", 1 } },
};
static const struct stmt insert_part = {
	.name = "part.insert", .sql = "INSERT INTO part (account_id, id, entry_id) VALUES ($1, $2, $3)", .in = "iii",
};
static const struct stmt list = {
	.name = "entry.list", .sql = "SELECT id, round, thread, n, data_key, body FROM entry ORDER BY id",
	.out = "iiiiiS", .seal_out = { { "entry", "body", 0 } },
};
static const struct stmt parts = {
	.name = "part.list", .sql = "SELECT id, entry_id FROM part ORDER BY id", .out = "ii",
};
static const struct stmt duplicate_keys = {
	.name = "entry.keys", .sql = "SELECT count(*) - count(DISTINCT data_key) FROM entry", .out = "i",
};
static const struct stmt check_main = {
	.name = "main.integrity", .sql = "SELECT integrity_check FROM pragma_integrity_check", .out = "t",
};
static const struct stmt check_keys = {
	.name = "keys.integrity", .db = DB_KEYS, .sql = "SELECT integrity_check FROM pragma_integrity_check", .out = "t",
};

struct ack { int64_t id; int32_t round, thread, n; bool erased; };     /* less than PIPE_BUF: written whole */

static struct testdb d;
static int ack_fd, current_round;

/* ---- the child ------------------------------------------------------------------------------------- */

struct add { struct ack ack; int64_t key; };

static enum err
add_fn(struct ctx *cx, void *arg)
{
	struct add *a = arg;
	int64_t id = 0, key = 0, part = 0;

	TRY(store_next_id(cx, "entry", &id));
	TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &insert, ARGS(INT(1), INT(id), INT(a->ack.round), INT(a->ack.thread), INT(a->ack.n), INT(key),
	    SEALED(key, HIDE(str_printf(cx->arena, "body %d %d %d", a->ack.round, a->ack.thread, a->ack.n)))), NULL));
	for (int i = 0; i < 3; i++) {
		TRY(store_next_id(cx, "part", &part));
		TRY(store_exec(cx, &insert_part, ARGS(INT(1), INT(part), INT(id)), NULL));
	}
	if (a->ack.n % 11 == 5)
		return fail(cx, E_LIMIT, NULL, "no");
	a->ack.id = id;
	a->key = key;
	return OK;
}

static enum err
erase_fn(struct ctx *cx, void *arg)
{
	return store_key_destroy(cx, *(int64_t *)arg);
}

static void *
child_thread(void *arg)
{
	int thread = (int)(intptr_t)arg;
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	for (int n = 0; ; n++) {
		struct add a = { .ack = { .round = current_round, .thread = thread, .n = n } };
		enum err e = store_write(&cx, add_fn, &a);
		if (e != (n % 11 == 5 ? E_LIMIT : OK))
			_exit(3);
		if (e == OK && !fd_write_all(ack_fd, &a.ack, sizeof(a.ack)))
			_exit(4);
		if (thread == ERASER && e == OK) {
			if (store_write(&cx, erase_fn, &a.key) != OK || store_erase(&cx) != OK)
				_exit(5);
			a.ack.erased = true;
			if (!fd_write_all(ack_fd, &a.ack, sizeof(a.ack)))
				_exit(4);
		}
		fail_clear(&cx);
		arena_reset(cx.arena);
	}
	return NULL;
}

static void
child(void)
{
	pthread_t t[THREADS];
	struct ctx cx;

	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, child_thread, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(6);
}

/* ---- the parent ------------------------------------------------------------------------------------ */

static struct ack *acks;           /* by id */
static int64_t acks_max;           /* the highest id acknowledged so far */

static void
take_ack(const struct ack *a)
{
	assert_true(a->id > 0 && a->id < ACKS_MAX);
	if (a->erased) {
		assert_int_equal(acks[a->id].id, a->id);
		acks[a->id].erased = true;
		return;
	}
	assert_int_equal(acks[a->id].id, 0);      /* acknowledged once */
	acks[a->id] = *a;
	if (a->id > acks_max)
		acks_max = a->id;
}

static enum err
check_entry(struct ctx *cx, const struct row *r, void *arg)
{
	int64_t *next = arg, id = row_int(r, 0);
	const struct ack *a = &acks[id];
	str want = str_printf(cx->arena, "body %d %d %d", (int)row_int(r, 1), (int)row_int(r, 2), (int)row_int(r, 3));

	assert_int_equal(id, ++*next);                    /* gapless */
	assert_int_not_equal(row_int(r, 3) % 11, 5);
	if (a->id != 0) {
		assert_int_equal(row_int(r, 1), a->round);
		assert_int_equal(row_int(r, 2), a->thread);
		assert_int_equal(row_int(r, 3), a->n);
	}
	if (a->erased || (row_erased(r, 5) && row_int(r, 2) == ERASER)) {
		assert_true(row_erased(r, 5));
		return OK;
	}
	assert_false(row_erased(r, 5));                   /* no data without their key */
	assert_true(str_eq(reveal(cx, row_sensitive(r, 5), TO_SCAN), want));
	return OK;
}

static enum err
check_part(struct ctx *cx UNUSED, const struct row *r, void *arg)
{
	int64_t *next = arg;

	assert_int_equal(row_int(r, 0), ++*next);
	assert_int_equal(row_int(r, 1), (row_int(r, 0) + 2) / 3);       /* three each, in order */
	return OK;
}

static void
check_all(void)
{
	const struct stmt *const checks[] = { &check_main, &check_keys };
	int64_t entries = 0, all_parts = 0;
	struct ctx cx;
	struct row r;

	d.sys.store = NULL;
	ctx_init(&cx, &d.sys, 1);
	db_or_exit(&d, &cx, schema, COUNT(schema));
	assert_int_equal(store_erase(&cx), OK);           /* as at every start */
	assert_int_equal(store_each(&cx, &list, NO_ARGS, check_entry, &entries), OK);
	assert_true(entries >= acks_max);                 /* with gapless ids: all of them */
	assert_int_equal(store_each(&cx, &parts, NO_ARGS, check_part, &all_parts), OK);
	assert_int_equal(all_parts, entries * 3);
	assert_int_equal(store_one(&cx, &duplicate_keys, NO_ARGS, &r), OK);
	assert_int_equal(row_int(&r, 0), 0);
	for (size_t i = 0; i < COUNT(checks); i++) {
		assert_int_equal(store_one(&cx, checks[i], NO_ARGS, &r), OK);
		assert_true(str_eq(row_str(&r, 0), S("ok")));
	}
	ctx_done(&cx);
	store_close(&d.sys.store);
}

static void
killed_at_any_moment(void **state UNUSED)
{
	const char *env = getenv("ROUNDS");
	int rounds = 50;
	int64_t n;

	if (env != NULL && str_int(str_of(env), &n) && n > 0 && n < 100000)
		rounds = (int)n;
	acks = calloc(ACKS_MAX, sizeof(*acks));
	d.sys = (struct sys){0};
	db_mkdir(d.dir);
	for (current_round = 0; current_round < rounds; current_round++) {
		int fds[2], status;
		struct ack ack;
		pid_t pid;
		assert_int_equal(pipe(fds), 0);
		assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) > 0, 1);
		pid = fork();
		if (pid == 0) {
			close(fds[0]);
			ack_fd = fds[1];
			child();
		}
		close(fds[1]);
		if (current_round % 5 != 4) {             /* every fifth: also while it opens */
			assert_int_equal(read(fds[0], &ack, sizeof(ack)), sizeof(ack));
			take_ack(&ack);
		}
		usleep((useconds_t)(rand_u64() % 30000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));         /* else the child has found a fault itself */
		while (read(fds[0], &ack, sizeof(ack)) == sizeof(ack))
			take_ack(&ack);
		close(fds[0]);
		if (current_round % 10 == 9 || current_round == rounds - 1 || rounds <= 50)
			check_all();
	}
	assert_true(acks_max > rounds);
	print_message("%d rounds, %lld acknowledged\n", rounds, (long long)acks_max);
	free(acks);
	db_remove(d.dir);
}

int
main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(killed_at_any_moment) };
	return cmocka_run_group_tests_name("store crash", t, NULL, NULL);
}
