/* Signing in: tokens, passwords, sessions, what ends them, and what is told. */
#include "gate_world.h"

static struct world w;
static int64_t agent, patient;

/* A request with these credentials; the context stays open. */
static enum err
request(struct ctx *cx, const char *address, str authorization, const char *cookie, int *retry)
{
	ask(&w, cx);
	if (address != NULL)
		cx->address = str_of(address);
	/* The header may be in another context's arena that is gone. */
	return gate_authenticate(cx, authorization, str_of(cookie), retry);
}

static enum err
with_token(const char *address, const char *email, const char *token, struct actor *actor)
{
	struct ctx cx;
	enum err e;
	char user[128];
	int retry;

	snprintf(user, sizeof(user), "%s/token", email);
	ask(&w, &cx);
	if (address != NULL)
		cx.address = str_of(address);
	e = gate_authenticate(&cx, basic(&cx, user, token), S(""), &retry);
	assert_non_null(cx.actor);
	if (actor != NULL)
		*actor = *cx.actor;
	if (e != OK) {
		assert_int_equal(cx.actor->user_id, 0);
		assert_string_equal(cx.actor->how, "nobody");
		assert_string_equal(cx.fail.field, "token");
		assert_int_equal(retry > 0, e == E_LIMIT);
	}
	ctx_done(&cx);
	return e;
}

static enum err
with_bearer(const char *token, struct actor *actor)
{
	struct ctx cx;
	enum err e;
	int retry;

	ask(&w, &cx);
	e = gate_authenticate(&cx, str_printf(cx.arena, "Bearer %s", token), S(""), &retry);
	if (actor != NULL)
		*actor = *cx.actor;
	ctx_done(&cx);
	return e;
}

static enum err
sign_in(const char *address, const char *email, const char *password, char cookie[64], int *retry)
{
	str c, csrf;
	struct ctx cx;
	enum err e;

	ask(&w, &cx);
	if (address != NULL)
		cx.address = str_of(address);
	e = session_create(&cx, str_of(email), HIDE(str_of(password)), S(""), &c, &csrf, retry);
	if (e == OK && cookie != NULL) {
		assert_true(c.n < 64);
		memcpy(cookie, c.p, c.n);
		cookie[c.n] = 0;
		assert_true(str_eq(cx.actor->csrf, csrf));
	}
	ctx_done(&cx);
	return e;
}

static enum err
with_cookie(const char *cookie, struct actor *actor)
{
	struct ctx cx;
	enum err e;
	int retry;

	e = request(&cx, NULL, S(""), cookie, &retry);
	if (actor != NULL)
		*actor = *cx.actor;
	ctx_done(&cx);
	return e;
}

/* ---- nobody ---------------------------------------------------------------------------------------------- */

static void
nothing_is_nobody(void **state UNUSED)
{
	struct ctx cx;
	int retry = 7;

	assert_int_equal(request(&cx, NULL, S(""), "", &retry), OK);
	assert_int_equal(retry, 0);
	assert_int_equal(cx.actor->user_id, 0);
	assert_string_equal(cx.actor->how, "nobody");
	assert_int_equal(gate_may(&cx, MAY_SIGNED_IN, NULL), E_WHO);
	ctx_done(&cx);
	assert_int_equal(request(&cx, NULL, S("Digest x"), "", &retry), E_WHO);
	assert_string_equal(cx.fail.field, "authorization");
	assert_string_equal(cx.fail.why, "Couldn't authenticate you");
	assert_string_equal(cx.actor->how, "nobody");
	ctx_done(&cx);
}

/* ---- tokens ------------------------------------------------------------------------------------------------- */

static void
a_token_acts_as_its_user(void **state UNUSED)
{
	const char *t = token_for(&w, agent, false, false);
	struct actor a;

	for (int i = 0; i < 2; i++) {  /* from the table, then from the cache */
		assert_int_equal(with_token(NULL, "gus@clinic.example", t, &a), OK);
		assert_int_equal(a.user_id, agent);
		assert_int_equal(a.role, ROLE_AGENT);
		assert_string_equal(a.how, "token");
		assert_true(a.token_id > 0);
		assert_false(a.read_only);
	}
	assert_int_equal(with_token(NULL, "GUS@Clinic.example", t, &a), OK);
	assert_int_equal(a.user_id, agent);
}

