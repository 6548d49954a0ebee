/* Bodies in pieces and answers in pieces: each byte once and in order, pieces
 * as large as asked for, an early answer before the body, HTTP_LOST exactly
 * when somebody leaves, and nothing held up meanwhile. */
#include "http_help.h"

#include <signal.h>

enum { PIECE = 10000, SLOW_MS = 1000 };

static _Atomic int opened, pieces, lasts, losts, odd, made_calls;

struct sum { size_t n, piece; uint32_t h; int count; };

static size_t
admit_pieces(void *arg, struct http_req *rq)
{
	(void)arg;
	rq->piece = PIECE;
	return 8 * MiB;
}

static char
byte_at(uint64_t at)
{
	return (char)(at * 31 + at / 977);
}

static bool
made(void *arg, uint64_t at, char *to, size_t n)
{
	uint64_t bad = *(uint64_t *)arg;

	made_calls++;
	for (size_t i = 0; i < n; i++)
		to[i] = byte_at(at + i);
	return bad == 0 || at + n <= bad;
}

static void
make(struct arena *a, str path, struct http_reply *rp)
{
	int64_t n = 0, bad = 0;
	uint64_t *arg = NEW(a, uint64_t, 1);

	str_cut(&path, '/');
	str_cut(&path, '/');
	str_int(str_cut(&path, '/'), &n);
	str_int(path, &bad);
	*arg = (uint64_t)bad;
	rp->status = 200;
	rp->type = "application/octet-stream";
	rp->more = made;
	rp->more_arg = arg;
	rp->size = (uint64_t)n;
}

static void
add(struct sum *s, str body)
{
	for (size_t i = 0; i < body.n; i++)
		s->h = (s->h ^ (unsigned char)body.p[i]) * 16777619u;
	s->n += body.n;
	s->count++;
}

static void
take(void *arg, struct arena *a, struct http_req *rq, struct http_reply *rp)
{
	struct sum *s = rq->own;
	int64_t at = 0;
	str path = rq->path;

	(void)arg;
	if (rq->stage == HTTP_WHOLE) {
		make(a, path, rp);
		return;
	}
	str_cut(&path, '/');
	if (str_starts(path, S("refuse/")))
		str_int(str_sub(path, 7, path.n), &at);
	switch (rq->stage) {
	case HTTP_OPEN:
		opened++;
		odd += rq->body.n != 0;
		rq->own = s = NEW(a, struct sum, 1);
		*s = (struct sum){ .h = 2166136261u };
		if (str_starts(path, S("large")))
			rq->piece = 1 * MiB;
		s->piece = rq->piece;
		break;
	case HTTP_PIECE:
		pieces++;
		odd += rq->body.n != s->piece;
		add(s, rq->body);
		rq->piece = s->piece = str_starts(path, S("large")) ? 5000 : PIECE;
		break;
	case HTTP_LAST:
		lasts++;
		odd += rq->body.n > s->piece;
		add(s, rq->body);
		break;
	default:
		losts++;
		return;
	}
	if (str_starts(path, S("refuse/")) && s->count == at) {
		rp->status = 422;
		rp->type = "text/plain";
		http_head(rp, "X-Why", S("because"));
		buf_add(&rp->body, S("no"));
	} else if (rq->stage == HTTP_LAST) {
		rp->status = 201;
		rp->type = "text/plain";
		buf_fmt(&rp->body, "%zu %08x", s->n, s->h);
	}
}

static struct http *plain, *tls;

static struct http *
serve(bool is_plain, struct place *p)
{
	struct http_conf conf = { .listen = "127.0.0.1:0", .plain = is_plain, .cert_file = is_plain ? NULL : p->cert,
	    .key_file = is_plain ? NULL : p->key, .body_for = SLOW_MS * 1000, .body_memory = 6 * MiB, .admit = admit_pieces, .handle = take };
	struct http *h = NULL;
	struct ctx cx;

	ctx_init(&cx, NULL, 1);
	if (http_start(&cx, &conf, &h) != OK)
		broken("http_start: %s", cx.fail.why);
	ctx_done(&cx);
	return h;
}

static char *
bytes(size_t n)
{
	char *p = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(i);
	return p;
}

