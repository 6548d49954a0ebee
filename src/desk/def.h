/* def.h - what administrators define: fields, forms, statuses, brands, texts.
 *
 * There are hundreds of these, not millions, and every ticket asks for them.
 * So they are kept whole in memory as a snapshot that never changes; a write
 * makes it void, and whoever comes next after its commit loads a new one. Each
 * kind is a table of members (def.c) that says type, limits and default; what
 * does not fit is refused with all wrong members at once. Values are JSON, as
 * the wire has them. Only administrators write; every write is an event in the
 * trail with the members before and after.
 */
#ifndef WARD_DESK_DEF_H
#define WARD_DESK_DEF_H

#include <jansson.h>

#include "desk/desk.h"

enum def_kind {                       /* numbers in the database: never reuse one */
	DEF_TICKET_FIELD = 1, DEF_USER_FIELD, DEF_ORG_FIELD, DEF_TICKET_FORM, DEF_STATUS, DEF_BRAND, DEF_CONTENT,
	DEF_ROLE, DEF_SCHEDULE, DEF_FORM_STATUS, DEF_ADDRESS, DEF_SKILL, DEF_TASKS = 20, DEF_LAST
};

enum { TAG_WORDS = 16 };              /* of 64 bits: few enough fields meet a tag that is none of theirs */

struct def {
	int64_t       id, key;
	enum def_kind kind;
	int64_t       position;       /* of doc, or the id where the kind has none */
	bool          active;         /* of doc, or true */
	usec          created_at, updated_at;
	const json_t *doc;            /* an object with every member of the kind's table; belongs to the snapshot */
	/* Of a field, what every ticket asks again and again (field_derive()). */
	struct {
		bool          known, system, checkbox;
		unsigned char access[4];             /* enum field_access by role */
		char          empty[48];             /* {"id":17,"value":null} */
		unsigned char empty_n, head_n;       /* its length; up to the value */
		uint64_t      tags[TAG_WORDS];       /* what of its options and tag may be a tag, a bit by their hash */
	} field;
};

/* What a member is. */
enum def_type { D_TEXT, D_BOOL, D_INT, D_ID, D_WORD, D_WORDS, D_IDS, D_OBJECT, D_LIST, D_TIME };
enum { D_MUST = 1,     /* may not be absent or blank */
       D_FIXED = 2,    /* cannot be changed once made */
       D_OURS = 4,     /* never taken from outside */
       D_NULL = 8,     /* may be null */
       D_RAW = 16,     /* also shown as raw_<name>, and taken from there */
       D_HIDDEN = 32   /* not shown by the API */ };
struct def_member {
	const char   *name;
	enum def_type type;
	unsigned      flags;
	int64_t       max;            /* characters of a text, value of a number, count of a list; 0: a sane limit */
	const char   *words;          /* D_WORD: "a|b|c" */
	const char   *otherwise;      /* JSON text; NULL: null */
};
/* The table of a kind, and the word that the trail and errors use. */
const struct def_member *def_members(enum def_kind kind, int *count);
const char *def_object(enum def_kind kind);

/* The snapshot: valid for the life of cx->arena. In a transaction that wrote
 * definitions itself it does not show those writes. */
struct defs;
enum err defs_get(struct ctx *cx, const struct defs **out) MUST_CHECK;
const struct def *def_find(const struct defs *d, enum def_kind kind, int64_t id);      /* NULL: none */
/* All of a kind, by position, then id. */
int64_t def_status(const struct defs *d, enum ticket_status s);   /* the default of its category; 0: none */
const struct def *const *def_all(const struct defs *d, enum def_kind kind, int *count);

enum err def_create(struct ctx *cx, enum def_kind kind, const json_t *in, struct def *out) MUST_CHECK;
enum err def_update(struct ctx *cx, enum def_kind kind, int64_t id, const json_t *in, struct def *out) MUST_CHECK;
/* The system's own hand, unchecked and with D_OURS members; id 0: a new one. */
enum err def_set(struct ctx *cx, enum def_kind kind, int64_t id, const json_t *in, struct def *out) MUST_CHECK;
enum err def_delete(struct ctx *cx, enum def_kind kind, int64_t id) MUST_CHECK;   /* its data key is destroyed */
/* Positions 1.. in this order; unknown ids: E_INVALID. */
enum err def_reorder(struct ctx *cx, enum def_kind kind, const int64_t *ids, int n) MUST_CHECK;
/* These statuses become the defaults of their categories. */
enum err status_defaults(struct ctx *cx, const int64_t *ids, int n) MUST_CHECK;
/* E_ABSENT. */
enum err def_get(struct ctx *cx, enum def_kind kind, int64_t id, struct def *out) MUST_CHECK;

