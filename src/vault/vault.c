/* vault.c - an account's keys, and what is sealed, indexed and signed with them.
 *
 *   root key (keeper) wraps  account key, version 1, 2, ...     purpose "account", id: version
 *     account key     wraps  named keys                         purpose "named",   id: enum named_key
 *                            data keys                          purpose "data",    id: the data key's
 *
 * Layouts are told in vault.h. The associated data of a sealed value: version,
 * key id, account, table, column, row. A wrapped key's: purpose, account, id.
 *
 * No named key is used itself; each use has one of its own:
 *   use = HMAC-SHA-256(named key, label)        labels: the table in derive_all()
 *   column key = HMAC-SHA-256(use of KEY_BLIND, column)
 *
 * Token: 1 byte version (1) | 4 bytes random | 12 bytes nonce | ciphertext |
 * 16 bytes tag, base64url. Its AES key is HMAC-SHA-256(use of KEY_TOKEN,
 * purpose, 0, the 4 bytes), so that the birthday limit of GCM's random nonces
 * (2^32 messages under one key, SP 800-38D 8.3), which a busy server's cursors
 * would reach within weeks, never matters. Associated data: "token", account,
 * purpose.
 *
 * An account key version that another process made is met in two ways: a key
 * wrapped under it is loaded (its version is fetched then), or the keyring
 * refuses a new key wrapped under an older one with E_CONFLICT (the newest is
 * fetched and the wrapping done again). So nothing has to be told of a
 * rotation, and nothing hangs on a version after it was dropped.
 */
#include <openssl/err.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "vault/inside.h"

enum { TOKEN_VERSION = 1, TOKEN_SALT = 4, TOKEN_HEAD = 1 + TOKEN_SALT + NONCE_BYTES };
#define VALUE_MAX ((size_t)1 << 30)

static const char erased[] = "the key was destroyed: this value is erased";
static const char does_not_open[] = "sealed value does not open";

int
wrapped_version(str wrapped)
{
	uint64_t v;

	if (wrapped.n != WRAPPED_BYTES || wrapped.p[0] != WRAP_VERSION)
		return 0;
	v = get_be(wrapped.p + 1, 4);
	return v <= INT32_MAX ? (int)v : 0;
}

int64_t
sealed_key_id(str sealed)
{
	uint64_t id;

	if (sealed.n < SEAL_OVERHEAD || sealed.p[0] != SEAL_VERSION)
		return 0;
	id = get_be(sealed.p + 1, 8);
	return id <= INT64_MAX ? (int64_t)id : 0;
}

/* ---- account keys ----------------------------------------------------------------------------------- */

static bool
find_account(struct vault *v, uint32_t *version, unsigned char key[KEY_BYTES])
{
	bool found = false;

	pthread_rwlock_rdlock(&v->lock);
	if (*version == 0)
		*version = v->current;
	for (int i = 0; i < ACCOUNT_SLOTS && !found && *version != 0; i++) {
		if (v->s->account[i].version == *version) {
			memcpy(key, v->s->account[i].key, KEY_BYTES);
			found = true;
		}
	}
	pthread_rwlock_unlock(&v->lock);
	return found;
}

/* Takes the place of the same version, a free one, or the oldest's. */
static void
keep_account(struct vault *v, uint32_t version, const unsigned char key[KEY_BYTES], bool newest)
{
	int place = -1;

	pthread_rwlock_wrlock(&v->lock);
	for (int i = 0; i < ACCOUNT_SLOTS; i++) {
		/* A version above the newest was rolled back. */
		if (newest && v->s->account[i].version > version)
			wipe(&v->s->account[i], sizeof(v->s->account[i]));
		if (v->s->account[i].version == version)
			place = i;
	}
	for (int i = 0; i < ACCOUNT_SLOTS && place < 0; i++)
		if (v->s->account[i].version == 0)
			place = i;
	if (place < 0) {
		place = 0;
		for (int i = 1; i < ACCOUNT_SLOTS; i++)
			if (v->s->account[i].version < v->s->account[place].version)
				place = i;
	}
	v->s->account[place].version = version;
	memcpy(v->s->account[place].key, key, KEY_BYTES);
	if (newest)
		v->current = version;
	pthread_rwlock_unlock(&v->lock);
}

/* The lock is held until the answer is there, so vault_use_keeper() waits for
 * it and the keeper before can be stopped then. */
