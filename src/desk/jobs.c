/* jobs.c - bulk work in the background, item by item, each exactly once.
 *
 * One thread takes the oldest unfinished job. An item's work, its result and
 * the job's progress are one transaction; a crash between two items loses
 * neither and repeats neither: at start the thread goes on after the last
 * item that was committed. An item that fails on its own input is rolled back
 * and its failure recorded; one that fails on the machine (disk, database) is
 * tried again until it works.
 */
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "desk/in.h"

enum state { QUEUED = 0, WORKING, COMPLETED, FAILED, KILLED };
static const char *const states[] = { "queued", "working", "completed", "failed", "killed" };
#define IN_FLIGHT_MAX 30
#define KEPT_FOR ((usec)24 * 3600 * SECOND)
#define FAILED_KEPT_FOR (30 * KEPT_FOR)

static const char *const titles[] = {
	[JOB_TICKETS_CREATE] = "Bulk Create Ticket", [JOB_TICKETS_UPDATE] = "Bulk Update Ticket",
	[JOB_TICKETS_DELETE] = "Bulk Delete Ticket", [JOB_TICKETS_PURGE] = "Bulk Permanently Delete Ticket",
	[JOB_USERS_CREATE] = "Bulk Create User", [JOB_USERS_UPSERT] = "Bulk Create Or Update User",
	[JOB_USERS_UPDATE] = "Bulk Update User", [JOB_USERS_DELETE] = "Bulk Delete User",
	[JOB_ORGS_CREATE] = "Bulk Create Organization", [JOB_ORGS_UPDATE] = "Bulk Update Organization",
	[JOB_ORGS_DELETE] = "Bulk Delete Organization", [JOB_TICKETS_MERGE] = "Bulk Merge Ticket",
	[JOB_TICKETS_SPAM] = "Bulk Mark Ticket As Spam", [JOB_TICKETS_IMPORT] = "Bulk Import Ticket",
	[JOB_SKILLS] = "Bulk upsert/update/delete agent instance values",
	[JOB_INCIDENTS_SOLVE] = "Solve Incidents", [JOB_MEMBERS_CREATE] = "Bulk Create Group Membership",
	[JOB_MEMBERS_DELETE] = "Bulk Delete Group Membership", [JOB_ORG_MEMBERS_CREATE] = "Bulk Create Organization Membership",
	[JOB_ORG_MEMBERS_DELETE] = "Bulk Delete Organization Membership", [JOB_FIELD_REINDEX] = "Index Custom Field",
};

static const struct stmt insert_job = {
	.name = "job.insert",
	.sql  = "INSERT INTO job (account_id, id, uid, key_id, kind, state, owner_id, total, progress, created_at, updated_at,"
	        " payload) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 0, $8, $9, $10)",
	.in   = "iitiiiiiiS", .seal_in = { { "job", "payload", 1 } },
};

#define COLS "j.id, j.uid, j.kind, j.state, j.owner_id, j.total, j.progress, j.created_at, j.updated_at, j.failed"
#define OUT "itiiiiiiii"
static const struct stmt get_job = {
	.name = "job.get",
	.sql  = "SELECT " COLS " FROM job j WHERE j.account_id = $1 AND j.uid = $2",
	.in   = "it", .out = OUT,
};

static const struct stmt list_jobs = {
	.name = "job.list",
	.sql  = "SELECT " COLS " FROM job j WHERE j.account_id = $1 ORDER BY j.id DESC LIMIT 100",
	.in   = "i", .out = OUT,
};

static const struct stmt list_failed = {
	.name = "job.list_failed",
	.sql  = "SELECT " COLS " FROM job j WHERE j.account_id = $1 AND j.failed > 0 ORDER BY j.id DESC LIMIT 100",
	.in   = "i", .out = OUT,
};

static const struct stmt note_failed = {
	.name = "job.note_failed",
	.sql  = "UPDATE job SET failed = failed + 1 WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt get_payload = {
	.name = "job.payload",
	.sql  = "SELECT j.id, j.key_id, j.kind, j.state, j.failed, j.payload FROM job j WHERE j.account_id = $1 AND j.id = $2",
	.in   = "ii", .out = "iiiiiS", .seal_out = { { "job", "payload", 0 } },
};

