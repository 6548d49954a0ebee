/* help.h - what the pages of the help centre share: words, HTML, forms. */
#ifndef WARD_API_HELP_H
#define WARD_API_HELP_H

#include "api/in.h"
#include "flow/flow.h"

#define AT "/help"
#define BODY   (256 * KiB)
#define PUBLIC (ROUTE_ANONYMOUS_OK | ROUTE_NO_CSRF)

enum word {
	W_TITLE, W_SIGN_IN, W_SIGN_OUT, W_EMAIL, W_SEND_LINK, W_SENT, W_YOUR_CODE, W_CODE_WHY, W_CODE, W_ENTER, W_LINK_WRONG, W_MINE, W_ASK,
	W_NONE, W_SUBJECT, W_MESSAGE, W_NAME, W_SEND, W_SUBJECT_HINT, W_MESSAGE_HINT, W_REPLY, W_CLOSED, W_SOLVED, W_SOLVED_NOW, W_STATUS, W_UPDATED,
	W_ASKED, W_ASKED_HERE, W_INTRO, W_WRONG, W_AGAIN, W_ABSENT, W_MAIL_OFF, W_BACK, W_SKIP, W_LANGUAGE, W_MENU, W_ANSWER_FROM,
	W_FORM, W_FORM_WHY, W_NEXT, W_MORE_FIELDS, W_MORE_FIELDS_WHY, W_CHOOSE, W_FILES, W_FILES_HINT, W_OPTIONAL, W_PHI_FOUND, W_PHI_WHERE, W_PHI_SURE, W_FILE_LARGE,
	W_NO_MATTER, W_BLANK_SUBJECT, W_BLANK_MESSAGE, W_BAD_EMAIL, W_PRIORITY, W_TYPE, W_MAYBE, W_MAYBE_LOOK, W_ONLY_FORM,
	W_SECURE, W_SECURE_WHY_CODE, W_SECURE_WHY_KNOWN, W_SECURE_SEND, W_SECURE_SENT, W_SECURE_CODE, W_SECURE_BIRTH, W_SECURE_PHONE, W_SECURE_POSTAL,
	W_SECURE_PHRASE, W_SECURE_OPEN, W_SECURE_WRONG, W_SECURE_OVER, W_SECURE_UNTIL, W_SECURE_REPLIED, W_SECURE_LEFT,
	W_RATE, W_RATE_HOW, W_RATE_GOOD, W_RATE_BAD, W_RATE_REASON, W_RATE_COMMENT, W_RATE_HINT, W_RATE_SEND, W_RATE_THANKS, W_RATE_OVER, W_RATE_CHANGE,
	W_ARTICLES, W_SEARCH, W_SEARCH_WORDS, W_FOUND_NONE, W_FOUND, W_ALL_ARTICLES, W_ARTICLES_NONE, W_UPDATED_ON, W_MORE_HELP, W_SIGN_IN_READ, W_OTHER_LANGUAGE,
	W_SECTION_EMPTY,
	W_RESET, W_RESET_WHY, W_RESET_NEW, W_RESET_AGAIN, W_RESET_DIFFER, W_RESET_RULE, W_RESET_CODE, W_RESET_CODE_WRONG, W_RESET_SET,
	W_RESET_OVER, W_RESET_ANEW, W_RESET_DONE, W_RESET_OFTEN, W_INVITE, W_INVITE_WHY, W_INVITE_DONE, W_LAST
};
enum { LANG_EN, LANG_ES, LANGS };
/* A language of the pages; one written from right to left needs no more than its row and its words. */
struct lang { const char *tag, *locale, *name, *dir; };
extern const struct lang langs[LANGS];
const char *word_in(enum word w, int lang);
const char *state_in(enum ticket_status s, int lang);
const char *label_in(str label, int lang);        /* a kind of identifier, "PHONE", in words */
const char *reason_in(int code, int lang);        /* why a rating was bad; NULL: none */

struct page { struct ctx *cx; struct http_req *rq; struct http_reply *rp; struct buf *b; int lang; };

/* ---- a page (help_page.c) ------------------------------------------------------------------------------------ */

bool        help_signed_in(const struct ctx *cx);
/* The brand whose host the request names, else the default one; NULL: none. */
const struct def *help_brand(struct ctx *cx, const struct http_req *rq);
int         help_lang(const struct http_req *rq);                  /* by choice (a cookie), else Accept-Language */
/* Begins: head, banner, <main> with <h1>. `title` NULL: the word. `script`: the page's own script may run. */
struct page page_begin(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, enum word title);
struct page page_begin_titled(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, str title, bool script);
void        page_end(struct page *p);
const char *page_say(const struct page *p, enum word w);
void        page_text(struct page *p, str s);                      /* escaped */
void        page_raw(struct page *p, const char *s);               /* ours: fixed words or numbers */
void        page_word(struct page *p, enum word w);
void        page_para(struct page *p, const char *css, enum word w);
/* What became of a form. The page has no script: it is heard, and the keyboard begins there, because the focus is on it. */
void        page_outcome(struct page *p, bool good, enum word w);
#define PAGE_FIRST " tabindex=\"-1\" autofocus aria-labelledby=\"outcome\""
void        page_wrongs(struct page *p);                           /* all that is wrong, in the words of the rules */
void        page_input(struct page *p, const char *name, const char *type, const char *more, enum word label, str value);
void        page_area(struct page *p, const char *name, enum word label, str value);
void        page_form(struct page *p, const char *action);         /* <form method=post> with the session's token */
void        page_form_files(struct page *p, const char *action);   /* the same for one with page_files() */
void        page_files(struct page *p);
void        page_button(struct page *p, enum word w);
void        page_time(struct page *p, usec at);
void        page_link(struct page *p, const char *css, const char *href, enum word w);
enum err    page_message(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, enum word w);
enum err    page_go(struct ctx *cx, struct http_reply *rp, str to);
/* The posted form, either encoding, read once; texts are valid UTF-8. A file that was not chosen has no file_name. */
struct form { const struct http_part *part; int n; };
const struct form *help_form(struct ctx *cx, struct http_req *rq);
/* A field of the posted form, trimmed; "" when it is not there or malformed. */
str         form_value(struct ctx *cx, struct http_req *rq, const char *name);
/* The files of the posted form as uploads of a comment; false: one is too large (noted with bad()). */
#define FORM_FILES (24 * MiB)
void        form_files(struct ctx *cx, struct http_req *rq, const struct page *p, struct ticket_change *ch);
/* A form of a session must carry its token. False: it is answered. */
bool        form_meant(struct ctx *cx, struct http_req *rq, struct http_reply *rp);
void        help_cookie(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *name, const char *path, str value, int64_t max_age);

/* One conversation: the public comments, with attachments under `files` ("/api/v2/attachments/%lld/content"). */
enum err    page_talk(struct page *p, const struct comment *c, int n, const char *files, const char *files_end) MUST_CHECK;
/* Articles that may answer these words, as a list of links; nothing when there are none. */
enum err    page_suggest(struct page *p, str words) MUST_CHECK;

#endif
