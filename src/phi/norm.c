/* norm.c - a copy of the text that is easy to match, with a map back.
 *
 * What is done, each step a case of one pass over the bytes:
 *   controls, NUL, CR, no-break and other blanks   -> a blank
 *   soft hyphen, zero-width characters, bidi marks -> nothing
 *   smart quotes, dashes, bullets                  -> ' " - *
 *   letters with marks, full-width and other compatibility forms (NFKD, marks
 *   dropped), and Latin letters that do not decompose (o-slash, sharp s) -> ASCII
 *   HTML entities (&amp; &#39; &nbsp; ...)         -> what they stand for
 *   = at the end of a line (quoted-printable)      -> nothing, and the break with it
 *   %XX of a printable byte outside of an address  -> that byte
 *   Greek and Cyrillic letters                     -> Latin ones by sound
 *   other letters stay UTF-8; other symbols become one 0x1f; an invalid byte
 *   becomes one 0x1f as well.
 *
 * map[i] is the offset, in the original, of the character that normalised byte
 * i came from, map[tn] the end. A span [a, b) goes back to [map[a], end of the
 * character of b-1), so findings are whole characters of the original. When
 * nothing had to be changed `identity` is set and map is not filled.
 */
#include "engine.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <stdlib.h>

/* 0: copy as it is; 1: look closer; 2: a blank. */
static const uint8_t *
actions(void)
{
	static const uint8_t a[256] = {
		[0] = 2, [1] = 2, [2] = 2, [3] = 2, [4] = 2, [5] = 2, [6] = 2, [7] = 2, [8] = 2, [11] = 2, [12] = 2,
		[13] = 2, [14] = 2, [15] = 2, [16] = 2, [17] = 2, [18] = 2, [19] = 2, [20] = 2, [21] = 2, [22] = 2,
		[23] = 2, [24] = 2, [25] = 2, [26] = 2, [27] = 2, [28] = 2, [29] = 2, [30] = 2, [31] = 2, [127] = 2,
		['&'] = 1, ['='] = 1, ['%'] = 1, [0x80 ... 0xff] = 1,
	};
	return a;
}

/* Bytes of the character at p, its code point; 1 and -1 when invalid. */
static unsigned
decode(const unsigned char *p, size_t n, int32_t *cp)
{
	unsigned c = p[0], need = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
	*cp = -1;
	if (c > 0xf4 || need == 0 || need > n)
		return 1;
	uint32_t v = need == 4 ? c & 7 : need == 3 ? c & 15 : c & 31;
	for (unsigned i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | (p[i] & 0x3f);
	}
	if ((need == 3 && v < 0x800) || (need == 4 && v < 0x10000) || (v >= 0xd800 && v < 0xe000) || v > 0x10ffff)
		return 1;
	*cp = (int32_t)v;
	return need;
}

static unsigned
encode(int32_t cp, char *out)
{
	uint32_t c = (uint32_t)cp;
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800)
		return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
		       out[2] = (char)(0x80 | (c & 63)), 3;
	return out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)),
	       out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4;
}

/* Greek and Cyrillic letters by sound: case and shape survive, and look-alikes
 * of Latin letters in a name become what they look like. */
static const char *
translit(int32_t cp, bool *up)
{
	static const char greek[][3] = { "a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o", "p", "r", "s", "s",
		"t", "y", "f", "ch", "ps", "o", "i", "y" };
	static const char cyrillic[][5] = { "a", "b", "v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s",
		"t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya" };
	*up = false;
	if (cp >= 0x391 && cp <= 0x3ab)
		return *up = true, greek[cp - 0x391];
	if (cp >= 0x3b1 && cp <= 0x3cb)
		return greek[cp - 0x3b1];
	if (cp >= 0x410 && cp <= 0x42f)
		return *up = true, cyrillic[cp - 0x410];
	if (cp >= 0x430 && cp <= 0x44f)
		return cyrillic[cp - 0x430];
	if (cp >= 0x400 && cp <= 0x40f)
		return *up = true, "ye";
	if (cp >= 0x450 && cp <= 0x45f)
		return "ye";
	if (cp == 0x2206)
		return *up = true, "d";
	return NULL;
}

