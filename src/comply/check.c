/* check.c - verifications of the trail that somebody asked for on screen: one
 * thread, one at a time, the result kept in a row and in the trail itself. */
#include <pthread.h>
#include <stdlib.h>

#include "comply/comply.h"
#include "gate/gate.h"
#include "trail/trail.h"

#define COLS "id, user_id, state, started_at, ended_at, events, checkpoints, bad_seq, why, head"
#define OUT "iiiii?iiitb"

static const struct stmt check_new = {
	.name = "trail_check.insert",
	.sql  = "INSERT INTO trail_check (account_id, id, user_id, state, started_at, events, checkpoints, bad_seq, why, head)"
	        " VALUES ($1, $2, $3, 1, $4, 0, 0, 0, '', $5)",
	.in   = "iiiib",
};

static const struct stmt check_end = {
	.name = "trail_check.end",
	.sql  = "UPDATE trail_check SET state = $3, ended_at = $4, events = $5, checkpoints = $6, bad_seq = $7, why = $8, head = $9"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiiiiiitb",
};

static const struct stmt check_lost = {
	.name = "trail_check.lost",
	.sql  = "UPDATE trail_check SET state = 4, ended_at = $2, why = 'the server was stopped' WHERE account_id = $1 AND state = 1",
	.in   = "ii",
};

static const struct stmt check_one = {
	.name = "trail_check.get",
	.sql  = "SELECT " COLS " FROM trail_check WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = OUT,
};

static const struct stmt check_newest = {
	.name = "trail_check.list",
	.sql  = "SELECT " COLS " FROM trail_check WHERE account_id = $1 ORDER BY id DESC LIMIT 50",
	.in   = "i", .out = OUT,
};

/* Beside their use in setup.c. */
extern const struct stmt setup_all, setup_save;

const struct stmt *const comply_stmts[] = { &check_new, &check_end, &check_lost, &check_one, &check_newest, &setup_all, &setup_save, NULL };

struct checks {
	struct sys      *sys;
	int64_t          account;
	pthread_mutex_t  lock;           /* of starting */
	pthread_t        thread;
	bool             begun;          /* thread is to be joined */
	_Atomic int64_t  running;        /* id; 0: none */
	atomic_bool      stop;
	struct trail_progress progress;
};

const char *
check_state_name(enum check_state s)
{
	static const char *const names[] = { "?", "running", "good", "wrong", "failed" };

	return s >= CHECK_RUNNING && s <= CHECK_FAILED ? names[s] : "failed";
}

static void
from_row(struct ctx *cx, const struct row *r, struct trail_check *out)
{
	struct checks *c = cx->sys->checks;

	*out = (struct trail_check){ .id = row_int(r, 0), .user_id = row_int(r, 1), .state = (enum check_state)row_int(r, 2),
	    .started_at = row_int(r, 3), .ended_at = row_int(r, 4), .events = row_int(r, 5), .checkpoints = row_int(r, 6),
	    .bad_seq = row_int(r, 7), .why = row_str(r, 8), .head = row_str(r, 9) };
	if (c != NULL && out->state == CHECK_RUNNING && atomic_load(&c->running) == out->id) {
		out->done = atomic_load(&c->progress.done);
		out->of = atomic_load(&c->progress.of);
	}
}

/* ---- the thread ---------------------------------------------------------------------------------------------- */

struct ended { int64_t id; enum check_state state; struct trail_verdict v; str why; };

static enum err
end_tx(struct ctx *cx, void *arg)
{
	struct ended *e = arg;
	struct trail_field f[] = {
		{ .name = "result", .after = HIDE(str_of(check_state_name(e->state))), .has_after = true },
		{ .name = "events", .after = HIDE(str_printf(cx->arena, "%lld", (long long)e->v.events)), .has_after = true },
	};

	TRY(store_exec(cx, &check_end, ARGS(INT(cx->account), INT(e->id), INT(e->state), INT(time_now()), INT(e->v.events),
	    INT(e->v.checkpoints), INT(e->v.bad_seq), TEXT(e->why), BYTES(((str){ (const char *)e->v.head, 32 }))), NULL));
	return trail_append(cx, &(struct event){ .action = "trail.verified", .object = "trail_check", .id = e->id, .field = f,
	    .count = COUNT(f) });
}

