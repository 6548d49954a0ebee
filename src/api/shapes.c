/* shapes.c - how each thing looks from outside: one writer per type. */
#include <stdlib.h>

#include "api/in.h"

void
url_of(struct json *j, struct ctx *cx, const char *base, const char *kind, int64_t id)
{
	struct buf b;

	/* A page has one for each row; printf would be a tenth of what the row costs. */
	buf_init(&b, cx->arena, 4 * KiB);
	buf_add(&b, str_of(base));
	buf_add(&b, S("/api/v2/"));
	buf_add(&b, str_of(kind));
	buf_byte(&b, '/');
	buf_int(&b, id);
	buf_add(&b, S(".json"));
	jw_kstr(j, "url", buf_str(&b));
}

/* What may name a patient leaves through here, and only here: P4's check
 * sees that it was shown. */
static void
show(struct json *j, struct ctx *cx, const char *key, sensitive s)
{
	jw_kstr(j, key, reveal(cx, s, TO_SHOW_ACTOR));
}

static void
show_or_null(struct json *j, struct ctx *cx, const char *key, sensitive s)
{
	if (s.hidden.n == 0)
		jw_knull(j, key);
	else
		show(j, cx, key, s);
}

static void
show_raw(struct json *j, struct ctx *cx, const char *key, sensitive s, const char *empty)
{
	jw_kraw(j, key, s.hidden.n ? reveal(cx, s, TO_SHOW_ACTOR) : str_of(empty));
}

void
json_via(struct json *j, struct ctx *cx, str channel, sensitive source)
{
	jw_key(j, "via");
	jw_obj(j);
	jw_kstr(j, "channel", channel.n ? channel_shown(channel) : S("api"));
	/* Names and addresses, and nothing else. */
	show_raw(j, cx, "source", actor_sees_phi(cx->actor) ? source : (sensitive){ 0 }, "{\"from\":{},\"to\":{},\"rel\":null}");
	jw_end_obj(j);
}

static void
id_list(struct json *j, const char *key, const int64_t *ids, int n)
{
	jw_key(j, key);
	jw_arr(j);
	for (int i = 0; i < n; i++)
		jw_int(j, ids[i]);
	jw_end_arr(j);
}

/* What ?include= puts into a ticket. A reading that fails leaves null: the ticket itself is there. */
static void
more_of_ticket(struct json *j, struct ctx *cx, const char *base, const struct ticket *t)
{
	const struct http_req *rq = api_asked(cx);
	enum err e = OK;

	if (api_includes(rq, "dates")) {
		jw_key(j, "dates");
		if ((e = json_dates(j, cx, t)) != OK)
			jw_null(j);
	}
	if (e == OK && api_includes(rq, "slas")) {
		jw_key(j, "slas");
		if ((e = json_slas(j, cx, t)) != OK)
			jw_null(j);
	}
	if (e == OK && api_includes(rq, "metric_sets") && str_starts(rq->path, S("/api/v2/incremental"))) {
		jw_key(j, "metric_set");
		if ((e = json_metric(j, cx, base, t)) != OK)
			jw_null(j);
	}
	if (e != OK)
		fail_forget(cx);
}

