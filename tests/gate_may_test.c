/* May this actor do this, to this: the table, then every condition with own
 * and foreign objects. */
#include "gate_world.h"

static struct world w;

/* ---- the table as it should be, written down a second time ---------------------------------------- */

static const struct {
	const char *why;           /* may_name() */
	enum may    what;
	enum grant  to[WHO_LAST];  /* nobody, end user, agent, officer, admin, system */
	bool        writes;
} table[] = {
	{ "anyone",         MAY_ANYONE,         { YES, YES, YES, YES, YES, YES },                        false },
	{ "signed_in",      MAY_SIGNED_IN,      { NO, YES, YES, YES, YES, YES },                         false },
	{ "create_ticket",  MAY_CREATE_TICKET,  { NO, NO, YES, NO, YES, YES },                           true },
	{ "read_ticket",    MAY_READ_TICKET,    { NO, NO, IF_VISIBLE, IF_VISIBLE, YES, YES },            false },
	{ "update_ticket",  MAY_UPDATE_TICKET,  { NO, NO, IF_VISIBLE, NO, YES, YES },                    true },
	{ "delete_ticket",  MAY_DELETE_TICKET,  { NO, NO, IF_DELETES, NO, YES, YES },                    true },
	{ "redact",         MAY_REDACT,         { NO, NO, IF_REDACTS, NO, YES, YES },                    true },
	{ "read_request",   MAY_READ_REQUEST,   { NO, IF_THEIRS, IF_THEIRS, IF_THEIRS, YES, YES },       false },
	{ "create_request", MAY_CREATE_REQUEST, { IF_OPEN, YES, YES, YES, YES, YES },                    true },
	{ "write_articles", MAY_WRITE_ARTICLES, { NO, NO, IF_WRITES, NO, YES, YES },                     true },
	{ "read_reports",   MAY_READ_REPORTS,   { NO, NO, IF_SEES_ALL, YES, YES, YES },                  false },
	{ "list_users",     MAY_LIST_USERS,     { NO, NO, YES, YES, YES, YES },                          false },
	{ "read_user",      MAY_READ_USER,      { NO, IF_SELF, YES, YES, YES, YES },                     false },
	{ "write_user",     MAY_WRITE_USER,     { NO, NO, IF_END_USER, NO, YES, YES },                   true },
	{ "read_groups",    MAY_READ_GROUPS,    { NO, NO, YES, YES, YES, YES },                          false },
	{ "write_groups",   MAY_WRITE_GROUPS,   { NO, NO, NO, NO, YES, YES },                            true },
	{ "read_orgs",      MAY_READ_ORGS,      { NO, NO, YES, YES, YES, YES },                          false },
	{ "write_orgs",     MAY_WRITE_ORGS,     { NO, NO, NO, NO, YES, YES },                            true },
	{ "search",         MAY_SEARCH,         { NO, NO, YES, NO, YES, YES },                           false },
	{ "export",         MAY_EXPORT,         { NO, NO, NO, NO, YES, YES },                            false },
	{ "read_trail",     MAY_READ_TRAIL,     { NO, NO, NO, YES, YES, YES },                           false },
	{ "read_posture",   MAY_READ_POSTURE,   { NO, NO, NO, YES, YES, YES },                           false },
	{ "read_jobs",      MAY_READ_JOBS,      { NO, NO, IF_SELF, IF_SELF, YES, YES },                  false },
	{ "suspended",      MAY_SUSPENDED,      { NO, NO, IF_SEES_ALL, NO, YES, YES },                   true },
	{ "own_factor",     MAY_OWN_FACTOR,     { NO, NO, YES, YES, YES, YES },                          true },
	{ "read_rules",     MAY_READ_RULES,     { NO, NO, YES, YES, YES, YES },                          false },
	{ "write_rules",    MAY_WRITE_RULES,    { NO, NO, IF_SELF, NO, IF_SELF, YES },                   true },
	{ "manage_rules",   MAY_MANAGE_RULES,   { NO, NO, NO, NO, YES, YES },                            true },
	{ "admin",          MAY_ADMIN,          { NO, NO, NO, NO, YES, YES },                            true },
	{ "see_phi",        MAY_SEE_PHI,        { NO, YES, IF_SEES_PHI, NO, IF_SEES_PHI, YES },          false },
};

