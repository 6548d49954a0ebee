/* outbox.c - /api/ward/v1: what leaves the house: the outbox, its destinations, how mail is sent. */
#include "api/in.h"
#include "flow/flow.h"

static const char *const by_id[] = { "id", NULL };

/* ---- the outbox -------------------------------------------------------------------------------------------------- */

static void
json_outbox(struct json *j, struct ctx *cx, const struct outbox_row *o, bool whole)
{
	jw_obj(j);
	jw_kint(j, "id", o->id);
	jw_kz(j, "kind", flow_kind_name(o->kind));
	jw_kz(j, "state", flow_state_name(o->state));
	if (o->reason.n)
		jw_kstr(j, "reason", o->reason);
	else
		jw_knull(j, "reason");
	jw_kstr(j, "event", o->event);
	if (o->cause.n)
		jw_kstr(j, "cause", o->cause);
	else
		jw_knull(j, "cause");
	jw_kid(j, "ticket_id", o->ticket_id);
	jw_kid(j, "comment_id", o->comment_id);
	jw_kid(j, "user_id", o->user_id);
	jw_kid(j, "webhook_id", o->webhook_id);
	jw_kint(j, "attempts", o->attempts);
	jw_kid(j, "status_code", o->status);
	jw_kbool(j, "automatic", o->automatic);
	jw_kbool(j, "content", o->content);
	jw_kbool(j, "uncertain", o->uncertain);
	jw_ktime(j, "created_at", o->created_at);
	jw_ktime(j, "due_at", o->state == FLOW_QUEUED || o->state == FLOW_RETRY ? o->due_at : 0);
	jw_ktime(j, "updated_at", o->updated_at);
	if (whole) {
		jw_kbool(j, "erased", o->erased);
		jw_kstr(j, "to", reveal(cx, o->to, TO_SHOW_ACTOR));
		jw_kstr(j, "subject", reveal(cx, o->subject, TO_SHOW_ACTOR));
		jw_kstr(j, "text", reveal(cx, o->text, TO_SHOW_ACTOR));
		jw_kstr(j, "body", reveal(cx, o->body, TO_SHOW_ACTOR));
	}
	jw_end_obj(j);
}

static enum err
outbox_reply(struct ctx *cx, struct http_reply *rp, int64_t id)
{
	struct outbox_row o;
	struct json j;

	TRY(flow_get(cx, id, &o));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "message");
	json_outbox(&j, cx, &o, true);
	jw_end_obj(&j);
	return look_one(cx, "outbox", id, "to,subject,text,body");
}

static enum err
outbox_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *state = http_query(rq, "state"), *kind = http_query(rq, "kind"), *ticket = http_query(rq, "ticket_id");
	struct outbox_filter f = { 0 };
	struct flow_counts counts;
	struct outbox_row *o;
	struct paging p;
	struct json j;
	bool more;
	int n;

	if (state != NULL && !flow_state_of(*state, &f.state))
		return api_error(rp, 400, "InvalidValue", "Parameter state must be one of queued, sending, retry, held, sent, dead, dropped");
	if (kind != NULL && !flow_kind_of(*kind, &f.kind))
		return api_error(rp, 400, "InvalidValue", "Parameter kind must be mail or webhook");
	if (ticket != NULL && (ticket->n > 18 || !str_int(*ticket, &f.ticket_id) || f.ticket_id < 1))
		return api_error(rp, 400, "InvalidValue", "Parameter ticket_id must be an id");
	if (!api_paging(cx, rq, rp, by_id, 1, 100, &p))
		return OK;
	if (p.before)
		return api_error(rp, 400, "InvalidPaginationParameter", "The outbox is listed newest first, with page[after]");
	p.cursor = true;
	f.before_id = p.after ? p.id : 0;
	f.limit = p.limit + 1;
	TRY(flow_list(cx, &f, &o, &n));
	TRY(flow_count(cx, &counts));
	more = n > p.limit;
	if (more)
		n = p.limit;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "outbox");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_outbox(&j, cx, &o[i], false);
	jw_end_arr(&j);
	jw_key(&j, "counts");
	jw_obj(&j);
	for (int s = FLOW_QUEUED; s <= FLOW_DEAD; s++)
		if (s != FLOW_SENT)
			jw_kint(&j, flow_state_name((enum flow_state)s), counts.of[s]);
	jw_end_obj(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ o[0].id, o[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ o[n - 1].id, o[n - 1].id } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	return OK;
}

static enum err
outbox_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return outbox_reply(cx, rp, rq->param[0]);
}

static enum err
outbox_retry(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(flow_retry(cx, rq->param[0], api_query_is(rq, "again", "true")));
	return outbox_reply(cx, rp, rq->param[0]);
}