static void
only_with_its_user_its_kind_and_every_byte(void **state UNUSED)
{
	const char *t = token_for(&w, agent, false, false), *b = token_for(&w, agent, true, false);
	char cut[64];

	assert_int_equal(with_token("198.51.100.1", "ada@clinic.example", t, NULL), E_WHO);
	assert_int_equal(with_token("198.51.100.2", "nobody@clinic.example", t, NULL), E_WHO);
	snprintf(cut, sizeof(cut), "%.*s", (int)strlen(t) - 1, t);
	assert_int_equal(with_token("198.51.100.3", "gus@clinic.example", cut, NULL), E_WHO);
	assert_int_equal(with_token("198.51.100.3", "gus@clinic.example", b, NULL), E_WHO);
	assert_int_equal(with_bearer(t, NULL), E_WHO);
	assert_int_equal(with_bearer(b, NULL), OK);
	assert_int_equal(with_token("198.51.100.4", "gus@clinic.example", t, NULL), OK);
}

static void
a_bearer_token_may_be_read_only(void **state UNUSED)
{
	const char *t = token_for(&w, w.admin, true, true);
	struct ctx cx;
	int retry;

	ask(&w, &cx);
	assert_int_equal(gate_authenticate(&cx, str_printf(cx.arena, "bearer %s", t), S(""), &retry), OK);
	assert_string_equal(cx.actor->how, "bearer");
	assert_true(cx.actor->read_only);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, NULL), OK);
	assert_int_equal(gate_may(&cx, MAY_CREATE_TICKET, NULL), E_DENIED);
	ctx_done(&cx);
}

static void
a_token_is_listed_used_and_revoked(void **state UNUSED)
{
	int created = events(&w, "token.create"), revoked = events(&w, "token.revoke"), count;
	struct api_token t, *list;
	struct ctx cx;
	char kept[64];
	str clear;
	usec used;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, token_create(&cx, agent, S("For the fax bridge"), false, false, &clear, &t));
	assert_int_equal(clear.n, 43);
	memcpy(kept, clear.p, clear.n);
	kept[clear.n] = 0;
	assert_int_equal(events(&w, "token.create"), created + 1);
	MUST(&cx, token_list(&cx, &list, &count));
	assert_int_equal(list[0].id, t.id);
	assert_true(str_eq(list[0].description, S("For the fax bridge")));
	assert_int_equal(list[0].last_used_at, 0);
	assert_true(list[0].active);
	assert_false(in_files(&w, kept));

	assert_int_equal(with_token(NULL, "gus@clinic.example", kept, NULL), OK);
	MUST(&cx, token_list(&cx, &list, &count));
	used = list[0].last_used_at;
	assert_int_equal(used, w.now);
	/* Written at most once a minute. */
	w.now += 59 * SECOND;
	assert_int_equal(with_token(NULL, "gus@clinic.example", kept, NULL), OK);
	MUST(&cx, token_list(&cx, &list, &count));
	assert_int_equal(list[0].last_used_at, used);
	w.now += 2 * SECOND;
	assert_int_equal(with_token(NULL, "gus@clinic.example", kept, NULL), OK);
	MUST(&cx, token_list(&cx, &list, &count));
	assert_int_equal(list[0].last_used_at, w.now);

	MUST(&cx, token_revoke(&cx, t.id));
	assert_int_equal(with_token("198.51.100.9", "gus@clinic.example", kept, NULL), E_WHO);
	assert_int_equal(events(&w, "token.revoke"), revoked + 1);
	assert_true(last_event_says(&w, "user.login_failed", "reason", "revoked token"));
	assert_int_equal(token_revoke(&cx, t.id), E_ABSENT);
	again(&cx);
	MUST(&cx, token_list(&cx, &list, &count));
	assert_false(list[0].active);
	be(&cx, agent);
	assert_int_equal(token_create(&cx, agent, S("own"), false, false, &clear, &t), E_DENIED);
	again(&cx);
	assert_int_equal(token_list(&cx, &list, &count), E_DENIED);
	again(&cx);
	assert_int_equal(token_revoke(&cx, 1), E_DENIED);
	ctx_done(&cx);
}

