/* gate.c - what gate remembers between requests, and small helpers.
 *
 * The tables say who may do what; these caches only save asking them again.
 * All caches live by one rule, so that a change takes effect at once:
 *
 *   `gen` is bumped on the writer thread after a commit that changed users,
 *   tokens, sessions, groups or settings, before store_write() returns. Who
 *   fills a cache reads `gen` first, the tables second, and keeps the value
 *   under the `gen` it read; a value whose `gen` is not the current one is
 *   void. If the commit came after the tables were read, its bump makes the
 *   value void; if it came before, the value is already the new one.
 *
 *   Inside a transaction that has changed something (`changing` is not 0) the
 *   caches are passed by, both ways, because its own changes are not
 *   committed yet.
 *
 *   Nothing is believed for longer than a minute, so that a change made by
 *   another process on the same database is seen by then as well.
 *
 * Everything is bounded. Passes are in 64 shards of 16 sets of 8, each shard
 * with its own lock; the least recently seen of a set goes first.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gate/inside.h"
#include "gate/lockout.h"

enum { SHARDS = 64, SETS = 16, WAYS = 8, MEMBERS = 1024, MEMBER_LOCKS = 16 };

struct shard {
	pthread_mutex_t lock;
	struct pass     pass[SETS][WAYS];
};

struct members {                        /* the groups of one user */
	int64_t  user_id;
	uint64_t gen;
	usec     loaded_at;
	int64_t *ids;                   /* ascending */
	int      count;
};

struct setting { char *name, *value; };

struct gate {
	const struct gate_crypto *crypto;
	_Atomic uint64_t gen;
	_Atomic int      changing;
	_Atomic int64_t  stamp;         /* the last updated_at that was given */
	struct lockout  *lockout;
	struct resets   *resets;

	pthread_mutex_t  member_lock[MEMBER_LOCKS];
	struct members   members[MEMBERS];

	pthread_mutex_t  private_lock;  /* guards the private groups */
	struct members   privates;      /* user_id unused */

	pthread_rwlock_t setting_lock;
	struct setting  *setting;
	int              setting_count;
	uint64_t         setting_gen;
	usec             setting_at;

	struct shard     shard[SHARDS];
};

const struct actor gate_nobody = { .role = ROLE_END_USER, .how = "nobody" };

/* ---- SQL ------------------------------------------------------------------------------------------- */

const struct stmt st_counter_add = {
	.name = "gate_counter.add",
	.sql  = "INSERT INTO gate_counter (account_id, name, which, n) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, name, which) DO UPDATE SET n = gate_counter.n + excluded.n",
	.in   = "itii",
};

const struct stmt st_counter_sum = {
	.name = "gate_counter.sum",
	.sql  = "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM gate_counter"
	        " WHERE account_id = $1 AND name = $2 AND which IN ($3, $4, $5, $6)",
	.in   = "itiiii", .out = "i",
};

const struct stmt st_user_last_stamp = {
	.name = "user.last_stamp",
	.sql  = "SELECT COALESCE(MAX(updated_at), 0) FROM users WHERE account_id = $1",
	.in   = "i", .out = "i",
};

const struct stmt st_setting_all = {
	.name = "setting.all",
	.sql  = "SELECT name, value FROM account_setting WHERE account_id = $1 ORDER BY name",
	.in   = "i", .out = "tt",
};

const struct stmt st_setting_get = {
	.name = "setting.get",
	.sql  = "SELECT value FROM account_setting WHERE account_id = $1 AND name = $2",
	.in   = "it", .out = "t",
};

const struct stmt st_setting_put = {
	.name = "setting.put",
	.sql  = "INSERT INTO account_setting (account_id, name, value, updated_at) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
	.in   = "itti",
};

