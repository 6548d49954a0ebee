/* part.h - what the files of the trail share; nobody else includes it.
 *
 *   canon.c   an event's canonical line and its values, written and read
 *   note.c    signed notes, the RFC 6962 tree
 *   index.c   posting lists: which events have an actor, object, action
 *   trail.c   the head, appending, looks, checkpoints
 *   witness.c the file that checkpoints are appended to
 *   read.c    lists
 *   reseal.c  erasing and rewriting values
 *   line.c    the lines of an export, written and read
 *   export.c  writes them
 *   verify.c  the database;  file.c  an export
 */
#ifndef WARD_TRAIL_PART_H
#define WARD_TRAIL_PART_H

#include <pthread.h>

#include "trail/trail.h"

enum {
	LANE             = 1,      /* the only one so far; every format has room for more */
	SALT_BYTES       = 16,
	HASH_BYTES       = 32,
	IDS_MAX          = 1000,   /* objects of one look; more become several events */
	CHECKPOINT_EVERY = 10000,  /* events */
	PAGE             = 1000,   /* events per statement of what walks all */
	NOTE_MAX         = 4096,   /* bytes */
	NO_SEQ           = 0,
};
#define VALS_MAX  (4 * MiB)        /* of one event, packed */
#define CANON_MAX (1 * MiB)

typedef unsigned char hash32[HASH_BYTES];

/* ---- canon.c -------------------------------------------------------------------------------------- */

/* Reads bytes from the left; each function leaves the cursor alone when it says false. */
struct cur { const char *p, *end; };
bool cur_lit(struct cur *c, str s);
bool cur_num(struct cur *c, int64_t *out);             /* as buf_int() writes it, nothing else */
bool cur_text(struct cur *c, str *raw);                /* a JSON string; *raw: without quotes, still escaped */
bool cur_b64(struct cur *c, unsigned char *out, size_t n);   /* in quotes; exactly n bytes */
bool cur_bare_b64(struct cur *c, unsigned char *out, size_t n);
static inline struct cur
cur_of(str s)
{
	const char *p = s.p != NULL ? s.p : "";

	return (struct cur){ p, p + s.n };
}
static inline bool
cur_end(const struct cur *c)
{
	return c->p == c->end;
}

void put_text(struct buf *b, str s);                   /* a JSON string with quotes; s is UTF-8 */
void put_b64(struct buf *b, const unsigned char *p, size_t n);
str  text_of(struct arena *a, str raw);                /* what an escaped JSON string says */

/* A canonical line, read. Texts are still escaped; views into the line. */
struct canon {
	int64_t account, lane, seq, actor, token, session, id, parent, key;
	usec    at, clock;
	enum trail_kind kind;
	str     role, how, action, object, shown, cause, request, via;
	str     ids;               /* "1,2,3"; empty: one object, or none */
	str     fields;            /* {...},{...} */
	str     resealed;          /* [17,"..."],[18,null] */
	bool    has_vals, has_note;
	hash32  vals, note;        /* SHA-256 of the sealed values; of a checkpoint's note */
};
bool canon_read(str line, struct canon *out);

/* One of .fields. */
struct canon_field {
	str    name;               /* escaped; "@address" and "@client" are the request's */
	str    cause;              /* escaped; empty: the event's */
	bool   has_before, has_after, elsewhere;
	hash32 before, after;
};
bool canon_field(str *rest, struct canon_field *out);
/* One of .ids, of .resealed. */
bool canon_id(str *rest, int64_t *id);
bool canon_resealed(str *rest, int64_t *seq, bool *erased, hash32 vals);

/* One record of the packed values. Views into the pack. */
struct val {
	str  name, salt, before, after;
	bool has_before, has_after, elsewhere;
	bool before_changed, after_changed;    /* rewritten since: no longer what was committed to */
};
bool val_next(str *rest, struct val *out);
void val_put(struct buf *b, struct buf *scratch, const struct val *v);
void val_commit(const struct trail_crypto *c, struct arena *a, const struct val *v, char side, hash32 out);
/* Are these the values that the line commits to? */
bool vals_match(const struct trail_crypto *c, struct arena *a, const struct canon *line, str packed);

/* Who and where from, for a draft. */
struct who {
	int64_t     actor, token, session;
	const char *role, *how;
	str         request, via;
};
struct who who_of(const struct ctx *cx);
extern const struct who who_system;

/* What an event says before it has its place in the chain. */
struct draft {
	enum trail_kind kind;
	struct who      who;
	str             action, object, shown, cause;
	int64_t         id, parent, key;
	const int64_t  *ids;
	int             id_count;
	str             fields;    /* JSON, the inside of [] */
	str             vals;      /* packed */
	str             resealed;  /* JSON, the inside of [] */
	bool            has_note;
	hash32          note;
	usec            now;
};
/* Salts, commits to and packs the fields, the address and the client. */
enum err draft_values(struct ctx *cx, const struct trail_crypto *c, const struct trail_field *f, int count,
    struct draft *d) MUST_CHECK;