static const struct stmt set_payload = {
	.name = "job.set_payload",
	.sql  = "UPDATE job SET key_id = $3, failed = $4, payload = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iiiiS", .seal_in = { { "job", "payload", 1 } },
};

static const struct stmt in_flight = {
	.name = "job.in_flight",
	.sql  = "SELECT count(*) FROM job j WHERE j.account_id = $1 AND j.state < 2",
	.in   = "i", .out = "i",
};

static const struct stmt next_job = {
	.name = "job.next",
	.sql  = "SELECT j.id, j.kind, j.owner_id, j.total, j.progress, j.uid, j.key_id, j.payload FROM job j"
	        " WHERE j.account_id = $1 AND j.state < 2 ORDER BY j.id LIMIT 1",
	.in   = "i", .out = "iiiiitiS", .seal_out = { { "job", "payload", 0 } },
};

static const struct stmt set_state = {
	.name = "job.set_state",
	.sql  = "UPDATE job SET state = $3, progress = $4, updated_at = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iiiii",
};

static const struct stmt insert_result = {
	.name = "job_result.insert",
	.sql  = "INSERT INTO job_result (account_id, job_id, n, result) VALUES ($1, $2, $3, $4)",
	.in   = "iiit",
};

static const struct stmt results = {
	.name = "job_result.all",
	.sql  = "SELECT result FROM job_result WHERE account_id = $1 AND job_id = $2 ORDER BY n",
	.in   = "ii", .out = "t",
};

static const struct stmt old_jobs = {
	.name = "job.old",
	.sql  = "SELECT id, key_id FROM job WHERE account_id = $1 AND state >= 2 AND updated_at < $2"
	        " AND (failed = 0 OR updated_at < $3) ORDER BY id LIMIT 100",
	.in   = "iii", .out = "ii",
};

static const struct stmt drop_results = {
	.name = "job_result.delete",
	.sql  = "DELETE FROM job_result WHERE account_id = $1 AND job_id = $2",
	.in   = "ii",
};

static const struct stmt drop_job = {
	.name = "job.delete",
	.sql  = "DELETE FROM job WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt find_reply = {
	.name = "idempotency.find",
	.sql  = "SELECT id, body_hash, created_at, reply FROM idempotency WHERE account_id = $1 AND key_x = $2",
	.in   = "iX", .out = "ibiS", .seal_out = { { "idempotency", "reply", 0 } }, .blind = { "idempotency.key" },
};

static const struct stmt keep_reply = {
	.name = "idempotency.keep",
	.sql  = "INSERT INTO idempotency (account_id, key_x, id, ticket_id, key_id, body_hash, created_at, reply)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.in   = "iXiiiXiS", .seal_in = { { "idempotency", "reply", 2 } },
	.blind = { "idempotency.key", "idempotency.body" },
};

static const struct stmt old_replies = {
	.name = "idempotency.old",
	.sql  = "SELECT id, key_id FROM idempotency WHERE account_id = $1 AND created_at < $2 ORDER BY created_at LIMIT 100",
	.in   = "ii", .out = "ii",
};

static const struct stmt drop_reply = {
	.name = "idempotency.delete",
	.sql  = "DELETE FROM idempotency WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt *const job_stmts[] = {
	&insert_job, &get_job, &list_jobs, &list_failed, &note_failed, &get_payload, &set_payload, &in_flight, &next_job, &set_state, &insert_result, &results, &old_jobs,
	&drop_results, &drop_job, &find_reply, &keep_reply, &old_replies, &drop_reply, NULL
};

/* ---- making and reading ------------------------------------------------------------------------------------ */

struct making { enum job_kind kind; int total; sensitive payload; bool follows; struct job out; };

static void
wake(struct sys *sys, void *arg);

