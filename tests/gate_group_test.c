/* Groups, memberships, organizations, settings. */
#include "gate_world.h"

static struct world w;

static struct { int removed, groups, orgs; int64_t user_id, group_id, organization_id; bool fails, in_tx; } told;

static enum err
on_removed(struct ctx *cx, int64_t user_id, int64_t group_id)
{
	told.removed++;
	told.user_id = user_id;
	told.group_id = group_id;
	told.in_tx = cx->tx != NULL;
	return told.fails ? fail(cx, E_BUSY, NULL, "not now") : OK;
}

static enum err
on_group(struct ctx *cx UNUSED, int64_t group_id)
{
	told.groups++;
	told.group_id = group_id;
	return OK;
}

static enum err
on_org(struct ctx *cx UNUSED, int64_t organization_id)
{
	told.orgs++;
	told.organization_id = organization_id;
	return OK;
}

/* ---- groups ---------------------------------------------------------------------------------------------- */

static void
the_first_group_is_the_default(void **state UNUSED)
{
	struct group in = { .name = S("First"), .description = S("Front desk") }, g, h;
	struct world v = { .now = T0 };
	struct user_change born = { .has = USER_NAME | USER_ROLE, .u = { .name = HIDE(S("A")), .role = ROLE_AGENT } };
	struct user u;
	struct ctx cx;
	int64_t id;

	db_open(&v.d, "trail gate");
	world_start(&v);
	ask(&v, &cx);
	be_system(&cx);
	assert_int_equal(group_default(&cx, &id), E_ABSENT);
	again(&cx);
	MUST(&cx, group_create(&cx, GROUP_NAME | GROUP_DESCRIPTION, &in, &g));
	assert_true(g.is_default);
	assert_true(g.is_public);
	MUST(&cx, group_default(&cx, &id));
	assert_int_equal(id, g.id);
	MUST(&cx, user_create(&cx, &born, &u));
	assert_int_equal(u.default_group_id, g.id);
	/* Another one takes over; one cannot just stop being it. */
	in = (struct group){ .name = S("Second"), .is_default = true };
	MUST(&cx, group_create(&cx, GROUP_NAME | GROUP_DEFAULT, &in, &h));
	MUST(&cx, group_default(&cx, &id));
	assert_int_equal(id, h.id);
	MUST(&cx, group_get(&cx, g.id, &g));
	assert_false(g.is_default);
	in.is_default = false;
	assert_int_equal(group_update(&cx, h.id, GROUP_DEFAULT, &in, &h), E_INVALID);
	assert_true(refused(&cx, "default", "InvalidValue"));
	again(&cx);
	assert_int_equal(group_delete(&cx, h.id), E_INVALID);
	again(&cx);
	in.is_default = true;
	MUST(&cx, group_update(&cx, g.id, GROUP_DEFAULT, &in, &g));
	MUST(&cx, group_delete(&cx, h.id));
	ctx_done(&cx);
	world_close(&v);
}

static void
a_private_group_stays_private(void **state UNUSED)
{
	int64_t id = make_group(&w, "Quiet", true);
	struct group in = { .is_public = false }, g;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, group_update(&cx, id, GROUP_PUBLIC, &in, &g));
	assert_false(g.is_public);
	in.is_public = true;
	assert_int_equal(group_update(&cx, id, GROUP_PUBLIC, &in, &g), E_INVALID);
	assert_true(refused(&cx, "is_public", "InvalidValue"));
	again(&cx);
	in.name = S("Still quiet");
	MUST(&cx, group_update(&cx, id, GROUP_NAME, &in, &g));
	assert_false(g.is_public);
	assert_true(str_eq(g.name, S("Still quiet")));
	assert_true(last_event_says(&w, "group.update", "name", "Still quiet"));
	ctx_done(&cx);
}

