/* read.c - lists of events, by filter and page.
 *
 * Times become places in the chain first: `at` never goes back along it and
 * seq has no gap, so bisection finds the first event of a moment. Then the
 * most selective term of the filter is looked up in the posting blocks
 * (index.c) and the events behind the last block are scanned; the rest of the
 * filter is applied to each event that comes out. A filter with no term reads
 * along the chain.
 */
#include "trail/part.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MOST = 10000 };

#define EVENTS \
	"SELECT seq, at, kind, actor_id, action, object, object_id, parent, canonical, hash, vals FROM trail" \
	" WHERE account_id = $1 AND lane = $2 AND seq >= $3 AND seq <= $4 AND ($5 = 0 OR kind = $5)" \
	" AND ($6 = 0 OR actor_id = $6) AND ($7 = '' OR action = $7) AND ($8 = '' OR object = $8)" \
	" AND ($9 = 0 OR object_id = $9 OR object_id IS NULL)"
const struct stmt trail_newest = {
	.name = "trail.newest",
	.sql  = EVENTS " ORDER BY seq DESC",
	.in = "iiiiiitti", .out = "iiiitti?itbb?",
};
const struct stmt trail_oldest = {
	.name = "trail.oldest",
	.sql  = EVENTS " ORDER BY seq",
	.in = "iiiiiitti", .out = "iiiitti?itbb?",
};
const struct stmt trail_at = {
	.name = "trail.at",
	.sql  = "SELECT at FROM trail WHERE account_id = $1 AND lane = $2 AND seq = $3",
	.in = "iii", .out = "i",
};
/* The engine reads each level in its order and merges them as it goes. A block
 * is in one level at a time, and a statement sees one moment. */
#define BLOCKS(level, bucket) \
	"SELECT first_seq, last_seq, postings FROM trail_block WHERE account_id = $1 AND lane = $2 AND term = $3" \
	" AND level = " level " AND bucket = " bucket " AND last_seq >= $4 AND last_seq <= $5 AND first_seq <= $6"
#define ALL_BLOCKS BLOCKS("0", "0") " UNION ALL " BLOCKS("1", "$7") " UNION ALL " BLOCKS("2", "$8") " ORDER BY last_seq"
const struct stmt trail_blocks_newest = {
	.name = "trail.blocks_newest",
	.sql  = ALL_BLOCKS " DESC",
	.in = "iitiiiii", .out = "iib",
};
const struct stmt trail_blocks_oldest = {
	.name = "trail.blocks_oldest",
	.sql  = ALL_BLOCKS,
	.in = "iitiiiii", .out = "iib",
};

/* ---- one event ------------------------------------------------------------------------------------- */

static void
fill_ids(struct ctx *cx, const struct canon *c, struct trail_event *e)
{
	str ids = c->ids;
	int64_t id;

	e->ids = NEW(cx->arena, int64_t, c->ids.n / 2 + 1);
	if (c->ids.n == 0 && c->id != 0)
		e->ids[e->id_count++] = c->id;
	while (canon_id(&ids, &id))
		e->ids[e->id_count++] = id;
}

static void
fill_fields(struct ctx *cx, const struct canon *c, bool erased, str vals, struct trail_event *e)
{
	str fields = c->fields;
	struct canon_field f;
	struct val v = {0};
	int most = 0;

	while (canon_field(&fields, &f))
		most++;
	e->field = arena_alloc(cx->arena, sizeof(*e->field), (size_t)most + 1, alignof(max_align_t));
	for (fields = c->fields; canon_field(&fields, &f); ) {
		str name = text_of(cx->arena, f.name);
		if (!erased && !val_next(&vals, &v))
			erased = true;
		if (erased)
			v = (struct val){0};
		if (str_eq(name, S("@address"))) {
			e->address = HIDE(v.after);
		} else if (str_eq(name, S("@client"))) {
			e->client = HIDE(v.after);
		} else {
			e->field[e->field_count].name = name;
			e->field[e->field_count].cause = text_of(cx->arena, f.cause);
			e->field[e->field_count].before = HIDE(v.before);
			e->field[e->field_count].after = HIDE(v.after);
			e->field[e->field_count].has_before = v.has_before;
			e->field[e->field_count].has_after = v.has_after;
			e->field[e->field_count++].erased = erased;
		}
	}
}

