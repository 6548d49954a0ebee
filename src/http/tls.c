/* tls.c - certificates, session tickets, and the packets of an answer.
 *
 * A certificate is chosen per handshake through a callback, so a reload is a
 * pointer swapped. GnuTLS keeps using what it was given until that handshake
 * ends; the sweeper ends every handshake after head_for, so a retired
 * certificate is freed once it is older than that.
 *
 * libmicrohttpd hands head and body of an answer to GnuTLS one after the
 * other, and each became a packet of its own and a wake-up of the client. Our
 * push function keeps the head's record back until the body's first record
 * comes, which libmicrohttpd sends at once, and writes both with one call.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/wire.h"

/* TLS 1.2 and 1.3, forward secrecy and AEAD only (NIST SP 800-52r2, 3.3). X25519
 * first, because clients send a share of it unasked: another choice costs them
 * a round trip and both sides a second share. */
const char tls_priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
	":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
	":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
	":-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305"
	":-MAC-ALL:+AEAD:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE";

/* ---- certificates ----------------------------------------------------------------------------- */

static void
cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->chain_count; i++)
		gnutls_pcert_deinit(&c->chain[i]);
	if (c->key != NULL)
		gnutls_privkey_deinit(c->key);
	free(c);
}

/* Fills an empty cert. Returns what is wrong, or NULL. */
static const char *
cert_import(struct cert *c, str chain, str key)
{
	gnutls_datum_t chain_pem = { (unsigned char *)chain.p, (unsigned)chain.n };
	gnutls_datum_t key_pem = { (unsigned char *)key.p, (unsigned)key.n };
	unsigned char theirs[64], ours[64];
	size_t theirs_n = sizeof(theirs), ours_n = sizeof(ours);
	unsigned count = COUNT(c->chain);
	gnutls_pubkey_t pub;
	int bad_id;

	if (gnutls_pcert_list_import_x509_raw(c->chain, &count, &chain_pem, GNUTLS_X509_FMT_PEM, 0) < 0)
		return "is not a PEM certificate";
	c->chain_count = count;
	if (count == 0 || gnutls_privkey_init(&c->key) < 0 ||
	    gnutls_privkey_import_x509_raw(c->key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)
		return "is not a PEM private key";
	if (gnutls_pubkey_init(&pub) < 0)
		return "cannot be used";
	bad_id = gnutls_pubkey_import_privkey(pub, c->key, 0, 0) < 0 ||
	    gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, ours, &ours_n) < 0 ||
	    gnutls_pubkey_get_key_id(c->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, theirs, &theirs_n) < 0;
	gnutls_pubkey_deinit(pub);
	if (bad_id || ours_n != theirs_n || memcmp(ours, theirs, ours_n) != 0)
		return "does not belong to the certificate";
	return NULL;
}

/* file_read(), with the setting's name instead of the file's trouble. */
static enum err
read_pem(struct ctx *cx, struct arena *a, const char *file, const char *setting, str *out)
{
	struct ctx own = { .arena = a };

	if (file == NULL || file_read(&own, file, MiB, out) != OK)
		return fail(cx, E_INVALID, setting, "cannot be read");
	return OK;
}

static void
arena_cleanup(struct arena **a)
{
	arena_free(a);
}

enum err
tls_load(struct ctx *cx, struct http *h)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new();   /* wiped: it holds the key */
	struct cert *fresh, *old;
	const char *why, *field;
	str chain, key;

	TRY(read_pem(cx, a, h->conf.cert_file, "cert_file", &chain));
	TRY(read_pem(cx, a, h->conf.key_file, "key_file", &key));
	if ((fresh = calloc(1, sizeof(*fresh))) == NULL)
		return fail(cx, E_FAULT, "cert_file", "out of memory");
	if ((why = cert_import(fresh, chain, key)) != NULL) {
		field = fresh->chain_count == 0 ? "cert_file" : "key_file";
		cert_free(fresh);
		return fail(cx, E_INVALID, field, why);
	}

	pthread_mutex_lock(&h->cert_lock);
	old = atomic_exchange(&h->cert, fresh);
	if (old != NULL) {
		old->retired_at = time_mono();
		old->next = h->retired;
		h->retired = old;
	}
	pthread_mutex_unlock(&h->cert_lock);
	return OK;
}

void
tls_forget(struct http *h, usec retired_before)
{
	struct cert **link = &h->retired, *c;

	pthread_mutex_lock(&h->cert_lock);
	while ((c = *link) != NULL) {
		if (c->retired_at >= retired_before) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		cert_free(c);
	}
	if (retired_before == INT64_MAX)
		cert_free(atomic_exchange(&h->cert, NULL));
	pthread_mutex_unlock(&h->cert_lock);
}

/* gnutls_certificate_retrieve_function2; the session's pointer is
 * libmicrohttpd's connection. */
int
tls_choose_cert(gnutls_session_t s, const gnutls_datum_t *ca, int ca_count,
    const gnutls_pk_algorithm_t *algos, int algo_count, gnutls_pcert_st **chain,
    unsigned *chain_count, gnutls_privkey_t *key)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(gnutls_session_get_ptr(s), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = info != NULL ? info->socket_context : NULL;
	struct cert *cert;

	(void)ca;
	(void)ca_count;
	(void)algos;
	(void)algo_count;
	if (c == NULL || (cert = atomic_load(&c->h->cert)) == NULL)
		return -1;
	*chain = cert->chain;
	*chain_count = cert->chain_count;
	*key = cert->key;
	return 0;
}

/* ---- records ---------------------------------------------------------------------------------- */

enum { VECS = 16 };

/* gnutls_vec_push_func. What GnuTLS is told was taken is either in the socket
 * or held; held bytes leave before any later ones. */
static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int count)
{
	struct conn *c = ptr;
	struct iovec v[VECS + 1];
	struct msghdr m = { .msg_iov = v };
	size_t total = 0, left = c->held_n - c->held_at;
	bool hold = c->hold;
	ssize_t put;

	if (count > VECS)
		count = VECS;
	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	c->hold = false;
	if (hold && left == 0 && total <= sizeof(c->held)) {
		c->held_at = c->held_n = 0;
		for (int i = 0; i < count; i++) {
			memcpy(c->held + c->held_n, iov[i].iov_base, iov[i].iov_len);
			c->held_n += iov[i].iov_len;
		}
		return (ssize_t)total;
	}
	if (left > 0)
		v[m.msg_iovlen++] = (struct iovec){ c->held + c->held_at, left };
	for (int i = 0; i < count; i++)
		v[m.msg_iovlen++] = (struct iovec){ iov[i].iov_base, iov[i].iov_len };
	put = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	if (put < 0 || left == 0)
		return put;
	if ((size_t)put <= left) {
		c->held_at += (size_t)put;
		errno = EAGAIN;
		return -1;
	}
	c->held_at = c->held_n = 0;
	return put - (ssize_t)left;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *data, size_t n)
{
	struct conn *c = ptr;

	return recv(c->fd, data, n, 0);
}

/* Before the handshake. libmicrohttpd has set the session up to read and write
 * by the socket's number. */
void
tls_attach(struct conn *c, struct MHD_Connection *mc)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (info == NULL || info->tls_session == NULL)
		return;
	c->tls = info->tls_session;
	gnutls_transport_set_ptr(c->tls, c);
	gnutls_transport_set_pull_function(c->tls, pull);
	gnutls_transport_set_vec_push_function(c->tls, push);
	gnutls_session_ticket_enable_server(c->tls, &c->h->ticket_key);
}
