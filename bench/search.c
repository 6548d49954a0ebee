/* search.c - what the search index costs: words per text, bytes and time per
 * document, time per query at 10,000, 100,000 and N documents, how long the
 * builder holds the writer, memory.
 *
 *	search [N]           N documents of about 60 terms; 1,000,000
 *
 * Documents go through search_add() in transactions of 64, as group commit has
 * them, and are sealed with AES-256-GCM. Words follow Zipf's law over 200,000;
 * two in each document are its own (a record number, a name). Queries take
 * their words from a document, so they have matches, and count them up to
 * 10,000, straight from the index.
 *
 * In the end 200,000 ticket rows are put in, and whole queries run as an agent
 * whose permission is asked for each match.
 */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "desk/index.h"
#include "vault/vault.h"

enum { VOCABULARY = 200000, TERMS = 60, PER_TX = 64, QUERIES = 300 };

static struct sys sys;
static char dir[64];

static void
die(const struct ctx *cx, const char *what)
{
	fprintf(stderr, "search: %s: %s\n", what, cx != NULL && cx->fail.why != NULL ? cx->fail.why : "failed");
	exit(1);
}
#define MUST(cx, call) do { if ((call) != OK) die(cx, #call); } while (0)

/* ---- keys: derived from their numbers, nothing kept ------------------------------------------------------ */

static void
key_of(int64_t id, unsigned char key[32])
{
	sha256((str){ (const char *)&id, sizeof id }, key);
}

static enum err
seal(struct ctx *cx, int64_t key, const char *table UNUSED, const char *column UNUSED, int64_t row, str plain, str *sealed)
{
	unsigned char k[32];
	char *p = NEW(cx->arena, char, plain.n + 8 + 12 + 16);

	key_of(key, k);
	memcpy(p, &key, 8);
	rand_bytes(p + 8, 12);
	MUST(cx, gcm_seal(k, (unsigned char *)p + 8, (str){ (const char *)&row, 8 }, plain, (unsigned char *)p + 20));
	*sealed = (str){ p, plain.n + 36 };
	return OK;
}

static enum err
open_value(struct ctx *cx, const char *table UNUSED, const char *column UNUSED, int64_t row, str sealed, str *plain)
{
	unsigned char k[32];
	char *p = NEW(cx->arena, char, sealed.n);
	int64_t key;

	memcpy(&key, sealed.p, 8);
	key_of(key, k);
	if (gcm_open(k, (const unsigned char *)sealed.p + 8, (str){ (const char *)&row, 8 },
	    (str){ sealed.p + 20, sealed.n - 20 }, (unsigned char *)p) != OK)
		return fail(cx, E_FAULT, NULL, "a value does not open");
	*plain = (str){ p, sealed.n - 36 };
	return OK;
}

static enum err
no_blind(struct ctx *cx UNUSED, const char *column UNUSED, str text UNUSED, unsigned char out[16])
{
	memset(out, 0, 16);
	return OK;
}

static enum err
key_nothing(struct ctx *cx UNUSED, int64_t key UNUSED)
{
	return OK;
}

static void
key_forget(struct ctx *cx UNUSED, int64_t key UNUSED)
{
}

static struct codec codec = { seal, open_value, no_blind, key_nothing, key_nothing, key_forget };

/* As vault_term(): HMAC-SHA-256, its context kept per thread. */
static uint64_t
term_key(struct sys *s UNUSED, str term)
{
	static _Thread_local EVP_MAC_CTX *mac;
	unsigned char out[32];
	size_t n;
	uint64_t v;

	if (mac == NULL) {
		OSSL_PARAM p[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
		    OSSL_PARAM_construct_end() };
		mac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
		EVP_MAC_init(mac, (const unsigned char *)"0123456789abcdef0123456789abcdef", 32, p);
	}
	EVP_MAC_init(mac, NULL, 0, NULL);
	EVP_MAC_update(mac, (const unsigned char *)term.p, term.n);
	EVP_MAC_final(mac, out, &n, sizeof out);
	memcpy(&v, out, 8);
	return v;
}

