/* attach.c - attachments and uploads: sealed in chunks under a key of their own. */
#include "desk/in.h"

#define UPLOAD_KEPT_FOR ((usec)3 * 86400 * SECOND)

static const struct stmt insert_attachment = {
	.name = "attachment.insert",
	.sql  = "INSERT INTO attachment (account_id, id, key_id, ticket_id, comment_id, owner_id, token_x, size, is_inline,"
	        " created_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	.in   = "iiii?i?i?X?iiiS",
	.seal_in = { { "attachment", "doc", 1 } },
	.blind = { "attachment.token" },
};

static const struct stmt insert_chunk = {
	.name = "attachment_chunk.insert",
	.sql  = "INSERT INTO attachment_chunk (account_id, attachment_id, n, body) VALUES ($1, $2, $3, $4)",
	.in   = "iiiS",
	.seal_in = { { "attachment_chunk", "body", 1 } },
};

#define OUT "iii?i?i?iiiiS"
#define COLS "f.id, f.key_id, f.ticket_id, f.comment_id, f.owner_id, f.size, f.is_inline, f.redacted, f.created_at, f.doc"
static const struct stmt of_comment = {
	.name = "attachment.of_comment",
	.sql  = "SELECT " COLS " FROM attachment f WHERE f.account_id = $1 AND f.comment_id = $2 ORDER BY f.id",
	.in   = "ii", .out = OUT, .seal_out = { { "attachment", "doc", 0 } },
};

static const struct stmt by_id = {
	.name = "attachment.get",
	.sql  = "SELECT " COLS " FROM attachment f WHERE f.account_id = $1 AND f.id = $2",
	.in   = "ii", .out = OUT, .seal_out = { { "attachment", "doc", 0 } },
};

static const struct stmt by_token = {
	.name = "attachment.by_token",
	.sql  = "SELECT " COLS " FROM attachment f WHERE f.account_id = $1 AND f.token_x = $2 AND f.comment_id IS NULL"
	        " AND f.created_at > $3 ORDER BY f.id",
	.in   = "iXi", .out = OUT, .seal_out = { { "attachment", "doc", 0 } },
	.blind = { "attachment.token" },
};

static const struct stmt chunks = {
	.name = "attachment_chunk.all",
	.sql  = "SELECT attachment_id, body FROM attachment_chunk WHERE account_id = $1 AND attachment_id = $2 ORDER BY n",
	.in   = "ii", .out = "iS", .seal_out = { { "attachment_chunk", "body", 0 } },
};

static const struct stmt delete_chunks = {
	.name = "attachment_chunk.delete",
	.sql  = "DELETE FROM attachment_chunk WHERE account_id = $1 AND attachment_id = $2",
	.in   = "ii",
};

static const struct stmt delete_attachment = {
	.name = "attachment.delete",
	.sql  = "DELETE FROM attachment WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt mark_redacted = {
	.name = "attachment.redact",
	.sql  = "UPDATE attachment SET redacted = 1, size = 0, key_id = $3, doc = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiiS",
	.seal_in = { { "attachment", "doc", 1 } },
};

static const struct stmt claim = {
	.name = "attachment.claim",
	.sql  = "UPDATE attachment SET ticket_id = $3, comment_id = $4, token_x = NULL WHERE account_id = $1 AND id = $2",
	.in   = "iiii",
};

