/* gate.h - users, organizations, groups, sign-in, tokens, and the one question
 * gate_may(): may this actor do this, to this?
 *
 * Default is no. Routes ask "may this role do this at all", the domain asks
 * again with the object, so the command line and the mail intake meet the same
 * check. Names, addresses, phones, notes and custom values of users and
 * organizations are sealed under the user's (organization's) data key; e-mail,
 * external id and organization name are blind-indexed for equality. Every
 * change is an event in the trail, in the same transaction.
 */
#ifndef WARD_GATE_H
#define WARD_GATE_H

#include "base/base.h"
#include "store/store.h"

/* ---- may -------------------------------------------------------------------------------------------- */

enum may {
	MAY_ANYONE = 1,        /* also nobody */
	MAY_SIGNED_IN,
	MAY_CREATE_TICKET,     /* agents, admins (end users use requests) */
	MAY_READ_TICKET,
	MAY_UPDATE_TICKET,
	MAY_DELETE_TICKET,     /* admins; agents by the account's setting */
	MAY_REDACT,            /* admins; agents by the account's setting */
	MAY_READ_REQUEST,      /* end users: own requests; staff too */
	MAY_CREATE_REQUEST,
	MAY_LIST_USERS,        /* agents, admins */
	MAY_READ_USER,         /* end users: themselves */
	MAY_WRITE_USER,        /* agents: end users only; admins: all */
	MAY_READ_GROUPS,       /* staff */
	MAY_WRITE_GROUPS,      /* admins */
	MAY_READ_ORGS,
	MAY_WRITE_ORGS,        /* admins */
	MAY_SEARCH,            /* staff */
	MAY_EXPORT,            /* incremental exports: admins */
	MAY_READ_TRAIL,        /* audit_logs, access_logs: admins, compliance officers */
	MAY_READ_POSTURE,      /* how the desk is protected (PHI policy, keys, sign-in): admins, compliance officers */
	MAY_READ_JOBS,         /* staff; own jobs */
	MAY_SUSPENDED,         /* suspended tickets: admins, and agents who see all tickets */
	MAY_OWN_FACTOR,        /* staff: their own second factor, also while nothing else is allowed */
	MAY_READ_RULES,        /* views, macros, triggers, ...: staff */
	MAY_WRITE_RULES,       /* personal views and macros: their owner */
	MAY_MANAGE_RULES,      /* shared ones, triggers, automations, SLAs: admins */
	MAY_ADMIN,             /* everything else that only admins do */
	MAY_WRITE_ARTICLES,    /* the help centre's texts: admins; agents by the setting "agents_write_articles" */
	MAY_READ_REPORTS,      /* figures of the whole desk: admins, and agents who see all tickets */
	MAY_SEE_PHI,           /* unmasked: by role and the user's own setting; end users see what is theirs */
	MAY_LAST
};

/* What an action is about; zeros where it does not apply. */
struct about {
	int64_t requester_id, assignee_id, group_id, organization_id, user_id;
	const int64_t *cc; int cc_count;      /* users with access as CC or follower */
	enum role role;                       /* of the user written to */
	bool      is_private;                 /* an internal comment */
	bool      has_object;                 /* false: "at all", as routes ask */
};
/* OK; E_WHO when nobody is signed in; E_DENIED when the role may never do it;
 * E_ABSENT when the object is not theirs to know. A read-only token is refused
 * whatever writes, MAY_ADMIN and MAY_SUSPENDED included. Settings that open
 * doors, off by default: "agent_ticket_deletion", "agent_ticket_redaction",
 * "anonymous_requests", "api_password_access"; on by default:
 * "agents_see_phi". "staff_second_factor" (on by default) shuts one: agents without a second factor may only set it up, as
 * administrators and compliance officers without one always. */
