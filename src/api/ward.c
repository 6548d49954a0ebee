/* ward.c - what Ward adds under /api/ward/v1, and the probes. */
#include "api/in.h"

static enum err
healthz(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;
	int64_t n;

	(void)rq;
	TRY(trail_count(cx, &n));           /* the database answers */
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kz(&j, "status", "ok");
	jw_kz(&j, "version", api_of(cx)->conf.version);
	jw_end_obj(&j);
	return OK;
}

static void
metric(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name, (unsigned long long)v);
}

/* Prometheus text exposition format 0.0.4: numbers only, no label that could
 * hold what a person typed. */
static enum err
metrics(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t events, tickets, suspended;
	struct ticket_filter f = { 0 };

	/* A scraper on this machine needs no token; from elsewhere who may read the posture. */
	if (!str_eq(rq->address, S("127.0.0.1")) && !str_eq(rq->address, S("::1")))
		TRY(gate_may(cx, MAY_READ_POSTURE, NULL));
	gate_as_system(cx, "metrics");
	TRY(trail_count(cx, &events));
	TRY(ticket_count(cx, &f, &tickets));
	TRY(suspended_count(cx, &suspended));
	rp->status = 200;
	rp->type = "text/plain; version=0.0.4; charset=utf-8";
	metric(&rp->body, "ward_tickets", "gauge", "Tickets that are not deleted.", (uint64_t)tickets);
	metric(&rp->body, "ward_suspended_tickets", "gauge", "Mail kept as suspended tickets.", (uint64_t)suspended);
	metric(&rp->body, "ward_trail_events_total", "counter", "Events in the trail.", (uint64_t)events);
	if (api_of(cx)->conf.metrics != NULL)
		api_of(cx)->conf.metrics(cx, &rp->body);
	return OK;
}

/* ---- findings -------------------------------------------------------------------------------------------------------- */

