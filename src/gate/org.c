/* org.c - organizations: what requesters belong to. */
#include <jansson.h>

#include "gate/inside.h"

enum err (*gate_on_org_deleted)(struct ctx *cx, int64_t organization_id);
enum err (*gate_fields)(struct ctx *cx, bool organization, sensitive now, sensitive change, sensitive *out);
enum err (*gate_on_org_changed)(struct ctx *cx, const struct organization *o);

/* Tags inside the sealed doc; never reused. */
enum { DOC_NAME = 1, DOC_DETAILS, DOC_NOTES, DOC_EXTERNAL_ID, DOC_TAGS, DOC_DOMAINS, DOC_FIELDS };

static const struct text_member {
	enum org_has bit;
	uint8_t      tag;
	bool         is_json;
	size_t       at, max;
	const char  *field, *too_long;
} members[] = {
	{ ORG_NAME,        DOC_NAME,        false, offsetof(struct organization, name),         255, "name",
	  "Name: is too long (maximum is 255 bytes)" },
	{ ORG_DETAILS,     DOC_DETAILS,     false, offsetof(struct organization, details),      65535, "details",
	  "Details: is too long (maximum is 65535 bytes)" },
	{ ORG_NOTES,       DOC_NOTES,       false, offsetof(struct organization, notes),        65535, "notes",
	  "Notes: is too long (maximum is 65535 bytes)" },
	{ ORG_EXTERNAL_ID, DOC_EXTERNAL_ID, false, offsetof(struct organization, external_id),  255, "external_id",
	  "External ID: is too long (maximum is 255 bytes)" },
	{ ORG_TAGS,        DOC_TAGS,        true,  offsetof(struct organization, tags),         65535, "tags",
	  "Tags: is too long or not a list" },
	{ ORG_DOMAINS,     DOC_DOMAINS,     true,  offsetof(struct organization, domain_names), 65535, "domain_names",
	  "Domain names: is too long or not a list" },
	{ ORG_FIELDS,      DOC_FIELDS,      true,  offsetof(struct organization, fields),       65535, "organization_fields",
	  "Organization fields: is too long or not an object" },
};

/* ---- SQL ------------------------------------------------------------------------------------------- */

#define ORG_COLS "o.id, o.data_key, o.group_id, o.shared_tickets, o.shared_comments, o.created_at, o.updated_at, o.doc"
#define ORG_KINDS "iii?iiiiS"
#define ORG_DOC .seal_out = { { "organization", "doc", 0 } }

const struct stmt st_org_insert = {
	.name = "organization.insert",
	.sql  = "INSERT INTO organization (account_id, id, data_key, group_id, shared_tickets, shared_comments,"
	        " name_x, external_id_x, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
	.in   = "iiii?iiXX?iS",
	.seal_in = { { "organization", "doc", 1 } },
	.blind = { "organization.name", "organization.external_id" },
};

const struct stmt st_org_update = {
	.name = "organization.update",
	.sql  = "UPDATE organization SET group_id = $3, shared_tickets = $4, shared_comments = $5, name_x = $6,"
	        " external_id_x = $7, updated_at = $8, doc = $9 WHERE account_id = $1 AND id = $2",
	.in   = "iii?iiXX?iS",
	.seal_in = { { "organization", "doc", 1 } },
	.blind = { "organization.name", "organization.external_id" },
};

