/* Every way to alter the database's trail behind its back, and what the verifier says. */
#include <malloc.h>
#include <sqlite3.h>

#include "rows.h"
#include "trail.h"
#include "trail/part.h"

/* The trail that is altered:
 *   1, 2, 5   changes of tickets 42, 43, 44 under the keys A, B, C
 *   3, 4      looks, at one ticket and at two
 *   6         checkpoint 1, covers 5
 *   7-16      changes of ticket 42 under A
 *   17        checkpoint 2, covers 16
 *   18        B's values erased      19  C's rewritten under D
 *   20        a look, 21 checkpoint 3, covers 20
 *   22-25     changes of ticket 42 under A
 * `old` is the folder as it was after 16 events, without checkpoint 2. */
enum { LAST = 25, OLD = 16 };

struct image { str main, keys, witness; };
static struct env v;
static struct arena *kept;
static struct image base, old;
static int64_t key_a, key_b, key_c, key_d;

static const char *
in_dir(const char *name)
{
	return str_printf(v.cx.arena, "%s/%s", v.d.dir, name).p;
}

static str
slurp(const char *name)
{
	struct ctx cx;
	str s = {0};

	ctx_init(&cx, &v.d.sys, 1);
	if (file_read(&cx, str_printf(cx.arena, "%s/%s", v.d.dir, name).p, 64 * MiB, &s) == OK)
		s = str_dup(kept, s);
	ctx_done(&cx);
	return s;
}

static void
spit(const char *name, str bytes)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", v.d.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	fclose(f);
}

static struct image
take_image(void)
{
	env_stop(&v);
	return (struct image){ slurp("ward.db"), slurp("keys.db"), slurp("witness") };
}

static void
put_image(const struct image *im)
{
	static const char *const leftovers[] = { "ward.db-wal", "ward.db-shm", "keys.db-wal", "keys.db-shm" };
	char path[160];

	for (size_t i = 0; i < COUNT(leftovers); i++) {
		snprintf(path, sizeof(path), "%s/%s", v.d.dir, leftovers[i]);
		unlink(path);
	}
	spit("ward.db", im->main);
	spit("keys.db", im->keys);
	spit("witness", im->witness);
}

/* ---- making it ------------------------------------------------------------------------------------- */

static str
without_quince(struct ctx *cx, void *arg UNUSED, const char *field UNUSED, str value)
{
	size_t at = str_find(value, S("Quince"));

	if (at == SIZE_MAX)
		return value;
	return str_printf(cx->arena, STR_F "[redacted]" STR_F, STR_A(str_sub(value, 0, at)),
	    STR_A(str_sub(value, at + 6, value.n)));
}

static enum err
reseal_in(struct ctx *cx, void *arg)
{
	int64_t *keys = arg;

	return trail_reseal(cx, keys[0], keys[1], keys[1] != 0 ? without_quince : NULL, NULL);
}

static void
must(enum err e)
{
	if (e == OK)
		return;
	print_message("%s %s: %s\n", err_name(e), v.cx.fail.field, v.cx.fail.why);
	exit(1);
}

static void
make_base(void)
{
	kept = arena_new();
	env_open(&v);
	key_a = t_new_key(&v.cx);
	key_b = t_new_key(&v.cx);
	key_c = t_new_key(&v.cx);
	key_d = t_new_key(&v.cx);
	must(t_change(&v.cx, 42, key_a, S("knee"), S("left knee")));
	must(t_change(&v.cx, 43, key_b, S("elbow"), S("both elbows")));
	must(trail_look(&v.cx, "ticket", (int64_t[]){ 42 }, 1, "subject"));
	must(trail_look(&v.cx, "ticket", (int64_t[]){ 42, 43 }, 2, "subject"));
	must(t_change(&v.cx, 44, key_c, S("Mr Quince"), S("Mr Quince again")));
	must(trail_checkpoint(&v.cx));
	for (int i = 0; i < 10; i++)
		must(t_change(&v.cx, 42, key_a, S("left knee"), S("right knee")));
	old = take_image();
	env_start(&v);
	must(trail_checkpoint(&v.cx));
	must(store_write(&v.cx, reseal_in, (int64_t[]){ key_b, 0 }));
	must(store_write(&v.cx, reseal_in, (int64_t[]){ key_c, key_d }));
	must(trail_look(&v.cx, "ticket", (int64_t[]){ 42 }, 1, "subject"));
	must(trail_checkpoint(&v.cx));
	for (int i = 0; i < 4; i++)
		must(t_change(&v.cx, 42, key_a, S("left knee"), S("right knee")));
	base = take_image();
}