enum err gate_may(struct ctx *cx, enum may what, const struct about *about) MUST_CHECK;
/* Its name in listings and tests: "read_ticket". */
const char *may_name(enum may what);
/* What a custom role takes away from what an agent may; it never gives. */
enum role_limit {
	LIMIT_DELETE = 1,        /* deleting tickets */
	LIMIT_EDIT = 2,          /* changing a ticket but for comments */
	LIMIT_PUBLIC = 4,        /* public comments */
	LIMIT_REDACT = 8, LIMIT_MERGE = 16, LIMIT_TAGS = 32,
	LIMIT_USER_WRITE = 64,   /* making and changing end users */
	LIMIT_USER_OUTSIDE = 128,/* those of other organizations than their own */
	LIMIT_USER_LIST = 256, LIMIT_MACROS = 512, LIMIT_VIEWS = 1024, LIMIT_REPORTS = 2048, LIMIT_SUSPENDED = 4096,
	LIMIT_ASSIGN = 8192,     /* assigning to groups that are not their own */
	LIMIT_DELETED = 16384,   /* seeing deleted tickets */
};
bool gate_limited(const struct ctx *cx, enum role_limit what);
/* In the transaction that writes the role. `officer`: the built-in role of compliance officers, who are judged by a
 * column of their own and not by `limits`. Drop: E_INVALID while agents have it. */
enum err gate_role_put(struct ctx *cx, int64_t id, unsigned limits, enum restriction sees, bool officer) MUST_CHECK;
enum err gate_role_drop(struct ctx *cx, int64_t id) MUST_CHECK;
enum err gate_role_members(struct ctx *cx, int64_t id, int64_t *n) MUST_CHECK;
/* May the actor, an agent, write notes only (only_private_comments). */
enum err gate_private_only(struct ctx *cx, bool *yes) MUST_CHECK;
/* Group ids the actor is a member of, ascending; cached for the context. */
enum err gate_my_groups(struct ctx *cx, const int64_t **ids, int *count) MUST_CHECK;
/* Is there a group whose tickets only its members see? */
enum err gate_any_private(struct ctx *cx, bool *any) MUST_CHECK;
/* Another number after each change to who may see what, once it is durable. */
uint64_t gate_generation(struct ctx *cx);
/* Called on the writer thread after each such change; NULL: nobody waits for one. */
extern void (*gate_on_change)(struct sys *sys);
/* A number that stays while the actor may do and see the same. Reads the database. */
enum err gate_rights(struct ctx *cx, uint64_t *out) MUST_CHECK;

/* ---- account settings (a small table of key, value) ---------------------------------------------------- */
bool     gate_setting_bool(struct ctx *cx, const char *key, bool def);
int64_t  gate_setting_int(struct ctx *cx, const char *key, int64_t def);
enum err gate_setting_set(struct ctx *cx, const char *key, str value) MUST_CHECK;   /* MAY_ADMIN, trailed */

/* ---- users ------------------------------------------------------------------------------------------------ */

struct user {
	int64_t          id, key, organization_id, default_group_id, custom_role_id;
	enum role        role;
	enum restriction sees;
	bool             active, suspended, verified, moderator, only_private_comments, shared, erased;
	usec             created_at, updated_at, last_login_at;
	sensitive        name, email, phone, alias, details, notes, signature, external_id;
	str              locale, time_zone;
	sensitive        tags;              /* JSON array text */
	sensitive        user_fields;       /* JSON object text */
};
/* What to change; a member is applied where `has` has its bit. */
enum user_has {
	USER_NAME = 1, USER_EMAIL = 2, USER_PHONE = 4, USER_ALIAS = 8, USER_DETAILS = 16, USER_NOTES = 32,
	USER_SIGNATURE = 64, USER_EXTERNAL_ID = 128, USER_LOCALE = 256, USER_TIME_ZONE = 512, USER_TAGS = 1024,
	USER_FIELDS = 2048, USER_ROLE = 4096, USER_SEES = 8192, USER_ORG = 16384, USER_GROUP = 32768,
	USER_SUSPENDED = 65536, USER_VERIFIED = 131072, USER_MODERATOR = 262144, USER_PRIVATE_ONLY = 524288,
	USER_PASSWORD = 1048576,
	USER_CUSTOM_ROLE = 4194304,         /* 0: none; agents only */
	USER_KEEP_ORGS = 2097152,           /* the organization so far stays one of the user's */
};
struct user_change {
	unsigned  has;
	struct user u;                      /* the members named by `has` */
	sensitive password;                 /* USER_PASSWORD */
};
/* An administrator's or the system's new e-mail becomes the primary address and
 * the old one a secondary; an agent's is added as a secondary. Both are found
 * by user_by_email(). Staff without a group join the default group, which is
 * made ("Support") when there is none.
 * Validates (name blank, e-mail malformed or already used: DuplicateValue,
 * role not allowed for the actor, unknown organization or group) with bad(),
 * all at once. Both are inside or open a transaction. */
