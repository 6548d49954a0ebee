/* trail.c - the head of the chain, appending, looks, checkpoints.
 *
 *     h[0] = SHA-256("ward trail 1\n" origin "\n" account)
 *     h[n] = SHA-256(h[n-1] || canonical line of event n)
 *
 * The head (seq and h of the last event) is a variable of the writer thread,
 * which runs all transactions one after the other, so nothing is locked and
 * seq has no gap. It runs ahead of the disk by at most one group commit: each
 * event leaves with store_undo() how the head was before it, which puts it
 * back when the event's savepoint or the whole commit is rolled back. The
 * steps are counted, and an undo only ever goes to an earlier step, so their
 * order does not matter.
 *
 * What belongs to all events of a commit is done once, just before it: a
 * checkpoint if 10,000 events are due, posting blocks (index.c), and the row
 * of trail_head, which is updated only where it still is what this process
 * left there. Its MAC binds all that the row says, so that who can write to
 * the database, but has not the trail key, cannot cut the chain's end off and
 * set the head back.
 *
 * A checkpoint covers everything in front of it, and is itself the next event
 * (trail.checkpoint, with the SHA-256 of its note), so that a checkpoint that
 * was taken away is missed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "trail/part.h"

enum { BLOCK_EVENTS = 4096, BLOCK_POSTINGS = 32768 };

const struct stmt trail_insert = {
	.name = "trail.insert",
	.sql  = "INSERT INTO trail (account_id, lane, seq, at, kind, actor_id, action, object, object_id, parent, canonical,"
	        " hash, vals, vals_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
	.in   = "iiiiiitti?itbb?i?",
};
#define HEAD_COLUMNS \
	"SELECT h.origin, h.hash, h.mac, h.seq, h.indexed, h.witnessed," \
	" (SELECT MAX(seq) FROM trail WHERE account_id = $1 AND lane = $2)," \
	" (SELECT MAX(number) FROM trail_checkpoint WHERE account_id = $1)," \
	" (SELECT MIN(lane) FROM trail WHERE account_id = $1)," \
	" (SELECT MAX(lane) FROM trail WHERE account_id = $1),"
#define HEAD_FROM \
	" FROM (SELECT 1 AS one) AS o LEFT JOIN trail_head h ON h.account_id = $1 AND h.lane = $2"
const struct stmt trail_head_get = {
	.name = "trail.head_get",
	.sql  = HEAD_COLUMNS " 0, 0" HEAD_FROM,
	.in = "ii", .out = "t?b?b?i?i?i?i?i?i?i?ii",
};
/* The same, and how many rows there are. */
const struct stmt trail_head_count = {
	.name = "trail.head_count",
	.sql  = HEAD_COLUMNS
	        " (SELECT COUNT(*) FROM trail_checkpoint WHERE account_id = $1),"
	        " (SELECT COUNT(*) FROM trail_block WHERE account_id = $1)" HEAD_FROM,
	.in = "ii", .out = "t?b?b?i?i?i?i?i?i?i?ii",
};
const struct stmt trail_head_new = {
	.name = "trail.head_new",
	.sql  = "INSERT INTO trail_head (account_id, lane, origin, seq, hash, indexed, witnessed, mac)"
	        " VALUES ($1, $2, $3, 0, $4, 0, 0, $5)",
	.in   = "iitbb",
};
const struct stmt trail_head_set = {
	.name = "trail.head_set",
	.sql  = "UPDATE trail_head SET seq = $1, hash = $2, indexed = $3, witnessed = $4, mac = $5"
	        " WHERE account_id = $6 AND lane = $7 AND seq = $8",
	.in   = "ibiibiii",
};
const struct stmt trail_last_checkpoint = {
	.name = "trail.last_checkpoint",
	.sql  = "SELECT number, seq FROM trail_checkpoint WHERE account_id = $1 ORDER BY number DESC LIMIT 1",
	.in = "i", .out = "ii",
};
const struct stmt trail_checkpoint_new = {
	.name = "trail.checkpoint_new",
	.sql  = "INSERT INTO trail_checkpoint (account_id, number, seq, note) VALUES ($1, $2, $3, $4)",
	.in   = "iiit",
};
const struct stmt trail_month_get = {
	.name = "trail.month_get",
	.sql  = "SELECT key_id FROM trail_month_key WHERE account_id = $1 AND month = $2",
	.in = "ii", .out = "i",
};
const struct stmt trail_month_new = {
	.name = "trail.month_new",
	.sql  = "INSERT INTO trail_month_key (account_id, month, key_id) VALUES ($1, $2, $3)",
	.in   = "iii",
};
/* From the event before the first wanted one, for its hash. */
const struct stmt trail_unindexed = {
	.name = "trail.unindexed",
	.sql  = "SELECT seq, at, kind, actor_id, action, object, object_id, canonical, hash FROM trail"
	        " WHERE account_id = $1 AND lane = $2 AND seq >= $3 ORDER BY seq",
	.in = "iii", .out = "iiiitti?tb",
};

