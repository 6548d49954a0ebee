/* server.c - libmicrohttpd behind http.h: listening, the life of a request,
 * the sweeper, start and stop.
 *
 * Poll mode, never epoll: with MHD_USE_EPOLL 0.9.75 waits out the idle timeout
 * when exactly 128 events arrive at once. Its own timeout is off (it sees
 * inactivity only, and takes a lock per read and write); a sweeper looks at
 * every connection a few times a second and shuts the sockets of those that
 * make no real progress. shutdown() is safe beside the wire threads: they
 * leave h->conns, under its lock, before the descriptor is closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/wire.h"

/* A head may be as large as this allows; it is libmicrohttpd's memory for one
 * connection, half of it the read buffer. */
enum { CONN_MEMORY = 24 << 10, BACKLOG = 1024, SPARE_ARENAS = 64 };

/* ---- arenas ----------------------------------------------------------------------------------- */

/* A call's arena is taken and given back on its connection's wire thread, so
 * each wire thread keeps its own few and needs no lock. */
struct spare {
	int           count;
	struct arena *arena[SPARE_ARENAS];
};
static pthread_key_t spare_key;
static pthread_once_t spare_once = PTHREAD_ONCE_INIT;
static _Thread_local struct spare *spare;

static void
spare_free(void *arg)
{
	struct spare *s = arg;

	while (s->count > 0)
		arena_free(&s->arena[--s->count]);
	free(s);
}

static void
spare_init(void)
{
	pthread_key_create(&spare_key, spare_free);
}

static struct arena *
arena_take(void)
{
	return spare != NULL && spare->count > 0 ? spare->arena[--spare->count] : arena_new();
}

static void
arena_give(struct arena *a)
{
	if (spare == NULL && (spare = calloc(1, sizeof(*spare))) != NULL)
		pthread_setspecific(spare_key, spare);
	if (spare == NULL || spare->count == SPARE_ARENAS) {
		arena_free(&a);
		return;
	}
	arena_reset(a);
	spare->arena[spare->count++] = a;
}

/* ---- connections ------------------------------------------------------------------------------ */

static struct conn *
conn_of(struct MHD_Connection *mc)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
conn_address(struct conn *c, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)sa;
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)sa;
	struct in_addr mapped;

	if (sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &four->sin_addr, c->text, sizeof(c->text));
	} else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		memcpy(&mapped, &six->sin6_addr.s6_addr[12], sizeof(mapped));
		inet_ntop(AF_INET, &mapped, c->text, sizeof(c->text));
	} else if (sa->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, c->text, sizeof(c->text));
	}
	c->address = str_of(c->text);
}

static void
conn_open(struct http *h, struct MHD_Connection *mc, void **socket_context)
{
	const union MHD_ConnectionInfo *info;
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (c == NULL)
		return;                  /* its requests are then refused */
	c->h = h;
	info = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info->connect_fd;
	/* Else the first answer may wait for the acknowledgement of the handshake. */
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	info = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	conn_address(c, info->client_addr);
	if (!h->conf.plain)
		tls_attach(c, mc);
	conn_phase(c, PH_FIRST, time_mono());
	*socket_context = c;
	atomic_fetch_add_explicit(&h->open, 1, memory_order_relaxed);

	pthread_mutex_lock(&h->conns_lock);
	c->link = &h->conns;
	if ((c->next = h->conns) != NULL)
		c->next->link = &c->next;
	h->conns = c;
	pthread_mutex_unlock(&h->conns_lock);
}

static void
conn_close(struct http *h, void **socket_context)
{
	struct conn *c = *socket_context;

	if (c == NULL)
		return;
	*socket_context = NULL;
	pthread_mutex_lock(&h->conns_lock);
	if ((*c->link = c->next) != NULL)
		c->next->link = c->link;
	pthread_mutex_unlock(&h->conns_lock);
	atomic_fetch_sub_explicit(&h->open, 1, memory_order_relaxed);
	free(c);
}

static void
on_connection(void *arg, struct MHD_Connection *mc, void **socket_context,
    enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		conn_open(arg, mc, socket_context);
	else
		conn_close(arg, socket_context);
}

/* ---- the life of a request -------------------------------------------------------------------- */

