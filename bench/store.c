/* store.c - what store_write() costs above plain SQLite, on this disk.
 *
 * The same ticket everywhere: six rows (ticket, a 2 KB comment, audit, event,
 * search delta, outbox), three indexes, a number from each of five sequences.
 * The floor is one loop that inserts the same rows by hand and commits every
 * 64: what the storage itself allows. `key` adds a data key per ticket, that
 * is a second database and a second sync per commit, in the floor as well.
 *
 *   store [-d FOLDER] [-t SECONDS] [-r ROWS] [-c THREADS] [-k]
 *
 * -r: tickets there already. -c: only so many threads (0: only the floor).
 * -k: only with data keys.
 */
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/store.h"

enum { BODY = 2048, SMALL = 120, THREADS_MAX = 256, SAMPLES = 1 << 20 };

#define MAIN_SQL \
	"CREATE TABLE ticket (account_id BIGINT NOT NULL, id BIGINT NOT NULL, requester_id BIGINT NOT NULL," \
	" group_id BIGINT, status BIGINT NOT NULL, updated_at BIGINT NOT NULL, doc BYTEA NOT NULL, PRIMARY KEY (account_id, id));" \
	"CREATE INDEX ticket_updated ON ticket (account_id, updated_at, id);" \
	"CREATE INDEX ticket_requester ON ticket (account_id, requester_id, id);" \
	"CREATE TABLE comment (account_id BIGINT NOT NULL, id BIGINT NOT NULL, ticket_id BIGINT NOT NULL," \
	" author_id BIGINT NOT NULL, created_at BIGINT NOT NULL, doc BYTEA NOT NULL, PRIMARY KEY (account_id, id));" \
	"CREATE INDEX comment_ticket ON comment (account_id, ticket_id, id);" \
	"CREATE TABLE audit (account_id BIGINT NOT NULL, id BIGINT NOT NULL, ticket_id BIGINT NOT NULL, doc BYTEA NOT NULL," \
	" PRIMARY KEY (account_id, id));" \
	"CREATE TABLE event (account_id BIGINT NOT NULL, id BIGINT NOT NULL, at BIGINT NOT NULL, doc BYTEA NOT NULL," \
	" PRIMARY KEY (account_id, id));" \
	"CREATE TABLE delta (account_id BIGINT NOT NULL, ticket_id BIGINT NOT NULL, doc BYTEA NOT NULL," \
	" PRIMARY KEY (account_id, ticket_id));" \
	"CREATE TABLE outbox (account_id BIGINT NOT NULL, id BIGINT NOT NULL, at BIGINT NOT NULL, doc BYTEA NOT NULL," \
	" PRIMARY KEY (account_id, id));"
#define KEYS_SQL \
	"CREATE TABLE data_key (account_id BIGINT NOT NULL, id BIGINT NOT NULL, wrapped BYTEA NOT NULL, PRIMARY KEY (account_id, id));"

static const struct migration schema[] = { { 1, DB_MAIN, "bench", S(MAIN_SQL) }, { 2, DB_KEYS, "keys", S(KEYS_SQL) } };

static const struct stmt rows[] = {
	{ .name = "ticket", .sql = "INSERT INTO ticket (account_id, id, requester_id, group_id, status, updated_at, doc)"
	  " VALUES ($1, $2, $3, $4, $5, $6, $7)", .in = "iiii?iib" },
	{ .name = "comment", .sql = "INSERT INTO comment (account_id, id, ticket_id, author_id, created_at, doc)"
	  " VALUES ($1, $2, $3, $4, $5, $6)", .in = "iiiiib" },
	{ .name = "audit", .sql = "INSERT INTO audit (account_id, id, ticket_id, doc) VALUES ($1, $2, $3, $4)", .in = "iiib" },
	{ .name = "event", .sql = "INSERT INTO event (account_id, id, at, doc) VALUES ($1, $2, $3, $4)", .in = "iiib" },
	{ .name = "delta", .sql = "INSERT INTO delta (account_id, ticket_id, doc) VALUES ($1, $2, $3)", .in = "iib" },
	{ .name = "outbox", .sql = "INSERT INTO outbox (account_id, id, at, doc) VALUES ($1, $2, $3, $4)", .in = "iiib" },
	{ .name = "key", .sql = "INSERT INTO data_key (account_id, id, wrapped) VALUES ($1, $2, $3)", .in = "iib", .db = DB_KEYS },
};

