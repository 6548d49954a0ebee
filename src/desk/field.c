/* field.c - values of custom fields: what fits a field, who may know it, what
 * solving asks for, how forms and custom statuses take part.
 *
 * Values are settled before anything else looks at them (fields_settle()), so
 * that what may not be kept, a card number's first digits, is neither scanned,
 * indexed, audited nor trailed. Fields that somebody of the staff may not read
 * are not searchable: a search that finds is an answer.
 */
#include <stdlib.h>
#include <unicode/uregex.h>
#include <unicode/ustring.h>

#include "desk/def.h"
#include "desk/in.h"

#define TEXT_MAX     65535           /* bytes of a text or textarea value */
#define REGEX_STEPS  200             /* ICU's unit, some milliseconds in all */
#define REGEX_STACK  (256 * 1024)

/* ---- regular expressions ----------------------------------------------------------------------------------- */

static UChar *
wide(struct ctx *cx, str s, int32_t *n)
{
	UErrorCode e = U_ZERO_ERROR;
	UChar *to = NEW(cx->arena, UChar, s.n + 1);

	u_strFromUTF8(to, (int32_t)s.n + 1, n, s.p, (int32_t)s.n, &e);
	return U_FAILURE(e) ? NULL : to;
}

static URegularExpression *
pattern_open(struct ctx *cx, str pattern)
{
	UErrorCode e = U_ZERO_ERROR;
	UParseError where;
	URegularExpression *r;
	int32_t n;
	UChar *p;

	if (pattern.n == 0 || pattern.n > 1000 || (p = wide(cx, pattern, &n)) == NULL)
		return NULL;
	r = uregex_open(p, n, 0, &where, &e);
	if (U_FAILURE(e)) {
		uregex_close(r);
		return NULL;
	}
	uregex_setTimeLimit(r, REGEX_STEPS, &e);
	uregex_setStackLimit(r, REGEX_STACK, &e);
	return r;
}

bool
field_pattern_ok(struct ctx *cx, str pattern)
{
	URegularExpression *r = pattern_open(cx, pattern);

	uregex_close(r);
	return r != NULL;
}

/* A value that the pattern takes too long to judge does not fit. */
static bool
pattern_fits(struct ctx *cx, str pattern, str value)
{
	URegularExpression *r = pattern_open(cx, pattern);
	UErrorCode e = U_ZERO_ERROR;
	bool yes = false;
	int32_t n;
	UChar *v;

	if (r != NULL && (v = wide(cx, value, &n)) != NULL) {
		uregex_setText(r, v, n, &e);
		yes = uregex_find(r, -1, &e) && U_SUCCESS(e);
	}
	uregex_close(r);
	return yes;
}

/* ---- access -------------------------------------------------------------------------------------------------- */

static bool
is_system(const struct def *f)
{
	return f->field.known ? f->field.system : f->kind == DEF_TICKET_FIELD && !def_bool(f, "removable");
}

static enum field_access
access_of(enum role role, const struct def *f)
{
	const json_t *map, *v = NULL;
	const char *w;

	if (role == ROLE_SYSTEM)
		return FIELD_WRITE;
	if (f->field.known)
		return (enum field_access)f->field.access[role];
	map = json_object_get(f->doc, "phi_access");
	if (map != NULL)
		v = json_object_get(map, role >= ROLE_ADMIN ? "admin" : role == ROLE_AGENT ? "agent" : "end_user");
	if (json_is_string(v)) {
		w = json_string_value(v);
		return *w == 'w' ? FIELD_WRITE : *w == 'r' ? FIELD_READ : FIELD_NONE;
	}
	if (role != ROLE_END_USER)
		return FIELD_WRITE;
	if (def_bool(f, "phi") || f->kind != DEF_TICKET_FIELD || !def_bool(f, "visible_in_portal"))
		return FIELD_NONE;
	return def_bool(f, "editable_in_portal") ? FIELD_WRITE : FIELD_READ;
}

/* Adds a tag, which may still have to be lowered, to a set that may say yes of one that is not in it: of all, when it is not
 * ASCII, so that lowering it takes more than is here. */
static void
tag_mark(uint64_t set[TAG_WORDS], str w)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < w.n; i++) {
		unsigned char c = (unsigned char)w.p[i];
		if (c >= 0x80) {
			memset(set, 0xff, sizeof *set * TAG_WORDS);
			return;
		}
		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
	}
	set[h >> 28] |= (uint64_t)1 << (h >> 22 & 63);
}

static void
tags_derive(struct def *f)
{
	const json_t *o;
	size_t i;

	memset(f->field.tags, 0, sizeof f->field.tags);
	tag_mark(f->field.tags, def_text(f, "tag"));
	json_array_foreach(json_object_get(f->doc, "custom_field_options"), i, o) {
		const json_t *value = json_object_get(o, "value");
		tag_mark(f->field.tags, (str){ json_string_value(value), json_string_length(value) });
	}
}

void
field_derive(struct def *f)
{
	f->field.known = false;
	f->field.system = is_system(f);
	f->field.checkbox = str_eq(def_text(f, "type"), S("checkbox"));
	for (int role = ROLE_END_USER; role <= ROLE_SYSTEM; role++)
		f->field.access[role] = (unsigned char)access_of((enum role)role, f);
	f->field.head_n = (unsigned char)snprintf(f->field.empty, sizeof f->field.empty, "{\"id\":%lld,\"value\":", (long long)f->id);
	f->field.empty_n = (unsigned char)(f->field.head_n + snprintf(f->field.empty + f->field.head_n,
	    sizeof f->field.empty - f->field.head_n, "%s}", f->field.checkbox ? "false" : "null"));
	tags_derive(f);
	f->field.known = true;
}

