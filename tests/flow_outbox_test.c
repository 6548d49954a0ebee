/* The outbox: what a message goes through, who may get it, how long it waits. */
#include "rows.h"
#include "trail.h"
#include "flow/in.h"

struct world { struct env v; };
static struct world w;

static void
ctx(struct ctx *cx, usec at)
{
	env_ctx(&w.v, cx, &bruno);
	cx->now = at;
}

static void
allow(const char *pattern, bool content);

static int
open_world(void **state)
{
	struct flow_conf conf = { .host = S("127.0.0.1"), .from = S("desk@x.example"), .tls = FLOW_PLAIN };
	struct ctx cx;

	(void)state;
	w.v = (struct env){ 0 };
	db_open(&w.v.d, "trail outbox webhook");
	env_trail(&w.v);
	ctx(&cx, T0);
	assert_int_equal(flow_prepare(&cx), OK);
	assert_int_equal(flow_open(&cx, NULL, &w.v.d.sys.flow), OK);
	assert_int_equal(flow_conf_set(&cx, CONF_HOST | CONF_FROM | CONF_TLS, &conf, &conf), OK);
	ctx_done(&cx);
	allow("x.example", false);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	flow_close(&w.v.d.sys.flow);
	env_close(&w.v);
	return 0;
}

struct making { struct outgoing o; int64_t id; enum err then; };
static enum err
make_tx(struct ctx *cx, void *arg)
{
	struct making *m = arg;

	TRY(flow_enqueue(cx, &m->o, &m->id));
	return m->then;
}

static const struct actor somebody = { .user_id = 9, .role = ROLE_END_USER, .how = "mail" };
static const struct actor *maker = &somebody;

static int64_t
make(usec at, struct outgoing o)
{
	struct making m = { .o = o };
	struct ctx cx;

	ctx(&cx, at);
	cx.actor = maker;
	o.kind = o.kind ? o.kind : FLOW_MAIL;
	m.o = o;
	assert_int_equal(store_write(&cx, make_tx, &m), OK);
	ctx_done(&cx);
	return m.id;
}

static struct outbox_row
look(int64_t id)
{
	struct outbox_row o;
	struct ctx cx;

	ctx(&cx, T0);
	assert_int_equal(flow_get(&cx, id, &o), OK);
	o.to = o.subject = o.text = o.body = (sensitive){ 0 };
	o.event = o.cause = o.reason = (str){ 0 };
	ctx_done(&cx);
	return o;
}

static void
allow(const char *pattern, bool content)
{
	struct destination d = { .kind = DEST_RECIPIENT, .pattern = HIDE(str_of(pattern)), .content = content }, made;
	struct ctx cx;

	ctx(&cx, T0);
	assert_int_equal(flow_dest_create(&cx, DEST_KIND | DEST_PATTERN | DEST_CONTENT, &d, &made), OK);
	ctx_done(&cx);
}

/* One claim and its end, at a moment. The id claimed, 0: none was due. */
static int64_t
step(usec at, struct outcome o)
{
	struct message m;
	struct ctx cx;
	enum err e;
	int64_t id = 0;

	ctx(&cx, at);
	e = outbox_claim(&cx, FLOW_MAIL, &m);
	if (e == OK) {
		id = m.id;
		assert_int_equal(outbox_settle(&cx, &m, &o), OK);
	} else
		assert_int_equal(e, E_ABSENT);
	ctx_done(&cx);
	return id;
}

#define LATER ((struct outcome){ .what = TRIED_LATER, .status = 450, .reason = "later" })
#define SENT_OK ((struct outcome){ .what = TRIED_SENT, .status = 250 })

static void
goes_in_order(void **state)
{
	int64_t a = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) }), b = make(T0 + 1, (struct outgoing){ .to = HIDE(S("b@x.example")) });

	(void)state;
	assert_int_equal(step(T0 + 2, SENT_OK), a);
	assert_int_equal(look(a).state, FLOW_SENT);
	assert_int_equal(look(b).state, FLOW_QUEUED);
	assert_int_equal(step(T0 + 2, SENT_OK), b);
	assert_int_equal(step(T0 + 2, SENT_OK), 0);
}

