/* live.c - what happens now: a stream of events per browser, and who looks at
 * which ticket.
 *
 * An event carries ids and its kind, never a text: whoever hears of a change
 * asks the API for it, as always, and leaves the look in the trail there.
 * Changes come from desk (desk_on_news) on the writer thread into a ring in
 * memory. One thread, started by the first listener, hands them on: each
 * listener's actor is asked for anew when anything about rights changed
 * (gate_generation) and every few seconds, and gate_may() decides for each
 * event. So an event is not sent to who lost the right to it a moment ago, and
 * the stream of a session that ended, ends.
 *
 *     id: 1764334000123456
 *     event: ticket
 *     data: {"type":"ticket.updated","ticket_id":12,"comment_id":77,...}
 *
 * Ids are microseconds, made unique; they ascend across restarts. Last-Event-ID
 * (or ?since=) goes on behind one; when it is older than what the ring still
 * has, "reset" says: load anew. So it does when what the listener may do or see
 * has changed (role, groups, the right to see PHI, a setting that opens or shuts
 * something): what was shown under the old rights is to go. "hello" and such a
 * reset carry a number for the rights, so that one who comes back after a break
 * knows whether they are the same. Without text/event-stream in Accept the same
 * route answers at once, in JSON, for those who poll.
 *
 * Presence is in memory only: who has a ticket open, and whether they write.
 * It is told to those who have the same ticket open.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/in.h"

#define SINCE_MAX    ((int64_t)1 << 53)
#define BEAT_FOR     (15 * SECOND)
#define CHECK_FOR    (5 * SECOND)
#define PRESENT_FOR  (45 * SECOND)
#define STREAM_ROOM  (64 * KiB)      /* what may wait for a slow reader */
enum { RING = 4096, STREAMS_MAX = 2000, STREAMS_OF_ONE = 600, PRESENT_MAX = 4096 };

enum what { TOLD_NEWS, TOLD_PRESENCE };
struct told {
	int64_t      seq;
	enum what    what;
	enum news    kind;
	int64_t      ticket_id, comment_id, actor_id;
	bool         comment_public;
	struct about about;          /* cc is malloc'ed */
};

struct listener {
	struct listener    *next;
	struct http_stream *stream;
	int64_t             user_id;
	struct actor        actor;   /* as of `checked_at`; its texts are literals */
	uint64_t            gen, rights;  /* rights: gate_rights(); 0: not looked at yet */
	usec                checked_at, beat_at;
	int64_t             seen;    /* the last event it was asked about */
	bool                resumes; /* `seen` came from the client */
};

enum presence { GONE, VIEWING, REPLYING };
struct present {
	int64_t       ticket_id, user_id;
	enum presence state;         /* GONE: a free row */
	usec          until;
	struct about  about;         /* of the ticket, as its viewer saw it */
};

struct live {
	struct sys     *sys;
	pthread_mutex_t lock;        /* of all below but `own` */
	pthread_cond_t  more;
	pthread_t       thread;
	bool            started, ending;
	bool            moved;       /* something about rights changed */
	struct told     ring[RING];  /* the event with number n is ring[n % RING] */
	uint64_t        count;       /* events there were */
	int64_t         last, began; /* seq of the newest; of none, when we began */
	struct listener *fresh;      /* made by a request, not taken over yet */
	int             listeners;
	struct present  present[PRESENT_MAX];
	struct listener *own;        /* those the thread has; it changes the list with the lock held */
	uint64_t        handed;      /* the thread's alone: events handed on */
};

/* ---- the ring ----------------------------------------------------------------------------------------------------- */

static void
about_copy(struct about *out, const struct about *in)
{
	int64_t *cc = NULL;

	*out = *in;
	if (in->cc_count > 0 && (cc = malloc(sizeof *cc * (size_t)in->cc_count)) != NULL)
		memcpy(cc, in->cc, sizeof *cc * (size_t)in->cc_count);
	out->cc = cc;
	out->cc_count = cc != NULL ? in->cc_count : 0;     /* fewer may know, never more */
}

