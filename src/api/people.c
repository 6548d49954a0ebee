/* people.c - what belongs to a user: addresses, sessions, password, merging,
 * deleted users; and to organizations: memberships, subscriptions, merging. */
#include "api/in.h"
#include "flow/flow.h"

#define USER_SHOWN "name,email,phone,external_id,details,notes,user_fields"
#define ORG_SHOWN "name,details,notes,external_id,domain_names"

static enum err
nothing(struct http_reply *rp)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- identities ----------------------------------------------------------------------------------------------- */

void
json_identity(struct json *j, struct ctx *cx, const char *base, const struct identity *i)
{
	bool back = false, mail = i->kind == ID_EMAIL;

	if (mail && flow_undeliverable(cx, i->value, &back) != OK)
		fail_forget(cx);
	jw_obj(j);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/users/%lld/identities/%lld.json", base, (long long)i->user_id, (long long)i->id));
	jw_kint(j, "id", i->id);
	jw_kint(j, "user_id", i->user_id);
	jw_kz(j, "type", identity_kind_name(i->kind));
	jw_kstr(j, "value", reveal(cx, i->value, TO_SHOW_ACTOR));
	jw_kbool(j, "verified", i->verified);
	jw_kz(j, "verification_method", i->verified ? "low" : "none");
	jw_ktime(j, "verified_at", i->verified ? i->updated_at : 0);
	jw_kbool(j, "primary", i->primary);
	jw_ktime(j, "created_at", i->created_at);
	jw_ktime(j, "updated_at", i->updated_at);
	if (mail) {
		jw_kint(j, "undeliverable_count", back);
		jw_kz(j, "deliverable_state", back ? "undeliverable" : "deliverable");
	}
	jw_end_obj(j);
}

static enum err
identity_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct identity *i)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "identity");
	json_identity(&j, cx, z_of(cx, api_base(cx, rq)), i);
	jw_end_obj(&j);
	return look_one(cx, "user", i->user_id, "identities");
}

/* ?type=email&type=google, ?type[]=...: those only. */
static int
of_types(const struct http_req *rq, struct identity *i, int n)
{
	bool asked = false;
	int kept = 0;

	for (int k = 0; k < n; k++) {
		bool wanted = false;
		for (int q = 0; q < rq->query_count; q++) {
			str rest = rq->query[q].value;
			if (!str_eq(rq->query[q].name, S("type")) && !str_eq(rq->query[q].name, S("type[]")))
				continue;
			for (asked = true; rest.n;)
				wanted = str_eq(str_trim(str_cut(&rest, ',')), str_of(identity_kind_name(i[k].kind))) || wanted;
		}
		if (wanted || !asked)
			i[kept++] = i[k];
	}
	return kept;
}

static enum err
identities(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct place first, last;
	struct identity *i;
	struct paging p;
	struct json j;
	int n, from, to;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(identity_list(cx, rq->param[0], &i, &n));
	n = of_types(rq, i, n);
	api_cut(&p, &i[0].id, sizeof *i, n, &from, &to, &more, &first, &last);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "identities");
	jw_arr(&j);
	for (int k = from; k < to; k++)
		json_identity(&j, cx, base, &i[k]);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, to - from, more, first, last, n);
	jw_end_obj(&j);
	return look_one(cx, "user", rq->param[0], "identities");
}

static enum err
identity_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct identity i;

	TRY(identity_get(cx, rq->param[0], rq->param[1], &i));
	return identity_reply(cx, rq, rp, 200, &i);
}

struct identity_in { sensitive value; bool verified, primary, quiet; str type, method; enum identity_kind kind; };
enum { I_VALUE = 1, I_VERIFIED = 2, I_PRIMARY = 4, I_TYPE = 8, I_METHOD = 16 };

static const struct field identity_table[] = {
	{ "value",    F_TEXT,  offsetof(struct identity_in, value),    I_VALUE,    false },
	{ "verified", F_BOOL,  offsetof(struct identity_in, verified), I_VERIFIED, false },
	{ "primary",  F_BOOL,  offsetof(struct identity_in, primary),  I_PRIMARY,  false },
	{ "type",     F_PLAIN, offsetof(struct identity_in, type),     I_TYPE,     false },
	{ "verification_method", F_PLAIN, offsetof(struct identity_in, method), I_METHOD, false },
	{ "skip_verify_email", F_BOOL, offsetof(struct identity_in, quiet), 0, false },
};
const struct fieldset identity_fieldset = { identity_table, COUNT(identity_table) };

static unsigned
identity_in(struct ctx *cx, const json_t *obj, struct identity_in *in)
{
	unsigned has = 0;

	api_fields(cx, obj, identity_table, COUNT(identity_table), in, &has);
	if ((has & I_TYPE) && !identity_kind_of(in->type, &in->kind))
		bad(cx, "type", "InvalidValue", "Type: must be email, phone_number, twitter, facebook, google or agent_forwarding");
	if ((has & I_METHOD) && !(has & I_VERIFIED)) {
		in->verified = str_eq(in->method, S("low"));
		has |= I_VERIFIED;
		if (!in->verified && !str_eq(in->method, S("none")))
			bad(cx, "verification_method", "InvalidValue", "Verification method: must be low or none");
	}
	return has;
}

struct user_new { const json_t *identities; struct user_change ch; struct user *out; };

