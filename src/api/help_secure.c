/* help_secure.c - secure links: /api/ward/v1/tickets/{id}/secure_links for staff, the page behind the link for who has it. */
#include "api/help.h"

/* ---- staff ---------------------------------------------------------------------------------------------------------- */

static void
json_link(struct json *j, struct ctx *cx, const struct secure_link *l)
{
	jw_obj(j);
	jw_kint(j, "id", l->id);
	jw_kint(j, "ticket_id", l->ticket_id);
	jw_kint(j, "comment_id", l->comment_id);
	jw_kint(j, "user_id", l->user_id);
	jw_kint(j, "author_id", l->author_id);
	jw_kz(j, "state", secure_state(cx, l));
	jw_kz(j, "proof", l->known ? "known" : "code");
	jw_kz(j, "question", l->known ? secure_question_name(l->question) : NULL);
	jw_kint(j, "wrong_tries", l->tries);
	jw_kint(j, "views", l->views);
	jw_ktime(j, "viewed_at", l->viewed_at);
	jw_ktime(j, "created_at", l->created_at);
	jw_ktime(j, "expires_at", l->expires_at);
	jw_ktime(j, "revoked_at", l->revoked_at);
	jw_end_obj(j);
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct secure_link *l;
	struct json j;
	int n;

	TRY(secure_link_list(cx, rq->param[0], &l, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "secure_links");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_link(&j, cx, &l[i]);
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return OK;
}

static str
word_of(struct ctx *cx, const json_t *obj, const char *name, const char *why)
{
	const json_t *v = json_object_get(obj, name);

	if (v != NULL && !json_is_null(v) && !json_is_string(v))
		bad(cx, name, "InvalidValue", why);
	return json_text(cx, v);
}

static enum err
create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "comment", "comment_id", "status", "proof", "question", "answer", "expires_in_hours", NULL };
	struct ticket_change ch = { .secure = true, .comment_public = true };
	struct secure_new in = { .good_for = (usec)7 * 24 * 3600 * SECOND };
	struct secure_link l;
	const json_t *obj, *v;
	struct json j;
	str s;

	TRY(api_body(cx, rq, rp, "secure_link", &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	api_known(cx, obj, names);
	v = json_object_get(obj, "comment");
	if (v != NULL && !json_is_null(v)) {
		comment_fields(cx, v, &ch);
		if (ch.comment_public_set && !ch.comment_public)
			bad(cx, "comment", "InvalidValue", "Comment: a secure message is a public comment");
		ch.comment_public = ch.comment_public_set = true;
		ch.author_id = 0;
		if (str_trim(ch.body.hidden).n == 0 && ch.token_count == 0)
			bad(cx, "comment", "BlankValue", "Comment: cannot be blank");
		in.change = &ch;
	}
	v = json_object_get(obj, "comment_id");
	if (v != NULL && !json_is_null(v) && (!json_id(v, &in.comment_id) || in.comment_id < 1))
		bad(cx, "comment_id", "InvalidValue", "Comment: comment_id must be an id");
	if ((in.change != NULL) == (in.comment_id != 0))
		bad(cx, "comment", "BlankValue", "Comment: either comment (a new one) or comment_id (a public one) is needed");
	if ((s = word_of(cx, obj, "status", "Status: is invalid")).n) {
		if (!status_of(s, &ch.status) || ch.status == TICKET_NEW || ch.status == TICKET_CLOSED || in.change == NULL)
			bad(cx, "status", "InvalidValue", "Status: must be open, pending, hold or solved, and comes with a comment");
		ch.has |= T_STATUS;
	}
	s = word_of(cx, obj, "proof", "Proof: must be code or known");
	in.known = str_eq(s, S("known"));
	if (s.n && !in.known && !str_eq(s, S("code")))
		bad(cx, "proof", "InvalidValue", "Proof: must be code (a code by mail) or known (an answer to a question)");
	s = word_of(cx, obj, "question", "Question: must be a string");
	if ((in.known || s.n) && !secure_question_of(s, &in.question))
		bad(cx, "question", "InvalidValue", "Question: must be date_of_birth, phone_last_four, postal_code or passphrase");
	in.answer = HIDE(word_of(cx, obj, "answer", "Answer: must be a string"));
	v = json_object_get(obj, "expires_in_hours");
	if (v != NULL && !json_is_null(v)) {
		if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 720)
			bad(cx, "expires_in_hours", "InvalidValue", "Expires in hours: must be from 1 to 720");
		else
			in.good_for = json_integer_value(v) * 3600 * SECOND;
	}
	TRY(bad_check(cx));
	TRY(secure_link_create(cx, rq->param[0], &in, &l));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "secure_link");
	json_link(&j, cx, &l);
	jw_end_obj(&j);
	return OK;
}

