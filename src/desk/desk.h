/* desk.h - tickets and what works on them.
 *
 * A ticket from the API and one from an e-mail meet at one waist,
 * ticket_create() and ticket_update(): gate, phi, seal and insert, search
 * delta, trail, in one transaction. All that may name a patient (subject,
 * texts, tags, custom values, external id, names of attachments, findings) is
 * in sealed columns under the ticket's data key.
 */
#ifndef WARD_DESK_H
#define WARD_DESK_H

#include "base/base.h"
#include "desk/policy.h"
#include "desk/report.h"
#include "gate/gate.h"
#include "mail/mail.h"
#include "store/store.h"

enum ticket_status { TICKET_NEW, TICKET_OPEN, TICKET_PENDING, TICKET_HOLD, TICKET_SOLVED, TICKET_CLOSED };
enum ticket_priority { PRIORITY_NONE, PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_HIGH, PRIORITY_URGENT };
enum ticket_type { TYPE_NONE, TYPE_PROBLEM, TYPE_INCIDENT, TYPE_QUESTION, TYPE_TASK };
const char *status_name(enum ticket_status s);             /* "new" ... "closed" */
const char *priority_name(enum ticket_priority p);         /* NULL for none */
const char *type_name(enum ticket_type t);                 /* NULL for none */
bool status_of(str s, enum ticket_status *out);
bool priority_of(str s, enum ticket_priority *out);
bool type_of(str s, enum ticket_type *out);

/* A finding of the PHI engine, in one text of the ticket. */
struct finding {
	str  label, rule;        /* "SSN", "ssn-dashes" */
	str  field;              /* "subject", "body", "custom_fields.401", "attachment", "attachment_text" */
	int64_t at, len;         /* bytes of that text */
	int  score;
};

/* Findings of a text that is not kept: for the composer. */
enum err desk_findings(struct ctx *cx, sensitive text, struct finding **out, int *count) MUST_CHECK;

struct ticket {
	int64_t id, key, requester_id, submitter_id, assignee_id, organization_id, group_id, problem_id;
	int64_t brand_id, form_id, followup_source_id;
	int64_t custom_status_id;            /* 0: the default of the status */
	int64_t schedule_id;                 /* that a trigger gave it; 0: the default one */
	enum ticket_status   status;
	enum ticket_priority priority;
	enum ticket_type     type;
	bool    is_public, has_incidents;
	int64_t comment_count;
	usec    created_at, updated_at, generated_at, due_at, deleted_at, solved_at;   /* 0: none */
	str     channel;                     /* via.channel: "api", "email", "web", ... */
	sensitive subject, description, external_id, recipient;
	sensitive tags;                      /* JSON array text */
	sensitive custom_fields;             /* JSON array text of {"id","value"} */
	sensitive via_source;                /* JSON object text of via.source */
	sensitive rating;                    /* what the requester said when it was solved */
	int rating_score;                    /* 0: not rated, 1: bad, 2: good */
	int64_t *cc; int cc_count;           /* e-mail CCs */
	int64_t *follower; int follower_count;
	struct finding *finding; int finding_count;    /* of subject and custom fields */
	bool    erased;                      /* its data key is gone */
};

struct comment {
	int64_t id, ticket_id, author_id, audit_id, key;
	bool    is_public, redacted, erased;
	bool    secure;                      /* its text never leaves by mail: read it by its link, or signed in */
	usec    created_at;
	str     channel;
	sensitive body, html, metadata;      /* metadata: JSON object text; html: what an e-mail brought, or "" */
	sensitive via_source;
	str     policy;                      /* what the PHI policy did on arrival: "redact SSN in body; move NAME in subject" */
	struct finding *finding; int finding_count;
	struct attachment *attachment; int attachment_count;
};

enum scan_state { SCAN_DONE = 1, SCAN_NOT_TEXT, SCAN_TOO_LARGE };   /* of an attachment's bytes; 0: before scans were kept */
#define SCAN_TEXT_MAX (4 * MiB)
struct attachment {
	int64_t id, ticket_id, comment_id, key, size;
	sensitive file_name, content_type, content_id;
	enum scan_state scan;
	struct finding *finding; int finding_count;    /* field "attachment_text" */
	bool    is_inline, redacted;
	bool    override;                    /* malware_access_override */
	bool    bound;                       /* desk's own: how its chunks are sealed (attach.c) */
	usec    created_at;
};

struct audit_event { str type, field; sensitive value, previous; int64_t id, rule_id; };   /* JSON texts; type "Create", "Change", "Comment", ...; field "": value is an object of members; rule_id: a rule did it */
struct audit {
	int64_t id, ticket_id, author_id, comment_id;    /* comment_id 0: none */
	usec    created_at;
	str     channel;
	sensitive metadata, via_source;
	struct audit_event *event; int event_count;
	struct comment comment;              /* loaded where comment_id */
};

/* ---- writing ----------------------------------------------------------------------------------------- */

enum ticket_has {
	T_SUBJECT = 1, T_COMMENT = 2, T_STATUS = 4, T_PRIORITY = 8, T_TYPE = 16, T_REQUESTER = 32, T_SUBMITTER = 64,
	T_ASSIGNEE = 128, T_GROUP = 256, T_ORG = 512, T_TAGS = 1024, T_ADD_TAGS = 2048, T_REMOVE_TAGS = 4096,
	T_CUSTOM = 8192, T_EXTERNAL_ID = 16384, T_DUE = 32768, T_PROBLEM = 65536, T_RECIPIENT = 131072,
	T_CC = 262144, T_FOLLOWERS = 524288, T_SAFE = 1048576, T_BRAND = 2097152, T_FORM = 4194304, T_METADATA = 8388608,
	T_CUSTOM_STATUS = 16777216,
};
struct cc_change { int64_t user_id; sensitive name, email; bool remove, all; };   /* all: everybody leaves, nobody is named */
struct upload {
	str file_name, content_type, content_id, bytes; bool is_inline;
	enum scan_state scan; struct finding *finding; int finding_count;    /* desk's own; the caller leaves them 0 */
};