/* The request line is there, still as it was sent; afterwards libmicrohttpd
 * cuts it up in place. What this returns is the call's pointer from now on. */
static void *
on_line(void *arg, const char *target, struct MHD_Connection *mc)
{
	struct conn *c = conn_of(mc);
	struct arena *a;
	struct call *w;
	uint64_t phase;

	(void)arg;
	if (c == NULL)
		return NULL;
	a = arena_take();
	w = NEW(a, struct call, 1);
	w->a = a;
	w->c = c;
	w->mc = mc;
	w->rq.wire = w;
	w->target = str_dup(a, str_of(target));
	w->target_at = target;
	phase = atomic_load_explicit(&c->phase, memory_order_relaxed);
	if ((phase & 7) != PH_FIRST)                /* the first head counts from the accept */
		conn_phase(c, PH_HEAD, time_mono());
	return w;
}

void
body_drop(struct call *w)
{
	if (w->mapped) {
		munmap(w->body, w->body_cap);
		atomic_fetch_sub_explicit(&w->c->h->body_bytes, w->held, memory_order_relaxed);
	}
	w->mapped = false;
	w->body = NULL;
	w->body_n = w->body_cap = w->held = 0;
}

static enum MHD_Result
refuse(struct call *w, struct refusal no)
{
	atomic_fetch_add_explicit(&w->c->h->refused, 1, memory_order_relaxed);
	reply_error(w, no);
	w->rp.close = true;
	return reply_send(w);
}

/* Refuses while the body is still on its way. libmicrohttpd can answer before
 * the body or after it, and closing a socket with unread bytes in it resets
 * the connection, so that the client may never see the answer. So it is
 * written to the connection here, and what still comes is thrown away until
 * the client stops or the sweeper's patience ends. */
enum MHD_Result
refuse_midway(struct call *w, struct refusal no)
{
	struct conn *c = w->c;

	atomic_fetch_add_explicit(&c->h->refused, 1, memory_order_relaxed);
	body_drop(w);
	reply_error(w, no);
	conn_phase(c, PH_LINGER, time_mono());
	w->state = CALL_DROP;
	return reply_early(w) ? MHD_YES : MHD_NO;
}

struct refusal
too_large(struct call *w)
{
	return (struct refusal){ 413, str_z(w->a, str_printf(w->a, "request body too large: at most %zu bytes here", w->body_max)) };
}

/* Room for a body of `n` bytes at most. Beyond 64 KiB it gets pages that cost
 * nothing until bytes arrive, never move, and need no wiping. */
bool
body_room(struct call *w, size_t n)
{
	w->body_cap = n;
	if (n <= BODY_IN_ARENA) {
		w->body = arena_alloc(w->a, 1, n, 1);
		return true;
	}
	w->body = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	w->mapped = w->body != MAP_FAILED;
	if (!w->mapped)
		w->body = NULL;
	return w->mapped;
}

bool
body_count(struct call *w, size_t n)
{
	struct http *h = w->c->h;
	size_t more = w->mapped && n > w->held ? n - w->held : 0;

	if (more == 0)
		return true;
	if (atomic_fetch_add_explicit(&h->body_bytes, more, memory_order_relaxed) + more > h->conf.body_memory) {
		atomic_fetch_sub_explicit(&h->body_bytes, more, memory_order_relaxed);
		return false;
	}
	w->held = n;
	return true;
}

/* The connection sleeps until a worker gives the call back. */
enum MHD_Result
call_give(struct call *w, enum job job)
{
	struct http *h = w->c->h;

	w->job = job;
	w->rq.body = job == JOB_OPEN ? S("") : (str){ w->body, w->body_n };
	w->state = CALL_AWAY;
	conn_phase(w->c, PH_RUN, time_mono());
	MHD_suspend_connection(w->mc);
	if (!pool_add(h, w)) {
		reply_error(w, (struct refusal){ 503, "the server is stopping" });
		w->state = CALL_BACK;
		MHD_resume_connection(w->mc);
	}
	return MHD_YES;
}

