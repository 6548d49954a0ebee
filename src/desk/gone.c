/* gone.c - how a ticket goes, comes back, and is erased for good; what it loses when a user, a group or an organization goes. */
#include "desk/in.h"
#include "desk/rule.h"
#include "flow/flow.h"

static const struct stmt clear_external = {
	.name = "ticket.clear_external",
	.sql  = "UPDATE ticket SET external_id_x = NULL WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt set_deleted = {
	.name = "ticket.set_deleted",
	.sql  = "UPDATE ticket SET deleted_at = $3, deleted_by = $4, updated_at = $5, generated_at = $6"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iii?i?ii",
};

/* Working tickets only: what is closed stays as it was. */
static const struct stmt unassign_group = {
	.name = "ticket.unassign_group",
	.sql  = "UPDATE ticket SET assignee_id = NULL, generated_at = $4 WHERE account_id = $1 AND assignee_id = $2"
	        " AND group_id = $3 AND status < 5",
	.in   = "iiii",
};

static const struct stmt unassign_user = {
	.name = "ticket.unassign_user",
	.sql  = "UPDATE ticket SET assignee_id = NULL, generated_at = $3 WHERE account_id = $1 AND assignee_id = $2"
	        " AND status < 5",
	.in   = "iii",
};

static const struct stmt group_gone = {
	.name = "ticket.group_gone",
	.sql  = "UPDATE ticket SET group_id = NULL, assignee_id = NULL, generated_at = $3 WHERE account_id = $1"
	        " AND group_id = $2 AND status < 5",
	.in   = "iii",
};

static const struct stmt org_gone = {
	.name = "ticket.org_gone",
	.sql  = "UPDATE ticket SET organization_id = NULL, generated_at = $3 WHERE account_id = $1 AND organization_id = $2",
	.in   = "iii",
};

const struct stmt *const gone_stmts[] = {
	&clear_external, &set_deleted, &unassign_group, &unassign_user, &group_gone, &org_gone, NULL
};

/* ---- delete, restore, purge -------------------------------------------------------------------------------- */

struct removal { int64_t id; bool restore; const char *cause; };

static enum err
delete_tx(struct ctx *cx, void *arg)
{
	struct removal *rm = arg;
	struct ticket t;
	usec generated;
	struct terms terms = { 0 };
	struct trail_field f;

	TRY(ticket_row(cx, rm->id, &t));
	TRY(ticket_may(cx, MAY_READ_TICKET, MAY_READ_REQUEST, &t));
	TRY(ticket_may(cx, MAY_DELETE_TICKET, MAY_DELETE_TICKET, &t));
	if ((t.deleted_at != 0) != rm->restore || t.erased)
		return fail(cx, E_ABSENT, NULL, "no such ticket");
	TRY(next_generated(cx, &generated));
	TRY(store_exec(cx, &set_deleted, ARGS(INT(cx->account), INT(t.id), rm->restore ? NIL : INT(cx->now),
	    rm->restore ? NIL : ID(cx->actor->user_id), INT(cx->now), INT(generated)), NULL));
	{
		struct ticket now = t;
		now.deleted_at = rm->restore ? 0 : cx->now;
		now.updated_at = cx->now;
		now.generated_at = generated;
		view_note(cx, &t, &now);
		news_note(cx, rm->restore ? NEWS_RESTORED : NEWS_DELETED, &t, 0, false);
	}
	if (rm->restore)
		TRY(ticket_terms(cx, &t, &terms));
	TRY(search_replace(cx, 't', t.id, &terms));
	TRY(desk_counter_add(cx, "tickets", rm->restore ? 1 : -1));
	if (t.status < TICKET_SOLVED)
		TRY(report_add(cx, FIG_UNSOLVED, cx->now, 0, 0, rm->restore ? 1 : -1));
	TRY(tags_changed(cx, rm->restore ? HIDE(S("[]")) : t.tags, rm->restore ? t.tags : HIDE(S("[]"))));
	TRY(ticket_event(cx, rm->restore ? "zen:event-type:ticket.undeleted" : "zen:event-type:ticket.soft_deleted", &t, S("{}")));
	f = (struct trail_field){ .name = "status", .has_before = true, .has_after = true,
	    .before = HIDE(rm->restore ? S("deleted") : str_of(status_name(t.status))),
	    .after = HIDE(rm->restore ? str_of(status_name(t.status)) : S("deleted")) };
	return trail_append(cx, &(struct event){ .action = rm->restore ? "ticket.restore" : "ticket.delete",
	    .object = "ticket", .id = t.id, .key = t.key, .field = &f, .count = 1, .cause = rm->cause });
}

enum err
ticket_delete(struct ctx *cx, int64_t id)
{
	return store_write(cx, delete_tx, &(struct removal){ id, false, NULL });
}

