/* The index: what is found is what was written, whatever was built, merged,
 * replaced, erased, rolled back or lost in between. A model (sets of words in
 * memory) says what must be found. */
#include "rows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "db.h"
#include "desk/index.h"

enum { DOCS = 1000, WORDS = 96 };

static struct testdb d;
static usec now;

static uint64_t
test_key(struct sys *sys UNUSED, str term)
{
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < term.n; i++)
		h = (h ^ (unsigned char)term.p[i]) * 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 29;
}

static void
must(struct ctx *cx, enum err e, const char *what)
{
	if (e == OK)
		return;
	print_error("%s: %s %s: %s\n", what, err_name(e), cx->fail.field != NULL ? cx->fail.field : "-",
	    cx->fail.why != NULL ? cx->fail.why : "-");
	assert_true(false);
}
#define MUST(cx, call) must(cx, call, #call)

static void
ask(struct ctx *cx)
{
	ctx_init(cx, &d.sys, 1);
	cx->now = now;
}

static void
tuned_open(int docs, int posts, int fan)
{
	struct ctx cx;

	ask(&cx);
	MUST(&cx, search_open(&cx, &d.sys.search));
	search_tune(d.sys.search, docs, posts, fan);
	ctx_done(&cx);
}

static int
setup(void **state UNUSED)
{
	now = time_now();
	search_term_key = test_key;
	segment_bucket_bytes = 256;
	db_open(&d, NULL);
	tuned_open(16, 1 << 20, 3);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	search_close(&d.sys.search);
	db_close(&d);
	segment_bucket_bytes = 12 * KiB;
	return 0;
}

/* As a process that dies here and starts again. */
static void
restart(int docs, int fan)
{
	search_close(&d.sys.search);
	db_reopen(&d, NULL);
	tuned_open(docs, 1 << 20, fan);
}

/* ---- the model ---------------------------------------------------------------------------------------- */

static bool model[DOCS][WORDS];
static unsigned seed = 1;

static unsigned
pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static str
word(struct ctx *cx, int w)
{
	return str_printf(cx->arena, "w%d", w);
}

struct change { char doc; int64_t id; char how; const int *w; int n; bool lose; };

static enum err
change_in(struct ctx *cx, void *arg)
{
	const struct change *c = arg;
	struct terms t = { 0 };

	for (int i = 0; i < c->n; i++)
		search_terms(cx, 'u', word(cx, c->w[i]), &t);
	TRY(c->how == '+' ? search_add(cx, c->doc, c->id, &t) : c->how == '=' ? search_replace(cx, c->doc, c->id, &t)
	    : search_change(cx, c->doc, c->id, &t));
	return c->lose ? fail(cx, E_INVALID, NULL, "on purpose") : OK;
}

static enum err
change(int64_t id, char how, const int *w, int n, bool lose)
{
	struct ctx cx;
	enum err e;

	ask(&cx);
	e = store_write(&cx, change_in, &(struct change){ 't', id, how, w, n, lose });
	ctx_done(&cx);
	return e;
}

static void
model_change(int64_t id, char how, const int *w, int n)
{
	if (how != '+')
		memset(model[id], 0, sizeof model[id]);
	for (int i = 0; i < n; i++)
		model[id][w[i]] = true;
}

/* Many changes are one transaction: the tests would else wait for the disk. */
static struct change waiting[128];
static int waits, waiting_words[128][6];

static enum err
waiting_in(struct ctx *cx, void *arg UNUSED)
{
	for (int i = 0; i < waits; i++)
		TRY(change_in(cx, &waiting[i]));
	return OK;
}

static void
flush(void)
{
	struct ctx cx;

	ask(&cx);
	MUST(&cx, store_write(&cx, waiting_in, NULL));
	ctx_done(&cx);
	waits = 0;
}

static void
later(int64_t id, char how, const int *w, int n)
{
	memcpy(waiting_words[waits], w, sizeof(*w) * (size_t)n);
	waiting[waits] = (struct change){ 't', id, how, waiting_words[waits], n, false };
	if (++waits == COUNT(waiting))
		flush();
}

