/* help.c - the help centre: pages for requesters that work without script.
 *
 * Ask, sign in by a link, read, reply, rate; each page is whole HTML, each form
 * posts application/x-www-form-urlencoded and is answered by a page or by 303.
 * A form of a session carries its CSRF token; the cookie is SameSite=Lax here,
 * because a link from a mail must find it. Nothing that a person typed gets
 * into an address, and every text goes through html().
 */
#include "api/in.h"
#include "flow/flow.h"

#define AT "/help"
#define BODY (256 * KiB)

/* ---- words ------------------------------------------------------------------------------------------- */

enum word {
	W_TITLE, W_SIGN_IN, W_SIGN_OUT, W_EMAIL, W_SEND_LINK, W_SENT, W_YOUR_CODE, W_CODE_WHY, W_CODE, W_ENTER, W_LINK_WRONG, W_MINE, W_ASK,
	W_NONE, W_SUBJECT, W_MESSAGE, W_NAME, W_SEND, W_SUBJECT_HINT, W_MESSAGE_HINT, W_REPLY, W_CLOSED, W_SOLVED, W_IS_SOLVED, W_STATUS, W_UPDATED,
	W_ASKED, W_INTRO, W_WRONG, W_AGAIN, W_ABSENT, W_MAIL_OFF, W_DESK, W_BACK, W_LAST
};
static const struct { const char *en, *es; } words[W_LAST] = {
	[W_TITLE] = { "Help", "Ayuda" },
	[W_SIGN_IN] = { "Sign in", "Entrar" },
	[W_SIGN_OUT] = { "Sign out", "Salir" },
	[W_EMAIL] = { "Your e-mail address", "Su correo electrónico" },
	[W_SEND_LINK] = { "Send me a link", "Envíenme un enlace" },
	[W_SENT] = { "If this address is known here, a link is on its way to it.", "Si conocemos esta dirección, un enlace va en camino." },
	[W_YOUR_CODE] = { "Your code", "Su código" },
	[W_CODE_WHY] = { "The link asks for this code. It is good for 15 minutes. We never ask for it by phone or mail.",
	    "El enlace pide este código. Vale 15 minutos. Nunca lo pedimos por teléfono ni por correo." },
	[W_CODE] = { "The code from the page where you asked for the link", "El código de la página donde pidió el enlace" },
	[W_ENTER] = { "Go on", "Continuar" },
	[W_LINK_WRONG] = { "The code is wrong, or the link is over. Ask for a new link.", "El código no es correcto o el enlace caducó. Pida otro enlace." },
	[W_MINE] = { "My requests", "Mis solicitudes" },
	[W_ASK] = { "Ask for help", "Pedir ayuda" },
	[W_NONE] = { "You have not asked for anything yet.", "Aún no ha pedido nada." },
	[W_SUBJECT] = { "Subject", "Asunto" },
	[W_MESSAGE] = { "Message", "Mensaje" },
	[W_NAME] = { "Your name", "Su nombre" },
	[W_SEND] = { "Send", "Enviar" },
	[W_SUBJECT_HINT] = { "A few words, without names, birth dates or numbers: subjects travel in notices.",
	    "Unas palabras, sin nombres, fechas ni números: los asuntos viajan en avisos." },
	[W_MESSAGE_HINT] = { "Write what we need to help you, and no more about your health than that.",
	    "Escriba lo necesario para ayudarle, y no más sobre su salud." },
	[W_REPLY] = { "Your reply", "Su respuesta" },
	[W_CLOSED] = { "This request is closed. Ask again if you still need help.", "Esta solicitud está cerrada. Pregunte de nuevo si aún necesita ayuda." },
	[W_SOLVED] = { "This is solved", "Está resuelto" },
	[W_IS_SOLVED] = { "Status", "Estado" },
	[W_STATUS] = { "Status", "Estado" },
	[W_UPDATED] = { "Updated", "Actualizado" },
	[W_ASKED] = { "We have your request. We will answer by e-mail; to read the answer, sign in here.",
	    "Hemos recibido su solicitud. Responderemos por correo; para leer la respuesta, entre aquí." },
	[W_INTRO] = { "Ask our team, and read our answers safely.", "Pregunte a nuestro equipo y lea las respuestas con seguridad." },
	[W_WRONG] = { "Please look at this again:", "Por favor, revise esto:" },
	[W_AGAIN] = { "This page was open too long. Nothing was sent; please send it again.", "La página estuvo abierta demasiado tiempo. No se envió nada; envíelo otra vez." },
	[W_ABSENT] = { "There is no such page, or it is not yours to see.", "No existe esta página, o no puede verla." },
	[W_MAIL_OFF] = { "This desk does not send mail yet. Please call instead.", "Este servicio aún no envía correo. Llámenos, por favor." },
	[W_DESK] = { "Staff work at the desk, not here.", "El personal trabaja en el escritorio, no aquí." },
	[W_BACK] = { "Back", "Volver" },
};
static const struct { const char *en, *es; } states[] = {
	[TICKET_NEW] = { "new", "nueva" }, [TICKET_OPEN] = { "we are on it", "en curso" }, [TICKET_PENDING] = { "waits for you", "espera su respuesta" },
	[TICKET_HOLD] = { "we are on it", "en curso" }, [TICKET_SOLVED] = { "solved", "resuelta" }, [TICKET_CLOSED] = { "closed", "cerrada" },
};