/* ---- altering it ----------------------------------------------------------------------------------- */

static int
altered_rows(sqlite3 *h, const char *sql)
{
	char *why = NULL;
	int before = sqlite3_total_changes(h);

	if (sqlite3_exec(h, sql, NULL, NULL, &why) != SQLITE_OK) {
		print_message("%s: %s\n", sql, why);
		assert_true(false);
	}
	return sqlite3_total_changes(h) - before;
}

static void
sql_sha256(sqlite3_context *c, int n, sqlite3_value **a)
{
	unsigned char h[32];
	struct buf b;

	buf_init(&b, v.cx.arena, MiB);
	for (int i = 0; i < n; i++)
		buf_add(&b, (str){ sqlite3_value_blob(a[i]), (size_t)sqlite3_value_bytes(a[i]) });
	t_sha256(buf_str(&b), h);
	sqlite3_result_blob(c, h, 32, SQLITE_TRANSIENT);
}

/* With sha256(...) in SQL, for who knows how the chain is made. */
static sqlite3 *
open_raw(void)
{
	sqlite3 *h;

	assert_int_equal(sqlite3_open(in_dir("ward.db"), &h), SQLITE_OK);
	assert_int_equal(sqlite3_create_function(h, "sha256", -1, SQLITE_UTF8, NULL, sql_sha256, NULL, NULL), SQLITE_OK);
	return h;
}

static bool
is_said(int64_t bad_seq, const char *why, const char *what)
{
	struct trail_verdict out = {0};
	enum err e = trail_verify(&v.cx, &out);
	bool good = e == OK && out.ok == (why == NULL) && (out.ok || (out.bad_seq == bad_seq && strcmp(out.why, why) == 0));

	if (!good)
		print_message("%s\n\t%s: %s, %lld %s, wanted %lld %s\n", what, err_name(e), e == OK && out.ok ? "ok" : "wrong",
		    (long long)out.bad_seq, out.why != NULL ? out.why : "-", (long long)bad_seq, why != NULL ? why : "ok");
	return good;
}

/* What the verifier says, as the last thing before the end. */
static void
says(int64_t bad_seq, const char *why, const char *what)
{
	bool good = is_said(bad_seq, why, what);

	if (!good)
		env_stop(&v);
	assert_true(good);
}

/* Runs the statement on `im`; then what the verifier says of it. */
static void
try_sql(const struct image *im, const char *sql, int64_t bad_seq, const char *why)
{
	sqlite3 *h;

	put_image(im);
	ctx_init(&v.cx, &v.d.sys, 1);
	h = open_raw();
	assert_true(altered_rows(h, sql) > 0);
	sqlite3_close(h);
	ctx_done(&v.cx);
	env_start(&v);
	says(bad_seq, why, sql);
	env_stop(&v);
}

static void
untouched_is_ok(void **state UNUSED)
{
	put_image(&base);
	env_start(&v);
	assert_false(v.locked);
	says(0, NULL, "untouched");
	env_stop(&v);
	put_image(&old);
	unlink(v.witness);
	env_start(&v);
	says(OLD, "the witness is missing", "the older one, no witness") ;
	env_stop(&v);
}

