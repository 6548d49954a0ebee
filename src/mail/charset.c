/* charset.c - UTF-8 out of whatever a message says it is written in.
 *
 * What is declared is often wrong, so the bytes are asked first where they can
 * tell:
 *
 *   nothing, or US-ASCII    UTF-8 if valid as such, else windows-1252
 *   UTF-8                   where invalid, byte by byte as windows-1252
 *   ISO-8859-1, windows-1252  UTF-8 if it is valid and not pure ASCII: no text
 *                           a person wrote in Latin-1 is, but mislabelled mail
 *   UTF-16, UTF-32          as 8 bits when there is no NUL in it and it is UTF-8
 *   one of the table        iconv; what it refuses becomes U+FFFD, byte by byte
 *   anything else           as if nothing were declared, with a problem noted
 *
 * Some names mean more than they say: ISO-8859-1 is read as windows-1252, and
 * GB 2312, Shift_JIS and KS C 5601 as their supersets, as browsers do (WHATWG
 * Encoding). UTF-7 is not in the table: it smuggles markup past filters.
 *
 * iconv loads a module from the file system when a charset is first asked for
 * and drops it some closes later. In the sandbox there are no files, so
 * charset_warm() opens every row beforehand and the descriptors stay open for
 * the life of the process; that also keeps the modules for gmime, which opens
 * its own by the same names. Descriptors have state: one thread only.
 */
#include <errno.h>
#include <iconv.h>

#include "mail/mime.h"

enum { STEP = 4096 };

enum how { AS_UTF8, AS_ASCII, AS_LATIN, AS_WIDE, AS_ICONV };

static struct charset {
	const char *name;          /* known to iconv and gmime */
	enum how    how;
	iconv_t     cd;            /* to UTF-8; NULL until opened, and when it cannot be */
} charsets[] = {
	{ "utf-8",        AS_UTF8,  NULL }, { "us-ascii",     AS_ASCII, NULL },
	{ "windows-1252", AS_LATIN, NULL },
	{ "utf-16",       AS_WIDE,  NULL }, { "utf-16le",     AS_WIDE,  NULL }, { "utf-16be",     AS_WIDE,  NULL },
	{ "utf-32",       AS_WIDE,  NULL }, { "utf-32le",     AS_WIDE,  NULL }, { "utf-32be",     AS_WIDE,  NULL },
	{ "iso-8859-2",   AS_ICONV, NULL }, { "iso-8859-3",   AS_ICONV, NULL }, { "iso-8859-4",   AS_ICONV, NULL },
	{ "iso-8859-5",   AS_ICONV, NULL }, { "iso-8859-6",   AS_ICONV, NULL }, { "iso-8859-7",   AS_ICONV, NULL },
	{ "iso-8859-8",   AS_ICONV, NULL }, { "iso-8859-10",  AS_ICONV, NULL }, { "iso-8859-13",  AS_ICONV, NULL },
	{ "iso-8859-14",  AS_ICONV, NULL }, { "iso-8859-15",  AS_ICONV, NULL }, { "iso-8859-16",  AS_ICONV, NULL },
	{ "windows-1250", AS_ICONV, NULL }, { "windows-1251", AS_ICONV, NULL }, { "windows-1253", AS_ICONV, NULL },
	{ "windows-1254", AS_ICONV, NULL }, { "windows-1255", AS_ICONV, NULL }, { "windows-1256", AS_ICONV, NULL },
	{ "windows-1257", AS_ICONV, NULL }, { "windows-1258", AS_ICONV, NULL },
	{ "koi8-r",       AS_ICONV, NULL }, { "koi8-u",       AS_ICONV, NULL }, { "ibm866",       AS_ICONV, NULL },
	{ "ibm437",       AS_ICONV, NULL }, { "ibm850",       AS_ICONV, NULL }, { "ibm852",       AS_ICONV, NULL },
	{ "macintosh",    AS_ICONV, NULL }, { "tis-620",      AS_ICONV, NULL },
	{ "cp932",        AS_ICONV, NULL }, { "euc-jp",       AS_ICONV, NULL }, { "iso-2022-jp",  AS_ICONV, NULL },
	{ "uhc",          AS_ICONV, NULL }, { "iso-2022-kr",  AS_ICONV, NULL },
	{ "gb18030",      AS_ICONV, NULL }, { "big5-hkscs",   AS_ICONV, NULL }, { "euc-tw",       AS_ICONV, NULL },
};

