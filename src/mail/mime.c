/* mime.c - a message taken apart: the tree of its parts, and what of them is
 * the text, and what is attached.
 *
 * gmime decodes (fields, addresses, parameters, transfer encodings); the tree is
 * found here. gmime's own parser calls itself for every level, up to 1,024,
 * compares each line with the boundary of each open level, and makes an object
 * of a kilobyte for every part: 5 MB of a thousand levels took it 5.6 s, and a
 * mail of 40 MB of boundary lines would take gigabytes. Checking beforehand
 * would be a second reader of the same format, and whatever the two read
 * differently a way around the check. So there is one, and it cannot exceed its
 * limits:
 *
 *   one pass over the lines; a line beginning with "--" is compared with the
 *   boundaries of at most MAIL_DEPTH_MAX open multiparts, by length first;
 *   parts are slices of the message in an array of MAIL_PARTS_MAX rows;
 *   a message inside the message is a leaf, never opened.
 *
 *     raw      the message; a tree of parts whose body is a slice of it
 *     part     header, then a body that ends before the line of the boundary
 *              ("the CRLF before it belongs to it", RFC 2046 5.1.1)
 *     boundary "--" b, or "--" b "--" for the last; blanks may follow
 *
 * A boundary of an outer multipart also ends all inner ones, closed or not. A
 * multipart without a boundary gets the one its body seems to use; one in which
 * no boundary is ever found is read as text. What is nested too deeply stays
 * closed and becomes an attachment.
 *
 * The text. Leaves of type text/plain and text/html that are not attached are
 * the text, in their order. Of a multipart/alternative one child is: the plain
 * one, unless there is next to nothing in it ("please use an HTML reader"); then
 * the HTML as text. Everything else is an attachment, in its order, whole and
 * unopened: calendars, winmail.dat, zips, reports, signatures.
 */
#include <gmime/gmime.h>

#include "mail/mime.h"

enum encoding { AS_IS, BASE64, QUOTED, UUENCODED };

struct part {
	struct params type, disposition;
	enum encoding encoding;
	str           content_id;
	str           body;          /* as it came, still encoded */
	str           boundary;      /* of a multipart that was opened */
	int           parent, first, last, next;   /* rows; -1: none */
	int           depth;
	bool          multipart;     /* opened: its children are parts */
	bool          closed;        /* its last boundary was seen */
	bool          related;       /* somewhere inside multipart/related */
	bool          is_body;
	bool          too_deep;
};

struct tree {
	struct arena *a;
	str           raw;
	struct mail  *m;
	struct part  *part;          /* MAIL_PARTS_MAX rows */
	int           count;
	int           open[MAIL_DEPTH_MAX];   /* rows of the open multiparts, outermost first */
	int           opened;
	size_t        body_left;     /* of BODY_MAX */
};

/* ---- the tree --------------------------------------------------------------------------------- */

/* The open multipart this line delimits, as an index of t->open; -1: none.
 * *closes: it is its last. */
static int
delimits(const struct tree *t, str line, bool *closes)
{
	if (line.n < 3 || line.p[0] != '-' || line.p[1] != '-')
		return -1;
	line = str_sub(line, 2, line.n);
	while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
		line.n--;
	for (int i = t->opened - 1; i >= 0; i--) {
		str b = t->part[t->open[i]].boundary;

		if (line.n != b.n && line.n != b.n + 2)
			continue;
		if (memcmp(line.p, b.p, b.n) != 0)
			continue;
		*closes = line.n == b.n + 2;
		if (*closes && (line.p[b.n] != '-' || line.p[b.n + 1] != '-'))
			continue;
		return i;
	}
	return -1;
}

static bool
ends_head(const void *arg, str line)
{
	bool closes;

	return delimits(arg, line, &closes) >= 0;
}

/* The boundary a body without a declared one uses: its first line of "--" and
 * something, with a Content- field below it, in its first 64 KiB. */
