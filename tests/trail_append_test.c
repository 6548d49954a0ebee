/* Appending, looking, rolling back, lists, many threads at once. */
#include "rows.h"
#include "trail.h"
#include "trail/part.h"

static void
verify_is(struct env *v, bool ok, int64_t events)
{
	struct trail_verdict out;

	assert_int_equal(trail_verify(&v->cx, &out), OK);
	if (out.ok != ok)
		print_message("verify: %lld %s\n", (long long)out.bad_seq, out.why);
	assert_true(out.ok == ok);
	if (ok)
		assert_int_equal(out.events, events);
}

static int64_t
count_of(struct env *v)
{
	int64_t n = -1;

	assert_int_equal(trail_count(&v->cx, &n), OK);
	return n;
}

/* ---- what an event says ---------------------------------------------------------------------------- */

static void
an_event_says_all(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int n;
	unsigned char h[32];
	struct buf b;

	env_open(&v);
	assert_int_equal(t_change(&v.cx, 42, 0, S("Frau M\xC3\xBCller, \"Knie\""), S("bytes \xFF\x00 raw")), OK);
	assert_int_equal(trail_look(&v.cx, "ticket", (int64_t[]){ 42, 43 }, 2, "subject,comments"), OK);
	assert_true(v.cx.looked);
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .oldest_first = true }, &e, &n), OK);
	assert_int_equal(n, 2);
	assert_true(e[0].seq == 1 && e[0].at == T0 && e[0].kind == TRAIL_CHANGE && e[0].actor_id == 7 && e[0].object_id == 42);
	assert_true(str_eq(e[0].action, S("ticket.update")) && str_eq(e[0].object, S("ticket")));
	assert_true(str_eq(e[0].role, S("agent")) && str_eq(e[0].how, S("token")));
	assert_true(str_eq(e[0].address.hidden, S("192.0.2.17")) && str_eq(e[0].client.hidden, S("Browser/1.0 (Alma's)")));
	assert_int_equal(e[0].field_count, 3);
	assert_true(str_eq(e[0].field[0].name, S("status")) && str_eq(e[0].field[0].before.hidden, S("open")) &&
	    str_eq(e[0].field[0].after.hidden, S("solved")) && e[0].field[0].has_before && e[0].field[0].has_after);
	assert_true(str_eq(e[0].field[1].before.hidden, S("Frau M\xC3\xBCller, \"Knie\"")) &&
	    str_eq(e[0].field[1].after.hidden, S("bytes \xFF\x00 raw")));
	assert_true(str_eq(e[0].field[2].name, S("comment.public")) && !e[0].field[2].has_after);
	assert_true(str_find(e[0].canonical, S("\"cause\":\"trigger:55\",\"request\":\"req-0001\",\"via\":\"api\"")) != SIZE_MAX);
	assert_true(str_find(e[0].canonical, S("solved")) == SIZE_MAX && str_find(e[0].canonical, S("192.0.2")) == SIZE_MAX &&
	    str_find(e[0].canonical, S("ller")) == SIZE_MAX);
	assert_true(e[1].kind == TRAIL_LOOK && e[1].id_count == 2 && e[1].ids[1] == 43 && str_eq(e[1].shown, S("subject,comments")));
	assert_true(str_eq(e[1].action, S("ticket.look")));

	/* The chain as DESIGN says it. */
	buf_init(&b, v.cx.arena, MiB);
	buf_add(&b, e[0].hash);
	buf_add(&b, e[1].canonical);
	t_sha256(buf_str(&b), h);
	assert_memory_equal(h, e[1].hash.p, 32);

	/* A commitment as trail.h says it: with the salt of the pack. */
	verify_is(&v, true, 2);
	env_close(&v);
}