static void
waits_longer_each_time(void **state)
{
	int64_t id = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) });
	usec at = T0, base = 60 * SECOND;

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct outbox_row o;
		assert_int_equal(step(at, LATER), id);
		o = look(id);
		assert_int_equal(o.state, FLOW_RETRY);
		assert_int_equal(o.attempts, i + 1);
		assert_in_range(o.due_at - at, (base << i) / 10 * 8, (base << i) / 10 * 12);
		assert_int_equal(step(o.due_at - 1, LATER), 0);
		at = o.due_at;
	}
	/* After three days it is given up. */
	while (look(id).state == FLOW_RETRY) {
		assert_in_range(look(id).due_at - at, 0, (usec)5 * 3600 * SECOND);
		at = look(id).due_at;
		assert_int_equal(step(at, LATER), id);
		assert_true(at < T0 + 4 * DAY);
	}
	assert_int_equal(look(id).state, FLOW_DEAD);
	assert_true(at > T0 + 2 * DAY);
}

static void
never_is_never(void **state)
{
	int64_t id = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) });
	struct ctx cx;

	(void)state;
	assert_int_equal(step(T0, (struct outcome){ .what = TRIED_NEVER, .status = 550, .reason = "refused" }), id);
	assert_int_equal(look(id).state, FLOW_DEAD);
	assert_int_equal(step(T0 + DAY, SENT_OK), 0);
	ctx(&cx, T0 + DAY);
	assert_int_equal(flow_retry(&cx, id, false), OK);
	ctx_done(&cx);
	assert_int_equal(step(T0 + DAY, SENT_OK), id);
	ctx(&cx, T0 + DAY);
	assert_int_equal(flow_retry(&cx, id, false), E_CONFLICT);
	ctx_done(&cx);
}

/* After a crash: what was cut off before its last byte is not in doubt, the rest is. */
static void
cut_off(void **state)
{
	int64_t early = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) }), late = make(T0 + 1, (struct outgoing){ .to = HIDE(S("b@x.example")) });
	struct message m;
	struct ctx cx;

	(void)state;
	ctx(&cx, T0 + 2);
	assert_int_equal(outbox_claim(&cx, FLOW_MAIL, &m), OK);
	assert_int_equal(m.id, early);
	assert_int_equal(outbox_claim(&cx, FLOW_MAIL, &m), OK);
	assert_int_equal(m.id, late);
	assert_int_equal(outbox_last_byte(&cx, late), OK);
	assert_int_equal(outbox_claim(&cx, FLOW_MAIL, &m), E_ABSENT);
	fail_clear(&cx);
	assert_int_equal(outbox_recover(&cx), OK);
	ctx_done(&cx);
	assert_int_equal(look(early).state, FLOW_RETRY);
	assert_false(look(early).uncertain);
	assert_true(look(late).uncertain);
	assert_int_equal(step(T0 + 2, SENT_OK), early);
	assert_int_equal(step(T0 + 2, SENT_OK), late);
	assert_true(look(late).uncertain);
}

static void
held_until_allowed(void **state)
{
	int64_t id = make(T0, (struct outgoing){ .to = HIDE(S("a@y.example")) }), later = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) });

	(void)state;
	assert_int_equal(look(id).state, FLOW_HELD);
	assert_int_equal(step(T0, (struct outcome){ .what = TRIED_HOLD, .reason = "held" }), later);
	assert_int_equal(look(later).state, FLOW_HELD);
	assert_int_equal(step(T0 + DAY, SENT_OK), 0);
	allow("*", false);
	assert_int_equal(look(id).state, FLOW_QUEUED);
	assert_int_equal(step(T0 + DAY, SENT_OK), id);
	assert_int_equal(step(T0 + DAY, SENT_OK), later);
}

/* The most exact destination decides; content that may not go is not even kept. */
static void
content_where_allowed(void **state)
{
	struct outgoing o = { .to = HIDE(S("a@x.example")), .text = HIDE(S("words")) };

	(void)state;
	assert_false(look(make(T0, o)).content);
	allow("*", true);
	assert_false(look(make(T0, o)).content);
	o.to = HIDE(S("a@y.example"));
	assert_true(look(make(T0, o)).content);
	o.to = HIDE(S("A@X.example"));
	allow("a@x.example", true);
	assert_true(look(make(T0, o)).content);
	o.to = HIDE(S("b@sub.x.example"));
	assert_true(look(make(T0, o)).content);        /* a domain is not its subdomains: "*" decides */
}

