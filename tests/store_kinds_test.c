/* Statements: kinds of arguments and columns, NULL, sealing, blind indexes,
 * what each refusal is, and what store_prepare() finds at start. */
#include "rows.h"

#include "db.h"

static struct testdb d;
static struct ctx cx;

/* ---- the table and its statements ------------------------------------------------------------------ */

static const char schema[] =
	"CREATE TABLE person (account_id BIGINT NOT NULL, id BIGINT NOT NULL, age BIGINT, nick TEXT,"
	" photo BYTEA, name BYTEA, email_x BYTEA, friend_id BIGINT,"
	" PRIMARY KEY (account_id, id), UNIQUE (account_id, email_x), CHECK (age >= 0),"
	" FOREIGN KEY (account_id, friend_id) REFERENCES person (account_id, id));"
	"CREATE TABLE pet (account_id BIGINT NOT NULL, id BIGINT NOT NULL, owner_id BIGINT NOT NULL,"
	" PRIMARY KEY (account_id, id), FOREIGN KEY (account_id, owner_id) REFERENCES person (account_id, id)"
	" DEFERRABLE INITIALLY DEFERRED);";

static const struct stmt insert = {
	.name = "person.insert",
	.sql  = "INSERT INTO person (account_id, id, age, nick, photo, name, email_x, friend_id)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.in = "iii?t?b?S?X?i?",
	.seal_in = { { "person", "name", 1 } },
	.blind = { "person.email" },
};
static const struct stmt get = {
	.name = "person.get",
	.sql  = "SELECT name, age, nick, photo, id FROM person WHERE account_id = $1 AND id = $2",
	.in = "ii", .out = "S?i?t?b?i",
	.seal_out = { { "person", "name", 4 } },
};
static const struct stmt by_email = {
	.name = "person.by_email",
	.sql  = "SELECT id FROM person WHERE account_id = $1 AND email_x = $2",
	.in = "iX", .out = "i",
	.blind = { "person.email" },
};
static const struct stmt list = {
	.name = "person.list",
	.sql  = "SELECT id, name, nick FROM person WHERE account_id = $2 AND id >= $1 ORDER BY id",   /* $2 first */
	.in = "ii", .out = "iS?t?",
	.seal_out = { { "person", "name", 0 } },
};
static const struct stmt rename_person = {
	.name = "person.rename",
	.sql  = "UPDATE person SET nick = $3 WHERE account_id = $1 AND id >= $2",
	.in = "iit",
};
static const struct stmt returning = {
	.name = "person.returning",
	.sql  = "UPDATE person SET age = age + 1 WHERE account_id = $1 AND id = $2 RETURNING age",
	.in = "ii", .out = "i",
};
static const struct stmt swap_seal = {
	.name = "person.swap",
	.sql  = "UPDATE person SET name = (SELECT p.name FROM person p WHERE p.account_id = $1 AND p.id = $3)"
	        " WHERE account_id = $1 AND id = $2",
	.in = "iii",
};
static const struct stmt raw_name = {
	.name = "person.raw_name",
	.sql  = "SELECT name FROM person WHERE account_id = $1 AND id = $2",
	.in = "ii", .out = "b?",
};
static const struct stmt pet_insert = {
	.name = "pet.insert",
	.sql  = "INSERT INTO pet (account_id, id, owner_id) VALUES ($1, $2, $3)",
	.in = "iii",
};
static const struct stmt bad_not_null = {
	.name = "bad.not_null", .sql = "SELECT age FROM person WHERE account_id = $1 AND id = $2", .in = "ii", .out = "i",
};
static const struct stmt bad_text = {
	.name = "bad.text", .sql = "SELECT id FROM person WHERE account_id = $1 AND id = $2", .in = "ii", .out = "t",
};
static const struct stmt bad_real = {
	.name = "bad.real", .sql = "SELECT 1.5 WHERE $1 = $2", .in = "ii", .out = "i",
};
static const struct stmt nothing_in = {
	.name = "nothing.in", .sql = "SELECT count(*) FROM person", .out = "i",
};

