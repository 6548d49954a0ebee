/* in.h - what the files of flow share; nobody else includes it. */
#ifndef WARD_FLOW_IN_H
#define WARD_FLOW_IN_H

#include <pthread.h>
#include <stdatomic.h>

#include "flow/flow.h"
#include "trail/trail.h"

/* Tags inside sealed columns; never reuse a number. */
enum { ODOC_TO = 1, ODOC_TO_NAME, ODOC_SUBJECT, ODOC_TEXT, ODOC_LINE, ODOC_LINK, ODOC_REPLY_TO, ODOC_STAFF, ODOC_BODY,
       ODOC_TYPE, ODOC_INVOCATION };                                                                          /* outbox.doc */
enum { DDOC_PATTERN = 1, DDOC_NOTE, DDOC_RANGES };                                                            /* destination.doc */

#define OUT_DOC_MAX (4 * MiB)
#define DAY         ((usec)24 * 3600 * SECOND)

/* A message as its sender has it in hand. */
struct message {
	int64_t  id, key, ticket_id, comment_id, user_id, webhook_id;
	enum flow_kind kind;
	int      attempts;
	bool     automatic, content, uncertain, staff;
	usec     created_at;
	str      event, cause, to, to_name, subject, text, line, link, in_reply_to, body, event_type, invocation;
};

/* What became of one try. `reason` is fixed words; no bytes of the peer ever come here. */
enum tried { TRIED_SENT, TRIED_LATER, TRIED_NEVER, TRIED_HOLD };
struct outcome {
	enum tried  what;
	int         status;          /* SMTP or HTTP code; 0: none came */
	const char *reason;
	usec        wait_for;        /* TRIED_LATER: at least so long, as the peer asked; 0: by the table */
	bool        uncertain;       /* the peer may have taken it */
	bool        masked;          /* it went without what a person wrote */
};

struct flow {
	struct sys      *sys;
	pthread_mutex_t  lock;       /* guards what is below */
	pthread_cond_t   wake;
	char            *conf;       /* the settings, packed; malloc'ed, replaced as a whole */
	size_t           conf_n;
	const char      *password_file;
	atomic_bool      mail_on;
	bool             stopping;
	unsigned         rung[3];    /* per kind: something was committed */
	pthread_t        thread[8];
	int              threads;
	void           (*as_system)(struct ctx *cx, const char *how);
};

/* outbox.c, for the senders; each opens its own transaction. */
enum err outbox_next_due(struct ctx *cx, enum flow_kind kind, usec *due) MUST_CHECK;      /* E_ABSENT: nothing waits */
enum err outbox_claim(struct ctx *cx, enum flow_kind kind, struct message *out) MUST_CHECK; /* E_ABSENT: nothing is due */
enum err outbox_last_byte(struct ctx *cx, int64_t id) MUST_CHECK;                         /* durable: the next byte is the last */
enum err outbox_settle(struct ctx *cx, const struct message *m, const struct outcome *o) MUST_CHECK;
enum err outbox_recover(struct ctx *cx) MUST_CHECK;                                       /* what was cut off by a crash */
enum err outbox_clean(struct ctx *cx, bool *more) MUST_CHECK;                             /* keys of what is long done */
usec     flow_backoff(usec base, int attempts, unsigned random);

void     flow_ring(struct ctx *cx, enum flow_kind kind);                                  /* in a transaction: wakes after the commit */

enum err outbox_release(struct ctx *cx) MUST_CHECK;                                       /* in a transaction: held ones try again */
bool     address_ok(str a);

/* conf.c */
enum err conf_load(struct ctx *cx, struct flow *f) MUST_CHECK;

/* webhook.c */
enum err attempts_forget(struct ctx *cx, int64_t outbox_id) MUST_CHECK;

/* dest.c */
enum err address_bounced(struct ctx *cx, str address, bool *yes) MUST_CHECK;
enum err address_unbounce(struct ctx *cx, str address) MUST_CHECK;
enum err outbox_came_back(struct ctx *cx, int64_t id) MUST_CHECK;
struct allowed { bool found, content, plain_http; str ranges; };
enum err destination_for_mail(struct ctx *cx, str address, struct allowed *out) MUST_CHECK;
enum err destination_for_host(struct ctx *cx, str host, int port, struct allowed *out) MUST_CHECK;

extern const struct stmt *const outbox_stmts[], *const dest_stmts[], *const conf_stmts[];

#endif