static void
groups_are_checked_and_only_administrators_write_them(void **state UNUSED)
{
	char longer[5000];
	struct group in = { .name = S(" "), .description = { longer, 4097 } }, g;
	int64_t agent = person(&w, "Amy Agent", NULL, ROLE_AGENT), patient = person(&w, "Pam", NULL, ROLE_END_USER);
	struct group *list;
	struct ctx cx;
	int count;

	memset(longer, 'x', sizeof(longer));
	ask(&w, &cx);
	be(&cx, w.admin);
	assert_int_equal(group_create(&cx, GROUP_NAME | GROUP_DESCRIPTION, &in, &g), E_INVALID);
	assert_true(refused(&cx, "name", "BlankValue"));
	assert_true(refused(&cx, "description", "InvalidValue"));
	again(&cx);
	in = (struct group){ .name = S("Fine") };
	be(&cx, agent);
	assert_int_equal(group_create(&cx, GROUP_NAME, &in, &g), E_DENIED);
	again(&cx);
	MUST(&cx, group_list(&cx, 0, 0, 0, 0, 0, &list, &count));
	assert_true(count > 0);
	be(&cx, patient);
	assert_int_equal(group_list(&cx, 0, 0, 0, 0, 0, &list, &count), E_DENIED);
	ctx_done(&cx);
}

static void
a_deleted_group_takes_its_memberships_along(void **state UNUSED)
{
	int64_t id = make_group(&w, "Doomed", true), agent = person(&w, "Dan Agent", NULL, ROLE_AGENT), before, n;
	int64_t org = make_org(&w, "In the doomed group", false);
	struct organization o = { .group_id = id };
	struct group *many, g;
	struct user u;
	struct ctx cx;
	int count;

	join(&w, agent, id);
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, org_update(&cx, org, ORG_GROUP, &o, &o));
	MUST(&cx, group_count(&cx, 0, &before));
	told.removed = told.groups = 0;
	MUST(&cx, group_delete(&cx, id));
	assert_int_equal(told.removed, 1);
	assert_int_equal(told.user_id, agent);
	assert_int_equal(told.groups, 1);
	assert_int_equal(told.group_id, id);
	MUST(&cx, group_count(&cx, 0, &n));
	assert_int_equal(n, before - 1);
	MUST(&cx, group_count(&cx, agent, &n));
	assert_int_equal(n, 1);
	assert_int_equal(group_get(&cx, id, &g), E_ABSENT);
	again(&cx);
	assert_int_equal(group_delete(&cx, id), E_ABSENT);
	again(&cx);
	/* Old tickets still name it. */
	MUST(&cx, group_many(&cx, &id, 1, &many, &count));
	assert_int_equal(count, 1);
	assert_true(many[0].deleted);
	MUST(&cx, org_get(&cx, org, &o));
	assert_int_equal(o.group_id, 0);
	/* Nobody is put into it any more. */
	assert_int_equal(membership_create(&cx, agent, id, false, &(struct membership){0}), E_INVALID);
	again(&cx);
	assert_int_equal(user_update(&cx, agent, &(struct user_change){ .has = USER_GROUP,
	    .u = { .default_group_id = id } }, &u), E_INVALID);
	assert_true(refused(&cx, "default_group_id", "InvalidValue"));
	ctx_done(&cx);
}

/* ---- memberships --------------------------------------------------------------------------------------------- */

static void
memberships_are_checked(void **state UNUSED)
{
	int64_t g = make_group(&w, "Checked", true), patient = person(&w, "Pat", NULL, ROLE_END_USER);
	int64_t agent = person(&w, "Ann Agent", NULL, ROLE_AGENT);
	struct membership m;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	assert_int_equal(membership_create(&cx, patient, g, false, &m), E_INVALID);
	assert_true(refused(&cx, "user_id", "InvalidValue"));
	again(&cx);
	assert_int_equal(membership_create(&cx, 4711, 4711, false, &m), E_INVALID);
	assert_true(refused(&cx, "user_id", "InvalidValue"));
	assert_true(refused(&cx, "group_id", "InvalidValue"));
	again(&cx);
	MUST(&cx, membership_create(&cx, agent, g, false, &m));
	assert_false(m.is_default);
	assert_int_equal(membership_create(&cx, agent, g, false, &m), E_INVALID);
	assert_true(refused(&cx, "user_id", "DuplicateValue"));
	again(&cx);
	be(&cx, agent);
	assert_int_equal(membership_delete(&cx, m.id), E_DENIED);
	ctx_done(&cx);
}