static enum err
run(struct ctx *c, void *arg)
{
	struct { const struct stmt *st; const struct arg *a; int n; int64_t changed; } *r = arg;

	return store_exec(c, r->st, r->a, r->n, &r->changed);
}

/* A statement that writes, in a transaction of its own. */
static enum err
write_one(const struct stmt *st, const struct arg *a, int n, int64_t *changed)
{
	struct { const struct stmt *st; const struct arg *a; int n; int64_t changed; } r = { st, a, n, -1 };
	enum err e;

	fail_clear(&cx);
	e = store_write(&cx, run, &r);
	if (changed != NULL)
		*changed = r.changed;
	return e;
}

static enum err
new_key(struct ctx *c, void *arg)
{
	return store_key_new(c, arg);
}

static int
setup(void **state UNUSED)
{
	static const struct migration m[] = { { 2, DB_MAIN, "person", { schema, sizeof(schema) - 1 } },
		{ 3, DB_KEYS, "toy", S("CREATE TABLE toy_key (account_id BIGINT NOT NULL, key_id BIGINT NOT NULL,"
		" wrapped BYTEA NOT NULL, PRIMARY KEY (account_id, key_id))") } };
	static char main_path[80], keys_path[80];
	struct store_conf conf = { .main_path = main_path, .keys_path = keys_path, .readers = 2,
	    .migrations = m, .migration_count = 2 };

	db_mkdir(d.dir);
	snprintf(main_path, sizeof(main_path), "%s/ward.db", d.dir);
	snprintf(keys_path, sizeof(keys_path), "%s/keys.db", d.dir);
	d.sys = (struct sys){ .codec = &toy_codec };
	ctx_init(&cx, &d.sys, 1);
	return store_open(&cx, &conf, &d.sys.store) == OK ? 0 : -1;
}

static int
teardown(void **state UNUSED)
{
	ctx_done(&cx);
	store_close(&d.sys.store);
	return d.sys.store == NULL ? 0 : -1;
}

static void
empty_all(void)
{
	static const struct stmt clear = { .name = "person.clear", .sql = "DELETE FROM person" };
	assert_int_equal(write_one(&clear, NO_ARGS, NULL), OK);
}

static sensitive
secret(const char *z)
{
	return HIDE(str_of(z));
}

/* ---- arguments ------------------------------------------------------------------------------------- */

#define A(...) .a = { __VA_ARGS__ }, .n = (int)COUNT(((const struct arg[]){ __VA_ARGS__ }))
#define TXT(z) { .kind = ARG_TEXT, .s = { z, sizeof(z) - 1 } }
#define BYT(z) { .kind = ARG_BYTES, .s = { z, sizeof(z) - 1 } }
#define SEA(z) { .kind = ARG_SEALED, .i = 1, .s = { z, sizeof(z) - 1 } }
#define BLI(z) { .kind = ARG_BLIND, .s = { z, sizeof(z) - 1 } }
#define NUM(v) { .kind = ARG_INT, .i = v }
#define NUL    { .kind = ARG_NULL }

