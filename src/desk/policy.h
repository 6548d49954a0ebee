/* policy.h - what happens to PHI on its way in: part of desk.h.
 *
 * A policy is a list of rules; the first that fits a finding (its kind, where
 * it stands, the way it came in, how sure it is) says the treatment, and
 * without one it is kept. Each change is a new version, a row; one is in force.
 */
#ifndef WARD_DESK_POLICY_H
#define WARD_DESK_POLICY_H

#include "base/base.h"

/* In the order of weight: of several, the last decides what becomes of the whole. */
enum treatment { PHI_KEEP, PHI_MOVE, PHI_REDACT, PHI_HOLD, PHI_BLOCK, TREATMENTS };
enum phi_place { PLACE_SUBJECT, PLACE_COMMENT, PLACE_NOTE, PLACE_FIELD, PLACE_FILE_NAME, PLACE_FILE_TEXT, PLACES };
enum phi_channel { CHANNEL_API, CHANNEL_EMAIL, CHANNEL_FORM, CHANNEL_CHAT, CHANNELS };

/* The kinds of libphi, and two that a policy tells apart: whole card numbers
 * (of ACCOUNT) and passwords (of OTHERID). */
enum { POLICY_CARD = 20, POLICY_PASSWORD = 21, POLICY_KINDS = 22 };
const char *policy_kind_name(int kind);                 /* "NAME" ... "CARD", "PASSWORD"; NULL outside */
const char *policy_kind_words(int kind);                /* "a person's name" */
int         policy_kind_of(str name);                   /* -1: no such kind */
const char *treatment_name(enum treatment t);           /* "keep" ... */
const char *place_name(enum phi_place p);               /* "subject", "comment", "note", "custom_field", "attachment_name", "attachment_text" */
const char *channel_name(enum phi_channel c);           /* "api", "email", "form", "chat" */
int         treatment_of(str name), phi_place_of(str name), phi_channel_of(str name);   /* -1: none */
/* The channel of a via.channel ("email", "web", "chat", ...); what is not known counts as the API. */
enum phi_channel policy_channel(str via);
/* Which kind a finding is to a policy: by label, rule and what stands there. */
int         policy_kind(str label, str rule, str value);

#define POLICY_RULES 100
struct policy_rule {
	uint32_t       kinds, places, channels;         /* bits */
	int            min_score;                       /* findings of this score up */
	enum treatment treatment;
};
enum policy_state { POLICY_DRAFT, POLICY_IN_FORCE, POLICY_PAST };
struct policy_doc {
	int64_t version, author_id, activated_by;       /* version 0: the built-in defaults, never changed */
	usec    created_at, activated_at;
	enum policy_state state;
	bool    mask;                                   /* redacted text becomes X per character instead of [KIND] */
	struct policy_rule rule[POLICY_RULES];
	int     rules;
	sensitive why;                                  /* of this version, as its author wrote it */
	sensitive *allow;                               /* never PHI here: the desk's own addresses and numbers */
	int     allow_count;
};
void policy_defaults(struct policy_doc *out);
/* The first rule that fits, else PHI_KEEP. */
enum treatment policy_treatment(const struct policy_doc *p, int kind, enum phi_place place, enum phi_channel channel, int score);
/* The policy in force; lives as long as the program. */
const struct policy_doc *policy_current(struct ctx *cx);

/* MAY_ADMIN, all of these. A new version is a draft until it is activated;
 * what was in force becomes past and can be activated again. */
enum err policy_get(struct ctx *cx, int64_t version, struct policy_doc *out) MUST_CHECK;       /* 0: the defaults */
enum err policy_list(struct ctx *cx, struct policy_doc **out, int *count) MUST_CHECK;          /* newest first */
enum err policy_draft(struct ctx *cx, const struct policy_doc *in, struct policy_doc *out) MUST_CHECK;
/* E_CONFLICT when `expected` (-1: whatever) is not the version in force any more. */
enum err policy_activate(struct ctx *cx, int64_t version, int64_t expected, struct policy_doc *out) MUST_CHECK;
enum err policy_discard(struct ctx *cx, int64_t version) MUST_CHECK;                            /* drafts only */

