/* What a scan promises: the sample cases of each kind, known values, allow
 * lists, limits, long texts, threads with small stacks, redaction. */
#include "phi.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct phi *phi;

struct first { struct phi_finding f[64]; int n; };

static int
collect(void *arg, const struct phi_finding *f)
{
	struct first *s = arg;
	if (s->n < 64)
		s->f[s->n++] = *f;
	return 0;
}

static int
append(void *arg, const char *p, size_t n)
{
	char *to = arg;
	size_t k = strlen(to);
	if (k + n > 8000)
		return 1;
	memcpy(to + k, p, n);
	to[k + n] = 0;
	return 0;
}

/* ---- one text, one finding that must cover the marked part --------------------------------------- */

static const struct {
	const char *why, *text, *part;     /* part NULL: nothing may be found */
	enum phi_kind kind;
} cases[] = {
	{ "a name after a title", "I saw Dr. Webster today.", "Webster", PHI_NAME },
	{ "a name in small letters", "Agent: your name please?\nCustomer: latoya simmons", "latoya simmons", PHI_NAME },
	{ "a surname with a hyphen", "Patient: Rosa Delgado-Finch", "Rosa Delgado-Finch", PHI_NAME },
	{ "last name first, capitals", "order for NAKAMURA, KENJI rejected", "NAKAMURA, KENJI", PHI_NAME },
	{ "letters with marks", "Name: Tobias Gr\xc3\xbcnewald\n", "Tobias Gr\xc3\xbcnewald", PHI_NAME },
	{ "an address with unit, town and ZIP", "We moved to 3900 Lake Dr SE, Suite 6, Grand Rapids, MI 49546.",
	  "3900 Lake Dr SE, Suite 6, Grand Rapids, MI 49546", PHI_LOCATION },
	{ "a rural box", "mail to RR 1 Box 204, Decorah IA 52101.", "RR 1 Box 204, Decorah IA 52101", PHI_LOCATION },
	{ "a facility", "surgery at Riverside Orthopedic Hospital", "Riverside Orthopedic Hospital", PHI_FACILITY },
	{ "digits that are full width", "SSN \xef\xbc\x91\xef\xbc\x92\xef\xbc\x93-45-6789", "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93-45-6789", PHI_SSN },
	{ "a zero-width space inside", "SSN 123\xe2\x80\x8b-45-6789.", "123\xe2\x80\x8b-45-6789", PHI_SSN },
	{ "HTML entities", "write to jane&#64;mail.example now", "jane&#64;mail.example", PHI_EMAIL },
	{ "%40 of a form post", "email=jane.roe%40mail.example", "jane.roe%40mail.example", PHI_EMAIL },
	{ "a soft line break of quoted-printable", "SSN 123-45=\r\n-6789", "123-45=\r\n-6789", PHI_SSN },
	{ "a number across a line", "SSN 123-45-\n6789", "123-45-\n6789", PHI_SSN },
	{ "an age of 94", "my grandmother is 94 and lives alone", "94", PHI_AGE90 },
	{ "eponyms are not people", "He has Parkinson disease and a Foley catheter.", NULL, 0 },
	{ "doses, pressure and versions", "BP 132/84, takes 20 mg daily, app version 3.2.10.", NULL, 0 },
	{ "a bare ticket number", "Your ticket 90021 is closed.", NULL, 0 },
	{ "nothing", "", NULL, 0 },
};

static void
one(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct first s = { .n = 0 };
	assert_int_equal(phi_scan(phi, cases[i].text, strlen(cases[i].text), collect, &s), PHI_OK);
	if (!cases[i].part) {
		if (s.n)
			fail_msg("found %s at %zu by %s", phi_kind_name(s.f[0].kind), s.f[0].at, phi_rule_name(phi, s.f[0].rule));
		return;
	}
	size_t at = (size_t)(strstr(cases[i].text, cases[i].part) - cases[i].text), end = at + strlen(cases[i].part);
	for (int k = 0; k < s.n; k++)
		if (s.f[k].at <= at && s.f[k].at + s.f[k].len >= end && s.f[k].kind == cases[i].kind) {
			assert_true(s.f[k].at + 6 >= at && s.f[k].at + s.f[k].len <= end + 3);
			return;
		}
	fail_msg("not found");
}

/* ---- known values and the allow list ----------------------------------------------------------------- */

