/* canon.c - an event's canonical line and its values.
 *
 * The line is what is hashed, so there is exactly one way to write an event:
 * these members in this order, no blanks, those marked ? left out when they
 * are 0, empty or absent. Numbers are decimal integers; texts are escaped as
 * RFC 8785 3.2.2.2 says; bytes are RFC 4648 base64.
 *
 *     {"v":1,"account":1,"lane":1,"seq":17,"at":1767607200000000,
 *      "clock":N?           the request's clock, when more than a second off `at`
 *      "kind":"change",     or "look"
 *      "actor":5,"role":"agent","how":"token","token":N?,"session":N?,
 *      "action":"ticket.update","object":"ticket",
 *      "id":42? or "ids":[1,2,3]?,"parent":N?,"shown":"subject,comments"?,
 *      "cause":"..."?,"request":"..."?,"via":"api"?,
 *      "fields":[{"name":"status","cause":"..."?,"b":"...","a":"...","elsewhere":true?}]?,
 *      "key":N?             the data key of the values; none: the trail's of the month
 *      "vals":"..."?        SHA-256 of the values as they were sealed
 *      "note":"..."?        of a checkpoint: SHA-256 of its note
 *      "resealed":[[17,"..."],[18,null]]?   what became of earlier events' values: the
 *                           new SHA-256, or null when they were erased
 *     }
 *
 * (shown in lines here, one line in truth). `at` never goes back along a
 * chain: a clock that did is seen by `clock`. "b" and "a" are commitments to
 * the value before and after: SHA-256(salt || name || 0 || 'b' or 'a' ||
 * value). They say nothing without the salt, which is erased with the value.
 * The request's address and user agent are the fields "@address" and
 * "@client"; no other name begins with @. `elsewhere`: the value is kept by
 * whoever appended the event (a comment's text), here is the salt only. A
 * field's own `cause` is the rule that changed it after what the event tells
 * of: a name stands there once for each that changed it, in their order.
 *
 * The values are one sealed pack (base: pack.c) of records, tag 1, in the
 * fields' order. In a record: 1 name, 2 salt, 3 before, 4 after, 5 flags, one
 * byte (1 elsewhere, 2 before was rewritten, 4 after was). They are sealed to
 * ("trail", "vals", seq), so a value moved to another event does not open, and
 * a value taken away or replaced does not have the hash that the line tells,
 * also when the key is long destroyed.
 *
 * Reading is as strict as writing: a line that reads well is byte for byte
 * what would be written again, except that invalid UTF-8 is refused.
 */
#include "trail/part.h"

enum { TAG_RECORD = 1 };
enum { TAG_NAME = 1, TAG_SALT, TAG_BEFORE, TAG_AFTER, TAG_FLAGS };
enum { FLAG_ELSEWHERE = 1, FLAG_BEFORE_CHANGED = 2, FLAG_AFTER_CHANGED = 4 };

static const char *const roles[] = {
	[ROLE_END_USER] = "end-user", [ROLE_AGENT] = "agent", [ROLE_ADMIN] = "admin", [ROLE_SYSTEM] = "system",
};
const struct who who_system = { .role = "system", .how = "system" };

/* ---- the small parts ------------------------------------------------------------------------------- */

bool
cur_lit(struct cur *c, str s)
{
	if ((size_t)(c->end - c->p) < s.n || memcmp(c->p, s.p, s.n) != 0)
		return false;
	c->p += s.n;
	return true;
}

