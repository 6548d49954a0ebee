/* in.h - what the files of api share; nobody else includes it. */
#ifndef WARD_API_IN_H
#define WARD_API_IN_H

#include <jansson.h>

#include "api/api.h"
#include "comply/comply.h"
#include "trail/trail.h"

/* ---- answers -------------------------------------------------------------------------------------------- */

/* Zendesk's {"error":...,"description":...}; returns OK, so that a handler may end with it. */
enum err api_error(struct http_reply *rp, int status, const char *error, const char *description);
enum err api_error_object(struct http_reply *rp, int status, const char *title, const char *message);     /* {"error":{...}} */
enum err api_errors(struct http_reply *rp, int status, const char *code, const char *title, const char *detail);
/* 422 with every wrong field under its name, as "error". */
enum err api_invalid(struct ctx *cx, struct http_reply *rp, const char *error, const char *description);
/* Writes the failure in cx in the envelope clients know. */
void     api_failure(struct ctx *cx, struct http_reply *rp, enum err e);
void     api_begin(struct http_reply *rp, struct json *j, int status);    /* content type and writer */
void     api_empty(struct http_reply *rp, int status);
void     api_location(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *path, int64_t id);
str      api_base(struct ctx *cx, const struct http_req *rq);             /* "https://host" */
void     url_of(struct json *j, struct ctx *cx, const char *base, const char *kind, int64_t id);  /* "url": ".../kind/1.json" */

/* ---- bodies --------------------------------------------------------------------------------------------- */

/* A JSON object body, its member `wrapper` in *out (an object; NULL wrapper: the whole). 400 in rp on what is
 * not; then *out is NULL and the handler returns. */
enum err api_body(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *wrapper,
    const json_t **out) MUST_CHECK;

enum field_type { F_TEXT, F_ID, F_BOOL, F_TIME, F_STATUS, F_PRIORITY, F_TYPE, F_ROLE, F_SEES, F_WORDS, F_TAGS, F_PLAIN };
struct field {
	const char     *name;
	enum field_type type;
	size_t          at;           /* F_TEXT sensitive; F_ID int64_t; F_BOOL bool; F_TIME usec; F_PLAIN str;
	                                 F_WORDS, F_TAGS sensitive holding a JSON array text */
	unsigned        bit;          /* set in `has` when the member is there; 0: none */
	bool            null_ok;      /* null clears: the zero value and the bit */
};
/* A table as the description of the API shows it (describe.c). */
struct fieldset { const struct field *f; size_t n; };
extern const struct fieldset ticket_fieldset, user_fieldset, group_fieldset, org_fieldset, identity_fieldset, belong_fieldset,
    rule_fieldset, dest_fieldset, mail_fieldset, webhook_fieldset;
/* Reads what the table names, each wrong one noted with bad(); unknown members are ignored. */
void  api_fields(struct ctx *cx, const json_t *obj, const struct field *f, size_t count, void *into, unsigned *has);
/* Under /api/ward/v1 a member that is not in the list (NULL-terminated) is wrong. */
void  api_known(struct ctx *cx, const json_t *obj, const char *const *names);
/* An array's tags as they are kept, a JSON array text: lower case, each once, without blanks and commas. */
sensitive tags_clean(struct ctx *cx, const json_t *given);
bool  json_id(const json_t *v, int64_t *out);       /* integers and strings of digits */
str   json_text(struct ctx *cx, const json_t *v);   /* the string's bytes; "" when none */
str   json_compact(struct ctx *cx, const json_t *v);
/* "1,2,3" of a query parameter; E_INVALID noted as 400 in rp above `max`. */
bool  api_ids(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *name, int max,
    int64_t **out, int *count);
/* ?ids=, or ?external_ids= by `find`, which says an id; unknown external ids are left out. At most 100. False: an error is in rp. */
bool  api_ids_or_external(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, enum err (*find)(struct ctx *, str, int64_t *), int64_t **ids, int *n);
bool  api_query_is(const struct http_req *rq, const char *name, const char *value);
bool  api_includes(const struct http_req *rq, const char *what);    /* ?include=a,b */

/* ---- pages ----------------------------------------------------------------------------------------------- */

struct paging {
	bool    cursor;
	int     limit;               /* what was asked for; fetch limit + 1 with a cursor */
	int     page;                /* offset mode, from 1 */
	int64_t offset;
	bool    after, before;       /* cursor mode */
	int64_t value, id;           /* the place */
	int     sort;                /* index into the caller's list */
	bool    descending;
};
/* `sorts`: names allowed, NULL-terminated, the first is the default; those from `cursor_sorts` on are offset-only.
 * False: an error is in rp. */
bool  api_paging(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const char *const *sorts,
    int cursor_sorts, int max, struct paging *out);