struct page { struct ctx *cx; const struct http_req *rq; struct http_reply *rp; struct buf *b; bool es; };

static const char *
say(const struct page *p, enum word w)
{
	return p->es ? words[w].es : words[w].en;
}

/* ---- writing HTML ---------------------------------------------------------------------------------------- */

static void
html(struct page *p, str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *as = s.p[i] == '&' ? "&amp;" : s.p[i] == '<' ? "&lt;" : s.p[i] == '>' ? "&gt;" : s.p[i] == '"' ? "&quot;" :
		    s.p[i] == '\'' ? "&#39;" : s.p[i] == 0 ? " " : NULL;
		if (as == NULL)
			continue;
		buf_add(p->b, str_sub(s, from, i - from));
		buf_add(p->b, str_of(as));
		from = i + 1;
	}
	buf_add(p->b, str_sub(s, from, s.n - from));
}

static void
raw(struct page *p, const char *s)
{
	buf_add(p->b, str_of(s));
}

static void
word(struct page *p, enum word w)
{
	html(p, str_of(say(p, w)));
}

#define POLICY "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static bool
signed_in(const struct ctx *cx)
{
	return cx->actor != NULL && cx->actor->user_id != 0 && cx->actor->session_id != 0;
}

static struct page
begin(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, enum word title)
{
	struct page p = { cx, rq, rp, &rp->body, str_starts(str_trim(http_header(rq, "accept-language")), S("es")) };

	rp->status = status;
	rp->type = "text/html; charset=utf-8";
	http_head(rp, "Content-Security-Policy", S(POLICY));
	http_head(rp, "Cache-Control", S("no-store"));
	raw(&p, p.es ? "<!doctype html><html lang=\"es\">" : "<!doctype html><html lang=\"en\">");
	raw(&p, "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
	word(&p, title);
	raw(&p, "</title><link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/help.css\"></head><body><header><a href=\"" AT "\">");
	word(&p, W_TITLE);
	raw(&p, "</a><nav>");
	if (signed_in(cx)) {
		raw(&p, "<a href=\"" AT "\">");
		word(&p, W_MINE);
		raw(&p, "</a><form method=\"post\" action=\"" AT "/sign-out\"><input type=\"hidden\" name=\"csrf\" value=\"");
		html(&p, cx->actor->csrf);
		raw(&p, "\"><button>");
		word(&p, W_SIGN_OUT);
		raw(&p, "</button></form>");
	} else {
		raw(&p, "<a href=\"" AT "/sign-in\">");
		word(&p, W_SIGN_IN);
		raw(&p, "</a>");
	}
	raw(&p, "</nav></header><main><h1>");
	word(&p, title);
	raw(&p, "</h1>");
	return p;
}

static void
end(struct page *p)
{
	raw(p, "</main></body></html>");
}

static void
para(struct page *p, const char *tag, enum word w)
{
	buf_fmt(p->b, "<p class=\"%s\">", tag);
	word(p, w);
	raw(p, "</p>");
}

/* All that is wrong, in the words of the rules. */
static void
wrongs(struct page *p)
{
	if (p->cx->bad == NULL)
		return;
	raw(p, "<div class=\"wrong\" role=\"alert\"><p>");
	word(p, W_WRONG);
	raw(p, "</p><ul>");
	for (struct bad_field *f = p->cx->bad; f != NULL; f = f->next) {
		raw(p, "<li>");
		html(p, str_of(f->why));
		raw(p, "</li>");
	}
	raw(p, "</ul></div>");
}

static void
input(struct page *p, const char *name, const char *type, const char *more, enum word label, str value)
{
	buf_fmt(p->b, "<label for=\"%s\">", name);
	word(p, label);
	buf_fmt(p->b, "</label><input id=\"%s\" name=\"%s\" type=\"%s\" %s value=\"", name, name, type, more);
	html(p, value);
	raw(p, "\">");
}

static void
area(struct page *p, const char *name, enum word label, str value)
{
	buf_fmt(p->b, "<label for=\"%s\">", name);
	word(p, label);
	buf_fmt(p->b, "</label><textarea id=\"%s\" name=\"%s\" rows=\"8\" required dir=\"auto\">\n", name, name);
	html(p, value);
	raw(p, "</textarea>");
}

static void
form(struct page *p, const char *action, int64_t id)
{
	if (id != 0)
		buf_fmt(p->b, "<form method=\"post\" action=\"" AT "/requests/%lld%s\">", (long long)id, action);
	else
		buf_fmt(p->b, "<form method=\"post\" action=\"" AT "%s\">", action);
	if (signed_in(p->cx)) {
		raw(p, "<input type=\"hidden\" name=\"csrf\" value=\"");
		html(p, p->cx->actor->csrf);
		raw(p, "\">");
	}
}

static void
button(struct page *p, enum word w)
{
	raw(p, "<button class=\"go\">");
	word(p, w);
	raw(p, "</button>");
}

static void
when(struct page *p, usec at)
{
	str t = time_iso(p->cx->arena, at);

	raw(p, "<time datetime=\"");
	html(p, t);
	raw(p, "\">");
	html(p, str_sub(t, 0, 10));
	raw(p, " ");
	html(p, str_sub(t, 11, 5));
	raw(p, " UTC</time>");
}

/* ---- reading forms ------------------------------------------------------------------------------------------ */

/* A field of the posted form, trimmed; "" when it is not there or malformed. */
static str
posted(struct ctx *cx, const struct http_req *rq, const char *name)
{
	str rest = rq->body;

	while (rest.n > 0) {
		str value = str_cut(&rest, '&'), key = str_cut(&value, '='), out;
		if (str_eq(key, str_of(name)))
			return percent_to(cx->arena, value, true, &out) && utf8_valid(out) ? str_trim(out) : S("");
	}
	return S("");
}

static enum err
go(struct ctx *cx, struct http_reply *rp, str to)
{
	(void)cx;
	rp->status = 303;
	http_head(rp, "Location", to);
	http_head(rp, "Cache-Control", S("no-store"));
	return OK;
}

static enum err
message(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, enum word w)
{
	struct page p = begin(cx, rq, rp, status, W_TITLE);

	para(&p, "note", w);
	end(&p);
	return OK;
}

/* A form of a session must carry its token. False: it is answered. */
static bool
meant(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	if (!signed_in(cx)) {
		(void)!go(cx, rp, S(AT "/sign-in"));
		return false;
	}
	if (!session_csrf_ok(cx, posted(cx, rq, "csrf"))) {
		(void)!message(cx, rq, rp, 400, W_AGAIN);
		return false;
	}
	return true;
}

/* ---- sign-in ---------------------------------------------------------------------------------------------------- */

static void
cookie(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, str value, bool over)
{
	http_head(rp, "Set-Cookie", str_printf(cx->arena, "ward_session=" STR_F "; Path=/; HttpOnly; SameSite=Strict%s%s", STR_A(value),
	    rq->secure ? "; Secure" : "", over ? "; Max-Age=0" : ""));
}

static enum err
sign_in(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct page p;

	if (signed_in(cx))
		return go(cx, rp, S(AT));
	p = begin(cx, rq, rp, 200, W_SIGN_IN);
	form(&p, "/sign-in", 0);
	input(&p, "email", "email", "autocomplete=\"username\" required", W_EMAIL, S(""));
	button(&p, W_SEND_LINK);
	raw(&p, "</form>");
	end(&p);
	return OK;
}

static enum err
sign_in_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str email = posted(cx, rq, "email"), code;
	struct page p;

	if (!email_valid(email))
		return go(cx, rp, S(AT "/sign-in"));
	if (!flow_mail_on(cx) || cx->sys->base_url == NULL || *cx->sys->base_url == 0)
		return message(cx, rq, rp, 503, W_MAIL_OFF);
	gate_as_system(cx, "help");
	TRY(login_link_begin(cx, email, &code));
	p = begin(cx, rq, rp, 200, W_SIGN_IN);
	para(&p, "note", W_SENT);
	raw(&p, "<h2>");
	word(&p, W_YOUR_CODE);
	raw(&p, "</h2><p class=\"code\"><strong>");
	html(&p, code);
	raw(&p, "</strong></p>");
	para(&p, "soft", W_CODE_WHY);
	end(&p);
	return OK;
}

