/* search.c - the index: what is written when, where it is, how it is erased.
 *
 * A log-structured merge tree over keyed terms (words.c), whose parts the
 * database sees only as sealed bytes.
 *
 *   delta     one row per change of a document, in the change's transaction:
 *             its terms, sealed. Numbered by a sequence without gaps (seq).
 *   table     in memory, the terms of at most 4,096 deltas (or half a million
 *             terms). The last one is open, those before are frozen. All deltas
 *             of a table are sealed under one data key. Filled when the
 *             transaction is durable, before its store_write() returns, so that
 *             who wrote finds it; filled again from the rows at the start.
 *   segment   a frozen table, sorted and sealed (segment.c), or the merge of
 *             eight segments of a level. Covers the numbers from..to; all
 *             segments together cover 1..covered without a gap, tables the rest.
 *   tombstone (document, seq): what is older than seq of that document is dead.
 *
 * Dead or alive. A posting has a stamp: in a table the delta's number, in a
 * segment its `to`. It is dead if the document's tombstone has a higher seq. When
 * a segment is written, the tombstones known then are applied, and numbers only
 * grow, so a tombstone with seq <= to has been applied to that segment. Only the
 * newest tombstone of a document counts, and it is needed as long as something
 * older of that document exists somewhere; then it is forgotten. Those that
 * arise in a table are in its deltas, and stored as rows of their own when the
 * table is built, if a segment has the document.
 *
 * Building. search_step() works on its own thread and one thing at a time. It
 * reads without a transaction, writes buckets in transactions of a megabyte
 * under a segment in state 0, and then publishes in one small one: state 1, what
 * it replaces in state 2 and its keys noted for destruction. In memory the new
 * list of segments replaces the old one when that is durable. Rows of replaced
 * segments and of deltas up to `covered` are removed afterwards, in slices.
 *
 * After a crash: a segment in state 0 was never published: removed. Deltas up to
 * the highest `to` are built: removed. All others are replayed.
 *
 * Erasing. A document that was replaced (search_replace) has a deadline. At
 * half of it the tables that hold older terms of it are frozen and built, and
 * the segments that do are written anew without them under new keys; the old
 * keys are destroyed at once (store_erase). So no key exists any more for any
 * copy of the old terms, be it in a free page, a WAL or a backup.
 *
 * A reader takes a view: a reference to the list of segments, copies of what the
 * tables have of its terms, and the highest number of then. It meets a segment
 * whose rows are gone only when a merge was published meanwhile: then it takes
 * another view (E_CONFLICT).
 */
#include <stdlib.h>

#include "desk/index.h"

enum { TABLE_DOCS = 4096, TABLE_POSTS = 1 << 19, FAN = 8, DELTA_TERMS = 1 << 16, LEVELS = 12,
       CLEAN_BUCKETS = 64, CLEAN_DELTAS = 256, TOMB_ROWS = 256, DUE_MAX = 4096 };
enum mode { MODE_ADD, MODE_CHANGE, MODE_REPLACE };
#define ERASE_KEYS_EVERY (60 * SECOND)

static const struct stmt insert_delta = {
	.name = "search_delta.insert",
	.sql  = "INSERT INTO search_delta (account_id, seq, kind, doc_id, mode, key_id, created_at, terms)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.in   = "iiiiiiiS", .seal_in = { { "search_delta", "terms", 1 } },
};

static const struct stmt select_deltas = {
	.name = "search_delta.after",
	.sql  = "SELECT seq, kind, doc_id, mode, key_id, created_at, terms FROM search_delta"
	        " WHERE account_id = $1 AND seq > $2 ORDER BY seq",
	.in   = "ii", .out = "iiiiiiS", .seal_out = { { "search_delta", "terms", 0 } },
};

static const struct stmt delete_deltas = {
	.name = "search_delta.delete",
	.sql  = "DELETE FROM search_delta WHERE account_id = $1 AND seq IN (SELECT seq FROM search_delta"
	        " WHERE account_id = $1 AND seq <= $2 ORDER BY seq LIMIT $3)",
	.in   = "iii",
};

static const struct stmt select_segments = {
	.name = "search_segment.live",
	.sql  = "SELECT id, level, seq_from, seq_to, key_id, docs, postings, buckets, dir_chunks, doc_chunks,"
	        " filter_chunks FROM search_segment WHERE account_id = $1 AND state = 1 ORDER BY seq_from",
	.in   = "i", .out = "iiiiiiiiiii",
};

static const struct stmt publish_segment = {
	.name = "search_segment.publish",
	.sql  = "UPDATE search_segment SET state = 1, docs = $3, postings = $4, buckets = $5, dir_chunks = $6,"
	        " doc_chunks = $7, filter_chunks = $8 WHERE account_id = $1 AND id = $2 AND state = 0",
	.in   = "iiiiiiii",
};

static const struct stmt retire_segment = {
	.name = "search_segment.retire",
	.sql  = "UPDATE search_segment SET state = 2 WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt select_dead = {
	.name = "search_segment.dead",
	.sql  = "SELECT id, state, key_id FROM search_segment WHERE account_id = $1 AND state <> 1 ORDER BY id LIMIT 1",
	.in   = "i", .out = "iii",
};

static const struct stmt delete_segment = {
	.name = "search_segment.delete",
	.sql  = "DELETE FROM search_segment WHERE account_id = $1 AND id = $2 AND state <> 1",
	.in   = "ii",
};

static const struct stmt delete_buckets = {
	.name = "search_bucket.delete",
	.sql  = "DELETE FROM search_bucket WHERE account_id = $1 AND id IN (SELECT id FROM search_bucket"
	        " WHERE account_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4)",
	.in   = "iiii",
};

static const struct stmt put_tombstone = {
	.name = "search_tombstone.put",
	.sql  = "INSERT INTO search_tombstone (account_id, kind, doc_id, seq, replaced_at) VALUES ($1, $2, $3, $4, $5)"
	        " ON CONFLICT (account_id, kind, doc_id) DO UPDATE SET seq = excluded.seq, replaced_at = excluded.replaced_at",
	.in   = "iiiii?",
};

static const struct stmt drop_tombstone = {
	.name = "search_tombstone.drop",
	.sql  = "DELETE FROM search_tombstone WHERE account_id = $1 AND kind = $2 AND doc_id = $3 AND seq <= $4",
	.in   = "iiii",
};

static const struct stmt select_tombstones = {
	.name = "search_tombstone.all",
	.sql  = "SELECT kind, doc_id, seq, replaced_at FROM search_tombstone WHERE account_id = $1",
	.in   = "i", .out = "iiii?",
};

/* ---- types ------------------------------------------------------------------------------------------- */

struct table_doc { int64_t doc, seq; usec at; unsigned char kind, mode; bool terms; };
struct table_term { uint64_t term; uint32_t run, next; };       /* its newest run, the next term of the slot; 0: none */

/* The documents of a term stand in runs, each longer than the one before, since
 * to follow a link costs a miss of the cache. A run is, in table.run: where the
 * run before it is (0: none), how many it holds << 8 | has room for, and they. */
enum { RUN_HEAD = 2, RUN_MIN = 2, RUN_MAX = 126 };

