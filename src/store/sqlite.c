/* sqlite.c - the store's driver for SQLite.
 *
 * Two database files in WAL mode with synchronous=FULL: a commit is one append
 * to the WAL and one fdatasync. Only the writer's connection changes anything;
 * the readers' are query_only and take a snapshot per statement.
 *
 * Checkpoints are never SQLite's own (it would do them inside somebody's
 * commit). After every WAL_PAGES pages a thread copies the WAL back (copier.c):
 * the more there are, the fewer are copied in all, as what is written often is
 * copied once.
 * SQLite begins the WAL again when all of it is copied, which happens by itself
 * when nobody writes. While somebody always does, the writer copies the last
 * few pages at WAL_AGAIN; if the thread cannot keep up, the writer waits for it
 * at WAL_HARD. The file keeps its size, as overwriting is faster than
 * appending; only what a long reader has let grow above WAL_BOUND is cut off.
 * The keyring changes little, the writer copies it.
 *
 * An item's savepoint keeps the pages that it changes in memory, which SQLite
 * takes and gives back in pieces of 1 KB, some hundred for a ticket: a quarter
 * of the ticket's whole cost. So the writer's thread keeps such pieces for the
 * next item. (SQLITE_CONFIG_STMTJRNL_SPILL would make it one piece, but not of
 * more than 128 KB: above, 3.40 fails to write it to its file.)
 *
 * To SQLite `$1` is a name, numbered by first appearance, so the place of each
 * parameter is looked up once per prepared statement.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/ahead.h"
#include "store/copier.h"
#include "store/driver.h"
#include "store/sweep.h"
#include "store/tape.h"

enum { WAL_PAGES = 8000, WAL_AGAIN = 16000, WAL_FEW = 512, WAL_HARD = 22000, KEYS_WAL_PAGES = 4000, WAL_BOUND = 100 << 20 };
enum { PIECE_MIN = 1009, PIECE = 1032, PIECES_MAX = 512 };     /* bytes, bytes, how many are kept */
enum { BUSY_MS = 5000, SCRUB_MS = 100, SLOTS = 256, HEED_STEPS = 10000 };   /* steps: some 0.1 ms */

static const char *const db_names[DB_COUNT] = { "main", "keys" };

struct file {
	sqlite3       *h;              /* NULL: not opened yet (a reader's keyring) */
	struct conn   *conn;
	const char    *path;           /* owned */
	int            wal_pages;      /* in the WAL after the last commit; writer only */
	int            wal_copied;     /* of these, copied back by the last checkpoint */
	int            wal_next;       /* the next checkpoint is due at so many */
	int            wal_every;      /* how many are between two */
	struct copier *copier;         /* of the writer's main; NULL: the writer does it */
	bool           copying;        /* it was started, and what it did is not looked at yet */
	struct sweep   sweep;          /* writer only */
	sqlite3_stmt  *begin, *commit;                     /* the writer's, and a reader's of the keyring */
	sqlite3_stmt  *rollback, *save, *keep, *back;      /* writer only */
};

struct ps {
	struct prepared base;          /* first, see driver.h */
	struct file    *f;
	sqlite3_stmt   *h;
	bool            running;
	bool            spare;         /* made because the cached one was running; not in the cache */
	int             at[STORE_ARGS_MAX];   /* SQLite's number of $1, $2... */
};

struct conn {
	struct file file[DB_COUNT];
	bool        writer;
	const atomic_bool *stop;       /* a reader's: ends what it runs; may be NULL */
	struct ps **slot;              /* hash of statements by address, open addressing */
	size_t      slots, used;
};

/* ---- failures -------------------------------------------------------------------------------------- */

