/* load.c - a load client for HTTP/1.1 over TLS (or plain), as cheap as it can
 * be made, because it shares the machine with the server it measures.
 *
 * One thread, epoll, N keep-alive connections, one request under way on each.
 * It reads of an answer only what it must: status, Content-Length or chunk
 * sizes. Latency is from the first byte written to the last byte read. The
 * clock starts when all connections have been made. Prints one line of JSON.
 *
 *   load --connect 127.0.0.1:8443 --conns 64 --seconds 5
 *        --auth 'ann@clinic.example/token:TOKEN'
 *        --method GET --path-template '/api/v2/tickets/%d.json' --ids 1-10000
 *
 * %d in a path becomes a number from --ids, %d in a body (--body-file) a
 * counter that goes on from --counter, %r one of --pick. With --rate R requests
 * are due every 1/R s, whatever the answers do, and their time counts from when
 * they were due; without it each connection asks again at once. --mix FILE takes the requests from a file, one a line:
 *
 *   WEIGHT METHOD PATH [IDS|-] [BODY-FILE]
 *
 * Exit 1 when nothing could be measured, 2 on wrong usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16 << 10, READ_SIZE = 64 << 10, KINDS = 1024 };

/* One kind of request: its text in pieces around each %d. */
struct kind {
	char    *method, *path, *body;    /* body may be NULL */
	size_t   body_n;
	uint64_t low, high;
	unsigned weight;
};

enum step { IDLE, CONNECTING, SHAKING, WRITING, IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER };

struct conn {
	int       fd;
	SSL      *ssl;
	enum step step;
	uint32_t  events;                 /* what epoll watches */
	char     *out;
	size_t    out_n, out_at, out_cap;
	uint64_t  began;                  /* us */
	char      head[HEAD_MAX];
	size_t    head_n;
	int       status;
	bool      head_only, closing, made;   /* made: was connected once */
	uint64_t  left;                   /* bytes of body or chunk still to come */
	bool      blank;                  /* this trailer line is empty; in a chunk size: skip to its end */
};

static struct {
	struct sockaddr_in to;
	const char *method, *path, *ids, *body_file, *mix, *auth;
	const char *extra[16];
	int         extra_count, conns;
	double      seconds, warmup, rate;
	uint64_t    pick_low, pick_high;
	bool        plain, gzip, handshakes;
} opt = { .method = "GET", .path = "/", .conns = 64, .seconds = 5, .warmup = 0.5, .pick_low = 1, .pick_high = 1 };

static struct kind kinds[KINDS];
static int kind_count;
static unsigned weights;
static char *common;                      /* header lines of every request */
static SSL_CTX *tls;
static SSL_SESSION *session;
static int ep;
static uint64_t counter, seed = 88172645463325252u;
static char scratch[READ_SIZE];