struct table {
	int64_t            key, from, to;
	bool               frozen;
	struct table_doc  *doc;
	struct table_term *term;
	uint32_t          *run;              /* from 1 */
	uint32_t          *slot;             /* by term, chained */
	uint32_t           docs, doc_cap, terms, term_cap, run_n, run_cap, slots;
};

struct tomb {
	int64_t doc;                         /* id << 2 | kind; NO_DOC: free */
	int64_t seq;
	usec    since;                       /* must be erased from then on within the deadline; 0: none */
	bool    stored;                      /* there is a row for the document, perhaps of an older one */
};
struct tombs { struct tomb *slot; size_t slots, used; };

struct search {
	int64_t          account;
	pthread_rwlock_t lock;               /* guards down to `seq` */
	struct version  *version;
	struct table   **table;              /* oldest first */
	int              tables, table_cap;
	struct tombs     tombs;
	int64_t          seq;                /* of the newest delta in a table */
	struct cache     cache;

	/* The writer thread's: where the next delta goes. */
	int64_t          key;                /* 0: a new table is due */
	int              docs, posts;

	pthread_mutex_t  step;               /* guards the rest: one step at a time */
	int64_t          covered;
	bool             clean, sweep, keys; /* rows to remove; tombstones may be superfluous; keys are noted */
	usec             keys_at;            /* they were last destroyed */
	int              table_docs, table_posts, fan;
};

static void *
must(void *p)
{
	if (p == NULL) {
		log_line(LOG_LV_ERROR, "desk", "out of memory, ending");
		_Exit(70);
	}
	return p;
}

/* Room for one more at p, by doubling. */
#define GROW(p, n, cap) \
	do { \
		if ((n) == (cap)) { \
			(cap) = (cap) == 0 ? 64 : (cap) * 2; \
			(p) = must(realloc((p), (size_t)(cap) * sizeof(*(p)))); \
		} \
	} while (0)

/* ---- tombstones --------------------------------------------------------------------------------------- */

static inline int64_t
doc_key(enum doc_kind kind, int64_t doc)
{
	return doc << 2 | (int64_t)kind;
}

static size_t
tomb_slot(const struct tombs *t, int64_t doc)
{
	size_t h = (size_t)((uint64_t)doc * 0x9e3779b97f4a7c15u >> 20) & (t->slots - 1);

	while (t->slot[h].doc != NO_DOC && t->slot[h].doc != doc)
		h = (h + 1) & (t->slots - 1);
	return h;
}

static const struct tomb *
tomb_find(const struct tombs *t, int64_t doc)
{
	const struct tomb *found;

	if (t->used == 0)
		return NULL;
	found = &t->slot[tomb_slot(t, doc)];
	return found->doc == doc ? found : NULL;
}

static void
tombs_grow(struct tombs *t)
{
	struct tombs more = { .slots = t->slots == 0 ? 256 : t->slots * 2, .used = t->used };

	more.slot = must(malloc(more.slots * sizeof(*more.slot)));
	for (size_t i = 0; i < more.slots; i++)
		more.slot[i].doc = NO_DOC;
	for (size_t i = 0; i < t->slots; i++)
		if (t->slot[i].doc != NO_DOC)
			more.slot[tomb_slot(&more, t->slot[i].doc)] = t->slot[i];
	free(t->slot);
	*t = more;
}

/* An older deadline stays. */
static void
tomb_put(struct tombs *t, int64_t doc, int64_t seq, usec since)
{
	struct tomb *s;

	if ((t->used + 1) * 2 > t->slots)
		tombs_grow(t);
	s = &t->slot[tomb_slot(t, doc)];
	if (s->doc == NO_DOC) {
		*s = (struct tomb){ doc, seq, since, false };
		t->used++;
		return;
	}
	s->seq = seq > s->seq ? seq : s->seq;
	if (s->since == 0 || (since != 0 && since < s->since))
		s->since = since;
}

/* Open addressing without marks: what stands behind the hole is put in again. */
static void
tomb_remove(struct tombs *t, int64_t doc, int64_t seq)
{
	size_t i;

	if (t->used == 0)
		return;
	i = tomb_slot(t, doc);
	if (t->slot[i].doc != doc || t->slot[i].seq != seq)
		return;
	t->used--;
	t->slot[i].doc = NO_DOC;
	for (;;) {
		struct tomb moved;
		i = (i + 1) & (t->slots - 1);
		if (t->slot[i].doc == NO_DOC)
			return;
		moved = t->slot[i];
		t->slot[i].doc = NO_DOC;
		t->slot[tomb_slot(t, moved.doc)] = moved;
	}
}

/* ---- tables in memory ----------------------------------------------------------------------------------- */

struct delta {
	struct search *s;
	int64_t        seq, doc, key;
	usec           at;
	enum doc_kind  kind;
	enum mode      mode;
	size_t         n;
	uint64_t       term[];
};

static void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	if (t->term != NULL)
		wipe(t->term, t->terms * sizeof(*t->term));
	free(t->doc);
	free(t->term);
	free(t->run);
	free(t->slot);
	free(t);
}

static inline uint32_t
slot_of(const struct table *t, uint64_t term)
{
	return (uint32_t)(term >> 24) & (t->slots - 1);
}

static void
table_grow(struct table *t)
{
	t->slots = t->slots == 0 ? 4096 : t->slots * 4;
	free(t->slot);
	t->slot = must(calloc(t->slots, sizeof(*t->slot)));
	for (uint32_t i = 0; i < t->terms; i++) {
		uint32_t *slot = &t->slot[slot_of(t, t->term[i].term)];
		t->term[i].next = *slot;
		*slot = i + 1;
	}
}

static const struct table_term *
table_find(const struct table *t, uint64_t term)
{
	uint32_t i = t->slots == 0 ? 0 : t->slot[slot_of(t, term)];

	while (i != 0 && t->term[i - 1].term != term)
		i = t->term[i - 1].next;
	return i == 0 ? NULL : &t->term[i - 1];
}

/* Adds the newest document, unless the term has it. */
static void
run_add(struct table *t, struct table_term *e)
{
	uint32_t doc = t->docs - 1, *r = NULL, n = 0, room = 0, grown;

	if (e->run != 0) {
		r = &t->run[e->run];
		n = r[1] >> 8;
		room = r[1] & 0xff;
		if (r[RUN_HEAD + n - 1] == doc)
			return;
	}
	if (n == room) {
		grown = room == 0 ? RUN_MIN : room * 2 > RUN_MAX ? RUN_MAX : room * 2;
		while (t->run_cap < t->run_n + RUN_HEAD + grown) {
			t->run_cap = t->run_cap == 0 ? 1024 : t->run_cap * 2;
			t->run = must(realloc(t->run, t->run_cap * sizeof(*t->run)));
		}
		r = &t->run[t->run_n];
		r[0] = e->run;
		r[1] = grown;
		e->run = t->run_n;
		t->run_n += RUN_HEAD + grown;
		n = 0;
	}
	r[RUN_HEAD + n] = doc;
	r[1] += 1u << 8;
}

/* The documents of a term, newest first: `run` and `left` begin as its run and
 * 0. False at the end. */
static inline bool
run_next(const struct table *t, uint32_t *run, uint32_t *left, uint32_t *doc)
{
	if (*left == 0) {
		if (*run == 0)
			return false;
		*left = t->run[*run + 1] >> 8;
	}
	*doc = t->run[*run + RUN_HEAD + --*left];
	if (*left == 0)
		*run = t->run[*run];
	return true;
}

