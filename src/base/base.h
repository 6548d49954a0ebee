/* base.h - what every module stands on: memory, bytes, text, time, failure.
 *
 * Knows nobody. One request, one e-mail or one background job has one struct
 * ctx with one arena; what it makes is never freed singly, the arena is wiped
 * and dropped at the end. Lengths are bytes, moments and spans are usec.
 */
#ifndef WARD_BASE_H
#define WARD_BASE_H

#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define MUST_CHECK    __attribute__((warn_unused_result))
#define CLEANUP(fn)   __attribute__((cleanup(fn)))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define UNUSED        __attribute__((unused))
#define KiB           ((size_t)1 << 10)
#define MiB           ((size_t)1 << 20)

/* ---- failure (STYLE: one way to fail) ------------------------------------------------------ */

enum err {
	OK = 0,
	E_INVALID,   /* what was sent is wrong                  422 */
	E_WHO,       /* nobody, or nobody we know, is asking    401 */
	E_DENIED,    /* known actor, not allowed                403 */
	E_ABSENT,    /* no such thing, or not theirs to know    404 */
	E_CONFLICT,  /* changed meanwhile, or already there     409 */
	E_LIMIT,     /* a documented limit was reached     413, 429 */
	E_BUSY,      /* would work later: lock, peer            503 */
	E_FAULT,     /* disk, database, crypto: never theirs    500 */
};
#define TRY(call) do { enum err e_ = (call); if (e_ != OK) return e_; } while (0)
const char *err_name(enum err e);            /* "E_INVALID"; never NULL */

/* ---- strings ------------------------------------------------------------------------------- */

/* A view of bytes. Owns nothing, is not NUL-terminated, may hold NULs; lives
 * as long as what it points into (an arena, a row, a literal). By value. */
typedef struct { const char *p; size_t n; } str;
#define S(lit)   ((str){ "" lit, sizeof(lit) - 1 })
#define STR_F    "%.*s"
#define STR_A(s) (int)(s).n, (s).p

/* Text that may name a patient. Not a str, so log_line(), fail() and printf
 * refuse it at compile time; the ways out are few and can be searched for. */
typedef struct { str hidden; } sensitive;
#define HIDE(s) ((sensitive){ s })

str    str_of(const char *z);                /* view of a C string; NULL gives the empty str */
bool   str_eq(str a, str b);
bool   str_eqi(str a, str b);                /* ASCII case folded */
int    str_cmp(str a, str b);                /* bytewise order, as memcmp */
bool   str_starts(str s, str prefix);
bool   str_ends(str s, str suffix);
str    str_trim(str s);                      /* without ASCII blanks and controls at both ends */
/* Returns the bytes before the first `sep` and moves *rest behind it; without
 * a `sep`, returns all of *rest and leaves it empty. */
str    str_cut(str *rest, char sep);
str    str_sub(str s, size_t at, size_t n);  /* clamped */
size_t str_find(str s, str needle);          /* offset, or SIZE_MAX */
size_t str_findi(str s, str needle);         /* the same, ASCII case folded */
bool   str_int(str s, int64_t *out);         /* whole string, optional '-', decimal; false leaves *out */

/* ---- arena --------------------------------------------------------------------------------- */

/* Arena allocation does not return NULL: inputs have size limits, so running
 * out is a bug or a lost machine, and the process ends with a line in the log. */
struct arena;
struct arena *arena_new(void);
void  arena_free(struct arena **a);          /* wipes, frees, sets *a to NULL; NULL is fine */
void  arena_reset(struct arena *a);          /* wipes all, keeps the first chunk for the next request */
void *arena_alloc(struct arena *a, size_t size, size_t count, size_t align);  /* zeroed */
#define NEW(a, T, n) ((T *)arena_alloc(a, sizeof(T), n, alignof(T)))
str   str_dup(struct arena *a, str s);       /* the copy is NUL-terminated behind its end */
char *str_z(struct arena *a, str s);         /* NUL-terminated copy, cut at the first NUL */
str   str_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
str   str_lower(struct arena *a, str s);     /* ASCII only */

void  wipe(void *p, size_t n);               /* cannot be optimised away */

/* ---- buf: grows, with a ceiling ------------------------------------------------------------- */

/* Appending past `max` appends nothing more and sets `over`: check it once at
 * the end. Memory is the arena's. */