static enum MHD_Result
on_head(struct call *w, const char *method, const char *version)
{
	struct conn *c = w->c;
	struct http *h = c->h;
	struct refusal no;

	atomic_fetch_add_explicit(&h->requests, 1, memory_order_relaxed);
	if (!request_head(w, method, version, &no))
		return refuse(w, no);
	w->state = CALL_BODY;
	if (w->length == 0 && !w->chunked && w->rq.method != POST)
		return MHD_YES;
	w->body_max = h->conf.admit(h->conf.arg, &w->rq);
	if (w->length == 0 && !w->chunked)
		return MHD_YES;
	if (w->length > w->body_max)
		return w->expects ? refuse(w, too_large(w)) : refuse_midway(w, too_large(w));
	w->pieces = w->rq.piece > 0 && (w->chunked || w->length > BODY_IN_ARENA || w->length > w->rq.piece);
	if (w->pieces) {
		w->rq.address = str_dup(w->a, w->rq.address);    /* outlives the connection */
		w->again = h->exact;             /* 0.9.75, when it was suspended in that call */
		return call_give(w, JOB_OPEN);
	}
	if (!body_room(w, w->chunked ? w->body_max : w->length))
		return refuse(w, (struct refusal){ 503, "out of memory" });
	atomic_store_explicit(&c->got, 0, memory_order_relaxed);
	conn_phase(c, PH_BODY, time_mono());
	return MHD_YES;
}

static enum MHD_Result
on_body(struct call *w, const char *data, size_t n)
{
	if (n > w->body_cap - w->body_n)
		return refuse_midway(w, too_large(w));
	if (!body_count(w, w->body_n + n))
		return refuse_midway(w, (struct refusal){ 503, "too many large requests at once" });
	memcpy(w->body + w->body_n, data, n);
	w->body_n += n;
	atomic_store_explicit(&w->c->got, w->body_n, memory_order_relaxed);
	return MHD_YES;
}

/* The request is whole: sleep until a worker has answered it. */
static enum MHD_Result
on_whole(struct call *w)
{
	struct http *h = w->c->h;

	if (h->closed)
		return refuse(w, (struct refusal){ 503, "the server is stopping" });
	w->counted = true;
	atomic_fetch_add_explicit(&h->active, 1, memory_order_relaxed);
	return call_give(w, w->pieces ? JOB_LAST : JOB_WHOLE);
}

/* Called with the head, with pieces of the body, with its end, and again when
 * a suspended connection is resumed. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *mc, const char *url, const char *method,
    const char *version, const char *data, size_t *n, void **call)
{
	struct call *w = *call;
	size_t given = *n;

	(void)arg;
	(void)mc;
	(void)url;
	if (w == NULL)
		return MHD_NO;
	*n = 0;                              /* it is all taken, but for what a piece has no room for */
	if (w->again && w->state != CALL_HEAD && w->state != CALL_AWAY) {
		w->again = false;
		if (given == 0)
			return MHD_YES;
	}
	switch (w->state) {
	case CALL_HEAD:
		return on_head(w, method, version);
	case CALL_BODY:
		if (given > 0 && w->pieces) {
			*n = given;
			return piece_come(w, data, n);
		}
		return given > 0 ? on_body(w, data, given) : on_whole(w);
	case CALL_BACK:
		if (w->stream != NULL && w->counted) {
			w->counted = false;
			atomic_fetch_sub_explicit(&w->c->h->active, 1, memory_order_release);
		}
		return reply_send(w);
	case CALL_DROP:
		return given > 0 ? MHD_YES : MHD_NO;
	case CALL_AWAY:                      /* more of a chunk was read already: it waits there */
		*n = given;
		return MHD_YES;
	case CALL_SENT:
		break;
	}
	return MHD_NO;
}

/* The answer is out, or the connection is dead. */
static void
on_completed(void *arg, struct MHD_Connection *mc, void **call, enum MHD_RequestTerminationCode why)
{
	struct http *h = arg;
	struct call *w = *call;

	(void)mc;
	(void)why;
	if (w == NULL)
		return;
	*call = NULL;
	body_drop(w);
	if (w->stream != NULL)
		stream_left(w);
	if (w->counted)
		atomic_fetch_sub_explicit(&h->active, 1, memory_order_release);
	w->c->hold = false;
	conn_phase(w->c, PH_IDLE, time_mono());
	if (!piece_lost(w))
		arena_give(w->a);
}

