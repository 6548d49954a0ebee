/* tickets.c - /api/v2/tickets and what hangs below it. */
#include "api/in.h"

#define SHOWN "subject,description,tags,custom_fields,external_id"

/* ---- reading a ticket's body ------------------------------------------------------------------------------- */

void
comment_fields(struct ctx *cx, const json_t *c, struct ticket_change *ch)
{
	const json_t *v;
	size_t i;
	json_t *w;

	if (c == NULL || json_is_null(c))
		return;
	if (json_is_string(c)) {
		ch->body = HIDE(json_text(cx, c));
		ch->has |= T_COMMENT;
		return;
	}
	if (!json_is_object(c)) {
		bad(cx, "comment", "InvalidValue", "Comment: must be an object with a body");
		return;
	}
	if ((v = json_object_get(c, "body")) == NULL || json_is_null(v))
		if (json_object_get(c, "html_body") == NULL)
			v = json_object_get(c, "value");        /* its name in old clients, the Ruby one's examples among them */
	if (v != NULL && !json_is_null(v)) {
		if (json_is_string(v))
			ch->body = HIDE(json_text(cx, v));
		else
			bad(cx, "comment", "InvalidValue", "Comment: body must be a string");
	} else if ((v = json_object_get(c, "html_body")) != NULL && !json_is_null(v)) {
		if (json_is_string(v)) {
			ch->body = HIDE(html_to_text(cx->arena, json_text(cx, v), 1 * MiB));
			ch->html = HIDE(html_wash(cx->arena, json_text(cx, v), 1 * MiB));
		} else
			bad(cx, "comment", "InvalidValue", "Comment: html_body must be a string");
	}
	if ((v = json_object_get(c, "public")) != NULL && !json_is_null(v)) {
		ch->comment_public_set = true;
		if (json_is_boolean(v))
			ch->comment_public = json_is_true(v);
		else if (json_is_string(v) && (str_eq(json_text(cx, v), S("true")) || str_eq(json_text(cx, v), S("false"))))
			ch->comment_public = str_eq(json_text(cx, v), S("true"));
		else
			bad(cx, "comment", "InvalidValue", "Comment: public must be true or false");
	}
	if ((v = json_object_get(c, "author_id")) != NULL && !json_is_null(v) && !json_id(v, &ch->author_id))
		bad(cx, "comment", "InvalidValue", "Comment: author_id must be an id");
	if ((v = json_object_get(c, "uploads")) != NULL && !json_is_null(v)) {
		ch->upload_token = NEW(cx->arena, str, json_array_size(v) + 1);
		if (json_is_string(v))
			ch->upload_token[ch->token_count++] = json_text(cx, v);
		else if (json_is_array(v))
			json_array_foreach(v, i, w) {
				if (json_is_string(w) && i < 100)
					ch->upload_token[ch->token_count++] = json_text(cx, w);
				else
					bad(cx, "comment", "InvalidValue", "Comment: uploads must be at most 100 upload tokens");
			}
		else
			bad(cx, "comment", "InvalidValue", "Comment: uploads must be an array of upload tokens");
	}
	ch->has |= T_COMMENT;
}

/* `tags` are set, `additional_tags` beside them added, then `remove_tags` go. */
static void
read_tags(struct ctx *cx, const json_t *v, const char *name, unsigned bit, struct ticket_change *ch)
{
	const sensitive *had = bit == T_ADD_TAGS ? ch->tag : NULL;
	int n = had ? ch->tag_count : 0;
	sensitive *tag;
	json_t *w;
	size_t i;

	if (v == NULL)
		return;
	if (json_is_null(v))
		v = NULL;
	else if (!json_is_array(v) && !json_is_string(v)) {
		bad(cx, name, "InvalidValue", "Tags: must be an array of strings");
		return;
	}
	tag = NEW(cx->arena, sensitive, n + json_array_size(v) + 1);
	for (int k = 0; k < n; k++)
		tag[k] = had[k];
	if (json_is_string(v))
		tag[n++] = HIDE(json_text(cx, v));
	json_array_foreach(v, i, w) {
		if (!json_is_string(w)) {
			bad(cx, name, "InvalidValue", "Tags: must be an array of strings");
			return;
		}
		tag[n++] = HIDE(json_text(cx, w));
	}
	if (bit == T_REMOVE_TAGS) {
		ch->drop_tag = tag;
		ch->drop_count = n;
	} else {
		ch->tag = tag;
		ch->tag_count = n;
	}
	if (!(bit == T_ADD_TAGS && (ch->has & T_TAGS)))
		ch->has |= bit;
}

static void
read_custom(struct ctx *cx, const json_t *v, struct ticket_change *ch)
{
	json_t *one;
	size_t i;
	const char *key;

	if (v == NULL || json_is_null(v))
		return;
	ch->custom = arena_alloc(cx->arena, sizeof *ch->custom, json_array_size(v) + json_object_size(v) + 1, 16);
	if (json_is_object(v)) {
		/* {"401": "blue"}, a form that some clients use */
		json_object_foreach((json_t *)(uintptr_t)v, key, one) {
			int64_t id;
			if (!str_int(str_of(key), &id) || id <= 0) {
				bad(cx, "custom_fields", "InvalidValue", "Custom fields: must be an array of {id, value}");
				return;
			}
			ch->custom[ch->custom_count].id = id;
			ch->custom[ch->custom_count++].value_json = json_compact(cx, one);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, one) {
			int64_t id;
			const json_t *val = json_object_get(one, "value");
			if (!json_is_object(one) || !json_id(json_object_get(one, "id"), &id) || id <= 0) {
				bad(cx, "custom_fields", "InvalidValue", "Custom fields: must be an array of {id, value}");
				return;
			}
			ch->custom[ch->custom_count].id = id;
			ch->custom[ch->custom_count++].value_json = val ? json_compact(cx, val) : S("null");
		}
	} else {
		bad(cx, "custom_fields", "InvalidValue", "Custom fields: must be an array of {id, value}");
		return;
	}
	if (ch->custom_count)
		ch->has |= T_CUSTOM;
}

