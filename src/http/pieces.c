/* pieces.c - bodies that are taken in pieces, and answers that are made in pieces.
 *
 * Both ways the connection is suspended while a worker is at work, so that a
 * slow client costs one buffer, and neither a worker nor a wire thread:
 *
 *     head  -> worker: HTTP_OPEN   -> wire: reads until a piece is full and more comes
 *           -> worker: HTTP_PIECE  -> wire ... -> worker: HTTP_LAST -> the answer
 *     answer -> worker: fills out[] -> wire: sends it -> worker: the next bytes
 *
 * A piece is given away when a byte behind it is there (it stays in
 * libmicrohttpd's buffer), so that HTTP_LAST has bytes unless the body has none.
 *
 * A body of known length that fits into the arena is gathered first, and one
 * trip to a worker runs HTTP_OPEN and HTTP_LAST: a small file costs what any
 * small request does.
 *
 * What is answered before the end cannot go through libmicrohttpd (server.c,
 * refuse_midway). The worker writes it to the socket, which is nobody else's
 * while the connection is suspended; then what still comes is thrown away.
 *
 * A call whose client is gone in mid-body is a worker's for a last time
 * (HTTP_LOST); it has no connection then, and dies there.
 */
#include <sys/socket.h>

#include "http/wire.h"

/* ---- bodies ----------------------------------------------------------------------------------- */

enum MHD_Result
piece_come(struct call *w, const char *data, size_t *n)
{
	size_t given = *n, some;

	if (given > w->body_max - w->total) {
		*n = 0;
		return refuse_midway(w, too_large(w));
	}
	if (w->body_cap < w->rq.piece) {         /* the first one, or the handler wants larger ones */
		body_drop(w);
		if (!body_room(w, w->rq.piece)) {
			*n = 0;
			return refuse_midway(w, (struct refusal){ 503, "out of memory" });
		}
	}
	some = w->rq.piece - w->body_n < given ? w->rq.piece - w->body_n : given;
	if (!body_count(w, w->body_n + some)) {
		*n = 0;
		return refuse_midway(w, (struct refusal){ 503, "too many large requests at once" });
	}
	memcpy(w->body + w->body_n, data, some);
	w->body_n += some;
	w->total += some;
	atomic_fetch_add_explicit(&w->c->got, some, memory_order_relaxed);
	*n = given - some;
	return *n > 0 ? call_give(w, JOB_PIECE) : MHD_YES;
}

bool
piece_lost(struct call *w)
{
	struct http *h = w->c->h;

	if (!w->taking)
		return false;
	w->c = NULL;
	w->mc = NULL;
	w->field_count = 0;
	w->rq.host = w->rq.body = S("");
	w->job = JOB_LOST;
	return pool_add(h, w);
}

static void
lose(struct http *h, struct call *w)
{
	struct arena *a = w->a;

	if (!h->closed) {
		w->rq.stage = HTTP_LOST;
		h->conf.handle(h->conf.arg, a, &w->rq, &w->rp);
	}
	arena_free(&a);
}

static void
back(struct call *w)
{
	reply_finish(w);
	w->state = CALL_BACK;
	MHD_resume_connection(w->mc);
}

/* Answered before the body was read. */
static void
refused(struct call *w)
{
	struct conn *c = w->c;

	atomic_fetch_add_explicit(&c->h->refused, 1, memory_order_relaxed);
	body_drop(w);
	w->rp.more = NULL;
	reply_finish(w);
	conn_phase(c, PH_LINGER, time_mono());
	w->state = CALL_DROP;
	if (!reply_early(w))
		shutdown(c->fd, SHUT_RDWR);
	MHD_resume_connection(w->mc);
}

static void
handle(struct http *h, struct call *w, enum http_stage stage, str body)
{
	buf_init(&w->rp.body, w->a, REPLY_MAX);
	w->rq.stage = stage;
	w->rq.body = body;
	w->taking = stage != HTTP_LAST;
	if (h->closed)
		reply_error(w, (struct refusal){ 503, "the server is stopping" });
	else
		h->conf.handle(h->conf.arg, w->a, &w->rq, &w->rp);
	w->taking = w->taking && w->rp.status == 0;
}

void
piece_work(struct http *h, struct call *w)
{
	str body = w->rq.body;

	switch (w->job) {
	case JOB_WHOLE:
		handle(h, w, HTTP_OPEN, S(""));
		if (w->rp.status == 0)
			handle(h, w, HTTP_LAST, body);
		back(w);
		return;
	case JOB_OPEN:
	case JOB_PIECE:
		handle(h, w, w->job == JOB_OPEN ? HTTP_OPEN : HTTP_PIECE, body);
		if (w->rp.status != 0) {
			refused(w);
			return;
		}
		w->body_n = 0;
		atomic_store_explicit(&w->c->got, 0, memory_order_relaxed);
		conn_phase(w->c, PH_BODY, time_mono());
		w->state = CALL_BODY;
		MHD_resume_connection(w->mc);
		return;
	case JOB_LAST:
		handle(h, w, HTTP_LAST, body);
		body_drop(w);
		back(w);
		return;
	case JOB_LOST:
		lose(h, w);
		return;
	case JOB_FILL:
		w->out_bad = h->closed || !source_fill(w);
		w->state = CALL_SENT;
		MHD_resume_connection(w->mc);
		return;
	}
}

/* ---- answers ---------------------------------------------------------------------------------- */

bool
source_fill(struct call *w)
{
	struct http_reply *rp = &w->rp;
	uint64_t left = rp->size - w->out_made;
	size_t n = left < OUT_PIECE ? (size_t)left : OUT_PIECE;

	if (w->out == NULL)
		w->out = arena_alloc(w->a, 1, n, 1);
	if (!rp->more(rp->more_arg, w->out_made, w->out, n))
		return false;
	w->out_at = 0;
	w->out_n = n;
	w->out_made += n;
	return true;
}

/* On the wire thread. The client has until `until` to take what was made. */
static ssize_t
source_read(void *arg, uint64_t pos, char *to, size_t max)
{
	struct call *w = arg;
	struct conn *c = w->c;
	size_t n;

	(void)pos;
	if (w->out_bad)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (w->out_n == 0) {
		if (w->out_made == w->rp.size)
			return MHD_CONTENT_READER_END_OF_STREAM;
		w->job = JOB_FILL;
		w->state = CALL_AWAY;
		conn_phase(c, PH_RUN, time_mono());
		MHD_suspend_connection(w->mc);
		if (!pool_add(c->h, w)) {
			w->out_bad = true;
			w->state = CALL_SENT;
			MHD_resume_connection(w->mc);
		}
		return 0;
	}
	if (w->out_at == 0) {
		usec now = time_mono();
		atomic_store_explicit(&c->until, now + c->h->conf.body_for + (usec)(w->out_n / (size_t)c->h->conf.body_rate) * SECOND,
		    memory_order_relaxed);
		conn_phase(c, PH_REPLY, now);
	}
	n = w->out_n < max ? w->out_n : max;
	memcpy(to, w->out + w->out_at, n);
	w->out_at += n;
	w->out_n -= n;
	return (ssize_t)n;
}

struct MHD_Response *
source_response(struct call *w)
{
	enum { BLOCK = 32 << 10 };

	return MHD_create_response_from_callback(w->rp.size, BLOCK, source_read, w, NULL);
}
