/* known.c - values known beforehand: a ticket's people, an account's patients.
 *
 * A value is folded (small letters and digits only), cut into its words, and
 * kept as one keyed 64-bit hash; the key is random per set, so a set says
 * nothing to who finds it. Open addressing at most 70 % full: a million values
 * take 16 to 32 MB. A slot holds 56 bits of the hash and 8 bits: kind + 1 and
 * whether it is to be reported or allowed.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct phi_known {
	uint64_t  key;
	uint64_t *slot;
	size_t    slots, count;
	unsigned  max_words;     /* of the longest value */
	const struct phi_known *also;
};

#define ALLOW 0x80u

struct phi_known *
phi_known_new(void)
{
	struct phi_known *k = calloc(1, sizeof *k);
	if (k && getrandom(&k->key, sizeof k->key, 0) != sizeof k->key) {
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
	if (k->slot)
		explicit_bzero(k->slot, k->slots * sizeof *k->slot);
	free(k->slot);
	free(k);
}

static void
put(struct phi_known *k, uint64_t v)
{
	size_t i = (size_t)(v >> 8) & (k->slots - 1);
	while (k->slot[i]) {
		if (k->slot[i] >> 8 == v >> 8) {
			if (v & ALLOW)
				k->slot[i] = v;
			return;
		}
		i = (i + 1) & (k->slots - 1);
	}
	k->slot[i] = v;
	k->count++;
}

static enum phi_err
insert(struct phi_known *k, uint64_t h, unsigned low)
{
	if ((k->count + 1) * 10 > k->slots * 7) {
		size_t was = k->slots, more = was ? was * 2 : 64;
		uint64_t *old = k->slot, *to = calloc(more, sizeof *to);
		if (!to)
			return PHI_NOMEM;
		k->slot = to;
		k->slots = more;
		k->count = 0;
		for (size_t i = 0; i < was; i++)
			if (old[i])
				put(k, old[i]);
		free(old);
	}
	put(k, (h & ~0xffull) | low);
	return PHI_OK;
}

/* Words as the tokeniser has them; letters above 0x7f are compared as they
 * come, so a value with accents must be given as it will be written, and is
 * found in its plain form as well because texts are folded: hence both. */
static unsigned
words(const char *p, size_t n, uint64_t *h, size_t *len, unsigned max)
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
		len[k] = i - from;
		h[k++] = phi_word_hash(p + from, i - from);
	}
	return k;
}

static enum phi_err
add_value(struct phi_known *k, unsigned low, bool parts, const char *p, size_t n)
{
	uint64_t h[16], x;
	size_t len[16];
	unsigned w = words(p, n, h, len, 16);
	if (w == 0)
		return PHI_BAD;
	x = k->key;
	for (unsigned i = 0; i < w; i++)
		x = phi_mix(x, h[i]);
	if (w > k->max_words)
		k->max_words = w;
	enum phi_err e = insert(k, x, low);
	for (unsigned i = 0; parts && i < w && e == PHI_OK; i++)
		if (len[i] >= 3)
			e = insert(k, phi_mix(k->key, h[i]), low);
	/* Last, First. */
	if (parts && w == 2 && e == PHI_OK)
		e = insert(k, phi_mix(phi_mix(k->key, h[1]), h[0]), low);
	/* A number in any spacing: all its characters as one word. */
	char run[64];
	size_t m = 0;
	for (size_t i = 0; i < n && m < sizeof run; i++)
		if (is_alnum_((unsigned char)p[i]))
			run[m++] = p[i];
	if (!parts && w > 1 && m < sizeof run && e == PHI_OK)
		e = insert(k, phi_mix(k->key, phi_word_hash(run, m)), low);
	return e;
}

