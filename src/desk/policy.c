/* policy.c - the rules that say what happens to PHI, and their versions.
 *
 * A version is a row of phi_policy and never changes but for its state. The
 * one in force is in memory, replaced when an activation is durable; requests
 * that began before go on with the one they took, so none is ever freed before
 * the program ends (a version is some kilobytes, an activation a rare thing).
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "desk/in.h"
#include "desk/known.h"
#include "phi.h"

_Static_assert(POLICY_CARD == (int)PHI_KINDS, "the policy's own kinds follow libphi's");

enum { PDOC_RULE = 1, PDOC_WHY, PDOC_ALLOW, PDOC_MASK };
#define WHY_MAX   2000
#define ALLOW_MAX 200

/* ---- names --------------------------------------------------------------------------------------------- */

static const char *const kind_words[POLICY_KINDS] = {
	"a person's name", "a place smaller than a state", "the name of a facility", "a date more exact than a year",
	"an age of 90 or more", "a phone number", "a fax number", "an e-mail address", "a social security number",
	"a medical record number", "a health plan number", "an account number", "a licence number", "a vehicle number",
	"a device number", "a web address", "an IP address", "a biometric identifier", "a photograph of a face",
	"another identifying number", "a card number", "a password",
};
static const char *const treatments[] = { "keep", "move", "redact", "hold", "block" };
static const char *const places[] = { "subject", "comment", "note", "custom_field", "attachment_name", "attachment_text" };
static const char *const channels[] = { "api", "email", "form", "chat" };

static int
index_of(str name, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(words[i])))
			return (int)i;
	return -1;
}

const char *
policy_kind_name(int kind)
{
	return kind == POLICY_CARD ? "CARD" : kind == POLICY_PASSWORD ? "PASSWORD"
	    : kind >= 0 && kind < PHI_KINDS ? phi_kind_name((enum phi_kind)kind) : NULL;
}

const char *
policy_kind_words(int kind)
{
	return kind >= 0 && kind < POLICY_KINDS ? kind_words[kind] : "an identifier";
}

int
policy_kind_of(str name)
{
	for (int i = 0; i < POLICY_KINDS; i++)
		if (str_eqi(name, str_of(policy_kind_name(i))))
			return i;
	return -1;
}

const char *treatment_name(enum treatment t) { return (size_t)t < COUNT(treatments) ? treatments[t] : "keep"; }
const char *place_name(enum phi_place p) { return (size_t)p < COUNT(places) ? places[p] : "comment"; }
const char *channel_name(enum phi_channel c) { return (size_t)c < COUNT(channels) ? channels[c] : "api"; }
int treatment_of(str name) { return index_of(name, treatments, COUNT(treatments)); }
int phi_place_of(str name) { return index_of(name, places, COUNT(places)); }
int phi_channel_of(str name) { return index_of(name, channels, COUNT(channels)); }

enum phi_channel
policy_channel(str via)
{
	static const struct { const char *via; enum phi_channel channel; } rows[] = {
		{ "email", CHANNEL_EMAIL }, { "mail", CHANNEL_EMAIL }, { "web", CHANNEL_FORM }, { "web_form", CHANNEL_FORM },
		{ "form", CHANNEL_FORM }, { "chat", CHANNEL_CHAT }, { "native_messaging", CHANNEL_CHAT }, { "sms", CHANNEL_CHAT },
		{ "messaging", CHANNEL_CHAT }, { "whatsapp", CHANNEL_CHAT }, { "desk", CHANNEL_API },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(via, str_of(rows[i].via)))
			return rows[i].channel;
	return CHANNEL_API;
}

/* ISO/IEC 7812-1: 12 to 19 digits, a blank or a dash between them, the last one of Luhn's. */
static bool
is_card(str s)
{
	char d[20];
	int n = 0, sum = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= '0' && c <= '9') {
			if (n == 19)
				return false;
			d[n++] = (char)(c - '0');
		} else if (n > 0 && c != ' ' && c != '-' && c != '.' && c != '\n') {
			if (n >= 12)
				break;
			n = 0;
		}
	}
	if (n < 12 || d[0] < 2 || d[0] > 6)
		return false;
	for (int i = 0; i < n; i++) {
		int v = d[n - 1 - i] * (i % 2 ? 2 : 1);
		sum += v > 9 ? v - 9 : v;
	}
	return sum % 10 == 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_password(str s)
{
	static const char *const labels[] = { "password", "passwd", "passcode", "passphrase", "passwort", "pwd", "pw", "contrase",
	    "pin" };

	for (size_t i = 0; i < COUNT(labels); i++) {
		size_t n = strlen(labels[i]), at = str_findi(s, str_of(labels[i]));
		if (at != SIZE_MAX && (at == 0 || !is_letter(s.p[at - 1])) && s.n > at + n + 2
		    && (i == 7 || !is_letter(s.p[at + n])))
			return true;
	}
	return false;
}

