/* index.c - which events have an actor, an object, an action.
 *
 * A B-tree index per filter would touch a page of its own per look and index
 * (4 KiB into the WAL for an entry of 30 bytes), and a list of 25 tickets is
 * one look with 25 objects. So nothing is indexed when an event is appended:
 * its postings (term, id, seq) are kept in memory, and every few thousand
 * events, in the transaction of a commit that is due anyway, they become one
 * row per term in trail_block. Events behind the last block are scanned.
 *
 *     term             id          which events
 *     actor            user id     what the user did
 *     object/ticket    ticket id   what was done to the ticket, or seen of it
 *     action/user.login  0         these actions
 *     change           0           changes, and not looks
 *     (empty)          -           none; the row marks the block
 *
 * Eight blocks of a level become one of the level above, the oldest first, off
 * the writer thread; so a million events are in a handful of blocks. A block's
 * lists are spread over buckets by the lowest bits of their id (none at level
 * 0, three at 1, six at 2), so that to look one object up reads some KB of a
 * block whatever its size.
 *
 * A row holds a list per id, by ascending id. All numbers are varints:
 *
 *     postings := list*
 *     list     := id  length  offset+
 *     id       := the first one zigzag (2n, or -2n - 1 when negative), then
 *                 how much more than the id before
 *     length   := bytes of the offsets
 *     offset   := seq - first_seq, then how much more than the one before
 *
 * Blocks are derived from the chain: `trail verify` makes them again and
 * compares. The head row, with its MAC, says up to where they go.
 */
#include <stdio.h>
#include <stdlib.h>

#include "trail/part.h"

enum { BLOCK_MAX = 64 << 20 };

/* Of the blocks of a level, the oldest ones. */
const struct stmt trail_block_marks = {
	.name = "trail.block_marks",
	.sql  = "SELECT first_seq, last_seq FROM trail_block WHERE account_id = $1 AND lane = $2 AND term = '' AND level = $3"
	        " AND bucket = 0 ORDER BY last_seq LIMIT $4",
	.in = "iiii", .out = "ii",
};
const struct stmt trail_block_rows = {
	.name = "trail.block_rows",
	.sql  = "SELECT term, first_seq, last_seq, postings FROM trail_block WHERE account_id = $1 AND lane = $2 AND level = $3"
	        " AND last_seq >= $4 AND last_seq <= $5",
	.in = "iiiii", .out = "tiib",
};
const struct stmt trail_block_delete = {
	.name = "trail.block_delete",
	.sql  = "DELETE FROM trail_block WHERE account_id = $1 AND lane = $2 AND level = $3 AND last_seq >= $4 AND last_seq <= $5",
	.in   = "iiiii",
};
const struct stmt trail_block_new = {
	.name = "trail.block_new",
	.sql  = "INSERT INTO trail_block (account_id, lane, term, level, bucket, last_seq, first_seq, postings)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.in   = "iitiiiib",
};

/* ---- terms ----------------------------------------------------------------------------------------- */

static uint32_t
term_hash(str kind, str name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < kind.n; i++)
		h = (h ^ (unsigned char)kind.p[i]) * 16777619u;
	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return h;
}

static bool
term_is(const char *z, str kind, str name)
{
	return strncmp(z, kind.p, kind.n) == 0 && strlen(z) == kind.n + name.n &&
	    (name.n == 0 || memcmp(z + kind.n, name.p, name.n) == 0);
}

static bool
terms_grow(struct postings *ps)
{
	size_t slots = ps->slots == 0 ? 256 : ps->slots * 2;
	uint32_t *slot = calloc(slots, sizeof(*slot));
	char **term = realloc(ps->term, slots / 2 * sizeof(*term));

	if (term != NULL)
		ps->term = term;
	if (slot == NULL || term == NULL) {
		free(slot);
		return false;
	}
	for (uint32_t i = 0; i < ps->terms; i++) {
		size_t at = term_hash(str_of(term[i]), (str){0}) & (slots - 1);
		while (slot[at] != 0)
			at = (at + 1) & (slots - 1);
		slot[at] = i + 1;
	}
	free(ps->slot);
	ps->slot = slot;
	ps->slots = slots;
	return true;
}

