/* line.c - the lines of an export, written and read.
 *
 * Both formats are lines of text and hold the same: a header, the events in
 * order, in front of each trail.checkpoint event the note that it is about,
 * and the closing note. JSONL:
 *
 *     {"ward_trail":1,"account":1,"origin":"...","public_key":"base64","values":false}
 *     {"canonical":"...","hash":"hex","values":null}
 *     {"checkpoint":"note"}
 *     {"end":{"events":4711,"head":"hex","note":"note"}}
 *
 * CSV (RFC 4180): the names of the columns, then a row per line above, which
 * stands in the column `canonical` (of an event: its canonical line alone,
 * with hash and values in columns of their own). What `row` says about a row
 * is trail, event, checkpoint or end. The other columns are for people and say
 * what the canonical line and the values say. There are no line breaks inside
 * of cells. Cells that a spreadsheet would take for a formula (= + - @ tab CR
 * at the beginning) get an apostrophe in front.
 *
 * `values` is null when the export is without, or the event has none. Else:
 *
 *     {"fields":[{"name":"status","salt":"base64","before":"open","after":"solved",
 *       "elsewhere":true?,"redacted":"b" | "a" | "ba"?}],"sum":"hex"}
 *     {"erased":true,"sum":"hex"}
 *
 * Bytes that are not UTF-8 are in "before64" or "after64". A value that was
 * redacted since is not what was committed to. `sum`, the first 16 bytes of
 * SHA-256(hash of the event || the object up to the sum), tells at which event
 * values were changed by accident; against purpose there is the hash over all
 * lines in the closing note's signature.
 *
 * A line is read by taking out what it is made of, writing it again and
 * comparing: whatever else it holds is then not there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "trail/part.h"

enum { READ_STEP = 256 << 10, COLUMNS = 21, AT_CANONICAL = 18, AT_HASH = 19, AT_VALUES = 20, SUM_BYTES = 16 };

#define CSV_TOP "row,seq,time,kind,actor,role,how,action,object,id,parent,fields,changes,cause,request,via,address,client," \
	"canonical,hash,values\r\n"
#define JSON_TOP "{\"ward_trail\":1,"

str
export_top(enum trail_format format)
{
	return format == TRAIL_CSV ? S(CSV_TOP) : S(JSON_TOP);
}

void
export_hash(const struct trail_crypto *c, hash32 h, str line)
{
	unsigned char both[2 * HASH_BYTES];

	memcpy(both, h, HASH_BYTES);
	c->sha256(line, both + HASH_BYTES);
	c->sha256((str){ (char *)both, sizeof(both) }, h);
}

/* ---- small parts ----------------------------------------------------------------------------------- */

static void
put_hex(struct buf *b, const char *p, size_t n)
{
	char *out = buf_room(b, 2 * n);

	for (size_t i = 0; out != NULL && i < n; i++) {
		*out++ = "0123456789abcdef"[(unsigned char)p[i] >> 4];
		*out++ = "0123456789abcdef"[(unsigned char)p[i] & 15];
	}
}

static bool
cur_hex(struct cur *c, unsigned char *out, size_t n)
{
	if ((size_t)(c->end - c->p) < 2 * n || !hex_to((str){ c->p, 2 * n }, out, n))
		return false;
	c->p += 2 * n;
	return true;
}

static void
put_quoted_b64(struct buf *b, str s)
{
	buf_byte(b, '"');
	put_b64(b, (const unsigned char *)s.p, s.n);
	buf_byte(b, '"');
}

/* ---- values ---------------------------------------------------------------------------------------- */

static void
put_value(struct buf *b, str text_key, str bytes_key, str value)
{
	if (utf8_valid(value)) {
		buf_add(b, text_key);
		put_text(b, value);
	} else {
		buf_add(b, bytes_key);
		put_quoted_b64(b, value);
	}
}

