/* main.c - the command phi: its commands and options are rows; help is printed from them. */
#include "phi.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { SCAN = 1, REDACT = 2, EXPLAIN = 4, EVAL = 8, SERVE = 16, BENCH = 32, KEY = 64, RESTORE = 128, RULES = 256, KINDS = 512,
	TRAIN = 1024, GENERATE = 2048, HELP = 4096, ENGINE = SCAN | REDACT | EXPLAIN | EVAL | SERVE | BENCH };

static const struct command {
	const char *name, *args;
	unsigned    bit;
	const char *what, *more;
} commands[] = {
	{ "scan", "[FILE|FOLDER...]", SCAN, "what was found, a line each",
	  "Plain text: FILE:LINE, first and last byte (from 0, the last not included), kind, score, rule, by tabs.\n"
	  "With --jsonl each line {\"id\",\"text\"} gives {\"id\",\"spans\":[{\"start\",\"end\",\"label\",\"score\",\"rule\"}]};\n"
	  "with --csv the column stands behind the line, with --mbox the message's number in its place." },
	{ "redact", "[FILE|FOLDER...]", REDACT, "the text without it",
	  "Of a text that cannot be scanned nothing is written. A folder goes to a folder: redact -o OUT IN." },
	{ "explain", "[FILE...]", EXPLAIN, "why each finding was made, what each detector said", NULL },
	{ "eval", "FILE...", EVAL, "leaks, recall, precision on JSONL with spans",
	  "A line is {\"id\",\"text\",\"spans\":[{\"start\",\"end\",\"label\"}]}, offsets in bytes. A span leaks when a letter or digit\n"
	  "of it is in no finding; labels that begin with X_ are neither wanted nor wrong." },
	{ "serve", "", SERVE, "Presidio's /analyze and /anonymize for programs on this machine",
	  "Loopback or a unix socket only: it knows neither users nor TLS. SIGHUP reads the rules of --rules again." },
	{ "kinds", "", KINDS, "the kinds of identifiers and the law's letter for each", NULL },
	{ "rules check", "[FILE...]", RULES, "reads rule files and runs their examples; without a file the built-in rules", NULL },
	{ "key", "FILE", KEY, "makes a key file for --key-file and --map-key", NULL },
	{ "restore", "[FILE]", RESTORE, "what a redaction with --sealed-map took out, put back", NULL },
	{ "train", "--out MODEL FILE...", TRAIN, "the tagger's weights from JSONL with spans",
	  "  --rows N  --epochs N  --miss N  --false N   see docs/phi-model.md" },
	{ "generate", "", GENERATE, "invented tickets with their spans, JSONL",
	  "  --count N  --seed N  --held-out  --data DIR  --start SYMBOL" },
	{ "bench", "FILE...", BENCH, "speed on the texts of JSONL files", NULL },
};

