/* explain.c - `phi explain`: why each finding was made, what each detector said. */
#include "command.h"
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct state { const struct phi *p; const char *text; struct cand *cand; size_t n; const struct scan *s; bool colour; };

static size_t
original(const struct scan *s, size_t at)
{
	return s->identity ? at : s->map[at];
}

static int
tell(void *arg, const struct phi_finding *f)
{
	struct state *st = arg;
	const char *on = st->colour ? "\033[1;31m" : "", *off = st->colour ? "\033[0m" : "";
	size_t lo = f->at > 30 ? f->at - 30 : 0, hi = f->at + f->len;
	while (lo > 0 && ((unsigned char)st->text[lo] & 0xc0) == 0x80)
		lo--;
	printf("%zu-%zu %s %d  ", f->at, hi, phi_kind_name(f->kind), f->score);
	for (size_t i = lo; i < hi; i++) {
		if (i == f->at)
			fputs(on, stdout);
		putchar((unsigned char)st->text[i] < 32 ? ' ' : st->text[i]);
	}
	printf("%s\n", off);
	for (size_t i = 0; i < st->n; i++) {
		const struct cand *c = &st->cand[i];
		size_t at = original(st->s, c->at), end = original(st->s, c->end);
		if (at < f->at + f->len && end > f->at)
			printf("    %-22s %-10s %3d  [%.*s]%s\n", phi_rule_name(st->p, c->rule), phi_kind_name((enum phi_kind)c->kind), c->score,
			    (int)(end - at), st->text + at, c->score < 50 ? "  too unsure alone" : "");
	}
	return 0;
}

/* One window is enough to look at. */
int
command_explain(struct phi *p, const struct phi_opts *o, FILE *in)
{
	static char text[30000];
	size_t n = fread(text, 1, sizeof text, in), k = 0;
	struct scan *s = phi_scratch(p);
	if (!s)
		return 3;
	s->o = *o;
	if (!phi_window(s, text, n))
		return 1;
	if (p->has_tagger && !(o->flags & PHI_NO_TAGGER))
		phi_tag(s);
	phi_known_find(s);
	struct state st = { .p = p, .text = text, .colour = isatty(STDOUT_FILENO) };
	st.n = s->ncand;
	st.cand = malloc((st.n + 1) * sizeof *st.cand);
	/* A second scan would overwrite the map: keep a copy of it. */
	static struct scan mine;
	mine.identity = s->identity;
	mine.map = malloc((s->tn + 1) * sizeof *mine.map);
	if (!st.cand || !mine.map)
		return 3;
	memcpy(st.cand, s->cand, st.n * sizeof *st.cand);
	for (k = 0; !s->identity && k <= s->tn; k++)
		mine.map[k] = s->map[k];
	st.s = &mine;
	enum phi_err e = phi_scan_opts(p, o, text, n, tell, &st);
	free(st.cand);
	free(mine.map);
	return e == PHI_OK ? 0 : 1;
}
