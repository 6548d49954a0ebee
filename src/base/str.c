/* str.c - views of bytes. */
#include "base/base.h"

static inline unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

str
str_of(const char *z)
{
	return z != NULL ? (str){ z, strlen(z) } : S("");
}

bool
str_eq(str a, str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_eqi(str a, str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return false;
	return true;
}

int
str_cmp(str a, str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

bool
str_starts(str s, str prefix)
{
	return s.n >= prefix.n && str_eq((str){ s.p, prefix.n }, prefix);
}

bool
str_ends(str s, str suffix)
{
	return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

str
str_trim(str s)
{
	while (s.n > 0 && ((unsigned char)s.p[0] <= ' ' || s.p[0] == 0x7f))
		s.p++, s.n--;
	while (s.n > 0 && ((unsigned char)s.p[s.n - 1] <= ' ' || s.p[s.n - 1] == 0x7f))
		s.n--;
	return s;
}

str
str_cut(str *rest, char sep)
{
	str head = *rest;
	const char *at = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;

	if (at == NULL) {
		*rest = str_sub(head, head.n, 0);
		return head;
	}
	head.n = (size_t)(at - head.p);
	*rest = (str){ at + 1, rest->n - head.n - 1 };
	return head;
}

str
str_sub(str s, size_t at, size_t n)
{
	if (s.p == NULL)
		return S("");
	if (at > s.n)
		at = s.n;
	if (n > s.n - at)
		n = s.n - at;
	return (str){ s.p + at, n };
}

size_t
str_find(str s, str needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return SIZE_MAX;
	at = memmem(s.p, s.n, needle.p, needle.n);
	return at != NULL ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t
str_findi(str s, str needle)
{
	if (needle.n == 0)
		return 0;
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (fold(s.p[i]) == fold(needle.p[0]) && str_eqi(str_sub(s, i, needle.n), needle))
			return i;
	return SIZE_MAX;
}

bool
str_int(str s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	int64_t v = 0;

	if (s.n == (size_t)minus)
		return false;
	/* Counted downwards, because the negative range is the longer one. */
	for (size_t i = minus; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.p[i] - '0', &v))
			return false;
	}
	if (!minus && __builtin_sub_overflow((int64_t)0, v, &v))
		return false;
	*out = v;
	return true;
}
