/* authorization.h - what an Authorization header says; bytes in, nothing else.
 *
 *   Basic base64(EMAIL "/token:" TOKEN)   AUTH_TOKEN     (RFC 7617, Zendesk's form)
 *   Basic base64(EMAIL ":" PASSWORD)      AUTH_PASSWORD
 *   Bearer TOKEN                          AUTH_BEARER    (RFC 6750 2.1)
 *
 * Nothing, or blanks: AUTH_NONE. All else is AUTH_BAD and then has neither
 * e-mail nor secret.
 */
#ifndef WARD_GATE_AUTHORIZATION_H
#define WARD_GATE_AUTHORIZATION_H

#include "base/base.h"

#define AUTHORIZATION_MAX ((size_t)4096)     /* bytes of header that are looked at */

enum auth_kind { AUTH_NONE, AUTH_TOKEN, AUTH_PASSWORD, AUTH_BEARER, AUTH_BAD };

struct authorization {
	enum auth_kind kind;
	str            email;      /* AUTH_TOKEN, AUTH_PASSWORD: not empty, no control bytes, no ':' */
	str            secret;     /* not empty, no control bytes */
};
/* The texts are in `a` or point into `header`. */
void authorization_parse(struct arena *a, str header, struct authorization *out);

#endif