static enum err
link_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, bool wrong)
{
	struct page p = begin(cx, rq, rp, status, W_SIGN_IN);

	if (wrong)
		para(&p, "wrong", W_LINK_WRONG);
	raw(&p, "<form method=\"post\" action=\"" AT "/link/");
	html(&p, rq->word[0]);
	raw(&p, "\">");
	input(&p, "code", "text", "inputmode=\"numeric\" autocomplete=\"one-time-code\" required", W_CODE, S(""));
	button(&p, W_ENTER);
	raw(&p, "</form>");
	end(&p);
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
	enum err e = login_link_take(cx, rq->word[0], posted(cx, rq, "code"), &value, &csrf);

	if (e == E_WHO) {
		fail_forget(cx);
		return link_page(cx, rq, rp, 400, true);
	}
	TRY(e);
	cookie(cx, rq, rp, value, false);
	return go(cx, rp, S(AT));
}

static enum err
sign_out(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	if (!meant(cx, rq, rp))
		return OK;
	TRY(session_end(cx));
	cookie(cx, rq, rp, S(""), true);
	return go(cx, rp, S(AT));
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static enum err
home(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .as_request = true, .sort = SORT_UPDATED, .descending = true, .limit = 100 };
	struct ticket *t;
	struct page p;
	int n;

	if (!signed_in(cx)) {
		p = begin(cx, rq, rp, 200, W_TITLE);
		para(&p, "lead", W_INTRO);
		raw(&p, "<p><a class=\"go\" href=\"" AT "/ask\">");
		word(&p, W_ASK);
		raw(&p, "</a> <a href=\"" AT "/sign-in\">");
		word(&p, W_SIGN_IN);
		raw(&p, "</a></p>");
		end(&p);
		return OK;
	}
	f.requester_id = cx->actor->user_id;
	TRY(ticket_list(cx, &f, &t, &n));
	p = begin(cx, rq, rp, 200, W_MINE);
	raw(&p, "<p><a class=\"go\" href=\"" AT "/ask\">");
	word(&p, W_ASK);
	raw(&p, "</a></p>");
	if (n == 0)
		para(&p, "note", W_NONE);
	else {
		raw(&p, "<ul class=\"list\">");
		for (int i = 0; i < n; i++) {
			buf_fmt(p.b, "<li><a href=\"" AT "/requests/%lld\" dir=\"auto\">", (long long)t[i].id);
			html(&p, reveal(cx, t[i].subject, TO_SHOW_ACTOR));
			raw(&p, "</a> <span class=\"soft\">");
			html(&p, str_of(p.es ? states[t[i].status].es : states[t[i].status].en));
			raw(&p, " · ");
			when(&p, t[i].updated_at);
			raw(&p, "</span></li>");
		}
		raw(&p, "</ul>");
	}
	end(&p);
	return look_tickets(cx, t, n, "subject");
}