/* The writer thread comes here for some hundred terms, each somewhere else in
 * some megabytes: all are asked for before the first is needed. */
static void
table_prefetch(const struct table *t, const struct delta *d)
{
	uint32_t at;

	if (t->slots == 0)
		return;
	for (size_t i = 0; i < d->n; i++)
		__builtin_prefetch(&t->slot[slot_of(t, d->term[i])]);
	for (size_t i = 0; i < d->n; i++)
		if ((at = t->slot[slot_of(t, d->term[i])]) != 0)
			__builtin_prefetch(&t->term[at - 1]);
	for (size_t i = 0; i < d->n; i++)
		if ((at = t->slot[slot_of(t, d->term[i])]) != 0)
			__builtin_prefetch(&t->run[t->term[at - 1].run]);
}

static void
table_add(struct table *t, const struct delta *d)
{
	if (t->docs == 0)
		t->from = d->seq;
	t->to = d->seq;
	GROW(t->doc, t->docs, t->doc_cap);
	t->doc[t->docs++] = (struct table_doc){ d->doc, d->seq, d->at, (unsigned char)d->kind, (unsigned char)d->mode,
	    d->n > 0 };
	table_prefetch(t, d);
	for (size_t i = 0; i < d->n; i++) {
		struct table_term *e;
		if (t->terms >= t->slots)
			table_grow(t);
		e = (struct table_term *)table_find(t, d->term[i]);
		if (e == NULL) {
			uint32_t *slot = &t->slot[slot_of(t, d->term[i])];
			GROW(t->term, t->terms, t->term_cap);
			e = &t->term[t->terms++];
			*e = (struct table_term){ .term = d->term[i], .next = *slot };
			*slot = t->terms;
		}
		run_add(t, e);
	}
}

/* With the lock held for writing, or before anybody reads. */
static void
take_delta(struct search *s, const struct delta *d)
{
	struct table *t = s->tables > 0 ? s->table[s->tables - 1] : NULL;

	if (t == NULL || t->frozen || t->key != d->key) {
		if (t != NULL)
			t->frozen = true;
		t = must(calloc(1, sizeof(*t)));
		t->run_n = 1;
		t->key = d->key;
		GROW(s->table, s->tables, s->table_cap);
		s->table[s->tables++] = t;
	}
	table_add(t, d);
	if (d->mode != MODE_ADD)
		tomb_put(&s->tombs, doc_key(d->kind, d->doc), d->seq, d->mode == MODE_REPLACE ? d->at : 0);
	s->seq = d->seq;
}

/* ---- writing deltas, in the caller's transaction ----------------------------------------------------------- */

static void
publish_delta(struct sys *sys UNUSED, void *arg)
{
	struct delta *d = arg;

	pthread_rwlock_wrlock(&d->s->lock);
	take_delta(d->s, d);
	pthread_rwlock_unlock(&d->s->lock);
	free(d);
}

static void
undo_delta(struct sys *sys UNUSED, void *arg)
{
	struct delta *d = arg;

	d->s->docs--;
	d->s->posts -= (int)d->n;
	free(d);
}

struct before { struct search *s; int64_t key; int docs, posts; };

static void
undo_key(struct sys *sys UNUSED, void *arg)
{
	const struct before *b = arg;

	b->s->key = b->key;
	b->s->docs = b->docs;
	b->s->posts = b->posts;
}

static enum err
write_delta(struct ctx *cx, struct search *s, enum doc_kind kind, int64_t id, enum mode mode, const uint64_t *term, size_t n)
{
	struct delta *d;
	int64_t seq;

	if (s->key == 0 || s->docs >= s->table_docs || (s->docs > 0 && s->posts + (int)n > s->table_posts)) {
		struct before *b = NEW(cx->arena, struct before, 1);
		int64_t key;
		*b = (struct before){ s, s->key, s->docs, s->posts };
		TRY(store_key_new(cx, &key));
		store_undo(cx, undo_key, b);
		s->key = key;
		s->docs = s->posts = 0;
	}
	TRY(store_next_id(cx, "search_seq", &seq));
	d = must(malloc(sizeof(*d) + n * sizeof(*term)));
	*d = (struct delta){ s, seq, id, s->key, cx->now, kind, mode, n };
	for (size_t i = 0; i < n; i++)
		d->term[i] = (term[i] & ~(uint64_t)3) | kind;
	s->docs++;
	s->posts += (int)n;
	store_undo(cx, undo_delta, d);
	store_after(cx, publish_delta, d);
	return store_exec(cx, &insert_delta, ARGS(INT(cx->account), INT(seq), INT(kind), INT(id), INT(mode), INT(d->key),
	    INT(d->at), SEALED(d->key, HIDE(((str){ (const char *)d->term, n * sizeof(*term) })))), NULL);
}

static enum err
add(struct ctx *cx, char doc, int64_t id, enum mode mode, const struct terms *terms)
{
	struct search *s = cx->sys->search;
	enum doc_kind kind = doc == 't' ? KIND_TICKET : doc == 'u' ? KIND_USER : KIND_ORG;
	int at = 0;

	if (cx->tx == NULL)
		return fail(cx, E_FAULT, "search", "the index was changed outside a transaction");
	if (s == NULL || s->account != cx->account)
		return fail(cx, E_FAULT, "search", "the index is not open");
	if (terms->count == 0 && mode == MODE_ADD)
		return OK;
	do {
		int n = terms->count - at < DELTA_TERMS ? terms->count - at : DELTA_TERMS;
		TRY(write_delta(cx, s, kind, id, at == 0 ? mode : MODE_ADD, terms->t + at, (size_t)n));
		at += n;
	} while (at < terms->count);
	return OK;
}

/* ---- publishing what was built ------------------------------------------------------------------------------ */

struct publication {
	struct search  *s;
	struct segment *fresh;               /* NULL: nothing was left */
	const struct segment *const *old;    /* that it replaces */
	int             olds;
	struct table   *table;               /* that it replaces; NULL: none */
};

static bool
is_old(const struct publication *p, const struct segment *g)
{
	for (int i = 0; i < p->olds; i++)
		if (p->old[i] == g)
			return true;
	return false;
}

/* On the writer thread, when it is durable. */
static void
swap(struct sys *sys UNUSED, void *arg)
{
	struct publication *p = arg;
	struct search *s = p->s;
	struct version *old = s->version, *v = must(malloc(sizeof(*v) + sizeof(v->seg[0]) * (size_t)(old->count + 1)));

	atomic_init(&v->refs, 1);
	v->count = 0;
	pthread_rwlock_wrlock(&s->lock);
	for (int i = 0; i < old->count; i++) {
		if (!is_old(p, old->seg[i])) {
			atomic_fetch_add(&old->seg[i]->refs, 1);
			v->seg[v->count++] = old->seg[i];
		} else if (p->fresh != NULL && old->seg[i] == p->old[0])
			v->seg[v->count++] = p->fresh;
	}
	if (p->olds == 0 && p->fresh != NULL)
		v->seg[v->count++] = p->fresh;
	s->version = v;
	for (int i = 0; p->table != NULL && i < s->tables; i++)
		if (s->table[i] == p->table) {
			memmove(s->table + i, s->table + i + 1, sizeof(struct table *) * (size_t)(s->tables - i - 1));
			s->tables--;
			break;
		}
	pthread_rwlock_unlock(&s->lock);
	version_unref(old);
	table_free(p->table);
}