void
json_ticket(struct json *j, struct ctx *cx, const char *base, const struct ticket *t, bool comment_count)
{
	sensitive fields;
	int64_t *followup;
	int followups;

	shows_of(cx, t);
	jw_obj(j);
	url_of(j, cx, base, "tickets", t->id);
	jw_kint(j, "id", t->id);
	show_or_null(j, cx, "external_id", t->external_id);
	json_via(j, cx, t->channel, t->via_source);
	jw_ktime(j, "created_at", t->created_at);
	jw_ktime(j, "updated_at", t->updated_at);
	jw_kint(j, "generated_timestamp", time_unix(t->generated_at));
	jw_kz(j, "type", type_name(t->type));
	show(j, cx, "subject", t->subject);
	show(j, cx, "raw_subject", t->subject);
	show(j, cx, "description", t->description);
	jw_kz(j, "priority", priority_name(t->priority));
	jw_kz(j, "status", t->deleted_at ? "deleted" : status_name(t->status));
	show_or_null(j, cx, "recipient", t->recipient);
	jw_kid(j, "requester_id", t->requester_id);
	jw_kid(j, "submitter_id", t->submitter_id);
	jw_kid(j, "assignee_id", t->assignee_id);
	jw_kid(j, "organization_id", t->organization_id);
	jw_kid(j, "group_id", t->group_id);
	id_list(j, "collaborator_ids", t->cc, t->cc_count);
	id_list(j, "follower_ids", t->follower, t->follower_count);
	id_list(j, "email_cc_ids", t->cc, t->cc_count);
	jw_knull(j, "forum_topic_id");
	jw_kid(j, "problem_id", t->problem_id);
	jw_kbool(j, "has_incidents", t->has_incidents);
	jw_kbool(j, "is_public", t->is_public);
	jw_ktime(j, "due_at", t->due_at);
	show_raw(j, cx, "tags", t->tags, "[]");
	fields = fields_shown(cx, t);
	show_raw(j, cx, "custom_fields", fields, "[]");
	jw_key(j, "satisfaction_rating");
	jw_obj(j);
	jw_kz(j, "score", t->rating_score == 0 ? "unoffered" : t->rating_score == 2 ? "good" : "bad");
	if (t->rating.hidden.n)
		show(j, cx, "comment", t->rating);
	jw_end_obj(j);
	jw_kraw(j, "sharing_agreement_ids", S("[]"));
	jw_kid(j, "custom_status_id", ticket_custom_status(cx, t));
	show_raw(j, cx, "fields", fields, "[]");
	if (t->status == TICKET_CLOSED && ticket_followups(cx, t->id, &followup, &followups) == OK)
		id_list(j, "followup_ids", followup, followups);
	else
		jw_kraw(j, "followup_ids", S("[]"));
	jw_kid(j, "ticket_form_id", t->form_id);
	jw_kid(j, "brand_id", t->brand_id);
	jw_kbool(j, "allow_channelback", false);
	jw_kbool(j, "allow_attachments", true);
	jw_kbool(j, "from_messaging_channel", false);
	if (comment_count)
		jw_kint(j, "comment_count", t->comment_count);
	if (api_asked(cx) != NULL && http_query(api_asked(cx), "include") != NULL)
		more_of_ticket(j, cx, base, t);
	jw_end_obj(j);
}

void
json_ticket_in(struct arena *scratch, struct json *j, struct ctx *cx, const char *base, const struct ticket *t, bool comment_count)
{
	struct arena *own = cx->arena;

	cx->arena = scratch;
	json_ticket(j, cx, base, t, comment_count);
	cx->arena = own;
	arena_reset(scratch);
}

void
json_tickets(struct json *j, struct ctx *cx, const char *base, const struct ticket *t, int n, bool comment_count)
{
	enum { SEEN = 4 };
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	size_t before = j->b->n;

	jw_arr(j);
	for (int i = 0; i < n; i++) {
		if (i == SEEN)               /* the others will be about as long */
			buf_expect(j->b, (j->b->n - before) / SEEN * (size_t)(n - i) * 9 / 8);
		json_ticket_in(scratch, j, cx, base, &t[i], comment_count);
	}
	jw_end_arr(j);
}

static const bool is_markup[256] = { ['&'] = true, ['<'] = true, ['>'] = true, ['"'] = true, ['\r'] = true, ['\n'] = true };

