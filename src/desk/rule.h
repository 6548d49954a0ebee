/* rule.h - the one table of conditions and actions, for the files of desk.
 *
 * Views, macros, triggers, automations and SLA policies are all made of rows
 * of two tables in rule.c. A row says what a condition is called, which kind
 * of value it takes, which operators, in which rules it may stand, how it is
 * evaluated on a ticket in memory, and which column a view asks for it;
 * an action's row says how it is read and how it is applied. Adding one is
 * adding a row.
 */
#ifndef WARD_DESK_RULE_H
#define WARD_DESK_RULE_H

#include <jansson.h>
#include <pthread.h>

#include "desk/calendar.h"
#include "desk/in.h"


/* ---- operators, values ---------------------------------------------------------------------------------------- */

enum op {
	OP_IS, OP_IS_NOT, OP_LESS, OP_GREATER, OP_LESS_EQ, OP_GREATER_EQ, OP_INCLUDES, OP_NOT_INCLUDES, OP_PRESENT,
	OP_NOT_PRESENT, OP_CHANGED, OP_NOT_CHANGED, OP_TO, OP_NOT_TO, OP_FROM, OP_NOT_FROM, OP_IS_B, OP_LESS_B, OP_GREATER_B,
	OP_WITHIN_LAST, OP_WITHIN_NEXT, OPS
};
const char *op_name(enum op o);              /* "is", "value_previous": as the API writes it */
const char *op_title(enum op o);

enum value_type {
	VAL_STATUS, VAL_PRIORITY, VAL_TYPE, VAL_AGENT, VAL_USER, VAL_GROUP, VAL_ORG, VAL_ID, VAL_VIA, VAL_UPDATE, VAL_PUBLIC,
	VAL_COMMENT, VAL_ROLE, VAL_TAGS, VAL_WORDS, VAL_TEXT, VAL_HOURS, VAL_COUNT, VAL_TIME, VAL_DAYS, VAL_CUSTOM, VAL_SHIFT, VAL_SCORE,
	VAL_SCHEDULE, VAL_PERSON, VAL_LOCALE, VAL_ATTACHED,
	VAL_TYPES
};

enum { IN_VIEW = 1, IN_MACRO = 2, IN_TRIGGER = 4, IN_AUTOMATION = 8, IN_SLA = 16 };
unsigned rule_place(enum rule_kind k);

/* Numbers with a meaning of their own; ids are never negative. */
enum { NUM_ME = -1, NUM_MY_GROUPS = -2, NUM_REQUESTER = -3, NUM_ASSIGNEE = -4, NUM_YES = -5, NUM_NO = -6 };

struct subject;
struct cond;
struct cond_row {
	const char     *name, *title, *group;
	enum value_type type;
	unsigned        where;        /* IN_ bits */
	uint32_t        ops;          /* bit per enum op */
	bool          (*eval)(struct subject *s, const struct cond *c);
	size_t          at;           /* the number in struct ticket, or (OF_METRIC) in struct metric */
	unsigned        of;           /* where and how wide that is */
	const char     *sql;          /* a view's column; NULL: looked at ticket by ticket */
};
enum { OF_NOTHING, OF_ID, OF_ENUM, OF_METRIC, OF_BOOL };

struct cond {
	const struct cond_row *row;
	enum op  op;
	int64_t  field;               /* custom_fields_N */
	str      key;                 /* requester.custom_fields.KEY */
	int64_t *num; int nums;       /* values as numbers; 0: none ("") */
	str     *word; int words;     /* as folded words or texts */
	str      field_text;          /* as it was written, for explanations */
};

struct effect;
struct act;
struct act_row {
	const char *name, *title, *group, *type;   /* type: as the API's definitions call it */
	enum value_type value;
	unsigned    where;
	int         texts;            /* values: 1; 2, 3: an array of that many */
	bool        null_ok;
	enum err  (*apply)(struct effect *fx, const struct act *a);
};
struct act {
	const struct act_row *row;
	int64_t  field, num;
	str      key;                 /* as of struct cond */
	str     *text; int texts;
};

struct goal { int measure; enum ticket_priority priority; usec target; bool business; };    /* of an SLA policy (sla.c) */

/* A rule as it runs. Lives in the book it belongs to. */
struct compiled {
	struct rule  r;
	struct cond *all, *any;
	int          alls, anys;
	struct act  *act;
	int          acts;
	json_t      *extra;           /* of a view, an SLA policy */
	struct calendar *calendar;    /* of a schedule */
	struct goal *goal; int goals; /* of an SLA policy */
	bool         broken;          /* what is stored does not fit this program: shown, not run */
};

