/* oauth.h - OAuth 2.0 (RFC 6749, with PKCE RFC 7636 and revocation RFC 7009):
 * clients, consent, tokens, and what a token's scopes let it do.
 *
 * Secrets, codes and tokens are 32 random bytes behind a public first part of
 * ten characters, which lists show; they are handed out once and kept as keyed
 * hashes. A token of a client is an API token (gate.h) with `client_id`.
 */
#ifndef WARD_GATE_OAUTH_H
#define WARD_GATE_OAUTH_H

#include "gate/gate.h"

/* ---- scopes --------------------------------------------------------------------------------------------- */

/* A set of scopes: two bits, read and write, per resource; the first pair is
 * `read` and `write` of everything. */
#define SCOPES_ALL UINT64_MAX
#define SCOPE_READ ((uint64_t)1)
#define SCOPE_WRITE ((uint64_t)2)
/* Adds the scope of this name ("read", "tickets:write"). False: not known. */
bool scope_add(str name, uint64_t *set);
bool scope_writes(uint64_t set);                       /* is anything to be written with it */
/* Is all of `part` in `whole`, where read and write hold those of every resource. */
bool scope_within(uint64_t part, uint64_t whole);
/* Its names, one after the other: i from 0; NULL: there are no more. */
const char *scope_name(uint64_t set, int *i);
str scope_text(struct ctx *cx, uint64_t set);          /* "read tickets:write" */
/* May the actor's token ask for this path at all. A path needs the scopes of
 * all resources that it names, one of no resource `read` or `write`. Actors without a token, and tokens without scopes: yes. */
bool gate_scope(const struct ctx *cx, str path, bool writes);

/* ---- clients ---------------------------------------------------------------------------------------------- */

struct oauth_client {
	int64_t  id, key, user_id;
	bool     confidential;
	str      identifier, name, company, description;
	str      redirect_uris;      /* JSON array text */
	str      secret_hint;
	usec     created_at, updated_at;
};
enum oauth_has { CLIENT_NAME = 1, CLIENT_IDENTIFIER = 2, CLIENT_COMPANY = 4, CLIENT_DESCRIPTION = 8, CLIENT_REDIRECTS = 16, CLIENT_KIND = 32, CLIENT_USER = 64 };
/* Administrators. *secret is in clear, once. */
enum err oauth_client_create(struct ctx *cx, unsigned has, const struct oauth_client *in, str *secret, struct oauth_client *out) MUST_CHECK;
enum err oauth_client_update(struct ctx *cx, int64_t id, unsigned has, const struct oauth_client *in, struct oauth_client *out) MUST_CHECK;
enum err oauth_client_secret(struct ctx *cx, int64_t id, str *secret, struct oauth_client *out) MUST_CHECK;   /* the old one ends at once */
enum err oauth_client_delete(struct ctx *cx, int64_t id) MUST_CHECK;                /* its tokens end */
enum err oauth_client_get(struct ctx *cx, int64_t id, struct oauth_client *out) MUST_CHECK;
/* user_id 0: everybody's; ascending ids, strictly between after and before (0: open); `down`: the last of them. */
enum err oauth_client_list(struct ctx *cx, int64_t user_id, int64_t after, int64_t before, bool down, int64_t offset, int limit, struct oauth_client **out, int *count) MUST_CHECK;
enum err oauth_client_count(struct ctx *cx, int64_t user_id, int64_t *n) MUST_CHECK;
/* Unchecked: for the page that asks for consent, which anybody may see. E_ABSENT. */
enum err oauth_client_named(struct ctx *cx, str identifier, struct oauth_client *out) MUST_CHECK;
/* Is this one of its addresses, letter by letter (RFC 9700 4.1.3). */
bool     oauth_redirect_ok(struct ctx *cx, const struct oauth_client *c, str uri);

/* ---- tokens ------------------------------------------------------------------------------------------------- */

struct oauth_token {
	int64_t  id, user_id, client_id, grant_id;      /* client_id 0: made on the command line */
	uint64_t scopes;
	usec     created_at, used_at, expires_at, refresh_expires_at;    /* 0: never, none */
	str      hint, refresh_hint;
};
struct oauth_token_filter { int64_t user_id, client_id, after, before, offset; bool down; int limit; };   /* 0: any; another's: administrators */
enum err oauth_token_list(struct ctx *cx, const struct oauth_token_filter *f, struct oauth_token **out, int *count) MUST_CHECK;
enum err oauth_token_count(struct ctx *cx, const struct oauth_token_filter *f, int64_t *n) MUST_CHECK;
enum err oauth_token_get(struct ctx *cx, int64_t id, struct oauth_token *out) MUST_CHECK;     /* one's own, or an administrator */
enum err oauth_token_drop(struct ctx *cx, int64_t id) MUST_CHECK;
/* For the actor, without an end. Never more than the actor's own token may. */
enum err oauth_token_create(struct ctx *cx, int64_t client_id, uint64_t scopes, str *clear, struct oauth_token *out) MUST_CHECK;

/* ---- grants -------------------------------------------------------------------------------------------------- */

/* The actor, in a session, consents: a code that is good for 120 seconds. `challenge`: PKCE, S256; empty: none. */
enum err oauth_consent(struct ctx *cx, const struct oauth_client *c, str redirect_uri, uint64_t scopes, str challenge, str *code) MUST_CHECK;

struct oauth_ask {
	str      grant_type, client, secret;            /* client: its identifier */
	str      code, redirect_uri, verifier, refresh;
	str      email, otp; sensitive password;        /* the password grant, where the account permits it */
	uint64_t scopes;                                /* 0: what was consented to; needed where nobody consents */
	int64_t  expires_in, refresh_expires_in;        /* seconds; 0: as usual */
};
struct oauth_answer { str access, refresh; uint64_t scopes; int64_t expires_in, refresh_expires_in; };
/* E_WHO: the client is not who it says (invalid_client). E_INVALID: fail.field
 * is the error of RFC 6749 5.2 and fail.why its description. E_LIMIT as in gate_authenticate(). */
enum err oauth_exchange(struct ctx *cx, const struct oauth_ask *ask, struct oauth_answer *out, int *retry_after) MUST_CHECK;
/* RFC 7009: OK whether or not there was such a token; E_WHO as above. */
enum err oauth_revoke(struct ctx *cx, str client, str secret, str token) MUST_CHECK;

#endif
