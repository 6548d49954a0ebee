/* asides.c - saved searches, content pinned to a ticket, task lists and their templates, the stream of activities. */
#include "api/in.h"

/* ---- saved searches ---------------------------------------------------------------------------------------- */

/* Zendesk's ids are UUIDs: ours is the number in the last group of one. */
static str
uuid_of(struct ctx *cx, int64_t id)
{
	return str_printf(cx->arena, "00000000-0000-4000-8000-%012llx", (unsigned long long)id);
}

static bool
uuid_read(str s, int64_t *id)
{
	static const str head = { "00000000-0000-4000-8000-", 24 };

	if (s.n != 36 || !str_eq(str_sub(s, 0, 24), head))
		return false;
	*id = 0;
	for (size_t i = 24; i < 36; i++) {
		char c = s.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		*id = *id << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return *id > 0;
}

static void
json_search(struct json *j, struct ctx *cx, const struct aside *a)
{
	static const char *const names[] = { "name", "type", "query", "filters" };

	jw_obj(j);
	jw_kstr(j, "id", uuid_of(cx, a->id));
	for (size_t i = 0; i < COUNT(names); i++)
		if (json_is_string(json_object_get(a->doc, names[i])))
			jw_kstr(j, names[i], json_text(cx, json_object_get(a->doc, names[i])));
	jw_ktime(j, "created_at", a->created_at);
	if (a->updated_at != a->created_at)
		jw_ktime(j, "updated_at", a->updated_at);
	jw_end_obj(j);
}

static enum err
search_reply(struct ctx *cx, struct http_reply *rp, int status, const struct aside *a)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "saved_search");
	json_search(&j, cx, a);
	jw_end_obj(&j);
	return OK;
}

