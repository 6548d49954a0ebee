/* trail.c - what a look, a change, verifying and exporting cost.
 *
 * AES-256-GCM, SHA-256 and Ed25519 as the server uses them, keys in memory.
 *
 *   trail [-d FOLDER] [-t SECONDS] [-n EVENTS]
 *
 * CPU time is of both sides together. First looks by 1, 8 and 64 threads, each durable before it returns; then a
 * trail of EVENTS (200,000) is filled in large transactions, which tells the
 * writer thread's own cost of an event, and is listed, verified and exported.
 */
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "trail/trail.h"
#include "vault/vault.h"

enum { PER_TX = 1000, SAMPLES = 1 << 20 };

static struct sys sys;
static EVP_PKEY *sign_key;
static const struct actor who = { .user_id = 7, .role = ROLE_AGENT, .token_id = 3, .how = "token" };

static void
die(struct ctx *cx, const char *what)
{
	fprintf(stderr, "bench trail: %s: %s %s\n", what, cx != NULL && cx->fail.field != NULL ? cx->fail.field : "",
	    cx != NULL && cx->fail.why != NULL ? cx->fail.why : "");
	exit(1);
}

/* ---- crypto ---------------------------------------------------------------------------------------- */

static str
aad_of(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row)
{
	struct buf b;

	buf_init(&b, cx->arena, 512);
	pack_int(&b, 1, key);
	pack_int(&b, 2, cx->account);
	pack_put(&b, 3, str_of(table));
	pack_put(&b, 4, str_of(column));
	pack_int(&b, 5, row);
	return buf_str(&b);
}

static enum err
seal(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed)
{
	unsigned char *p = NEW(cx->arena, unsigned char, plain.n + 8 + 12 + 16), k[32] = { 1 };

	memcpy(k + 8, &key, 8);
	memcpy(p, &key, 8);
	rand_bytes(p + 8, 12);
	*sealed = (str){ (char *)p, plain.n + 36 };
	return gcm_seal(k, p + 8, aad_of(cx, key, table, column, row), plain, p + 20);
}

static enum err
open_(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	unsigned char *p = NEW(cx->arena, unsigned char, sealed.n), k[32] = { 1 };
	int64_t key;

	memcpy(&key, sealed.p, 8);
	memcpy(k + 8, &key, 8);
	*plain = (str){ (char *)p, sealed.n - 36 };
	return gcm_open(k, (const unsigned char *)sealed.p + 8, aad_of(cx, key, table, column, row),
	    str_sub(sealed, 20, sealed.n), p);
}

static enum err
key_new(struct ctx *cx, int64_t key)
{
	(void)cx, (void)key;
	return OK;
}

static void
key_forget(struct ctx *cx, int64_t key)
{
	(void)cx, (void)key;
}

static struct codec codec = { .seal = seal, .open = open_, .key_new = key_new, .key_destroy = key_new, .key_forget = key_forget };

static void
mac(struct sys *s, str bytes, unsigned char out[32])
{
	(void)s;
	hmac_sha256(S("a key for measuring"), bytes, out);
}

static void
sign(struct sys *s, str bytes, unsigned char sig[64])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = 64;

	(void)s;
	if (!EVP_DigestSignInit(c, NULL, NULL, NULL, sign_key) ||
	    !EVP_DigestSign(c, sig, &n, (const unsigned char *)bytes.p, bytes.n))
		die(NULL, "signing");
	EVP_MD_CTX_free(c);
}

static void
public_key(struct sys *s, unsigned char pub[32])
{
	size_t n = 32;

	(void)s;
	EVP_PKEY_get_raw_public_key(sign_key, pub, &n);
}

static const struct trail_crypto crypto = { sha256, mac, sign, public_key, ed25519_verify };

/* ---- looks ----------------------------------------------------------------------------------------- */

struct run { double seconds; int ids; atomic_llong done; atomic_bool stop; uint32_t *took; atomic_int samples; };

static uint64_t
dice(uint64_t *s, uint64_t n)
{
	*s = *s * 6364136223846793005u + 1442695040888963407u;
	return (*s >> 33) % n;
}

static void
begin(struct ctx *cx)
{
	ctx_init(cx, &sys, 1);
	cx->actor = &who;
	cx->now = time_now();
	cx->address = S("2001:db8::1:2:3");
	cx->client = S("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131 Safari/537.36");
	cx->request_id = S("0193f2a1b2c3d4e5");
	cx->via = "api";
}

