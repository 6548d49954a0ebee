/* resets.c - a password by a link, for who forgot theirs and for who was invited: the calls that make the link, and the
 * pages, without script.
 *
 * Nothing here tells whether an address is known: asking only counts and
 * queues, and a wrong, used, old or foreign link reads the same.
 */
#include "api/help.h"

#define PATH "/password/reset"

/* Mail goes out and a link leads somewhere; the same for every address. */
static bool
can_send(struct ctx *cx)
{
	return flow_mail_on(cx) && cx->sys->base_url != NULL && *cx->sys->base_url != 0;
}

static void
wait_head(struct ctx *cx, struct http_reply *rp, int retry)
{
	http_head(rp, "Retry-After", str_printf(cx->arena, "%d", retry > 0 ? retry : 1));
}

static enum err
ask_api(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct json j;
	str email;
	int retry = 0;
	enum err e;

	/* Another site cannot make this request look like ours: it must be JSON. */
	if (!str_starts(http_header(rq, "content-type"), S("application/json")))
		return api_error(rp, 415, "UnsupportedMediaType", "Content-Type must be application/json");
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	email = str_trim(json_text(cx, json_object_get(obj, "email")));
	if (email.n == 0)
		bad(cx, "email", "BlankValue", "Email: cannot be blank");
	else if (!email_valid(email))
		bad(cx, "email", "InvalidValue", "Email: is not properly formatted");
	TRY(bad_check(cx));
	e = password_reset_ask(cx, email, &retry);
	if (e == E_LIMIT) {
		(void)!api_error(rp, 429, "TooManyAttempts", "Too many asked for a new password; wait before the next one");
		wait_head(cx, rp, retry);
		return OK;
	}
	TRY(e);
	api_begin(rp, &j, 202);
	jw_obj(&j);
	jw_kz(&j, "description", "If this address is known here, a link is on its way to it.");
	jw_end_obj(&j);
	return OK;
}

/* ---- pages -------------------------------------------------------------------------------------------------------- */

/* A password as it was typed, blanks at its ends included. */
static str
typed(struct ctx *cx, struct http_req *rq, const char *name)
{
	const struct form *f = help_form(cx, rq);

	for (int i = 0; i < f->n; i++)
		if (f->part[i].file_name.n == 0 && str_eq(f->part[i].name, str_of(name)))
			return f->part[i].bytes;
	return S("");
}

static enum err
ask_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, str email)
{
	struct page p = page_begin(cx, rq, rp, status, W_RESET);

	page_wrongs(&p);
	page_para(&p, "lead", W_RESET_WHY);
	page_raw(&p, "<form method=\"post\" action=\"" PATH "\">");
	page_input(&p, "email", "email", "autocomplete=\"username\" required", W_EMAIL, email);
	page_button(&p, W_SEND_LINK);
	page_raw(&p, "</form>");
	page_end(&p);
	return OK;
}

static enum err
ask_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str email = form_value(cx, rq, "email");
	struct page p;
	int retry = 0;
	enum err e;

	if (!email_valid(email)) {
		bad(cx, "email", "InvalidValue", word_in(W_BAD_EMAIL, help_lang(rq)));
		return ask_page(cx, rq, rp, 422, email);
	}
	if (!can_send(cx))
		return page_message(cx, rq, rp, 503, W_MAIL_OFF);
	e = password_reset_ask(cx, email, &retry);
	if (e == E_LIMIT) {
		fail_forget(cx);
		wait_head(cx, rp, retry);
		return page_message(cx, rq, rp, 429, W_RESET_OFTEN);
	}
	TRY(e);
	p = page_begin(cx, rq, rp, 202, W_RESET);
	page_outcome(&p, true, W_SENT);
	page_para(&p, "soft", W_RESET_WHY);
	page_end(&p);
	return OK;
}

static enum err
over(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct page p;

	fail_forget(cx);
	p = page_begin(cx, rq, rp, 404, W_RESET);
	page_outcome(&p, false, W_RESET_OVER);
	page_raw(&p, "<p>");
	page_link(&p, "go", PATH, W_RESET_ANEW);
	page_raw(&p, "</p>");
	page_end(&p);
	return OK;
}