/* Every column of the first, a middle and the last event. */
static const struct { const char *why, *set; bool any; const char *says; } columns[] = {
	{ "account",                     "account_id = 2",                           true,  "event missing" },
	{ "lane",                        "lane = 2",                                 true,  "event missing" },
	{ "seq",                         "seq = seq + 1000",                         true,  "event missing" },
	{ "at",                          "at = at + 1",                              true,  "event altered" },
	{ "at, backwards",               "at = at - 1",                              true,  "event altered" },
	{ "kind",                        "kind = 3 - kind",                          true,  "event altered" },
	{ "actor",                       "actor_id = 8",                             true,  "event altered" },
	{ "action",                      "action = 'ticket.show'",                   true,  "event altered" },
	{ "action, empty",               "action = ''",                              true,  "event altered" },
	{ "action becomes a checkpoint", "action = 'trail.checkpoint', object_id = 1", true, "event altered" },
	{ "object",                      "object = 'user'",                          true,  "event altered" },
	{ "object id",                   "object_id = 99",                           true,  "event altered" },
	{ "object id, none",             "object_id = NULL",                         true,  "event altered" },
	{ "parent",                      "parent = 1",                               true,  "event altered" },
	{ "the line: a digit",           "canonical = replace(canonical, '\"actor\":7', '\"actor\":8')", true, "event altered" },
	{ "the line: a blank",           "canonical = canonical || ' '",             true,  "event altered" },
	{ "the line: another member",    "canonical = replace(canonical, '\"kind\"', '\"x\":1,\"kind\"')", true, "event altered" },
	{ "the line: empty",             "canonical = ''",                           true,  "event altered" },
	{ "the line: no JSON",           "canonical = 'x'",                          true,  "event altered" },
	{ "the line: of another kind",   "canonical = X'00ff'",                      true,  "event cannot be read" },
	{ "the line and the column",     "actor_id = 8, canonical = replace(canonical, '\"actor\":7', '\"actor\":8')", true,
	  "event altered" },
	{ "the line: a commitment",      "canonical = replace(canonical, '\"a\":\"', '\"a\":\"A')", true, "event altered" },
	{ "hash",                        "hash = zeroblob(32)",                      true,  "event altered" },
	{ "hash, shorter",               "hash = substr(hash, 1, 31)",               true,  "event altered" },
	{ "hash, empty",                 "hash = zeroblob(0)",                       true,  "event altered" },
	{ "hash, a number",              "hash = 5",                                 true,  "event cannot be read" },
	{ "values, gone",                "vals = NULL",                              true,  "values altered" },
	{ "values, gone with the key",   "vals = NULL, vals_key = NULL",             true,  "values altered" },
	{ "values, empty",               "vals = zeroblob(0)",                       true,  "values altered" },
	{ "values, other bytes",         "vals = zeroblob(length(vals))",            true,  "values altered" },
	{ "values, a byte more",         "vals = CAST(vals || X'00' AS BLOB)",       true,  "values altered" },
	{ "values, a key that is not there", "vals = CAST(X'e7030000000000' || substr(vals, 8) AS BLOB)", true, "values altered" },
	{ "key",                         "vals_key = 3",                             true,  "values altered" },
	{ "key, none",                   "vals_key = NULL",                          true,  "values altered" },
	{ "resealed: a later event",     "resealed = 18",                            true,  "values altered" },
	{ "resealed: itself",            "resealed = seq",                           true,  "values altered" },
	{ "resealed: not there",         "resealed = 500",                           true,  "values altered" },
	{ "resealed: of another kind",   "resealed = 'x'",                           true,  "event cannot be read" },
	{ "resealed, erased by it",      "resealed = 18, vals = NULL, vals_key = NULL", true, "values altered" },
};

static void
column_row(void **state)
{
	static const int places[] = { 1, 10, LAST };
	size_t i = ROW(state);

	for (size_t p = 0; p < COUNT(places); p++) {
		const char *why = columns[i].says;
		char sql[300];
		if (places[p] == LAST && strcmp(why, "event missing") == 0)
			why = "truncated";
		snprintf(sql, sizeof(sql), "UPDATE trail SET %s WHERE account_id = 1 AND seq = %d", columns[i].set, places[p]);
		try_sql(&base, sql, places[p], why);
	}
}

/* To forge the chain from event `k` on: no key is needed for that. */
#define RECHAIN(k) \
	"WITH RECURSIVE c(seq, hash) AS (SELECT seq, hash FROM trail WHERE seq = " #k " - 1 UNION ALL" \
	" SELECT t.seq, sha256(c.hash, CAST(t.canonical AS BLOB)) FROM trail t JOIN c ON t.seq = c.seq + 1)" \
	" UPDATE trail SET hash = (SELECT hash FROM c WHERE c.seq = trail.seq) WHERE seq >= " #k ";"
#define FORGE(k) \
	"UPDATE trail SET actor_id = 8, canonical = replace(canonical, '\"actor\":7', '\"actor\":8') WHERE seq = " #k ";"
#define HEAD_TO(k) "UPDATE trail_head SET seq = " #k ", hash = (SELECT hash FROM trail WHERE seq = " #k ");"
#define CUT_BEHIND(k) "DELETE FROM trail WHERE seq > " #k ";"