#define GATE_STMT_ADDRESS(name) &name,
const struct stmt *const gate_stmts[] = { GATE_STMTS(GATE_STMT_ADDRESS) GATE_PEOPLE(GATE_STMT_ADDRESS) GATE_OAUTH(GATE_STMT_ADDRESS) GATE_ROLE(GATE_STMT_ADDRESS) NULL };

/* ---- changes and generations ----------------------------------------------------------------------- */

void (*gate_on_change)(struct sys *sys);

static void
change_done(struct sys *sys, void *arg)
{
	struct gate *g = arg;

	atomic_fetch_add(&g->gen, 1);
	atomic_fetch_sub(&g->changing, 1);
	if (gate_on_change != NULL)
		gate_on_change(sys);
}

static void
change_undone(struct sys *sys UNUSED, void *arg)
{
	struct gate *g = arg;

	atomic_fetch_sub(&g->changing, 1);
}

void
gate_changed(struct ctx *cx)
{
	struct gate *g = cx->sys->gate;

	if (g == NULL)
		return;
	atomic_fetch_add(&g->changing, 1);
	store_after(cx, change_done, g);
	store_undo(cx, change_undone, g);
}

uint64_t
gate_generation(struct ctx *cx)
{
	return cx->sys->gate != NULL ? atomic_load(&cx->sys->gate->gen) : 0;
}

static bool
pass_by(struct ctx *cx)
{
	struct gate *g = cx->sys->gate;

	return g == NULL || (cx->tx != NULL && atomic_load(&g->changing) > 0);
}

static bool
fresh(struct gate *g, uint64_t gen, usec loaded_at, usec now)
{
	return gen == atomic_load(&g->gen) && now >= loaded_at && now - loaded_at < MINUTE;
}

usec
gate_stamp(struct ctx *cx)
{
	struct gate *g = cx->sys->gate;
	int64_t last, next;

	if (g == NULL)
		return cx->now;
	last = atomic_load(&g->stamp);
	do
		next = cx->now > last ? cx->now : last + 1;
	while (!atomic_compare_exchange_weak(&g->stamp, &last, next));
	return next;
}

const struct gate_crypto *
gate_crypto_of(struct ctx *cx)
{
	return cx->sys->gate != NULL ? cx->sys->gate->crypto : NULL;
}

struct resets *
gate_resets(struct ctx *cx)
{
	return cx->sys->gate->resets;
}

struct lockout *
gate_lockout(struct ctx *cx)
{
	if (cx->sys->gate == NULL)
		return NULL;
	lockout_allow(cx->sys->gate->lockout, (int)sign_in_setting(cx, SIGN_IN_FAILURES));
	return cx->sys->gate->lockout;
}

/* ---- passes ------------------------------------------------------------------------------------------ */

/* The key is a keyed hash, so any of its bits choose evenly. */
static struct pass *
pass_set(struct gate *g, const unsigned char *key, pthread_mutex_t **lock)
{
	struct shard *s = &g->shard[key[0] % SHARDS];

	*lock = &s->lock;
	return s->pass[key[1] % SETS];
}

static struct pass *
pass_find(struct pass *set, const unsigned char *key)
{
	for (int i = 0; i < WAYS; i++)
		if (set[i].full && memcmp(set[i].key, key, GATE_KEY) == 0)
			return &set[i];
	return NULL;
}

bool
pass_get(struct ctx *cx, const unsigned char key[GATE_KEY], struct pass *out)
{
	struct gate *g = cx->sys->gate;
	pthread_mutex_t *lock;
	struct pass *p, *set;
	bool good;

	*out = (struct pass){0};
	if (g == NULL)
		return false;
	set = pass_set(g, key, &lock);
	pthread_mutex_lock(lock);
	if ((p = pass_find(set, key)) != NULL)
		*out = *p;
	pthread_mutex_unlock(lock);
	good = p != NULL && !pass_by(cx) && fresh(g, out->gen, out->loaded_at, cx->now);
	return good;
}