static void
tokens_outlive_a_restart(void **state UNUSED)
{
	const char *t = token_for(&w, agent, false, false);

	world_restart(&w);
	assert_int_equal(with_token(NULL, "gus@clinic.example", t, NULL), OK);
}

/* ---- what changes takes effect at once ----------------------------------------------------------------------------- */

static void
a_change_of_its_user_reaches_a_token_in_use(void **state UNUSED)
{
	int64_t id = person(&w, "Uma Change", "uma@clinic.example", ROLE_AGENT), org = make_org(&w, "Uma's", false);
	const char *t = token_for(&w, id, false, false);
	struct actor a;
	struct user u;
	struct ctx cx;

	assert_int_equal(with_token(NULL, "uma@clinic.example", t, &a), OK);
	SET(&w, id, USER_SEES | USER_ORG, .sees = SEE_ORGANIZATION, .organization_id = org);
	assert_int_equal(with_token(NULL, "uma@clinic.example", t, &a), OK);
	assert_int_equal(a.sees, SEE_ORGANIZATION);
	assert_int_equal(a.organization_id, org);
	SET(&w, id, USER_ROLE, .role = ROLE_END_USER);
	assert_int_equal(with_token(NULL, "uma@clinic.example", t, &a), OK);
	assert_int_equal(a.role, ROLE_END_USER);
	SET(&w, id, USER_SUSPENDED, .suspended = true);
	assert_int_equal(with_token("198.51.100.20", "uma@clinic.example", t, NULL), E_WHO);
	assert_true(last_event_says(&w, "user.login_failed", "reason", "suspended"));
	SET(&w, id, USER_SUSPENDED, .suspended = false);
	assert_int_equal(with_token(NULL, "uma@clinic.example", t, NULL), OK);
	SET(&w, id, USER_EMAIL, .email = HIDE(S("uma@other.example")));
	assert_int_equal(with_token(NULL, "uma@other.example", t, NULL), OK);
	ask(&w, &cx);
	be_system(&cx);
	MUST(&cx, user_delete(&cx, id, &u));
	ctx_done(&cx);
	assert_int_equal(with_token("198.51.100.20", "uma@clinic.example", t, NULL), E_WHO);
}

static enum err
revoke_all(struct ctx *cx, void *arg UNUSED)
{
	static const struct stmt behind_our_back = { .name = "test.revoke_all",
		.sql = "UPDATE api_token SET active = 0 WHERE account_id = $1", .in = "i" };

	return store_exec(cx, &behind_our_back, ARGS(INT(cx->account)), NULL);
}

static void
another_process_is_noticed_within_a_minute(void **state UNUSED)
{
	const char *t = token_for(&w, agent, false, false);
	struct ctx cx;

	assert_int_equal(with_token(NULL, "gus@clinic.example", t, NULL), OK);
	ask(&w, &cx);
	MUST(&cx, store_write(&cx, revoke_all, NULL));
	ctx_done(&cx);
	w.now += 60 * SECOND;
	assert_int_equal(with_token("198.51.100.21", "gus@clinic.example", t, NULL), E_WHO);
}

/* ---- passwords and sessions -------------------------------------------------------------------------------------------- */

