/* UTF-8: what is valid, and what becomes of what is not. */
#include "rows.h"
#include "base/base.h"

#define R "\xEF\xBF\xBD"      /* U+FFFD */

static const struct {
	const char *why;
	str text;
	bool valid;
	size_t count;
	str mended;
} cases[] = {
	{ "nothing",                         S(""), true, 0, S("") },
	{ "ASCII",                           S("Hello, long enough for a word"), true, 29, S("Hello, long enough for a word") },
	{ "two bytes, lowest",               S("\xC2\x80"), true, 1, S("\xC2\x80") },
	{ "two bytes, highest",              S("\xDF\xBF"), true, 1, S("\xDF\xBF") },
	{ "three bytes, lowest",             S("\xE0\xA0\x80"), true, 1, S("\xE0\xA0\x80") },
	{ "before the surrogates",           S("\xED\x9F\xBF"), true, 1, S("\xED\x9F\xBF") },
	{ "behind the surrogates",           S("\xEE\x80\x80"), true, 1, S("\xEE\x80\x80") },
	{ "a noncharacter is valid",         S("\xEF\xBF\xBF"), true, 1, S("\xEF\xBF\xBF") },
	{ "four bytes, lowest",              S("\xF0\x90\x80\x80"), true, 1, S("\xF0\x90\x80\x80") },
	{ "U+10FFFF",                        S("\xF4\x8F\xBF\xBF"), true, 1, S("\xF4\x8F\xBF\xBF") },
	{ "NUL is valid, mended to a blank", S("a\0b"), true, 3, S("a b") },
	{ "above U+10FFFF",                  S("\xF4\x90\x80\x80"), false, 4, S(R R R R) },
	{ "overlong slash of two",           S("\xC0\xAF"), false, 2, S(R R) },
	{ "overlong of two, C1",             S("\xC1\xBF"), false, 2, S(R R) },
	{ "overlong of three",               S("\xE0\x80\xAF"), false, 3, S(R R R) },
	{ "overlong of three, highest",      S("\xE0\x9F\xBF"), false, 3, S(R R R) },
	{ "overlong of four",                S("\xF0\x80\x80\xAF"), false, 4, S(R R R R) },
	{ "overlong of four, highest",       S("\xF0\x8F\xBF\xBF"), false, 4, S(R R R R) },
	{ "modified UTF-8's NUL",            S("\xC0\x80"), false, 2, S(R R) },
	{ "first surrogate",                 S("\xED\xA0\x80"), false, 3, S(R R R) },
	{ "last surrogate",                  S("\xED\xBF\xBF"), false, 3, S(R R R) },
	{ "surrogate pair, CESU-8",          S("\xED\xA0\xBD\xED\xB8\x80"), false, 6, S(R R R R R R) },
	{ "a lone continuation",             S("a\x80z"), false, 3, S("a" R "z") },
	{ "truncated two",                   S("a\xC3"), false, 2, S("a" R) },
	{ "truncated three",                 S("a\xE2\x82"), false, 3, S("a" R R) },
	{ "truncated four",                  S("a\xF0\x9F\x98"), false, 4, S("a" R R R) },
	{ "interrupted",                     S("\xE2\x82" "x"), false, 3, S(R R "x") },
	{ "five byte form",                  S("\xF8\x88\x80\x80\x80"), false, 5, S(R R R R R) },
	{ "FE and FF",                       S("\xFE\xFF"), false, 2, S(R R) },
	{ "Latin-1",                         S("Jos\xE9 M"), false, 6, S("Jos" R " M") },
	{ "bad in the ninth byte",           S("12345678\xFF" "1234567890"), false, 19, S("12345678" R "1234567890") },
	{ "mixed lengths",                   S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), true, 5, S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z") },
};

static void
row(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	str m = utf8_mend(a, cases[i].text);

	assert_int_equal(utf8_valid(cases[i].text), cases[i].valid);
	assert_int_equal(utf8_count(cases[i].text), cases[i].count);
	assert_true(str_eq(m, cases[i].mended));
	assert_true(utf8_valid(m));
	if (str_eq(m, cases[i].text))
		assert_ptr_equal(m.p, cases[i].text.p);      /* not copied */
	arena_free(&a);
}

static void
every_code_point_there_and_back(void **state)
{
	struct arena *a = arena_new();
	struct buf b;
	uint32_t back;

	(void)state;
	buf_init(&b, a, 16);
	for (uint32_t cp = 0; cp <= 0x110010; cp++) {
		bool real = cp <= 0x10FFFF && (cp < 0xD800 || cp > 0xDFFF);

		b.n = 0;
		utf8_put(&b, cp);
		assert_true(utf8_valid(buf_str(&b)));
		assert_int_equal(utf8_next(buf_str(&b), 0, &back), b.n);
		assert_int_equal(back, real ? cp : 0xFFFD);
	}
	arena_free(&a);
}

static const struct {
	const char *why;
	str text;
	size_t at, is;
} floors[] = {
	{ "in ASCII",                    S("abc"), 1, 1 },
	{ "at the end",                  S("abc"), 3, 3 },
	{ "far behind the end",          S("abc"), 99, 3 },
	{ "first byte of three",         S("a\xE2\x82\xAC" "b"), 1, 1 },
	{ "second byte of three",        S("a\xE2\x82\xAC" "b"), 2, 1 },
	{ "third byte of three",         S("a\xE2\x82\xAC" "b"), 3, 1 },
	{ "behind it",                   S("a\xE2\x82\xAC" "b"), 4, 4 },
	{ "fourth byte of four",         S("\xF0\x9F\x98\x80"), 3, 0 },
	{ "a lone continuation is one",  S("ab\x80"), 2, 2 },
	{ "more continuations than fit", S("\xC3\xA9\xA9"), 2, 2 },
	{ "cut off at the end",          S("\xE2\x82"), 1, 1 },
};

static void
floor_row(void **state)
{
	size_t i = ROW(state);

	assert_int_equal(utf8_floor(floors[i].text, floors[i].at), floors[i].is);
}

int
main(void)
{
	struct CMUnitTest t[64];
	size_t n = 0;

	ADD_ROWS(t, n, cases, row);
	ADD(t, n, every_code_point_there_and_back);
	ADD_ROWS(t, n, floors, floor_row);
	return RUN_ROWS("base utf8", t, n);
}