static void
put_values(struct buf *b, const struct trail_crypto *c, const struct out_event *e)
{
	size_t from = b->n;
	str vals = e->vals;
	struct val v;
	struct buf summed;
	hash32 sum;

	if (e->state == VALS_NONE) {
		buf_add(b, S("null"));
		return;
	}
	buf_add(b, e->state == VALS_ERASED ? S("{\"erased\":true") : S("{\"fields\":["));
	for (bool first = true; e->state == VALS_OPEN && val_next(&vals, &v); first = false) {
		if (!first)
			buf_byte(b, ',');
		buf_add(b, S("{\"name\":"));
		put_text(b, v.name);
		buf_add(b, S(",\"salt\":"));
		put_quoted_b64(b, v.salt);
		if (v.has_before)
			put_value(b, S(",\"before\":"), S(",\"before64\":"), v.before);
		if (v.has_after)
			put_value(b, S(",\"after\":"), S(",\"after64\":"), v.after);
		if (v.elsewhere)
			buf_add(b, S(",\"elsewhere\":true"));
		if (v.before_changed || v.after_changed)
			buf_add(b, v.before_changed && v.after_changed ? S(",\"redacted\":\"ba\"")
			    : v.before_changed ? S(",\"redacted\":\"b\"") : S(",\"redacted\":\"a\""));
		buf_byte(b, '}');
	}
	if (e->state == VALS_OPEN)
		buf_byte(b, ']');
	if (b->over)
		return;
	buf_init(&summed, b->a, LINE_MAX_BYTES + HASH_BYTES);
	buf_add(&summed, e->hash);
	buf_add(&summed, (str){ b->p + from, b->n - from });
	c->sha256(buf_str(&summed), sum);
	buf_add(b, S(",\"sum\":\""));
	put_hex(b, (char *)sum, SUM_BYTES);
	buf_add(b, S("\"}"));
}

static bool
cur_value(struct arena *a, struct cur *c, str text_key, str bytes_key, bool *has, str *value)
{
	str raw;

	*has = true;
	if (cur_lit(c, text_key)) {
		if (!cur_text(c, &raw))
			return false;
		*value = text_of(a, raw);
	} else if (cur_lit(c, bytes_key)) {
		if (!cur_text(c, &raw) || !base64_to(a, raw, value))
			return false;
	} else
		*has = false;
	return true;
}

static bool
cur_record(struct arena *a, struct cur *c, struct val *out)
{
	char *salt = NEW(a, char, SALT_BYTES);
	struct val v = { .salt = { salt, SALT_BYTES } };

	if (!cur_lit(c, S("{\"name\":")) || !cur_text(c, &v.name) ||
	    !cur_lit(c, S(",\"salt\":")) || !cur_b64(c, (unsigned char *)salt, SALT_BYTES) ||
	    !cur_value(a, c, S(",\"before\":"), S(",\"before64\":"), &v.has_before, &v.before) ||
	    !cur_value(a, c, S(",\"after\":"), S(",\"after64\":"), &v.has_after, &v.after))
		return false;
	v.name = text_of(a, v.name);
	v.elsewhere = cur_lit(c, S(",\"elsewhere\":true"));
	if (cur_lit(c, S(",\"redacted\":\""))) {
		v.before_changed = cur_lit(c, S("b"));
		v.after_changed = cur_lit(c, S("a"));
		if (!cur_lit(c, S("\"")))
			return false;
	}
	*out = v;
	return cur_lit(c, S("}"));
}

/* The sum is not looked at: it is made again when the line is compared. */
static bool
cur_values(struct arena *a, struct cur *c, struct out_event *e)
{
	struct buf b, scratch;
	struct val v;
	unsigned char sum[SUM_BYTES];

	e->state = VALS_NONE;
	if (cur_lit(c, S("null")))
		return true;
	buf_init(&b, a, LINE_MAX_BYTES);
	buf_init(&scratch, a, LINE_MAX_BYTES);
	if (cur_lit(c, S("{\"erased\":true"))) {
		e->state = VALS_ERASED;
	} else {
		if (!cur_lit(c, S("{\"fields\":[")))
			return false;
		e->state = VALS_OPEN;
		do {
			if (!cur_record(a, c, &v))
				return false;
			val_put(&b, &scratch, &v);
		} while (cur_lit(c, S(",")));
		if (!cur_lit(c, S("]")) || b.over)
			return false;
	}
	e->vals = buf_str(&b);
	return cur_lit(c, S(",\"sum\":\"")) && cur_hex(c, sum, SUM_BYTES) && cur_lit(c, S("\"}"));
}

/* ---- CSV cells ------------------------------------------------------------------------------------- */

