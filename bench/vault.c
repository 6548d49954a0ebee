/* vault.c - what sealing, opening, hashing and making keys cost, one thread and
 * several, over a keyring in memory: the database's part is not in here.
 *
 *   vault [-t MILLISECONDS]     per line, the best of five runs of that length
 *
 * Processor time of the calling thread, so that a busy machine disturbs little;
 * for the keeper's round trip that leaves out what the keeper itself takes.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vault/vault.h"

enum { KEYS = 100000, HOT = 4000, RUNS = 5, THREADS = 2 };

static unsigned char account[WRAPPED_BYTES], named[NAMED_KEYS][WRAPPED_BYTES], (*data)[WRAPPED_BYTES];
static bool has_account, has_named[NAMED_KEYS];
static struct vault *v;
static struct keeper *k;
static usec length = 300000;
static const struct where here = { "comment", "body", 42 };

static enum err
give(struct ctx *cx, bool there, const unsigned char *w, str *wrapped)
{
	if (!there)
		return fail(cx, E_ABSENT, NULL, "none");
	*wrapped = str_dup(cx->arena, (str){ (const char *)w, WRAPPED_BYTES });
	return OK;
}

static enum err
load_account(struct ctx *cx, void *arg, int *version, str *wrapped)
{
	(void)arg;
	*version = 1;
	return give(cx, has_account, account, wrapped);
}

static enum err
load_account_version(struct ctx *cx, void *arg, int version, str *wrapped)
{
	(void)arg;
	return give(cx, version == 1, account, wrapped);
}

static enum err
save_account(struct ctx *cx, void *arg, int version, str wrapped)
{
	(void)cx, (void)arg, (void)version;
	memcpy(account, wrapped.p, WRAPPED_BYTES);
	has_account = true;
	return OK;
}

static enum err
load_named(struct ctx *cx, void *arg, enum named_key which, str *wrapped)
{
	(void)arg;
	return give(cx, has_named[which], named[which], wrapped);
}

static enum err
save_named(struct ctx *cx, void *arg, enum named_key which, str wrapped)
{
	(void)cx, (void)arg;
	memcpy(named[which], wrapped.p, WRAPPED_BYTES);
	has_named[which] = true;
	return OK;
}

static enum err
load_data(struct ctx *cx, void *arg, int64_t id, str *wrapped)
{
	(void)arg;
	return give(cx, true, data[id], wrapped);
}

static enum err
save_data(struct ctx *cx, void *arg, int64_t id, str wrapped)
{
	(void)cx, (void)arg;
	memcpy(data[id], wrapped.p, WRAPPED_BYTES);
	return OK;
}

/* ---- what is measured ----------------------------------------------------------------------------- */

static char text[64 * 1024];
static str sealed_hot[HOT], sealed_2k[HOT], sealed_cold[KEYS], token;

static void
must(struct ctx *cx, enum err e)
{
	if (e == OK)
		return;
	fprintf(stderr, "%s\n", cx->fail.why != NULL ? cx->fail.why : err_name(e));
	exit(1);
}

static void
seal(struct ctx *cx, unsigned i, size_t n)
{
	str sealed;

	must(cx, vault_seal(cx, v, 1 + i % HOT, here, (str){ text, n }, &sealed));
}

static void
open_value(struct ctx *cx, str sealed)
{
	str plain;

	must(cx, vault_open_value(cx, v, here, sealed, &plain));
}

static void seal_300(struct ctx *cx, unsigned i)  { seal(cx, i, 300); }
static void seal_2k(struct ctx *cx, unsigned i)   { seal(cx, i, 2048); }
static void seal_64k(struct ctx *cx, unsigned i)  { seal(cx, i, 65536); }
static void open_300(struct ctx *cx, unsigned i)  { open_value(cx, sealed_hot[i % HOT]); }
static void open_2k(struct ctx *cx, unsigned i)   { open_value(cx, sealed_2k[i % HOT]); }
static void open_miss(struct ctx *cx, unsigned i) { open_value(cx, sealed_cold[1 + i * 7919u % (KEYS - 1)]); }

static void
key_new(struct ctx *cx, unsigned i)
{
	must(cx, vault_key_new(cx, v, HOT + 1 + i % (KEYS - HOT - 1)));
}

static void
term(struct ctx *cx, unsigned i)
{
	static const char *const words[] = { "headache", "since", "tuesday", "prescription", "refill" };

	(void)cx;
	(void)vault_term(v, str_of(words[i % COUNT(words)]));
}

static void
blind(struct ctx *cx, unsigned i)
{
	unsigned char out[BLIND_BYTES];

	(void)cx;
	vault_blind(v, i % 2 ? "user.email" : "user.external_id", S("ada@clinic.example"), out);
}

static void
mac(struct ctx *cx, unsigned i)
{
	unsigned char out[32];

	(void)cx, (void)i;
	vault_mac(v, KEY_TRAIL, (str){ text, 300 }, out);
}

static void hash_300(struct ctx *cx, unsigned i) { unsigned char out[32]; (void)cx, (void)i; sha256((str){ text, 300 }, out); }
static void nonce(struct ctx *cx, unsigned i)    { unsigned char out[12]; (void)cx, (void)i; rand_bytes(out, 12); }
static void sign(struct ctx *cx, unsigned i)     { unsigned char out[64]; (void)cx, (void)i; vault_sign(v, (str){ text, 300 }, out); }
static void tok_seal(struct ctx *cx, unsigned i) { (void)i; (void)token_seal(cx, v, "cursor", (str){ text, 40 }); }

