/* New account keys and new root keys, with a crash or a roll-back between any
 * two steps: at every moment every value opens, and in the end nothing hangs
 * on the old key. */
#include <signal.h>

#include "vault_ring.h"

enum { VALUES = 50 };
static const struct where here = { "comment", "body", 42 };

struct values { str sealed[2 * VALUES + 1]; int count; };

static void
more(struct fix *f, struct values *w, int count)
{
	for (int i = 0; i < count; i++) {
		int64_t id = ++w->count;

		FINE_CALL(f, vault_key_new(&f->cx, f->v, id));
		FINE_CALL(f, vault_seal(&f->cx, f->v, id, here, str_printf(f->cx.arena, "value %d", (int)id), &w->sealed[id]));
	}
}

static void
all_open(struct fix *f, const struct values *w)
{
	str plain;

	for (int i = 1; i <= w->count; i++) {
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, w->sealed[i], &plain));
		assert_true(str_eq(plain, str_printf(f->cx.arena, "value %d", i)));
	}
}

/* The process ends without a word and starts again. */
static void
crash(struct fix *f)
{
	vault_close(&f->v);
	keeper_stop(&f->k);
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, false, &f->v));
}

static int
versions(const struct fix *f)
{
	int n = 0;

	for (int i = 1; i < RING_VERSIONS; i++)
		n += f->ring.now.account[i].there;
	return n;
}

static void
all_under(struct fix *f, int version)
{
	for (int i = 1; i < RING_KEYS; i++)
		if (f->ring.now.data[i].there)
			assert_int_equal(wrapped_version((str){ (char *)f->ring.now.data[i].w, WRAPPED_BYTES }), version);
	for (int i = 0; i < NAMED_KEYS; i++)
		assert_int_equal(wrapped_version((str){ (char *)f->ring.now.named[i].w, WRAPPED_BYTES }), version);
	assert_int_equal(versions(f), 1);
	assert_true(f->ring.now.account[version].there);
}

static void
finish(struct fix *f, int step)
{
	int64_t left;
	int calls = 0;

	do {
		FINE_CALL(f, vault_rewrap(&f->cx, f->v, step, &left));
		assert_true(++calls < 100);
	} while (left > 0);
}

static bool
pending(struct fix *f)
{
	bool is;

	FINE_CALL(f, vault_rewrap_pending(&f->cx, f->v, &is));
	return is;
}

/* ---- the account key ------------------------------------------------------------------------------------ */

static void
rotate(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left = -1, before = INT64_MAX;
	unsigned char mac[32], mac2[32];
	int steps = 0;

	more(f, &w, VALUES);
	vault_mac(f->v, KEY_TRAIL, S("x"), mac);
	assert_false(pending(f));
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 10, &left));     /* nothing to do */
	assert_int_equal(left, 0);
	assert_false(pending(f));

	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	assert_true(pending(f));
	assert_int_equal(versions(f), 2);
	all_open(f, &w);
	more(f, &w, 1);                          /* new keys hang on the new version */
	assert_int_equal(wrapped_version((str){ (char *)f->ring.now.data[w.count].w, WRAPPED_BYTES }), 2);
	do {
		FINE_CALL(f, vault_rewrap(&f->cx, f->v, 10, &left));
		assert_true(left < before);
		assert_true((left == 0) == !pending(f));
		before = left;
		all_open(f, &w);
		assert_true(++steps < 20);
	} while (left > 0);
	assert_in_range(steps, (VALUES + NAMED_KEYS) / 10, (VALUES + NAMED_KEYS) / 10 + 2);
	all_under(f, 2);
	vault_mac(f->v, KEY_TRAIL, S("x"), mac2);
	assert_memory_equal(mac, mac2, 32);

	crash(f);
	all_open(f, &w);
	vault_mac(f->v, KEY_TRAIL, S("x"), mac2);
	assert_memory_equal(mac, mac2, 32);
}

static void
left_is_right(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left;

	more(f, &w, 30);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 5, &left));
	assert_int_equal(left, 30 + NAMED_KEYS - 5);
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 7, &left));
	assert_int_equal(left, 30 + NAMED_KEYS - 12);
	crash(f);
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 5, &left));
	assert_int_equal(left, 30 + NAMED_KEYS - 17);
}

/* A crash after each step, new keys made in between. */
static void
crash_between_steps(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left = 1;
	int steps = 0;

	more(f, &w, VALUES);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	while (left > 0) {
		crash(f);
		all_open(f, &w);
		more(f, &w, 1);
		FINE_CALL(f, vault_rewrap(&f->cx, f->v, 3, &left));
		assert_true(++steps < 40);
		all_open(f, &w);
	}
	crash(f);
	all_open(f, &w);
	all_under(f, 2);
}

/* The nth write fails and its transaction is rolled back, for every n; then a
 * crash or, every other time, going on as if nothing had been. */
