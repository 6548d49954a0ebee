/* retention.c - what deletion schedules would delete, and their run at an administrator's wish. */
#include "api/in.h"

#define PREVIEW_FOR (10 * SECOND)
#define HOUR ((usec)3600 * SECOND)   /* a run begins with each (desk/retention.c) */
#define RUN_FOR (20 * SECOND)        /* one request; the background goes on */

static enum err
preview(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct retention_preview p;
	struct json j;

	TRY(retention_preview(cx, rq->param[0], PREVIEW_FOR, &p));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "deletion_preview");
	jw_obj(&j);
	jw_kint(&j, "deletion_schedule_id", rq->param[0]);
	jw_ktime(&j, "at", cx->now);
	jw_kint(&j, "count", p.count);
	jw_kbool(&j, "complete", p.whole);        /* false: there may be more than count */
	jw_kbool(&j, "can_be_active", p.ready);
	jw_kz(&j, "object", p.users ? "zen:user" : "zen:ticket");
	jw_key(&j, p.users ? "user_ids" : "ticket_ids");
	jw_arr(&j);
	for (int i = 0; i < p.count && i < RETENTION_SHOWN; i++)
		jw_int(&j, p.id[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
state(struct ctx *cx, struct http_req *rq UNUSED, struct http_reply *rp)
{
	struct retention_run r;
	struct json j;

	TRY(retention_state(cx, &r));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "deletion_run");
	jw_obj(&j);
	jw_ktime(&j, "at", r.at);
	jw_kz(&j, "status", r.done ? "completed" : "working");
	jw_kint(&j, "deleted", r.deleted);
	jw_ktime(&j, "next_at", r.done ? (cx->now / HOUR + 1) * HOUR : cx->now);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
run(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	usec began = time_mono();
	bool more = true;

	for (bool first = true; more && time_mono() - began < RUN_FOR; first = false)
		TRY(retention_step(cx, first, &more));
	return state(cx, rq, rp);
}

const struct route retention_routes[] = {
	{ GET,    "/api/ward/v1/deletion_schedules/{id}/preview", MAY_ADMIN, 0,       preview, 0 },
	{ GET,    "/api/ward/v1/deletion_schedules/run",          MAY_READ_POSTURE, 0, state,   0 },
	{ POST,   "/api/ward/v1/deletion_schedules/run",          MAY_ADMIN, 4 * KiB, run,     0 },
	{ 0 }
};
