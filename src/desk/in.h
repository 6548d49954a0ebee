/* in.h - what the files of desk share; nobody else includes it. */
#ifndef WARD_DESK_IN_H
#define WARD_DESK_IN_H

#include "desk/desk.h"
#include "trail/trail.h"

/* Tags of the packed fields inside sealed columns; never reuse a number. */
enum { DOC_SUBJECT = 1, DOC_DESCRIPTION, DOC_TAGS, DOC_CUSTOM, DOC_EXTERNAL_ID, DOC_RECIPIENT, DOC_VIA, DOC_FINDING,
       DOC_STATUS, DOC_RATING, DOC_SCORE, DOC_SCHEDULE };       /* ticket.doc */
enum { CDOC_BODY = 1, CDOC_HTML, CDOC_METADATA, CDOC_VIA, CDOC_FINDING, CDOC_SECURE, CDOC_POLICY };                                                   /* comment.doc */
enum { ADOC_METADATA = 1, ADOC_VIA, ADOC_EVENT };                                                                           /* ticket_audit.doc */
enum { FDOC_NAME = 1, FDOC_TYPE, FDOC_CID, FDOC_SCAN, FDOC_FINDING, FDOC_OVERRIDE };                                                                                /* attachment.doc */
enum { SDOC_NAME = 1, SDOC_ADDRESS, SDOC_SUBJECT, SDOC_CONTENT, SDOC_MESSAGE_ID, SDOC_RECIPIENT, SDOC_CHANGE };                           /* suspended_ticket.doc */

#define DOC_MAX     (24 * MiB)
#define SUBJECT_MAX 1000            /* bytes of subject kept; the API refuses longer ones */
#define BODY_MAX    (1 * MiB)
#define CHUNK       (256 * KiB)     /* of attachments and raw mail, sealed one by one */
#define AUDIT_STEP  1024            /* ids of an audit, its comment (+1) and its events (+2..) */

/* A ticket's comments are found by its audits: an index of their own would cost each comment a page more. */
#define OF_TICKET(c, ticket) " FROM ticket_audit a CROSS JOIN comment " c " WHERE a.account_id = $1 AND a.ticket_id = " ticket \
	" AND " c ".account_id = a.account_id AND " c ".id = a.id + 1"

/* A list that grows in the arena. */
struct findings { struct finding *f; int count, cap; };
/* Scans one text; fails closed: no engine, no ticket. */
void     findings_add(struct ctx *cx, struct findings *into, const struct finding *f);
enum err desk_scan(struct ctx *cx, const char *field, sensitive text, struct findings *into) MUST_CHECK;
/* ---- the policy at work (treat.c) ---- */
struct treating {
	const struct policy_doc *p;
	enum phi_channel channel;
	enum phi_place tree_place;          /* of the strings inside a JSON value */
	unsigned     skip;                  /* bits of treatments that are not applied now: what they fit is kept */
	struct verdict v;
	struct buf   note;
};
void     treat_begin(struct ctx *cx, struct treating *t, str channel);
/* Scans one text and does to it what the policy says: *text may become another one. What is blocked: bad(). */
enum err treat_text(struct ctx *cx, struct treating *t, enum phi_place place, const char *field, sensitive *text,
    struct findings *into) MUST_CHECK;
/* A file: its name, and its text when it is one. The name comes first; the bytes need not be there then. u->scan: SCAN_DONE
 * for what says that it is text, until its bytes are treated. */
enum err treat_upload(struct ctx *cx, struct treating *t, struct upload *u, struct findings *names) MUST_CHECK;
enum err treat_file_name(struct ctx *cx, struct treating *t, struct upload *u, struct findings *names) MUST_CHECK;
enum err treat_file_text(struct ctx *cx, struct treating *t, struct upload *u) MUST_CHECK;
/* Every text of a change, in place (`ch` is the caller's own copy). `derive`: a subject is made of the body (create). */
enum err treat_change(struct ctx *cx, struct treating *t, struct ticket_change *ch, bool is_note, struct findings *head,
    struct findings *body) MUST_CHECK;
