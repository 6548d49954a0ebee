/* inside.h - what the files of gate share; nobody else includes it. */
#ifndef WARD_GATE_INSIDE_H
#define WARD_GATE_INSIDE_H

#include "gate/gate.h"
#include "trail/trail.h"

#define MINUTE ((usec)60 * SECOND)

/* ---- the statements, listed once so that gate_stmts can be made from them ------------------------- */

#define GATE_STMTS(X) \
	X(st_user_insert) X(st_user_update) X(st_user_by_id) X(st_user_by_email) X(st_user_by_external) \
	X(st_user_many) X(st_user_page_up) X(st_user_page_down) X(st_user_org_page_up) X(st_user_org_page_down) \
	X(st_user_group_page_up) X(st_user_group_page_down) X(st_user_group_count) X(st_user_changed) \
	X(st_user_last_stamp) X(st_user_other_admin) X(st_user_set_group) X(st_user_drop_org) \
	X(st_user_logged_in) X(st_user_standing) X(st_user_set_phi) \
	X(st_identity_insert) X(st_identity_by_email) X(st_identity_demote) \
	X(st_identity_promote) X(st_identity_verify) X(st_identity_delete_all) \
	X(st_credential_put) X(st_credential_get) X(st_credential_delete) \
	X(st_counter_add) X(st_counter_sum) \
	X(st_org_insert) X(st_org_update) X(st_org_delete) X(st_org_by_id) X(st_org_by_name) X(st_org_by_external) \
	X(st_org_many) X(st_org_page_up) X(st_org_page_down) X(st_org_shared) X(st_org_leave_group) X(st_org_changed) \
	X(st_group_insert) X(st_group_update) X(st_group_by_id) X(st_group_named) X(st_group_many) X(st_group_page_up) \
	X(st_group_page_down) X(st_group_of_page_up) X(st_group_of_page_down) X(st_group_of_count) \
	X(st_group_default) X(st_group_clear_default) X(st_group_private) \
	X(st_member_insert) X(st_member_delete) X(st_member_by_id) X(st_member_by_pair) X(st_member_first) \
	X(st_member_clear_default) X(st_member_set_default) X(st_member_page_up) X(st_member_page_down) \
	X(st_member_user_page_up) X(st_member_user_page_down) X(st_member_group_page_up) \
	X(st_member_group_page_down) X(st_member_groups) X(st_member_of_user_count) \
	X(st_session_insert) X(st_session_by_hash) X(st_session_seen) X(st_session_delete) \
	X(st_session_delete_user) X(st_session_delete_old) X(st_session_factored) \
	X(st_factor_get) X(st_factor_missing) X(st_factor_put) X(st_factor_step) X(st_factor_delete) \
	X(st_link_insert) X(st_link_get) X(st_link_try) X(st_link_drop) \
	X(st_reset_insert) X(st_reset_get) X(st_reset_drop) X(st_invite_drop) X(st_invite_over) X(st_invite_list) X(st_invite_none) X(st_invite_of) \
	X(st_recovery_put) X(st_recovery_take) X(st_recovery_count) X(st_recovery_delete) \
	X(st_token_insert) X(st_token_by_hash) X(st_token_by_id) X(st_token_used) X(st_token_list) \
	X(st_token_revoke) X(st_token_revoke_user) X(st_session_standing) X(st_token_standing) \
	X(st_setting_all) X(st_setting_get) X(st_setting_put)
#define GATE_PEOPLE(X) \
	X(st_user_private_only) \
	X(st_identity_of_user) X(st_identity_by_id) X(st_identity_set_value) X(st_identity_set_verified) X(st_identity_delete) \
	X(st_user_deleted_page) X(st_user_deleted_count) X(st_user_erase) X(st_user_idle) X(st_session_page) \
	X(st_session_page_user) X(st_session_by_id) X(st_session_delete_one) X(st_belong_insert) \
	X(st_belong_undefault) X(st_belong_drop) X(st_belong_drop_user) X(st_belong_drop_org) X(st_belong_next) \
	X(st_belong_by_id) X(st_belong_pair) X(st_belong_page) X(st_belong_page_user) X(st_belong_page_org) \
	X(st_belong_count) X(st_belong_count_user) X(st_belong_count_org) X(st_domain_insert) X(st_domain_delete) \
	X(st_domain_find) X(st_sub_insert) X(st_sub_delete) X(st_sub_drop_org) X(st_sub_by_id) X(st_sub_pair) \
	X(st_sub_page) X(st_sub_page_user) X(st_sub_page_org) X(st_sub_count) X(st_merge_insert) X(st_merge_by_id) X(st_merge_of) \
	X(st_merge_members) X(st_merge_move)
