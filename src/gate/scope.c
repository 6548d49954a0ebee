/* scope.c - what the scopes of a token let it do.
 *
 * A scope is a resource and a way, "tickets:read"; `read` and `write` are of
 * everything. A path is of every resource that a segment of it names, and takes
 * the scopes of all: /users/7/tickets/requested users:read and tickets:read.
 * What is of none (search, jobs, all of /api/ward/v1) takes `read` or `write`.
 * Resources that are not served here are known, so that a client may ask for
 * them in vain.
 */
#include "gate/inside.h"
#include "gate/oauth.h"

#define BOTH(n)  n, n ":read", n ":write"
#define READS(n) n, n ":read", NULL
#define WRITES(n) n, NULL, n ":write"
static const struct {
	const char *what, *read, *write;   /* the resource, and the names of its scopes */
	const char *segments;              /* " a b ": of a path */
} rows[] = {
	{ NULL, "read", "write",           " " },
	{ BOTH("tickets"),                 " tickets deleted_tickets ticket_metrics ticket_audits ticket_metric_events ticket_events"
	                                   " comment_redactions problems suspended_tickets " },
	{ BOTH("users"),                   " users end_users deleted_users user_fields " },
	{ BOTH("organizations"),           " organizations organization_memberships organization_subscriptions organization_fields"
	                                   " organization_merges " },
	{ BOTH("groups"),                  " groups group_memberships " },
	{ BOTH("hc"),                      " help_center " },
	{ BOTH("apps"),                    " apps " },
	{ BOTH("automations"),             " automations " },
	{ BOTH("targets"),                 " targets target_failures " },
	{ BOTH("triggers"),                " triggers trigger_categories " },
	{ BOTH("macros"),                  " macros " },
	{ BOTH("requests"),                " requests " },
	{ BOTH("satisfaction_ratings"),    " satisfaction_ratings satisfaction_rating satisfaction_reasons " },
	{ BOTH("dynamic_content"),         " dynamic_content " },
	{ BOTH("themes"),                  " themes " },
	{ BOTH("zis"),                     " zis " },
	{ BOTH("webhooks"),                " webhooks " },
	{ BOTH("account_settings"),        " account " },
	{ BOTH("brands"),                  " brands brand_agents " },
	{ BOTH("custom_objects"),          " custom_objects " },
	{ BOTH("deletion_schedules"),      " deletion_schedules " },
	{ BOTH("sla_policies"),            " slas group_slas " },
	{ BOTH("ticket_attachments"),      " attachments uploads " },
	{ BOTH("ticket_views"),            " views " },
	{ READS("auditlogs"),              " audit_logs " },
	{ READS("security"),               " security_settings " },
	{ WRITES("any_channel"),           " any_channel " },
	{ WRITES("web_widget"),            " web_widget " },
};
_Static_assert(COUNT(rows) <= 32, "two bits each");

static const char *
name_of(size_t row, bool write)
{
	return write ? rows[row].write : rows[row].read;
}

static uint64_t
bit_of(size_t row, bool write)
{
	return (uint64_t)1 << (2 * row + (write ? 1 : 0));
}

bool
scope_add(str name, uint64_t *set)
{
	for (size_t i = 0; i < 2 * COUNT(rows); i++)
		if (name_of(i / 2, i % 2) != NULL && str_eq(name, str_of(name_of(i / 2, i % 2)))) {
			*set |= bit_of(i / 2, i % 2);
			return true;
		}
	return false;
}

bool
scope_writes(uint64_t set)
{
	return (set & 0xAAAAAAAAAAAAAAAAu) != 0;
}

bool
scope_within(uint64_t part, uint64_t whole)
{
	if (whole & SCOPE_READ)
		whole |= 0x5555555555555555u;
	if (whole & SCOPE_WRITE)
		whole |= 0xAAAAAAAAAAAAAAAAu;
	return (part & ~whole) == 0;
}

const char *
scope_name(uint64_t set, int *i)
{
	while (*i < 2 * (int)COUNT(rows)) {
		int at = (*i)++;
		if (set >> at & 1)
			return name_of((size_t)at / 2, at % 2);
	}
	return NULL;
}

str
scope_text(struct ctx *cx, uint64_t set)
{
	const char *name;
	struct buf b;
	int i = 0;

	buf_init(&b, cx->arena, 4 * KiB);
	while ((name = scope_name(set, &i)) != NULL) {
		if (b.n)
			buf_byte(&b, ' ');
		buf_add(&b, str_of(name));
	}
	return buf_str(&b);
}

static bool
has_word(const char *words, str w)
{
	const char *p = words;

	while ((p = strstr(p, " ")) != NULL && p[1] != 0) {
		p++;
		if (strncmp(p, w.p, w.n) == 0 && p[w.n] == ' ')
			return true;
	}
	return false;
}

bool
gate_scope(const struct ctx *cx, str path, bool writes)
{
	const struct actor *a = cx->actor;
	bool named = false;
	str rest;

	if (a == NULL || !a->scoped || (a->scopes & bit_of(0, writes)))
		return true;
	if (!str_starts(path, S("/api/v2/")))
		return false;
	rest = str_sub(path, sizeof "/api/v2/" - 1, path.n);
	if (str_ends(rest, S(".json")))
		rest.n -= sizeof ".json" - 1;
	if (str_eq(rest, S("oauth/tokens/current")))
		return true;                       /* about itself */
	while (rest.n) {
		str seg = str_cut(&rest, '/');
		for (size_t i = 1; i < COUNT(rows) && seg.n; i++)
			if (has_word(rows[i].segments, seg)) {
				if (!(a->scopes & bit_of(i, writes)))
					return false;
				named = true;
			}
	}
	return named;
}
