/* head.c - the header of a message: fields, addresses, ids, dates, kinds.
 *
 * Fields are found and unfolded here (RFC 5322 2.2), because only here is it
 * bounded how much of them is looked at; gmime then decodes the values: encoded
 * words (RFC 2047), address lists (RFC 5322 3.4), parameters (RFC 2231).
 *
 * Before gmime sees a value,
 *   - its controls are blanks: a NUL would end it, a CR start a new field,
 *   - it is UTF-8 (bytes that are not become windows-1252),
 *   - each charset in it has the name of one this process has loaded, so that
 *     iconv looks for nothing in the file system (charset.c),
 *   - an encoded word is base64: gmime takes the colon of
 *     =?utf-8?q?Clinic:_desk?= for the start of a group, and the address behind
 *     it would be lost.
 *
 * Who wrote it. From is believed only when it names one mailbox: two From
 * fields, or several mailboxes of which Sender is none, are how a message
 * shows one author to the check and another to the reader. Such a `from` is
 * left empty, and the caller keeps the message for a person to look at.
 */
#include <gmime/gmime.h>
#include <pthread.h>

#include "mail/mime.h"

static const char *const field_names[FIELD_COUNT] = {
	[F_FROM] = "From", [F_SENDER] = "Sender", [F_REPLY_TO] = "Reply-To", [F_RETURN_PATH] = "Return-Path",
	[F_TO] = "To", [F_CC] = "Cc", [F_SUBJECT] = "Subject", [F_DATE] = "Date",
	[F_MESSAGE_ID] = "Message-ID", [F_IN_REPLY_TO] = "In-Reply-To", [F_REFERENCES] = "References",
	[F_AUTO_SUBMITTED] = "Auto-Submitted", [F_PRECEDENCE] = "Precedence", [F_LIST_ID] = "List-Id",
	[F_LOOP] = "X-Ward-Loop", [F_RECEIVED] = "Received", [F_FAILED_RECIPIENTS] = "X-Failed-Recipients",
	[F_X_AUTOREPLY] = "X-Autoreply", [F_X_AUTORESPOND] = "X-Autorespond",
	[F_X_AUTOREPLY_FROM] = "X-AutoReply-From", [F_X_MAIL_AUTOREPLY] = "X-Mail-Autoreply",
	[F_TYPE] = "Content-Type", [F_DISPOSITION] = "Content-Disposition",
	[F_ENCODING] = "Content-Transfer-Encoding", [F_CONTENT_ID] = "Content-ID",
};

static const char *const problems[PROBLEM_COUNT] = {
	[PROBLEM_HEADER_LONG] = "header too long", [PROBLEM_HEADER_BROKEN] = "broken header line",
	[PROBLEM_SEVERAL_FROM] = "several authors", [PROBLEM_SEVERAL_IDS] = "several message ids",
	[PROBLEM_PARTS] = "too many parts", [PROBLEM_DEPTH] = "nested too deeply",
	[PROBLEM_ATTACHMENTS] = "too many attachments", [PROBLEM_BOUNDARY] = "missing boundary",
	[PROBLEM_TRUNCATED] = "truncated", [PROBLEM_CHARSET_UNKNOWN] = "unknown charset",
	[PROBLEM_CHARSET_WRONG] = "wrong charset", [PROBLEM_NUL] = "NUL bytes",
	[PROBLEM_ENCODING] = "damaged transfer encoding", [PROBLEM_TEXT_LONG] = "text too long",
};

const char *
problem_words(enum problem p)
{
	return problems[p];
}

void
mail_problem(struct mail *m, enum problem p)
{
	for (int i = 0; i < m->problem_count; i++)
		if (m->problem[i] == problems[p])
			return;
	if ((size_t)m->problem_count < COUNT(m->problem))
		m->problem[m->problem_count++] = problems[p];
}

/* What glib has to say could quote the message. */
static void
say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer arg)
{
	(void)domain, (void)level, (void)text, (void)arg;
}

static void
init_once(void)
{
	g_mime_init();
	g_log_set_default_handler(say_nothing, NULL);
}