static const struct { int code; enum err err; const char *why; } failures[] = {
	{ SQLITE_CONSTRAINT_UNIQUE,     E_CONFLICT, "is already there" },
	{ SQLITE_CONSTRAINT_PRIMARYKEY, E_CONFLICT, "is already there" },
	{ SQLITE_CONSTRAINT_ROWID,      E_CONFLICT, "is already there" },
	{ SQLITE_CONSTRAINT_FOREIGNKEY, E_INVALID,  "refers to something that is not there" },
	{ SQLITE_CONSTRAINT_CHECK,      E_INVALID,  "breaks a rule of the table" },
	{ SQLITE_CONSTRAINT_NOTNULL,    E_INVALID,  "lacks a value" },
	{ SQLITE_CONSTRAINT,            E_INVALID,  "breaks a rule of the table" },
	{ SQLITE_FULL,                  E_FAULT,    store_full },
	{ SQLITE_IOERR_SHMSIZE,         E_FAULT,    store_full },     /* the -shm could not be made longer */
	{ SQLITE_IOERR,                 E_FAULT,    "the disk failed" },
	{ SQLITE_BUSY,                  E_BUSY,     "the database is busy" },
	{ SQLITE_LOCKED,                E_BUSY,     "the database is busy" },
	{ SQLITE_READONLY,              E_FAULT,    "the database cannot be written" },
	{ SQLITE_CORRUPT,               E_FAULT,    "the database is damaged" },
	{ SQLITE_NOTADB,                E_FAULT,    "the file is no database" },
	{ SQLITE_CANTOPEN,              E_FAULT,    "the database cannot be opened" },
	{ SQLITE_INTERRUPT,             E_BUSY,     "the server is ending" },
	{ SQLITE_TOOBIG,                E_LIMIT,    "is too long" },
	{ SQLITE_NOMEM,                 E_FAULT,    "out of memory" },
};

/* SQLite says FULL only for ENOSPC; a quota and a size limit are I/O errors to
 * it, and sqlite3_system_errno() has forgotten about the WAL by then. */
static bool
is_out_of_space(struct file *f)
{
	sqlite3_file *wal = NULL;
	int last[2] = {0};

	sqlite3_file_control(f->h, NULL, SQLITE_FCNTL_LAST_ERRNO, &last[0]);
	sqlite3_file_control(f->h, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (wal != NULL && wal->pMethods != NULL)
		wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &last[1]);
	for (int i = 0; i < 2; i++)
		if (last[i] == ENOSPC || last[i] == EDQUOT || last[i] == EFBIG)
			return true;
	return false;
}

/* SQLite's words name tables and sometimes values, so they go no further. */
static enum err
failed(struct ctx *cx, struct file *f, const char *name)
{
	int code = f->h != NULL ? sqlite3_extended_errcode(f->h) : SQLITE_CANTOPEN;

	if ((code & 0xff) == SQLITE_IOERR && is_out_of_space(f))
		code = SQLITE_FULL;
	for (size_t i = 0; i < COUNT(failures); i++)
		if (failures[i].code == code)
			return fail(cx, failures[i].err, name, failures[i].why);
	for (size_t i = 0; i < COUNT(failures); i++)
		if (failures[i].code == (code & 0xff))
			return fail(cx, failures[i].err, name, failures[i].why);
	return fail(cx, E_FAULT, name, "the database failed");
}

/* ---- opening --------------------------------------------------------------------------------------- */

static enum err
run_text(struct ctx *cx, struct file *f, const char *sql, const char *name)
{
	return sqlite3_exec(f->h, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : failed(cx, f, name);
}

static int
shall_end(void *arg)
{
	const struct conn *c = arg;

	return c->stop != NULL && atomic_load(c->stop);
}

static void
sq_heed(struct conn *c, const atomic_bool *stop)
{
	c->stop = stop;
}

static int
count_wal(void *arg, sqlite3 *h UNUSED, const char *name UNUSED, int pages)
{
	struct file *f = arg;

	if (pages < f->wal_pages) {     /* it was started again */
		f->wal_copied = 0;
		f->wal_next = f->wal_every;
	}
	f->wal_pages = pages;
	return SQLITE_OK;
}

/* SQLite would make the file readable for all; its WAL gets the file's mode.
 * An existing file is never opened here: closing it would drop the locks that
 * SQLite holds on it in this process. */
static enum err
make_private(struct ctx *cx, const char *path, const char *name)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd >= 0)
		return close(fd), OK;
	if (errno != EEXIST || stat(path, &st) < 0)
		return fail(cx, E_FAULT, name, "the database cannot be opened");
	if ((st.st_mode & 077) != 0 && chmod(path, 0600) < 0)
		return fail(cx, E_FAULT, name, "the database is readable for others");
	return OK;
}

