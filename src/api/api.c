/* api.c - the dispatcher: route, sign-in, CSRF, permission, handler, and the
 * checks on what leaves. */
#include <stdatomic.h>
#include <stdlib.h>

#include "api/in.h"

static const struct route *const tables[] = {
	oauth_routes, liking_routes,
	ticket_routes, user_routes, group_routes, org_routes, search_routes, request_routes, job_routes, export_routes,
	outbox_routes, webhook_routes, describe_routes,
	def_routes, tag_routes, ticketop_routes, people_routes, account_routes,
	log_routes, brand_agent_routes, relation_routes, suspended_routes, attachment_routes, ward_routes, session_routes, help_routes,
	aside_routes, notification_routes,
	live_routes, draft_routes,
	key_routes, setup_routes, proof_routes, report_routes,
	help_page_routes, help_ask_routes, help_secure_routes, help_rate_routes, reset_routes, sign_in_routes,
	article_routes, help_article_routes,
	view_routes, trigger_routes, macro_routes, automation_routes, sla_routes, retention_routes, workspace_routes, routing_routes, phi_routes, NULL
};

static _Thread_local struct api *serving;
static _Thread_local const struct http_req *asked_for;

struct api *
api_of(const struct ctx *cx)
{
	(void)cx;
	return serving;
}

const struct http_req *
api_asked(const struct ctx *cx)
{
	(void)cx;
	return asked_for;
}

struct api *
api_new(struct sys *sys, const struct api_conf *conf, api_page *page)
{
	struct api *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->sys = sys;
	a->conf = *conf;
	a->page = page;
	a->arena = arena_new();
	a->router = router_new(a->arena, tables);
	sys->live = live_new(sys);
	if ((a->rates = rates_new()) == NULL)
		api_free(&a);
	return a;
}

void
api_free(struct api **a)
{
	if (*a == NULL)
		return;
	live_free(&(*a)->sys->live);
	rates_free(&(*a)->rates);
	arena_free(&(*a)->arena);
	free(*a);
	*a = NULL;
}

void
api_routes(void (*fn)(void *arg, const struct route *r), void *arg)
{
	for (size_t i = 0; tables[i] != NULL; i++)
		for (const struct route *r = tables[i]; r->method != 0; r++)
			fn(arg, r);
}

const char *
api_may_name(int permission)
{
	return may_name((enum may)permission);
}

/* ---- failures -------------------------------------------------------------------------------------------------- */

void
api_begin(struct http_reply *rp, struct json *j, int status)
{
	rp->status = status;
	rp->type = "application/json; charset=utf-8";
	rp->body.n = 0;
	jw_init(j, &rp->body);
}

void
api_empty(struct http_reply *rp, int status)
{
	rp->status = status;
	rp->type = NULL;
	rp->body.n = 0;
}

enum err
api_error(struct http_reply *rp, int status, const char *error, const char *description)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_kz(&j, "error", error);
	if (description != NULL)
		jw_kz(&j, "description", description);
	jw_end_obj(&j);
	return OK;
}

enum err
api_error_object(struct http_reply *rp, int status, const char *title, const char *message)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "error");
	jw_obj(&j);
	jw_kz(&j, "title", title);
	jw_kz(&j, "message", message);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

enum err
api_errors(struct http_reply *rp, int status, const char *code, const char *title, const char *detail)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "errors");
	jw_arr(&j);
	jw_obj(&j);
	jw_kz(&j, "code", code);
	jw_kz(&j, "title", title);
	jw_kz(&j, "detail", detail);
	jw_end_obj(&j);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

