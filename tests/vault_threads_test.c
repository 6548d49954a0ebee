/* Eight threads at once: sealing, opening, hashing, making and destroying keys
 * while another rotates the account key. Worth most under SAN=thread. */
#include "vault_ring.h"

enum { THREADS = 8, KEYS = 400, DOOMED = 100 };
static const struct where here = { "comment", "body", 42 };

struct job {
	struct fix *f;
	int         n, rounds;
	const str  *sealed;
	uint64_t    term;
	bool        good;
};

/* Keys 1..DOOMED are destroyed while others read them: then either the text or
 * "erased", never anything else. Keys above are always there. */
static void *
hammer(void *arg)
{
	struct job *j = arg;
	struct ctx cx;
	unsigned char blind[BLIND_BYTES], mac[32];

	for (int i = 0; i < j->rounds; i++) {
		int64_t id = 1 + (i * 7 + j->n * 131) % KEYS, own = 1000 + j->n * 1000 + i % 500;
		str sealed, plain, want, token;
		enum err e;

		ctx_init(&cx, NULL, 1);
		want = str_printf(cx.arena, "value %d", (int)id);
		e = vault_open_value(&cx, j->f->v, here, j->sealed[id], &plain);
		if (e == OK ? !str_eq(plain, want) : e != E_ABSENT || id > DOOMED)
			j->good = false;
		fail_clear(&cx);
		if (i % 16 == 0 && vault_key_new(&cx, j->f->v, own) != OK)
			j->good = false;
		if (i % 16 == 0 && (vault_seal(&cx, j->f->v, own, here, want, &sealed) != OK ||
		    vault_open_value(&cx, j->f->v, here, sealed, &plain) != OK || !str_eq(plain, want)))
			j->good = false;
		if (j->n == 0 && id <= DOOMED && vault_key_destroy(&cx, j->f->v, id) != OK)
			j->good = false;
		if (vault_term(j->f->v, S("headache")) != j->term)
			j->good = false;
		vault_blind(j->f->v, i % 2 ? "user.email" : "user.phone", want, blind);
		vault_mac(j->f->v, (enum named_key)(i % NAMED_KEYS), want, mac);
		token = token_seal(&cx, j->f->v, "cursor", want);
		if (!token_open(&cx, j->f->v, "cursor", token, &plain) || !str_eq(plain, want))
			j->good = false;
		if (!j->good && cx.fail.why != NULL)
			print_error("%s: %s\n", err_name(cx.fail.code), cx.fail.why);
		ctx_done(&cx);
	}
	return NULL;
}

static void
eight(void **state)
{
	struct fix *f = *state;
	static str sealed[KEYS + 1];
	pthread_t thread[THREADS];
	struct job job[THREADS];
	str plain;

	for (int i = 1; i <= KEYS; i++) {
		FINE_CALL(f, vault_key_new(&f->cx, f->v, i));
		FINE_CALL(f, vault_seal(&f->cx, f->v, i, here, str_printf(f->cx.arena, "value %d", i), &sealed[i]));
	}
	for (int i = 1; i <= KEYS; i += 2)       /* half have to be loaded */
		vault_key_forget(f->v, i);
	for (int i = 0; i < THREADS; i++) {
		job[i] = (struct job){ f, i, 3000, sealed, vault_term(f->v, S("headache")), true };
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, &job[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_true(job[i].good);
	}
	for (int i = 1; i <= DOOMED; i++) {
		assert_int_equal(vault_open_value(&f->cx, f->v, here, sealed[i], &plain), E_ABSENT);
		fail_clear(&f->cx);
	}
}

/* The ring's own lock is not enough for a rotation next to writers: in the
 * store those are one thread. So here: readers against a rotating writer. */
struct reading { struct fix *f; const str *sealed; volatile bool stop, good; int count; };

static void *
reads(void *arg)
{
	struct reading *r = arg;
	struct ctx cx;
	str plain;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		ctx_init(&cx, NULL, 1);
		for (int id = 1; id <= KEYS; id++) {
			if (id % 3 == 0)
				vault_key_forget(r->f->v, id);
			if (vault_open_value(&cx, r->f->v, here, r->sealed[id], &plain) != OK) {
				print_error("%s: %s\n", err_name(cx.fail.code), cx.fail.why);
				__atomic_store_n(&r->good, false, __ATOMIC_RELAXED);
			}
			fail_clear(&cx);
		}
		r->count++;
		ctx_done(&cx);
	}
	return NULL;
}

/* As the store does it: a reader sees account keys and data keys of one moment.
 * The ring has one lock for both. */
