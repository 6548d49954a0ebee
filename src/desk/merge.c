/* merge.c - what is done with whole tickets: merging them into one, splitting
 * one, spam, problems and their incidents, taking in what another desk had.
 *
 * Each is one transaction over ticket_create() and ticket_update(), so that
 * gate, PHI, audit, search and trail are where they always are.
 */
#include "desk/rule.h"

#define INCIDENTS_A_JOB 2000

static const struct stmt incidents_of = {
	.name = "ticket.incidents_open",
	.sql  = "SELECT id FROM ticket WHERE account_id = $1 AND problem_id = $2 AND id > $3 AND status < 4"
	        " AND deleted_at IS NULL ORDER BY id LIMIT $4",
	.in   = "iiii", .out = "i",
};

static const struct stmt count_incidents = {
	.name = "ticket.incident_count",
	.sql  = "SELECT count(*) FROM (SELECT 1 AS one FROM ticket WHERE account_id = $1 AND problem_id = $2"
	        " AND deleted_at IS NULL LIMIT 100000) AS capped",
	.in   = "ii", .out = "i",
};

static const struct stmt followups_of = {
	.name = "ticket.followups",
	.sql  = "SELECT id FROM ticket WHERE account_id = $1 AND followup_source_id = $2 AND deleted_at IS NULL"
	        " ORDER BY id LIMIT 100",
	.in   = "ii", .out = "i",
};

static const struct stmt set_times = {
	.name = "ticket.set_times",
	.sql  = "UPDATE ticket SET updated_at = $3, solved_at = $4, generated_at = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iiii?i",
};

static const struct stmt deleted_by = {
	.name = "ticket.deleted_by",
	.sql  = "SELECT deleted_by FROM ticket WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "i?",
};

static const struct stmt take_requests = {
	.name = "ticket.take_requests",
	.sql  = "UPDATE ticket SET requester_id = $3, submitter_id = CASE WHEN submitter_id = $2 THEN $3 ELSE submitter_id END,"
	        " generated_at = $4 WHERE account_id = $1 AND requester_id = $2",
	.in   = "iiii",
};

static const struct stmt take_comments = {
	.name = "comment.take",
	.sql  = "UPDATE comment SET author_id = $3 WHERE account_id = $1 AND author_id = $2 AND id IN"
	        " (SELECT a.id + 1 FROM ticket t JOIN ticket_audit a ON a.account_id = t.account_id AND a.ticket_id = t.id"
	        " WHERE t.account_id = $1 AND t.requester_id = $3)",
	.in   = "iii",
};

static const struct stmt take_audits = {
	.name = "ticket_audit.take",
	.sql  = "UPDATE ticket_audit SET author_id = $3 WHERE account_id = $1 AND author_id = $2 AND ticket_id IN"
	        " (SELECT t.id FROM ticket t WHERE t.account_id = $1 AND t.requester_id = $3)",
	.in   = "iii",
};

static const struct stmt copied_on = {
	.name = "ticket_cc.of_user",
	.sql  = "SELECT DISTINCT ticket_id FROM ticket_cc WHERE account_id = $1 AND user_id = $2 ORDER BY ticket_id LIMIT 10001",
	.in   = "ii", .out = "i",
};

static const struct stmt requests_of = {
	.name = "ticket.requests_of",
	.sql  = "SELECT count(*) FROM (SELECT 1 AS one FROM ticket WHERE account_id = $1 AND requester_id = $2 LIMIT 10001) AS capped",
	.in   = "ii", .out = "i",
};

static const struct stmt move_org = {
	.name = "ticket.move_organization",
	.sql  = "UPDATE ticket SET organization_id = $3, generated_at = $4 WHERE account_id = $1 AND organization_id = $2",
	.in   = "iiii",
};

static const struct stmt last_ticket = {
	.name = "ticket.last",
	.sql  = "SELECT COALESCE(MAX(id), 0) FROM ticket WHERE account_id = $1",
	.in   = "i", .out = "i",
};

static const struct stmt tickets_from = {
	.name = "ticket.from",
	.sql  = "SELECT id FROM ticket WHERE account_id = $1 AND id >= $2 AND id < $3 AND deleted_at IS NULL ORDER BY id",
	.in   = "iii", .out = "i",
};

