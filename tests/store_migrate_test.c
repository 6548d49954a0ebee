/* Migrations: forward in order, each whole or not at all, a newer database refused. */
#include "rows.h"

#include "db.h"

#define KEYS TOY_MIGRATION
#define ONE   { 2, DB_MAIN, "one",   S("CREATE TABLE one (id BIGINT NOT NULL PRIMARY KEY); INSERT INTO one VALUES (1)") }
#define TWO   { 5, DB_MAIN, "two",   S("INSERT INTO one VALUES (2); CREATE TABLE two (id BIGINT)") }
#define THREE { 9, DB_KEYS, "three", S("CREATE TABLE three (id BIGINT)") }
#define WRONG { 6, DB_MAIN, "wrong", S("INSERT INTO one VALUES (3); CREATE TABLE six (id BIGINT); INSERT INTO nowhere VALUES (1)") }
#define ENDS  { 6, DB_MAIN, "ends",  S("INSERT INTO one VALUES (3); COMMIT") }
#define LATE  { 3, DB_MAIN, "late",  S("INSERT INTO one VALUES (33)") }
#define EMPTY { 6, DB_MAIN, "empty", S("-- nothing to do any more") }

static const struct {
	const char *why;
	struct migration first[6];         /* opened with these, */
	enum err first_e;
	struct migration then[6];          /* closed, and opened with these */
	enum err e;
	const char *field;                 /* of the failure */
	int ones;                          /* rows in `one` afterwards */
} cases[] = {
	{ "new",                       { KEYS, ONE }, OK, { KEYS, ONE }, OK, NULL, 1 },
	{ "forward by two",            { KEYS, ONE }, OK, { KEYS, ONE, TWO, THREE }, OK, NULL, 2 },
	{ "all at once",               { KEYS, ONE, TWO, THREE }, OK, { KEYS, ONE, TWO, THREE }, OK, NULL, 2 },
	{ "one that came in between",  { KEYS, ONE, TWO }, OK, { KEYS, ONE, LATE, TWO }, OK, NULL, 3 },
	{ "one that does nothing",     { KEYS, ONE, TWO }, OK, { KEYS, ONE, TWO, EMPTY }, OK, NULL, 2 },
	{ "newer main",                { KEYS, ONE, TWO }, OK, { KEYS, ONE }, E_CONFLICT, "main", 2 },
	{ "newer keyring",             { KEYS, ONE, TWO, THREE }, OK, { KEYS, ONE, TWO }, E_CONFLICT, "keys", 2 },
	{ "wrong: nothing of it",      { KEYS, ONE, TWO }, OK, { KEYS, ONE, TWO, WRONG }, E_FAULT, "wrong", 2 },
	{ "wrong: those before stay",  { KEYS, ONE }, OK, { KEYS, ONE, TWO, WRONG }, E_FAULT, "wrong", 2 },
	{ "wrong, and then mended",    { KEYS, ONE, TWO, WRONG }, E_FAULT, { KEYS, ONE, TWO, EMPTY }, OK, NULL, 2 },
	{ "ends its transaction",      { KEYS, ONE }, OK, { KEYS, ONE, ENDS }, E_FAULT, "ends", -1 },
	{ "out of order",              { KEYS, ONE }, OK, { KEYS, TWO, ONE }, E_FAULT, "one", 1 },
	{ "the same number twice",     { KEYS, ONE }, OK, { KEYS, ONE, ONE }, E_FAULT, "one", 1 },
	{ "our own number",            { KEYS, ONE }, OK, { { 0, DB_MAIN, "zero", S("SELECT 1") } }, E_FAULT, "zero", 1 },
};

static int
count_of(const struct migration m[6])
{
	int n = 0;

	while (n < 6 && m[n].name != NULL)
		n++;
	return n;
}

static const struct stmt count_ones = { .name = "one.count", .sql = "SELECT count(*) FROM one", .out = "i" };
static const struct stmt any_six = {
	.name = "six.any", .sql = "SELECT count(*) FROM sqlite_master WHERE name = 'six'", .out = "i",
};

static void
run(void **state)
{
	size_t i = ROW(state);
	struct testdb d = {0};
	struct row r;
	struct ctx cx;

	db_mkdir(d.dir);
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(db_try(&d, &cx, cases[i].first, count_of(cases[i].first)), cases[i].first_e);
	store_close(&d.sys.store);
	fail_clear(&cx);

	assert_int_equal(db_try(&d, &cx, cases[i].then, count_of(cases[i].then)), cases[i].e);
	if (cases[i].e != OK) {
		assert_string_equal(cx.fail.field, cases[i].field);
		assert_null(d.sys.store);
	}
	store_close(&d.sys.store);
	fail_clear(&cx);

	if (cases[i].ones >= 0) {          /* look, with all that we know of */
		static const struct migration all[] = { KEYS, ONE, TWO, EMPTY, THREE };
		static const struct migration all_late[] = { KEYS, ONE, LATE, TWO, THREE };
		bool late = strcmp(cases[i].why, "one that came in between") == 0;
		int want = cases[i].ones + (cases[i].ones == 1);      /* TWO adds one, if it was not there */
		assert_int_equal(db_try(&d, &cx, late ? all_late : all, 5), OK);
		assert_int_equal(store_one(&cx, &count_ones, NO_ARGS, &r), OK);
		assert_int_equal(row_int(&r, 0), want);
		assert_int_equal(store_one(&cx, &any_six, NO_ARGS, &r), OK);
		assert_int_equal(row_int(&r, 0), 0);
	}
	ctx_done(&cx);
	db_close(&d);
}

static void
paths_that_cannot_be_opened(void **state)
{
	struct store_conf conf = { .main_path = "/nonexistent/ward.db", .keys_path = "/nonexistent/keys.db" };
	struct testdb d = {0};
	struct ctx cx;

	(void)state;
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(store_open(&cx, &conf, &d.sys.store), E_FAULT);
	assert_null(d.sys.store);
	fail_clear(&cx);
	conf.lock_path = "/nonexistent/lock";
	assert_int_equal(store_open(&cx, &conf, &d.sys.store), E_FAULT);
	assert_string_equal(cx.fail.field, "lock");
	ctx_done(&cx);
}

static void
a_file_that_is_no_database(void **state)
{
	struct testdb d = {0};
	struct ctx cx;

	(void)state;
	db_mkdir(d.dir);
	ctx_init(&cx, &d.sys, 1);
	assert_int_equal(file_write(&cx, str_printf(cx.arena, "%s/ward.db", d.dir).p,
	    S("this is a letter to the editor, not a database, and long enough to be read as a page header\n"), 0600), OK);
	assert_int_equal(db_try(&d, &cx, NULL, 0), E_FAULT);
	assert_string_equal(cx.fail.why, "the file is no database");
	ctx_done(&cx);
	db_remove(d.dir);
}

int
main(void)
{
	static struct CMUnitTest t[32];
	size_t n = 0;

	ADD_ROWS(t, n, cases, run);
	ADD(t, n, paths_that_cannot_be_opened);
	ADD(t, n, a_file_that_is_no_database);
	return RUN_ROWS("store migrate", t, n);
}
