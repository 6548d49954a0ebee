/* inside.h - what the files of the vault share; nobody else includes it. */
#ifndef WARD_VAULT_INSIDE_H
#define WARD_VAULT_INSIDE_H

#include <openssl/evp.h>
#include <pthread.h>

#include "vault/vault.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16, ACCOUNT_SLOTS = 8, COLUMN_MAX = 63, BLIND_SLOTS = 8 };
enum { WRAP_HEAD = 5, WRAP_VERSION = 1, SEAL_VERSION = 1, SEAL_HEAD = 21 };

/* ---- crypto.c: what each thread keeps for speed ---------------------------------------------- */

/* An HMAC context that has its key, of one vault (its serial). */
struct mac_slot {
	uint64_t     serial;
	char         column[COLUMN_MAX + 1];
	EVP_MAC_CTX *mac;
};

/* Contexts cost more to make than to use; they are freed when the thread ends. */
struct tools {
	EVP_CIPHER_CTX *seal, *open;
	EVP_MD_CTX     *sha;
	EVP_MAC_CTX    *mac;
	struct mac_slot term, named[NAMED_KEYS], blind[BLIND_SLOTS];
	unsigned        blind_next;          /* the blind slot to reuse */
};
struct tools *tools(void);
void          tools_drop(void);              /* this thread's; the next use makes them anew */
EVP_MAC_CTX  *mac_keyed(const unsigned char key[KEY_BYTES]);
void          mac_with(EVP_MAC_CTX *mac, str bytes, unsigned char out[32]);

void crypto_up(void);                        /* once per process, by whoever needs it first */
bool crypto_fips(void);                      /* vault_fips() was called */
void die(const char *why) __attribute__((noreturn));

/* Memory between guard pages, locked if the limit allows, left out of core
 * dumps, wiped by secret_free. NULL: none to be had. */
void *secret_alloc(size_t n, bool *locked);
void  secret_free(void *p);

/* Associated data: each part 2 bytes length, then the bytes. */
struct aad {
	size_t        n;
	bool          over;
	unsigned char b[256];
};
void aad_put(struct aad *a, const void *p, size_t n);
void aad_int(struct aad *a, int64_t v);
static inline str
aad_str(const struct aad *a)
{
	return (str){ (const char *)a->b, a->n };
}
/* Of a wrapped key: what it is for, whose, which. */
void aad_wrap(struct aad *a, const char *purpose, int64_t account, int64_t id);

void     put_be(unsigned char *p, uint64_t v, int bytes);
uint64_t get_be(const void *p, int bytes);

/* Wrap and unwrap under a key at hand. False: OpenSSL failed; it does not open. */
bool wrap_with(const unsigned char kek[KEY_BYTES], uint32_t version, str aad,
    const unsigned char key[KEY_BYTES], unsigned char out[WRAPPED_BYTES]);
bool unwrap_with(const unsigned char kek[KEY_BYTES], str aad, str wrapped, unsigned char key[KEY_BYTES]);

/* ---- cache.c ----------------------------------------------------------------------------------- */

struct cache;
struct cache *cache_new(bool *locked);
void          cache_free(struct cache **c);
/* False: not there; then *epoch is for cache_fill(). */
bool          cache_get(struct cache *c, int64_t id, usec now, unsigned char key[KEY_BYTES], uint64_t *epoch);
/* What was loaded after a miss; dropped when the id was touched meanwhile. */
void          cache_fill(struct cache *c, int64_t id, usec now, const unsigned char key[KEY_BYTES], uint64_t epoch);
void          cache_put(struct cache *c, int64_t id, usec now, const unsigned char key[KEY_BYTES]);
void          cache_forget(struct cache *c, int64_t id);
void          cache_ban(struct cache *c, int64_t id);       /* forget, and do not fill for a while */

/* ---- vault.c ----------------------------------------------------------------------------------- */

struct secrets {
	struct { uint32_t version; unsigned char key[KEY_BYTES]; } account[ACCOUNT_SLOTS];  /* 0: free */
	/* Derived from the named keys, which themselves are not kept. */
	unsigned char mac[NAMED_KEYS][KEY_BYTES];
	unsigned char term[KEY_BYTES], blind[KEY_BYTES], token[KEY_BYTES], sign[KEY_BYTES];
};

struct vault {
	uint64_t         serial;         /* never the same twice in a process */
	int64_t          account;
	struct keyring   ring;
	bool             locked;
	struct cache    *cache;
	struct secrets  *s;              /* guarded memory */
	unsigned char    pub[32];

	pthread_rwlock_t lock;           /* of s->account, current, keeper */
	struct keeper   *keeper;         /* the caller's */
	uint32_t         current;        /* the version that new keys are wrapped under */

	pthread_mutex_t  walk_lock;
	struct { uint32_t version; int64_t after, left; } walk;   /* where vault_rewrap() is */
};

/* The first failure a context holds, to be put back when one is mended. */
#define KEEP_FAIL(cx) __typeof__((cx)->fail) kept_ = (cx)->fail
#define MEND_FAIL(cx) ((cx)->fail = kept_)

/* The account key of a version (0: the current one, whose number is then set),
 * from memory or through the keeper. E_FAULT: that version was dropped. */
enum err account_key(struct ctx *cx, struct vault *v, uint32_t *version, unsigned char key[KEY_BYTES]) MUST_CHECK;
/* Learns the newest version from the keyring. */
enum err account_refresh(struct ctx *cx, struct vault *v) MUST_CHECK;
enum err wrap_key(struct ctx *cx, struct vault *v, const char *purpose, int64_t id,
    const unsigned char key[KEY_BYTES], unsigned char out[WRAPPED_BYTES]) MUST_CHECK;
enum err unwrap_key(struct ctx *cx, struct vault *v, const char *purpose, int64_t id, str wrapped,
    unsigned char key[KEY_BYTES]) MUST_CHECK;
/* Through the keeper of the moment, which stays until the answer is there. */
enum err ask_wrap(struct ctx *cx, struct vault *v, str aad, const unsigned char key[KEY_BYTES],
    unsigned char out[WRAPPED_BYTES]) MUST_CHECK;
enum err ask_unwrap(struct ctx *cx, struct vault *v, str aad, str wrapped, unsigned char key[KEY_BYTES]) MUST_CHECK;

#endif
