/* verify.c - is the database's trail what was appended?
 *
 * One walk along the chain in pages; what it needs of memory is bound by a page
 * and the largest posting block. Of each event:
 *
 *   - seq follows the one before, the hash is SHA-256(hash before || line)
 *   - the line can be read and the columns say what it says
 *   - the sealed values have the hash that the line tells, or that of the
 *     trail.reseal event they point to, which must name them; if their key is
 *     still there they open, at this place, and are what was committed to
 *   - a checkpoint's note is there, signed, about the event before, and has
 *     the hash that its event tells
 *
 * And of the whole: the head row's MAC, that the chain ends at the head with
 * its hash, that no checkpoint lies behind it, that the posting blocks are
 * what the events make, that the witness has nothing that is not here.
 *
 * What cannot be seen here: a chain that was forged from some event on by who
 * has the trail key, and the signing key or checkpoints to follow none; and a
 * database put back to an older state as a whole. Both are what the witness
 * is for.
 */
#include <stdatomic.h>

#include "trail/part.h"

enum { POSTINGS_MOST = 4 << 20 };

const struct stmt trail_canonical = {
	.name = "trail.canonical",
	.sql  = "SELECT canonical FROM trail WHERE account_id = $1 AND lane = $2 AND seq = $3",
	.in = "iii", .out = "t",
};
const struct stmt trail_block_bound = {
	.name = "trail.block_bound",
	.sql  = "SELECT level, last_seq FROM trail_block WHERE account_id = $1 AND lane = $2 AND term = '' AND last_seq > $3"
	        " ORDER BY last_seq LIMIT 1",
	.in = "iii", .out = "ii",
};
const struct stmt trail_block_one = {
	.name = "trail.block_one",
	.sql  = "SELECT first_seq, postings FROM trail_block WHERE account_id = $1 AND lane = $2 AND term = $3 AND level = $4"
	        " AND bucket = $5 AND last_seq = $6",
	.in = "iitiii", .out = "ib",
};

bool
wrong(struct trail_verdict *v, int64_t seq, const char *why)
{
	if (v->ok) {
		v->ok = false;
		v->bad_seq = seq;
		v->why = why;
	}
	return false;
}

/* ---- the chain ------------------------------------------------------------------------------------- */

void
trail_walk_init(struct walk *w, const struct trail_crypto *c, struct trail_verdict *v, int64_t account, str origin,
    const unsigned char pub[32])
{
	*w = (struct walk){ .crypto = c, .v = v, .account = account, .origin = origin };
	memcpy(w->pub, pub, sizeof(w->pub));
	genesis(c, origin, account, w->hash);
}

bool
walk_event(struct walk *w, struct arena *a, str canonical, const struct canon *c, str hash)
{
	char small[4 * KiB], *p = canonical.n + HASH_BYTES <= sizeof(small) ? small : NEW(a, char, canonical.n + HASH_BYTES);
	bool is_note = str_eq(c->action, S("trail.checkpoint"));
	int64_t seq = w->seq + 1;
	hash32 h;

	if (c->seq != seq)
		return wrong(w->v, seq, c->seq > seq ? "event missing" : "event out of order");
	memcpy(p, w->hash, HASH_BYTES);
	if (canonical.n > 0)
		memcpy(p + HASH_BYTES, canonical.p, canonical.n);
	w->crypto->sha256((str){ p, canonical.n + HASH_BYTES }, h);
	if (hash.n != HASH_BYTES || memcmp(h, hash.p, HASH_BYTES) != 0 || c->account != w->account || c->lane != LANE ||
	    c->at < w->at)
		return wrong(w->v, seq, "event altered");
	if (is_note && !w->noted)
		return wrong(w->v, seq - 1, "checkpoint missing");
	if (w->noted && (!is_note || !c->has_note || c->id != w->number || memcmp(c->note, w->note, HASH_BYTES) != 0))
		return wrong(w->v, seq - 1, "checkpoint altered");
	w->noted = false;
	w->seq = seq;
	w->at = c->at;
	memcpy(w->hash, h, HASH_BYTES);
	w->v->events = seq;
	return true;
}

bool
walk_checkpoint(struct walk *w, struct arena *a, str text, struct note *out)
{
	if (w->noted)
		return wrong(w->v, w->seq, "checkpoint out of order");
	if (!note_open(w->crypto, a, w->pub, text, out) || out->closing || !str_eq(out->origin, w->origin))
		return wrong(w->v, w->seq, "checkpoint altered");
	if (out->number != w->number + 1)
		return wrong(w->v, w->seq, out->number > w->number ? "checkpoint missing" : "checkpoint out of order");
	if (out->seq > w->seq)
		return wrong(w->v, w->seq + 1, "event missing");
	if (out->seq != w->seq || memcmp(out->hash, w->hash, HASH_BYTES) != 0)
		return wrong(w->v, w->seq, "the chain is not what the checkpoint covers");
	w->crypto->sha256(text, w->note);
	w->noted = true;
	w->number = out->number;
	w->v->checkpoints = out->number;
	return true;
}

