/* help_page.c - writes pages of the help centre and reads their forms.
 *
 * Each page is whole HTML and works without script; each form posts and is
 * answered by a page or by 303. A form of a session carries its CSRF token.
 * Nothing that a person typed gets into an address, and every text goes
 * through page_text().
 */
#include "api/help.h"

#define POLICY "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
#define FORM_PARTS 512
#define POLICY_SCRIPT POLICY "; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"

/* ---- HTML ------------------------------------------------------------------------------------------------------ */

void
page_text(struct page *p, str s)
{
	buf_html(p->b, s);
}

void
page_raw(struct page *p, const char *s)
{
	buf_add(p->b, str_of(s));
}

const char *
page_say(const struct page *p, enum word w)
{
	return word_in(w, p->lang);
}

void
page_word(struct page *p, enum word w)
{
	page_text(p, str_of(page_say(p, w)));
}

void
page_para(struct page *p, const char *css, enum word w)
{
	buf_fmt(p->b, "<p class=\"%s\">", css);
	page_word(p, w);
	page_raw(p, "</p>");
}

void
page_link(struct page *p, const char *css, const char *href, enum word w)
{
	buf_fmt(p->b, "<a class=\"%s\" href=\"%s\">", css, href);
	page_word(p, w);
	page_raw(p, "</a>");
}

void
page_outcome(struct page *p, bool good, enum word w)
{
	buf_fmt(p->b, "<div role=\"%s\"" PAGE_FIRST ">", good ? "status" : "alert");
	buf_fmt(p->b, "<p id=\"outcome\" class=\"%s\">", good ? "note" : "wrong");
	page_word(p, w);
	page_raw(p, "</p></div>");
}

void
page_wrongs(struct page *p)
{
	if (p->cx->bad == NULL)
		return;
	page_raw(p, "<div class=\"wrong\" role=\"alert\"" PAGE_FIRST "><p id=\"outcome\">");
	page_word(p, W_WRONG);
	page_raw(p, "</p><ul>");
	for (struct bad_field *f = p->cx->bad; f != NULL; f = f->next) {
		page_raw(p, "<li>");
		page_text(p, str_of(f->why));
		page_raw(p, "</li>");
	}
	page_raw(p, "</ul></div>");
}

void
page_input(struct page *p, const char *name, const char *type, const char *more, enum word label, str value)
{
	buf_fmt(p->b, "<label for=\"%s\">", name);
	page_word(p, label);
	buf_fmt(p->b, "</label><input id=\"%s\" name=\"%s\" type=\"%s\" %s value=\"", name, name, type, more);
	page_text(p, value);
	page_raw(p, "\">");
}

void
page_area(struct page *p, const char *name, enum word label, str value)
{
	buf_fmt(p->b, "<label for=\"%s\">", name);
	page_word(p, label);
	buf_fmt(p->b, "</label><textarea id=\"%s\" name=\"%s\" rows=\"8\" required dir=\"auto\">\n", name, name);
	page_text(p, value);
	page_raw(p, "</textarea>");
}

static void
page_csrf(struct page *p)
{
	if (help_signed_in(p->cx)) {
		page_raw(p, "<input type=\"hidden\" name=\"csrf\" value=\"");
		page_text(p, p->cx->actor->csrf);
		page_raw(p, "\">");
	}
}

void
page_form(struct page *p, const char *action)
{
	buf_fmt(p->b, "<form method=\"post\" action=\"" AT "%s\">", action);
	page_csrf(p);
}

void
page_form_files(struct page *p, const char *action)
{
	buf_fmt(p->b, "<form method=\"post\" enctype=\"multipart/form-data\" action=\"" AT "%s\">", action);
	page_csrf(p);
}

