/* wire.h - the inside of the http module. Only files of this folder, its
 * tests and its fuzz target include it.
 *
 * A struct conn is a TCP connection, a struct call one request on it. A call
 * and all it points to live in an arena of its own, from the request line
 * until the last byte of the answer is handed to the kernel. Who may touch it:
 *
 *     wire thread    from the request line to the end of the body
 *     queue          nobody; libmicrohttpd has the connection suspended
 *     worker thread  while the handler runs, until MHD_resume_connection()
 *     wire thread    from then on
 *
 * Each hand-over goes through a mutex (the queue's, libmicrohttpd's).
 */
#ifndef WARD_HTTP_WIRE_H
#define WARD_HTTP_WIRE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "http/http.h"

#define TARGET_MAX   (8 * KiB)       /* bytes of a request target */
#define FIELDS_MAX   128             /* header lines */
#define REPLY_MAX    (64 * MiB)
#define BODY_IN_ARENA (64 * KiB)     /* above it a body gets pages of its own */
#define OUT_PIECE    (256 * KiB)     /* of an answer that is made while it is sent */

/* What the sweeper may close a connection for. */
enum phase {
	PH_FIRST,      /* accepted: TLS handshake and first head */
	PH_HEAD,       /* the request line of a later request is there */
	PH_BODY,
	PH_RUN,        /* queued or in the handler: our own time */
	PH_REPLY,
	PH_IDLE,
	PH_LINGER,     /* refused in mid-body; reads on so that the client sees why */
};

/* An answer that stays open (stream.c). */
struct http_stream {
	struct http_stream    *next, **link;  /* h->streams, under h->streams_lock; link NULL: not in it */
	pthread_mutex_t        lock;          /* of all below; inside h->streams_lock */
	struct http           *h;
	struct conn           *c;             /* NULL once the client is gone */
	struct MHD_Connection *mc;
	int                    users;         /* the call, the writer */
	bool                   asleep;        /* suspended: nothing to send */
	bool                   ended;         /* no more will be put */
	bool                   over;          /* overflowed, or the server stops: to be cut off */
	char                  *buf;
	size_t                 at, n, cap, room;   /* what waits is buf[at] to buf[at + n] */
};

struct conn {
	struct conn      *next, **link;   /* h->conns, under h->conns_lock */
	struct http      *h;
	int               fd;             /* libmicrohttpd closes it, after on_connection(CLOSED) */
	gnutls_session_t  tls;            /* NULL when plain */
	_Atomic uint64_t  phase;          /* moment << 3 | enum phase, so that both change at once */
	_Atomic uint64_t  got;            /* body bytes of the request under way */
	_Atomic usec      until;          /* PH_REPLY: when the answer must be gone */
	uint64_t          mark_phase;     /* the sweeper's own: the body it measures, */
	usec              mark_at;        /*   since when, */
	uint64_t          mark_got;       /*   and what was there then */
	str               address;        /* points to text */
	char              text[INET6_ADDRSTRLEN];
	/* TLS: the record with an answer's head waits here for the first one of
	 * the body, so that both leave in one packet (tls.c). */
	bool              hold;           /* the next record is a head with a body to follow */
	size_t            held_at, held_n;
	char              held[2 * KiB];
};

enum call_state {
	CALL_HEAD,     /* the head is not complete */
	CALL_BODY,
	CALL_AWAY,     /* queued or in the handler; the connection is suspended */
	CALL_BACK,     /* the reply is filled */
	CALL_SENT,     /* the reply is libmicrohttpd's */
	CALL_DROP,     /* refused in mid-body; the rest is thrown away */
};

/* What a worker is to do with a call. */
enum job {
	JOB_WHOLE,     /* the request is complete */
	JOB_OPEN, JOB_PIECE, JOB_LAST, JOB_LOST,     /* the stages of a body in pieces */
	JOB_FILL,      /* the next bytes of an answer */
};

struct call {
	struct http_req        rq;
	struct http_reply      rp;
	struct arena          *a;
	struct conn           *c;
	struct MHD_Connection *mc;
	struct call           *next;       /* in the queue */
	_Atomic(enum call_state) state;
	enum job               job;
	bool                   counted;    /* in h->active */
	bool                   pieces;     /* the body comes in pieces */
	bool                   again;      /* the call with the head is to come again */
	bool                   taking;     /* the handler was called with HTTP_OPEN, and its end is to come */
	bool                   chunked;
	bool                   expects;    /* Expect: 100-continue */
	bool                   gzip;       /* the client takes it */
	bool                   mapped;     /* body is pages, not arena */
	uint64_t               length;     /* Content-Length; 0 if none */
	str                    target;     /* copy of the raw request target */
	const char            *target_at;  /* where libmicrohttpd has it */
	struct http_stream    *stream;     /* the reply's body, when it stays open */
	struct http_param     *field;      /* header lines; values trimmed */
	int                    field_count;
	char                  *body;
	size_t                 body_n, body_cap, body_max;
	size_t                 held;       /* of its pages: what h->body_bytes counts */
	uint64_t               total;      /* bytes of all pieces until now */
	char                  *out;        /* what is next of an answer that is made while it is sent: */
	size_t                 out_at, out_n;      /* out[out_at] to out[out_at + out_n], */
	uint64_t               out_made;   /* the last of it is byte out_made of the body */
	bool                   out_bad;    /* no more can be made */
};

