/* lockout.c - counts failed sign-ins; lockout.h tells the rules. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gate/lockout.h"

enum { SETS = 1024, WAYS = 8, SHIFT_MAX = 7, NAMED_MAX = 100 };

#define MINUTE    ((usec)60 * SECOND)
#define FIRST_FOR ((usec)10 * SECOND)
#define LONGEST   ((usec)15 * MINUTE)
#define FORGET    ((usec)60 * MINUTE)

enum { OF_ADDRESS = 20 };

struct counter {
	unsigned char key[LOCK_KEY];
	bool          full;
	int           failures;
	usec          last_at, locked_until;
	/* Only of addresses: the minute of events, and what was left out. */
	usec          minute_at;
	int           events;
	int64_t       unreported;
	char          address[ADDRESS_TEXT];
};

struct lockout {
	pthread_mutex_t lock;
	_Atomic int     allowed;             /* failures of a pair */
	usec            minute_at;           /* of all addresses */
	int             events;
	int64_t         lost;                /* unreported failures whose counter gave way */
	int             named;               /* addresses of one round of lockout_due() */
	usec            next_due;            /* what that round leaves for later */
	_Atomic int64_t due_at;              /* when something may be summarised; 0: nothing waits */
	struct counter  counter[SETS][WAYS];
};

struct lockout *
lockout_new(void)
{
	struct lockout *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		pthread_mutex_init(&l->lock, NULL);
		atomic_store(&l->allowed, 5);
	}
	return l;
}

void
lockout_allow(struct lockout *l, int failures)
{
	atomic_store(&l->allowed, failures);
}

static int
limit_of(struct lockout *l, enum lock which)
{
	int pair = atomic_load(&l->allowed);

	return which == LOCK_ADDRESS ? OF_ADDRESS : which == LOCK_PAIR ? pair : 2 * pair;
}

void
lockout_free(struct lockout **lp)
{
	if (*lp == NULL)
		return;
	pthread_mutex_destroy(&(*lp)->lock);
	wipe(*lp, sizeof(**lp));
	free(*lp);
	*lp = NULL;
}

str
lockout_address(struct arena *a, str address)
{
	static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	char text[ADDRESS_TEXT];
	unsigned char b[16];
	str s = str_trim(address);

	if (s.n >= sizeof(text))
		return str_sub(s, 0, sizeof(text) - 1);
	if (memchr(s.p != NULL ? s.p : "", ':', s.n) == NULL || inet_pton(AF_INET6, str_z(a, s), b) != 1)
		return s;
	if (memcmp(b, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, b + 12, text, sizeof(text));
	} else {
		memset(b + 8, 0, 8);
		inet_ntop(AF_INET6, b, text, sizeof(text));
	}
	return str_dup(a, str_of(text));
}

/* The counter of `key`, fresh if it was not there. Under the lock. */
static struct counter *
counter_of(struct lockout *l, const unsigned char *key, usec now)
{
	struct counter *set = l->counter[((size_t)key[0] << 8 | key[1]) % SETS], *c = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (!set[i].full || memcmp(set[i].key, key, LOCK_KEY) != 0)
			continue;
		if (now - set[i].last_at >= FORGET)
			set[i].failures = 0;
		return &set[i];
	}
	for (int i = 1; i < WAYS && c->full; i++)
		if (!set[i].full || set[i].failures < c->failures ||
		    (set[i].failures == c->failures && set[i].last_at < c->last_at))
			c = &set[i];
	if (c->unreported > 0)
		l->lost += c->unreported;
	*c = (struct counter){ .full = true, .last_at = now };
	memcpy(c->key, key, LOCK_KEY);
	return c;
}

static usec
lock_for(struct lockout *l, enum lock which, int failures)
{
	int over = failures - limit_of(l, which);
	usec t;

	if (over < 0)
		return 0;
	t = FIRST_FOR << (over < SHIFT_MAX ? over : SHIFT_MAX);
	return t < LONGEST ? t : LONGEST;
}

static int
seconds(usec t)
{
	return (int)((t + SECOND - 1) / SECOND);
}

