/* vault_ring.h - for the vault's tests: a keyring in memory that counts, can
 * fail, and has transactions; a root key in a folder of its own; the child. */
#ifndef VAULT_RING_H
#define VAULT_RING_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rows.h"
#include "vault/vault.h"

enum { RING_KEYS = 24000, RING_VERSIONS = 64 };

struct kept { int64_t id; bool there; unsigned char w[WRAPPED_BYTES]; };
struct state {
	struct kept account[RING_VERSIONS], named[NAMED_KEYS], *data;
	int count;
};
struct ring {
	struct state  now, before;
	pthread_mutex_t lock;
	int  loads;              /* of data keys */
	int  fail_in;            /* the nth writing call from here gives E_FAULT; 0: none */
};

static str
w_str(struct ctx *cx, const struct kept *k)
{
	return str_dup(cx->arena, (str){ (const char *)k->w, WRAPPED_BYTES });
}

static int
ring_newest(const struct ring *r)
{
	int v = RING_VERSIONS - 1;

	while (v > 0 && !r->now.account[v].there)
		v--;
	return v;
}

static bool
ring_fails(struct ring *r)
{
	return r->fail_in > 0 && --r->fail_in == 0;
}

static enum err
ring_load_account(struct ctx *cx, void *arg, int *version, str *wrapped)
{
	struct ring *r = arg;

	*version = ring_newest(r);
	if (*version == 0)
		return fail(cx, E_ABSENT, NULL, "ring: none");
	*wrapped = w_str(cx, &r->now.account[*version]);
	return OK;
}

static enum err
ring_load_account_version(struct ctx *cx, void *arg, int version, str *wrapped)
{
	struct ring *r = arg;

	if (version < 1 || version >= RING_VERSIONS || !r->now.account[version].there)
		return fail(cx, E_ABSENT, NULL, "ring: none");
	*wrapped = w_str(cx, &r->now.account[version]);
	return OK;
}

static void
ring_set(struct kept *k, int64_t id, str wrapped)
{
	assert_int_equal(wrapped.n, WRAPPED_BYTES);
	k->id = id;
	k->there = true;
	memcpy(k->w, wrapped.p, WRAPPED_BYTES);
}

static enum err
ring_save_account(struct ctx *cx, void *arg, int version, str wrapped)
{
	struct ring *r = arg;

	assert_in_range(version, 1, RING_VERSIONS - 1);
	if (ring_fails(r))
		return fail(cx, E_FAULT, NULL, "ring: told to fail");
	ring_set(&r->now.account[version], version, wrapped);
	return OK;
}

static enum err
ring_drop_account(struct ctx *cx, void *arg, int below)
{
	struct ring *r = arg;

	if (ring_fails(r))
		return fail(cx, E_FAULT, NULL, "ring: told to fail");
	for (int i = 0; i < below; i++)
		r->now.account[i].there = false;
	return OK;
}

static enum err
ring_load_named(struct ctx *cx, void *arg, enum named_key which, str *wrapped)
{
	struct ring *r = arg;

	if (!r->now.named[which].there)
		return fail(cx, E_ABSENT, NULL, "ring: none");
	*wrapped = w_str(cx, &r->now.named[which]);
	return OK;
}

static enum err
ring_save_named(struct ctx *cx, void *arg, enum named_key which, str wrapped)
{
	struct ring *r = arg;

	if (ring_fails(r))
		return fail(cx, E_FAULT, NULL, "ring: told to fail");
	if (wrapped_version(wrapped) != ring_newest(r))
		return fail(cx, E_CONFLICT, NULL, "ring: old version");
	ring_set(&r->now.named[which], which, wrapped);
	return OK;
}

static enum err
ring_load_data(struct ctx *cx, void *arg, int64_t id, str *wrapped)
{
	struct ring *r = arg;
	enum err e = OK;

	pthread_mutex_lock(&r->lock);
	r->loads++;
	if (id < 1 || id >= RING_KEYS || !r->now.data[id].there)
		e = E_ABSENT;
	else
		*wrapped = w_str(cx, &r->now.data[id]);
	pthread_mutex_unlock(&r->lock);
	return e == OK ? OK : fail(cx, e, NULL, "ring: none");
}

static enum err
ring_save_data(struct ctx *cx, void *arg, int64_t id, str wrapped)
{
	struct ring *r = arg;
	bool old, fails;

	assert_in_range(id, 1, RING_KEYS - 1);
	pthread_mutex_lock(&r->lock);
	fails = ring_fails(r);
	old = wrapped_version(wrapped) != ring_newest(r);
	if (!fails && !old)
		ring_set(&r->now.data[id], id, wrapped);
	pthread_mutex_unlock(&r->lock);
	if (fails)
		return fail(cx, E_FAULT, NULL, "ring: told to fail");
	return old ? fail(cx, E_CONFLICT, NULL, "ring: old version") : OK;
}

