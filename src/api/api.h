/* api.h - the Zendesk-compatible HTTP API: routes, JSON shapes, errors, pages.
 *
 * One table of routes per resource file; a row has no default permission. The
 * dispatcher (api.c) does in this order: route, sign-in, CSRF, permission,
 * handler, and then refuses to answer when something that may name a patient
 * was revealed to the actor without an access event in the trail.
 */
#ifndef WARD_API_H
#define WARD_API_H

#include "base/base.h"
#include "desk/desk.h"
#include "gate/gate.h"
#include "http/http.h"

/* What is known of the keys; none of them is in here. */
enum { KEYS_IDLE, KEYS_RUNNING, KEYS_DONE, KEYS_FAILED };
struct key_rotation { int state; int64_t total, left; usec started_at, ended_at; str why; };    /* total, left: keys to rewrap; -1: not counted yet */
struct key_state {
	bool    passphrase, in_data_folder, memory_locked, fips;
	str     root_path;              /* of the key file, or of the passphrase's salt */
	unsigned char print[32];        /* SHA-256 of that file */
	int64_t account_version, account_versions, named_keys, data_keys;
	usec    counted_at;
	struct key_rotation rotation;   /* since start */
};

struct api_conf {
	bool        open_requests;      /* POST /api/v2/requests by nobody, with a requester */
	const char *version;
	int64_t     rate_limit;         /* requests of the whole account per minute; 0: none */
	void      (*metrics)(struct ctx *cx, struct buf *b);   /* more lines for /metrics; may be NULL */
	enum err  (*keys_state)(struct ctx *cx, struct key_state *out);
	/* `expected`: the account key's version that was seen; E_CONFLICT when it is another or a rotation goes on. */
	enum err  (*keys_rotate)(struct ctx *cx, bool root, int64_t expected);
};
struct api;
/* `page` serves what is outside /api (the web pages); may be NULL. */
typedef bool api_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp);
struct api *api_new(struct sys *sys, const struct api_conf *conf, api_page *page);
void   api_free(struct api **a);
/* For struct http_conf; arg is the struct api. */
void   api_handle(void *api, struct arena *a, struct http_req *rq, struct http_reply *rp);
size_t api_admit(void *api, struct http_req *rq);
/* For jobs_open(). */
job_item api_job_item;
/* Every route there is, for the authorisation matrix and the documentation:
 * calls `fn` per row. */
void   api_routes(void (*fn)(void *arg, const struct route *r), void *arg);
const char *api_may_name(int permission);
/* The API as an OpenAPI 3.1 document. */
void   api_describe(struct arena *a, const char *version, struct buf *out);
/* A route that the description says something about and that does not exist; NULL: none. */
const char *api_describe_wrong(struct arena *a);
/* As GET /api/ward/v1/phi/jobs/{id} shows them; the second leaves its object open. */
void   json_phi_job(struct json *j, struct ctx *cx, const struct phi_job *job);
void   json_phi_results(struct json *j, struct ctx *cx, const struct phi_job *job, const struct phi_count *c, int n);

#endif
