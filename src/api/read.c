/* read.c - bodies, query parameters and pages of the API. */
#include <stdlib.h>

#include "api/in.h"

enum err
api_body(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *wrapper, const json_t **out)
{
	json_t *whole, *in;

	*out = NULL;
	if (rq->body.n == 0)
		return api_error(rp, 400, "ParameterMissing", "The request has no body; a JSON object is expected");
	if (json_parse(cx, rq->body, &whole) != OK) {
		fail_clear(cx);
		return api_error(rp, 400, "InvalidJSON", "The body is not valid JSON (UTF-8, no member twice, at most 64 deep)");
	}
	if (!json_is_object(whole))
		return api_error(rp, 400, "ParameterMissing", "The body must be a JSON object");
	if (wrapper == NULL) {
		*out = whole;
		return OK;
	}
	in = json_object_get(whole, wrapper);
	if (!json_is_object(in)) {
		char *text = str_z(cx->arena, str_printf(cx->arena, "Parameter %s is required", wrapper));
		return api_error(rp, 400, "ParameterMissing", text);
	}
	*out = in;
	return OK;
}

const char *
z_of(struct ctx *cx, str s)
{
	return str_z(cx->arena, s);
}

bool
json_id(const json_t *v, int64_t *out)
{
	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return *out >= 0 && *out <= ((int64_t)1 << 53);
	}
	if (json_is_string(v)) {
		int64_t n;
		str s = { json_string_value(v), json_string_length(v) };
		if (s.n <= 18 && str_int(s, &n) && n >= 0)
			return *out = n, true;
	}
	return false;
}

str
json_text(struct ctx *cx, const json_t *v)
{
	return json_is_string(v) ? str_dup(cx->arena, (str){ json_string_value(v), json_string_length(v) }) : S("");
}

str
json_compact(struct ctx *cx, const json_t *v)
{
	char *z = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	str s;

	if (z == NULL)
		return S("null");
	s = str_dup(cx->arena, str_of(z));
	wipe(z, s.n);
	free(z);
	return s;
}

/* "assignee_id" reads "Assignee id" in a sentence. */
static const char *
sentence(struct ctx *cx, const char *name, const char *rule)
{
	char *s = str_z(cx->arena, str_printf(cx->arena, "%s: %s", name, rule));

	if (s[0] >= 'a' && s[0] <= 'z')
		s[0] = (char)(s[0] - 32);
	for (char *p = s; *p && *p != ':'; p++)
		if (*p == '_')
			*p = ' ';
	return s;
}

static bool
read_words(struct ctx *cx, const json_t *v, sensitive *out)
{
	struct buf b;
	struct json j;
	json_t *w;
	size_t i;

	buf_init(&b, cx->arena, 1 * MiB);
	jw_init(&j, &b);
	jw_arr(&j);
	if (json_is_string(v))
		jw_str(&j, json_text(cx, v));
	else if (json_is_array(v)) {
		json_array_foreach(v, i, w) {
			if (!json_is_string(w))
				return false;
			jw_str(&j, json_text(cx, w));
		}
	} else
		return false;
	jw_end_arr(&j);
	*out = HIDE(buf_str(&b));
	return true;
}