static bool
term_of(struct postings *ps, str kind, str name, uint32_t *out)
{
	size_t at;
	char *z;

	if (ps->terms * 2 >= ps->slots && !terms_grow(ps))
		return false;
	for (at = term_hash(kind, name) & (ps->slots - 1); ps->slot[at] != 0; at = (at + 1) & (ps->slots - 1))
		if (term_is(ps->term[ps->slot[at] - 1], kind, name)) {
			*out = ps->slot[at] - 1;
			return true;
		}
	if ((z = calloc(1, kind.n + name.n + 1)) == NULL)
		return false;
	memcpy(z, kind.p, kind.n);
	if (name.n > 0)
		memcpy(z + kind.n, name.p, name.n);
	ps->term[ps->terms] = z;
	ps->slot[at] = *out = ps->terms++;
	ps->slot[at]++;
	return true;
}

/* ---- postings -------------------------------------------------------------------------------------- */

int64_t
bucket_of(int level, int64_t id)
{
	return (int64_t)((uint64_t)id & ((1u << 3 * level) - 1));
}

static bool
add(struct postings *ps, str kind, str name, int64_t id, int64_t seq)
{
	struct posting p = { .id = id };

	if (ps->n == 0 && ps->base == 0)
		ps->base = seq;
	if (seq < ps->base || seq - ps->base > UINT32_MAX)
		return false;
	p.off = (uint32_t)(seq - ps->base);
	if (ps->n == ps->cap) {
		size_t cap = ps->cap == 0 ? 4096 : ps->cap * 2;
		struct posting *grown = realloc(ps->p, cap * sizeof(*grown));
		if (grown == NULL)
			return false;
		ps->p = grown;
		ps->cap = cap;
	}
	if (!term_of(ps, kind, name, &p.term))
		return false;
	ps->p[ps->n++] = p;
	return true;
}

bool
postings_add(struct postings *ps, int64_t seq, enum trail_kind kind, int64_t actor, str action, str object,
    int64_t id, str ids)
{
	int64_t one;

	if (!add(ps, S("action/"), action, 0, seq) ||
	    (kind == TRAIL_CHANGE && !add(ps, S("change"), (str){0}, 0, seq)) ||
	    (actor != 0 && !add(ps, S("actor"), (str){0}, actor, seq)) ||
	    (id != 0 && !add(ps, S("object/"), object, id, seq)))
		return false;
	while (canon_id(&ids, &one))
		if (!add(ps, S("object/"), object, one, seq))
			return false;
	return true;
}

void
postings_back(struct postings *ps, int64_t seq)
{
	while (ps->n > 0 && ps->base + ps->p[ps->n - 1].off > seq)
		ps->n--;
	if (ps->n == 0)
		ps->base = 0;
}

void
postings_drop(struct postings *ps, int64_t seq)
{
	size_t n = 0;
	uint32_t off;

	if (ps->n == 0 || ps->base + ps->p[0].off > seq)
		return;
	while (n < ps->n && ps->base + ps->p[n].off <= seq)
		n++;
	ps->n -= n;
	memmove(ps->p, ps->p + n, ps->n * sizeof(*ps->p));
	off = ps->n > 0 ? ps->p[0].off : 0;
	for (size_t i = 0; i < ps->n; i++)
		ps->p[i].off -= off;
	ps->base = ps->n > 0 ? ps->base + off : 0;
}

