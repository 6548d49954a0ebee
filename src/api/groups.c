/* groups.c - /api/v2/groups, /group_memberships and /organizations. */
#include "api/in.h"

static const char *const sorts[] = { "id", NULL };

/* ---- groups ---------------------------------------------------------------------------------------------------- */

struct group_in { sensitive name, description; bool is_public, is_default; };
static const struct field group_table[] = {
	{ "name",        F_TEXT, offsetof(struct group_in, name),        GROUP_NAME,        true  },
	{ "description", F_TEXT, offsetof(struct group_in, description), GROUP_DESCRIPTION, true  },
	{ "is_public",   F_BOOL, offsetof(struct group_in, is_public),   GROUP_PUBLIC,      false },
	{ "default",     F_BOOL, offsetof(struct group_in, is_default),  GROUP_DEFAULT,     false },
};

const struct fieldset group_fieldset = { group_table, COUNT(group_table) };

static enum err
group_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct group *g)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "group");
	json_group(&j, cx, z_of(cx, api_base(cx, rq)), g);
	jw_end_obj(&j);
	return OK;
}

/* Group names are the house's own structure, not a person's: plain text. */
static enum err
group_read(struct ctx *cx, struct http_req *rq, struct http_reply *rp, unsigned *has, struct group *g, bool *ok)
{
	struct group_in in = { 0 };
	const json_t *obj;

	*ok = false;
	TRY(api_body(cx, rq, rp, "group", &obj));
	if (obj == NULL)
		return OK;
	api_fields(cx, obj, group_table, COUNT(group_table), &in, has);
	*g = (struct group){ .name = reveal(cx, in.name, TO_STORE), .description = reveal(cx, in.description, TO_STORE),
	    .is_public = in.is_public, .is_default = in.is_default };
	*ok = true;
	return OK;
}