/* What the policy did to a change. */
struct verdict {
	enum treatment worst;
	int   redacted, moved, held;
	uint16_t found[POLICY_KINDS], gone[POLICY_KINDS];      /* how many of a kind, and of those destroyed */
	str   note;                     /* kinds and places, no values: for the trail */
	int64_t suspended_id;           /* held: the suspended ticket that waits */
};
/* What ticket_create() and ticket_update() say of a held change, in cx->fail.field. */
#define POLICY_HELD "phi_policy.held"
#define POLICY_BLOCKED "phi_policy.blocked"

/* The items of a bulk job (JSON text) without what the policy destroys on
 * arrival, to be called before they are queued. */
enum err desk_treat_payload(struct ctx *cx, str *json) MUST_CHECK;

/* A mail that the policy refused is not kept. Called in the transaction that
 * notes it, wired at start by who can answer the sender; NULL: the exit code
 * of `ward mail deliver` makes the mail server bounce it. */
struct refusal { int64_t id; str from_address, message_id; str reason; };   /* reason: fixed words, quotes nothing */
extern enum err (*desk_on_mail_refused)(struct ctx *cx, const struct refusal *r);

/* ---- taking it out for good (redact.c) ----------------------------------------------------------------- */

/* A place in a text of a ticket: bytes of the original; comment_id 0: the
 * subject. `stamp` (may be empty) is text_stamp() of the text as it was seen. */
#define DESK_TEXT_MAX (24 * MiB)
struct span { int64_t comment_id, at, len; str stamp; };
struct redaction {
	const struct span *span; int span_count;
	const sensitive *value; int value_count;     /* wherever they stand in the ticket as words of their own */
	int64_t whole_comment;                       /* all it says, and its files; 0: none */
	const char *cause;                           /* for the trail */
	bool    erase_later;                         /* the caller calls store_erase() */
};
struct redaction_place { const char *place; int64_t comment_id, occurrences; };
struct redaction_plan {
	struct redaction_place *place; int count, room;
	int64_t occurrences, values, raw_mails, files_unread;    /* files_unread: that could not be looked into */
};
/* What stands in the spans goes there, and wherever else it stands in the ticket
 * as a word of its own: texts, fields, tags, file names, text files, kept
 * before/after values, raw mail, the index. The data key is destroyed (P6).
 * With `plan` nothing is changed and it says what would. A stale stamp:
 * E_CONFLICT. MAY_REDACT for the ticket. */
enum err ticket_redact(struct ctx *cx, int64_t ticket_id, const struct redaction *r, struct redaction_plan *plan) MUST_CHECK;
str      text_stamp(struct ctx *cx, sensitive text);        /* 16 hex digits, keyed */

/* For reveal_masked: a text, or each value of a JSON text, as somebody without
 * the right to see PHI sees it: "[NAME]" for a name. */
str desk_mask(struct ctx *cx, sensitive s);
/* What is shown next is about this ticket: its requester is known to masking. */
void desk_about(struct ctx *cx, int64_t ticket_id);

/* ---- people known beforehand ------------------------------------------------------------------------ */

/* Opens policy and list of people; sys->policy is set by the caller. */
enum err policy_open(struct ctx *cx, struct policy **out) MUST_CHECK;
void     policy_close(struct policy **p);
/* Adds people to the account's list, or (`replace`) makes a new list: CSV (RFC
 * 4180) from a descriptor, its first line the columns: name, first_name,
 * last_name, email, phone, fax, mrn, member_id, account, ssn, date_of_birth,
 * address, other. Only keyed hashes are kept, sealed. E_LIMIT above 5,800,000
 * values (64 MB), with nothing changed. MAY_ADMIN. */
struct known_import { int64_t people, values, skipped, bytes; };
enum err known_import(struct ctx *cx, int fd, bool replace, struct known_import *out) MUST_CHECK;
enum err known_clear(struct ctx *cx) MUST_CHECK;
enum err known_status(struct ctx *cx, struct known_import *out) MUST_CHECK;
/* For gate_on_user_changed: the index and the known people learn of it. */
struct user;
enum err desk_user_changed(struct ctx *cx, const struct user *u) MUST_CHECK;

