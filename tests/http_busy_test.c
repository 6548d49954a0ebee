/* Many at once, stopping, and certificates that change under way. */
#include "http_help.h"

#define GET_SMALL "GET /text/2000 HTTP/1.1\r\nHost: a\r\n\r\n"

static struct place place;

/* ---- many connections ----------------------------------------------------------------------------- */

/* All connections ask at the same moment, and again when all have their
 * answer. With epoll, libmicrohttpd 0.9.75 slept through exactly 128 events. */
static void
rounds(bool with_tls, int conns, int count)
{
	struct http_conf conf = { .plain = !with_tls, .cert_file = place.cert, .key_file = place.key };
	struct http *h = server(&conf);
	struct client *c = calloc((size_t)conns, sizeof(*c));
	struct http_stats st;
	struct answer a;
	usec began, worst = 0;

	assert_non_null(c);
	for (int i = 0; i < conns; i++)
		client_open(&c[i], http_port(h), with_tls);
	for (int r = 0; r < count; r++) {
		began = time_mono();
		for (int i = 0; i < conns; i++)
			assert_true(client_say(&c[i], GET_SMALL));
		for (int i = 0; i < conns; i++) {
			client_read(&c[i], &a, false);
			assert_int_equal(a.status, 200);
			assert_int_equal(a.body_n, 2000);
			answer_free(&a);
		}
		if (time_mono() - began > worst)
			worst = time_mono() - began;
	}
	http_stats(h, &st);
	assert_int_equal(st.open, conns);
	assert_int_equal(st.requests, conns * count);
	assert_true(worst < 5 * SECOND);
	for (int i = 0; i < conns; i++)
		client_close(&c[i]);
	free(c);
	http_stop(&h, SECOND);
}

static void
exactly_128(void **state)
{
	(void)state;
	rounds(false, 128, 40);
	rounds(true, 128, 20);
}

static void
exactly_256(void **state)
{
	(void)state;
	rounds(false, 256, 20);
	rounds(true, 256, 10);
}

static void
around_128(void **state)
{
	(void)state;
	rounds(false, 127, 10);
	rounds(false, 129, 10);
}

/* One wire thread is held up while all ask, so that it finds exactly so many
 * connections ready at once when it looks again. */
