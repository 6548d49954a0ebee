/* jobs.c - /api/v2/job_statuses, and what one item of each bulk job does. */
#include "api/in.h"

enum err
queue_job(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, enum job_kind kind, const json_t *list,
    const char *what)
{
	struct job job;
	struct json j;
	str payload;

	if (!json_is_array(list))
		return api_error(rp, 400, "ParameterMissing", z_of(cx, str_printf(cx->arena, "Parameter %s is required: an array", what)));
	if (json_array_size(list) > 100) {
		api_begin(rp, &j, 400);
		jw_obj(&j);
		jw_kz(&j, "error", "TooManyValues");
		if (strcmp(what, "users") == 0)
			jw_kz(&j, "description", "Maximum 100 users may be created per call");
		else {
			jw_kstr(&j, "description", str_printf(cx->arena, "Parameter %s cannot specify more than 100 values", what));
			jw_kint(&j, "max_count", 100);
		}
		jw_end_obj(&j);
		return OK;
	}
	payload = json_compact(cx, list);
	if (kind == JOB_TICKETS_CREATE || kind == JOB_TICKETS_UPDATE || kind == JOB_TICKETS_IMPORT || kind == JOB_TICKETS_MERGE)
		TRY(desk_treat_payload(cx, &payload));
	TRY(job_create(cx, kind, (int)json_array_size(list), HIDE(payload), &job));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "job_status");
	json_job(&j, cx, z_of(cx, api_base(cx, rq)), &job);
	jw_end_obj(&j);
	return OK;
}

static void
done(struct json *j, int64_t id, const char *action, const char *status)
{
	jw_obj(j);
	jw_kint(j, "id", id);
	jw_kz(j, "action", action);
	jw_kbool(j, "success", true);
	jw_kz(j, "status", status);
	jw_end_obj(j);
}

/* What the policy holds is not lost: the item's result names the suspended ticket. */
static bool
was_held(struct ctx *cx, enum err e, int index, struct json *result)
{
	if (e != E_INVALID || cx->held == 0)
		return false;
	fail_clear(cx);
	jw_obj(result);
	jw_kint(result, "index", index);
	jw_kbool(result, "success", true);
	jw_kz(result, "action", "hold");
	jw_kz(result, "status", "Suspended");
	jw_kint(result, "suspended_ticket_id", cx->held);
	jw_end_obj(result);
	return true;
}