struct ticket_change {
	unsigned has;
	sensitive subject, external_id, recipient;
	enum ticket_status   status;
	enum ticket_priority priority;
	enum ticket_type     type;
	int64_t requester_id, submitter_id, assignee_id, group_id, organization_id, problem_id, brand_id, form_id, custom_status_id;
	int64_t *macro; int macro_count;             /* what an agent used for it: stands in the audit */
	int64_t followup_source_id;                  /* a closed ticket that this one follows up */
	sensitive requester_name, requester_email;   /* instead of requester_id: found or made */
	sensitive assignee_email;
	sensitive *tag; int tag_count;               /* T_TAGS or T_ADD_TAGS */
	sensitive *drop_tag; int drop_count;         /* T_REMOVE_TAGS, after the others */
	struct { int64_t id; str value_json; bool guarded; } *custom; int custom_count;   /* guarded: the actor may only read it */
	usec    due_at, safe_stamp;                  /* T_SAFE: updated_at last seen, whole seconds */
	struct cc_change *cc; int cc_count;          /* T_CC */
	struct cc_change *follower; int follower_count;
	/* T_COMMENT */
	sensitive body, html;
	int64_t author_id;                           /* 0: the actor */
	bool    comment_public, comment_public_set;
	bool    secure;                              /* comment.secure; the requester is not told: who sets it does */
	struct upload *upload; int upload_count;     /* bytes that came with it (mail) */
	str    *upload_token; int token_count;       /* tokens of POST /uploads, claimed in the transaction */
	str     metadata_json;                       /* custom metadata, a JSON object, or empty */
	/* where it came from */
	const char *channel;                         /* NULL: cx->via */
	str     via_source_json;
	usec    created_at;                          /* imports and mail: 0 for now */
	const char *cause;                           /* job or rule, for the trail */
	bool    lenient;                             /* no field is asked for: merges, rules, jobs that follow */
	bool    imported;                            /* as it was elsewhere: nobody is told, no rule runs */
	bool    as_request;                          /* the actor speaks as the requester, staff or not */
	const char *shown;                           /* fields that the answer will show: the access event is in the same
	                                                transaction; NULL: none */
	const struct compiled *rule;                 /* the automation that does it (desk's own) */
	bool        may_hold;                        /* inside a transaction: the caller's function keeps what is held */
	bool        nobody;                          /* made without a sign-in: the requester is only whom the maker names */
	bool        released;                        /* a person decided: what the policy holds is kept */
	/* e-mail intake */
	const struct inbound *inbound;               /* raw mail to keep with it; NULL otherwise */
};
/* What is shown of a channel. Who is signed in in a browser writes by "desk": Zendesk's word for that is "web", which here
 * is what forms are, and the PHI policy must tell the two apart (policy_channel: "desk" is api). */
str channel_shown(str channel);
/* The languages that people may have, with Zendesk's number of each: of one that is not known the first's; 0 or a number
 * that is not known: empty. */
enum { LOCALES = 10 };
struct locale { int id; const char *locale, *name; };
extern const struct locale desk_locale[LOCALES];
int  locale_number(str locale);
str  locale_named(int64_t number);
const char *calendar_zone(str name);         /* the IANA name of a time zone, or NULL when there is no such zone */
/* Who is not signed in makes a ticket as the system does, so *in is cut down to what an end user may say before that:
 * words, the form and fields of the portal; in nobody else's name, beside nobody else. */
enum err ticket_by_nobody(struct ctx *cx, struct ticket_change *in) MUST_CHECK;
/* A tag, or several, in lower case, as Unicode has it for no language in particular. */
str tag_lower(struct ctx *cx, str s);
/* Cuts the next tag off *rest, which holds several between blanks and commas; may be empty. */
str tag_cut(str *rest);
/* All wrong fields are reported at once (E_INVALID with cx->bad), among them
 * what the PHI policy refuses ("PolicyBlocked"). What the policy holds becomes a
 * suspended ticket, cx->held its id: E_INVALID with cx->fail.field
 * POLICY_HELD; inside a transaction of the caller's, only with `may_hold`: its
 * row stays only if the caller's function then returns OK. Else it is refused. */
enum err ticket_create(struct ctx *cx, const struct ticket_change *in, struct ticket *out, struct audit *audit) MUST_CHECK;
/* E_CONFLICT on a stale T_SAFE stamp; a closed ticket: E_INVALID with
 * bad("status", "closed prevents ticket update"). */
enum err ticket_update(struct ctx *cx, int64_t id, const struct ticket_change *in, struct ticket *out, struct audit *audit) MUST_CHECK;
enum err ticket_delete(struct ctx *cx, int64_t id) MUST_CHECK;       /* soft */
enum err ticket_restore(struct ctx *cx, int64_t id) MUST_CHECK;
/* Destroys the data key: nothing of it can be read again (a soft-deleted ticket only). */
enum err ticket_purge(struct ctx *cx, int64_t id) MUST_CHECK;
/* Many into one, at once or not at all: comments on all of them, copies of the attachments on the target, the others
 * closed and tagged closed_by_merge. Nobody becomes a CC by it: another requester is another person. */
struct ticket_merge { int64_t target; int64_t *ids; int count; sensitive target_comment, source_comment; bool target_public, source_public; const char *cause; };
enum err ticket_merge(struct ctx *cx, const struct ticket_merge *in) MUST_CHECK;
/* One comment, with its attachments, becomes a ticket of the same requester. */
enum err ticket_split(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive subject, struct ticket *out) MUST_CHECK;
/* Deletes it and suspends its requester, if that is an end user. */
enum err ticket_spam(struct ctx *cx, int64_t id) MUST_CHECK;
/* One item of the job that follows a solved problem. */
enum err ticket_solve_incident(struct ctx *cx, int64_t id, int64_t problem_id, int64_t author_id, const char *cause) MUST_CHECK;
/* One item of the job that follows when a custom field's values become searchable or cease to be. */
enum err ticket_reindex(struct ctx *cx, int64_t field, int64_t from) MUST_CHECK;
enum err ticket_incidents(struct ctx *cx, int64_t id, int64_t *n) MUST_CHECK;         /* of a visible ticket; at most 100,000 */
enum err ticket_followups(struct ctx *cx, int64_t id, int64_t **ids, int *count) MUST_CHECK;
/* The followups of a closed ticket are few and asked for one ticket at a time. */
enum err ticket_deleter(struct ctx *cx, int64_t id, int64_t *user_id) MUST_CHECK;
/* A ticket with its history from another desk: as created, with times of the past. Administrators only. */
struct import_comment { sensitive body; int64_t author_id; bool is_public; usec created_at; };
struct ticket_import {
	struct ticket_change head;
	usec   created_at, updated_at, solved_at;    /* 0: not said */
	struct import_comment *comment; int comment_count;
	struct ticket out; struct audit audit;
};
enum err ticket_import(struct ctx *cx, struct ticket_import *im) MUST_CHECK;
/* What happens in gate has consequences here; called in its transaction. */
enum err desk_unassign(struct ctx *cx, int64_t user_id, int64_t group_id) MUST_CHECK;   /* group_id 0: everywhere */
enum err desk_group_gone(struct ctx *cx, int64_t group_id) MUST_CHECK;
enum err desk_user_merged(struct ctx *cx, int64_t from, int64_t to) MUST_CHECK;
enum err desk_org_merged(struct ctx *cx, int64_t from, int64_t to) MUST_CHECK;
enum err desk_org_gone(struct ctx *cx, int64_t organization_id) MUST_CHECK;
enum err comment_make_private(struct ctx *cx, int64_t ticket_id, int64_t comment_id) MUST_CHECK;

