/* vault.h - keys, sealing, blind indexes, password hashes, signatures.
 *
 * Bytes in, bytes out; knows no database. Primitives are OpenSSL's (EVP, so
 * that its FIPS provider can be switched on) and libsodium's (Argon2id,
 * constant-time compare, guarded memory). DESIGN section 3 is the map.
 *
 * Sealed value, version 1:
 *   1 byte version (1) | 8 bytes data key id, big endian | 12 bytes random
 *   nonce | ciphertext | 16 bytes tag
 * AES-256-GCM (NIST SP 800-38D); associated data: version, key id, account,
 * table, column, row id, each length-prefixed, so that a value moved to
 * another row or column does not open.
 *
 * Wrapped key, version 1: 1 byte version | 4 bytes version of the wrapping
 * key, big endian | 12 bytes nonce | 32 bytes ciphertext | 16 bytes tag (65
 * in all); associated data: purpose, account, key id, each length-prefixed.
 * The root key has no version; there the 4 bytes are its fingerprint, so that
 * a key of another root is told from an altered one.
 *
 * Length-prefixed is 2 bytes length, big endian, then the bytes; integers are
 * 8 bytes, big endian, the version 1 byte.
 */
#ifndef WARD_VAULT_H
#define WARD_VAULT_H

#include "base/base.h"

#define KEY_BYTES     32
#define WRAPPED_BYTES 65
#define SEAL_OVERHEAD 37                     /* 1 + 8 + 12 + 16 */
#define BLIND_BYTES   16

/* ---- the keeper: a process of its own that holds the root key, and nothing else ---------------- */

enum root_kind { ROOT_FILE, ROOT_PASSPHRASE };
struct root_conf {
	enum root_kind kind;
	const char    *path;       /* ROOT_FILE: file of 32 bytes in hex, mode 0600, owner ours */
	str            passphrase; /* ROOT_PASSPHRASE: at least 12 bytes; Argon2id with the salt file beside */
	const char    *salt_path;
};
/* Makes a new root key (ROOT_FILE) or salt file (ROOT_PASSPHRASE); refuses to
 * overwrite one (E_CONFLICT). */
enum err root_create(struct ctx *cx, const struct root_conf *conf) MUST_CHECK;

struct keeper;
/* Starts the keeper by executing /proc/self/exe with the argument "keeper"
 * and a socket as descriptor 3; it reads the root key itself, drops what it
 * does not need (seccomp: read, write, exit) and answers wrap and unwrap.
 * E_ABSENT: no key; E_DENIED: the file's mode or owner lets others read it;
 * E_INVALID: not a key. cx->fail.why says in plain words what to do. */
enum err keeper_start(struct ctx *cx, const struct root_conf *conf, struct keeper **out) MUST_CHECK;
void     keeper_stop(struct keeper **k);
enum err keeper_wrap(struct ctx *cx, struct keeper *k, str aad, const unsigned char key[KEY_BYTES],
    unsigned char out[WRAPPED_BYTES]) MUST_CHECK;
/* E_DENIED: wrapped under another root key, or altered. */
enum err keeper_unwrap(struct ctx *cx, struct keeper *k, str aad, str wrapped,
    unsigned char key[KEY_BYTES]) MUST_CHECK;
/* SHA-256 of the root key's file (of a passphrase: its salt file): what `sha256sum` says of a copy of it. */
enum err keeper_print(struct ctx *cx, struct keeper *k, unsigned char out[32]) MUST_CHECK;
/* All give E_BUSY when the keeper process is gone or does not answer. An aad
 * has at most 512 bytes. Thread-safe. */
int      keeper_pid(const struct keeper *k); /* for status */
int      keeper_main(int fd);                /* the child's main; exit status */

/* ---- the vault: an account's keys in guarded memory ---------------------------------------------- */

enum named_key { KEY_INDEX, KEY_BLIND, KEY_TRAIL, KEY_BACKUP, KEY_TOKEN, KEY_SIGN, KEY_SEARCH, NAMED_KEYS };