enum err treat_derived(struct ctx *cx, struct treating *t, sensitive *subject, struct findings *head) MUST_CHECK;
/* What of a mail is to be destroyed, is: in->kept is then what to keep instead of the raw message, in->gone how many of each kind. */
enum err treat_mail(struct ctx *cx, struct mail *m, struct inbound *in) MUST_CHECK;
/* ---- counters (report.c); in a transaction ---- */
enum err report_add(struct ctx *cx, enum figure f, usec at, int64_t a, int64_t b, int64_t n) MUST_CHECK;
enum err report_time(struct ctx *cx, enum figure f, usec from, usec at) MUST_CHECK;    /* how long it took, counted on the day it ended */
/* What a change brought; `gone`: destroyed before it came (mail), or NULL. */
enum err report_phi(struct ctx *cx, const struct verdict *v, const uint16_t *gone, usec at, str channel) MUST_CHECK;
extern const struct stmt *const report_stmts[];
/* ---- how often rules were used (use.c); in a transaction ---- */
enum err rule_used(struct ctx *cx, int64_t rule_id) MUST_CHECK;
enum err rule_uses_sweep(struct ctx *cx) MUST_CHECK;                     /* older ones than are counted go */
enum err rule_uses_forget(struct ctx *cx, int64_t rule_id) MUST_CHECK;
extern const struct stmt *const use_stmts[];
/* ---- skills (skill.c); in a transaction ---- */
enum err skill_value_gone(struct ctx *cx, const struct rule *value) MUST_CHECK;
enum err skill_forget(struct ctx *cx, enum skill_of kind, int64_t of_id) MUST_CHECK;
extern const struct stmt *const skill_stmts[];
/* ---- held changes (held.c) ---- */
enum { CAUSE_HELD = 13 };
#define CAUSE_HELD_WORDS "Held by the PHI policy until somebody decides"
enum err held_keep(struct ctx *cx, const struct ticket_change *ch, int64_t ticket_id, const struct verdict *v) MUST_CHECK;
enum err held_recover(struct ctx *cx, const struct suspended *s, str change, struct ticket *out) MUST_CHECK;
enum err suspended_gone(struct ctx *cx, const struct suspended *s) MUST_CHECK;     /* in a transaction: row, key, counter */
extern const struct stmt *const held_stmts[], *const policy_stmts[], *const known_stmts[], *const scan_stmts[];

void     pack_findings(struct buf *b, uint8_t tag, const struct findings *list);
bool     unpack_finding(str bytes, struct finding *out);

void ticket_from_row(struct ctx *cx, const struct row *r, struct ticket *t);
/* May the actor do this to the ticket: `staff`, or of an end user `end_user`. CCs and followers count. */
enum err ticket_may(struct ctx *cx, enum may staff, enum may end_user, const struct ticket *t) MUST_CHECK;
void about_ticket(const struct ticket *t, struct about *a);
/* The row, in a transaction or not, deleted or not; no permission check. E_ABSENT. */
enum err ticket_row(struct ctx *cx, int64_t id, struct ticket *out) MUST_CHECK;
enum err ticket_save_doc(struct ctx *cx, const struct ticket *t) MUST_CHECK;   /* reseals doc under t->key */
str      ticket_doc(struct ctx *cx, const struct ticket *t);
str      comment_doc(struct ctx *cx, const struct comment *c);
str      audit_doc(struct ctx *cx, const struct audit *a);
void     comment_from_row(struct ctx *cx, const struct row *r, struct comment *c);
void     audit_from_row(struct ctx *cx, const struct row *r, struct audit *a);
enum err comment_attachments(struct ctx *cx, struct comment *c, int count) MUST_CHECK;
/* Rows of a ticket for redaction, without permission checks. */
enum err comments_of(struct ctx *cx, int64_t ticket_id, struct comment **out, int *count) MUST_CHECK;
enum err audits_of(struct ctx *cx, int64_t ticket_id, struct audit **out, int *count) MUST_CHECK;