/* ---- the database ---------------------------------------------------------------------------------- */

struct verifying {
	struct trail   *t;
	struct walk     walk;
	struct ctx     *cx;
	struct arena   *scratch;        /* cx's while a row is looked at */
	enum err        err;            /* could not go on; not a finding */
	int64_t         end;            /* the last event looked at */
	struct head_row head;
	struct postings postings;       /* since the last block */
	int64_t         block_first, block_last, block_level;   /* the block that is due */
	int64_t         blocks;         /* rows of blocks seen */
	int64_t         reseal;         /* the trail.reseal event whose line is in `resealed` */
	struct arena   *reseal_arena;
	str             resealed;
	struct trail_progress *progress;/* may be NULL */
};

/* No failure, so nothing is said by fail(): ends a store_each(). */
enum { ENOUGH = E_LIMIT };

static bool
broke(struct verifying *k, enum err e)
{
	if (e != OK)
		k->err = e;
	return e != OK;
}

static bool
altered(struct verifying *k, const char *why)
{
	return wrong(k->walk.v, k->walk.seq + 1, why);
}

/* What the columns of a row repeat. */
static bool
columns_match(struct verifying *k, const struct row *r, const struct canon *c)
{
	struct arena *a = k->cx->arena;
	bool object = c->ids.n != 0 ? row_null(r, 6) : !row_null(r, 6) && row_int(r, 6) == c->id;

	return row_int(r, 0) == c->seq && row_int(r, 1) == c->at && row_int(r, 2) == (int64_t)c->kind &&
	    row_int(r, 3) == c->actor && str_eq(row_str(r, 4), text_of(a, c->action)) &&
	    str_eq(row_str(r, 5), text_of(a, c->object)) && object && row_int(r, 7) == c->parent;
}

/* The line of the trail.reseal event `seq`; they come in runs, so the last one is kept. */
static bool
reseal_line(struct verifying *k, int64_t seq, struct canon *out)
{
	struct rows rows;

	if (k->reseal != seq) {
		if (broke(k, store_all(k->cx, &trail_canonical, ARGS(INT(k->t->account), INT(LANE), INT(seq)), &rows)))
			return false;
		if (rows.count == 0)
			return altered(k, "values altered");
		arena_reset(k->reseal_arena);
		k->resealed = str_dup(k->reseal_arena, row_str(&rows.row[0], 0));
		k->reseal = seq;
	}
	return (canon_read(k->resealed, out) && out->seq == seq && str_eq(out->action, S("trail.reseal"))) ||
	    altered(k, "values altered");
}

/* What the values must be after the reseal event that the row points to. */
static bool
resealed_to(struct verifying *k, const struct row *r, bool *erased, hash32 want, int64_t *key)
{
	struct canon c = {0};
	int64_t seq;
	str rest;

	if (row_int(r, 12) <= row_int(r, 0) || !reseal_line(k, row_int(r, 12), &c))
		return k->err == OK && altered(k, "values altered");
	*key = c.parent;
	for (rest = c.resealed; canon_resealed(&rest, &seq, erased, want); )
		if (seq == row_int(r, 0))
			return true;
	return altered(k, "values altered");
}

static bool
values_match(struct verifying *k, const struct row *r, const struct canon *c)
{
	bool erased = false;
	int64_t key = c->key;
	hash32 want, got;
	str packed;
	enum err e;

	if (!c->has_vals)
		return (row_null(r, 10) && row_null(r, 11) && row_null(r, 12)) || altered(k, "values altered");
	memcpy(want, c->vals, HASH_BYTES);
	if (!row_null(r, 12) && !resealed_to(k, r, &erased, want, &key))
		return false;
	if (erased)
		return (row_null(r, 10) && row_null(r, 11)) || altered(k, "values altered");
	if (row_null(r, 10) || row_int(r, 11) != key)
		return altered(k, "values altered");
	k->t->crypto.sha256(row_str(r, 10), got);
	if (memcmp(got, want, HASH_BYTES) != 0)
		return altered(k, "values altered");
	e = store_open_sealed(k->cx, "trail", "vals", row_int(r, 0), row_str(r, 10), &packed);
	fail_forget(k->cx);
	if (e == E_ABSENT)              /* its key was destroyed: erased */
		return true;
	if (e == E_BUSY)
		return !broke(k, e);
	if (e != OK || !vals_match(&k->t->crypto, k->cx->arena, c, packed))
		return altered(k, "values altered");
	return true;
}