static str
guess_boundary(const struct tree *t, str body)
{
	str rest = str_sub(body, 0, 64 * KiB);
	bool closes;

	while (rest.n > 0) {
		str line = str_cut(&rest, '\n');

		if (line.n < 4 || line.n > 202 || line.p[0] != '-' || line.p[1] != '-')
			continue;
		if (delimits(t, line, &closes) >= 0)
			break;
		if (!str_eqi(str_sub(rest, 0, 8), S("content-")))
			continue;
		line = str_sub(line, 2, line.n);
		while (line.n > 0 && (unsigned char)line.p[line.n - 1] <= ' ')
			line.n--;
		return line;
	}
	return S("");
}

static enum encoding
encoding_of(str v)
{
	v = str_trim(v);
	if (str_eqi(v, S("base64")))
		return BASE64;
	if (str_eqi(v, S("quoted-printable")))
		return QUOTED;
	if (str_eqi(v, S("x-uuencode")) || str_eqi(v, S("uuencode")) || str_eqi(v, S("x-uue")))
		return UUENCODED;
	return AS_IS;
}

/* A new part with its header read; its body begins at `at` and has no end yet.
 * NULL when there are too many. */
static struct part *
part_add(struct tree *t, const struct head *h, int parent, size_t at)
{
	struct part *p, *up = parent >= 0 ? &t->part[parent] : NULL;
	int row = t->count;

	if (t->count == MAIL_PARTS_MAX)
		return NULL;
	p = &t->part[t->count++];
	*p = (struct part){ .parent = parent, .first = -1, .last = -1, .next = -1, .depth = up != NULL ? up->depth + 1 : 0 };
	if (up != NULL) {
		if (up->last >= 0)
			t->part[up->last].next = row;
		else
			up->first = row;
		up->last = row;
		p->related = up->related || str_eq(up->type.type, S("multipart/related"));
	}
	p->type = head_params(t->a, h->value[F_TYPE], false, t->m);
	if (p->type.type.n == 0) {
		bool digest = up != NULL && str_eq(up->type.type, S("multipart/digest"));

		p->type.type = digest ? S("message/rfc822") : S("text/plain");
		if (h->value[F_TYPE].n > 0 && p->type.name.n > 0)
			p->type.type = S("application/octet-stream");   /* "Content-Type: pdf; name=x.pdf" */
	}
	p->disposition = head_params(t->a, h->value[F_DISPOSITION], true, t->m);
	p->encoding = encoding_of(h->value[F_ENCODING]);
	p->content_id = head_id(t->a, h->value[F_CONTENT_ID]);
	p->body = str_sub(t->raw, at, 0);

	if (str_starts(p->type.type, S("multipart/"))) {
		str b = p->type.boundary;

		if (t->opened == MAIL_DEPTH_MAX) {
			mail_problem(t->m, PROBLEM_DEPTH);
			p->too_deep = true;
			return p;
		}
		while (b.n > 0 && (unsigned char)b.p[b.n - 1] <= ' ')
			b.n--;
		if (b.n == 0 || b.n > 200) {
			mail_problem(t->m, PROBLEM_BOUNDARY);
			b = guess_boundary(t, str_sub(t->raw, at, t->raw.n));
		}
		if (b.n > 0) {
			p->boundary = b;
			p->multipart = true;
			t->open[t->opened++] = row;
		}
	}
	return p;
}

/* The body ends before `end`, without the line end that belongs to the boundary. */
static void
part_end(struct tree *t, struct part *p, size_t end)
{
	size_t start = (size_t)(p->body.p - t->raw.p);

	if (end > start && t->raw.p[end - 1] == '\n')
		end--;
	if (end > start && t->raw.p[end - 1] == '\r')
		end--;
	p->body.n = end > start ? end - start : 0;
}