static const struct actor actors[WHO_LAST] = {
	[WHO_NOBODY]   = { .role = ROLE_END_USER, .how = "nobody" },
	[WHO_END_USER] = { .role = ROLE_END_USER, .user_id = 901, .how = "session" },
	[WHO_AGENT]    = { .role = ROLE_AGENT, .user_id = 902, .how = "session" },
	[WHO_OFFICER]  = { .role = ROLE_AGENT, .officer = true, .user_id = 904, .how = "session" },
	[WHO_ADMIN]    = { .role = ROLE_ADMIN, .user_id = 903, .how = "session", .sees_phi = true },
	[WHO_SYSTEM]   = { .role = ROLE_SYSTEM, .how = "system" },
};

/* Every role asks at all, as routes do. */
static void
row(void **state)
{
	size_t i = ROW(state);

	assert_string_equal(may_name(table[i].what), table[i].why);
	assert_int_equal(may_writes(table[i].what), table[i].writes);
	for (int who = 0; who < WHO_LAST; who++) {
		enum grant g = table[i].to[who];
		struct actor a = actors[who];
		struct ctx cx;
		enum err want = g == NO ? (who == WHO_NOBODY ? E_WHO : E_DENIED) :
		    g == IF_OPEN ? E_WHO : g == IF_DELETES || g == IF_REDACTS || g == IF_WRITES || (g == IF_SEES_PHI && !a.sees_phi) ? E_DENIED : OK;

		assert_int_equal(may_grant(table[i].what, (enum who)who), g);
		ask(&w, &cx);
		cx.actor = &a;
		assert_int_equal(gate_may(&cx, table[i].what, NULL), want);
		again(&cx);
		/* A read-only token changes nothing, whoever it stands for. */
		a.read_only = who != WHO_NOBODY;
		assert_int_equal(gate_may(&cx, table[i].what, NULL),
		    a.read_only && table[i].writes ? E_DENIED : want);
		ctx_done(&cx);
	}
}

static void
nothing_is_missing_in_the_table(void **state UNUSED)
{
	assert_int_equal(COUNT(table), MAY_LAST - 1);
	for (int what = 0; what <= MAY_LAST + 1; what++) {
		print_message("%-16s", may_name((enum may)what));
		for (int who = 0; who < WHO_LAST; who++) {
			enum grant g = may_grant((enum may)what, (enum who)who);

			print_message(" %-16s", grant_name(g));
			if (what == 0 || what >= MAY_LAST)
				assert_int_equal(g, NO);
		}
		print_message("%s\n", may_writes((enum may)what) ? " writes" : "");
	}
}

static void
what_has_no_row_is_refused(void **state UNUSED)
{
	struct ctx cx;

	ask(&w, &cx);
	assert_int_equal(gate_may(&cx, MAY_SIGNED_IN, NULL), E_WHO);    /* no actor at all */
	again(&cx);
	cx.actor = &actors[WHO_ADMIN];
	assert_int_equal(gate_may(&cx, (enum may)0, NULL), E_DENIED);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_LAST, NULL), E_DENIED);
	ctx_done(&cx);
	/* An admin without an id is nobody. */
	ask(&w, &cx);
	cx.actor = &(struct actor){ .role = ROLE_ADMIN };
	assert_int_equal(gate_may(&cx, MAY_ADMIN, NULL), E_WHO);
	ctx_done(&cx);
}

/* ---- tickets --------------------------------------------------------------------------------------- */

/* Who asks, which ticket, what comes out. People and things by name; the
 * numbers come from setup. */
enum { NOONE, AGENT, OTHER, REQUESTER, STRANGER };
enum { NO_GROUP, OWN, FOREIGN, OWN_PRIVATE, FOREIGN_PRIVATE };
enum { NO_ORG, OWN_ORG, FOREIGN_ORG };

static int64_t people[5], groups[5], orgs[3], open_org, jane_in_open, pat_in_open, kim_in_own;