/* Plain text as the HTML that clients show: paragraphs at blank lines. */
static str
html_of(struct ctx *cx, str text)
{
	struct buf b;

	buf_init(&b, cx->arena, 8 * MiB);
	buf_add(&b, S("<div class=\"zd-comment\" dir=\"auto\"><p dir=\"auto\">"));
	for (size_t i = 0, run; i < text.n; i++)
		switch (text.p[i]) {
		case '&': buf_add(&b, S("&amp;")); break;
		case '<': buf_add(&b, S("&lt;")); break;
		case '>': buf_add(&b, S("&gt;")); break;
		case '"': buf_add(&b, S("&quot;")); break;
		case '\r': break;
		case '\n':
			if (i + 1 < text.n && text.p[i + 1] == '\n') {
				while (i + 1 < text.n && text.p[i + 1] == '\n')
					i++;
				buf_add(&b, S("</p><p dir=\"auto\">"));
			} else
				buf_add(&b, S("<br>"));
			break;
		default:
			for (run = i++; i < text.n && !is_markup[(unsigned char)text.p[i]]; i++)
				;
			buf_add(&b, str_sub(text, run, i-- - run));
			break;
		}
	buf_add(&b, S("</p></div>"));
	return buf_str(&b);
}

/* The name stays out of the address: addresses end up in logs. */
static str
attachment_url(struct ctx *cx, const char *base, const struct attachment *f)
{
	/* One address for five minutes, so that the answer stays the same for a client that asks again (ETag). */
	usec until = (cx->now / (300 * SECOND) + 2) * 300 * SECOND;
	str url = str_printf(cx->arena, "%s/api/v2/attachments/%lld/content", base, (long long)f->id),
	    link = gate_setting_bool(cx, "signed_attachment_links", true) ? link_sign(cx, "attachment", f->id, until) : S("");

	return link.n ? str_printf(cx->arena, STR_F "?link=" STR_F, STR_A(url), STR_A(link)) : url;
}

void
json_attachment(struct json *j, struct ctx *cx, const char *base, const struct attachment *f)
{
	str name = reveal(cx, f->file_name, TO_SHOW_ACTOR), url = attachment_url(cx, base, f);

	jw_obj(j);
	url_of(j, cx, base, "attachments", f->id);
	jw_kint(j, "id", f->id);
	jw_kstr(j, "file_name", name);
	jw_kstr(j, "content_url", url);
	jw_kstr(j, "mapped_content_url", url);
	show(j, cx, "content_type", f->content_type);
	jw_kint(j, "size", f->size);
	jw_knull(j, "width");
	jw_knull(j, "height");
	jw_kbool(j, "inline", f->is_inline);
	jw_kbool(j, "deleted", f->redacted);
	jw_kbool(j, "malware_access_override", f->override);
	jw_kz(j, "malware_scan_result", "not_scanned");
	jw_kraw(j, "thumbnails", S("[]"));
	jw_end_obj(j);
}

static void
attachments(struct json *j, struct ctx *cx, const char *base, const struct comment *c)
{
	jw_key(j, "attachments");
	jw_arr(j);
	for (int i = 0; i < c->attachment_count && c->attachment != NULL; i++)
		json_attachment(j, cx, base, &c->attachment[i]);
	jw_end_arr(j);
}

struct picture_call { struct ctx *cx; const char *base; const struct comment *c; };

/* What a mail shows in its text, of what came with it: pictures, which are served as such only when they are some. */
static struct html_picture
find_picture(void *arg, str content_id)
{
	const struct picture_call *call = arg;
	struct ctx *cx = call->cx;

	for (int i = 0; i < call->c->attachment_count && call->c->attachment != NULL; i++) {
		const struct attachment *f = &call->c->attachment[i];
		if (f->is_inline && !f->redacted && str_eq(reveal(cx, f->content_id, TO_SHOW_ACTOR), content_id)
		    && str_starts(reveal(cx, f->content_type, TO_SHOW_ACTOR), S("image/")))
			return (struct html_picture){ attachment_url(cx, call->base, f), reveal(cx, f->file_name, TO_SHOW_ACTOR) };
	}
	return (struct html_picture){ S(""), S("") };
}

static str
comment_html(struct ctx *cx, const char *base, const struct comment *c)
{
	struct picture_call call = { cx, base, c };
	str html = S("");

	/* To who sees it masked it is made of the masked text; what was redacted lost its own. */
	if (c->html.hidden.n > 0 && !c->redacted && actor_sees_phi(cx->actor))
		html = html_wash_mail(cx->arena, reveal(cx, c->html, TO_SHOW_ACTOR), 2 * MiB, find_picture, &call);
	return html.n > 0 ? str_printf(cx->arena, "<div class=\"zd-comment\" dir=\"auto\">" STR_F "</div>", STR_A(html))
	    : html_of(cx, reveal(cx, c->body, TO_SHOW_ACTOR));
}