static int64_t
default_of(struct ctx *cx, int64_t user_id)
{
	struct membership *m;
	struct user u;
	int64_t found = 0;
	int count, defaults = 0;

	MUST(cx, membership_list(cx, user_id, 0, 0, 0, 0, 0, &m, &count));
	for (int i = 0; i < count; i++)
		if (m[i].is_default) {
			defaults++;
			found = m[i].group_id;
		}
	assert_int_equal(defaults, count > 0);
	MUST(cx, user_load(cx, user_id, &u));
	assert_int_equal(u.default_group_id, found);
	return found;
}

static void
the_default_membership_moves_on(void **state UNUSED)
{
	int64_t a = make_group(&w, "Move A", true), b = make_group(&w, "Move B", true);
	int64_t agent = person(&w, "Moe Agent", NULL, ROLE_AGENT), support, ma = join(&w, agent, a), mb;
	struct membership m;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, group_default(&cx, &support));
	assert_int_equal(default_of(&cx, agent), support);
	MUST(&cx, membership_create(&cx, agent, b, true, &m));
	mb = m.id;
	assert_int_equal(default_of(&cx, agent), b);
	MUST(&cx, membership_make_default(&cx, ma));
	assert_int_equal(default_of(&cx, agent), a);
	told.removed = 0;
	MUST(&cx, membership_delete(&cx, ma));
	assert_int_equal(told.removed, 1);
	assert_int_equal(told.group_id, a);
	assert_true(told.in_tx);
	assert_int_equal(default_of(&cx, agent), support);
	/* When desk cannot unassign, nothing is removed. */
	told.fails = true;
	assert_int_equal(membership_delete(&cx, mb), E_BUSY);
	told.fails = false;
	again(&cx);
	MUST(&cx, membership_get(&cx, mb, &m));
	MUST(&cx, membership_delete(&cx, mb));
	assert_int_equal(membership_get(&cx, mb, &m), E_ABSENT);
	ctx_done(&cx);
}

static void
memberships_are_listed_by_user_and_group(void **state UNUSED)
{
	int64_t g = make_group(&w, "Listed", true), ids[3], n;
	struct membership *m;
	struct group *groups;
	struct user *u;
	struct ctx cx;
	int count;

	for (int i = 0; i < 3; i++)
		join(&w, ids[i] = person(&w, "Lia Listed", NULL, ROLE_AGENT), g);
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, membership_list(&cx, 0, g, 0, 0, 0, 0, &m, &count));
	assert_int_equal(count, 3);
	assert_int_equal(m[2].user_id, ids[2]);
	MUST(&cx, membership_list(&cx, 0, g, m[0].id, 0, 0, 1, &m, &count));
	assert_int_equal(count, 1);
	assert_int_equal(m[0].user_id, ids[1]);
	MUST(&cx, membership_list(&cx, 0, g, 0, m[0].id, 0, 5, &m, &count));
	assert_int_equal(count, 1);
	assert_int_equal(m[0].user_id, ids[0]);
	MUST(&cx, membership_list(&cx, ids[0], g, 0, 0, 0, 0, &m, &count));
	assert_int_equal(count, 1);
	MUST(&cx, membership_list(&cx, ids[0], 0, 0, 0, 0, 0, &m, &count));
	assert_int_equal(count, 2);
	MUST(&cx, membership_count(&cx, 0, g, &n));
	assert_int_equal(n, 3);
	MUST(&cx, membership_count(&cx, ids[0], 0, &n));
	assert_int_equal(n, 2);
	MUST(&cx, membership_count(&cx, 0, 0, &n));
	MUST(&cx, membership_list(&cx, 0, 0, 0, 0, 0, 1000, &m, &count));
	assert_int_equal(n, count);
	MUST(&cx, group_list(&cx, ids[0], 0, 0, 0, 0, &groups, &count));
	assert_int_equal(count, 2);
	assert_true(str_eq(groups[1].name, S("Listed")));
	MUST(&cx, user_list(&cx, &(struct user_filter){ .role_mask = -1, .group_id = g }, &u, &count));
	assert_int_equal(count, 3);
	ctx_done(&cx);
}

