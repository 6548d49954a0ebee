/* oauth.c - OAuth clients and tokens, the page that asks for consent, and the
 * token endpoint (RFC 6749, 7009, 7636). The rules are gate's (gate/oauth.h). */
#include "api/in.h"

#define BODY (16 * KiB)

/* ---- clients ------------------------------------------------------------------------------------------- */

static void
json_client(struct json *j, struct ctx *cx, const char *base, const struct oauth_client *c, str secret)
{
	jw_obj(j);
	url_of(j, cx, base, "oauth/clients", c->id);
	jw_kint(j, "id", c->id);
	jw_kstr(j, "name", c->name);
	jw_kstr(j, "identifier", c->identifier);
	jw_kstr(j, "company", c->company);
	jw_kstr(j, "description", c->description);
	jw_kraw(j, "redirect_uri", c->redirect_uris);
	jw_kz(j, "kind", c->confidential ? "confidential" : "public");
	jw_kbool(j, "global", false);
	jw_knull(j, "logo_url");
	jw_kstr(j, "secret", secret.n ? secret : c->secret_hint);
	jw_kint(j, "user_id", c->user_id);
	jw_ktime(j, "created_at", c->created_at);
	jw_ktime(j, "updated_at", c->updated_at);
	jw_end_obj(j);
}

static enum err
client_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct oauth_client *c, str secret)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "client");
	json_client(&j, cx, z_of(cx, api_base(cx, rq)), c, secret);
	jw_end_obj(&j);
	if (secret.n)
		http_head(rp, "Pragma", S("no-cache"));
	return OK;
}

/* What a page wants: ids between two, one more than shown. */
struct want { int64_t after, before, offset; bool down; int limit; };

static struct want
want_of(const struct paging *p)
{
	return (struct want){ .after = p->cursor && p->after ? p->id : 0, .before = p->cursor && p->before ? p->id : 0,
		.offset = p->cursor ? 0 : p->offset, .down = p->cursor && p->before, .limit = p->limit + 1 };
}

/* Of the *n rows that came, *n from *from on are shown; was there one more. */
static bool
took(const struct paging *p, const struct want *w, int *n, int *from)
{
	bool more = *n > p->limit;

	*from = more && w->down;
	*n = more ? p->limit : *n;
	return more;
}

/* ids: of the first row shown; the others' stand `step` bytes apart. */
static void
page_of_ids(struct json *j, struct ctx *cx, const struct http_req *rq, const struct paging *p, const int64_t *ids, size_t step, int n, bool more,
    int64_t total)
{
	int64_t first = n ? *ids : 0, last = n ? *(const int64_t *)(const void *)((const char *)ids + (size_t)(n - 1) * step) : 0;

	api_page_end(j, cx, rq, p, n, more, (struct place){ first, first }, (struct place){ last, last }, total);
}

static enum err
client_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t user_id)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct oauth_client *c;
	struct paging p;
	struct want w;
	struct json j;
	int64_t total = 0;
	bool more;
	int n, from;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	w = want_of(&p);
	TRY(oauth_client_list(cx, user_id, w.after, w.before, w.down, w.offset, w.limit, &c, &n));
	if (!p.cursor)
		TRY(oauth_client_count(cx, user_id, &total));
	more = took(&p, &w, &n, &from);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "clients");
	jw_arr(&j);
	for (int i = from; i < from + n; i++)
		json_client(&j, cx, base, &c[i], S(""));
	jw_end_arr(&j);
	page_of_ids(&j, cx, rq, &p, &c[from].id, sizeof *c, n, more, total);
	jw_end_obj(&j);
	return OK;
}

static enum err
clients(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return client_page(cx, rq, rp, 0);
}

static enum err
my_clients(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return client_page(cx, rq, rp, cx->actor->user_id);
}

static enum err
client_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct oauth_client c;

	TRY(oauth_client_get(cx, rq->param[0], &c));
	return client_reply(cx, rq, rp, 200, &c, S(""));
}

