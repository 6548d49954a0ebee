/* http_help.h - a server with a handler that shows what it got, and small raw
 * clients, for tests/http_*_test.c.
 *
 * Paths the handler knows: /echo (method, path, query and a few headers as
 * lines), /body (size and a checksum of the body), /text/N (N bytes of text),
 * /blob/N (N bytes, no text type), /status/N, /sleep/MS, /heads (headers with
 * CR and LF in them), /nothing (leaves the reply empty), /flood (more than a
 * reply may hold), /etag, /closing.
 */
#ifndef TESTS_HTTP_HELP_H
#define TESTS_HTTP_HELP_H

#include "rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "http/http.h"

/* cmocka's fail_msg() needs its fail(), whose name base.h has. */
#define broken(...) do { print_error(__VA_ARGS__); _fail(__FILE__, __LINE__); } while (0)

/* ---- certificate -------------------------------------------------------------------------------- */

struct place { char dir[64], cert[96], key[96]; };

UNUSED static void
save(const char *path, const gnutls_datum_t *d)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0 && write(fd, d->data, d->size) == (ssize_t)d->size);
	close(fd);
}

/* A self-signed certificate for "localhost" with the given serial number. */
UNUSED static void
make_cert(const char *cert, const char *key, unsigned char serial)
{
	gnutls_x509_privkey_t k;
	gnutls_x509_crt_t c;
	gnutls_datum_t pem;

	assert_int_equal(gnutls_x509_privkey_init(&k), 0);
	assert_int_equal(gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	assert_int_equal(gnutls_x509_crt_init(&c), 0);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, &serial, 1);
	gnutls_x509_crt_set_activation_time(c, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(c, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(c, "CN=localhost", NULL);
	gnutls_x509_crt_set_key(c, k);
	assert_int_equal(gnutls_x509_crt_sign2(c, c, k, GNUTLS_DIG_SHA256, 0), 0);
	if (cert != NULL) {
		assert_int_equal(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_PEM, &pem), 0);
		save(cert, &pem);
		gnutls_free(pem.data);
	}
	if (key != NULL) {
		assert_int_equal(gnutls_x509_privkey_export2(k, GNUTLS_X509_FMT_PEM, &pem), 0);
		save(key, &pem);
		gnutls_free(pem.data);
	}
	gnutls_x509_crt_deinit(c);
	gnutls_x509_privkey_deinit(k);
}

UNUSED static void
place_make(struct place *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/ward-http-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->cert, sizeof(p->cert), "%s/cert.pem", p->dir);
	snprintf(p->key, sizeof(p->key), "%s/key.pem", p->dir);
	make_cert(p->cert, p->key, 1);
}

UNUSED static void
place_remove(struct place *p)
{
	unlink(p->cert);
	unlink(p->key);
	rmdir(p->dir);
}

/* ---- handler ------------------------------------------------------------------------------------ */

static _Atomic int handled, handling, most_at_once;
static _Atomic size_t admit_bytes = 1 << 20;

static size_t
admit(void *arg, struct http_req *rq)
{
	(void)arg;
	assert_true(rq->path.n > 0);
	if (str_starts(rq->path, S("/stall")))       /* what no admit may do: holds up its wire thread */
		usleep(200000);
	return admit_bytes;
}

static uint32_t
checksum(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return h;
}

static void
echo(struct http_req *rq, struct buf *b)
{
	buf_fmt(b, "method %d\npath %zu " STR_F "\nquery " STR_F "\n", (int)rq->method, rq->path.n,
	    STR_A(rq->path), STR_A(rq->raw_query));
	for (int i = 0; i < rq->query_count; i++)
		buf_fmt(b, "param " STR_F "=" STR_F "\n", STR_A(rq->query[i].name), STR_A(rq->query[i].value));
	buf_fmt(b, "address " STR_F "\nhost " STR_F "\nsecure %d\n", STR_A(rq->address), STR_A(rq->host),
	    rq->secure);
	buf_fmt(b, "agent " STR_F "\n", STR_A(http_header(rq, "user-agent")));
	buf_fmt(b, "cookie " STR_F "\n", STR_A(http_cookie(rq, "sid")));
	buf_fmt(b, "body " STR_F "\n", STR_A(rq->body));
}

static void
fill(struct buf *b, size_t n)
{
	static const char line[] = "The quick brown fox jumps over the lazy dog, again and again.\n";

	while (b->n < n)
		buf_add(b, str_sub(str_of(line), 0, n - b->n));
}

