/* run.c - statements: arguments in, rows out, what is sealed sealed on the way.
 *
 * In a transaction a statement runs on the writer's connection, else on the
 * reading one that the context holds, with a snapshot of its own.
 */
#include <time.h>

#include "store/inside.h"

enum { READER_WAIT_S = 10 };

/* A mistake of ours, not of who asks. (That it never is OK, the analyser has to see.) */
static enum err
wrong(struct ctx *cx, const struct stmt *st, const char *why)
{
	enum err e = fail(cx, E_FAULT, st->name, why);

	return e != OK ? e : E_FAULT;
}

/* ---- reading connections --------------------------------------------------------------------------- */

static enum err
reader_take(struct ctx *cx, struct store *s)
{
	struct timespec until;
	struct reader *r;

	pthread_mutex_lock(&s->pool_mutex);
	if (s->pool == NULL) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += READER_WAIT_S;
		while (s->pool == NULL && pthread_cond_timedwait(&s->pool_free, &s->pool_mutex, &until) == 0)
			;
	}
	if ((r = s->pool) != NULL)
		s->pool = r->next;
	pthread_mutex_unlock(&s->pool_mutex);
	if (r == NULL)
		return fail(cx, E_BUSY, NULL, "no reading connection became free");
	cx->reader = r;
	return OK;
}

void
reader_release(struct ctx *cx)
{
	struct reader *r = cx->reader;
	struct store *s;

	if (r == NULL)
		return;
	s = r->s;
	cx->reader = NULL;
	pthread_mutex_lock(&s->pool_mutex);
	r->next = s->pool;
	s->pool = r;
	pthread_mutex_unlock(&s->pool_mutex);
	pthread_cond_signal(&s->pool_free);
}

/* ---- values ---------------------------------------------------------------------------------------- */

enum err
need_codec(struct ctx *cx, const char *name)
{
	return cx->sys->codec != NULL ? OK : fail(cx, E_FAULT, name, "nothing is wired to seal with");
}

static enum err
seal_arg(struct ctx *cx, const struct stmt *st, int k, const struct arg *a, int i, int n, struct arg *in)
{
	const struct sealed_col *col;
	str sealed = {0};

	TRY(need_codec(cx, st->name));
	if (k >= (int)COUNT(st->seal_in) || (col = &st->seal_in[k])->table == NULL || col->column == NULL ||
	    col->row < 0 || col->row >= n || a[col->row].kind != ARG_INT)
		return wrong(cx, st, "the statement does not say what a value is sealed to");
	TRY(cx->sys->codec->seal(cx, a[i].i, col->table, col->column, a[col->row].i, a[i].s, &sealed));
	*in = BYTES(sealed);
	return OK;
}

static enum err
blind_arg(struct ctx *cx, const struct stmt *st, int k, const struct arg *a, struct arg *in)
{
	unsigned char *hash = NEW(cx->arena, unsigned char, 16);

	TRY(need_codec(cx, st->name));
	if (k >= (int)COUNT(st->blind) || st->blind[k] == NULL)
		return wrong(cx, st, "the statement does not name a blind index");
	TRY(cx->sys->codec->blind(cx, st->blind[k], a->s, hash));
	*in = BYTES(((str){ (char *)hash, 16 }));
	return OK;
}

/* Checks the arguments against the kinds of `st` and turns them into plain values. */
static enum err
plain_args(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct arg *in)
{
	const char *k = st->in;
	int sealed = 0, blind = 0;

	for (int i = 0; i < n; i++, k++) {
		char kind = *k;
		bool may_be_null = k[1] == '?';
		enum arg_kind want = kind == 'i' ? ARG_INT : kind == 't' ? ARG_TEXT : kind == 'b' ? ARG_BYTES
		    : kind == 'S' ? ARG_SEALED : kind == 'X' ? ARG_BLIND : ARG_NULL;

		k += may_be_null;
		if (a[i].kind == ARG_NULL ? !may_be_null : a[i].kind != want)
			return wrong(cx, st, "an argument is not of the kind the statement declares");
		if (a[i].kind == ARG_SEALED)
			TRY(seal_arg(cx, st, sealed, a, i, n, &in[i]));
		else if (a[i].kind == ARG_BLIND)
			TRY(blind_arg(cx, st, blind, &a[i], &in[i]));
		else
			in[i] = a[i];
		sealed += kind == 'S';
		blind += kind == 'X';
	}
	return OK;
}

