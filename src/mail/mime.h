/* mime.h - what the files of this folder share; nobody else includes it. */
#ifndef WARD_MAIL_MIME_H
#define WARD_MAIL_MIME_H

#include "mail/mail.h"

#define HEAD_MAX       (256 * KiB)   /* of a message's header; the rest is skipped */
#define PART_HEAD_MAX  (64 * KiB)    /* of a part's header */
#define FIELD_MAX      (64 * KiB)    /* of one field's value */
#define SUBJECT_MAX    998
#define ADDRESSES_MAX  100
#define REFERENCES_MAX 100
#define BODY_MAX       (8 * MiB)     /* of decoded text and HTML parts, all together */

/* ---- problems -------------------------------------------------------------------------------- */

/* The fixed words of mail.problem; they cross the socket as their number. */
enum problem {
	PROBLEM_HEADER_LONG, PROBLEM_HEADER_BROKEN, PROBLEM_SEVERAL_FROM, PROBLEM_SEVERAL_IDS,
	PROBLEM_PARTS, PROBLEM_DEPTH, PROBLEM_ATTACHMENTS, PROBLEM_BOUNDARY, PROBLEM_TRUNCATED,
	PROBLEM_CHARSET_UNKNOWN, PROBLEM_CHARSET_WRONG, PROBLEM_NUL, PROBLEM_ENCODING, PROBLEM_TEXT_LONG,
	PROBLEM_COUNT
};
const char *problem_words(enum problem p);
/* Notes it once; beyond the eighth nothing more is noted. */
void mail_problem(struct mail *m, enum problem p);

/* ---- charsets (charset.c) -------------------------------------------------------------------- */

/* Opens every converter, so that none is looked for in the file system later:
 * iconv finds its modules there when one is first asked for. False when one of
 * them is missing on this machine. */
bool charset_warm(void);
/* The name gmime and iconv know a charset by; NULL for one we do not read. */
const char *charset_canon(str name);
/* UTF-8, at most `max` bytes, made of `bytes` in charset `name` ("": not
 * said). Believes the bytes more than the name, notes what was wrong in m,
 * never fails. May return `bytes` itself. */
str  charset_text(struct arena *a, str bytes, str name, size_t max, struct mail *m);
/* The same for bytes of a header: UTF-8 where they are, else windows-1252. */
str  charset_guess(struct arena *a, str bytes);

/* ---- header (head.c) ------------------------------------------------------------------------- */

enum field {
	F_FROM, F_SENDER, F_REPLY_TO, F_RETURN_PATH, F_TO, F_CC, F_SUBJECT, F_DATE,
	F_MESSAGE_ID, F_IN_REPLY_TO, F_REFERENCES,
	F_AUTO_SUBMITTED, F_PRECEDENCE, F_LIST_ID, F_LOOP, F_RECEIVED, F_FAILED_RECIPIENTS,
	F_X_AUTOREPLY, F_X_AUTORESPOND, F_X_AUTOREPLY_FROM, F_X_MAIL_AUTOREPLY,
	F_TYPE, F_DISPOSITION, F_ENCODING, F_CONTENT_ID,
	FIELD_COUNT
};
struct head {
	str  value[FIELD_COUNT];   /* of the first such field (To, Cc: of all), unfolded, no controls */
	int  count[FIELD_COUNT];
};

/* Whether a header ends at this line although it is not empty (a boundary). */
typedef bool head_end(const void *arg, str line);
/* Reads fields from raw at *at up to and including the empty line; moves *at
 * behind it (or to the line that is no field). False when the first line is
 * none: no header at all. Of a field FIELD_MAX bytes are kept, of the whole
 * the fields that begin in the first `max` of these; the rest is noted. */
bool head_read(struct arena *a, str raw, size_t *at, size_t max, head_end *end, const void *arg,
    struct head *h, struct mail *m);
/* Fills everything in m that the header says, but not the kind. */
void head_mail(struct arena *a, const struct head *h, usec now, struct mail *m);
enum mail_kind head_kind(const struct head *h, const struct mail *m);
/* Decoded RFC 2047 text as one clean line of at most `max` bytes. */
str  head_text(struct arena *a, str value, size_t max, struct mail *m);
/* One line without controls, direction overrides and doubled blanks, cut to `max` bytes. */
str  clean_line(struct arena *a, str utf8, size_t max);
bool is_clean_line(str s);                   /* clean_line would drop or mend nothing */
str  head_id(struct arena *a, str value);    /* of Message-ID, Content-ID: without <>, or "" */
/* An address as mail_addr has it, or "". */
str  head_addr(struct arena *a, str addr);
usec head_date(struct arena *a, str value);                  /* 0: not a date */
/* What a Content-Type or Content-Disposition says. */
struct params {
	str type;                                /* "text/plain" or "attachment", lower case; "" when malformed */
	str charset, boundary, name, format, delsp, report_type;
};
struct params head_params(struct arena *a, str value, bool disposition, struct mail *m);

void mime_init(void);                        /* gmime, once; quiet */

/* ---- text (text.c) --------------------------------------------------------------------------- */

/* Line ends to \n, controls out, blanks off the ends of lines and of the whole. */
str  text_plain(struct arena *a, str utf8);
/* Joins the soft line ends of RFC 3676. */
str  text_unflow(struct arena *a, str utf8, bool delsp);
bool subject_is_forward(str subject);

/* ---- between the processes (wire.c) ----------------------------------------------------------- */

/* A struct mail as bytes. The reader trusts nothing: it checks every count,
 * enum, text and header-derived string, because the writer may be a parser
 * process that a message has taken over. */
void mail_pack(struct buf *b, const struct mail *m);
size_t mail_packed_max(const struct mail *m);
/* Strings point into `packed`. False when it is not what mail_pack writes. */
bool mail_unpack(struct arena *a, str packed, struct mail *out);

#endif
