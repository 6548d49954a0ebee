/* rules.c - the rules as they are kept: rows, their order, who may see and
 * change them, and the book, all of them compiled.
 *
 * There are hundreds of rules and every ticket asks for them, so the book is
 * whole in memory, never changes, and is shared by reference; a change makes
 * it void when it commits, and the next to ask loads another. Inside the
 * transaction of a change the book is loaded for that transaction alone.
 */
#include <stdlib.h>

#include "desk/rule.h"

enum { RDOC_TITLE = 1, RDOC_DESCRIPTION, RDOC_CONDITIONS, RDOC_ACTIONS, RDOC_EXTRA, RDOC_GROUP };   /* rule.doc; never reuse */

#define RULE_MAX 5000                /* of one kind */
#define COLS "r.id, r.key_id, r.kind, r.position, r.active, r.is_default, r.category_id, r.whom, r.user_id, r.created_at," \
	" r.updated_at, r.doc"
#define OUT "iiiiiii?ii?iiS"
#define SEAL { { "rule", "doc", 0 } }

static const struct stmt all_rules = {
	.name = "rule.all",
	.sql  = "SELECT " COLS " FROM rule r WHERE r.account_id = $1 ORDER BY r.kind, r.position, r.id",
	.in   = "i", .out = OUT, .seal_out = SEAL,
};

static const struct stmt one_rule = {
	.name = "rule.get",
	.sql  = "SELECT " COLS " FROM rule r WHERE r.account_id = $1 AND r.id = $2",
	.in   = "ii", .out = OUT, .seal_out = SEAL,
};

static const struct stmt insert_rule = {
	.name = "rule.insert",
	.sql  = "INSERT INTO rule (account_id, id, key_id, kind, position, active, is_default, category_id, whom, user_id,"
	        " created_at, updated_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
	.in   = "iiiiiiii?ii?iiS", .seal_in = { { "rule", "doc", 1 } },
};

static const struct stmt update_rule = {
	.name = "rule.update",
	.sql  = "UPDATE rule SET active = $3, category_id = $4, whom = $5, user_id = $6, updated_at = $7, doc = $8"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiii?ii?iS", .seal_in = { { "rule", "doc", 1 } },
};

static const struct stmt delete_rule = {
	.name = "rule.delete",
	.sql  = "DELETE FROM rule WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt places = {
	.name = "rule.places",
	.sql  = "SELECT r.id, r.position FROM rule r WHERE r.account_id = $1 AND r.kind = $2 ORDER BY r.position, r.id",
	.in   = "ii", .out = "ii",
};