/* libmicrohttpd would decode its own copies of path and query in place. */
static size_t
keep_escapes(void *arg, struct MHD_Connection *mc, char *s)
{
	(void)arg;
	(void)mc;
	return strlen(s);
}

/* ---- the sweeper ------------------------------------------------------------------------------ */

/* A body must bring body_rate bytes/s in every span of body_for. */
static bool
body_is_slow(struct conn *c, uint64_t phase, usec now)
{
	const struct http_conf *conf = &c->h->conf;
	uint64_t got = atomic_load_explicit(&c->got, memory_order_relaxed);
	bool slow;

	if (c->mark_phase != phase) {
		c->mark_phase = phase;
		c->mark_at = (usec)(phase >> 3);
		c->mark_got = 0;
	}
	if (now - c->mark_at < conf->body_for)
		return false;
	slow = (double)(got - c->mark_got) * SECOND <
	    (double)conf->body_rate * (double)(now - c->mark_at);
	c->mark_at = now;
	c->mark_got = got;
	return slow;
}

static bool
is_late(struct conn *c, usec now)
{
	const struct http_conf *conf = &c->h->conf;
	uint64_t phase = atomic_load_explicit(&c->phase, memory_order_relaxed);
	usec since = (usec)(phase >> 3);
	usec linger = conf->head_for < 5 * SECOND ? conf->head_for : 5 * SECOND;

	switch ((enum phase)(phase & 7)) {
	case PH_FIRST:
	case PH_HEAD:
		return now - since > conf->head_for;
	case PH_BODY:
		return body_is_slow(c, phase, now);
	case PH_RUN:
		return false;
	case PH_REPLY:
		return now > atomic_load_explicit(&c->until, memory_order_relaxed);
	case PH_IDLE:
		return now - since > conf->idle_for || atomic_load(&c->h->stopping);
	case PH_LINGER:
		return now - since > linger;
	}
	return false;
}

static void
sweep(struct http *h, bool all)          /* with conns_lock held */
{
	usec now = time_mono();

	for (struct conn *c = h->conns; c != NULL; c = c->next)
		if (all || is_late(c, now))
			shutdown(c->fd, SHUT_RDWR);
}

static void *
sweeper(void *arg)
{
	struct http *h = arg;
	const struct http_conf *conf = &h->conf;
	usec tick = conf->head_for, at;
	struct timespec ts;

	if (tick > conf->body_for)
		tick = conf->body_for;
	if (tick > conf->idle_for)
		tick = conf->idle_for;
	tick = tick / 8 < SECOND / 50 ? SECOND / 50 : tick / 8 > SECOND ? SECOND : tick / 8;
	pthread_mutex_lock(&h->conns_lock);
	while (!h->sweep_end) {
		at = time_mono() + tick;
		ts = (struct timespec){ at / SECOND, at % SECOND * 1000 };
		pthread_cond_timedwait(&h->sweep_wake, &h->conns_lock, &ts);
		sweep(h, false);
		tls_forget(h, time_mono() - 2 * conf->head_for - SECOND);
	}
	pthread_mutex_unlock(&h->conns_lock);
	return NULL;
}

/* ---- listening -------------------------------------------------------------------------------- */

static void
set_v4(struct sockaddr_storage *ss, struct in_addr addr, uint16_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)ss;

	*four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = addr };
}

static void
set_v6(struct sockaddr_storage *ss, struct in6_addr addr, uint16_t port)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)ss;

	*six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = addr };
}

/* "ADDR:PORT", "[V6]:PORT", ":PORT" (all addresses), "localhost:PORT" (its
 * IPv4 address; is_localhost() asks for the other one beside it). */
static bool
parse_listen(const char *text, struct sockaddr_storage *ss)
{
	char host[64];
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;
	struct in6_addr six;
	struct in_addr four;
	int64_t port;
	size_t n;

	*ss = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	if (colon == NULL || !str_int(str_of(colon + 1), &port) || port < 0 || port > 65535 ||
	    (n = (size_t)(colon - text)) >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = 0;
	if (n == 0) {
		set_v6(ss, in6addr_any, (uint16_t)port);
	} else if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = 0;
		if (inet_pton(AF_INET6, host + 1, &six) != 1)
			return false;
		set_v6(ss, six, (uint16_t)port);
	} else if (strcmp(host, "localhost") == 0) {
		set_v4(ss, (struct in_addr){ htonl(INADDR_LOOPBACK) }, (uint16_t)port);
	} else {
		if (inet_pton(AF_INET, host, &four) != 1)
			return false;
		set_v4(ss, four, (uint16_t)port);
	}
	return true;
}