static const struct ticket_case {
	const char      *why;
	enum restriction sees;
	int              group, org, assignee, requester;
	bool             cc;
	enum err         want;
} tickets[] = {
	{ "all: no group",                          SEE_ALL, NO_GROUP, NO_ORG, NOONE, STRANGER, false, OK },
	{ "all: another public group",              SEE_ALL, FOREIGN, NO_ORG, OTHER, STRANGER, false, OK },
	{ "all: own private group",                 SEE_ALL, OWN_PRIVATE, NO_ORG, OTHER, STRANGER, false, OK },
	{ "all: another private group",             SEE_ALL, FOREIGN_PRIVATE, OWN_ORG, OTHER, STRANGER, false, E_ABSENT },
	{ "all: another private group, as CC",      SEE_ALL, FOREIGN_PRIVATE, NO_ORG, OTHER, STRANGER, true, OK },
	{ "all: another private group, assigned",   SEE_ALL, FOREIGN_PRIVATE, NO_ORG, AGENT, STRANGER, false, OK },
	{ "all: another private group, requested",  SEE_ALL, FOREIGN_PRIVATE, NO_ORG, OTHER, AGENT, false, E_ABSENT },
	{ "groups: own",                            SEE_GROUPS, OWN, NO_ORG, OTHER, STRANGER, false, OK },
	{ "groups: own private",                    SEE_GROUPS, OWN_PRIVATE, NO_ORG, OTHER, STRANGER, false, OK },
	{ "groups: foreign",                        SEE_GROUPS, FOREIGN, NO_ORG, OTHER, STRANGER, false, E_ABSENT },
	{ "groups: none",                           SEE_GROUPS, NO_GROUP, NO_ORG, NOONE, STRANGER, false, E_ABSENT },
	{ "groups: foreign, assigned",              SEE_GROUPS, FOREIGN, NO_ORG, AGENT, STRANGER, false, OK },
	{ "groups: foreign, as CC",                 SEE_GROUPS, FOREIGN, NO_ORG, OTHER, STRANGER, true, OK },
	{ "groups: foreign, same organization",     SEE_GROUPS, FOREIGN, OWN_ORG, OTHER, STRANGER, false, E_ABSENT },
	{ "organization: own",                      SEE_ORGANIZATION, FOREIGN, OWN_ORG, OTHER, STRANGER, false, OK },
	{ "organization: own, in a private group",  SEE_ORGANIZATION, FOREIGN_PRIVATE, OWN_ORG, OTHER, STRANGER, false, OK },
	{ "organization: foreign",                  SEE_ORGANIZATION, OWN, FOREIGN_ORG, OTHER, STRANGER, false, E_ABSENT },
	{ "organization: none",                     SEE_ORGANIZATION, OWN, NO_ORG, OTHER, STRANGER, false, E_ABSENT },
	{ "organization: foreign, assigned",        SEE_ORGANIZATION, OWN, FOREIGN_ORG, AGENT, STRANGER, false, OK },
	{ "assigned: to them",                      SEE_ASSIGNED, FOREIGN, NO_ORG, AGENT, STRANGER, false, OK },
	{ "assigned: to another in their group",    SEE_ASSIGNED, OWN, OWN_ORG, OTHER, STRANGER, false, E_ABSENT },
	{ "assigned: to nobody",                    SEE_ASSIGNED, OWN, OWN_ORG, NOONE, AGENT, false, E_ABSENT },
	{ "assigned: as CC",                        SEE_ASSIGNED, FOREIGN, NO_ORG, OTHER, STRANGER, true, OK },
	{ "requested: by them",                     SEE_REQUESTED, FOREIGN, NO_ORG, OTHER, AGENT, false, OK },
	{ "requested: by another",                  SEE_REQUESTED, OWN, OWN_ORG, OTHER, STRANGER, false, E_ABSENT },
};

static void
ticket(void **state)
{
	const struct ticket_case *c = &tickets[ROW(state)];
	const int64_t cc[] = { people[OTHER], people[AGENT] };
	struct about o = { .has_object = true, .group_id = groups[c->group], .organization_id = orgs[c->org],
		.assignee_id = people[c->assignee], .requester_id = people[c->requester], .cc = cc,
		.cc_count = c->cc ? 2 : 1 };
	static const enum may asks[] = { MAY_READ_TICKET, MAY_UPDATE_TICKET };
	struct actor a;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, people[AGENT]);
	a = *cx.actor;
	a.sees = c->sees;
	cx.actor = &a;
	for (size_t i = 0; i < COUNT(asks); i++) {
		assert_int_equal(gate_may(&cx, asks[i], &o), c->want);
		again(&cx);
	}
	/* Deleting and redacting: the same tickets, and then by the account's setting. */
	assert_int_equal(gate_may(&cx, MAY_DELETE_TICKET, &o), c->want == OK ? E_DENIED : c->want);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_REDACT, &o), c->want == OK ? E_DENIED : c->want);
	again(&cx);
	/* Admins and the system see all of them, end users none as tickets. */
	be(&cx, w.admin);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), OK);
	be_system(&cx);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), OK);
	be(&cx, people[REQUESTER]);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), E_DENIED);
	ctx_done(&cx);
}

