/* view_kept.c - what is kept of views: their counters and their first pages.
 *
 * Counters. A view is counted once per actor's sight of it and then kept:
 * each write leaves the ticket before and after in a ring, and whoever asks
 * for a count applies what came since he last asked. A count and the newest
 * generated_at are read by one statement, so from one snapshot; changes in the
 * ring carry theirs, so none is missed or taken twice. Where that cannot be
 * known (the ring has gone round, a mass change, memberships changed), the view
 * is counted anew. So are views with hours or words, after a change or when
 * their number is older than STALE_FOR.
 *
 * Pages. The first TOP tickets of a view in an order that an index walks are
 * kept in the same way: a change takes its ticket out of the list and, when it
 * fits, in again at its place. What comes after the last that was read (`floor`)
 * is not known; a list that got too short is read anew. The tickets themselves
 * are read by their ids, and looked at once more, for they may be newer.
 */
#include <stdlib.h>

#include "desk/view_kept.h"

#define STALE_FOR (10 * SECOND)

/* ---- the ring of changes ------------------------------------------------------------------------------------------- */

struct counters *
counters_new(void)
{
	struct counters *c = calloc(1, sizeof *c);

	if (c != NULL) {
		pthread_mutex_init(&c->ring_lock, NULL);
		pthread_mutex_init(&c->lock, NULL);
		pthread_cond_init(&c->read, NULL);
	}
	return c;
}

static void
snap_free(struct snap *s)
{
	free(s->person);
	free(s->tag);
	free(s->custom);
}

static void
change_unref(struct change *c)
{
	if (c != NULL && atomic_fetch_sub(&c->users, 1) == 1) {
		snap_free(&c->before);
		snap_free(&c->after);
		free(c);
	}
}

void
counters_free(struct counters **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < RING; i++)
		change_unref((*c)->ring[i]);
	for (size_t i = 0; i < TOPS; i++)
		free((*c)->top[i]);
	pthread_mutex_destroy(&(*c)->ring_lock);
	pthread_mutex_destroy(&(*c)->lock);
	pthread_cond_destroy(&(*c)->read);
	free(*c);
	*c = NULL;
}

static bool
copy_of(void *out, const void *from, size_t n)
{
	void *p = malloc(n ? n : 1);

	if (p == NULL)
		return false;
	if (n)
		memcpy(p, from, n);
	*(void **)out = p;
	return true;
}

static bool
snap_take(struct ctx *cx, struct snap *s, const struct ticket *t, bool sealed)
{
	struct subject sub = { .cx = cx, .t = t };
	int64_t *all;

	if (t == NULL || t->deleted_at != 0) {
		*s = (struct snap){ .gone = true };
		return true;
	}
	*s = (struct snap){ .requester_id = t->requester_id, .submitter_id = t->submitter_id, .assignee_id = t->assignee_id,
	    .group_id = t->group_id, .organization_id = t->organization_id, .problem_id = t->problem_id, .brand_id = t->brand_id,
	    .form_id = t->form_id, .custom_status_id = t->custom_status_id, .created_at = t->created_at, .updated_at = t->updated_at, .due_at = t->due_at,
	    .solved_at = t->solved_at, .status = t->status, .priority = t->priority, .type = t->type, .is_public = t->is_public,
	    .people = t->cc_count + t->follower_count, .ccs = t->cc_count };
	memcpy(s->channel, t->channel.p ? t->channel.p : "", t->channel.n < sizeof s->channel - 1 ? t->channel.n : sizeof s->channel - 1);
	if (s->people) {
		all = NEW(cx->arena, int64_t, s->people);
		for (int i = 0; i < t->cc_count; i++)
			all[i] = t->cc[i];
		for (int i = 0; i < t->follower_count; i++)
			all[t->cc_count + i] = t->follower[i];
		if (!copy_of(&s->person, all, sizeof *all * (size_t)s->people))
			return false;
	}
	if (sealed) {
		subject_hashes(&sub);
		s->tags = sub.tags;
		s->customs = sub.customs;
		if (!copy_of(&s->tag, sub.tag, sizeof *sub.tag * (size_t)sub.tags)
		    || !copy_of(&s->custom, sub.custom, sizeof *sub.custom * (size_t)sub.customs))
			return false;
	}
	return true;
}

