/* HTML to text: one row per construct, and what hostile HTML costs. */
#include <stdlib.h>
#include <time.h>

#include "mail_test.h"

static const struct {
	const char *why, *html, *text;
} cases[] = {
	{ "words and blanks", " Hello \n\t  <b>dear</b>  reader ", "Hello dear reader" },
	{ "inline tags join", "un<b>believ</b>able", "unbelievable" },
	{ "paragraphs", "<p>one</p><p>two</p>", "one\n\ntwo" },
	{ "unclosed paragraphs", "<p>one<p>two", "one\n\ntwo" },
	{ "divs are lines", "<div>one</div><div>two</div>", "one\ntwo" },
	{ "nested blocks do not add up", "<div><div><p>one</p></div></div><div>two</div>", "one\n\ntwo" },
	{ "line breaks", "one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour" },
	{ "an empty line as Gmail writes it", "<div>one</div><div><br></div><div>two</div>", "one\n\ntwo" },
	{ "many line breaks are one blank line", "one<br><br><br><br><br>two", "one\n\ntwo" },
	{ "headings", "<h1>Title</h1>text", "Title\n\ntext" },
	{ "bullets", "x<ul><li>one<li>two</ul>y", "x\n\n- one\n- two\n\ny" },
	{ "numbers", "<ol><li>one</li><li>two</li></ol>", "1. one\n2. two" },
	{ "nested lists", "<ol><li>one<ul><li>a</li><li>b</li></ul></li><li>two</li></ol>", "1. one\n  - a\n  - b\n2. two" },
	{ "an empty item leaves no bullet behind", "<ul><li></li></ul>x", "x" },
	{ "lines within an item", "<ul><li>one<br>more</li></ul>", "- one\n  more" },
	{ "tables", "<table><tr><th>Name</th><th>Day</th></tr><tr><td>Ada</td><td>Mon</td></tr></table>", "Name\tDay\nAda\tMon" },
	{ "tables for layout", "<table><tr><td></td><td><p>text</p></td><td></td></tr></table>", "text" },
	{ "links", "see <a href=\"https://x.example/a?b=1&amp;c=2\">here</a>.", "see here <https://x.example/a?b=1&c=2>." },
	{ "a link that says its address", "<a href='https://x.example/'>https://x.example/</a>", "https://x.example/" },
	{ "a link that says its address without the scheme", "<a href=https://x.example/>x.example</a>", "x.example" },
	{ "mail links", "<a href=\"mailto:ada@x.example?subject=x\">ada@x.example</a> <a href=mailto:b@x.example>Bo</a>",
	  "ada@x.example Bo <mailto:b@x.example>" },
	{ "links that lead nowhere", "<a href=#top>up</a> <a href=\"javascript:alert(1)\">x</a> <a>y</a>", "up x y" },
	{ "a link around a block", "<a href=https://x.example/a><div>text</div></a>more", "text <https://x.example/a>\nmore" },
	{ "a link in a list item", "<ul><li><a href=https://x.example/a>https://x.example/a</a></ul>", "- https://x.example/a" },
	{ "blanks and brackets in an address", "<a href=\"https://x.example/ a&#10;b&lt;c&gt;\">x</a>", "x <https://x.example/abc>" },
	{ "an image link says its alt", "<a href=https://x.example/a><img src=x alt='Our logo'></a>", "[Our logo] <https://x.example/a>" },
	{ "images without alt are nothing", "a<img src=\"https://x.example/track.gif\">b", "ab" },
	{ "quotes", "<p>yes</p><blockquote>one<br>two<p>three</blockquote>after", "yes\n\n> one\n> two\n>\n> three\n\nafter" },
	{ "quotes within quotes", "<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b" },
	{ "preformatted", "<pre>a  b\n  c\n\n\n\nd</pre>e  f", "a  b\n  c\n\nd\n\ne f" },
	{ "a rule", "a<hr>b", "a\n----------\nb" },
	{ "script, style, title, head", "<html><head><title>T</title><style>p{}</style><script>if (a<b) x()</script></head><body>x</body>", "x" },
	{ "end tag of a script inside its string", "<script>x='</scr'+'ipt><b>'</script>y", "y" },
	{ "comments", "a<!-- <p>no</p> -->b<!---->c<!-->d", "abcd" },
	{ "conditional comments", "a<!--[if mso]><p>Outlook</p><![endif]-->b<![if !mso]>c<![endif]>d", "abcd" },
	{ "declarations", "<!DOCTYPE html PUBLIC \"-//W3C//DTD\"><?xml version=1?>x", "x" },
	{ "an empty title that closes itself", "<title/>text", "text" },
	{ "an unclosed title hides nothing", "<title>a<p>b", "a\n\nb" },
	{ "an unclosed script hides its code", "a<script>b<p>c", "a" },
	{ "an unclosed comment ends with its tag", "a<!-- b>c", "ac" },
	{ "entities", "&lt;p&gt; &amp;amp; &eacute;&Eacute; &euro;&nbsp;5 &#8364;&#x20AC;&#X20ac; &hellip;", "<p> &amp; éÉ € 5 €€€ …" },
	{ "numbers that mean windows-1252", "&#147;x&#148;&#150;&#128;", "“x”–€" },
	{ "entities without semicolon", "a &lt b &copy 2026 &eacute", "a < b © 2026 é" },
	{ "what only looks like an entity", "a&b &xyz; &; &#; &#x; &#xg; ?a=1&copy=2 &", "a&b &xyz; &; &#; &#x; &#xg; ?a=1&copy=2 &" },
	{ "entities for nothing and too much", "a&#0;b&#xD800;c&#x110000;d&#99999999999;e&#27;f", "a\xEF\xBF\xBD" "b\xEF\xBF\xBD" "c\xEF\xBF\xBD" "d\xEF\xBF\xBD" "ef" },
	{ "a smaller-than sign is text", "a < b, a<1, <3 <> </ > <", "a < b, a<1, <3 <> </ > <" },
	{ "greater-than within an attribute", "<p title=\"a>b\">x</p>", "x" },
	{ "attributes without quotes, values, blanks", "<p a=b c d='e'f=g / h>x", "x" },
	{ "a quote that is never closed", "<p title=\"a>b <i>c</i>", "b c" },
	{ "a tag that is never closed", "a<p title=x", "a" },
	{ "unknown tags are nothing", "<o:p>a</o:p><x-y>b</x-y>", "ab" },
	{ "stray end tags", "a</p></div></ul></blockquote></a></pre>b", "a\n\nb" },
	{ "invisible characters", "a\xC2\xAD" "b\xE2\x80\x8B" "c\xEF\xBB\xBF" "d\x07" "e\xC2\x85" "f", "abcdef" },
	{ "invalid UTF-8", "a\xFF" "b\xC3", "a\xEF\xBF\xBD" "b\xEF\xBF\xBD" },
	{ "upper case", "<P>a</P><SCRIPT>b</Script><A HREF=https://x.example/>c</A>", "a\n\nc <https://x.example/>" },
	{ "nothing", "", "" },
	{ "only tags", "<p><div><br>", "" },
};

