/* skill.c - skills: which an agent has, which a ticket asks for.
 *
 * An attribute ("Languages") is a definition, its values ("Spanish") are rules
 * without actions, whose `extra` is {"attribute_id":N}: a new ticket that fits
 * a value's conditions asks for it. A value without conditions is given by
 * hand only. Who has what are rows; what is taken away stays, with the moment.
 */
#include <stdlib.h>

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

static const struct stmt insert_gone = {
	.name = "skill_gone.insert",
	.sql  = "INSERT INTO skill_gone (account_id, id, kind, attribute_id, at) VALUES ($1, $2, $3, $4, $5)",
	.in   = "iiiii",
};

static const struct stmt list_gone = {
	.name = "skill_gone.list",
	.sql  = "SELECT g.id, g.attribute_id, g.at FROM skill_gone g WHERE g.account_id = $1 AND g.kind = $2",
	.in   = "ii", .out = "iii",
};

static const struct stmt came = {
	.name = "skill_instance.came",
	.sql  = "SELECT s.created_at, s.id, s.kind, s.of_id, s.value_id FROM skill_instance s WHERE s.account_id = $1"
	        " AND (s.created_at, s.id) > ($2, $3) ORDER BY s.created_at, s.id LIMIT $4",
	.in   = "iiii", .out = "iiiii",
};

static const struct stmt went = {
	.name = "skill_instance.went",
	.sql  = "SELECT s.gone_at, s.id, s.kind, s.of_id, s.value_id FROM skill_instance s WHERE s.account_id = $1"
	        " AND s.gone_at IS NOT NULL AND (s.gone_at, s.id) > ($2, $3) ORDER BY s.gone_at, s.id LIMIT $4",
	.in   = "iiii", .out = "iiiii",
};

const struct stmt *const skill_stmts[] = {
	&insert_gone, &list_gone, &came, &went, &list_of, &insert_one, &set_priority, &end_one, &end_of, &end_value, NULL
};

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
skill_value_gone(struct ctx *cx, const struct rule *value)
{
	int64_t value_id = value->id;

	TRY(store_exec(cx, &insert_gone, ARGS(INT(cx->account), INT(value_id), INT(SKILL_VALUE), INT(skill_attribute(cx, value)), INT(cx->now)), NULL));
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
	TRY(def_delete(cx, DEF_SKILL, id));
	return store_exec(cx, &insert_gone, ARGS(INT(cx->account), INT(id), INT(SKILL_ATTRIBUTE), INT(id), INT(cx->now)), NULL);
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

/* ---- what happened ----------------------------------------------------------------------------------------------------- */

static int
by_time(const void *a, const void *b)
{
	const struct skill_event *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->key > y->key) - (x->key < y->key);
}

/* Attributes and values are few: all of them, made, changed or gone. */
static enum err
things(struct ctx *cx, enum skill_thing what, struct skill_event **out, int *count)
{
	const struct def *const *d;
	const struct defs *all;
	const struct book *b;
	struct rows gone;
	int n, k = 0;

	TRY(store_all(cx, &list_gone, ARGS(INT(cx->account), INT(what)), &gone));
	TRY(defs_get(cx, &all));
	TRY(book_get(cx, &b));
	d = def_all(all, DEF_SKILL, &n);
	*out = NEW(cx->arena, struct skill_event, n + b->count + gone.count + 1);
	for (int i = 0; i < n && what == SKILL_ATTRIBUTE; i++)
		(*out)[k++] = (struct skill_event){ .at = d[i]->updated_at, .id = d[i]->id, .attribute_id = d[i]->id, .name = def_text(d[i], "name"),
		    .made = d[i]->updated_at == d[i]->created_at };
	for (int i = b->from[RULE_SKILL]; i < b->from[RULE_SKILL + 1] && what == SKILL_VALUE; i++) {
		const struct rule *r = &b->rule[i].r;
		(*out)[k++] = (struct skill_event){ .at = r->updated_at, .id = r->id, .attribute_id = skill_attribute(cx, r), .name = r->title,
		    .made = r->updated_at == r->created_at };
	}
	for (int i = 0; i < gone.count; i++)
		(*out)[k++] = (struct skill_event){ .at = row_int(&gone.row[i], 2), .id = row_int(&gone.row[i], 0),
		    .attribute_id = row_int(&gone.row[i], 1), .gone = true };
	for (int i = 0; i < k; i++)
		(*out)[i].key = (*out)[i].id;
	*count = k;
	return OK;
}

/* Who came and who went; `limit` of each suffice. The key is the instance's number twice, and one more where it went. */
static enum err
comings(struct ctx *cx, usec at, int64_t key, int limit, struct skill_event **out, int *count)
{
	struct rows rs[2];
	int k = 0;

	/* What came with number n has the key 2n, what went 2n + 1. */
	TRY(store_all(cx, &came, ARGS(INT(cx->account), INT(at), INT(key / 2), INT(limit)), &rs[0]));
	TRY(store_all(cx, &went, ARGS(INT(cx->account), INT(at), INT((key - 1) / 2), INT(limit)), &rs[1]));
	*out = NEW(cx->arena, struct skill_event, rs[0].count + rs[1].count + 1);
	for (int g = 0; g < 2; g++)
		for (int i = 0; i < rs[g].count; i++) {
			const struct row *r = &rs[g].row[i];
			(*out)[k++] = (struct skill_event){ .at = row_int(r, 0), .key = row_int(r, 1) * 2 + g, .id = row_int(r, 1), .kind = (enum skill_of)row_int(r, 2),
			    .of_id = row_int(r, 3), .value_id = row_int(r, 4), .made = g == 0, .gone = g == 1 };
		}
	*count = k;
	return OK;
}

enum err
skill_events(struct ctx *cx, enum skill_thing what, usec at, int64_t key, int limit, struct skill_event **out, int *count)
{
	struct skill_event *all;
	int n, from = 0;

	TRY(gate_may(cx, MAY_EXPORT, NULL));
	TRY(what == SKILL_INSTANCE ? comings(cx, at, key, limit, &all, &n) : things(cx, what, &all, &n));
	qsort(all, (size_t)n, sizeof *all, by_time);
	while (from < n && (all[from].at < at || (all[from].at == at && all[from].key <= key)))
		from++;
	*out = all + from;
	*count = n - from < limit ? n - from : limit;
	return OK;
}
