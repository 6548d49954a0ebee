/* def.c - definitions: their tables of members, their rows, their snapshot.
 *
 * The snapshot is counted: whoever holds it keeps it alive to the end of their
 * arena. `gen` goes up when a transaction that wrote a definition is durable or
 * undone; a snapshot was read from the state that its own gen names, or later.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "desk/def.h"
#include "desk/in.h"

#define DEFS_MAX 2000                /* of all kinds; every ticket's way leads by them */
#define DOC_LIMIT (1 * MiB)

static const struct stmt def_load = {
	.name = "definition.all",
	.sql  = "SELECT id, kind, data_key, created_at, updated_at, doc FROM definition WHERE account_id = $1 ORDER BY id",
	.in   = "i", .out = "iiiiiS", .seal_out = { { "definition", "doc", 0 } },
};

static const struct stmt def_one = {
	.name = "definition.get",
	.sql  = "SELECT id, kind, data_key, created_at, updated_at, doc FROM definition WHERE account_id = $1 AND id = $2"
	        " AND kind = $3",
	.in   = "iii", .out = "iiiiiS", .seal_out = { { "definition", "doc", 0 } },
};

static const struct stmt def_insert = {
	.name = "definition.insert",
	.sql  = "INSERT INTO definition (account_id, id, kind, data_key, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $5, $6)",
	.in   = "iiiiiS", .seal_in = { { "definition", "doc", 1 } },
};

static const struct stmt def_write = {
	.name = "definition.update",
	.sql  = "UPDATE definition SET updated_at = $3, doc = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiiS", .seal_in = { { "definition", "doc", 1 } },
};

static const struct stmt def_remove = {
	.name = "definition.delete",
	.sql  = "DELETE FROM definition WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt def_count = {
	.name = "definition.count",
	.sql  = "SELECT count(*) FROM definition WHERE account_id = $1",
	.in   = "i", .out = "i",
};

static const struct stmt deleting_since = {
	.name = "retention.since", .sql = "SELECT applied_at FROM schema_version WHERE number = $1", .in = "i", .out = "i",
};

const struct stmt *const def_stmts[] = {
	&def_load, &def_one, &def_insert, &def_write, &def_remove, &def_count, &deleting_since, NULL
};

/* ---- the tables ----------------------------------------------------------------------------------------- */

#define OPTIONS { "custom_field_options", D_LIST, D_NULL, 2000, NULL, "[]" }
#define PHI_MEMBERS \
	{ "phi",                   D_BOOL, 0, 0, NULL, "false" }, \
	{ "phi_purpose",           D_TEXT, D_NULL, 1000, NULL, NULL }, \
	{ "phi_access",            D_OBJECT, D_NULL, 8, NULL, NULL }

static const struct def_member ticket_field[] = {
	{ "type",                  D_WORD, D_MUST | D_FIXED, 0, "text|textarea|checkbox|date|integer|decimal|regexp|"
	                           "partialcreditcard|multiselect|tagger|lookup", NULL },
	{ "title",                 D_TEXT, D_MUST | D_RAW, 255, NULL, NULL },
	{ "description",           D_TEXT, D_RAW | D_NULL, 10000, NULL, "\"\"" },
	{ "position",              D_INT,  0, 1000000, NULL, "9999" },
	{ "active",                D_BOOL, 0, 0, NULL, "true" },
	{ "required",              D_BOOL, 0, 0, NULL, "false" },
	{ "collapsed_for_agents",  D_BOOL, 0, 0, NULL, "false" },
	{ "regexp_for_validation", D_TEXT, D_NULL, 1000, NULL, NULL },
	{ "title_in_portal",       D_TEXT, D_RAW | D_NULL, 255, NULL, "\"\"" },
	{ "visible_in_portal",     D_BOOL, 0, 0, NULL, "false" },
	{ "editable_in_portal",    D_BOOL, 0, 0, NULL, "false" },
	{ "required_in_portal",    D_BOOL, 0, 0, NULL, "false" },
	{ "agent_can_edit",        D_BOOL, 0, 0, NULL, "true" },
	{ "agent_description",     D_TEXT, D_NULL, 10000, NULL, NULL },
	{ "tag",                   D_TEXT, D_NULL, 255, NULL, NULL },
	{ "removable",             D_BOOL, D_OURS, 0, NULL, "true" },
	{ "key",                   D_TEXT, D_NULL, 255, NULL, NULL },
	{ "sub_type_id",           D_INT,  D_NULL, 1000, NULL, NULL },
	{ "relationship_target_type", D_TEXT, D_NULL | D_FIXED, 255, NULL, NULL },
	{ "relationship_filter",   D_OBJECT, D_NULL, 0, NULL, NULL },
	{ "creator_user_id",       D_ID,   D_OURS | D_NULL, 0, NULL, NULL },
	{ "creator_app_name",      D_TEXT, D_OURS | D_NULL, 255, NULL, NULL },
	OPTIONS, PHI_MEMBERS,
};

#define PERSON_FIELD \
	{ "type",                  D_WORD, D_MUST | D_FIXED, 0, "text|textarea|checkbox|date|integer|decimal|regexp|" \
	                           "dropdown|tagger|multiselect|lookup", NULL }, \
	{ "key",                   D_TEXT, D_MUST | D_FIXED, 255, NULL, NULL }, \
	{ "title",                 D_TEXT, D_MUST | D_RAW, 255, NULL, NULL }, \
	{ "description",           D_TEXT, D_RAW | D_NULL, 10000, NULL, "\"\"" }, \
	{ "position",              D_INT,  0, 1000000, NULL, "9999" }, \
	{ "active",                D_BOOL, 0, 0, NULL, "true" }, \
	{ "system",                D_BOOL, D_OURS, 0, NULL, "false" }, \
	{ "regexp_for_validation", D_TEXT, D_NULL, 1000, NULL, NULL }, \
	{ "tag",                   D_TEXT, D_NULL, 255, NULL, NULL }, \
	{ "relationship_target_type", D_TEXT, D_NULL | D_FIXED, 255, NULL, NULL }, \
	{ "relationship_filter",   D_OBJECT, D_NULL, 0, NULL, NULL }, \
	OPTIONS, PHI_MEMBERS
static const struct def_member user_field[] = { PERSON_FIELD };

static const struct def_member ticket_form[] = {
	{ "name",                  D_TEXT, D_MUST | D_RAW, 255, NULL, NULL },
	{ "display_name",          D_TEXT, D_RAW | D_NULL, 255, NULL, "\"\"" },
	{ "position",              D_INT,  0, 1000000, NULL, "9999" },
	{ "active",                D_BOOL, 0, 0, NULL, "true" },
	{ "end_user_visible",      D_BOOL, 0, 0, NULL, "false" },
	{ "default",               D_BOOL, 0, 0, NULL, "false" },
	{ "ticket_field_ids",      D_IDS,  0, 400, NULL, "[]" },
	{ "in_all_brands",         D_BOOL, 0, 0, NULL, "true" },
	{ "restricted_brand_ids",  D_IDS,  0, 400, NULL, "[]" },
	{ "agent_conditions",      D_LIST, 0, 1500, NULL, "[]" },
	{ "end_user_conditions",   D_LIST, 0, 1500, NULL, "[]" },
};

static const struct def_member status[] = {
	{ "status_category",       D_WORD, D_MUST | D_FIXED, 0, "new|open|pending|hold|solved", NULL },
	{ "agent_label",           D_TEXT, D_MUST | D_RAW, 48, NULL, NULL },
	{ "end_user_label",        D_TEXT, D_RAW | D_NULL, 48, NULL, "\"\"" },
	{ "description",           D_TEXT, D_RAW | D_NULL, 10000, NULL, "\"\"" },
	{ "end_user_description",  D_TEXT, D_RAW | D_NULL, 10000, NULL, "\"\"" },
	{ "active",                D_BOOL, 0, 0, NULL, "true" },
	{ "default",               D_BOOL, D_OURS, 0, NULL, "false" },
};