static void
about_drop(struct about *a)
{
	free((void *)(uintptr_t)a->cc);
	*a = (struct about){ 0 };
}

/* With the lock held. */
static void
told_add(struct live *l, const struct told *t)
{
	struct told *slot = &l->ring[l->count % RING];
	usec now = time_now();

	about_drop(&slot->about);
	*slot = *t;
	about_copy(&slot->about, &t->about);
	slot->seq = l->last = now > l->last ? now : l->last + 1;
	l->count++;
	pthread_cond_signal(&l->more);
}

static void
on_news(struct sys *sys, const struct ticket_news *n)
{
	struct live *l = sys->live;

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	told_add(l, &(struct told){ .what = TOLD_NEWS, .kind = n->kind, .ticket_id = n->ticket_id, .comment_id = n->comment_id,
	    .actor_id = n->actor_id, .comment_public = n->comment_public, .about = n->about });
	pthread_mutex_unlock(&l->lock);
}

static void
on_change(struct sys *sys)
{
	struct live *l = sys->live;

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->moved = true;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->lock);
}

static struct told *
told_dup(struct arena *a, const struct live *l, uint64_t from, uint64_t to)
{
	struct told *t = NEW(a, struct told, (size_t)(to - from) + 1);

	for (uint64_t i = from; i < to; i++) {
		struct told *one = &t[i - from];
		*one = l->ring[i % RING];
		if (one->about.cc_count > 0) {
			int64_t *cc = NEW(a, int64_t, (size_t)one->about.cc_count);
			memcpy(cc, one->about.cc, sizeof *cc * (size_t)one->about.cc_count);
			one->about.cc = cc;
		}
	}
	return t;
}

/* The number of the first event behind `seq`; *whole is false when some of those are gone. With the lock held. */
static uint64_t
behind(const struct live *l, int64_t seq, bool *whole)
{
	uint64_t from = l->count > RING ? l->count - RING : 0, i = l->count;

	while (i > from && l->ring[(i - 1) % RING].seq > seq)
		i--;
	*whole = i > from || (from == 0 && seq >= l->began);
	return i;
}

/* ---- what a listener is told ----------------------------------------------------------------------------------------- */

static const char *
kind_name(enum news k)
{
	switch (k) {
	case NEWS_CREATED:  return "ticket.created";
	case NEWS_UPDATED:  return "ticket.updated";
	case NEWS_DELETED:  return "ticket.deleted";
	case NEWS_RESTORED: return "ticket.restored";
	case NEWS_REDACTED: return "ticket.redacted";
	}
	return "ticket.updated";
}

static void
json_told(struct json *j, const struct told *t)
{
	jw_obj(j);
	jw_kint(j, "id", t->seq);
	jw_kz(j, "type", kind_name(t->kind));
	jw_kint(j, "ticket_id", t->ticket_id);
	jw_kid(j, "comment_id", t->comment_id);
	if (t->comment_id != 0)
		jw_kbool(j, "public", t->comment_public);
	jw_kid(j, "actor_id", t->actor_id);
	jw_end_obj(j);
}

static bool
may_know(struct ctx *cx, const struct told *t)
{
	bool yes = gate_may(cx, MAY_READ_TICKET, &t->about) == OK;

	fail_clear(cx);
	return yes;
}

