/* store.c - opening and closing, data keys and their destruction, statistics.
 *
 * Keys are destroyed only for notes that are committed already: store_erase()
 * reads them outside the writer, which also sees what is not committed yet. A
 * commit that failed after the keyring's would else have destroyed a key whose
 * data stay.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "store/inside.h"

const char store_full[] = "the disk is full";

enum { READERS = 8, ERASE_KEYS = 256, SCRUB_TRIES = 50 };

#define SEQUENCE_SQL \
	"CREATE TABLE sequence (account_id BIGINT NOT NULL, name TEXT NOT NULL, next BIGINT NOT NULL," \
	" PRIMARY KEY (account_id, name));"
static const char keys_sql[] = SEQUENCE_SQL;
static const char main_sql[] = SEQUENCE_SQL
	"CREATE TABLE erase_key (account_id BIGINT NOT NULL, key_id BIGINT NOT NULL,"
	" PRIMARY KEY (account_id, key_id));";

static const struct stmt erase_note = {
	.name = "store.erase_note",
	.sql  = "INSERT INTO erase_key (account_id, key_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
	.in = "ii",
};
static const struct stmt erase_list = {
	.name = "store.erase_list",
	.sql  = "SELECT account_id, key_id FROM erase_key ORDER BY account_id, key_id LIMIT $1",
	.in = "i", .out = "ii",
};
static const struct stmt erase_forget = {
	.name = "store.erase_forget",
	.sql  = "DELETE FROM erase_key WHERE account_id = $1 AND key_id = $2",
	.in = "ii",
};

/* ---- sealing and keys ------------------------------------------------------------------------------ */

enum err
store_seal(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed)
{
	TRY(need_codec(cx, table));
	return cx->sys->codec->seal(cx, key, table, column, row, plain, sealed);
}

enum err
store_blind(struct ctx *cx, const char *column, str text, unsigned char out[16])
{
	TRY(need_codec(cx, column));
	return cx->sys->codec->blind(cx, column, text, out);
}

enum err
store_open_sealed(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	TRY(need_codec(cx, table));
	return cx->sys->codec->open(cx, table, column, row, sealed, plain);
}

struct made_key {
	struct ctx *cx;
	int64_t     key;
};

static void
forget_key(struct sys *sys, void *arg)
{
	struct made_key *m = arg;

	sys->codec->key_forget(m->cx, m->key);
}

enum err
store_key_new(struct ctx *cx, int64_t *key)
{
	struct made_key *m = NEW(cx->arena, struct made_key, 1);
	int64_t id = 0;

	TRY(need_codec(cx, "key"));
	TRY(sequence_next(cx, DB_KEYS, KEY_SEQUENCE, &id));
	*m = (struct made_key){ cx, id };
	store_undo(cx, forget_key, m);  /* first: key_new may fail half way */
	TRY(cx->sys->codec->key_new(cx, id));
	*key = id;
	return OK;
}

enum err
store_key_destroy(struct ctx *cx, int64_t key)
{
	return store_exec(cx, &erase_note, ARGS(INT(cx->account), INT(key)), NULL);
}

/* A key that is gone already was destroyed before a crash, or by another
 * request's store_erase(). */
static enum err
destroy_keys(struct ctx *cx, void *arg)
{
	const struct rows *rows = arg;
	int64_t own = cx->account;
	enum err e = OK;

	for (int i = 0; i < rows->count && e == OK; i++) {
		cx->account = row_int(&rows->row[i], 0);
		e = cx->sys->codec->key_destroy(cx, row_int(&rows->row[i], 1));
		if (e == E_ABSENT) {
			cx->fail.code = e = OK;
			cx->fail.field = cx->fail.why = NULL;
		}
	}
	cx->account = own;
	return e;
}

static enum err
nothing(struct ctx *cx UNUSED, void *arg UNUSED)
{
	return OK;
}

static enum err
forget_notes(struct ctx *cx, void *arg)
{
	const struct rows *rows = arg;

	for (int i = 0; i < rows->count; i++)
		TRY(store_exec(cx, &erase_forget, ARGS(INT(row_int(&rows->row[i], 0)), INT(row_int(&rows->row[i], 1))), NULL));
	return OK;
}