static enum err
fixed(struct ctx *cx, struct file *f, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(f->h, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK
	    ? OK : failed(cx, f, sql);
}

static enum err
open_file(struct ctx *cx, struct file *f, enum db db)
{
	bool writer = f->conn->writer;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	static const struct { int option, value; } options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 }, { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 }, { SQLITE_DBCONFIG_DQS_DDL, 0 },   /* "x" is never a text */
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0 },
	};

	if (writer)
		TRY(make_private(cx, f->path, db_names[db]));
	if (sqlite3_open_v2(f->path, &f->h, flags, writer ? tape_vfs() : db == DB_MAIN ? ahead_vfs() : NULL) != SQLITE_OK) {
		enum err e = failed(cx, f, db_names[db]);
		sqlite3_close(f->h);
		f->h = NULL;
		return e;
	}
	sqlite3_busy_timeout(f->h, BUSY_MS);
	for (size_t i = 0; i < COUNT(options); i++)
		sqlite3_db_config(f->h, options[i].option, options[i].value, NULL);
	TRY(run_text(cx, f, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
	    " PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
	    " PRAGMA wal_autocheckpoint=0; PRAGMA auto_vacuum=NONE;", db_names[db]));
	TRY(run_text(cx, f, db == DB_KEYS ? "PRAGMA secure_delete=ON" : "PRAGMA secure_delete=FAST", db_names[db]));
	TRY(run_text(cx, f, writer && db == DB_MAIN ? "PRAGMA cache_size=-24576" : "PRAGMA cache_size=-1024", db_names[db]));
	if (!writer) {
		sqlite3_progress_handler(f->h, HEED_STEPS, shall_end, f->conn);
		if (db == DB_KEYS) {
			TRY(fixed(cx, f, "BEGIN", &f->begin));
			TRY(fixed(cx, f, "COMMIT", &f->commit));
		}
		return run_text(cx, f, "PRAGMA query_only=ON", db_names[db]);
	}

	TRY(run_text(cx, f, "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=104857600", db_names[db]));
	f->wal_next = f->wal_every = db == DB_MAIN ? WAL_PAGES : KEYS_WAL_PAGES;
	f->sweep.all = true;            /* what was written before is not known */
	sqlite3_wal_hook(f->h, count_wal, f);
	TRY(fixed(cx, f, "BEGIN IMMEDIATE", &f->begin));
	TRY(fixed(cx, f, "COMMIT", &f->commit));
	TRY(fixed(cx, f, "ROLLBACK", &f->rollback));
	TRY(fixed(cx, f, "SAVEPOINT item", &f->save));
	TRY(fixed(cx, f, "RELEASE item", &f->keep));
	return fixed(cx, f, "ROLLBACK TO item", &f->back);
}

static void
sq_close(struct conn **cp)
{
	struct conn *c = *cp;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->slots; i++)
		if (c->slot[i] != NULL) {
			sqlite3_finalize(c->slot[i]->h);
			free(c->slot[i]);
		}
	free(c->slot);
	for (int d = 0; d < DB_COUNT; d++) {
		struct file *f = &c->file[d];
		copier_free(&f->copier);
		sqlite3_stmt *all[] = { f->begin, f->commit, f->rollback, f->save, f->keep, f->back };
		for (size_t i = 0; i < COUNT(all); i++)
			sqlite3_finalize(all[i]);
		if (c->writer && f->h != NULL)
			sqlite3_wal_checkpoint_v2(f->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		sqlite3_close(f->h);
		sweep_done(&f->sweep);
		free((char *)f->path);
	}
	free(c);
	*cp = NULL;
}

/* Pieces that this thread freed, linked through their first word. */
static _Thread_local struct piece { struct piece *next; } *pieces;
static _Thread_local int piece_count, piece_max;        /* piece_max: 0 but in a writer's thread */
static pthread_key_t pieces_key;

