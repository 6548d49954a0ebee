/* rule.c - the table of conditions, the table of actions, and what they do.
 *
 * A condition compares a number of the ticket (most of them), its tags, its
 * words, or the hours since a moment. Numbers stand at an offset in struct
 * ticket or struct metric, so that most conditions are a row and nothing more.
 * An update is seen by the ticket before it and the ticket as it would be now;
 * the operators `changed`, `value` (changed to), `value_previous` (changed
 * from) and their negations look at both.
 *
 * How they are read is strict: a rule that could never hold, or whose action
 * could never do anything, is refused when it is saved, with every wrong thing
 * named at once.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "desk/def.h"
#include "desk/index.h"
#include "desk/rule.h"

#define HOUR ((usec)3600 * SECOND)
#define B(op) (1u << (op))
#define OPS_EQ    (B(OP_IS) | B(OP_IS_NOT))
#define OPS_ORDER (OPS_EQ | B(OP_LESS) | B(OP_GREATER))
#define OPS_SET   (B(OP_INCLUDES) | B(OP_NOT_INCLUDES))
#define OPS_CHG   (B(OP_CHANGED) | B(OP_NOT_CHANGED) | B(OP_TO) | B(OP_NOT_TO) | B(OP_FROM) | B(OP_NOT_FROM))
#define OPS_THERE (B(OP_PRESENT) | B(OP_NOT_PRESENT))
#define OPS_HOURS (B(OP_IS) | B(OP_LESS) | B(OP_GREATER) | B(OP_IS_B) | B(OP_LESS_B) | B(OP_GREATER_B))
#define OPS_UNTIL (B(OP_IS) | B(OP_LESS) | B(OP_GREATER) | B(OP_IS_B) | B(OP_LESS_B) | B(OP_GREATER_B))
#define OPS_TIME  (OPS_ORDER | B(OP_LESS_EQ) | B(OP_GREATER_EQ) | B(OP_WITHIN_LAST) | B(OP_WITHIN_NEXT) | OPS_THERE)
#define OPS_CUSTOM (OPS_TIME | OPS_SET | OPS_CHG)
#define EVERYWHERE (IN_VIEW | IN_TRIGGER | IN_AUTOMATION | IN_SLA)
#define NOT_TIMED  (IN_TRIGGER | IN_AUTOMATION | IN_VIEW)

static const struct { const char *name, *title; } ops[OPS] = {
	[OP_IS] = { "is", "Is" }, [OP_IS_NOT] = { "is_not", "Is not" }, [OP_LESS] = { "less_than", "Less than" },
	[OP_GREATER] = { "greater_than", "Greater than" }, [OP_LESS_EQ] = { "less_than_equal", "Less than or equal to" },
	[OP_GREATER_EQ] = { "greater_than_equal", "Greater than or equal to" },
	[OP_INCLUDES] = { "includes", "Contains at least one of the following" },
	[OP_NOT_INCLUDES] = { "not_includes", "Contains none of the following" },
	[OP_PRESENT] = { "present", "Present" }, [OP_NOT_PRESENT] = { "not_present", "Not present" },
	[OP_CHANGED] = { "changed", "Changed" }, [OP_NOT_CHANGED] = { "not_changed", "Not changed" },
	[OP_TO] = { "value", "Changed to" }, [OP_NOT_TO] = { "not_value", "Not changed to" },
	[OP_FROM] = { "value_previous", "Changed from" }, [OP_NOT_FROM] = { "not_value_previous", "Not changed from" },
	[OP_IS_B] = { "is_business_hours", "(business) Is" }, [OP_LESS_B] = { "less_than_business_hours", "(business) Less than" },
	[OP_GREATER_B] = { "greater_than_business_hours", "(business) Greater than" },
	[OP_WITHIN_LAST] = { "within_previous_n_days", "Within the previous (days)" },
	[OP_WITHIN_NEXT] = { "within_next_n_days", "Within the next (days)" },
};

const char *op_name(enum op o) { return (unsigned)o < OPS ? ops[o].name : "?"; }
const char *op_title(enum op o) { return (unsigned)o < OPS ? ops[o].title : "?"; }

static bool
op_of(str s, enum op *out)
{
	static const struct { const char *name; enum op op; } also[] = {
		{ "changed_to", OP_TO }, { "changed_from", OP_FROM }, { "not_changed_to", OP_NOT_TO },
		{ "not_changed_from", OP_NOT_FROM },
	};

	for (int i = 0; i < OPS; i++)
		if (str_eq(s, str_of(ops[i].name)))
			return *out = (enum op)i, true;
	for (size_t i = 0; i < COUNT(also); i++)
		if (str_eq(s, str_of(also[i].name)))
			return *out = also[i].op, true;
	return false;
}

unsigned
rule_place(enum rule_kind k)
{
	switch (k) {
	case RULE_VIEW: case RULE_WORKSPACE: case RULE_SKILL: return IN_VIEW;
	case RULE_MACRO:      return IN_MACRO;
	case RULE_TRIGGER:    return IN_TRIGGER;
	case RULE_AUTOMATION: return IN_AUTOMATION;
	default:              return IN_SLA;
	}
}

/* ---- numbers of a ticket ------------------------------------------------------------------------------------------ */

static const struct metric *
metric_of(struct subject *s)
{
	static const struct metric none;
	struct metric *m;
	bool found = false;

	if (s->m != NULL)
		return s->m;
	m = NEW(s->cx->arena, struct metric, 1);
	if (s->t->id != 0 && s->e == OK)
		s->e = metric_row(s->cx, s->t->id, m, &found);
	s->m = found ? m : &none;
	return s->m;
}

static int64_t
number_in(struct subject *s, const struct cond_row *r, const struct ticket *t)
{
	switch (r->of) {
	case OF_ID:   return *(const int64_t *)((const char *)t + r->at);
	case OF_ENUM: return *(const int *)((const char *)t + r->at);
	case OF_BOOL: return *(const bool *)((const char *)t + r->at);
	case OF_METRIC: return *(const int64_t *)((const char *)metric_of(s) + r->at);
	default:      return 0;
	}
}

static bool
my_group(struct subject *s, int64_t id)
{
	if (id == 0)
		return false;
	if (!s->have_groups) {
		const int64_t *ids;
		int n;
		s->have_groups = true;
		if (s->cx->actor != NULL && s->cx->actor->user_id == s->user_id && gate_my_groups(s->cx, &ids, &n) == OK) {
			s->group = NEW(s->cx->arena, int64_t, n + 1);
			memcpy(s->group, ids, sizeof *ids * (size_t)n);
			s->groups = n;
		}
	}
	for (int i = 0; i < s->groups; i++)
		if (s->group[i] == id)
			return true;
	return false;
}

