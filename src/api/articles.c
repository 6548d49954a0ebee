/* articles.c - /api/v2/help_center: categories, sections, articles and their translations, as Zendesk Guide names them.
 *
 * A path may name a language behind help_center; then texts are in it and lists
 * hold what is translated. user_segment_id null is everybody, 1 is who is
 * signed in: there are no other segments here, and one permission group.
 */
#include "api/in.h"

#define SEGMENT_SIGNED_IN 1

static const struct { const char *plural, *name, *parent; } kinds[] = {
	[GUIDE_CATEGORY] = { "categories", "category", NULL },
	[GUIDE_SECTION]  = { "sections", "section", "category_id" },
	[GUIDE_ARTICLE]  = { "articles", "article", "section_id" },
};

/* What the address is about: the last of its words that is a kind. */
static enum guide_kind
kind_of(const struct http_req *rq)
{
	enum guide_kind k = GUIDE_ARTICLE;
	str rest = rq->path;

	while (rest.n > 0) {
		str w = str_cut(&rest, '/');
		if (str_ends(w, S(".json")))
			w.n -= 5;
		for (int i = GUIDE_CATEGORY; i <= GUIDE_ARTICLE; i++)
			if (str_eq(w, str_of(kinds[i].plural)))
				k = (enum guide_kind)i;
	}
	return k;
}

/* The kind that an {id} in front of the last kind names: .../sections/{id}/articles. */
static bool
names_parent(const struct http_req *rq, enum guide_kind parent)
{
	return str_find(rq->path, str_of(kinds[parent].plural)) != SIZE_MAX;
}

/* The language of the address; -1: none is named. False: one that is not spoken, answered. */
static bool
locale_of(const struct http_req *rq, struct http_reply *rp, int *locale)
{
	str rest = str_sub(rq->path, sizeof "/api/v2/help_center/" - 1, rq->path.n), first = str_cut(&rest, '/');

	*locale = -1;
	for (int i = GUIDE_CATEGORY; i <= GUIDE_ARTICLE; i++)
		if (str_starts(first, str_of(kinds[i].plural)))
			return true;
	if ((*locale = guide_locale_of(first)) >= 0)
		return true;
	(void)!api_error(rp, 404, "RecordNotFound", "Not found");
	return false;
}

static str
html_url(struct ctx *cx, const char *base, const struct guide *g)
{
	return str_printf(cx->arena, "%s/help/articles/%s%lld", base, g->kind == GUIDE_ARTICLE ? "" : g->kind == GUIDE_SECTION ? "sections/" : "categories/", (long long)g->id);
}

static void
json_guide(struct json *j, struct ctx *cx, const char *base, const struct guide *g, int locale)
{
	int which = g->source;
	const struct guide_text *t = guide_text_for(g, locale, true, &which);
	bool article = g->kind == GUIDE_ARTICLE;

	jw_obj(j);
	jw_kint(j, "id", g->id);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/help_center/%s/%s/%lld.json", base, guide_locale[which], kinds[g->kind].plural, (long long)g->id));
	jw_kstr(j, "html_url", html_url(cx, base, g));
	jw_kint(j, "position", g->position);
	jw_ktime(j, "created_at", g->created_at);
	jw_ktime(j, "updated_at", g->updated_at);
	jw_kstr(j, "name", t ? t->title : S(""));
	jw_kz(j, "source_locale", guide_locale[g->source]);
	jw_kz(j, "locale", guide_locale[which]);
	jw_kbool(j, "outdated", false);
	if (!article) {
		jw_kstr(j, "description", t ? t->body : S(""));
		if (g->kind == GUIDE_SECTION) {
			jw_kid(j, "category_id", g->parent_id);
			jw_knull(j, "parent_section_id");
			jw_kz(j, "sorting", "manual");
			jw_knull(j, "theme_template");
		}
		jw_end_obj(j);
		return;
	}
	jw_kint(j, "author_id", g->author_id);
	jw_kbool(j, "comments_disabled", true);
	jw_kbool(j, "draft", t == NULL || t->draft);
	jw_kbool(j, "promoted", g->promoted);
	jw_kint(j, "vote_sum", 0);
	jw_kint(j, "vote_count", 0);
	jw_kid(j, "section_id", g->parent_id);
	jw_kstr(j, "title", t ? t->title : S(""));
	jw_kraw(j, "outdated_locales", S("[]"));
	jw_ktime(j, "edited_at", g->edited_at);
	jw_kid(j, "user_segment_id", g->signed_in ? SEGMENT_SIGNED_IN : 0);
	jw_kint(j, "permission_group_id", 1);
	jw_kraw(j, "content_tag_ids", S("[]"));
	jw_kraw(j, "label_names", g->labels.n ? g->labels : S("[]"));
	jw_kid(j, "brand_id", g->brand_id);
	jw_kstr(j, "body", t ? t->body : S(""));
	if (g->archived_at)
		jw_ktime(j, "archived_at", g->archived_at);
	jw_end_obj(j);
}

