/* webhooks.c - /api/v2/webhooks. */
#include "api/in.h"
#include "flow/flow.h"
#include "http/http.h"

#define SHOWN "name,description,endpoint"

static const char *const sorts[] = { "id", "name", "status", NULL };

static const struct field fields[] = {
	{ "name",           F_TEXT,  offsetof(struct webhook, name),        HOOK_NAME,        true },
	{ "description",    F_TEXT,  offsetof(struct webhook, description), HOOK_DESCRIPTION, true },
	{ "endpoint",       F_TEXT,  offsetof(struct webhook, endpoint),    HOOK_ENDPOINT,    true },
	{ "http_method",    F_PLAIN, offsetof(struct webhook, method),      HOOK_METHOD,      false },
	{ "request_format", F_PLAIN, offsetof(struct webhook, format),      HOOK_FORMAT,      false },
};

const struct fieldset webhook_fieldset = { fields, COUNT(fields) };

static void
json_hook(struct json *j, struct ctx *cx, const struct webhook *w)
{
	jw_obj(j);
	jw_kstr(j, "id", w->uid);
	jw_kstr(j, "name", reveal(cx, w->name, TO_SHOW_ACTOR));
	if (w->description.hidden.n)
		jw_kstr(j, "description", reveal(cx, w->description, TO_SHOW_ACTOR));
	else
		jw_knull(j, "description");
	jw_kz(j, "status", w->active ? "active" : "inactive");
	jw_kstr(j, "endpoint", reveal(cx, w->endpoint, TO_SHOW_ACTOR));
	jw_kstr(j, "http_method", w->method);
	jw_kstr(j, "request_format", w->format);
	jw_kraw(j, "subscriptions", w->subscriptions);
	if (w->auth_type.n) {
		/* What proves who we are is never shown again. */
		json_t *d = json_loadb(w->auth_data.hidden.p ? w->auth_data.hidden.p : "{}", w->auth_data.hidden.n, 0, NULL);
		const char *shown = str_eq(w->auth_type, S("basic_auth")) ? "username" : str_eq(w->auth_type, S("api_key")) ? "name" : NULL;
		jw_key(j, "authentication");
		jw_obj(j);
		jw_kstr(j, "type", w->auth_type);
		if (shown != NULL) {
			jw_key(j, "data");
			jw_obj(j);
			jw_kstr(j, shown, json_text(cx, json_object_get(d, shown)));
			jw_end_obj(j);
		}
		jw_kz(j, "add_position", "header");
		jw_end_obj(j);
		json_decref(d);
	}
	if (w->custom_headers.hidden.n)
		jw_kraw(j, "custom_headers", reveal(cx, w->custom_headers, TO_SHOW_ACTOR));
	jw_ktime(j, "created_at", w->created_at);
	jw_kstr(j, "created_by", str_printf(cx->arena, "%lld", (long long)w->created_by));
	jw_ktime(j, "updated_at", w->updated_at);
	jw_kstr(j, "updated_by", str_printf(cx->arena, "%lld", (long long)w->updated_by));
	jw_end_obj(j);
}

static enum err
hook_reply(struct ctx *cx, struct http_reply *rp, int status, const struct webhook *w)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "webhook");
	json_hook(&j, cx, w);
	jw_end_obj(&j);
	return look_one(cx, "webhook", w->id, SHOWN);
}

static void
hook_fields(struct ctx *cx, const json_t *obj, struct webhook *w, unsigned *has)
{
	const json_t *v;

	api_fields(cx, obj, fields, COUNT(fields), w, has);
	if ((v = json_object_get(obj, "status")) != NULL) {
		str s = json_text(cx, v);
		*has |= HOOK_STATUS;
		w->active = str_eq(s, S("active"));
		if (!w->active && !str_eq(s, S("inactive")))
			bad(cx, "status", "InvalidValue", "Status: must be active or inactive");
	}
	if ((v = json_object_get(obj, "subscriptions")) != NULL) {
		*has |= HOOK_SUBSCRIPTIONS;
		if (json_is_array(v))
			w->subscriptions = json_compact(cx, v);
		else
			bad(cx, "subscriptions", "InvalidValue", "Subscriptions: must be a list of event types");
	}
	if ((v = json_object_get(obj, "authentication")) != NULL) {
		*has |= HOOK_AUTH;
		if (json_is_object(v) && json_object_size(v) > 0) {
			w->auth_type = json_text(cx, json_object_get(v, "type"));
			w->auth_data = HIDE(json_compact(cx, json_object_get(v, "data")));
			if (!json_is_object(json_object_get(v, "data")) || w->auth_type.n == 0)
				bad(cx, "authentication", "InvalidValue", "Authentication: must have a type and an object data");
			v = json_object_get(v, "add_position");
			if (v != NULL && !str_eq(json_text(cx, v), S("header")))
				bad(cx, "authentication", "InvalidValue", "Authentication: add_position must be header");
		} else if (!json_is_null(v) && !json_is_object(v))
			bad(cx, "authentication", "InvalidValue", "Authentication: must be an object");
	}
	if ((v = json_object_get(obj, "custom_headers")) != NULL) {
		*has |= HOOK_HEADERS;
		if (json_is_object(v))
			w->custom_headers = json_object_size(v) ? HIDE(json_compact(cx, v)) : HIDE(S(""));
		else if (!json_is_null(v))
			bad(cx, "custom_headers", "InvalidValue", "Custom headers: must be an object");
	}
}