/* What a code point above 0x7f becomes: bytes in out, how many. */
static unsigned
fold(int32_t cp, char *out)
{
	static const struct { int32_t from, to; const char *as; } table[] = {
		{ 0x00a0, 0x00a0, " " }, { 0x00ad, 0x00ad, "" }, { 0x00c6, 0x00c6, "AE" }, { 0x00d0, 0x00d0, "D" },
		{ 0x00d8, 0x00d8, "O" }, { 0x00de, 0x00de, "Th" }, { 0x00df, 0x00df, "ss" }, { 0x00e6, 0x00e6, "ae" },
		{ 0x00f0, 0x00f0, "d" }, { 0x00f8, 0x00f8, "o" }, { 0x00fe, 0x00fe, "th" }, { 0x0110, 0x0110, "D" },
		{ 0x0111, 0x0111, "d" }, { 0x0131, 0x0131, "i" }, { 0x0141, 0x0141, "L" }, { 0x0142, 0x0142, "l" },
		{ 0x0152, 0x0152, "OE" }, { 0x0153, 0x0153, "oe" }, { 0x02bc, 0x02bc, "'" },
		{ 0x0300, 0x036f, "" }, { 0x061c, 0x061c, "" }, { 0x180e, 0x180e, "" },
		{ 0x1680, 0x1680, " " }, { 0x2000, 0x200a, " " }, { 0x200b, 0x200f, "" }, { 0x2010, 0x2015, "-" },
		{ 0x2018, 0x201b, "'" }, { 0x201c, 0x201f, "\"" }, { 0x2022, 0x2023, "*" }, { 0x2026, 0x2026, "." },
		{ 0x2028, 0x2029, "\n" }, { 0x202a, 0x202e, "" }, { 0x202f, 0x202f, " " }, { 0x2032, 0x2032, "'" },
		{ 0x2033, 0x2033, "\"" }, { 0x205f, 0x205f, " " }, { 0x2060, 0x2064, "" }, { 0x2066, 0x2069, "" },
		{ 0x2116, 0x2116, "#" }, { 0x2212, 0x2212, "-" }, { 0x3000, 0x3000, " " }, { 0xfe00, 0xfe0f, "" },
		{ 0xfeff, 0xfeff, "" },
	};
	size_t lo = 0, hi = COUNTOF(table);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (cp > table[mid].to)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < COUNTOF(table) && cp >= table[lo].from) {
		size_t n = strlen(table[lo].as);
		memcpy(out, table[lo].as, n);
		return (unsigned)n;
	}
	bool up;
	const char *z = translit(cp, &up);
	if (z) {
		size_t n = strlen(z);
		memcpy(out, z, n);
		if (up && n)
			out[0] = (char)(out[0] - 32);
		return (unsigned)n;
	}
	/* Scripts without compatibility forms, the bulk of the rest: as they are. */
	if (cp >= 0x4e00 && cp < 0xd7a4)
		return encode(cp, out);
	UErrorCode e = U_ZERO_ERROR;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&e);
	UChar u[24];
	int32_t n = U_SUCCESS(e) ? unorm2_getDecomposition(nfkd, cp, u, 24, &e) : -1;
	if (U_FAILURE(e) || n <= 0 || n > 18) {
		if (u_isalpha(cp))
			return encode(cp, out);
		if (u_isdigit(cp))
			return out[0] = (char)('0' + u_charDigitValue(cp)), 1;
		int8_t t = u_charType(cp);
		if (t == U_NON_SPACING_MARK || t == U_ENCLOSING_MARK || t == U_FORMAT_CHAR)
			return 0;
		return out[0] = 0x1f, 1;
	}
	unsigned k = 0;
	for (int32_t i = 0; i < n && k < 18;) {
		UChar32 c;
		U16_NEXT(u, i, n, c);
		int8_t t = u_charType(c);
		if (t == U_NON_SPACING_MARK || t == U_ENCLOSING_MARK)
			continue;
		if (c < 0x20)
			c = ' ';
		if (c == 0x2044)
			c = '/';
		bool greek_up;
		const char *as = translit(c, &greek_up);
		if (as) {
			size_t m = strlen(as);
			memcpy(out + k, as, m);
			if (greek_up && m)
				out[k] = (char)(out[k] - 32);
			k += (unsigned)m;
			continue;
		}
		if (c >= 0x80 && !u_isalpha(c))
			c = u_isdigit(c) ? '0' + u_charDigitValue(c) : 0x1f;
		k += encode(c, out + k);
	}
	return k;
}