static char body[BODY];
static char dir[128];
static int seconds = 3;
static bool with_key;

static str
bytes(size_t n)
{
	return (str){ body, n };
}

static int
remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

static void
new_folder(const char *below)
{
	snprintf(dir, sizeof(dir), "%.100s/ward-bench-XXXXXX", below);
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(1);
	}
}

static usec
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * SECOND + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* Bytes this process has handed to write(2) and its kin, in KB. */
static double
written(void)
{
	char line[128];
	double n = 0;
	FILE *f = fopen("/proc/self/io", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "wchar: ", 7) == 0)
			n = strtod(line + 7, NULL) / 1024;
	if (f != NULL)
		fclose(f);
	return n;
}

/* ---- the floor ------------------------------------------------------------------------------------- */

static sqlite3 *
plain_open(const char *name, const char *sql)
{
	char path[160];
	sqlite3 *h;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192;"
	    " PRAGMA wal_autocheckpoint=4000", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(h));
		exit(1);
	}
	return h;
}

static void
plain(sqlite3_stmt *q, const struct arg *a, int n)
{
	for (int i = 0; i < n; i++)
		if (a[i].kind == ARG_INT)
			sqlite3_bind_int64(q, i + 1, a[i].i);
		else
			sqlite3_bind_blob(q, i + 1, a[i].s.p, (int)a[i].s.n, SQLITE_STATIC);
	if (sqlite3_step(q) != SQLITE_DONE)
		exit(1);
	sqlite3_reset(q);
}