static const struct {
	const char *why;
	struct arg a[9];
	int n;
	enum err e;
} inserts[] = {
	{ "all given",                A(NUM(1), NUM(1), NUM(30), TXT("bo"), BYT("\0\1"), SEA("Bo Lind"), BLI("bo@x.example"), NUL), OK },
	{ "all NULL that may be",     A(NUM(1), NUM(1), NUL, NUL, NUL, NUL, NUL, NUL), OK },
	{ "empty is not NULL",        A(NUM(1), NUM(1), NUM(0), TXT(""), BYT(""), SEA(""), BLI(""), NUL), OK },
	{ "too few",                  A(NUM(1), NUM(1), NUM(1)), E_FAULT },
	{ "too many",                 A(NUM(1), NUM(1), NUL, NUL, NUL, NUL, NUL, NUL, NUM(1)), E_FAULT },
	{ "NULL where none may be",   A(NUM(1), NUL, NUL, NUL, NUL, NUL, NUL, NUL), E_FAULT },
	{ "text for an integer",      A(NUM(1), NUM(1), TXT("1"), NUL, NUL, NUL, NUL, NUL), E_FAULT },
	{ "integer for a text",       A(NUM(1), NUM(1), NUL, NUM(1), NUL, NUL, NUL, NUL), E_FAULT },
	{ "text for bytes",           A(NUM(1), NUM(1), NUL, NUL, TXT("x"), NUL, NUL, NUL), E_FAULT },
	{ "plain text for a sealed",  A(NUM(1), NUM(1), NUL, NUL, NUL, TXT("Bo Lind"), NUL, NUL), E_FAULT },
	{ "plain bytes for a sealed", A(NUM(1), NUM(1), NUL, NUL, NUL, BYT("Bo Lind"), NUL, NUL), E_FAULT },
	{ "sealed for a text",        A(NUM(1), NUM(1), NUL, SEA("Bo"), NUL, NUL, NUL, NUL), E_FAULT },
	{ "plain text for a blind",   A(NUM(1), NUM(1), NUL, NUL, NUL, NUL, TXT("bo@x.example"), NUL), E_FAULT },
	{ "breaks a check",           A(NUM(1), NUM(1), NUM(-1), NUL, NUL, NUL, NUL, NUL), E_INVALID },
	{ "breaks a foreign key",     A(NUM(1), NUM(1), NUL, NUL, NUL, NUL, NUL, NUM(99)), E_INVALID },
	{ "the same id again",        A(NUM(1), NUM(7), NUL, NUL, NUL, NUL, NUL, NUL), E_CONFLICT },
	{ "the same e-mail again",    A(NUM(1), NUM(1), NUL, NUL, NUL, NUL, BLI("seven@x.example"), NUL), E_CONFLICT },
	{ "sealed with no such key",  A(NUM(1), NUM(1), NUL, NUL, NUL, { .kind = ARG_SEALED, .i = 4711 }, NUL, NUL), E_ABSENT },
};

static int64_t key_one;            /* the data key 1 */

static void
insert_row(void **state)
{
	size_t i = ROW(state);

	empty_all();
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(7), NIL, NIL, NIL, NIL, BLIND(secret("seven@x.example")), NIL),
	    NULL), OK);
	assert_int_equal(write_one(&insert, inserts[i].a, inserts[i].n, NULL), inserts[i].e);
	assert_int_equal(cx.fail.code, inserts[i].e);
	if (inserts[i].e == E_FAULT || inserts[i].e == E_CONFLICT || inserts[i].e == E_INVALID)
		assert_string_equal(cx.fail.field, "person.insert");
}

static void
what_was_written_is_read(void **state UNUSED)
{
	struct row r;

	for (size_t i = 0; i < 3; i++) {
		empty_all();
		assert_int_equal(write_one(&insert, inserts[i].a, inserts[i].n, NULL), OK);
		assert_int_equal(store_one(&cx, &get, ARGS(INT(1), INT(1)), &r), OK);
		assert_int_equal(r.n, 5);
		assert_int_equal(row_int(&r, 4), 1);
		for (int c = 0; c < 4; c++) {
			static const int from[] = { 5, 2, 3, 4 };      /* the argument of each column */
			const struct arg *a = &inserts[i].a[from[c]];
			assert_int_equal(row_null(&r, c), a->kind == ARG_NULL);
			assert_false(row_erased(&r, c));
			if (c != 1)
				assert_true(str_eq(r.cell[c].s, a->s));
		}
		assert_int_equal(row_int(&r, 1), inserts[i].a[2].i);
	}
}

/* ---- sealing --------------------------------------------------------------------------------------- */

