/* main.c - the command phi. */
#include "phi.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static int
open_engine(const char *rules, struct phi **p)
{
	char why[400];
	enum phi_err e = phi_open(rules, p, why, sizeof why);
	if (e != PHI_OK)
		fprintf(stderr, "phi: %s\n", why[0] ? why : phi_err_text(e));
	return e == PHI_OK ? 0 : 3;
}

/* ---- output ------------------------------------------------------------------------------------ */

struct text { char *p; size_t n, cap; };

static void
add(struct text *t, const char *p, size_t n)
{
	if (t->n + n + 1 > t->cap) {
		t->cap = (t->n + n + 1) * 2;
		t->p = realloc(t->p, t->cap);
		if (!t->p) {
			fputs("phi: out of memory\n", stderr);
			exit(3);
		}
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = 0;
}

static void
add_json(struct text *t, const char *p, size_t n)
{
	add(t, "\"", 1);
	for (size_t i = 0, from = 0; i <= n; i++) {
		unsigned char c = i < n ? (unsigned char)p[i] : 0;
		if (i < n && c >= 0x20 && c != '"' && c != '\\')
			continue;
		add(t, p + from, i - from);
		from = i + 1;
		if (i == n)
			break;
		char b[8];
		int k = c == '\n' ? snprintf(b, sizeof b, "\\n") : c == '"' || c == '\\' ? snprintf(b, sizeof b, "\\%c", c)
		    : snprintf(b, sizeof b, "\\u%04x", c);
		add(t, b, (size_t)k);
	}
	add(t, "\"", 1);
}

struct spans { const struct phi *phi; struct text *out; bool any; };

static int
add_span(void *arg, const struct phi_finding *f)
{
	struct spans *s = arg;
	char b[256];
	int n = snprintf(b, sizeof b, "%s{\"start\": %zu, \"end\": %zu, \"label\": \"%s\", \"score\": %d, \"rule\": \"%s\"}",
	    s->any ? ", " : "", f->at, f->at + f->len, phi_kind_name(f->kind), f->score, phi_rule_name(s->phi, f->rule));
	s->any = true;
	add(s->out, b, (size_t)n);
	return 0;
}

static int
text_add(void *arg, const char *p, size_t n)
{
	add(arg, p, n);
	return 0;
}

static int
to_stdout(void *arg, const char *p, size_t n)
{
	(void)arg;
	return fwrite(p, 1, n, stdout) != n;
}

/* ---- options ------------------------------------------------------------------------------------ */

struct options {
	const char *rules, *style;
	struct phi_opts scan;
	struct phi_redact_opts redact;
	bool jsonl, text;
	unsigned show;
	const char *listen;
	const char *file[64];
	int files;
};

static int
usage(FILE *f)
{
	fputs(
"phi - find what identifies a person in text, and take it out\n"
"\n"
"  phi scan [--jsonl] [FILE...]    what was found, a line each; with --jsonl lines of\n"
"                                  {\"id\",\"text\"} in, {\"id\",\"spans\":[{\"start\",\"end\",\"label\",\"score\",\"rule\"}]}\n"
"                                  out, byte offsets of the UTF-8 text\n"
"  phi redact [--jsonl] [FILE...]  the text without it\n"
"  phi kinds                       the kinds of identifiers and the law's letter for each\n"
"  phi explain [FILE...]           why each finding was made, what each detector said\n"
"  phi eval [--leaks N] FILE...    leaks, recall, precision on JSONL with spans\n"
"  phi serve [--listen 127.0.0.1:PORT]  Presidio's /analyze and /anonymize for local clients\n"
"  phi rules check FILE...         reads rule files and runs their examples\n"
"  phi train --out MODEL FILE...   the tagger's weights from JSONL with spans (see docs/phi.md)\n"
"  phi generate [--count N]        invented tickets with their spans, JSONL\n"
"  phi bench [FILE...]             speed on the texts of JSONL files\n"
"  phi help                        this\n"
"\n"
"Without FILE, standard input is read. Options:\n"
"  --rules DIR       adds the *.rules files of DIR (and phi.lex, phi.model there replace the built-in ones)\n"
"  --min-score N     report from this score up, 1 to 100 (50)\n"
"  --recall N        the dial, -100 (precision) to 100 (recall), 0 as trained\n"
"  --no-tagger       rules and lexicon alone\n"
"  --style NAME      redact: label (default), mask, last4, hash, surrogate\n"
"  --safe-harbor     redact: keep years, lawful three-digit ZIPs, ages as 90+\n"
"  --key N           redact: key of hash and surrogate, one per ticket\n"
"  --skip KIND       do not report this kind; may be repeated\n"
"\n"
"Exit status: 0 done; 1 a line or file could not be read or scanned (the others were); 2 wrong use; 3 cannot start.\n", f);
	return f == stderr ? 2 : 0;
}

static int
parse(int argc, char **argv, struct options *o)
{
	static const char *const styles[] = { "label", "mask", "last4", "hash", "surrogate" };
	*o = (struct options){ .scan.size = sizeof o->scan, .redact.size = sizeof o->redact };
	for (int i = 0; i < argc; i++) {
		const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
		char *end = NULL;
		long n = 0;
		if (a[0] != '-' || !strcmp(a, "-")) {
			if (o->files == 64) {
				fputs("phi: more than 64 files\n", stderr);
				return 2;
			}
			o->file[o->files++] = a;
			continue;
		}
		if (!strcmp(a, "--jsonl")) { o->jsonl = true; continue; }
		if (!strcmp(a, "--text")) { o->text = true; continue; }
		if (!strcmp(a, "--no-tagger")) { o->scan.flags |= PHI_NO_TAGGER; continue; }
		if (!strcmp(a, "--no-memory")) { o->scan.flags |= PHI_NO_MEMORY; continue; }
		if (!strcmp(a, "--safe-harbor")) { o->redact.safe_harbor = 1; continue; }
		bool known = !strcmp(a, "--rules") || !strcmp(a, "--min-score") || !strcmp(a, "--recall") || !strcmp(a, "--style") ||
		    !strcmp(a, "--key") || !strcmp(a, "--skip") || !strcmp(a, "--leaks") || !strcmp(a, "--listen");
		if (!known || !v) {
			fprintf(stderr, known ? "phi: %s needs a value\n" : "phi: unknown option %s (phi help)\n", a);
			return 2;
		}
		i++;
		if (!strcmp(a, "--rules")) { o->rules = v; continue; }
		if (!strcmp(a, "--leaks")) { o->show = (unsigned)strtoul(v, NULL, 10); continue; }
		if (!strcmp(a, "--listen")) { o->listen = v; continue; }
		if (!strcmp(a, "--skip")) {
			int k = phi_kind_of(v, strlen(v));
			if (k < 0) {
				fprintf(stderr, "phi: --skip %s: no such kind (phi kinds)\n", v);
				return 2;
			}
			o->scan.skip_kinds |= 1u << k;
			continue;
		}
		if (!strcmp(a, "--style")) {
			int k = -1;
			for (int j = 0; j < 5; j++)
				if (!strcmp(styles[j], v))
					k = j;
			if (k < 0) {
				fprintf(stderr, "phi: --style %s: label, mask, last4, hash or surrogate\n", v);
				return 2;
			}
			o->redact.style = (enum phi_style)k;
			continue;
		}
		if (!strcmp(a, "--key")) {
			o->redact.key = strtoull(v, &end, 0);
			if (!*v || *end) {
				fputs("phi: --key needs a number\n", stderr);
				return 2;
			}
			continue;
		}
		n = strtol(v, &end, 10);
		int lo = !strcmp(a, "--recall") ? -100 : 1;
		if (!*v || *end || n < lo || n > 100) {
			fprintf(stderr, "phi: %s is %d to 100\n", a, lo);
			return 2;
		}
		*(lo < 0 ? &o->scan.recall : &o->scan.min_score) = (int)n;
	}
	return 0;
}

/* ---- scan and redact ------------------------------------------------------------------------------ */

static int
jsonl(struct phi *p, const struct options *o, bool redact, FILE *in, const char *name)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t n;
	int bad = 0;
	struct text out = { 0 };
	while ((n = getline(&line, &cap, in)) >= 0) {
		number++;
		if (n == 0 || line[strspn(line, " \t\r\n")] == 0)
			continue;
		json_error_t je;
		json_t *doc = (size_t)n > 4 * PHI_TEXT_MAX ? NULL : json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
		json_t *id = json_object_get(doc, "id"), *text = json_object_get(doc, "text");
		const char *why = (size_t)n > 4 * PHI_TEXT_MAX ? "the line is too long" : !doc ? "not JSON" :
		    !json_is_object(doc) ? "not an object" : !json_is_string(text) ? "no \"text\" string in it" :
		    !json_is_string(id) && !json_is_integer(id) ? "no \"id\" in it" : NULL;
		enum phi_err e = PHI_OK;
		if (!why) {
			out.n = 0;
			add(&out, "{\"id\": ", 7);
			char *dump = json_dumps(id, JSON_ENCODE_ANY);
			add(&out, dump ? dump : "null", dump ? strlen(dump) : 4);
			free(dump);
			if (redact) {
				struct text t = { 0 };
				struct phi_redact_opts r = o->redact;
				r.scan = &o->scan;
				add(&t, "", 0);
				e = phi_redact(p, &r, json_string_value(text), json_string_length(text), text_add, &t);
				add(&out, ", \"text\": ", 10);
				add_json(&out, t.p, t.n);
				free(t.p);
			} else {
				struct spans s = { p, &out, false };
				add(&out, ", \"spans\": [", 12);
				e = phi_scan_opts(p, &o->scan, json_string_value(text), json_string_length(text), add_span, &s);
				add(&out, "]", 1);
			}
			add(&out, "}\n", 2);
			if (e == PHI_OK)
				fwrite(out.p, 1, out.n, stdout);
			else
				why = phi_err_text(e);
		}
		if (why) {
			fprintf(stderr, "phi: %s:%zu: %s\n", name, number, why);
			bad = 1;
		}
		json_decref(doc);
	}
	if (ferror(in)) {
		fprintf(stderr, "phi: %s: %s\n", name, strerror(errno));
		bad = 1;
	}
	free(line);
	free(out.p);
	return bad;
}