static enum err
request(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t id, int status, str text)
{
	struct comment *c;
	struct ticket t;
	struct user u;
	struct page p;
	int64_t *ids;
	int n;

	TRY(request_get(cx, id, &t));
	if (!t.is_public)
		return fail(cx, E_ABSENT, NULL, "no such request");
	TRY(comment_list(cx, t.id, true, false, 0, 0, 500, &c, &n));
	p = begin(cx, rq, rp, status, W_MINE);
	raw(&p, "<h2 dir=\"auto\">");
	html(&p, reveal(cx, t.subject, TO_SHOW_ACTOR));
	raw(&p, "</h2><p class=\"soft\">");
	word(&p, W_STATUS);
	raw(&p, ": ");
	html(&p, str_of(p.es ? states[t.status].es : states[t.status].en));
	raw(&p, "</p>");
	wrongs(&p);
	raw(&p, "<ol class=\"talk\">");
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++) {
		ids[i] = c[i].author_id;
		raw(&p, "<li><p class=\"by\"><bdi>");
		if (user_load(cx, c[i].author_id, &u) == OK)
			html(&p, reveal(cx, u.name, TO_SHOW_ACTOR));
		else
			fail_forget(cx);
		raw(&p, "</bdi> ");
		when(&p, c[i].created_at);
		raw(&p, "</p><div class=\"text\" dir=\"auto\">");
		html(&p, reveal(cx, c[i].body, TO_SHOW_ACTOR));
		raw(&p, "</div>");
		for (int k = 0; k < c[i].attachment_count; k++) {
			buf_fmt(p.b, "<p><a download href=\"/api/v2/attachments/%lld/content\"><bdi>", (long long)c[i].attachment[k].id);
			html(&p, reveal(cx, c[i].attachment[k].file_name, TO_SHOW_ACTOR));
			raw(&p, "</bdi></a></p>");
		}
		raw(&p, "</li>");
	}
	raw(&p, "</ol>");
	if (t.status == TICKET_CLOSED)
		para(&p, "note", W_CLOSED);
	else {
		form(&p, "/reply", t.id);
		area(&p, "text", W_REPLY, text);
		button(&p, W_SEND);
		raw(&p, "</form>");
		if (t.status != TICKET_SOLVED && t.status != TICKET_NEW) {
			form(&p, "/solved", t.id);
			raw(&p, "<button>");
			word(&p, W_SOLVED);
			raw(&p, "</button></form>");
		}
	}
	end(&p);
	if (n > 0)
		TRY(trail_look(cx, "user", ids, ids_unique(ids, n), "name"));
	return look_one(cx, "ticket", t.id, "subject,comments");
}

