/* signin.c - /api/ward/v1/sign_in: how people sign in, and how far it can be set. */
#include "api/in.h"

static enum err
reply(struct ctx *cx, struct http_reply *rp)
{
	int n;
	const struct sign_in_setting *s = sign_in_settings(&n);
	struct factor_missing without;
	struct json j;

	TRY(factor_missing(cx, &without));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "sign_in");
	jw_obj(&j);
	for (int i = 0; i < n; i++)
		jw_kint(&j, s[i].name, sign_in_setting(cx, (enum sign_in)i));
	jw_kz(&j, "second_factor", gate_setting_bool(cx, "staff_second_factor", true) ? "staff" : "admins");
	jw_kbool(&j, "admins_set_passwords", gate_setting_bool(cx, "admins_can_set_user_passwords", false));
	jw_end_obj(&j);
	jw_key(&j, "without_second_factor");
	jw_obj(&j);
	jw_kint(&j, "staff", without.staff);
	jw_kint(&j, "admins", without.admins);
	jw_end_obj(&j);
	jw_key(&j, "bounds");
	jw_obj(&j);
	for (int i = 0; i < n; i++) {
		jw_key(&j, s[i].name);
		jw_obj(&j);
		jw_kint(&j, "least", s[i].least);
		jw_kint(&j, "most", s[i].most);
		jw_kint(&j, "default", s[i].otherwise);
		jw_kz(&j, "rule", s[i].rule);
		jw_end_obj(&j);
	}
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	return reply(cx, rp);
}

struct change { int64_t value[SIGN_IN_LAST]; bool given[SIGN_IN_LAST]; const json_t *factor, *passwords; bool of_staff; };

static enum err
change_tx(struct ctx *cx, void *arg)
{
	struct change *c = arg;

	TRY(sign_in_put(cx, c->value, c->given));
	if (c->factor != NULL && (c->of_staff != gate_setting_bool(cx, "staff_second_factor", true)))
		TRY(gate_setting_set(cx, "staff_second_factor", c->of_staff ? S("true") : S("false")));
	return c->passwords == NULL ? OK : gate_setting_set(cx, "admins_can_set_user_passwords", json_is_true(c->passwords) ? S("true") : S("false"));
}

static enum err
put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *names[SIGN_IN_LAST + 3] = { NULL };
	int n;
	const struct sign_in_setting *s = sign_in_settings(&n);
	struct change c = { .factor = NULL };
	const json_t *obj, *v;

	TRY(api_body(cx, rq, rp, "sign_in", &obj));
	if (obj == NULL)
		return OK;
	for (int i = 0; i < n; i++)
		names[i] = s[i].name;
	names[n] = "second_factor";
	names[n + 1] = "admins_set_passwords";
	api_known(cx, obj, names);
	for (int i = 0; i < n; i++) {
		if ((v = json_object_get(obj, s[i].name)) == NULL)
			continue;
		c.given[i] = true;
		c.value[i] = json_integer_value(v);
		if (!json_is_integer(v))
			bad(cx, s[i].name, "InvalidValue", s[i].rule);
	}
	if ((c.factor = json_object_get(obj, "second_factor")) != NULL) {
		str whom = json_text(cx, c.factor);
		c.of_staff = str_eq(whom, S("staff"));
		if (!c.of_staff && !str_eq(whom, S("admins")))
			bad(cx, "second_factor", "InvalidValue", "Second factor: staff, or admins; administrators and compliance officers always have one (45 CFR 164.312(d))");
	}
	if ((c.passwords = json_object_get(obj, "admins_set_passwords")) != NULL && !json_is_boolean(c.passwords))
		bad(cx, "admins_set_passwords", "InvalidValue", "Admins set passwords: must be true or false");
	TRY(bad_check(cx));
	TRY(store_write(cx, change_tx, &c));
	return reply(cx, rp);
}

const struct route sign_in_routes[] = {
	{ GET, "/api/ward/v1/sign_in", MAY_READ_POSTURE, 0,       show, 0 },
	{ PUT, "/api/ward/v1/sign_in", MAY_ADMIN,        4 * KiB, put,  0 },
	{ 0 }
};
