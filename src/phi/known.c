/* known.c - values known beforehand: a ticket's people, a house's patients.
 *
 * Of a value only SipHash-2-4 under a random key of the set is kept (libsodium's
 * crypto_shorthash), so a set says nothing to who finds it without its key.
 * What is hashed, behind a byte that says which of the three it is:
 *
 *   W  a name: the 64-bit hashes of its words, in small letters, in order
 *   R  any other value: its letters and digits, small, in a row (to 63 bytes)
 *   A  a value to allow: the hashes of its words
 *
 * A hash lives in one of 64 tables, chosen by its highest 6 bits, open
 * addressing at most 85 % full, 7 bytes a slot: the low 48 bits of the hash,
 * then kind + 1 (0: empty; 0x80: allowed). A foreign value is taken for a known
 * one once in about 10^8 asks. The tables grow one by one, by a quarter, so that
 * growing takes no second copy of all.
 *
 * Two bit maps keep most words of a text from being hashed at all: the first
 * word of a name, the first three characters of any other value.
 */
#include "engine.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/random.h>

#define SHARDS 64
#define SLOT   7
#define ALLOW  0x80u
#define WORDS  16
#define RUN    64

struct shard { uint8_t *slot; uint32_t slots, count; };

struct phi_known {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct shard  shard[SHARDS];
	unsigned      max_words;     /* of the longest name */
	unsigned      max_run;       /* characters of the longest other value */
	bool          allows;
	uint8_t      *first;         /* bit map of first words, grows with their number */
	uint32_t      first_bits, first_count;
	uint8_t       prefix[1 << 13];
	const struct phi_known *also;
};

struct phi_known *
phi_known_new(void)
{
	struct phi_known *k = calloc(1, sizeof *k);
	if (k && (sodium_init() < 0 || getrandom(k->key, sizeof k->key, 0) != sizeof k->key)) {
		free(k);
		return NULL;
	}
	return k;
}

void
phi_known_free(struct phi_known *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < SHARDS; i++)
		free(k->shard[i].slot);
	free(k->first);
	explicit_bzero(k->key, sizeof k->key);
	free(k);
}

size_t
phi_known_count(const struct phi_known *k)
{
	size_t n = 0;
	for (unsigned i = 0; k && i < SHARDS; i++)
		n += k->shard[i].count;
	return n;
}

/* ---- the tables -------------------------------------------------------------------------------------- */

static uint64_t
keyed(const struct phi_known *k, char what, const void *p, size_t n)
{
	unsigned char b[1 + 8 * WORDS];
	uint64_t h = 0;
	b[0] = (unsigned char)what;
	memcpy(b + 1, p, n);
	crypto_shorthash((unsigned char *)&h, b, n + 1, k->key);
	explicit_bzero(b, n + 1);
	return h;
}

/* From bits that the slot keeps, so that a table can grow. */
static uint32_t
place(uint64_t h, uint32_t slots)
{
	return (uint32_t)((h >> 24 & 0xffffff) * slots >> 24);
}

static void
put(struct shard *s, uint64_t h, unsigned value)
{
	uint32_t at = place(h, s->slots);
	for (uint8_t *q; q = s->slot + (size_t)at * SLOT, q[6]; at = at + 1 < s->slots ? at + 1 : 0)
		if (!memcmp(q, &h, 6))
			return;                      /* the first kind stays */
	memcpy(s->slot + (size_t)at * SLOT, &h, 6);
	s->slot[(size_t)at * SLOT + 6] = (uint8_t)value;
	s->count++;
}

