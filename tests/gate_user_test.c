/* Users: what is refused, who may change what, addresses, lists, the trail,
 * and that nothing of it stands in a file. */
#include "gate_world.h"

static struct world w;

/* ---- e-mail addresses ------------------------------------------------------------------------------- */

static const struct { const char *why, *email; bool valid; } emails[] = {
	{ "plain",                          "jane@patients.example", true },
	{ "dots and plus",                  "jane.q+test@a.b.example", true },
	{ "all of atext",                   "!#$%&'*+-/=?^_`{|}~@x.example", true },
	{ "a host without a dot",           "root@localhost", true },
	{ "umlauts (RFC 6531)",             "j\xC3\xBCrg@b\xC3\xBC" "cher.example", true },
	{ "64 bytes before the sign",       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example", true },
	{ "65 bytes before the sign",       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example", false },
	{ "nothing",                        "", false },
	{ "no sign",                        "jane.patients.example", false },
	{ "two signs",                      "jane@doe@x.example", false },
	{ "nobody",                         "@x.example", false },
	{ "nowhere",                        "jane@", false },
	{ "a leading dot",                  ".jane@x.example", false },
	{ "a trailing dot",                 "jane.@x.example", false },
	{ "two dots",                       "jane..doe@x.example", false },
	{ "an empty label",                 "jane@x..example", false },
	{ "a dot at the end",               "jane@x.example.", false },
	{ "a label that begins with -",     "jane@-x.example", false },
	{ "a label that ends with -",       "jane@x-.example", false },
	{ "a blank inside",                 "jane doe@x.example", false },
	{ "a line break",                   "jane@x.example\nBcc: a@b.example", false },
	{ "angle brackets",                 "<jane@x.example>", false },
	{ "two addresses",                  "jane@x.example,joe@x.example", false },
	{ "quoted",                         "\"jane doe\"@x.example", false },
	{ "an address literal",             "jane@[192.0.2.1]", false },
	{ "an underscore in the domain",    "jane@x_y.example", false },
	{ "invalid UTF-8",                  "j\xFFne@x.example", false },
};

static void
email(void **state)
{
	assert_int_equal(email_valid(str_of(emails[ROW(state)].email)), emails[ROW(state)].valid);
}

static void
an_email_has_at_most_254_bytes(void **state UNUSED)
{
	char text[300];

	memset(text, 'a', sizeof(text));
	memcpy(text, "jane@", 5);
	for (size_t i = 64; i < sizeof(text); i += 60)
		text[i] = '.';
	assert_true(email_valid((str){ text, 254 }));
	assert_false(email_valid((str){ text, 255 }));
}

/* ---- what is refused, all at once --------------------------------------------------------------------- */

static void
every_wrong_field_is_named(void **state UNUSED)
{
	char longer[300];
	struct user_change in = { .has = 0xFFFFF | USER_PASSWORD };
	struct user u = { .id = -1 };
	struct ctx cx;

	memset(longer, 'x', sizeof(longer));
	in.u.name = HIDE(S("  "));
	in.u.email = HIDE(S("not an address"));
	in.u.phone = HIDE(S("1\n2"));
	in.u.alias = HIDE(((str){ longer, 256 }));
	in.u.external_id = HIDE(((str){ longer, 256 }));
	in.u.locale = (str){ longer, 33 };
	in.u.time_zone = (str){ longer, 65 };
	in.u.tags = HIDE(S("{\"a\":1}"));
	in.u.user_fields = HIDE(S("[1]"));
	in.u.notes = HIDE(((str){ "a\0b", 3 }));
	in.u.role = (enum role)7;
	in.u.sees = (enum restriction)9;
	in.u.organization_id = 4711;
	in.u.default_group_id = 4711;
	in.password = HIDE(S("short"));
	ask(&w, &cx);
	be_system(&cx);
	assert_int_equal(user_create(&cx, &in, &u), E_INVALID);
	assert_int_equal(u.id, -1);
	assert_true(refused(&cx, "name", "BlankValue"));
	assert_true(refused(&cx, "email", "InvalidValue"));
	assert_true(refused(&cx, "phone", "InvalidValue"));
	assert_true(refused(&cx, "alias", "InvalidValue"));
	assert_true(refused(&cx, "external_id", "InvalidValue"));
	assert_true(refused(&cx, "locale", "InvalidValue"));
	assert_true(refused(&cx, "time_zone", "InvalidValue"));
	assert_true(refused(&cx, "tags", "InvalidValue"));
	assert_true(refused(&cx, "user_fields", "InvalidValue"));
	assert_true(refused(&cx, "notes", "InvalidValue"));
	assert_true(refused(&cx, "role", "InvalidValue"));
	assert_true(refused(&cx, "ticket_restriction", "InvalidValue"));
	assert_true(refused(&cx, "organization_id", "InvalidValue"));
	assert_true(refused(&cx, "default_group_id", "InvalidValue"));
	assert_true(refused(&cx, "password", "InvalidValue"));
	assert_int_equal(bad_count(&cx), 15);
	ctx_done(&cx);
}

static void
an_email_belongs_to_one_user(void **state UNUSED)
{
	int64_t jane = person(&w, "Jane Roe", "Jane.Roe@Patients.Example", ROLE_END_USER);
	struct user_change in = { .has = USER_NAME | USER_EMAIL,
		.u = { .name = HIDE(S("Another Jane")), .email = HIDE(S(" JANE.ROE@patients.example\t")) } };
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	assert_int_equal(user_create(&cx, &in, &u), E_INVALID);
	assert_true(refused(&cx, "email", "DuplicateValue"));
	assert_string_equal(cx.bad->why, "Email: is already being used by another user");
	again(&cx);
	/* Her own is no duplicate. */
	MUST(&cx, user_update(&cx, jane, &in, &u));
	assert_true(str_eq(u.name.hidden, S("Another Jane")));
	MUST(&cx, user_by_email(&cx, S("jane.roe@PATIENTS.example"), &u));
	assert_int_equal(u.id, jane);
	assert_int_equal(user_by_email(&cx, S("nobody@patients.example"), &u), E_ABSENT);
	again(&cx);
	/* Deleting her frees it. */
	MUST(&cx, user_delete(&cx, jane, &u));
	assert_false(u.active);
	assert_int_equal(user_by_email(&cx, S("jane.roe@patients.example"), &u), E_ABSENT);
	again(&cx);
	MUST(&cx, user_create(&cx, &in, &u));
	assert_int_not_equal(u.id, jane);
	/* But she can still be read, and not be changed. */
	MUST(&cx, user_get(&cx, jane, &u));
	assert_false(u.active);
	assert_true(str_eq(u.email.hidden, S("Jane.Roe@Patients.Example")));
	assert_int_equal(user_update(&cx, jane, &in, &u), E_ABSENT);
	again(&cx);
	assert_int_equal(user_delete(&cx, jane, &u), E_ABSENT);
	ctx_done(&cx);
}

static void
an_external_id_belongs_to_one_user(void **state UNUSED)
{
	int64_t a = person(&w, "Ann Ext", NULL, ROLE_END_USER), b = person(&w, "Ben Ext", NULL, ROLE_END_USER);
	struct user_change in = { .has = USER_EXTERNAL_ID, .u = { .external_id = HIDE(S("MRN-0042")) } };
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_update(&cx, a, &in, &u));
	in.u.external_id = HIDE(S("mrn-0042"));
	assert_int_equal(user_update(&cx, b, &in, &u), E_INVALID);
	assert_true(refused(&cx, "external_id", "DuplicateValue"));
	again(&cx);
	MUST(&cx, user_by_external_id(&cx, S("Mrn-0042"), &u));
	assert_int_equal(u.id, a);
	in.u.external_id = HIDE(S(""));
	MUST(&cx, user_update(&cx, a, &in, &u));
	in.u.external_id = HIDE(S("mrn-0042"));
	MUST(&cx, user_update(&cx, b, &in, &u));
	ctx_done(&cx);
}

/* ---- addresses ------------------------------------------------------------------------------------------ */

static int64_t
found_by(struct ctx *cx, const char *address)
{
	struct user u;
	enum err e = user_by_email(cx, str_of(address), &u);

	again(cx);
	return e == OK ? u.id : 0;
}

static void
a_new_email_is_a_secondary_one_whoever_gives_it(void **state UNUSED)
{
	int64_t id = person(&w, "Rita Rename", "rita@old.example", ROLE_END_USER);
	struct user_change in = { .has = USER_EMAIL, .u = { .email = HIDE(S("rita@new.example")) } };
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_update(&cx, id, &in, &u));
	assert_true(str_eq(u.email.hidden, S("rita@old.example")));
	assert_int_equal(found_by(&cx, "rita@old.example"), id);
	assert_int_equal(found_by(&cx, "rita@new.example"), id);
	/* Nobody else gets it, and empty takes nothing away. */
	in = (struct user_change){ .has = USER_NAME | USER_EMAIL,
		.u = { .name = HIDE(S("Rita Two")), .email = HIDE(S("RITA@new.example")) } };
	assert_int_equal(user_create(&cx, &in, &u), E_INVALID);
	assert_true(refused(&cx, "email", "DuplicateValue"));
	again(&cx);
	in = (struct user_change){ .has = USER_EMAIL, .u = { .email = HIDE(S("")) } };
	MUST(&cx, user_update(&cx, id, &in, &u));
	assert_true(str_eq(u.email.hidden, S("rita@old.example")));
	ctx_done(&cx);
}

