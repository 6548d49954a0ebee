/* eval.c - `phi eval FILE.jsonl...`: what leaks, by file and kind; --html as a page.
 *
 * A line is {"id","text","spans":[{"start","end","label"}]}, byte offsets. What
 * counts are letters and digits, and bytes above 0x7f. A span leaks when one of
 * its is in no finding, whatever the kind; recall is the share of spans touched
 * by a finding; precision the share of what was found that lies in a span (of
 * the same class, where a class has a line of its own). Spans whose label begins
 * with X_ are neither wanted nor wrong: a finding that touches no span and lies
 * half or more in them does not count at all.
 *
 * The page puts kinds together to classes as the law's numbers are seldom told
 * apart (ID), draws recall and precision for the settings of the dial, and shows
 * the documents that leak most, so it holds texts of the files it was given.
 */
#include "command.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 64
#define WORST   20

struct span { size_t at, end; unsigned cls; bool x; };
struct doc  { char *id, *text; size_t n; struct span *gold, *found; size_t golds, founds, leaks, leaked; };
struct sums { size_t gold, pred, touched, full, cg, cg_any, cp, cp_any, cp_hit; };
struct set  {
	const char *name;
	struct doc *doc;
	size_t      docs, cap, phi_docs, leak_docs, bytes;
	struct sums all, cls[CLASSES];
};

static char class_name[CLASSES][24];
static unsigned classes;

static const char *
coarse(const char *label)
{
	static const char *const ids[] = { "MRN", "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "BIOMETRIC", "PHOTO", "OTHERID", "SSN" };
	if (!strcmp(label, "FACILITY")) return "LOCATION";
	if (!strcmp(label, "AGE90")) return "DATE";
	if (!strcmp(label, "FAX")) return "PHONE";
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (!strcmp(label, ids[i]))
			return "ID";
	return label;
}

static unsigned
class_of(const char *label, bool joined)
{
	char b[24];
	snprintf(b, sizeof b, "%s", label);
	for (char *p = b; *p; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p & ~0x20 : *p);
	const char *z = joined ? coarse(b) : b;
	for (unsigned i = 0; i < classes; i++)
		if (!strcmp(class_name[i], z))
			return i;
	if (classes == CLASSES)
		return CLASSES - 1;
	snprintf(class_name[classes], sizeof class_name[0], "%s", z);
	return classes++;
}

static bool
counts(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static void *
need(void *p)
{
	if (!p) {
		fputs("phi: out of memory\n", stderr);
		exit(CANNOT_START);
	}
	return p;
}

static int
by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->end < y->end ? -1 : x->end > y->end;
}

static bool
read_set(const char *path, struct set *s, bool joined)
{
	FILE *f = fopen(path, "rb");
	const char *slash = strrchr(path, '/');
	struct text line = { 0 };
	bool ok = true;
	*s = (struct set){ .name = slash ? slash + 1 : path };
	if (!f) {
		fprintf(stderr, "phi: %s: %s\n", path, strerror(errno));
		return false;
	}
	struct reader r = { .f = f };
	for (enum got g; (g = read_line(&r, &line)) != GOT_NONE;) {
		if (g == GOT_ERROR) {
			fprintf(stderr, "phi: %s: %s\n", path, strerror(errno));
			ok = false;
			break;
		}
		if (g == GOT_ONE && line.p[strspn(line.p, " \t\r\n")] == 0)
			continue;
		json_t *j = g == GOT_ONE ? json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL) : NULL, *t = json_object_get(j, "text"), *sp;
		if (!json_is_string(t)) {
			fprintf(stderr, "phi: %s:%zu: not a document\n", path, r.number);
			json_decref(j);
			ok = false;
			continue;
		}
		if (s->docs == s->cap) {
			s->cap = s->cap ? s->cap * 2 : 256;
			s->doc = need(realloc(s->doc, s->cap * sizeof *s->doc));
		}
		struct doc *d = &s->doc[s->docs++];
		const json_t *id = json_object_get(j, "id");
		*d = (struct doc){ .n = json_string_length(t), .text = need(malloc(json_string_length(t) + 1)) };
		memcpy(d->text, json_string_value(t), d->n + 1);
		d->id = json_is_string(id) ? need(strdup(json_string_value(id))) : need(calloc(1, 24));
		if (!json_is_string(id))
			snprintf(d->id, 24, "%zu", r.number);
		json_t *spans = json_object_get(j, "spans");
		size_t i;
		d->gold = need(calloc(json_array_size(spans) + 1, sizeof *d->gold));
		json_array_foreach(spans, i, sp) {
			json_int_t a = json_integer_value(json_object_get(sp, "start")), e = json_integer_value(json_object_get(sp, "end"));
			const char *label = json_string_value(json_object_get(sp, "label"));
			if (!label || a < 0 || e <= a || (size_t)e > d->n) {
				fprintf(stderr, "phi: %s:%zu: a span is malformed\n", path, r.number);
				ok = false;
				continue;
			}
			bool x = !strncmp(label, "X_", 2);
			d->gold[d->golds++] = (struct span){ (size_t)a, (size_t)e, x ? 0 : class_of(label, joined), x };
		}
		qsort(d->gold, d->golds, sizeof *d->gold, by_place);
		json_decref(j);
	}
	reader_done(&r);
	text_free(&line);
	fclose(f);
	return ok;
}