void
pass_put(struct ctx *cx, const struct pass *in)
{
	struct gate *g = cx->sys->gate;
	pthread_mutex_t *lock;
	struct pass *p, *set;

	if (pass_by(cx))
		return;
	set = pass_set(g, in->key, &lock);
	pthread_mutex_lock(lock);
	p = pass_find(set, in->key);
	if (p == NULL) {
		p = &set[0];
		for (int i = 1; i < WAYS && p->full; i++)
			if (!set[i].full || set[i].seen_at < p->seen_at)
				p = &set[i];
		*p = (struct pass){0};
	}
	/* Another thread may have loaded a newer state meanwhile, or noted a use. */
	if (!p->full || in->gen >= p->gen) {
		usec used_at = p->used_at, seen_at = p->seen_at;

		*p = *in;
		p->full = true;
		if (p->used_at < used_at)
			p->used_at = used_at;
		if (p->seen_at < seen_at)
			p->seen_at = seen_at;
	}
	pthread_mutex_unlock(lock);
}

bool
pass_used(struct ctx *cx, const unsigned char key[GATE_KEY])
{
	struct gate *g = cx->sys->gate;
	pthread_mutex_t *lock;
	struct pass *p, *set;
	bool due = false;

	if (g == NULL)
		return true;
	set = pass_set(g, key, &lock);
	pthread_mutex_lock(lock);
	if ((p = pass_find(set, key)) != NULL) {
		if (p->seen_at < cx->now)
			p->seen_at = cx->now;
		if (cx->now - p->used_at >= MINUTE) {
			p->used_at = cx->now;
			due = true;
		}
	}
	pthread_mutex_unlock(lock);
	return due;
}

/* ---- groups of a user, private groups ------------------------------------------------------------------ */

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
has_id(const int64_t *ids, int count, int64_t id)
{
	return count > 0 && bsearch(&id, ids, (size_t)count, sizeof(*ids), compare_ids) != NULL;
}

/* The first column of all rows, in the arena. */
static enum err
load_ids(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, int64_t **ids, int *count)
{
	struct rows rows;

	TRY(store_all(cx, st, a, n, &rows));
	*ids = NEW(cx->arena, int64_t, (size_t)rows.count + 1);
	for (int i = 0; i < rows.count; i++)
		(*ids)[i] = row_int(&rows.row[i], 0);
	*count = rows.count;
	return OK;
}

/* Keeps a copy, unless memory is short: then it is asked for again. */
static void
members_keep(struct members *m, int64_t user_id, uint64_t gen, usec now, const int64_t *ids, int count)
{
	int64_t *copy = malloc(((size_t)count + 1) * sizeof(*copy));

	if (copy == NULL)
		return;
	if (count > 0)
		memcpy(copy, ids, (size_t)count * sizeof(*copy));
	free(m->ids);
	*m = (struct members){ user_id, gen, now, copy, count };
}

static struct members *
members_of(struct gate *g, int64_t user_id, pthread_mutex_t **lock)
{
	size_t at = (size_t)((uint64_t)user_id * 0x9E3779B97F4A7C15u >> 32) % MEMBERS;

	*lock = &g->member_lock[at % MEMBER_LOCKS];
	return &g->members[at];
}

static enum err
load_groups(struct ctx *cx, int64_t user_id, int64_t **ids, int *count)
{
	struct gate *g = cx->sys->gate;
	uint64_t gen = gate_generation(cx);
	pthread_mutex_t *lock;
	struct members *m;

	TRY(load_ids(cx, &st_member_groups, ARGS(INT(cx->account), INT(user_id)), ids, count));
	if (pass_by(cx))
		return OK;
	m = members_of(g, user_id, &lock);
	pthread_mutex_lock(lock);
	members_keep(m, user_id, gen, cx->now, *ids, *count);
	pthread_mutex_unlock(lock);
	return OK;
}