static enum err
user_new_tx(struct ctx *cx, void *arg)
{
	struct user_new *n = arg;
	struct identity made;
	size_t i;
	json_t *one;

	TRY(user_create(cx, &n->ch, n->out));
	json_array_foreach((json_t *)(uintptr_t)n->identities, i, one) {
		struct identity_in in = { 0 };
		(void)identity_in(cx, one, &in);
		TRY(bad_check(cx));
		if (in.value.hidden.n == 0 || (in.kind == ID_EMAIL && str_eq(in.value.hidden, n->out->email.hidden)))
			continue;
		TRY(identity_create(cx, n->out->id, in.kind, in.value, in.verified, in.primary, &made));
	}
	return n->identities ? user_load(cx, n->out->id, n->out) : OK;
}

enum err
user_create_as(struct ctx *cx, const json_t *obj, const struct user_change *ch, struct user *out)
{
	struct user_new n = { .identities = json_object_get(obj, "identities"), .ch = *ch, .out = out };
	json_t *one;
	size_t i;

	if (n.identities == NULL || json_is_null(n.identities))
		return user_create(cx, ch, out);
	if (!json_is_array(n.identities) || json_array_size(n.identities) > 100)
		bad(cx, "identities", "InvalidValue", "Identities: must be an array of at most 100 objects");
	else
		json_array_foreach((json_t *)(uintptr_t)n.identities, i, one) {
			const json_t *type = json_object_get(one, "type"), *value = json_object_get(one, "value");
			if (!json_is_object(one))
				bad(cx, "identities", "InvalidValue", "Identities: must be an array of at most 100 objects");
			else if (n.ch.u.email.hidden.n == 0 && json_is_string(value) && (type == NULL || str_eq(json_text(cx, type), S("email")))) {
				n.ch.u.email = HIDE(json_text(cx, value));       /* the first address is the primary one */
				n.ch.has |= USER_EMAIL;
			}
		}
	TRY(bad_check(cx));
	return store_write(cx, user_new_tx, &n);
}

static enum err
identity_add(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct identity_in in = { 0 };
	struct identity i;
	struct user u;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "identity", &obj));
	if (obj == NULL)
		return OK;
	TRY(user_get(cx, rq->param[0], &u));
	(void)identity_in(cx, obj, &in);
	if (in.value.hidden.n == 0)
		bad(cx, "value", "BlankValue", "Value: cannot be blank");
	TRY(bad_check(cx));
	if (cx->actor->role == ROLE_END_USER)          /* what they say of themselves is to be shown first */
		in.verified = in.primary = false;
	TRY(identity_create(cx, rq->param[0], in.kind, in.value, in.verified, in.primary, &i));
	/* The mail is asked for with it; where no mail goes out, or not to this address, there is none. */
	if (i.kind == ID_EMAIL && !i.verified && !in.quiet && identity_request_verification(cx, i.user_id, i.id) != OK)
		fail_clear(cx);
	http_head(rp, "Location", str_printf(cx->arena, STR_F "/api/v2/users/%lld/identities/%lld.json", STR_A(api_base(cx, rq)),
	    (long long)i.user_id, (long long)i.id));
	return identity_reply(cx, rq, rp, 201, &i);
}

static enum err
identity_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct identity_in in = { 0 };
	struct identity i;
	const json_t *obj;
	unsigned has;

	TRY(api_body(cx, rq, rp, "identity", &obj));
	if (obj == NULL)
		return OK;
	TRY(identity_get(cx, rq->param[0], rq->param[1], &i));
	has = identity_in(cx, obj, &in);
	if ((has & I_TYPE) && in.kind != i.kind)
		bad(cx, "type", "InvalidValue", "Type: cannot be changed");
	TRY(bad_check(cx));
	TRY(identity_update(cx, rq->param[0], rq->param[1], in.value, (has & I_VERIFIED) ? &in.verified : NULL, in.primary, &i));
	return identity_reply(cx, rq, rp, 200, &i);
}

static enum err
identity_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(identity_delete(cx, rq->param[0], rq->param[1]));
	api_empty(rp, 204);
	return OK;
}

static enum err
identity_primary(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(identity_make_primary(cx, rq->param[0], rq->param[1]));
	return identities(cx, rq, rp);
}

static enum err
identity_verify(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct identity i;
	bool yes = true;

	TRY(identity_update(cx, rq->param[0], rq->param[1], (sensitive){ 0 }, &yes, false, &i));
	return identity_reply(cx, rq, rp, 200, &i);
}

static enum err
identity_request(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct identity i;

	TRY(identity_get(cx, rq->param[0], rq->param[1], &i));
	TRY(identity_request_verification(cx, rq->param[0], rq->param[1]));
	return nothing(rp);
}

/* The link of the mail: whoever holds it reads the mail that goes to this address. */
static enum err
identity_token(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(identity_verify_token(cx, rq->word[0]));
	return nothing(rp);
}

/* ---- passwords, sessions ------------------------------------------------------------------------------------------ */

static enum err
password_set(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_change ch = { .has = USER_PASSWORD };
	const json_t *obj;
	struct user u;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	TRY(user_get(cx, rq->param[0], &u));
	if (!gate_setting_bool(cx, "admins_can_set_user_passwords", false))
		return api_error_object(rp, 403, "Forbidden", "Administrators may not set passwords here; see the account's security settings.");
	if (!json_is_string(json_object_get(obj, "password"))) {
		bad(cx, "password", "BlankValue", "Password: cannot be blank");
		return bad_check(cx);
	}
	ch.password = HIDE(json_text(cx, json_object_get(obj, "password")));
	TRY(user_update(cx, rq->param[0], &ch, &u));
	return nothing(rp);
}