/* What the actor began to write to a ticket, or (ticket 0) for a ticket that is not yet made; `id` 0: nothing. A version is
 * never used twice. Tokens are those of uploads, which live as long as the draft; saved without has_tokens it keeps those it
 * had. `fields`: what its page notes beside the text, JSON. */
struct draft {
	int64_t id, version; bool is_public, has_tokens; usec updated_at;
	sensitive body, html, fields;
	str *token; int token_count;
};
enum err draft_get(struct ctx *cx, int64_t ticket_id, struct draft *out) MUST_CHECK;       /* with its access event */
/* E_CONFLICT when in->version is neither -1 (whatever there is) nor the one there is (0: none). */
enum err draft_save(struct ctx *cx, int64_t ticket_id, const struct draft *in, struct draft *out) MUST_CHECK;
enum err draft_drop(struct ctx *cx, int64_t ticket_id) MUST_CHECK;

/* What happened to a ticket, told when it is durable, in commit order, on the
 * writer thread: the listener must not block. No text; `about` says who may
 * know of it (gate_may(MAY_READ_TICKET)). Valid during the call. */
enum news { NEWS_CREATED, NEWS_UPDATED, NEWS_DELETED, NEWS_RESTORED, NEWS_REDACTED };
struct ticket_news {
	enum news    kind;
	int64_t      ticket_id, comment_id, actor_id;    /* comment_id 0: none came with it */
	bool         comment_public;
	struct about about;
};
extern void (*desk_on_news)(struct sys *sys, const struct ticket_news *n);

/* ---- reading ----------------------------------------------------------------------------------------- */

enum ticket_sort { SORT_ID, SORT_UPDATED, SORT_CREATED, SORT_STATUS };
struct ticket_filter {
	int64_t requester_id, assignee_id, group_id, organization_id, cc_id, follower_id;   /* 0: any */
	int64_t problem_id;                  /* incidents of this one; 0: any */
	bool    problems;                    /* of type problem only */
	str     external_id;                 /* empty: any */
	int     status_mask;                 /* bit per ticket_status; 0: any */
	bool    deleted;                     /* the soft-deleted ones instead */
	bool    as_request;                  /* through the requests' door: what the actor asked for or is copied on */
	enum ticket_sort sort; bool descending;
	/* page: either offset, or a place in the order (sort value and id of the last row seen) */
	int64_t offset;
	bool    after_set, before_set; int64_t after_value, after_id;
	int     limit;
};
/* Only what the actor may see; not sealed columns of others. */
enum err ticket_list(struct ctx *cx, const struct ticket_filter *f, struct ticket **out, int *count) MUST_CHECK;
enum err ticket_count(struct ctx *cx, const struct ticket_filter *f, int64_t *count) MUST_CHECK;
enum err ticket_get(struct ctx *cx, int64_t id, struct ticket *out) MUST_CHECK;
/* Through the requests' door: staff too pass with what they requested. */
enum err request_get(struct ctx *cx, int64_t id, struct ticket *out) MUST_CHECK;
enum err ticket_many(struct ctx *cx, const int64_t *ids, int n, struct ticket **out, int *count) MUST_CHECK;  /* in the order of ids */
/* Changed since (generated_at, id), deleted ones too, oldest first: the incremental export. */
enum err ticket_changed(struct ctx *cx, usec at, int64_t id, int limit, struct ticket **out, int *count) MUST_CHECK;
/* May this actor see this ticket; no sealed column is opened. */
enum err ticket_visible(struct ctx *cx, int64_t id) MUST_CHECK;

/* Comments of a visible ticket, oldest first unless `newest`; end users and requests: public ones only. */
enum err comment_list(struct ctx *cx, int64_t ticket_id, bool public_only, bool newest, int64_t after_id, int64_t offset, int limit, struct comment **out, int *count) MUST_CHECK;
enum err comment_count(struct ctx *cx, int64_t ticket_id, bool public_only, int64_t *count) MUST_CHECK;
enum err comment_get_public(struct ctx *cx, int64_t ticket_id, int64_t comment_id, struct comment *out) MUST_CHECK;  /* through the requests' door */
enum err comment_get(struct ctx *cx, int64_t ticket_id, int64_t comment_id, struct comment *out) MUST_CHECK;  /* ticket_id 0: any */
enum err audit_list(struct ctx *cx, int64_t ticket_id, bool newest, int64_t after_id, int64_t offset, int limit, struct audit **out, int *count) MUST_CHECK;
enum err audit_count(struct ctx *cx, int64_t ticket_id, int64_t *count) MUST_CHECK;
/* Of all tickets that the actor may see, newest first; `after` goes on to older ones, `before` to newer ones. E_DENIED for
 * agents who do not see all tickets. */
/* Of all tickets, oldest first, for the export of events. */
enum err audit_since(struct ctx *cx, usec at, int64_t id, int limit, struct audit **out, int *count) MUST_CHECK;
enum err audit_all(struct ctx *cx, int64_t after, int64_t before, int limit, struct audit **out, int *count) MUST_CHECK;
enum err audit_get(struct ctx *cx, int64_t ticket_id, int64_t audit_id, struct audit *out) MUST_CHECK;