/* For rules: what a change of tags makes of them, who is added (kind 1 CC, 2 follower), which events record it. */
str      ticket_tags_after(struct ctx *cx, str old_json, const struct ticket_change *in);
/* Of a change that is written (who.c), each with bad() for what is wrong: the requester, found or made; assignee and group that
 * fit each other; problem, organization and brand that exist; the closed ticket that it follows. */
enum err ticket_requester(struct ctx *cx, const struct ticket_change *in, int64_t *id, int64_t *organization) MUST_CHECK;
enum err ticket_assignee(struct ctx *cx, const struct ticket_change *in, struct ticket *t) MUST_CHECK;
enum err ticket_links(struct ctx *cx, const struct ticket_change *in, struct ticket *t) MUST_CHECK;
enum err ticket_follow_up(struct ctx *cx, const struct ticket_change *in, struct ticket *t) MUST_CHECK;
str      ticket_cc_bytes(struct ctx *cx, const struct ticket *t);      /* ticket.cc */
enum err ticket_change_people(struct ctx *cx, struct ticket *t, int kind, const struct cc_change *ch, int n) MUST_CHECK;
void     ticket_note_changes(struct ctx *cx, struct audit *a, bool created, const struct ticket *old, const struct ticket *t,
    const struct ticket_change *in);

/* A new generated_at, later than every one before; in a transaction. */
enum err next_generated(struct ctx *cx, usec *out) MUST_CHECK;
enum err desk_counter_add(struct ctx *cx, const char *name, int64_t by) MUST_CHECK;
enum err desk_counter_get(struct ctx *cx, const char *name, int64_t *n) MUST_CHECK;

/* Everything searchable of a ticket, for search_replace(). */
enum err ticket_terms(struct ctx *cx, const struct ticket *t, struct terms *into) MUST_CHECK;
/* But tags; and of an update its comment alone: what else it adds, terms_of_more() tells. */
void     terms_of_change(struct ctx *cx, const struct ticket_change *in, bool created, struct terms *into);
/* Of the tags, and custom fields, that are there now and were not. False: something went, so that search_add() does not do. */
bool     terms_of_tags(struct ctx *cx, sensitive before, sensitive after, struct terms *into);
bool     terms_of_more(struct ctx *cx, const struct ticket *old, const struct ticket *t, struct terms *into);

/* The tags of a ticket went from these to those (JSON arrays): the counts follow. In a transaction. */
enum err tags_changed(struct ctx *cx, sensitive before, sensitive after) MUST_CHECK;

/* Attachments of a new comment; in a transaction. */
enum err attachments_save(struct ctx *cx, int64_t ticket_id, int64_t comment_id, const struct upload *u,
    int count) MUST_CHECK;
/* A copy with a key of its own, chunk by chunk. In a transaction. */
enum err attachment_copy(struct ctx *cx, const struct attachment *f, int64_t ticket_id, int64_t comment_id) MUST_CHECK;
enum err comment_has_attachments(struct ctx *cx, int64_t comment_id) MUST_CHECK;      /* some were added after it was made */
/* An audit of one event without a comment. In a transaction. */
enum err audit_note(struct ctx *cx, const struct ticket *t, const char *type, const char *field, sensitive value) MUST_CHECK;
/* A ticket is deleted and erased for good; `cause` is told to the trail. In a transaction, after whose commit store_erase() is due. */
enum err ticket_retire(struct ctx *cx, int64_t id, const char *cause) MUST_CHECK;
/* A deletion schedule that is written (retention.c): what is wrong is noted. `conditions` has arrays of objects. */
void     retention_check(struct ctx *cx, str object, const struct json_t *conditions, bool active);
/* An ISO 8601 duration as whole hours that have gone by since that moment of the calendar. */
bool     retention_hours(str duration, usec now, int64_t *hours);
extern const struct stmt *const retention_stmts[];
/* People of whom nothing was heard for `hours` (0: it does not say) and who pass each test (idle.c). What is wrong is noted. */
struct idle_test { bool tags, not; int64_t organization_id; str words; };
struct idle { int64_t hours; struct idle_test *test; int tests; };
void     idle_read(struct ctx *cx, const struct json_t *conditions, usec now, struct idle *out);
enum err idle_goes(struct ctx *cx, const struct idle *c, int64_t id, usec now, bool *yes) MUST_CHECK;
/* Deleted and erased for good. In a transaction, after whose commit store_erase() is due. */
enum err idle_retire(struct ctx *cx, int64_t id, const char *cause) MUST_CHECK;
/* Saved searches of a user who is no agent any more; what hangs on a ticket that is erased for good. In a transaction. */
enum err asides_forget_user(struct ctx *cx, int64_t user_id) MUST_CHECK;
enum err asides_forget(struct ctx *cx, int64_t ticket_id) MUST_CHECK;
/* A required task list that is not done: bad(). */
enum err tasks_done(struct ctx *cx, int64_t ticket_id) MUST_CHECK;
/* The tasks of a template that is written (a def_check of def.c): those that came change those that were. */
struct defs;
struct def;
/* Custom roles (role.c): what of a role is checked, and what gate is to know of it. */
enum err role_check(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, struct json_t *doc) MUST_CHECK;
struct json_t *role_officer_new(const struct defs *d);       /* what it is made of; the caller drops it */
enum err role_saved(struct ctx *cx, const struct def *is) MUST_CHECK;