#define GATE_OAUTH(X) \
	X(st_client_insert) X(st_client_update) X(st_client_delete) X(st_client_by_id) X(st_client_by_name) X(st_client_up) \
	X(st_client_down) X(st_client_count) X(st_code_insert) X(st_code_get) X(st_code_use) X(st_code_tidy) X(st_otoken_insert) \
	X(st_otoken_by_id) X(st_otoken_by_hash) X(st_otoken_refresh) X(st_otoken_rotate) X(st_otoken_end_grant) \
	X(st_otoken_end_client) X(st_otoken_end_user) X(st_code_end_user) X(st_otoken_up) X(st_otoken_down) X(st_otoken_count) X(st_otoken_tidy)
#define GATE_ROLE(X) X(st_liking_get) X(st_liking_put) X(st_role_put) X(st_role_drop) X(st_role_get) X(st_role_members)
#define GATE_STMT_EXTERN(name) extern const struct stmt name;
GATE_STMTS(GATE_STMT_EXTERN)
GATE_PEOPLE(GATE_STMT_EXTERN)
GATE_OAUTH(GATE_STMT_EXTERN)
GATE_ROLE(GATE_STMT_EXTERN)

/* ---- pages: one walk along an index, up or down, between two ids ----------------------------------- */

struct page {
	int64_t lo, hi;            /* ids strictly between these */
	int64_t limit, offset;
	bool    down;              /* descending SQL */
	bool    reverse;           /* what comes is in the other order than asked for */
};
struct page page_of(int64_t after, int64_t before, int64_t offset, int limit, bool newest_first);
/* JSON text "[1,2]" of the ids, ascending, without doubles; the SQL takes it
 * apart, so that any number of ids is one parameter. */
str ids_json(struct ctx *cx, const int64_t *ids, int n);

/* ---- folding before a blind index ---------------------------------------------------------------------- */

sensitive fold(struct ctx *cx, sensitive s);           /* trimmed, ASCII lower case */
sensitive fold_phone(struct ctx *cx, sensitive s);     /* digits and a leading '+' */
struct arg blind_or_nil(sensitive folded);             /* NULL for the empty text */

/* ---- counters: kept, not counted ------------------------------------------------------------------------ */

enum err counter_add(struct ctx *cx, const char *name, int64_t which, int64_t delta) MUST_CHECK;
/* The sum over up to four `which`. */
enum err counter_sum(struct ctx *cx, const char *name, const int64_t *which, int count, int64_t *sum) MUST_CHECK;

/* ---- trail: a list of changed fields ------------------------------------------------------------------------ */

struct changes {
	struct trail_field *field; /* room for `max` */
	int count, max;
};
void changes_init(struct ctx *cx, struct changes *c, int max);
void changes_text(struct changes *c, const char *name, sensitive before, sensitive after);   /* only when they differ */
void changes_int(struct ctx *cx, struct changes *c, const char *name, int64_t before, int64_t after);
void changes_word(struct changes *c, const char *name, const char *before, const char *after); /* NULL: none */

/* ---- who somebody is, as the caches keep it ---------------------------------------------------------------- */

struct standing {
	int64_t          user_id, organization_id, default_group_id;
	enum role        role;
	enum restriction sees;
	bool             active;   /* and not suspended */
	int              phi;      /* sees PHI: 1, 0, or -1 as the role says */
	unsigned         limits;   /* of the custom role; `sees` is the lesser of both */
	bool             officer;  /* the role is the compliance officer's */
};
#define ROLE_COL(c) "(SELECT r." c " FROM custom_role r WHERE r.account_id = u.account_id AND r.id = u.custom_role_id)"
#define STANDING_COLS "u.id, u.role, u.sees, u.organization_id, u.default_group_id, u.active, u.suspended, u.sees_phi, " \
	ROLE_COL("limits") ", " ROLE_COL("sees") ", " ROLE_COL("officer")