static unsigned
client_fields(struct ctx *cx, const json_t *obj, struct oauth_client *c)
{
	static const struct field fields[] = {
		{ "name",        F_PLAIN, offsetof(struct oauth_client, name),        CLIENT_NAME,        false },
		{ "identifier",  F_PLAIN, offsetof(struct oauth_client, identifier),  CLIENT_IDENTIFIER,  false },
		{ "company",     F_PLAIN, offsetof(struct oauth_client, company),     CLIENT_COMPANY,     true },
		{ "description", F_PLAIN, offsetof(struct oauth_client, description), CLIENT_DESCRIPTION, true },
		{ "user_id",     F_ID,    offsetof(struct oauth_client, user_id),     CLIENT_USER,        false },
	};
	const json_t *v = json_object_get(obj, "kind");
	unsigned has = 0;

	api_fields(cx, obj, fields, COUNT(fields), c, &has);
	if (v != NULL && !json_is_null(v)) {
		str kind = json_text(cx, v);
		if (!str_eq(kind, S("public")) && !str_eq(kind, S("confidential")))
			bad(cx, "kind", "InvalidValue", "Kind: must be public or confidential");
		c->confidential = str_eq(kind, S("confidential"));
		has |= CLIENT_KIND;
	}
	v = json_object_get(obj, "redirect_uri");
	if (json_is_string(v) || json_is_array(v)) {        /* Zendesk's own examples have either */
		c->redirect_uris = json_is_array(v) ? json_compact(cx, v) : str_printf(cx->arena, "[" STR_F "]", STR_A(json_compact(cx, v)));
		has |= CLIENT_REDIRECTS;
	} else if (json_is_null(v)) {
		c->redirect_uris = S("[]");
		has |= CLIENT_REDIRECTS;
	} else if (v != NULL)
		bad(cx, "redirect_uri", "InvalidValue", "Redirect uri: must be an array of addresses");
	return has;
}

static enum err
client_create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct oauth_client in = { .redirect_uris = S("[]") }, out;
	const json_t *obj;
	unsigned has;
	str secret;

	TRY(api_body(cx, rq, rp, "client", &obj));
	if (obj == NULL)
		return OK;
	has = client_fields(cx, obj, &in);
	TRY(bad_check(cx));
	TRY(oauth_client_create(cx, has, &in, &secret, &out));
	api_location(cx, rq, rp, "oauth/clients", out.id);
	return client_reply(cx, rq, rp, 201, &out, secret);
}

static enum err
client_update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct oauth_client in = { .id = 0 }, out;
	const json_t *obj;
	unsigned has;

	TRY(api_body(cx, rq, rp, "client", &obj));
	if (obj == NULL)
		return OK;
	has = client_fields(cx, obj, &in);
	TRY(bad_check(cx));
	TRY(oauth_client_update(cx, rq->param[0], has, &in, &out));
	return client_reply(cx, rq, rp, 200, &out, S(""));
}

static enum err
client_secret(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct oauth_client c;
	str secret;

	TRY(oauth_client_secret(cx, rq->param[0], &secret, &c));
	return client_reply(cx, rq, rp, 200, &c, secret);
}

static enum err
client_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(oauth_client_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* No client of others is known here: every one that users can authorize is the account's own. */
static enum err
global_clients(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	struct paging p;
	struct json j;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "global_clients");
	jw_arr(&j);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, 0, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	return OK;
}

static enum err
global_client(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	(void)rp;
	return fail(cx, E_ABSENT, NULL, "no such client");
}

/* ---- tokens ---------------------------------------------------------------------------------------------- */

static void
json_scopes(struct json *j, uint64_t set)
{
	const char *name;
	int i = 0;

	jw_key(j, "scopes");
	jw_arr(j);
	while ((name = scope_name(set, &i)) != NULL)
		jw_str(j, str_of(name));
	jw_end_arr(j);
}

static void
json_token(struct json *j, struct ctx *cx, const char *base, const struct oauth_token *t, str full)
{
	jw_obj(j);
	url_of(j, cx, base, "oauth/tokens", t->id);
	jw_kint(j, "id", t->id);
	jw_kint(j, "user_id", t->user_id);
	jw_kid(j, "client_id", t->client_id);
	jw_kstr(j, "token", t->hint);
	if (full.n)
		jw_kstr(j, "full_token", full);
	if (t->refresh_hint.n)
		jw_kstr(j, "refresh_token", t->refresh_hint);
	else
		jw_knull(j, "refresh_token");
	json_scopes(j, t->scopes);
	jw_ktime(j, "created_at", t->created_at);
	jw_ktime(j, "used_at", t->used_at);
	jw_ktime(j, "expires_at", t->expires_at);
	jw_ktime(j, "refresh_token_expires_at", t->refresh_expires_at);
	jw_end_obj(j);
}

static enum err
token_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct oauth_token *t, str full)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "token");
	json_token(&j, cx, z_of(cx, api_base(cx, rq)), t, full);
	jw_end_obj(&j);
	return OK;
}