static enum err
one_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct guide *g, int locale)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, kinds[g->kind].name);
	json_guide(&j, cx, z_of(cx, api_base(cx, rq)), g, locale);
	jw_end_obj(&j);
	return OK;
}

static bool
may_write(struct ctx *cx)
{
	bool yes = gate_may(cx, MAY_WRITE_ARTICLES, NULL) == OK;

	if (!yes)
		fail_forget(cx);
	return yes;
}

/* In a language that is named: the text of that language or nothing. */
static bool
has_text(struct ctx *cx, const struct guide *g, int locale)
{
	return locale < 0 || (g->text[locale].there && (!g->text[locale].draft || may_write(cx)));
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct guide g;
	int locale;

	if (!locale_of(rq, rp, &locale))
		return OK;
	TRY(guide_get(cx, kind_of(rq), rq->param[0], &g));
	if (!has_text(cx, &g, locale))
		return fail(cx, E_ABSENT, NULL, "no such text");
	return one_reply(cx, rq, rp, 200, &g, locale);
}

/* A page of a list that is whole in memory; a cursor is the place of an id. */
static enum err
page_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *name, const struct guide *list, int n, int locale)
{
	static const char *const sorts[] = { "position", "title", "created_at", "updated_at", "edited_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct json j;
	int from = 0, to;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 5, 100, &p))
		return OK;
	if (p.cursor && p.after) {
		while (from < n && list[from].id != p.id)
			from++;
		from += from < n;
	} else if (p.cursor && p.before) {
		for (to = 0; to < n && list[to].id != p.id; to++)
			;
		from = to > p.limit ? to - p.limit : 0;
		n = to;
	} else if (!p.cursor)
		from = p.offset < n ? (int)p.offset : n;
	to = from + p.limit < n ? from + p.limit : n;
	more = to < n || p.before;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, name);
	jw_arr(&j);
	for (int i = from; i < to; i++)
		json_guide(&j, cx, base, &list[i], locale);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, to - from, more, to > from ? (struct place){ list[from].id, list[from].id } : (struct place){ 0, 0 },
	    to > from ? (struct place){ list[to - 1].id, list[to - 1].id } : (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return OK;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum guide_kind k = kind_of(rq);
	struct guide_filter f = { .bodies = true };
	struct guide *g, above;
	int n;

	if (!locale_of(rq, rp, &f.locale))
		return OK;
	if (rq->param[0] != 0) {
		enum guide_kind parent = k == GUIDE_ARTICLE && !names_parent(rq, GUIDE_SECTION) ? GUIDE_CATEGORY : k - 1;
		TRY(guide_get(cx, parent, rq->param[0], &above));
		if (parent == GUIDE_CATEGORY && k == GUIDE_ARTICLE)
			f.category_id = rq->param[0];
		else
			f.parent_id = rq->param[0];
	}
	TRY(guide_list(cx, k, &f, &g, &n));
	return page_reply(cx, rq, rp, kinds[k].plural, g, n, f.locale);
}

static enum err
search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *query = http_query(rq, "query"), *locale = http_query(rq, "locale");
	struct guide *g;
	int n, lang = locale ? guide_locale_of(*locale) : -1;

	if (query == NULL || str_trim(*query).n == 0 || query->n > 1000)
		return api_error(rp, 400, "ParameterMissing", "Parameter query is required (at most 1000 bytes)");
	TRY(guide_search(cx, *query, lang, false, 1000, &g, &n));
	return page_reply(cx, rq, rp, "results", g, n, lang);
}

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

static void
take_text(struct ctx *cx, const json_t *obj, const char *name, unsigned bit, str *to, unsigned *has)
{
	const json_t *v = json_object_get(obj, name);

	if (v == NULL || (json_is_null(v) && bit == GUIDE_BODY))
		return;
	if (!json_is_string(v))
		bad(cx, name, "InvalidValue", "Must be a string");
	*to = json_text(cx, v);
	*has |= bit;
}

