/* The hand-written tickets of tests/phi/tickets through the engine: what leaks,
 * what is found where nothing is. The bounds are what the engine reaches now,
 * with little to spare, so that a change that loses people fails here.
 *
 * A file: "== id channel" begins a ticket, [[KIND:text]] marks a span. */
#include "phi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct phi *phi;

struct span { size_t at, end; };
struct ticket { char text[4000]; size_t n; struct span gold[60]; int golds; char cover[4000]; };
struct sums { int tickets, spans, leaks, clean, touched; size_t chars, right; };

static int
mark(void *arg, const struct phi_finding *f)
{
	struct ticket *t = arg;
	memset(t->cover + f->at, 1, f->len);
	return 0;
}

static int
is_alnum(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void
judge(struct ticket *t, struct sums *s)
{
	while (t->n && t->text[t->n - 1] == '\n')
		t->n--;
	memset(t->cover, 0, sizeof t->cover);
	assert_int_equal(phi_scan(phi, t->text, t->n, mark, t), PHI_OK);
	s->tickets++;
	s->spans += t->golds;
	char gold[4000] = "";
	for (int i = 0; i < t->golds; i++) {
		int leak = 0;
		for (size_t k = t->gold[i].at; k < t->gold[i].end; k++) {
			gold[k] = 1;
			leak |= is_alnum((unsigned char)t->text[k]) && !t->cover[k];
		}
		s->leaks += leak;
	}
	int any = 0;
	for (size_t k = 0; k < t->n; k++)
		if (t->cover[k] && is_alnum((unsigned char)t->text[k])) {
			s->chars++;
			s->right += gold[k];
			any = 1;
		}
	if (t->golds == 0)
		s->clean++, s->touched += any;
}

static void
read_file(const char *name, struct sums *s)
{
	static struct ticket t;
	char line[4000];
	FILE *f = fopen(name, "r");
	if (!f)
		fail_msg("%s is missing", name);
	int open = 0;
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, "== ", 3)) {
			if (open)
				judge(&t, s);
			t.n = 0, t.golds = 0, open = 1;
			continue;
		}
		if (!open)
			continue;
		for (char *p = line; *p;) {
			char *close, *colon;
			if (p[0] == '[' && p[1] == '[' && (colon = strchr(p, ':')) && (close = strstr(p, "]]"))) {
				size_t n = (size_t)(close - colon - 1);
				assert_true(phi_kind_of(p + 2, (size_t)(colon - p - 2)) >= 0);
				assert_true(t.golds < 60 && t.n + n < sizeof t.text);
				memcpy(t.text + t.n, colon + 1, n);
				t.gold[t.golds++] = (struct span){ t.n, t.n + n };
				t.n += n;
				p = close + 2;
				continue;
			}
			assert_true(t.n + 1 < sizeof t.text);
			t.text[t.n++] = *p++;
		}
	}
	if (open)
		judge(&t, s);
	fclose(f);
}

static void
with_phi(void **state)
{
	struct sums s = { 0 };
	(void)state;
	read_file("tests/phi/tickets/with_phi.txt", &s);
	printf("%d tickets, %d spans, %d leak (%.1f %%), character precision %.1f %%\n", s.tickets, s.spans, s.leaks,
	    100.0 * s.leaks / s.spans, 100.0 * (double)s.right / (double)s.chars);
	assert_true(s.tickets >= 100);
	assert_true(s.leaks * 100 <= s.spans * 9);
	assert_true(s.right * 100 >= s.chars * 94);
}

static void
without_phi(void **state)
{
	struct sums s = { 0 };
	(void)state;
	read_file("tests/phi/tickets/without_phi.txt", &s);
	printf("%d tickets without PHI, something found in %d\n", s.clean, s.touched);
	assert_true(s.clean >= 100);
	assert_true(s.touched * 100 <= s.clean * 20);
}

int
main(void)
{
	static const struct CMUnitTest t[] = {
		{ .name = "tickets with PHI: leaks and precision", .test_func = with_phi },
		{ .name = "tickets without PHI", .test_func = without_phi },
	};
	char why[300];
	if (phi_open(NULL, &phi, why, sizeof why) != PHI_OK) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	int bad = cmocka_run_group_tests_name("phi tickets", t, NULL, NULL);
	phi_close(phi);
	phi_thread_done();
	return bad;
}