enum err
my_group(struct ctx *cx, int64_t user_id, int64_t group_id, bool *member)
{
	struct gate *g = cx->sys->gate;
	pthread_mutex_t *lock;
	struct members *m;
	bool known = false;
	int64_t *ids;
	int count;

	if (!pass_by(cx)) {
		m = members_of(g, user_id, &lock);
		pthread_mutex_lock(lock);
		known = m->ids != NULL && m->user_id == user_id && fresh(g, m->gen, m->loaded_at, cx->now);
		if (known)
			*member = has_id(m->ids, m->count, group_id);
		pthread_mutex_unlock(lock);
	}
	if (known)
		return OK;
	TRY(load_groups(cx, user_id, &ids, &count));
	*member = has_id(ids, count, group_id);
	return OK;
}

enum err
gate_my_groups(struct ctx *cx, const int64_t **out, int *out_count)
{
	struct gate *g = cx->sys->gate;
	int64_t user_id, *ids = NULL;
	pthread_mutex_t *lock;
	struct members *m;
	int count = 0;

	if (is_nobody(cx->actor) || cx->actor->role == ROLE_SYSTEM) {
		*out = NEW(cx->arena, int64_t, 1);
		*out_count = 0;
		return OK;
	}
	user_id = cx->actor->user_id;
	if (!pass_by(cx)) {
		m = members_of(g, user_id, &lock);
		pthread_mutex_lock(lock);
		if (m->ids != NULL && m->user_id == user_id && fresh(g, m->gen, m->loaded_at, cx->now)) {
			ids = NEW(cx->arena, int64_t, (size_t)m->count + 1);
			count = m->count;
			memcpy(ids, m->ids, (size_t)count * sizeof(*ids));
		}
		pthread_mutex_unlock(lock);
	}
	if (ids == NULL)
		TRY(load_groups(cx, user_id, &ids, &count));
	*out = ids;
	*out_count = count;
	return OK;
}

/* Of the private groups: is this one among them, are there any. */
static enum err
privates(struct ctx *cx, int64_t group_id, bool *among, bool *any)
{
	struct gate *g = cx->sys->gate;
	uint64_t gen;
	bool known = false;
	int64_t *ids;
	int count;

	if (!pass_by(cx)) {
		pthread_mutex_lock(&g->private_lock);
		known = g->privates.ids != NULL &&
		    fresh(g, g->privates.gen, g->privates.loaded_at, cx->now);
		if (known) {
			*among = has_id(g->privates.ids, g->privates.count, group_id);
			*any = g->privates.count > 0;
		}
		pthread_mutex_unlock(&g->private_lock);
	}
	if (known)
		return OK;
	gen = gate_generation(cx);
	TRY(load_ids(cx, &st_group_private, ARGS(INT(cx->account)), &ids, &count));
	*among = has_id(ids, count, group_id);
	*any = count > 0;
	if (!pass_by(cx)) {
		pthread_mutex_lock(&g->private_lock);
		members_keep(&g->privates, 0, gen, cx->now, ids, count);
		pthread_mutex_unlock(&g->private_lock);
	}
	return OK;
}

enum err
private_group(struct ctx *cx, int64_t group_id, bool *is_private)
{
	bool any;

	return privates(cx, group_id, is_private, &any);
}

enum err
private_groups(struct ctx *cx, int64_t **ids, int *count)
{
	return load_ids(cx, &st_group_private, ARGS(INT(cx->account)), ids, count);
}

enum err
gate_any_private(struct ctx *cx, bool *any)
{
	bool among;

	return privates(cx, 0, &among, any);
}

/* ---- settings ------------------------------------------------------------------------------------------ */

static void
settings_free(struct setting *s, int count)
{
	for (int i = 0; i < count; i++) {
		free(s[i].name);
		free(s[i].value);
	}
	free(s);
}