bool
cur_num(struct cur *c, int64_t *out)
{
	const char *p = c->p;
	bool negative = p < c->end && *p == '-';
	uint64_t v = 0, most = negative ? (uint64_t)1 << 63 : INT64_MAX;
	const char *first;

	p += negative;
	for (first = p; p < c->end && *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (v > (most - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (p == first || (*first == '0' && (p - first > 1 || negative)))
		return false;
	*out = negative ? (int64_t)-v : (int64_t)v;
	c->p = p;
	return true;
}

static int
hex_digit(char h)
{
	return h >= '0' && h <= '9' ? h - '0' : h >= 'a' && h <= 'f' ? h - 'a' + 10 : -1;
}

/* The escape at p (behind the backslash): its length, or 0; *out is the byte. */
static size_t
escape(const char *p, const char *end, char *out)
{
	static const char letters[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
	const char *at;
	int v;

	if (p == end)
		return 0;
	if (*p != '\0' && (at = strchr(letters, *p)) != NULL) {
		*out = bytes[at - letters];
		return 1;
	}
	if (end - p < 5 || memcmp(p, "u00", 3) != 0 || hex_digit(p[3]) < 0 || hex_digit(p[4]) < 0)
		return 0;
	v = hex_digit(p[3]) << 4 | hex_digit(p[4]);
	if (v >= 0x20 || (v != 0 && strchr(bytes, v) != NULL))    /* has a shorter form */
		return 0;
	*out = (char)v;
	return 5;
}

bool
cur_text(struct cur *c, str *raw)
{
	const char *p = c->p;
	bool high = false;
	char byte;
	size_t n;

	if (p == c->end || *p++ != '"')
		return false;
	for (; p < c->end && *p != '"'; p++) {
		unsigned char u = (unsigned char)*p;
		if (u < 0x20)
			return false;
		high |= u >= 0x80;
		if (u != '\\')
			continue;
		if ((n = escape(p + 1, c->end, &byte)) == 0)
			return false;
		p += n;
	}
	if (p >= c->end)
		return false;
	*raw = (str){ c->p + 1, (size_t)(p - c->p - 1) };
	if (high && !utf8_valid(*raw))
		return false;
	c->p = p + 1;
	return true;
}

str
text_of(struct arena *a, str raw)
{
	char *out;
	size_t n = 0;

	if (raw.n == 0 || memchr(raw.p, '\\', raw.n) == NULL)
		return raw;
	out = NEW(a, char, raw.n);
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] != '\\')
			out[n++] = raw.p[i];
		else
			i += escape(raw.p + i + 1, raw.p + raw.n, &out[n++]);
	}
	return (str){ out, n };
}

void
put_text(struct buf *b, str s)
{
	static const char letter[32] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	size_t from = 0;

	buf_byte(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char u = (unsigned char)s.p[i];
		if (u >= 0x20 && u != '"' && u != '\\')
			continue;
		buf_add(b, str_sub(s, from, i - from));
		from = i + 1;
		if (u >= 0x20 || letter[u] != 0) {
			buf_byte(b, '\\');
			buf_byte(b, u >= 0x20 ? (char)u : letter[u]);
		} else {
			buf_add(b, S("\\u00"));
			buf_byte(b, (char)('0' + (u >> 4)));
			buf_byte(b, "0123456789abcdef"[u & 15]);
		}
	}
	buf_add(b, str_sub(s, from, s.n));
	buf_byte(b, '"');
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
put_b64(struct buf *b, const unsigned char *p, size_t n)
{
	char *out = buf_room(b, (n + 2) / 3 * 4);

	if (out == NULL)
		return;
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0u);
		*out++ = digits64[v >> 18];
		*out++ = digits64[v >> 12 & 63];
		*out++ = i + 1 < n ? digits64[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits64[v & 63] : '=';
	}
}

/* What a character stands for, plus one; 0: nothing. */
static const unsigned char values64[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The bits behind the last byte must be zero, so that bytes have one text only. */
bool
cur_bare_b64(struct cur *c, unsigned char *out, size_t n)
{
	size_t padded = (n + 2) / 3 * 4;
	const unsigned char *p = (const unsigned char *)c->p;

	if ((size_t)(c->end - c->p) < padded)
		return false;
	for (size_t made = 0; made < n; made += 3, p += 4) {
		unsigned d[4], v = 0, left = n - made >= 3 ? 3 : (unsigned)(n - made);
		for (unsigned i = 0; i < 4; i++) {
			d[i] = values64[p[i]];
			if (i <= left ? d[i] == 0 : p[i] != '=')
				return false;
			v = v << 6 | (i <= left ? d[i] - 1 : 0);
		}
		if (left < 3 && (v & (left == 1 ? 0xffff : 0xff)) != 0)
			return false;
		for (unsigned i = 0; i < left; i++)
			out[made + i] = (unsigned char)(v >> (16 - 8 * i));
	}
	c->p += padded;
	return true;
}

bool
cur_b64(struct cur *c, unsigned char *out, size_t n)
{
	struct cur k = *c;

	if (!cur_lit(&k, S("\"")) || !cur_bare_b64(&k, out, n) || !cur_lit(&k, S("\"")))
		return false;
	*c = k;
	return true;
}

/* ---- writing --------------------------------------------------------------------------------------- */

/* Of what a client may have sent: kept when it is harmless in every log. */
static str
plain_word(str s)
{
	if (s.n > 64)
		return (str){0};
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._:-", c) != NULL) ||
		    c == '\0')
			return (str){0};
	}
	return s;
}

