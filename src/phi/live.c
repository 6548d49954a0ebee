/* live.c - rules that change while threads scan: the engine of now, and the
 * ones before it for as long as somebody still scans with them. */
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>

struct held { struct phi *p; size_t takers; struct held *next; };

struct phi_live {
	pthread_mutex_t lock;
	char           *folder;      /* NULL: built-in rules alone */
	struct held    *now;         /* the first of the list; older ones behind it */
};

static enum phi_err
open_one(const char *folder, struct held **out, char *why, size_t n)
{
	struct held *h = calloc(1, sizeof *h);
	enum phi_err e = h ? phi_open(folder, &h->p, why, n) : PHI_NOMEM;
	if (e != PHI_OK) {
		free(h);
		return e;
	}
	*out = h;
	return PHI_OK;
}

enum phi_err
phi_live_new(const char *folder, struct phi_live **out, char *why, size_t n)
{
	*out = NULL;
	struct phi_live *l = calloc(1, sizeof *l);
	if (l && folder && !(l->folder = strdup(folder))) {
		free(l);
		l = NULL;
	}
	if (!l)
		return PHI_NOMEM;
	enum phi_err e = open_one(folder, &l->now, why, n);
	if (e == PHI_OK && pthread_mutex_init(&l->lock, NULL) != 0) {
		phi_close(l->now->p);
		free(l->now);
		e = PHI_NOMEM;
	}
	if (e != PHI_OK) {
		free(l->folder);
		free(l);
		return e;
	}
	*out = l;
	return PHI_OK;
}

const struct phi *
phi_live_take(struct phi_live *l)
{
	pthread_mutex_lock(&l->lock);
	l->now->takers++;
	const struct phi *p = l->now->p;
	pthread_mutex_unlock(&l->lock);
	return p;
}

void
phi_live_give(struct phi_live *l, const struct phi *p)
{
	struct held *old = NULL;
	pthread_mutex_lock(&l->lock);
	for (struct held **at = &l->now; *at; at = &(*at)->next)
		if ((*at)->p == p) {
			if (--(*at)->takers == 0 && at != &l->now) {
				old = *at;
				*at = old->next;
			}
			break;
		}
	pthread_mutex_unlock(&l->lock);
	if (old) {
		phi_close(old->p);
		free(old);
	}
}

enum phi_err
phi_live_reload(struct phi_live *l, char *why, size_t n)
{
	struct held *h, *old = NULL;
	enum phi_err e = open_one(l->folder, &h, why, n);
	if (e != PHI_OK)
		return e;
	pthread_mutex_lock(&l->lock);
	h->next = l->now;
	l->now = h;
	if (h->next->takers == 0) {
		old = h->next;
		h->next = old->next;
	}
	pthread_mutex_unlock(&l->lock);
	if (old) {
		phi_close(old->p);
		free(old);
	}
	return PHI_OK;
}

void
phi_live_free(struct phi_live *l)
{
	if (!l)
		return;
	for (struct held *h = l->now, *next; h; h = next) {
		next = h->next;
		phi_close(h->p);
		free(h);
	}
	pthread_mutex_destroy(&l->lock);
	free(l->folder);
	free(l);
}
