/* http.h - the wire: a TLS server with a pool of workers, and a router.
 *
 * libmicrohttpd stands behind this and nowhere else, so that another engine
 * can take its place. Its threads do the wire only; a request whose body is
 * complete is handed to a worker thread, where the handler may block on the
 * database; the connection sleeps meanwhile. Knows base only: permissions are
 * numbers to it.
 *
 * What is refused here and never reaches a handler (RFC 9112): Content-Length
 * with Transfer-Encoding, a repeated Content-Length, Transfer-Encoding or
 * Host, a transfer coding other than "chunked", a header name that is not a
 * token, a folded header, a bare LF or a control character in the head, a
 * missing, repeated or impossible Host, a target above 8 KiB, a malformed
 * percent escape in the path: 400 and the connection closes. Unknown method:
 * 501; unknown expectation: 417. A body above what admit() allows: 413, sent
 * as soon as it is known. Too slow (head 10 s, body under 500 bytes/s for
 * 10 s, keep-alive idle 60 s, answer taken at under 500 bytes/s): closed.
 */
#ifndef WARD_HTTP_H
#define WARD_HTTP_H

#include "base/base.h"

enum http_method { GET = 1, POST, PUT, PATCH, DELETE, HEAD, OPTIONS };

struct http_param { str name, value; };      /* decoded: percent and, in the query, plus */

/* A body that admit() wants in pieces (rq->piece) is never whole in memory: the
 * handler is called once before any of it was read (HTTP_OPEN, without a
 * body), with each piece of exactly rq->piece bytes that more follow on
 * (HTTP_PIECE), and with the rest, also when that is empty (HTTP_LAST). While
 * it leaves the reply's status 0, the next piece is read; whatever it answers
 * before the end is sent at once, and the connection ends. HTTP_LOST instead
 * of a later call: the client is gone or was refused, nothing can be said, and
 * header, address and host must not be asked for. No call follows an answer
 * or HTTP_LOST; when the server stops, no call follows at all. */
enum http_stage { HTTP_WHOLE, HTTP_OPEN, HTTP_PIECE, HTTP_LAST, HTTP_LOST };

struct http_req {
	enum http_method   method;
	str                path;       /* decoded once, as sent otherwise; always starts with '/' */
	str                raw_query;  /* undecoded, without '?' */
	struct http_param *query;      /* in order, repeated names kept; a '%' that starts no escape stays */
	int                query_count;
	enum http_stage    stage;
	size_t             piece;      /* above 0: in pieces of so many bytes. admit() sets it; the handler may, for those to come */
	str                body;       /* whole, or the piece; empty if none */
	str                address;    /* peer, "192.0.2.1" or "2001:db8::1"; the forwarded one behind a declared proxy */
	str                host;       /* Host header, or X-Forwarded-Host from a declared proxy */
	bool               secure;     /* the client's side is https */
	int64_t            param[4];   /* filled by the router: {id} placeholders in order */
	str                word[4];    /* filled by the router: {name*} text placeholders in order */
	void              *form;       /* the reader's own: the body as it was read once */
	void              *kept, *own; /* the dispatcher's and the handler's own, from one stage to the next */
	void              *wire;       /* the engine's own */
};
/* A header's value, ASCII case folded name; empty str when absent. */
str http_header(const struct http_req *rq, const char *name);
/* The first value of a query parameter, or NULL. */
const str *http_query(const struct http_req *rq, const char *name);
str http_cookie(const struct http_req *rq, const char *name);

/* The parts of a form (multipart/form-data), in order, at most 512; a field without a file has no file_name. E_INVALID: the
 * body is none, or is cut short. On the worker thread that serves the request. */
struct http_part { str name, file_name, type, bytes; };
enum err http_form(struct ctx *cx, const struct http_req *rq, struct http_part **out, int *count) MUST_CHECK;

/* Puts the bytes of a body from `at` on into the n bytes at `to`, all of them;
 * false: it cannot, and the connection is cut. On a worker. */
