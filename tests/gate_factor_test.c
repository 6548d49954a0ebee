/* The second factor: setting one up, signing in with it, losing it. */
#include <liboath/oath.h>

#include "gate_world.h"

static struct world w;
static int64_t agent, patient;

static enum err
sign_in(const char *email, const char *code, char cookie[64], const char **field)
{
	str c, csrf;
	struct ctx cx;
	enum err e;
	int retry;

	ask(&w, &cx);
	e = session_create(&cx, str_of(email), HIDE(S(PASSWORD)), str_of(code), &c, &csrf, &retry);
	if (field != NULL)
		*field = e != OK ? cx.fail.field : NULL;
	if (e == OK && cookie != NULL) {
		memcpy(cookie, c.p, c.n);
		cookie[c.n] = 0;
	}
	ctx_done(&cx);
	return e;
}

/* A context as the session of this cookie. */
static struct actor
as(struct ctx *cx, const char *cookie)
{
	int retry;

	ask(&w, cx);
	assert_int_equal(gate_authenticate(cx, S(""), str_of(cookie), &retry), OK);
	return *cx->actor;
}

/* What the app would show `steps` steps from now. */
static const char *
code_at(const char *base32, int steps, char out[8])
{
	char *raw = NULL;
	size_t n = 0;

	assert_int_equal(oath_base32_decode(base32, strlen(base32), &raw, &n), OATH_OK);
	assert_int_equal(oath_totp_generate(raw, n, (time_t)(w.now / SECOND + 30 * steps), 30, 0, 6, out), OATH_OK);
	free(raw);
	return out;
}

static char secret[64], recovery[10][16], cookie[64];

static void
staff_without_one_may_only_set_one_up(void **state UNUSED)
{
	struct ctx cx;
	struct actor a;
	str s, uri, *codes;
	char code[8];
	int n;

	assert_int_equal(sign_in("fay@clinic.example", "", cookie, NULL), OK);
	a = as(&cx, cookie);
	assert_true(a.enrolling);
	for (int what = MAY_SIGNED_IN; what < MAY_LAST; what++) {
		enum err e = gate_may(&cx, (enum may)what, NULL);
		assert_int_equal(e, what == MAY_OWN_FACTOR ? OK : E_DENIED);
		again(&cx);
	}
	assert_int_equal(factor_confirm(&cx, S("123456"), &codes, &n), E_ABSENT);
	again(&cx);
	MUST(&cx, factor_begin(&cx, &s, &uri));
	assert_true(s.n >= 32 && s.n < sizeof secret && str_starts(uri, S("otpauth://totp/Ward:fay%40clinic.example?secret=")));
	memcpy(secret, s.p, s.n);
	ctx_done(&cx);
	/* Begun is not set: the password alone still signs in, to finish it. */
	assert_int_equal(sign_in("fay@clinic.example", "", NULL, NULL), OK);

	as(&cx, cookie);
	assert_int_equal(factor_confirm(&cx, str_of(code_at(secret, -2, code)), &codes, &n), E_INVALID);
	again(&cx);
	assert_int_equal(factor_confirm(&cx, str_of(code_at(secret, 2, code)), &codes, &n), E_INVALID);
	again(&cx);
	MUST(&cx, factor_confirm(&cx, str_of(code_at(secret, 0, code)), &codes, &n));
	assert_int_equal(n, 10);
	for (int i = 0; i < n; i++)
		snprintf(recovery[i], sizeof recovery[i], STR_F, STR_A(codes[i]));
	ctx_done(&cx);
	assert_true(last_event_says(&w, "user.factor_set", "totp", "set"));
	a = as(&cx, cookie);
	assert_false(a.enrolling);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, NULL), OK);
	assert_int_equal(factor_begin(&cx, &s, &uri), E_CONFLICT);
	ctx_done(&cx);
}

static void
a_code_is_asked_for_and_works_once(void **state UNUSED)
{
	const char *field;
	char code[8];

	assert_int_equal(sign_in("fay@clinic.example", "", NULL, &field), E_WHO);
	assert_string_equal(field, "code");
	assert_int_equal(sign_in("fay@clinic.example", code_at(secret, 0, code), NULL, NULL), E_WHO);   /* taken to confirm */
	w.now += 60 * SECOND;
	assert_int_equal(sign_in("fay@clinic.example", code_at(secret, -1, code), NULL, NULL), OK);
	assert_int_equal(sign_in("fay@clinic.example", code, NULL, &field), E_WHO);
	assert_string_equal(field, "code");
	assert_true(last_event_says(&w, "user.login_failed", "reason", "wrong code"));
	code_at(secret, 0, code);
	char spaced[16];
	snprintf(spaced, sizeof spaced, "%.3s %s", code, code + 3);
	assert_int_equal(sign_in("fay@clinic.example", spaced, NULL, NULL), OK);
	assert_int_equal(sign_in("fay@clinic.example", code_at(secret, -1, code), NULL, NULL), E_WHO);  /* never backwards */
}