static int
socket_on(const struct sockaddr_storage *ss)
{
	int one = 1, zero = 0;
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t n = ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (const struct sockaddr *)(const void *)ss, n) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool
is_localhost(const char *text)
{
	return strncmp(text, "localhost:", 10) == 0;
}

/* localhost is two addresses (RFC 6761 section 6.3), and some clients ask only
 * the one that their resolver names first. A machine without IPv6 has one. */
static enum err
listen_beside(struct ctx *cx, struct http *h)
{
	struct sockaddr_storage ss;

	set_v6(&ss, in6addr_loopback, (uint16_t)h->port);
	h->beside_fd = socket_on(&ss);
	if (h->beside_fd < 0 && errno == EADDRINUSE)
		return fail(cx, E_BUSY, "listen", "the address is in use");
	return OK;
}

static enum err
listen_on(struct ctx *cx, struct http *h)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&ss;

	if (!parse_listen(h->conf.listen, &ss))
		return fail(cx, E_INVALID, "listen", "is not ADDR:PORT");
	h->listen_fd = socket_on(&ss);
	if (h->listen_fd < 0 && errno == EAFNOSUPPORT && ss.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr)) {
		set_v4(&ss, (struct in_addr){ htonl(INADDR_ANY) }, ntohs(six->sin6_port));
		h->listen_fd = socket_on(&ss);
	}
	if (h->listen_fd < 0) {
		switch (errno) {
		case EADDRINUSE: return fail(cx, E_BUSY, "listen", "the address is in use");
		case EADDRNOTAVAIL: return fail(cx, E_INVALID, "listen", "is not an address of this machine");
		case EACCES: return fail(cx, E_INVALID, "listen", "needs privileges for this port");
		default: return fail(cx, E_FAULT, "listen", "cannot be listened on");
		}
	}
	if (getsockname(h->listen_fd, (struct sockaddr *)(void *)&ss, &n) != 0)
		return fail(cx, E_FAULT, "listen", "cannot be listened on");
	h->port = ntohs(ss.ss_family == AF_INET ?
	    ((const struct sockaddr_in *)(const void *)&ss)->sin_port : six->sin6_port);
	return is_localhost(h->conf.listen) ? listen_beside(cx, h) : OK;
}

/* The daemon accepts on one socket; this thread gives it what comes by the
 * other. It ends when stop_beside() shuts the socket. */
static void *
accept_beside(void *arg)
{
	struct http *h = arg;
	struct sockaddr_storage ss;
	struct pollfd wait = { .fd = h->beside_fd, .events = POLLIN };

	while (!atomic_load(&h->stopping)) {
		socklen_t n = sizeof(ss);
		int fd;

		if (poll(&wait, 1, -1) < 0 && errno != EINTR)
			break;
		fd = accept4(h->beside_fd, (struct sockaddr *)(void *)&ss, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)             /* closes it where it refuses */
			MHD_add_connection(h->daemon, fd, (const struct sockaddr *)(const void *)&ss, n);
		else if (errno == EINVAL || errno == EBADF)
			break;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			usleep(50 * 1000);
	}
	return NULL;
}

static void
stop_beside(struct http *h)
{
	if (!h->accepting)
		return;
	atomic_store(&h->stopping, true);
	shutdown(h->beside_fd, SHUT_RDWR);
	pthread_join(h->accepter, NULL);
	h->accepting = false;
}

/* ---- start and stop --------------------------------------------------------------------------- */

static const char *
copy(struct arena *a, const char *s)
{
	return s != NULL ? str_z(a, str_of(s)) : NULL;
}

