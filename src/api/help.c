/* help.c - the help centre for requesters, without script: sign in by a link, read, reply.
 *
 * The session's cookie is SameSite=Strict: a page that is opened from a mail
 * asks to sign in, or is a link with a proof of its own (help_secure.c).
 */
#include "api/help.h"

/* ---- sign-in ---------------------------------------------------------------------------------------------------- */

static enum err
sign_in_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, str email)
{
	struct page p = page_begin(cx, rq, rp, status, W_SIGN_IN);

	if (status == 422)
		page_outcome(&p, false, W_BAD_EMAIL);
	page_form(&p, "/sign-in");
	page_input(&p, "email", "email", "autocomplete=\"username\" required", W_EMAIL, email);
	page_button(&p, W_SEND_LINK);
	page_raw(&p, "</form>");
	page_end(&p);
	return OK;
}

static enum err
sign_in(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return help_signed_in(cx) ? page_go(cx, rp, S(AT)) : sign_in_page(cx, rq, rp, 200, S(""));
}

static enum err
sign_in_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str email = form_value(cx, rq, "email"), code;
	struct page p;

	if (!email_valid(email))
		return sign_in_page(cx, rq, rp, 422, email);
	if (!flow_mail_on(cx) || cx->sys->base_url == NULL || *cx->sys->base_url == 0)
		return page_message(cx, rq, rp, 503, W_MAIL_OFF);
	gate_as_system(cx, "help");
	TRY(login_link_begin(cx, email, &code));
	p = page_begin(cx, rq, rp, 200, W_SIGN_IN);
	page_outcome(&p, true, W_SENT);
	page_raw(&p, "<h2>");
	page_word(&p, W_YOUR_CODE);
	page_raw(&p, "</h2><p class=\"code\"><strong>");
	page_text(&p, code);
	page_raw(&p, "</strong></p>");
	page_para(&p, "soft", W_CODE_WHY);
	page_end(&p);
	return OK;
}

static enum err
link_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, bool wrong)
{
	struct page p = page_begin(cx, rq, rp, status, W_SIGN_IN);

	if (wrong)
		page_outcome(&p, false, W_LINK_WRONG);
	page_raw(&p, "<form method=\"post\" action=\"" AT "/link/");
	page_text(&p, rq->word[0]);
	page_raw(&p, "\">");
	page_input(&p, "code", "text", "inputmode=\"numeric\" autocomplete=\"one-time-code\" required", W_CODE, S(""));
	page_button(&p, W_ENTER);
	page_raw(&p, "</form>");
	page_end(&p);
	return OK;
}

static enum err
link_get(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return link_page(cx, rq, rp, 200, false);
}

static enum err
link_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str value, csrf;
	enum err e = login_link_take(cx, rq->word[0], form_value(cx, rq, "code"), &value, &csrf);

	if (e == E_WHO) {
		fail_forget(cx);
		return link_page(cx, rq, rp, 400, true);
	}
	TRY(e);
	help_cookie(cx, rq, rp, "ward_session", "/", value, -1);
	return page_go(cx, rp, S(AT));
}

static enum err
sign_out(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	if (!form_meant(cx, rq, rp))
		return OK;
	TRY(session_end(cx));
	help_cookie(cx, rq, rp, "ward_session", "/", S(""), 0);
	return page_go(cx, rp, S(AT));
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static enum err
home(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .as_request = true, .sort = SORT_UPDATED, .descending = true, .limit = 100 };
	struct ticket *t;
	struct page p;
	int n;

	if (!help_signed_in(cx)) {
		p = page_begin(cx, rq, rp, 200, W_TITLE);
		page_para(&p, "lead", W_INTRO);
		page_raw(&p, "<p><a class=\"go\" href=\"" AT "/ask\">");
		page_word(&p, W_ASK);
		page_raw(&p, "</a> <a href=\"" AT "/sign-in\">");
		page_word(&p, W_SIGN_IN);
		page_raw(&p, "</a></p>");
		page_end(&p);
		return OK;
	}
	f.requester_id = cx->actor->user_id;
	TRY(ticket_list(cx, &f, &t, &n));
	p = page_begin(cx, rq, rp, 200, W_MINE);
	page_raw(&p, "<p><a class=\"go\" href=\"" AT "/ask\">");
	page_word(&p, W_ASK);
	page_raw(&p, "</a></p>");
	if (n == 0)
		page_para(&p, "note", W_NONE);
	else {
		page_raw(&p, "<ul class=\"list\">");
		for (int i = 0; i < n; i++) {
			buf_fmt(p.b, "<li><a href=\"" AT "/requests/%lld\" dir=\"auto\">", (long long)t[i].id);
			page_text(&p, reveal(cx, t[i].subject, TO_SHOW_ACTOR));
			page_raw(&p, "</a> <span class=\"soft\">");
			page_text(&p, str_of(state_in(t[i].status, p.lang)));
			page_raw(&p, " · ");
			page_time(&p, t[i].updated_at);
			page_raw(&p, "</span></li>");
		}
		page_raw(&p, "</ul>");
	}
	page_end(&p);
	return look_tickets(cx, t, n, "subject");
}

/* What the form did that led here, by the page's address. */
static const struct { const char *query; enum word says; } became[] = {
	{ "asked", W_ASKED_HERE }, { "replied", W_SECURE_REPLIED }, { "solved", W_SOLVED_NOW },
};