static const struct stmt set_place = {
	.name = "rule.set_place",
	.sql  = "UPDATE rule SET position = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

static const struct stmt drop_fired = {
	.name = "rule_fired.forget",
	.sql  = "DELETE FROM rule_fired WHERE account_id = $1 AND rule_id = $2",
	.in   = "ii",
};

static const struct stmt insert_revision = {
	.name = "rule_revision.insert",
	.sql  = "INSERT INTO rule_revision (account_id, id, rule_id, author_id, active, created_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.in   = "iiiiiiS", .seal_in = { { "rule_revision", "doc", 1 } },
};

static const struct stmt list_revisions = {
	.name = "rule_revision.list",
	.sql  = "SELECT v.id, v.author_id, v.active, v.created_at, v.doc FROM rule_revision v WHERE v.account_id = $1"
	        " AND v.rule_id = $2 ORDER BY v.id DESC LIMIT 1000",
	.in   = "ii", .out = "iiiiS", .seal_out = { { "rule_revision", "doc", 0 } },
};

static const struct stmt drop_revisions = {
	.name = "rule_revision.delete",
	.sql  = "DELETE FROM rule_revision WHERE account_id = $1 AND rule_id = $2",
	.in   = "ii",
};

static const struct stmt all_categories = {
	.name = "rule_category.all",
	.sql  = "SELECT c.id, c.name, c.position, c.created_at, c.updated_at,"
	        " (SELECT count(*) FROM rule r WHERE r.account_id = c.account_id AND r.category_id = c.id AND r.active = 1),"
	        " (SELECT count(*) FROM rule r WHERE r.account_id = c.account_id AND r.category_id = c.id AND r.active = 0)"
	        " FROM rule_category c WHERE c.account_id = $1 ORDER BY c.position, c.id",
	.in   = "i", .out = "itiiiii",
};

static const struct stmt insert_category = {
	.name = "rule_category.insert",
	.sql  = "INSERT INTO rule_category (account_id, id, name, position, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)",
	.in   = "iitii",
};

static const struct stmt update_category = {
	.name = "rule_category.update",
	.sql  = "UPDATE rule_category SET name = $3, position = $4, updated_at = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iitii",
};

static const struct stmt delete_category = {
	.name = "rule_category.delete",
	.sql  = "DELETE FROM rule_category WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt *const rule_stmts[] = {
	&all_rules, &one_rule, &insert_rule, &update_rule, &delete_rule, &places, &set_place, &drop_fired, &insert_revision,
	&list_revisions, &drop_revisions, &all_categories, &insert_category, &update_category, &delete_category, NULL
};

static const char *const objects[RULE_KINDS] = {
	[RULE_VIEW] = "view", [RULE_MACRO] = "macro", [RULE_TRIGGER] = "trigger", [RULE_AUTOMATION] = "automation",
	[RULE_SLA] = "sla_policy", [RULE_GROUP_SLA] = "group_sla_policy", [RULE_SCHEDULE] = "schedule",
	[RULE_WORKSPACE] = "workspace", [RULE_SKILL] = "routing_attribute_value",
};
static const char *const actions[RULE_KINDS][4] = {
	[RULE_VIEW]       = { "view.create", "view.update", "view.delete", "view.reorder" },
	[RULE_MACRO]      = { "macro.create", "macro.update", "macro.delete", "macro.reorder" },
	[RULE_TRIGGER]    = { "trigger.create", "trigger.update", "trigger.delete", "trigger.reorder" },
	[RULE_AUTOMATION] = { "automation.create", "automation.update", "automation.delete", "automation.reorder" },
	[RULE_SLA]        = { "sla_policy.create", "sla_policy.update", "sla_policy.delete", "sla_policy.reorder" },
	[RULE_GROUP_SLA]  = { "group_sla_policy.create", "group_sla_policy.update", "group_sla_policy.delete", "group_sla_policy.reorder" },
	[RULE_SCHEDULE]   = { "schedule.create", "schedule.update", "schedule.delete", "schedule.reorder" },
	[RULE_WORKSPACE]  = { "workspace.create", "workspace.update", "workspace.delete", "workspace.reorder" },
	[RULE_SKILL]      = { "routing_attribute_value.create", "routing_attribute_value.update", "routing_attribute_value.delete",
	                      "routing_attribute_value.reorder" },
};
enum { DID_CREATE, DID_UPDATE, DID_DELETE, DID_REORDER };

/* ---- rows -------------------------------------------------------------------------------------------------- */

static str
pack_rule(struct ctx *cx, const struct rule *r)
{
	struct buf b;

	buf_init(&b, cx->arena, 4 * MiB);
	pack_put(&b, RDOC_TITLE, r->title);
	pack_put(&b, RDOC_DESCRIPTION, r->description);
	pack_put(&b, RDOC_CONDITIONS, r->conditions);
	pack_put(&b, RDOC_ACTIONS, r->actions);
	pack_put(&b, RDOC_EXTRA, r->extra);
	for (int i = 0; i < r->group_count; i++)
		pack_int(&b, RDOC_GROUP, r->group_id[i]);
	return buf_str(&b);
}

static void
unpack_rule(struct ctx *cx, str rest, struct rule *r)
{
	str v;
	uint8_t tag;
	int n = 0;

	for (str again = rest; pack_next(&again, &tag, &v);)
		n += tag == RDOC_GROUP;
	r->group_id = n ? NEW(cx->arena, int64_t, n) : NULL;
	while (pack_next(&rest, &tag, &v))
		switch (tag) {
		case RDOC_TITLE:       r->title = v; break;
		case RDOC_DESCRIPTION: r->description = v; break;
		case RDOC_CONDITIONS:  r->conditions = v; break;
		case RDOC_ACTIONS:     r->actions = v; break;
		case RDOC_EXTRA:       r->extra = v; break;
		case RDOC_GROUP:       r->group_id[r->group_count++] = pack_get_int(v); break;
		default: break;
		}
}

static void
rule_from_row(struct ctx *cx, const struct row *row, struct rule *r)
{
	*r = (struct rule){ .id = row_int(row, 0), .key = row_int(row, 1), .kind = (enum rule_kind)row_int(row, 2),
	    .position = row_int(row, 3), .active = row_int(row, 4) != 0, .is_default = row_int(row, 5) != 0,
	    .category_id = row_int(row, 6), .whom = (enum rule_whom)row_int(row, 7), .user_id = row_int(row, 8),
	    .created_at = row_int(row, 9), .updated_at = row_int(row, 10) };
	unpack_rule(cx, row_sensitive(row, 11).hidden, r);
}

/* ---- the book ------------------------------------------------------------------------------------------------- */

struct shared_book {
	struct book   book;
	struct arena *arena;
	int           users;           /* under rules.lock */
	struct rules *of;
};

static void
book_drop(struct shared_book *b)
{
	arena_free(&b->arena);
	free(b);
}

static void
book_release(void *arg)
{
	struct shared_book *b = arg;
	struct rules *of = b->of;
	bool last;

	if (of == NULL) {
		book_drop(b);
		return;
	}
	pthread_mutex_lock(&of->lock);
	last = --b->users == 0;
	pthread_mutex_unlock(&of->lock);
	if (last)
		book_drop(b);
}

static enum err
book_load(struct ctx *cx, struct shared_book **out)
{
	struct shared_book *b = calloc(1, sizeof *b);
	struct ctx own = *cx;
	struct rows rs;
	enum err e;

	if (b == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	own.arena = b->arena = arena_new();
	own.bad = NULL;
	own.bad_end = &own.bad;
	e = store_all(&own, &all_rules, ARGS(INT(cx->account)), &rs);
	cx->reader = own.reader;
	if (e != OK) {
		const char *why = own.fail.why;
		book_drop(b);
		return fail(cx, e, NULL, why);
	}
	b->book.rule = NEW(b->arena, struct compiled, rs.count + 1);
	b->book.count = rs.count;
	for (int i = 0; i < rs.count; i++) {
		struct rule r;
		rule_from_row(&own, &rs.row[i], &r);
		own.bad = NULL;
		own.bad_end = &own.bad;
		rule_compile(&own, &r, &b->book.rule[i]);
		b->book.rule[i].broken = own.bad != NULL;
		for (int k = (int)r.kind + 1; k <= RULE_KINDS; k++)
			b->book.from[k] = i + 1;
	}
	own.bad = NULL;
	own.bad_end = &own.bad;
	if ((e = schedule_changes(&own, &b->book)) != OK) {
		const char *why = own.fail.why;
		book_drop(b);
		return fail(cx, e, NULL, why);
	}
	*out = b;
	return OK;
}

enum err
book_get(struct ctx *cx, const struct book **out)
{
	struct rules *r = cx->sys->rules;
	struct shared_book *b = NULL;
	uint64_t changes = 0;
	bool keep = false;

	if (r != NULL) {
		pthread_mutex_lock(&r->lock);
		if (r->now != NULL && (r->dirty == 0 || cx->tx == NULL)) {
			b = r->now;
			b->users++;
		}
		changes = r->changes;
		keep = r->dirty == 0 || cx->tx == NULL;
		pthread_mutex_unlock(&r->lock);
	}
	if (b == NULL) {
		TRY(book_load(cx, &b));
		if (r != NULL && keep) {
			pthread_mutex_lock(&r->lock);
			/* What was loaded while a change committed may be from before it. */
			if (r->now == NULL && r->changes == changes && (r->dirty == 0 || cx->tx == NULL)) {
				b->of = r;
				b->users = 2;
				r->now = b;
			}
			pthread_mutex_unlock(&r->lock);
		}
	}
	arena_defer(cx->arena, book_release, b);
	*out = &b->book;
	return OK;
}

const struct compiled *
book_find(const struct book *b, int64_t id)
{
	for (int i = 0; i < b->count; i++)
		if (b->rule[i].r.id == id)
			return &b->rule[i];
	return NULL;
}

static void
book_void(struct rules *r)
{
	struct shared_book *old = r->now;

	r->now = NULL;
	if (old != NULL && --old->users == 0)
		book_drop(old);
}

static void
changed_for_good(struct sys *sys, void *arg)
{
	struct rules *r = sys->rules;

	(void)arg;
	pthread_mutex_lock(&r->lock);
	r->dirty--;
	r->changes++;
	book_void(r);
	pthread_mutex_unlock(&r->lock);
}

static void
changed_not(struct sys *sys, void *arg)
{
	struct rules *r = sys->rules;

	(void)arg;
	pthread_mutex_lock(&r->lock);
	r->dirty--;
	pthread_mutex_unlock(&r->lock);
}

/* In the transaction of a change. */
void
book_changed(struct ctx *cx)
{
	struct rules *r = cx->sys->rules;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->dirty++;
	pthread_mutex_unlock(&r->lock);
	store_after(cx, changed_for_good, NULL);
	store_undo(cx, changed_not, NULL);
}

enum err
rules_open(struct ctx *cx, struct rules **out)
{
	struct rules *r = calloc(1, sizeof *r);

	if (r == NULL || (r->counters = counters_new()) == NULL) {
		free(r);
		return fail(cx, E_FAULT, NULL, "out of memory");
	}
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return OK;
}

void
rules_close(struct rules **r)
{
	if (*r == NULL)
		return;
	book_void(*r);
	counters_free(&(*r)->counters);
	pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

/* ---- who may ----------------------------------------------------------------------------------------------------- */

bool
rule_visible(struct ctx *cx, const struct rule *r)
{
	const int64_t *ids;
	int n;

	if (cx->actor == NULL || cx->actor->role == ROLE_END_USER)
		return false;
	if (cx->actor->role == ROLE_SYSTEM || r->whom == FOR_ALL)
		return true;
	if (r->whom == FOR_USER)
		return r->user_id == cx->actor->user_id;
	if (cx->actor->role == ROLE_ADMIN)
		return true;
	if (gate_my_groups(cx, &ids, &n) != OK) {
		fail_forget(cx);
		return false;
	}
	for (int i = 0; i < r->group_count; i++)
		for (int k = 0; k < n; k++)
			if (r->group_id[i] == ids[k])
				return true;
	return false;
}

static enum err
may_write(struct ctx *cx, const struct rule *r)
{
	if (gate_limited(cx, r->kind == RULE_VIEW ? LIMIT_VIEWS : LIMIT_MACROS))
		return fail(cx, E_DENIED, NULL, "the role does not let change it");
	if ((r->kind == RULE_VIEW || r->kind == RULE_MACRO) && r->whom == FOR_USER)
		return gate_may(cx, MAY_WRITE_RULES, &(struct about){ .user_id = r->user_id, .has_object = true });
	return gate_may(cx, MAY_MANAGE_RULES, NULL);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

enum err
rule_get(struct ctx *cx, enum rule_kind kind, int64_t id, struct rule *out)
{
	const struct book *b;
	const struct compiled *c;

	TRY(gate_may(cx, MAY_READ_RULES, NULL));
	TRY(book_get(cx, &b));
	c = book_find(b, id);
	if (c == NULL || c->r.kind != kind || !rule_visible(cx, &c->r))
		return fail(cx, E_ABSENT, NULL, "no such rule");
	*out = c->r;
	return OK;
}

enum err
rule_list(struct ctx *cx, const struct rule_filter *f, struct rule **out, int *count)
{
	const struct book *b;
	int n = 0;

	TRY(gate_may(cx, MAY_READ_RULES, NULL));
	TRY(book_get(cx, &b));
	*out = NEW(cx->arena, struct rule, b->count + 1);
	for (int i = b->from[f->kind]; i < b->from[f->kind + 1]; i++) {
		const struct rule *r = &b->rule[i].r;
		bool in_group = f->group_id == 0;
		if (!rule_visible(cx, r) || (f->active >= 0 && r->active != (f->active != 0))
		    || (f->whom == PERSONAL && r->whom != FOR_USER) || (f->whom == SHARED && r->whom == FOR_USER)
		    || (f->category_id && r->category_id != f->category_id)
		    || (f->query.n && str_findi(r->title, f->query) == SIZE_MAX))
			continue;
		for (int k = 0; k < r->group_count; k++)
			in_group = in_group || r->group_id[k] == f->group_id;
		if (in_group)
			(*out)[n++] = *r;
	}
	*count = n;
	return OK;
}

bool
rule_name(struct ctx *cx, int64_t id, str *title, const char **rel)
{
	const struct book *b;
	const struct compiled *c = NULL;

	*rel = "trigger";
	*title = S("");
	if (book_get(cx, &b) == OK)
		c = book_find(b, id);
	else
		fail_forget(cx);
	if (c == NULL)
		return false;
	*title = c->r.title;
	if (c->r.kind == RULE_AUTOMATION)
		*rel = "automation";
	return true;
}

/* ---- checks ------------------------------------------------------------------------------------------------------- */

/* Does an action take a condition's ground away, so that the automation ends by itself? */
static bool
takes_away(const struct compiled *c)
{
	static const struct { const char *action, *condition; } pairs[] = {
		{ "set_tags", "current_tags" }, { "remove_tags", "current_tags" },
	};

	for (int a = 0; a < c->acts; a++)
		for (int i = 0; i < c->alls; i++) {
			const struct act *act = &c->act[a];
			const struct cond *cond = &c->all[i];
			if (strcmp(act->row->name, cond->row->name) == 0 && act->field == cond->field && str_eq(act->key, cond->key))
				return true;
			for (size_t p = 0; p < COUNT(pairs); p++)
				if (strcmp(act->row->name, pairs[p].action) == 0 && strcmp(cond->row->name, pairs[p].condition) == 0)
					return true;
		}
	return false;
}

/* Schedules that a rule names; one that goes later is passed over when the rule runs. */
static enum err
schedules_known(struct ctx *cx, const struct compiled *c)
{
	const struct book *b = NULL;

	for (int i = 0; i < c->alls + c->anys + c->acts; i++) {
		const struct act *a = i < c->acts ? &c->act[i] : NULL;
		const struct cond *k = a != NULL ? NULL : i - c->acts < c->alls ? &c->all[i - c->acts] : &c->any[i - c->acts - c->alls];
		enum value_type type = a != NULL ? a->row->value : k->row->type;
		if (type != VAL_SCHEDULE && type != VAL_SHIFT)
			continue;
		if (b == NULL)
			TRY(book_get(cx, &b));
		for (int n = 0; n < (a != NULL ? a->num != 0 : k->nums); n++) {
			int64_t id = a != NULL ? a->num : k->num[n];
			if (id > 0 && schedule_find(b, id) == NULL)
				bad(cx, a ? "actions" : "conditions", "InvalidValue", a ? "Actions: names a schedule that is not known"
				    : "Conditions: names a schedule that is not known");
		}
	}
	return OK;
}

static enum err
check(struct ctx *cx, const struct rule *r, bool rules_too)
{
	struct compiled c;
	bool found = false, once = false;

	if (str_trim(r->title).n == 0)
		bad(cx, "title", "BlankValue", "Title: cannot be blank");
	else if (r->title.n > 1000)
		bad(cx, "title", "TooLong", "Title: is too long (maximum is 1000 bytes)");
	if (!utf8_valid(r->title) || !utf8_valid(r->description))
		bad(cx, "title", "InvalidValue", "Title: is not UTF-8");
	if (r->description.n > 16 * KiB)
		bad(cx, "description", "TooLong", "Description: is too long (maximum is 16 KiB)");
	if (r->conditions.n + r->actions.n + r->extra.n > 2 * MiB)
		bad(cx, "base", "TooLong", "The rule is too large");
	if (rules_too) {
		struct bad_field **before = cx->bad_end;
		rule_compile(cx, r, &c);
		rule_fields_check(cx, &c);
		TRY(schedules_known(cx, &c));
		if (r->kind == RULE_VIEW) {
			for (int i = 0; i < c.alls; i++)
				found = found || c.all[i].row->type == VAL_STATUS || c.all[i].row->type == VAL_TYPE
				    || c.all[i].row->type == VAL_GROUP || c.all[i].row->type == VAL_AGENT || c.all[i].row->type == VAL_USER;
			if (!found && before == cx->bad_end)
				bad(cx, "conditions", "InvalidValue",
				    "Conditions: a view must have at least one of status, type, group, assignee or requester under all");
			view_check(cx, &c);
		} else if (r->kind == RULE_WORKSPACE) {
			TRY(workspace_check(cx, &c));
		} else if (r->kind == RULE_SKILL) {
			TRY(skill_check(cx, &c));
		} else if (r->kind == RULE_TRIGGER && c.alls + c.anys == 0 && cx->bad_end == before)
			bad(cx, "conditions", "BlankValue", "Conditions: cannot be blank");
		else if (r->kind == RULE_AUTOMATION && cx->bad_end == before) {
			for (int i = 0; i < c.alls; i++)
				if (c.all[i].row->type == VAL_HOURS) {
					found = true;
					once = once || c.all[i].op == OP_IS || c.all[i].op == OP_IS_B;
				}
			if (!found)
				bad(cx, "conditions", "InvalidValue", "Conditions: an automation must have a condition on hours under all");
			else if (!once && !takes_away(&c))
				bad(cx, "actions", "InvalidValue", "Actions: one of them must take away the ground of a condition under all,"
				    " or the hours must be given with is; otherwise the automation would never end");
		}
	}
	if (r->whom == FOR_GROUPS) {
		struct group *g;
		int n;
		TRY(group_many(cx, r->group_id, r->group_count, &g, &n));
		if (n != r->group_count || n == 0)
			bad(cx, "restriction", "InvalidValue", "Restriction: names a group that is not known");
		for (int i = 0; i < n; i++)
			if (g[i].deleted)
				bad(cx, "restriction", "InvalidValue", "Restriction: names a group that is not known");
	}
	if (r->category_id && r->kind == RULE_TRIGGER) {
		struct rule_category cat;
		enum err e = category_get(cx, r->category_id, &cat);
		if (e == E_ABSENT) {
			fail_forget(cx);
			bad(cx, "category_id", "InvalidValue", "Category: is not a known category");
		} else
			TRY(e);
	}
	return bad_check(cx);
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

/* Positions 1.. in the order that there is, with rule `id` at place `want` (0: at the end). */
static enum err
place_rule(struct ctx *cx, enum rule_kind kind, int64_t id, int64_t want, int64_t *got)
{
	struct rows rs;
	int64_t *order;
	int n = 0;

	TRY(store_all(cx, &places, ARGS(INT(cx->account), INT(kind)), &rs));
	order = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		if (row_int(&rs.row[i], 0) != id)
			order[n++] = row_int(&rs.row[i], 0);
	if (want <= 0 || want > n + 1)
		want = n + 1;
	memmove(order + want, order + want - 1, sizeof *order * (size_t)(n - want + 1));
	order[want - 1] = id;
	n++;
	for (int i = 0; i < n; i++) {
		int64_t now = 0;
		for (int k = 0; k < rs.count; k++)
			if (row_int(&rs.row[k], 0) == order[i])
				now = row_int(&rs.row[k], 1);
		if (now != i + 1)
			TRY(store_exec(cx, &set_place, ARGS(INT(cx->account), INT(order[i]), INT(i + 1)), NULL));
	}
	*got = want;
	return OK;
}

static enum err
trail_rule(struct ctx *cx, int did, const struct rule *old, const struct rule *now)
{
	const struct rule *r = now ? now : old, none = { 0 };
	const struct rule *b = old ? old : &none, *a = now ? now : &none;
	struct { const char *name; str before, after; } f[] = {
		{ "title", b->title, a->title }, { "description", b->description, a->description },
		{ "conditions", b->conditions, a->conditions }, { "actions", b->actions, a->actions }, { "extra", b->extra, a->extra },
		{ "active", old ? (b->active ? S("true") : S("false")) : S(""), now ? (a->active ? S("true") : S("false")) : S("") },
		{ "position", old ? str_printf(cx->arena, "%lld", (long long)b->position) : S(""),
		    now ? str_printf(cx->arena, "%lld", (long long)a->position) : S("") },
	};
	struct trail_field *list = NEW(cx->arena, struct trail_field, COUNT(f));
	int n = 0;

	for (size_t i = 0; i < COUNT(f); i++)
		if (!str_eq(f[i].before, f[i].after))
			list[n++] = (struct trail_field){ .name = f[i].name, .before = HIDE(f[i].before), .after = HIDE(f[i].after),
			    .has_before = old != NULL, .has_after = now != NULL };
	/* Of a deleted rule the words go with its key. */
	return trail_append(cx, &(struct event){ .action = actions[r->kind][did], .object = objects[r->kind], .id = r->id,
	    .key = now ? r->key : 0, .field = did == DID_DELETE ? NULL : list, .count = did == DID_DELETE ? 0 : n });
}

static enum err
keep_revision(struct ctx *cx, const struct rule *r)
{
	int64_t id;

	if (r->kind != RULE_TRIGGER)
		return OK;
	TRY(store_next_id(cx, "rule_revision", &id));
	return store_exec(cx, &insert_revision, ARGS(INT(cx->account), INT(id), INT(r->id), INT(cx->actor ? cx->actor->user_id : 0),
	    INT(r->active), INT(cx->now), SEALED(r->key, HIDE(pack_rule(cx, r)))), NULL);
}

struct writing {
	enum rule_kind kind;
	int64_t        id;
	unsigned       has;
	const struct rule *in;
	struct rule    out;
	bool           seed;
};

static void
take(struct rule *r, unsigned has, const struct rule *in)
{
	if (has & RULE_TITLE)
		r->title = str_trim(in->title);
	if (has & RULE_DESCRIPTION)
		r->description = in->description;
	if (has & RULE_CONDITIONS)
		r->conditions = in->conditions;
	if (has & RULE_ACTIONS)
		r->actions = in->actions;
	if (has & RULE_EXTRA)
		r->extra = in->extra;
	if (has & RULE_ACTIVE)
		r->active = in->active;
	if (has & RULE_CATEGORY)
		r->category_id = in->category_id;
	if (has & RULE_WHOM) {
		r->whom = in->whom;
		r->user_id = in->whom == FOR_USER ? in->user_id : 0;
		r->group_id = in->group_id;
		r->group_count = in->whom == FOR_GROUPS ? in->group_count : 0;
	}
}

static enum err
create_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct rule r = { .kind = w->kind, .active = true, .created_at = cx->now, .updated_at = cx->now, .is_default = w->seed,
	    .conditions = S("{\"all\":[],\"any\":[]}"), .actions = S("[]") };
	struct rows rs;

	/* What an agent makes is his own, unless he says otherwise and may. */
	if (cx->actor != NULL && cx->actor->role == ROLE_AGENT && !(w->has & RULE_WHOM)) {
		r.whom = FOR_USER;
		r.user_id = cx->actor->user_id;
	}
	take(&r, w->has, w->in);
	TRY(may_write(cx, &r));
	TRY(check(cx, &r, true));
	TRY(store_all(cx, &places, ARGS(INT(cx->account), INT(r.kind)), &rs));
	if (rs.count >= RULE_MAX) {
		bad(cx, "base", "TooManyValues", "There are too many rules of this kind");
		return bad_check(cx);
	}
	TRY(store_next_id(cx, "rule", &r.id));
	TRY(store_key_new(cx, &r.key));
	TRY(store_exec(cx, &insert_rule, ARGS(INT(cx->account), INT(r.id), INT(r.key), INT(r.kind), INT(rs.count + 1), INT(r.active),
	    INT(r.is_default), ID(r.category_id), INT(r.whom), ID(r.user_id), INT(r.created_at), INT(r.updated_at),
	    SEALED(r.key, HIDE(pack_rule(cx, &r)))), NULL));
	TRY(place_rule(cx, r.kind, r.id, w->has & RULE_POSITION ? w->in->position : 0, &r.position));
	TRY(keep_revision(cx, &r));
	if (r.kind == RULE_SCHEDULE)
		TRY(schedule_changed(cx, NULL, &r, r.position == 1));
	TRY(trail_rule(cx, DID_CREATE, NULL, &r));
	book_changed(cx);
	w->out = r;
	return OK;
}

enum err
rule_create(struct ctx *cx, enum rule_kind kind, unsigned has, const struct rule *in, struct rule *out)
{
	struct writing w = { .kind = kind, .has = has, .in = in };

	TRY(store_write(cx, create_tx, &w));
	*out = w.out;
	return OK;
}

/* The row as it is in this transaction, seen by the actor. */
static enum err
load(struct ctx *cx, enum rule_kind kind, int64_t id, struct rule *r)
{
	struct row row;

	TRY(store_one(cx, &one_rule, ARGS(INT(cx->account), INT(id)), &row));
	rule_from_row(cx, &row, r);
	if (r->kind != kind || !rule_visible(cx, r))
		return fail(cx, E_ABSENT, NULL, "no such rule");
	return OK;
}

static enum err
is_first(struct ctx *cx, const struct rule *r, bool *yes)
{
	struct rows rs;

	TRY(store_all(cx, &places, ARGS(INT(cx->account), INT(r->kind)), &rs));
	*yes = rs.count > 0 && row_int(&rs.row[0], 0) == r->id;
	return OK;
}

static enum err
update_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct rule old, r;
	bool first;

	TRY(load(cx, w->kind, w->id, &old));
	TRY(may_write(cx, &old));
	r = old;
	take(&r, w->has, w->in);
	TRY(may_write(cx, &r));
	TRY(check(cx, &r, (w->has & (RULE_CONDITIONS | RULE_ACTIONS | RULE_EXTRA)) != 0));
	r.updated_at = cx->now;
	TRY(store_exec(cx, &update_rule, ARGS(INT(cx->account), INT(r.id), INT(r.active), ID(r.category_id), INT(r.whom),
	    ID(r.user_id), INT(r.updated_at), SEALED(r.key, HIDE(pack_rule(cx, &r)))), NULL));
	if (w->has & RULE_POSITION)
		TRY(place_rule(cx, r.kind, r.id, w->in->position, &r.position));
	if (w->has & (RULE_CONDITIONS | RULE_ACTIONS))
		TRY(store_exec(cx, &drop_fired, ARGS(INT(cx->account), INT(r.id)), NULL));
	TRY(keep_revision(cx, &r));
	if (r.kind == RULE_SCHEDULE) {
		TRY(is_first(cx, &old, &first));
		TRY(schedule_changed(cx, &old, &r, first));
	}
	TRY(trail_rule(cx, DID_UPDATE, &old, &r));
	book_changed(cx);
	w->out = r;
	return OK;
}

enum err
rule_update(struct ctx *cx, enum rule_kind kind, int64_t id, unsigned has, const struct rule *in, struct rule *out)
{
	struct writing w = { .kind = kind, .id = id, .has = has, .in = in };

	TRY(store_write(cx, update_tx, &w));
	*out = w.out;
	return OK;
}

enum err
rule_may_write(struct ctx *cx, enum rule_kind kind, int64_t id)
{
	struct rule r;

	TRY(rule_get(cx, kind, id, &r));
	return may_write(cx, &r);
}

static enum err
delete_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct rule r;
	bool first;

	TRY(load(cx, w->kind, w->id, &r));
	TRY(may_write(cx, &r));
	if (r.kind == RULE_SCHEDULE) {
		TRY(is_first(cx, &r, &first));
		TRY(schedule_changed(cx, &r, NULL, first));
	}
	TRY(store_exec(cx, &delete_rule, ARGS(INT(cx->account), INT(r.id)), NULL));
	TRY(store_exec(cx, &drop_fired, ARGS(INT(cx->account), INT(r.id)), NULL));
	TRY(store_exec(cx, &drop_revisions, ARGS(INT(cx->account), INT(r.id)), NULL));
	TRY(rule_uses_forget(cx, r.id));
	if (w->kind == RULE_SKILL)
		TRY(skill_value_gone(cx, &r));
	if (w->kind == RULE_MACRO)
		TRY(macro_files_forget(cx, r.id));
	TRY(trail_rule(cx, DID_DELETE, &r, NULL));
	TRY(store_key_destroy(cx, r.key));
	book_changed(cx);
	return OK;
}

enum err
rule_delete(struct ctx *cx, enum rule_kind kind, int64_t id)
{
	struct writing w = { .kind = kind, .id = id };

	TRY(store_write(cx, delete_tx, &w));
	return cx->tx != NULL ? OK : store_erase(cx);
}

struct order { enum rule_kind kind; const int64_t *id; int n; };

static enum err
reorder_tx(struct ctx *cx, void *arg)
{
	struct order *o = arg;
	struct rows rs;
	int64_t *order;
	int n = 0;

	TRY(gate_may(cx, MAY_MANAGE_RULES, NULL));
	TRY(store_all(cx, &places, ARGS(INT(cx->account), INT(o->kind)), &rs));
	order = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < o->n; i++) {
		bool known = false;
		for (int k = 0; k < rs.count; k++)
			known = known || row_int(&rs.row[k], 0) == o->id[i];
		for (int k = 0; k < n; k++)
			known = known && order[k] != o->id[i];
		if (!known) {
			bad(cx, "ids", "InvalidValue", "Ids: names a rule that is not known, or one twice");
			return bad_check(cx);
		}
		order[n++] = o->id[i];
	}
	for (int k = 0; k < rs.count; k++) {      /* those not named keep their order behind */
		bool have = false;
		for (int i = 0; i < o->n; i++)
			have = have || o->id[i] == row_int(&rs.row[k], 0);
		if (!have)
			order[n++] = row_int(&rs.row[k], 0);
	}
	for (int i = 0; i < n; i++)
		TRY(store_exec(cx, &set_place, ARGS(INT(cx->account), INT(order[i]), INT(i + 1)), NULL));
	book_changed(cx);
	return trail_append(cx, &(struct event){ .action = actions[o->kind][DID_REORDER], .object = objects[o->kind],
	    .id = n ? order[0] : 0 });
}

enum err
rule_reorder(struct ctx *cx, enum rule_kind kind, const int64_t *ids, int n)
{
	return store_write(cx, reorder_tx, &(struct order){ kind, ids, n });
}

/* ---- categories and revisions of triggers ------------------------------------------------------------------------------- */

enum err
category_list(struct ctx *cx, struct rule_category **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_RULES, NULL));
	TRY(store_all(cx, &all_categories, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct rule_category, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*out)[i] = (struct rule_category){ .id = row_int(&rs.row[i], 0), .name = row_str(&rs.row[i], 1),
		    .position = row_int(&rs.row[i], 2), .created_at = row_int(&rs.row[i], 3), .updated_at = row_int(&rs.row[i], 4),
		    .active = (int)row_int(&rs.row[i], 5), .inactive = (int)row_int(&rs.row[i], 6) };
	*count = rs.count;
	return OK;
}

