/* JSON out: what is escaped, where commas go. JSON in: what is refused. */
#include <jansson.h>
#include <malloc.h>
#include <math.h>

#include "rows.h"
#include "base/base.h"

/* ---- writing -------------------------------------------------------------------------------- */

static const struct {
	const char *why;
	str text, json;
} escapes[] = {
	{ "nothing",                      S(""), S("\"\"") },
	{ "plain",                        S("plain"), S("\"plain\"") },
	{ "a quote",                      S("a\"b"), S("\"a\\\"b\"") },
	{ "a backslash",                  S("a\\b"), S("\"a\\\\b\"") },
	{ "controls with short names",    S("\b\f\n\r\t"), S("\"\\b\\f\\n\\r\\t\"") },
	{ "other controls",               S("\0\x01\x1F"), S("\"\\u0000\\u0001\\u001f\"") },
	{ "DEL needs none",               S("\x7F"), S("\"\x7F\"") },
	{ "markup and slash stay",        S("</script>&'"), S("\"</script>&'\"") },
	{ "UTF-8 is copied",              S("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), S("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"") },
	{ "U+2028 and U+2029",            S("a\xE2\x80\xA8" "b\xE2\x80\xA9"), S("\"a\\u2028b\\u2029\"") },
	{ "their neighbours stay",        S("\xE2\x80\xA7\xE2\x80\xAA"), S("\"\xE2\x80\xA7\xE2\x80\xAA\"") },
	{ "an invalid byte",              S("a\xFFz"), S("\"a\xEF\xBF\xBDz\"") },
	{ "each invalid byte",            S("\xED\xA0\x80"), S("\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"") },
	{ "truncated at the end",         S("a\xE2\x82"), S("\"a\xEF\xBF\xBD\xEF\xBF\xBD\"") },
	{ "a continuation eats no quote", S("\xC3\""), S("\"\xEF\xBF\xBD\\\"\"") },
	{ "an escape at 15 of 16",        S("123456789012345\n"), S("\"123456789012345\\n\"") },
	{ "an escape at 16 of 17",        S("1234567890123456\n"), S("\"1234567890123456\\n\"") },
	{ "runs between escapes",         S("aaaaaaaaaaaaaaaaaaaa\"bbbbbbbbbbbbbbbbbbbb\nc"), S("\"aaaaaaaaaaaaaaaaaaaa\\\"bbbbbbbbbbbbbbbbbbbb\\nc\"") },
};

static void
escape_row(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	struct buf b;
	struct json j;

	buf_init(&b, a, KiB);
	jw_init(&j, &b);
	jw_str(&j, escapes[i].text);
	assert_true(str_eq(buf_str(&b), escapes[i].json));
	arena_free(&a);
}

/* Every byte at every place of a text of 40: jansson must read back the text. */
static void
every_byte_at_every_place(void **state)
{
	(void)state;
	for (size_t at = 0; at < 40; at++) {
		for (int c = 0; c < 256; c++) {
			struct ctx cx;
			struct buf b;
			struct json j;
			json_t *tree;
			char text[40];
			str s = { text, sizeof(text) }, want;

			ctx_init(&cx, NULL, 1);
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			buf_init(&b, cx.arena, KiB);
			jw_init(&j, &b);
			jw_str(&j, s);
			want = c < 0x80 ? s : utf8_mend(cx.arena, s);
			assert_int_equal(json_parse(&cx, buf_str(&b), &tree), OK);
			assert_int_equal(json_string_length(tree), want.n);
			assert_memory_equal(json_string_value(tree), want.p, want.n);
			ctx_done(&cx);
		}
	}
}

static void
commas_and_nesting(void **state)
{
	struct arena *a = arena_new();
	struct buf b;
	struct json j;

	(void)state;
	buf_init(&b, a, KiB);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_key(&j, "empty");
	jw_arr(&j);
	jw_end_arr(&j);
	jw_key(&j, "list");
	jw_arr(&j);
	jw_int(&j, -1);
	jw_obj(&j);
	jw_end_obj(&j);
	jw_bool(&j, true);
	jw_bool(&j, false);
	jw_null(&j);
	jw_time(&j, 0);
	jw_time(&j, 1767607200 * SECOND);
	jw_raw(&j, S("{\"raw\":1}"));
	jw_str(&j, S("s"));
	jw_end_arr(&j);
	jw_kstr(&j, "s", S("v"));
	jw_kz(&j, "z", "v");
	jw_kz(&j, "zn", NULL);
	jw_kint(&j, "i", INT64_MIN);
	jw_kid(&j, "id", 35436);
	jw_kid(&j, "noid", 0);
	jw_kbool(&j, "b", true);
	jw_knull(&j, "n");
	jw_ktime(&j, "t", -1);
	jw_ktime(&j, "nt", 0);
	jw_kraw(&j, "r", S("[1,2]"));
	jw_key_str(&j, S("any \"key\""));
	jw_int(&j, 7);
	jw_end_obj(&j);
	assert_false(b.over);
	assert_true(str_eq(buf_str(&b),
	    S("{\"empty\":[],\"list\":[-1,{},true,false,null,null,\"2026-01-05T10:00:00Z\",{\"raw\":1},\"s\"],"
	      "\"s\":\"v\",\"z\":\"v\",\"zn\":null,\"i\":-9223372036854775808,\"id\":35436,\"noid\":null,"
	      "\"b\":true,\"n\":null,\"t\":\"1969-12-31T23:59:59Z\",\"nt\":null,\"r\":[1,2],"
	      "\"any \\\"key\\\"\":7}")));
	arena_free(&a);
}

/* A writer over its ceiling says so, and never writes behind it. */
static void
writer_stops_at_the_ceiling(void **state)
{
	size_t whole = SIZE_MAX;

	(void)state;
	/* First without a ceiling, to know the length. */
	for (size_t max = SIZE_MAX; max == SIZE_MAX || max < whole + 3; max++) {
		struct arena *a = arena_new();
		struct buf b;
		struct json j;

		buf_init(&b, a, max);
		jw_init(&j, &b);
		jw_obj(&j);
		jw_kstr(&j, "key", S("a value with \"quotes\" and \xE2\x80\xA8 and \xFF"));
		jw_kint(&j, "n", 12345);
		jw_ktime(&j, "t", SECOND);
		jw_end_obj(&j);
		if (whole == SIZE_MAX)
			whole = b.n;
		assert_true(b.n <= max);
		assert_int_equal(b.over, max < whole);
		arena_free(&a);
	}
}

/* ---- reading -------------------------------------------------------------------------------- */

static const struct {
	const char *why;
	str text;
	const char *refusal;           /* NULL: must parse */
} parses[] = {
	{ "an object",                S("{\"a\":[1,2.5,true,null,\"x\"]}"), NULL },
	{ "blanks around",            S(" \n\t{} \r\n"), NULL },
	{ "a lone number",            S("42"), NULL },
	{ "a lone string",            S("\"x\""), NULL },
	{ "a NUL in a string",        S("{\"a\":\"x\\u0000y\"}"), NULL },
	{ "brackets inside a string", S("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\""), NULL },
	{ "same key in two objects",  S("[{\"a\":1},{\"a\":1}]"), NULL },
	{ "a real surrogate pair",    S("\"\\ud83d\\ude00\""), NULL },
	{ "every escape",             S("{\"a\\/\\b\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\uD83D\\uDE00 \xC3\xA9\"}"), NULL },
	{ "an empty key",             S("{\"\":\"\"}"), NULL },
	{ "18 and 19 digits",         S("[-999999999999999999, 9223372036854775807, -9223372036854775808, -0, 0]"), NULL },
	{ "blanks everywhere",        S(" { \"a\" : [ 1 , { } , [ ] ] , \"b\" : \"\" } "), NULL },
	{ "a key without a value",    S("{\"a\"}"), "not valid JSON" },
	{ "a comma first",            S("[,1]"), "not valid JSON" },
	{ "a trailing comma in an object", S("{\"a\":1,}"), "not valid JSON" },
	{ "the wrong bracket",        S("{\"a\":[1}"), "not valid JSON" },
	{ "an unknown escape",        S("\"\\x41\""), "not valid JSON" },
	{ "a low surrogate first",    S("\"\\ude00\\ud83d\""), "not valid JSON" },
	{ "half a word",              S("[tru]"), "not valid JSON" },
	{ "a minus alone",            S("[-]"), "not valid JSON" },
	{ "nothing",                  S(""), "the JSON text ends too early" },
	{ "blanks only",              S("  "), "the JSON text ends too early" },
	{ "cut off",                  S("{\"a\":"), "the JSON text ends too early" },
	{ "something behind",         S("{} x"), "not valid JSON" },
	{ "two values",               S("1 2"), "not valid JSON" },
	{ "a trailing comma",         S("[1,]"), "not valid JSON" },
	{ "a single quote",           S("{'a':1}"), "not valid JSON" },
	{ "a comment",                S("{} // no"), "not valid JSON" },
	{ "NaN",                      S("[NaN]"), "not valid JSON" },
	{ "a leading zero",           S("[01]"), "not valid JSON" },
	{ "a duplicate key",          S("{\"role\":\"agent\",\"role\":\"admin\"}"), "a key is given twice in a JSON object" },
	{ "a duplicate by escape",    S("{\"a\":1,\"\\u0061\":2}"), "a key is given twice in a JSON object" },
	{ "an integer above 64 bits", S("[9223372036854775808]"), "a number in the JSON text is too large" },
	{ "a real beyond a double",   S("[1e999]"), "a number in the JSON text is too large" },
	{ "a NUL in a key",           S("{\"a\\u0000b\":1}"), "a JSON key holds a NUL" },
	{ "a raw NUL",                S("[1,\0 2]"), "not valid JSON" },
	{ "a raw NUL behind",         S("{}\0"), "not valid JSON" },
	{ "a raw NUL and more",       S("{}\0{\"b\":1}"), "not valid JSON" },
	{ "a raw control",            S("\"a\nb\""), "not valid JSON" },
	{ "invalid UTF-8",            S("\"a\xFF\""), "the JSON text is not valid UTF-8" },
	{ "an overlong quote",        S("\"a\xC0\xA2\""), "the JSON text is not valid UTF-8" },
	{ "invalid UTF-8 behind",     S("{}\x80"), "the JSON text is not valid UTF-8" },
	{ "a lone surrogate escape",  S("\"\\ud83d\""), "not valid JSON" },
	{ "a byte order mark",        S("\xEF\xBB\xBF{}"), "not valid JSON" },
};

static void
parse_row(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	json_t *tree = NULL;
	enum err e;

	ctx_init(&cx, NULL, 1);
	e = json_parse(&cx, parses[i].text, &tree);
	if (parses[i].refusal == NULL) {
		json_t *same = json_loadb(parses[i].text.p, parses[i].text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_int_equal(e, OK);
		assert_true(json_equal(tree, same));
		json_decref(same);
	} else {
		assert_int_equal(e, E_INVALID);
		assert_null(tree);
		assert_string_equal(cx.fail.why, parses[i].refusal);
		assert_null(cx.fail.field);
	}
	ctx_done(&cx);
}

static void
depth_64_and_not_65(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		for (size_t depth = 63; depth < 67; depth++) {
			struct ctx cx;
			struct buf b;
			json_t *tree;
			enum err e;

			ctx_init(&cx, NULL, 1);
			buf_init(&b, cx.arena, MiB);
			for (size_t i = 0; i < depth; i++)
				buf_add(&b, kind == 0 ? S("[") : S("{\"k\":"));
			buf_add(&b, S("1"));
			for (size_t i = 0; i < depth; i++)
				buf_add(&b, kind == 0 ? S("]") : S("}"));
			e = json_parse(&cx, buf_str(&b), &tree);
			assert_int_equal(e, depth <= 64 ? OK : E_INVALID);
			if (e != OK)
				assert_string_equal(cx.fail.why, "the JSON text is nested too deeply");
			ctx_done(&cx);
		}
	}
}

static void
a_depth_bomb_costs_nothing(void **state)
{
	struct ctx cx;
	json_t *tree;
	char *bomb;
	usec start;

	(void)state;
	ctx_init(&cx, NULL, 1);
	bomb = arena_alloc(cx.arena, 1, 8 * MiB, 1);
	memset(bomb, '[', 8 * MiB);
	start = time_mono();
	assert_int_equal(json_parse(&cx, (str){ bomb, 8 * MiB }, &tree), E_INVALID);
	assert_true(time_mono() - start < 2 * SECOND);
	/* Closing what was never opened does not buy depth. */
	fail_clear(&cx);
	memset(bomb, ']', 4 * MiB);
	assert_int_equal(json_parse(&cx, (str){ bomb, 8 * MiB }, &tree), E_INVALID);
	ctx_done(&cx);
}

static void
strings_keep_their_nuls(void **state)
{
	struct ctx cx;
	json_t *tree;

	(void)state;
	ctx_init(&cx, NULL, 1);
	assert_int_equal(json_parse(&cx, S("\"x\\u0000y\""), &tree), OK);
	assert_int_equal(json_string_length(tree), 3);
	assert_memory_equal(json_string_value(tree), "x\0y", 3);
	ctx_done(&cx);
}

static void
ours_is_read_again(void **state)
{
	struct ctx cx;
	json_t *tree;

	(void)state;
	ctx_init(&cx, NULL, 1);
	assert_null(json_again(&cx, S("")));
	assert_null(json_again(&cx, S("plain words")));
	assert_null(json_again(&cx, S("[1")));
	assert_true(json_is_null(json_again(&cx, S("null"))));
	tree = json_again(&cx, S("{\"a\":[1e3,\"x\\u0000y\"],\"a\":2.5}"));      /* the slow way, and what json_parse() refuses */
	assert_true(json_real_value(json_object_get(tree, "a")) == 2.5);
	tree = json_again(&cx, S("[{\"id\":401}]"));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(tree, 0), "id")), 401);
	ctx_done(&cx);
}