static enum err
tokens(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	const str *client = http_query(rq, "client_id");
	struct oauth_token_filter f = { .user_id = cx->actor->user_id };
	struct oauth_token *t;
	struct paging p;
	struct want w;
	struct json j;
	int64_t total = 0;
	bool more;
	int n, from;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	if (http_query(rq, "global_client_id") != NULL)
		f.client_id = -1;                      /* there are none, so none of its tokens */
	if (client != NULL && (!str_int(*client, &f.client_id) || f.client_id <= 0))
		return api_error(rp, 400, "InvalidParameter", "client_id must be the id of an OAuth client");
	if (api_query_is(rq, "all", "true"))
		f.user_id = 0;
	w = want_of(&p);
	f.after = w.after;
	f.before = w.before;
	f.down = w.down;
	f.offset = w.offset;
	f.limit = w.limit;
	TRY(oauth_token_list(cx, &f, &t, &n));
	if (!p.cursor)
		TRY(oauth_token_count(cx, &f, &total));
	more = took(&p, &w, &n, &from);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "tokens");
	jw_arr(&j);
	for (int i = from; i < from + n; i++)
		json_token(&j, cx, base, &t[i], S(""));
	jw_end_arr(&j);
	page_of_ids(&j, cx, rq, &p, &t[from].id, sizeof *t, n, more, total);
	jw_end_obj(&j);
	return OK;
}

static enum err
token_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *list, *v;
	struct oauth_token out;
	uint64_t scopes = 0;
	int64_t client = 0;
	str clear;
	size_t i;

	TRY(api_body(cx, rq, rp, "token", &obj));
	if (obj == NULL)
		return OK;
	if (!json_id(json_object_get(obj, "client_id"), &client))
		bad(cx, "client_id", json_object_get(obj, "client_id") == NULL ? "BlankValue" : "InvalidValue", "Client: must be the id of an OAuth client");
	list = json_object_get(obj, "scopes");
	if (!json_is_array(list) || json_array_size(list) == 0)
		bad(cx, "scopes", "BlankValue", "Scopes: must be an array of at least one scope");
	json_array_foreach((json_t *)(uintptr_t)list, i, v)
		if (!json_is_string(v) || !scope_add(json_text(cx, v), &scopes)) {
			bad(cx, "scopes", "InvalidValue", "Scopes: names a scope that is not known");
			break;
		}
	TRY(bad_check(cx));
	TRY(oauth_token_create(cx, client, scopes, &clear, &out));
	api_location(cx, rq, rp, "oauth/tokens", out.id);
	return token_reply(cx, rq, rp, 201, &out, clear);
}

/* "current": the token that this request brings. */
static enum err
which(struct ctx *cx, const struct http_req *rq, int64_t *id)
{
	*id = rq->param[0] != 0 ? rq->param[0] : cx->actor->token_id;
	return *id != 0 ? OK : fail(cx, E_ABSENT, NULL, "this request brings no OAuth token");
}

static enum err
token_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct oauth_token t;
	int64_t id;

	TRY(which(cx, rq, &id));
	TRY(oauth_token_get(cx, id, &t));
	return token_reply(cx, rq, rp, 200, &t, S(""));
}

static enum err
token_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t id;

	TRY(which(cx, rq, &id));
	TRY(oauth_token_drop(cx, id));
	api_empty(rp, 204);
	return OK;
}

/* ---- the token endpoint --------------------------------------------------------------------------------------- */

/* RFC 6749 5.2 */
static enum err
oauth_error(struct http_reply *rp, int status, const char *error, const char *why)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_kz(&j, "error", error);
	jw_kz(&j, "error_description", why);
	jw_end_obj(&j);
	http_head(rp, "Cache-Control", S("no-store"));
	http_head(rp, "Pragma", S("no-cache"));
	return OK;
}

/* A parameter of a form (RFC 6749 Appendix B) or a JSON object, as Zendesk's clients send. */
struct params { struct ctx *cx; const struct http_req *rq; const json_t *obj; };

static str
form_value(struct ctx *cx, str form, const char *name)
{
	while (form.n > 0) {
		str value = str_cut(&form, '&'), key = str_cut(&value, '='), out;
		if (str_eq(key, str_of(name)))
			return percent_to(cx->arena, value, true, &out) && utf8_valid(out) && memchr(out.p, 0, out.n) == NULL ? out : S("");
	}
	return S("");
}

static str
param(const struct params *p, const char *name)
{
	const json_t *v;
	int64_t n;

	if (p->obj == NULL)
		return form_value(p->cx, p->rq->body, name);
	v = json_object_get(p->obj, name);
	if (json_is_integer(v) && json_id(v, &n))
		return str_printf(p->cx->arena, "%lld", (long long)n);
	return json_text(p->cx, v);
}

/* Name and secret of the client, in the header (RFC 6749 2.3.1) or in the body. */
static void
client_credentials(const struct params *p, str *client, str *secret)
{
	str rest = str_trim(http_header(p->rq, "authorization")), scheme = str_cut(&rest, ' '), text, user;

	*client = param(p, "client_id");
	*secret = param(p, "client_secret");
	if (!str_eqi(scheme, S("basic")) || !base64_to(p->cx->arena, str_trim(rest), &text))
		return;
	user = str_cut(&text, ':');
	if (percent_to(p->cx->arena, user, true, client) && percent_to(p->cx->arena, text, true, secret))
		return;
	*client = user;
	*secret = text;
}