static const struct def_member brand[] = {
	{ "name",                  D_TEXT, D_MUST, 255, NULL, NULL },
	{ "subdomain",             D_TEXT, D_MUST, 63, NULL, NULL },
	{ "brand_url",             D_TEXT, D_NULL, 255, NULL, "\"\"" },
	{ "active",                D_BOOL, 0, 0, NULL, "true" },
	{ "default",               D_BOOL, 0, 0, NULL, "false" },
	{ "has_help_center",       D_BOOL, D_OURS, 0, NULL, "false" },
	{ "help_center_state",     D_TEXT, D_OURS, 20, NULL, "\"disabled\"" },
	{ "host_mapping",          D_TEXT, D_NULL, 255, NULL, NULL },
	{ "is_deleted",            D_BOOL, D_OURS, 0, NULL, "false" },
	{ "logo",                  D_OBJECT, D_OURS | D_NULL, 0, NULL, NULL },
	{ "logo_type",             D_TEXT, D_OURS | D_HIDDEN, 20, NULL, "\"\"" },
	{ "logo_bytes",            D_TEXT, D_OURS | D_HIDDEN, 100000, NULL, "\"\"" },       /* base64 */
	{ "color",                 D_TEXT, D_NULL, 7, NULL, "\"\"" },                        /* "#rrggbb", under white words */
	{ "signature_template",    D_TEXT, D_NULL, 10000, NULL, "\"{{agent.signature}}\"" },
	{ "ticket_form_ids",       D_IDS,  D_OURS, 400, NULL, "[]" },
};

static const struct def_member content[] = {
	{ "name",                  D_TEXT, D_MUST, 255, NULL, NULL },
	{ "default_locale_id",     D_ID,   D_MUST, 0, NULL, NULL },
	{ "placeholder",           D_TEXT, D_OURS, 300, NULL, "\"\"" },
	{ "outdated",              D_BOOL, D_OURS, 0, NULL, "false" },
	{ "variants",              D_LIST, D_MUST, 200, NULL, NULL },
};

static const struct def_member role[] = {
	{ "name",                  D_TEXT, D_MUST, 255, NULL, NULL },
	{ "description",           D_TEXT, D_NULL, 10000, NULL, "\"\"" },
	{ "role_type",             D_INT,  D_FIXED, 5, NULL, "0" },
	{ "team_member_count",     D_INT,  D_OURS, 0, NULL, "0" },
	{ "configuration",         D_OBJECT, 0, 0, NULL, "{}" },
	{ "ward_built_in",         D_TEXT, D_OURS | D_NULL, 40, NULL, NULL },
};

static const struct def_member schedule[] = {
	{ "title",                 D_TEXT, D_MUST, 255, NULL, NULL },
	{ "description",           D_TEXT, D_NULL, 10000, NULL, "\"\"" },
	{ "active",                D_BOOL, 0, 0, NULL, "false" },
	{ "default",               D_BOOL, D_OURS, 0, NULL, "false" },
	{ "object",                D_TEXT, D_FIXED, 255, NULL, "\"zen:ticket\"" },       /* retention.c says which */
	{ "conditions",            D_OBJECT, 0, 0, NULL, "{\"all\":[],\"any\":[]}" },
	{ "ward_paused",           D_TEXT, D_OURS | D_NULL, 40, NULL, NULL },         /* "upgrade": see schedules_pause() */
};

static const struct def_member address[] = {
	{ "email",                 D_TEXT, D_MUST | D_FIXED, 254, NULL, NULL },
	{ "name",                  D_TEXT, D_NULL, 100, NULL, "\"\"" },
	{ "brand_id",              D_ID,   D_NULL, 0, NULL, NULL },
	{ "group_id",              D_ID,   D_NULL, 0, NULL, NULL },
	{ "default",               D_BOOL, 0, 0, NULL, "false" },
	{ "forwarding_status",     D_TEXT, D_OURS, 20, NULL, "\"unknown\"" },
	{ "spf_status",            D_TEXT, D_OURS, 20, NULL, "\"unknown\"" },
	{ "cname_status",          D_TEXT, D_OURS, 20, NULL, "\"unknown\"" },
	{ "domain_verification_status", D_TEXT, D_OURS, 20, NULL, "\"unknown\"" },
	{ "domain_verification_code", D_TEXT, D_OURS | D_NULL, 100, NULL, NULL },
};

static const struct def_member form_status[] = {
	{ "ticket_form_id",        D_ID,   D_MUST | D_FIXED, 0, NULL, NULL },
	{ "custom_status_id",      D_ID,   D_MUST | D_FIXED, 0, NULL, NULL },
};

/* An attribute of skills; its values are rules (skill.c). */
static const struct def_member skill[] = {
	{ "name",                  D_TEXT, D_MUST, 255, NULL, NULL },
};

/* A template of a task list; its tasks are aside.c's. */
static const struct def_member tasks[] = {
	{ "name",                  D_TEXT, D_MUST, 255, NULL, NULL },
	{ "description",           D_TEXT, D_NULL, 10000, NULL, "\"\"" },
	{ "is_active",             D_BOOL, 0, 0, NULL, "true" },
	{ "is_required",           D_BOOL, 0, 0, NULL, "false" },
	{ "tasks",                 D_LIST, 0, 200, NULL, "[]" },
};