/* ---- words -------------------------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;
static double cdf[VOCABULARY];

static uint64_t
next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void
vocabulary(void)
{
	double sum = 0;

	for (int i = 0; i < VOCABULARY; i++)
		cdf[i] = sum += 1.0 / (i + 2.7);
	for (int i = 0; i < VOCABULARY; i++)
		cdf[i] /= sum;
}

static int
zipf(void)
{
	double x = (double)(next() >> 11) / 9007199254740992.0;
	int lo = 0, hi = VOCABULARY - 1;

	while (lo < hi) {
		int mid = (lo + hi) / 2;
		if (cdf[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A pronounceable word; frequent ones are short. */
static size_t
spell(int w, char out[16])
{
	static const char *const on[] = { "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr" };
	static const char *const in[] = { "a", "e", "i", "o", "u", "ai", "ea", "ou" };
	char *p = out;

	do {
		p = stpcpy(p, on[w % 16]);
		w /= 16;
		p = stpcpy(p, in[w % 8]);
		w /= 8;
	} while (w > 0 && p - out < 12);
	return (size_t)(p - out);
}

/* ---- measuring ------------------------------------------------------------------------------------------------- */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
ask(struct ctx *cx)
{
	ctx_init(cx, &sys, 1);
	gate_as_system(cx, "bench");
}

static int64_t
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* Texts of about 2 KB to terms, on this thread. */
static void
texts(void)
{
	enum { TEXTS = 2000 };
	size_t bytes = 0, terms = 0;
	int64_t at;
	double spent = 0;

	for (int i = 0; i < TEXTS; i++) {
		char text[2200];
		size_t n = 0;
		struct terms t = { 0 };
		struct ctx cx;
		while (n < 2048) {
			n += spell(zipf() % 300, text + n);         /* as many different ones as in English */
			text[n++] = ' ';
		}
		ask(&cx);
		at = cpu();
		search_terms(&cx, 't', (str){ text, n }, &t);
		spent += (double)(cpu() - at) / 1000;
		bytes += n;
		terms += (size_t)t.count;
		ctx_done(&cx);
	}
	printf("text of %zu bytes: %.1f us, %zu terms\n", bytes / TEXTS, spent / TEXTS, terms / TEXTS);
}

struct docs_in { int64_t from; int n; };

static void
document(struct ctx *cx, int64_t id, uint64_t *term)
{
	uint64_t keep = state;
	char text[32];

	state = (uint64_t)id * 0x9e3779b97f4a7c15u | 1;
	for (int i = 0; i < 4; i++)
		next();
	for (int k = 0; k < TERMS - 2; k++) {
		uint64_t w = (uint64_t)zipf();
		/* a keyed hash stands for its word; its making was measured above */
		term[k] = (w + 1) * 0x9e3779b97f4a7c15u ^ (w + 7) * 0xc2b2ae3d27d4eb4fu << 17;
	}
	for (int k = 0; k < 2; k++) {
		int n = snprintf(text, sizeof text, "%c%lld", "rn"[k], (long long)id);
		term[TERMS - 2 + k] = term_of(cx, KIND_TICKET, IN_TEXT, (str){ text, (size_t)n });
	}
	if (id % 4 == 0)
		term[0] = term_of(cx, KIND_TICKET, IN_TEXT, S("common"));
	state = keep;
}

static enum err
docs_in(struct ctx *cx, void *arg)
{
	const struct docs_in *d = arg;

	for (int i = 0; i < d->n; i++) {
		uint64_t term[TERMS];
		document(cx, d->from + i, term);
		TRY(search_add(cx, 't', d->from + i, &(struct terms){ term, TERMS, TERMS }));
	}
	return OK;
}

static const struct stmt size_buckets = {
	.name = "bench.size", .sql = "SELECT count(*), coalesce(sum(length(body)), 0) FROM search_bucket", .out = "ii",
};