struct lines { const struct phi *phi; const char *text, *name; size_t at, line; };

static int
print_finding(void *arg, const struct phi_finding *f)
{
	struct lines *l = arg;
	for (; l->at < f->at; l->at++)
		l->line += l->text[l->at] == '\n';
	printf("%s:%zu\t%zu\t%zu\t%s\t%d\t%s\n", l->name, l->line, f->at, f->at + f->len, phi_kind_name(f->kind), f->score,
	    phi_rule_name(l->phi, f->rule));
	return 0;
}

static int
plain(struct phi *p, const struct options *o, bool redact, FILE *in, const char *name)
{
	struct text t = { 0 };
	char b[65536];
	size_t n;
	add(&t, "", 0);
	while (t.n <= PHI_TEXT_MAX && (n = fread(b, 1, sizeof b, in)) > 0)
		add(&t, b, n);
	enum phi_err e;
	if (ferror(in)) {
		fprintf(stderr, "phi: %s: %s\n", name, strerror(errno));
		free(t.p);
		return 1;
	}
	if (redact) {
		struct phi_redact_opts r = o->redact;
		r.scan = &o->scan;
		e = phi_redact(p, &r, t.p, t.n, to_stdout, NULL);
	} else {
		struct lines l = { p, t.p, name, 0, 1 };
		e = phi_scan_opts(p, &o->scan, t.p, t.n, print_finding, &l);
	}
	free(t.p);
	if (e != PHI_OK) {
		fprintf(stderr, "phi: %s: %s\n", name, phi_err_text(e));
		return 1;
	}
	return 0;
}

