/* Where a reply ends, and what a subject is without its prefixes. */
#include "mail_test.h"

#define OLD "> old line\n> older line\n"

static const struct {
	const char *why, *fresh, *quoted;    /* the text is both, one after the other */
} cuts[] = {
	{ "nothing to cut", "Hello\nyou", "" },
	{ "Gmail", "Thanks!\n\n", "On Mon, Jan 5, 2026 at 10:00 AM Ada Example <ada@clinic.example> wrote:\n\n" OLD },
	{ "Gmail, announcement in two lines", "Thanks!\n\n",
	  "On Mon, Jan 5, 2026 at 10:00 AM Ada Example <\nada@clinic.example> wrote:\n\n" OLD },
	{ "Apple", "Thanks!\n\n", "> On 5 Jan 2026, at 10:00, Ada Example <ada@clinic.example> wrote:\n> \n" OLD },
	{ "Apple, announcement not quoted", "Thanks!\n\n", "On 5 Jan 2026, at 10:00, Ada Example <ada@clinic.example> wrote:\n" OLD },
	{ "Thunderbird", "Thanks!\n\n", "Am 05.01.26 um 10:00 schrieb Ada Example:\n" OLD },
	{ "French", "Merci\n\n", "Le lun. 5 janv. 2026 à 10:00, Ada Example <ada@clinic.example> a écrit :\n" OLD },
	{ "Spanish", "Gracias\n\n", "El lun, 5 ene 2026 a las 10:00, Ada Example (<ada@clinic.example>) escribió:\n\n" OLD },
	{ "Chinese", "谢谢\n\n", "Ada Example <ada@clinic.example> 于2026年1月5日周一 10:00写道：\n\n" OLD },
	{ "Outlook", "Thanks!\n\n",
	  "________________________________\nFrom: Ada Example <ada@clinic.example>\nSent: Monday, January 5, 2026 10:00\n"
	  "To: Desk <desk@clinic.example>\nSubject: Visit\n\nold line\n" },
	{ "Outlook without a rule, fields in bold", "Thanks!\n\n",
	  "*From:* Ada Example <ada@clinic.example>\n*Sent:* Monday, January 5, 2026 10:00\n*To:* Desk\n*Subject:* Visit\n\nold line\n" },
	{ "Outlook, German", "Danke\n\n", "Von: Ada Example\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Desk\nBetreff: Besuch\n\nalt\n" },
	{ "older Outlook", "Thanks!\n\n", "-----Original Message-----\nFrom: Ada\n\nold line\n" },
	{ "older Outlook, German", "Danke\n\n", "-----Ursprüngliche Nachricht-----\nVon: Ada\n\nalt\n" },
	{ "our own mark", "Thanks!\n\n", "## Reply above this line ##\n\nold line\n" },
	{ "Zendesk's mark", "Thanks!\n\n", "##- Please type your reply above this line -##\nold line\n" },
	{ "unmarked quotes at the end", "Thanks!\n", OLD },
	{ "announcement, old message not marked", "Thanks!\n\n",
	  "On Monday, January 5, 2026, 10:00, Ada Example <ada@clinic.example> wrote:\n\nold line\n" },
	{ "the earliest of two", "Thanks!\n\n",
	  "On 5 Jan 2026, at 10:00, Ada <ada@clinic.example> wrote:\n> mine\n> -----Original Message-----\n> From: x\n" },
	{ "answers below the quotes stay", OLD "\nThanks!\n", "" },
	{ "answers between the quotes stay, the tail goes", "> Monday?\nYes.\n> Ten?\nNo.\n", "> Regards\n> Ada\n" },
	{ "announcement, quotes, answer: nothing is cut", "On 5 Jan 2026, at 10:00, Ada <ada@x.example> wrote:\n> Monday?\n\nYes.\n", "" },
	{ "only a quote: nothing would be left", "On 5 Jan 2026, at 10:00, Ada <ada@x.example> wrote:\n" OLD, "" },
	{ "only a forward", "-----Original Message-----\nFrom: Ada\n\nthe point\n", "" },
	{ "prose that begins like an announcement", "On Monday the lab wrote:\nthe values are fine.\n", "" },
	{ "prose with a field in it", "I got this\nFrom: the lab\nand wonder.\n", "" },
	{ "a forwarded message is not an older one", "Look:\n\n---------- Forwarded message ---------\nthe point\n", "" },
	{ "a table of dashes", "a\n----------\nb\n", "" },
	{ "a signature stays", "Thanks\n-- \nAda\n", "" },
	{ "empty", "", "" },
};

static void
cut(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	str whole = str_printf(a, "%s%s", cuts[i].fresh, cuts[i].quoted), fresh, quoted;

	mail_cut_quote(whole, &fresh, &quoted);
	assert_string_equal(str_z(a, quoted), cuts[i].quoted);
	assert_string_equal(str_z(a, str_trim(fresh)), str_z(a, str_trim(str_of(cuts[i].fresh))));
	arena_free(&a);
}

static const struct { const char *why, *subject, *base; } subjects[] = {
	{ "none", "Visit", "Visit" },
	{ "reply", "Re: Visit", "Visit" },
	{ "reply, upper case, no blank", "RE:Visit", "Visit" },
	{ "several", "Re: AW: Fwd: WG: Visit", "Visit" },
	{ "counted", "Re[2]: Re (3): Visit", "Visit" },
	{ "full-width colon", "回复：Visit", "Visit" },
	{ "other languages", "SV: VS: TR: RV: Antw: Odp: Ynt: Visit", "Visit" },
	{ "a word that only begins so", "Results: fine", "Results: fine" },
	{ "blanks around", "  Re:   Visit  ", "Visit" },
	{ "only a prefix", "Re:", "" },
	{ "empty", "", "" },
};

static void
base(void **state)
{
	size_t i = ROW(state);
	str got = mail_subject_base(str_of(subjects[i].subject));

	assert_true(str_eq(got, str_of(subjects[i].base)));
}

/* What is repeated to a megabyte, the most that a text has. */
static const struct { const char *why, *unit; } hostile[] = {
	{ "quotes", "> \n" }, { "announcements", "On 10:00 wrote:\n" }, { "half announcements", "On 10:00\n" },
	{ "fields", "From: x\n" }, { "blank lines", "\n" }, { "blanks", " " }, { "rules", "--------\n" },
	{ "quotes and lines", "> x\ny\n" }, { "fields in a block", "From: x\nSent: y\n" }, { "colons", ":\n" },
	{ "prefixes", "Re: " },
};

static void
hostile_row(void **state)
{
	size_t i = ROW(state), n = strlen(hostile[i].unit);
	struct arena *a = arena_new();
	char *p = NEW(a, char, MAIL_TEXT_MAX);
	usec start = time_mono();
	str whole = { p, MAIL_TEXT_MAX }, fresh, quoted;

	for (size_t at = 0; at < whole.n; at++)
		p[at] = hostile[i].unit[at % n];
	mail_cut_quote(whole, &fresh, &quoted);
	assert_true(fresh.n + quoted.n <= whole.n);
	assert_true(mail_subject_base(whole).n <= whole.n);
	assert_true(time_mono() - start < 20 * SECOND);
	arena_free(&a);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cuts) + COUNT(subjects) + COUNT(hostile)];
	size_t n = 0;

	ADD_ROWS(t, n, cuts, cut);
	ADD_ROWS(t, n, subjects, base);
	ADD_ROWS(t, n, hostile, hostile_row);
	return RUN_ROWS("mail text", t, n);
}