static void
change_drop(struct sys *sys, void *arg)
{
	(void)sys;
	change_unref(arg);
}

/* On the writer, in commit order: so the ring is in the order of generated_at. */
static void
change_done(struct sys *sys, void *arg)
{
	struct counters *c = sys->rules->counters;
	struct change *n = arg, *old;

	pthread_mutex_lock(&c->ring_lock);
	old = c->ring[c->head % RING];
	c->ring[c->head % RING] = n;
	c->head++;
	pthread_mutex_unlock(&c->ring_lock);
	change_unref(old);
}

static void
lost_from(struct counters *c, usec generated)
{
	pthread_mutex_lock(&c->ring_lock);
	if (generated > c->lost)
		c->lost = generated;
	pthread_mutex_unlock(&c->ring_lock);
}

void
view_note(struct ctx *cx, const struct ticket *old, const struct ticket *now)
{
	struct counters *c = cx->sys->rules ? cx->sys->rules->counters : NULL;
	struct change *n;

	if (c == NULL)
		return;
	if (!atomic_load_explicit(&c->live, memory_order_acquire)) {
		lost_from(c, now->generated_at);
		return;
	}
	if ((n = calloc(1, sizeof *n)) == NULL) {
		lost_from(c, now->generated_at);
		return;
	}
	atomic_init(&n->users, 1);
	n->id = now->id;
	n->generated = now->generated_at;
	n->sealed = atomic_load_explicit(&c->sealed, memory_order_acquire);
	if (!snap_take(cx, &n->before, old, n->sealed) || !snap_take(cx, &n->after, now, n->sealed)) {
		change_unref(n);
		lost_from(c, now->generated_at);
		return;
	}
	store_after(cx, change_done, n);
	store_undo(cx, change_drop, n);
}

static void
forget(struct sys *sys, void *arg)
{
	struct counters *c = sys->rules->counters;

	(void)arg;
	pthread_mutex_lock(&c->ring_lock);
	c->epoch++;
	pthread_mutex_unlock(&c->ring_lock);
}

void
view_forget(struct ctx *cx)
{
	if (cx->sys->rules != NULL)
		store_after(cx, forget, NULL);
}

enum err
snap_counts(struct ctx *cx, const struct plan *p, int64_t id, const struct snap *s, bool *yes)
{
	struct ticket t = { .id = id, .requester_id = s->requester_id, .submitter_id = s->submitter_id, .assignee_id = s->assignee_id,
	    .group_id = s->group_id, .organization_id = s->organization_id, .problem_id = s->problem_id, .brand_id = s->brand_id,
	    .form_id = s->form_id, .custom_status_id = s->custom_status_id, .created_at = s->created_at, .updated_at = s->updated_at, .due_at = s->due_at,
	    .solved_at = s->solved_at, .status = (enum ticket_status)s->status, .priority = (enum ticket_priority)s->priority,
	    .type = (enum ticket_type)s->type, .is_public = s->is_public, .channel = str_of(s->channel), .cc = s->person,
	    .cc_count = s->ccs, .follower = s->person ? s->person + s->ccs : NULL, .follower_count = s->people - s->ccs };
	struct subject sub = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now,
	    .tag = s->tag, .tags = s->tags, .have_tag = true, .custom = s->custom, .customs = s->customs, .have_custom = true };

	*yes = false;
	if (s->gone || !rule_holds(&sub, p->c))
		return sub.e;
	TRY(sub.e);
	*yes = true;
	return p->whole ? OK : view_visible(cx, &t, yes);
}

/* A count looked up one by one. */
struct looking { const struct plan *p; struct arena *scratch; int64_t looked, n; usec generated; };

static enum err
look_at(struct ctx *cx, const struct row *r, void *arg)
{
	struct looking *l = arg;
	struct arena *own = cx->arena;
	struct ticket t;
	struct subject s = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
	bool yes = false;
	enum err e = OK;

	l->looked++;
	l->generated = row_int(r, r->n - 1);
	cx->arena = l->scratch;
	ticket_from_row(cx, r, &t);
	yes = view_rest_holds(l->p, &s);
	if (yes && !l->p->whole)
		e = view_visible(cx, &t, &yes);
	l->n += yes;
	cx->arena = own;
	arena_reset(l->scratch);
	return s.e != OK ? s.e : e;
}