struct who
who_of(const struct ctx *cx)
{
	const struct actor *a = cx->actor;

	return (struct who){
		.actor = a != NULL ? a->user_id : 0,
		.token = a != NULL ? a->token_id : 0,
		.session = a != NULL ? a->session_id : 0,
		.role = a != NULL && (size_t)a->role < COUNT(roles) ? roles[a->role] : "nobody",
		.how = a != NULL && a->how != NULL ? a->how : "nobody",
		.request = plain_word(cx->request_id),
		.via = plain_word(str_of(cx->via)),
	};
}

static void
kint(struct buf *b, str key, int64_t v)
{
	buf_add(b, key);
	buf_int(b, v);
}

static void
kint_opt(struct buf *b, str key, int64_t v)
{
	if (v != 0)
		kint(b, key, v);
}

static void
ktext(struct buf *b, str key, str v)
{
	buf_add(b, key);
	put_text(b, utf8_mend(b->a, v));
}

static void
ktext_opt(struct buf *b, str key, str v)
{
	if (v.n != 0)
		ktext(b, key, v);
}

static void
khash(struct buf *b, str key, const unsigned char *hash)
{
	buf_add(b, key);
	buf_byte(b, '"');
	put_b64(b, hash, HASH_BYTES);
	buf_byte(b, '"');
}

void
canon_write(struct buf *b, const struct draft *d, int64_t account, int64_t seq, usec at, const unsigned char *vals)
{
	kint(b, S("{\"v\":1,\"account\":"), account);
	kint(b, S(",\"lane\":"), LANE);
	kint(b, S(",\"seq\":"), seq);
	kint(b, S(",\"at\":"), at);
	if (d->now > at + SECOND || d->now < at - SECOND)
		kint_opt(b, S(",\"clock\":"), d->now);
	buf_add(b, d->kind == TRAIL_LOOK ? S(",\"kind\":\"look\"") : S(",\"kind\":\"change\""));
	kint(b, S(",\"actor\":"), d->who.actor);
	ktext(b, S(",\"role\":"), str_of(d->who.role));
	ktext(b, S(",\"how\":"), str_of(d->who.how));
	kint_opt(b, S(",\"token\":"), d->who.token);
	kint_opt(b, S(",\"session\":"), d->who.session);
	ktext(b, S(",\"action\":"), d->action);
	ktext(b, S(",\"object\":"), d->object);
	if (d->id_count > 0) {
		buf_add(b, S(",\"ids\":["));
		for (int i = 0; i < d->id_count; i++) {
			if (i > 0)
				buf_byte(b, ',');
			buf_int(b, d->ids[i]);
		}
		buf_byte(b, ']');
	} else
		kint_opt(b, S(",\"id\":"), d->id);
	kint_opt(b, S(",\"parent\":"), d->parent);
	ktext_opt(b, S(",\"shown\":"), d->shown);
	ktext_opt(b, S(",\"cause\":"), d->cause);
	ktext_opt(b, S(",\"request\":"), d->who.request);
	ktext_opt(b, S(",\"via\":"), d->who.via);
	if (d->fields.n != 0) {
		buf_add(b, S(",\"fields\":["));
		buf_add(b, d->fields);
		buf_byte(b, ']');
	}
	kint_opt(b, S(",\"key\":"), d->key);
	if (vals != NULL)
		khash(b, S(",\"vals\":"), vals);
	if (d->has_note)
		khash(b, S(",\"note\":"), d->note);
	if (d->resealed.n != 0) {
		buf_add(b, S(",\"resealed\":["));
		buf_add(b, d->resealed);
		buf_byte(b, ']');
	}
	buf_byte(b, '}');
}

void
genesis(const struct trail_crypto *c, str origin, int64_t account, hash32 out)
{
	char text[160];
	struct buf b = { .p = text, .cap = sizeof(text), .max = sizeof(text) };

	buf_add(&b, S("ward trail 1\n"));
	buf_add(&b, origin);
	buf_byte(&b, '\n');
	buf_int(&b, account);
	c->sha256(buf_str(&b), out);
}

/* ---- values ---------------------------------------------------------------------------------------- */