const struct stmt *const merge_stmts[] = {
	&last_ticket, &tickets_from,
	&take_requests, &take_comments, &take_audits, &copied_on, &requests_of, &move_org,
	&incidents_of, &count_incidents, &followups_of, &set_times, &deleted_by, NULL
};

/* ---- merge ------------------------------------------------------------------------------------------------------ */

static enum err
writable(struct ctx *cx, int64_t id, const char *field, struct ticket *t)
{
	struct about a;
	enum err e = ticket_get(cx, id, t);

	if (e == OK) {
		about_ticket(t, &a);
		a.cc = t->cc;
		a.cc_count = t->cc_count;
		e = gate_may(cx, MAY_UPDATE_TICKET, &a);
	}
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		bad(cx, field, "InvalidValue", "Ids: names a ticket that is not known");
		return OK;
	}
	TRY(e);
	if (t->status == TICKET_CLOSED)
		bad(cx, field, "InvalidValue", "Ids: a closed ticket cannot be merged");
	return OK;
}

static str
ids_json(struct ctx *cx, const int64_t *ids, int n)
{
	struct buf b;

	buf_init(&b, cx->arena, 64 * KiB);
	buf_fmt(&b, "{\"from\":{\"ticket_ids\":[");
	for (int i = 0; i < n; i++)
		buf_fmt(&b, "%s%lld", i ? "," : "", (long long)ids[i]);
	buf_fmt(&b, "]},\"to\":{},\"rel\":\"merge\"}");
	return buf_str(&b);
}

static enum err
merge_tx(struct ctx *cx, void *arg)
{
	struct ticket_merge *m = arg;
	struct ticket target, out, *source = NEW(cx->arena, struct ticket, m->count + 1);
	struct ticket_change ch = { .has = T_COMMENT, .body = m->target_comment, .comment_public_set = true,
	    .comment_public = m->target_public, .via_source_json = ids_json(cx, m->ids, m->count), .lenient = true,
	    .cause = m->cause };
	struct audit audit;
	int attachments = 0;
	static const sensitive merged = { { "closed_by_merge", sizeof "closed_by_merge" - 1 } };

	TRY(writable(cx, m->target, "id", &target));
	for (int i = 0; i < m->count; i++) {
		if (m->ids[i] == m->target)
			bad(cx, "ids", "InvalidValue", "Ids: a ticket cannot be merged into itself");
		TRY(writable(cx, m->ids[i], "ids", &source[i]));
	}
	TRY(bad_check(cx));
	/* The comment stands even when no words were given: it says what came together. */
	if (str_trim(ch.body.hidden).n == 0)
		ch.body = HIDE(str_printf(cx->arena, "%d ticket%s merged into this one.", m->count, m->count == 1 ? " was" : "s were"));
	TRY(ticket_update(cx, m->target, &ch, &out, &audit));
	for (int i = 0; i < m->count; i++) {
		struct comment *c;
		int n;
		TRY(comments_of(cx, m->ids[i], &c, &n));
		for (int k = 0; k < n; k++)
			for (int f = 0; f < c[k].attachment_count; f++)
				if (!c[k].attachment[f].redacted) {
					TRY(attachment_copy(cx, &c[k].attachment[f], out.id, audit.comment_id));
					attachments++;
				}
	}
	if (attachments)
		TRY(comment_has_attachments(cx, audit.comment_id));
	for (int i = 0; i < m->count; i++) {
		struct ticket_change old = { .has = T_COMMENT | T_STATUS | T_ADD_TAGS, .body = m->source_comment,
		    .comment_public_set = true, .comment_public = m->source_public, .status = TICKET_CLOSED, .tag = (sensitive *)(uintptr_t)&merged,
		    .tag_count = 1, .lenient = true, .cause = m->cause,
		    .via_source_json = str_printf(cx->arena, "{\"from\":{\"ticket_id\":%lld},\"to\":{},\"rel\":\"merge\"}", (long long)m->target) };
		if (str_trim(old.body.hidden).n == 0)
			old.body = HIDE(str_printf(cx->arena, "This ticket was closed and merged into ticket #%lld.", (long long)m->target));
		TRY(ticket_update(cx, m->ids[i], &old, &out, NULL));
	}
	return trail_append(cx, &(struct event){ .action = "ticket.merge", .object = "ticket", .id = m->target, .cause = m->cause });
}

