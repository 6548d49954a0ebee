/* Which treatment a finding meets, which kind it is to a policy, and the CSV of the list of people. */
#include "base/base.h"
#include "rows.h"
#include "desk/desk.h"
#include "desk/known.h"
#include "phi.h"

#define K(k) (1u << (k))
#define ANY  0xffffffffu

/* ---- treatment --------------------------------------------------------------------------------------- */

static const struct policy_rule house[] = {
	{ K(PHI_SSN) | K(POLICY_CARD), ANY, K(CHANNEL_EMAIL), 0, PHI_HOLD },
	{ K(PHI_SSN), ANY, ANY, 60, PHI_REDACT },
	{ K(PHI_NAME), K(PLACE_SUBJECT) | K(PLACE_COMMENT), ANY, 70, PHI_MOVE },
	{ K(PHI_NAME), K(PLACE_NOTE), K(CHANNEL_API), 0, PHI_BLOCK },
	{ ANY, K(PLACE_FILE_TEXT), ANY, 90, PHI_BLOCK },
};

static const struct {
	const char *why;
	int kind; enum phi_place place; enum phi_channel channel; int score;
	enum treatment want;
} treatments_[] = {
	{ "the first rule that fits counts",              PHI_SSN,     PLACE_COMMENT,   CHANNEL_EMAIL, 10, PHI_HOLD },
	{ "another channel goes on to the next",          PHI_SSN,     PLACE_COMMENT,   CHANNEL_API,   90, PHI_REDACT },
	{ "a score below the rule's",                     PHI_SSN,     PLACE_COMMENT,   CHANNEL_API,   59, PHI_KEEP },
	{ "the score itself",                             PHI_SSN,     PLACE_COMMENT,   CHANNEL_API,   60, PHI_REDACT },
	{ "the policy's own kind",                        POLICY_CARD, PLACE_SUBJECT,   CHANNEL_EMAIL, 80, PHI_HOLD },
	{ "is no other",                                  PHI_ACCOUNT, PLACE_SUBJECT,   CHANNEL_EMAIL, 80, PHI_KEEP },
	{ "a name in a subject is moved",                 PHI_NAME,    PLACE_SUBJECT,   CHANNEL_FORM,  70, PHI_MOVE },
	{ "nothing is moved out of a comment",            PHI_NAME,    PLACE_COMMENT,   CHANNEL_FORM,  99, PHI_KEEP },
	{ "a note by the API",                            PHI_NAME,    PLACE_NOTE,      CHANNEL_API,   1,  PHI_BLOCK },
	{ "a note by chat",                               PHI_NAME,    PLACE_NOTE,      CHANNEL_CHAT,  99, PHI_KEEP },
	{ "any kind in a file",                           PHI_DATE,    PLACE_FILE_TEXT, CHANNEL_FORM,  90, PHI_BLOCK },
	{ "what no rule names is kept",                   PHI_DATE,    PLACE_FIELD,     CHANNEL_API,   99, PHI_KEEP },
};

static void
treatment(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct policy_doc p = { .rules = COUNT(house) };

	memcpy(p.rule, house, sizeof house);
	assert_int_equal(policy_treatment(&p, treatments_[i].kind, treatments_[i].place, treatments_[i].channel, treatments_[i].score),
	    treatments_[i].want);
}

static void
no_rules_keep_all(void **state)
{
	struct policy_doc p = { .rules = 0 };

	(void)state;
	for (int k = 0; k < POLICY_KINDS; k++)
		for (int place = 0; place < PLACES; place++)
			for (int c = 0; c < CHANNELS; c++)
				assert_int_equal(policy_treatment(&p, k, (enum phi_place)place, (enum phi_channel)c, 100), PHI_KEEP);
}

/* DESIGN section 6, written down a second time. */
static void
the_defaults(void **state)
{
	struct policy_doc p;

	(void)state;
	policy_defaults(&p);
	for (int k = 0; k < POLICY_KINDS; k++)
		for (int place = 0; place < PLACES; place++)
			for (int c = 0; c < CHANNELS; c++) {
				bool gone = k == PHI_SSN || k == POLICY_CARD || k == POLICY_PASSWORD;
				assert_int_equal(policy_treatment(&p, k, (enum phi_place)place, (enum phi_channel)c, 95),
				    gone ? PHI_REDACT : place == PLACE_SUBJECT ? PHI_MOVE : PHI_KEEP);
				assert_int_equal(policy_treatment(&p, k, (enum phi_place)place, (enum phi_channel)c, 50), PHI_KEEP);
			}
}

/* ---- kinds ---------------------------------------------------------------------------------------------- */