/* Ends the envelope: meta and links, or count, next_page and previous_page. `n` rows were shown of `total`
 * (offset mode); first and last are their places. */
struct place { int64_t value, id; };
void  api_page_end(struct json *j, struct ctx *cx, const struct http_req *rq, const struct paging *p, int n, bool more,
    struct place first, struct place last, int64_t total);
/* A list that is whole in memory, cut as the request asks: rows *from up to *to are shown, *more says whether there are others
 * in that direction, first and last are for api_page_end(). ids: of the first row; the others' stand `step` bytes apart. */
void  api_cut(const struct paging *p, const int64_t *ids, size_t step, int n, int *from, int *to, bool *more, struct place *first,
    struct place *last);
/* The text of a cursor, and back. False: not one of ours. */
str   cursor_make(struct ctx *cx, char kind, int64_t value, int64_t id);
bool  cursor_read(struct ctx *cx, str text, char *kind, int64_t *value, int64_t *id);
void  count_reply(struct ctx *cx, struct http_reply *rp, int64_t n);    /* {"count":{"value":..,"refreshed_at":..}} */

/* ---- shapes ----------------------------------------------------------------------------------------------- */

void  json_ticket(struct json *j, struct ctx *cx, const char *base, const struct ticket *t, bool comment_count);
/* Many of them: what is put together for one goes before the next, so that it stays near the processor and little is left
 * to wipe. `scratch` is empty afterwards. */
void  json_ticket_in(struct arena *scratch, struct json *j, struct ctx *cx, const char *base, const struct ticket *t, bool comment_count);
void  json_tickets(struct json *j, struct ctx *cx, const char *base, const struct ticket *t, int n, bool comment_count);
void  json_comment(struct json *j, struct ctx *cx, const char *base, const struct comment *c);
void  json_conversation(struct json *j, struct ctx *cx, const char *base, const struct comment *c, const struct user *author);
/* What an event says of CCs or followers, by their addresses; false: it is of another type. */
bool  json_people_change(struct json *j, struct ctx *cx, const struct audit_event *e);
void  json_audit(struct json *j, struct ctx *cx, const char *base, const struct audit *a);
void  json_attachment(struct json *j, struct ctx *cx, const char *base, const struct attachment *f);
/* The bytes of a file that was opened, as a download, with their access event: chunk by chunk, or the range that is asked for. */
enum err attachment_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct attachment *f) MUST_CHECK;
void  json_user(struct json *j, struct ctx *cx, const char *base, const struct user *u);
void  json_user_brief(struct json *j, struct ctx *cx, const char *base, const struct user *u);     /* for end users */
void  json_org(struct json *j, struct ctx *cx, const char *base, const struct organization *o);
void  json_group(struct json *j, struct ctx *cx, const char *base, const struct group *g);
void  json_membership(struct json *j, struct ctx *cx, const char *base, const struct membership *m);
void  json_job(struct json *j, struct ctx *cx, const char *base, const struct job *job);
/* A cell in quotes (RFC 4180), a comma before it unless it is the first; what a spreadsheet would take for a formula gets an apostrophe. */
void  csv_cell(struct buf *b, bool first, str s);
void  json_findings(struct json *j, const struct finding *f, int n);
void  json_via(struct json *j, struct ctx *cx, str channel, sensitive source);
/* What is shown next is of this ticket: its requester is known to masking. Lists say it for each row. */
static inline void
shows_of(struct ctx *cx, const struct ticket *t)
{
	cx->about_ticket = t->id;
	cx->about_user = t->requester_id;
}
/* Ids without doubles and zeros, ascending. */
int   ids_unique(int64_t *ids, int n);
/* "users":[...] and so on for the ids on this page, with their access event. */
enum err sideload_users(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n) MUST_CHECK;
/* One agent of a bulk job of skills. */
enum err skills_item(struct ctx *cx, const json_t *one, int64_t *id) MUST_CHECK;
enum err sideload_roles(struct json *j, struct ctx *cx, const char *base, const int64_t *ids, int n) MUST_CHECK;
enum err sideload_groups(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n) MUST_CHECK;
enum err sideload_orgs(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n) MUST_CHECK;
/* A ticket's metrics; what stands in it with ?include=dates and slas. */
enum err json_metric(struct json *j, struct ctx *cx, const char *base, const struct ticket *t) MUST_CHECK;
enum err json_dates(struct json *j, struct ctx *cx, const struct ticket *t) MUST_CHECK;
enum err json_slas(struct json *j, struct ctx *cx, const struct ticket *t) MUST_CHECK;
/* The request that is served on this thread. */
const struct http_req *api_asked(const struct ctx *cx);
/* ?include= of a list of tickets. */
enum err ticket_sideload(struct json *j, struct ctx *cx, const struct http_req *rq, const char *base, const struct ticket *t,
    int n) MUST_CHECK;
