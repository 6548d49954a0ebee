/* proof.c - /api/ward/v1/trail: its state, verifying it, the signed export. */
#include <sys/mman.h>
#include <unistd.h>

#include "api/in.h"

#define EXPORT_MAX (60 * MiB)       /* more goes by `ward trail export` */

static void
json_check(struct json *j, struct ctx *cx, const struct trail_check *c)
{
	jw_obj(j);
	jw_kint(j, "id", c->id);
	jw_kz(j, "state", check_state_name(c->state));
	jw_kid(j, "user_id", c->user_id);
	jw_ktime(j, "started_at", c->started_at);
	jw_ktime(j, "ended_at", c->ended_at);
	jw_kint(j, "done", c->state == CHECK_RUNNING ? c->done : c->events);
	jw_kint(j, "of", c->state == CHECK_RUNNING ? c->of : c->events);
	jw_kint(j, "events", c->events);
	jw_kint(j, "checkpoints", c->checkpoints);
	jw_kid(j, "wrong_from", c->bad_seq);
	jw_kz(j, "why", c->why.n ? z_of(cx, c->why) : NULL);
	jw_kz(j, "head", c->state == CHECK_GOOD || c->state == CHECK_WRONG ? z_of(cx, hex_of(cx->arena, c->head)) : NULL);
	jw_end_obj(j);
}

static enum err
state(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	unsigned char pub[32];
	int64_t events, seq = 0;
	str note = S("");
	struct json j;
	enum err e;

	(void)rq;
	TRY(trail_count(cx, &events));
	e = trail_last_note(cx, &note, &seq, pub);
	if (e == E_ABSENT)
		fail_forget(cx);
	else
		TRY(e);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "trail");
	jw_obj(&j);
	jw_kint(&j, "events", events);
	jw_kstr(&j, "public_key", base64_of(cx->arena, (str){ (char *)pub, sizeof pub }));
	jw_kz(&j, "checkpoint", note.n ? z_of(cx, note) : NULL);
	jw_kint(&j, "checkpoint_covers", seq);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
checks(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct trail_check *c;
	struct json j;
	int n;

	(void)rq;
	TRY(check_list(cx, &c, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "verifications");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_check(&j, cx, &c[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
one(struct ctx *cx, struct http_reply *rp, int status, const struct trail_check *c)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "verification");
	json_check(&j, cx, c);
	jw_end_obj(&j);
	return OK;
}

static enum err
check_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct trail_check c;

	TRY(check_get(cx, rq->param[0], &c));
	return one(cx, rp, 200, &c);
}

static enum err
check_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct trail_check c;

	(void)rq;
	TRY(check_start(cx, &c));
	return one(cx, rp, 202, &c);
}

/* What `ward trail verify FILE` proves without the server; without values, so nothing of a patient is in it. */
static enum err
export(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	CLEANUP(fd_close) int fd = memfd_create("trail", MFD_CLOEXEC);
	bool as_csv = api_query_is(rq, "format", "csv");
	int64_t events, count;
	off_t size;
	void *map;

	if (http_query(rq, "format") != NULL && !as_csv && !api_query_is(rq, "format", "jsonl"))
		return api_error(rp, 400, "InvalidValue", "Parameter format must be jsonl or csv");
	TRY(trail_count(cx, &count));
	if (count > (int64_t)(EXPORT_MAX / 600))
		return api_error(rp, 413, "TooLarge", "The trail is too long for one answer; on the server: ward trail export > FILE");
	if (fd < 0)
		return fail(cx, E_BUSY, NULL, "no room for an export");
	TRY(trail_export(cx, fd, as_csv ? TRAIL_CSV : TRAIL_JSONL, false, &events));
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || (size_t)size > EXPORT_MAX)
		return api_error(rp, 413, "TooLarge", "The trail is too long for one answer; on the server: ward trail export > FILE");
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return fail(cx, E_BUSY, NULL, "no room for an export");
	rp->status = 200;
	rp->type = as_csv ? "text/csv; charset=utf-8" : "application/jsonl";
	http_head(rp, "Content-Disposition", as_csv ? S("attachment; filename=\"trail-signed.csv\"") : S("attachment; filename=\"trail.jsonl\""));
	buf_add(&rp->body, (str){ map, (size_t)size });
	munmap(map, (size_t)size);
	return OK;
}

const struct route proof_routes[] = {
	{ GET,  "/api/ward/v1/trail",                    MAY_READ_TRAIL, 0,       state,      0 },
	{ GET,  "/api/ward/v1/trail/export",             MAY_READ_TRAIL, 0,       export,     0 },
	{ GET,  "/api/ward/v1/trail/verifications",      MAY_READ_TRAIL, 0,       checks,     0 },
	{ POST, "/api/ward/v1/trail/verifications",      MAY_READ_TRAIL, 4 * KiB, check_post, 0 },
	{ GET,  "/api/ward/v1/trail/verifications/{id}", MAY_READ_TRAIL, 0,       check_show, 0 },
	{ 0 }
};
