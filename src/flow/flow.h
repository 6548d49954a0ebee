/* flow.h - all that leaves the house: the outbox, its senders, its destinations.
 *
 * Nothing is sent from anywhere else (P5). What is to be sent is a row of the
 * outbox, sealed under a key of its own, written in the transaction of the
 * change that causes it; a sender thread per kind takes it from there after
 * the commit, also after a crash.
 *
 *   queued -> sending -> sent
 *                     -> retry -> sending ...     the peer said later, or nobody answered
 *                     -> dead                     the peer said never, or too many tries
 *          -> held                                no listed destination, or mail is not set up;
 *                                                 goes on by itself when an administrator lists it
 *   a person: retry (dead, held, sent) and drop (all that is not sent)
 *
 * `sending` is on disk before the first byte leaves. A message found in it at
 * start was cut off: it is tried again with the same Message-ID (webhook: the
 * same invocation id). A mail whose last byte had not left was certainly not
 * taken; for one cut off between its last byte and our commit that cannot be
 * known, and it is marked `uncertain`: the only window in which the far side
 * may get a message twice (RFC 5321 6.1 asks for just that).
 *
 * Waiting before try n+1: base * 2^(n-1), at most four hours, give or take a
 * fifth at random; base is 60 s for mail and 5 s for webhooks. A mail is given
 * up after three days, a webhook's request after six tries.
 */
#ifndef WARD_FLOW_H
#define WARD_FLOW_H

#include "base/base.h"
#include "store/store.h"

struct flow;                                 /* sys->flow */

enum flow_kind  { FLOW_MAIL = 1, FLOW_WEBHOOK = 2 };
enum flow_state { FLOW_QUEUED = 1, FLOW_SENDING, FLOW_RETRY, FLOW_HELD, FLOW_SENT, FLOW_DEAD, FLOW_DROPPED };
const char *flow_kind_name(enum flow_kind k);              /* "mail", "webhook" */
const char *flow_state_name(enum flow_state s);            /* "queued" ... */
bool        flow_kind_of(str s, enum flow_kind *out);
bool        flow_state_of(str s, enum flow_state *out);

/* What is to leave. Members that do not apply stay zero; texts are copied.
 *
 * Mail: the destination decides how much goes. By default that is `line` and
 * `link` under fixed words as subject; only to a destination that an
 * administrator opened for content do `text` and `subject` go (the subject
 * only when nothing is found in it). Where content may not go, it is not even
 * kept in the outbox. With ticket_id the answer's address, Message-ID,
 * In-Reply-To and References are made such that an answer lands in the ticket. */
struct outgoing {
	enum flow_kind kind;
	const char    *event;        /* fixed words, for lists and the trail: "comment", "received", "trigger", "bounce" */
	const char    *cause;        /* "trigger:55", "job:...", or NULL */
	int64_t        ticket_id;    /* 0: none. Redaction of the ticket strips the message, too */
	int64_t        comment_id;
	/* mail */
	int64_t        user_id;      /* whom it is for, where known */
	sensitive      to, to_name;  /* one address, email_valid() */
	sensitive      subject, text;/* content, plain UTF-8 */
	const char    *line;         /* a sentence without content, nothing that anybody typed; NULL: by event */
	sensitive      link;         /* path under base_url ("/requests/12"); empty: the ticket's page */
	sensitive      in_reply_to;  /* Message-ID of the mail answered, without <> */
	bool           staff;        /* the reader is an agent: link to the agent's page, show the ticket's number */
	bool           automatic;    /* no person wrote it: Auto-Submitted, and limited per recipient (below) */
	int64_t        check_id;     /* a check of this support address of ours: its mark stands in the Message-ID */
	/* webhook */
	int64_t        webhook_id;
	sensitive      body;         /* as the webhook's request_format asks; masked unless its destination is open for content */
	const char    *event_type;   /* "zen:event-type:ticket.created" or NULL for a trigger's */
};
/* Wired at start by who knows: from which address of ours a mail goes, beside
 * which name, in which language ("es", "en-US"; others are English). What stays
 * empty is as the settings say. */
