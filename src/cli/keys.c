/* keys.c - rotation of the account key and the root key: as a command, and as
 * a job of the running server, which also ends what another run began. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

_Static_assert(offsetof(struct ward, sys) == 0, "a context's sys is the ward that it belongs to");

#define STEP 500
#define COUNT_EVERY (60 * SECOND)

/* What the server knows of its keys; one account, one process. */
static struct {
	pthread_mutex_t lock;
	struct key_rotation r;
	char    why[200];
	int64_t data_keys;
	usec    counted_at, looked;          /* looked: on the monotonic clock; 0: never */
} now = { .lock = PTHREAD_MUTEX_INITIALIZER };
static pthread_mutex_t one_root = PTHREAD_MUTEX_INITIALIZER;

struct rewrap { struct ward *w; int64_t left; };

struct account_rotation { struct ward *w; int64_t expected; };      /* expected 0: whatever */

static enum err
rotate_tx(struct ctx *cx, void *arg)
{
	struct account_rotation *r = arg;
	int newest;
	str wrapped;

	TRY(ward_keyring.load_account(cx, ward_keyring.arg, &newest, &wrapped));
	if (r->expected != 0 && r->expected != newest)
		return fail(cx, E_CONFLICT, NULL, "the account key was rotated meanwhile; look again");
	TRY(vault_rotate_account(cx, r->w->sys.vault));
	return trail_append(cx, &(struct event){ .action = "key.rotate_account", .object = "key" });
}

static enum err
rewrap_tx(struct ctx *cx, void *arg)
{
	struct rewrap *r = arg;

	return vault_rewrap(cx, r->w->sys.vault, 500, &r->left);
}

static int
rewrap_all(struct ward *w, int out, int err)
{
	struct rewrap r = { w, 1 };
	int64_t first = -1, shown = -1;

	while (r.left > 0) {
		struct ctx cx;
		enum err e;
		ward_ctx(w, &cx, "cli");
		e = store_write(&cx, rewrap_tx, &r);
		if (e != OK) {
			int code = failed(&cx, err, e);
			ctx_done(&cx);
			dprintf(err, "ward: rewrapping stopped; go on with: ward key rotate --resume\n");
			return code;
		}
		ctx_done(&cx);
		if (first < 0)
			first = r.left;
		if (shown < 0 || shown - r.left >= 50000) {
			shown = r.left;
			if (r.left)
				dprintf(out, "%lld keys left to rewrap\n", (long long)r.left);
		}
	}
	dprintf(out, "every key is wrapped by the newest account key\n");
	return 0;
}

struct root_rotation { struct ward *w; struct keeper *fresh; };

static enum err
root_tx(struct ctx *cx, void *arg)
{
	struct root_rotation *r = arg;

	TRY(vault_rotate_root(cx, r->w->sys.vault, r->fresh));
	return trail_append(cx, &(struct event){ .action = "key.rotate_root", .object = "key" });
}

/* The new key is made beside the old one as FILE.new; after the transaction
 * that rewraps under it, it takes the old one's name. Whatever happens between,
 * one of the two files opens the data: FILE.new is never removed here once the
 * transaction was tried, and ward_open() settles what a crash left. *settled:
 * it took the name. */
static enum err
rotate_root(struct ctx *cx, struct ward *w, bool *settled)
{
	const char *path = conf_path(w, w->conf.root_key);
	struct root_conf fresh = { .kind = ROOT_FILE };
	struct root_rotation r = { .w = w };
	struct keeper *old = w->keeper;
	char next[4400];
	enum err e;

	*settled = false;
	if (strcmp(w->conf.root_kind, "file") != 0)
		return fail(cx, E_INVALID, "root_key", "the root key comes from a passphrase; rotating it is not supported yet");
	snprintf(next, sizeof next, "%s.new", path);
	if (access(next, F_OK) == 0)
		return fail(cx, E_CONFLICT, "root_key", "an earlier rotation left a key file .new; restart ward, which settles it, then rotate again");
	fresh.path = next;
	if ((e = root_create(cx, &fresh)) != OK || (e = keeper_start(cx, &fresh, &r.fresh)) != OK) {
		(void)unlink(next);
		return e;
	}
	if ((e = store_write(cx, root_tx, &r)) != OK) {
		keeper_stop(&r.fresh);
		return e;
	}
	vault_use_keeper(w->sys.vault, r.fresh);
	w->keeper = r.fresh;
	keeper_stop(&old);
	*settled = root_settle(path);
	return OK;
}

static int
command_root(struct ward *w, int out, int err)
{
	const char *path = conf_path(w, w->conf.root_key);
	bool settled;
	struct ctx cx;
	enum err e;
	int code = 0;

	ward_ctx(w, &cx, "cli");
	pthread_mutex_lock(&one_root);
	e = rotate_root(&cx, w, &settled);
	pthread_mutex_unlock(&one_root);
	if (e == E_INVALID) {
		dprintf(err, "ward: %s\n", cx.fail.why);
		code = 64;
	} else if (e != OK) {
		code = failed(&cx, err, e);
		if (e != E_CONFLICT)
			dprintf(err, "ward: a key file .new that is there is kept until ward has started again\n");
	} else if (!settled) {
		dprintf(err, "ward: rewrapped, but the new key file keeps the name .new until ward has started again\n");
		code = 74;
	} else
		dprintf(out, "the account key is wrapped by a new root key; keep a copy of %s apart from the data\n"
		    "the old key is in %s.old: destroy it when no backup needs it\n", path, path);
	ctx_done(&cx);
	return code;
}