static enum err
open_cell(struct ctx *cx, const struct stmt *st, int k, str sealed, int n, struct cell *cells, struct cell *out)
{
	const struct sealed_col *col;
	bool failed = cx->fail.code != OK;
	enum err e;

	TRY(need_codec(cx, st->name));
	if (k >= (int)COUNT(st->seal_out) || (col = &st->seal_out[k])->table == NULL || col->column == NULL ||
	    col->row < 0 || col->row >= n || cells[col->row].null)
		return wrong(cx, st, "the statement does not say what a value is sealed to");
	e = cx->sys->codec->open(cx, col->table, col->column, cells[col->row].i, sealed, &out->s);
	if (e != E_ABSENT)
		return e;
	if (!failed) {                  /* being erased is an answer, not a failure */
		cx->fail.code = OK;
		cx->fail.field = cx->fail.why = NULL;
	}
	out->erased = true;
	out->s = (str){0};
	return OK;
}

/* Fills `cells` from the cursor's row. Texts and bytes are copied when `copy`;
 * what is opened is made in cx->arena either way. Sealed cells come second:
 * the id that they are bound to may stand behind them. */
static enum err
read_row(struct ctx *cx, const struct driver *drv, struct prepared *cur, bool copy, struct cell *cells)
{
	const struct stmt *st = cur->st;
	str sealed[COUNT(st->seal_out)];
	int at[COUNT(st->seal_out)], count = 0, sealed_at = 0;
	const char *k = st->out;

	for (int i = 0; i < cur->out; i++, k++) {
		char kind = *k;
		bool may_be_null = k[1] == '?', fits;
		struct arg v = NIL;

		k += may_be_null;
		fits = drv->column(cur, i, &v) && (v.kind == ARG_NULL ? may_be_null
		    : kind == 'i' ? v.kind == ARG_INT : kind == 't' ? v.kind == ARG_TEXT : v.kind == ARG_BYTES);
		if (!fits)
			return wrong(cx, st, "a column is not of the kind the statement declares");
		cells[i] = (struct cell){ .null = v.kind == ARG_NULL, .i = v.i };
		if (kind == 'S') {
			if (sealed_at == (int)COUNT(sealed))
				return wrong(cx, st, "the statement has too many sealed columns");
			if (v.kind == ARG_BYTES) {
				sealed[count] = v.s;
				at[count++] = i | sealed_at << 8;
			}
			sealed_at++;
		} else if (v.kind == ARG_TEXT || v.kind == ARG_BYTES)
			cells[i].s = copy ? str_dup(cx->arena, v.s) : v.s;
	}
	for (int i = 0; i < count; i++)
		TRY(open_cell(cx, st, at[i] >> 8, sealed[i], cur->out, cells, &cells[at[i] & 0xff]));
	return OK;
}

/* ---- running statements ---------------------------------------------------------------------------- */

/* Begins what must be begun before `p` runs in this item. */
static enum err
tx_ready(struct ctx *cx, struct tx *tx, const struct prepared *p)
{
	struct store *s = tx->s;
	enum db db = p->st->db;
	unsigned bit = 1u << db;

	if ((s->begun & bit) == 0) {
		TRY(s->drv->begin(cx, s->writer, db));
		s->begun |= bit;
	}
	if (p->writes && (tx->wrote & bit) == 0) {
		if ((s->dirty & bit) != 0) {
			TRY(s->drv->save(cx, s->writer, db));
			tx->saved |= bit;
		}
		tx->wrote |= bit;
	}
	return OK;
}

struct call {
	struct store    *s;
	struct reader   *r;       /* NULL: on the writer's connection */
	struct prepared *cur;
};

static enum err
call_start(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct call *out)
{
	struct arg in[STORE_ARGS_MAX];
	struct call c = { .s = cx->tx != NULL ? cx->tx->s : cx->sys->store };
	struct prepared *p;

	if (c.s == NULL)
		return wrong(cx, st, "no store is open");
	if (cx->tx == NULL) {
		if (cx->reader == NULL)
			TRY(reader_take(cx, c.s));
		c.r = cx->reader;
		c.s->drv->heed(c.r->c, cx->stop);
	}
	TRY(c.s->drv->prepare(cx, c.r != NULL ? c.r->c : c.s->writer, st, &p));
	if (n != p->in)
		return wrong(cx, st, "there are more or fewer arguments than the statement declares");
	if (p->writes && cx->tx == NULL)
		return wrong(cx, st, "a statement that writes ran outside a transaction");
	TRY(plain_args(cx, st, a, n, in));
	if (cx->tx != NULL)
		TRY(tx_ready(cx, cx->tx, p));
	TRY(c.s->drv->start(cx, p, in, &c.cur));
	if (c.r != NULL)
		c.r->running++;
	*out = c;
	return OK;
}