static enum err
revoke(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(secure_link_revoke(cx, rq->param[0], rq->param[1]));
	api_empty(rp, 204);
	return OK;
}

/* ---- who has the link ------------------------------------------------------------------------------------------------- */

static char *
path_of(struct ctx *cx, const struct http_req *rq, const char *rest)
{
	return str_z(cx->arena, str_printf(cx->arena, "/secure/" STR_F "%s", STR_A(rq->word[0]), rest));
}

static enum err
over(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct page p;

	fail_forget(cx);
	p = page_begin(cx, rq, rp, 404, W_SECURE);
	page_para(&p, "note", W_SECURE_OVER);
	page_raw(&p, "<p>");
	page_link(&p, "go", AT "/sign-in", W_SIGN_IN);
	page_raw(&p, "</p>");
	page_end(&p);
	return OK;
}

/* `say`: 0 nothing, 1 a code was sent, 2 the answer was wrong. */
static enum err
door(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, const struct secure_link *l, int say)
{
	static const enum word asks[] = { W_SECURE_BIRTH, W_SECURE_PHONE, W_SECURE_POSTAL, W_SECURE_PHRASE };
	struct page p = page_begin(cx, rq, rp, status, W_SECURE);

	if (say == 2)
		page_outcome(&p, false, W_SECURE_WRONG);
	if (say == 1 && !l->known)
		page_outcome(&p, true, W_SECURE_SENT);
	page_para(&p, "lead", l->known ? W_SECURE_WHY_KNOWN : W_SECURE_WHY_CODE);
	if (!l->known) {
		page_form(&p, path_of(cx, rq, "/code"));
		if (say == 1) {
			page_raw(&p, "<button>");
			page_word(&p, W_SECURE_SEND);
			page_raw(&p, "</button>");
		} else
			page_button(&p, W_SECURE_SEND);
		page_raw(&p, "</form>");
	}
	if (l->known || say != 0) {
		page_form(&p, path_of(cx, rq, "/proof"));
		if (!l->known)
			page_input(&p, "answer", "text", "inputmode=\"numeric\" autocomplete=\"one-time-code\" required", W_SECURE_CODE, S(""));
		else if (l->question == ASK_BIRTH)
			page_input(&p, "answer", "date", "autocomplete=\"bday\" required", W_SECURE_BIRTH, S(""));
		else if (l->question == ASK_PHRASE)
			page_input(&p, "answer", "password", "autocomplete=\"off\" required", W_SECURE_PHRASE, S(""));
		else
			page_input(&p, "answer", "text", "autocomplete=\"off\" required", asks[l->question], S(""));
		page_button(&p, W_SECURE_OPEN);
		page_raw(&p, "</form>");
	}
	page_raw(&p, "<p class=\"soft\">");
	page_word(&p, W_SECURE_UNTIL);
	page_raw(&p, " ");
	page_time(&p, l->expires_at);
	page_raw(&p, "</p>");
	page_end(&p);
	return OK;
}

/* The link opens for this browser. False: it is answered. */
static bool
entered(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct secure_link *l, enum err *e)
{
	*e = secure_link_enter(cx, rq->word[0], http_cookie(rq, "ward_secure"), l);
	if (*e == E_ABSENT)
		*e = over(cx, rq, rp);
	else if (*e == E_WHO) {
		fail_forget(cx);
		*e = door(cx, rq, rp, 200, l, 0);
	} else
		return *e == OK;
	return false;
}

