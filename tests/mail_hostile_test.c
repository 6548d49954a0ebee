/* Messages made to exhaust: each is read within its limits, in time that grows
 * with its size and not faster. And texts in every charset. */
#include <stdlib.h>

#include "mail_test.h"
#include "mail_charsets.h"

#define FROM "From: ada@clinic.example\n"

/* A message made of a front, something repeated (see repetition), and an end. */
static const struct {
	const char *why, *front, *repeat, *end;
	int         times;
	const char *want;
} cases[] = {
	{ "10,000 parts", FROM "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\npart %d\n", "--b--\n", 10000,
	  "problem=too many parts" },
	{ "10,000 attachments", FROM "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n",
	  "--b\nContent-Type: image/png; name=a%d.png\n\nx\n", "--b--\n", 10000,
	  "text=hello\nproblem=too many parts\nproblem=too many attachments" },
	{ "5,000,000 boundaries", FROM "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n", "--b\n", "", 5000000,
	  "text=hello\nproblem=too many parts" },
	{ "1,000 levels of multiparts", FROM "Content-Type: multipart/mixed; boundary=b0\n\n",
	  "--b%d\nContent-Type: text/plain\n\nlevel %d\n--b%d\nContent-Type: multipart/mixed; boundary=b%n\n\n", "", 1000,
	  "problem=nested too deeply" },
	{ "1,000 levels of messages", FROM "Content-Type: message/rfc822\n\n", "Subject: %d\nContent-Type: message/rfc822\n\n", "x\n",
	  1000, "" },
	{ "100,000 lines compared with 30 open boundaries", FROM "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n",
	  "--bc\n", "--b--\n", 100000, "text=hello\\n--bc" },
	{ "a megabyte of one header field", FROM "Subject: ", "aaaaaaaaaaaaaaaa", "\n\nhello\n", 65536, "text=hello\nsubject=aaaaaaa\nproblem=header too long" },
	{ "megabytes of header fields", FROM, "X-Field-%d: value\n", "\nhello\n", 200000, "text=hello\nproblem=header too long" },
	{ "a field behind them is not read", FROM, "X-Field-%d: value\n", "Subject: late\n\nhello\n", 200000, "text=hello\n!subject" },
	{ "folded for ever", FROM "Subject: a", "\n b", "\n\nhello\n", 200000, "text=hello" },
	{ "100,000 recipients", FROM "To: x@x.example", ", r%d@x.example", "\n\nhello\n", 100000, "text=hello\nto= <x@x.example>\nto= <r98@x.example>\n!to= <r99@" },
	{ "100,000 To fields", FROM, "To: r%d@x.example\n", "\nhello\n", 100000, "text=hello\nto= <r99@x.example>\n!to= <r100@x.example>" },
	{ "groups in groups", FROM "To: ", "a:", "\n\nhello\n", 30000, "text=hello" },
	{ "comments in comments", "From: ", "(", "ada@clinic.example\n\nhello\n", 30000, "text=hello\nfrom= <>" },
	{ "100,000 references, the newest are kept", FROM "References:", " <r%d@x.example>", "\n\nhello\n", 3000,
	  "ref=r2999@x.example\n!ref=r2899@x.example" },
	{ "encoded words", FROM "Subject: ", "=?utf-8?q?=C3=A9?= ", "\n\nhello\n", 3000, "text=hello" },
	{ "encoded words without an end", FROM "Subject: ", "=?utf-8?q?a", "\n\nhello\n", 5000, "text=hello" },
	{ "encoded words of unknown charsets", FROM "Subject: ", "=?x-%d?q?a?= ", "\n\nhello\n", 4000, "text=hello\nproblem=unknown charset" },
	{ "parameters", FROM "Content-Type: text/plain", "; a%d=b", "\n\nhello\n", 30000, "text=hello" },
	{ "parameter continuations", FROM "Content-Type: application/pdf", "; name*%d=b", "\n\nhello\n", 30000, "attachment=bbb" },
	{ "base64 that is none", FROM "Content-Transfer-Encoding: base64\n\n", "!\"#$%%&'()*,-.:;<=>?@[\\]^_`{|}~ \n", "", 100000,
	  "problem=damaged transfer encoding" },
	{ "NULs", FROM "\n", "%0", "x", 1000000, "text=x\nproblem=NUL bytes" },
	{ "megabytes of text are cut", FROM "\nfirst\n", "0123456789abcdef\n", "last\n", 200000, "problem=text too long" },
	{ "megabytes of HTML are cut", FROM "Content-Type: text/html\n\nfirst", "<p>0123456789abcdef", "last", 1000000, "problem=text too long" },
	{ "texts in parts are cut together", FROM "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n%L\n", "", 12, "problem=text too long" },
	{ "unterminated shift states", FROM "Content-Type: text/plain; charset=iso-2022-jp\n\n", "\x1B$B", "x", 500000, "" },
	{ "broken bytes of a wide charset", FROM "Content-Type: text/plain; charset=shift_jis\n\n", "\x96\xFF", "x", 500000, "problem=wrong charset" },
	{ "Received fields", FROM, "Received: by x%d\n", "\nhello\n", 60, "kind=loop" },
	{ "boundary of blanks", FROM "Content-Type: multipart/mixed; boundary=\"   \"\n\n", "--   \n\nx\n", "", 100000, "problem=missing boundary" },
	{ "multiparts that say no boundary", FROM "Content-Type: multipart/mixed; boundary=b\n\n",
	  "--b\nContent-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\n", "", 10000, "problem=missing boundary" },
};