/* Is `now` one of the condition's values? No value means "none". */
static bool
one_of(struct subject *s, const struct cond *c, int64_t now)
{
	if (c->nums == 0)
		return now == 0;
	for (int i = 0; i < c->nums; i++)
		switch (c->num[i]) {
		case NUM_ME:        if (s->user_id != 0 && now == s->user_id) return true; break;
		case NUM_MY_GROUPS: if (my_group(s, now)) return true; break;
		case NUM_REQUESTER: if (now == s->t->requester_id) return true; break;
		case NUM_ASSIGNEE:  if (now != 0 && now == s->t->assignee_id) return true; break;
		default:            if (now == c->num[i]) return true; break;
		}
	return false;
}

static bool
by_number(struct subject *s, const struct cond *c, int64_t now, int64_t before)
{
	bool changed = s->update && (s->created ? now != 0 : now != before);

	switch (c->op) {
	case OP_IS: case OP_INCLUDES:         return one_of(s, c, now);
	case OP_IS_NOT: case OP_NOT_INCLUDES: return !one_of(s, c, now);
	case OP_LESS:        return c->nums > 0 && now < c->num[0];
	case OP_GREATER:     return c->nums > 0 && now > c->num[0];
	case OP_LESS_EQ:     return c->nums > 0 && now <= c->num[0];
	case OP_GREATER_EQ:  return c->nums > 0 && now >= c->num[0];
	case OP_PRESENT:     return now != 0;
	case OP_NOT_PRESENT: return now == 0;
	case OP_CHANGED:     return changed;
	case OP_NOT_CHANGED: return !changed;
	case OP_TO:          return (changed || s->created) && s->update && one_of(s, c, now);
	case OP_NOT_TO:      return !((changed || s->created) && s->update && one_of(s, c, now));
	case OP_FROM:        return changed && !s->created && one_of(s, c, before);
	case OP_NOT_FROM:    return !(changed && !s->created && one_of(s, c, before));
	default:             return false;
	}
}

static bool
eval_number(struct subject *s, const struct cond *c)
{
	int64_t now = number_in(s, c->row, s->t);

	return by_number(s, c, now, s->old != NULL && c->row->of != OF_METRIC ? number_in(s, c->row, s->old) : now);
}

/* The category's default counts, where a ticket has no status of its own. */
static bool
eval_custom_status(struct subject *s, const struct cond *c)
{
	int64_t now = ticket_custom_status(s->cx, s->t);

	return by_number(s, c, now, s->old != NULL ? ticket_custom_status(s->cx, s->old) : now);
}

/* ---- channels ------------------------------------------------------------------------------------------------------ */

/* via_id as Zendesk counts them, and the channel's word. */
static const struct { int id; const char *channel, *title; } vias[] = {
	{ 0, "web", "Web form" }, { 4, "email", "Mail" }, { 5, "api", "Web service (API)" }, { 8, "rule", "Business rule" },
	{ 16, "closed_ticket", "Closed ticket" }, { 23, "help_center", "Help center" }, { 29, "chat", "Chat" },
	{ 44, "voice", "Voice" }, { 48, "mobile_sdk", "Mobile SDK" }, { 55, "native_messaging", "Messaging" },
	{ 63, "side_conversation", "Side conversation" }, { 64, "system", "System" },
};

str
channel_shown(str channel)
{
	return str_eq(channel, S("desk")) ? S("web") : channel;
}

static int64_t
via_of(str stored)
{
	str channel = channel_shown(stored);

	for (size_t i = 0; i < COUNT(vias); i++)
		if (str_eq(channel, str_of(vias[i].channel)))
			return vias[i].id;
	return 5;
}

static bool
eval_via(struct subject *s, const struct cond *c)
{
	int64_t v = via_of(s->t->channel);
	bool is = false;

	/* 0 is a value here, not "none". */
	for (int i = 0; i < c->nums; i++)
		is = is || c->num[i] == v;
	return c->op == OP_IS || c->op == OP_INCLUDES ? is : !is;
}

static bool
eval_current_via(struct subject *s, const struct cond *c)
{
	int64_t v = via_of(s->comment != NULL && s->comment->channel.n ? s->comment->channel
	    : s->created ? s->t->channel : str_of(s->cx->via ? s->cx->via : "api"));
	bool is = false;

	for (int i = 0; i < c->nums; i++)
		is = is || c->num[i] == v;
	return c->op == OP_IS || c->op == OP_INCLUDES ? is : !is;
}

/* ---- what happens --------------------------------------------------------------------------------------------------- */

enum { UPDATE_CREATE = 1, UPDATE_CHANGE = 2 };
enum { COMMENT_PUBLIC = 1, COMMENT_PRIVATE, COMMENT_ANY, COMMENT_SEEN };

static bool
eval_update(struct subject *s, const struct cond *c)
{
	int64_t now = !s->update ? 0 : s->created ? UPDATE_CREATE : UPDATE_CHANGE;

	return c->nums > 0 && (c->num[0] == now) == (c->op == OP_IS);
}

static bool
eval_attachment(struct subject *s, const struct cond *c)
{
	bool there = s->comment != NULL && s->comment->attachment_count > 0;

	switch (c->op) {
	case OP_PRESENT:     return there;
	case OP_NOT_PRESENT: return !there;
	case OP_IS:          return there == (c->num[0] == NUM_YES);
	default:             return there != (c->num[0] == NUM_YES);
	}
}

static bool
eval_comment_public(struct subject *s, const struct cond *c)
{
	bool is = false;

	if (s->comment != NULL && c->nums > 0)
		switch (c->num[0]) {
		case COMMENT_PUBLIC: case COMMENT_SEEN: is = s->comment->is_public; break;
		case COMMENT_PRIVATE: is = !s->comment->is_public; break;
		default: is = true; break;
		}
	return is == (c->op != OP_IS_NOT);
}

enum { ROLE_WORD_END = 1 << 20, ROLE_WORD_AGENT, ROLE_WORD_ADMIN };

static bool
role_is(const struct cond *c, int64_t id, enum role role)
{
	for (int i = 0; i < c->nums; i++) {
		int64_t v = c->num[i];
		if (v == ROLE_WORD_END ? role == ROLE_END_USER && id != 0 : v == ROLE_WORD_AGENT ? role == ROLE_AGENT || role == ROLE_ADMIN
		    : v == ROLE_WORD_ADMIN ? role == ROLE_ADMIN : v == id && id != 0)
			return true;
	}
	return false;
}

static bool
eval_role(struct subject *s, const struct cond *c)
{
	return role_is(c, s->user_id, s->role) == (c->op == OP_IS);
}

static const struct user *
requester_of(struct subject *s)
{
	struct user *u = s->requester;
	enum err e;

	if (u != NULL)
		return u;
	u = s->requester = NEW(s->cx->arena, struct user, 1);
	e = s->t->requester_id ? user_load(s->cx, s->t->requester_id, u) : E_ABSENT;
	if (e == E_ABSENT)
		fail_forget(s->cx);
	else if (e != OK && s->e == OK)
		s->e = e;
	return u;
}

static const struct organization *
organization_of(struct subject *s)
{
	struct organization *o = s->organization;
	enum err e = OK;
	int n = 0;

	if (o != NULL)
		return o;
	if (s->t->organization_id != 0)
		e = org_many(s->cx, &s->t->organization_id, 1, &o, &n);
	if (e != OK && s->e == OK)
		s->e = e;
	return s->organization = n ? o : NEW(s->cx->arena, struct organization, 1);
}