static enum err
searches(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct aside *a;
	struct json j;
	int n;

	(void)rq;
	TRY(aside_list(cx, ASIDE_SEARCH, 0, &a, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "saved_searches");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_search(&j, cx, &a[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

/* The members that came over those that were; what is wrong is noted as Zendesk names it. */
static json_t *
search_doc(struct ctx *cx, const json_t *obj, const json_t *was)
{
	static const struct { const char *name, *blank, *wrong, *why; size_t most; bool must; } row[] = {
		{ "name",    "NameRequired",  "NameInvalid",    "Name must be a string of 1 to 255 characters", 255, true },
		{ "type",    "TypeRequired",  "TypeInvalid",    "Type must be ticket, user, organization, side_conversation or article", 20, true },
		{ "query",   "QueryRequired", "QueryInvalid",   "Query must be a string of at most 4,096 characters", 4096, true },
		{ "filters", NULL,            "FiltersInvalid", "Filters must be a JSON array in a string", 4096, false },
	};
	static const char *const types[] = { "ticket", "user", "organization", "side_conversation", "article" };
	json_t *doc = was ? json_deep_copy(was) : json_object();

	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	for (size_t i = 0; i < COUNT(row); i++) {
		const json_t *v = json_object_get(obj, row[i].name);
		str s = json_text(cx, v);
		bool ok = json_is_string(v) && utf8_count(s) <= row[i].most && memchr(s.p, 0, s.n) == NULL;
		if (v == NULL || (json_is_null(v) && !row[i].must)) {
			if (row[i].must && was == NULL)
				bad(cx, row[i].name, row[i].blank, str_z(cx->arena, str_printf(cx->arena, "%c%s is required", row[i].name[0] - 32,
				    row[i].name + 1)));
			if (json_is_null(v))
				json_object_del(doc, row[i].name);
			continue;
		}
		if (ok && i == 0 && str_trim(s).n == 0)
			ok = false;
		if (ok && i == 1) {
			ok = false;
			for (size_t k = 0; k < COUNT(types); k++)
				ok = ok || str_eq(s, str_of(types[k]));
		}
		if (ok && i == 3) {
			json_t *list = NULL;
			ok = json_parse(cx, s, &list) == OK && json_is_array(list);
			fail_forget(cx);
		}
		if (!ok)
			bad(cx, row[i].name, row[i].wrong, row[i].why);
		else
			json_object_set_new(doc, row[i].name, json_stringn(s.p, s.n));
	}
	return doc;
}

/* Zendesk's own words for what goes wrong here. */
static enum err
search_failed(struct ctx *cx, struct http_reply *rp, enum err e, const char *error)
{
	if (e == E_CONFLICT) {
		error = "Create Failed";
		bad(cx, "name", "NameTaken", "Name is already being used by another saved search");
	} else if (e == E_LIMIT) {
		bad(cx, "base", "TooMany", "There are 20 saved searches already");
	} else if (cx->bad == NULL)
		return e;
	fail_forget(cx);
	return api_invalid(cx, rp, error, "Validation failed");
}

static enum err
search_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct aside a;
	json_t *doc;
	enum err e;

	TRY(api_body(cx, rq, rp, "saved_search", &obj));
	if (obj == NULL)
		return OK;
	doc = search_doc(cx, obj, NULL);
	e = cx->bad ? E_INVALID : aside_create(cx, ASIDE_SEARCH, 0, doc, &a);
	return e != OK ? search_failed(cx, rp, e, "Create Failed") : search_reply(cx, rp, 201, &a);
}

static enum err
search_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct aside a;
	json_t *doc;
	int64_t id;
	enum err e;

	TRY(api_body(cx, rq, rp, "saved_search", &obj));
	if (obj == NULL)
		return OK;
	if (!uuid_read(rq->word[0], &id))
		return fail(cx, E_ABSENT, NULL, "no such search");
	TRY(aside_get(cx, ASIDE_SEARCH, id, &a));
	doc = search_doc(cx, obj, a.doc);
	e = cx->bad ? E_INVALID : aside_update(cx, ASIDE_SEARCH, id, doc, &a);
	return e != OK ? search_failed(cx, rp, e, "Update Failed") : search_reply(cx, rp, 200, &a);
}

static enum err
search_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct aside a;
	int64_t id;

	if (!uuid_read(rq->word[0], &id))
		return fail(cx, E_ABSENT, NULL, "no such search");
	TRY(aside_delete(cx, ASIDE_SEARCH, id, &a));
	api_empty(rp, 204);
	return OK;
}

/* ---- pins ---------------------------------------------------------------------------------------------------- */

static void
json_pin(struct json *j, struct ctx *cx, const char *base, const struct aside *a)
{
	str type = json_text(cx, json_object_get(a->doc, "content_type")), id = json_text(cx, json_object_get(a->doc, "content_id")),
	    locale = json_text(cx, json_object_get(a->doc, "locale"));

	jw_obj(j);
	jw_kstr(j, "id", str_printf(cx->arena, "%lld", (long long)a->id));
	jw_kstr(j, "account_id", str_printf(cx->arena, "%lld", (long long)cx->account));
	jw_kstr(j, "ticket_id", str_printf(cx->arena, "%lld", (long long)a->ticket_id));
	jw_kstr(j, "content_id", id);
	jw_kstr(j, "content_type", type);
	if (locale.n)
		jw_kstr(j, "locale", locale);
	else
		jw_knull(j, "locale");
	if (str_eq(type, S("article")))
		jw_kstr(j, "url", str_printf(cx->arena, "%s/hc/" STR_F "/articles/" STR_F, base, STR_A(locale), STR_A(id)));
	else if (str_starts(id, S("https://")))
		jw_kstr(j, "url", id);
	else
		jw_knull(j, "url");
	jw_ktime(j, "created_at", a->created_at);
	jw_end_obj(j);
}

static bool
query_id(const struct http_req *rq, const char *name, int64_t *id)
{
	const str *q = http_query(rq, name);

	return q != NULL && q->n <= 18 && str_int(*q, id) && *id > 0;
}

static enum err
pins(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct aside *a;
	struct json j;
	int64_t id;
	int n;

	if (!query_id(rq, "ticket_id", &id))
		return api_error_object(rp, 400, "Invalid attribute", "ticket_id must be the id of a ticket");
	TRY(aside_list(cx, ASIDE_PIN, id, &a, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket_content_pins");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_pin(&j, cx, base, &a[i]);
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return OK;
}

/* A short word without control characters or blanks. */
static bool
token_ok(str s, size_t most)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= most;
}

static enum err
pin_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const struct { const char *name, *wrong; size_t most; } row[] = {
		{ "content_id",   "content_id must be a string of at most 2,000 characters without blanks", 2000 },
		{ "content_type", "content_type must be a string such as article or external_content", 64 },
		{ "locale",       "locale must be a string; an article needs one", 35 },
	};
	const json_t *obj;
	struct aside a;
	int64_t ticket;
	struct json j;
	json_t *doc;
	enum err e;

	TRY(api_body(cx, rq, rp, "ticket_content_pin", &obj));
	if (obj == NULL)
		return OK;
	if (!json_id(json_object_get(obj, "ticket_id"), &ticket) || ticket == 0)
		return api_error_object(rp, 400, "Invalid attribute", "ticket_id must be a string");
	doc = json_object();
	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	for (size_t i = 0; i < COUNT(row); i++) {
		const json_t *v = json_object_get(obj, row[i].name);
		str s = json_text(cx, v);
		if (i == 2 && (v == NULL || json_is_null(v)) && !str_eq(json_text(cx, json_object_get(obj, "content_type")), S("article")))
			continue;
		if (!json_is_string(v) || !token_ok(s, row[i].most))
			return api_error_object(rp, 400, "Invalid attribute", row[i].wrong);
		json_object_set_new(doc, row[i].name, json_stringn(s.p, s.n));
	}
	e = aside_create(cx, ASIDE_PIN, ticket, doc, &a);
	if (e == E_CONFLICT) {
		fail_forget(cx);
		return api_error(rp, 422, "ContentAlreadyPinned", "This content is already pinned to this ticket.");
	}
	if (e == E_LIMIT) {
		fail_forget(cx);
		return api_error(rp, 422, "TooManyContentPins", "50 pieces of content are pinned to this ticket already.");
	}
	TRY(e);
	api_begin(rp, &j, 201);
	json_pin(&j, cx, z_of(cx, api_base(cx, rq)), &a);
	return OK;
}

static enum err
pin_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct aside a;
	struct json j;

	TRY(aside_delete(cx, ASIDE_PIN, rq->param[0], &a));
	api_begin(rp, &j, 200);
	json_pin(&j, cx, z_of(cx, api_base(cx, rq)), &a);
	return OK;
}