static void
fail_at_every_write(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left;
	int version = 1;

	more(f, &w, 6);
	for (int n = 1; n < 30; n++) {
		int calls = 0, hurt = 0;
		enum err e;

		ring_begin(&f->ring);
		if (n % 4 == 3) {        /* the rotation itself is rolled back once */
			FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
			ring_undo(&f->ring);
			all_open(f, &w);
			ring_begin(&f->ring);
		}
		FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
		version++;
		f->ring.fail_in = n;
		do {
			ring_begin(&f->ring);
			e = vault_rewrap(&f->cx, f->v, 4, &left);
			if (e != OK) {
				assert_int_equal(e, E_FAULT);
				hurt++;
				ring_undo(&f->ring);
				fail_clear(&f->cx);
				if (n % 2 == 0)
					crash(f);
				left = 1;
			}
			all_open(f, &w);
			assert_true(++calls < 30);
		} while (left > 0);
		assert_int_equal(hurt, n <= 6 + NAMED_KEYS + 1);
		f->ring.fail_in = 0;
		all_under(f, version);
		crash(f);
		all_open(f, &w);
	}
}

/* A step that was done, and then undone with its transaction, without a word
 * to the vault: its place in the walk is then behind what is left. */
static void
rolled_back_steps(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left;
	int steps = 0;

	more(f, &w, VALUES);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	do {
		ring_begin(&f->ring);
		FINE_CALL(f, vault_rewrap(&f->cx, f->v, 8, &left));
		if (steps % 3 == 1) {
			ring_undo(&f->ring);
			left = 1;
		}
		all_open(f, &w);
		assert_true(++steps < 40);
	} while (left > 0);
	all_under(f, 2);
	crash(f);
	all_open(f, &w);
}

/* The last step, which drops the old version, is rolled back. */
static void
rolled_back_drop(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left;

	more(f, &w, 5);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	ring_begin(&f->ring);
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 100, &left));
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 100, &left));
	assert_int_equal(left, 0);
	ring_undo(&f->ring);
	for (int i = 1; i <= w.count; i++)
		vault_key_forget(f->v, i);
	all_open(f, &w);                         /* the old version is fetched again */
	assert_true(pending(f));
	finish(f, 100);
	all_under(f, 2);
}

static void
twice_at_once(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left;
	int steps = 0;

	more(f, &w, VALUES);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 20, &left));
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	more(f, &w, 3);
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 20, &left));
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	assert_int_equal(versions(f), 4);
	crash(f);
	all_open(f, &w);
	do {
		FINE_CALL(f, vault_rewrap(&f->cx, f->v, 20, &left));
		assert_true(++steps < 20);
	} while (left > 0);
	all_open(f, &w);
	all_under(f, 4);
}

/* `ward key rotate` while a server runs: two vaults over one keyring. */
static void
other_process(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	struct vault *server;
	str sealed, plain;

	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, false, &server));
	more(f, &w, 20);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	/* The server knows nothing of it and makes a key. */
	FINE_CALL(f, vault_key_new(&f->cx, server, 90));
	FINE_CALL(f, vault_seal(&f->cx, server, 90, here, S("made meanwhile"), &sealed));
	finish(f, 7);
	all_under(f, 2);
	FINE_CALL(f, vault_key_new(&f->cx, server, 91));
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, sealed, &plain));
	for (int i = 1; i <= w.count; i++) {
		FINE_CALL(f, vault_open_value(&f->cx, server, here, w.sealed[i], &plain));
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, w.sealed[i], &plain));
	}
	/* Again, and this time the server's next look is at an old key. */
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	finish(f, 7);
	vault_key_forget(server, 3);
	FINE_CALL(f, vault_open_value(&f->cx, server, here, w.sealed[3], &plain));
	vault_close(&server);
	all_under(f, 3);
}

/* A version that was rolled back here and made again, otherwise, elsewhere:
 * what this process remembers of it must not win. */
static void
phantom_version(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	struct vault *other;
	str sealed, plain;
	int64_t left;

	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, false, &other));
	more(f, &w, 10);
	ring_begin(&f->ring);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 3, &left));      /* in one transaction, against the rule */
	ring_undo(&f->ring);
	FINE_CALL(f, vault_rotate_account(&f->cx, other));
	FINE_CALL(f, vault_key_new(&f->cx, other, 90));
	FINE_CALL(f, vault_seal(&f->cx, other, 90, here, S("text"), &sealed));
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, sealed, &plain));
	all_open(f, &w);
	vault_close(&other);
}

/* A rotation that is rolled back leaves nothing: keys made after it hang on
 * the version that there is. */
static void
rotation_rolled_back(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };

	more(f, &w, 3);
	ring_begin(&f->ring);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	more(f, &w, 1);
	ring_undo(&f->ring);
	vault_key_forget(f->v, w.count--);
	more(f, &w, 3);
	all_under(f, 1);
	crash(f);
	all_open(f, &w);
}