/* ---- work over many tickets (scan.c) ------------------------------------------------------------------ */

enum phi_job_kind { PHI_SCAN = 1, PHI_TRIAL, PHI_REDACTION };
enum phi_job_state { PHI_QUEUED, PHI_WORKING, PHI_PAUSED, PHI_COMPLETED, PHI_CANCELLED, PHI_FAILED };
/* Which findings of a finished scan: bits of kinds and places. */
struct phi_choice { uint32_t kinds, places; int min_score; };
struct phi_job {
	int64_t id, key, owner_id, parent_id, total, done, last_id, top_id, bytes, texts, findings, with_phi, changed, failed;
	enum phi_job_kind  kind;
	enum phi_job_state state;
	bool    listed;
	usec    worked_for, created_at, updated_at, ended_at;    /* worked_for: what the rate is counted over */
	sensitive query;
	int64_t version;                     /* PHI_TRIAL: of the policy that is tried */
	struct phi_choice choice;            /* PHI_REDACTION */
};
const char *phi_job_kind_name(enum phi_job_kind k);      /* "scan", "trial", "redaction" */
const char *phi_job_state_name(enum phi_job_state s);
/* Counts of findings. Age of the text: 0 under 30 days, 1 under a year, 2
 * under six years, 3 older. PHI_TRIAL: `treatment` by the policy tried, `now`
 * by the one in force at the time. */
struct phi_count { int kind; enum phi_place place; enum phi_channel channel; int age; enum treatment treatment, now; int64_t n; };
const char *phi_age_name(int age);       /* "30_days", "1_year", "6_years", "older" */

/* MAY_ADMIN, all of these. Tickets by the search's language; an empty query: all there are. */
enum err phi_scan_start(struct ctx *cx, str query, struct phi_job *out) MUST_CHECK;
enum err phi_trial_start(struct ctx *cx, int64_t version, str query, struct phi_job *out) MUST_CHECK;
enum err phi_job_get(struct ctx *cx, int64_t id, struct phi_job *out) MUST_CHECK;
enum err phi_job_list(struct ctx *cx, struct phi_job **out, int *count) MUST_CHECK;    /* newest first, 100 */
enum err phi_job_pause(struct ctx *cx, int64_t id, struct phi_job *out) MUST_CHECK;    /* E_CONFLICT: it has ended */
enum err phi_job_resume(struct ctx *cx, int64_t id, struct phi_job *out) MUST_CHECK;
enum err phi_job_cancel(struct ctx *cx, int64_t id, struct phi_job *out) MUST_CHECK;
enum err phi_job_counts(struct ctx *cx, int64_t id, struct phi_count **out, int *count) MUST_CHECK;
/* Up to `max` ids of tickets in which the scan (or trial) saw what is chosen; NULL: anything. */
enum err phi_job_sample(struct ctx *cx, int64_t id, const struct phi_choice *which, int max, int64_t **out, int *count) MUST_CHECK;
/* What of a completed scan a redaction would take: tickets and findings as they were seen then. */
struct phi_preview { int64_t tickets, findings, *sample; int sample_count; };
enum err phi_redaction_preview(struct ctx *cx, int64_t scan_id, const struct phi_choice *which, struct phi_preview *out) MUST_CHECK;
/* `confirm` must be the number of tickets that the preview says. */
enum err phi_redaction_start(struct ctx *cx, int64_t scan_id, const struct phi_choice *which, int64_t confirm, struct phi_job *out) MUST_CHECK;

/* The thread that does the work, one job after the other, at low priority and
 * in small steps; goes on where a restart left it. */
struct scans;
enum err scans_open(struct ctx *cx, struct scans **out) MUST_CHECK;
void     scans_close(struct scans **s);
/* Does all there is in the caller's thread, where no server runs; `tell` is
 * asked after each step and ends it with false (the job then stays as it is). */
enum err scans_run(struct ctx *cx, bool (*tell)(void *arg), void *arg) MUST_CHECK;

#endif