enum err attachment_get(struct ctx *cx, int64_t id, struct attachment *out) MUST_CHECK;
/* Whether agents may open it although malware was found in it. Nothing is scanned here, so it is only kept and shown. MAY_ADMIN. */
enum err attachment_override(struct ctx *cx, int64_t id, bool on, struct attachment *out) MUST_CHECK;
/* To show its bytes: attachment_read() may be called, and who is answered owes an access event. */
enum err attachment_open(struct ctx *cx, int64_t id, struct attachment *out) MUST_CHECK;
/* The n bytes from `at` on of a file that was opened, here or long ago; a chunk of it is in memory at a time. E_ABSENT: it was
 * redacted since. */
enum err attachment_read(struct ctx *cx, const struct attachment *f, int64_t at, char *to, size_t n) MUST_CHECK;
/* POST /uploads: kept sealed for three days until a comment claims it by its token. The file comes in pieces, each written
 * when it is here, and is seen by nobody before upload_done(). Any time may pass between the calls, which are by the same
 * actor, cx's arena the same. After a failure, or when no more comes, upload_drop() has to follow: it takes back what is written. */
struct uploading;
enum err upload_begin(struct ctx *cx, str file_name, str content_type, str token, struct uploading **out) MUST_CHECK;
size_t   upload_piece(const struct uploading *u);               /* bytes of the next piece; asked again after each */
enum err upload_write(struct ctx *cx, struct uploading *u, str bytes) MUST_CHECK;    /* exactly one piece, and more are to come */
enum err upload_done(struct ctx *cx, struct uploading *u, str bytes, str *token_out, struct attachment *out) MUST_CHECK;   /* with the rest */
enum err upload_files(struct ctx *cx, str token, struct attachment **out, int *count) MUST_CHECK;    /* the actor's, oldest first */
void     upload_drop(struct ctx *cx, struct uploading *u);
/* All of it at once. */
enum err upload_create(struct ctx *cx, str file_name, str content_type, str bytes, str token, str *token_out, struct attachment *out) MUST_CHECK;
enum err upload_forget(struct ctx *cx, int64_t id) MUST_CHECK;    /* one file of the actor's own, unclaimed */
/* The actor's uploads behind a token with their findings, or the files of a macro; none: unknown or expired. */
enum err attachments_look(struct ctx *cx, str token, struct attachment **out, int *count) MUST_CHECK;
enum err upload_delete(struct ctx *cx, str token) MUST_CHECK;   /* E_ABSENT: unknown, claimed or not theirs */

/* Files that a macro brings along, at most five. macro_id 0: not yet a macro's, and its uploader's alone. E_LIMIT above the
 * most; writing asks for what changing the macro asks for. */
enum err macro_file_add(struct ctx *cx, int64_t macro_id, str file_name, str content_type, str bytes, struct attachment *out) MUST_CHECK;
enum err macro_file_list(struct ctx *cx, int64_t macro_id, struct attachment **out, int *count) MUST_CHECK;
enum err macro_file_get(struct ctx *cx, int64_t id, struct attachment *out) MUST_CHECK;
enum err macro_file_open(struct ctx *cx, int64_t id, struct attachment *out) MUST_CHECK;     /* as attachment_open() */
/* These, uploaded before by the actor or the macro's already, are the macro's; others of it go. Unknown ones: bad(). */
enum err macro_files_set(struct ctx *cx, int64_t macro_id, const int64_t *ids, int n) MUST_CHECK;
/* The upload token that stands for a macro's files: who sends it with a comment attaches copies of them. "": it has none. */
enum err macro_files_token(struct ctx *cx, int64_t macro_id, str *token) MUST_CHECK;

/* ---- tags ------------------------------------------------------------------------------------------------ */

struct tag { int64_t id, n; sensitive name; };
/* Those on tickets that are not deleted, most used first; a place is (n, id). For agents who do not see all tickets: those on
 * their newest 5,000, counted there. */
enum err tag_list(struct ctx *cx, bool after, bool before, int64_t n, int64_t id, int64_t offset, int limit, struct tag **out, int *count) MUST_CHECK;
enum err tag_total(struct ctx *cx, int64_t *n) MUST_CHECK;      /* at most 20,000 */
/* Where it, or a word in it, begins so (at least two characters), most used first. */
enum err tag_complete(struct ctx *cx, str beginning, int limit, struct tag **out, int *count) MUST_CHECK;
enum err tags_seed(struct ctx *cx) MUST_CHECK;                  /* counts once what is older than the counts */

/* ---- satisfaction, skips ----------------------------------------------------------------------------------- */

struct rating {
	int64_t id, ticket_id, requester_id, assignee_id, group_id; bool good, has_comment; int reason_code;   /* 0: none */
	usec created_at, updated_at; sensitive comment;
};
#define RATING_LINK_FOR ((usec)30 * 86400 * SECOND)              /* how long the link of a mail rates (link "rating") */
/* By the requester, of a solved ticket, as often as they like: the last one counts. */
enum err rating_set(struct ctx *cx, struct rating *r) MUST_CHECK;
struct rating_filter { bool only_good, only_bad, newest; int words; usec from, to; int64_t after, offset; int limit; };  /* words: 1 without, 2 with, 0 both */
enum err rating_list(struct ctx *cx, const struct rating_filter *f, struct rating **out, int *count) MUST_CHECK;
enum err rating_total(struct ctx *cx, const struct rating_filter *f, int64_t *n) MUST_CHECK;
enum err rating_get(struct ctx *cx, int64_t id, struct rating *out) MUST_CHECK;
int      rating_reasons(void);
const char *rating_reason(int i, int *code);
struct skip { int64_t id, ticket_id, user_id; usec created_at; sensitive reason; };
enum err skip_add(struct ctx *cx, struct skip *s) MUST_CHECK;
enum err skip_list(struct ctx *cx, int64_t ticket_id, int64_t user_id, int64_t after, int64_t offset, int limit, struct skip **out, int *count) MUST_CHECK;

/* Tickets that the actor keeps at hand, newest first; the shape of a skip without a reason. */
enum err bookmark_add(struct ctx *cx, struct skip *s) MUST_CHECK;
enum err bookmark_delete(struct ctx *cx, int64_t id) MUST_CHECK;
enum err bookmark_list(struct ctx *cx, struct skip **out, int *count) MUST_CHECK;

/* ---- secure links (secure.c) ----------------------------------------------------------------------------------- */

