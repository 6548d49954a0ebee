/* router.c - finds the row of a route table for a method and a path.
 *
 * The tables become a tree of segments, built once. A node has edges for fixed
 * names, sorted by length and bytes, and at most one for {id} and one for
 * {word}. A segment tries them in that order, and goes back when the branch
 * ends nowhere: /users/me wins over /users/{id}, and a row for PUT
 * /users/{word} is found although /users/me exists with GET only. Depth is
 * that of the tables, so a hostile path costs at most 3^depth small steps and
 * in fact one or two.
 */
#include <stdlib.h>

#include "http/http.h"

enum { METHODS = OPTIONS + 1, HOLES = 4 };

struct node;
struct edge {
	struct edge *next;           /* while building */
	str          name;
	struct node *to;
};
struct node {
	struct edge        *edges;   /* a list while building, then an array */
	int                 edge_count;
	struct node        *id, *word;
	unsigned            methods; /* 1 << method for each row */
	const struct route *row[METHODS];
};
struct router { struct node root; };

static void __attribute__((noreturn))
bug(const struct route *r, const char *why)
{
	log_line(LOG_LV_ERROR, "http", "route table: %s path=%s method=%d", why, r->path, (int)r->method);
	abort();
}

static struct node *
child(struct arena *a, struct node *n, str name)
{
	struct edge *e;

	for (e = n->edges; e != NULL; e = e->next)
		if (str_eq(e->name, name))
			return e->to;
	e = NEW(a, struct edge, 1);
	*e = (struct edge){ n->edges, name, NEW(a, struct node, 1) };
	n->edges = e;
	n->edge_count++;
	return e->to;
}

static void
add(struct arena *a, struct router *r, const struct route *row)
{
	struct node *n = &r->root;
	str rest = str_of(row->path), name;
	int ids = 0, words = 0;

	if ((unsigned)row->method >= METHODS)
		bug(row, "no such method");
	if (row->permission == 0)
		bug(row, "no permission");
	if (row->handle == NULL)
		bug(row, "no handler");
	if (!str_starts(rest, S("/")) || str_ends(rest, S(".json")))
		bug(row, "malformed path");
	for (rest = str_sub(rest, 1, rest.n); rest.n > 0; ) {
		name = str_cut(&rest, '/');
		if (name.n == 0)
			bug(row, "empty segment");
		if (name.p[0] != '{') {
			n = child(a, n, name);
		} else if (str_ends(name, S("id}"))) {
			if (ids++ == HOLES)
				bug(row, "too many placeholders");
			if (n->id == NULL)
				n->id = NEW(a, struct node, 1);
			n = n->id;
		} else if (str_eq(name, S("{word}")) || str_ends(name, S("*}"))) {
			if (words++ == HOLES)
				bug(row, "too many placeholders");
			if (n->word == NULL)
				n->word = NEW(a, struct node, 1);
			n = n->word;
		} else {
			bug(row, "unknown placeholder");
		}
	}
	if (n->row[row->method] != NULL)
		bug(row, "two rows");
	n->row[row->method] = row;
	n->methods |= 1u << row->method;
}

static int
by_name(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->name.n != y->name.n)
		return x->name.n < y->name.n ? -1 : 1;
	return memcmp(x->name.p, y->name.p, x->name.n);
}

static void
settle(struct arena *a, struct node *n)
{
	struct edge *list = n->edges, *sorted;
	int i = 0;

	if (n->methods & 1u << GET)
		n->methods |= 1u << HEAD;
	if (n->edge_count > 0) {
		sorted = NEW(a, struct edge, (size_t)n->edge_count);
		for (; list != NULL; list = list->next)
			sorted[i++] = *list;
		qsort(sorted, (size_t)n->edge_count, sizeof(*sorted), by_name);
		n->edges = sorted;
		for (i = 0; i < n->edge_count; i++)
			settle(a, sorted[i].to);
	}
	if (n->id != NULL)
		settle(a, n->id);
	if (n->word != NULL)
		settle(a, n->word);
}

struct router *
router_new(struct arena *a, const struct route *const *tables)
{
	struct router *r = NEW(a, struct router, 1);

	for (; *tables != NULL; tables++)
		for (const struct route *row = *tables; row->method != 0; row++)
			add(a, r, row);
	settle(a, &r->root);
	return r;
}

/* ---- finding ---------------------------------------------------------------------------------- */

struct search {
	struct http_req    *rq;
	const struct route *found;
	unsigned            methods;
	int                 ids, words;    /* placeholders filled on the way to here */
};

static bool
id_of(str s, int64_t *out)
{
	int64_t v = 0;

	if (s.n == 0 || s.n > 18)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*out = v;
	return v > 0;
}

/* What may stand for {word}: text without control characters that is not a
 * step in a file system, since handlers may make names out of it. */
static bool
is_word(str s)
{
	if (str_eq(s, S(".")) || str_eq(s, S("..")) || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static const struct edge *
edge_of(const struct node *n, str name)
{
	int low = 0, high = n->edge_count;

	while (low < high) {
		int mid = low + (high - low) / 2;
		const struct edge *e = &n->edges[mid];
		int order = e->name.n != name.n ? (e->name.n < name.n ? -1 : 1) :
		    memcmp(e->name.p, name.p, name.n);

		if (order == 0)
			return e;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* `at_end`: the path ends at this node; `rest` is empty then. */
static bool
walk(struct search *s, const struct node *n, str rest, bool at_end)
{
	struct http_req *rq = s->rq;
	const struct edge *e;
	const char *slash;
	int64_t id;
	str name;

	if (at_end) {
		s->methods |= n->methods;
		s->found = (unsigned)rq->method < METHODS ? n->row[rq->method] : NULL;
		if (s->found == NULL && rq->method == HEAD)
			s->found = n->row[GET];
		return s->found != NULL;
	}
	if (rest.n == 0)
		return false;
	slash = memchr(rest.p, '/', rest.n);
	at_end = slash == NULL;
	name = at_end ? rest : (str){ rest.p, (size_t)(slash - rest.p) };
	rest = at_end ? S("") : str_sub(rest, name.n + 1, rest.n);
	if (name.n == 0)
		return false;

	if ((e = edge_of(n, name)) != NULL && walk(s, e->to, rest, at_end))
		return true;
	if (n->id != NULL && id_of(name, &id)) {
		rq->param[s->ids++] = id;
		if (walk(s, n->id, rest, at_end))
			return true;
		rq->param[--s->ids] = 0;
	}
	if (n->word != NULL && is_word(name)) {
		rq->word[s->words++] = name;
		if (walk(s, n->word, rest, at_end))
			return true;
		rq->word[--s->words] = S("");
	}
	return false;
}

const struct route *
router_find(const struct router *r, struct http_req *rq, unsigned *allowed)
{
	struct search s = { .rq = rq };
	str path = rq->path, bare = path;

	*allowed = 0;
	memset(rq->param, 0, sizeof(rq->param));
	memset(rq->word, 0, sizeof(rq->word));
	if (!str_starts(path, S("/")))
		return NULL;
	if (str_ends(path, S("/")) && path.n > 1 && !str_ends(path, S("//")))
		bare = path = str_sub(path, 0, path.n - 1);
	else if (str_ends(path, S(".json")) && !str_ends(path, S("/.json")))
		path.n -= 5;
	walk(&s, &r->root, str_sub(path, 1, path.n), path.n == 1);
	if (s.found == NULL)
		*allowed = s.methods;
	else
		rq->path = bare;
	return s.found;
}
