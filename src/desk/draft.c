/* draft.c - what an agent began to write to a ticket, so that any browser of
 * theirs goes on with it.
 *
 * Sealed under the ticket's data key: a redaction of the ticket rewrites it, the
 * ticket's end is its end. One of a ticket that is not yet made (ticket 0) has a
 * key of its own, which goes with it. It is its writer's alone. Uploads that it
 * names live as long as it does: they go when it is discarded, and what was sent
 * is the comment's by then. The trail hears that it began, that it went on (at
 * most every five minutes, not at every pause in typing), that it was opened,
 * and that it ended; never what it says. A version keeps two browsers from
 * writing over each other. One nobody touched for 30 days goes.
 */
#include "desk/in.h"

#define NOTED_FOR (300 * SECOND)
#define KEPT_FOR  ((usec)30 * 86400 * SECOND)

enum { DDOC_BODY = 1, DDOC_HTML, DDOC_TOKEN, DDOC_FIELDS };

static const struct stmt find = {
	.name = "draft.find",
	.sql  = "SELECT id, is_public, version, updated_at, noted_at, key_id, doc FROM draft"
	        " WHERE account_id = $1 AND ticket_id = $2 AND user_id = $3",
	.in   = "iii", .out = "iiiiii?S", .seal_out = { { "draft", "doc", 0 } },
};
static const struct stmt insert = {
	.name = "draft.insert",
	.sql  = "INSERT INTO draft (account_id, id, user_id, ticket_id, is_public, version, updated_at, noted_at, key_id, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
	.in   = "iiiiiiii?S", .seal_in = { { "draft", "doc", 1 } },
};
static const struct stmt update = {
	.name = "draft.update",
	.sql  = "UPDATE draft SET is_public = $3, version = $4, updated_at = $5, noted_at = $6, doc = $7"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiiiiiS", .seal_in = { { "draft", "doc", 1 } },
};
static const struct stmt drop = {
	.name = "draft.drop",
	.sql  = "DELETE FROM draft WHERE account_id = $1 AND ticket_id = $2 AND user_id = $3 RETURNING id, key_id, doc",
	.in   = "iii", .out = "ii?S", .seal_out = { { "draft", "doc", 0 } },
};
static const struct stmt drop_ticket = {
	.name = "draft.drop_ticket",
	.sql  = "DELETE FROM draft WHERE account_id = $1 AND ticket_id = $2 RETURNING id, key_id, doc",
	.in   = "ii", .out = "ii?S", .seal_out = { { "draft", "doc", 0 } },
};
static const struct stmt drop_old = {
	.name = "draft.drop_old",
	.sql  = "DELETE FROM draft WHERE account_id = $1 AND updated_at < $2 RETURNING id, key_id, doc",
	.in   = "ii", .out = "ii?S", .seal_out = { { "draft", "doc", 0 } },
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
doc_of(struct ctx *cx, const struct draft *d)
{
	struct buf b;

	buf_init(&b, cx->arena, 4 * MiB);
	pack_put(&b, DDOC_BODY, reveal(cx, d->body, TO_STORE));
	pack_put(&b, DDOC_HTML, reveal(cx, d->html, TO_STORE));
	for (int i = 0; i < d->token_count; i++)
		pack_put(&b, DDOC_TOKEN, d->token[i]);
	pack_put(&b, DDOC_FIELDS, reveal(cx, d->fields, TO_STORE));
	return buf_str(&b);
}

static void
read_doc(struct ctx *cx, sensitive doc, struct draft *d)
{
	str rest, v;
	uint8_t tag;
	int n = 0;

	for (rest = doc.hidden; pack_next(&rest, &tag, &v);)
		n += tag == DDOC_TOKEN;
	d->token = n ? NEW(cx->arena, str, n) : NULL;
	for (rest = doc.hidden; pack_next(&rest, &tag, &v);)
		if (tag == DDOC_BODY)
			d->body = HIDE(v);
		else if (tag == DDOC_HTML)
			d->html = HIDE(v);
		else if (tag == DDOC_TOKEN)
			d->token[d->token_count++] = v;
		else if (tag == DDOC_FIELDS)
			d->fields = HIDE(v);
}

/* E_ABSENT, without a failure noted, when there is none. *key: its own, 0 when it is the ticket's. */
static enum err
load(struct ctx *cx, int64_t ticket_id, struct draft *d, usec *noted_at, int64_t *key)
{
	struct rows rs;

	TRY(store_all(cx, &find, ARGS(INT(cx->account), INT(ticket_id), INT(cx->actor->user_id)), &rs));
	if (rs.count == 0 || row_erased(&rs.row[0], 6))
		return E_ABSENT;
	*d = (struct draft){ .id = row_int(&rs.row[0], 0), .is_public = row_int(&rs.row[0], 1) != 0, .version = row_int(&rs.row[0], 2),
	    .updated_at = row_int(&rs.row[0], 3) };
	*noted_at = row_int(&rs.row[0], 4);
	*key = row_int(&rs.row[0], 5);
	read_doc(cx, row_sensitive(&rs.row[0], 6), d);
	return OK;
}

/* Of rows that `drop`, `drop_ticket` or `drop_old` gave: what hung on them. A held change keeps the files for itself. */
static enum err
let_go(struct ctx *cx, const struct rows *rs, bool files)
{
	for (int i = 0; i < rs->count; i++) {
		struct draft d = { 0 };
		read_doc(cx, row_sensitive(&rs->row[i], 2), &d);
		for (int k = 0; files && k < d.token_count; k++)
			TRY(attachments_discard(cx, d.token[k]));
		if (!row_null(&rs->row[i], 1))
			TRY(store_key_destroy(cx, row_int(&rs->row[i], 1)));
	}
	return OK;
}

static enum err
may_write(struct ctx *cx, int64_t ticket_id, int64_t *key)
{
	struct ticket t;

	*key = 0;
	if (ticket_id == 0)
		return gate_may(cx, MAY_CREATE_TICKET, NULL);
	TRY(ticket_get(cx, ticket_id, &t));
	*key = t.key;
	return gate_may(cx, MAY_UPDATE_TICKET, NULL);
}

enum err
draft_get(struct ctx *cx, int64_t ticket_id, struct draft *out)
{
	int64_t key;
	usec noted_at;
	enum err e;

	*out = (struct draft){ 0 };
	TRY(may_write(cx, ticket_id, &key));
	if ((e = load(cx, ticket_id, out, &noted_at, &key)) == E_ABSENT)
		return OK;
	TRY(e);
	return ticket_id ? trail_look(cx, "ticket", &ticket_id, 1, "draft") : trail_look(cx, "draft", &out->id, 1, "draft");
}

struct saving { int64_t ticket_id; const struct draft *in; struct draft out; };

static bool
names_token(const struct draft *d, str token)
{
	for (int i = 0; i < d->token_count; i++)
		if (str_eq(d->token[i], token))
			return true;
	return false;
}

/* The uploads that `now` names stay as long as it does; those it no longer names go. */
static enum err
keep_files(struct ctx *cx, const struct draft *was, const struct draft *now)
{
	struct attachment *f;
	int n;

	for (int i = 0; i < now->token_count; i++) {
		TRY(attachments_look(cx, now->token[i], &f, &n));
		if (n == 0)
			bad(cx, "uploads", "InvalidValue", "Uploads: names a token that is not known or has expired");
	}
	TRY(bad_check(cx));
	for (int i = 0; i < now->token_count; i++)
		TRY(attachments_extend(cx, now->token[i], cx->now + KEPT_FOR));
	for (int i = 0; i < was->token_count; i++)
		if (!names_token(now, was->token[i]))
			TRY(attachments_discard(cx, was->token[i]));
	return OK;
}

static enum err
save_tx(struct ctx *cx, void *arg)
{
	struct saving *s = arg;
	struct draft was = { 0 };
	struct rows rs;
	int64_t key, own = 0;
	usec noted_at = 0;
	enum err e;

	TRY(may_write(cx, s->ticket_id, &key));
	if ((e = load(cx, s->ticket_id, &was, &noted_at, &own)) != OK && e != E_ABSENT)
		return e;
	if (s->in->version >= 0 && s->in->version != (e == OK ? was.version : 0))
		return fail(cx, E_CONFLICT, "version", "The draft was changed elsewhere meanwhile; read it again");
	s->out = *s->in;
	s->out.updated_at = cx->now;
	if (!s->in->has_tokens) {
		s->out.token = was.token;
		s->out.token_count = was.token_count;
	}
	TRY(keep_files(cx, &was, &s->out));
	if (e == E_ABSENT) {
		TRY(store_next_id(cx, "draft", &s->out.id));
		if (s->ticket_id == 0) {
			TRY(store_key_new(cx, &own));
			key = own;
		}
		/* Never a number again: a draft that was sent and begun anew is another one. */
		s->out.version = s->out.id * 1000000 + 1;
		TRY(store_all(cx, &drop, ARGS(INT(cx->account), INT(s->ticket_id), INT(cx->actor->user_id)), &rs));    /* an erased one */
		TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(s->out.id), INT(cx->actor->user_id), INT(s->ticket_id),
		    INT(s->in->is_public), INT(s->out.version), INT(cx->now), ID(own), SEALED(key, HIDE(doc_of(cx, &s->out)))), NULL));
		return trail_append(cx, &(struct event){ .action = "draft.create", .object = "draft", .id = s->out.id, .parent = s->ticket_id });
	}
	s->out.id = was.id;
	s->out.version = was.version + 1;
	TRY(store_exec(cx, &update, ARGS(INT(cx->account), INT(was.id), INT(s->in->is_public), INT(s->out.version), INT(cx->now),
	    INT(cx->now - noted_at >= NOTED_FOR ? cx->now : noted_at), SEALED(own ? own : key, HIDE(doc_of(cx, &s->out)))), NULL));
	if (cx->now - noted_at >= NOTED_FOR)
		TRY(trail_append(cx, &(struct event){ .action = "draft.update", .object = "draft", .id = was.id, .parent = s->ticket_id }));
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
draft_end(struct ctx *cx, int64_t ticket_id, bool files)
{
	struct rows rs;

	TRY(store_all(cx, &drop, ARGS(INT(cx->account), INT(ticket_id), INT(cx->actor->user_id)), &rs));
	TRY(let_go(cx, &rs, files));
	for (int i = 0; i < rs.count; i++)
		TRY(trail_append(cx, &(struct event){ .action = "draft.delete", .object = "draft", .id = row_int(&rs.row[i], 0),
		    .parent = ticket_id }));
	return OK;
}