void
api_fields(struct ctx *cx, const json_t *obj, const struct field *f, size_t count, void *into, unsigned *has)
{
	for (size_t i = 0; i < count; i++, f++) {
		const json_t *v = json_object_get(obj, f->name);
		void *at = (char *)into + f->at;
		const char *wrong = NULL;
		str s;
		if (v == NULL)
			continue;
		if (json_is_null(v)) {
			if (f->null_ok) {
				switch (f->type) {
				case F_TEXT: case F_WORDS: case F_TAGS: *(sensitive *)at = HIDE(S("")); break;
				case F_ID:   *(int64_t *)at = 0; break;
				case F_TIME: *(usec *)at = 0; break;
				case F_PLAIN: *(str *)at = S(""); break;
				case F_PRIORITY: *(enum ticket_priority *)at = PRIORITY_NONE; break;
				case F_TYPE: *(enum ticket_type *)at = TYPE_NONE; break;
				case F_SEES: *(enum restriction *)at = SEE_ALL; break;
				default: break;
				}
				if (has != NULL)
					*has |= f->bit;
			}
			continue;
		}
		s = json_text(cx, v);
		switch (f->type) {
		case F_TEXT:
			if (json_is_string(v))
				*(sensitive *)at = HIDE(s);
			else if (json_is_integer(v))
				*(sensitive *)at = HIDE(json_compact(cx, v));
			else
				wrong = "must be a string";
			break;
		case F_PLAIN:
			if (json_is_string(v))
				*(str *)at = s;
			else
				wrong = "must be a string";
			break;
		case F_ID:
			if (!json_id(v, (int64_t *)at))
				wrong = "must be an id (a positive integer)";
			break;
		case F_BOOL:
			if (json_is_boolean(v))
				*(bool *)at = json_is_true(v);
			else if (str_eq(s, S("true")) || str_eq(s, S("false")))
				*(bool *)at = str_eq(s, S("true"));
			else
				wrong = "must be true or false";
			break;
		case F_TIME:
			if (!json_is_string(v) || !time_parse(s, (usec *)at))
				wrong = "must be a time such as 2026-01-05T10:00:00Z";
			break;
		case F_STATUS:
			if (!json_is_string(v) || !status_of(s, (enum ticket_status *)at))
				wrong = "must be one of new, open, pending, hold, solved, closed";
			break;
		case F_PRIORITY:
			if (!json_is_string(v) || (s.n && !priority_of(s, (enum ticket_priority *)at)))
				wrong = "must be one of urgent, high, normal, low";
			break;
		case F_TYPE:
			if (!json_is_string(v) || (s.n && !type_of(s, (enum ticket_type *)at)))
				wrong = "must be one of problem, incident, question, task";
			break;
		case F_ROLE:
			if (str_eq(s, S("end-user")))
				*(enum role *)at = ROLE_END_USER;
			else if (str_eq(s, S("agent")))
				*(enum role *)at = ROLE_AGENT;
			else if (str_eq(s, S("admin")))
				*(enum role *)at = ROLE_ADMIN;
			else
				wrong = "must be one of end-user, agent, admin";
			break;
		case F_SEES:
			if (str_eq(s, S("groups")))
				*(enum restriction *)at = SEE_GROUPS;
			else if (str_eq(s, S("organization")))
				*(enum restriction *)at = SEE_ORGANIZATION;
			else if (str_eq(s, S("assigned")))
				*(enum restriction *)at = SEE_ASSIGNED;
			else if (str_eq(s, S("requested")))
				*(enum restriction *)at = SEE_REQUESTED;
			else
				wrong = "must be one of organization, groups, assigned, requested, or null";
			break;
		case F_WORDS: case F_TAGS:
			if (!read_words(cx, v, (sensitive *)at))
				wrong = "must be an array of strings";
			else if (f->type == F_TAGS) {
				json_t *list = json_loadb(((sensitive *)at)->hidden.p, ((sensitive *)at)->hidden.n, JSON_ALLOW_NUL, NULL);
				*(sensitive *)at = tags_clean(cx, list);
				json_decref(list);
			}
			break;
		}
		if (wrong != NULL)
			bad(cx, f->name, "InvalidValue", sentence(cx, f->name, wrong));
		else if (has != NULL)
			*has |= f->bit;
	}
}

void
api_known(struct ctx *cx, const json_t *obj, const char *const *names)
{
	const char *k;
	json_t *v;

	json_object_foreach((json_t *)obj, k, v) {
		bool known = false;
		for (int i = 0; names[i] != NULL; i++)
			known = known || strcmp(k, names[i]) == 0;
		/* Its name is what somebody typed, so it is not repeated. */
		if (!known) {
			bad(cx, "base", "UnknownField", "The object has a member that is not known here");
			return;
		}
	}
}