static void
a_new_email_of_an_agent_is_a_secondary_one(void **state UNUSED)
{
	int64_t agent = person(&w, "Abe Agent", "abe@clinic.example", ROLE_AGENT);
	int64_t id = person(&w, "Sue Second", "sue@first.example", ROLE_END_USER);
	struct user_change in = { .has = USER_EMAIL, .u = { .email = HIDE(S("sue@second.example")) } };
	int before = events(&w, "user.update");
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, agent);
	for (int i = 0; i < 2; i++) {
		MUST(&cx, user_update(&cx, id, &in, &u));
		assert_true(str_eq(u.email.hidden, S("sue@first.example")));
		assert_int_equal(found_by(&cx, "sue@second.example"), id);
	}
	assert_int_equal(events(&w, "user.update"), before + 1);
	/* Who had none gets a primary one. */
	id = person(&w, "Nan None", NULL, ROLE_END_USER);
	in.u.email = HIDE(S("nan@first.example"));
	MUST(&cx, user_update(&cx, id, &in, &u));
	assert_true(str_eq(u.email.hidden, S("nan@first.example")));
	ctx_done(&cx);
}

static void
create_or_update_finds_by_id_email_external_id(void **state UNUSED)
{
	int64_t id = person(&w, "Cora Upsert", "cora@patients.example", ROLE_END_USER);
	struct user_change in = { .has = USER_NAME | USER_EMAIL | USER_EXTERNAL_ID };
	struct user u;
	struct ctx cx;
	bool created;

	ask(&w, &cx);
	be(&cx, w.admin);
	in.u.name = HIDE(S("Cora By Email"));
	in.u.email = HIDE(S("CORA@patients.example"));
	in.u.external_id = HIDE(S("cora-1"));
	MUST(&cx, user_create_or_update(&cx, 0, &in, &u, &created));
	assert_false(created);
	assert_int_equal(u.id, id);
	assert_true(str_eq(u.email.hidden, S("cora@patients.example")));
	in.has = USER_NAME | USER_EXTERNAL_ID;
	in.u.name = HIDE(S("Cora By External Id"));
	in.u.external_id = HIDE(S("CORA-1"));
	MUST(&cx, user_create_or_update(&cx, 0, &in, &u, &created));
	assert_false(created);
	assert_int_equal(u.id, id);
	in.has = USER_NAME;
	in.u.name = HIDE(S("Cora By Id"));
	MUST(&cx, user_create_or_update(&cx, id, &in, &u, &created));
	assert_false(created);
	assert_int_equal(u.id, id);
	MUST(&cx, user_create_or_update(&cx, 0, &in, &u, &created));
	assert_true(created);
	assert_int_not_equal(u.id, id);
	ctx_done(&cx);
}