static enum err
drop_tx(struct ctx *cx, void *arg)
{
	int64_t ticket_id = *(int64_t *)arg, key;

	TRY(may_write(cx, ticket_id, &key));
	return draft_end(cx, ticket_id, true);
}

enum err
draft_drop(struct ctx *cx, int64_t ticket_id)
{
	TRY(store_write(cx, drop_tx, &ticket_id));
	return store_erase(cx);
}

enum err
drafts_rewrite(struct ctx *cx, int64_t ticket_id, int64_t fresh, sensitive (*clean)(struct ctx *cx, const void *arg, sensitive s), const void *arg)
{
	struct rows rs;

	TRY(store_all(cx, &of_ticket, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		struct draft d = { 0 };
		sensitive was;
		read_doc(cx, row_sensitive(&rs.row[i], 1), &d);
		was = d.body;
		d.body = clean(cx, arg, d.body);
		d.html = str_eq(was.hidden, d.body.hidden) ? clean(cx, arg, d.html) : (sensitive){ 0 };
		TRY(store_exec(cx, &reseal, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0)), SEALED(fresh, HIDE(doc_of(cx, &d)))), NULL));
	}
	return OK;
}

enum err
drafts_forget(struct ctx *cx, int64_t ticket_id)
{
	struct rows rs;

	TRY(store_all(cx, &drop_ticket, ARGS(INT(cx->account), INT(ticket_id)), &rs));
	return let_go(cx, &rs, true);
}

enum err
drafts_sweep(struct ctx *cx)
{
	struct rows rs;

	TRY(store_all(cx, &drop_old, ARGS(INT(cx->account), INT(cx->now - KEPT_FOR)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(trail_append(cx, &(struct event){ .action = "draft.delete", .object = "draft", .id = row_int(&rs.row[i], 0),
		    .cause = "nobody went on with it" }));
	return let_go(cx, &rs, true);
}
