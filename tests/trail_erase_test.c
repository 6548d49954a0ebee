/* Values erased and rewritten: gone for good, and the chain holds. */
#include <fcntl.h>

#include "rows.h"
#include "trail.h"

static void
verify_ok(struct env *v)
{
	struct trail_verdict o;

	assert_int_equal(trail_verify(&v->cx, &o), OK);
	if (!o.ok)
		print_message("verify: %lld %s\n", (long long)o.bad_seq, o.why);
	assert_true(o.ok);
}

static struct trail_event *
events(struct env *v, int *n)
{
	struct trail_event *e;

	assert_int_equal(trail_list(&v->cx, &(struct trail_filter){ .oldest_first = true, .limit = 10000 }, &e, n), OK);
	return e;
}

struct reseal { int64_t old, fresh; trail_rewrite *rewrite; void *arg; enum err then; bool destroy; };
static enum err
reseal_in(struct ctx *cx, void *arg)
{
	struct reseal *r = arg;

	TRY(trail_reseal(cx, r->old, r->fresh, r->rewrite, r->arg));
	if (r->destroy)
		TRY(store_key_destroy(cx, r->old));
	return r->then;
}

static enum err
reseal(struct env *v, struct reseal r)
{
	return store_write(&v->cx, reseal_in, &r);
}

/* Takes the name out, as a redaction does; notes the fields it was asked about. */
struct asked { char names[512]; };
static str
no_quince(struct ctx *cx, void *arg, const char *field, str value)
{
	struct asked *a = arg;
	size_t at = str_find(value, S("Quince")), n = strlen(a->names);

	snprintf(a->names + n, sizeof(a->names) - n, "%s ", field);
	if (at == SIZE_MAX)
		return value;
	return str_printf(cx->arena, STR_F "*" STR_F, STR_A(str_sub(value, 0, at)), STR_A(str_sub(value, at + 6, value.n)));
}

static void
erased_is_erased(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int64_t a, b;
	int n;

	env_open(&v);
	a = t_new_key(&v.cx);
	b = t_new_key(&v.cx);
	assert_int_equal(t_change(&v.cx, 42, a, S("Quince"), S("Mr Quince")), OK);
	assert_int_equal(t_change(&v.cx, 43, b, S("other"), S("another")), OK);
	assert_int_equal(t_change(&v.cx, 42, a, S("Quince again"), S("x")), OK);
	assert_int_equal(reseal(&v, (struct reseal){ .old = a, .destroy = true }), OK);
	assert_int_equal(store_erase(&v.cx), OK);
	e = events(&v, &n);
	assert_int_equal(n, 4);
	for (int i = 0; i < 3; i += 2) {
		assert_int_equal(e[i].field_count, 3);
		for (int k = 0; k < 3; k++)
			assert_true(e[i].field[k].erased && e[i].field[k].before.hidden.n == 0 && e[i].field[k].after.hidden.n == 0);
		assert_true(e[i].address.hidden.n == 0);
		assert_true(str_eq(e[i].field[1].name, S("subject")));
	}
	assert_true(str_eq(e[1].field[1].after.hidden, S("another")) && !e[1].field[1].erased);
	assert_true(str_eq(e[3].action, S("trail.reseal")) && e[3].object_id == a && e[3].actor_id == 7);
	verify_ok(&v);
	env_stop(&v);
	env_start(&v);
	assert_false(v.locked);
	verify_ok(&v);
	env_close(&v);
}

static void
rewritten_is_rewritten(void **state UNUSED)
{
	struct env v;
	struct asked asked = {0};
	struct trail_event *e;
	struct trail_verdict o;
	int64_t a, b, c;
	int n;
	char path[96];

	env_open(&v);
	a = t_new_key(&v.cx);
	b = t_new_key(&v.cx);
	c = t_new_key(&v.cx);
	assert_int_equal(t_change(&v.cx, 42, a, S("Quince"), S("Mr Quince, knee")), OK);
	assert_int_equal(t_change(&v.cx, 42, a, S("knee"), S("elbow")), OK);
	assert_int_equal(reseal(&v, (struct reseal){ .old = a, .fresh = b, .rewrite = no_quince, .arg = &asked, .destroy = true }), OK);
	assert_int_equal(store_erase(&v.cx), OK);
	assert_string_equal(asked.names, "status status subject subject @address @client status status subject subject @address @client ");
	e = events(&v, &n);
	assert_int_equal(n, 3);
	assert_true(str_eq(e[0].field[1].before.hidden, S("*")) && str_eq(e[0].field[1].after.hidden, S("Mr *, knee")));
	assert_true(str_eq(e[0].field[0].after.hidden, S("solved")) && str_eq(e[1].field[1].after.hidden, S("elbow")));
	assert_true(str_eq(e[0].address.hidden, S("192.0.2.17")));
	verify_ok(&v);

	/* Once more, to a third key; then everything of it goes. */
	assert_int_equal(reseal(&v, (struct reseal){ .old = b, .fresh = c }), OK);
	verify_ok(&v);
	e = events(&v, &n);
	assert_true(n == 4 && str_eq(e[0].field[1].after.hidden, S("Mr *, knee")));
	snprintf(path, sizeof(path), "%s/export", v.d.dir);
	for (int f = 0; f < 2; f++) {
		int64_t count;
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(trail_export(&v.cx, fd, f == 0 ? TRAIL_JSONL : TRAIL_CSV, true, &count), OK);
		close(fd);
		assert_int_equal(trail_verify_file(&v.cx, &t_crypto, path, NULL, &o), OK);
		assert_true(o.ok);
	}
	assert_int_equal(reseal(&v, (struct reseal){ .old = c }), OK);
	e = events(&v, &n);
	assert_true(e[0].field[1].erased && e[1].field[1].erased);
	verify_ok(&v);
	env_close(&v);
}