static const struct stmt set_size = {
	.name = "attachment.set_size",
	.sql  = "UPDATE attachment SET size = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

/* Uploads of a held change or a draft wait with it: their three days begin later. Never shorter than it was. */
static const struct stmt extend = {
	.name = "attachment.extend",
	.sql  = "UPDATE attachment SET created_at = $3 WHERE account_id = $1 AND token_x = $2 AND comment_id IS NULL AND created_at < $3",
	.in   = "iXi", .blind = { "attachment.token" },
};

static const struct stmt forgotten = {
	.name = "attachment.forgotten",
	.sql  = "SELECT id, key_id FROM attachment WHERE account_id = $1 AND comment_id IS NULL AND token_x IS NOT NULL AND created_at < $2"
	        " ORDER BY created_at LIMIT 100",
	.in   = "ii", .out = "ii",
};

static const struct stmt set_doc = {
	.name = "attachment.set_doc",
	.sql  = "UPDATE attachment SET key_id = $3, size = $4, doc = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iiiiS",
	.seal_in = { { "attachment", "doc", 1 } },
};

static const struct stmt set_findings = {
	.name = "attachment.set_findings",
	.sql  = "UPDATE attachment SET doc = $4 WHERE account_id = $1 AND id = $2 AND key_id = $3",
	.in   = "iiiS",
	.seal_in = { { "attachment", "doc", 1 } },
};

static const struct stmt macro_put = {
	.name = "macro_attachment.put",
	.sql  = "INSERT INTO macro_attachment (account_id, attachment_id, macro_id) VALUES ($1, $2, $3)"
	        " ON CONFLICT (account_id, attachment_id) DO UPDATE SET macro_id = excluded.macro_id",
	.in   = "iii?",
};

static const struct stmt macro_drop = {
	.name = "macro_attachment.drop",
	.sql  = "DELETE FROM macro_attachment WHERE account_id = $1 AND attachment_id = $2",
	.in   = "ii",
};

static const struct stmt macro_of = {
	.name = "macro_attachment.macro",
	.sql  = "SELECT macro_id FROM macro_attachment WHERE account_id = $1 AND attachment_id = $2",
	.in   = "ii", .out = "i?",
};

static const struct stmt macro_all = {
	.name = "macro_attachment.all",
	.sql  = "SELECT " COLS " FROM macro_attachment m JOIN attachment f ON f.account_id = m.account_id AND f.id = m.attachment_id"
	        " WHERE m.account_id = $1 AND m.macro_id = $2 ORDER BY f.id",
	.in   = "ii", .out = OUT, .seal_out = { { "attachment", "doc", 0 } },
};

const struct stmt *const attach_stmts[] = {
	&macro_put, &macro_drop, &macro_of, &macro_all,
	&forgotten, &set_findings, &set_doc, &extend, &set_size, &claim, &insert_attachment, &insert_chunk, &of_comment, &by_id, &by_token, &chunks, &delete_chunks, &delete_attachment,
	&mark_redacted, NULL
};

static void
from_row(struct ctx *cx, const struct row *r, struct attachment *f)
{
	str rest, v;
	uint8_t tag;
	int n = 0;

	*f = (struct attachment){ .id = row_int(r, 0), .key = row_int(r, 1), .ticket_id = row_int(r, 2),
	    .comment_id = row_int(r, 3), .size = row_int(r, 5), .is_inline = row_int(r, 6) != 0,
	    .redacted = row_int(r, 7) != 0, .created_at = row_int(r, 8) };
	for (rest = row_sensitive(r, 9).hidden; pack_next(&rest, &tag, &v);)
		n += tag == FDOC_FINDING;
	f->finding = n ? NEW(cx->arena, struct finding, n) : NULL;
	for (rest = row_sensitive(r, 9).hidden; pack_next(&rest, &tag, &v);)
		if (tag == FDOC_NAME)
			f->file_name = HIDE(v);
		else if (tag == FDOC_TYPE)
			f->content_type = HIDE(v);
		else if (tag == FDOC_CID)
			f->content_id = HIDE(v);
		else if (tag == FDOC_SCAN)
			f->scan = (enum scan_state)pack_get_int(v);
		else if (tag == FDOC_OVERRIDE)
			f->override = pack_get_int(v) != 0;
		else if (tag == FDOC_FINDING && unpack_finding(v, &f->finding[f->finding_count]))
			f->finding_count++;
	if (row_erased(r, 9)) {
		f->file_name = HIDE(S("redacted.txt"));
		f->content_type = HIDE(S("text/plain"));
	}
}

static str
doc_of(struct ctx *cx, str name, str type, str cid, enum scan_state scan, const struct finding *f, int n)
{
	struct buf b;

	buf_init(&b, cx->arena, DOC_MAX);
	pack_put(&b, FDOC_NAME, str_sub(name, 0, utf8_floor(name, name.n < 500 ? name.n : 500)));
	pack_put(&b, FDOC_TYPE, str_sub(type, 0, 200));
	pack_put(&b, FDOC_CID, str_sub(cid, 0, 500));
	pack_int(&b, FDOC_SCAN, scan);
	pack_findings(&b, FDOC_FINDING, &(struct findings){ (struct finding *)(uintptr_t)f, n, 0 });
	return buf_str(&b);
}

/* What sealing makes of a chunk is gone before the next one. */
static enum err
chunk_put(struct ctx *cx, struct arena *scratch, int64_t id, int64_t key, int64_t n, str bytes)
{
	struct arena *own = cx->arena;
	enum err e;

	cx->arena = scratch;
	e = store_exec(cx, &insert_chunk, ARGS(INT(cx->account), INT(id), INT(n), SEALED(key, HIDE(bytes))), NULL);
	cx->arena = own;
	arena_reset(scratch);
	return e;
}

static enum err
chunks_put(struct ctx *cx, int64_t id, int64_t key, str bytes)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();

	for (size_t at = 0, n = 0; at < bytes.n; at += CHUNK, n++)
		TRY(chunk_put(cx, scratch, id, key, (int64_t)n, str_sub(bytes, at, CHUNK)));
	return OK;
}