static bool
eval_requester_role(struct subject *s, const struct cond *c)
{
	const struct user *u = requester_of(s);

	return role_is(c, u->id, u->role) == (c->op == OP_IS);
}

static bool
eval_locale(struct subject *s, const struct cond *c)
{
	const struct user *u = requester_of(s);
	int64_t now = u->id ? locale_number(u->locale) : 0;

	return by_number(s, c, now, now);
}

/* ---- tags, custom values ---------------------------------------------------------------------------------------------- */

uint64_t
rule_hash(str w)
{
	static uint64_t salt[2];
	static atomic_bool have;
	uint64_t h;

	if (!atomic_load_explicit(&have, memory_order_acquire)) {
		static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
		pthread_mutex_lock(&once);
		if (!atomic_load(&have)) {
			salt[0] = rand_u64();
			salt[1] = rand_u64() | 1;
			atomic_store_explicit(&have, true, memory_order_release);
		}
		pthread_mutex_unlock(&once);
	}
	h = salt[0] ^ w.n;
	for (size_t i = 0; i < w.n; i++) {
		h = (h ^ (unsigned char)w.p[i]) * salt[1];
		h ^= h >> 31;
	}
	return h;
}

static int
tag_hashes(struct ctx *cx, sensitive json, uint64_t **out)
{
	str *w;
	int n = json_words(cx, reveal(cx, json, TO_SCAN), &w);

	*out = NEW(cx->arena, uint64_t, n + 1);
	for (int i = 0; i < n; i++)
		(*out)[i] = rule_hash(w[i]);
	return n;
}

static struct field_hash
hash_of_text(int64_t id, str s)
{
	struct field_hash h = { .id = id, .empty = s.n == 0, .hash = rule_hash(s) };

	h.is_num = str_int(s, &h.num) || (s.n >= 10 && s.p[0] >= '0' && s.p[0] <= '9' && time_parse(s, &h.num));
	return h;
}