static void
handle(void *arg, struct arena *a, struct http_req *rq, struct http_reply *rp)
{
	str path = rq->path, first;
	int64_t n = 0;
	int now = ++handling, most = most_at_once;

	(void)arg;
	handled++;
	while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
		;
	str_cut(&path, '/');
	first = str_cut(&path, '/');
	str_int(path, &n);
	rp->status = 200;
	rp->type = "text/plain; charset=utf-8";
	if (str_eq(first, S("body"))) {
		buf_fmt(&rp->body, "%zu %08x", rq->body.n, checksum(rq->body.p, rq->body.n));
	} else if (str_eq(first, S("text"))) {
		fill(&rp->body, (size_t)n);
	} else if (str_eq(first, S("blob"))) {
		rp->type = "application/octet-stream";
		fill(&rp->body, (size_t)n);
	} else if (str_eq(first, S("status"))) {
		rp->status = (int)n;
		buf_add(&rp->body, S("a body that a 204 and a 304 must not have"));
		http_head(rp, "X-Kept", S("yes"));
	} else if (str_eq(first, S("sleep"))) {
		usleep((useconds_t)n * 1000);
		buf_add(&rp->body, S("slept"));
	} else if (str_eq(first, S("heads"))) {
		http_head(rp, "X-One", S("a\r\nX-Two: b"));
		http_head(rp, "X-Nul", (str){ "c\0d", 3 });
		http_head(rp, "X-Empty", S(""));
		http_head(rp, "Set-Cookie", S("one=1"));
		http_head(rp, "Set-Cookie", str_printf(a, "two=%d", 2));
	} else if (str_eq(first, S("nothing"))) {
		rp->status = 0;
	} else if (str_eq(first, S("flood"))) {
		while (!rp->body.over)
			buf_add(&rp->body, (str){ (const char *)rq, 4096 < sizeof(*rq) ? 4096 : sizeof(*rq) });
	} else if (str_eq(first, S("etag"))) {
		http_head(rp, "ETag", S("\"abc\""));
		fill(&rp->body, 4000);
	} else if (str_eq(first, S("closing"))) {
		rp->close = true;
		buf_add(&rp->body, S("bye"));
	} else {
		echo(rq, &rp->body);
	}
	handling--;
}

UNUSED static struct http *
server(struct http_conf *conf)
{
	struct http *h = NULL;
	struct ctx cx;

	ctx_init(&cx, NULL, 1);
	if (conf->listen == NULL)
		conf->listen = "127.0.0.1:0";
	conf->admit = admit;
	conf->handle = handle;
	if (http_start(&cx, conf, &h) != OK)
		broken("http_start: %s %s", cx.fail.field != NULL ? cx.fail.field : "", cx.fail.why);
	ctx_done(&cx);
	return h;
}

/* ---- client ------------------------------------------------------------------------------------- */

enum { PATIENCE = 20000 };   /* ms; a test that waits longer has failed */

struct client {
	int              fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t cred;
	char             buf[64 << 10];    /* read but not used yet */
	size_t           n;
};

struct answer {
	int    status;
	bool   eof_first;     /* the connection ended before a whole head */
	bool   torn;          /* or before a whole body */
	char   head[16 << 10];
	char  *body;
	size_t body_n;
};

UNUSED static int
dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Returns what the handshake returned. */
UNUSED static int
client_shake(struct client *c, const char *priorities, const gnutls_datum_t *resume)
{
	int r;

	gnutls_certificate_allocate_credentials(&c->cred);
	gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	assert_int_equal(gnutls_priority_set_direct(c->tls, priorities != NULL ? priorities : "NORMAL", NULL), 0);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->cred);
	gnutls_transport_set_int(c->tls, c->fd);
	gnutls_handshake_set_timeout(c->tls, PATIENCE);
	if (resume != NULL)
		gnutls_session_set_data(c->tls, resume->data, resume->size);
	do
		r = gnutls_handshake(c->tls);
	while (r < 0 && !gnutls_error_is_fatal(r));
	return r;
}

UNUSED static void
client_open(struct client *c, int port, bool tls)
{
	memset(c, 0, offsetof(struct client, buf));
	c->n = 0;
	c->fd = dial(port);
	if (tls)
		assert_int_equal(client_shake(c, NULL, NULL), 0);
}

UNUSED static void
client_close(struct client *c)
{
	if (c->tls != NULL) {
		gnutls_deinit(c->tls);
		gnutls_certificate_free_credentials(c->cred);
	}
	close(c->fd);
	c->tls = NULL;
	c->fd = -1;
}