struct gathering { char *p; size_t n, cap; };

static enum err
gather(struct ctx *cx, const struct row *r, void *arg)
{
	struct gathering *g = arg;
	str s = row_sensitive(r, 1).hidden;

	if (s.n > g->cap - g->n)
		return fail(cx, E_LIMIT, NULL, "the attachment is larger than it says");
	memcpy(g->p + g->n, s.p, s.n);
	g->n += s.n;
	return OK;
}

/* All of it, opened chunk by chunk into the one place that it needs. */
static enum err
chunks_get(struct ctx *cx, int64_t id, int64_t size, sensitive *bytes)
{
	struct gathering g = { .cap = (size_t)size };

	if (g.cap > 64 * MiB)
		return fail(cx, E_LIMIT, NULL, "the attachment is too large to be shown");
	g.p = arena_alloc(cx->arena, 1, g.cap + 1, 1);
	TRY(store_each(cx, &chunks, ARGS(INT(cx->account), INT(id)), gather, &g));
	*bytes = HIDE(((str){ g.p, g.n }));
	return OK;
}

static enum err
save(struct ctx *cx, int64_t ticket_id, int64_t comment_id, int64_t owner, str token, const struct upload *u,
    struct attachment *out)
{
	struct attachment f = { .ticket_id = ticket_id, .comment_id = comment_id, .size = (int64_t)u->bytes.n,
	    .is_inline = u->is_inline, .created_at = cx->now, .file_name = HIDE(u->file_name),
	    .content_type = HIDE(u->content_type), .content_id = HIDE(u->content_id), .scan = u->scan, .finding = u->finding,
	    .finding_count = u->finding_count };

	TRY(store_next_id(cx, "attachment", &f.id));
	TRY(store_key_new(cx, &f.key));
	TRY(store_exec(cx, &insert_attachment, ARGS(INT(cx->account), INT(f.id), INT(f.key), ID(ticket_id),
	    ID(comment_id), ID(owner), token.n ? BLIND(HIDE(token)) : NIL, INT(f.size), INT(f.is_inline), INT(cx->now),
	    SEALED(f.key, HIDE(doc_of(cx, u->file_name, u->content_type, u->content_id, u->scan, u->finding,
	    u->finding_count)))), NULL));
	TRY(chunks_put(cx, f.id, f.key, u->bytes));
	*out = f;
	return OK;
}

enum err
attachments_save(struct ctx *cx, int64_t ticket_id, int64_t comment_id, const struct upload *u, int count)
{
	struct attachment f;

	for (int i = 0; i < count; i++)
		TRY(save(cx, ticket_id, comment_id, 0, S(""), &u[i], &f));
	return OK;
}

struct copying { struct arena *scratch; int64_t id, key, n; };

static enum err
copy_chunk(struct ctx *cx, const struct row *r, void *arg)
{
	struct copying *c = arg;

	return chunk_put(cx, c->scratch, c->id, c->key, c->n++, row_sensitive(r, 1).hidden);
}