static const struct stmt newest = {
	.name = "view.newest",
	.sql  = "SELECT COALESCE(" NEWEST ", 0)",
	.in   = "i", .out = "i",
};

static const struct stmt by_ids = {
	.name = "view.by_ids",
	.sql  = "SELECT " LIST_COLS " FROM ticket t WHERE t.account_id = $1 AND t.id IN (SELECT value FROM json_each($2)) AND t.deleted_at IS NULL",
	.in   = "it", .out = LIST_OUT, .seal_out = { { "ticket", "doc", 0 } },
};

const struct stmt *const view_stmts[] = { &newest, &by_ids, NULL };

/* Counts anew; *generated: everything up to it is in the number. It is read by the statement that counts, so from the
 * same snapshot; where there was no ticket to look at, before it, and nothing changed until after it. */
static enum err
count_anew(struct ctx *cx, const struct compiled *c, bool once, struct plan *p, int64_t *n, usec *generated)
{
	struct looking l = { .p = p };
	const struct stmt *st;
	struct query q, head;
	struct row r;
	enum err e = OK;

	view_begin(&q, cx);
	*p = (struct plan){ .c = c, .whole = p->whole };
	view_where(&q, p, cx->now, !p->whole);
	head = q;
	head.once = once;
	buf_init(&head.sql, cx->arena, 64 * KiB);
	if (p->rests == 0 && !p->rest_any) {
		view_say(&head, "SELECT count(*), " NEWEST);
		buf_add(&head.sql, buf_str(&q.sql));
		TRY(view_intern(&head, "view.count", "ii?", false, &st));
		TRY(store_one(cx, st, head.arg, head.n, &r));
		*n = row_int(&r, 0);
		*generated = row_int(&r, 1);
		return OK;
	}
	view_say(&head, "SELECT " LIST_COLS ", " NEWEST);
	buf_add(&head.sql, buf_str(&q.sql));
	TRY(view_intern(&head, "view.look", LIST_OUT "i?", true, &st));
	l.scratch = arena_new();
	for (int tries = 0; tries < 20; tries++) {
		usec before;
		if ((e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK)
			break;
		l.generated = before = row_int(&r, 0);
		if ((e = store_each(cx, st, head.arg, head.n, look_at, &l)) != OK || l.looked > 0
		    || (e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK || row_int(&r, 0) == before)
			break;
	}
	arena_free(&l.scratch);
	*n = l.n;
	*generated = l.generated;
	return e;
}

bool
changes_since(struct ctx *cx, struct counters *k, bool keep, uint64_t seq, usec generated, uint64_t epoch, bool sealed, struct since *s)
{
	uint64_t room = 0;

	*s = (struct since){ .todos = 0 };
	for (;;) {
		if (keep && room)
			s->todo = NEW(cx->arena, struct change *, room);
		pthread_mutex_lock(&k->ring_lock);
		s->head = k->head;
		s->epoch = k->epoch;
		keep = keep && epoch == k->epoch && generated >= k->lost && k->head - seq <= BEHIND_MAX;
		if (!keep || k->head - seq <= room)
			break;
		room = k->head - seq + 16;
		pthread_mutex_unlock(&k->ring_lock);
	}
	for (uint64_t i = seq; keep && i < s->head; i++) {
		struct change *ch = k->ring[i % RING];
		if (ch->generated <= generated)
			continue;
		if (sealed && !ch->sealed) {
			keep = false;
			break;
		}
		atomic_fetch_add(&ch->users, 1);
		s->todo[s->todos++] = ch;
	}
	pthread_mutex_unlock(&k->ring_lock);
	return keep;
}

void
since_done(struct since *s)
{
	for (int i = 0; i < s->todos; i++)
		change_unref(s->todo[i]);
	s->todos = 0;
}

enum err
sight_of(struct ctx *cx, struct counters *k, struct plan *p, int64_t *user, uint64_t *gate)
{
	enum scope s = scope_of(cx, NULL);
	bool some = true;

	if (s == SCOPE_AGENT)
		TRY(gate_any_private(cx, &some));
	p->whole = s == SCOPE_ALL || !some;
	atomic_store_explicit(&k->live, true, memory_order_release);
	if (p->sealed)
		atomic_store_explicit(&k->sealed, true, memory_order_release);
	*user = p->mine || !p->whole ? cx->actor->user_id : 0;
	*gate = p->groups || !p->whole ? gate_generation(cx) : 0;
	return OK;
}

static uint64_t
place_in_table(int64_t view, int64_t user)
{
	uint64_t h = ((uint64_t)view * 0x9E3779B97F4A7C15u) ^ ((uint64_t)user * 0xC2B2AE3D27D4EB4Fu);

	return h ^ h >> 29;
}

/* Reading anew may take long and is done by one: who comes meanwhile waits a little, and then asks again. */
enum turn { TURN_MINE, TURN_AGAIN, TURN_LATER };

static struct reading *
reading_of(struct counters *k, struct reading r)
{
	for (int i = 0; i < READINGS; i++)
		if (k->reading[i].rule_id == r.rule_id && k->reading[i].user_id == r.user_id && k->reading[i].order == r.order)
			return &k->reading[i];
	return NULL;
}

/* Who waits has no connection: others need it. Under k->lock; false: it lasted too long, or too many wait. */
static bool
wait_for_it(struct ctx *cx, struct counters *k, usec until)
{
	struct timespec ts = { .tv_sec = until / SECOND, .tv_nsec = until % SECOND * 1000 };
	int e;

	if (k->waiting >= WAITING_MAX)
		return false;
	if (cx->reader != NULL)
		ctx_release_reader(cx);
	cx->reader = NULL;
	k->waiting++;
	e = pthread_cond_timedwait(&k->read, &k->lock, &ts);
	k->waiting--;
	return e == 0;
}

bool
view_is_large(struct counters *k)
{
	return atomic_load_explicit(&k->large, memory_order_acquire);
}

void
slow_begin(struct ctx *cx, struct counters *k)
{
	usec until = time_now() + WAIT_LONG;

	pthread_mutex_lock(&k->lock);
	while (k->slow >= SLOW_MAX && wait_for_it(cx, k, until))
		;
	k->slow++;
	pthread_mutex_unlock(&k->lock);
}

void
slow_end(struct counters *k)
{
	pthread_mutex_lock(&k->lock);
	k->slow--;
	pthread_cond_broadcast(&k->read);
	pthread_mutex_unlock(&k->lock);
}

static enum turn
read_begin(struct ctx *cx, struct counters *k, struct reading r, usec wait)
{
	usec until = time_now() + wait;
	struct reading *mine;
	bool waited = false;

	pthread_mutex_lock(&k->lock);
	while (reading_of(k, r) != NULL) {
		waited = true;
		if (!wait_for_it(cx, k, until))
			break;
	}
	mine = reading_of(k, r);
	if (mine != NULL || waited) {
		pthread_mutex_unlock(&k->lock);
		return mine != NULL ? TURN_LATER : TURN_AGAIN;
	}
	if ((mine = reading_of(k, (struct reading){ 0 })) != NULL)       /* no room: two may read the same */
		*mine = r;
	pthread_mutex_unlock(&k->lock);
	return TURN_MINE;
}

static void
read_end(struct counters *k, struct reading r)
{
	struct reading *mine;

	pthread_mutex_lock(&k->lock);
	if ((mine = reading_of(k, r)) != NULL)
		*mine = (struct reading){ 0 };
	pthread_cond_broadcast(&k->read);
	pthread_mutex_unlock(&k->lock);
}

void
count_put(struct counters *k, const struct kept *n)
{
	uint64_t h = place_in_table(n->rule_id, n->user_id);
	struct kept *slot = NULL;
	bool same = false;

	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < 8 && !same; i++) {
		struct kept *s = &k->kept[(h + i) % KEPT];
		same = s->used && s->rule_id == n->rule_id && s->user_id == n->user_id;
		if (same || (!s->used && slot == NULL))
			slot = s;
	}
	if (slot == NULL)
		slot = &k->kept[(h + (rand_u64() & 7)) % KEPT];
	if (!same || slot->version != n->version || slot->epoch != n->epoch || slot->gate != n->gate || slot->generated <= n->generated) {
		*slot = *n;
		slot->used = true;
	}
	pthread_mutex_unlock(&k->lock);
}

static enum err
count_kept(struct ctx *cx, const struct rule *view, int64_t *count, bool *fresh, bool again);

enum err
view_count(struct ctx *cx, const struct rule *view, int64_t *count, bool *fresh)
{
	return count_kept(cx, view, count, fresh, false);
}

static enum err
count_kept(struct ctx *cx, const struct rule *view, int64_t *count, bool *fresh, bool again)
{
	struct counters *k = cx->sys->rules ? cx->sys->rules->counters : NULL;
	const struct compiled *c;
	struct kept *slot = NULL, was = { 0 };
	struct since since;
	struct reading reading;
	struct plan p;
	struct query q;
	uint64_t version, gate, h;
	int64_t user, n;
	usec generated, now = time_now();
	bool keep, behind, anew = true;
	enum err e = OK;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	TRY(view_compiled(cx, view, &c, &version));
	if (rule_hidden(cx, c)) {
		*count = 0;
		*fresh = true;
		return OK;
	}
	if (k == NULL || version == 0) {
		*fresh = true;
		p.whole = false;
		return count_anew(cx, c, true, &p, count, &generated);
	}
	view_begin(&q, cx);
	p = (struct plan){ .c = c };
	view_where(&q, &p, cx->now, true);
	TRY(sight_of(cx, k, &p, &user, &gate));
	behind = pass_due(cx, k, &p);
	h = place_in_table(view->id, user);

	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < 8; i++) {
		struct kept *s = &k->kept[(h + i) % KEPT];
		if (s->used && s->rule_id == view->id && s->user_id == user) {
			slot = s;
			was = *s;
			break;
		}
	}
	pthread_mutex_unlock(&k->lock);

	keep = slot != NULL && was.version == version && was.gate == gate;
	if (keep && (p.timed || p.words)) {
		usec age = now - was.counted_at;
		/* What is made behind may be older, and then is not fresh. */
		if (behind && age >= STALE_FOR && age < 20 * was.cost) {
			*count = was.n;
			*fresh = false;
			return OK;
		}
		keep = age < STALE_FOR && age >= 0;
	}
	keep = changes_since(cx, k, keep, was.seq, was.generated, was.epoch, p.sealed, &since);

	/* Hours and words cannot be kept up: after a change such a view is counted anew, but not more often than that
	 * its counting stays a twentieth of the time; meanwhile its number is not fresh. */
	if (keep && (p.timed || p.words) && since.todos > 0) {
		since_done(&since);
		keep = now - was.counted_at < 20 * was.cost;
		if (keep) {
			*count = was.n;
			*fresh = false;
			return OK;
		}
	}
	if (keep) {
		anew = false;
		n = was.n;
		generated = was.generated;
		for (int i = 0; i < since.todos && e == OK; i++) {
			const struct change *ch = since.todo[i];
			bool before, after = false;
			e = snap_counts(cx, &p, ch->id, &ch->before, &before);
			if (e == OK)
				e = snap_counts(cx, &p, ch->id, &ch->after, &after);
			n += after - before;
			generated = ch->generated > generated ? ch->generated : generated;
		}
	}
	since_done(&since);
	TRY(e);
	reading = (struct reading){ view->id, user, 0 };
	if (anew && behind) {
		pass_ask(cx, k, view, user, NULL);
		*count = slot != NULL ? was.n : -1;
		*fresh = false;
		return OK;
	}
	if (anew) {
		usec began = time_mono();
		enum turn turn = read_begin(cx, k, reading, WAIT_FOR);
		if (turn == TURN_AGAIN && !again)
			return count_kept(cx, view, count, fresh, true);
		if (turn != TURN_MINE) {
			*count = slot != NULL ? was.n : -1;
			*fresh = false;
			return OK;
		}
		e = count_anew(cx, c, false, &p, &n, &generated);
		was.counted_at = now;
		was.cost = time_mono() - began;
	}
	if (e != OK) {
		read_end(k, reading);
		return e;
	}
	*fresh = true;
	*count = n;
	count_put(k, &(struct kept){ .rule_id = view->id, .user_id = user, .n = n, .version = version, .gate = gate, .epoch = since.epoch,
	    .generated = generated, .counted_at = was.counted_at, .cost = was.cost, .seq = since.head });
	if (anew)
		read_end(k, reading);
	return OK;
}

