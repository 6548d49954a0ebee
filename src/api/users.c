/* users.c - /api/v2/users. */
#include "api/in.h"

#define SHOWN "name,email,phone,external_id,details,notes,user_fields"

#define AT(m) offsetof(struct user_change, u.m)
static const struct field user_table[] = {
	{ "name",                  F_TEXT,  AT(name),                  USER_NAME,         true  },
	{ "email",                 F_TEXT,  AT(email),                 USER_EMAIL,        true  },
	{ "phone",                 F_TEXT,  AT(phone),                 USER_PHONE,        true  },
	{ "alias",                 F_TEXT,  AT(alias),                 USER_ALIAS,        true  },
	{ "details",               F_TEXT,  AT(details),               USER_DETAILS,      true  },
	{ "notes",                 F_TEXT,  AT(notes),                 USER_NOTES,        true  },
	{ "signature",             F_TEXT,  AT(signature),             USER_SIGNATURE,    true  },
	{ "external_id",           F_TEXT,  AT(external_id),           USER_EXTERNAL_ID,  true  },
	{ "locale",                F_PLAIN, AT(locale),                USER_LOCALE,       true  },
	{ "time_zone",             F_PLAIN, AT(time_zone),             USER_TIME_ZONE,    true  },
	{ "tags",                  F_TAGS,  AT(tags),                  USER_TAGS,         true  },
	{ "role",                  F_ROLE,  AT(role),                  USER_ROLE,         false },
	{ "ticket_restriction",    F_SEES,  AT(sees),                  USER_SEES,         true  },
	{ "custom_role_id",        F_ID,    AT(custom_role_id),        USER_CUSTOM_ROLE,  true  },
	{ "organization_id",       F_ID,    AT(organization_id),       USER_ORG,          true  },
	{ "default_group_id",      F_ID,    AT(default_group_id),      USER_GROUP,        true  },
	{ "suspended",             F_BOOL,  AT(suspended),             USER_SUSPENDED,    false },
	{ "verified",              F_BOOL,  AT(verified),              USER_VERIFIED,     false },
	{ "moderator",             F_BOOL,  AT(moderator),             USER_MODERATOR,    false },
	{ "only_private_comments", F_BOOL,  AT(only_private_comments), USER_PRIVATE_ONLY, false },
	{ "password",              F_TEXT,  offsetof(struct user_change, password), USER_PASSWORD, false },
};
#undef AT
const struct fieldset user_fieldset = { user_table, COUNT(user_table) };

static bool
is_of_type(const struct def *role, int64_t type)
{
	return def_int(role, "role_type") == type || (type == 1 && json_is_true(json_object_get(json_object_get(role->doc, "configuration"), "light_agent")));
}

/* The custom role that a light agent, a chat agent or a contributor shall have: the one that is named, else the only one. */
static void
role_of_type(struct ctx *cx, int64_t type, struct user_change *ch)
{
	int64_t named = (ch->has & USER_CUSTOM_ROLE) ? ch->u.custom_role_id : 0;
	const struct def *const *roles;
	const struct defs *d;
	int n, found = 0;

	if (defs_get(cx, &d) != OK) {
		bad(cx, "role_type", "InvalidValue", "Role type: the roles cannot be read now");
		return;
	}
	roles = def_all(d, DEF_ROLE, &n);
	for (int i = 0; i < n; i++)
		if (is_of_type(roles[i], type) && (named == 0 || roles[i]->id == named)) {
			ch->u.custom_role_id = roles[i]->id;
			found++;
		}
	if (found == 1)
		ch->has |= USER_CUSTOM_ROLE;
	else if (named != 0)
		bad(cx, "role_type", "InvalidValue", "Role type: is not the one of the custom role in custom_role_id");
	else if (found == 0)
		bad(cx, "role_type", "InvalidValue", "Role type: no custom role is of this type; make one, or set only_private_comments");
	else
		bad(cx, "role_type", "InvalidValue", "Role type: several custom roles are of this type; custom_role_id must say which");
}

/* Zendesk's word for what an agent is. It never makes more of somebody than the role says: what does not go with it is
 * refused, so that who was meant to be a light agent does not become a full one. */