struct buf {
	struct arena *a;
	char         *p;
	size_t        n, cap, max;
	bool          over;
};
void buf_init(struct buf *b, struct arena *a, size_t max);
void buf_add(struct buf *b, str s);
void buf_byte(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_int(struct buf *b, int64_t v);
void buf_uint(struct buf *b, uint64_t v);
char *buf_room(struct buf *b, size_t n);     /* n bytes to write into, counted already; NULL if over */
void  buf_expect(struct buf *b, size_t n);     /* about n bytes will come: one piece of memory instead of ever larger ones */
static inline str buf_str(const struct buf *b) { return (str){ b->p, b->n }; }

/* ---- pack: tagged fields in bytes ----------------------------------------------------------- */

/* The inside of a sealed record: repeated (tag byte, varint length, bytes).
 * Unknown tags are skipped by readers, so old and new records mix. */
void pack_put(struct buf *b, uint8_t tag, str value);
void pack_int(struct buf *b, uint8_t tag, int64_t value);    /* 8 bytes, big endian */
/* Takes the next field off *rest. False at the end or when the bytes are
 * malformed; then rest->n tells which (0: the end). */
bool pack_next(str *rest, uint8_t *tag, str *value);
int64_t pack_get_int(str value);             /* 0 when not 8 bytes */
void    put_varint(struct buf *b, uint64_t v);
bool    get_varint(str *rest, uint64_t *v);

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

bool utf8_valid(str s);                      /* RFC 3629; NUL is valid UTF-8 here */
/* A copy in which every invalid byte became U+FFFD and NULs became spaces;
 * the same bytes, not copied, if there was nothing to mend. */
str  utf8_mend(struct arena *a, str s);
size_t utf8_next(str s, size_t at, uint32_t *cp);  /* bytes taken, >= 1; invalid: cp = 0xFFFD, 1 byte */
void utf8_put(struct buf *b, uint32_t cp);
size_t utf8_count(str s);                    /* code points */
size_t utf8_floor(str s, size_t at);         /* the start of the character that `at` is in */

/* ---- time ----------------------------------------------------------------------------------- */

typedef int64_t usec;                        /* microseconds; moments since 1970-01-01 UTC */
#define SECOND ((usec)1000000)
usec time_now(void);
usec time_mono(void);                        /* monotonic, for measuring */
/* "2026-01-05T10:00:00Z", 20 bytes, as Zendesk writes. */
str  time_iso(struct arena *a, usec t);
void buf_time(struct buf *b, usec t);        /* the same, appended */
/* ISO 8601 date or date-time with Z, offset or neither (then UTC). */
bool time_parse(str s, usec *out);
int64_t time_unix(usec t);                   /* whole seconds, rounded down */
/* Civil date of a moment, UTC; month 1-12, day 1-31. */
void time_civil(usec t, int *year, int *month, int *day, int *hour, int *minute, int *second);
usec time_of_civil(int year, int month, int day, int hour, int minute, int second);

/* ---- random, encodings ---------------------------------------------------------------------- */

void rand_bytes(void *p, size_t n);          /* getrandom(2); ends the process when it fails */
uint64_t rand_u64(void);
str  hex_of(struct arena *a, str bytes);     /* lower case */
bool hex_to(str hex, unsigned char *out, size_t n);   /* exactly n bytes */
str  base64_of(struct arena *a, str bytes);  /* RFC 4648 section 4, padded */
str  base64url_of(struct arena *a, str bytes);        /* section 5, unpadded */
bool base64_to(struct arena *a, str text, str *out);  /* both alphabets, padding optional, strict else */
bool percent_to(struct arena *a, str text, bool plus_is_space, str *out); /* %XX; false when malformed */
void buf_html(struct buf *b, str s);         /* as text or a quoted attribute of HTML */
void buf_percent(struct buf *b, str s);      /* escapes all but RFC 3986 unreserved */

/* ---- log ------------------------------------------------------------------------------------ */

/* One line per call on stderr: `level module msg key=value ...` (systemd level
 * prefix when $JOURNAL_STREAM is set). There is no way to hand it a sensitive.
 * Only api and cli log; engines and domain code return errors. */
enum log_level { LOG_LV_ERROR = 3, LOG_LV_WARN = 4, LOG_LV_INFO = 6, LOG_LV_DEBUG = 7 };
void log_set_level(enum log_level at_most);
void log_line(enum log_level lv, const char *module, const char *fmt, ...) PRINTF(3, 4);

/* ---- ctx ------------------------------------------------------------------------------------ */

/* The parts of the running program, made and wired by cli; opaque down here. */
struct sys {
	struct store  *store;
	struct codec  *codec;      /* seals and opens for the store (cli/codec.c) */
	struct vault  *vault;
	struct trail  *trail;
	struct phi    *phi;
	struct scans  *scans;      /* desk's work over many tickets */
	struct policy *policy;     /* desk's PHI policy in force, and the people it knows */
	struct search *search;     /* desk's index */
	struct gate   *gate;
	struct flow   *flow;       /* the outbox and its senders */
	struct jobs   *jobs;       /* desk's background jobs */
	struct defs_cache *defs;   /* desk's fields, forms, statuses as they are now; may be NULL */
	struct rules  *rules;      /* desk's rules, compiled */
	struct checks *checks;     /* comply's verifications of the trail */
	struct live   *live;       /* api's open streams of events; NULL: nobody listens */
	struct parser *parser;     /* mail's sandboxed parser processes */
	const char    *data;       /* the data folder */
	const char    *base_url;   /* "https://desk.example", no slash at the end; for links in mail */
};

enum role { ROLE_END_USER = 0, ROLE_AGENT = 1, ROLE_ADMIN = 2, ROLE_SYSTEM = 3 };
/* Which tickets an agent may see; Zendesk's ticket_restriction. */
enum restriction { SEE_ALL = 0, SEE_GROUPS, SEE_ORGANIZATION, SEE_ASSIGNED, SEE_REQUESTED };

/* Who acts. Only gate makes one; lives in the request's arena. */
struct actor {
	int64_t          user_id;         /* 0: nobody, or the system */
	enum role        role;
	enum restriction sees;
	int64_t          organization_id; /* 0: none */
	int64_t          default_group_id;/* 0: none */
	int64_t          token_id;        /* the API or OAuth token used; 0: session or none */
	int64_t          session_id;
	unsigned         limits;          /* what the custom role takes away (gate.h, enum role_limit) */
	bool             officer;         /* a compliance officer: staff, with rights of its own (gate/may.c) */
	bool             read_only;       /* token scope without write */
	bool             scoped;          /* `scopes` (gate/oauth.h) bound what it may ask for */
	uint64_t         scopes;
	bool             sees_phi;        /* what is shown is not masked (gate_may(MAY_SEE_PHI)) */
	const char      *how;             /* "token", "bearer", "session", "cli", "mail", "system", "nobody" */
	bool             enrolling;       /* staff whose session lacks the second factor: may set one up, nothing else */
	str              csrf;            /* of the session, for the browser */
};

/* A field of the input that broke a rule. `error` is Zendesk's code
 * ("BlankValue", "InvalidValue", "DuplicateValue", ...). Fixed words only. */
struct bad_field {
	struct bad_field *next;
	const char       *field, *error, *why;
};

struct ctx {
	struct arena       *arena;   /* what this request makes; dies with it */
	struct sys         *sys;
	const struct actor *actor;   /* who asks; only gate sets it. NULL: nobody yet */
	struct tx          *tx;      /* the open transaction, or NULL */
	void               *reader;  /* the store's reading connection held by this context, or NULL */
	int64_t             account; /* 1 in a single deployment */
	usec                now;     /* the clock, read once */
	str                 request_id, address, client;  /* cause, peer address, user agent */
	const char         *via;     /* channel: "api", "web", "email", "system" */
	struct { enum err code; const char *field, *why; } fail;  /* the first failure */
	struct bad_field   *bad, **bad_end;   /* all wrong fields, in order */
	unsigned            revealed;  /* bit per enum reason: something was revealed */
	bool                looked;    /* an access event for what was revealed is in the trail */
	const atomic_bool  *stop;    /* true when the job should end, a long read with it; may be NULL */
	const struct phi_known *known;  /* values that desk's scans shall find in any case, or NULL */
	int64_t             held;        /* the suspended ticket that a held change became */
	int64_t             about_user, about_ticket;   /* the ticket that was read last, and whose it is: known to scans */
	bool                about_cold;                 /* it had to be read from the disk */
};

enum reason { TO_SHOW_ACTOR, TO_SEND, TO_SCAN, TO_INDEX, TO_STORE };
/* The way out of a sensitive. TO_SHOW_ACTOR obliges the caller to write an
 * access event (trail_look) before the answer leaves; the API refuses to
 * answer when that was forgotten. What is shown to an actor without the right
 * to see PHI comes out masked; that is done here, so that no route can forget. */
str reveal(struct ctx *cx, sensitive s, enum reason why);
/* As TO_SHOW_ACTOR, but never masked: what is the actor's own, or no patient's
 * (names of staff). */
str reveal_clear(struct ctx *cx, sensitive s);
/* Set by desk: the text with what identifies a person replaced; fails closed. */
extern str (*reveal_masked)(struct ctx *cx, sensitive s);
static inline bool
actor_sees_phi(const struct actor *a)
{
	return a == NULL || a->sees_phi;
}

/* Opens a context with a fresh arena; ctx_done gives back arena and reader. */
void ctx_init(struct ctx *cx, struct sys *sys, int64_t account);
void ctx_done(struct ctx *cx);
/* Set by the store at open: gives a held reading connection back. */
extern void (*ctx_release_reader)(struct ctx *cx);

/* Records the first failure (later ones keep the first) and returns `code`.
 * `field` may be NULL; `why` is fixed words, never what the user typed. */
enum err fail(struct ctx *cx, enum err code, const char *field, const char *why) MUST_CHECK;
/* Adds a wrong field and goes on; bad_end() then fails with all of them. */
void bad(struct ctx *cx, const char *field, const char *error, const char *why);
enum err bad_check(struct ctx *cx) MUST_CHECK;        /* OK when none was added, else E_INVALID */
void fail_forget(struct ctx *cx);             /* the failure was expected: as if it had not been; bad fields stay */
void fail_clear(struct ctx *cx);              /* failure and bad fields */

/* ---- JSON ----------------------------------------------------------------------------------- */

/* Streaming writer: never builds a tree. Commas and nesting are its work. The
 * prefix is jw_, because json_ belongs to jansson. */
struct json {
	struct buf *b;
	bool        comma;
};
void jw_init(struct json *j, struct buf *b);
void jw_obj(struct json *j);                 /* { */
void jw_end_obj(struct json *j);
void jw_arr(struct json *j);                 /* [ */
void jw_end_arr(struct json *j);
void jw_key(struct json *j, const char *key);         /* plain ASCII keys only */
void jw_key_str(struct json *j, str key);    /* any key, escaped */
void jw_str(struct json *j, str s);          /* escaped; invalid UTF-8 becomes U+FFFD */
void jw_int(struct json *j, int64_t v);
void jw_bool(struct json *j, bool v);
void jw_null(struct json *j);
void jw_time(struct json *j, usec t);        /* ISO string; 0 gives null */
void jw_raw(struct json *j, str valid_json);
/* Key and value at once. */
void jw_kstr(struct json *j, const char *key, str s);
void jw_kz(struct json *j, const char *key, const char *z);     /* NULL gives null */
void jw_kint(struct json *j, const char *key, int64_t v);
void jw_kid(struct json *j, const char *key, int64_t id);       /* 0 gives null */
void jw_kbool(struct json *j, const char *key, bool v);
void jw_knull(struct json *j, const char *key);
void jw_ktime(struct json *j, const char *key, usec t);         /* 0 gives null */
void jw_kraw(struct json *j, const char *key, str valid_json);

/* Reading is jansson's, behind limits: depth 64, duplicate keys refused, the
 * whole text valid UTF-8. NULs in strings are allowed (json_string_length).
 * The tree is freed with the arena, its memory wiped. E_INVALID with fixed
 * words on malformed text. <jansson.h> can be included beside this header. */
struct json_t;
enum err json_parse(struct ctx *cx, str text, struct json_t **out) MUST_CHECK;
/* Of what is JSON already, ours or checked before; NULL when it is none. It lies in the arena: only a tree to which
 * something is added has to be freed, as with arena_defer(). */
struct json_t *json_again(struct ctx *cx, str text);
/* Registers a tree to be freed with the arena. */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);