static bool
scopes_of(str list, uint64_t *set)
{
	while (list.n) {
		str one = str_cut(&list, ' ');
		if (one.n && !scope_add(one, set))
			return false;
	}
	return true;
}

static bool
params_of(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct params *p)
{
	*p = (struct params){ cx, rq, NULL };
	if (str_starts(http_header(rq, "content-type"), S("application/x-www-form-urlencoded")))
		return true;
	if (api_body(cx, rq, rp, NULL, &p->obj) != OK || p->obj == NULL) {
		fail_clear(cx);
		(void)!oauth_error(rp, 400, "invalid_request", "The body must be a JSON object or a form");
		return false;
	}
	return true;
}

static enum err
not_that_client(struct http_reply *rp, enum err e, int retry, struct ctx *cx)
{
	if (e == E_LIMIT) {
		(void)!oauth_error(rp, 429, "slow_down", "Too many failed attempts; wait before the next one");
		http_head(rp, "Retry-After", str_printf(cx->arena, "%d", retry > 0 ? retry : 1));
		return OK;
	}
	(void)!oauth_error(rp, 401, "invalid_client", "The client is not known, or its secret is wrong");
	return OK;
}

static enum err
exchange(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct oauth_answer a;
	struct oauth_ask ask = { .scopes = 0 };
	struct params p;
	struct json j;
	str spans[2];
	int retry = 0;
	enum err e;

	if (!params_of(cx, rq, rp, &p))
		return OK;
	client_credentials(&p, &ask.client, &ask.secret);
	ask.grant_type = param(&p, "grant_type");
	ask.code = param(&p, "code");
	ask.redirect_uri = param(&p, "redirect_uri");
	ask.verifier = param(&p, "code_verifier");
	ask.refresh = param(&p, "refresh_token");
	ask.email = param(&p, "username");
	ask.password = HIDE(param(&p, "password"));
	ask.otp = param(&p, "otp");
	spans[0] = param(&p, "expires_in");
	spans[1] = param(&p, "refresh_token_expires_in");
	if ((spans[0].n && !str_int(spans[0], &ask.expires_in)) || (spans[1].n && !str_int(spans[1], &ask.refresh_expires_in)) || ask.expires_in < 0 || ask.refresh_expires_in < 0)
		return oauth_error(rp, 400, "invalid_request", "expires_in and refresh_token_expires_in must be seconds");
	if (!scopes_of(param(&p, "scope"), &ask.scopes))
		return oauth_error(rp, 400, "invalid_scope", "The scope is not known");
	e = oauth_exchange(cx, &ask, &a, &retry);
	if (e == E_WHO || e == E_LIMIT)
		return not_that_client(rp, e, retry, cx);
	if (e == E_INVALID && cx->fail.field != NULL && cx->bad == NULL)
		return oauth_error(rp, 400, cx->fail.field, cx->fail.why);
	TRY(e);
	api_begin(rp, &j, 200);                    /* RFC 6749 5.1, and what clients ask for */
	jw_obj(&j);
	jw_kstr(&j, "access_token", a.access);
	jw_kz(&j, "token_type", "bearer");
	jw_kstr(&j, "scope", scope_text(cx, a.scopes));
	jw_kint(&j, "expires_in", a.expires_in);
	if (a.refresh.n) {
		jw_kstr(&j, "refresh_token", a.refresh);
		jw_kint(&j, "refresh_token_expires_in", a.refresh_expires_in);
	}
	jw_end_obj(&j);
	http_head(rp, "Cache-Control", S("no-store"));
	http_head(rp, "Pragma", S("no-cache"));
	return OK;
}

static enum err
revoke(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct params p;
	str client, secret;
	enum err e;

	if (!params_of(cx, rq, rp, &p))
		return OK;
	client_credentials(&p, &client, &secret);
	e = oauth_revoke(cx, client, secret, param(&p, "token"));
	if (e == E_WHO || e == E_LIMIT)
		return not_that_client(rp, e, 10, cx);
	TRY(e);
	api_empty(rp, 200);
	return OK;
}

/* ---- consent ---------------------------------------------------------------------------------------------------- */

enum word { W_TITLE, W_WANTS, W_OF, W_READ, W_WRITE, W_ONLY, W_GOES, W_ALLOW, W_DENY, W_AS, W_SIGN_IN, W_EMAIL, W_PASSWORD, W_CODE, W_ENTER,
	W_FIRST, W_WRONG, W_WAIT, W_BAD_CLIENT, W_BAD_ADDRESS, W_FACTOR, W_STALE, W_LAST };