static uint64_t statuses[1000], requests, bytes, errors, reconnects;
static uint32_t *lat;
static size_t lat_n, lat_cap;
static bool measuring;
static int made;                          /* connections that were made once */
static struct conn **idle;                /* with --rate: who waits for work, last in first out */
static int idle_count;
static double due;                        /* when the next request is, us */

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("load: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void *
must(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

/* ---- requests ----------------------------------------------------------------------------------- */

static void
put(struct conn *c, const char *p, size_t n)
{
	if (c->out_n + n > c->out_cap)
		c->out = must(realloc(c->out, c->out_cap = 2 * (c->out_n + n)));
	memcpy(c->out + c->out_n, p, n);
	c->out_n += n;
}

static void
put_z(struct conn *c, const char *z)
{
	put(c, z, strlen(z));
}

/* The next %d or %r; NULL: none. */
static const char *
hole_in(const char *text, const char *end)
{
	while ((text = memchr(text, '%', (size_t)(end - text))) != NULL && end - text > 1) {
		if (text[1] == 'd' || text[1] == 'r')
			return text;
		text++;
	}
	return NULL;
}

/* `text` with each %d and %r replaced; a picked number is padded to ten bytes, which JSON allows. */
static void
put_filled(struct conn *c, const char *text, size_t n, uint64_t number)
{
	const char *end = text + n, *hole;
	char digits[24];

	while ((hole = hole_in(text, end)) != NULL) {
		put(c, text, (size_t)(hole - text));
		put(c, digits, (size_t)(hole[1] == 'd' ? snprintf(digits, sizeof(digits), "%" PRIu64, number) :
		    snprintf(digits, sizeof(digits), "%10" PRIu64, opt.pick_low + next_random() % (opt.pick_high - opt.pick_low + 1))));
		text = hole + 2;
	}
	put(c, text, (size_t)(end - text));
}

static size_t
filled_size(const char *text, size_t n, uint64_t number)
{
	const char *end = text + n;
	size_t size = n, digits = (size_t)snprintf(NULL, 0, "%" PRIu64, number);

	while ((text = hole_in(text, end)) != NULL) {
		size += (text[1] == 'd' ? digits : 10) - 2;
		text += 2;
	}
	return size;
}

static void
compose(struct conn *c)
{
	uint64_t pick = next_random() % weights, number;
	struct kind *k = kinds;
	char line[64];

	while (pick >= k->weight)
		pick -= k++->weight;
	number = k->low + next_random() % (k->high - k->low + 1);
	c->out_n = c->out_at = 0;
	put_z(c, k->method);
	put_z(c, " ");
	put_filled(c, k->path, strlen(k->path), number);
	put_z(c, " HTTP/1.1\r\n");
	put_z(c, common);
	if (k->body != NULL) {
		number = ++counter;
		put(c, line, (size_t)snprintf(line, sizeof(line),
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		    filled_size(k->body, k->body_n, number)));
	}
	put_z(c, "\r\n");
	if (k->body != NULL)
		put_filled(c, k->body, k->body_n, number);
	c->head_only = strcmp(k->method, "HEAD") == 0;
	c->head_n = 0;
	c->step = WRITING;
	c->began = now_us();
}

/* ---- connections -------------------------------------------------------------------------------- */

static void
watch(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (c->events == events)
		return;
	if (epoll_ctl(ep, c->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &ev) != 0)
		die("epoll: %s", strerror(errno));
	c->events = events;
}

static void
begin(struct conn *c)
{
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&opt.to, sizeof(opt.to)) != 0 && errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	c->events = 0;
	c->step = CONNECTING;
	c->closing = false;
	if (tls != NULL) {
		c->ssl = must(SSL_new(tls));
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_connect_state(c->ssl);
		if (session != NULL && !opt.handshakes)
			SSL_set_session(c->ssl, session);
	}
	watch(c, EPOLLOUT);
}

static void
again(struct conn *c)
{
	if (c->ssl != NULL)
		SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	reconnects++;
	begin(c);
}

static void
failed(struct conn *c)
{
	if (measuring)
		errors++;
	again(c);
}

/* > 0 bytes; 0: would block, and epoll watches for it; < 0: broken. */
static int
result(struct conn *c, int got)
{
	if (got > 0)
		return got;
	if (c->ssl == NULL) {
		if (got == 0 || errno != EAGAIN)
			return -1;
		watch(c, c->step == WRITING ? EPOLLOUT : EPOLLIN);
		return 0;
	}
	switch (SSL_get_error(c->ssl, got)) {
	case SSL_ERROR_WANT_READ:
		watch(c, EPOLLIN);
		return 0;
	case SSL_ERROR_WANT_WRITE:
		watch(c, EPOLLOUT);
		return 0;
	default:
		ERR_clear_error();
		return -1;
	}
}

/* ---- answers ------------------------------------------------------------------------------------ */

static void
answered(struct conn *c)
{
	uint64_t took = now_us() - c->began;

	if (measuring) {
		requests++;
		statuses[c->status % 1000]++;
		if (lat_n == lat_cap)
			lat = must(realloc(lat, (lat_cap = lat_cap ? 2 * lat_cap : 65536) * sizeof(*lat)));
		lat[lat_n++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	}
	if (c->closing) {
		again(c);
	} else if (opt.rate > 0) {
		c->step = IDLE;
		idle[idle_count++] = c;
	} else {
		compose(c);
	}
}

static bool
head_done(struct conn *c)
{
	const char *p;

	c->head[c->head_n] = 0;
	c->status = c->head_n > 12 && strncmp(c->head, "HTTP/1.", 7) == 0 ? (int)strtol(c->head + 9, NULL, 10) : 0;
	if (c->status < 100 || c->status > 599)
		return false;
	if (strcasestr(c->head, "\r\nconnection: close") != NULL)
		c->closing = true;
	if (c->status < 200) {                      /* 100 Continue: the real one follows */
		c->step = IN_HEAD;
		c->head_n = 0;
		return true;
	}
	if (c->head_only || c->status == 204 || c->status == 304) {
		c->left = 0;
		c->step = IN_BODY;
	} else if ((p = strcasestr(c->head, "\r\ncontent-length:")) != NULL) {
		c->left = strtoull(p + 17, NULL, 10);
		c->step = IN_BODY;
	} else if (strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL) {
		c->left = 0;
		c->blank = false;
		c->step = IN_CHUNK_SIZE;
	} else {
		return false;
	}
	return true;
}

/* Eats of p what belongs to the head. Returns bytes eaten; SIZE_MAX: malformed. */
static size_t
eat_head(struct conn *c, const char *p, size_t n)
{
	size_t had = c->head_n, take = n < HEAD_MAX - 1 - had ? n : HEAD_MAX - 1 - had;
	size_t from = had < 3 ? 0 : had - 3;
	char *end;

	memcpy(c->head + had, p, take);
	c->head_n += take;
	end = memmem(c->head + from, c->head_n - from, "\r\n\r\n", 4);
	if (end == NULL)
		return c->head_n == HEAD_MAX - 1 ? SIZE_MAX : take;
	take = (size_t)(end + 4 - c->head) - had;
	c->head_n = had + take;
	return head_done(c) ? take : SIZE_MAX;
}

/* Eats bytes of an answer. Returns false when it is malformed. */
static bool
eat(struct conn *c, const char *p, size_t n)
{
	size_t take;
	int digit;

	if (measuring)
		bytes += n;
	while (n > 0 || (c->step == IN_BODY && c->left == 0)) {
		switch (c->step) {
		case IN_HEAD:
			if ((take = eat_head(c, p, n)) == SIZE_MAX)
				return false;
			break;
		case IN_BODY:
			take = n < c->left ? n : (size_t)c->left;
			if ((c->left -= take) == 0) {
				if (take < n)
					return false;       /* more than one answer */
				answered(c);
				return true;
			}
			break;
		case IN_CHUNK_SIZE:
			take = 1;
			if (c->blank && *p != '\n')
				break;                       /* an extension */
			digit = *p >= '0' && *p <= '9' ? *p - '0' : (*p | 32) >= 'a' && (*p | 32) <= 'f' ?
			    (*p | 32) - 'a' + 10 : -1;
			if (digit >= 0) {
				c->left = c->left << 4 | (uint64_t)digit;
			} else if (*p == '\n' && c->left == 0) {
				c->step = IN_TRAILER;
				c->blank = true;
			} else if (*p == '\n') {
				c->step = IN_CHUNK;
			} else if (*p == ';') {
				c->blank = true;
			} else if (*p != '\r') {
				return false;
			}
			break;
		case IN_CHUNK:
			take = n < c->left ? n : (size_t)c->left;
			if ((c->left -= take) == 0)
				c->step = IN_CHUNK_END;
			break;
		case IN_CHUNK_END:
			take = 1;
			if (*p == '\n') {
				c->step = IN_CHUNK_SIZE;
				c->blank = false;
			}
			break;
		case IN_TRAILER:
			take = 1;
			if (*p == '\n' && c->blank) {
				answered(c);
				return n == 1;
			}
			c->blank = *p == '\n' || (c->blank && *p == '\r');
			break;
		default:
			return false;
		}
		p += take;
		n -= take;
	}
	return true;
}

/* Runs one connection until it would block. */
static void
drive(struct conn *c)
{
	int got, err = 0;
	socklen_t n = sizeof(err);

	if (c->step == CONNECTING) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n);
		if (err != 0)
			die("connect: %s", strerror(err));
		c->step = SHAKING;
	}
	if (c->step == SHAKING) {
		if (c->ssl != NULL) {
			got = result(c, SSL_do_handshake(c->ssl));
			if (got < 0)
				failed(c);
			if (got <= 0)
				return;
		}
		made += !c->made;
		c->made = true;
		if (opt.rate > 0) {
			c->step = IDLE;
			idle[idle_count++] = c;
			watch(c, EPOLLIN);
			return;
		}
		compose(c);
	}
	if (c->step == IDLE)                        /* the server ended what slept */
		return;
	for (;;) {
		if (c->step == WRITING) {
			int left = (int)(c->out_n - c->out_at);

			got = result(c, c->ssl != NULL ? SSL_write(c->ssl, c->out + c->out_at, left) :
			    (int)send(c->fd, c->out + c->out_at, (size_t)left, MSG_NOSIGNAL));
			if (got < 0)
				failed(c);
			if (got <= 0)
				return;
			c->out_at += (size_t)got;
			if (c->out_at < c->out_n)
				continue;
			c->step = IN_HEAD;
			watch(c, EPOLLIN);
			if (c->ssl == NULL || !SSL_has_pending(c->ssl))
				return;                    /* nothing can be there yet */
		}
		got = result(c, c->ssl != NULL ? SSL_read(c->ssl, scratch, sizeof(scratch)) :
		    (int)recv(c->fd, scratch, sizeof(scratch), 0));
		if (got == 0)
			return;
		if (got < 0 || !eat(c, scratch, (size_t)got)) {
			failed(c);
			return;
		}
		if (c->step == CONNECTING || c->step == IDLE)
			return;
	}
}