void
val_put(struct buf *b, struct buf *scratch, const struct val *v)
{
	char flags = (char)((v->elsewhere ? FLAG_ELSEWHERE : 0) | (v->before_changed ? FLAG_BEFORE_CHANGED : 0) |
	    (v->after_changed ? FLAG_AFTER_CHANGED : 0));

	scratch->n = 0;
	pack_put(scratch, TAG_NAME, v->name);
	pack_put(scratch, TAG_SALT, v->salt);
	if (v->has_before)
		pack_put(scratch, TAG_BEFORE, v->before);
	if (v->has_after)
		pack_put(scratch, TAG_AFTER, v->after);
	if (flags != 0)
		pack_put(scratch, TAG_FLAGS, (str){ &flags, 1 });
	pack_put(b, TAG_RECORD, buf_str(scratch));
	b->over |= scratch->over;
}

bool
val_next(str *rest, struct val *out)
{
	struct val v = {0};
	str record, value;
	uint8_t tag;

	if (!pack_next(rest, &tag, &record) || tag != TAG_RECORD)
		return false;
	while (pack_next(&record, &tag, &value))
		switch (tag) {
		case TAG_NAME:   v.name = value; break;
		case TAG_SALT:   v.salt = value; break;
		case TAG_BEFORE: v.before = value; v.has_before = true; break;
		case TAG_AFTER:  v.after = value; v.has_after = true; break;
		case TAG_FLAGS:
			v.elsewhere = value.n == 1 && (value.p[0] & FLAG_ELSEWHERE) != 0;
			v.before_changed = value.n == 1 && (value.p[0] & FLAG_BEFORE_CHANGED) != 0;
			v.after_changed = value.n == 1 && (value.p[0] & FLAG_AFTER_CHANGED) != 0;
			break;
		}
	if (record.n != 0 || v.salt.n != SALT_BYTES)
		return false;
	*out = v;
	return true;
}

void
val_commit(const struct trail_crypto *c, struct arena *a, const struct val *v, char side, hash32 out)
{
	str value = side == 'b' ? v->before : v->after;
	char small[256], *p = small;
	size_t n = v->salt.n + v->name.n + 2 + value.n, at = 0;

	if (n > sizeof(small))
		p = NEW(a, char, n);
	memcpy(p, v->salt.p, v->salt.n);
	at += v->salt.n;
	if (v->name.n > 0)
		memcpy(p + at, v->name.p, v->name.n);
	at += v->name.n;
	p[at++] = '\0';
	p[at++] = side;
	if (value.n > 0)
		memcpy(p + at, value.p, value.n);
	c->sha256((str){ p, n }, out);
	wipe(p, n);
}

struct pair { struct buf fields, vals, scratch; };

static void
add_field(const struct trail_crypto *c, struct pair *p, const struct val *v, str cause, bool commit_only)
{
	struct val kept = *v;
	hash32 h;

	if (p->fields.n != 0)
		buf_byte(&p->fields, ',');
	ktext(&p->fields, S("{\"name\":"), v->name);
	ktext_opt(&p->fields, S(",\"cause\":"), cause);
	if (v->has_before) {
		val_commit(c, p->fields.a, v, 'b', h);
		khash(&p->fields, S(",\"b\":"), h);
	}
	if (v->has_after) {
		val_commit(c, p->fields.a, v, 'a', h);
		khash(&p->fields, S(",\"a\":"), h);
	}
	buf_add(&p->fields, commit_only ? S(",\"elsewhere\":true}") : S("}"));
	if (commit_only) {
		kept.elsewhere = true;
		kept.has_before = kept.has_after = false;
	}
	val_put(&p->vals, &p->scratch, &kept);
}

