/* segment.c - how lists of documents are stored, written and read.
 *
 * A segment is an immutable sorted run: for each term, ascending, the
 * documents that have it, descending (newest first). It is cut into buckets of
 * about 12 KiB, each one sealed row:
 *
 *   entry   varint  term, minus the term before it in the bucket (the first: 0,
 *                   the directory has its term)
 *           varint  count << 1 | 1 if the list goes on in the next bucket
 *           varint  bytes of the list              (not when count is 1)
 *           list    varint first document, then varint differences (>= 1)
 *
 * The directory has for each bucket its first term, the first document of that
 * entry, and whether the entry continues a list begun before: so any term is
 * found with one bucket, and inside a long list one can leap. It is kept in
 * memory (16 bytes per bucket) and stored in rows of its own, as is the list
 * of all documents, which tells whom an erasure concerns.
 *
 * The filter tells of most terms that a segment has not that it has not, so
 * that a rare word costs one bucket however many segments there are: ten bits
 * for each term, kept in memory too. It is a Bloom filter of lines of 64 bytes
 * (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters,
 * 2007): a term has six bits in one line; one in a hundred others has them by
 * chance. Its size follows from a guess of how many terms there will be, so
 * that none needs to be remembered while the segment is written.
 *
 * Rows of a segment are numbered segment << 24 | n, where n is
 *   0..        buckets
 *   DIR_AT..   the directory: per bucket varint term minus the one before,
 *              varint document << 1 | continues
 *   DOCS_AT..  the documents: per kind varint count, varint bytes, varint
 *              first, varint differences
 *   FILTER_AT.. the lines of the filter
 * The last three are cut anywhere, every CHUNK_BYTES. All are sealed under the
 * segment's own data key and bound to their row; destroying the key erases the
 * segment wherever copies of it may be.
 *
 * A segment is written in many small transactions under state 0, where nobody
 * reads it, and goes live in one (search.c). After a crash before that, the
 * rows are removed by their segment's number.
 */
#include <stdlib.h>

#include "desk/index.h"

enum { FILTER_AT = 0xa00000, DIR_AT = 0xc00000, DOCS_AT = 0xe00000, CHUNK_BYTES = 32 << 10, BATCH_BYTES = 1 << 20, BATCH_ROWS = 1024,
       ENTRY_ROOM = 48 };
enum { FILTER_BITS = 10, FILTER_TAKES = 6, LINE = 64, LINES_MAX = 1 << 20 };

size_t segment_bucket_bytes = 12 * KiB;

const struct stmt st_insert_segment = {
	.name = "search_segment.insert",
	.sql  = "INSERT INTO search_segment (account_id, id, state, level, seq_from, seq_to, key_id, docs, postings,"
	        " buckets, dir_chunks, doc_chunks, created_at) VALUES ($1, $2, 0, $3, $4, $5, $6, 0, 0, 0, 0, 0, $7)",
	.in   = "iiiiiii",
};

const struct stmt st_insert_bucket = {
	.name = "search_bucket.insert",
	.sql  = "INSERT INTO search_bucket (account_id, id, body) VALUES ($1, $2, $3)",
	.in   = "iiS", .seal_in = { { "search_bucket", "body", 1 } },
};

const struct stmt st_select_bucket = {
	.name = "search_bucket.get",
	.sql  = "SELECT id, body FROM search_bucket WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "iS", .seal_out = { { "search_bucket", "body", 0 } },
};

static enum err
damaged(struct ctx *cx)
{
	return fail(cx, E_FAULT, "search", "a search segment is damaged");
}

static int64_t
row_of(int64_t segment, uint32_t n)
{
	return segment << 24 | (int64_t)n;
}

/* ---- life -------------------------------------------------------------------------------------------- */

static void *
must(void *p)
{
	if (p == NULL) {
		log_line(LOG_LV_ERROR, "desk", "out of memory, ending");
		_Exit(70);
	}
	return p;
}