static void
free_set(struct set *s)
{
	for (size_t i = 0; i < s->docs; i++) {
		explicit_bzero(s->doc[i].text, s->doc[i].n);
		free(s->doc[i].text), free(s->doc[i].id), free(s->doc[i].gold), free(s->doc[i].found);
	}
	free(s->doc);
}

/* ---- counting ------------------------------------------------------------------------------------------- */

struct take { struct doc *d; size_t cap; bool joined; };

static int
add_found(void *arg, const struct phi_finding *f)
{
	struct take *t = arg;
	if (t->d->founds == t->cap) {
		t->cap = t->cap * 2 + 8;
		t->d->found = need(realloc(t->d->found, t->cap * sizeof *t->d->found));
	}
	t->d->found[t->d->founds++] = (struct span){ f->at, f->at + f->len, class_of(phi_kind_name(f->kind), t->joined), false };
	return 0;
}

static void
count_doc(struct set *s, struct doc *d, unsigned *show)
{
	/* Of each byte: 1 in a finding, 2 in a span, 4 in one that is not wanted; the class of its span. */
	unsigned char *m = need(calloc(2, d->n + 1)), *cls = m + d->n + 1;
	size_t wanted = 0;
	for (size_t i = 0; i < d->founds; i++)
		for (size_t k = d->found[i].at; k < d->found[i].end; k++)
			m[k] |= 1;
	for (size_t i = 0; i < d->golds; i++)
		for (size_t k = d->gold[i].at; k < d->gold[i].end; k++)
			m[k] |= d->gold[i].x ? 4 : 2, cls[k] = d->gold[i].x ? cls[k] : (unsigned char)(d->gold[i].cls + 1);
	d->leaks = d->leaked = 0;
	for (size_t i = 0; i < d->golds; i++) {
		const struct span *g = &d->gold[i];
		size_t n = 0, cov = 0;
		if (g->x)
			continue;
		for (int all = 0; n == 0 && all < 2; all++)
			for (size_t k = g->at; k < g->end; k++)
				if (all || counts((unsigned char)d->text[k]))
					n++, cov += m[k] & 1;
		wanted++;
		struct sums *both[2] = { &s->all, &s->cls[g->cls] };
		for (int b = 0; b < 2; b++)
			both[b]->gold++, both[b]->touched += cov > 0, both[b]->full += cov == n, both[b]->cg += n, both[b]->cg_any += cov;
		if (cov < n) {
			d->leaks++, d->leaked += n - cov;
			if (*show) {
				--*show;
				printf("  leak %s %s [%.*s]\n", d->id, class_name[g->cls], (int)(g->end - g->at), d->text + g->at);
			}
		}
	}
	s->phi_docs += wanted > 0;
	s->leak_docs += d->leaks > 0;
	for (size_t i = 0; i < d->founds; i++) {
		const struct span *f = &d->found[i];
		size_t n = 0, x = 0, hit = 0;
		bool all = false;
		for (int a = 0; n == 0 && a < 2; a++) {
			all = a;
			for (size_t k = f->at; k < f->end; k++)
				if (all || counts((unsigned char)d->text[k]))
					n++, x += (m[k] & 4) != 0, hit += (m[k] & 2) != 0;
		}
		if (!hit && 2 * x >= n)
			continue;
		struct sums *both[2] = { &s->all, &s->cls[f->cls] };
		for (int b = 0; b < 2; b++)
			both[b]->pred++;
		for (size_t k = f->at; k < f->end; k++) {
			if ((!all && !counts((unsigned char)d->text[k])) || (m[k] & 6) == 4)
				continue;
			for (int b = 0; b < 2; b++)
				both[b]->cp++, both[b]->cp_any += (m[k] & 2) != 0, both[b]->cp_hit += (m[k] & 2) && cls[k] == f->cls + 1;
		}
	}
	free(m);
}

