/* trigger.c - triggers in the waist, automations by the hour, trials of rules.
 *
 * Triggers. In the transaction of a write, before its rows are written, the
 * active triggers are asked in their order; the first that fits and has not
 * run in this update does its work, and when that changed the ticket, the list
 * is asked again from its beginning. Each runs at most once per update, so the
 * chain ends after as many rounds as there are triggers. One that would change
 * the ticket again after all have run is part of a cycle: it is not run, and
 * an Error event in the audit names it.
 *
 * Automations. A run goes through the active automations in their order, and
 * through at most 1,000 tickets of each by ascending id. One ticket is one
 * transaction, which also writes how far the run has come, so a crash repeats
 * nothing and the run goes on where it was. A ticket that still fits after its
 * automation has run is remembered with the moment that its hours are counted
 * from (rule_fired), and let alone until that moment is another.
 */
#include <stdlib.h>

#include "desk/def.h"
#include "desk/rule.h"
#include "flow/flow.h"

#define HOUR ((usec)3600 * SECOND)
#define PER_RUN 1000                 /* tickets that one automation changes in one run */

static const struct stmt get_run = {
	.name = "rule_run.get",
	.sql  = "SELECT r.at, r.done, r.rule_id, r.position, r.after_id, r.changed, r.total FROM rule_run r"
	        " WHERE r.account_id = $1 AND r.id = 1",
	.in   = "i", .out = "iiiiiii",
};

static const struct stmt put_run = {
	.name = "rule_run.put",
	.sql  = "INSERT INTO rule_run (account_id, id, at, done, rule_id, position, after_id, changed, total)"
	        " VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account_id, id) DO UPDATE SET at = excluded.at,"
	        " done = excluded.done, rule_id = excluded.rule_id, position = excluded.position, after_id = excluded.after_id,"
	        " changed = excluded.changed, total = excluded.total",
	.in   = "iiiiiiii",
};

static const struct stmt get_fired = {
	.name = "rule_fired.get",
	.sql  = "SELECT f.anchor FROM rule_fired f WHERE f.account_id = $1 AND f.rule_id = $2 AND f.ticket_id = $3",
	.in   = "iii", .out = "i",
};

static const struct stmt put_fired = {
	.name = "rule_fired.put",
	.sql  = "INSERT INTO rule_fired (account_id, rule_id, ticket_id, anchor) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, rule_id, ticket_id) DO UPDATE SET anchor = excluded.anchor",
	.in   = "iiii",
};

const struct stmt *const trigger_stmts[] = { &get_run, &put_run, &get_fired, &put_fired, NULL };

/* ---- one rule on one ticket --------------------------------------------------------------------------------------- */

static const char *
kind_word(enum rule_kind k)
{
	return k == RULE_TRIGGER ? "trigger" : k == RULE_AUTOMATION ? "automation" : k == RULE_MACRO ? "macro" : "rule";
}

static void
add_event(struct ctx *cx, struct audit *a, const char *type, str object_json, int64_t rule_id)
{
	struct audit_event *more = NEW(cx->arena, struct audit_event, a->event_count + 1);

	if (a->event_count)
		memcpy(more, a->event, sizeof *more * (size_t)a->event_count);
	a->event = more;
	more[a->event_count] = (struct audit_event){ .type = str_of(type), .field = S(""), .value = HIDE(object_json),
	    .previous = HIDE(S("null")), .id = a->id + 2 + a->event_count, .rule_id = rule_id };
	a->event_count++;
}

static str
notice_json(struct ctx *cx, const struct notice *n)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, 2 * MiB);
	jw_init(&j, &b);
	jw_obj(&j);
	if (n->kind == NOTICE_MAIL) {
		jw_kstr(&j, "subject", reveal(cx, n->subject, TO_STORE));
		jw_kstr(&j, "body", reveal(cx, n->body, TO_STORE));
		jw_key(&j, "recipients");
		jw_arr(&j);
		for (int i = 0; i < n->user_count; i++)
			jw_int(&j, n->user_id[i]);
		jw_end_arr(&j);
	} else {
		jw_kstr(&j, "resource", n->target);
		jw_kstr(&j, "body", reveal(cx, n->body, TO_STORE));
	}
	jw_end_obj(&j);
	return buf_str(&b);
}

/* Into the outbox; *taken false: mail is not set up, the webhook is gone. `secret`: whose requester has a secure
 * message in this update: told by its own mail, the others without content. */