void
segment_unref(struct segment *g)
{
	if (g != NULL && atomic_fetch_sub(&g->refs, 1) == 1) {
		if (g->filter != NULL)
			wipe(g->filter, (size_t)g->filter_lines * LINE);
		free(g->filter);
		free(g->dir);
		free(g);
	}
}

void
version_unref(struct version *v)
{
	if (v != NULL && atomic_fetch_sub(&v->refs, 1) == 1) {
		for (int i = 0; i < v->count; i++)
			segment_unref(v->seg[i]);
		free(v);
	}
}

void
blob_unref(struct blob **bp)
{
	struct blob *b = *bp;

	*bp = NULL;
	if (b != NULL && atomic_fetch_sub(&b->refs, 1) == 1) {
		wipe(b->p, b->n);
		free(b);
	}
}

/* ---- buckets and their cache ---------------------------------------------------------------------------- */

/* Into the arena. */
static enum err
row_get(struct ctx *cx, int64_t id, str *out)
{
	bool failed = cx->fail.code != OK;
	struct row r;
	enum err e = store_one(cx, &st_select_bucket, ARGS(INT(cx->account), INT(id)), &r);

	if (e == E_ABSENT || (e == OK && row_erased(&r, 1))) {
		if (!failed)
			fail_forget(cx);
		return fail(cx, E_CONFLICT, "search", "the index went on");
	}
	TRY(e);
	*out = row_sensitive(&r, 1).hidden;
	return OK;
}

static struct blob *
cache_find(struct cache *c, int64_t id)
{
	struct slot *set = c->slot[(uint64_t)id * 0x9e3779b97f4a7c15u >> 56 & (CACHE_SETS - 1)];
	struct blob *b = NULL;

	pthread_mutex_lock(&c->lock);
	for (int i = 0; i < CACHE_WAYS; i++)
		if (set[i].blob != NULL && set[i].id == id) {
			set[i].used = ++c->tick;
			b = set[i].blob;
			atomic_fetch_add(&b->refs, 1);
			break;
		}
	pthread_mutex_unlock(&c->lock);
	return b;
}

static void
cache_keep(struct cache *c, int64_t id, struct blob *b)
{
	struct slot *set = c->slot[(uint64_t)id * 0x9e3779b97f4a7c15u >> 56 & (CACHE_SETS - 1)], *s = set;
	struct blob *old;

	pthread_mutex_lock(&c->lock);
	for (int i = 0; i < CACHE_WAYS; i++) {
		if (set[i].blob != NULL && set[i].id == id) {
			s = &set[i];
			break;
		}
		if (s->blob != NULL && (set[i].blob == NULL || set[i].used < s->used))
			s = &set[i];
	}
	old = s->blob;
	atomic_fetch_add(&b->refs, 1);
	*s = (struct slot){ id, ++c->tick, b };
	pthread_mutex_unlock(&c->lock);
	blob_unref(&old);
}

void
cache_drop(struct cache *c, int64_t segment)
{
	pthread_mutex_lock(&c->lock);
	for (int i = 0; i < CACHE_SETS; i++)
		for (int k = 0; k < CACHE_WAYS; k++) {
			struct slot *s = &c->slot[i][k];
			if (s->blob != NULL && (segment == 0 || s->id >> 24 == segment))
				blob_unref(&s->blob);
		}
	pthread_mutex_unlock(&c->lock);
}

enum err
bucket_get(struct ctx *cx, struct cache *c, const struct segment *g, uint32_t n, struct blob **out)
{
	int64_t id = row_of(g->id, n);
	struct blob *b = c != NULL ? cache_find(c, id) : NULL;
	str body;

	if (b == NULL) {
		TRY(row_get(cx, id, &body));
		b = must(malloc(sizeof(*b) + body.n));
		atomic_init(&b->refs, 1);
		b->n = body.n;
		memcpy(b->p, body.p != NULL ? body.p : "", body.n);
		if (c != NULL)
			cache_keep(c, id, b);
	}
	*out = b;
	return OK;
}

