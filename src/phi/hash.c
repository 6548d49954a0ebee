/* hash.c - character classes and the hash of a word; the lexicon compiler uses
 * the same file. */
#include "engine.h"

const uint8_t phi_cls[256] = {
	['0' ... '9'] = C_DIGIT, ['A' ... 'Z'] = C_UPPER, ['a' ... 'z'] = C_LOWER, [0x80 ... 0xff] = C_HIGH,
	[0 ... 32] = C_BLANK,
};

uint64_t
phi_word_hash(const char *p, size_t n)
{
	return word_hash(p, n, false);
}
