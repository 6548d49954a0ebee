/* Counting failed sign-ins: when a lock starts, how it grows, what forgets. */
#include "rows.h"

#include <stdio.h>

#include "gate/lockout.h"

#define T0 ((usec)1767607200 * SECOND)

static struct lock_keys
keys(const char *address, const char *email)
{
	struct lock_keys k = {0};

	/* Any different bytes will do for keyed hashes. */
	memcpy(k.key[LOCK_ADDRESS], "a", 1);
	memcpy(k.key[LOCK_ADDRESS] + 1, address, strlen(address) < 15 ? strlen(address) : 15);
	memcpy(k.key[LOCK_PAIR], "p", 1);
	for (size_t i = 0; i < 15; i++)
		k.key[LOCK_PAIR][1 + i] = (unsigned char)((i < strlen(address) ? address[i] : 0) ^
		    (i < strlen(email) ? email[i] * 3 : 0));
	memcpy(k.key[LOCK_USER], "u", 1);
	memcpy(k.key[LOCK_USER] + 1, email, strlen(email) < 15 ? strlen(email) : 15);
	return k;
}

static int
failures_until_locked(struct lockout *l, const struct lock_keys *k, usec now, bool password)
{
	int retry, starts, n = 0;

	while (n < 100 && (password ? lockout_begin(l, k, now, &retry, &starts) :
	    lockout_failed(l, k, true, now, &retry, &starts)))
		n++;
	return n;
}

static void
five_failures_lock_the_pair(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys a = keys("1.1.1.1", "jane"), b = keys("1.1.1.1", "joe"), c = keys("2.2.2.2", "jane");

	assert_int_equal(failures_until_locked(l, &a, T0, true), 5);
	assert_int_equal(failures_until_locked(l, &b, T0, true), 5);
	assert_int_equal(failures_until_locked(l, &c, T0, true), 5);   /* ten for jane in all */
	lockout_free(&l);
}

static void
locks_grow_and_end(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys k = keys("1.1.1.1", "jane");
	int retry, starts, want[] = { 10, 20, 40, 80, 160, 320, 640, 900, 900 };
	usec now = T0;

	for (int i = 0; i < 4; i++) {
		assert_true(lockout_begin(l, &k, now, &retry, &starts));
		assert_int_equal(starts, 0);
	}
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(lockout_begin(l, &k, now, &retry, &starts));
		assert_int_equal(starts, want[i]);
		assert_false(lockout_begin(l, &k, now, &retry, &starts));
		assert_int_equal(retry, want[i]);
		assert_false(lockout_begin(l, &k, now + want[i] * SECOND - 1, &retry, &starts));
		assert_int_equal(retry, 1);
		now += want[i] * SECOND;
	}
	lockout_free(&l);
}

static void
a_user_is_locked_from_everywhere(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	int retry, starts, n = 0;
	char address[16];

	for (; n < 50; n++) {
		snprintf(address, sizeof(address), "10.0.0.%d", n);
		struct lock_keys k = keys(address, "jane");
		if (!lockout_begin(l, &k, T0, &retry, &starts))
			break;
	}
	assert_int_equal(n, 10);
	lockout_free(&l);
}

static void
tokens_do_not_lock_users(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys fresh = keys("9.9.9.9", "jane");
	int retry, starts;
	char address[16];

	for (int n = 0; n < 50; n++) {
		snprintf(address, sizeof(address), "10.0.0.%d", n);
		struct lock_keys k = keys(address, "jane");
		assert_true(lockout_failed(l, &k, true, T0, &retry, &starts));
	}
	assert_true(lockout_begin(l, &fresh, T0, &retry, &starts));
	lockout_free(&l);
}

static void
an_address_is_locked_for_all(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	int retry, starts, n = 0;
	char email[16];

	for (; n < 50; n++) {
		snprintf(email, sizeof(email), "user%d", n);
		struct lock_keys k = keys("1.1.1.1", email);
		if (!lockout_begin(l, &k, T0, &retry, &starts))
			break;
	}
	assert_int_equal(n, 20);
	lockout_free(&l);
}

static void
success_forgets_pair_and_user(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys k = keys("1.1.1.1", "jane");
	int retry, starts;

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 5; i++)
			assert_true(lockout_begin(l, &k, T0 + round * 60 * 60 * SECOND, &retry, &starts));
		lockout_passed(l, &k);
	}
	lockout_free(&l);
}

static void
success_does_not_clear_the_address(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys own = keys("1.1.1.1", "mallory");
	int retry, starts, n = 0;
	char email[16];

	for (; n < 50; n++) {
		snprintf(email, sizeof(email), "user%d", n);
		struct lock_keys k = keys("1.1.1.1", email);
		if (!lockout_begin(l, &k, T0, &retry, &starts))
			break;
		if (!lockout_begin(l, &own, T0, &retry, &starts))
			break;
		lockout_passed(l, &own);
	}
	assert_in_range(n, 18, 20);
	lockout_free(&l);
}

