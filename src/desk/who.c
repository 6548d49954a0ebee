/* who.c - who is in a ticket and what it hangs on: requester, assignee and group, CCs and followers, problem, follow-up. */
#include "desk/in.h"

static const struct stmt set_incidents = {
	.name = "ticket.set_incidents",
	.sql  = "UPDATE ticket SET has_incidents = 1 WHERE account_id = $1 AND id = $2 AND has_incidents = 0",
	.in   = "ii",
};

static const struct stmt insert_cc = {
	.name = "ticket_cc.insert",
	.sql  = "INSERT INTO ticket_cc (account_id, ticket_id, kind, user_id) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT DO NOTHING",
	.in   = "iiii",
};

static const struct stmt delete_cc = {
	.name = "ticket_cc.delete",
	.sql  = "DELETE FROM ticket_cc WHERE account_id = $1 AND ticket_id = $2 AND kind = $3 AND user_id = $4",
	.in   = "iiii",
};

static const struct stmt set_cc = {
	.name = "ticket.set_cc",
	.sql  = "UPDATE ticket SET cc = $3, generated_at = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iib?i",
};

const struct stmt *const who_stmts[] = { &set_incidents, &insert_cc, &delete_cc, &set_cc, NULL };

enum err
ticket_requester(struct ctx *cx, const struct ticket_change *in, int64_t *id, int64_t *organization)
{
	struct user u;
	enum err e;

	if (in->requester_id != 0) {
		if ((e = user_brief(cx, in->requester_id, &u)) == E_ABSENT || (e == OK && !u.active)) {
			fail_forget(cx);
			bad(cx, "requester_id", "InvalidValue", "Requester: is not a known user");
			return OK;
		}
		TRY(e);
	} else if (in->requester_email.hidden.n) {
		str address = reveal(cx, in->requester_email, TO_STORE);
		if (!email_valid(address)) {
			bad(cx, "requester", "InvalidFormat", "Requester: email is not a valid address");
			return OK;
		}
		TRY(user_for_address(cx, reveal(cx, in->requester_name, TO_STORE), address, &u));
	} else if (in->requester_name.hidden.n) {
		bad(cx, "requester", "BlankValue", "Requester: email cannot be blank");
		return OK;
	} else {
		if (cx->actor == NULL || cx->actor->user_id == 0) {
			bad(cx, "requester_id", "BlankValue", "Requester: cannot be blank");
			return OK;
		}
		*id = cx->actor->user_id;
		*organization = cx->actor->organization_id;
		return OK;
	}
	*id = u.id;
	*organization = u.organization_id;
	return OK;
}

enum err
ticket_assignee(struct ctx *cx, const struct ticket_change *in, struct ticket *t)
{
	struct user u;
	struct group g;
	enum err e;

	if ((in->has & T_GROUP) && t->group_id != 0) {
		if ((e = group_get(cx, t->group_id, &g)) == E_ABSENT || (e == OK && g.deleted)) {
			fail_forget(cx);
			bad(cx, "group_id", "InvalidValue", "Group: is not a known group");
			t->group_id = 0;
		} else
			TRY(e);
	}
	if (in->has & T_ASSIGNEE) {
		if (in->assignee_email.hidden.n)
			e = user_by_email(cx, reveal(cx, in->assignee_email, TO_STORE), &u);
		else if (t->assignee_id != 0)
			e = user_brief(cx, t->assignee_id, &u);
		else
			return OK;
		if (e == E_ABSENT || (e == OK && (!u.active || u.suspended || u.role < ROLE_AGENT))) {
			fail_forget(cx);
			bad(cx, "assignee_id", "InvalidValue", "Assignee: is not an active agent");
			return OK;
		}
		TRY(e);
		t->assignee_id = u.id;
		if (!(in->has & T_GROUP) && (t->group_id == 0 || !membership_exists(cx, u.id, t->group_id)))
			t->group_id = u.default_group_id;
		else if (t->group_id != 0 && !membership_exists(cx, u.id, t->group_id))
			bad(cx, "assignee_id", "InvalidValue", "Assignee: is not a member of the group");
	} else if ((in->has & T_GROUP) && t->assignee_id != 0 && t->group_id != 0
	    && !membership_exists(cx, t->assignee_id, t->group_id))
		t->assignee_id = 0;
	return OK;
}

enum err
ticket_links(struct ctx *cx, const struct ticket_change *in, struct ticket *t)
{
	struct organization o;
	struct ticket p;
	enum err e;

	if ((in->has & T_ORG) && t->organization_id != 0) {
		if ((e = org_get(cx, t->organization_id, &o)) == E_ABSENT) {
			fail_forget(cx);
			bad(cx, "organization_id", "InvalidValue", "Organization: is not a known organization");
		} else
			TRY(e);
	}
	if ((in->has & T_PROBLEM) && t->problem_id != 0) {
		e = ticket_row(cx, t->problem_id, &p);
		if (e == OK)
			e = ticket_may(cx, MAY_READ_TICKET, MAY_READ_REQUEST, &p);
		if (e == E_ABSENT || e == E_DENIED || (e == OK && (p.type != TYPE_PROBLEM || p.deleted_at))) {
			fail_forget(cx);
			bad(cx, "problem_id", "InvalidValue", "Problem: is not a ticket of type problem");
		} else {
			TRY(e);
			TRY(store_exec(cx, &set_incidents, ARGS(INT(cx->account), INT(p.id)), NULL));
		}
	}
	return OK;
}

