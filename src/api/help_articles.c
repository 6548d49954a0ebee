/* help_articles.c - answers to read: /help/articles, with a search that puts nobody's words into an address. */
#include "api/help.h"

static void
link_to(struct page *p, const struct guide *g)
{
	int which;
	const struct guide_text *t = guide_text_for(g, p->lang, false, &which);

	buf_fmt(p->b, "<a href=\"" AT "/articles/%s%lld\" dir=\"auto\" lang=\"%s\">", g->kind == GUIDE_ARTICLE ? "" : g->kind == GUIDE_SECTION ? "sections/" : "categories/",
	    (long long)g->id, t ? langs[which].tag : langs[p->lang].tag);
	page_text(p, t ? t->title : S(""));
	page_raw(p, "</a>");
}

static void
search_form(struct page *p, str words)
{
	page_raw(p, "<form method=\"post\" action=\"" AT "/articles/search\" class=\"row\" role=\"search\"><label for=\"words\">");
	page_word(p, W_SEARCH_WORDS);
	page_raw(p, "</label><input id=\"words\" name=\"words\" type=\"search\" required dir=\"auto\" maxlength=\"200\" value=\"");
	page_text(p, words);
	page_raw(p, "\">");
	page_button(p, W_SEARCH);
	page_raw(p, "</form>");
}

static void
list_of(struct page *p, const struct guide *g, int n)
{
	page_raw(p, "<ul class=\"list\">");
	for (int i = 0; i < n; i++) {
		page_raw(p, "<li>");
		link_to(p, &g[i]);
		page_raw(p, "</li>");
	}
	page_raw(p, "</ul>");
}

static int64_t
brand_id(struct ctx *cx, const struct http_req *rq)
{
	const struct def *brand = help_brand(cx, rq);

	return brand != NULL ? brand->id : 0;
}

/* What a reader sees, whoever writes: no drafts on these pages. */
static int
readable(struct guide *g, int n)
{
	int k = 0;

	for (int i = 0; i < n; i++)
		if (guide_text_for(&g[i], -1, false, NULL) != NULL)
			g[k++] = g[i];
	return k;
}

static enum err
index_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct guide_filter f = { .locale = -1, .brand_id = brand_id(cx, rq) };
	struct guide *cat, *sec, *art;
	int cats, secs, arts, shown = 0;
	struct page p;

	f.bodies = true;                             /* what a category says of itself */
	TRY(guide_list(cx, GUIDE_CATEGORY, &f, &cat, &cats));
	f.bodies = false;
	TRY(guide_list(cx, GUIDE_SECTION, &f, &sec, &secs));
	TRY(guide_list(cx, GUIDE_ARTICLE, &f, &art, &arts));
	arts = readable(art, arts);
	p = page_begin(cx, rq, rp, 200, W_ARTICLES);
	search_form(&p, S(""));
	for (int c = 0; c < cats; c++) {
		bool open = false;
		for (int s = 0; s < secs; s++) {
			int n = 0;
			for (int i = 0; i < arts; i++)
				n += art[i].parent_id == sec[s].id;
			if (sec[s].parent_id != cat[c].id || n == 0)
				continue;
			if (!open) {
				const struct guide_text *t = guide_text_for(&cat[c], p.lang, false, NULL);
				page_raw(&p, "<h2 dir=\"auto\">");
				page_text(&p, t ? t->title : S(""));
				page_raw(&p, "</h2>");
				if (t != NULL && t->body.n) {
					page_raw(&p, "<p class=\"soft\" dir=\"auto\">");
					page_text(&p, t->body);
					page_raw(&p, "</p>");
				}
				page_raw(&p, "<ul class=\"cards\">");
				open = true;
			}
			page_raw(&p, "<li><h3>");
			link_to(&p, &sec[s]);
			page_raw(&p, "</h3><ul class=\"list\">");
			for (int i = 0, most = 0; i < arts && most < 6; i++)
				if (art[i].parent_id == sec[s].id) {
					page_raw(&p, "<li>");
					link_to(&p, &art[i]);
					page_raw(&p, "</li>");
					most++;
					shown++;
				}
			page_raw(&p, "</ul></li>");
		}
		if (open)
			page_raw(&p, "</ul>");
	}
	if (shown == 0)
		page_para(&p, "note", W_ARTICLES_NONE);
	if (!help_signed_in(cx)) {
		page_raw(&p, "<p>");
		page_link(&p, "", AT "/sign-in", W_SIGN_IN_READ);
		page_raw(&p, "</p>");
	}
	page_end(&p);
	return OK;
}

static void
more_help(struct page *p)
{
	page_raw(p, "<h2>");
	page_word(p, W_MORE_HELP);
	page_raw(p, "</h2><p>");
	page_link(p, "go", AT "/ask", W_ASK);
	page_raw(p, "</p><p>");
	page_link(p, "", AT "/articles", W_ALL_ARTICLES);
	page_raw(p, "</p>");
}

