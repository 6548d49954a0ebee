/* reply.c - from a struct http_reply to an answer on the wire. */
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <zlib.h>

#include "http/wire.h"

enum { WORTH_GZIP = 1024 };

void
http_head(struct http_reply *rp, const char *name, str value)
{
	size_t n = 0;
	char *p;

	if ((size_t)rp->head_count == COUNT(rp->head)) {
		log_line(LOG_LV_ERROR, "http", "too many headers in a reply header=%s", name);
		return;
	}
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == 0) {
			p = arena_alloc(rp->body.a, 1, value.n, 1);
			for (i = 0; i < value.n; i++)
				if (value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != 0)
					p[n++] = value.p[i];
			value = (str){ p, n };
		}
	rp->head[rp->head_count].name = name;
	rp->head[rp->head_count++].value = value;
}

static const char *
error_name(int status)
{
	switch (status) {
	case 400: return "BadRequest";
	case 408: return "RequestTimeout";
	case 413: return "RequestTooLarge";
	case 417: return "ExpectationFailed";
	case 431: return "RequestTooLarge";
	case 501: return "NotImplemented";
	case 503: return "ServiceUnavailable";
	default:  return "InternalError";
	}
}

/* The server's own answers, in the shape of the API's. */
void
reply_error(struct call *w, struct refusal no)
{
	struct http_reply *rp = &w->rp;

	*rp = (struct http_reply){ .status = no.status, .type = "application/json; charset=utf-8" };
	buf_init(&rp->body, w->a, REPLY_MAX);
	buf_fmt(&rp->body, "{\"error\":\"%s\",\"description\":\"%s\"}", error_name(no.status), no.why);
	if (no.status == 503)
		http_head(rp, "Retry-After", S("1"));
}

static bool
bodyless(const struct http_reply *rp)
{
	return rp->status < 200 || rp->status == 204 || rp->status == 304;
}

/* ---- gzip --------------------------------------------------------------------------------------- */