enum err
attachment_copy(struct ctx *cx, const struct attachment *f, int64_t ticket_id, int64_t comment_id)
{
	struct upload u = { .file_name = f->file_name.hidden, .content_type = f->content_type.hidden,
	    .content_id = f->content_id.hidden, .is_inline = f->is_inline, .scan = f->scan, .finding = f->finding,
	    .finding_count = f->finding_count };
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	struct attachment made;
	struct copying c;

	TRY(save(cx, ticket_id, comment_id, 0, S(""), &u, &made));
	TRY(store_exec(cx, &set_size, ARGS(INT(cx->account), INT(made.id), INT(f->size)), NULL));
	c = (struct copying){ scratch, made.id, made.key, 0 };
	return store_each(cx, &chunks, ARGS(INT(cx->account), INT(f->id)), copy_chunk, &c);
}

/* For those of the comments that say they have some (attachment_count). */
enum err
comment_attachments(struct ctx *cx, struct comment *c, int count)
{
	struct rows rs;

	for (int i = 0; i < count; i++) {
		if (c[i].attachment_count == 0)
			continue;
		TRY(store_all(cx, &of_comment, ARGS(INT(cx->account), INT(c[i].id)), &rs));
		c[i].attachment = NEW(cx->arena, struct attachment, rs.count ? rs.count : 1);
		c[i].attachment_count = rs.count;
		for (int k = 0; k < rs.count; k++)
			from_row(cx, &rs.row[k], &c[i].attachment[k]);
	}
	return OK;
}

enum err
attachment_get(struct ctx *cx, int64_t id, struct attachment *out)
{
	struct comment c;
	struct rows of;
	struct row r;

	TRY(store_one(cx, &by_id, ARGS(INT(cx->account), INT(id)), &r));
	/* Unclaimed uploads are seen by who brought them, nobody else; a macro's files have a door of their own. */
	if (row_null(&r, 3)) {
		TRY(store_all(cx, &macro_of, ARGS(INT(cx->account), INT(id)), &of));
		if (of.count || cx->actor == NULL || cx->actor->user_id == 0 || cx->actor->user_id != row_int(&r, 4))
			return fail(cx, E_ABSENT, NULL, "no such attachment");
	} else
		TRY(comment_get(cx, row_int(&r, 2), row_int(&r, 3), &c));
	from_row(cx, &r, out);
	return OK;
}

enum err
attachment_bytes(struct ctx *cx, int64_t id, str *bytes)
{
	struct attachment f;
	sensitive all;

	TRY(attachment_get(cx, id, &f));
	/* Bytes cannot be masked: without the right to see PHI only what was scanned and found clean. */
	if (!actor_sees_phi(cx->actor) && (f.scan != SCAN_DONE || f.finding_count > 0))
		return fail(cx, E_DENIED, NULL, "this file may hold PHI");
	TRY(chunks_get(cx, id, f.size, &all));
	*bytes = reveal_clear(cx, all);
	return OK;
}

struct upload_work { struct upload u; str token; struct attachment out; };

static enum err
upload_tx(struct ctx *cx, void *arg)
{
	struct upload_work *w = arg;

	TRY(save(cx, 0, 0, cx->actor->user_id, w->token, &w->u, &w->out));
	return trail_append(cx, &(struct event){ .action = "attachment.upload", .object = "attachment", .id = w->out.id });
}

enum err
upload_create(struct ctx *cx, str file_name, str content_type, str bytes, str token, str *token_out,
    struct attachment *out)
{
	struct upload_work w = { .u = { .file_name = file_name, .content_type = content_type, .bytes = bytes }, .token = token };
	struct findings names = { 0 };
	struct treating t;
	struct rows rs;
	unsigned char r[24];

	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	if (file_name.n == 0) {
		bad(cx, "filename", "BlankValue", "Filename: cannot be blank");
		return bad_check(cx);
	}
	if (token.n != 0) {
		TRY(store_all(cx, &by_token, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(cx->now - UPLOAD_KEPT_FOR)), &rs));
		if (rs.count == 0 || row_int(&rs.row[0], 4) != cx->actor->user_id)
			return fail(cx, E_ABSENT, "token", "no such upload");
	} else {
		rand_bytes(r, sizeof r);
		w.token = base64url_of(cx->arena, (str){ (char *)r, sizeof r });
	}
	/* What the policy destroys on arrival is not in what is written; what it holds, holds the comment that claims it. */
	treat_begin(cx, &t, str_of(cx->via ? cx->via : "api"));
	t.skip = 1u << PHI_HOLD | 1u << PHI_MOVE;
	TRY(treat_upload(cx, &t, &w.u, &names));
	TRY(bad_check(cx));
	TRY(store_write(cx, upload_tx, &w));
	*token_out = w.token;
	*out = w.out;
	return OK;
}

