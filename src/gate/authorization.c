/* authorization.c - reads the Authorization header. */
#include "gate/authorization.h"

static bool
plain(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return false;
	return s.n > 0;
}

/* RFC 6750 2.1: b64token. */
static bool
bearer_token(str s)
{
	size_t i = 0;

	for (; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/'))
			break;
	}
	if (i == 0)
		return false;
	while (i < s.n && s.p[i] == '=')
		i++;
	return i == s.n;
}

void
authorization_parse(struct arena *a, str header, struct authorization *out)
{
	static const struct authorization wrong = { .kind = AUTH_BAD };
	str rest = str_trim(header), scheme, text, user;

	*out = wrong;
	if (rest.n == 0) {
		out->kind = AUTH_NONE;
		return;
	}
	if (rest.n > AUTHORIZATION_MAX)
		return;
	scheme = str_cut(&rest, ' ');
	rest = str_trim(rest);
	if (str_eqi(scheme, S("bearer"))) {
		if (bearer_token(rest))
			*out = (struct authorization){ .kind = AUTH_BEARER, .secret = rest };
		return;
	}
	if (!str_eqi(scheme, S("basic")) || !base64_to(a, rest, &text))
		return;
	/* RFC 7617 2: the first colon ends the user-id. */
	user = str_cut(&text, ':');
	if (!plain(user) || !plain(text))
		return;
	if (str_ends(user, S("/token"))) {
		user.n -= sizeof("/token") - 1;
		if (user.n > 0)
			*out = (struct authorization){ AUTH_TOKEN, user, text };
		return;
	}
	*out = (struct authorization){ AUTH_PASSWORD, user, text };
}