/* Reads texts of conditions and actions; all that is wrong is noted with bad().
 * Memory is cx's arena. */
void rule_compile(struct ctx *cx, const struct rule *r, struct compiled *out);

/* One action; what is wrong is noted, then *ok is false. */
void act_read(struct ctx *cx, const json_t *one, unsigned where, struct act *a, bool *ok);
str  rule_text(struct ctx *cx, const json_t *v);                             /* a value as text */
bool rule_number(enum value_type type, str s, int64_t *out);                 /* false: none of this type */

/* Fields that the actor may not read are not there for his rules either. */
void rule_fields_check(struct ctx *cx, const struct compiled *c);
/* Does it ask for a field that the actor may not read: what it finds would tell its value. */
bool rule_hidden(struct ctx *cx, const struct compiled *c);

/* "requester.custom_fields.plan" becomes the row's name, and the key; another name stays. False: the key is missing. */
#define REQUESTER_FIELD    "requester.custom_fields."
#define ORGANIZATION_FIELD "organization.custom_fields."
bool rule_person(str *name, str *key);

const struct cond_row *cond_rows(int *count);
const struct act_row  *act_rows(int *count);

/* ---- evaluating ----------------------------------------------------------------------------------------------- */

/* A ticket and what happens to it. */
struct subject {
	struct ctx           *cx;
	const struct ticket  *t;
	const struct ticket  *old;    /* before this update; NULL: made now, or nothing happens */
	bool                  update, created;   /* an update is under way; it makes the ticket */
	const struct comment *comment;           /* of this update, or NULL */
	int64_t               user_id;           /* who does it, or looks: "current user" */
	enum role             role;
	usec                  now;
	const struct actor   *reader;            /* to whom what is rendered is shown; NULL: it is sent */
	const struct metric  *m;                 /* loaded when first asked for */
	struct user          *requester;         /* the same; id 0: there is none */
	struct organization  *organization;      /* the same */
	int64_t              *group; int groups; bool have_groups;   /* current user's */
	uint64_t             *tag; int tags; bool have_tag;          /* hashed; set when the texts are not there */
	const struct field_hash *custom; int customs; bool have_custom;
	const char           *tag_of, *custom_of;                   /* the texts they are of, which are never changed in place */
	struct { const char *of; size_t n; str text; } folded[3];   /* subject, description, comment: asked for by many rules */
	enum err              e;                 /* the first failure of a look-up */
};
struct field_hash { int64_t id, num; uint64_t hash; bool empty, is_num; };   /* of one custom value */
uint64_t rule_hash(str word);                                            /* keyed by the process, of a tag or value */
void     subject_hashes(struct subject *s);                                  /* fills tag and custom from the texts */

bool cond_holds(struct subject *s, const struct cond *c);
bool rule_holds(struct subject *s, const struct compiled *c);
usec cond_moment(struct subject *s, const struct cond *c);       /* VAL_HOURS: what it counts from */

/* ---- applying ------------------------------------------------------------------------------------------------- */

struct effect {
	struct ctx       *cx;
	struct subject   *s;
	struct ticket    *t;           /* changed in place */
	const struct compiled *rule;
	int64_t          *custom; int customs;     /* ids of custom fields set */
	struct notice    *notice; int notices;
	str               body, html;  /* macros: the comment */
	bool              body_set, public_set, is_public;
	struct cc_change *cc, *follower; int ccs, followers;
	bool              dry;         /* nothing outside *t may change */
	bool              elsewhere;   /* the requester or the organization changed, which other rules may ask for */
};
enum err rule_apply(struct effect *fx) MUST_CHECK;
/* One custom value of a ticket's custom_fields text, as JSON. */
str      custom_json(struct ctx *cx, sensitive fields, int64_t id);
/* What goes with what in a ticket after a rule changed it: an assignee makes it open, and so on. */
enum err ticket_settle(struct ctx *cx, struct ticket *t, const struct ticket *before, usec at) MUST_CHECK;

/* ---- texts with placeholders (template.c) --------------------------------------------------------------------- */

/* NULL: can be rendered; else fixed words that say why not. */
const char *template_wrong(str text);
enum err template_render(struct ctx *cx, str text, struct subject *s, str *out) MUST_CHECK;

/* ---- the book: all rules, compiled, as of now (rules.c) --------------------------------------------------------- */