enum err
ticket_merge(struct ctx *cx, const struct ticket_merge *in)
{
	struct ticket_merge own = *in;

	if (gate_limited(cx, LIMIT_MERGE))
		return fail(cx, E_DENIED, NULL, "the role does not let merge");
	return store_write(cx, merge_tx, &own);
}

/* ---- split --------------------------------------------------------------------------------------------------------- */

struct split { int64_t ticket, comment; sensitive subject; struct ticket out; };

static enum err
split_tx(struct ctx *cx, void *arg)
{
	struct split *s = arg;
	struct comment c;
	struct ticket t, old;
	struct audit audit;
	struct ticket_change ch, note;
	int copied = 0;

	TRY(ticket_get(cx, s->ticket, &t));
	TRY(comment_get(cx, s->ticket, s->comment, &c));
	ch = (struct ticket_change){ .has = T_SUBJECT | T_COMMENT | T_REQUESTER | T_GROUP, .body = c.body, .comment_public_set = true,
	    .comment_public = c.is_public, .author_id = c.author_id, .requester_id = t.requester_id, .group_id = t.group_id,
	    .subject = s->subject.hidden.n ? s->subject : t.subject, .lenient = true,
	    .via_source_json = str_printf(cx->arena, "{\"from\":{\"ticket_id\":%lld,\"comment_id\":%lld},\"to\":{},\"rel\":\"split\"}",
	        (long long)t.id, (long long)c.id) };
	TRY(ticket_create(cx, &ch, &s->out, &audit));
	for (int i = 0; i < c.attachment_count; i++)
		if (!c.attachment[i].redacted) {
			TRY(attachment_copy(cx, &c.attachment[i], s->out.id, audit.comment_id));
			copied++;
		}
	if (copied)
		TRY(comment_has_attachments(cx, audit.comment_id));
	if (t.status == TICKET_CLOSED)
		return OK;
	note = (struct ticket_change){ .has = T_COMMENT, .comment_public_set = true, .comment_public = false, .lenient = true,
	    .body = HIDE(str_printf(cx->arena, "A comment of this ticket was made ticket #%lld.", (long long)s->out.id)) };
	return ticket_update(cx, t.id, &note, &old, NULL);
}

enum err
ticket_split(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive subject, struct ticket *out)
{
	struct split s = { .ticket = ticket_id, .comment = comment_id, .subject = subject };

	TRY(store_write(cx, split_tx, &s));
	*out = s.out;
	return OK;
}

/* ---- spam ----------------------------------------------------------------------------------------------------------- */

/* The ticket goes, and who sent it is suspended; staff are never suspended this way. */
static enum err
spam_tx(struct ctx *cx, void *arg)
{
	int64_t id = *(int64_t *)arg;
	struct user_change ch = { .has = USER_SUSPENDED, .u = { .suspended = true } };
	struct ticket t;
	struct user u;

	TRY(ticket_get(cx, id, &t));
	TRY(ticket_delete(cx, id));
	TRY(user_load(cx, t.requester_id, &u));
	if (u.role == ROLE_END_USER && u.active && !u.suspended)
		TRY(user_update(cx, u.id, &ch, &u));
	return trail_append(cx, &(struct event){ .action = "ticket.spam", .object = "ticket", .id = id });
}

enum err
ticket_spam(struct ctx *cx, int64_t id)
{
	return store_write(cx, spam_tx, &id);
}

/* ---- problems ---------------------------------------------------------------------------------------------------------- */

/* A problem was solved: a job solves what hangs on it, in the name of who solved it, whatever that agent may see. */
enum err
incidents_follow(struct ctx *cx, const struct ticket *problem, int64_t author_id)
{
	struct rows rs = { .count = 1 };
	int64_t at = 0;
	struct job job;
	struct buf b;

	while (rs.count > 0) {
		TRY(store_all(cx, &incidents_of, ARGS(INT(cx->account), INT(problem->id), INT(at), INT(INCIDENTS_A_JOB)), &rs));
		if (rs.count == 0)
			break;
		buf_init(&b, cx->arena, 1 * MiB);
		for (int i = 0; i < rs.count; i++) {
			at = row_int(&rs.row[i], 0);
			buf_fmt(&b, "%s{\"id\":%lld,\"problem_id\":%lld,\"author_id\":%lld}", i ? "," : "[", (long long)at,
			    (long long)problem->id, (long long)author_id);
		}
		buf_byte(&b, ']');
		TRY(job_follow(cx, JOB_INCIDENTS_SOLVE, rs.count, HIDE(buf_str(&b)), &job));
	}
	return OK;
}

