/* mask.c - what is shown to somebody of the staff who may not see PHI.
 *
 * reveal() asks here for every text on its way to such an actor, so no route
 * can forget. The text is scanned as it stands (with what is known of the
 * ticket's requester), not by stored findings, so that values without offsets
 * of their own (audits, tags, the trail) are masked alike, and what the engine
 * learned since counts. When it cannot be scanned, nothing of it is shown.
 */
#include <jansson.h>
#include <stdlib.h>

#include "desk/in.h"
#include "desk/known.h"
#include "phi.h"

#define HIDDEN S("[hidden]")

static str
labelled(struct ctx *cx, str s, const struct findings *f)
{
	struct buf b;
	size_t at = 0;

	buf_init(&b, cx->arena, DOC_MAX);
	for (int i = 0; i < f->count; i++) {
		size_t from = (size_t)f->f[i].at;
		buf_add(&b, str_sub(s, at, from - at));
		at = from + (size_t)f->f[i].len;
		buf_fmt(&b, "[%s]", policy_kind_name(policy_kind(f->f[i].label, f->f[i].rule, str_sub(s, from, at - from))));
	}
	buf_add(&b, str_sub(s, at, s.n - at));
	return buf_str(&b);
}

/* One to four words that all begin with a capital: perhaps a name and nothing
 * else, which no sentence around it gives away. */
static bool
is_bare_name(struct ctx *cx, str s)
{
	struct findings f = { 0 };
	str rest = s;
	int words = 0;

	if (s.n > 60)
		return false;
	while (rest.n) {
		str w = str_cut(&rest, ' ');
		if (w.n == 0)
			continue;
		if (++words > 4 || !((w.p[0] >= 'A' && w.p[0] <= 'Z') || (unsigned char)w.p[0] >= 0x80))
			return false;
	}
	if (words == 0)
		return false;
	if (desk_scan(cx, "name", HIDE(str_printf(cx->arena, "The patient's name is " STR_F ".", STR_A(s))), &f) != OK)
		return true;
	for (int i = 0; i < f.count; i++)
		if (str_eq(f.f[i].label, S("NAME")) && f.f[i].at + f.f[i].len > 22)
			return true;
	return false;
}

static str
mask_plain(struct ctx *cx, str s)
{
	struct findings f = { 0 };

	if (str_trim(s).n == 0)
		return s;
	if (desk_scan(cx, "text", HIDE(s), &f) != OK)
		return HIDDEN;
	if (f.count > 0)
		return labelled(cx, s, &f);
	return is_bare_name(cx, s) ? S("[NAME]") : s;
}

static json_t *
mask_tree(struct ctx *cx, json_t *v, int depth)
{
	size_t i;
	json_t *one, *fresh;
	const char *key;
	char *z;
	str s, masked;

	if (json_is_string(v)) {
		s = (str){ json_string_value(v), json_string_length(v) };
		masked = mask_plain(cx, s);
		return masked.p == s.p ? NULL : json_stringn(masked.p, masked.n);
	}
	if (json_is_number(v)) {
		z = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		s = str_dup(cx->arena, str_of(z));
		free(z);
		masked = mask_plain(cx, s);
		return masked.p == s.p ? NULL : json_stringn(masked.p, masked.n);
	}
	if (depth > 64)
		return json_string("[hidden]");
	if (json_is_array(v))
		json_array_foreach(v, i, one)
			if ((fresh = mask_tree(cx, one, depth + 1)) != NULL)
				json_array_set_new(v, i, fresh);
	if (json_is_object(v))
		json_object_foreach(v, key, one)
			/* Numbers of ours are no numbers of persons. */
			if (strcmp(key, "id") != 0 && (fresh = mask_tree(cx, one, depth + 1)) != NULL)
				json_object_set_new(v, key, fresh);
	return NULL;
}

static str
mask_any(struct ctx *cx, str s)
{
	json_t *v, *fresh;
	char *z;
	str out;

	if (s.p[0] != '[' && s.p[0] != '{' && s.p[0] != '"')
		return mask_plain(cx, s);
	if ((v = json_loadb(s.p, s.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)) == NULL)
		return mask_plain(cx, s);
	fresh = mask_tree(cx, v, 0);
	z = json_dumps(fresh != NULL ? fresh : v, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(fresh);
	json_decref(v);
	if (z == NULL)
		return S("null");
	out = str_dup(cx->arena, str_of(z));
	wipe(z, out.n);
	free(z);
	return out;
}

void
desk_about(struct ctx *cx, int64_t ticket_id)
{
	enum err before = cx->fail.code;
	struct ticket t;

	if (ticket_id == cx->about_ticket)
		return;
	cx->about_ticket = cx->about_user = 0;
	if ( ticket_row(cx, ticket_id, &t) != OK && before == OK)
		fail_forget(cx);
}

str
desk_mask(struct ctx *cx, sensitive s)
{
	const struct phi_known *known = cx->known;
	struct known_ticket t = { .user_id = cx->about_user };
	enum err before = cx->fail.code;
	str out;

	if (known == NULL && cx->about_user != 0 && known_for(cx, &t) != OK)
		cx->known = NULL;
	out = mask_any(cx, s.hidden);
	cx->known = known;
	if (before == OK)
		fail_forget(cx);
	return out;
}