/* What two detectors saw in one place is one finding with the rule of either,
 * so the value itself is asked as well. */
int
policy_kind(str label, str rule, str value)
{
	int kind = phi_kind_of(label.p, label.n);

	if (kind == PHI_ACCOUNT && (str_eq(rule, S("card.grouped")) || str_eq(rule, S("card.run")) || str_eq(rule, S("card.code"))))
		return POLICY_CARD;
	if (kind == PHI_OTHERID && (str_starts(rule, S("password.")) || is_password(value)))
		return POLICY_PASSWORD;
	if (kind >= PHI_SSN && is_card(value))
		return POLICY_CARD;
	return kind < 0 ? PHI_OTHERID : kind;
}

/* ---- rules ----------------------------------------------------------------------------------------------- */

#define ANY_KIND    ((1u << POLICY_KINDS) - 1)
#define ANY_PLACE   ((1u << PLACES) - 1)
#define ANY_CHANNEL ((1u << CHANNELS) - 1)

void
policy_defaults(struct policy_doc *out)
{
	static const struct policy_rule rules[] = {
		{ 1u << PHI_SSN | 1u << POLICY_CARD | 1u << POLICY_PASSWORD, ANY_PLACE, ANY_CHANNEL, 60, PHI_REDACT },
		/* What is only perhaps a name must not make subjects unreadable. */
		{ ANY_KIND & ~(1u << PHI_OTHERID | 1u << PHI_URL), 1u << PLACE_SUBJECT, ANY_CHANNEL, 70, PHI_MOVE },
		{ 1u << PHI_OTHERID | 1u << PHI_URL, 1u << PLACE_SUBJECT, ANY_CHANNEL, 85, PHI_MOVE },
	};

	*out = (struct policy_doc){ .state = POLICY_PAST, .rules = COUNT(rules),
	    .why = HIDE(S("The defaults: keep in texts, move out of subjects, destroy card numbers, social security numbers"
	    " and passwords.")) };
	memcpy(out->rule, rules, sizeof rules);
}

