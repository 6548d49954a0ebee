/* may.c - may this actor do this, to this?
 *
 * One table: a row per permission, a column per kind of actor, a cell of YES,
 * NO or a condition. Routes ask without an object, and a condition then means
 * "perhaps"; the domain asks again with the object. What has no row is NO.
 *
 * A condition that fails on a thing the actor may not even know gives
 * E_ABSENT, which reads the same as an id that does not exist; one that fails
 * on what they may see but not do gives E_DENIED.
 *
 * Which tickets an agent may see (Zendesk's ticket_restriction):
 *   always        assigned to them, or they are CC or follower
 *   all           every ticket outside private groups, and in their own groups
 *   groups        tickets of their own groups
 *   organization  tickets of their organization, private groups or not
 *   assigned      nothing else
 *   requested     tickets they requested
 *
 * A compliance officer is staff by role, and a column of its own by right: reads
 * proof and how the desk is protected, changes nothing, and sees PHI masked.
 */
#include "gate/inside.h"

struct rule {
	const char *name;
	bool        writes;         /* refused to a read-only token */
	enum grant  to[WHO_LAST];
};

static const struct rule rules[MAY_LAST] = {
	/*                                           writes nobody    end user   agent        officer     admin        system */
	[MAY_ANYONE]           = { "anyone",          false, { YES,     YES,       YES,         YES,        YES,         YES } },
	[MAY_SIGNED_IN]        = { "signed_in",       false, { NO,      YES,       YES,         YES,        YES,         YES } },
	[MAY_CREATE_TICKET]    = { "create_ticket",   true,  { NO,      NO,        YES,         NO,         YES,         YES } },
	[MAY_READ_TICKET]      = { "read_ticket",     false, { NO,      NO,        IF_VISIBLE,  IF_VISIBLE, YES,         YES } },
	[MAY_UPDATE_TICKET]    = { "update_ticket",   true,  { NO,      NO,        IF_VISIBLE,  NO,         YES,         YES } },
	[MAY_DELETE_TICKET]    = { "delete_ticket",   true,  { NO,      NO,        IF_DELETES,  NO,         YES,         YES } },
	[MAY_REDACT]           = { "redact",          true,  { NO,      NO,        IF_REDACTS,  NO,         YES,         YES } },
	[MAY_READ_REQUEST]     = { "read_request",    false, { NO,      IF_THEIRS, IF_THEIRS,   IF_THEIRS,  YES,         YES } },
	[MAY_CREATE_REQUEST]   = { "create_request",  true,  { IF_OPEN, YES,       YES,         YES,        YES,         YES } },
	[MAY_LIST_USERS]       = { "list_users",      false, { NO,      NO,        YES,         YES,        YES,         YES } },
	[MAY_READ_USER]        = { "read_user",       false, { NO,      IF_SELF,   YES,         YES,        YES,         YES } },
	[MAY_WRITE_USER]       = { "write_user",      true,  { NO,      NO,        IF_END_USER, NO,         YES,         YES } },
	[MAY_READ_GROUPS]      = { "read_groups",     false, { NO,      NO,        YES,         YES,        YES,         YES } },
	[MAY_WRITE_GROUPS]     = { "write_groups",    true,  { NO,      NO,        NO,          NO,         YES,         YES } },
	[MAY_READ_ORGS]        = { "read_orgs",       false, { NO,      NO,        YES,         YES,        YES,         YES } },
	[MAY_WRITE_ORGS]       = { "write_orgs",      true,  { NO,      NO,        NO,          NO,         YES,         YES } },
	[MAY_SEARCH]           = { "search",          false, { NO,      NO,        YES,         NO,         YES,         YES } },
	[MAY_EXPORT]           = { "export",          false, { NO,      NO,        NO,          NO,         YES,         YES } },
	[MAY_READ_TRAIL]       = { "read_trail",      false, { NO,      NO,        NO,          YES,        YES,         YES } },
	[MAY_READ_POSTURE]     = { "read_posture",    false, { NO,      NO,        NO,          YES,        YES,         YES } },
	[MAY_READ_JOBS]        = { "read_jobs",       false, { NO,      NO,        IF_SELF,     IF_SELF,    YES,         YES } },
	[MAY_SUSPENDED]        = { "suspended",       true,  { NO,      NO,        IF_SEES_ALL, NO,         YES,         YES } },
	[MAY_OWN_FACTOR]       = { "own_factor",      true,  { NO,      NO,        YES,         YES,        YES,         YES } },
	[MAY_READ_RULES]       = { "read_rules",      false, { NO,      NO,        YES,         YES,        YES,         YES } },
	[MAY_WRITE_RULES]      = { "write_rules",     true,  { NO,      NO,        IF_SELF,     NO,         IF_SELF,     YES } },
	[MAY_MANAGE_RULES]     = { "manage_rules",    true,  { NO,      NO,        NO,          NO,         YES,         YES } },
	[MAY_ADMIN]            = { "admin",           true,  { NO,      NO,        NO,          NO,         YES,         YES } },
	[MAY_WRITE_ARTICLES]   = { "write_articles",  true,  { NO,      NO,        IF_WRITES,   NO,         YES,         YES } },
	[MAY_READ_REPORTS]     = { "read_reports",    false, { NO,      NO,        IF_SEES_ALL, YES,        YES,         YES } },
	[MAY_SEE_PHI]          = { "see_phi",         false, { NO,      YES,       IF_SEES_PHI, NO,         IF_SEES_PHI, YES } },
};