/* The last finding is the number that stands there again without its word; without the model, which may know it by its form. */
static void
numbers_again(void **state)
{
	static const struct { const char *text, *last; int kind; } rows[] = {
		{ "MRN 5582013 is hers.\nNow to the other matter. I told 55-82013", "55-82013", PHI_MRN },
		{ "Is your zip 88201 or 88203?\nVisitor 4471: 88203", "88203", PHI_LOCATION },
		{ "member id ZKH400912288 please\n\nthank you, zkh 400912288", "zkh 400912288", PHI_HEALTHPLAN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct first s = { .n = 0 };
		size_t len = strlen(rows[i].text), n = strlen(rows[i].last);
		assert_int_equal(phi_scan_opts(phi, &(struct phi_opts){ .size = sizeof(struct phi_opts), .flags = PHI_NO_TAGGER }, rows[i].text, len,
		    collect, &s), PHI_OK);
		assert_true(s.n > 1);
		assert_int_equal(s.f[s.n - 1].at, len - n);
		assert_int_equal(s.f[s.n - 1].len, n);
		assert_int_equal(s.f[s.n - 1].kind, rows[i].kind);
	}
}

static void
known(void **state)
{
	(void)state;
	struct phi_known *k = phi_known_new();
	assert_non_null(k);
	assert_int_equal(phi_known_add(k, PHI_NAME, "Quill Zorander", 14), PHI_OK);
	assert_int_equal(phi_known_add(k, PHI_MRN, "AB-12 34", 8), PHI_OK);
	assert_int_equal(phi_known_allow(k, "desk@clinic.example", 19), PHI_OK);
	struct phi_opts o = { .size = sizeof o, .known = k };
	static const struct { const char *text, *part; int kind; } rows[] = {
		{ "we may ask zorander later", "zorander", PHI_NAME },
		{ "the value ab1234 stands here", "ab1234", PHI_MRN },
		{ "the value AB 12 34 stands here", "AB 12 34", PHI_MRN },
		{ "ZORANDER, QUILL", "ZORANDER, QUILL", PHI_NAME },
		{ "write to desk@clinic.example", NULL, 0 },
		{ "write to other@clinic.example", "other@clinic.example", PHI_EMAIL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct first s = { .n = 0 };
		assert_int_equal(phi_scan_opts(phi, &o, rows[i].text, strlen(rows[i].text), collect, &s), PHI_OK);
		assert_int_equal(s.n > 0, rows[i].part != NULL);
		if (rows[i].part) {
			assert_int_equal(s.f[0].kind, rows[i].kind);
			assert_int_equal(s.f[0].at, strstr(rows[i].text, rows[i].part) - rows[i].text);
			assert_int_equal(s.f[0].len, strlen(rows[i].part));
		}
	}
	/* Kept, loaded, and behind another set. */
	struct phi_known *loaded, *front = phi_known_new();
	size_t n = phi_known_size(k);
	unsigned char *bytes = malloc(n);
	assert_non_null(bytes);
	assert_non_null(front);
	phi_known_save(k, bytes);
	for (size_t i = 0; i < n; i += 7) {
		bytes[i] ^= 1;
		assert_int_equal(phi_known_load(bytes, n, &loaded), PHI_BAD);
		bytes[i] ^= 1;
	}
	assert_int_equal(phi_known_load(bytes, n - 8, &loaded), PHI_BAD);
	assert_int_equal(phi_known_load(bytes, n, &loaded), PHI_OK);
	assert_int_equal(phi_known_add(front, PHI_NAME, "Other Person", 12), PHI_OK);
	phi_known_also(front, loaded);
	o.known = front;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct first s = { .n = 0 };
		assert_int_equal(phi_scan_opts(phi, &o, rows[i].text, strlen(rows[i].text), collect, &s), PHI_OK);
		assert_int_equal(s.n > 0, rows[i].part != NULL);
	}
	free(bytes);
	phi_known_free(front);
	phi_known_free(loaded);
	phi_known_free(k);
	phi_known_free(NULL);
	assert_int_equal(phi_known_add(NULL, PHI_NAME, "x", 1), PHI_BAD);
}

static void
many_known(void **state)
{
	(void)state;
	struct phi_known *k = phi_known_new();
	char b[32];
	assert_non_null(k);
	for (int i = 0; i < 200000; i++) {
		int n = snprintf(b, sizeof b, "Q%07d", i);
		assert_int_equal(phi_known_add(k, PHI_MRN, b, (size_t)n), PHI_OK);
	}
	struct phi_opts o = { .size = sizeof o, .known = k };
	struct first s = { .n = 0 };
	assert_int_equal(phi_scan_opts(phi, &o, "see q0131072 there", 18, collect, &s), PHI_OK);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.f[0].kind, PHI_MRN);
	phi_known_free(k);
}