static void
role_type(struct ctx *cx, const json_t *v, struct user_change *ch)
{
	int64_t type = json_is_integer(v) ? json_integer_value(v) : -1;
	bool said = (ch->has & USER_ROLE) != 0;

	if (type < 0 || type > 5)
		bad(cx, "role_type", "InvalidValue", "Role type: must be a number from 0 to 4");
	else if (type == 5)
		bad(cx, "role_type", "InvalidValue", "Role type: there are no billing administrators here");
	else if (type == 4) {
		if (!said || ch->u.role != ROLE_ADMIN)
			bad(cx, "role_type", "InvalidValue", "Role type: 4 is for users whose role is admin");
	} else if (type > 0)
		role_of_type(cx, type, ch);
	else if (said && ch->u.role == ROLE_AGENT && (!(ch->has & USER_CUSTOM_ROLE) || ch->u.custom_role_id == 0))
		bad(cx, "role_type", "InvalidValue", "Role type: 0 is for agents with a custom role; custom_role_id must say which");
}

void
user_fields(struct ctx *cx, const json_t *obj, struct user_change *ch)
{
	const json_t *v;

	api_fields(cx, obj, user_table, COUNT(user_table), ch, &ch->has);
	if ((v = json_object_get(obj, "role_type")) != NULL && !json_is_null(v))
		role_type(cx, v, ch);
	if ((v = json_object_get(obj, "user_fields")) != NULL && !json_is_null(v)) {
		if (json_is_object(v)) {
			ch->u.user_fields = HIDE(json_compact(cx, v));
			ch->has |= USER_FIELDS;
		} else
			bad(cx, "user_fields", "InvalidValue", "User fields: must be an object");
	}
	if (!(ch->has & USER_LOCALE) && (v = json_object_get(obj, "locale_id")) != NULL && !json_is_null(v)) {
		int64_t number = 0;
		ch->u.locale = json_id(v, &number) ? locale_named(number) : S("");
		if (ch->u.locale.n)
			ch->has |= USER_LOCALE;
		else
			bad(cx, "locale_id", "InvalidValue", "Locale: is not a known locale");
	}
	/* An organization by name, as clients may send it. */
	if ((v = json_object_get(obj, "organization")) != NULL && json_is_object(v)
	    && json_is_string(json_object_get(v, "name"))) {
		struct organization o;
		enum err e = org_by_name(cx, json_text(cx, json_object_get(v, "name")), &o);
		if (e == OK) {
			ch->u.organization_id = o.id;
			ch->has |= USER_ORG;
		} else {
			fail_forget(cx);
			bad(cx, "organization", "InvalidValue", "Organization: is not a known organization");
		}
	}
}

/* Open tickets of each: staff have those assigned to them, requesters those that they asked for. */
static enum err
open_counts(struct json *j, struct ctx *cx, const struct user *u, int n)
{
	jw_key(j, "open_ticket_count");
	jw_obj(j);
	for (int i = 0; i < n; i++) {
		struct ticket_filter f = { .status_mask = (1 << TICKET_SOLVED) - 1 };
		int64_t count;
		*(u[i].role >= ROLE_AGENT ? &f.assignee_id : &f.requester_id) = u[i].id;
		TRY(ticket_count(cx, &f, &count));
		jw_kint(j, z_of(cx, str_printf(cx->arena, "%lld", (long long)u[i].id)), count);
	}
	jw_end_obj(j);
	return OK;
}

/* What the actor may do with each. */
static enum err
abilities(struct json *j, struct ctx *cx, const char *base, const struct user *u, int n)
{
	jw_key(j, "abilities");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		enum err e = gate_may(cx, MAY_WRITE_USER, &(struct about){ .user_id = u[i].id, .role = u[i].role, .organization_id = u[i].organization_id,
		    .has_object = true });
		if (e == E_DENIED || e == E_ABSENT)
			fail_forget(cx);
		else
			TRY(e);
		jw_obj(j);
		url_of(j, cx, base, "users", u[i].id);
		jw_kint(j, "id", u[i].id);
		jw_key(j, "can");
		jw_obj(j);
		jw_kbool(j, "edit", e == OK);
		jw_kbool(j, "delete", e == OK && u[i].id != cx->actor->user_id);
		jw_kbool(j, "manage_identities", e == OK);
		jw_kbool(j, "create_ticket", u[i].active && !u[i].suspended);
		jw_end_obj(j);
		jw_end_obj(j);
	}
	jw_end_arr(j);
	return OK;
}