/* What PUT sets is the whole of it: members that are not named get their default. */
static void
hook_whole(struct webhook *w, unsigned *has)
{
	if (!(*has & HOOK_METHOD))
		w->method = S("POST");
	if (!(*has & HOOK_FORMAT))
		w->format = S("json");
	if (!(*has & HOOK_STATUS))
		w->active = true;
	if (!(*has & HOOK_SUBSCRIPTIONS))
		w->subscriptions = S("[]");
	*has |= HOOK_NAME | HOOK_DESCRIPTION | HOOK_ENDPOINT | HOOK_METHOD | HOOK_FORMAT | HOOK_STATUS | HOOK_SUBSCRIPTIONS | HOOK_HEADERS;
}

static enum err
post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *clone = http_query(rq, "clone_webhook_id");
	struct webhook in = { 0 }, w;
	const json_t *obj;
	unsigned has = 0;

	if (clone != NULL) {
		/* Everything but its secrets, under a name that says so. */
		TRY(flow_webhook_get(cx, *clone, &in));
		in.name = HIDE(str_printf(cx->arena, "Copy of " STR_F, STR_A(str_sub(in.name.hidden, 0, utf8_floor(in.name.hidden, 240)))));
		has = HOOK_NAME | HOOK_DESCRIPTION | HOOK_ENDPOINT | HOOK_METHOD | HOOK_FORMAT | HOOK_STATUS | HOOK_SUBSCRIPTIONS | HOOK_HEADERS;
		in.active = false;
		if (rq->body.n) {
			TRY(api_body(cx, rq, rp, "webhook", &obj));
			if (obj == NULL)
				return OK;
			hook_fields(cx, obj, &in, &has);
		}
	} else {
		TRY(api_body(cx, rq, rp, "webhook", &obj));
		if (obj == NULL)
			return OK;
		hook_fields(cx, obj, &in, &has);
	}
	TRY(flow_webhook_create(cx, has, &in, &w));
	return hook_reply(cx, rp, 201, &w);
}

static enum err
change(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct webhook in = { 0 }, w;
	const json_t *obj;
	unsigned has = 0;

	TRY(flow_webhook_get(cx, rq->word[0], &w));
	TRY(api_body(cx, rq, rp, "webhook", &obj));
	if (obj == NULL)
		return OK;
	hook_fields(cx, obj, &in, &has);
	if (rq->method == PUT)
		hook_whole(&in, &has);
	TRY(flow_webhook_update(cx, rq->word[0], has, &in, &w));
	api_empty(rp, 204);
	return OK;
}

