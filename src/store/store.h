/* store.h - statements and transactions over an SQL engine; knows no table.
 *
 * One SQL text serves SQLite and PostgreSQL ($1 parameters, RETURNING, ON
 * CONFLICT, integers for times, types BIGINT TEXT BYTEA in migrations). A
 * driver is one file behind struct driver (store/driver.h). Two databases are
 * open: DB_MAIN, and DB_KEYS with nothing but wrapped keys.
 *
 * Reading: store_one/all/each outside a transaction use a reading connection
 * out of a pool; the context holds it until ctx_done() or store_write().
 *
 * Writing: only inside store_write(). Its function runs on the one writer
 * thread, with cx->tx set, inside a savepoint of a transaction that it shares
 * with other requests (group commit, at most 256); store_write() returns OK
 * only when that transaction is on disk (keys first, then main). If the
 * function fails, its savepoint alone is rolled back and its error returned.
 * If the commit fails, all get E_FAULT. The function may be run more than
 * once (a PostgreSQL retry), must not block on anything else, and sets its
 * outputs last. store_write() inside a transaction just calls the function.
 *
 * Sealing: a column of kind S is sealed and opened here through the codec
 * that cli wires; associated data are the account, stmt.seal_*[].table,
 * .column and the row id found in the argument or result column with index
 * .row. Which data key seals is said by the argument; a sealed value carries
 * its key's id. X is blind-indexed: the codec turns the text into 16 bytes.
 */
#ifndef WARD_STORE_H
#define WARD_STORE_H

#include "base/base.h"

enum db { DB_MAIN, DB_KEYS };

struct sealed_col { const char *table, *column; int row; };

/* Kinds: i integer, t text, b bytes, S sealed, X blind-indexed (only in `in`);
 * a '?' after a letter: may be NULL. Constants with static storage. */
struct stmt {
	const char *name;                   /* "ticket.insert"; unique */
	const char *sql;
	const char *pg;                     /* only where PostgreSQL needs another text */
	const char *in, *out;               /* out NULL or "": no rows */
	struct sealed_col seal_in[6];       /* for each S in `in`, in order; .row: index into args */
	struct sealed_col seal_out[6];      /* for each S in `out`, in order; .row: index into the row */
	const char *blind[4];               /* for each X in `in`: its column, "user.email" */
	enum db     db;
};

enum arg_kind { ARG_NULL, ARG_INT, ARG_TEXT, ARG_BYTES, ARG_SEALED, ARG_BLIND };
struct arg { enum arg_kind kind; int64_t i; str s; };       /* i: the integer, or the data key of a sealed one */
#define INT(v)           ((struct arg){ .kind = ARG_INT, .i = (v) })
#define ID(v)            store_id_arg(v)                    /* 0 becomes NULL */
#define TEXT(v)          ((struct arg){ .kind = ARG_TEXT, .s = (v) })
#define BYTES(v)         ((struct arg){ .kind = ARG_BYTES, .s = (v) })
#define SEALED(key, v)   ((struct arg){ .kind = ARG_SEALED, .i = (key), .s = (v).hidden })
#define BLIND(v)         ((struct arg){ .kind = ARG_BLIND, .s = (v).hidden })
#define NIL              ((struct arg){ .kind = ARG_NULL })
#define ARGS(...)        ((const struct arg[]){ __VA_ARGS__ }), (int)COUNT(((const struct arg[]){ __VA_ARGS__ }))
#define NO_ARGS          NULL, 0
static inline struct arg
store_id_arg(int64_t v)
{
	return v != 0 ? INT(v) : NIL;
}

struct cell { bool null, erased; int64_t i; str s; };       /* erased: its data key is gone; then s is empty */
struct row  { int n; struct cell *cell; };
struct rows { int count; struct row *row; };
static inline int64_t   row_int(const struct row *r, int c)       { return r->cell[c].i; }       /* NULL: 0 */
static inline str       row_str(const struct row *r, int c)       { return r->cell[c].s; }       /* t, b */
static inline sensitive row_sensitive(const struct row *r, int c) { return HIDE(r->cell[c].s); } /* S */
static inline bool      row_null(const struct row *r, int c)      { return r->cell[c].null; }
static inline bool      row_erased(const struct row *r, int c)    { return r->cell[c].erased; }

/* E_ABSENT when no row comes; a second row is a bug and E_FAULT. E_CONFLICT on
 * a broken uniqueness, E_INVALID on a broken foreign key or check. */
enum err store_one(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct row *out) MUST_CHECK;
/* All rows, in the arena: for lists that their SQL limits. */
enum err store_all(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct rows *out) MUST_CHECK;
/* Row by row for what is long; the row's memory is reused after `fn` returns. A failure of fn ends it. */
typedef enum err row_fn(struct ctx *cx, const struct row *r, void *arg);
enum err store_each(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, row_fn *fn, void *arg) MUST_CHECK;
/* No rows wanted; *changed (may be NULL): rows inserted, updated or deleted. Only in a transaction. */
enum err store_exec(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, int64_t *changed) MUST_CHECK;

