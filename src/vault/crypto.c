/* crypto.c - AES-256-GCM, HMAC-SHA-256, SHA-256, Ed25519, through OpenSSL 3.
 *
 * Algorithms are fetched once per process, contexts made once per thread and
 * freed when it ends: making them anew for each small value costs several
 * times the work itself. Nonces come straight from getrandom(2), never out of
 * a stock in memory: a stock would be used twice after a fork or when a
 * virtual machine is resumed twice from one snapshot.
 *
 * A failure of OpenSSL where the caller has no way to hear of it ends the
 * process: going on with a wrong MAC would be worse.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vault/inside.h"

/* EVP counts in int; far above any value that is sealed whole. */
#define GCM_MAX ((size_t)1 << 30)

static struct {
	EVP_CIPHER   *gcm;
	EVP_MAC      *hmac;
	EVP_MD       *sha;
	pthread_key_t key;               /* runs tools_free at thread exit */
} alg;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool up, fips;
static __thread struct tools *mine;

void
die(const char *why)
{
	log_line(LOG_LV_ERROR, "vault", "%s, ending", why);
	_exit(70);
}

static void
tools_free(void *p)
{
	struct tools *t = p;

	if (t == NULL)
		return;
	EVP_CIPHER_CTX_free(t->seal);
	EVP_CIPHER_CTX_free(t->open);
	EVP_MD_CTX_free(t->sha);
	EVP_MAC_CTX_free(t->mac);
	EVP_MAC_CTX_free(t->term.mac);
	for (size_t i = 0; i < COUNT(t->named); i++)
		EVP_MAC_CTX_free(t->named[i].mac);
	for (size_t i = 0; i < COUNT(t->blind); i++)
		EVP_MAC_CTX_free(t->blind[i].mac);
	free(t);
	mine = NULL;
}

static void
start(void)
{
	if (sodium_init() < 0)
		die("libsodium does not start");
	alg.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	alg.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	alg.sha = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (alg.gcm == NULL || alg.hmac == NULL || alg.sha == NULL)
		die("OpenSSL has no AES-256-GCM, HMAC or SHA-256");
	if (pthread_key_create(&alg.key, tools_free) != 0)
		die("no thread key");
	atomic_store(&up, true);
}

void
crypto_up(void)
{
	pthread_once(&once, start);
}

bool
crypto_fips(void)
{
	return atomic_load(&fips);
}

EVP_MAC_CTX *
mac_keyed(const unsigned char key[KEY_BYTES])
{
	static char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(alg.hmac);

	if (mac == NULL || EVP_MAC_init(mac, key, KEY_BYTES, params) != 1)
		die("HMAC does not start");
	return mac;
}