void
mime_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static str
line_at(str raw, size_t *at)
{
	str rest = str_sub(raw, *at, raw.n), line = str_cut(&rest, '\n');

	*at = raw.n - rest.n;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* The length of the field name a line starts with, 0 when it is no field. */
static size_t
name_length(str line)
{
	size_t n = 0;

	while (n < line.n && (unsigned char)line.p[n] > 32 && (unsigned char)line.p[n] < 127 && line.p[n] != ':')
		n++;
	if (n == 0)
		return 0;
	for (size_t i = n; i < line.n; i++) {
		if (line.p[i] == ':')
			return n;
		if (line.p[i] != ' ' && line.p[i] != '\t')   /* obsolete blanks before the colon */
			return 0;
	}
	return 0;
}

/* One line, no controls, UTF-8. */
static str
unfold(struct arena *a, str v)
{
	char *p;
	size_t n = 0;

	v = str_trim(v);
	if (v.n > FIELD_MAX)
		v.n = FIELD_MAX;
	p = arena_alloc(a, 1, v.n + 1, 1);
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if ((unsigned char)c < 32 || c == 127)
			c = ' ';
		if (c == ' ' && n > 0 && p[n - 1] == ' ' && (v.p[i] == '\r' || v.p[i] == '\n' || v.p[i - 1] == '\n'))
			continue;
		p[n++] = c;
	}
	return charset_guess(a, (str){ p, n });
}

static void
field_add(struct arena *a, struct head *h, enum field f, str value, struct mail *m)
{
	str v;

	if (h->count[f]++ > 0 && ((f != F_TO && f != F_CC) || h->count[f] > ADDRESSES_MAX))
		return;
	if (value.n > FIELD_MAX)
		mail_problem(m, PROBLEM_HEADER_LONG);
	if (memchr(value.p, 0, value.n) != NULL)
		mail_problem(m, PROBLEM_NUL);
	v = unfold(a, value);
	if (h->value[f].n > 0 && h->value[f].n < FIELD_MAX)
		v = str_printf(a, STR_F ", " STR_F, STR_A(h->value[f]), STR_A(v));
	h->value[f] = v;
}

bool
head_read(struct arena *a, str raw, size_t *at, size_t max, head_end *end, const void *arg,
    struct head *h, struct mail *m)
{
	size_t next = *at, value_at = 0, value_end = 0, kept = 0, of_field = 0;
	int field = -1;
	bool any = false;

	*h = (struct head){ 0 };
	for (; *at < raw.n; *at = next) {
		str line = line_at(raw, &next);
		size_t n;

		if (line.n == 0 || (end != NULL && end(arg, line)))
			break;
		if (any && (line.p[0] == ' ' || line.p[0] == '\t')) {
			value_end = (size_t)(line.p - raw.p) + line.n;
			n = next - *at < FIELD_MAX - of_field ? next - *at : FIELD_MAX - of_field;
			of_field += n;
			kept += n;
			continue;
		}
		if (field >= 0)
			field_add(a, h, (enum field)field, str_sub(raw, value_at, value_end - value_at), m);
		field = -1;
		n = name_length(line);
		if (n == 0) {
			/* "From " and ">From " lines of mailboxes that were concatenated. */
			if (any && (str_starts(line, S("From ")) || str_starts(line, S(">From "))))
				continue;
			if (any)
				mail_problem(m, PROBLEM_HEADER_BROKEN);
			return any;
		}
		any = true;
		if (kept > max) {
			mail_problem(m, PROBLEM_HEADER_LONG);
			continue;
		}
		of_field = next - *at < FIELD_MAX ? next - *at : FIELD_MAX;
		kept += of_field;
		for (int f = 0; f < FIELD_COUNT; f++) {
			if (str_eqi(str_sub(line, 0, n), str_of(field_names[f]))) {
				field = f;
				break;
			}
		}
		value_at = (size_t)((const char *)memchr(line.p, ':', line.n) - raw.p) + 1;
		value_end = (size_t)(line.p - raw.p) + line.n;
	}
	if (field >= 0)
		field_add(a, h, (enum field)field, str_sub(raw, value_at, value_end - value_at), m);
	if (*at < raw.n) {
		next = *at;
		if (line_at(raw, &next).n == 0)
			*at = next;
	}
	return any;
}

/* ---- text ------------------------------------------------------------------------------------- */