static void
tok_open(struct ctx *cx, unsigned i)
{
	str plain;

	(void)i;
	if (!token_open(cx, v, "cursor", token, &plain))
		exit(1);
}

static void
unwrap(struct ctx *cx, unsigned i)
{
	unsigned char key[KEY_BYTES] = {0}, w[WRAPPED_BYTES];

	(void)i;
	must(cx, keeper_wrap(cx, k, S("bench"), key, w));
}

static void
password(struct ctx *cx, unsigned i)
{
	str encoded;

	(void)i;
	must(cx, password_hash(cx, S("correct horse"), &encoded));
}

static const struct { const char *what; void (*fn)(struct ctx *, unsigned); } rows[] = {
	{ "seal 300 B, key in the cache", seal_300 },
	{ "seal 2 KB", seal_2k },
	{ "seal 64 KB", seal_64k },
	{ "open 300 B", open_300 },
	{ "open 2 KB", open_2k },
	{ "open 300 B, key mostly not in the cache", open_miss },
	{ "12 random bytes (part of each seal)", nonce },
	{ "vault_key_new", key_new },
	{ "vault_term, one word", term },
	{ "vault_blind", blind },
	{ "vault_mac 300 B", mac },
	{ "sha256 300 B", hash_300 },
	{ "vault_sign 300 B", sign },
	{ "token_seal 40 B", tok_seal },
	{ "token_open 40 B", tok_open },
	{ "keeper round trip", unwrap },
	{ "password_hash", password },
};

/* What this thread has used of a processor. */
static usec
used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * SECOND + t.tv_nsec / 1000;
}

struct run { void (*fn)(struct ctx *, unsigned); unsigned from; usec took; uint64_t count; };

static void *
one(void *arg)
{
	struct run *r = arg;
	struct ctx cx;
	usec start, until;
	unsigned i = r->from;

	ctx_init(&cx, NULL, 1);
	r->count = 0;
	until = time_mono() + length;
	start = used();
	do {
		for (int n = 0; n < 32; n++, i++)
			r->fn(&cx, i);
		r->count += 32;
		arena_reset(cx.arena);
	} while (time_mono() < until);
	r->took = used() - start;
	ctx_done(&cx);
	return NULL;
}

static double
best(void (*fn)(struct ctx *, unsigned), int threads)
{
	double least = 1e9;

	for (int run = 0; run < RUNS; run++) {
		struct run r[THREADS];
		pthread_t t[THREADS];
		double each = 0;

		for (int i = 0; i < threads; i++) {
			r[i] = (struct run){ .fn = fn, .from = (unsigned)(i * 977) };
			if (pthread_create(&t[i], NULL, one, &r[i]) != 0)
				exit(1);
		}
		for (int i = 0; i < threads; i++) {
			pthread_join(t[i], NULL);
			each += (double)r[i].took / (double)r[i].count / threads;
		}
		if (each < least)
			least = each;
	}
	return least;
}

int
main(int argc, char **argv)
{
	struct keyring ring = { .load_account = load_account, .load_account_version = load_account_version,
	    .save_account = save_account, .load_named = load_named, .save_named = save_named, .load_data = load_data,
	    .save_data = save_data };
	char dir[] = "/tmp/ward-bench-XXXXXX", path[64];
	struct root_conf conf = { .kind = ROOT_FILE, .path = path };
	struct ctx cx;
	int64_t ms;

	if (argc > 1 && strcmp(argv[1], "keeper") == 0)
		return keeper_main(3);
	if (argc == 3 && strcmp(argv[1], "-t") == 0 && str_int(str_of(argv[2]), &ms) && ms > 0) {
		length = ms * 1000;
	} else if (argc != 1) {
		fprintf(stderr, "usage: vault [-t MILLISECONDS]\n");
		return 64;
	}
	ctx_init(&cx, NULL, 1);
	if ((data = calloc(KEYS, sizeof(*data))) == NULL || mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/root.key", dir);
	must(&cx, root_create(&cx, &conf));
	must(&cx, keeper_start(&cx, &conf, &k));
	unlink(path);
	rmdir(dir);
	must(&cx, vault_open(&cx, k, &ring, true, &v));
	rand_bytes(text, sizeof(text));
	for (int i = 1; i < KEYS; i++) {
		must(&cx, vault_key_new(&cx, v, i));
		must(&cx, vault_seal(&cx, v, i, here, (str){ text, 300 }, &sealed_cold[i]));
	}
	for (int i = 0; i < HOT; i++) {
		must(&cx, vault_seal(&cx, v, i + 1, here, (str){ text, 300 }, &sealed_hot[i]));
		must(&cx, vault_seal(&cx, v, i + 1, here, (str){ text, 2048 }, &sealed_2k[i]));
	}
	token = token_seal(&cx, v, "cursor", (str){ text, 40 });
	printf("%-42s %10s %14s\n", "us each", "1 thread", "2 threads");
	for (size_t i = 0; i < COUNT(rows); i++)
		printf("%-42s %10.2f %14.2f\n", rows[i].what, best(rows[i].fn, 1), best(rows[i].fn, THREADS));
	vault_close(&v);
	keeper_stop(&k);
	ctx_done(&cx);
	free(data);
	return 0;
}