int
cmd_key_rotate(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	bool root = flag(&argc, argv, "--root"), account = flag(&argc, argv, "--account"), resume = flag(&argc, argv, "--resume");
	struct ctx cx;
	enum err e;
	int code = 0;

	(void)in;
	if (argc > 0 || root + account + resume != 1)
		return usage_of(err, "key rotate");
	if (root)
		return command_root(w, out, err);
	if (account) {
		ward_ctx(w, &cx, "cli");
		if ((e = store_write(&cx, rotate_tx, &(struct account_rotation){ .w = w })) != OK)
			code = failed(&cx, err, e);
		ctx_done(&cx);
		if (code != 0)
			return code;
	}
	return rewrap_all(w, out, err);
}

/* ---- in the server -------------------------------------------------------------------------------------------- */

static void
ended(int state, const char *why)
{
	pthread_mutex_lock(&now.lock);
	now.r.state = state;
	now.r.ended_at = time_now();
	snprintf(now.why, sizeof now.why, "%s", why ? why : "");
	now.r.why = str_of(now.why);
	pthread_mutex_unlock(&now.lock);
}

static void
begun(void)
{
	pthread_mutex_lock(&now.lock);
	now.r = (struct key_rotation){ .state = KEYS_RUNNING, .total = -1, .left = -1, .started_at = time_now() };
	pthread_mutex_unlock(&now.lock);
}

void
keys_step(struct ward *w, bool *more)
{
	struct rewrap r = { w, 0 };
	bool pending = false, running;
	int64_t n;
	struct ctx cx;
	usec mono = time_mono();
	enum err e;

	*more = false;
	ward_ctx(w, &cx, "system");
	if (now.looked == 0 && vault_rewrap_pending(&cx, w->sys.vault, &pending) == OK && pending)
		begun();
	if (now.looked == 0 || mono - now.looked >= COUNT_EVERY) {
		if (ward_keyring.count_data(&cx, ward_keyring.arg, INT32_MAX, &n) == OK) {
			pthread_mutex_lock(&now.lock);
			now.data_keys = n;
			now.counted_at = time_now();
			pthread_mutex_unlock(&now.lock);
		}
		now.looked = mono;
	}
	pthread_mutex_lock(&now.lock);
	running = now.r.state == KEYS_RUNNING;
	pthread_mutex_unlock(&now.lock);
	if (running) {
		fail_clear(&cx);
		e = store_write(&cx, rewrap_tx, &r);
		if (e != OK && e != E_BUSY)
			ended(KEYS_FAILED, cx.fail.why);
		else if (e == OK) {
			pthread_mutex_lock(&now.lock);
			if (now.r.total < 0)
				now.r.total = r.left + (r.left > 0 ? STEP : 0);
			now.r.left = r.left;
			pthread_mutex_unlock(&now.lock);
			*more = r.left > 0;
			if (r.left == 0)
				ended(KEYS_DONE, NULL);
		}
	}
	ctx_done(&cx);
}

enum err
keys_state(struct ctx *cx, struct key_state *out)
{
	struct ward *w = (struct ward *)(void *)cx->sys;
	bool phrase = strcmp(w->conf.root_kind, "passphrase") == 0;
	const char *path = conf_path(w, phrase ? w->conf.passphrase_salt : w->conf.root_key);
	size_t n = strlen(w->dir);
	str wrapped;
	int version;
	enum err e = OK;

	*out = (struct key_state){ .passphrase = phrase, .root_path = str_of(path), .named_keys = NAMED_KEYS,
	    .in_data_folder = strncmp(path, w->dir, n) == 0 && path[n] == '/', .memory_locked = vault_memory_locked(w->sys.vault),
	    .fips = w->conf.fips };
	pthread_mutex_lock(&one_root);       /* a rotation stops the keeper that was */
	e = keeper_print(cx, w->keeper, out->print);
	pthread_mutex_unlock(&one_root);
	TRY(e);
	TRY(ward_keyring.load_account(cx, ward_keyring.arg, &version, &wrapped));
	out->account_version = version;
	for (out->account_versions = 0; e == OK && version > 0; version--, out->account_versions += e == OK)
		e = ward_keyring.load_account_version(cx, ward_keyring.arg, version, &wrapped);
	if (e == E_ABSENT)
		fail_forget(cx);
	else
		TRY(e);
	pthread_mutex_lock(&now.lock);
	out->data_keys = now.data_keys;
	out->counted_at = now.counted_at;
	out->rotation = now.r;
	out->rotation.why = str_dup(cx->arena, now.r.why);
	pthread_mutex_unlock(&now.lock);
	return OK;
}

enum err
keys_rotate(struct ctx *cx, bool root, int64_t expected)
{
	struct ward *w = (struct ward *)(void *)cx->sys;
	struct key_state s;
	bool settled;
	enum err e;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(keys_state(cx, &s));
	if (s.rotation.state == KEYS_RUNNING)
		return fail(cx, E_CONFLICT, NULL, "a rotation is going on; wait for its end");
	if (expected != s.account_version)
		return fail(cx, E_CONFLICT, NULL, "the account key was rotated meanwhile; look again");
	if (!root) {
		TRY(store_write(cx, rotate_tx, &(struct account_rotation){ w, expected }));
		begun();
		return OK;
	}
	pthread_mutex_lock(&one_root);
	e = rotate_root(cx, w, &settled);
	pthread_mutex_unlock(&one_root);
	TRY(e);
	if (!settled)
		log_line(LOG_LV_ERROR, "cli", "the new root key file keeps the name .new until the server has started again");
	return OK;
}