void
mac_with(EVP_MAC_CTX *mac, str bytes, unsigned char out[32])
{
	size_t n;

	if (EVP_MAC_init(mac, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(mac, (const unsigned char *)bytes.p, bytes.n) != 1 ||
	    EVP_MAC_final(mac, out, &n, 32) != 1)
		die("HMAC fails");
}

struct tools *
tools(void)
{
	static const unsigned char none[KEY_BYTES];
	struct tools *t = mine;

	if (t != NULL)
		return t;
	crypto_up();
	if ((t = calloc(1, sizeof(*t))) == NULL)
		die("out of memory");
	t->seal = EVP_CIPHER_CTX_new();
	t->open = EVP_CIPHER_CTX_new();
	t->sha = EVP_MD_CTX_new();
	t->mac = mac_keyed(none);
	if (t->seal == NULL || t->open == NULL || t->sha == NULL ||
	    EVP_EncryptInit_ex2(t->seal, alg.gcm, NULL, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(t->open, alg.gcm, NULL, NULL, NULL) != 1 ||
	    pthread_setspecific(alg.key, t) != 0)
		die("AES-256-GCM does not start");
	return mine = t;
}

void
tools_drop(void)
{
	if (mine == NULL)
		return;
	pthread_setspecific(alg.key, NULL);
	tools_free(mine);
}

void *
secret_alloc(size_t n, bool *locked)
{
	struct rlimit r;
	void *p;

	crypto_up();
	/* sodium_malloc tries to lock and shrugs when it may not; ask for what is
	 * allowed first, and look afterwards. */
	if (getrlimit(RLIMIT_MEMLOCK, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &r);
	}
	if ((p = sodium_malloc(n)) == NULL)
		return NULL;
	if (locked != NULL && mlock(p, n) != 0)
		*locked = false;
	sodium_memzero(p, n);
	return p;
}

void
secret_free(void *p)
{
	sodium_free(p);                  /* wipes; NULL is fine */
}

/* ---- layouts ------------------------------------------------------------------------------------ */

void
put_be(unsigned char *p, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

uint64_t
get_be(const void *p, int bytes)
{
	const unsigned char *b = p;
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | b[i];
	return v;
}

void
aad_put(struct aad *a, const void *p, size_t n)
{
	if (n > sizeof(a->b) - 2 || a->n > sizeof(a->b) - 2 - n) {
		a->over = true;
		return;
	}
	put_be(a->b + a->n, n, 2);
	if (n > 0)
		memcpy(a->b + a->n + 2, p, n);
	a->n += 2 + n;
}

void
aad_int(struct aad *a, int64_t v)
{
	unsigned char b[8];

	put_be(b, (uint64_t)v, 8);
	aad_put(a, b, 8);
}

void
aad_wrap(struct aad *a, const char *purpose, int64_t account, int64_t id)
{
	a->n = 0;
	a->over = false;
	aad_put(a, purpose, strlen(purpose));
	aad_int(a, account);
	aad_int(a, id);
}

bool
wrap_with(const unsigned char kek[KEY_BYTES], uint32_t version, str aad,
    const unsigned char key[KEY_BYTES], unsigned char out[WRAPPED_BYTES])
{
	out[0] = WRAP_VERSION;
	put_be(out + 1, version, 4);
	rand_bytes(out + WRAP_HEAD, NONCE_BYTES);
	return gcm_seal(kek, out + WRAP_HEAD, aad, (str){ (const char *)key, KEY_BYTES },
	    out + WRAP_HEAD + NONCE_BYTES) == OK;
}

bool
unwrap_with(const unsigned char kek[KEY_BYTES], str aad, str wrapped, unsigned char key[KEY_BYTES])
{
	const size_t head = WRAP_HEAD + NONCE_BYTES;

	if (wrapped.n != WRAPPED_BYTES || wrapped.p[0] != WRAP_VERSION)
		return false;
	return gcm_open(kek, (const unsigned char *)wrapped.p + WRAP_HEAD, aad,
	    (str){ wrapped.p + head, wrapped.n - head }, key) == OK;
}

/* ---- the header's primitives -------------------------------------------------------------------- */

enum err
vault_fips(struct ctx *cx)
{

	if (atomic_load(&fips))
		return OK;
	if (atomic_load(&up))
		return fail(cx, E_CONFLICT, "fips", "FIPS mode must be switched on before any key is used");
	if (OSSL_PROVIDER_load(NULL, "fips") == NULL) {
		ERR_clear_error();
		return fail(cx, E_ABSENT, "fips", "OpenSSL's FIPS module is not installed or failed its"
		    " self-test; install it and run openssl fipsinstall, or set fips = off");
	}
	/* "base" has encoders and no cryptography. */
	if (OSSL_PROVIDER_load(NULL, "base") == NULL || EVP_default_properties_enable_fips(NULL, 1) != 1) {
		ERR_clear_error();
		return fail(cx, E_FAULT, "fips", "OpenSSL did not switch to its FIPS module");
	}
	atomic_store(&fips, true);
	return OK;
}

enum err
gcm_seal(const unsigned char key[32], const unsigned char nonce[12], str aad, str plain,
    unsigned char *out)
{
	struct tools *t = tools();
	OSSL_PARAM tag[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + plain.n, TAG_BYTES),
		OSSL_PARAM_construct_end(),
	};
	unsigned char end[16];           /* GCM has nothing left to write, but wants a place */
	int n;

	if (plain.n > GCM_MAX || aad.n > GCM_MAX)
		return E_LIMIT;
	if (EVP_EncryptInit_ex2(t->seal, NULL, key, nonce, NULL) == 1 &&
	    (aad.n == 0 || EVP_EncryptUpdate(t->seal, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) == 1) &&
	    (plain.n == 0 || EVP_EncryptUpdate(t->seal, out, &n, (const unsigned char *)plain.p, (int)plain.n) == 1) &&
	    EVP_EncryptFinal_ex(t->seal, end, &n) == 1 &&
	    EVP_CIPHER_CTX_get_params(t->seal, tag) == 1)
		return OK;
	ERR_clear_error();
	return E_FAULT;
}

enum err
gcm_open(const unsigned char key[32], const unsigned char nonce[12], str aad, str sealed,
    unsigned char *out)
{
	struct tools *t = tools();
	unsigned char mac[TAG_BYTES], end[16];
	OSSL_PARAM tag[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, mac, TAG_BYTES),
		OSSL_PARAM_construct_end(),
	};
	size_t len;
	int n;

	if (sealed.n < TAG_BYTES)
		return E_FAULT;
	len = sealed.n - TAG_BYTES;
	if (len > GCM_MAX || aad.n > GCM_MAX)
		return E_LIMIT;
	memcpy(mac, sealed.p + len, TAG_BYTES);
	if (EVP_DecryptInit_ex2(t->open, NULL, key, nonce, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_params(t->open, tag) == 1 &&
	    (aad.n == 0 || EVP_DecryptUpdate(t->open, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) == 1) &&
	    (len == 0 || EVP_DecryptUpdate(t->open, out, &n, (const unsigned char *)sealed.p, (int)len) == 1) &&
	    EVP_DecryptFinal_ex(t->open, end, &n) == 1)
		return OK;
	/* OpenSSL decrypts before it has seen the tag: nothing unproven leaves. */
	if (len > 0)
		wipe(out, len);
	ERR_clear_error();
	return E_FAULT;
}

void
hmac_sha256(str key, str bytes, unsigned char out[32])
{
	struct tools *t = tools();
	size_t n;

	/* A NULL key would mean "the one from before". */
	if (EVP_MAC_init(t->mac, (const unsigned char *)(key.n > 0 ? key.p : ""), key.n, NULL) != 1 ||
	    EVP_MAC_update(t->mac, (const unsigned char *)bytes.p, bytes.n) != 1 ||
	    EVP_MAC_final(t->mac, out, &n, 32) != 1)
		die("HMAC fails");
}

void
sha256(str bytes, unsigned char out[32])
{
	struct tools *t = tools();

	if (EVP_DigestInit_ex2(t->sha, alg.sha, NULL) != 1 ||
	    EVP_DigestUpdate(t->sha, bytes.p, bytes.n) != 1 ||
	    EVP_DigestFinal_ex(t->sha, out, NULL) != 1)
		die("SHA-256 fails");
}

bool
same_bytes(const void *a, const void *b, size_t n)
{
	return n == 0 || sodium_memcmp(a, b, n) == 0;
}

bool
ed25519_verify(const unsigned char pub[32], str bytes, const unsigned char sig[64])
{
	EVP_PKEY *key;
	EVP_MD_CTX *md;
	bool good;

	crypto_up();
	key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, pub, 32);
	md = EVP_MD_CTX_new();
	good = key != NULL && md != NULL &&
	    EVP_DigestVerifyInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestVerify(md, sig, 64, (const unsigned char *)(bytes.n > 0 ? bytes.p : ""), bytes.n) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}
