/* The hand-written tickets of tests/phi/tickets through the engine: what leaks,
 * what is found where nothing is. The bounds are what the engine reaches now,
 * with little to spare, so that a change that loses people fails here.
 *
 * A file: "== id channel" begins a ticket, [[KIND:text]] marks a span, \\u{200b}
 * stands for a character. */
#include "phi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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

/* \u{200b}: a character by its code point. Returns the bytes written, and moves *p behind it. */
static size_t
escaped(const char **p, char *out)
{
	char *end;
	unsigned long c = strtoul(*p + 3, &end, 16);
	assert_true(*end == '}' && c < 0x10000);
	*p = end + 1;
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800)
		return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
	return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63)), 3;
}

static void
read_file(const char *name, struct sums *s)
{
	static struct ticket t;
	static char file[200000];
	FILE *f = fopen(name, "r");
	if (!f)
		fail_msg("%s is missing", name);
	size_t n = fread(file, 1, sizeof file - 1, f), from = 0;
	fclose(f);
	assert_true(n < sizeof file - 1);
	file[n] = 0;
	bool open = false, inside = false, line = true;
	for (const char *p = file; *p;) {
		if (line && !strncmp(p, "== ", 3)) {
			if (open)
				judge(&t, s);
			t.n = 0, t.golds = 0, open = true;
			p = strchr(p, '\n') + 1;
			continue;
		}
		line = *p == '\n';
		if (!open) {
			p++;
			continue;
		}
		assert_true(t.n + 4 < sizeof t.text);
		if (!inside && p[0] == '[' && p[1] == '[') {
			const char *colon = strchr(p, ':');
			assert_true(colon && phi_kind_of(p + 2, (size_t)(colon - p - 2)) >= 0);
			inside = true, from = t.n;
			p = colon + 1;
		} else if (inside && p[0] == ']' && p[1] == ']') {
			assert_true(t.golds < 60);
			t.gold[t.golds++] = (struct span){ from, t.n };
			inside = false;
			p += 2;
		} else if (p[0] == '\\' && p[1] == 'u' && p[2] == '{')
			t.n += escaped(&p, t.text + t.n);
		else
			t.text[t.n++] = *p++;
	}
	assert_true(open && !inside);
	judge(&t, s);
}

/* What the engine reaches now, with a little to spare: percent of spans that leak, of characters that are right, of
 * tickets without PHI in which something is found. */
static const struct row {
	const char *name;
	int tickets, leak, right, dirty;
} rows[] = {
	{ "with_phi", 100, 8, 95, 0 },
	{ "without_phi", 100, 0, 0, 8 },
	{ "batch1", 60, 5, 92, 15 },
	{ "batch2", 60, 6, 91, 25 },
	{ "batch3", 60, 7, 91, 20 },
	{ "batch4", 65, 8, 93, 18 },
	{ "batch5", 40, 3, 94, 12 },
	{ "batch6", 30, 10, 89, 35 },
	{ "batch7", 60, 5, 89, 24 },
	{ "batch8", 36, 4, 95, 12 },
	{ "batch9", 30, 6, 92, 25 },
};

static void
run(void **state)
{
	const struct row *r = *state;
	struct sums s = { 0 };
	char path[200];
	snprintf(path, sizeof path, "tests/phi/tickets/%s.txt", r->name);
	read_file(path, &s);
	printf("%s: %d tickets, %d of %d spans leak, %zu of %zu characters are right, something found in %d of %d without PHI\n", r->name,
	    s.tickets, s.leaks, s.spans, s.right, s.chars, s.touched, s.clean);
	assert_true(s.tickets >= r->tickets);
	assert_true(s.leaks * 100 <= s.spans * r->leak);
	assert_true(s.right * 100 >= s.chars * (size_t)r->right);
	assert_true(s.touched * 100 <= s.clean * r->dirty);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(rows)];
	char why[300];
	if (phi_open(NULL, &phi, why, sizeof why) != PHI_OK) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		t[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = run, .initial_state = (void *)(uintptr_t)&rows[i] };
	int bad = cmocka_run_group_tests_name("phi tickets", t, NULL, NULL);
	phi_close(phi);
	phi_thread_done();
	return bad;
}