/* ---- the filter ----------------------------------------------------------------------------------------- */

/* A term is a keyed hash, but for its two lowest bits: little more is needed. */
static inline uint64_t
filter_place(const struct segment *g, uint64_t term, unsigned char **line)
{
	uint64_t h = term * 0x9e3779b97f4a7c15u;

	*line = g->filter + (size_t)((h >> 32) * g->filter_lines >> 32) * LINE;
	return (h ^ h >> 29) * 0xff51afd7ed558ccdu >> (64 - 9 * FILTER_TAKES);
}

static void
filter_add(struct segment *g, uint64_t term)
{
	unsigned char *line;
	uint64_t bits = filter_place(g, term, &line);

	for (int i = 0; i < FILTER_TAKES; i++, bits >>= 9)
		line[bits >> 3 & 63] |= (unsigned char)(1u << (bits & 7));
}

bool
segment_may_have(const struct segment *g, uint64_t term)
{
	unsigned char *line;
	uint64_t bits;

	if (g->filter == NULL)
		return true;
	bits = filter_place(g, term, &line);
	for (int i = 0; i < FILTER_TAKES; i++, bits >>= 9)
		if ((line[bits >> 3 & 63] & 1u << (bits & 7)) == 0)
			return false;
	return true;
}

int64_t
segment_terms(const struct segment *g)
{
	return g->filter != NULL ? (int64_t)g->filter_lines * LINE * 8 / FILTER_BITS : g->postings / 32;
}

static void
filter_new(struct segment *g, int64_t terms)
{
	int64_t lines = terms * FILTER_BITS / (LINE * 8) + 1;

	g->filter_lines = (uint32_t)(lines < LINES_MAX ? lines : LINES_MAX);
	g->filter = must(aligned_alloc(LINE, (size_t)g->filter_lines * LINE));
	memset(g->filter, 0, (size_t)g->filter_lines * LINE);
}

/* ---- writing ------------------------------------------------------------------------------------------ */

struct bytes { char *p; size_t n, cap; };

static char *
room(struct bytes *b, size_t n)
{
	if (n > b->cap - b->n) {
		b->cap = (b->n + n) * 2;
		b->p = must(realloc(b->p, b->cap));
	}
	return b->p + b->n;
}

static void
put(struct bytes *b, uint64_t v)
{
	char *p = room(b, 10);
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (char)(v | 0x80);
	p[n++] = (char)v;
	b->n += n;
}

static void
put_bytes(struct bytes *b, const struct bytes *more)
{
	if (more->n > 0)
		memcpy(room(b, more->n), more->p, more->n);
	b->n += more->n;
}

struct out {
	struct ctx     *cx;
	struct arena   *scratch;
	struct segment *seg;
	breathe_fn     *breathe;
	void           *arg;
	struct bytes    bucket, list, batch, docs[KINDS];
	int64_t         last_doc[KINDS], doc_count[KINDS];
	struct { uint32_t n; size_t at, len; } row[BATCH_ROWS];
	int             rows;
	uint32_t        dir_cap;
	uint64_t        term, last;          /* of the open list; of the bucket's last entry */
	uint64_t        count;               /* of the open list */
	int64_t         first, doc;          /* of the open list: its first and last document */
	bool            open, goes_on, filled;   /* there is a list; it began in an earlier bucket; the bucket has entries */
};

static enum err
begin_in(struct ctx *cx, void *arg)
{
	struct out *o = arg;
	struct segment *g = o->seg;

	TRY(store_key_new(cx, &g->key));
	TRY(store_next_id(cx, "search_segment", &g->id));
	return store_exec(cx, &st_insert_segment, ARGS(INT(cx->account), INT(g->id), INT(g->level), INT(g->from), INT(g->to),
	    INT(g->key), INT(cx->now)), NULL);
}

