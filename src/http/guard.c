/* guard.c - which addresses a client of ours may connect to.
 *
 * The tables are IANA's special-purpose address registries (RFC 6890): what is
 * not globally reachable there is internal here. An address is judged when it
 * is about to be connected to, so a name that answers differently the second
 * time (DNS rebinding) gains nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/http.h"

struct range { unsigned char addr[16]; int bits; };

static const struct { unsigned char a[4]; int bits; } special4[] = {
	{ { 0, 0, 0, 0 }, 8 }, { { 10, 0, 0, 0 }, 8 }, { { 100, 64, 0, 0 }, 10 }, { { 127, 0, 0, 0 }, 8 },
	{ { 169, 254, 0, 0 }, 16 }, { { 172, 16, 0, 0 }, 12 }, { { 192, 0, 0, 0 }, 24 }, { { 192, 0, 2, 0 }, 24 },
	{ { 192, 88, 99, 0 }, 24 }, { { 192, 168, 0, 0 }, 16 }, { { 198, 18, 0, 0 }, 15 }, { { 198, 51, 100, 0 }, 24 },
	{ { 203, 0, 113, 0 }, 24 }, { { 224, 0, 0, 0 }, 4 }, { { 240, 0, 0, 0 }, 4 },
};

static bool
same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, (size_t)whole) == 0
	    && (rest == 0 || ((a[whole] ^ b[whole]) & (0xFF << (8 - rest)) & 0xFF) == 0);
}

static bool
public4(const unsigned char a[4])
{
	for (size_t i = 0; i < COUNT(special4); i++)
		if (same_bits(a, special4[i].a, special4[i].bits))
			return false;
	return true;
}

static bool
mapped(const unsigned char a[16])
{
	static const unsigned char prefix[12] = { [10] = 0xFF, [11] = 0xFF };

	return memcmp(a, prefix, 12) == 0;
}

static bool
public6(const unsigned char a[16])
{
	static const unsigned char nat64[12] = { 0, 0x64, 0xFF, 0x9B };

	if (mapped(a) || memcmp(a, nat64, 12) == 0)
		return public4(a + 12);
	if (a[0] == 0x20 && a[1] == 0x02)               /* 6to4: the IPv4 address follows */
		return public4(a + 2);
	if ((a[0] & 0xE0) != 0x20)                      /* only 2000::/3 is given out */
		return false;
	if (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xFE) == 0)
		return false;                           /* 2001::/23: Teredo, ORCHID, benchmarks */
	if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8)
		return false;                           /* documentation */
	return !(a[0] == 0x3F && a[1] == 0xFF && (a[2] & 0xF0) == 0);   /* 3fff::/20, documentation */
}

bool
addr_public(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return public4((const unsigned char *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	if (sa->sa_family == AF_INET6)
		return public6(((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr);
	return false;
}

/* "10.0.0.0/8" as an IPv6 range: IPv4 is kept mapped. */
static bool
range_of(str s, struct range *out)
{
	char text[64];
	str addr, bits;
	int64_t n;

	addr = str_cut(&s, '/');
	bits = s;
	if (addr.n == 0 || addr.n >= sizeof text)
		return false;
	memcpy(text, addr.p, addr.n);
	text[addr.n] = '\0';
	*out = (struct range){ 0 };
	if (inet_pton(AF_INET, text, out->addr + 12) == 1) {
		out->addr[10] = out->addr[11] = 0xFF;
		if (bits.n == 0)
			n = 32;
		else if (!str_int(bits, &n) || n < 0 || n > 32)
			return false;
		out->bits = 96 + (int)n;
		return true;
	}
	if (inet_pton(AF_INET6, text, out->addr) != 1)
		return false;
	if (bits.n == 0)
		n = 128;
	else if (!str_int(bits, &n) || n < 0 || n > 128)
		return false;
	out->bits = (int)n;
	return true;
}

bool
ranges_ok(str ranges)
{
	struct range r;
	int n = 0;

	while (ranges.n)
		if (++n > 64 || !range_of(str_trim(str_cut(&ranges, ',')), &r))
			return false;
	return true;
}

bool
addr_in(const struct sockaddr *sa, str ranges)
{
	unsigned char a[16] = { [10] = 0xFF, [11] = 0xFF };
	struct range r;

	if (sa->sa_family == AF_INET)
		memcpy(a + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else if (sa->sa_family == AF_INET6)
		memcpy(a, ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr, 16);
	else
		return false;
	while (ranges.n) {
		str one = str_trim(str_cut(&ranges, ','));
		/* ::/0 is all of IPv6 and not the IPv4 addresses mapped into it. */
		if (range_of(one, &r) && same_bits(a, r.addr, r.bits)
		    && (r.bits >= 96 || !mapped(a)))
			return true;
	}
	return false;
}