static enum err
request_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum err e;

	if (cx->actor == NULL || cx->actor->user_id == 0)
		return go(cx, rp, S(AT "/sign-in"));
	e = request(cx, rq, rp, rq->param[0], 200, S(""));
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return message(cx, rq, rp, 404, W_ABSENT);
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
		return message(cx, rq, rp, 404, W_ABSENT);
	}
	if (e == E_INVALID && cx->held != 0) {          /* taken; somebody looks at it first */
		fail_forget(cx);
		return message(cx, rq, rp, 202, W_ASKED);
	}
	if (e == E_INVALID) {
		struct bad_field *why = cx->bad;
		fail_forget(cx);
		cx->bad = why;
		return request(cx, rq, rp, rq->param[0], 422, ch->body.hidden);
	}
	TRY(e);
	return go(cx, rp, str_printf(cx->arena, AT "/requests/%lld", (long long)t.id));
}

static enum err
reply(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_COMMENT };

	if (!meant(cx, rq, rp))
		return OK;
	ch.body = HIDE(posted(cx, rq, "text"));
	if (ch.body.hidden.n == 0)
		bad(cx, "text", "BlankValue", "Message: cannot be blank");
	return change(cx, rq, rp, &ch);
}

static enum err
solved(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_STATUS, .status = TICKET_SOLVED };

	return meant(cx, rq, rp) ? change(cx, rq, rp, &ch) : OK;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