enum err
out_begin(struct ctx *cx, int level, int64_t from, int64_t to, int64_t terms, breathe_fn *breathe, void *arg,
    struct out **out)
{
	struct out *o = must(calloc(1, sizeof(*o)));
	enum err e;

	o->cx = cx;
	o->breathe = breathe;
	o->arg = arg;
	o->scratch = arena_new();
	o->seg = must(calloc(1, sizeof(*o->seg)));
	atomic_init(&o->seg->refs, 1);
	o->seg->level = level;
	o->seg->from = from;
	o->seg->to = to;
	filter_new(o->seg, terms);
	if ((e = store_write(cx, begin_in, o)) != OK) {
		out_free(&o);
		return e;
	}
	*out = o;
	return OK;
}

void
out_free(struct out **op)
{
	struct out *o = *op;
	struct bytes *all[] = { &o->bucket, &o->list, &o->batch, &o->docs[0], &o->docs[1], &o->docs[2] };

	*op = NULL;
	for (size_t i = 0; i < COUNT(all); i++) {
		if (all[i]->p != NULL)
			wipe(all[i]->p, all[i]->cap);
		free(all[i]->p);
	}
	segment_unref(o->seg);
	arena_free(&o->scratch);
	free(o);
}

int64_t
out_segment(const struct out *o)
{
	return o->seg->id;
}

static enum err
write_in(struct ctx *cx, void *arg)
{
	struct out *o = arg;

	for (int i = 0; i < o->rows; i++)
		TRY(store_exec(cx, &st_insert_bucket, ARGS(INT(cx->account), INT(row_of(o->seg->id, o->row[i].n)),
		    SEALED(o->seg->key, HIDE(((str){ o->batch.p + o->row[i].at, o->row[i].len })))), NULL));
	return OK;
}

static enum err
write_batch(struct out *o)
{
	struct ctx *cx = o->cx;
	struct arena *own = cx->arena;
	enum err e;

	if (o->rows == 0)
		return OK;
	cx->arena = o->scratch;
	e = store_write(cx, write_in, o);
	cx->arena = own;
	arena_reset(o->scratch);
	TRY(e);
	o->rows = 0;
	o->batch.n = 0;
	if (cx->stop != NULL && *cx->stop)
		return fail(cx, E_BUSY, "search", "stopping");
	return o->breathe != NULL ? o->breathe(cx, o->arg) : OK;
}

static enum err
add_row(struct out *o, uint32_t n, const char *p, size_t len)
{
	memcpy(room(&o->batch, len), p, len);
	o->row[o->rows].n = n;
	o->row[o->rows].at = o->batch.n;
	o->row[o->rows].len = len;
	o->rows++;
	o->batch.n += len;
	return o->batch.n >= BATCH_BYTES || o->rows == BATCH_ROWS ? write_batch(o) : OK;
}

/* The open list becomes an entry of the bucket. */
static void
close_list(struct out *o, bool more)
{
	struct segment *g = o->seg;

	if (!o->open)
		return;
	if (!o->filled) {
		if (g->buckets == o->dir_cap) {
			o->dir_cap = o->dir_cap == 0 ? 64 : o->dir_cap * 2;
			g->dir = must(realloc(g->dir, o->dir_cap * sizeof(*g->dir)));
		}
		g->dir[g->buckets] = (struct dir){ o->term, (uint64_t)o->first << 1 | o->goes_on };
		o->last = o->term;
		o->filled = true;
	}
	put(&o->bucket, o->term - o->last);
	put(&o->bucket, o->count << 1 | more);
	if (o->count > 1)
		put(&o->bucket, o->list.n);
	put_bytes(&o->bucket, &o->list);
	o->last = o->term;
	o->goes_on = more;
	o->open = false;
	o->list.n = 0;
	o->count = 0;
}

