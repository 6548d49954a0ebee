/* text.c - plain text as a person wrote it: line ends, soft line ends, quotes.
 *
 * Where a reply ends. Mail programs put the message that is answered below the
 * answer, and each announces it in its own way:
 *
 *   ours              ## Reply above this line ##
 *   Gmail, Apple      On Mon, 5 Jan 2026 at 10:00, Ada Example <ada@...> wrote:
 *                     (in one line or broken into up to four; then "> " lines)
 *   Outlook           ________________________________
 *                     From: Ada Example
 *                     Sent: Monday, January 5, 2026 10:00
 *                     To: ...
 *   older Outlook     -----Original Message-----
 *   everybody         "> " lines to the end
 *
 * in the language of the sender. The earliest of these ends the text. Two
 * things are never cut: a message of which nothing would be left (the answer
 * is below the quote, or it is a forward), and "> " lines with an answer below
 * them. What an announcement says has to look like one (a time or an address
 * in it, or quoted lines below it), since "Dr. Example wrote:" is also how
 * people begin to tell. Cutting decides what is shown first, it loses nothing.
 *
 * One pass over the lines, with a look at no more than six lines ahead and
 * LINE_LOOK bytes of each: linear.
 */
#include "mail/mime.h"

enum {
	LINE_LOOK = 300,    /* bytes of a line that are looked at */
	SHORTEST  = 5,      /* of a line that announces something */
};

/* ---- whole texts ------------------------------------------------------------------------------ */