enum err user_create(struct ctx *cx, const struct user_change *in, struct user *out) MUST_CHECK;
enum err user_update(struct ctx *cx, int64_t id, const struct user_change *in, struct user *out) MUST_CHECK;
/* Finds by id, e-mail or external id (in this order), updates or creates. */
enum err user_create_or_update(struct ctx *cx, int64_t id, const struct user_change *in, struct user *out, bool *created) MUST_CHECK;
/* Soft: active false, sessions and tokens end. Last admin: E_INVALID. */
enum err user_delete(struct ctx *cx, int64_t id, struct user *out) MUST_CHECK;
/* Reading checks MAY_READ_USER; E_ABSENT. */
enum err user_get(struct ctx *cx, int64_t id, struct user *out) MUST_CHECK;
/* Without a permission check: for requesters of a visible ticket, the mail intake, sign-in. */
enum err user_load(struct ctx *cx, int64_t id, struct user *out) MUST_CHECK;
/* The same, but only id, role, sees, organization, default group, active and
 * suspended: what may name the user is neither opened nor filled in. */
enum err user_brief(struct ctx *cx, int64_t id, struct user *out) MUST_CHECK;
enum err user_by_email(struct ctx *cx, str email, struct user *out) MUST_CHECK;      /* E_ABSENT */
enum err user_by_external_id(struct ctx *cx, str external_id, struct user *out) MUST_CHECK;
/* Many by id in one query, ascending ids without doubles; unknown ones left out (for sideloads, show_many). */
enum err user_many(struct ctx *cx, const int64_t *ids, int n, struct user **out, int *count) MUST_CHECK;
/* Pages. `after`/`before` are ids (0: none); role -1: any. `offset` for offset paging. */
struct user_filter { int role_mask; int64_t organization_id, group_id; int64_t after, before; int64_t offset; int limit; bool newest_first; };
enum err user_list(struct ctx *cx, const struct user_filter *f, struct user **out, int *count) MUST_CHECK;
enum err user_count(struct ctx *cx, const struct user_filter *f, int64_t *count) MUST_CHECK;
/* The requester of an incoming mail or request: found by e-mail or made as an unverified end user. In a transaction. */
enum err user_for_address(struct ctx *cx, str name, str email, struct user *out) MUST_CHECK;
/* Changed users for the incremental export and the search index: updated_at, id > (at, id). */
enum err user_changed(struct ctx *cx, usec at, int64_t id, int limit, struct user **out, int *count) MUST_CHECK;
/* The user-level setting behind MAY_SEE_PHI: 1 yes, 0 no, -1 as the role says
 * (administrators do, agents by the setting "agents_see_phi"). Staff only. */
enum err user_phi(struct ctx *cx, int64_t id, int *own, bool *sees) MUST_CHECK;      /* MAY_ADMIN */
enum err user_set_phi(struct ctx *cx, int64_t id, int own) MUST_CHECK;               /* MAY_ADMIN, trailed; at once */
bool     email_valid(str email);         /* one address, RFC 5321 shape, at most 254 bytes */

/* Addresses, and what else somebody is known by. Only an e-mail address signs in, brings mail to the user and can be the
 * primary one. E_ABSENT when the identity is not that user's. The primary one cannot be deleted; an agent's own are an
 * administrator's to change. An end user has addresses and telephone numbers, and may add, remove and choose among their
 * own; what they add is not verified. */