/* What a password must be, with the number that is set here. */
static str
rule(struct ctx *cx, const struct http_req *rq)
{
	str tail = str_of(word_in(W_RESET_RULE, help_lang(rq))), head = str_cut(&tail, '#');

	return str_printf(cx->arena, STR_F "%lld" STR_F, STR_A(head), (long long)sign_in_setting(cx, SIGN_IN_PASSWORD), STR_A(tail));
}

static enum err
set_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, str token)
{
	struct page p;
	bool code, invited;
	enum err e = password_reset_find(cx, token, &code, &invited);

	if (e == E_ABSENT)
		return over(cx, rq, rp);
	TRY(e);
	p = page_begin(cx, rq, rp, status, invited ? W_INVITE : W_RESET);
	page_wrongs(&p);
	if (invited)
		page_para(&p, "lead", W_INVITE_WHY);
	page_raw(&p, "<form method=\"post\" action=\"" PATH "\"><input type=\"hidden\" name=\"token\" value=\"");
	page_text(&p, token);
	page_raw(&p, "\">");
	/* Password managers look for the name that a password belongs to; the page does not know it. */
	page_raw(&p, "<input name=\"username\" autocomplete=\"username\" hidden>");
	page_input(&p, "password", "password", "autocomplete=\"new-password\" required aria-describedby=\"rule\"", W_RESET_NEW, S(""));
	page_raw(&p, "<p class=\"soft\" id=\"rule\">");
	page_text(&p, rule(cx, rq));
	page_raw(&p, "</p>");
	page_input(&p, "again", "password", "autocomplete=\"new-password\" required", W_RESET_AGAIN, S(""));
	if (code)
		page_input(&p, "code", "text", "autocomplete=\"one-time-code\" required", W_RESET_CODE, S(""));
	page_button(&p, W_RESET_SET);
	page_raw(&p, "</form>");
	page_end(&p);
	return OK;
}

static enum err
wrong(struct ctx *cx, struct http_req *rq, struct http_reply *rp, str token, const char *field, enum word why)
{
	fail_forget(cx);
	cx->bad = NULL;
	bad(cx, field, "InvalidValue", why == W_RESET_RULE ? z_of(cx, rule(cx, rq)) : word_in(why, help_lang(rq)));
	return set_page(cx, rq, rp, 422, token);
}

static enum err
reset_get(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *token = http_query(rq, "token");

	return token == NULL ? ask_page(cx, rq, rp, 200, S("")) : set_page(cx, rq, rp, 200, *token);
}

static enum err
reset_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str token = form_value(cx, rq, "token"), fresh = typed(cx, rq, "password");
	struct page p;
	struct reset_taken taken;
	int retry;
	enum err e;

	if (token.n == 0)
		return ask_post(cx, rq, rp);
	if (!str_eq(fresh, typed(cx, rq, "again")))
		return wrong(cx, rq, rp, token, "again", W_RESET_DIFFER);
	e = password_reset_take(cx, token, HIDE(fresh), form_value(cx, rq, "code"), &taken, &retry);
	if (e == E_ABSENT)
		return over(cx, rq, rp);
	if (e == E_INVALID)
		return wrong(cx, rq, rp, token, "password", W_RESET_RULE);
	if (e == E_WHO)
		return wrong(cx, rq, rp, token, "code", W_RESET_CODE_WRONG);
	if (e == E_LIMIT) {
		fail_forget(cx);
		wait_head(cx, rp, retry);
		return page_message(cx, rq, rp, 429, W_RESET_OFTEN);
	}
	TRY(e);
	p = page_begin(cx, rq, rp, 200, taken.invited ? W_INVITE : W_RESET);
	page_outcome(&p, true, taken.invited ? W_INVITE_DONE : W_RESET_DONE);
	page_raw(&p, "<p>");
	page_link(&p, "go", taken.staff ? "/agent" : AT "/sign-in", W_SIGN_IN);
	page_raw(&p, "</p>");
	page_end(&p);
	return OK;
}