static int64_t
call_end(struct call *c)
{
	if (c->r != NULL)
		c->r->running--;
	return c->s->drv->finish(c->cur);
}

static enum err
one(struct ctx *cx, struct call *c, struct row *out)
{
	struct row r = { .n = c->cur->out };
	bool more;

	TRY(c->s->drv->next(cx, c->cur, &more));
	if (!more)
		return fail(cx, E_ABSENT, c->cur->st->name, "is not there");
	r.cell = NEW(cx->arena, struct cell, (size_t)r.n);
	TRY(read_row(cx, c->s->drv, c->cur, true, r.cell));
	TRY(c->s->drv->next(cx, c->cur, &more));
	if (more)
		return wrong(cx, c->cur->st, "there is a second row where one was expected");
	*out = r;
	return OK;
}

enum err
store_one(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct row *out)
{
	struct call c;
	enum err e;

	TRY(call_start(cx, st, a, n, &c));
	e = one(cx, &c, out);
	call_end(&c);
	return e;
}

static enum err
all(struct ctx *cx, struct call *c, struct rows *out)
{
	struct rows rows = {0};
	int cap = 0;
	bool more;

	for (;;) {
		TRY(c->s->drv->next(cx, c->cur, &more));
		if (!more)
			break;
		if (rows.count == cap) {
			struct row *old = rows.row;
			cap = cap == 0 ? 16 : cap * 2;
			rows.row = NEW(cx->arena, struct row, (size_t)cap);
			if (old != NULL)
				memcpy(rows.row, old, sizeof(*old) * (size_t)rows.count);
		}
		struct row *r = &rows.row[rows.count++];
		r->n = c->cur->out;
		r->cell = NEW(cx->arena, struct cell, (size_t)r->n);
		TRY(read_row(cx, c->s->drv, c->cur, true, r->cell));
	}
	*out = rows;
	return OK;
}

/* The keys of all the rows are read under one lock of the keyring. */
enum err
store_all(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct rows *out)
{
	struct call c;
	bool hold;
	enum err e;

	TRY(call_start(cx, st, a, n, &c));
	hold = c.r != NULL && c.r->running == 1 && st->seal_out[0].table != NULL;
	if (hold)
		c.s->drv->hold_keys(c.r->c, true);
	e = all(cx, &c, out);
	if (hold)
		c.s->drv->hold_keys(c.r->c, false);
	call_end(&c);
	return e;
}

/* What is opened for a row goes into an arena that is wiped after it; what fn
 * makes goes into the context's own. */
static enum err
each(struct ctx *cx, struct call *c, struct arena *scratch, row_fn *fn, void *arg)
{
	struct cell cells[STORE_ARGS_MAX];
	struct row r = { .n = c->cur->out, .cell = cells };
	struct arena *own = cx->arena;
	bool more;

	for (;;) {
		enum err e;
		TRY(c->s->drv->next(cx, c->cur, &more));
		if (!more)
			return OK;
		if (scratch != NULL)
			cx->arena = scratch;
		e = read_row(cx, c->s->drv, c->cur, false, cells);
		cx->arena = own;
		TRY(e);
		TRY(fn(cx, &r, arg));
		if (scratch != NULL)
			arena_reset(scratch);
	}
}

enum err
store_each(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, row_fn *fn, void *arg)
{
	CLEANUP(arena_free) struct arena *scratch = NULL;
	struct call c;
	enum err e;

	TRY(call_start(cx, st, a, n, &c));
	if (st->out != NULL && strchr(st->out, 'S') != NULL)
		scratch = arena_new();
	e = each(cx, &c, scratch, fn, arg);
	call_end(&c);
	return e;
}

enum err
store_exec(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, int64_t *changed)
{
	struct call c;
	bool more = true;
	enum err e = OK;
	int64_t count;

	if (cx->tx == NULL)
		return wrong(cx, st, "a statement that writes ran outside a transaction");
	TRY(call_start(cx, st, a, n, &c));
	while (e == OK && more)
		e = c.s->drv->next(cx, c.cur, &more);
	count = call_end(&c);
	if (e == OK && changed != NULL)
		*changed = count;
	return e;
}