enum secure_question { ASK_BIRTH, ASK_PHONE, ASK_POSTAL, ASK_PHRASE };
const char *secure_question_name(enum secure_question q);        /* "date_of_birth"; NULL: none */
bool     secure_question_of(str s, enum secure_question *out);
struct secure_link {
	int64_t id, ticket_id, comment_id, user_id, author_id, views;
	bool    known;                       /* the proof is an answer to `question`; else a code by mail */
	enum secure_question question;
	int     tries;                       /* wrong ones since the last right one; five lock it */
	usec    created_at, expires_at, revoked_at, viewed_at;
};
struct secure_new {
	const struct ticket_change *change;  /* the public comment to write, secure set; NULL: comment_id is there already */
	int64_t   comment_id;
	bool      known; enum secure_question question; sensitive answer;
	usec      good_for;                  /* an hour to 30 days */
};
/* "active", "expired", "revoked", "locked" */
const char *secure_state(struct ctx *cx, const struct secure_link *l);
/* Comment, link and mail in one transaction. E_BUSY: mail is not set up. */
enum err secure_link_create(struct ctx *cx, int64_t ticket_id, const struct secure_new *in, struct secure_link *out) MUST_CHECK;
enum err secure_link_list(struct ctx *cx, int64_t ticket_id, struct secure_link **out, int *count) MUST_CHECK;    /* the newest 100 */
enum err secure_link_revoke(struct ctx *cx, int64_t ticket_id, int64_t id) MUST_CHECK;      /* at once; again is fine */
/* For who has the link. E_ABSENT: unknown or not active, which reads the same. */
enum err secure_link_find(struct ctx *cx, str token, struct secure_link *out) MUST_CHECK;
enum err secure_link_send_code(struct ctx *cx, str token) MUST_CHECK;
enum err secure_link_prove(struct ctx *cx, str token, str answer, str *pass) MUST_CHECK;    /* E_WHO */
/* Makes the caller act as the requester; the caller keeps to this ticket. E_WHO: no proof yet, or over. */
enum err secure_link_enter(struct ctx *cx, str token, str pass, struct secure_link *out) MUST_CHECK;
enum err secure_link_seen(struct ctx *cx, const struct secure_link *l) MUST_CHECK;          /* counted, with the look */

/* ---- redaction (P6) ------------------------------------------------------------------------------------ */

/* Every occurrence of `text` in the comment becomes U+2587 per character; the
 * ticket is resealed under a new data key, the old one destroyed, raw mail of
 * the comment erased, the search index told. E_INVALID when `text` is not in
 * it or is empty. The same string is also removed from the subject and from
 * kept before/after values. */
enum err comment_redact(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive text, struct comment *out) MUST_CHECK;
/* The html form of PUT /comment_redactions: text inside <redact>...</redact>. */
enum err comment_redact_marked(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive html_body, struct comment *out) MUST_CHECK;
enum err attachment_redact(struct ctx *cx, int64_t ticket_id, int64_t comment_id, int64_t attachment_id, struct attachment *out) MUST_CHECK;

/* ---- inbound mail --------------------------------------------------------------------------------------- */

enum inbound_outcome { IN_TICKET, IN_COMMENT, IN_SUSPENDED, IN_DUPLICATE, IN_REFUSED, IN_CHECK };
/* raw_id: kept already (a suspended one recovered); kept: what is kept instead
 * of raw, when the policy destroyed something in it */
struct inbound { str raw, kept; const struct mail *mail; int64_t raw_id; uint16_t gone[POLICY_KINDS]; };  /* gone: of each kind, destroyed on arrival */
/* Takes one raw message: parses it in the sandbox and makes of it exactly one
 * ticket, comment or suspended ticket, durably, with the raw mail sealed.
 * The same bytes again: IN_DUPLICATE, nothing new. IN_CHECK: one of our own
 * checks of a support address (id) came back. IN_REFUSED: the PHI policy
 * blocks it; nothing is kept but a refusal (id), and cx->fail.why may be told
 * to the sender. `rcpt` is the envelope's
 * recipient or empty. E_BUSY: try again (exit 75). */
enum err inbound_mail(struct ctx *cx, str raw, str rcpt, enum inbound_outcome *outcome, int64_t *id) MUST_CHECK;

struct suspended {
	int64_t id, key, ticket_id, cause_id, raw_id;     /* ticket_id: the one it replied to, or 0 */
	usec    created_at, updated_at;
	str     cause;                                    /* words */
	sensitive from_name, from_address, subject, content, message_id, recipient;
	str     change;                                   /* desk's own: a held change, packed */
	bool    erased;
};
enum err suspended_list(struct ctx *cx, int64_t after_id, int64_t offset, int limit, struct suspended **out, int *count) MUST_CHECK;
enum err suspended_count(struct ctx *cx, int64_t *count) MUST_CHECK;
enum err suspended_get(struct ctx *cx, int64_t id, struct suspended *out) MUST_CHECK;
enum err suspended_recover(struct ctx *cx, int64_t id, struct ticket *out) MUST_CHECK;   /* becomes a ticket or comment */
/* Copies of the attachments of its mail, as uploads of the actor; token "": it has none. */
enum err suspended_uploads(struct ctx *cx, int64_t id, str *token, struct attachment **out, int *count) MUST_CHECK;
enum err suspended_delete(struct ctx *cx, int64_t id) MUST_CHECK;    /* its key is destroyed */

/* ---- search ----------------------------------------------------------------------------------------------- */

enum { FOUND_TICKET = 1, FOUND_USER = 2, FOUND_ORG = 4, FOUND_GROUP = 8 };
struct found { int type; int64_t id; };
struct search_page { str query; str sort_by; bool ascending; int64_t offset; int limit; };
/* Zendesk's query language over sealed segments; only what the actor may see.
 * E_INVALID on a malformed query (field "query", the words say what is wrong);
 * *total is exact up to 10,000. By default newest first; sort_by: "" or
 * "relevance", "created_at", "updated_at", "priority", "status", "ticket_type"
 * (order_by: and sort: in the query come first). */
enum err search_run(struct ctx *cx, const struct search_page *p, struct found **out, int *count, int64_t *total) MUST_CHECK;
/* Users by the same language, where plain words are beginnings of words. */
enum err search_users(struct ctx *cx, str query, int64_t offset, int limit, int64_t **ids, int *count, int64_t *total) MUST_CHECK;

/* Replays what was not built yet; before the first search_add(). The index of
 * the account cx->account; sys->search is set by the caller. */
enum err search_open(struct ctx *cx, struct search **out) MUST_CHECK;
void     search_close(struct search **s);
/* One step of background work (build, merge, erase, tombstones); *more: call
 * again at once. Long merges are one step; cx->stop ends them early. */
