/* json.c - JSON out by a streaming writer, JSON in by jansson behind limits.
 *
 * The writer knows one thing beside the buf: whether the next value or key
 * needs a comma before it. A value and the end of a container set it, a key
 * and the start of a container clear it.
 *
 * Escaped are what RFC 8259 7 demands (quote, backslash, controls) and U+2028
 * and U+2029, which end a line in JavaScript before ES2019. Everything else is
 * copied in runs; with SSE2 sixteen bytes are looked at in one step.
 */
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/base.h"

enum { DEPTH_MAX = 64 };

/* ---- writing -------------------------------------------------------------------------------- */

/* cap is n once the buf is over, see arena.c; so this is the whole check. */
static inline char *
room(struct buf *b, size_t n)
{
	if (n <= b->cap - b->n && b->p != NULL) {
		b->n += n;
		return b->p + b->n - n;
	}
	return buf_room(b, n);
}

void
jw_init(struct json *j, struct buf *b)
{
	*j = (struct json){ .b = b };
}

/* A comma if one is due, and then n bytes to write into. */
static inline char *
value_room(struct json *j, size_t n)
{
	char *p = room(j->b, n + j->comma);

	if (p != NULL && j->comma)
		*p++ = ',';
	j->comma = true;
	return p;
}

static inline void
literal(struct json *j, str s)
{
	char *p = value_room(j, s.n);

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
}

void
jw_obj(struct json *j)
{
	literal(j, S("{"));
	j->comma = false;
}

void
jw_end_obj(struct json *j)
{
	j->comma = false;
	literal(j, S("}"));
}

void
jw_arr(struct json *j)
{
	literal(j, S("["));
	j->comma = false;
}

void
jw_end_arr(struct json *j)
{
	j->comma = false;
	literal(j, S("]"));
}

void
jw_key(struct json *j, const char *key)
{
	size_t n = strlen(key);
	char *p = value_room(j, n + 3);

	if (p != NULL) {
		p[0] = '"';
		memcpy(p + 1, key, n);
		p[n + 1] = '"';
		p[n + 2] = ':';
	}
	j->comma = false;
}

void
jw_key_str(struct json *j, str key)
{
	jw_str(j, key);
	buf_byte(j->b, ':');
	j->comma = false;
}

/* Bytes that end a run: 1 escape it, 2 look at the whole character. */
static const unsigned char stops[256] = {
	[0 ... 0x1F] = 1, ['"'] = 1, ['\\'] = 1, [0x80 ... 0xFF] = 2,
};

/* The offset of the next byte from `at` on that ends a run, or s.n. What is
 * left of the last step is looked at together with bytes before it, so that a
 * text of 16 bytes or more needs no loop over single ones. */
static inline size_t
run_end(str s, size_t at)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');

	while (s.n >= 16 && at < s.n) {
		size_t from = s.n - at >= 16 ? at : s.n - 16;
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.p + from));
		/* Compared as signed, bytes from 0x80 on are below the space too. */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit) >> (at - from);

		if (mask != 0)
			return at + (size_t)__builtin_ctz(mask);
		at = from + 16;
	}
#endif
	while (at < s.n && stops[(unsigned char)s.p[at]] == 0)
		at++;
	return at;
}