static bool
squeezable(const char *type)
{
	static const char *const prefixes[] = {
		"text/", "application/json", "application/javascript", "application/xml",
		"application/x-ndjson", "image/svg+xml",
	};

	for (size_t i = 0; type != NULL && i < COUNT(prefixes); i++)
		if (strncmp(type, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* zlib's memory holds the text, so it is the arena's and wiped with it. */
static void *
from_arena(void *a, unsigned count, unsigned size)
{
	return arena_alloc(a, size, count, alignof(max_align_t));
}

static void
to_arena(void *a, void *p)
{
	(void)a;
	(void)p;
}

/* Level 1. Window and tables only as large as the text needs: for 2 KB that
 * is 30 KB to clear instead of 270. */
static bool
squeeze(struct arena *a, str in, str *out)
{
	z_stream z = { .zalloc = from_arena, .zfree = to_arena, .opaque = a };
	int bits = 9, level;

	while (bits < 15 && (size_t)1 << bits < in.n)
		bits++;
	level = bits - 6 < 8 ? bits - 6 : 8;
	if (deflateInit2(&z, 1, Z_DEFLATED, 16 + bits, level, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	z.next_in = (Bytef *)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = arena_alloc(a, 1, in.n, 1);
	z.avail_out = (uInt)in.n - 64;             /* no gain: leave it */
	out->p = (char *)z.next_out;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		return false;
	out->n = z.total_out;
	return true;
}

static bool
has_head(const struct http_reply *rp, str name)
{
	for (int i = 0; i < rp->head_count; i++)
		if (str_eqi(str_of(rp->head[i].name), name))
			return true;
	return false;
}

/* Another coding is another representation: its tag may only be weak
 * (RFC 9110, 8.8.3). */
static void
weaken_etag(struct call *w)
{
	struct http_reply *rp = &w->rp;
	str v;

	for (int i = 0; i < rp->head_count; i++) {
		v = rp->head[i].value;
		if (str_eqi(str_of(rp->head[i].name), S("ETag")) && str_starts(v, S("\"")))
			rp->head[i].value = str_printf(w->a, "W/" STR_F, STR_A(v));
	}
}

void
reply_finish(struct call *w)
{
	struct http_reply *rp = &w->rp;
	str small;

	if (rp->status < 200 || rp->status > 599 || rp->body.over) {
		log_line(LOG_LV_ERROR, "http", rp->body.over ? "a reply above its limit" :
		    "a reply without status");
		reply_error(w, (struct refusal){ 500, "internal error" });
	}
	if (bodyless(rp)) {
		rp->type = NULL;
		rp->body.n = 0;
		return;
	}
	if (rp->more != NULL) {
		if (w->rq.method != HEAD && rp->size > 0 && !source_fill(w)) {
			log_line(LOG_LV_ERROR, "http", "an answer could not be begun");
			reply_error(w, (struct refusal){ 500, "internal error" });
		}
		return;
	}
	if (w->stream != NULL || rp->body.n <= WORTH_GZIP || !squeezable(rp->type) || has_head(rp, S("Content-Encoding")))
		return;
	if (!has_head(rp, S("Vary")))
		http_head(rp, "Vary", S("Accept-Encoding"));
	if (!w->gzip)
		return;
	if (rp->gz.n > 0)
		small = rp->gz;
	else if (!squeeze(w->a, buf_str(&rp->body), &small))
		return;
	rp->body.p = (char *)small.p;
	rp->body.n = small.n;
	http_head(rp, "Content-Encoding", S("gzip"));
	weaken_etag(w);
}

/* ---- the wire ----------------------------------------------------------------------------------- */

/* The body is sent from the arena, which lives until on_completed(). */
enum MHD_Result
reply_send(struct call *w)
{
	struct http_reply *rp = &w->rp;
	struct conn *c = w->c;
	struct http *h = c->h;
	struct MHD_Response *r;
	enum MHD_Result ok;
	usec now = time_mono();

	if (w->stream != NULL)
		r = stream_response(w);
	else if (rp->more != NULL)
		r = source_response(w);
	else
		r = MHD_create_response_from_buffer(rp->body.n, rp->body.p, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	if (rp->type != NULL)
		MHD_add_response_header(r, "Content-Type", rp->type);
	for (int i = 0; i < rp->head_count; i++)
		if (rp->head[i].value.n > 0)
			MHD_add_response_header(r, rp->head[i].name, str_z(w->a, rp->head[i].value));
	if (rp->close || atomic_load_explicit(&h->stopping, memory_order_relaxed))
		MHD_add_response_header(r, "Connection", "close");
	c->hold = c->tls != NULL && w->stream == NULL && (rp->body.n > 0 || w->out_n > 0) && w->rq.method != HEAD && !bodyless(rp);
	atomic_store_explicit(&c->until, now + h->conf.idle_for +
	    (usec)((rp->body.n + w->out_n) / (size_t)h->conf.body_rate) * SECOND, memory_order_relaxed);
	conn_phase(c, PH_REPLY, now);
	w->state = CALL_SENT;
	ok = MHD_queue_response(w->mc, (unsigned)rp->status, r);
	MHD_destroy_response(r);
	return ok;
}

bool
reply_early(struct call *w)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct http_reply *rp = &w->rp;
	struct conn *c = w->c;
	int year, month, day, hour, minute, second;
	usec now = time_now();
	ssize_t put;
	struct buf b;

	time_civil(now, &year, &month, &day, &hour, &minute, &second);
	buf_init(&b, w->a, REPLY_MAX + 64 * KiB);
	buf_fmt(&b, "HTTP/1.1 %d %s\r\nDate: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n"
	    "Connection: close\r\nContent-Length: %zu\r\n",
	    rp->status, MHD_get_reason_phrase_for((unsigned)rp->status),
	    days + 3 * ((time_unix(now) / 86400 + 4) % 7), day, months + 3 * (month - 1), year,
	    hour, minute, second, rp->body.n);
	if (rp->type != NULL)
		buf_fmt(&b, "Content-Type: %s\r\n", rp->type);
	for (int i = 0; i < rp->head_count; i++)
		if (rp->head[i].value.n > 0)
			buf_fmt(&b, "%s: " STR_F "\r\n", rp->head[i].name, STR_A(rp->head[i].value));
	buf_add(&b, S("\r\n"));
	buf_add(&b, buf_str(&rp->body));
	put = c->tls != NULL ? gnutls_record_send(c->tls, b.p, b.n) : send(c->fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return put == (ssize_t)b.n;
}