typedef bool http_more(void *arg, uint64_t at, char *to, size_t n);

struct http_reply {
	int         status;            /* 0 is a bug and becomes 500; 204 and 304 go without type and body */
	const char *type;              /* content type; NULL: none is sent. Literal or the arena's */
	struct buf  body;              /* init by the server on the request's arena, max 64 MiB */
	http_more  *more;              /* the body is made while it is sent, size bytes of it; `body` is not used then */
	void       *more_arg;          /* in the arena */
	uint64_t    size;
	str         gz;                /* the body compressed already (gzip), for clients that take it; empty: http does it */
	struct { const char *name; str value; } head[24];
	int         head_count;
	bool        close;             /* close the connection after this answer */
};
/* CR, LF and NUL in value: dropped. Value and body may point into arena and
 * request. Not for Content-Length, Transfer-Encoding, Connection, Date: the
 * server's own. When the client takes gzip and a text or JSON body is above
 * 1 KiB, it is compressed, and a strong ETag becomes a weak one (W/"..."). */
void http_head(struct http_reply *rp, const char *name, str value);

/* ---- answers that stay open (server-sent events) -------------------------------------------------- */

/* A body that is written while it is sent, chunked. Made by a handler, which
 * returns at once; written from any thread later. What is not taken yet waits
 * in memory, at most `room` bytes; a client that lets it overflow, or takes
 * nothing for conf.body_for, is dropped. Such an answer is no running request:
 * http_stop() ends it without waiting. */
struct http_stream;
/* NULL: the server is stopping. The reply's status, type and headers are the
 * handler's; its body is not sent. */
struct http_stream *http_stream_new(struct http_req *rq, size_t room);
/* False: the client is gone, or was too slow and is being dropped. Never blocks. */
bool http_stream_put(struct http_stream *s, str bytes);
/* Ends the body behind what was put, and lets go of it; *s becomes NULL. */
void http_stream_end(struct http_stream **s);

/* Called on a wire thread once the head is complete: how many body bytes may
 * come; sets rq->piece when they are to come in pieces. Must not block. */
typedef size_t http_admit(void *arg, struct http_req *rq);
/* Called on a worker thread with the whole request; fills the reply. `a` is
 * the request's arena and is dropped after the last byte is sent. */
typedef void http_handler(void *arg, struct arena *a, struct http_req *rq, struct http_reply *rp);

struct http_conf {
	const char    *listen;         /* "ADDR:PORT", "[::1]:8443", ":8443" (all), "localhost:8443" (127.0.0.1 and ::1) */
	const char    *cert_file, *key_file;   /* PEM; NULL with plain */
	bool           plain;          /* no TLS; the caller has checked that it may be so */
	const char    *trusted_proxy;  /* address whose X-Forwarded-* counts; NULL: nobody */
	int            wire_threads;   /* 0: 2 */
	int            workers;        /* 0: 32; stacks of 512 KiB */
	int            max_connections;/* 0: 4096; per address: a quarter of it */
	usec           head_for;       /* 0: 10 s; from the first byte of a head to its last */
	usec           body_for;       /* 0: 10 s; a body must bring body_rate in every such span */
	int            body_rate;      /* 0: 500 bytes/s; also how fast an answer must be taken */
	usec           idle_for;       /* 0: 60 s; between two requests of a connection */
	size_t         body_memory;    /* 0: 256 MiB; all bodies above 64 KiB together, then 503 */
	http_admit    *admit;
	http_handler  *handle;
	void          *arg;
};
struct http;
/* Starts to serve. E_BUSY: the address is taken; E_INVALID: it is not an
 * address or the certificate cannot be used (field and why in cx->fail). */
enum err http_start(struct ctx *cx, const struct http_conf *conf, struct http **out) MUST_CHECK;
int      http_port(const struct http *h);    /* the port really bound (listen port 0) */
/* Stops to accept, lets running requests end (at most `grace`), closes. A
 * handler that still runs then has lost its client, but is waited for: it may
 * hold what the caller frees next. */
