/* desk.c - the words of statuses, priorities and types, small JSON helpers, the statements. */
#include <jansson.h>

#include "desk/in.h"

static const char *const statuses[] = { "new", "open", "pending", "hold", "solved", "closed" };
static const char *const priorities[] = { NULL, "low", "normal", "high", "urgent" };
static const char *const types[] = { NULL, "problem", "incident", "question", "task" };

const char *
status_name(enum ticket_status s)
{
	return (size_t)s < COUNT(statuses) ? statuses[s] : "open";
}

const char *
priority_name(enum ticket_priority p)
{
	return (size_t)p < COUNT(priorities) ? priorities[p] : NULL;
}

const char *
type_name(enum ticket_type t)
{
	return (size_t)t < COUNT(types) ? types[t] : NULL;
}

static bool
word_in(str s, const char *const *words, size_t count, int *out)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] != NULL && str_eq(s, str_of(words[i])))
			return *out = (int)i, true;
	return false;
}

bool
status_of(str s, enum ticket_status *out)
{
	int i;
	return word_in(s, statuses, COUNT(statuses), &i) && (*out = (enum ticket_status)i, true);
}

bool
priority_of(str s, enum ticket_priority *out)
{
	int i;
	return word_in(s, priorities, COUNT(priorities), &i) && (*out = (enum ticket_priority)i, true);
}

bool
type_of(str s, enum ticket_type *out)
{
	int i;
	return word_in(s, types, COUNT(types), &i) && (*out = (enum ticket_type)i, true);
}

/* The array as json_of_words() writes it, without escapes; false: it is another. */
static bool
plain_words(struct ctx *cx, str s, str *w, int *count)
{
	size_t at = 1;

	for (*count = 0; s.p[at] == '"'; at++) {
		const char *from = s.p + at + 1, *to = memchr(from, '"', s.n - at - 1);
		if (to == NULL || memchr(from, '\\', (size_t)(to - from)) != NULL)
			return false;
		w[(*count)++] = (str){ from, (size_t)(to - from) };
		at = (size_t)(to - s.p) + 1;
		if (at + 1 >= s.n || s.p[at] != ',')
			break;
	}
	if (at + 1 != s.n || s.p[0] != '[' || s.p[at] != ']' || s.p[at - 1] != '"')
		return false;
	for (int i = 0; i < *count; i++)
		w[i] = str_dup(cx->arena, w[i]);
	return true;
}

int
json_words(struct ctx *cx, str array_json, str **out)
{
	json_t *list;
	size_t i, n = 1;
	int count = 0;

	*out = NULL;
	if (array_json.n <= 2)
		return 0;
	for (i = 0; i < array_json.n; i++)
		n += array_json.p[i] == ',';
	*out = NEW(cx->arena, str, n);
	if (plain_words(cx, array_json, *out, &count))
		return count;
	count = 0;
	*out = NULL;
	list = json_loadb(array_json.p, array_json.n, JSON_ALLOW_NUL, NULL);
	if (!json_is_array(list)) {
		json_decref(list);
		return 0;
	}
	n = json_array_size(list);
	*out = NEW(cx->arena, str, n ? n : 1);
	for (i = 0; i < n; i++) {
		json_t *w = json_array_get(list, i);
		if (json_is_string(w))
			(*out)[count++] = str_dup(cx->arena,
			    (str){ json_string_value(w), json_string_length(w) });
	}
	json_decref(list);
	return count;
}

bool
json_has(str array_json, str word)
{
	json_t *list = json_loadb(array_json.p ? array_json.p : "", array_json.n, JSON_ALLOW_NUL, NULL), *w;
	size_t i;
	bool yes = false;

	json_array_foreach(list, i, w)
		yes = yes || (json_is_string(w) && str_eq(word,
		    (str){ json_string_value(w), json_string_length(w) }));
	json_decref(list);
	return yes;
}

str
json_of_words(struct ctx *cx, const str *w, int n)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, 1 * MiB);
	jw_init(&j, &b);
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		jw_str(&j, w[i]);
	jw_end_arr(&j);
	return buf_str(&b);
}

str
json_quote(struct ctx *cx, str s)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, DOC_MAX);
	jw_init(&j, &b);
	jw_str(&j, s);
	return buf_str(&b);
}

str
json_number(struct ctx *cx, int64_t v)
{
	return v == 0 ? S("null") : str_printf(cx->arena, "\"%lld\"", (long long)v);
}

/* Every statement of the module, so that a typo fails at start. */
enum err
desk_prepare(struct ctx *cx)
{
	const struct stmt *const *const lists[] = {
		notify_stmts, gone_stmts, who_stmts,
		def_stmts, tag_stmts, merge_stmts, rating_stmts, aside_stmts,
		draft_stmts,
		secure_stmts, guide_stmts,
		ticket_stmts, comment_stmts, attach_stmts, inbound_stmts, search_stmts, job_stmts, redact_stmts, list_stmts,
		rule_stmts, view_stmts, view_pass_stmts, trigger_stmts, sla_stmts, schedule_stmts, clock_stmts, retention_stmts,
		report_stmts, use_stmts, skill_stmts,
		policy_stmts, held_stmts, known_stmts, scan_stmts,
	};

	for (size_t i = 0; i < COUNT(lists); i++)
		TRY(store_prepare(cx, cx->sys->store, lists[i]));
	return OK;
}