static bool
in_file(const char *name, str what)
{
	str bytes;
	const char *path = str_printf(cx.arena, "%s/%s", d.dir, name).p;

	assert_int_equal(file_read(&cx, path, 64 * MiB, &bytes), OK);
	return bytes.n > 0 && str_find(bytes, what) != SIZE_MAX;
}

static void
sealed_text_is_in_no_file(void **state UNUSED)
{
	empty_all();
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(1), NIL, TEXT(S("nick-canary-5517")), NIL,
	    SEALED(key_one, secret("name-canary-5517")), BLIND(secret("mail-canary-5517")), NIL), NULL), OK);
	struct row r;
	assert_int_equal(store_one(&cx, &raw_name, ARGS(INT(1), INT(1)), &r), OK);
	assert_true(row_str(&r, 0).n > strlen("name-canary-5517"));
	assert_true(in_file("ward.db-wal", row_str(&r, 0)));
	assert_true(in_file("ward.db-wal", S("nick-canary-5517")));       /* the search would find it */
	assert_false(in_file("ward.db-wal", S("name-canary-5517")));
	assert_false(in_file("ward.db-wal", S("mail-canary-5517")));
}

static struct { const char *table, *column; int64_t row; } sealed_to, opened_from;

static enum err
spy_seal(struct ctx *c, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed)
{
	sealed_to.table = table;
	sealed_to.column = column;
	sealed_to.row = row;
	return toy_seal(c, key, table, column, row, plain, sealed);
}

static enum err
spy_open(struct ctx *c, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	opened_from.table = table;
	opened_from.column = column;
	opened_from.row = row;
	return toy_open(c, table, column, row, sealed, plain);
}

static void
a_value_is_bound_to_its_place(void **state UNUSED)
{
	struct codec spy = toy_codec;
	struct row r;

	empty_all();
	spy.seal = spy_seal;
	spy.open = spy_open;
	d.sys.codec = &spy;
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(42), NIL, NIL, NIL, SEALED(key_one, secret("Ann Berg")), NIL, NIL), NULL), OK);
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(43), NIL, NIL, NIL, SEALED(key_one, secret("Cy Dahl")), NIL, NIL), NULL), OK);
	assert_string_equal(sealed_to.table, "person");
	assert_string_equal(sealed_to.column, "name");
	assert_int_equal(sealed_to.row, 43);
	assert_int_equal(store_one(&cx, &get, ARGS(INT(1), INT(42)), &r), OK);
	assert_string_equal(opened_from.table, "person");
	assert_string_equal(opened_from.column, "name");
	assert_int_equal(opened_from.row, 42);
	assert_true(str_eq(reveal(&cx, row_sensitive(&r, 0), TO_SCAN), S("Ann Berg")));
	d.sys.codec = &toy_codec;

	assert_int_equal(write_one(&swap_seal, ARGS(INT(1), INT(42), INT(43)), NULL), OK);
	assert_int_equal(store_one(&cx, &get, ARGS(INT(1), INT(42)), &r), E_FAULT);   /* 43's value does not open in 42 */
	fail_clear(&cx);
}

static void
a_destroyed_key_leaves_the_row_erased(void **state UNUSED)
{
	int64_t key = 0;
	struct row r;
	struct rows rows;

	empty_all();
	assert_int_equal(store_write(&cx, new_key, &key), OK);
	assert_int_not_equal(key, key_one);
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(1), INT(5), TEXT(S("a")), NIL, SEALED(key, secret("Eve Falk")), NIL, NIL), NULL), OK);
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(2), INT(5), TEXT(S("b")), NIL, SEALED(key_one, secret("Gil Holm")), NIL, NIL), NULL), OK);
	assert_int_equal(write_one(&toy_key_delete, ARGS(INT(1), INT(key)), NULL), OK);
	assert_int_equal(store_one(&cx, &get, ARGS(INT(1), INT(1)), &r), OK);
	assert_true(row_erased(&r, 0));
	assert_false(row_null(&r, 0));
	assert_int_equal(r.cell[0].s.n, 0);
	assert_int_equal(row_int(&r, 1), 5);
	assert_int_equal(cx.fail.code, OK);       /* an answer, not a failure */
	assert_int_equal(store_all(&cx, &list, ARGS(INT(1), INT(1)), &rows), OK);
	assert_int_equal(rows.count, 2);
	assert_true(row_erased(&rows.row[0], 1));
	assert_false(row_erased(&rows.row[1], 1));
	assert_true(str_eq(rows.row[1].cell[1].s, S("Gil Holm")));
}