static enum err
send(struct ctx *cx, const struct notice *n, const struct ticket *secret, bool *taken)
{
	struct outgoing o = { .kind = FLOW_MAIL, .event = "trigger", .cause = n->cause, .ticket_id = n->ticket_id,
	    .comment_id = n->comment_id, .subject = n->subject, .text = n->body, .automatic = true };
	bool active = false;
	enum err e;

	*taken = false;
	if (n->kind == NOTICE_WEBHOOK) {
		e = flow_webhook_id(cx, n->target, &o.webhook_id, &active);
		if (e == E_ABSENT) {
			fail_forget(cx);
			return OK;
		}
		TRY(e);
		if (!active)
			return OK;
		o.kind = FLOW_WEBHOOK;
		o.subject = o.text = (sensitive){ 0 };
		o.body = n->body;
		*taken = true;
		return flow_enqueue(cx, &o, NULL);
	}
	if (!flow_mail_on(cx))
		return OK;
	if (secret != NULL)
		o.subject = o.text = (sensitive){ 0 };
	TRY(ticket_last_message(cx, n->ticket_id, &o.in_reply_to));
	for (int i = 0; i < n->user_count; i++) {
		struct user u;
		if (secret != NULL && n->user_id[i] == secret->requester_id)
			continue;
		e = user_load(cx, n->user_id[i], &u);
		if (e == E_ABSENT) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		if (!u.active || u.suspended || u.email.hidden.n == 0 || !email_valid(u.email.hidden))
			continue;
		o.user_id = u.id;
		o.to = u.email;
		o.to_name = u.name;
		o.staff = u.role >= ROLE_AGENT;
		TRY(flow_enqueue(cx, &o, NULL));
		*taken = true;
	}
	return OK;
}

/* Does what the rule says to *t; *changed: the ticket is another now. Events go to the audit. */
static enum err
run_rule(struct subject *s, const struct compiled *c, struct ticket *t, struct audit *a, int64_t comment_id, bool dry,
    bool *changed, struct effect *fx)
{
	struct ctx *cx = s->cx;
	const struct actor *actor = cx->actor;
	struct ticket before = *t;
	struct ticket_change did = { .has = 0 };
	int from = a->event_count;
	enum err e;

	*fx = (struct effect){ .cx = cx, .s = s, .t = t, .rule = c, .dry = dry };
	/* What a rule may is not what the person may whose change it answers. */
	gate_as_system(cx, "rule");
	e = rule_apply(fx);
	if (e == OK && !dry && fx->ccs)
		e = ticket_change_people(cx, t, 1, fx->cc, fx->ccs);
	if (e == OK && !dry && fx->followers)
		e = ticket_change_people(cx, t, 2, fx->follower, fx->followers);
	cx->actor = actor;
	TRY(e);
	if (!dry)
		TRY(rule_used(cx, c->r.id));
	TRY(ticket_settle(cx, t, &before, s->now));
	did.custom_count = fx->customs;
	did.custom = arena_alloc(cx->arena, sizeof *did.custom, (size_t)fx->customs + 1, 16);
	for (int i = 0; i < fx->customs; i++) {
		did.custom[i].id = fx->custom[i];
		did.custom[i].value_json = custom_json(cx, t->custom_fields, fx->custom[i]);
	}
	ticket_note_changes(cx, a, false, &before, t, &did);
	*changed = a->event_count > from || fx->elsewhere;
	for (int i = from; i < a->event_count; i++)
		a->event[i].rule_id = c->r.id;
	for (int i = 0; i < fx->notices; i++) {
		struct notice *n = &fx->notice[i];
		bool taken = dry;
		n->rule_id = c->r.id;
		n->ticket_id = t->id;
		n->comment_id = comment_id;
		n->cause = str_z(cx->arena, str_printf(cx->arena, "%s:%lld", kind_word(c->r.kind), (long long)c->r.id));
		if (!dry) {
			gate_as_system(cx, "rule");
			e = send(cx, n, s->comment != NULL && s->comment->secure ? t : NULL, &taken);
			cx->actor = actor;
			TRY(e);
		}
		if (taken)
			add_event(cx, a, n->kind == NOTICE_MAIL ? "Notification" : "WebhookEvent", notice_json(cx, n), c->r.id);
	}
	return OK;
}