/* Who has the ticket open now, but for `user_id`. With the lock held. */
static void
json_present(struct json *j, const struct live *l, int64_t ticket_id, int64_t user_id, usec now)
{
	jw_key(j, "presence");
	jw_arr(j);
	for (int i = 0; i < PRESENT_MAX; i++) {
		const struct present *p = &l->present[i];
		if (p->state == GONE || p->ticket_id != ticket_id || p->user_id == user_id || p->until < now)
			continue;
		jw_obj(j);
		jw_kint(j, "user_id", p->user_id);
		jw_kz(j, "state", p->state == REPLYING ? "replying" : "viewing");
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static bool
is_present(const struct live *l, int64_t ticket_id, int64_t user_id, usec now)
{
	for (int i = 0; i < PRESENT_MAX; i++) {
		const struct present *p = &l->present[i];
		if (p->state != GONE && p->ticket_id == ticket_id && p->user_id == user_id && p->until >= now)
			return true;
	}
	return false;
}

/* False: it is gone. */
static bool
tell(struct ctx *cx, struct live *l, struct listener *s, const struct told *t)
{
	struct json j;
	struct buf b;
	bool there;

	if (t->what == TOLD_PRESENCE) {
		pthread_mutex_lock(&l->lock);
		there = is_present(l, t->ticket_id, s->actor.user_id, cx->now);
		pthread_mutex_unlock(&l->lock);
		if (!there)
			return true;
	}
	if (!may_know(cx, t))
		return true;
	buf_init(&b, cx->arena, MiB);
	if (t->what == TOLD_NEWS)
		buf_fmt(&b, "id: %lld\nevent: ticket\ndata: ", (long long)t->seq);
	else
		buf_add(&b, S("event: presence\ndata: "));
	jw_init(&j, &b);
	if (t->what == TOLD_NEWS)
		json_told(&j, t);
	else {
		jw_obj(&j);
		jw_kint(&j, "ticket_id", t->ticket_id);
		pthread_mutex_lock(&l->lock);
		json_present(&j, l, t->ticket_id, s->actor.user_id, cx->now);
		pthread_mutex_unlock(&l->lock);
		jw_end_obj(&j);
	}
	buf_add(&b, S("\n\n"));
	return http_stream_put(s->stream, buf_str(&b));
}

static bool
reset(struct listener *s, int64_t last, bool rights)
{
	char text[128];
	int n = rights
	    ? snprintf(text, sizeof text, "id: %lld\nevent: reset\ndata: {\"rights\":\"%016" PRIx64 "\"}\n\n", (long long)last, s->rights)
	    : snprintf(text, sizeof text, "id: %lld\nevent: reset\ndata: {}\n\n", (long long)last);

	return http_stream_put(s->stream, (str){ text, (size_t)n });
}

/* Other rights than before: what was loaded under those is to go. */
static bool
rights_same(struct ctx *cx, struct listener *s)
{
	uint64_t now, was = s->rights;

	if (gate_rights(cx, &now) != OK) {
		fail_clear(cx);
		now = 0;
	}
	s->rights = now;
	return was == 0 || was == now;
}

/* Is it still who it was, and may they still listen? */
static bool
still(struct ctx *cx, struct listener *s, int64_t last)
{
	uint64_t gen = gate_generation(cx);

	if (s->gen != gen || cx->now - s->checked_at >= CHECK_FOR || cx->now < s->checked_at) {
		if (gate_again(cx, &s->actor) != OK) {
			bool ended = cx->fail.code == E_WHO;
			fail_clear(cx);
			if (ended)
				http_stream_put(s->stream, S("event: ended\ndata: {}\n\n"));
			return false;            /* a fault too: the browser comes back and asks */
		}
		if (!rights_same(cx, s) && !reset(s, last, true))
			return false;
		if (gate_may(cx, MAY_READ_TICKET, NULL) != OK) {
			fail_clear(cx);
			return false;            /* signed in, but not for tickets any more */
		}
		s->actor = *cx->actor;
		s->actor.csrf = (str){ 0 };
		s->gen = gen;
		s->checked_at = cx->now;
	}
	cx->actor = &s->actor;
	return true;
}

/* ---- the thread --------------------------------------------------------------------------------------------------------- */

static void
take_over(struct ctx *cx, struct live *l, struct listener *s)
{
	uint64_t from, to;
	struct told *t = NULL;
	bool whole = true, there;
	int64_t last;

	pthread_mutex_lock(&l->lock);
	to = l->handed;
	from = s->resumes ? behind(l, s->seen, &whole) : to;
	last = l->last;
	if (whole && from < to)
		t = told_dup(cx->arena, l, from, to);
	pthread_mutex_unlock(&l->lock);
	there = still(cx, s, last) && (s->resumes ? whole || reset(s, last, false) : true);
	for (uint64_t i = 0; t != NULL && there && i < to - from; i++)
		if (t[i].what == TOLD_NEWS)
			there = tell(cx, l, s, &t[i]);
	if (!there)
		http_stream_end(&s->stream);         /* leaves the list with the next look */
	pthread_mutex_lock(&l->lock);
	s->next = l->own;
	l->own = s;
	pthread_mutex_unlock(&l->lock);
}

static void
hand_on(struct live *l, const struct told *t, uint64_t n, bool lost, int64_t last)
{
	struct listener **link = &l->own, *s;
	struct ctx cx;

	ctx_init(&cx, l->sys, 1);
	cx.now = time_now();
	while ((s = *link) != NULL) {
		bool there = s->stream != NULL;
		if (there)
			there = still(&cx, s, last);
		if (there && lost)
			there = reset(s, last, false);
		for (uint64_t i = 0; there && i < n; i++)
			there = tell(&cx, l, s, &t[i]);
		if (there && cx.now - s->beat_at >= BEAT_FOR) {
			s->beat_at = cx.now;
			there = http_stream_put(s->stream, S(":\n\n"));
		}
		if (there) {
			link = &s->next;
			continue;
		}
		http_stream_end(&s->stream);
		pthread_mutex_lock(&l->lock);
		*link = s->next;
		l->listeners--;
		pthread_mutex_unlock(&l->lock);
		free(s);
	}
	ctx_done(&cx);
}

/* Who has not said for a while that they are there, is not. With the lock held. */
static void
present_expire(struct live *l, usec now)
{
	for (int i = 0; i < PRESENT_MAX; i++) {
		struct present *p = &l->present[i];
		if (p->state == GONE || p->until >= now)
			continue;
		p->state = GONE;
		told_add(l, &(struct told){ .what = TOLD_PRESENCE, .ticket_id = p->ticket_id, .about = p->about });
		about_drop(&p->about);
	}
}

static void *
live_main(void *arg)
{
	struct live *l = arg;
	usec looked = 0;

	pthread_mutex_lock(&l->lock);
	while (!l->ending) {
		struct listener *fresh = l->fresh, *next;
		struct arena *a = arena_new();
		struct told *t;
		uint64_t n;
		bool lost;
		int64_t last;
		struct ctx cx;

		if (time_mono() - looked >= SECOND) {
			looked = time_mono();
			present_expire(l, time_now());
		}
		l->fresh = NULL;
		lost = l->count - l->handed > RING;
		if (lost)
			l->handed = l->count;
		n = l->count - l->handed;
		t = told_dup(a, l, l->handed, l->count);
		l->handed = l->count;
		l->moved = false;
		last = l->last;
		pthread_mutex_unlock(&l->lock);

		if (l->own != NULL)
			hand_on(l, t, n, lost, last);
		if (fresh != NULL) {
			ctx_init(&cx, l->sys, 1);
			cx.now = time_now();
			for (; fresh != NULL; fresh = next) {
				next = fresh->next;
				take_over(&cx, l, fresh);
			}
			ctx_done(&cx);
		}
		arena_free(&a);

		pthread_mutex_lock(&l->lock);
		if (!l->ending && l->fresh == NULL && l->count == l->handed && !l->moved) {
			usec at = time_mono() + SECOND;
			struct timespec until = { at / SECOND, at % SECOND * 1000 };
			pthread_cond_timedwait(&l->more, &l->lock, &until);
		}
		if (!l->ending && (l->count != l->handed || l->moved)) {
			/* What comes together goes together; asking each listener's rights anew costs more than telling them. */
			usec pause = l->moved ? SECOND / 5 : SECOND / 20;
			pthread_mutex_unlock(&l->lock);
			usleep((useconds_t)pause);
			pthread_mutex_lock(&l->lock);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* With the lock held: the first who listens starts the thread. */
static bool
start(struct live *l)
{
	if (!l->started)
		l->started = pthread_create(&l->thread, NULL, live_main, l) == 0;
	return l->started;
}

struct live *
live_new(struct sys *sys)
{
	struct live *l = calloc(1, sizeof *l);
	pthread_condattr_t attr;

	if (l == NULL)
		return NULL;
	l->sys = sys;
	l->last = l->began = time_now();
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->more, &attr);
	pthread_condattr_destroy(&attr);
	desk_on_news = on_news;
	gate_on_change = on_change;
	return l;
}

void
live_free(struct live **lp)
{
	struct live *l = *lp;
	struct listener *lists[2], *next;

	if (l == NULL)
		return;
	desk_on_news = NULL;
	gate_on_change = NULL;
	*lp = NULL;
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->lock);
	if (l->started)
		pthread_join(l->thread, NULL);
	lists[0] = l->own;
	lists[1] = l->fresh;
	for (int k = 0; k < 2; k++)
		for (struct listener *s = lists[k]; s != NULL; s = next) {
			next = s->next;
			http_stream_end(&s->stream);
			free(s);
		}
	for (int i = 0; i < RING; i++)
		about_drop(&l->ring[i].about);
	for (int i = 0; i < PRESENT_MAX; i++)
		about_drop(&l->present[i].about);
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* ---- routes ---------------------------------------------------------------------------------------------------------------- */

/* Those behind `since` that the actor may know of, at once. */
static enum err
events_now(struct ctx *cx, struct live *l, int64_t since, struct http_reply *rp)
{
	struct told *t = NULL;
	uint64_t from, to;
	bool whole = true;
	struct json j;
	int64_t last;

	pthread_mutex_lock(&l->lock);
	to = l->count;
	from = since > 0 ? behind(l, since, &whole) : to;
	last = l->last;
	if (whole && from < to)
		t = told_dup(cx->arena, l, from, to);
	pthread_mutex_unlock(&l->lock);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "events");
	jw_arr(&j);
	for (uint64_t i = 0; t != NULL && i < to - from; i++)
		if (t[i].what == TOLD_NEWS && may_know(cx, &t[i]))
			json_told(&j, &t[i]);
	jw_end_arr(&j);
	jw_kint(&j, "last_event_id", last);
	jw_kbool(&j, "reset", !whole);
	jw_end_obj(&j);
	return OK;
}

static int
streams_of(const struct live *l, int64_t user_id)
{
	int n = 0;

	for (const struct listener *s = l->fresh; s != NULL; s = s->next)
		n += s->user_id == user_id;
	for (const struct listener *s = l->own; s != NULL; s = s->next)
		n += s->user_id == user_id;
	return n;
}

static enum err
events(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct live *l = cx->sys->live;
	str from = http_header(rq, "last-event-id");
	const str *asked = http_query(rq, "since");
	struct listener *s;
	int64_t since = 0;
	uint64_t rights;
	bool room;

	if (l == NULL)
		return fail(cx, E_BUSY, NULL, "nobody tells of changes here");
	if (from.n == 0 && asked != NULL)
		from = *asked;
	if (from.n > 0 && (!str_int(from, &since) || since < 0 || since > SINCE_MAX)) {
		bad(cx, "since", "InvalidValue", "Since: must be the id of an event");
		return bad_check(cx);
	}
	if (str_find(http_header(rq, "accept"), S("text/event-stream")) == SIZE_MAX)
		return events_now(cx, l, since, rp);
	TRY(gate_rights(cx, &rights));
	if ((s = calloc(1, sizeof *s)) == NULL)
		return fail(cx, E_BUSY, NULL, "out of memory");
	s->user_id = cx->actor->user_id;
	s->actor = *cx->actor;
	s->actor.csrf = (str){ 0 };
	s->gen = UINT64_MAX;                     /* looked at before the first event */
	s->beat_at = cx->now;
	s->seen = since;
	s->resumes = since > 0;
	pthread_mutex_lock(&l->lock);
	room = l->listeners < STREAMS_MAX && streams_of(l, cx->actor->user_id) < STREAMS_OF_ONE && start(l);
	if (room && (s->stream = http_stream_new(rq, STREAM_ROOM)) != NULL) {
		char hello[128];
		int n = snprintf(hello, sizeof hello, "retry: 3000\nid: %lld\nevent: hello\ndata: {\"rights\":\"%016" PRIx64 "\"}\n\n",
		    (long long)(since > 0 ? since : l->last), rights);
		http_stream_put(s->stream, (str){ hello, (size_t)n });
		l->listeners++;
		s->next = l->fresh;
		l->fresh = s;
		pthread_cond_signal(&l->more);
	} else
		room = false;
	pthread_mutex_unlock(&l->lock);
	if (!room) {
		free(s);
		return fail(cx, E_BUSY, NULL, "too many streams are open");
	}
	rp->status = 200;
	rp->type = "text/event-stream; charset=utf-8";
	http_head(rp, "X-Accel-Buffering", S("no"));       /* a proxy in front hands on at once */
	return OK;
}

static enum err
presence_reply(struct ctx *cx, struct live *l, int64_t ticket_id, struct http_reply *rp)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	pthread_mutex_lock(&l->lock);
	json_present(&j, l, ticket_id, cx->actor->user_id, cx->now);
	pthread_mutex_unlock(&l->lock);
	jw_end_obj(&j);
	return OK;
}

static enum err
presence_get(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;

	TRY(ticket_get(cx, rq->param[0], &t));
	if (cx->sys->live == NULL)
		return fail(cx, E_BUSY, NULL, "nobody tells of changes here");
	return presence_reply(cx, cx->sys->live, t.id, rp);
}

/* With the lock held. */
static void
present_set(struct live *l, const struct ticket *t, int64_t user_id, enum presence state, usec now)
{
	struct present *row = NULL, *spare = NULL;
	struct about a = { .requester_id = t->requester_id, .assignee_id = t->assignee_id, .group_id = t->group_id,
	    .organization_id = t->organization_id, .has_object = true };
	int64_t people[64];
	bool changed;

	for (int i = 0; i < t->cc_count && a.cc_count < 64; i++)
		people[a.cc_count++] = t->cc[i];
	for (int i = 0; i < t->follower_count && a.cc_count < 64; i++)
		people[a.cc_count++] = t->follower[i];
	a.cc = people;
	for (int i = 0; i < PRESENT_MAX && row == NULL; i++) {
		struct present *p = &l->present[i];
		if (p->state != GONE && p->ticket_id == t->id && p->user_id == user_id)
			row = p;
		else if (p->state == GONE && spare == NULL)
			spare = p;
	}
	if (row == NULL && (state == GONE || (row = spare) == NULL))
		return;
	changed = row->state != state;
	about_drop(&row->about);
	*row = (struct present){ .ticket_id = t->id, .user_id = user_id, .state = state, .until = now + PRESENT_FOR };
	if (state != GONE)
		about_copy(&row->about, &a);
	if (changed)
		told_add(l, &(struct told){ .what = TOLD_PRESENCE, .ticket_id = t->id, .about = a });
}

static enum err
presence_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "state", NULL };
	struct live *l = cx->sys->live;
	const json_t *obj;
	struct ticket t;
	enum presence state = GONE;
	str word;

	TRY(ticket_get(cx, rq->param[0], &t));
	if (l == NULL)
		return fail(cx, E_BUSY, NULL, "nobody tells of changes here");
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, names);
	word = json_text(cx, json_object_get(obj, "state"));
	if (str_eq(word, S("viewing")))
		state = VIEWING;
	else if (str_eq(word, S("replying")))
		state = REPLYING;
	else if (!str_eq(word, S("gone")))
		bad(cx, "state", "InvalidValue", "State: must be viewing, replying or gone");
	TRY(bad_check(cx));
	pthread_mutex_lock(&l->lock);
	if (start(l))
		present_set(l, &t, cx->actor->user_id, state, cx->now);
	pthread_mutex_unlock(&l->lock);
	return presence_reply(cx, l, t.id, rp);
}

const struct route live_routes[] = {
	{ GET, "/api/ward/v1/events",                MAY_READ_TICKET, 0,       events,       0 },
	{ GET, "/api/ward/v1/tickets/{id}/presence", MAY_READ_TICKET, 0,       presence_get, 0 },
	{ PUT, "/api/ward/v1/tickets/{id}/presence", MAY_READ_TICKET, 4 * KiB, presence_put, 0 },
	{ 0 }
};
