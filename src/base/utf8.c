/* utf8.c - UTF-8 as RFC 3629 has it: shortest forms only, no surrogates,
 * nothing above U+10FFFF. */
#include "base/base.h"

/* How many of the bytes at `s` from `at` are ASCII, eight at a time. */
static size_t
ascii_run(str s, size_t at)
{
	size_t i = at;
	uint64_t w;

	for (; s.n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
		if (w & 0x8080808080808080u)
			break;
	}
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i - at;
}

size_t
utf8_next(str s, size_t at, uint32_t *cp)
{
	const unsigned char *p = (const unsigned char *)s.p + at;
	size_t left = s.n - at, n;
	uint32_t c, least;

	*cp = p[0];
	if (p[0] < 0x80)
		return 1;
	*cp = 0xFFFD;
	if (p[0] < 0xC2)
		return 1;
	else if (p[0] < 0xE0)
		n = 2, least = 0x80, c = p[0] & 0x1Fu;
	else if (p[0] < 0xF0)
		n = 3, least = 0x800, c = p[0] & 0x0Fu;
	else if (p[0] < 0xF5)
		n = 4, least = 0x10000, c = p[0] & 0x07u;
	else
		return 1;
	if (n > left)
		return 1;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3Fu);
	}
	if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 1;
	*cp = c;
	return n;
}

/* The offset of the first invalid byte from `at` on, or s.n. */
static size_t
first_invalid(str s, size_t at)
{
	uint32_t cp;
	size_t n;

	while (at < s.n) {
		if ((unsigned char)s.p[at] < 0x80) {
			at += ascii_run(s, at);
			continue;
		}
		n = utf8_next(s, at, &cp);
		if (n == 1)
			return at;
		at += n;
	}
	return s.n;
}

bool
utf8_valid(str s)
{
	return first_invalid(s, 0) == s.n;
}

str
utf8_mend(struct arena *a, str s)
{
	struct buf b;
	size_t bad = first_invalid(s, 0), from = 0;
	char *nul;

	if (bad == s.n && (s.n == 0 || memchr(s.p, 0, s.n) == NULL))
		return s;
	buf_init(&b, a, SIZE_MAX);
	while (from < s.n) {
		buf_add(&b, str_sub(s, from, bad - from));
		if (bad == s.n)
			break;
		buf_add(&b, S("\xEF\xBF\xBD"));
		from = bad + 1;
		bad = first_invalid(s, from);
	}
	for (size_t i = 0; i < b.n && (nul = memchr(b.p + i, 0, b.n - i)) != NULL; i = (size_t)(nul - b.p))
		*nul = ' ';
	return buf_str(&b);
}

void
utf8_put(struct buf *b, uint32_t cp)
{
	char p[4];
	size_t n;

	if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		cp = 0xFFFD;
	if (cp < 0x80) {
		p[0] = (char)cp, n = 1;
	} else if (cp < 0x800) {
		p[0] = (char)(0xC0 | cp >> 6);
		p[1] = (char)(0x80 | (cp & 0x3F)), n = 2;
	} else if (cp < 0x10000) {
		p[0] = (char)(0xE0 | cp >> 12);
		p[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		p[2] = (char)(0x80 | (cp & 0x3F)), n = 3;
	} else {
		p[0] = (char)(0xF0 | cp >> 18);
		p[1] = (char)(0x80 | (cp >> 12 & 0x3F));
		p[2] = (char)(0x80 | (cp >> 6 & 0x3F));
		p[3] = (char)(0x80 | (cp & 0x3F)), n = 4;
	}
	buf_add(b, (str){ p, n });
}

size_t
utf8_count(str s)
{
	size_t count = 0, n;
	uint32_t cp;

	for (size_t at = 0; at < s.n; count++) {
		if ((n = ascii_run(s, at)) > 0) {
			at += n;
			count += n - 1;
			continue;
		}
		at += utf8_next(s, at, &cp);
	}
	return count;
}

size_t
utf8_floor(str s, size_t at)
{
	uint32_t cp;

	if (at >= s.n)
		return s.n;
	for (size_t back = 0; back <= 3 && back <= at; back++) {
		if (((unsigned char)s.p[at - back] & 0xC0) == 0x80)
			continue;
		return utf8_next(s, at - back, &cp) > back ? at - back : at;
	}
	return at;
}