enum identity_kind { ID_EMAIL, ID_PHONE, ID_TWITTER, ID_FACEBOOK, ID_GOOGLE, ID_FORWARDING, ID_KINDS };    /* numbers in the database */
const char *identity_kind_name(enum identity_kind kind);       /* "phone_number" */
bool     identity_kind_of(str name, enum identity_kind *out);
struct identity { int64_t id, user_id; enum identity_kind kind; bool primary, verified; usec created_at, updated_at; sensitive value; };
enum err identity_list(struct ctx *cx, int64_t user_id, struct identity **out, int *count) MUST_CHECK;    /* the primary first */
enum err identity_get(struct ctx *cx, int64_t user_id, int64_t id, struct identity *out) MUST_CHECK;
enum err identity_create(struct ctx *cx, int64_t user_id, enum identity_kind kind, sensitive value, bool verified, bool primary, struct identity *out) MUST_CHECK;
/* value empty, verified NULL: as it is. */
enum err identity_update(struct ctx *cx, int64_t user_id, int64_t id, sensitive value, const bool *verified, bool primary, struct identity *out) MUST_CHECK;
enum err identity_make_primary(struct ctx *cx, int64_t user_id, int64_t id) MUST_CHECK;
enum err identity_delete(struct ctx *cx, int64_t user_id, int64_t id) MUST_CHECK;
/* Queues a mail with a link that is good for a day (gate_on_verification); E_BUSY when nobody sends mail. */
enum err identity_request_verification(struct ctx *cx, int64_t user_id, int64_t id) MUST_CHECK;
enum err identity_verify_token(struct ctx *cx, str token) MUST_CHECK;     /* by whoever has the link; E_ABSENT: not ours, or over */
extern enum err (*gate_on_verification)(struct ctx *cx, const struct user *u, const struct identity *i, str token);

/* `from`'s tickets, comments and addresses become `to`'s, and it is deleted. End users only. */
enum err user_merge(struct ctx *cx, int64_t from, int64_t to, struct user *out) MUST_CHECK;
extern enum err (*gate_on_user_merged)(struct ctx *cx, int64_t from, int64_t to);
/* Active end users with ids above `after`, ascending, who were made, changed and last signed in before `before`; unchecked. */
enum err user_idle(struct ctx *cx, usec before, int64_t after, int limit, int64_t **ids, int *count) MUST_CHECK;
/* Soft-deleted users, ascending; those gone for good are `erased`. */
enum err user_deleted_list(struct ctx *cx, int64_t after, int64_t offset, int limit, struct user **out, int *count) MUST_CHECK;
enum err user_deleted_count(struct ctx *cx, int64_t *n) MUST_CHECK;
enum err user_deleted_get(struct ctx *cx, int64_t id, struct user *out) MUST_CHECK;
/* Destroys the data key of a soft-deleted user. Administrators only. */
enum err user_purge(struct ctx *cx, int64_t id, struct user *out) MUST_CHECK;

/* A link that acts as the actor for reading one thing until then (whole seconds count); "" for nobody. link_enter()
 * makes its holder that user, read only, if the user may still sign in; E_WHO otherwise. */
str      link_sign(struct ctx *cx, const char *what, int64_t id, usec until);
str      link_sign_for(struct ctx *cx, const char *what, int64_t id, int64_t user_id, usec until);    /* as that user, by the system */
enum err link_enter(struct ctx *cx, const char *what, int64_t id, str token) MUST_CHECK;

/* A keyed hash of "kind", a and b under the token key: how secrets that somebody presents are kept. */
#define GATE_KEY 32
void     gate_mac(struct ctx *cx, const char *kind, str a, str b, unsigned char out[GATE_KEY]);

/* user_id 0: everybody's, for administrators. */
struct session_row { int64_t id, user_id; usec created_at, seen_at; };
enum err session_list(struct ctx *cx, int64_t user_id, int64_t after, int limit, struct session_row **out, int *count) MUST_CHECK;
enum err session_get(struct ctx *cx, int64_t user_id, int64_t id, struct session_row *out) MUST_CHECK;
enum err session_drop(struct ctx *cx, int64_t user_id, int64_t id) MUST_CHECK;     /* id 0: all of that user */

/* ---- organizations, groups, memberships ---------------------------------------------------------------------- */