static enum err
password_own(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *was, *is;
	int retry = 0;
	enum err e;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	if (rq->param[0] != cx->actor->user_id)
		return fail(cx, E_ABSENT, NULL, "Not found");
	was = json_object_get(obj, "previous_password");
	is = json_object_get(obj, "password");
	if (!json_is_string(was))
		bad(cx, "previous_password", "BlankValue", "Previous password: cannot be blank");
	if (!json_is_string(is))
		bad(cx, "password", "BlankValue", "Password: cannot be blank");
	TRY(bad_check(cx));
	e = password_change(cx, HIDE(json_text(cx, was)), HIDE(json_text(cx, is)), &retry);
	if (e == E_WHO) {
		fail_clear(cx);
		bad(cx, "previous_password", "InvalidValue", "Previous password: is not right");
		return bad_check(cx);
	}
	TRY(e);
	return nothing(rp);
}

static enum err
password_rules(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;
	struct json j;

	TRY(user_get(cx, rq->param[0], &u));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "requirements");
	jw_arr(&j);
	jw_str(&j, S("must be at least 8 characters"));
	jw_str(&j, S("must be at most 1024 bytes"));
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static void
json_session(struct json *j, struct ctx *cx, const char *base, const struct session_row *s)
{
	jw_obj(j);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/users/%lld/sessions/%lld.json", base, (long long)s->user_id, (long long)s->id));
	jw_kint(j, "id", s->id);
	jw_kint(j, "user_id", s->user_id);
	jw_ktime(j, "authenticated_at", s->created_at);
	jw_ktime(j, "last_seen_at", s->seen_at);
	jw_end_obj(j);
}

static enum err
sessions(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct session_row *s;
	struct paging p;
	struct json j;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	p.cursor = true;                       /* this list has no other way */
	TRY(session_list(cx, rq->param[0], p.after ? p.id : 0, p.limit + 1, &s, &n));
	more = n > p.limit;
	n = more ? p.limit : n;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "sessions");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_session(&j, cx, base, &s[i]);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ s[0].id, s[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ s[n - 1].id, s[n - 1].id } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	return OK;
}

static enum err
session_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct session_row *s)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "session");
	json_session(&j, cx, z_of(cx, api_base(cx, rq)), s);
	jw_end_obj(&j);
	return OK;
}

static enum err
session_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct session_row s;

	TRY(session_get(cx, rq->param[0], rq->param[1], &s));
	return session_reply(cx, rq, rp, &s);
}

static enum err
session_mine(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct session_row s;

	if (cx->actor->session_id == 0)
		return fail(cx, E_ABSENT, NULL, "a token is no session");
	TRY(session_get(cx, cx->actor->user_id, cx->actor->session_id, &s));
	return session_reply(cx, rq, rp, &s);
}

/* Asking is being active: the idle time begins anew by itself. */
static enum err
session_renew(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)rq;
	if (cx->actor->session_id == 0)
		return fail(cx, E_ABSENT, NULL, "a token is no session");
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kstr(&j, "authenticity_token", cx->actor->csrf);
	jw_end_obj(&j);
	return OK;
}

static enum err
session_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(session_drop(cx, rq->param[0], rq->param[1]));
	api_empty(rp, 204);
	return OK;
}

static enum err
logout(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	if (cx->actor->session_id == 0)
		return fail(cx, E_ABSENT, NULL, "a token is no session");
	TRY(session_end(cx));
	http_head(rp, "Set-Cookie", S("ward_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
	api_empty(rp, 204);
	return OK;
}

static enum err
logout_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;
	int64_t *ids;
	int n;

	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	for (int i = 0; i < n; i++) {
		enum err e = session_drop(cx, ids[i], 0);
		if (e != OK && e != E_ABSENT)
			return e;
		fail_forget(cx);
	}
	api_begin(rp, &j, 202);
	jw_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- merging, deleted users ------------------------------------------------------------------------------------------- */

static enum err
merge(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	int64_t into = 0;
	struct json j;
	struct user u;

	TRY(api_body(cx, rq, rp, "user", &obj));
	if (obj == NULL)
		return OK;
	TRY(user_get(cx, rq->param[0], &u));
	if (!json_id(json_object_get(obj, "id"), &into) || into == 0) {
		bad(cx, "id", "BlankValue", "Id: is required and must be an id");
		return bad_check(cx);
	}
	TRY(user_merge(cx, rq->param[0], into, &u));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "user");
	json_user(&j, cx, z_of(cx, api_base(cx, rq)), &u);
	jw_end_obj(&j);
	return look_one(cx, "user", u.id, USER_SHOWN);
}

static void
json_deleted(struct json *j, struct ctx *cx, const char *base, const struct user *u)
{
	jw_obj(j);
	jw_kint(j, "id", u->id);
	url_of(j, cx, base, "deleted_users", u->id);
	jw_kstr(j, "name", reveal(cx, u->name, TO_SHOW_ACTOR));
	if (u->email.hidden.n)
		jw_kstr(j, "email", reveal(cx, u->email, TO_SHOW_ACTOR));
	else
		jw_knull(j, "email");
	jw_ktime(j, "created_at", u->created_at);
	jw_ktime(j, "updated_at", u->updated_at);
	jw_kstr(j, "time_zone", u->time_zone.n ? u->time_zone : S("UTC"));
	if (u->phone.hidden.n)
		jw_kstr(j, "phone", reveal(cx, u->phone, TO_SHOW_ACTOR));
	else
		jw_knull(j, "phone");
	jw_knull(j, "shared_phone_number");
	jw_knull(j, "photo");
	jw_kint(j, "locale_id", 1);
	jw_kstr(j, "locale", u->locale.n ? u->locale : S("en-US"));
	jw_kid(j, "organization_id", u->organization_id);
	jw_kz(j, "role", u->role >= ROLE_ADMIN ? "admin" : u->role == ROLE_AGENT ? "agent" : "end-user");
	jw_kbool(j, "active", false);
	jw_end_obj(j);
}

static enum err
deleted_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t *ids, total = 0;
	struct paging p;
	struct user *u;
	struct json j;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(user_deleted_list(cx, p.after ? p.id : 0, p.offset, p.limit + (p.cursor ? 1 : 0), &u, &n));
	more = p.cursor && n > p.limit;
	n = more ? p.limit : n;
	if (!p.cursor)
		TRY(user_deleted_count(cx, &total));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "deleted_users");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_deleted(&j, cx, base, &u[i]);
		ids[i] = u[i].id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ u[0].id, u[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ u[n - 1].id, u[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return n ? trail_look(cx, "user", ids, n, "name,email,phone") : OK;
}

static enum err
deleted_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct user *u)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "deleted_user");
	json_deleted(&j, cx, z_of(cx, api_base(cx, rq)), u);
	jw_end_obj(&j);
	return look_one(cx, "user", u->id, "name,email,phone");
}