static void
ready_at_once(void **state)
{
	enum { MOST = 257 };
	static const int counts[] = { 126, 127, 128, 129, 255, 256, 257 };
	struct http_conf conf = { .plain = true, .wire_threads = 1 };
	struct http *h = server(&conf);
	struct client *c = calloc(MOST, sizeof(*c)), *holder = calloc(1, sizeof(*holder));
	struct answer a;
	usec began;

	(void)state;
	client_open(holder, http_port(h), false);
	for (int i = 0; i < MOST; i++)
		client_open(&c[i], http_port(h), false);
	for (size_t k = 0; k < 2 * COUNT(counts); k++) {
		client_say(holder, "POST /stall HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
		usleep(50000);
		began = time_mono();
		for (int i = 0; i < counts[k / 2]; i++)
			assert_true(client_say(&c[i], GET_SMALL));
		if (k % 2 == 0)
			client_say(holder, "x");
		for (int i = 0; i < counts[k / 2]; i++) {
			client_read(&c[i], &a, false);
			assert_int_equal(a.status, 200);
			answer_free(&a);
		}
		assert_true(time_mono() - began < 5 * SECOND);
		if (k % 2 == 1)
			client_say(holder, "x");
		client_read(holder, &a, false);
		assert_int_equal(a.status, 200);
		answer_free(&a);
	}
	for (int i = 0; i < MOST; i++)
		client_close(&c[i]);
	client_close(holder);
	free(holder);
	free(c);
	http_stop(&h, SECOND);
}

/* 200 handlers sleep at the same time, and the wire threads go on serving. */
static void
slow_handlers(void **state)
{
	enum { N = 200, EACH = 500 };
	struct http_conf conf = { .plain = true, .workers = N + 4 };
	struct http *h = server(&conf);
	struct client *c = calloc(N, sizeof(*c));
	char request[64];
	struct answer a;
	usec began = time_mono();

	(void)state;
	most_at_once = 0;
	snprintf(request, sizeof(request), "GET /sleep/%d HTTP/1.1\r\nHost: a\r\n\r\n", EACH);
	for (int i = 0; i < N; i++) {
		client_open(&c[i], http_port(h), false);
		client_say(&c[i], request);
	}
	ask(http_port(h), false, GET_SMALL, &a);
	assert_int_equal(a.status, 200);
	assert_true(time_mono() - began < EACH * 1000 + SECOND);
	answer_free(&a);
	for (int i = 0; i < N; i++) {
		client_read(&c[i], &a, false);
		assert_int_equal(a.status, 200);
		answer_free(&a);
		client_close(&c[i]);
	}
	assert_true(most_at_once > N / 2);
	assert_true(time_mono() - began < 5 * EACH * 1000);
	free(c);
	http_stop(&h, SECOND);
}

/* More requests than workers: the rest waits its turn. */
static void
more_requests_than_workers(void **state)
{
	enum { N = 40 };
	struct http_conf conf = { .plain = true, .workers = 4 };
	struct http *h = server(&conf);
	struct client *c = calloc(N, sizeof(*c));
	struct answer a;

	(void)state;
	most_at_once = 0;
	for (int i = 0; i < N; i++) {
		client_open(&c[i], http_port(h), false);
		client_say(&c[i], "GET /sleep/20 HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	for (int i = 0; i < N; i++) {
		client_read(&c[i], &a, false);
		assert_int_equal(a.status, 200);
		answer_free(&a);
		client_close(&c[i]);
	}
	assert_int_equal(most_at_once, 4);
	free(c);
	http_stop(&h, SECOND);
}

static void
connection_limits(void **state)
{
	struct http_conf conf = { .plain = true, .max_connections = 40 };   /* 10 of one address */
	struct http *h = server(&conf);
	static struct client c[12];
	struct answer a;
	int served = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(c); i++) {
		client_open(&c[i], http_port(h), false);
		client_say(&c[i], GET_SMALL);
		client_read(&c[i], &a, false);
		served += a.status == 200;
		answer_free(&a);
	}
	assert_int_equal(served, 10);
	client_close(&c[0]);
	usleep(200000);
	ask(http_port(h), false, GET_SMALL, &a);      /* a place became free */
	assert_int_equal(a.status, 200);
	answer_free(&a);
	for (size_t i = 1; i < COUNT(c); i++)
		client_close(&c[i]);
	http_stop(&h, SECOND);
}

/* Clients that leave in the middle of everything. */
static void
clients_that_leave(void **state)
{
	static const char *const words[] = {
		"", "GET /te", "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nabc",
		"GET /sleep/20 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /blob/3000000 HTTP/1.1\r\nHost: a\r\n\r\n",
		GET_SMALL GET_SMALL GET_SMALL,
	};
	struct http_conf conf = { .cert_file = place.cert, .key_file = place.key };
	struct http *h = server(&conf);
	struct http_stats st = { .open = 1 };
	static struct client c;
	struct answer a;

	(void)state;
	for (int i = 0; i < 200; i++) {
		client_open(&c, http_port(h), i % 7 != 0);
		client_say(&c, words[(size_t)i % COUNT(words)]);
		if (i % 3 == 0)
			usleep(1000);
		client_close(&c);
	}
	ask(http_port(h), true, GET_SMALL, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	for (int i = 0; i < 300 && st.open > 0; i++) {
		http_stats(h, &st);
		usleep(10000);
	}
	assert_int_equal(st.open, 0);
	http_stop(&h, SECOND);
}

/* ---- stopping ------------------------------------------------------------------------------------- */

struct asked {
	int           port;
	const char   *request;
	struct answer a;
	pthread_t     thread;
};

static void *
ask_thread(void *arg)
{
	struct asked *q = arg;

	ask(q->port, true, q->request, &q->a);
	return NULL;
}

static void
stop_lets_requests_end(void **state)
{
	struct http_conf conf = { .cert_file = place.cert, .key_file = place.key };
	struct http *h = server(&conf);
	struct asked q[8] = { { .port = 0 } };
	static struct client idle;
	usec began;
	int port = http_port(h);

	(void)state;
	client_open(&idle, port, true);
	for (size_t i = 0; i < COUNT(q); i++) {
		q[i].port = port;
		q[i].request = "GET /sleep/600 HTTP/1.1\r\nHost: a\r\n\r\n";
		pthread_create(&q[i].thread, NULL, ask_thread, &q[i]);
	}
	while (handling < (int)COUNT(q))
		usleep(1000);
	began = time_mono();
	http_stop(&h, 5 * SECOND);
	assert_null(h);
	assert_true(time_mono() - began < 2 * SECOND);
	assert_int_equal(handling, 0);
	for (size_t i = 0; i < COUNT(q); i++) {
		pthread_join(q[i].thread, NULL);
		assert_int_equal(q[i].a.status, 200);
		assert_string_equal(head_of(&q[i].a, "Connection"), "close");
		answer_free(&q[i].a);
	}
	assert_true(client_closed(&idle, 2000));
	client_close(&idle);
	/* Nobody listens any more. */
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	close(fd);
}

/* The grace is over before the handlers: clients are cut off, what waited is
 * never begun, and http_stop() returns when no handler runs any more. */
static void
stop_cuts_off_after_grace(void **state)
{
	struct http_conf conf = { .cert_file = place.cert, .key_file = place.key, .workers = 2 };
	struct http *h = server(&conf);
	struct asked q[6] = { { .port = 0 } };
	usec began;
	int before = handled;

	(void)state;
	for (size_t i = 0; i < COUNT(q); i++) {
		q[i].port = http_port(h);
		q[i].request = "GET /sleep/1000 HTTP/1.1\r\nHost: a\r\n\r\n";
		pthread_create(&q[i].thread, NULL, ask_thread, &q[i]);
	}
	while (handling < 2)
		usleep(1000);
	usleep(300000);
	began = time_mono();
	http_stop(&h, SECOND / 10);
	assert_true(time_mono() - began < 2 * SECOND);
	assert_int_equal(handling, 0);
	assert_int_equal(handled - before, 2);
	for (size_t i = 0; i < COUNT(q); i++) {
		pthread_join(q[i].thread, NULL);
		assert_true(q[i].a.eof_first);
		answer_free(&q[i].a);
	}
}

static _Atomic bool hammering;

static void *
hammer(void *arg)
{
	struct client *c = calloc(1, sizeof(*c));
	struct answer a;

	while (hammering) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(*(uint16_t *)arg),
		    .sin_addr = { htonl(INADDR_LOOPBACK) } };

		c->n = 0;
		c->tls = NULL;
		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
			bool open = true;

			for (int i = 0; open && hammering && i < 50; i++) {
				open = client_say(c, i % 5 == 0 ? "GET /sleep/1 HTTP/1.1\r\nHost: a\r\n\r\n" : GET_SMALL);
				if (open) {
					client_read_any(c, &a, false);
					open = !a.eof_first && !a.torn;
					answer_free(&a);
				}
			}
		}
		close(c->fd);
	}
	free(c);
	return NULL;
}