/* ---- limits, stops --------------------------------------------------------------------------------------- */

static int stop_at_once(void *arg, const struct phi_finding *f) { (void)f; ++*(int *)arg; return 1; }
static int count(void *arg, const struct phi_finding *f) { (void)f; ++*(int *)arg; return 0; }

static void
limits(void **state)
{
	(void)state;
	int n = 0;
	char *big = calloc(1, PHI_TEXT_MAX + 1);
	assert_non_null(big);
	memset(big, 'a', PHI_TEXT_MAX + 1);
	assert_int_equal(phi_scan(phi, big, PHI_TEXT_MAX + 1, count, &n), PHI_LIMIT);
	assert_int_equal(n, 0);
	free(big);
	assert_int_equal(phi_scan(phi, NULL, 0, count, &n), PHI_OK);
	assert_int_equal(phi_scan(phi, NULL, 3, count, &n), PHI_BAD);
	assert_int_equal(phi_scan(phi, "SSN 123-45-6789, SSN 123-45-6780", 32, stop_at_once, &n), PHI_STOPPED);
	assert_int_equal(n, 1);
	volatile int stop = 1;
	struct phi_opts o = { .size = sizeof o, .stop = &stop };
	n = 0;
	assert_int_equal(phi_scan_opts(phi, &o, "SSN 123-45-6789", 15, count, &n), PHI_STOPPED);
	assert_int_equal(n, 0);
	o = (struct phi_opts){ .size = 3 };
	assert_int_equal(phi_scan_opts(phi, &o, "a", 1, count, &n), PHI_BAD);
}

struct places { size_t at[4000]; int n; };

static int
where(void *arg, const struct phi_finding *f)
{
	struct places *p = arg;
	if (f->kind == PHI_SSN && p->n < 4000)
		p->at[p->n++] = f->at;
	return 0;
}

/* An identifier every 997 bytes of 2 MB: none is lost or doubled at a cut. */
static void
long_text(void **state)
{
	(void)state;
	enum { EVERY = 997, TIMES = 2000 };
	static struct places p;
	char *t = malloc(EVERY * TIMES);
	assert_non_null(t);
	for (int i = 0; i < EVERY * TIMES; i++)
		t[i] = "the office is open "[i % 19];
	for (int i = 0; i < TIMES; i++)
		memcpy(t + i * EVERY + 500, " SSN 123-45-6789 ", 17);
	assert_int_equal(phi_scan(phi, t, EVERY * TIMES, where, &p), PHI_OK);
	assert_int_equal(p.n, TIMES);
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(p.at[i], i * EVERY + 505);
	/* One word of a megabyte, and an address longer than a window. */
	memset(t, 'x', 1 << 20);
	int n = 0;
	assert_int_equal(phi_scan(phi, t, 1 << 20, count, &n), PHI_OK);
	memcpy(t, "see https://", 12);
	t[100000] = ' ';
	struct first s = { .n = 0 };
	assert_int_equal(phi_scan(phi, t, 100010, collect, &s), PHI_OK);
	assert_true(s.n >= 1);
	assert_int_equal(s.f[0].at, 4);
	assert_true(s.f[0].len >= 100000 - 4);
	free(t);
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

static void *
work(void *arg)
{
	int *bad = arg;
	for (int r = 0; r < 200; r++)
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
			struct first s = { .n = 0 };
			if (phi_scan(phi, cases[i].text, strlen(cases[i].text), collect, &s) != PHI_OK || (s.n > 0) != (cases[i].part != NULL))
				++*bad;
		}
	return NULL;
}

static void
threads(void **state)
{
	(void)state;
	pthread_t t[8];
	int bad[8] = { 0 };
	pthread_attr_t a;
	pthread_attr_init(&a);
	assert_int_equal(pthread_attr_setstacksize(&a, 256 << 10), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], &a, work, &bad[i]), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(bad[i], 0);
	}
	pthread_attr_destroy(&a);
}