/* ---- posting blocks -------------------------------------------------------------------------------- */

static bool
next_block(struct verifying *k)
{
	struct rows rows;

	if (broke(k, store_all(k->cx, &trail_block_bound, ARGS(INT(k->t->account), INT(LANE), INT(k->block_last)), &rows)))
		return false;
	k->block_first = k->block_last + 1;
	k->block_last = rows.count > 0 ? row_int(&rows.row[0], 1) : INT64_MAX;
	k->block_level = rows.count > 0 ? row_int(&rows.row[0], 0) : 0;
	return true;
}

static enum err
compare_block(struct ctx *cx, void *arg, str term, int64_t bucket, str blob)
{
	struct verifying *k = arg;
	struct rows rows;

	TRY(store_all(cx, &trail_block_one, ARGS(INT(k->t->account), INT(LANE), TEXT(term), INT(k->block_level),
	    INT(bucket), INT(k->block_last)), &rows));
	k->blocks++;
	if (rows.count != 1 || row_int(&rows.row[0], 0) != k->block_first || !str_eq(row_str(&rows.row[0], 1), blob))
		wrong(k->walk.v, k->block_first, "index altered");
	return OK;
}

static bool
block_matches(struct verifying *k, const struct canon *c)
{
	struct arena *a = k->cx->arena;

	if (!k->head.good || c->seq > k->head.indexed)
		return true;
	if (!postings_add(&k->postings, c->seq, c->kind, c->actor, text_of(a, c->action), text_of(a, c->object), c->id, c->ids))
		return !broke(k, E_FAULT);
	if (c->seq < k->block_last && c->seq < k->head.indexed && k->postings.n < POSTINGS_MOST)
		return true;
	if (c->seq != k->block_last || k->block_level < 0 || k->block_level >= LEVELS)
		return wrong(k->walk.v, k->block_first, "index altered");
	if (broke(k, postings_each(k->cx, &k->postings, false, (int)k->block_level, k->block_first, k->block_last,
	    compare_block, k)))
		return false;
	return k->walk.v->ok && next_block(k);
}

/* ---- the walk -------------------------------------------------------------------------------------- */

static bool
row_matches(struct verifying *k, const struct row *r)
{
	str canonical = row_str(r, 8);
	struct canon c;
	struct note n;

	if (row_int(r, 0) > k->walk.seq + 1)
		return altered(k, "event missing");
	if (row_int(r, 0) != k->walk.seq + 1)
		return wrong(k->walk.v, row_int(r, 0), "event inserted");
	if (canonical.n > CANON_MAX || !canon_read(canonical, &c) || !columns_match(k, r, &c))
		return altered(k, "event altered");
	if (!row_null(r, 14)) {
		if (!walk_checkpoint(&k->walk, k->cx->arena, row_str(r, 14), &n))
			return false;
		if (row_int(r, 13) != n.seq)
			return wrong(k->walk.v, k->walk.seq, "checkpoint altered");
	}
	return values_match(k, r, &c) && walk_event(&k->walk, k->cx->arena, canonical, &c, row_str(r, 9)) && block_matches(k, &c);
}

static enum err
each_row(struct ctx *cx, const struct row *r, void *arg)
{
	struct verifying *k = arg;
	struct arena *own = cx->arena;
	bool go_on;

	cx->arena = k->scratch;
	go_on = row_matches(k, r);
	cx->arena = own;
	arena_reset(k->scratch);
	return go_on ? OK : (enum err)ENOUGH;
}

/* A row that the store refuses to read was altered, too: a column is of another kind. */
static enum err
walk_all(struct ctx *cx, struct verifying *k)
{
	int64_t from = INT64_MIN;

	while (k->walk.seq < k->end) {
		enum err e;
		if (cx->stop != NULL && *cx->stop)
			return fail(cx, E_BUSY, "trail", "the server is ending");
		if (k->progress != NULL) {
			atomic_store(&k->progress->of, k->end);
			atomic_store(&k->progress->done, k->walk.seq);
		}
		e = store_each(cx, &trail_page, ARGS(INT(k->t->account), INT(LANE), INT(from), INT(k->end), INT(PAGE)),
		    each_row, k);
		if (k->err != OK)
			return fail(cx, k->err, "trail", "the trail cannot be read");
		if (!k->walk.v->ok)
			return OK;
		if (e != OK && e != E_FAULT)
			return e;
		fail_forget(cx);
		if (e == E_FAULT) {
			altered(k, "event cannot be read");
			return OK;
		}
		if (k->walk.seq + 1 == from || (from == INT64_MIN && k->walk.seq == 0))
			break;              /* there are no more */
		from = k->walk.seq + 1;
	}
	return OK;
}