/* ---- pages that are kept --------------------------------------------------------------------------------------------------- */

static int
key_cmp(unsigned order, const struct key *a, const struct key *b)
{
	int way = order & O_DOWN ? -1 : 1;

	if (a->g != b->g)
		return (a->g < b->g ? -1 : 1) * (order & O_GROUP_DOWN ? -1 : 1);
	if (a->s != b->s)
		return a->s < b->s ? -way : way;
	return a->id == b->id ? 0 : a->id < b->id ? -way : way;
}

struct key
key_of(unsigned order, int64_t id, int status, usec updated_at)
{
	return (struct key){ order & O_GROUPED ? status : 0, order & O_BY_NUMBER ? id : updated_at, id };
}

void
top_change(struct top *t, int64_t id, bool fits, struct key k)
{
	int at;

	for (at = 0; at < t->n && t->key[at].id != id; at++)
		;
	if (at < t->n)
		memmove(&t->key[at], &t->key[at + 1], sizeof *t->key * (size_t)(--t->n - at));
	if (!fits || (!t->complete && key_cmp(t->order, &k, &t->floor) > 0))
		return;
	for (at = t->n; at > 0 && key_cmp(t->order, &k, &t->key[at - 1]) < 0; at--)
		;
	if (t->n == TOP) {
		t->n--;
		t->complete = false;
		if (at == TOP) {                           /* behind all that are kept */
			t->floor = t->key[t->n++];
			return;
		}
	}
	memmove(&t->key[at + 1], &t->key[at], sizeof *t->key * (size_t)(t->n - at));
	t->key[at] = k;
	t->n++;
	if (!t->complete && t->n == TOP)
		t->floor = t->key[TOP - 1];
}