static void
rolled_back(void **state)
{
	struct making m = { .o = { .kind = FLOW_MAIL, .to = HIDE(S("a@x.example")) }, .then = E_INVALID };
	struct ctx cx;

	(void)state;
	ctx(&cx, T0);
	assert_int_equal(store_write(&cx, make_tx, &m), E_INVALID);
	assert_int_equal(flow_enqueue(&cx, &m.o, NULL), E_FAULT);    /* outside a transaction */
	ctx_done(&cx);
	assert_int_equal(step(T0 + 1, SENT_OK), 0);
}

static const struct { const char *why, *to; bool ok; } addresses[] = {
	{ "an address", "ann@x.example", true }, { "a tag", "ann+b@x.example", true }, { "no host", "ann@", false },
	{ "no local part", "@x.example", false }, { "two at", "a@b@c", false }, { "a blank", "a b@x.example", false },
	{ "a line end", "a@x.example\r\nRCPT TO:<b@x.example>", false }, { "brackets", "<a@x.example>", false },
	{ "a comma", "a@x.example,b@x.example", false }, { "nothing", "", false }, { "a NUL", "a\001@x.example", false },
};

static void
address(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;

	assert_int_equal(address_ok(str_of(addresses[i].to)), addresses[i].ok);
}

static void
loops_end(void **state)
{
	struct outgoing o = { .to = HIDE(S("robot@x.example")), .automatic = true };

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_not_equal(make(T0 + i, o), 0);
	assert_int_equal(make(T0 + 11, o), 0);
	assert_int_not_equal(make(T0 + 3601 * SECOND, o), 0);
	o.event = "login";
	assert_int_not_equal(make(T0 + 12, o), 0);     /* another kind */
	o.event = NULL;
	o.staff = true;
	assert_int_not_equal(make(T0 + 12, o), 0);     /* staff are told */
	o.staff = false;
	assert_int_equal(make(T0 + 12, o), 0);
	maker = &alma;
	assert_int_not_equal(make(T0 + 12, o), 0);     /* staff caused it */
	maker = &somebody;
	o.automatic = false;
	assert_int_not_equal(make(T0 + 12, o), 0);     /* a person's words always go */
}

static enum err
forget_tx(struct ctx *cx, void *arg)
{
	(void)arg;
	return flow_forget_ticket(cx, 5);
}

static void
redaction_strips(void **state)
{
	int64_t waits, sent;
	struct outbox_row o;
	struct ctx cx;

	(void)state;
	allow("a@x.example", true);
	sent = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")), .ticket_id = 5, .text = HIDE(S("words")) });
	assert_int_equal(step(T0, SENT_OK), sent);
	waits = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")), .ticket_id = 5, .text = HIDE(S("words")), .line = "There." });
	ctx(&cx, T0);
	assert_int_equal(store_write(&cx, forget_tx, NULL), OK);
	assert_int_equal(store_erase(&cx), OK);
	assert_int_equal(flow_get(&cx, waits, &o), OK);
	assert_false(o.content);
	assert_int_equal(o.text.hidden.n, 0);
	assert_true(str_eq(o.to.hidden, S("a@x.example")));
	assert_int_equal(flow_get(&cx, sent, &o), OK);
	assert_true(o.erased);
	ctx_done(&cx);
}

static void
old_ones_go(void **state)
{
	int64_t sent = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) }), dead = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) }), held;
	struct outbox_row o;
	struct ctx cx;
	bool more;

	(void)state;
	assert_int_equal(step(T0, SENT_OK), sent);
	assert_int_equal(step(T0, (struct outcome){ .what = TRIED_NEVER, .status = 550, .reason = "no" }), dead);
	held = make(T0, (struct outgoing){ .to = HIDE(S("a@x.example")) });
	assert_int_equal(step(T0, (struct outcome){ .what = TRIED_HOLD, .reason = "held" }), held);
	ctx(&cx, T0 + 6 * DAY);
	assert_int_equal(outbox_clean(&cx, &more), OK);
	assert_int_equal(flow_get(&cx, sent, &o), OK);
	ctx_done(&cx);
	ctx(&cx, T0 + 8 * DAY);
	assert_int_equal(outbox_clean(&cx, &more), OK);
	assert_int_equal(flow_get(&cx, sent, &o), E_ABSENT);
	fail_clear(&cx);
	assert_int_equal(flow_get(&cx, dead, &o), OK);
	assert_int_equal(flow_get(&cx, held, &o), OK);
	ctx_done(&cx);
	ctx(&cx, T0 + 31 * DAY);
	assert_int_equal(outbox_clean(&cx, &more), OK);
	assert_int_equal(flow_get(&cx, dead, &o), E_ABSENT);
	fail_clear(&cx);
	assert_int_equal(flow_get(&cx, held, &o), E_ABSENT);
	ctx_done(&cx);
}