/* The desk's own addresses (address.c). */
struct sender;
struct outgoing;
struct mail;
enum err address_check(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, struct json_t *doc) MUST_CHECK;
const struct def *address_find(const struct defs *d, str given);        /* also with a mark behind a plus; NULL: not ours */
/* A check of an address came back: its id, and it is verified; 0: it is none of ours. */
enum err address_came_back(struct ctx *cx, str message_id, int64_t *id) MUST_CHECK;
/* Which of them a mail was written to; NULL: none. Delivered for it, an address is verified. */
enum err address_arrived(struct ctx *cx, const struct mail *m, str rcpt, const struct def **out) MUST_CHECK;
enum err addresses_own(struct ctx *cx, str **out, int *count) MUST_CHECK;
enum err tasks_check(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, struct json_t *doc) MUST_CHECK;
/* In the transaction of a change: what the agents of the ticket are told of it. old NULL: the ticket was made; c NULL: no
 * comment came with it; actor -1: nobody, a rule that runs on time. */
enum err activity_note(struct ctx *cx, const struct ticket *old, const struct ticket *t, const struct comment *c, int64_t actor) MUST_CHECK;
/* In the transaction that deletes a macro. */
enum err macro_files_forget(struct ctx *cx, int64_t macro_id) MUST_CHECK;
/* May the actor change this rule. */
enum err rule_may_write(struct ctx *cx, enum rule_kind kind, int64_t id) MUST_CHECK;
/* Rating and skips of a ticket that is erased for good go with it. */
enum err rating_forget(struct ctx *cx, int64_t ticket_id) MUST_CHECK;
enum err secure_forget(struct ctx *cx, int64_t ticket_id) MUST_CHECK;
/* A CC or follower of a ticket becomes another user. In a transaction. */
enum err ticket_replace_cc(struct ctx *cx, int64_t id, int64_t from, int64_t to) MUST_CHECK;
/* In the transaction after which other values of this field are searchable than before. */
enum err field_reindex(struct ctx *cx, int64_t field) MUST_CHECK;
/* In the transaction that solved a problem. */
enum err incidents_follow(struct ctx *cx, const struct ticket *problem, int64_t author_id) MUST_CHECK;
/* A job that follows from a change: whoever made it, however many there are. In a transaction. */
enum err job_follow(struct ctx *cx, enum job_kind kind, int total, sensitive payload, struct job *out) MUST_CHECK;
/* The uploads behind a token become attachments of the comment; adds to *count. An unknown token: bad(). */
enum err attachments_claim(struct ctx *cx, str token, int64_t ticket_id, int64_t comment_id,
    struct findings *names, struct terms *terms, int *count) MUST_CHECK;