/* A change as they come: most are new texts, some replace, few take all away. */
static void
one_change(void)
{
	int w[6], n = 1 + (int)pick(6);
	int64_t id = 1 + pick(DOCS - 1);
	unsigned dice = pick(10);
	char how = dice < 6 ? '+' : dice < 8 ? '~' : '=';

	for (int i = 0; i < n; i++)
		/* a few words are in very many documents */
		w[i] = (int)(pick(3) ? pick(WORDS) : pick(4));
	if (how == '=' && pick(3) == 0)
		n = 0;
	if (pick(40) == 0) {
		assert_int_equal(change(id, how, w, n, true), E_INVALID);
		return;
	}
	later(id, how, w, n);
	model_change(id, how, w, n);
}

/* All documents of all words, in order, each once. */
static void
compare_in(struct ctx *cx, int w, const char *when)
{
	uint64_t term = term_of(cx, KIND_TICKET, IN_TEXT, word(cx, w));
	struct view v;
	struct cursor c;
	int64_t expected = DOCS;

	MUST(cx, view_open(cx, &term, 1, &v));
	MUST(cx, cursor_open(&v, term, &c));
	for (;;) {
		do
			expected--;
		while (expected > 0 && !model[expected][w]);
		while (c.doc != NO_DOC && c.stamp < view_dead_before(&v, KIND_TICKET, c.doc))
			MUST(cx, cursor_seek(&c, c.doc - 1));
		if (c.doc != (expected > 0 ? expected : NO_DOC)) {
			print_error("%s: word %d: document %lld, expected %lld\n", when, w, (long long)c.doc, (long long)expected);
			assert_true(false);
		}
		if (expected <= 0)
			break;
		MUST(cx, cursor_seek(&c, expected - 1));
	}
	assert_false(v.stale);
	view_close(&v);
}

static void
compare(const char *when)
{
	for (int w = 0; w < WORDS; w++) {
		struct ctx cx;
		ask(&cx);
		compare_in(&cx, w, when);
		ctx_done(&cx);
	}
}

static bool
step(void)
{
	struct ctx cx;
	bool more;

	ask(&cx);
	MUST(&cx, search_step(&cx, &more));
	ctx_done(&cx);
	return more;
}

static void
steps(void)
{
	for (int i = 0; step(); i++)
		assert_true(i < 1000);
}

static struct index_stats
stats(void)
{
	struct index_stats s;

	search_stats(d.sys.search, &s);
	return s;
}

static const struct stmt count_buckets = { .name = "test.buckets", .sql = "SELECT count(*) FROM search_bucket", .out = "i" };
static const struct stmt count_deltas = { .name = "test.deltas", .sql = "SELECT count(*) FROM search_delta", .out = "i" };
static const struct stmt count_segments = { .name = "test.segments", .sql = "SELECT count(*) FROM search_segment", .out = "i" };
static const struct stmt count_tombs = { .name = "test.tombs", .sql = "SELECT count(*) FROM search_tombstone", .out = "i" };
static const struct stmt count_keys = { .name = "test.keys", .sql = "SELECT count(*) FROM toy_key", .out = "i", .db = DB_KEYS };
static const struct stmt chunk_sum = {
	.name = "test.chunks", .sql = "SELECT coalesce(sum(buckets + dir_chunks + doc_chunks + filter_chunks), 0) FROM search_segment", .out = "i",
};

static int64_t
count(const struct stmt *st)
{
	struct ctx cx;
	struct row r;
	int64_t n;

	ask(&cx);
	MUST(&cx, store_one(&cx, st, NO_ARGS, &r));
	n = row_int(&r, 0);
	ctx_done(&cx);
	return n;
}

/* ---- tests -------------------------------------------------------------------------------------------- */

static void
own_writes_are_found(void **state UNUSED)
{
	int w[] = { 1, 2 };

	memset(model, 0, sizeof model);
	for (int i = 1; i <= 40; i++) {
		assert_int_equal(change(i, '+', w, 2, false), OK);
		model_change(i, '+', w, 2);
		compare("after each write");
	}
	assert_int_equal(stats().tables, 3);         /* 16 each */
	assert_int_equal(stats().segments, 0);
	restart(16, 3);
	assert_int_equal(stats().deltas, 40);
	assert_int_equal(stats().tables, 3);
	compare("replayed");
	assert_int_equal(change(41, '+', w, 2, false), OK);
	model_change(41, '+', w, 2);
	assert_int_equal(stats().tables, 3);         /* the open table goes on */
	compare("after that");
}

