/* trail.h - a trail for tests: OpenSSL wired in, keys that never change, invented people.
 *
 *	struct env v;
 *	env_open(&v);                    // a folder, a store, a trail, a witness; v.cx is Alma's
 *	...
 *	env_close(&v);
 */
#ifndef WARD_TESTS_TRAIL_H
#define WARD_TESTS_TRAIL_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#include "db.h"
#include "trail/trail.h"

/* ---- crypto ---------------------------------------------------------------------------------------- */

static pthread_key_t t_digest_key;
static EVP_MD *t_md;

static void
t_digest_free(void *c)
{
	EVP_MD_CTX_free(c);
}

static void
t_digest_end(void)
{
	EVP_MD_CTX_free(pthread_getspecific(t_digest_key));    /* the main thread's */
	EVP_MD_free(t_md);
}

static void
t_digest_begin(void)
{
	pthread_key_create(&t_digest_key, t_digest_free);
	t_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	atexit(t_digest_end);
}

static void UNUSED
t_sha256(str bytes, unsigned char out[32])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static _Thread_local EVP_MD_CTX *c;

	if (c == NULL) {
		pthread_once(&once, t_digest_begin);
		c = EVP_MD_CTX_new();
		pthread_setspecific(t_digest_key, c);
		if (t_md == NULL || c == NULL)
			abort();
	}
	if (!EVP_DigestInit_ex2(c, t_md, NULL) || !EVP_DigestUpdate(c, bytes.p, bytes.n) || !EVP_DigestFinal_ex(c, out, NULL))
		abort();
}

static void UNUSED
t_mac(struct sys *sys UNUSED, str bytes, unsigned char out[32])
{
	unsigned n = 32;

	if (HMAC(EVP_sha256(), "the trail's key, for tests only", 31, (const unsigned char *)bytes.p, bytes.n, out, &n) == NULL)
		abort();
}

static EVP_PKEY *
t_key(void)
{
	static const unsigned char seed[32] = "ward tests: this seed is public";
	static EVP_PKEY *key;
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&once);
	if (key == NULL)
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	pthread_mutex_unlock(&once);
	return key;
}

static void UNUSED
t_sign(struct sys *sys UNUSED, str bytes, unsigned char sig[64])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = 64;

	if (c == NULL || !EVP_DigestSignInit(c, NULL, NULL, NULL, t_key()) ||
	    !EVP_DigestSign(c, sig, &n, (const unsigned char *)bytes.p, bytes.n))
		abort();
	EVP_MD_CTX_free(c);
}

static void UNUSED
t_public(struct sys *sys UNUSED, unsigned char pub[32])
{
	size_t n = 32;

	if (!EVP_PKEY_get_raw_public_key(t_key(), pub, &n))
		abort();
}

static bool UNUSED
t_check(const unsigned char pub[32], str bytes, const unsigned char sig[64])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = key != NULL && c != NULL && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(c, sig, 64, (const unsigned char *)bytes.p, bytes.n) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	return good;
}

static const struct trail_crypto t_crypto UNUSED = {
	.sha256 = t_sha256, .mac = t_mac, .sign = t_sign, .public_key = t_public, .verify = t_check,
};

/* ---- an open trail --------------------------------------------------------------------------------- */

static const struct actor alma UNUSED = { .user_id = 7, .role = ROLE_AGENT, .token_id = 3, .how = "token" };
static const struct actor bruno UNUSED = { .user_id = 8, .role = ROLE_ADMIN, .session_id = 44, .how = "session" };
#define T0 ((usec)1767607200000000)      /* 2026-01-05T10:00:00Z */

struct env {
	struct testdb d;
	struct ctx    cx;
	char          witness[96];
	bool          locked;            /* trail_open() said E_FAULT */
};

static inline void
env_ctx(struct env *v, struct ctx *cx, const struct actor *who)
{
	ctx_init(cx, &v->d.sys, 1);
	cx->actor = who;
	cx->now = T0;
	cx->address = S("192.0.2.17");
	cx->client = S("Browser/1.0 (Alma's)");
	cx->request_id = S("req-0001");
	cx->via = "api";
}

static inline void
env_trail(struct env *v)
{
	snprintf(v->witness, sizeof(v->witness), "%s/witness", v->d.dir);
	env_ctx(v, &v->cx, &alma);
	v->locked = trail_open(&v->cx, &t_crypto, v->witness, &v->d.sys.trail) != OK;
	if (v->d.sys.trail == NULL)
		exit(1);
	fail_clear(&v->cx);
}

static inline void UNUSED
env_open(struct env *v)
{
	*v = (struct env){0};
	db_open(&v->d, "trail");
	env_trail(v);
}

/* Ends what runs and leaves the folder. */
static inline void UNUSED
env_stop(struct env *v)
{
	ctx_done(&v->cx);
	trail_close(&v->d.sys.trail);
	store_close(&v->d.sys.store);
}

static inline void UNUSED
env_start(struct env *v)
{
	db_start(&v->d, "trail");
	env_trail(v);
}

static inline void UNUSED
env_close(struct env *v)
{
	env_stop(v);
	db_remove(v->d.dir);
}

/* ---- events ---------------------------------------------------------------------------------------- */

#define SENSITIVE(lit) { { "" lit, sizeof(lit) - 1 } }    /* in an initializer */

static enum err UNUSED
t_append_in(struct ctx *cx, void *arg)
{
	return trail_append(cx, arg);
}

static enum err UNUSED
t_append(struct ctx *cx, const struct event *e)
{
	return store_write(cx, t_append_in, (void *)e);
}

/* A change of ticket `id` with a text before and after. */
static enum err UNUSED
t_change(struct ctx *cx, int64_t id, int64_t key, str before, str after)
{
	struct trail_field f[] = {
		{ .name = "status", .before = SENSITIVE("open"), .after = SENSITIVE("solved"), .has_before = true, .has_after = true },
		{ .name = "subject", .before = HIDE(before), .after = HIDE(after), .has_before = true, .has_after = true },
		{ .name = "comment.public", .after = SENSITIVE("a text that is kept elsewhere"), .has_after = true,
		  .commit_only = true },
	};

	return t_append(cx, &(struct event){ .action = "ticket.update", .object = "ticket", .id = id, .key = key, .field = f,
	    .count = COUNT(f), .cause = "trigger:55" });
}

static enum err UNUSED
t_new_key_in(struct ctx *cx, void *arg)
{
	return store_key_new(cx, arg);
}

static int64_t UNUSED
t_new_key(struct ctx *cx)
{
	int64_t key = 0;

	if (store_write(cx, t_new_key_in, &key) != OK)
		exit(1);
	return key;
}

#endif