const struct stmt *const trail_stmts[] = {
	&trail_insert, &trail_head_get, &trail_head_count, &trail_head_new, &trail_head_set, &trail_last_checkpoint,
	&trail_checkpoint_new, &trail_month_get, &trail_month_new, &trail_block_new, &trail_block_marks, &trail_block_rows,
	&trail_block_delete, &trail_unindexed, &trail_checkpoints,
	&trail_checkpoint_one, &trail_newest, &trail_oldest, &trail_at, &trail_blocks_newest, &trail_blocks_oldest, &trail_by_key, &trail_key_last, &trail_set_vals,
	&trail_page, &trail_canonical, &trail_block_bound, &trail_block_one, &trail_tallies, NULL
};

/* ---- the head -------------------------------------------------------------------------------------- */

static void
head_mac(struct sys *sys, const struct trail *t, str origin, const struct head_row *h, hash32 out)
{
	char text[256];
	int n = snprintf(text, sizeof(text) - HASH_BYTES, "ward trail head 1\n" STR_F "\n%lld %d %lld %lld %lld\n",
	    STR_A(str_sub(origin, 0, sizeof(t->origin))), (long long)t->account, LANE, (long long)h->seq,
	    (long long)h->indexed, (long long)h->witnessed);

	memcpy(text + n, h->hash.p, HASH_BYTES);
	t->crypto.mac(sys, (str){ text, (size_t)n + HASH_BYTES }, out);
}

enum err
trail_head_read(struct ctx *cx, const struct trail *t, bool counts, struct head_row *out)
{
	struct row r;
	hash32 mac;
	str was;

	TRY(store_one(cx, counts ? &trail_head_count : &trail_head_get, ARGS(INT(t->account), INT(LANE)), &r));
	*out = (struct head_row){ .there = !row_null(&r, 0), .origin = row_str(&r, 0), .hash = row_str(&r, 1),
	    .seq = row_int(&r, 3), .indexed = row_int(&r, 4), .witnessed = row_int(&r, 5), .last = row_int(&r, 6),
	    .number = row_int(&r, 7), .min_lane = row_int(&r, 8), .max_lane = row_int(&r, 9),
	    .checkpoints = row_int(&r, 10), .blocks = row_int(&r, 11) };
	was = row_str(&r, 2);
	if (!out->there || out->hash.n != HASH_BYTES || was.n != HASH_BYTES)
		return OK;
	head_mac(cx->sys, t, out->origin, out, mac);
	out->good = memcmp(mac, was.p, HASH_BYTES) == 0;
	return OK;
}

static enum err
head_store(struct ctx *cx, struct trail *t)
{
	struct head *h = &t->head;
	struct head_row row = { .hash = { (char *)h->hash, HASH_BYTES }, .seq = h->seq, .indexed = h->indexed,
	    .witnessed = h->witnessed };
	int64_t changed = 0;
	hash32 mac;

	head_mac(cx->sys, t, str_of(t->origin), &row, mac);
	TRY(store_exec(cx, &trail_head_set, ARGS(INT(h->seq), BYTES(row.hash), INT(h->indexed), INT(h->witnessed),
	    BYTES(((str){ (char *)mac, HASH_BYTES })), INT(t->account), INT(LANE), INT(h->stored)), &changed));
	if (changed != 1)
		return fail(cx, E_FAULT, "trail", "the trail's head was moved by somebody else");
	h->stored = h->seq;
	h->step++;
	return OK;
}