static void
read_people(struct ctx *cx, const json_t *v, const char *name, struct cc_change **out, int *count)
{
	struct cc_change *all;
	json_t *one;
	size_t i;

	if (v == NULL || json_is_null(v))
		return;
	if (!json_is_array(v)) {
		bad(cx, name, "InvalidValue", "Email CCs and followers: must be an array");
		return;
	}
	all = NEW(cx->arena, struct cc_change, *count + (int)json_array_size(v) + 1);
	for (int k = 0; k < *count; k++)
		all[k] = (*out)[k];
	*out = all;
	json_array_foreach(v, i, one) {
		struct cc_change *c = &(*out)[*count];
		if (json_id(one, &c->user_id) && c->user_id > 0)
			;
		else if (json_is_string(one))
			c->email = c->name = HIDE(json_text(cx, one));
		else if (json_is_object(one)) {
			const json_t *id = json_object_get(one, "user_id");
			str email = json_text(cx, json_object_get(one, "user_email"));
			str who = json_text(cx, json_object_get(one, "user_name"));
			if (email.n == 0)
				email = json_text(cx, json_object_get(one, "email"));
			if (who.n == 0)
				who = json_text(cx, json_object_get(one, "name"));
			if (id != NULL && !json_is_null(id) && !json_id(id, &c->user_id)) {
				bad(cx, name, "InvalidValue", "Email CCs and followers: user_id must be an id");
				continue;
			}
			c->email = HIDE(email);
			c->name = HIDE(who.n ? who : email);
			c->remove = str_eq(json_text(cx, json_object_get(one, "action")), S("delete"));
		} else {
			bad(cx, name, "InvalidValue", "Email CCs and followers: must name users by id or e-mail");
			continue;
		}
		++*count;
	}
}

#define MACROS_MAX 50

/* `macro_id`, `macro_ids`: written only. */
static void
read_macros(struct ctx *cx, const json_t *obj, struct ticket_change *ch)
{
	const json_t *one = json_object_get(obj, "macro_id"), *list = json_object_get(obj, "macro_ids");
	size_t n = json_array_size(list), i;

	if (list != NULL && !json_is_null(list) && (!json_is_array(list) || n > MACROS_MAX)) {
		bad(cx, "macro_ids", "InvalidValue", "Macro ids: must be an array of at most 50 ids");
		return;
	}
	ch->macro = NEW(cx->arena, int64_t, n + 1);
	for (i = 0; i <= n; i++) {
		const json_t *v = i < n ? json_array_get(list, i) : one;
		int64_t *to = &ch->macro[ch->macro_count];
		bool twice = false;
		if (i == n && (v == NULL || json_is_null(v)))
			continue;
		if (!json_id(v, to) || *to == 0) {
			bad(cx, i < n ? "macro_ids" : "macro_id", "InvalidValue", "Macro: must be an id");
			continue;
		}
		for (int k = 0; k < ch->macro_count; k++)
			twice = twice || ch->macro[k] == *to;
		ch->macro_count += !twice;
	}
}

static const struct field ticket_table[] = {
	{ "subject",         F_TEXT,     offsetof(struct ticket_change, subject),         T_SUBJECT,     false },
	{ "external_id",     F_TEXT,     offsetof(struct ticket_change, external_id),     T_EXTERNAL_ID, true  },
	{ "recipient",       F_TEXT,     offsetof(struct ticket_change, recipient),       T_RECIPIENT,   true  },
	{ "status",          F_STATUS,   offsetof(struct ticket_change, status),          T_STATUS,      false },
	{ "priority",        F_PRIORITY, offsetof(struct ticket_change, priority),        T_PRIORITY,    true  },
	{ "type",            F_TYPE,     offsetof(struct ticket_change, type),            T_TYPE,        true  },
	{ "requester_id",    F_ID,       offsetof(struct ticket_change, requester_id),    T_REQUESTER,   false },
	{ "submitter_id",    F_ID,       offsetof(struct ticket_change, submitter_id),    T_SUBMITTER,   false },
	{ "assignee_id",     F_ID,       offsetof(struct ticket_change, assignee_id),     T_ASSIGNEE,    true  },
	{ "assignee_email",  F_TEXT,     offsetof(struct ticket_change, assignee_email),  T_ASSIGNEE,    false },
	{ "group_id",        F_ID,       offsetof(struct ticket_change, group_id),        T_GROUP,       true  },
	{ "organization_id", F_ID,       offsetof(struct ticket_change, organization_id), T_ORG,         true  },
	{ "problem_id",      F_ID,       offsetof(struct ticket_change, problem_id),      T_PROBLEM,     true  },
	{ "brand_id",        F_ID,       offsetof(struct ticket_change, brand_id),        T_BRAND,       true  },
	{ "ticket_form_id",  F_ID,       offsetof(struct ticket_change, form_id),         T_FORM,        true  },
	{ "due_at",          F_TIME,     offsetof(struct ticket_change, due_at),          T_DUE,         true  },
	{ "custom_status_id", F_ID,      offsetof(struct ticket_change, custom_status_id), T_CUSTOM_STATUS, true  },
	{ "via_followup_source_id", F_ID, offsetof(struct ticket_change, followup_source_id), 0,         true  },
};
const struct fieldset ticket_fieldset = { ticket_table, COUNT(ticket_table) };