static enum err
create_tx(struct ctx *cx, void *arg)
{
	struct making *m = arg;
	unsigned char r[16];
	int64_t key;
	struct row row;

	TRY(store_one(cx, &in_flight, ARGS(INT(cx->account)), &row));
	if (row_int(&row, 0) >= IN_FLIGHT_MAX && !m->follows)
		return fail(cx, E_LIMIT, "jobs", "30 jobs are queued or running; wait for one to end");
	rand_bytes(r, sizeof r);
	m->out = (struct job){ .uid = str_printf(cx->arena, "V3-" STR_F, STR_A(hex_of(cx->arena, (str){ (char *)r, 16 }))),
	    .type = str_of(titles[m->kind]), .state = str_of(states[QUEUED]), .total = m->total,
	    .owner_id = cx->actor->user_id, .created_at = cx->now, .updated_at = cx->now };
	TRY(store_next_id(cx, "job", &m->out.id));
	TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &insert_job, ARGS(INT(cx->account), INT(m->out.id), TEXT(m->out.uid), INT(key), INT(m->kind),
	    INT(m->out.owner_id), INT(m->total), INT(cx->now), INT(cx->now), SEALED(key, m->payload)), NULL));
	store_after(cx, wake, NULL);
	return trail_append(cx, &(struct event){ .action = "job.create", .object = "job", .id = m->out.id,
	    .cause = titles[m->kind] });
}

enum err
job_create(struct ctx *cx, enum job_kind kind, int total, sensitive payload, struct job *out)
{
	struct making m = { .kind = kind, .total = total, .payload = payload };

	TRY(gate_may(cx, MAY_READ_JOBS, NULL));
	TRY(store_write(cx, create_tx, &m));
	*out = m.out;
	return OK;
}

enum err
job_follow(struct ctx *cx, enum job_kind kind, int total, sensitive payload, struct job *out)
{
	struct making m = { .kind = kind, .total = total, .payload = payload, .follows = true };

	TRY(store_write(cx, create_tx, &m));
	*out = m.out;
	return OK;
}

static enum err
job_from_row(struct ctx *cx, const struct row *r, struct job *j)
{
	int64_t kind = row_int(r, 2), state = row_int(r, 3);
	struct rows rs;

	*j = (struct job){ .id = row_int(r, 0), .uid = row_str(r, 1), .owner_id = row_int(r, 4), .total = row_int(r, 5),
	    .progress = row_int(r, 6), .created_at = row_int(r, 7), .updated_at = row_int(r, 8),
	    .failed = row_int(r, 9) };
	j->type = str_of(kind > 0 && (size_t)kind < COUNT(titles) ? titles[kind] : "Job");
	j->state = str_of((size_t)state < COUNT(states) ? states[state] : "failed");
	if (state >= COMPLETED) {
		struct buf b;
		int y, mo, d, h, mi, s;
		time_civil(j->updated_at, &y, &mo, &d, &h, &mi, &s);
		j->message = str_printf(cx->arena, "%s at %04d-%02d-%02d %02d:%02d:%02d +0000",
		    state == COMPLETED ? "Completed" : "Failed", y, mo, d, h, mi, s);
		TRY(store_all(cx, &results, ARGS(INT(cx->account), INT(j->id)), &rs));
		buf_init(&b, cx->arena, 4 * MiB);
		buf_byte(&b, '[');
		for (int i = 0; i < rs.count; i++) {
			if (i)
				buf_byte(&b, ',');
			buf_add(&b, row_str(&rs.row[i], 0));
		}
		buf_byte(&b, ']');
		j->results = buf_str(&b);
	}
	return OK;
}

/* One's own jobs; admins see all. */
static bool
theirs(const struct ctx *cx, int64_t owner)
{
	return cx->actor->role >= ROLE_ADMIN || cx->actor->user_id == owner;
}

enum err
job_get(struct ctx *cx, str uid, struct job *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_JOBS, NULL));
	TRY(store_one(cx, &get_job, ARGS(INT(cx->account), TEXT(uid)), &r));
	if (!theirs(cx, row_int(&r, 4)))
		return fail(cx, E_ABSENT, NULL, "no such job");
	return job_from_row(cx, &r, out);
}