/* A value as the conditions compare it: text, number or truth, or one of a list. */
static struct field_hash
hash_of_value(struct ctx *cx, int64_t id, const json_t *v)
{
	struct field_hash h;
	str s = S("");

	if (json_is_string(v))
		s = str_lower(cx->arena, (str){ json_string_value(v), json_string_length(v) });
	else if (json_is_boolean(v))
		s = json_is_true(v) ? S("true") : S("false");
	else if (json_is_integer(v))
		s = str_printf(cx->arena, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		s = str_printf(cx->arena, "%.15g", json_real_value(v));
	h = hash_of_text(id, s);
	if (json_is_real(v) && !h.is_num)
		h.is_num = true, h.num = (int64_t)json_real_value(v);
	return h;
}

/* The same from JSON text, where that can be read without a parser: short words and whole numbers. */
static bool
hash_of_plain(struct ctx *cx, int64_t id, str json, struct field_hash *h)
{
	int64_t n;

	if (json.n >= 2 && json.p[0] == '"' && memchr(json.p, '\\', json.n) == NULL)
		*h = hash_of_text(id, str_lower(cx->arena, str_sub(json, 1, json.n - 2)));
	else if (str_eq(json, S("true")) || str_eq(json, S("false")) || (json.n < 16 && str_int(json, &n)))
		*h = hash_of_text(id, json);
	else
		return false;
	return true;
}

/* A value, or each of a list; at *n of `h`, which has room. */
static void
hash_values(struct ctx *cx, int64_t id, const json_t *v, struct field_hash *h, size_t *n)
{
	const json_t *w;
	size_t k;

	json_array_foreach(v, k, w)
		h[(*n)++] = hash_of_value(cx, id, w);
	if (json_array_size(v) == 0)
		h[(*n)++] = hash_of_value(cx, id, json_is_array(v) ? NULL : v);
}

static int
custom_hashes(struct ctx *cx, sensitive json, const struct field_hash **out)
{
	struct field_value *f;
	struct field_hash *h;
	int count = field_values(cx, reveal(cx, json, TO_SCAN), &f);
	size_t n = 0, room = 0;

	*out = NULL;
	if (count == 0)
		return 0;
	for (int i = 0; i < count; i++)
		room += 1 + f[i].json.n / 2;               /* "[1,2]": no more of a list than that */
	h = NEW(cx->arena, struct field_hash, room + 1);
	for (int i = 0; i < count; i++) {
		if (hash_of_plain(cx, f[i].id, f[i].json, &h[n])) {
			n++;
			continue;
		}
		hash_values(cx, f[i].id, json_again(cx, f[i].json), h, &n);
	}
	*out = h;
	return (int)n;
}

/* Actions put another text in the place of the one before, so its address tells whether it is still the same. */
static const char *
text_at(sensitive s)
{
	static const char none[] = "";

	return s.hidden.p ? s.hidden.p : none;
}

static void
tags_hashed(struct subject *s)
{
	if (s->have_tag && (s->tag_of == NULL || s->tag_of == text_at(s->t->tags)))
		return;
	s->tags = tag_hashes(s->cx, s->t->tags, &s->tag);
	s->tag_of = text_at(s->t->tags);
	s->have_tag = true;
}

void
subject_hashes(struct subject *s)
{
	tags_hashed(s);
	if (s->have_custom && (s->custom_of == NULL || s->custom_of == text_at(s->t->custom_fields)))
		return;
	s->customs = custom_hashes(s->cx, s->t->custom_fields, &s->custom);
	s->custom_of = text_at(s->t->custom_fields);
	s->have_custom = true;
}

static bool
eval_tags(struct subject *s, const struct cond *c)
{
	int have = 0;

	tags_hashed(s);
	if (c->op == OP_PRESENT || c->op == OP_NOT_PRESENT)
		return (s->tags > 0) == (c->op == OP_PRESENT);
	for (int i = 0; i < c->words; i++) {
		uint64_t h = (uint64_t)c->num[i];
		for (int k = 0; k < s->tags; k++)
			if (s->tag[k] == h) {
				have++;
				break;
			}
	}
	switch (c->op) {
	case OP_INCLUDES: return have > 0;
	case OP_IS:       return have == c->words && c->words > 0;
	default:          return have == 0;
	}
}

static bool
custom_is(const struct field_hash *h, int n, const struct cond *c)
{
	bool any = false;

	for (int i = 0; i < n; i++) {
		if (h[i].id != c->field)
			continue;
		any = any || !h[i].empty;
		for (int k = 0; k < c->words; k++)
			if (!h[i].empty && h[i].hash == (uint64_t)c->num[k])
				return true;
	}
	/* An unticked checkbox has no value. */
	return c->words == 0 ? !any : !any && c->words == 1 && str_eq(c->word[0], S("false"));
}

static bool
same_custom(const struct field_hash *a, int na, const struct field_hash *b, int nb, int64_t id)
{
	uint64_t x = 0, y = 0;

	for (int i = 0; i < na; i++)
		if (a[i].id == id && !a[i].empty)
			x += a[i].hash * 0x9E3779B97F4A7C15u;
	for (int i = 0; i < nb; i++)
		if (b[i].id == id && !b[i].empty)
			y += b[i].hash * 0x9E3779B97F4A7C15u;
	return x == y;
}

static bool
within_days(enum op op, usec at, usec now, int64_t days)
{
	if (at == 0 || days < 0 || days > 36500)
		return false;
	return op == OP_WITHIN_LAST ? at <= now && at > now - days * 24 * HOUR : at >= now && at < now + days * 24 * HOUR;
}

/* The operators that look at the values as they are now. */
static bool
by_values(const struct cond *c, const struct field_hash *h, int n, usec at)
{
	int64_t num = 0, want = 0;
	bool has = false, there = false;

	for (int i = 0; i < n; i++)
		if (h[i].id == c->field && !h[i].empty) {
			there = true;
			if (h[i].is_num)
				has = true, num = h[i].num;
		}
	if (c->words && !str_int(c->word[0], &want))
		(void)time_parse(c->word[0], &want);
	switch (c->op) {
	case OP_IS: case OP_INCLUDES:         return custom_is(h, n, c);
	case OP_IS_NOT: case OP_NOT_INCLUDES: return !custom_is(h, n, c);
	case OP_PRESENT:     return there;
	case OP_NOT_PRESENT: return !there;
	case OP_LESS:        return has && num < want;
	case OP_GREATER:     return has && num > want;
	case OP_LESS_EQ:     return has && num <= want;
	case OP_GREATER_EQ:  return has && num >= want;
	case OP_WITHIN_LAST: case OP_WITHIN_NEXT: return has && within_days(c->op, num, at, want);
	default:             return false;
	}
}

static bool
eval_custom(struct subject *s, const struct cond *c)
{
	const struct field_hash *old = NULL;
	int olds = 0;
	bool changed;

	subject_hashes(s);
	if (!(B(c->op) & OPS_CHG))
		return by_values(c, s->custom, s->customs, s->now);
	if (s->old != NULL)
		olds = custom_hashes(s->cx, s->old->custom_fields, &old);
	changed = s->update && !same_custom(s->custom, s->customs, old, olds, c->field);
	switch (c->op) {
	case OP_CHANGED:     return changed;
	case OP_NOT_CHANGED: return !changed;
	case OP_TO:          return changed && custom_is(s->custom, s->customs, c);
	case OP_NOT_TO:      return !(changed && custom_is(s->custom, s->customs, c));
	case OP_FROM:        return changed && custom_is(old, olds, c);
	default:             return !(changed && custom_is(old, olds, c));
	}
}

/* A field of the requester or of the organization, as it is now. */
static bool
by_person(struct subject *s, const struct cond *c, sensitive fields)
{
	const json_t *all = json_again(s->cx, reveal(s->cx, fields, TO_SCAN)), *v = json_object_get(all, str_z(s->cx->arena, c->key));
	struct field_hash *h = NEW(s->cx->arena, struct field_hash, json_array_size(v) + 1);
	size_t n = 0;

	hash_values(s->cx, 0, v, h, &n);
	return by_values(c, h, (int)n, s->now);
}

static bool eval_requester_field(struct subject *s, const struct cond *c) { return by_person(s, c, requester_of(s)->user_fields); }
static bool eval_organization_field(struct subject *s, const struct cond *c) { return by_person(s, c, organization_of(s)->fields); }

/* ---- words -------------------------------------------------------------------------------------------------------------- */

static bool
letter(str s, size_t i)
{
	unsigned char b = i < s.n ? (unsigned char)s.p[i] : ' ';

	return b >= 0x80 || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z');
}

static bool
has_word(str text, str w)
{
	for (size_t at = 0, k; w.n && (k = str_find(str_sub(text, at, text.n), w)) != SIZE_MAX; at += k + 1) {
		size_t from = at + k;
		if ((from == 0 || !letter(text, from - 1)) && !letter(text, from + w.n))
			return true;
	}
	return false;
}

static bool
words_hold(struct subject *s, const struct cond *c, int slot, sensitive text)
{
	bool any = false;
	str t;

	if (s->folded[slot].of != text.hidden.p || s->folded[slot].n != text.hidden.n) {
		s->folded[slot].of = text.hidden.p;
		s->folded[slot].n = text.hidden.n;
		s->folded[slot].text = words_fold(s->cx->arena, reveal(s->cx, text, TO_SCAN));
	}
	t = s->folded[slot].text;

	if (c->op == OP_IS || c->op == OP_IS_NOT) {
		any = c->words > 0 && str_find(t, c->word[0]) != SIZE_MAX;
		return any == (c->op == OP_IS);
	}
	for (int i = 0; i < c->words && !any; i++)
		any = has_word(t, c->word[i]);
	return any == (c->op == OP_INCLUDES);
}

static bool eval_subject(struct subject *s, const struct cond *c) { return words_hold(s, c, 0, s->t->subject); }
static bool eval_description(struct subject *s, const struct cond *c) { return words_hold(s, c, 1, s->t->description); }

static bool
eval_comment_words(struct subject *s, const struct cond *c)
{
	if (s->comment == NULL)
		return c->op == OP_IS_NOT || c->op == OP_NOT_INCLUDES;
	return words_hold(s, c, 2, s->comment->body);
}

static bool
eval_recipient(struct subject *s, const struct cond *c)
{
	bool is = c->words > 0 ? str_eqi(reveal(s->cx, s->t->recipient, TO_SCAN), c->word[0]) : s->t->recipient.hidden.n == 0;

	return is == (c->op == OP_IS);
}

/* ---- hours ----------------------------------------------------------------------------------------------------------------- */

/* Whole hours between the moment and now; of a moment that never was, none. */
static bool
by_hours(struct subject *s, const struct cond *c, usec from, usec to)
{
	int64_t h, want = c->nums ? c->num[0] : 0;
	usec gone;

	if (from == 0 || to == 0)
		return false;
	if (c->op == OP_IS_B || c->op == OP_LESS_B || c->op == OP_GREATER_B) {
		if (business_between(s->cx, s->t->schedule_id, from, to, &gone) != OK)
			return false;
	} else
		gone = to - from;
	h = gone >= 0 ? gone / HOUR : -((HOUR - 1 - gone) / HOUR);
	switch (c->op) {
	case OP_IS: case OP_IS_B:           return h == want;
	case OP_LESS: case OP_LESS_B:       return gone < want * HOUR;
	case OP_GREATER: case OP_GREATER_B: return gone >= want * HOUR;
	default:                            return false;
	}
}

static bool
eval_since(struct subject *s, const struct cond *c)
{
	return by_hours(s, c, number_in(s, c->row, s->t), s->now);
}

usec
cond_moment(struct subject *s, const struct cond *c)
{
	return number_in(s, c->row, s->t);
}

static bool
eval_until(struct subject *s, const struct cond *c)
{
	usec at = number_in(s, c->row, s->t);

	return at >= s->now && by_hours(s, c, s->now, at);
}

static bool
eval_time(struct subject *s, const struct cond *c)
{
	int64_t now = number_in(s, c->row, s->t);

	if (c->op == OP_WITHIN_LAST || c->op == OP_WITHIN_NEXT)
		return within_days(c->op, now, s->now, c->nums ? c->num[0] : 0);
	if (now == 0)
		return c->op == OP_NOT_PRESENT || (c->op == OP_IS && c->nums == 0);
	return by_number(s, c, now, now);
}

/* What the requester said of a solved ticket; values: enum below, or with its comment. */
enum { SCORE_NONE, SCORE_BAD, SCORE_GOOD, SCORE_BAD_WORDS, SCORE_GOOD_WORDS };

static bool
eval_score(struct subject *s, const struct cond *c)
{
	bool words = s->t->rating.hidden.n != 0, is = false;

	for (int i = 0; i < c->nums; i++)
		is = is || c->num[i] == s->t->rating_score || (words && c->num[i] == s->t->rating_score + 2 && s->t->rating_score != 0);
	return is == (c->op == OP_IS || c->op == OP_INCLUDES);
}

/* Yes or no of the ticket's schedule, or of the one that is named; of none, all hours are open and no day is a holiday. */
static bool
by_schedule(struct subject *s, const struct cond *c, bool (*asked)(const struct calendar *, usec), bool without)
{
	int64_t want = c->nums ? c->num[0] : NUM_YES;
	const struct calendar *cal;
	const struct book *b;
	enum err e = book_get(s->cx, &b);

	if (e != OK) {
		s->e = s->e == OK ? e : s->e;
		return false;
	}
	if (want > 0 && schedule_find(b, want) == NULL)
		return false;
	cal = schedule_hours(b, want > 0 ? want : s->t->schedule_id);
	return ((cal ? asked(cal, s->now) : without) == (want != NUM_NO)) == (c->op == OP_IS);
}

static bool eval_shift(struct subject *s, const struct cond *c) { return by_schedule(s, c, calendar_open, true); }
static bool eval_holiday(struct subject *s, const struct cond *c) { return by_schedule(s, c, calendar_holiday, false); }

static int64_t
schedule_now(struct subject *s, const struct ticket *t)
{
	const struct compiled *c;
	const struct book *b;
	enum err e = book_get(s->cx, &b);

	if (e != OK) {
		s->e = s->e == OK ? e : s->e;
		return 0;
	}
	c = schedule_of(b, t->schedule_id);
	return c ? c->r.id : 0;
}

static bool
eval_schedule(struct subject *s, const struct cond *c)
{
	int64_t now = schedule_now(s, s->t);

	return by_number(s, c, now, s->old != NULL ? schedule_now(s, s->old) : now);
}

/* ---- the table ---------------------------------------------------------------------------------------------------------------- */

#define TICKET(m) offsetof(struct ticket, m)
#define METRIC(m) offsetof(struct metric, m)
#define SINCE(name_, title_, at_, of_, sql_) { .name = name_, .title = title_, .group = "Ticket: Timeframe", .type = VAL_HOURS, \
	.where = IN_VIEW | IN_AUTOMATION, .ops = OPS_HOURS, .eval = eval_since, .at = at_, .of = of_, .sql = sql_ }