void
ticket_fields(struct ctx *cx, const json_t *obj, struct ticket_change *ch)
{
	const json_t *v;
	bool safe = false;

	api_fields(cx, obj, ticket_table, COUNT(ticket_table), ch, &ch->has);
	if ((v = json_object_get(obj, "requester")) != NULL && !json_is_null(v)) {
		if (json_is_object(v)) {
			ch->requester_name = HIDE(json_text(cx, json_object_get(v, "name")));
			ch->requester_email = HIDE(json_text(cx, json_object_get(v, "email")));
			if (!json_is_null(json_object_get(v, "id")) && json_object_get(v, "id") != NULL
			    && !json_id(json_object_get(v, "id"), &ch->requester_id))
				bad(cx, "requester", "InvalidValue", "Requester: id must be an id");
			else if (ch->requester_id == 0 && ch->requester_email.hidden.n == 0)
				bad(cx, "requester", "BlankValue", "Requester: email cannot be blank");
		} else if (json_id(v, &ch->requester_id))
			;
		else if (json_is_string(v))
			ch->requester_email = HIDE(json_text(cx, v));
		else
			bad(cx, "requester", "InvalidValue", "Requester: must be an object, an id or an e-mail address");
		if (ch->requester_name.hidden.n == 0)
			ch->requester_name = ch->requester_email;
		ch->has |= T_REQUESTER;
	}
	comment_fields(cx, json_object_get(obj, "comment"), ch);
	read_tags(cx, json_object_get(obj, "tags"), "tags", T_TAGS, ch);
	read_tags(cx, json_object_get(obj, "additional_tags"), "additional_tags", T_ADD_TAGS, ch);
	read_tags(cx, json_object_get(obj, "remove_tags"), "remove_tags", T_REMOVE_TAGS, ch);
	v = json_object_get(obj, "custom_fields");
	read_custom(cx, v ? v : json_object_get(obj, "fields"), ch);
	/* `collaborators` and `collaborator_ids` are the whole list, the others are changes of it. */
	v = json_object_get(obj, "collaborators");
	if (v == NULL)
		v = json_object_get(obj, "collaborator_ids");
	if (json_is_array(v)) {
		ch->cc = NEW(cx->arena, struct cc_change, 1);
		ch->cc[ch->cc_count++].all = true;
	}
	read_people(cx, v, "collaborators", &ch->cc, &ch->cc_count);
	read_people(cx, json_object_get(obj, "additional_collaborators"), "additional_collaborators", &ch->cc, &ch->cc_count);
	read_people(cx, json_object_get(obj, "email_ccs"), "email_ccs", &ch->cc, &ch->cc_count);
	read_people(cx, json_object_get(obj, "followers"), "followers", &ch->follower, &ch->follower_count);
	read_macros(cx, obj, ch);
	if (ch->cc_count)
		ch->has |= T_CC;
	if (ch->follower_count)
		ch->has |= T_FOLLOWERS;
	if ((v = json_object_get(obj, "metadata")) != NULL && json_is_object(v))
		ch->metadata_json = json_compact(cx, v);
	v = json_object_get(obj, "safe_update");
	safe = json_is_true(v) || str_eq(json_text(cx, v), S("true"));
	if (safe) {
		v = json_object_get(obj, "updated_stamp");
		if (!json_is_string(v) || !time_parse(json_text(cx, v), &ch->safe_stamp))
			bad(cx, "updated_stamp", "InvalidValue", "Updated stamp: must be the ticket's updated_at as last seen");
		ch->has |= T_SAFE;
	}
}

void
ticket_new_fields(struct ctx *cx, const json_t *obj, struct ticket_change *ch)
{
	const json_t *v = json_object_get(obj, "description");

	ticket_fields(cx, obj, ch);
	if ((ch->has & T_COMMENT) || v == NULL || json_is_null(v))
		return;
	if (json_is_string(v)) {
		ch->body = HIDE(json_text(cx, v));
		ch->has |= T_COMMENT;
	} else
		bad(cx, "description", "InvalidValue", "Description: must be a string");
}

/* ---- one ticket ----------------------------------------------------------------------------------------------- */

static enum err
sideload(struct json *j, struct ctx *cx, const struct http_req *rq, const char *base, const struct ticket *t, int n)
{
	int64_t *ids;
	int k = 0;

	if (http_query(rq, "include") == NULL)
		return OK;
	ids = NEW(cx->arena, int64_t, (n + 1) * 110);
	if (api_includes(rq, "users")) {
		for (int i = 0; i < n; i++) {
			ids[k++] = t[i].requester_id;
			ids[k++] = t[i].submitter_id;
			ids[k++] = t[i].assignee_id;
			for (int c = 0; c < t[i].cc_count && c < 50; c++)
				ids[k++] = t[i].cc[c];
			for (int c = 0; c < t[i].follower_count && c < 50; c++)
				ids[k++] = t[i].follower[c];
		}
		TRY(sideload_users(j, cx, base, ids, k));
	}
	if (api_includes(rq, "groups")) {
		for (k = 0; k < n; k++)
			ids[k] = t[k].group_id;
		TRY(sideload_groups(j, cx, base, ids, n));
	}
	if (api_includes(rq, "metric_sets")) {
		jw_key(j, "metric_sets");
		jw_arr(j);
		for (int i = 0; i < n; i++)
			TRY(json_metric(j, cx, base, &t[i]));
		jw_end_arr(j);
	}
	if (api_includes(rq, "organizations")) {
		for (k = 0; k < n; k++)
			ids[k] = t[k].organization_id;
		TRY(sideload_orgs(j, cx, base, ids, n));
	}
	if (api_includes(rq, "ticket_forms")) {
		for (k = 0; k < n; k++)
			ids[k] = t[k].form_id;
		TRY(sideload_forms(j, cx, base, ids, n));
	}
	if (api_includes(rq, "incident_counts")) {
		jw_key(j, "incident_counts");
		jw_arr(j);
		for (int i = 0; i < n; i++) {
			int64_t count = 0;
			if (t[i].type != TYPE_PROBLEM)
				continue;
			TRY(ticket_incidents(cx, t[i].id, &count));
			jw_obj(j);
			jw_kint(j, "ticket_id", t[i].id);
			jw_kint(j, "count", count);
			jw_end_obj(j);
		}
		jw_end_arr(j);
	}
	if (api_includes(rq, "last_audits")) {
		jw_key(j, "last_audits");
		jw_arr(j);
		for (int i = 0; i < n; i++) {
			struct audit *a;
			int got;
			TRY(audit_list(cx, t[i].id, true, 0, 0, 1, &a, &got));
			if (got)
				json_audit(j, cx, base, a);
		}
		jw_end_arr(j);
		TRY(look_tickets(cx, t, n, "audits,comments"));
	}
	return OK;
}