bool
api_query_is(const struct http_req *rq, const char *name, const char *value)
{
	const str *q = http_query(rq, name);

	return q != NULL && str_eq(*q, str_of(value));
}

bool
api_includes(const struct http_req *rq, const char *what)
{
	const str *q = http_query(rq, "include");
	str rest;

	if (q == NULL)
		return false;
	/* "a,b", and "tickets(a,b)" as searches have it. */
	rest = *q;
	while (rest.n) {
		size_t n = 0;
		while (n < rest.n && rest.p[n] != ',' && rest.p[n] != '(' && rest.p[n] != ')')
			n++;
		if (str_eq(str_trim(str_sub(rest, 0, n)), str_of(what)))
			return true;
		rest = str_sub(rest, n + 1, rest.n);
	}
	return false;
}

bool
api_ids(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *name, int max, int64_t **out,
    int *count)
{
	const str *q = http_query(rq, name);
	str rest;
	int n = 0;

	if (q == NULL || q->n == 0) {
		(void)!api_error(rp, 400, "ParameterMissing", "Parameter ids is required: a comma-separated list");
		return false;
	}
	*out = NEW(cx->arena, int64_t, max + 1);
	for (rest = *q; rest.n;) {
		str w = str_trim(str_cut(&rest, ','));
		int64_t id;
		if (w.n == 0)
			continue;
		if (w.n > 18 || !str_int(w, &id) || id <= 0) {
			(void)!api_error(rp, 400, "InvalidValue", "Parameter ids must be a comma-separated list of ids");
			return false;
		}
		if (n == max) {
			struct json j;
			api_begin(rp, &j, 400);
			jw_obj(&j);
			jw_kz(&j, "error", "TooManyValues");
			jw_kstr(&j, "description", str_printf(cx->arena, "Parameter %s cannot specify more than %d values", name, max));
			jw_kint(&j, "max_count", max);
			jw_end_obj(&j);
			return false;
		}
		(*out)[n++] = id;
	}
	*count = n;
	return true;
}

bool
api_ids_or_external(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, enum err (*find)(struct ctx *, str, int64_t *), int64_t **ids, int *n)
{
	const str *external = http_query(rq, "external_ids");
	int64_t id;
	str rest;

	if (external == NULL || http_query(rq, "ids") != NULL)
		return api_ids(cx, rq, rp, "ids", 100, ids, n);
	*ids = NEW(cx->arena, int64_t, 101);
	*n = 0;
	for (rest = *external; rest.n;) {
		str w = str_trim(str_cut(&rest, ','));
		if (w.n == 0)
			continue;
		if (*n == 100) {
			(void)!api_error(rp, 400, "TooManyValues", "Parameter external_ids cannot specify more than 100 values");
			return false;
		}
		if (find(cx, w, &id) == OK)
			(*ids)[(*n)++] = id;
		fail_clear(cx);
	}
	return true;
}

/* ---- pages ------------------------------------------------------------------------------------------------------ */

/* A cursor is base64url of "1", a kind (which order it belongs to), and two
 * numbers in decimal: "1u1767607200000000,35". Nothing in it is secret, and a
 * forged one only names another place in what the caller may see anyway. */
str
cursor_make(struct ctx *cx, char kind, int64_t value, int64_t id)
{
	return base64url_of(cx->arena, str_printf(cx->arena, "1%c%lld,%lld", kind, (long long)value, (long long)id));
}

bool
cursor_read(struct ctx *cx, str text, char *kind, int64_t *value, int64_t *id)
{
	str plain, v;
	int64_t a, b;

	if (text.n == 0 || text.n > 128 || !base64_to(cx->arena, text, &plain) || plain.n < 5 || plain.p[0] != '1')
		return false;
	*kind = plain.p[1];
	plain = str_sub(plain, 2, plain.n);
	v = str_cut(&plain, ',');
	if (v.n > 20 || plain.n > 20 || !str_int(v, &a) || !str_int(plain, &b) || *kind < 'a' || *kind > 'z')
		return false;
	*value = a;
	*id = b;
	return true;
}