static enum err
publish_in(struct ctx *cx, void *arg)
{
	struct publication *p = arg;
	const struct segment *g = p->fresh;
	int64_t changed = 1;

	if (g != NULL)
		TRY(store_exec(cx, &publish_segment, ARGS(INT(cx->account), INT(g->id), INT(g->docs), INT(g->postings),
		    INT(g->buckets), INT(g->dir_chunks), INT(g->doc_chunks), INT(g->filter_chunks)), &changed));
	if (changed != 1)
		return fail(cx, E_FAULT, "search", "a search segment was removed while it was written");
	for (int i = 0; i < p->olds; i++) {
		TRY(store_exec(cx, &retire_segment, ARGS(INT(cx->account), INT(p->old[i]->id)), NULL));
		TRY(store_key_destroy(cx, p->old[i]->key));
	}
	if (p->table != NULL)
		TRY(store_key_destroy(cx, p->table->key));
	store_after(cx, swap, p);
	return OK;
}

/* ---- removing rows that nobody reads any more ------------------------------------------------------------------ */

struct removal { int64_t segment, key, upto; bool buckets; int64_t changed; };

static enum err
remove_in(struct ctx *cx, void *arg)
{
	struct removal *r = arg;

	if (r->segment == 0)
		return store_exec(cx, &delete_deltas, ARGS(INT(cx->account), INT(r->upto), INT(CLEAN_DELTAS)), &r->changed);
	if (r->key != 0) {                           /* never published: its key was not noted yet */
		TRY(store_key_destroy(cx, r->key));
		TRY(store_exec(cx, &retire_segment, ARGS(INT(cx->account), INT(r->segment)), NULL));
	}
	if (r->buckets)
		return store_exec(cx, &delete_buckets, ARGS(INT(cx->account), INT(r->segment << 24),
		    INT((r->segment + 1) << 24), INT(CLEAN_BUCKETS)), &r->changed);
	return store_exec(cx, &delete_segment, ARGS(INT(cx->account), INT(r->segment)), NULL);
}

static bool
stopping(const struct ctx *cx)
{
	return cx->stop != NULL && *cx->stop;
}

static enum err breathe(struct ctx *cx, void *arg);

static enum err
clean(struct ctx *cx, struct search *s)
{
	struct rows rs;

	for (struct removal r = { .upto = s->covered, .changed = 1 }; r.changed > 0 && !stopping(cx);)
		TRY(store_write(cx, remove_in, &r));
	for (;;) {
		struct removal r = { .buckets = true, .changed = 1 };
		TRY(store_all(cx, &select_dead, ARGS(INT(cx->account)), &rs));
		if (rs.count == 0) {
			s->clean = false;
			return OK;
		}
		r.segment = row_int(&rs.row[0], 0);
		r.key = row_int(&rs.row[0], 1) == 0 ? row_int(&rs.row[0], 2) : 0;
		s->keys = s->keys || r.key != 0;
		while (r.changed > 0) {
			if (stopping(cx))
				return OK;
			TRY(store_write(cx, remove_in, &r));
			r.key = 0;
			TRY(breathe(cx, s));
		}
		r.buckets = false;
		TRY(store_write(cx, remove_in, &r));
		cache_drop(&s->cache, r.segment);    /* what a late reader kept */
	}
}

/* ---- tombstones as rows ------------------------------------------------------------------------------------------ */

struct tomb_rows { struct search *s; const struct tomb *tomb; int n; bool drop; };

static void
forget_tombs(struct sys *sys UNUSED, void *arg)
{
	const struct tomb_rows *t = arg;

	pthread_rwlock_wrlock(&t->s->lock);
	for (int i = 0; i < t->n; i++)
		tomb_remove(&t->s->tombs, t->tomb[i].doc, t->tomb[i].seq);
	pthread_rwlock_unlock(&t->s->lock);
}

static void
mark_stored(struct sys *sys UNUSED, void *arg)
{
	const struct tomb_rows *t = arg;

	pthread_rwlock_wrlock(&t->s->lock);
	for (int i = 0; i < t->n && t->s->tombs.used > 0; i++) {
		struct tomb *known = &t->s->tombs.slot[tomb_slot(&t->s->tombs, t->tomb[i].doc)];
		known->stored = known->stored || known->doc == t->tomb[i].doc;
	}
	pthread_rwlock_unlock(&t->s->lock);
}

static enum err
tombs_in(struct ctx *cx, void *arg)
{
	const struct tomb_rows *t = arg;

	for (int i = 0; i < t->n; i++) {
		int64_t kind = t->tomb[i].doc & 3, doc = t->tomb[i].doc >> 2;
		if (t->drop)
			TRY(store_exec(cx, &drop_tombstone, ARGS(INT(cx->account), INT(kind), INT(doc), INT(t->tomb[i].seq)), NULL));
		else
			TRY(store_exec(cx, &put_tombstone, ARGS(INT(cx->account), INT(kind), INT(doc), INT(t->tomb[i].seq),
			    ID(t->tomb[i].since)), NULL));
	}
	store_after(cx, t->drop ? forget_tombs : mark_stored, arg);
	return OK;
}

static enum err
write_tombs(struct ctx *cx, struct search *s, const struct tomb *tomb, int n, bool drop)
{
	for (int at = 0; at < n; at += TOMB_ROWS)
		TRY(store_write(cx, tombs_in, &(struct tomb_rows){ s, tomb + at, n - at < TOMB_ROWS ? n - at : TOMB_ROWS, drop }));
	return OK;
}

/* ---- building a table into a segment ------------------------------------------------------------------------------- */

static int
by_term(const void *a, const void *b)
{
	uint64_t x = ((const struct table_term *)a)->term, y = ((const struct table_term *)b)->term;

	return x < y ? -1 : x > y;
}

static int
descending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x > y ? -1 : x < y;
}

/* Descending, each once; mostly they are so already. */
static size_t
sort_docs(int64_t *d, size_t n)
{
	size_t kept = 0;
	bool sorted = true;

	for (size_t i = 1; i < n && sorted; i++)
		sorted = d[i - 1] >= d[i];
	if (!sorted)
		qsort(d, n, sizeof(*d), descending);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || d[kept - 1] != d[i])
			d[kept++] = d[i];
	return kept;
}

static enum err
write_table(struct ctx *cx, const struct table *t, const bool *dead, struct out *o)
{
	struct table_term *term = NEW(cx->arena, struct table_term, t->terms + 1);
	int64_t *doc = NEW(cx->arena, int64_t, t->docs + 1);
	size_t n;

	if (t->terms > 0)
		memcpy(term, t->term, t->terms * sizeof(*term));
	qsort(term, t->terms, sizeof(*term), by_term);
	for (uint32_t i = 0; i < t->terms; i++) {
		n = 0;
		for (uint32_t run = term[i].run, left = 0, d; run_next(t, &run, &left, &d);)
			if (!dead[d])
				doc[n++] = t->doc[d].doc;
		n = sort_docs(doc, n);
		for (size_t k = 0; k < n; k++)
			TRY(out_post(o, term[i].term, doc[k]));
	}
	for (int kind = 0; kind < KINDS; kind++) {
		n = 0;
		for (uint32_t i = t->docs; i-- > 0;)
			if (t->doc[i].kind == kind && t->doc[i].terms && !dead[i])
				doc[n++] = t->doc[i].doc;
		n = sort_docs(doc, n);
		for (size_t k = 0; k < n; k++)
			out_doc(o, (enum doc_kind)kind, doc[k]);
	}
	return OK;
}