static const struct { const char *why, *sql; int64_t bad_seq; const char *says; } rows[] = {
	/* events: taken away, added, moved */
	{ "the first event taken away",  "DELETE FROM trail WHERE seq = 1", 1, "event missing" },
	{ "a middle event taken away",   "DELETE FROM trail WHERE seq = 10", 10, "event missing" },
	{ "the last event taken away",   "DELETE FROM trail WHERE seq = 25", 25, "truncated" },
	{ "several taken away",          "DELETE FROM trail WHERE seq BETWEEN 8 AND 12", 8, "event missing" },
	{ "all taken away",              "DELETE FROM trail", 1, "truncated" },
	{ "an event taken away, the rest moved up",
	  "DELETE FROM trail WHERE seq = 22; UPDATE trail SET seq = -seq WHERE seq > 22; UPDATE trail SET seq = -seq - 1 WHERE seq < 0",
	  22, "event altered" },
	{ "an event added in the middle, the rest moved down",
	  "UPDATE trail SET seq = -seq - 1 WHERE seq > 22; UPDATE trail SET seq = -seq WHERE seq < 0;"
	  "INSERT INTO trail SELECT account_id, lane, 23, at, kind, actor_id, action, object, object_id, parent, canonical, hash,"
	  " vals, vals_key, resealed FROM trail WHERE seq = 22", 23, "event altered" },
	{ "an event added at the end",
	  "INSERT INTO trail SELECT account_id, lane, 26, at, kind, actor_id, action, object, object_id, parent, canonical, hash,"
	  " vals, vals_key, resealed FROM trail WHERE seq = 25", 26, "event inserted" },
	{ "an event added in front",
	  "INSERT INTO trail SELECT account_id, lane, -3, at, kind, actor_id, action, object, object_id, parent, canonical, hash,"
	  " vals, vals_key, resealed FROM trail WHERE seq = 1", -3, "event inserted" },
	{ "an event added in another lane",
	  "INSERT INTO trail SELECT account_id, 2, seq, at, kind, actor_id, action, object, object_id, parent, canonical, hash,"
	  " vals, vals_key, resealed FROM trail WHERE seq = 1", 26, "event inserted" },
	{ "two neighbours swapped",
	  "UPDATE trail SET seq = 900 WHERE seq = 10; UPDATE trail SET seq = 10 WHERE seq = 11; UPDATE trail SET seq = 11 WHERE seq = 900",
	  10, "event altered" },
	{ "the first and the last swapped",
	  "UPDATE trail SET seq = 900 WHERE seq = 1; UPDATE trail SET seq = 1 WHERE seq = 25; UPDATE trail SET seq = 25 WHERE seq = 900",
	  1, "event altered" },
	{ "the lines of two events swapped",
	  "UPDATE trail SET canonical = (SELECT canonical FROM trail t WHERE t.seq = 22 - trail.seq) WHERE seq IN (10, 12)",
	  10, "event altered" },

	/* forged with knowledge of the chain, but without keys */
	{ "forged, its hash made again",  FORGE(10) "UPDATE trail SET hash = sha256((SELECT hash FROM trail t WHERE t.seq = 9),"
	  " CAST(canonical AS BLOB)) WHERE seq = 10", 11, "event altered" },
	{ "forged in front of a checkpoint, the chain made again", FORGE(10) RECHAIN(10), 16, "the chain is not what the checkpoint covers" },
	{ "forged behind the last checkpoint, the chain made again", FORGE(23) RECHAIN(23), 25, "the chain is not what the head says" },
	{ "the same, the head too", FORGE(23) RECHAIN(23) HEAD_TO(25), 26, "head altered" },

	/* the end cut off */
	{ "cut",                         CUT_BEHIND(23), 24, "truncated" },
	{ "cut behind a checkpoint",     CUT_BEHIND(21), 22, "truncated" },
	{ "cut in front of a checkpoint's event", CUT_BEHIND(20), 21, "truncated" },
	{ "cut, the head put there",     CUT_BEHIND(23) HEAD_TO(23), 24, "head altered" },
	{ "cut with the event of an erasure, the head put there", CUT_BEHIND(15) HEAD_TO(15), 2, "values altered" },
	{ "cut at a checkpoint's event, the head put there", CUT_BEHIND(20) HEAD_TO(20), 21, "truncated" },
	{ "the same with the checkpoint", CUT_BEHIND(20) HEAD_TO(20) "DELETE FROM trail_checkpoint WHERE seq = 20",
	  21, "head altered" },
	{ "all emptied", "DELETE FROM trail; DELETE FROM trail_checkpoint; DELETE FROM trail_head", 1,
	  "truncated: the witness has a later checkpoint" },
	{ "all but the head emptied", "DELETE FROM trail; DELETE FROM trail_checkpoint", 1, "truncated" },

	/* the head */
	{ "the head taken away",         "DELETE FROM trail_head", 26, "head missing" },
	{ "the head's seq, smaller",     "UPDATE trail_head SET seq = 24", 26, "head altered" },
	{ "the head's seq, greater",     "UPDATE trail_head SET seq = 9223372036854775807", 26, "head altered" },
	{ "the head's hash",             "UPDATE trail_head SET hash = zeroblob(32)", 26, "head altered" },
	{ "the head's hash, shorter",    "UPDATE trail_head SET hash = X'00'", 26, "head altered" },
	{ "the head's origin",           "UPDATE trail_head SET origin = 'ward/trail/1/0000000000000000'", 26, "head altered" },
	{ "the head's origin, endless",  "UPDATE trail_head SET origin = hex(zeroblob(5000))", 26, "head altered" },
	{ "how far the index goes",      "UPDATE trail_head SET indexed = 1", 26, "head altered" },
	{ "how far the witness goes",    "UPDATE trail_head SET witnessed = 0", 26, "head altered" },
	{ "the head's MAC",              "UPDATE trail_head SET mac = zeroblob(32)", 26, "head altered" },
	{ "the head's MAC, none",        "UPDATE trail_head SET mac = X''", 26, "head altered" },
	{ "the head in another account", "UPDATE trail_head SET account_id = 2", 26, "head missing" },

	/* checkpoints */
	{ "the first checkpoint taken away", "DELETE FROM trail_checkpoint WHERE number = 1", 5, "checkpoint missing" },
	{ "a middle checkpoint taken away", "DELETE FROM trail_checkpoint WHERE number = 2", 16, "checkpoint missing" },
	{ "the last checkpoint taken away", "DELETE FROM trail_checkpoint WHERE number = 3", 20, "checkpoint missing" },
	{ "all checkpoints taken away",  "DELETE FROM trail_checkpoint", 5, "checkpoint missing" },
	{ "a checkpoint and its event taken away", "DELETE FROM trail_checkpoint WHERE number = 2; DELETE FROM trail WHERE seq = 17",
	  17, "event missing" },
	{ "a note's text",               "UPDATE trail_checkpoint SET note = replace(note, 'number 2', 'number 7') WHERE number = 2",
	  16, "checkpoint altered" },
	{ "a note's signature",          "UPDATE trail_checkpoint SET note = substr(note, 1, length(note) - 9) || 'AAAAAAA=' || char(10)"
	  " WHERE number = 2", 16, "checkpoint altered" },
	{ "a note, empty",               "UPDATE trail_checkpoint SET note = '' WHERE number = 2", 16, "checkpoint altered" },
	{ "a note of another kind",      "UPDATE trail_checkpoint SET note = X'00' WHERE number = 2", 17, "event cannot be read" },
	{ "a checkpoint's seq",          "UPDATE trail_checkpoint SET seq = 15 WHERE number = 2", 16, "checkpoint altered" },
	{ "a checkpoint's number",       "UPDATE trail_checkpoint SET number = 9 WHERE number = 2", 16, "checkpoint missing" },
	{ "a checkpoint's account",      "UPDATE trail_checkpoint SET account_id = 2 WHERE number = 2", 16, "checkpoint missing" },
	{ "two notes swapped",           "UPDATE trail_checkpoint SET note = (SELECT note FROM trail_checkpoint c"
	  " WHERE c.number = 3 - trail_checkpoint.number) WHERE number < 3", 5, "checkpoint missing" },
	{ "an older note put in place",  "UPDATE trail_checkpoint SET note = (SELECT note FROM trail_checkpoint c WHERE c.number = 1)"
	  " WHERE number = 2", 16, "checkpoint out of order" },
	{ "a checkpoint added at the end", "INSERT INTO trail_checkpoint SELECT account_id, 4, seq, note FROM trail_checkpoint"
	  " WHERE number = 3", 26, "checkpoint inserted" },
	{ "a checkpoint added in front", "INSERT INTO trail_checkpoint SELECT account_id, 0, seq, note FROM trail_checkpoint"
	  " WHERE number = 1", 26, "checkpoint inserted" },

	/* values */
	{ "two events' values swapped",  "UPDATE trail SET vals = (SELECT vals FROM trail t WHERE t.seq = 22 - trail.seq)"
	  " WHERE seq IN (10, 12)", 10, "values altered" },
	{ "two looks' values swapped",   "UPDATE trail SET vals = (SELECT vals FROM trail t WHERE t.seq = 7 - trail.seq)"
	  " WHERE seq IN (3, 4)", 3, "values altered" },
	{ "erased values come back",     "UPDATE trail SET vals = (SELECT vals FROM trail t WHERE t.seq = 1), vals_key = 2"
	  " WHERE seq = 2", 2, "values altered" },
	{ "the note of their erasure taken away", "UPDATE trail SET resealed = NULL WHERE seq = 2", 2, "values altered" },
	{ "rewritten values taken away", "UPDATE trail SET vals = NULL, vals_key = NULL WHERE seq = 5", 5, "values altered" },
	{ "rewritten values, the other event's note", "UPDATE trail SET resealed = 18 WHERE seq = 5", 5, "values altered" },
	{ "rewritten values, another key", "UPDATE trail SET vals_key = 1 WHERE seq = 5", 5, "values altered" },
	{ "a checkpoint gets values",    "UPDATE trail SET vals = zeroblob(40) WHERE seq = 6", 6, "values altered" },

	/* posting blocks, where there are none yet */
	{ "a posting block added",       "INSERT INTO trail_block VALUES (1, 1, 'actor', 0, 0, 20, 1, X'00')", 25, "index altered" },
};