enum err
job_list(struct ctx *cx, struct job **out, int *count)
{
	struct rows rs;
	int n = 0;

	TRY(gate_may(cx, MAY_READ_JOBS, NULL));
	TRY(store_all(cx, &list_jobs, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct job, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		if (theirs(cx, row_int(&rs.row[i], 4)))
			TRY(job_from_row(cx, &rs.row[i], &(*out)[n++]));
	*count = n;
	return OK;
}

enum err
job_list_failed(struct ctx *cx, struct job **out, int *count)
{
	struct rows rs;
	int n = 0;

	TRY(gate_may(cx, MAY_READ_JOBS, NULL));
	TRY(store_all(cx, &list_failed, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct job, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		if (theirs(cx, row_int(&rs.row[i], 4)))
			TRY(job_from_row(cx, &rs.row[i], &(*out)[n++]));
	*count = n;
	return OK;
}

static bool
item_failed(str result)
{
	return str_find(result, S("\"success\":false")) != SIZE_MAX;
}

/* When a job is over, what it was given is needed no more: only what failed is
 * kept, for who may want it tried again, under a key of its own. */
static enum err
finish(struct ctx *cx, int64_t id)
{
	struct rows rs;
	struct row r;
	json_t *list, *kept;
	int64_t key;
	char *z;
	str text;

	TRY(store_one(cx, &get_payload, ARGS(INT(cx->account), INT(id)), &r));
	if (row_int(&r, 4) == 0)
		return store_key_destroy(cx, row_int(&r, 1));
	TRY(store_all(cx, &results, ARGS(INT(cx->account), INT(id)), &rs));
	TRY(json_parse(cx, reveal(cx, row_sensitive(&r, 5), TO_STORE), &list));
	if (!json_is_array(list))
		return OK;
	kept = json_array();
	for (int i = 0; i < rs.count; i++)
		if (item_failed(row_str(&rs.row[i], 0)))
			json_array_append(kept, json_array_get(list, (size_t)i));
	z = json_dumps(kept, JSON_COMPACT);
	json_decref(kept);
	if (z == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	text = str_dup(cx->arena, str_of(z));
	wipe(z, text.n);
	free(z);
	TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &set_payload, ARGS(INT(cx->account), INT(id), INT(key), INT(row_int(&r, 4)), SEALED(key, HIDE(text))), NULL));
	return store_key_destroy(cx, row_int(&r, 1));
}

struct again { str uid; bool drop; struct job out; };

static enum err
again_tx(struct ctx *cx, void *arg)
{
	struct again *ag = arg;
	struct making m = { 0 };
	struct row r, p;
	json_t *list;

	TRY(store_one(cx, &get_job, ARGS(INT(cx->account), TEXT(ag->uid)), &r));
	if (!theirs(cx, row_int(&r, 4)))
		return fail(cx, E_ABSENT, NULL, "no such job");
	TRY(store_one(cx, &get_payload, ARGS(INT(cx->account), INT(row_int(&r, 0))), &p));
	if (row_int(&p, 3) < COMPLETED || row_int(&p, 4) == 0)
		return fail(cx, E_CONFLICT, NULL, "the job has no item that failed, or it is not over yet");
	if (!ag->drop) {
		TRY(json_parse(cx, reveal(cx, row_sensitive(&p, 5), TO_STORE), &list));
		m.kind = (enum job_kind)row_int(&p, 2);
		m.payload = row_sensitive(&p, 5);
		m.total = json_is_array(list) ? (int)json_array_size(list) : (int)row_int(&r, 5);
		TRY(create_tx(cx, &m));
		ag->out = m.out;
	}
	/* They are the new job's now. */
	TRY(store_exec(cx, &set_payload, ARGS(INT(cx->account), INT(row_int(&p, 0)), INT(row_int(&p, 1)), INT(0),
	    SEALED(row_int(&p, 1), HIDE(S("[]")))), NULL));
	TRY(store_key_destroy(cx, row_int(&p, 1)));
	return trail_append(cx, &(struct event){ .action = ag->drop ? "job.drop_failed" : "job.retry", .object = "job", .id = row_int(&p, 0) });
}

enum err
job_retry(struct ctx *cx, str uid, struct job *out)
{
	struct again ag = { .uid = uid };

	TRY(gate_may(cx, MAY_READ_JOBS, NULL));
	TRY(store_write(cx, again_tx, &ag));
	*out = ag.out;
	return store_erase(cx);
}

enum err
job_drop_failed(struct ctx *cx, str uid)
{
	TRY(gate_may(cx, MAY_READ_JOBS, NULL));
	TRY(store_write(cx, again_tx, &(struct again){ .uid = uid, .drop = true }));
	return store_erase(cx);
}

/* ---- the thread ------------------------------------------------------------------------------------------------ */

struct jobs {
	pthread_t       thread;
	pthread_mutex_t lock;
	pthread_cond_t  more;
	bool            stop, waiting;
	job_item       *run;
	struct sys     *sys;
	int64_t         account;
};

static void
wake(struct sys *sys, void *arg)
{
	struct jobs *j = sys->jobs;

	(void)arg;
	if (j == NULL)
		return;
	pthread_mutex_lock(&j->lock);
	j->waiting = true;
	pthread_cond_signal(&j->more);
	pthread_mutex_unlock(&j->lock);
}

static bool
stopped(struct jobs *j)
{
	bool s;

	pthread_mutex_lock(&j->lock);
	s = j->stop;
	pthread_mutex_unlock(&j->lock);
	return s;
}

struct item {
	int64_t job, total;
	int     index;
	enum job_kind kind;
	const json_t *payload;
	job_item *run;
	str result;                /* when set, the item failed and this is what to record */
	struct { enum err code; const char *why; } failed;
};

static enum err
item_tx(struct ctx *cx, void *arg)
{
	struct item *it = arg;
	str result = it->result;
	struct buf b;
	struct json j;

	if (result.n == 0) {
		buf_init(&b, cx->arena, 256 * KiB);
		jw_init(&j, &b);
		TRY(it->run(cx, it->kind, it->payload, it->index, &j));
		result = buf_str(&b);
	}
	TRY(store_exec(cx, &insert_result, ARGS(INT(cx->account), INT(it->job), INT(it->index), TEXT(result)), NULL));
	if (item_failed(result))
		TRY(store_exec(cx, &note_failed, ARGS(INT(cx->account), INT(it->job)), NULL));
	if (it->index + 1 >= it->total)
		TRY(finish(cx, it->job));
	return store_exec(cx, &set_state, ARGS(INT(cx->account), INT(it->job), INT(WORKING), INT(it->index + 1), INT(cx->now)), NULL);
}

static enum err
complete_tx(struct ctx *cx, void *arg)
{
	struct item *it = arg;

	return store_exec(cx, &set_state, ARGS(INT(cx->account), INT(it->job), INT(COMPLETED), INT(it->total), INT(cx->now)), NULL);
}

/* All items are committed. What they erased is destroyed first, so that nobody
 * reads "completed" and then still finds it; a crash in between comes back here. */
static void
complete(struct jobs *jobs, struct item *it)
{
	for (bool over = false; !over && !stopped(jobs);) {
		struct ctx cx;

		ctx_init(&cx, jobs->sys, jobs->account);
		gate_as_system(&cx, "job");
		over = store_erase(&cx) == OK && store_write(&cx, complete_tx, it) == OK;
		ctx_done(&cx);
		if (!over)
			sleep(1);
	}
}

static const char *
error_word(enum err e)
{
	switch (e) {
	case E_ABSENT:   return "RecordNotFound";
	case E_CONFLICT: return "UpdateConflict";
	case E_DENIED:
	case E_WHO:      return "Forbidden";
	case E_LIMIT:    return "LimitExceeded";
	default:         return "RecordInvalid";
	}
}

/* What is recorded of an item that could not be done; field names and fixed words only. */
static str
failure_of(struct ctx *cx, const struct item *it, enum err e)
{
	struct buf b, d;
	struct json j;
	json_t *one = json_array_get(it->payload, (size_t)it->index);
	json_t *id = json_is_object(one) ? json_object_get(one, "id") : one;

	buf_init(&b, cx->arena, 64 * KiB);
	buf_init(&d, cx->arena, 32 * KiB);
	for (struct bad_field *f = cx->bad; f != NULL; f = f->next)
		buf_fmt(&d, "%s%s", d.n ? ", " : "", f->why);
	if (d.n == 0 && cx->fail.why != NULL)
		buf_fmt(&d, "%s", cx->fail.why);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_kint(&j, "index", it->index);
	if (json_is_integer(id))
		jw_kint(&j, "id", json_integer_value(id));
	jw_kbool(&j, "success", false);
	jw_kz(&j, "error", error_word(e));
	jw_kstr(&j, "details", buf_str(&d));
	jw_end_obj(&j);
	return buf_str(&b);
}

/* Runs the oldest job to its end. False: nothing to do. */
static bool
run_one(struct jobs *jobs)
{
	struct ctx cx;
	struct row r;
	struct item it;
	json_t *payload = NULL;
	int64_t owner, progress;
	int tries = 0;
	enum err e;
	char cause[64];

	ctx_init(&cx, jobs->sys, jobs->account);
	gate_as_system(&cx, "job");
	e = store_one(&cx, &next_job, ARGS(INT(cx.account)), &r);
	if (e != OK) {
		ctx_done(&cx);
		if (e != E_ABSENT)
			sleep(1);
		return e != E_ABSENT;
	}
	it = (struct item){ .job = row_int(&r, 0), .kind = (enum job_kind)row_int(&r, 1), .total = row_int(&r, 3),
	    .run = jobs->run };
	owner = row_int(&r, 2);
	progress = row_int(&r, 4);
	snprintf(cause, sizeof cause, "job:%.*s", 40, row_str(&r, 5).p);
	e = json_parse(&cx, reveal(&cx, row_sensitive(&r, 7), TO_STORE), &payload);
	it.payload = payload;
	for (int64_t i = progress; i < it.total && !stopped(jobs); i++) {
		struct ctx one;
		ctx_init(&one, jobs->sys, jobs->account);
		one.via = "api";
		one.request_id = str_of(cause);
		it.index = (int)i;
		it.result = S("");
		if (e == OK)
			e = gate_as_user(&one, owner, "job");
		if (e == OK)
			e = store_write(&one, item_tx, &it);
		if (e == OK && it.kind == JOB_TICKETS_PURGE)
			(void)!store_erase(&one);     /* else complete() does it, or the next start */
		/* The machine's fault: again, for ten minutes; then the item has failed and the job goes on. */
		if ((e == E_FAULT || e == E_BUSY) && ++tries < 600) {
			log_line(LOG_LV_WARN, "jobs", "job %lld item %d will be tried again: %s", (long long)it.job, it.index,
			    one.fail.why ? one.fail.why : err_name(e));
			ctx_done(&one);
			e = OK;
			i--;
			sleep(1);
			continue;
		}
		tries = 0;
		if (e != OK) {
			it.result = failure_of(&one, &it, e);
			fail_forget(&one);
			one.bad = NULL;
			one.bad_end = &one.bad;
			gate_as_system(&one, "job");
			e = store_write(&one, item_tx, &it);
			if (e != OK) {
				e = OK;
				i--;
				sleep(1);
			}
		}
		ctx_done(&one);
	}
	if (!stopped(jobs))
		complete(jobs, &it);
	ctx_done(&cx);
	return true;
}

struct sweep { int jobs, replies; };

static enum err
sweep_tx(struct ctx *cx, void *arg)
{
	struct sweep *s = arg;
	struct rows rs;

	TRY(store_all(cx, &old_jobs, ARGS(INT(cx->account), INT(cx->now - KEPT_FOR), INT(cx->now - FAILED_KEPT_FOR)), &rs));
	for (int i = 0; i < rs.count; i++) {
		TRY(store_key_destroy(cx, row_int(&rs.row[i], 1)));
		TRY(store_exec(cx, &drop_results, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0))), NULL));
		TRY(store_exec(cx, &drop_job, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0))), NULL));
	}
	s->jobs = rs.count;
	TRY(store_all(cx, &old_replies, ARGS(INT(cx->account), INT(cx->now - (usec)2 * 3600 * SECOND)), &rs));
	for (int i = 0; i < rs.count; i++) {
		TRY(store_key_destroy(cx, row_int(&rs.row[i], 1)));
		TRY(store_exec(cx, &drop_reply, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0))), NULL));
	}
	s->replies = rs.count;
	return drafts_sweep(cx);
}