/* Would the rule change the ticket as it is now? Nothing is written. */
static enum err
would_change(struct subject *s, const struct compiled *c, bool *yes)
{
	struct ticket copy = *s->t;
	struct audit a = { 0 };
	struct effect fx;
	const struct ticket *was = s->t;
	enum err e;

	*yes = false;
	if (!rule_holds(s, c))
		return s->e;
	s->t = &copy;
	e = run_rule(s, c, &copy, &a, 0, true, yes, &fx);
	s->t = was;
	return e;
}

/* ---- in the waist ------------------------------------------------------------------------------------------------- */

#define TOUCHED_MAX 64

enum err
rules_on_ticket(struct ctx *cx, const struct rule_event *ev)
{
	struct subject s = { .cx = cx, .t = ev->t, .old = ev->old, .update = true, .created = ev->old == NULL,
	    .comment = ev->comment, .user_id = cx->actor ? cx->actor->user_id : 0, .role = cx->actor ? cx->actor->role : ROLE_SYSTEM,
	    .now = cx->now };
	const struct compiled *touched[TOUCHED_MAX];
	const struct book *b;
	struct effect fx;
	bool changed, *fired;
	int first, n, touches = 0;

	if (cx->sys->rules == NULL)
		return OK;
	TRY(book_get(cx, &b));
	if (ev->automation != NULL) {
		s.update = false;
		TRY(run_rule(&s, ev->automation, ev->t, ev->a, 0, false, &changed, &fx));
		s.update = true;
	}
	first = b->from[RULE_TRIGGER];
	n = b->from[RULE_TRIGGER + 1] - first;
	fired = NEW(cx->arena, bool, n + 1);
	for (int i = 0; i < n && !ev->import; i++) {
		const struct compiled *c = &b->rule[first + i];
		if (fired[i] || !c->r.active || c->broken || !rule_holds(&s, c))
			continue;
		fired[i] = true;
		TRY(run_rule(&s, c, ev->t, ev->a, ev->comment ? ev->comment->id : 0, false, &changed, &fx));
		if (changed) {
			if (touches < TOUCHED_MAX)
				touched[touches++] = c;
			i = -1;              /* what it changed may concern those before it */
		}
	}
	TRY(s.e);
	if (s.created && !ev->import)
		TRY(skills_on_ticket(cx, &s, b));
	for (int i = 0; i < touches && touches > 1; i++) {
		bool yes;
		TRY(would_change(&s, touched[i], &yes));
		if (yes)
			add_event(cx, ev->a, "Error", S("{\"message\":\"This trigger and others undo each other's changes; it ran once"
			    " and was stopped.\"}"), touched[i]->r.id);
	}
	return metric_on_ticket(cx, ev, b);
}

/* ---- automations ------------------------------------------------------------------------------------------------------- */

struct run { usec at; int64_t done, rule_id, position, after_id, changed, total; };

static enum err
run_get(struct ctx *cx, struct run *out, bool *found)
{
	struct row r;
	enum err e = store_one(cx, &get_run, ARGS(INT(cx->account)), &r);

	*found = e == OK;
	if (e == E_ABSENT) {
		fail_forget(cx);
		*out = (struct run){ .done = 1 };
		return OK;
	}
	if (e == OK)
		*out = (struct run){ row_int(&r, 0), row_int(&r, 1), row_int(&r, 2), row_int(&r, 3), row_int(&r, 4), row_int(&r, 5), row_int(&r, 6) };
	return e;
}

static enum err
run_put(struct ctx *cx, const struct run *r)
{
	return store_exec(cx, &put_run, ARGS(INT(cx->account), INT(r->at), INT(r->done), INT(r->rule_id), INT(r->position),
	    INT(r->after_id), INT(r->changed), INT(r->total)), NULL);
}

/* The latest moment that its conditions count hours from. */
static usec
anchor_of(struct subject *s, const struct compiled *c)
{
	usec latest = 0;

	for (int i = 0; i < c->alls; i++)
		if (c->all[i].row->type == VAL_HOURS) {
			usec at = cond_moment(s, &c->all[i]);
			latest = at > latest ? at : latest;
		}
	return latest;
}

struct one { const struct compiled *c; int64_t id; struct run *run; };

