/* arena.c - memory that lives as long as one request, and bufs that grow in it.
 *
 * A list of chunks, the newest first. The first chunk is 16 KiB and survives
 * arena_reset(); later ones double up to 1 MiB. What is bigger than a quarter
 * of the next chunk gets a chunk of its own in a second list, so that the room
 * left in the current one is not lost; a buf grows on in what such a chunk has
 * left.
 *
 * Chunks of up to 8 MiB are kept, wiped, for the next arena: what the kernel
 * gives anew costs it a fault and a cleared page for every 4 KiB, which was a
 * third of an export's whole cost.
 *
 * Invariant: the bytes of a chunk above `used` are zero. They come zeroed from
 * calloc, and reset wipes what was used; so arena_alloc() has nothing to clear
 * and reset touches only what was handed out.
 *
 * Under AddressSanitizer the unused bytes are poisoned and allocations are
 * kept apart by a gap, so that an overrun inside an arena and a use after
 * reset are seen as on the heap.
 */
#include <pthread.h>
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
	size_t        high;         /* of them, how many were ever used: they have memory */
	alignas(max_align_t) char data[];
};

struct defer {
	struct defer *next;
	void        (*fn)(void *);
	void         *arg;
};

struct arena {
	struct chunk *now;          /* allocations come from here */
	struct chunk *first;        /* last of that list, kept by reset */
	struct chunk *big;          /* chunks that hold one allocation */
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

/* Wiped chunks that wait for the next arena, by size: 16 KiB << class. */
enum { CLASSES = 10, SPARE_MAX = 16 << 20 };
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *spare[CLASSES];
static size_t spare_bytes;         /* with memory */

static int
class_of(size_t cap)
{
	int k = 0;

	while (k < CLASSES && ((size_t)FIRST << k) < cap)
		k++;
	return k;
}

static struct chunk *
chunk_new(size_t cap)
{
	struct chunk *c = NULL;
	int k = class_of(cap);

	if (k < CLASSES) {
		cap = (size_t)FIRST << k;
		pthread_mutex_lock(&spare_lock);
		if ((c = spare[k]) != NULL) {
			spare[k] = c->next;
			spare_bytes -= c->high;
		}
		pthread_mutex_unlock(&spare_lock);
		if (c != NULL) {
			c->next = NULL;
			return c;
		}
	}
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
	if (c->used > c->high)
		c->high = c->used;
	c->used = 0;
}

static void
chunk_free(struct chunk *c)
{
	int k = class_of(c->cap);
	bool keep = false;

	if (k < CLASSES && c->cap == (size_t)FIRST << k) {
		pthread_mutex_lock(&spare_lock);
		if ((keep = spare_bytes + c->high <= SPARE_MAX)) {
			POISON(c->data, c->cap);
			c->next = spare[k];
			spare[k] = c;
			spare_bytes += c->high;
		}
		pthread_mutex_unlock(&spare_lock);
	}
	if (!keep)
		free(c);
}

/* Wipes and frees the chunks from `c` up to, and not with, `end`. */
static void
drop(struct chunk *c, struct chunk *end)
{
	struct chunk *next;

	for (; c != end; c = next) {
		next = c->next;
		chunk_wipe(c);
		chunk_free(c);
	}
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
	struct defer *d;

	/* A callback may defer another: that one runs next. */
	while ((d = a->defers) != NULL) {
		a->defers = d->next;
		d->fn(d->arg);
	}
	drop(a->now, a->first);
	drop(a->big, NULL);
	chunk_wipe(a->first);
	POISON(a->first->data, a->first->cap);
	a->now = a->first;
	a->big = NULL;
	a->next_cap = 2 * FIRST;
}

void
arena_free(struct arena **ap)
{
	struct arena *a = *ap;

	if (a == NULL)
		return;
	arena_reset(a);
	chunk_free(a->first);
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
#ifdef WITH_ASAN
	c->used = c->cap - c->used < GAP ? c->cap : c->used + GAP;
#endif
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
		c->next = a->big;
		a->big = c;
	} else {
		c = chunk_new(a->next_cap);
		if (a->next_cap < LAST)
			a->next_cap *= 2;
		c->next = a->now;
		a->now = c;
	}
	return take(c, n, align);
}

void *
arena_alloc(struct arena *a, size_t size, size_t count, size_t align)
{
	size_t n;
	void *p;

	if (__builtin_mul_overflow(size, count, &n))
		out_of_memory();
	p = take(a->now, n, align);
	return p != NULL ? p : alloc_slow(a, n, align);
}

/* Makes the newest allocation of a chunk longer where it stands, up to `want` bytes. Returns how long it is then. */
static size_t
grow_here(struct arena *a, const char *p, size_t have, size_t least, size_t want)
{
	struct chunk *c = a->now;
	size_t n;

	if (GAP != 0)
		return have;
	if (p + have != c->data + c->used)
		c = a->big;
	if (c == NULL || p + have != c->data + c->used || least - have > c->cap - c->used)
		return have;
	n = want - have < c->cap - c->used ? want - have : c->cap - c->used;
	c->used += n;
	return have + n;
}