/* The notes are read outside the writer, so that only committed ones count. */
enum err
store_erase(struct ctx *cx)
{
	struct rows rows;

	if (cx->tx != NULL)
		return fail(cx, E_FAULT, NULL, "keys cannot be destroyed inside a transaction");
	TRY(need_codec(cx, "key"));
	for (;;) {
		struct store *s = cx->sys->store;
		enum err e;

		TRY(store_all(cx, &erase_list, ARGS(INT(ERASE_KEYS)), &rows));
		if (rows.count == 0)
			return OK;
		e = writer_submit(s, cx, destroy_keys, &rows, true);
		for (int i = 0; e == E_BUSY && i < SCRUB_TRIES; i++) {
			fail_clear(cx);
			nanosleep(&(struct timespec){ 0, 20 * 1000000L }, NULL);
			e = writer_submit(s, cx, nothing, NULL, true);
		}
		TRY(e);
		TRY(writer_submit(s, cx, forget_notes, &rows, false));
	}
}

/* ---- open and close -------------------------------------------------------------------------------- */

static enum err
lock(struct ctx *cx, struct store *s)
{
	if (s->conf.lock_path == NULL)
		return OK;
	s->lock_fd = open(s->conf.lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return fail(cx, E_FAULT, "lock", "the lock file cannot be opened");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return fail(cx, E_BUSY, "lock", "another ward uses this data folder");
	return OK;
}

static enum err
migrate(struct ctx *cx, struct store *s, const struct store_conf *conf)
{
	int count = conf->migration_count + 2;
	struct migration *m = NEW(cx->arena, struct migration, (size_t)count);

	m[0] = (struct migration){ 0, DB_MAIN, "store", { main_sql, sizeof(main_sql) - 1 } };
	m[1] = (struct migration){ 0, DB_KEYS, "store", { keys_sql, sizeof(keys_sql) - 1 } };
	for (int i = 2; i < count; i++) {
		m[i] = conf->migrations[i - 2];
		if (m[i].number <= m[i - 1].number)   /* also: 0 is ours */
			return fail(cx, E_FAULT, m[i].name, "the migrations are not in ascending order");
	}
	return s->drv->migrate(cx, s->writer, m, count);
}

static enum err
open_readers(struct ctx *cx, struct store *s)
{
	s->readers = s->conf.readers > 0 ? s->conf.readers : READERS;
	s->all = calloc((size_t)s->readers, sizeof(*s->all));
	if (s->all == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	for (int i = 0; i < s->readers; i++) {
		struct reader *r = &s->all[i];
		r->s = s;
		TRY(s->drv->open(cx, &s->conf, false, &r->c));
		r->next = s->pool;
		s->pool = r;
	}
	return OK;
}

static enum err
copy_conf(struct ctx *cx, const struct store_conf *conf, struct store *s)
{
	const char *const from[] = { conf->main_path, conf->keys_path, conf->lock_path };
	const char **const to[] = { &s->conf.main_path, &s->conf.keys_path, &s->conf.lock_path };

	s->conf.readers = conf->readers;
	for (size_t i = 0; i < COUNT(from); i++)
		if (from[i] != NULL && (*to[i] = strdup(from[i])) == NULL)
			return fail(cx, E_FAULT, NULL, "out of memory");
	return OK;
}

enum err
store_open(struct ctx *cx, const struct store_conf *conf, struct store **out)
{
	CLEANUP(store_close) struct store *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	s->drv = &driver_sqlite;
	s->lock_fd = -1;
	s->end = &s->head;
	s->sys.store = s;
	ctx_init(&s->cx, &s->sys, 0);
	for (int d = 0; d < DB_COUNT; d++)
		atomic_init(&s->limit[d], -1);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_mutex_init(&s->pool_mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->pool_free, &attr);
	pthread_condattr_destroy(&attr);

	ctx_release_reader = reader_release;
	TRY(copy_conf(cx, conf, s));
	TRY(lock(cx, s));
	TRY(s->drv->open(cx, &s->conf, true, &s->writer));
	TRY(migrate(cx, s, conf));
	TRY(open_readers(cx, s));
	TRY(writer_start(cx, s));
	*out = s;
	s = NULL;
	return OK;
}

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	if (s == NULL)
		return;
	writer_stop(s);
	for (int i = 0; i < s->readers && s->all != NULL; i++)
		s->drv->close(&s->all[i].c);
	s->drv->close(&s->writer);      /* last, it checkpoints */
	free(s->all);
	free(s->known);
	ctx_done(&s->cx);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->pool_free);
	pthread_mutex_destroy(&s->mutex);
	pthread_mutex_destroy(&s->pool_mutex);
	if (s->lock_fd >= 0)
		close(s->lock_fd);      /* and the lock with it */
	free((char *)s->conf.main_path);
	free((char *)s->conf.keys_path);
	free((char *)s->conf.lock_path);
	free(s);
	*sp = NULL;
}