static enum err
one_tx(struct ctx *cx, void *arg)
{
	struct one *w = arg;
	struct run run = *w->run;
	struct ticket t, after;
	struct subject s = { .cx = cx, .now = run.at, .t = &t, .role = ROLE_SYSTEM };
	struct row row;
	usec anchor;
	enum err e;
	bool again;

	run.after_id = w->id;
	e = ticket_row(cx, w->id, &t);
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	if (!t.deleted_at && !t.erased && t.status != TICKET_CLOSED && rule_holds(&s, w->c)) {
		anchor = anchor_of(&s, w->c);
		e = store_one(cx, &get_fired, ARGS(INT(cx->account), INT(w->c->r.id), INT(t.id)), &row);
		again = e == OK && row_int(&row, 0) == anchor;
		if (e == E_ABSENT)
			fail_forget(cx);
		else
			TRY(e);
		if (!again) {
			struct ticket_change ch = { .rule = w->c, .channel = "rule", .author_id = -1,
			    .cause = str_z(cx->arena, str_printf(cx->arena, "automation:%lld", (long long)w->c->r.id)) };
			TRY(ticket_update(cx, t.id, &ch, &after, NULL));
			s = (struct subject){ .cx = cx, .now = run.at, .t = &after, .role = ROLE_SYSTEM };
			if (rule_holds(&s, w->c))
				TRY(store_exec(cx, &put_fired, ARGS(INT(cx->account), INT(w->c->r.id), INT(t.id), INT(anchor_of(&s, w->c))), NULL));
			run.changed++;
			run.total++;
		}
	}
	TRY(s.e);
	TRY(run_put(cx, &run));
	*w->run = run;
	return OK;
}

static enum err
put_tx(struct ctx *cx, void *arg)
{
	return run_put(cx, arg);
}

/* A new run. */
static enum err
start_tx(struct ctx *cx, void *arg)
{
	TRY(rule_uses_sweep(cx));
	return run_put(cx, arg);
}

/* The next automation behind this place in the order. */
static const struct compiled *
next_automation(const struct book *b, int64_t position, int64_t id)
{
	for (int i = b->from[RULE_AUTOMATION]; i < b->from[RULE_AUTOMATION + 1]; i++) {
		const struct compiled *c = &b->rule[i];
		if (c->r.active && !c->broken && (c->r.position > position || (c->r.position == position && c->r.id > id)))
			return c;
	}
	return NULL;
}

static pthread_mutex_t one_runs = PTHREAD_MUTEX_INITIALIZER;

static enum err
forced_tx(struct ctx *cx, void *arg)
{
	(void)arg;
	return trail_append(cx, &(struct event){ .action = "automation.run", .object = "account", .id = cx->account });
}

static enum err
step(struct ctx *cx, usec at, bool *force, bool *more)
{
	const struct compiled *c = NULL;
	const struct book *b;
	struct run run;
	int64_t *ids;
	usec clock = at ? at : cx->now;
	bool found;
	int n;

	*more = false;
	TRY(run_get(cx, &run, &found));
	if (run.done) {
		/* Once an hour: when the clock's hour is another than the last run's. */
		if (!*force && found && run.at / HOUR == clock / HOUR)
			return OK;
		run = (struct run){ .at = clock };
		TRY(store_write(cx, start_tx, &run));
		*force = false;
	}
	TRY(book_get(cx, &b));
	if (run.rule_id != 0)
		c = book_find(b, run.rule_id);
	if (c != NULL && (c->r.kind != RULE_AUTOMATION || !c->r.active || c->broken))
		c = NULL;
	if (c == NULL || run.changed >= PER_RUN)
		n = 0;
	else
		TRY(rule_candidates(cx, c, false, run.after_id, run.at, 100, &ids, &n));
	if (n == 0) {
		c = next_automation(b, run.position, run.rule_id);
		run.rule_id = c ? c->r.id : run.rule_id;
		run.position = c ? c->r.position : run.position;
		run.done = c == NULL;
		run.after_id = run.changed = 0;
		TRY(store_write(cx, put_tx, &run));
		*more = c != NULL || *force;
		return OK;
	}
	for (int i = 0; i < n && run.changed < PER_RUN; i++) {
		enum err e = store_write(cx, one_tx, &(struct one){ c, ids[i], &run });
		if (e == E_INVALID || e == E_ABSENT || e == E_DENIED || e == E_LIMIT || e == E_CONFLICT) {
			/* This ticket cannot be changed so; the others can. */
			fail_clear(cx);
			run.after_id = ids[i];
			TRY(store_write(cx, put_tx, &run));
		} else
			TRY(e);
		if (cx->stop != NULL && *cx->stop)
			break;
	}
	*more = true;
	return OK;
}

