/* The built-in rules' examples, and what a rule file must not be. */
#include "phi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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

static int
kind_of(void *arg, const struct phi_finding *f)
{
	*(int *)arg = (int)f->kind;
	return 0;
}

/* `count` word classes of one word each, a rule for each that needs, starts with or is boosted by it. */
static size_t
many(char *to, size_t cap, unsigned count)
{
	size_t n = 0;
	for (unsigned i = 0; i < count; i++)
		n += (size_t)snprintf(to + n, cap - n, "words own%u: zorb%u, house word%u\n", i, i, i);
	for (unsigned i = 0; i < count; i++)
		n += (size_t)snprintf(to + n, cap - n,
		    "rule own.needs%u\n kind OTHERID\n pattern Q%u-[0-9]{3}\n start code\n score 70\n needs own%u before 3\n"
		    " yes \"the zorb%u [[Q%u-123]] is\"\n yes \"house word%u: [[Q%u-123]]\"\n no \"the zorb Q%u-123 is\"\n"
		    " no \"Quinn Ashby said the zorb%u is Q%u-12\"\n"
		    "rule own.starts%u\n kind OTHERID\n pattern (?i)zorb%u/[a-z]{5}\n start words own%u\n score 60\n"
		    " yes \"a [[zorb%u/abcde]] b\"\n no \"a zorb/abcde b\"\n"
		    "rule own.weighs%u\n kind OTHERID\n pattern W%u#[0-9]{3}\n start code\n score 40\n boost 30 own%u before 2 after 3\n"
		    " drop own%u after 1\n yes \"zorb%u [[W%u#123]]\"\n no \"word W%u#123\"\n no \"zorb%u W%u#123 zorb%u\"\n", i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, i, (i + 1) % count, i, i, i, i, i, (i + 1) % count);
	return n;
}

static void
own_classes(void **state)
{
	static char text[1 << 17];
	char why[400];
	(void)state;
	if (phi_rules_check(text, many(text, sizeof text, 64), why, sizeof why) != PHI_OK)
		fail_msg("64 word classes: %s", why);
	assert_int_equal(phi_rules_check(text, many(text, sizeof text, 65), why, sizeof why), PHI_BAD);
	assert_non_null(strstr(why, "rules:65: more than 64 word classes"));
}

/* Own classes, and words added to a built-in one, in a folder beside each other. */
static void
folder(void **state)
{
	static const char *const files[] = {
		"words alpha: zorb\nwords mrn: kardex\nrule a.alpha\n kind OTHERID\n pattern [0-9]{4}\n score 70\n needs alpha before 2\n",
		"words beta: blick\nwords alpha: zorben\nrule b.beta\n kind DEVICE\n pattern [0-9]{4}\n score 80\n needs alpha before 2\n"
		" drop beta after 2\n",
	};
	static const struct { const char *text; int kind; } want[] = {
		{ "zorb 4711 here", PHI_DEVICE }, { "zorben 4711 here", PHI_DEVICE }, { "zorb 4711 blick", PHI_OTHERID },
		{ "glorb 4711 here", -1 }, { "kardex 471123", PHI_MRN },
	};
	char dir[] = "/tmp/phi-rules-XXXXXX", path[64], why[200];
	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%zu.rules", dir, i);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(files[i], f);
		assert_int_equal(fclose(f), 0);
	}
	struct phi *p;
	if (phi_open(dir, &p, why, sizeof why) != PHI_OK)
		fail_msg("%s", why);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		int kind = -1;
		assert_int_equal(phi_scan_opts(p, &(struct phi_opts){ .size = sizeof(struct phi_opts), .flags = PHI_NO_TAGGER }, want[i].text,
		    strlen(want[i].text), kind_of, &kind), PHI_OK);
		if (kind != want[i].kind)
			fail_msg("\"%s\": kind %d, not %d", want[i].text, kind, want[i].kind);
	}
	phi_close(p);
	phi_thread_done();
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%zu.rules", dir, i);
		unlink(path);
	}
	rmdir(dir);
}

int
main(void)
{
	enum { N = sizeof cases / sizeof cases[0] };
	struct CMUnitTest t[N + 3];
	for (size_t i = 0; i < N; i++)
		t[i] = (struct CMUnitTest){ .name = cases[i].why, .test_func = run, .initial_state = (void *)(uintptr_t)i };
	t[N] = (struct CMUnitTest){ .name = "every example of the built-in rules", .test_func = examples };
	t[N + 1] = (struct CMUnitTest){ .name = "64 word classes of one's own", .test_func = own_classes };
	t[N + 2] = (struct CMUnitTest){ .name = "a folder of rule files", .test_func = folder };
	return cmocka_run_group_tests_name("phi rules", t, NULL, NULL);
}