/* Members of doc. */
str     def_text(const struct def *d, const char *name);      /* "" when null */
bool    def_bool(const struct def *d, const char *name);
int64_t def_int(const struct def *d, const char *name);

/* May a brand have this host of its own: NULL, or fixed words ("invalid_host_name", "already_taken"). brand_id 0: a new one. */
const char *brand_host_wrong(const struct defs *d, int64_t brand_id, str host);

/* The built-in role of compliance officers; NULL: not made yet (defs_seed()). */
const struct def *role_officer(const struct defs *d);

/* The cache of a running program (sys->defs); without one every defs_get() loads. */
enum err defs_open(struct ctx *cx, struct defs_cache **out) MUST_CHECK;
void     defs_close(struct defs_cache **c);
/* In an account that has none yet: the system's ticket fields, a default form, a status per category, a brand. In any account: the
 * built-in role, and deletion schedules from before they deleted are paused. */
enum err defs_seed(struct ctx *cx) MUST_CHECK;

/* ---- the desk's addresses (address.c) ----------------------------------------------------------------- */

/* Sends a check to it; when that comes back it is verified. E_BUSY: mail is not set up. */
enum err address_verify(struct ctx *cx, int64_t id) MUST_CHECK;
/* The address of the mail settings is one of them. */
enum err address_own(struct ctx *cx, str email, str name) MUST_CHECK;
/* Wired into flow: from which address a mail goes, and in which language. */
struct sender;
struct outgoing;
enum err address_sender(struct ctx *cx, const struct outgoing *o, struct sender *out) MUST_CHECK;

/* ---- custom fields ------------------------------------------------------------------------------------ */

enum field_access { FIELD_NONE, FIELD_READ, FIELD_WRITE };
/* What the actor may do with values of this field. */
enum field_access field_access(const struct ctx *cx, const struct def *field);
void     field_derive(struct def *field);
/* Is this a regular expression that values can be checked with (ICU's; bounded in time). */
bool     field_pattern_ok(struct ctx *cx, str pattern);
/* One value as it came, into the one that is kept; what does not fit is noted with bad(). `name`: the field for
 * bad(). *out NULL: nothing (cleared). The tree belongs to the arena. */
enum err field_value(struct ctx *cx, const struct defs *d, const struct def *field, const char *name, const json_t *in,
    json_t **out) MUST_CHECK;
/* Before a ticket is written: values become those that are kept (a card number its last four digits), unknown and
 * inactive fields and those the actor may not know are dropped, form, brand and custom status are looked up.
 * Changes *in. */
enum err fields_settle(struct ctx *cx, struct ticket_change *in, bool creating) MUST_CHECK;
/* In the transaction, after t->tags were changed: fields whose options (or a checkbox whose tag) came or went by them, and
 * which *in does not name, are added to it. */
enum err fields_from_tags(struct ctx *cx, const struct ticket *old, const struct ticket *t, struct ticket_change *in) MUST_CHECK;
/* In the transaction: custom fields, tags of tagger fields, the custom status, and what is required to solve. */
enum err fields_apply(struct ctx *cx, const struct ticket *old, struct ticket *t, const struct ticket_change *in,
    bool agent, bool importing) MUST_CHECK;
/* A ticket's custom fields as they are kept, cut into numbers and the JSON of each value, which is a part of `text`. */
struct field_value { int64_t id; str json; };
int      field_values(struct ctx *cx, str text, struct field_value **out);
/* Every field of a ticket that the actor may read, as JSON array text of {"id","value"}. */
sensitive fields_shown(struct ctx *cx, const struct ticket *t);
/* What a form says of a field to an end user while these are the values (an array of {"id","value"}, of `t` its
 * priority and type): -1 hidden, 0 shown, 1 shown and required. `form` NULL: no conditions. */
int      field_asked(const struct defs *d, const struct def *form, const struct def *field, const struct ticket *t, const json_t *values);
/* May the actor know the value of the field with this id (audit events name fields by number). */
bool     field_readable(struct ctx *cx, int64_t id);
bool     field_person_readable(struct ctx *cx, bool organization, str key); /* the same of a user's or organization's; false: there is none */
bool     field_readable_by(struct ctx *cx, enum role role, int64_t id);     /* for rules, which run as the system in somebody's name */
/* Are values of it searchable: all staff may read it. */
bool     field_all_read(const struct def *field);
bool     field_searchable(struct ctx *cx, int64_t id);
int64_t  ticket_custom_status(struct ctx *cx, const struct ticket *t);      /* its own, or the category's default; 0: none */
/* The values of a user's (organization's) fields after `change`, both JSON object texts by key: wired into gate. */
enum err fields_of_person(struct ctx *cx, bool organization, sensitive now, sensitive change, sensitive *out) MUST_CHECK;
sensitive fields_of_person_shown(struct ctx *cx, bool organization, sensitive now);

#endif
