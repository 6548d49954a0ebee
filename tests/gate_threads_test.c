/* Many requests at once while what they stand on changes. Under
 * ThreadSanitizer this shows races; everywhere it shows that a change has
 * taken effect for every request that begins after it. */
#include "gate_world.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 6, CHANGES = 40 };

static struct world w;
static int64_t agent, other, group, membership;
static char token[64], olgas[64], cookie[64];

static _Atomic bool stop;
static _Atomic int  expected_role;           /* -1: being changed now */
static _Atomic int  expected_member;
static _Atomic int  requests, wrong;

static void
check(bool ok)
{
	if (!ok)
		atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&requests, 1);
}

/* What was expected before and is after must have been what happened, if it
 * is the same. */
static void *
asker(void *arg)
{
	int which = (int)(intptr_t)arg % 3;

	while (!atomic_load(&stop)) {
		int role = atomic_load(&expected_role), member = atomic_load(&expected_member), retry;   /* with their turn */
		struct ctx cx;
		enum err e;

		ask(&w, &cx);
		if (which == 0)
			e = gate_authenticate(&cx, basic(&cx, "gus@clinic.example/token", token), S(""), &retry);
		else if (which == 1)
			e = gate_authenticate(&cx, S(""), str_of(cookie), &retry);
		else
			e = gate_authenticate(&cx, basic(&cx, "olga@clinic.example/token", olgas), S(""), &retry);
		if (which == 2) {
			check(e == OK);
		} else if (role >= 0 && role == atomic_load(&expected_role)) {
			check(e == OK && (int)cx.actor->role == (role & 15));
		}
		if (e == OK && member >= 0) {
			bool is = membership_exists(&cx, other, group);

			if (member == atomic_load(&expected_member))
				check(is == ((member & 15) == 1));
			(void)!gate_may(&cx, MAY_READ_TICKET, &(struct about){ .has_object = true, .group_id = group });
			gate_setting_int(&cx, "session_idle_minutes", 15);
		}
		ctx_done(&cx);
	}
	return NULL;
}

static void *
guesser(void *arg UNUSED)
{
	for (int i = 0; !atomic_load(&stop); i++) {
		struct ctx cx;
		int retry;
		enum err e;

		ask(&w, &cx);
		cx.address = str_printf(cx.arena, "203.0.113.%d", i % 3);
		e = gate_authenticate(&cx, basic(&cx, "gus@clinic.example/token", "wrong"), S(""), &retry);
		check(e == E_WHO || e == E_LIMIT);
		ctx_done(&cx);
	}
	return NULL;
}

static void
changes_are_seen_at_once(void **state UNUSED)
{
	pthread_t t[THREADS + 1];

	atomic_store(&expected_role, ROLE_AGENT);
	atomic_store(&expected_member, 0);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, asker, (void *)i), 0);
	assert_int_equal(pthread_create(&t[THREADS], NULL, guesser, NULL), 0);
	for (int i = 0; i < CHANGES; i++) {
		enum role role = i % 2 == 0 ? ROLE_ADMIN : ROLE_AGENT;
		struct ctx cx;

		atomic_store(&expected_role, -1);
		SET(&w, agent, USER_ROLE, .role = role);
		atomic_store(&expected_role, (i + 1) << 4 | (int)role);          /* never the same twice */
		usleep(2000);
		atomic_store(&expected_member, -1);
		if (i % 2 == 0) {
			membership = join(&w, other, group);
		} else {
			ask(&w, &cx);
			be_system(&cx);
			MUST(&cx, membership_delete(&cx, membership));
			ctx_done(&cx);
		}
		atomic_store(&expected_member, (i + 1) << 4 | (i % 2 == 0));
		usleep(2000);
	}
	atomic_store(&stop, true);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(t[i], NULL);
	assert_true(atomic_load(&requests) > 100);
	assert_int_equal(atomic_load(&wrong), 0);
}

static _Atomic int made;

static void *
maker(void *arg UNUSED)
{
	struct user_change in = { .has = USER_NAME | USER_EMAIL };
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be_system(&cx);
	in.u.name = HIDE(S("Twin"));
	in.u.email = HIDE(S("twin@patients.example"));
	if (user_create(&cx, &in, &u) == OK)
		atomic_fetch_add(&made, 1);
	else
		check(refused(&cx, "email", "DuplicateValue"));
	again(&cx);
	for (int i = 0; i < 20; i++)
		MUST(&cx, user_for_address(&cx, S("Sender"),
		    str_printf(cx.arena, "sender%d@patients.example", i), &u));
	ctx_done(&cx);
	return NULL;
}

static void
an_address_is_given_once(void **state UNUSED)
{
	static const struct user_filter everyone = { .role_mask = 1 };
	pthread_t t[THREADS];
	int64_t before, after;
	struct ctx cx;

	ask(&w, &cx);
	be_system(&cx);
	MUST(&cx, user_count(&cx, &everyone, &before));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, maker, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&made), 1);
	assert_int_equal(atomic_load(&wrong), 0);
	MUST(&cx, user_count(&cx, &everyone, &after));
	assert_int_equal(after, before + 21);
	ctx_done(&cx);
}

static void *
attacker(void *arg)
{
	_Atomic int *tried = arg;
	str c, csrf;
	struct ctx cx;
	int retry;

	ask(&w, &cx);
	cx.address = S("198.51.100.200");
	if (session_create(&cx, S("olga@clinic.example"), HIDE(S("guess")), S(""), &c, &csrf, &retry) == E_WHO)
		atomic_fetch_add(tried, 1);
	ctx_done(&cx);
	return NULL;
}

static void
guesses_at_once_are_counted_before_they_are_tried(void **state UNUSED)
{
	_Atomic int tried = 0;
	pthread_t t[24];

	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, attacker, &tried), 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&tried), 5);
}

static int
setup(void **state UNUSED)
{
	str c, csrf;
	struct ctx cx;
	int retry;

	world_open(&w);
	agent = person(&w, "Gus Agent", "gus@clinic.example", ROLE_AGENT);
	other = person(&w, "Olga Other", "olga@clinic.example", ROLE_AGENT);
	group = make_group(&w, "Psychiatry", false);
	set_password(&w, agent, PASSWORD);
	snprintf(token, sizeof(token), "%s", token_for(&w, agent, false, false));
	snprintf(olgas, sizeof(olgas), "%s", token_for(&w, other, false, false));
	ask(&w, &cx);
	MUST(&cx, session_create(&cx, S("gus@clinic.example"), HIDE(S(PASSWORD)), S(""), &c, &csrf, &retry));
	snprintf(cookie, sizeof(cookie), "%.*s", (int)c.n, c.p);
	ctx_done(&cx);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	world_close(&w);
	return 0;
}

int
main(void)
{
	struct CMUnitTest t[3];
	size_t n = 0;

	ADD(t, n, changes_are_seen_at_once);
	ADD(t, n, an_address_is_given_once);
	ADD(t, n, guesses_at_once_are_counted_before_they_are_tried);
	return _cmocka_run_group_tests("gate threads", t, n, setup, teardown);
}
