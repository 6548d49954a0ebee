/* draft.c - what an agent began to write to a ticket, so that any browser of
 * theirs goes on with it.
 *
 * Sealed under the ticket's data key: a redaction of the ticket rewrites it, the
 * ticket's end is its end. It is its writer's alone. The trail hears that it
 * began, that it went on (at most every five minutes, not at every pause in
 * typing), that it was opened, and that it ended; never what it says. A version
 * keeps two browsers from writing over each other. One nobody touched for 30
 * days goes.
 */
#include "desk/in.h"

#define NOTED_FOR (300 * SECOND)
#define KEPT_FOR  ((usec)30 * 86400 * SECOND)

enum { DDOC_BODY = 1, DDOC_HTML };

static const struct stmt find = {
	.name = "draft.find",
	.sql  = "SELECT id, is_public, version, updated_at, noted_at, doc FROM draft"
	        " WHERE account_id = $1 AND ticket_id = $2 AND user_id = $3",
	.in   = "iii", .out = "iiiiiS", .seal_out = { { "draft", "doc", 0 } },
};
static const struct stmt insert = {
	.name = "draft.insert",
	.sql  = "INSERT INTO draft (account_id, id, user_id, ticket_id, is_public, version, updated_at, noted_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
	.in   = "iiiiiiiS", .seal_in = { { "draft", "doc", 1 } },
};
static const struct stmt update = {
	.name = "draft.update",
	.sql  = "UPDATE draft SET is_public = $3, version = $4, updated_at = $5, noted_at = $6, doc = $7"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiiiiiS", .seal_in = { { "draft", "doc", 1 } },
};
static const struct stmt drop = {
	.name = "draft.drop",
	.sql  = "DELETE FROM draft WHERE account_id = $1 AND ticket_id = $2 AND user_id = $3 RETURNING id",
	.in   = "iii", .out = "i",
};
static const struct stmt drop_ticket = {
	.name = "draft.drop_ticket",
	.sql  = "DELETE FROM draft WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii",
};
static const struct stmt drop_old = {
	.name = "draft.drop_old",
	.sql  = "DELETE FROM draft WHERE account_id = $1 AND updated_at < $2",
	.in   = "ii",
};
static const struct stmt of_ticket = {
	.name = "draft.of_ticket",
	.sql  = "SELECT id, doc FROM draft WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii", .out = "iS", .seal_out = { { "draft", "doc", 0 } },
};
static const struct stmt reseal = {
	.name = "draft.reseal",
	.sql  = "UPDATE draft SET doc = $3, version = version + 1 WHERE account_id = $1 AND id = $2",
	.in   = "iiS", .seal_in = { { "draft", "doc", 1 } },
};

const struct stmt *const draft_stmts[] = { &find, &insert, &update, &drop, &drop_ticket, &drop_old, &of_ticket, &reseal, NULL };

static str
doc_of(struct ctx *cx, sensitive body, sensitive html)
{
	struct buf b;

	buf_init(&b, cx->arena, 4 * MiB);
	pack_put(&b, DDOC_BODY, reveal(cx, body, TO_STORE));
	pack_put(&b, DDOC_HTML, reveal(cx, html, TO_STORE));
	return buf_str(&b);
}

static void
read_doc(sensitive doc, sensitive *body, sensitive *html)
{
	str rest = doc.hidden, v;
	uint8_t tag;

	while (pack_next(&rest, &tag, &v))
		if (tag == DDOC_BODY)
			*body = HIDE(v);
		else if (tag == DDOC_HTML)
			*html = HIDE(v);
}

/* E_ABSENT, without a failure noted, when there is none. */
static enum err
load(struct ctx *cx, int64_t ticket_id, struct draft *d, usec *noted_at)
{
	struct rows rs;

	TRY(store_all(cx, &find, ARGS(INT(cx->account), INT(ticket_id), INT(cx->actor->user_id)), &rs));
	if (rs.count == 0 || row_erased(&rs.row[0], 5))
		return E_ABSENT;
	*d = (struct draft){ .id = row_int(&rs.row[0], 0), .is_public = row_int(&rs.row[0], 1) != 0, .version = row_int(&rs.row[0], 2),
	    .updated_at = row_int(&rs.row[0], 3) };
	*noted_at = row_int(&rs.row[0], 4);
	read_doc(row_sensitive(&rs.row[0], 5), &d->body, &d->html);
	return OK;
}