static enum phi_err
add_both(struct phi_known *k, unsigned low, bool parts, const char *p, size_t n)
{
	enum phi_err e = add_value(k, low, parts, p, n);
	bool high = false;
	for (size_t i = 0; i < n; i++)
		high |= (unsigned char)p[i] >= 0x80;
	if (e == PHI_OK && high && n < 1000) {
		struct scan s = { 0 };
		if (!phi_normalise(&s, p, n))
			e = PHI_NOMEM;
		else
			e = add_value(k, low, parts, s.t, s.tn);
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
	if (!k || !phi_kind_name(kind) || !value || len > 1000)
		return PHI_BAD;
	return add_both(k, (unsigned)kind + 1, kind == PHI_NAME, value, len);
}

enum phi_err
phi_known_allow(struct phi_known *k, const char *value, size_t len)
{
	if (!k || !value || len > 1000)
		return PHI_BAD;
	return add_both(k, ALLOW | 1, false, value, len);
}

static unsigned
get(const struct phi_known *k, uint64_t h)
{
	if (!k->slots)
		return 0;
	for (size_t i = (size_t)(h >> 8) & (k->slots - 1); k->slot[i]; i = (i + 1) & (k->slots - 1))
		if (k->slot[i] >> 8 == h >> 8)
			return (unsigned)(k->slot[i] & 0xff);
	return 0;
}

static void
find_in(struct scan *s, const struct phi_known *k)
{
	if (!k->slots)
		return;
	for (size_t i = 0; i < s->ntok; i++) {
		if (s->tok[i].type == T_PUNCT)
			continue;
		uint64_t x = k->key;
		size_t end = 0, run_n = 0;
		unsigned kind = 0, w = 0, puncts = 0;
		char run[64];
		for (size_t j = i; j < s->ntok && w < 16; j++) {
			const struct tok *q = &s->tok[j];
			if (q->type == T_PUNCT) {
				if (++puncts > 2)
					break;
				continue;
			}
			if (j > i && q->flags & F_PARA)
				break;
			puncts = 0;
			w++;
			x = phi_mix(x, q->h);
			unsigned v = w <= k->max_words ? get(k, x) : 0;
			if (run_n + q->len < sizeof run) {
				memcpy(run + run_n, s->t + q->at, q->len);
				run_n += q->len;
				if (!v && w > 1)
					v = get(k, phi_mix(k->key, phi_word_hash(run, run_n)));
			} else
				run_n = sizeof run;
			if (v && !(v & ALLOW))
				kind = v, end = q->at + q->len;
			if (w >= k->max_words && run_n >= sizeof run)
				break;
		}
		if (kind)
			cand_add(s, s->tok[i].at, end, (int)kind - 1, 98, s->phi->r_known);
	}
}

/* Adds a candidate for every known value in the window. */
void
phi_known_find(struct scan *s)
{
	for (const struct phi_known *k = s->o.known; k; k = k->also)
		find_in(s, k);
}

/* True when exactly this span is on the allow list. */
bool
phi_known_allowed(const struct phi_known *k, const char *p, size_t n)
{
	uint64_t h[16];
	size_t len[16];
	unsigned w = words(p, n, h, len, 16);
	for (; w && k; k = k->also) {
		uint64_t x = k->key;
		for (unsigned i = 0; i < w; i++)
			x = phi_mix(x, h[i]);
		if (get(k, x) & ALLOW)
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

/* ---- kept and loaded: 40 bytes of head in the order of this machine, the slots, a sum ---- */

#define MAGIC 0x314e4b494850ull          /* "PHIKN1" */
struct head { uint64_t magic, key, slots, count, max_words; };

static uint64_t
sum_of(const struct head *h, const uint64_t *slot)
{
	uint64_t x = phi_mix(phi_mix(phi_mix(phi_mix(h->magic, h->key), h->slots), h->count), h->max_words);
	for (size_t i = 0; i < h->slots; i++)
		x = phi_mix(x, slot[i]);
	return x;
}

size_t
phi_known_size(const struct phi_known *k)
{
	return sizeof(struct head) + k->slots * sizeof *k->slot + sizeof(uint64_t);
}

void
phi_known_save(const struct phi_known *k, void *out)
{
	struct head h = { MAGIC, k->key, k->slots, k->count, k->max_words };
	uint64_t sum = sum_of(&h, k->slot);
	char *p = out;
	memcpy(p, &h, sizeof h);
	if (k->slots)
		memcpy(p + sizeof h, k->slot, k->slots * sizeof *k->slot);
	memcpy(p + sizeof h + k->slots * sizeof *k->slot, &sum, sizeof sum);
}

enum phi_err
phi_known_load(const void *bytes, size_t n, struct phi_known **out)
{
	struct phi_known *k;
	struct head h;
	uint64_t sum;
	size_t full = 0;

	*out = NULL;
	if (!bytes || n < sizeof h + sizeof sum)
		return PHI_BAD;
	memcpy(&h, bytes, sizeof h);
	memcpy(&sum, (const char *)bytes + n - sizeof sum, sizeof sum);
	if (h.magic != MAGIC || h.slots & (h.slots - 1) || h.slots != (n - sizeof h - sizeof sum) / sizeof sum ||
	    (n - sizeof h - sizeof sum) % sizeof sum || h.count * 10 > h.slots * 7 || h.max_words > 16)
		return PHI_BAD;
	k = phi_known_new();
	if (!k || (h.slots && !(k->slot = calloc(h.slots, sizeof *k->slot)))) {
		phi_known_free(k);
		return PHI_NOMEM;
	}
	k->key = h.key;
	k->slots = h.slots;
	k->count = h.count;
	k->max_words = (unsigned)h.max_words;
	if (h.slots)
		memcpy(k->slot, (const char *)bytes + sizeof h, h.slots * sizeof *k->slot);
	/* A full table would be searched forever. */
	for (size_t i = 0; i < k->slots; i++)
		full += k->slot[i] != 0;
	if (full != k->count || sum_of(&h, k->slot) != sum) {
		phi_known_free(k);
		return PHI_BAD;
	}
	*out = k;
	return PHI_OK;
}