static enum err
settings_load(struct ctx *cx)
{
	struct gate *g = cx->sys->gate;
	uint64_t gen = gate_generation(cx);
	struct setting *s, *old;
	struct rows rows;
	int old_count;
	bool whole = true;

	TRY(store_all(cx, &st_setting_all, ARGS(INT(cx->account)), &rows));
	if ((s = calloc((size_t)rows.count + 1, sizeof(*s))) == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	for (int i = 0; i < rows.count; i++) {
		str name = row_str(&rows.row[i], 0), value = row_str(&rows.row[i], 1);

		s[i].name = strndup(name.n > 0 ? name.p : "", name.n);
		s[i].value = strndup(value.n > 0 ? value.p : "", value.n);
		whole &= s[i].name != NULL && s[i].value != NULL;
	}
	if (!whole) {
		settings_free(s, rows.count);
		return fail(cx, E_FAULT, NULL, "out of memory");
	}
	pthread_rwlock_wrlock(&g->setting_lock);
	old = g->setting;
	old_count = g->setting_count;
	g->setting = s;
	g->setting_count = rows.count;
	g->setting_gen = gen;
	g->setting_at = cx->now;
	pthread_rwlock_unlock(&g->setting_lock);
	settings_free(old, old_count);
	return OK;
}

static int
compare_setting(const void *key, const void *member)
{
	return strcmp(key, ((const struct setting *)member)->name);
}

/* A setting that cannot be read is as one that is not set: the caller's
 * default, which is the careful choice. */
static bool
setting_text(struct ctx *cx, const char *key, str *out)
{
	struct gate *g = cx->sys->gate;
	struct setting *s;
	struct row row;
	bool known;

	if (!pass_by(cx)) {
		for (int round = 0; round < 2; round++) {
			pthread_rwlock_rdlock(&g->setting_lock);
			known = g->setting != NULL && fresh(g, g->setting_gen, g->setting_at, cx->now);
			s = known ? bsearch(key, g->setting, (size_t)g->setting_count, sizeof(*s),
			    compare_setting) : NULL;
			if (s != NULL)
				*out = str_dup(cx->arena, str_of(s->value));
			pthread_rwlock_unlock(&g->setting_lock);
			if (known)
				return s != NULL;
			if (settings_load(cx) != OK)
				break;
		}
	}
	if (find_one(cx, &st_setting_get, ARGS(INT(cx->account), TEXT(str_of(key))), &row, &known) != OK)
		return false;
	if (known)
		*out = row_str(&row, 0);
	return known;
}

bool
gate_setting_bool(struct ctx *cx, const char *key, bool def)
{
	str v;

	if (!setting_text(cx, key, &v))
		return def;
	if (str_eq(v, S("true")))
		return true;
	return str_eq(v, S("false")) ? false : def;
}

int64_t
gate_setting_int(struct ctx *cx, const char *key, int64_t def)
{
	int64_t n;
	str v;

	return setting_text(cx, key, &v) && str_int(v, &n) ? n : def;
}

struct setting_put { const char *key; str value; };

static enum err
setting_put_tx(struct ctx *cx, void *arg)
{
	struct setting_put *in = arg;
	struct changes c;
	struct row row;
	bool found;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(find_one(cx, &st_setting_get, ARGS(INT(cx->account), TEXT(str_of(in->key))), &row, &found));
	changes_init(cx, &c, 1);
	changes_text(&c, in->key, found ? HIDE(row_str(&row, 0)) : HIDE(S("")), HIDE(in->value));
	if (c.count == 0)
		return OK;
	TRY(store_exec(cx, &st_setting_put, ARGS(INT(cx->account), TEXT(str_of(in->key)), TEXT(in->value),
	    INT(cx->now)), NULL));
	gate_changed(cx);
	return trail_append(cx, &(struct event){ .action = "setting.update", .object = "setting",
	    .field = c.field, .count = c.count });
}

enum err
gate_setting_set(struct ctx *cx, const char *key, str value)
{
	if (value.n > 4096 || !utf8_valid(value) || memchr(value.p != NULL ? value.p : "", 0, value.n) != NULL) {
		bad(cx, "value", "InvalidValue", "Value: is not a short text");
		return bad_check(cx);
	}
	return store_write(cx, setting_put_tx, &(struct setting_put){ key, value });
}

/* ---- helpers ---------------------------------------------------------------------------------------------- */

struct page
page_of(int64_t after, int64_t before, int64_t offset, int limit, bool newest_first)
{
	struct page p = { .lo = 0, .hi = INT64_MAX, .offset = offset > 0 ? offset : 0 };

	p.limit = limit <= 0 ? 100 : limit > 1000 ? 1000 : limit;
	if (newest_first) {
		p.hi = after != 0 ? after : INT64_MAX;
		p.lo = before;
	} else {
		p.lo = after;
		p.hi = before != 0 ? before : INT64_MAX;
	}
	/* A page before something is the last one there, so it is walked from its end. */
	p.reverse = before != 0 && after == 0;
	p.down = newest_first != p.reverse;
	return p;
}

str
ids_json(struct ctx *cx, const int64_t *ids, int n)
{
	int64_t *sorted = NEW(cx->arena, int64_t, (size_t)n + 1);
	struct buf b;

	if (n > 0)
		memcpy(sorted, ids, (size_t)n * sizeof(*sorted));
	qsort(sorted, (size_t)n, sizeof(*sorted), compare_ids);
	buf_init(&b, cx->arena, (size_t)n * 21 + 2);
	buf_byte(&b, '[');
	for (int i = 0; i < n; i++) {
		if (i > 0 && sorted[i] == sorted[i - 1])
			continue;
		if (b.n > 1)
			buf_byte(&b, ',');
		buf_int(&b, sorted[i]);
	}
	buf_byte(&b, ']');
	return buf_str(&b);
}

sensitive
fold(struct ctx *cx, sensitive s)
{
	return HIDE(str_lower(cx->arena, str_trim(reveal(cx, s, TO_INDEX))));
}

sensitive
fold_phone(struct ctx *cx, sensitive s)
{
	str text = str_trim(reveal(cx, s, TO_INDEX));
	char *p = arena_alloc(cx->arena, 1, text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] == '+' && n == 0))
			p[n++] = text.p[i];
	return HIDE(((str){ p, n }));
}

