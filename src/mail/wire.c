/* wire.c - a struct mail as bytes, from the parser process to its parent.
 *
 *     mail    := field*            fields of base.h's pack, tags below
 *     address := NAME? ADDR        a row is complete with its ADDR
 *     attachment := (FILE | TYPE | ID | INLINE)* BYTES      complete with BYTES
 *     reference  := REFERENCE      oldest first
 *     problem    := PROBLEM        its number in enum problem
 *
 * Empty values are not written. The reader believes nothing: a parser process
 * that a message has taken over can write anything, and what it writes becomes
 * headers, file names and pages. So every rule of mail.h is checked again, and
 * what breaks one is refused whole.
 */
#include "mail/mime.h"

enum tag {
	END, MESSAGE_ID, IN_REPLY_TO, REFERENCE,
	FROM_NAME, FROM, SENDER_NAME, SENDER, REPLY_TO_NAME, REPLY_TO, RETURN_PATH_NAME, RETURN_PATH,
	TO_NAME, TO, CC_NAME, CC,
	SUBJECT, DATE, KIND, FAILED, TEXT, QUOTED, HTML, PROBLEM,
	FILE_NAME, TYPE, ID, INLINE, BYTES
};

static void
put(struct buf *b, enum tag tag, str s)
{
	if (s.n > 0)
		pack_put(b, (uint8_t)tag, s);
}

static void
put_addr(struct buf *b, enum tag name, enum tag addr, const struct mail_addr *a, bool always)
{
	put(b, name, a->name);
	if (a->addr.n > 0 || a->name.n > 0 || always)
		pack_put(b, (uint8_t)addr, a->addr);
}

void
mail_pack(struct buf *b, const struct mail *m)
{
	put(b, MESSAGE_ID, m->message_id);
	put(b, IN_REPLY_TO, m->in_reply_to);
	for (int i = 0; i < m->reference_count; i++)
		pack_put(b, REFERENCE, m->references[i]);
	put_addr(b, FROM_NAME, FROM, &m->from, false);
	put_addr(b, SENDER_NAME, SENDER, &m->sender, false);
	put_addr(b, REPLY_TO_NAME, REPLY_TO, &m->reply_to, false);
	put_addr(b, RETURN_PATH_NAME, RETURN_PATH, &m->return_path, false);
	for (int i = 0; i < m->to_count; i++)
		put_addr(b, TO_NAME, TO, &m->to[i], true);
	for (int i = 0; i < m->cc_count; i++)
		put_addr(b, CC_NAME, CC, &m->cc[i], true);
	put(b, SUBJECT, m->subject);
	pack_int(b, DATE, m->date);
	pack_int(b, KIND, m->kind);
	put(b, FAILED, m->failed_recipient);
	put(b, TEXT, m->text);
	put(b, QUOTED, m->quoted);
	put(b, HTML, m->html);
	for (int i = 0; i < m->problem_count; i++)
		for (int p = 0; p < PROBLEM_COUNT; p++)
			if (m->problem[i] == problem_words((enum problem)p))
				pack_int(b, PROBLEM, p);
	for (int i = 0; i < m->attachment_count; i++) {
		const struct mail_attachment *at = &m->attachment[i];

		put(b, FILE_NAME, at->file_name);
		put(b, TYPE, at->content_type);
		put(b, ID, at->content_id);
		if (at->is_inline)
			pack_int(b, INLINE, 1);
		pack_put(b, BYTES, at->bytes);
	}
}

/* At least what mail_pack writes, so that the buffer is allocated once: all but
 * text, html and attachments is small and has fixed limits. */