enum err
draft_values(struct ctx *cx, const struct trail_crypto *c, const struct trail_field *f, int count, struct draft *d)
{
	int total = count + (cx->address.n != 0) + (cx->client.n != 0);
	struct { str name, value; } request[] = { { S("@address"), cx->address }, { S("@client"), cx->client } };
	struct pair p;
	char *salts;

	if (total == 0)
		return OK;
	buf_init(&p.fields, cx->arena, CANON_MAX / 2);
	buf_init(&p.vals, cx->arena, VALS_MAX);
	buf_init(&p.scratch, cx->arena, VALS_MAX);
	salts = NEW(cx->arena, char, SALT_BYTES * (size_t)total);
	rand_bytes(salts, SALT_BYTES * (size_t)total);
	for (int i = 0; i < count; i++, salts += SALT_BYTES) {
		str name = utf8_mend(cx->arena, str_of(f[i].name));
		if (name.n == 0 || name.p[0] == '@')
			return fail(cx, E_FAULT, "trail", "a field has no name, or one of the trail's own");
		add_field(c, &p, &(struct val){ .name = name, .salt = { salts, SALT_BYTES },
		    .before = f[i].has_before ? reveal(cx, f[i].before, TO_STORE) : (str){0},
		    .after = f[i].has_after ? reveal(cx, f[i].after, TO_STORE) : (str){0},
		    .has_before = f[i].has_before, .has_after = f[i].has_after }, f[i].cause, f[i].commit_only);
	}
	for (size_t i = 0; i < COUNT(request); i++)
		if (request[i].value.n != 0) {
			add_field(c, &p, &(struct val){ .name = request[i].name, .salt = { salts, SALT_BYTES },
			    .after = request[i].value, .has_after = true }, S(""), false);
			salts += SALT_BYTES;
		}
	if (p.fields.over || p.vals.over)
		return fail(cx, E_LIMIT, "trail", "the change is too large for one event");
	d->fields = buf_str(&p.fields);
	d->vals = buf_str(&p.vals);
	return OK;
}

/* A value that is rewritten since, or kept elsewhere, has nothing to be compared with. */
static bool
side_matches(const struct trail_crypto *c, struct arena *a, const struct val *v, char side, bool committed,
    const hash32 want)
{
	bool has = side == 'b' ? v->has_before : v->has_after;
	bool changed = side == 'b' ? v->before_changed : v->after_changed;
	hash32 got;

	if (v->elsewhere)
		return !has && !changed;
	if (has != committed)
		return false;
	if (!has || changed)
		return has || !changed;
	val_commit(c, a, v, side, got);
	return memcmp(got, want, sizeof(got)) == 0;
}

bool
vals_match(const struct trail_crypto *c, struct arena *a, const struct canon *line, str packed)
{
	str fields = line->fields;
	struct canon_field f;
	struct val v;

	while (canon_field(&fields, &f))
		if (!val_next(&packed, &v) || !str_eq(v.name, text_of(a, f.name)) || v.elsewhere != f.elsewhere ||
		    !side_matches(c, a, &v, 'b', f.has_before, f.before) ||
		    !side_matches(c, a, &v, 'a', f.has_after, f.after))
			return false;
	return fields.n == 0 && packed.n == 0;
}

/* ---- reading --------------------------------------------------------------------------------------- */

static bool
opt_num(struct cur *c, str key, int64_t *out)
{
	return !cur_lit(c, key) || (cur_num(c, out) && *out != 0);
}

static bool
opt_text(struct cur *c, str key, str *out)
{
	return !cur_lit(c, key) || (cur_text(c, out) && out->n != 0);
}

static bool
opt_hash(struct cur *c, str key, bool *has, hash32 out)
{
	*has = cur_lit(c, key);
	return !*has || cur_b64(c, out, HASH_BYTES);
}

bool
canon_field(str *rest, struct canon_field *out)
{
	struct cur c = cur_of(*rest);
	struct canon_field f = {0};

	if (!cur_lit(&c, S("{\"name\":")) || !cur_text(&c, &f.name) || !opt_text(&c, S(",\"cause\":"), &f.cause) ||
	    !opt_hash(&c, S(",\"b\":"), &f.has_before, f.before) ||
	    !opt_hash(&c, S(",\"a\":"), &f.has_after, f.after))
		return false;
	f.elsewhere = cur_lit(&c, S(",\"elsewhere\":true"));
	if (!cur_lit(&c, S("}")) || (!cur_end(&c) && (!cur_lit(&c, S(",")) || cur_end(&c))))
		return false;
	*rest = (str){ c.p, (size_t)(c.end - c.p) };
	*out = f;
	return true;
}

bool
canon_id(str *rest, int64_t *id)
{
	struct cur c = cur_of(*rest);

	if (!cur_num(&c, id) || (!cur_end(&c) && (!cur_lit(&c, S(",")) || cur_end(&c))))
		return false;
	*rest = (str){ c.p, (size_t)(c.end - c.p) };
	return true;
}