/* The addresses of the people of a page, and what else ?include= asks for. */
static enum err
people_sideload(struct json *j, struct ctx *cx, const struct http_req *rq, const char *base, const struct user *u, int n)
{
	if (api_includes(rq, "identities")) {
		jw_key(j, "identities");
		jw_arr(j);
		for (int i = 0; i < n; i++) {
			struct identity *id;
			int count;
			TRY(identity_list(cx, u[i].id, &id, &count));
			for (int k = 0; k < count; k++)
				json_identity(j, cx, base, &id[k]);
			TRY(look_one(cx, "user", u[i].id, "identities"));
		}
		jw_end_arr(j);
	}
	if (cx->actor->role < ROLE_AGENT)
		return OK;
	if (api_includes(rq, "roles")) {
		int64_t *ids = NEW(cx->arena, int64_t, n + 1);
		for (int i = 0; i < n; i++)
			ids[i] = u[i].custom_role_id;
		TRY(sideload_roles(j, cx, base, ids, n));
	}
	if (api_includes(rq, "open_ticket_count"))
		TRY(open_counts(j, cx, u, n));
	if (api_includes(rq, "abilities"))
		TRY(abilities(j, cx, base, u, n));
	return OK;
}

static enum err
user_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct user *u)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "user");
	json_user(&j, cx, base, u);
	if (api_includes(rq, "organizations")) {
		int64_t id = u->organization_id;
		TRY(sideload_orgs(&j, cx, base, &id, 1));
	}
	if (api_includes(rq, "groups")) {
		int64_t id = u->default_group_id;
		TRY(sideload_groups(&j, cx, base, &id, 1));
	}
	TRY(people_sideload(&j, cx, rq, base, u, 1));
	jw_end_obj(&j);
	return look_one(cx, "user", u->id, SHOWN);
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;

	TRY(user_get(cx, rq->param[0], &u));
	return user_reply(cx, rq, rp, 200, &u);
}

/* Never 401 for nobody: health checks rely on it. */
static enum err
me(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;
	struct json j;

	if (cx->actor == NULL || cx->actor->user_id == 0) {
		api_begin(rp, &j, 200);
		jw_raw(&j, S("{\"user\":{\"id\":null,\"url\":null,\"name\":\"Anonymous user\",\"email\":\"invalid@example.com\","
		    "\"created_at\":null,\"updated_at\":null,\"time_zone\":\"Eastern Time (US & Canada)\",\"phone\":null,"
		    "\"photo\":null,\"locale_id\":1,\"locale\":\"en-US\",\"organization_id\":null,\"role\":\"end-user\","
		    "\"verified\":false,\"authenticity_token\":null}}"));
		return OK;
	}
	TRY(user_load(cx, cx->actor->user_id, &u));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "user");
	json_user(&j, cx, z_of(cx, api_base(cx, rq)), &u);
	/* The browser's token for X-CSRF-Token, inside the user object as clients expect it. */
	rp->body.n--;
	jw_kstr(&j, "authenticity_token", cx->actor->csrf);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return look_one(cx, "user", u.id, SHOWN);
}

static enum err
create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_change ch = { 0 };
	struct user u;
	const json_t *obj, *quiet;

	TRY(api_body(cx, rq, rp, "user", &obj));
	if (obj == NULL)
		return OK;
	user_fields(cx, obj, &ch);
	quiet = json_object_get(obj, "skip_verify_email");
	if (quiet != NULL && !json_is_boolean(quiet) && !json_is_null(quiet))
		bad(cx, "skip_verify_email", "InvalidValue", "Skip verify email: must be true or false");
	TRY(user_create_as(cx, obj, &ch, &u));
	if (!json_is_true(quiet) && !(ch.has & USER_PASSWORD))
		TRY(invite_new(cx, &u));
	api_location(cx, rq, rp, "users", u.id);
	return user_reply(cx, rq, rp, 201, &u);
}

static enum err
create_or_update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_change ch = { 0 };
	struct user u;
	const json_t *obj;
	int64_t id = 0;
	bool created;

	TRY(api_body(cx, rq, rp, "user", &obj));
	if (obj == NULL)
		return OK;
	(void)json_id(json_object_get(obj, "id"), &id);
	user_fields(cx, obj, &ch);
	TRY(user_create_or_update(cx, id, &ch, &u, &created));
	api_location(cx, rq, rp, "users", u.id);
	return user_reply(cx, rq, rp, created ? 201 : 200, &u);
}

static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_change ch = { 0 };
	struct user u;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "user", &obj));
	if (obj == NULL)
		return OK;
	TRY(user_get(cx, rq->param[0], &u));
	user_fields(cx, obj, &ch);
	TRY(user_update(cx, rq->param[0], &ch, &u));
	return user_reply(cx, rq, rp, 200, &u);
}