/* Unchecked. A new key seals what is given (bytes NULL: as they are); the old one is destroyed. Text is scanned again. */
enum err attachment_load(struct ctx *cx, int64_t id, str *bytes) MUST_CHECK;
enum err attachment_rewrite(struct ctx *cx, const struct attachment *f, str name, const str *bytes) MUST_CHECK;
/* Its doc anew, with the findings it has here; the bytes stay. Nothing when it has another key by now. */
enum err attachment_findings(struct ctx *cx, const struct attachment *f) MUST_CHECK;
/* Findings of subject, custom fields, tags and external id, by today's rules. */
enum err ticket_scan(struct ctx *cx, const struct ticket *t, struct findings *into) MUST_CHECK;
enum err attachments_discard(struct ctx *cx, str token) MUST_CHECK;     /* nobody claims them any more */
enum err held_discard(struct ctx *cx, str change) MUST_CHECK;
/* Parts that no upload of this process owns, and uploads that nobody claimed in time, go. Not in a transaction. */
enum err uploads_sweep(struct ctx *cx) MUST_CHECK;
enum err attachments_extend(struct ctx *cx, str token, usec until) MUST_CHECK;      /* of a held change, of a draft: they wait with it */
enum err attachment_erase(struct ctx *cx, int64_t id, int64_t key) MUST_CHECK;
enum err raw_mail_save(struct ctx *cx, const struct inbound *in, int64_t ticket_id, int64_t comment_id,
    int64_t suspended_id, int64_t *raw_id) MUST_CHECK;
enum err raw_mail_erase(struct ctx *cx, int64_t raw_id) MUST_CHECK;      /* destroys its key, deletes its bytes */

/* Mail and webhooks about a change, in its transaction; old NULL: the ticket was made; c NULL: no comment came with it. */
enum err notify_ticket(struct ctx *cx, const struct ticket *old, const struct ticket *t, const struct comment *c,
    const struct ticket_change *in) MUST_CHECK;
/* Drafts (draft.c), in a transaction: the actor's own ends, with the uploads it names if `files` and nothing claimed them;
 * all of a ticket are rewritten under its new key, or go; those nobody touched for long go. */
enum err draft_end(struct ctx *cx, int64_t ticket_id, bool files) MUST_CHECK;
enum err drafts_rewrite(struct ctx *cx, int64_t ticket_id, int64_t fresh, sensitive (*clean)(struct ctx *cx, const void *arg, sensitive s),
    const void *arg) MUST_CHECK;
enum err drafts_forget(struct ctx *cx, int64_t ticket_id) MUST_CHECK;
enum err drafts_sweep(struct ctx *cx) MUST_CHECK;
extern const struct stmt *const draft_stmts[];
/* Tells desk_on_news when this transaction is durable. */
void     news_note(struct ctx *cx, enum news kind, const struct ticket *t, int64_t comment_id, bool comment_public);
/* One event for webhooks; `event` a JSON object text. */
enum err ticket_event(struct ctx *cx, const char *type, const struct ticket *t, str event) MUST_CHECK;
/* The Message-ID that an answer to the ticket names; empty when no mail came. For outgoing.in_reply_to. */
enum err ticket_last_message(struct ctx *cx, int64_t ticket_id, sensitive *message_id) MUST_CHECK;

/* Strings inside JSON array texts. */
bool     json_has(str array_json, str word);
int      json_words(struct ctx *cx, str array_json, str **out);
str      json_of_words(struct ctx *cx, const str *w, int n);
str      json_quote(struct ctx *cx, str s);
str      json_number(struct ctx *cx, int64_t v);          /* "\"12\"", as audits write ids; 0 gives null */

extern const struct stmt *const gone_stmts[], *const who_stmts[];
extern const struct stmt *const ticket_stmts[], *const comment_stmts[], *const attach_stmts[], *const inbound_stmts[],
    *const search_stmts[], *const job_stmts[], *const redact_stmts[], *const list_stmts[];
extern const struct stmt *const notify_stmts[];
extern const struct stmt *const def_stmts[], *const tag_stmts[], *const merge_stmts[], *const rating_stmts[], *const aside_stmts[];
extern const struct stmt *const secure_stmts[];
extern const struct stmt *const rule_stmts[], *const view_stmts[], *const view_pass_stmts[], *const trigger_stmts[], *const sla_stmts[], *const clock_stmts[], *const schedule_stmts[];
#endif
