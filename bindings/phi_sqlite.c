/* phi_sqlite.c - libphi as a loadable extension of SQLite:
 *
 *     .load ./phi_sqlite
 *     SELECT phi_redact(body) FROM mail;
 *     SELECT phi_redact(body, 'surrogate', ticket_id) FROM mail;   -- label, mask, last4, hash, surrogate; a key
 *     SELECT phi_scan(body) FROM mail;                              -- JSON: [{"kind","start","end","score","rule"}]
 *     SELECT m.id, f.kind, f.start, f.end FROM mail m, phi_findings(m.body) f;
 *
 * Offsets are bytes of the UTF-8 form. NULL gives NULL (or no row). A text that
 * cannot be scanned is an error of the statement, never passed through.
 */
#include <phi.h>

#include <sqlite3ext.h>
#include <string.h>
SQLITE_EXTENSION_INIT1

int sqlite3_phisqlite_init(sqlite3 *db, char **why, const sqlite3_api_routines *api);

struct grown { char *p; size_t n, cap; };

static int
add(void *arg, const char *p, size_t n)
{
	struct grown *g = arg;
	if (g->n + n + 1 > g->cap) {
		size_t cap = (g->n + n + 1) * 2;
		char *q = sqlite3_realloc64(g->p, cap);
		if (!q)
			return 1;
		g->p = q, g->cap = cap;
	}
	memcpy(g->p + g->n, p, n);
	g->n += n;
	return 0;
}

/* ---- phi_redact --------------------------------------------------------------------------------- */

static void
fail(sqlite3_context *c, enum phi_err e)
{
	if (e == PHI_NOMEM || e == PHI_STOPPED)
		sqlite3_result_error_nomem(c);
	else
		sqlite3_result_error(c, phi_err_text(e), -1);
}

static void
redact(sqlite3_context *c, int n, sqlite3_value **v)
{
	static const char *const styles[] = { "label", "mask", "last4", "hash", "surrogate" };
	struct phi_redact_opts o = { .size = sizeof o };
	struct grown g = { 0 };
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	if (n > 1) {
		const char *z = (const char *)sqlite3_value_text(v[1]);
		int k = -1;
		for (int i = 0; z && i < 5; i++)
			k = strcmp(z, styles[i]) ? k : i;
		if (k < 0) {
			sqlite3_result_error(c, "phi_redact: label, mask, last4, hash or surrogate", -1);
			return;
		}
		o.style = (enum phi_style)k;
	}
	if (n > 2)
		o.key = (uint64_t)sqlite3_value_int64(v[2]);
	const char *text = (const char *)sqlite3_value_text(v[0]);
	enum phi_err e = !text ? PHI_NOMEM : phi_redact(sqlite3_user_data(c), &o, text, (size_t)sqlite3_value_bytes(v[0]), add, &g);
	if (e == PHI_OK)
		sqlite3_result_text64(c, g.p ? g.p : "", g.n, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		fail(c, e);
	sqlite3_free(g.p);
}

/* ---- phi_scan ------------------------------------------------------------------------------------- */

struct json { struct grown g; const struct phi *phi; };

static int
note(void *arg, const struct phi_finding *f)
{
	struct json *j = arg;
	char b[300];
	sqlite3_snprintf(sizeof b, b, "%s{\"kind\":\"%s\",\"start\":%lld,\"end\":%lld,\"score\":%d,\"rule\":\"%s\"}", j->g.n > 1 ? "," : "",
	    phi_kind_name(f->kind), (sqlite3_int64)f->at, (sqlite3_int64)(f->at + f->len), f->score, phi_rule_name(j->phi, f->rule));
	return add(&j->g, b, strlen(b));
}

static void
scan(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct json j = { .phi = sqlite3_user_data(c) };
	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	const char *text = (const char *)sqlite3_value_text(v[0]);
	enum phi_err e = !text || add(&j.g, "[", 1) ? PHI_NOMEM : phi_scan(j.phi, text, (size_t)sqlite3_value_bytes(v[0]), note, &j);
	if (e == PHI_OK && add(&j.g, "]", 1))
		e = PHI_NOMEM;
	if (e == PHI_OK)
		sqlite3_result_text64(c, j.g.p, j.g.n, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		fail(c, e);
	sqlite3_free(j.g.p);
}

/* ---- phi_findings(text): a row for each ---------------------------------------------------------------- */

enum { KIND, START, END, SCORE, RULE, VALUE, TEXT };

struct table { sqlite3_vtab base; const struct phi *phi; };
struct cursor { sqlite3_vtab_cursor base; struct phi_finding *f; sqlite3_int64 n, cap, at; char *text; };

static int
t_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
	(void)argc, (void)argv, (void)why;
	int r = sqlite3_declare_vtab(db, "CREATE TABLE x(kind TEXT, start INT, end INT, score INT, rule TEXT, value TEXT, text HIDDEN)");
	struct table *t = r == SQLITE_OK ? sqlite3_malloc64(sizeof *t) : NULL;
	if (r != SQLITE_OK || !t)
		return r != SQLITE_OK ? r : SQLITE_NOMEM;
	memset(t, 0, sizeof *t);
	t->phi = aux;
	*out = &t->base;
	return SQLITE_OK;
}

static int t_disconnect(sqlite3_vtab *t) { sqlite3_free(t); return SQLITE_OK; }

static int
t_best(sqlite3_vtab *t, sqlite3_index_info *i)
{
	(void)t;
	i->estimatedCost = 1e9;
	for (int k = 0; k < i->nConstraint; k++)
		if (i->aConstraint[k].iColumn == TEXT && i->aConstraint[k].op == SQLITE_INDEX_CONSTRAINT_EQ) {
			if (!i->aConstraint[k].usable)
				return SQLITE_CONSTRAINT;
			i->aConstraintUsage[k].argvIndex = 1;
			i->aConstraintUsage[k].omit = 1;
			i->idxNum = 1;
			i->estimatedCost = 100;
			i->estimatedRows = 10;
			return SQLITE_OK;
		}
	return SQLITE_OK;
}

static int
t_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc64(sizeof *c);
	(void)t;
	if (!c)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof *c);
	*out = &c->base;
	return SQLITE_OK;
}

