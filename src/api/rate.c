/* rate.c - limits of single endpoints, beside the account's limit of requests.
 *
 * Zendesk's figures; in force only where `rate_limit` is set. Windows stand
 * still on the clock, as the account's minute does. Counters are in memory
 * and bounded: in a full set the oldest window gives way, so a flood of ids
 * loosens a limit and never costs more memory.
 */
#include <pthread.h>
#include <stdlib.h>

#include "api/in.h"

enum { SETS = 512, WAYS = 8 };
enum of { OF_ACCOUNT, OF_USER, OF_USER_AND_ID };

static const struct limit { enum http_method method; const char *path, *name; int total, seconds; enum of of; bool below; } limits[] = {
	{ GET,    "/api/v2/incremental/",       "incremental-exports", 10,   60,  OF_ACCOUNT,     true },
	{ GET,    "/api/v2/search/export",      "search-export",       100,  60,  OF_ACCOUNT,     false },
	{ GET,    "/api/v2/search",             "search-index",        2500, 60,  OF_ACCOUNT,     false },
	{ GET,    "/api/v2/views/{id}/execute", "views-execute",       5,    60,  OF_USER_AND_ID, false },
	{ POST,   "/api/v2/audit_logs/export",  "audit-logs-export",   1,    60,  OF_ACCOUNT,     false },
	{ GET,    "/api/v2/access_logs",        "access-logs",         50,   60,  OF_ACCOUNT,     false },
	{ PUT,    "/api/v2/tickets/{id}",       "tickets-update",      30,   600, OF_USER_AND_ID, false },
	{ DELETE, "/api/v2/tickets/{id}",       "tickets-delete",      400,  60,  OF_ACCOUNT,     false },
	{ PUT,    "/api/v2/users/{id}",         "users-update",        5,    60,  OF_USER,        false },
};

struct rates {
	pthread_mutex_t lock;
	struct window { int64_t user_id, id, at; int which, n; } window[SETS][WAYS];   /* n 0: free */
};

struct rates *
rates_new(void)
{
	struct rates *r = calloc(1, sizeof *r);

	if (r != NULL)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
rates_free(struct rates **r)
{
	if (*r == NULL)
		return;
	pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

static const struct limit *
limit_of(const struct route *r)
{
	for (size_t i = 0; i < COUNT(limits); i++)
		if (limits[i].method == r->method && (limits[i].below ? str_starts(str_of(r->path), str_of(limits[i].path)) : strcmp(r->path, limits[i].path) == 0))
			return &limits[i];
	return NULL;
}

/* Requests of this window with this one, at most one above `total`. */
static int
count(struct rates *r, const struct window *key, int total)
{
	uint64_t h = ((uint64_t)key->user_id * 31 + (uint64_t)key->id) * 31 + (uint64_t)key->which;
	struct window *set = r->window[(h * 0x9E3779B97F4A7C15u >> 32) % SETS], *w = &set[0];
	int n;

	pthread_mutex_lock(&r->lock);
	for (int i = 0; i < WAYS; i++) {
		if (set[i].n > 0 && set[i].which == key->which && set[i].user_id == key->user_id && set[i].id == key->id) {
			w = &set[i];
			break;
		}
		if (set[i].n == 0 || (w->n > 0 && set[i].at < w->at))
			w = &set[i];
	}
	if (w->n == 0 || w->which != key->which || w->user_id != key->user_id || w->id != key->id || w->at != key->at)
		*w = *key;
	if (w->n <= total)
		w->n++;
	n = w->n;
	pthread_mutex_unlock(&r->lock);
	return n;
}

bool
rates_take(struct rates *r, struct ctx *cx, const struct route *route, const struct http_req *rq, struct http_reply *rp)
{
	const struct limit *l = limit_of(route);
	struct window key = { 0 };
	int n, resets;
	bool over;

	if (l == NULL)
		return true;
	key.which = (int)(l - limits);
	key.user_id = l->of == OF_ACCOUNT ? 0 : cx->actor->user_id;
	key.id = l->of == OF_USER_AND_ID ? rq->param[0] : 0;
	key.at = time_unix(cx->now) / l->seconds * l->seconds;
	n = count(r, &key, l->total);
	over = n > l->total;
	resets = (int)(key.at + l->seconds - time_unix(cx->now));
	if (over) {
		(void)!api_error(rp, 429, "TooManyRequests", "The limit of requests to this endpoint was reached");
		if (strcmp(l->name, "access-logs") != 0)      /* that one names ratelimit-reset only */
			http_head(rp, "Retry-After", str_printf(cx->arena, "%d", resets));
	}
	http_head(rp, z_of(cx, str_printf(cx->arena, "Zendesk-RateLimit-%s", l->name)), str_printf(cx->arena, "total=%d; remaining=%d; resets=%d",
	    l->total, over ? 0 : l->total - n, resets));
	return !over;
}