static void
nothing_plain_on_disk(void **state UNUSED)
{
	static const char *const files[] = { "ward.db", "ward.db-wal", "keys.db", "keys.db-wal", "witness" };
	static const str secrets[] = { S("Canary-Quince"), S("192.0.2.17"), S("Browser/1.0"), S("kept elsewhere") };
	struct env v;
	size_t seen = 0;
	str all;

	env_open(&v);
	assert_int_equal(t_change(&v.cx, 42, t_new_key(&v.cx), S("Canary-Quince"), S("Canary-Quince 2")), OK);
	assert_int_equal(trail_look(&v.cx, "ticket", (int64_t[]){ 42 }, 1, "subject"), OK);
	assert_int_equal(trail_checkpoint(&v.cx), OK);
	for (size_t i = 0; i < COUNT(files); i++) {
		const char *path = str_printf(v.cx.arena, "%s/%s", v.d.dir, files[i]).p;
		if (file_read(&v.cx, path, 64 * MiB, &all) != OK)
			continue;
		seen += str_find(all, S("ticket.update")) != SIZE_MAX;
		for (size_t k = 0; k < COUNT(secrets); k++)
			assert_true(str_find(all, secrets[k]) == SIZE_MAX);
	}
	assert_true(seen > 0);
	env_close(&v);
}

/* ---- refusals -------------------------------------------------------------------------------------- */

static const struct trail_field f_at[] = { { .name = "@address", .after = SENSITIVE("x"), .has_after = true } };
static const struct trail_field f_none[] = { { .after = SENSITIVE("x"), .has_after = true } };
static const struct { const char *why; struct event e; } refused[] = {
	{ "no action",                 { .object = "ticket" } },
	{ "no object",                 { .action = "ticket.update" } },
	{ "an action that is no text", { .action = "\xFF", .object = "ticket" } },
	{ "a field of the trail's own", { .action = "a.b", .object = "a", .field = f_at, .count = 1 } },
	{ "a field without a name",    { .action = "a.b", .object = "a", .field = f_none, .count = 1 } },
	{ "a data key that is not there", { .action = "a.b", .object = "a", .key = 999 } },
};

static void
refused_row(void **state)
{
	struct env v;

	env_open(&v);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.first", .object = "a" }), OK);
	assert_int_not_equal(t_append(&v.cx, &refused[ROW(state)].e), OK);
	fail_clear(&v.cx);
	assert_int_equal(count_of(&v), 1);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.next", .object = "a" }), OK);
	verify_is(&v, true, 2);
	env_close(&v);
}

static enum err
inside(struct ctx *cx, void *arg)
{
	int64_t n;

	switch (*(int *)arg) {
	case 0:  return trail_checkpoint(cx);
	case 1:  return trail_export(cx, 1, TRAIL_JSONL, false, &n);
	default: return OK;
	}
}

static void
in_the_wrong_place(void **state UNUSED)
{
	struct env v;
	struct ctx other;
	int64_t n;

	env_open(&v);
	assert_int_equal(trail_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), E_FAULT);
	fail_clear(&v.cx);
	assert_int_equal(trail_reseal(&v.cx, 1, 0, NULL, NULL), E_FAULT);
	fail_clear(&v.cx);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_write(&v.cx, inside, &i), E_FAULT);
		fail_clear(&v.cx);
	}
	ctx_init(&other, &v.d.sys, 2);
	assert_int_equal(trail_look(&other, "ticket", (int64_t[]){ 1 }, 1, "subject"), E_FAULT);
	fail_clear(&other);
	assert_int_equal(trail_count(&other, &n), E_FAULT);
	ctx_done(&other);
	verify_is(&v, true, 0);
	env_close(&v);
}

static void
too_large_for_one_event(void **state UNUSED)
{
	struct env v;
	struct trail_field f = { .name = "blob", .has_after = true };
	char *p;

	env_open(&v);
	p = NEW(v.cx.arena, char, 5 * MiB);
	memset(p, 'x', 5 * MiB);
	f.after = HIDE(((str){ p, 5 * MiB }));
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a", .field = &f, .count = 1 }), E_LIMIT);
	fail_clear(&v.cx);
	f.commit_only = true;           /* then only the salt is kept */
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a", .field = &f, .count = 1 }), OK);
	verify_is(&v, true, 1);
	env_close(&v);
}

/* ---- looks ----------------------------------------------------------------------------------------- */

static enum err
change_and_look(struct ctx *cx, void *arg UNUSED)
{
	TRY(trail_append(cx, &(struct event){ .action = "a.b", .object = "a", .id = 1 }));
	return trail_look(cx, "a", (int64_t[]){ 1 }, 1, "x");
}

