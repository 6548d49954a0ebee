/* run.c - `phi scan` and `phi redact`: inputs, workers, outputs, resuming.
 *
 * One thread (main) reads records into a ring of slots and writes finished
 * ones in their order; workers take slots in between, so the output does not
 * depend on their number. A record is a file (plain), a line (JSONL), a row
 * (CSV), a message (mbox). A plain file above PHI_TEXT_MAX is a record that
 * main works off itself, as a stream, when its turn comes.
 *
 * Resuming: output goes to OUT.part, and the state file says which record
 * comes next and how long OUT.part was before it. It is replaced in one rename
 * after the output was flushed to the disk. Started again, OUT.part is cut to
 * that length and reading goes on there; a plain file begins anew. At the end
 * OUT.part becomes OUT and the state file goes.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct input { char *path; const char *rel; uint64_t size; struct timespec mtime; bool is_stdin, found; };

enum state { FREE, READY, DONE_ };
struct slot {
	enum state  state;
	size_t      input, number, line;
	size_t      lines;            /* of the input, up to where it ends */
	uint64_t    after;            /* where the next record begins */
	bool        first, last;      /* of its input */
	bool        stream;
	struct text in, out, map, sealed;
	const char *why;              /* fixed words; NULL: fine */
	int         error;            /* errno of a file that cannot be read */
	unsigned    left_out;
	size_t      findings;
};

struct job {
	const struct phi     *phi;
	const struct options *o;
	bool                  redact;
	struct input         *input;
	size_t                inputs;
	/* reading */
	size_t                now;          /* input being read */
	bool                  open;
	struct reader         r;
	uint64_t              skip_to;      /* resumed: where to begin in it */
	size_t                skip_number, skip_line;
	struct row            names;        /* CSV: the header */
	bool                 *wanted;       /* CSV: columns, by index */
	unsigned              columns;
	/* ring */
	struct slot          *slot;
	size_t                slots, head, tail, work;
	pthread_mutex_t       lock;
	pthread_cond_t        ready, done;
	bool                  quit;
	/* writing */
	bool                  tree;         /* a folder goes to a folder */
	FILE                 *out, *map;
	char                  out_path[4096], out_part[4104], map_part[4104];
	struct sealed        *sealed;
	uint64_t              out_at;
	bool                  bad, broken;  /* broken: a plain text is missing in the output, or half there */
	size_t                findings;
	/* progress */
	uint64_t              total, passed, began_at;
	double                began, said, saved;
	bool                  tty, show;
	char                  digest[33];
};

static volatile sig_atomic_t signalled;
static volatile int stop;

static void
on_signal(int s)
{
	signalled = s;
	stop = 1;
}

static double
clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- inputs ---------------------------------------------------------------------------------------- */

static void
add_input(struct job *j, const char *path, const char *root, bool found)
{
	struct stat st = { 0 };
	struct input *q = realloc(j->input, (j->inputs + 1) * sizeof *q);
	if (!q) {
		fputs("phi: out of memory\n", stderr);
		exit(CANNOT_START);
	}
	j->input = q;
	struct input *i = &j->input[j->inputs++];
	*i = (struct input){ .path = strdup(path), .found = found, .is_stdin = !strcmp(path, "-") };
	if (!i->path) {
		fputs("phi: out of memory\n", stderr);
		exit(CANNOT_START);
	}
	i->rel = root ? i->path + strlen(root) : i->path;
	while (root && *i->rel == '/')
		i->rel++;
	if (!i->is_stdin && stat(path, &st) == 0 && S_ISREG(st.st_mode))
		i->size = (uint64_t)st.st_size, i->mtime = st.st_mtim;
	j->total += i->size;
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool
suits(const char *name, enum format f)
{
	const char *dot = strrchr(name, '.');
	switch (f) {
	case JSONL: return dot && (!strcasecmp(dot, ".jsonl") || !strcasecmp(dot, ".ndjson"));
	case CSV: return dot && (!strcasecmp(dot, ".csv") || !strcasecmp(dot, ".tsv"));
	default: return true;
	}
}

static bool
add_folder(struct job *j, const char *root)
{
	char *roots[2] = { (char *)(uintptr_t)root, NULL };
	FTS *t = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, by_name);
	bool ok = t != NULL;
	for (FTSENT *e; t && (e = fts_read(t)) != NULL;) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
			fprintf(stderr, "phi: %s: %s\n", e->fts_path, strerror(e->fts_errno));
			ok = false;
		} else if (e->fts_level > 0 && e->fts_name[0] == '.') {
			if (e->fts_info == FTS_D)
				fts_set(t, e, FTS_SKIP);
		} else if (e->fts_info == FTS_F && suits(e->fts_name, j->o->format))
			add_input(j, e->fts_path, root, true);
	}
	if (t)
		fts_close(t);
	return ok;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static const char *
input_name(const struct input *i)
{
	return i->is_stdin ? "standard input" : i->path;
}