/* A cell that is always quoted, taken as it is. */
static void
put_raw_cell(struct buf *b, str s)
{
	size_t from = 0;

	buf_add(b, S(",\""));
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"') {
			buf_add(b, str_sub(s, from, i + 1 - from));
			from = i;
		}
	buf_add(b, str_sub(s, from, s.n));
	buf_byte(b, '"');
}

static bool
is_formula(str s)
{
	return s.n > 0 && memchr("=+-@\t\r", s.p[0], 6) != NULL;
}

/* A cell for people: safe, without controls. */
static void
put_cell(struct buf *b, str s)
{
	bool quote = s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' ');
	struct buf clean;

	buf_init(&clean, b->a, LINE_MAX_BYTES);
	if (is_formula(s))
		buf_byte(&clean, '\'');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char u = (unsigned char)s.p[i];
		buf_byte(&clean, u < 0x20 || u == 0x7f ? ' ' : (char)u);
		quote |= u == ',' || u == '"' || u < 0x20 || u == 0x7f;
	}
	b->over |= clean.over;
	if (quote) {
		put_raw_cell(b, buf_str(&clean));
	} else {
		buf_byte(b, ',');
		buf_add(b, buf_str(&clean));
	}
}

static void
put_text_cell(struct buf *b, str raw)
{
	put_cell(b, text_of(b->a, raw));
}

static void
put_int_cell(struct buf *b, int64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%lld", (long long)v);

	put_cell(b, (str){ digits, (size_t)n });
}

static void
put_id_cells(struct buf *b, const struct canon *c)
{
	struct buf ids;
	str rest = c->ids;
	int64_t id;

	buf_init(&ids, b->a, CANON_MAX);
	if (c->id != 0)
		buf_int(&ids, c->id);
	while (canon_id(&rest, &id)) {
		if (ids.n > 0)
			buf_byte(&ids, ' ');
		buf_int(&ids, id);
	}
	put_cell(b, buf_str(&ids));
	if (c->parent != 0)
		put_int_cell(b, c->parent);
	else
		buf_byte(b, ',');
}

static void
put_fields_cell(struct buf *b, const struct canon *c)
{
	str rest = c->fields, name;
	struct canon_field f;
	struct buf names;

	buf_init(&names, b->a, CANON_MAX);
	buf_add(&names, text_of(b->a, c->shown));
	while (canon_field(&rest, &f)) {
		name = text_of(b->a, f.name);
		if (str_starts(name, S("@")))
			continue;
		if (names.n > 0)
			buf_add(&names, S(", "));
		buf_add(&names, name);
		if (f.cause.n > 0)
			buf_add(&names, str_printf(b->a, " (" STR_F ")", STR_A(text_of(b->a, f.cause))));
	}
	put_cell(b, buf_str(&names));
}

/* Fields with what they were and became; the address, the client. */
static void
value_cells(struct arena *a, const struct out_event *e, str *changes, str *address, str *client)
{
	str vals = e->vals;
	struct buf b;
	struct val v;

	*address = *client = (str){0};
	buf_init(&b, a, LINE_MAX_BYTES);
	if (e->state == VALS_ERASED)
		buf_add(&b, S("(erased)"));
	while (e->state == VALS_OPEN && val_next(&vals, &v)) {
		if (str_eq(v.name, S("@address")))
			*address = utf8_mend(a, v.after);
		if (str_eq(v.name, S("@client")))
			*client = utf8_mend(a, v.after);
		if (str_starts(v.name, S("@")) || (!v.has_before && !v.has_after))
			continue;
		if (b.n > 0)
			buf_add(&b, S("; "));
		buf_add(&b, v.name);
		buf_add(&b, S(": "));
		if (v.has_before) {
			buf_add(&b, utf8_mend(a, v.before));
			buf_add(&b, S(" -> "));
		}
		buf_add(&b, v.has_after ? utf8_mend(a, v.after) : S("(none)"));
	}
	*changes = buf_str(&b);
}