enum err
ask_wrap(struct ctx *cx, struct vault *v, str aad, const unsigned char key[KEY_BYTES],
    unsigned char out[WRAPPED_BYTES])
{
	enum err e;

	pthread_rwlock_rdlock(&v->lock);
	e = keeper_wrap(cx, v->keeper, aad, key, out);
	pthread_rwlock_unlock(&v->lock);
	return e;
}

enum err
ask_unwrap(struct ctx *cx, struct vault *v, str aad, str wrapped, unsigned char key[KEY_BYTES])
{
	enum err e;

	pthread_rwlock_rdlock(&v->lock);
	e = keeper_unwrap(cx, v->keeper, aad, wrapped, key);
	pthread_rwlock_unlock(&v->lock);
	return e;
}

static enum err
unwrap_account(struct ctx *cx, struct vault *v, uint32_t version, str wrapped, unsigned char key[KEY_BYTES])
{
	struct aad aad;

	aad_wrap(&aad, "account", v->account, version);
	return ask_unwrap(cx, v, aad_str(&aad), wrapped, key);
}

/* From the keyring, even when memory has it. */
static enum err
fetch_account(struct ctx *cx, struct vault *v, uint32_t version, unsigned char key[KEY_BYTES])
{
	str wrapped;
	enum err e;
	KEEP_FAIL(cx);

	if (version == 0 || version > INT32_MAX)
		return fail(cx, E_FAULT, "keyring", "a wrapped key was altered");
	e = v->ring.load_account_version(cx, v->ring.arg, (int)version, &wrapped);
	if (e == E_ABSENT) {             /* must not be read as "erased" */
		MEND_FAIL(cx);
		return fail(cx, E_FAULT, "keyring", "a key is wrapped under an account key that is not in the keyring");
	}
	TRY(e);
	TRY(unwrap_account(cx, v, version, wrapped, key));
	keep_account(v, version, key, false);
	return OK;
}

enum err
account_key(struct ctx *cx, struct vault *v, uint32_t *version, unsigned char key[KEY_BYTES])
{
	if (find_account(v, version, key))
		return OK;
	return fetch_account(cx, v, *version, key);
}

enum err
account_refresh(struct ctx *cx, struct vault *v)
{
	unsigned char key[KEY_BYTES];
	int version;
	str wrapped;
	enum err e;

	TRY(v->ring.load_account(cx, v->ring.arg, &version, &wrapped));
	if (version < 1)
		return fail(cx, E_FAULT, "keyring", "the keyring is damaged: account key without a version");
	e = unwrap_account(cx, v, (uint32_t)version, wrapped, key);
	if (e == OK)
		keep_account(v, (uint32_t)version, key, true);
	wipe(key, sizeof(key));
	return e;
}

/* ---- wrapping under the account key ------------------------------------------------------------------ */

enum err
wrap_key(struct ctx *cx, struct vault *v, const char *purpose, int64_t id, const unsigned char key[KEY_BYTES],
    unsigned char out[WRAPPED_BYTES])
{
	unsigned char kek[KEY_BYTES];
	uint32_t version = 0;
	struct aad aad;
	bool done;

	TRY(account_key(cx, v, &version, kek));
	aad_wrap(&aad, purpose, v->account, id);
	done = wrap_with(kek, version, aad_str(&aad), key, out);
	wipe(kek, sizeof(kek));
	return done ? OK : fail(cx, E_FAULT, "vault", "OpenSSL failed");
}

enum err
unwrap_key(struct ctx *cx, struct vault *v, const char *purpose, int64_t id, str wrapped,
    unsigned char key[KEY_BYTES])
{
	unsigned char kek[KEY_BYTES], again[KEY_BYTES];
	uint32_t version = (uint32_t)wrapped_version(wrapped);
	struct aad aad;
	bool done;
	enum err e = OK;

	if (version == 0)
		return fail(cx, E_FAULT, "keyring", "a wrapped key was altered");
	TRY(account_key(cx, v, &version, kek));
	aad_wrap(&aad, purpose, v->account, id);
	done = unwrap_with(kek, aad_str(&aad), wrapped, key);
	if (!done) {
		/* Memory may hold a version that was rolled back and made again by
		 * another process; the keyring knows. */
		e = fetch_account(cx, v, version, again);
		if (e == OK && !same_bytes(kek, again, KEY_BYTES))
			done = unwrap_with(again, aad_str(&aad), wrapped, key);
		wipe(again, sizeof(again));
	}
	wipe(kek, sizeof(kek));
	if (done)
		return OK;
	return e != OK ? e : fail(cx, E_FAULT, "keyring", "a wrapped key was altered");
}