static enum err
deleted_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;

	TRY(user_deleted_get(cx, rq->param[0], &u));
	return deleted_reply(cx, rq, rp, &u);
}

static enum err
deleted_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t n;

	(void)rq;
	TRY(user_deleted_count(cx, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
purge(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;

	TRY(user_purge(cx, rq->param[0], &u));
	return deleted_reply(cx, rq, rp, &u);
}

static enum err
deletion_status(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const actions[] = { "request_deletion", "started", "complete" };
	struct paging p = { .limit = 100, .page = 1 };
	struct user u;
	struct json j;
	int n;

	TRY(user_get(cx, rq->param[0], &u));
	n = u.erased ? 3 : 0;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "compliance_deletion_statuses");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		jw_kz(&j, "action", actions[i]);
		jw_kz(&j, "application", i == 0 ? "all" : "support");
		jw_kz(&j, "account_subdomain", "desk");
		jw_ktime(&j, "created_at", u.updated_at);
		jw_knull(&j, "executer_id");
		jw_kint(&j, "user_id", u.id);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return OK;
}

/* ---- counts ------------------------------------------------------------------------------------------------------------ */

static enum err
count_of_group(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_filter f = { .group_id = rq->param[0] };
	struct group g;
	int64_t n;

	TRY(group_get(cx, rq->param[0], &g));
	TRY(user_count(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
count_of_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user_filter f = { .organization_id = rq->param[0] };
	struct organization o;
	int64_t n;

	TRY(org_get(cx, rq->param[0], &o));
	TRY(user_count(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
groups_of_user(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;
	int64_t n;

	TRY(user_get(cx, rq->param[0], &u));
	TRY(group_count(cx, u.id, &n));
	count_reply(cx, rp, n);
	return OK;
}

/* ---- memberships of organizations ---------------------------------------------------------------------------------------- */

static void
json_belong(struct json *j, struct ctx *cx, const char *base, const struct org_membership *m, sensitive name, bool subscription)
{
	jw_obj(j);
	url_of(j, cx, base, subscription ? "organization_subscriptions" : "organization_memberships", m->id);
	jw_kint(j, "id", m->id);
	jw_kint(j, "user_id", m->user_id);
	jw_kint(j, "organization_id", m->organization_id);
	if (!subscription) {
		jw_kbool(j, "default", m->is_default);
		jw_kstr(j, "organization_name", reveal(cx, name, TO_SHOW_ACTOR));
		jw_kbool(j, "view_tickets", true);
		jw_ktime(j, "updated_at", m->updated_at);
	}
	jw_ktime(j, "created_at", m->created_at);
	jw_end_obj(j);
}

static enum err
name_of(struct ctx *cx, int64_t id, sensitive *name)
{
	struct organization *o;
	int n;

	TRY(org_many(cx, &id, 1, &o, &n));
	*name = n ? o->name : (sensitive){ 0 };
	return OK;
}

static enum err
belong_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct org_membership *m)
{
	sensitive name;
	struct json j;

	TRY(name_of(cx, m->organization_id, &name));
	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "organization_membership");
	json_belong(&j, cx, z_of(cx, api_base(cx, rq)), m, name, false);
	jw_end_obj(&j);
	return look_one(cx, "organization", m->organization_id, "name");
}

/* The list of the whole account, of a user, or of an organization: the path says which. */
static enum err
belongs(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	bool of_user = str_starts(rq->path, S("/api/v2/users/")), of_org = str_starts(rq->path, S("/api/v2/organizations/"));
	int64_t *users, *orgs, total = 0, user = of_user ? rq->param[0] : 0, org = of_org ? rq->param[0] : 0;
	struct organization o;
	struct org_membership *m;
	struct paging p;
	struct user u;
	struct json j;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	if (of_user)
		TRY(user_get(cx, user, &u));
	if (of_org)
		TRY(org_get(cx, org, &o));
	TRY(org_membership_list(cx, user, org, p.after ? p.id : 0, p.offset, p.limit + (p.cursor ? 1 : 0), &m, &n));
	more = p.cursor && n > p.limit;
	n = more ? p.limit : n;
	if (!p.cursor)
		TRY(org_membership_count(cx, user, org, &total));
	/* With their people it is a list of people, unless it is of one person. */
	if (user == 0 && api_includes(rq, "users"))
		TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	users = NEW(cx->arena, int64_t, n + 1);
	orgs = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organization_memberships");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		sensitive name;
		TRY(name_of(cx, m[i].organization_id, &name));
		json_belong(&j, cx, base, &m[i], name, false);
		users[i] = m[i].user_id;
		orgs[i] = m[i].organization_id;
	}
	jw_end_arr(&j);
	if (api_includes(rq, "users"))
		TRY(sideload_users(&j, cx, base, users, n));
	if (api_includes(rq, "organizations"))
		TRY(sideload_orgs(&j, cx, base, orgs, n));
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ m[0].id, m[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ m[n - 1].id, m[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	n = ids_unique(orgs, n);
	return n ? trail_look(cx, "organization", orgs, n, "name") : OK;
}

static int64_t
user_in_path(const struct http_req *rq)
{
	return str_starts(rq->path, S("/api/v2/users/")) ? rq->param[0] : 0;
}

static int64_t
last_id(const struct http_req *rq)
{
	return rq->param[1] ? rq->param[1] : rq->param[0];
}

static enum err
belong_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct org_membership m;

	TRY(org_membership_get(cx, user_in_path(rq), last_id(rq), &m));
	return belong_reply(cx, rq, rp, 200, &m);
}

struct belong_in { int64_t user_id, organization_id; bool is_default; };

static const struct field belong_table[] = {
	{ "user_id",         F_ID,   offsetof(struct belong_in, user_id),         0, false },
	{ "organization_id", F_ID,   offsetof(struct belong_in, organization_id), 0, false },
	{ "default",         F_BOOL, offsetof(struct belong_in, is_default),      0, false },
};
const struct fieldset belong_fieldset = { belong_table, COUNT(belong_table) };

static void
belong_fields(struct ctx *cx, const json_t *obj, struct belong_in *in)
{

	api_fields(cx, obj, belong_table, COUNT(belong_table), in, NULL);
	if (in->user_id == 0)
		bad(cx, "user_id", "BlankValue", "User id: cannot be blank");
	if (in->organization_id == 0)
		bad(cx, "organization_id", "BlankValue", "Organization id: cannot be blank");
}

enum err
org_membership_item(struct ctx *cx, const json_t *obj, int64_t *id)
{
	struct belong_in in = { 0 };
	struct org_membership m;

	belong_fields(cx, obj, &in);
	TRY(bad_check(cx));
	TRY(org_membership_create(cx, in.user_id, in.organization_id, in.is_default, &m));
	*id = m.id;
	return OK;
}

static enum err
belong_add(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct belong_in in = { .user_id = user_in_path(rq) };
	struct org_membership m;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "organization_membership", &obj));
	if (obj == NULL)
		return OK;
	belong_fields(cx, obj, &in);
	if (user_in_path(rq))
		in.user_id = user_in_path(rq);
	TRY(bad_check(cx));
	TRY(org_membership_create(cx, in.user_id, in.organization_id, in.is_default, &m));
	api_location(cx, rq, rp, "organization_memberships", m.id);
	return belong_reply(cx, rq, rp, 201, &m);
}

static enum err
belong_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(org_membership_delete(cx, user_in_path(rq), last_id(rq)));
	api_empty(rp, 204);
	return OK;
}

static enum err
belong_default(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct org_membership m;

	TRY(org_membership_make_default(cx, rq->param[0], rq->param[1], &m));
	return belongs(cx, rq, rp);
}

static enum err
leave_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct org_membership m;

	TRY(org_membership_of(cx, rq->param[0], rq->param[1], &m));
	TRY(org_membership_delete(cx, rq->param[0], m.id));
	api_empty(rp, 204);
	return OK;
}

