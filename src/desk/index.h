/* index.h - the inside of search: words and terms, the index, cursors over it.
 *
 * words.c takes texts apart, segment.c is the form of what is stored, search.c
 * keeps the index (deltas, memory, building, merging, erasing), query.c reads
 * it. Nobody outside desk includes this, but for the tests.
 */
#ifndef WARD_DESK_INDEX_H
#define WARD_DESK_INDEX_H

#include <pthread.h>
#include <stdatomic.h>

#include "desk/in.h"

enum doc_kind { KIND_TICKET, KIND_USER, KIND_ORG, KINDS };

/* ---- words.c ------------------------------------------------------------------------------------------ */

#define WORD_MAX  ((size_t)64)               /* bytes of a word that count */
#define WHOLE_MAX ((size_t)254)              /* longer compounds are found by their parts only */

/* Spaces of terms: what a word was found in. */
#define IN_TEXT    't'                       /* anywhere */
#define IN_TITLE   's'                       /* a ticket's subject; a name */
#define IN_TAG     'g'                       /* a whole tag */
#define IN_TAGGED  'G'                       /* the empty word: has any tag */
#define IN_HEAD    'p'                       /* the first characters of a longer word */
#define IN_EMAIL   'e'                       /* a whole address; of an organization: a domain */
#define IN_PHONE   'h'                       /* its digits */
#define IN_FOREIGN 'x'                       /* an external id */

/* NFKC, lower case, without diacritics; what is no letter, digit or mark is a
 * blank, the marks that join words ( @ . _ - + ' ) stay. In the arena. */
str  words_fold(struct arena *a, str text);
/* The words of a folded text in their order; `whole`: a compound ("a-b",
 * "jane@clinic.example"), which comes after its parts. Slices of `folded`. */
typedef void word_fn(void *arg, str word, bool whole);
void words_split(str folded, word_fn *fn, void *arg);
/* Without the plural of English; `room` holds the result if it is another. */
str  word_stem(str word, char room[WORD_MAX]);
/* Bytes of the first `chars` characters; 0 when the word is not longer. */
size_t word_head(str word, int chars);
/* The longest head of that kind of document that is indexed and not longer
 * than `word`; 0: none is so short. *exact: it is the word itself. */
size_t head_of(enum doc_kind kind, str word, bool *exact);

uint64_t term_of(struct ctx *cx, enum doc_kind kind, char space, str word);
static inline enum doc_kind
term_kind(uint64_t term)
{
	return (enum doc_kind)(term & 3);
}
/* More than search_terms(): with the heads of that kind; `title`: also as a title. */
void terms_heads(struct ctx *cx, enum doc_kind kind, bool title, str text, struct terms *into);
/* One whole value (folded, without blanks around it) in that space. */
void terms_value(struct ctx *cx, char space, str text, struct terms *into);
str  fold_value(struct ctx *cx, str text);
str  digits_of(struct arena *a, str text);

/* ---- segment.c: stored lists -------------------------------------------------------------------------- */

#define NO_DOC    ((int64_t)-1)
#define STAMP_MAX INT64_MAX

struct blob { atomic_int refs; size_t n; char p[]; };

struct dir { uint64_t term, at; };           /* at: first document << 1 | its list began in an earlier bucket */

/* From `refs` on never changed once it is live. */
struct segment {
	atomic_int  refs;
	int64_t     id, key, from, to;       /* from, to: sequence numbers of what is in it */
	int64_t     docs, postings;
	int         level, dir_chunks, doc_chunks, filter_chunks;
	uint32_t    buckets, filter_lines;
	struct dir *dir;                     /* one per bucket */
	unsigned char *filter;               /* NULL: none */
};

struct version { atomic_int refs; int count; struct segment *seg[]; };   /* oldest first */

/* Plain buckets: at most 16 MB of them. */
enum { CACHE_SETS = 256, CACHE_WAYS = 4 };
struct cache {
	pthread_mutex_t lock;
	uint64_t        tick;
	struct slot { int64_t id; uint64_t used; struct blob *blob; } slot[CACHE_SETS][CACHE_WAYS];
};
void cache_drop(struct cache *c, int64_t segment);     /* 0: all */

/* A segment while it is written: postings by ascending term, in it by
 * descending document, each once. Buckets go to the database a megabyte at a
 * time; between, `breathe` is called. */
struct out;
typedef enum err breathe_fn(struct ctx *cx, void *arg);
enum err out_begin(struct ctx *cx, int level, int64_t from, int64_t to, int64_t terms, breathe_fn *breathe, void *arg,
    struct out **o) MUST_CHECK;              /* terms: about how many there will be */
enum err out_post(struct out *o, uint64_t term, int64_t doc) MUST_CHECK;
void     out_doc(struct out *o, enum doc_kind kind, int64_t doc);      /* descending in its kind */
/* Writes what is left. *seg is NULL when there was no posting; a segment that
 * is never published is found in state 0 and removed later. */
enum err out_end(struct out *o, struct segment **seg) MUST_CHECK;
int64_t  out_segment(const struct out *o);
void     out_free(struct out **o);