/* False when the server has closed. */
UNUSED static bool
client_send(struct client *c, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = c->tls != NULL ? gnutls_record_send(c->tls, at, n) :
		    send(c->fd, at, n, MSG_NOSIGNAL);

		if (put == GNUTLS_E_AGAIN || put == GNUTLS_E_INTERRUPTED)
			continue;
		if (put <= 0)
			return false;
		at += put;
		n -= (size_t)put;
	}
	return true;
}

UNUSED static bool
client_say(struct client *c, const char *z)
{
	return client_send(c, z, strlen(z));
}

/* More bytes into c->buf. 0 at the end of the connection, also a torn one. */
static size_t
client_more(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	ssize_t got;

	do {
		if ((c->tls == NULL || gnutls_record_check_pending(c->tls) == 0) && poll(&p, 1, PATIENCE) <= 0)
			broken("no answer in %d ms", PATIENCE);
		got = c->tls != NULL ? gnutls_record_recv(c->tls, c->buf + c->n, sizeof(c->buf) - c->n) :
		    recv(c->fd, c->buf + c->n, sizeof(c->buf) - c->n, 0);
	} while (c->tls != NULL && got < 0 && !gnutls_error_is_fatal((int)got));
	if (got <= 0)
		return 0;
	c->n += (size_t)got;
	return (size_t)got;
}

static void
client_drop(struct client *c, size_t n)
{
	memmove(c->buf, c->buf + n, c->n - n);
	c->n -= n;
}

/* The value of a header of the answer, or NULL. Points to static memory. */
UNUSED static const char *
head_of(const struct answer *a, const char *name)
{
	static _Thread_local char value[4096];
	const char *p = a->head, *end;
	size_t n = strlen(name);

	while ((p = strstr(p, "\r\n")) != NULL) {
		p += 2;
		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			for (p += n + 1; *p == ' '; p++)
				;
			end = strstr(p, "\r\n");
			snprintf(value, sizeof(value), "%.*s", (int)(end - p), p);
			return value;
		}
	}
	return NULL;
}

UNUSED static void
answer_free(struct answer *a)
{
	free(a->body);
	a->body = NULL;
}

/* Reads one answer, which may be torn; to_head says that no body comes (HEAD). */
UNUSED static void
client_read_any(struct client *c, struct answer *a, bool to_head)
{
	const char *end, *v;
	size_t want = 0, take, cap = 0;
	bool to_eof = false;

	*a = (struct answer){ .status = 0 };
	while ((end = memmem(c->buf, c->n, "\r\n\r\n", 4)) == NULL)
		if (client_more(c) == 0) {
			a->eof_first = true;
			return;
		}
	take = (size_t)(end - c->buf) + 4;
	assert_true(take < sizeof(a->head));
	memcpy(a->head, c->buf, take);
	client_drop(c, take);
	assert_true(strncmp(a->head, "HTTP/1.1 ", 9) == 0);
	a->status = (int)strtol(a->head + 9, NULL, 10);
	if (to_head || a->status < 200 || a->status == 204 || a->status == 304)
		return;
	if ((v = head_of(a, "Content-Length")) != NULL)
		want = strtoul(v, NULL, 10);
	else
		to_eof = true;
	while (to_eof || a->body_n < want) {
		if (c->n == 0 && client_more(c) == 0)
			break;
		take = !to_eof && c->n > want - a->body_n ? want - a->body_n : c->n;
		if (a->body_n + take + 1 > cap)
			a->body = realloc(a->body, cap = 2 * (a->body_n + take + 1));
		memcpy(a->body + a->body_n, c->buf, take);
		a->body_n += take;
		client_drop(c, take);
	}
	if (a->body == NULL)
		a->body = calloc(1, 1);
	a->body[a->body_n] = 0;
	a->torn = !to_eof && a->body_n != want;
}

UNUSED static void
client_read(struct client *c, struct answer *a, bool to_head)
{
	client_read_any(c, a, to_head);
	assert_false(a->torn);
}

/* True when the server closes within the time (and sends nothing more). */
UNUSED static bool
client_closed(struct client *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && client_more(c) == 0;
}

/* One request on a fresh connection. */
UNUSED static void
ask(int port, bool tls, const char *request, struct answer *a)
{
	static _Thread_local struct client c;

	client_open(&c, port, tls);
	client_say(&c, request);
	client_read(&c, a, strncmp(request, "HEAD", 4) == 0);
	client_close(&c);
}

#endif