static bool
attempt(struct lockout *l, const struct lock_keys *k, const bool use[LOCKS], usec now, int *retry_after, int *starts)
{
	struct counter *c[LOCKS] = {0};
	usec wait = 0, longest = 0;

	*retry_after = *starts = 0;
	pthread_mutex_lock(&l->lock);
	/* One may push another out of its set, so each is looked up when used. */
	for (int i = 0; i < LOCKS; i++) {
		if (!use[i])
			continue;
		c[i] = counter_of(l, k->key[i], now);
		/* Not longer than a lock can be, should the clock have been set back. */
		if (c[i]->locked_until > now && c[i]->locked_until - now <= LONGEST && c[i]->locked_until - now > wait)
			wait = c[i]->locked_until - now;
	}
	for (int i = 0; i < LOCKS && wait == 0; i++) {
		usec t;

		if (!use[i])
			continue;
		c[i] = counter_of(l, k->key[i], now);
		c[i]->failures++;
		c[i]->last_at = now;
		t = lock_for(l, (enum lock)i, c[i]->failures);
		c[i]->locked_until = t > 0 ? now + t : 0;
		if (t > longest)
			longest = t;
	}
	pthread_mutex_unlock(&l->lock);
	*retry_after = seconds(wait);
	*starts = seconds(longest);
	return wait == 0;
}

bool
lockout_begin(struct lockout *l, const struct lock_keys *k, usec now, int *retry_after, int *starts)
{
	return attempt(l, k, (const bool[LOCKS]){ true, true, true }, now, retry_after, starts);
}

bool
lockout_failed(struct lockout *l, const struct lock_keys *k, bool pair, usec now, int *retry_after, int *starts)
{
	return attempt(l, k, (const bool[LOCKS]){ true, pair, false }, now, retry_after, starts);
}

void
lockout_passed(struct lockout *l, const struct lock_keys *k)
{
	struct counter *c;

	pthread_mutex_lock(&l->lock);
	for (int i = LOCK_PAIR; i < LOCKS; i++) {
		c = counter_of(l, k->key[i], 0);
		c->failures = 0;
		c->locked_until = 0;
	}
	/* Its other failures stay: who has one good account must not get a fresh
	 * start for guessing others. */
	c = counter_of(l, k->key[LOCK_ADDRESS], 0);
	if (c->failures > 0)
		c->failures--;
	if (c->failures < OF_ADDRESS)
		c->locked_until = 0;
	pthread_mutex_unlock(&l->lock);
}

static void
note_due(struct lockout *l, usec at)
{
	int64_t was = atomic_load(&l->due_at);

	if (was == 0 || at < was)
		atomic_store(&l->due_at, at);
}

bool
lockout_report(struct lockout *l, const struct lock_keys *k, str address, usec now, int64_t *summary)
{
	struct counter *c;
	bool yes;

	*summary = 0;
	pthread_mutex_lock(&l->lock);
	c = counter_of(l, k->key[LOCK_ADDRESS], now);
	if (now - c->minute_at >= MINUTE || now < c->minute_at) {
		*summary = c->unreported;
		c->unreported = 0;
		c->minute_at = now;
		c->events = 0;
	}
	if (now - l->minute_at >= MINUTE || now < l->minute_at) {
		l->minute_at = now;
		l->events = 0;
	}
	yes = c->events < EVENTS_PER_MINUTE && l->events < EVENTS_PER_MINUTE_ALL;
	if (yes) {
		c->events++;
		l->events++;
	} else {
		c->unreported++;
		if (c->address[0] == 0 && address.n < sizeof(c->address))
			memcpy(c->address, address.p != NULL ? address.p : "", address.n);
		note_due(l, c->minute_at + MINUTE);
	}
	pthread_mutex_unlock(&l->lock);
	return yes;
}

bool
lockout_waiting(struct lockout *l, usec now)
{
	int64_t at = atomic_load(&l->due_at);

	return at != 0 && now >= at;
}

bool
lockout_due(struct lockout *l, usec now, int *from, char address[ADDRESS_TEXT], int64_t *summary)
{
	struct counter *c, *found = NULL;

	*summary = 0;
	address[0] = 0;
	pthread_mutex_lock(&l->lock);
	if (*from == 0) {
		l->next_due = 0;
		l->named = 0;
	}
	for (; *from < SETS * WAYS && found == NULL; ++*from) {
		c = &l->counter[*from / WAYS][*from % WAYS];
		if (c->unreported == 0)
			continue;
		if (now - c->minute_at < MINUTE && now >= c->minute_at) {
			if (l->next_due == 0 || c->minute_at + MINUTE < l->next_due)
				l->next_due = c->minute_at + MINUTE;
		} else if (l->named < NAMED_MAX) {
			found = c;
			l->named++;
		} else {
			l->lost += c->unreported;
			c->unreported = 0;
		}
	}
	if (found != NULL) {
		*summary = found->unreported;
		memcpy(address, found->address, ADDRESS_TEXT);
		found->unreported = 0;
	} else {
		*summary = l->lost;
		l->lost = 0;
		atomic_store(&l->due_at, l->next_due);
	}
	pthread_mutex_unlock(&l->lock);
	return *summary > 0;
}