/* Reads parts from `at` on, with the root, a multipart, open. */
static void
tree_read(struct tree *t, size_t at)
{
	struct part *leaf = NULL;
	bool full = false;

	while (at < t->raw.n && t->opened > 0 && !full) {
		const char *start = t->raw.p + at, *nl = memchr(start, '\n', t->raw.n - at);
		size_t line_at = at, n = nl != NULL ? (size_t)(nl - start) : t->raw.n - at;
		bool closes;
		int level;

		at += n + (nl != NULL);
		level = delimits(t, (str){ start, n }, &closes);
		if (level < 0)
			continue;
		if (leaf != NULL)
			part_end(t, leaf, line_at);
		leaf = NULL;
		for (int i = level + 1; i < t->opened; i++)
			part_end(t, &t->part[t->open[i]], line_at);
		t->opened = level + 1;
		if (closes) {
			struct part *p = &t->part[t->open[level]];

			part_end(t, p, at);
			p->closed = true;
			t->opened = level;
		} else {
			struct head h;
			int parent = t->open[level];

			head_read(t->a, t->raw, &at, PART_HEAD_MAX, ends_head, t, &h, t->m);
			leaf = part_add(t, &h, parent, at);
			if (leaf == NULL) {
				mail_problem(t->m, PROBLEM_PARTS);
				full = true;
			} else if (leaf->multipart) {
				leaf = NULL;
			}
		}
	}
	if (leaf != NULL)
		part_end(t, leaf, t->raw.n);
	for (int i = 0; i < t->opened; i++)
		part_end(t, &t->part[t->open[i]], t->raw.n);
	if (!t->part[0].closed && t->part[0].first >= 0 && !full)
		mail_problem(t->m, PROBLEM_TRUNCATED);
}

/* ---- leaves ----------------------------------------------------------------------------------- */

/* Decodes a transfer encoding; what is damaged is skipped as gmime does. */
static str
decode(struct tree *t, const struct part *p)
{
	GMimeEncoding state;
	str body = p->body;
	size_t n, odd = 0;
	char *out;

	if (p->encoding == AS_IS || p->body.n == 0)
		return p->body;
	if (p->encoding == UUENCODED) {
		size_t begin = str_starts(body, S("begin ")) ? 0 : str_find(body, S("\nbegin "));

		if (begin == SIZE_MAX) {
			mail_problem(t->m, PROBLEM_ENCODING);
			return p->body;
		}
		body = str_sub(body, begin + 1, body.n);
		str_cut(&body, '\n');
	}
	g_mime_encoding_init_decode(&state, p->encoding == BASE64 ? GMIME_CONTENT_ENCODING_BASE64 :
	    p->encoding == QUOTED ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE : GMIME_CONTENT_ENCODING_UUENCODE);
	out = arena_alloc(t->a, 1, body.n + 64, 1);     /* decoding never makes more of it */
	n = g_mime_encoding_step(&state, body.p, body.n, out);
	n += g_mime_encoding_flush(&state, "", 0, out + n);
	if (p->encoding == BASE64) {
		for (size_t i = 0; i < p->body.n; i++) {
			unsigned char c = (unsigned char)p->body.p[i];

			odd += !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '+' || c == '/' || c == '=' || c <= ' ');
		}
		if (odd > 0)
			mail_problem(t->m, PROBLEM_ENCODING);
	}
	return (str){ out, n };
}

static bool
is_text_type(str type)
{
	return str_eq(type, S("text/plain")) || str_eq(type, S("text/html")) || str_eq(type, S("application/xhtml+xml"));
}

/* Whether a leaf is read as text, not attached. */
static bool
is_body(const struct tree *t, const struct part *p)
{
	if (p->multipart || p->too_deep || !is_text_type(p->type.type))
		return false;
	if (str_eq(p->disposition.type, S("attachment")))
		return p->parent < 0;             /* a message that is only that */
	/* A named text beside others is a file; alone, or as a choice, it is the text. */
	if (p->disposition.name.n > 0 || p->type.name.n > 0)
		return p->parent < 0 || str_eq(t->part[p->parent].type.type, S("multipart/alternative"));
	return true;
}