/* Words of documents, several at once, through cursors as query.c uses them. */
static void
queries(int64_t docs)
{
	double spent[QUERIES];

	for (int words = 1; words <= 3; words++) {
		int64_t found = 0;
		for (int q = 0; q < QUERIES; q++) {
			struct ctx cx;
			uint64_t term[TERMS], some[3];
			struct cursor c[3];
			struct view v;
			int64_t d = INT64_MAX - 1;
			int n = 0;
			usec at;
			ask(&cx);
			document(&cx, 1 + (int64_t)(next() % (uint64_t)docs), term);
			for (int k = 0; k < words; k++)
				some[k] = (term[next() % (TERMS - 2)] & ~(uint64_t)3) | KIND_TICKET;
			at = time_mono();
			MUST(&cx, view_open(&cx, some, words, &v));
			for (int k = 0; k < words; k++) {
				MUST(&cx, cursor_open(&v, some[k], &c[k]));
				for (int m = k; m > 0 && c[m].count < c[m - 1].count; m--) {
					struct cursor x = c[m];
					c[m] = c[m - 1];
					c[m - 1] = x;
				}
			}
			while (n < 10000) {
				int k = 0;
				while (k < words) {
					MUST(&cx, cursor_seek(&c[k], d));
					if (c[k].doc == NO_DOC)
						break;
					if (c[k].doc == d || k == 0)
						d = c[k++].doc;
					else {
						d = c[k].doc;
						k = 0;
					}
				}
				if (k < words)
					break;
				n += view_dead_before(&v, KIND_TICKET, d) <= c[0].stamp;
				d--;
			}
			spent[q] = (double)(time_mono() - at) / 1000;
			found += n;
			view_close(&v);
			ctx_done(&cx);
		}
		qsort(spent, QUERIES, sizeof *spent, by_value);
		printf("  %d word%s: p50 %.2f ms, p95 %.2f ms, max %.2f ms, %lld found on average\n", words, words > 1 ? "s" : "",
		    spent[QUERIES / 2], spent[QUERIES * 95 / 100], spent[QUERIES - 1], (long long)(found / QUERIES));
	}
}

/* Somebody else's small transaction, over and over: how long it waits for the writer. */
static atomic_bool done;
static double waits[200000];
static int wait_count;

static enum err
empty_in(struct ctx *cx UNUSED, void *arg UNUSED)
{
	return OK;
}

static void *
probing(void *arg UNUSED)
{
	while (!atomic_load(&done) && wait_count < (int)COUNT(waits)) {
		struct ctx cx;
		usec at = time_mono();
		ask(&cx);
		MUST(&cx, store_write(&cx, empty_in, NULL));
		waits[wait_count++] = (double)(time_mono() - at) / 1000;
		ctx_done(&cx);
		usleep(500);
	}
	return NULL;
}

/* All that is due, in steps. */
static double
build(void)
{
	usec at = time_mono();
	bool more = true;

	while (more) {
		struct ctx cx;
		ask(&cx);
		MUST(&cx, search_step(&cx, &more));
		ctx_done(&cx);
	}
	return (double)(time_mono() - at) / (double)SECOND;
}

static long
resident(void)
{
	char line[256];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb / 1024;
}

static void
report(int64_t docs, double writing, double building)
{
	struct index_stats s;
	struct ctx cx;
	struct row r;

	ask(&cx);
	MUST(&cx, store_one(&cx, &size_buckets, NO_ARGS, &r));
	search_stats(sys.search, &s);
	printf("%lld documents: %.0f written/s, building took %.1f s (%.0f documents/s), %lld bytes each in %d segments,"
	    " %lld buckets; %ld MB resident\n", (long long)docs, (double)docs / writing, building, (double)docs / building,
	    (long long)(row_int(&r, 1) / (s.docs > 0 ? s.docs : 1)), s.segments, (long long)s.buckets, resident());
	ctx_done(&cx);
	queries(docs);
}

/* ---- whole queries --------------------------------------------------------------------------------------------- */

static const struct gate_crypto crypto;
static const struct stmt insert_ticket = {
	.name = "bench.ticket",
	.sql  = "INSERT INTO ticket (account_id, id, key_id, requester_id, submitter_id, assignee_id, group_id, status, priority,"
	        " type, is_public, comment_count, channel, created_at, updated_at, generated_at, doc)"
	        " VALUES (1, $1, 1, $2, $2, $3, 1, $4, $5, 0, 1, 1, 'web', $6, $6, $6, $7)",
	.in   = "iiiiiib",
};

static enum err
tickets_in(struct ctx *cx, void *arg)
{
	const struct docs_in *d = arg;
	static char doc[2300];

	for (int i = 0; i < d->n; i++) {
		int64_t id = d->from + i;
		TRY(store_exec(cx, &insert_ticket, ARGS(INT(id), INT(1000 + id % 5000), INT(10 + id % 50), INT(id % 20 ? 5 : 1),
		    INT(id % 5), INT(id * SECOND), BYTES(((str){ doc, sizeof doc }))), NULL));
	}
	return OK;
}