/* Scans a text that is not kept: for the composer. */
static enum err
scan(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct finding *f;
	struct json j;
	int n;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	if (!json_is_string(json_object_get(obj, "text"))) {
		bad(cx, "text", "BlankValue", "Text: is required and must be a string");
		return bad_check(cx);
	}
	TRY(desk_findings(cx, HIDE(json_text(cx, json_object_get(obj, "text"))), &f, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "findings");
	json_findings(&j, f, n);
	jw_end_obj(&j);
	return OK;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------------ */

static enum err
tokens(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct api_token *t;
	struct json j;
	int n;

	(void)rq;
	TRY(token_list(cx, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "api_tokens");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		jw_kint(&j, "id", t[i].id);
		jw_kint(&j, "user_id", t[i].user_id);
		jw_kstr(&j, "description", t[i].description);
		jw_kbool(&j, "active", t[i].active);
		jw_kbool(&j, "bearer", t[i].bearer);
		jw_ktime(&j, "created_at", t[i].created_at);
		jw_ktime(&j, "last_used", t[i].last_used_at);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

/* The token in clear is in this answer and nowhere else. */
static enum err
token_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "user_id", "description", "bearer", "read_only", NULL };
	int64_t user = cx->actor->user_id;
	struct api_token made;
	const json_t *obj, *v;
	struct json j;
	struct user u;
	enum err e;
	str clear;

	TRY(api_body(cx, rq, rp, "api_token", &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, names);
	if ((v = json_object_get(obj, "user_id")) != NULL && !json_id(v, &user))
		bad(cx, "user_id", "InvalidValue", "User: must be an id");
	v = json_object_get(obj, "description");
	if (!json_is_string(v) || str_trim(json_text(cx, v)).n == 0 || json_text(cx, v).n > 255)
		bad(cx, "description", "BlankValue", "Description: say in at most 255 characters what it is for");
	for (int i = 2; i < 4; i++)
		if ((v = json_object_get(obj, names[i])) != NULL && !json_is_boolean(v))
			bad(cx, names[i], "InvalidValue", i == 2 ? "Bearer: must be true or false" : "Read only: must be true or false");
	TRY(bad_check(cx));
	e = user_brief(cx, user, &u);
	if (e == E_ABSENT || (e == OK && (!u.active || u.suspended))) {
		fail_forget(cx);
		bad(cx, "user_id", "InvalidValue", "User: is nobody who may sign in");
		return bad_check(cx);
	}
	TRY(e);
	TRY(token_create(cx, user, str_trim(json_text(cx, json_object_get(obj, "description"))), json_is_true(json_object_get(obj, "bearer")),
	    json_is_true(json_object_get(obj, "read_only")), &clear, &made));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "api_token");
	jw_obj(&j);
	jw_kint(&j, "id", made.id);
	jw_kint(&j, "user_id", made.user_id);
	jw_kstr(&j, "description", made.description);
	jw_kbool(&j, "bearer", made.bearer);
	jw_kstr(&j, "token", clear);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
token_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(token_revoke(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* The routes there are, for the matrix and for people. */
struct listing { struct json *j; };

static void
list_route(void *arg, const struct route *r)
{
	static const char *const methods[] = { "", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" };
	struct json *j = ((struct listing *)arg)->j;

	jw_obj(j);
	jw_kz(j, "method", methods[r->method]);
	jw_kz(j, "path", r->path);
	jw_kz(j, "permission", api_may_name(r->permission));
	jw_kint(j, "body_max", (int64_t)r->body_max);
	jw_end_obj(j);
}

static enum err
routes(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)cx;
	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "routes");
	jw_arr(&j);
	api_routes(list_route, &(struct listing){ &j });
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

/* In the words of Zendesk's custom roles. */
static const char *
view_access(struct ctx *cx)
{
	const struct about own = { .user_id = cx->actor->user_id, .has_object = true };

	if (gate_limited(cx, LIMIT_VIEWS))
		return "readonly";
	if (gate_may(cx, MAY_MANAGE_RULES, NULL) == OK)
		return "full";
	fail_forget(cx);
	if (gate_may(cx, MAY_WRITE_RULES, &own) == OK)
		return "manage-personal";
	fail_forget(cx);
	return "readonly";
}

/* What the page shows of itself: a permission is listed when the role has it at all; each request is judged anew. */
static enum err
me(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "me");
	jw_obj(&j);
	jw_kint(&j, "id", cx->actor->user_id);
	jw_key(&j, "permissions");
	jw_arr(&j);
	for (enum may m = MAY_ANYONE; m < MAY_LAST; m++) {
		if (gate_may(cx, m, NULL) == OK)
			jw_str(&j, str_of(may_name(m)));
		else
			fail_forget(cx);
	}
	jw_end_arr(&j);
	jw_kint(&j, "idle_minutes", sign_in_setting(cx, SIGN_IN_IDLE));
	jw_kz(&j, "view_access", view_access(cx));
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

const struct route ward_routes[] = {
	{ GET,    "/healthz",                         MAY_ANYONE,      0,        healthz,        0 },
	{ GET,    "/api/ward/v1/me",                  MAY_SIGNED_IN,   0,        me,             0 },
	{ GET,    "/metrics",                         MAY_ANYONE,      0,        metrics,        0 },
	{ POST,   "/api/ward/v1/phi/scan",            MAY_SIGNED_IN,   2 * MiB,  scan,           0 },
	{ GET,    "/api/ward/v1/api_tokens",          MAY_ADMIN,       0,        tokens,         0 },
	{ POST,   "/api/ward/v1/api_tokens",          MAY_ADMIN,       16 * KiB, token_post,    0 },
	{ DELETE, "/api/ward/v1/api_tokens/{id}",     MAY_ADMIN,       0,        token_delete,   0 },
	{ GET,    "/api/ward/v1/routes",              MAY_ADMIN,       0,        routes,         0 },
	{ 0 }
};
