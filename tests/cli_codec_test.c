/* Store and vault together: what is sealed comes back after a restart and from
 * nowhere else, keys come and go with their transactions, and rotation works
 * over the real keyring, also when another process does it. */
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rows.h"
#include "cli/cli.h"

#define THINGS "CREATE TABLE thing (account_id BIGINT NOT NULL, id BIGINT NOT NULL, doc BYTEA NOT NULL," \
    " email_x BYTEA, PRIMARY KEY (account_id, id));"
static const struct stmt insert = {
	.name = "thing.insert",
	.sql  = "INSERT INTO thing (account_id, id, doc, email_x) VALUES ($1, $2, $3, $4)",
	.in   = "iiSX?", .seal_in = { { "thing", "doc", 1 } }, .blind = { "thing.email" },
};
static const struct stmt load = {
	.name = "thing.load",
	.sql  = "SELECT id, doc FROM thing WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "iS", .seal_out = { { "thing", "doc", 0 } },
};
static const struct stmt by_email = {
	.name = "thing.by_email",
	.sql  = "SELECT id FROM thing WHERE account_id = $1 AND email_x = $2",
	.in   = "iX", .out = "i", .blind = { "thing.email" },
};
static const struct stmt move = {
	.name = "thing.move", .sql = "UPDATE thing SET id = $3 WHERE account_id = $1 AND id = $2", .in = "iii",
};
static const struct stmt versions = {
	.name = "test.versions",
	.sql  = "SELECT count(DISTINCT version), max(version), count(*) FROM data_key WHERE account_id = $1",
	.in   = "i", .out = "iii", .db = DB_KEYS,
};
static const struct stmt accounts = {
	.name = "test.accounts", .sql = "SELECT count(*) FROM account_key WHERE account_id = $1", .in = "i", .out = "i",
	.db   = DB_KEYS,
};
/* A version column that does not say what the wrapped key says would let a key
 * be forgotten by the rewrapping and then lost with its account key. */
static const struct stmt all_keys = {
	.name = "test.all_keys", .sql = "SELECT version, wrapped FROM data_key WHERE account_id = $1", .in = "i",
	.out  = "ib", .db = DB_KEYS,
};
static const struct stmt *const test_stmts[] = { &insert, &load, &by_email, &move, &versions, &accounts, &all_keys, NULL };

struct fix {
	char           dir[64], main[96], keys[96], root[96];
	struct sys     sys;
	struct keeper *keeper;
	struct ctx     cx;
};

static void
fine_at(struct ctx *cx, enum err e, const char *call, int line)
{
	if (e == OK)
		return;
	print_error("%s gave %s: %s %s\n", call, err_name(e), cx->fail.field ? cx->fail.field : "",
	    cx->fail.why != NULL ? cx->fail.why : "(no words)");
	_fail(__FILE__, line);
}
#define FINE(f, call) fine_at(&(f)->cx, (call), #call, __LINE__)

static enum err
open_tx(struct ctx *cx, void *arg)
{
	struct fix *f = arg;

	return vault_open(cx, f->keeper, &ward_keyring, true, &f->sys.vault);
}

static void
up(struct fix *f, bool create)
{
	struct migration m[64];
	int n = ward_migrations(m);
	struct root_conf root = { .kind = ROOT_FILE, .path = f->root };
	struct store_conf sc = { .main_path = f->main, .keys_path = f->keys, .readers = 2, .migrations = m };

	m[n++] = (struct migration){ 9000, DB_MAIN, "things", S(THINGS) };
	sc.migration_count = n;
	ctx_init(&f->cx, &f->sys, 1);
	FINE(f, store_open(&f->cx, &sc, &f->sys.store));
	FINE(f, keeper_start(&f->cx, &root, &f->keeper));
	f->sys.codec = (struct codec *)(uintptr_t)&ward_codec;
	FINE(f, create ? store_write(&f->cx, open_tx, f) : vault_open(&f->cx, f->keeper, &ward_keyring, false, &f->sys.vault));
	FINE(f, store_prepare(&f->cx, f->sys.store, keyring_stmts));
	FINE(f, store_prepare(&f->cx, f->sys.store, test_stmts));
}

static void
down(struct fix *f)
{
	ctx_done(&f->cx);
	store_close(&f->sys.store);
	vault_close(&f->sys.vault);
	keeper_stop(&f->keeper);
}