enum treatment
policy_treatment(const struct policy_doc *p, int kind, enum phi_place place, enum phi_channel channel, int score)
{
	for (int i = 0; i < p->rules; i++) {
		const struct policy_rule *r = &p->rule[i];
		if ((r->kinds >> kind & 1) && (r->places >> place & 1) && (r->channels >> channel & 1) && score >= r->min_score
		    && (r->treatment != PHI_MOVE || place == PLACE_SUBJECT))
			return r->treatment;
	}
	return PHI_KEEP;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

#define COLS "p.version, p.key_id, p.state, p.author_id, p.created_at, p.activated_by, p.activated_at, p.doc"
#define OUT "iiiiii?i?S"
#define SEAL { { "phi_policy", "doc", 0 } }

static const struct stmt insert_policy = {
	.name = "phi_policy.insert",
	.sql  = "INSERT INTO phi_policy (account_id, version, key_id, state, author_id, created_at, doc)"
	        " VALUES ($1, $2, $3, 0, $4, $5, $6)",
	.in   = "iiiiiS", .seal_in = { { "phi_policy", "doc", 1 } },
};

static const struct stmt get_policy = {
	.name = "phi_policy.get",
	.sql  = "SELECT " COLS " FROM phi_policy p WHERE p.account_id = $1 AND p.version = $2",
	.in   = "ii", .out = OUT, .seal_out = SEAL,
};

static const struct stmt in_force = {
	.name = "phi_policy.in_force",
	.sql  = "SELECT " COLS " FROM phi_policy p WHERE p.account_id = $1 AND p.state = 1",
	.in   = "i", .out = OUT, .seal_out = SEAL,
};

static const struct stmt list_policies = {
	.name = "phi_policy.list",
	.sql  = "SELECT " COLS " FROM phi_policy p WHERE p.account_id = $1 ORDER BY p.version DESC LIMIT 200",
	.in   = "i", .out = OUT, .seal_out = SEAL,
};

static const struct stmt retire = {
	.name = "phi_policy.retire",
	.sql  = "UPDATE phi_policy SET state = 2 WHERE account_id = $1 AND state = 1",
	.in   = "i",
};

static const struct stmt activate = {
	.name = "phi_policy.activate",
	.sql  = "UPDATE phi_policy SET state = 1, activated_by = $3, activated_at = $4 WHERE account_id = $1 AND version = $2",
	.in   = "iiii",
};

static const struct stmt discard = {
	.name = "phi_policy.discard",
	.sql  = "DELETE FROM phi_policy WHERE account_id = $1 AND version = $2 AND state = 0",
	.in   = "ii",
};

const struct stmt *const policy_stmts[] = {
	&insert_policy, &get_policy, &in_force, &list_policies, &retire, &activate, &discard, NULL
};

static str
doc_of(struct ctx *cx, const struct policy_doc *p)
{
	struct buf b, one;

	buf_init(&b, cx->arena, 256 * KiB);
	for (int i = 0; i < p->rules; i++) {
		const struct policy_rule *r = &p->rule[i];
		buf_init(&one, cx->arena, 64);
		put_varint(&one, r->kinds);
		put_varint(&one, r->places);
		put_varint(&one, r->channels);
		put_varint(&one, (uint64_t)r->min_score);
		put_varint(&one, r->treatment);
		pack_put(&b, PDOC_RULE, buf_str(&one));
	}
	pack_put(&b, PDOC_WHY, reveal(cx, p->why, TO_STORE));
	for (int i = 0; i < p->allow_count; i++)
		pack_put(&b, PDOC_ALLOW, reveal(cx, p->allow[i], TO_STORE));
	if (p->mask)
		pack_put(&b, PDOC_MASK, S("1"));
	return buf_str(&b);
}

/* Its texts are copied into `a`. */
static void
from_row(struct arena *a, const struct row *r, struct policy_doc *p)
{
	str rest = row_sensitive(r, 7).hidden, v;
	uint64_t n[5];
	uint8_t tag;

	*p = (struct policy_doc){ .version = row_int(r, 0), .state = (enum policy_state)row_int(r, 2), .author_id = row_int(r, 3),
	    .created_at = row_int(r, 4), .activated_by = row_int(r, 5), .activated_at = row_int(r, 6) };
	p->allow = NEW(a, sensitive, ALLOW_MAX);
	while (pack_next(&rest, &tag, &v))
		switch (tag) {
		case PDOC_RULE:
			if (p->rules < POLICY_RULES && get_varint(&v, &n[0]) && get_varint(&v, &n[1]) && get_varint(&v, &n[2])
			    && get_varint(&v, &n[3]) && get_varint(&v, &n[4]) && n[4] < TREATMENTS)
				p->rule[p->rules++] = (struct policy_rule){ (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2], (int)n[3],
				    (enum treatment)n[4] };
			break;
		case PDOC_WHY:   p->why = HIDE(str_dup(a, v)); break;
		case PDOC_ALLOW:
			if (p->allow_count < ALLOW_MAX)
				p->allow[p->allow_count++] = HIDE(str_dup(a, v));
			break;
		case PDOC_MASK:  p->mask = true; break;
		default: break;
		}
}

/* ---- the one in force ---------------------------------------------------------------------------------------- */

struct policy {
	_Atomic(const struct policy_doc *) now;
	struct arena *arena;           /* of all versions that were in force since the start */
	struct known *known;
};

static const struct policy_doc *
defaults(void)
{
	static struct policy_doc d;
	static atomic_bool made;

	/* Written with the same values by whoever comes first. */
	if (!atomic_load(&made)) {
		policy_defaults(&d);
		d.state = POLICY_IN_FORCE;
		atomic_store(&made, true);
	}
	return &d;
}

const struct policy_doc *
policy_current(struct ctx *cx)
{
	const struct policy_doc *p = cx->sys->policy != NULL ? atomic_load(&cx->sys->policy->now) : NULL;

	return p != NULL ? p : defaults();
}

struct known *
policy_known(struct ctx *cx)
{
	return cx->sys->policy != NULL ? cx->sys->policy->known : NULL;
}

enum err
policy_open(struct ctx *cx, struct policy **out)
{
	struct policy *p = calloc(1, sizeof *p);
	struct policy_doc *d;
	struct row r;
	enum err e;

	if (p == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	(void)defaults();
	p->arena = arena_new();
	e = store_one(cx, &in_force, ARGS(INT(cx->account)), &r);
	if (e == OK && row_erased(&r, 7))
		e = fail(cx, E_FAULT, NULL, "the PHI policy in force cannot be opened");
	if (e == OK) {
		d = NEW(p->arena, struct policy_doc, 1);
		from_row(p->arena, &r, d);
		atomic_store(&p->now, d);
	} else if (e == E_ABSENT) {
		fail_forget(cx);
		e = OK;
	}
	if (e == OK)
		e = known_open(cx, p->now ? p->now : defaults(), &p->known);
	if (e != OK) {
		policy_close(&p);
		return e;
	}
	*out = p;
	return OK;
}

void
policy_close(struct policy **pp)
{
	struct policy *p = *pp;

	if (p == NULL)
		return;
	known_close(&p->known);
	arena_free(&p->arena);
	free(p);
	*pp = NULL;
}

/* ---- changing it --------------------------------------------------------------------------------------------- */

enum err
policy_get(struct ctx *cx, int64_t version, struct policy_doc *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_READ_POSTURE, NULL));
	if (version == 0) {
		policy_defaults(out);
		if (policy_current(cx)->version == 0)
			out->state = POLICY_IN_FORCE;
		return OK;
	}
	TRY(store_one(cx, &get_policy, ARGS(INT(cx->account), INT(version)), &r));
	from_row(cx->arena, &r, out);
	return OK;
}