/* ---- task lists ---------------------------------------------------------------------------------------------- */

static void
json_kids(struct json *j, struct ctx *cx, const char *key, int64_t id)
{
	jw_kstr(j, key, str_printf(cx->arena, "%lld", (long long)id));
}

static void
json_tasks(struct json *j, struct ctx *cx, const json_t *doc)
{
	json_t *t;
	size_t i;

	jw_key(j, "tasks");
	jw_arr(j);
	json_array_foreach(json_object_get(doc, "tasks"), i, t) {
		const json_t *done = json_object_get(t, "completed");
		jw_obj(j);
		json_kids(j, cx, "id", json_integer_value(json_object_get(t, "id")));
		jw_kstr(j, "name", json_text(cx, json_object_get(t, "name")));
		jw_kstr(j, "description", json_text(cx, json_object_get(t, "description")));
		jw_kint(j, "position", json_integer_value(json_object_get(t, "position")));
		jw_kbool(j, "required", json_is_true(json_object_get(t, "required")));
		if (done != NULL)
			jw_kbool(j, "completed", json_is_true(done));
		jw_kstr(j, "created_at", json_text(cx, json_object_get(t, "created_at")));
		jw_kstr(j, "updated_at", json_text(cx, json_object_get(t, "updated_at")));
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static void
json_texts(struct json *j, struct ctx *cx, const json_t *doc)
{
	jw_kstr(j, "name", json_text(cx, json_object_get(doc, "name")));
	jw_kstr(j, "description", json_text(cx, json_object_get(doc, "description")));
	jw_kbool(j, "is_required", json_is_true(json_object_get(doc, "is_required")));
	jw_kint(j, "task_count", (int64_t)json_array_size(json_object_get(doc, "tasks")));
}

static void
json_template(struct json *j, struct ctx *cx, const char *base, const struct def *d, bool tasks)
{
	jw_obj(j);
	json_kids(j, cx, "id", d->id);
	url_of(j, cx, base, "task_list_templates", d->id);
	json_texts(j, cx, d->doc);
	jw_kbool(j, "is_active", def_bool(d, "is_active"));
	if (tasks)
		json_tasks(j, cx, d->doc);
	jw_ktime(j, "created_at", d->created_at);
	jw_ktime(j, "updated_at", d->updated_at);
	jw_end_obj(j);
}

static enum err
template_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct def *d, bool tasks)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "task_list_template");
	json_template(&j, cx, z_of(cx, api_base(cx, rq)), d, tasks);
	jw_end_obj(&j);
	return OK;
}

static enum err
templates(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	const struct def *const *all;
	struct place first, last;
	const struct defs *d;
	struct paging p;
	struct json j;
	int64_t *ids;
	int n, from, to;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_TASKS, &n);
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		ids[i] = all[i]->id;
	api_cut(&p, ids, sizeof *ids, n, &from, &to, &more, &first, &last);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "task_list_templates");
	jw_arr(&j);
	for (int i = from; i < to; i++)
		json_template(&j, cx, base, all[i], false);
	jw_end_arr(&j);
	p.cursor = true;                       /* this list has no other envelope */
	api_page_end(&j, cx, rq, &p, to - from, more, first, last, n);
	jw_end_obj(&j);
	return OK;
}