/* Hours that changed and whose tickets are not all settled (schedule.c); calendar NULL: all hours counted. */
struct schedule_change { int64_t id, schedule_id, after_id, settled; bool was_default; usec at; struct calendar *calendar; };
struct book {
	struct compiled *rule;   /* by kind, position, id */
	int     count;
	struct schedule_change *change; int changes;       /* by id */
	int     from[RULE_KINDS + 1];  /* rules of kind k: from[k] .. from[k + 1] */
};
/* sys->rules. */
struct rules {
	pthread_mutex_t  lock;
	struct shared_book *now;       /* NULL: to be loaded */
	uint64_t         changes;      /* committed ones so far */
	int              dirty;        /* changes under way in the writer's transaction */
	struct counters *counters;     /* of views, and their first pages (view_kept.c) */
};
struct counters *counters_new(void);
void     counters_free(struct counters **c);

/* What rules.c asks the others of `extra`: notes with bad() what is wrong. */
enum err skill_check(struct ctx *cx, const struct compiled *c) MUST_CHECK;
enum err workspace_check(struct ctx *cx, const struct compiled *c) MUST_CHECK;
void     view_check(struct ctx *cx, const struct compiled *c);

/* Valid for the life of cx->arena. */
enum err book_get(struct ctx *cx, const struct book **out) MUST_CHECK;
const struct compiled *book_find(const struct book *b, int64_t id);      /* NULL: none */
bool     rule_visible(struct ctx *cx, const struct rule *r);

/* ---- in the waist (trigger.c) ------------------------------------------------------------------------------------ */

/* What a write tells the rules, before its rows are written; *t and *a change. */
struct rule_event {
	const struct ticket *old;      /* NULL: made now */
	struct ticket       *t;
	struct audit        *a;
	const struct comment *comment; /* NULL: none */
	const struct compiled *automation;       /* that does it; NULL: a person or a mail */
	bool                 import;   /* of the past: no trigger runs */
};
enum err rules_on_ticket(struct ctx *cx, const struct rule_event *ev) MUST_CHECK;

/* The skills that a new ticket asks for (skill.c). */
enum err skills_on_ticket(struct ctx *cx, struct subject *s, const struct book *b) MUST_CHECK;
/* Reads an SLA policy's metrics; what is wrong is noted. */
void     sla_read(struct ctx *cx, struct compiled *c);
/* Metrics and SLA targets, after the triggers (sla.c). */
enum err metric_on_ticket(struct ctx *cx, const struct rule_event *ev, const struct book *b) MUST_CHECK;
enum err metric_row(struct ctx *cx, int64_t ticket_id, struct metric *out, bool *found) MUST_CHECK;

/* ---- schedules (schedule.c) ------------------------------------------------------------------------------------------ */

/* What a ticket with this schedule_id goes by: that one, or the default where it is 0 or gone; NULL: there is none. */
const struct compiled *schedule_of(const struct book *b, int64_t id);
const struct compiled *schedule_find(const struct book *b, int64_t id);              /* that one only */
const struct calendar *schedule_hours(const struct book *b, int64_t id);
/* Of a calendar, or of all time where it is NULL (no schedule). */
usec     hours_between(const struct calendar *c, usec from, usec to);
usec     hours_after(const struct calendar *c, usec at, usec span);
/* Time in business hours from `a` to `b` (negative when b is before a). */
enum err business_between(struct ctx *cx, int64_t schedule, usec a, usec b, usec *out) MUST_CHECK;
/* In the transaction that makes (old NULL), changes or deletes (now NULL) a schedule. */
enum err schedule_changed(struct ctx *cx, const struct rule *old, const struct rule *now, bool was_default) MUST_CHECK;
enum err schedule_changes(struct ctx *cx, struct book *b) MUST_CHECK;                /* fills b->change */
bool     schedule_concerns(const struct book *b, const struct schedule_change *c, int64_t schedule);
/* Running targets in business hours get what they used before hours changed (sla.c). In a transaction. */
enum err sla_settle(struct ctx *cx, const struct book *b, int64_t ticket_id, bool *settled) MUST_CHECK;
void     book_changed(struct ctx *cx);         /* in a transaction: once it commits, the book is another */

/* Tickets that the conditions of a rule under `all` may fit, by id behind `after`, whoever may see them: those that are
 * closed, or those that are not (view.c). */
enum err rule_candidates(struct ctx *cx, const struct compiled *c, bool closed, int64_t after, usec now, int limit, int64_t **ids,
    int *count) MUST_CHECK;

/* What is kept of views (view_kept.c): called when a change of a ticket is on disk. */
void     view_note(struct ctx *cx, const struct ticket *old, const struct ticket *now);
void     view_forget(struct ctx *cx);          /* many tickets changed at once: count anew */

extern const struct stmt *const rule_stmts[], *const view_stmts[], *const view_pass_stmts[], *const sla_stmts[], *const trigger_stmts[], *const schedule_stmts[];
#endif