void
arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
	struct defer *d = NEW(a, struct defer, 1);

	*d = (struct defer){ a->defers, fn, arg };
	a->defers = d;
}

void
wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

str
str_dup(struct arena *a, str s)
{
	char *p = arena_alloc(a, 1, s.n + 1, 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (str){ p, s.n };
}

char *
str_z(struct arena *a, str s)
{
	const char *nul = s.n > 0 ? memchr(s.p, 0, s.n) : NULL;
	char *p;

	if (nul != NULL)
		s.n = (size_t)(nul - s.p);
	p = arena_alloc(a, 1, s.n + 1, 1);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

str
str_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	int n;
	char *p;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	p = arena_alloc(a, 1, (size_t)n + 1, 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return (str){ p, (size_t)n };
}

str
str_lower(struct arena *a, str s)
{
	char *p = arena_alloc(a, 1, s.n + 1, 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
	return (str){ p, s.n };
}

/* ---- buf ------------------------------------------------------------------------------------ */

/* `cap` counts what may be appended; one byte more is allocated, for the NUL
 * that vsnprintf writes. cap is never above max, and once `over` it is n, so
 * that "n more fit into cap" is the only question a fast path has to ask. */

void
buf_init(struct buf *b, struct arena *a, size_t max)
{
	*b = (struct buf){ .a = a, .max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4 };
}

/* Makes room for n more bytes. False, and over, past the ceiling. */
static bool
grow(struct buf *b, size_t n)
{
	size_t cap, here;
	char *p;

	if (b->over)
		return false;
	if (n > b->max - b->n) {
		b->over = true;
		b->cap = b->n;
		return false;
	}
	cap = b->cap < SMALLEST_BUF / 2 ? SMALLEST_BUF : 2 * b->cap;
	if (cap < b->n + n)
		cap = b->n + n;
	if (cap > b->max)
		cap = b->max;
	here = b->p != NULL ? grow_here(b->a, b->p, b->cap + 1, b->n + n + 1, cap + 1) : 0;
	if (here > b->n + n) {
		cap = here - 1;
	} else {
		p = arena_alloc(b->a, 1, cap + 1, 1);
		if (b->p != NULL)
			memcpy(p, b->p, b->n);
		b->p = p;
	}
	b->cap = cap;
	return true;
}

void
buf_expect(struct buf *b, size_t n)
{
	if (!b->over && n <= b->max - b->n && (b->p == NULL || n > b->cap - b->n))
		(void)grow(b, n);
}

char *
buf_room(struct buf *b, size_t n)
{
	if ((b->p == NULL || n > b->cap - b->n) && !grow(b, n))
		return NULL;
	b->n += n;
	return b->p + b->n - n;
}

void
buf_add(struct buf *b, str s)
{
	if (s.n == 0 || (s.n > b->cap - b->n && !grow(b, s.n)))
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void
buf_byte(struct buf *b, char c)
{
	if (b->n == b->cap && !grow(b, 1))
		return;
	b->p[b->n++] = c;
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(b->p != NULL ? b->p + b->n : NULL, b->p != NULL ? b->cap - b->n + 1 : 0, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n > b->cap - b->n) {
		if (grow(b, (size_t)n))
			vsnprintf(b->p + b->n, b->cap - b->n + 1, fmt, again);
		else
			n = 0;
	}
	va_end(again);
	if (n > 0)
		b->n += (size_t)n;
}

/* Writes v behind an optional sign, two digits a step, from the end. */
static void
add_number(struct buf *b, uint64_t v, bool minus)
{
	static const char pairs[] =
	    "00010203040506070809101112131415161718192021222324"
	    "25262728293031323334353637383940414243444546474849"
	    "50515253545556575859606162636465666768697071727374"
	    "75767778798081828384858687888990919293949596979899";
	size_t n = 1 + minus;
	char *p;

	for (uint64_t ten = 10; v >= ten; n++)
		if (__builtin_mul_overflow(ten, 10, &ten)) {
			n++;
			break;
		}
	if ((p = buf_room(b, n)) == NULL)
		return;
	for (; v >= 100; v /= 100)
		memcpy(p + (n -= 2), pairs + 2 * (v % 100), 2);
	if (v >= 10)
		memcpy(p + n - 2, pairs + 2 * v, 2);
	else
		p[n - 1] = (char)('0' + v);
	if (minus)
		p[0] = '-';
}

void
buf_uint(struct buf *b, uint64_t v)
{
	add_number(b, v, false);
}

void
buf_int(struct buf *b, int64_t v)
{
	add_number(b, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}
