/* write.c - a message of ours as bytes, through gmime. */
#include <gmime/gmime.h>
#include <stdio.h>

#include "mail/mail.h"
#include "mail/mime.h"

/* One line without controls, NUL-terminated: what goes into a header. */
static char *
line_z(struct ctx *cx, str s)
{
	char *z;

	s = utf8_mend(cx->arena, s);
	z = str_z(cx->arena, s);
	for (char *p = z; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = ' ';
	return z;
}

static void
set_header(GMimeMessage *m, const char *name, const char *value)
{
	g_mime_object_set_header(GMIME_OBJECT(m), name, value, "UTF-8");
}

static void
set_address(struct ctx *cx, InternetAddressList *list, const struct mail_addr *a)
{
	InternetAddress *ia = internet_address_mailbox_new(a->name.n ? line_z(cx, a->name) : NULL, line_z(cx, a->addr));

	internet_address_list_add(list, ia);
	g_object_unref(ia);
}

enum err
mail_write(struct ctx *cx, const struct mail_out *m, str *raw)
{
	GMimeMessage *msg;
	GMimeTextPart *part;
	GMimeStream *mem, *filtered;
	GMimeFilter *dos;
	GMimeFormatOptions *format;
	GDateTime *date;
	GByteArray *bytes;
	struct buf refs;
	bool ok;

	mime_init();
	msg = g_mime_message_new(TRUE);
	set_address(cx, g_mime_message_get_from(msg), &m->from);
	set_address(cx, g_mime_message_get_to(msg), &m->to);
	if (m->reply_to.addr.n)
		set_address(cx, g_mime_message_get_reply_to(msg), &m->reply_to);
	g_mime_message_set_subject(msg, line_z(cx, m->subject), "UTF-8");
	g_mime_message_set_message_id(msg, line_z(cx, m->message_id));
	date = g_date_time_new_from_unix_utc(time_unix(m->date));
	if (date != NULL) {
		g_mime_message_set_date(msg, date);
		g_date_time_unref(date);
	}
	buf_init(&refs, cx->arena, 8 * KiB);
	for (size_t i = 0; i < COUNT(m->references); i++)
		if (m->references[i].n)
			buf_fmt(&refs, "%s<" STR_F ">", refs.n ? " " : "", STR_A(m->references[i]));
	if (m->in_reply_to.n)
		set_header(msg, "In-Reply-To", line_z(cx, str_printf(cx->arena, "<" STR_F ">", STR_A(m->in_reply_to))));
	if (refs.n)
		set_header(msg, "References", line_z(cx, buf_str(&refs)));
	if (m->auto_submitted != NULL) {
		set_header(msg, "Auto-Submitted", m->auto_submitted);
		set_header(msg, "X-Auto-Response-Suppress", "All");
	}
	if (m->loop.n)
		set_header(msg, "X-Ward-Loop", line_z(cx, m->loop));

	part = g_mime_text_part_new_with_subtype("plain");
	g_mime_text_part_set_charset(part, "UTF-8");
	g_mime_text_part_set_text(part, str_z(cx->arena, utf8_mend(cx->arena, m->text)));
	/* Quoted-printable keeps every line short and every relay's hands off. */
	g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	g_mime_message_set_mime_part(msg, GMIME_OBJECT(part));
	g_object_unref(part);

	format = g_mime_format_options_new();
	g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
	bytes = g_byte_array_new();
	mem = g_mime_stream_mem_new_with_byte_array(bytes);      /* owns bytes */
	filtered = g_mime_stream_filter_new(mem);
	dos = g_mime_filter_unix2dos_new(TRUE);
	g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), dos);
	ok = g_mime_object_write_to_stream(GMIME_OBJECT(msg), format, filtered) > 0 && g_mime_stream_flush(filtered) == 0;
	if (ok)
		*raw = str_dup(cx->arena, (str){ (char *)bytes->data, bytes->len });
	wipe(bytes->data, bytes->len);
	g_object_unref(dos);
	g_object_unref(filtered);
	g_object_unref(mem);
	g_mime_format_options_free(format);
	g_object_unref(msg);
	return ok ? OK : fail(cx, E_FAULT, NULL, "the message could not be written");
}