static void
take_bool(struct ctx *cx, const json_t *obj, const char *name, unsigned bit, bool *to, unsigned *has)
{
	const json_t *v = json_object_get(obj, name);

	if (v == NULL || json_is_null(v))
		return;
	if (!json_is_boolean(v))
		bad(cx, name, "InvalidValue", "Must be true or false");
	*to = json_is_true(v);
	*has |= bit;
}

static void
take_id(struct ctx *cx, const json_t *obj, const char *name, unsigned bit, bool null_ok, int64_t *to, unsigned *has)
{
	const json_t *v = json_object_get(obj, name);

	if (v == NULL || (json_is_null(v) && !null_ok))
		return;
	if (!json_is_null(v) && (!json_id(v, to) || *to < 0))
		bad(cx, name, "InvalidValue", "Must be an id (a positive integer)");
	*has |= bit;
}

/* Title, body and draft of one language. */
static void
take_words(struct ctx *cx, const json_t *obj, bool article, struct guide_change *in)
{
	take_text(cx, obj, article ? "title" : "name", GUIDE_TITLE, &in->title, &in->has);
	take_text(cx, obj, article ? "body" : "description", GUIDE_BODY, &in->body, &in->has);
	take_bool(cx, obj, "draft", GUIDE_DRAFT, &in->draft, &in->has);
}

static void
take_rest(struct ctx *cx, const json_t *obj, enum guide_kind k, struct guide_change *in)
{
	const json_t *v = json_object_get(obj, "position"), *w;
	int64_t segment = 0;
	size_t i;

	if (v != NULL && !json_is_null(v)) {
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 1000000)
			bad(cx, "position", "InvalidValue", "Position: must be a number from 0 to 1000000");
		in->position = json_integer_value(v);
		in->has |= GUIDE_POSITION;
	}
	if (kinds[k].parent != NULL)
		take_id(cx, obj, kinds[k].parent, GUIDE_PARENT, false, &in->parent_id, &in->has);
	if (k != GUIDE_ARTICLE)
		return;
	take_bool(cx, obj, "promoted", GUIDE_PROMOTED, &in->promoted, &in->has);
	take_id(cx, obj, "brand_id", GUIDE_BRAND, true, &in->brand_id, &in->has);
	take_id(cx, obj, "user_segment_id", GUIDE_SIGNED_IN, true, &segment, &in->has);
	if (segment != 0 && segment != SEGMENT_SIGNED_IN)
		bad(cx, "user_segment_id", "InvalidValue", "User segment: must be null (everybody) or 1 (people who are signed in)");
	in->signed_in = segment != 0;
	v = json_object_get(obj, "label_names");
	if (v == NULL || json_is_null(v))
		return;
	if (!json_is_array(v) || json_array_size(v) > 50)
		bad(cx, "label_names", "InvalidValue", "Label names: must be an array of at most 50 strings");
	else
		json_array_foreach((json_t *)(uintptr_t)v, i, w)
			if (!json_is_string(w) || json_string_length(w) == 0 || json_string_length(w) > 200)
				bad(cx, "label_names", "InvalidValue", "Label names: must be an array of at most 50 strings");
	in->labels = json_compact(cx, v);
	in->has |= GUIDE_LABELS;
}

/* The language of a body: its own member, else the address's, else the account's first. */
static void
take_locale(struct ctx *cx, const json_t *obj, int of_path, struct guide_change *in)
{
	const json_t *v = json_object_get(obj, "locale");

	in->locale = of_path >= 0 ? of_path : 0;
	if (v == NULL || json_is_null(v))
		return;
	in->locale = json_is_string(v) ? guide_locale_of(json_text(cx, v)) : -1;
	if (in->locale < 0) {
		bad(cx, "locale", "InvalidValue", "Locale: must be en-us or es");
		in->locale = 0;
	}
}