struct saved { struct trail *t; struct head head; };

static void
put_back(struct sys *sys UNUSED, void *arg)
{
	struct saved *s = arg;

	if (s->head.step >= s->t->head.step)
		return;
	s->t->head = s->head;
	postings_back(&s->t->postings, s->head.seq);
}

/* ---- appending ------------------------------------------------------------------------------------- */

static enum err
month_key(struct ctx *cx, struct trail *t, usec at, int64_t *key)
{
	struct head *h = &t->head;
	int y, m, d, hour, minute, second;
	struct rows rows;

	if (at < h->month_from || at >= h->month_to) {
		time_civil(at, &y, &m, &d, &hour, &minute, &second);
		TRY(store_all(cx, &trail_month_get, ARGS(INT(t->account), INT(y * 100 + m)), &rows));
		if (rows.count > 0) {
			h->month_key = row_int(&rows.row[0], 0);
		} else {
			TRY(store_key_new(cx, &h->month_key));
			TRY(store_exec(cx, &trail_month_new, ARGS(INT(t->account), INT(y * 100 + m), INT(h->month_key)), NULL));
		}
		h->month_from = time_of_civil(y, m, 1, 0, 0, 0);
		h->month_to = m == 12 ? time_of_civil(y + 1, 1, 1, 0, 0, 0) : time_of_civil(y, m + 1, 1, 0, 0, 0);
	}
	*key = h->month_key;
	return OK;
}

static str
ids_of(struct arena *a, const struct draft *d)
{
	struct buf b;

	if (d->id_count == 0)
		return (str){0};
	buf_init(&b, a, 32 * IDS_MAX);
	for (int i = 0; i < d->id_count; i++) {
		if (i > 0)
			buf_byte(&b, ',');
		buf_int(&b, d->ids[i]);
	}
	return buf_str(&b);
}

static enum err before_commit(struct ctx *cx, void *arg);

enum err
chain(struct ctx *cx, struct trail *t, const struct draft *d, int64_t *seq_out)
{
	struct head *h = &t->head;
	struct saved *s = NEW(cx->arena, struct saved, 1);
	usec at = d->now > h->at ? d->now : h->at;
	int64_t seq = h->seq + 1, key;
	str sealed = {0}, canonical;
	struct arg vals = NIL;
	hash32 vals_hash, hash;
	struct buf b;

	if (t->locked)
		return fail(cx, E_FAULT, "trail", "the trail's head does not match");
	*s = (struct saved){ t, *h };
	store_undo(cx, put_back, s);
	h->step++;
	if (d->vals.n != 0) {
		key = d->key;
		if (key == 0)
			TRY(month_key(cx, t, at, &key));
		TRY(store_seal(cx, key, "trail", "vals", seq, d->vals, &sealed));
		t->crypto.sha256(sealed, vals_hash);
		vals = BYTES(sealed);
	}

	buf_init(&b, cx->arena, CANON_MAX);
	buf_add(&b, (str){ (char *)h->hash, HASH_BYTES });
	canon_write(&b, d, t->account, seq, at, d->vals.n != 0 ? vals_hash : NULL);
	if (b.over)
		return fail(cx, E_LIMIT, "trail", "the change is too large for one event");
	t->crypto.sha256(buf_str(&b), hash);
	canonical = str_sub(buf_str(&b), HASH_BYTES, b.n);

	TRY(store_exec(cx, &trail_insert, ARGS(INT(t->account), INT(LANE), INT(seq), INT(at), INT(d->kind),
	    INT(d->who.actor), TEXT(d->action), TEXT(d->object), d->id_count > 0 ? NIL : INT(d->id), INT(d->parent),
	    TEXT(canonical), BYTES(((str){ (char *)hash, HASH_BYTES })), vals,
	    d->vals.n != 0 ? ID(d->key) : NIL), NULL));
	postings_drop(&t->postings, h->indexed);
	if (!postings_add(&t->postings, seq, d->kind, d->who.actor, d->action, d->object,
	    d->id_count > 0 ? 0 : d->id, ids_of(cx->arena, d))) {
		postings_back(&t->postings, h->seq);
		return fail(cx, E_FAULT, "trail", "out of memory");
	}
	h->seq = seq;
	h->at = at;
	memcpy(h->hash, hash, HASH_BYTES);
	store_before_commit(cx, before_commit, t);
	if (seq_out != NULL)
		*seq_out = seq;
	return OK;
}