/* Other names, as letters and digits only. */
static const struct { const char *alias, *name; } aliases[] = {
	{ "utf8mb4", "utf-8" }, { "unicode11utf8", "utf-8" }, { "xutf8", "utf-8" },
	{ "ascii", "us-ascii" }, { "ansix341968", "us-ascii" }, { "iso646us", "us-ascii" }, { "646", "us-ascii" },
	{ "iso88591", "windows-1252" }, { "latin1", "windows-1252" }, { "isolatin1", "windows-1252" },
	{ "l1", "windows-1252" }, { "cp1252", "windows-1252" }, { "xansi", "windows-1252" }, { "ansi", "windows-1252" },
	{ "iso885911987", "windows-1252" }, { "ibm819", "windows-1252" }, { "cp819", "windows-1252" },
	{ "ucs2", "utf-16" }, { "iso10646ucs2", "utf-16" }, { "unicode", "utf-16" },
	{ "ucs4", "utf-32" }, { "iso10646ucs4", "utf-32" },
	{ "latin2", "iso-8859-2" }, { "isolatin2", "iso-8859-2" }, { "l2", "iso-8859-2" },
	{ "latin3", "iso-8859-3" }, { "latin4", "iso-8859-4" },
	{ "cyrillic", "iso-8859-5" }, { "arabic", "iso-8859-6" }, { "greek", "iso-8859-7" },
	{ "iso88598i", "iso-8859-8" }, { "iso88598e", "iso-8859-8" }, { "hebrew", "iso-8859-8" },
	{ "iso88599", "windows-1254" }, { "latin5", "windows-1254" }, { "latin9", "iso-8859-15" },
	{ "cp1250", "windows-1250" }, { "cp1251", "windows-1251" }, { "cp1253", "windows-1253" },
	{ "cp1254", "windows-1254" }, { "cp1255", "windows-1255" }, { "cp1256", "windows-1256" },
	{ "cp1257", "windows-1257" }, { "cp1258", "windows-1258" },
	{ "koi8", "koi8-r" }, { "cskoi8r", "koi8-r" }, { "koi8ru", "koi8-u" },
	{ "cp866", "ibm866" }, { "866", "ibm866" }, { "cp437", "ibm437" }, { "437", "ibm437" },
	{ "cp850", "ibm850" }, { "850", "ibm850" }, { "cp852", "ibm852" }, { "852", "ibm852" },
	{ "mac", "macintosh" }, { "macroman", "macintosh" }, { "xmacroman", "macintosh" },
	{ "iso885911", "tis-620" }, { "windows874", "tis-620" }, { "cp874", "tis-620" },
	{ "shiftjis", "cp932" }, { "sjis", "cp932" }, { "xsjis", "cp932" }, { "mskanji", "cp932" },
	{ "windows31j", "cp932" }, { "csshiftjis", "cp932" }, { "windows932", "cp932" },
	{ "xeucjp", "euc-jp" }, { "ujis", "euc-jp" }, { "csiso2022jp", "iso-2022-jp" },
	{ "euckr", "uhc" }, { "ksc5601", "uhc" }, { "ksc56011987", "uhc" }, { "ksc56011989", "uhc" },
	{ "korean", "uhc" }, { "windows949", "uhc" }, { "cp949", "uhc" }, { "ms949", "uhc" },
	{ "gb2312", "gb18030" }, { "gb231280", "gb18030" }, { "gbk", "gb18030" }, { "xgbk", "gb18030" },
	{ "cp936", "gb18030" }, { "euccn", "gb18030" }, { "chinese", "gb18030" }, { "windows936", "gb18030" },
	{ "big5", "big5-hkscs" }, { "xxbig5", "big5-hkscs" }, { "cnbig5", "big5-hkscs" }, { "cp950", "big5-hkscs" },
	{ "csbig5", "big5-hkscs" },
};