enum err
ticket_sideload(struct json *j, struct ctx *cx, const struct http_req *rq, const char *base, const struct ticket *t, int n)
{
	return sideload(j, cx, rq, base, t, n);
}

enum err
ticket_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct ticket *t,
    const struct audit *a)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "ticket");
	json_ticket(&j, cx, base, t, api_includes(rq, "comment_count"));
	if (a != NULL) {
		jw_key(&j, "audit");
		json_audit(&j, cx, base, a);
	}
	TRY(sideload(&j, cx, rq, base, t, 1));
	jw_end_obj(&j);
	/* What was written left its access event with the change (ticket_change.shown). */
	return a != NULL ? OK : look_tickets(cx, t, 1, LOOK_OPENED SHOWN);
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;

	TRY(ticket_get(cx, rq->param[0], &t));
	return ticket_reply(cx, rq, rp, 200, &t, NULL);
}

struct creation {
	const struct http_req *rq;
	struct http_reply *rp;
	const struct ticket_change *ch;
	str key;
	struct ticket t;
	struct audit a;
};

static enum err
create_and_keep(struct ctx *cx, void *arg)
{
	struct creation *c = arg;
	enum err e = ticket_create(cx, c->ch, &c->t, &c->a);

	if (e == E_INVALID && cx->held != 0) {
		fail_forget(cx);                /* what was held stays written; create() says so */
		return OK;
	}
	TRY(e);
	TRY(ticket_reply(cx, c->rq, c->rp, 201, &c->t, &c->a));
	return idempotency_keep(cx, c->key, c->rq->body, buf_str(&c->rp->body), c->t.id);
}

static enum err
create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { 0 };
	struct creation c = { .rq = rq, .rp = rp, .ch = &ch, .key = http_header(rq, "idempotency-key") };
	const json_t *obj;
	str kept;
	enum err e;

	TRY(api_body(cx, rq, rp, "ticket", &obj));
	if (obj == NULL)
		return OK;
	if (c.key.n > 255)
		return api_error(rp, 400, "IdempotentRequestError", "The Idempotency-Key is longer than 255 characters");
	if (c.key.n) {
		/* A key belongs to who used it: another's answer is never given out. */
		c.key = str_printf(cx->arena, "%lld " STR_F, (long long)cx->actor->user_id, STR_A(c.key));
		e = idempotency_find(cx, c.key, rq->body, &kept);
		if (e == E_CONFLICT)
			return api_error(rp, 400, "IdempotentRequestError", "Request parameters don't match the given idempotency key");
		if (e == OK) {
			struct json j;
			int64_t id = 0;
			json_t *old;
			TRY(json_parse(cx, kept, &old));
			(void)json_id(json_object_get(json_object_get(old, "ticket"), "id"), &id);
			TRY(ticket_visible(cx, id));
			api_begin(rp, &j, 201);
			buf_add(&rp->body, reveal(cx, HIDE(kept), TO_SHOW_ACTOR));
			http_head(rp, "x-idempotency-lookup", S("hit"));
			api_location(cx, rq, rp, "tickets", id);
			cx->revealed |= 1u << TO_SHOW_ACTOR;
			return look_one(cx, "ticket", id, SHOWN);
		}
		if (e != E_ABSENT)
			return e;
		fail_clear(cx);
		http_head(rp, "x-idempotency-lookup", S("miss"));
	}
	ticket_new_fields(cx, obj, &ch);
	ch.has &= ~(unsigned)T_SAFE;
	ch.shown = LOOK_OPENED SHOWN ",comments";
	ch.may_hold = c.key.n != 0;
	if (c.key.n) {
		TRY(store_write(cx, create_and_keep, &c));
		if (cx->held != 0)
			return fail(cx, E_INVALID, POLICY_HELD, "held");
	} else {
		TRY(ticket_create(cx, &ch, &c.t, &c.a));
		TRY(ticket_reply(cx, rq, rp, 201, &c.t, &c.a));
	}
	api_location(cx, rq, rp, "tickets", c.t.id);
	return OK;
}

static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { 0 };
	struct ticket t;
	struct audit a;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "ticket", &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));      /* 404 before 422: nothing is learned about what is not theirs */
	ticket_fields(cx, obj, &ch);
	ch.shown = SHOWN ",comments";
	TRY(ticket_update(cx, rq->param[0], &ch, &t, &a));
	return ticket_reply(cx, rq, rp, 200, &t, &a);
}