enum value { NONE, WORD, NUMBER };
static const struct option {
	const char *name, *arg;
	unsigned    of;
	const char *what;
} options[] = {
	{ "--rules", "DIR", ENGINE, "adds the *.rules files of DIR; phi.lex, phi.model there replace the built-in ones" },
	{ "--min-score", "N", ENGINE & ~SERVE, "report from this score up, 1 to 100 (50)" },
	{ "--recall", "N", ENGINE & ~SERVE, "the dial, -100 (precision) to 100 (recall), 0 as trained" },
	{ "--no-tagger", NULL, ENGINE & ~SERVE, "rules and lexicon alone" },
	{ "--no-memory", NULL, ENGINE & ~SERVE, "do not look for found names again" },
	{ "--skip", "KIND", ENGINE & ~SERVE, "do not report this kind; may be repeated" },
	{ "--jsonl", NULL, SCAN | REDACT | RESTORE, "lines of JSON objects with \"id\" and \"text\"" },
	{ "--field", "NAME", SCAN | REDACT | RESTORE, "the member of the objects that holds the text (text)" },
	{ "--csv", NULL, SCAN | REDACT, "CSV (RFC 4180) with a header row" },
	{ "--columns", "A,B", SCAN | REDACT, "CSV: only these columns; the others stay as they are" },
	{ "--no-header", NULL, SCAN | REDACT, "CSV: no header row; --columns takes numbers from 1" },
	{ "--delimiter", "C", SCAN | REDACT, "CSV: what stands between cells (,); tab for a tab" },
	{ "--mbox", NULL, SCAN | REDACT, "mail of an mbox: decoded text; parts that are no text are left out and named" },
	{ "--json", NULL, SCAN, "findings as JSON lines" },
	{ "--style", "NAME", REDACT, "label (default), mask, last4, hash, surrogate" },
	{ "--safe-harbor", NULL, REDACT, "keep years, lawful three-digit ZIPs, ages as 90+ (with labels)" },
	{ "--key", "N", REDACT, "key of hash and surrogate, one per ticket" },
	{ "--key-file", "FILE", REDACT, "the same, as a file of phi key: nobody can try all of them" },
	{ "--once", NULL, REDACT, "replace just what phi scan reports" },
	{ "-o", "OUT", SCAN | REDACT, "write here instead of to standard output; complete or not at all" },
	{ "--map", "FILE", REDACT, "where things went, JSON lines: offsets before and after, no values" },
	{ "--sealed-map", "FILE", REDACT | RESTORE, "what was taken out, encrypted, for phi restore" },
	{ "--map-key", "FILE", REDACT | RESTORE, "its key, made by phi key" },
	{ "--resume", "FILE", SCAN | REDACT, "where the work stands; started again after any end, it goes on (with -o)" },
	{ "-j", "N", SCAN | REDACT, "workers (1); the output is the same" },
	{ "--progress", NULL, SCAN | REDACT, "rate and time left on standard error, also where that is no terminal" },
	{ "--leaks", "N", EVAL, "show the first N leaks" },
	{ "--html", "FILE", EVAL, "one page with all of it, the curve and the worst documents" },
	{ "--listen", "127.0.0.1:PORT", SERVE, "where to listen (127.0.0.1:5002; port 0: any, printed)" },
	{ "--unix", "PATH", SERVE, "listen on a socket of the file system, mode 0600, instead" },
};

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

static int
usage(FILE *f, const struct command *c)
{
	if (!c) {
		fputs("phi - find what identifies a person in text, and take it out\n\n", f);
		for (size_t i = 0; i < COUNTOF(commands); i++)
			fprintf(f, "  phi %-12s %-20s %s\n", commands[i].name, commands[i].args, commands[i].what);
		fputs("\nphi COMMAND --help tells its options. Without FILE, or for -, standard input is read.\n", f);
	} else {
		fprintf(f, "usage: phi %s %s%s\n\n%s\n", c->name, c->bit & (KINDS | TRAIN | GENERATE | RULES | KEY) ? "" : "[options] ", c->args, c->what);
		if (c->more)
			fprintf(f, "%s\n", c->more);
		bool any = false;
		for (size_t i = 0; i < COUNTOF(options); i++)
			if (options[i].of & c->bit) {
				char b[60];
				snprintf(b, sizeof b, "%s%s%s", options[i].name, options[i].arg ? " " : "", options[i].arg ? options[i].arg : "");
				fprintf(f, "%s  %-24s %s\n", any ? "" : "\n", b, options[i].what);
				any = true;
			}
	}
	fputs("\nExit status: 0 done; 1 something could not be read or scanned (the rest was); 2 wrong use;\n"
	      "3 cannot start; 4 stopped by a signal.\n", f);
	return f == stderr ? WRONG_USE : DONE;
}

static bool
number(const char *name, const char *v, long lo, long hi, long *to)
{
	char *end;
	errno = 0;
	*to = strtol(v, &end, 10);
	if (*v && !*end && !errno && *to >= lo && *to <= hi)
		return true;
	fprintf(stderr, "phi: %s is %ld to %ld\n", name, lo, hi);
	return false;
}

