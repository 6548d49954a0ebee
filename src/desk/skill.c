/* skill.c - skills: which an agent has, which a ticket asks for.
 *
 * An attribute ("Languages") is a definition, its values ("Spanish") are rules
 * without actions, whose `extra` is {"attribute_id":N}: a new ticket that fits
 * a value's conditions asks for it. A value without conditions is given by
 * hand only. Who has what are rows; what is taken away stays, with the moment.
 */
#include "desk/def.h"
#include "desk/in.h"
#include "desk/rule.h"

#define OWN_MAX 1000                 /* skills of one agent or ticket */

#define COLS "s.id, s.of_id, s.value_id, s.priority, s.created_at, s.updated_at"
static const struct stmt list_of = {
	.name = "skill_instance.of",
	.sql  = "SELECT " COLS " FROM skill_instance s WHERE s.account_id = $1 AND s.kind = $2 AND s.of_id = $3 AND s.gone_at IS NULL"
	        " ORDER BY s.id LIMIT $4",
	.in   = "iiii", .out = "iiiiii",
};

static const struct stmt insert_one = {
	.name = "skill_instance.insert",
	.sql  = "INSERT INTO skill_instance (account_id, id, kind, of_id, value_id, priority, created_at, updated_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
	.in   = "iiiiiii",
};

static const struct stmt set_priority = {
	.name = "skill_instance.priority",
	.sql  = "UPDATE skill_instance SET priority = $3, updated_at = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiii",
};

static const struct stmt end_one = {
	.name = "skill_instance.end", .sql = "UPDATE skill_instance SET gone_at = $3 WHERE account_id = $1 AND id = $2", .in = "iii",
};

static const struct stmt end_of = {
	.name = "skill_instance.end_of",
	.sql  = "UPDATE skill_instance SET gone_at = $4 WHERE account_id = $1 AND kind = $2 AND of_id = $3 AND gone_at IS NULL",
	.in   = "iiii",
};

static const struct stmt end_value = {
	.name = "skill_instance.end_value",
	.sql  = "UPDATE skill_instance SET gone_at = $3 WHERE account_id = $1 AND value_id = $2 AND gone_at IS NULL",
	.in   = "iii",
};

const struct stmt *const skill_stmts[] = { &list_of, &insert_one, &set_priority, &end_one, &end_of, &end_value, NULL };

/* ---- attributes and values ------------------------------------------------------------------------------------------ */

int64_t
skill_attribute(struct ctx *cx, const struct rule *value)
{
	return value->extra.n ? json_integer_value(json_object_get(json_again(cx, value->extra), "attribute_id")) : 0;
}

enum err
skill_check(struct ctx *cx, const struct compiled *c)
{
	const struct defs *d;

	TRY(defs_get(cx, &d));
	if (def_find(d, DEF_SKILL, json_integer_value(json_object_get(c->extra, "attribute_id"))) == NULL)
		bad(cx, "attribute_id", "InvalidValue", "Attribute: is not a known attribute");
	return OK;
}

enum err
skill_value_gone(struct ctx *cx, int64_t value_id)
{
	return store_exec(cx, &end_value, ARGS(INT(cx->account), INT(value_id), INT(cx->now)), NULL);
}

enum err
skill_forget(struct ctx *cx, enum skill_of kind, int64_t of_id)
{
	return store_exec(cx, &end_of, ARGS(INT(cx->account), INT(kind), INT(of_id), INT(cx->now)), NULL);
}

static enum err
attribute_drop_tx(struct ctx *cx, void *arg)
{
	int64_t id = *(const int64_t *)arg;
	const struct book *b;

	TRY(book_get(cx, &b));
	for (int i = b->from[RULE_SKILL]; i < b->from[RULE_SKILL + 1]; i++)
		if (skill_attribute(cx, &b->rule[i].r) == id)
			TRY(rule_delete(cx, RULE_SKILL, b->rule[i].r.id));
	return def_delete(cx, DEF_SKILL, id);
}

enum err
skill_attribute_delete(struct ctx *cx, int64_t id)
{
	TRY(store_write(cx, attribute_drop_tx, &id));
	return store_erase(cx);
}

/* ---- who has which ------------------------------------------------------------------------------------------------------ */

static enum err
instances(struct ctx *cx, enum skill_of kind, int64_t of_id, struct skill **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &list_of, ARGS(INT(cx->account), INT(kind), INT(of_id), INT(OWN_MAX)), &rs));
	*out = NEW(cx->arena, struct skill, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		(*out)[i] = (struct skill){ .id = row_int(r, 0), .of_id = row_int(r, 1), .value_id = row_int(r, 2), .high = row_int(r, 3) != 0,
		    .created_at = row_int(r, 4), .updated_at = row_int(r, 5) };
	}
	*count = rs.count;
	return OK;
}