static enum err
destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(ticket_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static const char *const sorts[] = { "id", "updated_at", "status", "created_at", "assignee", "assignee.name", "group",
    "locale", "requester", NULL };

static enum ticket_sort
sort_of(int i)
{
	return i == 1 ? SORT_UPDATED : i == 2 ? SORT_STATUS : i == 3 ? SORT_CREATED : SORT_ID;
}

static struct place
place_of(const struct ticket *t, enum ticket_sort s)
{
	return (struct place){ s == SORT_UPDATED ? t->updated_at : s == SORT_STATUS ? (int64_t)t->status : t->id, t->id };
}

enum err
tickets_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const char *name, struct ticket_filter *f)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct ticket *t;
	struct json j;
	int64_t total = 0;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 3, 100, &p))
		return OK;
	f->sort = sort_of(p.sort);
	f->descending = p.descending;
	f->limit = p.limit + (p.cursor ? 1 : 0);
	f->offset = p.offset;
	f->after_set = p.after;
	f->before_set = p.before;
	f->after_value = p.value;
	f->after_id = p.id;
	TRY(ticket_list(cx, f, &t, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			t++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(ticket_count(cx, f, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, name);
	json_tickets(&j, cx, base, t, n, api_includes(rq, "comment_count"));
	TRY(sideload(&j, cx, rq, base, t, n));
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? place_of(&t[0], f->sort) : (struct place){ 0, 0 },
	    n ? place_of(&t[n - 1], f->sort) : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, SHOWN);
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *external = http_query(rq, "external_id");
	struct ticket_filter f = { .external_id = external ? *external : S("") };

	return tickets_page(cx, rq, rp, "tickets", &f);
}

static enum err
list_recent(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p = { .limit = 5, .page = 1 };
	struct ticket *t;
	struct json j;
	int64_t ids[5];
	int n;

	TRY(ticket_recent(cx, 5, ids, &n));
	TRY(ticket_many(cx, ids, n, &t, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tickets");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		shows_of(cx, &t[i]);
		json_ticket(&j, cx, base, &t[i], false);
	}
	jw_end_arr(&j);
	TRY(ticket_sideload(&j, cx, rq, base, t, n));
	api_page_end(&j, cx, rq, &p, n, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, SHOWN);
}

static enum err
list_of_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization o;
	struct ticket_filter f = { .organization_id = rq->param[0] };

	TRY(org_get(cx, rq->param[0], &o));
	return tickets_page(cx, rq, rp, "tickets", &f);
}

static enum err
list_of_user(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;
	struct ticket_filter f = { 0 };

	TRY(user_get(cx, rq->param[0], &u));
	if (str_eq(rq->word[0], S("requested")))
		f.requester_id = u.id;
	else if (str_eq(rq->word[0], S("assigned")))
		f.assignee_id = u.id;
	else if (str_eq(rq->word[0], S("ccd")))
		f.cc_id = u.id;
	else if (str_eq(rq->word[0], S("followed")))
		f.follower_id = u.id;
	else
		return api_error(rp, 404, "InvalidEndpoint", "Not found");
	return tickets_page(cx, rq, rp, "tickets", &f);
}

static enum err
count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { 0 };
	int64_t n;

	(void)rq;
	TRY(ticket_count(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p = { .limit = 100, .page = 1 };
	struct ticket *t;
	struct json j;
	int64_t *ids;
	int n, got;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	TRY(ticket_many(cx, ids, n, &t, &got));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tickets");
	jw_arr(&j);
	for (int i = 0; i < got; i++)
		json_ticket(&j, cx, base, &t[i], api_includes(rq, "comment_count"));
	jw_end_arr(&j);
	TRY(sideload(&j, cx, rq, base, t, got));
	api_page_end(&j, cx, rq, &p, got, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, got);
	jw_end_obj(&j);
	return look_tickets(cx, t, got, SHOWN);
}

/* ---- deleted ------------------------------------------------------------------------------------------------------- */

static enum err
list_deleted(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const only_id[] = { "id", NULL };
	struct ticket_filter f = { .deleted = true };
	struct paging p;
	struct ticket *t;
	struct json j;
	int64_t total, who, actors[101];
	struct user u;
	int n, actor_count = 0;
	bool more;

	if (!api_paging(cx, rq, rp, only_id, 1, 100, &p))
		return OK;
	f.descending = p.descending;
	f.limit = p.limit + (p.cursor ? 1 : 0);
	f.offset = p.offset;
	f.after_set = p.after;
	f.before_set = p.before;
	f.after_id = f.after_value = p.id;
	TRY(ticket_list(cx, &f, &t, &n));
	TRY(ticket_count(cx, &f, &total));
	more = p.cursor && n > p.limit;
	if (more)
		n = p.limit;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "deleted_tickets");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		if (t[i].erased)
			continue;
		jw_obj(&j);
		jw_kint(&j, "id", t[i].id);
		shows_of(cx, &t[i]);
		jw_kstr(&j, "subject", reveal(cx, t[i].subject, TO_SHOW_ACTOR));
		jw_key(&j, "actor");
		jw_obj(&j);
		TRY(ticket_deleter(cx, t[i].id, &who));
		jw_kid(&j, "id", who);
		if (who != 0 && user_load(cx, who, &u) == OK) {
			jw_kstr(&j, "name", reveal(cx, u.name, TO_SHOW_ACTOR));
			actors[actor_count++] = who;
		} else {
			fail_forget(cx);
			jw_kz(&j, "name", "");
		}
		jw_end_obj(&j);
		jw_ktime(&j, "deleted_at", t[i].deleted_at);
		jw_kz(&j, "previous_state", status_name(t[i].status));
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ t[0].id, t[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ t[n - 1].id, t[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	if (actor_count)
		TRY(trail_look(cx, "user", actors, ids_unique(actors, actor_count), "name"));
	return look_tickets(cx, t, n, "subject");
}

static enum err
restore(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	TRY(ticket_restore(cx, rq->param[0]));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
restore_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;
	int64_t *ids;
	int n;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	for (int i = 0; i < n; i++)
		TRY(ticket_restore(cx, ids[i]));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- comments and audits --------------------------------------------------------------------------------------------- */

static const char *const created_sorts[] = { "created_at", NULL };

/* ?include_inline_images=false: pictures that stand in the text are no attachments. They are listed otherwise, because the text
 * is shown without them. */
static void
without_inline(const struct http_req *rq, struct comment *c, int n)
{
	if (!api_query_is(rq, "include_inline_images", "false"))
		return;
	for (int i = 0; i < n; i++) {
		int kept = 0;
		for (int k = 0; k < c[i].attachment_count && c[i].attachment != NULL; k++)
			if (!c[i].attachment[k].is_inline)
				c[i].attachment[kept++] = c[i].attachment[k];
		c[i].attachment_count = kept;
	}
}

/* A page of comments; *more: there is another. */
static enum err
comments_read(struct ctx *cx, int64_t ticket_id, const struct paging *p, struct comment **out, int *count, bool *more)
{
	struct comment *c;
	int n;

	TRY(comment_list(cx, ticket_id, false, p->descending != p->before, p->id, p->offset, p->limit + (p->cursor ? 1 : 0), &c, &n));
	*more = p->cursor && n > p->limit;
	if (*more)
		n = p->limit;
	if (p->before)
		for (int i = 0; i < n / 2; i++) {
			struct comment swap = c[i];
			c[i] = c[n - 1 - i];
			c[n - 1 - i] = swap;
		}
	*out = c;
	*count = n;
	return OK;
}

static enum err
comments(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct comment *c;
	struct json j;
	int64_t total = 0, *ids;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, created_sorts, 1, 100, &p))
		return OK;
	TRY(comments_read(cx, rq->param[0], &p, &c, &n, &more));
	without_inline(rq, c, n);
	if (!p.cursor)
		TRY(comment_count(cx, rq->param[0], false, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "comments");
	jw_arr(&j);
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++) {
		json_comment(&j, cx, base, &c[i]);
		ids[i] = c[i].author_id;
	}
	jw_end_arr(&j);
	if (api_includes(rq, "users"))
		TRY(sideload_users(&j, cx, base, ids, n));
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ c[0].id, c[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ c[n - 1].id, c[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_one(cx, "ticket", rq->param[0], "comments");
}

/* The same as a conversation; this list has cursors only. */
static enum err
conversation(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct comment *c;
	struct paging p;
	struct user *u;
	struct json j;
	int64_t *ids;
	int n, people;
	bool more;

	if (!api_paging(cx, rq, rp, created_sorts, 1, 100, &p))
		return OK;
	p.cursor = true;
	TRY(comments_read(cx, rq->param[0], &p, &c, &n, &more));
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		ids[i] = c[i].author_id;
	people = ids_unique(ids, n);
	TRY(user_many(cx, ids, people, &u, &people));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "events");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		const struct user *by = NULL;
		for (int k = 0; k < people; k++)
			by = u[k].id == c[i].author_id ? &u[k] : by;
		json_conversation(&j, cx, base, &c[i], by);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ c[0].id, c[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ c[n - 1].id, c[n - 1].id } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	if (people)
		TRY(trail_look(cx, "user", ids, people, "name"));
	return look_one(cx, "ticket", rq->param[0], "comments");
}

static enum err
comments_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t n;

	TRY(comment_count(cx, rq->param[0], false, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
make_private(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	TRY(comment_make_private(cx, rq->param[0], rq->param[1]));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
comment_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct comment *c)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "comment");
	json_comment(&j, cx, z_of(cx, api_base(cx, rq)), c);
	jw_end_obj(&j);
	return look_one(cx, "ticket", c->ticket_id, "comments");
}

static enum err
redact(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct comment c;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	if (!json_is_string(json_object_get(obj, "text"))) {
		bad(cx, "text", "BlankValue", "Text: is required and must be a string");
		return bad_check(cx);
	}
	TRY(comment_redact(cx, rq->param[0], rq->param[1], HIDE(json_text(cx, json_object_get(obj, "text"))), &c));
	return comment_reply(cx, rq, rp, &c);
}

static enum err
comment_redaction(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct comment c;
	int64_t ticket_id;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	if (!json_id(json_object_get(obj, "ticket_id"), &ticket_id) || ticket_id == 0)
		bad(cx, "ticket_id", "BlankValue", "Ticket id: is required and must be an id");
	if (!json_is_string(json_object_get(obj, "html_body")))
		bad(cx, "html_body", "BlankValue", "Html body: is required and must be a string");
	TRY(bad_check(cx));
	TRY(ticket_visible(cx, ticket_id));
	TRY(comment_redact_marked(cx, ticket_id, rq->param[0], HIDE(json_text(cx, json_object_get(obj, "html_body"))), &c));
	return comment_reply(cx, rq, rp, &c);
}

static enum err
redact_attachment(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;
	struct json j;

	TRY(attachment_redact(cx, rq->param[0], rq->param[1], rq->param[2], &f));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "attachment");
	json_attachment(&j, cx, z_of(cx, api_base(cx, rq)), &f);
	jw_end_obj(&j);
	return look_one(cx, "ticket", rq->param[0], "attachments");
}

/* ?filter_events[]=Comment&filter_events[]=Change: the other events go, and audits that have none left. */
static bool
events_kept(const struct http_req *rq, struct audit *a)
{
	bool asked = false, comment = false;
	int kept = 0;

	for (int q = 0; q < rq->query_count; q++)
		if (str_eq(rq->query[q].name, S("filter_events[]")) || str_eq(rq->query[q].name, S("filter_events"))) {
			asked = true;
			comment = comment || str_eq(rq->query[q].value, S("Comment"));
		}
	if (!asked)
		return true;
	for (int i = 0; i < a->event_count; i++) {
		bool yes = false;
		for (int q = 0; q < rq->query_count; q++)
			yes = yes || (str_starts(rq->query[q].name, S("filter_events")) && str_eq(rq->query[q].value, a->event[i].type));
		if (yes)
			a->event[kept++] = a->event[i];
	}
	a->event_count = kept;
	if (!comment)
		a->comment_id = 0;
	return kept > 0 || a->comment_id != 0;
}

static enum err
audits(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct audit *a;
	struct json j;
	int64_t total = 0;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, created_sorts, 1, 100, &p))
		return OK;
	TRY(audit_list(cx, rq->param[0], p.descending != p.before, p.id, p.offset, p.limit + (p.cursor ? 1 : 0), &a, &n));
	more = p.cursor && n > p.limit;
	if (more)
		n = p.limit;
	if (p.before)
		for (int i = 0; i < n / 2; i++) {
			struct audit swap = a[i];
			a[i] = a[n - 1 - i];
			a[n - 1 - i] = swap;
		}
	if (!p.cursor)
		TRY(audit_count(cx, rq->param[0], &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "audits");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		if (events_kept(rq, &a[i]))
			json_audit(&j, cx, base, &a[i]);
	jw_end_arr(&j);
	if (api_includes(rq, "users")) {
		int64_t *ids = NEW(cx->arena, int64_t, n + 1);
		for (int i = 0; i < n; i++)
			ids[i] = a[i].author_id;
		TRY(sideload_users(&j, cx, base, ids, n));
	}
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ a[0].id, a[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ a[n - 1].id, a[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_one(cx, "ticket", rq->param[0], "audits,comments");
}

static enum err
audits_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t n;

	TRY(audit_count(cx, rq->param[0], &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
audit_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct audit a;
	struct json j;

	TRY(audit_get(cx, rq->param[0], rq->param[1], &a));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "audit");
	json_audit(&j, cx, z_of(cx, api_base(cx, rq)), &a);
	jw_end_obj(&j);
	return look_one(cx, "ticket", rq->param[0], "audits,comments");
}

/* ---- tags, people ------------------------------------------------------------------------------------------------------- */

static enum err
tags_reply(struct ctx *cx, struct http_reply *rp, int status, const struct ticket *t)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_kraw(&j, "tags", reveal(cx, t->tags, TO_SHOW_ACTOR));
	jw_end_obj(&j);
	return look_one(cx, "ticket", t->id, "tags");
}

static enum err
tags_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;

	TRY(ticket_get(cx, rq->param[0], &t));
	return tags_reply(cx, rp, 200, &t);
}

/* POST sets, PUT adds, DELETE removes. */
static enum err
tags_change(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { 0 };
	const json_t *obj = NULL, *v;
	struct ticket t;
	bool safe;

	if (rq->body.n || rq->method != DELETE) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
	}
	TRY(ticket_visible(cx, rq->param[0]));
	if (!api_tags_body(cx, rq, obj, &v, &ch.safe_stamp, &safe))
		return bad_check(cx);
	read_tags(cx, v, "tags", rq->method == POST ? T_TAGS : rq->method == PUT ? T_ADD_TAGS : T_REMOVE_TAGS, &ch);
	if (safe)
		ch.has |= T_SAFE;
	TRY(ticket_update(cx, rq->param[0], &ch, &t, NULL));
	return tags_reply(cx, rp, rq->method == POST ? 201 : 200, &t);
}