struct organization {
	int64_t id, key, group_id; usec created_at, updated_at;
	bool shared_tickets, shared_comments;
	sensitive name, details, notes, external_id, tags, domain_names, fields;   /* tags, domain_names: JSON arrays; fields: JSON object */
};
enum org_has { ORG_NAME = 1, ORG_DETAILS = 2, ORG_NOTES = 4, ORG_EXTERNAL_ID = 8, ORG_TAGS = 16, ORG_DOMAINS = 32, ORG_FIELDS = 64, ORG_GROUP = 128, ORG_SHARED_TICKETS = 256, ORG_SHARED_COMMENTS = 512 };
enum err org_create(struct ctx *cx, unsigned has, const struct organization *in, struct organization *out) MUST_CHECK;
enum err org_update(struct ctx *cx, int64_t id, unsigned has, const struct organization *in, struct organization *out) MUST_CHECK;
enum err org_delete(struct ctx *cx, int64_t id) MUST_CHECK;     /* users and tickets lose it */
enum err org_get(struct ctx *cx, int64_t id, struct organization *out) MUST_CHECK;
enum err org_by_name(struct ctx *cx, str name, struct organization *out) MUST_CHECK;
enum err org_by_external_id(struct ctx *cx, str external_id, struct organization *out) MUST_CHECK;
enum err org_many(struct ctx *cx, const int64_t *ids, int n, struct organization **out, int *count) MUST_CHECK;
enum err org_list(struct ctx *cx, int64_t after, int64_t before, int64_t offset, int limit, struct organization **out, int *count) MUST_CHECK;
enum err org_count(struct ctx *cx, int64_t *count) MUST_CHECK;
enum err org_changed(struct ctx *cx, usec at, int64_t id, int limit, struct organization **out, int *count) MUST_CHECK;  /* as user_changed */

/* Every organization of a user; the default one is user.organization_id. */
struct org_membership { int64_t id, user_id, organization_id; bool is_default; usec created_at, updated_at; };
enum err org_membership_create(struct ctx *cx, int64_t user_id, int64_t org_id, bool is_default, struct org_membership *out) MUST_CHECK;
enum err org_membership_delete(struct ctx *cx, int64_t user_id, int64_t id) MUST_CHECK;         /* user_id 0: any */
enum err org_membership_make_default(struct ctx *cx, int64_t user_id, int64_t id, struct org_membership *out) MUST_CHECK;
enum err org_membership_get(struct ctx *cx, int64_t user_id, int64_t id, struct org_membership *out) MUST_CHECK;
enum err org_membership_of(struct ctx *cx, int64_t user_id, int64_t org_id, struct org_membership *out) MUST_CHECK;
enum err org_membership_list(struct ctx *cx, int64_t user_id, int64_t org_id, int64_t after, int64_t offset, int limit, struct org_membership **out, int *count) MUST_CHECK;
enum err org_membership_count(struct ctx *cx, int64_t user_id, int64_t org_id, int64_t *n) MUST_CHECK;
/* Who is told of an organization's tickets; the same shape, without default. */
enum err org_subscribe(struct ctx *cx, int64_t user_id, int64_t org_id, struct org_membership *out) MUST_CHECK;
enum err org_unsubscribe(struct ctx *cx, int64_t id) MUST_CHECK;
enum err org_subscription_list(struct ctx *cx, int64_t user_id, int64_t org_id, int64_t after, int64_t offset, int limit, struct org_membership **out, int *count) MUST_CHECK;
enum err org_subscription_count(struct ctx *cx, int64_t user_id, int64_t *n) MUST_CHECK;
enum err org_subscription_get(struct ctx *cx, int64_t id, struct org_membership *out) MUST_CHECK;
/* The loser's users and tickets become the winner's, and it is deleted. */
struct org_merge { int64_t id, winner_id, loser_id; usec created_at; };
enum err org_merge(struct ctx *cx, int64_t loser, int64_t winner, struct org_merge *out) MUST_CHECK;
enum err org_merge_get(struct ctx *cx, int64_t id, struct org_merge *out) MUST_CHECK;
enum err org_merge_list(struct ctx *cx, int64_t winner, struct org_merge **out, int *count) MUST_CHECK;
extern enum err (*gate_on_org_merged)(struct ctx *cx, int64_t from, int64_t to);