enum err
automations_step(struct ctx *cx, usec at, bool *force, bool *more)
{
	const struct actor *actor = cx->actor;
	bool never = false;
	enum err e;

	if (force == NULL)
		force = &never;
	/* Whoever asks for it, the automations do it. */
	gate_as_system(cx, "automation");
	pthread_mutex_lock(&one_runs);
	e = step(cx, at, force, more);
	pthread_mutex_unlock(&one_runs);
	cx->actor = actor;
	return e;
}

enum err
automations_asked(struct ctx *cx)
{
	return store_write(cx, forced_tx, NULL);
}

enum err
automations_state(struct ctx *cx, struct automation_run *out)
{
	struct run run;
	bool found;

	TRY(run_get(cx, &run, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "no run yet");
	*out = (struct automation_run){ run.at, run.done != 0, run.rule_id, run.changed, run.total };
	return OK;
}

/* ---- texts of agents ---------------------------------------------------------------------------------------------------- */

enum err
ticket_render(struct ctx *cx, int64_t ticket_id, sensitive text, sensitive *out)
{
	struct ticket t;
	struct subject s = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now,
	    .reader = cx->actor };
	const struct actor *actor = cx->actor;
	str in = reveal(cx, text, TO_STORE), made;
	enum err e;

	TRY(ticket_get(cx, ticket_id, &t));
	if (!utf8_valid(in) || str_find(in, S("{%")) != SIZE_MAX || template_wrong(in) != NULL) {
		bad(cx, "text", "InvalidValue", "Text: Liquid tags and filters are not supported; use placeholders such as {{ticket.id}}");
		return bad_check(cx);
	}
	gate_as_system(cx, "rule");
	e = template_render(cx, in, &s, &made);
	cx->actor = actor;
	TRY(e);
	*out = HIDE(made);
	return OK;
}

/* ---- macros ------------------------------------------------------------------------------------------------------------- */

enum err
macro_apply(struct ctx *cx, const struct rule *macro, int64_t ticket_id, struct macro_result *out)
{
	struct ticket t = { .tags = HIDE(S("[]")), .custom_fields = HIDE(S("[]")) };
	struct compiled c;
	struct subject s = { .cx = cx, .t = &out->ticket, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now,
	    .reader = cx->actor };
	const struct actor *actor = cx->actor;
	struct effect fx = { .cx = cx, .s = &s, .t = &out->ticket, .rule = &c, .dry = true };
	static const struct { const char *name; unsigned bit; } bits[] = {
		{ "status", T_STATUS }, { "priority", T_PRIORITY }, { "type", T_TYPE }, { "group_id", T_GROUP },
		{ "assignee_id", T_ASSIGNEE }, { "set_tags", T_TAGS }, { "current_tags", T_TAGS }, { "remove_tags", T_TAGS },
		{ "custom_status_id", T_STATUS | T_CUSTOM_STATUS },
		{ "subject", T_SUBJECT }, { "ticket_form_id", T_FORM }, { "brand_id", T_BRAND }, { "cc", T_CC }, { "follower", T_FOLLOWERS },
	};
	enum err e;

	if (ticket_id != 0)
		TRY(ticket_get(cx, ticket_id, &t));
	rule_compile(cx, macro, &c);
	TRY(bad_check(cx));
	*out = (struct macro_result){ .ticket = t };
	gate_as_system(cx, "rule");
	e = rule_apply(&fx);
	cx->actor = actor;
	TRY(e);
	TRY(ticket_settle(cx, &out->ticket, &t, cx->now));
	for (int i = 0; i < c.acts; i++)
		for (size_t k = 0; k < COUNT(bits); k++)
			if (strcmp(c.act[i].row->name, bits[k].name) == 0)
				out->has |= bits[k].bit;
	for (int kind = 1; kind <= 2; kind++) {
		const struct cc_change *who = kind == 1 ? fx.cc : fx.follower;
		int64_t **list = kind == 1 ? &out->ticket.cc : &out->ticket.follower;
		int *count = kind == 1 ? &out->ticket.cc_count : &out->ticket.follower_count, m = kind == 1 ? fx.ccs : fx.followers;
		int64_t *all = NEW(cx->arena, int64_t, *count + m + 1);
		memcpy(all, *list ? *list : all, sizeof *all * (size_t)*count);
		for (int i = 0; i < m; i++) {
			bool have = false;
			for (int k = 0; k < *count; k++)
				have = have || all[k] == who[i].user_id;
			if (!have)
				all[(*count)++] = who[i].user_id;
		}
		*list = all;
	}
	if (out->ticket.group_id != t.group_id)
		out->has |= T_GROUP;
	if (out->ticket.assignee_id != t.assignee_id)
		out->has |= T_ASSIGNEE;
	out->body = fx.body;
	out->body_set = fx.body_set;
	out->public_set = fx.public_set;
	out->is_public = fx.is_public;
	out->custom = fx.custom;
	out->customs = fx.customs;
	return OK;
}