static bool
count_set(struct phi *p, const struct phi_opts *o, struct set *s, bool joined, unsigned *show)
{
	bool ok = true;
	s->all = (struct sums){ 0 };
	memset(s->cls, 0, sizeof s->cls);
	s->phi_docs = s->leak_docs = s->bytes = 0;
	for (size_t i = 0; i < s->docs; i++) {
		struct doc *d = &s->doc[i];
		struct take t = { .d = d, .joined = joined };
		d->founds = 0;
		free(d->found);
		d->found = NULL;
		s->bytes += d->n;
		enum phi_err e = phi_scan_opts(p, o, d->text, d->n, add_found, &t);
		if (e != PHI_OK) {
			fprintf(stderr, "phi: %s: document %zu: %s\n", s->name, i + 1, phi_err_text(e));
			ok = false;
		}
		count_doc(s, d, show);
	}
	return ok;
}

static double
percent(size_t part, size_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void
row(const char *name, const struct sums *s, bool all)
{
	printf("%-24s %6zu  recall %5.1f %%  leak %5.1f %%", name, s->gold, s->gold ? percent(s->touched, s->gold) : 100,
	    percent(s->gold - s->full, s->gold));
	if (all && s->cp)
		printf("  precision %5.1f %%", percent(s->cp_any, s->cp));
	putchar('\n');
}

/* ---- the page ------------------------------------------------------------------------------------------------ */

static void
escaped(FILE *f, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		switch (p[i]) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		case '"': fputs("&quot;", f); break;
		case '\'': fputs("&#39;", f); break;
		case 0: fputs("\xef\xbf\xbd", f); break;
		default: putc(p[i], f);
		}
}

static void
page_row(FILE *f, const char *name, const struct sums *s, bool all)
{
	fprintf(f, "<tr%s><td>", all ? " class=all" : "");
	escaped(f, name, strlen(name));
	fprintf(f, "<td>%zu<td>%zu<td>%.1f<td>%.1f<td>%.1f</tr>\n", s->gold, s->pred, percent(s->gold - s->full, s->gold),
	    percent(s->touched, s->gold), percent(all ? s->cp_any : s->cp_hit, s->cp));
}

static void
curve(FILE *f, const int *dial, const double *recall, const double *precision, int n)
{
	double lo = 100;
	for (int i = 0; i < n; i++) {
		lo = recall[i] < lo ? recall[i] : lo;
		lo = precision[i] < lo ? precision[i] : lo;
	}
	lo = (double)((int)(lo / 5) * 5);
	if (lo > 95)
		lo = 95;
	fputs("<svg viewBox=\"0 0 560 420\" role=img aria-label=\"recall and precision by the dial\">\n", f);
	for (int i = 0; i <= 5; i++) {
		double v = lo + (100 - lo) * i / 5;
		fprintf(f, "<path class=grid d=\"M60 %.0fH540M%.0f 20V370\"/><text x=52 y=%.0f text-anchor=end>%.0f</text>"
		    "<text x=%.0f y=388 text-anchor=middle>%.0f</text>\n", 370 - 70.0 * i, 60 + 96.0 * i, 374 - 70.0 * i, v, 60 + 96.0 * i, v);
	}
	fputs("<text x=300 y=410 text-anchor=middle>recall of characters, %</text>"
	    "<text x=14 y=195 text-anchor=middle transform=\"rotate(-90 14 195)\">precision, %</text>\n<polyline class=line points=\"", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "%.1f,%.1f ", 60 + 480 * (recall[i] - lo) / (100 - lo), 370 - 350 * (precision[i] - lo) / (100 - lo));
	fputs("\"/>\n", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "<circle cx=%.1f cy=%.1f r=%d><title>--recall %d: recall %.2f %%, precision %.2f %%</title></circle>\n",
		    60 + 480 * (recall[i] - lo) / (100 - lo), 370 - 350 * (precision[i] - lo) / (100 - lo), dial[i] == 0 ? 6 : 4, dial[i], recall[i],
		    precision[i]);
	fputs("</svg>\n<p>Each point is a setting of --recall, from -100 to 100; the large one is 0, as trained.</p>\n"
	    "<table><tr><th>--recall<th>recall %<th>precision %</tr>\n", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "<tr><td>%d<td>%.2f<td>%.2f</tr>\n", dial[i], recall[i], precision[i]);
	fputs("</table>\n", f);
}