static void
comment_texts(struct json *j, struct ctx *cx, const char *base, const struct comment *c)
{
	str body = reveal(cx, c->body, TO_SHOW_ACTOR);

	jw_kstr(j, "body", body);
	jw_kstr(j, "html_body", comment_html(cx, base, c));
	jw_kstr(j, "plain_body", body);
}

void
json_comment(struct json *j, struct ctx *cx, const char *base, const struct comment *c)
{
	jw_obj(j);
	jw_kint(j, "id", c->id);
	jw_kz(j, "type", "Comment");
	jw_kid(j, "author_id", c->author_id);
	comment_texts(j, cx, base, c);
	jw_kbool(j, "public", c->is_public);
	attachments(j, cx, base, c);
	jw_kid(j, "audit_id", c->audit_id);
	json_via(j, cx, c->channel, c->via_source);
	jw_ktime(j, "created_at", c->created_at);
	show_raw(j, cx, "metadata", c->metadata, "{\"system\":{},\"custom\":{}}");
	if (c->secure)
		jw_kbool(j, "secure", true);
	jw_end_obj(j);
}

/* A comment as an event of the conversation log. author NULL: nobody that is known. */
void
json_conversation(struct json *j, struct ctx *cx, const char *base, const struct comment *c, const struct user *author)
{
	jw_obj(j);
	jw_kstr(j, "id", str_printf(cx->arena, "%lld", (long long)c->id));
	jw_kz(j, "type", "Comment");
	jw_kstr(j, "reference", str_printf(cx->arena, "zen:ticket_event:%lld", (long long)c->id));
	jw_ktime(j, "created_at", c->created_at);
	jw_key(j, "author");
	jw_obj(j);
	jw_kz(j, "type", author != NULL && author->role >= ROLE_AGENT ? "agent" : author == NULL ? "bot" : "user");
	if (author != NULL)
		jw_kstr(j, "display_name", author->role >= ROLE_AGENT ? reveal_clear(cx, author->name) : reveal(cx, author->name, TO_SHOW_ACTOR));
	jw_kint(j, "zen:support:user_id", author != NULL ? author->id : -1);
	jw_end_obj(j);
	jw_key(j, "content");
	jw_obj(j);
	jw_kz(j, "type", "html");
	jw_kstr(j, "body", comment_html(cx, base, c));
	jw_end_obj(j);
	jw_key(j, "metadata");
	jw_obj(j);
	jw_kbool(j, "public", c->is_public);
	jw_kraw(j, "system", S("{}"));
	jw_kraw(j, "custom", S("{}"));
	jw_kint(j, "ticket_version", 0);
	jw_end_obj(j);
	attachments(j, cx, base, c);
	jw_end_obj(j);
}

/* What a rule did in an update. */
static void
via_rule(struct json *j, struct ctx *cx, int64_t id)
{
	const char *rel;
	str title;

	jw_key(j, "via");
	jw_obj(j);
	jw_kz(j, "channel", "rule");
	jw_key(j, "source");
	jw_obj(j);
	jw_kraw(j, "to", S("{}"));
	jw_key(j, "from");
	jw_obj(j);
	jw_kint(j, "id", id);
	if (rule_name(cx, id, &title, &rel))
		jw_kstr(j, "title", title);
	else {
		jw_knull(j, "title");
		jw_kbool(j, "deleted", true);
	}
	jw_end_obj(j);
	jw_kz(j, "rel", rel);
	jw_end_obj(j);
	jw_end_obj(j);
}

/* As somebody without the right to see PHI sees a person: staff as they are,
 * of a patient only that there is one. */