/* Controls, line and paragraph separators, direction overrides, byte order marks. */
static bool
is_steering(uint32_t cp)
{
	return cp < 32 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 ||
	    (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0xFEFF;
}

bool
is_clean_line(str s)
{
	uint32_t cp;

	for (size_t at = 0, n; at < s.n; at += n) {
		n = utf8_next(s, at, &cp);
		if (is_steering(cp) || (cp == 0xFFFD && n == 1))
			return false;
	}
	return true;
}

str
clean_line(struct arena *a, str s, size_t max)
{
	struct buf b;
	bool blank = false;
	uint32_t cp;
	size_t n;

	buf_init(&b, a, max);
	for (size_t at = 0; at < s.n && !b.over; at += n) {
		n = utf8_next(s, at, &cp);
		if (cp == ' ' || is_steering(cp)) {
			/* What was invisible joins; what was white separates. */
			blank |= cp <= ' ' || cp == 0x85 || cp == 0x2028 || cp == 0x2029;
			continue;
		}
		if (blank && b.n > 0)
			buf_byte(&b, ' ');
		blank = false;
		utf8_put(&b, cp);
	}
	while (b.n > 0 && b.p[b.n - 1] == ' ')
		b.n--;
	return buf_str(&b);
}

/* Neighbouring encoded words of one charset: their bytes are joined before they
 * become text, since many senders cut them within a character, and some within
 * a group of base64 digits. (gmime alone loses padded neighbours.) */
struct run {
	const char *canon;   /* NULL: unknown */
	int         words;   /* 0: no run */
	struct buf  bytes;
	str         digits;  /* at most three, to be read with the next word's */
};

/* What damaged base64 still holds. */
static str
lenient_bytes(struct arena *a, str digits)
{
	char *out = arena_alloc(a, 1, digits.n + 8, 1);
	GMimeEncoding state;
	size_t n;

	g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_BASE64);
	n = g_mime_encoding_step(&state, digits.p, digits.n, out);
	n += g_mime_encoding_flush(&state, "", 0, out + n);
	return (str){ out, n };
}

static void
add_base64(struct arena *a, struct run *r, str text)
{
	struct buf b;
	str digits, bytes;
	size_t whole;

	buf_init(&b, a, r->digits.n + text.n + 1);
	buf_add(&b, r->digits);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ' ')
			buf_byte(&b, text.p[i]);
	digits = buf_str(&b);
	whole = digits.n - digits.n % 4;
	r->digits = (str){ 0 };
	if (base64_to(a, digits, &bytes))
		buf_add(&r->bytes, bytes);
	else if (digits.n % 4 > 0 && base64_to(a, str_sub(digits, 0, whole), &bytes)) {
		buf_add(&r->bytes, bytes);
		r->digits = str_sub(digits, whole, digits.n);
	} else
		buf_add(&r->bytes, lenient_bytes(a, digits));
}

/* RFC 2047 4.2; a NUL is a blank. */
static void
add_quoted(struct run *r, str text)
{
	for (size_t i = 0; i < text.n; i++) {
		int high = text.p[i] == '=' && i + 2 < text.n ? g_ascii_xdigit_value(text.p[i + 1]) : -1;
		int low = high >= 0 ? g_ascii_xdigit_value(text.p[i + 2]) : -1;
		char c = text.p[i] == '_' ? ' ' : text.p[i];

		if (low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		}
		buf_byte(&r->bytes, c != 0 ? c : ' ');
	}
}

static void
run_end(struct arena *a, struct run *r, struct buf *out)
{
	const char *canon = r->canon;
	str bytes;

	if (r->words == 0)
		return;
	buf_add(&r->bytes, lenient_bytes(a, r->digits));
	bytes = buf_str(&r->bytes);
	if (canon == NULL || strcmp(canon, "utf-8") == 0)
		canon = utf8_valid(bytes) || (canon != NULL && r->words > 1) ? "utf-8" : "windows-1252";
	if (bytes.n > 0) {
		buf_fmt(out, "=?%s?b?", canon);
		buf_add(out, base64_of(a, bytes));
		buf_add(out, S("?="));
	}
	*r = (struct run){ 0 };
}