/* windows-1252 from 0x80; the five unassigned bytes stay C1 controls there,
 * which no reader of text keeps, so they become U+FFFD. */
static const uint16_t cp1252[32] = {
	0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD,
	0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
};

/* Letters and digits of `name`, lower case, up to a '*' (RFC 2231 language). */
static void
key_of(str name, char key[static 32])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && name.p[i] != '*'; i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
			continue;
		if (n == 31) {
			n = 0;
			break;
		}
		key[n++] = c;
	}
	key[n] = 0;
}

static struct charset *
find(str name)
{
	char key[32], other[32];

	key_of(name, key);
	if (key[0] == 0)
		return NULL;
	for (size_t i = 0; i < COUNT(aliases); i++) {
		if (strcmp(aliases[i].alias, key) == 0) {
			key_of(str_of(aliases[i].name), key);
			break;
		}
	}
	for (size_t i = 0; i < COUNT(charsets); i++) {
		key_of(str_of(charsets[i].name), other);
		if (strcmp(other, key) == 0)
			return &charsets[i];
	}
	return NULL;
}

static bool
ready(struct charset *c)
{
	iconv_t cd;

	if (c->cd == NULL) {
		cd = iconv_open("UTF-8", c->name);
		if ((uintptr_t)cd != UINTPTR_MAX)
			c->cd = cd;
	}
	return c->cd != NULL;
}

bool
charset_warm(void)
{
	bool all = true;

	for (size_t i = 0; i < COUNT(charsets); i++) {
		char in[] = "warm\0\0\0\0", out[64], *ip = in, *op = out;
		size_t in_n = 4, out_n = sizeof(out);

		if (!ready(&charsets[i])) {
			all = false;
			continue;
		}
		/* The first conversion binds what the module still has to. */
		(void)iconv(charsets[i].cd, &ip, &in_n, &op, &out_n);
		(void)iconv(charsets[i].cd, NULL, NULL, NULL, NULL);
	}
	return all;
}

const char *
charset_canon(str name)
{
	const struct charset *c = find(name);

	return c != NULL ? c->name : NULL;
}