static void
sql_row(void **state)
{
	size_t i = ROW(state);

	try_sql(&base, rows[i].sql, rows[i].bad_seq, rows[i].says);
}

/* ---- older states ---------------------------------------------------------------------------------- */

/* The whole database as it was earlier, MACs and all: only the witness can know. */
static void
put_back_to_an_older_state(void **state UNUSED)
{
	put_image(&old);
	spit("witness", base.witness);
	env_start(&v);
	says(OLD + 1, "truncated: the witness has a later checkpoint", "an older state");
	env_stop(&v);
}

/* The end cut off and the head row of that time put back, which has a good MAC. */
static void
cut_with_an_older_head(void **state UNUSED)
{
	char sql[400];

	put_image(&old);
	ctx_init(&v.cx, &v.d.sys, 1);
	sqlite3 *h = open_raw();
	altered_rows(h, "ALTER TABLE trail_head RENAME TO older_head");
	sqlite3_close(h);
	str older = slurp("ward.db");
	ctx_done(&v.cx);
	spit("older.db", older);
	put_image(&base);
	ctx_init(&v.cx, &v.d.sys, 1);
	h = open_raw();
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS older; DELETE FROM trail WHERE seq > 16; DELETE FROM trail_head;"
	    "UPDATE trail SET vals = (SELECT vals FROM older.trail t WHERE t.seq = trail.seq), resealed = NULL,"
	    " vals_key = (SELECT vals_key FROM older.trail t WHERE t.seq = trail.seq);"
	    "INSERT INTO trail_head SELECT * FROM older.older_head; DELETE FROM trail_checkpoint WHERE seq >= 16", in_dir("older.db"));
	altered_rows(h, sql);
	sqlite3_close(h);
	ctx_done(&v.cx);
	env_start(&v);
	assert_false(v.locked);
	says(OLD + 1, "truncated: the witness has a later checkpoint", sql);
	env_stop(&v);
}