static void
csv_event(struct buf *b, const struct trail_crypto *crypto, const struct out_event *e)
{
	const struct canon *c = &e->canon;
	str changes, address, client;
	struct buf values;

	value_cells(b->a, e, &changes, &address, &client);
	buf_add(b, S("event"));
	put_int_cell(b, c->seq);
	buf_byte(b, ',');
	buf_time(b, c->at);
	put_cell(b, c->kind == TRAIL_LOOK ? S("look") : S("change"));
	put_int_cell(b, c->actor);
	put_text_cell(b, c->role);
	put_text_cell(b, c->how);
	put_text_cell(b, c->action);
	put_text_cell(b, c->object);
	put_id_cells(b, c);
	put_fields_cell(b, c);
	put_cell(b, changes);
	put_text_cell(b, c->cause);
	put_text_cell(b, c->request);
	put_text_cell(b, c->via);
	put_cell(b, address);
	put_cell(b, client);
	put_raw_cell(b, e->canonical);
	buf_byte(b, ',');
	put_hex(b, e->hash.p, e->hash.n);
	buf_init(&values, b->a, LINE_MAX_BYTES);
	put_values(&values, crypto, e);
	b->over |= values.over;
	if (e->state == VALS_NONE)
		buf_byte(b, ',');
	else
		put_raw_cell(b, buf_str(&values));
	buf_add(b, S("\r\n"));
}

/* A row that is no event: what it is, and its line of JSON. */
static void
csv_line(struct buf *b, str row, str json)
{
	buf_add(b, row);
	buf_add(b, S(",,,,,,,,,,,,,,,,,"));
	put_raw_cell(b, json);
	buf_add(b, S(",,\r\n"));
}

/* Cuts a row into its cells; a cell in quotes is copied without them. */
static bool
csv_cells(struct arena *a, str line, str cells[COLUMNS])
{
	size_t at = 0;

	if (!str_ends(line, S("\r\n")))
		return false;
	line.n -= 2;
	for (int i = 0; i < COLUMNS; i++) {
		if (i > 0 && (at >= line.n || line.p[at++] != ','))
			return false;
		if (at >= line.n || line.p[at] != '"') {
			size_t from = at;
			while (at < line.n && line.p[at] != ',')
				at++;
			cells[i] = str_sub(line, from, at - from);
			continue;
		}
		const char *end = line.p + line.n, *p = line.p + at + 1, *q;
		char *out = NULL;
		size_t n = 0;
		for (;; p = q + 1) {
			if ((q = memchr(p, '"', (size_t)(end - p))) == NULL)
				return false;
			if (out == NULL)
				out = NEW(a, char, (size_t)(end - p) + 1);
			memcpy(out + n, p, (size_t)(q - p));
			n += (size_t)(q - p);
			if (q + 1 == end || q[1] != '"')
				break;
			out[n++] = '"';
			q++;
		}
		cells[i] = (str){ out, n };
		at = (size_t)(q + 1 - line.p);
	}
	return at == line.n;
}

/* ---- the header ------------------------------------------------------------------------------------ */

static void
json_header(struct buf *b, const struct out_header *h)
{
	buf_add(b, S(JSON_TOP "\"account\":"));
	buf_int(b, h->account);
	buf_add(b, S(",\"origin\":"));
	put_text(b, h->origin);
	buf_add(b, S(",\"public_key\":"));
	put_quoted_b64(b, (str){ (const char *)h->public_key, 32 });
	buf_add(b, h->values ? S(",\"values\":true}") : S(",\"values\":false}"));
}

void
export_header(struct buf *b, const struct trail_crypto *c UNUSED, enum trail_format f, const struct out_header *h)
{
	struct buf json;

	if (f == TRAIL_JSONL) {
		json_header(b, h);
		buf_byte(b, '\n');
		return;
	}
	buf_init(&json, b->a, 4 * KiB);
	json_header(&json, h);
	csv_line(b, S("trail"), buf_str(&json));
}

/* Is `b` what the line says, byte for byte? */
static bool
same(const struct buf *b, str line)
{
	return !b->over && str_eq(buf_str(b), line);
}

/* The JSON that a line carries: itself, or a cell. */
static bool
json_of(struct arena *a, enum trail_format f, str line, str *json)
{
	str cells[COLUMNS];

	if (f == TRAIL_JSONL) {
		*json = str_sub(line, 0, line.n - (str_ends(line, S("\n")) ? 1 : 0));
		return true;
	}
	if (!csv_cells(a, line, cells))
		return false;
	*json = cells[AT_CANONICAL];
	return true;
}