enum err
api_job_item(struct ctx *cx, enum job_kind kind, const json_t *payload, int index, struct json *result)
{
	const json_t *one = json_array_get(payload, (size_t)index);
	struct ticket_change tc = { 0 };
	struct user_change uc = { 0 };
	struct organization o = { 0 };
	struct ticket t;
	struct user u;
	int64_t id = 0;
	unsigned has;
	bool created;
	enum err e;

	tc.cause = z_of(cx, cx->request_id);
	tc.may_hold = kind == JOB_TICKETS_CREATE || kind == JOB_TICKETS_UPDATE;
	if (kind == JOB_TICKETS_DELETE || kind == JOB_TICKETS_PURGE || kind == JOB_USERS_DELETE
	    || kind == JOB_TICKETS_SPAM || kind == JOB_ORGS_DELETE || kind == JOB_MEMBERS_DELETE || kind == JOB_ORG_MEMBERS_DELETE) {
		if (!json_id(one, &id))
			return fail(cx, E_INVALID, "id", "id must be an id");
	} else if (!json_is_object(one))
		return fail(cx, E_INVALID, NULL, "the item must be an object");
	if (kind == JOB_TICKETS_UPDATE || kind == JOB_USERS_UPDATE || kind == JOB_ORGS_UPDATE)
		if (!json_id(json_object_get(one, "id"), &id) || id == 0) {
			/* People and organizations may be named as their other system names them. */
			str external = json_text(cx, json_object_get(one, "external_id"));
			if (kind == JOB_TICKETS_UPDATE || external.n == 0)
				return fail(cx, E_INVALID, "id", "id is required");
			if (kind == JOB_USERS_UPDATE) {
				TRY(user_by_external_id(cx, external, &u));
				id = u.id;
			} else {
				TRY(org_by_external_id(cx, external, &o));
				id = o.id;
				o = (struct organization){ 0 };
			}
		}
	switch (kind) {
	case JOB_TICKETS_CREATE:
		ticket_new_fields(cx, one, &tc);
		if (was_held(cx, e = ticket_create(cx, &tc, &t, NULL), index, result))
			return OK;
		TRY(e);
		jw_obj(result);
		jw_kint(result, "index", index);
		jw_kint(result, "id", t.id);
		jw_kbool(result, "success", true);
		jw_kz(result, "action", "create");
		jw_kz(result, "status", "Created");
		jw_end_obj(result);
		return OK;
	case JOB_TICKETS_UPDATE:
		ticket_fields(cx, one, &tc);
		if (was_held(cx, e = ticket_update(cx, id, &tc, &t, NULL), index, result))
			return OK;
		TRY(e);
		done(result, id, "update", "Updated");
		return OK;
	case JOB_TICKETS_DELETE:
		TRY(ticket_delete(cx, id));
		done(result, id, "delete", "Deleted");
		return OK;
	case JOB_TICKETS_PURGE:
		TRY(ticket_purge(cx, id));
		done(result, id, "delete", "Deleted");
		return OK;
	case JOB_USERS_CREATE:
		user_fields(cx, one, &uc);
		TRY(user_create_as(cx, one, &uc, &u));
		jw_obj(result);
		jw_kint(result, "index", index);
		jw_kint(result, "id", u.id);
		jw_kbool(result, "success", true);
		jw_kz(result, "action", "create");
		jw_kz(result, "status", "Created");
		jw_end_obj(result);
		return OK;
	case JOB_USERS_UPSERT:
		(void)json_id(json_object_get(one, "id"), &id);
		user_fields(cx, one, &uc);
		TRY(user_create_or_update(cx, id, &uc, &u, &created));
		done(result, u.id, created ? "create" : "update", created ? "Created" : "Updated");
		return OK;
	case JOB_USERS_UPDATE:
		user_fields(cx, one, &uc);
		TRY(user_update(cx, id, &uc, &u));
		done(result, id, "update", "Updated");
		return OK;
	case JOB_USERS_DELETE:
		TRY(user_delete(cx, id, &u));
		done(result, id, "delete", "Deleted");
		return OK;
	case JOB_TICKETS_MERGE: {
		struct ticket_merge m = { .cause = tc.cause };
		merge_fields(cx, one, &m);
		TRY(bad_check(cx));
		TRY(ticket_merge(cx, &m));
		done(result, m.target, "merge", "Merged");
		return OK;
	}
	case JOB_TICKETS_SPAM:
		TRY(ticket_spam(cx, id));
		done(result, id, "mark_as_spam", "Deleted");
		return OK;
	case JOB_TICKETS_IMPORT: {
		struct ticket_import im = { 0 };
		import_fields(cx, one, &im);
		im.head.cause = tc.cause;
		TRY(ticket_import(cx, &im));
		jw_obj(result);
		jw_kint(result, "index", index);
		jw_kint(result, "id", im.out.id);
		jw_kbool(result, "success", true);
		jw_kz(result, "status", "Created");
		jw_end_obj(result);
		return OK;
	}
	case JOB_INCIDENTS_SOLVE: {
		int64_t problem = 0, author = 0;
		(void)json_id(json_object_get(one, "id"), &id);
		(void)json_id(json_object_get(one, "problem_id"), &problem);
		(void)json_id(json_object_get(one, "author_id"), &author);
		TRY(ticket_solve_incident(cx, id, problem, author, tc.cause));
		done(result, id, "update", "Updated");
		return OK;
	}
	case JOB_FIELD_REINDEX: {
		int64_t field = 0, from = 0;
		(void)json_id(json_object_get(one, "field"), &field);
		(void)json_id(json_object_get(one, "from"), &from);
		TRY(ticket_reindex(cx, field, from));
		done(result, from, "index", "Updated");
		return OK;
	}
	case JOB_SKILLS:
		TRY(skills_item(cx, one, &id));
		done(result, id, "update", "Updated");
		return OK;
	case JOB_ORGS_UPDATE:
		has = org_fields(cx, one, &o);
		TRY(org_update(cx, id, has, &o, &o));
		done(result, id, "update", "Updated");
		return OK;
	case JOB_ORGS_DELETE:
		TRY(org_delete(cx, id));
		done(result, id, "delete", "Deleted");
		return OK;
	case JOB_MEMBERS_CREATE: {
		struct membership m;
		int64_t user = 0, group = 0;
		if (!json_id(json_object_get(one, "user_id"), &user) || !json_id(json_object_get(one, "group_id"), &group))
			return fail(cx, E_INVALID, NULL, "user_id and group_id are required and must be ids");
		TRY(membership_create(cx, user, group, json_is_true(json_object_get(one, "default")), &m));
		done(result, m.id, "create", "Created");
		return OK;
	}
	case JOB_MEMBERS_DELETE:
		TRY(membership_delete(cx, id));
		done(result, id, "delete", "Deleted");
		return OK;
	case JOB_ORG_MEMBERS_CREATE:
		TRY(org_membership_item(cx, one, &id));
		done(result, id, "create", "Created");
		return OK;
	case JOB_ORG_MEMBERS_DELETE:
		TRY(org_membership_delete(cx, 0, id));
		done(result, id, "delete", "Deleted");
		return OK;
	case JOB_ORGS_CREATE:
		has = org_fields(cx, one, &o);
		TRY(org_create(cx, has, &o, &o));
		jw_obj(result);
		jw_kint(result, "id", o.id);
		jw_kint(result, "index", index);
		jw_kbool(result, "success", true);
		jw_kz(result, "status", "Created");
		jw_end_obj(result);
		return OK;
	}
	return fail(cx, E_INVALID, NULL, "unknown kind of job");
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct job job;
	struct json j;

	TRY(job_get(cx, rq->word[0], &job));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "job_status");
	json_job(&j, cx, z_of(cx, api_base(cx, rq)), &job);
	jw_end_obj(&j);
	return OK;
}

static enum err
jobs_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct job *job, int n)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "job_statuses");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_job(&j, cx, base, &job[i]);
	jw_end_arr(&j);
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return OK;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct job *job;
	int n;

	TRY(job_list(cx, &job, &n));
	return jobs_reply(cx, rq, rp, job, n);
}

static enum err
show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *ids = http_query(rq, "ids");
	struct job *job = NEW(cx->arena, struct job, 101);
	str rest;
	int n = 0;

	if (ids == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter ids is required: a comma-separated list");
	for (rest = *ids; rest.n && n < 100;) {
		enum err e = job_get(cx, str_trim(str_cut(&rest, ',')), &job[n]);
		if (e == OK)
			n++;
		else if (e != E_ABSENT)
			return e;
		fail_clear(cx);
	}
	return jobs_reply(cx, rq, rp, job, n);
}

const struct route job_routes[] = {
	{ GET, "/api/v2/job_statuses",           MAY_READ_JOBS, 0, list,      0 },
	{ GET, "/api/v2/job_statuses/show_many", MAY_READ_JOBS, 0, show_many, 0 },
	{ GET, "/api/v2/job_statuses/{word}",    MAY_READ_JOBS, 0, show,      0 },
	{ 0 }
};