struct sender { str from, name, locale; };
extern enum err (*flow_sender)(struct ctx *cx, const struct outgoing *o, struct sender *out);

/* In a transaction only. *id may be NULL; it is 0 when an automatic mail was
 * suppressed: more than conf.auto_limit of this event went to this recipient
 * within an hour (that is what breaks mail loops), or its address bounced; not
 * when the actor or the recipient is staff. The trail says so. E_INVALID with bad("to") when it is no address. */
enum err flow_enqueue(struct ctx *cx, const struct outgoing *o, int64_t *id) MUST_CHECK;
/* Is mail set up (a relay and a sender's address)? Cheap. Rules that notify
 * by default ask it, so that a desk without mail heaps up none. */
bool     flow_mail_on(struct ctx *cx);
/* In the transaction that redacts or erases a ticket: content of its messages
 * goes, with its keys; what waits is sent without content, or not at all. */
enum err flow_forget_ticket(struct ctx *cx, int64_t ticket_id) MUST_CHECK;

/* ---- the outbox as a person sees it; the routes ask for MAY_ADMIN ------------------------------------------- */

struct outbox_row {
	int64_t id, ticket_id, comment_id, user_id, webhook_id;
	enum flow_kind  kind;
	enum flow_state state;
	str     event, cause, reason;            /* cause, reason: "" when there is none */
	int     attempts, status;                /* status: the last SMTP or HTTP code */
	bool    automatic, content, uncertain, erased;
	usec    created_at, due_at, updated_at;
	sensitive to, subject, text, body;       /* flow_get() only */
};
struct outbox_filter { enum flow_state state; enum flow_kind kind; int64_t ticket_id, before_id, after_id; int limit; };  /* zeros: any */
enum err flow_list(struct ctx *cx, const struct outbox_filter *f, struct outbox_row **out, int *count) MUST_CHECK;   /* newest first */
enum err flow_get(struct ctx *cx, int64_t id, struct outbox_row *out) MUST_CHECK;
/* The Message-ID of a mail, without <>. */
enum err flow_message_id(struct ctx *cx, const struct outbox_row *o, str *out) MUST_CHECK;
/* Sends it again, now: what is dead, held, or waits for its next try. A sent
 * one only with `again` (the far side gets it twice). E_CONFLICT otherwise,
 * or when its content was destroyed. */
enum err flow_retry(struct ctx *cx, int64_t id, bool again) MUST_CHECK;
enum err flow_drop(struct ctx *cx, int64_t id) MUST_CHECK;   /* not sent ones; its key is destroyed at once */
struct flow_counts { int64_t of[FLOW_DROPPED + 1]; };      /* of what is not over: without sent and dropped */
enum err flow_count(struct ctx *cx, struct flow_counts *out) MUST_CHECK;

/* ---- destinations: what an administrator listed; the routes ask for MAY_ADMIN ---------------------------------- */

enum dest_kind { DEST_RECIPIENT = 1, DEST_WEBHOOK = 2 };
struct destination {
	int64_t   id;
	enum dest_kind kind;
	sensitive pattern;           /* recipient: "*", "clinic.example", "ann@clinic.example" (the most exact one decides);
	                                webhook: "host" (port 443) or "host:port" */
	sensitive note;              /* why, whose, which agreement */
	bool      content;           /* open for what people wrote */
	bool      plain_http;        /* webhook: http is allowed */
	str       ca_pem;            /* webhook: certificates to trust instead of the system's; PEM */
	str       ranges;            /* webhook: internal addresses allowed, "127.0.0.0/8, fd00::/8" */
	usec      created_at, updated_at;
};
enum dest_has { DEST_KIND = 1, DEST_PATTERN = 2, DEST_NOTE = 4, DEST_CONTENT = 8, DEST_PLAIN = 16, DEST_RANGES = 32, DEST_CA = 64 };
/* Every change lets what is held try again. All wrong fields at once; a
 * pattern twice is DuplicateValue. */
