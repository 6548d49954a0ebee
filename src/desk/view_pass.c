/* view_pass.c - makes behind what is kept of views.
 *
 * A view over tags, words, custom fields or columns that no index of a view
 * has is counted by looking at each ticket of its statuses. On a large desk
 * that takes seconds, so no request does it: it asks here, and answers with
 * what was known. One thread of low priority goes over the tickets once for all
 * views that were asked for, in chunks, each a statement of its own: between
 * them nothing is held, neither a connection nor a snapshot.
 *
 * One number out of many snapshots. A ticket's place is (status, id), and places
 * are read in this order. A chunk is a segment of places with the newest
 * generated_at that its snapshot saw. Between chunks the ring of changes
 * (view_kept.c) is read on: a ticket as it was before a change is taken off
 * if its place had been read in a segment older than the change, as it is
 * after it added on the same condition. A place that is still to come is left
 * alone: its segment will be younger. At the end an empty write waits until all
 * that any segment can have seen is in the ring; then the number is that of
 * one moment, and is kept like any other. A first page is gathered on the
 * way: a list of ids, for which the last that is heard of a ticket holds.
 *
 * After a start the views that all agents share are made ready in the same way.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "desk/view_kept.h"

#define LARGE      2000              /* tickets; what fewer need, a request does itself */
#define ROLL_AFTER 1024              /* changes */
#define TICK       (SECOND / 4)
#define REST       (5 * SECOND)      /* after a pass that failed */
enum { WISHES = 64, WARM = 64, CHUNK_SEALED = 200, CHUNK_OPEN = 1000, TRIES = 50 };

struct wish { int64_t rule_id, user_id; struct order o; bool own_order, taken; };
struct passes {
	pthread_mutex_t lock;
	pthread_cond_t  more;
	pthread_t       thread;
	struct sys     *sys;
	int64_t         account;
	struct wish     wish[WISHES];        /* the first `wishes` */
	int             wishes;
	atomic_bool     stop;
};

struct segment { int status; int64_t last; usec generated; };
struct target {
	const struct compiled *c;
	const struct actor    *actor;
	struct plan            p;
	struct kept            count;
	struct top            *top;          /* NULL: this order is not kept */
	unsigned               statuses;
};
struct pass {
	struct counters *k;
	struct target   *target;
	int              targets;
	struct arena    *scratch;
	struct segment  *segment;
	int              segments, room;
	int              first[TICKET_CLOSED + 2];   /* of a status: its first segment; of what is not begun: all there are */
	uint64_t         seq, epoch;
	bool             sealed;
	/* the chunk that is read */
	int              rows;
	int64_t          last;
	usec             generated;
};

/* Without the text where nobody asks for it: it lies apart from the row and is to be opened. */
#define TICKETS_OF(doc) \
	"SELECT t.id, t.key_id, t.requester_id, t.submitter_id, t.assignee_id, t.group_id, t.organization_id," \
	" t.problem_id, t.brand_id, t.form_id, t.followup_source_id, t.status, t.priority, t.type, t.is_public," \
	" t.has_incidents, t.comment_count, t.channel, t.created_at, t.updated_at, t.generated_at, t.due_at, t.solved_at," \
	" t.deleted_at, t.cc, " doc ", " NEWEST " FROM ticket t WHERE t.account_id = $1 AND t.status = $2 AND t.deleted_at IS NULL" \
	" AND t.id > $3 ORDER BY t.id LIMIT $4"
static const struct stmt chunk_sealed = {
	.name = "view.chunk_sealed", .sql = TICKETS_OF("t.doc"),
	.in   = "iiii", .out = LIST_OUT "i?", .seal_out = { { "ticket", "doc", 0 } },
};
static const struct stmt chunk_open = {
	.name = "view.chunk_open", .sql = TICKETS_OF("NULL"),
	.in   = "iiii", .out = LIST_OUT "?i?", .seal_out = { { "ticket", "doc", 0 } },
};
static const struct stmt newest = {
	.name = "view.pass_newest",
	.sql  = "SELECT COALESCE(" NEWEST ", 0)",
	.in   = "i", .out = "i",
};
static const struct stmt largest = {
	.name = "view.largest",
	.sql  = "SELECT COALESCE(MAX(id), 0) FROM ticket WHERE account_id = $1",
	.in   = "i", .out = "i",
};
const struct stmt *const view_pass_stmts[] = { &chunk_sealed, &chunk_open, &newest, &largest, NULL };

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