static bool
choose_columns(struct job *j, const char **why)
{
	const char *list = j->o->columns;
	unsigned n = j->names.cells;
	free(j->wanted);
	j->columns = n;
	j->wanted = calloc(n + 1, sizeof *j->wanted);
	if (!j->wanted) {
		*why = "out of memory";
		return false;
	}
	for (unsigned k = 0; !list && k < n; k++)
		j->wanted[k] = true;
	while (list && *list) {
		size_t len = strcspn(list, ",");
		bool hit = false;
		char *end;
		unsigned long number = strtoul(list, &end, 10);
		for (unsigned k = 0; k < n; k++)
			if (j->o->no_header ? end == list + len && number == k + 1 :
			    j->names.cell[k].n == len && !memcmp(j->names.cell[k].p, list, len))
				hit = j->wanted[k] = true;
		if (!hit) {
			*why = "a column of --columns is not in it";
			return false;
		}
		list += len + (list[len] == ',');
	}
	return true;
}

/* Opens the next input; on failure the slot says why. */
static bool
open_input(struct job *j, struct slot *s)
{
	struct input *i = &j->input[j->now];
	struct stat st;
	j->r = (struct reader){ .f = i->is_stdin ? stdin : fopen(i->path, "rbe") };
	s->first = true;
	if (j->r.f && !i->is_stdin && fstat(fileno(j->r.f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(j->r.f);
		j->r.f = NULL;
		errno = EISDIR;
	}
	if (!j->r.f) {
		s->error = errno ? errno : EIO;
		return false;
	}
	j->open = true;
	if (j->o->format == CSV) {
		/* The names are needed also when the rows go on further down. */
		struct text row = { 0 };
		enum got g = GOT_NONE;
		if (j->skip_to && (g = read_row(&j->r, &row)) == GOT_ONE && !csv_cut(&j->names, row.p, row.n, j->o->delimiter))
			choose_columns(j, &s->why);
		text_free(&row);
	}
	if (j->skip_to) {
		reader_done(&j->r);
		if (fseeko(j->r.f, (off_t)j->skip_to, SEEK_SET) != 0) {
			s->error = errno;
			return false;
		}
		j->r = (struct reader){ .f = j->r.f, .at = j->skip_to, .number = j->skip_number, .line = j->skip_line };
		s->first = false;
	}
	j->skip_to = 0;
	return true;
}

static void
close_input(struct job *j)
{
	if (j->open && !j->input[j->now].is_stdin)
		fclose(j->r.f);
	reader_done(&j->r);
	j->open = false;
	j->now++;
}

/* The next record into a slot; false when there is none. The last of a file is
 * an empty one that says so. */
static bool
next_record(struct job *j, struct slot *s)
{
	struct slot keep = { .in = s->in, .out = s->out, .map = s->map, .sealed = s->sealed };
	keep.in.n = keep.out.n = keep.map.n = keep.sealed.n = 0;
	*s = keep;
	if (j->now >= j->inputs)
		return false;
	s->input = j->now;
	bool opening = !j->open;
	if (opening && !open_input(j, s)) {
		s->last = true;
		close_input(j);
		return true;
	}
	s->line = j->r.line + 1;
	enum got g;
	switch (j->o->format) {
	case JSONL: g = read_line(&j->r, &s->in); break;
	case CSV: g = read_row(&j->r, &s->in); break;
	case MBOX: g = read_message(&j->r, &s->in); break;
	default:
		g = read_some(&j->r, &s->in, PHI_TEXT_MAX + 1);
		j->r.number++;
		if (g == GOT_NONE && opening)
			g = GOT_ONE;              /* an empty file is a text, too */
		if (g == GOT_ONE && s->in.n <= PHI_TEXT_MAX && j->input[j->now].found && s->in.n &&
		    memchr(s->in.p, 0, s->in.n < 8192 ? s->in.n : 8192))
			s->why = "looks like no text; not scanned";
		s->stream = s->in.n > PHI_TEXT_MAX;
	}
	s->number = j->r.number;
	s->after = j->r.at;
	s->lines = j->r.line;
	if (g == GOT_ERROR)
		s->error = errno ? errno : EIO;
	else if (g == GOT_LONG)
		s->why = "too large";
	else if (g == GOT_ONE && j->o->format == CSV && s->number == 1) {
		const char *why = csv_cut(&j->names, s->in.p, s->in.n, j->o->delimiter);
		if (why || !choose_columns(j, &why)) {
			s->why = why;
			j->columns = 0;
		}
	}
	/* A stream reads on from the same file when its turn comes; nothing is read before. */
	if (g == GOT_NONE || g == GOT_ERROR || (j->o->format == PLAIN && !s->stream)) {
		s->last = true;
		close_input(j);
	}
	return true;
}

/* ---- the work of one record -------------------------------------------------------------------------------- */

struct report { struct job *j; struct slot *s; const char *text, *column; size_t skip, at, line, cell; };

static void
say(struct report *r, const struct phi_finding *f, size_t at, size_t end)
{
	const struct job *j = r->j;
	struct text *out = &r->s->out;
	const char *name = input_name(&j->input[r->s->input]), *rule = phi_rule_name(j->phi, f->rule);
	char b[200];
	r->s->findings++;
	if (j->o->json) {
		text_z(out, "{\"file\": ");
		text_json(out, name, strlen(name));
		text_add(out, b, (size_t)snprintf(b, sizeof b, j->o->format == MBOX ? ", \"message\": %zu" : ", \"line\": %zu", r->line));
		if (r->column) {
			text_z(out, ", \"column\": ");
			text_json(out, r->column, r->cell);
		}
		text_add(out, b, (size_t)snprintf(b, sizeof b, ", \"start\": %zu, \"end\": %zu, \"label\": \"%s\", \"score\": %d, \"rule\": ",
		    at, end, phi_kind_name(f->kind), f->score));
		text_json(out, rule, strlen(rule));
		text_z(out, "}\n");
		return;
	}
	text_z(out, name);
	text_add(out, b, (size_t)snprintf(b, sizeof b, ":%zu\t", r->line));
	if (r->column) {
		text_add(out, r->column, r->cell);
		text_z(out, "\t");
	}
	text_add(out, b, (size_t)snprintf(b, sizeof b, "%zu\t%zu\t%s\t%d\t", at, end, phi_kind_name(f->kind), f->score));
	text_z(out, rule);
	text_z(out, "\n");
}

static int
in_text(void *arg, const struct phi_finding *f)
{
	struct report *r = arg;
	for (; r->at < f->at; r->at++)
		r->line += r->text[r->at] == '\n';
	say(r, f, f->at, f->at + f->len);
	return 0;
}

static int
in_mail(void *arg, const struct phi_finding *f)
{
	say(arg, f, f->at, f->at + f->len);
	return 0;
}

/* A cell is scanned behind the name of its column; what lies in the name does not count. */
static int
in_cell(void *arg, const struct phi_finding *f)
{
	struct report *r = arg;
	size_t end = f->at + f->len, at = f->at > r->skip ? f->at : r->skip;
	if (end > r->skip)
		say(r, f, at - r->skip, end - r->skip);
	return 0;
}

static void
add_map(struct text *to, const char *name, const struct phi_moved *m)
{
	char b[240];
	text_z(to, "{\"file\": ");
	text_json(to, name, strlen(name));
	text_add(to, b, (size_t)snprintf(b, sizeof b,
	    ", \"start\": %llu, \"end\": %llu, \"new_start\": %llu, \"new_end\": %llu, \"label\": \"%s\", \"score\": %d}\n",
	    (unsigned long long)m->old_at, (unsigned long long)(m->old_at + m->old_len), (unsigned long long)m->new_at,
	    (unsigned long long)(m->new_at + m->new_len), phi_kind_name(m->kind), m->score));
}

static bool
add_sealed(struct text *to, const struct phi_moved *m, const char *value)
{
	size_t want = sodium_base64_encoded_len(m->old_len, sodium_base64_VARIANT_ORIGINAL);
	char *z = malloc(want), b[80];
	if (!z)
		return false;
	sodium_bin2base64(z, want, (const unsigned char *)value, m->old_len, sodium_base64_VARIANT_ORIGINAL);
	text_add(to, b, (size_t)snprintf(b, sizeof b, "%s[%llu,%llu,\"", to->n ? "," : "{\"items\":[", (unsigned long long)m->new_at,
	    (unsigned long long)m->new_len));
	text_z(to, z);
	text_z(to, "\"]");
	explicit_bzero(z, want);
	free(z);
	return true;
}

static int
moved_text(void *arg, const struct phi_moved *m)
{
	struct report *r = arg;
	r->s->findings++;
	if (r->j->o->map)
		add_map(&r->s->map, input_name(&r->j->input[r->s->input]), m);
	return r->j->o->sealed && !add_sealed(&r->s->sealed, m, r->text + m->old_at);
}

static int
moved_count(void *arg, const struct phi_moved *m)
{
	(void)m;
	++*(size_t *)arg;
	return 0;
}

static const char *
plain_record(struct job *j, struct slot *s, const struct phi_opts *q)
{
	struct report r = { .j = j, .s = s, .text = s->in.p ? s->in.p : "", .line = 1 };
	enum phi_err e;
	if (j->redact) {
		struct phi_redact_opts o = j->o->redact;
		o.scan = q, o.moved = moved_text, o.moved_arg = &r;
		e = phi_redact(j->phi, &o, r.text, s->in.n, text_write, &s->out);
		if (s->sealed.n)
			text_z(&s->sealed, "]}");
	} else
		e = phi_scan_opts(j->phi, q, r.text, s->in.n, in_text, &r);
	return e == PHI_OK ? NULL : phi_err_text(e);
}

static const char *
mail_record(struct job *j, struct slot *s, const struct phi_opts *q)
{
	struct text t = { 0 };
	enum phi_err e;
	text_add(&t, "", 0);
	mail_text(&t, s->in.p, s->in.n, &s->left_out);
	struct report r = { .j = j, .s = s, .text = t.p, .line = s->number };
	if (j->redact) {
		struct phi_redact_opts o = j->o->redact;
		o.scan = q, o.moved = moved_count, o.moved_arg = &s->findings;
		e = phi_redact(j->phi, &o, t.p, t.n, text_write, &s->out);
		if (e == PHI_OK && s->out.n && s->out.p[s->out.n - 1] != '\n')
			text_z(&s->out, "\n");
	} else
		e = phi_scan_opts(j->phi, q, t.p, t.n, in_mail, &r);
	text_free(&t);
	return e == PHI_OK ? NULL : phi_err_text(e);
}

static const char *
csv_record(struct job *j, struct slot *s, const struct phi_opts *q)
{
	struct row row = { 0 };
	struct text t = { 0 }, red = { 0 };
	bool header = s->number == 1 && !j->o->no_header;
	const char *why = csv_cut(&row, s->in.p, s->in.n, j->o->delimiter);
	enum phi_err e = PHI_OK;
	if (!why && row.cells != j->columns)
		why = row.cells == 1 && row.cell[0].n == 0 ? NULL : j->columns ? "not as many cells as the first row" : "the first row is malformed";
	for (unsigned k = 0; !why && e == PHI_OK && k < row.cells; k++) {
		struct cell *c = &row.cell[k];
		bool wanted = k < j->columns && (j->wanted[k] || header);
		t.n = 0, red.n = 0;
		if (wanted && !header && !j->o->no_header) {
			text_add(&t, j->names.cell[k].p, j->names.cell[k].n);
			for (size_t i = 0; i < t.n; i++)
				if (t.p[i] == '_')
					t.p[i] = ' ';
			text_z(&t, ": ");
		}
		struct report r = { .j = j, .s = s, .line = s->line, .skip = t.n, .column = "", .cell = 0 };
		char number[16];
		if (j->o->no_header)
			r.cell = (size_t)snprintf(number, sizeof number, "%u", k + 1), r.column = number;
		else if (k < j->names.cells)
			r.column = j->names.cell[k].p, r.cell = j->names.cell[k].n;
		if (header)
			r.cell = (size_t)snprintf(number, sizeof number, "%u", k + 1), r.column = number;
		text_add(&t, c->p, c->n);
		if (!wanted) {
			if (j->redact)
				text_add(&red, c->p, c->n);
		} else if (!j->redact) {
			e = phi_scan_opts(j->phi, q, t.p, t.n, in_cell, &r);
		} else {
			struct phi_redact_opts o = j->o->redact;
			o.scan = q, o.moved = moved_count, o.moved_arg = &s->findings;
			e = phi_redact(j->phi, &o, t.p, t.n, text_write, &red);
			/* The name of the column is taken off again; where it was redacted as well, the cell goes alone. */
			if (e == PHI_OK && r.skip) {
				if (red.n >= r.skip && !memcmp(red.p, t.p, r.skip)) {
					memmove(red.p, red.p + r.skip, red.n - r.skip);
					red.n -= r.skip;
				} else {
					red.n = 0;
					e = phi_redact(j->phi, &o, c->p, c->n, text_write, &red);
				}
			}
		}
		if (j->redact && e == PHI_OK) {
			if (k)
				text_add(&s->out, &j->o->delimiter, 1);
			csv_put(&s->out, red.p ? red.p : "", red.n, c->quoted, j->o->delimiter);
		}
	}
	if (!why && e == PHI_OK && j->redact)
		text_add(&s->out, row.end, (size_t)(s->in.p + s->in.n - row.end));
	text_free(&t), text_free(&red);
	csv_done(&row);
	return why ? why : e == PHI_OK ? NULL : phi_err_text(e);
}

static void
work_on(struct job *j, struct slot *s)
{
	struct phi_opts q = j->o->scan;
	q.stop = &stop;
	if (s->error || s->why || s->stream)
		return;
	if (s->last && j->o->format != PLAIN)
		return;
	struct line_job l = { j->phi, j->o, j->redact };
	switch (j->o->format) {
	case JSONL:
		if (s->in.n && s->in.p[strspn(s->in.p, " \t\r\n")] == 0)
			return;
		s->why = jsonl_line(&l, s->in.p, s->in.n, s->number, &s->out, j->o->map ? &s->map : NULL, j->o->sealed ? &s->sealed : NULL,
		    &s->findings);
		break;
	case CSV: s->why = csv_record(j, s, &q); break;
	case MBOX: s->why = mail_record(j, s, &q); break;
	default: s->why = plain_record(j, s, &q);
	}
	if (s->why)
		s->out.n = s->map.n = s->sealed.n = 0;
}

static void *
worker(void *arg)
{
	struct job *j = arg;
	pthread_mutex_lock(&j->lock);
	for (;;) {
		while (!j->quit && j->work == j->tail)
			pthread_cond_wait(&j->ready, &j->lock);
		if (j->quit)
			break;
		struct slot *s = &j->slot[j->work++ % j->slots];
		pthread_mutex_unlock(&j->lock);
		work_on(j, s);
		pthread_mutex_lock(&j->lock);
		s->state = DONE_;
		pthread_cond_signal(&j->done);
	}
	pthread_mutex_unlock(&j->lock);
	phi_thread_done();
	return NULL;
}

/* ---- a plain file that is a stream ---------------------------------------------------------------------------- */

struct flow { struct job *j; struct slot *s; struct report r; uint64_t *line_at; size_t lines, lines_cap, first; int fd; bool failed; };

static bool
drain(struct job *j, struct slot *s, size_t above)
{
	if (s->out.n > above) {
		if (fwrite(s->out.p, 1, s->out.n, j->out) != s->out.n)
			return false;
		j->out_at += s->out.n;
		s->out.n = 0;
	}
	if (j->map && s->map.n > above) {
		if (fwrite(s->map.p, 1, s->map.n, j->map) != s->map.n)
			return false;
		s->map.n = 0;
	}
	if (j->sealed && s->sealed.n > above) {
		text_z(&s->sealed, "]}");
		if (!sealed_add(j->sealed, s->sealed.p, s->sealed.n))
			return false;
		s->sealed.n = 0;
	}
	return true;
}

static int
flow_found(void *arg, const struct phi_finding *f)
{
	struct flow *w = arg;
	if (w->j->redact)
		return 0;
	while (w->first < w->lines && w->line_at[w->first] < f->at)
		w->first++, w->r.line++;
	say(&w->r, f, f->at, f->at + f->len);
	return 0;
}

static int
flow_out(void *arg, const char *p, size_t n)
{
	struct flow *w = arg;
	text_add(&w->s->out, p, n);
	w->failed = !drain(w->j, w->s, 1 << 20);
	return w->failed;
}

static int
flow_moved(void *arg, const struct phi_moved *m)
{
	struct flow *w = arg;
	w->s->findings++;
	if (w->j->o->map)
		add_map(&w->s->map, input_name(&w->j->input[w->s->input]), m);
	if (w->j->o->sealed) {
		char *v = malloc(m->old_len);
		bool ok = v && pread(w->fd, v, m->old_len, (off_t)m->old_at) == (ssize_t)m->old_len && add_sealed(&w->s->sealed, m, v);
		if (v)
			explicit_bzero(v, m->old_len);
		free(v);
		w->failed |= !ok;
		return !ok;
	}
	return 0;
}

static void progress(struct job *j, uint64_t at, bool end);

static const char *
flow(struct job *j, struct slot *s)
{
	struct flow w = { .j = j, .s = s, .r = { .j = j, .s = s, .line = 1 }, .fd = fileno(j->r.f) };
	struct phi_opts q = j->o->scan;
	struct phi_redact_opts o = j->o->redact;
	struct phi_stream *st;
	struct stat sb;
	uint64_t at = 0;
	q.stop = &stop;
	o.scan = &q;
	if (j->redact)
		o.moved = flow_moved, o.moved_arg = &w;
	if (j->o->sealed && (fstat(w.fd, &sb) != 0 || !S_ISREG(sb.st_mode)))
		return "too large for a sealed map of what is no file";
	enum phi_err e = phi_stream_new(j->phi, &o, flow_found, j->redact ? flow_out : NULL, &w, &st);
	enum got g = GOT_ONE;
	while (e == PHI_OK && g == GOT_ONE) {
		/* Where lines begin, for those findings to come. */
		if (!j->redact) {
			if (w.first)
				memmove(w.line_at, w.line_at + w.first, (w.lines - w.first) * sizeof *w.line_at);
			w.lines -= w.first, w.first = 0;
			for (size_t i = 0; i < s->in.n; i++)
				if (s->in.p[i] == '\n') {
					if (w.lines == w.lines_cap) {
						w.lines_cap = w.lines_cap * 2 + 1024;
						uint64_t *z = realloc(w.line_at, w.lines_cap * sizeof *z);
						if (!z) {
							e = PHI_NOMEM;
							break;
						}
						w.line_at = z;
					}
					w.line_at[w.lines++] = at + i;
				}
		}
		at += s->in.n;
		if (e == PHI_OK)
			e = phi_stream_write(st, s->in.p, s->in.n);
		/* Newlines that no finding has passed are counted when their text is done. */
		while (!j->redact && w.first < w.lines && at > (uint64_t)(1 << 20) && w.line_at[w.first] < at - (1 << 20))
			w.first++, w.r.line++;
		if (!drain(j, s, 1 << 20))
			w.failed = true;
		progress(j, at, false);
		if (e == PHI_OK)
			g = read_some(&j->r, &s->in, (size_t)256 << 10);
	}
	if (g == GOT_ERROR)
		e = PHI_IO;
	if (e == PHI_OK)
		e = phi_stream_end(st);
	phi_stream_free(st);
	free(w.line_at);
	if (!drain(j, s, 0))
		w.failed = true;
	s->after = at;
	if (e == PHI_OK && !w.failed)
		return NULL;
	return w.failed ? "the output could not be written" : phi_err_text(e);
}

/* ---- progress ------------------------------------------------------------------------------------------------------- */

static void
progress(struct job *j, uint64_t at, bool end)
{
	if (!j->show)
		return;
	double t = clock_now(), took = t - j->began;
	if (!end && t - j->said < (j->tty ? 0.2 : 2))
		return;
	j->said = t;
	double done = (double)(j->passed + at), rate = took > 0 ? (done - (double)j->began_at) / took : 0;
	char left[40] = "";
	if (!end && j->total && rate > 0 && done <= (double)j->total) {
		unsigned s = (unsigned)(((double)j->total - done) / rate);
		snprintf(left, sizeof left, ", %u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
	}
	char of[40] = "";
	if (j->total)
		snprintf(of, sizeof of, " of %.1f (%.0f %%)", (double)j->total / 1e6, 100 * done / (double)j->total);
	fprintf(stderr, "%sphi: %.1f%s MB, %.1f MB/s, %zu findings%s%s", j->tty ? "\r" : "", done / 1e6, of, rate / 1e6, j->findings, left,
	    j->tty ? end ? "\033[K\n" : "\033[K" : "\n");
}

/* ---- output and state --------------------------------------------------------------------------------------------------- */

static FILE *
open_part(const char *path, uint64_t keep)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FILE *f = NULL;
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size >= keep && ftruncate(fd, (off_t)keep) == 0 &&
	    lseek(fd, 0, SEEK_END) >= 0)
		f = fdopen(fd, "wb");
	if (!f && fd >= 0)
		close(fd);
	return f;
}

static bool
make_folders(const char *path)
{
	char b[4096];
	snprintf(b, sizeof b, "%s", path);
	for (char *p = b + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = 0;
		if (mkdir(b, 0700) != 0 && errno != EEXIST)
			return false;
		*p = '/';
	}
	return true;
}

static bool
out_open(struct job *j, size_t input, uint64_t keep)
{
	const char *o = j->o->out;
	j->out_at = keep;
	if (!o) {
		j->out = stdout;
		return true;
	}
	size_t n = strlen(o);
	int k = j->tree ? snprintf(j->out_path, sizeof j->out_path, "%s%s%s", o, n && o[n - 1] == '/' ? "" : "/", j->input[input].rel) :
	    snprintf(j->out_path, sizeof j->out_path, "%s", o);
	snprintf(j->out_part, sizeof j->out_part, "%s.part", j->out_path);
	if (k >= (int)sizeof j->out_path || (j->tree && !make_folders(j->out_path)) || !(j->out = open_part(j->out_part, keep))) {
		fprintf(stderr, "phi: %s: %s\n", j->out_part, strerror(errno));
		return false;
	}
	return true;
}

static bool
out_close(struct job *j, bool keep)
{
	bool ok = true;
	if (!j->out)
		return true;
	if (j->out == stdout)
		ok = fflush(stdout) == 0;
	else {
		ok = fflush(j->out) == 0 && fsync(fileno(j->out)) == 0;
		ok &= fclose(j->out) == 0;
		if (keep && ok)
			ok = rename(j->out_part, j->out_path) == 0;
	}
	if (!ok)
		fprintf(stderr, "phi: %s: %s\n", j->o->out ? j->out_path : "standard output", strerror(errno));
	j->out = NULL;
	return ok;
}

/* What must be the same for a run to go on where another stopped. */
static void
digest(struct job *j)
{
	const struct options *o = j->o;
	crypto_generichash_state st;
	unsigned char sum[16];
	struct text t = { 0 };
	char b[300];
	crypto_generichash_init(&st, NULL, 0, sizeof sum);
	text_add(&t, b, (size_t)snprintf(b, sizeof b, "%s|%d|%d|%d|%d|%d|%d|%u|%u|%d|%d|%llu|%d|", phi_version(), j->redact, (int)o->format,
	    o->json, o->no_header, o->delimiter, o->scan.min_score, o->scan.skip_kinds, o->scan.flags, o->scan.recall,
	    (int)o->redact.style, (unsigned long long)o->redact.key, o->redact.safe_harbor));
	const char *z[] = { o->rules, o->columns, o->field, o->out };
	for (size_t i = 0; i < sizeof z / sizeof z[0]; i++) {
		text_z(&t, z[i] ? z[i] : "");
		text_z(&t, "|");
	}
	if (o->redact.secret)
		text_add(&t, (const char *)o->redact.secret, 32);
	for (size_t i = 0; i < j->inputs; i++) {
		text_z(&t, j->input[i].path);
		text_add(&t, b, (size_t)snprintf(b, sizeof b, "|%llu|%lld.%ld|", (unsigned long long)j->input[i].size,
		    (long long)j->input[i].mtime.tv_sec, j->input[i].mtime.tv_nsec));
	}
	crypto_generichash_update(&st, (const unsigned char *)t.p, t.n);
	crypto_generichash_final(&st, sum, sizeof sum);
	sodium_bin2hex(j->digest, sizeof j->digest, sum, sizeof sum);
	text_free(&t);
}

static bool
save(struct job *j, size_t input, uint64_t at, size_t number, size_t lines)
{
	char b[300], temp[4104];
	if (j->out && j->out != stdout && (fflush(j->out) != 0 || fdatasync(fileno(j->out)) != 0)) {
		fprintf(stderr, "phi: %s: %s\n", j->out_part, strerror(errno));
		return false;
	}
	int n = snprintf(b, sizeof b, "phi-resume 1 %s input %zu at %llu number %zu line %zu out %llu bad %d findings %zu end\n", j->digest,
	    input, (unsigned long long)at, number, lines, (unsigned long long)(at || !j->tree ? j->out_at : 0), j->bad, j->findings);
	snprintf(temp, sizeof temp, "%s.new", j->o->resume);
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, b, (size_t)n) == n && fsync(fd) == 0;
	if (fd >= 0)
		ok &= close(fd) == 0;
	ok = ok && rename(temp, j->o->resume) == 0;
	if (!ok)
		fprintf(stderr, "phi: %s: %s\n", j->o->resume, strerror(errno));
	j->saved = clock_now();
	return ok;
}