static const struct { const char *why, *name, *email, *want; } senders[] = {
	{ "a name",                     "Mia Mail",       "mia@patients.example",        "Mia Mail" },
	{ "no name",                    "",               "lee.van-dyke@patients.example", "Lee Van Dyke" },
	{ "blanks for a name",          " \t ",           "bo_peep+x@patients.example",  "Bo Peep X" },
	{ "a name with a line break",   "Eve\r\nBcc: x",  "eve@patients.example",        "Eve  Bcc: x" },
	{ "a name that is not UTF-8",   "Zo\xEB",         "zoe@patients.example",        "Zo\xEF\xBF\xBD" },
};

static void
a_sender_becomes_a_requester_once(void **state)
{
	size_t i = ROW(state);
	struct user u, v;
	struct ctx cx;

	ask(&w, &cx);
	gate_as_system(&cx, "mail");
	MUST(&cx, user_for_address(&cx, str_of(senders[i].name), str_of(senders[i].email), &u));
	assert_true(str_eq(u.name.hidden, str_of(senders[i].want)));
	assert_int_equal(u.role, ROLE_END_USER);
	assert_false(u.verified);
	MUST(&cx, user_for_address(&cx, S("Somebody else"), str_of(senders[i].email), &v));
	assert_int_equal(v.id, u.id);
	assert_true(str_eq(v.name.hidden, str_of(senders[i].want)));
	ctx_done(&cx);
}

static void
a_sender_without_an_address_is_refused(void **state UNUSED)
{
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	gate_as_system(&cx, "mail");
	assert_int_equal(user_for_address(&cx, S("Nobody"), S("undisclosed recipients"), &u), E_INVALID);
	assert_true(refused(&cx, "email", "InvalidValue"));
	ctx_done(&cx);
}

/* ---- who may change what ------------------------------------------------------------------------------------ */

