/* automations.c - /api/v2/automations, and their run at an administrator's wish. */
#include "api/rules.h"

static const struct rule_api api = { RULE_AUTOMATION, "automation", "automations", "automations" };

static enum err list(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, -1); }
static enum err active(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_list(cx, rq, rp, &api, 1); }
static enum err show(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_show(cx, rq, rp, &api); }
static enum err post(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_post(cx, rq, rp, &api, 201); }
static enum err put(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_put(cx, rq, rp, &api); }
static enum err destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_remove(cx, rq, rp, &api); }
static enum err update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_update_many(cx, rq, rp, &api); }
static enum err destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_destroy_many(cx, rq, rp, &api); }
static enum err definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp) { return rules_definitions(cx, rq, rp, &api); }

static enum err
state(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct automation_run r;
	struct json j;
	enum err e = automations_state(cx, &r);

	(void)rq;
	if (e == E_ABSENT) {
		fail_forget(cx);
		r = (struct automation_run){ .done = true };
	} else
		TRY(e);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "automation_run");
	jw_obj(&j);
	jw_ktime(&j, "at", r.at);
	jw_kz(&j, "status", r.done ? "completed" : "working");
	jw_kid(&j, "automation_id", r.rule_id);
	jw_kint(&j, "changed", r.total);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

#define RUN_FOR (20 * SECOND)        /* one request; the background goes on */

/* {"at":"2026-01-05T10:00:00Z"}: the clock to go by, not before now less a day nor behind a year; without it, now. */
static enum err
run(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	usec at = 0, began = time_mono();
	const json_t *obj, *v;
	bool more = true, begin = true;

	if (rq->body.n) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		v = json_object_get(obj, "at");
		if (v != NULL && !json_is_null(v) && (!json_is_string(v) || !time_parse(json_text(cx, v), &at)
		    || at < cx->now - (usec)86400 * SECOND || at > cx->now + (usec)366 * 86400 * SECOND)) {
			bad(cx, "at", "InvalidValue", "At: must be a time such as 2026-01-05T10:00:00Z, at most a day ago and a year ahead");
			return bad_check(cx);
		}
	}
	TRY(automations_asked(cx));
	while (more && time_mono() - began < RUN_FOR)
		TRY(automations_step(cx, at, &begin, &more));
	/* One that was under way goes to its end first, by its own clock. */
	if (begin)
		return fail(cx, E_BUSY, NULL, "another run is under way and has many tickets to change; ask again when it is completed");
	return state(cx, rq, rp);
}

const struct route automation_routes[] = {
	{ GET,    "/api/v2/automations",              MAY_READ_RULES,   0,       list,         0 },
	{ POST,   "/api/v2/automations",              MAY_MANAGE_RULES, 2 * MiB, post,         0 },
	{ GET,    "/api/v2/automations/active",       MAY_READ_RULES,   0,       active,       0 },
	{ GET,    "/api/v2/automations/definitions",  MAY_READ_RULES,   0,       definitions,  0 },
	{ DELETE, "/api/v2/automations/destroy_many", MAY_MANAGE_RULES, 0,       destroy_many, 0 },
	{ GET,    "/api/v2/automations/search",       MAY_READ_RULES,   0,       list,         0 },
	{ PUT,    "/api/v2/automations/update_many",  MAY_MANAGE_RULES, 2 * MiB, update_many,  0 },
	{ GET,    "/api/v2/automations/{id}",         MAY_READ_RULES,   0,       show,         0 },
	{ PUT,    "/api/v2/automations/{id}",         MAY_MANAGE_RULES, 2 * MiB, put,          0 },
	{ DELETE, "/api/v2/automations/{id}",         MAY_MANAGE_RULES, 0,       destroy,      0 },
	{ GET,    "/api/ward/v1/automations/run",     MAY_MANAGE_RULES, 0,       state,        0 },
	{ POST,   "/api/ward/v1/automations/run",     MAY_MANAGE_RULES, 4 * KiB, run,          0 },
	{ 0 }
};