struct docs { int64_t *id[KINDS]; int64_t n[KINDS]; };                 /* descending */
/* In cx's arena. */
enum err segment_docs(struct ctx *cx, const struct segment *g, struct docs *out) MUST_CHECK;
bool     docs_have(const struct docs *d, enum doc_kind kind, int64_t doc);
enum err segment_load(struct ctx *cx, struct segment *g) MUST_CHECK;          /* what is kept in memory of it */
int64_t  segment_terms(const struct segment *g);                            /* about */
bool     segment_may_have(const struct segment *g, uint64_t term);          /* false: it has not */
void     segment_unref(struct segment *g);
void     version_unref(struct version *v);
extern size_t segment_bucket_bytes;          /* 12 KiB; tests make it smaller */

/* Walks everything in a segment, in its order; at the end w->doc is NO_DOC. */
struct walk {
	struct ctx   *cx;
	const struct segment *g;
	struct arena *arena;                 /* of the bucket that is read */
	uint32_t      next;                  /* the bucket after this one */
	str           rest, list;            /* of the bucket; of the list */
	uint64_t      left;                  /* documents of the list not yet given */
	bool          start, first;          /* nothing was read of the bucket; of the list */
	uint64_t      term;
	int64_t       doc;
};
void     segment_walk(struct walk *w, struct ctx *cx, const struct segment *g);
enum err segment_next(struct walk *w) MUST_CHECK;
void     segment_leave(struct walk *w);

/* Reads a bucket; through the cache unless `c` is NULL. E_CONFLICT: it is there no more. */
enum err bucket_get(struct ctx *cx, struct cache *c, const struct segment *g, uint32_t n, struct blob **out) MUST_CHECK;
void     blob_unref(struct blob **b);

#define SEGMENT_STMTS(X) X(st_insert_segment) X(st_insert_bucket) X(st_select_bucket)
extern const struct stmt st_insert_segment, st_insert_bucket, st_select_bucket;

/* ---- search.c: the index ------------------------------------------------------------------------------ */

/* For tests: documents and terms per delta table, segments per merge. */
void search_tune(struct search *s, int docs, int posts, int fan);
struct index_stats { int tables, deltas, segments, tombstones, due; int64_t docs, postings, buckets; };   /* due: with a deadline */
void search_stats(struct search *s, struct index_stats *out);

/* What one query sees of the index: one moment of it. All terms are named at
 * once. E_CONFLICT while reading: the index went on; open another view. */
struct hit { int64_t doc, stamp; };
struct list { uint64_t term; struct hit *hit; int count; };            /* from memory, descending, newest stamp only */
struct view {
	struct ctx     *cx;
	struct search  *s;
	struct cache   *cache;
	struct version *v;
	struct arena   *scratch;
	int64_t         seq;
	bool            stale;               /* something was replaced after the view was opened that mattered */
	struct list    *list;
	int             lists;
	struct blob   **held;                /* let go by view_close */
	int             helds, held_cap;
};
enum err view_open(struct ctx *cx, const uint64_t *terms, int n, struct view *out) MUST_CHECK;
void     view_close(struct view *v);
/* The sequence number before which the document's postings are dead, 0 if none
 * are. Sets v->stale when that is newer than the view. */
int64_t  view_dead_before(struct view *v, enum doc_kind kind, int64_t doc);

/* The documents of one term, descending. A document has the term if the stamp
 * is not below view_dead_before(). */
struct part {
	const struct segment *g;             /* NULL: from memory */
	const struct list    *l;
	int          at, held;               /* in l; in view->held */
	uint32_t     bucket;                 /* being read */
	str          list;
	uint64_t     left;
	bool         more, first;
	int64_t      doc;
};
struct cursor {
	struct view *view;
	uint64_t     term;
	struct part *part;
	int          parts, top;             /* top: the part that has the highest document */
	int64_t      second;                 /* the highest of the others */
	int64_t      count;                  /* postings, about */
	int64_t      doc, stamp;             /* NO_DOC at the end */
};
enum err cursor_open(struct view *v, uint64_t term, struct cursor *c) MUST_CHECK;   /* stands at no document yet */
enum err cursor_seek(struct cursor *c, int64_t upto) MUST_CHECK;       /* to the highest document not above it */

/* ---- query.c ---------------------------------------------------------------------------------------------- */

#define QUERY_STMTS(X) X(st_ticket_facts) X(st_ticket_scan) X(st_ticket_scan_updated) X(st_by_requester) \
	X(st_by_assignee) X(st_by_group) X(st_by_organization) X(st_by_cc) X(st_by_status) X(st_by_updated) \
	X(st_by_external) X(st_has_comment_by) X(st_has_attachment) X(st_satisfaction) X(st_ticket_doc) X(st_comment_docs) \
	X(st_attachment_docs) X(st_user_facts) X(st_user_scan) X(st_org_facts) X(st_org_scan) X(st_groups) \
	X(st_members)
#define QUERY_EXTERN(name) extern const struct stmt name;
QUERY_STMTS(QUERY_EXTERN)

/* ---- small ------------------------------------------------------------------------------------------------ */

static inline bool
take_varint(str *s, uint64_t *v)
{
	uint64_t x = 0;
	size_t i = 0;

	for (unsigned shift = 0; i < s->n && shift < 64; shift += 7) {
		unsigned char b = (unsigned char)s->p[i++];
		x |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*v = x;
			s->p += i;
			s->n -= i;
			return true;
		}
	}
	return false;
}

#endif