/* 0 when there is nothing to go on from, 1 when there is, -1 when it is of another run. */
static int
load(struct job *j, uint64_t *keep)
{
	char digest_was[33] = "", end[4] = "", b[400] = "";
	size_t input, number, lines, findings;
	unsigned long long at, out;
	int bad;
	struct stat st;
	FILE *f = fopen(j->o->resume, "re");
	if (!f)
		return errno == ENOENT ? 0 : -1;
	size_t n = fread(b, 1, sizeof b - 1, f);
	fclose(f);
	b[n] = 0;
	if (sscanf(b, "phi-resume 1 %32s input %zu at %llu number %zu line %zu out %llu bad %d findings %zu %3s", digest_was, &input, &at,
	        &number, &lines, &out, &bad, &findings, end) != 9 || strcmp(end, "end") || strcmp(digest_was, j->digest) || input > j->inputs)
		return -1;
	/* The output it speaks of must be there, or all (in a folder: this file) begins anew. */
	bool there = true;
	if (!j->tree || at > 0) {
		char part[8300];
		const char *o = j->o->out;
		size_t k = strlen(o);
		if (j->tree)
			snprintf(part, sizeof part, "%s%s%s.part", o, k && o[k - 1] == '/' ? "" : "/", j->input[input].rel);
		else
			snprintf(part, sizeof part, "%s.part", o);
		there = stat(part, &st) == 0 && (uint64_t)st.st_size >= out;
	}
	if (!there && !j->tree)
		return 0;
	j->bad = bad;
	j->findings = findings;
	j->now = input;
	if (there)
		j->skip_to = at, j->skip_number = number, j->skip_line = lines, *keep = out;
	return 1;
}