static enum err
outbox_drop(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(flow_drop(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* ---- destinations ------------------------------------------------------------------------------------------------- */

static const struct field dest_fields[] = {
	{ "pattern",    F_TEXT,  offsetof(struct destination, pattern),    DEST_PATTERN, true },
	{ "note",       F_TEXT,  offsetof(struct destination, note),       DEST_NOTE,    true },
	{ "content",    F_BOOL,  offsetof(struct destination, content),    DEST_CONTENT, false },
	{ "allow_http", F_BOOL,  offsetof(struct destination, plain_http), DEST_PLAIN,   false },
	{ "allow_addresses", F_PLAIN, offsetof(struct destination, ranges), DEST_RANGES, true },
	{ "ca_pem",     F_PLAIN, offsetof(struct destination, ca_pem),     DEST_CA,      true },
};
const struct fieldset dest_fieldset = { dest_fields, COUNT(dest_fields) };
static const char *const dest_names[] = { "kind", "pattern", "note", "content", "allow_http", "allow_addresses", "ca_pem", NULL };

static void
json_dest(struct json *j, struct ctx *cx, const struct destination *d)
{
	jw_obj(j);
	jw_kint(j, "id", d->id);
	jw_kz(j, "kind", d->kind == DEST_RECIPIENT ? "recipient" : "webhook");
	jw_kstr(j, "pattern", reveal(cx, d->pattern, TO_SHOW_ACTOR));
	jw_kstr(j, "note", reveal(cx, d->note, TO_SHOW_ACTOR));
	jw_kbool(j, "content", d->content);
	jw_kbool(j, "allow_http", d->plain_http);
	jw_kstr(j, "allow_addresses", d->ranges);
	jw_kstr(j, "ca_pem", d->ca_pem);
	jw_ktime(j, "created_at", d->created_at);
	jw_ktime(j, "updated_at", d->updated_at);
	jw_end_obj(j);
}

static enum err
dest_reply(struct ctx *cx, struct http_reply *rp, int status, const struct destination *d)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "destination");
	json_dest(&j, cx, d);
	jw_end_obj(&j);
	return look_one(cx, "destination", d->id, "pattern,note");
}

static enum err
dest_read(struct ctx *cx, struct http_req *rq, struct http_reply *rp, unsigned *has, struct destination *d, bool *ok)
{
	const json_t *obj, *kind;
	str k;

	*ok = false;
	*has = 0;
	TRY(api_body(cx, rq, rp, "destination", &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, dest_names);
	api_fields(cx, obj, dest_fields, COUNT(dest_fields), d, has);
	if ((kind = json_object_get(obj, "kind")) != NULL) {
		k = json_text(cx, kind);
		*has |= DEST_KIND;
		if (str_eq(k, S("recipient")))
			d->kind = DEST_RECIPIENT;
		else if (str_eq(k, S("webhook")))
			d->kind = DEST_WEBHOOK;
		else
			bad(cx, "kind", "InvalidValue", "Kind: must be recipient or webhook");
	}
	*ok = true;
	return OK;
}

static enum err
dest_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct destination *d;
	struct paging p;
	struct json j;
	int64_t *ids;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, by_id, 1, 100, &p))
		return OK;
	if (p.before)
		return api_error(rp, 400, "InvalidPaginationParameter", "Destinations are listed with page[after]");
	p.cursor = true;
	TRY(flow_dest_list(cx, p.after ? p.id : 0, p.limit + 1, &d, &n));
	more = n > p.limit;
	if (more)
		n = p.limit;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "destinations");
	jw_arr(&j);
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++) {
		json_dest(&j, cx, &d[i]);
		ids[i] = d[i].id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ ids[0], ids[0] } : (struct place){ 0, 0 },
	    n ? (struct place){ ids[n - 1], ids[n - 1] } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	return n ? trail_look(cx, "destination", ids, n, "pattern,note") : OK;
}

static enum err
dest_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct destination d;

	TRY(flow_dest_get(cx, rq->param[0], &d));
	return dest_reply(cx, rp, 200, &d);
}

static enum err
dest_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct destination in = { 0 }, d;
	unsigned has;
	bool ok;

	TRY(dest_read(cx, rq, rp, &has, &in, &ok));
	if (!ok)
		return OK;
	TRY(flow_dest_create(cx, has, &in, &d));
	return dest_reply(cx, rp, 201, &d);
}

static enum err
dest_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct destination in = { 0 }, d;
	unsigned has;
	bool ok;

	TRY(dest_read(cx, rq, rp, &has, &in, &ok));
	if (!ok)
		return OK;
	TRY(flow_dest_update(cx, rq->param[0], has, &in, &d));
	return dest_reply(cx, rp, 200, &d);
}

