/* copier.c - a thread that copies a WAL back into its database.
 *
 * To copy 4,000 pages and sync them takes tens of milliseconds, in which the
 * writer would serve nobody. SQLite lets another connection do it while the
 * writer goes on appending. What the writer has added by then is copied in
 * further, shorter rounds, so that little is left for the writer itself: only
 * when nothing is left does SQLite begin the WAL again, and only while the
 * writer stands still is there nothing new.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "store/copier.h"
#include "store/tape.h"

enum { ROUNDS = 5, SMALL = 256 };          /* pages: not worth another round */

struct copier {
	pthread_t       thread;
	pthread_mutex_t mutex;
	pthread_cond_t  change;
	sqlite3        *h;                 /* the thread's */
	bool            asked, done, stop, started;
	bool            all;               /* as far as it can, not only once */
	int             copied;
};

/* What SQLite reports as in the WAL is what was there when the round began. */
static int
copy(sqlite3 *h, bool all)
{
	int copied = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int in_wal = 0, now = 0, before = copied;
		if (sqlite3_wal_checkpoint_v2(h, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &now) != SQLITE_OK)
			break;
		copied = now;
		if (!all || now < in_wal || now - before < SMALL)      /* a reader keeps some back, or hardly any came */
			break;
	}
	return copied;
}

static void *
run(void *arg)
{
	struct copier *c = arg;
	int copied;
	bool all;

	pthread_setname_np(pthread_self(), "store-copier");
	pthread_mutex_lock(&c->mutex);
	for (;;) {
		while (!c->asked && !c->stop)
			pthread_cond_wait(&c->change, &c->mutex);
		if (c->stop)
			break;
		c->asked = false;
		all = c->all;
		pthread_mutex_unlock(&c->mutex);
		copied = copy(c->h, all);
		pthread_mutex_lock(&c->mutex);
		c->copied = copied;
		c->done = true;
		pthread_cond_broadcast(&c->change);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

struct copier *
copier_new(const char *path)
{
	struct copier *c = calloc(1, sizeof(*c));
	sigset_t all, before;

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->change, NULL);
	/* Reading the schema makes SQLite see that there is a WAL at all. */
	if (sqlite3_open_v2(path, &c->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, tape_vfs()) == SQLITE_OK &&
	    sqlite3_exec(c->h, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-64;"
	    " PRAGMA temp_store=MEMORY; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		c->started = pthread_create(&c->thread, NULL, run, c) == 0;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (!c->started)
		copier_free(&c);
	return c;
}

void
copier_free(struct copier **cp)
{
	struct copier *c = *cp;

	if (c == NULL)
		return;
	if (c->started) {
		pthread_mutex_lock(&c->mutex);
		c->stop = true;
		pthread_cond_broadcast(&c->change);
		pthread_mutex_unlock(&c->mutex);
		pthread_join(c->thread, NULL);
	}
	sqlite3_close(c->h);
	pthread_mutex_destroy(&c->mutex);
	pthread_cond_destroy(&c->change);
	free(c);
	*cp = NULL;
}

void
copier_start(struct copier *c, bool all)
{
	pthread_mutex_lock(&c->mutex);
	c->asked = true;
	c->all = all;
	c->done = false;
	pthread_cond_broadcast(&c->change);
	pthread_mutex_unlock(&c->mutex);
}

bool
copier_done(struct copier *c, bool wait, int *copied)
{
	bool done;

	pthread_mutex_lock(&c->mutex);
	while (wait && !c->done)
		pthread_cond_wait(&c->change, &c->mutex);
	done = c->done;
	*copied = c->copied;
	pthread_mutex_unlock(&c->mutex);
	return done;
}