static void
agents_change_end_users_only(void **state UNUSED)
{
	int64_t agent = person(&w, "Ali Agent", "ali@clinic.example", ROLE_AGENT);
	int64_t other = person(&w, "Oto Agent", "oto@clinic.example", ROLE_AGENT);
	int64_t patient = person(&w, "Pia Patient", "pia@patients.example", ROLE_END_USER);
	struct user_change name = { .has = USER_NAME | USER_ROLE, .u = { .name = HIDE(S("Pia P.")) } };
	struct user_change rise = { .has = USER_NAME | USER_ROLE | USER_SEES | USER_PRIVATE_ONLY | USER_MODERATOR |
		USER_PASSWORD, .u = { .name = HIDE(S("X")), .role = ROLE_AGENT, .sees = SEE_GROUPS,
		.only_private_comments = true, .moderator = true }, .password = HIDE(S(PASSWORD)) };
	struct user_change self = { .has = USER_NAME | USER_PHONE, .u = { .name = HIDE(S("Ali A.")),
		.phone = HIDE(S("+1 555 0100")) } };
	struct user_change self_up = { .has = USER_ROLE | USER_SUSPENDED | USER_EMAIL | USER_EXTERNAL_ID,
		.u = { .role = ROLE_ADMIN, .suspended = true, .email = HIDE(S("ali@evil.example")),
		.external_id = HIDE(S("x")) } };
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, agent);
	/* A role that is sent back unchanged is no change of role. */
	MUST(&cx, user_update(&cx, patient, &name, &u));
	MUST(&cx, user_create(&cx, &name, &u));
	MUST(&cx, user_delete(&cx, u.id, &u));
	assert_int_equal(user_update(&cx, patient, &rise, &u), E_INVALID);
	assert_true(refused(&cx, "role", "InvalidValue"));
	assert_true(refused(&cx, "ticket_restriction", "InvalidValue"));
	assert_true(refused(&cx, "only_private_comments", "InvalidValue"));
	assert_true(refused(&cx, "moderator", "InvalidValue"));
	assert_true(refused(&cx, "password", "InvalidValue"));
	again(&cx);
	assert_int_equal(user_create(&cx, &rise, &u), E_INVALID);
	again(&cx);
	assert_int_equal(user_update(&cx, other, &name, &u), E_DENIED);
	again(&cx);
	assert_int_equal(user_delete(&cx, other, &u), E_DENIED);
	again(&cx);
	assert_int_equal(user_update(&cx, w.admin, &name, &u), E_DENIED);
	again(&cx);
	MUST(&cx, user_update(&cx, agent, &self, &u));
	assert_int_equal(user_update(&cx, agent, &self_up, &u), E_INVALID);
	assert_int_equal(bad_count(&cx), 4);
	again(&cx);
	MUST(&cx, user_load(&cx, agent, &u));
	assert_int_equal(u.role, ROLE_AGENT);
	assert_int_equal(found_by(&cx, "ali@evil.example"), 0);
	/* End users change and see nobody. */
	be(&cx, patient);
	assert_int_equal(user_update(&cx, patient, &name, &u), E_DENIED);
	again(&cx);
	assert_int_equal(user_create(&cx, &name, &u), E_DENIED);
	again(&cx);
	assert_int_equal(user_get(&cx, agent, &u), E_ABSENT);
	again(&cx);
	MUST(&cx, user_get(&cx, patient, &u));
	assert_int_equal(user_list(&cx, &(struct user_filter){ .role_mask = -1 }, &(struct user *){ NULL },
	    &(int){ 0 }), E_DENIED);
	ctx_done(&cx);
}

static void
the_last_administrator_stays(void **state UNUSED)
{
	struct world v;
	struct user_change demote = { .has = USER_ROLE, .u = { .role = ROLE_AGENT } };
	struct user_change suspend = { .has = USER_SUSPENDED, .u = { .suspended = true } };
	int64_t second;
	struct user u;
	struct ctx cx;

	world_open(&v);
	ask(&v, &cx);
	be_system(&cx);
	assert_int_equal(user_update(&cx, v.admin, &demote, &u), E_INVALID);
	assert_true(refused(&cx, "role", "InvalidValue"));
	again(&cx);
	assert_int_equal(user_update(&cx, v.admin, &suspend, &u), E_INVALID);
	assert_true(refused(&cx, "suspended", "InvalidValue"));
	again(&cx);
	assert_int_equal(user_delete(&cx, v.admin, &u), E_INVALID);
	assert_true(refused(&cx, "base", "InvalidValue"));
	again(&cx);
	second = person(&v, "Bea Second", "bea@clinic.example", ROLE_ADMIN);
	MUST(&cx, user_update(&cx, second, &suspend, &u));
	/* A suspended one does not count. */
	assert_int_equal(user_delete(&cx, v.admin, &u), E_INVALID);
	again(&cx);
	suspend.u.suspended = false;
	MUST(&cx, user_update(&cx, second, &suspend, &u));
	be(&cx, v.admin);
	assert_int_equal(user_delete(&cx, v.admin, &u), E_INVALID);   /* oneself */
	again(&cx);
	be(&cx, second);
	MUST(&cx, user_delete(&cx, v.admin, &u));
	be_system(&cx);
	assert_int_equal(user_update(&cx, second, &demote, &u), E_INVALID);
	ctx_done(&cx);
	world_close(&v);
}

