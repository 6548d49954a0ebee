/* setup.c - /api/ward/v1/setup: the first-run guide. Each step's state is worked
 * out from what is so at this moment; what was proven once is proven only
 * while it is still so (the same key, the same relay, the same policy). */
#include "api/in.h"
#include "flow/flow.h"

#define DIGITS 16        /* of the fingerprint that must be typed: 64 bits */

struct facts {
	struct setup_note note[SETUP_STEPS];
	bool   done[SETUP_STEPS];
	str    proof[SETUP_STEPS];             /* what proves it now; empty: needs none, or cannot be proven */
	struct factor_state factor;
	struct key_state    keys;
	struct flow_conf    mail;
	int64_t admins, agents, version;
	bool   mail_on;
};

static enum err
look(struct ctx *cx, struct facts *f)
{
	struct user_filter admins = { .role_mask = 1 << ROLE_ADMIN }, agents = { .role_mask = 1 << ROLE_AGENT };

	*f = (struct facts){ 0 };
	TRY(setup_notes(cx, f->note));
	TRY(factor_state(cx, cx->actor->user_id, &f->factor));
	if (api_of(cx)->conf.keys_state != NULL)
		TRY(api_of(cx)->conf.keys_state(cx, &f->keys));
	TRY(flow_conf_get(cx, &f->mail));
	TRY(user_count(cx, &admins, &f->admins));
	TRY(user_count(cx, &agents, &f->agents));
	f->mail_on = flow_mail_on(cx);
	f->version = policy_current(cx)->version;
	f->proof[SETUP_BACKUP] = hex_of(cx->arena, (str){ (char *)f->keys.print, sizeof f->keys.print });
	f->proof[SETUP_MAIL] = f->mail_on ? str_printf(cx->arena, STR_F ":%lld " STR_F, STR_A(f->mail.host), (long long)f->mail.port,
	    STR_A(f->mail.from)) : S("");
	f->proof[SETUP_POLICY] = str_printf(cx->arena, "version %lld", (long long)f->version);
	f->done[SETUP_FACTOR] = f->factor.set;     /* whether the agents need one, too, is theirs to choose (api/signin.c) */
	f->done[SETUP_TEAM] = f->admins + f->agents > 1;
	for (int s = 1; s < SETUP_STEPS; s++)
		if (f->proof[s].n && f->note[s].state == SETUP_PROVEN && str_eq(f->note[s].proof, f->proof[s]))
			f->done[s] = true;
	if (f->version > 0)             /* somebody wrote one and switched it on */
		f->done[SETUP_POLICY] = true;
	return OK;
}

static void
json_facts(struct json *j, struct ctx *cx, const struct facts *f, enum setup_step s)
{
	jw_key(j, "facts");
	jw_obj(j);
	switch (s) {
	case SETUP_FACTOR:
		jw_kbool(j, "set", f->factor.set);
		jw_kint(j, "recovery_codes_left", f->factor.recovery_left);
		jw_kbool(j, "all_staff", gate_setting_bool(cx, "staff_second_factor", true));
		break;
	case SETUP_BACKUP:
		jw_kz(j, "root_kind", f->keys.passphrase ? "passphrase" : "file");
		jw_kstr(j, "root_path", f->keys.root_path);
		jw_kstr(j, "data_folder", str_of(cx->sys->data));
		jw_kbool(j, "in_data_folder", f->keys.in_data_folder);
		jw_kint(j, "digits", DIGITS);
		break;
	case SETUP_MAIL:
		jw_kbool(j, "configured", f->mail_on);
		jw_kstr(j, "relay", f->proof[SETUP_MAIL]);
		break;
	case SETUP_TEAM:
		jw_kint(j, "administrators", f->admins);
		jw_kint(j, "agents", f->agents);
		break;
	case SETUP_POLICY:
		jw_kint(j, "version", f->version);
		break;
	case SETUP_STEPS:
		break;
	}
	jw_end_obj(j);
}

static enum err
reply(struct ctx *cx, struct http_reply *rp)
{
	int open = 0, deferred = 0;
	struct facts f;
	struct json j;

	TRY(look(cx, &f));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "setup");
	jw_obj(&j);
	jw_key(&j, "steps");
	jw_arr(&j);
	for (int s = 1; s < SETUP_STEPS; s++) {
		const struct setup_note *n = &f.note[s];
		bool waits = !f.done[s] && n->state == SETUP_DEFERRED;
		open += !f.done[s] && !waits;
		deferred += waits;
		jw_obj(&j);
		jw_kz(&j, "name", setup_step_name((enum setup_step)s));
		jw_kz(&j, "state", f.done[s] ? "done" : waits ? "deferred" : "open");
		jw_key(&j, "deferred");
		if (waits) {
			jw_obj(&j);
			jw_kid(&j, "user_id", n->user_id);
			jw_ktime(&j, "at", n->at);
			jw_kstr(&j, "reason", reveal_clear(cx, n->reason));
			jw_end_obj(&j);
		} else
			jw_raw(&j, S("null"));
		jw_ktime(&j, "proven_at", f.done[s] && n->state == SETUP_PROVEN ? n->at : 0);
		json_facts(&j, cx, &f, (enum setup_step)s);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_kint(&j, "open", open);
	jw_kint(&j, "deferred", deferred);
	jw_kbool(&j, "finished", open == 0);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return look_one(cx, "setup", 1, "steps");
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	return reply(cx, rp);
}