static int
fix_new(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");
	struct root_conf root = { .kind = ROOT_FILE, .path = f->root };

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "%.40s/ward-codec-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->main, sizeof(f->main), "%s/ward.db", f->dir);
	snprintf(f->keys, sizeof(f->keys), "%s/keyring.db", f->dir);
	snprintf(f->root, sizeof(f->root), "%s/root.key", f->dir);
	ctx_init(&f->cx, NULL, 1);
	FINE(f, root_create(&f->cx, &root));
	ctx_done(&f->cx);
	up(f, true);
	*state = f;
	return 0;
}

static int
drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int
fix_free(void **state)
{
	struct fix *f = *state;

	down(f);
	nftw(f->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* ---- one thing --------------------------------------------------------------------------------------- */

struct thing { int64_t id, key; str text, email; bool then_fail; };

static enum err
put_tx(struct ctx *cx, void *arg)
{
	struct thing *t = arg;

	TRY(store_key_new(cx, &t->key));
	TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(t->id), SEALED(t->key, HIDE(t->text)), BLIND(HIDE(t->email))), NULL));
	return t->then_fail ? fail(cx, E_FAULT, NULL, "told to fail") : OK;
}

static int64_t
put(struct fix *f, int64_t id, const char *text)
{
	struct thing t = { .id = id, .text = str_of(text), .email = str_printf(f->cx.arena, "p%d@clinic.example", (int)id) };

	FINE(f, store_write(&f->cx, put_tx, &t));
	return t.key;
}

static void
check(struct fix *f, int64_t id, const char *text)
{
	struct row r;

	FINE(f, store_one(&f->cx, &load, ARGS(INT(1), INT(id)), &r));
	assert_false(row_erased(&r, 1));
	assert_true(str_eq(row_sensitive(&r, 1).hidden, str_of(text)));
}

static void
keys_agree(struct fix *f, int64_t version, int64_t account_keys)
{
	struct row r;
	struct rows rs;

	FINE(f, store_one(&f->cx, &versions, ARGS(INT(1)), &r));
	if (row_int(&r, 2) > 0) {
		assert_int_equal(row_int(&r, 0), 1);
		assert_int_equal(row_int(&r, 1), version);
	}
	FINE(f, store_one(&f->cx, &accounts, ARGS(INT(1)), &r));
	assert_int_equal(row_int(&r, 0), account_keys);
	FINE(f, store_all(&f->cx, &all_keys, ARGS(INT(1)), &rs));
	for (int i = 0; i < rs.count; i++)
		assert_int_equal(row_int(&rs.row[i], 0), wrapped_version(row_str(&rs.row[i], 1)));
}

/* ---- tests -------------------------------------------------------------------------------------------- */

static void
seal_and_restart(void **state)
{
	struct fix *f = *state;
	struct row r;

	put(f, 1, "Ada Example has a headache");
	put(f, 2, "");
	check(f, 1, "Ada Example has a headache");
	check(f, 2, "");
	FINE(f, store_one(&f->cx, &by_email, ARGS(INT(1), BLIND(HIDE(S("p1@clinic.example")))), &r));
	assert_int_equal(row_int(&r, 0), 1);
	down(f);
	up(f, false);
	check(f, 1, "Ada Example has a headache");
	FINE(f, store_one(&f->cx, &by_email, ARGS(INT(1), BLIND(HIDE(S("p2@clinic.example")))), &r));
	assert_int_equal(row_int(&r, 0), 2);
	down(f);
	up(f, true);                             /* makes nothing anew */
	check(f, 1, "Ada Example has a headache");
	keys_agree(f, 1, 1);
}

static enum err
move_tx(struct ctx *cx, void *arg)
{
	(void)arg;
	return store_exec(cx, &move, ARGS(INT(1), INT(1), INT(7)), NULL);
}

static void
moved(void **state)
{
	struct fix *f = *state;
	struct row r;

	put(f, 1, "text");
	FINE(f, store_write(&f->cx, move_tx, NULL));
	assert_int_equal(store_one(&f->cx, &load, ARGS(INT(1), INT(7)), &r), E_FAULT);
	assert_string_equal(f->cx.fail.why, "sealed value does not open");
}

