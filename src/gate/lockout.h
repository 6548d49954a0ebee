/* lockout.h - failed sign-ins, counted in memory.
 *
 * Three counters per attempt: the address; the address and the e-mail that
 * was tried; the e-mail from anywhere. Above its limit a counter locks for 10
 * seconds, and for twice as long with every further failure, up to 15
 * minutes; an hour without failures forgets. An address has the higher limit,
 * because a whole clinic can be behind one. The last counter is for passwords
 * only: tokens cannot be guessed, so many attackers must not be able to keep
 * a machine with a good token out.
 *
 * Counters are keyed by keyed hashes, so this holds neither e-mails nor a way
 * to choose collisions. The table is bounded; in a full set the counter with
 * the fewest failures, of these the oldest, gives way.
 */
#ifndef WARD_GATE_LOCKOUT_H
#define WARD_GATE_LOCKOUT_H

#include "base/base.h"

#define LOCK_KEY      16
#define ADDRESS_TEXT  46                     /* INET6_ADDRSTRLEN */
#define EVENTS_PER_MINUTE      10            /* failures of one address that are recorded one by one */
#define EVENTS_PER_MINUTE_ALL 600            /* and of all addresses together */

enum lock { LOCK_ADDRESS, LOCK_PAIR, LOCK_USER, LOCKS };

struct lock_keys { unsigned char key[LOCKS][LOCK_KEY]; };

struct lockout;
struct lockout *lockout_new(void);           /* NULL: no memory */
void lockout_free(struct lockout **l);
/* How often one address may be wrong about one e-mail; the e-mail from anywhere: twice that. */
void lockout_allow(struct lockout *l, int failures);

/* The address as counted: an IPv6 one without its interface half, an IPv4 one
 * mapped into IPv6 as itself (RFC 4291 2.5.4, 2.5.5.2). */
str  lockout_address(struct arena *a, str address);

/* Before a password is checked. Counts the attempt as failed in advance, so
 * that a hundred at once are a hundred. False: locked, for *retry_after
 * seconds. *starts: this attempt, if it fails, starts a lock so long. */
bool lockout_begin(struct lockout *l, const struct lock_keys *k, usec now, int *retry_after, int *starts);
/* The password was right: takes the attempt back, forgets pair and user. */
void lockout_passed(struct lockout *l, const struct lock_keys *k);
/* A token was wrong: as lockout_begin, without the user's counter. */
bool lockout_failed(struct lockout *l, const struct lock_keys *k, bool pair, usec now, int *retry_after, int *starts);

/* Whether this failure is an event of its own; else it is added to what will
 * be summarised. *summary: failures of that address not recorded so far. */
bool lockout_report(struct lockout *l, const struct lock_keys *k, str address, usec now, int64_t *summary);
/* An address with failures to be summarised whose minute is over; *from is 0
 * at first and moves on. The last, with "" for the address, are those of all
 * addresses that are no longer known here or too many to be named. */
bool lockout_due(struct lockout *l, usec now, int *from, char address[ADDRESS_TEXT], int64_t *summary);
/* Whether lockout_due may have something; cheap. */
bool lockout_waiting(struct lockout *l, usec now);

#endif