static enum err
people(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;
	struct json j;
	int64_t *ids;
	int n = 0;

	TRY(ticket_get(cx, rq->param[0], &t));
	ids = NEW(cx->arena, int64_t, t.cc_count + t.follower_count + 1);
	if (!str_ends(rq->path, S("followers")) && !str_ends(rq->path, S("followers.json")))
		for (int i = 0; i < t.cc_count; i++)
			ids[n++] = t.cc[i];
	if (str_find(rq->path, S("email_ccs")) == SIZE_MAX)
		for (int i = 0; i < t.follower_count; i++)
			ids[n++] = t.follower[i];
	api_begin(rp, &j, 200);
	jw_obj(&j);
	TRY(sideload_users(&j, cx, z_of(cx, api_base(cx, rq)), ids, n));
	jw_knull(&j, "next_page");
	jw_knull(&j, "previous_page");
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return OK;
}

static enum err
related(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;
	struct json j;
	int64_t incidents = 0;

	TRY(ticket_get(cx, rq->param[0], &t));
	if (t.has_incidents)
		TRY(ticket_incidents(cx, t.id, &incidents));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kstr(&j, "url", str_printf(cx->arena, STR_F "/api/v2/tickets/%lld/related.json", STR_A(api_base(cx, rq)), (long long)t.id));
	jw_kraw(&j, "followup_source_ids", t.followup_source_id
	    ? str_printf(cx->arena, "[\"%lld\"]", (long long)t.followup_source_id) : S("[]"));
	jw_kbool(&j, "from_archive", false);
	jw_kint(&j, "incidents", incidents);
	jw_knull(&j, "topic_id");
	jw_end_obj(&j);
	return OK;
}