enum field_access
field_access(const struct ctx *cx, const struct def *f)
{
	return access_of(cx->actor ? cx->actor->role : ROLE_SYSTEM, f);
}

bool
field_readable_by(struct ctx *cx, enum role role, int64_t id)
{
	const struct defs *d;
	const struct def *f;

	if (role == ROLE_SYSTEM)
		return true;
	if (defs_get(cx, &d) != OK || (f = def_find(d, DEF_TICKET_FIELD, id)) == NULL)
		return false;
	return access_of(role, f) != FIELD_NONE;
}

bool
field_readable(struct ctx *cx, int64_t id)
{
	const struct defs *d;
	const struct def *f;

	if (defs_get(cx, &d) != OK || (f = def_find(d, DEF_TICKET_FIELD, id)) == NULL)
		return false;
	return field_access(cx, f) != FIELD_NONE;
}

bool
field_person_readable(struct ctx *cx, bool organization, str key)
{
	const struct def *const *all;
	const struct defs *d;
	int n;

	if (defs_get(cx, &d) != OK)
		return false;
	all = def_all(d, organization ? DEF_ORG_FIELD : DEF_USER_FIELD, &n);
	for (int i = 0; i < n; i++)
		if (all[i]->active && str_eq(def_text(all[i], "key"), key))
			return field_access(cx, all[i]) != FIELD_NONE;
	return false;
}

bool
field_all_read(const struct def *f)
{
	const json_t *map = json_object_get(f->doc, "phi_access");

	for (int i = 0; i < 2; i++) {
		const char *w = json_string_value(json_object_get(map, i ? "agent" : "admin"));
		if (w != NULL && *w == 'n')
			return false;
	}
	return true;
}

bool
field_searchable(struct ctx *cx, int64_t id)
{
	const struct defs *d;
	const struct def *f;

	if (defs_get(cx, &d) != OK || (f = def_find(d, DEF_TICKET_FIELD, id)) == NULL)
		return false;
	return field_all_read(f);
}

/* ---- one value ------------------------------------------------------------------------------------------------- */

static str
text_of(const json_t *v)
{
	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

static void
refuse(struct ctx *cx, const struct def *f, const char *name, const char *rule)
{
	bad(cx, name, "InvalidValue", str_z(cx->arena, str_printf(cx->arena, STR_F ": %s", STR_A(def_text(f, "title")), rule)));
}

static bool
is_option(const struct def *f, str value)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(f->doc, "custom_field_options"), i, o)
		if (str_eq(text_of(json_object_get(o, "value")), value))
			return true;
	return false;
}

/* A number as text: sign, digits, and for decimals one point with digits. */
static bool
number_shape(str s, bool decimal)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'), digits = 0, points = 0;

	for (; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			digits++;
		else if (decimal && s.p[i] == '.' && points == 0)
			points++;
		else
			return false;
	return digits > 0 && digits <= (decimal ? 15u : 18u);
}

static json_t *
card(struct ctx *cx, str s)
{
	char last[4], *text;
	int digits = 0, masked = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c >= '0' && c <= '9') {
			memmove(last, last + 1, 3);
			last[3] = c;
			digits++;
		} else if (c == 'X' || c == 'x' || c == '*')
			masked++;
		else if (c != ' ' && c != '-')
			return NULL;
	}
	/* Either a whole number, or one that was masked before. */
	if (digits + masked > 19 || !(digits == 4 || (masked == 0 && digits >= 12)))
		return NULL;
	if (digits + masked < 12)
		masked = 12;
	text = NEW(cx->arena, char, 24);
	memset(text, 'X', (size_t)(digits + masked - 4));
	memcpy(text + digits + masked - 4, last, 4);
	return json_stringn(text, (size_t)(digits + masked));
}

static bool
exists(struct ctx *cx, str target, int64_t id)
{
	struct user u;
	struct organization o;
	struct ticket t;
	enum err e = str_eq(target, S("zen:user")) ? user_load(cx, id, &u) : str_eq(target, S("zen:organization"))
	    ? org_get(cx, id, &o) : ticket_get(cx, id, &t);

	if (e == OK && str_eq(target, S("zen:user")) && !u.active)
		e = E_ABSENT;
	fail_forget(cx);
	return e == OK;
}