static void
a_lost_change_leaves_nothing(void **state UNUSED)
{
	int w[] = { 5 };

	memset(model, 0, sizeof model);
	for (int i = 1; i < 20; i++) {               /* also where a new table begins */
		assert_int_equal(change(i, i % 2 ? '+' : '=', w, 1, true), E_INVALID);
		assert_int_equal(change(100 + i, '+', w, 1, false), OK);
		model_change(100 + i, '+', w, 1);
	}
	compare("after changes that failed");
	assert_int_equal(count(&count_deltas), 19);
	store_fail_commit(d.sys.store, 1);
	assert_int_equal(change(30, '+', w, 1, false), E_FAULT);
	compare("after a commit that failed");
	assert_int_equal(change(31, '+', w, 1, false), OK);
	model_change(31, '+', w, 1);
	steps();
	compare("built");
	restart(16, 3);
	compare("started again");
}

static void
whatever_happens(void **state UNUSED)
{
	memset(model, 0, sizeof model);
	seed = 7;
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 100; i++)
			one_change();
		flush();
		if (pick(3))
			for (int i = (int)pick(12); i > 0 && step(); i--)
				;
		if (pick(6) == 0) {
			restart(16 << pick(3), 2 + (int)pick(3));
			compare("started again");
		}
		now += (usec)pick(1800) * SECOND;
		if (round % 5 == 0)
			compare("in the middle");
	}
	steps();
	compare("built and merged");
	assert_true(stats().segments > 0);
	assert_true(stats().tables <= 1);
	assert_int_equal(count(&count_buckets), count(&chunk_sum));
	now += 3600 * SECOND;
	steps();
	compare("erased");
	assert_int_equal(stats().due, 0);
	assert_int_equal(count(&count_tombs), stats().tombstones);
	assert_int_equal(count(&count_deltas), stats().deltas);
	now += 61 * SECOND;
	steps();
	/* No key is left but those of segments and of the open table. */
	assert_int_equal(count(&count_keys), stats().segments + stats().tables);
	restart(16, 3);
	steps();
	compare("and started again");
}

/* Small documents as they come in numbers. */
static void
twenty_thousand(void **state UNUSED)
{
	enum { N = 20000 };
	struct ctx cx;
	struct view v;
	struct cursor c;
	uint64_t terms[2];
	int64_t n = 0;

	search_close(&d.sys.search);
	tuned_open(512, 1 << 20, 4);
	for (int i = 1; i <= N; i++) {
		int w[] = { 0, 1 + i % 7, 10 + i % 60 };
		later(i, '+', w, 3);
		if (i % 1000 == 0)
			while (step())
				;
	}
	flush();
	steps();
	assert_in_range(stats().segments, 1, 12);
	assert_int_equal(stats().docs + stats().deltas, N);
	ask(&cx);
	terms[0] = term_of(&cx, KIND_TICKET, IN_TEXT, S("w0"));
	terms[1] = term_of(&cx, KIND_TICKET, IN_TEXT, S("w3"));
	MUST(&cx, view_open(&cx, terms, 2, &v));
	MUST(&cx, cursor_open(&v, terms[0], &c));
	for (int64_t id = N; id > 0; id--) {
		assert_int_equal(c.doc, id);
		MUST(&cx, cursor_seek(&c, id - 1));
	}
	assert_int_equal(c.doc, NO_DOC);
	/* leaps in a list over many buckets */
	MUST(&cx, cursor_open(&v, terms[0], &c));
	for (int64_t id = N - 3; id > 0; id -= 1 + id % 977) {
		MUST(&cx, cursor_seek(&c, id));
		assert_int_equal(c.doc, id);
	}
	MUST(&cx, cursor_open(&v, terms[1], &c));
	for (; c.doc != NO_DOC; n++) {
		assert_int_equal(c.doc % 7, 2);
		MUST(&cx, cursor_seek(&c, c.doc - 1));
	}
	assert_int_equal(n, (N - 2) / 7 + 1);
	view_close(&v);
	ctx_done(&cx);
}

