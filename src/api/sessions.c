/* sessions.c - signing in and out on the screen, and the second factor. */
#include "api/in.h"

static void
set_cookie(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, str value, bool end)
{
	http_head(rp, "Set-Cookie", str_printf(cx->arena, "ward_session=" STR_F "; Path=/; HttpOnly; SameSite=Strict%s%s",
	    STR_A(value), rq->secure ? "; Secure" : "", end ? "; Max-Age=0" : ""));
}

/* The password was right: the page asks for the code now, or again. */
static void
code_wanted(struct http_reply *rp, bool wrong)
{
	struct json j;

	api_begin(rp, &j, 401);
	jw_obj(&j);
	jw_kz(&j, "error", wrong ? "CodeWrong" : "CodeNeeded");
	jw_kz(&j, "description", wrong ? "The code is wrong, too old, or was used already" : "A code of the second factor is needed");
	jw_key(&j, "details");
	jw_obj(&j);
	jw_key(&j, "code");
	jw_arr(&j);
	jw_obj(&j);
	jw_kz(&j, "description", wrong ? "Code: is wrong, too old, or was used already" : "Code: is needed");
	jw_kz(&j, "error", wrong ? "InvalidValue" : "BlankValue");
	jw_end_obj(&j);
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
}

static enum err
session_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct user u;
	struct json j;
	str cookie, csrf, email;
	sensitive password;
	const json_t *code;
	int retry = 0;
	enum err e;

	/* Another site cannot make this request look like ours: it must be JSON. */
	if (!str_starts(http_header(rq, "content-type"), S("application/json")))
		return api_error(rp, 415, "UnsupportedMediaType", "Content-Type must be application/json");
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	email = json_text(cx, json_object_get(obj, "email"));
	password = HIDE(json_text(cx, json_object_get(obj, "password")));
	if (email.n == 0)
		bad(cx, "email", "BlankValue", "Email: cannot be blank");
	if (password.hidden.n == 0)
		bad(cx, "password", "BlankValue", "Password: cannot be blank");
	code = json_object_get(obj, "code");
	TRY(bad_check(cx));
	e = session_create(cx, email, password, json_is_string(code) ? json_text(cx, code) : S(""), &cookie, &csrf, &retry);
	if (e == E_LIMIT) {
		(void)!api_error(rp, 429, "TooManyAttempts", "Too many failed sign-ins; wait before the next one");
		http_head(rp, "Retry-After", str_printf(cx->arena, "%d", retry > 0 ? retry : 1));
		return OK;
	}
	if (e == E_WHO && cx->fail.field != NULL && strcmp(cx->fail.field, "code") == 0) {
		code_wanted(rp, json_is_string(code));
		return OK;
	}
	TRY(e);
	TRY(user_load(cx, cx->actor->user_id, &u));
	set_cookie(cx, rq, rp, cookie, false);
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_kstr(&j, "csrf", csrf);
	jw_kbool(&j, "second_factor_missing", cx->actor->enrolling);
	jw_key(&j, "user");
	json_user(&j, cx, z_of(cx, api_base(cx, rq)), &u);
	jw_end_obj(&j);
	return look_one(cx, "user", u.id, "name,email,phone");
}

static enum err
session_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	if (cx->actor->user_id != 0 && cx->actor->session_id == 0)
		return fail(cx, E_ABSENT, NULL, "a token is no session");
	TRY(session_end(cx));
	set_cookie(cx, rq, rp, S(""), true);
	api_empty(rp, 204);
	return OK;
}

/* ---- the second factor ------------------------------------------------------------------------------ */

static enum err
factors(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct factor_state f;
	struct json j;

	(void)rq;
	TRY(factor_state(cx, cx->actor->user_id, &f));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kbool(&j, "needed", f.needed);
	jw_kbool(&j, "missing", cx->actor->enrolling);
	jw_kint(&j, "recovery_codes_left", f.recovery_left);
	jw_key(&j, "factors");
	jw_arr(&j);
	if (f.set) {
		jw_obj(&j);
		jw_kz(&j, "kind", "totp");
		jw_ktime(&j, "set_at", f.set_at);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
totp_begin(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;
	str secret, uri;

	(void)rq;
	TRY(factor_begin(cx, &secret, &uri));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "totp");
	jw_obj(&j);
	jw_kstr(&j, "secret", secret);
	jw_kstr(&j, "uri", uri);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
code_of(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const json_t **obj, str *code)
{
	TRY(api_body(cx, rq, rp, NULL, obj));
	if (*obj == NULL)
		return OK;
	*code = json_text(cx, json_object_get(*obj, "code"));
	if (code->n == 0)
		bad(cx, "code", "BlankValue", "Code: cannot be blank");
	return bad_check(cx);
}

typedef enum err makes_codes(struct ctx *cx, str code, str **recovery, int *count);

static enum err
recovery(struct ctx *cx, struct http_req *rq, struct http_reply *rp, makes_codes *make)
{
	const json_t *obj;
	str code, *list;
	struct json j;
	int n;

	TRY(code_of(cx, rq, rp, &obj, &code));
	if (obj == NULL)
		return OK;
	TRY(make(cx, code, &list, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "recovery_codes");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		jw_str(&j, list[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
totp_confirm(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return recovery(cx, rq, rp, factor_confirm);
}

static enum err
recovery_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return recovery(cx, rq, rp, factor_recovery_new);
}

static enum err
totp_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	str code;

	TRY(code_of(cx, rq, rp, &obj, &code));
	if (obj == NULL)
		return OK;
	TRY(factor_end(cx, code));
	api_empty(rp, 204);
	return OK;
}

static enum err
reset(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(factor_reset(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

const struct route session_routes[] = {
	{ POST,   "/api/ward/v1/session",                 MAY_ANYONE,     16 * KiB, session_post,   ROUTE_ANONYMOUS_OK | ROUTE_NO_CSRF },
	{ DELETE, "/api/ward/v1/session",                 MAY_ANYONE,     0,        session_delete, 0 },
	{ GET,    "/api/ward/v1/factors",                 MAY_OWN_FACTOR, 0,        factors,        0 },
	{ POST,   "/api/ward/v1/factors/totp",            MAY_OWN_FACTOR, 4 * KiB,  totp_begin,     0 },
	{ POST,   "/api/ward/v1/factors/totp/confirm",    MAY_OWN_FACTOR, 4 * KiB,  totp_confirm,   0 },
	{ DELETE, "/api/ward/v1/factors/totp",            MAY_OWN_FACTOR, 4 * KiB,  totp_delete,    0 },
	{ POST,   "/api/ward/v1/factors/recovery_codes",  MAY_OWN_FACTOR, 4 * KiB,  recovery_post,  0 },
	{ DELETE, "/api/ward/v1/users/{id}/factors",      MAY_ADMIN,      0,        reset,          0 },
	{ 0 }
};