unsigned
order_bits(const struct order *o)
{
	return (o->group ? O_GROUPED : 0u) | (o->group_down ? O_GROUP_DOWN : 0u) | (strcmp(o->sort->sql, "t.id") == 0 ? O_BY_NUMBER : 0u)
	    | (o->sort_down ? O_DOWN : 0u);
}

static uint64_t
place_of_top(int64_t view, int64_t user, unsigned order)
{
	return place_in_table(view, user) + order * 0x2545F491u;
}

void
top_put(struct counters *k, const struct top *t)
{
	uint64_t h = place_of_top(t->rule_id, t->user_id, t->order);
	struct top **slot = NULL;
	bool same = false;

	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < 4 && !same; i++) {
		struct top **s = &k->top[(h + i) % TOPS];
		same = *s != NULL && (*s)->rule_id == t->rule_id && (*s)->user_id == t->user_id && (*s)->order == t->order;
		if (same || (*s == NULL && slot == NULL))
			slot = s;
	}
	if (slot == NULL)
		slot = &k->top[(h + (rand_u64() & 3)) % TOPS];
	if (*slot == NULL)
		*slot = calloc(1, sizeof **slot);
	if (*slot != NULL && (!same || (*slot)->version != t->version || (*slot)->gate != t->gate || (*slot)->epoch != t->epoch
	    || (*slot)->generated <= t->generated))
		**slot = *t;
	pthread_cond_broadcast(&k->read);
	pthread_mutex_unlock(&k->lock);
}

