/* clause.h - queries out of whole clauses, for list.c, view.c and view_kept.c alone.
 *
 * Nothing that a person sent becomes text of a query: clauses are literals of
 * the tables in these two files, values are parameters.
 */
#ifndef WARD_DESK_CLAUSE_H
#define WARD_DESK_CLAUSE_H

#include "desk/in.h"

#define LIST_COLS "t.id, t.key_id, t.requester_id, t.submitter_id, t.assignee_id, t.group_id, t.organization_id," \
	" t.problem_id, t.brand_id, t.form_id, t.followup_source_id, t.status, t.priority, t.type, t.is_public," \
	" t.has_incidents, t.comment_count, t.channel, t.created_at, t.updated_at, t.generated_at, t.due_at, t.solved_at," \
	" t.deleted_at, t.cc, t.doc"
#define LIST_OUT "iiiii?i?i?i?i?i?i?iiiiiitiiii?i?i?b?S"

/* What the actor may see of tickets, as a clause on `t`. */
enum scope { SCOPE_ALL, SCOPE_AGENT, SCOPE_GROUPS, SCOPE_ORG, SCOPE_ASSIGNED, SCOPE_REQUESTED, SCOPE_END_USER, SCOPES };

/* Clauses while they are put together. */
struct query {
	struct ctx *cx;
	struct buf  sql, in;
	struct arg  arg[64];
	int         n;
	bool        once;            /* not worth a statement of its own */
};
/* Each '?' becomes the number of *a, which is added; NULL: none. */
void clause(struct query *q, const char *text, const struct arg *a);
enum scope scope_of(const struct ctx *cx, const struct ticket_filter *f);     /* f may be NULL */
void scope_clause(struct query *q, enum scope s);

#endif