void     http_stop(struct http **h, usec grace);
/* Re-reads certificate and key; the old ones stay when they cannot be read. */
enum err http_reload(struct ctx *cx, struct http *h) MUST_CHECK;
struct http_stats { uint64_t requests, refused, open; };
void     http_stats(const struct http *h, struct http_stats *out);

/* ---- where a client may go ------------------------------------------------------------------- */

struct sockaddr;
/* Is this an address of the public internet? False for loopback, private,
 * link-local (with the clouds' metadata addresses), unique-local, carrier NAT,
 * documentation, benchmark, multicast and reserved ranges (IANA's special-
 * purpose registries), and for IPv6 forms that hold such an IPv4 one. */
bool addr_public(const struct sockaddr *sa);
/* Is it in one of the ranges "10.1.0.0/16, fd00::/8"? An IPv4 address written
 * as IPv6 (::ffff:a.b.c.d) counts as the IPv4 one. */
bool addr_in(const struct sockaddr *sa, str ranges);
bool ranges_ok(str ranges);                  /* well formed, at most 64; empty is fine */

/* ---- client ------------------------------------------------------------------------------------ */

/* What a URL says, in the client's own reading, so that what was judged is
 * what is connected to. False: malformed, a scheme other than http and https,
 * or one with a user name or fragment in it. IPv6 hosts keep their brackets. */
struct http_url { bool secure; str host; int port; };
bool http_url(struct ctx *cx, str url, struct http_url *out);

struct http_call {
	str         url, method;     /* "POST" */
	struct http_param *head;
	int         head_count;
	str         body;
	str         ranges;          /* internal addresses that may be connected to; see addr_in() */
	bool        plain;           /* http is allowed */
	str         ca_pem;          /* trusted instead of the system's certificates; empty: those */
	usec        answer_for;      /* the whole call; 0: 12 s */
	size_t      body_max;        /* of the answer; 0: 64 KiB; more ends the call */
	const _Atomic bool *stop;   /* ends the call; may be NULL */
};
enum http_end { HTTP_ANSWERED, HTTP_FORBIDDEN, HTTP_UNREACHABLE, HTTP_TOO_SLOW, HTTP_BAD_TLS, HTTP_TOO_LARGE, HTTP_STOPPED };
struct http_answer {
	enum http_end end;
	int         status;          /* 0 unless HTTP_ANSWERED */
	const char *reason;          /* fixed words; NULL when answered */
	struct http_param head[64];
	int         head_count;
	str         body;
	usec        retry_after;     /* of a Retry-After in seconds; 0: none */
	bool        sent;            /* the request may have reached them */
};
/* One request. Redirects are not followed, no proxy of the environment is
 * used, certificates are verified, and the address is judged by addr_public()
 * and `ranges` at the moment it is connected to. Blocks; thread-safe. */
enum err http_fetch(struct ctx *cx, const struct http_call *call, struct http_answer *out) MUST_CHECK;

/* ---- routes ---------------------------------------------------------------------------------- */

/* A row says everything about a route that is not its work. `path` is without
 * ".json"; {id} takes a positive decimal of at most 18 digits, {word} any one
 * segment. Tables end with a row whose method is 0. `permission` is gate's
 * enum may and is never 0: public ones say MAY_ANYONE. */
struct route {
	enum http_method method;
	const char      *path;
	int              permission;
	size_t           body_max;     /* bytes; 0: no body is read */
	enum err       (*handle)(struct ctx *cx, struct http_req *rq, struct http_reply *rp);
	unsigned         flags;        /* the api's own */
};
struct router;
/* Compiles tables (NULL-terminated list). Duplicate rows end the process: a
 * bug. Freed with the arena. */
struct router *router_new(struct arena *a, const struct route *const *tables);
/* The row for method and path (a trailing ".json" of the last segment is
 * ignored), with rq->param and rq->word filled; NULL when there is none, and
 * then *allowed has a bit (1 << method) for each method the path does take. */
const struct route *router_find(const struct router *r, struct http_req *rq, unsigned *allowed);

#endif