/* The tombstones that arose in the table and are the newest of their documents:
 * first those that some segment needs, *needed of them. */
static enum err
table_tombs(struct ctx *cx, struct search *s, const struct table *t, struct tomb **out, int *count, int *needed)
{
	struct tomb *tomb = NEW(cx->arena, struct tomb, t->docs + 1), *found;
	int n = 0, first = 0;

	pthread_rwlock_rdlock(&s->lock);
	for (uint32_t i = 0; i < t->docs; i++) {
		const struct tomb *known = t->doc[i].mode == MODE_ADD ? NULL
		    : tomb_find(&s->tombs, doc_key((enum doc_kind)t->doc[i].kind, t->doc[i].doc));
		if (known != NULL && known->seq == t->doc[i].seq)
			tomb[n++] = *known;
	}
	pthread_rwlock_unlock(&s->lock);
	found = tomb;
	/* Only this thread replaces s->version, through its own publications. */
	for (int g = 0; n > 0 && first < n && g < s->version->count; g++) {
		struct docs docs;
		TRY(segment_docs(cx, s->version->seg[g], &docs));
		for (int i = first; i < n; i++)
			if (docs_have(&docs, (enum doc_kind)(found[i].doc & 3), found[i].doc >> 2)) {
				struct tomb x = found[i];
				found[i] = found[first];
				found[first++] = x;
			}
	}
	*out = tomb;
	*count = n;
	*needed = first;
	return OK;
}

static enum err
build_in(struct ctx *cx, struct search *s, struct table *t, struct out **o)
{
	bool *dead = NEW(cx->arena, bool, t->docs + 1);
	struct publication p = { .s = s, .table = t };
	struct tomb *tomb;
	int tombs, needed;
	int64_t to = t->to;
	enum err e;

	pthread_rwlock_rdlock(&s->lock);
	for (uint32_t i = 0; i < t->docs; i++) {
		const struct tomb *known = tomb_find(&s->tombs, doc_key((enum doc_kind)t->doc[i].kind, t->doc[i].doc));
		dead[i] = known != NULL && known->seq > t->doc[i].seq;
	}
	pthread_rwlock_unlock(&s->lock);
	TRY(out_begin(cx, 0, t->from, t->to, t->terms, NULL, NULL, o));
	TRY(write_table(cx, t, dead, *o));
	TRY(out_end(*o, &p.fresh));
	TRY(table_tombs(cx, s, t, &tomb, &tombs, &needed));
	e = write_tombs(cx, s, tomb, needed, false);
	if (e == OK && p.fresh == NULL)
		/* Nothing to publish that would cover the deltas: they go first. */
		for (struct removal r = { .upto = to, .changed = 1 }; r.changed > 0 && e == OK;)
			e = store_write(cx, remove_in, &r);
	if (e == OK)
		e = store_write(cx, publish_in, &p);
	if (e != OK) {
		segment_unref(p.fresh);
		return e;
	}
	s->covered = to;
	s->clean = s->keys = true;
	/* The others have nothing older anywhere; few of them have a row from before. */
	for (int i = needed; i < tombs; i++)
		if (tomb[i].stored) {
			struct tomb x = tomb[i];
			tomb[i] = tomb[needed];
			tomb[needed++] = x;
			TRY(write_tombs(cx, s, &x, 1, true));
		}
	forget_tombs(NULL, &(struct tomb_rows){ s, tomb + needed, tombs - needed, true });
	return OK;
}

static enum err
build(struct ctx *cx, struct search *s, struct table *t)
{
	struct arena *own = cx->arena;
	struct out *o = NULL;
	enum err e;

	cx->arena = arena_new();
	e = build_in(cx, s, t, &o);
	if (o != NULL)
		out_free(&o);
	arena_free(&cx->arena);
	cx->arena = own;
	s->clean = true;                             /* also what a failure left */
	return e;
}

static struct table *
frozen_table(struct search *s, int at_least)
{
	struct table *t = NULL;
	int n = 0;

	pthread_rwlock_rdlock(&s->lock);
	for (int i = 0; i < s->tables; i++)
		n += s->table[i]->frozen;
	if (n >= at_least)
		t = s->table[0];
	pthread_rwlock_unlock(&s->lock);
	return t;
}

/* In the middle of long work: tables must not pile up in memory. */
static enum err
breathe(struct ctx *cx, void *arg)
{
	struct search *s = arg;
	struct table *t;

	while ((t = frozen_table(s, 2)) != NULL)
		TRY(build(cx, s, t));
	return OK;
}

static void
freeze_after(struct sys *sys UNUSED, void *arg)
{
	struct search *s = arg;

	pthread_rwlock_wrlock(&s->lock);
	if (s->tables > 0)
		s->table[s->tables - 1]->frozen = true;
	pthread_rwlock_unlock(&s->lock);
}

/* On the writer thread: deltas before this are in the table when the hook
 * runs, those after it make a table of their own. */
static enum err
freeze_in(struct ctx *cx, void *arg)
{
	struct search *s = arg;

	s->key = 0;
	store_after(cx, freeze_after, s);
	return OK;
}

/* ---- merging, and rewriting without what is dead --------------------------------------------------------------------- */

struct dead { int64_t *id; size_t slots; };      /* a set of documents of one kind; NO_DOC: free */

static bool
is_dead(const struct dead *d, int64_t doc)
{
	size_t h;

	if (d->slots == 0)
		return false;
	for (h = (size_t)((uint64_t)doc * 0x9e3779b97f4a7c15u >> 20) & (d->slots - 1); d->id[h] != NO_DOC;
	    h = (h + 1) & (d->slots - 1))
		if (d->id[h] == doc)
			return true;
	return false;
}

struct input {
	struct walk w;
	struct docs docs;
	struct dead dead[KINDS];
};

static void
find_dead(struct ctx *cx, struct search *s, const struct segment *g, struct input *in)
{
	for (int k = 0; k < KINDS; k++) {
		int64_t *id = NEW(cx->arena, int64_t, in->docs.n[k] + 1);
		size_t n = 0, slots = 4;
		pthread_rwlock_rdlock(&s->lock);
		for (int64_t i = 0; s->tombs.used > 0 && i < in->docs.n[k]; i++) {
			const struct tomb *t = tomb_find(&s->tombs, doc_key((enum doc_kind)k, in->docs.id[k][i]));
			if (t != NULL && t->seq > g->to)
				id[n++] = in->docs.id[k][i];
		}
		pthread_rwlock_unlock(&s->lock);
		if (n == 0)
			continue;
		while (slots < n * 2)
			slots *= 2;
		in->dead[k] = (struct dead){ NEW(cx->arena, int64_t, slots), slots };
		for (size_t i = 0; i < slots; i++)
			in->dead[k].id[i] = NO_DOC;
		for (size_t i = 0; i < n; i++) {
			size_t h = (size_t)((uint64_t)id[i] * 0x9e3779b97f4a7c15u >> 20) & (slots - 1);
			while (in->dead[k].id[h] != NO_DOC)
				h = (h + 1) & (slots - 1);
			in->dead[k].id[h] = id[i];
		}
	}
}