enum err
category_get(struct ctx *cx, int64_t id, struct rule_category *out)
{
	struct rule_category *list;
	int n;

	TRY(category_list(cx, &list, &n));
	for (int i = 0; i < n; i++)
		if (list[i].id == id) {
			*out = list[i];
			return OK;
		}
	return fail(cx, E_ABSENT, NULL, "no such category");
}

struct category_put { int64_t id, position; str name; };

static enum err
category_tx(struct ctx *cx, void *arg)
{
	struct category_put *w = arg;
	struct rule_category old = { 0 };
	struct trail_field f;
	struct rule_category *list;
	bool made = w->id == 0;
	int n;

	TRY(gate_may(cx, MAY_MANAGE_RULES, NULL));
	if (!made)
		TRY(category_get(cx, w->id, &old));
	if (made && str_trim(w->name).n == 0)
		bad(cx, "name", "BlankValue", "Name: cannot be blank");
	if (w->name.n > 255 || !utf8_valid(w->name))
		bad(cx, "name", "InvalidValue", "Name: is too long, or not UTF-8");
	TRY(category_list(cx, &list, &n));
	for (int i = 0; i < n; i++)
		if (w->name.n && list[i].id != w->id && str_eq(list[i].name, w->name))
			bad(cx, "name", "DuplicateValue", "Name: has already been taken");
	TRY(bad_check(cx));
	if (made) {
		TRY(store_next_id(cx, "rule_category", &w->id));
		TRY(store_exec(cx, &insert_category, ARGS(INT(cx->account), INT(w->id), TEXT(w->name),
		    INT(w->position > 0 ? w->position : n + 1), INT(cx->now)), NULL));
	} else
		TRY(store_exec(cx, &update_category, ARGS(INT(cx->account), INT(w->id), TEXT(w->name.n ? w->name : old.name),
		    INT(w->position > 0 ? w->position : old.position), INT(cx->now)), NULL));
	f = (struct trail_field){ .name = "name", .before = HIDE(old.name), .after = HIDE(w->name.n ? w->name : old.name),
	    .has_before = !made, .has_after = true };
	return trail_append(cx, &(struct event){ .action = made ? "trigger_category.create" : "trigger_category.update",
	    .object = "trigger_category", .id = w->id, .field = &f, .count = 1 });
}