/* ---- bulk --------------------------------------------------------------------------------------------------------------- */

static enum err
create_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	return queue_job(cx, rq, rp, JOB_TICKETS_CREATE, json_object_get(obj, "tickets"), "tickets");
}

/* {"ticket":{...}} with ?ids=, or {"tickets":[{"id":1,...}]}: one list of objects with ids either way. */
static enum err
update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *one;
	json_t *made;
	int64_t *ids;
	int n;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	if (json_object_get(obj, "tickets") != NULL)
		return queue_job(cx, rq, rp, JOB_TICKETS_UPDATE, json_object_get(obj, "tickets"), "tickets");
	if (!json_is_object(one = json_object_get(obj, "ticket")))
		return api_error(rp, 400, "ParameterMissing", "Parameter ticket is required");
	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++) {
		json_t *copy = json_copy((json_t *)(uintptr_t)one);
		json_object_set_new(copy, "id", json_integer(ids[i]));
		json_array_append_new(made, copy);
	}
	return queue_job(cx, rq, rp, JOB_TICKETS_UPDATE, made, "tickets");
}

static enum err
ids_job(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum job_kind kind)
{
	json_t *made;
	int64_t *ids;
	int n;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++)
		json_array_append_new(made, json_integer(ids[i]));
	return queue_job(cx, rq, rp, kind, made, "ids");
}