static enum err
merge_postings(struct input *in, int n, struct out *o)
{
	for (int i = 0; i < n; i++)
		TRY(segment_next(&in[i].w));
	for (;;) {
		struct input *at[64];
		uint64_t term = UINT64_MAX;
		int ats = 0;
		for (int i = 0; i < n; i++) {
			if (in[i].w.doc == NO_DOC || in[i].w.term > term)
				continue;
			if (in[i].w.term < term)
				ats = 0;
			term = in[i].w.term;
			at[ats++] = &in[i];
		}
		if (ats == 0)
			return OK;
		while (ats > 0) {
			int64_t doc = NO_DOC;
			bool alive = false;
			for (int i = 0; i < ats; i++)
				doc = at[i]->w.doc > doc ? at[i]->w.doc : doc;
			for (int i = 0; i < ats;) {
				struct input *x = at[i];
				if (x->w.doc == doc) {
					alive = alive || !is_dead(&x->dead[term_kind(term)], doc);
					TRY(segment_next(&x->w));
					if (x->w.doc == NO_DOC || x->w.term != term) {
						at[i] = at[--ats];
						continue;
					}
				}
				i++;
			}
			if (alive)
				TRY(out_post(o, term, doc));
		}
	}
}

static void
merge_docs(struct ctx *cx, struct input *in, int n, struct out *o)
{
	for (int k = 0; k < KINDS; k++) {
		int64_t *at = NEW(cx->arena, int64_t, n), doc;
		for (;;) {
			bool alive = false;
			doc = NO_DOC;
			for (int i = 0; i < n; i++)
				if (at[i] < in[i].docs.n[k] && in[i].docs.id[k][at[i]] > doc)
					doc = in[i].docs.id[k][at[i]];
			if (doc == NO_DOC)
				break;
			for (int i = 0; i < n; i++)
				if (at[i] < in[i].docs.n[k] && in[i].docs.id[k][at[i]] == doc) {
					alive = alive || !is_dead(&in[i].dead[k], doc);
					at[i]++;
				}
			if (alive)
				out_doc(o, (enum doc_kind)k, doc);
		}
	}
}

static enum err
merge_in(struct ctx *cx, struct search *s, const struct segment *const *old, int n, int level, struct input *in,
    struct out **o)
{
	struct publication p = { .s = s, .old = old, .olds = n };
	int64_t terms = 0;
	enum err e;

	for (int i = 0; i < n; i++) {
		terms += segment_terms(old[i]);
		TRY(segment_docs(cx, old[i], &in[i].docs));
		find_dead(cx, s, old[i], &in[i]);
	}
	TRY(out_begin(cx, level, old[0]->from, old[n - 1]->to, terms, breathe, s, o));
	TRY(merge_postings(in, n, *o));
	merge_docs(cx, in, n, *o);
	TRY(out_end(*o, &p.fresh));
	e = store_write(cx, publish_in, &p);
	if (e != OK) {
		segment_unref(p.fresh);
		return e;
	}
	for (int i = 0; i < n; i++)
		cache_drop(&s->cache, old[i]->id);
	s->clean = s->sweep = s->keys = true;
	return OK;
}

/* Neighbours become one. */
static enum err
merge(struct ctx *cx, struct search *s, int at, int n, int level)
{
	struct arena *own = cx->arena;
	const struct segment **old;
	struct version *v;
	struct input *in;
	struct out *o = NULL;
	enum err e;

	cx->arena = arena_new();
	old = NEW(cx->arena, const struct segment *, n);
	in = NEW(cx->arena, struct input, n);
	pthread_rwlock_rdlock(&s->lock);
	v = s->version;
	atomic_fetch_add(&v->refs, 1);               /* `old` lives until the end */
	pthread_rwlock_unlock(&s->lock);
	for (int i = 0; i < n; i++) {
		old[i] = v->seg[at + i];
		segment_walk(&in[i].w, cx, old[i]);
	}
	e = merge_in(cx, s, old, n, level, in, &o);
	for (int i = 0; i < n; i++)
		segment_leave(&in[i].w);
	if (o != NULL)
		out_free(&o);
	version_unref(v);
	arena_free(&cx->arena);
	cx->arena = own;
	s->clean = true;
	return e;
}

/* The first run of `fan` neighbours of one level, lowest level first. Levels do
 * not grow from old to new, because all of a level are merged together and the
 * result takes their place. */
static bool
find_run(struct search *s, int *at, int *n, int *level)
{
	const struct version *v = s->version;

	for (int l = 0; l < LEVELS; l++) {
		int64_t docs = 0, posts = 0, docs_max = s->table_docs, posts_max = s->table_posts;
		int first = -1, count = 0;
		for (int i = 0; i < v->count; i++)
			if (v->seg[i]->level == l) {
				first = first < 0 ? i : first;
				count++;
				docs += v->seg[i]->docs;
				posts += v->seg[i]->postings;
			}
		if (count < s->fan)
			continue;
		for (int i = 0; i < l; i++) {
			docs_max *= s->fan;
			posts_max *= s->fan;
		}
		*at = first;
		*n = count < 64 ? count : 64;
		*level = l + (docs > docs_max || posts > posts_max);
		return true;
	}
	return false;
}

/* ---- erasing ------------------------------------------------------------------------------------------------------------- */

static usec
erase_after(struct ctx *cx)
{
	int64_t minutes = cx->sys->gate != NULL ? gate_setting_int(cx, "search_erase_minutes", 60) : 60;

	return minutes <= 0 ? 0 : (usec)(minutes < 44640 ? minutes : 44640) * 30 * SECOND;
}

/* Tombstones; `due`: only those whose deadline is near. In the arena. */
static int
list_tombs(struct ctx *cx, struct search *s, bool due, struct tomb **out)
{
	usec before = cx->now - (due ? erase_after(cx) : 0);
	struct tomb *t;
	int n = 0, max;

	pthread_rwlock_rdlock(&s->lock);
	max = due && s->tombs.used > DUE_MAX ? DUE_MAX : (int)s->tombs.used;
	*out = t = NEW(cx->arena, struct tomb, max + 1);
	for (size_t i = 0; i < s->tombs.slots && n < max; i++)
		if (s->tombs.slot[i].doc != NO_DOC &&
		    (!due || (s->tombs.slot[i].since != 0 && s->tombs.slot[i].since <= before)))
			t[n++] = s->tombs.slot[i];
	pthread_rwlock_unlock(&s->lock);
	return n;
}

static int
by_doc(const void *a, const void *b)
{
	int64_t x = ((const struct tomb *)a)->doc, y = ((const struct tomb *)b)->doc;

	return x < y ? -1 : x > y;
}

static struct tomb *
tomb_in(struct tomb *list, int n, int64_t doc)
{
	return bsearch(&(struct tomb){ .doc = doc }, list, (size_t)n, sizeof(*list), by_doc);
}