enum err search_step(struct ctx *cx, bool *more) MUST_CHECK;
/* Wired at start: the keyed hash of a term, 64 bits (vault_term). */
extern uint64_t (*search_term_key)(struct sys *sys, str term);
/* For desk itself, in the transaction: terms of a text are added to a ticket
 * (or user), or the whole document replaced (removal: no terms). What a
 * replaced document had before is found no more from the commit on, and is
 * erased within the deadline (setting search_erase_minutes, 60). For a change
 * that takes nothing back, search_change() does the same without a deadline:
 * the old terms go with the next merge. */
struct terms { uint64_t *t; int count, cap; };
void     search_terms(struct ctx *cx, char space, str text, struct terms *into);   /* space: 't' ticket text, 's' subject, 'g' tag, 'u' user, 'o' organization */
enum err search_add(struct ctx *cx, char doc, int64_t id, struct terms *terms) MUST_CHECK;       /* doc: 't', 'u', 'o' */
enum err search_replace(struct ctx *cx, char doc, int64_t id, struct terms *terms) MUST_CHECK;
enum err search_change(struct ctx *cx, char doc, int64_t id, struct terms *terms) MUST_CHECK;
/* What gate tells of users and organizations, in the transaction of the change. */
enum err search_user_changed(struct ctx *cx, const struct user *u) MUST_CHECK;
enum err search_org_changed(struct ctx *cx, const struct organization *o) MUST_CHECK;

/* ---- jobs ---------------------------------------------------------------------------------------------------- */

struct job {
	int64_t id; str uid;                 /* "V3-<32 hex>" */
	str type, state, message;            /* "Bulk Create Ticket"; queued working completed failed killed */
	int64_t total, progress, owner_id;
	usec created_at, updated_at;
	str results;                         /* JSON array text, or empty */
	int64_t failed;                      /* items that could not be done and were not tried again */
};
enum job_kind { JOB_TICKETS_CREATE = 1, JOB_TICKETS_UPDATE, JOB_TICKETS_DELETE, JOB_TICKETS_PURGE, JOB_USERS_CREATE, JOB_USERS_UPSERT, JOB_USERS_UPDATE, JOB_USERS_DELETE, JOB_ORGS_CREATE,
	JOB_TICKETS_MERGE = 20, JOB_TICKETS_SPAM, JOB_TICKETS_IMPORT, JOB_INCIDENTS_SOLVE, JOB_ORGS_UPDATE, JOB_ORGS_DELETE,
	JOB_MEMBERS_CREATE, JOB_MEMBERS_DELETE, JOB_ORG_MEMBERS_CREATE, JOB_ORG_MEMBERS_DELETE, JOB_FIELD_REINDEX, JOB_SKILLS };
/* Queues `total` items, `payload` a JSON text that the runner of that kind
 * understands; kept sealed. E_LIMIT above 30 queued or running. */
enum err job_create(struct ctx *cx, enum job_kind kind, int total, sensitive payload, struct job *out) MUST_CHECK;
enum err job_get(struct ctx *cx, str uid, struct job *out) MUST_CHECK;
enum err job_list(struct ctx *cx, struct job **out, int *count) MUST_CHECK;
/* The dead letters of the queue: jobs with items that failed. They are kept 30
 * days; job_retry() queues the failed items again as a new job of who asks,
 * job_drop_failed() gives them up. E_CONFLICT: nothing failed, or not over. */
enum err job_list_failed(struct ctx *cx, struct job **out, int *count) MUST_CHECK;
enum err job_retry(struct ctx *cx, str uid, struct job *out) MUST_CHECK;
enum err job_drop_failed(struct ctx *cx, str uid) MUST_CHECK;
/* What one item does; wired by api, which knows the JSON shapes. Runs as the
 * job's owner inside the item's transaction; writes one JSON result object. */
typedef enum err job_item(struct ctx *cx, enum job_kind kind, const struct json_t *payload, int index, struct json *result);
enum err jobs_open(struct ctx *cx, job_item *run, struct jobs **out) MUST_CHECK;   /* starts the thread; resumes what was unfinished */
void     jobs_close(struct jobs **j);

/* POST /tickets with Idempotency-Key: E_ABSENT: first use; OK: *reply is the
 * stored answer; E_CONFLICT: same key, other body. Kept two hours, sealed. */
enum err idempotency_find(struct ctx *cx, str key, str body, str *reply) MUST_CHECK;
enum err idempotency_keep(struct ctx *cx, str key, str body, str reply, int64_t ticket_id) MUST_CHECK;  /* in the transaction */

/* ---- rules: views, macros, triggers, automations, SLA policies ------------------------------------------------- */

enum rule_kind { RULE_VIEW = 1, RULE_MACRO, RULE_TRIGGER, RULE_AUTOMATION, RULE_SLA, RULE_GROUP_SLA, RULE_SCHEDULE, RULE_WORKSPACE, RULE_SKILL,
	RULE_KINDS };
enum rule_whom { FOR_ALL, FOR_USER, FOR_GROUPS };
struct rule {
	int64_t        id, key, position, category_id, user_id;   /* user_id: FOR_USER, whose */
	enum rule_kind kind;
	enum rule_whom whom;
	bool           active, is_default;
	int64_t       *group_id; int group_count;                 /* FOR_GROUPS */
	usec           created_at, updated_at;
	/* Texts of the house, sealed at rest. conditions {"all":[],"any":[]} and
	 * actions [] are JSON as the API has it; extra: a view's execution, an SLA
	 * policy's metrics, a schedule's week (calendar.h). */
	str            title, description, conditions, actions, extra;
};
enum rule_has {
	RULE_TITLE = 1, RULE_DESCRIPTION = 2, RULE_CONDITIONS = 4, RULE_ACTIONS = 8, RULE_EXTRA = 16, RULE_ACTIVE = 32,
	RULE_POSITION = 64, RULE_CATEGORY = 128, RULE_WHOM = 256,
};
/* Everything wrong is noted at once (E_INVALID). Shared rules are an
 * administrator's to write; an agent writes personal views and macros of his
 * own. Every change is an event in the trail. */