enum err
policy_list(struct ctx *cx, struct policy_doc **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_READ_POSTURE, NULL));
	TRY(store_all(cx, &list_policies, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct policy_doc, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		from_row(cx->arena, &rs.row[i], &(*out)[i]);
	policy_defaults(&(*out)[rs.count]);
	if (policy_current(cx)->version == 0)
		(*out)[rs.count].state = POLICY_IN_FORCE;
	*count = rs.count + 1;
	return OK;
}

struct change { const struct policy_doc *in; struct policy_doc out; int64_t version, expected; };

/* The rules in words, for the trail: what was allowed when must be answerable years later. */
static str
rules_text(struct ctx *cx, const struct policy_doc *p)
{
	struct buf b;

	buf_init(&b, cx->arena, 256 * KiB);
	for (int i = 0; i < p->rules; i++) {
		const struct policy_rule *r = &p->rule[i];
		bool first = true;
		buf_fmt(&b, "%s%s ", i ? "; " : "", treatment_name(r->treatment));
		if (r->kinds == ANY_KIND)
			buf_add(&b, S("any kind"));
		for (int k = 0; k < POLICY_KINDS && r->kinds != ANY_KIND; k++)
			if (r->kinds >> k & 1) {
				buf_fmt(&b, "%s%s", first ? "" : ",", policy_kind_name(k));
				first = false;
			}
		for (int k = 0; k < PLACES && r->places != ANY_PLACE; k++)
			if (r->places >> k & 1)
				buf_fmt(&b, " in:%s", place_name((enum phi_place)k));
		for (int k = 0; k < CHANNELS && r->channels != ANY_CHANNEL; k++)
			if (r->channels >> k & 1)
				buf_fmt(&b, " by:%s", channel_name((enum phi_channel)k));
		if (r->min_score)
			buf_fmt(&b, " from score %d", r->min_score);
	}
	return buf_str(&b);
}

static enum err
draft_tx(struct ctx *cx, void *arg)
{
	struct change *c = arg;
	struct trail_field f[2];
	int64_t key;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	c->out = *c->in;
	c->out.state = POLICY_DRAFT;
	c->out.author_id = cx->actor->user_id;
	c->out.created_at = cx->now;
	c->out.activated_at = c->out.activated_by = 0;
	TRY(store_next_id(cx, "phi_policy", &c->out.version));
	TRY(store_key_new(cx, &key));
	TRY(store_exec(cx, &insert_policy, ARGS(INT(cx->account), INT(c->out.version), INT(key), INT(c->out.author_id),
	    INT(cx->now), SEALED(key, HIDE(doc_of(cx, &c->out)))), NULL));
	f[0] = (struct trail_field){ .name = "rules", .after = HIDE(rules_text(cx, &c->out)), .has_after = true };
	f[1] = (struct trail_field){ .name = "why", .after = c->out.why, .has_after = true };
	return trail_append(cx, &(struct event){ .action = "phi_policy.draft", .object = "phi_policy", .id = c->out.version,
	    .key = key, .field = f, .count = 2 });
}

enum err
policy_draft(struct ctx *cx, const struct policy_doc *in, struct policy_doc *out)
{
	struct change c = { .in = in };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	for (int i = 0; i < in->rules; i++)
		if (in->rule[i].treatment == PHI_MOVE && !(in->rule[i].places & 1u << PLACE_SUBJECT)) {
			bad(cx, "rules", "InvalidValue", "Rules: move takes PHI out of subjects; name the place subject");
			break;
		}
	if (str_trim(in->why.hidden).n == 0)
		bad(cx, "why", "BlankValue", "Why: say why the policy is to change");
	if (in->why.hidden.n > WHY_MAX)
		bad(cx, "why", "TooLong", "Why: is too long (maximum is 2000 bytes)");
	if (in->allow_count > ALLOW_MAX)
		bad(cx, "allow", "TooManyValues", "Allow: at most 200 values");
	TRY(bad_check(cx));
	TRY(store_write(cx, draft_tx, &c));
	*out = c.out;
	return OK;
}

static void
switch_on(struct sys *sys, void *arg)
{
	const struct policy_doc *in = arg;
	struct policy *p = sys->policy;
	struct policy_doc *d;

	if (p == NULL)
		return;
	if (in->version == 0) {
		atomic_store(&p->now, NULL);
		known_allow(p->known, defaults());
		return;
	}
	/* The writer thread alone comes here. */
	d = NEW(p->arena, struct policy_doc, 1);
	*d = *in;
	d->why = HIDE(str_dup(p->arena, in->why.hidden));
	d->allow = NEW(p->arena, sensitive, in->allow_count + 1);
	for (int i = 0; i < in->allow_count; i++)
		d->allow[i] = HIDE(str_dup(p->arena, in->allow[i].hidden));
	atomic_store(&p->now, d);
	known_allow(p->known, d);
}

static enum err
activate_tx(struct ctx *cx, void *arg)
{
	struct change *c = arg;
	const struct policy_doc *now = policy_current(cx);
	struct policy_doc *kept;
	struct row r;
	struct trail_field f[2];
	int64_t before = 0;
	enum err e;

	TRY(policy_get(cx, c->version, &c->out));
	if ((e = store_one(cx, &in_force, ARGS(INT(cx->account)), &r)) == OK)
		before = row_int(&r, 0);
	else if (e == E_ABSENT)
		fail_forget(cx);
	else
		return e;
	if (c->expected >= 0 && c->expected != before)
		return fail(cx, E_CONFLICT, "expected", "another version is in force by now; look at it before you replace it");
	if (before == c->version)
		return OK;
	TRY(store_exec(cx, &retire, ARGS(INT(cx->account)), NULL));
	if (c->version != 0)
		TRY(store_exec(cx, &activate, ARGS(INT(cx->account), INT(c->version), INT(cx->actor->user_id), INT(cx->now)), NULL));
	c->out.state = POLICY_IN_FORCE;
	c->out.activated_by = cx->actor->user_id;
	c->out.activated_at = cx->now;
	kept = NEW(cx->arena, struct policy_doc, 1);
	*kept = c->out;
	store_after(cx, switch_on, kept);
	f[0] = (struct trail_field){ .name = "version", .before = HIDE(str_printf(cx->arena, "%lld", (long long)before)),
	    .after = HIDE(str_printf(cx->arena, "%lld", (long long)c->version)), .has_before = true, .has_after = true };
	f[1] = (struct trail_field){ .name = "rules", .before = HIDE(rules_text(cx, now)), .after = HIDE(rules_text(cx, &c->out)),
	    .has_before = true, .has_after = true };
	return trail_append(cx, &(struct event){ .action = "phi_policy.activate", .object = "phi_policy", .id = c->version,
	    .field = f, .count = 2 });
}

enum err
policy_activate(struct ctx *cx, int64_t version, int64_t expected, struct policy_doc *out)
{
	struct change c = { .version = version, .expected = expected };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_write(cx, activate_tx, &c));
	*out = c.out;
	return OK;
}

static enum err
discard_tx(struct ctx *cx, void *arg)
{
	int64_t version = *(int64_t *)arg, gone;
	struct row r;

	TRY(store_one(cx, &get_policy, ARGS(INT(cx->account), INT(version)), &r));
	TRY(store_exec(cx, &discard, ARGS(INT(cx->account), INT(version)), &gone));
	if (gone == 0)
		return fail(cx, E_CONFLICT, NULL, "only a draft can be discarded; what was in force stays on record");
	TRY(store_key_destroy(cx, row_int(&r, 1)));
	return trail_append(cx, &(struct event){ .action = "phi_policy.discard", .object = "phi_policy", .id = version });
}

enum err
policy_discard(struct ctx *cx, int64_t version)
{
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_write(cx, discard_tx, &version));
	return store_erase(cx);
}