/* ---- opening the vault ------------------------------------------------------------------------------- */

static void
derive(const unsigned char key[KEY_BYTES], const char *label, unsigned char out[KEY_BYTES])
{
	hmac_sha256((str){ (const char *)key, KEY_BYTES }, str_of(label), out);
}

static void
derive_all(struct vault *v, enum named_key which, const unsigned char key[KEY_BYTES])
{
	const struct { enum named_key which; const char *label; unsigned char *out; } uses[] = {
		{ KEY_INDEX, "ward search term 1", v->s->term },
		{ KEY_BLIND, "ward blind index 1", v->s->blind },
		{ KEY_TOKEN, "ward token 1",       v->s->token },
		{ KEY_SIGN,  "ward ed25519 1",     v->s->sign },
	};

	derive(key, "ward mac 1", v->s->mac[which]);
	for (size_t i = 0; i < COUNT(uses); i++)
		if (uses[i].which == which)
			derive(key, uses[i].label, uses[i].out);
}

static EVP_PKEY *
signing_key(struct vault *v)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, v->s->sign, sizeof(v->s->sign));

	if (key == NULL)
		die("OpenSSL has no Ed25519");
	return key;
}

/* The first account key. Two processes cannot both make one: it happens in a
 * writing transaction, as does the look that found none. */
static enum err
make_account(struct ctx *cx, struct vault *v)
{
	unsigned char key[KEY_BYTES], wrapped[WRAPPED_BYTES];
	struct aad aad;
	enum err e;

	rand_bytes(key, sizeof(key));
	aad_wrap(&aad, "account", v->account, 1);
	e = ask_wrap(cx, v, aad_str(&aad), key, wrapped);
	if (e == OK)
		e = v->ring.save_account(cx, v->ring.arg, 1, (str){ (char *)wrapped, sizeof(wrapped) });
	if (e == OK)
		keep_account(v, 1, key, true);
	wipe(key, sizeof(key));
	return e;
}

static enum err
open_named(struct ctx *cx, struct vault *v, enum named_key which, bool create)
{
	unsigned char key[KEY_BYTES], wrapped[WRAPPED_BYTES];
	str kept;
	enum err e;
	KEEP_FAIL(cx);

	e = v->ring.load_named(cx, v->ring.arg, which, &kept);
	if (e == E_ABSENT) {
		MEND_FAIL(cx);
		if (!create)
			return fail(cx, E_ABSENT, "keyring", "the keyring lacks one of its keys: restore it from a backup");
		rand_bytes(key, sizeof(key));
		e = wrap_key(cx, v, "named", which, key, wrapped);
		if (e == OK)
			e = v->ring.save_named(cx, v->ring.arg, which, (str){ (char *)wrapped, sizeof(wrapped) });
	} else if (e == OK) {
		e = unwrap_key(cx, v, "named", which, kept, key);
	}
	if (e == OK)
		derive_all(v, which, key);
	wipe(key, sizeof(key));
	return e;
}

static enum err
open_all(struct ctx *cx, struct vault *v, bool create)
{
	enum err e;
	EVP_PKEY *sign;
	size_t n = sizeof(v->pub);
	KEEP_FAIL(cx);

	e = account_refresh(cx, v);
	if (e == E_ABSENT) {
		MEND_FAIL(cx);
		if (!create)
			return fail(cx, E_ABSENT, "keyring", "there are no keys: put keyring.db back from your copy");
		e = make_account(cx, v);
	}
	TRY(e);
	for (enum named_key which = 0; which < NAMED_KEYS; which++)
		TRY(open_named(cx, v, which, create));
	sign = signing_key(v);
	if (EVP_PKEY_get_raw_public_key(sign, v->pub, &n) != 1 || n != sizeof(v->pub))
		die("OpenSSL has no Ed25519");
	EVP_PKEY_free(sign);
	return OK;
}