static enum err
request(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t id, int status, str text)
{
	struct comment *c;
	struct ticket t;
	struct page p;
	int n;

	TRY(request_get(cx, id, &t));
	if (!t.is_public)
		return fail(cx, E_ABSENT, NULL, "no such request");
	TRY(comment_list(cx, t.id, true, false, 0, 0, 500, &c, &n));
	p = page_begin(cx, rq, rp, status, W_MINE);
	page_raw(&p, "<h2 dir=\"auto\">");
	page_text(&p, reveal(cx, t.subject, TO_SHOW_ACTOR));
	page_raw(&p, "</h2><p class=\"soft\">");
	page_word(&p, W_STATUS);
	page_raw(&p, ": ");
	page_text(&p, str_of(state_in(t.status, p.lang)));
	page_raw(&p, "</p>");
	for (size_t i = 0; i < COUNT(became); i++)
		if (rq->method == GET && http_query(rq, became[i].query) != NULL) {
			page_outcome(&p, true, became[i].says);
			break;
		}
	page_wrongs(&p);
	TRY(page_talk(&p, c, n, "/api/v2/attachments/", "/content"));
	if (t.status == TICKET_CLOSED)
		page_para(&p, "note", W_CLOSED);
	else {
		page_form_files(&p, z_of(cx, str_printf(cx->arena, "/requests/%lld/reply", (long long)t.id)));
		page_area(&p, "text", W_REPLY, text);
		page_files(&p);
		page_button(&p, W_SEND);
		page_raw(&p, "</form>");
		if (t.status == TICKET_SOLVED && t.requester_id == cx->actor->user_id && gate_setting_bool(cx, "customer_satisfaction", true)) {
			page_raw(&p, "<p>");
			page_link(&p, "", z_of(cx, str_printf(cx->arena, AT "/requests/%lld/rate", (long long)t.id)), W_RATE);
			page_raw(&p, "</p>");
		}
		if (t.status != TICKET_SOLVED && t.status != TICKET_NEW) {
			page_form(&p, z_of(cx, str_printf(cx->arena, "/requests/%lld/solved", (long long)t.id)));
			page_raw(&p, "<button>");
			page_word(&p, W_SOLVED);
			page_raw(&p, "</button></form>");
		}
	}
	page_end(&p);
	return look_one(cx, "ticket", t.id, "subject,comments");
}

static enum err
request_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum err e;

	if (cx->actor == NULL || cx->actor->user_id == 0)
		return page_go(cx, rp, S(AT "/sign-in"));
	e = request(cx, rq, rp, rq->param[0], 200, S(""));
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return page_message(cx, rq, rp, 404, W_ABSENT);
	}
	return e;
}

static enum err
change(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct ticket_change *ch)
{
	struct ticket t;
	enum err e;

	ch->comment_public = ch->comment_public_set = ch->as_request = true;
	ch->channel = "web";
	e = request_get(cx, rq->param[0], &t);
	if (e == OK && !t.is_public)
		e = fail(cx, E_ABSENT, NULL, "no such request");
	if (e == OK)
		e = bad_check(cx);
	if (e == OK)
		e = ticket_update(cx, t.id, ch, &t, NULL);
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return page_message(cx, rq, rp, 404, W_ABSENT);
	}
	if (e == E_INVALID && cx->held != 0) {          /* taken; somebody looks at it first */
		fail_forget(cx);
		return page_message(cx, rq, rp, 202, W_ASKED);
	}
	if (e == E_INVALID) {
		struct bad_field *why = cx->bad;
		fail_forget(cx);
		cx->bad = why;
		return request(cx, rq, rp, rq->param[0], 422, ch->body.hidden);
	}
	TRY(e);
	return page_go(cx, rp, str_printf(cx->arena, AT "/requests/%lld?%s=1", (long long)t.id, ch->has & T_COMMENT ? "replied" : "solved"));
}

static enum err
reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_COMMENT };

	if (!form_meant(cx, rq, rp))
		return OK;
	ch.body = HIDE(form_value(cx, rq, "text"));
	form_files(cx, rq, &(struct page){ .lang = help_lang(rq) }, &ch);
	if (ch.body.hidden.n == 0 && ch.upload_count == 0)
		bad(cx, "text", "BlankValue", word_in(W_BLANK_MESSAGE, help_lang(rq)));
	return change(cx, rq, rp, &ch);
}

static enum err
solved(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_STATUS, .status = TICKET_SOLVED };

	return form_meant(cx, rq, rp) ? change(cx, rq, rp, &ch) : OK;
}

const struct route help_routes[] = {
	{ GET,  AT,                          MAY_ANYONE, 0,        home,         PUBLIC },
	{ GET,  AT "/sign-in",               MAY_ANYONE, 0,        sign_in,      PUBLIC },
	{ POST, AT "/sign-in",               MAY_ANYONE, 16 * KiB, sign_in_post, PUBLIC },
	{ POST, AT "/sign-out",              MAY_ANYONE, 16 * KiB, sign_out,     PUBLIC },
	{ GET,  AT "/link/{word}",           MAY_ANYONE, 0,        link_get,     PUBLIC },
	{ POST, AT "/link/{word}",           MAY_ANYONE, 16 * KiB, link_post,    PUBLIC },
	{ GET,  AT "/requests/{id}",         MAY_ANYONE, 0,        request_page, PUBLIC },
	{ POST, AT "/requests/{id}/reply",   MAY_ANYONE, FORM_FILES + BODY,     reply,        PUBLIC },
	{ POST, AT "/requests/{id}/solved",  MAY_ANYONE, 16 * KiB, solved,       PUBLIC },
	{ 0 }
};