static void
looks(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int64_t ids[2500];
	int n;

	env_open(&v);
	for (size_t i = 0; i < COUNT(ids); i++)
		ids[i] = (int64_t)i + 1;
	assert_int_equal(trail_look(&v.cx, "ticket", ids, 2500, "subject"), OK);
	assert_int_equal(count_of(&v), 3);
	assert_int_equal(trail_look(&v.cx, "ticket", NULL, 0, "subject"), OK);
	v.cx.looked = false;
	assert_int_equal(store_write(&v.cx, change_and_look, NULL), OK);
	assert_true(v.cx.looked);
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .object = S("ticket"), .object_id = 2001 }, &e, &n), OK);
	assert_int_equal(n, 1);
	assert_true(e[0].seq == 3 && e[0].id_count == 500);
	verify_is(&v, true, 6);
	env_close(&v);
}

/* ---- going back ------------------------------------------------------------------------------------ */

struct some { int events; enum err then; };
static enum err
append_some(struct ctx *cx, void *arg)
{
	struct some *s = arg;

	for (int i = 0; i < s->events; i++) {
		struct trail_field f = { .name = "n", .after = SENSITIVE("value"), .has_after = true };
		TRY(trail_append(cx, &(struct event){ .action = "a.b", .object = "a", .id = i + 1, .field = &f, .count = 1 }));
	}
	return s->then;
}

static void
rolled_back_events_leave_no_gap(void **state UNUSED)
{
	struct env v;

	env_open(&v);
	/* The first one of all makes the month's key, too. */
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 3, E_INVALID }), E_INVALID);
	assert_int_equal(count_of(&v), 0);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 2, OK }), OK);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 3, E_INVALID }), E_INVALID);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), OK);
	verify_is(&v, true, 3);
	store_fail_commit(v.d.sys.store, 1);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 3, OK }), E_FAULT);
	fail_clear(&v.cx);
	verify_is(&v, true, 3);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), OK);
	verify_is(&v, true, 4);
	env_stop(&v);
	env_start(&v);
	assert_false(v.locked);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), OK);
	verify_is(&v, true, 5);
	env_close(&v);
}

static void
first_commit_fails(void **state UNUSED)
{
	struct env v;

	env_open(&v);
	store_fail_commit(v.d.sys.store, 1);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 2, OK }), E_FAULT);
	fail_clear(&v.cx);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 2, OK }), OK);
	verify_is(&v, true, 2);
	env_close(&v);
}

/* Every commit around the 10,000th event, where a checkpoint and index blocks
 * are written with it, fails once before it works. */
static void
commits_fail_around_blocks_and_checkpoints(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int64_t n = 0, checkpoint = 0;
	int got;

	env_open(&v);
	while (n < 9990) {
		assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 999, OK }), OK);
		n += 999;
		arena_reset(v.cx.arena);
	}
	for (int i = 0; i < 20; i++) {
		store_fail_commit(v.d.sys.store, 1);
		assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), E_FAULT);
		fail_clear(&v.cx);
		assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, E_DENIED }), E_DENIED);
		fail_clear(&v.cx);
		assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), OK);
		n++;
		if (count_of(&v) == n + 1)
			checkpoint = checkpoint != 0 ? checkpoint : n + 1;
	}
	assert_int_equal(checkpoint, 10001);      /* covers 10,000 events, is the next */
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .action = S("trail.checkpoint") }, &e, &got), OK);
	assert_true(got == 1 && e[0].seq == 10001 && e[0].actor_id == 0 && str_eq(e[0].role, S("system")) && e[0].field_count == 0);
	verify_is(&v, true, n + 1);

	/* In commits of many events a block is written somewhere, and fails once as well. */
	for (int i = 0; i < 12; i++) {
		store_fail_commit(v.d.sys.store, 1);
		assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 500, OK }), E_FAULT);
		fail_clear(&v.cx);
		assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 500, OK }), OK);
		n += 500;
		arena_reset(v.cx.arena);
	}
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .object = S("a"), .object_id = 450, .limit = 100 }, &e, &got), OK);
	assert_int_equal(got, 10 + 12);
	verify_is(&v, true, n + 1);
	env_close(&v);
}

/* ---- the clock ------------------------------------------------------------------------------------- */