enum err
vault_open(struct ctx *cx, struct keeper *k, const struct keyring *ring, bool create, struct vault **out)
{
	static atomic_uint_fast64_t serials;
	struct vault *v;
	enum err e;

	crypto_up();
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return fail(cx, E_FAULT, "vault", "no memory for keys");
	v->serial = atomic_fetch_add(&serials, 1) + 1;
	v->account = cx->account;
	v->ring = *ring;
	v->keeper = k;
	v->locked = true;
	pthread_rwlock_init(&v->lock, NULL);
	pthread_mutex_init(&v->walk_lock, NULL);
	v->s = secret_alloc(sizeof(*v->s), &v->locked);
	v->cache = cache_new(&v->locked);
	e = v->s != NULL && v->cache != NULL ? open_all(cx, v, create)
	    : fail(cx, E_FAULT, "vault", "no memory for keys");
	if (e != OK) {
		vault_close(&v);
		return e;
	}
	*out = v;
	return OK;
}

void
vault_close(struct vault **v)
{
	if (*v == NULL)
		return;
	tools_drop();                    /* key schedules and keyed MACs of this thread */
	cache_free(&(*v)->cache);
	secret_free((*v)->s);
	pthread_mutex_destroy(&(*v)->walk_lock);
	pthread_rwlock_destroy(&(*v)->lock);
	wipe(*v, sizeof(**v));
	free(*v);
	*v = NULL;
}

bool
vault_memory_locked(const struct vault *v)
{
	return v->locked;
}

void
vault_use_keeper(struct vault *v, struct keeper *k)
{
	pthread_rwlock_wrlock(&v->lock);
	v->keeper = k;
	pthread_rwlock_unlock(&v->lock);
}

/* ---- data keys --------------------------------------------------------------------------------------- */

static enum err
ours(struct ctx *cx, const struct vault *v)
{
	return cx->account == v->account ? OK : fail(cx, E_FAULT, "vault", "these keys are another account's");
}

static enum err
load_data(struct ctx *cx, struct vault *v, int64_t id, unsigned char key[KEY_BYTES], uint64_t epoch)
{
	str wrapped;
	enum err e;
	KEEP_FAIL(cx);

	e = v->ring.load_data(cx, v->ring.arg, id, &wrapped);
	if (e == E_ABSENT) {
		MEND_FAIL(cx);
		return fail(cx, E_ABSENT, NULL, erased);
	}
	TRY(e);
	TRY(unwrap_key(cx, v, "data", id, wrapped, key));
	cache_fill(v->cache, id, cx->now, key, epoch);
	return OK;
}

static enum err
data_key(struct ctx *cx, struct vault *v, int64_t id, unsigned char key[KEY_BYTES])
{
	uint64_t epoch;
	enum err e;
	KEEP_FAIL(cx);

	if (id < 1)
		return fail(cx, E_FAULT, "vault", "no data key is named");
	if (cache_get(v->cache, id, cx->now, key, &epoch))
		return OK;
	e = load_data(cx, v, id, key, epoch);
	if (e == E_FAULT) {
		/* Perhaps rewrapped, and the old account key dropped, between the
		 * reading of the one and of the other. */
		MEND_FAIL(cx);
		e = load_data(cx, v, id, key, epoch);
	}
	return e;
}

enum err
vault_key_new(struct ctx *cx, struct vault *v, int64_t id)
{
	unsigned char key[KEY_BYTES], wrapped[WRAPPED_BYTES];
	enum err e;
	KEEP_FAIL(cx);

	TRY(ours(cx, v));
	if (id < 1)
		return fail(cx, E_FAULT, "vault", "no data key is named");
	rand_bytes(key, sizeof(key));
	for (int try = 0;; try++) {
		e = wrap_key(cx, v, "data", id, key, wrapped);
		if (e == OK)
			e = v->ring.save_data(cx, v->ring.arg, id, (str){ (char *)wrapped, sizeof(wrapped) });
		if (e != E_CONFLICT || try > 0)
			break;
		MEND_FAIL(cx);           /* the account key was rotated */
		if ((e = account_refresh(cx, v)) != OK)
			break;
	}
	if (e == OK)
		cache_put(v->cache, id, cx->now, key);
	wipe(key, sizeof(key));
	return e;
}

enum err
vault_key_destroy(struct ctx *cx, struct vault *v, int64_t id)
{
	TRY(ours(cx, v));
	TRY(v->ring.delete_data(cx, v->ring.arg, id));
	cache_ban(v->cache, id);
	return OK;
}

