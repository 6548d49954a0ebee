/* export.c - all events and checkpoints into a file.
 *
 * Events are read in pages, so that no statement holds a snapshot for the
 * length of an export, and go through a buffer. What is exported ends at the
 * head as it is when the export begins, its own event included. The chain is
 * not checked here: the export of an altered trail does not verify.
 */
#include "trail/part.h"

enum { BUFFER = 1 << 20 };

/* A note stands with the event of its checkpoint. */
const struct stmt trail_page = {
	.name = "trail.page",
	.sql  = "SELECT t.seq, t.at, t.kind, t.actor_id, t.action, t.object, t.object_id, t.parent, t.canonical, t.hash, t.vals,"
	        " t.vals_key, t.resealed, c.seq, c.note FROM trail t LEFT JOIN trail_checkpoint c"
	        " ON c.account_id = t.account_id AND c.number = t.object_id AND t.action = 'trail.checkpoint'"
	        " WHERE t.account_id = $1 AND t.lane = $2 AND t.seq >= $3 AND t.seq <= $4 ORDER BY t.seq LIMIT $5",
	.in = "iiiii", .out = "iiiitti?itbb?i?i?i?t?",
};

struct writing {
	struct trail *t;
	int          fd;
	enum trail_format format;
	bool         values;
	struct buf   out;           /* in an arena of its own */
	struct arena *arena;
	struct arena *scratch;      /* what one line needs */
	hash32       file;
	int64_t      next;          /* the event that comes */
};

static enum err
flush(struct ctx *cx, struct writing *w)
{
	if (w->out.n > 0 && !fd_write_all(w->fd, w->out.p, w->out.n))
		return fail(cx, E_FAULT, "export", "the export cannot be written");
	w->out.n = 0;
	return OK;
}

/* Puts the line that is in `line` out. */
static enum err
put_line(struct ctx *cx, struct writing *w, const struct buf *line)
{
	if (line->over)
		return fail(cx, E_LIMIT, "export", "an event is too large");
	export_hash(&w->t->crypto, w->file, buf_str(line));
	if (w->out.n + line->n > BUFFER)
		TRY(flush(cx, w));
	if (line->n > BUFFER)
		return fd_write_all(w->fd, line->p, line->n) ? OK : fail(cx, E_FAULT, "export", "the export cannot be written");
	buf_add(&w->out, buf_str(line));
	return OK;
}

static void
line_begin(struct writing *w, struct buf *line)
{
	buf_init(line, w->scratch, LINE_MAX_BYTES);
}

static enum err
open_values(struct ctx *cx, struct writing *w, const struct row *r, struct out_event *e)
{
	enum err err;

	e->state = VALS_NONE;
	if (!w->values || !e->canon.has_vals)
		return OK;
	e->state = VALS_ERASED;
	if (row_null(r, 10))
		return OK;
	err = store_open_sealed(cx, "trail", "vals", row_int(r, 0), row_str(r, 10), &e->vals);
	if (err == E_ABSENT)
		fail_forget(cx);
	if (err == OK)
		e->state = VALS_OPEN;
	return err == OK || err == E_ABSENT ? OK : fail(cx, err, "export", "the values of an event cannot be opened");
}

static enum err
put_row(struct ctx *cx, struct writing *w, const struct row *r)
{
	struct out_event e = { .canonical = row_str(r, 8), .hash = row_str(r, 9) };
	struct buf line;

	if (!canon_read(e.canonical, &e.canon) || e.hash.n != HASH_BYTES)
		return fail(cx, E_FAULT, "export", "an event cannot be read");
	TRY(open_values(cx, w, r, &e));
	if (!row_null(r, 14)) {
		line_begin(w, &line);
		export_checkpoint(&line, w->format, row_str(r, 14));
		TRY(put_line(cx, w, &line));
	}
	line_begin(w, &line);
	export_event(&line, &w->t->crypto, w->format, &e);
	TRY(put_line(cx, w, &line));
	w->next = row_int(r, 0) + 1;
	return OK;
}

static enum err
put_event(struct ctx *cx, const struct row *r, void *arg)
{
	struct writing *w = arg;
	struct arena *own = cx->arena;
	enum err e;

	cx->arena = w->scratch;
	e = put_row(cx, w, r);
	cx->arena = own;
	arena_reset(w->scratch);
	return e;
}

static enum err
put_end(struct ctx *cx, struct writing *w, const struct head_row *h)
{
	struct note n = { .closing = true, .origin = h->origin, .number = h->seq, .at = time_now(), .seq = h->seq };
	struct buf line;

	memcpy(n.hash, h->hash.p, HASH_BYTES);
	memcpy(n.file, w->file, HASH_BYTES);
	line_begin(w, &line);
	export_end(&line, w->format, &(struct out_end){ h->seq, h->hash, note_sign(cx, &w->t->crypto, &n) });
	TRY(put_line(cx, w, &line));
	return flush(cx, w);
}

static enum err
put_all(struct ctx *cx, struct writing *w, const struct head_row *h)
{
	struct out_header top = { .account = w->t->account, .origin = h->origin, .values = w->values };
	struct buf line;

	w->t->crypto.public_key(cx->sys, top.public_key);
	line_begin(w, &line);
	if (w->format == TRAIL_CSV) {
		buf_add(&line, export_top(TRAIL_CSV));
		TRY(put_line(cx, w, &line));
		line_begin(w, &line);
	}
	export_header(&line, &w->t->crypto, w->format, &top);
	TRY(put_line(cx, w, &line));
	w->next = 1;
	while (w->next <= h->seq) {
		int64_t from = w->next;
		TRY(store_each(cx, &trail_page, ARGS(INT(w->t->account), INT(LANE), INT(from), INT(h->seq), INT(PAGE)),
		    put_event, w));
		if (w->next == from)
			return fail(cx, E_FAULT, "export", "events are missing");
	}
	return put_end(cx, w, h);
}

static enum err
note_export(struct ctx *cx, void *arg)
{
	const struct writing *w = arg;
	struct trail_field f[] = {
		{ .name = "format", .after = HIDE(w->format == TRAIL_CSV ? S("csv") : S("jsonl")), .has_after = true },
		{ .name = "values", .after = HIDE(w->values ? S("true") : S("false")), .has_after = true },
	};

	return trail_append(cx, &(struct event){ .action = "trail.export", .object = "trail", .field = f, .count = COUNT(f) });
}

enum err
trail_export(struct ctx *cx, int fd, enum trail_format format, bool values, int64_t *events)
{
	struct writing w = { .fd = fd, .format = format, .values = values };
	struct head_row h;
	enum err e;

	TRY(trail_of(cx, &w.t));
	if (cx->tx != NULL)
		return fail(cx, E_FAULT, "trail", "an export was asked for inside a transaction");
	TRY(store_write(cx, note_export, &w));
	TRY(store_write(cx, checkpoint_in, w.t));
	TRY(trail_head_read(cx, w.t, false, &h));
	if (!h.good)
		return fail(cx, E_FAULT, "trail", "the trail's head does not match");
	w.arena = arena_new();
	w.scratch = arena_new();
	buf_init(&w.out, w.arena, BUFFER);
	e = put_all(cx, &w, &h);
	arena_free(&w.scratch);
	arena_free(&w.arena);
	TRY(e);
	*events = h.seq;
	return OK;
}