struct arg
blind_or_nil(sensitive folded)
{
	return folded.hidden.n > 0 ? BLIND(folded) : NIL;
}

enum err
counter_add(struct ctx *cx, const char *name, int64_t which, int64_t delta)
{
	return store_exec(cx, &st_counter_add, ARGS(INT(cx->account), TEXT(str_of(name)), INT(which),
	    INT(delta)), NULL);
}

enum err
counter_sum(struct ctx *cx, const char *name, const int64_t *which, int count, int64_t *sum)
{
	int64_t w[4] = { -1, -1, -1, -1 };
	struct row row;

	for (int i = 0; i < count && i < 4; i++)
		w[i] = which[i];
	TRY(store_one(cx, &st_counter_sum, ARGS(INT(cx->account), TEXT(str_of(name)), INT(w[0]), INT(w[1]),
	    INT(w[2]), INT(w[3])), &row));
	*sum = row_int(&row, 0);
	return OK;
}

void
changes_init(struct ctx *cx, struct changes *c, int max)
{
	*c = (struct changes){ NEW(cx->arena, struct trail_field, (size_t)max), 0, max };
}

void
changes_text(struct changes *c, const char *name, sensitive before, sensitive after)
{
	if (c->count == c->max || str_eq(before.hidden, after.hidden))
		return;
	c->field[c->count++] = (struct trail_field){ .name = name, .before = before, .after = after,
	    .has_before = before.hidden.n > 0, .has_after = after.hidden.n > 0 };
}