enum err
category_put(struct ctx *cx, int64_t id, str name, int64_t position, struct rule_category *out)
{
	struct category_put w = { id, position, str_trim(name) };

	TRY(store_write(cx, category_tx, &w));
	return category_get(cx, w.id, out);
}

static enum err
category_delete_tx(struct ctx *cx, void *arg)
{
	struct rule_category c;

	TRY(gate_may(cx, MAY_MANAGE_RULES, NULL));
	TRY(category_get(cx, *(int64_t *)arg, &c));
	if (c.active + c.inactive > 0) {
		bad(cx, "base", "InvalidValue", "The category has triggers; move or delete them first");
		return bad_check(cx);
	}
	TRY(store_exec(cx, &delete_category, ARGS(INT(cx->account), INT(c.id)), NULL));
	return trail_append(cx, &(struct event){ .action = "trigger_category.delete", .object = "trigger_category", .id = c.id });
}

enum err
category_delete(struct ctx *cx, int64_t id)
{
	return store_write(cx, category_delete_tx, &id);
}

enum err
revision_list(struct ctx *cx, int64_t trigger_id, struct rule_revision **out, int *count)
{
	struct rule r;
	struct rows rs;

	TRY(rule_get(cx, RULE_TRIGGER, trigger_id, &r));
	TRY(store_all(cx, &list_revisions, ARGS(INT(cx->account), INT(trigger_id)), &rs));
	*out = NEW(cx->arena, struct rule_revision, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		struct rule was = { 0 };
		unpack_rule(cx, row_sensitive(&rs.row[i], 4).hidden, &was);
		(*out)[i] = (struct rule_revision){ .id = row_int(&rs.row[i], 0), .author_id = row_int(&rs.row[i], 1),
		    .active = row_int(&rs.row[i], 2) != 0, .created_at = row_int(&rs.row[i], 3), .title = was.title,
		    .description = was.description, .conditions = was.conditions, .actions = was.actions };
	}
	*count = rs.count;
	return OK;
}