/* What is due by now is asked, as far as a connection is free for it. */
static void
ask_due(void)
{
	uint64_t t = now_us();

	while (opt.rate > 0 && idle_count > 0 && due <= (double)t) {
		struct conn *c = idle[--idle_count];
		compose(c);
		c->began = (uint64_t)due;
		due += 1e6 / opt.rate;
		drive(c);
	}
}

static int
keep_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	if (session != NULL)
		SSL_SESSION_free(session);
	session = s;
	return 1;
}

/* ---- settings ----------------------------------------------------------------------------------- */

static char *
read_all(const char *file, size_t *n)
{
	FILE *f = fopen(file, "r");
	char *p = NULL;
	size_t cap = 0;

	if (f == NULL)
		die("%s: %s", file, strerror(errno));
	for (*n = 0;;) {
		if (*n + 1 >= cap)
			p = must(realloc(p, cap = cap ? 2 * cap : 4096));
		size_t got = fread(p + *n, 1, cap - 1 - *n, f);
		if (got == 0)
			break;
		*n += got;
	}
	fclose(f);
	p[*n] = 0;
	return p;
}

static void
add_kind(unsigned weight, const char *method, const char *path, const char *ids, const char *body)
{
	struct kind *k = &kinds[kind_count];
	char *dash;

	if (kind_count++ == KINDS || weight == 0)
		die("too many kinds of request, or weight 0");
	*k = (struct kind){ .method = must(strdup(method)), .path = must(strdup(path)),
	    .weight = weight, .low = 1, .high = 1 };
	if (ids != NULL && strcmp(ids, "-") != 0) {
		k->low = strtoull(ids, &dash, 10);
		k->high = *dash == '-' ? strtoull(dash + 1, NULL, 10) : k->low;
		if (k->high < k->low)
			die("--ids wants FROM-TO");
	}
	if (body != NULL)
		k->body = read_all(body, &k->body_n);
	weights += weight;
}