static enum phi_err
insert(struct phi_known *k, uint64_t h, unsigned value)
{
	struct shard *s = &k->shard[h >> 58];
	if ((uint64_t)(s->count + 1) * 100 > (uint64_t)s->slots * 85) {
		struct shard was = *s;
		uint32_t more = was.slots < 32 ? was.slots * 2 + 4 : was.slots + was.slots / 4;
		if (more > 1u << 22)
			return PHI_LIMIT;
		uint8_t *slot = calloc(more, SLOT);
		if (!slot)
			return PHI_NOMEM;
		*s = (struct shard){ slot, more, 0 };
		for (uint32_t i = 0; i < was.slots; i++) {
			uint64_t v = 0;
			memcpy(&v, was.slot + (size_t)i * SLOT, 6);
			if (was.slot[(size_t)i * SLOT + 6])
				put(s, v, was.slot[(size_t)i * SLOT + 6]);
		}
		free(was.slot);
	}
	put(s, h, value);
	return PHI_OK;
}

static unsigned
get(const struct phi_known *k, uint64_t h)
{
	const struct shard *s = &k->shard[h >> 58];
	if (!s->count)
		return 0;
	uint32_t at = place(h, s->slots);
	for (const uint8_t *q; q = s->slot + (size_t)at * SLOT, q[6]; at = at + 1 < s->slots ? at + 1 : 0)
		if (!memcmp(q, &h, 6))
			return q[6];
	return 0;
}

/* ---- the two filters ----------------------------------------------------------------------------------- */

/* Twice the bits: what was in the first half may be in either. */
static bool
first_add(struct phi_known *k, uint64_t h)
{
	if (++k->first_count * 16 > k->first_bits && k->first_bits < 1u << 23) {
		uint32_t was = k->first_bits / 8, more = was ? was * 2 : 64;
		uint8_t *q = realloc(k->first, more);
		if (!q)
			return false;
		if (was)
			memcpy(q + was, q, was);
		else
			memset(q, 0, more);
		k->first = q;
		k->first_bits = more * 8;
	}
	uint32_t bit = (uint32_t)(h >> 8) & (k->first_bits - 1);
	k->first[bit / 8] |= (uint8_t)(1u << bit % 8);
	return true;
}

static bool
first_has(const struct phi_known *k, uint64_t h)
{
	uint32_t bit = (uint32_t)(h >> 8) & (k->first_bits - 1);
	return k->first_bits && k->first[bit / 8] >> bit % 8 & 1;
}

static unsigned
prefix_bit(const char *run)
{
	return ((unsigned char)run[0] * 1009u ^ (unsigned char)run[1] * 9176u ^ (unsigned char)run[2] * 33u) & 0xffff;
}

/* ---- adding ---------------------------------------------------------------------------------------------- */

/* Words as the tokeniser has them. */
static unsigned
words(const char *p, size_t n, uint64_t *h, char *initial, unsigned max)
{
	unsigned k = 0;
	for (size_t i = 0; i < n && k < max;) {
		if (!is_alnum_((unsigned char)p[i])) {
			i++;
			continue;
		}
		size_t from = i;
		while (i < n && (is_alnum_((unsigned char)p[i]) || (p[i] == '\'' && i + 1 < n && is_letter((unsigned char)p[i + 1]))))
			i++;
		initial[k] = i - from >= 3 ? p[from] : 0;
		h[k++] = phi_word_hash(p + from, i - from);
	}
	return k;
}

static size_t
run_of(const char *p, size_t n, char *run, size_t m)
{
	for (size_t i = 0; i < n && m < RUN; i++)
		if (is_alnum_((unsigned char)p[i]))
			run[m++] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 32 : p[i]);
	return m;
}

static enum phi_err
add_words(struct phi_known *k, unsigned value, const uint64_t *h, unsigned w)
{
	if (w > k->max_words)
		k->max_words = w;
	return first_add(k, h[0]) ? insert(k, keyed(k, 'W', h, w * sizeof *h), value) : PHI_NOMEM;
}