#define STANDING_KINDS "iiii?i?iii?i?i?i?"
struct standing standing_of(const struct row *r, int at);
bool standing_sees_phi(struct ctx *cx, const struct standing *s);
extern const struct actor gate_nobody;
static inline bool
is_nobody(const struct actor *a)
{
	return a == NULL || (a->user_id == 0 && a->role != ROLE_SYSTEM);
}
static inline bool
is_full(const struct actor *a)         /* admin or the system */
{
	return a != NULL && (a->role == ROLE_SYSTEM || (a->role == ROLE_ADMIN && !is_nobody(a)));
}

/* ---- the caches of struct gate (gate.c tells the rules) ------------------------------------------------------ */


/* A credential that was good: a token or a session. */
struct pass {
	unsigned char   key[GATE_KEY];  /* keyed hash of what was presented */
	uint64_t        gen;            /* the state of the tables it was read from */
	usec            loaded_at;
	usec            used_at;        /* last use as written to the database */
	usec            seen_at, created_at;
	struct standing who;
	int64_t         token_id, session_id;
	bool            read_only, full;
	uint64_t        scopes;         /* SCOPES_ALL: no bounds */
	usec            expires_at;     /* 0: never */
	bool            factored;       /* a session that began with a second factor */
};
/* To be called in the transaction of any change to who may do what; the
 * caches are void from the moment it is durable. */
void     gate_changed(struct ctx *cx);
/* True: *out is good now. False: read it from the database; then *out, if
 * its `full` is set, has the times of what was there. */
bool     pass_get(struct ctx *cx, const unsigned char key[GATE_KEY], struct pass *out);
void     pass_put(struct ctx *cx, const struct pass *p);
/* Notes a use; true for the one caller that shall write it (once a minute). */
bool     pass_used(struct ctx *cx, const unsigned char key[GATE_KEY]);

enum err my_group(struct ctx *cx, int64_t user_id, int64_t group_id, bool *member) MUST_CHECK;
enum err private_group(struct ctx *cx, int64_t group_id, bool *is_private) MUST_CHECK;

/* One ordered moment per change of a user, so that (updated_at, id) cursors
 * never pass by a change that was committed later. In a transaction. */
usec     gate_stamp(struct ctx *cx);

const struct gate_crypto *gate_crypto_of(struct ctx *cx);
struct lockout *gate_lockout(struct ctx *cx);
struct resets  *gate_resets(struct ctx *cx);

/* ---- may: for the tests that print the table ------------------------------------------------------------------ */

enum grant {
	NO, YES,
	IF_VISIBLE,        /* the ticket is one they may see */
	IF_DELETES,        /* and the account lets agents delete */
	IF_REDACTS,        /* and the account lets agents redact */
	IF_WRITES,         /* the account lets agents write articles */
	IF_THEIRS,         /* the request is theirs, or shared with them */
	IF_SELF,           /* about themselves */
	IF_END_USER,       /* about an end user, or themselves */
	IF_SEES_ALL,       /* agents without a restriction */
	IF_OPEN,           /* the account takes requests from anyone */
	IF_SEES_PHI,       /* the user's setting, else the role's */
	GRANT_LAST
};
enum who { WHO_NOBODY, WHO_END_USER, WHO_AGENT, WHO_OFFICER, WHO_ADMIN, WHO_SYSTEM, WHO_LAST };
enum grant  may_grant(enum may what, enum who who);
bool        may_writes(enum may what);
const char *grant_name(enum grant g);

/* ---- the second factor (factor.c), for sign-in -------------------------------------------------------------------- */

struct factor { bool begun; str secret; usec confirmed_at; int64_t last_step; int recovery_left; };
struct factor_taken { int64_t user_id, step; bool by_recovery; unsigned char recovery[GATE_KEY]; };
enum err factor_of(struct ctx *cx, int64_t user_id, struct factor *out) MUST_CHECK;
enum err private_groups(struct ctx *cx, int64_t **ids, int *count) MUST_CHECK;     /* ascending; reads the database */
bool     factor_needed(struct ctx *cx, enum role role, bool officer);
/* May this be a code of theirs? Whether a recovery code is one, and whether the
 * code is still unused, says factor_take() in the transaction. */
bool     factor_check(struct ctx *cx, int64_t user_id, const struct factor *f, str typed, struct factor_taken *out);
enum err factor_take(struct ctx *cx, const struct factor_taken *t, bool *good) MUST_CHECK;
enum err session_start(struct ctx *cx, const struct standing *who, bool factored, str *cookie, str *csrf) MUST_CHECK;