static void
tickets(int64_t count)
{
	static const char *const asked[] = { "", "status<solved ", "assignee:12 ", "priority:urgent " };
	const struct actor agent = { .user_id = 10, .role = ROLE_AGENT, .how = "bench" };
	static double spent[QUERIES];

	for (int64_t id = 1; id <= count; id += 500) {
		struct ctx cx;
		ask(&cx);
		MUST(&cx, store_write(&cx, tickets_in, &(struct docs_in){ id, 500 }));
		ctx_done(&cx);
	}
	printf("as an agent, with %lld ticket rows:\n", (long long)count);
	for (size_t k = 0; k < 2 * COUNT(asked); k++) {
		int64_t total = 0, sum = 0;
		enum { N = 60 };
		for (int q = 0; q < N; q++) {
			struct search_page p = { .limit = 100 };
			struct found *f;
			struct ctx cx;
			usec at;
			int n;
			ask(&cx);
			cx.actor = &agent;
			p.query = str_printf(cx.arena, "type:ticket %s%s", asked[k / 2], k % 2 ? "common" : "");
			at = time_mono();
			MUST(&cx, search_run(&cx, &p, &f, &n, &total));
			spent[q] = (double)(time_mono() - at) / 1000;
			sum += total;
			ctx_done(&cx);
		}
		qsort(spent, N, sizeof *spent, by_value);
		printf("  %-28s p50 %.1f ms, p95 %.1f ms, %lld found\n", (const char *[]){ "everything", "a common word",
		    "status<solved", "status<solved and a word", "an assignee", "an assignee and a word", "a priority",
		    "a priority and a word" }[k], spent[N / 2], spent[N * 95 / 100], (long long)(sum / N));
	}
}

int
main(int argc, char **argv)
{
	int64_t total = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
	static const char *const schema[] = { "data/schema/0020-gate.sql", "data/schema/0030-desk.sql",
	    "data/schema/0031-search.sql" };
	struct migration m[COUNT(schema)];
	char main_path[96], keys_path[96];
	struct store_conf conf = { .main_path = main_path, .keys_path = keys_path, .migrations = m,
	    .migration_count = COUNT(m) };
	double writing = 0, building = 0;
	struct ctx cx;
	pthread_t probe;

	snprintf(dir, sizeof dir, "%.40s/ward-bench-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(dir) == NULL)
		die(NULL, "no folder");
	snprintf(main_path, sizeof main_path, "%s/ward.db", dir);
	snprintf(keys_path, sizeof keys_path, "%s/keys.db", dir);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sys.codec = &codec;
	search_term_key = term_key;
	vocabulary();
	ctx_init(&cx, &sys, 1);
	for (size_t i = 0; i < COUNT(schema); i++) {
		m[i] = (struct migration){ (int)i + 1, DB_MAIN, schema[i], { 0 } };
		MUST(&cx, file_read(&cx, schema[i], MiB, &m[i].sql));
	}
	MUST(&cx, store_open(&cx, &conf, &sys.store));
	MUST(&cx, gate_open(&cx, &crypto, &sys.gate));
	MUST(&cx, search_open(&cx, &sys.search));
	ctx_done(&cx);
	texts();
	pthread_create(&probe, NULL, probing, NULL);
	for (int64_t id = 1; id <= total; id += PER_TX) {
		usec at = time_mono();
		ask(&cx);
		MUST(&cx, store_write(&cx, docs_in, &(struct docs_in){ id, PER_TX }));
		ctx_done(&cx);
		writing += (double)(time_mono() - at) / (double)SECOND;
		if (id / PER_TX % 128 == 127)
			building += build();
		if ((id - 1) / PER_TX == 10000 / PER_TX || (id - 1) / PER_TX == 100000 / PER_TX || id + PER_TX > total) {
			building += build();
			report(id + PER_TX - 1, writing, building);
		}
	}
	atomic_store(&done, true);
	pthread_join(probe, NULL);
	qsort(waits, (size_t)wait_count, sizeof *waits, by_value);
	printf("another's empty transaction: p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", waits[wait_count / 2],
	    waits[wait_count * 99 / 100], waits[wait_count - 1]);
	tickets(total < 200000 ? total : 200000);
	search_close(&sys.search);
	gate_close(&sys.gate);
	store_close(&sys.store);
	unlink(main_path);
	unlink(keys_path);
	rmdir(dir);
	return 0;
}