/* May the actor see (write: change) the skills of this agent, of this ticket; E_ABSENT: there is none. */
static enum err
may(struct ctx *cx, enum skill_of kind, int64_t of_id, bool write)
{
	struct ticket t;
	struct user u;

	if (kind == SKILL_TICKET) {
		TRY(ticket_get(cx, of_id, &t));
		return write ? ticket_may(cx, MAY_UPDATE_TICKET, MAY_UPDATE_TICKET, &t) : OK;
	}
	TRY(gate_may(cx, write ? MAY_MANAGE_RULES : MAY_READ_RULES, NULL));
	TRY(user_load(cx, of_id, &u));
	return u.active && u.role >= ROLE_AGENT ? OK : fail(cx, E_ABSENT, NULL, "no such agent");
}

enum err
skill_list(struct ctx *cx, enum skill_of kind, int64_t of_id, struct skill **out, int *count)
{
	TRY(may(cx, kind, of_id, false));
	return instances(cx, kind, of_id, out, count);
}

static enum err
give(struct ctx *cx, enum skill_of kind, int64_t of_id, const struct skill *s)
{
	int64_t id;

	TRY(store_next_id(cx, "skill_instance", &id));
	return store_exec(cx, &insert_one, ARGS(INT(cx->account), INT(id), INT(kind), INT(of_id), INT(s->value_id), INT(s->high), INT(cx->now)), NULL);
}

struct setting { enum skill_of kind; int64_t of_id; enum skill_how how; const struct skill *skill; int n; };

static int
find(const struct skill *list, int n, int64_t value_id)
{
	for (int i = 0; i < n; i++)
		if (list[i].value_id == value_id)
			return i;
	return -1;
}

static enum err
set_tx(struct ctx *cx, void *arg)
{
	const struct setting *w = arg;
	const struct book *b;
	struct skill *have;
	int n;

	TRY(may(cx, w->kind, w->of_id, true));
	TRY(book_get(cx, &b));
	for (int i = 0; i < w->n; i++) {
		const struct compiled *c = book_find(b, w->skill[i].value_id);
		if (c == NULL || c->r.kind != RULE_SKILL)
			bad(cx, "attribute_value_ids", "InvalidValue", "Attribute values: each must be the id of a value");
	}
	if (w->n > OWN_MAX)
		bad(cx, "attribute_value_ids", "TooManyValues", "Attribute values: at most 1,000 are allowed");
	TRY(bad_check(cx));
	TRY(instances(cx, w->kind, w->of_id, &have, &n));
	for (int i = 0; i < n; i++) {
		int at = find(w->skill, w->n, have[i].value_id);
		if (w->how == SKILL_REMOVE ? at >= 0 : w->how == SKILL_SET && at < 0)
			TRY(store_exec(cx, &end_one, ARGS(INT(cx->account), INT(have[i].id), INT(cx->now)), NULL));
	}
	for (int i = 0; i < w->n && w->how != SKILL_REMOVE; i++) {
		const struct skill *s = &w->skill[i];
		int at = find(have, n, s->value_id);
		if (find(w->skill, i, s->value_id) >= 0)
			continue;
		if (at < 0)
			TRY(give(cx, w->kind, w->of_id, s));
		else if (s->high_set && s->high != have[at].high)
			TRY(store_exec(cx, &set_priority, ARGS(INT(cx->account), INT(have[at].id), INT(s->high), INT(cx->now)), NULL));
	}
	return trail_append(cx, &(struct event){ .action = w->kind == SKILL_TICKET ? "ticket.skills" : "user.skills",
	    .object = w->kind == SKILL_TICKET ? "ticket" : "user", .id = w->of_id });
}

enum err
skill_set(struct ctx *cx, enum skill_of kind, int64_t of_id, enum skill_how how, const struct skill *skill, int n)
{
	return store_write(cx, set_tx, &(struct setting){ kind, of_id, how, skill, n });
}

enum err
skill_fulfilled(struct ctx *cx, const int64_t *ids, int n, int64_t *out, int *count)
{
	struct skill *mine, *asked;
	int have, wants;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(instances(cx, SKILL_AGENT, cx->actor->user_id, &mine, &have));
	*count = 0;
	for (int i = 0; i < n; i++) {
		struct ticket t;
		bool fits = true;
		enum err e = ticket_get(cx, ids[i], &t);
		if (e == E_ABSENT) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		TRY(instances(cx, SKILL_TICKET, t.id, &asked, &wants));
		for (int k = 0; k < wants && fits; k++)
			fits = find(mine, have, asked[k].value_id) >= 0;
		if (fits)
			out[(*count)++] = t.id;
	}
	return OK;
}

enum err
skills_on_ticket(struct ctx *cx, struct subject *s, const struct book *b)
{
	for (int i = b->from[RULE_SKILL]; i < b->from[RULE_SKILL + 1]; i++) {
		const struct compiled *c = &b->rule[i];
		if (c->r.active && !c->broken && c->alls + c->anys > 0 && rule_holds(s, c))
			TRY(give(cx, SKILL_TICKET, s->t->id, &(struct skill){ .value_id = c->r.id }));
	}
	return s->e;
}