/* Stopping while requests keep coming, over and over. */
static void
stop_under_load(void **state)
{
	pthread_t t[6];
	uint16_t port;

	(void)state;
	for (int i = 0; i < 15; i++) {
		struct http_conf conf = { .plain = true, .workers = 1 + i % 4, .wire_threads = 1 + i % 3 };
		struct http *h = server(&conf);

		port = (uint16_t)http_port(h);
		hammering = true;
		for (size_t k = 0; k < COUNT(t); k++)
			pthread_create(&t[k], NULL, hammer, &port);
		usleep(60000);
		http_stop(&h, i % 2 ? SECOND : 0);
		assert_int_equal(handling, 0);
		hammering = false;
		for (size_t k = 0; k < COUNT(t); k++)
			pthread_join(t[k], NULL);
	}
}

/* ---- certificates ---------------------------------------------------------------------------------- */

static int
serial_seen(struct client *c)
{
	unsigned count = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(c->tls, &count);
	unsigned char serial[20];
	size_t n = sizeof(serial);
	gnutls_x509_crt_t crt;

	assert_true(count == 1);
	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_crt_import(crt, list, GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(gnutls_x509_crt_get_serial(crt, serial, &n), 0);
	gnutls_x509_crt_deinit(crt);
	return serial[n - 1];
}

static void
reload(void **state)
{
	struct place p;
	struct http_conf conf;
	struct http *h;
	static struct client old, c;
	struct answer a;
	struct ctx cx;
	gnutls_datum_t junk = { (unsigned char *)(uintptr_t)"junk", 4 };

	(void)state;
	place_make(&p);
	conf = (struct http_conf){ .cert_file = p.cert, .key_file = p.key, .head_for = SECOND / 4 };
	h = server(&conf);
	client_open(&old, http_port(h), true);
	assert_int_equal(serial_seen(&old), 1);
	client_say(&old, GET_SMALL);
	client_read(&old, &a, false);
	answer_free(&a);

	make_cert(p.cert, p.key, 2);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(http_reload(&cx, h), OK);
	client_open(&c, http_port(h), true);
	assert_int_equal(serial_seen(&c), 2);
	client_say(&c, GET_SMALL);
	client_read(&c, &a, false);
	assert_int_equal(a.status, 200);
	answer_free(&a);
	client_close(&c);
	client_say(&old, GET_SMALL);                 /* who is connected does not notice */
	client_read(&old, &a, false);
	assert_int_equal(a.status, 200);
	answer_free(&a);

	make_cert(p.cert, NULL, 3);                  /* a certificate without its key */
	assert_int_equal(http_reload(&cx, h), E_INVALID);
	assert_string_equal(cx.fail.field, "key_file");
	fail_clear(&cx);
	save(p.cert, &junk);
	assert_int_equal(http_reload(&cx, h), E_INVALID);
	assert_string_equal(cx.fail.field, "cert_file");
	fail_clear(&cx);
	unlink(p.cert);
	assert_int_equal(http_reload(&cx, h), E_INVALID);
	client_open(&c, http_port(h), true);
	assert_int_equal(serial_seen(&c), 2);        /* the last good one stays */
	client_close(&c);
	client_close(&old);

	/* Many reloads beside many handshakes; the retired ones are freed. */
	fail_clear(&cx);
	for (unsigned char i = 10; i < 40; i++) {
		make_cert(p.cert, p.key, i);
		assert_int_equal(http_reload(&cx, h), OK);
		client_open(&c, http_port(h), true);
		assert_int_equal(serial_seen(&c), i);
		client_close(&c);
		usleep(60000);
	}
	ctx_done(&cx);
	http_stop(&h, 0);
	place_remove(&p);
}

static const struct {
	const char *why, *priorities;
	bool ok;
} versions[] = {
	{ "TLS 1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3", true },
	{ "TLS 1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2", true },
	{ "TLS 1.1 is refused", "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1", false },
	{ "TLS 1.0 is refused", "NORMAL:-VERS-ALL:+VERS-TLS1.0:%VERIFY_ALLOW_SIGN_WITH_SHA1", false },
	{ "CBC in TLS 1.2 is refused", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", false },
	{ "AES-128-GCM", "NORMAL:-CIPHER-ALL:+AES-128-GCM", true },
	{ "ChaCha20", "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305", true },
	{ "P-256", "NORMAL:-GROUP-ALL:+GROUP-SECP256R1", true },
	{ "X25519", "NORMAL:-GROUP-ALL:+GROUP-X25519", true },
};

static struct http *tls;

static void
version(void **state)
{
	size_t i = ROW(state);
	static struct client c;
	struct answer a;

	memset(&c, 0, sizeof(c));
	c.fd = dial(http_port(tls));
	assert_int_equal(client_shake(&c, versions[i].priorities, NULL) == 0, versions[i].ok);
	if (versions[i].ok) {
		client_say(&c, GET_SMALL);
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		answer_free(&a);
	}
	client_close(&c);
}

static void
resumption(void **state)
{
	static const char *const both[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2" };
	static struct client c;
	gnutls_datum_t session;
	struct answer a;

	(void)state;
	for (size_t i = 0; i < COUNT(both); i++) {
		memset(&c, 0, sizeof(c));
		c.fd = dial(http_port(tls));
		assert_int_equal(client_shake(&c, both[i], NULL), 0);
		assert_false(gnutls_session_is_resumed(c.tls));
		client_say(&c, GET_SMALL);               /* 1.3: the ticket comes before the answer */
		client_read(&c, &a, false);
		answer_free(&a);
		assert_int_equal(gnutls_session_get_data2(c.tls, &session), 0);
		client_close(&c);

		memset(&c, 0, sizeof(c));
		c.fd = dial(http_port(tls));
		assert_int_equal(client_shake(&c, both[i], &session), 0);
		assert_true(gnutls_session_is_resumed(c.tls));
		client_say(&c, GET_SMALL);
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		answer_free(&a);
		client_close(&c);
		gnutls_free(session.data);
	}
}

/* Plain HTTP spoken to the TLS port, and rubbish. */
static void
not_tls(void **state)
{
	static struct client c;
	char rubbish[4096];

	(void)state;
	client_open(&c, http_port(tls), false);
	client_say(&c, GET_SMALL);
	assert_true(poll(&(struct pollfd){ .fd = c.fd, .events = POLLIN }, 1, PATIENCE) == 1);
	while (client_more(&c) > 0)                  /* an alert, then the end */
		;
	assert_null(memmem(c.buf, c.n, "HTTP/1.1", 8));
	client_close(&c);
	for (int i = 0; i < 50; i++) {
		rand_bytes(rubbish, sizeof(rubbish));
		rubbish[0] = 22;                         /* looks like a handshake record */
		rubbish[1] = 3;
		client_open(&c, http_port(tls), false);
		client_send(&c, rubbish, sizeof(rubbish));
		client_close(&c);
	}
	struct answer a;
	ask(http_port(tls), true, GET_SMALL, &a);
	assert_int_equal(a.status, 200);
	answer_free(&a);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(versions) + 20];
	size_t n = 0;
	int failed;

	place_make(&place);
	struct http_conf conf = { .cert_file = place.cert, .key_file = place.key };
	tls = server(&conf);
	ADD(t, n, exactly_128);
	ADD(t, n, exactly_256);
	ADD(t, n, around_128);
	ADD(t, n, ready_at_once);
	ADD(t, n, slow_handlers);
	ADD(t, n, more_requests_than_workers);
	ADD(t, n, connection_limits);
	ADD(t, n, clients_that_leave);
	ADD(t, n, stop_lets_requests_end);
	ADD(t, n, stop_cuts_off_after_grace);
	ADD(t, n, stop_under_load);
	ADD(t, n, reload);
	ADD_ROWS(t, n, versions, version);
	ADD(t, n, resumption);
	ADD(t, n, not_tls);
	failed = RUN_ROWS("http busy", t, n);
	http_stop(&tls, SECOND);
	place_remove(&place);
	return failed;
}