static enum err
close_bucket(struct out *o)
{
	enum err e;

	if (!o->filled)
		return OK;
	if (o->seg->buckets >= FILTER_AT)
		return fail(o->cx, E_LIMIT, "search", "a search segment is full");
	e = add_row(o, o->seg->buckets++, o->bucket.p, o->bucket.n);
	o->bucket.n = 0;
	o->filled = false;
	return e;
}

enum err
out_post(struct out *o, uint64_t term, int64_t doc)
{
	if (o->open && o->term != term) {
		close_list(o, false);
		if (o->bucket.n >= segment_bucket_bytes)
			TRY(close_bucket(o));
	} else if (o->open && o->bucket.n + o->list.n + ENTRY_ROOM >= segment_bucket_bytes) {
		close_list(o, true);
		TRY(close_bucket(o));
	}
	if (!o->open) {
		o->open = true;
		o->term = term;
		o->first = doc;
		filter_add(o->seg, term);
		put(&o->list, (uint64_t)doc);
	} else
		put(&o->list, (uint64_t)(o->doc - doc));
	o->doc = doc;
	o->count++;
	o->seg->postings++;
	return OK;
}

void
out_doc(struct out *o, enum doc_kind kind, int64_t doc)
{
	put(&o->docs[kind], (uint64_t)(o->doc_count[kind] == 0 ? doc : o->last_doc[kind] - doc));
	o->last_doc[kind] = doc;
	o->doc_count[kind]++;
	o->seg->docs++;
}

static enum err
add_chunks(struct out *o, uint32_t at, const struct bytes *b, int *chunks)
{
	size_t done = 0;

	for (; done < b->n; ++*chunks) {
		size_t n = b->n - done < CHUNK_BYTES ? b->n - done : CHUNK_BYTES;
		TRY(add_row(o, at + (uint32_t)*chunks, b->p + done, n));
		done += n;
	}
	return OK;
}

enum err
out_end(struct out *o, struct segment **seg)
{
	struct segment *g = o->seg;
	struct bytes *b = &o->bucket;

	close_list(o, false);
	TRY(close_bucket(o));
	*seg = NULL;
	if (g->postings == 0)
		return OK;
	b->n = 0;
	for (uint32_t i = 0; i < g->buckets; i++) {
		put(b, g->dir[i].term - (i > 0 ? g->dir[i - 1].term : 0));
		put(b, g->dir[i].at);
	}
	TRY(add_chunks(o, DIR_AT, b, &g->dir_chunks));
	b->n = 0;
	for (int k = 0; k < KINDS; k++) {
		put(b, (uint64_t)o->doc_count[k]);
		put(b, o->docs[k].n);
		put_bytes(b, &o->docs[k]);
	}
	TRY(add_chunks(o, DOCS_AT, b, &g->doc_chunks));
	TRY(add_chunks(o, FILTER_AT, &(struct bytes){ .p = (char *)g->filter, .n = (size_t)g->filter_lines * LINE },
	    &g->filter_chunks));
	TRY(write_batch(o));
	*seg = g;
	o->seg = NULL;
	return OK;
}

/* ---- reading what is not a bucket --------------------------------------------------------------------------- */

static enum err
chunks_get(struct ctx *cx, const struct segment *g, uint32_t at, int chunks, str *out)
{
	struct buf b;

	buf_init(&b, cx->arena, (size_t)chunks * CHUNK_BYTES + 1);
	for (int i = 0; i < chunks; i++) {
		str s;
		TRY(row_get(cx, row_of(g->id, at + (uint32_t)i), &s));
		buf_add(&b, s);
	}
	*out = buf_str(&b);
	return b.over ? damaged(cx) : OK;
}

static enum err
load_dir(struct ctx *cx, struct segment *g)
{
	uint64_t term = 0, gap;
	struct dir *d;
	str s;

	TRY(chunks_get(cx, g, DIR_AT, g->dir_chunks, &s));
	d = must(calloc(g->buckets + 1, sizeof(*d)));
	for (uint32_t i = 0; i < g->buckets; i++) {
		if (!take_varint(&s, &gap) || !take_varint(&s, &d[i].at)) {
			free(d);
			return damaged(cx);
		}
		d[i].term = term += gap;
	}
	g->dir = d;
	return OK;
}