static struct user
person_shown(struct ctx *cx, const struct user *u, struct actor *clear)
{
	static const struct { size_t at; str label; } labels[] = {
		{ offsetof(struct user, name), { "[NAME]", 6 } }, { offsetof(struct user, email), { "[EMAIL]", 7 } },
		{ offsetof(struct user, phone), { "[PHONE]", 7 } }, { offsetof(struct user, alias), { "[NAME]", 6 } },
		{ offsetof(struct user, external_id), { "[OTHERID]", 9 } },
	};
	struct user shown = *u;

	if (actor_sees_phi(cx->actor))
		return shown;
	if (u->role >= ROLE_AGENT) {
		*clear = *cx->actor;
		clear->sees_phi = true;
		cx->actor = clear;
		return shown;
	}
	for (size_t i = 0; i < COUNT(labels); i++) {
		sensitive *s = (sensitive *)(void *)((char *)&shown + labels[i].at);
		if (s->hidden.n > 0)
			*s = HIDE(labels[i].label);
	}
	return shown;
}

static void
addresses(struct json *j, struct ctx *cx, const char *key, sensitive ids)
{
	const struct actor *by = cx->actor;
	str v = reveal(cx, ids, TO_SHOW_ACTOR);
	json_t *list = json_loadb(v.p, v.n, 0, NULL), *one;
	size_t i;

	jw_key(j, key);
	jw_arr(j);
	json_array_foreach(list, i, one) {
		struct actor clear;
		struct user u;
		if (user_load(cx, json_integer_value(one), &u) != OK) {
			fail_forget(cx);
			continue;
		}
		u = person_shown(cx, &u, &clear);
		if (u.email.hidden.n)
			jw_str(j, reveal(cx, u.email, TO_SHOW_ACTOR));
		cx->actor = by;
	}
	jw_end_arr(j);
	json_decref(list);
}

bool
json_people_change(struct json *j, struct ctx *cx, const struct audit_event *e)
{
	bool cc = str_eq(e->type, S("EmailCcChange"));

	if (!cc && !str_eq(e->type, S("FollowerChange")))
		return false;
	addresses(j, cx, cc ? "current_email_ccs" : "current_followers", e->value);
	addresses(j, cx, cc ? "previous_email_ccs" : "previous_followers", e->previous);
	return true;
}

/* What an agent used; its title as it is now. */
static void
macro_event(struct json *j, struct ctx *cx, const struct audit_event *e)
{
	str v = reveal(cx, e->value, TO_SHOW_ACTOR), title;
	const char *rel;
	int64_t id = 0;
	bool there;

	(void)str_int(str_sub(v, 1, v.n > 2 ? v.n - 2 : 0), &id);
	there = rule_name(cx, id, &title, &rel);
	show_raw(j, cx, "macro_id", e->value, "null");
	jw_kstr(j, "macro_title", title);
	jw_kbool(j, "macro_deleted", !there);
}

