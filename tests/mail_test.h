/* mail_test.h - a parsed message as lines of text, for rows that expect some of them. */
#ifndef WARD_MAIL_TEST_H
#define WARD_MAIL_TEST_H

#include <stdio.h>

#include "rows.h"

#include "mail/mail.h"

static inline void
dump_value(struct buf *b, const char *key, str v)
{
	if (v.n == 0)
		return;
	buf_add(b, str_of(key));
	buf_byte(b, '=');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\n')
			buf_add(b, S("\\n"));
		else if (v.p[i] == 0)
			buf_add(b, S("\\0"));
		else
			buf_byte(b, v.p[i]);
	}
	buf_byte(b, '\n');
}

static inline void
dump_addr(struct buf *b, const char *key, struct mail_addr a, bool always)
{
	if (a.addr.n == 0 && a.name.n == 0 && !always)
		return;
	buf_fmt(b, "%s=", key);
	buf_add(b, a.name);
	buf_add(b, S(" <"));
	buf_add(b, a.addr);
	buf_add(b, S(">\n"));
}

/* One "key=value" line per value that is not empty. */
static inline str
dump(struct arena *a, const struct mail *m)
{
	static const char *const kinds[] = { "normal", "auto", "bounce", "bulk", "loop" };
	struct buf b;

	buf_init(&b, a, 64 * MiB);
	buf_byte(&b, '\n');
	dump_value(&b, "id", m->message_id);
	dump_value(&b, "reply-to-id", m->in_reply_to);
	for (int i = 0; i < m->reference_count; i++)
		dump_value(&b, "ref", m->references[i]);
	dump_addr(&b, "from", m->from, true);
	dump_addr(&b, "sender", m->sender, false);
	dump_addr(&b, "reply-to", m->reply_to, false);
	dump_addr(&b, "return-path", m->return_path, false);
	for (int i = 0; i < m->to_count; i++)
		dump_addr(&b, "to", m->to[i], true);
	for (int i = 0; i < m->cc_count; i++)
		dump_addr(&b, "cc", m->cc[i], true);
	dump_value(&b, "subject", m->subject);
	if (m->date != 0)
		dump_value(&b, "date", time_iso(a, m->date));
	dump_value(&b, "kind", str_of(kinds[m->kind]));
	dump_value(&b, "failed", m->failed_recipient);
	dump_value(&b, "text", m->text);
	dump_value(&b, "quoted", m->quoted);
	dump_value(&b, "html", m->html);
	for (int i = 0; i < m->attachment_count; i++) {
		const struct mail_attachment *at = &m->attachment[i];
		str line = str_printf(a, "%s|%s|%s|%s|%zu", str_z(a, at->file_name), str_z(a, at->content_type),
		    str_z(a, at->content_id), at->is_inline ? "inline" : "", at->bytes.n);

		dump_value(&b, "attachment", line);
		if (at->bytes.n < 64)
			dump_value(&b, "bytes", at->bytes);
	}
	for (int i = 0; i < m->problem_count; i++)
		dump_value(&b, "problem", str_of(m->problem[i]));
	return buf_str(&b);
}

/* Each of the '\n'-separated lines in `want` is a line of `got`; one that
 * begins with '!' is the beginning of none. */
static inline void
expect_lines(str got, const char *want)
{
	char line[4096];
	str rest = str_of(want);

	while (rest.n > 0) {
		str w = str_cut(&rest, '\n');
		bool not = str_starts(w, S("!"));
		bool has;

		snprintf(line, sizeof(line), "\n%.*s%s", (int)(w.n - not), w.p + not, not ? "" : "\n");
		has = str_find(got, str_of(line)) != SIZE_MAX;
		if (has == not) {
			print_error("%s: %.*s\n--- got:%.*s---\n", not ? "unexpected" : "missing", (int)w.n, w.p,
			    (int)got.n, got.p);
			_fail(__FILE__, __LINE__);
		}
	}
}

#endif