static void
escape(struct buf *b, unsigned char c)
{
	static const char digit[] = "0123456789abcdef";
	static const char name[256] = {
		['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};
	char e[6] = { '\\', name[c] };

	if (name[c] != 0) {
		buf_add(b, (str){ e, 2 });
		return;
	}
	memcpy(e + 1, "u00", 3);
	e[4] = digit[c >> 4];
	e[5] = digit[c & 15];
	buf_add(b, (str){ e, 6 });
}

void
jw_str(struct json *j, str s)
{
	struct buf *b = j->b;
	size_t from = 0, at, n;
	uint32_t cp;
	char *p;

	at = run_end(s, 0);
	if (at == s.n) {
		/* Nearly all of them: nothing to escape, one copy. */
		if ((p = value_room(j, s.n + 2)) == NULL)
			return;
		p[0] = '"';
		if (s.n > 0)
			memcpy(p + 1, s.p, s.n);
		p[s.n + 1] = '"';
		return;
	}
	literal(j, S("\""));
	for (; at < s.n; at = run_end(s, at)) {
		if (stops[(unsigned char)s.p[at]] == 1) {
			buf_add(b, str_sub(s, from, at - from));
			escape(b, (unsigned char)s.p[at]);
			from = ++at;
			continue;
		}
		n = utf8_next(s, at, &cp);
		if (n > 1 && cp != 0x2028 && cp != 0x2029) {
			at += n;
			continue;
		}
		buf_add(b, str_sub(s, from, at - from));
		buf_add(b, n == 1 ? S("\xEF\xBF\xBD") : cp == 0x2028 ? S("\\u2028") : S("\\u2029"));
		from = at += n;
	}
	buf_add(b, str_sub(s, from, s.n));
	buf_byte(b, '"');
}

void
jw_int(struct json *j, int64_t v)
{
	value_room(j, 0);
	buf_int(j->b, v);
}

void
jw_bool(struct json *j, bool v)
{
	literal(j, v ? S("true") : S("false"));
}

void
jw_null(struct json *j)
{
	literal(j, S("null"));
}

void
jw_time(struct json *j, usec t)
{
	if (t == 0) {
		jw_null(j);
		return;
	}
	literal(j, S("\""));
	buf_time(j->b, t);
	buf_byte(j->b, '"');
}

void
jw_raw(struct json *j, str valid_json)
{
	literal(j, valid_json);
}

void
jw_kstr(struct json *j, const char *key, str s)
{
	jw_key(j, key);
	jw_str(j, s);
}

void
jw_kz(struct json *j, const char *key, const char *z)
{
	jw_key(j, key);
	if (z != NULL)
		jw_str(j, str_of(z));
	else
		jw_null(j);
}

void
jw_kint(struct json *j, const char *key, int64_t v)
{
	jw_key(j, key);
	jw_int(j, v);
}

void
jw_kid(struct json *j, const char *key, int64_t id)
{
	jw_key(j, key);
	if (id != 0)
		jw_int(j, id);
	else
		jw_null(j);
}

void
jw_kbool(struct json *j, const char *key, bool v)
{
	jw_key(j, key);
	jw_bool(j, v);
}

void
jw_knull(struct json *j, const char *key)
{
	jw_key(j, key);
	jw_null(j);
}

void
jw_ktime(struct json *j, const char *key, usec t)
{
	jw_key(j, key);
	jw_time(j, t);
}

void
jw_kraw(struct json *j, const char *key, str valid_json)
{
	jw_key(j, key);
	jw_raw(j, valid_json);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A tree that is read comes out of its arena, which wipes all of it at once, and
 * not piece by piece; what is added to it later, and every other tree, is
 * malloc's. jansson frees both, so a piece of an arena stands between two places
 * where malloc's could stand. */
static _Thread_local struct arena *reading;
enum { PLACE = 16, BESIDE = 8 };
_Static_assert(alignof(max_align_t) == PLACE, "what malloc gives is known by its place");

static void *
tree_malloc(size_t n)
{
	if (reading == NULL)
		return malloc(n);
	if (n > PTRDIFF_MAX - BESIDE)
		return NULL;
	return (char *)arena_alloc(reading, 1, n + BESIDE, PLACE) + BESIDE;
}

/* A tree holds what patients wrote, and jansson frees it piece by piece. */
static void
wiping_free(void *p)
{
	if (p == NULL || (uintptr_t)p % PLACE == BESIDE)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

/* The seed is given because jansson would take it from /dev/urandom, which a
 * sandboxed process cannot open, and else from the time and the process id. */
static void
prepare(void)
{
	size_t seed = (size_t)rand_u64();

	json_set_alloc_funcs(tree_malloc, wiping_free);
	json_object_seed(seed != 0 ? seed : 1);
}

/* Whether brackets outside strings nest deeper than DEPTH_MAX anywhere.
 * jansson recurses per level up to 2,048; this is asked before it starts. */
static bool
too_deep(str s)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return false;
}

/* ---- the quick reader -------------------------------------------------------------------------

 * jansson looks at each byte five times and takes 12 ns for it, which made the
 * reading of a 2 KB ticket cost as much as storing it sealed. Nearly all JSON
 * is plain: containers, strings, short integers. Such a text becomes the same
 * tree here by one pass, strings found in runs; for anything else (a fraction,
 * a number of 19 digits, whatever is wrong) quick() gives up, and jansson reads
 * the whole from the start and says what is the matter. The text is valid UTF-8
 * without a raw NUL, but is not NUL-terminated. */

struct quick {
	const char   *p, *end;
	struct arena *a;
	int           depth;
};

static json_t *quick_value(struct quick *q);

static void
blanks(struct quick *q)
{
	while (q->p < q->end && (*q->p == ' ' || *q->p == '\n' || *q->p == '\r' || *q->p == '\t'))
		q->p++;
}

static bool
four_digits(struct quick *q, uint32_t *out)
{
	uint32_t v = 0;

	if (q->end - q->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *q->p++;
		uint32_t d = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
		    : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;
		if (d == 16)
			return false;
		v = v << 4 | d;
	}
	*out = v;
	return true;
}

/* What stands behind a backslash. */
static bool
quick_escape(struct quick *q, struct buf *b)
{
	static const char plain[256] = {
		['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
	};
	uint32_t c, low;

	if (q->p == q->end)
		return false;
	if (plain[(unsigned char)*q->p] != 0)
		return buf_byte(b, plain[(unsigned char)*q->p++]), true;
	if (*q->p++ != 'u' || !four_digits(q, &c))
		return false;
	if (c >= 0xD800 && c <= 0xDFFF) {
		if (c > 0xDBFF || q->end - q->p < 2 || q->p[0] != '\\' || q->p[1] != 'u')
			return false;
		q->p += 2;
		if (!four_digits(q, &low) || low < 0xDC00 || low > 0xDFFF)
			return false;
		c = 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
	}
	utf8_put(b, c);
	return true;
}

/* q->p stands behind the opening quote; then behind the closing one. */
static bool
quick_string(struct quick *q, str *out)
{
	str rest = { q->p, (size_t)(q->end - q->p) };
	const char *from = q->p;
	struct buf b = { .p = NULL };

	for (;;) {
		size_t at = run_end(rest, (size_t)(q->p - rest.p));
		q->p = rest.p + at;
		if (at == rest.n || (unsigned char)*q->p < ' ')
			return false;
		if ((unsigned char)*q->p >= 0x80) {
			while (q->p < q->end && (unsigned char)*q->p >= 0x80)
				q->p++;
		} else if (*q->p == '"') {
			break;
		} else {
			if (b.a == NULL)
				buf_init(&b, q->a, rest.n);
			buf_add(&b, (str){ from, (size_t)(q->p - from) });
			q->p++;
			if (!quick_escape(q, &b))
				return false;
			from = q->p;
		}
	}
	*out = (str){ from, (size_t)(q->p - from) };
	if (b.a != NULL) {
		buf_add(&b, *out);
		*out = buf_str(&b);
	}
	q->p++;
	return true;
}

static json_t *
quick_object(struct quick *q)
{
	json_t *o = json_object(), *v;
	str key;

	q->p++;
	blanks(q);
	if (q->p < q->end && *q->p == '}')
		return q->p++, o;
	while (o != NULL) {
		v = NULL;
		if (q->p < q->end && *q->p++ == '"' && quick_string(q, &key) && key.n > 0 && memchr(key.p, 0, key.n) == NULL &&
		    json_object_getn(o, key.p, key.n) == NULL) {
			blanks(q);
			if (q->p < q->end && *q->p++ == ':')
				v = quick_value(q);
		}
		if (v == NULL || json_object_setn_new_nocheck(o, key.p, key.n, v) != 0)
			break;
		blanks(q);
		if (q->p == q->end || (*q->p != ',' && *q->p != '}'))
			break;
		if (*q->p++ == '}')
			return o;
		blanks(q);
	}
	json_decref(o);
	return NULL;
}

static json_t *
quick_array(struct quick *q)
{
	json_t *a = json_array();

	q->p++;
	blanks(q);
	if (q->p < q->end && *q->p == ']')
		return q->p++, a;
	while (a != NULL) {
		if (json_array_append_new(a, quick_value(q)) != 0)      /* also of NULL */
			break;
		blanks(q);
		if (q->p == q->end || (*q->p != ',' && *q->p != ']'))
			break;
		if (*q->p++ == ']')
			return a;
	}
	json_decref(a);
	return NULL;
}

/* Of at most 15 digits: they and the power of ten are doubles without loss, so
 * that one division rounds as strtod() does. */
static json_t *
quick_fraction(struct quick *q, bool minus, int64_t digits, int count)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	int n = 0;
	double v;

	for (q->p++; q->p < q->end && *q->p >= '0' && *q->p <= '9' && count + n < 15; n++)
		digits = digits * 10 + (*q->p++ - '0');
	if (n == 0 || (q->p < q->end && ((*q->p >= '0' && *q->p <= '9') || *q->p == 'e' || *q->p == 'E')))
		return NULL;
	v = (double)digits / power[n];
	return json_real(minus ? -v : v);
}

static json_t *
quick_number(struct quick *q)
{
	bool minus = *q->p == '-';
	const char *from = q->p += minus;
	int64_t v = 0;

	while (q->p < q->end && *q->p >= '0' && *q->p <= '9' && q->p - from < 18)
		v = v * 10 + (*q->p++ - '0');
	if (q->p == from || (*from == '0' && q->p - from > 1))
		return NULL;
	if (q->p < q->end && *q->p == '.' && q->p - from < 15)
		return quick_fraction(q, minus, v, (int)(q->p - from));
	if (q->p < q->end && ((*q->p >= '0' && *q->p <= '9') || *q->p == '.' || *q->p == 'e' || *q->p == 'E'))
		return NULL;
	return json_integer(minus ? -v : v);
}

static bool
word(struct quick *q, str w)
{
	if ((size_t)(q->end - q->p) < w.n || memcmp(q->p, w.p, w.n) != 0)
		return false;
	q->p += w.n;
	return true;
}

static json_t *
quick_value(struct quick *q)
{
	json_t *v = NULL;
	str s;

	blanks(q);
	if (q->p == q->end || q->depth == DEPTH_MAX)
		return NULL;
	q->depth++;
	switch (*q->p) {
	case '{': v = quick_object(q); break;
	case '[': v = quick_array(q); break;
	case '"':
		q->p++;
		v = quick_string(q, &s) ? json_stringn_nocheck(s.p != NULL ? s.p : "", s.n) : NULL;
		break;
	case 't': v = word(q, S("true")) ? json_true() : NULL; break;
	case 'f': v = word(q, S("false")) ? json_false() : NULL; break;
	case 'n': v = word(q, S("null")) ? json_null() : NULL; break;
	default:  v = quick_number(q); break;
	}
	q->depth--;
	return v;
}

/* NULL when the text is not of the plain kind, or no JSON. */
static json_t *
quick(struct arena *a, str text)
{
	struct quick q = { text.p, text.p + text.n, a, 0 };
	json_t *v = quick_value(&q);

	blanks(&q);
	if (v != NULL && q.p == q.end)
		return v;
	json_decref(v);
	return NULL;
}

static void
free_tree(void *tree)
{
	json_decref(tree);
}

json_t *
json_again(struct ctx *cx, str text)
{
	json_t *tree;

	if (text.n == 0)
		return NULL;
	pthread_once(&prepared, prepare);
	reading = cx->arena;
	tree = quick(cx->arena, text);
	if (tree == NULL)
		tree = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	reading = NULL;
	return tree;
}

enum err
json_parse(struct ctx *cx, str text, struct json_t **out)
{
	json_error_t e;
	json_t *tree;
	bool deep;

	if (!utf8_valid(text))
		return fail(cx, E_INVALID, NULL, "the JSON text is not valid UTF-8");
	/* jansson takes a raw NUL for the end of the text. */
	if (text.n > 0 && memchr(text.p, 0, text.n) != NULL)
		return fail(cx, E_INVALID, NULL, "not valid JSON");
	pthread_once(&prepared, prepare);
	reading = cx->arena;
	tree = text.n > 0 ? quick(cx->arena, text) : NULL;
	deep = tree == NULL && too_deep(text);
	if (tree == NULL && !deep)
		tree = json_loadb(text.n > 0 ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	reading = NULL;
	if (deep)
		return fail(cx, E_INVALID, NULL, "the JSON text is nested too deeply");
	if (tree != NULL) {
		arena_defer(cx->arena, free_tree, tree);
		*out = tree;
		return OK;
	}
	/* Its own words quote the text, so they are not passed on. */
	switch (json_error_code(&e)) {
	case json_error_duplicate_key:
		return fail(cx, E_INVALID, NULL, "a key is given twice in a JSON object");
	case json_error_numeric_overflow:
		return fail(cx, E_INVALID, NULL, "a number in the JSON text is too large");
	case json_error_premature_end_of_input:
		return fail(cx, E_INVALID, NULL, "the JSON text ends too early");
	case json_error_null_byte_in_key:
		return fail(cx, E_INVALID, NULL, "a JSON key holds a NUL");
	case json_error_out_of_memory:
		return fail(cx, E_FAULT, NULL, "out of memory");
	default:
		return fail(cx, E_INVALID, NULL, "not valid JSON");
	}
}
