/* Memory: that it is wiped, zeroed and aligned, and that a buf has a ceiling. */
#include <stdio.h>
#include <stdlib.h>

#include "rows.h"
#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define LOOK_INTO(p, n) __asan_unpoison_memory_region(p, n)
#else
#define LOOK_INTO(p, n) ((void)(p), (void)(n))
#endif

static bool
all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void
reset_wipes_the_first_chunk(void **state)
{
	struct arena *a = arena_new();
	str s = str_dup(a, S("canary of Rosalind Example"));
	char *p = arena_alloc(a, 1, 3000, 1);

	(void)state;
	memset(p, 0xA5, 3000);
	assert_memory_equal(s.p, "canary", 6);
	arena_reset(a);
	/* The first chunk is kept, so these pointers still lead to memory of ours. */
	LOOK_INTO(s.p, s.n);
	LOOK_INTO(p, 3000);
	assert_true(all_zero(s.p, s.n));
	assert_true(all_zero(p, 3000));
	/* And it is the one that is used again. */
	assert_ptr_equal(str_dup(a, S("next")).p, s.p);
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void
what_is_given_is_zero_after_reset(void **state)
{
	static const size_t sizes[] = { 1, 100, 4000, 5000, 40000, 3 << 20 };
	struct arena *a = arena_new();

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t k = 0; k < 20; k++) {
			for (size_t i = 0; i < COUNT(sizes); i++) {
				char *p = arena_alloc(a, sizes[i], 1, 1);

				assert_true(all_zero(p, sizes[i]));
				memset(p, 0xFF, sizes[i]);
			}
		}
		arena_reset(a);
	}
	arena_free(&a);
}

static void
alignment_is_kept(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		size_t align = (size_t)1 << (i % 7);

		arena_alloc(a, 1, i % 5, 1);
		assert_int_equal((uintptr_t)arena_alloc(a, 1, i % 3000, align) % align, 0);
	}
	/* Big enough for a chunk of its own. */
	assert_int_equal((uintptr_t)arena_alloc(a, 1, 100001, 64) % 64, 0);
	arena_free(&a);
}

static char order[8];

static void
note(void *arg)
{
	size_t n = strlen(order);

	order[n] = *(const char *)arg;
	order[n + 1] = 0;
}

static void
deferred_run_in_reverse_and_once(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	order[0] = 0;
	arena_defer(a, note, str_z(a, S("1")));
	arena_defer(a, note, str_z(a, S("2")));
	arena_defer(a, note, str_z(a, S("3")));
	arena_reset(a);
	assert_string_equal(order, "321");      /* and their arguments were still there */
	arena_defer(a, note, str_z(a, S("4")));
	arena_free(&a);
	assert_string_equal(order, "3214");
}

static void
copies_are_terminated(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_int_equal(str_dup(a, S("abc")).p[3], 0);
	assert_int_equal(str_dup(a, (str){ NULL, 0 }).p[0], 0);
	assert_string_equal(str_z(a, S("ab\0c")), "ab");
	assert_string_equal(str_z(a, (str){ NULL, 0 }), "");
	assert_true(str_eq(str_printf(a, "%d-" STR_F, 7, STR_A(S("x"))), S("7-x")));
	assert_int_equal(str_printf(a, "%05000d", 1).n, 5000);
	assert_true(str_eq(str_lower(a, S("AbZ[\xC3\x84")), S("abz[\xC3\x84")));
	arena_free(&a);
}

/* ---- buf ------------------------------------------------------------------------------------ */

enum how { ADD_STR, ADD_BYTE, ADD_FMT, ADD_UINT, ADD_ROOM };