static enum err
destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;

	TRY(user_delete(cx, rq->param[0], &u));
	return user_reply(cx, rq, rp, 200, &u);
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

static const char *const sorts[] = { "id", "created_at", NULL };

static enum err
users_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, struct user *u, int n, const struct paging *p,
    bool more, int64_t total)
{
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t *ids = NEW(cx->arena, int64_t, n + 1), *orgs = NEW(cx->arena, int64_t, n + 1);
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "users");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_user(&j, cx, base, &u[i]);
		ids[i] = u[i].id;
		orgs[i] = u[i].organization_id;
	}
	jw_end_arr(&j);
	if (api_includes(rq, "organizations"))
		TRY(sideload_orgs(&j, cx, base, orgs, n));
	if (api_includes(rq, "groups")) {
		int64_t *groups = NEW(cx->arena, int64_t, n + 1);
		for (int i = 0; i < n; i++)
			groups[i] = u[i].default_group_id;
		TRY(sideload_groups(&j, cx, base, groups, n));
	}
	TRY(people_sideload(&j, cx, rq, base, u, n));
	api_page_end(&j, cx, rq, p, n, p->before ? true : more, n ? (struct place){ u[0].id, u[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ u[n - 1].id, u[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	cx->looked = cx->looked || n == 0;
	return n ? trail_look(cx, "user", ids, n, SHOWN) : OK;
}

static void
role_filter(const struct http_req *rq, struct user_filter *f)
{
	for (int i = 0; i < rq->query_count; i++)
		if (str_eq(rq->query[i].name, S("role")) || str_eq(rq->query[i].name, S("role[]"))) {
			str v = rq->query[i].value;
			f->role_mask |= str_eq(v, S("admin")) ? 1 << ROLE_ADMIN : str_eq(v, S("agent")) ? 1 << ROLE_AGENT
			    : str_eq(v, S("end-user")) ? 1 << ROLE_END_USER : 0;
		}
}

static enum err
list_with(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct user_filter *f)
{
	struct paging p;
	struct user *u;
	int64_t total = 0;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	role_filter(rq, f);
	f->limit = p.limit + (p.cursor ? 1 : 0);
	f->offset = p.offset;
	f->after = p.after ? p.id : 0;
	f->before = p.before ? p.id : 0;
	f->newest_first = p.descending;
	TRY(user_list(cx, f, &u, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			u++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(user_count(cx, f, &total));
	return users_reply(cx, rq, rp, u, n, &p, more, total);
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *external = http_query(rq, "external_id");
	struct user_filter f = { 0 };

	if (external != NULL) {
		struct paging p = { .limit = 100, .page = 1 };
		struct user u;
		enum err e = user_by_external_id(cx, *external, &u);
		if (e != OK && e != E_ABSENT)
			return e;
		fail_clear(cx);
		return users_reply(cx, rq, rp, &u, e == OK, &p, false, e == OK);
	}
	return list_with(cx, rq, rp, &f);
}

static enum err
list_of_group(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_filter f = { .group_id = rq->param[0] };
	struct group g;

	TRY(group_get(cx, rq->param[0], &g));
	return list_with(cx, rq, rp, &f);
}

static enum err
list_of_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_filter f = { .organization_id = rq->param[0] };
	struct organization o;

	TRY(org_get(cx, rq->param[0], &o));
	return list_with(cx, rq, rp, &f);
}

static enum err
count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_filter f = { 0 };
	int64_t n;

	role_filter(rq, &f);
	TRY(user_count(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *external = http_query(rq, "external_ids");
	struct paging p = { .limit = 100, .page = 1 };
	struct user *u;
	int64_t *ids;
	int n, got;

	if (external != NULL) {
		str rest = *external;
		u = NEW(cx->arena, struct user, 101);
		for (got = 0; rest.n && got < 100;) {
			enum err e = user_by_external_id(cx, str_trim(str_cut(&rest, ',')), &u[got]);
			if (e == OK)
				got++;
			else if (e != E_ABSENT)
				return e;
			fail_clear(cx);
		}
		return users_reply(cx, rq, rp, u, got, &p, false, got);
	}
	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	n = ids_unique(ids, n);
	TRY(user_many(cx, ids, n, &u, &got));
	return users_reply(cx, rq, rp, u, got, &p, false, got);
}

/* ?query= (name, e-mail, words) or ?external_id=. */
static enum err
search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *query = http_query(rq, "query"), *external = http_query(rq, "external_id"), *name = http_query(rq, "name");
	struct paging p;
	struct user *u;
	int64_t *ids, total;
	int n, got;

	if (!api_paging(cx, rq, rp, NULL, 0, 100, &p))
		return OK;
	if (p.cursor)
		return api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "page must be an integer");
	if (external != NULL && query == NULL) {
		struct user one;
		enum err e = user_by_external_id(cx, *external, &one);
		if (e != OK && e != E_ABSENT)
			return e;
		fail_clear(cx);
		return users_reply(cx, rq, rp, &one, e == OK, &p, false, e == OK);
	}
	if (query == NULL)
		query = name;
	if (query == NULL || str_trim(*query).n == 0)
		return api_error(rp, 400, "ParameterMissing", "Parameter query is required");
	if (name != NULL && query == name && utf8_count(*name) < 2)
		return api_error(rp, 400, "InvalidValue", "Parameter name must have at least 2 characters");
	if (email_valid(str_trim(*query))) {
		/* A whole address is an exact question. */
		struct user one;
		enum err e = user_by_email(cx, str_trim(*query), &one);
		if (e == OK)
			return users_reply(cx, rq, rp, &one, 1, &p, false, 1);
		if (e != E_ABSENT)
			return e;
		fail_clear(cx);
	}
	TRY(search_users(cx, *query, p.offset, p.limit, &ids, &n, &total));
	TRY(user_many(cx, ids, n, &u, &got));
	return users_reply(cx, rq, rp, u, got, &p, false, total);
}

/* The same question in a body, where names stay out of addresses. */
static enum err
complete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct http_param *q;
	const json_t *obj;

	if (rq->body.n) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		if (!json_is_string(json_object_get(obj, "name")))
			return api_error(rp, 400, "ParameterMissing", "Parameter name is required: a string");
		q = NEW(cx->arena, struct http_param, rq->query_count + 1);
		if (rq->query_count)
			memcpy(q, rq->query, sizeof *q * (size_t)rq->query_count);
		q[rq->query_count] = (struct http_param){ S("name"), json_text(cx, json_object_get(obj, "name")) };
		rq->query = q;
		rq->query_count++;
	}
	return search(cx, rq, rp);
}

static enum err
related(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { 0 };
	struct user u;
	struct json j;
	int64_t requested, assigned, ccd, subscribed;

	TRY(user_get(cx, rq->param[0], &u));
	f.requester_id = u.id;
	TRY(ticket_count(cx, &f, &requested));
	f = (struct ticket_filter){ .assignee_id = u.id };
	TRY(ticket_count(cx, &f, &assigned));
	f = (struct ticket_filter){ .cc_id = u.id };
	TRY(ticket_count(cx, &f, &ccd));
	TRY(org_subscription_count(cx, u.id, &subscribed));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "user_related");
	jw_obj(&j);
	jw_kint(&j, "assigned_tickets", assigned);
	jw_kint(&j, "requested_tickets", requested);
	jw_kint(&j, "ccd_tickets", ccd);
	jw_kint(&j, "organization_subscriptions", subscribed);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static void
json_entitlement(struct json *j, const char *product, const char *name)
{
	jw_key(j, product);
	jw_obj(j);
	jw_kbool(j, "is_active", name != NULL);
	if (name != NULL)
		jw_kz(j, "name", name);
	else
		jw_knull(j, "name");
	jw_end_obj(j);
}

/* Of Zendesk's other products Ward has reports and articles; what the gate says is what somebody has. */
static enum err
entitlements(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const struct actor *who = cx->actor;
	bool reports = false, articles = false;
	struct user u;
	struct json j;

	TRY(user_get(cx, rq->param[0], &u));
	if (u.active && !u.suspended && u.role >= ROLE_AGENT) {
		enum err e = gate_as_user(cx, u.id, "entitlements");
		reports = e == OK && gate_may(cx, MAY_READ_REPORTS, NULL) == OK;
		fail_forget(cx);
		articles = e == OK && gate_may(cx, MAY_WRITE_ARTICLES, NULL) == OK;
		fail_forget(cx);
		cx->actor = who;
		TRY(e);
	}
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "entitlements");
	jw_obj(&j);
	json_entitlement(&j, "chat", NULL);
	json_entitlement(&j, "explore", !reports ? NULL : u.role == ROLE_ADMIN ? "admin" : "viewer");
	json_entitlement(&j, "guide", !articles ? NULL : u.role == ROLE_ADMIN ? "admin" : "editor");
	json_entitlement(&j, "talk", NULL);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
user_of_external(struct ctx *cx, str external, int64_t *id)
{
	struct user x;

	TRY(user_by_external_id(cx, external, &x));
	*id = x.id;
	return OK;
}

/* ---- bulk --------------------------------------------------------------------------------------------------------- */

static enum err
bulk(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum job_kind kind)
{
	const json_t *obj;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	return queue_job(cx, rq, rp, kind, json_object_get(obj, "users"), "users");
}

static enum err
create_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return bulk(cx, rq, rp, JOB_USERS_CREATE);
}