static enum phi_err
add_name(struct phi_known *k, unsigned value, bool whole, const char *p, size_t n)
{
	uint64_t h[WORDS + 1], x[WORDS];
	char initial[WORDS + 1];
	const char *comma = memchr(p, ',', n);
	unsigned w = words(p, n, h, initial, WORDS), last = 1;
	enum phi_err e = PHI_OK;
	if (w == 0)
		return PHI_BAD;
	if (comma && w > 1 && (last = words(p, (size_t)(comma - p), x, initial, WORDS)) > 0 && last < w) {
		/* "Last, First": turned round. */
		memcpy(x, h, sizeof x);
		for (unsigned i = 0; i < w; i++)
			h[i] = x[(i + last) % w];
		words(p, n, x, initial, WORDS);
		char was[WORDS];
		memcpy(was, initial, sizeof was);
		for (unsigned i = 0; i < w; i++)
			initial[i] = was[(i + last) % w];
	} else {
		last = 1;
		words(p, n, x, initial, WORDS);
	}
	e = add_words(k, value, h, w);
	for (unsigned i = 0; !whole && i < w && e == PHI_OK; i++)
		if (initial[i])
			e = add_words(k, value, &h[i], 1);
	if (w < 2 || e != PHI_OK)
		return e;
	/* Last, First Middle; First Last, Last First; First M. Last. */
	for (unsigned i = 0; i < w; i++)
		x[i] = h[(i + w - last) % w];
	e = add_words(k, value, x, w);
	if (w != 3 || last != 1 || e != PHI_OK)
		return e;
	x[0] = h[0], x[1] = h[2];
	e = add_words(k, value, x, 2);
	x[0] = h[2], x[1] = h[0];
	if (e == PHI_OK)
		e = add_words(k, value, x, 2);
	if (e != PHI_OK || !initial[1] || (unsigned char)initial[1] >= 0x80)
		return e;
	x[0] = h[0], x[1] = phi_word_hash(&initial[1], 1), x[2] = h[2];
	return add_words(k, value, x, 3);
}

static enum phi_err
add_value(struct phi_known *k, unsigned value, bool whole, const char *p, size_t n)
{
	uint64_t h[WORDS];
	char initial[WORDS], run[RUN] = "";
	enum phi_err e;
	if (value == ALLOW) {
		unsigned w = words(p, n, h, initial, WORDS);
		k->allows = true;
		return w ? insert(k, keyed(k, 'A', h, w * sizeof *h), ALLOW) : PHI_BAD;
	}
	if (value == PHI_NAME + 1)
		return add_name(k, value, whole, p, n);
	size_t m = run_of(p, n, run, 0);
	if (m == 0)
		return PHI_BAD;
	if (m == RUN) {
		unsigned w = words(p, n, h, initial, WORDS);
		e = add_words(k, value, h, w);
	} else {
		unsigned bit = prefix_bit(run);
		k->prefix[bit / 8] |= (uint8_t)(1u << bit % 8);
		if (m > k->max_run)
			k->max_run = (unsigned)m;
		e = insert(k, keyed(k, 'R', run, m), value);
	}
	explicit_bzero(run, sizeof run);
	return e;
}

/* Texts are folded before they are looked at, so the folded form is taught; what cannot be folded goes as it is. */
static enum phi_err
add(struct phi_known *k, unsigned value, bool whole, const char *p, size_t n)
{
	bool high = false;
	for (size_t i = 0; i < n; i++)
		high |= (unsigned char)p[i] >= 0x80;
	enum phi_err e = add_value(k, value, whole, p, n);
	if (e == PHI_OK && high) {
		struct scan s = { 0 };
		e = phi_normalise(&s, p, n) ? add_value(k, value, whole, s.t, s.tn) : PHI_NOMEM;
		if (e == PHI_BAD)
			e = PHI_OK;
		if (s.t)
			explicit_bzero(s.t, s.tcap);
		free(s.t);
		free(s.map);
	}
	return e;
}

enum phi_err
phi_known_add(struct phi_known *k, enum phi_kind kind, const char *value, size_t len)
{
	return !k || !phi_kind_name(kind) || !value || len > 1000 ? PHI_BAD : add(k, (unsigned)kind + 1, false, value, len);
}