static void
row(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	str got = html_to_text(a, str_of(cases[i].html), MAIL_TEXT_MAX);

	assert_string_equal(str_z(a, got), cases[i].text);
	arena_free(&a);
}

/* What is repeated to make megabytes, and what must be left of it. */
static const struct {
	const char *why, *unit;
	size_t      at_least;     /* bytes of output */
} hostile[] = {
	{ "nested divs", "<div>", 0 },
	{ "nested lists with text", "<ul><li>x", 1000 },
	{ "nested quotes", "<blockquote>x", 1000 },
	{ "nested tables", "<table><tr><td>", 0 },
	{ "unclosed comments", "<!--", 0 },
	{ "unclosed titles", "<title>", 0 },
	{ "unclosed scripts", "<script>", 0 },
	{ "unclosed attributes", "<a href=\"", 0 },
	{ "unclosed attributes, both quotes", "<a b='<a b=\"", 0 },
	{ "closed but ever farther comments", "<!-- -->", 0 },
	{ "smaller-than signs", "<", 100000 },
	{ "ampersands", "&", 100000 },
	{ "entities", "&amp;", 100000 },
	{ "long numbers", "&#00000000000000", 100000 },
	{ "links", "<a href=https://x.example/>", 0 },
	{ "links with text", "<a href=https://x.example/>y", 100000 },
	{ "line breaks", "<br>x", 100000 },
	{ "end tags", "</p>", 0 },
	{ "end tags of what is skipped", "</script", 0 },
	{ "skipped elements", "<svg></svg>x", 100000 },
	{ "half end tags in a script", "<script></scrip", 0 },
	{ "blanks", "  ", 0 },
	{ "pre", "<pre>\n x", 1000 },
	{ "attributes", "<p a b c d e f g ", 0 },
};

