/* pack.c - tagged fields in bytes, the inside of a sealed record.
 *
 *     record := field*
 *     field  := tag:u8  length:varint  bytes[length]
 *     varint := LEB128: 7 bits a byte, low bits first, the high bit set on all
 *               but the last byte; at most 10 bytes and 64 bits
 *
 * A varint has exactly one encoding: one that is longer than needed is
 * malformed. So a record that reads well is byte for byte what pack_put()
 * would write again, and a reader copies a field it does not know unchanged.
 */
#include "base/base.h"

void
put_varint(struct buf *b, uint64_t v)
{
	char bytes[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	buf_add(b, (str){ bytes, n });
}

/* On failure *rest and *v stay as they are. */
bool
get_varint(str *rest, uint64_t *v)
{
	uint64_t out = 0;

	for (size_t i = 0; i < rest->n && i < 10; i++) {
		uint64_t byte = (unsigned char)rest->p[i];

		if (i == 9 && byte > 1)      /* more than 64 bits */
			return false;
		out |= (byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		if (byte == 0 && i > 0)      /* longer than needed */
			return false;
		*v = out;
		*rest = str_sub(*rest, i + 1, rest->n);
		return true;
	}
	return false;
}

void
pack_put(struct buf *b, uint8_t tag, str value)
{
	buf_byte(b, (char)tag);
	put_varint(b, value.n);
	buf_add(b, value);
}

void
pack_int(struct buf *b, uint8_t tag, int64_t value)
{
	char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)((uint64_t)value >> (56 - 8 * i));
	pack_put(b, tag, (str){ bytes, sizeof(bytes) });
}

/* A malformed field leaves *rest at its start. */
bool
pack_next(str *rest, uint8_t *tag, str *value)
{
	str r = str_sub(*rest, 1, rest->n);
	uint64_t n;

	if (rest->n == 0 || !get_varint(&r, &n) || n > r.n)
		return false;
	*tag = (uint8_t)rest->p[0];
	*value = str_sub(r, 0, (size_t)n);
	*rest = str_sub(r, (size_t)n, r.n);
	return true;
}

int64_t
pack_get_int(str value)
{
	uint64_t v = 0;

	if (value.n != 8)
		return 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | (unsigned char)value.p[i];
	return (int64_t)v;
}