/* Cuts the next word off *line; NULL at the end. */
static char *
word(char **line)
{
	char *w = *line + strspn(*line, " \t");

	*line = w + strcspn(w, " \t");
	if (**line != 0)
		*(*line)++ = 0;
	return *w != 0 ? w : NULL;
}

static void
read_mix(const char *file)
{
	size_t n;
	char *text = read_all(file, &n), *line, *next, *weight, *method, *path, *ids;

	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = 0;
		if ((weight = word(&line)) == NULL || weight[0] == '#')
			continue;
		method = word(&line);
		if ((path = word(&line)) == NULL)
			die("%s: not WEIGHT METHOD PATH [IDS|-] [BODY-FILE]", file);
		ids = word(&line);
		add_kind((unsigned)strtoul(weight, NULL, 10), method, path, ids, word(&line));
	}
	free(text);
}

static void
set_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64] = "127.0.0.1";

	if (colon == NULL)
		die("--connect wants ADDR:PORT");
	if (colon != text)
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	opt.to.sin_family = AF_INET;
	opt.to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &opt.to.sin_addr) != 1)
		die("--connect wants an IPv4 address");
}

static void
set_pick(const char *v)
{
	char *dash;

	opt.pick_low = opt.pick_high = strtoull(v, &dash, 10);
	if (*dash == '-')
		opt.pick_high = strtoull(dash + 1, NULL, 10);
	if (opt.pick_high < opt.pick_low)
		die("--pick wants FROM-TO");
}