static void
a_password_makes_a_session(void **state UNUSED)
{
	int logins = events(&w, "user.login"), logouts = events(&w, "user.logout"), retry;
	char cookie[64], other[64];
	struct ctx cx;
	struct user u;

	assert_int_equal(sign_in(NULL, " Gus@CLINIC.example ", PASSWORD, cookie, &retry), OK);
	assert_int_equal(events(&w, "user.login"), logins + 1);
	assert_int_equal(strlen(cookie), 43);
	assert_int_equal(sign_in(NULL, "gus@clinic.example", PASSWORD, other, &retry), OK);
	assert_string_not_equal(cookie, other);
	assert_false(in_files(&w, cookie));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(request(&cx, NULL, S(""), cookie, &retry), OK);
		assert_int_equal(cx.actor->user_id, agent);
		assert_string_equal(cx.actor->how, "session");
		assert_true(cx.actor->session_id > 0);
		assert_true(session_csrf_ok(&cx, str_dup(cx.arena, cx.actor->csrf)));
		assert_false(session_csrf_ok(&cx, S("")));
		assert_false(session_csrf_ok(&cx, str_sub(cx.actor->csrf, 0, cx.actor->csrf.n - 1)));
		str wrong = str_dup(cx.arena, cx.actor->csrf);
		((char *)(uintptr_t)wrong.p)[5] ^= 1;
		assert_false(session_csrf_ok(&cx, wrong));
		MUST(&cx, user_load(&cx, agent, &u));
		assert_int_equal(u.last_login_at, w.now);
		ctx_done(&cx);
	}
	assert_int_equal(request(&cx, NULL, S(""), cookie, &retry), OK);
	MUST(&cx, session_end(&cx));
	ctx_done(&cx);
	assert_int_equal(events(&w, "user.logout"), logouts + 1);
	assert_int_equal(with_cookie(cookie, NULL), E_WHO);
	assert_int_equal(with_cookie(other, NULL), OK);
	assert_int_equal(with_cookie("no such session", NULL), E_WHO);
	/* Nobody has a CSRF token or a session to end. */
	assert_int_equal(request(&cx, NULL, S(""), "", &retry), OK);
	assert_false(session_csrf_ok(&cx, S("")));
	assert_int_equal(session_end(&cx), E_WHO);
	ctx_done(&cx);
}

static void
an_idle_session_ends(void **state UNUSED)
{
	char cookie[64];
	struct ctx cx;
	int retry, logouts = events(&w, "user.logout");

	assert_int_equal(sign_in(NULL, "gus@clinic.example", PASSWORD, cookie, &retry), OK);
	for (int i = 0; i < 10; i++) {
		w.now += SESSION_IDLE_FOR - SECOND;
		assert_int_equal(with_cookie(cookie, NULL), OK);
	}
	/* A change elsewhere voids the cache, and must not forget the last request. */
	w.now += 30 * SECOND;
	assert_int_equal(with_cookie(cookie, NULL), OK);
	SET(&w, patient, USER_SUSPENDED, .suspended = true);
	SET(&w, patient, USER_SUSPENDED, .suspended = false);
	w.now += SESSION_IDLE_FOR - SECOND;
	assert_int_equal(with_cookie(cookie, NULL), OK);
	w.now += SESSION_IDLE_FOR;
	assert_int_equal(with_cookie(cookie, NULL), E_WHO);
	assert_int_equal(events(&w, "user.logout"), logouts + 1);
	/* It stays ended, also when the clock is set back. */
	w.now -= SESSION_IDLE_FOR;
	assert_int_equal(with_cookie(cookie, NULL), E_WHO);
	assert_int_equal(events(&w, "user.logout"), logouts + 1);
	/* The account may want it shorter. */
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, gate_setting_set(&cx, "session_idle_minutes", S("2")));
	assert_int_equal(sign_in(NULL, "gus@clinic.example", PASSWORD, cookie, &retry), OK);
	w.now += 119 * SECOND;
	assert_int_equal(with_cookie(cookie, NULL), OK);
	w.now += 120 * SECOND;
	assert_int_equal(with_cookie(cookie, NULL), E_WHO);
	cx.now = w.now;
	MUST(&cx, gate_setting_set(&cx, "session_idle_minutes", S("15")));
	ctx_done(&cx);
}

static void
a_session_in_use_ends_after_twelve_hours(void **state UNUSED)
{
	usec end;
	char cookie[64];
	int retry;

	assert_int_equal(sign_in(NULL, "gus@clinic.example", PASSWORD, cookie, &retry), OK);
	for (end = w.now + SESSION_MAX_FOR; w.now < end; w.now += 600 * SECOND)
		assert_int_equal(with_cookie(cookie, NULL), OK);
	w.now = end - 1;
	assert_int_equal(with_cookie(cookie, NULL), OK);
	w.now = end;
	assert_int_equal(with_cookie(cookie, NULL), E_WHO);
}