enum err
ticket_solve_incident(struct ctx *cx, int64_t id, int64_t problem_id, int64_t author_id, const char *cause)
{
	struct ticket_change ch = { .has = T_STATUS, .status = TICKET_SOLVED, .author_id = author_id, .lenient = true, .cause = cause,
	    .via_source_json = str_printf(cx->arena, "{\"from\":{\"ticket_id\":%lld},\"to\":{},\"rel\":\"problem\"}", (long long)problem_id) };
	struct ticket t;

	gate_as_system(cx, "job");
	TRY(ticket_row(cx, id, &t));
	/* Meanwhile it may have been solved, deleted or hung elsewhere. */
	if (t.problem_id != problem_id || t.status >= TICKET_SOLVED || t.deleted_at != 0)
		return OK;
	return ticket_update(cx, id, &ch, &t, NULL);
}

enum err
ticket_incidents(struct ctx *cx, int64_t id, int64_t *n)
{
	struct row r;

	TRY(store_one(cx, &count_incidents, ARGS(INT(cx->account), INT(id)), &r));
	*n = row_int(&r, 0);
	return OK;
}

enum err
ticket_followups(struct ctx *cx, int64_t id, int64_t **ids, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &followups_of, ARGS(INT(cx->account), INT(id)), &rs));
	*ids = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		(*ids)[i] = row_int(&rs.row[i], 0);
	*count = rs.count;
	return OK;
}

enum err
ticket_deleter(struct ctx *cx, int64_t id, int64_t *user_id)
{
	struct row r;

	TRY(store_one(cx, &deleted_by, ARGS(INT(cx->account), INT(id)), &r));
	*user_id = row_int(&r, 0);
	return OK;
}

/* ---- search after a field's access changed -------------------------------------------------------------------------- */

#define TICKETS_AN_ITEM 200

enum err
field_reindex(struct ctx *cx, int64_t field)
{
	struct row r;
	struct job job;
	struct buf b;
	int64_t last;
	int n = 0;

	TRY(store_one(cx, &last_ticket, ARGS(INT(cx->account)), &r));
	last = row_int(&r, 0);
	if (last == 0)
		return OK;
	buf_init(&b, cx->arena, 16 * MiB);
	for (int64_t at = 1; at <= last; at += TICKETS_AN_ITEM, n++)
		buf_fmt(&b, "%s{\"field\":%lld,\"from\":%lld}", n ? "," : "[", (long long)field, (long long)at);
	buf_byte(&b, ']');
	return job_follow(cx, JOB_FIELD_REINDEX, n, HIDE(buf_str(&b)), &job);
}

enum err
ticket_reindex(struct ctx *cx, int64_t field, int64_t from)
{
	str mark = str_printf(cx->arena, "{\"id\":%lld,", (long long)field);
	struct rows rs;

	gate_as_system(cx, "job");
	TRY(store_all(cx, &tickets_from, ARGS(INT(cx->account), INT(from), INT(from + TICKETS_AN_ITEM)), &rs));
	for (int i = 0; i < rs.count; i++) {
		struct terms terms = { 0 };
		struct ticket t;
		TRY(ticket_row(cx, row_int(&rs.row[i], 0), &t));
		if (t.erased || str_find(reveal(cx, t.custom_fields, TO_INDEX), mark) == SIZE_MAX)
			continue;
		TRY(ticket_terms(cx, &t, &terms));
		TRY(search_replace(cx, 't', t.id, &terms));
	}
	return OK;
}

/* ---- import --------------------------------------------------------------------------------------------------------------- */