/* Are the kinds letters we know, and is said of each S and X what it needs? */
static enum err
check_kinds(struct ctx *cx, const struct stmt *st, const char *kinds, const char *letters,
    const struct sealed_col *seal, size_t seals)
{
	char flat[STORE_ARGS_MAX + 1] = {0};
	size_t n = 0, sealed = 0, blind = 0;

	for (const char *k = kinds != NULL ? kinds : ""; *k != '\0'; k++) {
		if (strchr(letters, *k) == NULL || n == STORE_ARGS_MAX)
			return fail(cx, E_FAULT, st->name, "the statement declares a kind that there is not");
		flat[n++] = *k;
		k += k[1] == '?';
	}
	for (size_t i = 0; i < n; i++) {
		if (flat[i] == 'X' && (blind == COUNT(st->blind) || st->blind[blind++] == NULL))
			return fail(cx, E_FAULT, st->name, "the statement does not name a blind index");
		if (flat[i] != 'S')
			continue;
		if (sealed == seals || seal[sealed].table == NULL || seal[sealed].column == NULL ||
		    seal[sealed].row < 0 || seal[sealed].row >= (int)n || flat[seal[sealed].row] != 'i')
			return fail(cx, E_FAULT, st->name, "the statement does not say what a value is sealed to");
		sealed++;
	}
	return OK;
}

static enum err
note_name(struct ctx *cx, struct store *s, const struct stmt *st)
{
	for (size_t i = 0; i < s->known_count; i++) {
		if (s->known[i] == st)
			return OK;
		if (strcmp(s->known[i]->name, st->name) == 0)
			return fail(cx, E_FAULT, st->name, "two statements have this name");
	}
	if (s->known_count == s->known_cap) {
		size_t cap = s->known_cap == 0 ? 256 : s->known_cap * 2;
		const struct stmt **grown = realloc(s->known, cap * sizeof(const struct stmt *));
		if (grown == NULL)
			return fail(cx, E_FAULT, st->name, "out of memory");
		s->known = grown;
		s->known_cap = cap;
	}
	s->known[s->known_count++] = st;
	return OK;
}

/* Only in the writer, whose statements are a superset; a reader prepares at
 * first use, which costs less than 200 statements on each of eight. */
static enum err
prepare_all(struct ctx *cx, void *arg)
{
	const struct stmt *const *list = arg;
	struct store *s = cx->tx->s;
	struct prepared *p;

	for (; *list != NULL; list++) {
		const struct stmt *st = *list;
		TRY(check_kinds(cx, st, st->in, "itbSX", st->seal_in, COUNT(st->seal_in)));
		TRY(check_kinds(cx, st, st->out, "itbS", st->seal_out, COUNT(st->seal_out)));
		TRY(note_name(cx, s, st));
		TRY(s->drv->prepare(cx, s->writer, st, &p));
	}
	return OK;
}

enum err
store_prepare(struct ctx *cx, struct store *s, const struct stmt *const *list)
{
	return writer_submit(s, cx, prepare_all, (void *)list, false);
}

void
store_stats(struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){
		.transactions = atomic_load(&s->transactions),
		.commits = atomic_load(&s->commits),
		.rollbacks = atomic_load(&s->rollbacks),
		.queue = (uint64_t)atomic_load(&s->queue),
		.bytes_main = s->drv->size(&s->conf, DB_MAIN),
		.bytes_keys = s->drv->size(&s->conf, DB_KEYS),
	};
}

void
store_fail_commit(struct store *s, int n)
{
	atomic_store(&s->fail_commit, n);
}

void
store_limit_pages(struct store *s, enum db db, int64_t pages)
{
	atomic_store(&s->limit[db], pages);
}