struct piece {
	struct piece *next;
	str           s;
};
struct list {
	struct piece *first, *last;
	size_t        n;
};
/* What a part contributes: its text, and its HTML as it came. */
struct body {
	struct list text, html;
	bool        from_html;   /* some of the text was HTML */
};

static void
list_add(struct tree *t, struct list *l, str s)
{
	struct piece *p;

	if (s.n == 0)
		return;
	p = NEW(t->a, struct piece, 1);
	p->s = s;
	if (l->last != NULL)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
	l->n += s.n;
}

static void
list_join(struct list *l, const struct list *more)
{
	if (more->first == NULL)
		return;
	if (l->last != NULL)
		l->last->next = more->first;
	else
		l->first = more->first;
	l->last = more->last;
	l->n += more->n;
}

static str
list_str(struct tree *t, const struct list *l, size_t max)
{
	struct buf b;

	if (l->first == NULL)
		return S("");
	if (l->first == l->last && l->first->s.n <= max)
		return l->first->s;
	buf_init(&b, t->a, max);
	for (const struct piece *p = l->first; p != NULL && b.n < max; p = p->next) {
		size_t room = max - b.n;

		if (b.n > 0 && room-- > 0)
			buf_byte(&b, '\n');
		if (p->s.n > room)
			mail_problem(t->m, PROBLEM_TEXT_LONG);
		buf_add(&b, str_sub(p->s, 0, p->s.n <= room ? p->s.n : utf8_floor(p->s, room)));
	}
	return buf_str(&b);
}

/* The charset an HTML text names in its first bytes, when its header did not. */
static str
meta_charset(str html)
{
	str head = str_sub(html, 0, 1024);
	size_t at = str_findi(head, S("charset="));
	size_t n = 0;

	if (at == SIZE_MAX)
		return S("");
	head = str_sub(head, at + 8, 64);
	while (head.n > 0 && (head.p[0] == '"' || head.p[0] == '\'' || head.p[0] == ' '))
		head = str_sub(head, 1, head.n);
	while (n < head.n && head.p[n] > ' ' && strchr("\"'/>;", head.p[n]) == NULL)
		n++;
	return str_sub(head, 0, n);
}

static struct body
leaf_body(struct tree *t, struct part *p)
{
	struct body b = { 0 };
	bool html = !str_eq(p->type.type, S("text/plain"));
	str bytes, text, charset = p->type.charset;

	if (t->body_left == 0) {
		mail_problem(t->m, PROBLEM_TEXT_LONG);
		return b;
	}
	bytes = decode(t, p);
	if (html && charset.n == 0)
		charset = meta_charset(bytes);
	text = charset_text(t->a, bytes, charset, t->body_left, t->m);
	/* Nothing to compare with when the charset changed the length: full is cut. */
	if (text.n + 4 > t->body_left)
		mail_problem(t->m, PROBLEM_TEXT_LONG);
	t->body_left -= text.n < t->body_left ? text.n : t->body_left;
	if (text.n > 0 && memchr(text.p, 0, text.n) != NULL)
		mail_problem(t->m, PROBLEM_NUL);
	if (html) {
		text = utf8_mend(t->a, text);
		if (text.p == p->body.p)
			text = str_dup(t->a, text);   /* raw is not the arena's */
		list_add(t, &b.html, text);
		text = html_to_text(t->a, text, MAIL_TEXT_MAX);
		if (text.n + KiB > MAIL_TEXT_MAX)
			mail_problem(t->m, PROBLEM_TEXT_LONG);
		b.from_html = true;
		list_add(t, &b.text, text);
		return b;
	}
	if (str_eqi(p->type.format, S("flowed")))
		text = text_unflow(t->a, text, str_eqi(p->type.delsp, S("yes")));
	list_add(t, &b.text, text_plain(t->a, text));
	return b;
}