struct group { int64_t id; str name, description; bool is_public, is_default, deleted; usec created_at, updated_at; };
enum group_has { GROUP_NAME = 1, GROUP_DESCRIPTION = 2, GROUP_PUBLIC = 4, GROUP_DEFAULT = 8 };
enum err group_create(struct ctx *cx, unsigned has, const struct group *in, struct group *out) MUST_CHECK;
enum err group_update(struct ctx *cx, int64_t id, unsigned has, const struct group *in, struct group *out) MUST_CHECK;  /* private to public: never */
enum err group_delete(struct ctx *cx, int64_t id) MUST_CHECK;   /* soft; the default group: E_INVALID */
enum err group_get(struct ctx *cx, int64_t id, struct group *out) MUST_CHECK;  /* a deleted one: E_ABSENT */
/* Unchecked and with deleted ones, which old tickets still name. */
enum err group_many(struct ctx *cx, const int64_t *ids, int n, struct group **out, int *count) MUST_CHECK;
enum err group_list(struct ctx *cx, int64_t user_id, int64_t after, int64_t before, int64_t offset, int limit, struct group **out, int *count) MUST_CHECK; /* user_id 0: all */
enum err group_count(struct ctx *cx, int64_t user_id, int64_t *count) MUST_CHECK;
enum err group_default(struct ctx *cx, int64_t *id) MUST_CHECK;

struct membership { int64_t id, user_id, group_id; bool is_default; usec created_at, updated_at; };
enum err membership_create(struct ctx *cx, int64_t user_id, int64_t group_id, bool is_default, struct membership *out) MUST_CHECK;
enum err membership_delete(struct ctx *cx, int64_t id) MUST_CHECK;
enum err membership_get(struct ctx *cx, int64_t id, struct membership *out) MUST_CHECK;
enum err membership_list(struct ctx *cx, int64_t user_id, int64_t group_id, int64_t after, int64_t before, int64_t offset, int limit, struct membership **out, int *count) MUST_CHECK;
enum err membership_count(struct ctx *cx, int64_t user_id, int64_t group_id, int64_t *count) MUST_CHECK;
enum err membership_make_default(struct ctx *cx, int64_t id) MUST_CHECK;
bool     membership_exists(struct ctx *cx, int64_t user_id, int64_t group_id);

/* Wired at start by who keeps tickets; called in the transaction of the change.
 * Removed: unassign that agent's working tickets in that group. Deleted: the
 * tickets lose the group, the organization. NULL: nobody to tell. */
extern enum err (*gate_on_membership_removed)(struct ctx *cx, int64_t user_id, int64_t group_id);
extern enum err (*gate_on_group_deleted)(struct ctx *cx, int64_t group_id);
extern enum err (*gate_on_org_deleted)(struct ctx *cx, int64_t organization_id);
/* Values of custom fields, JSON object texts by key: what is kept after `change` is put on `now`; wrong ones are
 * noted with bad(). NULL: `change` takes the place of `now` as it is. */
extern enum err (*gate_fields)(struct ctx *cx, bool organization, sensitive now, sensitive change, sensitive *out);
extern enum err (*gate_on_user_changed)(struct ctx *cx, const struct user *u);       /* made, changed, or deleted (not active) */
extern enum err (*gate_on_org_changed)(struct ctx *cx, const struct organization *o);  /* made or changed */

/* ---- signing in ------------------------------------------------------------------------------------------------ */

/* Wired by cli from the vault. */
struct gate_crypto {
	enum err (*password_hash)(struct ctx *cx, str password, str *encoded);
	bool     (*password_check)(str encoded, str password);
	void     (*password_waste)(str password);
	void     (*mac)(struct sys *sys, str bytes, unsigned char out[32]);    /* HMAC under the token key */
};
/* Opens gate: caches settings, token hashes and actors (bounded), knows the lock-out counters. */
enum err gate_open(struct ctx *cx, const struct gate_crypto *crypto, struct gate **out) MUST_CHECK;
void     gate_close(struct gate **g);

/* A context that acts as the system (jobs, mail intake, command line) or as a user. */
void     gate_as_system(struct ctx *cx, const char *how);
enum err gate_as_user(struct ctx *cx, int64_t user_id, const char *how) MUST_CHECK;