static bool
same_charset(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The encoded words of a value, joined, in base64 and in charsets that are
 * loaded, see above. Every byte is looked at a constant number of times: once
 * no "?=" is left, none is searched for again. */
static str
tame_words(struct arena *a, str v, struct mail *m)
{
	struct run run = { 0 };
	struct buf b;
	size_t at = 0;

	if (str_find(v, S("=?")) == SIZE_MAX)
		return v;
	buf_init(&b, a, 16 * FIELD_MAX);
	while (at < v.n) {
		str rest = str_sub(v, at, v.n), charset, text, between;
		size_t start = str_find(rest, S("=?")), q, end;
		const char *canon;
		char how;

		if (start == SIZE_MAX)
			break;
		between = str_sub(rest, 0, start);
		if (str_trim(between).n > 0)
			run_end(a, &run, &b);
		at += start;
		rest = str_sub(v, at + 2, v.n);
		for (q = 0; q < rest.n && q < 75 && rest.p[q] != '?' && rest.p[q] != ' '; q++)
			;
		if (q == 0 || q + 3 > rest.n || rest.p[q] != '?' || rest.p[q + 2] != '?' ||
		    strchr("qQbB", rest.p[q + 1]) == NULL) {
			run_end(a, &run, &b);
			buf_add(&b, between);
			buf_add(&b, S("=?"));
			at += 2;
			continue;
		}
		charset = str_sub(rest, 0, q);
		how = (char)(rest.p[q + 1] | 0x20);
		text = str_sub(rest, q + 3, rest.n);
		end = str_find(text, S("?="));
		if (end == SIZE_MAX) {
			at -= start;
			break;
		}
		canon = charset_canon(charset);
		if (canon == NULL)
			mail_problem(m, PROBLEM_CHARSET_UNKNOWN);
		else if (strcmp(canon, "us-ascii") == 0)
			canon = "utf-8";
		if (run.words > 0 && !same_charset(run.canon, canon))
			run_end(a, &run, &b);
		if (run.words++ == 0) {
			buf_add(&b, between);
			run.canon = canon;
			buf_init(&run.bytes, a, FIELD_MAX);
		}
		text = str_sub(text, 0, end);
		if (how == 'b')
			add_base64(a, &run, text);
		else
			add_quoted(&run, text);
		at += 2 + q + 3 + end + 2;
	}
	run_end(a, &run, &b);
	buf_add(&b, str_sub(v, at, v.n));
	return buf_str(&b);
}

str
head_text(struct arena *a, str value, size_t max, struct mail *m)
{
	char *text = g_mime_utils_header_decode_text(NULL, str_z(a, tame_words(a, value, m)));
	str out = clean_line(a, utf8_mend(a, str_of(text)), max);

	g_free(text);
	return out;
}

/* ---- ids and dates ---------------------------------------------------------------------------- */

/* The next id of a References-like value, without <>; "" at its end. Ids are
 * compared and sent back in headers, so only what is safe there is one. */
static str
next_id(str *rest)
{
	for (;;) {
		size_t lt = 0, n = 0;
		str id;

		while (lt < rest->n && rest->p[lt] != '<')
			lt++;
		*rest = str_sub(*rest, lt + 1, rest->n);
		if (rest->n == 0)
			return S("");
		while (n < rest->n && (unsigned char)rest->p[n] > 32 && rest->p[n] != '<' && rest->p[n] != '>')
			n++;
		id = str_sub(*rest, 0, n);
		if (n < rest->n && rest->p[n] == '>' && n > 0 && n <= 512) {
			*rest = str_sub(*rest, n + 1, rest->n);
			return id;
		}
		*rest = str_sub(*rest, n, rest->n);
	}
}

str
head_id(struct arena *a, str value)
{
	str rest = value, id = next_id(&rest), t = str_trim(value);

	/* Some senders forget the brackets. */
	if (id.n == 0 && t.n <= 512 && str_find(t, S("@")) != SIZE_MAX) {
		id = t;
		for (size_t i = 0; i < t.n; i++)
			if ((unsigned char)t.p[i] <= 32 || strchr("<>\",;", t.p[i]) != NULL)
				return S("");
	}
	return clean_line(a, id, 512);
}

static void
references(struct arena *a, str value, struct mail *m)
{
	str rest = value, id;
	int count = 0, at = 0;

	while (next_id(&rest).n > 0)
		count++;
	if (count == 0)
		return;
	/* The newest are the ones that find the ticket. */
	m->references = NEW(a, str, count < REFERENCES_MAX ? count : REFERENCES_MAX);
	for (rest = value; (id = next_id(&rest)).n > 0; at++)
		if (count - at <= REFERENCES_MAX)
			m->references[m->reference_count++] = clean_line(a, id, 512);
}

/* RFC 5322 3.3 and what is found instead of it: the words in any order, a
 * two-digit year, a zone by name. */
usec
head_date(struct arena *a, str v)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	static const struct { const char *name; int hours; } zones[] = {
		{ "est", -5 }, { "edt", -4 }, { "cst", -6 }, { "cdt", -5 }, { "mst", -7 }, { "mdt", -6 },
		{ "pst", -8 }, { "pdt", -7 }, { "cet", 1 }, { "cest", 2 }, { "bst", 1 },
	};
	int year = -1, month = 0, day = 0, hour = -1, minute = 0, second = 0, zone = 0;
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (v.n > 128)
		return 0;
	for (size_t i = 0; i < v.n;) {
		size_t start = i;
		str w;
		int64_t x;

		while (i < v.n && v.p[i] != ' ' && v.p[i] != '\t' && v.p[i] != ',' && v.p[i] != '(')
			i++;
		w = str_sub(v, start, i - start);
		if (i < v.n && v.p[i] == '(')
			break;               /* a comment: nothing but the zone's name follows */
		i++;
		if (w.n == 0)
			continue;
		if ((w.p[0] == '+' || w.p[0] == '-') && w.n == 6 && w.p[3] == ':')   /* ISO 8601's offset */
			w = str_printf(a, STR_F STR_F, STR_A(str_sub(w, 0, 3)), STR_A(str_sub(w, 4, 2)));
		if (memchr(w.p, ':', w.n) != NULL) {
			str rest = w, hh = str_cut(&rest, ':'), mm = str_cut(&rest, ':');
			int64_t h, mi, s = 0;

			if (!str_int(hh, &h) || !str_int(mm, &mi) || (rest.n > 0 && !str_int(str_sub(rest, 0, 2), &s)))
				return 0;
			if (h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60)
				return 0;
			hour = (int)h, minute = (int)mi, second = s == 60 ? 59 : (int)s;
		} else if ((w.p[0] == '+' || w.p[0] == '-') && w.n == 5 && str_int(str_sub(w, 1, 4), &x) && x >= 0) {
			zone = (int)(x / 100 * 60 + x % 100) * (w.p[0] == '-' ? -1 : 1);
		} else if (str_int(w, &x)) {
			if (day == 0 && x >= 1 && x <= 31 && w.n <= 2)
				day = (int)x;
			else if (year < 0 && w.n == 4 && x >= 0)
				year = (int)x;
			else if (year < 0 && w.n == 2 && x >= 0)
				year = (int)x + (x < 70 ? 2000 : 1900);
		} else if (w.n >= 3) {
			for (int k = 0; k < 12 && month == 0; k++)
				if (str_eqi(str_sub(w, 0, 3), (str){ months + 3 * k, 3 }))
					month = k + 1;
			for (size_t k = 0; k < COUNT(zones); k++)
				if (str_eqi(w, str_of(zones[k].name)))
					zone = zones[k].hours * 60;
		}
	}
	if (year < 1970 || year > 2200 || month == 0 || day == 0 || day > days[month - 1] || hour < 0)
		return 0;
	return time_of_civil(year, month, day, hour, minute, second) - (usec)zone * 60 * SECOND;
}