/* A checkpoint behind the end, of which no event tells. */
static enum err
check_left(struct verifying *k, struct trail_verdict *v)
{
	struct rows rows;
	struct note n;

	TRY(store_all(k->cx, &trail_checkpoints, ARGS(INT(k->t->account), INT(k->walk.number), INT(1)), &rows));
	if (rows.count > 0 && note_open(&k->t->crypto, k->cx->arena, k->walk.pub, row_str(&rows.row[0], 1), &n) &&
	    str_eq(n.origin, k->walk.origin) && n.seq >= k->end)
		wrong(v, k->end + 1, "truncated");
	else
		wrong(v, k->end + 1, "checkpoint inserted");
	return OK;
}

static enum err
check_whole(struct verifying *k, struct trail_verdict *v)
{
	const struct head_row *h = &k->head;

	if (k->walk.seq < k->end)
		wrong(v, k->walk.seq + 1, "truncated");
	if (v->ok && h->checkpoints > k->walk.number)
		TRY(check_left(k, v));
	if (!h->good)
		wrong(v, k->end + 1, h->there ? "head altered" : "head missing");
	else if (h->last > h->seq)
		wrong(v, h->seq + 1, "event inserted");
	else if (memcmp(h->hash.p, k->walk.hash, HASH_BYTES) != 0)
		wrong(v, k->end, "the chain is not what the head says");
	if (h->last != 0 && (h->min_lane != LANE || h->max_lane != LANE))
		wrong(v, k->end + 1, "event inserted");
	if (v->ok && h->blocks != k->blocks)
		wrong(v, k->end, "index altered");
	return OK;
}

/* The chain begins with the origin. When the head cannot be believed, the first
 * checkpoint's note says it, so that an altered head is not taken for an altered event. */
static enum err
find_origin(struct ctx *cx, struct verifying *k, const struct trail_verdict *v)
{
	struct rows rows;
	struct note n;

	TRY(store_all(cx, &trail_checkpoints, ARGS(INT(k->t->account), INT(0), INT(1)), &rows));
	if (rows.count > 0 && note_open(&k->t->crypto, cx->arena, v->public_key, row_str(&rows.row[0], 1), &n))
		k->head.origin = n.origin;
	return OK;
}

static enum err
verify_all(struct ctx *cx, struct verifying *k, struct trail_verdict *v)
{
	TRY(trail_head_read(cx, k->t, true, &k->head));
	k->end = k->head.good ? k->head.seq : k->head.last;
	if (!k->head.good)
		TRY(find_origin(cx, k, v));
	trail_walk_init(&k->walk, &k->t->crypto, v, k->t->account, k->head.origin, v->public_key);
	if (!next_block(k))
		return fail(cx, k->err, "trail", "the trail cannot be read");
	TRY(walk_all(cx, k));
	if (!v->ok && !k->head.good && k->walk.seq == 0)
		v->why = k->head.there ? "head altered" : "head missing";
	if (v->ok)
		TRY(check_whole(k, v));
	memcpy(v->head, k->walk.hash, HASH_BYTES);
	if (v->ok && k->t->witness != NULL)
		TRY(witness_check(cx, k->t, k->end, k->head.witnessed, v));
	return OK;
}

enum err
trail_verify(struct ctx *cx, struct trail_verdict *out)
{
	return trail_verify_watched(cx, NULL, out);
}

enum err
trail_verify_watched(struct ctx *cx, struct trail_progress *progress, struct trail_verdict *out)
{
	struct verifying k = { .cx = cx, .progress = progress };
	struct trail_verdict v = { .ok = true };
	enum err e;

	TRY(trail_of(cx, &k.t));
	if (cx->tx != NULL)
		return fail(cx, E_FAULT, "trail", "verifying was asked for inside a transaction");
	k.t->crypto.public_key(cx->sys, v.public_key);
	k.scratch = arena_new();
	k.reseal_arena = arena_new();
	pthread_rwlock_rdlock(&k.t->blocks);
	e = verify_all(cx, &k, &v);
	pthread_rwlock_unlock(&k.t->blocks);
	if (e != OK && cx->fail.code == OK)
		e = fail(cx, e, "trail", "the trail cannot be read");
	postings_done(&k.postings);
	arena_free(&k.reseal_arena);
	arena_free(&k.scratch);
	if (e == OK)
		*out = v;
	return e;
}