static void
time_never_goes_back(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int n;

	env_open(&v);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	v.cx.now = T0 - 500 * 1000;          /* requests of one commit, in another order */
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	v.cx.now = T0 - 3600 * SECOND;       /* a clock set back */
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .oldest_first = true }, &e, &n), OK);
	assert_true(n == 3 && e[1].at == T0 && e[2].at == T0);
	assert_true(str_find(e[1].canonical, S("\"clock\"")) == SIZE_MAX);
	assert_true(str_find(e[2].canonical, S("\"clock\":1767603600000000")) != SIZE_MAX);
	verify_is(&v, true, 3);
	env_close(&v);
}

static int64_t
rows_of(struct env *v, const char *sql)
{
	struct stmt *st = NEW(v->cx.arena, struct stmt, 1);
	struct row r;

	*st = (struct stmt){ .name = "test", .sql = sql, .in = "", .out = "i" };
	assert_int_equal(store_one(&v->cx, st, NO_ARGS, &r), OK);
	return row_int(&r, 0);
}

static void
each_month_has_its_key(void **state UNUSED)
{
	static const char *const days[] = { "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-12-31T23:59:59Z",
	    "2027-01-01T00:00:00Z", "2028-02-29T12:00:00Z" };
	struct env v;

	env_open(&v);
	for (size_t i = 0; i < COUNT(days); i++)
		for (int k = 0; k < 3; k++) {
			assert_true(time_parse(str_of(days[i]), &v.cx.now));
			if (k == 1) {
				store_fail_commit(v.d.sys.store, 1);
				assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), E_FAULT);
				fail_clear(&v.cx);
			}
			assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 1, OK }), OK);
		}
	assert_int_equal(rows_of(&v, "SELECT COUNT(*) FROM trail_month_key"), 5);
	assert_int_equal(rows_of(&v, "SELECT COUNT(DISTINCT key_id) FROM trail_month_key"), 5);
	assert_int_equal(rows_of(&v, "SELECT MAX(month) FROM trail_month_key"), 202802);
	verify_is(&v, true, 15);
	env_close(&v);
}

static void
what_a_client_sends_is_not_in_the_line(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int n;

	env_open(&v);
	v.cx.request_id = S("Canary Quince");
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	v.cx.request_id = S("0123456789012345678901234567890123456789012345678901234567890123456789");
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){0}, &e, &n), OK);
	for (int i = 0; i < n; i++)
		assert_true(str_find(e[i].canonical, S("\"request\"")) == SIZE_MAX);
	env_close(&v);
}

/* ---- lists against a model ------------------------------------------------------------------------- */

struct model { enum trail_kind kind; int64_t actor, id[100], at; int ids, object; char action[16]; };
static const char *const m_objects[] = { "ticket", "user", "group" };
static const char *const m_actions[] = { "create", "update", "delete" };
enum { MODEL = 9000 };
static struct model model[MODEL + 1];

struct fill { int from, to; const struct actor *actor; };
static enum err
fill_model(struct ctx *cx, void *arg)
{
	struct fill *f = arg;

	for (int s = f->from; s < f->to; s++) {
		struct model *m = &model[s];
		struct actor who = { .user_id = m->actor, .how = "token" };
		cx->actor = &who;
		cx->now = m->at;
		if (m->kind == TRAIL_LOOK)
			TRY(trail_look(cx, m_objects[m->object], m->id, m->ids, "x"));
		else
			TRY(trail_append(cx, &(struct event){ .object = m_objects[m->object], .id = m->id[0], .action = m->action }));
	}
	cx->actor = &alma;
	return OK;
}

static bool
model_has(const struct model *m, int64_t seq, const struct trail_filter *f)
{
	bool id = f->object_id == 0;

	for (int i = 0; i < m->ids; i++)
		id |= m->id[i] == f->object_id;
	return (f->kind == 0 || f->kind == m->kind) && (f->actor_id == 0 || f->actor_id == m->actor) && id &&
	    (f->object.n == 0 || str_eq(f->object, str_of(m_objects[m->object]))) &&
	    (f->action.n == 0 || str_eq(f->action, str_of(m->action))) &&
	    (f->from == 0 || m->at >= f->from) && (f->to == 0 || m->at < f->to) &&
	    (f->before_seq == 0 || seq < f->before_seq) && (f->after_seq == 0 || seq > f->after_seq);
}