static const struct { const char *en, *es; } words[W_LAST] = {
	[W_TITLE] = { "Allow access", "Permitir el acceso" },
	[W_WANTS] = { "asks for access to this help desk in your name:", "pide acceso a este servicio en su nombre:" },
	[W_OF] = { "of", "de" },
	[W_READ] = { "read everything that you may read, health information included", "leer todo lo que usted puede leer, también información de salud" },
	[W_WRITE] = { "change everything that you may change", "cambiar todo lo que usted puede cambiar" },
	[W_ONLY] = { "only this part:", "solo esta parte:" },
	[W_GOES] = { "You will be sent to", "Se le enviará a" },
	[W_ALLOW] = { "Allow", "Permitir" },
	[W_DENY] = { "Refuse", "Rechazar" },
	[W_AS] = { "You are signed in as", "Ha entrado como" },
	[W_SIGN_IN] = { "Sign in", "Entrar" },
	[W_EMAIL] = { "Your e-mail address", "Su correo electrónico" },
	[W_PASSWORD] = { "Your password", "Su contraseña" },
	[W_CODE] = { "The code of your second factor, if you have one", "El código de su segundo factor, si lo tiene" },
	[W_ENTER] = { "Go on", "Continuar" },
	[W_FIRST] = { "Sign in first, to decide whether this application may act in your name:", "Entre primero para decidir si esta aplicación puede actuar en su nombre:" },
	[W_WRONG] = { "The address, the password or the code is wrong.", "La dirección, la contraseña o el código no son correctos." },
	[W_WAIT] = { "There were too many attempts. Wait a while.", "Hubo demasiados intentos. Espere un poco." },
	[W_BAD_CLIENT] = { "No application of this name is known here. Nothing was allowed.", "Aquí no se conoce ninguna aplicación con este nombre. No se permitió nada." },
	[W_BAD_ADDRESS] = { "The application asked to be answered at an address that is not its own. Nothing was allowed.",
	    "La aplicación pidió la respuesta en una dirección que no es suya. No se permitió nada." },
	[W_FACTOR] = { "Set up your second factor at the desk first.", "Configure primero su segundo factor en el escritorio." },
	[W_STALE] = { "This page was open too long. Nothing was allowed; please go back and try again.", "La página estuvo abierta demasiado tiempo. No se permitió nada; vuelva e inténtelo otra vez." },
};

struct page { struct ctx *cx; struct buf *b; bool es; };

static void
html(struct page *p, str s)
{
	buf_html(p->b, s);
}

static void
raw(struct page *p, const char *s)
{
	buf_add(p->b, str_of(s));
}

static void
say(struct page *p, enum word w)
{
	html(p, str_of(p->es ? words[w].es : words[w].en));
}

/* `to`: where the answer of the form goes in the end; a browser holds that
 * against form-action, too (CSP 3, 6.4.2). */