static enum err
rare_in(struct ctx *cx, void *arg)
{
	int64_t id = *(int64_t *)arg;
	struct terms t = { 0 };

	search_terms(cx, 'u', str_printf(cx->arena, "all rare%lld", (long long)id), &t);
	return search_add(cx, 't', id, &t);
}

static bool
in_segment(struct ctx *cx, const struct segment *g, const char *what, int id)
{
	return segment_may_have(g, term_of(cx, KIND_TICKET, IN_TEXT, str_printf(cx->arena, "%s%d", what, id)));
}

/* Written, merged and read again: a filter knows what its segment has, and of
 * nearly everything else that it has it not. */
static void
filters(void **state UNUSED)
{
	enum { N = 6000, ASKED = 2000 };
	struct ctx cx;
	struct view v;
	int wrong = 0, none = 0;

	search_close(&d.sys.search);
	tuned_open(256, 1 << 20, 4);
	for (int64_t i = 1; i <= N; i++) {
		ask(&cx);
		MUST(&cx, store_write(&cx, rare_in, &i));
		ctx_done(&cx);
		if (i % 500 == 0)
			while (step())
				;
	}
	steps();
	restart(256, 4);
	ask(&cx);
	MUST(&cx, view_open(&cx, NULL, 0, &v));
	assert_in_range(v.v->count, 3, 12);
	for (int i = 0; i < v.v->count; i++) {
		const struct segment *g = v.v->seg[i];
		assert_true(segment_may_have(g, term_of(&cx, KIND_TICKET, IN_TEXT, S("all"))));
		for (int64_t id = g->from; id <= g->to; id++)       /* one delta a document */
			assert_true(in_segment(&cx, g, "rare", (int)id));
		for (int k = 0; k < ASKED; k++, none++)
			wrong += in_segment(&cx, g, "absent", k);
	}
	assert_in_range(wrong, 0, none / 25);
	view_close(&v);
	ctx_done(&cx);
}

/* Each commit of a build and of a merge fails once, and the process ends there. */
static void
a_crash_at_each_commit(void **state UNUSED)
{
	int crashes = 0;

	memset(model, 0, sizeof model);
	seed = 3;
	search_close(&d.sys.search);
	db_reopen(&d, NULL);
	tuned_open(64, 1 << 20, 2);
	for (int nth = 1; nth <= 12; nth++) {
		enum err e = OK;
		struct ctx cx;
		bool more = true;
		for (int i = 0; i < 150; i++)
			one_change();
		flush();
		store_fail_commit(d.sys.store, nth);
		now += 7200 * SECOND;                    /* erasing is due, too */
		for (int i = 0; i < 200 && more && e == OK; i++) {
			ask(&cx);
			e = search_step(&cx, &more);
			ctx_done(&cx);
		}
		store_fail_commit(d.sys.store, 0);
		crashes += e != OK;
		compare("after a failed commit");
		restart(64, 2);
		compare("started again");
		if (nth % 3 == 0) {
			steps();
			compare("carried on");
			assert_int_equal(count(&count_buckets), count(&chunk_sum));
			assert_int_equal(count(&count_segments), stats().segments);
		}
	}
	assert_true(crashes >= 8);
}

/* ---- erasing -------------------------------------------------------------------------------------------- */

static const struct stmt all_buckets = {
	.name = "test.all_buckets", .sql = "SELECT id, body FROM search_bucket WHERE account_id = $1 ORDER BY id",
	.in = "i", .out = "ib",
};
static const struct stmt all_deltas = {
	.name = "test.all_deltas", .sql = "SELECT seq, terms FROM search_delta WHERE account_id = $1 AND doc_id = $2 ORDER BY seq",
	.in = "ii", .out = "ib",
};