static enum err
upsert_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return bulk(cx, rq, rp, JOB_USERS_UPSERT);
}

static enum err
update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *one;
	json_t *made;
	int64_t *ids;
	int n;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	if (json_object_get(obj, "users") != NULL)
		return queue_job(cx, rq, rp, JOB_USERS_UPDATE, json_object_get(obj, "users"), "users");
	if (!json_is_object(one = json_object_get(obj, "user")))
		return api_error(rp, 400, "ParameterMissing", "Parameter user is required");
	if (!api_ids_or_external(cx, rq, rp, user_of_external, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++) {
		json_t *copy = json_copy((json_t *)(uintptr_t)one);
		json_object_set_new(copy, "id", json_integer(ids[i]));
		json_array_append_new(made, copy);
	}
	return queue_job(cx, rq, rp, JOB_USERS_UPDATE, made, "users");
}

static enum err
destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	json_t *made;
	int64_t *ids;
	int n;

	if (!api_ids_or_external(cx, rq, rp, user_of_external, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++)
		json_array_append_new(made, json_integer(ids[i]));
	return queue_job(cx, rq, rp, JOB_USERS_DELETE, made, "ids");
}

const struct route user_routes[] = {
	{ GET,    "/api/v2/users",                        MAY_LIST_USERS, 0,        list,             0 },
	{ POST,   "/api/v2/users",                        MAY_WRITE_USER, 256 * KiB, create,          0 },
	{ GET,    "/api/v2/users/me",                     MAY_ANYONE,     0,        me,               ROUTE_ANONYMOUS_OK },
	{ GET,    "/api/v2/users/{id}",                   MAY_READ_USER,  0,        show,             0 },
	{ PUT,    "/api/v2/users/{id}",                   MAY_WRITE_USER, 256 * KiB, update,          0 },
	{ DELETE, "/api/v2/users/{id}",                   MAY_WRITE_USER, 0,        destroy,          0 },
	{ GET,    "/api/v2/users/count",                  MAY_LIST_USERS, 0,        count,            0 },
	{ GET,    "/api/v2/users/show_many",              MAY_LIST_USERS, 0,        show_many,        0 },
	{ GET,    "/api/v2/users/search",                 MAY_LIST_USERS, 0,        search,           0 },
	{ GET,    "/api/v2/users/autocomplete",           MAY_LIST_USERS, 0,        search,           0 },
	{ POST,   "/api/v2/users/autocomplete",           MAY_LIST_USERS, 16 * KiB, complete,         0 },
	{ POST,   "/api/v2/users/create_or_update",       MAY_WRITE_USER, 256 * KiB, create_or_update, 0 },
	{ POST,   "/api/v2/users/create_many",            MAY_WRITE_USER, 8 * MiB,  create_many,      0 },
	{ POST,   "/api/v2/users/create_or_update_many",  MAY_WRITE_USER, 8 * MiB,  upsert_many,      0 },
	{ PUT,    "/api/v2/users/update_many",            MAY_WRITE_USER, 8 * MiB,  update_many,      0 },
	{ DELETE, "/api/v2/users/destroy_many",           MAY_WRITE_USER, 0,        destroy_many,     0 },
	{ GET,    "/api/v2/users/{id}/related",           MAY_LIST_USERS, 0,        related,          0 },
	{ GET,    "/api/v2/users/{id}/entitlements/full", MAY_LIST_USERS, 0,        entitlements,     0 },
	{ GET,    "/api/v2/groups/{id}/users",            MAY_LIST_USERS, 0,        list_of_group,    0 },
	{ GET,    "/api/v2/organizations/{id}/users",     MAY_LIST_USERS, 0,        list_of_org,      0 },
	{ 0 }
};
