/* mail.h - e-mail on the wire: what a message says, read in a sandbox.
 *
 * mail_parse() works through untrusted bytes with gmime and limits of its own
 * (below) and is only ever run in a parser process, a fuzzer or a test: a
 * process without files, network or keys (seccomp, Landlock, rlimits), one job
 * at a time, killed and replaced when it misbehaves. parser_mail() is the way
 * in for everybody else. Knows base only.
 */
#ifndef WARD_MAIL_H
#define WARD_MAIL_H

#include "base/base.h"

#define MAIL_MAX        (40 * MiB)   /* raw bytes of one message */
#define MAIL_PARTS_MAX  500          /* MIME parts that are looked at; the rest is noted as a problem */
#define MAIL_DEPTH_MAX  30
#define MAIL_TEXT_MAX   (1 * MiB)    /* of text kept from the body; cut with a problem noted */
#define MAIL_ATTACH_MAX 100

struct mail_addr { str name, addr; };        /* addr lower-cased domain, "" when unusable */

struct mail_attachment {
	str  file_name;       /* made safe: no path, no control characters; "attachment-3.pdf" if none */
	str  content_type;    /* "type/subtype", lower case */
	str  content_id;      /* without <>; "" */
	bool is_inline;
	str  bytes;           /* decoded */
};

enum mail_kind {
	MAIL_NORMAL,
	MAIL_AUTO_REPLY,      /* RFC 3834: Auto-Submitted other than "no", vacation, OOF */
	MAIL_BOUNCE,          /* RFC 3464 report, null return path, mailer-daemon */
	MAIL_BULK,            /* List-Id, Precedence bulk/list/junk */
	MAIL_LOOP,            /* our own X-Ward-Loop mark, or more than 50 Received */
};

struct mail {
	str               message_id;      /* without <>; "" when absent or unusable */
	str               in_reply_to;     /* without <> */
	str              *references;      /* without <>, oldest first, at most 100 */
	int               reference_count;
	struct mail_addr  from, sender, reply_to, return_path;
	struct mail_addr *to, *cc;         /* at most 100 each */
	int               to_count, cc_count;
	str               subject;         /* decoded, one line, at most 998 bytes of UTF-8 */
	usec              date;            /* 0 when absent or absurd */
	enum mail_kind    kind;
	str               failed_recipient;/* MAIL_BOUNCE: the address that failed */
	str               text;            /* what the person wrote, UTF-8 without NULs: text/plain or HTML turned to text */
	str               quoted;          /* the quoted older message cut from the end of text */
	str               html;            /* the HTML part as it came, UTF-8; "" */
	struct mail_attachment *attachment;
	int               attachment_count;
	const char       *problem[8];      /* fixed words: "too many parts", "unknown charset", ... */
	int               problem_count;
};

/* Parses in this process. E_INVALID: not a message at all (no header line);
 * E_LIMIT above MAIL_MAX. All strings live in cx's arena. Linear time. */
enum err mail_parse(struct ctx *cx, str raw, struct mail *out) MUST_CHECK;
/* HTML to readable text (links kept as "text <url>"), linear time and depth
 * limited; script, style, head and comments dropped. Never fails. */
str html_to_text(struct arena *a, str html, size_t max);
/* HTML of others as HTML of ours: written anew, tag by tag, out of a short list
 * (paragraphs, emphasis, lists, quotes, code, tables, links to http, https and
 * mailto), without any attribute but a link's address, every tag closed, at
 * most 48 deep. What is dropped leaves its text; code and style leave nothing.
 * Empty when there is nothing in it that plain paragraphs do not say as well,
 * or when it is above `max`. What comes out comes out the same again. Linear. */
str html_wash(struct arena *a, str html, size_t max);
/* The same, with the pictures that come with the message where it puts them
 * (<img src="cid:...">, RFC 2392): `find` is asked for each Content-ID and says
 * under which address of ours it is, url "" for none. All other pictures are
 * dropped, whatever their address. */