static enum err
default_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct org_membership m;

	TRY(org_membership_of(cx, rq->param[0], rq->param[1], &m));
	TRY(org_membership_make_default(cx, rq->param[0], m.id, &m));
	return belong_reply(cx, rq, rp, 200, &m);
}

static enum err
queue(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum job_kind kind, const char *member)
{
	const json_t *obj;
	json_t *made;
	int64_t *ids;
	int n;

	if (member != NULL) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		return obj == NULL ? OK : queue_job(cx, rq, rp, kind, json_object_get(obj, member), member);
	}
	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++)
		json_array_append_new(made, json_integer(ids[i]));
	return queue_job(cx, rq, rp, kind, made, "ids");
}

static enum err
belong_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return queue(cx, rq, rp, JOB_ORG_MEMBERS_CREATE, "organization_memberships");
}

static enum err
belong_destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return queue(cx, rq, rp, JOB_ORG_MEMBERS_DELETE, NULL);
}

static enum err
members_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return queue(cx, rq, rp, JOB_MEMBERS_CREATE, "group_memberships");
}

static enum err
members_destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return queue(cx, rq, rp, JOB_MEMBERS_DELETE, NULL);
}

static enum err
orgs_destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return queue(cx, rq, rp, JOB_ORGS_DELETE, NULL);
}

/* ---- organizations ----------------------------------------------------------------------------------------------------- */