static enum err
put_block(struct ctx *cx, void *arg, str term, int64_t bucket, str blob)
{
	struct trail *t = arg;

	return store_exec(cx, &trail_block_new, ARGS(INT(t->account), INT(LANE), TEXT(term), INT(0), INT(bucket),
	    INT(t->head.seq), INT(t->head.indexed + 1), BYTES(blob)), NULL);
}

static enum err
write_checkpoint(struct ctx *cx, struct trail *t)
{
	struct head *h = &t->head;
	struct note n = { .origin = str_of(t->origin), .number = h->number + 1, .seq = h->seq };
	struct draft d = { .kind = TRAIL_CHANGE, .who = who_system, .action = S("trail.checkpoint"), .object = S("checkpoint"),
	    .id = n.number, .now = time_now(), .has_note = true };
	str text;

	n.at = d.now > h->at ? d.now : h->at;
	memcpy(n.hash, h->hash, HASH_BYTES);
	text = note_sign(cx, &t->crypto, &n);
	t->crypto.sha256(text, d.note);
	TRY(store_exec(cx, &trail_checkpoint_new, ARGS(INT(t->account), INT(n.number), INT(n.seq), TEXT(text)), NULL));
	TRY(chain(cx, t, &d, NULL));
	h->number = n.number;
	h->covered = n.seq;
	return OK;
}

/* Once per commit that has events, as the last thing in its transaction. What
 * changes here goes back with the undo of the commit's first event. */
static enum err
before_commit(struct ctx *cx, void *arg)
{
	struct trail *t = arg;
	struct head *h = &t->head;

	if (h->seq == h->stored)
		return OK;
	if (h->seq - h->covered >= CHECKPOINT_EVERY)
		TRY(write_checkpoint(cx, t));
	if (h->seq - h->indexed >= BLOCK_EVENTS || t->postings.n >= BLOCK_POSTINGS) {
		TRY(postings_each(cx, &t->postings, true, 0, h->indexed + 1, h->seq, put_block, t));
		h->indexed = h->seq;
	}
	return head_store(cx, t);
}

enum err
trail_of(struct ctx *cx, struct trail **out)
{
	struct trail *t = cx->sys->trail;

	if (t == NULL)
		return fail(cx, E_FAULT, "trail", "the trail is not open");
	if (t->account != cx->account)
		return fail(cx, E_FAULT, "trail", "this is another account's trail");
	*out = t;
	return OK;
}

enum err
trail_append(struct ctx *cx, const struct event *e)
{
	struct draft d = { .kind = TRAIL_CHANGE, .who = who_of(cx), .action = str_of(e->action), .object = str_of(e->object),
	    .id = e->id, .parent = e->parent, .key = e->key, .cause = str_of(e->cause),
	    .now = cx->now != 0 ? cx->now : time_now() };
	struct trail *t = NULL;

	TRY(trail_of(cx, &t));
	if (cx->tx == NULL)
		return fail(cx, E_FAULT, "trail", "an event was appended outside a transaction");
	if (d.action.n == 0 || d.object.n == 0 || !utf8_valid(d.action) || !utf8_valid(d.object))
		return fail(cx, E_FAULT, "trail", "an event has no action or object");
	TRY(draft_values(cx, &t->crypto, e->field, e->count, &d));
	return chain(cx, t, &d, NULL);
}

/* ---- looks ----------------------------------------------------------------------------------------- */

struct look {
	struct trail *t;
	struct draft *draft;
	int           count;
};

