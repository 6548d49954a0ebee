/* mail.c - a message as the text that people read, for `phi --mbox`.
 *
 * This is no MIME engine (Ward's own is src/mail on GMime, which libphi does
 * not know); it does four things of RFC 2045 to 2047 and nothing else:
 *
 *   headers        encoded words (=?utf-8?B?...?=) become UTF-8
 *   text parts     quoted-printable and base64 are decoded, the character set
 *                  is turned into UTF-8, the part then says "8bit" and "utf-8"
 *   other parts    are left out and counted: what is not read is not passed on
 *   nesting        multipart by boundaries, 16 deep; deeper is left out
 *
 * A line of the decoded text that begins with "From " gets a ">" before it, so
 * that the mbox stays one.
 */
#include "command.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/ucnv.h>

enum encoding { AS_IS, QUOTED, BASE64 };
#define DEPTH 16

struct part { bool text, multipart, message; enum encoding encoding; char charset[40], type[60], boundary[80]; };

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
unquote(struct text *to, const char *p, size_t n, bool word)
{
	for (size_t i = 0; i < n; i++) {
		if (word && p[i] == '_')
			text_add(to, " ", 1);
		else if (p[i] == '=' && i + 2 < n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
			char c = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			text_add(to, &c, 1);
			i += 2;
		} else if (p[i] == '=' && !word && (i + 1 == n || p[i + 1] == '\n'))
			i++;
		else if (p[i] == '=' && !word && i + 2 < n && p[i + 1] == '\r' && p[i + 2] == '\n')
			i += 2;
		else
			text_add(to, p + i, 1);
	}
}

static void
unbase(struct text *to, const char *p, size_t n)
{
	unsigned v = 0, k = 0;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		int d = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 :
		    c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
		if (d < 0)
			continue;
		v = v << 6 | (unsigned)d;
		if (++k == 4) {
			char b[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
			text_add(to, b, 3);
			v = k = 0;
		}
	}
	char b[2] = { (char)(v >> (k == 3 ? 10 : 4)), (char)(v >> 2) };
	if (k > 1)
		text_add(to, b, k - 1);
}

/* Into UTF-8; what ICU does not know stays as it is. */
static void
convert(struct text *to, const char *p, size_t n, const char *charset)
{
	UErrorCode e = U_ZERO_ERROR;
	if (n && n < RECORD_MAX && *charset && strcasecmp(charset, "utf-8") && strcasecmp(charset, "us-ascii")) {
		int32_t want = ucnv_convert("UTF-8", charset, NULL, 0, p, (int32_t)n, &e);
		char *q = e == U_BUFFER_OVERFLOW_ERROR && want > 0 ? malloc((size_t)want + 1) : NULL;
		e = U_ZERO_ERROR;
		if (q && ucnv_convert("UTF-8", charset, q, want + 1, p, (int32_t)n, &e) == want && U_SUCCESS(e)) {
			text_add(to, q, (size_t)want);
			explicit_bzero(q, (size_t)want);
			free(q);
			return;
		}
		free(q);
	}
	text_add(to, p, n);
}