static enum err
orgs_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct organization *o, int n,
    const struct paging *p, int64_t total)
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
	api_page_end(&j, cx, rq, p, n, false, n ? (struct place){ o[0].id, o[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ o[n - 1].id, o[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return n ? trail_look(cx, "organization", ids, n, ORG_SHOWN) : OK;
}

static enum err
orgs_of_user(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	struct org_membership *m;
	struct organization *o;
	struct paging p;
	struct user u;
	int64_t *ids, total;
	int n, got;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(user_get(cx, rq->param[0], &u));
	TRY(org_membership_list(cx, u.id, 0, 0, p.offset, p.limit, &m, &n));
	TRY(org_membership_count(cx, u.id, 0, &total));
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		ids[i] = m[i].organization_id;
	n = ids_unique(ids, n);
	TRY(org_many(cx, ids, n, &o, &got));
	return orgs_reply(cx, rq, rp, o, got, &p, total);
}

static enum err
orgs_of_user_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;
	int64_t n;

	TRY(user_get(cx, rq->param[0], &u));
	TRY(org_membership_count(cx, u.id, 0, &n));
	count_reply(cx, rp, n);
	return OK;
}

/* Words and beginnings of words of the name; what the person typed is no query language here. */
static enum err
orgs_complete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *name = http_query(rq, "name");
	struct search_page sp = { .limit = 100 };
	struct organization *o;
	struct found *found;
	struct paging p;
	int64_t *ids, total;
	struct buf b;
	int n, got, k = 0;

	if (!api_paging(cx, rq, rp, NULL, 0, 100, &p))
		return OK;
	if (name == NULL || utf8_count(str_trim(*name)) < 2)
		return api_error(rp, 400, "InvalidValue", "Parameter name must have at least 2 characters");
	buf_init(&b, cx->arena, 16 * KiB);
	buf_add(&b, S("type:organization"));
	for (size_t i = 0; i < name->n;) {
		size_t from;
		while (i < name->n && (unsigned char)name->p[i] < 0x80 && !((name->p[i] | 32) >= 'a' && (name->p[i] | 32) <= 'z')
		    && !(name->p[i] >= '0' && name->p[i] <= '9'))
			i++;
		for (from = i; i < name->n && ((unsigned char)name->p[i] >= 0x80 || ((name->p[i] | 32) >= 'a' && (name->p[i] | 32) <= 'z')
		    || (name->p[i] >= '0' && name->p[i] <= '9')); i++)
			;
		if (i > from) {
			buf_byte(&b, ' ');
			buf_add(&b, str_sub(*name, from, i - from));
			buf_byte(&b, '*');
		}
	}
	sp.query = buf_str(&b);
	sp.offset = p.offset;
	sp.limit = p.limit;
	if (search_run(cx, &sp, &found, &n, &total) != OK) {
		fail_clear(cx);                    /* nothing but signs: nothing begins so */
		n = 0;
		total = 0;
	}
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		if (found[i].type == FOUND_ORG)
			ids[k++] = found[i].id;
	k = ids_unique(ids, k);
	TRY(org_many(cx, ids, k, &o, &got));
	return orgs_reply(cx, rq, rp, o, got, &p, total);
}

static enum err
org_related(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter tf = { .organization_id = rq->param[0] };
	struct user_filter uf = { .organization_id = rq->param[0] };
	struct organization o;
	int64_t tickets, users;
	struct json j;

	TRY(org_get(cx, rq->param[0], &o));
	TRY(ticket_count(cx, &tf, &tickets));
	TRY(user_count(cx, &uf, &users));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organization_related");
	jw_obj(&j);
	jw_kint(&j, "tickets_count", tickets);
	jw_kint(&j, "users_count", users);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* {"organization":{...}} with ?ids=, or {"organizations":[{"id":1,...}]} */
static enum err
orgs_update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *one;
	json_t *made;
	int64_t *ids;
	int n;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	if (json_object_get(obj, "organizations") != NULL)
		return queue_job(cx, rq, rp, JOB_ORGS_UPDATE, json_object_get(obj, "organizations"), "organizations");
	if (!json_is_object(one = json_object_get(obj, "organization")))
		return api_error(rp, 400, "ParameterMissing", "Parameter organization is required");
	if (!api_ids(cx, rq, rp, "ids", 100, &ids, &n))
		return OK;
	made = json_array();
	arena_defer(cx->arena, (void (*)(void *))json_decref, made);
	for (int i = 0; i < n; i++) {
		json_t *copy = json_copy((json_t *)(uintptr_t)one);
		json_object_set_new(copy, "id", json_integer(ids[i]));
		json_array_append_new(made, copy);
	}
	return queue_job(cx, rq, rp, JOB_ORGS_UPDATE, made, "organizations");
}

static void
json_merge(struct json *j, struct ctx *cx, const char *base, const struct org_merge *m)
{
	jw_obj(j);
	jw_kstr(j, "id", str_printf(cx->arena, "%lld", (long long)m->id));
	url_of(j, cx, base, "organization_merges", m->id);
	jw_kint(j, "winner_id", m->winner_id);
	jw_kint(j, "loser_id", m->loser_id);
	jw_kz(j, "status", "complete");
	jw_end_obj(j);
}

static enum err
merge_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct org_merge *m)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organization_merge");
	json_merge(&j, cx, z_of(cx, api_base(cx, rq)), m);
	jw_end_obj(&j);
	return OK;
}

static enum err
org_merge_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct organization o;
	struct org_merge m;
	const json_t *obj;
	int64_t winner = 0;

	TRY(api_body(cx, rq, rp, "organization_merge", &obj));
	if (obj == NULL)
		return OK;
	TRY(org_get(cx, rq->param[0], &o));
	if (!json_id(json_object_get(obj, "winner_id"), &winner) || winner == 0) {
		bad(cx, "winner_id", "BlankValue", "Winner id: is required and must be an id");
		return bad_check(cx);
	}
	TRY(org_merge(cx, rq->param[0], winner, &m));
	return merge_reply(cx, rq, rp, &m);
}