static struct page
page_begin(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, str to)
{
	struct page p = { cx, &rp->body, str_starts(str_trim(http_header(rq, "accept-language")), S("es")) };

	rp->status = status;
	rp->type = "text/html; charset=utf-8";
	http_head(rp, "Content-Security-Policy", str_printf(cx->arena, "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
	    " frame-ancestors 'none'; form-action 'self' " STR_F, STR_A(to)));
	http_head(rp, "Cache-Control", S("no-store"));
	raw(&p, p.es ? "<!doctype html><html lang=\"es\">" : "<!doctype html><html lang=\"en\">");
	raw(&p, "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
	say(&p, W_TITLE);
	raw(&p, "</title><link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/help.css\"></head><body><main><h1>");
	say(&p, W_TITLE);
	raw(&p, "</h1>");
	return p;
}

static enum err
page_end(struct page *p)
{
	raw(p, "</main></body></html>");
	return OK;
}

static enum err
note(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int status, enum word w)
{
	struct page p = page_begin(cx, rq, rp, status, S(""));

	raw(&p, "<p class=\"note\" role=\"alert\">");
	say(&p, w);
	raw(&p, "</p>");
	return page_end(&p);
}

/* What an application asks for, out of the address or out of the page's own form. */
struct asked {
	str client_id, redirect_uri, response_type, scope, state, challenge, method;
	struct oauth_client client;
	uint64_t scopes;
};

static str
origin_of(str uri)
{
	size_t at = str_find(uri, S("://"));

	if (at == SIZE_MAX)
		return S("");
	for (size_t i = at + 3; i < uri.n; i++)
		if (uri.p[i] == '/' || uri.p[i] == '?')
			return str_sub(uri, 0, i);
	return uri;
}

static str
asked_for(struct ctx *cx, const struct http_req *rq, const char *name)
{
	const str *q = http_query(rq, name);

	if (rq->method == POST)
		return form_value(cx, rq->body, name);
	return q != NULL && utf8_valid(*q) ? *q : S("");
}

/* RFC 6749 4.1.2 and 4.1.2.1: back to the application, with a code or with the error. */
static enum err
send_back(struct ctx *cx, struct http_reply *rp, const struct asked *a, const char *name, str value, const char *why)
{
	struct buf b;

	buf_init(&b, cx->arena, 8 * KiB);
	buf_add(&b, a->redirect_uri);
	buf_byte(&b, memchr(a->redirect_uri.p, '?', a->redirect_uri.n) ? '&' : '?');
	buf_fmt(&b, "%s=", name);
	buf_percent(&b, value);
	if (why != NULL) {
		buf_add(&b, S("&error_description="));
		buf_percent(&b, str_of(why));
	}
	if (a->state.n) {
		buf_add(&b, S("&state="));
		buf_percent(&b, a->state);
	}
	rp->status = 303;
	rp->type = NULL;
	rp->body.n = 0;
	http_head(rp, "Location", buf_str(&b));
	http_head(rp, "Cache-Control", S("no-store"));
	return OK;
}

/* False: it is answered. An address that is not the client's own is never sent to. */
static bool
read_asked(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct asked *a, enum err *e)
{
	*a = (struct asked){ .client_id = asked_for(cx, rq, "client_id"), .redirect_uri = asked_for(cx, rq, "redirect_uri"),
		.response_type = asked_for(cx, rq, "response_type"), .scope = asked_for(cx, rq, "scope"), .state = asked_for(cx, rq, "state"),
		.challenge = asked_for(cx, rq, "code_challenge"), .method = asked_for(cx, rq, "code_challenge_method") };
	*e = oauth_client_named(cx, a->client_id, &a->client);
	if (*e == E_ABSENT) {
		fail_forget(cx);
		*e = note(cx, rq, rp, 400, W_BAD_CLIENT);
		return false;
	}
	if (*e != OK)
		return false;
	if (!oauth_redirect_ok(cx, &a->client, a->redirect_uri)) {
		*e = note(cx, rq, rp, 400, W_BAD_ADDRESS);
		return false;
	}
	if (a->state.n > 2000)
		a->state.n = 0;
	if (!str_eq(a->response_type, S("code")))
		*e = send_back(cx, rp, a, "error", S("unsupported_response_type"), "response_type must be code");
	else if (!scopes_of(a->scope, &a->scopes) || a->scopes == 0)
		*e = send_back(cx, rp, a, "error", S("invalid_scope"), "The scope is missing or not known");
	else if (a->challenge.n == 0 ? !a->client.confidential : !str_eq(a->method, S("S256")) || a->challenge.n != 43)
		*e = send_back(cx, rp, a, "error", S("invalid_request"), "A code_challenge by S256 is needed (RFC 7636)");
	else
		return true;
	return false;
}

static void
hidden(struct page *p, const char *name, str value)
{
	buf_fmt(p->b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
	html(p, value);
	raw(p, "\">");
}

static void
form(struct page *p, const char *action, const struct asked *a)
{
	buf_fmt(p->b, "<form method=\"post\" action=\"%s\">", action);
	hidden(p, "client_id", a->client_id);
	hidden(p, "redirect_uri", a->redirect_uri);
	hidden(p, "response_type", a->response_type);
	hidden(p, "scope", a->scope);
	hidden(p, "state", a->state);
	hidden(p, "code_challenge", a->challenge);
	hidden(p, "code_challenge_method", a->method);
}

static void
who_asks(struct page *p, const struct asked *a)
{
	raw(p, "<strong>");
	html(p, a->client.name);
	raw(p, "</strong>");
	if (a->client.company.n) {
		raw(p, " (");
		html(p, a->client.company);
		raw(p, ")");
	}
}

static void
text_input(struct page *p, const char *name, const char *type, const char *more, enum word label)
{
	buf_fmt(p->b, "<label for=\"%s\">", name);
	say(p, label);
	buf_fmt(p->b, "</label><input id=\"%s\" name=\"%s\" type=\"%s\" %s>", name, name, type, more);
}

static enum err
sign_in_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct asked *a, int status, enum word wrong)
{
	struct page p = page_begin(cx, rq, rp, status, origin_of(a->redirect_uri));

	if (wrong != W_LAST) {
		raw(&p, "<p class=\"wrong\" role=\"alert\">");
		say(&p, wrong);
		raw(&p, "</p>");
	}
	raw(&p, "<p>");
	say(&p, W_FIRST);
	raw(&p, " ");
	who_asks(&p, a);
	raw(&p, "</p>");
	form(&p, "/oauth/authorizations/sign_in", a);
	text_input(&p, "email", "email", "autocomplete=\"username\" required", W_EMAIL);
	text_input(&p, "password", "password", "autocomplete=\"current-password\" required", W_PASSWORD);
	text_input(&p, "otp", "text", "autocomplete=\"one-time-code\" inputmode=\"numeric\"", W_CODE);
	raw(&p, "<button class=\"go\">");
	say(&p, W_ENTER);
	raw(&p, "</button></form>");
	return page_end(&p);
}

static enum err
consent_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct asked *a)
{
	struct page p;
	struct user u;
	const char *name;
	int i = 0;

	if (cx->actor->enrolling)
		return note(cx, rq, rp, 403, W_FACTOR);
	TRY(user_load(cx, cx->actor->user_id, &u));
	p = page_begin(cx, rq, rp, 200, origin_of(a->redirect_uri));
	raw(&p, "<p>");
	who_asks(&p, a);
	raw(&p, " ");
	say(&p, W_WANTS);
	raw(&p, "</p>");
	if (a->client.description.n) {
		raw(&p, "<p class=\"soft\">");
		html(&p, a->client.description);
		raw(&p, "</p>");
	}
	raw(&p, "<ul>");
	while ((name = scope_name(a->scopes, &i)) != NULL) {
		raw(&p, "<li>");
		if (strcmp(name, "read") == 0 || strcmp(name, "write") == 0)
			say(&p, name[0] == 'r' ? W_READ : W_WRITE);
		else {
			say(&p, W_ONLY);
			raw(&p, " <code>");
			html(&p, str_of(name));
			raw(&p, "</code>");
		}
		raw(&p, "</li>");
	}
	raw(&p, "</ul><p class=\"soft\">");
	say(&p, W_AS);
	raw(&p, " ");
	html(&p, reveal_clear(cx, u.email));       /* their own */
	raw(&p, ". ");
	say(&p, W_GOES);
	raw(&p, " <code>");
	html(&p, origin_of(a->redirect_uri));
	raw(&p, "</code>.</p>");
	form(&p, "/oauth/authorizations", a);
	hidden(&p, "csrf", cx->actor->csrf);
	raw(&p, "<button class=\"go\" name=\"decision\" value=\"allow\">");
	say(&p, W_ALLOW);
	raw(&p, "</button> <button name=\"decision\" value=\"deny\">");
	say(&p, W_DENY);
	raw(&p, "</button></form>");
	(void)!page_end(&p);
	return look_one(cx, "user", u.id, "email");
}