static void *
look(void *arg)
{
	struct run *r = arg;
	uint64_t seed = rand_u64();
	struct ctx cx;

	begin(&cx);
	while (!atomic_load_explicit(&r->stop, memory_order_relaxed)) {
		int64_t ids[100];
		usec from = time_mono();
		cx.now = time_now();
		for (int i = 0; i < r->ids; i++)
			ids[i] = 1 + (int64_t)dice(&seed, 1000000);
		if (trail_look(&cx, "ticket", ids, r->ids, "subject,comments") != OK)
			die(&cx, "trail_look");
		atomic_fetch_add_explicit(&r->done, 1, memory_order_relaxed);
		int at = atomic_fetch_add(&r->samples, 1);
		if (at < SAMPLES)
			r->took[at] = (uint32_t)(time_mono() - from);
		arena_reset(cx.arena);
	}
	ctx_done(&cx);
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* MB */
static long
resident(void)
{
	long pages = 0, size = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2)
		die(NULL, "/proc");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE) / 1048576;
}

static void
looks(int threads, int ids, double seconds)
{
	struct run r = { .seconds = seconds, .ids = ids, .took = calloc(SAMPLES, sizeof(uint32_t)) };
	pthread_t t[64];
	struct store_stats a, b;
	usec from = time_mono();
	double busy = cpu(), spent;
	int n;

	store_stats(sys.store, &a);
	for (int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, look, &r);
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&r.stop, true);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	spent = (double)(time_mono() - from) / 1e6;
	store_stats(sys.store, &b);
	n = r.samples < SAMPLES ? r.samples : SAMPLES;
	qsort(r.took, (size_t)n, sizeof(uint32_t), by_size);
	printf("looks at %3d, %2d threads: %7.0f/s  p50 %6.2f ms  p99 %6.2f ms  %5.1f us of CPU each  %5.1f in a commit\n", ids, threads,
	    (double)r.done / spent, r.took[n / 2] / 1e3, r.took[(size_t)n * 99 / 100] / 1e3, (cpu() - busy) / (double)r.done * 1e6,
	    (double)r.done / (double)(b.commits - a.commits));
	free(r.took);
}

/* ---- a large trail --------------------------------------------------------------------------------- */

struct fill { int64_t from; int kind; };
static enum err
fill(struct ctx *cx, void *arg)
{
	const struct fill *f = arg;
	static const struct trail_field fields[] = {
		{ .name = "status", .before = { { "open", 4 } }, .after = { { "solved", 6 } }, .has_before = true, .has_after = true },
		{ .name = "assignee_id", .after = { { "77", 2 } }, .has_after = true },
		{ .name = "comment.public", .after = { { "a text", 6 } }, .has_after = true, .commit_only = true },
	};

	for (int64_t i = f->from; i < f->from + PER_TX; i++) {
		int64_t id = 1 + i * 7919 % 1000000;
		if (f->kind == 0 || (f->kind == 2 && i % 5 != 0))
			TRY(trail_look(cx, "ticket", &id, 1, "subject,comments"));
		else
			TRY(trail_append(cx, &(struct event){ .action = "ticket.update", .object = "ticket", .id = id, .field = fields,
			    .count = COUNT(fields) }));
	}
	return OK;
}

static void
fill_up(const char *what, int64_t events, int kind)
{
	struct ctx cx;
	double from = cpu();

	begin(&cx);
	for (int64_t i = 0; i < events; i += PER_TX) {
		struct fill f = { i, kind };
		cx.now = time_now();
		if (store_write(&cx, fill, &f) != OK)
			die(&cx, "filling");
		arena_reset(cx.arena);
		if (i % 100000 == 99000 && trail_checkpoint(&cx) != OK)
			die(&cx, "trail_checkpoint");
	}
	ctx_done(&cx);
	printf("%s in transactions of %d: %.2f us of CPU each\n", what, PER_TX, (cpu() - from) * 1e6 / (double)events);
}

static void
list(const char *what, struct trail_filter f)
{
	struct trail_event *e;
	struct ctx cx;
	double from, spent = 0;
	int n = 0;

	for (int i = 0; i < 20; i++) {
		begin(&cx);
		from = cpu();
		if (trail_list(&cx, &f, &e, &n) != OK)
			die(&cx, "trail_list");
		spent += cpu() - from;
		ctx_done(&cx);
	}
	printf("list of %s: %.2f ms of CPU, %d events; %ld MB resident\n", what, spent / 20 * 1e3, n, resident());
}