size_t
mail_packed_max(const struct mail *m)
{
	size_t n = 64 * KiB + m->text.n + m->quoted.n + m->html.n + m->subject.n;

	for (int i = 0; i < m->reference_count; i++)
		n += m->references[i].n + 16;
	for (int i = 0; i < m->to_count; i++)
		n += m->to[i].name.n + m->to[i].addr.n + 32;
	for (int i = 0; i < m->cc_count; i++)
		n += m->cc[i].name.n + m->cc[i].addr.n + 32;
	for (int i = 0; i < m->attachment_count; i++)
		n += m->attachment[i].bytes.n + m->attachment[i].file_name.n + KiB;
	return n;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool
is_line(str s, size_t max)
{
	return s.n <= max && is_clean_line(s);
}

static bool
is_id(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return is_line(s, 512);
}

static bool
is_text(str s)
{
	if (s.n > MAIL_TEXT_MAX || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n' && s.p[i] != '\t')
			return false;
	return true;
}

static bool
is_file_name(str s)
{
	return s.n > 0 && is_line(s, 255) && memchr(s.p, '/', s.n) == NULL && memchr(s.p, '\\', s.n) == NULL;
}

static bool
is_type(str s)
{
	int slashes = 0;

	if (s.n == 0 || s.n > 127)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		slashes += c == '/';
		if ((unsigned char)c <= ' ' || (unsigned char)c >= 127 || (c >= 'A' && c <= 'Z') || strchr("()<>@,;:\\\"[]?=", c) != NULL)
			return false;
	}
	return slashes == 1;
}

struct reader {
	struct arena          *a;
	struct mail            m;
	str                    name;     /* of the address being read */
	struct mail_attachment at;       /* being read */
};

static bool
take_addr(struct reader *r, str value, struct mail_addr *out)
{
	if (value.n > 0 && !str_eq(head_addr(r->a, value), value))
		return false;
	*out = (struct mail_addr){ r->name, value };
	r->name = S("");
	return true;
}

/* One field into r->m. False when it breaks a rule. */
static bool
take(struct reader *r, enum tag tag, str v)
{
	struct mail *m = &r->m;
	int64_t n = pack_get_int(v);

	switch (tag) {
	case MESSAGE_ID:
		m->message_id = v;
		return is_id(v);
	case IN_REPLY_TO:
		m->in_reply_to = v;
		return is_id(v);
	case REFERENCE:
		if (m->references == NULL)
			m->references = NEW(r->a, str, REFERENCES_MAX);
		if (m->reference_count == REFERENCES_MAX || v.n == 0)
			return false;
		m->references[m->reference_count++] = v;
		return is_id(v);
	case FROM_NAME: case SENDER_NAME: case REPLY_TO_NAME: case RETURN_PATH_NAME: case TO_NAME: case CC_NAME:
		r->name = v;
		return is_line(v, 256);
	case FROM:
		return take_addr(r, v, &m->from);
	case SENDER:
		return take_addr(r, v, &m->sender);
	case REPLY_TO:
		return take_addr(r, v, &m->reply_to);
	case RETURN_PATH:
		return take_addr(r, v, &m->return_path);
	case TO:
		if (m->to == NULL)
			m->to = NEW(r->a, struct mail_addr, ADDRESSES_MAX);
		return m->to_count < ADDRESSES_MAX && take_addr(r, v, &m->to[m->to_count++]);
	case CC:
		if (m->cc == NULL)
			m->cc = NEW(r->a, struct mail_addr, ADDRESSES_MAX);
		return m->cc_count < ADDRESSES_MAX && take_addr(r, v, &m->cc[m->cc_count++]);
	case SUBJECT:
		m->subject = v;
		return is_line(v, SUBJECT_MAX);
	case DATE:
		m->date = n;
		return v.n == 8 && n >= 0 && n < time_of_civil(2200, 1, 1, 0, 0, 0);
	case KIND:
		m->kind = (enum mail_kind)n;
		return v.n == 8 && n >= MAIL_NORMAL && n <= MAIL_LOOP;
	case FAILED:
		m->failed_recipient = v;
		return str_eq(head_addr(r->a, v), v);
	case TEXT:
		m->text = v;
		return is_text(v);
	case QUOTED:
		m->quoted = v;
		return is_text(v);
	case HTML:
		m->html = v;
		return v.n <= BODY_MAX && utf8_valid(v);
	case PROBLEM:
		if (v.n != 8 || n < 0 || n >= PROBLEM_COUNT)
			return false;
		mail_problem(m, (enum problem)n);
		return true;
	case FILE_NAME:
		r->at.file_name = v;
		return is_file_name(v);
	case TYPE:
		r->at.content_type = v;
		return is_type(v);
	case ID:
		r->at.content_id = v;
		return is_id(v);
	case INLINE:
		r->at.is_inline = true;
		return true;
	case BYTES:
		if (m->attachment == NULL)
			m->attachment = NEW(r->a, struct mail_attachment, MAIL_ATTACH_MAX);
		if (m->attachment_count == MAIL_ATTACH_MAX || r->at.file_name.n == 0 || r->at.content_type.n == 0)
			return false;
		r->at.bytes = v;
		m->attachment[m->attachment_count++] = r->at;
		r->at = (struct mail_attachment){ 0 };
		return true;
	case END:
		break;
	}
	return false;
}

bool
mail_unpack(struct arena *a, str packed, struct mail *out)
{
	struct reader r = { .a = a };
	uint8_t tag;
	str value;

	while (pack_next(&packed, &tag, &value))
		if (!take(&r, (enum tag)tag, value))
			return false;
	if (packed.n > 0)
		return false;
	*out = r.m;
	return true;
}