enum err look_tickets(struct ctx *cx, const struct ticket *t, int n, const char *fields) MUST_CHECK;
enum err look_one(struct ctx *cx, const char *object, int64_t id, const char *fields) MUST_CHECK;
const char *z_of(struct ctx *cx, str s);

enum err sideload_forms(struct json *j, struct ctx *cx, const char *base, int64_t *ids, int n) MUST_CHECK;
/* A page of tickets under this name, with its access event; a ticket with its audit (NULL: shown only). */
enum err tickets_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const char *name, struct ticket_filter *f) MUST_CHECK;
enum err ticket_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct ticket *t, const struct audit *a) MUST_CHECK;
void  import_fields(struct ctx *cx, const json_t *obj, struct ticket_import *im);
void  merge_fields(struct ctx *cx, const json_t *obj, struct ticket_merge *m);

/* For the bulk jobs. */
enum err org_membership_item(struct ctx *cx, const json_t *obj, int64_t *id) MUST_CHECK;
/* Of a change; clients that write a ticket back as they read it send `description` too, which says nothing then. Of a new one
 * it is the first comment. */
void  ticket_fields(struct ctx *cx, const json_t *obj, struct ticket_change *ch);
void  ticket_new_fields(struct ctx *cx, const json_t *obj, struct ticket_change *ch);
void  comment_fields(struct ctx *cx, const json_t *comment, struct ticket_change *ch);       /* a ticket's "comment" */
void  user_fields(struct ctx *cx, const json_t *obj, struct user_change *ch);
void  json_identity(struct json *j, struct ctx *cx, const char *base, const struct identity *i);
/* user_create() and the `identities` of the object, all or nothing. */
/* The invitation that follows, where mail goes out (resets.c). */
enum err invite_new(struct ctx *cx, const struct user *u) MUST_CHECK;
enum err user_create_as(struct ctx *cx, const json_t *obj, const struct user_change *ch, struct user *out) MUST_CHECK;
unsigned org_fields(struct ctx *cx, const json_t *obj, struct organization *o);
enum err queue_job(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, enum job_kind kind,
    const json_t *list, const char *what) MUST_CHECK;

/* {"tags":[...],"safe_update":...,"updated_stamp":...}, or ?tags=a,b of a DELETE; false: bad() was called. */
bool  api_tags_body(struct ctx *cx, const struct http_req *rq, const json_t *obj, const json_t **out, usec *stamp, bool *safe);

/* Flags of a route. */
enum { ROUTE_ANONYMOUS_OK = 1, ROUTE_NO_CSRF = 2, ROUTE_OWN_AUTH = 4 /* the handler reads what authenticates */,
       ROUTE_READER_OK = 8 /* also a token that may only read */,
       ROUTE_PIECES = 16 /* the handler takes the body in pieces: see enum http_stage; a form comes whole */ };

struct api {
	struct sys     *sys;
	struct api_conf conf;
	api_page       *page;
	struct arena   *arena;
	struct router  *router;
	_Atomic uint64_t rate;               /* minute since 1970 << 24 | requests in it */
	struct rates    *rates;              /* of single endpoints */
};
/* For handlers that need it: the api that serves this request. */
struct api *api_of(const struct ctx *cx);

extern const struct route oauth_routes[], liking_routes[];
extern const struct route ticket_routes[], user_routes[], group_routes[], org_routes[], search_routes[],
    request_routes[], job_routes[], export_routes[], log_routes[], brand_agent_routes[], relation_routes[], suspended_routes[], attachment_routes[],
    ward_routes[], session_routes[], help_routes[];
/* Limits of single endpoints (rate.c). Take: counts this request of a known
 * actor and says so in a header; false: there were too many, it is answered. */
struct rates *rates_new(void);               /* NULL: no memory */
void   rates_free(struct rates **r);
bool   rates_take(struct rates *r, struct ctx *cx, const struct route *route, const struct http_req *rq, struct http_reply *rp);

extern const struct route help_page_routes[], help_ask_routes[], help_secure_routes[], help_rate_routes[], reset_routes[], sign_in_routes[], article_routes[],
    help_article_routes[];
extern const struct route def_routes[], tag_routes[], ticketop_routes[], people_routes[], account_routes[];
extern const struct route phi_routes[];
extern const struct route key_routes[], setup_routes[], proof_routes[], report_routes[];

/* Who listens (live.c). */
struct live *live_new(struct sys *sys);
void live_free(struct live **l);
extern const struct route live_routes[], draft_routes[];

extern const struct route outbox_routes[], webhook_routes[], describe_routes[];
extern const struct route aside_routes[], notification_routes[];
extern const struct route view_routes[], trigger_routes[], macro_routes[], automation_routes[], sla_routes[], retention_routes[], workspace_routes[], routing_routes[];

#endif