static enum err
locked_version(struct ctx *cx, void *arg, int version, str *wrapped)
{
	struct ring *r = arg;
	enum err e;

	pthread_mutex_lock(&r->lock);
	e = ring_load_account_version(cx, arg, version, wrapped);
	pthread_mutex_unlock(&r->lock);
	return e;
}

static enum err
locked_save_account(struct ctx *cx, void *arg, int version, str wrapped)
{
	struct ring *r = arg;
	enum err e;

	pthread_mutex_lock(&r->lock);
	e = ring_save_account(cx, arg, version, wrapped);
	pthread_mutex_unlock(&r->lock);
	return e;
}

static enum err
locked_drop_account(struct ctx *cx, void *arg, int below)
{
	struct ring *r = arg;
	enum err e;

	pthread_mutex_lock(&r->lock);
	e = ring_drop_account(cx, arg, below);
	pthread_mutex_unlock(&r->lock);
	return e;
}

static void
rotating(void **state)
{
	struct fix *f = *state;
	static str sealed[KEYS + 1];
	pthread_t thread[3];
	struct reading r[3];
	int64_t left;

	f->keyring.load_account_version = locked_version;
	f->keyring.save_account = locked_save_account;
	f->keyring.drop_account = locked_drop_account;
	fix_open(f);
	for (int i = 1; i <= KEYS; i++) {
		FINE_CALL(f, vault_key_new(&f->cx, f->v, i));
		FINE_CALL(f, vault_seal(&f->cx, f->v, i, here, str_printf(f->cx.arena, "value %d", i), &sealed[i]));
	}
	for (int i = 0; i < 3; i++) {
		r[i] = (struct reading){ f, sealed, false, true, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, reads, &r[i]), 0);
	}
	for (int round = 0; round < 5; round++) {
		FINE_CALL(f, vault_rotate_account(&f->cx, f->v));
		do
			FINE_CALL(f, vault_rewrap(&f->cx, f->v, 50, &left));
		while (left > 0);
	}
	for (int i = 0; i < 3; i++)
		__atomic_store_n(&r[i].stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++) {
		pthread_join(thread[i], NULL);
		assert_true(r[i].good);
	}
}

/* One keeper, many askers. */
static void *
asks(void *arg)
{
	struct job *j = arg;
	struct ctx cx;
	unsigned char key[KEY_BYTES], got[KEY_BYTES], w[WRAPPED_BYTES];

	ctx_init(&cx, NULL, 1);
	for (int i = 0; i < j->rounds; i++) {
		rand_bytes(key, sizeof(key));
		if (keeper_wrap(&cx, j->f->k, S("a"), key, w) != OK ||
		    keeper_unwrap(&cx, j->f->k, S("a"), (str){ (char *)w, sizeof(w) }, got) != OK ||
		    !same_bytes(key, got, sizeof(key)))
			j->good = false;
	}
	ctx_done(&cx);
	return NULL;
}

static void
one_keeper(void **state)
{
	struct fix *f = *state;
	pthread_t thread[THREADS];
	struct job job[THREADS];

	for (int i = 0; i < THREADS; i++) {
		job[i] = (struct job){ .f = f, .n = i, .rounds = 200, .good = true };
		assert_int_equal(pthread_create(&thread[i], NULL, asks, &job[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_true(job[i].good);
	}
}

static void *
hashes(void *arg)
{
	struct job *j = arg;
	struct ctx cx;
	str encoded;

	ctx_init(&cx, NULL, 1);
	for (int i = 0; i < 2; i++)
		if (password_hash(&cx, S("correct horse"), &encoded) != OK || !password_check(encoded, S("correct horse")) ||
		    password_check(encoded, S("wrong horse")))
			j->good = false;
	ctx_done(&cx);
	return NULL;
}

static void
passwords(void **state)
{
	pthread_t thread[THREADS];
	struct job job[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		job[i] = (struct job){ .good = true };
		assert_int_equal(pthread_create(&thread[i], NULL, hashes, &job[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_true(job[i].good);
	}
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[8];
	size_t n = 0;

	KEEPER_CHILD(argc, argv);
	t[n++] = (struct CMUnitTest){ "eight", eight, fix_new_open, fix_free, NULL };
	t[n++] = (struct CMUnitTest){ "rotating", rotating, fix_new, fix_free, NULL };
	t[n++] = (struct CMUnitTest){ "one_keeper", one_keeper, fix_new_open, fix_free, NULL };
	ADD(t, n, passwords);
	return RUN_ROWS("vault threads", t, n);
}
