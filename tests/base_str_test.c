/* Views of bytes, pack records, and bytes as text. */
#include "rows.h"
#include "base/base.h"

static struct ctx cx;

/* ---- str_int -------------------------------------------------------------------------------- */

static const struct {
	const char *why;
	str text;
	bool ok;
	int64_t is;
} ints[] = {
	{ "a number",                       S("42"), true, 42 },
	{ "a negative number",              S("-7"), true, -7 },
	{ "leading zeros count for nothing", S("007"), true, 7 },
	{ "the largest",                    S("9223372036854775807"), true, INT64_MAX },
	{ "one more than the largest",      S("9223372036854775808"), false, 0 },
	{ "the smallest",                   S("-9223372036854775808"), true, INT64_MIN },
	{ "one less than the smallest",     S("-9223372036854775809"), false, 0 },
	{ "nothing",                        S(""), false, 0 },
	{ "only a sign",                    S("-"), false, 0 },
	{ "a plus is not taken",            S("+1"), false, 0 },
	{ "a blank before",                 S(" 1"), false, 0 },
	{ "a letter behind",                S("1a"), false, 0 },
	{ "a NUL behind",                   S("1\0"), false, 0 },
	{ "two signs",                      S("--1"), false, 0 },
};

static void
int_row(void **state)
{
	size_t i = ROW(state);
	int64_t v = 12345;

	assert_int_equal(str_int(ints[i].text, &v), ints[i].ok);
	assert_true(v == (ints[i].ok ? ints[i].is : 12345));
}

/* ---- str_find ------------------------------------------------------------------------------- */

static const struct {
	const char *why;
	str s, needle;
	size_t exact, folded;
} finds[] = {
	{ "at the start",         S("abcabc"), S("abc"), 0, 0 },
	{ "at the end",           S("xxabc"), S("abc"), 2, 2 },
	{ "other case",           S("xxABC"), S("abc"), SIZE_MAX, 2 },
	{ "case of the needle",   S("xxabc"), S("aBC"), SIZE_MAX, 2 },
	{ "behind a NUL",         S("a\0b"), S("b"), 2, 2 },
	{ "longer than the text", S("ab"), S("abc"), SIZE_MAX, SIZE_MAX },
	{ "nothing in something", S("ab"), S(""), 0, 0 },
	{ "nothing in nothing",   { NULL, 0 }, S(""), 0, 0 },
	{ "something in nothing", { NULL, 0 }, S("a"), SIZE_MAX, SIZE_MAX },
	{ "only ASCII is folded", S("\xC3\x84"), S("\xC3\xA4"), SIZE_MAX, SIZE_MAX },
};

static void
find_row(void **state)
{
	size_t i = ROW(state);

	assert_true(str_find(finds[i].s, finds[i].needle) == finds[i].exact);
	assert_true(str_findi(finds[i].s, finds[i].needle) == finds[i].folded);
}

/* ---- the rest of str ------------------------------------------------------------------------ */

static void
cut_goes_through_all_parts(void **state)
{
	str rest = S("a,,b,");

	(void)state;
	assert_true(str_eq(str_cut(&rest, ','), S("a")));
	assert_true(str_eq(str_cut(&rest, ','), S("")));
	assert_true(str_eq(str_cut(&rest, ','), S("b")));
	assert_int_equal(rest.n, 0);
	assert_true(str_eq(str_cut(&rest, ','), S("")));
	rest = S("no separator");
	assert_true(str_eq(str_cut(&rest, ','), S("no separator")));
	assert_int_equal(rest.n, 0);
	rest = (str){ NULL, 0 };
	assert_int_equal(str_cut(&rest, ',').n, 0);
}

static void
sub_is_clamped(void **state)
{
	(void)state;
	assert_true(str_eq(str_sub(S("hello"), 1, 3), S("ell")));
	assert_true(str_eq(str_sub(S("hello"), 3, 99), S("lo")));
	assert_true(str_eq(str_sub(S("hello"), 99, 1), S("")));
	assert_true(str_eq(str_sub(S("hello"), 1, SIZE_MAX), S("ello")));
	assert_int_equal(str_sub((str){ NULL, 0 }, 3, 3).n, 0);
}

static void
comparing_is_bytewise(void **state)
{
	(void)state;
	assert_true(str_cmp(S("a"), S("b")) < 0);
	assert_true(str_cmp(S("ab"), S("a")) > 0);
	assert_true(str_cmp(S("\xFF"), S("a")) > 0);
	assert_int_equal(str_cmp(S(""), (str){ NULL, 0 }), 0);
	assert_true(str_eq(S("a\0b"), S("a\0b")));
	assert_false(str_eq(S("a\0b"), S("a\0c")));
	assert_true(str_eqi(S("Content-TYPE"), S("content-type")));
	assert_false(str_eqi(S("@"), S("`")));       /* 0x20 apart, not letters */
	assert_true(str_starts(S("abc"), S("ab")));
	assert_true(str_starts(S("abc"), S("")));
	assert_false(str_starts(S("a"), S("ab")));
	assert_true(str_ends(S("abc"), S("bc")));
	assert_false(str_ends(S("c"), S("bc")));
	assert_true(str_eq(str_of(NULL), S("")));
}