enum err rule_create(struct ctx *cx, enum rule_kind kind, unsigned has, const struct rule *in, struct rule *out) MUST_CHECK;
enum err rule_update(struct ctx *cx, enum rule_kind kind, int64_t id, unsigned has, const struct rule *in, struct rule *out) MUST_CHECK;
enum err rule_delete(struct ctx *cx, enum rule_kind kind, int64_t id) MUST_CHECK;
/* A rule that the actor may see: shared, of one of his groups, or his own. */
enum err rule_get(struct ctx *cx, enum rule_kind kind, int64_t id, struct rule *out) MUST_CHECK;
struct rule_filter { enum rule_kind kind; int active; enum { ANY_WHOM, SHARED, PERSONAL } whom; int64_t group_id, category_id; str query; };  /* active: 1, 0, -1 any */
/* By position; there are hundreds of rules, so a list is whole. */
enum err rule_list(struct ctx *cx, const struct rule_filter *f, struct rule **out, int *count) MUST_CHECK;
enum err rule_reorder(struct ctx *cx, enum rule_kind kind, const int64_t *ids, int n) MUST_CHECK;

struct rule_category { int64_t id, position; str name; usec created_at, updated_at; int active, inactive; };
enum err category_list(struct ctx *cx, struct rule_category **out, int *count) MUST_CHECK;
enum err category_get(struct ctx *cx, int64_t id, struct rule_category *out) MUST_CHECK;
/* id 0: a new one. name "": unchanged; position 0: unchanged, or the last. */
enum err category_put(struct ctx *cx, int64_t id, str name, int64_t position, struct rule_category *out) MUST_CHECK;
enum err category_delete(struct ctx *cx, int64_t id) MUST_CHECK;      /* E_INVALID while triggers are in it */

struct rule_revision { int64_t id, author_id; usec created_at; bool active; str title, description, conditions, actions; };
enum err revision_list(struct ctx *cx, int64_t trigger_id, struct rule_revision **out, int *count) MUST_CHECK;   /* newest first */

/* Title of a rule and what audits call it ("trigger", "automation"); false: it is gone, and *rel is "trigger". */
bool     rule_name(struct ctx *cx, int64_t id, str *title, const char **rel);
/* Skills (skill.c): rules of kind RULE_SKILL, the values of an attribute (a definition), which agents have and tickets ask for. */
enum skill_of { SKILL_AGENT = 1, SKILL_TICKET };
enum skill_how { SKILL_SET, SKILL_ADD, SKILL_REMOVE };
struct skill { int64_t id, of_id, value_id; bool high; usec created_at, updated_at; bool high_set; };     /* high_set: to be set */
int64_t  skill_attribute(struct ctx *cx, const struct rule *value);
enum err skill_attribute_delete(struct ctx *cx, int64_t id) MUST_CHECK;                   /* its values go with it */
enum err skill_list(struct ctx *cx, enum skill_of kind, int64_t of_id, struct skill **out, int *count) MUST_CHECK;
/* Trailed. E_ABSENT: no such agent, no such ticket for the actor. */
enum err skill_set(struct ctx *cx, enum skill_of kind, int64_t of_id, enum skill_how how, const struct skill *skill, int n) MUST_CHECK;
/* What happened to them since (at, key), oldest first; key tells events of one moment apart. Names of what was deleted are
 * gone. MAY_EXPORT. */
enum skill_thing { SKILL_ATTRIBUTE = 1, SKILL_VALUE, SKILL_INSTANCE };
struct skill_event { usec at; int64_t key, id, attribute_id, value_id, of_id; enum skill_of kind; bool made, gone; str name; };
enum err skill_events(struct ctx *cx, enum skill_thing what, usec at, int64_t key, int limit, struct skill_event **out, int *count) MUST_CHECK;
/* Of these tickets those that the actor may see and whose every skill he has; *out has room for n. */
enum err skill_fulfilled(struct ctx *cx, const int64_t *ids, int n, int64_t *out, int *count) MUST_CHECK;
/* The contextual workspace that a ticket has for the actor: the first active one that fits. E_ABSENT. */
enum err workspace_for(struct ctx *cx, const struct ticket *t, struct rule *out) MUST_CHECK;
/* How often triggers and automations did their work and macros were used: in the last hour, day, 7 and 30 days (of ten
 * minutes a whole). Those that were, by id. */
struct rule_use { int64_t rule_id, n[4]; };
enum err rule_uses(struct ctx *cx, struct rule_use **out, int *count) MUST_CHECK;
/* What may stand in rules of a kind: conditions (all or any), actions, and for
 * views columns; as the API's definitions write it. */
void rule_definitions(struct ctx *cx, enum rule_kind kind, struct json *j);

/* The rules of a running program, compiled (sys->rules); without it no rule runs. */
enum err rules_open(struct ctx *cx, struct rules **out) MUST_CHECK;
void     rules_close(struct rules **r);
/* The rules that a new account begins with. In a transaction. */
enum err rules_seed(struct ctx *cx) MUST_CHECK;

/* What rules send: it goes into the outbox, in the transaction. */
enum notice_kind { NOTICE_MAIL = 1, NOTICE_WEBHOOK };
struct notice {
	enum notice_kind kind;
	int64_t          rule_id, ticket_id, comment_id, webhook_id;
	str              target;             /* NOTICE_WEBHOOK: the id as the rule has it */
	const char      *cause;              /* "trigger:55" */
	int64_t         *user_id; int user_count;      /* NOTICE_MAIL: to whom */
	sensitive        subject, body;      /* rendered; who may see it is the sender's to decide */
};

/* Columns that a view may show, group or sort by; sql NULL: neither of the last two. */
struct view_col { const char *name, *title, *type, *sql; };
const struct view_col *view_cols(int *count);
const struct view_col *view_col_of(str name);            /* also by the names that clients use; NULL: none */
/* Views: a page of tickets, in the view's order. */
struct view_page {
	str      sort_by; bool sort_set, descending;    /* instead of the view's own */
	str      group_by; bool group_set, group_descending;
	int64_t  offset;
	bool     after_set; int64_t after_value, after_id;   /* go on behind this place (only where view_place gives one) */
	bool     backward;                              /* in front of it instead */
	int      limit;
};
/* Of the last ticket and of the first; keyed: a page can go on from them. more: in the direction that was asked. */
struct view_place { bool keyed; bool more; int64_t value, id, first_value, first_id; };
enum err view_tickets(struct ctx *cx, const struct rule *view, const struct view_page *p, struct ticket **out, int *count,
    struct view_place *place) MUST_CHECK;