enum err
field_value(struct ctx *cx, const struct defs *d UNUSED, const struct def *f, const char *name, const json_t *in, json_t **out)
{
	str type = def_text(f, "type"), s = text_of(in), t = str_trim(s);
	json_t *v = NULL, *w;
	const char *rule = NULL;
	int64_t n;
	size_t i;
	usec at;

	*out = NULL;
	if (in == NULL || json_is_null(in) || (json_is_string(in) && t.n == 0 && !str_eq(type, S("checkbox"))))
		return OK;
	if (str_eq(type, S("text")) || str_eq(type, S("textarea")) || str_eq(type, S("regexp"))) {
		if (json_is_integer(in) || json_is_real(in)) {
			char *z = json_dumps(in, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
			s = str_dup(cx->arena, str_of(z));
			free(z);
		} else if (!json_is_string(in))
			rule = "must be a text";
		if (rule == NULL && (s.n > TEXT_MAX || memchr(s.p, 0, s.n)))
			rule = "is too long";
		if (rule == NULL && str_eq(type, S("regexp")) && !pattern_fits(cx, def_text(f, "regexp_for_validation"), s))
			rule = "is invalid";
		v = rule ? NULL : json_stringn(s.p, s.n);
	} else if (str_eq(type, S("checkbox"))) {
		if (json_is_boolean(in))
			v = json_boolean(json_is_true(in));
		else if (str_eqi(t, S("true")) || str_eq(t, S("1")) || (json_is_integer(in) && json_integer_value(in) == 1))
			v = json_true();
		else if (t.n == 0 ? json_is_string(in) : str_eqi(t, S("false")) || str_eq(t, S("0")))
			v = json_false();
		else if (json_is_integer(in) && json_integer_value(in) == 0)
			v = json_false();
		else
			rule = "must be true or false";
	} else if (str_eq(type, S("date"))) {
		if (t.n >= 10 && time_parse(str_sub(t, 0, 10), &at) && (t.n == 10 || time_parse(t, &at)))
			v = json_stringn(t.p, 10);
		else
			rule = "is not a valid date (YYYY-MM-DD)";
	} else if (str_eq(type, S("integer"))) {
		if (json_is_integer(in))
			v = json_integer(json_integer_value(in));
		else if (json_is_string(in) && number_shape(t, false) && str_int(t.p[0] == '+' ? str_sub(t, 1, t.n) : t, &n))
			v = json_integer(n);
		else
			rule = "must be a whole number";
	} else if (str_eq(type, S("decimal"))) {
		if (json_is_integer(in) || json_is_real(in))
			v = json_real(json_number_value(in));
		else if (json_is_string(in) && number_shape(t, true))
			v = json_real(strtod(str_z(cx->arena, t), NULL));
		else
			rule = "must be a number";
	} else if (str_eq(type, S("partialcreditcard"))) {
		if (json_is_integer(in)) {
			char *z = json_dumps(in, JSON_ENCODE_ANY);
			t = str_dup(cx->arena, str_of(z));
			wipe(z, t.n);
			free(z);
		}
		if ((v = card(cx, t)) == NULL)
			rule = "must be a card number, of which the last four digits are kept";
	} else if (str_eq(type, S("tagger")) || str_eq(type, S("dropdown"))) {
		if (json_is_string(in) && is_option(f, t))
			v = json_stringn(t.p, t.n);
		else
			rule = "is not one of its options";
	} else if (str_eq(type, S("multiselect"))) {
		v = json_array();
		if (json_is_string(in)) {
			if (is_option(f, t))
				json_array_append_new(v, json_stringn(t.p, t.n));
			else
				rule = "is not one of its options";
		} else if (json_is_array(in)) {
			json_array_foreach(in, i, w)
				if (!json_is_string(w) || !is_option(f, text_of(w)))
					rule = "has a value that is not one of its options";
				else {
					bool twice = false;
					for (size_t k = 0; k < json_array_size(v); k++)
						twice = twice || json_equal(json_array_get(v, k), w);
					if (!twice)
						json_array_append(v, w);
				}
		} else
			rule = "must be an array of its options";
		if (rule != NULL || json_array_size(v) == 0) {
			json_decref(v);
			v = NULL;
		}
	} else if (str_eq(type, S("lookup"))) {
		n = json_is_integer(in) ? json_integer_value(in) : 0;
		if ((n > 0 || (json_is_string(in) && t.n <= 18 && str_int(t, &n) && n > 0))
		    && exists(cx, def_text(f, "relationship_target_type"), n))
			v = json_string(str_z(cx->arena, str_printf(cx->arena, "%lld", (long long)n)));
		else
			rule = "does not name something that exists";
	} else
		return OK;                     /* the system's own fields have members of their own */
	if (rule != NULL)
		refuse(cx, f, name, rule);
	if (v != NULL)
		arena_defer(cx->arena, (void (*)(void *))json_decref, v);
	*out = v;
	return OK;
}

/* ---- tickets --------------------------------------------------------------------------------------------------------- */

static str
dump(struct ctx *cx, const json_t *v)
{
	char *z = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
	str s = z ? str_dup(cx->arena, str_of(z)) : S("null");

	if (z != NULL)
		wipe(z, s.n);
	free(z);
	return s;
}

static json_t *
parse(struct ctx *cx, str text, bool object)
{
	json_t *v = json_again(cx, text);

	if (object ? !json_is_object(v) : !json_is_array(v)) {
		json_decref(v);
		v = object ? json_object() : json_array();
	}
	arena_defer(cx->arena, (void (*)(void *))json_decref, v);
	return v;
}

static bool
eats(str *s, str what)
{
	if (!str_starts(*s, what))
		return false;
	*s = str_sub(*s, what.n, s->n);
	return true;
}

/* Values as dump() wrote them, [{"id":17,"value":X},...], without a parser: lists and exports show thousands of
 * tickets, and every write asks rules. -1: written otherwise. */
static int
cut(struct ctx *cx, str text, struct field_value **out)
{
	struct field_value *v = NULL;
	str s = text;
	int n = 0, room = 0;

	if (!eats(&s, S("[")))
		return -1;
	while (!str_eq(s, S("]"))) {
		size_t end = 0;
		int depth = 0;
		int64_t id = 0;
		bool quoted = false;
		if ((n > 0 && !eats(&s, S(","))) || !eats(&s, S("{\"id\":")))
			return -1;
		for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' && id < INT64_MAX / 100; s = str_sub(s, 1, s.n))
			id = id * 10 + (s.p[0] - '0');
		if (!eats(&s, S(",\"value\":")))
			return -1;
		for (; end < s.n; end++) {
			char c = s.p[end];
			if (quoted) {
				if (c == '\\')
					end++;
				else
					quoted = c != '"';
			} else if (c == '"')
				quoted = true;
			else if (c == '[' || c == '{')
				depth++;
			else if (c == ']' || (c == '}' && depth > 0))
				depth--;
			else if (c == '}')
				break;
		}
		if (end == 0 || end >= s.n || depth != 0)
			return -1;
		if (n == room) {
			struct field_value *more = NEW(cx->arena, struct field_value, room ? 2 * room : 16);
			if (n > 0)
				memcpy(more, v, sizeof *v * (size_t)n);
			v = more;
			room = room ? 2 * room : 16;
		}
		v[n++] = (struct field_value){ id, str_sub(s, 0, end) };
		s = str_sub(s, end + 1, s.n);
	}
	*out = v;
	return n;
}

int
field_values(struct ctx *cx, str text, struct field_value **out)
{
	const json_t *list, *one;
	size_t i;
	int n;

	*out = NULL;
	if (text.n <= 2)
		return 0;
	if ((n = cut(cx, text, out)) >= 0)
		return n;
	list = parse(cx, text, false);

	*out = NEW(cx->arena, struct field_value, json_array_size(list) + 1);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
		(*out)[i] = (struct field_value){ json_integer_value(json_object_get(one, "id")), dump(cx, json_object_get(one, "value")) };
	return (int)json_array_size(list);
}

static const struct def *
default_of(const struct defs *d, enum def_kind kind)
{
	int n;
	const struct def *const *all = def_all(d, kind, &n);

	for (int i = 0; i < n; i++)
		if (def_bool(all[i], "default"))
			return all[i];
	return NULL;
}

enum err
fields_settle(struct ctx *cx, struct ticket_change *in, bool creating)
{
	const struct defs *d;
	const struct def *one;
	int kept = 0;

	if (!creating && !(in->has & (T_CUSTOM | T_FORM | T_BRAND | T_CUSTOM_STATUS)) && in->custom_count == 0)
		return OK;
	TRY(defs_get(cx, &d));
	if (in->custom_count > 0) {
		__typeof__(in->custom) own = arena_alloc(cx->arena, sizeof *in->custom, (size_t)in->custom_count, 16);
		for (int i = 0; i < in->custom_count; i++) {
			const struct def *f = def_find(d, DEF_TICKET_FIELD, in->custom[i].id);
			enum field_access may = f ? field_access(cx, f) : FIELD_NONE;
			json_t *v, *value;
			/* What is not known, or not theirs to know, is passed over as Zendesk does: no word tells which. */
			if (f == NULL || !f->active || is_system(f) || may == FIELD_NONE)
				continue;
			if (may == FIELD_READ && creating) {
				if (cx->actor->role != ROLE_END_USER && !str_eq(in->custom[i].value_json, S("null")))
					refuse(cx, f, "base", "may only be read");
				continue;
			}
			if (may == FIELD_READ && cx->actor->role == ROLE_END_USER)
				continue;
			v = json_again(cx, in->custom[i].value_json);
			TRY(field_value(cx, d, f, "base", v, &value));
			own[kept] = in->custom[i];
			own[kept].value_json = dump(cx, value);
			own[kept++].guarded = may == FIELD_READ;
		}
		in->custom = own;
		in->custom_count = kept;
		if (kept == 0)
			in->has &= ~(unsigned)T_CUSTOM;
	}
	if (in->form_id != 0 && ((one = def_find(d, DEF_TICKET_FORM, in->form_id)) == NULL || !one->active
	    || (cx->actor != NULL && cx->actor->role == ROLE_END_USER && !def_bool(one, "end_user_visible"))))
		bad(cx, "ticket_form_id", "InvalidValue", "Ticket form: is not a known form");
	if (in->brand_id != 0 && ((one = def_find(d, DEF_BRAND, in->brand_id)) == NULL || !one->active))
		bad(cx, "brand_id", "InvalidValue", "Brand: is not a known brand");
	if (creating && in->form_id == 0 && (one = default_of(d, DEF_TICKET_FORM)) != NULL)
		in->form_id = one->id;
	if (creating && in->brand_id == 0 && (one = default_of(d, DEF_BRAND)) != NULL)
		in->brand_id = one->id;
	if ((in->has & T_CUSTOM_STATUS) && in->custom_status_id != 0) {
		if ((one = def_find(d, DEF_STATUS, in->custom_status_id)) == NULL || !one->active)
			bad(cx, "custom_status_id", "InvalidValue", "Custom status: is not a known status");
		else if (status_of(def_text(one, "status_category"), &in->status))
			in->has |= T_STATUS;
	}
	return OK;
}

enum err
ticket_by_nobody(struct ctx *cx, struct ticket_change *in)
{
	const struct defs *d;
	const struct def *f;
	int kept = 0;

	in->has &= T_SUBJECT | T_COMMENT | T_REQUESTER | T_PRIORITY | T_TYPE | T_CUSTOM | T_FORM | T_METADATA;
	in->comment_public = in->comment_public_set = in->nobody = true;
	in->author_id = in->submitter_id = in->requester_id = in->assignee_id = in->group_id = in->organization_id = 0;
	in->problem_id = in->followup_source_id = in->custom_status_id = 0;
	in->assignee_email = in->external_id = in->recipient = (sensitive){ 0 };
	in->status = TICKET_NEW;
	in->cc_count = in->follower_count = in->tag_count = in->drop_count = 0;
	TRY(defs_get(cx, &d));
	for (int i = 0; i < in->custom_count; i++)
		if ((f = def_find(d, DEF_TICKET_FIELD, in->custom[i].id)) != NULL && access_of(ROLE_END_USER, f) == FIELD_WRITE)
			in->custom[kept++] = in->custom[i];
	in->custom_count = kept;
	if (in->form_id != 0 && ((f = def_find(d, DEF_TICKET_FORM, in->form_id)) == NULL || !f->active || !def_bool(f, "end_user_visible")))
		bad(cx, "ticket_form_id", "InvalidValue", "Ticket form: is not a known form");
	return OK;
}

static bool
is_empty(const json_t *v)
{
	return v == NULL || json_is_null(v) || json_is_false(v) || (json_is_string(v) && json_string_length(v) == 0)
	    || (json_is_array(v) && json_array_size(v) == 0);
}

static json_t *
value_in(const json_t *list, int64_t id)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
		if (json_integer_value(json_object_get(one, "id")) == id)
			return json_object_get(one, "value");
	return NULL;
}