/* ---- organizations ---------------------------------------------------------------------------------------------- */

static void
organizations_are_checked(void **state UNUSED)
{
	int64_t a = make_org(&w, "Northside", false), agent = person(&w, "Ona Agent", NULL, ROLE_AGENT);
	char longer[300];
	struct organization in = { .name = HIDE(S(" northSIDE ")), .external_id = HIDE(((str){ longer, 256 })),
		.tags = HIDE(S("nonsense")), .group_id = 4711 }, o;
	struct ctx cx;

	memset(longer, 'x', sizeof(longer));
	ask(&w, &cx);
	be(&cx, w.admin);
	assert_int_equal(org_create(&cx, ORG_NAME | ORG_EXTERNAL_ID | ORG_TAGS | ORG_GROUP, &in, &o), E_INVALID);
	assert_true(refused(&cx, "name", "DuplicateValue"));
	assert_true(refused(&cx, "external_id", "InvalidValue"));
	assert_true(refused(&cx, "tags", "InvalidValue"));
	assert_true(refused(&cx, "group_id", "InvalidValue"));
	assert_int_equal(bad_count(&cx), 4);
	again(&cx);
	assert_int_equal(org_create(&cx, 0, &in, &o), E_INVALID);
	assert_true(refused(&cx, "name", "BlankValue"));
	again(&cx);
	MUST(&cx, org_update(&cx, a, ORG_NAME, &in, &o));       /* its own name, spelled differently */
	assert_true(str_eq(o.name.hidden, S("northSIDE")));
	MUST(&cx, org_by_name(&cx, S("NORTHSIDE"), &o));
	assert_int_equal(o.id, a);
	in = (struct organization){ .external_id = HIDE(S("Ext-1")), .tags = HIDE(S("[\"vip\"]")),
		.shared_tickets = true, .shared_comments = true };
	MUST(&cx, org_update(&cx, a, ORG_EXTERNAL_ID | ORG_TAGS | ORG_SHARED_TICKETS | ORG_SHARED_COMMENTS, &in, &o));
	MUST(&cx, org_by_external_id(&cx, S("eXT-1"), &o));
	assert_int_equal(o.id, a);
	assert_true(o.shared_tickets && o.shared_comments);
	assert_true(str_eq(o.tags.hidden, S("[\"vip\"]")));
	assert_true(str_eq(o.fields.hidden, S("{}")));
	assert_true(last_event_says(&w, "organization.update", "shared_tickets", "true"));
	be(&cx, agent);
	assert_int_equal(org_update(&cx, a, ORG_NAME, &in, &o), E_DENIED);
	again(&cx);
	MUST(&cx, org_get(&cx, a, &o));
	assert_int_equal(org_get(&cx, 4711, &o), E_ABSENT);
	ctx_done(&cx);
}