enum phi_err
phi_known_add_whole(struct phi_known *k, enum phi_kind kind, const char *value, size_t len)
{
	return !k || !phi_kind_name(kind) || !value || len > 1000 ? PHI_BAD : add(k, (unsigned)kind + 1, true, value, len);
}

enum phi_err
phi_known_allow(struct phi_known *k, const char *value, size_t len)
{
	return !k || !value || len > 1000 ? PHI_BAD : add(k, ALLOW, true, value, len);
}

/* ---- looking ----------------------------------------------------------------------------------------------- */

static void
find_from(struct scan *s, const struct phi_known *k, size_t i)
{
	uint64_t h[WORDS];
	char run[RUN];
	size_t end = 0, m = 0;
	unsigned kind = 0, w = 0, puncts = 0;
	bool as_words = first_has(k, s->tok[i].h), as_run = k->max_run > 0;
	for (size_t j = i; j < s->ntok && w < WORDS && (as_words || as_run); j++) {
		const struct tok *q = &s->tok[j];
		if (q->type == T_PUNCT) {
			if (++puncts > 2)
				break;
			continue;
		}
		if (j > i && q->flags & F_PARA)
			break;
		puncts = 0;
		h[w++] = q->h;
		unsigned v = 0;
		as_words = as_words && w <= k->max_words;
		if (as_words)
			v = get(k, keyed(k, 'W', h, w * sizeof *h));
		as_run = as_run && m + q->len <= k->max_run;
		if (as_run) {
			size_t was = m;
			m = run_of(s->t + q->at, q->len, run, m);
			if (was < 3 && m >= 3) {
				unsigned bit = prefix_bit(run);
				as_run = k->prefix[bit / 8] >> bit % 8 & 1;
			}
			if (as_run && !v) {
				if (m < 3) {
					memset(run + m, 0, 3 - m);
					unsigned bit = prefix_bit(run);
					if (k->prefix[bit / 8] >> bit % 8 & 1)
						v = get(k, keyed(k, 'R', run, m));
				} else
					v = get(k, keyed(k, 'R', run, m));
			}
		}
		if (v && v <= PHI_KINDS)             /* a damaged set may call anything allowed */
			kind = v, end = q->at + q->len;
	}
	if (kind)
		cand_add(s, s->tok[i].at, end, (int)kind - 1, 98, s->phi->r_known);
}

/* Adds a candidate for every known value in the window. */
void
phi_known_find(struct scan *s)
{
	for (const struct phi_known *k = s->o.known; k; k = k->also)
		for (size_t i = 0; (k->max_words || k->max_run) && i < s->ntok; i++)
			if (s->tok[i].type != T_PUNCT)
				find_from(s, k, i);
}

/* True when exactly this span is on an allow list. */
bool
phi_known_allowed(const struct phi_known *k, const char *p, size_t n)
{
	uint64_t h[WORDS];
	char initial[WORDS];
	unsigned w = 0;
	for (; k; k = k->also)
		if (k->allows) {
			if (w == 0)
				w = words(p, n, h, initial, WORDS);
			if (w && get(k, keyed(k, 'A', h, w * sizeof *h)))
				return true;
		}
	return false;
}

void
phi_known_also(struct phi_known *k, const struct phi_known *more)
{
	if (k)
		k->also = more;
}

/* ---- kept and loaded ------------------------------------------------------------------------------------------- */

/* The head, the map of first words, the prefixes; per table slots and count,
 * then the slots; a BLAKE2b sum of all of it. In the order of this machine. */
#define MAGIC 0x324e4b494850ull          /* "PHIKN2" */
#define SUM   16
struct head { uint64_t magic; unsigned char key[16]; uint32_t max_words, max_run, allows, first_bits, first_count, spare; };

size_t
phi_known_size(const struct phi_known *k)
{
	size_t n = sizeof(struct head) + k->first_bits / 8 + sizeof k->prefix + SHARDS * 2 * sizeof(uint32_t) + SUM;
	for (unsigned i = 0; i < SHARDS; i++)
		n += (size_t)k->shard[i].slots * SLOT;
	return n;
}