/* ---- trials --------------------------------------------------------------------------------------------------------------- */

static str
custom_put(struct ctx *cx, str old, int64_t id, str value_json)
{
	json_t *list = json_loadb(old.n ? old.p : "[]", old.n ? old.n : 2, JSON_ALLOW_NUL, NULL), *one, *found = NULL;
	json_t *v = json_loadb(value_json.p, value_json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	size_t i;
	char *z;
	str out = old;

	json_array_foreach(list, i, one)
		if (json_integer_value(json_object_get(one, "id")) == id)
			found = one;
	if (found == NULL) {
		found = json_object();
		json_object_set_new(found, "id", json_integer(id));
		json_array_append_new(list, found);
	}
	json_object_set(found, "value", v ? v : json_null());
	if ((z = json_dumps(list, JSON_COMPACT)) != NULL) {
		out = str_dup(cx->arena, str_of(z));
		wipe(z, out.n);
		free(z);
	}
	json_decref(v);
	json_decref(list);
	return out;
}

/* The ticket before an event of its audit. */
static void
undo(struct ctx *cx, struct ticket *t, const struct audit_event *e)
{
	static const struct { const char *field; size_t at; } ids[] = {
		{ "requester_id", offsetof(struct ticket, requester_id) }, { "assignee_id", offsetof(struct ticket, assignee_id) },
		{ "group_id", offsetof(struct ticket, group_id) }, { "organization_id", offsetof(struct ticket, organization_id) },
		{ "problem_id", offsetof(struct ticket, problem_id) }, { "brand_id", offsetof(struct ticket, brand_id) },
		{ "ticket_form_id", offsetof(struct ticket, form_id) },
		{ "custom_status_id", offsetof(struct ticket, custom_status_id) }, { "schedule_id", offsetof(struct ticket, schedule_id) },
	};
	str v = reveal(cx, e->previous, TO_SCAN), word = S("");
	json_t *j = json_loadb(v.p ? v.p : "null", v.n ? v.n : 4, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int64_t n = 0;

	if (json_is_string(j))
		word = str_dup(cx->arena, (str){ json_string_value(j), json_string_length(j) });
	(void)str_int(word, &n);
	for (size_t i = 0; i < COUNT(ids); i++)
		if (str_eq(e->field, str_of(ids[i].field)))
			*(int64_t *)((char *)t + ids[i].at) = n;
	if (str_eq(e->field, S("status")))
		(void)status_of(word, &t->status);
	else if (str_eq(e->field, S("priority")))
		t->priority = PRIORITY_NONE, (void)priority_of(word, &t->priority);
	else if (str_eq(e->field, S("type")))
		t->type = TYPE_NONE, (void)type_of(word, &t->type);
	else if (str_eq(e->field, S("subject")))
		t->subject = HIDE(word);
	else if (str_eq(e->field, S("due_at")))
		t->due_at = 0, (void)time_parse(word, &t->due_at);
	else if (str_eq(e->field, S("tags")))
		t->tags = json_is_array(j) ? e->previous : HIDE(S("[]"));
	else if (str_int(e->field, &n) && n > 0)
		t->custom_fields = HIDE(custom_put(cx, t->custom_fields.hidden, n, v.n ? v : S("null")));
	json_decref(j);
}

static bool
a_change(const struct audit_event *e)
{
	return str_eq(e->type, S("Change")) || str_eq(e->type, S("ScheduleAssignment"));
}

static const char *
type_word(enum value_type v)
{
	static const char *const words[VAL_TYPES] = {
		[VAL_STATUS] = "status", [VAL_PRIORITY] = "priority", [VAL_TYPE] = "type", [VAL_AGENT] = "agent", [VAL_USER] = "user",
		[VAL_GROUP] = "group", [VAL_ORG] = "organization", [VAL_ID] = "id", [VAL_VIA] = "channel", [VAL_UPDATE] = "update",
		[VAL_PUBLIC] = "truth", [VAL_COMMENT] = "comment", [VAL_ROLE] = "role", [VAL_TAGS] = "tags", [VAL_WORDS] = "words",
		[VAL_TEXT] = "text", [VAL_HOURS] = "hours", [VAL_COUNT] = "count", [VAL_TIME] = "time", [VAL_DAYS] = "days",
		[VAL_CUSTOM] = "custom field", [VAL_SHIFT] = "schedule", [VAL_SCHEDULE] = "schedule", [VAL_SCORE] = "satisfaction",
		[VAL_PERSON] = "custom field", [VAL_LOCALE] = "language", [VAL_ATTACHED] = "attachment",
	};

	return (unsigned)v < VAL_TYPES && words[v] ? words[v] : "value";
}

enum err
rule_dry_run(struct ctx *cx, const struct rule *r, int64_t ticket_id, int64_t audit_id, struct rule_try *out)
{
	struct ticket t, old;
	struct audit *a;
	struct compiled c;
	struct effect fx = { .dry = true };
	struct subject s;
	int n, at = -1;
	bool changed = false;

	TRY(ticket_get(cx, ticket_id, &t));
	rule_compile(cx, r, &c);
	rule_fields_check(cx, &c);
	TRY(bad_check(cx));
	TRY(audits_of(cx, ticket_id, &a, &n));
	for (int i = 0; i < n; i++)
		if (a[i].id == audit_id || (audit_id == 0 && i == n - 1))
			at = i;
	if (at < 0)
		return fail(cx, E_ABSENT, NULL, "no such audit");
	for (int i = n - 1; i > at; i--)
		for (int k = a[i].event_count - 1; k >= 0; k--)
			if (a_change(&a[i].event[k]))
				undo(cx, &t, &a[i].event[k]);
	/* What rules did in that update is taken back too: they would run after this point. */
	old = t;
	for (int k = a[at].event_count - 1; k >= 0; k--)
		if (a_change(&a[at].event[k])) {
			undo(cx, &old, &a[at].event[k]);
			if (a[at].event[k].rule_id != 0)
				undo(cx, &t, &a[at].event[k]);
		}
	*out = (struct rule_try){ .audit_id = a[at].id };
	if (a[at].comment_id != 0)
		TRY(comment_get(cx, ticket_id, a[at].comment_id, &a[at].comment));
	s = (struct subject){ .cx = cx, .t = &t, .old = at == 0 ? NULL : &old, .update = r->kind == RULE_TRIGGER, .created = at == 0 && r->kind == RULE_TRIGGER,
	    .comment = a[at].comment_id ? &a[at].comment : NULL, .user_id = r->kind == RULE_TRIGGER ? a[at].author_id : cx->actor->user_id, .now = cx->now };
	if (r->kind == RULE_TRIGGER) {
		struct user u;
		enum err e = s.user_id > 0 ? user_load(cx, s.user_id, &u) : E_ABSENT;
		if (e == E_ABSENT)
			fail_forget(cx);
		else {
			TRY(e);
			s.role = u.role;
		}
	} else
		s.role = cx->actor->role;
	out->cond = arena_alloc(cx->arena, sizeof *out->cond, (size_t)(c.alls + c.anys) + 1, 16);
	for (int i = 0; i < c.alls + c.anys; i++) {
		const struct cond *one = i < c.alls ? &c.all[i] : &c.any[i - c.alls];
		out->cond[i].field = one->field_text;
		out->cond[i].op = op_name(one->op);
		out->cond[i].kind = type_word(one->row->type);
		out->cond[i].any = i >= c.alls;
		out->cond[i].holds = cond_holds(&s, one);
	}
	out->cond_count = c.alls + c.anys;
	out->holds = rule_holds(&s, &c);
	TRY(s.e);
	if (!out->holds || c.acts == 0)
		return OK;
	TRY(run_rule(&s, &c, &t, &out->audit, 0, true, &changed, &fx));
	out->notice = fx.notice;
	out->notice_count = fx.notices;
	out->body = fx.body;
	out->body_set = fx.body_set;
	if (changed && r->kind == RULE_TRIGGER)
		TRY(would_change(&s, &c, &out->cycle));
	return OK;
}