static void
trim_takes_blanks_and_controls(void **state)
{
	(void)state;
	assert_true(str_eq(str_trim(S(" \t\r\n\0 a b \x7F\x01")), S("a b")));
	assert_true(str_eq(str_trim(S("  ")), S("")));
	assert_true(str_eq(str_trim(S("\xC2\xA0")), S("\xC2\xA0")));  /* ASCII only */
}

/* ---- pack ----------------------------------------------------------------------------------- */

static void
pack_round_trip(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX };
	struct buf b;
	str rest, value, big;
	uint8_t tag;

	(void)state;
	big = (str){ arena_alloc(cx.arena, 1, 70000, 1), 70000 };
	buf_init(&b, cx.arena, MiB);
	pack_put(&b, 1, S("one"));
	pack_put(&b, 255, S(""));
	pack_int(&b, 3, INT64_MIN);
	pack_int(&b, 3, -1);
	pack_put(&b, 4, big);
	assert_false(b.over);
	rest = buf_str(&b);
	assert_true(pack_next(&rest, &tag, &value) && tag == 1 && str_eq(value, S("one")));
	assert_true(pack_next(&rest, &tag, &value) && tag == 255 && value.n == 0);
	assert_true(pack_next(&rest, &tag, &value) && tag == 3 && pack_get_int(value) == INT64_MIN);
	assert_true(pack_next(&rest, &tag, &value) && tag == 3 && pack_get_int(value) == -1);
	assert_true(pack_next(&rest, &tag, &value) && tag == 4 && str_eq(value, big));
	assert_false(pack_next(&rest, &tag, &value));
	assert_int_equal(rest.n, 0);
	assert_int_equal(pack_get_int(S("1234567")), 0);

	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint64_t v;

		buf_init(&b, cx.arena, 16);
		put_varint(&b, numbers[i]);
		rest = buf_str(&b);
		assert_true(get_varint(&rest, &v));
		assert_true(v == numbers[i] && rest.n == 0);
		/* Every truncation of it is malformed. */
		for (size_t n = 0; n < b.n; n++) {
			rest = str_sub(buf_str(&b), 0, n);
			assert_false(get_varint(&rest, &v));
			assert_int_equal(rest.n, n);
		}
	}
}

static const struct {
	const char *why;
	str bytes;
} broken[] = {
	{ "a tag without a length",         S("\x01") },
	{ "a length without its end",       S("\x01\x80") },
	{ "fewer bytes than the length",    S("\x01\x05" "abcd") },
	{ "a length longer than needed",    S("\x01\x81\x00" "a") },
	{ "a length above 64 bits",         S("\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02") },
	{ "a length of eleven bytes",       S("\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") },
	{ "a length that wraps an address", S("\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01" "abc") },
};

static void
broken_row(void **state)
{
	str rest = broken[ROW(state)].bytes, value = S("kept");
	uint8_t tag = 77;

	assert_false(pack_next(&rest, &tag, &value));
	assert_int_equal(rest.n, broken[ROW(state)].bytes.n);   /* not 0: malformed, not the end */
	assert_true(tag == 77 && str_eq(value, S("kept")));
}

/* ---- encodings ------------------------------------------------------------------------------ */

static const struct {
	const char *why;
	str bytes, plain, url;
} b64[] = {   /* RFC 4648 section 10, and the two letters that differ */
	{ "base64 of nothing",     S(""), S(""), S("") },
	{ "base64 of one byte",    S("f"), S("Zg=="), S("Zg") },
	{ "base64 of two bytes",   S("fo"), S("Zm8="), S("Zm8") },
	{ "base64 of three bytes", S("foo"), S("Zm9v"), S("Zm9v") },
	{ "base64 of four bytes",  S("foob"), S("Zm9vYg=="), S("Zm9vYg") },
	{ "base64 of five bytes",  S("fooba"), S("Zm9vYmE="), S("Zm9vYmE") },
	{ "base64 of six bytes",   S("foobar"), S("Zm9vYmFy"), S("Zm9vYmFy") },
	{ "letters 62 and 63",     S("\xFB\xFF\xFE\0"), S("+//+AA=="), S("-__-AA") },
};

static void
b64_row(void **state)
{
	size_t i = ROW(state);
	str out;

	assert_true(str_eq(base64_of(cx.arena, b64[i].bytes), b64[i].plain));
	assert_true(str_eq(base64url_of(cx.arena, b64[i].bytes), b64[i].url));
	assert_true(base64_to(cx.arena, b64[i].plain, &out) && str_eq(out, b64[i].bytes));
	assert_true(base64_to(cx.arena, b64[i].url, &out) && str_eq(out, b64[i].bytes));
}

