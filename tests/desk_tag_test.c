/* Tags in lower case, and what a change makes of a ticket's. */
#include "rows.h"

#include "desk/in.h"

static const struct { const char *why, *in, *out; } rows[] = {
	{ "ASCII",                        "VIP Gold",             "vip gold" },
	{ "umlauts",                      "\xc3\x84RZTE",         "\xc3\xa4rzte" },
	{ "Greek, the last sigma",        "\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82" },
	{ "Cyrillic",                     "\xd0\x92\xd0\xa0\xd0\x90\xd0\xa7", "\xd0\xb2\xd1\x80\xd0\xb0\xd1\x87" },
	{ "sharp s stays",                "stra\xc3\x9f" "e",     "stra\xc3\x9f" "e" },
	{ "a capital I with a dot grows", "\xc4\xb0",             "i\xcc\x87" },
	{ "no letters",                   "\xe5\x8c\xbb 1",       "\xe5\x8c\xbb 1" },
	{ "nothing",                      "",                     "" },
};

static struct sys sys;

static void
lowers(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;

	ctx_init(&cx, &sys, 1);
	assert_string_equal(str_z(cx.arena, tag_lower(&cx, str_of(rows[i].in))), rows[i].out);
	ctx_done(&cx);
}

/* Tags that were kept with their capitals are found and lowered by the next change. */
static void
kept_before(void **state UNUSED)
{
	sensitive gone = HIDE(S("\xc3\x84RZTE")), more = HIDE(S("new"));
	struct ticket_change ch = { .has = T_ADD_TAGS | T_REMOVE_TAGS, .tag = &more, .tag_count = 1, .drop_tag = &gone, .drop_count = 1 };
	struct ctx cx;

	ctx_init(&cx, &sys, 1);
	assert_string_equal(str_z(cx.arena, ticket_tags_after(&cx, S("[\"\xc3\x84RZTE\",\"\xc3\x96L\"]"), &ch)), "[\"new\",\"\xc3\xb6l\"]");
	ctx_done(&cx);
}

int
main(void)
{
	static struct CMUnitTest t[COUNT(rows) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, rows, lowers);
	ADD(t, n, kept_before);
	return RUN_ROWS("desk tag", t, n);
}