static void
give(char **p, const void *from, size_t n)
{
	if (n)
		memcpy(*p, from, n);
	*p += n;
}

void
phi_known_save(const struct phi_known *k, void *out)
{
	struct head h = { .magic = MAGIC, .max_words = k->max_words, .max_run = k->max_run, .allows = k->allows,
		.first_bits = k->first_bits, .first_count = k->first_count };
	char *p = out;
	memcpy(h.key, k->key, sizeof h.key);
	give(&p, &h, sizeof h);
	give(&p, k->first, k->first_bits / 8);
	give(&p, k->prefix, sizeof k->prefix);
	for (unsigned i = 0; i < SHARDS; i++) {
		uint32_t n[2] = { k->shard[i].slots, k->shard[i].count };
		give(&p, n, sizeof n);
		give(&p, k->shard[i].slot, (size_t)n[0] * SLOT);
	}
	crypto_generichash((unsigned char *)p, SUM, out, (unsigned long long)(p - (char *)out), NULL, 0);
	explicit_bzero(&h, sizeof h);
}

static bool
take(const char **p, size_t *n, void *to, size_t want)
{
	if (*n < want)
		return false;
	if (want)
		memcpy(to, *p, want);
	*p += want, *n -= want;
	return true;
}

static enum phi_err
load(struct phi_known *k, const char *p, size_t n)
{
	struct head h;
	if (!take(&p, &n, &h, sizeof h) || h.magic != MAGIC || h.max_words > WORDS || h.max_run >= RUN || h.allows > 1 ||
	    h.first_bits > 1u << 23 || h.first_bits & (h.first_bits - 1) || (h.first_bits && h.first_bits < 512) || h.spare)
		return PHI_BAD;
	memcpy(k->key, h.key, sizeof k->key);
	k->max_words = h.max_words, k->max_run = h.max_run, k->allows = h.allows;
	k->first_bits = h.first_bits, k->first_count = h.first_count;
	if (n < h.first_bits / 8 || (h.first_bits && !(k->first = malloc(h.first_bits / 8))))
		return n < h.first_bits / 8 ? PHI_BAD : PHI_NOMEM;
	if (!take(&p, &n, k->first, h.first_bits / 8) || !take(&p, &n, k->prefix, sizeof k->prefix))
		return PHI_BAD;
	for (unsigned i = 0; i < SHARDS; i++) {
		uint32_t c[2], used = 0;
		struct shard *s = &k->shard[i];
		if (!take(&p, &n, c, sizeof c) || c[0] > 1u << 22 || (uint64_t)c[1] * 100 > (uint64_t)c[0] * 85 || n < (size_t)c[0] * SLOT)
			return PHI_BAD;
		if (c[0] && !(s->slot = malloc((size_t)c[0] * SLOT)))
			return PHI_NOMEM;
		take(&p, &n, s->slot, (size_t)c[0] * SLOT);
		for (uint32_t j = 0; j < c[0]; j++) {
			uint8_t v = s->slot[(size_t)j * SLOT + 6];
			if (v != ALLOW && v > PHI_KINDS)
				return PHI_BAD;
			used += v != 0;
		}
		/* An empty slot is what ends a search. */
		if (used != c[1])
			return PHI_BAD;
		s->slots = c[0], s->count = c[1];
	}
	return n == 0 ? PHI_OK : PHI_BAD;
}

enum phi_err
phi_known_load(const void *bytes, size_t n, struct phi_known **out)
{
	unsigned char sum[SUM];
	*out = NULL;
	if (!bytes || n < SUM || crypto_generichash(sum, SUM, bytes, n - SUM, NULL, 0) != 0 ||
	    memcmp(sum, (const char *)bytes + n - SUM, SUM))
		return PHI_BAD;
	struct phi_known *k = phi_known_new();
	enum phi_err e = k ? load(k, bytes, n - SUM) : PHI_NOMEM;
	if (e == PHI_OK)
		*out = k;
	else
		phi_known_free(k);
	return e;
}
