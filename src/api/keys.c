/* keys.c - /api/ward/v1/keys: what is known of the keys, and rotating them. */
#include "api/in.h"

/* The last time that the trail tells of this; 0: never. */
static enum err
last_time(struct ctx *cx, const char *action, usec *at)
{
	struct trail_filter f = { .kind = TRAIL_CHANGE, .action = str_of(action), .limit = 1 };
	struct trail_event *e;
	int n;

	TRY(trail_list(cx, &f, &e, &n));
	*at = n > 0 ? e[0].at : 0;
	return OK;
}

static void
json_rotation(struct json *j, const struct key_rotation *r)
{
	static const char *const states[] = { "idle", "running", "done", "failed" };

	jw_obj(j);
	jw_kz(j, "state", states[r->state]);
	jw_kint(j, "total", r->total < 0 ? 0 : r->total);
	jw_kint(j, "left", r->left < 0 ? 0 : r->left);
	jw_kint(j, "percent", r->state == KEYS_DONE ? 100 : r->total > 0 ? (r->total - r->left) * 100 / r->total : 0);
	jw_ktime(j, "started_at", r->started_at);
	jw_ktime(j, "ended_at", r->ended_at);
	if (r->why.n)
		jw_kstr(j, "why", r->why);
	else
		jw_knull(j, "why");
	jw_end_obj(j);
}

static enum err
reply(struct ctx *cx, struct http_reply *rp, int status)
{
	struct setup_note notes[SETUP_STEPS];
	unsigned char pub[32];
	struct key_state k;
	struct trail_event *first;
	usec root, account;
	int n;
	struct json j;
	str note, print;
	int64_t seq;
	enum err e;

	if (api_of(cx)->conf.keys_state == NULL)
		return fail(cx, E_BUSY, NULL, "only a running server knows its keys");
	TRY(api_of(cx)->conf.keys_state(cx, &k));
	TRY(last_time(cx, "key.rotate_root", &root));
	TRY(last_time(cx, "key.rotate_account", &account));
	TRY(trail_list(cx, &(struct trail_filter){ .oldest_first = true, .limit = 1 }, &first, &n));
	TRY(setup_notes(cx, notes));
	e = trail_last_note(cx, &note, &seq, pub);
	if (e == E_ABSENT)
		fail_forget(cx);
	else
		TRY(e);
	print = hex_of(cx->arena, (str){ (char *)k.print, sizeof k.print });
	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "keys");
	jw_obj(&j);
	jw_key(&j, "root");
	jw_obj(&j);
	jw_kz(&j, "kind", k.passphrase ? "passphrase" : "file");
	jw_kstr(&j, "path", k.root_path);
	jw_kbool(&j, "in_data_folder", k.in_data_folder);
	jw_ktime(&j, "rotated_at", root);
	jw_ktime(&j, "copy_checked_at", notes[SETUP_BACKUP].state == SETUP_PROVEN && str_eq(notes[SETUP_BACKUP].proof, print)
	    ? notes[SETUP_BACKUP].at : 0);
	jw_end_obj(&j);
	jw_key(&j, "account");
	jw_obj(&j);
	jw_kint(&j, "version", k.account_version);
	jw_kint(&j, "versions", k.account_versions);
	jw_ktime(&j, "rotated_at", account);
	jw_end_obj(&j);
	jw_key(&j, "data");
	jw_obj(&j);
	jw_kint(&j, "count", k.data_keys);
	jw_kint(&j, "named", k.named_keys);
	jw_ktime(&j, "counted_at", k.counted_at);
	jw_end_obj(&j);
	jw_ktime(&j, "made_at", n > 0 ? first->at : 0);
	jw_kbool(&j, "memory_locked", k.memory_locked);
	jw_kbool(&j, "fips", k.fips);
	jw_kstr(&j, "signing_key", base64_of(cx->arena, (str){ (char *)pub, sizeof pub }));
	jw_key(&j, "rotation");
	json_rotation(&j, &k.rotation);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	return reply(cx, rp, 200);
}

static enum err
rotate(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "key", "expected_version", NULL };
	const json_t *obj, *v;
	str which;
	enum err e;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, names);
	which = json_text(cx, json_object_get(obj, "key"));
	if (!str_eq(which, S("account")) && !str_eq(which, S("root")))
		bad(cx, "key", "InvalidValue", "Key: must be account or root");
	v = json_object_get(obj, "expected_version");
	if (!json_is_integer(v))
		bad(cx, "expected_version", "BlankValue", "Expected version: is required: the account key's version that you saw");
	TRY(bad_check(cx));
	if (api_of(cx)->conf.keys_rotate == NULL)
		return fail(cx, E_BUSY, NULL, "only a running server rotates keys");
	e = api_of(cx)->conf.keys_rotate(cx, str_eq(which, S("root")), json_integer_value(v));
	if (e == E_INVALID && cx->bad == NULL) {
		bad(cx, "key", "InvalidValue", cx->fail.why);
		return bad_check(cx);
	}
	TRY(e);
	return reply(cx, rp, 202);
}

const struct route key_routes[] = {
	{ GET,  "/api/ward/v1/keys",           MAY_READ_POSTURE, 0,       show,   0 },
	{ POST, "/api/ward/v1/keys/rotations", MAY_ADMIN, 4 * KiB, rotate, 0 },
	{ 0 }
};