/* Writes a finished slot; false ends the run. */
static bool
put(struct job *j, struct slot *s, uint64_t *keep)
{
	const char *name = input_name(&j->input[s->input]);
	if (!j->out && (!j->tree || !s->error) && !out_open(j, s->input, *keep))
		return false;
	*keep = 0;
	if (s->stream) {
		s->why = flow(j, s);
		s->last = true;
		close_input(j);
		if (stop)
			return false;
	}
	if (s->error)
		fprintf(stderr, "%sphi: %s: %s\n", j->tty ? "\r\033[K" : "", name, strerror(s->error));
	else if (s->why && (j->o->format == PLAIN || !s->in.n))
		fprintf(stderr, "%sphi: %s: %s\n", j->tty ? "\r\033[K" : "", name, s->why);
	else if (s->why)
		fprintf(stderr, "%sphi: %s:%zu: %s\n", j->tty ? "\r\033[K" : "", name, j->o->format == MBOX ? s->number : s->line, s->why);
	if (s->left_out)
		fprintf(stderr, "%sphi: %s:%zu: %u parts that are no text were not scanned\n", j->tty ? "\r\033[K" : "", name, s->number, s->left_out);
	j->bad |= s->error || s->why || s->left_out;
	j->broken |= j->redact && j->o->format == PLAIN && (s->error || s->why);
	j->findings += s->findings;
	if (s->out.n && fwrite(s->out.p, 1, s->out.n, j->out) != s->out.n) {
		fprintf(stderr, "phi: %s: %s\n", j->o->out ? j->out_part : "standard output", strerror(errno));
		return false;
	}
	j->out_at += s->out.n;
	if ((j->map && s->map.n && fwrite(s->map.p, 1, s->map.n, j->map) != s->map.n) ||
	    (j->sealed && s->sealed.n && !sealed_add(j->sealed, s->sealed.p, s->sealed.n))) {
		fprintf(stderr, "phi: %s: %s\n", j->map ? j->o->map : j->o->sealed, strerror(errno));
		return false;
	}
	/* A file that could not be read or scanned has no redacted form. */
	bool whole = j->o->format != PLAIN || !(s->why || s->error);
	if (s->last) {
		j->passed += j->input[s->input].size;
		if (j->tree && j->out && !out_close(j, whole))
			return false;
		if (j->tree && !whole && j->out_part[0])
			unlink(j->out_part);
	}
	if (j->o->resume && (clock_now() - j->saved > 0.5 || (s->last && j->tree)))
		return s->last ? save(j, s->input + 1, 0, 0, 0) : save(j, s->input, s->after, s->number, s->lines);
	progress(j, s->last ? 0 : s->after, false);
	return true;
}