static const struct {
	const char *why;
	str text;
} b64_bad[] = {
	{ "one letter holds no byte",         S("Z") },
	{ "five letters",                     S("Zm9vY") },
	{ "half the padding",                 S("Zg=") },
	{ "padding alone",                    S("=") },
	{ "four signs of padding",            S("====") },
	{ "three signs of padding",           S("Z===") },
	{ "padding in the middle",            S("Zg==Zg==") },
	{ "left-over bits after two letters", S("Zh==") },
	{ "left-over bits, unpadded",         S("Zh") },
	{ "left-over bits after three",       S("Zm9=") },
	{ "both alphabets at once",           S("+_8=") },
	{ "a line end",                       S("Zm9v\n") },
	{ "a blank",                          S("Zm 9") },
	{ "a NUL",                            S("Zm\0v") },
	{ "a byte above ASCII",               S("Zm\xC3v") },
};

static void
b64_bad_row(void **state)
{
	str out = S("kept");

	assert_false(base64_to(cx.arena, b64_bad[ROW(state)].text, &out));
	assert_true(str_eq(out, S("kept")));
}

static void
hex_both_ways(void **state)
{
	unsigned char out[3] = { 1, 2, 3 };

	(void)state;
	assert_true(str_eq(hex_of(cx.arena, S("\0\x9F\xFF")), S("009fff")));
	assert_true(str_eq(hex_of(cx.arena, S("")), S("")));
	assert_false(hex_to(S("009ff"), out, 3));
	assert_false(hex_to(S("009fff00"), out, 3));
	assert_false(hex_to(S("009ffg"), out, 3));
	assert_false(hex_to(S("0x9fff"), out, 3));
	assert_true(out[0] == 1 && out[1] == 2 && out[2] == 3);    /* left alone so far */
	assert_true(hex_to(S("009FfF"), out, 3));
	assert_memory_equal(out, "\0\x9F\xFF", 3);
	assert_true(hex_to(S(""), out, 0));
}

static const struct {
	const char *why;
	str text;
	bool plus, ok;
	str is;
} percents[] = {
	{ "nothing to do",         S("abc"), false, true, S("abc") },
	{ "both cases of digits",  S("%c3%A9"), false, true, S("\xC3\xA9") },
	{ "a NUL comes out",       S("a%00b"), false, true, S("a\0b") },
	{ "plus stays in a path",  S("a+b"), false, true, S("a+b") },
	{ "plus is a blank",       S("a+b%2B"), true, true, S("a b+") },
	{ "decoded once only",     S("%2541"), false, true, S("%41") },
	{ "a lone percent",        S("%"), false, false, S("") },
	{ "one digit at the end",  S("a%4"), false, false, S("") },
	{ "not a digit",           S("%4g"), false, false, S("") },
	{ "a sign is no digit",    S("%-1"), false, false, S("") },
};

static void
percent_row(void **state)
{
	size_t i = ROW(state);
	str out;
	struct buf b;

	assert_int_equal(percent_to(cx.arena, percents[i].text, percents[i].plus, &out), percents[i].ok);
	if (!percents[i].ok)
		return;
	assert_true(str_eq(out, percents[i].is));
	buf_init(&b, cx.arena, KiB);
	buf_percent(&b, percents[i].is);
	assert_true(percent_to(cx.arena, buf_str(&b), true, &out) && str_eq(out, percents[i].is));
}

static void
percent_escapes_all_but_unreserved(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, cx.arena, KiB);
	buf_percent(&b, S("aZ09-._~ /?&=%+\"\xC3\xA9\n"));
	assert_true(str_eq(buf_str(&b), S("aZ09-._~%20%2F%3F%26%3D%25%2B%22%C3%A9%0A")));
}

static void
html_escapes_what_could_be_markup(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, cx.arena, KiB);
	buf_html(&b, S("<a href='x'>\"R&D\"\0\xC3\xA9"));
	buf_html(&b, S(""));
	buf_html(&b, S("plain"));
	assert_true(str_eq(buf_str(&b), S("&lt;a href=&#39;x&#39;&gt;&quot;R&amp;D&quot; \xC3\xA9plain")));
}

static void
random_bytes_differ(void **state)
{
	unsigned char a[600] = {0}, b[600] = {0};

	(void)state;
	rand_bytes(a, sizeof(a));
	rand_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 500, b + 500, 100);   /* filled to the end */
	assert_true(rand_u64() != rand_u64());
}

int
main(void)
{
	struct CMUnitTest t[96];
	size_t n = 0;
	int failed;

	ctx_init(&cx, NULL, 1);
	ADD_ROWS(t, n, ints, int_row);
	ADD_ROWS(t, n, finds, find_row);
	ADD(t, n, cut_goes_through_all_parts);
	ADD(t, n, sub_is_clamped);
	ADD(t, n, comparing_is_bytewise);
	ADD(t, n, trim_takes_blanks_and_controls);
	ADD(t, n, pack_round_trip);
	ADD_ROWS(t, n, broken, broken_row);
	ADD_ROWS(t, n, b64, b64_row);
	ADD_ROWS(t, n, b64_bad, b64_bad_row);
	ADD(t, n, hex_both_ways);
	ADD_ROWS(t, n, percents, percent_row);
	ADD(t, n, percent_escapes_all_but_unreserved);
	ADD(t, n, html_escapes_what_could_be_markup);
	ADD(t, n, random_bytes_differ);
	failed = RUN_ROWS("base str", t, n);
	ctx_done(&cx);
	return failed;
}