enum grant
may_grant(enum may what, enum who who)
{
	return what > 0 && what < MAY_LAST && (unsigned)who < WHO_LAST ? rules[what].to[who] : NO;
}

bool
may_writes(enum may what)
{
	return what > 0 && what < MAY_LAST ? rules[what].writes : true;
}

const char *
may_name(enum may what)
{
	return what > 0 && what < MAY_LAST ? rules[what].name : "unknown";
}

const char *
grant_name(enum grant g)
{
	static const char *const names[GRANT_LAST] = {
		[NO] = "no", [YES] = "yes", [IF_VISIBLE] = "visible", [IF_DELETES] = "visible+setting",
		[IF_REDACTS] = "visible+setting", [IF_WRITES] = "setting", [IF_THEIRS] = "theirs", [IF_SELF] = "self",
		[IF_END_USER] = "end users, self", [IF_SEES_ALL] = "sees all", [IF_OPEN] = "setting", [IF_SEES_PHI] = "sees PHI",
	};

	return (unsigned)g < GRANT_LAST ? names[g] : "unknown";
}

static enum who
who_is(const struct actor *a)
{
	if (is_nobody(a))
		return WHO_NOBODY;
	switch (a->role) {
	case ROLE_SYSTEM:   return WHO_SYSTEM;
	case ROLE_ADMIN:    return WHO_ADMIN;
	case ROLE_AGENT:    return a->officer ? WHO_OFFICER : WHO_AGENT;
	case ROLE_END_USER: return WHO_END_USER;
	}
	return WHO_NOBODY;
}

static enum err
denied(struct ctx *cx)
{
	return fail(cx, E_DENIED, NULL, "You do not have access to this page.");
}

static enum err
absent(struct ctx *cx)
{
	return fail(cx, E_ABSENT, NULL, "Not found");
}

static bool
in_cc(const struct about *o, int64_t user_id)
{
	for (int i = 0; i < o->cc_count; i++)
		if (o->cc[i] == user_id)
			return true;
	return false;
}

static enum err
visible(struct ctx *cx, const struct about *o, bool *yes)
{
	const struct actor *a = cx->actor;
	bool closed;

	*yes = o->assignee_id == a->user_id || in_cc(o, a->user_id);
	if (*yes)
		return OK;
	switch (a->sees) {
	case SEE_ALL:
		*yes = true;
		if (o->group_id == 0)
			return OK;
		TRY(private_group(cx, o->group_id, &closed));
		return closed ? my_group(cx, a->user_id, o->group_id, yes) : OK;
	case SEE_GROUPS:
		return o->group_id != 0 ? my_group(cx, a->user_id, o->group_id, yes) : OK;
	case SEE_ORGANIZATION:
		*yes = a->organization_id != 0 && o->organization_id == a->organization_id;
		return OK;
	case SEE_ASSIGNED:
		return OK;
	case SEE_REQUESTED:
		*yes = o->requester_id == a->user_id;
		return OK;
	}
	return OK;
}

/* Through the requests' door. Agents pass it with what they requested
 * themselves and what they may see as a ticket. */
static enum err
theirs(struct ctx *cx, const struct about *o, bool *yes)
{
	const struct actor *a = cx->actor;
	struct row row;
	bool found;

	*yes = o->requester_id == a->user_id || in_cc(o, a->user_id);
	if (a->role != ROLE_END_USER) {
		if (*yes && !o->is_private)
			return OK;
		return visible(cx, o, yes);
	}
	if (o->is_private)
		*yes = false;
	if (*yes || o->is_private || a->organization_id == 0 || o->organization_id != a->organization_id)
		return OK;
	TRY(find_one(cx, &st_org_shared, ARGS(INT(cx->account), INT(o->organization_id)), &row, &found));
	*yes = found && row_int(&row, 0) != 0;
	return OK;
}