/* ---- of macros ---------------------------------------------------------------------------------------------- */

#define MACRO_FILES_MAX 5
static const str macro_token = { "macro-", 6 };

struct macro_file { int64_t macro_id, id; struct upload u; const int64_t *ids; int n; struct attachment out; };

/* Which macro's, 0: nobody's yet. E_ABSENT: no file of a macro, or not for this actor. */
static enum err
macro_row(struct ctx *cx, int64_t id, int64_t *macro_id, struct attachment *out)
{
	struct rule rule;
	struct row r, m;

	TRY(store_one(cx, &macro_of, ARGS(INT(cx->account), INT(id)), &m));
	TRY(store_one(cx, &by_id, ARGS(INT(cx->account), INT(id)), &r));
	*macro_id = row_int(&m, 0);
	if (*macro_id != 0)
		TRY(rule_get(cx, RULE_MACRO, *macro_id, &rule));
	else if (row_int(&r, 4) != cx->actor->user_id)
		return fail(cx, E_ABSENT, NULL, "no such attachment");
	from_row(cx, &r, out);
	return OK;
}

static enum err
macro_add_tx(struct ctx *cx, void *arg)
{
	struct macro_file *w = arg;
	struct rows rs;

	if (w->macro_id != 0) {
		TRY(rule_may_write(cx, RULE_MACRO, w->macro_id));
		TRY(store_all(cx, &macro_all, ARGS(INT(cx->account), INT(w->macro_id)), &rs));
		if (rs.count >= MACRO_FILES_MAX)
			return fail(cx, E_LIMIT, "attachments", "a macro has at most five attachments");
	}
	TRY(save(cx, 0, 0, cx->actor->user_id, S(""), &w->u, &w->out));
	TRY(store_exec(cx, &macro_put, ARGS(INT(cx->account), INT(w->out.id), ID(w->macro_id)), NULL));
	return trail_append(cx, &(struct event){ .action = "macro.attach", .object = "macro", .id = w->macro_id, .parent = w->out.id });
}

enum err
macro_file_add(struct ctx *cx, int64_t macro_id, str file_name, str content_type, str bytes, struct attachment *out)
{
	struct macro_file w = { .macro_id = macro_id, .u = { .file_name = file_name, .content_type = content_type, .bytes = bytes } };
	struct findings names = { 0 };
	struct treating t;

	TRY(gate_may(cx, MAY_WRITE_RULES, NULL));
	if (macro_id != 0)
		TRY(rule_may_write(cx, RULE_MACRO, macro_id));
	treat_begin(cx, &t, str_of(cx->via ? cx->via : "api"));
	t.skip = 1u << PHI_HOLD | 1u << PHI_MOVE;
	TRY(treat_upload(cx, &t, &w.u, &names));
	TRY(bad_check(cx));
	TRY(store_write(cx, macro_add_tx, &w));
	*out = w.out;
	return OK;
}