static enum err
ask_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status)
{
	struct page p;

	if (!signed_in(cx) && !api_of(cx)->conf.open_requests)
		return go(cx, rp, S(AT "/sign-in"));
	p = begin(cx, rq, rp, status, W_ASK);
	wrongs(&p);
	form(&p, "/ask", 0);
	if (!signed_in(cx)) {
		input(&p, "name", "text", "autocomplete=\"name\" required", W_NAME, posted(cx, rq, "name"));
		input(&p, "email", "email", "autocomplete=\"email\" required", W_EMAIL, posted(cx, rq, "email"));
	}
	input(&p, "subject", "text", "required maxlength=\"150\" dir=\"auto\" aria-describedby=\"subject-hint\"", W_SUBJECT, posted(cx, rq, "subject"));
	raw(&p, "<p class=\"soft\" id=\"subject-hint\">");
	word(&p, W_SUBJECT_HINT);
	raw(&p, "</p>");
	area(&p, "text", W_MESSAGE, posted(cx, rq, "text"));
	para(&p, "soft", W_MESSAGE_HINT);
	button(&p, W_SEND);
	raw(&p, "</form>");
	end(&p);
	return OK;
}

static enum err
ask(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return ask_page(cx, rq, rp, 200);
}

static enum err
ask_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { .has = T_SUBJECT | T_COMMENT, .channel = "web" };
	const struct actor *asker = cx->actor;
	bool own = signed_in(cx);
	struct ticket t;
	enum err e;

	if (own && !meant(cx, rq, rp))
		return OK;
	if (!own && !api_of(cx)->conf.open_requests)
		return go(cx, rp, S(AT "/sign-in"));
	ch.subject = HIDE(posted(cx, rq, "subject"));
	ch.body = HIDE(posted(cx, rq, "text"));
	if (ch.subject.hidden.n == 0)
		bad(cx, "subject", "BlankValue", "Subject: cannot be blank");
	if (ch.body.hidden.n == 0)
		bad(cx, "text", "BlankValue", "Message: cannot be blank");
	if (!own) {
		ch.requester_name = HIDE(posted(cx, rq, "name"));
		ch.requester_email = HIDE(posted(cx, rq, "email"));
		ch.has |= T_REQUESTER;
		if (!email_valid(ch.requester_email.hidden))
			bad(cx, "email", "InvalidValue", "E-mail: is not an address");
	}
	e = bad_check(cx);
	if (e == OK) {
		if (!own)
			gate_as_system(cx, "form");
		e = ticket_create(cx, &ch, &t, NULL);
		cx->actor = asker;
	}
	if (e == E_INVALID && cx->held != 0) {
		fail_forget(cx);
		return message(cx, rq, rp, 202, W_ASKED);
	}
	if (e == E_INVALID) {
		struct bad_field *why = cx->bad;
		fail_forget(cx);
		cx->bad = why;
		return ask_page(cx, rq, rp, 422);
	}
	TRY(e);
	if (own)
		return go(cx, rp, str_printf(cx->arena, AT "/requests/%lld", (long long)t.id));
	return message(cx, rq, rp, 201, W_ASKED);
}

#define PUBLIC (ROUTE_ANONYMOUS_OK | ROUTE_NO_CSRF)
const struct route help_routes[] = {
	{ GET,  AT,                          MAY_ANYONE, 0,        home,         PUBLIC },
	{ GET,  AT "/ask",                   MAY_ANYONE, 0,        ask,          PUBLIC },
	{ POST, AT "/ask",                   MAY_ANYONE, BODY,     ask_post,     PUBLIC },
	{ GET,  AT "/sign-in",               MAY_ANYONE, 0,        sign_in,      PUBLIC },
	{ POST, AT "/sign-in",               MAY_ANYONE, 16 * KiB, sign_in_post, PUBLIC },
	{ POST, AT "/sign-out",              MAY_ANYONE, 16 * KiB, sign_out,     PUBLIC },
	{ GET,  AT "/link/{word}",           MAY_ANYONE, 0,        link_get,     PUBLIC },
	{ POST, AT "/link/{word}",           MAY_ANYONE, 16 * KiB, link_post,    PUBLIC },
	{ GET,  AT "/requests/{id}",         MAY_ANYONE, 0,        request_page, PUBLIC },
	{ POST, AT "/requests/{id}/reply",   MAY_ANYONE, BODY,     reply,        PUBLIC },
	{ POST, AT "/requests/{id}/solved",  MAY_ANYONE, 16 * KiB, solved,       PUBLIC },
	{ 0 }
};
