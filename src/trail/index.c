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
 * A row is for the events first_seq to last_seq and holds a list per id, by
 * ascending id. All numbers are varints:
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

enum { BLOCK_MAX = 16 << 20 };

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

static bool
add(struct postings *ps, str kind, str name, int64_t id, int64_t seq)
{
	struct posting p = { .id = id, .seq = seq };

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
	while (ps->n > 0 && ps->p[ps->n - 1].seq > seq)
		ps->n--;
}

void
postings_drop(struct postings *ps, int64_t seq)
{
	size_t n = 0;

	if (ps->n == 0 || ps->p[0].seq > seq)
		return;
	while (n < ps->n && ps->p[n].seq <= seq)
		n++;
	ps->n -= n;
	memmove(ps->p, ps->p + n, ps->n * sizeof(*ps->p));
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
by_place(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* The list of p[0].id; returns how many postings it took. */
static size_t
put_list(struct buf *b, struct buf *scratch, const struct posting *p, size_t n, int64_t first, const int64_t *before)
{
	int64_t last = first;
	size_t i;

	scratch->n = 0;
	for (i = 0; i < n && p[i].term == p->term && p[i].id == p->id; i++)
		if (i == 0 || p[i].seq != last) {       /* an object may be named twice in a look */
			put_varint(scratch, (uint64_t)(p[i].seq - last));
			last = p[i].seq;
		}
	if (before != NULL)
		put_varint(b, (uint64_t)p->id - (uint64_t)*before);
	else
		put_varint(b, p->id < 0 ? ~((uint64_t)p->id << 1) : (uint64_t)p->id << 1);
	put_varint(b, scratch->n);
	buf_add(b, buf_str(scratch));
	return i;
}

enum err
postings_each(struct ctx *cx, struct postings *ps, int64_t first, int64_t last, block_fn *fn, void *arg)
{
	struct posting *p = NEW(cx->arena, struct posting, ps->n + 1);
	struct buf b, scratch;
	size_t n = 0;

	for (size_t i = 0; i < ps->n; i++)
		if (ps->p[i].seq >= first && ps->p[i].seq <= last)
			p[n++] = ps->p[i];
	qsort(p, n, sizeof(*p), by_place);
	TRY(fn(cx, arg, S(""), (str){0}));
	buf_init(&b, cx->arena, BLOCK_MAX);
	buf_init(&scratch, cx->arena, BLOCK_MAX);
	for (size_t i = 0; i < n; ) {
		uint32_t term = p[i].term;
		const int64_t *before = NULL;

		b.n = 0;
		while (i < n && p[i].term == term) {
			size_t at = i;
			i += put_list(&b, &scratch, p + i, n - i, first, before);
			before = &p[at].id;
		}
		if (b.over || scratch.over)
			return fail(cx, E_FAULT, "trail", "an index block is too large");
		TRY(fn(cx, arg, str_of(ps->term[term]), buf_str(&b)));
	}
	return OK;
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