/* What a form of this page must carry: only who has the pass can know it. */
static str
mark(struct ctx *cx, const struct http_req *rq)
{
	unsigned char mac[GATE_KEY];

	gate_mac(cx, "secure_form", http_cookie(rq, "ward_secure"), S(""), mac);
	return base64url_of(cx->arena, (str){ (char *)mac, 18 });
}

static enum err
read_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct secure_link *l, int status, str text, bool replied)
{
	struct comment *c, *from;
	struct ticket t;
	struct page p;
	enum err e = request_get(cx, l->ticket_id, &t);
	int n, skip = 0;

	if (e == E_ABSENT || e == E_DENIED || (e == OK && t.requester_id != l->user_id))
		return over(cx, rq, rp);
	TRY(e);
	TRY(comment_list(cx, t.id, true, false, l->comment_id - 1, 0, 200, &c, &n));
	for (from = c; skip < n && c[skip].id < l->comment_id; skip++)
		from++;
	if (n == skip || from->id != l->comment_id)           /* it was made an internal note meanwhile */
		return over(cx, rq, rp);
	p = page_begin(cx, rq, rp, status, W_SECURE);
	page_raw(&p, "<h2 dir=\"auto\">");
	page_text(&p, reveal(cx, t.subject, TO_SHOW_ACTOR));
	page_raw(&p, "</h2>");
	if (replied)
		page_outcome(&p, true, W_SECURE_REPLIED);
	page_wrongs(&p);
	TRY(page_talk(&p, from, n - skip, str_z(cx->arena, str_printf(cx->arena, AT "/secure/" STR_F "/files/", STR_A(rq->word[0]))), ""));
	if (t.status == TICKET_CLOSED)
		page_para(&p, "note", W_CLOSED);
	else {
		page_form_files(&p, path_of(cx, rq, "/reply"));
		page_raw(&p, "<input type=\"hidden\" name=\"mark\" value=\"");
		page_text(&p, mark(cx, rq));
		page_raw(&p, "\">");
		page_area(&p, "text", W_REPLY, text);
		page_files(&p);
		page_button(&p, W_SEND);
		page_raw(&p, "</form>");
	}
	page_form(&p, path_of(cx, rq, "/close"));
	page_raw(&p, "<button>");
	page_word(&p, W_SECURE_LEFT);
	page_raw(&p, "</button></form><p class=\"soft\">");
	page_word(&p, W_SECURE_UNTIL);
	page_raw(&p, " ");
	page_time(&p, l->expires_at);
	page_raw(&p, "</p>");
	page_end(&p);
	return secure_link_seen(cx, l);
}

static enum err
open_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct secure_link l;
	enum err e;

	return entered(cx, rq, rp, &l, &e) ? read_page(cx, rq, rp, &l, 200, S(""), http_query(rq, "replied") != NULL) : e;
}

static enum err
send_code(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct secure_link l;
	enum err e = secure_link_send_code(cx, rq->word[0]);

	if (e == OK)
		e = secure_link_find(cx, rq->word[0], &l);
	if (e == E_ABSENT)
		return over(cx, rq, rp);
	TRY(e);
	return door(cx, rq, rp, 200, &l, 1);
}

static enum err
prove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct secure_link l;
	str pass;
	enum err e = secure_link_prove(cx, rq->word[0], form_value(cx, rq, "answer"), &pass);

	if (e == E_WHO) {
		fail_forget(cx);
		e = secure_link_find(cx, rq->word[0], &l);
		if (e == OK)
			return door(cx, rq, rp, 400, &l, 2);
	}
	if (e == E_ABSENT)
		return over(cx, rq, rp);
	TRY(e);
	help_cookie(cx, rq, rp, "ward_secure", AT "/secure", pass, 1800);
	return page_go(cx, rp, str_printf(cx->arena, AT "/secure/" STR_F, STR_A(rq->word[0])));
}