static void
fill_in(struct http *h, const struct http_conf *conf)
{
	struct http_conf *c = &h->conf;

	*c = *conf;
	c->listen = copy(h->a, conf->listen);
	c->cert_file = copy(h->a, conf->cert_file);
	c->key_file = copy(h->a, conf->key_file);
	c->trusted_proxy = copy(h->a, conf->trusted_proxy);
	c->wire_threads = c->wire_threads > 0 ? c->wire_threads : 2;
	c->workers = c->workers > 0 ? c->workers : 32;
	c->max_connections = c->max_connections > 0 ? c->max_connections : 4096;
	c->head_for = c->head_for > 0 ? c->head_for : 10 * SECOND;
	c->body_for = c->body_for > 0 ? c->body_for : 10 * SECOND;
	c->body_rate = c->body_rate > 0 ? c->body_rate : 500;
	c->idle_for = c->idle_for > 0 ? c->idle_for : 60 * SECOND;
	c->body_memory = c->body_memory > 0 ? c->body_memory : 256 * MiB;
}

/* The proxy's address as conn_address() writes it: "::1", not "0::1". */
static bool
one_spelling(struct http *h)
{
	const char *proxy = h->conf.trusted_proxy;
	unsigned char bin[16];
	char text[INET6_ADDRSTRLEN];
	int family = AF_INET;

	if (proxy == NULL)
		return true;
	if (inet_pton(AF_INET, proxy, bin) != 1) {
		family = AF_INET6;
		if (inet_pton(AF_INET6, proxy, bin) != 1)
			return false;
	}
	h->conf.trusted_proxy = copy(h->a, inet_ntop(family, bin, text, sizeof(text)));
	return true;
}

/* A connection is a descriptor; leave some for everything else. */
static void
fit_descriptors(struct http *h)
{
	const rlim_t others = 256;
	struct rlimit lim;
	rlim_t want = (rlim_t)h->conf.max_connections + others;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want)
		return;
	lim.rlim_cur = lim.rlim_max == RLIM_INFINITY || lim.rlim_max > want ? want : lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur >= want)
		return;
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0)
		h->conf.max_connections = lim.rlim_cur > 2 * others ? (int)(lim.rlim_cur - others) :
		    (int)(lim.rlim_cur / 2);
}

static bool
daemon_start(struct http *h)
{
	unsigned limit = (unsigned)h->conf.max_connections;
	struct MHD_OptionItem opt[20];
	int n = 0;
#define SET(o, v, p) (opt[n++] = (struct MHD_OptionItem){ o, v, p })

	SET(MHD_OPTION_LISTEN_SOCKET, h->listen_fd, NULL);
	if (h->conf.wire_threads > 1)
		SET(MHD_OPTION_THREAD_POOL_SIZE, h->conf.wire_threads, NULL);
	SET(MHD_OPTION_THREAD_STACK_SIZE, 512 << 10, NULL);
	SET(MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL);
	SET(MHD_OPTION_CONNECTION_LIMIT, (intptr_t)limit, NULL);
	SET(MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)(limit < 4 ? 1 : limit / 4), NULL);
	SET(MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONN_MEMORY, NULL);
	SET(MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL);
	SET(MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, h);
	SET(MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, h);
	SET(MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_line, h);
	SET(MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL);
	if (!h->conf.plain) {
		SET(MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)tls_priorities);
		SET(MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)tls_choose_cert);
	}
	SET(MHD_OPTION_END, 0, NULL);
#undef SET
	/* Without MHD_USE_ERROR_LOG: its messages quote URLs. */
	h->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
	    (h->conf.plain ? 0u : (unsigned)MHD_USE_TLS), 0, NULL, NULL, on_request, h,
	    MHD_OPTION_ARRAY, opt, MHD_OPTION_END);
	if (h->daemon == NULL)
		h->listen_fd = -1;               /* it may or may not have closed it */
	return h->daemon != NULL;
}

