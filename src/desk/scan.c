/* scan.c - work over many tickets: scans, trials of a policy, bulk redaction.
 *
 * A job goes over tickets by ascending id, either all up to the highest one at
 * its start or a list that a query made. It works in steps. A step reads some
 * tickets, opens and scans them on several threads, each with its own reading
 * connection, and then commits once: findings that changed, counts, the tickets
 * with findings, and how far it came, in one transaction. So a kill at any point
 * loses the step that was not committed, and no step is counted twice; a start
 * goes on behind `last_id`. A redaction's step is one ticket: the redaction
 * and the progress are one transaction.
 *
 * Live requests come first. The threads have the lowest priority (nice 19). How
 * busy the desk is shows in the store's transactions that are not ours: nearly
 * every request makes one, if only its access event. While there are some, a
 * step takes some milliseconds on one thread and is followed by a rest three times
 * as long.
 *
 * Counts are kept as numbers. Which ticket holds what is sealed under the
 * job's key, as findings are.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "desk/in.h"
#include "desk/known.h"

#define STEP_FOR      ((usec)250000)          /* what a step is to take */
#define STEP_FOR_BUSY ((usec)10000)

enum { STEP_MAX = 512, STEP_FIRST = 16, THREADS_MAX = 8, LIST_STEP = 2000, QUERY_MAX = 1000000, ERASE_EVERY = 16 };
enum { JDOC_QUERY = 1, JDOC_VERSION, JDOC_KINDS, JDOC_PLACES, JDOC_SCORE };

static const char *const kind_names[] = { "?", "scan", "trial", "redaction" };
static const char *const state_names[] = { "queued", "working", "paused", "completed", "cancelled", "failed" };
static const char *const ages[] = { "30_days", "1_year", "6_years", "older" };

const char *phi_job_kind_name(enum phi_job_kind k) { return (size_t)k < COUNT(kind_names) ? kind_names[k] : "?"; }
const char *phi_job_state_name(enum phi_job_state s) { return (size_t)s < COUNT(state_names) ? state_names[s] : "?"; }
const char *phi_age_name(int age) { return age >= 0 && (size_t)age < COUNT(ages) ? ages[age] : "older"; }

/* ---- SQL ------------------------------------------------------------------------------------------------- */

#define COLS "j.id, j.key_id, j.kind, j.state, j.owner_id, j.parent_id, j.listed, j.total, j.done, j.last_id, j.top_id, j.bytes," \
	" j.texts, j.findings, j.with_phi, j.changed, j.failed, j.worked_for, j.created_at, j.updated_at, j.ended_at, j.doc"
#define OUT "iiiiii?iiiiiiiiiiiiiii?S"
#define SEAL { { "phi_job", "doc", 0 } }

static const struct stmt insert_job = {
	.name = "phi_job.insert",
	.sql  = "INSERT INTO phi_job (account_id, id, key_id, kind, state, owner_id, parent_id, listed, total, done, last_id, top_id,"
	        " bytes, texts, findings, with_phi, changed, failed, worked_for, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, 0, 0, 0, 0, 0, 0, 0, $11, $11, $12)",
	.in   = "iiiiiii?iiiiS", .seal_in = { { "phi_job", "doc", 1 } },
};
static const struct stmt get_job = {
	.name = "phi_job.get",
	.sql  = "SELECT " COLS " FROM phi_job j WHERE j.account_id = $1 AND j.id = $2",
	.in   = "ii", .out = OUT, .seal_out = SEAL,
};
static const struct stmt list_jobs = {
	.name = "phi_job.list",
	.sql  = "SELECT " COLS " FROM phi_job j WHERE j.account_id = $1 ORDER BY j.id DESC LIMIT 100",
	.in   = "i", .out = OUT, .seal_out = SEAL,
};
static const struct stmt next_job = {
	.name = "phi_job.next",
	.sql  = "SELECT " COLS " FROM phi_job j WHERE j.account_id = $1 AND j.state < 2 ORDER BY j.state DESC, j.id LIMIT 1",
	.in   = "i", .out = OUT, .seal_out = SEAL,
};
static const struct stmt set_state = {
	.name = "phi_job.set_state",
	.sql  = "UPDATE phi_job SET state = $3, updated_at = $4, ended_at = $5, total = $6 WHERE account_id = $1 AND id = $2",
	.in   = "iiiii?i",
};
/* Only while it is at work, and from where this step began. */
static const struct stmt step_done = {
	.name = "phi_job.step",
	.sql  = "UPDATE phi_job SET state = $3, done = done + $4, last_id = $5, bytes = bytes + $6, texts = texts + $7,"
	        " findings = findings + $8, with_phi = with_phi + $9, changed = changed + $10, failed = failed + $11,"
	        " worked_for = worked_for + $12, updated_at = $13, ended_at = $14 WHERE account_id = $1 AND id = $2 AND state < 2"
	        " AND last_id = $15",
	.in   = "iiiiiiiiiiiiii?i",
};
static const struct stmt add_count = {
	.name = "phi_job_count.add",
	.sql  = "INSERT INTO phi_job_count (account_id, job_id, kind, place, channel, age, treatment, n) VALUES ($1, $2, $3, $4, $5,"
	        " $6, $7, $8) ON CONFLICT (account_id, job_id, kind, place, channel, age, treatment)"
	        " DO UPDATE SET n = phi_job_count.n + excluded.n",
	.in   = "iiiiiiii",
};
static const struct stmt all_counts = {
	.name = "phi_job_count.all",
	.sql  = "SELECT kind, place, channel, age, treatment, n FROM phi_job_count WHERE account_id = $1 AND job_id = $2"
	        " ORDER BY kind, place, channel, age, treatment",
	.in   = "ii", .out = "iiiiii",
};
static const struct stmt insert_ticket = {
	.name = "phi_job_ticket.insert",
	.sql  = "INSERT INTO phi_job_ticket (account_id, job_id, ticket_id, id, doc) VALUES ($1, $2, $3, $4, $5)",
	.in   = "iiiiS", .seal_in = { { "phi_job_ticket", "doc", 3 } },
};
static const struct stmt tickets_with = {
	.name = "phi_job_ticket.page",
	.sql  = "SELECT ticket_id, id, doc FROM phi_job_ticket WHERE account_id = $1 AND job_id = $2 AND ticket_id > $3"
	        " ORDER BY ticket_id LIMIT 2000",
	.in   = "iii", .out = "iiS", .seal_out = { { "phi_job_ticket", "doc", 1 } },
};
static const struct stmt list_add = {
	.name = "phi_job_list.add",
	.sql  = "INSERT INTO phi_job_list (account_id, job_id, ticket_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	.in   = "iii",
};
static const struct stmt list_page = {
	.name = "phi_job_list.page",
	.sql  = "SELECT ticket_id FROM phi_job_list WHERE account_id = $1 AND job_id = $2 AND ticket_id > $3 ORDER BY ticket_id LIMIT $4",
	.in   = "iiii", .out = "i",
};
static const struct stmt ticket_page = {
	.name = "phi_job.tickets",
	.sql  = "SELECT id FROM ticket WHERE account_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4",
	.in   = "iiii", .out = "i",
};
static const struct stmt ticket_span = {
	.name = "phi_job.span",
	.sql  = "SELECT COUNT(*), COALESCE(MAX(id), 0) FROM ticket WHERE account_id = $1",
	.in   = "i", .out = "ii",
};
static const struct stmt comment_findings = {
	.name = "comment.set_doc",
	.sql  = "UPDATE comment SET doc = $3 WHERE account_id = $1 AND id = $2 AND key_id = $4",
	.in   = "iiSi", .seal_in = { { "comment", "doc", 1 } },
};