/* A condition's value is compared as what the field holds: option, bool, text, or the words of the system's own. */
static bool
condition_holds(const struct defs *d, const json_t *c, const struct ticket *t, const json_t *values)
{
	int64_t id = json_integer_value(json_object_get(c, "parent_field_id"));
	const struct def *f = def_find(d, DEF_TICKET_FIELD, id);
	const json_t *want = json_object_get(c, "value"), *have;
	str type;

	if (f == NULL || !f->active)
		return false;
	type = def_text(f, "type");
	if (str_eq(type, S("priority")))
		return str_eq(text_of(want), str_of(priority_name(t->priority)));
	if (str_eq(type, S("tickettype")))
		return str_eq(text_of(want), str_of(type_name(t->type)));
	if (str_eq(type, S("status")))
		return str_eq(text_of(want), str_of(status_name(t->status)));
	have = value_in(values, id);
	if (json_is_array(have)) {
		for (size_t i = 0; i < json_array_size(have); i++)
			if (json_equal(json_array_get(have, i), want))
				return true;
		return false;
	}
	if (str_eq(type, S("checkbox")))
		return json_is_true(have) == (json_is_true(want) || str_eq(text_of(want), S("true")));
	return have != NULL && json_equal(have, want);
}

/* What a form says of a field while the ticket is like this: -1 hidden, 0 shown, 1 required. */
static int
form_says(const struct defs *d, const struct def *form, const struct def *f, const struct ticket *t, const json_t *values,
    bool agent)
{
	json_t *c, *child, *w;
	bool conditional = false;
	int says = -1;
	size_t i, k, s;

	json_array_foreach(json_object_get(form->doc, agent ? "agent_conditions" : "end_user_conditions"), i, c)
		json_array_foreach(json_object_get(c, "child_fields"), k, child) {
			const json_t *on = json_object_get(child, "required_on_statuses");
			str when = text_of(json_object_get(on, "type"));
			bool must = json_is_true(json_object_get(child, "is_required"));
			if (json_integer_value(json_object_get(child, "id")) != f->id)
				continue;
			conditional = true;
			if (!condition_holds(d, c, t, values))
				continue;
			if (str_eq(when, S("NO_STATUSES")))
				must = false;
			else if (str_eq(when, S("SOME_STATUSES"))) {
				must = false;
				json_array_foreach(json_object_get(on, "statuses"), s, w)
					must = must || str_eq(text_of(w), str_of(status_name(t->status)));
			} else if (str_eq(when, S("ALL_STATUSES")))
				must = true;
			else
				must = must && (!agent || t->status >= TICKET_SOLVED);
			says = must ? 1 : says > 0 ? 1 : 0;
		}
	return conditional ? says : 0;
}

