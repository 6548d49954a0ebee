/* rules.h - what views, macros, triggers, automations and SLA policies share at the API. */
#ifndef WARD_API_RULES_H
#define WARD_API_RULES_H

#include "api/in.h"

/* uses NULL: without what ?include=usage_... asks for. */
struct uses;
void json_rule(struct json *j, struct ctx *cx, const char *base, const struct rule *r, const struct uses *uses);

void json_workspace(struct json *j, struct ctx *cx, const char *base, const struct rule *r);       /* the members of its own */

/* One resource's names: "trigger", "triggers", path "triggers". */
struct rule_api { enum rule_kind kind; const char *one, *many, *path; };

/* Handlers for any kind. */
enum err rules_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a, int active);
enum err rules_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rules_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a, int status);
enum err rules_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rules_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rules_update_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rules_destroy_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rules_show_many(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rules_definitions(struct ctx *cx, struct http_req *rq, struct http_reply *rp, const struct rule_api *a);
enum err rule_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct rule_api *a,
    const struct rule *r);
/* A body's members as a rule; what is wrong is noted. */
void rule_read(struct ctx *cx, const json_t *obj, enum rule_kind kind, unsigned *has, struct rule *in);
/* A list that is whole in memory, cut as the request asks: rows from *from, *n of them; place of row i is {i, id}. */
bool rules_page(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int total, int64_t (*id_of)(const void *list, int i),
    const void *list, struct paging *p, int *from, int *n, bool *more);

#endif