static void
read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *o = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";
		bool flag = true;

		if (strcmp(o, "--plain") == 0)
			opt.plain = true;
		else if (strcmp(o, "--gzip") == 0)
			opt.gzip = true;
		else if (strcmp(o, "--full-handshakes") == 0)
			opt.handshakes = true;
		else
			flag = false;
		if (flag)
			continue;
		if (i + 1 == argc)
			die("%s wants a value", o);
		i++;
		if (strcmp(o, "--connect") == 0)
			set_address(v);
		else if (strcmp(o, "--conns") == 0)
			opt.conns = (int)strtol(v, NULL, 10);
		else if (strcmp(o, "--seconds") == 0)
			opt.seconds = strtod(v, NULL);
		else if (strcmp(o, "--warmup") == 0)
			opt.warmup = strtod(v, NULL);
		else if (strcmp(o, "--auth") == 0)
			opt.auth = v;
		else if (strcmp(o, "--method") == 0)
			opt.method = v;
		else if (strcmp(o, "--path-template") == 0)
			opt.path = v;
		else if (strcmp(o, "--ids") == 0)
			opt.ids = v;
		else if (strcmp(o, "--body-file") == 0)
			opt.body_file = v;
		else if (strcmp(o, "--counter") == 0)
			counter = strtoull(v, NULL, 10);
		else if (strcmp(o, "--mix") == 0)
			opt.mix = v;
		else if (strcmp(o, "--rate") == 0)
			opt.rate = strtod(v, NULL);
		else if (strcmp(o, "--pick") == 0)
			set_pick(v);
		else if (strcmp(o, "--header") == 0 && opt.extra_count < 16)
			opt.extra[opt.extra_count++] = v;
		else
			die("unknown option %s", o);
	}
	if (opt.to.sin_port == 0 || opt.conns < 1)
		die("usage: load --connect ADDR:PORT [--conns N] [--seconds S] [--warmup S] [--plain] [--gzip]\n"
		    "  [--auth 'EMAIL/token:TOKEN'] [--header 'NAME: VALUE'] [--method M] [--path-template P]\n"
		    "  [--ids FROM-TO] [--body-file F] [--mix FILE] [--counter N] [--pick FROM-TO]\n"
		    "  [--rate R] [--full-handshakes]");
	if (opt.mix != NULL)
		read_mix(opt.mix);
	else
		add_kind(1, opt.method, opt.path, opt.ids, opt.body_file);
}