const struct stmt *const scan_stmts[] = {
	&insert_job, &get_job, &list_jobs, &next_job, &set_state, &step_done, &add_count, &all_counts, &insert_ticket,
	&tickets_with, &list_add, &list_page, &ticket_page, &ticket_span, &comment_findings, NULL
};

/* ---- jobs ------------------------------------------------------------------------------------------------- */

static void
from_row(const struct row *r, struct phi_job *j)
{
	str rest = row_sensitive(r, 21).hidden, v;
	uint8_t tag;

	*j = (struct phi_job){ .id = row_int(r, 0), .key = row_int(r, 1), .kind = (enum phi_job_kind)row_int(r, 2),
	    .state = (enum phi_job_state)row_int(r, 3), .owner_id = row_int(r, 4), .parent_id = row_int(r, 5),
	    .listed = row_int(r, 6) != 0, .total = row_int(r, 7), .done = row_int(r, 8), .last_id = row_int(r, 9),
	    .top_id = row_int(r, 10), .bytes = row_int(r, 11), .texts = row_int(r, 12), .findings = row_int(r, 13),
	    .with_phi = row_int(r, 14), .changed = row_int(r, 15), .failed = row_int(r, 16), .worked_for = row_int(r, 17),
	    .created_at = row_int(r, 18), .updated_at = row_int(r, 19), .ended_at = row_int(r, 20) };
	while (pack_next(&rest, &tag, &v))
		switch (tag) {
		case JDOC_QUERY:   j->query = HIDE(v); break;
		case JDOC_VERSION: j->version = pack_get_int(v); break;
		case JDOC_KINDS:   j->choice.kinds = (uint32_t)pack_get_int(v); break;
		case JDOC_PLACES:  j->choice.places = (uint32_t)pack_get_int(v); break;
		case JDOC_SCORE:   j->choice.min_score = (int)pack_get_int(v); break;
		default: break;
		}
}

enum err
phi_job_get(struct ctx *cx, int64_t id, struct phi_job *out)
{
	struct row r;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_one(cx, &get_job, ARGS(INT(cx->account), INT(id)), &r));
	from_row(&r, out);
	return OK;
}

enum err
phi_job_list(struct ctx *cx, struct phi_job **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_all(cx, &list_jobs, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct phi_job, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		from_row(&rs.row[i], &(*out)[i]);
	*count = rs.count;
	return OK;
}

enum err
phi_job_counts(struct ctx *cx, int64_t id, struct phi_count **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_all(cx, &all_counts, ARGS(INT(cx->account), INT(id)), &rs));
	*out = NEW(cx->arena, struct phi_count, rs.count + 1);
	for (int i = 0; i < rs.count; i++) {
		const struct row *r = &rs.row[i];
		(*out)[i] = (struct phi_count){ (int)row_int(r, 0), (enum phi_place)row_int(r, 1), (enum phi_channel)row_int(r, 2),
		    (int)row_int(r, 3), (enum treatment)(row_int(r, 4) % 16), (enum treatment)(row_int(r, 4) / 16), row_int(r, 5) };
	}
	*count = rs.count;
	return OK;
}

static void
wake(struct sys *sys, void *arg);

struct making { struct phi_job j; const int64_t *ids; int n; bool last; };

static enum err
insert_tx(struct ctx *cx, void *arg)
{
	struct making *m = arg;
	struct phi_job *j = &m->j;
	struct buf b;

	TRY(store_next_id(cx, "phi_job", &j->id));
	TRY(store_key_new(cx, &j->key));
	j->owner_id = cx->actor->user_id;
	j->created_at = j->updated_at = cx->now;
	/* A list is filled in steps of its own; until it is whole, the job has failed. */
	j->state = j->listed ? PHI_FAILED : PHI_QUEUED;
	buf_init(&b, cx->arena, 64 * KiB);
	pack_put(&b, JDOC_QUERY, reveal(cx, j->query, TO_STORE));
	pack_int(&b, JDOC_VERSION, j->version);
	pack_int(&b, JDOC_KINDS, j->choice.kinds);
	pack_int(&b, JDOC_PLACES, j->choice.places);
	pack_int(&b, JDOC_SCORE, j->choice.min_score);
	TRY(store_exec(cx, &insert_job, ARGS(INT(cx->account), INT(j->id), INT(j->key), INT(j->kind), INT(j->state), INT(j->owner_id),
	    ID(j->parent_id), INT(j->listed), INT(j->total), INT(j->top_id), INT(cx->now), SEALED(j->key, HIDE(buf_str(&b)))), NULL));
	if (!j->listed)
		store_after(cx, wake, NULL);
	return trail_append(cx, &(struct event){ .action = j->kind == PHI_SCAN ? "phi_job.scan" : j->kind == PHI_TRIAL ? "phi_job.trial"
	    : "phi_job.redact", .object = "phi_job", .id = j->id, .parent = j->parent_id });
}