static void
verify(void)
{
	struct trail_verdict o;
	struct ctx cx;
	double from = cpu();
	long before = resident();

	begin(&cx);
	if (trail_verify(&cx, &o) != OK || !o.ok)
		die(&cx, "the trail does not verify");
	printf("verify the database: %.0f events/s of CPU, %lld events, %lld checkpoints; %ld MB more memory\n",
	    (double)o.events / (cpu() - from), (long long)o.events, (long long)o.checkpoints, resident() - before);
	ctx_done(&cx);
}

static void
export(const char *dir, enum trail_format format, bool values)
{
	char path[300];
	struct trail_verdict o;
	struct ctx cx;
	int64_t n;
	double from, wrote, read_;
	off_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/export", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	begin(&cx);
	from = cpu();
	if (trail_export(&cx, fd, format, values, &n) != OK)
		die(&cx, "trail_export");
	wrote = cpu() - from;
	size = lseek(fd, 0, SEEK_END);
	from = cpu();
	if (trail_verify_file(&cx, &crypto, path, NULL, &o) != OK || !o.ok)
		die(&cx, "the export does not verify");
	read_ = cpu() - from;
	printf("export %s%s: %.0f events/s of CPU, %.0f bytes each; verify it: %.0f events/s\n", format == TRAIL_CSV ? "CSV" : "JSONL",
	    values ? " with values" : "", (double)n / wrote, (double)size / (double)n,
	    (double)n / read_);
	close(fd);
	ctx_done(&cx);
}

static int
gone(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int
main(int argc, char **argv)
{
	const char *base = "/tmp";
	char dir[200], main_path[300], keys_path[300];
	struct migration m = { 10, DB_MAIN, "trail", {0} };
	struct store_conf conf = { .main_path = main_path, .keys_path = keys_path, .migrations = &m, .migration_count = 1 };
	double seconds = 5;
	long long events = 200000;
	struct ctx cx;

	for (int c; (c = getopt(argc, argv, "d:t:n:")) != -1; ) {
		if (c == 'd')
			base = optarg;
		else if (c == 't')
			seconds = strtod(optarg, NULL);
		else if (c == 'n')
			events = strtoll(optarg, NULL, 10);
		else
			return 2;
	}
	snprintf(dir, sizeof(dir), "%.150s/ward-bench-XXXXXX", base);
	if (mkdtemp(dir) == NULL)
		die(NULL, "no folder");
	snprintf(main_path, sizeof(main_path), "%s/ward.db", dir);
	snprintf(keys_path, sizeof(keys_path), "%s/keys.db", dir);
	sign_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)"thirty-two bytes of no secrecy..", 32);
	sys.codec = &codec;
	ctx_init(&cx, &sys, 1);
	if (file_read(&cx, "data/schema/0010-trail.sql", MiB, &m.sql) != OK || store_open(&cx, &conf, &sys.store) != OK ||
	    store_prepare(&cx, sys.store, trail_stmts) != OK || trail_open(&cx, &crypto, NULL, &sys.trail) != OK)
		die(&cx, "opening");

	looks(1, 1, seconds);
	looks(8, 1, seconds);
	looks(64, 1, seconds);
	looks(64, 25, seconds);
	fill_up("looks", 50000, 0);
	fill_up("changes of three fields", 50000, 1);
	fill_up("four looks to a change", events, 2);
	list("the newest", (struct trail_filter){0});
	list("one ticket's", (struct trail_filter){ .object = S("ticket"), .object_id = 7920 });
	list("a ticket's that has none", (struct trail_filter){ .object = S("ticket"), .object_id = 5000000 });
	list("one actor's", (struct trail_filter){ .actor_id = 7 });
	list("an action that never was", (struct trail_filter){ .action = S("user.delete") });
	verify();
	export(dir, TRAIL_JSONL, false);
	export(dir, TRAIL_JSONL, true);
	export(dir, TRAIL_CSV, false);
	export(dir, TRAIL_CSV, true);

	trail_close(&sys.trail);
	store_close(&sys.store);
	ctx_done(&cx);
	EVP_PKEY_free(sign_key);
	nftw(dir, gone, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