/* A chunk at a time: it may be many megabytes. */
static enum err
load_filter(struct ctx *cx, struct segment *g)
{
	size_t n = 0, cap = (size_t)g->filter_chunks * CHUNK_BYTES;
	struct arena *own = cx->arena;
	enum err e = OK;
	str s;

	if (g->filter_chunks == 0)
		return OK;
	g->filter = must(aligned_alloc(LINE, cap));
	cx->arena = arena_new();
	for (int i = 0; i < g->filter_chunks && e == OK; i++) {
		e = row_get(cx, row_of(g->id, FILTER_AT + (uint32_t)i), &s);
		if (e == OK && s.n <= CHUNK_BYTES) {
			memcpy(g->filter + n, s.p, s.n);
			n += s.n;
		}
		arena_reset(cx->arena);
	}
	arena_free(&cx->arena);
	cx->arena = own;
	g->filter_lines = (uint32_t)(n / LINE);
	return e == OK && (n == 0 || n % LINE != 0) ? damaged(cx) : e;
}

enum err
segment_load(struct ctx *cx, struct segment *g)
{
	TRY(load_dir(cx, g));
	return load_filter(cx, g);
}

enum err
segment_docs(struct ctx *cx, const struct segment *g, struct docs *out)
{
	str s;

	*out = (struct docs){ 0 };
	TRY(chunks_get(cx, g, DOCS_AT, g->doc_chunks, &s));
	for (int k = 0; k < KINDS; k++) {
		uint64_t count, bytes, v, doc = 0;
		if (!take_varint(&s, &count) || !take_varint(&s, &bytes) || count > s.n || bytes > s.n)
			return damaged(cx);
		out->id[k] = NEW(cx->arena, int64_t, count + 1);
		for (uint64_t i = 0; i < count; i++) {
			if (!take_varint(&s, &v))
				return damaged(cx);
			doc = i == 0 ? v : doc - v;
			out->id[k][i] = (int64_t)doc;
		}
		out->n[k] = (int64_t)count;
	}
	return OK;
}