static double
floor_of(int batch, int64_t there)
{
	sqlite3 *h = plain_open("floor.db", MAIN_SQL), *k = plain_open("floor-keys.db", KEYS_SQL);
	sqlite3_stmt *q[COUNT(rows)];
	int64_t id = 0, measured = 0;
	usec start = 0, cpu_from = 0;
	double io_from = 0;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (sqlite3_prepare_v2(rows[i].db == DB_KEYS ? k : h, rows[i].sql, -1, &q[i], NULL) != SQLITE_OK)
			exit(1);
	for (;;) {
		bool filling = id < there;
		if (!filling && start == 0)
			start = time_mono(), cpu_from = cpu(), io_from = written();
		if (!filling && time_mono() - start > seconds * SECOND)
			break;
		sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (with_key)
			sqlite3_exec(k, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		for (int i = 0; i < (filling ? 1000 : batch); i++) {
			int64_t now = time_now();
			id++;
			if (with_key)
				plain(q[6], ARGS(INT(1), INT(id), BYTES(bytes(60))));
			plain(q[0], ARGS(INT(1), INT(id), INT(id * 7919 % 100000), INT(id % 20), INT(1), INT(now), BYTES(bytes(SMALL))));
			plain(q[1], ARGS(INT(1), INT(id), INT(id), INT(id % 100000), INT(now), BYTES(bytes(BODY))));
			plain(q[2], ARGS(INT(1), INT(id), INT(id), BYTES(bytes(SMALL))));
			plain(q[3], ARGS(INT(1), INT(id), INT(now), BYTES(bytes(SMALL))));
			plain(q[4], ARGS(INT(1), INT(id), BYTES(bytes(SMALL))));
			plain(q[5], ARGS(INT(1), INT(id), INT(now), BYTES(bytes(SMALL))));
			measured += !filling;
		}
		if (with_key && sqlite3_exec(k, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
			exit(1);
		if (sqlite3_exec(h, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
			exit(1);
	}
	double rate = (double)measured * SECOND / (double)(time_mono() - start);
	printf("%-8s by hand, %2d a commit %9.0f /s   %4.1f us CPU  %4.1f KB\n", with_key ? "key" : "plain", batch, rate,
	    (double)(cpu() - cpu_from) / (double)measured, (written() - io_from) / (double)measured);
	fflush(stdout);
	for (size_t i = 0; i < COUNT(rows); i++)
		sqlite3_finalize(q[i]);
	sqlite3_close(h);
	sqlite3_close(k);
	return rate;
}

/* ---- the store ------------------------------------------------------------------------------------- */

static enum err
key_new(struct ctx *cx, int64_t key)
{
	return store_exec(cx, &rows[6], ARGS(INT(cx->account), INT(key), BYTES(bytes(60))), NULL);
}

static void
key_forget(struct ctx *cx UNUSED, int64_t key UNUSED)
{
}

static const struct stmt show = {
	.name = "show", .sql = "SELECT requester_id, group_id, status, updated_at, doc FROM ticket WHERE account_id = $1 AND id = $2",
	.in = "ii", .out = "ii?iib",
};
static const struct stmt list = {
	.name = "list", .sql = "SELECT id, requester_id, group_id, status, updated_at, doc FROM ticket"
	" WHERE account_id = $1 AND updated_at < $2 ORDER BY updated_at DESC, id DESC LIMIT 25",
	.in = "ii", .out = "iii?iib",
};

static struct codec codec = { .key_new = key_new, .key_forget = key_forget };
static struct sys sys = { .codec = &codec };
static volatile bool stop;
static int32_t samples[SAMPLES];
static atomic_int sample_count;

static enum err
ticket(struct ctx *cx, void *arg UNUSED)
{
	int64_t id = 0, comment = 0, audit = 0, event = 0, out = 0, key = 0;

	TRY(store_next_id(cx, "ticket", &id));
	TRY(store_next_id(cx, "comment", &comment));
	TRY(store_next_id(cx, "audit", &audit));
	TRY(store_next_id(cx, "event", &event));
	TRY(store_next_id(cx, "outbox", &out));
	if (with_key)
		TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &rows[0], ARGS(INT(1), INT(id), INT(id * 7919 % 100000), INT(id % 20), INT(1), INT(cx->now),
	    BYTES(bytes(SMALL))), NULL));
	TRY(store_exec(cx, &rows[1], ARGS(INT(1), INT(comment), INT(id), INT(id % 100000), INT(cx->now), BYTES(bytes(BODY))), NULL));
	TRY(store_exec(cx, &rows[2], ARGS(INT(1), INT(audit), INT(id), BYTES(bytes(SMALL))), NULL));
	TRY(store_exec(cx, &rows[3], ARGS(INT(1), INT(event), INT(cx->now), BYTES(bytes(SMALL))), NULL));
	TRY(store_exec(cx, &rows[4], ARGS(INT(1), INT(id), BYTES(bytes(SMALL))), NULL));
	return store_exec(cx, &rows[5], ARGS(INT(1), INT(out), INT(cx->now), BYTES(bytes(SMALL))), NULL);
}

static enum err
many_tickets(struct ctx *cx, void *arg)
{
	for (int i = 0; i < 1000; i++)
		TRY(ticket(cx, arg));
	return OK;
}

static void *
client(void *arg UNUSED)
{
	struct ctx cx;

	ctx_init(&cx, &sys, 1);
	while (!stop) {
		usec from = time_mono();
		int at;
		cx.now = time_now();
		if (store_write(&cx, ticket, NULL) != OK) {
			fprintf(stderr, "store: %s\n", cx.fail.why);
			exit(1);
		}
		at = atomic_fetch_add(&sample_count, 1);
		if (at < SAMPLES)
			samples[at] = (int32_t)(time_mono() - from);
		arena_reset(cx.arena);
	}
	ctx_done(&cx);
	return NULL;
}

static int64_t read_max;
static bool read_lists;

static void *
reader(void *arg UNUSED)
{
	uint64_t x = rand_u64() | 1;

	while (!stop) {
		struct ctx cx;
		struct row r;
		struct rows many;
		enum err e;
		ctx_init(&cx, &sys, 1);
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		e = read_lists ? store_all(&cx, &list, ARGS(INT(1), INT(INT64_MAX)), &many)
		    : store_one(&cx, &show, ARGS(INT(1), INT(1 + (int64_t)(x % (uint64_t)read_max))), &r);
		if (e != OK) {
			fprintf(stderr, "store: %s\n", cx.fail.why);
			exit(1);
		}
		atomic_fetch_add(&sample_count, 1);
		ctx_done(&cx);
	}
	return NULL;
}

static void
reads_of(int threads, int64_t tickets, bool lists)
{
	pthread_t t[THREADS_MAX];
	usec from = time_mono(), cpu_from = cpu();
	double rate;

	atomic_store(&sample_count, 0);
	stop = false;
	read_max = tickets;
	read_lists = lists;
	for (int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, reader, NULL);
	usleep((useconds_t)seconds * 1000000);
	stop = true;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	rate = (double)atomic_load(&sample_count) * SECOND / (double)(time_mono() - from);
	printf("%-8s %3d %9.0f /s   %4.1f us CPU\n", lists ? "list 25" : "show", threads, rate,
	    (double)(cpu() - cpu_from) / atomic_load(&sample_count));
	fflush(stdout);
}

static int
by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void
store_of(int threads, double floor, int64_t there)
{
	pthread_t t[THREADS_MAX];
	struct store_stats a, b;
	char main_path[160], keys_path[160];
	struct store_conf conf = { .main_path = main_path, .keys_path = keys_path, .migrations = schema,
	    .migration_count = COUNT(schema) };
	struct ctx cx;
	usec from, cpu_from;
	double rate, io_from;
	int n;

	snprintf(main_path, sizeof(main_path), "%s/ward.db", dir);
	snprintf(keys_path, sizeof(keys_path), "%s/keys.db", dir);
	ctx_init(&cx, &sys, 1);
	if (store_open(&cx, &conf, &sys.store) != OK) {
		fprintf(stderr, "store: %s\n", cx.fail.why);
		exit(1);
	}
	for (int64_t i = 0; i < there; i += 1000)
		if (store_write(&cx, many_tickets, NULL) != OK)
			exit(1);
	ctx_done(&cx);
	store_stats(sys.store, &a);
	atomic_store(&sample_count, 0);
	stop = false;
	from = time_mono();
	cpu_from = cpu();
	io_from = written();
	for (int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, client, NULL);
	usleep((useconds_t)seconds * 1000000);
	stop = true;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	rate = (double)atomic_load(&sample_count) * SECOND / (double)(time_mono() - from);
	store_stats(sys.store, &b);
	n = atomic_load(&sample_count) < SAMPLES ? atomic_load(&sample_count) : SAMPLES;
	qsort(samples, (size_t)n, sizeof(samples[0]), by_value);
	printf("%-8s %3d %9.0f /s %5.2f of the floor   p50 %6.2f ms  p99 %6.2f  max %6.2f   %5.1f a commit   %4.1f us CPU  %4.1f KB\n",
	    with_key ? "key" : "plain", threads, rate, floor > 0 ? rate / floor : 0.0, samples[n / 2] / 1e3, samples[n - 1 - n / 100] / 1e3,
	    samples[n - 1] / 1e3, (double)(b.transactions - a.transactions) / (double)(b.commits - a.commits),
	    (double)(cpu() - cpu_from) / atomic_load(&sample_count), (written() - io_from) / atomic_load(&sample_count));
	fflush(stdout);
	if (threads == 64 && !with_key) {
		int64_t tickets = there + atomic_load(&sample_count);
		reads_of(2, tickets, false);
		reads_of(64, tickets, false);
		reads_of(64, tickets, true);
	}
	store_close(&sys.store);
}

int
main(int argc, char **argv)
{
	static const int threads[] = { 1, 8, 64, 256 };
	const char *below = "/tmp";
	int64_t there = 0, only = -1;
	bool only_keys = false;
	int o;

	while ((o = getopt(argc, argv, "d:t:r:c:k")) != -1) {
		int64_t v = 0;
		if (o == 'd')
			below = optarg;
		else if (o == 't' && str_int(str_of(optarg), &v) && v > 0 && v < 3600)
			seconds = (int)v;
		else if (o == 'r' && str_int(str_of(optarg), &v) && v >= 0)
			there = v;
		else if (o == 'c' && str_int(str_of(optarg), &v) && v >= 0 && v <= THREADS_MAX)
			only = v;
		else if (o == 'k')
			only_keys = true;
		else {
			fprintf(stderr, "usage: store [-d FOLDER] [-t SECONDS] [-r ROWS] [-c THREADS] [-k]\n");
			return 2;
		}
	}
	rand_bytes(body, sizeof(body));
	for (int k = only_keys; k < 2; k++) {
		double floor = 0;        /* not measured */
		with_key = k;
		for (int batch = 1; batch <= 64 && only <= 0; batch *= 64) {
			new_folder(below);
			floor = floor_of(batch, there);
			nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		}
		for (size_t i = 0; i < (only < 0 ? COUNT(threads) : only > 0 ? 1 : 0); i++) {
			new_folder(below);
			store_of(only > 0 ? (int)only : threads[i], floor, there);
			nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		}
		if (only > 0)
			break;
	}
	return 0;
}