/* ---- addresses -------------------------------------------------------------------------------- */

static bool
is_atext(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80 ||
	    (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5321 4.5.3.1 lengths; no quoted local part and no domain literal: nobody
 * answers to those, and neither do we. */
str
head_addr(struct arena *a, str s)
{
	size_t at = SIZE_MAX;
	char *p;

	if (s.n > 254 || !utf8_valid(s) || !str_eq(clean_line(a, s, 254), s))
		return S("");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], before = i > 0 ? (unsigned char)s.p[i - 1] : '.';

		if (c == '@' && at == SIZE_MAX) {
			at = i;
		} else if (c == '.') {
			if (before == '.' || before == '@' || i + 1 == s.n || s.p[i + 1] == '@')
				return S("");
		} else if (at == SIZE_MAX ? !is_atext(c) : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c >= 0x80)) {
			return S("");
		}
	}
	if (at == SIZE_MAX || at == 0 || at > 64 || at + 1 == s.n)
		return S("");
	p = arena_alloc(a, 1, s.n + 1, 1);
	memcpy(p, s.p, s.n);
	for (size_t i = at; i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] | 0x20);
	return (str){ p, s.n };
}

struct list {
	struct mail_addr *addr;
	int               count, max;
	int               unusable;
	bool              cut;       /* gmime read less of an address than stands there: a@b of a@b@c */
};