static enum err check_field(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static enum err check_form(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static enum err check_status(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static enum err check_brand(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static enum err check_content(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static enum err check_pair(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static enum err check_schedule(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);

typedef enum err def_check(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc);
static const struct kind {
	const char              *object;     /* in the trail and as the word of errors */
	const struct def_member *member;
	int                      count;
	int                      most;       /* of this kind */
	def_check               *check;
} kinds[DEF_LAST] = {
	[DEF_TICKET_FIELD] = { "ticket_field", ticket_field, (int)COUNT(ticket_field), 400, check_field },
	[DEF_USER_FIELD]   = { "user_field", user_field, (int)COUNT(user_field), 200, check_field },
	[DEF_ORG_FIELD]    = { "organization_field", user_field, (int)COUNT(user_field), 200, check_field },
	[DEF_TICKET_FORM]  = { "ticket_form", ticket_form, (int)COUNT(ticket_form), 300, check_form },
	[DEF_STATUS]       = { "custom_status", status, (int)COUNT(status), 100, check_status },
	[DEF_BRAND]        = { "brand", brand, (int)COUNT(brand), 300, check_brand },
	[DEF_CONTENT]      = { "dynamic_content_item", content, (int)COUNT(content), 300, check_content },
	[DEF_ROLE]         = { "custom_role", role, (int)COUNT(role), 197, role_check },
	[DEF_SCHEDULE]     = { "deletion_schedule", schedule, (int)COUNT(schedule), 50, check_schedule },
	[DEF_TASKS]        = { "task_list_template", tasks, (int)COUNT(tasks), 200, tasks_check },
	[DEF_SKILL]        = { "routing_attribute", skill, (int)COUNT(skill), 100, NULL },
	[DEF_ADDRESS]      = { "recipient_address", address, (int)COUNT(address), 200, address_check },
	[DEF_FORM_STATUS]  = { "ticket_form_status", form_status, (int)COUNT(form_status), 1000, check_pair },
};

const struct def_member *
def_members(enum def_kind kind, int *count)
{
	*count = kinds[kind].count;
	return kinds[kind].member;
}

const char *
def_object(enum def_kind kind)
{
	return kinds[kind].object;
}

/* ---- snapshot --------------------------------------------------------------------------------------------- */

struct defs {
	atomic_int           refs;
	uint64_t             gen;
	int                  count, of[DEF_LAST];
	struct def          *by_id;                  /* ascending ids */
	const struct def   **ordered[DEF_LAST];      /* by position, then id */
	int64_t              status[TICKET_CLOSED + 1];      /* what a ticket without a status of its own shows */
};

struct defs_cache {
	pthread_mutex_t lock;
	uint64_t        gen;
	struct defs    *now;                         /* NULL: to be loaded */
};

static void
defs_drop(void *arg)
{
	struct defs *d = arg;

	if (d == NULL || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	for (int i = 0; i < d->count; i++)
		json_decref((json_t *)(uintptr_t)d->by_id[i].doc);
	for (int k = 0; k < DEF_LAST; k++)
		free(d->ordered[k]);
	free(d->by_id);
	free(d);
}

static int
by_position(const void *a, const void *b)
{
	const struct def *x = *(const struct def *const *)a, *y = *(const struct def *const *)b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static void
derive(struct def *d)
{
	const json_t *v = json_object_get(d->doc, "position");

	d->position = json_is_integer(v) ? json_integer_value(v) : d->id;
	v = json_object_get(d->doc, "active");
	d->active = !json_is_boolean(v) || json_is_true(v);
	if (d->kind == DEF_TICKET_FIELD)
		field_derive(d);
}

/* A tree of its own from a row; NULL: erased or not JSON. */
static json_t *
doc_of(const struct row *r)
{
	str s = row_sensitive(r, 5).hidden;
	json_t *doc = s.n ? json_loadb(s.p, s.n, JSON_ALLOW_NUL, NULL) : NULL;

	if (!json_is_object(doc)) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

static void
statuses_derive(struct defs *d)
{
	for (int s = TICKET_NEW; s <= TICKET_CLOSED; s++) {
		str category = str_of(status_name(s == TICKET_CLOSED ? TICKET_SOLVED : (enum ticket_status)s));
		for (int i = 0; i < d->of[DEF_STATUS] && d->status[s] == 0; i++) {
			const struct def *one = d->ordered[DEF_STATUS][i];
			if (def_bool(one, "default") && str_eq(def_text(one, "status_category"), category))
				d->status[s] = one->id;
		}
	}
}

static enum err
defs_load(struct ctx *cx, struct defs **out)
{
	struct rows rs;
	struct defs *d;
	int at[DEF_LAST] = { 0 };

	TRY(store_all(cx, &def_load, ARGS(INT(cx->account)), &rs));
	if ((d = calloc(1, sizeof *d)) == NULL || (d->by_id = calloc((size_t)rs.count + 1, sizeof *d->by_id)) == NULL) {
		free(d);
		return fail(cx, E_FAULT, NULL, "out of memory");
	}
	atomic_init(&d->refs, 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		struct def *one = &d->by_id[d->count];
		int64_t kind = row_int(r, 1);
		json_t *doc = kind > 0 && kind < DEF_LAST ? doc_of(r) : NULL;
		if (doc == NULL)
			continue;
		*one = (struct def){ .id = row_int(r, 0), .kind = (enum def_kind)kind, .key = row_int(r, 2),
		    .created_at = row_int(r, 3), .updated_at = row_int(r, 4), .doc = doc };
		derive(one);
		d->of[kind]++;
		d->count++;
	}
	for (int k = 0; k < DEF_LAST; k++)
		if ((d->ordered[k] = calloc((size_t)d->of[k] + 1, sizeof *d->ordered[k])) == NULL) {
			defs_drop(d);
			return fail(cx, E_FAULT, NULL, "out of memory");
		}
	for (int i = 0; i < d->count; i++) {
		struct def *one = &d->by_id[i];
		d->ordered[one->kind][at[one->kind]++] = one;
	}
	for (int k = 0; k < DEF_LAST; k++)
		qsort(d->ordered[k], (size_t)d->of[k], sizeof *d->ordered[k], by_position);
	statuses_derive(d);
	*out = d;
	return OK;
}

enum err
defs_get(struct ctx *cx, const struct defs **out)
{
	struct defs_cache *c = cx->sys->defs;
	struct defs *d = NULL, *old;
	uint64_t gen = 0;

	if (c != NULL) {
		pthread_mutex_lock(&c->lock);
		gen = c->gen;
		if (c->now != NULL && c->now->gen == gen) {
			d = c->now;
			atomic_fetch_add(&d->refs, 1);
		}
		pthread_mutex_unlock(&c->lock);
	}
	if (d == NULL) {
		TRY(defs_load(cx, &d));
		d->gen = gen;
		/* What a transaction sees may still be undone: it is for that transaction alone. */
		if (c != NULL && cx->tx == NULL) {
			pthread_mutex_lock(&c->lock);
			old = c->now;
			if (c->gen == gen) {
				c->now = d;
				atomic_fetch_add(&d->refs, 1);
			} else
				old = NULL;
			pthread_mutex_unlock(&c->lock);
			defs_drop(old);
		}
	}
	arena_defer(cx->arena, defs_drop, d);
	*out = d;
	return OK;
}

static void
defs_void(struct sys *sys, void *arg UNUSED)
{
	struct defs_cache *c = sys->defs;

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->gen++;
	pthread_mutex_unlock(&c->lock);
}

enum err
defs_open(struct ctx *cx, struct defs_cache **out)
{
	struct defs_cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return OK;
}

void
defs_close(struct defs_cache **c)
{
	if (*c == NULL)
		return;
	defs_drop((*c)->now);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

const struct def *
def_find(const struct defs *d, enum def_kind kind, int64_t id)
{
	int lo = 0, hi = d->count;

	while (lo < hi) {
		int mid = (lo + hi) / 2;
		if (d->by_id[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->count && d->by_id[lo].id == id && d->by_id[lo].kind == kind ? &d->by_id[lo] : NULL;
}

const struct def *const *
def_all(const struct defs *d, enum def_kind kind, int *count)
{
	*count = d->of[kind];
	return d->ordered[kind];
}

int64_t
def_status(const struct defs *d, enum ticket_status s)
{
	return d->status[s];
}

str
def_text(const struct def *d, const char *name)
{
	const json_t *v = json_object_get(d->doc, name);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

bool
def_bool(const struct def *d, const char *name)
{
	return json_is_true(json_object_get(d->doc, name));
}

int64_t
def_int(const struct def *d, const char *name)
{
	return json_integer_value(json_object_get(d->doc, name));
}

/* ---- what came in, against the table ------------------------------------------------------------------------- */

static const char *
says(struct ctx *cx, const char *name, const char *rule)
{
	char *s = str_z(cx->arena, str_printf(cx->arena, "%s: %s", name, rule));

	if (s[0] >= 'a' && s[0] <= 'z')
		s[0] = (char)(s[0] - 32);
	for (char *p = s; *p && *p != ':'; p++)
		if (*p == '_')
			*p = ' ';
	return s;
}

static void
wrong(struct ctx *cx, const char *name, const char *error, const char *rule)
{
	bad(cx, name, error, says(cx, name, rule));
}

static bool
is_id(const json_t *v, int64_t *out)
{
	str s;

	if (json_is_integer(v))
		*out = json_integer_value(v);
	else if (json_is_string(v)) {
		s = (str){ json_string_value(v), json_string_length(v) };
		if (s.n > 18 || !str_int(s, out))
			return false;
	} else
		return false;
	return *out > 0 && *out <= (int64_t)1 << 53;
}

static bool
word_is(const char *words, str w)
{
	str rest = str_of(words);

	while (rest.n)
		if (str_eq(str_cut(&rest, '|'), w))
			return true;
	return false;
}

/* The member as it is kept (a reference of its own), or NULL after bad(). */
static json_t *
taken(struct ctx *cx, const struct def_member *m, json_t *v)
{
	str s = json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
	int64_t max = m->max, id;
	json_t *list, *w;
	size_t i;

	if (json_is_null(v)) {
		if (m->flags & D_MUST) {
			wrong(cx, m->name, "BlankValue", "cannot be blank");
			return NULL;
		}
		return m->flags & D_NULL || m->otherwise == NULL ? json_null()
		    : json_loads(m->otherwise, JSON_DECODE_ANY, NULL);
	}
	switch (m->type) {
	case D_TEXT:
		if (!json_is_string(v))
			wrong(cx, m->name, "InvalidValue", "must be a string");
		else if ((m->flags & D_MUST) && str_trim(s).n == 0)
			wrong(cx, m->name, "BlankValue", "cannot be blank");
		else if (utf8_count(s) > (size_t)max)
			bad(cx, m->name, "TooLong", says(cx, m->name, str_z(cx->arena, str_printf(cx->arena,
			    "is too long (maximum is %lld characters)", (long long)max))));
		else if (memchr(s.p, 0, s.n) != NULL)
			wrong(cx, m->name, "InvalidValue", "must not hold a NUL character");
		else
			return json_stringn(s.p, s.n);
		return NULL;
	case D_BOOL:
		if (json_is_boolean(v))
			return json_incref(v);
		if (str_eq(s, S("true")) || str_eq(s, S("false")))
			return json_boolean(str_eq(s, S("true")));
		wrong(cx, m->name, "InvalidValue", "must be true or false");
		return NULL;
	case D_INT:
		if (json_is_integer(v) || (json_is_string(v) && s.n <= 18 && str_int(s, &id))) {
			id = json_is_integer(v) ? json_integer_value(v) : id;
			if (id >= 0 && (max == 0 || id <= max))
				return json_integer(id);
		}
		wrong(cx, m->name, "InvalidValue", "must be a whole number in range");
		return NULL;
	case D_ID:
		if (is_id(v, &id))
			return json_integer(id);
		wrong(cx, m->name, "InvalidValue", "must be an id (a positive integer)");
		return NULL;
	case D_WORD:
		if (json_is_string(v) && word_is(m->words, s))
			return json_stringn(s.p, s.n);
		wrong(cx, m->name, "InvalidValue", "is not one of the words that are known");
		return NULL;
	case D_TIME: {
		usec t;
		if (json_is_string(v) && time_parse(s, &t))
			return json_incref(v);
		wrong(cx, m->name, "InvalidValue", "must be a time such as 2026-01-05T10:00:00Z");
		return NULL;
	}
	case D_OBJECT:
		if (json_is_object(v))
			return json_deep_copy(v);
		wrong(cx, m->name, "InvalidValue", "must be an object");
		return NULL;
	case D_WORDS: case D_IDS: case D_LIST:
		if (!json_is_array(v)) {
			wrong(cx, m->name, "InvalidValue", "must be an array");
			return NULL;
		}
		if (max != 0 && json_array_size(v) > (size_t)max) {
			wrong(cx, m->name, "TooManyValues", "has too many entries");
			return NULL;
		}
		if (m->type == D_LIST)
			return json_deep_copy(v);
		list = json_array();
		json_array_foreach(v, i, w) {
			if (m->type == D_IDS ? !is_id(w, &id) : !json_is_string(w)) {
				wrong(cx, m->name, "InvalidValue", m->type == D_IDS ? "must be an array of ids" : "must be an array of strings");
				json_decref(list);
				return NULL;
			}
			if (m->type == D_IDS)
				json_array_append_new(list, json_integer(id));
			else
				json_array_append(list, w);
		}
		return list;
	}
	return NULL;
}

/* A doc with every member of the table: what came, what was, or the default. */
static json_t *
settle_doc(struct ctx *cx, const struct kind *k, const json_t *was, const json_t *in, bool ours)
{
	json_t *doc = json_object();

	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	for (int i = 0; i < k->count; i++) {
		const struct def_member *m = &k->member[i];
		json_t *v = json_object_get(in, m->name), *kept;
		if (m->flags & D_RAW) {
			json_t *raw = json_object_get(in, str_z(cx->arena, str_printf(cx->arena, "raw_%s", m->name)));
			if (v == NULL)
				v = raw;
		}
		if ((m->flags & D_OURS) && !ours)
			v = NULL;
		if ((m->flags & D_FIXED) && was != NULL)
			v = NULL;
		if (v == NULL && was != NULL && (kept = json_object_get(was, m->name)) != NULL) {
			json_object_set(doc, m->name, kept);
			continue;
		}
		if (v == NULL && (m->flags & D_MUST)) {
			wrong(cx, m->name, "BlankValue", "cannot be blank");
			continue;
		}
		if (v == NULL) {
			json_object_set_new(doc, m->name, m->otherwise ? json_loads(m->otherwise, JSON_DECODE_ANY, NULL) : json_null());
			continue;
		}
		/* The system's own words are not in the table of what may be asked for. */
		kept = ours && m->type == D_WORD ? json_incref(v) : taken(cx, m, v);
		if (kept != NULL)
			json_object_set_new(doc, m->name, kept);
	}
	return doc;
}

/* ---- what the kinds ask beyond that ------------------------------------------------------------------------------ */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static str
text_in(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

static bool
taken_by_another(const struct defs *d, enum def_kind kind, const struct def *is, const char *name, str value)
{
	for (int i = 0; i < d->of[kind]; i++)
		if (d->ordered[kind][i]->id != is->id && str_eqi(def_text(d->ordered[kind][i], name), value))
			return true;
	return false;
}

/* Entries of a list inside a doc have ids of the same sequence, kept when the entry comes back by id or by `same`. */
static enum err
give_ids(struct ctx *cx, json_t *list, const json_t *old, const char *same)
{
	json_t *o, *w;
	size_t i, k;

	json_array_foreach(list, i, o) {
		int64_t id = 0;
		json_array_foreach((json_t *)(uintptr_t)old, k, w)
			if ((json_is_integer(json_object_get(o, "id")) && json_equal(json_object_get(o, "id"), json_object_get(w, "id")))
			    || json_equal(json_object_get(o, same), json_object_get(w, same)))
				id = json_integer_value(json_object_get(w, "id"));
		if (id == 0)
			TRY(store_next_id(cx, "definition", &id));
		json_object_set_new(o, "id", json_integer(id));
	}
	return OK;
}

static enum err
check_options(struct ctx *cx, const struct def *was, json_t *doc, bool must)
{
	json_t *list = json_object_get(doc, "custom_field_options"), *clean, *o;
	const json_t *old = was ? json_object_get(was->doc, "custom_field_options") : NULL;
	size_t i;

	if (!json_is_array(list) || (json_array_size(list) == 0 && must)) {
		if (must)
			wrong(cx, "custom_field_options", "BlankValue", "cannot be blank");
		json_object_set_new(doc, "custom_field_options", json_array());
		return OK;
	}
	arena_defer(cx->arena, (void (*)(void *))json_decref, json_incref(list));
	clean = json_array();
	json_object_set_new(doc, "custom_field_options", clean);
	json_array_foreach(list, i, o) {
		str name = text_in(o, "name"), value = text_in(o, "value");
		json_t *one, *w;
		char *z;
		size_t k;
		if (name.n == 0)
			name = text_in(o, "raw_name");
		value = str_trim(value);
		if (name.n == 0 || value.n == 0 || name.n > 1000 || value.n > 255 || memchr(name.p, 0, name.n) || memchr(value.p, 0, value.n)) {
			wrong(cx, "custom_field_options", "InvalidValue", "every option needs a name and a value of at most 255 bytes");
			return OK;
		}
		z = str_z(cx->arena, value);           /* a value is a tag, too: without blanks */
		for (char *p = z; *p; p++)
			if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
				*p = '_';
		json_array_foreach(clean, k, w)
			if (strcmp(json_string_value(json_object_get(w, "value")), z) == 0) {
				wrong(cx, "custom_field_options", "DuplicateValue", "two options have the same value");
				return OK;
			}
		one = json_object();
		if (json_is_integer(json_object_get(o, "id")))
			json_object_set(one, "id", json_object_get(o, "id"));
		json_object_set_new(one, "name", json_stringn(name.p, name.n));
		json_object_set_new(one, "raw_name", json_stringn(name.p, name.n));
		json_object_set_new(one, "value", json_string(z));
		json_object_set_new(one, "position", json_integer((json_int_t)i));
		json_object_set_new(one, "default", json_boolean(json_is_true(json_object_get(o, "default"))));
		json_array_append_new(clean, one);
	}
	return cx->bad != NULL ? OK : give_ids(cx, clean, old, "value");
}

static void
check_access(struct ctx *cx, json_t *doc)
{
	json_t *v;
	const char *key;

	json_object_foreach(json_object_get(doc, "phi_access"), key, v)
		if (!word_is("admin|agent|end_user", str_of(key)) || !json_is_string(v)
		    || !word_is("none|read|write", str_of(json_string_value(v))))
			wrong(cx, "phi_access", "InvalidValue", "must say none, read or write for admin, agent and end_user");
	if (json_is_true(json_object_get(doc, "phi")) && str_trim(text_in(doc, "phi_purpose")).n == 0)
		wrong(cx, "phi_purpose", "BlankValue", "must be stated for a field that holds PHI");
}

static enum err
check_field(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc)
{
	str type = text_in(doc, "type"), key = text_in(doc, "key"), target = text_in(doc, "relationship_target_type");
	bool person = is->kind != DEF_TICKET_FIELD, digits = true, fine = true;

	if (person) {
		for (size_t i = 0; i < key.n; i++) {
			bool digit = key.p[i] >= '0' && key.p[i] <= '9';
			digits = digits && digit;
			fine = fine && (digit || key.p[i] == '_' || is_letter(key.p[i]));
		}
		if (key.n && (digits || !fine))
			wrong(cx, "key", "InvalidValue", "must be letters, digits and underscores, not digits alone");
		else if (key.n && taken_by_another(d, is->kind, is, "key", key))
			wrong(cx, "key", "DuplicateValue", "is already being used by another field");
	}
	if (str_eq(type, S("regexp")) && !field_pattern_ok(cx, text_in(doc, "regexp_for_validation")))
		wrong(cx, "regexp_for_validation", text_in(doc, "regexp_for_validation").n ? "InvalidValue" : "BlankValue",
		    "must be a regular expression");
	if (str_eq(type, S("lookup")) && !word_is("zen:user|zen:organization|zen:ticket", target))
		wrong(cx, "relationship_target_type", "InvalidValue", "must be zen:user, zen:organization or zen:ticket");
	if (!person && text_in(doc, "title_in_portal").n == 0)
		json_object_set(doc, "title_in_portal", json_object_get(doc, "title"));
	check_access(cx, doc);
	return check_options(cx, was, doc, str_eq(type, S("tagger")) || str_eq(type, S("multiselect")) || str_eq(type, S("dropdown")));
}

/* [{"parent_field_id":1,"value":..,"child_fields":[{"id":2,"is_required":true,
 *   "required_on_statuses":{"type":"SOME_STATUSES","statuses":["solved"]}}]}] */
static void
check_conditions(struct ctx *cx, const struct defs *d, json_t *doc, const char *name)
{
	json_t *c, *child, *w;
	size_t i, k, s;
	int64_t id;

	json_array_foreach(json_object_get(doc, name), i, c) {
		json_t *children = json_object_get(c, "child_fields");
		if (!json_is_object(c) || !is_id(json_object_get(c, "parent_field_id"), &id) || def_find(d, DEF_TICKET_FIELD, id) == NULL
		    || json_object_get(c, "value") == NULL || !json_is_array(children)) {
			wrong(cx, name, "InvalidValue", "every condition needs a known parent_field_id, a value and child_fields");
			return;
		}
		json_object_set_new(c, "parent_field_id", json_integer(id));
		json_array_foreach(children, k, child) {
			json_t *on = json_object_get(child, "required_on_statuses");
			if (!is_id(json_object_get(child, "id"), &id) || def_find(d, DEF_TICKET_FIELD, id) == NULL) {
				wrong(cx, name, "InvalidValue", "child_fields must name known fields by id");
				return;
			}
			json_object_set_new(child, "id", json_integer(id));
			if (on != NULL && !json_is_null(on) && (!json_is_object(on)
			    || !word_is("ALL_STATUSES|SOME_STATUSES|NO_STATUSES", text_in(on, "type")))) {
				wrong(cx, name, "InvalidValue", "required_on_statuses.type must be ALL_STATUSES, SOME_STATUSES or NO_STATUSES");
				return;
			}
			json_array_foreach(json_object_get(on, "statuses"), s, w)
				if (!json_is_string(w) || !word_is("new|open|pending|hold|solved", str_of(json_string_value(w)))) {
					wrong(cx, name, "InvalidValue", "required_on_statuses.statuses must be statuses");
					return;
				}
		}
	}
}

static enum err
check_form(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is UNUSED, json_t *doc)
{
	json_t *w;
	size_t i;

	json_array_foreach(json_object_get(doc, "ticket_field_ids"), i, w)
		if (def_find(d, DEF_TICKET_FIELD, json_integer_value(w)) == NULL) {
			wrong(cx, "ticket_field_ids", "InvalidValue", "names a field that is not known");
			break;
		}
	json_array_foreach(json_object_get(doc, "restricted_brand_ids"), i, w)
		if (def_find(d, DEF_BRAND, json_integer_value(w)) == NULL) {
			wrong(cx, "restricted_brand_ids", "InvalidValue", "names a brand that is not known");
			break;
		}
	check_conditions(cx, d, doc, "agent_conditions");
	check_conditions(cx, d, doc, "end_user_conditions");
	if (text_in(doc, "display_name").n == 0)
		json_object_set(doc, "display_name", json_object_get(doc, "name"));
	if (was != NULL && def_bool(was, "default") && (!json_is_true(json_object_get(doc, "default"))
	    || !json_is_true(json_object_get(doc, "active"))))
		wrong(cx, "default", "InvalidValue", "another form has to become the default first");
	return OK;
}

static enum err
check_status(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc)
{
	if (taken_by_another(d, DEF_STATUS, is, "agent_label", text_in(doc, "agent_label")))
		wrong(cx, "agent_label", "DuplicateValue", "is already being used by another status");
	if (text_in(doc, "end_user_label").n == 0)
		json_object_set(doc, "end_user_label", json_object_get(doc, "agent_label"));
	if (was != NULL && def_bool(was, "default") && !json_is_true(json_object_get(doc, "active")))
		wrong(cx, "active", "InvalidValue", "the default status of a category cannot be switched off");
	return OK;
}

static bool
hostname_label(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(is_letter(s.p[i]) || (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] == '-' && i > 0 && i + 1 < s.n)))
			return false;
	return s.n > 0;
}

/* WCAG 2.2, 1.4.3: how far apart white and this colour are; 0: it is none. */
static double
contrast_with_white(str color)
{
	unsigned char rgb[3];
	double light = 0;
	static const double weight[3] = { 0.2126, 0.7152, 0.0722 };

	if (color.n != 7 || color.p[0] != '#' || !hex_to(str_sub(color, 1, 6), rgb, 3))
		return 0;
	for (int i = 0; i < 3; i++) {
		double c = rgb[i] / 255.0;
		light += weight[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
	}
	return 1.05 / (light + 0.05);
}

const char *
brand_host_wrong(const struct defs *d, int64_t brand_id, str host)
{
	int labels = 0;

	for (str rest = host; rest.n; labels++)
		if (!hostname_label(str_cut(&rest, '.')))
			return "invalid_host_name";
	if (labels < 2 || host.p[host.n - 1] == '.' || host.n > 253)
		return "invalid_host_name";
	for (int i = 0; i < d->of[DEF_BRAND]; i++) {
		const struct def *other = d->ordered[DEF_BRAND][i];
		if (other->id != brand_id && !def_bool(other, "is_deleted") && str_eqi(def_text(other, "host_mapping"), host))
			return "already_taken";
	}
	return NULL;
}

static enum err
check_brand(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc)
{
	str sub = text_in(doc, "subdomain"), color = text_in(doc, "color"), host = text_in(doc, "host_mapping");
	const char *host_wrong = host.n ? brand_host_wrong(d, is->id, host) : NULL;
	double contrast = contrast_with_white(color);

	if (color.n && contrast == 0)
		wrong(cx, "color", "InvalidValue", "must be written #rrggbb");
	else if (color.n && contrast < 4.5)
		wrong(cx, "color", "InvalidValue", "is too light: white words on it could not be read (contrast below 4.5 to 1)");

	if (host_wrong != NULL)
		wrong(cx, "host_mapping", *host_wrong == 'a' ? "DuplicateValue" : "InvalidValue", *host_wrong == 'a' ? "is already being used by another brand"
		    : "must be the name of a host, such as help.example.org");
	if (sub.n && !hostname_label(sub))
		wrong(cx, "subdomain", "InvalidValue", "must be letters, digits and hyphens");
	else if (sub.n && taken_by_another(d, DEF_BRAND, is, "subdomain", sub))
		wrong(cx, "subdomain", "DuplicateValue", "is already being used by another brand");
	if (was != NULL && def_bool(was, "default") && (!json_is_true(json_object_get(doc, "default"))
	    || !json_is_true(json_object_get(doc, "active"))))
		wrong(cx, "default", "InvalidValue", "another brand has to become the default first");
	return OK;
}

static enum err
check_content(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc)
{
	json_t *list = json_object_get(doc, "variants"), *clean = json_array(), *v, *w;
	str name = text_in(doc, "name");
	char *slug = str_z(cx->arena, str_lower(cx->arena, name));
	int64_t locale, def_locale = json_integer_value(json_object_get(doc, "default_locale_id"));
	bool have_default = false;
	size_t i, k;

	if (name.n && taken_by_another(d, DEF_CONTENT, is, "name", name))
		wrong(cx, "name", "DuplicateValue", "is already being used by another item");
	for (char *p = slug; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')))
			*p = '_';
	if (was == NULL)
		json_object_set_new(doc, "placeholder", json_string(str_z(cx->arena, str_printf(cx->arena, "{{dc.%s}}", slug))));
	if (list != NULL)
		arena_defer(cx->arena, (void (*)(void *))json_decref, json_incref(list));
	json_object_set_new(doc, "variants", clean);
	json_array_foreach(list, i, v) {
		str text = text_in(v, "content");
		json_t *one = json_object();
		usec made = 0;
		json_array_append_new(clean, one);
		if (!json_is_object(v) || !is_id(json_object_get(v, "locale_id"), &locale) || text.n == 0 || text.n > 65535) {
			wrong(cx, "variants", "InvalidValue", "every variant needs a content and a locale_id");
			return OK;
		}
		json_array_foreach(clean, k, w)
			if (w != one && json_integer_value(json_object_get(w, "locale_id")) == locale) {
				wrong(cx, "variants", "DuplicateValue", "two variants have the same locale");
				return OK;
			}
		have_default = have_default || locale == def_locale;
		if (json_is_integer(json_object_get(v, "id")))
			json_object_set(one, "id", json_object_get(v, "id"));
		json_object_set_new(one, "content", json_stringn(text.p, text.n));
		json_object_set_new(one, "locale_id", json_integer(locale));
		json_object_set_new(one, "outdated", json_false());
		json_object_set_new(one, "active", json_boolean(!json_is_false(json_object_get(v, "active"))));
		json_object_set_new(one, "default", json_boolean(locale == def_locale));
		if (!json_is_string(json_object_get(v, "created_at")) || !time_parse(text_in(v, "created_at"), &made))
			made = cx->now;
		json_object_set_new(one, "created_at", json_string(str_z(cx->arena, time_iso(cx->arena, made))));
		json_object_set_new(one, "updated_at", json_string(str_z(cx->arena, time_iso(cx->arena, cx->now))));
	}
	if (list != NULL && !have_default)
		wrong(cx, "variants", "InvalidValue", "one of them must be of the default locale");
	return cx->bad != NULL ? OK : give_ids(cx, clean, was ? json_object_get(was->doc, "variants") : NULL, "locale_id");
}

static enum err
check_schedule(struct ctx *cx, const struct defs *d UNUSED, const struct def *was UNUSED, struct def *is UNUSED, json_t *doc)
{
	json_t *c = json_object_get(doc, "conditions"), *list, *one;
	bool fine = json_is_object(c);
	size_t i;

	if (json_is_true(json_object_get(doc, "active")))
		json_object_set_new(doc, "ward_paused", json_null());

	for (int k = 0; k < 2; k++) {
		const char *name = k ? "any" : "all";
		list = json_object_get(c, name);
		if (list == NULL) {
			json_object_set_new(c, name, json_array());
			continue;
		}
		json_array_foreach(list, i, one)
			if (text_in(one, "field").n == 0 || text_in(one, "operator").n == 0)
				list = NULL;
		if (!json_is_array(list)) {
			wrong(cx, "conditions", "InvalidValue", "all and any must be arrays of field, operator and value");
			fine = false;
		}
	}
	if (fine)
		retention_check(cx, text_in(doc, "object"), c, json_is_true(json_object_get(doc, "active")));
	return OK;
}

static enum err
check_pair(struct ctx *cx, const struct defs *d, const struct def *was UNUSED, struct def *is, json_t *doc)
{
	int64_t form = json_integer_value(json_object_get(doc, "ticket_form_id"));
	int64_t st = json_integer_value(json_object_get(doc, "custom_status_id"));

	if (form != 0 && def_find(d, DEF_TICKET_FORM, form) == NULL)
		wrong(cx, "ticket_form_id", "InvalidValue", "is not a known form");
	if (st != 0 && def_find(d, DEF_STATUS, st) == NULL)
		wrong(cx, "custom_status_id", "InvalidValue", "is not a known status");
	for (int i = 0; i < d->of[DEF_FORM_STATUS]; i++) {
		const struct def *o = d->ordered[DEF_FORM_STATUS][i];
		if (o->id != is->id && def_int(o, "ticket_form_id") == form && def_int(o, "custom_status_id") == st)
			wrong(cx, "custom_status_id", "DuplicateValue", "is on this form already");
	}
	return OK;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

struct change {
	enum def_kind kind;
	int64_t       id;             /* 0: a new one */
	const json_t *in;
	bool          ours;           /* the system's own hand: D_OURS members are taken */
	bool          remove;
	struct def   *out;
};

static str
compact(struct ctx *cx, const json_t *v)
{
	char *z = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	str s = z ? str_dup(cx->arena, str_of(z)) : S("null");

	if (z != NULL)
		wipe(z, s.n);
	free(z);
	return s;
}

static enum err
trail_def(struct ctx *cx, const struct kind *k, const char *verb, const struct def *d, const json_t *was, const json_t *is)
{
	struct trail_field *f = NEW(cx->arena, struct trail_field, k->count + 1);
	int n = 0;

	for (int i = 0; i < k->count; i++) {
		const json_t *a = json_object_get(was, k->member[i].name), *b = json_object_get(is, k->member[i].name);
		if (a == b || (a != NULL && b != NULL && json_equal(a, b)))
			continue;
		f[n++] = (struct trail_field){ .name = k->member[i].name, .has_before = was != NULL, .has_after = is != NULL,
		    .before = HIDE(compact(cx, a)), .after = HIDE(compact(cx, b)) };
	}
	return trail_append(cx, &(struct event){ .action = str_z(cx->arena, str_printf(cx->arena, "%s.%s", k->object, verb)),
	    .object = k->object, .id = d->id, .key = is ? d->key : 0, .field = is ? f : NULL, .count = is ? n : 0 });
}

static void
void_later(struct ctx *cx)
{
	store_after(cx, defs_void, NULL);
	store_undo(cx, defs_void, NULL);
}

static enum err
load_one(struct ctx *cx, enum def_kind kind, int64_t id, struct def *out)
{
	struct row r;
	json_t *doc;

	TRY(store_one(cx, &def_one, ARGS(INT(cx->account), INT(id), INT(kind)), &r));
	if ((doc = doc_of(&r)) == NULL)
		return fail(cx, E_ABSENT, NULL, "no such thing");
	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	*out = (struct def){ .id = id, .kind = kind, .key = row_int(&r, 2), .created_at = row_int(&r, 3),
	    .updated_at = row_int(&r, 4), .doc = doc };
	derive(out);
	return OK;
}

static enum err
save(struct ctx *cx, const struct kind *k, struct def *d, const json_t *was)
{
	str text = compact(cx, d->doc);

	if (text.n > DOC_LIMIT)
		return fail(cx, E_INVALID, "base", "is too large");
	derive(d);
	d->updated_at = cx->now;
	if (was == NULL) {
		TRY(store_key_new(cx, &d->key));
		d->created_at = cx->now;
		TRY(store_exec(cx, &def_insert, ARGS(INT(cx->account), INT(d->id), INT(d->kind), INT(d->key), INT(cx->now),
		    SEALED(d->key, HIDE(text))), NULL));
	} else
		TRY(store_exec(cx, &def_write, ARGS(INT(cx->account), INT(d->id), INT(cx->now), SEALED(d->key, HIDE(text))), NULL));
	void_later(cx);
	return trail_def(cx, k, was ? "update" : "create", d, was, d->doc);
}

/* Only one of a kind is the default: the others lose it. */
static enum err
lone_default(struct ctx *cx, const struct kind *k, const struct defs *d, const struct def *is)
{
	for (int i = 0; i < d->of[is->kind]; i++) {
		struct def o = *d->ordered[is->kind][i];
		json_t *doc;
		if (o.id == is->id || !def_bool(&o, "default") || (is->kind == DEF_STATUS
		    && !str_eq(def_text(&o, "status_category"), def_text(is, "status_category"))))
			continue;
		doc = json_deep_copy(o.doc);
		arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
		json_object_set_new(doc, "default", json_false());
		o.doc = doc;
		TRY(save(cx, k, &o, d->ordered[is->kind][i]->doc));
	}
	return OK;
}

/* A field that goes leaves the forms that show it. */
static enum err
leave_forms(struct ctx *cx, const struct defs *d, int64_t field)
{
	for (int i = 0; i < d->of[DEF_TICKET_FORM]; i++) {
		struct def f = *d->ordered[DEF_TICKET_FORM][i];
		json_t *doc = json_deep_copy(f.doc), *ids = json_object_get(doc, "ticket_field_ids");
		bool changed = false;
		arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
		for (size_t n = json_array_size(ids); n-- > 0;)
			if (json_integer_value(json_array_get(ids, n)) == field)
				changed = json_array_remove(ids, n) == 0;
		for (int c = 0; c < 2; c++) {
			json_t *list = json_object_get(doc, c ? "end_user_conditions" : "agent_conditions");
			for (size_t n = json_array_size(list); n-- > 0;) {
				json_t *one = json_array_get(list, n), *children = json_object_get(one, "child_fields");
				for (size_t m = json_array_size(children); m-- > 0;)
					if (json_integer_value(json_object_get(json_array_get(children, m), "id")) == field)
						changed = json_array_remove(children, m) == 0;
				if (json_integer_value(json_object_get(one, "parent_field_id")) == field || json_array_size(children) == 0)
					changed = json_array_remove(list, n) == 0;
			}
		}
		f.doc = doc;
		if (changed)
			TRY(save(cx, &kinds[DEF_TICKET_FORM], &f, d->ordered[DEF_TICKET_FORM][i]->doc));
	}
	return OK;
}

/* A new field stands on the default form, as Zendesk has it. */
static enum err
join_form(struct ctx *cx, const struct defs *d, int64_t field)
{
	for (int i = 0; i < d->of[DEF_TICKET_FORM]; i++) {
		struct def f = *d->ordered[DEF_TICKET_FORM][i];
		json_t *doc;
		if (!def_bool(&f, "default"))
			continue;
		doc = json_deep_copy(f.doc);
		arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
		json_array_append_new(json_object_get(doc, "ticket_field_ids"), json_integer(field));
		f.doc = doc;
		return save(cx, &kinds[DEF_TICKET_FORM], &f, d->ordered[DEF_TICKET_FORM][i]->doc);
	}
	return OK;
}

static enum err
remove_tx(struct ctx *cx, struct change *ch)
{
	const struct kind *k = &kinds[ch->kind];
	const struct defs *d;
	struct defs *fresh;
	struct def was;

	TRY(load_one(cx, ch->kind, ch->id, &was));
	if (ch->kind == DEF_TICKET_FIELD && !def_bool(&was, "removable")) {
		bad(cx, "base", "InvalidValue", "a system field cannot be deleted");
		return bad_check(cx);
	}
	if (ch->kind == DEF_ROLE && def_text(&was, "ward_built_in").n > 0) {
		bad(cx, "base", "InvalidValue", "Role: is built in and cannot be deleted");
		return bad_check(cx);
	}
	if (json_is_true(json_object_get(was.doc, "default"))) {
		bad(cx, "base", "InvalidValue", "the default cannot be deleted");
		return bad_check(cx);
	}
	TRY(defs_load(cx, &fresh));
	arena_defer(cx->arena, defs_drop, fresh);
	d = fresh;
	if (ch->kind == DEF_ROLE)
		TRY(gate_role_drop(cx, ch->id));
	if (ch->kind == DEF_TICKET_FIELD) {
		TRY(leave_forms(cx, d, ch->id));
		TRY(field_reindex(cx, ch->id));
	}
	if (ch->kind == DEF_TICKET_FORM || ch->kind == DEF_STATUS)
		for (int i = 0; i < d->of[DEF_FORM_STATUS]; i++) {
			const struct def *p = d->ordered[DEF_FORM_STATUS][i];
			if (def_int(p, ch->kind == DEF_STATUS ? "custom_status_id" : "ticket_form_id") == ch->id) {
				struct change pair = { .kind = DEF_FORM_STATUS, .id = p->id };
				TRY(remove_tx(cx, &pair));
			}
		}
	TRY(store_exec(cx, &def_remove, ARGS(INT(cx->account), INT(ch->id)), NULL));
	TRY(trail_reseal(cx, was.key, 0, NULL, NULL));
	TRY(store_key_destroy(cx, was.key));
	void_later(cx);
	return trail_def(cx, k, "delete", &was, was.doc, NULL);
}

static enum err
change_tx(struct ctx *cx, void *arg)
{
	struct change *ch = arg;
	const struct kind *k = &kinds[ch->kind];
	struct defs *d;
	struct def was, is = { .kind = ch->kind, .id = ch->id };
	json_t *doc;
	struct row r;

	if (!ch->ours)
		TRY(gate_may(cx, MAY_ADMIN, NULL));
	if (ch->remove)
		return remove_tx(cx, ch);
	TRY(defs_load(cx, &d));
	arena_defer(cx->arena, defs_drop, d);
	if (ch->id != 0) {
		TRY(load_one(cx, ch->kind, ch->id, &was));
		is = was;
	} else {
		TRY(store_one(cx, &def_count, ARGS(INT(cx->account)), &r));
		if (!ch->ours && (d->of[ch->kind] >= k->most || row_int(&r, 0) >= DEFS_MAX))
			return fail(cx, E_LIMIT, NULL, "there are too many of these already");
	}
	is.doc = doc = settle_doc(cx, k, ch->id ? was.doc : NULL, ch->in, ch->ours);
	if (ch->kind == DEF_TICKET_FIELD && ch->id == 0 && cx->actor != NULL && cx->actor->user_id != 0)
		json_object_set_new(doc, "creator_user_id", json_integer(cx->actor->user_id));
	/* The parts check together, so that everything wrong is said at once. */
	if (!(ch->ours && ch->kind == DEF_TICKET_FIELD))
		TRY(k->check ? k->check(cx, d, ch->id ? &was : NULL, &is, doc) : OK);
	TRY(bad_check(cx));
	if (ch->id == 0)
		TRY(store_next_id(cx, "definition", &is.id));
	TRY(save(cx, k, &is, ch->id ? was.doc : NULL));
	if (ch->kind == DEF_ROLE)
		TRY(role_saved(cx, &is));
	/* Terms that somebody may no longer ask for leave the index, or come back to it. */
	if (ch->kind == DEF_TICKET_FIELD && ch->id != 0 && field_all_read(&was) != field_all_read(&is))
		TRY(field_reindex(cx, ch->id));
	if (json_is_true(json_object_get(doc, "default")))
		TRY(lone_default(cx, k, d, &is));
	if (ch->kind == DEF_TICKET_FIELD && ch->id == 0 && !ch->ours)
		TRY(join_form(cx, d, is.id));
	if (ch->out != NULL)
		*ch->out = is;
	return OK;
}

enum err
def_create(struct ctx *cx, enum def_kind kind, const json_t *in, struct def *out)
{
	return store_write(cx, change_tx, &(struct change){ .kind = kind, .in = in, .out = out });
}

enum err
def_update(struct ctx *cx, enum def_kind kind, int64_t id, const json_t *in, struct def *out)
{
	return store_write(cx, change_tx, &(struct change){ .kind = kind, .id = id, .in = in, .out = out });
}

enum err
def_set(struct ctx *cx, enum def_kind kind, int64_t id, const json_t *in, struct def *out)
{
	return store_write(cx, change_tx, &(struct change){ .kind = kind, .id = id, .in = in, .ours = true, .out = out });
}

enum err
def_delete(struct ctx *cx, enum def_kind kind, int64_t id)
{
	TRY(store_write(cx, change_tx, &(struct change){ .kind = kind, .id = id, .remove = true }));
	return cx->tx != NULL ? OK : store_erase(cx);
}

struct order { enum def_kind kind; const int64_t *ids; int n; };

static enum err
place_at(struct ctx *cx, const struct def *was, int64_t position)
{
	struct def d = *was;
	json_t *doc;

	if (was->position == position)
		return OK;
	doc = json_deep_copy(was->doc);
	arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
	json_object_set_new(doc, "position", json_integer(position));
	d.doc = doc;
	return save(cx, &kinds[was->kind], &d, was->doc);
}

/* Those that were named first, in this order; the others behind them as they stood. */
static enum err
reorder_tx(struct ctx *cx, void *arg)
{
	struct order *o = arg;
	struct defs *d;
	int64_t at = 0;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(defs_load(cx, &d));
	arena_defer(cx->arena, defs_drop, d);
	for (int i = 0; i < o->n; i++) {
		const struct def *was = def_find(d, o->kind, o->ids[i]);
		if (was == NULL) {
			bad(cx, "ids", "InvalidValue", "Ids: names something that is not known");
			return bad_check(cx);
		}
		TRY(place_at(cx, was, ++at));
	}
	for (int k = 0; k < d->of[o->kind]; k++) {
		bool named = false;
		for (int i = 0; i < o->n && !named; i++)
			named = o->ids[i] == d->ordered[o->kind][k]->id;
		if (!named)
			TRY(place_at(cx, d->ordered[o->kind][k], ++at));
	}
	return OK;
}

enum err
def_reorder(struct ctx *cx, enum def_kind kind, const int64_t *ids, int n)
{
	return store_write(cx, reorder_tx, &(struct order){ kind, ids, n });
}

struct default_of { const int64_t *ids; int n; };

static enum err
default_tx(struct ctx *cx, void *arg)
{
	struct default_of *o = arg;
	struct defs *d;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	for (int i = 0; i < o->n; i++) {
		struct def was, is;
		json_t *doc;
		enum err e = load_one(cx, DEF_STATUS, o->ids[i], &was);
		if (e == E_ABSENT || (e == OK && !was.active)) {
			fail_forget(cx);
			bad(cx, "ids", "InvalidValue", "Ids: names a status that is not known or not active");
			return bad_check(cx);
		}
		TRY(e);
		TRY(defs_load(cx, &d));
		arena_defer(cx->arena, defs_drop, d);
		is = was;
		is.doc = doc = json_deep_copy(was.doc);
		arena_defer(cx->arena, (void (*)(void *))json_decref, doc);
		json_object_set_new(doc, "default", json_true());
		TRY(save(cx, &kinds[DEF_STATUS], &is, was.doc));
		TRY(lone_default(cx, &kinds[DEF_STATUS], d, &is));
	}
	return OK;
}

enum err
status_defaults(struct ctx *cx, const int64_t *ids, int n)
{
	return store_write(cx, default_tx, &(struct default_of){ ids, n });
}

enum err
def_get(struct ctx *cx, enum def_kind kind, int64_t id, struct def *out)
{
	const struct defs *d;
	const struct def *one;

	if (cx->tx != NULL)                    /* what others of this commit wrote before counts */
		return load_one(cx, kind, id, out);
	TRY(defs_get(cx, &d));
	if ((one = def_find(d, kind, id)) == NULL)
		return fail(cx, E_ABSENT, NULL, "no such thing");
	*out = *one;
	return OK;
}

/* ---- what every account begins with --------------------------------------------------------------------------------- */

static enum err
seed_tx(struct ctx *cx, void *arg UNUSED)
{
	static const struct { const char *type, *title, *description; bool portal; } fields[] = {
		{ "subject", "Subject", "", true }, { "description", "Description", "Please enter the details of your request.", true },
		{ "status", "Status", "Request status", false }, { "tickettype", "Type", "Request type", false },
		{ "priority", "Priority", "Request priority", false }, { "group", "Group", "Request group", false },
		{ "assignee", "Assignee", "Agent assigned to your request", false }, { "custom_status", "Ticket status", "Ticket status", false },
	};
	static const struct { const char *category, *label; } statuses[] = {
		{ "new", "New" }, { "open", "Open" }, { "pending", "Pending" }, { "hold", "On-hold" }, { "solved", "Solved" },
	};
	struct row r;
	json_t *in, *ids = json_array();
	struct def d;

	arena_defer(cx->arena, (void (*)(void *))json_decref, ids);
	TRY(store_one(cx, &def_count, ARGS(INT(cx->account)), &r));
	if (row_int(&r, 0) != 0)
		return OK;
	for (size_t i = 0; i < COUNT(fields); i++) {
		in = json_pack("{s:s,s:s,s:s,s:s,s:i,s:b,s:b,s:b,s:b,s:b}", "type", fields[i].type, "title", fields[i].title,
		    "title_in_portal", fields[i].title, "description", fields[i].description, "position", (int)i + 1,
		    "removable", 0, "required", fields[i].portal, "visible_in_portal", fields[i].portal, "editable_in_portal",
		    fields[i].portal, "required_in_portal", fields[i].portal);
		arena_defer(cx->arena, (void (*)(void *))json_decref, in);
		TRY(change_tx(cx, &(struct change){ .kind = DEF_TICKET_FIELD, .in = in, .ours = true, .out = &d }));
		json_array_append_new(ids, json_integer(d.id));
	}
	in = json_pack("{s:s,s:b,s:b,s:i,s:O}", "name", "Default Ticket Form", "default", 1, "end_user_visible", 1, "position", 1,
	    "ticket_field_ids", ids);
	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	TRY(change_tx(cx, &(struct change){ .kind = DEF_TICKET_FORM, .in = in, .ours = true }));
	for (size_t i = 0; i < COUNT(statuses); i++) {
		in = json_pack("{s:s,s:s,s:s,s:b}", "status_category", statuses[i].category, "agent_label", statuses[i].label,
		    "end_user_label", i == 3 ? "Open" : statuses[i].label, "default", 1);
		arena_defer(cx->arena, (void (*)(void *))json_decref, in);
		TRY(change_tx(cx, &(struct change){ .kind = DEF_STATUS, .in = in, .ours = true }));
	}
	in = json_pack("{s:s,s:s,s:b}", "name", "Help desk", "subdomain", "desk", "default", 1);
	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	return change_tx(cx, &(struct change){ .kind = DEF_BRAND, .in = in, .ours = true });
}

static enum err
officer_tx(struct ctx *cx, void *arg UNUSED)
{
	struct defs *d;
	json_t *in;

	TRY(defs_load(cx, &d));
	arena_defer(cx->arena, defs_drop, d);
	if (role_officer(d) != NULL)
		return OK;
	in = role_officer_new(d);
	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	return change_tx(cx, &(struct change){ .kind = DEF_ROLE, .in = in, .ours = true });
}

/* Schedules were only kept until there were runs of them. What was switched on before that waits until an administrator
 * has seen what it would delete. */
static enum err
schedules_pause(struct ctx *cx, const struct defs *d)
{
	enum { RUNS_SINCE = 160 };           /* the migration that brought them */
	int n;
	const struct def *const *all = def_all(d, DEF_SCHEDULE, &n);
	struct row r;
	json_t *in;

	for (int i = 0; i < n; i++) {
		struct def out;
		if (!all[i]->active)
			continue;
		TRY(store_one(cx, &deleting_since, ARGS(INT(RUNS_SINCE)), &r));
		if (all[i]->updated_at >= row_int(&r, 0))
			continue;
		in = json_pack("{s:b,s:s}", "active", 0, "ward_paused", "upgrade");
		arena_defer(cx->arena, (void (*)(void *))json_decref, in);
		TRY(def_set(cx, DEF_SCHEDULE, all[i]->id, in, &out));
	}
	return OK;
}

enum err
defs_seed(struct ctx *cx)
{
	const struct defs *d;

	TRY(defs_get(cx, &d));
	if (d->count == 0)
		TRY(store_write(cx, seed_tx, NULL));
	TRY(schedules_pause(cx, d));
	return role_officer(d) != NULL ? OK : store_write(cx, officer_tx, NULL);
}
