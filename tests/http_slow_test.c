/* Connections that make no progress are closed, however busy they look. A
 * client here sends a byte every 50 ms, which an inactivity timeout never ends. */
#include "http_help.h"

/* Limits a tenth of the documented ones; the answer's rate is higher, so that a
 * test need not take long. */
enum { HEAD_MS = 1000, BODY_MS = 1000, IDLE_MS = 1500 };

static struct http *plain, *tls;

static const struct {
	const char *why;
	const char *first;        /* sent at once; NULL: not even the TLS handshake */
	const char *drip;         /* then this, over and over; NULL: silence */
	int         at_least, at_most;   /* ms until the server closes */
} cases[] = {
	{ "silence after connecting", NULL, NULL, HEAD_MS, HEAD_MS + 2000 },
	{ "silence after the handshake", "", NULL, HEAD_MS, HEAD_MS + 2000 },
	{ "a request line in drips", "GET /", "a", HEAD_MS, HEAD_MS + 2000 },
	{ "header names in drips", "GET /echo HTTP/1.1\r\nHost: a\r\n", "a", HEAD_MS, HEAD_MS + 2000 },
	{ "header lines in drips", "GET /echo HTTP/1.1\r\nHost: a\r\n", "a: b\r\n", HEAD_MS, HEAD_MS + 2000 },
	{ "a body in drips", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", "a", BODY_MS, BODY_MS + 2000 },
	{ "a silent body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", NULL, BODY_MS, BODY_MS + 2000 },
	{ "a chunked body in drips", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n",
	    BODY_MS, BODY_MS + 2000 },
	{ "a body that begins fast", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
	    "0123456789012345678901234567890123456789012345678901234567890123456789", "a", BODY_MS, BODY_MS + 2000 },
	{ "trailers in drips", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n",
	    BODY_MS, BODY_MS + 2000 },
	{ "silence between requests", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", NULL, IDLE_MS, IDLE_MS + 2000 },
	{ "the next request line in drips", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /", "a", IDLE_MS, IDLE_MS + 2000 },
	{ "the next header in drips", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n", "a", HEAD_MS, HEAD_MS + 2000 },
	{ "empty lines for ever", "", "\r\n", HEAD_MS, HEAD_MS + 2000 },
	{ "a refused body that goes on", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", "a",
	    HEAD_MS, HEAD_MS + 2000 },
};

/* Reads and throws away. False at the end of the connection. */
static bool
still_open(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 1) {
		if (c->tls == NULL) {
			if (recv(c->fd, c->buf, sizeof(c->buf), 0) <= 0)
				return false;
		} else {
			ssize_t got = gnutls_record_recv(c->tls, c->buf, sizeof(c->buf));

			if (got == 0 || (got < 0 && gnutls_error_is_fatal((int)got)))
				return false;
		}
	}
	return true;
}

/* How long each connection lasted, -1: for ever; [i][1] is over TLS. All are
 * watched at once, each by a thread, before the first test. */
static usec lasted[COUNT(cases)][2];

static void *
watch(void *arg)
{
	usec *result = arg, began, took = 0;
	size_t i = (size_t)(result - lasted[0]) / 2;
	bool with_tls = (result - lasted[0]) % 2, open = true;
	struct client *c = malloc(sizeof(*c));

	client_open(c, http_port(with_tls ? tls : plain), with_tls && cases[i].first != NULL);
	began = time_mono();
	if (cases[i].first != NULL)
		client_say(c, cases[i].first);
	while (open && took < (usec)cases[i].at_most * 1000 * 3) {
		usleep(50000);
		if (cases[i].drip != NULL)
			open = client_say(c, cases[i].drip);
		open = open && still_open(c);
		took = time_mono() - began;
	}
	*result = open ? -1 : took;
	client_close(c);
	free(c);
	return NULL;
}

static void
watch_all(void)
{
	pthread_t t[2 * COUNT(cases)];
	struct http_stats st;

	for (size_t k = 0; k < COUNT(t); k++)
		pthread_create(&t[k], NULL, watch, &lasted[k / 2][k % 2]);
	for (size_t k = 0; k < COUNT(t); k++)
		pthread_join(t[k], NULL);
	for (int i = 0; i < 100; i++) {         /* and they are forgotten */
		http_stats(plain, &st);
		uint64_t left = st.open;

		http_stats(tls, &st);
		if (left + st.open == 0)
			return;
		usleep(10000);
	}
	print_error("connections are left open\n");
	exit(1);
}

static void
run(void **state)
{
	size_t i = ROW(state);

	for (int t = 0; t < 2; t++) {
		assert_true(lasted[i][t] >= (usec)(cases[i].at_least - 100) * 1000);
		assert_true(lasted[i][t] <= (usec)cases[i].at_most * 1000);
	}
}

/* Slow but honest: above the rate, for longer than the span. */
static void
steady_body_is_let_in(void **state)
{
	static struct client c;
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n");
		for (int i = 0; i < 40; i++) {
			char piece[200] = { 0 };

			assert_true(client_send(&c, piece, sizeof(piece)));
			usleep(50000);
		}
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_int_equal(strtol(a.body, NULL, 10), 8000);
		answer_free(&a);
		client_close(&c);
	}
}

/* The handler's own time is nobody's fault. */
static void
slow_handler_is_not_swept(void **state)
{
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		ask(http_port(t ? tls : plain), t, "GET /sleep/2000 HTTP/1.1\r\nHost: a\r\n\r\n", &a);
		assert_int_equal(a.status, 200);
		assert_string_equal(a.body, "slept");
		answer_free(&a);
	}
}

/* An answer that nobody takes: asks for 30 MB and reads a little now and then. */
static void
answer_in_sips(void **state)
{
	static struct client c;
	struct http_conf conf = { .plain = true, .idle_for = SECOND, .body_rate = 20000000 };
	struct http *h = server(&conf);
	struct http_stats st = { .open = 1 };
	int small = 4096;
	usec began;

	(void)state;
	client_open(&c, http_port(h), false);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_say(&c, "GET /blob/30000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	began = time_mono();
	while (st.open > 0 && time_mono() - began < 10 * SECOND) {
		usleep(50000);
		recv(c.fd, c.buf, 100, MSG_DONTWAIT);
		http_stats(h, &st);
	}
	assert_int_equal(st.open, 0);
	assert_true(time_mono() - began >= SECOND);
	assert_true(time_mono() - began < 6 * SECOND);
	client_close(&c);
	http_stop(&h, 0);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + 8];
	struct place p;
	size_t n = 0;
	int failed;

	place_make(&p);
	struct http_conf conf = { .plain = true, .head_for = HEAD_MS * 1000, .body_for = BODY_MS * 1000,
	    .idle_for = IDLE_MS * 1000, .body_rate = 2000 };
	plain = server(&conf);
	conf.plain = false;
	conf.cert_file = p.cert;
	conf.key_file = p.key;
	tls = server(&conf);
	watch_all();
	ADD_ROWS(t, n, cases, run);
	ADD(t, n, steady_body_is_let_in);
	ADD(t, n, slow_handler_is_not_swept);
	ADD(t, n, answer_in_sips);
	failed = RUN_ROWS("http slow", t, n);
	http_stop(&plain, SECOND);
	http_stop(&tls, SECOND);
	place_remove(&p);
	return failed;
}