/* Short ones are not read by strtod(): to the last bit what it would say. */
static void
fractions(void **state)
{
	char text[64];
	struct ctx cx;
	json_t *tree;
	double v;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		static const uint64_t power[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };
		int frac = i % 8, n = snprintf(text, sizeof(text), "%s%llu.%0*llu%llu%s", i % 3 ? "" : "-",
		    (unsigned long long)(rand_u64() % power[rand_u64() % 8]), frac, (unsigned long long)(rand_u64() % power[frac]),
		    (unsigned long long)(rand_u64() % power[rand_u64() % 8]), i % 11 ? "" : "e-3");
		ctx_init(&cx, NULL, 1);
		assert_int_equal(json_parse(&cx, (str){ text, (size_t)n }, &tree), OK);
		v = strtod(text, NULL);
		assert_true(json_is_real(tree));
		assert_memory_equal(&(double){ json_real_value(tree) }, &v, sizeof(v));
		ctx_done(&cx);
	}
	ctx_init(&cx, NULL, 1);
	assert_int_equal(json_parse(&cx, S("-0.0"), &tree), OK);
	assert_true(json_is_real(tree) && signbit(json_real_value(tree)));
	assert_int_equal(json_parse(&cx, S("1."), &tree), E_INVALID);
	assert_int_equal(json_parse(&cx, S("01.5"), &tree), E_INVALID);
	assert_int_equal(json_parse(&cx, S(".5"), &tree), E_INVALID);
	ctx_done(&cx);
}