static enum err
with_setting(struct ctx *cx, const struct about *o, const char *setting)
{
	bool yes = true;

	if (o != NULL && o->has_object)
		TRY(visible(cx, o, &yes));
	if (!yes)
		return absent(cx);
	return gate_setting_bool(cx, setting, false) ? OK : denied(cx);
}

/* Which limit of a custom role shuts a permission as a whole. */
static const enum role_limit limit_of[MAY_LAST] = {
	[MAY_DELETE_TICKET] = LIMIT_DELETE, [MAY_REDACT] = LIMIT_REDACT, [MAY_LIST_USERS] = LIMIT_USER_LIST,
	[MAY_READ_REPORTS] = LIMIT_REPORTS, [MAY_SUSPENDED] = LIMIT_SUSPENDED,
};

/* May the actor, whom a role limits, write this person. */
static bool
may_person(const struct ctx *cx, const struct about *o)
{
	if (o->user_id == cx->actor->user_id)
		return true;
	if (gate_limited(cx, LIMIT_USER_WRITE))
		return false;
	return !gate_limited(cx, LIMIT_USER_OUTSIDE) || (o->organization_id != 0 && o->organization_id == cx->actor->organization_id);
}

enum err
gate_may(struct ctx *cx, enum may what, const struct about *o)
{
	const struct actor *a = cx->actor;
	enum grant g = may_grant(what, who_is(a));
	bool object = o != NULL && o->has_object, yes = false;

	if (g == NO)
		return is_nobody(a) ? fail(cx, E_WHO, NULL, "Couldn't authenticate you") : denied(cx);
	if (a != NULL && a->read_only && may_writes(what))
		return denied(cx);
	if (a != NULL && a->enrolling && what != MAY_ANYONE && what != MAY_OWN_FACTOR)
		return fail(cx, E_DENIED, "second_factor", "Set up a second factor first.");
	if (a != NULL && a->limits != 0 && (gate_limited(cx, limit_of[what]) || (object && what == MAY_WRITE_USER && !may_person(cx, o))))
		return denied(cx);
	switch (g) {
	case YES:
		return OK;
	case IF_VISIBLE:
		if (!object)
			return OK;
		TRY(visible(cx, o, &yes));
		return yes ? OK : absent(cx);
	case IF_WRITES:
		return gate_setting_bool(cx, "agents_write_articles", false) ? OK : fail(cx, E_DENIED, NULL, "agents may not write articles here");
	case IF_DELETES:
		return with_setting(cx, o, "agent_ticket_deletion");
	case IF_REDACTS:
		return with_setting(cx, o, "agent_ticket_redaction");
	case IF_THEIRS:
		if (!object)
			return OK;
		TRY(theirs(cx, o, &yes));
		return yes ? OK : absent(cx);
	case IF_SELF:
		return !object || o->user_id == a->user_id ? OK : absent(cx);
	case IF_END_USER:
		if (!object || o->role == ROLE_END_USER || o->user_id == a->user_id)
			return OK;
		return denied(cx);
	case IF_SEES_ALL:
		return a->sees == SEE_ALL ? OK : denied(cx);
	case IF_SEES_PHI:
		return a->sees_phi ? OK : denied(cx);
	case IF_OPEN:
		return gate_setting_bool(cx, "anonymous_requests", false) ? OK :
		    fail(cx, E_WHO, NULL, "Couldn't authenticate you");
	case NO:
	case GRANT_LAST:
		break;
	}
	return denied(cx);
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		h = (h ^ (v >> 8 * i & 0xff)) * 1099511628211u;
	return h;
}

enum err
gate_rights(struct ctx *cx, uint64_t *out)
{
	const struct actor *a = cx->actor;
	const int64_t *mine;
	int64_t *privates;
	uint64_t h = 1469598103934665603u;
	int count, private_count;

	TRY(gate_my_groups(cx, &mine, &count));
	TRY(private_groups(cx, &privates, &private_count));
	for (int i = 0; i < count; i++)
		h = mix(h, (uint64_t)mine[i]);
	h = mix(h, (uint64_t)count);
	for (int i = 0; i < private_count; i++)
		h = mix(h, (uint64_t)privates[i]);
	h = mix(mix(mix(h, (uint64_t)a->role), (uint64_t)a->sees), (uint64_t)a->organization_id);
	h = mix(mix(h, a->limits), (uint64_t)a->officer << 3 | (uint64_t)a->read_only << 2 | (uint64_t)a->sees_phi << 1 | (uint64_t)a->enrolling);
	for (enum may m = MAY_ANYONE; m < MAY_LAST; m++) {
		h = mix(h, gate_may(cx, m, NULL) == OK);
		fail_forget(cx);
	}
	*out = h;
	return OK;
}