static void
settings_let_agents_delete_and_redact(void **state UNUSED)
{
	struct about seen = { .has_object = true, .group_id = groups[OWN] };
	struct about unseen = { .has_object = true, .group_id = groups[FOREIGN_PRIVATE] };
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, gate_setting_set(&cx, "agent_ticket_deletion", S("true")));
	be(&cx, people[AGENT]);
	assert_int_equal(gate_may(&cx, MAY_DELETE_TICKET, &seen), OK);
	assert_int_equal(gate_may(&cx, MAY_REDACT, &seen), E_DENIED);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_DELETE_TICKET, &unseen), E_ABSENT);
	again(&cx);
	be(&cx, w.admin);
	MUST(&cx, gate_setting_set(&cx, "agent_ticket_deletion", S("false")));
	MUST(&cx, gate_setting_set(&cx, "agent_ticket_redaction", S("true")));
	be(&cx, people[AGENT]);
	assert_int_equal(gate_may(&cx, MAY_DELETE_TICKET, &seen), E_DENIED);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_REDACT, &seen), OK);
	be(&cx, w.admin);
	MUST(&cx, gate_setting_set(&cx, "agent_ticket_redaction", S("false")));
	ctx_done(&cx);
}

/* ---- requests -------------------------------------------------------------------------------------- */

static void
requests(void **state UNUSED)
{
	const int64_t cc[] = { kim_in_own };
	const struct {
		const char  *why;
		int64_t      who;
		struct about about;
		enum err     want;
	} c[] = {
		{ "own", people[REQUESTER], { .requester_id = people[REQUESTER] }, OK },
		{ "another's", people[REQUESTER], { .requester_id = people[STRANGER] }, E_ABSENT },
		{ "nobody's", people[REQUESTER], { .requester_id = 0 }, E_ABSENT },
		{ "as CC", kim_in_own, { .requester_id = people[STRANGER], .cc = cc, .cc_count = 1 }, OK },
		{ "own, an internal note", people[REQUESTER],
		  { .requester_id = people[REQUESTER], .is_private = true }, E_ABSENT },
		{ "as CC, an internal note", kim_in_own,
		  { .requester_id = people[STRANGER], .cc = cc, .cc_count = 1, .is_private = true }, E_ABSENT },
		{ "their organization's, shared", pat_in_open,
		  { .requester_id = jane_in_open, .organization_id = open_org }, OK },
		{ "their organization's, shared, a note", pat_in_open,
		  { .requester_id = jane_in_open, .organization_id = open_org, .is_private = true }, E_ABSENT },
		{ "another organization's, shared", kim_in_own,
		  { .requester_id = jane_in_open, .organization_id = open_org }, E_ABSENT },
		{ "their organization's, not shared", kim_in_own,
		  { .requester_id = people[STRANGER], .organization_id = orgs[OWN_ORG] }, E_ABSENT },
		{ "without an organization, of none", people[REQUESTER],
		  { .requester_id = people[STRANGER], .organization_id = 0 }, E_ABSENT },
		{ "an agent's own, in a foreign private group", people[AGENT],
		  { .requester_id = people[AGENT], .group_id = groups[FOREIGN_PRIVATE] }, OK },
		{ "its notes", people[AGENT],
		  { .requester_id = people[AGENT], .group_id = groups[FOREIGN_PRIVATE], .is_private = true }, E_ABSENT },
		{ "an agent, what they see as a ticket", people[AGENT],
		  { .requester_id = people[STRANGER], .group_id = groups[OWN], .is_private = true }, OK },
		{ "an agent, what they do not", people[AGENT],
		  { .requester_id = people[STRANGER], .group_id = groups[FOREIGN_PRIVATE] }, E_ABSENT },
	};
	struct ctx cx;

	for (size_t i = 0; i < COUNT(c); i++) {
		struct about o = c[i].about;

		o.has_object = true;
		ask(&w, &cx);
		be(&cx, c[i].who);
		if (gate_may(&cx, MAY_READ_REQUEST, &o) != c[i].want)
			BROKEN("%s", c[i].why);
		ctx_done(&cx);
	}
}