static enum err
event_of(struct ctx *cx, const struct row *r, struct trail_event *out)
{
	str canonical = str_dup(cx->arena, row_str(r, 8)), vals = {0};
	struct trail_event e = { .seq = row_int(r, 0), .at = row_int(r, 1), .kind = (enum trail_kind)row_int(r, 2),
	    .actor_id = row_int(r, 3), .object_id = row_int(r, 6), .parent = row_int(r, 7), .canonical = canonical,
	    .action = str_dup(cx->arena, row_str(r, 4)), .object = str_dup(cx->arena, row_str(r, 5)),
	    .hash = str_dup(cx->arena, row_str(r, 9)) };
	enum err opened = row_null(r, 10) ? E_ABSENT
	    : store_open_sealed(cx, "trail", "vals", e.seq, row_str(r, 10), &vals);
	struct canon c;

	if (opened == E_ABSENT)
		fail_forget(cx);        /* being erased is an answer */
	else if (opened != OK)
		return opened;
	if (!canon_read(canonical, &c))
		return fail(cx, E_FAULT, "trail", "an event cannot be read");
	e.role = text_of(cx->arena, c.role);
	e.how = text_of(cx->arena, c.how);
	e.shown = text_of(cx->arena, c.shown);
	fill_fields(cx, &c, opened == E_ABSENT, vals, &e);
	fill_ids(cx, &c, &e);
	*out = e;
	return OK;
}

/* ---- listing --------------------------------------------------------------------------------------- */

struct list {
	const struct trail        *t;
	const struct trail_filter *f;
	int64_t lo, hi;             /* the events asked for */
	struct trail_event *out;
	int     count, limit;
	str     term;               /* of the index; empty: none */
	int64_t id;
};

/* No failure, so nothing is said by fail(): ends a store_each(). */
enum { ENOUGH = E_LIMIT };

static enum err
take(struct ctx *cx, const struct row *r, void *arg)
{
	struct list *l = arg;
	bool meant = l->f->object_id == 0 || !row_null(r, 6);

	if (!meant) {
		struct canon c;
		int64_t id;
		if (!canon_read(row_str(r, 8), &c))
			return fail(cx, E_FAULT, "trail", "an event cannot be read");
		while (!meant && canon_id(&c.ids, &id))
			meant = id == l->f->object_id;
		if (!meant)
			return OK;
	}
	TRY(event_of(cx, r, &l->out[l->count]));
	return ++l->count == l->limit ? (enum err)ENOUGH : OK;
}

static bool
is_full(const struct list *l)
{
	return l->count == l->limit;
}

static enum err
scan(struct ctx *cx, struct list *l, int64_t lo, int64_t hi)
{
	const struct trail_filter *f = l->f;
	enum err e;

	if (lo > hi || is_full(l))
		return OK;
	e = store_each(cx, f->oldest_first ? &trail_oldest : &trail_newest, ARGS(INT(l->t->account), INT(LANE), INT(lo),
	    INT(hi), INT(f->kind), INT(f->actor_id), TEXT(f->action), TEXT(f->object), INT(f->object_id)), take, l);
	return is_full(l) ? OK : e;
}

static enum err
in_block(struct ctx *cx, const struct row *r, void *arg)
{
	struct list *l = arg;
	int64_t *seq;
	size_t n;

	if (!postings_find(cx->arena, row_str(r, 2), row_int(r, 0), row_int(r, 1), l->id, &seq, &n))
		return fail(cx, E_FAULT, "trail", "an index block cannot be read");
	for (size_t i = 0; i < n; i++) {
		int64_t s = seq[l->f->oldest_first ? i : n - 1 - i];
		if (s < l->lo || s > l->hi)
			continue;
		TRY(scan(cx, l, s, s));
		if (is_full(l))
			return (enum err)ENOUGH;
	}
	return OK;
}

static enum err
blocks(struct ctx *cx, struct list *l, int64_t indexed)
{
	enum err e;

	if (l->lo > indexed || is_full(l))
		return OK;
	e = store_each(cx, l->f->oldest_first ? &trail_blocks_oldest : &trail_blocks_newest, ARGS(INT(l->t->account),
	    INT(LANE), TEXT(l->term), INT(l->lo), INT(indexed), INT(l->hi), INT(bucket_of(1, l->id)),
	    INT(bucket_of(2, l->id))), in_block, l);
	return is_full(l) ? OK : e;
}