static int
hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The entity at p (an '&'): bytes it takes, 0 when it is none; *cp. */
static unsigned
entity(const unsigned char *p, size_t n, int32_t *cp)
{
	static const struct { const char *name; int32_t cp; } names[] = {
		{ "amp;", '&' }, { "lt;", '<' }, { "gt;", '>' }, { "quot;", '"' }, { "apos;", '\'' },
		{ "nbsp;", 0xa0 }, { "ndash;", '-' }, { "mdash;", '-' }, { "rsquo;", '\'' }, { "lsquo;", '\'' },
		{ "shy;", 0xad }, { "commat;", '@' }, { "sol;", '/' }, { "colon;", ':' }, { "eacute;", 'e' },
		{ "period;", '.' }, { "hyphen;", '-' }, { "zwnj;", 0x200c }, { "zwj;", 0x200d }, { "ntilde;", 'n' },
	};
	if (n > 3 && p[1] == '#') {
		bool is_hex = (p[2] | 0x20) == 'x';
		int32_t v = 0;
		size_t i = is_hex ? 3 : 2, from = i;
		for (; i < n && i < from + 7; i++) {
			int d = is_hex ? hex(p[i]) : is_digit(p[i]) ? p[i] - '0' : -1;
			if (d < 0)
				break;
			v = v * (is_hex ? 16 : 10) + d;
		}
		if (i == from || i >= n || p[i] != ';' || v <= 0 || v > 0x10ffff)
			return 0;
		*cp = v;
		return (unsigned)i + 1;
	}
	for (size_t i = 0; i < COUNTOF(names); i++) {
		size_t k = strlen(names[i].name);
		if (k < n && !memcmp(p + 1, names[i].name, k)) {
			*cp = names[i].cp;
			return (unsigned)k + 1;
		}
	}
	return 0;
}

/* Does the byte at p, one that may, begin something that is not copied as it is? */
static bool
closer(const unsigned char *p, size_t n)
{
	int32_t cp;
	return p[0] >= 0x80 || (p[0] == '&' && entity(p, n, &cp)) || (p[0] == '=' && n > 1 && (p[1] == '\n' || p[1] == '\r')) ||
	    (p[0] == '%' && n > 2 && hex(p[1]) >= 2 && hex(p[2]) >= 0);
}

/* Bytes of a quoted-printable soft line break at p, an '='; 1 when it is none. */
static unsigned
soft_break(const unsigned char *p, size_t n)
{
	return n > 1 && p[1] == '\n' ? 2 : n > 2 && p[1] == '\r' && p[2] == '\n' ? 3 : 1;
}

static bool
room(struct scan *s, size_t need)
{
	if (need + PAD <= s->tcap)
		return true;
	size_t cap = (need + PAD) * 3 / 2;
	char *t = realloc(s->t, cap);
	if (!t)
		return false;
	s->t = t;
	uint32_t *map = realloc(s->map, cap * sizeof *map);
	if (!map)
		return false;
	s->map = map;
	s->tcap = cap;
	return true;
}

/* Copies 16 bytes, blanks for controls; false when one of them must be looked
 * at closer. Signed compares: bytes above 0x7f are below all others. */