static bool
in_session(const struct ctx *cx)
{
	return cx->actor != NULL && cx->actor->user_id != 0 && cx->actor->session_id != 0;
}

static enum err
authorize(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct asked a;
	enum err e;

	if (!read_asked(cx, rq, rp, &a, &e))
		return e;
	if (in_session(cx))
		return consent_page(cx, rq, rp, &a);
	/* The cookie is SameSite=Strict, so a browser that comes from the application does not show it: once more, from here. */
	if (http_query(rq, "again") == NULL) {
		struct page p = page_begin(cx, rq, rp, 200, S(""));
		struct buf b;
		buf_init(&b, cx->arena, 16 * KiB);
		for (int i = 0; i < rq->query_count; i++) {
			buf_percent(&b, rq->query[i].name);
			buf_byte(&b, '=');
			buf_percent(&b, rq->query[i].value);
			buf_byte(&b, '&');
		}
		raw(&p, "<meta http-equiv=\"refresh\" content=\"0;url=/oauth/authorizations/new?");
		html(&p, buf_str(&b));
		raw(&p, "again=1\"><p><a href=\"/oauth/authorizations/new?");
		html(&p, buf_str(&b));
		raw(&p, "again=1\">");
		say(&p, W_ENTER);
		raw(&p, "</a></p>");
		return page_end(&p);
	}
	return sign_in_page(cx, rq, rp, &a, 200, W_LAST);
}

/* A form that another site filled in and sent: browsers say so (Fetch Metadata, RFC 6454 7). */
static bool
from_elsewhere(struct ctx *cx, const struct http_req *rq)
{
	str site = http_header(rq, "sec-fetch-site"), origin = http_header(rq, "origin");

	if (site.n && !str_eq(site, S("same-origin")) && !str_eq(site, S("none")))
		return true;
	return origin.n && !str_eq(origin, S("null")) && !str_eq(origin, api_base(cx, rq));
}