enum err
macro_file_list(struct ctx *cx, int64_t macro_id, struct attachment **out, int *count)
{
	struct rule rule;
	struct rows rs;

	TRY(rule_get(cx, RULE_MACRO, macro_id, &rule));
	TRY(store_all(cx, &macro_all, ARGS(INT(cx->account), INT(macro_id)), &rs));
	*out = NEW(cx->arena, struct attachment, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		from_row(cx, &rs.row[i], &(*out)[i]);
	*count = rs.count;
	return OK;
}

enum err
macro_file_get(struct ctx *cx, int64_t id, struct attachment *out)
{
	int64_t macro_id;

	TRY(gate_may(cx, MAY_READ_RULES, NULL));
	return macro_row(cx, id, &macro_id, out);
}

enum err
macro_file_bytes(struct ctx *cx, int64_t id, str *bytes)
{
	struct attachment f;

	TRY(macro_file_get(cx, id, &f));
	if (!actor_sees_phi(cx->actor) && (f.scan != SCAN_DONE || f.finding_count > 0))
		return fail(cx, E_DENIED, NULL, "this file may hold PHI");
	TRY(attachment_load(cx, id, bytes));
	*bytes = reveal_clear(cx, HIDE(*bytes));
	return OK;
}

static enum err
macro_erase(struct ctx *cx, int64_t id, int64_t key)
{
	TRY(store_exec(cx, &macro_drop, ARGS(INT(cx->account), INT(id)), NULL));
	return attachment_erase(cx, id, key);
}

static enum err
macro_set_tx(struct ctx *cx, void *arg)
{
	struct macro_file *w = arg;
	struct rows rs;

	TRY(rule_may_write(cx, RULE_MACRO, w->macro_id));
	for (int i = 0; i < w->n; i++) {
		int64_t of;
		enum err e = macro_row(cx, w->ids[i], &of, &w->out);
		if (e == E_ABSENT || (e == OK && of != 0 && of != w->macro_id)) {
			fail_forget(cx);
			bad(cx, "attachments", "InvalidValue", "Attachments: names a file that is not an upload of yours for macros");
			return bad_check(cx);
		}
		TRY(e);
		TRY(store_exec(cx, &macro_put, ARGS(INT(cx->account), INT(w->ids[i]), INT(w->macro_id)), NULL));
	}
	TRY(store_all(cx, &macro_all, ARGS(INT(cx->account), INT(w->macro_id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		bool kept = false;
		for (int k = 0; k < w->n; k++)
			kept = kept || w->ids[k] == row_int(&rs.row[i], 0);
		if (!kept)
			TRY(macro_erase(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
	}
	return trail_append(cx, &(struct event){ .action = "macro.attach", .object = "macro", .id = w->macro_id });
}

enum err
macro_files_set(struct ctx *cx, int64_t macro_id, const int64_t *ids, int n)
{
	if (n > MACRO_FILES_MAX) {
		bad(cx, "attachments", "TooManyValues", "Attachments: a macro has at most five");
		return bad_check(cx);
	}
	TRY(store_write(cx, macro_set_tx, &(struct macro_file){ .macro_id = macro_id, .ids = ids, .n = n }));
	return cx->tx != NULL ? OK : store_erase(cx);
}

enum err
macro_files_token(struct ctx *cx, int64_t macro_id, str *token)
{
	struct attachment *f;
	int n;

	TRY(macro_file_list(cx, macro_id, &f, &n));
	*token = n ? str_printf(cx->arena, STR_F "%lld", STR_A(macro_token), (long long)macro_id) : S("");
	return OK;
}

enum err
macro_files_forget(struct ctx *cx, int64_t macro_id)
{
	struct rows rs;

	TRY(store_all(cx, &macro_all, ARGS(INT(cx->account), INT(macro_id)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(macro_erase(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
	return OK;
}

/* Is the token a macro's: its files, if the actor may use the macro. */
static bool
of_macro(struct ctx *cx, str token, struct attachment **out, int *count)
{
	int64_t id;

	*count = 0;
	if (!str_starts(token, macro_token) || token.n > macro_token.n + 18
	    || !str_int(str_sub(token, macro_token.n, token.n), &id) || id <= 0)
		return false;
	if (cx->actor == NULL || cx->actor->role < ROLE_AGENT || macro_file_list(cx, id, out, count) != OK) {
		fail_forget(cx);
		*count = 0;
	}
	return true;
}

enum err
attachments_claim(struct ctx *cx, str token, int64_t ticket_id, int64_t comment_id, struct findings *names,
    struct terms *terms, int *count)
{
	struct attachment f, *given;
	struct rows rs = { 0 };
	int n = 0, of;

	if (of_macro(cx, token, &given, &of))
		for (; n < of; n++) {
			TRY(desk_scan(cx, "attachment", given[n].file_name, names));
			search_terms(cx, 't', reveal(cx, given[n].file_name, TO_INDEX), terms);
			TRY(attachment_copy(cx, &given[n], ticket_id, comment_id));
		}
	else
		TRY(store_all(cx, &by_token, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(cx->now - UPLOAD_KEPT_FOR)), &rs));
	for (int i = 0; i < rs.count; i++) {
		if (cx->actor == NULL || row_int(&rs.row[i], 4) != cx->actor->user_id)
			continue;
		from_row(cx, &rs.row[i], &f);
		TRY(desk_scan(cx, "attachment", f.file_name, names));
		search_terms(cx, 't', reveal(cx, f.file_name, TO_INDEX), terms);
		TRY(store_exec(cx, &claim, ARGS(INT(cx->account), INT(f.id), INT(ticket_id), INT(comment_id)), NULL));
		n++;
	}
	if (n == 0)
		bad(cx, "uploads", "InvalidValue", "Uploads: names a token that is not known or has expired");
	*count += n;
	return OK;
}

enum err
attachments_look(struct ctx *cx, str token, struct attachment **out, int *count)
{
	struct rows rs;

	*count = 0;
	if (of_macro(cx, token, out, count))
		return OK;
	TRY(store_all(cx, &by_token, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(cx->now - UPLOAD_KEPT_FOR)), &rs));
	*out = NEW(cx->arena, struct attachment, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		if (cx->actor != NULL && row_int(&rs.row[i], 4) == cx->actor->user_id)
			from_row(cx, &rs.row[i], &(*out)[(*count)++]);
	return OK;
}

enum err
attachments_extend(struct ctx *cx, str token, usec until)
{
	return store_exec(cx, &extend, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(until - UPLOAD_KEPT_FOR)), NULL);
}

enum err
uploads_sweep(struct ctx *cx)
{
	struct rows rs;

	TRY(store_all(cx, &forgotten, ARGS(INT(cx->account), INT(cx->now - UPLOAD_KEPT_FOR)), &rs));
	for (int i = 0; i < rs.count; i++) {
		TRY(attachment_erase(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
		TRY(trail_append(cx, &(struct event){ .action = "attachment.delete_upload", .object = "attachment", .id = row_int(&rs.row[i], 0),
		    .cause = "nothing claimed it" }));
	}
	return OK;
}

enum err
attachments_discard(struct ctx *cx, str token)
{
	struct rows rs;

	TRY(store_all(cx, &by_token, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(0)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(attachment_erase(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
	return OK;
}

static enum err
upload_delete_tx(struct ctx *cx, void *arg)
{
	str token = *(str *)arg;
	struct rows rs;
	int n = 0;

	TRY(store_all(cx, &by_token, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(0)), &rs));
	for (int i = 0; i < rs.count; i++)
		if (row_int(&rs.row[i], 4) == cx->actor->user_id) {
			TRY(attachment_erase(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
			n++;
		}
	if (n == 0)
		return fail(cx, E_ABSENT, NULL, "no such upload");
	return trail_append(cx, &(struct event){ .action = "attachment.delete_upload", .object = "attachment",
	    .id = row_int(&rs.row[0], 0) });
}

static enum err
upload_forget_tx(struct ctx *cx, void *arg)
{
	int64_t id = *(int64_t *)arg;
	struct attachment f;

	TRY(attachment_get(cx, id, &f));
	if (f.comment_id != 0)
		return fail(cx, E_ABSENT, NULL, "no such upload");
	TRY(attachment_erase(cx, f.id, f.key));
	return trail_append(cx, &(struct event){ .action = "attachment.delete_upload", .object = "attachment", .id = f.id });
}

enum err
upload_forget(struct ctx *cx, int64_t id)
{
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	TRY(store_write(cx, upload_forget_tx, &id));
	return store_erase(cx);
}

enum err
upload_delete(struct ctx *cx, str token)
{
	TRY(gate_may(cx, MAY_SIGNED_IN, NULL));
	TRY(store_write(cx, upload_delete_tx, &token));
	return store_erase(cx);
}

enum err
attachment_load(struct ctx *cx, int64_t id, str *bytes)
{
	sensitive all;
	struct row r;

	TRY(store_one(cx, &by_id, ARGS(INT(cx->account), INT(id)), &r));
	TRY(chunks_get(cx, id, row_int(&r, 5), &all));
	*bytes = reveal(cx, all, TO_SCAN);
	return OK;
}

struct override { int64_t id; bool on; struct attachment out; };

static enum err
override_tx(struct ctx *cx, void *arg)
{
	struct override *w = arg;
	struct attachment f;
	struct buf b;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(attachment_get(cx, w->id, &f));
	if (f.override != w->on) {
		f.override = w->on;
		buf_init(&b, cx->arena, DOC_MAX);
		buf_add(&b, doc_of(cx, reveal(cx, f.file_name, TO_STORE), reveal(cx, f.content_type, TO_STORE), reveal(cx, f.content_id, TO_STORE),
		    f.scan, f.finding, f.finding_count));
		if (f.override)
			pack_int(&b, FDOC_OVERRIDE, 1);
		TRY(store_exec(cx, &set_findings, ARGS(INT(cx->account), INT(f.id), INT(f.key), SEALED(f.key, HIDE(buf_str(&b)))), NULL));
		TRY(trail_append(cx, &(struct event){ .action = "attachment.override", .object = "attachment", .id = f.id,
		    .field = &(struct trail_field){ .name = "malware_access_override", .after = HIDE(w->on ? S("true") : S("false")), .has_after = true },
		    .count = 1 }));
	}
	w->out = f;
	return OK;
}

enum err
attachment_override(struct ctx *cx, int64_t id, bool on, struct attachment *out)
{
	struct override w = { .id = id, .on = on };

	TRY(store_write(cx, override_tx, &w));
	*out = w.out;
	return OK;
}

enum err
attachment_findings(struct ctx *cx, const struct attachment *f)
{
	return store_exec(cx, &set_findings, ARGS(INT(cx->account), INT(f->id), INT(f->key), SEALED(f->key, HIDE(doc_of(cx,
	    reveal(cx, f->file_name, TO_STORE), reveal(cx, f->content_type, TO_STORE), reveal(cx, f->content_id, TO_STORE), f->scan,
	    f->finding, f->finding_count)))), NULL);
}

enum err
attachment_rewrite(struct ctx *cx, const struct attachment *f, str name, const str *bytes)
{
	struct findings found = { 0 };
	struct finding *kept = f->finding;
	int count = f->finding_count;
	int64_t fresh;
	str all;

	if (bytes != NULL)
		all = *bytes;
	else
		TRY(attachment_load(cx, f->id, &all));
	if (f->scan == SCAN_DONE) {
		TRY(desk_scan(cx, "attachment_text", HIDE(all), &found));
		kept = found.f;
		count = found.count;
	}
	TRY(store_key_new(cx, &fresh));
	TRY(store_exec(cx, &delete_chunks, ARGS(INT(cx->account), INT(f->id)), NULL));
	TRY(chunks_put(cx, f->id, fresh, all));
	TRY(store_exec(cx, &set_doc, ARGS(INT(cx->account), INT(f->id), INT(fresh), INT((int64_t)all.n), SEALED(fresh, HIDE(doc_of(cx,
	    name, reveal(cx, f->content_type, TO_STORE), reveal(cx, f->content_id, TO_STORE), f->scan, kept, count)))), NULL));
	return store_key_destroy(cx, f->key);
}

/* Its bytes go, and the key that sealed them. An unclaimed upload's row goes too. */
enum err
attachment_erase(struct ctx *cx, int64_t id, int64_t key)
{
	struct row r;

	TRY(store_one(cx, &by_id, ARGS(INT(cx->account), INT(id)), &r));
	TRY(store_exec(cx, &delete_chunks, ARGS(INT(cx->account), INT(id)), NULL));
	if (row_null(&r, 3))
		TRY(store_exec(cx, &delete_attachment, ARGS(INT(cx->account), INT(id)), NULL));
	else {
		int64_t fresh;
		TRY(store_key_new(cx, &fresh));
		TRY(store_exec(cx, &mark_redacted, ARGS(INT(cx->account), INT(id), INT(fresh),
		    SEALED(fresh, HIDE(doc_of(cx, S("redacted.txt"), S("text/plain"), S(""), SCAN_DONE, NULL, 0)))), NULL));
	}
	return store_key_destroy(cx, key);
}
