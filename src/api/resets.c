/* resets.c - a new password for who forgot theirs: the call that sends the link, and the pages, without script.
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
	page_para(&p, "note", W_SENT);
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
	page_para(&p, "note", W_RESET_OVER);
	page_raw(&p, "<p>");
	page_link(&p, "go", PATH, W_RESET_ANEW);
	page_raw(&p, "</p>");
	page_end(&p);
	return OK;
}

static enum err
set_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, str token)
{
	struct page p;
	bool code;
	enum err e = password_reset_find(cx, token, &code);

	if (e == E_ABSENT)
		return over(cx, rq, rp);
	TRY(e);
	p = page_begin(cx, rq, rp, status, W_RESET);
	page_wrongs(&p);
	page_raw(&p, "<form method=\"post\" action=\"" PATH "\"><input type=\"hidden\" name=\"token\" value=\"");
	page_text(&p, token);
	page_raw(&p, "\">");
	page_input(&p, "password", "password", "autocomplete=\"new-password\" required aria-describedby=\"rule\"", W_RESET_NEW, S(""));
	page_raw(&p, "<p class=\"soft\" id=\"rule\">");
	page_word(&p, W_RESET_RULE);
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
	bad(cx, field, "InvalidValue", word_in(why, help_lang(rq)));
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
	bool staff;
	int retry;
	enum err e;

	if (token.n == 0)
		return ask_post(cx, rq, rp);
	if (!str_eq(fresh, typed(cx, rq, "again")))
		return wrong(cx, rq, rp, token, "again", W_RESET_DIFFER);
	e = password_reset_take(cx, token, HIDE(fresh), form_value(cx, rq, "code"), &staff, &retry);
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
	p = page_begin(cx, rq, rp, 200, W_RESET);
	page_raw(&p, "<div role=\"status\">");
	page_para(&p, "note", W_RESET_DONE);
	page_raw(&p, "</div><p>");
	page_link(&p, "go", staff ? "/agent" : AT "/sign-in", W_SIGN_IN);
	page_raw(&p, "</p>");
	page_end(&p);
	return OK;
}

const struct route reset_routes[] = {
	{ POST, "/api/ward/v1/password_resets", MAY_ANYONE, 4 * KiB,  ask_api,    PUBLIC },
	{ GET,  PATH,                           MAY_ANYONE, 0,        reset_get,  PUBLIC },
	{ POST, PATH,                           MAY_ANYONE, 16 * KiB, reset_post, PUBLIC },
	{ 0 }
};