static bool
bad_paging(struct http_reply *rp, const char *detail)
{
	(void)!api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", detail);
	return false;
}

bool
api_paging(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *const *sorts, int cursor_sorts,
    int max, struct paging *p)
{
	const str *size = http_query(rq, "page[size]"), *after = http_query(rq, "page[after]"),
	    *before = http_query(rq, "page[before]"), *sort = http_query(rq, "sort"), *by = http_query(rq, "sort_by"),
	    *page = http_query(rq, "page"), *per = http_query(rq, "per_page");
	int64_t n;

	*p = (struct paging){ .limit = 100, .page = 1, .cursor = size || after || before };
	if (p->limit > max)
		p->limit = max;
	if (p->cursor) {
		char kind;
		if (size != NULL) {
			if (!str_int(*size, &n) || n < 1)
				return bad_paging(rp, "page[size] must be a positive integer");
			p->limit = (int)(n > max ? max : n);
		}
		if (sort != NULL) {
			str s = *sort;
			int i;
			p->descending = str_starts(s, S("-"));
			if (p->descending)
				s = str_sub(s, 1, s.n);
			for (i = 0; sorts != NULL && sorts[i] != NULL && i < cursor_sorts && !str_eq(s, str_of(sorts[i])); i++)
				;
			if (sorts == NULL || i >= cursor_sorts || sorts[i] == NULL)
				return bad_paging(rp, "sort is not valid");
			p->sort = i;
		}
		if (after != NULL && before != NULL)
			return bad_paging(rp, "page[after] and page[before] cannot be used together");
		if (after != NULL || before != NULL) {
			if (!cursor_read(cx, after ? *after : *before, &kind, &p->value, &p->id) || kind != 'a' + p->sort)
				return bad_paging(rp, "the cursor is not valid");
			p->after = after != NULL;
			p->before = before != NULL;
		}
		return true;
	}
	if (per != NULL) {
		if (!str_int(*per, &n) || n < 1)
			return bad_paging(rp, "per_page must be a positive integer");
		p->limit = (int)(n > max ? max : n);
	}
	if (page != NULL && page->n) {
		if (!str_int(*page, &n) || n < 1)
			return bad_paging(rp, "page must be a positive integer");
		if ((n - 1) * p->limit >= 10000) {
			(void)!api_errors(rp, 400, "InvalidPaginationDepth", "Invalid pagination depth",
			    "Records beyond 10,000 are reached with cursor pagination: page[size] and page[after]");
			return false;
		}
		p->page = (int)n;
	}
	p->offset = (int64_t)(p->page - 1) * p->limit;
	if (by != NULL && sorts != NULL)
		for (int i = 0; sorts[i] != NULL; i++)
			if (str_eq(*by, str_of(sorts[i])))
				p->sort = i;
	p->descending = api_query_is(rq, "sort_order", "desc");
	return true;
}

void
api_cut(const struct paging *p, const int64_t *ids, size_t step, int n, int *from, int *to, bool *more, struct place *first,
    struct place *last)
{
#define ID_AT(i) (*(const int64_t *)(const void *)((const char *)ids + (size_t)(i) * step))
	int at = 0;

	while ((p->after || p->before) && at < n && ID_AT(at) != p->id)
		at++;
	*from = p->after ? at + (at < n) : p->before ? (at > p->limit ? at - p->limit : 0) : p->offset < n ? (int)p->offset : n;
	*to = p->before ? at : n - *from < p->limit ? n : *from + p->limit;
	*more = p->before ? *from > 0 : *to < n;
	*first = *to > *from ? (struct place){ ID_AT(*from), ID_AT(*from) } : (struct place){ 0, 0 };
	*last = *to > *from ? (struct place){ ID_AT(*to - 1), ID_AT(*to - 1) } : (struct place){ 0, 0 };
#undef ID_AT
}