/* Sends a body of n bytes, chunked by `chunk` unless that is 0, and reads the answer. */
static void
send_body(struct client *c, const char *path, size_t n, size_t chunk, struct answer *a)
{
	char head[200], *body = bytes(n);

	if (chunk == 0) {
		snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path, n);
		assert_true(client_say(c, head));
		client_send(c, body, n);
	} else {
		snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path);
		assert_true(client_say(c, head));
		for (size_t at = 0; at < n; at += chunk) {
			size_t some = n - at < chunk ? n - at : chunk;
			snprintf(head, sizeof(head), "%zx\r\n", some);
			client_say(c, head);
			client_send(c, body + at, some);
			client_say(c, "\r\n");
		}
		client_say(c, "0\r\n\r\n");
	}
	free(body);
	client_read(c, a, false);
}

static const struct { const char *why; size_t n, chunk; } bodies[] = {
	{ "no body at all", 0, 0 }, { "one byte", 1, 0 }, { "what fits into the arena", 65536, 0 }, { "a byte more", 65537, 0 },
	{ "whole pieces", 8 * PIECE, 0 }, { "and one byte", 8 * PIECE + 1, 0 }, { "much", 3000001, 0 },
	{ "chunked, nothing", 0, 100 }, { "chunked, one byte", 1, 100 }, { "chunks as large as pieces", 5 * PIECE, PIECE },
	{ "chunks of a byte", 3000, 1 }, { "chunks of 7", 50000, 7 }, { "chunks larger than pieces", 300000, 99999 },
};

static void
every_byte_once(void **state)
{
	static struct client c;
	char want[64];
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		for (size_t i = 0; i < COUNT(bodies) * 2; i++) {
			size_t n = bodies[i / 2].n;
			char *p = bytes(n);
			snprintf(want, sizeof(want), "%zu %08x", n, checksum(p, n));
			free(p);
			send_body(&c, i % 2 ? "/large" : "/sum", n, bodies[i / 2].chunk, &a);
			if (a.status != 201 || a.body_n != strlen(want) || memcmp(a.body, want, a.body_n) != 0)
				broken("%s: %d %.*s, not %s", bodies[i / 2].why, a.status, (int)a.body_n, a.body, want);
			answer_free(&a);
		}
		client_close(&c);
	}
	assert_int_equal(odd, 0);
	assert_int_equal(losts, 0);
	assert_int_equal(opened, 4 * COUNT(bodies));
	assert_int_equal(lasts, 4 * COUNT(bodies));
}

static void
until_(_Atomic int *what, int n, int line)
{
	for (int i = 0; i < 1000 && *what != n; i++)
		usleep(10000);
	if (*what != n)
		broken("line %d: %d, not %d", line, *what, n);
}
#define until(what, n) until_(what, n, __LINE__)

/* The answer comes while the client has sent nothing or a part only. */
static void
refused_early(void **state)
{
	static struct client c;
	char *body = bytes(200000);
	struct answer a;
	int lost = losts;

	(void)state;
	for (int t = 0; t < 2; t++)
		for (int at = 0; at < 4; at++)
			for (int expects = 0; expects < 2; expects++) {
				char head[200];
				snprintf(head, sizeof(head), "POST /refuse/%d HTTP/1.1\r\nHost: a\r\n%sContent-Length: 1000000\r\n\r\n", at,
				    expects ? "Expect: 100-continue\r\n" : "");
				client_open(&c, http_port(t ? tls : plain), t);
				client_say(&c, head);
				if (at > 0 && expects) {
					client_read(&c, &a, true);
					assert_int_equal(a.status, 100);
					answer_free(&a);
				}
				if (at > 0)
					client_send(&c, body, (size_t)at * PIECE + 1);
				client_read(&c, &a, false);
				assert_int_equal(a.status, 422);
				assert_string_equal(head_of(&a, "X-Why"), "because");
				assert_int_equal(a.body_n, 2);
				answer_free(&a);
				client_close(&c);
			}
	free(body);
	usleep(50000);
	assert_int_equal(losts, lost);       /* who answered knows that it is over */
}

