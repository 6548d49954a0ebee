/* help_rate.c - how it was: a rating by the link of a mail, or signed in. The page says the request's number and nothing of it. */
#include "api/help.h"

#define COMMENT_MAX 2000

static enum err
over(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	fail_forget(cx);
	return page_message(cx, rq, rp, 404, W_RATE_OVER);
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, const char *action)
{
	str score = form_value(cx, rq, "score"), reason = form_value(cx, rq, "reason");
	struct page p = page_begin(cx, rq, rp, status, W_RATE);
	int code;

	buf_fmt(p.b, "<p class=\"lead\">#%lld</p>", (long long)rq->param[0]);
	page_wrongs(&p);
	page_form(&p, action);
	page_raw(&p, "<fieldset><legend>");
	page_word(&p, W_RATE);
	page_raw(&p, "</legend>");
	for (int good = 1; good >= 0; good--) {
		bool chosen = str_eq(score, good ? S("good") : S("bad"));
		buf_fmt(p.b, "<label class=\"check\"><input type=\"radio\" name=\"score\" value=\"%s\" required%s> ", good ? "good" : "bad", chosen ? " checked" : "");
		page_word(&p, good ? W_RATE_GOOD : W_RATE_BAD);
		page_raw(&p, "</label>");
	}
	page_raw(&p, "</fieldset><label for=\"reason\">");
	page_word(&p, W_RATE_REASON);
	page_raw(&p, "</label><select id=\"reason\" name=\"reason\"><option value=\"\">");
	page_word(&p, W_NO_MATTER);
	page_raw(&p, "</option>");
	for (int i = 0; i < rating_reasons(); i++) {
		const char *words;
		(void)rating_reason(i, &code);
		if ((words = reason_in(code, p.lang)) == NULL)
			continue;
		buf_fmt(p.b, "<option value=\"%d\"%s>", code, str_eq(reason, str_printf(cx->arena, "%d", code)) ? " selected" : "");
		page_text(&p, str_of(words));
		page_raw(&p, "</option>");
	}
	buf_fmt(p.b, "</select><label for=\"comment\">");
	page_word(&p, W_RATE_COMMENT);
	page_raw(&p, " <span class=\"soft\">(");
	page_word(&p, W_OPTIONAL);
	buf_fmt(p.b, ")</span></label><textarea id=\"comment\" name=\"comment\" rows=\"4\" maxlength=\"%d\" dir=\"auto\" aria-describedby=\"rate-hint\">\n", COMMENT_MAX);
	page_text(&p, form_value(cx, rq, "comment"));
	page_raw(&p, "</textarea><p class=\"soft\" id=\"rate-hint\">");
	page_word(&p, W_RATE_HINT);
	page_raw(&p, " ");
	page_word(&p, W_RATE_HOW);
	page_raw(&p, "</p>");
	page_button(&p, W_RATE_SEND);
	page_raw(&p, "</form>");
	page_end(&p);
	return OK;
}

static enum err
take(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const char *action)
{
	str score = form_value(cx, rq, "score"), reason = form_value(cx, rq, "reason");
	struct rating r = { .ticket_id = rq->param[0], .good = str_eq(score, S("good")), .comment = HIDE(form_value(cx, rq, "comment")) };
	struct page p;
	enum err e;
	int code;

	if (!gate_setting_bool(cx, "customer_satisfaction", true))
		return over(cx, rq, rp);
	if (!r.good && !str_eq(score, S("bad")))
		bad(cx, "score", "BlankValue", word_in(W_CHOOSE, help_lang(rq)));
	if (r.comment.hidden.n > (size_t)COMMENT_MAX * 4)
		bad(cx, "comment", "TooLong", "Comment: is too long (maximum is 2000 characters)");
	for (int i = 0; i < rating_reasons() && !r.good; i++) {
		(void)rating_reason(i, &code);
		if (str_eq(reason, str_printf(cx->arena, "%d", code)))
			r.reason_code = code;
	}
	if (cx->bad != NULL)
		return show(cx, rq, rp, 422, action);
	e = rating_set(cx, &r);
	if (e == E_ABSENT || e == E_DENIED || e == E_INVALID)
		return over(cx, rq, rp);
	TRY(e);
	p = page_begin(cx, rq, rp, 200, W_RATE);
	page_outcome(&p, true, W_RATE_THANKS);
	page_para(&p, "soft", W_RATE_CHANGE);
	page_end(&p);
	return OK;
}

/* ---- by the link of a mail ------------------------------------------------------------------------------------------- */

/* The link speaks for its requester, for this one act; whoever is signed in. False: it is answered. */
static bool
by_link(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum err *e)
{
	struct ticket t;
	int64_t user;

	*e = link_enter(cx, "rating", rq->param[0], rq->word[0]);
	if (*e == OK) {
		user = cx->actor->user_id;
		*e = gate_as_user(cx, user, "rating_link");
	}
	if (*e == OK)
		*e = request_get(cx, rq->param[0], &t);
	if (*e == OK && (t.requester_id != cx->actor->user_id || t.status != TICKET_SOLVED))
		*e = fail(cx, E_ABSENT, NULL, "no such request");
	if (*e == OK)
		return true;
	if (*e == E_WHO || *e == E_ABSENT || *e == E_DENIED) {
		cx->actor = NULL;
		*e = over(cx, rq, rp);
	}
	return false;
}

static char *
link_path(struct ctx *cx, const struct http_req *rq)
{
	return str_z(cx->arena, str_printf(cx->arena, "/rate/%lld/" STR_F, (long long)rq->param[0], STR_A(rq->word[0])));
}

static enum err
link_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum err e;

	return by_link(cx, rq, rp, &e) ? show(cx, rq, rp, 200, link_path(cx, rq)) : e;
}

static enum err
link_take(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum err e;

	return by_link(cx, rq, rp, &e) ? take(cx, rq, rp, link_path(cx, rq)) : e;
}

/* ---- signed in ---------------------------------------------------------------------------------------------------------- */

static char *
own_path(struct ctx *cx, const struct http_req *rq)
{
	return str_z(cx->arena, str_printf(cx->arena, "/requests/%lld/rate", (long long)rq->param[0]));
}

static enum err
own_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;
	enum err e;

	if (cx->actor == NULL || cx->actor->user_id == 0)
		return page_go(cx, rp, S(AT "/sign-in"));
	e = request_get(cx, rq->param[0], &t);
	if (e == E_ABSENT || e == E_DENIED || (e == OK && (t.requester_id != cx->actor->user_id || t.status != TICKET_SOLVED)))
		return over(cx, rq, rp);
	TRY(e);
	return show(cx, rq, rp, 200, own_path(cx, rq));
}

static enum err
own_take(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return form_meant(cx, rq, rp) ? take(cx, rq, rp, own_path(cx, rq)) : OK;
}

const struct route help_rate_routes[] = {
	{ GET,  AT "/rate/{id}/{word}",     MAY_ANYONE, 0,    link_show, PUBLIC },
	{ POST, AT "/rate/{id}/{word}",     MAY_ANYONE, BODY, link_take, PUBLIC },
	{ GET,  AT "/requests/{id}/rate",   MAY_ANYONE, 0,    own_show,  PUBLIC },
	{ POST, AT "/requests/{id}/rate",   MAY_ANYONE, BODY, own_take,  PUBLIC },
	{ 0 }
};