void
postings_done(struct postings *ps)
{
	for (uint32_t i = 0; i < ps->terms; i++)
		free(ps->term[i]);
	free(ps->term);
	free(ps->slot);
	free(ps->p);
	*ps = (struct postings){0};
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

static int
by_place(const void *a, const void *b, void *arg)
{
	const struct posting *x = a, *y = b;
	int level = *(int *)arg;
	int64_t bx = bucket_of(level, x->id), by = bucket_of(level, y->id);

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	if (bx != by)
		return bx < by ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* The list of p[0].id; returns how many postings it took. `from`: the offset of the block's first event. */
static size_t
put_list(struct buf *b, struct buf *scratch, const struct posting *p, size_t n, uint32_t from, const int64_t *before)
{
	uint32_t last = from;
	size_t i;

	scratch->n = 0;
	for (i = 0; i < n && p[i].term == p->term && p[i].id == p->id; i++)
		if (i == 0 || p[i].off != last) {       /* an object may be named twice in a look */
			put_varint(scratch, p[i].off - last);
			last = p[i].off;
		}
	if (before != NULL)
		put_varint(b, (uint64_t)p->id - (uint64_t)*before);
	else
		put_varint(b, p->id < 0 ? ~((uint64_t)p->id << 1) : (uint64_t)p->id << 1);
	put_varint(b, scratch->n);
	buf_add(b, buf_str(scratch));
	return i;
}

static enum err
each_row(struct ctx *cx, const struct postings *ps, const struct posting *p, size_t n, int level, uint32_t from,
    block_fn *fn, void *arg)
{
	struct buf b, scratch;

	TRY(fn(cx, arg, S(""), 0, (str){0}));
	buf_init(&b, cx->arena, BLOCK_MAX);
	buf_init(&scratch, cx->arena, BLOCK_MAX);
	for (size_t i = 0; i < n; ) {
		uint32_t term = p[i].term;
		int64_t bucket = bucket_of(level, p[i].id);
		const int64_t *before = NULL;

		b.n = 0;
		while (i < n && p[i].term == term && bucket_of(level, p[i].id) == bucket) {
			size_t at = i;
			i += put_list(&b, &scratch, p + i, n - i, from, before);
			before = &p[at].id;
		}
		if (b.over || scratch.over)
			return fail(cx, E_FAULT, "trail", "an index block is too large");
		TRY(fn(cx, arg, str_of(ps->term[term]), bucket, buf_str(&b)));
	}
	return OK;
}

enum err
postings_each(struct ctx *cx, struct postings *ps, bool keep, int level, int64_t first, int64_t last, block_fn *fn, void *arg)
{
	struct posting *p = keep ? NEW(cx->arena, struct posting, ps->n + 1) : ps->p;
	size_t n = 0;
	enum err e;

	/* Every event has a posting, its action's. */
	if (ps->n == 0 || first != ps->base)
		return fail(cx, E_FAULT, "trail", "an index block does not begin where it should");
	while (n < ps->n && ps->base + ps->p[n].off <= last)
		n++;
	if (keep && n > 0)
		memcpy(p, ps->p, n * sizeof(*p));
	if (n > 0)
		qsort_r(p, n, sizeof(*p), by_place, &level);
	e = each_row(cx, ps, p, n, level, 0, fn, arg);
	if (!keep) {
		ps->n = 0;
		ps->base = 0;
	}
	return e;
}

bool
postings_find(struct arena *a, str blob, int64_t first, int64_t last, int64_t id, int64_t **seq, size_t *count)
{
	bool begun = false;
	uint64_t v, n;
	int64_t at = 0;

	*count = 0;
	while (blob.n != 0) {
		str list;
		if (!get_varint(&blob, &v) || !get_varint(&blob, &n) || n > blob.n || n == 0)
			return false;
		at = begun ? (int64_t)((uint64_t)at + v) : (int64_t)((v & 1) != 0 ? ~(v >> 1) : v >> 1);
		begun = true;
		list = str_sub(blob, 0, (size_t)n);
		blob = str_sub(blob, (size_t)n, blob.n);
		if (at < id)
			continue;
		if (at > id)
			return true;
		*seq = NEW(a, int64_t, list.n);
		for (int64_t s = first; list.n != 0; (*seq)[(*count)++] = s) {
			if (!get_varint(&list, &v) || v > (uint64_t)(last - s))
				return false;
			s += (int64_t)v;
		}
		return true;
	}
	return true;
}

/* ---- merging --------------------------------------------------------------------------------------- */

struct merge {
	const struct trail *t;
	int             level;         /* of what goes in */
	int64_t         first, last;
	int64_t         from;          /* the first block's last event: blocks are found by theirs */
	struct postings in;
};

/* Adds what a row holds. False: malformed, or no memory. */
static bool
unpack(struct postings *ps, str term, str blob, int64_t first, int64_t last)
{
	bool begun = false;
	uint64_t v, n;
	int64_t id = 0;

	while (blob.n != 0) {
		str list;
		int64_t s = first;
		if (!get_varint(&blob, &v) || !get_varint(&blob, &n) || n > blob.n || n == 0)
			return false;
		id = begun ? (int64_t)((uint64_t)id + v) : (int64_t)((v & 1) != 0 ? ~(v >> 1) : v >> 1);
		begun = true;
		list = str_sub(blob, 0, (size_t)n);
		blob = str_sub(blob, (size_t)n, blob.n);
		while (list.n != 0) {
			if (!get_varint(&list, &v) || v > (uint64_t)(last - s))
				return false;
			s += (int64_t)v;
			if (!add(ps, term, (str){0}, id, s))
				return false;
		}
	}
	return true;
}

static enum err
take_row(struct ctx *cx, const struct row *r, void *arg)
{
	struct merge *m = arg;
	int64_t first = row_int(r, 1), last = row_int(r, 2);

	if (first < m->first || last > m->last || !unpack(&m->in, row_str(r, 0), row_str(r, 3), first, last))
		return fail(cx, E_FAULT, "trail", "an index block cannot be read");
	return OK;
}

static enum err
put_row(struct ctx *cx, void *arg, str term, int64_t bucket, str blob)
{
	const struct merge *m = arg;

	return store_exec(cx, &trail_block_new, ARGS(INT(m->t->account), INT(LANE), TEXT(term), INT(m->level + 1), INT(bucket),
	    INT(m->last), INT(m->first), BYTES(blob)), NULL);
}

static enum err
replace_blocks(struct ctx *cx, void *arg)
{
	struct merge *m = arg;

	TRY(store_exec(cx, &trail_block_delete, ARGS(INT(m->t->account), INT(LANE), INT(m->level), INT(m->from), INT(m->last)), NULL));
	return each_row(cx, &m->in, m->in.p, m->in.n, m->level + 1, 0, put_row, m);
}

/* Sorted here and not in the transaction, which holds up everybody's. */
static enum err
merge_one(struct ctx *cx, struct merge *m)
{
	int above = m->level + 1;

	m->in.base = m->first;
	TRY(store_each(cx, &trail_block_rows, ARGS(INT(m->t->account), INT(LANE), INT(m->level), INT(m->from), INT(m->last)),
	    take_row, m));
	if (m->in.n > 0)
		qsort_r(m->in.p, m->in.n, sizeof(*m->in.p), by_place, &above);
	return store_write(cx, replace_blocks, m);
}

enum err
index_merge(struct ctx *cx, const struct trail *t)
{
	struct rows rows;

	for (int level = 0; level + 1 < LEVELS; ) {
		struct merge m = { .t = t, .level = level };
		enum err e;
		TRY(store_all(cx, &trail_block_marks, ARGS(INT(t->account), INT(LANE), INT(level), INT(FAN)), &rows));
		if (rows.count < FAN) {
			level++;
			continue;
		}
		m.first = row_int(&rows.row[0], 0);
		m.from = row_int(&rows.row[0], 1);
		m.last = row_int(&rows.row[FAN - 1], 1);
		e = merge_one(cx, &m);
		postings_done(&m.in);
		TRY(e);
	}
	return OK;
}
