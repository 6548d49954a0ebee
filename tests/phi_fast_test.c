/* What libphi does fast against the plain way, on thousands of texts put
 * together at random; that no rule is overlooked; that a scan allocates nothing
 * once a thread has seen texts of its size. */
#include "phi_slow.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct phi *phi;
static unsigned cpu;
static uint64_t seed = 42;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static const char *const pieces[] = {
	"Ana", "Lopez", "o'neil", "Smith-Jones", "McKAY", "iPhone", "the", "patient", "said", "Hospital", "Boise", "ID", "83702", "4477-120",
	"MRN", "DOB", "03/14/1962", "March 3rd", "208-555-0117", "(208) 555-0117", "ssn", "123-45-6789", "a@b.example", "http://x.y/z?q=1",
	"12 Oak St", "Apt 4", "97yo", "don't", "Ana's", "'s", "'", "''", "o'o'o'", "s'S", "B12's", ".", "..", "_", ":/", "://", "#", "(", ")", "-", "--",
	"@", "=", "&amp;", "&#64;", "%40", "=\n", "\n", "\n\n", "\r\n", "\t", " ", "  ", "\x01", "\x7f", "\xc3\xa9", "\xe2\x80\x99", "\xe2\x80\x8b",
	"\xff", "\xd0\x9f", "9", "x", "X", "Dr.", "Hi", "Thanks,\n", "Name:", "dot", "at", "[at]", ",", ";", "|", ">", "\"key\":", "fax", "lot",
};

static size_t
compose(char *to, size_t max)
{
	size_t n = 0, count = 1 + dice(120);
	for (size_t i = 0; i < count; i++) {
		const char *p = pieces[dice(COUNTOF(pieces))];
		size_t k = strlen(p);
		if (n + k + 2 > max)
			break;
		memcpy(to + n, p, k);
		n += k;
		if (dice(3))
			to[n++] = ' ';
	}
	/* A long one now and then. */
	for (size_t k = dice(60) ? 0 : dice(300), c = "aB9'."[dice(5)]; k > 0 && n + 1 < max; k--)
		to[n++] = (char)c;
	return n;
}

static int
sum(void *arg, const struct phi_finding *f)
{
	uint64_t *h = arg;
	*h = phi_mix(*h, f->at << 20 ^ f->len ^ (uint64_t)f->kind << 56 ^ (uint64_t)f->score << 48 ^ (uint64_t)f->rule << 40);
	return 0;
}

static void
plain_way(void **state)
{
	(void)state;
	static char text[8192];
	for (int round = 0; round < 4000; round++) {
		size_t n = compose(text, sizeof text), at = 0;
		uint64_t found[2] = { 0 };
		for (int i = 0; i < 2; i++) {
			phi->cpu = i ? cpu : 0;
			const char *wrong = slow_check(phi, text, n, round % 3 ? 0 : (int)dice(201) - 100, &at);
			if (wrong)
				fail_msg("round %d: %s differs at token %zu of: %.*s", round, wrong, at, (int)n, text);
			assert_int_equal(phi_scan(phi, text, n, sum, &found[i]), PHI_OK);
		}
		if (found[0] != found[1])
			fail_msg("round %d: another processor, other findings in: %.*s", round, (int)n, text);
	}
}

/* A rule that matches at a token is among those that the tables leave to be tried. */
static void
no_rule_overlooked(void **state)
{
	(void)state;
	static char text[8192];
	static bool look[LOOK][256], runs[RUNS][NEXTS];
	size_t matched = 0;
	for (unsigned i = 0; i < phi->rules.count; i++) {
		const struct dfa *d = phi->rules.rule[i].dfa;
		phi_dfa_look(d, look);
		phi_dfa_runs(d, runs);
		for (int round = 0; round < 400; round++) {
			size_t n = compose(text, sizeof text - 64);
			memset(text + n, 0, 64);
			uint16_t ends[8];
			for (size_t at = 0; at < n && at < 200; at++) {
				unsigned run = 0;
				unsigned k = phi_dfa_match(d, text + at, text + n, ends, 8);
				while (k > 0 && is_alnum_((unsigned char)text[at + ends[k - 1]]))
					k--;            /* inside of a word or number no rule may end */
				if (k == 0)
					continue;
				matched++;
				for (unsigned j = 0; j < LOOK; j++)
					if (!look[j][(unsigned char)text[at + j]])
						fail_msg("rule %s: byte %u overlooked", phi->rules.rule[i].id, j);
				while (is_digit((unsigned char)text[at + run]))
					run++;
				unsigned char c = at + run < n ? (unsigned char)text[at + run] : ' ';
				if (run && !runs[run < RUNS ? run : RUNS - 1][next_class(c)])
					fail_msg("rule %s: run of %u digits overlooked", phi->rules.rule[i].id, run);
			}
		}
	}
	assert_true(matched > 1000);
}

/* ---- memory ------------------------------------------------------------------------------------- */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED 1
static size_t allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n) { allocations++; return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { allocations++; return __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { allocations++; return __libc_realloc(p, n); }
#endif

static void
nothing_allocated(void **state)
{
	(void)state;
#ifdef COUNTED
	static char text[3][8192];
	size_t n[3];
	uint64_t found = 0;
	for (int i = 0; i < 3; i++)
		for (n[i] = 0; n[i] < 6000;)
			n[i] += compose(text[i] + n[i], sizeof text[i] - n[i]);
	for (int round = 0; round < 2; round++) {
		size_t before = allocations;
		for (int i = 0; i < 3; i++)
			assert_int_equal(phi_scan(phi, text[i], n[i], sum, &found), PHI_OK);
		assert_true(found != 0);
		if (round)
			assert_int_equal(allocations - before, 0);
		else
			assert_true(allocations > before);
		if (!round)
			for (int i = 0; i < 3; i++)       /* and the list of findings, once more than before */
				phi_scan(phi, text[i], n[i], sum, &found);
	}
#else
	skip();
#endif
}

static int
fresh(void **state)
{
	(void)state;
	phi->cpu = cpu;
	phi_thread_done();
	return 0;
}

int
main(void)
{
	char why[200];
	if (phi_open(NULL, &phi, why, sizeof why) != PHI_OK)
		return fputs(why, stderr), 1;
	cpu = phi->cpu;
	const struct CMUnitTest t[] = {
		cmocka_unit_test(plain_way),
		cmocka_unit_test(no_rule_overlooked),
		cmocka_unit_test_setup(nothing_allocated, fresh),
	};
	int r = cmocka_run_group_tests_name("phi fast", t, NULL, NULL);
	phi_close(phi);
	phi_thread_done();
	return r;
}