/* The row for files, with what is said of them. */
void
page_files(struct page *p)
{
	page_raw(p, "<label for=\"file\">");
	page_word(p, W_FILES);
	page_raw(p, " <span class=\"soft\">(");
	page_word(p, W_OPTIONAL);
	page_raw(p, ")</span></label><input id=\"file\" name=\"file\" type=\"file\" multiple aria-describedby=\"file-hint\"><p class=\"soft\" id=\"file-hint\">");
	page_word(p, W_FILES_HINT);
	page_raw(p, "</p>");
}

void
page_button(struct page *p, enum word w)
{
	page_raw(p, "<button class=\"go\">");
	page_word(p, w);
	page_raw(p, "</button>");
}

void
page_time(struct page *p, usec at)
{
	str t = time_iso(p->cx->arena, at);

	page_raw(p, "<time datetime=\"");
	page_text(p, t);
	page_raw(p, "\">");
	page_text(p, str_sub(t, 0, 10));
	page_raw(p, " ");
	page_text(p, str_sub(t, 11, 5));
	page_raw(p, " UTC</time>");
}

/* ---- the frame ---------------------------------------------------------------------------------------------------- */

bool
help_signed_in(const struct ctx *cx)
{
	return cx->actor != NULL && cx->actor->user_id != 0 && cx->actor->session_id != 0;
}

/* The language with the highest weight that is spoken here (RFC 9110, 12.5.4). */
int
help_lang(const struct http_req *rq)
{
	str chosen = http_cookie(rq, "ward_language"), rest = http_header(rq, "accept-language");
	int64_t best = -1;
	int lang = LANG_EN;

	for (int i = 0; i < LANGS; i++)
		if (str_eq(chosen, str_of(langs[i].tag)))
			return i;
	while (rest.n > 0) {
		str weight = str_cut(&rest, ','), tag = str_trim(str_cut(&weight, ';')), head = str_cut(&tag, '-');
		int64_t q = 1000;
		size_t at = str_find(weight, S("q="));
		if (at != SIZE_MAX) {
			q = 0;
			for (size_t i = at + 2, unit = 1000; i < weight.n && unit > 0; i++)
				if (weight.p[i] >= '0' && weight.p[i] <= '9') {
					q += (weight.p[i] - '0') * (int64_t)unit;
					unit /= 10;
				}
		}
		for (int i = 0; i < LANGS; i++)
			if (q > best && q > 0 && str_eqi(head, str_of(langs[i].tag))) {
				best = q;
				lang = i;
			}
	}
	return lang;
}

/* A host is a brand's by its own mapping, or by its first label. */
static bool
is_host_of(const struct def *brand, str host)
{
	str rest = host, label = str_cut(&rest, '.'), mapped = def_text(brand, "host_mapping");

	return brand->active && ((mapped.n > 0 && str_eqi(mapped, host)) || (rest.n > 0 && str_eqi(def_text(brand, "subdomain"), label)));
}

const struct def *
help_brand(struct ctx *cx, const struct http_req *rq)
{
	str port = http_header(rq, "host"), host = str_cut(&port, ':');
	const struct def *const *all;
	const struct defs *d;
	int n;

	if (defs_get(cx, &d) != OK) {
		fail_forget(cx);
		return NULL;
	}
	all = def_all(d, DEF_BRAND, &n);
	for (int i = 0; i < n && host.n > 0; i++)
		if (is_host_of(all[i], host))
			return all[i];
	for (int i = 0; i < n; i++)
		if (def_bool(all[i], "default"))
			return all[i];
	return n > 0 ? all[0] : NULL;
}