/* Where wrapped keys are kept; cli wires it to the keyring database. All are
 * called inside the caller's transaction if it has one; what they return lies
 * in cx's arena. A wrapped key says itself which account key version wraps it:
 * wrapped_version(). save_data and save_named refuse with E_CONFLICT what is
 * not wrapped under the newest saved account key version: another process may
 * have rotated it, and nothing new may hang on a version about to be dropped. */
struct keyring {
	void *arg;
	enum err (*load_account)(struct ctx *cx, void *arg, int *version, str *wrapped);     /* newest; E_ABSENT: none yet */
	enum err (*load_account_version)(struct ctx *cx, void *arg, int version, str *wrapped); /* E_ABSENT: dropped */
	enum err (*save_account)(struct ctx *cx, void *arg, int version, str wrapped);       /* insert or replace */
	enum err (*drop_account)(struct ctx *cx, void *arg, int below);                      /* versions < below */
	enum err (*load_named)(struct ctx *cx, void *arg, enum named_key which, str *wrapped);
	enum err (*save_named)(struct ctx *cx, void *arg, enum named_key which, str wrapped); /* insert or replace */
	enum err (*load_data)(struct ctx *cx, void *arg, int64_t id, str *wrapped);          /* E_ABSENT: destroyed */
	enum err (*save_data)(struct ctx *cx, void *arg, int64_t id, str wrapped);           /* insert or replace */
	enum err (*delete_data)(struct ctx *cx, void *arg, int64_t id);
	/* A data key above `after` that is not wrapped under account key version
	 * `version`, for rewrapping; those of the same version by ascending id.
	 * E_ABSENT: none. */
	enum err (*next_data)(struct ctx *cx, void *arg, int version, int64_t after, int64_t *id, str *wrapped);
	enum err (*count_data)(struct ctx *cx, void *arg, int version, int64_t *count);      /* of those, all */
};
int wrapped_version(str wrapped);            /* 0 when it is not a wrapped key */

struct vault;
/* Opens the account's keys: unwraps the account key by the keeper and the
 * named keys by it. With `create`, makes them first when there are none. */
enum err vault_open(struct ctx *cx, struct keeper *k, const struct keyring *ring, bool create,
    struct vault **out) MUST_CHECK;          /* of the account cx->account; keeps k, which must outlive it */
/* Wipes all keys, also in what this thread keeps for speed; other threads'
 * went when they ended, so end them first. */
void     vault_close(struct vault **v);
/* False: RLIMIT_MEMLOCK (LimitMEMLOCK=) was too low, keys could be swapped out. */
bool     vault_memory_locked(const struct vault *v);
/* Switches OpenSSL to its FIPS provider; call it before anything else here, a
 * keeper started later does the same. E_ABSENT: no such module installed, or
 * its self-test failed. Argon2id stays libsodium's, which is not validated. */
enum err vault_fips(struct ctx *cx) MUST_CHECK;

/* Data keys: made random, kept wrapped in the keyring, unwrapped ones cached
 * (at most 8,192, not recently used go first, wiped; reloaded when older than
 * ten minutes, so that what another process destroyed is forgotten here too).
 * Ids are the caller's, above 0. A destroyed key is out of the cache at once
 * and stays out, also when a reader still sees it in an older snapshot. */
enum err vault_key_new(struct ctx *cx, struct vault *v, int64_t id) MUST_CHECK;
enum err vault_key_destroy(struct ctx *cx, struct vault *v, int64_t id) MUST_CHECK;
void     vault_key_forget(struct vault *v, int64_t id);      /* drop from the cache (roll-back of vault_key_new) */

struct where { const char *table, *column; int64_t row; };
/* Thread-safe. The sealed bytes are in cx's arena. E_ABSENT: no such key. The
 * names of table and column have at most 200 bytes together. */
enum err vault_seal(struct ctx *cx, struct vault *v, int64_t key, struct where at, str plain, str *sealed) MUST_CHECK;
/* E_ABSENT: the key was destroyed, the value is erased; E_FAULT: altered or
 * moved ("sealed value does not open"). */
