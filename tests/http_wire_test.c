/* One request, one answer: what is refused, what arrives, what goes out. Each
 * row runs over plain TCP and over TLS. */
#include "http_help.h"

#include <zlib.h>

static struct http *plain, *tls;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#define LINE "GET /echo HTTP/1.1\r\n"
#define HOST "Host: a.example\r\n"
#define A16 "aaaaaaaaaaaaaaaa"
#define A256 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
#define A4K A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256

static const struct {
	const char *why;
	str         request;
	int         status;              /* 0: closed without an answer */
	const char *part;                /* of the body */
} cases[] = {
	{ "a plain request", S(LINE HOST "\r\n"), 200, "method 1\npath 5 /echo\nquery \n" },
	{ "blanks around a value are not its own", S(LINE HOST "User-Agent: \t x y \t \r\n\r\n"), 200, "agent x y\n" },
	{ "an empty value", S(LINE HOST "User-Agent:\r\n\r\n"), 200, "agent \n" },
	{ "a value of bytes above ASCII", S(LINE HOST "User-Agent: caf\xc3\xa9\r\n\r\n"), 200, "agent caf\xc3\xa9\n" },
	{ "an empty line before the request", S("\r\n" LINE HOST "\r\n"), 200, "method 1" },
	{ "HTTP/1.0 with a host", S("GET /echo HTTP/1.0\r\n" HOST "\r\n"), 200, "method 1" },
	{ "absolute form", S("GET http://b.example:8443/echo?x=1 HTTP/1.1\r\n" HOST "\r\n"), 200,
	    "path 5 /echo\nquery x=1\nparam x=1\naddress 127.0.0.1\nhost b.example:8443\n" },
	{ "absolute form without a path", S("GET https://b.example?x HTTP/1.1\r\n" HOST "\r\n"), 200, "path 1 /\nquery x\n" },
	{ "POST", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"), 200, "body hello\n" },
	{ "PUT chunked", S("PUT /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n"), 200, "method 3\npath 5 /echo\nquery \naddress" },
	{ "the chunked body is whole", S("PUT /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n"
	    "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"), 200, "body hello\n" },
	{ "PATCH", S("PATCH /echo HTTP/1.1\r\n" HOST "\r\n"), 200, "method 4" },
	{ "DELETE", S("DELETE /echo HTTP/1.1\r\n" HOST "\r\n"), 200, "method 5" },
	{ "OPTIONS", S("OPTIONS /echo HTTP/1.1\r\n" HOST "\r\n"), 200, "method 7" },
	{ "Content-Length 0", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), 200, "body \n" },
	{ "escapes in the path", S("GET /a%2Fb%20c%C3%A9%00d HTTP/1.1\r\n" HOST "\r\n"), 200, "path 10 /a/b c\xc3\xa9" },
	{ "a plus in the path is a plus", S("GET /a+b HTTP/1.1\r\n" HOST "\r\n"), 200, "path 4 /a+b\n" },
	{ "dots and slashes are not touched", S("GET /../a//b/./ HTTP/1.1\r\n" HOST "\r\n"), 200, "path 11 /../a//b/./\n" },
	{ "query", S("GET /echo?a=1&b=x+y%2Bz&a=2&c&=d&&e=f=g HTTP/1.1\r\n" HOST "\r\n"), 200,
	    "param a=1\nparam b=x y+z\nparam a=2\nparam c=\nparam =d\nparam e=f=g\naddress" },
	{ "a percent sign that is no escape", S("GET /echo?q=50%&r=%zz%4&s=%41 HTTP/1.1\r\n" HOST "\r\n"), 200,
	    "param q=50%\nparam r=%zz%4\nparam s=A\n" },
	{ "cookie", S(LINE HOST "Cookie: a=b; sid=\"x=y\"; sid=no\r\n\r\n"), 200, "cookie x=y\n" },
	{ "no such cookie", S(LINE HOST "Cookie: xsid=1; si=2; Sid=3\r\n\r\n"), 200, "cookie \n" },
	{ "a cookie in a second header", S(LINE HOST "Cookie: a=b\r\ncookie: sid=2\r\n\r\n"), 200, "cookie 2\n" },
	{ "forwarded headers of nobody", S(LINE HOST "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Host: evil\r\n\r\n"),
	    200, "address 127.0.0.1\nhost a.example\n" },
	{ "a host with a port", S(LINE "Host: [::1]:8443\r\n\r\n"), 200, "host [::1]:8443\n" },
	{ "a target of 8 KiB", S("GET /" A4K A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256 A256
	    A256 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 "aaaaaaaaaaaaaaa HTTP/1.1\r\n" HOST "\r\n"),
	    200, "path 8192 " },

	/* what delimits a body (RFC 9112, 6) */
	{ "length and coding", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    400, "ambiguous body length" },
	{ "coding and length", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
	    400, "ambiguous body length" },
	{ "two lengths", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), 400, "ambiguous" },
	{ "the same length twice", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 400, "ambiguous" },
	{ "two codings", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, "ambiguous" },
	{ "gzip, chunked", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400, "transfer coding" },
	{ "identity", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"), 400, "transfer coding" },
	{ "chunked with a blank behind", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n"), 400, "transfer coding" },
	{ "chunked from HTTP/1.0", S("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400, "transfer coding" },
	{ "a length with a sign", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello"), 400, NULL },
	{ "a negative length", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n"), 400, NULL },
	{ "a hexadecimal length", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello"), 400, NULL },
	{ "a list of lengths", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello"), 400, NULL },
	{ "a length beyond 64 bits", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"), 413, NULL },
	{ "a malformed chunk size", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400, NULL },
	{ "a chunk size with a sign", S("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\n"), 400, NULL },

	/* names and values (RFC 9110, 5) */
	{ "a blank before the colon", S(LINE HOST "X-A : b\r\n\r\n"), 400, "malformed header line" },
	{ "a tab before the colon", S(LINE HOST "X-A\t: b\r\n\r\n"), 400, "malformed header line" },
	{ "Content-Length with a blank", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello"), 400, "malformed header line" },
	{ "a name that is no token", S(LINE HOST "X(A): b\r\n\r\n"), 400, "malformed header line" },
	{ "a name of bytes above ASCII", S(LINE HOST "X\xc3\xa9: b\r\n\r\n"), 400, "malformed header line" },
	{ "an empty name", S(LINE HOST ": b\r\n\r\n"), 400, NULL },
	{ "a line without a colon", S(LINE HOST "nonsense\r\n\r\n"), 400, NULL },
	{ "a folded header", S(LINE HOST "X-A: b\r\n c\r\n\r\n"), 400, "malformed header line" },
	{ "a folded header, with a tab", S(LINE HOST "X-A: b\r\n\tc\r\nX-B: d\r\n\r\n"), 400, "malformed header line" },
	{ "a length on a folded line", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n 5\r\n\r\nhello"), 400, "malformed header line" },
	{ "a fold of nothing", S(LINE HOST "X-A: b\r\n \r\n\r\n"), 400, "malformed header line" },
	{ "a fold under the request line", S(LINE " X-A: b\r\n" HOST "\r\n"), 400, NULL },
	{ "a bare LF in the head", S(LINE "Host: a.example\nX-A: b\r\n\r\n"), 400, "malformed header line" },
	{ "a bare LF behind the last header", S(LINE "Host: a.example\n\r\n"), 400, "malformed header line" },
	{ "a bare LF as the empty line", S(LINE HOST "\n"), 400, "malformed header line" },
	{ "a bare LF behind the request line", S("GET /echo HTTP/1.1\n" HOST "\r\n"), 400, NULL },
	{ "nothing but bare LF", S("GET /echo HTTP/1.1\nHost: a.example\n\n"), 400, NULL },
	{ "a NUL in a value", S(LINE HOST "X-A: b\0c\r\n\r\n"), 400, "malformed header line" },
	{ "a NUL in a name", S(LINE HOST "X\0A: b\r\n\r\n"), 400, NULL },
	{ "a NUL behind the last header", S(LINE "Host: a.example\0\r\n\r\n"), 400, NULL },
	{ "a bare CR in a value", S(LINE HOST "X-A: b\rc\r\n\r\n"), 400, "malformed header line" },
	{ "a control character in a value", S(LINE HOST "X-A: b\1c\r\n\r\n"), 400, "malformed header line" },

	/* Host (RFC 9112, 3.2) */
	{ "no host", S(LINE "\r\n"), 400, NULL },
	{ "no host in HTTP/1.0", S("GET /echo HTTP/1.0\r\n\r\n"), 400, "exactly one Host" },
	{ "two hosts", S(LINE HOST HOST "\r\n"), 400, "exactly one Host" },
	{ "an empty host", S(LINE "Host:\r\n\r\n"), 400, "malformed Host" },
	{ "a host with a blank", S(LINE "Host: a b\r\n\r\n"), 400, "malformed Host" },
	{ "a host with a path", S(LINE "Host: a.example/x\r\n\r\n"), 400, "malformed Host" },
	{ "a host with an account", S(LINE "Host: x@a.example\r\n\r\n"), 400, "malformed Host" },
	{ "an authority with an account", S("GET http://x@b.example/ HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed Host" },

	/* the request line */
	{ "an unknown method", S("BREW /echo HTTP/1.1\r\n" HOST "\r\n"), 501, "unknown method" },
	{ "TRACE", S("TRACE /echo HTTP/1.1\r\n" HOST "\r\n"), 501, "unknown method" },
	{ "CONNECT", S("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n"), 400, "target" },
	{ "a method in lower case", S("get /echo HTTP/1.1\r\n" HOST "\r\n"), 501, "unknown method" },
	{ "a malformed escape", S("GET /a%zz HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "half an escape", S("GET /a%4 HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "a target that is no path", S("GET echo HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "a star", S("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "another scheme", S("GET ftp://a.example/ HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "a fragment", S("GET /echo#x HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "a control character in the target", S("GET /ec\1ho HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request target" },
	{ "a NUL in the target", S("GET /ec\0ho HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request line" },
	{ "a NUL behind the method", S("GET\0 /echo HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request line" },
	{ "two blanks before the target", S("GET  /echo HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed request line" },
	{ "a blank in the target", S("GET /ec ho HTTP/1.1\r\n" HOST "\r\n"), 0, NULL },
	{ "no version", S("GET /echo\r\n" HOST "\r\n"), 400, NULL },
	{ "HTTP/2.0", S("GET /echo HTTP/2.0\r\n" HOST "\r\n"), 505, NULL },
	{ "HTTP/0.9", S("GET /echo HTTP/0.9\r\n" HOST "\r\n"), 505, NULL },
	{ "one byte above 8 KiB", S("GET /" A4K A4K " HTTP/1.1\r\n" HOST "\r\n"), 400, "request target too long" },
	{ "a target that is far too long", S("GET /" A4K A4K A4K A4K A4K A4K " HTTP/1.1\r\n" HOST "\r\n"), 414, NULL },
	{ "a head that is far too long", S(LINE HOST "X: " A4K A4K A4K A4K A4K A4K "\r\n\r\n"), 431, NULL },
	{ "another expectation", S("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: wonders\r\n\r\n"), 417, "expectation" },
};

static void
one(size_t i, struct http *h, bool with_tls)
{
	static struct client c;
	struct answer a;
	int before = handled;

	client_open(&c, http_port(h), with_tls);
	client_send(&c, cases[i].request.p, cases[i].request.n);
	client_read(&c, &a, false);
	assert_int_equal(a.status, cases[i].status);
	if (cases[i].part != NULL && strstr(a.body, cases[i].part) == NULL)
		broken("\"%s\" is not in:\n%s", cases[i].part, a.body);
	assert_int_equal(handled - before, a.status == 200);
	if (a.status >= 400) {
		assert_string_equal(head_of(&a, "Connection"), "close");
		assert_true(client_closed(&c, 2000));
	}
	answer_free(&a);
	client_close(&c);
}

static void
run(void **state)
{
	one(ROW(state), plain, false);
	one(ROW(state), tls, true);
}

/* ---- bodies too large --------------------------------------------------------------------------- */

/* Sends on for as long as the server listens, then reads the answer. */
static void
flood(struct http *h, bool with_tls, const char *head, bool chunked, int status, const char *why)
{
	static char piece[16 << 10];
	static struct client c;
	struct answer a;
	size_t sent = 0;
	int before = handled;
	bool open;

	memset(piece, 'x', sizeof(piece));
	client_open(&c, http_port(h), with_tls);
	client_say(&c, head);
	for (open = true; open && sent < 8 << 20; sent += sizeof(piece)) {
		if (chunked)
			open = client_say(&c, "4000\r\n");
		open = open && client_send(&c, piece, sizeof(piece));
		if (chunked)
			open = open && client_say(&c, "\r\n");
	}
	client_read(&c, &a, false);
	assert_false(a.eof_first);
	assert_int_equal(a.status, status);
	assert_string_equal(head_of(&a, "Connection"), "close");
	assert_non_null(strstr(a.body, why));
	assert_int_equal(handled, before);
	answer_free(&a);
	client_close(&c);
}

static void
too_large(void **state)
{
	(void)state;
	for (int t = 0; t < 2; t++) {
		flood(t ? tls : plain, t, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 8388608\r\n\r\n", false,
		    413, "RequestTooLarge");
		flood(t ? tls : plain, t, "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", true,
		    413, "RequestTooLarge");
	}
}

/* The answer must not wait for the body. */
static void
too_large_early(void **state)
{
	static struct client c;
	struct answer a;
	usec began = time_mono();

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\nonly a few bytes");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 413);
		answer_free(&a);
		client_close(&c);

		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 413);
		assert_true(client_closed(&c, 2000));
		answer_free(&a);
		client_close(&c);
	}
	assert_true(time_mono() - began < 3 * SECOND);
}

static void
body_at_the_limit(void **state)
{
	static struct client c;
	static char body[1 << 20];
	char want[64];
	struct answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7 + i / 251);
	snprintf(want, sizeof(want), "%zu %08x", sizeof(body), checksum(body, sizeof(body)));
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
		client_send(&c, body, sizeof(body));
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_string_equal(a.body, want);
		answer_free(&a);
		/* chunked, in pieces that do not divide it */
		client_say(&c, "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
		for (size_t at = 0, n; at < sizeof(body); at += n) {
			char size[16];

			n = sizeof(body) - at < 9973 ? sizeof(body) - at : 9973;
			snprintf(size, sizeof(size), "%zx\r\n", n);
			client_say(&c, size);
			client_send(&c, body + at, n);
			client_say(&c, "\r\n");
		}
		client_say(&c, "0\r\n\r\n");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_string_equal(a.body, want);
		answer_free(&a);
		client_close(&c);
	}
}

static void
expect_continue(void **state)
{
	static struct client c;
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 100);
		client_say(&c, "hello");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.body, "body hello\n"));
		answer_free(&a);
		client_close(&c);
	}
}

/* ---- 20 MB, and the limit on all bodies together -------------------------------------------------- */

/* The size the handler saw, or 0 when the answer was 503. */
static size_t
upload(int port, size_t size)
{
	static char piece[64 << 10];
	static struct client c;
	char head[128];
	struct answer a;
	size_t sent = 0, seen = 0;
	bool open = true;

	client_open(&c, port, true);
	snprintf(head, sizeof(head), "POST /body HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", size);
	client_say(&c, head);
	for (; open && sent < size; sent += sizeof(piece))
		open = client_send(&c, piece, size - sent < sizeof(piece) ? size - sent : sizeof(piece));
	client_read(&c, &a, false);
	if (a.status == 200)
		seen = strtoul(a.body, NULL, 10);
	else
		assert_int_equal(a.status, 503);
	answer_free(&a);
	client_close(&c);
	return seen;
}

/* An earlier body is given back just after its answer: 503 may come before. */
static void
uploads(int port, size_t size)
{
	for (int i = 0; i < 20; i++) {
		size_t seen = upload(port, size);

		if (seen > 0) {
			assert_int_equal(seen, size);
			return;
		}
		usleep(50000);
	}
	broken("no room for a body that fits");
}

static long
resident_kb(void)
{
	long pages = 0, skip;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &skip, &pages), 2);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
large_upload(void **state)
{
	struct place *p = *state;
	struct http_conf conf = { .cert_file = p->cert, .key_file = p->key, .body_memory = 24 * MiB };
	struct http *h = server(&conf);
	long before;

	admit_bytes = 64 * MiB;
	uploads(http_port(h), 1 * MiB);
	before = resident_kb();
	for (int i = 0; i < 5; i++)
		uploads(http_port(h), 20 * MiB);
	/* What a body took is given back, soon after its answer. (A sanitizer keeps
	 * what is freed, so there it cannot be seen.) */
	for (int i = 0; i < 100 && !SANITIZED && resident_kb() - before > 8192; i++)
		usleep(20000);
	assert_true(SANITIZED || resident_kb() - before <= 8192);
	assert_int_equal(upload(http_port(h), 25 * MiB), 0);
	uploads(http_port(h), 20 * MiB);
	/* Only what has come is counted, not what was announced. */
	static struct client c;
	client_open(&c, http_port(h), true);
	client_say(&c, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 20000000\r\n\r\nx");
	uploads(http_port(h), 20 * MiB);
	client_close(&c);
	admit_bytes = 1 * MiB;
	http_stop(&h, SECOND);
}

/* ---- answers ------------------------------------------------------------------------------------ */

static void
head_is_get_without_body(void **state)
{
	static struct client c;
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "HEAD /text/3000 HTTP/1.1\r\n" HOST "\r\n");
		client_read(&c, &a, true);
		assert_int_equal(a.status, 200);
		assert_string_equal(head_of(&a, "Content-Length"), "3000");
		assert_string_equal(head_of(&a, "Content-Type"), "text/plain; charset=utf-8");
		/* The next answer begins right behind. */
		client_say(&c, "GET /text/3000 HTTP/1.1\r\n" HOST "\r\n");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_int_equal(a.body_n, 3000);
		answer_free(&a);
		client_say(&c, "HEAD /text/3000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
		client_read(&c, &a, true);
		assert_string_equal(head_of(&a, "Content-Encoding"), "gzip");
		client_close(&c);
	}
}

static void
without_body(void **state)
{
	static struct client c;
	static const char *const codes[] = { "204", "304" };
	char request[128];
	struct answer a;

	(void)state;
	for (int t = 0; t < 4; t++) {
		client_open(&c, http_port(t % 2 ? tls : plain), t % 2);
		snprintf(request, sizeof(request), "GET /status/%s HTTP/1.1\r\n" HOST "\r\n", codes[t / 2]);
		client_say(&c, request);
		client_read(&c, &a, false);
		assert_int_equal(a.status, (int)strtol(codes[t / 2], NULL, 10));
		assert_null(head_of(&a, "Content-Type"));
		assert_string_equal(head_of(&a, "X-Kept"), "yes");
		if (a.status == 204)
			assert_null(head_of(&a, "Content-Length"));
		/* Had it a body, this answer would not begin with a status line. */
		client_say(&c, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		answer_free(&a);
		client_close(&c);
	}
}

static const struct {
	const char *why, *path, *accept;
	bool gzip, vary;
} codings[] = {
	{ "asked for", "/text/5000", "gzip", true, true },
	{ "one of several", "/text/5000", "br;q=1.0, GZIP;q=0.8, *;q=0.1", true, true },
	{ "not asked for", "/text/5000", "br, deflate", false, true },
	{ "refused", "/text/5000", "gzip;q=0", false, true },
	{ "refused at length", "/text/5000", "gzip; q=0.000, br", false, true },
	{ "too small", "/text/1000", "gzip", false, false },
	{ "not text", "/blob/5000", "gzip", false, false },
	{ "large", "/text/300000", "gzip, deflate", true, true },
};

static void
gzip(void **state)
{
	size_t i = ROW(state);
	static char text[1 << 20];
	static struct client c;
	char request[256];
	struct answer a;
	size_t want = strtoul(strrchr(codings[i].path, '/') + 1, NULL, 10);

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
	    codings[i].path, codings[i].accept);
	client_open(&c, http_port(tls), true);
	client_say(&c, request);
	client_read(&c, &a, false);
	assert_int_equal(a.status, 200);
	assert_int_equal(head_of(&a, "Content-Encoding") != NULL, codings[i].gzip);
	assert_int_equal(head_of(&a, "Vary") != NULL, codings[i].vary);
	if (codings[i].gzip) {
		z_stream z = { .next_in = (Bytef *)a.body, .avail_in = (uInt)a.body_n,
		    .next_out = (Bytef *)text, .avail_out = sizeof(text) };

		assert_true(a.body_n < want / 2);
		assert_int_equal(inflateInit2(&z, 16 + 15), Z_OK);
		assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
		assert_int_equal(z.total_out, want);
		inflateEnd(&z);
	} else {
		assert_int_equal(a.body_n, want);
		memcpy(text, a.body, want);
	}
	for (size_t at = 0; at < want; at += 62)
		assert_memory_equal(text + at, "The quick brown fox jumps", want - at < 25 ? want - at : 25);
	answer_free(&a);
	client_close(&c);
}

static void
etag_is_weak_when_squeezed(void **state)
{
	struct answer a;

	(void)state;
	ask(http_port(plain), false, "GET /etag HTTP/1.1\r\n" HOST "\r\n", &a);
	assert_string_equal(head_of(&a, "ETag"), "\"abc\"");
	answer_free(&a);
	ask(http_port(plain), false, "GET /etag HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", &a);
	assert_string_equal(head_of(&a, "ETag"), "W/\"abc\"");
	answer_free(&a);
}

static void
headers_out(void **state)
{
	struct answer a;

	(void)state;
	ask(http_port(tls), true, "GET /heads HTTP/1.1\r\n" HOST "\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(head_of(&a, "X-One"), "aX-Two: b");
	assert_null(head_of(&a, "X-Two"));
	assert_string_equal(head_of(&a, "X-Nul"), "cd");
	assert_null(head_of(&a, "X-Empty"));
	assert_non_null(strstr(a.head, "\r\nSet-Cookie: one=1\r\n"));
	assert_non_null(strstr(a.head, "\r\nSet-Cookie: two=2\r\n"));
	assert_non_null(head_of(&a, "Date"));
	assert_null(head_of(&a, "Connection"));
	answer_free(&a);
}

static void
bugs_become_500(void **state)
{
	struct answer a;

	(void)state;
	log_set_level((enum log_level)0);
	ask(http_port(plain), false, "GET /nothing HTTP/1.1\r\n" HOST "\r\n", &a);
	assert_int_equal(a.status, 500);
	answer_free(&a);
	ask(http_port(plain), false, "GET /flood HTTP/1.1\r\n" HOST "\r\n", &a);
	assert_int_equal(a.status, 500);
	answer_free(&a);
	log_set_level(LOG_LV_INFO);
}

static void
sizes(void **state)
{
	/* Around the limits of records, held heads and packets. */
	static const int n[] = { 0, 1, 1000, 1399, 1400, 1401, 2048, 16383, 16384, 16385, 32768, 65536, 100000,
	    1 << 20, 5 << 20 };
	static struct client c;
	char request[128];
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		for (size_t i = 0; i < COUNT(n); i++) {
			snprintf(request, sizeof(request), "GET /blob/%d HTTP/1.1\r\n" HOST "\r\n", n[i]);
			client_say(&c, request);
			client_read(&c, &a, false);
			assert_int_equal(a.status, 200);
			assert_int_equal(a.body_n, n[i]);
			for (size_t at = 0; at + 25 < a.body_n; at += 62)
				assert_memory_equal(a.body + at, "The quick brown fox jumps", 25);
			answer_free(&a);
		}
		client_close(&c);
	}
}

static void
pipelined(void **state)
{
	static struct client c;
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		client_say(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
		    "GET /blob/40000 HTTP/1.1\r\n" HOST "\r\n"
		    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nthree");
		client_read(&c, &a, false);
		assert_non_null(strstr(a.body, "body one\n"));
		answer_free(&a);
		client_read(&c, &a, false);
		assert_int_equal(a.body_n, 40000);
		answer_free(&a);
		client_read(&c, &a, false);
		assert_non_null(strstr(a.body, "body three\n"));
		answer_free(&a);
		client_close(&c);
	}
}

static void
close_on_request(void **state)
{
	static const char *const requests[] = {
		LINE HOST "Connection: close\r\n\r\n", "GET /closing HTTP/1.1\r\n" HOST "\r\n",
		"GET /echo HTTP/1.0\r\n" HOST "\r\n",
	};
	static struct client c;
	struct answer a;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(requests); i++) {
		client_open(&c, http_port(i % 2 ? tls : plain), i % 2);
		client_say(&c, requests[i / 2]);
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_string_equal(head_of(&a, "Connection"), "close");
		assert_true(client_closed(&c, 2000));
		answer_free(&a);
		client_close(&c);
	}
}

/* A body that comes byte by byte, in many packets. */
static void
piecemeal(void **state)
{
	static const char request[] = "POST /echo?a=b HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\nhello, world";
	static struct client c;
	struct answer a;

	(void)state;
	for (int t = 0; t < 2; t++) {
		client_open(&c, http_port(t ? tls : plain), t);
		for (size_t i = 0; i < sizeof(request) - 1; i++) {
			client_send(&c, request + i, 1);
			if (i % 8 == 0)
				usleep(500);
		}
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.body, "param a=b\n"));
		assert_non_null(strstr(a.body, "body hello, world\n"));
		answer_free(&a);
		client_close(&c);
	}
}

/* ---- who asks ----------------------------------------------------------------------------------- */

static const struct {
	const char *why, *heads, *part;
} proxied[] = {
	{ "nothing forwarded", "", "address 127.0.0.1\nhost a.example\nsecure 0\n" },
	{ "all of it", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: desk.example\r\n",
	    "address 192.0.2.7\nhost desk.example\nsecure 1\n" },
	{ "the last address is the proxy's word", "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n", "address 192.0.2.7\n" },
	{ "of the last header", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 2001:db8::7\r\n", "address 2001:db8::7\n" },
	{ "not an address", "X-Forwarded-For: unknown\r\n", "address 127.0.0.1\n" },
	{ "http", "X-Forwarded-Proto: http\r\n", "secure 0\n" },
	{ "an impossible host", "X-Forwarded-Host: a b/c\r\n", "host a.example\n" },
};

static struct http *behind;

static void
behind_proxy(void **state)
{
	size_t i = ROW(state);
	char request[512];
	struct answer a;

	snprintf(request, sizeof(request), LINE HOST "%s\r\n", proxied[i].heads);
	ask(http_port(behind), false, request, &a);
	assert_int_equal(a.status, 200);
	if (strstr(a.body, proxied[i].part) == NULL)
		broken("\"%s\" is not in:\n%s", proxied[i].part, a.body);
	answer_free(&a);
}

static void
stats_count(void **state)
{
	struct http_stats before, after;
	struct answer a;

	(void)state;
	http_stats(plain, &before);
	ask(http_port(plain), false, LINE HOST "\r\n", &a);
	answer_free(&a);
	ask(http_port(plain), false, LINE "Host: a b\r\n\r\n", &a);
	answer_free(&a);
	http_stats(plain, &after);
	assert_int_equal(after.requests - before.requests, 2);
	assert_int_equal(after.refused - before.refused, 1);
}

/* ---- start -------------------------------------------------------------------------------------- */

static void
start_refuses(void **state)
{
	struct place *p = *state;
	char taken[32], other[128], garbage[128];
	struct http *h = NULL;
	struct ctx cx;
	gnutls_datum_t junk = { (unsigned char *)(uintptr_t)"junk", 4 };

	snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_port(plain));
	snprintf(other, sizeof(other), "%s/other.pem", p->dir);
	snprintf(garbage, sizeof(garbage), "%s/garbage.pem", p->dir);
	make_cert(NULL, other, 2);
	save(garbage, &junk);
	const struct { const char *listen, *cert, *key, *proxy; bool plain; enum err e; const char *field; } bad_conf[] = {
		{ taken, NULL, NULL, NULL, true, E_BUSY, "listen" },
		{ NULL, NULL, NULL, NULL, true, E_INVALID, "listen" },
		{ "8443", NULL, NULL, NULL, true, E_INVALID, "listen" },
		{ "127.0.0.1:70000", NULL, NULL, NULL, true, E_INVALID, "listen" },
		{ "desk.example:0", NULL, NULL, NULL, true, E_INVALID, "listen" },
		{ "[::1:0", NULL, NULL, NULL, true, E_INVALID, "listen" },
		{ "192.0.2.1:0", NULL, NULL, NULL, true, E_INVALID, "listen" },
		{ "127.0.0.1:0", NULL, NULL, "proxy.example", true, E_INVALID, "trusted_proxy" },
		{ "127.0.0.1:0", NULL, NULL, NULL, false, E_INVALID, "cert_file" },
		{ "127.0.0.1:0", "/nonexistent", p->key, NULL, false, E_INVALID, "cert_file" },
		{ "127.0.0.1:0", garbage, p->key, NULL, false, E_INVALID, "cert_file" },
		{ "127.0.0.1:0", p->cert, "/nonexistent", NULL, false, E_INVALID, "key_file" },
		{ "127.0.0.1:0", p->cert, garbage, NULL, false, E_INVALID, "key_file" },
		{ "127.0.0.1:0", p->cert, other, NULL, false, E_INVALID, "key_file" },
	};
	for (size_t i = 0; i < COUNT(bad_conf); i++) {
		struct http_conf conf = { .listen = bad_conf[i].listen, .cert_file = bad_conf[i].cert,
		    .key_file = bad_conf[i].key, .trusted_proxy = bad_conf[i].proxy, .plain = bad_conf[i].plain,
		    .admit = admit, .handle = handle };

		ctx_init(&cx, NULL, 1);
		assert_int_equal(http_start(&cx, &conf, &h), bad_conf[i].e);
		assert_string_equal(cx.fail.field, bad_conf[i].field);
		assert_non_null(cx.fail.why);
		assert_null(h);
		ctx_done(&cx);
	}
	unlink(other);
	unlink(garbage);
}

static void
listens_on(void **state)
{
	static const char *const all[] = { ":0", "localhost:0", "0.0.0.0:0" };
	struct answer a;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct http_conf conf = { .listen = all[i], .plain = true };
		struct http *h = server(&conf);

		ask(http_port(h), false, LINE HOST "\r\n", &a);
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.body, "address 127.0.0.1\n"));    /* also of a v6 socket */
		answer_free(&a);
		http_stop(&h, 0);
		assert_null(h);
	}
	http_stop(&(struct http *){ NULL }, 0);
}

/* localhost is both loopback addresses, each of them alone enough for a client. */
static void
localhost_is_both(void **state)
{
	struct http_conf conf = { .listen = "localhost:0", .plain = true };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct http *h = server(&conf);
	struct client c = { .fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct answer a;

	(void)state;
	to.sin6_port = htons((uint16_t)http_port(h));
	if (c.fd < 0 || connect(c.fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		assert_true(errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);   /* a machine without IPv6 */
	} else {
		assert_true(client_say(&c, LINE HOST "\r\n"));
		client_read(&c, &a, false);
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.body, "address ::1\n"));
		answer_free(&a);
	}
	if (c.fd >= 0)
		close(c.fd);
	ask(http_port(h), false, LINE HOST "\r\n", &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "address 127.0.0.1\n"));
	answer_free(&a);
	http_stop(&h, 0);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + COUNT(codings) + COUNT(proxied) + 25];
	struct place p;
	size_t n = 0;
	int failed;

	place_make(&p);
	struct http_conf conf = { .plain = true };
	plain = server(&conf);
	conf.trusted_proxy = "127.0.0.1";
	behind = server(&conf);
	conf = (struct http_conf){ .cert_file = p.cert, .key_file = p.key };
	tls = server(&conf);

	ADD_ROWS(t, n, cases, run);
	ADD_ROWS(t, n, codings, gzip);
	ADD_ROWS(t, n, proxied, behind_proxy);
	ADD(t, n, too_large);
	ADD(t, n, too_large_early);
	ADD(t, n, body_at_the_limit);
	ADD(t, n, expect_continue);
	ADD(t, n, head_is_get_without_body);
	ADD(t, n, without_body);
	ADD(t, n, etag_is_weak_when_squeezed);
	ADD(t, n, headers_out);
	ADD(t, n, bugs_become_500);
	ADD(t, n, sizes);
	ADD(t, n, pipelined);
	ADD(t, n, close_on_request);
	ADD(t, n, piecemeal);
	ADD(t, n, stats_count);
	ADD(t, n, listens_on);
	ADD(t, n, localhost_is_both);
	t[n++] = (struct CMUnitTest){ .name = "start_refuses", .test_func = start_refuses, .initial_state = &p };
	t[n++] = (struct CMUnitTest){ .name = "large_upload", .test_func = large_upload, .initial_state = &p };
	failed = RUN_ROWS("http wire", t, n);

	http_stop(&plain, SECOND);
	http_stop(&behind, SECOND);
	http_stop(&tls, SECOND);
	place_remove(&p);
	return failed;
}