/* ---- the witness ----------------------------------------------------------------------------------- */

static str
replaced(str text, str from, str to)
{
	size_t at = str_find(text, from);

	assert_true(at != SIZE_MAX);
	return str_printf(kept, STR_F STR_F STR_F, STR_A(str_sub(text, 0, at)), STR_A(to),
	    STR_A(str_sub(text, at + from.n, text.n)));
}

static void
witness_says(str witness, int64_t bad_seq, const char *why, const char *what)
{
	put_image(&base);
	spit("witness", witness);
	env_start(&v);
	says(bad_seq, why, what);
	env_stop(&v);
}

static void
the_witness(void **state UNUSED)
{
	str w = base.witness, rest = w, line[3];

	for (int i = 0; i < 3; i++) {
		str l = str_cut(&rest, '\n');
		line[i] = (str){ l.p, l.n + 1 };
	}
	assert_int_equal(rest.n, 0);
	witness_says(str_sub(w, line[0].n, w.n), 0, NULL, "older lines moved elsewhere");
	witness_says(replaced(w, S("number 2"), S("number 3")), 20, "witness line missing", "a number");
	witness_says(replaced(w, S("lane 1 16"), S("lane 1 15")), 16, "the witness has another checkpoint", "a line");
	witness_says(replaced(w, line[1], S("")), 20, "witness line missing", "a line taken away");
	witness_says(str_sub(w, 0, line[0].n + line[1].n), LAST, "the witness was cut", "the last line taken away");
	witness_says(str_sub(w, 0, w.n - 20), LAST, "the witness was cut", "the last line torn, nothing follows");
	witness_says(S(""), LAST, "the witness was cut", "empty");
	witness_says(replaced(w, line[1], S("hello\n")), LAST, "witness altered", "other text");
	witness_says(str_printf(kept, STR_F "x", STR_A(w)), LAST, "witness altered", "text behind");
	witness_says(replaced(w, line[2], str_printf(kept, STR_F "\n" STR_F, STR_A(str_sub(line[2], 0, 100)), STR_A(line[2]))),
	    0, NULL, "a line that a crash tore and that was written again");
	witness_says(replaced(w, line[2], str_printf(kept, STR_F "X\n" STR_F, STR_A(str_sub(line[2], 0, 100)), STR_A(line[2]))),
	    LAST, "witness altered", "another torn line");
	put_image(&base);
	unlink(v.witness);
	env_start(&v);
	says(LAST, "the witness is missing", "no file");
	must(trail_checkpoint(&v.cx));           /* comes with all lines */
	says(0, NULL, "written again");
	env_stop(&v);
}