void
vault_key_forget(struct vault *v, int64_t id)
{
	cache_forget(v->cache, id);
}

/* ---- sealing ----------------------------------------------------------------------------------------- */

static bool
value_aad(struct aad *a, int64_t account, int64_t key, struct where at)
{
	static const unsigned char version = SEAL_VERSION;

	a->n = 0;
	a->over = false;
	aad_put(a, &version, 1);
	aad_int(a, key);
	aad_int(a, account);
	aad_put(a, at.table, strlen(at.table));
	aad_put(a, at.column, strlen(at.column));
	aad_int(a, at.row);
	return !a->over;
}

enum err
vault_seal(struct ctx *cx, struct vault *v, int64_t id, struct where at, str plain, str *sealed)
{
	unsigned char key[KEY_BYTES], *out;
	struct aad aad;
	enum err e;

	TRY(ours(cx, v));
	if (plain.n > VALUE_MAX)
		return fail(cx, E_LIMIT, NULL, "too large to be sealed");
	if (!value_aad(&aad, v->account, id, at))
		return fail(cx, E_FAULT, "vault", "the names of table and column are too long");
	TRY(data_key(cx, v, id, key));
	out = arena_alloc(cx->arena, 1, plain.n + SEAL_OVERHEAD, 1);
	out[0] = SEAL_VERSION;
	put_be(out + 1, (uint64_t)id, 8);
	rand_bytes(out + 9, NONCE_BYTES);
	e = gcm_seal(key, out + 9, aad_str(&aad), plain, out + SEAL_HEAD);
	wipe(key, sizeof(key));
	if (e != OK)
		return fail(cx, E_FAULT, "vault", "OpenSSL failed");
	*sealed = (str){ (char *)out, plain.n + SEAL_OVERHEAD };
	return OK;
}

enum err
vault_open_value(struct ctx *cx, struct vault *v, struct where at, str sealed, str *plain)
{
	unsigned char key[KEY_BYTES], *out;
	int64_t id = sealed_key_id(sealed);
	struct aad aad;
	enum err e;

	TRY(ours(cx, v));
	if (id < 1 || !value_aad(&aad, v->account, id, at))
		return fail(cx, E_FAULT, NULL, does_not_open);
	TRY(data_key(cx, v, id, key));
	out = arena_alloc(cx->arena, 1, sealed.n - SEAL_OVERHEAD + 1, 1);        /* NUL behind its end, as str_dup() */
	e = gcm_open(key, (const unsigned char *)sealed.p + 9, aad_str(&aad),
	    (str){ sealed.p + SEAL_HEAD, sealed.n - SEAL_HEAD }, out);
	wipe(key, sizeof(key));
	if (e != OK)
		return fail(cx, E_FAULT, NULL, does_not_open);
	*plain = (str){ (char *)out, sealed.n - SEAL_OVERHEAD };
	return OK;
}

/* ---- keyed hashes, signatures ------------------------------------------------------------------------ */

static EVP_MAC_CTX *
slot_mac(struct vault *v, struct mac_slot *slot, const unsigned char key[KEY_BYTES])
{
	if (slot->serial != v->serial) {
		EVP_MAC_CTX_free(slot->mac);
		slot->mac = mac_keyed(key);
		slot->serial = v->serial;
	}
	return slot->mac;
}

static void
column_key(struct vault *v, const char *column, unsigned char key[KEY_BYTES])
{
	derive(v->s->blind, column, key);
}

void
vault_blind(struct vault *v, const char *column, str folded, unsigned char out[BLIND_BYTES])
{
	struct tools *t = tools();
	struct mac_slot *slot = NULL;
	unsigned char key[KEY_BYTES], mac[32];

	for (int i = 0; i < BLIND_SLOTS && slot == NULL; i++)
		if (t->blind[i].serial == v->serial && strcmp(t->blind[i].column, column) == 0)
			slot = &t->blind[i];
	if (slot == NULL) {
		column_key(v, column, key);
		if (strlen(column) > COLUMN_MAX) {
			hmac_sha256((str){ (char *)key, sizeof(key) }, folded, mac);
			wipe(key, sizeof(key));
			memcpy(out, mac, BLIND_BYTES);
			return;
		}
		slot = &t->blind[t->blind_next++ % BLIND_SLOTS];
		slot->serial = 0;        /* another column's */
		slot_mac(v, slot, key);
		memcpy(slot->column, column, strlen(column) + 1);
		wipe(key, sizeof(key));
	}
	mac_with(slot->mac, folded, mac);
	memcpy(out, mac, BLIND_BYTES);
}

