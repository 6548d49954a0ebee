/* check_rules.c - rule files with their examples run; for customers and tests. */
#include "command.h"
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

struct seen { const struct example *e; const struct rule *r; unsigned number; bool hit; };

static int
look(void *arg, const struct phi_finding *f)
{
	struct seen *s = arg;
	if (s->e->yes) {
		const char *at = strstr(s->e->text, s->e->part);
		if (f->kind == (enum phi_kind)s->r->kind && f->at == (size_t)(at - s->e->text) && f->len == strlen(s->e->part))
			s->hit = true;
	} else if ((unsigned)f->rule == s->number)
		s->hit = true;
	return 0;
}

typedef void fail_fn(void *arg, const struct example *e, const char *id);

/* The built-in rules and on top of them `rules`; NULL: the built-in ones themselves. */
static enum phi_err
check_all(const char *rules, size_t len, char *why, size_t n, fail_fn *fail, void *arg)
{
	struct phi *p;
	struct examples ex = { 0 };
	struct rules r = { 0 };
	const char *own = (const char *)phi_rules_start;
	size_t own_n = (size_t)(phi_rules_end - phi_rules_start);
	enum phi_err e = phi_open(NULL, &p, why, n);
	if (e != PHI_OK)
		return e;
	bool read = phi_rules_read(&r, own, own_n, "built-in rules", rules ? NULL : &ex, why, n);
	r.adds = true;
	if (!read || (rules && !phi_rules_read(&r, rules, len, "rules", &ex, why, n)))
		e = PHI_BAD;
	else if (!phi_rules_done(&r))
		e = PHI_NOMEM;
	else {
		struct rules was = p->rules;
		bool ok = true;
		p->rules = r;
		phi_number_rules(p);
		for (unsigned i = 0; i < ex.count && e == PHI_OK; i++) {
			struct seen s = { &ex.e[i], &r.rule[ex.e[i].rule], ex.e[i].rule, false };
			e = phi_scan_opts(p, &(struct phi_opts){ .size = sizeof(struct phi_opts), .flags = PHI_NO_TAGGER }, ex.e[i].text,
			    strlen(ex.e[i].text), look, &s);
			if (e == PHI_OK && s.hit != ex.e[i].yes) {
				fail(arg, &ex.e[i], s.r->id);
				ok = false;
			}
		}
		p->rules = was;
		if (e == PHI_OK && !ok)
			e = PHI_BAD;
	}
	phi_rules_free(&r);
	phi_examples_free(&ex);
	phi_close(p);
	return e;
}

static const char *
what(const struct example *e)
{
	return e->yes ? "the marked part was not found as this kind" : "found something where it must not";
}

struct note { char *why; size_t n; };

static void
note_first(void *arg, const struct example *e, const char *id)
{
	struct note *w = arg;
	if (w->why && w->n && !*w->why)
		snprintf(w->why, w->n, "line %u: rule %s: %s", e->line, id, what(e));
}

enum phi_err
phi_rules_check(const char *rules, size_t len, char *why, size_t n)
{
	struct note w = { why, n };
	if (why && n)
		*why = 0;
	return check_all(rules, len, why, n, note_first, &w);
}

static void
print(void *arg, const struct example *e, const char *id)
{
	fprintf(stderr, "phi: %s:%u: rule %s: %s: %s\n", (const char *)arg, e->line, id, what(e), e->text);
}

int
command_rules_check(const char *const *file, int files)
{
	int bad = 0;
	char why[400];
	for (int i = 0; i < (files ? files : 1); i++) {
		char *text = NULL;
		size_t n = 0;
		if (files) {
			FILE *f = fopen(file[i], "rb");
			if (!f || !(text = malloc(1 << 20))) {
				fprintf(stderr, "phi: %s: cannot be read\n", file[i]);
				return 1;
			}
			n = fread(text, 1, 1 << 20, f);
			bool whole = fgetc(f) == EOF;
			fclose(f);
			if (!whole) {
				fprintf(stderr, "phi: %s: larger than 1 MiB\n", file[i]);
				free(text);
				bad = 1;
				continue;
			}
		}
		why[0] = 0;
		if (check_all(text, n, why, sizeof why, print, (void *)(uintptr_t)(files ? file[i] : "built-in rules")) != PHI_OK) {
			if (why[0])
				fprintf(stderr, "phi: %s: %s\n", files ? file[i] : "built-in rules", why);
			bad = 1;
		}
		free(text);
	}
	return bad;
}