static void
organizations_are_listed_and_deleted(void **state UNUSED)
{
	int64_t before, n, ids[3], patient = person(&w, "Oda", NULL, ROLE_END_USER);
	struct organization *o, one;
	struct user u;
	struct ctx cx;
	int count;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, org_count(&cx, &before));
	for (int i = 0; i < 3; i++) {
		char name[] = "Listed org ?";

		name[11] = (char)('1' + i);
		ids[i] = make_org(&w, name, false);
	}
	MUST(&cx, org_count(&cx, &n));
	assert_int_equal(n, before + 3);
	MUST(&cx, org_list(&cx, ids[0], 0, 0, 10, &o, &count));
	assert_int_equal(count, 2);
	assert_true(str_eq(o[1].name.hidden, S("Listed org 3")));
	MUST(&cx, org_list(&cx, 0, ids[2], 0, 1, &o, &count));
	assert_int_equal(count, 1);
	assert_int_equal(o[0].id, ids[1]);
	MUST(&cx, org_list(&cx, 0, 0, before + 1, 1, &o, &count));
	assert_int_equal(o[0].id, ids[1]);
	MUST(&cx, org_many(&cx, (const int64_t[]){ ids[2], ids[0], ids[2] }, 3, &o, &count));
	assert_int_equal(count, 2);
	SET(&w, patient, USER_ORG, .organization_id = ids[0]);
	told.orgs = 0;
	MUST(&cx, org_delete(&cx, ids[0]));
	assert_int_equal(told.orgs, 1);
	assert_int_equal(told.organization_id, ids[0]);
	assert_int_equal(org_get(&cx, ids[0], &one), E_ABSENT);
	again(&cx);
	MUST(&cx, user_load(&cx, patient, &u));
	assert_int_equal(u.organization_id, 0);
	MUST(&cx, org_count(&cx, &n));
	assert_int_equal(n, before + 2);
	/* Its name is free again. */
	make_org(&w, "listed ORG 1", false);
	ctx_done(&cx);
}

/* ---- settings ------------------------------------------------------------------------------------------------------ */

static void
settings_take_effect_at_once_and_outlive_a_restart(void **state UNUSED)
{
	int64_t agent = person(&w, "Sam Agent", NULL, ROLE_AGENT);
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	assert_true(gate_setting_bool(&cx, "some_switch", true));
	assert_int_equal(gate_setting_int(&cx, "some_number", 5), 5);
	MUST(&cx, gate_setting_set(&cx, "some_switch", S("false")));
	MUST(&cx, gate_setting_set(&cx, "some_number", S("12")));
	assert_false(gate_setting_bool(&cx, "some_switch", true));
	assert_int_equal(gate_setting_int(&cx, "some_number", 5), 12);
	assert_true(last_event_says(&w, "setting.update", "some_number", "12"));
	MUST(&cx, gate_setting_set(&cx, "some_number", S("many")));
	assert_int_equal(gate_setting_int(&cx, "some_number", 5), 5);
	assert_int_equal(gate_setting_set(&cx, "some_number", (str){ "a\0b", 3 }), E_INVALID);
	again(&cx);
	be(&cx, agent);
	assert_int_equal(gate_setting_set(&cx, "some_switch", S("true")), E_DENIED);
	ctx_done(&cx);
	world_restart(&w);
	ask(&w, &cx);
	assert_false(gate_setting_bool(&cx, "some_switch", true));
	ctx_done(&cx);
}

static int
setup(void **state UNUSED)
{
	gate_on_membership_removed = on_removed;
	gate_on_group_deleted = on_group;
	gate_on_org_deleted = on_org;
	world_open(&w);
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
	struct CMUnitTest t[16];
	size_t n = 0;

	ADD(t, n, the_first_group_is_the_default);
	ADD(t, n, a_private_group_stays_private);
	ADD(t, n, groups_are_checked_and_only_administrators_write_them);
	ADD(t, n, a_deleted_group_takes_its_memberships_along);
	ADD(t, n, memberships_are_checked);
	ADD(t, n, the_default_membership_moves_on);
	ADD(t, n, memberships_are_listed_by_user_and_group);
	ADD(t, n, organizations_are_checked);
	ADD(t, n, organizations_are_listed_and_deleted);
	ADD(t, n, settings_take_effect_at_once_and_outlive_a_restart);
	return _cmocka_run_group_tests("gate groups", t, n, setup, teardown);
}