/* Old jobs, stored replies, drafts and uploads that nobody ended or claimed go; at the start and once a minute. */
static void
sweep(struct jobs *jobs)
{
	struct ctx cx;
	struct sweep s = { 0, 0 };

	ctx_init(&cx, jobs->sys, jobs->account);
	gate_as_system(&cx, "job");
	/* Also what others noted and left: the key of a tag whose last ticket lost it. */
	if (uploads_sweep(&cx) != OK) {
		log_line(LOG_LV_WARN, "desk", "sweeping uploads will be tried again");
		fail_forget(&cx);
	}
	if (store_write(&cx, sweep_tx, &s) == OK)
		if (store_erase(&cx) != OK)
			log_line(LOG_LV_WARN, "desk", "erasing what was to be erased will be tried again");
	ctx_done(&cx);
}

static void *
jobs_main(void *arg)
{
	struct jobs *j = arg;
	usec swept = time_mono() - 60 * SECOND;         /* the first time when it has started */

	while (!stopped(j)) {
		struct timespec until;
		if (run_one(j))
			continue;
		if (time_mono() - swept > 60 * SECOND) {
			sweep(j);
			swept = time_mono();
		}
		pthread_mutex_lock(&j->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 5;
		if (!j->waiting && !j->stop)
			pthread_cond_timedwait(&j->more, &j->lock, &until);
		j->waiting = false;
		pthread_mutex_unlock(&j->lock);
	}
	return NULL;
}

enum err
jobs_open(struct ctx *cx, job_item *run, struct jobs **out)
{
	struct jobs *j = calloc(1, sizeof *j);

	if (j == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->more, NULL);
	j->run = run;
	j->sys = cx->sys;
	j->account = cx->account;
	*out = cx->sys->jobs = j;
	if (pthread_create(&j->thread, NULL, jobs_main, j) != 0) {
		cx->sys->jobs = *out = NULL;
		free(j);
		return fail(cx, E_FAULT, NULL, "the job thread cannot be started");
	}
	return OK;
}

void
jobs_close(struct jobs **jobs)
{
	struct jobs *j = *jobs;

	if (j == NULL)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_signal(&j->more);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	j->sys->jobs = NULL;
	pthread_cond_destroy(&j->more);
	pthread_mutex_destroy(&j->lock);
	free(j);
	*jobs = NULL;
}

/* ---- idempotency ---------------------------------------------------------------------------------------------------- */

enum err
idempotency_find(struct ctx *cx, str key, str body, str *reply)
{
	unsigned char x[16];
	struct row r;

	TRY(store_one(cx, &find_reply, ARGS(INT(cx->account), BLIND(HIDE(key))), &r));
	if (row_int(&r, 2) < cx->now - (usec)2 * 3600 * SECOND)
		return fail(cx, E_ABSENT, NULL, "expired");
	TRY(cx->sys->codec->blind(cx, "idempotency.body", body, x));
	if (!str_eq(row_str(&r, 1), (str){ (char *)x, sizeof x }))
		return fail(cx, E_CONFLICT, NULL, "Request parameters don't match the given idempotency key");
	*reply = reveal(cx, row_sensitive(&r, 3), TO_STORE);
	return OK;
}

enum err
idempotency_keep(struct ctx *cx, str key, str body, str reply, int64_t ticket_id)
{
	int64_t id, data_key;

	TRY(store_next_id(cx, "idempotency", &id));
	TRY(store_key_new(cx, &data_key));
	return store_exec(cx, &keep_reply, ARGS(INT(cx->account), BLIND(HIDE(key)), INT(id), INT(ticket_id), INT(data_key),
	    BLIND(HIDE(body)), INT(cx->now), SEALED(data_key, HIDE(reply))), NULL);
}