static struct top *
top_find(struct counters *k, int64_t view, int64_t user, unsigned order)
{
	uint64_t h = place_of_top(view, user, order);

	for (unsigned i = 0; i < 4; i++) {
		struct top *s = k->top[(h + i) % TOPS];
		if (s != NULL && s->rule_id == view && s->user_id == user && s->order == order)
			return s;
	}
	return NULL;
}

/* Until the list that was asked for is another than it was. */
static bool
top_wait(struct ctx *cx, struct counters *k, int64_t view, int64_t user, unsigned order)
{
	usec until = time_now() + WAIT_LONG, was;
	const struct top *t;
	bool waits = true;

	pthread_mutex_lock(&k->lock);
	t = top_find(k, view, user, order);
	was = t ? t->made_at : 0;
	while (waits && (t ? t->made_at : 0) == was) {
		waits = wait_for_it(cx, k, until);
		t = top_find(k, view, user, order);
	}
	pthread_mutex_unlock(&k->lock);
	return waits;
}

/* Fills a top from the query of a page without end. */
struct filling { const struct plan *p; struct top *t; struct arena *scratch; bool full, any; };

static enum err
top_row(struct ctx *cx, const struct row *r, void *arg)
{
	struct filling *f = arg;
	struct arena *own = cx->arena;
	struct ticket t;
	struct subject s = { .cx = cx, .t = &t, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
	bool yes = false;
	enum err e = OK;

	f->any = true;
	f->t->generated = row_int(r, r->n - 1);
	if (f->t->n == TOP) {
		f->full = true;
		return E_ABSENT;                           /* enough */
	}
	cx->arena = f->scratch;
	ticket_from_row(cx, r, &t);
	yes = view_rest_holds(f->p, &s);
	if (yes && !f->p->whole)
		e = view_visible(cx, &t, &yes);
	if (yes)
		f->t->key[f->t->n++] = key_of(f->t->order, t.id, (int)t.status, t.updated_at);
	cx->arena = own;
	arena_reset(f->scratch);
	return s.e != OK ? s.e : e;
}

static enum err
top_fill(struct ctx *cx, const struct compiled *c, const struct order *o, bool whole, struct top *t)
{
	struct plan p = { .c = c, .newest = true, .whole = whole };
	struct filling f = { .p = &p, .t = t };
	const struct view_page none = { .limit = TOP };
	const struct stmt *st;
	struct query q;
	struct row r;
	usec before = 0;
	enum err e = OK;

	TRY(view_page_query(cx, &q, &p, o, &none, TOP + 1, 0, cx->now));
	if (p.rests || p.rest_any) {
		p = (struct plan){ .c = c, .newest = true, .whole = whole };
		TRY(view_page_query(cx, &q, &p, o, &none, INT32_MAX, 0, cx->now));
	}
	TRY(view_intern(&q, "view.top", LIST_OUT "i?", true, &st));
	f.scratch = arena_new();
	for (int tries = 0; tries < 20; tries++) {
		/* Of no row nobody learns up to when there was none. */
		if ((e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK)
			break;
		t->generated = before = row_int(&r, 0);
		t->n = 0;
		e = store_each(cx, st, q.arg, q.n, top_row, &f);
		if (e == E_ABSENT && f.full)
			e = OK;
		if (e != OK || f.any || (e = store_one(cx, &newest, ARGS(INT(cx->account)), &r)) != OK || row_int(&r, 0) == before)
			break;
	}
	arena_free(&f.scratch);
	t->complete = !f.full;
	if (t->n > 0)
		t->floor = t->key[t->n - 1];
	return e;
}

/* The first tickets of the view as they are now, at least `need` of them or all; NULL: of this view they are not kept. */
static enum err
top_of(struct ctx *cx, const struct rule *view, const struct compiled *c, uint64_t version, const struct order *o, int need,
    bool again, struct top **out)
{
	struct counters *k = cx->sys->rules ? cx->sys->rules->counters : NULL;
	unsigned order = order_bits(o);
	struct top *t, *was;
	struct plan p = { .c = c };
	struct since since;
	struct query q;
	uint64_t gate;
	struct reading reading;
	int64_t user;
	bool keep = false, anew, slow;
	enum err e = OK;

	*out = NULL;
	if (k == NULL || version == 0 || !o->walked)
		return OK;
	view_begin(&q, cx);
	view_where(&q, &p, cx->now, true);
	if (p.timed || p.words)
		return OK;
	TRY(sight_of(cx, k, &p, &user, &gate));
	t = NEW(cx->arena, struct top, 1);
	pthread_mutex_lock(&k->lock);
	if ((was = top_find(k, view->id, user, order)) != NULL) {
		*t = *was;
		keep = t->version == version && t->gate == gate;
	}
	pthread_mutex_unlock(&k->lock);
	keep = changes_since(cx, k, keep, t->seq, t->generated, t->epoch, p.sealed, &since);
	for (int i = 0; keep && i < since.todos && e == OK; i++) {
		const struct change *ch = since.todo[i];
		bool fits;
		e = snap_counts(cx, &p, ch->id, &ch->after, &fits);
		top_change(t, ch->id, fits, key_of(order, ch->id, ch->after.status, ch->after.updated_at));
		t->generated = ch->generated > t->generated ? ch->generated : t->generated;
	}
	since_done(&since);
	TRY(e);
	t->rule_id = view->id;
	t->user_id = user;
	t->version = version;
	t->gate = gate;
	t->order = order;
	t->seq = since.head;
	t->epoch = since.epoch;
	reading = (struct reading){ view->id, user, order | O_PAGE };
	anew = !keep || (!t->complete && t->n < need);
	if (anew && p.rests + p.rest_any && pass_due(cx, k, &p)) {
		pass_ask(cx, k, view, user, o);
		return again || !top_wait(cx, k, view->id, user, order) ? OK : top_of(cx, view, c, version, o, need, true, out);
	}
	if (anew) {
		enum turn turn = read_begin(cx, k, reading, WAIT_LONG);
		if (turn == TURN_AGAIN && !again)
			return top_of(cx, view, c, version, o, need, true, out);
		if (turn != TURN_MINE)
			return OK;
		slow = view_is_large(k);
		if (slow)
			slow_begin(cx, k);
		e = top_fill(cx, c, o, p.whole, t);
		t->made_at = time_now();
		if (slow)
			slow_end(k);
		if (e != OK) {
			read_end(k, reading);
			return e;
		}
	}
	*out = t;
	top_put(k, t);
	if (anew)
		read_end(k, reading);
	return OK;
}

enum err
view_warm(struct ctx *cx, struct counters *k, const struct rule *view, bool heavy)
{
	const struct compiled *c;
	struct plan p = { 0 };
	struct order o;
	struct query q;
	struct top *t;
	uint64_t version, gate;
	int64_t n, user;
	bool fresh;

	TRY(view_compiled(cx, view, &c, &version));
	p.c = c;
	view_begin(&q, cx);
	view_where(&q, &p, cx->now, true);
	TRY(sight_of(cx, k, &p, &user, &gate));
	if (user != 0 || version == 0 || (heavy && !pass_due(cx, k, &p)))
		return OK;
	view_order(c, &(struct view_page){ 0 }, &o);
	TRY(view_count(cx, view, &n, &fresh));
	return top_of(cx, view, c, version, &o, 1, false, &t);
}

/* A page out of the kept tickets; *count -1: they do not reach so far. */
enum err
view_top_page(struct ctx *cx, const struct rule *view, const struct compiled *c, uint64_t version, const struct order *o, const struct view_page *at,
    struct ticket *list, int *count, struct view_place *place)
{
	struct key after = { 0, at->after_value, at->after_id };
	int64_t start = at->offset;
	struct top *t;
	struct rows rs;
	struct buf ids;
	int n, got = 0;

	*count = -1;
	if (at->after_set && !o->keyed)
		return OK;
	if (start + at->limit >= TOP)
		return OK;
	TRY(top_of(cx, view, c, version, o, (int)start + at->limit + 1, false, &t));
	if (t == NULL)
		return OK;
	if (at->after_set) {
		if (t->order & O_BY_NUMBER)
			after.s = after.id;
		for (int i = 0; i < t->n && key_cmp(t->order, &t->key[i], &after) <= 0; i++)
			start++;
	}
	if (t->n - start <= at->limit && !t->complete)
		return OK;
	n = t->n - start > at->limit ? at->limit : t->n > start ? (int)(t->n - start) : 0;
	buf_init(&ids, cx->arena, 8 * KiB);
	for (int i = 0; i < n; i++) {
		buf_byte(&ids, i ? ',' : '[');
		buf_int(&ids, t->key[start + i].id);
	}
	buf_add(&ids, n ? S("]") : S("[]"));
	TRY(store_all(cx, &by_ids, ARGS(INT(cx->account), TEXT(buf_str(&ids))), &rs));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < rs.count; k++) {
			struct ticket *one = &list[got];
			struct subject s = { .cx = cx, .t = one, .user_id = cx->actor->user_id, .role = cx->actor->role, .now = cx->now };
			bool yes = false;
			if (row_int(&rs.row[k], 0) != t->key[start + i].id)
				continue;
			/* It may be newer than the list. */
			ticket_from_row(cx, &rs.row[k], one);
			if (rule_holds(&s, c))
				TRY(view_visible(cx, one, &yes));
			TRY(s.e);
			got += yes;
			break;
		}
	if (place != NULL) {
		*place = (struct view_place){ .keyed = o->keyed, .more = t->n - start > at->limit };
		if (n > 0) {
			place->value = t->key[start + n - 1].s;
			place->id = t->key[start + n - 1].id;
			place->first_value = t->key[start].s;
			place->first_id = t->key[start].id;
		}
	}
	*count = got;
	return OK;
}
