/* in.h - what the files of flow share; nobody else includes it. */
#ifndef WARD_FLOW_IN_H
#define WARD_FLOW_IN_H

#include <pthread.h>
#include <stdatomic.h>

#include "flow/flow.h"
#include "trail/trail.h"

/* Tags inside sealed columns; never reuse a number. */
enum { ODOC_TO = 1, ODOC_TO_NAME, ODOC_SUBJECT, ODOC_TEXT, ODOC_LINE, ODOC_LINK, ODOC_REPLY_TO, ODOC_STAFF, ODOC_BODY,
       ODOC_TYPE, ODOC_FROM, ODOC_FROM_NAME, ODOC_SPANISH, ODOC_CHECK };                                                                          /* outbox.doc */
enum { DDOC_PATTERN = 1, DDOC_NOTE, DDOC_RANGES, DDOC_CA };                                                            /* destination.doc */

#define OUT_DOC_MAX (4 * MiB)
#define DAY         ((usec)24 * 3600 * SECOND)

/* A message as its sender has it in hand. */
struct message {
	int64_t  id, key, ticket_id, comment_id, user_id, webhook_id;
	enum flow_kind kind;
	int      attempts;
	bool     automatic, content, uncertain, staff;
	usec     created_at;
	str      event, cause, to, to_name, subject, text, line, link, in_reply_to, body, event_type, from, from_name;
	bool     spanish;
	int64_t  check_id;
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
	usec        paused_until;    /* TRIED_LATER: it was not tried at all */
	str         attempt;         /* webhook: the record of the call, to be sealed */
};

/* Calls of one webhook in the window since `from`; open until `open_until`. */
struct breaker { int64_t webhook_id; usec from, open_until; int calls, failed; };

struct flow {
	struct sys      *sys;
	pthread_mutex_t  lock;       /* guards what is below */
	pthread_cond_t   wake;
	char            *conf;       /* the settings, packed; malloc'ed, replaced as a whole */
	size_t           conf_n;
	const char      *password_file;
	atomic_bool      mail_on;
	_Atomic unsigned wanted;     /* bit per row of flow_event_types: somebody subscribed */
	_Atomic bool     stopping;
	unsigned         rung[3];    /* per kind: counts what was committed */
	pthread_t        thread[8];
	int              threads;
	struct breaker   breaker[64];/* of webhooks, by id modulo their number */
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

#define WHY_NO_RELAY "mail is not set up; an administrator sets relay and address: PUT /api/ward/v1/mail"
#define WHY_NO_DEST  "its recipient is not on the list; an administrator may add the address, its domain or *:" \
	" POST /api/ward/v1/destinations"
#define WHY_BOUNCED  "mail to this address came back for good; correct it, or retry to try it once more"

/* post.c, webhook.c: one try of one message */
struct smtp;
enum err mail_try(struct ctx *cx, struct smtp *smtp, const struct message *m, struct outcome *out) MUST_CHECK;
enum err webhook_try(struct ctx *cx, const struct message *m, struct outcome *out) MUST_CHECK;
enum err attempt_save(struct ctx *cx, const struct message *m, const struct outcome *o, bool ended) MUST_CHECK;
enum err attempts_forget(struct ctx *cx, int64_t outbox_id) MUST_CHECK;
enum err webhooks_load(struct ctx *cx, struct flow *f) MUST_CHECK;
/* The text with what identifies a person replaced by labels; without an engine: nothing of it. */
str      flow_mask(struct ctx *cx, str text);
bool     flow_finds(struct ctx *cx, str text);

/* dest.c */
enum err address_bounced(struct ctx *cx, str address, bool *yes) MUST_CHECK;
enum err address_unbounce(struct ctx *cx, str address) MUST_CHECK;
enum err outbox_came_back(struct ctx *cx, int64_t id) MUST_CHECK;
struct allowed { bool found, content, plain_http; str ranges, ca_pem; };
enum err destination_for_mail(struct ctx *cx, str address, struct allowed *out) MUST_CHECK;
enum err destination_for_host(struct ctx *cx, str host, int port, struct allowed *out) MUST_CHECK;

extern const struct stmt *const outbox_stmts[], *const dest_stmts[], *const conf_stmts[], *const webhook_stmts[];

#endif
