/* enc.c - random bytes, and bytes as text: hex, base64, percent. */
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/base.h"

void
rand_bytes(void *p, size_t n)
{
	char *at = p;
	ssize_t got;

	while (n > 0) {
		got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_line(LOG_LV_ERROR, "base", "no random bytes, ending");
			_exit(70);
		}
		at += got;
		n -= (size_t)got;
	}
}

uint64_t
rand_u64(void)
{
	uint64_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

str
hex_of(struct arena *a, str bytes)
{
	static const char digit[] = "0123456789abcdef";
	char *p = arena_alloc(a, 2, bytes.n + 1, 1);

	for (size_t i = 0; i < bytes.n; i++) {
		p[2 * i] = digit[(unsigned char)bytes.p[i] >> 4];
		p[2 * i + 1] = digit[(unsigned char)bytes.p[i] & 15];
	}
	return (str){ p, 2 * bytes.n };
}

enum { NO_DIGIT = 0xFF };

static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return NO_DIGIT;
}

bool
hex_to(str hex, unsigned char *out, size_t n)
{
	if (hex.n % 2 != 0 || hex.n / 2 != n)
		return false;
	for (size_t i = 0; i < hex.n; i++)
		if (hex_digit(hex.p[i]) == NO_DIGIT)
			return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(hex_digit(hex.p[2 * i]) << 4 | hex_digit(hex.p[2 * i + 1]));
	return true;
}

static str
base64(struct arena *a, str bytes, const char *alphabet, bool pad)
{
	const unsigned char *s = (const unsigned char *)bytes.p;
	char *p = arena_alloc(a, 4, bytes.n / 3 + 2, 1);
	size_t n = 0, i;
	uint32_t v;

	for (i = 0; i + 3 <= bytes.n; i += 3) {
		v = (uint32_t)s[i] << 16 | (uint32_t)s[i + 1] << 8 | s[i + 2];
		p[n++] = alphabet[v >> 18];
		p[n++] = alphabet[v >> 12 & 63];
		p[n++] = alphabet[v >> 6 & 63];
		p[n++] = alphabet[v & 63];
	}
	if (i < bytes.n) {
		v = (uint32_t)s[i] << 16 | (i + 1 < bytes.n ? (uint32_t)s[i + 1] << 8 : 0);
		p[n++] = alphabet[v >> 18];
		p[n++] = alphabet[v >> 12 & 63];
		if (i + 1 < bytes.n)
			p[n++] = alphabet[v >> 6 & 63];
		while (pad && n % 4 != 0)
			p[n++] = '=';
	}
	return (str){ p, n };
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

str
base64_of(struct arena *a, str bytes)
{
	return base64(a, bytes, LETTERS "+/", true);
}

str
base64url_of(struct arena *a, str bytes)
{
	return base64(a, bytes, LETTERS "-_", false);
}

static unsigned
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0' + 52);
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : NO_DIGIT;
}

/* A value has one text per alphabet: padding is whole or absent, left-over
 * bits are zero, the alphabets are not mixed. */
bool
base64_to(struct arena *a, str text, str *out)
{
	size_t n = text.n, o = 0;
	bool plain = false, url = false;
	uint32_t v = 0;
	char *p;

	if (n > 0 && n % 4 == 0 && text.p[n - 1] == '=')
		n -= text.p[n - 2] == '=' ? 2 : 1;
	if (n % 4 == 1)
		return false;
	p = arena_alloc(a, 1, n / 4 * 3 + 4, 1);
	for (size_t i = 0; i < n; i++) {
		uint32_t d = base64_digit(text.p[i]);

		if (d == NO_DIGIT)
			return false;
		plain |= text.p[i] == '+' || text.p[i] == '/';
		url |= text.p[i] == '-' || text.p[i] == '_';
		v = v << 6 | d;
		if (i % 4 == 3) {
			p[o++] = (char)(v >> 16);
			p[o++] = (char)(v >> 8);
			p[o++] = (char)v;
			v = 0;
		}
	}
	if (plain && url)
		return false;
	if (n % 4 == 2) {
		if (v & 0xF)
			return false;
		p[o++] = (char)(v >> 4);
	} else if (n % 4 == 3) {
		if (v & 0x3)
			return false;
		p[o++] = (char)(v >> 10);
		p[o++] = (char)(v >> 2);
	}
	*out = (str){ p, o };
	return true;
}

bool
percent_to(struct arena *a, str text, bool plus_is_space, str *out)
{
	char *p = arena_alloc(a, 1, text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%') {
			if (text.n - i < 3 || hex_digit(text.p[i + 1]) == NO_DIGIT ||
			    hex_digit(text.p[i + 2]) == NO_DIGIT)
				return false;
			c = (char)(hex_digit(text.p[i + 1]) << 4 | hex_digit(text.p[i + 2]));
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		p[n++] = c;
	}
	*out = (str){ p, n };
	return true;
}

void
buf_html(struct buf *b, str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *as = s.p[i] == '&' ? "&amp;" : s.p[i] == '<' ? "&lt;" : s.p[i] == '>' ? "&gt;" : s.p[i] == '"' ? "&quot;" :
		    s.p[i] == '\'' ? "&#39;" : s.p[i] == 0 ? " " : NULL;
		if (as == NULL)
			continue;
		buf_add(b, str_sub(s, from, i - from));
		buf_add(b, str_of(as));
		from = i + 1;
	}
	buf_add(b, str_sub(s, from, s.n - from));
}

void
buf_percent(struct buf *b, str s)
{
	static const char digit[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], *p;

		/* RFC 3986 2.3 */
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~') {
			buf_byte(b, c);
		} else if ((p = buf_room(b, 3)) != NULL) {
			p[0] = '%';
			p[1] = digit[(unsigned char)c >> 4];
			p[2] = digit[(unsigned char)c & 15];
		}
	}
}