static int
run(struct job *j, uint64_t keep)
{
	pthread_t thread[64];
	unsigned threads = 0;
	bool more = true, ok = true;
	j->slots = j->o->jobs > 1 ? j->o->jobs * 8u : 1;
	j->slot = calloc(j->slots, sizeof *j->slot);
	if (!j->slot || pthread_mutex_init(&j->lock, NULL) || pthread_cond_init(&j->ready, NULL) || pthread_cond_init(&j->done, NULL))
		return CANNOT_START;
	for (; j->o->jobs > 1 && threads < j->o->jobs; threads++)
		if (pthread_create(&thread[threads], NULL, worker, j) != 0)
			break;
	bool waiting = false;                /* a stream has to end before more is read */
	uint64_t queued = 0;
	while (ok && !stop && (more || j->head < j->tail)) {
		struct slot *s = &j->slot[j->tail % j->slots];
		if (more && !waiting && j->tail - j->head < j->slots && (queued < (uint64_t)4 * PHI_TEXT_MAX || j->tail == j->head)) {
			more = next_record(j, s);
			if (!more)
				continue;
			waiting = s->stream;
			queued += s->in.n;
			if (!threads) {
				work_on(j, s);
				s->state = DONE_;
				j->tail++;
			} else {
				pthread_mutex_lock(&j->lock);
				s->state = READY;
				j->tail++;
				pthread_cond_signal(&j->ready);
				pthread_mutex_unlock(&j->lock);
				/* Read on while the head is being worked on. */
				pthread_mutex_lock(&j->lock);
				bool head_done = j->slot[j->head % j->slots].state == DONE_;
				pthread_mutex_unlock(&j->lock);
				if (!head_done)
					continue;
			}
		}
		s = &j->slot[j->head % j->slots];
		if (threads) {
			pthread_mutex_lock(&j->lock);
			while (s->state != DONE_)
				pthread_cond_wait(&j->done, &j->lock);
			pthread_mutex_unlock(&j->lock);
		}
		if (stop)
			break;
		uint64_t size = s->in.n;
		ok = put(j, s, &keep);
		queued -= size < queued ? size : queued;
		if (s->stream)
			waiting = false;
		s->state = FREE;
		j->head++;
	}
	pthread_mutex_lock(&j->lock);
	j->quit = true;
	pthread_cond_broadcast(&j->ready);
	pthread_mutex_unlock(&j->lock);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	if (j->open)
		close_input(j);
	bool finished = ok && !stop;
	if (finished && !j->tree && !j->out)
		finished = out_open(j, 0, keep);     /* nothing to write is an output, too */
	ok = out_close(j, finished && !j->tree && !j->broken) && ok;
	if (j->broken && !j->tree && j->out_part[0])
		unlink(j->out_part);
	progress(j, 0, true);
	for (size_t i = 0; i < j->slots; i++)
		text_free(&j->slot[i].in), text_free(&j->slot[i].out), text_free(&j->slot[i].map), text_free(&j->slot[i].sealed);
	free(j->slot);
	if (stop) {
		fprintf(stderr, "phi: stopped%s\n", j->o->resume ? "; start it again to go on" : "");
		return INTERRUPTED;
	}
	if (!finished || !ok)
		return SOME_BAD;
	if (j->o->resume && unlink(j->o->resume) != 0 && errno != ENOENT)
		fprintf(stderr, "phi: %s: %s\n", j->o->resume, strerror(errno));
	return j->bad ? SOME_BAD : DONE;
}