static enum err
look_in(struct ctx *cx, void *arg)
{
	struct look *l = arg;

	for (int i = 0; i < l->count; i++)
		TRY(chain(cx, l->t, &l->draft[i], NULL));
	return OK;
}

/* All but the place in the chain is made in the caller's thread. */
enum err
trail_look(struct ctx *cx, const char *object, const int64_t *ids, int count, const char *fields)
{
	struct look l = { .count = count > IDS_MAX ? (count + IDS_MAX - 1) / IDS_MAX : 1 };
	struct draft d = { .kind = TRAIL_LOOK, .who = who_of(cx), .object = str_of(object), .shown = str_of(fields),
	    .now = cx->now != 0 ? cx->now : time_now() };
	struct buf action;

	TRY(trail_of(cx, &l.t));
	if (d.object.n == 0 || !utf8_valid(d.object) || count < 0)
		return fail(cx, E_FAULT, "trail", "a look has no object");
	buf_init(&action, cx->arena, 256);
	buf_add(&action, d.object);
	buf_add(&action, S(".look"));
	d.action = buf_str(&action);
	l.draft = NEW(cx->arena, struct draft, (size_t)l.count);
	for (int i = 0; i < l.count; i++) {
		l.draft[i] = d;
		TRY(draft_values(cx, &l.t->crypto, NULL, 0, &l.draft[i]));
		if (count > 1) {
			l.draft[i].ids = ids + i * IDS_MAX;
			l.draft[i].id_count = count - i * IDS_MAX < IDS_MAX ? count - i * IDS_MAX : IDS_MAX;
		} else if (count == 1)
			l.draft[i].id = ids[0];
	}
	TRY(store_write(cx, look_in, &l));
	cx->looked = true;
	return OK;
}

/* ---- opening --------------------------------------------------------------------------------------- */

static enum err
create(struct ctx *cx, void *arg)
{
	struct trail *t = arg;
	struct head_row h = {0};
	hash32 hash, mac;

	snprintf(t->origin, sizeof(t->origin), "ward/trail/%lld/%016llx", (long long)t->account,
	    (unsigned long long)rand_u64());
	genesis(&t->crypto, str_of(t->origin), t->account, hash);
	h.hash = (str){ (char *)hash, HASH_BYTES };
	head_mac(cx->sys, t, str_of(t->origin), &h, mac);
	return store_exec(cx, &trail_head_new, ARGS(INT(t->account), INT(LANE), TEXT(str_of(t->origin)), BYTES(h.hash),
	    BYTES(((str){ (char *)mac, HASH_BYTES }))), NULL);
}

struct loading {
	struct trail *t;
	hash32        hash;       /* of the last event seen */
	int64_t       last;
	bool          bad;
};

static enum err
load_event(struct ctx *cx, const struct row *r, void *arg)
{
	struct loading *l = arg;
	struct canon c;
	str hash = row_str(r, 8);

	if (hash.n != HASH_BYTES || !canon_read(row_str(r, 7), &c)) {
		l->bad = true;
		return OK;
	}
	l->last = row_int(r, 0);
	l->t->head.at = row_int(r, 1);
	memcpy(l->hash, hash.p, HASH_BYTES);
	if (l->last > l->t->head.indexed && !postings_add(&l->t->postings, l->last, (enum trail_kind)row_int(r, 2),
	    row_int(r, 3), row_str(r, 4), row_str(r, 5), row_int(r, 6), c.ids))
		return fail(cx, E_FAULT, "trail", "out of memory");
	return OK;
}