static enum err
destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return ids_job(cx, rq, rp, JOB_TICKETS_DELETE);
}

static enum err
purge_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return ids_job(cx, rq, rp, JOB_TICKETS_PURGE);
}

static enum err
purge_one(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	json_t *made = json_array();

	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	json_array_append_new(made, json_integer(rq->param[0]));
	return queue_job(cx, rq, rp, JOB_TICKETS_PURGE, made, "ids");
}

#define BODY (2 * MiB)
const struct route ticket_routes[] = {
	/* method  path                                        permission        body max  handler */
	{ GET,    "/api/v2/tickets",                            MAY_READ_TICKET,   0,       list,             0 },
	{ POST,   "/api/v2/tickets",                            MAY_CREATE_TICKET, BODY,    create,           0 },
	{ GET,    "/api/v2/tickets/{id}",                       MAY_READ_TICKET,   0,       show,             0 },
	{ PUT,    "/api/v2/tickets/{id}",                       MAY_UPDATE_TICKET, BODY,    update,           0 },
	{ DELETE, "/api/v2/tickets/{id}",                       MAY_DELETE_TICKET, 0,       destroy,          0 },
	{ GET,    "/api/v2/tickets/count",                      MAY_READ_TICKET,   0,       count,            0 },
	{ GET,    "/api/v2/tickets/recent",                     MAY_READ_TICKET,   0,       list_recent,      0 },
	{ GET,    "/api/v2/tickets/show_many",                  MAY_READ_TICKET,   0,       show_many,        0 },
	{ POST,   "/api/v2/tickets/create_many",                MAY_CREATE_TICKET, 32 * MiB, create_many,     0 },
	{ PUT,    "/api/v2/tickets/update_many",                MAY_UPDATE_TICKET, 32 * MiB, update_many,     0 },
	{ DELETE, "/api/v2/tickets/destroy_many",               MAY_DELETE_TICKET, 0,       destroy_many,     0 },
	{ GET,    "/api/v2/tickets/{id}/comments",              MAY_READ_TICKET,   0,       comments,         0 },
	{ GET,    "/api/v2/tickets/{id}/conversation_log",      MAY_READ_TICKET,   0,       conversation,     0 },
	{ GET,    "/api/v2/tickets/{id}/comments/count",        MAY_READ_TICKET,   0,       comments_count,   0 },
	{ PUT,    "/api/v2/tickets/{id}/comments/{id}/make_private", MAY_UPDATE_TICKET, 64 * KiB, make_private, 0 },
	{ PUT,    "/api/v2/tickets/{id}/comments/{id}/redact",  MAY_REDACT,        BODY,    redact,           0 },
	{ PUT,    "/api/v2/tickets/{id}/comments/{id}/attachments/{id}/redact", MAY_REDACT, 64 * KiB, redact_attachment, 0 },
	{ PUT,    "/api/v2/comment_redactions/{id}",            MAY_REDACT,        BODY,    comment_redaction, 0 },
	{ GET,    "/api/v2/tickets/{id}/audits",                MAY_READ_TICKET,   0,       audits,           0 },
	{ GET,    "/api/v2/tickets/{id}/audits/count",          MAY_READ_TICKET,   0,       audits_count,     0 },
	{ GET,    "/api/v2/tickets/{id}/audits/{id}",           MAY_READ_TICKET,   0,       audit_show,       0 },
	{ GET,    "/api/v2/tickets/{id}/tags",                  MAY_READ_TICKET,   0,       tags_show,        0 },
	{ POST,   "/api/v2/tickets/{id}/tags",                  MAY_UPDATE_TICKET, 64 * KiB, tags_change,     0 },
	{ PUT,    "/api/v2/tickets/{id}/tags",                  MAY_UPDATE_TICKET, 64 * KiB, tags_change,     0 },
	{ DELETE, "/api/v2/tickets/{id}/tags",                  MAY_UPDATE_TICKET, 64 * KiB, tags_change,     0 },
	{ GET,    "/api/v2/tickets/{id}/collaborators",         MAY_READ_TICKET,   0,       people,           0 },
	{ GET,    "/api/v2/tickets/{id}/email_ccs",             MAY_READ_TICKET,   0,       people,           0 },
	{ GET,    "/api/v2/tickets/{id}/followers",             MAY_READ_TICKET,   0,       people,           0 },
	{ GET,    "/api/v2/tickets/{id}/related",               MAY_READ_TICKET,   0,       related,          0 },
	{ GET,    "/api/v2/organizations/{id}/tickets",         MAY_READ_TICKET,   0,       list_of_org,      0 },
	{ GET,    "/api/v2/users/{id}/tickets/{word}",          MAY_READ_TICKET,   0,       list_of_user,     0 },
	{ GET,    "/api/v2/deleted_tickets",                    MAY_DELETE_TICKET, 0,       list_deleted,     0 },
	{ PUT,    "/api/v2/deleted_tickets/{id}/restore",       MAY_DELETE_TICKET, 64 * KiB, restore,         0 },
	{ PUT,    "/api/v2/deleted_tickets/restore_many",       MAY_DELETE_TICKET, 64 * KiB, restore_many,    0 },
	{ DELETE, "/api/v2/deleted_tickets/{id}",               MAY_DELETE_TICKET, 0,       purge_one,        0 },
	{ DELETE, "/api/v2/deleted_tickets/destroy_many",       MAY_DELETE_TICKET, 0,       purge_many,       0 },
	{ 0 }
};