typedef signed char bytes16 __attribute__((vector_size(16)));
typedef unsigned long long words2 __attribute__((vector_size(16)));

static inline bool
copy16(char *to, const unsigned char *from)
{
	bytes16 v, blank = { 0 };
	blank += ' ';
	memcpy(&v, from, 16);
	bytes16 control = ((v < ' ') & (v != '\n') & (v != '\t')) | (v == 0x7f);
	words2 odd = (words2)((v < 0) | (v == '&') | (v == '=') | (v == '%'));
	v = (v & ~control) | (blank & control);
	memcpy(to, &v, 16);
	return !(odd[0] | odd[1]);
}

bool
phi_normalise(struct scan *s, const char *p, size_t n)
{
	const uint8_t *act = actions();
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 0, k = 0;

	if (!room(s, n))
		return false;
	char *t = s->t;
	/* As long as it is plain: copy, blanks for controls. */
	while (i < n) {
		if (n - i >= 16 && copy16(t + i, u + i)) {
			i += 16;
			continue;
		}
		size_t stop = n - i > 16 ? i + 16 : n;
		for (; i < stop; i++) {
			uint8_t a = act[u[i]];
			if (a == 1 && closer(u + i, n - i))
				goto plain_ends;
			t[i] = a == 2 ? ' ' : p[i];
		}
	}
plain_ends:
	k = i;
	s->identity = i == n;
	if (!s->identity) {
		bool in_url = false;
		size_t seen = i, stop = 0;              /* in_url is of byte `seen` */
		for (size_t j = 0; j < i; j++)
			s->map[j] = (uint32_t)j;
		for (size_t j = i; j > 0 && u[j - 1] > ' '; j--)
			if (u[j - 1] == '/' && j > 1 && u[j - 2] == '/')
				in_url = true;
		while (i < n) {
			if (i >= stop) {
				if (n - i >= 16 && copy16(t + k, u + i)) {
					for (unsigned j = 0; j < 16; j++)
						s->map[k + j] = (uint32_t)(i + j);
					i += 16, k += 16;
					continue;
				}
				stop = i + 16;
			}
			char out[64];
			unsigned took = 1, put = 1;
			int32_t cp = -1;
			out[0] = act[u[i]] == 2 ? ' ' : (char)u[i];
			if (u[i] >= 0x80) {
				took = decode(u + i, n - i, &cp);
				put = cp < 0 ? (out[0] = 0x1f, 1) : fold(cp, out);
			} else if (u[i] == '&') {
				unsigned e = entity(u + i, n - i, &cp);
				if (e) {
					took = e;
					put = cp >= 0x80 ? fold(cp, out) : (out[0] = (char)(cp < 32 ? ' ' : cp), 1);
				}
			} else if (u[i] == '=') {
				took = soft_break(u + i, n - i);
				put = took == 1;
			} else if (u[i] == '%') {
				int a = i + 2 < n ? hex(u[i + 1]) : -1, b = i + 2 < n ? hex(u[i + 2]) : -1;
				int v = a * 16 + b;
				if (a >= 2 && b >= 0 && v < 0x7f && i > 0 && is_alnum_(u[i - 1])) {
					for (; seen < i; seen++)
						if (u[seen] == '=')
							seen += soft_break(u + seen, n - seen) - 1;
						else if (u[seen] <= ' ' || u[seen] == 127)
							in_url = false;
						else if (u[seen] == '/' && seen > 0 && u[seen - 1] == '/')
							in_url = true;
					if (!in_url)
						took = 3, out[0] = (char)v;
				}
			}
			if (put > took && !room(s, k + put + (n - i)))
				return false;
			t = s->t;
			for (unsigned j = 0; j < put; j++) {
				t[k] = out[j];
				s->map[k++] = (uint32_t)i;
			}
			i += took;
		}
		s->map[k] = (uint32_t)n;
	}
	memset(t + k, 0, PAD);
	s->tn = k;
	return true;
}