static void
a_session_survives_a_restart_as_it_was_last_seen(void **state UNUSED)
{
	char cookie[64];
	int retry;

	assert_int_equal(sign_in(NULL, "gus@clinic.example", PASSWORD, cookie, &retry), OK);
	w.now += 10 * 60 * SECOND;
	assert_int_equal(with_cookie(cookie, NULL), OK);
	world_restart(&w);
	w.now += 14 * 60 * SECOND;
	assert_int_equal(with_cookie(cookie, NULL), OK);
	w.now += SESSION_IDLE_FOR;
	world_restart(&w);
	assert_int_equal(with_cookie(cookie, NULL), E_WHO);
}

static void
suspension_and_a_new_password_end_sessions(void **state UNUSED)
{
	int64_t id = person(&w, "Sol Session", "sol@clinic.example", ROLE_END_USER);
	char first[64], second[64];
	struct ctx cx;
	int retry;

	set_password(&w, id, PASSWORD);
	assert_int_equal(sign_in(NULL, "sol@clinic.example", PASSWORD, first, &retry), OK);
	assert_int_equal(with_cookie(first, NULL), OK);
	SET(&w, id, USER_SUSPENDED, .suspended = true);
	assert_int_equal(with_cookie(first, NULL), E_WHO);
	assert_int_equal(sign_in("198.51.100.30", "sol@clinic.example", PASSWORD, NULL, &retry), E_WHO);
	assert_true(last_event_says(&w, "user.login_failed", "reason", "suspended"));
	SET(&w, id, USER_SUSPENDED, .suspended = false);
	assert_int_equal(with_cookie(first, NULL), E_WHO);

	assert_int_equal(sign_in(NULL, "sol@clinic.example", PASSWORD, first, &retry), OK);
	assert_int_equal(sign_in(NULL, "sol@clinic.example", PASSWORD, second, &retry), OK);
	/* One's own password: the previous one is needed, the other sessions end. */
	assert_int_equal(request(&cx, NULL, S(""), second, &retry), OK);
	assert_int_equal(password_change(&cx, HIDE(S("wrong one")), HIDE(S("another good one")), &retry), E_WHO);
	again(&cx);
	assert_int_equal(password_change(&cx, HIDE(S(PASSWORD)), HIDE(S("short")), &retry), E_INVALID);
	again(&cx);
	MUST(&cx, password_change(&cx, HIDE(S(PASSWORD)), HIDE(S("another good one")), &retry));
	ctx_done(&cx);
	assert_int_equal(with_cookie(first, NULL), E_WHO);
	assert_int_equal(with_cookie(second, NULL), OK);
	assert_int_equal(sign_in("198.51.100.31", "sol@clinic.example", PASSWORD, NULL, &retry), E_WHO);
	assert_int_equal(sign_in(NULL, "sol@clinic.example", "another good one", NULL, &retry), OK);
	/* An administrator's: all end. */
	set_password(&w, id, "a third good one");
	assert_int_equal(with_cookie(second, NULL), E_WHO);
}

static void
passwords_over_the_api_are_off_unless_wanted(void **state UNUSED)
{
	struct ctx cx, admin;
	int retry;

	ask(&w, &cx);
	assert_int_equal(gate_authenticate(&cx, basic(&cx, "gus@clinic.example", PASSWORD), S(""), &retry), E_WHO);
	assert_string_equal(cx.fail.field, "password");
	ctx_done(&cx);
	ask(&w, &admin);
	be(&admin, w.admin);
	MUST(&admin, gate_setting_set(&admin, "api_password_access", S("true")));
	ask(&w, &cx);
	assert_int_equal(gate_authenticate(&cx, basic(&cx, "gus@clinic.example", PASSWORD), S(""), &retry), OK);
	assert_int_equal(cx.actor->user_id, agent);
	ctx_done(&cx);
	ask(&w, &cx);
	cx.address = S("198.51.100.40");
	assert_int_equal(gate_authenticate(&cx, basic(&cx, "gus@clinic.example", "wrong"), S(""), &retry), E_WHO);
	ctx_done(&cx);
	MUST(&admin, gate_setting_set(&admin, "api_password_access", S("false")));
	ctx_done(&admin);
}