enum err
api_invalid(struct ctx *cx, struct http_reply *rp, const char *error, const char *description)
{
	struct json j;
	struct bad_field lone = { NULL, cx->fail.field ? cx->fail.field : "base", "InvalidValue",
	    cx->fail.why ? cx->fail.why : "is invalid" };
	struct bad_field *list = cx->bad ? cx->bad : &lone;

	api_begin(rp, &j, 422);
	jw_obj(&j);
	jw_kz(&j, "error", error);
	jw_kz(&j, "description", description);
	jw_key(&j, "details");
	jw_obj(&j);
	for (struct bad_field *f = list; f != NULL; f = f->next) {
		bool done = false;
		for (struct bad_field *g = list; g != f; g = g->next)
			done = done || strcmp(g->field, f->field) == 0;
		if (done)
			continue;
		jw_key_str(&j, str_of(f->field));
		jw_arr(&j);
		for (struct bad_field *g = f; g != NULL; g = g->next)
			if (strcmp(g->field, f->field) == 0) {
				jw_obj(&j);
				jw_kz(&j, "description", g->why);
				jw_kz(&j, "error", g->error);
				jw_end_obj(&j);
			}
		jw_end_arr(&j);
	}
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* 202: taken, but not yet what was asked for (RFC 9110 15.3.3). */
static void
held(struct ctx *cx, struct http_reply *rp)
{
	struct json j;

	api_begin(rp, &j, 202);
	jw_obj(&j);
	jw_key(&j, "suspended_ticket");
	jw_obj(&j);
	jw_kint(&j, "id", cx->held);
	jw_kz(&j, "cause", "Held by the PHI policy until somebody decides");
	jw_end_obj(&j);
	jw_end_obj(&j);
}

void
api_failure(struct ctx *cx, struct http_reply *rp, enum err e)
{
	switch (e) {
	case E_INVALID:
		if (cx->held != 0 && cx->fail.field != NULL && strcmp(cx->fail.field, POLICY_HELD) == 0) {
			held(cx, rp);
			break;
		}
		(void)!api_invalid(cx, rp, "RecordInvalid", "Record validation errors");
		break;
	case E_WHO:
		(void)!api_error(rp, 401, "Couldn't authenticate you", NULL);
		break;
	case E_DENIED:
		if (cx->fail.field != NULL && strcmp(cx->fail.field, "second_factor") == 0) {
			(void)!api_error_object(rp, 403, "SecondFactorMissing", cx->fail.why);
			break;
		}
		(void)!api_error_object(rp, 403, "Forbidden", "You do not have access to this page. Please contact the account"
		    " owner of this help desk for further help.");
		break;
	case E_ABSENT:
		(void)!api_error(rp, 404, "RecordNotFound", "Not found");
		break;
	case E_CONFLICT:
		(void)!api_error(rp, 409, "UpdateConflict", cx->fail.why);
		break;
	case E_LIMIT:
		if (cx->fail.field != NULL && strcmp(cx->fail.field, "jobs") == 0) {
			(void)!api_error(rp, 429, "TooManyJobs", cx->fail.why);
			http_head(rp, "Retry-After", S("5"));
		} else
			(void)!api_error(rp, 413, "LimitExceeded", cx->fail.why);
		break;
	case E_BUSY:
		(void)!api_error(rp, 503, "ServiceUnavailable", cx->fail.why);
		http_head(rp, "Retry-After", S("5"));
		break;
	default:
		if (cx->fail.why == store_full) {
			log_line(LOG_LV_ERROR, "api", "request=" STR_F " refused: %s", STR_A(cx->request_id), store_full);
			(void)!api_error(rp, 503, "ServiceUnavailable", "The server's disk is full. Nothing was changed; try again when an administrator made room.");
			http_head(rp, "Retry-After", S("60"));
			break;
		}
		log_line(LOG_LV_ERROR, "api", "request=" STR_F " failed: %s", STR_A(cx->request_id),
		    cx->fail.why ? cx->fail.why : err_name(e));
		(void)!api_error(rp, 500, "InternalServerError", "Something went wrong here, not with your request. Its number is in"
		    " the X-Request-Id header.");
		break;
	}
}

/* ---- what every answer carries ------------------------------------------------------------------------------ */

/* A weak ETag (RFC 9110 8.8.3): 128 bits of a fast mixing hash; it guards a
 * cache, not a secret. */
static void
etag_of(str s, char out[40])
{
	uint64_t a = 0x9E3779B97F4A7C15u ^ s.n, b = 0xC2B2AE3D27D4EB4Fu, c = ~a, e = ~b, w[4];
	static const char digits[] = "0123456789abcdef";
	size_t i = 0;
	char *p = out;

	/* Four chains, so that no multiplication waits for another. */
	for (; i + 32 <= s.n; i += 32) {
		memcpy(w, s.p + i, 32);
		a = (a ^ w[0]) * 0xFF51AFD7ED558CCDu;
		b = (b ^ w[1]) * 0xC4CEB9FE1A85EC53u;
		c = (c ^ w[2]) * 0xFF51AFD7ED558CCDu;
		e = (e ^ w[3]) * 0xC4CEB9FE1A85EC53u;
		a ^= a >> 29;
		b ^= b >> 31;
		c ^= c >> 29;
		e ^= e >> 31;
	}
	for (; i < s.n; i++)
		a = (a ^ (unsigned char)s.p[i]) * 0x100000001B3u;
	a = (a ^ c) * 0xFF51AFD7ED558CCDu;
	b = (b ^ e) * 0xC4CEB9FE1A85EC53u;
	a ^= b >> 32;
	b ^= a * 0x9FB21C651E98DF25u;
	a *= 0xFF51AFD7ED558CCDu;
	a ^= a >> 33;
	b ^= b >> 33;
	memcpy(p, "W/\"", 3);
	p += 3;
	for (int k = 60; k >= 0; k -= 4)
		*p++ = digits[a >> k & 15];
	for (int k = 60; k >= 0; k -= 4)
		*p++ = digits[b >> k & 15];
	memcpy(p, "\"", 2);
}

/* Requests left in this minute after this one; -1: none was. */
static int64_t
rate_take(struct api *a, usec now)
{
	const uint64_t most = ((uint64_t)1 << 24) - 1;
	uint64_t minute = (uint64_t)(now / (60 * SECOND)), was = atomic_load(&a->rate), next;
	uint64_t limit = (uint64_t)a->conf.rate_limit < most ? (uint64_t)a->conf.rate_limit : most;

	do {
		uint64_t n = was >> 24 == minute ? was & most : 0;
		if (n >= limit)
			return -1;
		next = minute << 24 | (n + 1);
	} while (!atomic_compare_exchange_weak(&a->rate, &was, next));
	return (int64_t)(limit - (next & most));
}

static int
rate_reset(usec now)
{
	return (int)(60 - time_unix(now) % 60);
}

/* What is left of the rate, for the request that this thread serves; -2: it was not counted. */
static _Thread_local int64_t rate_left;

static void
common_heads(struct ctx *cx, struct http_req *rq, struct http_reply *rp, bool api)
{
	bool ok = rp->status >= 200 && rp->status < 300;

	http_head(rp, "X-Request-Id", cx->request_id);
	http_head(rp, "X-Content-Type-Options", S("nosniff"));
	http_head(rp, "X-Frame-Options", S("SAMEORIGIN"));
	http_head(rp, "Referrer-Policy", S("no-referrer"));
	if (rq->secure)
		http_head(rp, "Strict-Transport-Security", S("max-age=31536000; includeSubDomains"));
	if (!api)
		return;
	http_head(rp, "X-Zendesk-API-Version", S("v2"));
	if (serving->conf.rate_limit > 0 && rate_left != -2) {
		str limit = str_printf(cx->arena, "%lld", (long long)serving->conf.rate_limit),
		    left = str_printf(cx->arena, "%lld", (long long)(rate_left < 0 ? 0 : rate_left));
		http_head(rp, "X-Rate-Limit", limit);
		http_head(rp, "X-Rate-Limit-Remaining", left);
		http_head(rp, "ratelimit-limit", limit);
		http_head(rp, "ratelimit-remaining", left);
		http_head(rp, "ratelimit-reset", str_printf(cx->arena, "%d", rate_reset(cx->now)));
	} else {
		/* Without a limit clients that slow down by these are told that there is room. */
		http_head(rp, "X-Rate-Limit", S("100000"));
		http_head(rp, "X-Rate-Limit-Remaining", S("99999"));
	}
	http_head(rp, "Vary", S("Accept-Encoding, Authorization"));
	http_head(rp, "Cache-Control", ok ? S("max-age=0, private, must-revalidate") : S("no-cache"));
	if (ok && rp->type != NULL && rp->body.n && rp->more == NULL && rq->method == GET) {
		char tag[40];
		str asked = http_header(rq, "if-none-match"), mine;
		etag_of(buf_str(&rp->body), tag);
		mine = str_dup(cx->arena, str_of(tag));
		http_head(rp, "ETag", mine);
		/* The access event was written by the handler: a 304 is a look too. */
		if (asked.n && (str_find(asked, mine) != SIZE_MAX || str_eq(str_trim(asked), S("*"))))
			api_empty(rp, 304);
	}
}

static void
cors(struct http_reply *rp)
{
	http_head(rp, "Access-Control-Allow-Origin", S("*"));
	http_head(rp, "Access-Control-Allow-Methods", S("GET, POST, PUT, PATCH, DELETE, OPTIONS"));
	http_head(rp, "Access-Control-Allow-Headers", S("Authorization, Content-Type, If-None-Match, Idempotency-Key,"
	    " X-On-Behalf-Of"));
	http_head(rp, "Access-Control-Expose-Headers", S("X-Rate-Limit, X-Rate-Limit-Remaining, Retry-After, ETag,"
	    " X-Request-Id, Location"));
	http_head(rp, "Access-Control-Max-Age", S("86400"));
}

static bool
is_form(const struct http_req *rq)
{
	static const str form = { "multipart/form-data", 19 };

	return str_eqi(str_sub(http_header(rq, "content-type"), 0, form.n), form);
}

size_t
api_admit(void *arg, struct http_req *rq)
{
	struct api *a = arg;
	struct http_req copy = *rq;
	unsigned allowed;
	const struct route *r = router_find(a->router, &copy, &allowed);

	if (r == NULL)
		return 64 * KiB;
	if ((r->flags & ROUTE_PIECES) && !is_form(rq))
		rq->piece = 256 * KiB;
	/* Clients send the object itself along with its deletion, up to 100 of them; it is read past. */
	return r->method == DELETE && r->body_max < MiB ? MiB : r->body_max;
}

/* RFC 6750 3.1 */
static void
bearer_refused(struct http_reply *rp)
{
	struct json j;

	api_begin(rp, &j, 401);
	jw_obj(&j);
	http_head(rp, "WWW-Authenticate", S("Bearer realm=\"Ward\", error=\"invalid_token\""));
	jw_kz(&j, "error", "invalid_token");
	jw_kz(&j, "error_description", "The access token provided is expired, revoked, malformed or invalid for other reasons.");
	jw_end_obj(&j);
}

/* The path, and what ?include= would lay beside it. */
static bool
in_scope(struct ctx *cx, const struct http_req *rq)
{
	bool writes = rq->method != GET && rq->method != HEAD;
	const str *include = http_query(rq, "include");
	str rest = include != NULL ? *include : S("");

	if (cx->actor == NULL || !cx->actor->scoped)
		return true;
	while (rest.n) {
		static const char *const kinds[] = { "users", "groups", "organizations", "tickets", "brands", "ticket_audits" };
		str one = str_trim(str_cut(&rest, ','));
		for (size_t i = 0; i < COUNT(kinds); i++)
			if (str_starts(one, str_of(kinds[i])) && !gate_scope(cx, str_printf(cx->arena, "/api/v2/%s", kinds[i]), false))
				return false;
	}
	return gate_scope(cx, rq->path, writes);
}

/* What the handler said, or why it could not; what must not leave, does not. */
static void
answered(struct ctx *cx, struct http_reply *rp, const struct route *r, enum err e)
{
	if (e != OK) {
		api_failure(cx, rp, e);
		return;
	}
	if ((cx->revealed & 1u << TO_SHOW_ACTOR) && !cx->looked && rp->status < 400) {
		/* P4: what was shown must be in the trail. This is a bug of a handler, caught before it leaks. */
		log_line(LOG_LV_ERROR, "api", "request=" STR_F " route=%s withheld: no access event", STR_A(cx->request_id),
		    r->path);
		cx->fail.why = "withheld";
		api_failure(cx, rp, E_FAULT);
	}
	if (rp->body.over) {
		cx->fail.why = "the answer is too large";
		api_failure(cx, rp, E_FAULT);
	}
}

static void
answer(struct ctx *cx, struct api *a, struct http_req *rq, struct http_reply *rp, const struct route *r)
{
	str authorization = http_header(rq, "authorization");
	int retry = 0;
	enum err e;

	if (r->flags & ROUTE_OWN_AUTH)
		e = gate_authenticate(cx, S(""), S(""), &retry);
	else
		e = gate_authenticate(cx, authorization, http_cookie(rq, "ward_session"), &retry);
	if (e == E_LIMIT) {
		(void)!api_error(rp, 429, "TooManyAttempts", "Too many failed sign-ins; wait before the next one");
		http_head(rp, "Retry-After", str_printf(cx->arena, "%d", retry > 0 ? retry : 1));
		return;
	}
	if (e == E_WHO && (r->flags & ROUTE_ANONYMOUS_OK)) {
		/* users/me answers wrong passwords with "Anonymous user", but a wrong API token with 401. */
		str enc = authorization, dec;
		str scheme = str_cut(&enc, ' ');
		bool token = !str_eqi(scheme, S("basic")) || !base64_to(cx->arena, str_trim(enc), &dec)
		    || str_find(dec, S("/token:")) != SIZE_MAX;
		if (!token || authorization.n == 0) {
			fail_clear(cx);
			e = OK;
		}
	}
	if (e == E_WHO && cx->fail.field != NULL && strcmp(cx->fail.field, "token") == 0 && str_starts(str_lower(cx->arena, str_sub(authorization, 0, 7)), S("bearer "))) {
		bearer_refused(rp);
		return;
	}
	if (e != OK) {
		api_failure(cx, rp, e);
		return;
	}
	if (cx->actor != NULL && cx->actor->session_id != 0)
		cx->via = "desk";                        /* on the screen: see channel_shown() */
	/* Only who is known is counted, so that nobody can use up the account's share. */
	if (a->conf.rate_limit > 0 && cx->actor != NULL && cx->actor->user_id != 0 && (rate_left = rate_take(a, cx->now)) < 0) {
		(void)!api_error(rp, 429, "TooManyRequests", "The account's limit of requests per minute was reached");
		http_head(rp, "Retry-After", str_printf(cx->arena, "%d", rate_reset(cx->now)));
		return;
	}
	if (a->conf.rate_limit > 0 && cx->actor != NULL && cx->actor->user_id != 0 && !rates_take(a->rates, cx, r, rq, rp))
		return;
	if (cx->actor != NULL && cx->actor->session_id != 0 && rq->method != GET && rq->method != HEAD
	    && !(r->flags & ROUTE_NO_CSRF) && !session_csrf_ok(cx, http_header(rq, "x-csrf-token"))) {
		(void)!api_error_object(rp, 403, "Forbidden", "The X-CSRF-Token header is missing or wrong; reload the page.");
		return;
	}
	if (cx->actor != NULL && cx->actor->read_only && rq->method != GET && rq->method != HEAD && !(r->flags & ROUTE_READER_OK)) {
		(void)!api_error_object(rp, 403, "Forbidden", "This token may only read.");
		return;
	}
	if (!in_scope(cx, rq)) {
		(void)!api_error_object(rp, 403, "Forbidden", "The scopes of this token do not reach this.");
		return;
	}
	if ((e = gate_may(cx, (enum may)r->permission, NULL)) == OK)
		e = r->handle(cx, rq, rp);
	answered(cx, rp, r, e);
}

/* Of a body in pieces: what the dispatcher knows, from its first to its last. */
struct kept { struct ctx cx; const struct route *route; int64_t rate_left; };

static void
keep(const struct ctx *cx, struct http_req *rq, const struct route *r)
{
	struct kept *k = rq->kept != NULL ? rq->kept : NEW(cx->arena, struct kept, 1);

	*k = (struct kept){ .cx = *cx, .route = r, .rate_left = rate_left };
	k->cx.reader = NULL;                     /* given back between the pieces */
	if (cx->bad == NULL)
		k->cx.bad_end = &k->cx.bad;
	rq->kept = k;
}

static void
begin(struct ctx *cx, struct http_req *rq)
{
	unsigned char id[16];

	rate_left = -2;
	cx->bad_end = &cx->bad;
	rand_bytes(id, sizeof id);
	cx->request_id = hex_of(cx->arena, (str){ (char *)id, sizeof id });
	cx->address = rq->address;
	cx->client = http_header(rq, "user-agent");
	if (rq->stage == HTTP_OPEN)
		cx->client = str_dup(cx->arena, cx->client);     /* the head may be gone at the end */
}

/* True when an answer is due. */
static bool
route(struct ctx *cx, struct api *a, struct http_req *rq, struct http_reply *rp)
{
	unsigned allowed = 0;
	const struct route *r = router_find(a->router, rq, &allowed);

	if (r == NULL && rq->method == OPTIONS && allowed) {
		api_empty(rp, 204);
		cors(rp);
	} else if (r != NULL)
		answer(cx, a, rq, rp, r);
	else if (!str_starts(rq->path, S("/api/")) && a->page != NULL && a->page(cx, rq, rp))
		;
	else
		(void)!api_error(rp, 404, "InvalidEndpoint", "Not found");
	if (rq->stage != HTTP_OPEN || rp->status != 0)
		return true;
	keep(cx, rq, r);
	return false;
}

static bool
go_on(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct kept *k = rq->kept;
	enum err e;

	*cx = k->cx;
	if (cx->bad == NULL)
		cx->bad_end = &cx->bad;
	cx->now = time_now();
	rate_left = k->rate_left;
	e = k->route->handle(cx, rq, rp);
	if (rq->stage == HTTP_LOST)
		return false;
	if (rq->stage == HTTP_LAST || e != OK || rp->status != 0) {
		answered(cx, rp, k->route, e);
		return true;
	}
	keep(cx, rq, k->route);
	return false;
}

void
api_handle(void *arg, struct arena *arena, struct http_req *rq, struct http_reply *rp)
{
	struct api *a = arg;
	struct ctx cx = { .arena = arena, .sys = a->sys, .account = 1, .now = time_now(), .via = "api" };
	bool api = str_starts(rq->path, S("/api/")), bearer, due;

	serving = a;
	asked_for = rq;
	if (rq->stage <= HTTP_OPEN) {
		begin(&cx, rq);
		due = route(&cx, a, rq, rp);
	} else
		due = go_on(&cx, rq, rp);
	if (due) {
		if (api && cx.actor != NULL && cx.actor->how != NULL && strcmp(cx.actor->how, "bearer") == 0)
			cors(rp);
		bearer = str_eqi(str_sub(http_header(rq, "authorization"), 0, 7), S("bearer "));
		/* A browser would open its own password window in front of the page, and wait there. */
		if (rp->status == 401 && http_header(rq, "x-requested-with").n == 0 && !bearer)
			http_head(rp, "WWW-Authenticate", S("Basic realm=\"Ward\""));
		common_heads(&cx, rq, rp, api);
	}
	if (cx.reader != NULL && ctx_release_reader != NULL)
		ctx_release_reader(&cx);
}