static void *
verify(void *arg)
{
	struct checks *c = arg;
	struct ended end = { .id = atomic_load(&c->running) };
	struct ctx cx;
	enum err e;

	ctx_init(&cx, c->sys, c->account);
	cx.stop = &c->stop;
	gate_as_system(&cx, "check");
	e = trail_verify_watched(&cx, &c->progress, &end.v);
	end.state = e != OK ? CHECK_FAILED : end.v.ok ? CHECK_GOOD : CHECK_WRONG;
	end.why = str_of(e != OK ? cx.fail.why : end.v.why);
	fail_clear(&cx);
	if (store_write(&cx, end_tx, &end) != OK)
		log_line(LOG_LV_ERROR, "comply", "the result of a verification could not be kept");
	if (end.state == CHECK_WRONG)
		log_line(LOG_LV_ERROR, "comply", "the trail is not what was written, from event %lld on", (long long)end.v.bad_seq);
	ctx_done(&cx);
	atomic_store(&c->running, 0);
	return NULL;
}

static enum err
lost_tx(struct ctx *cx, void *arg)
{
	(void)arg;
	return store_exec(cx, &check_lost, ARGS(INT(cx->account), INT(cx->now)), NULL);
}

enum err
checks_open(struct ctx *cx, struct checks **out)
{
	struct checks *c;
	struct rows rs;

	TRY(store_all(cx, &check_newest, ARGS(INT(cx->account)), &rs));
	if (rs.count > 0 && row_int(&rs.row[0], 2) == CHECK_RUNNING)
		TRY(store_write(cx, lost_tx, NULL));
	if ((c = calloc(1, sizeof *c)) == NULL)
		return fail(cx, E_FAULT, "trail", "no memory");
	c->sys = cx->sys;
	c->account = cx->account;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return OK;
}

void
checks_close(struct checks **cp)
{
	struct checks *c = *cp;

	if (c == NULL)
		return;
	c->stop = true;
	if (c->begun)
		pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->lock);
	free(c);
	*cp = NULL;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static enum err
start_tx(struct ctx *cx, void *arg)
{
	static const unsigned char none[32];
	int64_t *id = arg;

	TRY(store_next_id(cx, "trail_check", id));
	TRY(store_exec(cx, &check_new, ARGS(INT(cx->account), INT(*id), INT(cx->actor->user_id), INT(cx->now),
	    BYTES(((str){ (const char *)none, sizeof none }))), NULL));
	return trail_append(cx, &(struct event){ .action = "trail.verify", .object = "trail_check", .id = *id });
}

static enum err
start(struct ctx *cx, struct checks *c, int64_t *id)
{
	if (atomic_load(&c->running) != 0)
		return fail(cx, E_CONFLICT, NULL, "the trail is being verified already");
	if (c->begun)
		pthread_join(c->thread, NULL);
	c->begun = false;
	TRY(store_write(cx, start_tx, id));
	atomic_store(&c->progress.done, 0);
	atomic_store(&c->progress.of, 0);
	atomic_store(&c->running, *id);
	c->begun = pthread_create(&c->thread, NULL, verify, c) == 0;
	if (c->begun)
		return OK;
	atomic_store(&c->running, 0);
	TRY(store_write(cx, lost_tx, NULL));
	return fail(cx, E_BUSY, NULL, "no thread to verify with; try again");
}

enum err
check_start(struct ctx *cx, struct trail_check *out)
{
	struct checks *c = cx->sys->checks;
	int64_t id = 0;
	enum err e;

	TRY(gate_may(cx, MAY_READ_TRAIL, NULL));
	if (cx->actor->read_only)
		return fail(cx, E_DENIED, NULL, "this token may only read");
	if (c == NULL)
		return fail(cx, E_BUSY, NULL, "only a running server verifies");
	pthread_mutex_lock(&c->lock);
	e = start(cx, c, &id);
	pthread_mutex_unlock(&c->lock);
	TRY(e);
	return check_get(cx, id, out);
}

enum err
check_get(struct ctx *cx, int64_t id, struct trail_check *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_TRAIL, NULL));
	TRY(store_one(cx, &check_one, ARGS(INT(cx->account), INT(id)), &r));
	from_row(cx, &r, out);
	return OK;
}

enum err
check_list(struct ctx *cx, struct trail_check **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_TRAIL, NULL));
	TRY(store_all(cx, &check_newest, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct trail_check, rs.count + 1);
	*count = rs.count;
	for (int i = 0; i < rs.count; i++)
		from_row(cx, &rs.row[i], &(*out)[i]);
	return OK;
}