static enum err
dest_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(flow_dest_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* ---- mail ----------------------------------------------------------------------------------------------------------- */

static const struct field mail_fields[] = {
	{ "host",     F_PLAIN, offsetof(struct flow_conf, host),     CONF_HOST,     true },
	{ "port",     F_ID,    offsetof(struct flow_conf, port),     CONF_PORT,     false },
	{ "ca_pem",   F_PLAIN, offsetof(struct flow_conf, ca_pem),   CONF_CA,       true },
	{ "user",     F_TEXT,  offsetof(struct flow_conf, user),     CONF_USER,     true },
	{ "password", F_TEXT,  offsetof(struct flow_conf, password), CONF_PASSWORD, true },
	{ "from",     F_PLAIN, offsetof(struct flow_conf, from),     CONF_FROM,     true },
	{ "name",     F_PLAIN, offsetof(struct flow_conf, name),     CONF_NAME,     true },
	{ "retry_seconds",         F_ID, offsetof(struct flow_conf, retry_seconds),         CONF_RETRY,         false },
	{ "give_up_hours",         F_ID, offsetof(struct flow_conf, give_up_hours),         CONF_GIVE_UP,       false },
	{ "keep_days",             F_ID, offsetof(struct flow_conf, keep_days),             CONF_KEEP,          false },
	{ "dead_days",             F_ID, offsetof(struct flow_conf, dead_days),             CONF_DEAD,          false },
	{ "auto_limit",            F_ID, offsetof(struct flow_conf, auto_limit),            CONF_AUTO,          false },
	{ "webhook_retry_seconds", F_ID, offsetof(struct flow_conf, webhook_retry_seconds), CONF_WEBHOOK_RETRY, false },
	{ "webhook_tries",         F_ID, offsetof(struct flow_conf, webhook_tries),         CONF_WEBHOOK_TRIES, false },
};
const struct fieldset mail_fieldset = { mail_fields, COUNT(mail_fields) };
static const char *const mail_names[] = { "host", "port", "tls", "ca_pem", "user", "password", "from", "name", "retry_seconds",
    "give_up_hours", "keep_days", "dead_days", "auto_limit", "webhook_retry_seconds", "webhook_tries", NULL };

static enum err
mail_reply(struct http_reply *rp, const struct flow_conf *c)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "mail");
	jw_obj(&j);
	jw_kstr(&j, "host", c->host);
	jw_kint(&j, "port", c->port);
	jw_kz(&j, "tls", c->tls == FLOW_TLS ? "tls" : c->tls == FLOW_PLAIN ? "none" : "starttls");
	jw_kstr(&j, "ca_pem", c->ca_pem);
	jw_kstr(&j, "user", c->user.hidden);
	jw_kbool(&j, "password_set", c->password.hidden.n != 0);
	jw_kstr(&j, "from", c->from);
	jw_kstr(&j, "name", c->name);
	jw_kint(&j, "retry_seconds", c->retry_seconds);
	jw_kint(&j, "give_up_hours", c->give_up_hours);
	jw_kint(&j, "keep_days", c->keep_days);
	jw_kint(&j, "dead_days", c->dead_days);
	jw_kint(&j, "auto_limit", c->auto_limit);
	jw_kint(&j, "webhook_retry_seconds", c->webhook_retry_seconds);
	jw_kint(&j, "webhook_tries", c->webhook_tries);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
mail_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct flow_conf c;

	(void)rq;
	TRY(flow_conf_get(cx, &c));
	return mail_reply(rp, &c);
}

static enum err
mail_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct flow_conf in = { 0 }, c;
	const json_t *obj, *tls;
	unsigned has = 0;

	TRY(api_body(cx, rq, rp, "mail", &obj));
	if (obj == NULL)
		return OK;
	api_known(cx, obj, mail_names);
	api_fields(cx, obj, mail_fields, COUNT(mail_fields), &in, &has);
	if ((tls = json_object_get(obj, "tls")) != NULL) {
		str t = json_text(cx, tls);
		has |= CONF_TLS;
		if (str_eq(t, S("starttls")))
			in.tls = FLOW_STARTTLS;
		else if (str_eq(t, S("tls")))
			in.tls = FLOW_TLS;
		else if (str_eq(t, S("none")))
			in.tls = FLOW_PLAIN;
		else
			bad(cx, "tls", "InvalidValue", "Tls: must be starttls, tls, or none");
	}
	TRY(flow_conf_set(cx, has, &in, &c));
	TRY(address_own(cx, c.from, c.name));
	return mail_reply(rp, &c);
}

struct mail_test { struct outgoing o; int64_t id; };