void
changes_int(struct ctx *cx, struct changes *c, const char *name, int64_t before, int64_t after)
{
	if (before == after)
		return;
	changes_text(c, name, HIDE(before != 0 ? str_printf(cx->arena, "%lld", (long long)before) : S("")),
	    HIDE(after != 0 ? str_printf(cx->arena, "%lld", (long long)after) : S("")));
}

void
changes_word(struct changes *c, const char *name, const char *before, const char *after)
{
	changes_text(c, name, HIDE(str_of(before)), HIDE(str_of(after)));
}

struct standing
standing_of(const struct row *r, int at)
{
	struct standing s = {
		.user_id = row_int(r, at), .role = (enum role)row_int(r, at + 1),
		.sees = (enum restriction)row_int(r, at + 2), .organization_id = row_int(r, at + 3),
		.default_group_id = row_int(r, at + 4),
		.active = row_int(r, at + 5) != 0 && row_int(r, at + 6) == 0,
		.phi = row_null(r, at + 7) ? -1 : row_int(r, at + 7) != 0,
	};

	if (s.role == ROLE_AGENT && !row_null(r, at + 8)) {
		s.limits = (unsigned)row_int(r, at + 8);
		s.sees = role_sees(s.sees, (enum restriction)row_int(r, at + 9));
		s.officer = row_int(r, at + 10) != 0;
	}
	return s;
}

bool
standing_sees_phi(struct ctx *cx, const struct standing *s)
{
	if (s->role == ROLE_END_USER)
		return true;           /* what they can reach at all is theirs */
	if (s->officer)
		return false;          /* minimum necessary: proof needs no names of patients; unmasking asks for a purpose */
	return s->phi >= 0 ? s->phi != 0 : s->role >= ROLE_ADMIN || gate_setting_bool(cx, "agents_see_phi", true);
}

enum err
find_one(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, struct row *out, bool *found)
{
	enum err before = cx->fail.code, e = store_one(cx, st, a, n, out);

	*found = e == OK;
	if (e != E_ABSENT)
		return e;
	if (before == OK)          /* an earlier failure stays */
		fail_forget(cx);
	return OK;
}

/* ---- open and close ------------------------------------------------------------------------------------------- */

enum err
gate_open(struct ctx *cx, const struct gate_crypto *crypto, struct gate **out)
{
	struct gate *g;
	struct row row;

	TRY(store_one(cx, &st_user_last_stamp, ARGS(INT(cx->account)), &row));
	if ((g = calloc(1, sizeof(*g))) == NULL || (g->lockout = lockout_new()) == NULL
	    || (g->resets = resets_new()) == NULL) {
		free(g);
		return fail(cx, E_FAULT, NULL, "out of memory");
	}
	g->crypto = crypto;
	atomic_store(&g->gen, 1);
	atomic_store(&g->stamp, row_int(&row, 0));
	pthread_mutex_init(&g->private_lock, NULL);
	pthread_rwlock_init(&g->setting_lock, NULL);
	for (int i = 0; i < MEMBER_LOCKS; i++)
		pthread_mutex_init(&g->member_lock[i], NULL);
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_init(&g->shard[i].lock, NULL);
	*out = g;
	return OK;
}

void
gate_close(struct gate **gp)
{
	struct gate *g = *gp;

	if (g == NULL)
		return;
	for (int i = 0; i < MEMBERS; i++)
		free(g->members[i].ids);
	free(g->privates.ids);
	settings_free(g->setting, g->setting_count);
	for (int i = 0; i < MEMBER_LOCKS; i++)
		pthread_mutex_destroy(&g->member_lock[i]);
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&g->shard[i].lock);
	pthread_mutex_destroy(&g->private_lock);
	pthread_rwlock_destroy(&g->setting_lock);
	lockout_free(&g->lockout);
	resets_free(&g->resets);
	wipe(g, sizeof(*g));
	free(g);
	*gp = NULL;
}