/* Whether `addr` stands in `value` and ends there. */
static bool
stands_whole(str value, str addr)
{
	size_t from = 0, at;

	while ((at = str_find(str_sub(value, from, value.n), addr)) != SIZE_MAX) {
		size_t end = from + at + addr.n;

		if (end == value.n || strchr("> \t,;()", value.p[end]) != NULL)
			return true;
		from += at + 1;
	}
	return false;
}

static void
flatten(struct arena *a, InternetAddressList *in, str value, struct list *out, int depth)
{
	for (int i = 0; i < internet_address_list_length(in) && out->count < out->max; i++) {
		InternetAddress *ia = internet_address_list_get_address(in, i);
		const char *z;
		str addr;

		if (INTERNET_ADDRESS_IS_GROUP(ia)) {
			InternetAddressList *members = internet_address_group_get_members((InternetAddressGroup *)ia);

			if (members != NULL && depth < 2)
				flatten(a, members, value, out, depth + 1);
			continue;
		}
		z = internet_address_mailbox_get_addr((InternetAddressMailbox *)ia);
		addr = head_addr(a, str_of(z));
		if (addr.n > 0 && out->max == 2 && !stands_whole(value, str_of(z)))
			out->cut = true;
		if (addr.n == 0)
			out->unusable++;
		out->addr[out->count++] = (struct mail_addr){
			clean_line(a, utf8_mend(a, str_of(internet_address_get_name(ia))), 256), addr,
		};
	}
}

/* The mailboxes of a value, groups dissolved, unusable ones with addr "". */
static struct list
addresses(struct arena *a, str value, int max, struct mail *m)
{
	struct list l = { .max = max };
	InternetAddressList *in;
	char *z;
	int colons = 0;

	if (value.n == 0)
		return l;
	/* gmime recurses into "a:a:a:..." with every colon. */
	z = str_z(a, tame_words(a, value, m));
	for (char *c = z; *c != 0; c++)
		if (*c == ':' && ++colons > ADDRESSES_MAX)
			*c = ' ';
	l.addr = NEW(a, struct mail_addr, max);
	in = internet_address_list_parse(NULL, z);
	if (in != NULL) {
		flatten(a, in, value, &l, 0);
		g_object_unref(in);
	}
	return l;
}

/* A field that names one mailbox; anything else gives the empty one. */
static struct mail_addr
single(struct arena *a, const struct head *h, enum field f, struct mail *m)
{
	struct list l = addresses(a, h->value[f], 2, m);

	if (h->count[f] != 1 || l.count == 0 || l.cut)
		return (struct mail_addr){ 0 };
	return l.addr[0];
}

static struct mail_addr
author(struct arena *a, const struct head *h, struct mail *m)
{
	struct list l = addresses(a, h->value[F_FROM], 2, m);

	if (h->count[F_FROM] > 1) {
		mail_problem(m, PROBLEM_SEVERAL_FROM);
		return (struct mail_addr){ 0 };
	}
	if (l.count == 0 || l.cut)
		return (struct mail_addr){ 0 };
	if (l.count == 1)
		return l.addr[0];
	/* RFC 5322 3.6.2: with several authors, Sender says which one sent it. */
	mail_problem(m, PROBLEM_SEVERAL_FROM);
	for (int i = 0; i < l.count; i++)
		if (m->sender.addr.n > 0 && str_eq(l.addr[i].addr, m->sender.addr))
			return l.addr[i];
	return (struct mail_addr){ 0 };
}