/* ---- what a new account begins with ---------------------------------------------------------------------------------------- */

#define UNSOLVED "{\"field\":\"status\",\"operator\":\"less_than\",\"value\":\"solved\"}"
#define BY(what, order) "{\"columns\":[\"status\",\"subject\",\"requester\",\"created\",\"updated\",\"group\",\"assignee\"]," \
	"\"group_by\":null,\"group_order\":\"desc\",\"sort_by\":\"" what "\",\"sort_order\":\"" order "\"}"
#define ALL(x) "{\"all\":[" x "],\"any\":[]}"
#define IS(f, v) "{\"field\":\"" f "\",\"operator\":\"is\",\"value\":\"" v "\"}"
#define OP(f, o, v) "{\"field\":\"" f "\",\"operator\":\"" o "\",\"value\":\"" v "\"}"
#define MAIL(to, subject, text) "[{\"field\":\"notification_user\",\"value\":[\"" to "\",\"" subject "\",\"" text "\"]}]"
#define MAIL_GROUP(to, subject, text) "[{\"field\":\"notification_group\",\"value\":[\"" to "\",\"" subject "\",\"" text "\"]}]"

/* Texts carry the ticket's number and a link, nothing that anybody wrote. The
 * first three are off: notify.c tells of comments until an administrator
 * turns the setting "builtin_notifications" off and them on. */