static int
opens(struct ctx *cx, const struct rows *rs, const char *table, const char *column)
{
	int n = 0;

	for (int i = 0; i < rs->count; i++) {
		str plain;
		enum err e = store_open_sealed(cx, table, column, row_int(&rs->row[i], 0), row_str(&rs->row[i], 1), &plain);
		assert_true(e == OK || e == E_ABSENT);
		n += e == OK;
		fail_forget(cx);
	}
	return n;
}

/* Does the index still hold the term anywhere, tombstones aside? */
static bool
still_stored(struct ctx *cx, uint64_t term)
{
	struct view v;
	struct cursor c;
	bool found;

	MUST(cx, view_open(cx, &term, 1, &v));
	MUST(cx, cursor_open(&v, term, &c));
	found = c.doc != NO_DOC;
	view_close(&v);
	return found;
}

static void
erased_is_erased(void **state UNUSED)
{
	int secret[] = { 77 }, harmless[] = { 1 };
	struct ctx cx;
	struct rows before, after, deltas;
	uint64_t term;
	int64_t first;
	int of_first = 0;

	memset(model, 0, sizeof model);
	ask(&cx);
	term = term_of(&cx, KIND_TICKET, IN_TEXT, word(&cx, 77));
	for (int i = 1; i <= 100; i++) {
		assert_int_equal(change(i, '+', i == 9 ? secret : harmless, 1, false), OK);
		model_change(i, '+', i == 9 ? secret : harmless, 1);
	}
	MUST(&cx, store_all(&cx, &all_deltas, ARGS(INT(1), INT(9)), &deltas));
	assert_int_equal(deltas.count, 1);
	steps();
	now += 61 * SECOND;
	steps();
	/* Built: the delta is gone and so is its key. */
	assert_int_equal(opens(&cx, &deltas, "search_delta", "terms"), 0);
	MUST(&cx, store_all(&cx, &all_buckets, ARGS(INT(1)), &before));
	assert_true(before.count >= 3);
	assert_int_equal(opens(&cx, &before, "search_bucket", "body"), before.count);
	assert_true(still_stored(&cx, term));
	compare("before");
	first = row_int(&before.row[0], 0) >> 24;
	while (of_first < before.count && row_int(&before.row[of_first], 0) >> 24 == first)
		of_first++;

	assert_int_equal(change(9, '=', harmless, 1, false), OK);
	model_change(9, '=', harmless, 1);
	compare("replaced");                         /* at once */
	assert_int_equal(stats().tombstones, 1);
	now += 20 * 60 * SECOND;
	steps();
	assert_true(opens(&cx, &before, "search_bucket", "body") > 0);   /* not yet: others may come */
	now += 11 * 60 * SECOND;
	steps();
	assert_false(still_stored(&cx, term));
	assert_int_equal(stats().tombstones, 0);
	compare("erased");
	/* What held it cannot be opened, not even from a copy: document 9 was in the first segment. */
	assert_true(opens(&cx, &before, "search_bucket", "body") < before.count);
	MUST(&cx, store_all(&cx, &all_buckets, ARGS(INT(1)), &after));
	for (int i = 0; i < before.count; i++)
		for (int k = 0; k < after.count; k++)
			assert_true(row_int(&before.row[i], 0) != row_int(&after.row[k], 0) ||
			    row_int(&before.row[i], 0) >> 24 != first);
	before.count = of_first;
	assert_int_equal(opens(&cx, &before, "search_bucket", "body"), 0);
	ctx_done(&cx);
	restart(16, 3);
	ask(&cx);
	assert_false(still_stored(&cx, term));
	ctx_done(&cx);
	compare("erased and started again");
}