static enum err
fill_tx(struct ctx *cx, void *arg)
{
	struct making *m = arg;

	for (int i = 0; i < m->n; i++)
		TRY(store_exec(cx, &list_add, ARGS(INT(cx->account), INT(m->j.id), INT(m->ids[i])), NULL));
	if (!m->last)
		return OK;
	store_after(cx, wake, NULL);
	return store_exec(cx, &set_state, ARGS(INT(cx->account), INT(m->j.id), INT(PHI_QUEUED), INT(cx->now), NIL, INT(m->j.total)), NULL);
}

static enum err
start(struct ctx *cx, struct making *m, const int64_t *ids, int n, struct phi_job *out)
{
	TRY(store_write(cx, insert_tx, m));
	for (int at = 0; m->j.listed && (at < n || at == 0); at += LIST_STEP) {
		m->ids = ids + at;
		m->n = n - at < LIST_STEP ? n - at : LIST_STEP;
		m->last = at + LIST_STEP >= n;
		TRY(store_write(cx, fill_tx, m));
	}
	if (m->j.listed)
		m->j.state = PHI_QUEUED;
	*out = m->j;
	return OK;
}

/* All of them, or what a query finds among tickets. */
static enum err
start_over(struct ctx *cx, struct making *m, str query, struct phi_job *out)
{
	struct search_page p = { .sort_by = S("created_at"), .ascending = true, .limit = QUERY_MAX };
	struct found *f;
	struct row r;
	int64_t total, *ids;
	int n, k = 0;

	query = str_trim(query);
	if (query.n > 2000) {
		bad(cx, "query", "TooLong", "Query: is too long (maximum is 2000 bytes)");
		return bad_check(cx);
	}
	m->j.query = HIDE(query);
	if (query.n == 0) {
		TRY(store_one(cx, &ticket_span, ARGS(INT(cx->account)), &r));
		m->j.total = row_int(&r, 0);
		m->j.top_id = row_int(&r, 1);
		return start(cx, m, NULL, 0, out);
	}
	p.query = str_printf(cx->arena, "type:ticket " STR_F, STR_A(query));
	TRY(search_run(cx, &p, &f, &n, &total));
	if (n >= QUERY_MAX)
		return fail(cx, E_LIMIT, "query", "the query finds a million tickets; scan all, or ask for less");
	ids = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		if (f[i].type == FOUND_TICKET)
			ids[k++] = f[i].id;
	m->j.listed = true;
	m->j.total = k;
	return start(cx, m, ids, k, out);
}

enum err
phi_scan_start(struct ctx *cx, str query, struct phi_job *out)
{
	struct making m = { .j.kind = PHI_SCAN };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	return start_over(cx, &m, query, out);
}

enum err
phi_trial_start(struct ctx *cx, int64_t version, str query, struct phi_job *out)
{
	struct policy_doc *p = NEW(cx->arena, struct policy_doc, 1);
	struct making m = { .j = { .kind = PHI_TRIAL, .version = version } };

	TRY(policy_get(cx, version, p));
	return start_over(cx, &m, query, out);
}

struct change { int64_t id; enum phi_job_state to; struct phi_job out; };

static enum err
change_tx(struct ctx *cx, void *arg)
{
	struct change *c = arg;
	static const char *const actions[] = { [PHI_QUEUED] = "phi_job.resume", [PHI_PAUSED] = "phi_job.pause",
	    [PHI_CANCELLED] = "phi_job.cancel" };
	bool ends = c->to == PHI_CANCELLED;

	TRY(phi_job_get(cx, c->id, &c->out));
	if (c->out.state >= PHI_COMPLETED)
		return fail(cx, E_CONFLICT, NULL, "it has ended");
	if (c->out.state == c->to || (c->to == PHI_QUEUED && c->out.state == PHI_WORKING))
		return OK;
	TRY(store_exec(cx, &set_state, ARGS(INT(cx->account), INT(c->id), INT(c->to), INT(cx->now), ends ? INT(cx->now) : NIL,
	    INT(c->out.total)), NULL));
	c->out.state = c->to;
	store_after(cx, wake, NULL);
	return trail_append(cx, &(struct event){ .action = actions[c->to], .object = "phi_job", .id = c->id });
}

static enum err
change(struct ctx *cx, int64_t id, enum phi_job_state to, struct phi_job *out)
{
	struct change c = { .id = id, .to = to };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(store_write(cx, change_tx, &c));
	*out = c.out;
	return OK;
}

enum err phi_job_pause(struct ctx *cx, int64_t id, struct phi_job *out) { return change(cx, id, PHI_PAUSED, out); }
enum err phi_job_resume(struct ctx *cx, int64_t id, struct phi_job *out) { return change(cx, id, PHI_QUEUED, out); }
enum err phi_job_cancel(struct ctx *cx, int64_t id, struct phi_job *out) { return change(cx, id, PHI_CANCELLED, out); }

/* ---- what a scan saw in which ticket ------------------------------------------------------------------------ */

/* Packed: (kind, place, score) one after the other, a byte each. */
static bool
chosen(const struct phi_choice *w, int kind, int place, int score)
{
	return w == NULL || ((w->kinds >> kind & 1) && (w->places >> place & 1) && score >= w->min_score);
}

