/* signin.c - how people sign in, as an administrator may set it: never less than is safe.
 *
 * A row per setting: its bounds, and the rule that they are from, which is
 * said to who asks for less. All are account settings, so a change is an event
 * in the trail and holds with the next request.
 */
#include "gate/inside.h"

static const struct sign_in_setting rows[] = {
	{ "idle_minutes", "session_idle_minutes", SESSION_IDLE_FOR / MINUTE, 1, 30,
	  "Idle minutes: from 1 to 30 (NIST SP 800-63B 4.2.3; automatic logoff, 45 CFR 164.312(a)(2)(iii))" },
	{ "session_hours", "session_hours", SESSION_MAX_FOR / (60 * MINUTE), 1, 12, "Session hours: from 1 to 12 (NIST SP 800-63B 4.2.3)" },
	{ "password_characters", "password_characters", PASSWORD_MIN, PASSWORD_MIN, 64, "Password characters: from 8 to 64 (NIST SP 800-63B 5.1.1.2)" },
	{ "failures_allowed", "failures_allowed", FAILURES_ALLOWED, 3, 10, "Failures allowed: from 3 to 10 before a lock-out (NIST SP 800-63B 5.2.2 limits guessing)" },
	{ "invitation_days", "invitation_days", INVITATION_DAYS, 1, 30, "Invitation days: from 1 to 30" },
};

const struct sign_in_setting *
sign_in_settings(int *count)
{
	*count = COUNT(rows);
	return rows;
}

int64_t
sign_in_setting(struct ctx *cx, enum sign_in which)
{
	const struct sign_in_setting *r = &rows[which];
	int64_t v = gate_setting_int(cx, r->setting, r->otherwise);

	return v < r->least ? r->least : v > r->most ? r->most : v;
}

struct put { const int64_t *value; const bool *given; };

static enum err
put_tx(struct ctx *cx, void *arg)
{
	const struct put *p = arg;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	for (size_t i = 0; i < COUNT(rows); i++)
		if (p->given[i] && (p->value[i] < rows[i].least || p->value[i] > rows[i].most))
			bad(cx, rows[i].name, "InvalidValue", rows[i].rule);
	TRY(bad_check(cx));
	for (size_t i = 0; i < COUNT(rows); i++)
		if (p->given[i] && p->value[i] != sign_in_setting(cx, (enum sign_in)i))
			TRY(gate_setting_set(cx, rows[i].setting, str_printf(cx->arena, "%lld", (long long)p->value[i])));
	return OK;
}

enum err
sign_in_put(struct ctx *cx, const int64_t value[SIGN_IN_LAST], const bool given[SIGN_IN_LAST])
{
	return store_write(cx, put_tx, &(struct put){ value, given });
}