static enum err
create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum guide_kind k = kind_of(rq);
	struct guide_change in = { 0 };
	const json_t *obj;
	struct guide g, above;
	int locale;

	if (!locale_of(rq, rp, &locale))
		return OK;
	if (k != GUIDE_CATEGORY)
		TRY(guide_get(cx, k - 1, rq->param[0], &above));
	TRY(api_body(cx, rq, rp, kinds[k].name, &obj));
	if (obj == NULL)
		return OK;
	take_locale(cx, obj, locale, &in);
	take_words(cx, obj, k == GUIDE_ARTICLE, &in);
	take_rest(cx, obj, k, &in);
	in.parent_id = rq->param[0];
	if (k != GUIDE_CATEGORY)
		in.has |= GUIDE_PARENT;
	TRY(guide_create(cx, k, &in, &g));
	return one_reply(cx, rq, rp, 201, &g, in.locale);
}

/* Where it stands and who sees it; of words those of the language that the address or the body names. */
static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum guide_kind k = kind_of(rq);
	struct guide_change in = { 0 };
	const json_t *obj, *v;
	struct guide g;
	int locale;

	if (!locale_of(rq, rp, &locale))
		return OK;
	TRY(guide_get(cx, k, rq->param[0], &g));
	TRY(api_body(cx, rq, rp, kinds[k].name, &obj));
	if (obj == NULL)
		return OK;
	take_locale(cx, obj, locale >= 0 ? locale : g.source, &in);
	take_words(cx, obj, k == GUIDE_ARTICLE, &in);
	take_rest(cx, obj, k, &in);
	v = json_object_get(obj, "source_locale");
	if (v != NULL && !json_is_null(v)) {
		int to = json_is_string(v) ? guide_locale_of(json_text(cx, v)) : -1;
		if (to < 0 || (in.has & (GUIDE_TITLE | GUIDE_BODY | GUIDE_DRAFT)))
			bad(cx, "source_locale", "InvalidValue", "Source locale: must be en-us or es, in a change of its own");
		else {
			in.locale = to;
			in.has |= GUIDE_SOURCE;
		}
	}
	TRY(guide_update(cx, k, rq->param[0], &in, &g));
	return one_reply(cx, rq, rp, 200, &g, in.locale);
}

static enum err
destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(guide_delete(cx, kind_of(rq), rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* ---- translations -------------------------------------------------------------------------------------------------------- */

static void
json_translation(struct json *j, struct ctx *cx, const char *base, const struct guide *g, int locale)
{
	const struct guide_text *t = &g->text[locale];

	jw_obj(j);
	jw_kint(j, "id", g->id * 10 + locale);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/help_center/%s/%lld/translations/%s.json", base, kinds[g->kind].plural, (long long)g->id, guide_locale[locale]));
	jw_kstr(j, "html_url", html_url(cx, base, g));
	jw_kint(j, "source_id", g->id);
	jw_kz(j, "source_type", g->kind == GUIDE_ARTICLE ? "Article" : g->kind == GUIDE_SECTION ? "Section" : "Category");
	jw_kz(j, "locale", guide_locale[locale]);
	jw_kstr(j, "title", t->title);
	jw_kstr(j, "body", t->body);
	jw_kbool(j, "outdated", false);
	jw_kbool(j, "draft", t->draft);
	jw_kbool(j, "hidden", false);
	jw_ktime(j, "created_at", g->created_at);
	jw_ktime(j, "updated_at", t->updated_at);
	jw_kint(j, "created_by_id", g->author_id);
	jw_kint(j, "updated_by_id", g->author_id);
	jw_end_obj(j);
}

static enum err
translation_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct guide *g, int locale)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "translation");
	json_translation(&j, cx, z_of(cx, api_base(cx, rq)), g, locale);
	jw_end_obj(&j);
	return OK;
}

static enum err
translations(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct guide g;
	struct json j;
	int n = 0;

	TRY(guide_get(cx, kind_of(rq), rq->param[0], &g));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "translations");
	jw_arr(&j);
	for (int i = 0; i < GUIDE_LOCALES; i++)
		if (g.text[i].there && has_text(cx, &g, i)) {
			json_translation(&j, cx, base, &g, i);
			n++;
		}
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_end_obj(&j);
	return OK;
}

static enum err
translation_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int locale = guide_locale_of(rq->word[0]);
	struct guide g;

	TRY(guide_get(cx, kind_of(rq), rq->param[0], &g));
	if (locale < 0 || !g.text[locale].there || !has_text(cx, &g, locale))
		return fail(cx, E_ABSENT, NULL, "no such translation");
	return translation_reply(cx, rq, rp, 200, &g, locale);
}