static void
pieces_done(void *arg UNUSED)
{
	piece_max = 0;
	for (struct piece *p = pieces, *next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	pieces = NULL;
}

static void *
piece_malloc(int n)
{
	struct piece *p = pieces;

	if (n < PIECE_MIN || n > PIECE)
		return malloc((size_t)n);
	if (p == NULL)
		return malloc(PIECE);
	pieces = p->next;
	piece_count--;
	return p;
}

static void
piece_free(void *p)
{
	if (piece_count >= piece_max || malloc_usable_size(p) != PIECE) {
		free(p);
		return;
	}
	((struct piece *)p)->next = pieces;
	pieces = p;
	piece_count++;
}

static void *piece_realloc(void *p, int n) { return realloc(p, (size_t)n); }
static int   piece_size(void *p)           { return p != NULL ? (int)malloc_usable_size(p) : 0; }
static int   piece_round(int n)            { return (n + 7) & ~7; }
static int   piece_init(void *arg UNUSED)  { return SQLITE_OK; }
static void  piece_end(void *arg UNUSED)   { }

void (*store_trouble)(int code, const char *where);

/* SQLite's own words on a statement that failed may repeat a value of it. */
static void
tell(void *arg UNUSED, int code, const char *msg)
{
	static const int of[] = { SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_READONLY,
	    SQLITE_PROTOCOL, SQLITE_MISUSE };
	static const char aborts[] = "statement aborts";

	if (store_trouble == NULL || strncmp(msg, aborts, sizeof(aborts) - 1) == 0)
		return;
	for (size_t i = 0; i < COUNT(of); i++)
		if ((code & 0xff) == of[i])
			store_trouble(code, msg);
}

/* Statistics of memory would put one lock around every malloc of SQLite's. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOG, tell, NULL);
	if (pthread_key_create(&pieces_key, pieces_done) == 0)
		sqlite3_config(SQLITE_CONFIG_MALLOC, &(sqlite3_mem_methods){ piece_malloc, piece_free, piece_realloc,
		    piece_size, piece_round, piece_init, piece_end, NULL });
}

static enum err
open_both(struct ctx *cx, const struct store_conf *conf, struct conn *c)
{
	const char *paths[DB_COUNT] = { conf->main_path, conf->keys_path };

	c->slot = calloc(SLOTS, sizeof(struct ps *));
	if (c->slot == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	c->slots = SLOTS;
	for (int d = 0; d < DB_COUNT; d++) {
		c->file[d].conn = c;
		c->file[d].path = strdup(paths[d]);
		if (c->file[d].path == NULL)
			return fail(cx, E_FAULT, NULL, "out of memory");
	}
	TRY(open_file(cx, &c->file[DB_MAIN], DB_MAIN));
	if (c->writer) {                /* few readers look into the keyring; they open it when they do */
		TRY(open_file(cx, &c->file[DB_KEYS], DB_KEYS));
		c->file[DB_MAIN].copier = copier_new(paths[DB_MAIN]);
	}
	return OK;
}