enum err flow_dest_create(struct ctx *cx, unsigned has, const struct destination *in, struct destination *out) MUST_CHECK;
enum err flow_dest_update(struct ctx *cx, int64_t id, unsigned has, const struct destination *in, struct destination *out) MUST_CHECK;
enum err flow_dest_delete(struct ctx *cx, int64_t id) MUST_CHECK;
enum err flow_dest_get(struct ctx *cx, int64_t id, struct destination *out) MUST_CHECK;
enum err flow_dest_list(struct ctx *cx, int64_t after, int limit, struct destination **out, int *count) MUST_CHECK;

/* ---- settings ---------------------------------------------------------------------------------------------------- */

enum flow_tls { FLOW_STARTTLS, FLOW_TLS, FLOW_PLAIN };     /* plain: to a relay on loopback only */
struct flow_conf {
	str       host;              /* the relay; "" : mail is not set up */
	int64_t   port;
	enum flow_tls tls;
	str       ca_pem;            /* certificates to trust instead of the system's; PEM */
	sensitive user, password;    /* SASL; the password may come from ward.conf's smtp_password_file instead */
	str       from, name;        /* the desk's address, and the name beside it */
	int64_t   retry_seconds, give_up_hours, keep_days, dead_days, auto_limit, webhook_retry_seconds, webhook_tries;
};
enum conf_has { CONF_HOST = 1, CONF_PORT = 2, CONF_TLS = 4, CONF_CA = 8, CONF_USER = 16, CONF_PASSWORD = 32, CONF_FROM = 64,
	CONF_NAME = 128, CONF_RETRY = 256, CONF_GIVE_UP = 512, CONF_KEEP = 1024, CONF_DEAD = 2048, CONF_AUTO = 4096,
	CONF_WEBHOOK_RETRY = 8192, CONF_WEBHOOK_TRIES = 16384 };
enum err flow_conf_get(struct ctx *cx, struct flow_conf *out) MUST_CHECK;
enum err flow_conf_set(struct ctx *cx, unsigned has, const struct flow_conf *in, struct flow_conf *out) MUST_CHECK;

/* ---- webhooks; the routes ask for MAY_ADMIN ----------------------------------------------------------------------- */

struct webhook {
	int64_t   id, created_by, updated_by;
	str       uid;               /* ULID, the id that clients see */
	bool      active;
	sensitive name, description, endpoint;
	str       method, format;    /* "POST"; "json", "xml", "form_encoded" */
	str       subscriptions;     /* JSON array text: "conditional_ticket_events", "zen:event-type:ticket.created", ... */
	str       auth_type;         /* "", "basic_auth", "bearer_token", "api_key" */
	sensitive auth_data;         /* JSON object text, secrets included */
	sensitive custom_headers;    /* JSON object text, or empty */
	sensitive secret;            /* signs; base64 */
	usec      created_at, updated_at;
};
enum webhook_has { HOOK_NAME = 1, HOOK_DESCRIPTION = 2, HOOK_ENDPOINT = 4, HOOK_METHOD = 8, HOOK_FORMAT = 16, HOOK_STATUS = 32,
	HOOK_SUBSCRIPTIONS = 64, HOOK_AUTH = 128, HOOK_HEADERS = 256, HOOK_SECRET = 512 /* a fresh one */ };
enum err flow_webhook_create(struct ctx *cx, unsigned has, const struct webhook *in, struct webhook *out) MUST_CHECK;
enum err flow_webhook_update(struct ctx *cx, str uid, unsigned has, const struct webhook *in, struct webhook *out) MUST_CHECK;
enum err flow_webhook_delete(struct ctx *cx, str uid) MUST_CHECK;
enum err flow_webhook_get(struct ctx *cx, str uid, struct webhook *out) MUST_CHECK;
enum err flow_webhook_list(struct ctx *cx, struct webhook **out, int *count) MUST_CHECK;      /* by id; at most 200 exist */
/* For rules: E_ABSENT when there is none. */
enum err flow_webhook_id(struct ctx *cx, str uid, int64_t *id, bool *active) MUST_CHECK;
/* Calls `hook` (stored or not) once, now, with `body`, under the same rules as
 * every call. E_DENIED: no destination allows it. */