#define UNTIL(name_, title_, at_, of_, sql_) { .name = name_, .title = title_, .group = "Ticket: Timeframe", .type = VAL_HOURS, \
	.where = IN_VIEW | IN_AUTOMATION, .ops = OPS_UNTIL, .eval = eval_until, .at = at_, .of = of_, .sql = sql_ }
#define MOMENT(name_, title_, at_, of_, sql_) { .name = name_, .title = title_, .group = "Ticket", .type = VAL_TIME, \
	.where = EVERYWHERE, .ops = OPS_TIME, .eval = eval_time, .at = at_, .of = of_, .sql = sql_ }
#define NUMBER(name_, title_, type_, where_, ops_, at_, of_, sql_) { .name = name_, .title = title_, .group = "Ticket", .type = type_, \
	.where = where_, .ops = ops_, .eval = eval_number, .at = at_, .of = of_, .sql = sql_ }
#define OTHER(name_, title_, group_, type_, where_, ops_, eval_) { .name = name_, .title = title_, .group = group_, .type = type_, \
	.where = where_, .ops = ops_, .eval = eval_ }

static const struct cond_row conds[] = {
	NUMBER("status", "Status", VAL_STATUS, EVERYWHERE, OPS_ORDER | OPS_SET | OPS_CHG, TICKET(status), OF_ENUM, "t.status"),
	NUMBER("type", "Type", VAL_TYPE, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG, TICKET(type), OF_ENUM, "t.type"),
	NUMBER("priority", "Priority", VAL_PRIORITY, EVERYWHERE, OPS_ORDER | OPS_SET | OPS_CHG, TICKET(priority), OF_ENUM, "t.priority"),
	NUMBER("group_id", "Group", VAL_GROUP, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG | OPS_THERE, TICKET(group_id), OF_ID, "t.group_id"),
	NUMBER("assignee_id", "Assignee", VAL_AGENT, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG | OPS_THERE, TICKET(assignee_id), OF_ID, "t.assignee_id"),
	NUMBER("requester_id", "Requester", VAL_USER, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG, TICKET(requester_id), OF_ID, "t.requester_id"),
	NUMBER("submitter_id", "Submitter", VAL_USER, EVERYWHERE, OPS_EQ, TICKET(submitter_id), OF_ID, "t.submitter_id"),
	NUMBER("organization_id", "Organization", VAL_ORG, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG | OPS_THERE, TICKET(organization_id), OF_ID, "t.organization_id"),
	NUMBER("brand_id", "Brand", VAL_ID, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG, TICKET(brand_id), OF_ID, "t.brand_id"),
	NUMBER("ticket_form_id", "Form", VAL_ID, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG, TICKET(form_id), OF_ID, "t.form_id"),
	NUMBER("problem_id", "Problem", VAL_ID, NOT_TIMED, OPS_EQ | OPS_THERE | B(OP_CHANGED) | B(OP_NOT_CHANGED), TICKET(problem_id), OF_ID, "t.problem_id"),
	NUMBER("ticket_is_public", "Privacy", VAL_PUBLIC, EVERYWHERE, OPS_EQ, TICKET(is_public), OF_BOOL, "t.is_public"),
	NUMBER("reopens", "Reopens", VAL_COUNT, EVERYWHERE, OPS_ORDER, METRIC(reopens), OF_METRIC, "m.reopens"),
	NUMBER("replies", "Agent replies", VAL_COUNT, EVERYWHERE, OPS_ORDER, METRIC(replies), OF_METRIC, "m.replies"),
	NUMBER("agent_stations", "Assignee stations", VAL_COUNT, EVERYWHERE, OPS_ORDER, METRIC(assignees), OF_METRIC, "m.assignees"),
	NUMBER("group_stations", "Group stations", VAL_COUNT, EVERYWHERE, OPS_ORDER, METRIC(groups), OF_METRIC, "m.groups"),

	OTHER("custom_status_id", "Ticket status", "Ticket", VAL_ID, EVERYWHERE, OPS_EQ | OPS_SET | OPS_CHG, eval_custom_status),
	OTHER("current_tags", "Tags", "Ticket", VAL_TAGS, EVERYWHERE, OPS_SET | B(OP_IS) | OPS_THERE, eval_tags),
	OTHER("via_id", "Channel", "Ticket", VAL_VIA, EVERYWHERE, OPS_EQ | OPS_SET, eval_via),
	OTHER("current_via_id", "Update via", "Ticket", VAL_VIA, IN_TRIGGER, OPS_EQ, eval_current_via),
	OTHER("update_type", "Ticket", "Ticket", VAL_UPDATE, IN_TRIGGER, OPS_EQ, eval_update),
	OTHER("comment_is_public", "Comment", "Ticket", VAL_COMMENT, IN_TRIGGER, OPS_EQ, eval_comment_public),
	OTHER("attachment", "Attachment", "Ticket", VAL_ATTACHED, IN_TRIGGER, OPS_EQ | OPS_THERE, eval_attachment),
	OTHER("comment_includes_word", "Comment text", "Ticket", VAL_WORDS, IN_TRIGGER, OPS_EQ | OPS_SET, eval_comment_words),
	OTHER("subject_includes_word", "Subject text", "Ticket", VAL_WORDS, EVERYWHERE, OPS_EQ | OPS_SET, eval_subject),
	OTHER("description_includes_word", "Description", "Ticket", VAL_WORDS, EVERYWHERE, OPS_EQ | OPS_SET, eval_description),
	OTHER("recipient", "Received at", "Ticket", VAL_TEXT, EVERYWHERE, OPS_EQ, eval_recipient),
	OTHER("role", "Current user", "Other", VAL_ROLE, IN_TRIGGER, OPS_EQ, eval_role),
	OTHER("requester_role", "Requester role", "Requester", VAL_ROLE, EVERYWHERE, OPS_EQ, eval_requester_role),
	OTHER("locale_id", "Requester's language", "Requester", VAL_LOCALE, EVERYWHERE, OPS_EQ | OPS_SET, eval_locale),
	OTHER(REQUESTER_FIELD, "Requester: custom field", "Requester", VAL_PERSON, EVERYWHERE, OPS_TIME | OPS_SET, eval_requester_field),
	OTHER(ORGANIZATION_FIELD, "Organization: custom field", "Organization", VAL_PERSON, EVERYWHERE, OPS_TIME | OPS_SET, eval_organization_field),
	OTHER("satisfaction_score", "Satisfaction", "Ticket", VAL_SCORE, EVERYWHERE, OPS_EQ | OPS_SET, eval_score),
	OTHER("in_business_hours", "Within (schedule)", "Ticket", VAL_SHIFT, IN_TRIGGER | IN_AUTOMATION, OPS_EQ, eval_shift),
	OTHER("on_a_holiday", "On a holiday", "Ticket", VAL_SHIFT, IN_TRIGGER | IN_AUTOMATION, OPS_EQ, eval_holiday),
	OTHER("schedule_id", "Schedule", "Ticket", VAL_SCHEDULE, IN_TRIGGER | IN_AUTOMATION | IN_SLA, OPS_EQ | OPS_SET, eval_schedule),
	OTHER("custom_fields_", "Custom field", "Custom fields", VAL_CUSTOM, EVERYWHERE, OPS_CUSTOM, eval_custom),

	MOMENT("exact_created_at", "Created", TICKET(created_at), OF_ID, "t.created_at"),
	MOMENT("exact_updated_at", "Updated", TICKET(updated_at), OF_ID, "t.updated_at"),
	MOMENT("exact_solved_at", "Solved", TICKET(solved_at), OF_ID, "t.solved_at"),
	MOMENT("due_at", "Due date", TICKET(due_at), OF_ID, "t.due_at"),

	SINCE("created_at", "Hours since created", TICKET(created_at), OF_ID, "t.created_at"),
	SINCE("NEW", "Hours since new", METRIC(new_at), OF_METRIC, "m.new_at"),
	SINCE("OPEN", "Hours since open", METRIC(open_at), OF_METRIC, "m.open_at"),
	SINCE("PENDING", "Hours since pending", METRIC(pending_at), OF_METRIC, "m.pending_at"),
	SINCE("HOLD", "Hours since on-hold", METRIC(hold_at), OF_METRIC, "m.hold_at"),
	SINCE("SOLVED", "Hours since solved", METRIC(solved_at), OF_METRIC, "m.solved_at"),
	SINCE("CLOSED", "Hours since closed", METRIC(closed_at), OF_METRIC, "m.closed_at"),
	SINCE("assigned_at", "Hours since assigned", METRIC(assigned_at), OF_METRIC, "m.assigned_at"),
	SINCE("updated_at", "Hours since update", TICKET(updated_at), OF_ID, "t.updated_at"),
	SINCE("requester_updated_at", "Hours since requester update", METRIC(requester_at), OF_METRIC, "m.requester_at"),
	SINCE("assignee_updated_at", "Hours since assignee update", METRIC(assignee_at), OF_METRIC, "m.assignee_at"),
	SINCE("due_date", "Hours since due date", TICKET(due_at), OF_ID, "t.due_at"),
	UNTIL("until_due_date", "Hours until due date", TICKET(due_at), OF_ID, "t.due_at"),
	SINCE("sla_breach_at", "Hours since last SLA breach", METRIC(breach_at), OF_METRIC, "m.breach_at"),
	UNTIL("until_sla_next_breach_at", "Hours until next SLA breach", METRIC(breach_at), OF_METRIC, "m.breach_at"),
};