/* Each takes a tenth of a second; quadratic code would take hours for these
 * 8 MB, so the bound leaves room for sanitizers and busy machines. */
static void
hostile_row(void **state)
{
	size_t i = ROW(state), n = strlen(hostile[i].unit), size = 8 * MiB;
	struct arena *a = arena_new();
	char *p = malloc(size);
	usec start = time_mono();
	str got;

	assert_non_null(p);
	for (size_t at = 0; at < size; at++)
		p[at] = hostile[i].unit[at % n];
	got = html_to_text(a, (str){ p, size }, MAIL_TEXT_MAX);
	assert_true(got.n >= hostile[i].at_least);
	assert_true(got.n <= MAIL_TEXT_MAX);
	assert_true(utf8_valid(got));
	assert_true(time_mono() - start < 20 * SECOND);
	free(p);
	arena_free(&a);
}

static void
every_maximum_holds(void **state)
{
	static const char html[] = "<ul><li>\xC3\xA9&eacute;<a href=https://x.example/>y</a><blockquote>z\xF0\x9F\x98\x80</blockquote></ul>";
	struct arena *a = arena_new();

	(void)state;
	for (size_t max = 0; max < 120; max++) {
		str got = html_to_text(a, (str){ html, sizeof(html) - 1 }, max);

		assert_true(got.n <= max);
		assert_true(utf8_valid(got));
	}
	arena_free(&a);
}

/* ---- a mail's own pictures stay where they stand, no others do ---- */

static const struct { const char *why, *html, *want; } pictured[] = {
	{ "a picture of the mail", "<p>a</p><img src=\"cid:knee@x\"><p>b</p>", "<p>a</p><img src=\"/p?a=1&amp;b=2\" alt=\"&quot;k&quot;\"><p>b</p>" },
	{ "its address as RFC 2392 writes it", "<img src=CID:knee%40x>", "<img src=\"/p?a=1&amp;b=2\" alt=\"&quot;k&quot;\">" },
	{ "with entities", "<img alt=x src='cid:knee&#64;x'/>", "<img src=\"/p?a=1&amp;b=2\" alt=\"&quot;k&quot;\">" },
	{ "nothing else of its tag", "<img onerror=x() style=x srcset=y src=cid:knee@x width=9>", "<img src=\"/p?a=1&amp;b=2\" alt=\"&quot;k&quot;\">" },
	{ "one that did not come", "<b>a</b><img src=cid:none@x>", "<strong>a</strong>" },
	{ "one from elsewhere", "<b>a</b><img src=https://evil.example/p.gif>", "<strong>a</strong>" },
	{ "one within the address", "<b>a</b><img src=\"data:image/png;base64,AAAA\"><img src=\"\"><img>", "<strong>a</strong>" },
	{ "a broken escape stands for itself", "<b>a</b><img src=cid:knee%4><img src=cid:knee%zzx>", "<strong>a</strong>" },
	{ "in an attribute of something else", "<b src=cid:knee@x>a</b>", "<strong>a</strong>" },
};

static struct html_picture
find_knee(void *arg UNUSED, str id)
{
	return str_eq(id, S("knee@x")) ? (struct html_picture){ S("/p?a=1&b=2"), S("\"k\"") } : (struct html_picture){ S(""), S("") };
}

static void
picture_row(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	str got = html_wash_mail(a, str_of(pictured[i].html), MAIL_TEXT_MAX, find_knee, NULL), none = html_wash(a, str_of(pictured[i].html), MAIL_TEXT_MAX);

	assert_string_equal(str_z(a, got), pictured[i].want);
	assert_true(str_find(none, S("<img")) == SIZE_MAX);
	arena_free(&a);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + COUNT(hostile) + COUNT(pictured) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, cases, row);
	ADD_ROWS(t, n, hostile, hostile_row);
	ADD_ROWS(t, n, pictured, picture_row);
	ADD(t, n, every_maximum_holds);
	return RUN_ROWS("mail html", t, n);
}