static int64_t to_destroy;

/* Opens the value, and then somebody destroys a key. */
static enum err
meddling_open(struct ctx *c, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	struct { const struct stmt *st; const struct arg *a; int n; int64_t changed; } r = { &toy_key_delete, ARGS(INT(1), INT(to_destroy)), -1 };
	struct ctx other;

	TRY(toy_open(c, table, column, row, sealed, plain));
	ctx_init(&other, &d.sys, 1);
	assert_int_equal(store_write(&other, run, &r), OK);
	ctx_done(&other);
	return OK;
}

/* One snapshot, which is taken and given back once; the next statement sees what happened since. */
static void
rows_are_opened_with_the_keys_of_one_moment(void **state UNUSED)
{
	struct codec meddling = toy_codec;
	struct rows rows;

	empty_all();
	assert_int_equal(store_write(&cx, new_key, &to_destroy), OK);
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(1), INT(5), TEXT(S("a")), NIL, SEALED(key_one, secret("Gil Holm")), NIL, NIL), NULL), OK);
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(2), INT(5), TEXT(S("b")), NIL, SEALED(to_destroy, secret("Eve Falk")), NIL, NIL), NULL), OK);
	meddling.open = meddling_open;
	d.sys.codec = &meddling;
	assert_int_equal(store_all(&cx, &list, ARGS(INT(1), INT(1)), &rows), OK);
	assert_int_equal(rows.count, 2);
	assert_false(row_erased(&rows.row[1], 1));
	d.sys.codec = &toy_codec;
	assert_int_equal(store_all(&cx, &list, ARGS(INT(1), INT(1)), &rows), OK);
	assert_true(row_erased(&rows.row[1], 1));
	assert_false(row_erased(&rows.row[0], 1));
}

static void
blind_finds_its_row(void **state UNUSED)
{
	struct row r;

	empty_all();
	for (int i = 1; i <= 3; i++)
		assert_int_equal(write_one(&insert, ARGS(INT(1), INT(i), NIL, NIL, NIL, NIL,
		    BLIND(HIDE(str_printf(cx.arena, "p%d@clinic.example", i))), NIL), NULL), OK);
	assert_int_equal(store_one(&cx, &by_email, ARGS(INT(1), BLIND(secret("p2@clinic.example"))), &r), OK);
	assert_int_equal(row_int(&r, 0), 2);
	assert_int_equal(store_one(&cx, &by_email, ARGS(INT(1), BLIND(secret("p4@clinic.example"))), &r), E_ABSENT);
	fail_clear(&cx);
}

static void
a_blob_of_the_caller(void **state UNUSED)
{
	str sealed, plain;

	assert_int_equal(store_seal(&cx, key_one, "segment", "blob", 9, S("terms"), &sealed), OK);
	assert_true(str_find(sealed, S("terms")) == SIZE_MAX);
	assert_int_equal(store_open_sealed(&cx, "segment", "blob", 9, sealed, &plain), OK);
	assert_true(str_eq(plain, S("terms")));
	assert_int_equal(store_open_sealed(&cx, "segment", "blob", 8, sealed, &plain), E_FAULT);
	fail_clear(&cx);
}

/* ---- reading and changing -------------------------------------------------------------------------- */

static void
fill(int count)
{
	empty_all();
	for (int i = 1; i <= count; i++)
		assert_int_equal(write_one(&insert, ARGS(INT(1), INT(i), INT(i), TEXT(str_printf(cx.arena, "nick %d", i)), NIL,
		    SEALED(key_one, HIDE(str_printf(cx.arena, "Person Number %d", i))), NIL, NIL), NULL), OK);
}