bool
canon_resealed(str *rest, int64_t *seq, bool *erased, hash32 vals)
{
	struct cur c = cur_of(*rest);

	if (!cur_lit(&c, S("[")) || !cur_num(&c, seq) || !cur_lit(&c, S(",")))
		return false;
	*erased = cur_lit(&c, S("null"));
	if ((!*erased && !cur_b64(&c, vals, HASH_BYTES)) || !cur_lit(&c, S("]")) ||
	    (!cur_end(&c) && (!cur_lit(&c, S(",")) || cur_end(&c))))
		return false;
	*rest = (str){ c.p, (size_t)(c.end - c.p) };
	return true;
}

/* The inside of a list behind `key`, up to the "]" that ends it; a bracket
 * inside a text does not count. */
static bool
opt_list(struct cur *c, str key, str *inside)
{
	int depth = 0;
	str skipped;
	const char *from;

	if (!cur_lit(c, key))
		return true;
	for (from = c->p; c->p < c->end; ) {
		if (*c->p == '"') {
			if (!cur_text(c, &skipped))
				return false;
			continue;
		}
		if (*c->p == ']' && depth-- == 0)
			break;
		depth += *c->p++ == '[';
	}
	*inside = (str){ from, (size_t)(c->p - from) };
	return inside->n != 0 && cur_lit(c, S("]"));
}

static bool
lists_good(const struct canon *l)
{
	str ids = l->ids, fields = l->fields, resealed = l->resealed;
	struct canon_field f;
	int64_t n;
	bool erased;
	hash32 h;

	while (ids.n != 0)
		if (!canon_id(&ids, &n))
			return false;
	while (fields.n != 0)
		if (!canon_field(&fields, &f))
			return false;
	while (resealed.n != 0)
		if (!canon_resealed(&resealed, &n, &erased, h))
			return false;
	return true;
}

bool
canon_read(str line, struct canon *out)
{
	struct cur c = cur_of(line);
	struct canon l = {0};
	bool look;

	if (!cur_lit(&c, S("{\"v\":1,\"account\":")) || !cur_num(&c, &l.account) ||
	    !cur_lit(&c, S(",\"lane\":")) || !cur_num(&c, &l.lane) ||
	    !cur_lit(&c, S(",\"seq\":")) || !cur_num(&c, &l.seq) ||
	    !cur_lit(&c, S(",\"at\":")) || !cur_num(&c, &l.at) ||
	    !opt_num(&c, S(",\"clock\":"), &l.clock))
		return false;
	look = cur_lit(&c, S(",\"kind\":\"look\""));
	l.kind = look ? TRAIL_LOOK : TRAIL_CHANGE;
	if ((!look && !cur_lit(&c, S(",\"kind\":\"change\""))) ||
	    !cur_lit(&c, S(",\"actor\":")) || !cur_num(&c, &l.actor) ||
	    !cur_lit(&c, S(",\"role\":")) || !cur_text(&c, &l.role) ||
	    !cur_lit(&c, S(",\"how\":")) || !cur_text(&c, &l.how) ||
	    !opt_num(&c, S(",\"token\":"), &l.token) ||
	    !opt_num(&c, S(",\"session\":"), &l.session) ||
	    !cur_lit(&c, S(",\"action\":")) || !cur_text(&c, &l.action) ||
	    !cur_lit(&c, S(",\"object\":")) || !cur_text(&c, &l.object) ||
	    !opt_list(&c, S(",\"ids\":["), &l.ids) ||
	    (l.ids.n == 0 && !opt_num(&c, S(",\"id\":"), &l.id)) ||
	    !opt_num(&c, S(",\"parent\":"), &l.parent) ||
	    !opt_text(&c, S(",\"shown\":"), &l.shown) ||
	    !opt_text(&c, S(",\"cause\":"), &l.cause) ||
	    !opt_text(&c, S(",\"request\":"), &l.request) ||
	    !opt_text(&c, S(",\"via\":"), &l.via) ||
	    !opt_list(&c, S(",\"fields\":["), &l.fields) ||
	    !opt_num(&c, S(",\"key\":"), &l.key) ||
	    !opt_hash(&c, S(",\"vals\":"), &l.has_vals, l.vals) ||
	    !opt_hash(&c, S(",\"note\":"), &l.has_note, l.note) ||
	    !opt_list(&c, S(",\"resealed\":["), &l.resealed) ||
	    !cur_lit(&c, S("}")) || !cur_end(&c) || !lists_good(&l))
		return false;
	*out = l;
	return true;
}