uint64_t
vault_term(struct vault *v, str term)
{
	unsigned char mac[32];

	mac_with(slot_mac(v, &tools()->term, v->s->term), term, mac);
	return get_be(mac, 8);
}

void
vault_mac(struct vault *v, enum named_key which, str bytes, unsigned char out[32])
{
	mac_with(slot_mac(v, &tools()->named[which], v->s->mac[which]), bytes, out);
}

/* The key is built for each signature, so that it lies nowhere but in guarded
 * memory in between; checkpoints come once a minute. */
void
vault_sign(struct vault *v, str bytes, unsigned char sig[64])
{
	EVP_PKEY *key = signing_key(v);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t n = 64;

	if (md == NULL || EVP_DigestSignInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
	    EVP_DigestSign(md, sig, &n, (const unsigned char *)(bytes.n > 0 ? bytes.p : ""), bytes.n) != 1 || n != 64)
		die("Ed25519 fails");
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

void
vault_public(struct vault *v, unsigned char pub[32])
{
	memcpy(pub, v->pub, sizeof(v->pub));
}

/* ---- tokens ------------------------------------------------------------------------------------------ */

static void
token_key(struct ctx *cx, struct vault *v, const char *purpose, const unsigned char salt[TOKEN_SALT],
    unsigned char key[KEY_BYTES])
{
	size_t n = strlen(purpose) + 1;
	unsigned char *text = arena_alloc(cx->arena, 1, n + TOKEN_SALT, 1);

	memcpy(text, purpose, n);
	memcpy(text + n, salt, TOKEN_SALT);
	hmac_sha256((str){ (char *)v->s->token, KEY_BYTES }, (str){ (char *)text, n + TOKEN_SALT }, key);
}

static bool
token_aad(struct aad *a, struct vault *v, const char *purpose)
{
	a->n = 0;
	a->over = false;
	aad_put(a, "token", 5);
	aad_int(a, v->account);
	aad_put(a, purpose, strlen(purpose));
	return !a->over;
}

str
token_seal(struct ctx *cx, struct vault *v, const char *purpose, str plain)
{
	size_t n = TOKEN_HEAD + plain.n + TAG_BYTES;
	unsigned char key[KEY_BYTES], *out = arena_alloc(cx->arena, 1, n, 1);
	struct aad aad;

	out[0] = TOKEN_VERSION;
	rand_bytes(out + 1, TOKEN_SALT + NONCE_BYTES);
	token_key(cx, v, purpose, out + 1, key);
	if (!token_aad(&aad, v, purpose) ||
	    gcm_seal(key, out + 1 + TOKEN_SALT, aad_str(&aad), plain, out + TOKEN_HEAD) != OK)
		die("a token cannot be sealed");
	wipe(key, sizeof(key));
	return base64url_of(cx->arena, (str){ (char *)out, n });
}

bool
token_open(struct ctx *cx, struct vault *v, const char *purpose, str token, str *plain)
{
	unsigned char key[KEY_BYTES], *out;
	const unsigned char *in;
	struct aad aad;
	str bytes;
	enum err e;

	if (!base64_to(cx->arena, token, &bytes) || bytes.n < TOKEN_HEAD + TAG_BYTES || bytes.p[0] != TOKEN_VERSION)
		return false;
	/* One token, one text: not padded, not in the other alphabet. */
	if (!str_eq(base64url_of(cx->arena, bytes), token) || !token_aad(&aad, v, purpose))
		return false;
	in = (const unsigned char *)bytes.p;
	token_key(cx, v, purpose, in + 1, key);
	out = arena_alloc(cx->arena, 1, bytes.n - TOKEN_HEAD - TAG_BYTES + 1, 1);
	e = gcm_open(key, in + 1 + TOKEN_SALT, aad_str(&aad),
	    (str){ bytes.p + TOKEN_HEAD, bytes.n - TOKEN_HEAD }, out);
	wipe(key, sizeof(key));
	if (e != OK)
		return false;
	*plain = (str){ (char *)out, bytes.n - TOKEN_HEAD - TAG_BYTES };
	return true;
}