static size_t
visible(const struct list *l)
{
	size_t count = 0;

	for (const struct piece *p = l->first; p != NULL; p = p->next)
		for (size_t i = 0; i < p->s.n; i++)
			count += (unsigned char)p->s.p[i] > ' ';
	return count;
}

static struct body part_body(struct tree *t, int row);

static struct body
alternative_body(struct tree *t, const struct part *p)
{
	struct body plain = { 0 }, html = { 0 };
	size_t seen, more;

	for (int i = p->first; i >= 0; i = t->part[i].next) {
		struct body b = part_body(t, i);

		/* The first plain one; the last, richest HTML one (RFC 2046 5.1.4). */
		if (b.from_html)
			html = b;
		else if (b.text.n > 0 && plain.text.n == 0)
			plain = b;
	}
	if (!html.from_html)
		return plain;
	seen = visible(&plain.text);
	more = visible(&html.text);
	if (seen == 0 || (more > 100 && seen < more / 5))
		return html;
	plain.html = html.html;
	return plain;
}

/* Recurses no deeper than MAIL_DEPTH_MAX. */
static struct body
part_body(struct tree *t, int row)
{
	struct part *p = &t->part[row];
	struct body out = { 0 };

	if (p->is_body)
		return leaf_body(t, p);
	if (!p->multipart)
		return out;
	if (str_eq(p->type.type, S("multipart/alternative")))
		return alternative_body(t, p);
	for (int i = p->first; i >= 0; i = t->part[i].next) {
		struct body b = part_body(t, i);

		list_join(&out.text, &b.text);
		list_join(&out.html, &b.html);
		out.from_html |= b.from_html;
	}
	return out;
}

/* ---- attachments ------------------------------------------------------------------------------ */

