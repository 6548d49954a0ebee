/* workspace.c - contextual workspaces: which form and macros an agent is offered for a ticket.
 *
 * A workspace is a rule without actions: its conditions are a view's, and the
 * first active one that a ticket fits is the ticket's. Nothing of the ticket
 * changes by it. Its `extra` is {"ticket_form_id":N or null,"macros":[N,...],
 * "prefer_workspace_app_order":true}.
 */
#include "desk/def.h"
#include "desk/rule.h"

enum err
workspace_check(struct ctx *cx, const struct compiled *c)
{
	int64_t form = json_integer_value(json_object_get(c->extra, "ticket_form_id"));
	const json_t *one;
	const struct book *b;
	const struct defs *d;
	size_t i;

	TRY(defs_get(cx, &d));
	TRY(book_get(cx, &b));
	if (form != 0 && def_find(d, DEF_TICKET_FORM, form) == NULL)
		bad(cx, "ticket_form_id", "InvalidValue", "Ticket form: is not a known form");
	json_array_foreach(json_object_get(c->extra, "macros"), i, one) {
		const struct compiled *m = book_find(b, json_integer_value(one));
		if (m == NULL || m->r.kind != RULE_MACRO || m->r.whom == FOR_USER)
			bad(cx, "macros", "InvalidValue", "Macros: each must be the id of a macro that is shared");
	}
	return OK;
}

enum err
workspace_for(struct ctx *cx, const struct ticket *t, struct rule *out)
{
	struct subject s = { .cx = cx, .t = t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
	const struct book *b;

	TRY(gate_may(cx, MAY_READ_RULES, NULL));
	TRY(book_get(cx, &b));
	for (int i = b->from[RULE_WORKSPACE]; i < b->from[RULE_WORKSPACE + 1]; i++) {
		const struct compiled *c = &b->rule[i];
		/* Whether it fits would tell the value of a field that the agent may not read. */
		if (!c->r.active || c->broken || rule_hidden(cx, c) || !rule_holds(&s, c))
			continue;
		*out = c->r;
		return s.e;
	}
	TRY(s.e);
	return fail(cx, E_ABSENT, NULL, "no workspace fits");
}