struct http_answer;
enum err flow_webhook_test(struct ctx *cx, const struct webhook *hook, str body, struct http_answer *out) MUST_CHECK;
/* The id of a message of a webhook as clients see it, and back (0: not one). */
str      flow_invocation_uid(struct ctx *cx, int64_t id, usec created_at);
int64_t  flow_invocation_id(str uid);
enum err flow_invocations(struct ctx *cx, int64_t webhook_id, int64_t before_id, int limit, struct outbox_row **out, int *count) MUST_CHECK;
struct attempt {
	int64_t   id;
	int       status;            /* HTTP status; 0: none came */
	bool      ended;             /* no further one followed */
	usec      completed_at;
	str       reason;
	sensitive request_head, request_body, answer_head, answer_body;   /* heads: lines "Name: value\n" */
};
enum err flow_attempts(struct ctx *cx, int64_t outbox_id, struct attempt **out, int *count) MUST_CHECK;
/* Something happened that webhooks may have subscribed to. flow_event_wanted()
 * is cheap: is anybody? Then, in the transaction, flow_event() queues a call for
 * each; `object` "ticket", `detail` and `event` are JSON object texts. */
extern const char *const flow_event_types[];      /* what can be subscribed to; NULL-terminated */
bool     flow_event_wanted(struct ctx *cx, const char *type);     /* "zen:event-type:ticket.created" */
enum err flow_event(struct ctx *cx, const char *type, const char *object, int64_t id, int64_t ticket_id, sensitive detail,
    sensitive event) MUST_CHECK;

/* ---- addresses ------------------------------------------------------------------------------------------------------ */

/* A delivery report that came to `rcpt`, which names one of our messages: its
 * recipient's address is marked, and the message dead. *ours false: it is
 * about none of them (or forged). `failed` may be empty. */
enum err flow_bounced(struct ctx *cx, str rcpt, str failed, bool *ours) MUST_CHECK;
/* Did mail to this address come back for good? */
enum err flow_undeliverable(struct ctx *cx, sensitive address, bool *yes) MUST_CHECK;

/* In the transaction that erases a person: nothing addressed to them stays. */
enum err flow_forget_user(struct ctx *cx, int64_t user_id, sensitive address) MUST_CHECK;

/* The signed part of a reply address and of a Message-ID: "+t35-<16 hex>"
 * stands for ticket 35, "+b35-..." for the bounce of message 35. flow_mark()
 * makes it without the plus, flow_marked() finds one in an address: 0 when
 * there is none or it is not ours. */
enum err flow_mark(struct ctx *cx, char what, int64_t id, str *out) MUST_CHECK;
enum err flow_marked(struct ctx *cx, char what, str address, int64_t *id) MUST_CHECK;

/* ---- running ------------------------------------------------------------------------------------------------- */

/* Opens flow: reads its settings; senders do not run yet. `password_file`:
 * of the relay, NULL: none; read at each connection. */
enum err flow_open(struct ctx *cx, const char *password_file, struct flow **out) MUST_CHECK;
/* Starts the senders, settling first what a crash cut off. `as_system` makes
 * a context act as the system (gate's). */
enum err flow_start(struct ctx *cx, void (*as_system)(struct ctx *cx, const char *how)) MUST_CHECK;
/* Lets the tries that run end (they have limits), then stops the senders. */
void     flow_stop(struct flow *f);
void     flow_close(struct flow **f);
/* Every statement of the module (store_prepare). */
enum err flow_prepare(struct ctx *cx) MUST_CHECK;

#endif