static enum err
import_tx(struct ctx *cx, void *arg)
{
	struct ticket_import *im = arg;
	struct ticket_change first = im->head;
	enum ticket_status end = first.status;
	struct ticket t;
	usec last;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	first.imported = true;
	first.created_at = im->created_at ? im->created_at : cx->now;
	if (im->comment_count > 0) {
		const struct import_comment *c = &im->comment[0];
		first.has |= T_COMMENT;
		first.body = c->body;
		first.author_id = c->author_id;
		first.comment_public = c->is_public;
		first.comment_public_set = true;
		if (im->created_at == 0 && c->created_at != 0)
			first.created_at = c->created_at;
	}
	if (end >= TICKET_SOLVED)
		first.status = TICKET_OPEN;
	TRY(ticket_create(cx, &first, &t, &im->audit));
	last = first.created_at;
	for (int i = 1; i < im->comment_count; i++) {
		const struct import_comment *c = &im->comment[i];
		struct ticket_change ch = { .has = T_COMMENT, .body = c->body, .author_id = c->author_id, .comment_public = c->is_public,
		    .comment_public_set = true, .created_at = c->created_at ? c->created_at : last, .imported = true, .lenient = true };
		TRY(ticket_update(cx, t.id, &ch, &t, NULL));
		last = ch.created_at > last ? ch.created_at : last;
	}
	if (end >= TICKET_SOLVED) {
		struct ticket_change ch = { .has = T_STATUS, .status = end, .imported = true, .lenient = true,
		    .created_at = im->solved_at ? im->solved_at : im->updated_at ? im->updated_at : last };
		TRY(ticket_update(cx, t.id, &ch, &t, NULL));
		last = ch.created_at > last ? ch.created_at : last;
	}
	t.updated_at = im->updated_at ? im->updated_at : last;
	if (im->solved_at && t.status >= TICKET_SOLVED)
		t.solved_at = im->solved_at;
	TRY(next_generated(cx, &t.generated_at));
	TRY(store_exec(cx, &set_times, ARGS(INT(cx->account), INT(t.id), INT(t.updated_at), ID(t.solved_at), INT(t.generated_at)), NULL));
	view_note(cx, &t, &t);
	im->out = t;
	return im->head.shown ? trail_look(cx, "ticket", &t.id, 1, im->head.shown) : OK;
}

enum err
ticket_import(struct ctx *cx, struct ticket_import *im)
{
	TRY(gate_may(cx, MAY_ADMIN, NULL));
	if (im->created_at > cx->now || im->updated_at > cx->now || im->solved_at > cx->now)
		bad(cx, "created_at", "InvalidValue", "Times: must not be in the future");
	if (im->updated_at && im->created_at && im->updated_at < im->created_at)
		bad(cx, "updated_at", "InvalidValue", "Updated at: must not be before created_at");
	for (int i = 0; i < im->comment_count; i++) {
		if (im->comment[i].created_at > cx->now)
			bad(cx, "comments", "InvalidValue", "Comments: created_at must not be in the future");
		if (str_trim(im->comment[i].body.hidden).n == 0)
			bad(cx, "comments", "BlankValue", "Comments: value cannot be blank");
	}
	TRY(bad_check(cx));
	return store_write(cx, import_tx, im);
}

/* ---- what happens in gate ------------------------------------------------------------------------------------------ */

enum err
desk_user_merged(struct ctx *cx, int64_t from, int64_t to)
{
	struct rows rs;
	struct row r;
	usec g;

	TRY(store_one(cx, &requests_of, ARGS(INT(cx->account), INT(from)), &r));
	TRY(store_all(cx, &copied_on, ARGS(INT(cx->account), INT(from)), &rs));
	if (row_int(&r, 0) > 10000 || rs.count > 10000) {
		bad(cx, "base", "TooManyValues", "a user with more than 10,000 tickets cannot be merged");
		return bad_check(cx);
	}
	TRY(next_generated(cx, &g));
	view_forget(cx);
	TRY(store_exec(cx, &take_requests, ARGS(INT(cx->account), INT(from), INT(to), INT(g)), NULL));
	TRY(store_exec(cx, &take_comments, ARGS(INT(cx->account), INT(from), INT(to)), NULL));
	TRY(store_exec(cx, &take_audits, ARGS(INT(cx->account), INT(from), INT(to)), NULL));
	for (int i = 0; i < rs.count; i++)
		TRY(ticket_replace_cc(cx, row_int(&rs.row[i], 0), from, to));
	return OK;
}

enum err
desk_org_merged(struct ctx *cx, int64_t from, int64_t to)
{
	usec g;

	TRY(next_generated(cx, &g));
	view_forget(cx);
	return store_exec(cx, &move_org, ARGS(INT(cx->account), INT(from), INT(to), INT(g)), NULL);
}