/* Other names that clients use. */
static const struct { const char *from, *to; } alias[] = {
	{ "ASSIGNED", "assigned_at" }, { "UPDATED", "updated_at" }, { "CREATED", "created_at" }, { "tags", "current_tags" },
	{ "set_tags", "current_tags" }, { "requester.role", "requester_role" }, { "form_id", "ticket_form_id" },
	{ "holiday", "on_a_holiday" }, { "schedule", "schedule_id" },
	{ "new", "NEW" }, { "open", "OPEN" }, { "pending", "PENDING" }, { "hold", "HOLD" }, { "solved", "SOLVED" },
	{ "closed", "CLOSED" }, { "subject", "subject_includes_word" }, { "description", "description_includes_word" },
};

const struct cond_row *
cond_rows(int *count)
{
	*count = (int)COUNT(conds);
	return conds;
}

bool
rule_person(str *name, str *key)
{
	static const char *const heads[] = { REQUESTER_FIELD, ORGANIZATION_FIELD };

	for (size_t i = 0; i < COUNT(heads); i++) {
		str head = str_of(heads[i]);
		if (!str_starts(*name, head))
			continue;
		*key = str_sub(*name, head.n, name->n);
		*name = head;
		return key->n > 0;
	}
	return true;
}

static const struct cond_row *
cond_of(str name, int64_t *field, str *key)
{
	*field = 0;
	*key = S("");
	if (!rule_person(&name, key))
		return NULL;
	if (str_starts(name, S("custom_fields_")) || str_starts(name, S("ticket_fields_"))) {
		if (!str_int(str_sub(name, 14, name.n), field) || *field <= 0)
			return NULL;
		name = S("custom_fields_");
	}
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < COUNT(conds); i++)
			if (str_eq(name, str_of(conds[i].name)) && (conds[i].type != VAL_CUSTOM || *field > 0))
				return &conds[i];
		for (size_t i = 0; i < COUNT(alias); i++)
			if (str_eq(name, str_of(alias[i].from))) {
				name = str_of(alias[i].to);
				break;
			}
	}
	return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