static enum err
translation_write(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	enum guide_kind k = kind_of(rq);
	struct guide_change in = { 0 };
	bool fresh = rq->method == POST;
	const json_t *obj;
	struct guide g;

	TRY(guide_get(cx, k, rq->param[0], &g));
	TRY(api_body(cx, rq, rp, "translation", &obj));
	if (obj == NULL)
		return OK;
	if (fresh && json_object_get(obj, "locale") == NULL)
		bad(cx, "locale", "BlankValue", "Locale: cannot be blank");
	take_locale(cx, obj, fresh ? -1 : guide_locale_of(rq->word[0]), &in);
	if (!fresh) {
		in.locale = guide_locale_of(rq->word[0]);
		if (in.locale < 0 || !g.text[in.locale].there)
			return fail(cx, E_ABSENT, NULL, "no such translation");
	} else if (g.text[in.locale].there)
		bad(cx, "locale", "DuplicateValue", "Locale: is translated already");
	/* A translation has a title and a body, of whatever it is. */
	take_words(cx, obj, true, &in);
	in.has |= GUIDE_DRAFT * (fresh ? 1u : 0u);
	TRY(guide_update(cx, k, g.id, &in, &g));
	return translation_reply(cx, rq, rp, fresh ? 201 : 200, &g, in.locale);
}

static enum err
translation_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(guide_translation_delete(cx, kind_of(rq), rq->param[0], guide_locale_of(rq->word[0])));
	api_empty(rp, 204);
	return OK;
}

static enum err
locales(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)cx;
	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kraw(&j, "locales", S("[\"en-us\",\"es\"]"));
	jw_kz(&j, "default_locale", guide_locale[0]);
	jw_end_obj(&j);
	return OK;
}

#define HC "/api/v2/help_center"
#define BODY_MAX (1 * MiB)
#define ANYONE MAY_ANYONE, 0
#define OPEN ROUTE_ANONYMOUS_OK
#define ONES(at) \
	{ GET,    at,         ANYONE,                       show,    OPEN }, \
	{ PUT,    at,         MAY_WRITE_ARTICLES, BODY_MAX, update,  0 }, \
	{ DELETE, at,         MAY_WRITE_ARTICLES, 0,        destroy, 0 }
#define ALL_OF(at) \
	{ GET,    at "/categories",               ANYONE,                       list,   OPEN }, \
	{ POST,   at "/categories",               MAY_WRITE_ARTICLES, BODY_MAX, create, 0 }, \
	ONES(at "/categories/{id}"), \
	{ GET,    at "/categories/{id}/sections", ANYONE,                       list,   OPEN }, \
	{ GET,    at "/categories/{id}/articles", ANYONE,                       list,   OPEN }, \
	{ POST,   at "/categories/{id}/sections", MAY_WRITE_ARTICLES, BODY_MAX, create, 0 }, \
	{ GET,    at "/sections",                 ANYONE,                       list,   OPEN }, \
	ONES(at "/sections/{id}"), \
	{ GET,    at "/sections/{id}/articles",   ANYONE,                       list,   OPEN }, \
	{ POST,   at "/sections/{id}/articles",   MAY_WRITE_ARTICLES, BODY_MAX, create, 0 }, \
	{ GET,    at "/articles",                 ANYONE,                       list,   OPEN }, \
	ONES(at "/articles/{id}")
#define TRANSLATIONS(at) \
	{ GET,    at "/translations",             ANYONE,                       translations,       OPEN }, \
	{ POST,   at "/translations",             MAY_WRITE_ARTICLES, BODY_MAX, translation_write,  0 }, \
	{ GET,    at "/translations/{word}",      ANYONE,                       translation_show,   OPEN }, \
	{ PUT,    at "/translations/{word}",      MAY_WRITE_ARTICLES, BODY_MAX, translation_write,  0 }, \
	{ DELETE, at "/translations/{word}",      MAY_WRITE_ARTICLES, 0,        translation_delete, 0 }
const struct route article_routes[] = {
	{ GET,    HC "/locales",                  ANYONE,                       locales, OPEN },
	{ GET,    HC "/articles/search",          ANYONE,                       search,  OPEN },
	ALL_OF(HC),
	ALL_OF(HC "/{word}"),
	TRANSLATIONS(HC "/categories/{id}"),
	TRANSLATIONS(HC "/sections/{id}"),
	TRANSLATIONS(HC "/articles/{id}"),
	{ 0 }
};
