/* module: mail */
/* Whatever the HTML: the text is valid UTF-8 without controls, no longer than
 * asked for (the first two bytes say how long), and a shorter maximum gives no
 * other beginning. Its quotes are cut into two pieces that are in it. */
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

	mail_cut_quote(whole, &fresh, &quoted);
	assert(str_starts(whole, fresh) && str_ends(whole, quoted) && fresh.n + quoted.n <= whole.n);
	assert(str_trim(whole).n == 0 || str_trim(fresh).n > 0);
	arena_free(&a);
	return 0;
}