/* Marks (seq negative) those of the list for which a table has something older; how many. */
static int
held_by_tables(struct search *s, struct tomb *list, int n)
{
	int held = 0;

	pthread_rwlock_rdlock(&s->lock);
	for (int i = 0; i < s->tables && n > 0; i++)
		for (uint32_t k = 0; k < s->table[i]->docs; k++) {
			const struct table_doc *d = &s->table[i]->doc[k];
			struct tomb *t = d->terms ? tomb_in(list, n, doc_key((enum doc_kind)d->kind, d->doc)) : NULL;
			if (t != NULL && t->seq > d->seq) {
				t->seq = -t->seq;
				held++;
			}
		}
	pthread_rwlock_unlock(&s->lock);
	return held;
}

/* Marks those for which the segment has something older; how many. */
static enum err
held_by_segment(struct ctx *cx, const struct segment *g, struct tomb *list, int n, int *held)
{
	struct arena *own = cx->arena;
	struct docs docs;
	enum err e;

	cx->arena = arena_new();
	e = segment_docs(cx, g, &docs);
	for (int i = 0; e == OK && i < n; i++)
		if (list[i].seq > g->to && docs_have(&docs, (enum doc_kind)(list[i].doc & 3), list[i].doc >> 2)) {
			list[i].seq = -list[i].seq;
			++*held;
		}
	arena_free(&cx->arena);
	cx->arena = own;
	return e;
}

static enum err
drop_unheld(struct ctx *cx, struct search *s, struct tomb *list, int n)
{
	int left = 0;

	for (int i = 0; i < n; i++)
		if (list[i].seq > 0)
			list[left++] = list[i];
	return write_tombs(cx, s, list, left, true);
}

/* One thing that a near deadline needs; *did: there was one. */
static enum err
erase_one(struct ctx *cx, struct search *s, bool *did)
{
	struct tomb *list;
	int n = list_tombs(cx, s, true, &list);

	*did = false;
	if (n == 0)
		return OK;
	*did = true;
	qsort(list, (size_t)n, sizeof(*list), by_doc);
	if (held_by_tables(s, list, n) > 0)
		return store_write(cx, freeze_in, s);        /* the next step builds it */
	for (int i = 0; i < s->version->count; i++) {
		int held = 0;
		TRY(held_by_segment(cx, s->version->seg[i], list, n, &held));
		if (held > 0)
			return merge(cx, s, i, 1, s->version->seg[i]->level);
	}
	/* All that held them was replaced; now the keys go, then the tombstones. */
	TRY(store_erase(cx));
	s->keys = false;
	s->keys_at = cx->now;
	return drop_unheld(cx, s, list, n);
}

static enum err
sweep(struct ctx *cx, struct search *s)
{
	struct tomb *list;
	int n = list_tombs(cx, s, false, &list), held = 0;

	s->sweep = false;
	if (n == 0)
		return OK;
	qsort(list, (size_t)n, sizeof(*list), by_doc);
	held_by_tables(s, list, n);
	for (int i = 0; i < s->version->count && held < n; i++)
		TRY(held_by_segment(cx, s->version->seg[i], list, n, &held));
	/* Those with a deadline stay until erase_one() has seen to their keys. */
	for (int i = 0; i < n; i++)
		if (list[i].since != 0 && list[i].seq > 0)
			list[i].seq = -list[i].seq;
	return drop_unheld(cx, s, list, n);
}

/* ---- the step ------------------------------------------------------------------------------------------------------------- */

static enum err
step(struct ctx *cx, struct search *s, bool *more)
{
	int at, n, level;
	struct table *t;

	if (s->keys && cx->now - s->keys_at >= ERASE_KEYS_EVERY) {
		enum err e = store_erase(cx);
		s->keys = e != OK;
		s->keys_at = cx->now;
		if (e == E_BUSY)                     /* a reader was in the way; not now, then */
			fail_forget(cx);
		else
			TRY(e);
	}
	*more = true;
	if ((t = frozen_table(s, 1)) != NULL)
		return build(cx, s, t);
	if (find_run(s, &at, &n, &level))
		return merge(cx, s, at, n, level);
	for (at = 0; at < s->version->count; at++)
		if (s->version->seg[at]->filter == NULL)     /* from before there were filters */
			return merge(cx, s, at, 1, s->version->seg[at]->level);
	if (s->clean)
		return clean(cx, s);
	TRY(erase_one(cx, s, more));
	if (*more)
		return OK;
	return s->sweep ? sweep(cx, s) : OK;
}

/* ---- views ------------------------------------------------------------------------------------------------------------------ */

static int
by_hit(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->doc != y->doc ? (x->doc > y->doc ? -1 : 1) : x->stamp > y->stamp ? -1 : x->stamp < y->stamp;
}

/* What the tables have of one term, newest first; with the lock held. */
static void
list_gather(struct ctx *cx, const struct search *s, struct list *l)
{
	int cap = 0;

	for (int i = s->tables - 1; i >= 0; i--) {
		const struct table *t = s->table[i];
		const struct table_term *term = table_find(t, l->term);
		for (uint32_t run = term != NULL ? term->run : 0, left = 0, at; run_next(t, &run, &left, &at);) {
			const struct table_doc *d = &t->doc[at];
			if (l->count == cap) {
				struct hit *old = l->hit;
				cap = cap == 0 ? 32 : cap * 4;
				l->hit = NEW(cx->arena, struct hit, cap);
				if (old != NULL)
					memcpy(l->hit, old, sizeof(*old) * (size_t)l->count);
			}
			l->hit[l->count++] = (struct hit){ d->doc, d->seq };
		}
	}
}

static void
list_settle(struct list *l)
{
	bool sorted = true;
	int kept = 0;

	for (int i = 1; i < l->count && sorted; i++)
		sorted = by_hit(&l->hit[i - 1], &l->hit[i]) <= 0;
	if (!sorted)
		qsort(l->hit, (size_t)l->count, sizeof(*l->hit), by_hit);
	for (int i = 0; i < l->count; i++)
		if (kept == 0 || l->hit[kept - 1].doc != l->hit[i].doc)
			l->hit[kept++] = l->hit[i];
	l->count = kept;
}

enum err
view_open(struct ctx *cx, const uint64_t *terms, int n, struct view *out)
{
	struct search *s = cx->sys->search;

	if (s == NULL || s->account != cx->account)
		return fail(cx, E_FAULT, "search", "the index is not open");
	*out = (struct view){ .cx = cx, .s = s, .cache = &s->cache, .scratch = arena_new(),
	    .list = NEW(cx->arena, struct list, n + 1) };
	for (int i = 0; i < n; i++) {
		int k = 0;
		while (k < out->lists && out->list[k].term != terms[i])
			k++;
		if (k == out->lists)
			out->list[out->lists++].term = terms[i];
	}
	pthread_rwlock_rdlock(&s->lock);
	out->v = s->version;
	atomic_fetch_add(&out->v->refs, 1);
	out->seq = s->seq;
	for (int i = 0; i < out->lists; i++)
		list_gather(cx, s, &out->list[i]);
	pthread_rwlock_unlock(&s->lock);
	for (int i = 0; i < out->lists; i++)
		list_settle(&out->list[i]);
	return OK;
}

void
view_close(struct view *v)
{
	if (v->s == NULL)
		return;
	for (int i = 0; i < v->helds; i++)
		blob_unref(&v->held[i]);
	version_unref(v->v);
	arena_free(&v->scratch);
	*v = (struct view){ 0 };
}

