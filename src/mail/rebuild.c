/* rebuild.c - a message made anew of what was read out of it.
 *
 * For a message of which something must not be kept: its original bytes hold
 * the value in ways that cannot be cut out (base64, quoted-printable, another
 * alternative part). What is written here reads back as the same struct mail:
 * the addresses, ids, date, text and attachments; other header fields and the
 * HTML part are gone. gmime writes it (RFC 5322, RFC 2045 to 2047).
 */
#include <gmime/gmime.h>

#include "mail/mime.h"

/* One line, NUL-terminated: a header cannot be broken out of. */
static char *
line_z(struct ctx *cx, str s)
{
	char *z = str_z(cx->arena, utf8_mend(cx->arena, s));

	for (char *p = z; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return z;
}

static void
put_addresses(struct ctx *cx, InternetAddressList *list, const struct mail_addr *a, int n)
{
	for (int i = 0; i < n; i++)
		if (a[i].addr.n) {
			InternetAddress *one = internet_address_mailbox_new(a[i].name.n ? line_z(cx, a[i].name) : NULL, line_z(cx, a[i].addr));
			internet_address_list_add(list, one);
			g_object_unref(one);
		}
}

static void
put_ids(struct ctx *cx, GMimeObject *msg, const char *field, const str *id, int n)
{
	struct buf b;

	buf_init(&b, cx->arena, 64 * KiB);
	for (int i = 0; i < n; i++)
		if (id[i].n) {
			buf_add(&b, b.n ? S(" <") : S("<"));
			buf_add(&b, id[i]);
			buf_byte(&b, '>');
		}
	if (b.n)
		g_mime_object_set_header(msg, field, line_z(cx, buf_str(&b)), NULL);
}

static GMimeObject *
file_part(struct ctx *cx, const struct mail_attachment *f)
{
	str type = f->content_type, major = str_cut(&type, '/');
	GMimeStream *mem = g_mime_stream_mem_new_with_buffer(f->bytes.n ? f->bytes.p : "", f->bytes.n);
	GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(mem, GMIME_CONTENT_ENCODING_DEFAULT);
	GMimePart *part = major.n && type.n && !str_eqi(major, S("multipart")) && !str_eqi(major, S("message"))
	    ? g_mime_part_new_with_type(line_z(cx, major), line_z(cx, type))
	    : g_mime_part_new_with_type("application", "octet-stream");

	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
	g_mime_object_set_disposition(GMIME_OBJECT(part), f->is_inline ? "inline" : "attachment");
	g_mime_part_set_filename(part, line_z(cx, f->file_name));
	if (f->content_id.n)
		g_mime_part_set_content_id(part, line_z(cx, f->content_id));
	g_object_unref(content);
	g_object_unref(mem);
	return GMIME_OBJECT(part);
}

enum err
mail_rebuild(struct ctx *cx, const struct mail *m, str *raw)
{
	GMimeMessage *msg;
	GMimeTextPart *text;
	GMimeMultipart *mixed;
	GMimeStream *mem;
	GDateTime *date;
	GByteArray *bytes;
	struct buf body;
	enum err e = OK;

	mime_init();
	msg = g_mime_message_new(TRUE);
	put_addresses(cx, g_mime_message_get_from(msg), &m->from, 1);
	put_addresses(cx, g_mime_message_get_sender(msg), &m->sender, 1);
	put_addresses(cx, g_mime_message_get_reply_to(msg), &m->reply_to, 1);
	put_addresses(cx, g_mime_message_get_to(msg), m->to, m->to_count);
	put_addresses(cx, g_mime_message_get_cc(msg), m->cc, m->cc_count);
	g_mime_message_set_subject(msg, line_z(cx, m->subject), "UTF-8");
	put_ids(cx, GMIME_OBJECT(msg), "Message-ID", &m->message_id, 1);
	put_ids(cx, GMIME_OBJECT(msg), "In-Reply-To", &m->in_reply_to, 1);
	put_ids(cx, GMIME_OBJECT(msg), "References", m->references, m->reference_count);
	if (m->kind == MAIL_AUTO_REPLY)
		g_mime_object_set_header(GMIME_OBJECT(msg), "Auto-Submitted", "auto-replied", NULL);
	if (m->kind == MAIL_BULK)
		g_mime_object_set_header(GMIME_OBJECT(msg), "Precedence", "bulk", NULL);
	if (m->date != 0 && (date = g_date_time_new_from_unix_utc(time_unix(m->date))) != NULL) {
		g_mime_message_set_date(msg, date);
		g_date_time_unref(date);
	}
	buf_init(&body, cx->arena, MAIL_MAX);
	buf_add(&body, m->text);
	if (m->quoted.n) {
		buf_add(&body, S("\n\n"));
		buf_add(&body, m->quoted);
	}
	text = g_mime_text_part_new_with_subtype("plain");
	g_mime_text_part_set_charset(text, "utf-8");
	g_mime_text_part_set_text(text, str_z(cx->arena, utf8_mend(cx->arena, buf_str(&body))));
	g_mime_part_set_content_encoding(GMIME_PART(text), GMIME_CONTENT_ENCODING_BASE64);
	if (m->attachment_count == 0)
		g_mime_message_set_mime_part(msg, GMIME_OBJECT(text));
	else {
		mixed = g_mime_multipart_new_with_subtype("mixed");
		g_mime_multipart_add(mixed, GMIME_OBJECT(text));
		for (int i = 0; i < m->attachment_count; i++) {
			GMimeObject *part = file_part(cx, &m->attachment[i]);
			g_mime_multipart_add(mixed, part);
			g_object_unref(part);
		}
		g_mime_message_set_mime_part(msg, GMIME_OBJECT(mixed));
		g_object_unref(mixed);
	}
	g_object_unref(text);
	mem = g_mime_stream_mem_new();
	if (g_mime_object_write_to_stream(GMIME_OBJECT(msg), NULL, mem) < 0)
		e = fail(cx, E_FAULT, NULL, "the message cannot be written");
	else {
		bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(mem));
		*raw = str_dup(cx->arena, (str){ (char *)bytes->data, bytes->len });
		wipe(bytes->data, bytes->len);
	}
	g_object_unref(mem);
	g_object_unref(msg);
	return e;
}