bool
docs_have(const struct docs *d, enum doc_kind kind, int64_t doc)
{
	int64_t lo = 0, hi = d->n[kind];

	while (lo < hi) {
		int64_t mid = lo + (hi - lo) / 2;
		if (d->id[kind][mid] == doc)
			return true;
		if (d->id[kind][mid] > doc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* ---- entries ------------------------------------------------------------------------------------------------ */

struct entry { uint64_t gap, count; bool more; str list; };

static inline bool
take_entry(str *s, struct entry *e)
{
	uint64_t head, bytes;

	if (!take_varint(s, &e->gap) || !take_varint(s, &head) || head < 2)
		return false;
	e->count = head >> 1;
	e->more = head & 1;
	if (e->count > 1) {
		if (!take_varint(s, &bytes) || bytes > s->n)
			return false;
		e->list = (str){ s->p, bytes };
	} else {
		str after = *s;
		if (!take_varint(&after, &bytes))
			return false;
		e->list = (str){ s->p, s->n - after.n };
	}
	s->p += e->list.n;
	s->n -= e->list.n;
	return true;
}

/* ---- walking all of it ---------------------------------------------------------------------------------------- */

void
segment_walk(struct walk *w, struct ctx *cx, const struct segment *g)
{
	*w = (struct walk){ .cx = cx, .g = g, .arena = arena_new() };
}

void
segment_leave(struct walk *w)
{
	arena_free(&w->arena);
}

static enum err
walk_bucket(struct walk *w)
{
	struct arena *own = w->cx->arena;
	enum err e;

	arena_reset(w->arena);
	w->cx->arena = w->arena;
	e = row_get(w->cx, row_of(w->g->id, w->next), &w->rest);
	w->cx->arena = own;
	TRY(e);
	w->term = w->g->dir[w->next++].term;
	w->start = true;
	return OK;
}

enum err
segment_next(struct walk *w)
{
	uint64_t v;

	while (w->left == 0) {
		struct entry e = { 0 };
		while (w->rest.n == 0) {
			if (w->next == w->g->buckets) {
				w->doc = NO_DOC;
				return OK;
			}
			TRY(walk_bucket(w));
		}
		if (!take_entry(&w->rest, &e))
			return damaged(w->cx);
		w->term += w->start ? 0 : e.gap;
		w->start = false;
		w->list = e.list;
		w->left = e.count;
		w->first = true;
	}
	if (!take_varint(&w->list, &v))
		return damaged(w->cx);
	w->doc = w->first ? (int64_t)v : w->doc - (int64_t)v;
	w->first = false;
	w->left--;
	return OK;
}

/* ---- cursors -------------------------------------------------------------------------------------------------- */

static enum err
part_bucket(struct cursor *c, struct part *p, uint32_t n, str *bytes)
{
	struct view *v = c->view;
	struct ctx *cx = v->cx;
	struct arena *own = cx->arena;
	struct blob *b;
	enum err e;

	cx->arena = v->scratch;
	e = bucket_get(cx, v->cache, p->g, n, &b);
	cx->arena = own;
	arena_reset(v->scratch);
	TRY(e);
	if (p->held < 0) {
		if (v->helds == v->held_cap) {
			int cap = v->held_cap == 0 ? 64 : v->held_cap * 2;
			struct blob **more = NEW(cx->arena, struct blob *, cap);
			if (v->helds > 0)
				memcpy(more, v->held, sizeof(struct blob *) * (size_t)v->helds);
			v->held = more;
			v->held_cap = cap;
		}
		p->held = v->helds++;
		v->held[p->held] = NULL;
	}
	blob_unref(&v->held[p->held]);
	v->held[p->held] = b;
	p->bucket = n;
	*bytes = (str){ b->p, b->n };
	return OK;
}

static void
part_entry(struct part *p, const struct entry *e)
{
	p->list = e->list;
	p->left = e->count;
	p->more = e->more;
	p->first = true;
}

/* Goes on with the list at the beginning of bucket n. */
static enum err
part_continue(struct cursor *c, struct part *p, uint32_t n)
{
	struct entry e = { 0 };
	str s;

	if (n >= p->g->buckets || p->g->dir[n].term != c->term)
		return damaged(c->view->cx);
	TRY(part_bucket(c, p, n, &s));
	if (!take_entry(&s, &e))
		return damaged(c->view->cx);
	part_entry(p, &e);
	return OK;
}

static enum err
part_seek(struct cursor *c, struct part *p, int64_t upto)
{
	uint64_t v;

	if (p->g == NULL) {
		while (p->at < p->l->count && p->l->hit[p->at].doc > upto)
			p->at++;
		p->doc = p->at < p->l->count ? p->l->hit[p->at].doc : NO_DOC;
		return OK;
	}
	if (p->more && (int64_t)(p->g->dir[p->bucket + 1].at >> 1) >= upto) {
		uint32_t lo = p->bucket + 1, hi = p->g->buckets;   /* lo will do; hi will not */
		while (hi - lo > 1) {
			uint32_t mid = lo + (hi - lo) / 2;
			if (p->g->dir[mid].term == c->term && (int64_t)(p->g->dir[mid].at >> 1) >= upto)
				lo = mid;
			else
				hi = mid;
		}
		TRY(part_continue(c, p, lo));
	}
	do {
		if (p->left == 0) {
			if (!p->more) {
				p->doc = NO_DOC;
				return OK;
			}
			TRY(part_continue(c, p, p->bucket + 1));
		}
		if (!take_varint(&p->list, &v))
			return damaged(c->view->cx);
		p->doc = p->first ? (int64_t)v : p->doc - (int64_t)v;
		p->first = false;
		p->left--;
	} while (p->doc > upto);
	return OK;
}

/* The bucket in which the list of a term would begin; false: it has none. */
static bool
dir_find(const struct segment *g, uint64_t term, uint32_t *n)
{
	uint32_t lo = 0, hi = g->buckets;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (g->dir[mid].term < term)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == g->buckets || g->dir[lo].term != term || (g->dir[lo].at & 1) != 0) {
		if (lo == 0)
			return false;
		lo--;
	}
	*n = lo;
	return true;
}

static enum err
part_open(struct cursor *c, struct part *p, bool *found)
{
	uint64_t term;
	struct entry e = { 0 };
	uint32_t n;
	str s;

	*found = false;
	if (!dir_find(p->g, c->term, &n))
		return OK;
	TRY(part_bucket(c, p, n, &s));
	for (term = p->g->dir[n].term; s.n > 0;) {
		if (!take_entry(&s, &e))
			return damaged(c->view->cx);
		term += e.gap;
		if (term >= c->term)
			break;
	}
	if (term != c->term)
		return OK;
	part_entry(p, &e);
	c->count += (int64_t)e.count;
	for (n++; e.more && n < p->g->buckets && p->g->dir[n].term == c->term; n++)
		c->count += (int64_t)segment_bucket_bytes;
	*found = true;
	return part_seek(c, p, INT64_MAX);
}

/* Which document is the highest, and its newest stamp. */
static void
settle(struct cursor *c)
{
	c->doc = NO_DOC;
	c->stamp = 0;
	for (int i = 0; i < c->parts;) {
		struct part *p = &c->part[i];
		int64_t stamp;
		if (p->doc == NO_DOC) {
			*p = c->part[--c->parts];
			continue;
		}
		stamp = p->g != NULL ? p->g->to : p->l->hit[p->at].stamp;
		if (p->doc > c->doc || (p->doc == c->doc && stamp > c->stamp))
			c->stamp = stamp;
		if (p->doc > c->doc) {
			c->doc = p->doc;
			c->top = i;
		}
		i++;
	}
	c->second = NO_DOC;
	for (int i = 0; i < c->parts; i++)
		if (i != c->top && c->part[i].doc > c->second)
			c->second = c->part[i].doc;
}

enum err
cursor_open(struct view *v, uint64_t term, struct cursor *c)
{
	struct part *p;

	*c = (struct cursor){ .view = v, .term = term, .part = NEW(v->cx->arena, struct part, v->v->count + 1) };
	for (int i = 0; i < v->lists; i++)
		if (v->list[i].term == term && v->list[i].count > 0) {
			p = &c->part[c->parts++];
			*p = (struct part){ .l = &v->list[i], .held = -1 };
			c->count += p->l->count;
			TRY(part_seek(c, p, INT64_MAX));
			break;
		}
	for (int i = v->v->count - 1; i >= 0; i--) {
		bool found;
		if (!segment_may_have(v->v->seg[i], term))
			continue;
		p = &c->part[c->parts];
		*p = (struct part){ .g = v->v->seg[i], .held = -1 };
		TRY(part_open(c, p, &found));
		if (found)
			c->parts++;
		else if (p->held >= 0)
			blob_unref(&v->held[p->held]);
	}
	settle(c);
	return OK;
}

enum err
cursor_seek(struct cursor *c, int64_t upto)
{
	if (c->doc <= upto)
		return OK;
	if (c->second <= upto) {        /* only the highest one moves */
		struct part *p = &c->part[c->top];
		TRY(part_seek(c, p, upto));
		if (p->doc > c->second) {
			c->doc = p->doc;
			c->stamp = p->g != NULL ? p->g->to : p->l->hit[p->at].stamp;
			return OK;
		}
	} else
		for (int i = 0; i < c->parts; i++)
			if (c->part[i].doc > upto)
				TRY(part_seek(c, &c->part[i], upto));
	settle(c);
	return OK;
}