/* A key that a failing request made is in neither the keyring nor the cache. */
static void
rolled_back(void **state)
{
	struct fix *f = *state;
	struct thing t = { .id = 1, .text = S("never"), .email = S("x"), .then_fail = true };
	struct row r;
	str sealed;

	assert_int_equal(store_write(&f->cx, put_tx, &t), E_FAULT);
	fail_clear(&f->cx);
	assert_true(t.key > 0);
	assert_int_equal(store_one(&f->cx, &load, ARGS(INT(1), INT(1)), &r), E_ABSENT);
	fail_clear(&f->cx);
	assert_int_equal(vault_seal(&f->cx, f->sys.vault, t.key, (struct where){ "thing", "doc", 1 }, S("x"), &sealed), E_ABSENT);
	fail_clear(&f->cx);

	/* The same when the commit itself fails. */
	t.then_fail = false;
	store_fail_commit(f->sys.store, 1);
	assert_int_equal(store_write(&f->cx, put_tx, &t), E_FAULT);
	fail_clear(&f->cx);
	assert_int_equal(store_one(&f->cx, &load, ARGS(INT(1), INT(1)), &r), E_ABSENT);
	fail_clear(&f->cx);
	put(f, 1, "now");
	check(f, 1, "now");
}

static enum err
destroy_tx(struct ctx *cx, void *arg)
{
	return store_key_destroy(cx, *(int64_t *)arg);
}

static void
erased(void **state)
{
	struct fix *f = *state;
	int64_t key = put(f, 1, "goes");
	struct row r;

	put(f, 2, "stays");
	FINE(f, store_write(&f->cx, destroy_tx, &key));
	FINE(f, store_erase(&f->cx));
	for (int round = 0; round < 2; round++) {
		FINE(f, store_one(&f->cx, &load, ARGS(INT(1), INT(1)), &r));
		assert_true(row_erased(&r, 1));
		assert_int_equal(row_sensitive(&r, 1).hidden.n, 0);
		check(f, 2, "stays");
		down(f);
		up(f, false);
	}
}

/* ---- rotation ------------------------------------------------------------------------------------------- */

static enum err
rotate_tx(struct ctx *cx, void *arg)
{
	return vault_rotate_account(cx, arg);
}

struct step { struct vault *v; int64_t left; bool then_fail; };

static enum err
rewrap_tx(struct ctx *cx, void *arg)
{
	struct step *s = arg;

	TRY(vault_rewrap(cx, s->v, 20, &s->left));
	return s->then_fail ? fail(cx, E_FAULT, NULL, "told to fail") : OK;
}

static void
rewrap_all(struct fix *f, struct vault *v)
{
	struct step s = { v, 1, false };

	for (int i = 0; s.left > 0; i++) {
		assert_true(i < 100);
		FINE(f, store_write(&f->cx, rewrap_tx, &s));
	}
}

static void
fill(struct fix *f, int from, int to)
{
	for (int i = from; i <= to; i++)
		put(f, i, str_printf(f->cx.arena, "thing %d", i).p);
}

static void
check_all(struct fix *f, int to)
{
	for (int i = 1; i <= to; i++)
		check(f, i, str_printf(f->cx.arena, "thing %d", i).p);
}

static void
rotation(void **state)
{
	struct fix *f = *state;
	struct step s = { NULL, 1, false };
	bool pending;
	int steps = 0;

	fill(f, 1, 100);
	FINE(f, store_write(&f->cx, rotate_tx, f->sys.vault));
	fill(f, 101, 110);
	do {                                     /* every third step undone, every fourth followed by a restart */
		s.v = f->sys.vault;
		s.then_fail = steps % 3 == 2;
		if (s.then_fail) {
			assert_int_equal(store_write(&f->cx, rewrap_tx, &s), E_FAULT);
			fail_clear(&f->cx);
			s.left = 1;
		} else {
			FINE(f, store_write(&f->cx, rewrap_tx, &s));
		}
		FINE(f, vault_rewrap_pending(&f->cx, f->sys.vault, &pending));
		assert_true(pending == (s.left > 0));
		check_all(f, 110);
		if (steps % 4 == 3) {
			down(f);
			up(f, false);
		}
		assert_true(++steps < 40);
	} while (s.left > 0);
	keys_agree(f, 2, 1);
	down(f);
	up(f, false);
	check_all(f, 110);
}