static void
staff_join_the_default_group(void **state UNUSED)
{
	struct user_change up = { .has = USER_ROLE, .u = { .role = ROLE_AGENT } };
	struct user_change down = { .has = USER_ROLE, .u = { .role = ROLE_END_USER } };
	struct user_change born = { .has = USER_NAME | USER_ROLE | USER_GROUP,
		.u = { .name = HIDE(S("Ina Group")), .role = ROLE_AGENT } };
	int64_t id = person(&w, "Stu Staff", NULL, ROLE_END_USER), group, n;
	struct membership *m;
	struct user u;
	struct ctx cx;
	int count;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, group_default(&cx, &group));
	MUST(&cx, user_update(&cx, id, &up, &u));
	assert_int_equal(u.default_group_id, group);
	MUST(&cx, membership_list(&cx, id, 0, 0, 0, 0, 0, &m, &count));
	assert_int_equal(count, 1);
	assert_true(m[0].is_default);
	MUST(&cx, user_update(&cx, id, &down, &u));
	assert_int_equal(u.default_group_id, 0);
	MUST(&cx, membership_count(&cx, id, 0, &n));
	assert_int_equal(n, 0);
	born.u.default_group_id = make_group(&w, "Chosen", true);
	MUST(&cx, user_create(&cx, &born, &u));
	assert_int_equal(u.default_group_id, born.u.default_group_id);
	MUST(&cx, membership_count(&cx, u.id, 0, &n));
	assert_int_equal(n, 1);
	ctx_done(&cx);
}

/* ---- lists, counts, changes ---------------------------------------------------------------------------------- */

static const struct list_case {
	const char *why;
	int role_mask;             /* 1 end users, 2 agents, 4 admins */
	bool org, group, newest_first;
	int after, before;         /* index of the expected list, from 1; 0: none */
	int64_t offset;
	int limit;
	const char *want;          /* letters of the people below */
} lists[] = {
	{ "all",                         -1,    false, false, false, 0, 0, 0, 0, "Aabcdefgh" },
	{ "newest first",                -1,    false, false, true,  0, 0, 0, 0, "hgfedcbaA" },
	{ "first page",                  -1,    false, false, false, 0, 0, 0, 4, "Aabc" },
	{ "second page by offset",       -1,    false, false, false, 0, 0, 4, 4, "defg" },
	{ "after the third",             -1,    false, false, false, 3, 0, 0, 4, "cdef" },
	{ "before the sixth",            -1,    false, false, false, 0, 6, 0, 3, "bcd" },
	{ "newest first, after the 3rd", -1,    false, false, true,  3, 0, 0, 2, "aA" },
	{ "newest first, before the 3rd", -1,   false, false, true,  0, 3, 0, 2, "dc" },
	{ "end users",                   1,     false, false, false, 0, 0, 0, 0, "abcgh" },
	{ "agents",                      2,     false, false, false, 0, 0, 0, 0, "def" },
	{ "staff",                       6,     false, false, false, 0, 0, 0, 0, "Adef" },
	{ "staff, by offset",            6,     false, false, false, 0, 0, 1, 2, "de" },
	{ "of an organization",          -1,    true,  false, false, 0, 0, 0, 0, "bdg" },
	{ "its end users",               1,     true,  false, true,  0, 0, 0, 0, "gb" },
	{ "its end users, second page",  1,     true,  false, false, 0, 0, 1, 1, "g" },
	{ "of a group",                  -1,    false, true,  false, 0, 0, 0, 0, "ef" },
	{ "its admins",                  4,     false, true,  false, 0, 0, 0, 0, "" },
	{ "its members, newest first",   -1,    false, true,  true,  0, 0, 0, 1, "f" },
};

static struct world lw;
static int64_t letters[128], list_org, list_group;

static void
list(void **state)
{
	const struct list_case *c = &lists[ROW(state)];
	static const char everyone[] = "Aabcdefgh";
	struct user_filter f = { .role_mask = c->role_mask, .organization_id = c->org ? list_org : 0,
		.group_id = c->group ? list_group : 0, .offset = c->offset, .limit = c->limit,
		.newest_first = c->newest_first };
	char got[32] = "";
	struct user *u;
	struct ctx cx;
	int64_t n;
	int count;

	if (c->after != 0)
		f.after = letters[(int)everyone[c->after - 1]];
	if (c->before != 0)
		f.before = letters[(int)everyone[c->before - 1]];
	ask(&lw, &cx);
	be(&cx, lw.admin);
	MUST(&cx, user_list(&cx, &f, &u, &count));
	for (int i = 0; i < count; i++)
		for (int l = 'A'; l <= 'z'; l++)
			if (letters[l] == u[i].id)
				got[i] = (char)l;
	assert_string_equal(got, c->want);
	/* Counting does not depend on the page. */
	MUST(&cx, user_count(&cx, &f, &n));
	if (c->limit == 0)
		assert_int_equal(n, count);
	ctx_done(&cx);
}