enum err
ticket_change_people(struct ctx *cx, struct ticket *t, int kind, const struct cc_change *ch, int n)
{
	int64_t **list = kind == 1 ? &t->cc : &t->follower, *now;
	int *count = kind == 1 ? &t->cc_count : &t->follower_count;
	const char *field = kind == 1 ? "email_ccs" : "followers";

	now = NEW(cx->arena, int64_t, *count + n + 1);
	memcpy(now, *list ? *list : now, sizeof *now * (size_t)*count);
	*list = now;
	for (int i = 0; i < n; i++) {
		struct user u;
		enum err e;
		int k;
		if (ch[i].all) {
			for (k = 0; k < *count; k++)
				TRY(store_exec(cx, &delete_cc, ARGS(INT(cx->account), INT(t->id), INT(kind), INT(now[k])), NULL));
			*count = 0;
			continue;
		}
		if (ch[i].user_id != 0)
			e = user_brief(cx, ch[i].user_id, &u);
		else if (!email_valid(reveal(cx, ch[i].email, TO_STORE)))
			e = E_ABSENT;
		else
			e = user_for_address(cx, reveal(cx, ch[i].name, TO_STORE), reveal(cx, ch[i].email, TO_STORE), &u);
		if (e == E_ABSENT || (e == OK && kind == 2 && u.role < ROLE_AGENT)) {
			fail_forget(cx);
			bad(cx, field, "InvalidValue", kind == 1 ? "Email CCs: names a user who is not known"
			    : "Followers: names somebody who is not an agent");
			continue;
		}
		TRY(e);
		for (k = 0; k < *count && now[k] != u.id; k++)
			;
		if (ch[i].remove && k < *count) {
			memmove(now + k, now + k + 1, sizeof *now * (size_t)(*count - k - 1));
			--*count;
			TRY(store_exec(cx, &delete_cc, ARGS(INT(cx->account), INT(t->id), INT(kind), INT(u.id)), NULL));
		} else if (!ch[i].remove && k == *count) {
			if (*count >= 48) {
				bad(cx, field, "TooManyValues", "Email CCs: at most 48 are allowed");
				break;
			}
			now[(*count)++] = u.id;
			TRY(store_exec(cx, &insert_cc, ARGS(INT(cx->account), INT(t->id), INT(kind), INT(u.id)), NULL));
		}
	}
	return OK;
}

/* A follow-up of a closed ticket says so, and begins with that one's organization and tags. */
enum err
ticket_follow_up(struct ctx *cx, const struct ticket_change *in, struct ticket *t)
{
	struct ticket from;
	enum err e;

	if (in->followup_source_id == 0)
		return OK;
	e = ticket_row(cx, in->followup_source_id, &from);
	if (e == OK)
		e = ticket_may(cx, MAY_READ_TICKET, MAY_READ_REQUEST, &from);
	/* One without a public comment is no request of anybody's. */
	if (e == OK && !from.is_public && cx->actor != NULL && cx->actor->role == ROLE_END_USER)
		e = E_ABSENT;
	if (e == E_ABSENT || e == E_DENIED || (e == OK && (from.deleted_at || from.status != TICKET_CLOSED))) {
		fail_forget(cx);
		bad(cx, "via_followup_source_id", "InvalidValue", "Followup source: is not a closed ticket");
		return OK;
	}
	TRY(e);
	t->channel = S("closed_ticket");
	if (t->via_source.hidden.n == 0)
		t->via_source = HIDE(str_printf(cx->arena, "{\"from\":{\"ticket_id\":%lld,\"channel\":\"" STR_F "\"},\"to\":{},"
		    "\"rel\":\"follow_up\"}", (long long)from.id, STR_A(channel_shown(from.channel))));
	if (!(in->has & T_ORG) && from.requester_id == t->requester_id && from.organization_id)
		t->organization_id = from.organization_id;
	t->tags = from.tags;
	return OK;
}

enum err
ticket_replace_cc(struct ctx *cx, int64_t id, int64_t from, int64_t to)
{
	struct ticket t;

	TRY(ticket_row(cx, id, &t));
	for (int kind = 1; kind <= 2; kind++) {
		int64_t *list = kind == 1 ? t.cc : t.follower;
		int *n = kind == 1 ? &t.cc_count : &t.follower_count, at = -1;
		bool have = false;
		for (int i = 0; i < *n; i++) {
			at = list[i] == from ? i : at;
			have = have || list[i] == to;
		}
		if (at < 0)
			continue;
		TRY(store_exec(cx, &delete_cc, ARGS(INT(cx->account), INT(id), INT(kind), INT(from)), NULL));
		if (have)
			list[at] = list[--*n];
		else {
			list[at] = to;
			TRY(store_exec(cx, &insert_cc, ARGS(INT(cx->account), INT(id), INT(kind), INT(to)), NULL));
		}
	}
	TRY(next_generated(cx, &t.generated_at));
	return store_exec(cx, &set_cc, ARGS(INT(cx->account), INT(id), BYTES(ticket_cc_bytes(cx, &t)), INT(t.generated_at)), NULL);
}