/* ---- lock-out --------------------------------------------------------------------------------------------------------- */

static void
wrong_passwords_lock_and_time_unlocks(void **state UNUSED)
{
	int64_t id = person(&w, "Lou Lock", "lou@clinic.example", ROLE_AGENT);
	int failed = events(&w, "user.login_failed"), locked = events(&w, "user.locked"), retry;
	const char *t = token_for(&w, id, false, false);

	set_password(&w, id, PASSWORD);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sign_in("203.0.113.1", "lou@clinic.example", "wrong password", NULL, &retry), E_WHO);
		assert_int_equal(retry, 0);
	}
	assert_int_equal(events(&w, "user.login_failed"), failed + 5);
	assert_int_equal(events(&w, "user.locked"), locked + 1);
	assert_true(last_event_says(&w, "user.login_failed", "reason", "wrong password"));
	/* Now even the right one, but not from elsewhere, and not a token. */
	assert_int_equal(sign_in("203.0.113.1", "lou@clinic.example", PASSWORD, NULL, &retry), E_LIMIT);
	assert_int_equal(retry, 10);
	assert_int_equal(with_token("203.0.113.1", "lou@clinic.example", t, NULL), OK);
	assert_int_equal(sign_in("203.0.113.2", "lou@clinic.example", PASSWORD, NULL, &retry), OK);
	w.now += 10 * SECOND;
	assert_int_equal(sign_in("203.0.113.1", "lou@clinic.example", PASSWORD, NULL, &retry), OK);
	/* And success has reset the counter. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(sign_in("203.0.113.1", "lou@clinic.example", "wrong password", NULL, &retry), E_WHO);
	assert_int_equal(sign_in("203.0.113.1", "lou@clinic.example", PASSWORD, NULL, &retry), OK);
}

static void
unknown_people_are_locked_like_known_ones(void **state UNUSED)
{
	int retry;

	for (int i = 0; i < 5; i++)
		assert_int_equal(sign_in("203.0.113.5", "nobody@nowhere.example", "guess guess", NULL, &retry), E_WHO);
	assert_int_equal(sign_in("203.0.113.5", "nobody@nowhere.example", "guess guess", NULL, &retry), E_LIMIT);
	assert_true(last_event_says(&w, "user.login_failed", "reason", "locked out"));
	/* What was tried stands nowhere in clear. */
	assert_false(in_files(&w, "nobody@nowhere.example"));
	assert_false(in_files(&w, "guess guess"));
}

static void
a_distributed_attack_locks_passwords_but_no_token(void **state UNUSED)
{
	int64_t id = person(&w, "Dee Target", "dee@clinic.example", ROLE_AGENT);
	const char *t = token_for(&w, id, false, false);
	char address[32];
	enum err e = E_WHO;
	int retry, n = 0;

	set_password(&w, id, PASSWORD);
	for (; n < 40 && e == E_WHO; n++) {
		snprintf(address, sizeof(address), "2001:db8:0:%x::1", n + 1);
		e = sign_in(address, "dee@clinic.example", "wrong password", NULL, &retry);
	}
	assert_int_equal(e, E_LIMIT);
	assert_int_equal(sign_in("198.51.100.77", "dee@clinic.example", PASSWORD, NULL, &retry), E_LIMIT);
	for (int i = 0; i < 40; i++) {
		snprintf(address, sizeof(address), "2001:db8:1:%x::1", i + 1);
		assert_int_equal(with_token(address, "dee@clinic.example", "wrongtoken", NULL), E_WHO);
	}
	assert_int_equal(with_token("198.51.100.77", "dee@clinic.example", t, NULL), OK);
}

static void
wrong_tokens_are_locked_by_address_and_user(void **state UNUSED)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(with_token("203.0.113.9", "gus@clinic.example", "wrongtoken", NULL), E_WHO);
	assert_int_equal(with_token("203.0.113.9", "gus@clinic.example", "wrongtoken", NULL), E_LIMIT);
	assert_int_equal(with_token("203.0.113.10", "gus@clinic.example", "wrongtoken", NULL), E_WHO);
}