/* How many tickets of it the actor may see. *fresh: counted or kept up to now; -1: that is not known yet. */
enum err view_count(struct ctx *cx, const struct rule *view, int64_t *count, bool *fresh) MUST_CHECK;
/* From then on what is large is counted by a thread, not by who asks (view_pass.c). */
enum err views_open(struct ctx *cx) MUST_CHECK;
void     views_close(struct sys *sys);
/* A view that is not saved: noted with bad() what is wrong. */
enum err view_draft(struct ctx *cx, const struct rule *in, struct rule *out) MUST_CHECK;

/* Macros: what one would change, on a ticket or on none (ticket_id 0). */
struct macro_result {
	struct ticket ticket;                /* as it would be */
	unsigned      has;                   /* T_ bits: what the macro sets */
	str           body; bool body_set, public_set, is_public;
	int64_t      *custom; int customs;   /* ids of custom fields set */
};
/* A text with placeholders ({{ticket.id}}), resolved for the actor's eyes; E_INVALID on Liquid. */
enum err ticket_render(struct ctx *cx, int64_t ticket_id, sensitive text, sensitive *out) MUST_CHECK;
enum err macro_apply(struct ctx *cx, const struct rule *macro, int64_t ticket_id, struct macro_result *out) MUST_CHECK;

/* A rule, saved or not, tried on a ticket as it was at one of its audits (0:
 * the last): what held, what it would do. Nothing is changed. */
struct rule_try {
	bool holds, cycle;                   /* cycle: its own change would make it do something again */
	struct { str field; const char *op, *kind; bool any, holds; } *cond; int cond_count;   /* kind: "status", "words", ... */
	struct audit  audit;                 /* its events: what it would change */
	struct notice *notice; int notice_count;
	str    body; bool body_set;          /* of a macro */
	int64_t audit_id;
};
enum err rule_dry_run(struct ctx *cx, const struct rule *r, int64_t ticket_id, int64_t audit_id, struct rule_try *out) MUST_CHECK;

/* When things happened to a ticket, and how often. Times 0: never; *_for in usec, b: in business hours. */
struct metric {
	int64_t ticket_id, reopens, replies, assignees, groups, policy_id;
	usec new_at, open_at, pending_at, hold_at, solved_at, closed_at, status_at, assigned_at, first_assigned_at,
	     requester_at, assignee_at, comment_at, replied_at, first_solved_at, waiting_since, breach_at;
	usec hold_for, hold_for_b, agent_for, agent_for_b, requester_for, requester_for_b;
};

/* Of a ticket that the caller may see. Spans are as of now, waiting that goes on included. */
struct metric_times { usec reply, reply_b, first, first_b, full, full_b, agent, agent_b, requester, requester_b, hold, hold_b; };
enum err metric_get(struct ctx *cx, const struct ticket *t, struct metric *m, struct metric_times *times) MUST_CHECK;
/* Targets that the SLA policies set it: running, paused or reached. */
struct sla_target { const char *metric; int64_t policy_id; enum { SLA_RUNS = 1, SLA_RESTS, SLA_REACHED, SLA_LEFT /* missed, then no target any more */ } state; bool business; usec target, spent, due_at, ended_at; };
enum err sla_targets(struct ctx *cx, int64_t ticket_id, struct sla_target **out, int *count) MUST_CHECK;

/* What happened to the metrics of a ticket, oldest first: activate, pause, fulfill, update_status, measure, apply_sla,
 * apply_group_sla, breach. An event's id never changes. MAY_EXPORT. */
struct metric_event {
	int64_t id, ticket_id, policy_id;    /* policy_id, target, business: of apply_sla */
	int     instance;
	const char *metric, *type;
	usec    at, spent, spent_b, target;  /* has_spent: spent and spent_b (business hours) are said */
	bool    has_spent, business, deleted;
};
enum err ticket_metric_events(struct ctx *cx, const struct ticket *t, struct metric_event **out, int *count) MUST_CHECK;
/* Tickets that missed a target since `from` without having changed. */
enum err ticket_idle_breaches(struct ctx *cx, usec from, int limit, struct ticket **out, int *count) MUST_CHECK;

/* One step of the hour's automations, at most 1,000 tickets each; *more: call
 * again. `at`: the clock to go by (0: now). *force: a run that begins with this
 * clock whatever the hour is, once the one under way is at its end; it becomes
 * false when it has begun (NULL: only the hour's). */
enum err automations_step(struct ctx *cx, usec at, bool *force, bool *more) MUST_CHECK;
enum err automations_asked(struct ctx *cx) MUST_CHECK;       /* the trail's event for a forced one */
struct automation_run { usec at; bool done; int64_t rule_id, changed, total; };
enum err automations_state(struct ctx *cx, struct automation_run *out) MUST_CHECK;   /* E_ABSENT: none ran yet */

/* One step of what follows when the hours of a schedule changed; *more: call again. */
enum err schedules_step(struct ctx *cx, bool *more) MUST_CHECK;

/* One step of the hour's deletion schedules: tickets that were closed, and requesters of whom nothing was heard for long, and
 * who fit an active one, are erased for good, as ticket_purge() and user_purge() do; *more: call again. `force`: a run now, from the beginning (MAY_ADMIN). */
enum err retention_step(struct ctx *cx, bool force, bool *more) MUST_CHECK;
struct retention_run { usec at; bool done; int64_t schedule_id, after_id, deleted; };       /* at 0: none ran yet */
enum err retention_state(struct ctx *cx, struct retention_run *out) MUST_CHECK;
/* What a schedule, active or not, would delete now; MAY_ADMIN. `time_for`: how long to count at most. E_INVALID: nothing,
 * its object or a condition is not known. */
#define RETENTION_SHOWN 100
struct retention_preview {
	int64_t count, id[RETENTION_SHOWN];      /* the first of them */
	bool    users;                           /* they are people, not tickets */
	bool    whole;                           /* all were counted */
	bool    ready;                           /* it says how old a ticket must be: it can be active */
};
enum err retention_preview(struct ctx *cx, int64_t id, usec time_for, struct retention_preview *out) MUST_CHECK;

/* Prepares every statement of the module (store_prepare). */
enum err desk_prepare(struct ctx *cx) MUST_CHECK;

/* What administrators define, and custom fields. */
#include "desk/def.h"
/* The help centre's texts. */
#include "desk/guide.h"
#include "desk/aside.h"

#endif