static bool
on_form(const struct def *form, int64_t id)
{
	json_t *w;
	size_t i;

	json_array_foreach(json_object_get(form->doc, "ticket_field_ids"), i, w)
		if (json_integer_value(w) == id)
			return true;
	return false;
}

int
field_asked(const struct defs *d, const struct def *form, const struct def *f, const struct ticket *t, const json_t *values)
{
	int says = form ? form_says(d, form, f, t, values, false) : 0;

	if (!f->active || !def_bool(f, "visible_in_portal") || !def_bool(f, "editable_in_portal") || def_bool(f, "phi")
	    || (form != NULL && !on_form(form, f->id)))
		return -1;
	return says < 0 ? -1 : says > 0 || def_bool(f, "required_in_portal") ? 1 : 0;
}

static bool
has_value(const struct def *f, const struct ticket *t, const json_t *values)
{
	str type = def_text(f, "type");

	if (!is_system(f))
		return !is_empty(value_in(values, f->id));
	return str_eq(type, S("priority")) ? t->priority != PRIORITY_NONE : str_eq(type, S("tickettype")) ? t->type != TYPE_NONE
	    : str_eq(type, S("group")) ? t->group_id != 0 : str_eq(type, S("assignee")) ? t->assignee_id != 0 : true;
}

static void
check_required(struct ctx *cx, const struct defs *d, const struct ticket *old, const struct ticket *t, const json_t *values,
    bool agent)
{
	const struct def *form = t->form_id ? def_find(d, DEF_TICKET_FORM, t->form_id) : NULL;
	bool solving = t->status >= TICKET_SOLVED && old->status < TICKET_SOLVED, creating = old->id == 0;
	bool conditional = form != NULL && json_array_size(json_object_get(form->doc, agent ? "agent_conditions" : "end_user_conditions")) > 0;
	int n;
	const struct def *const *all = def_all(d, DEF_TICKET_FIELD, &n);

	/* The common case, a ticket made or moved on, costs nothing. */
	if (agent && !solving && !conditional)
		return;
	for (int i = 0; i < n; i++) {
		const struct def *f = all[i];
		int says = form ? form_says(d, form, f, t, values, agent) : 0;
		bool must;
		if (!f->active || (form != NULL && !on_form(form, f->id)) || says < 0)
			continue;
		/* Nobody is asked for what they may not write. */
		if (field_access(cx, f) != FIELD_WRITE)
			continue;
		must = agent ? (solving && def_bool(f, "required")) || (says == 1 && (t->status != old->status || solving || creating))
		    : creating && (says == 1 || def_bool(f, "required_in_portal")) && def_bool(f, "editable_in_portal");
		if (must && !has_value(f, t, values))
			bad(cx, "base", "BlankValue", str_z(cx->arena, str_printf(cx->arena, STR_F ": %s", STR_A(def_text(f, "title")),
			    solving ? "is required when solving a ticket" : "is required")));
	}
}