static enum err
sq_open(struct ctx *cx, const struct store_conf *conf, bool writer, struct conn **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct conn *c = calloc(1, sizeof(*c));
	enum err e;

	pthread_once(&once, configure);
	if (c == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	c->writer = writer;
	e = open_both(cx, conf, c);
	if (e != OK)
		sq_close(&c);
	else
		*out = c;
	return e;
}

/* ---- migrations ------------------------------------------------------------------------------------ */

static bool
is_known(const struct migration *m, int count, enum db db, int number)
{
	for (int i = 0; i < count; i++)
		if (m[i].db == db && m[i].number == number)
			return true;
	return false;
}

/* Each number that the database has must be ours, else a newer ward made it. */
static enum err
check_versions(struct ctx *cx, struct file *f, enum db db, const struct migration *m, int count)
{
	sqlite3_stmt *q;
	enum err e = OK;
	int rc;

	TRY(run_text(cx, f, "CREATE TABLE IF NOT EXISTS schema_version"
	    " (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)", "schema_version"));
	if (sqlite3_prepare_v2(f->h, "SELECT number FROM schema_version", -1, &q, NULL) != SQLITE_OK)
		return failed(cx, f, "schema_version");
	while (e == OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
		if (!is_known(m, count, db, sqlite3_column_int(q, 0)))
			e = fail(cx, E_CONFLICT, db_names[db], "the database was made by a newer ward");
	if (e == OK && rc != SQLITE_DONE)
		e = failed(cx, f, "schema_version");
	sqlite3_finalize(q);
	return e;
}

static enum err
note_version(struct ctx *cx, struct file *f, const struct migration *m)
{
	sqlite3_stmt *q;
	int rc;

	if (sqlite3_prepare_v2(f->h, "INSERT INTO schema_version (number, name, applied_at) VALUES ($1, $2, $3)",
	    -1, &q, NULL) != SQLITE_OK)
		return failed(cx, f, "schema_version");
	sqlite3_bind_int(q, 1, m->number);
	sqlite3_bind_text(q, 2, m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, time_now());
	rc = sqlite3_step(q);
	if (rc != SQLITE_DONE) {
		enum err e = failed(cx, f, "schema_version");
		sqlite3_finalize(q);
		return e;
	}
	sqlite3_finalize(q);
	return OK;
}

static enum err
is_applied(struct ctx *cx, struct file *f, int number, bool *out)
{
	sqlite3_stmt *q;
	int rc;

	if (sqlite3_prepare_v2(f->h, "SELECT 1 FROM schema_version WHERE number = $1", -1, &q, NULL) != SQLITE_OK)
		return failed(cx, f, "schema_version");
	sqlite3_bind_int(q, 1, number);
	rc = sqlite3_step(q);
	sqlite3_finalize(q);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(cx, f, "schema_version");
	*out = rc == SQLITE_ROW;
	return OK;
}

static enum err
apply(struct ctx *cx, struct file *f, const struct migration *m)
{
	enum err e;

	TRY(run_text(cx, f, "BEGIN IMMEDIATE", m->name));
	e = run_text(cx, f, str_z(cx->arena, m->sql), m->name);
	if (e == OK && sqlite3_get_autocommit(f->h))
		e = fail(cx, E_FAULT, m->name, "a migration must not end its transaction");
	if (e == OK)
		e = note_version(cx, f, m);
	if (e == OK)
		e = run_text(cx, f, "COMMIT", m->name);
	if (e != OK && !sqlite3_get_autocommit(f->h))
		sqlite3_exec(f->h, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static enum err
sq_migrate(struct ctx *cx, struct conn *c, const struct migration *m, int count)
{
	for (int d = 0; d < DB_COUNT; d++)
		TRY(check_versions(cx, &c->file[d], (enum db)d, m, count));
	for (int i = 0; i < count; i++) {
		struct file *f = &c->file[m[i].db];
		bool done = false;
		TRY(is_applied(cx, f, m[i].number, &done));
		if (!done)
			TRY(apply(cx, f, &m[i]));
	}
	return OK;
}

/* ---- statements ------------------------------------------------------------------------------------ */

static size_t
hash_of(const struct stmt *st)
{
	return (size_t)(((uint64_t)(uintptr_t)st >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

static int
count_kinds(const char *kinds)
{
	int n = 0;

	for (; kinds != NULL && *kinds != '\0'; kinds++)
		n += *kinds != '?';
	return n;
}

static void
ps_free(struct ps **p)
{
	if (*p != NULL)
		sqlite3_finalize((*p)->h);
	free(*p);
	*p = NULL;
}

static enum err
ps_fill(struct ctx *cx, struct file *f, const struct stmt *st, struct ps *p)
{
	const char *rest;

	p->base = (struct prepared){ .st = st, .in = count_kinds(st->in), .out = count_kinds(st->out) };
	p->f = f;
	if (p->base.in > STORE_ARGS_MAX || p->base.out > STORE_ARGS_MAX)
		return fail(cx, E_FAULT, st->name, "the statement has too many values");
	if (sqlite3_prepare_v3(f->h, st->sql, -1, SQLITE_PREPARE_PERSISTENT, &p->h, &rest) != SQLITE_OK) {
		int code = sqlite3_errcode(f->h);
		return code == SQLITE_ERROR ? fail(cx, E_FAULT, st->name, "the statement cannot be prepared")
		    : failed(cx, f, st->name);
	}
	if (p->h == NULL || rest[strspn(rest, " \t\n;")] != '\0')
		return fail(cx, E_FAULT, st->name, "the statement is not exactly one");
	if (sqlite3_bind_parameter_count(p->h) != p->base.in)
		return fail(cx, E_FAULT, st->name, "the statement's parameters and its kinds differ");
	for (int i = 0; i < p->base.in; i++) {
		char name[16];
		snprintf(name, sizeof(name), "$%d", i + 1);
		p->at[i] = sqlite3_bind_parameter_index(p->h, name);
		if (p->at[i] == 0)
			return fail(cx, E_FAULT, st->name, "the statement's parameters and its kinds differ");
	}
	if (p->base.out != 0 && sqlite3_column_count(p->h) != p->base.out)
		return fail(cx, E_FAULT, st->name, "the statement's columns and its kinds differ");
	p->base.writes = sqlite3_stmt_readonly(p->h) == 0;
	return OK;
}

static enum err
ps_new(struct ctx *cx, struct file *f, const struct stmt *st, struct ps **out)
{
	struct ps *p = calloc(1, sizeof(*p));
	enum err e;

	if (p == NULL)
		return fail(cx, E_FAULT, st->name, "out of memory");
	e = ps_fill(cx, f, st, p);
	if (e != OK)
		ps_free(&p);
	else
		*out = p;
	return e;
}

static enum err
grow(struct ctx *cx, struct conn *c)
{
	size_t slots = c->slots * 2;
	struct ps **slot = calloc(slots, sizeof(struct ps *));

	if (slot == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	for (size_t i = 0; i < c->slots; i++)
		if (c->slot[i] != NULL) {
			size_t h = hash_of(c->slot[i]->base.st) & (slots - 1);
			while (slot[h] != NULL)
				h = (h + 1) & (slots - 1);
			slot[h] = c->slot[i];
		}
	free(c->slot);
	c->slot = slot;
	c->slots = slots;
	return OK;
}

/* The text is compared too, so that a statement whose address came from
 * memory that was used again is not mistaken for the earlier one. */
static enum err
sq_prepare(struct ctx *cx, struct conn *c, const struct stmt *st, struct prepared **out)
{
	struct file *f = &c->file[st->db];
	struct ps *p = NULL;
	size_t h;

	for (h = hash_of(st) & (c->slots - 1); (p = c->slot[h]) != NULL; h = (h + 1) & (c->slots - 1))
		if (p->base.st == st)
			break;
	if (p != NULL && p->f == f && strcmp(sqlite3_sql(p->h), st->sql) == 0) {
		*out = &p->base;
		return OK;
	}
	if (f->h == NULL)
		TRY(open_file(cx, f, st->db));
	if (p != NULL) {
		struct ps *fresh = NULL;
		if (p->running)
			return fail(cx, E_FAULT, st->name, "the statement changed while it ran");
		TRY(ps_new(cx, f, st, &fresh));
		ps_free(&c->slot[h]);
		c->slot[h] = fresh;
		*out = &fresh->base;
		return OK;
	}
	if ((c->used + 1) * 2 > c->slots) {
		TRY(grow(cx, c));
		for (h = hash_of(st) & (c->slots - 1); c->slot[h] != NULL;)
			h = (h + 1) & (c->slots - 1);
	}
	TRY(ps_new(cx, f, st, &p));
	c->slot[h] = p;
	c->used++;
	*out = &p->base;
	return OK;
}

static enum err
sq_start(struct ctx *cx, struct prepared *prepared, const struct arg *in, struct prepared **cursor)
{
	struct ps *p = (struct ps *)prepared;
	int rc = SQLITE_OK;

	if (p->running) {               /* a statement inside a loop over its own rows */
		TRY(ps_new(cx, p->f, p->base.st, &p));
		p->spare = true;
	}
	for (int i = 0; i < p->base.in && rc == SQLITE_OK; i++) {
		const char *z = in[i].s.p != NULL ? in[i].s.p : "";      /* NULL would bind an SQL NULL */
		switch (in[i].kind) {
		case ARG_INT:   rc = sqlite3_bind_int64(p->h, p->at[i], in[i].i); break;
		case ARG_TEXT:  rc = sqlite3_bind_text64(p->h, p->at[i], z, in[i].s.n, SQLITE_STATIC, SQLITE_UTF8); break;
		case ARG_BYTES: rc = sqlite3_bind_blob64(p->h, p->at[i], z, in[i].s.n, SQLITE_STATIC); break;
		default:        rc = sqlite3_bind_null(p->h, p->at[i]); break;
		}
	}
	if (rc != SQLITE_OK) {
		enum err e = failed(cx, p->f, p->base.st->name);
		if (p->spare)
			ps_free(&p);
		return e;
	}
	p->running = true;
	*cursor = &p->base;
	return OK;
}

static enum err
sq_next(struct ctx *cx, struct prepared *cursor, bool *more)
{
	struct ps *p = (struct ps *)cursor;
	int rc = sqlite3_step(p->h);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(cx, p->f, p->base.st->name);
	*more = rc == SQLITE_ROW;
	return OK;
}

static bool
sq_column(struct prepared *cursor, int i, struct arg *out)
{
	struct ps *p = (struct ps *)cursor;

	switch (sqlite3_column_type(p->h, i)) {
	case SQLITE_NULL:
		*out = NIL;
		return true;
	case SQLITE_INTEGER:
		*out = INT(sqlite3_column_int64(p->h, i));
		return true;
	case SQLITE_TEXT:
		out->s.p = (const char *)sqlite3_column_text(p->h, i);
		out->s.n = (size_t)sqlite3_column_bytes(p->h, i);
		out->kind = ARG_TEXT;
		return out->s.p != NULL;
	case SQLITE_BLOB:
		out->s.p = sqlite3_column_blob(p->h, i);
		out->s.n = (size_t)sqlite3_column_bytes(p->h, i);
		out->kind = ARG_BYTES;
		return out->s.p != NULL || out->s.n == 0;
	default:
		return false;
	}
}

static int64_t
sq_finish(struct prepared *cursor)
{
	struct ps *p = (struct ps *)cursor;
	int64_t changed = p->base.writes ? sqlite3_changes64(p->f->h) : 0;

	sqlite3_reset(p->h);            /* gives the snapshot back; its code only repeats step's */
	p->running = false;
	if (p->spare)
		ps_free(&p);
	return changed;
}

/* ---- transactions ---------------------------------------------------------------------------------- */

static enum err
step(struct ctx *cx, struct file *f, sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);
	enum err e = rc == SQLITE_DONE ? OK : failed(cx, f, sqlite3_sql(q));

	sqlite3_reset(q);
	return e;
}

static enum err
sq_begin(struct ctx *cx, struct conn *c, enum db db)
{
	if (piece_max == 0 && pthread_setspecific(pieces_key, c) == 0)
		piece_max = PIECES_MAX;
	return step(cx, &c->file[db], c->file[db].begin);
}

/* A BEGIN takes no lock before something is read; where it fails, each reading takes its own. */
static void
sq_hold_keys(struct conn *c, bool on)
{
	struct file *f = &c->file[DB_KEYS];
	sqlite3_stmt *q = on ? f->begin : f->commit;

	if (f->h == NULL || on != (sqlite3_get_autocommit(f->h) != 0))
		return;
	sqlite3_step(q);
	sqlite3_reset(q);
}

static enum err sq_commit(struct ctx *cx, struct conn *c, enum db db) { return step(cx, &c->file[db], c->file[db].commit); }
static enum err sq_save(struct ctx *cx, struct conn *c, enum db db)   { return step(cx, &c->file[db], c->file[db].save); }
static enum err sq_keep(struct ctx *cx, struct conn *c, enum db db)   { return step(cx, &c->file[db], c->file[db].keep); }

static enum err
sq_back(struct ctx *cx, struct conn *c, enum db db)
{
	TRY(step(cx, &c->file[db], c->file[db].back));
	return sq_keep(cx, c, db);
}

static bool
sq_lost(struct conn *c, enum db db)
{
	return sqlite3_get_autocommit(c->file[db].h) != 0;
}

static void
sq_rollback(struct conn *c, enum db db)
{
	if (sq_lost(c, db))
		return;
	sqlite3_step(c->file[db].rollback);
	sqlite3_reset(c->file[db].rollback);
}

static bool
sq_dangling(struct conn *c, enum db db)
{
	int now = 0, high = 0;

	sqlite3_db_status(c->file[db].h, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &high, 0);
	return now != 0;
}

/* ---- housekeeping ---------------------------------------------------------------------------------- */

static off_t
wal_size(const struct file *f)
{
	struct stat st;
	char wal[4096];

	return snprintf(wal, sizeof(wal), "%s-wal", f->path) < (int)sizeof(wal) && stat(wal, &st) == 0 ? st.st_size : 0;
}

/* Copies the WAL back here and now. */
static void
copy_back(struct file *f, enum db db)
{
	int in_wal = 0, copied = 0;

	if (db == DB_KEYS)
		sweep_note(&f->sweep, f->h, f->wal_pages);
	sqlite3_busy_timeout(f->h, 0);
	sqlite3_wal_checkpoint_v2(f->h, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
	if (copied == in_wal && wal_size(f) > WAL_BOUND)
		sqlite3_wal_checkpoint_v2(f->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(f->h, BUSY_MS);
	f->wal_copied = copied;
	/* A reader kept some back, or the disk is full: not again at once. */
	f->wal_next = copied == in_wal ? f->wal_every : in_wal + f->wal_every;
}

static void
tidy_file(struct file *f, enum db db, enum tidy how)
{
	bool hard = how == TIDY_NOW || (f->wal_pages >= WAL_HARD && f->wal_pages >= f->wal_next);

	if (f->copying) {
		int copied, before = f->wal_copied;
		if (!copier_done(f->copier, hard, &copied))
			return;
		f->copying = false;
		f->wal_copied = copied <= f->wal_pages ? copied : 0;     /* else it began again since */
		f->wal_next = f->wal_pages >= WAL_AGAIN && f->wal_copied > before ? f->wal_pages : f->wal_pages + WAL_PAGES;
		hard = hard || (f->wal_pages >= WAL_AGAIN && f->wal_pages - f->wal_copied <= WAL_FEW);
	}
	if (f->wal_pages == f->wal_copied || (how == TIDY_DUE && !hard && f->wal_pages < f->wal_next))
		return;
	if (f->copier == NULL || hard) {
		copy_back(f, db);
	} else {
		copier_start(f->copier, f->wal_pages >= WAL_AGAIN - WAL_PAGES);
		f->copying = true;
	}
}

static void
sq_tidy(struct conn *c, enum tidy how)
{
	for (int d = 0; d < DB_COUNT; d++)
		tidy_file(&c->file[d], (enum db)d, how);
}

/* What the file system does with the blocks of the WAL that it gets back is
 * beyond us. */
static enum err
sq_scrub(struct ctx *cx, struct conn *c, enum db db)
{
	struct file *f = &c->file[db];
	int rc;

	sweep_note(&f->sweep, f->h, f->wal_pages);
	sqlite3_busy_timeout(f->h, SCRUB_MS);
	rc = sqlite3_wal_checkpoint_v2(f->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(f->h, BUSY_MS);
	if (rc != SQLITE_OK)
		return failed(cx, f, db_names[db]);
	f->wal_pages = f->wal_copied = 0;
	return sweep_run(&f->sweep, f->h) ? OK : fail(cx, E_FAULT, db_names[db], "the disk failed");
}

static uint64_t
sq_size(const struct store_conf *conf, enum db db)
{
	struct file f = { .path = db == DB_MAIN ? conf->main_path : conf->keys_path };
	struct stat st;

	return (stat(f.path, &st) == 0 ? (uint64_t)st.st_size : 0) + (uint64_t)wal_size(&f);
}

static void
sq_limit(struct conn *c, enum db db, int64_t pages)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%lld", pages > 0 ? (long long)pages : 4294967294LL);
	sqlite3_exec(c->file[db].h, sql, NULL, NULL, NULL);
}

const struct driver driver_sqlite = {
	.name = "sqlite",
	.open = sq_open, .close = sq_close, .heed = sq_heed, .hold_keys = sq_hold_keys, .migrate = sq_migrate,
	.prepare = sq_prepare, .start = sq_start, .next = sq_next, .column = sq_column, .finish = sq_finish,
	.begin = sq_begin, .commit = sq_commit, .rollback = sq_rollback,
	.save = sq_save, .keep = sq_keep, .back = sq_back, .lost = sq_lost, .dangling = sq_dangling,
	.tidy = sq_tidy, .scrub = sq_scrub, .size = sq_size, .limit = sq_limit,
};