/* What the request brings: an Authorization header, a session cookie. Sets
 * cx->actor, on nothing at all to "nobody" with OK. E_WHO: wrong or unknown
 * credentials ("Couldn't authenticate you"; then fail.field is "token",
 * "password", "session" or "authorization", and cx->actor is "nobody", so
 * that a public route may go on); E_LIMIT: locked out for a while
 * after too many failures (per address and per user, growing), *retry_after
 * seconds. Failures and lock-outs are events in the trail. Constant work for
 * unknown users. Hot path: an API token costs an HMAC and a cache lookup; a
 * change of role, a suspension or a revocation takes effect at once. */
enum err gate_authenticate(struct ctx *cx, str authorization, str session_cookie, int *retry_after) MUST_CHECK;
/* The actor of an earlier gate_authenticate() as it would be now, in
 * cx->actor, without counting as a use: for what stays open long after its
 * request. E_WHO: the session or token ended, or they may not sign in any
 * more. Reads the database: ask when gate_generation() moved. */
enum err gate_again(struct ctx *cx, const struct actor *was) MUST_CHECK;
/* Password sign-in for the browser: makes a session; the cookie's value is
 * returned once. Who has a second factor brings its `code`; without or with a
 * wrong one E_WHO, and fail.field is "code". Staff who have none get a session
 * that may only set one up (actor->enrolling). */
enum err session_create(struct ctx *cx, str email, sensitive password, str code, str *cookie, str *csrf, int *retry_after) MUST_CHECK;

/* Requesters without a password: *code is for the screen, the link goes to the
 * address by gate_on_login_link (NULL: E_BUSY), in the transaction. OK also
 * when nobody has that address; staff get none. */
enum err login_link_begin(struct ctx *cx, str email, str *code) MUST_CHECK;
enum err login_link_take(struct ctx *cx, str token, str code, str *cookie, str *csrf) MUST_CHECK;   /* E_WHO */
extern enum err (*gate_on_login_link)(struct ctx *cx, const struct user *u, str token);

/* Who forgot the password. An ask is counted and queued, the same for every
 * address; E_LIMIT: too often, E_BUSY. password_reset_step(), every second,
 * sends the links by gate_on_reset, in the transaction. */
enum err password_reset_ask(struct ctx *cx, str email, int *retry_after) MUST_CHECK;
enum err password_reset_step(struct ctx *cx, bool *more) MUST_CHECK;
/* Who has the link. E_ABSENT: it is over. Take: ends all sessions and OAuth tokens
 * of the person and tells them by gate_on_password_changed; E_INVALID on "password"
 * by its rules; E_WHO with fail.field "code": the second factor is missing or
 * wrong; E_LIMIT. */
enum err password_reset_find(struct ctx *cx, str token, bool *code_needed, bool *invited) MUST_CHECK;
struct reset_taken { bool staff, invited; };
enum err password_reset_take(struct ctx *cx, str token, sensitive fresh, str code, struct reset_taken *out, int *retry_after) MUST_CHECK;
extern enum err (*gate_on_reset)(struct ctx *cx, const struct user *u, str token);
extern enum err (*gate_on_password_changed)(struct ctx *cx, const struct user *u);

/* MAY_ADMIN. For staff who have no password yet: a link that sets one, once, until then (setting "invitation_days").
 * By gate_on_invited in the transaction, or *token for who hands it over. Made again: the older link ends. List: those
 * who have not set a password, the links that are over with them. E_ABSENT, E_BUSY. */
#define INVITATION_DAYS 7
struct invitation { int64_t user_id; usec invited_at, expires_at; bool by_mail; };
enum err invitation_make(struct ctx *cx, int64_t user_id, bool by_mail, str *token, struct invitation *out) MUST_CHECK;
enum err invitation_list(struct ctx *cx, struct invitation **out, int *count) MUST_CHECK;
/* MAY_ADMIN. Staff who may sign in but have neither a password nor an invitation, the first 1000. */
enum err invitation_none(struct ctx *cx, int64_t **ids, int *count) MUST_CHECK;
enum err invitation_withdraw(struct ctx *cx, int64_t user_id) MUST_CHECK;
extern enum err (*gate_on_invited)(struct ctx *cx, const struct user *u, str token);

/* ---- second factor: codes by time (RFC 6238), recovery codes ----------------------------------------------------- */