/* The same while the terms are still in the open table. */
static void
erased_before_it_was_built(void **state UNUSED)
{
	int secret[] = { 78 }, harmless[] = { 1 };
	struct ctx cx;
	struct rows deltas;

	memset(model, 0, sizeof model);
	ask(&cx);
	assert_int_equal(change(9, '+', secret, 1, false), OK);
	assert_int_equal(change(8, '+', harmless, 1, false), OK);
	model_change(8, '+', harmless, 1);
	MUST(&cx, store_all(&cx, &all_deltas, ARGS(INT(1), INT(9)), &deltas));
	assert_int_equal(opens(&cx, &deltas, "search_delta", "terms"), 1);
	assert_int_equal(change(9, '=', NULL, 0, false), OK);
	compare("replaced");
	steps();
	assert_int_equal(stats().deltas, 3);         /* no deadline is near */
	now += 31 * 60 * SECOND;
	steps();
	now += 61 * SECOND;
	steps();
	assert_int_equal(opens(&cx, &deltas, "search_delta", "terms"), 0);
	assert_false(still_stored(&cx, term_of(&cx, KIND_TICKET, IN_TEXT, word(&cx, 78))));
	assert_int_equal(stats().tombstones, 0);
	assert_int_equal(count(&count_tombs), 0);
	compare("erased");
	ctx_done(&cx);
}

/* What changed without a deadline waits for a merge, and is dead all the same. */
static void
changed_without_a_deadline(void **state UNUSED)
{
	int old[] = { 60 }, new[] = { 61 };
	int64_t buckets;

	memset(model, 0, sizeof model);
	for (int i = 1; i <= 32; i++) {
		assert_int_equal(change(i, '+', old, 1, false), OK);
		model_change(i, '+', old, 1);
	}
	assert_int_equal(change(501, '+', new, 1, false), OK);   /* begins the next table */
	model_change(501, '+', new, 1);
	steps();
	assert_int_equal(change(7, '~', new, 1, false), OK);
	model_change(7, '~', new, 1);
	steps();
	buckets = count(&count_buckets);
	now += 24 * 3600 * SECOND;
	steps();
	assert_int_equal(count(&count_buckets), buckets);
	assert_int_equal(stats().tombstones, 1);
	compare("changed");
	for (int i = 33; i < 200; i++) {
		assert_int_equal(change(i, '+', old, 1, false), OK);
		model_change(i, '+', old, 1);
	}
	steps();
	assert_int_equal(stats().tombstones, 0);     /* merged away */
	compare("merged");
}

/* Kinds do not meet: the same number may be a ticket, a user, an organization. */
static void
kinds_apart(void **state UNUSED)
{
	int w[] = { 3 };
	struct ctx cx;
	static const char docs[] = "tuo";

	ask(&cx);
	for (int k = 0; k < 3; k++)
		MUST(&cx, store_write(&cx, change_in, &(struct change){ docs[k], 5 + k, '+', w, 1, false }));
	MUST(&cx, store_write(&cx, change_in, &(struct change){ 'u', 5, '=', NULL, 0, false }));
	for (int round = 0; round < 2; round++) {
		for (int k = 0; k < 3; k++) {
			uint64_t term = term_of(&cx, (enum doc_kind)k, IN_TEXT, S("w3"));
			struct view v;
			struct cursor c;
			MUST(&cx, view_open(&cx, &term, 1, &v));
			MUST(&cx, cursor_open(&v, term, &c));
			assert_int_equal(c.doc, 5 + k);
			MUST(&cx, cursor_seek(&c, c.doc - 1));
			assert_int_equal(c.doc, NO_DOC);
			view_close(&v);
		}
		for (int i = 100; i < 132; i++)
			assert_int_equal(change(i, '+', (int[]){ 90 }, 1, false), OK);
		steps();
	}
	ctx_done(&cx);
}

static enum err
add_all(struct ctx *cx, void *arg)
{
	return search_replace(cx, 't', 4711, arg);
}

/* A text of very many different words is several deltas of one document. */
static void
a_very_long_text(void **state UNUSED)
{
	enum { N = 150000 };
	struct ctx cx;
	struct terms t = { 0 };
	struct view v;
	struct cursor c;
	char *text = malloc(N * 8 + 1), *p = text;
	uint64_t some[3];

	for (int i = 0; i < N; i++)
		p += snprintf(p, 9, "x%06d ", i % 1000000);
	search_close(&d.sys.search);
	tuned_open(4096, 1 << 20, 8);
	ask(&cx);
	search_terms(&cx, 'u', (str){ text, (size_t)(p - text) }, &t);
	assert_int_equal(t.count, N);
	free(text);
	some[0] = t.t[0] | KIND_TICKET;
	some[1] = t.t[N / 2] | KIND_TICKET;
	some[2] = t.t[N - 1] | KIND_TICKET;
	MUST(&cx, store_write(&cx, add_all, &t));
	assert_int_equal(count(&count_deltas), 3);
	for (int round = 0; round < 3; round++) {
		MUST(&cx, view_open(&cx, some, 3, &v));
		for (int i = 0; i < 3; i++) {
			MUST(&cx, cursor_open(&v, some[i], &c));
			assert_int_equal(c.doc, 4711);
		}
		view_close(&v);
		if (round == 0)
			restart(4096, 8);
		else
			steps();
	}
	ctx_done(&cx);
}