void
json_audit(struct json *j, struct ctx *cx, const char *base, const struct audit *a)
{
	const struct comment *c = &a->comment;

	jw_obj(j);
	jw_kint(j, "id", a->id);
	jw_kint(j, "ticket_id", a->ticket_id);
	jw_ktime(j, "created_at", a->created_at);
	jw_kid(j, "author_id", a->author_id);
	show_raw(j, cx, "metadata", a->metadata, "{\"system\":{},\"custom\":{}}");
	json_via(j, cx, a->channel, a->via_source);
	jw_key(j, "events");
	jw_arr(j);
	if (a->comment_id != 0) {
		jw_obj(j);
		jw_kint(j, "id", c->id);
		jw_kz(j, "type", "Comment");
		jw_kid(j, "author_id", c->author_id);
		comment_texts(j, cx, base, c);
		jw_kbool(j, "public", c->is_public);
		attachments(j, cx, base, c);
		jw_kint(j, "audit_id", a->id);
		jw_end_obj(j);
	}
	for (int i = 0; i < a->event_count; i++) {
		const struct audit_event *e = &a->event[i];
		int64_t field;
		/* A custom field's event goes by the field's number: it is known to who may read the field. */
		if (e->field.n && e->field.p[0] >= '0' && e->field.p[0] <= '9' && str_int(e->field, &field) && !field_readable(cx, field))
			continue;
		jw_obj(j);
		jw_kint(j, "id", e->id);
		jw_kstr(j, "type", e->type);
		if (e->rule_id != 0)
			via_rule(j, cx, e->rule_id);
		if (json_people_change(j, cx, e))
			;
		else if (e->field.n == 0) {
			/* An object of members, which stand in the event itself. */
			str v = reveal(cx, e->value, TO_SHOW_ACTOR);
			if (v.n > 2)
				jw_raw(j, str_sub(v, 1, v.n - 2));
		} else if (str_eq(e->type, S("Create")) || str_eq(e->type, S("Change"))) {
			jw_kstr(j, "field_name", e->field);
			show_raw(j, cx, "value", e->value, "null");
			if (str_eq(e->type, S("Change")))
				show_raw(j, cx, "previous_value", e->previous, "null");
		} else if (str_eq(e->type, S("ScheduleAssignment"))) {
			show_raw(j, cx, "previous_schedule_id", e->previous, "null");
			show_raw(j, cx, "new_schedule_id", e->value, "null");
		} else if (str_eq(e->type, S("AgentMacroReference"))) {
			macro_event(j, cx, e);
		} else {
			jw_key_str(j, e->field);
			jw_raw(j, reveal(cx, e->value, TO_SHOW_ACTOR));
			if (str_eq(e->type, S("CommentPrivacyChange")))
				jw_kbool(j, "public", false);
		}
		jw_end_obj(j);
	}
	jw_end_arr(j);
	jw_end_obj(j);
}

static const char *
role_name(enum role r)
{
	return r >= ROLE_ADMIN ? "admin" : r == ROLE_AGENT ? "agent" : "end-user";
}

static const char *
sees_name(const struct user *u)
{
	if (u->role == ROLE_END_USER)
		return "requested";
	switch (u->sees) {
	case SEE_GROUPS:       return "groups";
	case SEE_ORGANIZATION: return "organization";
	case SEE_ASSIGNED:     return "assigned";
	case SEE_REQUESTED:    return "requested";
	default:               return NULL;
	}
}

static void
user_head(struct json *j, struct ctx *cx, const char *base, const struct user *u)
{
	jw_kint(j, "id", u->id);
	url_of(j, cx, base, "users", u->id);
	show(j, cx, "name", u->name);
	show_or_null(j, cx, "email", u->email);
	jw_ktime(j, "created_at", u->created_at);
	jw_ktime(j, "updated_at", u->updated_at);
	jw_kstr(j, "time_zone", u->time_zone.n ? u->time_zone : S("Eastern Time (US & Canada)"));
	jw_kz(j, "iana_time_zone", calendar_zone(u->time_zone.n ? u->time_zone : S("Eastern Time (US & Canada)")));
	show_or_null(j, cx, "phone", u->phone);
	jw_knull(j, "shared_phone_number");
	jw_knull(j, "photo");
	jw_kint(j, "locale_id", locale_number(u->locale));
	jw_kstr(j, "locale", u->locale.n ? u->locale : S("en-US"));
	jw_kid(j, "organization_id", u->organization_id);
	jw_kz(j, "role", role_name(u->role));
	jw_kbool(j, "verified", u->verified);
}

void
json_user_brief(struct json *j, struct ctx *cx, const char *base, const struct user *u)
{
	jw_obj(j);
	if (cx->actor != NULL && cx->actor->user_id == u->id)
		user_head(j, cx, base, u);
	else {
		/* Of others an end user learns the name and whether it is staff. */
		jw_kint(j, "id", u->id);
		show(j, cx, "name", u->name);
		jw_knull(j, "photo");
		jw_kbool(j, "agent", u->role >= ROLE_AGENT);
		jw_kid(j, "organization_id", cx->actor && cx->actor->organization_id == u->organization_id ? u->organization_id : 0);
	}
	jw_end_obj(j);
}