/* ---- redaction ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *why, *text, *out;
	enum phi_style style;
	int safe_harbor;
} redactions[] = {
	{ "label", "SSN 123-45-6789.", "SSN [SSN].", PHI_STYLE_LABEL, 0 },
	{ "mask keeps length and punctuation", "SSN 123-45-6789.", "SSN XXX-XX-XXXX.", PHI_STYLE_MASK, 0 },
	{ "mask counts characters", "Name: Tobias Gr\xc3\xbcnewald\n", "Name: XXXXXX XXXXXXXXX\n", PHI_STYLE_MASK, 0 },
	{ "last four", "SSN 123-45-6789.", "SSN XXX-XX-6789.", PHI_STYLE_LAST4, 0 },
	{ "last four of four are none", "SSN ending in 4431", "SSN ending in XXXX", PHI_STYLE_LAST4, 0 },
	{ "a surrogate SSN was never issued", "SSN 123-45-6789.", "SSN 000-00-", PHI_STYLE_SURROGATE, 0 },
	{ "Safe Harbor keeps the year", "seen on 02/14/2021.", "seen on [DATE 2021].", PHI_STYLE_LABEL, 1 },
	{ "Safe Harbor keeps a large ZIP3", "Zip: 77036", "Zip: [LOCATION 770]", PHI_STYLE_LABEL, 1 },
	{ "Safe Harbor blanks a small ZIP3", "Zip: 82101", "Zip: [LOCATION 000]", PHI_STYLE_LABEL, 1 },
	{ "Safe Harbor caps ages", "she turned 97 in spring", "she turned 90+ in spring", PHI_STYLE_LABEL, 1 },
};

static void
redact(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct phi_redact_opts o = { .size = sizeof o, .style = redactions[i].style, .safe_harbor = redactions[i].safe_harbor, .key = 7 };
	char b[8200] = "";
	assert_int_equal(phi_redact(phi, &o, redactions[i].text, strlen(redactions[i].text), append, b), PHI_OK);
	if (redactions[i].style == PHI_STYLE_SURROGATE)
		b[strlen(redactions[i].out)] = 0;
	assert_string_equal(b, redactions[i].out);
}

static void
consistent(void **state)
{
	(void)state;
	struct phi_redact_opts o = { .size = sizeof o, .style = PHI_STYLE_HASH, .key = 9 };
	const char *t = "SSN 123-45-6789 and SSN 123 45 6789";
	char a[8200] = "", b[8200] = "";
	assert_int_equal(phi_redact(phi, &o, t, strlen(t), append, a), PHI_OK);
	assert_memory_equal(strstr(a, "[SSN:"), strstr(strstr(a, "[SSN:") + 1, "[SSN:"), 18);
	o.key = 10;
	assert_int_equal(phi_redact(phi, &o, t, strlen(t), append, b), PHI_OK);
	assert_string_not_equal(a, b);
}

static void
opening(void **state)
{
	(void)state;
	struct phi *p = (struct phi *)(uintptr_t)8;
	char why[200];
	assert_int_equal(phi_open("/nonexistent/folder", &p, why, sizeof why), PHI_IO);
	assert_null(p);
	assert_true(why[0]);
	phi_close(NULL);
	for (int k = 0; k < PHI_KINDS; k++)
		assert_int_equal(phi_kind_of(phi_kind_name((enum phi_kind)k), strlen(phi_kind_name((enum phi_kind)k))), k);
	assert_int_equal(phi_kind_of("nam", 3), -1);
	assert_null(phi_kind_name(PHI_KINDS));
}

int
main(void)
{
	enum { N = sizeof cases / sizeof cases[0], R = sizeof redactions / sizeof redactions[0] };
	static struct CMUnitTest t[N + R + 9];
	size_t n = 0;
	char why[300];
	if (phi_open(NULL, &phi, why, sizeof why) != PHI_OK) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (size_t i = 0; i < N; i++)
		t[n++] = (struct CMUnitTest){ .name = cases[i].why, .test_func = one, .initial_state = (void *)(uintptr_t)i };
	for (size_t i = 0; i < R; i++)
		t[n++] = (struct CMUnitTest){ .name = redactions[i].why, .test_func = redact, .initial_state = (void *)(uintptr_t)i };
	t[n++] = (struct CMUnitTest){ .name = "numbers again without their word", .test_func = numbers_again };
	t[n++] = (struct CMUnitTest){ .name = "known values and allowed ones", .test_func = known };
	t[n++] = (struct CMUnitTest){ .name = "200,000 known values", .test_func = many_known };
	t[n++] = (struct CMUnitTest){ .name = "limits and stops", .test_func = limits };
	t[n++] = (struct CMUnitTest){ .name = "long texts", .test_func = long_text };
	t[n++] = (struct CMUnitTest){ .name = "eight threads with stacks of 256 KiB", .test_func = threads };
	t[n++] = (struct CMUnitTest){ .name = "the same value, the same hash", .test_func = consistent };
	t[n++] = (struct CMUnitTest){ .name = "opening, and names of kinds", .test_func = opening };
	int bad = _cmocka_run_group_tests("phi scan", t, n, NULL, NULL);
	phi_close(phi);
	phi_thread_done();
	return bad;
}