static int
usable(struct list l, struct mail_addr **out)
{
	int n = 0;

	for (int i = 0; i < l.count; i++)
		if (l.addr[i].addr.n > 0)
			l.addr[n++] = l.addr[i];
	*out = l.addr;
	return n;
}

void
head_mail(struct arena *a, const struct head *h, usec now, struct mail *m)
{
	str refs;

	if (h->count[F_MESSAGE_ID] > 1)
		mail_problem(m, PROBLEM_SEVERAL_IDS);
	m->message_id = head_id(a, h->value[F_MESSAGE_ID]);
	refs = h->value[F_IN_REPLY_TO];
	m->in_reply_to = next_id(&refs);
	if (m->in_reply_to.n == 0)
		m->in_reply_to = head_id(a, h->value[F_IN_REPLY_TO]);
	m->in_reply_to = clean_line(a, m->in_reply_to, 512);
	references(a, h->value[F_REFERENCES], m);

	m->sender = single(a, h, F_SENDER, m);
	m->from = author(a, h, m);
	m->reply_to = single(a, h, F_REPLY_TO, m);
	m->return_path = single(a, h, F_RETURN_PATH, m);
	m->to_count = usable(addresses(a, h->value[F_TO], ADDRESSES_MAX, m), &m->to);
	m->cc_count = usable(addresses(a, h->value[F_CC], ADDRESSES_MAX, m), &m->cc);

	m->subject = head_text(a, h->value[F_SUBJECT], SUBJECT_MAX, m);
	m->date = head_date(a, h->value[F_DATE]);
	if (m->date < time_of_civil(1990, 1, 1, 0, 0, 0) || (now > 0 && m->date > now + 2 * 86400 * SECOND))
		m->date = 0;
}

/* ---- kinds ------------------------------------------------------------------------------------ */

/* The first word of a value: "auto-replied" of "auto-replied (vacation)". */
static str
keyword(str v)
{
	size_t n = 0;

	v = str_trim(v);
	while (n < v.n && v.p[n] != ' ' && v.p[n] != ';' && v.p[n] != '(' && v.p[n] != '\t')
		n++;
	return str_sub(v, 0, n);
}

static bool
local_part_is(str addr, str name)
{
	return addr.n > name.n && addr.p[name.n] == '@' && str_eqi(str_sub(addr, 0, name.n), name);
}

/* Words that mail systems put in front of the subject of an automatic reply. */
static bool
auto_subject(str s)
{
	static const char *const starts[] = {
		"Automatic reply:", "Auto:", "Autoreply:", "Auto-Reply:", "Out of Office:", "Out of Office AutoReply:",
		"Automatische Antwort:", "Abwesenheitsnotiz:", "Réponse automatique", "Respuesta automática:",
		"Risposta automatica:", "Automatisch antwoord:", "Resposta automática:", "Autosvar:",
	};

	for (size_t i = 0; i < COUNT(starts); i++)
		if (str_eqi(str_sub(s, 0, strlen(starts[i])), str_of(starts[i])))
			return true;
	return false;
}

/* RFC 3834 5 and RFC 5321 6.1; what the parts say (RFC 3464) is mime.c's. */
enum mail_kind
head_kind(const struct head *h, const struct mail *m)
{
	str submitted = keyword(h->value[F_AUTO_SUBMITTED]), precedence = keyword(h->value[F_PRECEDENCE]);
	bool null_path = h->count[F_RETURN_PATH] > 0 && str_eq(str_trim(h->value[F_RETURN_PATH]), S("<>"));

	if (h->count[F_LOOP] > 0 || h->count[F_RECEIVED] > 50)
		return MAIL_LOOP;
	if (local_part_is(m->from.addr, S("mailer-daemon")) || h->count[F_FAILED_RECIPIENTS] > 0)
		return MAIL_BOUNCE;
	if (submitted.n > 0 && !str_eqi(submitted, S("no")))
		return MAIL_AUTO_REPLY;
	if (h->count[F_X_AUTOREPLY] + h->count[F_X_AUTORESPOND] + h->count[F_X_AUTOREPLY_FROM] +
	    h->count[F_X_MAIL_AUTOREPLY] > 0 && !str_eqi(str_trim(h->value[F_X_AUTOREPLY]), S("no")))
		return MAIL_AUTO_REPLY;
	if (str_eqi(precedence, S("auto_reply")) || str_eqi(precedence, S("auto-reply")) || auto_subject(m->subject))
		return MAIL_AUTO_REPLY;
	if (null_path)
		return MAIL_BOUNCE;
	if (h->count[F_LIST_ID] > 0 || str_eqi(precedence, S("bulk")) || str_eqi(precedence, S("list")) ||
	    str_eqi(precedence, S("junk")))
		return MAIL_BULK;
	return MAIL_NORMAL;
}