static void
many_by_id_without_doubles(void **state UNUSED)
{
	const int64_t ids[] = { letters['c'], letters['a'], letters['c'], 4711, letters['b'] };
	struct user *u;
	struct ctx cx;
	int count;

	ask(&lw, &cx);
	MUST(&cx, user_many(&cx, ids, (int)COUNT(ids), &u, &count));
	assert_int_equal(count, 3);
	assert_int_equal(u[0].id, letters['a']);
	assert_int_equal(u[1].id, letters['b']);
	assert_int_equal(u[2].id, letters['c']);
	assert_true(str_eq(u[2].name.hidden, S("Person c")));
	MUST(&cx, user_many(&cx, ids, 0, &u, &count));
	assert_int_equal(count, 0);
	ctx_done(&cx);
}

static void
every_change_is_seen_once_in_order(void **state UNUSED)
{
	struct user *u;
	struct user gone;
	struct ctx cx;
	int64_t id = 0;
	usec at = 0;
	int count, total = 0, deleted = 0;

	/* All at the same moment of the clock, and one with a clock behind. */
	SET(&lw, letters['a'], USER_ALIAS, .alias = HIDE(S("Al")));
	lw.now -= 3600 * SECOND;
	SET(&lw, letters['b'], USER_ALIAS, .alias = HIDE(S("Be")));
	lw.now += 3600 * SECOND;
	ask(&lw, &cx);
	be(&cx, lw.admin);
	MUST(&cx, user_delete(&cx, letters['h'], &gone));
	for (;;) {
		MUST(&cx, user_changed(&cx, at, id, 2, &u, &count));
		if (count == 0)
			break;
		for (int i = 0; i < count; i++) {
			assert_true(u[i].updated_at > at);
			at = u[i].updated_at;
			id = u[i].id;
			deleted += !u[i].active;
			total++;
		}
	}
	assert_int_equal(total, 9);
	assert_int_equal(deleted, 1);
	assert_int_equal(id, letters['h']);
	/* What comes later, even after a restart with the clock set back, comes behind. */
	lw.now -= 3600 * SECOND;
	ctx_done(&cx);
	world_restart(&lw);
	SET(&lw, letters['c'], USER_ALIAS, .alias = HIDE(S("Ce")));
	lw.now += 3600 * SECOND;
	ask(&lw, &cx);
	MUST(&cx, user_changed(&cx, at, id, 10, &u, &count));
	assert_int_equal(count, 1);
	assert_int_equal(u[0].id, letters['c']);
	ctx_done(&cx);
}

static void
counters_follow_every_change(void **state UNUSED)
{
	static const struct user_filter end_users = { .role_mask = 1 }, agents = { .role_mask = 2 };
	struct user_filter org = { .role_mask = -1 }, org_agents = { .role_mask = 2 };
	int64_t id, e0, a0, n, first = make_org(&w, "First Org", false), second = make_org(&w, "Second Org", false);
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_count(&cx, &end_users, &e0));
	MUST(&cx, user_count(&cx, &agents, &a0));
	id = person(&w, "Cal Count", NULL, ROLE_END_USER);
	MUST(&cx, user_count(&cx, &end_users, &n));
	assert_int_equal(n, e0 + 1);
	SET(&w, id, USER_ORG, .organization_id = first);
	SET(&w, id, USER_ORG | USER_ROLE, .organization_id = second, .role = ROLE_AGENT);
	MUST(&cx, user_count(&cx, &end_users, &n));
	assert_int_equal(n, e0);
	MUST(&cx, user_count(&cx, &agents, &n));
	assert_int_equal(n, a0 + 1);
	org.organization_id = first;
	MUST(&cx, user_count(&cx, &org, &n));
	assert_int_equal(n, 0);
	org.organization_id = org_agents.organization_id = second;
	MUST(&cx, user_count(&cx, &org, &n));
	assert_int_equal(n, 1);
	MUST(&cx, user_count(&cx, &org_agents, &n));
	assert_int_equal(n, 1);
	MUST(&cx, org_delete(&cx, second));
	MUST(&cx, user_load(&cx, id, &u));
	assert_int_equal(u.organization_id, 0);
	MUST(&cx, user_count(&cx, &org, &n));
	assert_int_equal(n, 0);
	MUST(&cx, user_delete(&cx, id, &u));
	MUST(&cx, user_count(&cx, &agents, &n));
	assert_int_equal(n, a0);
	ctx_done(&cx);
}

/* ---- trail, files ------------------------------------------------------------------------------------------------ */