static const struct { const char *why, *label, *rule, *value; int want; } kinds_[] = {
	{ "a card by its rule",                     "ACCOUNT", "card.grouped",   "4111 1111 1111 1111", POLICY_CARD },
	{ "a card that another rule found first",   "ACCOUNT", "account.code",   "4111-1111-1111-1111", POLICY_CARD },
	{ "and under another label",                "OTHERID", "tagger.id",      "4111111111111111",    POLICY_CARD },
	{ "one digit off is no card",               "OTHERID", "tagger.id",      "4111111111111112",    PHI_OTHERID },
	{ "nor are twenty digits",                  "OTHERID", "tagger.id",      "41111111111111114111", PHI_OTHERID },
	{ "the last four alone are an account",     "ACCOUNT", "card.last4",     "1111",                PHI_ACCOUNT },
	{ "an account",                             "ACCOUNT", "account.code",   "00-552-8813",         PHI_ACCOUNT },
	{ "a phone number that passes Luhn is none", "PHONE",  "phone.us",       "4111111111111111",    PHI_PHONE },
	{ "a password by its rule",                 "OTHERID", "password.value", "pw: x1",              POLICY_PASSWORD },
	{ "a password that the tagger found",       "OTHERID", "tagger.id",      "password: Tiger42!",  POLICY_PASSWORD },
	{ "a word that only begins so",             "OTHERID", "tagger.id",      "pinball-77",          PHI_OTHERID },
	{ "a name",                                 "NAME",    "tagger.name",    "Jane",                PHI_NAME },
	{ "a label of another day",                 "NONESUCH", "x",             "y",                   PHI_OTHERID },
};

static void
kind(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;

	assert_int_equal(policy_kind(str_of(kinds_[i].label), str_of(kinds_[i].rule), str_of(kinds_[i].value)), kinds_[i].want);
}

static void
names_go_both_ways(void **state)
{
	(void)state;
	for (int k = 0; k < POLICY_KINDS; k++)
		assert_int_equal(policy_kind_of(str_of(policy_kind_name(k))), k);
	for (int i = 0; i < TREATMENTS; i++)
		assert_int_equal(treatment_of(str_of(treatment_name((enum treatment)i))), i);
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(phi_place_of(str_of(place_name((enum phi_place)i))), i);
	for (int i = 0; i < CHANNELS; i++)
		assert_int_equal(phi_channel_of(str_of(channel_name((enum phi_channel)i))), i);
	assert_null(policy_kind_name(POLICY_KINDS));
	assert_int_equal(policy_kind_of(S("NOSE")), -1);
	assert_int_equal(policy_channel(S("email")), CHANNEL_EMAIL);
	assert_int_equal(policy_channel(S("something new")), CHANNEL_API);
}

/* ---- CSV --------------------------------------------------------------------------------------------------- */

static const struct { const char *why, *text; bool last; const char *fields; int left; } csvs[] = {
	{ "two fields",                        "a,b\nc",           false, "a|b",     1 },
	{ "CRLF",                              "a,b\r\nc",         false, "a|b",     1 },
	{ "quotes",                            "\"a, b\",c\n",     false, "a, b|c",  0 },
	{ "a quote in quotes",                 "\"a \"\"b\"\"\"\n", false, "a \"b\"", 0 },
	{ "a line break in quotes",            "\"a\nb\",c\n",     false, "a\nb|c",  0 },
	{ "an empty line",                     "\nx",              false, "",        1 },
	{ "no end yet",                        "a,b",              false, NULL,      3 },
	{ "the last line needs no end",        "a,b",              true,  "a|b",     0 },
	{ "a quote still open",                "\"a",              false, NULL,      2 },
	{ "a quote never closed",              "\"a",              true,  "a",       0 },
	{ "nothing",                           "",                 true,  NULL,      0 },
	{ "an empty last field",               "a,\n",             false, "a|",      0 },
};

static void
csv(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct arena *a = arena_new();
	str rest = str_of(csvs[i].text), field[8];
	int n = csv_record(a, &rest, csvs[i].last, field, 8);
	struct buf b;

	buf_init(&b, a, 4096);
	for (int k = 0; k < n; k++)
		buf_fmt(&b, "%s" STR_F, k ? "|" : "", STR_A(field[k]));
	if (csvs[i].fields == NULL)
		assert_int_equal(n, -1);
	else {
		assert_true(n >= 1);
		assert_true(str_eq(buf_str(&b), str_of(csvs[i].fields)));
	}
	assert_int_equal((int)rest.n, csvs[i].left);
	arena_free(&a);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(treatments_) + COUNT(kinds_) + COUNT(csvs) + 3];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(treatments_); i++)
		t[n++] = (struct CMUnitTest){ .name = treatments_[i].why, .test_func = treatment, .initial_state = (void *)(uintptr_t)i };
	for (size_t i = 0; i < COUNT(kinds_); i++)
		t[n++] = (struct CMUnitTest){ .name = kinds_[i].why, .test_func = kind, .initial_state = (void *)(uintptr_t)i };
	for (size_t i = 0; i < COUNT(csvs); i++)
		t[n++] = (struct CMUnitTest){ .name = csvs[i].why, .test_func = csv, .initial_state = (void *)(uintptr_t)i };
	t[n++] = (struct CMUnitTest)cmocka_unit_test(no_rules_keep_all);
	t[n++] = (struct CMUnitTest)cmocka_unit_test(the_defaults);
	t[n++] = (struct CMUnitTest)cmocka_unit_test(names_go_both_ways);
	return cmocka_run_group_tests_name("desk policy", t, NULL, NULL);
}
