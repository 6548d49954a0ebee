/* setup.c - what was proven or put off of the first-run guide. */
#include "comply/comply.h"
#include "gate/gate.h"
#include "trail/trail.h"

enum { REASON_LEAST = 10, REASON_MOST = 2000 };

extern const struct stmt setup_all, setup_save;

const struct stmt setup_all = {
	.name = "setup_step.all",
	.sql  = "SELECT id, state, user_id, at, proof, reason, key_id FROM setup_step WHERE account_id = $1 ORDER BY id",
	.in   = "i", .out = "iiiitSi", .seal_out = { { "setup_step", "reason", 0 } },
};

const struct stmt setup_save = {
	.name = "setup_step.put",
	.sql  = "INSERT INTO setup_step (account_id, id, state, user_id, at, key_id, proof, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
	        " ON CONFLICT (account_id, id) DO UPDATE SET state = excluded.state, user_id = excluded.user_id, at = excluded.at,"
	        " key_id = excluded.key_id, proof = excluded.proof, reason = excluded.reason",
	.in   = "iiiiiitS", .seal_in = { { "setup_step", "reason", 1 } },
};

static const char *const names[SETUP_STEPS] = { "?", "factor", "backup", "mail", "team", "policy" };

const char *
setup_step_name(enum setup_step s)
{
	return s > 0 && s < SETUP_STEPS ? names[s] : names[0];
}

bool
setup_step_of(str name, enum setup_step *out)
{
	for (int i = 1; i < SETUP_STEPS; i++)
		if (str_eq(name, str_of(names[i]))) {
			*out = (enum setup_step)i;
			return true;
		}
	return false;
}

static enum err
load(struct ctx *cx, struct setup_note out[SETUP_STEPS], int64_t key[SETUP_STEPS])
{
	struct rows rs;

	memset(out, 0, sizeof *out * SETUP_STEPS);
	memset(key, 0, sizeof *key * SETUP_STEPS);
	TRY(store_all(cx, &setup_all, ARGS(INT(cx->account)), &rs));
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		int64_t id = row_int(r, 0);
		if (id < 1 || id >= SETUP_STEPS)
			continue;
		out[id].state = row_int(r, 1) == SETUP_PROVEN ? SETUP_PROVEN : row_int(r, 1) == SETUP_DEFERRED ? SETUP_DEFERRED : SETUP_OPEN;
		out[id].user_id = row_int(r, 2);
		out[id].at = row_int(r, 3);
		out[id].proof = row_str(r, 4);
		out[id].reason = row_sensitive(r, 5);
		key[id] = row_int(r, 6);
	}
	return OK;
}

enum err
setup_notes(struct ctx *cx, struct setup_note out[SETUP_STEPS])
{
	int64_t key[SETUP_STEPS];

	TRY(gate_may(cx, MAY_READ_POSTURE, NULL));
	return load(cx, out, key);
}

struct put { enum setup_step s; int state; str proof; sensitive reason; };

static enum err
put_tx(struct ctx *cx, void *arg)
{
	static const char *const actions[] = { "setup.reopen", "setup.prove", "setup.defer" };
	const struct put *p = arg;
	struct setup_note was[SETUP_STEPS];
	int64_t key[SETUP_STEPS];
	struct trail_field f[2] = { { .name = "step", .after = HIDE(str_of(setup_step_name(p->s))), .has_after = true },
	    { .name = "reason", .after = p->reason, .has_after = true } };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(load(cx, was, key));
	if (key[p->s] == 0)
		TRY(store_key_new(cx, &key[p->s]));
	TRY(store_exec(cx, &setup_save, ARGS(INT(cx->account), INT(p->s), INT(p->state), INT(cx->actor->user_id), INT(cx->now),
	    INT(key[p->s]), TEXT(p->proof), SEALED(key[p->s], p->reason)), NULL));
	return trail_append(cx, &(struct event){ .action = actions[p->state], .object = "setup", .id = p->s, .key = key[p->s], .field = f,
	    .count = p->state == SETUP_DEFERRED ? 2 : 1 });
}

enum err
setup_put(struct ctx *cx, enum setup_step s, int state, str proof, sensitive reason)
{
	struct put p = { s, state, proof, { str_trim(reason.hidden) } };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	if (state == SETUP_DEFERRED && (p.reason.hidden.n < REASON_LEAST || p.reason.hidden.n > REASON_MOST))
		bad(cx, "reason", "InvalidValue", "Reason: say in 10 to 2,000 characters why this waits; it goes into the trail");
	TRY(bad_check(cx));
	return store_write(cx, put_tx, &p);
}