void canon_write(struct buf *b, const struct draft *d, int64_t account, int64_t seq, usec at, const unsigned char *vals);
/* The hash before the first event. */
void genesis(const struct trail_crypto *c, str origin, int64_t account, hash32 out);

/* ---- note.c --------------------------------------------------------------------------------------- */

struct note {
	bool    closing;           /* of an export, and not a checkpoint */
	str     origin;
	int64_t number;            /* of the checkpoint; how many events the export has */
	usec    at;
	int64_t seq;               /* the last event covered */
	hash32  hash;              /* and the chain's hash there */
	hash32  file;              /* of the export's lines */
};
str  note_sign(struct ctx *cx, const struct trail_crypto *c, const struct note *n);
bool note_open(const struct trail_crypto *c, struct arena *a, const unsigned char pub[32], str text, struct note *out);
/* C2SP signed-note: the text in front of a good signature by `name`. */
bool note_verify(const struct trail_crypto *c, struct arena *a, const unsigned char pub[32], str note, str *body, str *name);
/* RFC 6962 2.1. */
void tree_head(const struct trail_crypto *c, struct arena *a, const str *leaf, size_t count, hash32 out);

/* ---- index.c -------------------------------------------------------------------------------------- */

enum { LEVELS = 3, FAN = 8 };
struct trail;
struct posting { int64_t id; uint32_t term, off; };    /* off: seq - base */
struct postings {
	char    **term;
	uint32_t  terms, *slot;    /* slot: 1 + number of the term, by hash */
	size_t    slots;
	struct posting *p;         /* by seq, until postings_sort() */
	size_t    n, cap;
	int64_t   base;            /* 0: none yet */
};
bool postings_add(struct postings *ps, int64_t seq, enum trail_kind kind, int64_t actor, str action, str object,
    int64_t id, str ids);      /* false: no memory */
void postings_back(struct postings *ps, int64_t seq);  /* forgets what is above seq */
void postings_drop(struct postings *ps, int64_t seq);  /* and what is not */
void postings_done(struct postings *ps);
/* The rows of a block over the events first to last: each term's buckets, the
 * empty term first. With `keep`, the postings stay as they are; without, they
 * are sorted in place and gone afterwards. */
typedef enum err block_fn(struct ctx *cx, void *arg, str term, int64_t bucket, str blob);
enum err postings_each(struct ctx *cx, struct postings *ps, bool keep, int level, int64_t first, int64_t last,
    block_fn *fn, void *arg) MUST_CHECK;
/* The events that have `id`, ascending, in the arena. False: malformed. */
bool postings_find(struct arena *a, str blob, int64_t first, int64_t last, int64_t id, int64_t **seq, size_t *count);
/* Where an id is in a block of a level. */
int64_t bucket_of(int level, int64_t id);
/* Makes one block out of eight, where there are so many; in transactions of
 * its own. Nobody may verify meanwhile. */
enum err index_merge(struct ctx *cx, const struct trail *t) MUST_CHECK;

/* ---- trail.c -------------------------------------------------------------------------------------- */

struct head {
	uint64_t step;             /* counts its changes */
	int64_t  seq;
	usec     at;
	hash32   hash;
	int64_t  stored;           /* seq in the table */
	int64_t  indexed;
	int64_t  number, covered;  /* the last checkpoint; the last event it covers */
	int64_t  witnessed;        /* the last checkpoint that the witness has */
	usec     month_from, month_to;   /* the month that month_key is for */
	int64_t  month_key;
};

struct trail {
	struct trail_crypto crypto;
	int64_t         account;
	char           *witness;   /* a path, or NULL */
	char            origin[64];
	bool            locked;    /* the head did not match: nothing is appended */
	pthread_mutex_t one;       /* one checkpoint at a time, so that the witness has them in order */
	pthread_rwlock_t blocks;   /* who merges posting blocks writes, who verifies them reads */
	struct head     head;      /* the writer thread's */
	struct postings postings;  /* the writer thread's; of the events that are not in blocks */
};
enum err trail_of(struct ctx *cx, struct trail **out) MUST_CHECK;
/* In a transaction: chains and inserts; *seq may be NULL. */
enum err chain(struct ctx *cx, struct trail *t, const struct draft *d, int64_t *seq) MUST_CHECK;

/* A transaction of its own: writes a checkpoint, if there are new events, but not to the witness. */
enum err checkpoint_in(struct ctx *cx, void *trail) MUST_CHECK;

/* The row of trail_head together with what it must agree with, at one moment. */
struct head_row {
	bool    there;                      /* there is such a row */
	bool    good;                       /* and its MAC is right */
	str     origin, hash;
	int64_t seq, indexed, witnessed;
	int64_t last, number;               /* the greatest in the tables; 0: none */
	int64_t min_lane, max_lane;         /* of events; 0: there are none */
	int64_t checkpoints, blocks;        /* rows; only with `counts` */
};
enum err trail_head_read(struct ctx *cx, const struct trail *t, bool counts, struct head_row *out) MUST_CHECK;

