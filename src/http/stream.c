/* stream.c - answers that stay open: a body that is written while it is sent.
 *
 * libmicrohttpd asks the reader for bytes on the connection's wire thread. When
 * none wait, the reader suspends the connection (returning 0 without that would
 * spin), and who puts some resumes it. A suspended connection is not polled, so
 * that its client left shows at the next put: whoever keeps a stream puts
 * something now and then (a heartbeat). The sweeper knows a stream that waits
 * for its client (PH_REPLY, until) from one that waits for us (until is never).
 *
 * The connection lives as long as it is suspended, and `asleep` says under the
 * stream's lock that it is; nobody touches it otherwise.
 */
#include <stdlib.h>

#include "http/wire.h"

enum { BLOCK = 4 << 10 };

static void
unuse(struct http_stream *s)             /* with the lock held; gives it back */
{
	bool last = --s->users == 0;

	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	wipe(s->buf, s->cap);
	free(s->buf);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void
unlist(struct http_stream *s)
{
	struct http *h = s->h;

	pthread_mutex_lock(&h->streams_lock);
	if (s->link != NULL) {
		if ((*s->link = s->next) != NULL)
			s->next->link = s->link;
		s->link = NULL;
	}
	pthread_mutex_unlock(&h->streams_lock);
}

struct http_stream *
http_stream_new(struct http_req *rq, size_t room)
{
	struct call *w = rq->wire;
	struct http *h = w->c->h;
	struct http_stream *s;

	if (w->stream != NULL || atomic_load(&h->stopping) || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->h = h;
	s->c = w->c;
	s->mc = w->mc;
	s->users = 2;
	s->room = room;
	pthread_mutex_lock(&h->streams_lock);
	s->link = &h->streams;
	if ((s->next = h->streams) != NULL)
		s->next->link = &s->next;
	h->streams = s;
	pthread_mutex_unlock(&h->streams_lock);
	w->stream = s;
	return s;
}

static bool
append(struct http_stream *s, str bytes)
{
	size_t want = s->n + bytes.n, cap = s->cap > 0 ? s->cap : 1024;
	char *p;

	if (want > s->room)
		return false;
	if (s->at > 0) {
		memmove(s->buf, s->buf + s->at, s->n);
		s->at = 0;
	}
	while (cap < want)
		cap *= 2;
	if (cap > s->cap) {
		if ((p = realloc(s->buf, cap)) == NULL)
			return false;
		s->buf = p;
		s->cap = cap;
	}
	memcpy(s->buf + s->n, bytes.p, bytes.n);
	s->n = want;
	return true;
}

/* With the lock held. */
static void
wake(struct http_stream *s)
{
	usec now = time_mono();

	if (!s->asleep)
		return;
	s->asleep = false;
	atomic_store_explicit(&s->c->until, now + s->h->conf.body_for, memory_order_relaxed);
	MHD_resume_connection(s->mc);
}

bool
http_stream_put(struct http_stream *s, str bytes)
{
	bool there;

	pthread_mutex_lock(&s->lock);
	if (s->c != NULL && !s->over && !s->ended && bytes.n > 0) {
		s->over = !append(s, bytes);
		wake(s);
	}
	there = s->c != NULL && !s->over && !s->ended;
	pthread_mutex_unlock(&s->lock);
	return there;
}

void
http_stream_end(struct http_stream **sp)
{
	struct http_stream *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	wake(s);
	unuse(s);
}

static ssize_t
reader(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct http_stream *s = arg;
	ssize_t n = 0;

	(void)pos;
	pthread_mutex_lock(&s->lock);
	if (s->over)
		n = MHD_CONTENT_READER_END_WITH_ERROR;
	else if (s->n > 0) {
		n = (ssize_t)(s->n < max ? s->n : max);
		memcpy(buf, s->buf + s->at, (size_t)n);
		s->at += (size_t)n;
		s->n -= (size_t)n;
		if (s->n == 0)
			s->at = 0;
	} else if (s->ended)
		n = MHD_CONTENT_READER_END_OF_STREAM;
	else {
		atomic_store_explicit(&s->c->until, INT64_MAX, memory_order_relaxed);
		s->asleep = true;
		MHD_suspend_connection(s->mc);
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

struct MHD_Response *
stream_response(struct call *w)
{
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, reader, w->stream, NULL);
}

void
stream_left(struct call *w)
{
	struct http_stream *s = w->stream;

	w->stream = NULL;
	unlist(s);
	pthread_mutex_lock(&s->lock);
	s->c = NULL;
	s->mc = NULL;
	s->asleep = false;
	unuse(s);
}

void
streams_end(struct http *h)
{
	pthread_mutex_lock(&h->streams_lock);
	for (struct http_stream *s = h->streams; s != NULL; s = s->next) {
		pthread_mutex_lock(&s->lock);
		s->over = true;
		wake(s);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&h->streams_lock);
	/* Suspended connections must not be there when the daemon stops: none falls asleep any more. */
}