static const struct {
	const char *why;
	enum how how;
	size_t max, have, add;
	bool over;
} ceilings[] = {
	{ "a text that just fits",               ADD_STR, 1000, 990, 10, false },
	{ "a text one byte too long",            ADD_STR, 1000, 990, 11, true },
	{ "nothing fits into nothing",           ADD_STR, 0, 0, 0, false },
	{ "one byte does not fit into nothing",  ADD_STR, 0, 0, 1, true },
	{ "the last byte",                       ADD_BYTE, 3, 2, 1, false },
	{ "a byte more than the last",           ADD_BYTE, 3, 3, 1, true },
	{ "a format that just fits",             ADD_FMT, 700, 100, 600, false },
	{ "a format one byte too long",          ADD_FMT, 700, 100, 601, true },
	{ "a format into an empty buf",          ADD_FMT, 5000, 0, 5000, false },
	{ "a format over an empty buf",          ADD_FMT, 50, 0, 51, true },
	{ "a number that just fits",             ADD_UINT, 10, 9, 1, false },
	{ "a number one digit too long",         ADD_UINT, 10, 9, 2, true },
	{ "room that is there",                  ADD_ROOM, 100000, 1, 99999, false },
	{ "room that is not there",              ADD_ROOM, 100000, 2, 99999, true },
	{ "room of absurd size",                 ADD_ROOM, SIZE_MAX, 2, SIZE_MAX - 1, true },
};

static void
ceiling_row(void **state)
{
	size_t i = ROW(state), add = ceilings[i].add;
	struct arena *a = arena_new();
	struct buf b;
	char *p;
	uint64_t v = 1;

	buf_init(&b, a, ceilings[i].max);
	for (size_t k = 0; k < ceilings[i].have; k++)
		buf_byte(&b, 'x');
	assert_false(b.over);
	switch (ceilings[i].how) {
	case ADD_STR:
		buf_add(&b, (str){ arena_alloc(a, 1, add, 1), add });
		break;
	case ADD_BYTE:
		buf_byte(&b, 'y');
		break;
	case ADD_FMT:
		buf_fmt(&b, "%*d", (int)add, 1);
		break;
	case ADD_UINT:
		for (size_t k = 1; k < add; k++)
			v *= 10;
		buf_uint(&b, v);
		break;
	case ADD_ROOM:
		p = buf_room(&b, add);
		assert_int_equal(p == NULL, ceilings[i].over);
		if (p != NULL)
			memset(p, 'r', add);
		break;
	}
	assert_int_equal(b.over, ceilings[i].over);
	assert_true(b.n == ceilings[i].have + (ceilings[i].over ? 0 : add));
	assert_true(b.n <= ceilings[i].max);
	if (b.over) {
		/* From then on nothing is added, not even what would fit. */
		buf_byte(&b, 'z');
		buf_add(&b, S("z"));
		buf_fmt(&b, "z");
		buf_int(&b, 1);
		assert_null(buf_room(&b, 1));
		assert_true(b.n == ceilings[i].have && b.over);
	}
	for (size_t k = 0; k < ceilings[i].have; k++)
		assert_int_equal(b.p[k], 'x');
	arena_free(&a);
}

static void
buf_grows_beside_others(void **state)
{
	struct arena *a = arena_new();
	struct buf b, c;

	(void)state;
	buf_init(&b, a, MiB);
	buf_init(&c, a, MiB);
	for (int i = 0; i < 20000; i++) {
		buf_fmt(&b, "%05d", i);
		buf_int(&c, i);
		buf_byte(&c, ' ');
		if (i % 100 == 0)
			str_dup(a, S("in between"));
	}
	assert_true(!b.over && b.n == 100000);
	for (int i = 0; i < 20000; i++) {
		char want[16];

		snprintf(want, sizeof(want), "%05d", i);
		assert_memory_equal(b.p + 5 * i, want, 5);
	}
	str rest = buf_str(&c);
	for (int i = 0; i < 20000; i++) {
		int64_t v;

		assert_true(str_int(str_cut(&rest, ' '), &v) && v == i);
	}
	arena_free(&a);
}