/* The request's own URL with its other parameters kept and these replaced. */
static str
page_url(struct ctx *cx, const struct http_req *rq, const char *const drop[], int drops, str extra)
{
	struct buf b;
	char sep = '?';

	buf_init(&b, cx->arena, 64 * KiB);
	buf_add(&b, api_base(cx, rq));
	buf_add(&b, rq->path);
	if (!str_ends(rq->path, S(".json")))
		buf_add(&b, S(".json"));
	for (int i = 0; i < rq->query_count; i++) {
		bool skip = false;
		for (int d = 0; d < drops; d++)
			skip = skip || str_eq(rq->query[i].name, str_of(drop[d]));
		if (skip)
			continue;
		buf_byte(&b, sep);
		sep = '&';
		buf_percent(&b, rq->query[i].name);
		buf_byte(&b, '=');
		buf_percent(&b, rq->query[i].value);
	}
	buf_byte(&b, sep);
	buf_add(&b, extra);
	return buf_str(&b);
}

void
api_page_end(struct json *j, struct ctx *cx, const struct http_req *rq, const struct paging *p, int n, bool more,
    struct place first, struct place last, int64_t total)
{
	static const char *const cursor_drop[] = { "page[after]", "page[before]", "page[size]", "access_token" };
	static const char *const offset_drop[] = { "page", "access_token" };

	if (p->cursor) {
		str a = n ? cursor_make(cx, (char)('a' + p->sort), last.value, last.id) : S("");
		str b = n ? cursor_make(cx, (char)('a' + p->sort), first.value, first.id) : S("");
		jw_key(j, "meta");
		jw_obj(j);
		jw_kbool(j, "has_more", more);
		if (n) {
			jw_kstr(j, "after_cursor", a);
			jw_kstr(j, "before_cursor", b);
		} else {
			jw_knull(j, "after_cursor");
			jw_knull(j, "before_cursor");
		}
		jw_end_obj(j);
		jw_key(j, "links");
		jw_obj(j);
		if (n) {
			jw_kstr(j, "next", page_url(cx, rq, cursor_drop, 4, str_printf(cx->arena,
			    "page%%5Bafter%%5D=" STR_F "&page%%5Bsize%%5D=%d", STR_A(a), p->limit)));
			jw_kstr(j, "prev", page_url(cx, rq, cursor_drop, 4, str_printf(cx->arena,
			    "page%%5Bbefore%%5D=" STR_F "&page%%5Bsize%%5D=%d", STR_A(b), p->limit)));
		} else {
			jw_knull(j, "next");
			jw_knull(j, "prev");
		}
		jw_end_obj(j);
		return;
	}
	if (p->offset + n < total)
		jw_kstr(j, "next_page", page_url(cx, rq, offset_drop, 2, str_printf(cx->arena, "page=%d", p->page + 1)));
	else
		jw_knull(j, "next_page");
	if (p->page > 1)
		jw_kstr(j, "previous_page", page_url(cx, rq, offset_drop, 2, str_printf(cx->arena, "page=%d", p->page - 1)));
	else
		jw_knull(j, "previous_page");
	jw_kint(j, "count", total);
}

void
count_reply(struct ctx *cx, struct http_reply *rp, int64_t n)
{
	struct json j;
	str t = time_iso(cx->arena, cx->now);

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "count");
	jw_obj(&j);
	jw_kint(&j, "value", n);
	jw_kstr(&j, "refreshed_at", str_printf(cx->arena, STR_F "+00:00", STR_A(str_sub(t, 0, t.n - 1))));
	jw_end_obj(&j);
	jw_end_obj(&j);
}

str
api_base(struct ctx *cx, const struct http_req *rq)
{
	return str_printf(cx->arena, "%s://" STR_F, rq->secure ? "https" : "http", STR_A(rq->host));
}

void
api_location(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *path, int64_t id)
{
	http_head(rp, "Location", str_printf(cx->arena, STR_F "/api/v2/%s/%lld.json", STR_A(api_base(cx, rq)), path,
	    (long long)id));
}