enum err vault_open_value(struct ctx *cx, struct vault *v, struct where at, str sealed, str *plain) MUST_CHECK;
int64_t  sealed_key_id(str sealed);          /* 0 when it is not a sealed value */

/* No named key is used itself: every use has a key derived from it, the
 * HMAC-SHA-256 of a label, so that two uses never meet (vault.c).
 *
 * Blind index: HMAC-SHA-256 (RFC 4231 vectors in the tests) under a key per
 * column derived from KEY_BLIND, first 16 bytes. The caller has folded the
 * text (e-mail lower case). */
void vault_blind(struct vault *v, const char *column, str folded, unsigned char out[BLIND_BYTES]);
/* Search term under KEY_INDEX: the first 64 bits. Fast: context reused per thread. */
uint64_t vault_term(struct vault *v, str term);
void vault_mac(struct vault *v, enum named_key which, str bytes, unsigned char out[32]);   /* HMAC-SHA-256 */
/* Ed25519 (RFC 8032) under KEY_SIGN. */
void vault_sign(struct vault *v, str bytes, unsigned char sig[64]);
void vault_public(struct vault *v, unsigned char pub[32]);
bool ed25519_verify(const unsigned char pub[32], str bytes, const unsigned char sig[64]);
void sha256(str bytes, unsigned char out[32]);
bool same_bytes(const void *a, const void *b, size_t n);     /* constant time */

/* Rotation of the account key: a new version, wrapped by the root; in a
 * transaction of its own. New keys hang on it once that is committed; the
 * older version is kept until vault_rewrap() is done. */
enum err vault_rotate_account(struct ctx *cx, struct vault *v) MUST_CHECK;
/* Wraps the named keys and then every data key under the newest version, at
 * most `step` keys per call, each call in the caller's writing transaction;
 * *left is what remains (0: done, and older versions are dropped). Resumes
 * after a crash or a roll-back at any point. */
enum err vault_rewrap(struct ctx *cx, struct vault *v, int step, int64_t *left) MUST_CHECK;
/* Whether a rotation was begun that vault_rewrap() has not finished. */
enum err vault_rewrap_pending(struct ctx *cx, struct vault *v, bool *pending) MUST_CHECK;
/* The root key: the account key versions in use are unwrapped by the present
 * keeper and wrapped by the new one, in the caller's transaction. When that is
 * committed: vault_use_keeper(v, fresh), and the old keeper may stop. */
enum err vault_rotate_root(struct ctx *cx, struct vault *v, struct keeper *fresh) MUST_CHECK;
void     vault_use_keeper(struct vault *v, struct keeper *k); /* returns when the one before is not used any more */

/* ---- passwords and tokens ------------------------------------------------------------------------ */

/* Argon2id (RFC 9106), 19 MiB, 2 passes; at most two at a time. NUL-terminated
 * encoded string in the arena. */
enum err password_hash(struct ctx *cx, str password, str *encoded) MUST_CHECK;
bool     password_check(str encoded, str password);          /* false also on malformed input */
/* A dummy check that takes as long, for unknown users. */
void     password_waste(str password);

/* ---- AEAD for tokens that go outside (cursors, reply tokens): sealed under KEY_TOKEN ------------- */
str  token_seal(struct ctx *cx, struct vault *v, const char *purpose, str plain);      /* base64url */
bool token_open(struct ctx *cx, struct vault *v, const char *purpose, str token, str *plain);

/* ---- AES-256-GCM itself, for the known-answer tests and the engines above ------------------------- */
enum err gcm_seal(const unsigned char key[32], const unsigned char nonce[12], str aad, str plain, unsigned char *out /* plain.n + 16 */) MUST_CHECK;
enum err gcm_open(const unsigned char key[32], const unsigned char nonce[12], str aad, str sealed, unsigned char *out /* sealed.n - 16 */) MUST_CHECK;
void hmac_sha256(str key, str bytes, unsigned char out[32]);

#endif