str
rule_text(struct ctx *cx, const json_t *v)
{
	if (json_is_string(v))
		return str_dup(cx->arena, (str){ json_string_value(v), json_string_length(v) });
	if (json_is_integer(v))
		return str_printf(cx->arena, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? S("true") : S("false");
	if (json_is_real(v))
		return str_printf(cx->arena, "%.15g", json_real_value(v));
	return S("");
}

static bool
id_number(str s, int64_t *out)
{
	return s.n && s.n <= 16 && str_int(s, out) && *out > 0;
}

/* One value as a number; false: it is none of this type. */
bool
rule_number(enum value_type type, str s, int64_t *out)
{
	enum ticket_status st;
	enum ticket_priority pr;
	enum ticket_type ty;
	int64_t n;
	static const struct { const char *word; int v; } scores[] = { { "unoffered", SCORE_NONE }, { "offered", SCORE_NONE },
	    { "bad", SCORE_BAD }, { "good", SCORE_GOOD }, { "bad_with_comment", SCORE_BAD_WORDS }, { "badwithcomment", SCORE_BAD_WORDS },
	    { "good_with_comment", SCORE_GOOD_WORDS }, { "goodwithcomment", SCORE_GOOD_WORDS } };

	switch (type) {
	case VAL_STATUS:
		if (str_eq(s, S("deleted")) || !status_of(s, &st))
			return false;
		return *out = st, true;
	case VAL_PRIORITY:
		return priority_of(s, &pr) ? (*out = pr, true) : false;
	case VAL_TYPE:
		return type_of(s, &ty) ? (*out = ty, true) : false;
	case VAL_AGENT: case VAL_USER:
		if (str_eq(s, S("current_user")))
			return *out = NUM_ME, true;
		if (str_eq(s, S("requester_id")) || str_eq(s, S("requester")))
			return *out = NUM_REQUESTER, true;
		if (str_eq(s, S("assignee_id")) || str_eq(s, S("assignee")))
			return *out = NUM_ASSIGNEE, true;
		return id_number(s, out);
	case VAL_GROUP:
		if (str_eq(s, S("current_groups")) || str_eq(s, S("current_group")))
			return *out = NUM_MY_GROUPS, true;
		return id_number(s, out);
	case VAL_ORG: case VAL_ID: case VAL_SCHEDULE:
		return id_number(s, out);
	case VAL_VIA:
		if (str_int(s, &n) && n >= 0 && n < 1000)
			return *out = n, true;
		for (size_t i = 0; i < COUNT(vias); i++)
			if (str_eq(s, str_of(vias[i].channel)))
				return *out = vias[i].id, true;
		return false;
	case VAL_UPDATE:
		return str_eqi(s, S("create")) ? (*out = UPDATE_CREATE, true) : str_eqi(s, S("change")) ? (*out = UPDATE_CHANGE, true) : false;
	case VAL_PUBLIC:
		if (str_eq(s, S("true")) || str_eq(s, S("public")) || str_eq(s, S("1")))
			return *out = 1, true;
		if (str_eq(s, S("false")) || str_eq(s, S("private")) || str_eq(s, S("0")))
			return *out = 0, true;
		return false;
	case VAL_COMMENT:
		if (str_eq(s, S("true")) || str_eq(s, S("public")))
			return *out = COMMENT_PUBLIC, true;
		if (str_eq(s, S("false")) || str_eq(s, S("private")))
			return *out = COMMENT_PRIVATE, true;
		if (str_eq(s, S("not_relevant")) || str_eq(s, S("present")))
			return *out = COMMENT_ANY, true;
		if (str_eq(s, S("requester_can_see_comment")))
			return *out = COMMENT_SEEN, true;
		return false;
	case VAL_ROLE:
		if (str_eq(s, S("end_user")) || str_eq(s, S("end-user")))
			return *out = ROLE_WORD_END, true;
		if (str_eq(s, S("agent")))
			return *out = ROLE_WORD_AGENT, true;
		if (str_eq(s, S("admin")))
			return *out = ROLE_WORD_ADMIN, true;
		return id_number(s, out);
	case VAL_HOURS: case VAL_COUNT: case VAL_DAYS:
		return s.n && s.n <= 6 && str_int(s, out) && *out >= 0;
	case VAL_TIME:
		return time_parse(s, out);
	case VAL_SCORE:
		for (size_t i = 0; i < COUNT(scores); i++)
			if (str_eq(s, str_of(scores[i].word)))
				return *out = scores[i].v, true;
		return false;
	case VAL_LOCALE:
		if (!str_int(s, out))
			*out = locale_number(s);
		return str_eqi(locale_named(*out), s) || (s.p[0] >= '0' && s.p[0] <= '9' && locale_named(*out).n > 0);
	case VAL_ATTACHED:
		if (str_eq(s, S("present")) || str_eq(s, S("true")))
			return *out = NUM_YES, true;
		return str_eq(s, S("not_present")) || str_eq(s, S("false")) ? (*out = NUM_NO, true) : false;
	case VAL_SHIFT:
		if (str_eq(s, S("false")))
			return *out = NUM_NO, true;
		return str_eq(s, S("true")) ? (*out = NUM_YES, true) : id_number(s, out);
	default:
		return false;
	}
}

/* "Status is wrong" and the like, with fixed words. */
static void
wrong(struct ctx *cx, const char *field, const char *why)
{
	bad(cx, field, "InvalidValue", why);
}

#define VALUES_MAX 100

static void
read_cond(struct ctx *cx, const json_t *one, unsigned where, struct cond *c, bool *ok)
{
	str name = rule_text(cx, json_object_get(one, "field")), op = rule_text(cx, json_object_get(one, "operator"));
	const json_t *v = json_object_get(one, "value"), *w;
	enum value_type type;
	size_t i, n;

	*ok = false;
	*c = (struct cond){ 0 };
	if (!json_is_object(one)) {
		wrong(cx, "conditions", "Conditions: each is an object with field, operator and value");
		return;
	}
	if ((c->row = cond_of(name, &c->field, &c->key)) == NULL || !(c->row->where & where)) {
		wrong(cx, "conditions", c->row == NULL ? "Conditions: names a field that is not known"
		    : "Conditions: names a field that cannot be used in this kind of rule");
		return;
	}
	if (op.n == 0)
		op = S("is");
	if (!op_of(op, &c->op) || !(c->row->ops & B(c->op)) || (!(where & IN_TRIGGER) && (B(c->op) & OPS_CHG))) {
		wrong(cx, "conditions", "Conditions: an operator does not fit its field");
		return;
	}
	type = c->row->type;
	if (c->op == OP_WITHIN_LAST || c->op == OP_WITHIN_NEXT)
		type = type == VAL_CUSTOM || type == VAL_PERSON ? type : VAL_DAYS;
	n = json_is_array(v) ? json_array_size(v) : 1;
	if (n > VALUES_MAX) {
		wrong(cx, "conditions", "Conditions: at most 100 values are allowed in one condition");
		return;
	}
	c->field_text = name;
	c->num = NEW(cx->arena, int64_t, VALUES_MAX);
	c->word = NEW(cx->arena, str, VALUES_MAX);
	*ok = true;
	if (c->op == OP_PRESENT || c->op == OP_NOT_PRESENT || c->op == OP_CHANGED || c->op == OP_NOT_CHANGED)
		return;
	for (i = 0; i < n; i++) {
		str s;
		w = json_is_array(v) ? json_array_get(v, i) : v;
		if (json_is_object(w) || json_is_array(w)) {
			wrong(cx, "conditions", "Conditions: a value must be a text, a number or an array of them");
			*ok = false;
			return;
		}
		s = str_trim(rule_text(cx, w));
		if (s.n == 0)
			continue;
		switch (type) {
		case VAL_TAGS:
			for (s = tag_lower(cx, s); s.n;) {
				str tag = str_trim(str_cut(&s, ' '));
				if (tag.n && c->words < VALUES_MAX) {
					c->num[c->words] = (int64_t)rule_hash(tag);
					c->word[c->words++] = tag;
				}
			}
			break;
		case VAL_WORDS:
			s = words_fold(cx->arena, s);
			if (c->op == OP_IS || c->op == OP_IS_NOT)
				c->word[c->words++] = s;
			else
				while (s.n) {
					str word = str_trim(str_cut(&s, ' '));
					if (word.n && c->words < VALUES_MAX)
						c->word[c->words++] = word;
				}
			break;
		case VAL_TEXT:
			c->word[c->words++] = s;
			break;
		case VAL_CUSTOM: case VAL_PERSON:
			c->word[c->words] = str_lower(cx->arena, s);
			c->num[c->words] = (int64_t)rule_hash(c->word[c->words]);
			c->words++;
			break;
		default:
			if (!rule_number(type, s, &c->num[c->nums])) {
				wrong(cx, "conditions", "Conditions: a value does not fit its field");
				*ok = false;
				return;
			}
			c->nums++;
		}
	}
	/* Where "none" means nothing, a value must be there. */
	if (c->nums + c->words == 0 && (type == VAL_STATUS || type == VAL_VIA || type == VAL_UPDATE || type == VAL_COMMENT
	    || type == VAL_ROLE || type == VAL_SCORE || type == VAL_WORDS || type == VAL_TAGS || type == VAL_HOURS || type == VAL_COUNT
	    || type == VAL_PUBLIC || type == VAL_DAYS || type == VAL_SCHEDULE || type == VAL_LOCALE || type == VAL_ATTACHED || c->op == OP_LESS || c->op == OP_GREATER)) {
		wrong(cx, "conditions", "Conditions: a value is missing");
		*ok = false;
	}
}

static int
read_conds(struct ctx *cx, const json_t *list, unsigned where, struct cond **out)
{
	const json_t *one;
	size_t i;
	int n = 0;
	bool ok;

	*out = NULL;
	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list)) {
		wrong(cx, "conditions", "Conditions: all and any must be arrays");
		return 0;
	}
	if (json_array_size(list) > 50) {
		wrong(cx, "conditions", "Conditions: at most 50 are allowed");
		return 0;
	}
	*out = NEW(cx->arena, struct cond, json_array_size(list) + 1);
	json_array_foreach(list, i, one) {
		read_cond(cx, one, where, &(*out)[n], &ok);
		n += ok;
	}
	return n;
}