static void
all_rows_stay(void **state UNUSED)
{
	struct rows rows;

	fill(100);
	assert_int_equal(store_all(&cx, &list, ARGS(INT(11), INT(1)), &rows), OK);    /* $1 stands second in the text */
	assert_int_equal(rows.count, 90);
	for (int i = 0; i < rows.count; i++) {
		assert_int_equal(row_int(&rows.row[i], 0), i + 11);
		assert_true(str_eq(rows.row[i].cell[1].s, str_printf(cx.arena, "Person Number %d", i + 11)));
		assert_true(str_eq(row_str(&rows.row[i], 2), str_printf(cx.arena, "nick %d", i + 11)));
	}
	assert_int_equal(store_all(&cx, &list, ARGS(INT(1000), INT(1)), &rows), OK);
	assert_int_equal(rows.count, 0);
}

struct walk { int seen, stop_at; bool nested; };

static enum err
step(struct ctx *c, const struct row *r, void *arg)
{
	struct walk *w = arg;

	w->seen++;
	assert_int_equal(row_int(r, 0), w->seen);
	assert_true(str_eq(r->cell[1].s, str_printf(c->arena, "Person Number %d", w->seen)));
	if (w->nested) {                /* the same statement and a write inside the loop */
		struct rows rows;
		assert_int_equal(store_all(c, &list, ARGS(INT(row_int(r, 0)), INT(1)), &rows), OK);
		assert_int_equal(rows.row[0].cell[0].i, w->seen);
		assert_int_equal(write_one(&rename_person, ARGS(INT(1), INT(row_int(r, 0)), TEXT(S("new"))), NULL), OK);
		assert_true(str_eq(r->cell[1].s, str_printf(c->arena, "Person Number %d", w->seen)));
	}
	return w->seen == w->stop_at ? fail(c, E_LIMIT, NULL, "enough") : OK;
}

static void
each_row_in_turn(void **state UNUSED)
{
	struct walk w = {0};

	fill(40);
	assert_int_equal(store_each(&cx, &list, ARGS(INT(1), INT(1)), step, &w), OK);
	assert_int_equal(w.seen, 40);
	w = (struct walk){ .stop_at = 7 };
	assert_int_equal(store_each(&cx, &list, ARGS(INT(1), INT(1)), step, &w), E_LIMIT);
	assert_int_equal(w.seen, 7);
	fail_clear(&cx);
	w = (struct walk){ .nested = true };
	assert_int_equal(store_each(&cx, &list, ARGS(INT(1), INT(1)), step, &w), OK);
	assert_int_equal(w.seen, 40);
}

static void
one_means_one(void **state UNUSED)
{
	struct row r = { .n = 77 };

	fill(3);
	assert_int_equal(store_one(&cx, &list, ARGS(INT(9), INT(1)), &r), E_ABSENT);
	assert_int_equal(r.n, 77);
	fail_clear(&cx);
	assert_int_equal(store_one(&cx, &list, ARGS(INT(2), INT(1)), &r), E_FAULT);
	assert_int_equal(r.n, 77);
	assert_string_equal(cx.fail.field, "person.list");
	fail_clear(&cx);
	assert_int_equal(store_one(&cx, &list, ARGS(INT(3), INT(1)), &r), OK);
	assert_int_equal(store_one(&cx, &nothing_in, NO_ARGS, &r), OK);
	assert_int_equal(row_int(&r, 0), 3);
}

static void
changed_rows_are_counted(void **state UNUSED)
{
	int64_t n;

	fill(5);
	assert_int_equal(write_one(&rename_person, ARGS(INT(1), INT(4), TEXT(S("x"))), &n), OK);
	assert_int_equal(n, 2);
	assert_int_equal(write_one(&rename_person, ARGS(INT(1), INT(6), TEXT(S("x"))), &n), OK);
	assert_int_equal(n, 0);
}