static int
t_close(sqlite3_vtab_cursor *b)
{
	struct cursor *c = (struct cursor *)b;
	sqlite3_free(c->f);
	sqlite3_free(c->text);
	sqlite3_free(c);
	return SQLITE_OK;
}

static int
keep(void *arg, const struct phi_finding *f)
{
	struct cursor *c = arg;
	if (c->n == c->cap) {
		sqlite3_int64 cap = c->cap * 2 + 16;
		struct phi_finding *q = sqlite3_realloc64(c->f, (sqlite3_uint64)cap * sizeof *q);
		if (!q)
			return 1;
		c->f = q, c->cap = cap;
	}
	c->f[c->n++] = *f;
	return 0;
}

static int
t_filter(sqlite3_vtab_cursor *b, int number, const char *s, int argc, sqlite3_value **v)
{
	struct cursor *c = (struct cursor *)b;
	struct table *t = (struct table *)b->pVtab;
	(void)s, (void)argc;
	c->n = c->at = 0;
	sqlite3_free(c->text);
	c->text = NULL;
	if (number == 0 || sqlite3_value_type(v[0]) == SQLITE_NULL)
		return SQLITE_OK;
	const char *text = (const char *)sqlite3_value_text(v[0]);
	size_t n = (size_t)sqlite3_value_bytes(v[0]);
	if (!text || !(c->text = sqlite3_malloc64(n + 1)))
		return SQLITE_NOMEM;
	memcpy(c->text, text, n);
	enum phi_err e = phi_scan(t->phi, c->text, n, keep, c);
	if (e == PHI_OK)
		return SQLITE_OK;
	c->n = 0;
	if (e == PHI_STOPPED || e == PHI_NOMEM)
		return SQLITE_NOMEM;
	sqlite3_free(b->pVtab->zErrMsg);
	b->pVtab->zErrMsg = sqlite3_mprintf("%s", phi_err_text(e));
	return SQLITE_ERROR;
}

static int t_next(sqlite3_vtab_cursor *b) { ((struct cursor *)b)->at++; return SQLITE_OK; }
static int t_eof(sqlite3_vtab_cursor *b) { struct cursor *c = (struct cursor *)b; return c->at >= c->n; }
static int t_rowid(sqlite3_vtab_cursor *b, sqlite3_int64 *id) { *id = ((struct cursor *)b)->at; return SQLITE_OK; }

static int
t_column(sqlite3_vtab_cursor *b, sqlite3_context *x, int column)
{
	const struct cursor *c = (struct cursor *)b;
	const struct phi_finding *f = &c->f[c->at];
	switch (column) {
	case KIND: sqlite3_result_text(x, phi_kind_name(f->kind), -1, SQLITE_STATIC); break;
	case START: sqlite3_result_int64(x, (sqlite3_int64)f->at); break;
	case END: sqlite3_result_int64(x, (sqlite3_int64)(f->at + f->len)); break;
	case SCORE: sqlite3_result_int(x, f->score); break;
	case RULE: sqlite3_result_text(x, phi_rule_name(((struct table *)b->pVtab)->phi, f->rule), -1, SQLITE_TRANSIENT); break;
	case VALUE: sqlite3_result_text64(x, c->text + f->at, f->len, SQLITE_TRANSIENT, SQLITE_UTF8); break;
	default: break;
	}
	return SQLITE_OK;
}

static const sqlite3_module findings = { .xConnect = t_connect, .xBestIndex = t_best, .xDisconnect = t_disconnect, .xOpen = t_open,
	.xClose = t_close, .xFilter = t_filter, .xNext = t_next, .xEof = t_eof, .xColumn = t_column, .xRowid = t_rowid };

static void release(void *p) { phi_close(p); }

int
sqlite3_phisqlite_init(sqlite3 *db, char **why, const sqlite3_api_routines *api)
{
	char words[300] = "";
	struct phi *p = NULL;
	int r = SQLITE_OK, flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	SQLITE_EXTENSION_INIT2(api);
	if (phi_open(NULL, &p, words, sizeof words) != PHI_OK) {
		*why = sqlite3_mprintf("%s", words);
		return SQLITE_ERROR;
	}
	/* The module owns the engine: it goes last. */
	r = sqlite3_create_module_v2(db, "phi_findings", &findings, p, release);
	for (int n = 1; r == SQLITE_OK && n <= 3; n++)
		r = sqlite3_create_function_v2(db, "phi_redact", n, flags, p, redact, NULL, NULL, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_create_function_v2(db, "phi_scan", 1, flags, p, scan, NULL, NULL, NULL);
	return r;
}