/* ---- invitations ---------------------------------------------------------------------------------------------------- */

static void
json_invitation(struct json *j, struct ctx *cx, const struct invitation *v, const char *url)
{
	jw_obj(j);
	jw_kint(j, "user_id", v->user_id);
	jw_kz(j, "state", v->expires_at > cx->now ? "invited" : "expired");
	jw_kz(j, "by", v->by_mail ? "mail" : "hand");
	jw_ktime(j, "invited_at", v->invited_at);
	jw_ktime(j, "expires_at", v->expires_at);
	if (url != NULL)
		jw_kz(j, "url", url);
	jw_end_obj(j);
}

/* Without mail, or when the administrator asks for it, the link is in this answer and nowhere else. */
static enum err
invite(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "user_id", "by", NULL };
	const char *url = NULL;
	struct invitation v;
	const json_t *obj;
	int64_t user = 0;
	bool by_mail;
	struct json j;
	str token, by;

	TRY(api_body(cx, rq, rp, "invitation", &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, names);
	by = json_text(cx, json_object_get(obj, "by"));
	if (!json_id(json_object_get(obj, "user_id"), &user))
		bad(cx, "user_id", "BlankValue", "User: must be an id");
	if (json_object_get(obj, "by") != NULL && !str_eq(by, S("mail")) && !str_eq(by, S("hand")))
		bad(cx, "by", "InvalidValue", "By: is mail or hand");
	else if (str_eq(by, S("mail")) && !can_send(cx))
		bad(cx, "by", "InvalidValue", "By: mail needs a relay and base_url, which are not set");
	TRY(bad_check(cx));
	by_mail = by.n > 0 ? str_eq(by, S("mail")) : can_send(cx);
	TRY(invitation_make(cx, user, by_mail, &token, &v));
	if (!by_mail)
		url = z_of(cx, str_printf(cx->arena, STR_F PATH "?token=" STR_F, STR_A(api_base(cx, rq)), STR_A(token)));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "invitation");
	json_invitation(&j, cx, &v, url);
	jw_end_obj(&j);
	return OK;
}

/* Who is made as staff learns of it by mail, where mail goes out and nobody said otherwise. */
enum err
invite_new(struct ctx *cx, const struct user *u)
{
	struct invitation v;
	str token;

	if (u->role == ROLE_END_USER || u->email.hidden.n == 0 || !u->active || u->suspended || !can_send(cx))
		return OK;
	return invitation_make(cx, u->id, true, &token, &v);
}

static enum err
invited(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct invitation *v;
	struct json j;
	int64_t *none;
	int n, without;

	(void)rq;
	TRY(invitation_list(cx, &v, &n));
	TRY(invitation_none(cx, &none, &without));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kbool(&j, "mail", can_send(cx));
	jw_key(&j, "invitations");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_invitation(&j, cx, &v[i], NULL);
	jw_end_arr(&j);
	jw_key(&j, "uninvited_user_ids");
	jw_arr(&j);
	for (int i = 0; i < without; i++)
		jw_int(&j, none[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
withdraw(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(invitation_withdraw(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

const struct route reset_routes[] = {
	{ GET,    "/api/ward/v1/invitations",      MAY_ADMIN, 0,       invited,  0 },
	{ POST,   "/api/ward/v1/invitations",      MAY_ADMIN, 4 * KiB, invite,   0 },
	{ DELETE, "/api/ward/v1/invitations/{id}", MAY_ADMIN, 0,       withdraw, 0 },
	{ POST, "/api/ward/v1/password_resets", MAY_ANYONE, 4 * KiB,  ask_api,    PUBLIC },
	{ GET,  PATH,                           MAY_ANYONE, 0,        reset_get,  PUBLIC },
	{ POST, PATH,                           MAY_ANYONE, 16 * KiB, reset_post, PUBLIC },
	{ 0 }
};