/* Also for a half-started server. */
static void
destroy(struct http *h)
{
	stop_beside(h);
	pool_stop(h);
	if (h->sweeping) {
		pthread_mutex_lock(&h->conns_lock);
		h->sweep_end = true;
		pthread_cond_signal(&h->sweep_wake);
		pthread_mutex_unlock(&h->conns_lock);
		pthread_join(h->sweeper, NULL);
	}
	if (h->daemon != NULL)
		MHD_stop_daemon(h->daemon);      /* quiesced: leaves listen_fd to us */
	if (h->listen_fd >= 0)
		close(h->listen_fd);
	if (h->beside_fd >= 0)
		close(h->beside_fd);
	tls_forget(h, INT64_MAX);
	if (h->ticket_key.data != NULL) {
		wipe(h->ticket_key.data, h->ticket_key.size);
		gnutls_free(h->ticket_key.data);
	}
	pthread_mutex_destroy(&h->conns_lock);
	pthread_mutex_destroy(&h->streams_lock);
	pthread_mutex_destroy(&h->queue_lock);
	pthread_mutex_destroy(&h->cert_lock);
	pthread_cond_destroy(&h->sweep_wake);
	struct arena *a = h->a;
	arena_free(&a);
}

static enum err
start_threads(struct ctx *cx, struct http *h)
{
	sigset_t all, before;
	bool up;

	/* Signals are for the thread that called us. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	h->sweeping = pthread_create(&h->sweeper, NULL, sweeper, h) == 0;
	if (h->sweeping)
		pthread_setname_np(h->sweeper, "http-sweep");
	up = h->sweeping && pool_start(h) && daemon_start(h);
	if (up && h->beside_fd >= 0) {
		up = h->accepting = pthread_create(&h->accepter, NULL, accept_beside, h) == 0;
		if (up)
			pthread_setname_np(h->accepter, "http-accept");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return up ? OK : fail(cx, E_FAULT, NULL, "the server cannot start its threads");
}

enum err
http_start(struct ctx *cx, const struct http_conf *conf, struct http **out)
{
	struct arena *a = arena_new();
	struct http *h = NEW(a, struct http, 1);
	pthread_condattr_t attr;
	enum err e = OK;

	h->a = a;
	h->listen_fd = h->beside_fd = -1;
	h->last = &h->first;
	fill_in(h, conf);
	pthread_once(&spare_once, spare_init);
	pthread_mutex_init(&h->conns_lock, NULL);
	pthread_mutex_init(&h->streams_lock, NULL);
	pthread_mutex_init(&h->queue_lock, NULL);
	pthread_mutex_init(&h->cert_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->sweep_wake, &attr);
	pthread_condattr_destroy(&attr);
	h->exact = strncmp(MHD_get_version(), "0.9.75", 6) == 0;

	if (!one_spelling(h))
		e = fail(cx, E_INVALID, "trusted_proxy", "is not an address");
	if (e == OK && !conf->plain) {
		if (gnutls_session_ticket_key_generate(&h->ticket_key) < 0)
			e = fail(cx, E_FAULT, NULL, "no session ticket key");
		else
			e = tls_load(cx, h);
	}
	if (e == OK)
		e = listen_on(cx, h);
	if (e == OK) {
		fit_descriptors(h);
		e = start_threads(cx, h);
	}
	if (e != OK) {
		destroy(h);
		return e;
	}
	*out = h;
	return OK;
}

int
http_port(const struct http *h)
{
	return h->port;
}

void
http_stop(struct http **hp, usec grace)
{
	struct http *h = *hp;
	usec until = time_mono() + grace;

	if (h == NULL)
		return;
	*hp = NULL;
	atomic_store(&h->stopping, true);
	stop_beside(h);
	MHD_quiesce_daemon(h->daemon);
	shutdown(h->listen_fd, SHUT_RDWR);       /* refuses who waits; closed in destroy() */
	while (atomic_load_explicit(&h->active, memory_order_acquire) > 0 && time_mono() < until)
		usleep(2000);
	streams_end(h);
	pthread_mutex_lock(&h->conns_lock);
	sweep(h, true);
	pthread_mutex_unlock(&h->conns_lock);
	destroy(h);
}

enum err
http_reload(struct ctx *cx, struct http *h)
{
	return h->conf.plain ? OK : tls_load(cx, h);
}

void
http_stats(const struct http *h, struct http_stats *out)
{
	*out = (struct http_stats){
		.requests = atomic_load_explicit(&h->requests, memory_order_relaxed),
		.refused = atomic_load_explicit(&h->refused, memory_order_relaxed),
		.open = atomic_load_explicit(&h->open, memory_order_relaxed),
	};
}
