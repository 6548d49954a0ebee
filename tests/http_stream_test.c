/* Answers that stay open: what is put arrives in order, nothing waits for a
 * slow reader, who reads nothing is dropped, a stop ends all of them. */
#include "http_help.h"

#include <signal.h>

enum { ROOM = 64 << 10, MANY = 40 };

static _Atomic(struct http_stream *) opened[MANY];
static _Atomic int count;

static void
open_stream(void *arg, struct arena *a, struct http_req *rq, struct http_reply *rp)
{
	(void)arg;
	(void)a;
	rp->status = 200;
	rp->type = "text/event-stream";
	if (str_starts(rq->path, S("/echo"))) {
		buf_add(&rp->body, S("echo"));
		return;
	}
	opened[count] = http_stream_new(rq, ROOM);
	assert_non_null(opened[count]);
	count++;
}

static struct http *
serve(bool plain, struct place *p)
{
	struct http_conf conf = { .listen = "127.0.0.1:0", .plain = plain, .cert_file = plain ? NULL : p->cert,
	    .key_file = plain ? NULL : p->key, .body_for = SECOND, .idle_for = 2 * SECOND, .admit = admit, .handle = open_stream };
	struct http *h = NULL;
	struct ctx cx;

	ctx_init(&cx, NULL, 1);
	count = 0;
	if (http_start(&cx, &conf, &h) != OK)
		broken("http_start: %s", cx.fail.why);
	ctx_done(&cx);
	return h;
}

static void
ask_for(struct client *c, int port, bool tls)
{
	int before = count;

	client_open(c, port, tls);
	assert_true(client_say(c, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
	for (int i = 0; i < 200 && count == before; i++)
		usleep(10000);
	assert_int_equal(count, before + 1);
}

/* Reads until `want` stands in what came; false at the end of the connection. */
static bool
hear(struct client *c, const char *want)
{
	c->buf[c->n] = 0;
	while (strstr(c->buf, want) == NULL) {
		if (c->n >= sizeof(c->buf) - 1)
			c->n = 0;
		if (client_more(c) == 0)
			return false;
		c->buf[c->n < sizeof(c->buf) ? c->n : sizeof(c->buf) - 1] = 0;
	}
	return true;
}

static bool
put(int i, const char *text)
{
	return http_stream_put(opened[i], str_of(text));
}

static void
end(int i)
{
	struct http_stream *s = opened[i];

	http_stream_end(&s);
	opened[i] = NULL;
}

static void
in_order(bool tls)
{
	struct place p;
	struct client c;
	struct http *h;

	if (tls)
		place_make(&p);
	h = serve(!tls, &p);
	ask_for(&c, http_port(h), tls);
	for (int round = 0; round < 50; round++) {
		char text[32];
		snprintf(text, sizeof(text), "event %d;", round);
		assert_true(put(0, text));
		if (round % 7 == 0)
			usleep(3000);                /* asleep between some, not between others */
	}
	assert_true(hear(&c, "event 49;"));
	assert_non_null(strstr(c.buf, "chunked"));
	for (char *at = c.buf, text[32], n = 0; n < 50; n++) {
		snprintf(text, sizeof(text), "event %d;", n);
		at = strstr(at, text);
		assert_non_null(at);
	}
	/* Longer than a connection may be idle: a stream that waits for us is not late. */
	usleep(3500000);
	assert_true(put(0, "still;"));
	assert_true(hear(&c, "still;"));
	end(0);
	assert_true(hear(&c, "0\r\n\r\n"));
	/* The connection serves on. */
	c.n = 0;
	assert_true(client_say(&c, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(hear(&c, "echo"));
	client_close(&c);
	http_stop(&h, SECOND);
	if (tls)
		place_remove(&p);
}

static void
plain_in_order(void **state)
{
	(void)state;
	in_order(false);
}

static void
tls_in_order(void **state)
{
	(void)state;
	in_order(true);
}

static void
slow_reader(void **state)
{
	static char block[16 << 10];
	struct client slow, good;
	struct http *h;
	size_t total = 0;
	usec began, longest = 0;

	(void)state;
	memset(block, 'x', sizeof(block) - 1);
	h = serve(true, NULL);
	ask_for(&slow, http_port(h), false);
	ask_for(&good, http_port(h), false);
	/* The system's own buffers take some megabytes; then what waits here has its end. */
	for (;;) {
		began = time_mono();
		if (!put(0, block))
			break;
		if (time_mono() - began > longest)
			longest = time_mono() - began;
		total += sizeof(block) - 1;
		assert_true(total < 64u << 20);
		usleep(200);
	}
	assert_true(longest < SECOND);           /* who puts does not wait for who reads */
	assert_false(put(0, "more"));
	assert_true(put(1, "others hear;"));
	assert_true(hear(&good, "others hear;"));
	end(0);
	while (client_more(&slow) > 0)           /* what was on its way, then the end */
		slow.n = 0;
	client_close(&slow);
	client_close(&good);
	end(1);
	http_stop(&h, SECOND);
}

static void
client_leaves(void **state)
{
	struct client c;
	struct http *h;
	bool there = true;

	(void)state;
	h = serve(true, NULL);
	ask_for(&c, http_port(h), false);
	assert_true(put(0, "hello;"));
	assert_true(hear(&c, "hello;"));
	client_close(&c);
	for (int i = 0; i < 100 && there; i++) {
		there = put(0, "beat");
		usleep(20000);
	}
	assert_false(there);
	end(0);
	http_stop(&h, SECOND);
}

static void
stopped(void **state)
{
	static struct client c[MANY];
	struct http *h;
	usec began;

	(void)state;
	h = serve(true, NULL);
	for (int i = 0; i < MANY; i++)
		ask_for(&c[i], http_port(h), false);
	for (int i = 0; i < MANY; i++) {
		assert_true(put(i, "hello;"));
		assert_true(hear(&c[i], "hello;"));
	}
	began = time_mono();
	http_stop(&h, 5 * SECOND);
	assert_true(time_mono() - began < 3 * SECOND);   /* not waited for */
	for (int i = 0; i < MANY; i++) {
		assert_false(put(i, "after"));
		end(i);
		client_close(&c[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_in_order), cmocka_unit_test(tls_in_order), cmocka_unit_test(slow_reader),
		cmocka_unit_test(client_leaves), cmocka_unit_test(stopped),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http stream", tests, NULL, NULL);
}