/* False in *match: the head is not what this ward left there. */
static enum err
load(struct ctx *cx, struct trail *t, bool *match)
{
	struct loading l = { .t = t };
	struct head_row h;
	struct rows rows;

	*match = false;
	TRY(trail_head_read(cx, t, false, &h));
	if (!h.there && h.last == 0 && h.number == 0) {
		TRY(store_write(cx, create, t));
		TRY(trail_head_read(cx, t, false, &h));
	}
	if (!h.good || h.last != h.seq || h.origin.n >= sizeof(t->origin))
		return OK;
	memcpy(t->origin, h.origin.p, h.origin.n);
	t->origin[h.origin.n] = '\0';
	t->head = (struct head){ .seq = h.seq, .stored = h.seq, .indexed = h.indexed, .witnessed = h.witnessed };
	memcpy(t->head.hash, h.hash.p, HASH_BYTES);
	memcpy(l.hash, h.hash.p, HASH_BYTES);
	TRY(store_each(cx, &trail_unindexed, ARGS(INT(t->account), INT(LANE),
	    INT(h.indexed < h.seq ? h.indexed + 1 : h.seq)), load_event, &l));
	TRY(store_all(cx, &trail_last_checkpoint, ARGS(INT(t->account)), &rows));
	if (rows.count > 0) {
		t->head.number = row_int(&rows.row[0], 0);
		t->head.covered = row_int(&rows.row[0], 1);
	}
	*match = !l.bad && l.last == h.seq && memcmp(l.hash, h.hash.p, HASH_BYTES) == 0 && t->head.covered <= h.seq;
	return OK;
}

/* What cannot be read may be what somebody altered, so it locks, too. */
enum err
trail_open(struct ctx *cx, const struct trail_crypto *crypto, const char *witness, struct trail **out)
{
	CLEANUP(trail_close) struct trail *t = calloc(1, sizeof(*t));
	bool match;
	enum err e;

	if (t == NULL)
		return fail(cx, E_FAULT, "trail", "out of memory");
	pthread_mutex_init(&t->one, NULL);
	pthread_rwlock_init(&t->blocks, NULL);
	t->crypto = *crypto;
	t->account = cx->account;
	if (witness != NULL && (t->witness = strdup(witness)) == NULL)
		return fail(cx, E_FAULT, "trail", "out of memory");
	e = load(cx, t, &match);
	if (e == OK && !match)
		e = fail(cx, E_FAULT, "trail", "the trail's head does not match");
	t->locked = e != OK;
	if (e == OK || e == E_FAULT) {
		*out = t;
		t = NULL;
	}
	return e;
}

void
trail_close(struct trail **tp)
{
	struct trail *t = *tp;

	if (t == NULL)
		return;
	postings_done(&t->postings);
	pthread_mutex_destroy(&t->one);
	pthread_rwlock_destroy(&t->blocks);
	free(t->witness);
	free(t);
	*tp = NULL;
}

/* ---- checkpoints ----------------------------------------------------------------------------------- */

/* The last checkpoint's own event is no reason for another one. */
enum err
checkpoint_in(struct ctx *cx, void *arg)
{
	struct trail *t = arg;

	if (t->head.seq == 0 || (t->head.number > 0 && t->head.seq <= t->head.covered + 1))
		return OK;
	return write_checkpoint(cx, t);
}

struct seen { struct trail *t; int64_t number; };

/* Nothing is written for it: the next commit's head row tells it. */
static enum err
note_witnessed(struct ctx *cx UNUSED, void *arg)
{
	const struct seen *s = arg;

	if (s->number > s->t->head.witnessed)
		s->t->head.witnessed = s->number;
	return OK;
}

/* The lock keeps two callers from writing the same lines; whoever comes second
 * finds them there. It is taken when nothing is held that the other may need. */
static enum err
bring_to_witness(struct ctx *cx, struct trail *t)
{
	struct seen s = { .t = t };
	enum err e;

	if (t->witness == NULL)
		return OK;
	pthread_mutex_lock(&t->one);
	e = witness_write(cx, t, &s.number);
	pthread_mutex_unlock(&t->one);
	TRY(e);
	return store_write(cx, note_witnessed, &s);
}

/* Merging can wait when somebody verifies. */
enum err
trail_checkpoint(struct ctx *cx)
{
	struct trail *t = NULL;
	enum err e;

	TRY(trail_of(cx, &t));
	if (cx->tx != NULL)
		return fail(cx, E_FAULT, "trail", "a checkpoint was asked for inside a transaction");
	TRY(store_write(cx, checkpoint_in, t));
	TRY(bring_to_witness(cx, t));
	if (pthread_rwlock_trywrlock(&t->blocks) != 0)
		return OK;
	e = index_merge(cx, t);
	pthread_rwlock_unlock(&t->blocks);
	return e;
}