int
command_run(struct phi *p, const struct options *o, bool redact)
{
	struct job j = { .phi = p, .o = o, .redact = redact };
	uint64_t keep = 0;
	struct stat st;
	int folders = 0, r = WRONG_USE;
	j.tty = isatty(STDERR_FILENO);
	j.show = o->progress || (j.tty && !isatty(STDOUT_FILENO));
	for (int i = 0; i < (o->files ? o->files : 1); i++) {
		const char *path = o->files ? o->file[i] : "-";
		if (strcmp(path, "-") && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			folders++;
			if (!add_folder(&j, path))
				j.bad = true;
		} else
			add_input(&j, path, NULL, false);
	}
	j.tree = redact && folders > 0;
	const char *wrong = NULL;
	if (j.tree && (!o->out || folders != 1 || o->files != 1))
		wrong = "redact of a folder needs -o FOLDER, and takes one folder";
	else if ((o->map || o->sealed) && (!redact || (o->format != PLAIN && o->format != JSONL)))
		wrong = "--map and --sealed-map go with redact, of plain text or --jsonl";
	else if ((o->map || o->sealed) && (o->resume || j.tree || (o->format == PLAIN && o->files > 1)))
		wrong = "--map and --sealed-map take one input and no --resume";
	else if (!o->sealed != !o->map_key)
		wrong = "--sealed-map and --map-key go together";
	else if (o->resume && !o->out)
		wrong = "--resume needs -o";
	for (size_t i = 0; i < j.inputs && o->resume && !wrong; i++)
		if (j.input[i].is_stdin)
			wrong = "--resume needs files: standard input cannot be read twice";
	if (wrong) {
		fprintf(stderr, "phi: %s\n", wrong);
		goto out;
	}
	digest(&j);
	if (o->resume) {
		int k = load(&j, &keep);
		if (k < 0) {
			fprintf(stderr, "phi: %s is of another run, or its inputs have changed; remove it to begin anew\n", o->resume);
			goto out;
		}
		for (size_t i = 0; i < j.now; i++)
			j.passed += j.input[i].size;
		j.began_at = j.passed + j.skip_to;
	}
	r = CANNOT_START;
	if (o->map) {
		snprintf(j.map_part, sizeof j.map_part, "%s.part", o->map);
		if (!(j.map = open_part(j.map_part, 0))) {
			fprintf(stderr, "phi: %s: %s\n", j.map_part, strerror(errno));
			goto out;
		}
	}
	if (o->sealed && !(j.sealed = sealed_new(o->sealed, o->map_key)))
		goto out;
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	j.began = j.said = j.saved = clock_now();
	r = run(&j, keep);
out:
	if (j.map) {
		bool ok = fflush(j.map) == 0 && fsync(fileno(j.map)) == 0;
		ok &= fclose(j.map) == 0;
		if (r <= SOME_BAD && ok ? rename(j.map_part, o->map) != 0 : unlink(j.map_part) != 0 || !ok) {
			fprintf(stderr, "phi: %s: %s\n", o->map, strerror(errno));
			r = r ? r : SOME_BAD;
		}
	}
	if (!sealed_end(&j.sealed, r <= SOME_BAD)) {
		fprintf(stderr, "phi: %s: %s\n", o->sealed, strerror(errno));
		r = r ? r : SOME_BAD;
	}
	for (size_t i = 0; i < j.inputs; i++)
		free(j.input[i].path);
	free(j.input);
	free(j.wanted);
	csv_done(&j.names);
	return r;
}