static bool
is_ascii(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static void
put_1252(struct buf *b, unsigned char c)
{
	utf8_put(b, c >= 0x80 && c < 0xA0 ? cp1252[c - 0x80] : c);
}

/* Valid sequences stay, other bytes are read as windows-1252; with `latin`
 * all are. */
static str
mend(struct arena *a, str s, size_t max, bool latin)
{
	struct buf b;
	uint32_t cp;
	size_t n;

	buf_init(&b, a, max);
	for (size_t at = 0, run; at < s.n && !b.over; at += n) {
		for (run = at; run < s.n && (unsigned char)s.p[run] < 0x80; run++)
			;
		if (run > at) {
			n = run - at < max - b.n ? run - at : max - b.n;
			buf_add(&b, str_sub(s, at, n));
			if (n < run - at)
				break;
			continue;
		}
		n = utf8_next(s, at, &cp);
		if (n > 1 && !latin)
			buf_add(&b, str_sub(s, at, n));
		else
			put_1252(&b, (unsigned char)s.p[at]), n = 1;
	}
	return buf_str(&b);
}

/* Cut to max at a whole character. */
static str
cut(str s, size_t max)
{
	return s.n > max ? str_sub(s, 0, utf8_floor(s, max)) : s;
}

static str
convert(struct arena *a, struct charset *c, str s, size_t max, bool *wrong)
{
	size_t room = s.n < max / 3 ? s.n * 3 + 16 : max + 16, left = room;
	char *out = arena_alloc(a, 1, room, 1), *op = out, *ip;
	size_t in = s.n;
	bool grown = false;

	memcpy(&ip, &s.p, sizeof(ip));      /* iconv reads only, and does not say so */
	(void)iconv(c->cd, NULL, NULL, NULL, NULL);
	while (in > 0) {
		/* In short steps: an error costs a call, and a call may look at all it is given. */
		size_t step = in < STEP ? in : STEP, rest = in - step;
		size_t done = iconv(c->cd, &ip, &step, &op, &left);
		int why = errno;

		if (done != (size_t)-1 || (why == EINVAL && rest > 0 && step < STEP)) {
			in = rest + step;
			continue;
		}
		in = rest + step;
		if (why == E2BIG) {
			char *more;

			/* Three bytes out for one in is nearly always enough. */
			if (grown || room >= max + 16)
				break;
			grown = true;
			more = arena_alloc(a, 1, max + 16, 1);
			memcpy(more, out, (size_t)(op - out));
			left = max + 16 - (size_t)(op - out);
			op = more + (op - out);
			out = more;
			continue;
		}
		*wrong = true;
		if (left < 3)
			break;
		memcpy(op, "\xEF\xBF\xBD", 3);
		op += 3, left -= 3;
		ip++, in--;
		if (c->how == AS_WIDE && why == EINVAL)
			break;
	}
	/* windows-1255 and -1258 keep a letter back, an accent could follow. */
	(void)iconv(c->cd, NULL, NULL, &op, &left);
	return cut((str){ out, (size_t)(op - out) }, max);
}

/* UTF-16 or -32 without a byte order mark: where are the NULs of its blanks? */
static struct charset *
wide_order(struct charset *c, str s)
{
	bool wide4 = strcmp(c->name, "utf-32") == 0;
	size_t zero[4] = { 0 }, n = s.n < 4096 ? s.n : 4096;

	if (strcmp(c->name, "utf-16") != 0 && !wide4)
		return c;
	if (s.n >= 2 && (memcmp(s.p, "\xFF\xFE", 2) == 0 || memcmp(s.p, "\xFE\xFF", 2) == 0))
		return c;
	if (wide4 && s.n >= 4 && memcmp(s.p, "\0\0\xFE\xFF", 4) == 0)
		return c;
	for (size_t i = 0; i < n; i++)
		zero[i & 3] += s.p[i] == 0;
	if (wide4)
		return find(zero[0] > zero[3] ? S("utf-32be") : S("utf-32le"));
	return find(zero[0] + zero[2] > zero[1] + zero[3] ? S("utf-16be") : S("utf-16le"));
}

str
charset_guess(struct arena *a, str bytes)
{
	if (utf8_valid(bytes))
		return bytes;
	return mend(a, bytes, SIZE_MAX / 8, false);
}

str
charset_text(struct arena *a, str s, str name, size_t max, struct mail *m)
{
	struct charset *c = find(name);
	bool wrong = false;
	str out;

	if (name.n > 0 && c == NULL)
		mail_problem(m, PROBLEM_CHARSET_UNKNOWN);
	if (c != NULL && c->how >= AS_WIDE && !ready(c)) {
		mail_problem(m, PROBLEM_CHARSET_UNKNOWN);
		c = NULL;
	}
	if (c != NULL && c->how == AS_WIDE && (s.n == 0 || memchr(s.p, 0, s.n) == NULL) && utf8_valid(s)) {
		wrong = s.n > 0;
		c = NULL;
	}
	if (s.n >= 3 && memcmp(s.p, "\xEF\xBB\xBF", 3) == 0 && (c == NULL || c->how <= AS_LATIN))
		s = str_sub(s, 3, s.n);
	if (c != NULL && c->how >= AS_WIDE) {
		if (c->how == AS_WIDE && !ready(c = wide_order(c, s)))
			return S("");
		out = convert(a, c, s, max, &wrong);
		if (str_starts(out, S("\xEF\xBB\xBF")))
			out = str_sub(out, 3, out.n);
	} else if (utf8_valid(s)) {
		wrong = wrong || (c != NULL && (c->how == AS_ASCII || c->how == AS_LATIN) && !is_ascii(s));
		out = cut(s, max);
	} else if (c != NULL && c->how == AS_LATIN) {
		out = mend(a, s, max, true);
	} else {
		/* An undeclared text is windows-1252 as a whole, a UTF-8 one only where it is broken. */
		wrong = wrong || (c != NULL && c->how == AS_UTF8) || (c != NULL && c->how == AS_ASCII);
		out = mend(a, s, max, c == NULL || c->how != AS_UTF8);
	}
	if (wrong)
		mail_problem(m, PROBLEM_CHARSET_WRONG);
	return out;
}