static enum err
each_ticket(struct ctx *cx, int64_t job, const struct phi_choice *w, enum err (*fn)(struct ctx *cx, void *arg, int64_t id, int64_t n), void *arg)
{
	int64_t after = 0;
	int got;

	do {
		struct rows rs;
		struct ctx page;
		enum err e;
		ctx_init(&page, cx->sys, cx->account);
		e = store_all(&page, &tickets_with, ARGS(INT(cx->account), INT(job), INT(after)), &rs);
		got = e == OK ? rs.count : 0;
		for (int i = 0; e == OK && i < got; i++) {
			str s = row_sensitive(&rs.row[i], 2).hidden;
			int64_t n = 0;
			for (size_t k = 0; k + 3 <= s.n; k += 3)
				n += chosen(w, s.p[k], s.p[k + 1], s.p[k + 2]);
			after = row_int(&rs.row[i], 0);
			if (n > 0)
				e = fn(cx, arg, after, n);
		}
		ctx_done(&page);
		if (e == E_LIMIT)
			return OK;              /* enough */
		if (e != OK)
			return cx->fail.code != OK ? e : fail(cx, e, NULL, "the scan's results cannot be read");
	} while (got > 0);
	return OK;
}

struct gathering { int64_t *id; int count, cap, max; int64_t findings, tickets; };

static enum err
gather(struct ctx *cx, void *arg, int64_t id, int64_t n)
{
	struct gathering *g = arg;

	g->tickets++;
	g->findings += n;
	if (g->max > 0 && g->count >= g->max)
		return g->findings < 0 ? E_LIMIT : OK;
	if (g->count == g->cap) {
		int cap = g->cap ? g->cap * 2 : 64;
		int64_t *more = NEW(cx->arena, int64_t, cap);
		if (g->count)
			memcpy(more, g->id, sizeof *more * (size_t)g->count);
		g->id = more;
		g->cap = cap;
	}
	g->id[g->count++] = id;
	return OK;
}

enum err
phi_job_sample(struct ctx *cx, int64_t id, const struct phi_choice *which, int max, int64_t **out, int *count)
{
	struct gathering g = { .max = max };

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(each_ticket(cx, id, which, gather, &g));
	*out = g.id;
	*count = g.count;
	return OK;
}

static enum err
finished_scan(struct ctx *cx, int64_t id, struct phi_job *j)
{
	TRY(phi_job_get(cx, id, j));
	if (j->kind != PHI_SCAN)
		return fail(cx, E_ABSENT, NULL, "no such scan");
	if (j->state != PHI_COMPLETED)
		return fail(cx, E_CONFLICT, NULL, "the scan has not been completed");
	return OK;
}

enum err
phi_redaction_preview(struct ctx *cx, int64_t scan_id, const struct phi_choice *which, struct phi_preview *out)
{
	struct gathering g = { .max = 20 };
	struct phi_job scan;

	TRY(finished_scan(cx, scan_id, &scan));
	TRY(each_ticket(cx, scan_id, which, gather, &g));
	*out = (struct phi_preview){ g.tickets, g.findings, g.id, g.count };
	return OK;
}

enum err
phi_redaction_start(struct ctx *cx, int64_t scan_id, const struct phi_choice *which, int64_t confirm, struct phi_job *out)
{
	struct making m = { .j = { .kind = PHI_REDACTION, .parent_id = scan_id, .choice = *which, .listed = true } };
	struct gathering g = { .max = 0 };
	struct phi_job scan;

	TRY(finished_scan(cx, scan_id, &scan));
	TRY(gate_may(cx, MAY_REDACT, NULL));
	TRY(each_ticket(cx, scan_id, which, gather, &g));
	if (g.tickets == 0)
		bad(cx, "kinds", "InvalidValue", "The scan found nothing of what is chosen");
	else if (confirm != g.tickets)
		bad(cx, "confirm", "InvalidValue", "Confirm: must be the number of tickets that the preview shows");
	TRY(bad_check(cx));
	m.j.total = g.tickets;
	return start(cx, &m, g.id, g.count, out);
}

/* ---- one ticket, read only ------------------------------------------------------------------------------------ */

struct tally { int kind, place, channel, age, treatment; int64_t n; };

/* What a thread made of one ticket; lives in its own context until the step is committed. */
struct result {
	int64_t id, bytes, texts, findings;
	bool    skip, failed, head_changed, any_changed;
	struct ticket t;
	struct comment *c;
	bool   *changed;                     /* of each comment */
	int     comments;
	struct attachment *file[64];         /* whose findings changed */
	int     files;
	struct tally *tally;
	int     tallies, cap;
	struct buf seen;                     /* kind, place, score */
};

static bool
same(const struct finding *a, int n, const struct findings *b)
{
	if (n != b->count)
		return false;
	for (int i = 0; i < n; i++)
		if (a[i].at != b->f[i].at || a[i].len != b->f[i].len || a[i].score != b->f[i].score || !str_eq(a[i].label, b->f[i].label)
		    || !str_eq(a[i].rule, b->f[i].rule) || !str_eq(a[i].field, b->f[i].field))
			return false;
	return true;
}

static int
age_of(usec now, usec at)
{
	int64_t days = (now - at) / ((usec)86400 * SECOND);

	return days < 30 ? 0 : days < 365 ? 1 : days < 6 * 365 + 2 ? 2 : 3;
}

struct job_view { const struct phi_job *j; const struct policy_doc *tried, *now; usec at; };