/* Options and a checkbox's tag stand among the ticket's tags too, unless the field holds PHI. */
static void
tags_of(struct ctx *cx, const struct def *f, const json_t *v, str *out, int *n)
{
	str type = def_text(f, "type");
	json_t *w;
	size_t i;

	if (def_bool(f, "phi") || !field_all_read(f) || v == NULL)
		return;
	if (str_eq(type, S("tagger")) && json_is_string(v))
		out[(*n)++] = tag_lower(cx, text_of(v));
	else if (str_eq(type, S("multiselect")))
		json_array_foreach(v, i, w)
			out[(*n)++] = tag_lower(cx, text_of(w));
	else if (str_eq(type, S("checkbox")) && json_is_true(v) && def_text(f, "tag").n)
		out[(*n)++] = tag_lower(cx, def_text(f, "tag"));
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const str *)a, *(const str *)b);
}

static void
change_tags(struct ctx *cx, struct ticket *t, const str *drop, int drops, const str *add, int adds)
{
	str *old, *all;
	int n_old = json_words(cx, t->tags.hidden, &old), n = 0;

	all = NEW(cx->arena, str, n_old + adds + 1);
	for (int i = 0; i < n_old + adds; i++) {
		str w = i < n_old ? old[i] : add[i - n_old];
		bool out = false;
		for (int k = 0; k < drops && i < n_old; k++)
			out = out || str_eq(drop[k], w);
		for (int k = 0; k < n; k++)
			out = out || str_eq(all[k], w);
		if (!out)
			all[n++] = w;
	}
	qsort(all, (size_t)n, sizeof *all, by_bytes);
	t->tags = HIDE(json_of_words(cx, all, n));
}

static bool
has_word(const str *w, int n, str word)
{
	for (int i = 0; i < n; i++)
		if (str_eq(w[i], word))
			return true;
	return false;
}

/* What a field holds when the ticket's tags went from `was` to `is`; NULL: what it held. Of a drop-down's options the first
 * that came is taken. */
static json_t *
value_by_tags(struct ctx *cx, const struct def *f, const json_t *now, const str *was, int n_was, const str *is, int n_is)
{
	str type = def_text(f, "type"), tag = tag_lower(cx, def_text(f, "tag"));
	bool many = str_eq(type, S("multiselect")), changed = false;
	json_t *list, *o;
	size_t i;

	if (str_eq(type, S("checkbox"))) {
		bool on = has_word(is, n_is, tag);
		return tag.n && on != has_word(was, n_was, tag) && on != json_is_true(now) ? json_boolean(on) : NULL;
	}
	if (!many && !str_eq(type, S("tagger")))
		return NULL;
	list = json_array();
	json_array_foreach(json_object_get(f->doc, "custom_field_options"), i, o) {
		const json_t *value = json_object_get(o, "value");
		str word = tag_lower(cx, text_of(value));
		bool had = has_word(was, n_was, word), has = has_word(is, n_is, word), held = many ? false : json_equal(now, value);
		for (size_t k = 0; many && k < json_array_size(now); k++)
			held = held || json_equal(json_array_get(now, k), value);
		changed = changed || (had != has && has != held);
		if (had == has ? held : has) {
			if (!many && !held)
				json_array_insert(list, 0, (json_t *)(uintptr_t)value);
			else
				json_array_append(list, (json_t *)(uintptr_t)value);
		}
	}
	if (!changed) {
		json_decref(list);
		return NULL;
	}
	if (many && json_array_size(list))
		return list;
	o = json_incref(json_array_size(list) ? json_array_get(list, 0) : json_null());
	json_decref(list);
	return o;
}