/* The first event that is not before `at`; behind the last when all are. */
static enum err
first_at(struct ctx *cx, const struct list *l, usec at, int64_t last, int64_t *out)
{
	int64_t lo = 1, hi = last + 1;

	while (lo < hi) {
		int64_t mid = lo + (hi - lo) / 2;
		struct row r;
		TRY(store_one(cx, &trail_at, ARGS(INT(l->t->account), INT(LANE), INT(mid)), &r));
		if (row_int(&r, 0) < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	*out = lo;
	return OK;
}

static enum err
bounds(struct ctx *cx, struct list *l, int64_t last)
{
	const struct trail_filter *f = l->f;
	int64_t s;

	l->lo = 1;
	l->hi = last;
	if (f->after_seq > 0)
		l->lo = f->after_seq < INT64_MAX ? f->after_seq + 1 : INT64_MAX;
	if (f->before_seq > 0 && f->before_seq - 1 < l->hi)
		l->hi = f->before_seq - 1;
	if (f->from != 0) {
		TRY(first_at(cx, l, f->from, last, &s));
		l->lo = s > l->lo ? s : l->lo;
	}
	if (f->to != 0) {
		TRY(first_at(cx, l, f->to, last, &s));
		l->hi = s - 1 < l->hi ? s - 1 : l->hi;
	}
	return OK;
}

/* The term that the fewest events have. */
static void
choose_term(struct ctx *cx, struct list *l)
{
	const struct trail_filter *f = l->f;
	struct buf b;

	buf_init(&b, cx->arena, KiB);
	if (f->object_id != 0 && f->object.n != 0) {
		buf_add(&b, S("object/"));
		buf_add(&b, f->object);
		l->id = f->object_id;
	} else if (f->action.n != 0) {
		buf_add(&b, S("action/"));
		buf_add(&b, f->action);
	} else if (f->actor_id != 0) {
		buf_add(&b, S("actor"));
		l->id = f->actor_id;
	} else if (f->kind == TRAIL_CHANGE)
		buf_add(&b, S("change"));
	l->term = b.over ? (str){0} : buf_str(&b);
}

/* What is indexed is read first: events move from the scanned end into blocks,
 * never back, so those up to here are in the blocks and the others are scanned. */
enum err
trail_list(struct ctx *cx, const struct trail_filter *f, struct trail_event **out, int *count)
{
	struct list l = { .f = f, .limit = f->limit <= 0 ? LIMIT_DEFAULT : f->limit < LIMIT_MOST ? f->limit : LIMIT_MOST };
	struct head_row h;
	struct trail *t = NULL;
	int64_t behind;

	TRY(trail_of(cx, &t));
	l.t = t;
	l.out = NEW(cx->arena, struct trail_event, (size_t)l.limit);
	TRY(trail_head_read(cx, t, false, &h));
	TRY(bounds(cx, &l, h.seq));
	choose_term(cx, &l);
	behind = l.lo > h.indexed ? l.lo : h.indexed + 1;
	if (l.term.n == 0) {
		TRY(scan(cx, &l, l.lo, l.hi));
	} else if (f->oldest_first) {
		TRY(blocks(cx, &l, h.indexed));
		TRY(scan(cx, &l, behind, l.hi));
	} else {
		TRY(scan(cx, &l, behind, l.hi));
		TRY(blocks(cx, &l, h.indexed));
	}
	*out = l.out;
	*count = l.count;
	return OK;
}

const struct stmt trail_tallies = {
	.name = "trail.tally",
	.sql  = "SELECT at / 86400000000, actor_id, kind, action, COUNT(*), MAX(seq) FROM trail WHERE account_id = $1 AND lane = $2"
	        " AND seq > $3 AND seq <= $4 GROUP BY 1, 2, 3, 4",
	.in = "iiii", .out = "iiitii",
};

enum err
trail_tally(struct ctx *cx, int64_t seq, int most, struct trail_tally **out, int *count, int64_t *last)
{
	struct trail *t;
	struct rows rows;

	TRY(trail_of(cx, &t));
	TRY(store_all(cx, &trail_tallies, ARGS(INT(t->account), INT(LANE), INT(seq), INT(seq + most)), &rows));
	*out = NEW(cx->arena, struct trail_tally, rows.count + 1);
	*count = rows.count;
	*last = seq;
	for (int i = 0; i < rows.count; i++) {
		const struct row *r = &rows.row[i];
		(*out)[i] = (struct trail_tally){ .day = row_int(r, 0), .actor_id = row_int(r, 1), .kind = (enum trail_kind)row_int(r, 2),
		    .action = row_str(r, 3), .n = row_int(r, 4) };
		if (row_int(r, 5) > *last)
			*last = row_int(r, 5);
	}
	return OK;
}

enum err
trail_last_note(struct ctx *cx, str *note, int64_t *seq, unsigned char pub[32])
{
	struct trail *t;
	struct head_row h;
	struct row r;

	TRY(trail_of(cx, &t));
	t->crypto.public_key(cx->sys, pub);
	TRY(trail_head_read(cx, t, false, &h));
	TRY(store_one(cx, &trail_checkpoint_one, ARGS(INT(t->account), INT(h.number)), &r));
	*seq = row_int(&r, 0);
	*note = row_str(&r, 1);
	return OK;
}

enum err
trail_count(struct ctx *cx, int64_t *events)
{
	struct head_row h;
	struct trail *t = NULL;

	TRY(trail_of(cx, &t));
	TRY(trail_head_read(cx, t, false, &h));
	*events = h.seq;
	return OK;
}