static void
make_common(void)
{
	size_t cap = 4096, n = 0;
	unsigned char b64[1024];

	for (int i = 0; i < opt.extra_count; i++)
		cap += strlen(opt.extra[i]) + 2;
	common = must(malloc(cap));
	n += (size_t)snprintf(common, cap, "Host: localhost\r\nAccept: application/json\r\n");
	if (opt.auth != NULL) {
		if (strlen(opt.auth) > 700)
			die("--auth is too long");
		EVP_EncodeBlock(b64, (const unsigned char *)opt.auth, (int)strlen(opt.auth));
		n += (size_t)snprintf(common + n, cap - n, "Authorization: Basic %s\r\n", b64);
	}
	if (opt.gzip)
		n += (size_t)snprintf(common + n, cap - n, "Accept-Encoding: gzip\r\n");
	for (int i = 0; i < opt.extra_count; i++)
		n += (size_t)snprintf(common + n, cap - n, "%s\r\n", opt.extra[i]);
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(double p)
{
	size_t i = (size_t)(p * (double)lat_n);

	return lat_n == 0 ? 0 : lat[i < lat_n ? i : lat_n - 1] / 1000.0;
}

static double
cpu_seconds(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
run(struct conn *conns)
{
	struct epoll_event ev[256];
	uint64_t start = 0, t = now_us(), end = 0;
	double cpu = 0, took;
	int n;
	bool first = true;

	for (int i = 0; i < opt.conns; i++)
		begin(&conns[i]);
	while (!measuring || t < end) {
		double left = opt.rate > 0 && made == opt.conns ? due - (double)now_us() : 1e5;
		if (idle_count == 0 || left > 1e5)
			left = 1e5;
		n = epoll_pwait2(ep, ev, 256, &(struct timespec){ .tv_nsec = left > 0 ? (long)(left * 1000) : 0 }, NULL);
		for (int i = 0; i < n; i++)
			drive(ev[i].data.ptr);
		if (start != 0)                      /* before, nothing is due: due is 0, and all would seem late by the clock */
			ask_due();
		t = now_us();
		if (start == 0) {
			if (made == opt.conns) {
				start = t + (uint64_t)(opt.warmup * 1e6);
				due = (double)t;
			}
		} else if (!measuring && t >= start) {
			measuring = true;
			start = t;
			end = t + (uint64_t)(opt.seconds * 1e6);
			cpu = cpu_seconds();
			reconnects = 0;
		}
	}
	took = (double)(t - start) / 1e6;
	cpu = cpu_seconds() - cpu;
	qsort(lat, lat_n, sizeof(*lat), by_size);
	printf("{\"requests\":%" PRIu64 ",\"seconds\":%.3f,\"rate\":%.1f,\"connections\":%d,\"status\":{",
	    requests, took, (double)requests / took, opt.conns);
	for (int s = 0; s < 1000; s++)
		if (statuses[s] > 0) {
			printf("%s\"%d\":%" PRIu64, first ? "" : ",", s, statuses[s]);
			first = false;
		}
	printf("},\"errors\":%" PRIu64 ",\"reconnects\":%" PRIu64 ",\"p50_ms\":%.3f,\"p90_ms\":%.3f,"
	    "\"p99_ms\":%.3f,\"max_ms\":%.3f,\"bytes_per_s\":%.0f,\"client_cpu_us\":%.1f}\n",
	    errors, reconnects, percentile(0.5), percentile(0.9), percentile(0.99),
	    lat_n > 0 ? lat[lat_n - 1] / 1000.0 : 0, (double)bytes / took,
	    requests > 0 ? cpu * 1e6 / (double)requests : 0);
}

int
main(int argc, char **argv)
{
	struct conn *conns;
	struct rlimit lim;

	read_options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	if (!opt.plain) {
		tls = must(SSL_CTX_new(TLS_client_method()));
		SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_read_ahead(tls, 1);
		SSL_CTX_set_default_read_buffer_len(tls, READ_SIZE);
		SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(tls, keep_session);
	}
	make_common();
	ep = epoll_create1(EPOLL_CLOEXEC);
	conns = must(calloc((size_t)opt.conns, sizeof(*conns)));
	idle = must(calloc((size_t)opt.conns, sizeof(struct conn *)));
	run(conns);
	return requests > 0 ? 0 : 1;
}
