/* module: mail */
/* Whatever bytes mail_parse() takes, what it makes of them keeps the rules of
 * mail.h; it is the same after the way from the parser process to its parent;
 * and the text and its quote are no longer than what was there. */
#include <stdlib.h>

#include "mail_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same_addr(struct mail_addr a, struct mail_addr b)
{
	return str_eq(a.name, b.name) && str_eq(a.addr, b.addr);
}

static void
check_same(const struct mail *a, const struct mail *b)
{
	assert(str_eq(a->message_id, b->message_id) && str_eq(a->in_reply_to, b->in_reply_to));
	assert(a->reference_count == b->reference_count);
	for (int i = 0; i < a->reference_count; i++)
		assert(str_eq(a->references[i], b->references[i]));
	assert(same_addr(a->from, b->from) && same_addr(a->sender, b->sender));
	assert(same_addr(a->reply_to, b->reply_to) && same_addr(a->return_path, b->return_path));
	assert(a->to_count == b->to_count && a->cc_count == b->cc_count);
	for (int i = 0; i < a->to_count; i++)
		assert(same_addr(a->to[i], b->to[i]));
	for (int i = 0; i < a->cc_count; i++)
		assert(same_addr(a->cc[i], b->cc[i]));
	assert(str_eq(a->subject, b->subject) && a->date == b->date && a->kind == b->kind);
	assert(str_eq(a->failed_recipient, b->failed_recipient));
	assert(str_eq(a->text, b->text) && str_eq(a->quoted, b->quoted) && str_eq(a->html, b->html));
	assert(a->attachment_count == b->attachment_count);
	for (int i = 0; i < a->attachment_count; i++) {
		assert(str_eq(a->attachment[i].file_name, b->attachment[i].file_name));
		assert(str_eq(a->attachment[i].content_type, b->attachment[i].content_type));
		assert(str_eq(a->attachment[i].content_id, b->attachment[i].content_id));
		assert(a->attachment[i].is_inline == b->attachment[i].is_inline);
		assert(str_eq(a->attachment[i].bytes, b->attachment[i].bytes));
	}
	assert(a->problem_count == b->problem_count);
	for (int i = 0; i < a->problem_count; i++)
		assert(a->problem[i] == b->problem[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail m = { 0 }, again = { 0 };
	struct ctx cx;
	struct buf b;
	str base;

	ctx_init(&cx, NULL, 1);
	cx.now = time_of_civil(2026, 1, 5, 0, 0, 0);
	if (mail_parse(&cx, (str){ (const char *)data, size }, &m) != OK) {
		assert(cx.fail.code == E_INVALID && cx.fail.why != NULL);
		ctx_done(&cx);
		return 0;
	}
	check_mail(&m);
	assert(m.text.n + m.quoted.n <= MAIL_TEXT_MAX);
	base = mail_subject_base(m.subject);
	assert(str_ends(m.subject, base));

	buf_init(&b, cx.arena, 64 * MiB);
	mail_pack(&b, &m);
	assert(!b.over && b.n <= mail_packed_max(&m));
	assert(mail_unpack(cx.arena, buf_str(&b), &again));
	check_same(&m, &again);
	ctx_done(&cx);
	return 0;
}