str
text_plain(struct arena *a, str s)
{
	struct buf b;
	uint32_t cp;
	size_t n;

	buf_init(&b, a, s.n);
	for (size_t at = 0; at < s.n; at += n) {
		n = utf8_next(s, at, &cp);
		if (cp == '\r') {
			if (at + 1 < s.n && s.p[at + 1] == '\n')
				continue;
			cp = '\n';
		} else if (cp == '\f' || cp == '\v' || cp == 0x85 || cp == 0x2028 || cp == 0x2029) {
			cp = '\n';
		}
		if (cp == '\n') {
			while (b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
				b.n--;
			if (b.n > 0)
				buf_byte(&b, '\n');
		} else if (cp == 0) {
			buf_byte(&b, ' ');
		} else if (cp == '\t' || (cp >= 32 && cp < 0x7F)) {
			buf_byte(&b, (char)cp);
		} else if (cp >= 0xA0 && cp != 0xFEFF) {
			buf_add(&b, n == 1 ? S("?") : str_sub(s, at, n));
		}
	}
	return str_trim(buf_str(&b));
}

static str
next_line(str *rest)
{
	str line = str_cut(rest, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static size_t
quote_depth(str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return n;
}

/* RFC 3676 4: a line that ends in a blank goes on in the next one, when that is
 * quoted as deeply; a signature mark "-- " does not; one blank in front of a
 * line is stuffing. */
str
text_unflow(struct arena *a, str s, bool delsp)
{
	struct buf b;
	bool open = false;
	size_t depth = 0;

	buf_init(&b, a, s.n + 1);
	for (str rest = s; rest.n > 0;) {
		str line = next_line(&rest);
		size_t d = quote_depth(line);
		str text = str_sub(line, d, line.n);
		bool signature, soft;

		if (text.n > 0 && text.p[0] == ' ')
			text = str_sub(text, 1, text.n);
		signature = str_eq(text, S("-- "));
		soft = !signature && text.n > 0 && text.p[text.n - 1] == ' ';
		if (open && (d != depth || signature)) {
			buf_byte(&b, '\n');
			open = false;
		}
		if (!open) {
			buf_add(&b, str_sub(line, 0, d));
			if (d > 0)
				buf_byte(&b, ' ');
		}
		buf_add(&b, soft && delsp ? str_sub(text, 0, text.n - 1) : text);
		if (!soft)
			buf_byte(&b, '\n');
		open = soft;
		depth = d;
	}
	return buf_str(&b);
}

/* ---- quotes ----------------------------------------------------------------------------------- */

static bool
is_blank(str line)
{
	return str_trim(str_sub(line, 0, LINE_LOOK)).n == 0;
}

static bool
has_any(str line, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_findi(line, str_of(words[i])) != SIZE_MAX)
			return true;
	return false;
}

/* "## Reply above this line ##", "##- Please type your reply above this line -##" */
static bool
is_reply_mark(str line)
{
	line = str_trim(line);
	return str_starts(line, S("##")) && str_ends(line, S("##")) && line.n <= 120 &&
	    str_findi(line, S("above")) != SIZE_MAX;
}

/* "-----Original Message-----" and its translations, three dashes or more. */
static bool
is_original_mark(str line)
{
	static const char *const words[] = {
		"original message", "original appointment", "ursprüngliche nachricht", "originalnachricht",
		"message d'origine", "message d’origine", "message original", "mensaje original",
		"mensagem original", "messaggio originale", "oorspronkelijk bericht", "ursprungligt meddelande",
		"oprindelig meddelelse", "opprinnelig melding", "alkuperäinen viesti", "oryginalna wiadomo",
	};

	line = str_trim(line);
	return line.n <= 100 && str_starts(line, S("---")) && str_ends(line, S("---")) &&
	    has_any(line, words, COUNT(words));
}

/* A line that ends the announcement: "... wrote:". */
static bool
ends_announcement(str line)
{
	static const char *const words[] = {
		"wrote", "schrieb", "a écrit", "escribió", "ha scritto", "schreef", "escreveu", "skrev",
		"kirjoitti", "pisze", "napisa", "пишет", "написал",
		"yazdı", "写道", "寫道", "geschreven",
	};

	line = str_trim(line);
	if (line.n > LINE_LOOK || !(str_ends(line, S(":")) || str_ends(line, S("："))))
		return false;
	return has_any(line.n > 120 ? str_sub(line, line.n - 120, 120) : line, words, COUNT(words));
}

static bool
starts_announcement(str line)
{
	static const char *const words[] = {
		"On ", "Am ", "Le ", "El ", "Il ", "Op ", "Em ", "Den ", "W dniu ", "Dnia ", "Na ", "På ",
		"在", "于", "В ", "Від", "Vi ", "ma ", "ke ", "to ",
	};

	line = str_trim(str_sub(line, 0, LINE_LOOK));
	for (size_t i = 0; i < COUNT(words); i++)
		if (str_starts(line, str_of(words[i])))
			return true;
	return line.n > 4 && line.p[0] >= '1' && line.p[0] <= '3' && memchr(str_sub(line, 0, 5).p, '-', 5) != NULL;
}

/* Something in it that prose seldom has: an address, a time. */
static bool
looks_dated(str line)
{
	line = str_sub(line, 0, 2 * LINE_LOOK);
	for (size_t i = 0; i + 3 < line.n; i++) {
		const char *p = line.p + i;

		if (*p == '@')
			return true;
		if (p[0] >= '0' && p[0] <= '9' && p[1] == ':' && p[2] >= '0' && p[2] <= '5' && p[3] >= '0' && p[3] <= '9')
			return true;
	}
	return false;
}

/* How many lines the announcement at the start of `text` has; 0: none here. */
static int
announcement(str text, bool *dated)
{
	str rest = text;

	*dated = false;
	for (int n = 1; n <= 4; n++) {
		str line;

		if (rest.n == 0)
			return 0;
		line = next_line(&rest);
		if (is_blank(line) || line.n > 2 * LINE_LOOK)
			return 0;
		if (n == 1 && !starts_announcement(line) && !ends_announcement(line))
			return 0;
		*dated |= looks_dated(line);
		if (ends_announcement(line))
			return n;
	}
	return 0;
}

/* Outlook's block of fields in front of the older message, in the language of
 * the mailbox. Two fields of the first kind in six lines would be prose in no
 * language; "From:" alone is. */
static bool
is_field_block(str text)
{
	static const struct { const char *word; int kind; } rows[] = {
		{ "From:", 1 }, { "Von:", 1 }, { "De:", 1 }, { "De :", 1 }, { "De\xC2\xA0:", 1 }, { "Da:", 1 }, { "Van:", 1 },
		{ "Från:", 1 }, { "Fra:", 1 }, { "Od:", 1 }, { "Lähettäjä:", 1 },
		{ "От:", 1 }, { "发件人:", 1 }, { "发件人：", 1 },
		{ "Sent:", 2 }, { "Date:", 2 }, { "Gesendet:", 2 }, { "Datum:", 2 }, { "Envoyé", 2 }, { "Enviado", 2 },
		{ "Fecha:", 2 }, { "Inviato:", 2 }, { "Data:", 2 }, { "Verzonden:", 2 }, { "Skickat:", 2 }, { "Sendt:", 2 },
		{ "Wysłano:", 2 }, { "Дата:", 2 }, { "发送时间", 2 },
		{ "To:", 4 }, { "An:", 4 }, { "\xC3\x80 :", 4 }, { "\xC3\x80\xC2\xA0:", 4 }, { "\xC3\x80:", 4 }, { "Para:", 4 }, { "A:", 4 },
		{ "Aan:", 4 }, { "Till:", 4 }, { "Til:", 4 }, { "Do:", 4 },
		{ "Subject:", 8 }, { "Betreff:", 8 }, { "Objet", 8 }, { "Asunto:", 8 }, { "Oggetto:", 8 }, { "Onderwerp:", 8 },
		{ "Assunto:", 8 }, { "Ämne:", 8 }, { "Emne:", 8 }, { "Temat:", 8 },
	};
	int seen = 0;
	str rest = text;

	for (int n = 0; n < 6 && rest.n > 0; n++) {
		str line = str_trim(str_sub(next_line(&rest), 0, LINE_LOOK));
		int kind = 0;

		/* "*From:* Ada" is how bold print comes out as text. */
		while (line.n > 0 && line.p[0] == '*')
			line = str_sub(line, 1, line.n);
		if (line.n == 0)
			break;
		for (size_t i = 0; i < COUNT(rows) && kind == 0; i++)
			if (str_starts(line, str_of(rows[i].word)))
				kind = rows[i].kind;
		if (n == 0 && kind != 1)
			return false;
		seen |= kind;
	}
	return (seen & 1) && (seen & 2) && (seen & (4 | 8));
}

static bool
is_rule(str line)
{
	line = str_trim(str_sub(line, 0, LINE_LOOK));
	if (line.n < 8)
		return false;
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != line.p[0] || (line.p[0] != '_' && line.p[0] != '-' && line.p[0] != '='))
			return false;
	return true;
}

/* Where the "> " lines (and blank ones between them) begin that reach to the
 * end of the text; text.n when its last line is none. */
static size_t
quoted_tail(str text)
{
	size_t end = text.n, tail = text.n;

	while (end > 0) {
		size_t start = end;
		str line;

		while (start > 0 && text.p[start - 1] != '\n')
			start--;
		line = str_sub(text, start, end - start);
		if (line.n > 0 && line.p[0] == '>')
			tail = start;
		else if (!is_blank(line) || line.n > LINE_LOOK)
			break;
		if (start == 0)
			break;
		end = start - 1;
	}
	return tail;
}

static size_t
cut_at(str text)
{
	size_t tail = quoted_tail(text), at = 0, last = SIZE_MAX;

	while (at < tail) {
		str here = str_sub(text, at, text.n), rest = here, line = next_line(&rest);
		size_t next = text.n - rest.n;
		bool dated;
		int n;

		if (line.n >= SHORTEST && line.p[0] != '>') {
			if (is_reply_mark(line) || is_original_mark(line) || is_field_block(here))
				return last != SIZE_MAX ? last : at;
			n = announcement(here, &dated);
			if (n > 0) {
				str below = here;

				for (int i = 0; i < n; i++)
					next_line(&below);
				while (below.n > 0 && is_blank(str_sub(below, 0, str_find(below, S("\n")))) && n++ < 8)
					next_line(&below);
				/* In front of the quoted tail, or of an older message that is not marked at all. */
				if (text.n - below.n >= tail || (dated && below.n > 0 && below.p[0] != '>'))
					return last != SIZE_MAX ? last : at;
			}
			/* A rule belongs to what it announces, and so do the blanks behind it. */
			if (is_rule(line))
				last = at;
			else if (!is_blank(line))
				last = SIZE_MAX;
		} else if (!is_blank(line)) {
			last = SIZE_MAX;
		}
		at = next;
	}
	return tail;
}

void
mail_cut_quote(str text, str *fresh, str *quoted)
{
	size_t at = cut_at(text);
	str above = str_sub(text, 0, at);

	while (above.n > 0 && (unsigned char)above.p[above.n - 1] <= ' ')
		above.n--;
	if (str_trim(above).n == 0) {
		*fresh = text;
		*quoted = str_sub(text, text.n, 0);
		return;
	}
	*fresh = above;
	*quoted = str_sub(text, at, text.n);
}

/* ---- subjects --------------------------------------------------------------------------------- */

/* Prefixes of replies and forwards in the languages of mail programs, without
 * the colon; `forward` ones announce a message that is the point of the mail. */
static const struct { const char *word; bool forward; } prefixes[] = {
	{ "re", false }, { "aw", false }, { "antw", false }, { "antwort", false }, { "sv", false }, { "vs", false },
	{ "res", false }, { "ref", false }, { "rif", false }, { "r", false }, { "odp", false }, { "ynt", false },
	{ "bls", false }, { "atb", false }, { "hv", false }, { "Απ", false }, { "Σχετ", false },
	{ "Отв", false }, { "回复", false }, { "答复", false }, { "回覆", false },
	{ "fwd", true }, { "fw", true }, { "wg", true }, { "tr", true }, { "rv", true }, { "enc", true }, { "i", true },
	{ "vb", true }, { "vl", true }, { "vid", true }, { "doorst", true }, { "pd", true }, { "İlt", true },
	{ "转发", true }, { "轉寄", true }, { "Πρθ", true },
};

/* The bytes of the prefix `s` starts with, colon and blanks included; 0: none. */
static size_t
prefix_length(str s, bool *forward)
{
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		str w = str_of(prefixes[i].word);
		size_t at = w.n;

		if (s.n <= w.n || !str_eqi(str_sub(s, 0, w.n), w))
			continue;
		/* "Re[2]:", "Re (3):", "Re 2:" */
		while (at < s.n && at < w.n + 6 && (s.p[at] == ' ' || s.p[at] == '[' || s.p[at] == ']' || s.p[at] == '(' ||
		    s.p[at] == ')' || (s.p[at] >= '0' && s.p[at] <= '9')))
			at++;
		if (str_starts(str_sub(s, at, s.n), S(":")))
			at++;
		else if (str_starts(str_sub(s, at, s.n), S("：")))
			at += 3;
		else
			continue;
		while (at < s.n && s.p[at] == ' ')
			at++;
		*forward = prefixes[i].forward;
		return at;
	}
	return 0;
}

str
mail_subject_base(str s)
{
	bool forward;
	size_t n;

	s = str_trim(s);
	while ((n = prefix_length(s, &forward)) > 0)
		s = str_sub(s, n, s.n);
	return s;
}

bool
subject_is_forward(str s)
{
	bool forward = false;

	return prefix_length(str_trim(s), &forward) > 0 && forward;
}