static void
an_hour_forgets(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys k = keys("1.1.1.1", "jane");

	assert_int_equal(failures_until_locked(l, &k, T0, true), 5);
	assert_int_equal(failures_until_locked(l, &k, T0 + 60 * 60 * SECOND, true), 5);
	lockout_free(&l);
}

static void
a_clock_set_back_does_not_lock_for_ever(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys k = keys("1.1.1.1", "jane");
	int retry, starts;

	assert_int_equal(failures_until_locked(l, &k, T0 + (usec)86400 * SECOND, true), 5);
	assert_true(lockout_begin(l, &k, T0, &retry, &starts));
	lockout_free(&l);
}

static void
a_flood_of_others_does_not_push_out_a_lock(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys k = keys("1.1.1.1", "jane"), other;
	int retry, starts;

	assert_int_equal(failures_until_locked(l, &k, T0, true), 5);
	for (int i = 0; i < 200000; i++) {
		rand_bytes(&other, sizeof(other));
		lockout_begin(l, &other, T0 + 1, &retry, &starts);
	}
	assert_false(lockout_begin(l, &k, T0 + 2, &retry, &starts));
	lockout_free(&l);
}

static void
floods_are_summarised(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	struct lock_keys k = keys("1.1.1.1", "jane");
	char address[ADDRESS_TEXT];
	int64_t summary;
	int reported = 0, from = 0;

	for (int i = 0; i < 1000; i++)
		reported += lockout_report(l, &k, S("1.1.1.1"), T0 + i, &summary);
	assert_int_equal(reported, EVENTS_PER_MINUTE);
	assert_false(lockout_waiting(l, T0 + 1000));
	assert_true(lockout_waiting(l, T0 + 61 * SECOND));
	assert_true(lockout_due(l, T0 + 61 * SECOND, &from, address, &summary));
	assert_string_equal(address, "1.1.1.1");
	assert_int_equal(summary, 1000 - EVENTS_PER_MINUTE);
	assert_false(lockout_due(l, T0 + 61 * SECOND, &from, address, &summary));
	assert_false(lockout_waiting(l, T0 + 1000 * SECOND));
	/* Or with the next failure of that address, when it comes first. */
	for (int i = 0; i < 15; i++)
		lockout_report(l, &k, S("1.1.1.1"), T0 + 100 * SECOND, &summary);
	assert_true(lockout_report(l, &k, S("1.1.1.1"), T0 + 200 * SECOND, &summary));
	assert_int_equal(summary, 5);
	lockout_free(&l);
}

static void
a_distributed_flood_is_summarised(void **state UNUSED)
{
	struct lockout *l = lockout_new();
	char text[ADDRESS_TEXT];
	int64_t summary, total = 0;
	int reported = 0, from = 0, events = 0;

	for (int i = 0; i < 30000; i++) {
		struct lock_keys k = {0};
		rand_bytes(&k, sizeof(k));
		reported += lockout_report(l, &k, S("2001:db8::1"), T0 + i, &summary);
		total += summary;
	}
	assert_int_equal(reported, EVENTS_PER_MINUTE_ALL);
	while (lockout_due(l, T0 + 120 * SECOND, &from, text, &summary)) {
		total += summary;
		events++;
	}
	assert_int_equal(reported + total, 30000);
	assert_in_range(events, 2, 101);               /* not one per address */
	assert_false(lockout_waiting(l, T0 + 1000 * SECOND));
	lockout_free(&l);
}

static const struct { const char *why, *in, *out; } addresses[] = {
	{ "IPv4 as it is",                       "192.0.2.7",            "192.0.2.7" },
	{ "IPv6 without its interface half",     "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
	{ "the same, written otherwise",         "2001:0DB8:1:2::9",     "2001:db8:1:2::" },
	{ "IPv4 mapped into IPv6",               "::ffff:192.0.2.7",     "192.0.2.7" },
	{ "no address",                          "",                     "" },
	{ "a socket",                            "unix",                 "unix" },
	{ "not an address, with a colon",        "a:b",                  "a:b" },
};

static void
address(void **state)
{
	struct arena *a = arena_new();

	assert_true(str_eq(lockout_address(a, str_of(addresses[ROW(state)].in)), str_of(addresses[ROW(state)].out)));
	arena_free(&a);
}

int
main(void)
{
	struct CMUnitTest t[16 + COUNT(addresses)];
	size_t n = 0;

	ADD(t, n, five_failures_lock_the_pair);
	ADD(t, n, locks_grow_and_end);
	ADD(t, n, a_user_is_locked_from_everywhere);
	ADD(t, n, tokens_do_not_lock_users);
	ADD(t, n, an_address_is_locked_for_all);
	ADD(t, n, success_forgets_pair_and_user);
	ADD(t, n, success_does_not_clear_the_address);
	ADD(t, n, an_hour_forgets);
	ADD(t, n, a_clock_set_back_does_not_lock_for_ever);
	ADD(t, n, a_flood_of_others_does_not_push_out_a_lock);
	ADD(t, n, floods_are_summarised);
	ADD(t, n, a_distributed_flood_is_summarised);
	ADD_ROWS(t, n, addresses, address);
	return RUN_ROWS("gate lockout", t, n);
}