static enum err
drop(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(flow_webhook_delete(cx, rq->word[0]));
	api_empty(rp, 204);
	return OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct webhook w;

	TRY(flow_webhook_get(cx, rq->word[0], &w));
	return hook_reply(cx, rp, 200, &w);
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *name = http_query(rq, "filter[name_contains]"), *status = http_query(rq, "filter[status]");
	struct webhook *all, **pick;
	struct paging p;
	struct json j;
	int64_t *ids;
	int n, count = 0, from = 0;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 3, 100, &p))
		return OK;
	p.cursor = true;
	TRY(flow_webhook_list(cx, &all, &n));
	pick = NEW(cx->arena, struct webhook *, n + 1);
	for (int i = 0; i < n; i++) {
		if (name != NULL && str_findi(all[i].name.hidden, *name) == SIZE_MAX)
			continue;
		if (status != NULL && !str_eq(*status, all[i].active ? S("active") : S("inactive")))
			continue;
		pick[count++] = &all[i];
	}
	/* At most 200: sorted by insertion, ties by id. */
	for (int i = 1; i < count; i++)
		for (int k = i; k > 0; k--) {
			int by = p.sort == 1 ? str_cmp(pick[k - 1]->name.hidden, pick[k]->name.hidden)
			    : p.sort == 2 ? (int)pick[k]->active - (int)pick[k - 1]->active : pick[k - 1]->id > pick[k]->id ? 1 : -1;
			struct webhook *t = pick[k];
			if ((p.descending ? -by : by) <= 0)
				break;
			pick[k] = pick[k - 1];
			pick[k - 1] = t;
		}
	if (p.after || p.before)
		for (int i = 0; i < count; i++)
			if (pick[i]->id == p.id)
				from = p.after ? i + 1 : i > p.limit ? i - p.limit : 0;
	more = count - from > p.limit;
	n = more ? p.limit : count - from;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "webhooks");
	jw_arr(&j);
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++) {
		json_hook(&j, cx, pick[from + i]);
		ids[i] = pick[from + i]->id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ ids[0], ids[0] } : (struct place){ 0, 0 },
	    n ? (struct place){ ids[n - 1], ids[n - 1] } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return n ? trail_look(cx, "webhook", ids, n, SHOWN) : OK;
}

/* ---- the secret that signs ------------------------------------------------------------------------------------------ */

static enum err
secret_reply(struct ctx *cx, struct http_reply *rp, int status, const struct webhook *w)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "signing_secret");
	jw_obj(&j);
	jw_kstr(&j, "secret", reveal_clear(cx, w->secret));
	jw_kz(&j, "algorithm", "SHA256");
	jw_end_obj(&j);
	jw_end_obj(&j);
	return look_one(cx, "webhook", w->id, "signing_secret");
}

static enum err
secret_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct webhook w;

	TRY(flow_webhook_get(cx, rq->word[0], &w));
	return secret_reply(cx, rp, 200, &w);
}

static enum err
secret_reset(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct webhook in = { 0 }, w;

	TRY(flow_webhook_update(cx, rq->word[0], HOOK_SECRET, &in, &w));
	return secret_reply(cx, rp, 201, &w);
}

/* ---- test ------------------------------------------------------------------------------------------------------------- */