/* Of oneself, in a session. Begin gives the secret (base 32) and its otpauth
 * URI; it counts from factor_confirm() with a code made from it on, which
 * returns the recovery codes in clear, once. E_CONFLICT: there is one already.
 * A code works once. E_INVALID on "code". Ending it ends all one's sessions. */
enum err factor_begin(struct ctx *cx, str *base32, str *uri) MUST_CHECK;
enum err factor_confirm(struct ctx *cx, str code, str **recovery, int *count) MUST_CHECK;
enum err factor_recovery_new(struct ctx *cx, str code, str **recovery, int *count) MUST_CHECK;
enum err factor_end(struct ctx *cx, str code) MUST_CHECK;
struct factor_state { bool set, begun, needed; usec set_at; int recovery_left; };
enum err factor_state(struct ctx *cx, int64_t user_id, struct factor_state *out) MUST_CHECK;
/* Administrators, for who lost theirs: the next sign-in sets up a new one. */
enum err factor_reset(struct ctx *cx, int64_t user_id) MUST_CHECK;
/* How many of the staff who may sign in have none: all, and those who may never do without. MAY_READ_POSTURE. */
struct factor_missing { int64_t staff, admins; };
enum err factor_missing(struct ctx *cx, struct factor_missing *out) MUST_CHECK;
/* The command line: a confirmed factor for somebody, the old one ends. */
enum err factor_issue(struct ctx *cx, int64_t user_id, str *base32, str *uri, str **recovery, int *count) MUST_CHECK;
enum err session_end(struct ctx *cx) MUST_CHECK;               /* the actor's own */
/* One's own password, the previous one known. Other sessions end. */
enum err password_change(struct ctx *cx, sensitive previous, sensitive fresh, int *retry_after) MUST_CHECK;
/* Once a minute and at the end: writes the summaries of failed sign-ins that
 * came too fast to be events of their own, forgets sessions long over. */
enum err gate_tick(struct ctx *cx) MUST_CHECK;
/* The CSRF token of the actor's session is cx->actor->csrf; constant-time compare. */
bool     session_csrf_ok(struct ctx *cx, str token);
#define SESSION_IDLE_FOR ((usec)15 * 60 * SECOND)              /* 45 CFR 164.312(a)(2)(iii): automatic logoff; setting "session_idle_minutes" */
#define SESSION_MAX_FOR  ((usec)12 * 3600 * SECOND)            /* setting "session_hours" */
#define FAILURES_ALLOWED 5                                     /* wrong passwords from one place before it waits */

/* What an administrator may set of signing in, within bounds; the value in force is always within them. */
enum sign_in { SIGN_IN_IDLE, SIGN_IN_HOURS, SIGN_IN_PASSWORD, SIGN_IN_FAILURES, SIGN_IN_INVITATION, SIGN_IN_LAST };
struct sign_in_setting { const char *name, *setting; int64_t otherwise, least, most; const char *rule; };
const struct sign_in_setting *sign_in_settings(int *count);
int64_t  sign_in_setting(struct ctx *cx, enum sign_in which);
/* MAY_ADMIN, in a transaction or not, trailed. Out of bounds: bad() with the rule's name. */
enum err sign_in_put(struct ctx *cx, const int64_t value[SIGN_IN_LAST], const bool given[SIGN_IN_LAST]) MUST_CHECK;

struct api_token { int64_t id, user_id; str description; usec created_at, last_used_at; bool active; bool bearer; };
/* For administrators. A token works only with its own user's e-mail.
 * The token in clear is returned once and only its keyed hash kept. `bearer`:
 * an OAuth-style access token (Authorization: Bearer) instead. */
enum err token_create(struct ctx *cx, int64_t user_id, str description, bool bearer, bool read_only, str *clear, struct api_token *out) MUST_CHECK;
enum err token_list(struct ctx *cx, struct api_token **out, int *count) MUST_CHECK;
enum err token_revoke(struct ctx *cx, int64_t id) MUST_CHECK;

extern const struct stmt *const gate_stmts[];

/* How the actor, staff, likes the desk to look: JSON object text, "{}" at first. */
enum err user_settings(struct ctx *cx, str *json) MUST_CHECK;
enum err user_settings_set(struct ctx *cx, str json) MUST_CHECK;

#include "gate/oauth.h"

#endif