int64_t
view_dead_before(struct view *v, enum doc_kind kind, int64_t doc)
{
	const struct tomb *t;
	int64_t seq = 0;

	pthread_rwlock_rdlock(&v->s->lock);
	t = tomb_find(&v->s->tombs, doc_key(kind, doc));
	if (t != NULL)
		seq = t->seq;
	pthread_rwlock_unlock(&v->s->lock);
	if (seq > v->seq) {
		v->stale = true;
		return 0;
	}
	return seq;
}

/* ---- desk.h ----------------------------------------------------------------------------------------------------------------- */

struct replay { struct search *s; bool old; };

static enum err
replay_delta(struct ctx *cx UNUSED, const struct row *r, void *arg)
{
	struct search *s = arg;
	str terms = row_sensitive(r, 6).hidden;
	struct delta *d;

	if (row_erased(r, 6))
		return OK;
	d = must(malloc(sizeof(*d) + terms.n));
	*d = (struct delta){ .s = s, .seq = row_int(r, 0), .kind = (enum doc_kind)row_int(r, 1), .doc = row_int(r, 2),
	    .mode = (enum mode)row_int(r, 3), .key = row_int(r, 4), .at = row_int(r, 5), .n = terms.n / sizeof(d->term[0]) };
	if (terms.n > 0)
		memcpy(d->term, terms.p, d->n * sizeof(d->term[0]));
	take_delta(s, d);
	if (s->key != d->key)
		s->docs = s->posts = 0;
	s->key = d->key;
	s->docs++;
	s->posts += (int)d->n;
	free(d);
	return OK;
}

static enum err
load(struct ctx *cx, struct search *s)
{
	struct version *v;
	struct rows rs;

	TRY(store_all(cx, &select_segments, ARGS(INT(cx->account)), &rs));
	v = must(calloc(1, sizeof(*v) + sizeof(v->seg[0]) * (size_t)rs.count));
	atomic_init(&v->refs, 1);
	s->version = v;
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		struct segment *g = must(calloc(1, sizeof(*g)));
		atomic_init(&g->refs, 1);
		v->seg[v->count++] = g;
		g->id = row_int(r, 0);
		g->level = (int)row_int(r, 1);
		g->from = row_int(r, 2);
		g->to = row_int(r, 3);
		g->key = row_int(r, 4);
		g->docs = row_int(r, 5);
		g->postings = row_int(r, 6);
		g->buckets = (uint32_t)row_int(r, 7);
		g->dir_chunks = (int)row_int(r, 8);
		g->doc_chunks = (int)row_int(r, 9);
		g->filter_chunks = (int)row_int(r, 10);
		TRY(segment_load(cx, g));
		s->covered = g->to > s->covered ? g->to : s->covered;
	}
	TRY(store_all(cx, &select_tombstones, ARGS(INT(cx->account)), &rs));
	for (int i = 0; i < rs.count; i++) {
		int64_t doc = doc_key((enum doc_kind)row_int(&rs.row[i], 0), row_int(&rs.row[i], 1));
		tomb_put(&s->tombs, doc, row_int(&rs.row[i], 2), row_int(&rs.row[i], 3));
		s->tombs.slot[tomb_slot(&s->tombs, doc)].stored = true;
	}
	s->seq = s->covered;
	return store_each(cx, &select_deltas, ARGS(INT(cx->account), INT(s->covered)), replay_delta, s);
}

enum err
search_open(struct ctx *cx, struct search **out)
{
	CLEANUP(search_close) struct search *s = must(calloc(1, sizeof(*s)));
	struct arena *own = cx->arena;
	pthread_rwlockattr_t attr;
	enum err e;

	s->account = cx->account;
	s->table_docs = TABLE_DOCS;
	s->table_posts = TABLE_POSTS;
	s->fan = FAN;
	s->clean = s->sweep = s->keys = true;        /* perhaps; a step looks */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&s->cache.lock, NULL);
	pthread_mutex_init(&s->step, NULL);
	cx->arena = arena_new();
	e = search_term_key != NULL ? load(cx, s) : fail(cx, E_FAULT, "search", "nothing is wired to key terms with");
	arena_free(&cx->arena);
	cx->arena = own;
	TRY(e);
	*out = s;
	s = NULL;
	return OK;
}

void
search_close(struct search **sp)
{
	struct search *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	version_unref(s->version);
	for (int i = 0; i < s->tables; i++)
		table_free(s->table[i]);
	free(s->table);
	free(s->tombs.slot);
	cache_drop(&s->cache, 0);
	pthread_mutex_destroy(&s->cache.lock);
	pthread_mutex_destroy(&s->step);
	pthread_rwlock_destroy(&s->lock);
	free(s);
}

enum err
search_step(struct ctx *cx, bool *more)
{
	struct search *s = cx->sys->search;
	struct arena *own = cx->arena;
	enum err e;

	*more = false;
	if (s == NULL || s->account != cx->account)
		return fail(cx, E_FAULT, "search", "the index is not open");
	if (cx->tx != NULL)
		return fail(cx, E_FAULT, "search", "index work cannot be done inside a transaction");
	if (pthread_mutex_trylock(&s->step) != 0)
		return OK;                           /* somebody is at it */
	cx->arena = arena_new();
	e = step(cx, s, more);
	arena_free(&cx->arena);
	cx->arena = own;
	pthread_mutex_unlock(&s->step);
	if (e == E_BUSY && stopping(cx)) {
		fail_forget(cx);
		*more = false;
		return OK;
	}
	return e;
}

enum err
search_add(struct ctx *cx, char doc, int64_t id, struct terms *terms)
{
	return add(cx, doc, id, MODE_ADD, terms);
}

enum err
search_replace(struct ctx *cx, char doc, int64_t id, struct terms *terms)
{
	return add(cx, doc, id, MODE_REPLACE, terms);
}

enum err
search_change(struct ctx *cx, char doc, int64_t id, struct terms *terms)
{
	return add(cx, doc, id, MODE_CHANGE, terms);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------- */

void
search_tune(struct search *s, int docs, int posts, int fan)
{
	s->table_docs = docs;
	s->table_posts = posts;
	s->fan = fan;
}

void
search_stats(struct search *s, struct index_stats *out)
{
	pthread_rwlock_rdlock(&s->lock);
	*out = (struct index_stats){ .tables = s->tables, .tombstones = (int)s->tombs.used, .segments = s->version->count };
	for (int i = 0; i < s->tables; i++)
		out->deltas += (int)s->table[i]->docs;
	for (size_t i = 0; i < s->tombs.slots; i++)
		out->due += s->tombs.slot[i].doc != NO_DOC && s->tombs.slot[i].since != 0;
	for (int i = 0; i < s->version->count; i++) {
		out->docs += s->version->seg[i]->docs;
		out->postings += s->version->seg[i]->postings;
		out->buckets += s->version->seg[i]->buckets;
	}
	pthread_rwlock_unlock(&s->lock);
}

/* ---- statements ---------------------------------------------------------------------------------------------------------------- */

const struct stmt *const search_stmts[] = {
	&insert_delta, &select_deltas, &delete_deltas, &select_segments, &publish_segment, &retire_segment, &select_dead,
	&delete_segment, &delete_buckets, &put_tombstone, &drop_tombstone, &select_tombstones,
#define ADDRESS(name) &name,
	SEGMENT_STMTS(ADDRESS) QUERY_STMTS(ADDRESS)
	NULL
};