static enum err
mail_test_tx(struct ctx *cx, void *arg)
{
	struct mail_test *t = arg;

	TRY(flow_enqueue(cx, &t->o, &t->id));
	return trail_append(cx, &(struct event){ .action = "mail.test", .object = "outbox", .id = t->id });
}

/* A message without content to who asks, by the way that every mail takes. */
static enum err
mail_test(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct mail_test t;
	struct user u;

	(void)rq;
	TRY(user_load(cx, cx->actor->user_id, &u));
	if (u.email.hidden.n == 0)
		bad(cx, "base", "BlankValue", "You have no address that a test could go to");
	TRY(bad_check(cx));
	t = (struct mail_test){ .o = { .kind = FLOW_MAIL, .event = "test", .user_id = u.id, .to = u.email, .to_name = u.name } };
	TRY(store_write(cx, mail_test_tx, &t));
	return outbox_reply(cx, rp, t.id);
}

/* ---- jobs --------------------------------------------------------------------------------------------------------------- */

static void
json_ward_job(struct json *j, const struct job *job, bool whole)
{
	jw_obj(j);
	jw_kstr(j, "id", job->uid);
	jw_kstr(j, "job_type", job->type);
	jw_kstr(j, "status", job->state);
	jw_kint(j, "total", job->total);
	jw_kint(j, "progress", job->progress);
	jw_kint(j, "failed", job->failed);
	jw_kid(j, "owner_id", job->owner_id);
	jw_ktime(j, "created_at", job->created_at);
	jw_ktime(j, "updated_at", job->updated_at);
	if (whole)
		jw_kraw(j, "results", job->results.n ? job->results : S("null"));
	jw_end_obj(j);
}

static enum err
jobs_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct job *job;
	struct json j;
	int n;

	TRY(api_query_is(rq, "failed", "true") ? job_list_failed(cx, &job, &n) : job_list(cx, &job, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "jobs");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_ward_job(&j, &job[i], false);
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return OK;
}

static enum err
job_reply(struct http_reply *rp, int status, const struct job *job)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "job");
	json_ward_job(&j, job, true);
	jw_end_obj(&j);
	return OK;
}

static enum err
job_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct job job;

	TRY(job_get(cx, rq->word[0], &job));
	return job_reply(rp, 200, &job);
}

static enum err
job_again(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct job job;

	TRY(job_retry(cx, rq->word[0], &job));
	return job_reply(rp, 201, &job);
}

static enum err
job_give_up(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(job_drop_failed(cx, rq->word[0]));
	api_empty(rp, 204);
	return OK;
}

const struct route outbox_routes[] = {
	{ GET,    "/api/ward/v1/jobs",              MAY_READ_JOBS, 0,     jobs_list,    0 },
	{ GET,    "/api/ward/v1/jobs/{word}",       MAY_READ_JOBS, 0,     job_show,     0 },
	{ POST,   "/api/ward/v1/jobs/{word}/retry", MAY_READ_JOBS, 4 * KiB, job_again,  0 },
	{ DELETE, "/api/ward/v1/jobs/{word}",       MAY_READ_JOBS, 0,     job_give_up,  0 },
	{ GET,    "/api/ward/v1/outbox",            MAY_ADMIN, 0,         outbox_list,  0 },
	{ GET,    "/api/ward/v1/outbox/{id}",       MAY_ADMIN, 0,         outbox_show,  0 },
	{ DELETE, "/api/ward/v1/outbox/{id}",       MAY_ADMIN, 0,         outbox_drop,  0 },
	{ POST,   "/api/ward/v1/outbox/{id}/retry", MAY_ADMIN, 4 * KiB,   outbox_retry, 0 },
	{ GET,    "/api/ward/v1/destinations",      MAY_ADMIN, 0,         dest_list,    0 },
	{ POST,   "/api/ward/v1/destinations",      MAY_ADMIN, 256 * KiB, dest_post,    0 },
	{ GET,    "/api/ward/v1/destinations/{id}", MAY_ADMIN, 0,         dest_show,    0 },
	{ PUT,    "/api/ward/v1/destinations/{id}", MAY_ADMIN, 256 * KiB, dest_put,     0 },
	{ DELETE, "/api/ward/v1/destinations/{id}", MAY_ADMIN, 0,         dest_delete,  0 },
	{ GET,    "/api/ward/v1/mail",              MAY_ADMIN, 0,         mail_show,    0 },
	{ PUT,    "/api/ward/v1/mail",              MAY_ADMIN, 256 * KiB, mail_put,     0 },
	{ POST,   "/api/ward/v1/mail/test",         MAY_ADMIN, 4 * KiB,   mail_test,    0 },
	{ 0 }
};