static enum err
older(struct ctx *c, void *arg)
{
	struct row r;

	TRY(store_one(c, &returning, ARGS(INT(1), INT(2)), &r));
	*(int64_t *)arg = row_int(&r, 0);
	return OK;
}

static void
returning_gives_the_row(void **state UNUSED)
{
	int64_t age = 0;
	struct row r;

	fill(2);
	assert_int_equal(store_write(&cx, older, &age), OK);
	assert_int_equal(age, 3);
	assert_int_equal(store_one(&cx, &get, ARGS(INT(1), INT(2)), &r), OK);
	assert_int_equal(row_int(&r, 1), 3);
}

static void
no_write_outside_a_transaction(void **state UNUSED)
{
	struct row r;

	fill(2);
	assert_int_equal(store_exec(&cx, &rename_person, ARGS(INT(1), INT(1), TEXT(S("x"))), NULL), E_FAULT);
	fail_clear(&cx);
	assert_int_equal(store_one(&cx, &returning, ARGS(INT(1), INT(2)), &r), E_FAULT);
	fail_clear(&cx);
	assert_int_equal(store_one(&cx, &get, ARGS(INT(1), INT(2)), &r), OK);
	assert_int_equal(row_int(&r, 1), 2);
}

static void
columns_that_are_not_as_declared(void **state UNUSED)
{
	static const struct stmt *const all[] = { &bad_not_null, &bad_text, &bad_real };
	struct row r;

	empty_all();
	assert_int_equal(write_one(&insert, ARGS(INT(1), INT(1), NIL, NIL, NIL, NIL, NIL, NIL), NULL), OK);
	for (size_t i = 0; i < COUNT(all); i++) {
		assert_int_equal(store_one(&cx, all[i], ARGS(INT(1), INT(1)), &r), E_FAULT);
		assert_string_equal(cx.fail.field, all[i]->name);
		fail_clear(&cx);
	}
}

static void
a_deferred_foreign_key_fails_its_own_item(void **state UNUSED)
{
	fill(1);
	assert_int_equal(write_one(&pet_insert, ARGS(INT(1), INT(1), INT(99)), NULL), E_INVALID);
	assert_int_equal(write_one(&pet_insert, ARGS(INT(1), INT(1), INT(1)), NULL), OK);
	static const struct stmt clear = { .name = "pet.clear", .sql = "DELETE FROM pet" };
	assert_int_equal(write_one(&clear, NO_ARGS, NULL), OK);
}

/* ---- at start -------------------------------------------------------------------------------------- */

