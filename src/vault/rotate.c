/* rotate.c - new account keys and new root keys, while the service runs.
 *
 * Account key. vault_rotate_account() saves version n+1, nothing else; from its
 * commit on the keyring refuses new keys under version n, so every process
 * learns of n+1 with the next key it makes. vault_rewrap() then walks over the
 * keys that still carry another version. Where it is, memory remembers; what
 * is done, each wrapped key says itself. So a crash, or the roll-back of a
 * step, costs looking again: a walk that comes to the end begins once more
 * from the first key, and only a walk that finds nothing at all drops the
 * older versions, in its own transaction.
 *
 * Root key. One transaction wraps all account key versions anew: there are one
 * or two of them. Before its commit the old root opens the keyring, after it
 * the new one; keeping both root key files until then is the caller's part.
 */
#include "vault/inside.h"

enum err
vault_rotate_account(struct ctx *cx, struct vault *v)
{
	unsigned char key[KEY_BYTES], wrapped[WRAPPED_BYTES];
	struct aad aad;
	int newest;
	str present;
	enum err e;

	TRY(v->ring.load_account(cx, v->ring.arg, &newest, &present));
	if (newest < 1 || newest == INT32_MAX)
		return fail(cx, E_FAULT, "keyring", "the keyring is damaged: account key without a version");
	rand_bytes(key, sizeof(key));
	aad_wrap(&aad, "account", v->account, newest + 1);
	e = ask_wrap(cx, v, aad_str(&aad), key, wrapped);
	wipe(key, sizeof(key));
	TRY(e);
	/* Not kept in memory: the transaction may yet be rolled back. */
	return v->ring.save_account(cx, v->ring.arg, newest + 1, (str){ (char *)wrapped, sizeof(wrapped) });
}

static enum err
rewrap(struct ctx *cx, struct vault *v, const char *purpose, int64_t id, str old, unsigned char out[WRAPPED_BYTES])
{
	unsigned char key[KEY_BYTES];
	enum err e = unwrap_key(cx, v, purpose, id, old, key);

	if (e == OK)
		e = wrap_key(cx, v, purpose, id, key, out);
	wipe(key, sizeof(key));
	return e;
}

static enum err
old_named(struct ctx *cx, struct vault *v, uint32_t version, int *count)
{
	str wrapped;

	*count = 0;
	for (enum named_key which = 0; which < NAMED_KEYS; which++) {
		TRY(v->ring.load_named(cx, v->ring.arg, which, &wrapped));
		*count += wrapped_version(wrapped) != (int)version;
	}
	return OK;
}

/* Versions are dropped together, so a gap is the end. */
static enum err
has_older(struct ctx *cx, struct vault *v, uint32_t version, bool *older)
{
	str wrapped;
	enum err e = OK;
	KEEP_FAIL(cx);

	*older = false;
	if (version < 2)
		return OK;
	e = v->ring.load_account_version(cx, v->ring.arg, (int)version - 1, &wrapped);
	if (e == E_ABSENT) {
		MEND_FAIL(cx);
		return OK;
	}
	*older = e == OK;
	return e;
}

static enum err
drop_older(struct ctx *cx, struct vault *v, uint32_t version)
{
	TRY(v->ring.drop_account(cx, v->ring.arg, (int)version));
	pthread_rwlock_wrlock(&v->lock);
	for (int i = 0; i < ACCOUNT_SLOTS; i++)
		if (v->s->account[i].version < version)
			wipe(&v->s->account[i], sizeof(v->s->account[i]));
	pthread_rwlock_unlock(&v->lock);
	return OK;
}

static enum err
step_named(struct ctx *cx, struct vault *v, uint32_t version, int *step)
{
	unsigned char out[WRAPPED_BYTES];
	str wrapped;

	for (enum named_key which = 0; which < NAMED_KEYS && *step > 0; which++) {
		TRY(v->ring.load_named(cx, v->ring.arg, which, &wrapped));
		if (wrapped_version(wrapped) == (int)version)
			continue;
		TRY(rewrap(cx, v, "named", which, wrapped, out));
		TRY(v->ring.save_named(cx, v->ring.arg, which, (str){ (char *)out, sizeof(out) }));
		(*step)--;
	}
	return OK;
}

