/* aside.c - saved searches, pinned content, task lists; activities; the tickets that an agent opened last. */
#include <stdlib.h>

#include "desk/aside.h"
#include "desk/in.h"

static const struct {
	const char *object;          /* in the trail */
	const char *same[2];         /* no two may have these alike */
	bool        of_ticket;
	int         most;
} kinds[ASIDE_LAST] = {
	[ASIDE_SEARCH] = { "saved_search", { "name", NULL }, false, 20 },
	[ASIDE_PIN]    = { "ticket_content_pin", { "content_id", "content_type" }, true, 50 },
	[ASIDE_TASKS]  = { "task_list", { "task_list_template_id", NULL }, true, 20 },
};

#define TASKS_MAX 100                /* in a template */

#define COLS "id, data_key, user_id, ticket_id, created_at, updated_at, doc"
#define OUT "iiii?iiS"
#define SEAL { { "aside", "doc", 0 } }
static const struct stmt aside_insert = {
	.name = "aside.insert",
	.sql  = "INSERT INTO aside (account_id, id, kind, data_key, user_id, ticket_id, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
	.in   = "iiiiii?iS", .seal_in = { { "aside", "doc", 1 } },
};
static const struct stmt aside_write = {
	.name = "aside.update",
	.sql  = "UPDATE aside SET data_key = $3, updated_at = $4, doc = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iiiiS", .seal_in = { { "aside", "doc", 1 } },
};
static const struct stmt aside_one = {
	.name = "aside.get",
	.sql  = "SELECT " COLS " FROM aside WHERE account_id = $1 AND id = $2 AND kind = $3",
	.in   = "iii", .out = OUT, .seal_out = SEAL,
};
static const struct stmt aside_of_user = {
	.name = "aside.of_user",
	.sql  = "SELECT " COLS " FROM aside WHERE account_id = $1 AND user_id = $2 AND kind = $3 ORDER BY id LIMIT 100",
	.in   = "iii", .out = OUT, .seal_out = SEAL,
};
static const struct stmt aside_of_ticket = {
	.name = "aside.of_ticket",
	.sql  = "SELECT " COLS " FROM aside WHERE account_id = $1 AND ticket_id = $2 AND kind = $3 ORDER BY id LIMIT 100",
	.in   = "iii", .out = OUT, .seal_out = SEAL,
};
static const struct stmt aside_drop = {
	.name = "aside.delete",
	.sql  = "DELETE FROM aside WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};
static const struct stmt aside_keys_ticket = {
	.name = "aside.keys_of_ticket",
	.sql  = "SELECT id, data_key FROM aside WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii", .out = "ii",
};
static const struct stmt aside_keys_user = {
	.name = "aside.keys_of_user",
	.sql  = "SELECT id, data_key FROM aside WHERE account_id = $1 AND user_id = $2 AND kind = $3",
	.in   = "iii", .out = "ii",
};

static const struct stmt act_insert = {
	.name = "activity.insert",
	.sql  = "INSERT INTO activity (account_id, id, user_id, actor_id, ticket_id, comment_id, verb, was, is_now, created_at)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	.in   = "iiiiii?iiii",
};
static const struct stmt act_age = {
	.name = "activity.age",
	.sql  = "DELETE FROM activity WHERE account_id = $1 AND created_at < $2",
	.in   = "ii",
};
/* An activity has the time of the audit that it came with (imports have none), and is found by it: an index by ticket
 * would cost each a page more. */
static const struct stmt act_forget = {
	.name = "activity.forget",
	.sql  = "DELETE FROM activity WHERE account_id = $1 AND ticket_id = $2 AND created_at IN"
	        " (SELECT a.created_at FROM ticket_audit a WHERE a.account_id = $1 AND a.ticket_id = $2)",
	.in   = "ii",
};
#define ACT "id, user_id, actor_id, ticket_id, comment_id, verb, was, is_now, created_at"
#define ACT_PAGE(cmp, order) \
	"SELECT " ACT " FROM activity WHERE account_id = $1 AND user_id = $2 AND created_at >= $3 AND id " cmp " $4" \
	" ORDER BY id " order " LIMIT $5 OFFSET $6"
static const struct stmt act_down = { .name = "activity.down", .sql = ACT_PAGE("<", "DESC"), .in = "iiiiii", .out = "iiiii?iiii" };
static const struct stmt act_up = { .name = "activity.up", .sql = ACT_PAGE(">", "ASC"), .in = "iiiiii", .out = "iiiii?iiii" };
static const struct stmt act_one = {
	.name = "activity.get",
	.sql  = "SELECT " ACT " FROM activity WHERE account_id = $1 AND user_id = $2 AND id = $3 AND created_at >= $4",
	.in   = "iiii", .out = "iiiii?iiii",
};
static const struct stmt act_count = {
	.name = "activity.count",
	.sql  = "SELECT count(*) FROM (SELECT 1 AS one FROM activity WHERE account_id = $1 AND user_id = $2 AND created_at >= $3"
	        " LIMIT 100000) AS capped",
	.in   = "iii", .out = "i",
};

const struct stmt *const aside_stmts[] = {
	&aside_insert, &aside_write, &aside_one, &aside_of_user, &aside_of_ticket, &aside_drop, &aside_keys_ticket, &aside_keys_user,
	&act_insert, &act_age, &act_forget, &act_down, &act_up, &act_one, &act_count, NULL
};

static enum err
from_row(struct ctx *cx, const struct row *r, struct aside *a)
{
	str text = row_sensitive(r, 6).hidden;
	json_t *doc = NULL;

	if (!row_erased(r, 6))
		TRY(json_parse(cx, text, &doc));
	*a = (struct aside){ .id = row_int(r, 0), .key = row_int(r, 1), .user_id = row_int(r, 2), .ticket_id = row_int(r, 3),
	    .created_at = row_int(r, 4), .updated_at = row_int(r, 5), .doc = doc };
	return OK;
}

static str
text_of(struct ctx *cx, const json_t *doc)
{
	char *z = json_dumps(doc, JSON_COMPACT);
	str s = z ? str_dup(cx->arena, str_of(z)) : S("{}");

	if (z != NULL)
		wipe(z, s.n);
	free(z);
	return s;
}

/* Whose it is, or whose ticket it hangs on. */
static enum err
may_have(struct ctx *cx, enum aside_kind kind, const struct aside *a)
{
	if (kinds[kind].of_ticket)
		return ticket_visible(cx, a->ticket_id);
	return a->user_id == cx->actor->user_id ? OK : fail(cx, E_ABSENT, NULL, "no such thing");
}

enum err
aside_get(struct ctx *cx, enum aside_kind kind, int64_t id, struct aside *out)
{
	struct aside a;
	struct row r;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(store_one(cx, &aside_one, ARGS(INT(cx->account), INT(id), INT(kind)), &r));
	TRY(from_row(cx, &r, &a));
	TRY(may_have(cx, kind, &a));
	*out = a;
	return OK;
}

enum err
aside_list(struct ctx *cx, enum aside_kind kind, int64_t ticket_id, struct aside **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(may_have(cx, kind, &(struct aside){ .ticket_id = ticket_id, .user_id = cx->actor->user_id }));
	TRY(store_all(cx, ticket_id ? &aside_of_ticket : &aside_of_user, ARGS(INT(cx->account), INT(ticket_id ? ticket_id
	    : cx->actor->user_id), INT(kind)), &rs));
	*out = NEW(cx->arena, struct aside, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		TRY(from_row(cx, &rs.row[i], &(*out)[i]));
	*count = rs.count;
	return OK;
}

struct writing { enum aside_kind kind; struct aside a; const json_t *doc; };

static enum err
alone(struct ctx *cx, const struct writing *w)
{
	const char *const *same = kinds[w->kind].same;
	struct aside *others;
	int n;

	TRY(aside_list(cx, w->kind, kinds[w->kind].of_ticket ? w->a.ticket_id : 0, &others, &n));
	for (int i = 0; i < n; i++)
		if (others[i].id != w->a.id && json_equal(json_object_get(others[i].doc, same[0]), json_object_get(w->doc, same[0]))
		    && (same[1] == NULL || json_equal(json_object_get(others[i].doc, same[1]), json_object_get(w->doc, same[1]))))
			return fail(cx, E_CONFLICT, same[0], "is already being used");
	if (w->a.id == 0 && n >= kinds[w->kind].most)
		return fail(cx, E_LIMIT, "base", "there are as many as there may be already");
	return OK;
}

static enum err
note(struct ctx *cx, enum aside_kind kind, const struct aside *a, const char *verb, str before, str after)
{
	const char *object = kinds[kind].object;

	return trail_append(cx, &(struct event){ .action = str_z(cx->arena, str_printf(cx->arena, "%s.%s", object, verb)),
	    .object = object, .id = a->id, .parent = a->ticket_id, .key = a->key,
	    .field = &(struct trail_field){ .name = "doc", .before = HIDE(before), .after = HIDE(after), .has_before = before.n != 0,
	    .has_after = after.n != 0 }, .count = before.n + after.n ? 1 : 0 });
}

static enum err
write_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct aside a = w->a, was;
	str text = text_of(cx, w->doc), before = S("");

	if (a.id != 0) {
		TRY(aside_get(cx, w->kind, a.id, &was));
		a = was;
		before = text_of(cx, was.doc);
	} else
		TRY(may_have(cx, w->kind, &a));
	TRY(alone(cx, &(struct writing){ w->kind, a, w->doc }));
	if (a.id == 0) {
		TRY(store_next_id(cx, "aside", &a.id));
		TRY(store_key_new(cx, &a.key));
		a.created_at = a.updated_at = cx->now;
		TRY(store_exec(cx, &aside_insert, ARGS(INT(cx->account), INT(a.id), INT(w->kind), INT(a.key), INT(a.user_id),
		    ID(a.ticket_id), INT(cx->now), SEALED(a.key, HIDE(text))), NULL));
	} else {
		a.updated_at = cx->now;
		TRY(store_exec(cx, &aside_write, ARGS(INT(cx->account), INT(a.id), INT(a.key), INT(cx->now), SEALED(a.key, HIDE(text))), NULL));
	}
	TRY(note(cx, w->kind, &a, before.n ? "update" : "create", before, text));
	a.doc = w->doc;
	w->a = a;
	return OK;
}

static enum err
write_aside(struct ctx *cx, struct writing *w, struct aside *out)
{
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	TRY(store_write(cx, write_tx, w));
	*out = w->a;
	return OK;
}

enum err
aside_create(struct ctx *cx, enum aside_kind kind, int64_t ticket_id, const json_t *doc, struct aside *out)
{
	return write_aside(cx, &(struct writing){ kind, { .ticket_id = ticket_id, .user_id = cx->actor->user_id }, doc }, out);
}

enum err
aside_update(struct ctx *cx, enum aside_kind kind, int64_t id, const json_t *doc, struct aside *out)
{
	return write_aside(cx, &(struct writing){ kind, { .id = id }, doc }, out);
}

static enum err
gone(struct ctx *cx, int64_t id, int64_t key)
{
	TRY(store_exec(cx, &aside_drop, ARGS(INT(cx->account), INT(id)), NULL));
	TRY(trail_reseal(cx, key, 0, NULL, NULL));
	return store_key_destroy(cx, key);
}

static enum err
delete_tx(struct ctx *cx, void *arg)
{
	struct writing *w = arg;
	struct aside a;

	TRY(aside_get(cx, w->kind, w->a.id, &a));
	TRY(gone(cx, a.id, a.key));
	w->a = a;
	a.key = 0;
	return note(cx, w->kind, &a, "delete", S(""), S(""));
}

enum err
aside_delete(struct ctx *cx, enum aside_kind kind, int64_t id, struct aside *out)
{
	struct writing w = { kind, { .id = id }, NULL };

	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	TRY(store_write(cx, delete_tx, &w));
	*out = w.a;
	return store_erase(cx);
}

enum err
asides_forget(struct ctx *cx, int64_t ticket_id)
{
	struct rows rs;

	TRY(store_all(cx, &aside_keys_ticket, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(gone(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
	return store_exec(cx, &act_forget, ARGS(INT(cx->account), INT(ticket_id)), NULL);
}

enum err
asides_forget_user(struct ctx *cx, int64_t user_id)
{
	struct rows rs;

	TRY(store_all(cx, &aside_keys_user, ARGS(INT(cx->account), INT(user_id), INT(ASIDE_SEARCH)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(gone(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
	return OK;
}

/* ---- tasks ------------------------------------------------------------------------------------------------ */

enum err
tasks_add(struct ctx *cx, int64_t ticket_id, int64_t template_id, struct aside *out)
{
	struct def d;
	json_t *doc, *tasks = json_array(), *one;
	enum err e;
	size_t i;

	if ((e = def_get(cx, DEF_TASKS, template_id, &d)) == E_ABSENT || (e == OK && !def_bool(&d, "is_active"))) {
		json_decref(tasks);
		fail_forget(cx);
		bad(cx, "task_list_template_id", "InvalidValue", "Task list template: is not an active template");
		return bad_check(cx);
	}
	doc = json_object();
	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	json_object_set_new(doc, "tasks", tasks);
	TRY(e);
	json_object_set_new(doc, "task_list_template_id", json_integer(template_id));
	json_object_set(doc, "name", json_object_get(d.doc, "name"));
	json_object_set(doc, "description", json_object_get(d.doc, "description"));
	json_object_set(doc, "is_required", json_object_get(d.doc, "is_required"));
	json_array_foreach(json_object_get(d.doc, "tasks"), i, one) {
		json_t *t = json_deep_copy(one);
		json_object_set_new(t, "completed", json_false());
		json_array_append_new(tasks, t);
	}
	return aside_create(cx, ASIDE_TASKS, ticket_id, doc, out);
}

enum err
tasks_tick(struct ctx *cx, int64_t ticket_id, int64_t list_id, int64_t task_id, bool done, struct aside *out)
{
	json_t *doc, *one, *hit = NULL;
	struct aside a;
	size_t i;

	TRY(aside_get(cx, ASIDE_TASKS, list_id, &a));
	if (a.ticket_id != ticket_id)
		return fail(cx, E_ABSENT, NULL, "no such task list");
	doc = json_deep_copy(a.doc);
	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	json_array_foreach(json_object_get(doc, "tasks"), i, one)
		if (json_integer_value(json_object_get(one, "id")) == task_id)
			hit = one;
	if (hit == NULL)
		return fail(cx, E_ABSENT, NULL, "no such task");
	json_object_set_new(hit, "completed", json_boolean(done));
	return aside_update(cx, ASIDE_TASKS, list_id, doc, out);
}

static bool
text_ok(struct ctx *cx, const json_t *v, const char *name, size_t most, bool must)
{
	str s = json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");

	if ((v == NULL || json_is_null(v)) && !must)
		return true;
	if (json_is_string(v) && (!must || str_trim(s).n) && utf8_count(s) <= most && memchr(s.p, 0, s.n) == NULL)
		return true;
	bad(cx, "tasks", must && str_trim(s).n == 0 ? "BlankValue" : "InvalidValue", str_z(cx->arena, str_printf(cx->arena,
	    "Tasks: the %s of a task must be a string of at most %zu characters%s", name, most, must ? ", not blank" : "")));
	return false;
}

static size_t
task_at(const json_t *list, const json_t *id)
{
	json_t *one;
	int64_t n = json_integer_value(id);
	size_t i;

	if (json_is_string(id) && !str_int((str){ json_string_value(id), json_string_length(id) }, &n))
		n = 0;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
		if (n != 0 && json_integer_value(json_object_get(one, "id")) == n)
			return i;
	return SIZE_MAX;
}

/* One task that came: removes, changes or makes one in the list. */
static enum err
task_in(struct ctx *cx, json_t *list, const json_t *in)
{
	static const struct { const char *name; size_t most; } texts[] = { { "name", 255 }, { "description", 10000 } };
	const json_t *id = json_object_get(in, "id"), *v;
	size_t at = task_at(list, id), to = json_array_size(list);
	json_t *one;
	int64_t fresh;

	if (!json_is_object(in) || (id != NULL && !json_is_null(id) && at == SIZE_MAX)) {
		bad(cx, "tasks", "InvalidValue", json_is_object(in) ? "Tasks: names a task that is not in this template"
		    : "Tasks: must be an array of objects");
		return OK;
	}
	if (json_is_true(json_object_get(in, "_destroy"))) {
		if (at != SIZE_MAX)
			json_array_remove(list, at);
		return OK;
	}
	one = at == SIZE_MAX ? json_object() : json_deep_copy(json_array_get(list, at));
	arena_defer(cx->arena, (void (*)(void *))json_decref, one);
	for (size_t i = 0; i < COUNT(texts); i++) {
		v = json_object_get(in, texts[i].name);
		if ((v != NULL || at == SIZE_MAX) && text_ok(cx, v, texts[i].name, texts[i].most, i == 0))
			json_object_set_new(one, texts[i].name, json_is_string(v) ? json_incref((json_t *)(uintptr_t)v) : json_string(""));
	}
	v = json_object_get(in, "required");
	if (v != NULL && !json_is_boolean(v))
		bad(cx, "tasks", "InvalidValue", "Tasks: required must be true or false");
	else if (v != NULL || at == SIZE_MAX)
		json_object_set_new(one, "required", json_boolean(json_is_true(v)));
	v = json_object_get(in, "position");
	if (v != NULL && (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 1000000))
		bad(cx, "tasks", "InvalidValue", "Tasks: position must be a whole number from 1 on");
	else if (v != NULL && (size_t)json_integer_value(v) - 1 < to)
		to = (size_t)json_integer_value(v) - 1;
	else if (v == NULL && at != SIZE_MAX)
		to = at;
	if (at == SIZE_MAX) {
		TRY(store_next_id(cx, "definition", &fresh));
		json_object_set_new(one, "id", json_integer(fresh));
		json_object_set_new(one, "created_at", json_string(str_z(cx->arena, time_iso(cx->arena, cx->now))));
	} else
		json_array_remove(list, at);
	json_object_set_new(one, "updated_at", json_string(str_z(cx->arena, time_iso(cx->arena, cx->now))));
	json_array_insert(list, to < json_array_size(list) ? to : json_array_size(list), one);
	return OK;
}

enum err
tasks_check(struct ctx *cx, const struct defs *d UNUSED, const struct def *was, struct def *is UNUSED, json_t *doc)
{
	json_t *came = json_object_get(doc, "tasks"), *list, *one;
	const json_t *old = was ? json_object_get(was->doc, "tasks") : NULL;
	size_t i;

	if (came == old || came == NULL)
		return OK;
	list = old ? json_deep_copy(old) : json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, json_incref(came));
	json_object_set_new(doc, "tasks", list);
	json_array_foreach(came, i, one)
		TRY(task_in(cx, list, one));
	if (json_array_size(list) > TASKS_MAX)
		bad(cx, "tasks", "TooManyValues", "Tasks: a template has at most 100");
	json_array_foreach(list, i, one)
		json_object_set_new(one, "position", json_integer((json_int_t)i + 1));
	return OK;
}

enum err
tasks_done(struct ctx *cx, int64_t ticket_id)
{
	struct rows rs;

	TRY(store_all(cx, &aside_of_ticket, ARGS(INT(cx->account), INT(ticket_id), INT(ASIDE_TASKS)), &rs));
	for (int i = 0; i < rs.count; i++) {
		struct aside a;
		json_t *one;
		size_t k;
		TRY(from_row(cx, &rs.row[i], &a));
		if (!json_is_true(json_object_get(a.doc, "is_required")))
			continue;
		json_array_foreach(json_object_get(a.doc, "tasks"), k, one)
			if (!json_is_true(json_object_get(one, "completed"))) {
				bad(cx, "status", "InvalidValue", "Status: a required task list of this ticket has tasks that are not completed");
				return OK;
			}
	}
	return OK;
}

/* ---- activities ------------------------------------------------------------------------------------------- */

struct act { const struct ticket *t; int64_t actor, comment; };

static enum err
act_for(struct ctx *cx, const struct act *w, int64_t user_id, enum activity_verb verb, int was, int is)
{
	int64_t id;

	if (user_id == 0 || user_id == w->actor)
		return OK;
	TRY(store_next_id(cx, "activity", &id));
	return store_exec(cx, &act_insert, ARGS(INT(cx->account), INT(id), INT(user_id), INT(w->actor), INT(w->t->id), ID(w->comment),
	    INT(verb), INT(was), INT(is), INT(cx->now)), NULL);
}

enum err
activity_note(struct ctx *cx, const struct ticket *old, const struct ticket *t, const struct comment *c, int64_t actor)
{
	struct act w = { t, actor, c ? c->id : 0 };
	bool urgent = t->priority > (old ? old->priority : PRIORITY_NONE) && old != NULL,
	    assigned = t->assignee_id != 0 && (old == NULL || t->assignee_id != old->assignee_id);

	if (!assigned && !urgent && (c == NULL || old == NULL))
		return OK;
	TRY(store_exec(cx, &act_age, ARGS(INT(cx->account), INT(cx->now - ACTIVITY_KEPT_FOR)), NULL));
	if (assigned)
		TRY(act_for(cx, &w, t->assignee_id, ACT_ASSIGNMENT, 0, 0));
	for (int i = -1; i < t->follower_count && old != NULL; i++) {
		int64_t who = i < 0 ? t->assignee_id : t->follower[i];
		if (i >= 0 && who == t->assignee_id)
			continue;
		if (urgent)
			TRY(act_for(cx, &w, who, ACT_PRIORITY, (int)old->priority, (int)t->priority));
		if (c != NULL)
			TRY(act_for(cx, &w, who, ACT_COMMENT, 0, 0));
	}
	return OK;
}

static struct activity
act_row(const struct row *r)
{
	return (struct activity){ .id = row_int(r, 0), .user_id = row_int(r, 1), .actor_id = row_int(r, 2), .ticket_id = row_int(r, 3),
	    .comment_id = row_int(r, 4), .verb = (enum activity_verb)row_int(r, 5), .was = (enum ticket_priority)row_int(r, 6),
	    .is = (enum ticket_priority)row_int(r, 7), .created_at = row_int(r, 8) };
}

enum err
activity_list(struct ctx *cx, const struct activity_filter *f, struct activity **out, int *count, bool *more, int64_t *total)
{
	usec from = cx->now - ACTIVITY_KEPT_FOR;
	bool up = f->oldest_first != (f->before != 0);
	int64_t place = f->before ? f->before : f->after;
	struct rows rs;
	struct row r;
	int n;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (f->since > from)
		from = f->since;
	TRY(store_all(cx, up ? &act_up : &act_down, ARGS(INT(cx->account), INT(cx->actor->user_id), INT(from),
	    INT(place ? place : up ? 0 : INT64_MAX), INT(f->limit + 1), INT(f->offset)), &rs));
	*more = rs.count > f->limit;
	n = *more ? f->limit : rs.count;
	*out = NEW(cx->arena, struct activity, n + 1);
	*count = 0;
	for (int i = 0; i < n; i++) {
		struct activity a = act_row(&rs.row[f->before ? n - 1 - i : i]);
		enum err e = ticket_visible(cx, a.ticket_id);
		if (e == E_ABSENT || e == E_DENIED) {
			fail_forget(cx);
			continue;
		}
		TRY(e);
		(*out)[(*count)++] = a;
	}
	if (total == NULL)
		return OK;
	TRY(store_one(cx, &act_count, ARGS(INT(cx->account), INT(cx->actor->user_id), INT(from)), &r));
	*total = row_int(&r, 0);
	return OK;
}

enum err
activity_get(struct ctx *cx, int64_t id, struct activity *out)
{
	struct activity a;
	struct row r;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(store_one(cx, &act_one, ARGS(INT(cx->account), INT(cx->actor->user_id), INT(id), INT(cx->now - ACTIVITY_KEPT_FOR)), &r));
	a = act_row(&r);
	TRY(ticket_visible(cx, a.ticket_id));
	*out = a;
	return OK;
}

/* ---- recent ------------------------------------------------------------------------------------------------ */

#define LOOKS_READ 2000              /* who did nothing but read lists for so long has opened nothing recently */

enum err
ticket_recent(struct ctx *cx, int most, int64_t *ids, int *count)
{
	struct trail_filter f = { .kind = TRAIL_LOOK, .actor_id = cx->actor->user_id, .object = S("ticket"), .limit = 100 };
	int n = 0, got = 0;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	for (int read = 0; read < LOOKS_READ && n < most; read += got) {
		struct trail_event *e;
		TRY(trail_list(cx, &f, &e, &got));
		for (int i = 0; i < got && n < most; i++) {
			bool have = e[i].id_count != 1 || !str_starts(e[i].shown, S(LOOK_OPENED));
			for (int k = 0; k < n && !have; k++)
				have = ids[k] == e[i].ids[0];
			if (!have && ticket_visible(cx, e[i].ids[0]) == OK)
				ids[n++] = e[i].ids[0];
			fail_forget(cx);
		}
		if (got < f.limit)
			break;
		f.before_seq = e[got - 1].seq;
	}
	*count = n;
	return OK;
}