static uint64_t seed = 12345;
static int64_t
dice(int64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((seed >> 33) % (uint64_t)n);
}

static void
compare_list(struct env *v, const struct trail_filter *f)
{
	struct trail_event *e;
	int n, at = 0, limit = f->limit;

	assert_int_equal(trail_list(&v->cx, f, &e, &n), OK);
	for (int i = 1; i <= MODEL && at < limit; i++) {
		int64_t s = f->oldest_first ? i : MODEL + 1 - i;
		if (!model_has(&model[s], s, f))
			continue;
		assert_true(at < n);
		assert_int_equal(e[at].seq, s);
		assert_true(str_eq(e[at].action, str_of(model[s].action)));
		at++;
	}
	assert_int_equal(n, at);
}

static void
lists_are_what_a_model_says(void **state UNUSED)
{
	struct env v;

	env_open(&v);
	for (int s = 1; s <= MODEL; s++) {
		struct model *m = &model[s];
		*m = (struct model){ .kind = dice(3) == 0 ? TRAIL_CHANGE : TRAIL_LOOK, .actor = dice(20),
		    .object = (int)dice(3), .at = T0 + s / 7 * SECOND };
		snprintf(m->action, sizeof(m->action), "%s.%s", m_objects[m->object],
		    m->kind == TRAIL_LOOK ? "look" : m_actions[dice(3)]);
		m->ids = m->kind == TRAIL_LOOK ? (int)dice(dice(12) == 0 ? 4 : COUNT(m->id)) + 1 : 1;
		for (int i = 0; i < m->ids; i++)
			m->id[i] = dice(10) == 0 ? 1 : 1 + dice(2000);
	}
	v.cx.address = v.cx.client = S("");
	for (int s = 1; s <= MODEL; s += 100)
		assert_int_equal(store_write(&v.cx, fill_model, &(struct fill){ s, s + 100, NULL }), OK);
	assert_true(rows_of(&v, "SELECT COUNT(*) FROM trail_block WHERE term = ''") >= FAN);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 400; i++) {
			struct trail_filter f = { .limit = (int)dice(4) == 0 ? 10000 : 1 + (int)dice(30), .oldest_first = dice(2) };
			if (dice(2))
				f.object = str_of(m_objects[dice(3)]);
			if (dice(2))
				f.object_id = dice(3) == 0 ? 1 : 1 + dice(2000);
			if (dice(4) == 0)
				f.actor_id = dice(20);
			if (dice(4) == 0)
				f.action = str_of(str_printf(v.cx.arena, "%s.%s", m_objects[dice(3)], dice(2) ? "look" : "update").p);
			if (dice(3) == 0)
				f.kind = dice(2) ? TRAIL_LOOK : TRAIL_CHANGE;
			if (dice(4) == 0)
				f.from = T0 + dice(1400) * SECOND - SECOND * 10;
			if (dice(4) == 0)
				f.to = T0 + dice(1400) * SECOND + 1;
			if (dice(4) == 0)
				f.before_seq = 1 + dice(MODEL + 10);
			if (dice(4) == 0)
				f.after_seq = 1 + dice(MODEL + 10);
			compare_list(&v, &f);
			arena_reset(v.cx.arena);
		}
		verify_is(&v, true, MODEL);
		if (round > 0)
			break;
		/* The second time blocks are merged, and what is in none comes from a restart. */
		assert_int_equal(index_merge(&v.cx, v.d.sys.trail), OK);
		assert_int_equal(rows_of(&v, "SELECT COUNT(*) FROM trail_block WHERE term = '' AND level = 1"), 1);
		assert_true(rows_of(&v, "SELECT COUNT(*) FROM trail_block WHERE term = '' AND level = 0") < FAN);
		env_stop(&v);
		env_start(&v);
		assert_false(v.locked);
	}
	env_close(&v);
}