static enum err
groups(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t user = rq->param[0], total = 0;
	struct paging p;
	struct group *g;
	struct json j;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	if (user != 0) {
		struct user u;
		TRY(user_get(cx, user, &u));
	}
	TRY(group_list(cx, user, p.after ? p.id : 0, p.before ? p.id : 0, p.offset, p.limit + (p.cursor ? 1 : 0), &g, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			g++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(group_count(cx, user, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "groups");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_group(&j, cx, base, &g[i]);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ g[0].id, g[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ g[n - 1].id, g[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return OK;
}

static enum err
groups_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t n;

	(void)rq;
	TRY(group_count(cx, 0, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
group_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct group g;

	TRY(group_get(cx, rq->param[0], &g));
	return group_reply(cx, rq, rp, 200, &g);
}

static enum err
group_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct group in, g;
	unsigned has = 0;
	bool ok;

	TRY(group_read(cx, rq, rp, &has, &in, &ok));
	if (!ok)
		return OK;
	if (!(has & GROUP_PUBLIC)) {
		in.is_public = true;
		has |= GROUP_PUBLIC;
	}
	TRY(group_create(cx, has, &in, &g));
	api_location(cx, rq, rp, "groups", g.id);
	return group_reply(cx, rq, rp, 201, &g);
}

static enum err
group_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct group in, g;
	unsigned has = 0;
	bool ok;

	TRY(group_read(cx, rq, rp, &has, &in, &ok));
	if (!ok)
		return OK;
	TRY(group_update(cx, rq->param[0], has, &in, &g));
	return group_reply(cx, rq, rp, 200, &g);
}

static enum err
group_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(group_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* ---- memberships -------------------------------------------------------------------------------------------------- */

static enum err
membership_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct membership *m)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "group_membership");
	json_membership(&j, cx, z_of(cx, api_base(cx, rq)), m);
	jw_end_obj(&j);
	return OK;
}

static enum err
memberships_with(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t user, int64_t group)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct membership *m;
	struct json j;
	int64_t total = 0, *ids;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(membership_list(cx, user, group, p.after ? p.id : 0, p.before ? p.id : 0, p.offset,
	    p.limit + (p.cursor ? 1 : 0), &m, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			m++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(membership_count(cx, user, group, &total));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "group_memberships");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_membership(&j, cx, base, &m[i]);
	jw_end_arr(&j);
	if (api_includes(rq, "users")) {
		for (int i = 0; i < n; i++)
			ids[i] = m[i].user_id;
		TRY(sideload_users(&j, cx, base, ids, n));
	}
	if (api_includes(rq, "groups")) {
		for (int i = 0; i < n; i++)
			ids[i] = m[i].group_id;
		TRY(sideload_groups(&j, cx, base, ids, n));
	}
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ m[0].id, m[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ m[n - 1].id, m[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return OK;
}

static enum err
memberships(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return memberships_with(cx, rq, rp, 0, 0);
}

static enum err
memberships_of_user(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return memberships_with(cx, rq, rp, rq->param[0], 0);
}

static enum err
memberships_of_group(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct group g;

	TRY(group_get(cx, rq->param[0], &g));
	return memberships_with(cx, rq, rp, 0, g.id);
}

static enum err
membership_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct membership m;

	TRY(membership_get(cx, rq->param[rq->param[1] ? 1 : 0], &m));
	if (rq->param[1] && m.user_id != rq->param[0])
		return fail(cx, E_ABSENT, NULL, "no such membership");
	return membership_reply(cx, rq, rp, 200, &m);
}

static enum err
membership_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct { int64_t user_id, group_id; bool is_default; } in = { 0 };
	static const struct field table[] = {
		{ "user_id",  F_ID,   0,  1, false },
		{ "group_id", F_ID,   8,  2, false },
		{ "default",  F_BOOL, 16, 4, false },
	};
	struct membership m;
	const json_t *obj;
	unsigned has = 0;

	_Static_assert(sizeof(int64_t) == 8, "the table above counts on it");
	TRY(api_body(cx, rq, rp, "group_membership", &obj));
	if (obj == NULL)
		return OK;
	api_fields(cx, obj, table, COUNT(table), &in, &has);
	if (rq->param[0])
		in.user_id = rq->param[0];
	if (in.user_id == 0 && !(has & 1) && cx->bad == NULL)
		bad(cx, "user_id", "BlankValue", "User: cannot be blank");
	if (in.group_id == 0 && !(has & 2))
		bad(cx, "group_id", "BlankValue", "Group: cannot be blank");
	TRY(bad_check(cx));
	TRY(membership_create(cx, in.user_id, in.group_id, in.is_default, &m));
	api_location(cx, rq, rp, "group_memberships", m.id);
	return membership_reply(cx, rq, rp, 201, &m);
}

static enum err
membership_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct membership m;
	int64_t id = rq->param[rq->param[1] ? 1 : 0];

	if (rq->param[1]) {
		TRY(membership_get(cx, id, &m));
		if (m.user_id != rq->param[0])
			return fail(cx, E_ABSENT, NULL, "no such membership");
	}
	TRY(membership_delete(cx, id));
	api_empty(rp, 204);
	return OK;
}

static enum err
membership_default(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct membership m;

	TRY(membership_get(cx, rq->param[1], &m));
	if (m.user_id != rq->param[0])
		return fail(cx, E_ABSENT, NULL, "no such membership");
	TRY(membership_make_default(cx, m.id));
	return memberships_with(cx, rq, rp, rq->param[0], 0);
}

const struct route group_routes[] = {
	{ GET,    "/api/v2/groups",                       MAY_READ_GROUPS,  0,        groups,               0 },
	{ POST,   "/api/v2/groups",                       MAY_WRITE_GROUPS, 64 * KiB, group_post,           0 },
	{ GET,    "/api/v2/groups/{id}",                  MAY_READ_GROUPS,  0,        group_show,           0 },
	{ PUT,    "/api/v2/groups/{id}",                  MAY_WRITE_GROUPS, 64 * KiB, group_put,            0 },
	{ DELETE, "/api/v2/groups/{id}",                  MAY_WRITE_GROUPS, 0,        group_remove,         0 },
	{ GET,    "/api/v2/groups/count",                 MAY_READ_GROUPS,  0,        groups_count,         0 },
	{ GET,    "/api/v2/groups/assignable",            MAY_READ_GROUPS,  0,        groups,               0 },
	{ GET,    "/api/v2/users/{id}/groups",            MAY_READ_GROUPS,  0,        groups,               0 },
	{ GET,    "/api/v2/group_memberships",            MAY_READ_GROUPS,  0,        memberships,          0 },
	{ GET,    "/api/v2/group_memberships/assignable", MAY_READ_GROUPS,  0,        memberships,          0 },
	{ POST,   "/api/v2/group_memberships",            MAY_WRITE_GROUPS, 64 * KiB, membership_post,      0 },
	{ GET,    "/api/v2/group_memberships/{id}",       MAY_READ_GROUPS,  0,        membership_show,      0 },
	{ DELETE, "/api/v2/group_memberships/{id}",       MAY_WRITE_GROUPS, 0,        membership_remove,    0 },
	{ GET,    "/api/v2/users/{id}/group_memberships", MAY_READ_GROUPS,  0,        memberships_of_user,  0 },
	{ POST,   "/api/v2/users/{id}/group_memberships", MAY_WRITE_GROUPS, 64 * KiB, membership_post,      0 },
	{ GET,    "/api/v2/users/{id}/group_memberships/{id}", MAY_READ_GROUPS, 0,    membership_show,      0 },
	{ DELETE, "/api/v2/users/{id}/group_memberships/{id}", MAY_WRITE_GROUPS, 0,   membership_remove,    0 },
	{ PUT,    "/api/v2/users/{id}/group_memberships/{id}/make_default", MAY_WRITE_GROUPS, 64 * KiB, membership_default, 0 },
	{ GET,    "/api/v2/groups/{id}/memberships/assignable", MAY_READ_GROUPS, 0,   memberships_of_group, 0 },
	{ GET,    "/api/v2/groups/{id}/memberships",      MAY_READ_GROUPS,  0,        memberships_of_group, 0 },
	{ 0 }
};

/* ---- organizations ------------------------------------------------------------------------------------------------- */

static const struct field org_table[] = {
	{ "name",            F_TEXT,  offsetof(struct organization, name),            ORG_NAME,            true  },
	{ "details",         F_TEXT,  offsetof(struct organization, details),         ORG_DETAILS,         true  },
	{ "notes",           F_TEXT,  offsetof(struct organization, notes),           ORG_NOTES,           true  },
	{ "external_id",     F_TEXT,  offsetof(struct organization, external_id),     ORG_EXTERNAL_ID,     true  },
	{ "tags",            F_TAGS,  offsetof(struct organization, tags),            ORG_TAGS,            true  },
	{ "domain_names",    F_WORDS, offsetof(struct organization, domain_names),    ORG_DOMAINS,         true  },
	{ "group_id",        F_ID,    offsetof(struct organization, group_id),        ORG_GROUP,           true  },
	{ "shared_tickets",  F_BOOL,  offsetof(struct organization, shared_tickets),  ORG_SHARED_TICKETS,  false },
	{ "shared_comments", F_BOOL,  offsetof(struct organization, shared_comments), ORG_SHARED_COMMENTS, false },
};
const struct fieldset org_fieldset = { org_table, COUNT(org_table) };

unsigned
org_fields(struct ctx *cx, const json_t *obj, struct organization *o)
{
	const json_t *v;
	unsigned has = 0;

	api_fields(cx, obj, org_table, COUNT(org_table), o, &has);
	if ((v = json_object_get(obj, "organization_fields")) != NULL && !json_is_null(v)) {
		if (json_is_object(v)) {
			o->fields = HIDE(json_compact(cx, v));
			has |= ORG_FIELDS;
		} else
			bad(cx, "organization_fields", "InvalidValue", "Organization fields: must be an object");
	}
	return has;
}

#define ORG_SHOWN "name,details,notes,external_id,domain_names"

static enum err
org_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct organization *o)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "organization");
	json_org(&j, cx, z_of(cx, api_base(cx, rq)), o);
	jw_end_obj(&j);
	return look_one(cx, "organization", o->id, ORG_SHOWN);
}

