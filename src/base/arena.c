/* arena.c - memory that lives as long as one request, and bufs that grow in it.
 *
 * A list of chunks, the newest first. The first chunk is 16 KiB and survives
 * arena_reset(); later ones double up to 1 MiB. What is bigger than a quarter
 * of the next chunk gets a chunk of its own, put behind the current one, so
 * that the room left in the current one is not lost.
 *
 * Invariant: the bytes of a chunk above `used` are zero. They come zeroed from
 * calloc, and reset wipes what was used; so arena_alloc() has nothing to clear
 * and reset touches only what was handed out.
 *
 * Under AddressSanitizer the unused bytes are poisoned and allocations are
 * kept apart by a gap, so that an overrun inside an arena and a use after
 * reset are seen as on the heap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   __asan_poison_memory_region(p, n)
#define UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
enum { GAP = 16 };
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
enum { GAP = 0 };
#endif

enum { FIRST = 16 << 10, LAST = 1 << 20, SMALLEST_BUF = 512 };

struct chunk {
	struct chunk *next;         /* the one made before this one */
	size_t        cap, used;    /* bytes at data */
	alignas(max_align_t) char data[];
};

struct defer {
	struct defer *next;
	void        (*fn)(void *);
	void         *arg;
};

struct arena {
	struct chunk *now;          /* allocations come from here */
	struct chunk *first;        /* last of the list, kept by reset */
	size_t        next_cap;     /* of the next ordinary chunk */
	struct defer *defers;       /* newest first; in the arena */
};

/* Ends the process without a core dump, which would hold what is in memory. */
static void __attribute__((noreturn))
out_of_memory(void)
{
	log_line(LOG_LV_ERROR, "base", "out of memory, ending");
	_exit(70);
}

static struct chunk *
chunk_new(size_t cap)
{
	struct chunk *c;

	if (cap > SIZE_MAX - sizeof(*c) || (c = calloc(1, sizeof(*c) + cap)) == NULL)
		out_of_memory();
	c->cap = cap;
	POISON(c->data, cap);
	return c;
}

static void
chunk_wipe(struct chunk *c)
{
	UNPOISON(c->data, c->cap);
	explicit_bzero(c->data, c->used);
	c->used = 0;
}

struct arena *
arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		out_of_memory();
	a->now = a->first = chunk_new(FIRST);
	a->next_cap = 2 * FIRST;
	return a;
}

void
arena_reset(struct arena *a)
{
	struct chunk *c, *next;
	struct defer *d;

	/* A callback may defer another: that one runs next. */
	while ((d = a->defers) != NULL) {
		a->defers = d->next;
		d->fn(d->arg);
	}
	for (c = a->now; c != a->first; c = next) {
		next = c->next;
		chunk_wipe(c);
		free(c);
	}
	chunk_wipe(c);
	POISON(c->data, c->cap);
	a->now = a->first;
	a->next_cap = 2 * FIRST;
}

void
arena_free(struct arena **ap)
{
	struct arena *a = *ap;

	if (a == NULL)
		return;
	arena_reset(a);
	UNPOISON(a->first->data, a->first->cap);
	free(a->first);
	free(a);
	*ap = NULL;
}

/* `n` bytes out of `c`, or NULL when they do not fit. */
static void *
take(struct chunk *c, size_t n, size_t align)
{
	size_t pad = (size_t)(-((uintptr_t)c->data + c->used)) & (align - 1);
	char *p;

	if (pad > c->cap - c->used || n > c->cap - c->used - pad)
		return NULL;
	p = c->data + c->used + pad;
	c->used += pad + n;
	UNPOISON(p, n);
	if (GAP != 0)
		c->used = c->cap - c->used < GAP ? c->cap : c->used + GAP;
	return p;
}

static void *
alloc_slow(struct arena *a, size_t n, size_t align)
{
	struct chunk *c;

	if (n > SIZE_MAX / 2)
		out_of_memory();
	if (n > a->next_cap / 4) {
		c = chunk_new(n + align + GAP);
		if (a->now == a->first) {
			/* The first chunk must stay last: go before it, with no room to give. */
			c->next = a->first;
			a->now = c;
			/* Further small ones would skip what is left in the first
			 * chunk; swapping the data is not possible, so start a new one. */
		} else {
			c->next = a->now->next;
			a->now->next = c;
		}
		return take(c, n, align);
	}
	c = chunk_new(a->next_cap);
	if (a->next_cap < LAST)
		a->next_cap *= 2;
	c->next = a->now;
	a->now = c;
	return take(c, n, align);
}
