/* The built-in rules' examples, and what a rule file must not be. */
#include "phi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
examples(void **state)
{
	char why[400];
	(void)state;
	if (phi_rules_check(NULL, 0, why, sizeof why) != PHI_OK)
		fail_msg("%s", why);
}

static const struct {
	const char *why, *text, *says;      /* says NULL: accepted */
} cases[] = {
	{ "a rule of one's own", "rule own.case\n kind OTHERID\n pattern CASE-[0-9]{4}\n start code\n score 90\n"
	  " yes \"see [[CASE-1234]] now\"\n no \"CASE-12\"\n", NULL },
	{ "an example that does not hold", "rule own.case\n kind OTHERID\n pattern CASE-[0-9]{4}\n start code\n"
	  " yes \"see [[CASE-12]]\"\n", "own.case" },
	{ "a negative example that is found", "rule own.case\n kind OTHERID\n pattern CASE-[0-9]{4}\n start code\n"
	  " no \"see CASE-1234\"\n", "own.case" },
	{ "no such kind", "rule x\n kind PERSON\n", "rules:2: no such kind" },
	{ "a back reference", "rule x\n kind NAME\n pattern (a)\\1\n", "back references" },
	{ "look-ahead", "rule x\n kind NAME\n pattern a(?=b)\n", "look-around" },
	{ "too many states", "rule x\n kind NAME\n pattern (a|b)*a(a|b){14}\n", "too many states" },
	{ "a repeat of repeats", "rule x\n kind NAME\n pattern ((a{250}){250}){250}\n", "too large" },
	{ "nested without end", "rule x\n kind NAME\n pattern ((((((((((((((((((((((a))))))))))))))))))))))\n", "nested too deep" },
	{ "an empty match", "rule x\n kind NAME\n pattern a*\n", "matches nothing" },
	{ "an open bracket", "rule x\n kind NAME\n pattern [a-\n", "[ without ]" },
	{ "a class that is not there", "rule x\n kind NAME\n pattern a\n needs nosuch before 3\n", "no such word class" },
	{ "two of one id", "rule x\n kind NAME\n pattern a\nrule x\n kind NAME\n pattern b\n", "two rules" },
	{ "an id of the built-in ones", "rule ssn.plain\n kind NAME\n pattern a\n", "two rules" },
	{ "no pattern", "rule x\n kind NAME\n", "without pattern" },
	{ "something else", "hello\n", "rules:1: a line begins with" },
};

static void
run(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	char why[400];
	enum phi_err e = phi_rules_check(cases[i].text, strlen(cases[i].text), why, sizeof why);
	assert_int_equal(e, cases[i].says ? PHI_BAD : PHI_OK);
	if (cases[i].says && !strstr(why, cases[i].says))
		fail_msg("said \"%s\", not \"%s\"", why, cases[i].says);
}

int
main(void)
{
	enum { N = sizeof cases / sizeof cases[0] };
	struct CMUnitTest t[N + 1];
	for (size_t i = 0; i < N; i++)
		t[i] = (struct CMUnitTest){ .name = cases[i].why, .test_func = run, .initial_state = (void *)(uintptr_t)i };
	t[N] = (struct CMUnitTest){ .name = "every example of the built-in rules", .test_func = examples };
	return cmocka_run_group_tests_name("phi rules", t, NULL, NULL);
}