static const struct { const char *type, *name; } names[] = {
	/* name: "*" and an extension, or the whole name */
	{ "message/rfc822", "*.eml" }, { "message/global", "*.eml" }, { "text/calendar", "invite.ics" },
	{ "application/ms-tnef", "winmail.dat" }, { "application/vnd.ms-tnef", "winmail.dat" },
	{ "message/delivery-status", "delivery-status.txt" }, { "message/global-delivery-status", "delivery-status.txt" },
	{ "message/disposition-notification", "disposition-notification.txt" },
	{ "message/feedback-report", "feedback-report.txt" }, { "text/rfc822-headers", "headers.txt" },
	{ "application/pgp-signature", "signature.asc" }, { "application/pkcs7-signature", "smime.p7s" },
	{ "application/x-pkcs7-signature", "smime.p7s" }, { "application/pkcs7-mime", "smime.p7m" },
	{ "application/x-pkcs7-mime", "smime.p7m" }, { "application/pgp-encrypted", "*.asc" },
	{ "application/pdf", "*.pdf" }, { "application/zip", "*.zip" }, { "application/x-zip-compressed", "*.zip" },
	{ "application/msword", "*.doc" }, { "application/rtf", "*.rtf" }, { "text/rtf", "*.rtf" },
	{ "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "*.docx" },
	{ "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "*.xlsx" },
	{ "application/vnd.ms-excel", "*.xls" }, { "application/dicom", "*.dcm" }, { "application/json", "*.json" },
	{ "application/xml", "*.xml" }, { "text/xml", "*.xml" }, { "text/csv", "*.csv" }, { "text/plain", "*.txt" },
	{ "text/html", "*.html" }, { "text/vcard", "*.vcf" }, { "text/x-vcard", "*.vcf" }, { "text/markdown", "*.md" },
	{ "image/png", "*.png" }, { "image/jpeg", "*.jpg" }, { "image/jpg", "*.jpg" }, { "image/gif", "*.gif" },
	{ "image/webp", "*.webp" }, { "image/tiff", "*.tiff" }, { "image/bmp", "*.bmp" }, { "image/heic", "*.heic" },
	{ "image/svg+xml", "*.svg" }, { "audio/mpeg", "*.mp3" }, { "audio/wav", "*.wav" }, { "audio/x-wav", "*.wav" },
	{ "audio/mp4", "*.m4a" }, { "video/mp4", "*.mp4" }, { "video/quicktime", "*.mov" },
};

/* A name that can be a file's anywhere: no path, no controls, nothing a shell
 * or Windows takes for more than a letter, not hidden, its extension kept when
 * it is too long. "" when nothing is left. */
static str
safe_name(struct arena *a, str name)
{
	enum { NAME_MAX_BYTES = 200, EXTENSION_MAX = 16 };
	str n = clean_line(a, name, 4 * KiB);
	size_t slash = n.n, dot;
	char *p;

	while (slash > 0 && n.p[slash - 1] != '/' && n.p[slash - 1] != '\\')
		slash--;
	n = str_sub(n, slash, n.n);
	p = arena_alloc(a, 1, n.n + 1, 1);
	for (size_t i = 0; i < n.n; i++)
		p[i] = strchr("<>:\"|?*", n.p[i]) != NULL ? '_' : n.p[i];
	n.p = p;
	while (n.n > 0 && (n.p[0] == '.' || n.p[0] == ' '))
		n = str_sub(n, 1, n.n);
	while (n.n > 0 && (n.p[n.n - 1] == '.' || n.p[n.n - 1] == ' '))
		n.n--;
	if (n.n <= NAME_MAX_BYTES)
		return n;
	for (dot = n.n; dot > 0 && n.p[dot - 1] != '.'; dot--)
		;
	if (dot == 0 || n.n - dot > EXTENSION_MAX)
		return str_sub(n, 0, utf8_floor(n, NAME_MAX_BYTES));
	return str_printf(a, STR_F "." STR_F, STR_A(str_sub(n, 0, utf8_floor(n, NAME_MAX_BYTES - EXTENSION_MAX - 1))),
	    STR_A(str_sub(n, dot, n.n)));
}

/* The subject of an attached message, for its file name. */
static str
message_name(struct tree *t, str bytes)
{
	struct mail unused = { 0 };
	struct head h;
	size_t at = 0;
	str subject;

	if (!head_read(t->a, str_sub(bytes, 0, PART_HEAD_MAX), &at, PART_HEAD_MAX, NULL, NULL, &h, &unused))
		return S("");
	subject = head_text(t->a, h.value[F_SUBJECT], 120, &unused);
	if (subject.n == 0)
		return S("");
	return safe_name(t->a, str_printf(t->a, STR_F ".eml", STR_A(subject)));
}

static void
attach(struct tree *t, struct part *p)
{
	struct mail_attachment *at;
	int number = t->m->attachment_count + 1;
	const char *by_type = "*.bin";

	if (t->m->attachment_count == MAIL_ATTACH_MAX) {
		mail_problem(t->m, PROBLEM_ATTACHMENTS);
		return;
	}
	at = &t->m->attachment[t->m->attachment_count++];
	at->content_type = p->type.type;
	at->content_id = p->content_id;
	at->bytes = p->encoding == AS_IS ? str_dup(t->a, p->body) : decode(t, p);
	at->is_inline = str_eq(p->disposition.type, S("inline")) ||
	    (p->related && p->content_id.n > 0 && !str_eq(p->disposition.type, S("attachment")));
	at->file_name = safe_name(t->a, p->disposition.name.n > 0 ? p->disposition.name : p->type.name);
	if (at->file_name.n > 0)
		return;
	if (str_eq(p->type.type, S("message/rfc822")))
		at->file_name = message_name(t, at->bytes);
	if (at->file_name.n > 0)
		return;
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(p->type.type, str_of(names[i].type)))
			by_type = names[i].name;
	if (p->too_deep)
		by_type = "*.mime";
	at->file_name = by_type[0] == '*' ? str_printf(t->a, "attachment-%d%s", number, by_type + 1) : str_of(by_type);
}

/* ---- reports ----------------------------------------------------------------------------------- */

/* The address in "rfc822; ada@clinic.example". */
static str
report_addr(struct arena *a, str v)
{
	size_t semi = str_find(v, S(";"));

	v = str_trim(semi != SIZE_MAX ? str_sub(v, semi + 1, v.n) : v);
	if (v.n > 1 && v.p[0] == '<' && v.p[v.n - 1] == '>')
		v = str_sub(v, 1, v.n - 2);
	return head_addr(a, v);
}

/* RFC 3464: blocks of fields; the first is about the message, each other about
 * a recipient. Sets the first recipient whose delivery failed. Returns whether
 * the report is of a failure: one of delay or success is not. */
static bool
read_status(struct tree *t, str text)
{
	str rest = str_sub(text, 0, 64 * KiB), final = S(""), original = S("");
	bool failed = false, any_action = false, any_failed = false;

	for (bool more = true; more;) {
		str line = str_cut(&rest, '\n'), name;

		more = rest.n > 0;
		if (str_trim(line).n > 0) {
			str value = line;

			name = str_trim(str_cut(&value, ':'));
			if (str_eqi(name, S("final-recipient"))) {
				final = report_addr(t->a, value);
			} else if (str_eqi(name, S("original-recipient"))) {
				original = report_addr(t->a, value);
			} else if (str_eqi(name, S("action"))) {
				any_action = true;
				failed = str_eqi(str_trim(value), S("failed"));
			}
		}
		if (str_trim(line).n == 0 || !more) {
			any_failed |= failed;
			/* Original is whom we wrote to, final where it was forwarded. */
			if ((failed || !any_action) && t->m->failed_recipient.n == 0)
				t->m->failed_recipient = original.n > 0 ? original : final;
			failed = false;
			final = original = S("");
		}
	}
	return any_failed || !any_action;
}

/* qmail and others that write their reports as text: a line of "<address>:". */
static str
failed_in_text(struct arena *a, str text)
{
	str rest = str_sub(text, 0, 16 * KiB);

	while (rest.n > 0) {
		str line = str_trim(str_cut(&rest, '\n')), addr;
		size_t gt;

		if (line.n < 5 || line.p[0] != '<')
			continue;
		gt = str_find(line, S(">"));
		addr = gt != SIZE_MAX ? head_addr(a, str_sub(line, 1, gt - 1)) : S("");
		if (addr.n > 0)
			return addr;
	}
	return S("");
}

static void
set_kind(struct tree *t, const struct head *h)
{
	const struct part *root = &t->part[0];
	struct mail *m = t->m;

	m->kind = head_kind(h, m);
	if (m->kind == MAIL_LOOP)
		return;
	if (str_eq(root->type.type, S("multipart/report"))) {
		m->kind = MAIL_AUTO_REPLY;
		if (root->type.report_type.n == 0 || str_eqi(root->type.report_type, S("delivery-status")))
			m->kind = MAIL_BOUNCE;
		for (int i = root->first; i >= 0; i = t->part[i].next) {
			const struct part *p = &t->part[i];

			if (str_eq(p->type.type, S("message/delivery-status")) ||
			    str_eq(p->type.type, S("message/global-delivery-status")))
				m->kind = read_status(t, decode(t, p)) ? MAIL_BOUNCE : MAIL_AUTO_REPLY;
		}
	}
	if (m->kind != MAIL_BOUNCE) {
		m->failed_recipient = S("");
		return;
	}
	if (m->failed_recipient.n == 0 && h->value[F_FAILED_RECIPIENTS].n > 0) {
		str rest = h->value[F_FAILED_RECIPIENTS];

		m->failed_recipient = head_addr(t->a, str_trim(str_cut(&rest, ',')));
	}
	if (m->failed_recipient.n == 0)
		m->failed_recipient = failed_in_text(t->a, m->text);
}

/* ---- the whole -------------------------------------------------------------------------------- */

/* Line ends as \n, for a message that has none but \r. */
static str
old_mac(struct arena *a, str raw)
{
	char *p;

	if (raw.n == 0 || memchr(raw.p, '\n', raw.n) != NULL || memchr(raw.p, '\r', raw.n) == NULL)
		return raw;
	p = arena_alloc(a, 1, raw.n, 1);
	for (size_t i = 0; i < raw.n; i++)
		p[i] = raw.p[i] == '\r' ? '\n' : raw.p[i];
	return (str){ p, raw.n };
}

/* "From ada@clinic.example Mon Jan  5 ...", not the field "From : ada@..." */
static bool
is_mailbox_line(str rest)
{
	size_t n = str_starts(rest, S(">")) ? 6 : 5;

	if (!str_starts(rest, S("From ")) && !str_starts(rest, S(">From ")))
		return false;
	while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\t'))
		n++;
	return n == rest.n || rest.p[n] != ':';
}

/* Where the header begins: behind a byte order mark, empty lines, and the
 * "From " line of a mailbox. */
static size_t
front_matter(str raw)
{
	size_t at = str_starts(raw, S("\xEF\xBB\xBF")) ? 3 : 0;

	while (at < raw.n && (raw.p[at] == '\r' || raw.p[at] == '\n'))
		at++;
	for (int i = 0; i < 2; i++) {
		str rest = str_sub(raw, at, raw.n);

		if (!is_mailbox_line(rest))
			break;
		str_cut(&rest, '\n');
		at = raw.n - rest.n;
	}
	return at;
}

enum err
mail_parse(struct ctx *cx, str raw, struct mail *out)
{
	struct mail m = { 0 };
	struct tree t = { .a = cx->arena, .m = &m, .body_left = BODY_MAX };
	struct part *root;
	struct head h;
	struct body body;
	size_t at;
	str text;

	if (raw.n > MAIL_MAX)
		return fail(cx, E_LIMIT, NULL, "the message is too large");
	mime_init();
	t.raw = raw = old_mac(t.a, raw);
	at = front_matter(raw);
	if (!head_read(t.a, raw, &at, HEAD_MAX, NULL, NULL, &h, &m))
		return fail(cx, E_INVALID, NULL, "not an e-mail message: it has no header");
	head_mail(t.a, &h, cx->now, &m);

	t.part = NEW(t.a, struct part, MAIL_PARTS_MAX);
	root = part_add(&t, &h, -1, at);
	part_end(&t, root, raw.n);
	if (root->multipart)
		tree_read(&t, at);
	for (int i = 0; i < t.count; i++) {
		struct part *p = &t.part[i];

		/* A multipart without parts is a text that calls itself one. */
		if (str_starts(p->type.type, S("multipart/")) && p->first < 0 && !p->too_deep) {
			mail_problem(&m, PROBLEM_BOUNDARY);
			p->multipart = false;
			p->type.type = S("text/plain");
		}
		p->is_body = is_body(&t, p);
	}
	body = part_body(&t, 0);
	text = text_plain(t.a, list_str(&t, &body.text, MAIL_TEXT_MAX));
	m.text = text;
	m.quoted = S("");
	if (!subject_is_forward(m.subject))
		mail_cut_quote(text, &m.text, &m.quoted);
	m.html = list_str(&t, &body.html, BODY_MAX);

	m.attachment = NEW(t.a, struct mail_attachment, MAIL_ATTACH_MAX);
	for (int i = 0; i < t.count; i++)
		/* Another rendering of the text is no attachment. */
		if (!t.part[i].multipart && !t.part[i].is_body && !str_eq(t.part[i].type.type, S("text/x-amp-html")))
			attach(&t, &t.part[i]);
	set_kind(&t, &h);
	*out = m;
	return OK;
}