struct cert {
	struct cert     *next;             /* retired before this one */
	usec             retired_at;
	gnutls_pcert_st  chain[8];
	unsigned         chain_count;
	gnutls_privkey_t key;
};

struct worker {
	struct http    *h;
	struct worker  *next_idle;
	pthread_cond_t  wake;
	bool            woken;
	pthread_t       thread;
};

struct http {
	struct http_conf    conf;          /* texts copied, defaults filled in */
	struct arena       *a;
	struct MHD_Daemon  *daemon;
	int                 listen_fd;     /* -1 once closed */
	int                 beside_fd;     /* [::1] beside 127.0.0.1 for "localhost"; -1: none */
	pthread_t           accepter;      /* its thread */
	bool                accepting;     /* the thread exists */
	int                 port;
	bool                exact;         /* the head can be checked byte by byte (request.c) */
	_Atomic bool        stopping;      /* answers close their connections */
	_Atomic uint64_t    requests, refused, open, active;
	_Atomic size_t      body_bytes;    /* in pages of bodies */

	pthread_mutex_t     conns_lock;
	struct conn        *conns;
	pthread_t           sweeper;
	bool                sweeping;      /* the thread exists */
	bool                sweep_end;     /* under conns_lock */
	pthread_cond_t      sweep_wake;

	pthread_mutex_t     streams_lock;
	struct http_stream *streams;

	pthread_mutex_t     queue_lock;
	struct call        *first, **last;
	struct worker      *idle;          /* who slept last is woken first: its stack is warm */
	bool                waking;        /* a woken worker has not looked yet */
	_Atomic bool        closed;        /* the queue takes no more */
	struct worker      *workers;
	int                 worker_count;  /* threads that exist */

	_Atomic(struct cert *) cert;
	pthread_mutex_t     cert_lock;     /* reload and the list of retired ones */
	struct cert        *retired;
	gnutls_datum_t      ticket_key;
};

static inline void
conn_phase(struct conn *c, enum phase p, usec now)
{
	atomic_store_explicit(&c->phase, (uint64_t)now << 3 | p, memory_order_relaxed);
}

/* request.c. Nothing here reads the socket. */
struct refusal { int status; const char *why; };
/* Splits and decodes a raw target into path, query and, in absolute form,
 * *authority. False when it is malformed. */
bool request_target(struct arena *a, str target, struct http_req *rq, str *authority);
/* Decodes one side of a query parameter: '+' and valid escapes. */
str request_query_text(struct arena *a, str text);
/* Checks and reads the whole head into w->rq. True when it may go on. */
bool request_head(struct call *w, const char *method, const char *version, struct refusal *no);

/* reply.c */
void reply_error(struct call *w, struct refusal no);
void reply_finish(struct call *w);                   /* worker: defaults, gzip */
enum MHD_Result reply_send(struct call *w);          /* wire: hands it to libmicrohttpd */
bool reply_early(struct call *w);                    /* whoever holds the connection: writes it to the socket; false: it is not all out */

/* stream.c */
struct MHD_Response *stream_response(struct call *w);
void stream_left(struct call *w);                    /* wire: the call is over */
void streams_end(struct http *h);                    /* all of them, now */

/* server.c */
struct refusal too_large(struct call *w);            /* names the limit */
bool body_room(struct call *w, size_t n);
bool body_count(struct call *w, size_t n);           /* so many bytes of its pages are used now; false: too many in all */
void body_drop(struct call *w);
enum MHD_Result refuse_midway(struct call *w, struct refusal no);
enum MHD_Result call_give(struct call *w, enum job job);   /* wire: to a worker; suspends the connection */

/* pieces.c */
enum MHD_Result piece_come(struct call *w, const char *data, size_t *n);   /* wire */
bool piece_lost(struct call *w);                     /* wire: the call is over; true: a worker drops it */
void piece_work(struct http *h, struct call *w);     /* worker */
bool source_fill(struct call *w);                    /* worker */
struct MHD_Response *source_response(struct call *w);

/* pool.c */
bool pool_start(struct http *h);
bool pool_add(struct http *h, struct call *w);       /* false: closed */
void pool_stop(struct http *h);                      /* drains, joins; 503 for what was not begun */

/* tls.c */
extern const char tls_priorities[];
enum err tls_load(struct ctx *cx, struct http *h) MUST_CHECK;
void tls_attach(struct conn *c, struct MHD_Connection *mc);
int  tls_choose_cert(gnutls_session_t s, const gnutls_datum_t *ca, int ca_count,
    const gnutls_pk_algorithm_t *algos, int algo_count, gnutls_pcert_st **chain,
    unsigned *chain_count, gnutls_privkey_t *key);
void tls_forget(struct http *h, usec retired_before);

#endif