static int
over_files(struct phi *p, const struct options *o, bool redact)
{
	int bad = 0;
	for (int i = 0; i < (o->files ? o->files : 1); i++) {
		bool std = !o->files || !strcmp(o->file[i], "-");
		const char *name = std ? "standard input" : o->file[i];
		FILE *in = std ? stdin : fopen(name, "rb");
		if (!in) {
			fprintf(stderr, "phi: %s: %s\n", name, strerror(errno));
			bad = 1;
			continue;
		}
		bad |= o->jsonl ? jsonl(p, o, redact, in, name) : plain(p, o, redact, in, name);
		if (!std)
			fclose(in);
	}
	if (fflush(stdout) != 0) {
		fprintf(stderr, "phi: standard output: %s\n", strerror(errno));
		bad = 1;
	}
	return bad;
}

static int
explain_files(struct phi *p, const struct options *o)
{
	int bad = 0;
	for (int i = 0; i < (o->files ? o->files : 1); i++) {
		FILE *in = o->files ? fopen(o->file[i], "rb") : stdin;
		if (!in) {
			fprintf(stderr, "phi: %s: %s\n", o->file[i], strerror(errno));
			bad = 1;
			continue;
		}
		bad |= command_explain(p, &o->scan, in);
		if (o->files)
			fclose(in);
	}
	return bad;
}

static int
kinds(void)
{
	static const char letters[] = "ABBCCDEFGHIJKLMNOPQR";
	for (int k = 0; k < PHI_KINDS; k++)
		printf("%-11s 164.514(b)(2)(i)(%c)\n", phi_kind_name((enum phi_kind)k), letters[k]);
	return 0;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct phi *p = NULL;
	if (argc < 2)
		return usage(stderr);
	const char *c = argv[1];
	if (!strcmp(c, "help") || !strcmp(c, "--help") || !strcmp(c, "-h") || (argc > 2 && !strcmp(argv[2], "--help")))
		return usage(stdout);
	if (!strcmp(c, "kinds"))
		return kinds();
	if (!strcmp(c, "train"))
		return command_train(argc - 2, argv + 2);
	if (!strcmp(c, "generate"))
		return command_generate(argc - 2, argv + 2);
	int skip = !strcmp(c, "rules") ? 3 : 2;
	int r = parse(argc > skip ? argc - skip : 0, argv + skip, &o);
	if (r)
		return r;
	if (!strcmp(c, "rules") && argc > 2 && !strcmp(argv[2], "check"))
		return command_rules_check(o.file, o.files);
	bool scan = !strcmp(c, "scan"), redact = !strcmp(c, "redact"), bench = !strcmp(c, "bench"), eval = !strcmp(c, "eval");
	bool explain = !strcmp(c, "explain"), serve = !strcmp(c, "serve");
	if (!scan && !redact && !bench && !eval && !explain && !serve) {
		fprintf(stderr, "phi: no command %s (phi help)\n", c);
		return 2;
	}
	r = open_engine(o.rules, &p);
	if (r)
		return r;
	r = bench ? command_bench(p, &o.scan, o.file, o.files) : eval ? command_eval(p, &o.scan, o.file, o.files, o.show) :
	    serve ? command_serve(p, o.listen) : explain ? explain_files(p, &o) : over_files(p, &o, redact);
	phi_close(p);
	phi_thread_done();
	return r;
}