static void
role_type(struct json *j, struct ctx *cx, const struct user *u)
{
	const struct def *role = NULL;
	const struct defs *d;

	if (u->role < ROLE_ADMIN && u->custom_role_id == 0) {
		jw_knull(j, "role_type");
		return;
	}
	if (u->role < ROLE_ADMIN && defs_get(cx, &d) == OK)
		role = def_find(d, DEF_ROLE, u->custom_role_id);
	jw_kint(j, "role_type", u->role >= ROLE_ADMIN ? 4 : role != NULL ? def_int(role, "role_type") : 0);
}

void
json_user(struct json *j, struct ctx *cx, const char *base, const struct user *u)
{
	const struct actor *by = cx->actor;
	struct actor clear;
	struct user shown;

	if (cx->actor == NULL || cx->actor->role == ROLE_END_USER) {
		json_user_brief(j, cx, base, u);
		return;
	}
	shown = person_shown(cx, u, &clear);
	u = &shown;
	jw_obj(j);
	user_head(j, cx, base, u);
	show_or_null(j, cx, "external_id", u->external_id);
	show_raw(j, cx, "tags", u->tags, "[]");
	show_or_null(j, cx, "alias", u->alias);
	jw_kbool(j, "active", u->active);
	jw_kbool(j, "shared", u->shared);
	jw_kbool(j, "shared_agent", false);
	jw_ktime(j, "last_login_at", u->last_login_at);
	jw_kbool(j, "two_factor_auth_enabled", false);
	show_or_null(j, cx, "signature", u->signature);
	show_or_null(j, cx, "details", u->details);
	show_or_null(j, cx, "notes", u->notes);
	role_type(j, cx, u);
	jw_kid(j, "custom_role_id", u->custom_role_id);
	jw_kbool(j, "moderator", u->moderator || u->role >= ROLE_ADMIN);
	jw_kz(j, "ticket_restriction", sees_name(u));
	jw_kbool(j, "only_private_comments", u->only_private_comments);
	jw_kbool(j, "restricted_agent", u->role == ROLE_END_USER || (u->role == ROLE_AGENT && u->sees != SEE_ALL));
	jw_kbool(j, "suspended", u->suspended);
	jw_kid(j, "default_group_id", u->default_group_id);
	jw_kbool(j, "report_csv", false);
	show_raw(j, cx, "user_fields", fields_of_person_shown(cx, false, u->user_fields), "{}");
	jw_end_obj(j);
	cx->actor = by;
}

void
json_org(struct json *j, struct ctx *cx, const char *base, const struct organization *o)
{
	jw_obj(j);
	url_of(j, cx, base, "organizations", o->id);
	jw_kint(j, "id", o->id);
	jw_kstr(j, "name", reveal_clear(cx, o->name));
	jw_kbool(j, "shared_tickets", o->shared_tickets);
	jw_kbool(j, "shared_comments", o->shared_comments);
	show_or_null(j, cx, "external_id", o->external_id);
	jw_ktime(j, "created_at", o->created_at);
	jw_ktime(j, "updated_at", o->updated_at);
	show_raw(j, cx, "domain_names", o->domain_names, "[]");
	show_or_null(j, cx, "details", o->details);
	show_or_null(j, cx, "notes", o->notes);
	jw_kid(j, "group_id", o->group_id);
	show_raw(j, cx, "tags", o->tags, "[]");
	show_raw(j, cx, "organization_fields", fields_of_person_shown(cx, true, o->fields), "{}");
	jw_end_obj(j);
}

void
json_group(struct json *j, struct ctx *cx, const char *base, const struct group *g)
{
	jw_obj(j);
	url_of(j, cx, base, "groups", g->id);
	jw_kint(j, "id", g->id);
	jw_kbool(j, "is_public", g->is_public);
	jw_kstr(j, "name", g->name);
	jw_kstr(j, "description", g->description);
	jw_kbool(j, "default", g->is_default);
	jw_kbool(j, "deleted", g->deleted);
	jw_ktime(j, "created_at", g->created_at);
	jw_ktime(j, "updated_at", g->updated_at);
	jw_end_obj(j);
}