/* What a crash tore is written again with the next checkpoint. */
static void
a_torn_witness_is_mended(void **state UNUSED)
{
	put_image(&base);
	spit("witness", str_sub(base.witness, 0, base.witness.n - 20));
	env_start(&v);
	must(trail_checkpoint(&v.cx));
	says(0, NULL, "mended");
	env_stop(&v);
	put_image(&base);
	spit("witness", S("somebody else's file\n"));
	env_start(&v);
	assert_int_equal(trail_checkpoint(&v.cx), E_FAULT);
	assert_string_equal(v.cx.fail.why, "the witness holds something else");
	env_stop(&v);
}

/* ---- locked ---------------------------------------------------------------------------------------- */

static void
an_altered_head_locks(void **state UNUSED)
{
	static const char *const sql[] = { "UPDATE trail_head SET mac = zeroblob(32)", "DELETE FROM trail_head",
	    "DELETE FROM trail WHERE seq = 25", "UPDATE trail SET hash = zeroblob(32) WHERE seq = 25",
	    "UPDATE trail_head SET seq = 24", ("INSERT INTO trail SELECT account_id, lane, 26, at, kind, actor_id, action, object,"
	    " object_id, parent, canonical, hash, vals, vals_key, resealed FROM trail WHERE seq = 25") };

	for (size_t i = 0; i < COUNT(sql); i++) {
		struct trail_event *e;
		int n;
		put_image(&base);
		ctx_init(&v.cx, &v.d.sys, 1);
		sqlite3 *h = open_raw();
		assert_true(altered_rows(h, sql[i]) > 0);
		sqlite3_close(h);
		ctx_done(&v.cx);
		env_start(&v);
		assert_true(v.locked);
		assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), E_FAULT);
		assert_string_equal(v.cx.fail.why, "the trail's head does not match");
		fail_clear(&v.cx);
		assert_int_equal(trail_look(&v.cx, "ticket", (int64_t[]){ 1 }, 1, "subject"), E_FAULT);
		fail_clear(&v.cx);
		assert_int_equal(trail_list(&v.cx, &(struct trail_filter){0}, &e, &n), OK);
		env_stop(&v);
	}
}

/* Somebody else moves the head while this process runs: nothing more is written. */
static void
the_head_is_moved_meanwhile(void **state UNUSED)
{
	int64_t n = 0;

	put_image(&base);
	env_start(&v);
	sqlite3 *h = open_raw();
	altered_rows(h, "UPDATE trail_head SET seq = 3");
	sqlite3_close(h);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), E_FAULT);
	fail_clear(&v.cx);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), E_FAULT);
	fail_clear(&v.cx);
	must(trail_list(&v.cx, &(struct trail_filter){ .limit = 100 }, &(struct trail_event *){0}, &(int){0}));
	must(trail_count(&v.cx, &n));
	assert_int_equal(n, 3);
	env_stop(&v);
}

/* ---- a trail with posting blocks ------------------------------------------------------------------- */

static struct image large;
static int64_t block_last, large_last;

static enum err
many_in(struct ctx *cx, void *arg UNUSED)
{
	for (int i = 0; i < 500; i++)
		TRY(trail_append(cx, &(struct event){ .action = "ticket.update", .object = "ticket", .id = i + 1 }));
	return OK;
}

static void
make_large(void)
{
	env_open(&v);
	for (int i = 0; i < 18; i++) {
		must(store_write(&v.cx, many_in, NULL));
		if (i % 6 == 0)
			must(trail_checkpoint(&v.cx));
		arena_reset(v.cx.arena);
	}
	must(trail_count(&v.cx, &large_last));
	large = take_image();
}