/* *end: nothing is left above where it began. */
static enum err
step_data(struct ctx *cx, struct vault *v, uint32_t version, int64_t *after, int *step, int64_t *done, bool *end)
{
	unsigned char out[WRAPPED_BYTES];
	int64_t id;
	str wrapped;
	enum err e;

	*end = false;
	for (; *step > 0; (*step)--) {
		KEEP_FAIL(cx);

		e = v->ring.next_data(cx, v->ring.arg, (int)version, *after, &id, &wrapped);
		if (e == E_ABSENT) {
			MEND_FAIL(cx);
			*end = true;
			return OK;
		}
		TRY(e);
		TRY(rewrap(cx, v, "data", id, wrapped, out));
		TRY(v->ring.save_data(cx, v->ring.arg, id, (str){ (char *)out, sizeof(out) }));
		*after = id;
		(*done)++;
	}
	return OK;
}

enum err
vault_rewrap(struct ctx *cx, struct vault *v, int step, int64_t *left)
{
	uint32_t version;
	int64_t after, total, done = 0;
	int named;
	bool end = false;

	TRY(account_refresh(cx, v));
	pthread_rwlock_rdlock(&v->lock);
	version = v->current;
	pthread_rwlock_unlock(&v->lock);

	pthread_mutex_lock(&v->walk_lock);
	if (v->walk.version != version) {
		v->walk.version = version;
		v->walk.after = 0;
		v->walk.left = -1;
	}
	after = v->walk.after;
	total = v->walk.left;
	pthread_mutex_unlock(&v->walk_lock);
	if (total < 0)
		TRY(v->ring.count_data(cx, v->ring.arg, (int)version, &total));

	TRY(step_named(cx, v, version, &step));
	TRY(old_named(cx, v, version, &named));
	TRY(step_data(cx, v, version, &after, &step, &done, &end));
	if (end && after > 0) {          /* what was missed: steps rolled back, keys from elsewhere */
		after = 0;
		TRY(step_data(cx, v, version, &after, &step, &done, &end));
		end = end && after == 0;
	}
	/* The end is only reached with steps to spare, so the named keys are done. */
	if (end)
		TRY(drop_older(cx, v, version));
	total = total > done ? total - done : 1;
	pthread_mutex_lock(&v->walk_lock);
	v->walk.after = after;
	v->walk.left = end ? -1 : total;
	pthread_mutex_unlock(&v->walk_lock);
	*left = end ? 0 : total + named;
	return OK;
}

enum err
vault_rewrap_pending(struct ctx *cx, struct vault *v, bool *pending)
{
	int64_t count;
	int newest, named;
	str wrapped;
	bool older;

	TRY(v->ring.load_account(cx, v->ring.arg, &newest, &wrapped));
	TRY(has_older(cx, v, (uint32_t)newest, &older));
	TRY(old_named(cx, v, (uint32_t)newest, &named));
	TRY(v->ring.count_data(cx, v->ring.arg, newest, &count));
	*pending = older || named > 0 || count > 0;
	return OK;
}

static enum err
rewrap_account(struct ctx *cx, struct vault *v, struct keeper *fresh, int version, str wrapped)
{
	unsigned char key[KEY_BYTES], again[KEY_BYTES], out[WRAPPED_BYTES];
	str made = { (char *)out, sizeof(out) };
	struct aad aad;
	enum err e;

	aad_wrap(&aad, "account", v->account, version);
	e = ask_unwrap(cx, v, aad_str(&aad), wrapped, key);
	if (e == OK)
		e = keeper_wrap(cx, fresh, aad_str(&aad), key, out);
	/* All hangs on these few bytes: they are tried before they are kept. */
	if (e == OK)
		e = keeper_unwrap(cx, fresh, aad_str(&aad), made, again);
	if (e == OK && !same_bytes(key, again, KEY_BYTES))
		e = fail(cx, E_FAULT, "root_key", "the new root key does not open what it wrapped");
	wipe(key, sizeof(key));
	wipe(again, sizeof(again));
	TRY(e);
	return v->ring.save_account(cx, v->ring.arg, version, made);
}

enum err
vault_rotate_root(struct ctx *cx, struct vault *v, struct keeper *fresh)
{
	int version;
	str wrapped;
	enum err e;

	TRY(v->ring.load_account(cx, v->ring.arg, &version, &wrapped));
	for (; version > 0; version--) {
		KEEP_FAIL(cx);

		e = v->ring.load_account_version(cx, v->ring.arg, version, &wrapped);
		if (e == E_ABSENT) {
			MEND_FAIL(cx);
			break;
		}
		TRY(e);
		TRY(rewrap_account(cx, v, fresh, version, wrapped));
	}
	return OK;
}