/* Counts findings of one text; `place` PLACES: by the finding's own field. */
static void
tell(struct ctx *cx, const struct job_view *v, struct result *r, const struct findings *f, int place, str channel, usec at, str text)
{
	int ch = (int)policy_channel(channel), age = age_of(v->at, at);

	for (int i = 0; i < f->count; i++) {
		const struct finding *x = &f->f[i];
		int p = str_eq(x->field, S("subject")) ? PLACE_SUBJECT : str_eq(x->field, S("attachment")) ? PLACE_FILE_NAME : place;
		int kind = policy_kind(x->label, x->rule, p == PLACE_SUBJECT || (p == place && p != PLACE_FIELD) ? str_sub(text, (size_t)x->at, (size_t)x->len) : S(""));
		int what = 0, k;
		char three[3] = { (char)kind, (char)p, (char)(x->score > 100 ? 100 : x->score) };
		r->findings++;
		if (v->j->kind == PHI_TRIAL) {
			enum treatment then = policy_treatment(v->tried, kind, (enum phi_place)p, (enum phi_channel)ch, x->score),
			    now = policy_treatment(v->now, kind, (enum phi_place)p, (enum phi_channel)ch, x->score);
			what = (int)then + 16 * (int)now;
			if (then == now)
				three[2] = 0;   /* nothing changes: not among the samples */
		}
		if (three[2] != 0)
			buf_add(&r->seen, (str){ three, 3 });
		for (k = 0; k < r->tallies; k++)
			if (r->tally[k].kind == kind && r->tally[k].place == p && r->tally[k].channel == ch && r->tally[k].age == age
			    && r->tally[k].treatment == what)
				break;
		if (k == r->tallies) {
			if (r->tallies == r->cap) {
				int cap = r->cap ? r->cap * 2 : 8;
				struct tally *more = NEW(cx->arena, struct tally, cap);
				if (r->tallies)
					memcpy(more, r->tally, sizeof *more * (size_t)r->tallies);
				r->tally = more;
				r->cap = cap;
			}
			r->tally[r->tallies++] = (struct tally){ kind, p, ch, age, what, 0 };
		}
		r->tally[k].n++;
	}
}

static enum err
scan_file(struct ctx *cx, const struct job_view *v, struct result *r, const struct comment *c, struct attachment *f)
{
	struct findings fresh = { 0 };
	str bytes;

	if (f->redacted || f->scan != SCAN_DONE)
		return OK;
	TRY(attachment_load(cx, f->id, &bytes));
	TRY(desk_scan(cx, "attachment_text", HIDE(bytes), &fresh));
	r->bytes += (int64_t)bytes.n;
	r->texts++;
	if (!same(f->finding, f->finding_count, &fresh) && r->files < (int)COUNT(r->file)) {
		f->finding = fresh.f;
		f->finding_count = fresh.count;
		r->file[r->files++] = f;
		r->any_changed = true;
	}
	tell(cx, v, r, &fresh, PLACE_FILE_TEXT, c->channel, c->created_at, bytes);
	return OK;
}

