/* db.h - a store for tests: a folder of its own, the repository's schema, a toy codec.
 *
 *	struct testdb d;
 *	struct ctx cx;
 *	db_open(&d, "trail gate");     // data/schema/NNNN-trail*.sql, NNNN-gate*.sql; NULL: all
 *	ctx_init(&cx, &d.sys, 1);
 *	...
 *	ctx_done(&cx);
 *	db_close(&d);                  // the folder goes at exit, too, if this is forgotten
 *
 * A file whose name ends in .keys.sql is for DB_KEYS. Set d.sys.codec to
 * another codec before the first write if the test has one. The toy codec is
 * no cryptography, but behaves: keys live in the table toy_key of DB_KEYS, a
 * value opens only with its account, table, column and row, the plain text
 * does not stand in the sealed one, and a destroyed key makes E_ABSENT.
 */
#ifndef WARD_TESTS_DB_H
#define WARD_TESTS_DB_H

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

struct testdb {
	char       dir[64];
	struct sys sys;                      /* store, codec, data are set */
};

/* ---- the toy codec --------------------------------------------------------------------------------- */

static const struct stmt toy_key_insert = {
	.name = "toy_key.insert", .db = DB_KEYS,
	.sql  = "INSERT INTO toy_key (account_id, key_id, wrapped) VALUES ($1, $2, $3)",
	.in = "iib",
};
static const struct stmt toy_key_get = {
	.name = "toy_key.get", .db = DB_KEYS,
	.sql  = "SELECT wrapped FROM toy_key WHERE account_id = $1 AND key_id = $2",
	.in = "ii", .out = "b",
};
static const struct stmt toy_key_delete = {
	.name = "toy_key.delete", .db = DB_KEYS,
	.sql  = "DELETE FROM toy_key WHERE account_id = $1 AND key_id = $2",
	.in = "ii",
};

static inline uint64_t
toy_mix(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

static inline uint64_t
toy_tag(struct ctx *cx, str key, const char *table, const char *column, int64_t row, str plain)
{
	uint64_t h = toy_mix(0xcbf29ce484222325u, key.p, key.n);

	h = toy_mix(h, &cx->account, sizeof(cx->account));
	h = toy_mix(h, table, strlen(table) + 1);
	h = toy_mix(h, column, strlen(column) + 1);
	h = toy_mix(h, &row, sizeof(row));
	return toy_mix(h, plain.p, plain.n);
}

static inline void
toy_stream(uint64_t seed, const char *in, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i % 8 == 0)
			seed = seed * 6364136223846793005u + 1442695040888963407u;
		out[i] = (char)((unsigned char)in[i] ^ (unsigned char)(seed >> (i % 8 * 8)));
	}
}

/* key id, nonce, tag, each 8 bytes; then the text */
static enum err UNUSED
toy_seal(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed)
{
	uint64_t head[3] = { (uint64_t)key, rand_u64(), 0 };
	char *p;
	struct row r;

	TRY(store_one(cx, &toy_key_get, ARGS(INT(cx->account), INT(key)), &r));
	head[2] = toy_tag(cx, row_str(&r, 0), table, column, row, plain);
	p = NEW(cx->arena, char, sizeof(head) + plain.n);
	memcpy(p, head, sizeof(head));
	toy_stream(toy_mix(head[1], row_str(&r, 0).p, row_str(&r, 0).n), plain.p, plain.n, p + sizeof(head));
	*sealed = (str){ p, sizeof(head) + plain.n };
	return OK;
}

static enum err UNUSED
toy_open(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	uint64_t head[3];
	char *p;
	struct row r;

	if (sealed.n < sizeof(head))
		return fail(cx, E_FAULT, column, "a sealed value is too short");
	memcpy(head, sealed.p, sizeof(head));
	TRY(store_one(cx, &toy_key_get, ARGS(INT(cx->account), INT((int64_t)head[0])), &r));
	p = NEW(cx->arena, char, sealed.n);
	toy_stream(toy_mix(head[1], row_str(&r, 0).p, row_str(&r, 0).n), sealed.p + sizeof(head),
	    sealed.n - sizeof(head), p);
	*plain = (str){ p, sealed.n - sizeof(head) };
	if (toy_tag(cx, row_str(&r, 0), table, column, row, *plain) != head[2])
		return fail(cx, E_FAULT, column, "a sealed value does not belong here");
	return OK;
}

static enum err UNUSED
toy_blind(struct ctx *cx, const char *column, str text, unsigned char out[16])
{
	uint64_t h[2];

	h[0] = toy_tag(cx, S("blind"), column, "", 0, text);
	h[1] = toy_tag(cx, S("index"), column, "", 0, text);
	memcpy(out, h, 16);
	return OK;
}

static enum err UNUSED
toy_new(struct ctx *cx, int64_t key)
{
	char wrapped[32];

	rand_bytes(wrapped, sizeof(wrapped));
	return store_exec(cx, &toy_key_insert, ARGS(INT(cx->account), INT(key), BYTES(((str){ wrapped, 32 }))), NULL);
}

static enum err UNUSED
toy_destroy(struct ctx *cx, int64_t key)
{
	int64_t n = 0;

	TRY(store_exec(cx, &toy_key_delete, ARGS(INT(cx->account), INT(key)), &n));
	return n == 1 ? OK : fail(cx, E_ABSENT, "key", "is not there");
}

static void UNUSED
toy_forget(struct ctx *cx UNUSED, int64_t key UNUSED)
{
}