enum err
draft_get(struct ctx *cx, int64_t ticket_id, struct draft *out)
{
	struct ticket t;
	usec noted_at;
	enum err e;

	*out = (struct draft){ 0 };
	TRY(ticket_get(cx, ticket_id, &t));
	if ((e = load(cx, ticket_id, out, &noted_at)) == E_ABSENT)
		return OK;
	TRY(e);
	return trail_look(cx, "ticket", &ticket_id, 1, "draft");
}

struct saving { int64_t ticket_id; const struct draft *in; struct draft out; };

static enum err
save_tx(struct ctx *cx, void *arg)
{
	struct saving *s = arg;
	struct ticket t;
	struct draft was;
	usec noted_at = 0;
	enum err e;

	TRY(ticket_get(cx, s->ticket_id, &t));
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	if ((e = load(cx, t.id, &was, &noted_at)) != OK && e != E_ABSENT)
		return e;
	if (s->in->version >= 0 && s->in->version != (e == OK ? was.version : 0))
		return fail(cx, E_CONFLICT, "version", "The draft was changed elsewhere meanwhile; read it again");
	s->out = *s->in;
	s->out.updated_at = cx->now;
	if (e == E_ABSENT) {
		TRY(store_next_id(cx, "draft", &s->out.id));
		/* Never a number again: a draft that was sent and begun anew is another one. */
		s->out.version = s->out.id * 1000000 + 1;
		TRY(store_exec(cx, &drop_old, ARGS(INT(cx->account), INT(cx->now - KEPT_FOR)), NULL));
		TRY(store_exec(cx, &drop, ARGS(INT(cx->account), INT(t.id), INT(cx->actor->user_id)), NULL));
		TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(s->out.id), INT(cx->actor->user_id), INT(t.id),
		    INT(s->in->is_public), INT(s->out.version), INT(cx->now), SEALED(t.key, HIDE(doc_of(cx, s->in->body, s->in->html)))), NULL));
		return trail_append(cx, &(struct event){ .action = "draft.create", .object = "draft", .id = s->out.id, .parent = t.id });
	}
	s->out.id = was.id;
	s->out.version = was.version + 1;
	TRY(store_exec(cx, &update, ARGS(INT(cx->account), INT(was.id), INT(s->in->is_public), INT(s->out.version), INT(cx->now),
	    INT(cx->now - noted_at >= NOTED_FOR ? cx->now : noted_at), SEALED(t.key, HIDE(doc_of(cx, s->in->body, s->in->html)))), NULL));
	if (cx->now - noted_at >= NOTED_FOR)
		TRY(trail_append(cx, &(struct event){ .action = "draft.update", .object = "draft", .id = was.id, .parent = t.id }));
	return OK;
}

enum err
draft_save(struct ctx *cx, int64_t ticket_id, const struct draft *in, struct draft *out)
{
	struct saving s = { .ticket_id = ticket_id, .in = in };

	TRY(store_write(cx, save_tx, &s));
	*out = s.out;
	return OK;
}

enum err
draft_end(struct ctx *cx, int64_t ticket_id)
{
	struct rows rs;

	TRY(store_all(cx, &drop, ARGS(INT(cx->account), INT(ticket_id), INT(cx->actor->user_id)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(trail_append(cx, &(struct event){ .action = "draft.delete", .object = "draft", .id = row_int(&rs.row[i], 0),
		    .parent = ticket_id }));
	return OK;
}

static enum err
drop_tx(struct ctx *cx, void *arg)
{
	struct ticket t;

	TRY(ticket_get(cx, *(int64_t *)arg, &t));
	TRY(gate_may(cx, MAY_UPDATE_TICKET, NULL));
	return draft_end(cx, t.id);
}

enum err
draft_drop(struct ctx *cx, int64_t ticket_id)
{
	return store_write(cx, drop_tx, &ticket_id);
}

enum err
drafts_rewrite(struct ctx *cx, int64_t ticket_id, int64_t fresh, sensitive (*clean)(struct ctx *cx, const void *arg, sensitive s), const void *arg)
{
	struct rows rs;

	TRY(store_all(cx, &of_ticket, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		sensitive body = { 0 }, html = { 0 }, was;
		read_doc(row_sensitive(&rs.row[i], 1), &body, &html);
		was = body;
		body = clean(cx, arg, body);
		html = str_eq(was.hidden, body.hidden) ? clean(cx, arg, html) : (sensitive){ 0 };
		TRY(store_exec(cx, &reseal, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0)), SEALED(fresh, HIDE(doc_of(cx, body, html)))), NULL));
	}
	return OK;
}

enum err
drafts_forget(struct ctx *cx, int64_t ticket_id)
{
	return store_exec(cx, &drop_ticket, ARGS(INT(cx->account), INT(ticket_id)), NULL);
}