/* A header field with its encoded words decoded; blanks between two of them go (RFC 2047 6.2). */
static void
words(struct text *to, const char *p, size_t n)
{
	size_t from = 0;
	bool before = false;
	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i] != '=' || p[i + 1] != '?')
			continue;
		const char *end = p + n, *cs = p + i + 2, *q1 = memchr(cs, '?', (size_t)(end - cs)), *q2, *q3;
		if (!q1 || q1 + 2 >= end || q1[2] != '?')
			continue;
		q2 = q1 + 3;
		q3 = memmem(q2, (size_t)(end - q2), "?=", 2);
		char kind = q1[1], charset[40];
		if (!q3 || !strchr("bBqQ", kind) || memchr(q2, '\n', (size_t)(q3 - q2)) || q1 - cs >= (long)sizeof charset || q1 == cs)
			continue;
		snprintf(charset, sizeof charset, "%.*s", (int)(q1 - cs), cs);
		charset[strcspn(charset, "*")] = 0;
		bool blank = before;
		for (size_t k = from; k < i && blank; k++)
			blank = strchr(" \t\r\n", p[k]) && p[k];
		if (!blank)
			text_add(to, p + from, i - from);
		struct text raw = { 0 };
		if (kind == 'b' || kind == 'B')
			unbase(&raw, q2, (size_t)(q3 - q2));
		else
			unquote(&raw, q2, (size_t)(q3 - q2), true);
		size_t was = to->n;
		if (raw.n)
			convert(to, raw.p, raw.n, charset);
		/* No line of its own making. */
		for (size_t k = was; k < to->n; k++)
			if (to->p[k] == '\n' || to->p[k] == '\r')
				to->p[k] = ' ';
		text_free(&raw);
		from = (size_t)(q3 - p) + 2;
		i = from - 1;
		before = true;
	}
	text_add(to, p + from, n - from);
}

/* The value of a parameter: name=value or name="value". */
static void
parameter(const char *p, size_t n, const char *name, char *to, size_t max)
{
	size_t k = strlen(name);
	for (size_t i = 0; i + k + 1 < n; i++) {
		if (strncasecmp(p + i, name, k) || p[i + k] != '=' || (i && !strchr("; \t\r\n", p[i - 1])))
			continue;
		const char *v = p + i + k + 1, *end = p + n;
		bool quoted = *v == '"';
		size_t m = 0;
		for (v += quoted; v < end && m + 1 < max; v++) {
			if (quoted ? *v == '"' : strchr("; \t\r\n", *v) != NULL)
				break;
			to[m++] = *v;
		}
		to[m] = 0;
		return;
	}
}

/* The header block at p; returns what is behind it and fills the part. */
static size_t
headers(struct text *to, const char *p, size_t n, struct part *h)
{
	size_t at = 0;
	char encoding[30] = "";
	*h = (struct part){ .text = true };
	snprintf(h->type, sizeof h->type, "text/plain");
	struct text keep = { 0 };
	bool typed = false;
	text_add(&keep, "", 0);
	while (at < n) {
		size_t end = at;
		do {
			const char *nl = memchr(p + end, '\n', n - end);
			end = nl ? (size_t)(nl - p) + 1 : n;
		} while (end < n && (p[end] == ' ' || p[end] == '\t') && p[at] != '\n' && p[at] != '\r');
		const char *f = p + at;
		size_t m = end - at;
		at = end;
		if (m == 1 || (m == 2 && f[0] == '\r')) {
			break;
		} else if (m > 13 && !strncasecmp(f, "Content-Type:", 13)) {
			size_t i = 13, k = 0;
			while (i < m && strchr(" \t\r\n", f[i]))
				i++;
			for (; i < m && !strchr("; \t\r\n", f[i]) && k + 1 < sizeof h->type; i++)
				h->type[k++] = (char)(f[i] >= 'A' && f[i] <= 'Z' ? f[i] | 32 : f[i]);
			h->type[k] = 0;
			h->text = !strncmp(h->type, "text/", 5);
			h->multipart = !strncmp(h->type, "multipart/", 10);
			h->message = !strcmp(h->type, "message/rfc822");
			parameter(f, m, "charset", h->charset, sizeof h->charset);
			parameter(f, m, "boundary", h->boundary, sizeof h->boundary);
			typed = true;
			if (!h->text)
				words(&keep, f, m);
		} else if (m > 26 && !strncasecmp(f, "Content-Transfer-Encoding:", 26)) {
			size_t i = 26, k = 0;
			while (i < m && strchr(" \t", f[i]))
				i++;
			for (; i < m && !strchr("; \t\r\n", f[i]) && k + 1 < sizeof encoding; i++)
				encoding[k++] = f[i];
			encoding[k] = 0;
		} else
			words(&keep, f, m);
	}
	h->encoding = !strcasecmp(encoding, "quoted-printable") ? QUOTED : !strcasecmp(encoding, "base64") ? BASE64 : AS_IS;
	text_add(to, keep.p, keep.n);
	text_free(&keep);
	if (typed && h->text) {
		text_z(to, "Content-Type: ");
		text_z(to, h->type);
		text_z(to, "; charset=utf-8\n");
	}
	if (*encoding)
		text_z(to, "Content-Transfer-Encoding: 8bit\n");
	text_z(to, "\n");
	return at;
}

