/* lexicon.c - the compiled word list, mapped and never copied.
 *
 * File, little endian:
 *    0  "PHILEX1\n"
 *    8  u32 version 2, u32 zero
 *   16  u64 slots (a power of two)
 *   24  u64 words in it
 *   32  u64 check: phi_mix over all slots
 *   40  24 zero bytes
 *   64  slots: u64 each, 24 bits of the word's hash above 40 bits of attributes
 *
 * Open addressing, at most half full, so a word that is not there costs one or
 * two look-ups. Phrases (San Francisco, Mayo Clinic) are in the same table
 * under the hashes of their words mixed in order, and so are their beginnings
 * of two words and more (LEX_MORE), so that most look-ups of phrases end early. Two words that share slot and
 * 24 bits would share attributes: about one in ten million look-ups.
 */
#include "engine.h"

bool
phi_lex_open(struct lexicon *l, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t slots, count, check, sum = 0;
	uint32_t version;

	if (n < 64 || memcmp(p, "PHILEX1\n", 8) != 0)
		return false;
	memcpy(&version, p + 8, 4);
	memcpy(&slots, p + 16, 8);
	memcpy(&count, p + 24, 8);
	memcpy(&check, p + 32, 8);
	if (version != 2 || slots < 16 || slots > 1u << 26 || slots & (slots - 1) || count * 10 > slots * 7 ||
	    n != 64 + slots * 8 || (uintptr_t)p % 8)
		return false;
	l->slot = (const uint64_t *)(const void *)(p + 64);
	/* Four lanes: the check must not cost the start more than a millisecond. */
	uint64_t a[4] = { 1, 2, 3, 4 }, used = 0;
	for (uint64_t i = 0; i < slots; i += 4)
		for (int k = 0; k < 4; k++) {
			a[k] = phi_mix(a[k], l->slot[i + (uint64_t)k]);
			used += l->slot[i + (uint64_t)k] != 0;
		}
	for (int k = 0; k < 4; k++)
		sum = phi_mix(sum, a[k]);
	/* lex_get() ends at an empty slot: there must be some. */
	if (sum != check || used != count)
		return false;
	l->mask = slots - 1;
	l->count = count;
	return true;
}

size_t
phi_phrase(const struct scan *s, size_t i, uint64_t want, uint64_t *got)
{
	uint64_t h = 0;
	size_t best = 0, words = 0;
	for (size_t j = i; j < s->ntok && words < 8; j++) {
		const struct tok *q = &s->tok[j];
		if (j > i && q->flags & F_NL)
			break;
		if (q->type == T_PUNCT) {
			char c = s->t[q->at];
			if (j > i && (c == '-' || c == '.' || c == '&'))
				continue;
			break;
		}
		/* Small words stand inside of names, others end them. */
		if (j > i && s->tok[i].flags & F_UP && !(q->flags & F_UP) && q->len > 3)
			break;
		h = phi_mix(h, q->h);
		if (++words < 2)
			continue;
		uint64_t x = lex_get(&s->phi->lex, h | 1);
		if (x & want) {
			best = j - i + 1;
			if (got)
				*got = x;
		}
		if (!(x & LEX_MORE))
			break;
	}
	return best;
}
