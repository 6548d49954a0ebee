/* guide.c - articles and what they stand in. */
#include <jansson.h>

#include "desk/guide.h"
#include "desk/in.h"
#include "desk/index.h"

#define GUIDES_MAX 3000
#define TITLE_MAX  255
#define HTML_MAX   (256 * KiB)

const char *const guide_locale[GUIDE_LOCALES] = { "en-us", "es" };
static const char *const objects[] = { NULL, "category", "section", "article" };

#define COLS "id, kind, data_key, parent_id, position, brand_id, signed_in, promoted, author_id, created_at, updated_at, edited_at, archived_at, head"
#define OUT  "iiii?ii?iiiiiii?S"
static const struct stmt guide_insert = {
	.name = "guide.insert",
	.sql  = "INSERT INTO guide (account_id, id, kind, parent_id, position, brand_id, signed_in, promoted, author_id, data_key, created_at,"
	        " updated_at, edited_at, head, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11, $12, $13)",
	.in   = "iiii?ii?iiiiiSS", .seal_in = { { "guide", "head", 1 }, { "guide", "body", 1 } },
};
static const struct stmt guide_write = {
	.name = "guide.update",
	.sql  = "UPDATE guide SET parent_id = $3, position = $4, brand_id = $5, signed_in = $6, promoted = $7, updated_at = $8, edited_at = $9,"
	        " head = $10, body = $11 WHERE account_id = $1 AND id = $2",
	.in   = "iii?ii?iiiiSS", .seal_in = { { "guide", "head", 1 }, { "guide", "body", 1 } },
};
static const struct stmt guide_archive = {
	.name = "guide.archive",
	.sql  = "UPDATE guide SET archived_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};
static const struct stmt guide_remove = {
	.name = "guide.delete",
	.sql  = "DELETE FROM guide WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};
static const struct stmt guide_one = {
	.name = "guide.get",
	.sql  = "SELECT " COLS ", body FROM guide WHERE account_id = $1 AND id = $2 AND kind = $3",
	.in   = "iii", .out = OUT "S", .seal_out = { { "guide", "head", 0 }, { "guide", "body", 0 } },
};
static const struct stmt guide_heads = {
	.name = "guide.heads",
	.sql  = "SELECT " COLS " FROM guide WHERE account_id = $1 AND kind = $2 AND archived_at IS NULL ORDER BY position, id",
	.in   = "ii", .out = OUT, .seal_out = { { "guide", "head", 0 } },
};
static const struct stmt guide_whole = {
	.name = "guide.whole",
	.sql  = "SELECT " COLS ", body FROM guide WHERE account_id = $1 AND kind = $2 AND archived_at IS NULL ORDER BY position, id",
	.in   = "ii", .out = OUT "S", .seal_out = { { "guide", "head", 0 }, { "guide", "body", 0 } },
};
static const struct stmt guide_count = {
	.name = "guide.count",
	.sql  = "SELECT count(*) FROM guide WHERE account_id = $1",
	.in   = "i", .out = "i",
};
static const struct stmt guide_children = {
	.name = "guide.children",
	.sql  = "SELECT count(*) FROM guide WHERE account_id = $1 AND parent_id = $2 AND archived_at IS NULL",
	.in   = "ii", .out = "i",
};
static const struct stmt guide_orphans = {
	.name = "guide.orphans",
	.sql  = "SELECT id, data_key FROM guide WHERE account_id = $1 AND parent_id = $2",
	.in   = "ii", .out = "ii",
};
const struct stmt *const guide_stmts[] = { &guide_insert, &guide_write, &guide_archive, &guide_remove, &guide_one, &guide_heads,
	&guide_whole, &guide_count, &guide_children, &guide_orphans, NULL };

const char *
guide_object(enum guide_kind k)
{
	return objects[k];
}

int
guide_locale_of(str s)
{
	str head = str_cut(&s, '-');

	return str_eqi(head, S("en")) ? 0 : str_eqi(head, S("es")) ? 1 : -1;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static str
text_in(struct ctx *cx, const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return json_is_string(v) ? str_dup(cx->arena, (str){ json_string_value(v), json_string_length(v) }) : S("");
}

static void
from_row(struct ctx *cx, const struct row *r, bool bodies, struct guide *g)
{
	str head = row_sensitive(r, 13).hidden, body = bodies ? row_sensitive(r, 14).hidden : S("{}");
	json_t *h = json_loadb(head.n ? head.p : "{}", head.n ? head.n : 2, JSON_ALLOW_NUL, NULL);
	json_t *b = json_loadb(body.n ? body.p : "{}", body.n ? body.n : 2, JSON_ALLOW_NUL, NULL);
	char *labels;

	*g = (struct guide){ .id = row_int(r, 0), .kind = (enum guide_kind)row_int(r, 1), .key = row_int(r, 2), .parent_id = row_int(r, 3),
	    .position = row_int(r, 4), .brand_id = row_int(r, 5), .signed_in = row_int(r, 6) != 0, .promoted = row_int(r, 7) != 0,
	    .author_id = row_int(r, 8), .created_at = row_int(r, 9), .updated_at = row_int(r, 10), .edited_at = row_int(r, 11), .archived_at = row_int(r, 12) };
	g->source = guide_locale_of(text_in(cx, h, "source"));
	if (g->source < 0)
		g->source = 0;
	for (int i = 0; i < GUIDE_LOCALES; i++) {
		const json_t *t = json_object_get(json_object_get(h, "texts"), guide_locale[i]);
		if (!json_is_object(t))
			continue;
		g->text[i] = (struct guide_text){ .there = true, .draft = json_is_true(json_object_get(t, "draft")), .title = text_in(cx, t, "title"),
		    .updated_at = json_integer_value(json_object_get(t, "updated_at")), .body = text_in(cx, b, guide_locale[i]) };
	}
	labels = json_dumps(json_object_get(h, "labels"), JSON_COMPACT | JSON_ENCODE_ANY);
	g->labels = labels != NULL && *labels == '[' ? str_dup(cx->arena, str_of(labels)) : S("[]");
	free(labels);
	json_decref(h);
	json_decref(b);
}

static void
docs_of(struct ctx *cx, const struct guide *g, sensitive *head, sensitive *body)
{
	struct buf h, b;
	struct json jh, jb;

	buf_init(&h, cx->arena, 1 * MiB);
	buf_init(&b, cx->arena, 4 * MiB);
	jw_init(&jh, &h);
	jw_init(&jb, &b);
	jw_obj(&jh);
	jw_obj(&jb);
	jw_kz(&jh, "source", guide_locale[g->source]);
	jw_kraw(&jh, "labels", g->labels.n ? g->labels : S("[]"));
	jw_key(&jh, "texts");
	jw_obj(&jh);
	for (int i = 0; i < GUIDE_LOCALES; i++) {
		if (!g->text[i].there)
			continue;
		jw_key(&jh, guide_locale[i]);
		jw_obj(&jh);
		jw_kstr(&jh, "title", g->text[i].title);
		jw_kbool(&jh, "draft", g->text[i].draft);
		jw_kint(&jh, "updated_at", g->text[i].updated_at);
		jw_end_obj(&jh);
		jw_kstr(&jb, guide_locale[i], g->text[i].body);
	}
	jw_end_obj(&jh);
	jw_end_obj(&jh);
	jw_end_obj(&jb);
	*head = HIDE(buf_str(&h));
	*body = HIDE(buf_str(&b));
}

/* ---- who sees what ----------------------------------------------------------------------------------------------------- */

static bool
writes(struct ctx *cx)
{
	bool yes = gate_may(cx, MAY_WRITE_ARTICLES, NULL) == OK;

	if (!yes)
		fail_forget(cx);
	return yes;
}

static bool
is_known(const struct ctx *cx)
{
	return cx->actor != NULL && cx->actor->user_id != 0;
}

const struct guide_text *
guide_text_for(const struct guide *g, int locale, bool drafts, int *which)
{
	for (int k = 0; k < 2; k++) {
		int i = k == 0 && locale >= 0 ? locale : g->source;
		if (g->text[i].there && (drafts || !g->text[i].draft)) {
			if (which != NULL)
				*which = i;
			return &g->text[i];
		}
	}
	return NULL;
}

static bool
may_see(struct ctx *cx, const struct guide *g, bool writer)
{
	return writer || (g->archived_at == 0 && (!g->signed_in || is_known(cx)) && guide_text_for(g, -1, false, NULL) != NULL);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

enum err
guide_get(struct ctx *cx, enum guide_kind kind, int64_t id, struct guide *out)
{
	struct guide g;
	struct row r;

	TRY(store_one(cx, &guide_one, ARGS(INT(cx->account), INT(id), INT(kind)), &r));
	from_row(cx, &r, true, &g);
	if (!may_see(cx, &g, writes(cx)))
		return fail(cx, E_ABSENT, NULL, "no such text");
	*out = g;
	return OK;
}

enum err
guide_list(struct ctx *cx, enum guide_kind kind, const struct guide_filter *f, struct guide **out, int *count)
{
	bool writer = writes(cx);
	struct guide *section = NULL;
	struct rows rs;
	int n = 0, sections = 0;

	if (kind == GUIDE_ARTICLE && f->category_id)
		TRY(guide_list(cx, GUIDE_SECTION, &(struct guide_filter){ .parent_id = f->category_id, .locale = -1 }, &section, &sections));
	TRY(store_all(cx, f->bodies ? &guide_whole : &guide_heads, ARGS(INT(cx->account), INT(kind)), &rs));
	*out = NEW(cx->arena, struct guide, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		struct guide g;
		bool in = f->category_id == 0 || kind != GUIDE_ARTICLE;
		from_row(cx, &rs.row[i], f->bodies, &g);
		for (int k = 0; k < sections && !in; k++)
			in = section[k].id == g.parent_id;
		if (in && may_see(cx, &g, writer) && (f->parent_id == 0 || g.parent_id == f->parent_id)
		    && (f->brand_id == 0 || g.brand_id == 0 || g.brand_id == f->brand_id)
		    && (f->locale < 0 || (g.text[f->locale].there && (writer || !g.text[f->locale].draft))))
			(*out)[n++] = g;
	}
	*count = n;
	return OK;
}

struct asked { struct ctx *cx; str word[16]; int n; size_t least; };

static void
ask_word(void *arg, str word, bool whole)
{
	struct asked *q = arg;
	char room[WORD_MAX];

	if (whole || q->n == (int)COUNT(q->word) || word.n < q->least)
		return;
	q->word[q->n++] = str_dup(q->cx->arena, word_stem(word, room));
}

/* Does a word of `folded` begin with `w`; how often, up to three. */
static int
times(str folded, str w)
{
	int n = 0;

	for (size_t at = 0, to; n < 3 && at + w.n <= folded.n && (to = str_find(str_sub(folded, at, folded.n), w)) != SIZE_MAX; at += to + w.n)
		if (at + to == 0 || folded.p[at + to - 1] == ' ')
			n++;
	return n;
}

enum err
guide_search(struct ctx *cx, str words, int locale, bool any, int limit, struct guide **out, int *count)
{
	struct guide_filter f = { .locale = -1, .bodies = true };
	struct asked q = { .cx = cx, .least = any ? 4 : 2 };   /* of a sentence the longer words */
	struct guide *all;
	bool writer = writes(cx);
	int n, *score;

	*count = 0;
	*out = NEW(cx->arena, struct guide, limit + 1);
	words_split(words_fold(cx->arena, str_sub(words, 0, 1000)), ask_word, &q);
	if (q.n == 0)
		return OK;
	TRY(guide_list(cx, GUIDE_ARTICLE, &f, &all, &n));
	score = NEW(cx->arena, int, n + 1);
	for (int i = 0; i < n; i++) {
		const struct guide_text *t = guide_text_for(&all[i], locale, writer, NULL);
		str title, body, labels;
		int hits = 0;
		if (t == NULL)
			continue;
		title = words_fold(cx->arena, t->title);
		body = words_fold(cx->arena, html_to_text(cx->arena, t->body, HTML_MAX));
		labels = words_fold(cx->arena, all[i].labels);
		for (int k = 0; k < q.n; k++) {
			int here = 8 * times(title, q.word[k]) + 4 * times(labels, q.word[k]) + times(body, q.word[k]);
			hits += here > 0;
			score[i] += here;
		}
		if (any ? hits * 3 < q.n : hits < q.n)
			score[i] = 0;
		else
			score[i] += 100 * hits;
	}
	for (int best; *count < limit; ) {
		best = -1;
		for (int i = 0; i < n; i++)
			if (score[i] > 0 && (best < 0 || score[i] > score[best]))
				best = i;
		if (best < 0)
			break;
		score[best] = 0;
		(*out)[(*count)++] = all[best];
	}
	return OK;
}

/* ---- writing --------------------------------------------------------------------------------------------------------------- */

struct writing { enum guide_kind kind; int64_t id; const struct guide_change *in; struct guide g; int drop; };

/* HTML of others is HTML of ours from here on; what says nothing beyond paragraphs becomes paragraphs. */
static str
washed(struct ctx *cx, str html)
{
	str w = html_wash(cx->arena, html, HTML_MAX), rest;
	struct buf b;

	if (w.n)
		return w;
	buf_init(&b, cx->arena, HTML_MAX * 6);
	for (rest = html_to_text(cx->arena, html, HTML_MAX); rest.n;) {
		str line = str_trim(str_cut(&rest, '\n'));
		if (line.n == 0)
			continue;
		buf_add(&b, S("<p>"));
		for (size_t i = 0; i < line.n; i++)
			buf_add(&b, line.p[i] == '&' ? S("&amp;") : line.p[i] == '<' ? S("&lt;") : line.p[i] == '>' ? S("&gt;") : str_sub(line, i, 1));
		buf_add(&b, S("</p>"));
	}
	return buf_str(&b);
}

static enum err
apply(struct ctx *cx, struct writing *w)
{
	const struct guide_change *in = w->in;
	struct guide *g = &w->g;
	struct guide_text *t = &g->text[in->locale];
	const struct def *brand;
	const struct defs *d;
	struct row r;

	if (in->has & GUIDE_PARENT)
		g->parent_id = in->parent_id;
	if (in->has & GUIDE_POSITION)
		g->position = in->position;
	if (in->has & GUIDE_BRAND)
		g->brand_id = in->brand_id;
	if (in->has & GUIDE_SIGNED_IN)
		g->signed_in = in->signed_in;
	if (in->has & GUIDE_PROMOTED)
		g->promoted = in->promoted;
	if (in->has & GUIDE_LABELS)
		g->labels = in->labels;
	if (in->has & GUIDE_SOURCE) {
		if (!g->text[in->locale].there)
			bad(cx, "source_locale", "InvalidValue", "Source locale: there is no text in that language");
		else
			g->source = in->locale;
	}
	if (in->has & (GUIDE_TITLE | GUIDE_BODY | GUIDE_DRAFT)) {
		t->there = true;
		t->updated_at = g->edited_at = cx->now;
		if (in->has & GUIDE_TITLE)
			t->title = str_trim(in->title);
		if (in->has & GUIDE_BODY)
			t->body = w->kind == GUIDE_ARTICLE ? washed(cx, in->body) : in->body;
		if (in->has & GUIDE_DRAFT)
			t->draft = in->draft;
		if (t->title.n == 0)
			bad(cx, w->kind == GUIDE_ARTICLE ? "title" : "name", "BlankValue", "Title: cannot be blank");
		if (utf8_count(t->title) > TITLE_MAX)
			bad(cx, w->kind == GUIDE_ARTICLE ? "title" : "name", "TooLong", "Title: is too long (maximum is 255 characters)");
		if (in->body.n > HTML_MAX)
			bad(cx, "body", "TooLong", "Body: is too long (maximum is 262144 bytes)");
	}
	if (w->kind != GUIDE_CATEGORY && (w->id == 0 || (in->has & GUIDE_PARENT))) {
		enum err e = store_one(cx, &guide_one, ARGS(INT(cx->account), INT(g->parent_id), INT(w->kind - 1)), &r);
		if (e == E_ABSENT) {
			fail_forget(cx);
			bad(cx, w->kind == GUIDE_ARTICLE ? "section_id" : "category_id", "RecordNotFound",
			    w->kind == GUIDE_ARTICLE ? "Section: is not known" : "Category: is not known");
		} else
			TRY(e);
	}
	if (g->brand_id != 0 && (in->has & GUIDE_BRAND)) {
		TRY(defs_get(cx, &d));
		if ((brand = def_find(d, DEF_BRAND, g->brand_id)) == NULL || !brand->active)
			bad(cx, "brand_id", "RecordNotFound", "Brand: is not known");
	}
	return bad_check(cx);
}

/* What changed, by name; titles and texts are committed to, not kept: they stand in the row. */
static enum err
note(struct ctx *cx, const char *verb, const struct guide *g, const struct guide *old)
{
	struct trail_field f[2 * GUIDE_LOCALES];
	char action[32];
	int n = 0;

	snprintf(action, sizeof action, "%s.%s", objects[g->kind], verb);
	for (int i = 0; i < GUIDE_LOCALES; i++) {
		const struct guide_text *a = &old->text[i], *b = &g->text[i];
		if (!str_eq(a->title, b->title))
			f[n++] = (struct trail_field){ .name = i ? "title.es" : "title.en-us", .before = HIDE(a->title), .after = HIDE(b->title), .has_before = a->there,
			    .has_after = b->there };
		if (!str_eq(a->body, b->body) || a->draft != b->draft)
			f[n++] = (struct trail_field){ .name = i ? "body.es" : "body.en-us", .before = HIDE(a->body), .after = HIDE(b->body), .has_before = a->there,
			    .has_after = b->there, .commit_only = true };
	}
	return trail_append(cx, &(struct event){ .action = action, .object = objects[g->kind], .id = g->id, .parent = g->parent_id, .key = g->key, .field = f, .count = n });
}

static enum err
create_tx(struct ctx *cx, void *arg)
{
	static const struct guide none = { 0 };
	struct writing *w = arg;
	struct guide *g = &w->g;
	sensitive head, body;
	struct row r;

	*g = (struct guide){ .kind = w->kind, .author_id = cx->actor ? cx->actor->user_id : 0, .created_at = cx->now, .updated_at = cx->now,
	    .edited_at = cx->now, .source = w->in->locale, .labels = S("[]") };
	TRY(apply(cx, w));
	TRY(store_one(cx, &guide_count, ARGS(INT(cx->account)), &r));
	if (row_int(&r, 0) >= GUIDES_MAX)
		return fail(cx, E_LIMIT, NULL, "there are 3,000 articles, sections and categories already");
	TRY(store_next_id(cx, "guide", &g->id));
	TRY(store_key_new(cx, &g->key));
	docs_of(cx, g, &head, &body);
	TRY(store_exec(cx, &guide_insert, ARGS(INT(cx->account), INT(g->id), INT(g->kind), ID(g->parent_id), INT(g->position), ID(g->brand_id),
	    INT(g->signed_in), INT(g->promoted), INT(g->author_id), INT(g->key), INT(cx->now), SEALED(g->key, head), SEALED(g->key, body)), NULL));
	return note(cx, "create", g, &none);
}

enum err
guide_create(struct ctx *cx, enum guide_kind kind, const struct guide_change *in, struct guide *out)
{
	struct writing w = { .kind = kind, .in = in };

	TRY(gate_may(cx, MAY_WRITE_ARTICLES, NULL));
	if (!(in->has & GUIDE_TITLE))
		bad(cx, kind == GUIDE_ARTICLE ? "title" : "name", "BlankValue", "Title: cannot be blank");
	TRY(bad_check(cx));
	TRY(store_write(cx, create_tx, &w));
	*out = w.g;
	return OK;
}

static enum err
update_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct guide old, *g = &w->g;
	sensitive head, body;
	struct row r;

	TRY(store_one(cx, &guide_one, ARGS(INT(cx->account), INT(w->id), INT(w->kind)), &r));
	from_row(cx, &r, true, g);
	old = *g;
	if (w->in != NULL)
		TRY(apply(cx, w));
	else if (w->drop == g->source || !g->text[w->drop].there)
		return fail(cx, w->drop == g->source ? E_INVALID : E_ABSENT, NULL, "the language that it was written in stays");
	else
		g->text[w->drop] = (struct guide_text){ 0 };
	g->updated_at = cx->now;
	docs_of(cx, g, &head, &body);
	TRY(store_exec(cx, &guide_write, ARGS(INT(cx->account), INT(g->id), ID(g->parent_id), INT(g->position), ID(g->brand_id), INT(g->signed_in),
	    INT(g->promoted), INT(g->updated_at), INT(g->edited_at), SEALED(g->key, head), SEALED(g->key, body)), NULL));
	return note(cx, "update", g, &old);
}

enum err
guide_update(struct ctx *cx, enum guide_kind kind, int64_t id, const struct guide_change *in, struct guide *out)
{
	struct writing w = { .kind = kind, .id = id, .in = in };

	TRY(gate_may(cx, MAY_WRITE_ARTICLES, NULL));
	TRY(bad_check(cx));
	TRY(store_write(cx, update_tx, &w));
	*out = w.g;
	return OK;
}

enum err
guide_translation_delete(struct ctx *cx, enum guide_kind kind, int64_t id, int locale)
{
	struct writing w = { .kind = kind, .id = id, .drop = locale };

	TRY(gate_may(cx, MAY_WRITE_ARTICLES, NULL));
	if (locale < 0)
		return fail(cx, E_ABSENT, NULL, "no such translation");
	return store_write(cx, update_tx, &w);
}

static enum err
delete_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct rows rs;
	struct row r;

	TRY(store_one(cx, &guide_one, ARGS(INT(cx->account), INT(w->id), INT(w->kind)), &r));
	from_row(cx, &r, true, &w->g);
	if (w->kind == GUIDE_ARTICLE) {
		TRY(store_exec(cx, &guide_archive, ARGS(INT(cx->account), INT(w->id), INT(cx->now)), NULL));
		return note(cx, "archive", &w->g, &w->g);
	}
	TRY(store_one(cx, &guide_children, ARGS(INT(cx->account), INT(w->id)), &r));
	if (row_int(&r, 0) > 0) {
		bad(cx, "base", "InvalidValue", w->kind == GUIDE_SECTION ? "Section: articles are in it; move or archive them first" : "Category: sections are in it; move or delete them first");
		return bad_check(cx);
	}
	/* Archived articles go with their section. */
	TRY(store_all(cx, &guide_orphans, ARGS(INT(cx->account), INT(w->id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		TRY(store_key_destroy(cx, row_int(&rs.row[i], 1)));
		TRY(store_exec(cx, &guide_remove, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0))), NULL));
	}
	TRY(store_exec(cx, &guide_remove, ARGS(INT(cx->account), INT(w->id)), NULL));
	return trail_append(cx, &(struct event){ .action = w->kind == GUIDE_SECTION ? "section.delete" : "category.delete", .object = objects[w->kind], .id = w->id });
}

enum err
guide_delete(struct ctx *cx, enum guide_kind kind, int64_t id)
{
	TRY(gate_may(cx, MAY_WRITE_ARTICLES, NULL));
	return store_write(cx, delete_tx, &(struct writing){ .kind = kind, .id = id });
}