static void
body(struct text *to, const char *p, size_t n, const struct part *h, unsigned *left_out)
{
	if (!h->text && !h->multipart) {
		if (n) {
			++*left_out;
			text_z(to, "[part left out]\n");
		}
		return;
	}
	struct text raw = { 0 }, out = { 0 };
	text_add(&raw, "", 0);
	text_add(&out, "", 0);
	if (h->encoding == QUOTED)
		unquote(&raw, p, n, false);
	else if (h->encoding == BASE64)
		unbase(&raw, p, n);
	else
		text_add(&raw, p, n);
	convert(&out, raw.p, raw.n, h->charset);
	for (size_t i = 0, from = 0; i <= out.n; i++)
		if (i == out.n || out.p[i] == '\n') {
			size_t end = i < out.n ? i + 1 : i;
			if (end - from >= 5 && !memcmp(out.p + from, "From ", 5))
				text_z(to, ">");
			text_add(to, out.p + from, end - from);
			from = end;
		}
	if (n && (out.n == 0 || out.p[out.n - 1] != '\n'))
		text_z(to, "\n");
	text_free(&raw);
	text_free(&out);
}

void
mail_text(struct text *to, const char *p, size_t n, unsigned *left_out)
{
	char boundary[DEPTH][80];
	unsigned depth = 0;
	struct part h = { .text = true };
	size_t at = 0, from;
	if (n >= 5 && !memcmp(p, "From ", 5)) {
		const char *nl = memchr(p, '\n', n);
		at = nl ? (size_t)(nl - p) + 1 : n;
		text_add(to, p, at);
	}
	bool head = true;
	while (at < n || head) {
		if (head) {
			at += headers(to, p + at, n - at, &h);
			head = false;
			if (h.multipart && *h.boundary) {
				if (depth == DEPTH)
					h.multipart = false;
				else
					memcpy(boundary[depth++], h.boundary, sizeof h.boundary);
			} else
				h.multipart = false;
			if (h.message && depth < DEPTH) {
				head = at < n;
				continue;
			}
		}
		/* The body goes to a line that is a boundary of those open. */
		from = at;
		unsigned hit = 0;
		bool last = false;
		size_t line = at;
		while (line < n && !hit) {
			const char *nl = memchr(p + line, '\n', n - line);
			size_t end = nl ? (size_t)(nl - p) + 1 : n, m = end - line;
			while (m && strchr(" \t\r\n", p[line + m - 1]))
				m--;
			for (unsigned d = depth; d > 0 && m > 2 && p[line] == '-' && p[line + 1] == '-'; d--) {
				size_t k = strlen(boundary[d - 1]);
				bool is = m == k + 2, ends = m == k + 4 && p[line + m - 1] == '-' && p[line + m - 2] == '-';
				if ((is || ends) && !memcmp(p + line + 2, boundary[d - 1], k)) {
					hit = d, last = ends;
					break;
				}
			}
			if (!hit)
				line = end;
			else
				at = end;
		}
		size_t stop = hit ? line : n;
		body(to, p + from, stop - from, &h, left_out);
		if (!hit)
			break;
		text_add(to, p + line, at - line);
		if (p[at - 1] != '\n')
			text_z(to, "\n");
		depth = last ? hit - 1 : hit;
		if (last)
			h = (struct part){ .text = true };      /* what stands behind the last part */
		else
			head = true;
	}
}