static const struct { const char *why, *sql; int64_t block; const char *says; } blocks[] = {
	{ "a list altered",            "UPDATE trail_block SET postings = CAST(postings || X'00' AS BLOB) WHERE term = 'actor' AND first_seq = 1",
	  0, "index altered" },
	{ "a list of the second block", "UPDATE trail_block SET postings = X'00' WHERE term = 'object/ticket' AND first_seq > 1",
	  1, "index altered" },
	{ "a list taken away",         "DELETE FROM trail_block WHERE term = 'object/ticket' AND first_seq = 1", 0, "index altered" },
	{ "a list added",              "INSERT INTO trail_block SELECT account_id, lane, 'object/user', level, bucket, last_seq, first_seq, postings"
	  " FROM trail_block WHERE term = 'actor'", -1, "index altered" },
	{ "a block taken away",        "DELETE FROM trail_block WHERE first_seq = 1", 0, "index altered" },
	{ "the last block taken away", "DELETE FROM trail_block WHERE first_seq > 1", 1, "index altered" },
	{ "all blocks taken away",     "DELETE FROM trail_block", 0, "index altered" },
	{ "the mark of a block taken away", "DELETE FROM trail_block WHERE term = '' AND first_seq = 1", 0, "index altered" },
	{ "a list in another bucket",  "UPDATE trail_block SET bucket = 1 WHERE term = 'actor' AND first_seq = 1", 0, "index altered" },
	{ "a block in another level",  "UPDATE trail_block SET level = 2 WHERE first_seq = 1", 0, "index altered" },
	{ "a block in no level",       "UPDATE trail_block SET level = 9 WHERE first_seq = 1", 0, "index altered" },
	{ "a block begins later",      "UPDATE trail_block SET first_seq = 2 WHERE term = 'actor' AND first_seq = 1", 0, "index altered" },
};

static void
block_row(void **state)
{
	size_t i = ROW(state);

	try_sql(&large, blocks[i].sql, blocks[i].block < 0 ? large_last : blocks[i].block == 0 ? 1 : block_last + 1, blocks[i].says);
}

static void
across_pages(void **state UNUSED)
{
	static const int places[] = { 1, 999, 1000, 1001, 2000, 2001, 4096, 4500, 8999 };
	char sql[200];

	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(sql, sizeof(sql), "UPDATE trail SET actor_id = 8 WHERE seq = %d", places[i]);
		try_sql(&large, sql, places[i], "event altered");
		snprintf(sql, sizeof(sql), "DELETE FROM trail WHERE seq = %d", places[i]);
		try_sql(&large, sql, places[i], "event missing");
		snprintf(sql, sizeof(sql), "DELETE FROM trail WHERE seq >= %d", places[i]);
		try_sql(&large, sql, places[i], "truncated");
	}
}

static void
large_is_ok(void **state UNUSED)
{
	sqlite3_stmt *q;
	sqlite3 *h;

	put_image(&large);
	ctx_init(&v.cx, &v.d.sys, 1);
	h = open_raw();
	assert_int_equal(sqlite3_prepare_v2(h, "SELECT MIN(last_seq), COUNT(*) FROM trail_block WHERE term = ''", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	block_last = sqlite3_column_int64(q, 0);
	assert_int_equal(sqlite3_column_int(q, 1), 2);
	sqlite3_finalize(q);
	sqlite3_close(h);
	ctx_done(&v.cx);
	/* What walking 9,000 events leaves in the arena is less than a page of them. */
	env_start(&v);
	says(0, NULL, "large");          /* warms what is kept */
	size_t before = mallinfo2().uordblks;
	says(0, NULL, "large");
	assert_in_range(mallinfo2().uordblks, 0, before + 256 * KiB);
	env_stop(&v);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(columns) + COUNT(rows) + COUNT(blocks) + 16];
	size_t n = 0;

	make_base();
	make_large();
	ADD(t, n, untouched_is_ok);
	ADD_ROWS(t, n, columns, column_row);
	ADD_ROWS(t, n, rows, sql_row);
	ADD(t, n, put_back_to_an_older_state);
	ADD(t, n, cut_with_an_older_head);
	ADD(t, n, the_witness);
	ADD(t, n, a_torn_witness_is_mended);
	ADD(t, n, an_altered_head_locks);
	ADD(t, n, the_head_is_moved_meanwhile);
	ADD(t, n, large_is_ok);
	ADD_ROWS(t, n, blocks, block_row);
	ADD(t, n, across_pages);
	n = (size_t)RUN_ROWS("trail verify", t, n);
	arena_free(&kept);
	return (int)n;
}
