/* trail.h - the record of every change and every look, hash-chained.
 *
 * An event is appended in the transaction of the change it records; without
 * its event a change does not happen. Its canonical form is one line of JSON
 * without any value that may name a patient: values (before, after, address,
 * client) stand there as salted commitments SHA-256(salt || name || 0 ||
 * 'b' or 'a' || value), and are kept beside it sealed under the data key of
 * the object they belong to, so that they can be erased without breaking the
 * chain h = SHA-256(previous h || canonical). Checkpoints are C2SP signed
 * notes (Ed25519) over the RFC 6962 tree of the lanes' heads.
 */
#ifndef WARD_TRAIL_H
#define WARD_TRAIL_H

#include "base/base.h"
#include "store/store.h"

/* Wired by cli from the vault: trail itself knows no keys. */
struct trail_crypto {
	void (*sha256)(str bytes, unsigned char out[32]);
	void (*mac)(struct sys *sys, str bytes, unsigned char out[32]);       /* under the trail key */
	void (*sign)(struct sys *sys, str bytes, unsigned char sig[64]);
	void (*public_key)(struct sys *sys, unsigned char pub[32]);
	bool (*verify)(const unsigned char pub[32], str bytes, const unsigned char sig[64]);
};

struct trail_field {
	const char *name;            /* "status", "subject", "custom_fields.401": not sensitive itself; no @ in front */
	sensitive   before, after;
	bool        has_before, has_after;
	bool        commit_only;     /* the value lives elsewhere (a comment's text): keep the commitment, not the value */
	str         cause;           /* of this field, where it is not the event's: "trigger:55"; a name may come once for each */
};

struct event {
	const char *action;          /* "ticket.create", "user.login", "token.create": object.verb */
	const char *object;          /* "ticket", "user", ... */
	int64_t     id;
	int64_t     parent;          /* e.g. the ticket of a comment; 0: none */
	int64_t     key;             /* data key that seals the values; 0: the trail's own key of the month */
	const struct trail_field *field;
	int         count;
	const char *cause;           /* "job:V3-...", "trigger:55", NULL: the request itself */
};
/* In a transaction only (E_FAULT otherwise): chains and inserts. */
enum err trail_append(struct ctx *cx, const struct event *e) MUST_CHECK;

/* An access event: the actor was shown these fields ("subject,comments") of
 * these objects; its action is "ticket.look". Durable before it returns (own
 * transaction when there is none; many share one commit). Sets cx->looked. */
enum err trail_look(struct ctx *cx, const char *object, const int64_t *ids, int count, const char *fields) MUST_CHECK;

/* Opens the trail of the account: reads the head and checks its MAC; E_FAULT
 * "the trail's head does not match" locks the server for writing: *out is set
 * then, too; it lists and verifies, but neither appends nor exports.
 * `witness` is the file that checkpoints are appended to, or NULL. */
enum err trail_open(struct ctx *cx, const struct trail_crypto *crypto, const char *witness, struct trail **out) MUST_CHECK;
void     trail_close(struct trail **t);
/* Writes a checkpoint if there are new events, brings the witness up to date
 * and merges index blocks: call it every minute and at the end, not in a
 * transaction. At 10,000 events one is written without being asked for. */
enum err trail_checkpoint(struct ctx *cx) MUST_CHECK;
/* Redaction: for events whose values are sealed under `old`, lets `rewrite`
 * change each value, and seals what remains under `fresh` (0: erases them). */
typedef str trail_rewrite(struct ctx *cx, void *arg, const char *field, str value);
enum err trail_reseal(struct ctx *cx, int64_t old, int64_t fresh, trail_rewrite *rewrite, void *arg) MUST_CHECK;
/* Reads, outside a transaction, the place in the index where the next event with values under `key` will be noted: from the
 * disk it is read here then, and not while the writer waits for it. */
enum err trail_ahead(struct ctx *cx, int64_t key) MUST_CHECK;

/* ---- reading ------------------------------------------------------------------------------------------ */

enum trail_kind { TRAIL_CHANGE = 1, TRAIL_LOOK = 2 };
struct trail_filter {
	enum trail_kind kind;        /* 0: both */
	int64_t actor_id, object_id; /* 0: any */
	str     object, action;      /* empty: any */
	usec    from, to;            /* 0: open */
	int64_t before_seq, after_seq; /* page: only events older / newer than this; 0: none */
	bool    oldest_first;
	int     limit;
};
struct trail_event {
	int64_t seq; usec at; enum trail_kind kind;
	int64_t actor_id, object_id, parent;
	str     action, object, role, how;
	str     canonical;           /* the JSON line that was chained */
	str     hash;                /* 32 bytes */
	sensitive address, client;   /* empty when erased */
	int     field_count;
	struct { str name, cause; sensitive before, after; bool has_before, has_after, erased; } *field;
	str     shown;               /* TRAIL_LOOK: which fields */
	int64_t *ids; int id_count;  /* TRAIL_LOOK */
};
enum err trail_list(struct ctx *cx, const struct trail_filter *f, struct trail_event **out, int *count) MUST_CHECK;
enum err trail_count(struct ctx *cx, int64_t *events) MUST_CHECK;
/* How many events there are of each day (since 1970, UTC), actor, kind and
 * action among those after `seq`, at most `most` events; *last: the newest one
 * counted, `seq` when there is none. No value is opened. */
struct trail_tally { int64_t day, actor_id, n; enum trail_kind kind; str action; };
enum err trail_tally(struct ctx *cx, int64_t seq, int most, struct trail_tally **out, int *count, int64_t *last) MUST_CHECK;
/* The newest checkpoint's note as it was signed; E_ABSENT: none yet. `pub`: the key that signs. */
enum err trail_last_note(struct ctx *cx, str *note, int64_t *seq, unsigned char pub[32]) MUST_CHECK;

/* ---- export and verify --------------------------------------------------------------------------------- */

enum trail_format { TRAIL_JSONL, TRAIL_CSV };
/* Writes to `fd` all events and checkpoints, closing with a fresh signed
 * checkpoint as the last line. With `values`, the opened values and salts are
 * included (the export then holds PHI and is itself an event). CSV cells that
 * begin with = + - @ tab or CR get a leading apostrophe. */
enum err trail_export(struct ctx *cx, int fd, enum trail_format format, bool values, int64_t *events) MUST_CHECK;

struct trail_verdict {
	bool    ok;
	int64_t events, checkpoints;
	int64_t bad_seq;             /* the first place that is wrong; 0: none, or it cannot be told */
	const char *why;             /* "event altered", "event missing", "checkpoint altered", "truncated", ... */
	unsigned char head[32];
	unsigned char public_key[32];
};
/* The database: chain, values against commitments, head, checkpoints, witness.
 * E_BUSY when cx->stop ended it. */
enum err trail_verify(struct ctx *cx, struct trail_verdict *out) MUST_CHECK;
/* The same, watched from another thread: events looked at, of so many. */
struct trail_progress { _Atomic int64_t done, of; };
enum err trail_verify_watched(struct ctx *cx, struct trail_progress *p, struct trail_verdict *out) MUST_CHECK;
/* An export, offline: needs nothing but the file. `public_key` may be NULL:
 * then the key named in the file is used and reported. */
enum err trail_verify_file(struct ctx *cx, const struct trail_crypto *crypto, const char *path,
    const unsigned char *public_key, struct trail_verdict *out) MUST_CHECK;

extern const struct stmt *const trail_stmts[];

#endif