static struct codec toy_codec UNUSED = {
	.seal = toy_seal, .open = toy_open, .blind = toy_blind,
	.key_new = toy_new, .key_destroy = toy_destroy, .key_forget = toy_forget,
};

/* ---- the folder ------------------------------------------------------------------------------------ */

static char db_dirs[64][64];                 /* to be removed at exit */
static int db_dir_count;
static pid_t db_owner;

static int
db_unlink(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

static inline void
db_remove(const char *dir)
{
	nftw(dir, db_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static void
db_remove_all(void)
{
	for (int i = 0; i < db_dir_count && db_owner == getpid(); i++)
		db_remove(db_dirs[i]);
}

/* Makes a folder that is removed at exit. */
static inline void
db_mkdir(char dir[64])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, 64, "%.40s/ward-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL || db_dir_count == (int)COUNT(db_dirs)) {
		fprintf(stderr, "tests/db.h: no temporary folder\n");
		exit(1);
	}
	if (db_dir_count == 0)
		atexit(db_remove_all);
	db_owner = getpid();
	memcpy(db_dirs[db_dir_count++], dir, 64);
}

/* ---- the schema ------------------------------------------------------------------------------------ */

enum { DB_MIGRATIONS_MAX = 64 };
/* The keyring of the toy codec; before all others. */
#define TOY_MIGRATION { 1, DB_KEYS, "toy", S("CREATE TABLE toy_key (account_id BIGINT NOT NULL," \
	" key_id BIGINT NOT NULL, wrapped BYTEA NOT NULL, PRIMARY KEY (account_id, key_id))") }

static int
db_is_sql(const struct dirent *e)
{
	return str_ends(str_of(e->d_name), S(".sql")) && e->d_name[0] >= '0' && e->d_name[0] <= '9';
}

/* Does "0020-gate.sql" or "0021-gate-2.sql" belong to one of the names in `only`? */
static inline bool
db_wants(const char *only, str file)
{
	str rest = only != NULL ? str_of(only) : S(""), name;

	str_cut(&file, '-');
	while ((name = str_cut(&rest, ' ')).n > 0)
		if (str_starts(file, name) && file.n > name.n && (file.p[name.n] == '.' || file.p[name.n] == '-'))
			return true;
	return only == NULL;
}

static inline int
db_migrations(struct ctx *cx, const char *only, struct migration m[DB_MIGRATIONS_MAX])
{
	static const char *const places[] = { "data/schema", "../data/schema", "../../data/schema" };
	struct dirent **found = NULL;
	int n = -1, count = 0;
	const char *place = NULL;

	m[count++] = (struct migration)TOY_MIGRATION;
	for (size_t i = 0; i < COUNT(places) && n < 0; i++)
		n = scandir(place = places[i], &found, db_is_sql, alphasort);
	for (int i = 0; i < n; i++) {
		str name = str_dup(cx->arena, str_of(found[i]->d_name)), number = name, text;
		int64_t k = 0;
		const char *path = str_printf(cx->arena, "%s/%s", place, name.p).p;
		if (db_wants(only, name) && count < DB_MIGRATIONS_MAX && str_int(str_cut(&number, '-'), &k) &&
		    file_read(cx, path, MiB, &text) == OK)
			m[count++] = (struct migration){ (int)k, str_ends(name, S(".keys.sql")) ? DB_KEYS : DB_MAIN,
			    name.p, text };
		free(found[i]);
	}
	free(found);
	return count;
}

/* ---- open and close -------------------------------------------------------------------------------- */

/* Opens the store in d->dir with these migrations. */
static inline enum err
db_try(struct testdb *d, struct ctx *cx, const struct migration *m, int count)
{
	struct store_conf conf = { .migrations = m, .migration_count = count };

	d->sys = (struct sys){ .codec = d->sys.codec != NULL ? d->sys.codec : &toy_codec, .data = d->dir };
	conf.main_path = str_printf(cx->arena, "%s/ward.db", d->dir).p;
	conf.keys_path = str_printf(cx->arena, "%s/keys.db", d->dir).p;
	conf.lock_path = str_printf(cx->arena, "%s/lock", d->dir).p;
	return store_open(cx, &conf, &d->sys.store);
}

static inline void
db_or_exit(struct testdb *d, struct ctx *cx, const struct migration *m, int count)
{
	if (db_try(d, cx, m, count) == OK)
		return;
	fprintf(stderr, "tests/db.h: store_open: %s %s: %s\n", err_name(cx->fail.code),
	    cx->fail.field != NULL ? cx->fail.field : "-", cx->fail.why != NULL ? cx->fail.why : "-");
	exit(1);
}

static inline void
db_start(struct testdb *d, const char *only)
{
	struct migration m[DB_MIGRATIONS_MAX];
	struct ctx cx;

	ctx_init(&cx, &d->sys, 1);
	db_or_exit(d, &cx, m, db_migrations(&cx, only, m));
	ctx_done(&cx);
}

/* Ends the program, saying why, when it cannot. */
static inline void
db_open(struct testdb *d, const char *only)
{
	d->sys = (struct sys){0};
	db_mkdir(d->dir);
	db_start(d, only);
}

/* Closes and opens again what is in the folder, as a restart would. */
static inline void UNUSED
db_reopen(struct testdb *d, const char *only)
{
	store_close(&d->sys.store);
	db_start(d, only);
}

static inline void UNUSED
db_close(struct testdb *d)
{
	store_close(&d->sys.store);
	db_remove(d->dir);
}

#endif