static bool
tags_meet(const uint64_t a[TAG_WORDS], const uint64_t b[TAG_WORDS])
{
	uint64_t both = 0;

	for (int i = 0; i < TAG_WORDS; i++)
		both |= a[i] & b[i];
	return both != 0;
}

enum err
fields_from_tags(struct ctx *cx, const struct ticket *old, const struct ticket *t, struct ticket_change *in)
{
	const struct def *const *all;
	const struct defs *d;
	__typeof__(in->custom) own = in->custom;
	json_t *values = NULL;
	uint64_t moved[TAG_WORDS] = { 0 };
	str *was, *is;
	int n, n_was, n_is;

	if (str_eq(old->tags.hidden, t->tags.hidden))
		return OK;
	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_TICKET_FIELD, &n);
	n_was = json_words(cx, old->tags.hidden, &was);
	n_is = json_words(cx, t->tags.hidden, &is);
	for (int i = 0; i < n_was; i++)
		if (!has_word(is, n_is, was[i]))
			tag_mark(moved, was[i]);
	for (int i = 0; i < n_is; i++)
		if (!has_word(was, n_was, is[i]))
			tag_mark(moved, is[i]);
	for (int i = 0; i < n; i++) {
		const struct def *f = all[i];
		bool named;
		json_t *v;
		if (!tags_meet(f->field.tags, moved))     /* most tags are no field's */
			continue;
		named = !f->active || is_system(f) || def_bool(f, "phi") || field_access(cx, f) != FIELD_WRITE;
		if (values == NULL) {
			values = parse(cx, old->custom_fields.hidden, false);
			own = arena_alloc(cx->arena, sizeof *own, (size_t)(in->custom_count + n) + 1, 16);
			for (int k = 0; k < in->custom_count; k++)
				own[k] = in->custom[k];
			in->custom = own;
		}
		for (int k = 0; k < in->custom_count && !named; k++)
			named = in->custom[k].id == f->id;
		if (named || (v = value_by_tags(cx, f, value_in(values, f->id), was, n_was, is, n_is)) == NULL)
			continue;
		arena_defer(cx->arena, (void (*)(void *))json_decref, v);
		own[in->custom_count].id = f->id;
		own[in->custom_count].guarded = false;
		own[in->custom_count++].value_json = dump(cx, v);
		in->has |= T_CUSTOM;
	}
	return OK;
}

enum err
fields_apply(struct ctx *cx, const struct ticket *old, struct ticket *t, const struct ticket_change *in, bool agent,
    bool importing)
{
	const struct defs *d;
	json_t *values = NULL;
	bool status = t->status != old->status || old->id == 0 || (in->has & T_CUSTOM_STATUS);

	if (!(in->has & (T_CUSTOM | T_CUSTOM_STATUS)) && !status && old->id != 0)
		return OK;
	TRY(defs_get(cx, &d));
	if (in->custom_count > 0) {
		str *drop, *add;
		int drops = 0, adds = 0, room = in->custom_count + 1;
		values = parse(cx, old->custom_fields.hidden, false);
		/* No more tags than there are values, and values are parted by commas. */
		for (size_t i = 0; i < old->custom_fields.hidden.n; i++)
			room += old->custom_fields.hidden.p[i] == ',';
		for (int i = 0; i < in->custom_count; i++)
			for (size_t k = 0; k < in->custom[i].value_json.n; k++)
				room += in->custom[i].value_json.p[k] == ',';
		drop = NEW(cx->arena, str, room);
		add = NEW(cx->arena, str, room);
		for (int i = 0; i < in->custom_count; i++) {
			const struct def *f = def_find(d, DEF_TICKET_FIELD, in->custom[i].id);
			json_t *v = json_again(cx, in->custom[i].value_json);
			json_t *was = value_in(values, in->custom[i].id), *one;
			size_t k;
			if (f == NULL)
				continue;
			if (in->custom[i].guarded) {
				if (!(is_empty(was) && is_empty(v)) && !(was != NULL && v != NULL && json_equal(was, v)))
					refuse(cx, f, "base", "may only be read");
				continue;
			}
			tags_of(cx, f, was, drop, &drops);
			tags_of(cx, f, v, add, &adds);
			json_incref(was);
			json_array_foreach(values, k, one)
				if (json_integer_value(json_object_get(one, "id")) == f->id) {
					json_array_remove(values, k);
					break;
				}
			json_decref(was);
			if (v != NULL && !json_is_null(v)) {
				one = json_object();
				json_object_set_new(one, "id", json_integer(f->id));
				json_object_set(one, "value", v);
				json_array_append_new(values, one);
			}
		}
		t->custom_fields = HIDE(dump(cx, values));
		if (drops + adds > 0)
			change_tags(cx, t, drop, drops, add, adds);
	}
	if (status) {
		const struct def *s;
		/* The one that the ticket is shown with is no change. */
		if ((in->has & T_CUSTOM_STATUS) && (old->id == 0 || t->status != old->status || ticket_custom_status(cx, old) != in->custom_status_id))
			t->custom_status_id = in->custom_status_id;
		/* A status of another category than the ticket's is none. */
		s = t->custom_status_id ? def_find(d, DEF_STATUS, t->custom_status_id) : NULL;
		if (s == NULL || !str_eq(def_text(s, "status_category"), str_of(status_name(t->status))))
			t->custom_status_id = 0;
	}
	if (!importing && cx->actor != NULL && cx->actor->role != ROLE_SYSTEM
	    && (status || (in->has & T_CUSTOM))) {
		if (values == NULL)
			values = parse(cx, t->custom_fields.hidden, false);
		check_required(cx, d, old, t, values, agent);
	}
	return OK;
}