static enum err
absent(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum err e)
{
	if (e != E_ABSENT && e != E_DENIED)
		return e;
	fail_forget(cx);
	return page_message(cx, rq, rp, 404, W_ABSENT);
}

static enum err
section_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct guide_filter f = { .locale = -1, .parent_id = rq->param[0], .brand_id = brand_id(cx, rq) };
	const struct guide_text *t;
	struct guide s, *art;
	struct page p;
	int n;
	enum err e = guide_get(cx, GUIDE_SECTION, rq->param[0], &s);

	if (e != OK)
		return absent(cx, rq, rp, e);
	TRY(guide_list(cx, GUIDE_ARTICLE, &f, &art, &n));
	n = readable(art, n);
	t = guide_text_for(&s, help_lang(rq), false, NULL);
	p = page_begin_titled(cx, rq, rp, 200, t ? t->title : S(""), false);
	if (t != NULL && t->body.n) {
		page_raw(&p, "<p class=\"lead\" dir=\"auto\">");
		page_text(&p, t->body);
		page_raw(&p, "</p>");
	}
	if (n > 0)
		list_of(&p, art, n);
	else
		page_para(&p, "note", W_SECTION_EMPTY);
	more_help(&p);
	page_end(&p);
	return OK;
}

static enum err
category_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct guide_filter f = { .locale = -1, .parent_id = rq->param[0] };
	const struct guide_text *t;
	struct guide c, *sec;
	struct page p;
	int n;
	enum err e = guide_get(cx, GUIDE_CATEGORY, rq->param[0], &c);

	if (e != OK)
		return absent(cx, rq, rp, e);
	TRY(guide_list(cx, GUIDE_SECTION, &f, &sec, &n));
	t = guide_text_for(&c, help_lang(rq), false, NULL);
	p = page_begin_titled(cx, rq, rp, 200, t ? t->title : S(""), false);
	if (n > 0)
		list_of(&p, sec, n);
	else
		page_para(&p, "note", W_SECTION_EMPTY);
	more_help(&p);
	page_end(&p);
	return OK;
}

static enum err
article_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct guide_text *t = NULL;
	struct guide g;
	struct page p;
	int which = 0;
	enum err e = guide_get(cx, GUIDE_ARTICLE, rq->param[0], &g);

	if (e == OK && (g.archived_at != 0 || (t = guide_text_for(&g, help_lang(rq), false, &which)) == NULL))
		e = fail(cx, E_ABSENT, NULL, "no such article");
	if (e != OK)
		return absent(cx, rq, rp, e);
	p = page_begin_titled(cx, rq, rp, 200, t->title, false);
	if (which != p.lang)
		page_para(&p, "note", W_OTHER_LANGUAGE);
	buf_fmt(p.b, "<article class=\"article\" lang=\"%s\" dir=\"auto\">", langs[which].tag);
	buf_add(p.b, t->body);                       /* ours: washed when it was written (desk/guide.c) */
	page_raw(&p, "</article><p class=\"soft\">");
	page_word(&p, W_UPDATED_ON);
	page_raw(&p, " ");
	page_time(&p, g.edited_at);
	page_raw(&p, "</p>");
	more_help(&p);
	page_end(&p);
	return OK;
}

static enum err
search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str words = str_sub(form_value(cx, rq, "words"), 0, 800);
	struct guide *g;
	struct page p;
	int n;

	if (words.n == 0)
		return page_go(cx, rp, S(AT "/articles"));
	TRY(guide_search(cx, words, help_lang(rq), false, 50, &g, &n));
	n = readable(g, n);
	p = page_begin(cx, rq, rp, 200, W_FOUND);
	search_form(&p, words);
	page_raw(&p, "<div role=\"status\">");
	if (n == 0)
		page_para(&p, "note", W_FOUND_NONE);
	page_raw(&p, "</div>");
	if (n > 0)
		list_of(&p, g, n);
	more_help(&p);
	page_end(&p);
	return OK;
}

enum err
page_suggest(struct page *p, str words)
{
	struct guide *g;
	int n;

	if (words.n == 0)
		return OK;
	TRY(guide_search(p->cx, words, p->lang, true, 3, &g, &n));
	if ((n = readable(g, n)) == 0)
		return OK;
	page_raw(p, "<section class=\"note\"><h2>");
	page_word(p, W_MAYBE);
	page_raw(p, "</h2>");
	list_of(p, g, n);
	page_raw(p, "</section>");
	return OK;
}

const struct route help_article_routes[] = {
	{ GET,  AT "/articles",                 MAY_ANYONE, 0,        index_page,    PUBLIC },
	{ POST, AT "/articles/search",          MAY_ANYONE, 16 * KiB, search,        PUBLIC },
	{ GET,  AT "/articles/{id}",            MAY_ANYONE, 0,        article_page,  PUBLIC },
	{ GET,  AT "/articles/sections/{id}",   MAY_ANYONE, 0,        section_page,  PUBLIC },
	{ GET,  AT "/articles/categories/{id}", MAY_ANYONE, 0,        category_page, PUBLIC },
	{ 0 }
};