static void
json_heads(struct json *j, str lines)
{
	jw_arr(j);
	while (lines.n) {
		str line = str_cut(&lines, '\n'), name = str_cut(&line, ':');
		jw_obj(j);
		jw_kstr(j, "key", name);
		jw_kstr(j, "value", str_trim(line));
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static enum err
test(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *uid = http_query(rq, "webhook_id");
	struct http_answer an;
	struct webhook w = { .active = true };
	const json_t *obj, *v;
	struct json j;
	unsigned has = 0;
	str body = { 0 };
	enum err e;

	TRY(api_body(cx, rq, rp, "request", &obj));
	if (obj == NULL)
		return OK;
	if (uid != NULL)
		TRY(flow_webhook_get(cx, *uid, &w));
	hook_fields(cx, obj, &w, &has);
	if ((v = json_object_get(obj, "payload")) != NULL)
		body = json_is_string(v) ? json_text(cx, v) : json_is_null(v) ? S("") : json_compact(cx, v);
	e = flow_webhook_test(cx, &w, body, &an);
	if (e == E_DENIED) {
		(void)!api_errors(rp, 403, "DestinationNotAllowed", "The destination is not allowed", cx->fail.why);
		fail_clear(cx);
		return OK;
	}
	TRY(e);
	if (an.end != HTTP_ANSWERED)
		return api_errors(rp, an.end == HTTP_FORBIDDEN ? 403 : 400, "InvokingFailed", "The webhook could not be called", an.reason);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "response");
	jw_obj(&j);
	jw_kint(&j, "status_code", an.status);
	jw_key(&j, "headers");
	jw_arr(&j);
	for (int i = 0; i < an.head_count; i++) {
		jw_obj(&j);
		jw_kstr(&j, "key", an.head[i].name);
		jw_kstr(&j, "value", an.head[i].value);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_kstr(&j, "payload", an.body);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- the log of calls --------------------------------------------------------------------------------------------------- */

/* Zendesk's words for where a call stands. */
static const char *
call_status(const struct outbox_row *o)
{
	switch (o->state) {
	case FLOW_SENT:    return "success";
	case FLOW_DEAD:    return "failed";
	case FLOW_DROPPED: return "cancelled";
	case FLOW_RETRY:   return "retrying";
	case FLOW_HELD:    return "held";
	default:           return "pending";
	}
}

static enum err
invocations(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct outbox_row *o;
	struct webhook w;
	struct paging p;
	struct json j;
	bool more;
	int n;

	TRY(flow_webhook_get(cx, rq->word[0], &w));
	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	if (p.before)
		return api_error(rp, 400, "InvalidPaginationParameter", "Invocations are listed newest first, with page[after]");
	p.cursor = true;
	TRY(flow_invocations(cx, w.id, p.after ? p.id : 0, p.limit + 1, &o, &n));
	more = n > p.limit;
	if (more)
		n = p.limit;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "invocations");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		jw_kstr(&j, "id", flow_invocation_uid(cx, o[i].id, o[i].created_at));
		jw_kz(&j, "status", call_status(&o[i]));
		jw_kid(&j, "status_code", o[i].status);
		jw_ktime(&j, "latest_completed_at", o[i].attempts ? o[i].updated_at : 0);
		if (o[i].reason.n)
			jw_kstr(&j, "reason", o[i].reason);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ o[0].id, o[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ o[n - 1].id, o[n - 1].id } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	return OK;
}

static enum err
attempts(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct outbox_row o;
	struct attempt *t;
	struct webhook w;
	struct json j;
	int64_t id = flow_invocation_id(rq->word[1]);
	int n;

	TRY(flow_webhook_get(cx, rq->word[0], &w));
	if (id == 0)
		return fail(cx, E_ABSENT, NULL, "no such invocation");
	TRY(flow_get(cx, id, &o));
	if (o.webhook_id != w.id)
		return fail(cx, E_ABSENT, NULL, "no such invocation");
	TRY(flow_attempts(cx, id, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "attempts");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		jw_kstr(&j, "id", flow_invocation_uid(cx, t[i].id, t[i].completed_at));
		jw_kstr(&j, "invocation_id", rq->word[1]);
		jw_kz(&j, "status", t[i].status >= 200 && t[i].status < 300 ? "success" : "failed");
		jw_kid(&j, "status_code", t[i].status);
		if (t[i].reason.n)
			jw_kstr(&j, "reason", t[i].reason);
		jw_key(&j, "request");
		jw_obj(&j);
		jw_key(&j, "headers");
		json_heads(&j, reveal(cx, t[i].request_head, TO_SHOW_ACTOR));
		jw_kstr(&j, "payload", reveal(cx, t[i].request_body, TO_SHOW_ACTOR));
		jw_end_obj(&j);
		jw_key(&j, "response");
		jw_obj(&j);
		jw_key(&j, "headers");
		json_heads(&j, reveal(cx, t[i].answer_head, TO_SHOW_ACTOR));
		jw_kstr(&j, "payload", reveal(cx, t[i].answer_body, TO_SHOW_ACTOR));
		jw_end_obj(&j);
		jw_ktime(&j, "completed_at", t[i].completed_at);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return look_one(cx, "webhook", w.id, "attempts");
}

const struct route webhook_routes[] = {
	{ GET,    "/api/v2/webhooks",                       MAY_ADMIN, 0,        list,         0 },
	{ POST,   "/api/v2/webhooks",                       MAY_ADMIN, 64 * KiB, post,         0 },
	{ POST,   "/api/v2/webhooks/test",                  MAY_ADMIN, 1 * MiB,  test,         0 },
	{ GET,    "/api/v2/webhooks/{word}",                MAY_ADMIN, 0,        show,         0 },
	{ PUT,    "/api/v2/webhooks/{word}",                MAY_ADMIN, 64 * KiB, change,       0 },
	{ PATCH,  "/api/v2/webhooks/{word}",                MAY_ADMIN, 64 * KiB, change,       0 },
	{ DELETE, "/api/v2/webhooks/{word}",                MAY_ADMIN, 0,        drop,         0 },
	{ GET,    "/api/v2/webhooks/{word}/signing_secret", MAY_ADMIN, 0,        secret_show,  0 },
	{ POST,   "/api/v2/webhooks/{word}/signing_secret", MAY_ADMIN, 4 * KiB,  secret_reset, 0 },
	{ GET,    "/api/v2/webhooks/{word}/invocations",    MAY_ADMIN, 0,        invocations,  0 },
	{ GET,    "/api/v2/webhooks/{word}/invocations/{word}/attempts", MAY_ADMIN, 0, attempts, 0 },
	{ 0 }
};