static void
lost(void **state)
{
	static struct client c;
	int lost = losts, last = lasts, piece = pieces;
	char *body = bytes(100000);

	(void)state;
	for (int t = 0; t < 2; t++) {
		/* gone, silent, and sending nonsense */
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
		client_send(&c, body, 35000);
		until(&pieces, piece += 3);      /* else a reset may overtake it */
		client_close(&c);
		until(&losts, ++lost);
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx");
		until(&losts, ++lost);
		client_close(&c);
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzzz\r\n");
		until(&losts, ++lost);
		client_close(&c);
	}
	/* more than admit() allowed, which only the end of a chunked body can say */
	client_open(&c, http_port(plain), false);
	client_say(&c, "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 100; i++)
		if (!client_say(&c, "186a0\r\n") || !client_send(&c, body, 100000) || !client_say(&c, "\r\n"))
			break;
	client_close(&c);
	until(&losts, ++lost);
	assert_int_equal(lasts, last);
	free(body);
}

/* Pieces are counted against the memory of all bodies, and given back. */
static void
memory_is_bounded(void **state)
{
	static struct client c[8], d;
	char *body = bytes(900000);
	struct answer a;
	int lost = losts, before = opened;

	(void)state;
	for (int i = 0; i < 6; i++) {
		client_open(&c[i], http_port(plain), false);
		client_say(&c[i], "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
		client_send(&c[i], body, 900000);
	}
	until(&opened, before + 6);
	usleep(200000);
	client_open(&d, http_port(plain), false);
	client_say(&d, "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
	client_send(&d, body, 900000);
	client_read(&d, &a, false);
	assert_int_equal(a.status, 503);
	answer_free(&a);
	client_close(&d);
	for (int i = 0; i < 6; i++)
		client_close(&c[i]);
	until(&losts, lost + 7);
	client_open(&d, http_port(plain), false);
	send_body(&d, "/large", 3000000, 0, &a);
	assert_int_equal(a.status, 201);
	answer_free(&a);
	client_close(&d);
	free(body);
}

static void
answers_in_pieces(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, 262143, 262144, 262145, 524288, 3000001 };
	static struct client c;
	char head[200];
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		for (size_t i = 0; i < COUNT(sizes); i++) {
			snprintf(head, sizeof(head), "GET /made/%zu HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n", sizes[i]);
			client_say(&c, head);
			client_read(&c, &a, false);
			assert_int_equal(a.status, 200);
			assert_int_equal(a.body_n, sizes[i]);
			for (size_t k = 0; k < a.body_n; k++)
				if (a.body[k] != byte_at(k))
					broken("byte %zu of %zu is wrong", k, sizes[i]);
			answer_free(&a);
		}
		made_calls = 0;
		client_say(&c, "HEAD /made/3000001 HTTP/1.1\r\nHost: a\r\n\r\n");
		client_read(&c, &a, true);
		assert_string_equal(head_of(&a, "Content-Length"), "3000001");
		assert_int_equal(made_calls, 0);
		answer_free(&a);
		client_close(&c);
		/* cannot be begun; breaks off in the middle */
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "GET /made/1000000/1 HTTP/1.1\r\nHost: a\r\n\r\n");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 500);
		answer_free(&a);
		client_say(&c, "GET /made/1000000/600000 HTTP/1.1\r\nHost: a\r\n\r\n");
		client_read_any(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_true(a.torn);
		answer_free(&a);
		client_close(&c);
	}
}

/* No more is made than a client takes, and one that takes nothing holds up nobody. */
static void
nobody_waits(void **state)
{
	static struct client c[100], d;
	struct answer a;

	(void)state;
	made_calls = 0;
	for (int i = 0; i < 100; i++) {
		client_open(&c[i], http_port(plain), false);
		client_say(&c[i], i % 2 ? "GET /made/100000000 HTTP/1.1\r\nHost: a\r\n\r\n" :
		    "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
	}
	client_open(&d, http_port(plain), false);
	for (int i = 0; i < 20; i++) {
		client_say(&d, "GET /made/1000 HTTP/1.1\r\nHost: a\r\n\r\n");
		client_read(&d, &a, false);
		assert_int_equal(a.body_n, 1000);
		answer_free(&a);
	}
	assert_true(made_calls < 50 * 40);
	client_close(&d);
	for (int i = 0; i < 100; i++)
		client_close(&c[i]);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(every_byte_once), cmocka_unit_test(refused_early), cmocka_unit_test(lost),
		cmocka_unit_test(memory_is_bounded), cmocka_unit_test(answers_in_pieces), cmocka_unit_test(nobody_waits),
	};
	struct place p;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	place_make(&p);
	plain = serve(true, &p);
	tls = serve(false, &p);
	failed = cmocka_run_group_tests_name("http pieces", t, NULL, NULL);
	http_stop(&plain, SECOND);
	http_stop(&tls, SECOND);
	place_remove(&p);
	return failed;
}