static void
marked(FILE *f, const struct doc *d)
{
	/* Where it changes, a new span of HTML: wanted and found, wanted and not, found and not wanted. */
	size_t n = d->n < 20000 ? d->n : 20000;
	unsigned char *m = need(calloc(1, d->n + 1));
	for (size_t i = 0; i < d->golds; i++)
		for (size_t k = d->gold[i].at; k < d->gold[i].end && !d->gold[i].x; k++)
			m[k] |= 2;
	for (size_t i = 0; i < d->founds; i++)
		for (size_t k = d->found[i].at; k < d->found[i].end; k++)
			m[k] |= 1;
	while (n < d->n && ((unsigned char)d->text[n] & 0xc0) == 0x80)
		n--;
	static const char *const tag[4] = { "", "<i>", "<b>", "<u>" }, *const end[4] = { "", "</i>", "</b>", "</u>" };
	for (size_t from = 0, i = 1; from < n; i++)
		if (i == n || m[i] != m[from]) {
			fputs(tag[m[from]], f);
			escaped(f, d->text + from, i - from);
			fputs(end[m[from]], f);
			from = i;
		}
	if (n < d->n)
		fputs(" ...", f);
	free(m);
}

static int
by_leak(const void *a, const void *b)
{
	const struct doc *x = *(struct doc *const *)a, *y = *(struct doc *const *)b;
	return x->leaked != y->leaked ? (x->leaked > y->leaked ? -1 : 1) : strcmp(x->id, y->id);
}