static const struct seed { enum rule_kind kind; bool active; const char *title, *conditions, *actions, *extra; } seeds[] = {
	{ RULE_VIEW, true, "Your unsolved tickets", ALL(UNSOLVED "," IS("assignee_id", "current_user")), NULL, BY("updated", "desc") },
	{ RULE_VIEW, true, "Unassigned tickets", ALL(UNSOLVED "," IS("assignee_id", "")), NULL, BY("created", "desc") },
	{ RULE_VIEW, true, "All unsolved tickets", ALL(UNSOLVED), NULL, BY("updated", "desc") },
	{ RULE_VIEW, true, "Recently updated tickets", ALL(UNSOLVED "," OP("updated_at", "less_than", "24")), NULL, BY("updated", "desc") },
	{ RULE_VIEW, true, "New tickets in your groups", ALL(IS("status", "new") "," IS("group_id", "current_groups")), NULL, BY("created", "asc") },
	{ RULE_VIEW, true, "Pending tickets", ALL(IS("status", "pending")), NULL, BY("updated", "desc") },
	{ RULE_VIEW, true, "Recently solved tickets", ALL(IS("status", "solved")), NULL, BY("updated", "desc") },
	{ RULE_VIEW, true, "Unsolved tickets in your groups", ALL(UNSOLVED "," IS("group_id", "current_groups")), NULL, BY("updated", "desc") },
	{ RULE_TRIGGER, false, "Notify requester of received request", ALL(IS("update_type", "Create") "," OP("status", "is_not", "solved") "," IS("ticket_is_public", "public")),
	    MAIL("requester_id", "[Request received] #{{ticket.id}}", "Your request ({{ticket.id}}) has been received and is being reviewed by our staff. To read it or add to it, sign in: {{ticket.link}}"), NULL },
	{ RULE_TRIGGER, false, "Notify requester and CCs of comment update", ALL(IS("update_type", "Change") "," IS("comment_is_public", "true") "," OP("role", "is_not", "end_user")),
	    MAIL("requester_and_ccs", "Your request #{{ticket.id}} was updated", "There is an answer to your request ({{ticket.id}}). To read it, sign in: {{ticket.link}}"), NULL },
	{ RULE_TRIGGER, false, "Notify assignee of comment update", ALL(OP("comment_is_public", "is", "not_relevant") "," IS("update_type", "Change") "," OP("assignee_id", "is_not", "current_user") "," OP("assignee_id", "is_not", "requester_id") "," OP("assignee_id", "not_changed", "") "," OP("status", "not_value_previous", "solved")),
	    MAIL("assignee_id", "Ticket #{{ticket.id}} was updated", "A ticket ({{ticket.id}}) that is assigned to you was updated: {{ticket.link}}"), NULL },
	{ RULE_TRIGGER, true, "Notify assignee of assignment", ALL(OP("assignee_id", "changed", "") "," OP("assignee_id", "is_not", "current_user") "," OP("assignee_id", "present", "")),
	    MAIL("assignee_id", "Ticket #{{ticket.id}} was assigned to you", "Ticket {{ticket.id}} was assigned to you: {{ticket.link}}"), NULL },
	{ RULE_TRIGGER, true, "Notify assignee of reopened ticket", ALL(OP("assignee_id", "is_not", "current_user") "," OP("status", "value_previous", "solved") "," OP("status", "is_not", "closed")),
	    MAIL("assignee_id", "Ticket #{{ticket.id}} was reopened", "Ticket {{ticket.id}} was reopened: {{ticket.link}}"), NULL },
	{ RULE_TRIGGER, true, "Notify group of assignment", ALL(OP("group_id", "changed", "") "," OP("group_id", "present", "") "," IS("assignee_id", "")),
	    MAIL_GROUP("group_id", "Ticket #{{ticket.id}} was assigned to your group", "Ticket {{ticket.id}} was assigned to your group: {{ticket.link}}"), NULL },
	{ RULE_TRIGGER, false, "Notify all agents of received request", ALL(IS("update_type", "Create")),
	    MAIL("all_agents", "Ticket #{{ticket.id}} was received", "A ticket ({{ticket.id}}) was received: {{ticket.link}}"), NULL },
	{ RULE_AUTOMATION, true, "Close ticket 4 days after status is set to solved", ALL(IS("status", "solved") "," OP("SOLVED", "greater_than", "96")),
	    "[{\"field\":\"status\",\"value\":\"closed\"}]", NULL },
	{ RULE_AUTOMATION, false, "Remind requester of a pending ticket after 5 days", ALL(IS("status", "pending") "," OP("PENDING", "is", "120")),
	    MAIL("requester_id", "Your request #{{ticket.id}} waits for you", "Your request ({{ticket.id}}) waits for your answer. To read it, sign in: {{ticket.link}}"), NULL },
	{ RULE_MACRO, true, "Close and redirect to topics", NULL, "[{\"field\":\"status\",\"value\":\"solved\"},{\"field\":\"comment_value\",\"value\":\"Thank you for your request. It is answered in our help pages.\"},{\"field\":\"comment_mode_is_public\",\"value\":\"true\"}]", NULL },
	{ RULE_MACRO, true, "Downgrade and inform", NULL, "[{\"field\":\"priority\",\"value\":\"low\"},{\"field\":\"comment_value\",\"value\":\"We have much to do just now. Your request is in our list and will be answered.\"},{\"field\":\"comment_mode_is_public\",\"value\":\"true\"}]", NULL },
	{ RULE_MACRO, true, "Take it!", NULL, "[{\"field\":\"status\",\"value\":\"open\"},{\"field\":\"assignee_id\",\"value\":\"current_user\"}]", NULL },
	{ RULE_MACRO, true, "Ask for more information", NULL, "[{\"field\":\"status\",\"value\":\"pending\"},{\"field\":\"comment_value\",\"value\":\"Hello {{ticket.requester.first_name}}, please tell us more, so that we can help.\"},{\"field\":\"comment_mode_is_public\",\"value\":\"true\"}]", NULL },
};

enum err
rules_seed(struct ctx *cx)
{
	struct category_put cat = { 0, 1, S("Notifications") };

	TRY(category_tx(cx, &cat));
	for (size_t i = 0; i < COUNT(seeds); i++) {
		const struct seed *s = &seeds[i];
		struct rule in = { .title = str_of(s->title), .active = s->active, .conditions = str_of(s->conditions),
		    .actions = str_of(s->actions), .extra = str_of(s->extra), .category_id = s->kind == RULE_TRIGGER ? cat.id : 0 };
		struct writing w = { .kind = s->kind, .in = &in, .seed = true, .has = RULE_TITLE | RULE_ACTIVE | RULE_CATEGORY
		    | (s->conditions ? RULE_CONDITIONS : 0u) | (s->actions ? RULE_ACTIONS : 0u) | (s->extra ? RULE_EXTRA : 0u) };
		TRY(create_tx(cx, &w));
	}
	return OK;
}