/* A vault that has not heard of a rotation: what another process is. */
static void
unaware(void **state)
{
	struct fix *f = *state;
	struct vault *other;

	fill(f, 1, 30);
	FINE(f, vault_open(&f->cx, f->keeper, &ward_keyring, false, &other));
	FINE(f, store_write(&f->cx, rotate_tx, other));
	fill(f, 31, 40);                         /* by the one that does not know */
	rewrap_all(f, other);
	fill(f, 41, 50);
	keys_agree(f, 2, 1);
	FINE(f, store_write(&f->cx, rotate_tx, other));
	rewrap_all(f, other);
	check_all(f, 50);
	fill(f, 51, 60);
	keys_agree(f, 3, 1);
	vault_close(&other);
	down(f);
	up(f, false);
	check_all(f, 60);
}

struct root_step { struct vault *v; struct keeper *fresh; };

static enum err
root_tx(struct ctx *cx, void *arg)
{
	struct root_step *r = arg;

	return vault_rotate_root(cx, r->v, r->fresh);
}

static void
root(void **state)
{
	struct fix *f = *state;
	char path[128];
	struct root_conf conf = { .kind = ROOT_FILE, .path = path };
	struct root_step r = { f->sys.vault, NULL };

	fill(f, 1, 5);
	snprintf(path, sizeof(path), "%s.new", f->root);
	FINE(f, root_create(&f->cx, &conf));
	FINE(f, keeper_start(&f->cx, &conf, &r.fresh));
	FINE(f, store_write(&f->cx, root_tx, &r));
	vault_use_keeper(f->sys.vault, r.fresh);
	keeper_stop(&f->keeper);
	f->keeper = r.fresh;
	FINE(f, store_write(&f->cx, rotate_tx, f->sys.vault));
	rewrap_all(f, f->sys.vault);
	fill(f, 6, 9);
	assert_int_equal(rename(path, f->root), 0);
	down(f);
	up(f, false);
	check_all(f, 9);
}

/* ---- many at once ------------------------------------------------------------------------------------------ */

enum { THREADS = 4, EACH = 150 };
struct writing { struct fix *f; int n; bool good; };

static void *
writes(void *arg)
{
	struct writing *j = arg;

	for (int i = 0; i < EACH; i++) {
		struct ctx cx;
		struct row r;
		struct thing t = { .id = 1000 * (j->n + 1) + i };

		ctx_init(&cx, &j->f->sys, 1);
		t.text = str_printf(cx.arena, "thing %d", (int)t.id);
		t.email = str_printf(cx.arena, "%d@clinic.example", (int)t.id);
		if (store_write(&cx, put_tx, &t) != OK || store_one(&cx, &load, ARGS(INT(1), INT(t.id)), &r) != OK ||
		    row_erased(&r, 1) || !str_eq(row_sensitive(&r, 1).hidden, t.text)) {
			print_error("%s: %s\n", err_name(cx.fail.code), cx.fail.why != NULL ? cx.fail.why : "wrong text");
			j->good = false;
		}
		ctx_done(&cx);
	}
	return NULL;
}

/* Writers and readers go on while the account key is rotated three times. */
static void
rotation_under_load(void **state)
{
	struct fix *f = *state;
	pthread_t thread[THREADS];
	struct writing job[THREADS];

	for (int i = 0; i < THREADS; i++) {
		job[i] = (struct writing){ f, i, true };
		assert_int_equal(pthread_create(&thread[i], NULL, writes, &job[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		FINE(f, store_write(&f->cx, rotate_tx, f->sys.vault));
		rewrap_all(f, f->sys.vault);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_true(job[i].good);
	}
	rewrap_all(f, f->sys.vault);
	keys_agree(f, 4, 1);
	down(f);
	up(f, false);
	for (int i = 0; i < THREADS; i++)
		for (int n = 0; n < EACH; n++)
			check(f, 1000 * (i + 1) + n, str_printf(f->cx.arena, "thing %d", 1000 * (i + 1) + n).p);
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[16];
	size_t n = 0;

	if (argc > 1 && strcmp(argv[1], "keeper") == 0)
		return keeper_main(3);
#define FIX(fn) t[n++] = (struct CMUnitTest){ #fn, fn, fix_new, fix_free, NULL }
	FIX(seal_and_restart);
	FIX(moved);
	FIX(rolled_back);
	FIX(erased);
	FIX(rotation);
	FIX(unaware);
	FIX(root);
	FIX(rotation_under_load);
	return RUN_ROWS("cli codec", t, n);
}
