/* sender.c - the threads that take messages out of the outbox. */
#include "flow/in.h"

static const enum flow_kind rings[] = { 0, FLOW_MAIL, FLOW_WEBHOOK };

static void
ring(struct sys *sys, void *arg)
{
	struct flow *f = sys->flow;

	pthread_mutex_lock(&f->lock);
	f->rung[*(const enum flow_kind *)arg] = 1;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void
flow_ring(struct ctx *cx, enum flow_kind kind)
{
	if (cx->sys->flow != NULL)
		store_after(cx, ring, (void *)(uintptr_t)&rings[kind]);
}