static enum err
scan_one(struct ctx *cx, const struct job_view *v, struct result *r)
{
	struct findings head = { 0 };
	struct ticket *t = &r->t;
	str subject;
	enum err e;

	buf_init(&r->seen, cx->arena, 3 * MiB);
	e = ticket_row(cx, r->id, t);
	if (e == E_ABSENT || (e == OK && t->erased)) {
		fail_forget(cx);
		r->skip = true;
		return OK;
	}
	TRY(e);
	TRY(known_for(cx, &(struct known_ticket){ .user_id = t->requester_id, .ticket_id = t->id, .recipient = t->recipient }));
	TRY(ticket_scan(cx, t, &head));
	subject = reveal(cx, t->subject, TO_SCAN);
	r->bytes += (int64_t)(subject.n + t->custom_fields.hidden.n + t->tags.hidden.n);
	r->texts++;
	if (!same(t->finding, t->finding_count, &head)) {
		t->finding = head.f;
		t->finding_count = head.count;
		r->head_changed = r->any_changed = true;
	}
	tell(cx, v, r, &head, PLACE_FIELD, t->channel, t->created_at, subject);
	TRY(comments_of(cx, t->id, &r->c, &r->comments));
	r->changed = NEW(cx->arena, bool, r->comments + 1);
	for (int i = 0; i < r->comments; i++) {
		struct comment *c = &r->c[i];
		struct findings fresh = { 0 };
		if (c->erased)
			continue;
		TRY(desk_scan(cx, "body", c->body, &fresh));
		r->bytes += (int64_t)c->body.hidden.n;
		r->texts++;
		for (int k = 0; k < c->attachment_count; k++)
			if (!c->attachment[k].redacted)
				TRY(desk_scan(cx, "attachment", c->attachment[k].file_name, &fresh));
		for (int k = 0; k < c->finding_count; k++)      /* what has no text here stays as it was seen */
			if (!str_eq(c->finding[k].field, S("body")) && !str_eq(c->finding[k].field, S("attachment")))
				findings_add(cx, &fresh, &c->finding[k]);
		tell(cx, v, r, &fresh, c->is_public ? PLACE_COMMENT : PLACE_NOTE, c->channel, c->created_at, reveal(cx, c->body, TO_SCAN));
		if (!same(c->finding, c->finding_count, &fresh)) {
			c->finding = fresh.f;
			c->finding_count = fresh.count;
			r->changed[i] = r->any_changed = true;
		}
		for (int k = 0; k < c->attachment_count; k++)
			TRY(scan_file(cx, v, r, c, &c->attachment[k]));
	}
	return OK;
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

struct step {
	struct sys     *sys;
	int64_t         account;
	struct phi_job *j;
	struct job_view view;
	struct result  *r;
	struct ctx     *own;                 /* one for each thread */
	int             n;
	atomic_int      next;
	atomic_bool     broken;
	bool            end, stale;
	usec            took;
};

static void
lowest_priority(void)
{
	if (setpriority(PRIO_PROCESS, 0, 19) != 0)
		log_line(LOG_LV_DEBUG, "scan", "the priority cannot be lowered");
}

struct seat { struct step *s; int number; };

static void
work(struct step *s, struct ctx *cx)
{
	for (;;) {
		int i = atomic_fetch_add(&s->next, 1);
		enum err e;
		if (i >= s->n || atomic_load(&s->broken))
			return;
		e = scan_one(cx, &s->view, &s->r[i]);
		if (e == E_LIMIT || e == E_INVALID) {
			/* A text that cannot be scanned: its ticket is counted as failed, the job goes on. */
			fail_clear(cx);
			s->r[i].failed = s->r[i].skip = true;
		} else if (e != OK)
			atomic_store(&s->broken, true);
	}
}

static void *
helper(void *arg)
{
	struct seat *seat = arg;

	lowest_priority();
	work(seat->s, &seat->s->own[seat->number]);
	return NULL;
}

/* A comment that was changed meanwhile is left to who changed it: it was scanned then. */
static enum err
save_findings(struct ctx *cx, const struct result *r, int64_t *saved)
{
	struct ticket now;
	struct comment *c;
	enum err e;
	int n;

	if (!r->any_changed)
		return OK;
	e = ticket_row(cx, r->id, &now);
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	if (now.key != r->t.key)
		return OK;              /* redacted or erased meanwhile */
	if (r->head_changed && str_eq(now.subject.hidden, r->t.subject.hidden) && str_eq(now.custom_fields.hidden, r->t.custom_fields.hidden)
	    && str_eq(now.tags.hidden, r->t.tags.hidden)) {
		now.finding = r->t.finding;
		now.finding_count = r->t.finding_count;
		TRY(ticket_save_doc(cx, &now));
	}
	TRY(comments_of(cx, r->id, &c, &n));
	for (int i = 0; i < r->comments; i++)
		for (int k = 0; r->changed[i] && k < n; k++)
			if (c[k].id == r->c[i].id && c[k].key == r->c[i].key && str_eq(c[k].body.hidden, r->c[i].body.hidden))
				TRY(store_exec(cx, &comment_findings, ARGS(INT(cx->account), INT(c[k].id),
				    SEALED(c[k].key, HIDE(comment_doc(cx, &r->c[i]))), INT(c[k].key)), NULL));
	for (int i = 0; i < r->files; i++)
		TRY(attachment_findings(cx, r->file[i]));
	++*saved;
	return OK;
}

static enum err
step_tx(struct ctx *cx, void *arg)
{
	struct step *s = arg;
	struct phi_job *j = s->j;
	int64_t bytes = 0, texts = 0, findings = 0, with = 0, changed = 0, failed = 0, last = j->last_id, rows = 0, id;

	for (int i = 0; i < s->n; i++) {
		struct result *r = &s->r[i];
		last = r->id;
		failed += r->failed;
		if (r->skip)
			continue;
		bytes += r->bytes;
		texts += r->texts;
		findings += r->findings;
		with += r->findings > 0;
		if (j->kind == PHI_SCAN)
			TRY(save_findings(cx, r, &changed));
		for (int k = 0; k < r->tallies; k++)
			TRY(store_exec(cx, &add_count, ARGS(INT(cx->account), INT(j->id), INT(r->tally[k].kind), INT(r->tally[k].place),
			    INT(r->tally[k].channel), INT(r->tally[k].age), INT(r->tally[k].treatment), INT(r->tally[k].n)), NULL));
		if (r->seen.n > 0) {
			TRY(store_next_id(cx, "phi_job_ticket", &id));
			TRY(store_exec(cx, &insert_ticket, ARGS(INT(cx->account), INT(j->id), INT(r->id), INT(id),
			    SEALED(j->key, HIDE(buf_str(&r->seen)))), NULL));
		}
	}
	TRY(store_exec(cx, &step_done, ARGS(INT(cx->account), INT(j->id), INT(s->end ? PHI_COMPLETED : PHI_WORKING), INT(s->n), INT(last),
	    INT(bytes), INT(texts), INT(findings), INT(with), INT(changed), INT(failed), INT(s->took), INT(cx->now),
	    s->end ? INT(cx->now) : NIL, INT(j->last_id)), &rows));
	s->stale = rows == 0;
	/* Paused or cancelled meanwhile: nothing of the step counts. */
	if (s->stale)
		return fail(cx, E_CONFLICT, NULL, "the job is not at work any more");
	if (s->end)
		return trail_append(cx, &(struct event){ .action = "phi_job.complete", .object = "phi_job", .id = j->id });
	return OK;
}

/* The ids that come next; *end: there are no others. */
static enum err
next_ids(struct ctx *cx, const struct phi_job *j, int want, struct rows *rs, bool *end)
{
	if (j->listed)
		TRY(store_all(cx, &list_page, ARGS(INT(cx->account), INT(j->id), INT(j->last_id), INT(want)), rs));
	else
		TRY(store_all(cx, &ticket_page, ARGS(INT(cx->account), INT(j->last_id), INT(j->top_id), INT(want)), rs));
	*end = rs->count < want;
	return OK;
}

static enum err
scan_step(struct ctx *cx, struct phi_job *j, int want, int threads, bool *stale)
{
	struct step s = { .sys = cx->sys, .account = cx->account, .j = j };
	struct policy_doc *tried = NULL;
	pthread_t thread[THREADS_MAX];
	struct seat seat[THREADS_MAX];
	struct rows rs;
	usec began = time_mono();
	int running = 0;
	enum err e;

	if (j->kind == PHI_TRIAL) {
		tried = NEW(cx->arena, struct policy_doc, 1);
		TRY(policy_get(cx, j->version, tried));
	}
	s.view = (struct job_view){ j, tried, policy_current(cx), cx->now };
	TRY(next_ids(cx, j, want, &rs, &s.end));
	s.n = rs.count;
	s.r = NEW(cx->arena, struct result, s.n + 1);
	for (int i = 0; i < s.n; i++)
		s.r[i].id = row_int(&rs.row[i], 0);
	if (ctx_release_reader != NULL && cx->reader != NULL) {
		ctx_release_reader(cx);
		cx->reader = NULL;
	}
	if (threads > s.n / 4 + 1)
		threads = s.n / 4 + 1;
	s.own = NEW(cx->arena, struct ctx, threads);
	for (int i = 0; i < threads; i++) {
		ctx_init(&s.own[i], cx->sys, cx->account);
		gate_as_system(&s.own[i], "scan");
	}
	for (int i = 1; i < threads; i++) {
		seat[i] = (struct seat){ &s, i };
		if (pthread_create(&thread[running], NULL, helper, &seat[i]) != 0)
			break;
		running++;
	}
	work(&s, &s.own[0]);
	for (int i = 0; i < running; i++)
		pthread_join(thread[i], NULL);
	s.took = time_mono() - began;
	e = atomic_load(&s.broken) ? fail(cx, E_FAULT, NULL, "tickets cannot be read") : store_write(cx, step_tx, &s);
	for (int i = 0; i < threads; i++)
		ctx_done(&s.own[i]);
	*stale = s.stale;
	if (e == E_CONFLICT && s.stale) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

/* ---- redaction of one ticket ------------------------------------------------------------------------------------- */

struct cut { struct phi_job *j; int64_t id; struct redaction r; bool end, stale, failed; usec took; int64_t findings; };

static enum err
cut_tx(struct ctx *cx, void *arg)
{
	struct cut *c = arg;
	int64_t rows = 0;

	if (c->id != 0 && (c->r.span_count > 0 || c->r.value_count > 0))
		TRY(ticket_redact(cx, c->id, &c->r, NULL));
	TRY(store_exec(cx, &step_done, ARGS(INT(cx->account), INT(c->j->id), INT(c->end ? PHI_COMPLETED : PHI_WORKING), INT(c->id != 0),
	    INT(c->id ? c->id : c->j->last_id), INT(0), INT(0), INT(c->findings), INT(c->findings > 0), INT(c->findings > 0),
	    INT(c->failed), INT(c->took), INT(cx->now), c->end ? INT(cx->now) : NIL, INT(c->j->last_id)), &rows));
	c->stale = rows == 0;
	if (c->stale)
		return fail(cx, E_CONFLICT, NULL, "the job is not at work any more");
	return c->end ? trail_append(cx, &(struct event){ .action = "phi_job.complete", .object = "phi_job", .id = c->j->id }) : OK;
}

/* What is chosen, as it stands in the ticket now. */
static enum err
choose(struct ctx *cx, struct cut *c)
{
	const struct phi_choice *w = &c->j->choice;
	struct findings values = { 0 };
	struct span *spans;
	sensitive *value;
	struct comment *cm;
	struct ticket t;
	struct findings head = { 0 };
	int n, room = 0, spans_n = 0, values_n = 0;
	str fields;
	enum err e = ticket_row(cx, c->id, &t);

	if (e == E_ABSENT || (e == OK && t.erased)) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	TRY(known_for(cx, &(struct known_ticket){ .user_id = t.requester_id, .ticket_id = t.id, .recipient = t.recipient }));
	TRY(comments_of(cx, t.id, &cm, &n));
	for (int i = 0; i < n; i++) {
		room += cm[i].finding_count + cm[i].attachment_count;
		for (int k = 0; k < cm[i].attachment_count; k++)
			room += cm[i].attachment[k].finding_count;
	}
	TRY(desk_scan(cx, "subject", t.subject, &head));
	/* Custom fields, tags: their texts as one, so that offsets have a text. */
	fields = str_printf(cx->arena, STR_F "\n" STR_F "\n" STR_F, STR_A(t.custom_fields.hidden), STR_A(t.tags.hidden), STR_A(t.external_id.hidden));
	TRY(desk_scan(cx, "fields", HIDE(fields), &values));
	room += head.count + values.count + 1;
	spans = NEW(cx->arena, struct span, room);
	value = NEW(cx->arena, sensitive, room * 2);
	for (int i = 0; i < head.count; i++) {
		const struct finding *f = &head.f[i];
		if (chosen(w, policy_kind(f->label, f->rule, str_sub(t.subject.hidden, (size_t)f->at, (size_t)f->len)), PLACE_SUBJECT, f->score))
			spans[spans_n++] = (struct span){ .at = f->at, .len = f->len };
	}
	for (int i = 0; i < values.count; i++) {
		str v = str_sub(fields, (size_t)values.f[i].at, (size_t)values.f[i].len);
		if (chosen(w, policy_kind(values.f[i].label, values.f[i].rule, v), PLACE_FIELD, values.f[i].score))
			value[values_n++] = HIDE(v);
	}
	for (int i = 0; i < n; i++) {
		int place = cm[i].is_public ? PLACE_COMMENT : PLACE_NOTE;
		str body = reveal(cx, cm[i].body, TO_STORE);
		for (int k = 0; k < cm[i].finding_count; k++) {
			const struct finding *f = &cm[i].finding[k];
			if (str_eq(f->field, S("body")) && f->at >= 0 && (size_t)(f->at + f->len) <= body.n
			    && chosen(w, policy_kind(f->label, f->rule, str_sub(body, (size_t)f->at, (size_t)f->len)), place, f->score))
				spans[spans_n++] = (struct span){ cm[i].id, f->at, f->len, S("") };
		}
		for (int k = 0; k < cm[i].attachment_count; k++) {
			struct attachment *a = &cm[i].attachment[k];
			struct findings name = { 0 };
			str nm = reveal(cx, a->file_name, TO_STORE), bytes = S("");
			if (a->redacted)
				continue;
			TRY(desk_scan(cx, "attachment", a->file_name, &name));
			for (int m = 0; m < name.count && values_n < room * 2; m++)
				if (chosen(w, policy_kind(name.f[m].label, name.f[m].rule, str_sub(nm, (size_t)name.f[m].at, (size_t)name.f[m].len)),
				    PLACE_FILE_NAME, name.f[m].score))
					value[values_n++] = HIDE(str_sub(nm, (size_t)name.f[m].at, (size_t)name.f[m].len));
			if (a->finding_count)
				TRY(attachment_load(cx, a->id, &bytes));
			for (int m = 0; m < a->finding_count; m++) {
				str v = str_sub(bytes, (size_t)a->finding[m].at, (size_t)a->finding[m].len);
				if (v.n && values_n < room * 2 && chosen(w, policy_kind(a->finding[m].label, a->finding[m].rule, v), PLACE_FILE_TEXT,
				    a->finding[m].score))
					value[values_n++] = HIDE(v);
			}
		}
	}
	c->r = (struct redaction){ .span = spans, .span_count = spans_n, .value = value, .value_count = values_n, .erase_later = true,
	    .cause = str_z(cx->arena, str_printf(cx->arena, "phi_job:%lld", (long long)c->j->id)) };
	c->findings = spans_n + values_n;
	return OK;
}

static enum err
cut_step(struct ctx *cx, struct phi_job *j, bool *stale)
{
	struct cut c = { .j = j };
	usec began = time_mono();
	struct rows rs;
	enum err e;

	TRY(next_ids(cx, j, 2, &rs, &c.end));
	if (rs.count > 0) {
		c.id = row_int(&rs.row[0], 0);
		/* In the name of who confirmed it, who may have lost the right since. */
		if (j->owner_id != 0)
			TRY(gate_as_user(cx, j->owner_id, "job"));
		TRY(choose(cx, &c));
		gate_as_system(cx, "job");
	}
	c.end = rs.count < 2;
	c.took = time_mono() - began;
	e = store_write(cx, cut_tx, &c);
	if (e == E_INVALID || e == E_DENIED || e == E_ABSENT || e == E_LIMIT) {
		fail_clear(cx);
		c.r = (struct redaction){ .span_count = 0 };
		c.findings = 0;
		c.failed = true;
		e = store_write(cx, cut_tx, &c);
	}
	*stale = c.stale;
	if (e == E_CONFLICT && c.stale) {
		fail_forget(cx);
		return OK;
	}
	if (e == OK && (c.end || j->done % ERASE_EVERY == ERASE_EVERY - 1))
		TRY(store_erase(cx));
	return e;
}

/* ---- the loop ------------------------------------------------------------------------------------------------------ */

struct pace { uint64_t seen; bool busy; int calm, want; };

/* Transactions that were not ours since the last look. */
static void
look_around(struct sys *sys, struct pace *p, uint64_t ours)
{
	struct store_stats now;

	store_stats(sys->store, &now);
	if (p->seen != 0 && now.transactions - p->seen > ours) {
		p->busy = true;
		p->calm = 0;
	} else if (++p->calm > 8)
		p->busy = false;
	p->seen = now.transactions;
}

static int
threads_of(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX / 2 ? THREADS_MAX / 2 : (int)n;
}

/* One step of the oldest job. OK and *idle: there is none. */
static enum err
one_step(struct sys *sys, int64_t account, struct pace *p, bool *idle, usec *took)
{
	struct ctx cx;
	struct phi_job j;
	struct row r;
	usec began = time_mono();
	bool stale = false;
	enum err e;

	*idle = false;
	ctx_init(&cx, sys, account);
	gate_as_system(&cx, "job");
	cx.via = "system";
	e = store_one(&cx, &next_job, ARGS(INT(account)), &r);
	if (e == E_ABSENT) {
		*idle = true;
		e = OK;
	} else if (e == OK) {
		from_row(&r, &j);
		e = j.kind == PHI_REDACTION ? cut_step(&cx, &j, &stale)
		    : scan_step(&cx, &j, p->want, p->busy ? 1 : threads_of(), &stale);
	}
	if (e != OK)
		log_line(LOG_LV_WARN, "scan", "a step failed and will be tried again: %s", cx.fail.why ? cx.fail.why : err_name(e));
	ctx_done(&cx);
	*took = time_mono() - began;
	if (*took > (p->busy ? STEP_FOR_BUSY : STEP_FOR))
		p->want = p->want > 1 ? p->want / 2 : 1;
	else if (*took < (p->busy ? STEP_FOR_BUSY : STEP_FOR) / 2 && p->want < STEP_MAX)
		p->want *= 2;
	return e;
}

struct scans {
	pthread_t       thread;
	pthread_mutex_t lock;
	pthread_cond_t  more;
	bool            stop, waiting;
	struct sys     *sys;
	int64_t         account;
};

static void
wake(struct sys *sys, void *arg)
{
	struct scans *s = sys->scans;

	(void)arg;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->waiting = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

/* Sleeps, unless it is time to end or (idle) there is something new. */
static bool
rest(struct scans *s, usec span, bool idle)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += span / SECOND;
	until.tv_nsec += span % SECOND * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->stop && !(idle && s->waiting) && span > 0)
		if (pthread_cond_timedwait(&s->more, &s->lock, &until) != 0)
			break;
	s->waiting = false;
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return !stop;
}

static void *
scans_main(void *arg)
{
	struct scans *s = arg;
	struct pace p = { .want = STEP_FIRST };
	int tries = 0;

	lowest_priority();
	for (;;) {
		usec took = 0;
		bool idle;
		enum err e = one_step(s->sys, s->account, &p, &idle, &took);
		if (idle) {
			p = (struct pace){ .want = STEP_FIRST };
			if (!rest(s, 5 * SECOND, true))
				return NULL;
			continue;
		}
		look_around(s->sys, &p, e == OK ? 1 : 0);
		tries = e == OK ? 0 : tries + 1;
		if (!rest(s, e != OK ? (tries < 30 ? tries : 30) * SECOND : p.busy ? took * 3 : 0, false))
			return NULL;
	}
}

enum err
scans_open(struct ctx *cx, struct scans **out)
{
	struct scans *s = calloc(1, sizeof *s);

	if (s == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	s->sys = cx->sys;
	s->account = cx->account;
	*out = cx->sys->scans = s;
	if (pthread_create(&s->thread, NULL, scans_main, s) != 0) {
		cx->sys->scans = *out = NULL;
		free(s);
		return fail(cx, E_FAULT, NULL, "the scan thread cannot be started");
	}
	return OK;
}

void
scans_close(struct scans **sp)
{
	struct scans *s = *sp;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->sys->scans = NULL;
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*sp = NULL;
}

enum err
scans_run(struct ctx *cx, bool (*go_on)(void *arg), void *arg)
{
	struct pace p = { .want = STEP_FIRST };
	int tries = 0;

	for (;;) {
		usec took;
		bool idle;
		enum err e = one_step(cx->sys, cx->account, &p, &idle, &took);
		if (idle)
			return OK;
		if (e != OK && ++tries > 5)
			return fail(cx, e, NULL, "the work cannot go on; it is kept where it is");
		if (e == OK)
			tries = 0;
		if (!go_on(arg))
			return OK;
	}
}