static void
recovery_codes_work_once_each(void **state UNUSED)
{
	char upper[16];

	w.now += 3600 * SECOND;
	for (size_t i = 0; i <= strlen(recovery[0]); i++)
		upper[i] = recovery[0][i] >= 'a' && recovery[0][i] <= 'z' ? (char)(recovery[0][i] - 32) : recovery[0][i];
	assert_int_equal(sign_in("fay@clinic.example", upper, NULL, NULL), OK);
	assert_int_equal(sign_in("fay@clinic.example", recovery[0], NULL, NULL), E_WHO);
	assert_int_equal(sign_in("fay@clinic.example", recovery[1], NULL, NULL), OK);
	assert_int_equal(sign_in("fay@clinic.example", "aaaaa-aaaaa", NULL, NULL), E_WHO);
}

static void
new_recovery_codes_void_the_old(void **state UNUSED)
{
	struct factor_state f;
	struct ctx cx;
	char code[8];
	str *codes;
	int n;

	w.now += 3600 * SECOND;
	assert_int_equal(sign_in("fay@clinic.example", code_at(secret, 0, code), cookie, NULL), OK);
	as(&cx, cookie);
	MUST(&cx, factor_state(&cx, agent, &f));
	assert_true(f.set && f.needed && f.recovery_left == 8);
	assert_int_equal(factor_recovery_new(&cx, S("000000"), &codes, &n), E_INVALID);
	again(&cx);
	MUST(&cx, factor_recovery_new(&cx, str_of(code_at(secret, 1, code)), &codes, &n));
	ctx_done(&cx);
	assert_int_equal(sign_in("fay@clinic.example", recovery[2], NULL, NULL), E_WHO);
}

static void
guessing_codes_locks(void **state UNUSED)
{
	enum err e = OK;
	int n = 0;

	w.now += 3600 * SECOND;
	while (n++ < 40 && (e = sign_in("fay@clinic.example", "000001", NULL, NULL)) == E_WHO)
		;
	assert_int_equal(e, E_LIMIT);
	w.now += 24 * 3600 * SECOND;
}

static void
who_lost_it_is_given_a_new_start(void **state UNUSED)
{
	struct ctx cx;
	char code[8], later[64];

	assert_int_equal(sign_in("fay@clinic.example", code_at(secret, 0, code), later, NULL), OK);
	ask(&w, &cx);
	gate_as_system(&cx, "cli");
	MUST(&cx, factor_reset(&cx, agent));
	assert_int_equal(factor_reset(&cx, agent), E_ABSENT);
	ctx_done(&cx);
	int retry;
	ask(&w, &cx);
	assert_int_equal(gate_authenticate(&cx, S(""), str_of(later), &retry), E_WHO);    /* sessions ended */
	ctx_done(&cx);
	assert_int_equal(sign_in("fay@clinic.example", "", later, NULL), OK);
	assert_true(as(&cx, later).enrolling);
	ctx_done(&cx);
}

static void
requesters_and_tokens_need_none(void **state UNUSED)
{
	struct ctx cx;
	char c[64];

	assert_int_equal(sign_in("pia@patients.example", "", c, NULL), OK);
	assert_false(as(&cx, c).enrolling);
	assert_int_equal(gate_may(&cx, MAY_OWN_FACTOR, NULL), E_DENIED);
	ctx_done(&cx);
}

static void
agents_may_do_without_administrators_not(void **state UNUSED)
{
	struct ctx cx;
	char c[64];

	ask(&w, &cx);
	gate_as_system(&cx, "cli");
	MUST(&cx, gate_setting_set(&cx, "staff_second_factor", S("false")));
	ctx_done(&cx);
	assert_int_equal(sign_in("fay@clinic.example", "", c, NULL), OK);
	assert_false(as(&cx, c).enrolling);
	ctx_done(&cx);
	assert_int_equal(sign_in("ada@clinic.example", "", c, NULL), OK);
	assert_true(as(&cx, c).enrolling);
	ctx_done(&cx);
}

static int
setup(void **state UNUSED)
{
	world_open(&w);
	agent = person(&w, "Fay Factor", "fay@clinic.example", ROLE_AGENT);
	patient = person(&w, "Pia Patient", "pia@patients.example", ROLE_END_USER);
	set_password(&w, agent, PASSWORD);
	set_password(&w, w.admin, PASSWORD);
	set_password(&w, patient, PASSWORD);
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
	struct CMUnitTest t[16];
	size_t n = 0;

	ADD(t, n, staff_without_one_may_only_set_one_up);
	ADD(t, n, a_code_is_asked_for_and_works_once);
	ADD(t, n, recovery_codes_work_once_each);
	ADD(t, n, new_recovery_codes_void_the_old);
	ADD(t, n, guessing_codes_locks);
	ADD(t, n, who_lost_it_is_given_a_new_start);
	ADD(t, n, requesters_and_tokens_need_none);
	ADD(t, n, agents_may_do_without_administrators_not);
	return _cmocka_run_group_tests("gate factor", t, n, setup, teardown);
}