/* An answer of some MiB would else cost a fault and a cleared page per 4 KiB, and be copied as often as it doubles. */
static void
what_is_large_is_kept_and_grows_where_it_is(void **state)
{
	struct arena *a = arena_new();
	struct buf b = { 0 };
	char *p, *other;

	(void)state;
	memset(p = arena_alloc(a, 5 * MiB, 1, 1), 0xA5, 5 * MiB);
	arena_free(&a);
	other = malloc(5 * MiB + 4096);              /* takes the place of what was given back */
	a = arena_new();
	buf_init(&b, a, 16 * MiB);
	buf_expect(&b, 5 * MiB - 1);
	LOOK_INTO(b.p, 5 * MiB);
	assert_true(all_zero(b.p, 5 * MiB));
#ifndef WITH_ASAN                                    /* there a gap lies behind all, so that more was left by the tests before */
	assert_ptr_equal(b.p, p);
	buf_room(&b, 5 * MiB);
	buf_room(&b, 2 * MiB);
	assert_ptr_equal(b.p, p);
#endif
	free(other);
	arena_free(&a);
}

static void
numbers_at_their_ends(void **state)
{
	struct arena *a = arena_new();
	struct buf b;

	(void)state;
	buf_init(&b, a, KiB);
	buf_int(&b, INT64_MIN);
	buf_byte(&b, ' ');
	buf_int(&b, INT64_MAX);
	buf_byte(&b, ' ');
	buf_uint(&b, UINT64_MAX);
	buf_byte(&b, ' ');
	buf_int(&b, 0);
	assert_true(str_eq(buf_str(&b),
	    S("-9223372036854775808 9223372036854775807 18446744073709551615 0")));
	arena_free(&a);
}

/* ---- ctx ------------------------------------------------------------------------------------ */

static int released;

static void
release(struct ctx *cx)
{
	released++;
	assert_non_null(cx->reader);
	assert_non_null(cx->arena);
}

static void
the_first_failure_is_kept(void **state)
{
	struct ctx cx;

	(void)state;
	ctx_init(&cx, NULL, 5);
	assert_int_equal(cx.account, 5);
	assert_true(cx.now > 0);
	assert_int_equal(bad_check(&cx), OK);
	assert_int_equal(fail(&cx, E_ABSENT, "id", "first"), E_ABSENT);
	assert_int_equal(fail(&cx, E_FAULT, NULL, "second"), E_FAULT);
	assert_int_equal(cx.fail.code, E_ABSENT);
	assert_string_equal(cx.fail.field, "id");
	assert_string_equal(cx.fail.why, "first");
	fail_clear(&cx);
	bad(&cx, "subject", "BlankValue", "must not be empty");
	bad(&cx, "status", "InvalidValue", "is not a status");
	assert_int_equal(bad_check(&cx), E_INVALID);
	assert_string_equal(cx.bad->field, "subject");
	assert_string_equal(cx.bad->next->error, "InvalidValue");
	assert_null(cx.bad->next->next);
	assert_string_equal(cx.fail.field, "subject");
	fail_clear(&cx);
	assert_int_equal(bad_check(&cx), OK);
	bad(&cx, "again", "InvalidValue", "x");
	assert_string_equal(cx.bad->field, "again");

	assert_true(str_eq(reveal(&cx, HIDE(S("secret")), TO_SCAN), S("secret")));
	assert_int_equal(cx.revealed, 1u << TO_SCAN);

	ctx_release_reader = release;
	cx.reader = &cx;
	ctx_done(&cx);
	assert_int_equal(released, 1);
	assert_null(cx.arena);
	ctx_done(&cx);
	assert_int_equal(released, 1);
	ctx_release_reader = NULL;
	for (int e = OK; e <= E_FAULT + 1; e++)
		assert_non_null(err_name((enum err)e));
	assert_string_equal(err_name(E_FAULT), "E_FAULT");
}

int
main(void)
{
	struct CMUnitTest t[40];
	size_t n = 0;

	ADD(t, n, what_is_large_is_kept_and_grows_where_it_is);      /* before others leave more than is kept */
	ADD(t, n, reset_wipes_the_first_chunk);
	ADD(t, n, what_is_given_is_zero_after_reset);
	ADD(t, n, alignment_is_kept);
	ADD(t, n, deferred_run_in_reverse_and_once);
	ADD(t, n, copies_are_terminated);
	ADD_ROWS(t, n, ceilings, ceiling_row);
	ADD(t, n, buf_grows_beside_others);
	ADD(t, n, numbers_at_their_ends);
	ADD(t, n, the_first_failure_is_kept);
	return RUN_ROWS("base arena", t, n);
}