/* ---- witness.c ------------------------------------------------------------------------------------ */

/* {"checkpoint":"..."} and a line end. */
void checkpoint_line(struct buf *b, str note);
/* Appends the checkpoints that the file has not. *last: the number of its last one. */
enum err witness_write(struct ctx *cx, const struct trail *t, int64_t *last) MUST_CHECK;
/* Compares the file with the database, whose last event is `last`; the file
 * must go up to checkpoint `witnessed` at least. */
enum err witness_check(struct ctx *cx, const struct trail *t, int64_t last, int64_t witnessed, struct trail_verdict *v) MUST_CHECK;

/* ---- line.c --------------------------------------------------------------------------------------- */

#define LINE_MAX_BYTES (64 * MiB)

/* What an export says about an event. */
struct out_event {
	struct canon canon;
	str          canonical, hash;      /* hash: 32 bytes */
	enum { VALS_NONE, VALS_ERASED, VALS_OPEN } state;
	str          vals;                 /* packed */
};
struct out_header {
	int64_t account;
	str     origin;
	unsigned char public_key[32];
	bool    values;
};
enum line_kind { LINE_BAD, LINE_EVENT, LINE_CHECKPOINT, LINE_END };
struct out_end { int64_t events; str head, note; };    /* head: 32 bytes */

str  export_top(enum trail_format format);             /* what the file begins with */
void export_header(struct buf *b, const struct trail_crypto *c, enum trail_format f, const struct out_header *h);
void export_event(struct buf *b, const struct trail_crypto *c, enum trail_format f, const struct out_event *e);
void export_checkpoint(struct buf *b, enum trail_format f, str note);
void export_end(struct buf *b, enum trail_format f, const struct out_end *e);
/* The reverse; `line` is with its line end, results are in the arena or views
 * into the line. Exactly what the writers above write, or false. */
bool export_header_read(struct arena *a, const struct trail_crypto *c, enum trail_format f, str line, struct out_header *out);
enum line_kind export_kind(enum trail_format f, str line);
bool export_event_read(struct arena *a, const struct trail_crypto *c, enum trail_format f, str line, struct out_event *out);
bool export_checkpoint_read(struct arena *a, enum trail_format f, str line, str *note);
bool export_end_read(struct arena *a, enum trail_format f, str line, struct out_end *out);
/* The running hash over an export's lines: h = SHA-256(h || SHA-256(line)), from zeros. */
void export_hash(const struct trail_crypto *c, hash32 h, str line);

/* Lines of a file that may be hostile: one at a time, at most LINE_MAX_BYTES. */
struct lines {
	int    fd;
	char  *p;
	size_t at, n, cap;
	bool   eof;
};
enum lines_got { LINES_LINE, LINES_PART, LINES_END, LINES_LONG, LINES_FAULT };   /* PART: the last, without its end */
enum lines_got lines_next(struct lines *l, str *line);  /* with its '\n'; valid until the next call */
void lines_done(struct lines *l);                       /* closes the descriptor */

/* ---- verify.c ------------------------------------------------------------------------------------- */

/* Follows the chain, one event or checkpoint after the other. */
struct walk {
	const struct trail_crypto *crypto;
	struct trail_verdict *v;
	int64_t account;
	str     origin;
	unsigned char pub[32];
	int64_t seq;                       /* of the last event that was right */
	usec    at;
	hash32  hash, note;                /* note: of the checkpoint whose event must come next */
	bool    noted;
	int64_t number;                    /* of the last checkpoint */
};
void trail_walk_init(struct walk *w, const struct trail_crypto *c, struct trail_verdict *v, int64_t account, str origin,
    const unsigned char pub[32]);
/* False: the verdict says what is wrong. */
bool walk_event(struct walk *w, struct arena *a, str canonical, const struct canon *c, str hash);
bool walk_checkpoint(struct walk *w, struct arena *a, str note, struct note *out);
bool wrong(struct trail_verdict *v, int64_t seq, const char *why);     /* false; keeps the first */

/* ---- statements, each beside its use -------------------------------------------------------------- */

extern const struct stmt trail_insert, trail_head_get, trail_head_count, trail_head_new, trail_head_set,
    trail_last_checkpoint, trail_checkpoint_new, trail_month_get, trail_month_new, trail_block_new, trail_block_marks, trail_block_rows,
    trail_block_delete, trail_unindexed,
    trail_checkpoints, trail_checkpoint_one, trail_newest, trail_oldest, trail_at, trail_blocks_newest, trail_blocks_oldest,
    trail_by_key, trail_key_last, trail_set_vals, trail_page, trail_canonical, trail_block_bound, trail_block_one, trail_tallies;

#endif