bool
export_header_read(struct arena *a, const struct trail_crypto *c, enum trail_format f, str line, struct out_header *out)
{
	struct out_header h = {0};
	struct buf b;
	struct cur k;
	str json;

	if (line.n > 8 * KiB || !json_of(a, f, line, &json))
		return false;
	k = cur_of(json);
	if (!cur_lit(&k, S(JSON_TOP "\"account\":")) || !cur_num(&k, &h.account) ||
	    !cur_lit(&k, S(",\"origin\":")) || !cur_text(&k, &h.origin) ||
	    !cur_lit(&k, S(",\"public_key\":")) || !cur_b64(&k, h.public_key, 32) || !cur_lit(&k, S(",\"values\":")))
		return false;
	h.values = cur_lit(&k, S("true"));
	h.origin = text_of(a, h.origin);
	buf_init(&b, a, 32 * KiB);
	export_header(&b, c, f, &h);
	if (!same(&b, line) || h.origin.n == 0 || h.origin.n > 100)
		return false;
	*out = h;
	return true;
}

/* ---- events ---------------------------------------------------------------------------------------- */

void
export_event(struct buf *b, const struct trail_crypto *c, enum trail_format f, const struct out_event *e)
{
	if (f == TRAIL_CSV) {
		csv_event(b, c, e);
		return;
	}
	buf_add(b, S("{\"canonical\":"));
	put_text(b, e->canonical);
	buf_add(b, S(",\"hash\":\""));
	put_hex(b, e->hash.p, e->hash.n);
	buf_add(b, S("\",\"values\":"));
	put_values(b, c, e);
	buf_add(b, S("}\n"));
}

static bool
json_event(struct arena *a, str line, struct out_event *e)
{
	struct cur c = cur_of(line);
	unsigned char *hash = NEW(a, unsigned char, HASH_BYTES);
	str raw;

	if (!cur_lit(&c, S("{\"canonical\":")) || !cur_text(&c, &raw) ||
	    !cur_lit(&c, S(",\"hash\":\"")) || !cur_hex(&c, hash, HASH_BYTES) ||
	    !cur_lit(&c, S("\",\"values\":")) || !cur_values(a, &c, e) || !cur_lit(&c, S("}\n")) || !cur_end(&c))
		return false;
	e->canonical = text_of(a, raw);
	e->hash = (str){ (char *)hash, HASH_BYTES };
	return true;
}

static bool
cells_event(struct arena *a, str line, struct out_event *e)
{
	unsigned char *hash = NEW(a, unsigned char, HASH_BYTES);
	str cells[COLUMNS];
	struct cur c;

	if (!csv_cells(a, line, cells) || !hex_to(cells[AT_HASH], hash, HASH_BYTES))
		return false;
	c = cur_of(cells[AT_VALUES]);
	if (cells[AT_VALUES].n == 0)
		e->state = VALS_NONE;
	else if (!cur_values(a, &c, e) || !cur_end(&c))
		return false;
	e->canonical = cells[AT_CANONICAL];
	e->hash = (str){ (char *)hash, HASH_BYTES };
	return true;
}

bool
export_event_read(struct arena *a, const struct trail_crypto *c, enum trail_format f, str line, struct out_event *out)
{
	struct out_event e = {0};
	struct buf b;

	if (!(f == TRAIL_CSV ? cells_event(a, line, &e) : json_event(a, line, &e)) ||
	    e.canonical.n > CANON_MAX || !canon_read(e.canonical, &e.canon))
		return false;
	buf_init(&b, a, LINE_MAX_BYTES);
	export_event(&b, c, f, &e);
	if (!same(&b, line))
		return false;
	*out = e;
	return true;
}

/* ---- checkpoints and the end ----------------------------------------------------------------------- */

void
export_checkpoint(struct buf *b, enum trail_format f, str note)
{
	struct buf json;

	if (f == TRAIL_JSONL) {
		checkpoint_line(b, note);
		return;
	}
	buf_init(&json, b->a, (size_t)8 * NOTE_MAX);
	checkpoint_line(&json, note);
	b->over |= json.over;
	csv_line(b, S("checkpoint"), str_trim(buf_str(&json)));
}

bool
export_checkpoint_read(struct arena *a, enum trail_format f, str line, str *note)
{
	struct buf b;
	struct cur k;
	str json, raw;

	if (line.n > (size_t)16 * NOTE_MAX || !json_of(a, f, line, &json))
		return false;
	k = cur_of(json);
	if (!cur_lit(&k, S("{\"checkpoint\":")) || !cur_text(&k, &raw))
		return false;
	raw = text_of(a, raw);
	buf_init(&b, a, (size_t)16 * NOTE_MAX);
	export_checkpoint(&b, f, raw);
	*note = raw;
	return same(&b, line);
}