typedef enum err tx_fn(struct ctx *cx, void *arg);
enum err store_write(struct ctx *cx, tx_fn *fn, void *arg) MUST_CHECK;
/* Inside a transaction: `fn` runs on the writer thread once this request's
 * changes are durable, before store_write() returns, in commit order; or, with
 * store_undo, when they were rolled back instead (savepoint or whole), last
 * registered first. `arg` must live until then (the request's arena does). */
void store_after(struct ctx *cx, void (*fn)(struct sys *sys, void *arg), void *arg);
void store_undo(struct ctx *cx, void (*fn)(struct sys *sys, void *arg), void *arg);
/* Inside a transaction: `fn` runs on the writer thread, in the transaction that
 * this request shares with others, when all of them are done and before it is
 * committed: once, whoever of them asked for the same fn and arg, with the
 * context of the first one that succeeded. When it fails, all fail. */
void store_before_commit(struct ctx *cx, tx_fn *fn, void *arg);

/* The next id of a per-account sequence (1, 2, 3...); gapless with the transaction. */
enum err store_next_id(struct ctx *cx, const char *sequence, int64_t *id) MUST_CHECK;

/* Sealing outside a column: for a blob built by the caller. */
enum err store_seal(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed) MUST_CHECK;
/* What an argument of kind X becomes, for texts too long to be kept until then; it is then one of kind b. */
enum err store_blind(struct ctx *cx, const char *column, str text, unsigned char out[16]) MUST_CHECK;
enum err store_open_sealed(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain) MUST_CHECK;

/* Data keys; their numbers are a sequence of the keyring, with gaps only
 * where a commit failed. store_key_destroy() notes the key in this transaction
 * (erase_key), and store_erase() then destroys all noted keys in the keyring,
 * overwrites what held them (secure_delete, WAL truncated) and forgets the
 * notes; call it after the transaction that noted them. It is also run at
 * start, so a crash between the two only delays. */
enum err store_key_new(struct ctx *cx, int64_t *key) MUST_CHECK;
enum err store_key_destroy(struct ctx *cx, int64_t key) MUST_CHECK;
enum err store_erase(struct ctx *cx) MUST_CHECK;

struct codec {
	enum err (*seal)(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed);
	enum err (*open)(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain); /* E_ABSENT: erased */
	enum err (*blind)(struct ctx *cx, const char *column, str text, unsigned char out[16]);
	enum err (*key_new)(struct ctx *cx, int64_t key);      /* in a transaction; DB_KEYS */
	enum err (*key_destroy)(struct ctx *cx, int64_t key);  /* in a transaction; DB_KEYS. E_ABSENT: gone already, fine */
	void     (*key_forget)(struct ctx *cx, int64_t key);   /* the transaction that made it was rolled back */
};

/* ---- open, migrate ---------------------------------------------------------------------------------- */

struct migration { int number; enum db db; const char *name; str sql; };   /* forward only, ascending */

struct store_conf {
	const char *main_path, *keys_path;       /* SQLite files; ":memory:" is not accepted (readers need a file) */
	const char *lock_path;                   /* flock'ed for the life of the store; NULL: none */
	int         readers;                     /* 0: 8 */
	const struct migration *migrations;
	int         migration_count;
};
/* Opens, takes the lock (E_BUSY: "another ward uses this data folder"),
 * migrates (each migration in one transaction of its database; a newer
 * database than we know is E_CONFLICT), starts the writer. */
enum err store_open(struct ctx *cx, const struct store_conf *conf, struct store **out) MUST_CHECK;
/* The keyring is older than the database beside it: data keys are missing. Their numbers are not given again. */
enum err store_keys_behind(struct ctx *cx, bool *behind) MUST_CHECK;
/* Ends the writer after what is queued, copies the WAL back. No context may
 * hold a reading connection any more: ctx_done() comes first. */
void     store_close(struct store **s);
/* Prepares every statement of the NULL-terminated list on the writer's
 * connection, so that a typo fails at start; fail.field is the statement's
 * name. Two statements of one name are E_FAULT. */
enum err store_prepare(struct ctx *cx, struct store *s, const struct stmt *const *list) MUST_CHECK;

/* Told where SQLite saw what it reports as damage or as a failed read or write:
 * words without anything of a row. NULL: nobody is. To be set before the first
 * store_open(); called on any thread. */
extern void (*store_trouble)(int code, const char *where);

struct store_stats { uint64_t transactions, commits, rollbacks, queue; uint64_t bytes_main, bytes_keys; };
void store_stats(struct store *s, struct store_stats *out);
/* fail.why when there was no room on the disk: nothing was changed, and what
 * was asked works again when there is some. */
extern const char store_full[];
/* Test hook: the next `n`th commit fails as if the disk were full. */
void store_fail_commit(struct store *s, int n);

#endif