static json_t *
parse(struct ctx *cx, str text)
{
	json_t *j = NULL;

	if (text.n == 0 || json_parse(cx, text, &j) != OK) {
		fail_forget(cx);
		return NULL;
	}
	return j;
}

void
rule_compile(struct ctx *cx, const struct rule *r, struct compiled *out)
{
	unsigned where = rule_place(r->kind);
	const json_t *conditions = parse(cx, r->conditions), *actions = parse(cx, r->actions), *one;
	size_t i;
	bool ok;

	*out = (struct compiled){ .r = *r };
	out->extra = parse(cx, r->extra);
	if (r->kind == RULE_SCHEDULE) {
		calendar_read(cx, out->extra, &out->calendar);
		return;
	}
	if (r->kind == RULE_SLA || r->kind == RULE_GROUP_SLA)
		sla_read(cx, out);
	if (r->kind != RULE_MACRO) {
		out->alls = read_conds(cx, json_object_get(conditions, "all"), where, &out->all);
		out->anys = read_conds(cx, json_object_get(conditions, "any"), where, &out->any);
	}
	if (r->kind == RULE_MACRO || r->kind == RULE_TRIGGER || r->kind == RULE_AUTOMATION) {
		if (!json_is_array(actions) || json_array_size(actions) == 0)
			bad(cx, "actions", "BlankValue", "Actions: cannot be blank");
		else if (json_array_size(actions) > 50)
			wrong(cx, "actions", "Actions: at most 50 are allowed");
		else {
			out->act = NEW(cx->arena, struct act, json_array_size(actions));
			json_array_foreach(actions, i, one) {
				act_read(cx, one, where, &out->act[out->acts], &ok);
				out->acts += ok;
			}
		}
	}
}

static bool
names_hidden(struct ctx *cx, const struct cond *k)
{
	switch (k->row->type) {
	case VAL_CUSTOM: return !field_readable(cx, k->field);
	case VAL_PERSON: return !field_person_readable(cx, str_eq(str_of(k->row->name), S(ORGANIZATION_FIELD)), k->key);
	default:         return false;
	}
}

void
rule_fields_check(struct ctx *cx, const struct compiled *c)
{
	for (int i = 0; i < c->alls + c->anys; i++)
		if (names_hidden(cx, i < c->alls ? &c->all[i] : &c->any[i - c->alls]))
			wrong(cx, "conditions", "Conditions: names a field that is not known");
}

bool
rule_hidden(struct ctx *cx, const struct compiled *c)
{
	for (int i = 0; i < c->alls + c->anys; i++)
		if (names_hidden(cx, i < c->alls ? &c->all[i] : &c->any[i - c->alls]))
			return true;
	return false;
}

/* ---- holding -------------------------------------------------------------------------------------------------------------------- */

bool
cond_holds(struct subject *s, const struct cond *c)
{
	return c->row->eval(s, c);
}

bool
rule_holds(struct subject *s, const struct compiled *c)
{
	bool any = c->anys == 0;

	for (int i = 0; i < c->alls; i++)
		if (!cond_holds(s, &c->all[i]))
			return false;
	for (int i = 0; i < c->anys && !any; i++)
		any = cond_holds(s, &c->any[i]);
	return any;
}