static bool
page(struct phi *p, const struct phi_opts *o, const char *const *file, int files, const char *path)
{
	static const char style[] = "body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1c2024;background:#fff}"
	    "table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}"
	    "td:first-child,th:first-child{text-align:left}.all{font-weight:600}svg{max-width:40em;width:100%}.grid{stroke:#ddd;fill:none}"
	    ".line{fill:none;stroke:#0b62a4;stroke-width:2}circle{fill:#0b62a4}text{font-size:12px;fill:#555}"
	    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f7f8;padding:.8em;border-radius:4px}"
	    "u{background:#cdebd0;text-decoration:none}b{background:#ffb3b3}i{background:#ffe9a8;font-style:normal}"
	    "@media(prefers-color-scheme:dark){body{background:#16191d;color:#e4e6e8}pre{background:#20242a}td,th{border-color:#3a3f45}.grid{stroke:#3a3f45}"
	    "text{fill:#aaa}u{background:#1f5a2b}b{background:#8c2b2b}i{background:#6b5a17}}";
	static const int dial[] = { -100, -80, -60, -40, -20, 0, 20, 40, 60, 80, 100 };
	enum { POINTS = sizeof dial / sizeof dial[0] };
	struct set *s = need(calloc(files > 0 ? (size_t)files : 1, sizeof *s));
	double recall[POINTS], precision[POINTS];
	unsigned none = 0;
	bool ok = true;
	classes = 0;
	for (int i = 0; i < files; i++)
		ok = read_set(file[i], &s[i], true) && ok;
	for (int k = 0; k < POINTS; k++) {
		struct sums t = { 0 };
		struct phi_opts q = *o;
		q.recall = dial[k];
		for (int i = 0; i < files; i++) {
			ok = count_set(p, &q, &s[i], true, &none) && ok;
			t.cg += s[i].all.cg, t.cg_any += s[i].all.cg_any, t.cp += s[i].all.cp, t.cp_any += s[i].all.cp_any;
		}
		recall[k] = percent(t.cg_any, t.cg), precision[k] = percent(t.cp_any, t.cp);
	}
	FILE *f = fopen(path, "wb");
	if (!f) {
		fprintf(stderr, "phi: %s: %s\n", path, strerror(errno));
		ok = false;
		goto out;
	}
	fprintf(f, "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
	    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
	    "<title>phi eval</title><style>%s</style>\n<h1>What leaks</h1>\n<p>phi %s. Leak: spans not wholly covered. Recall: spans touched. "
	    "Precision: letters and digits found that lie in a span (of the class, in the line of a class). Percent.</p>\n", style, phi_version());
	size_t total = 0;
	for (int i = 0; i < files; i++) {
		ok = count_set(p, o, &s[i], true, &none) && ok;
		total += s[i].docs;
		fputs("<h2>", f);
		escaped(f, s[i].name, strlen(s[i].name));
		fprintf(f, "</h2>\n<p>%zu documents, %zu bytes; %zu of %zu documents with PHI leak (%.1f %%).</p>\n"
		    "<table><tr><th>class<th>spans<th>findings<th>leak<th>recall<th>precision</tr>\n", s[i].docs, s[i].bytes, s[i].leak_docs,
		    s[i].phi_docs, percent(s[i].leak_docs, s[i].phi_docs));
		for (unsigned c = 0; c < classes; c++)
			if (s[i].cls[c].gold || s[i].cls[c].pred)
				page_row(f, class_name[c], &s[i].cls[c], false);
		page_row(f, "all", &s[i].all, true);
		fputs("</table>\n", f);
	}
	fputs("<h2>Recall and precision</h2>\n", f);
	curve(f, dial, recall, precision, POINTS);
	struct doc **worst = need(calloc(total + 1, sizeof *worst));
	size_t n = 0;
	for (int i = 0; i < files; i++)
		for (size_t k = 0; k < s[i].docs; k++)
			if (s[i].doc[k].leaks)
				worst[n++] = &s[i].doc[k];
	qsort(worst, n, sizeof *worst, by_leak);
	fprintf(f, "<h2>The worst documents</h2>\n<p>%zu of %zu that leak. <u>found</u> <b>leaked</b> <i>found, not wanted</i></p>\n",
	    n < WORST ? n : WORST, n);
	for (size_t i = 0; i < n && i < WORST; i++) {
		fputs("<h3>", f);
		escaped(f, worst[i]->id, strlen(worst[i]->id));
		fprintf(f, "</h3>\n<p>%zu spans, %zu letters and digits.</p>\n<pre>", worst[i]->leaks, worst[i]->leaked);
		marked(f, worst[i]);
		fputs("</pre>\n", f);
	}
	fputs("</html>\n", f);
	free(worst);
	if (ferror(f) | (fclose(f) != 0)) {
		fprintf(stderr, "phi: %s: %s\n", path, strerror(errno));
		ok = false;
	}
out:
	for (int i = 0; i < files; i++)
		free_set(&s[i]);
	free(s);
	return ok;
}

int
command_eval(struct phi *p, const struct phi_opts *o, const char *const *file, int files, unsigned show, const char *html)
{
	bool ok = true;
	if (files == 0) {
		fputs("phi: eval needs JSONL files with spans\n", stderr);
		return WRONG_USE;
	}
	for (int i = 0; i < files; i++) {
		struct set s;
		/* The order of the kinds is the order of the lines. */
		classes = 0;
		for (int k = 0; k < PHI_KINDS; k++)
			class_of(phi_kind_name((enum phi_kind)k), false);
		bool read = read_set(file[i], &s, false);
		ok = ok && read;
		if (!read && !s.docs) {
			free_set(&s);
			continue;
		}
		ok = count_set(p, o, &s, false, &show) && ok;
		row(s.name, &s.all, true);
		for (unsigned k = 0; k < classes; k++)
			if (s.cls[k].gold) {
				char name[32];
				snprintf(name, sizeof name, "    %s", class_name[k]);
				row(name, &s.cls[k], false);
			}
		free_set(&s);
	}
	if (html)
		ok = page(p, o, file, files, html) && ok;
	return ok ? DONE : SOME_BAD;
}