static enum err
destroy_in(struct ctx *cx, void *arg)
{
	return store_key_destroy(cx, *(int64_t *)arg);
}

static void
keys_destroyed_without_resealing(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int64_t a, b, month;
	int n;

	env_open(&v);
	a = t_new_key(&v.cx);
	b = t_new_key(&v.cx);
	assert_int_equal(t_change(&v.cx, 42, a, S("Quince"), S("Mr Quince")), OK);
	assert_int_equal(trail_look(&v.cx, "ticket", (int64_t[]){ 42 }, 1, "subject"), OK);
	month = b + 1;                  /* made by the look */
	assert_int_equal(store_write(&v.cx, destroy_in, &a), OK);
	assert_int_equal(store_erase(&v.cx), OK);
	e = events(&v, &n);
	assert_true(n == 2 && e[0].field[1].erased && e[0].address.hidden.n == 0 && e[1].address.hidden.n > 0);
	verify_ok(&v);
	/* Resealing what is gone already leaves it gone. */
	assert_int_equal(reseal(&v, (struct reseal){ .old = a, .fresh = b }), OK);
	e = events(&v, &n);
	assert_true(n == 3 && e[0].field[1].erased);
	verify_ok(&v);
	assert_int_equal(store_write(&v.cx, destroy_in, &month), OK);
	assert_int_equal(store_erase(&v.cx), OK);
	e = events(&v, &n);
	assert_true(e[1].address.hidden.n == 0 && e[1].client.hidden.n == 0);
	verify_ok(&v);
	env_close(&v);
}

static enum err
many_in(struct ctx *cx, void *arg)
{
	for (int i = 0; i < 1203; i++) {
		struct trail_field f = { .name = "subject", .after = SENSITIVE("Quince"), .has_after = true };
		TRY(trail_append(cx, &(struct event){ .action = "ticket.update", .object = "ticket", .id = 42, .key = *(int64_t *)arg,
		    .field = &f, .count = 1 }));
	}
	return OK;
}

static void
many_events_in_steps(void **state UNUSED)
{
	struct env v;
	struct asked asked = {0};
	struct trail_event *e;
	int64_t a, b;
	int n;

	env_open(&v);
	a = t_new_key(&v.cx);
	b = t_new_key(&v.cx);
	assert_int_equal(store_write(&v.cx, many_in, &a), OK);
	for (int i = 0; i < 3; i++) {   /* refused; lost at the commit; done */
		enum err want = i == 0 ? E_DENIED : i == 1 ? E_FAULT : OK;
		if (i == 1)
			store_fail_commit(v.d.sys.store, 1);
		assert_int_equal(reseal(&v, (struct reseal){ .old = a, .fresh = b, .rewrite = no_quince, .arg = &asked,
		    .then = i == 0 ? E_DENIED : OK }), want);
		fail_clear(&v.cx);
		e = events(&v, &n);
		assert_int_equal(n, i < 2 ? 1203 : 1206);
		for (int k = 0; k < 1203; k++)
			assert_true(str_eq(e[k].field[0].after.hidden, i < 2 ? S("Quince") : S("*")));
		verify_ok(&v);
		arena_reset(v.cx.arena);
	}
	env_close(&v);
}

static const struct { const char *why; int64_t old, fresh; } refused[] = {
	{ "the same key",         1, 1 },
	{ "the trail's own",      0, 1 },
	{ "a key below zero",     1, -1 },
	{ "a key that is not there", 1, 77 },
};

static void
refused_row(void **state)
{
	struct env v;

	env_open(&v);
	assert_int_equal(t_new_key(&v.cx), 1);
	assert_int_equal(t_change(&v.cx, 42, 1, S("a"), S("b")), OK);
	assert_int_not_equal(reseal(&v, (struct reseal){ .old = refused[ROW(state)].old, .fresh = refused[ROW(state)].fresh }), OK);
	fail_clear(&v.cx);
	verify_ok(&v);
	env_close(&v);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(refused) + 8];
	size_t n = 0;

	ADD(t, n, erased_is_erased);
	ADD(t, n, rewritten_is_rewritten);
	ADD(t, n, keys_destroyed_without_resealing);
	ADD(t, n, many_events_in_steps);
	ADD_ROWS(t, n, refused, refused_row);
	return RUN_ROWS("trail erase", t, n);
}