static bool
set(struct options *o, const char *a, const char *v)
{
	static const char *const styles[] = { "label", "mask", "last4", "hash", "surrogate" };
	long n;
	char *end;
	if (!strcmp(a, "--no-tagger")) o->scan.flags |= PHI_NO_TAGGER;
	else if (!strcmp(a, "--no-memory")) o->scan.flags |= PHI_NO_MEMORY;
	else if (!strcmp(a, "--safe-harbor")) o->redact.safe_harbor = 1;
	else if (!strcmp(a, "--once")) o->redact.flags |= PHI_ONCE;
	else if (!strcmp(a, "--json")) o->json = true;
	else if (!strcmp(a, "--progress")) o->progress = true;
	else if (!strcmp(a, "--no-header")) o->no_header = true;
	else if (!strcmp(a, "--rules")) o->rules = v;
	else if (!strcmp(a, "--field")) o->field = v;
	else if (!strcmp(a, "--columns")) o->columns = v;
	else if (!strcmp(a, "-o")) o->out = v;
	else if (!strcmp(a, "--map")) o->map = v;
	else if (!strcmp(a, "--sealed-map")) o->sealed = v;
	else if (!strcmp(a, "--map-key")) o->map_key = v;
	else if (!strcmp(a, "--resume")) o->resume = v;
	else if (!strcmp(a, "--listen")) o->listen = v;
	else if (!strcmp(a, "--unix")) o->socket = v;
	else if (!strcmp(a, "--html")) o->html = v;
	else if (!strcmp(a, "--jsonl") || !strcmp(a, "--csv") || !strcmp(a, "--mbox")) {
		enum format f = a[2] == 'j' ? JSONL : a[2] == 'c' ? CSV : MBOX;
		if (o->format != PLAIN && o->format != f) {
			fputs("phi: --jsonl, --csv and --mbox exclude each other\n", stderr);
			return false;
		}
		o->format = f;
	} else if (!strcmp(a, "--delimiter")) {
		o->delimiter = !strcmp(v, "tab") ? '\t' : v[0];
		if (!v[0] || (v[1] && strcmp(v, "tab")) || strchr("\"\r\n", v[0])) {
			fputs("phi: --delimiter is one character, or the word tab\n", stderr);
			return false;
		}
	} else if (!strcmp(a, "--skip")) {
		int k = phi_kind_of(v, strlen(v));
		if (k < 0) {
			fprintf(stderr, "phi: --skip %s: no such kind (phi kinds)\n", v);
			return false;
		}
		o->scan.skip_kinds |= 1u << k;
	} else if (!strcmp(a, "--style")) {
		int k = -1;
		for (int j = 0; j < (int)COUNTOF(styles); j++)
			if (!strcmp(styles[j], v))
				k = j;
		if (k < 0) {
			fprintf(stderr, "phi: --style %s: label, mask, last4, hash or surrogate\n", v);
			return false;
		}
		o->redact.style = (enum phi_style)k;
	} else if (!strcmp(a, "--key")) {
		errno = 0;
		o->redact.key = strtoull(v, &end, 0);
		if (!*v || *end || errno || *v == '-') {
			fputs("phi: --key needs a number\n", stderr);
			return false;
		}
	} else if (!strcmp(a, "--key-file")) {
		if (!key_read(v, o->secret))
			return false;
		o->redact.secret = o->secret;
	} else if (!strcmp(a, "-j")) {
		if (!number(a, v, 1, 64, &n))
			return false;
		o->jobs = (unsigned)n;
	} else if (!strcmp(a, "--leaks")) {
		if (!number(a, v, 0, 1000000, &n))
			return false;
		o->show = (unsigned)n;
	} else if (!strcmp(a, "--recall")) {
		if (!number(a, v, -100, 100, &n))
			return false;
		o->scan.recall = (int)n;
	} else if (!strcmp(a, "--min-score")) {
		if (!number(a, v, 1, 100, &n))
			return false;
		o->scan.min_score = (int)n;
	}
	return true;
}