static enum err
orgs_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct organization *o, int n,
    const struct paging *p, bool more, int64_t total)
{
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t *ids = NEW(cx->arena, int64_t, n + 1);
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organizations");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_org(&j, cx, base, &o[i]);
		ids[i] = o[i].id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, p, n, p->before ? true : more, n ? (struct place){ o[0].id, o[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ o[n - 1].id, o[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return n ? trail_look(cx, "organization", ids, n, ORG_SHOWN) : OK;
}

static enum err
orgs(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct paging p;
	struct organization *o;
	int64_t total = 0;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(org_list(cx, p.after ? p.id : 0, p.before ? p.id : 0, p.offset, p.limit + (p.cursor ? 1 : 0), &o, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			o++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(org_count(cx, &total));
	return orgs_reply(cx, rq, rp, o, n, &p, more, total);
}

static enum err
orgs_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t n;

	(void)rq;
	TRY(org_count(cx, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
org_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization o;

	TRY(org_get(cx, rq->param[0], &o));
	return org_reply(cx, rq, rp, 200, &o);
}

static enum err
org_of_external(struct ctx *cx, str external, int64_t *id)
{
	struct organization x;

	TRY(org_by_external_id(cx, external, &x));
	*id = x.id;
	return OK;
}

static enum err
orgs_show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct paging p = { .limit = 100, .page = 1 };
	struct organization *o;
	int64_t *ids;
	int n, got;

	if (!api_ids_or_external(cx, rq, rp, org_of_external, &ids, &n))
		return OK;
	n = ids_unique(ids, n);
	TRY(org_many(cx, ids, n, &o, &got));
	return orgs_reply(cx, rq, rp, o, got, &p, false, got);
}

static enum err
org_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization in = { 0 }, o;
	const json_t *obj;
	unsigned has;

	TRY(api_body(cx, rq, rp, "organization", &obj));
	if (obj == NULL)
		return OK;
	has = org_fields(cx, obj, &in);
	TRY(org_create(cx, has, &in, &o));
	api_location(cx, rq, rp, "organizations", o.id);
	return org_reply(cx, rq, rp, 201, &o);
}

static enum err
org_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization in = { 0 }, o;
	const json_t *obj;
	unsigned has;

	TRY(api_body(cx, rq, rp, "organization", &obj));
	if (obj == NULL)
		return OK;
	has = org_fields(cx, obj, &in);
	TRY(org_update(cx, rq->param[0], has, &in, &o));
	return org_reply(cx, rq, rp, 200, &o);
}

static enum err
org_upsert(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization in = { 0 }, o;
	const json_t *obj;
	int64_t id = 0;
	unsigned has;
	enum err e = E_ABSENT;

	TRY(api_body(cx, rq, rp, "organization", &obj));
	if (obj == NULL)
		return OK;
	has = org_fields(cx, obj, &in);
	if (json_id(json_object_get(obj, "id"), &id) && id)
		e = org_get(cx, id, &o);
	else if (has & ORG_EXTERNAL_ID)
		e = org_by_external_id(cx, reveal(cx, in.external_id, TO_STORE), &o);
	if (e != OK && e != E_ABSENT)
		return e;
	fail_forget(cx);
	if (e == OK) {
		TRY(org_update(cx, o.id, has, &in, &o));
		return org_reply(cx, rq, rp, 200, &o);
	}
	TRY(org_create(cx, has, &in, &o));
	api_location(cx, rq, rp, "organizations", o.id);
	return org_reply(cx, rq, rp, 201, &o);
}

static enum err
org_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(org_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* ?external_id= or ?name= */
static enum err
orgs_search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *external = http_query(rq, "external_id"), *name = http_query(rq, "name");
	struct paging p = { .limit = 100, .page = 1 };
	struct organization o;
	enum err e;

	if (external == NULL && name == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter external_id or name is required");
	e = external ? org_by_external_id(cx, *external, &o) : org_by_name(cx, *name, &o);
	if (e != OK && e != E_ABSENT)
		return e;
	fail_clear(cx);
	return orgs_reply(cx, rq, rp, &o, e == OK, &p, false, e == OK);
}

static enum err
orgs_create_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	return queue_job(cx, rq, rp, JOB_ORGS_CREATE, json_object_get(obj, "organizations"), "organizations");
}

const struct route org_routes[] = {
	{ GET,    "/api/v2/organizations",                  MAY_READ_ORGS,  0,         orgs,             0 },
	{ POST,   "/api/v2/organizations",                  MAY_WRITE_ORGS, 256 * KiB, org_post,         0 },
	{ GET,    "/api/v2/organizations/{id}",             MAY_READ_ORGS,  0,         org_show,         0 },
	{ PUT,    "/api/v2/organizations/{id}",             MAY_WRITE_ORGS, 256 * KiB, org_put,          0 },
	{ DELETE, "/api/v2/organizations/{id}",             MAY_WRITE_ORGS, 0,         org_remove,       0 },
	{ GET,    "/api/v2/organizations/count",            MAY_READ_ORGS,  0,         orgs_count,       0 },
	{ GET,    "/api/v2/organizations/show_many",        MAY_READ_ORGS,  0,         orgs_show_many,   0 },
	{ GET,    "/api/v2/organizations/search",           MAY_READ_ORGS,  0,         orgs_search,      0 },
	{ POST,   "/api/v2/organizations/create_or_update", MAY_WRITE_ORGS, 256 * KiB, org_upsert,       0 },
	{ POST,   "/api/v2/organizations/create_many",      MAY_WRITE_ORGS, 8 * MiB,   orgs_create_many, 0 },
	{ 0 }
};
