/* cert.c - the self-signed certificate that init makes (RFC 5280). */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

static bool
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX c;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&c);
	X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &c, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static str
bio_text(struct ctx *cx, BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	return str_dup(cx->arena, (str){ p, (size_t)n });
}

enum err
cert_make(struct ctx *cx, const char *cert_path, const char *key_path, const char *host)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *kb = BIO_new(BIO_s_mem()), *cb = BIO_new(BIO_s_mem());
	char machine[256] = "localhost";
	unsigned char serial[16];
	BIGNUM *bn = NULL;
	enum err e = E_FAULT;
	X509_NAME *name;
	str san;

	(void)gethostname(machine, sizeof machine - 1);
	rand_bytes(serial, sizeof serial);
	serial[0] &= 0x7f;
	san = str_printf(cx->arena, "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:%s%s%s", machine, host ? ",DNS:" : "",
	    host ? host : "");
	if (key == NULL || x == NULL || kb == NULL || cb == NULL)
		goto out;
	bn = BN_bin2bn(serial, sizeof serial, NULL);
	if (bn == NULL || X509_set_version(x, X509_VERSION_3) != 1 || BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) == NULL
	    || X509_gmtime_adj(X509_getm_notBefore(x), -300) == NULL
	    || X509_time_adj_ex(X509_getm_notAfter(x), 825, 0, NULL) == NULL || X509_set_pubkey(x, key) != 1)
		goto out;
	name = X509_get_subject_name(x);
	if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)(host ? host : "localhost"), -1, -1, 0) != 1
	    || X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Ward (self-signed)", -1, -1, 0) != 1
	    || X509_set_issuer_name(x, name) != 1)
		goto out;
	if (!add_ext(x, NID_subject_key_identifier, "hash") || !add_ext(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
	    || !add_ext(x, NID_key_usage, "critical,digitalSignature,keyCertSign")
	    || !add_ext(x, NID_ext_key_usage, "serverAuth")
	    || !add_ext(x, NID_subject_alt_name, str_z(cx->arena, san)))
		goto out;
	if (X509_sign(x, key, EVP_sha256()) == 0 || PEM_write_bio_X509(cb, x) != 1
	    || PEM_write_bio_PKCS8PrivateKey(kb, key, NULL, NULL, 0, NULL, NULL) != 1)
		goto out;
	e = file_write(cx, key_path, bio_text(cx, kb), 0600);
	if (e == OK)
		e = file_write(cx, cert_path, bio_text(cx, cb), 0644);
out:
	if (e != OK && cx->fail.why == NULL)
		e = fail(cx, E_FAULT, NULL, "the certificate cannot be made");
	BN_free(bn);
	BIO_free(kb);
	BIO_free(cb);
	X509_free(x);
	EVP_PKEY_free(key);
	return e;
}

enum err
cert_fingerprint(struct ctx *cx, const char *cert_path, str *out)
{
	unsigned char hash[32];
	struct buf b;
	str pem;
	BIO *in;
	X509 *x;
	unsigned n = 0;

	TRY(file_read(cx, cert_path, 256 * KiB, &pem));
	in = BIO_new_mem_buf(pem.p, (int)pem.n);
	x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	BIO_free(in);
	if (x == NULL || X509_digest(x, EVP_sha256(), hash, &n) != 1) {
		X509_free(x);
		return fail(cx, E_INVALID, "tls_cert", "the certificate file cannot be read as PEM");
	}
	X509_free(x);
	buf_init(&b, cx->arena, 256);
	for (unsigned i = 0; i < n; i++)
		buf_fmt(&b, "%s%02X", i ? ":" : "SHA256:", hash[i]);
	*out = buf_str(&b);
	return OK;
}