/* Options and files in any order; behind "--" only files. */
static int
parse(int argc, char **argv, const struct command *c, struct options *o, const char **file)
{
	*o = (struct options){ .scan.size = sizeof o->scan, .redact.size = sizeof o->redact, .jobs = 1, .delimiter = ',', .file = file };
	bool only_files = false;
	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];
		if (only_files || a[0] != '-' || !a[1]) {
			file[o->files++] = a;
			continue;
		}
		if (!strcmp(a, "--")) {
			only_files = true;
			continue;
		}
		if (!strcmp(a, "--help") || !strcmp(a, "-h")) {
			usage(stdout, c);
			return -1;
		}
		/* -j4 and --name=value as well. */
		char name[40];
		const char *eq = strchr(a, '='), *v = NULL;
		snprintf(name, sizeof name, "%.*s", eq && a[1] == '-' ? (int)(eq - a) : a[1] == '-' ? (int)strlen(a) : 2, a);
		if (eq && a[1] == '-')
			v = eq + 1;
		else if (a[1] != '-' && a[2])
			v = a + 2;
		const struct option *op = NULL;
		for (size_t k = 0; k < COUNTOF(options); k++)
			if (!strcmp(options[k].name, name))
				op = &options[k];
		if (!op || !(op->of & c->bit)) {
			fprintf(stderr, op ? "phi: %s is no option of phi %s (phi %s --help)\n" : "phi: unknown option %s (phi %s%s --help)\n", name,
			    op ? c->name : "", c->name);
			return WRONG_USE;
		}
		if (!op->arg && v) {
			fprintf(stderr, "phi: %s takes no value\n", name);
			return WRONG_USE;
		}
		if (op->arg && !v && !(v = i + 1 < argc ? argv[++i] : NULL)) {
			fprintf(stderr, "phi: %s needs a value\n", name);
			return WRONG_USE;
		}
		if (!set(o, name, v))
			return WRONG_USE;
	}
	return DONE;
}

static int
kinds(void)
{
	static const char letters[] = "ABBCCDEFGHIJKLMNOPQR";
	for (int k = 0; k < PHI_KINDS; k++)
		printf("%-11s 164.514(b)(2)(i)(%c)\n", phi_kind_name((enum phi_kind)k), letters[k]);
	return DONE;
}

static int
with_engine(unsigned bit, struct options *o)
{
	char why[400] = "";
	struct phi *p;
	enum phi_err e = phi_open(o->rules, &p, why, sizeof why);
	if (e != PHI_OK) {
		fprintf(stderr, "phi: %s\n", why[0] ? why : phi_err_text(e));
		return CANNOT_START;
	}
	int r = bit == BENCH ? command_bench(p, &o->scan, o->file, o->files) :
	    bit == EVAL ? command_eval(p, &o->scan, o->file, o->files, o->show, o->html) :
	    bit == EXPLAIN ? command_explain(p, o) : command_run(p, o, bit == REDACT);
	phi_close(p);
	phi_thread_done();
	if (fflush(stdout) != 0 && r == DONE) {
		fprintf(stderr, "phi: standard output: %s\n", strerror(errno));
		r = SOME_BAD;
	}
	return r;
}

int
main(int argc, char **argv)
{
	const struct command *c = NULL;
	struct options o;
	if (argc < 2)
		return usage(stderr, NULL);
	const char *name = argv[1];
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return usage(stdout, NULL);
	if (!strcmp(name, "--version"))
		return printf("phi %s\n", phi_version()) < 0;
	bool rules = !strcmp(name, "rules");
	for (size_t i = 0; i < COUNTOF(commands); i++)
		if (rules ? commands[i].bit == RULES : !strcmp(name, commands[i].name))
			c = &commands[i];
	if (!c || (rules && (argc < 3 || (strcmp(argv[2], "check") && strcmp(argv[2], "--help"))))) {
		fprintf(stderr, rules ? "phi: rules check is all there is (phi help)\n" : "phi: no command %s (phi help)\n", name);
		return WRONG_USE;
	}
	if (c->bit & (TRAIN | GENERATE)) {
		for (int i = 2; i < argc; i++)
			if (!strcmp(argv[i], "--help"))
				return usage(stdout, c);
		return c->bit == TRAIN ? command_train(argc - 2, argv + 2) : command_generate(argc - 2, argv + 2);
	}
	int skip = rules && !strcmp(argv[2], "check") ? 3 : 2;
	const char **file = calloc((size_t)argc + 1, sizeof *file);
	if (!file || sodium_init() < 0)
		return CANNOT_START;
	int r = parse(argc - skip, argv + skip, c, &o, file);
	if (r == DONE)
		r = c->bit == KINDS ? kinds() : c->bit == RULES ? command_rules_check(o.file, o.files) : c->bit == KEY ? command_key(&o) :
		    c->bit == RESTORE ? command_restore(&o) : c->bit == SERVE ? command_serve(&o) : with_engine(c->bit, &o);
	else if (r < 0)
		r = DONE;
	explicit_bzero(o.secret, sizeof o.secret);
	free(file);
	return r;
}