static void
banner(struct page *p)
{
	const struct def *brand = help_brand(p->cx, p->rq);
	str name = brand ? def_text(brand, "name") : S("");

	page_raw(p, "<a class=\"skip\" href=\"#main\">");
	page_word(p, W_SKIP);
	page_raw(p, "</a><header><a class=\"home\" href=\"" AT "\">");
	if (brand != NULL && def_text(brand, "logo_type").n)
		buf_fmt(p->b, "<img src=\"" AT "/logo/%lld?%lld\" alt=\"\" height=\"32\">", (long long)brand->id, (long long)(brand->updated_at / SECOND));
	page_raw(p, "<bdi>");
	if (name.n)
		page_text(p, name);
	else
		page_word(p, W_TITLE);
	page_raw(p, "</bdi></a><nav aria-label=\"");
	page_word(p, W_MENU);
	page_raw(p, "\">");
	page_link(p, "", AT "/articles", W_ARTICLES);
	page_link(p, "", AT "/ask", W_ASK);
	if (help_signed_in(p->cx)) {
		page_link(p, "", AT, W_MINE);
		page_raw(p, "<form method=\"post\" action=\"" AT "/sign-out\"><input type=\"hidden\" name=\"csrf\" value=\"");
		page_text(p, p->cx->actor->csrf);
		page_raw(p, "\"><button>");
		page_word(p, W_SIGN_OUT);
		page_raw(p, "</button></form>");
	} else
		page_link(p, "", AT "/sign-in", W_SIGN_IN);
	page_raw(p, "</nav></header>");
}