/* ---- parameters -------------------------------------------------------------------------------- */

/* The charset in name*=charset'language'text (RFC 2231 4) as a loaded one. */
static str
tame_params(struct arena *a, str v, struct mail *m)
{
	struct buf b;
	size_t at = 0;

	if (str_find(v, S("*=")) == SIZE_MAX)
		return v;
	buf_init(&b, a, 4 * FIELD_MAX);
	while (at < v.n) {
		str rest = str_sub(v, at, v.n), name;
		size_t star = str_find(rest, S("*=")), n = 0;
		const char *canon;

		if (star == SIZE_MAX)
			break;
		star += 2;
		if (star < rest.n && rest.p[star] == '"')
			star++;
		buf_add(&b, str_sub(rest, 0, star));
		at += star;
		rest = str_sub(rest, star, rest.n);
		while (n < rest.n && n < 40 && strchr("';\" %", rest.p[n]) == NULL)
			n++;
		if (n == 0 || n == rest.n || rest.p[n] != '\'')
			continue;
		name = str_sub(rest, 0, n);
		canon = charset_canon(name);
		if (canon == NULL)
			mail_problem(m, PROBLEM_CHARSET_UNKNOWN);
		buf_add(&b, str_of(canon != NULL ? canon : "windows-1252"));
		at += n;
	}
	buf_add(&b, str_sub(v, at, v.n));
	return buf_str(&b);
}

/* RFC 2045 5.1, within its usual length. */
static bool
is_token(str s)
{
	if (s.n == 0 || s.n > 127)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 127 || strchr("()<>@,;:\\\"/[]?=", c) != NULL)
			return false;
	}
	return true;
}

struct params
head_params(struct arena *a, str value, bool disposition, struct mail *m)
{
	struct params p = { .type = S("") };
	str media, sub;
	GMimeParamList *list;
	const char *z;
	size_t semi = str_find(value, S(";"));

	/* One header field of many parts: 8 KiB say all that is wanted. */
	media = str_trim(str_sub(value, 0, semi));
	sub = media;
	if (disposition) {
		if (is_token(media))
			p.type = str_lower(a, media);
	} else {
		str main_type = str_trim(str_cut(&sub, '/'));

		sub = keyword(sub);
		if (is_token(main_type) && is_token(sub) && main_type.n + sub.n < 127) {
			str whole = str_printf(a, STR_F "/" STR_F, STR_A(main_type), STR_A(sub));

			p.type = str_lower(a, whole);
		}
	}
	if (semi == SIZE_MAX)
		return p;
	value = str_sub(value, semi + 1, 8 * KiB);
	list = g_mime_param_list_parse(NULL, str_z(a, tame_params(a, tame_words(a, value, m), m)));
	for (int i = 0; list != NULL && i < g_mime_param_list_length(list); i++) {
		GMimeParam *param = g_mime_param_list_get_parameter_at(list, i);
		static const struct { const char *name; size_t at; } rows[] = {
			{ "charset", offsetof(struct params, charset) }, { "boundary", offsetof(struct params, boundary) },
			{ "name", offsetof(struct params, name) }, { "filename", offsetof(struct params, name) },
			{ "format", offsetof(struct params, format) }, { "delsp", offsetof(struct params, delsp) },
			{ "report-type", offsetof(struct params, report_type) },
		};

		z = g_mime_param_get_value(param);
		for (size_t k = 0; k < COUNT(rows) && z != NULL; k++) {
			str *into = (str *)(void *)((char *)&p + rows[k].at);

			if (strcasecmp(g_mime_param_get_name(param), rows[k].name) == 0 && into->n == 0)
				*into = str_dup(a, charset_guess(a, str_of(z)));
		}
	}
	if (list != NULL)
		g_object_unref(list);
	return p;
}
