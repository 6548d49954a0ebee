/* explain.c - `phi explain`: why each finding was made, what each detector said. */
#include "command.h"
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct state {
	const struct phi *p;
	const char       *text;
	size_t            size, n, map_n;
	struct cand      *cand;
	uint32_t         *map;             /* NULL: the copy is the text itself */
	bool             *used;
	bool              colour;
};

static size_t
original(const struct state *st, size_t at)
{
	return st->map ? st->map[at < st->map_n ? at : st->map_n - 1] : at;
}

static void
show(const struct state *st, size_t at, size_t end)
{
	/* No control character of the text reaches the terminal. */
	for (size_t i = at; i < end && i < st->size; i++)
		putchar((unsigned char)st->text[i] < 32 || st->text[i] == 127 ? ' ' : st->text[i]);
}

static void
detector(const struct state *st, const struct cand *c, const char *note)
{
	size_t at = original(st, c->at), end = original(st, c->end);
	const char *dim = st->colour ? "\033[2m" : "", *name = st->colour ? "\033[36m" : "", *off = st->colour ? "\033[0m" : "";
	printf("    %s%-24s%s %-10s %3d  %s[", name, phi_rule_name(st->p, c->rule), off, phi_kind_name((enum phi_kind)c->kind), c->score, dim);
	show(st, at, end);
	printf("]%s%s\n", off, note);
}

static int
tell(void *arg, const struct phi_finding *f)
{
	struct state *st = arg;
	const char *on = st->colour ? "\033[1;31m" : "", *kind = st->colour ? "\033[1;33m" : "", *off = st->colour ? "\033[0m" : "";
	size_t lo = f->at > 30 ? f->at - 30 : 0, hi = f->at + f->len, after = hi + 20 < st->size ? hi + 20 : st->size;
	while (lo > 0 && ((unsigned char)st->text[lo] & 0xc0) == 0x80)
		lo--;
	while (after < st->size && ((unsigned char)st->text[after] & 0xc0) == 0x80)
		after++;
	printf("%zu-%zu %s%s%s %d  ", f->at, hi, kind, phi_kind_name(f->kind), off, f->score);
	show(st, lo, f->at);
	fputs(on, stdout);
	show(st, f->at, hi);
	fputs(off, stdout);
	show(st, hi, after);
	putchar('\n');
	for (size_t i = 0; i < st->n; i++) {
		const struct cand *c = &st->cand[i];
		if (original(st, c->at) >= hi || original(st, c->end) <= f->at)
			continue;
		st->used[i] = true;
		detector(st, c, c->score < 50 ? "  too unsure alone" : c->rule == f->rule ? "  decided" : "");
	}
	return 0;
}

/* One window is enough to look at. */
static int
explain(struct phi *p, const struct phi_opts *o, const char *text, size_t n)
{
	struct scan *s = phi_scratch(p);
	if (!s)
		return CANNOT_START;
	s->o = *o;
	if (!phi_window(s, text, n))
		return SOME_BAD;
	if (p->has_tagger && !(o->flags & PHI_NO_TAGGER))
		phi_tag(s);
	phi_known_find(s);
	/* The scan below uses the same scratch: keep what the detectors said. */
	struct state st = { .p = p, .text = text, .size = n, .n = s->ncand, .map_n = s->tn + 1, .colour = isatty(STDOUT_FILENO) };
	st.cand = malloc((st.n + 1) * sizeof *st.cand);
	st.used = calloc(st.n + 1, sizeof *st.used);
	st.map = s->identity ? NULL : malloc(st.map_n * sizeof *st.map);
	if (!st.cand || !st.used || (!s->identity && !st.map))
		return CANNOT_START;
	if (st.n)
		memcpy(st.cand, s->cand, st.n * sizeof *st.cand);
	if (st.map)
		memcpy(st.map, s->map, st.map_n * sizeof *st.map);
	enum phi_err e = phi_scan_opts(p, o, text, n, tell, &st);
	bool any = false;
	for (size_t i = 0; e == PHI_OK && i < st.n; i++)
		if (!st.used[i]) {
			if (!any)
				puts("not reported:");
			any = true;
			detector(&st, &st.cand[i], st.cand[i].score < (o->min_score ? o->min_score : 50) ? "  too unsure" : "  left out");
		}
	free(st.cand);
	free(st.used);
	free(st.map);
	if (e != PHI_OK)
		fprintf(stderr, "phi: %s\n", phi_err_text(e));
	return e == PHI_OK ? DONE : SOME_BAD;
}

int
command_explain(struct phi *p, const struct options *o)
{
	static char text[32001];
	int bad = DONE;
	for (int i = 0; i < (o->files ? o->files : 1); i++) {
		bool std = !o->files || !strcmp(o->file[i], "-");
		const char *name = std ? "standard input" : o->file[i];
		FILE *in = std ? stdin : fopen(name, "rb");
		size_t n = in ? fread(text, 1, sizeof text, in) : 0;
		if (!in || ferror(in)) {
			fprintf(stderr, "phi: %s: %s\n", name, strerror(errno));
			bad = SOME_BAD;
		} else {
			if (n == sizeof text) {
				fprintf(stderr, "phi: %s: only the first 32,000 bytes are explained\n", name);
				n--;
				for (int k = 0; k < 3 && ((unsigned char)text[n] & 0xc0) == 0x80; k++)
					n--;
			}
			int r = explain(p, &o->scan, text, n);
			bad = r > bad ? r : bad;
		}
		if (in && !std)
			fclose(in);
	}
	explicit_bzero(text, sizeof text);
	return bad;
}