static enum err
org_merge_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct org_merge m;

	TRY(org_merge_get(cx, rq->param[0], &m));
	return merge_reply(cx, rq, rp, &m);
}

static enum err
org_merges(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct paging p = { .limit = 100, .page = 1, .cursor = true };
	struct organization o;
	struct org_merge *m;
	struct json j;
	int n;

	TRY(org_get(cx, rq->param[0], &o));
	TRY(org_merge_list(cx, o.id, &m, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organization_merges");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_merge(&j, cx, z_of(cx, api_base(cx, rq)), &m[i]);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, false, n ? (struct place){ m[0].id, m[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ m[n - 1].id, m[n - 1].id } : (struct place){ 0, 0 }, n);
	jw_end_obj(&j);
	return OK;
}

/* ---- subscriptions ---------------------------------------------------------------------------------------------------------- */

static enum err
subscription_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct org_membership *m)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organization_subscription");
	json_belong(&j, cx, z_of(cx, api_base(cx, rq)), m, (sensitive){ 0 }, true);
	jw_end_obj(&j);
	return OK;
}

static enum err
subscriptions(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	bool of_user = str_starts(rq->path, S("/api/v2/users/")), of_org = str_starts(rq->path, S("/api/v2/organizations/"));
	struct org_membership *m;
	struct paging p;
	struct json j;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(org_subscription_list(cx, of_user ? rq->param[0] : 0, of_org ? rq->param[0] : 0, p.after ? p.id : 0, p.offset, p.limit + 1, &m, &n));
	more = n > p.limit;
	n = more ? p.limit : n;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "organization_subscriptions");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_belong(&j, cx, z_of(cx, api_base(cx, rq)), &m[i], (sensitive){ 0 }, true);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ m[0].id, m[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ m[n - 1].id, m[n - 1].id } : (struct place){ 0, 0 }, p.offset + n + more);
	jw_end_obj(&j);
	return OK;
}

static enum err
subscription_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct org_membership m;

	TRY(org_subscription_get(cx, rq->param[0], &m));
	return subscription_reply(cx, rq, rp, &m);
}

static enum err
subscription_add(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct belong_in in = { .user_id = cx->actor->user_id };
	struct org_membership m;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "organization_subscription", &obj));
	if (obj == NULL)
		return OK;
	belong_fields(cx, obj, &in);
	TRY(bad_check(cx));
	TRY(org_subscribe(cx, in.user_id, in.organization_id, &m));
	return subscription_reply(cx, rq, rp, &m);
}