/* Looks at a thousand tickets each, so that all levels are reached soon. */
static enum err
wide_looks(struct ctx *cx, void *arg)
{
	int64_t ids[1000], *n = arg;

	for (int k = 0; k < 20; k++, ++*n) {
		for (int i = 0; i < 1000; i++)
			ids[i] = (*n * 1000 + i * 7) % 50000 + 1;
		TRY(trail_look(cx, "ticket", ids, 1000, "subject"));
	}
	return OK;
}

static void
blocks_are_merged(void **state UNUSED)
{
	static const int64_t some[] = { 1, 2, 8, 64, 777, 50000 };
	struct env v;
	int64_t n = 0;
	int failed = 0;

	env_open(&v);
	v.cx.address = v.cx.client = S("");
	while (n < 3000) {
		assert_int_equal(store_write(&v.cx, wide_looks, &n), OK);
		arena_reset(v.cx.arena);
		if (n % 300 != 0)
			continue;
		store_fail_commit(v.d.sys.store, 2);      /* the first merge after the checkpoint, if there is one */
		failed += trail_checkpoint(&v.cx) == E_FAULT;
		fail_clear(&v.cx);
		store_fail_commit(v.d.sys.store, 0);
		assert_int_equal(trail_checkpoint(&v.cx), OK);
		arena_reset(v.cx.arena);
	}
	assert_true(failed > 4);
	for (int level = 0; level < LEVELS; level++)
		assert_in_range(rows_of(&v, str_printf(v.cx.arena, "SELECT COUNT(*) FROM trail_block WHERE term = '' AND level = %d",
		    level).p), 1, FAN - 1);
	assert_int_equal(rows_of(&v, "SELECT COUNT(*) FROM trail_block WHERE term = 'object/ticket' AND level = 2"), 64);
	for (size_t i = 0; i < COUNT(some); i++)
		for (int oldest = 0; oldest < 2; oldest++) {
			struct trail_event *e;
			int got, want = 0;
			for (int64_t k = 0; k < 3000; k++)
				for (int j = 0; j < 1000; j++)
					want += (k * 1000 + j * 7) % 50000 + 1 == some[i];
			assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .object = S("ticket"), .object_id = some[i],
			    .oldest_first = oldest, .limit = 10000 }, &e, &got), OK);
			assert_int_equal(got, want);
			for (int k = 1; k < got; k++)
				assert_true(oldest ? e[k].seq > e[k - 1].seq : e[k].seq < e[k - 1].seq);
			for (int k = 0; k < got; k++) {
				bool there = false;
				for (int j = 0; j < e[k].id_count; j++)
					there |= e[k].ids[j] == some[i];
				assert_true(there);
			}
			arena_reset(v.cx.arena);
		}
	verify_is(&v, true, count_of(&v));
	env_close(&v);
}

static void
pages_meet(void **state UNUSED)
{
	struct env v;
	struct trail_event *e;
	int64_t before = 0, seen = 0;
	int n;

	env_open(&v);
	assert_int_equal(store_write(&v.cx, append_some, &(struct some){ 250, OK }), OK);
	do {
		assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .before_seq = before, .limit = 60 }, &e, &n), OK);
		for (int i = 0; i < n; i++)
			assert_int_equal(e[i].seq, 250 - seen++);
		if (n > 0)
			before = e[n - 1].seq;
	} while (n == 60);
	assert_int_equal(seen, 250);
	env_close(&v);
}

/* ---- checkpoints ----------------------------------------------------------------------------------- */

static void
checkpoints(void **state UNUSED)
{
	struct env v;
	str file;

	env_open(&v);
	assert_int_equal(trail_checkpoint(&v.cx), OK);    /* there is nothing to cover */
	assert_int_equal(count_of(&v), 0);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	assert_int_equal(trail_checkpoint(&v.cx), OK);
	assert_int_equal(count_of(&v), 2);
	assert_int_equal(trail_checkpoint(&v.cx), OK);    /* only its own event is new */
	assert_int_equal(count_of(&v), 2);
	env_stop(&v);
	env_start(&v);
	assert_int_equal(trail_checkpoint(&v.cx), OK);
	assert_int_equal(count_of(&v), 2);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
		assert_int_equal(trail_checkpoint(&v.cx), OK);
	}
	verify_is(&v, true, 8);
	assert_int_equal(file_read(&v.cx, v.witness, MiB, &file), OK);
	int lines = 0;
	for (size_t i = 0; i < file.n; i++)
		lines += file.p[i] == '\n';
	assert_int_equal(lines, 4);
	store_fail_commit(v.d.sys.store, 1);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), E_FAULT);
	fail_clear(&v.cx);
	assert_int_equal(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a" }), OK);
	store_fail_commit(v.d.sys.store, 1);
	assert_int_equal(trail_checkpoint(&v.cx), E_FAULT);
	fail_clear(&v.cx);
	assert_int_equal(trail_checkpoint(&v.cx), OK);
	verify_is(&v, true, 10);
	env_close(&v);
}