/* "AB:CD ef" is "abcdef". */
static str
digits(struct ctx *cx, str s)
{
	struct buf b;

	buf_init(&b, cx->arena, 4 * KiB);
	for (size_t i = 0; i < s.n && i < 256; i++)
		if (s.p[i] != ' ' && s.p[i] != ':' && s.p[i] != '-')
			buf_byte(&b, s.p[i] >= 'A' && s.p[i] <= 'F' ? (char)(s.p[i] + 32) : s.p[i]);
	return buf_str(&b);
}

static enum err
prove_mail(struct ctx *cx, const json_t *v, const struct facts *f)
{
	struct outbox_row o;
	int64_t id;
	enum err e;

	if (!f->mail_on) {
		bad(cx, "outbox_id", "InvalidValue", "Outbox id: mail is not set up yet: say relay and sender first");
		return bad_check(cx);
	}
	if (!json_id(v, &id)) {
		bad(cx, "outbox_id", "InvalidValue", "Outbox id: must be the number of a test message");
		return bad_check(cx);
	}
	e = flow_get(cx, id, &o);
	if (e == E_ABSENT) {
		fail_forget(cx);
		bad(cx, "outbox_id", "InvalidValue", "Outbox id: there is no such message");
	} else
		TRY(e);
	if (e == OK && !str_eq(o.event, S("test")))
		bad(cx, "outbox_id", "InvalidValue", "Outbox id: is not a test message");
	else if (e == OK && o.state != FLOW_SENT)
		bad(cx, "outbox_id", "InvalidValue", "Outbox id: the relay has not taken this message; see the outbox for its reason");
	return bad_check(cx);
}

static enum err
put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "reason", "reopen", "fingerprint", "outbox_id", "version", NULL };
	const json_t *obj, *v;
	enum setup_step s;
	struct facts f;
	int64_t version;
	str typed;

	if (!setup_step_of(rq->word[0], &s))
		return fail(cx, E_ABSENT, NULL, "no such step");
	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, names);
	TRY(bad_check(cx));
	TRY(look(cx, &f));
	if ((v = json_object_get(obj, "reason")) != NULL) {
		if (!json_is_string(v))
			bad(cx, "reason", "InvalidValue", "Reason: must be a string");
		else if (f.done[s])
			bad(cx, "reason", "InvalidValue", "Reason: this step is done; there is nothing to put off");
		TRY(bad_check(cx));
		TRY(setup_put(cx, s, SETUP_DEFERRED, S(""), HIDE(json_text(cx, v))));
	} else if ((v = json_object_get(obj, "reopen")) != NULL) {
		if (!json_is_true(v))
			bad(cx, "reopen", "InvalidValue", "Reopen: must be true");
		TRY(bad_check(cx));
		TRY(setup_put(cx, s, SETUP_OPEN, S(""), HIDE(S(""))));
	} else if (s == SETUP_BACKUP && (v = json_object_get(obj, "fingerprint")) != NULL) {
		typed = digits(cx, json_text(cx, v));
		if (typed.n < DIGITS || typed.n > 64 || !str_starts(f.proof[s], typed))
			bad(cx, "fingerprint", "InvalidValue", "Fingerprint: is not that of the key in use; run sha256sum on your copy and type at"
			    " least its first 16 digits");
		TRY(bad_check(cx));
		TRY(setup_put(cx, s, SETUP_PROVEN, f.proof[s], HIDE(S(""))));
	} else if (s == SETUP_MAIL && (v = json_object_get(obj, "outbox_id")) != NULL) {
		TRY(prove_mail(cx, v, &f));
		TRY(setup_put(cx, s, SETUP_PROVEN, f.proof[s], HIDE(S(""))));
	} else if (s == SETUP_POLICY && (v = json_object_get(obj, "version")) != NULL) {
		version = json_is_integer(v) ? json_integer_value(v) : -1;
		if (version != f.version)
			bad(cx, "version", "InvalidValue", "Version: is not the policy in force; look again");
		TRY(bad_check(cx));
		TRY(setup_put(cx, s, SETUP_PROVEN, f.proof[s], HIDE(S(""))));
	} else {
		bad(cx, "base", "BlankValue", "Say a reason to put it off, reopen, or what proves it: fingerprint (backup), outbox_id (mail),"
		    " version (policy)");
		return bad_check(cx);
	}
	return reply(cx, rp);
}

const struct route setup_routes[] = {
	{ GET, "/api/ward/v1/setup",        MAY_ADMIN, 0,       show, 0 },
	{ PUT, "/api/ward/v1/setup/{word}", MAY_ADMIN, 8 * KiB, put,  0 },
	{ 0 }
};