static const struct {
	const char *why;
	struct stmt st;
	enum err e;
} prepares[] = {
	{ "fine",                       { .name = "p.fine", .sql = "SELECT id FROM person WHERE id = $1", .in = "i", .out = "i" }, OK },
	{ "a column that is not there", { .name = "p.typo", .sql = "SELECT nmae FROM person", .out = "t" }, E_FAULT },
	{ "a text in double quotes",    { .name = "p.quotes", .sql = "SELECT id FROM person WHERE nick = \"bo\"", .out = "i" }, E_FAULT },
	{ "a parameter more",           { .name = "p.more", .sql = "SELECT id FROM person WHERE id = $1", .in = "ii", .out = "i" }, E_FAULT },
	{ "a parameter less",           { .name = "p.less", .sql = "SELECT id FROM person WHERE id = $1 AND age = $2", .in = "i", .out = "i" }, E_FAULT },
	{ "a parameter left out",       { .name = "p.out", .sql = "SELECT id FROM person WHERE id = $1 AND age = $3", .in = "ii", .out = "i" }, E_FAULT },
	{ "a column more",              { .name = "p.cols", .sql = "SELECT id, age FROM person", .out = "i" }, E_FAULT },
	{ "two statements",             { .name = "p.two", .sql = "SELECT id FROM person; SELECT 1", .out = "i" }, E_FAULT },
	{ "no statement",               { .name = "p.none", .sql = " -- nothing" }, E_FAULT },
	{ "a semicolon at the end",     { .name = "p.semi", .sql = "SELECT id FROM person; ", .out = "i" }, OK },
	{ "a kind there is not",        { .name = "p.kind", .sql = "SELECT id FROM person", .out = "q" }, E_FAULT },
	{ "blind in a result",          { .name = "p.xout", .sql = "SELECT email_x FROM person", .out = "X" }, E_FAULT },
	{ "sealed to nothing",          { .name = "p.seal", .sql = "SELECT name, id FROM person", .out = "Si" }, E_FAULT },
	{ "sealed to a text",           { .name = "p.seal_t", .sql = "SELECT name, nick FROM person", .out = "S?t?",
	                                  .seal_out = { { "person", "name", 1 } } }, E_FAULT },
	{ "sealed to a row outside",    { .name = "p.seal_o", .sql = "SELECT name, id FROM person", .out = "S?i",
	                                  .seal_out = { { "person", "name", 2 } } }, E_FAULT },
	{ "sealed well",                { .name = "p.seal_w", .sql = "SELECT name, id FROM person", .out = "S?i",
	                                  .seal_out = { { "person", "name", 1 } } }, OK },
	{ "blind without a name",       { .name = "p.blind", .sql = "SELECT id FROM person WHERE email_x = $1", .in = "X", .out = "i" }, E_FAULT },
	{ "a name that is taken",       { .name = "p.fine", .sql = "SELECT age FROM person", .out = "i?" }, E_FAULT },
};

static void
prepare_row(void **state)
{
	size_t i = ROW(state);
	const struct stmt *const all[] = { &prepares[0].st, &prepares[i].st, NULL };

	fail_clear(&cx);
	assert_int_equal(store_prepare(&cx, d.sys.store, all), prepares[i].e);
	if (prepares[i].e != OK)
		assert_string_equal(cx.fail.field, prepares[i].st.name);
	fail_clear(&cx);
}

/* An address that is used again for another text gets the other text's rows. */
static void
the_same_address_with_another_text(void **state UNUSED)
{
	struct stmt st = { .name = "same.address", .sql = "SELECT 1", .out = "i" };
	struct row r;

	assert_int_equal(store_one(&cx, &st, NO_ARGS, &r), OK);
	assert_int_equal(row_int(&r, 0), 1);
	st.sql = "SELECT 2";
	assert_int_equal(store_one(&cx, &st, NO_ARGS, &r), OK);
	assert_int_equal(row_int(&r, 0), 2);
}

static void
first_key(void **state UNUSED)
{
	assert_int_equal(store_write(&cx, new_key, &key_one), OK);
	assert_int_equal(key_one, 1);           /* the rows above use it by number */
}

int
main(void)
{
	static struct CMUnitTest t[128];
	size_t n = 0;

	ADD(t, n, first_key);
	ADD_ROWS(t, n, inserts, insert_row);
	ADD(t, n, what_was_written_is_read);
	ADD(t, n, sealed_text_is_in_no_file);
	ADD(t, n, a_value_is_bound_to_its_place);
	ADD(t, n, a_destroyed_key_leaves_the_row_erased);
	ADD(t, n, rows_are_opened_with_the_keys_of_one_moment);
	ADD(t, n, blind_finds_its_row);
	ADD(t, n, a_blob_of_the_caller);
	ADD(t, n, all_rows_stay);
	ADD(t, n, each_row_in_turn);
	ADD(t, n, one_means_one);
	ADD(t, n, changed_rows_are_counted);
	ADD(t, n, returning_gives_the_row);
	ADD(t, n, no_write_outside_a_transaction);
	ADD(t, n, columns_that_are_not_as_declared);
	ADD(t, n, a_deferred_foreign_key_fails_its_own_item);
	ADD_ROWS(t, n, prepares, prepare_row);
	ADD(t, n, the_same_address_with_another_text);
	return _cmocka_run_group_tests("store kinds", t, n, setup, teardown);
}