static enum err
template_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;

	TRY(def_get(cx, DEF_TASKS, rq->param[0], &d));
	return template_reply(cx, rq, rp, 200, &d, false);
}

static enum err
template_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, "task_list_template", &obj));
	if (obj == NULL)
		return OK;
	TRY(def_create(cx, DEF_TASKS, obj, &d));
	api_location(cx, rq, rp, "task_list_templates", d.id);
	return template_reply(cx, rq, rp, 201, &d, true);
}

static enum err
template_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct def d;

	TRY(api_body(cx, rq, rp, "task_list_template", &obj));
	if (obj == NULL)
		return OK;
	TRY(def_update(cx, DEF_TASKS, rq->param[0], obj, &d));
	return template_reply(cx, rq, rp, 200, &d, true);
}

static enum err
template_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(def_delete(cx, DEF_TASKS, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

static enum err
template_tasks(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct def d;
	struct json j;
	int64_t n;

	TRY(def_get(cx, DEF_TASKS, rq->param[0], &d));
	n = (int64_t)json_array_size(json_object_get(d.doc, "tasks"));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	json_tasks(&j, cx, d.doc);
	api_page_end(&j, cx, rq, &(struct paging){ .limit = 100, .page = 1 }, (int)n, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return OK;
}

/* Under ward/v1 a list has its tasks, and what is done of them. */
static enum err
lists_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, int64_t ticket_id)
{
	bool ours = str_starts(rq->path, S("/api/ward/"));
	struct aside *a;
	struct json j;
	int n;

	TRY(aside_list(cx, ASIDE_TASKS, ticket_id, &a, &n));
	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "task_lists");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		json_kids(&j, cx, "id", a[i].id);
		json_kids(&j, cx, "ticket_id", a[i].ticket_id);
		json_kids(&j, cx, "task_list_template_id", json_integer_value(json_object_get(a[i].doc, "task_list_template_id")));
		json_texts(&j, cx, a[i].doc);
		if (ours)
			json_tasks(&j, cx, a[i].doc);
		jw_ktime(&j, "created_at", a[i].created_at);
		jw_ktime(&j, "updated_at", a[i].updated_at);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &(struct paging){ .limit = 100, .page = 1 }, n, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return OK;
}

static enum err
lists(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return lists_reply(cx, rq, rp, 200, rq->param[0]);
}

static enum err
list_add(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct aside a;
	int64_t id;
	enum err e;

	TRY(api_body(cx, rq, rp, "task_list", &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	if (!json_id(json_object_get(obj, "task_list_template_id"), &id) || id == 0) {
		bad(cx, "task_list_template_id", "BlankValue", "Task list template id: is required and must be an id");
		return bad_check(cx);
	}
	e = tasks_add(cx, rq->param[0], id, &a);
	if (e == E_CONFLICT || e == E_LIMIT) {
		fail_forget(cx);
		bad(cx, "task_list_template_id", e == E_LIMIT ? "TooManyValues" : "DuplicateValue", e == E_LIMIT
		    ? "Task list template: a ticket has at most 20 task lists" : "Task list template: is on this ticket already");
		return bad_check(cx);
	}
	TRY(e);
	return lists_reply(cx, rq, rp, 201, rq->param[0]);
}

static enum err
task_tick(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const known[] = { "completed", NULL };
	const json_t *obj, *v;
	struct aside a;

	TRY(api_body(cx, rq, rp, "task", &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	api_known(cx, obj, known);
	v = json_object_get(obj, "completed");
	if (!json_is_boolean(v))
		bad(cx, "completed", "InvalidValue", "Completed: must be true or false");
	TRY(bad_check(cx));
	TRY(tasks_tick(cx, rq->param[0], rq->param[1], rq->param[2], json_is_true(v), &a));
	return lists_reply(cx, rq, rp, 200, rq->param[0]);
}

/* ---- activities ----------------------------------------------------------------------------------------------- */

struct people { int64_t *id; struct user *u; int n; };

static const struct user *
person(const struct people *all, int64_t id)
{
	for (int i = 0; i < all->n; i++)
		if (all->u[i].id == id)
			return &all->u[i];
	return NULL;
}

static enum err
json_activity(struct json *j, struct ctx *cx, const char *base, const struct activity *a, const struct people *all)
{
	static const char *const verbs[] = { NULL, "tickets.assignment", "tickets.comment", "tickets.priority_increase" };
	static const char *const says[] = { NULL, " assigned ticket #%lld to you.", " commented on ticket #%lld.", " increased the priority of ticket #%lld." };
	const struct user *actor = person(all, a->actor_id), *user = person(all, a->user_id);
	struct comment c;
	struct ticket t;
	struct buf title;
	str subject;

	TRY(ticket_get(cx, a->ticket_id, &t));
	subject = reveal(cx, t.subject, TO_SHOW_ACTOR);
	buf_init(&title, cx->arena, 4 * KiB);
	buf_add(&title, actor == NULL ? S("The system") : actor->role >= ROLE_AGENT ? reveal_clear(cx, actor->name) : reveal(cx, actor->name, TO_SHOW_ACTOR));
	buf_fmt(&title, says[a->verb], (long long)a->ticket_id);
	jw_obj(j);
	url_of(j, cx, base, "activities", a->id);
	jw_kint(j, "id", a->id);
	jw_kstr(j, "title", buf_str(&title));
	jw_kz(j, "verb", verbs[a->verb]);
	jw_kint(j, "user_id", a->user_id);
	jw_kint(j, "actor_id", a->actor_id);
	jw_ktime(j, "created_at", a->created_at);
	jw_ktime(j, "updated_at", a->created_at);
	jw_key(j, "object");
	jw_obj(j);
	if (a->verb == ACT_COMMENT && comment_get(cx, a->ticket_id, a->comment_id, &c) == OK) {
		jw_key(j, "comment");
		jw_obj(j);
		jw_kint(j, "id", c.id);
		jw_kstr(j, "value", reveal(cx, c.body, TO_SHOW_ACTOR));
		jw_kbool(j, "public", c.is_public);
		jw_end_obj(j);
	} else if (a->verb == ACT_PRIORITY) {
		jw_key(j, "change");
		jw_obj(j);
		jw_kz(j, "field_name", "priority");
		jw_kz(j, "previous_value", priority_name(a->was));
		jw_kz(j, "value", priority_name(a->is));
		jw_end_obj(j);
	} else {
		jw_key(j, "ticket");
		jw_obj(j);
		jw_kint(j, "id", t.id);
		jw_kstr(j, "subject", subject);
		jw_end_obj(j);
	}
	fail_forget(cx);
	jw_end_obj(j);
	jw_key(j, "target");
	jw_obj(j);
	jw_key(j, "ticket");
	jw_obj(j);
	jw_kint(j, "id", t.id);
	jw_kstr(j, "subject", subject);
	jw_end_obj(j);
	jw_end_obj(j);
	for (int i = 0; i < 2; i++) {
		const struct user *u = i ? actor : user;
		jw_key(j, i ? "actor" : "user");
		if (u != NULL)
			json_user(j, cx, base, u);
		else
			jw_null(j);
	}
	jw_end_obj(j);
	return OK;
}

static enum err
people_of(struct ctx *cx, const struct activity *a, int n, struct people *out)
{
	int k = 0;

	out->id = NEW(cx->arena, int64_t, 2 * n + 1);
	for (int i = 0; i < n; i++) {
		out->id[k++] = a[i].user_id;
		if (a[i].actor_id > 0)
			out->id[k++] = a[i].actor_id;
	}
	k = ids_unique(out->id, k);
	TRY(user_many(cx, out->id, k, &out->u, &out->n));
	return k ? trail_look(cx, "user", out->id, k, "name,email,phone") : OK;
}

static enum err
activities(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "created_at", "id", "updated_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	const str *since = http_query(rq, "since"), *sort = http_query(rq, "sort");
	struct activity_filter f = { 0 };
	struct activity *a;
	struct people all;
	struct paging p;
	struct json j;
	int64_t *ids, total;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 3, 100, &p))
		return OK;
	if (since != NULL && since->n && !time_parse(*since, &f.since))
		return api_error(rp, 400, "InvalidValue", "Parameter since must be a time such as 2026-01-05T10:00:00Z");
	f.oldest_first = sort != NULL && sort->n && !str_starts(*sort, S("-"));
	f.limit = p.limit;
	f.offset = p.offset;
	f.after = p.after ? p.id : 0;
	f.before = p.before ? p.id : 0;
	TRY(activity_list(cx, &f, &a, &n, &more, p.cursor ? NULL : &total));
	TRY(people_of(cx, a, n, &all));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "activities");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		TRY(json_activity(&j, cx, base, &a[i], &all));
		ids[i] = a[i].ticket_id;
	}
	jw_end_arr(&j);
	for (int i = 0; i < 2; i++) {
		jw_key(&j, i ? "actors" : "users");
		jw_arr(&j);
		for (int k = 0; k < all.n; k++) {
			bool has = all.u[k].id == cx->actor->user_id || i == 0;
			for (int m = 0; m < n && i && !has; m++)
				has = a[m].actor_id == all.u[k].id;
			if (has && !(i && all.u[k].id == cx->actor->user_id))
				json_user(&j, cx, base, &all.u[k]);
		}
		jw_end_arr(&j);
	}
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ a[0].id, a[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ a[n - 1].id, a[n - 1].id } : (struct place){ 0, 0 }, p.cursor ? 0 : total);
	jw_end_obj(&j);
	n = ids_unique(ids, n);
	return n ? trail_look(cx, "ticket", ids, n, "subject,comments") : OK;
}