struct page
page_begin_titled(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, str title, bool script)
{
	struct page p = { cx, rq, rp, &rp->body, help_lang(rq) };

	rp->status = status;
	rp->type = "text/html; charset=utf-8";
	rp->body.n = 0;
	http_head(rp, "Content-Security-Policy", script ? S(POLICY_SCRIPT) : S(POLICY));
	http_head(rp, "Cache-Control", S("no-store"));
	http_head(rp, "Content-Language", str_of(langs[p.lang].tag));
	buf_fmt(p.b, "<!doctype html><html lang=\"%s\" dir=\"%s\">", langs[p.lang].tag, langs[p.lang].dir);
	page_raw(&p, "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
	page_text(&p, title);
	page_raw(&p, "</title><link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/help.css\"><link rel=\"stylesheet\" href=\"" AT "/brand.css\">");
	if (script)
		page_raw(&p, "<script src=\"/help.js\" defer></script>");
	page_raw(&p, "</head><body>");
	banner(&p);
	page_raw(&p, "<main id=\"main\"><h1 dir=\"auto\">");
	page_text(&p, title);
	page_raw(&p, "</h1>");
	return p;
}

struct page
page_begin(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, enum word title)
{
	return page_begin_titled(cx, rq, rp, status, str_of(word_in(title, help_lang(rq))), false);
}

void
page_end(struct page *p)
{
	/* What is not there reads the same whatever it was called; the answer to a form has no address of its own. */
	bool post = p->rq->method != GET || p->rp->status >= 400;

	page_raw(p, "</main><footer><nav aria-label=\"");
	page_word(p, W_LANGUAGE);
	page_raw(p, "\">");
	for (int i = 0; i < LANGS; i++) {
		if (i == p->lang) {
			buf_fmt(p->b, "<span aria-current=\"true\" lang=\"%s\">%s</span> ", langs[i].tag, langs[i].name);
			continue;
		}
		buf_fmt(p->b, "<a lang=\"%s\" hreflang=\"%s\" href=\"" AT "/language/%s?back=", langs[i].tag, langs[i].tag, langs[i].tag);
		buf_percent(p->b, post ? S(AT) : p->rq->path);
		buf_fmt(p->b, "\">%s</a> ", langs[i].name);
	}
	page_raw(p, "</nav></footer></body></html>");
}

enum err
page_message(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, enum word w)
{
	struct page p = page_begin(cx, rq, rp, status, W_TITLE);

	page_outcome(&p, true, w);
	page_end(&p);
	return OK;
}

enum err
page_go(struct ctx *cx, struct http_reply *rp, str to)
{
	(void)cx;
	rp->status = 303;
	rp->body.n = 0;
	http_head(rp, "Location", to);
	http_head(rp, "Cache-Control", S("no-store"));
	return OK;
}

enum err
page_talk(struct page *p, const struct comment *c, int n, const char *files, const char *files_end)
{
	struct ctx *cx = p->cx;
	int64_t *ids = NEW(cx->arena, int64_t, n + 1);
	struct user u;

	page_raw(p, "<ol class=\"talk\">");
	for (int i = 0; i < n; i++) {
		ids[i] = c[i].author_id;
		page_raw(p, cx->actor != NULL && c[i].author_id == cx->actor->user_id ? "<li class=\"mine\"><p class=\"by\"><bdi>" : "<li><p class=\"by\"><bdi>");
		if (user_load(cx, c[i].author_id, &u) == OK)
			page_text(p, reveal(cx, u.name, TO_SHOW_ACTOR));
		else
			fail_forget(cx);
		page_raw(p, "</bdi> ");
		page_time(p, c[i].created_at);
		page_raw(p, "</p><div class=\"text\" dir=\"auto\">");
		page_text(p, reveal(cx, c[i].body, TO_SHOW_ACTOR));
		page_raw(p, "</div>");
		for (int k = 0; k < c[i].attachment_count; k++) {
			buf_fmt(p->b, "<p><a download href=\"%s%lld%s\"><bdi>", files, (long long)c[i].attachment[k].id, files_end);
			page_text(p, reveal(cx, c[i].attachment[k].file_name, TO_SHOW_ACTOR));
			page_raw(p, "</bdi></a></p>");
		}
		page_raw(p, "</li>");
	}
	page_raw(p, "</ol>");
	return n > 0 ? trail_look(cx, "user", ids, ids_unique(ids, n), "name") : OK;
}

/* ---- forms ---------------------------------------------------------------------------------------------------------- */

static bool
urlencoded(struct ctx *cx, str rest, struct http_part *part, int *n)
{
	for (*n = 0; rest.n > 0; ++*n) {
		str value = str_cut(&rest, '&'), key = str_cut(&value, '=');
		if (*n == FORM_PARTS || !percent_to(cx->arena, key, true, &part[*n].name) || !percent_to(cx->arena, value, true, &part[*n].bytes))
			return false;
	}
	return true;
}

const struct form *
help_form(struct ctx *cx, struct http_req *rq)
{
	struct form *f = rq->form;
	struct http_part *part;
	str rest;
	bool good;

	if (f != NULL)
		return f;
	rq->form = f = NEW(cx->arena, struct form, 1);
	rest = http_header(rq, "content-type");
	if (str_eqi(str_trim(str_cut(&rest, ';')), S("multipart/form-data"))) {
		good = http_form(cx, rq, &part, &f->n) == OK;
		if (!good)
			fail_forget(cx);
	} else {
		part = NEW(cx->arena, struct http_part, FORM_PARTS);
		good = urlencoded(cx, rq->body, part, &f->n);
	}
	if (!good)
		f->n = 0;
	for (int i = 0; i < f->n; i++) {
		part[i].file_name = utf8_mend(cx->arena, part[i].file_name);
		if (part[i].file_name.n == 0)
			part[i].bytes = utf8_mend(cx->arena, part[i].bytes);
	}
	f->part = part;
	return f;
}

str
form_value(struct ctx *cx, struct http_req *rq, const char *name)
{
	const struct form *f = help_form(cx, rq);

	for (int i = 0; i < f->n; i++)
		if (f->part[i].file_name.n == 0 && str_eq(f->part[i].name, str_of(name)))
			return str_trim(f->part[i].bytes);
	return S("");
}

void
form_files(struct ctx *cx, struct http_req *rq, const struct page *p, struct ticket_change *ch)
{
	const struct form *f = help_form(cx, rq);
	size_t all = 0;

	ch->upload = NEW(cx->arena, struct upload, f->n + 1);
	ch->upload_count = 0;
	for (int i = 0; i < f->n; i++) {
		const struct http_part *part = &f->part[i];
		if (part->file_name.n == 0 || !str_eq(part->name, S("file")) || part->bytes.n == 0)
			continue;
		all += part->bytes.n;
		ch->upload[ch->upload_count++] = (struct upload){ .file_name = str_sub(part->file_name, 0, utf8_floor(part->file_name, 200)),
		    .content_type = str_sub(part->type.n ? part->type : S("application/octet-stream"), 0, 100), .bytes = part->bytes };
	}
	if (all > FORM_FILES || ch->upload_count > 5)
		bad(cx, "file", "TooLarge", page_say(p, W_FILE_LARGE));
}

bool
form_meant(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	if (!help_signed_in(cx)) {
		(void)!page_go(cx, rp, S(AT "/sign-in"));
		return false;
	}
	if (!session_csrf_ok(cx, form_value(cx, rq, "csrf"))) {
		(void)!page_message(cx, rq, rp, 400, W_AGAIN);
		return false;
	}
	return true;
}

void
help_cookie(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *name, const char *path, str value, int64_t max_age)
{
	http_head(rp, "Set-Cookie", str_printf(cx->arena, "%s=" STR_F "; Path=%s; HttpOnly; SameSite=Strict%s%s", name, STR_A(value), path,
	    rq->secure ? "; Secure" : "", max_age < 0 ? "" : z_of(cx, str_printf(cx->arena, "; Max-Age=%lld", (long long)max_age))));
}

/* ---- language and brand --------------------------------------------------------------------------------------------- */

/* The page that was left: one of ours, by letters, digits, dashes and slashes only. */
static str
back_of(const struct http_req *rq)
{
	const str *to = http_query(rq, "back");

	if (to == NULL || !(str_eq(*to, S(AT)) || str_starts(*to, S(AT "/")) || str_eq(*to, S("/password/reset"))) || str_find(*to, S("//")) != SIZE_MAX || to->n > 200)
		return S(AT);
	for (size_t i = 0; i < to->n; i++) {
		char c = to->p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '/'))
			return S(AT);
	}
	return *to;
}