static void
json_end(struct buf *b, const struct out_end *e)
{
	buf_add(b, S("{\"end\":{\"events\":"));
	buf_int(b, e->events);
	buf_add(b, S(",\"head\":\""));
	put_hex(b, e->head.p, e->head.n);
	buf_add(b, S("\",\"note\":"));
	put_text(b, e->note);
	buf_add(b, S("}}"));
}

void
export_end(struct buf *b, enum trail_format f, const struct out_end *e)
{
	struct buf json;

	if (f == TRAIL_JSONL) {
		json_end(b, e);
		buf_byte(b, '\n');
		return;
	}
	buf_init(&json, b->a, (size_t)8 * NOTE_MAX);
	json_end(&json, e);
	b->over |= json.over;
	csv_line(b, S("end"), buf_str(&json));
}

bool
export_end_read(struct arena *a, enum trail_format f, str line, struct out_end *out)
{
	unsigned char *head = NEW(a, unsigned char, HASH_BYTES);
	struct out_end e = { .head = { (char *)head, HASH_BYTES } };
	struct buf b;
	struct cur k;
	str json;

	if (line.n > (size_t)16 * NOTE_MAX || !json_of(a, f, line, &json))
		return false;
	k = cur_of(json);
	if (!cur_lit(&k, S("{\"end\":{\"events\":")) || !cur_num(&k, &e.events) ||
	    !cur_lit(&k, S(",\"head\":\"")) || !cur_hex(&k, head, HASH_BYTES) ||
	    !cur_lit(&k, S("\",\"note\":")) || !cur_text(&k, &e.note))
		return false;
	e.note = text_of(a, e.note);
	buf_init(&b, a, (size_t)16 * NOTE_MAX);
	export_end(&b, f, &e);
	*out = e;
	return same(&b, line);
}

enum line_kind
export_kind(enum trail_format f, str line)
{
	static const struct { str json, csv; enum line_kind kind; } kinds[] = {
		{ S("{\"canonical\":"),  S("event,"),      LINE_EVENT },
		{ S("{\"checkpoint\":"), S("checkpoint,"), LINE_CHECKPOINT },
		{ S("{\"end\":"),        S("end,"),        LINE_END },
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_starts(line, f == TRAIL_CSV ? kinds[i].csv : kinds[i].json))
			return kinds[i].kind;
	return LINE_BAD;
}

/* ---- reading lines --------------------------------------------------------------------------------- */

enum lines_got
lines_next(struct lines *l, str *line)
{
	size_t looked = 0;
	ssize_t n;
	char *end, *grown;

	for (;;) {
		end = l->n > looked ? memchr(l->p + l->at + looked, '\n', l->n - looked) : NULL;
		if (end != NULL || (l->eof && l->n > 0)) {
			size_t len = end != NULL ? (size_t)(end + 1 - (l->p + l->at)) : l->n;
			*line = (str){ l->p + l->at, len };
			l->at += len;
			l->n -= len;
			return end != NULL ? LINES_LINE : LINES_PART;
		}
		if (l->eof)
			return LINES_END;
		looked = l->n;
		if (l->n > LINE_MAX_BYTES)
			return LINES_LONG;
		if (l->at > 0 && l->n > 0)
			memmove(l->p, l->p + l->at, l->n);
		l->at = 0;
		if (l->cap - l->n < READ_STEP) {
			size_t cap = l->cap + (l->cap / 2 > READ_STEP ? l->cap / 2 : READ_STEP);
			if ((grown = realloc(l->p, cap)) == NULL)
				return LINES_FAULT;
			l->p = grown;
			l->cap = cap;
		}
		if ((n = read(l->fd, l->p + l->n, READ_STEP)) < 0)
			return LINES_FAULT;
		l->eof = n == 0;
		l->n += (size_t)n;
	}
}

void
lines_done(struct lines *l)
{
	if (l->p != NULL)
		wipe(l->p, l->cap);
	free(l->p);
	l->p = NULL;
	fd_close(&l->fd);
}