/* The tree holds what patients wrote: its memory must be wiped before it is
 * given back. Every free() of this program comes by here to be looked at. A
 * sanitizer has a free() of its own; there this one case is left out. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define WATCH_FREE 1

static bool watching;
static int freed, freed_dirty;

void __libc_free(void *p);

void
free(void *p)
{
	if (watching && p != NULL) {
		freed++;
		freed_dirty += memmem(p, malloc_usable_size(p), "canary", 6) != NULL;
	}
	__libc_free(p);
}

static void
the_tree_is_wiped(void **state)
{
	struct ctx cx;
	json_t *tree;

	(void)state;
	ctx_init(&cx, NULL, 1);
	assert_int_equal(json_parse(&cx, S("{\"a long key, canary\":\"canary of Rosalind Example\"}"), &tree), OK);
	/* What is read lies in the arena, what is added to it does not. */
	assert_int_equal(json_object_set_new(tree, "canary, a later one", json_string("canary of Rosalind Example")), 0);
	watching = true;
	ctx_done(&cx);
	watching = false;
	assert_true(freed > 3);
	assert_int_equal(freed_dirty, 0);

	/* A text that breaks off leaves nothing either; the arena keeps its chunk, wiped (base_arena_test.c). */
	ctx_init(&cx, NULL, 1);
	freed = 0;
	watching = true;
	assert_int_equal(json_parse(&cx, S("[\"canary of Rosalind Example\", \"canary"), &tree), E_INVALID);
	ctx_done(&cx);
	watching = false;
	assert_true(freed > 0);
	assert_int_equal(freed_dirty, 0);
}
#endif

int
main(void)
{
	struct CMUnitTest t[80];
	size_t n = 0;

	ADD_ROWS(t, n, escapes, escape_row);
	ADD(t, n, every_byte_at_every_place);
	ADD(t, n, commas_and_nesting);
	ADD(t, n, writer_stops_at_the_ceiling);
	ADD_ROWS(t, n, parses, parse_row);
	ADD(t, n, depth_64_and_not_65);
	ADD(t, n, a_depth_bomb_costs_nothing);
	ADD(t, n, strings_keep_their_nuls);
	ADD(t, n, fractions);
	ADD(t, n, ours_is_read_again);
#ifdef WATCH_FREE
	ADD(t, n, the_tree_is_wiped);
#endif
	return RUN_ROWS("base json", t, n);
}