static void
anyone_may_ask_when_the_account_says_so(void **state UNUSED)
{
	struct ctx cx;

	ask(&w, &cx);
	cx.actor = &gate_nobody;
	assert_int_equal(gate_may(&cx, MAY_CREATE_REQUEST, NULL), E_WHO);
	again(&cx);
	be(&cx, w.admin);
	MUST(&cx, gate_setting_set(&cx, "anonymous_requests", S("true")));
	cx.actor = &gate_nobody;
	assert_int_equal(gate_may(&cx, MAY_CREATE_REQUEST, NULL), OK);
	/* But not read what was asked. */
	assert_int_equal(gate_may(&cx, MAY_READ_REQUEST, &(struct about){ .has_object = true }), E_WHO);
	again(&cx);
	be(&cx, w.admin);
	MUST(&cx, gate_setting_set(&cx, "anonymous_requests", S("false")));
	ctx_done(&cx);
}

/* ---- users, jobs, suspended tickets ------------------------------------------------------------------- */

static void
users_jobs_suspended(void **state UNUSED)
{
	struct actor restricted;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, people[REQUESTER]);
	assert_int_equal(gate_may(&cx, MAY_READ_USER, &(struct about){ .has_object = true,
	    .user_id = people[REQUESTER] }), OK);
	assert_int_equal(gate_may(&cx, MAY_READ_USER, &(struct about){ .has_object = true,
	    .user_id = people[STRANGER] }), E_ABSENT);
	again(&cx);
	be(&cx, people[AGENT]);
	assert_int_equal(gate_may(&cx, MAY_WRITE_USER, &(struct about){ .has_object = true,
	    .user_id = people[STRANGER], .role = ROLE_END_USER }), OK);
	assert_int_equal(gate_may(&cx, MAY_WRITE_USER, &(struct about){ .has_object = true,
	    .user_id = people[OTHER], .role = ROLE_AGENT }), E_DENIED);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_WRITE_USER, &(struct about){ .has_object = true,
	    .user_id = w.admin, .role = ROLE_ADMIN }), E_DENIED);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_WRITE_USER, &(struct about){ .has_object = true,
	    .user_id = people[AGENT], .role = ROLE_AGENT }), OK);
	assert_int_equal(gate_may(&cx, MAY_READ_JOBS, &(struct about){ .has_object = true,
	    .user_id = people[AGENT] }), OK);
	assert_int_equal(gate_may(&cx, MAY_READ_JOBS, &(struct about){ .has_object = true,
	    .user_id = people[OTHER] }), E_ABSENT);
	again(&cx);
	assert_int_equal(gate_may(&cx, MAY_SUSPENDED, NULL), OK);
	restricted = *cx.actor;
	restricted.sees = SEE_GROUPS;
	cx.actor = &restricted;
	assert_int_equal(gate_may(&cx, MAY_SUSPENDED, NULL), E_DENIED);
	ctx_done(&cx);
}

/* ---- groups that change --------------------------------------------------------------------------------- */

static void
membership_and_privacy_take_effect_at_once(void **state UNUSED)
{
	int64_t g = make_group(&w, "Lab", true), m;
	struct about o = { .has_object = true, .group_id = g };
	struct group in = { .is_public = false }, out;
	const int64_t *ids;
	struct actor a;
	struct ctx cx;
	int count, before;

	ask(&w, &cx);
	be(&cx, people[AGENT]);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), OK);
	MUST(&cx, gate_my_groups(&cx, &ids, &before));
	be(&cx, w.admin);
	MUST(&cx, group_update(&cx, g, GROUP_PUBLIC, &in, &out));
	be(&cx, people[AGENT]);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), E_ABSENT);
	again(&cx);
	m = join(&w, people[AGENT], g);
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), OK);
	MUST(&cx, gate_my_groups(&cx, &ids, &count));
	assert_int_equal(count, before + 1);
	for (int i = 1; i < count; i++)
		assert_true(ids[i - 1] < ids[i]);
	assert_true(membership_exists(&cx, people[AGENT], g));
	a = *cx.actor;
	be(&cx, w.admin);
	MUST(&cx, membership_delete(&cx, m));
	cx.actor = &a;
	assert_int_equal(gate_may(&cx, MAY_READ_TICKET, &o), E_ABSENT);
	again(&cx);
	assert_false(membership_exists(&cx, people[AGENT], g));
	ctx_done(&cx);
}

