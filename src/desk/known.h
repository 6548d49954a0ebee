/* known.h - people known beforehand, for desk's scans; nobody else includes it. */
#ifndef WARD_DESK_KNOWN_H
#define WARD_DESK_KNOWN_H

#include "desk/desk.h"

struct known;
enum err known_open(struct ctx *cx, const struct policy_doc *p, struct known **out) MUST_CHECK;
void     known_close(struct known **k);
/* The allow list of a policy takes the place of the one before. */
void     known_allow(struct known *k, const struct policy_doc *p);
struct known *policy_known(struct ctx *cx);

/* Sets cx->known for the scans that follow in this context: the user (0: none;
 * then name and address, where given), what the policy allows and the account's
 * list; of a ticket that exists, its number is allowed. The set lives until the
 * arena ends. */
struct known_ticket { int64_t user_id, ticket_id; sensitive name, email, recipient; };
enum err known_for(struct ctx *cx, const struct known_ticket *t) MUST_CHECK;

/* One record of CSV off *rest: fields unquoted in the arena, at most `max` of
 * them (more are dropped). -1: no whole record is left, unless `last`. */
int      csv_record(struct arena *a, str *rest, bool last, str *field, int max);
extern const struct stmt *const known_stmts[];
#endif
