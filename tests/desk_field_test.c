/* desk_field_test.c - what fits a custom field of each type, and what is kept of it. */
#include "rows.h"
#include <stdio.h>
#include <stdlib.h>

#include "desk/def.h"

static const struct {
	const char *why, *type, *in, *kept;      /* JSON texts; kept NULL: refused */
} rows[] = {
	{ "a text",                              "text", "\"blue\"", "\"blue\"" },
	{ "a number is text too",                "text", "12", "\"12\"" },
	{ "an array is no text",                 "text", "[\"a\"]", NULL },
	{ "a truth is no text",                  "text", "true", NULL },
	{ "blanks alone clear",                  "text", "\"  \"", "null" },
	{ "null clears",                         "text", "null", "null" },
	{ "a NUL is no text",                    "text", "\"a\\u0000b\"", NULL },
	{ "lines",                               "textarea", "\"a\\nb\"", "\"a\\nb\"" },
	{ "true",                                "checkbox", "true", "true" },
	{ "the word true",                       "checkbox", "\"TRUE\"", "true" },
	{ "one",                                 "checkbox", "1", "true" },
	{ "zero",                                "checkbox", "\"0\"", "false" },
	{ "nothing is false",                    "checkbox", "\"\"", "false" },
	{ "perhaps is neither",                  "checkbox", "\"perhaps\"", NULL },
	{ "two is neither",                      "checkbox", "2", NULL },
	{ "a day",                               "date", "\"2024-02-29\"", "\"2024-02-29\"" },
	{ "a day that there was not",            "date", "\"2023-02-29\"", NULL },
	{ "the day of a time",                   "date", "\"2024-02-29T10:00:00Z\"", "\"2024-02-29\"" },
	{ "a day with something behind it",      "date", "\"2024-02-29 noon\"", NULL },
	{ "a number is no day",                  "date", "20240229", NULL },
	{ "an integer",                          "integer", "42", "42" },
	{ "digits",                              "integer", "\"042\"", "42" },
	{ "a plus",                              "integer", "\"+5\"", "5" },
	{ "a minus alone",                       "integer", "\"-\"", NULL },
	{ "a fraction",                          "integer", "1.5", NULL },
	{ "more digits than fit",                "integer", "\"9999999999999999999\"", NULL },
	{ "a decimal",                           "decimal", "19.99", "19.99" },
	{ "a decimal in words",                  "decimal", "\"-0.5\"", "-0.5" },
	{ "two points",                          "decimal", "\"1.2.3\"", NULL },
	{ "an exponent",                         "decimal", "\"1e9\"", NULL },
	{ "infinity",                            "decimal", "\"inf\"", NULL },
	{ "what the pattern takes",              "regexp", "\"AB-1\"", "\"AB-1\"" },
	{ "what it does not",                    "regexp", "\"AB-\"", NULL },
	{ "of a card four digits stay",          "partialcreditcard", "\"4111-1111-1111-1234\"", "\"XXXXXXXXXXXX1234\"" },
	{ "fifteen digits",                      "partialcreditcard", "\"378282246310005\"", "\"XXXXXXXXXXX0005\"" },
	{ "masked already",                      "partialcreditcard", "\"XXXXXXXXXXXX1234\"", "\"XXXXXXXXXXXX1234\"" },
	{ "the last four alone",                 "partialcreditcard", "\"1234\"", "\"XXXXXXXXXXXX1234\"" },
	{ "letters",                             "partialcreditcard", "\"4111 1111 1111 111a\"", NULL },
	{ "half masked, twelve digits bare",     "partialcreditcard", "\"411111111111XXXX\"", NULL },
	{ "too many digits",                     "partialcreditcard", "\"41111111111111111111\"", NULL },
	{ "an option",                           "tagger", "\"red\"", "\"red\"" },
	{ "no option",                           "tagger", "\"pink\"", NULL },
	{ "an option by number",                 "tagger", "1", NULL },
	{ "options",                             "multiselect", "[\"red\",\"blue\"]", "[\"red\",\"blue\"]" },
	{ "twice is once",                       "multiselect", "[\"red\",\"red\"]", "[\"red\"]" },
	{ "one of them is none",                 "multiselect", "[\"red\",\"pink\"]", NULL },
	{ "no options clear",                    "multiselect", "[]", "null" },
	{ "an object",                           "multiselect", "{}", NULL },
	{ "the system's own are not for values", "subject", "\"x\"", "null" },
};

static void
row(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct sys sys = { 0 };
	struct ctx cx;
	json_t *doc, *in, *out = NULL;
	struct def f = { .kind = DEF_TICKET_FIELD };
	char *z;

	ctx_init(&cx, &sys, 1);
	doc = json_pack("{s:s,s:s,s:s,s:[{s:s},{s:s}]}", "type", rows[i].type, "title", "F", "regexp_for_validation", "^[A-Z]+-\\d+$",
	    "custom_field_options", "value", "red", "value", "blue");
	in = json_loads(rows[i].in, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(doc);
	assert_non_null(in);
	f.doc = doc;
	assert_int_equal(field_value(&cx, NULL, &f, "base", in, &out), OK);
	if (rows[i].kept == NULL) {
		assert_non_null(cx.bad);
		assert_string_equal(cx.bad->field, "base");
	} else {
		assert_null(cx.bad);
		z = out ? json_dumps(out, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15)) : strdup("null");
		assert_string_equal(z, rows[i].kept);
		free(z);
	}
	ctx_done(&cx);
	json_decref(in);
	json_decref(doc);
}

static void
patterns(void **state)
{
	struct sys sys = { 0 };
	struct ctx cx;
	json_t *doc, *in, *out;
	struct def f = { .kind = DEF_TICKET_FIELD };
	usec from;

	(void)state;
	ctx_init(&cx, &sys, 1);
	assert_true(field_pattern_ok(&cx, S("^\\d{3}$")));
	assert_false(field_pattern_ok(&cx, S("(")));
	assert_false(field_pattern_ok(&cx, S("")));
	/* Exponential in a backtracking engine: it is given up soon, and does not fit. */
	doc = json_pack("{s:s,s:s,s:s}", "type", "regexp", "title", "F", "regexp_for_validation", "^(a|aa)+$");
	in = json_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	f.doc = doc;
	from = time_mono();
	assert_int_equal(field_value(&cx, NULL, &f, "base", in, &out), OK);
	assert_non_null(cx.bad);
	assert_true(time_mono() - from < 20 * SECOND);
	ctx_done(&cx);
	json_decref(in);
	json_decref(doc);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(rows) + 1];

	for (size_t i = 0; i < COUNT(rows); i++)
		t[i] = (struct CMUnitTest){ .name = rows[i].why, .test_func = row, .initial_state = (void *)(uintptr_t)i };
	t[COUNT(rows)] = (struct CMUnitTest){ .name = "patterns", .test_func = patterns };
	return cmocka_run_group_tests_name("desk field", t, NULL, NULL);
}
