/* module: trail   max_len=40000
 *
 * An export that somebody changed. Twice: with real crypto and the key of the
 * corpus, whatever verifies must have the events of an export that this key
 * signed; and with crypto that agrees to everything, so that the readers
 * behind the checks are reached too, which must end without a fault and count
 * no more events than there are lines.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trail/trail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The exports of the corpus: their key, and how their chains end. */
static const unsigned char key[32] = {
	0x17, 0x64, 0x18, 0x2e, 0xa9, 0x3e, 0x44, 0xc1, 0x1a, 0xe4, 0x10, 0xe7, 0x0a, 0xd8, 0xda, 0x4f,
	0xe9, 0xdb, 0x93, 0x83, 0x62, 0x18, 0x11, 0xdd, 0x1d, 0xc3, 0xb5, 0x46, 0x0e, 0xcb, 0xc0, 0x1f,
};
static const struct { int64_t events; const char *head; } signed_once[] = {
	{ 24, "fa7993242595cf067f7527005c48ac4d855dc4bf59280bf43cb3ca7955e2e66f" },
	{ 26, "6ce870e8a9f970ce6ac5685776bf79b99b951ce837e43c81b8df3221188fd941" },
	{ 28, "ddb150af7896e2c4058139da3988687e1bccf1628f364b03ca4a02e04beb3019" },
	{ 30, "13e771a4eeb0df161df8ef1e9fdb3fa919300dc4785bb0815ada005c02da7e2f" },
	{ 4, "8aff018f6de19579676304c051c7bb79f65957142d0e00ef92dd250a1cafdf96" },
	{ 6, "29867d390b1053e5e34ef72199da00d633cce2d3842627fbf7c30a3c4a2be9b6" },
	{ 8, "37ffcfbbd23d855d9811c9811348ed906acf7bf8dc67ea025da70ecf37665c7c" },
	{ 10, "a623aa1d4c844c5062b2ac91d773661c8d9dcea81d56b70078b7c26334cc05d0" },
};

static void
real_sha256(str bytes, unsigned char out[32])
{
	unsigned n = 32;

	assert(EVP_Digest(bytes.p, bytes.n, out, &n, EVP_sha256(), NULL) == 1);
}

static bool
real_verify(const unsigned char pub[32], str bytes, const unsigned char sig[64])
{
	EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = k != NULL && c != NULL && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
	    EVP_DigestVerify(c, sig, 64, (const unsigned char *)bytes.p, bytes.n) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	return good;
}

static void
no_sha256(str bytes, unsigned char out[32])
{
	(void)bytes;
	memset(out, 0, 32);
}

static bool
no_verify(const unsigned char pub[32], str bytes, const unsigned char sig[64])
{
	(void)pub, (void)bytes, (void)sig;
	return true;
}

static const struct trail_crypto real = { .sha256 = real_sha256, .verify = real_verify };
static const struct trail_crypto none = { .sha256 = no_sha256, .verify = no_verify };

static bool
is_known(const struct trail_verdict *o)
{
	unsigned char head[32];

	for (size_t i = 0; i < COUNT(signed_once); i++)
		if (hex_to(str_of(signed_once[i].head), head, 32) && memcmp(head, o->head, 32) == 0 &&
		    o->events == signed_once[i].events)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sys sys;
	static int fd = -1;
	static char path[40];
	struct trail_verdict o;
	struct ctx cx;
	int64_t lines = 0;

	if (fd < 0)
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd = memfd_create("export", MFD_CLOEXEC));
	assert(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	ctx_init(&cx, &sys, 1);
	assert(trail_verify_file(&cx, &real, path, key, &o) == OK);
	assert(!o.ok || is_known(&o));
	assert(o.ok || o.why != NULL);
	assert(trail_verify_file(&cx, &none, path, NULL, &o) == OK);
	assert(o.events <= lines && o.checkpoints <= lines && o.bad_seq <= lines + 1);
	ctx_done(&cx);
	return 0;
}