static size_t
number(char *p, int k)
{
	char digits[16];
	int n = snprintf(digits, sizeof(digits), "%d", k);

	memcpy(p, digits, (size_t)n);
	return (size_t)n;
}

/* Appends what is repeated, for the k-th time, at p. Returns its length. */
static size_t
repetition(char *p, const char *r, int k)
{
	size_t n = 0;

	for (; *r != 0; r++) {
		if (*r != '%') {
			p[n++] = *r;
			continue;
		}
		switch (*++r) {
		case 'd':                /* its number */
			n += number(p + n, k);
			break;
		case 'n':                /* the next number */
			n += number(p + n, k + 1);
			break;
		case '0':                /* a NUL */
			p[n++] = 0;
			break;
		case 'L':                /* a long line */
			memset(p + n, 'x', MiB);
			n += MiB;
			break;
		default:
			p[n++] = *r;
		}
	}
	return n;
}

static void
hostile(void **state)
{
	size_t i = ROW(state), n = strlen(cases[i].front), each = strlen(cases[i].repeat) + 32;
	char *p;
	usec start;
	struct ctx cx;
	struct mail m;
	str got, want = str_of(cases[i].want);

	if (strstr(cases[i].repeat, "%L") != NULL)
		each += MiB;
	p = malloc(n + (size_t)cases[i].times * each + strlen(cases[i].end));
	assert_non_null(p);
	memcpy(p, cases[i].front, n);
	for (int k = 0; k < cases[i].times; k++)
		n += repetition(p + n, cases[i].repeat, k);
	memcpy(p + n, cases[i].end, strlen(cases[i].end));
	n += strlen(cases[i].end);

	ctx_init(&cx, NULL, 1);
	start = time_mono();
	assert_int_equal(mail_parse(&cx, (str){ p, n }, &m), OK);
	assert_true(time_mono() - start < 20 * SECOND);
	assert_true(m.text.n <= MAIL_TEXT_MAX && m.quoted.n <= MAIL_TEXT_MAX);
	assert_true(m.attachment_count <= MAIL_ATTACH_MAX);
	assert_true(m.to_count <= 100 && m.cc_count <= 100 && m.reference_count <= 100);
	assert_true(m.subject.n <= 998);
	assert_true(utf8_valid(m.text) && utf8_valid(m.html) && utf8_valid(m.subject));
	got = dump(cx.arena, &m);
	/* Each line of `want` begins a line of the dump, or, with '!', none. */
	while (want.n > 0) {
		str w = str_cut(&want, '\n');
		bool not = str_starts(w, S("!"));
		str line = str_printf(cx.arena, "\n" STR_F, STR_A(str_sub(w, not, w.n)));

		if ((str_find(got, line) != SIZE_MAX) == not) {
			print_error("%s" STR_F " in:" STR_F "\n", not ? "unexpected" : "missing", STR_A(line), STR_A(str_sub(got, 0, 2000)));
			_fail(__FILE__, __LINE__);
		}
	}
	ctx_done(&cx);
	free(p);
}

static void
charset(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	struct mail m;

	ctx_init(&cx, NULL, 1);
	assert_int_equal(mail_parse(&cx, charset_message(cx.arena, i), &m), OK);
	charset_expect(cx.arena, i, &m);
	ctx_done(&cx);
}

static void
too_large_is_refused(void **state)
{
	struct ctx cx;
	struct mail m;
	char *p = calloc(1, MAIL_MAX + 1);

	(void)state;
	assert_non_null(p);
	memcpy(p, FROM "\n", sizeof(FROM));
	ctx_init(&cx, NULL, 1);
	assert_int_equal(mail_parse(&cx, (str){ p, MAIL_MAX + 1 }, &m), E_LIMIT);
	ctx_done(&cx);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(mail_parse(&cx, (str){ p, MAIL_MAX }, &m), OK);
	ctx_done(&cx);
	free(p);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + COUNT(charsets) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, cases, hostile);
	ADD_ROWS(t, n, charsets, charset);
	ADD(t, n, too_large_is_refused);
	return RUN_ROWS("mail hostile", t, n);
}
