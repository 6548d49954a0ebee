/* module: mail */
/* Whatever the HTML: the text is valid UTF-8 without controls, no longer than
 * asked for (the first two bytes say how long), and a shorter maximum gives no
 * other beginning. Its quotes are cut into two pieces that are in it. What is
 * washed holds no attribute but a link's, is closed, and washes to itself. */
#include <assert.h>
#include <stdlib.h>

#include "mail/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(str text, size_t max)
{
	assert(text.n <= max);
	assert(utf8_valid(text));
	for (size_t i = 0; i < text.n; i++)
		assert(((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7F) || text.p[i] == '\n' || text.p[i] == '\t');
}

static void
check_washed(struct arena *a, str w)
{
	static const str link = { "a href=\"", 8 }, rel = { " rel=\"noopener noreferrer\"", 26 };
	size_t open = 0, shut = 0;

	assert(utf8_valid(w));
	for (size_t i = 0; i < w.n; i++) {
		str tag = str_sub(w, i + 1, w.n), inside;
		size_t end;
		assert(w.p[i] != '>');
		if (w.p[i] != '<')
			continue;
		end = str_find(tag, (str){ ">", 1 });
		assert(end != SIZE_MAX);
		inside = str_sub(tag, 0, end);
		i += end + 1;
		if (str_starts(inside, link)) {
			assert(str_ends(inside, rel));
			inside = str_sub(inside, 8, inside.n - 8 - rel.n);
			assert(str_eqi(str_sub(inside, 0, 4), (str){ "http", 4 }) || str_eqi(str_sub(inside, 0, 7), (str){ "mailto:", 7 }));
			inside = str_sub(inside, 0, inside.n - 1);
			for (size_t k = 0; k < inside.n; k++)
				assert(inside.p[k] != '"' && inside.p[k] != '<' && inside.p[k] != ' ');
			open++;
			continue;
		}
		shut += inside.n > 0 && inside.p[0] == '/';
		open += inside.n > 0 && inside.p[0] != '/' && !str_eq(inside, (str){ "br", 2 }) && !str_eq(inside, (str){ "hr", 2 });
		assert(inside.n > 0 && inside.n < 12);
		for (size_t k = inside.p[0] == '/'; k < inside.n; k++)
			assert((inside.p[k] >= 'a' && inside.p[k] <= 'z') || (inside.p[k] >= '0' && inside.p[k] <= '9'));
	}
	assert(open == shut);
	assert(str_eq(html_wash(a, w, MAIL_TEXT_MAX), w));
}

static struct html_picture
picture(void *arg, str id)
{
	(void)arg;
	assert(id.n > 0);
	return (struct html_picture){ { "/p\"", 3 }, { "<", 1 } };
}

static void
check_pictures(str w)
{
	static const str whole = { "<img src=\"/p&quot;\" alt=\"&lt;\">", 31 }, begin = { "<img", 4 };

	assert(utf8_valid(w));
	for (size_t at; (at = str_find(w, begin)) != SIZE_MAX; w = str_sub(w, at + 1, w.n))
		assert(str_starts(str_sub(w, at, w.n), whole));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	str html = { (const char *)data, size }, whole, part, fresh, quoted;
	size_t max = 0;

	if (size >= 2) {
		max = (size_t)(data[0] | data[1] << 8);
		html = str_sub(html, 2, size);
	}
	whole = html_to_text(a, html, MAIL_TEXT_MAX);
	part = html_to_text(a, html, max);
	check(whole, MAIL_TEXT_MAX);
	check(part, max);
	assert(str_starts(whole, part));

	check_washed(a, html_wash(a, html, MAIL_TEXT_MAX));
	/* Each address asked for is the mail's own; what is told to stand there is all that is different. */
	check_pictures(html_wash_mail(a, html, MAIL_TEXT_MAX, picture, NULL));

	mail_cut_quote(whole, &fresh, &quoted);
	assert(str_starts(whole, fresh) && str_ends(whole, quoted) && fresh.n + quoted.n <= whole.n);
	assert(str_trim(whole).n == 0 || str_trim(fresh).n > 0);
	arena_free(&a);
	return 0;
}
