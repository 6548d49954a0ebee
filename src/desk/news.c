/* news.c - what happened to a ticket, told to whoever listens (desk_on_news)
 * once it is durable, in commit order. Ids and kinds, and who may know of it:
 * no text. Redactions, merges and rules come through ticket_update() and
 * comments like everything else. */
#include <stdlib.h>

#include "desk/in.h"

void (*desk_on_news)(struct sys *sys, const struct ticket_news *n);

static void
tell(struct sys *sys, void *arg)
{
	struct ticket_news *n = arg;

	if (desk_on_news != NULL)
		desk_on_news(sys, n);
	free(n);
}

static void
forget(struct sys *sys UNUSED, void *arg)
{
	free(arg);
}

void
news_note(struct ctx *cx, enum news kind, const struct ticket *t, int64_t comment_id, bool comment_public)
{
	struct ticket_news *n;
	int64_t *person;

	if (desk_on_news == NULL)
		return;
	n = calloc(1, sizeof *n + sizeof *person * (size_t)(t->cc_count + t->follower_count));
	if (n == NULL)
		return;                  /* who listens asks again now and then */
	n->kind = kind;
	n->ticket_id = t->id;
	n->comment_id = comment_id;
	n->comment_public = comment_public;
	n->actor_id = cx->actor != NULL ? cx->actor->user_id : 0;
	about_ticket(t, &n->about);
	person = (int64_t *)(void *)(n + 1);
	for (int i = 0; i < t->cc_count; i++)
		person[i] = t->cc[i];
	for (int i = 0; i < t->follower_count; i++)
		person[t->cc_count + i] = t->follower[i];
	n->about.cc = person;
	n->about.cc_count = t->cc_count + t->follower_count;
	store_after(cx, tell, n);
	store_undo(cx, forget, n);
}