/* ---- readers, a writer and the builder at once -------------------------------------------------------------- */

enum { READERS_N = 3, LIVE = 1000 };
static atomic_int written;
static atomic_bool done;

static void *
reading(void *arg)
{
	unsigned mine = (unsigned)(uintptr_t)arg;
	int rounds = 0;

	while (!atomic_load(&done) || rounds == 0) {
		struct ctx cx;
		struct view v;
		struct cursor c;
		uint64_t terms[2];
		int64_t least, found = 0;
		enum err e;
		ask(&cx);
		terms[0] = term_of(&cx, KIND_TICKET, IN_TEXT, S("w0"));
		terms[1] = term_of(&cx, KIND_TICKET, IN_TEXT, word(&cx, 1 + (int)(mine++ % 5)));
		least = atomic_load(&written);
		MUST(&cx, view_open(&cx, terms, 2, &v));
		e = cursor_open(&v, terms[0], &c);
		while (e == OK && c.doc != NO_DOC) {
			if (c.stamp >= view_dead_before(&v, KIND_TICKET, c.doc))
				found++;
			e = cursor_seek(&c, c.doc - 1);
		}
		/* All that was acknowledged before the view is in it. */
		if (e == OK && !v.stale)
			assert_true(found >= least);
		else if (e != OK)
			assert_int_equal(e, E_CONFLICT);
		fail_forget(&cx);
		view_close(&v);
		ctx_done(&cx);
		rounds++;
	}
	return NULL;
}

static void *
building(void *arg UNUSED)
{
	while (!atomic_load(&done))
		step();
	return NULL;
}

static void
readers_and_a_builder(void **state UNUSED)
{
	pthread_t t[READERS_N + 1];

	search_close(&d.sys.search);
	tuned_open(32, 1 << 20, 3);
	atomic_store(&written, 0);
	atomic_store(&done, false);
	for (int i = 0; i < READERS_N; i++)
		pthread_create(&t[i], NULL, reading, (void *)(uintptr_t)i);
	pthread_create(&t[READERS_N], NULL, building, NULL);
	for (int i = 1; i <= LIVE; i++) {
		int w[] = { 0, 1 + i % 5 };
		assert_int_equal(change(i, '+', w, 2, false), OK);
		atomic_store(&written, i);
		if (i % 3 == 0)                      /* the words stay, everything else is new */
			assert_int_equal(change(1 + i / 2, i % 2 ? '~' : '=', w, 2, false), OK);
	}
	atomic_store(&done, true);
	for (int i = 0; i < READERS_N + 1; i++)
		pthread_join(t[i], NULL);
	now += 7200 * SECOND;
	steps();
	assert_int_equal(stats().due, 0);
}

int
main(void)
{
	struct CMUnitTest t[32];
	size_t n = 0;
#define WITH(fn) t[n++] = (struct CMUnitTest){ .name = #fn, .test_func = fn, .setup_func = setup, .teardown_func = teardown }

	WITH(own_writes_are_found);
	WITH(a_lost_change_leaves_nothing);
	WITH(whatever_happens);
	WITH(twenty_thousand);
	WITH(filters);
	WITH(a_crash_at_each_commit);
	WITH(erased_is_erased);
	WITH(erased_before_it_was_built);
	WITH(changed_without_a_deadline);
	WITH(kinds_apart);
	WITH(a_very_long_text);
	WITH(readers_and_a_builder);
	cmocka_set_test_filter(getenv("ONLY"));
	return RUN_ROWS("desk search", t, n);
}