/* All that waits for a webhook pauses with it, and no try is counted; another's goes on. */
static void
pauses_together(void **state)
{
	struct outgoing o = { .kind = FLOW_WEBHOOK, .webhook_id = 1, .body = HIDE(S("{}")) };
	int64_t a = make(T0, o), b = make(T0 + 1, o), other;
	struct outcome paused = { .what = TRIED_LATER, .reason = "it pauses", .paused_until = T0 + 60 * SECOND };
	struct message m;
	struct ctx cx;

	(void)state;
	o.webhook_id = 2;
	other = make(T0 + 2, o);
	ctx(&cx, T0 + 3);
	assert_int_equal(outbox_claim(&cx, FLOW_WEBHOOK, &m), OK);
	assert_int_equal(m.id, a);
	assert_int_equal(outbox_settle(&cx, &m, &paused), OK);
	assert_int_equal(outbox_claim(&cx, FLOW_WEBHOOK, &m), OK);
	assert_int_equal(m.id, other);
	ctx_done(&cx);
	assert_int_equal(look(a).attempts, 0);
	assert_int_equal(look(a).due_at, T0 + 60 * SECOND);
	assert_int_equal(look(b).due_at, T0 + 60 * SECOND);
}

static void
marks(void **state)
{
	str m, t;
	int64_t id;
	struct ctx cx;

	(void)state;
	ctx(&cx, T0);
	assert_int_equal(flow_mark(&cx, 't', 35, &m), OK);
	t = str_printf(cx.arena, "help+x+" STR_F "@x.example", STR_A(m));
	assert_int_equal(flow_marked(&cx, 't', t, &id), OK);
	assert_int_equal(id, 35);
	assert_int_equal(flow_marked(&cx, 'b', t, &id), OK);
	assert_int_equal(id, 0);
	for (const char *const *z = (const char *const[]){ "help+t35-0000000000000000@x", "help+t35@x", "+t-1-2@x", "+t99999999999999999999-1@x", "", "+t", NULL }; *z; z++) {
		assert_int_equal(flow_marked(&cx, 't', str_of(*z), &id), OK);
		assert_int_equal(id, 0);
	}
	/* The mark of one ticket is not another's. */
	((char *)(uintptr_t)t.p)[9] = '6';
	assert_int_equal(flow_marked(&cx, 't', t, &id), OK);
	assert_int_equal(id, 0);
	ctx_done(&cx);
}

static void
ulids(void **state)
{
	struct ctx cx;
	str u;

	(void)state;
	ctx(&cx, T0);
	for (int64_t id = 1; id < (int64_t)1 << 60; id = id * 7 + 1) {
		u = flow_invocation_uid(&cx, id, T0);
		assert_int_equal(u.n, 26);
		assert_int_equal(flow_invocation_id(u), id);
	}
	assert_int_equal(flow_invocation_id(S("nothing")), 0);
	assert_int_equal(flow_invocation_id(S("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")), 0);
	assert_int_equal(flow_invocation_id(S("0000000000000000000000000I")), 0);
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[32];
	size_t n = 0;
#define T(f, words) t[n++] = (struct CMUnitTest){ .name = words, .test_func = f, .setup_func = open_world, .teardown_func = close_world }
	T(goes_in_order, "messages go in their order, each once");
	T(waits_longer_each_time, "each wait is twice as long, give or take a fifth, and ends after three days");
	T(never_is_never, "a refusal is final until a person says otherwise");
	T(cut_off, "after a crash only what may have been taken is in doubt");
	T(held_until_allowed, "held until its destination is listed");
	T(content_where_allowed, "the most exact destination decides over content");
	T(rolled_back, "a change that does not happen sends nothing");
	T(loops_end, "automatic mail to one recipient is limited");
	T(redaction_strips, "redaction strips what waits and what was sent");
	T(old_ones_go, "what is long done goes with its key");
	T(pauses_together, "what waits for a webhook pauses with it");
	T(marks, "marks are signed");
	T(ulids, "an invocation's id and back");
	for (size_t i = 0; i < COUNT(addresses); i++)
		t[n++] = (struct CMUnitTest){ .name = addresses[i].why, .test_func = address, .initial_state = (void *)(uintptr_t)i };
	return _cmocka_run_group_tests("flow outbox", t, n, NULL, NULL);
}
