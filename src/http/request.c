/* request.c - reads a request's head, strictly.
 *
 * libmicrohttpd 0.9.75 is lenient (all measured): it takes Content-Length
 * beside Transfer-Encoding, two Content-Lengths, names with blanks, bare LF,
 * NULs in values, and it glues a folded line to the header's *name*, so that
 * "Content-Length:<CRLF> 5" is no length at all to it and one to a proxy. Each
 * of these lets two parties disagree about where a request ends, which is how
 * requests are smuggled past a proxy (RFC 9112, 11.2).
 *
 * So the head is checked twice. The parsed fields: names are tokens, values
 * have no control characters, what delimits the body stands once. And the
 * bytes: libmicrohttpd parses in place, writing NULs over the separators
 *
 *     GET 0 /path 0 HTTP/1.1 00 Host 0 value 00 Accept 0 value 00 00
 *
 * so in a well-formed head every piece must begin exactly two bytes behind the
 * end of the one before, and the last must end where the head ends. A bare LF
 * is one byte short, a NUL cuts a piece, a folded line is moved elsewhere, and
 * none of them fits any more. This holds for 0.9.75 only (http->exact); later
 * versions refuse these things themselves.
 */
#include <arpa/inet.h>

#include "http/wire.h"

/* ---- texts ------------------------------------------------------------------------------------ */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

str
request_query_text(struct arena *a, str text)
{
	char *p;
	size_t n = 0;

	if (text.n == 0 || (memchr(text.p, '%', text.n) == NULL && memchr(text.p, '+', text.n) == NULL))
		return text;
	p = arena_alloc(a, 1, text.n, 1);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '+') {
			p[n++] = ' ';
		} else if (text.p[i] == '%' && i + 2 < text.n && hex(text.p[i + 1]) >= 0 &&
		    hex(text.p[i + 2]) >= 0) {
			p[n++] = (char)(hex(text.p[i + 1]) << 4 | hex(text.p[i + 2]));
			i += 2;
		} else {
			p[n++] = text.p[i];
		}
	}
	return (str){ p, n };
}

static void
read_query(struct arena *a, struct http_req *rq)
{
	str rest = rq->raw_query, part;
	int count = 1;

	if (rest.n == 0)
		return;
	for (size_t i = 0; i < rest.n; i++)
		count += rest.p[i] == '&';
	rq->query = NEW(a, struct http_param, (size_t)count);
	while (rest.n > 0) {
		part = str_cut(&rest, '&');
		if (part.n == 0)
			continue;
		rq->query[rq->query_count].name = request_query_text(a, str_cut(&part, '='));
		rq->query[rq->query_count++].value = request_query_text(a, part);
	}
}

bool
request_target(struct arena *a, str target, struct http_req *rq, str *authority)
{
	str rest = target, path;
	bool secure;

	*authority = S("");
	for (size_t i = 0; i < target.n; i++)
		if ((unsigned char)target.p[i] <= 0x20 || target.p[i] == 0x7f || target.p[i] == '#')
			return false;
	if (target.n == 0)
		return false;
	if (target.p[0] != '/') {                      /* RFC 9112, 3.2.2 */
		secure = str_eqi(str_sub(target, 0, 8), S("https://"));
		if (!secure && !str_eqi(str_sub(target, 0, 7), S("http://")))
			return false;
		rest = str_sub(target, secure ? 8 : 7, target.n);
		size_t n = 0;
		while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
			n++;
		*authority = str_sub(rest, 0, n);
		rest = str_sub(rest, n, rest.n);
		if (authority->n == 0)
			return false;
	}
	path = str_cut(&rest, '?');
	rq->raw_query = rest;
	if (path.n == 0)
		path = S("/");
	if (memchr(path.p, '%', path.n) == NULL)
		rq->path = path;
	else if (!percent_to(a, path, false, &rq->path))
		return false;
	read_query(a, rq);
	return true;
}

const str *
http_query(const struct http_req *rq, const char *name)
{
	str want = str_of(name);

	for (int i = 0; i < rq->query_count; i++)
		if (str_eq(rq->query[i].name, want))
			return &rq->query[i].value;
	return NULL;
}

str
http_header(const struct http_req *rq, const char *name)
{
	const struct call *w = rq->wire;
	str want = str_of(name);

	for (int i = 0; w != NULL && i < w->field_count; i++)
		if (str_eqi(w->field[i].name, want))
			return w->field[i].value;
	return S("");
}