/* What an index of views has: (status or agent or group, updated_at, id). */
static bool
covered(const struct cond *c)
{
	static const char *const cols[] = { "t.status", "t.updated_at", "t.assignee_id", "t.group_id" };

	for (size_t i = 0; i < COUNT(cols); i++)
		if (c->row->sql != NULL && strcmp(c->row->sql, cols[i]) == 0)
			return true;
	return false;
}

bool
pass_due(struct ctx *cx, struct counters *k, const struct plan *p)
{
	const struct compiled *c = p->c;
	bool light = p->whole && p->rests == 0 && !p->rest_any, few = false;

	(void)cx;
	if (k->passes == NULL || !atomic_load_explicit(&k->large, memory_order_acquire))
		return false;
	for (int i = 0; i < c->alls; i++) {
		light = light && covered(&c->all[i]);
		/* One agent's tickets are few. */
		few = few || (strcmp(c->all[i].row->name, "assignee_id") == 0 && c->all[i].op == OP_IS && c->all[i].nums == 1
		    && p->rests == 0 && !p->rest_any);
	}
	for (int i = 0; i < c->anys; i++)
		light = light && covered(&c->any[i]);
	return !light && !few;
}

void
pass_ask(struct ctx *cx, struct counters *k, const struct rule *view, int64_t user, const struct order *o)
{
	struct passes *ps = k->passes;
	bool there = false;

	(void)cx;
	pthread_mutex_lock(&ps->lock);
	for (int i = 0; i < ps->wishes && !there; i++) {
		const struct wish *w = &ps->wish[i];
		there = w->rule_id == view->id && w->user_id == user && w->own_order == (o == NULL)
		    && (o == NULL || order_bits(o) == order_bits(&w->o));
	}
	/* When there is no room, whoever comes next asks again. */
	if (!there && ps->wishes < WISHES) {
		ps->wish[ps->wishes++] = (struct wish){ .rule_id = view->id, .user_id = user, .own_order = o == NULL, .o = o ? *o : (struct order){ 0 } };
		pthread_cond_signal(&ps->more);
	}
	pthread_mutex_unlock(&ps->lock);
}

/* ---- a pass ------------------------------------------------------------------------------------------------------------ */

