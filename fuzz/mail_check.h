/* mail_check.h - what holds for every struct mail, wherever it comes from. */
#ifndef FUZZ_MAIL_CHECK_H
#define FUZZ_MAIL_CHECK_H

#include <assert.h>

#include "mail/mime.h"

/* One line of valid UTF-8 without controls, at most `max` bytes. */
static inline void
check_line(str s, size_t max)
{
	assert(s.n <= max);
	assert(utf8_valid(s));
	assert(is_clean_line(s));
	for (size_t i = 0; i < s.n; i++)
		assert((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7F);
}

static inline void
check_id(str s)
{
	check_line(s, 512);
	for (size_t i = 0; i < s.n; i++)
		assert(s.p[i] != ' ' && s.p[i] != '<' && s.p[i] != '>');
}

static inline void
check_addr(struct mail_addr a)
{
	size_t ats = 0;

	check_line(a.name, 256);
	check_line(a.addr, 254);
	for (size_t i = 0; i < a.addr.n; i++) {
		ats += a.addr.p[i] == '@';
		assert(strchr(" <>,;:()\"\\[]", a.addr.p[i]) == NULL);
	}
	assert(ats == (a.addr.n > 0));
}

static inline void
check_text(str s)
{
	assert(s.n <= MAIL_TEXT_MAX);
	assert(utf8_valid(s));
	for (size_t i = 0; i < s.n; i++)
		assert((unsigned char)s.p[i] >= ' ' || s.p[i] == '\n' || s.p[i] == '\t');
}

static inline void
check_mail(const struct mail *m)
{
	check_id(m->message_id);
	check_id(m->in_reply_to);
	assert(m->reference_count >= 0 && m->reference_count <= 100);
	for (int i = 0; i < m->reference_count; i++) {
		check_id(m->references[i]);
		assert(m->references[i].n > 0);
	}
	check_addr(m->from);
	check_addr(m->sender);
	check_addr(m->reply_to);
	check_addr(m->return_path);
	assert(m->to_count >= 0 && m->to_count <= 100 && m->cc_count >= 0 && m->cc_count <= 100);
	for (int i = 0; i < m->to_count; i++)
		check_addr(m->to[i]);
	for (int i = 0; i < m->cc_count; i++)
		check_addr(m->cc[i]);
	check_line(m->subject, 998);
	assert(m->date >= 0);
	assert(m->kind >= MAIL_NORMAL && m->kind <= MAIL_LOOP);
	check_addr((struct mail_addr){ S(""), m->failed_recipient });
	check_text(m->text);
	check_text(m->quoted);
	assert(utf8_valid(m->html) && m->html.n <= BODY_MAX);
	assert(m->attachment_count >= 0 && m->attachment_count <= MAIL_ATTACH_MAX);
	for (int i = 0; i < m->attachment_count; i++) {
		const struct mail_attachment *at = &m->attachment[i];

		check_line(at->file_name, 255);
		assert(at->file_name.n > 0);
		assert(memchr(at->file_name.p, '/', at->file_name.n) == NULL);
		assert(memchr(at->file_name.p, '\\', at->file_name.n) == NULL);
		check_line(at->content_type, 127);
		assert(memchr(at->content_type.p, '/', at->content_type.n) != NULL);
		check_id(at->content_id);
	}
	assert(m->problem_count >= 0 && (size_t)m->problem_count <= COUNT(m->problem));
}

#endif