const struct stmt st_org_delete = {
	.name = "organization.delete",
	.sql  = "DELETE FROM organization WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

const struct stmt st_org_by_id = {
	.name = "organization.by_id",
	.sql  = "SELECT " ORG_COLS " FROM organization o WHERE o.account_id = $1 AND o.id = $2",
	.in   = "ii", .out = ORG_KINDS, ORG_DOC,
};

const struct stmt st_org_by_name = {
	.name = "organization.by_name",
	.sql  = "SELECT " ORG_COLS " FROM organization o WHERE o.account_id = $1 AND o.name_x = $2",
	.in   = "iX", .out = ORG_KINDS, ORG_DOC, .blind = { "organization.name" },
};

const struct stmt st_org_by_external = {
	.name = "organization.by_external_id",
	.sql  = "SELECT " ORG_COLS " FROM organization o WHERE o.account_id = $1 AND o.external_id_x = $2",
	.in   = "iX", .out = ORG_KINDS, ORG_DOC, .blind = { "organization.external_id" },
};

const struct stmt st_org_many = {
	.name = "organization.many",
	.sql  = "SELECT " ORG_COLS " FROM organization o WHERE o.account_id = $1"
	        " AND o.id IN (SELECT value FROM json_each($2)) ORDER BY o.id",
	.pg   = "SELECT " ORG_COLS " FROM organization o WHERE o.account_id = $1"
	        " AND o.id IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($2 AS json)))"
	        " ORDER BY o.id",
	.in   = "it", .out = ORG_KINDS, ORG_DOC,
};

#define ORG_PAGE(order) \
	"SELECT " ORG_COLS " FROM organization o JOIN (SELECT id FROM organization" \
	" WHERE account_id = $1 AND id > $2 AND id < $3 ORDER BY id " order " LIMIT $4 OFFSET $5) p" \
	" ON o.account_id = $1 AND o.id = p.id ORDER BY o.id " order
const struct stmt st_org_page_up = { .name = "organization.page_up", .sql = ORG_PAGE("ASC"),
	.in = "iiiii", .out = ORG_KINDS, ORG_DOC };
const struct stmt st_org_page_down = { .name = "organization.page_down", .sql = ORG_PAGE("DESC"),
	.in = "iiiii", .out = ORG_KINDS, ORG_DOC };

const struct stmt st_org_shared = {
	.name = "organization.shared",
	.sql  = "SELECT shared_tickets FROM organization WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "i",
};

const struct stmt st_org_leave_group = {
	.name = "organization.leave_group",
	.sql  = "UPDATE organization SET group_id = NULL, updated_at = $3 WHERE account_id = $1 AND group_id = $2",
	.in   = "iii",
};

const struct stmt st_org_changed = {
	.name = "organization.changed",
	.sql  = "SELECT " ORG_COLS " FROM organization o WHERE o.account_id = $1 AND (o.updated_at, o.id) > ($2, $3)"
	        " ORDER BY o.updated_at, o.id LIMIT $4",
	.in   = "iiii", .out = ORG_KINDS, ORG_DOC,
};

/* ---- the doc ------------------------------------------------------------------------------------------- */

static sensitive
text_of(const struct organization *o, const struct text_member *m)
{
	return *(const sensitive *)(const void *)((const char *)o + m->at);
}

static void
text_set(struct organization *o, const struct text_member *m, sensitive v)
{
	*(sensitive *)(void *)((char *)o + m->at) = v;
}

static sensitive
doc_pack(struct ctx *cx, const struct organization *o)
{
	struct buf b;

	buf_init(&b, cx->arena, 1 * MiB);
	for (size_t i = 0; i < COUNT(members); i++) {
		str v = reveal(cx, text_of(o, &members[i]), TO_STORE);

		if (v.n > 0)
			pack_put(&b, members[i].tag, v);
	}
	return HIDE(buf_str(&b));
}

static struct organization
org_of(struct ctx *cx, const struct row *r)
{
	struct organization o = {
		.id = row_int(r, 0), .key = row_int(r, 1), .group_id = row_int(r, 2),
		.shared_tickets = row_int(r, 3) != 0, .shared_comments = row_int(r, 4) != 0,
		.created_at = row_int(r, 5), .updated_at = row_int(r, 6),
		.tags = HIDE(S("[]")), .domain_names = HIDE(S("[]")), .fields = HIDE(S("{}")),
	};
	str rest = reveal(cx, row_sensitive(r, 7), TO_STORE), value;
	uint8_t tag;

	if (row_erased(r, 7))
		o.name = HIDE(S("Erased organization"));
	while (pack_next(&rest, &tag, &value))
		for (size_t i = 0; i < COUNT(members); i++)
			if (members[i].tag == tag)
				text_set(&o, &members[i], HIDE(value));
	return o;
}

static enum err
org_find(struct ctx *cx, const struct stmt *st, struct arg by, struct organization *out)
{
	struct row row;
	bool found;

	TRY(find_one(cx, st, ARGS(INT(cx->account), by), &row, &found));
	if (!found)
		return fail(cx, E_ABSENT, NULL, "Not found");
	*out = org_of(cx, &row);
	return OK;
}

enum err
org_known(struct ctx *cx, int64_t id, bool *known)
{
	struct row row;

	return find_one(cx, &st_org_shared, ARGS(INT(cx->account), INT(id)), &row, known);
}

/* ---- changing ---------------------------------------------------------------------------------------------- */

static enum err
org_trail(struct ctx *cx, const char *action, const struct organization *was, const struct organization *is,
    bool *changed)
{
	struct changes c;

	changes_init(cx, &c, (int)COUNT(members) + 3);
	for (size_t i = 0; i < COUNT(members); i++)
		changes_text(&c, members[i].field, text_of(was, &members[i]), text_of(is, &members[i]));
	changes_int(cx, &c, "group_id", was->group_id, is->group_id);
	if (was->shared_tickets != is->shared_tickets)
		changes_word(&c, "shared_tickets", was->shared_tickets ? "true" : "false",
		    is->shared_tickets ? "true" : "false");
	if (was->shared_comments != is->shared_comments)
		changes_word(&c, "shared_comments", was->shared_comments ? "true" : "false",
		    is->shared_comments ? "true" : "false");
	*changed = c.count > 0;
	if (c.count == 0)
		return OK;
	return trail_append(cx, &(struct event){ .action = action, .object = "organization",
	    .id = is->id != 0 ? is->id : was->id, .key = is->id != 0 ? is->key : was->key,
	    .field = c.field, .count = c.count });
}

static struct organization
org_with(const struct organization *was, unsigned has, const struct organization *in)
{
	struct organization o = *was;

	for (size_t i = 0; i < COUNT(members); i++)
		if (has & members[i].bit)
			text_set(&o, &members[i], text_of(in, &members[i]));
	if (has & ORG_NAME)
		o.name = HIDE(str_trim(in->name.hidden));
	if (o.tags.hidden.n == 0)
		o.tags = HIDE(S("[]"));
	if (o.domain_names.hidden.n == 0)
		o.domain_names = HIDE(S("[]"));
	if (o.fields.hidden.n == 0)
		o.fields = HIDE(S("{}"));
	if (has & ORG_GROUP)
		o.group_id = in->group_id;
	if (has & ORG_SHARED_TICKETS)
		o.shared_tickets = in->shared_tickets;
	if (has & ORG_SHARED_COMMENTS)
		o.shared_comments = in->shared_comments;
	return o;
}

static enum err
taken(struct ctx *cx, const struct stmt *st, sensitive folded, int64_t id, bool *yes)
{
	struct row row;

	*yes = false;
	if (folded.hidden.n == 0)
		return OK;
	TRY(find_one(cx, st, ARGS(INT(cx->account), BLIND(folded)), &row, yes));
	*yes = *yes && row_int(&row, 0) != id;
	return OK;
}

static enum err
org_check(struct ctx *cx, unsigned has, const struct organization *o)
{
	bool yes;

	for (size_t i = 0; i < COUNT(members); i++) {
		str v = reveal(cx, text_of(o, &members[i]), TO_STORE);

		if (!(has & members[i].bit))
			continue;
		if (v.n > members[i].max || !utf8_valid(v) ||
		    (members[i].is_json && !shaped_json(cx, v, members[i].bit == ORG_FIELDS)))
			bad(cx, members[i].field, "InvalidValue", members[i].too_long);
	}
	if (o->name.hidden.n == 0)
		bad(cx, "name", "BlankValue", "Name: cannot be blank");
	TRY(taken(cx, &st_org_by_name, fold(cx, o->name), o->id, &yes));
	if (yes)
		bad(cx, "name", "DuplicateValue", "Name: has already been taken");
	TRY(taken(cx, &st_org_by_external, fold(cx, o->external_id), o->id, &yes));
	if (yes)
		bad(cx, "external_id", "DuplicateValue", "External ID: has already been taken");
	if ((has & ORG_GROUP) && o->group_id != 0) {
		TRY(group_known(cx, o->group_id, &yes));
		if (!yes)
			bad(cx, "group_id", "InvalidValue", "Group: is not known");
	}
	return bad_check(cx);
}

struct org_call { int64_t id; unsigned has; const struct organization *in; struct organization *out; };

static enum err
org_create_tx(struct ctx *cx, void *arg)
{
	static const struct organization none;
	struct org_call *call = arg;
	struct organization o = org_with(&none, call->has, call->in);
	bool changed;

	TRY(gate_may(cx, MAY_WRITE_ORGS, NULL));
	if ((call->has & ORG_FIELDS) && gate_fields != NULL)
		TRY(gate_fields(cx, true, none.fields, call->in->fields, &o.fields));
	TRY(org_check(cx, call->has | ORG_NAME, &o));
	TRY(store_next_id(cx, "organization", &o.id));
	TRY(store_key_new(cx, &o.key));
	o.created_at = o.updated_at = cx->now;
	TRY(store_exec(cx, &st_org_insert, ARGS(INT(cx->account), INT(o.id), INT(o.key), ID(o.group_id),
	    INT(o.shared_tickets), INT(o.shared_comments), BLIND(fold(cx, o.name)),
	    blind_or_nil(fold(cx, o.external_id)), INT(cx->now), SEALED(o.key, doc_pack(cx, &o))), NULL));
	TRY(counter_add(cx, "organizations", 0, 1));
	TRY(domains_changed(cx, &o));
	TRY(org_trail(cx, "organization.create", &none, &o, &changed));
	if (gate_on_org_changed != NULL)
		TRY(gate_on_org_changed(cx, &o));
	*call->out = o;
	return OK;
}

enum err
org_create(struct ctx *cx, unsigned has, const struct organization *in, struct organization *out)
{
	return store_write(cx, org_create_tx, &(struct org_call){ 0, has, in, out });
}

static enum err
org_update_tx(struct ctx *cx, void *arg)
{
	struct org_call *call = arg;
	struct organization was, is;
	bool changed;

	TRY(gate_may(cx, MAY_WRITE_ORGS, NULL));
	TRY(org_find(cx, &st_org_by_id, INT(call->id), &was));
	is = org_with(&was, call->has, call->in);
	if ((call->has & ORG_FIELDS) && gate_fields != NULL)
		TRY(gate_fields(cx, true, was.fields, call->in->fields, &is.fields));
	TRY(org_check(cx, call->has, &is));
	TRY(org_trail(cx, "organization.update", &was, &is, &changed));
	if (changed) {
		is.updated_at = cx->now;
		TRY(store_exec(cx, &st_org_update, ARGS(INT(cx->account), INT(is.id), ID(is.group_id),
		    INT(is.shared_tickets), INT(is.shared_comments), BLIND(fold(cx, is.name)),
		    blind_or_nil(fold(cx, is.external_id)), INT(is.updated_at),
		    SEALED(is.key, doc_pack(cx, &is))), NULL));
		if (call->has & ORG_DOMAINS)
			TRY(domains_changed(cx, &is));
		if (gate_on_org_changed != NULL)
			TRY(gate_on_org_changed(cx, &is));
	}
	*call->out = is;
	return OK;
}

enum err
org_update(struct ctx *cx, int64_t id, unsigned has, const struct organization *in, struct organization *out)
{
	return store_write(cx, org_update_tx, &(struct org_call){ id, has, in, out });
}

static enum err
org_delete_tx(struct ctx *cx, void *arg)
{
	static const struct organization none;
	int64_t id = *(int64_t *)arg, n;
	struct organization was;
	bool changed;

	TRY(gate_may(cx, MAY_WRITE_ORGS, NULL));
	TRY(org_find(cx, &st_org_by_id, INT(id), &was));
	if (gate_on_org_deleted != NULL)
		TRY(gate_on_org_deleted(cx, id));
	for (int64_t role = ROLE_END_USER; role <= ROLE_ADMIN; role++) {
		TRY(counter_sum(cx, "org_users", (const int64_t[]){ id * 4 + role }, 1, &n));
		if (n != 0)
			TRY(counter_add(cx, "org_users", id * 4 + role, -n));
	}
	TRY(store_exec(cx, &st_user_drop_org, ARGS(INT(cx->account), INT(id), INT(gate_stamp(cx))), NULL));
	TRY(belong_org_gone(cx, id));
	TRY(store_exec(cx, &st_org_delete, ARGS(INT(cx->account), INT(id)), NULL));
	TRY(counter_add(cx, "organizations", 0, -1));
	gate_changed(cx);
	TRY(org_trail(cx, "organization.delete", &was, &none, &changed));
	return OK;
}

enum err
org_delete(struct ctx *cx, int64_t id)
{
	return store_write(cx, org_delete_tx, &id);
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

enum err
org_get(struct ctx *cx, int64_t id, struct organization *out)
{
	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	return org_find(cx, &st_org_by_id, INT(id), out);
}

enum err
org_by_name(struct ctx *cx, str name, struct organization *out)
{
	return org_find(cx, &st_org_by_name, BLIND(fold(cx, HIDE(name))), out);
}

enum err
org_by_external_id(struct ctx *cx, str external_id, struct organization *out)
{
	return org_find(cx, &st_org_by_external, BLIND(fold(cx, HIDE(external_id))), out);
}

static void
orgs_out(struct ctx *cx, const struct rows *rows, bool reverse, struct organization **out, int *count)
{
	struct organization *o = NEW(cx->arena, struct organization, (size_t)rows->count + 1);

	for (int i = 0; i < rows->count; i++)
		o[i] = org_of(cx, &rows->row[reverse ? rows->count - 1 - i : i]);
	*out = o;
	*count = rows->count;
}

enum err
org_many(struct ctx *cx, const int64_t *ids, int n, struct organization **out, int *count)
{
	struct rows rows;

	TRY(store_all(cx, &st_org_many, ARGS(INT(cx->account), TEXT(ids_json(cx, ids, n))), &rows));
	orgs_out(cx, &rows, false, out, count);
	return OK;
}

enum err
org_list(struct ctx *cx, int64_t after, int64_t before, int64_t offset, int limit, struct organization **out,
    int *count)
{
	struct page p = page_of(after, before, offset, limit, false);
	struct rows rows;

	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	TRY(store_all(cx, p.down ? &st_org_page_down : &st_org_page_up, ARGS(INT(cx->account), INT(p.lo),
	    INT(p.hi), INT(p.limit), INT(p.offset)), &rows));
	orgs_out(cx, &rows, p.reverse, out, count);
	return OK;
}

enum err
org_changed(struct ctx *cx, usec at, int64_t id, int limit, struct organization **out, int *count)
{
	struct rows rows;

	TRY(gate_may(cx, MAY_EXPORT, NULL));
	TRY(store_all(cx, &st_org_changed, ARGS(INT(cx->account), INT(at), INT(id), INT(limit)), &rows));
	orgs_out(cx, &rows, false, out, count);
	return OK;
}

enum err
org_count(struct ctx *cx, int64_t *count)
{
	TRY(gate_may(cx, MAY_READ_ORGS, NULL));
	return counter_sum(cx, "organizations", (const int64_t[]){ 0 }, 1, count);
}