static enum err
subscription_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(org_unsubscribe(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

#define SMALL (64 * KiB)
/* By the second door end users come to their own. */
#define IDENTITIES(of, write) \
	{ GET,    of "/{id}/identities",                        MAY_READ_USER,  0,     identities,       0 }, \
	{ POST,   of "/{id}/identities",                        write,          SMALL, identity_add,     0 }, \
	{ GET,    of "/{id}/identities/{id}",                   MAY_READ_USER,  0,     identity_show,    0 }, \
	{ PUT,    of "/{id}/identities/{id}",                   MAY_WRITE_USER, SMALL, identity_put,     0 }, \
	{ DELETE, of "/{id}/identities/{id}",                   write,          0,     identity_remove,  0 }, \
	{ PUT,    of "/{id}/identities/{id}/make_primary",      write,          SMALL, identity_primary, 0 }, \
	{ PUT,    of "/{id}/identities/{id}/verify",            MAY_WRITE_USER, SMALL, identity_verify,  0 }, \
	{ PUT,    of "/{id}/identities/{id}/request_verification", write,       SMALL, identity_request, 0 }
const struct route people_routes[] = {
	IDENTITIES("/api/v2/users", MAY_WRITE_USER),
	IDENTITIES("/api/v2/end_users", MAY_SIGNED_IN),
	{ GET,    "/api/ward/v1/verify/{word}",                       MAY_ANYONE,     0,     identity_token,  ROUTE_ANONYMOUS_OK },
	{ POST,   "/api/v2/users/{id}/password",                      MAY_ADMIN,      SMALL, password_set,    0 },
	{ PUT,    "/api/v2/users/{id}/password",                      MAY_SIGNED_IN,  SMALL, password_own,    0 },
	{ GET,    "/api/v2/users/{id}/password/requirements",         MAY_READ_USER,  0,     password_rules,  0 },
	{ GET,    "/api/v2/sessions",                                 MAY_ADMIN,      0,     sessions,        0 },
	{ GET,    "/api/v2/users/{id}/sessions",                      MAY_SIGNED_IN,  0,     sessions,        0 },
	{ DELETE, "/api/v2/users/{id}/sessions",                      MAY_SIGNED_IN,  0,     session_remove,  0 },
	{ GET,    "/api/v2/users/{id}/sessions/{id}",                 MAY_SIGNED_IN,  0,     session_show,    0 },
	{ DELETE, "/api/v2/users/{id}/sessions/{id}",                 MAY_SIGNED_IN,  0,     session_remove,  0 },
	{ GET,    "/api/v2/users/me/session",                         MAY_SIGNED_IN,  0,     session_mine,    0 },
	{ GET,    "/api/v2/users/me/session/renew",                   MAY_SIGNED_IN,  0,     session_renew,   0 },
	{ DELETE, "/api/v2/users/me/logout",                          MAY_SIGNED_IN,  0,     logout,          0 },
	{ POST,   "/api/v2/users/logout_many",                        MAY_WRITE_USER, SMALL, logout_many,     0 },
	{ PUT,    "/api/v2/users/{id}/merge",                         MAY_WRITE_USER, SMALL, merge,           0 },
	{ GET,    "/api/v2/users/{id}/compliance_deletion_statuses",  MAY_LIST_USERS, 0,     deletion_status, 0 },
	{ GET,    "/api/v2/deleted_users",                            MAY_LIST_USERS, 0,     deleted_list,    0 },
	{ GET,    "/api/v2/deleted_users/count",                      MAY_LIST_USERS, 0,     deleted_count,   0 },
	{ GET,    "/api/v2/deleted_users/{id}",                       MAY_LIST_USERS, 0,     deleted_show,    0 },
	{ DELETE, "/api/v2/deleted_users/{id}",                       MAY_ADMIN,      0,     purge,           0 },
	{ GET,    "/api/v2/groups/{id}/users/count",                  MAY_LIST_USERS, 0,     count_of_group,  0 },
	{ GET,    "/api/v2/organizations/{id}/users/count",           MAY_LIST_USERS, 0,     count_of_org,    0 },
	{ GET,    "/api/v2/users/{id}/groups/count",                  MAY_READ_GROUPS, 0,    groups_of_user,  0 },
	{ POST,   "/api/v2/group_memberships/create_many",            MAY_WRITE_GROUPS, 1 * MiB, members_many, 0 },
	{ DELETE, "/api/v2/group_memberships/destroy_many",           MAY_WRITE_GROUPS, 0,   members_destroy_many, 0 },
	{ GET,    "/api/v2/organization_memberships",                 MAY_READ_ORGS,  0,     belongs,         0 },
	{ POST,   "/api/v2/organization_memberships",                 MAY_WRITE_ORGS, SMALL, belong_add,      0 },
	{ POST,   "/api/v2/organization_memberships/create_many",     MAY_WRITE_ORGS, 1 * MiB, belong_many,   0 },
	{ DELETE, "/api/v2/organization_memberships/destroy_many",    MAY_WRITE_ORGS, 0,     belong_destroy_many, 0 },
	{ GET,    "/api/v2/organization_memberships/{id}",            MAY_READ_ORGS,  0,     belong_show,     0 },
	{ DELETE, "/api/v2/organization_memberships/{id}",            MAY_WRITE_ORGS, 0,     belong_remove,   0 },
	{ GET,    "/api/v2/organizations/{id}/organization_memberships", MAY_READ_ORGS, 0,   belongs,         0 },
	{ GET,    "/api/v2/users/{id}/organization_memberships",      MAY_READ_ORGS,  0,     belongs,         0 },
	{ POST,   "/api/v2/users/{id}/organization_memberships",      MAY_WRITE_ORGS, SMALL, belong_add,      0 },
	{ GET,    "/api/v2/users/{id}/organization_memberships/{id}", MAY_READ_ORGS,  0,     belong_show,     0 },
	{ DELETE, "/api/v2/users/{id}/organization_memberships/{id}", MAY_WRITE_ORGS, 0,     belong_remove,   0 },
	{ PUT,    "/api/v2/users/{id}/organization_memberships/{id}/make_default", MAY_WRITE_ORGS, SMALL, belong_default, 0 },
	{ GET,    "/api/v2/users/{id}/organizations",                 MAY_READ_ORGS,  0,     orgs_of_user,    0 },
	{ GET,    "/api/v2/users/{id}/organizations/count",           MAY_READ_ORGS,  0,     orgs_of_user_count, 0 },
	{ DELETE, "/api/v2/users/{id}/organizations/{id}",            MAY_WRITE_ORGS, 0,     leave_org,       0 },
	{ PUT,    "/api/v2/users/{id}/organizations/{id}/make_default", MAY_WRITE_ORGS, SMALL, default_org,   0 },
	{ GET,    "/api/v2/organizations/autocomplete",               MAY_READ_ORGS,  0,     orgs_complete,   0 },
	{ GET,    "/api/v2/organizations/{id}/related",               MAY_READ_ORGS,  0,     org_related,     0 },
	{ PUT,    "/api/v2/organizations/update_many",                MAY_WRITE_ORGS, 8 * MiB, orgs_update_many, 0 },
	{ DELETE, "/api/v2/organizations/destroy_many",               MAY_WRITE_ORGS, 0,     orgs_destroy_many, 0 },
	{ POST,   "/api/v2/organizations/{id}/merge",                 MAY_WRITE_ORGS, SMALL, org_merge_post,  0 },
	{ GET,    "/api/v2/organizations/{id}/merges",                MAY_READ_ORGS,  0,     org_merges,      0 },
	{ GET,    "/api/v2/organization_merges/{id}",                 MAY_READ_ORGS,  0,     org_merge_show,  0 },
	{ GET,    "/api/v2/organization_subscriptions",               MAY_SIGNED_IN,  0,     subscriptions,   0 },
	{ POST,   "/api/v2/organization_subscriptions",               MAY_SIGNED_IN,  SMALL, subscription_add, 0 },
	{ GET,    "/api/v2/organization_subscriptions/{id}",          MAY_SIGNED_IN,  0,     subscription_show, 0 },
	{ DELETE, "/api/v2/organization_subscriptions/{id}",          MAY_SIGNED_IN,  0,     subscription_remove, 0 },
	{ GET,    "/api/v2/organizations/{id}/subscriptions",         MAY_READ_ORGS,  0,     subscriptions,   0 },
	{ GET,    "/api/v2/users/{id}/organization_subscriptions",    MAY_SIGNED_IN,  0,     subscriptions,   0 },
	{ 0 }
};