static enum err
language(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	for (int i = 0; i < LANGS; i++)
		if (str_eq(rq->word[0], str_of(langs[i].tag)))
			help_cookie(cx, rq, rp, "ward_language", "/", rq->word[0], 31536000);
	return page_go(cx, rp, back_of(rq));
}

static enum err
brand_css(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct def *brand = help_brand(cx, rq);
	str color = brand ? def_text(brand, "color") : S("");

	rp->status = 200;
	rp->type = "text/css; charset=utf-8";
	http_head(rp, "Cache-Control", S("no-cache"));
	if (color.n)                    /* a checked "#rrggbb": def.c */
		buf_fmt(&rp->body, ":root { --brand: " STR_F "; }\n", STR_A(color));
	return OK;
}

static enum err
logo(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct defs *d;
	const struct def *brand;
	str bytes, type;

	TRY(defs_get(cx, &d));
	brand = def_find(d, DEF_BRAND, rq->param[0]);
	type = brand ? def_text(brand, "logo_type") : S("");
	if (type.n == 0 || !base64_to(cx->arena, def_text(brand, "logo_bytes"), &bytes))
		return fail(cx, E_ABSENT, NULL, "no such logo");
	rp->status = 200;
	rp->type = str_eq(type, S("image/png")) ? "image/png" : "image/jpeg";
	buf_add(&rp->body, bytes);
	http_head(rp, "Content-Security-Policy", S("default-src 'none'; sandbox"));
	http_head(rp, "Cache-Control", S("public, max-age=86400"));
	return OK;
}

const struct route help_page_routes[] = {
	{ GET, AT "/language/{word}", MAY_ANYONE, 0, language,  PUBLIC },
	{ GET, AT "/brand.css",       MAY_ANYONE, 0, brand_css, PUBLIC },
	{ GET, AT "/logo/{id}",       MAY_ANYONE, 0, logo,      PUBLIC },
	{ 0 }
};