/* Was this place read in a segment that did not see the change of `generated`? */
static bool
read_before(const struct pass *ps, int status, int64_t id, usec generated)
{
	int lo = ps->first[status], hi = ps->first[status + 1];

	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;
		if (ps->segment[mid].last < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ps->first[status + 1] && generated > ps->segment[lo].generated;
}

static enum err
row_seen(struct ctx *cx, const struct row *r, void *arg)
{
	struct pass *ps = arg;
	struct arena *own = cx->arena;
	struct ticket t;
	struct subject s = { .cx = cx, .t = &t, .now = cx->now };
	enum err e = OK;

	ps->rows++;
	ps->generated = row_int(r, r->n - 1);
	ps->last = row_int(r, 0);
	cx->arena = ps->scratch;
	ticket_from_row(cx, r, &t);
	for (int i = 0; i < ps->targets && e == OK; i++) {
		struct target *g = &ps->target[i];
		bool yes;
		if (!(g->statuses & 1u << t.status))
			continue;
		if (cx->actor != g->actor) {
			cx->actor = g->actor;
			s.user_id = g->actor->user_id;
			s.role = g->actor->role;
			s.have_groups = false;
		}
		yes = rule_holds(&s, g->c);
		e = s.e;
		if (e == OK && yes && !g->p.whole)
			e = view_visible(cx, &t, &yes);
		g->count.n += e == OK && yes;
		if (e == OK && yes && g->top != NULL)
			top_change(g->top, t.id, true, key_of(g->top->order, t.id, (int)t.status, t.updated_at));
	}
	cx->arena = own;
	cx->actor = NULL;
	arena_reset(ps->scratch);
	return e;
}

static enum err
one_change(struct ctx *cx, const struct pass *ps, struct target *g, const struct change *ch)
{
	bool before = false, after = false;

	if (!ch->before.gone && (g->statuses & 1u << ch->before.status) && read_before(ps, ch->before.status, ch->id, ch->generated))
		TRY(snap_counts(cx, &g->p, ch->id, &ch->before, &before));
	if (!ch->after.gone && (g->statuses & 1u << ch->after.status))
		TRY(snap_counts(cx, &g->p, ch->id, &ch->after, &after));
	if (g->top != NULL)
		top_change(g->top, ch->id, after, key_of(g->top->order, ch->id, ch->after.status, ch->after.updated_at));
	after = after && read_before(ps, ch->after.status, ch->id, ch->generated);
	g->count.n += after - before;
	return OK;
}

/* What the ring has since the last time. E_BUSY: not all of it is there. */
static enum err
read_ring(struct ctx *cx, struct pass *ps)
{
	struct since since;
	enum err e = OK;

	if (!changes_since(cx, ps->k, true, ps->seq, ps->segment[0].generated, ps->epoch, ps->sealed, &since)) {
		since_done(&since);
		return E_BUSY;
	}
	for (int i = 0; i < since.todos && e == OK; i++) {
		if (since.todo[i]->generated > ps->generated)
			ps->generated = since.todo[i]->generated;
		for (int k = 0; k < ps->targets && e == OK; k++) {
			cx->actor = ps->target[k].actor;
			e = one_change(cx, ps, &ps->target[k], since.todo[i]);
		}
	}
	since_done(&since);
	ps->seq = since.head;
	return e;
}

static enum err
read_chunk(struct ctx *cx, struct pass *ps, int status, int64_t after, bool sealed, int limit)
{
	const struct stmt *st = sealed ? &chunk_sealed : &chunk_open;
	struct row r;

	for (int tries = 0; tries < TRIES; tries++) {
		usec before;
		/* Of no row nobody learns up to when there was none. */
		TRY(store_one(cx, &newest, ARGS(INT(cx->account)), &r));
		before = row_int(&r, 0);
		ps->rows = 0;
		TRY(store_each(cx, st, ARGS(INT(cx->account), INT(status), INT(after), INT(limit)), row_seen, ps));
		if (ps->rows > 0)
			return OK;
		ps->generated = before;
		TRY(store_one(cx, &newest, ARGS(INT(cx->account)), &r));
		if (row_int(&r, 0) == before)
			return OK;
	}
	return E_BUSY;
}

static enum err
segment_add(struct pass *ps, int status, int64_t last)
{
	if (ps->segments == ps->room) {
		int room = ps->room ? 2 * ps->room : 64;
		struct segment *more = realloc(ps->segment, sizeof *more * (size_t)room);
		if (more == NULL)
			return E_FAULT;
		ps->segment = more;
		ps->room = room;
	}
	ps->segment[ps->segments++] = (struct segment){ status, last, ps->generated };
	for (int st = status + 1; st <= TICKET_CLOSED + 1; st++)
		ps->first[st] = ps->segments;
	return OK;
}

/* All tickets of one status. */
static enum err
read_status(struct passes *p, struct pass *ps, int status, bool sealed)
{
	int limit = sealed ? CHUNK_SEALED : CHUNK_OPEN;
	int64_t last = 0;
	enum err e = OK;
	bool more = true;

	while (e == OK && more && !atomic_load(&p->stop)) {
		struct ctx cx;
		ctx_init(&cx, p->sys, p->account);
		e = read_chunk(&cx, ps, status, last, sealed, limit);
		more = ps->rows == limit;
		last = ps->last;
		if (e == OK)
			e = segment_add(ps, status, more ? last : INT64_MAX);
		if (e == OK)
			e = read_ring(&cx, ps);
		ctx_done(&cx);
	}
	return e == OK && more ? E_BUSY : e;
}

static enum err
nothing(struct ctx *cx, void *arg)
{
	(void)cx;
	(void)arg;
	return OK;
}

/* What a wish means as of now; *ok false: there is no such view any more, or nobody to see it. */
static enum err
target_of(struct ctx *cx, struct pass *ps, const struct wish *w, struct target *g, bool *ok)
{
	const struct book *b;
	const struct compiled *c;
	struct order o = w->o;
	struct query q;
	uint64_t version, gate;
	int64_t user;

	*ok = false;
	if (w->user_id == 0)
		gate_as_system(cx, "views");
	else if (gate_as_user(cx, w->user_id, "views") != OK) {
		fail_clear(cx);
		return OK;
	}
	TRY(book_get(cx, &b));
	if ((c = book_find(b, w->rule_id)) == NULL || c->broken || c->r.kind != RULE_VIEW)
		return OK;
	TRY(view_compiled(cx, &c->r, &c, &version));
	if (version == 0)
		return OK;
	if (w->own_order)
		view_order(c, &(struct view_page){ 0 }, &o);
	*g = (struct target){ .c = c, .actor = cx->actor, .p = { .c = c }, .statuses = view_statuses(c) };
	view_begin(&q, cx);
	view_where(&q, &g->p, cx->now, true);
	TRY(sight_of(cx, ps->k, &g->p, &user, &gate));
	g->count = (struct kept){ .rule_id = c->r.id, .user_id = user, .version = version, .gate = gate };
	if (o.walked && !g->p.timed && !g->p.words) {
		g->top = NEW(cx->arena, struct top, 1);
		*g->top = (struct top){ .rule_id = c->r.id, .user_id = user, .version = version, .gate = gate, .order = order_bits(&o), .complete = true };
	}
	*ok = true;
	return OK;
}

static enum err
pass_over(struct passes *p, struct ctx *cx, struct pass *ps, const struct wish *wish, int wishes)
{
	unsigned statuses = 0, sealed = 0;
	usec began = time_mono(), counted_at = time_now();
	struct ctx end;
	enum err e;

	ps->target = NEW(cx->arena, struct target, wishes);
	for (int i = 0; i < wishes; i++) {
		struct target *g = &ps->target[ps->targets];
		bool ok;
		TRY(target_of(cx, ps, &wish[i], g, &ok));
		if (!ok)
			continue;
		ps->targets++;
		statuses |= g->statuses;
		ps->sealed = ps->sealed || g->p.sealed;
		if (g->p.sealed || g->p.words)
			sealed |= g->statuses;
	}
	if (ps->targets == 0)
		return OK;
	pthread_mutex_lock(&ps->k->ring_lock);
	ps->seq = ps->k->head;
	ps->epoch = ps->k->epoch;
	pthread_mutex_unlock(&ps->k->ring_lock);
	for (int st = TICKET_NEW; st <= TICKET_CLOSED; st++)
		if (statuses & 1u << st)
			TRY(read_status(p, ps, st, sealed >> st & 1));
	ctx_init(&end, p->sys, p->account);
	e = store_write(&end, nothing, NULL);
	if (e == OK && ps->segments)
		e = read_ring(&end, ps);
	ctx_done(&end);
	TRY(e);
	for (int i = 0; i < ps->targets; i++) {
		struct target *g = &ps->target[i];
		g->count.seq = ps->seq;
		g->count.epoch = ps->epoch;
		g->count.generated = ps->generated;
		g->count.counted_at = counted_at;
		g->count.cost = time_mono() - began;
		count_put(ps->k, &g->count);
		if (g->top == NULL)
			continue;
		g->top->seq = ps->seq;
		g->top->epoch = ps->epoch;
		g->top->generated = ps->generated;
		g->top->made_at = time_now();
		top_put(ps->k, g->top);
	}
	return OK;
}

/* What was asked for by now; what is asked for meanwhile waits for the next pass. */
static void
pass_once(struct passes *p)
{
	struct counters *k = p->sys->rules->counters;
	struct wish wish[WISHES];
	struct pass ps = { .k = k };
	struct ctx cx;
	enum err e;
	int n = 0;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->wishes; i++) {
		p->wish[i].taken = true;
		wish[n++] = p->wish[i];
	}
	pthread_mutex_unlock(&p->lock);
	if (n == 0)
		return;
	ctx_init(&cx, p->sys, p->account);
	ps.scratch = arena_new();
	e = pass_over(p, &cx, &ps, wish, n);
	if (e != OK && e != E_BUSY)
		log_line(LOG_LV_WARN, "views", "counters of views will be made later: %s", cx.fail.why ? cx.fail.why : err_name(e));
	arena_free(&ps.scratch);
	free(ps.segment);
	ctx_done(&cx);
	pthread_mutex_lock(&p->lock);
	n = 0;
	for (int i = 0; i < p->wishes; i++)
		if (!p->wish[i].taken || e == E_BUSY)
			p->wish[n++] = p->wish[i];
	p->wishes = n;
	pthread_mutex_unlock(&p->lock);
	for (usec until = time_mono() + REST; e != OK && time_mono() < until && !atomic_load(&p->stop);)
		usleep(TICK);
}