/* ---- table-driven configuration -------------------------------------------------------------- */

/* DIR/ward.conf: `key = value` lines, # comments. Unknown keys and malformed
 * values fail with the line's number. Defaults are set first, so after
 * E_ABSENT (no such file) `into` is complete. Texts live in cx's arena. */
enum conf_type { CONF_TEXT, CONF_INT, CONF_BOOL, CONF_SIZE };
struct conf_row {
	const char    *key;
	enum conf_type type;
	size_t         at;           /* offset in the struct: const char *, int64_t, bool, int64_t */
	const char    *def, *help;
};
enum err conf_read(struct ctx *cx, const char *path, const struct conf_row *rows, size_t count,
    void *into) MUST_CHECK;

/* ---- files ----------------------------------------------------------------------------------- */

void fd_close(int *fd);                      /* for CLEANUP; -1 is fine */
enum err file_read(struct ctx *cx, const char *path, size_t max, str *out) MUST_CHECK;
/* Writes a new file durably: temporary beside it, fsync, rename, fsync of the folder. */
enum err file_write(struct ctx *cx, const char *path, str bytes, unsigned mode) MUST_CHECK;
enum err fd_read_all(struct ctx *cx, int fd, size_t max, str *out) MUST_CHECK;  /* E_LIMIT above max */
/* To the end, behind what is in b. E_LIMIT: there is more than max in it, and what was read stays there; call again with a larger one. */
enum err fd_read_on(struct ctx *cx, int fd, size_t max, struct buf *b) MUST_CHECK;
bool fd_write_all(int fd, const void *p, size_t n);

#endif