/* ---- many at once ---------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 150 };
struct worker { struct env *v; int number; int64_t good, bad; };

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct ctx cx;
		enum err e;
		env_ctx(w->v, &cx, i % 2 ? &alma : &bruno);
		cx.now = time_now();
		switch ((i + w->number) % 5) {
		case 0:  e = trail_look(&cx, "ticket", (int64_t[]){ i + 1, i + 2 }, 2, "subject"); w->good += e == OK; break;
		case 1:  e = trail_look(&cx, "ticket", (int64_t[]){ i + 1 }, 1, "subject"); w->good += e == OK; break;
		case 2:  e = t_change(&cx, i + 1, 0, S("before"), S("after")); w->good += e == OK; break;
		case 3:  e = store_write(&cx, append_some, &(struct some){ 3, OK }); w->good += e == OK ? 3 : 0; break;
		default:
			e = store_write(&cx, append_some, &(struct some){ 3, E_INVALID });
			assert_true(e == E_INVALID || e == E_FAULT);
			fail_clear(&cx);
			e = OK;
		}
		w->bad += e != OK;
		fail_clear(&cx);
		if (i % 50 == 0) {
			struct trail_event *list;
			int n;
			assert_int_equal(trail_list(&cx, &(struct trail_filter){ .object = S("ticket"), .object_id = 3 }, &list, &n), OK);
			assert_int_equal(trail_checkpoint(&cx) == OK || cx.fail.code == E_FAULT, 1);
		}
		ctx_done(&cx);
	}
	return NULL;
}

static void
many_threads(void **state UNUSED)
{
	struct env v;
	pthread_t t[THREADS];
	struct worker w[THREADS];
	struct trail_event *e;
	int64_t good = 0, bad = 0;
	int n;

	env_open(&v);
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .v = &v, .number = i };
		assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 10; i++) {
		struct trail_verdict out;
		struct ctx cx;
		usleep(3000);
		store_fail_commit(v.d.sys.store, 1);
		env_ctx(&v, &cx, &alma);
		assert_int_equal(trail_verify(&cx, &out), OK);       /* while it grows */
		if (!out.ok)
			print_message("verify: %lld %s\n", (long long)out.bad_seq, out.why);
		assert_true(out.ok);
		ctx_done(&cx);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		good += w[i].good;
		bad += w[i].bad;
	}
	store_fail_commit(v.d.sys.store, 0);
	assert_true(bad > 0 && good > 100);
	assert_int_equal(trail_list(&v.cx, &(struct trail_filter){ .action = S("trail.checkpoint"), .limit = 10000 }, &e, &n), OK);
	verify_is(&v, true, good + n);
	env_close(&v);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(refused) + 32];
	size_t n = 0;

	ADD(t, n, an_event_says_all);
	ADD(t, n, nothing_plain_on_disk);
	ADD_ROWS(t, n, refused, refused_row);
	ADD(t, n, in_the_wrong_place);
	ADD(t, n, too_large_for_one_event);
	ADD(t, n, looks);
	ADD(t, n, rolled_back_events_leave_no_gap);
	ADD(t, n, first_commit_fails);
	ADD(t, n, commits_fail_around_blocks_and_checkpoints);
	ADD(t, n, time_never_goes_back);
	ADD(t, n, each_month_has_its_key);
	ADD(t, n, what_a_client_sends_is_not_in_the_line);
	ADD(t, n, lists_are_what_a_model_says);
	ADD(t, n, blocks_are_merged);
	ADD(t, n, pages_meet);
	ADD(t, n, checkpoints);
	ADD(t, n, many_threads);
	return RUN_ROWS("trail append", t, n);
}