static enum err
sign_in(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct asked a;
	str cookie, csrf;
	int retry = 0;
	enum err e;

	if (from_elsewhere(cx, rq))
		return note(cx, rq, rp, 400, W_STALE);
	if (!read_asked(cx, rq, rp, &a, &e))
		return e;
	e = session_create(cx, form_value(cx, rq->body, "email"), HIDE(form_value(cx, rq->body, "password")), str_trim(form_value(cx, rq->body, "otp")),
	    &cookie, &csrf, &retry);
	if (e == E_WHO || e == E_LIMIT) {
		fail_forget(cx);
		return sign_in_page(cx, rq, rp, &a, e == E_WHO ? 403 : 429, e == E_WHO ? W_WRONG : W_WAIT);
	}
	TRY(e);
	http_head(rp, "Set-Cookie", str_printf(cx->arena, "ward_session=" STR_F "; Path=/; HttpOnly; SameSite=Strict%s", STR_A(cookie), rq->secure ? "; Secure" : ""));
	return consent_page(cx, rq, rp, &a);
}

static enum err
decide(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct asked a;
	str code;
	enum err e;

	if (!read_asked(cx, rq, rp, &a, &e))
		return e;
	if (!in_session(cx))
		return sign_in_page(cx, rq, rp, &a, 403, W_LAST);
	if (from_elsewhere(cx, rq) || !session_csrf_ok(cx, form_value(cx, rq->body, "csrf")))
		return note(cx, rq, rp, 400, W_STALE);
	if (cx->actor->enrolling)
		return note(cx, rq, rp, 403, W_FACTOR);
	if (!str_eq(form_value(cx, rq->body, "decision"), S("allow")))
		return send_back(cx, rp, &a, "error", S("access_denied"), "The user refused");
	TRY(oauth_consent(cx, &a.client, a.redirect_uri, a.scopes, a.challenge, &code));
	return send_back(cx, rp, &a, "code", code, NULL);
}

const struct route oauth_routes[] = {
	{ GET,    "/api/v2/oauth/clients",                      MAY_ADMIN,     0,    clients,        0 },
	{ POST,   "/api/v2/oauth/clients",                      MAY_ADMIN,     128 * KiB, client_create, 0 },
	{ GET,    "/api/v2/oauth/clients/{id}",                 MAY_ADMIN,     0,    client_show,    0 },
	{ PUT,    "/api/v2/oauth/clients/{id}",                 MAY_ADMIN,     128 * KiB, client_update, 0 },
	{ DELETE, "/api/v2/oauth/clients/{id}",                 MAY_ADMIN,     0,    client_delete,  0 },
	{ PUT,    "/api/v2/oauth/clients/{id}/generate_secret", MAY_ADMIN,     BODY, client_secret,  0 },
	{ GET,    "/api/v2/users/me/oauth/clients",             MAY_ADMIN,     0,    my_clients,     0 },
	{ GET,    "/api/v2/oauth/global_clients",               MAY_ADMIN,     0,    global_clients, 0 },
	{ GET,    "/api/v2/oauth/global_clients/{id}",          MAY_ADMIN,     0,    global_client,  0 },
	{ GET,    "/api/v2/oauth/global_clients/token_summary", MAY_ADMIN,     0,    global_clients, 0 },
	{ GET,    "/api/v2/oauth/tokens",                       MAY_SIGNED_IN, 0,    tokens,         0 },
	{ POST,   "/api/v2/oauth/tokens",                       MAY_SIGNED_IN, BODY, token_post,  0 },
	{ GET,    "/api/v2/oauth/tokens/current",               MAY_SIGNED_IN, 0,    token_show,     0 },
	{ DELETE, "/api/v2/oauth/tokens/current",               MAY_SIGNED_IN, 0,    token_delete,   ROUTE_READER_OK },
	{ GET,    "/api/v2/oauth/tokens/{id}",                  MAY_SIGNED_IN, 0,    token_show,     0 },
	{ DELETE, "/api/v2/oauth/tokens/{id}",                  MAY_SIGNED_IN, 0,    token_delete,   0 },
	{ POST,   "/oauth/tokens",                              MAY_ANYONE,    BODY, exchange,       ROUTE_OWN_AUTH },
	{ POST,   "/oauth/revoke",                              MAY_ANYONE,    BODY, revoke,         ROUTE_OWN_AUTH },
	{ GET,    "/oauth/authorizations/new",                  MAY_ANYONE,    0,    authorize,      ROUTE_ANONYMOUS_OK },
	{ POST,   "/oauth/authorizations/sign_in",              MAY_ANYONE,    BODY, sign_in,        ROUTE_ANONYMOUS_OK | ROUTE_NO_CSRF },
	{ POST,   "/oauth/authorizations",                      MAY_ANYONE,    BODY, decide,         ROUTE_ANONYMOUS_OK | ROUTE_NO_CSRF },
	{ 0 }
};