static enum err
reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_COMMENT, .comment_public = true, .comment_public_set = true, .as_request = true, .channel = "web" };
	struct page p = { .lang = help_lang(rq) };
	struct secure_link l;
	struct ticket t;
	enum err e;

	if (!entered(cx, rq, rp, &l, &e))
		return e;
	if (!str_eq(mark(cx, rq), form_value(cx, rq, "mark")))
		return page_message(cx, rq, rp, 400, W_AGAIN);
	ch.body = HIDE(form_value(cx, rq, "text"));
	form_files(cx, rq, &p, &ch);
	if (ch.body.hidden.n == 0 && ch.upload_count == 0)
		bad(cx, "text", "BlankValue", page_say(&p, W_BLANK_MESSAGE));
	e = request_get(cx, l.ticket_id, &t);
	if (e == OK && t.requester_id != l.user_id)
		e = fail(cx, E_ABSENT, NULL, "no such request");
	if (e == OK)
		e = bad_check(cx);
	if (e == OK)
		e = ticket_update(cx, t.id, &ch, &t, NULL);
	if (e == E_ABSENT || e == E_DENIED)
		return over(cx, rq, rp);
	if (e == E_INVALID && cx->held != 0) {          /* taken; somebody looks at it first */
		fail_forget(cx);
		return page_message(cx, rq, rp, 202, W_ASKED);
	}
	if (e == E_INVALID) {
		struct bad_field *why = cx->bad;
		fail_forget(cx);
		cx->bad = why;
		return read_page(cx, rq, rp, &l, 422, ch.body.hidden, false);
	}
	TRY(e);
	return page_go(cx, rp, str_printf(cx->arena, AT "/secure/" STR_F "?replied=1", STR_A(rq->word[0])));
}

static enum err
file(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct secure_link l;
	struct attachment f;
	enum err e;

	if (!entered(cx, rq, rp, &l, &e))
		return e;
	e = attachment_get(cx, rq->param[0], &f);
	if (e == OK && (f.ticket_id != l.ticket_id || f.comment_id < l.comment_id))
		e = fail(cx, E_ABSENT, NULL, "no such file");
	if (e == OK)
		e = attachment_open(cx, rq->param[0], &f);
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return page_message(cx, rq, rp, 404, W_ABSENT);
	}
	TRY(e);
	f.is_inline = false;                     /* never shown in place of a page */
	http_head(rp, "Cache-Control", S("no-store"));
	return attachment_reply(cx, rq, rp, &f);
}

static enum err
close_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	help_cookie(cx, rq, rp, "ward_secure", AT "/secure", S(""), 0);
	return page_go(cx, rp, S(AT));
}

#define LINKS "/api/ward/v1/tickets/{id}/secure_links"
const struct route help_secure_routes[] = {
	{ GET,    LINKS,                            MAY_READ_TICKET,   0,        list,      0 },
	{ POST,   LINKS,                            MAY_UPDATE_TICKET, 2 * MiB,  create,    0 },
	{ DELETE, LINKS "/{id}",                    MAY_UPDATE_TICKET, 0,        revoke,    0 },
	{ GET,    AT "/secure/{word}",              MAY_ANYONE,        0,        open_page, PUBLIC },
	{ POST,   AT "/secure/{word}/code",         MAY_ANYONE,        16 * KiB, send_code, PUBLIC },
	{ POST,   AT "/secure/{word}/proof",        MAY_ANYONE,        16 * KiB, prove,     PUBLIC },
	{ POST,   AT "/secure/{word}/reply",        MAY_ANYONE,        FORM_FILES + BODY, reply, PUBLIC },
	{ POST,   AT "/secure/{word}/close",        MAY_ANYONE,        16 * KiB, close_page, PUBLIC },
	{ GET,    AT "/secure/{word}/files/{id}",   MAY_ANYONE,        0,        file,      PUBLIC },
	{ 0 }
};
