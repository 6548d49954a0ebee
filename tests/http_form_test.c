/* Forms are cut where their delimiters stand, and nowhere else. */
#include "rows.h"

#include "http/wire.h"

#define TYPE "multipart/form-data; boundary=XX"
#define D "Content-Disposition: form-data; "

static const struct {
	const char *why, *type, *body, *want;   /* parts as name|file|type|bytes; NULL: no form */
} cases[] = {
	{ "a field", TYPE, "--XX\r\n" D "name=\"a\"\r\n\r\n1\r\n--XX--\r\n", "a|||1;" },
	{ "no part", TYPE, "--XX--", "" },
	{ "a field and a file", TYPE, "--XX\r\n" D "name=\"a\"\r\n\r\n1\r\n--XX\r\n" D "name=\"f\"; filename=\"n.txt\"\r\nContent-Type: text/plain\r\n\r\nx\r\ny\r\n--XX--",
	    "a|||1;f|n.txt|text/plain|x\r\ny;" },
	{ "an empty file", TYPE, "--XX\r\n" D "name=\"f\"; filename=\"\"\r\n\r\n\r\n--XX--", "f|||;" },
	{ "no header", TYPE, "--XX\r\n\r\nz\r\n--XX--", "|||z;" },
	{ "what stands before and behind", TYPE, "hello\r\n--XX\r\n\r\nz\r\n--XX--\r\nbye", "|||z;" },
	{ "blanks behind a delimiter", TYPE, "--XX \t\r\n\r\nz\r\n--XX--", "|||z;" },
	{ "the boundary in quotes", "multipart/form-data; charset=utf-8; boundary=\"X X\"", "--X X\r\n\r\nz\r\n--X X--", "|||z;" },
	{ "names in any case and order", TYPE, "--XX\r\ncontent-TYPE:  a/b \r\ncontent-disposition: form-data; FileName=\"b;c\"; NAME=d\r\n\r\n\r\n--XX--", "d|b;c|a/b|;" },
	{ "what looks like a delimiter", TYPE, "--XX\r\n\r\n--XX\r\n--X\r\n-XX\n--XX\r\n--XX--", "|||--XX\r\n--X\r\n-XX\n--XX;" },
	{ "cut short in the bytes", TYPE, "--XX\r\n" D "name=\"a\"\r\n\r\n1", NULL },
	{ "cut short in the head", TYPE, "--XX\r\n" D "name=\"a\"", NULL },
	{ "cut short behind a delimiter", TYPE, "--XX\r\n\r\nz\r\n--XX", NULL },
	{ "a longer boundary", TYPE, "--XXY\r\n\r\nz\r\n--XX--", NULL },
	{ "nothing", TYPE, "", NULL },
	{ "another boundary", TYPE, "--YY\r\n\r\nz\r\n--YY--", NULL },
	{ "no boundary", "multipart/form-data", "--\r\n\r\nz\r\n----", NULL },
	{ "a boundary of 71", "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--", NULL },
	{ "more parts than four", TYPE, "--XX\r\n\r\n1\r\n--XX\r\n\r\n2\r\n--XX\r\n\r\n3\r\n--XX\r\n\r\n4\r\n--XX\r\n\r\n5\r\n--XX--", NULL },
};

static void
row(void **state)
{
	size_t i = ROW(state);
	struct http_part part[4];
	struct ctx cx;
	struct buf b;
	int n;

	ctx_init(&cx, NULL, 1);
	buf_init(&b, cx.arena, 64 * KiB);
	if (form_cut(str_of(cases[i].type), str_of(cases[i].body), part, 4, &n)) {
		for (int k = 0; k < n; k++)
			buf_fmt(&b, STR_F "|" STR_F "|" STR_F "|" STR_F ";", STR_A(part[k].name), STR_A(part[k].file_name), STR_A(part[k].type), STR_A(part[k].bytes));
		assert_non_null(cases[i].want);
		assert_true(str_eq(buf_str(&b), str_of(cases[i].want)));
	} else
		assert_null(cases[i].want);
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases)];

	for (size_t i = 0; i < COUNT(cases); i++)
		t[i] = (struct CMUnitTest){ .name = cases[i].why, .test_func = row, .initial_state = (void *)(uintptr_t)i };
	return cmocka_run_group_tests_name("http forms", t, NULL, NULL);
}