struct html_picture { str url, alt; };
typedef struct html_picture html_find_picture(void *arg, str content_id);
str html_wash_mail(struct arena *a, str html, size_t max, html_find_picture *find, void *arg);
/* Cuts the quoted older message and reply delimiters off the end ("On ...
 * wrote:", "-----Original Message-----", "> " tails, "## Reply above ##"). */
void mail_cut_quote(str text, str *fresh, str *quoted);
/* A message made anew of what was read: it reads back the same, but for the
 * HTML part and header fields that struct mail does not hold. */
enum err mail_rebuild(struct ctx *cx, const struct mail *m, str *raw) MUST_CHECK;
/* A subject for comparing: without Re:, Fwd:, AW: and the like. */
str mail_subject_base(str subject);

/* ---- writing and sending ----------------------------------------------------------------------- */

/* A message of ours. Texts are UTF-8; line ends in `text` are \n. */
struct mail_out {
	struct mail_addr from, to, reply_to;  /* reply_to.addr empty: none */
	str  message_id, in_reply_to;         /* without <>; in_reply_to empty: none */
	str  references[4];                   /* without <>, oldest first; empty ones are skipped */
	str  subject, text;
	usec date;
	const char *auto_submitted;           /* "auto-generated", "auto-replied"; NULL: a person wrote it (RFC 3834 5) */
	str  loop;                            /* what X-Ward-Loop says; whoever sees it come back knows a loop */
};
/* RFC 5322 and MIME through gmime; CRLF line ends, lines of at most 998 bytes.
 * A header cannot be broken out of: controls in any member become blanks. */
enum err mail_write(struct ctx *cx, const struct mail_out *m, str *raw) MUST_CHECK;

enum smtp_tls { SMTP_STARTTLS, SMTP_TLS, SMTP_PLAIN };
struct smtp_conf {
	str  host; int port;
	enum smtp_tls tls;           /* the first two: no TLS, or a certificate that does not fit the host: no mail */
	str  ca_pem;                 /* trusted instead of the system's certificates */
	str  user, password, helo;   /* user empty: no AUTH */
	usec answer_for;             /* one whole sending; 0: 5 minutes */
};
enum smtp_end { SMTP_ACCEPTED, SMTP_LATER, SMTP_NEVER };
struct smtp_result {
	enum smtp_end end;
	int           status;        /* the server's last code; 0: it said none */
	const char   *reason;        /* fixed words; nothing the server said */
	bool          last_byte;     /* the end of the message may have left: the server may have it */
};
/* A connection, reused from message to message; for one thread. `stop` (may be
 * NULL) ends a try whose last byte has not left. */
struct smtp;
struct smtp *smtp_new(const _Atomic bool *stop);    /* NULL: out of memory */
void smtp_free(struct smtp **s);
/* Sends one message to one recipient. `before_last` is called when all but the
 * end of the message (".") has left; false: the try is ended there, and the
 * server has nothing. Addresses are checked by the caller. */
void smtp_send(struct ctx *cx, struct smtp *s, const struct smtp_conf *conf, str from, str to, str message,
    bool (*before_last)(void *arg), void *arg, struct smtp_result *out);

/* ---- parser processes ------------------------------------------------------------------------- */

/* Runs a pool of at most `count` parser processes, started when first needed
 * by executing this binary again (/proc/self/exe) with the argument
 * "parser" and a socket as descriptor 3. */
struct parser;
enum err parser_start(struct ctx *cx, int count, struct parser **out) MUST_CHECK;
void     parser_stop(struct parser **p);
/* Parses in a sandboxed process. E_INVALID and E_LIMIT as mail_parse;
 * E_FAULT with why "the parser gave up on this message" when the process
 * crashed, ran out of its 512 MiB or took over 20 s of time: the caller
 * keeps the mail as suspended. E_BUSY when no process can be started, which is
 * never the message's fault: try again. Thread-safe; waits for a free process. */
enum err parser_mail(struct ctx *cx, struct parser *p, str raw, struct mail *out) MUST_CHECK;
/* The child's main: sandboxes itself, serves jobs from descriptor `fd` until
 * it closes. Returns the exit status. */
int      parser_main(int fd);

#endif