static void
a_flood_is_summarised_in_the_trail(void **state UNUSED)
{
	int before = events(&w, "user.login_failed");
	struct ctx cx;
	int retry;

	w.now += 120 * SECOND;
	for (int i = 0; i < 300; i++)
		with_token("203.0.113.99", "gus@clinic.example", "wrongtoken", NULL);
	assert_int_equal(events(&w, "user.login_failed"), before + 10);
	w.now += 61 * SECOND;
	/* The next request of anybody notices. */
	assert_int_equal(request(&cx, NULL, S(""), "", &retry), OK);
	ctx_done(&cx);
	assert_int_equal(events(&w, "user.login_failed"), before + 11);
	assert_true(last_event_says(&w, "user.login_failed", "more_failures", "290"));
	ask(&w, &cx);
	MUST(&cx, gate_tick(&cx));
	ctx_done(&cx);
	assert_int_equal(events(&w, "user.login_failed"), before + 11);
}

static void
the_tick_forgets_old_sessions(void **state UNUSED)
{
	static const struct stmt count = { .name = "test.sessions",
		.sql = "SELECT COUNT(*) FROM session WHERE account_id = $1", .in = "i", .out = "i" };
	struct row row;
	struct ctx cx;
	int retry;

	assert_int_equal(sign_in(NULL, "gus@clinic.example", PASSWORD, NULL, &retry), OK);
	w.now += SESSION_MAX_FOR + SESSION_IDLE_FOR + SECOND;
	ask(&w, &cx);
	MUST(&cx, gate_tick(&cx));
	MUST(&cx, store_one(&cx, &count, ARGS(INT(1)), &row));
	assert_int_equal(row_int(&row, 0), 0);
	ctx_done(&cx);
}

static void
nothing_in_this_file_told_an_email(void **state UNUSED)
{
	assert_false(in_files(&w, "gus@clinic.example"));
	assert_false(in_files(&w, "lou@clinic"));
	assert_false(in_files(&w, PASSWORD));
}

static void
the_trail_still_verifies(void **state UNUSED)
{
	struct trail_verdict v;
	struct ctx cx;

	ask(&w, &cx);
	MUST(&cx, trail_checkpoint(&cx));
	MUST(&cx, trail_verify(&cx, &v));
	assert_true(v.ok);
	ctx_done(&cx);
}

static int
setup(void **state UNUSED)
{
	world_open(&w);
	agent = person(&w, "Gus Agent", "gus@clinic.example", ROLE_AGENT);
	patient = person(&w, "Pip Patient", "pip@patients.example", ROLE_END_USER);
	set_password(&w, agent, PASSWORD);
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
	struct CMUnitTest t[32];
	size_t n = 0;

	ADD(t, n, nothing_is_nobody);
	ADD(t, n, a_token_acts_as_its_user);
	ADD(t, n, only_with_its_user_its_kind_and_every_byte);
	ADD(t, n, a_bearer_token_may_be_read_only);
	ADD(t, n, a_token_is_listed_used_and_revoked);
	ADD(t, n, tokens_outlive_a_restart);
	ADD(t, n, a_change_of_its_user_reaches_a_token_in_use);
	ADD(t, n, another_process_is_noticed_within_a_minute);
	ADD(t, n, a_password_makes_a_session);
	ADD(t, n, an_idle_session_ends);
	ADD(t, n, a_session_in_use_ends_after_twelve_hours);
	ADD(t, n, a_session_survives_a_restart_as_it_was_last_seen);
	ADD(t, n, suspension_and_a_new_password_end_sessions);
	ADD(t, n, passwords_over_the_api_are_off_unless_wanted);
	ADD(t, n, wrong_passwords_lock_and_time_unlocks);
	ADD(t, n, unknown_people_are_locked_like_known_ones);
	ADD(t, n, a_distributed_attack_locks_passwords_but_no_token);
	ADD(t, n, wrong_tokens_are_locked_by_address_and_user);
	ADD(t, n, a_flood_is_summarised_in_the_trail);
	ADD(t, n, the_tick_forgets_old_sessions);
	ADD(t, n, nothing_in_this_file_told_an_email);
	ADD(t, n, the_trail_still_verifies);
	return _cmocka_run_group_tests("gate auth", t, n, setup, teardown);
}