/* RFC 6265, 4.2.1; read as its 5.4 lets a client write it. */
str
http_cookie(const struct http_req *rq, const char *name)
{
	const struct call *w = rq->wire;
	str want = str_of(name), rest, part, key;

	for (int i = 0; w != NULL && i < w->field_count; i++) {
		if (!str_eqi(w->field[i].name, S("Cookie")))
			continue;
		for (rest = w->field[i].value; rest.n > 0; ) {
			part = str_cut(&rest, ';');
			key = str_trim(str_cut(&part, '='));
			if (!str_eq(key, want))
				continue;
			part = str_trim(part);
			if (part.n >= 2 && part.p[0] == '"' && part.p[part.n - 1] == '"')
				part = str_sub(part, 1, part.n - 2);
			return part;
		}
	}
	return S("");
}

/* ---- the head --------------------------------------------------------------------------------- */

static const struct { str text; enum http_method method; } methods[] = {
	{ { "GET", 3 }, GET }, { { "POST", 4 }, POST }, { { "PUT", 3 }, PUT },
	{ { "PATCH", 5 }, PATCH }, { { "DELETE", 6 }, DELETE }, { { "HEAD", 4 }, HEAD },
	{ { "OPTIONS", 7 }, OPTIONS },
};

/* RFC 9110, 5.6.2: which bytes make a token. */
static const unsigned char token[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
	['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};
/* What a Host may be made of: names, numbers, [v6], port. */
static const unsigned char host_byte[256] = {
	['-'] = 1, ['.'] = 1, ['_'] = 1, [':'] = 1, ['['] = 1, [']'] = 1,
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static bool
made_of(str s, const unsigned char *table)
{
	for (size_t i = 0; i < s.n; i++)
		if (!table[(unsigned char)s.p[i]])
			return false;
	return s.n > 0;
}

static str
trim_blanks(str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_sub(s, 1, s.n);
	return s;
}

struct scan {
	struct call *w;
	const char  *at;         /* where the next piece of the head must begin; NULL: not checked */
	int          hosts, lengths, codings;
	bool         coding_ok, malformed;
	str          host, length, expect, accept, forwarded, proto, forwarded_host;
};

/* Notes the fields the server itself goes by. */
static void
note(struct scan *s, str name, str value)
{
	switch (name.n) {
	case 4:
		if (str_eqi(name, S("Host"))) {
			s->hosts++;
			s->host = value;
		}
		break;
	case 6:
		if (str_eqi(name, S("Expect")))
			s->expect = value;
		break;
	case 14:
		if (str_eqi(name, S("Content-Length"))) {
			s->lengths++;
			s->length = value;
		}
		break;
	case 15:
		if (str_eqi(name, S("Accept-Encoding")))
			s->accept = value;
		else if (str_eqi(name, S("X-Forwarded-For")))
			s->forwarded = value;        /* the last one: the proxy's own */
		break;
	case 16:
		if (str_eqi(name, S("X-Forwarded-Host")))
			s->forwarded_host = value;
		break;
	case 17:
		if (str_eqi(name, S("Transfer-Encoding")))
			s->codings++;
		else if (str_eqi(name, S("X-Forwarded-Proto")))
			s->proto = value;
		break;
	default:
		break;
	}
}

static enum MHD_Result
field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value,
    size_t value_n)
{
	struct scan *s = arg;
	struct call *w = s->w;
	str n = { name, name_n }, v = { value, value != NULL ? value_n : 0 };

	(void)kind;
	if (s->at != NULL) {
		s->malformed |= name != s->at || value == NULL || value <= name;
		s->at = value + value_n + 2;
	}
	s->malformed |= !made_of(n, token);
	for (size_t i = 0; i < v.n; i++)
		s->malformed |= ((unsigned char)v.p[i] < 0x20 && v.p[i] != '\t') || v.p[i] == 0x7f;
	/* libmicrohttpd compares the untrimmed value: what it does not take for
	 * "chunked" it reads until the connection ends. */
	if (name_n == 17 && str_eqi(n, S("Transfer-Encoding")))
		s->coding_ok = str_eqi(v, S("chunked"));
	v = trim_blanks(v);
	note(s, n, v);
	w->field[w->field_count++] = (struct http_param){ n, v };
	return s->malformed ? MHD_NO : MHD_YES;
}

/* Does the list take gzip? "gzip;q=0" does not (RFC 9110, 12.5.3). */
static bool
takes_gzip(str list)
{
	str item, coding;

	while (list.n > 0) {
		item = str_cut(&list, ',');
		coding = str_trim(str_cut(&item, ';'));
		if (!str_eqi(coding, S("gzip")))
			continue;
		item = str_trim(item);
		if (str_cut(&item, '=').n == 0)
			return true;
		for (size_t i = 0; i < item.n; i++)
			if (item.p[i] >= '1' && item.p[i] <= '9')
				return true;
		return false;
	}
	return false;
}

static bool
is_address(str s, char text[INET6_ADDRSTRLEN])
{
	unsigned char bin[16];

	if (s.n == 0 || s.n >= INET6_ADDRSTRLEN)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return inet_pton(AF_INET, text, bin) == 1 || inet_pton(AF_INET6, text, bin) == 1;
}

/* What the declared proxy says of its client. It appends to a list that the
 * client may have begun, so only the last address is its word. */
static void
forwarded(struct call *w, const struct scan *s)
{
	char text[INET6_ADDRSTRLEN];
	str last = s->forwarded;

	for (size_t i = last.n; i > 0; i--)
		if (last.p[i - 1] == ',') {
			last = str_sub(last, i, last.n);
			break;
		}
	last = trim_blanks(last);
	if (is_address(last, text))
		w->rq.address = last;
	if (s->proto.n > 0)
		w->rq.secure = str_eqi(s->proto, S("https"));
	if (made_of(s->forwarded_host, host_byte))
		w->rq.host = s->forwarded_host;
}

static bool
refused(struct refusal *no, int status, const char *why)
{
	*no = (struct refusal){ status, why };
	return false;
}

/* Request line: "method SP target SP version", one SP each, nothing hidden
 * behind a NUL. */
static bool
line_is_exact(const struct call *w, const char *method, const char *version)
{
	return w->target_at == method + strlen(method) + 1 &&
	    version == w->target_at + w->target.n + 1;
}

bool
request_head(struct call *w, const char *method, const char *version, struct refusal *no)
{
	struct http *h = w->c->h;
	struct http_req *rq = &w->rq;
	struct scan s = { .w = w };
	const union MHD_ConnectionInfo *size;
	str authority, m = str_of(method);
	int64_t length = 0;
	int count;

	for (size_t i = 0; i < COUNT(methods); i++)
		if (str_eq(m, methods[i].text))
			rq->method = methods[i].method;
	if (w->target.n > TARGET_MAX)
		return refused(no, 400, "request target too long");
	if (h->exact && !line_is_exact(w, method, version))
		return refused(no, 400, "malformed request line");
	if (!request_target(w->a, w->target, rq, &authority))
		return refused(no, 400, "malformed request target");

	count = MHD_get_connection_values(w->mc, MHD_HEADER_KIND, NULL, NULL);
	if (count > FIELDS_MAX)
		return refused(no, 431, "too many header lines");
	w->field = NEW(w->a, struct http_param, (size_t)count + 1);
	if (h->exact)
		s.at = version + strlen(version) + 2;
	MHD_get_connection_values_n(w->mc, MHD_HEADER_KIND, field, &s);
	size = MHD_get_connection_info(w->mc, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (h->exact && (size == NULL || s.at + 2 != method + size->header_size))
		s.malformed = true;
	if (s.malformed)
		return refused(no, 400, "malformed header line");

	if (s.hosts != 1)
		return refused(no, 400, "exactly one Host is needed");
	rq->host = authority.n > 0 ? authority : s.host;
	if (!made_of(s.host, host_byte) || !made_of(rq->host, host_byte))
		return refused(no, 400, "malformed Host");
	if (s.lengths > 1 || s.codings > 1 || (s.lengths > 0 && s.codings > 0))
		return refused(no, 400, "ambiguous body length");
	if (s.codings > 0 && (!s.coding_ok || strcmp(version, "HTTP/1.0") == 0))
		return refused(no, 400, "unknown transfer coding");
	if (s.lengths > 0 && (!str_int(s.length, &length) || length < 0))
		return refused(no, 400, "malformed Content-Length");
	if (s.expect.n > 0 && !str_eqi(s.expect, S("100-continue")))
		return refused(no, 417, "unknown expectation");
	if (rq->method == 0)
		return refused(no, 501, "unknown method");

	w->length = (uint64_t)length;
	w->chunked = s.codings > 0;
	w->expects = s.expect.n > 0;
	w->gzip = takes_gzip(s.accept);
	rq->address = w->c->address;
	rq->secure = !h->conf.plain;
	if (h->conf.trusted_proxy != NULL && str_eq(rq->address, str_of(h->conf.trusted_proxy)))
		forwarded(w, &s);
	return true;
}