enum err
ticket_restore(struct ctx *cx, int64_t id)
{
	return store_write(cx, delete_tx, &(struct removal){ id, true, NULL });
}

struct purge { int64_t id; const char *cause; };

static enum err
purge_tx(struct ctx *cx, void *arg)
{
	const struct purge *p = arg;
	int64_t id = p->id;
	struct ticket t;
	struct comment *c;
	struct terms none = { 0 };
	usec generated;
	int n;

	TRY(ticket_row(cx, id, &t));
	TRY(ticket_may(cx, MAY_DELETE_TICKET, MAY_DELETE_TICKET, &t));
	if (t.deleted_at == 0)
		return fail(cx, E_INVALID, NULL, "delete the ticket first; only a deleted ticket is erased for good");
	if (t.erased)
		return fail(cx, E_ABSENT, NULL, "no such ticket");
	TRY(comments_of(cx, id, &c, &n));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < c[i].attachment_count; k++)
			TRY(attachment_erase(cx, c[i].attachment[k].id, c[i].attachment[k].key));
	TRY(rating_forget(cx, id));
	TRY(drafts_forget(cx, id));
	TRY(secure_forget(cx, id));
	TRY(raw_mail_erase(cx, -id));            /* all raw mail of the ticket */
	TRY(flow_forget_ticket(cx, id));
	{
		struct ticket bare = { .id = t.id, .status = t.status, .created_at = t.created_at, .updated_at = cx->now, .channel = t.channel,
		    .tags = HIDE(S("[]")) };
		TRY(ticket_event(cx, "zen:event-type:ticket.permanently_deleted", &bare, S("{}")));
	}
	TRY(store_exec(cx, &clear_external, ARGS(INT(cx->account), INT(id)), NULL));
	TRY(next_generated(cx, &generated));
	TRY(store_exec(cx, &set_deleted, ARGS(INT(cx->account), INT(id), INT(t.deleted_at), ID(cx->actor->user_id),
	    INT(cx->now), INT(generated)), NULL));
	TRY(search_replace(cx, 't', id, &none));
	TRY(trail_reseal(cx, t.key, 0, NULL, NULL));
	TRY(store_key_destroy(cx, t.key));
	return trail_append(cx, &(struct event){ .action = "ticket.purge", .object = "ticket", .id = id,
	    .cause = p->cause });
}

enum err
ticket_purge(struct ctx *cx, int64_t id)
{
	TRY(store_write(cx, purge_tx, &(struct purge){ id, NULL }));
	return cx->tx != NULL ? OK : store_erase(cx);    /* a job erases after its item's commit */
}

enum err
ticket_retire(struct ctx *cx, int64_t id, const char *cause)
{
	TRY(delete_tx(cx, &(struct removal){ id, false, cause }));
	return purge_tx(cx, &(struct purge){ id, cause });
}

/* ---- what happens in gate ----------------------------------------------------------------------------------- */

/* One generated_at for all of them: the export's order is (generated_at, id). */
static enum err
sweep_tickets(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, const char *action, const char *object,
    int64_t id)
{
	int64_t changed = 0;

	TRY(store_exec(cx, st, a, n, &changed));
	if (changed == 0)
		return OK;
	view_forget(cx);
	return trail_append(cx, &(struct event){ .action = action, .object = object, .id = id,
	    .cause = str_z(cx->arena, str_printf(cx->arena, "tickets:%lld", (long long)changed)) });
}

enum err
desk_unassign(struct ctx *cx, int64_t user_id, int64_t group_id)
{
	usec g;

	TRY(next_generated(cx, &g));
	if (group_id == 0) {
		TRY(asides_forget_user(cx, user_id));
		TRY(skill_forget(cx, SKILL_AGENT, user_id));
	}
	if (group_id != 0)
		return sweep_tickets(cx, &unassign_group, ARGS(INT(cx->account), INT(user_id), INT(group_id), INT(g)),
		    "ticket.unassign", "user", user_id);
	return sweep_tickets(cx, &unassign_user, ARGS(INT(cx->account), INT(user_id), INT(g)), "ticket.unassign", "user",
	    user_id);
}

enum err
desk_group_gone(struct ctx *cx, int64_t group_id)
{
	usec g;

	TRY(next_generated(cx, &g));
	return sweep_tickets(cx, &group_gone, ARGS(INT(cx->account), INT(group_id), INT(g)), "ticket.ungroup", "group", group_id);
}

enum err
desk_org_gone(struct ctx *cx, int64_t organization_id)
{
	usec g;

	TRY(next_generated(cx, &g));
	return sweep_tickets(cx, &org_gone, ARGS(INT(cx->account), INT(organization_id), INT(g)), "ticket.unorganize",
	    "organization", organization_id);
}