static enum err
activity_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct activity a;
	struct people all;
	struct json j;

	TRY(activity_get(cx, rq->param[0], &a));
	TRY(people_of(cx, &a, 1, &all));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "activity");
	TRY(json_activity(&j, cx, z_of(cx, api_base(cx, rq)), &a, &all));
	jw_end_obj(&j);
	return look_one(cx, "ticket", a.ticket_id, "subject,comments");
}

static enum err
activity_total(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct activity *a;
	int64_t total;
	bool more;
	int n;

	(void)rq;
	TRY(activity_list(cx, &(struct activity_filter){ .limit = 1 }, &a, &n, &more, &total));
	count_reply(cx, rp, total);
	return OK;
}

const struct route aside_routes[] = {
	{ GET,    "/api/v2/saved_searches",             MAY_READ_TICKET,   0,        searches,       0 },
	{ POST,   "/api/v2/saved_searches",             MAY_UPDATE_TICKET, 64 * KiB, search_post,    0 },
	{ PUT,    "/api/v2/saved_searches/{word}",      MAY_UPDATE_TICKET, 64 * KiB, search_put,     0 },
	{ DELETE, "/api/v2/saved_searches/{word}",      MAY_UPDATE_TICKET, 0,        search_remove,  0 },
	{ GET,    "/api/v2/ticket_content_pins",        MAY_READ_TICKET,   0,        pins,           0 },
	{ POST,   "/api/v2/ticket_content_pins",        MAY_UPDATE_TICKET, 16 * KiB, pin_post,       0 },
	{ DELETE, "/api/v2/ticket_content_pins/{id}",   MAY_UPDATE_TICKET, 0,        pin_remove,     0 },
	{ GET,    "/api/v2/task_list_templates",        MAY_READ_TICKET,   0,        templates,      0 },
	{ POST,   "/api/v2/task_list_templates",        MAY_ADMIN,         1 * MiB,  template_post,  0 },
	{ GET,    "/api/v2/task_list_templates/{id}",   MAY_READ_TICKET,   0,        template_show,  0 },
	{ PUT,    "/api/v2/task_list_templates/{id}",   MAY_ADMIN,         1 * MiB,  template_put,   0 },
	{ DELETE, "/api/v2/task_list_templates/{id}",   MAY_ADMIN,         0,        template_remove, 0 },
	{ GET,    "/api/v2/task_list_templates/{id}/tasks", MAY_READ_TICKET, 0,      template_tasks, 0 },
	{ GET,    "/api/v2/tickets/{id}/task_lists",    MAY_READ_TICKET,   0,        lists,          0 },
	{ POST,   "/api/v2/tickets/{id}/task_lists",    MAY_UPDATE_TICKET, 16 * KiB, list_add,       0 },
	{ GET,    "/api/ward/v1/tickets/{id}/task_lists", MAY_READ_TICKET, 0,        lists,          0 },
	{ PUT,    "/api/ward/v1/tickets/{id}/task_lists/{id}/tasks/{id}", MAY_UPDATE_TICKET, 16 * KiB, task_tick, 0 },
	{ GET,    "/api/v2/activities",                 MAY_READ_TICKET,   0,        activities,     0 },
	{ GET,    "/api/v2/activities/count",           MAY_READ_TICKET,   0,        activity_total, 0 },
	{ GET,    "/api/v2/activities/{id}",            MAY_READ_TICKET,   0,        activity_show,  0 },
	{ 0 }
};