int64_t
ticket_custom_status(struct ctx *cx, const struct ticket *t)
{
	const struct defs *d;

	if (t->custom_status_id != 0)
		return t->custom_status_id;
	return defs_get(cx, &d) == OK ? def_status(d, t->status) : 0;
}

sensitive
fields_shown(struct ctx *cx, const struct ticket *t)
{
	str text = t->custom_fields.hidden;
	struct field_value *v;
	const struct defs *d;
	const struct def *const *all;
	enum role role = cx->actor ? cx->actor->role : ROLE_SYSTEM;
	uint64_t some = 0;           /* a bit for each value: most fields of most tickets have none */
	struct buf b;
	int n, values;

	if (t->erased || defs_get(cx, &d) != OK)
		return HIDE(S("[]"));
	all = def_all(d, DEF_TICKET_FIELD, &n);
	values = field_values(cx, text, &v);
	for (int k = 0; k < values; k++)
		some |= (uint64_t)1 << (v[k].id & 63);
	buf_init(&b, cx->arena, DOC_MAX);
	buf_expect(&b, text.n + (size_t)n * sizeof all[0]->field.empty);
	buf_byte(&b, '[');
	for (int i = 0; i < n; i++) {
		const struct def *f = all[i];
		str empty = { f->field.empty, f->field.empty_n };
		int k = some >> (f->id & 63) & 1 ? 0 : values;
		if (!f->active || is_system(f) || access_of(role, f) == FIELD_NONE)
			continue;
		if (b.n > 1)
			buf_byte(&b, ',');
		while (k < values && v[k].id != f->id)
			k++;
		if (k == values || str_eq(v[k].json, S("null"))) {
			buf_add(&b, empty);
			continue;
		}
		buf_add(&b, str_sub(empty, 0, f->field.head_n));
		buf_add(&b, v[k].json);
		buf_byte(&b, '}');
	}
	buf_byte(&b, ']');
	return HIDE(buf_str(&b));
}

/* ---- users and organizations -------------------------------------------------------------------------------------------- */

enum err
fields_of_person(struct ctx *cx, bool organization, sensitive now, sensitive change, sensitive *out)
{
	enum def_kind kind = organization ? DEF_ORG_FIELD : DEF_USER_FIELD;
	const char *name = organization ? "organization_fields" : "user_fields";
	json_t *values = parse(cx, now.hidden, true), *in = parse(cx, change.hidden, true), *v, *value;
	const struct def *const *all;
	const struct defs *d;
	const char *key;
	int n;

	TRY(defs_get(cx, &d));
	all = def_all(d, kind, &n);
	json_object_foreach(in, key, v)
		for (int i = 0; i < n; i++) {
			enum field_access may;
			if (!all[i]->active || !str_eq(def_text(all[i], "key"), str_of(key)))
				continue;
			if ((may = field_access(cx, all[i])) == FIELD_NONE)
				continue;
			TRY(field_value(cx, d, all[i], name, v, &value));
			if (may == FIELD_READ) {
				const json_t *was = json_object_get(values, key);
				if (!(is_empty(was) && is_empty(value)) && !(was && value && json_equal(was, value)))
					refuse(cx, all[i], name, "may only be read");
			} else if (value == NULL)
				json_object_del(values, key);
			else
				json_object_set(values, key, value);
		}
	*out = HIDE(dump(cx, values));
	return OK;
}

static void
put_value(struct json *j, struct ctx *cx, const struct def *f, const json_t *v)
{
	if (v == NULL || json_is_null(v)) {
		if (str_eq(def_text(f, "type"), S("checkbox")))
			jw_bool(j, false);
		else
			jw_null(j);
	} else if (json_is_string(v))
		jw_str(j, text_of(v));
	else if (json_is_integer(v))
		jw_int(j, json_integer_value(v));
	else if (json_is_boolean(v))
		jw_bool(j, json_is_true(v));
	else
		jw_raw(j, dump(cx, v));
}

sensitive
fields_of_person_shown(struct ctx *cx, bool organization, sensitive now)
{
	const struct def *const *all;
	const struct defs *d;
	const json_t *values;
	struct json j;
	struct buf b;
	int n;

	if (defs_get(cx, &d) != OK)
		return HIDE(S("{}"));
	all = def_all(d, organization ? DEF_ORG_FIELD : DEF_USER_FIELD, &n);
	if (n == 0)
		return HIDE(S("{}"));
	values = parse(cx, now.hidden, true);
	buf_init(&b, cx->arena, DOC_MAX);
	jw_init(&j, &b);
	jw_obj(&j);
	for (int i = 0; i < n; i++) {
		str key = def_text(all[i], "key");
		if (!all[i]->active || field_access(cx, all[i]) == FIELD_NONE)
			continue;
		jw_key_str(&j, key);
		put_value(&j, cx, all[i], json_object_get(values, str_z(cx->arena, key)));
	}
	jw_end_obj(&j);
	return HIDE(buf_str(&b));
}