static void
every_change_has_its_event(void **state UNUSED)
{
	int created = events(&w, "user.create"), updated = events(&w, "user.update"), deleted = events(&w, "user.delete");
	int64_t id = person(&w, "Tia Trail", "tia@patients.example", ROLE_END_USER);
	struct user_change in = { .has = USER_PHONE, .u = { .phone = HIDE(S("555-0123")) } };
	struct user u;
	struct ctx cx;

	assert_int_equal(events(&w, "user.create"), created + 1);
	assert_true(last_event_says(&w, "user.create", "name", "Tia Trail"));
	assert_true(last_event_says(&w, "user.create", "email", "tia@patients.example"));
	assert_true(last_event_says(&w, "user.create", "role", "end-user"));
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_update(&cx, id, &in, &u));
	assert_int_equal(events(&w, "user.update"), updated + 1);
	assert_true(last_event_says(&w, "user.update", "phone", "555-0123"));
	/* No change, no event, no new moment. */
	in.u.phone = HIDE(S(" 555-0123 "));
	w.now += SECOND;
	cx.now = w.now;
	usec at = u.updated_at;
	MUST(&cx, user_update(&cx, id, &in, &u));
	assert_int_equal(events(&w, "user.update"), updated + 1);
	assert_int_equal(u.updated_at, at);
	/* A password is set where the account lets administrators, and not told. */
	in = (struct user_change){ .has = USER_PASSWORD, .password = HIDE(S(PASSWORD)) };
	assert_int_equal(user_update(&cx, id, &in, &u), E_INVALID);
	again(&cx);
	assert_int_equal(events(&w, "user.update"), updated + 1);
	MUST(&cx, gate_setting_set(&cx, "admins_can_set_user_passwords", S("true")));
	MUST(&cx, user_update(&cx, id, &in, &u));
	MUST(&cx, gate_setting_set(&cx, "admins_can_set_user_passwords", S("false")));
	assert_true(last_event_says(&w, "user.update", "password", "set"));
	MUST(&cx, user_delete(&cx, id, &u));
	assert_int_equal(events(&w, "user.delete"), deleted + 1);
	assert_true(last_event_says(&w, "user.delete", "active", "false"));
	ctx_done(&cx);
}

static enum err
create_and_fail(struct ctx *cx, void *arg)
{
	struct user u;

	TRY(user_create(cx, arg, &u));
	return fail(cx, E_BUSY, NULL, "taken back");
}

static void
what_fails_leaves_nothing(void **state UNUSED)
{
	struct user_change in = { .has = USER_NAME | USER_EMAIL | USER_ROLE,
		.u = { .name = HIDE(S("Gil Gone")), .email = HIDE(S("gil@patients.example")), .role = ROLE_AGENT } };
	static const struct user_filter agents = { .role_mask = 2 };
	int created = events(&w, "user.create");
	int64_t before, after;
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_count(&cx, &agents, &before));
	assert_int_equal(store_write(&cx, create_and_fail, &in), E_BUSY);
	again(&cx);
	assert_int_equal(user_by_email(&cx, S("gil@patients.example"), &u), E_ABSENT);
	again(&cx);
	store_fail_commit(w.d.sys.store, 1);
	assert_int_equal(user_create(&cx, &in, &u), E_FAULT);
	again(&cx);
	assert_int_equal(user_by_email(&cx, S("gil@patients.example"), &u), E_ABSENT);
	again(&cx);
	MUST(&cx, user_count(&cx, &agents, &after));
	assert_int_equal(before, after);
	assert_int_equal(events(&w, "user.create"), created);
	MUST(&cx, user_create(&cx, &in, &u));
	ctx_done(&cx);
}

static void
nothing_that_names_a_person_is_in_a_file(void **state UNUSED)
{
	static const char *const canaries[] = {
		"Quenby Canary", "quenby.canary", "QUENBY", "555-7341-99", "Quill-alias", "canary-details",
		"canary-notes", "canary-signature", "canary-external", "canarytag", "canary_field", "canary-secondary",
		"Canary Clinic", "canary-org-notes", "canary.domain", "canary-org-ext", "canary-token-text", PASSWORD,
		"canary-password-1",
	};
	struct user_change in = { .has = 0x7FF | USER_FIELDS | USER_PASSWORD };
	struct organization o = { .name = HIDE(S("Canary Clinic")), .notes = HIDE(S("canary-org-notes")),
		.domain_names = HIDE(S("[\"canary.domain\"]")), .external_id = HIDE(S("canary-org-ext")) }, oo;
	struct user u, again_u;
	struct api_token t;
	struct ctx cx;
	str clear, cookie, csrf;
	char token[64], session[64];
	int retry;

	in.u = (struct user){ .name = HIDE(S("Quenby Canary")), .email = HIDE(S("Quenby.Canary@patients.example")),
		.phone = HIDE(S("555-7341-99")), .alias = HIDE(S("Quill-alias")), .details = HIDE(S("canary-details")),
		.notes = HIDE(S("canary-notes")), .signature = HIDE(S("canary-signature")),
		.external_id = HIDE(S("canary-external")), .locale = S("de"), .time_zone = S("Berlin"),
		.tags = HIDE(S("[\"canarytag\"]")), .user_fields = HIDE(S("{\"canary_field\":1}")) };
	in.password = HIDE(S("canary-password-1"));
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_create(&cx, &in, &u));
	in = (struct user_change){ .has = USER_EMAIL, .u = { .email = HIDE(S("canary-secondary@patients.example")) } };
	MUST(&cx, user_update(&cx, u.id, &in, &again_u));
	MUST(&cx, org_create(&cx, ORG_NAME | ORG_NOTES | ORG_DOMAINS | ORG_EXTERNAL_ID, &o, &oo));
	MUST(&cx, token_create(&cx, u.id, S("canary-token-text"), false, false, &clear, &t));
	memcpy(token, str_z(cx.arena, clear), clear.n + 1);
	ctx_done(&cx);
	ask(&w, &cx);
	MUST(&cx, session_create(&cx, S("quenby.canary@patients.example"), HIDE(S("canary-password-1")), S(""), &cookie, &csrf,
	    &retry));
	memcpy(session, str_z(cx.arena, cookie), cookie.n + 1);
	ctx_done(&cx);
	ask(&w, &cx);
	assert_int_equal(session_create(&cx, S("quenby.canary@patients.example"), HIDE(S("wrong-canary-1")), S(""), &cookie,
	    &csrf, &retry), E_WHO);
	ctx_done(&cx);
	/* All of it is there... */
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_get(&cx, u.id, &u));
	assert_true(str_eq(u.notes.hidden, S("canary-notes")));
	assert_true(str_eq(u.email.hidden, S("Quenby.Canary@patients.example")));
	ctx_done(&cx);
	/* ...but in no file, before and after the write-ahead log is folded in. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT(canaries); i++)
			if (in_files(&w, canaries[i]))
				BROKEN("%s stands in a file", canaries[i]);
		assert_false(in_files(&w, token));
		assert_false(in_files(&w, session));
		assert_false(in_files(&w, "wrong-canary-1"));
		world_restart(&w);
	}
	/* The search itself works: group names are plain. */
	make_group(&w, "Findable group", true);
	assert_true(in_files(&w, "Findable group"));
}