/* ---- new passwords by mail (reset.c) -------------------------------------------------------------------------------- */

struct resets;                                 /* who asked and was not looked at yet */
struct resets *resets_new(void);               /* NULL: no memory */
void     resets_free(struct resets **r);
/* Counts an ask for a new password against the network address and the e-mail,
 * whether or not anybody has it, apart from failed sign-ins. E_LIMIT. */
enum err reset_counted(struct ctx *cx, str email, int *retry_after) MUST_CHECK;
/* The second factor of who did not bring a password; OK when they have none. A
 * wrong code counts as a failed sign-in. E_WHO with fail.field "code"; E_LIMIT. */
enum err factor_pass(struct ctx *cx, int64_t user_id, sensitive email, str code, int *retry_after) MUST_CHECK;

enum err invitation_over(struct ctx *cx, int64_t user_id) MUST_CHECK;

enum restriction role_sees(enum restriction own, enum restriction role);       /* what both let see, or less */
enum err role_known(struct ctx *cx, int64_t id, bool *known, bool *officer) MUST_CHECK;

/* ---- between auth.c and oauth.c --------------------------------------------------------------------------------------- */

str      gate_secret(struct ctx *cx);          /* 32 random bytes as base64url */
/* As session_create() judges a password and a code, without a session. */
enum err password_ok(struct ctx *cx, str email, sensitive password, str code, struct standing *who, bool *factored, int *retry_after) MUST_CHECK;
/* Counts and records it; E_WHO, or E_LIMIT when there were too many from there. */
enum err client_refused(struct ctx *cx, const char *reason, int *retry_after) MUST_CHECK;
enum err oauth_end_user(struct ctx *cx, int64_t user_id) MUST_CHECK;          /* codes and tokens that applications hold in their name */
enum err oauth_tidy(struct ctx *cx) MUST_CHECK;                               /* in a transaction */

/* ---- between user.c, group.c and auth.c ------------------------------------------------------------------------- */

/* store_one for a lookup that may find nothing: then OK, and *found is false. */
enum err find_one(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct row *out,
    bool *found) MUST_CHECK;
/* All in a transaction, unchecked: the callers have asked gate_may. */
enum err groups_join(struct ctx *cx, int64_t user_id, int64_t group_id, bool make_default) MUST_CHECK;
enum err groups_leave_all(struct ctx *cx, int64_t user_id) MUST_CHECK;
enum err groups_default_or_new(struct ctx *cx, int64_t *id) MUST_CHECK;
enum err group_known(struct ctx *cx, int64_t id, bool *known) MUST_CHECK;
enum err org_known(struct ctx *cx, int64_t id, bool *known) MUST_CHECK;
enum err credential_hash(struct ctx *cx, sensitive password, str *encoded) MUST_CHECK;   /* not in a transaction */
enum err credential_set(struct ctx *cx, int64_t user_id, int64_t key, str encoded) MUST_CHECK;
enum err password_told(struct ctx *cx, const struct user *u) MUST_CHECK;       /* a mail without content, where mail is on */
enum err credential_end(struct ctx *cx, int64_t user_id) MUST_CHECK;   /* password, sessions and tokens */
enum err user_store(struct ctx *cx, const struct user *u) MUST_CHECK;        /* every column but group and identities */
/* A user's organization became another: the memberships follow. keep: the old one stays, as not the default. */
enum err belong_changed(struct ctx *cx, int64_t user_id, int64_t from, int64_t to, bool keep) MUST_CHECK;
enum err belong_end(struct ctx *cx, int64_t user_id) MUST_CHECK;
enum err belong_org_gone(struct ctx *cx, int64_t organization_id) MUST_CHECK;
enum err domains_changed(struct ctx *cx, const struct organization *o) MUST_CHECK;
enum err domain_organization(struct ctx *cx, sensitive email, int64_t *organization_id) MUST_CHECK;   /* 0: none */
enum err sessions_end(struct ctx *cx, int64_t user_id, int64_t except) MUST_CHECK;
const char *password_wrong(struct ctx *cx, sensitive password);   /* NULL: it will do */
bool     shaped_json(struct ctx *cx, str text, bool object);   /* well-formed, an array or an object */

#define PASSWORD_MIN ((size_t)8)             /* characters; NIST SP 800-63B 5.1.1.2 */
#define PASSWORD_MAX ((size_t)1024)          /* bytes */

#endif