/* ---- the thread -------------------------------------------------------------------------------------------------------- */

/* Made ready, or kept up, for those who see all: all shared views, or those alone that only a pass can make. */
static void
warm(struct passes *p, bool heavy)
{
	struct counters *k = p->sys->rules->counters;
	struct rule *r;
	struct ctx cx;
	int n = 0;

	ctx_init(&cx, p->sys, p->account);
	gate_as_system(&cx, "views");
	if (rule_list(&cx, &(struct rule_filter){ .kind = RULE_VIEW, .active = 1 }, &r, &n) == OK)
		for (int i = 0; i < n && i < WARM && !atomic_load(&p->stop); i++) {
			struct ctx one;
			ctx_init(&one, p->sys, p->account);
			gate_as_system(&one, "views");
			if (view_warm(&one, k, &r[i], heavy) != OK)
				fail_clear(&one);
			ctx_done(&one);
		}
	ctx_done(&cx);
}

static bool
is_large(struct passes *p)
{
	struct ctx cx;
	struct row r;
	bool yes;

	ctx_init(&cx, p->sys, p->account);
	yes = store_one(&cx, &largest, ARGS(INT(p->account)), &r) == OK && row_int(&r, 0) > LARGE;
	ctx_done(&cx);
	return yes;
}

static void *
passes_main(void *arg)
{
	struct passes *p = arg;
	struct counters *k = p->sys->rules->counters;
	uint64_t rolled = 0, head;

	if (setpriority(PRIO_PROCESS, 0, 10) != 0)
		log_line(LOG_LV_DEBUG, "views", "the priority cannot be lowered");
	if (atomic_load(&k->large))
		warm(p, false);
	while (!atomic_load(&p->stop)) {
		usec until = time_now() + TICK;
		struct timespec ts = { .tv_sec = until / SECOND, .tv_nsec = until % SECOND * 1000 };
		pthread_mutex_lock(&p->lock);
		if (p->wishes == 0)
			(void)pthread_cond_timedwait(&p->more, &p->lock, &ts);
		pthread_mutex_unlock(&p->lock);
		if (!atomic_load(&k->large))
			atomic_store_explicit(&k->large, is_large(p), memory_order_release);
		pass_once(p);
		pthread_mutex_lock(&k->ring_lock);
		head = k->head;
		pthread_mutex_unlock(&k->ring_lock);
		if (head - rolled > ROLL_AFTER) {
			rolled = head;
			warm(p, true);
		}
	}
	return NULL;
}

enum err
views_open(struct ctx *cx)
{
	struct counters *k = cx->sys->rules->counters;
	struct passes *p = calloc(1, sizeof *p);

	if (p == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	p->sys = cx->sys;
	p->account = cx->account;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	atomic_store(&k->large, is_large(p));
	k->passes = p;
	if (pthread_create(&p->thread, NULL, passes_main, p) != 0) {
		k->passes = NULL;
		free(p);
		return fail(cx, E_FAULT, NULL, "the thread of the views cannot be started");
	}
	return OK;
}

void
views_close(struct sys *sys)
{
	struct counters *k = sys->rules ? sys->rules->counters : NULL;
	struct passes *p = k ? k->passes : NULL;

	if (p == NULL)
		return;
	atomic_store(&p->stop, true);
	pthread_mutex_lock(&p->lock);
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	k->passes = NULL;
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