static enum err
ring_delete_data(struct ctx *cx, void *arg, int64_t id)
{
	struct ring *r = arg;

	(void)cx;
	pthread_mutex_lock(&r->lock);
	r->now.data[id].there = false;
	pthread_mutex_unlock(&r->lock);
	return OK;
}

static enum err
ring_next_data(struct ctx *cx, void *arg, int version, int64_t after, int64_t *id, str *wrapped)
{
	struct ring *r = arg;
	struct kept *found = NULL;

	pthread_mutex_lock(&r->lock);
	for (int64_t i = after + 1; i < RING_KEYS && found == NULL; i++)
		if (r->now.data[i].there &&
		    wrapped_version((str){ (char *)r->now.data[i].w, WRAPPED_BYTES }) != version)
			found = &r->now.data[i];
	if (found != NULL) {
		*id = found->id;
		*wrapped = w_str(cx, found);
	}
	pthread_mutex_unlock(&r->lock);
	return found != NULL ? OK : fail(cx, E_ABSENT, NULL, "ring: none");
}

static enum err
ring_count_data(struct ctx *cx, void *arg, int version, int64_t *count)
{
	struct ring *r = arg;

	(void)cx;
	*count = 0;
	for (int i = 1; i < RING_KEYS; i++)
		*count += r->now.data[i].there &&
		    wrapped_version((str){ (char *)r->now.data[i].w, WRAPPED_BYTES }) != version;
	return OK;
}

static struct keyring
ring_of(struct ring *r)
{
	return (struct keyring){ r, ring_load_account, ring_load_account_version, ring_save_account,
	    ring_drop_account, ring_load_named, ring_save_named, ring_load_data, ring_save_data,
	    ring_delete_data, ring_next_data, ring_count_data };
}

static void
ring_init(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->now.data = calloc(RING_KEYS, sizeof(*r->now.data));
	r->before.data = calloc(RING_KEYS, sizeof(*r->before.data));
	assert_non_null(r->now.data);
	assert_non_null(r->before.data);
	pthread_mutex_init(&r->lock, NULL);
}

static void
ring_done(struct ring *r)
{
	free(r->now.data);
	free(r->before.data);
	pthread_mutex_destroy(&r->lock);
}

/* A transaction: what happens after ring_begin() is gone after ring_undo(). */
static UNUSED void
state_copy(struct state *to, const struct state *from)
{
	struct kept *data = to->data;

	memcpy(data, from->data, RING_KEYS * sizeof(*data));
	*to = *from;
	to->data = data;
}
static UNUSED void ring_begin(struct ring *r) { state_copy(&r->before, &r->now); }
static UNUSED void ring_undo(struct ring *r)  { state_copy(&r->now, &r->before); }

/* ---- a root key, a keeper, a vault -------------------------------------------------------------- */

struct fix {
	char             dir[64], path[96], salt[96];
	struct ctx       cx;
	struct root_conf conf;
	struct keeper   *k;
	struct ring      ring;
	struct keyring   keyring;
	struct vault    *v;
};

/* Prints the words of a failure, which cmocka would not. */
static void
fine_at(struct ctx *cx, enum err e, const char *call, int line)
{
	if (e == OK)
		return;
	print_error("%s gave %s: %s\n", call, err_name(e), cx->fail.why != NULL ? cx->fail.why : "(no words)");
	_fail(__FILE__, line);
}
#define FINE_CALL(f, call) fine_at(&(f)->cx, (call), #call, __LINE__)

static UNUSED int
fix_new(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(f);
	ctx_init(&f->cx, NULL, 1);
	snprintf(f->dir, sizeof(f->dir), "%.40s/ward-vault-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/root.key", f->dir);
	snprintf(f->salt, sizeof(f->salt), "%s/root.salt", f->dir);
	f->conf = (struct root_conf){ .kind = ROOT_FILE, .path = f->path, .salt_path = f->salt };
	FINE_CALL(f, root_create(&f->cx, &f->conf));
	ring_init(&f->ring);
	f->keyring = ring_of(&f->ring);
	*state = f;
	return 0;
}

static void
fix_open(struct fix *f)
{
	if (f->k == NULL)
		FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, true, &f->v));
}

static UNUSED int
fix_free(void **state)
{
	struct fix *f = *state;
	char cmd[128];

	vault_close(&f->v);
	keeper_stop(&f->k);
	ring_done(&f->ring);
	ctx_done(&f->cx);
	for (const char *const *n = (const char *const[]){ "root.key", "root.salt", "other.key", "link", NULL }; *n; n++) {
		snprintf(cmd, sizeof(cmd), "%s/%s", f->dir, *n);
		unlink(cmd);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static UNUSED int
fix_new_open(void **state)
{
	if (fix_new(state) != 0)
		return -1;
	fix_open(*state);
	return 0;
}

/* First line of every main: the keeper is this program executed again. */
#define KEEPER_CHILD(argc, argv) do { \
	if ((argc) > 1 && strcmp((argv)[1], "keeper") == 0) return keeper_main(3); } while (0)

#endif
