/* cache.c - unwrapped data keys, at most 8,192 of them.
 *
 * Thirty-two shards by a hash of the id, each with its lock and 256 places,
 * found through chains, evicted by CLOCK: a hand goes round, a place used
 * since its last visit gets one more round, the first that was not is wiped
 * and given to the newcomer, who has that one round to be used again: a long
 * walk over old tickets passes through without pushing out what is in use.
 * The keys lie in one guarded allocation.
 *
 * The hard part is not to remember a key that is being destroyed. Keys are
 * loaded outside the lock, from a snapshot that may be older than the
 * destruction, so:
 *   - every put, forget and ban moves the shard's epoch on, and a key that was
 *     loaded under an older epoch is used once and not kept;
 *   - after a ban the id is not kept for a minute, whoever loads it: the
 *     transaction that destroys it may still be open and readers still see it.
 *     There is room for 64 of these per shard; when a mass deletion needs
 *     more, the shard keeps nothing that is loaded until the minute is over.
 *     That costs time, never the promise.
 * A place is stale after ten minutes, so that what another process destroyed
 * goes too; a stale place is loaded again, and wiped if there is none.
 */
#include <stdlib.h>

#include "vault/inside.h"

enum { SHARDS = 32, PLACES = 256, BANS = 64 };
#define STALE_FOR (600 * SECOND)
#define BAN_FOR   (60 * SECOND)

struct shard {
	alignas(64) pthread_mutex_t lock;
	uint64_t epoch;
	unsigned used, hand;             /* places taken; the next to look at */
	uint16_t head[PLACES], next[PLACES];     /* place + 1; 0: end of the chain */
	bool     warm[PLACES];           /* used since the hand came by */
	int64_t  id[PLACES];             /* 0: free */
	usec     at[PLACES];             /* when it was loaded, by the context's clock */
	unsigned char (*key)[KEY_BYTES];
	struct { int64_t id; usec until; } ban[BANS];    /* time_mono() */
	unsigned ban_next;
	usec     no_fill_until;
};

struct cache {
	unsigned char (*keys)[KEY_BYTES];
	struct shard   shard[SHARDS];
};

static uint64_t
mix(int64_t id)
{
	uint64_t h = (uint64_t)id * 0x9E3779B97F4A7C15u;

	return h ^ h >> 32;
}

/* The shard comes from other bits of the hash than the chain. */
static struct shard *
shard_of(struct cache *c, int64_t id)
{
	return &c->shard[mix(id) >> 16 & (SHARDS - 1)];
}

static uint16_t *
chain_of(struct shard *s, int64_t id)
{
	return &s->head[mix(id) & (PLACES - 1)];
}

static int
find(struct shard *s, int64_t id)
{
	for (uint16_t i = *chain_of(s, id); i != 0; i = s->next[i - 1])
		if (s->id[i - 1] == id)
			return i - 1;
	return -1;
}

static void
take_out(struct shard *s, int place)
{
	uint16_t *link = chain_of(s, s->id[place]);

	while (*link != place + 1)
		link = &s->next[*link - 1];
	*link = s->next[place];
	wipe(s->key[place], KEY_BYTES);
	s->id[place] = 0;
	s->warm[place] = false;
	s->used--;
}

static int
room(struct shard *s)
{
	for (;;) {
		int place = (int)s->hand;

		s->hand = (s->hand + 1) % PLACES;
		if (s->id[place] == 0)
			return place;
		if (s->used < PLACES)
			continue;                /* a free one is further on */
		if (!s->warm[place]) {
			take_out(s, place);
			return place;
		}
		s->warm[place] = false;
	}
}

static void
put(struct shard *s, int64_t id, usec now, const unsigned char key[KEY_BYTES])
{
	int place = find(s, id);

	if (place < 0) {
		uint16_t *chain = chain_of(s, id);

		place = room(s);
		s->id[place] = id;
		s->next[place] = *chain;
		*chain = (uint16_t)(place + 1);
		s->used++;
	}
	memcpy(s->key[place], key, KEY_BYTES);
	s->at[place] = now;
}

struct cache *
cache_new(bool *locked)
{
	struct cache *c = aligned_alloc(alignof(struct cache), sizeof(*c));

	if (c == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	if ((c->keys = secret_alloc(SHARDS * PLACES * sizeof(*c->keys), locked)) == NULL) {
		free(c);
		return NULL;
	}
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&c->shard[i].lock, NULL);
		c->shard[i].key = c->keys + i * PLACES;
	}
	return c;
}

void
cache_free(struct cache **c)
{
	if (*c == NULL)
		return;
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&(*c)->shard[i].lock);
	secret_free((*c)->keys);
	free(*c);
	*c = NULL;
}

bool
cache_get(struct cache *c, int64_t id, usec now, unsigned char key[KEY_BYTES], uint64_t *epoch)
{
	struct shard *s = shard_of(c, id);
	int place;

	pthread_mutex_lock(&s->lock);
	place = find(s, id);
	if (place >= 0 && now - s->at[place] > STALE_FOR) {
		take_out(s, place);
		place = -1;
	}
	if (place >= 0) {
		memcpy(key, s->key[place], KEY_BYTES);
		s->warm[place] = true;
	}
	*epoch = s->epoch;
	pthread_mutex_unlock(&s->lock);
	return place >= 0;
}

static bool
banned(struct shard *s, int64_t id)
{
	usec now = time_mono();

	if (now < s->no_fill_until)
		return true;
	for (int i = 0; i < BANS; i++)
		if (s->ban[i].id == id && now < s->ban[i].until)
			return true;
	return false;
}

void
cache_fill(struct cache *c, int64_t id, usec now, const unsigned char key[KEY_BYTES], uint64_t epoch)
{
	struct shard *s = shard_of(c, id);

	pthread_mutex_lock(&s->lock);
	if (s->epoch == epoch && !banned(s, id))
		put(s, id, now, key);
	pthread_mutex_unlock(&s->lock);
}

void
cache_put(struct cache *c, int64_t id, usec now, const unsigned char key[KEY_BYTES])
{
	struct shard *s = shard_of(c, id);

	pthread_mutex_lock(&s->lock);
	s->epoch++;
	put(s, id, now, key);
	pthread_mutex_unlock(&s->lock);
}

static void
forget(struct shard *s, int64_t id)
{
	int place = find(s, id);

	s->epoch++;
	if (place >= 0)
		take_out(s, place);
}

void
cache_forget(struct cache *c, int64_t id)
{
	struct shard *s = shard_of(c, id);

	pthread_mutex_lock(&s->lock);
	forget(s, id);
	pthread_mutex_unlock(&s->lock);
}

void
cache_ban(struct cache *c, int64_t id)
{
	struct shard *s = shard_of(c, id);
	usec now = time_mono();

	pthread_mutex_lock(&s->lock);
	forget(s, id);
	/* The oldest ban makes room; if it still holds, it holds for all. */
	if (s->ban[s->ban_next].until > now && s->ban[s->ban_next].until > s->no_fill_until)
		s->no_fill_until = s->ban[s->ban_next].until;
	s->ban[s->ban_next].id = id;
	s->ban[s->ban_next].until = now + BAN_FOR;
	s->ban_next = (s->ban_next + 1) % BANS;
	pthread_mutex_unlock(&s->lock);
}