static void
destroyed_stay_destroyed(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	str plain;
	int64_t left;

	more(f, &w, 20);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, NAMED_KEYS + 5, &left));
	FINE_CALL(f, vault_key_destroy(&f->cx, f->v, 2));        /* rewrapped already */
	FINE_CALL(f, vault_key_destroy(&f->cx, f->v, 15));       /* not yet */
	finish(f, 5);
	assert_false(f->ring.now.data[2].there);
	assert_false(f->ring.now.data[15].there);
	assert_int_equal(vault_open_value(&f->cx, f->v, here, w.sealed[2], &plain), E_ABSENT);
	fail_clear(&f->cx);
	assert_int_equal(vault_open_value(&f->cx, f->v, here, w.sealed[15], &plain), E_ABSENT);
}

/* An account key that is gone is not "erased": that would let a damaged keyring
 * pass for a deletion. */
static void
dropped_too_early(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	str plain;

	more(f, &w, 2);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	crash(f);
	f->ring.now.account[1].there = false;
	vault_close(&f->v);
	assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, false, &f->v), E_FAULT);
	assert_non_null(strstr(f->cx.fail.why, "not in the keyring"));
	f->ring.now.account[1].there = true;
	fail_clear(&f->cx);
	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, false, &f->v));
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, w.sealed[1], &plain));
}

static void
keeper_gone(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	int64_t left;

	more(f, &w, 3);
	keeper_stop(&f->k);
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	vault_use_keeper(f->v, f->k);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
	kill(keeper_pid(f->k), 9);
	assert_int_equal(vault_rotate_account(&f->cx, f->v), E_BUSY);
	fail_clear(&f->cx);
	assert_int_equal(vault_rewrap(&f->cx, f->v, 3, &left), E_BUSY);
	fail_clear(&f->cx);
	all_open(f, &w);                         /* what is in memory still serves */
	keeper_stop(&f->k);
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	vault_use_keeper(f->v, f->k);
	finish(f, 3);
	all_under(f, 2);
}

/* ---- the root key -------------------------------------------------------------------------------------------- */

static void
root(void **state)
{
	struct fix *f = *state;
	struct values w = { .count = 0 };
	struct root_conf other = f->conf;
	struct keeper *fresh;
	struct vault *v;
	char path[96];
	int64_t left;

	more(f, &w, 10);
	FINE_CALL(f, vault_rotate_account(&f->cx, f->v));        /* two versions in use */
	FINE_CALL(f, vault_rewrap(&f->cx, f->v, 10, &left));
	snprintf(path, sizeof(path), "%s/other.key", f->dir);
	other.path = path;
	FINE_CALL(f, root_create(&f->cx, &other));
	FINE_CALL(f, keeper_start(&f->cx, &other, &fresh));

	/* Rolled back, the old root is still the one. */
	ring_begin(&f->ring);
	FINE_CALL(f, vault_rotate_root(&f->cx, f->v, fresh));
	ring_undo(&f->ring);
	crash(f);
	all_open(f, &w);

	/* Failing in the middle, too. */
	for (int n = 1; n <= 2; n++) {
		ring_begin(&f->ring);
		f->ring.fail_in = n;
		assert_int_equal(vault_rotate_root(&f->cx, f->v, fresh), E_FAULT);
		ring_undo(&f->ring);
		fail_clear(&f->cx);
		crash(f);
		all_open(f, &w);
	}
	f->ring.fail_in = 0;

	FINE_CALL(f, vault_rotate_root(&f->cx, f->v, fresh));
	vault_use_keeper(f->v, fresh);
	all_open(f, &w);
	more(f, &w, 3);
	assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, false, &v), E_DENIED);
	assert_non_null(strstr(f->cx.fail.why, "another root key"));
	fail_clear(&f->cx);
	keeper_stop(&f->k);
	f->k = fresh;
	finish(f, 10);
	f->conf = other;
	crash(f);
	all_open(f, &w);
	all_under(f, 2);
	unlink(path);
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[32];
	size_t n = 0;

	KEEPER_CHILD(argc, argv);
#define FIX(fn) t[n++] = (struct CMUnitTest){ #fn, fn, fix_new_open, fix_free, NULL }
	FIX(rotate);
	FIX(left_is_right);
	FIX(crash_between_steps);
	FIX(fail_at_every_write);
	FIX(rolled_back_steps);
	FIX(rolled_back_drop);
	FIX(twice_at_once);
	FIX(other_process);
	FIX(phantom_version);
	FIX(rotation_rolled_back);
	FIX(destroyed_stay_destroyed);
	FIX(dropped_too_early);
	FIX(keeper_gone);
	FIX(root);
	if (n > COUNT(t))
		abort();
	return RUN_ROWS("vault rotate", t, n);
}