/* Runs on the writer thread, where cmocka's asserts cannot jump from. */
struct inside { int64_t group; bool before, after; enum err may; };

static enum err
join_and_look(struct ctx *cx, void *arg)
{
	struct inside *in = arg;
	struct actor a = { .role = ROLE_AGENT, .user_id = people[AGENT], .sees = SEE_GROUPS };
	const struct actor *was = cx->actor;
	struct membership m;

	in->before = membership_exists(cx, people[AGENT], in->group);
	TRY(membership_create(cx, people[AGENT], in->group, false, &m));
	in->after = membership_exists(cx, people[AGENT], in->group);
	cx->actor = &a;
	in->may = gate_may(cx, MAY_READ_TICKET, &(struct about){ .has_object = true, .group_id = in->group });
	cx->actor = was;
	return fail(cx, E_BUSY, NULL, "taken back");
}

static void
a_transaction_sees_its_own_changes_and_nobody_else_does(void **state UNUSED)
{
	struct inside in = { .group = make_group(&w, "Night shift", false) };
	struct ctx cx;

	ask(&w, &cx);
	be_system(&cx);
	assert_false(membership_exists(&cx, people[AGENT], in.group));
	assert_int_equal(store_write(&cx, join_and_look, &in), E_BUSY);
	assert_false(in.before);
	assert_true(in.after);
	assert_int_equal(in.may, OK);
	again(&cx);
	assert_false(membership_exists(&cx, people[AGENT], in.group));
	ctx_done(&cx);
}

static int
setup(void **state UNUSED)
{
	world_open(&w);
	groups[OWN] = make_group(&w, "Reception", true);
	groups[FOREIGN] = make_group(&w, "Billing", true);
	groups[OWN_PRIVATE] = make_group(&w, "Psychiatry", false);
	groups[FOREIGN_PRIVATE] = make_group(&w, "Oncology", false);
	orgs[OWN_ORG] = make_org(&w, "Northside Clinic", false);
	orgs[FOREIGN_ORG] = make_org(&w, "Southside Clinic", false);
	open_org = make_org(&w, "Open Practice", true);
	people[AGENT] = person(&w, "Gus Agent", "gus@clinic.example", ROLE_AGENT);
	people[OTHER] = person(&w, "Olga Other", "olga@clinic.example", ROLE_AGENT);
	people[REQUESTER] = person(&w, "Rae Requester", "rae@patients.example", ROLE_END_USER);
	people[STRANGER] = person(&w, "Sid Stranger", "sid@patients.example", ROLE_END_USER);
	jane_in_open = person(&w, "Jane Open", "jane@patients.example", ROLE_END_USER);
	pat_in_open = person(&w, "Pat Open", "pat@patients.example", ROLE_END_USER);
	kim_in_own = person(&w, "Kim North", "kim@patients.example", ROLE_END_USER);
	SET(&w, jane_in_open, USER_ORG, .organization_id = open_org);
	SET(&w, pat_in_open, USER_ORG, .organization_id = open_org);
	SET(&w, kim_in_own, USER_ORG, .organization_id = orgs[OWN_ORG]);
	SET(&w, people[AGENT], USER_ORG, .organization_id = orgs[OWN_ORG]);
	join(&w, people[AGENT], groups[OWN]);
	join(&w, people[AGENT], groups[OWN_PRIVATE]);
	join(&w, people[OTHER], groups[FOREIGN]);
	join(&w, people[OTHER], groups[FOREIGN_PRIVATE]);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	world_close(&w);
	return 0;
}

int
main(void)
{
	struct CMUnitTest t[COUNT(table) + COUNT(tickets) + 9];
	size_t n = 0;

	ADD_ROWS(t, n, table, row);
	ADD(t, n, nothing_is_missing_in_the_table);
	ADD(t, n, what_has_no_row_is_refused);
	ADD_ROWS(t, n, tickets, ticket);
	ADD(t, n, settings_let_agents_delete_and_redact);
	ADD(t, n, requests);
	ADD(t, n, anyone_may_ask_when_the_account_says_so);
	ADD(t, n, users_jobs_suspended);
	ADD(t, n, membership_and_privacy_take_effect_at_once);
	ADD(t, n, a_transaction_sees_its_own_changes_and_nobody_else_does);
	return _cmocka_run_group_tests("gate may", t, n, setup, teardown);
}