static enum err
destroy_key(struct ctx *cx, void *arg)
{
	return store_key_destroy(cx, *(int64_t *)arg);
}

static void
a_destroyed_key_leaves_an_erased_user(void **state UNUSED)
{
	int64_t id = person(&w, "Era Sed", "era@patients.example", ROLE_END_USER);
	struct user u;
	struct ctx cx;

	ask(&w, &cx);
	be_system(&cx);
	MUST(&cx, user_delete(&cx, id, &u));
	MUST(&cx, store_write(&cx, destroy_key, &u.key));
	MUST(&cx, store_erase(&cx));
	MUST(&cx, user_get(&cx, id, &u));
	assert_true(u.erased);
	assert_true(str_eq(u.name.hidden, S("Permanently Deleted User")));
	assert_int_equal(u.email.hidden.n, 0);
	assert_true(str_eq(u.tags.hidden, S("[]")));
	ctx_done(&cx);
}

static int
setup(void **state UNUSED)
{
	static const char names[] = "abcdefgh";

	world_open(&w);
	world_open(&lw);
	letters['A'] = lw.admin;
	for (size_t i = 0; names[i] != 0; i++) {
		char name[] = "Person ?";

		name[7] = names[i];
		letters[(int)names[i]] = person(&lw, name, NULL, names[i] >= 'd' && names[i] <= 'f' ? ROLE_AGENT :
		    ROLE_END_USER);
	}
	list_org = make_org(&lw, "List Org", false);
	list_group = make_group(&lw, "List Group", true);
	SET(&lw, letters['b'], USER_ORG, .organization_id = list_org);
	SET(&lw, letters['d'], USER_ORG, .organization_id = list_org);
	SET(&lw, letters['g'], USER_ORG, .organization_id = list_org);
	join(&lw, letters['e'], list_group);
	join(&lw, letters['f'], list_group);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	world_close(&lw);
	world_close(&w);
	return 0;
}

int
main(void)
{
	struct CMUnitTest t[COUNT(emails) + COUNT(senders) + COUNT(lists) + 24];
	size_t n = 0;

	ADD_ROWS(t, n, emails, email);
	ADD(t, n, an_email_has_at_most_254_bytes);
	ADD(t, n, every_wrong_field_is_named);
	ADD(t, n, an_email_belongs_to_one_user);
	ADD(t, n, an_external_id_belongs_to_one_user);
	ADD(t, n, a_new_email_is_a_secondary_one_whoever_gives_it);
	ADD(t, n, a_new_email_of_an_agent_is_a_secondary_one);
	ADD(t, n, create_or_update_finds_by_id_email_external_id);
	ADD_ROWS(t, n, senders, a_sender_becomes_a_requester_once);
	ADD(t, n, a_sender_without_an_address_is_refused);
	ADD(t, n, agents_change_end_users_only);
	ADD(t, n, the_last_administrator_stays);
	ADD(t, n, staff_join_the_default_group);
	ADD_ROWS(t, n, lists, list);
	ADD(t, n, many_by_id_without_doubles);
	ADD(t, n, every_change_is_seen_once_in_order);
	ADD(t, n, counters_follow_every_change);
	ADD(t, n, every_change_has_its_event);
	ADD(t, n, what_fails_leaves_nothing);
	ADD(t, n, nothing_that_names_a_person_is_in_a_file);
	ADD(t, n, a_destroyed_key_leaves_an_erased_user);
	return _cmocka_run_group_tests("gate user", t, n, setup, teardown);
}
