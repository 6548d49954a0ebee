/* sender.c - the threads that take messages out of the outbox.
 *
 * One for mail, which keeps its connection to the relay, and four for
 * webhooks, so that one slow endpoint does not stop the others. They sleep
 * until a commit rings, or until the next message is due.
 */
#include <curl/curl.h>
#include <time.h>
#include <unistd.h>

#include "flow/in.h"
#include "mail/mail.h"

enum { WEBHOOK_THREADS = 4, LOOK_EVERY_S = 30 };

static enum flow_kind rings[] = { 0, FLOW_MAIL, FLOW_WEBHOOK };

static void
ring(struct sys *sys, void *arg)
{
	struct flow *f = sys->flow;

	pthread_mutex_lock(&f->lock);
	f->rung[*(const enum flow_kind *)arg]++;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void
flow_ring(struct ctx *cx, enum flow_kind kind)
{
	if (cx->sys->flow != NULL)
		store_after(cx, ring, &rings[kind]);
}

static void
begin(struct flow *f, struct ctx *cx)
{
	ctx_init(cx, f->sys, 1);
	cx->via = "system";
	f->as_system(cx, "flow");
}

static void
nap(struct flow *f, int tenths)
{
	for (int i = 0; i < tenths && !f->stopping; i++)
		usleep(100000);
}

/* The peer has spoken: that must be kept, however long the disk is full. What
 * cannot be kept before the end is settled by the rule for crashes. */
static void
settle(struct flow *f, const struct message *m, const struct outcome *o)
{
	for (;;) {
		struct ctx cx;
		enum err e;
		begin(f, &cx);
		e = outbox_settle(&cx, m, o);
		ctx_done(&cx);
		if (e == OK || f->stopping)
			return;
		nap(f, 10);
	}
}

/* One message, if one is due. False: nothing was; *due is when the next is. */
static bool
one(struct flow *f, enum flow_kind kind, struct smtp *smtp, usec *due)
{
	struct outcome o = { .what = TRIED_LATER, .reason = "could not be read from the outbox" };
	struct message m;
	struct ctx cx;
	enum err e;

	begin(f, &cx);
	e = outbox_next_due(&cx, kind, due);
	if (e != OK)
		*due = e == E_ABSENT ? INT64_MAX : cx.now + 2 * SECOND;
	if (e != OK || *due > cx.now) {
		ctx_done(&cx);
		return false;
	}
	e = outbox_claim(&cx, kind, &m);
	if (e != OK) {
		/* Another thread was quicker; or the disk is full, and a little later may do. */
		*due = e == E_ABSENT ? cx.now : cx.now + 2 * SECOND;
		ctx_done(&cx);
		return e == E_ABSENT;
	}
	e = kind == FLOW_MAIL ? mail_try(&cx, smtp, &m, &o) : webhook_try(&cx, &m, &o);
	if (e != OK)
		o = (struct outcome){ .what = TRIED_LATER, .reason = "could not be made ready; will be tried again" };
	fail_clear(&cx);
	settle(f, &m, &o);
	ctx_done(&cx);
	return true;
}

static void
clean(struct flow *f)
{
	bool more = true;

	while (more && !f->stopping) {
		struct ctx cx;
		begin(f, &cx);
		if (outbox_clean(&cx, &more) != OK)
			more = false;
		ctx_done(&cx);
	}
}

static void
run(struct flow *f, enum flow_kind kind, struct smtp *smtp)
{
	unsigned seen = 0;
	usec cleaned = 0;

	while (!f->stopping) {
		usec due = INT64_MAX, now;
		pthread_mutex_lock(&f->lock);
		seen = f->rung[kind];
		pthread_mutex_unlock(&f->lock);
		while (!f->stopping && one(f, kind, smtp, &due))
			;
		if (smtp != NULL && (cleaned == 0 || time_mono() - cleaned > 600 * SECOND)) {
			clean(f);
			cleaned = time_mono();
		}
		now = time_now();
		pthread_mutex_lock(&f->lock);
		if (!f->stopping && seen == f->rung[kind]) {
			usec wait = due > now + LOOK_EVERY_S * SECOND ? LOOK_EVERY_S * SECOND : due > now ? due - now : SECOND / 10;
			struct timespec until;
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_sec += wait / SECOND;
			until.tv_nsec += wait % SECOND * 1000;
			if (until.tv_nsec >= 1000000000) {
				until.tv_sec++;
				until.tv_nsec -= 1000000000;
			}
			pthread_cond_timedwait(&f->wake, &f->lock, &until);
		}
		pthread_mutex_unlock(&f->lock);
	}
}

static void *
mail_thread(void *arg)
{
	struct flow *f = arg;
	struct smtp *smtp = smtp_new(&f->stopping);

	if (smtp != NULL)
		run(f, FLOW_MAIL, smtp);
	smtp_free(&smtp);
	return NULL;
}

static void *
webhook_thread(void *arg)
{
	run(arg, FLOW_WEBHOOK, NULL);
	return NULL;
}

enum err
flow_start(struct ctx *cx, void (*as_system)(struct ctx *cx, const char *how))
{
	struct flow *f = cx->sys->flow;
	pthread_attr_t attr;

	f->as_system = as_system;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return fail(cx, E_FAULT, NULL, "libcurl cannot be used");
	TRY(outbox_recover(cx));
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1024 * 1024);
	for (int i = 0; i < 1 + WEBHOOK_THREADS; i++) {
		if (pthread_create(&f->thread[i], &attr, i == 0 ? mail_thread : webhook_thread, f) != 0) {
			flow_stop(f);
			return fail(cx, E_FAULT, NULL, "no thread for the outbox");
		}
		f->threads++;
	}
	return OK;
}

void
flow_stop(struct flow *f)
{
	if (f == NULL || f->threads == 0)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	for (int i = 0; i < f->threads; i++)
		pthread_join(f->thread[i], NULL);
	f->threads = 0;
}