void
json_membership(struct json *j, struct ctx *cx, const char *base, const struct membership *m)
{
	jw_obj(j);
	url_of(j, cx, base, "group_memberships", m->id);
	jw_kint(j, "id", m->id);
	jw_kint(j, "user_id", m->user_id);
	jw_kint(j, "group_id", m->group_id);
	jw_kbool(j, "default", m->is_default);
	jw_ktime(j, "created_at", m->created_at);
	jw_ktime(j, "updated_at", m->updated_at);
	jw_end_obj(j);
}

void
json_job(struct json *j, struct ctx *cx, const char *base, const struct job *job)
{
	bool done = job->results.n != 0;

	jw_obj(j);
	jw_kstr(j, "id", job->uid);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/job_statuses/" STR_F ".json", base, STR_A(job->uid)));
	jw_kstr(j, "job_type", job->type);
	jw_kint(j, "total", job->total);
	if (str_eq(job->state, S("queued")))
		jw_knull(j, "progress");
	else
		jw_kint(j, "progress", job->progress);
	jw_kstr(j, "status", job->state);
	if (job->message.n)
		jw_kstr(j, "message", job->message);
	else
		jw_knull(j, "message");
	jw_kraw(j, "results", done ? job->results : S("null"));
	jw_end_obj(j);
}

void
json_findings(struct json *j, const struct finding *f, int n)
{
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		jw_obj(j);
		jw_kstr(j, "field", f[i].field);
		jw_kstr(j, "label", f[i].label);
		jw_kstr(j, "rule", f[i].rule);
		jw_kint(j, "start", f[i].at);
		jw_kint(j, "end", f[i].at + f[i].len);
		jw_kint(j, "score", f[i].score);
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

/* ---- sideloads --------------------------------------------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
ids_unique(int64_t *ids, int n)
{
	int k = 0;

	qsort(ids, (size_t)n, sizeof *ids, by_number);
	for (int i = 0; i < n; i++)
		if (ids[i] != 0 && (k == 0 || ids[k - 1] != ids[i]))
			ids[k++] = ids[i];
	return k;
}

enum err
sideload_users(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n)
{
	struct user *u;
	int count;

	n = ids_unique(ids, n);
	TRY(user_many(cx, ids, n, &u, &count));
	jw_key(j, "users");
	jw_arr(j);
	for (int i = 0; i < count; i++)
		json_user(j, cx, base, &u[i]);
	jw_end_arr(j);
	return count ? trail_look(cx, "user", ids, n, "name,email,phone") : OK;
}

enum err
sideload_groups(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n)
{
	struct group *g;
	int count;

	n = ids_unique(ids, n);
	TRY(group_many(cx, ids, n, &g, &count));
	jw_key(j, "groups");
	jw_arr(j);
	for (int i = 0; i < count; i++)
		json_group(j, cx, base, &g[i]);
	jw_end_arr(j);
	return OK;
}

enum err
sideload_orgs(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n)
{
	struct organization *o;
	int count;

	n = ids_unique(ids, n);
	TRY(org_many(cx, ids, n, &o, &count));
	jw_key(j, "organizations");
	jw_arr(j);
	for (int i = 0; i < count; i++)
		json_org(j, cx, base, &o[i]);
	jw_end_arr(j);
	return count ? trail_look(cx, "organization", ids, n, "name") : OK;
}

enum err
look_tickets(struct ctx *cx, const struct ticket *t, int n, const char *fields)
{
	int64_t *ids = NEW(cx->arena, int64_t, n ? n : 1);

	for (int i = 0; i < n; i++)
		ids[i] = t[i].id;
	if (n == 0) {
		cx->looked = true;
		return OK;
	}
	return trail_look(cx, "ticket", ids, n, fields);
}

enum err
look_one(struct ctx *cx, const char *object, int64_t id, const char *fields)
{
	return trail_look(cx, object, &id, 1, fields);
}

void
csv_cell(struct buf *b, bool first, str s)
{
	if (!first)
		buf_byte(b, ',');
	buf_byte(b, '"');
	if (s.n && strchr("=+-@\t\r", s.p[0]) != NULL)
		buf_byte(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_byte(b, '"');
		buf_byte(b, s.p[i]);
	}
	buf_byte(b, '"');
}
