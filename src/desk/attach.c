/* attach.c - attachments and uploads: sealed in chunks under a key of their own.
 *
 * Each CHUNK bytes of a file are a row of attachment_chunk, sealed to account,
 * table, attachment and, in the place of the column, "body N" or, the last,
 * "body N end" (N from 0). So a chunk that is moved, left out or put behind the
 * end does not open; an empty file has one empty chunk. Those of versions
 * before 0190 (attachment.bound is 0) are sealed to "body" alone.
 *
 * A file comes in pieces (upload_begin). What fits into one piece is written
 * with its attachment, in one transaction. Else the first piece makes a row of
 * attachment_part, which owns the key and the chunks until the end makes the
 * attachment and drops the part in one transaction. Nobody sees a part; one
 * that no upload of this process owns (broken off, the process died, the disk
 * was full when it was to be dropped) is swept: its key destroyed, its chunks
 * deleted. An upload is on the list of those under way before its part is
 * committed, so the sweeper cannot take a part that is still written.
 *
 * Text that the policy may have to change must be whole before any of it is
 * stored: its first piece is as large as a text that is scanned can be.
 */
#include <pthread.h>

#include "desk/in.h"

#define UPLOAD_KEPT_FOR ((usec)3 * 86400 * SECOND)

static const struct stmt insert_attachment = {
	.name = "attachment.insert",
	.sql  = "INSERT INTO attachment (account_id, id, key_id, ticket_id, comment_id, owner_id, token_x, size, is_inline,"
	        " created_at, doc, bound) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)",
	.in   = "iiii?i?i?X?iiiS",
	.seal_in = { { "attachment", "doc", 1 } },
	.blind = { "attachment.token" },
};

/* Its body is sealed already (chunk_seal). */
static const struct stmt insert_chunk = {
	.name = "attachment_chunk.insert",
	.sql  = "INSERT INTO attachment_chunk (account_id, attachment_id, n, body) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, attachment_id, n) DO UPDATE SET body = excluded.body",
	.in   = "iiib",
};

#define OUT "iii?i?i?iiiiSi"
#define COLS "f.id, f.key_id, f.ticket_id, f.comment_id, f.owner_id, f.size, f.is_inline, f.redacted, f.created_at, f.doc, f.bound"
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

/* Only while the file is the one that was found: redaction gives it another key. */
static const struct stmt chunk_get = {
	.name = "attachment_chunk.get",
	.sql  = "SELECT c.body FROM attachment_chunk c JOIN attachment f ON f.account_id = c.account_id AND f.id = c.attachment_id"
	        " WHERE c.account_id = $1 AND c.attachment_id = $2 AND c.n = $3 AND f.key_id = $4",
	.in   = "iiii", .out = "b",
};

static const struct stmt part_insert = {
	.name = "attachment_part.insert",
	.sql  = "INSERT INTO attachment_part (account_id, id, key_id, created_at) VALUES ($1, $2, $3, $4)",
	.in   = "iiii",
};

static const struct stmt part_delete = {
	.name = "attachment_part.delete",
	.sql  = "DELETE FROM attachment_part WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt parts = {
	.name = "attachment_part.all",
	.sql  = "SELECT id, key_id FROM attachment_part WHERE account_id = $1 ORDER BY id",
	.in   = "i", .out = "ii",
};

/* A few at a time: each is 64 pages, and others wait for the writer. */
static const struct stmt part_thin = {
	.name = "attachment_chunk.thin",
	.sql  = "DELETE FROM attachment_chunk WHERE account_id = $1 AND attachment_id = $2 AND n IN (SELECT n FROM attachment_chunk"
	        " WHERE account_id = $1 AND attachment_id = $2 ORDER BY n LIMIT 16)",
	.in   = "ii",
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
	.sql  = "UPDATE attachment SET key_id = $3, size = $4, doc = $5, bound = 1 WHERE account_id = $1 AND id = $2",
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
	&set_findings, &set_doc, &extend, &claim, &part_insert, &part_delete, &parts, &part_thin, &forgotten,
	&insert_attachment, &insert_chunk, &of_comment, &by_id, &by_token, &chunk_get, &delete_chunks, &delete_attachment,
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
	    .redacted = row_int(r, 7) != 0, .created_at = row_int(r, 8), .bound = row_int(r, 10) != 0 };
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

/* ---- chunks --------------------------------------------------------------------------------------------------- */

static const char *
chunk_place(struct ctx *cx, int64_t n, bool last)
{
	return str_printf(cx->arena, "body %lld%s", (long long)n, last ? " end" : "").p;
}

static int64_t
chunk_count(int64_t size)
{
	return size > 0 ? (size + (int64_t)CHUNK - 1) / (int64_t)CHUNK : 1;
}

static enum err
chunk_seal(struct ctx *cx, int64_t id, int64_t key, int64_t n, bool last, str bytes, str *sealed)
{
	return store_seal(cx, key, "attachment_chunk", chunk_place(cx, n, last), id, bytes, sealed);
}

/* In a transaction. What sealing makes of a chunk is gone before the next one. */
static enum err
chunk_put(struct ctx *cx, struct arena *scratch, int64_t id, int64_t key, int64_t n, bool last, str bytes)
{
	struct arena *own = cx->arena;
	str sealed;
	enum err e;

	cx->arena = scratch;
	e = chunk_seal(cx, id, key, n, last, bytes, &sealed);
	if (e == OK)
		e = store_exec(cx, &insert_chunk, ARGS(INT(cx->account), INT(id), INT(n), BYTES(sealed)), NULL);
	cx->arena = own;
	arena_reset(scratch);
	return e;
}

static enum err
chunks_put(struct ctx *cx, int64_t id, int64_t key, str bytes)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	int64_t count = chunk_count((int64_t)bytes.n);

	for (int64_t n = 0; n < count; n++)
		TRY(chunk_put(cx, scratch, id, key, n, n + 1 == count, str_sub(bytes, (size_t)n * CHUNK, CHUNK)));
	return OK;
}

/* One chunk, opened in cx's arena. */
static enum err
chunk_load(struct ctx *cx, const struct attachment *f, int64_t n, str *bytes)
{
	int64_t count = chunk_count(f->size), want = n + 1 < count ? (int64_t)CHUNK : f->size - n * (int64_t)CHUNK;
	struct row r;

	TRY(store_one(cx, &chunk_get, ARGS(INT(cx->account), INT(f->id), INT(n), INT(f->key)), &r));
	TRY(store_open_sealed(cx, "attachment_chunk", f->bound ? chunk_place(cx, n, n + 1 == count) : "body", f->id, row_str(&r, 0), bytes));
	return bytes->n == (size_t)want ? OK : fail(cx, E_FAULT, NULL, "an attachment is not as long as it says");
}

enum err
attachment_read(struct ctx *cx, const struct attachment *f, int64_t at, char *to, size_t n)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	struct arena *own = cx->arena;
	enum err e = OK;
	str bytes;

	if (at < 0 || (int64_t)n > f->size - at)
		return fail(cx, E_FAULT, NULL, "more of an attachment was asked for than there is");
	while (n > 0 && e == OK) {
		cx->arena = scratch;
		e = chunk_load(cx, f, at / (int64_t)CHUNK, &bytes);
		cx->arena = own;
		if (e == OK) {
			bytes = str_sub(bytes, (size_t)(at % (int64_t)CHUNK), n);
			memcpy(to, bytes.p, bytes.n);
			to += bytes.n;
			at += (int64_t)bytes.n;
			n -= bytes.n;
		}
		arena_reset(scratch);
	}
	return e;
}

/* All of it, opened chunk by chunk into the one place that it needs. */
static enum err
load(struct ctx *cx, const struct attachment *f, sensitive *bytes)
{
	char *p;

	if (f->size > (int64_t)(64 * MiB))
		return fail(cx, E_LIMIT, NULL, "the attachment is too large to be shown");
	p = arena_alloc(cx->arena, 1, (size_t)f->size + 1, 1);
	TRY(attachment_read(cx, f, 0, p, (size_t)f->size));
	*bytes = HIDE(((str){ p, (size_t)f->size }));
	return OK;
}

/* Each chunk anew, for another attachment or under another key. In a transaction. */
static enum err
chunks_reseal(struct ctx *cx, const struct attachment *f, int64_t id, int64_t key)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	CLEANUP(arena_free) struct arena *plain = arena_new();
	struct arena *own = cx->arena;
	int64_t count = chunk_count(f->size);
	enum err e = OK;
	str bytes = S("");

	for (int64_t n = 0; n < count && e == OK; n++) {
		cx->arena = plain;
		if (f->size > 0)
			e = chunk_load(cx, f, n, &bytes);
		cx->arena = own;
		if (e == OK)
			e = chunk_put(cx, scratch, id, key, n, n + 1 == count, bytes);
		arena_reset(plain);
	}
	return e;
}

/* The row; the chunks are there already, or come in the same transaction. */
static enum err
row_put(struct ctx *cx, int64_t owner, str token, const struct upload *u, struct attachment *f)
{
	f->is_inline = u->is_inline;
	f->created_at = cx->now;
	f->file_name = HIDE(u->file_name);
	f->content_type = HIDE(u->content_type);
	f->content_id = HIDE(u->content_id);
	f->scan = u->scan;
	f->finding = u->finding;
	f->finding_count = u->finding_count;
	f->bound = true;
	return store_exec(cx, &insert_attachment, ARGS(INT(cx->account), INT(f->id), INT(f->key), ID(f->ticket_id),
	    ID(f->comment_id), ID(owner), token.n ? BLIND(HIDE(token)) : NIL, INT(f->size), INT(f->is_inline), INT(cx->now),
	    SEALED(f->key, HIDE(doc_of(cx, u->file_name, u->content_type, u->content_id, u->scan, u->finding,
	    u->finding_count)))), NULL);
}

static enum err
save(struct ctx *cx, int64_t ticket_id, int64_t comment_id, int64_t owner, str token, const struct upload *u,
    struct attachment *out)
{
	struct attachment f = { .ticket_id = ticket_id, .comment_id = comment_id, .size = (int64_t)u->bytes.n };

	TRY(store_next_id(cx, "attachment", &f.id));
	TRY(store_key_new(cx, &f.key));
	TRY(row_put(cx, owner, token, u, &f));
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

enum err
attachment_copy(struct ctx *cx, const struct attachment *f, int64_t ticket_id, int64_t comment_id)
{
	struct upload u = { .file_name = f->file_name.hidden, .content_type = f->content_type.hidden,
	    .content_id = f->content_id.hidden, .is_inline = f->is_inline, .scan = f->scan, .finding = f->finding,
	    .finding_count = f->finding_count };
	struct attachment made = { .ticket_id = ticket_id, .comment_id = comment_id, .size = f->size };

	TRY(store_next_id(cx, "attachment", &made.id));
	TRY(store_key_new(cx, &made.key));
	TRY(row_put(cx, 0, S(""), &u, &made));
	return chunks_reseal(cx, f, made.id, made.key);
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

/* Bytes cannot be masked: without the right to see PHI only what was scanned and found clean. */
static enum err
may_open(struct ctx *cx, const struct attachment *f)
{
	enum err e = OK;
	str none;

	if (!actor_sees_phi(cx->actor) && (f->scan != SCAN_DONE || f->finding_count > 0))
		return fail(cx, E_DENIED, NULL, "this file may hold PHI");
	if (f->size == 0 && f->bound && !f->redacted)
		e = chunk_load(cx, f, 0, &none);         /* it really is empty */
	if (e == E_ABSENT) {
		fail_forget(cx);
		return fail(cx, E_FAULT, NULL, "an attachment lost its bytes");
	}
	TRY(e);
	(void)reveal_clear(cx, HIDE(S("")));
	return OK;
}

enum err
attachment_open(struct ctx *cx, int64_t id, struct attachment *out)
{
	TRY(attachment_get(cx, id, out));
	return may_open(cx, out);
}

/* ---- uploads ---------------------------------------------------------------------------------------------------- */

struct uploading {
	struct uploading *next, **link;      /* those under way, once they have a part */
	struct sys       *sys;
	int64_t           account, id, key;  /* id 0: nothing is written yet */
	int64_t           n;                 /* chunks written */
	struct upload     u;
	str               token;
};

static pthread_mutex_t under_way_lock = PTHREAD_MUTEX_INITIALIZER;
static struct uploading *under_way;

static void
listed(struct uploading *u)
{
	pthread_mutex_lock(&under_way_lock);
	u->link = &under_way;
	if ((u->next = under_way) != NULL)
		u->next->link = &u->next;
	under_way = u;
	pthread_mutex_unlock(&under_way_lock);
}

static void
unlisted(struct uploading *u)
{
	pthread_mutex_lock(&under_way_lock);
	if (u->link != NULL && (*u->link = u->next) != NULL)
		u->next->link = u->link;
	u->link = NULL;
	pthread_mutex_unlock(&under_way_lock);
}

static bool
is_under_way(const struct sys *sys, int64_t account, int64_t id)
{
	bool yes = false;

	pthread_mutex_lock(&under_way_lock);
	for (const struct uploading *u = under_way; u != NULL; u = u->next)
		yes = yes || (u->sys == sys && u->account == account && u->id == id);
	pthread_mutex_unlock(&under_way_lock);
	return yes;
}

static enum err
begin(struct ctx *cx, str file_name, str content_type, str token, struct uploading **out)
{
	struct uploading *u = NEW(cx->arena, struct uploading, 1);
	struct findings names = { 0 };
	struct treating t;

	*u = (struct uploading){ .sys = cx->sys, .account = cx->account, .token = str_dup(cx->arena, token),
	    .u = { .file_name = str_dup(cx->arena, file_name), .content_type = str_dup(cx->arena, content_type) } };
	treat_begin(cx, &t, str_of(cx->via ? cx->via : "api"));
	t.skip = 1u << PHI_HOLD | 1u << PHI_MOVE;
	TRY(treat_file_name(cx, &t, &u->u, &names));
	TRY(bad_check(cx));
	*out = u;
	return OK;
}

enum err
upload_begin(struct ctx *cx, str file_name, str content_type, str token, struct uploading **out)
{
	unsigned char r[24];
	struct rows rs;

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
		token = base64url_of(cx->arena, (str){ (char *)r, sizeof r });
	}
	return begin(cx, file_name, content_type, token, out);
}

enum err
upload_files(struct ctx *cx, str token, struct attachment **out, int *count)
{
	struct rows rs;

	*count = 0;
	TRY(store_all(cx, &by_token, ARGS(INT(cx->account), BLIND(HIDE(token)), INT(cx->now - UPLOAD_KEPT_FOR)), &rs));
	*out = NEW(cx->arena, struct attachment, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		if (cx->actor != NULL && row_int(&rs.row[i], 4) == cx->actor->user_id)
			from_row(cx, &rs.row[i], &(*out)[(*count)++]);
	return OK;
}

size_t
upload_piece(const struct uploading *u)
{
	return u->u.scan == SCAN_DONE && u->id == 0 ? SCAN_TEXT_MAX : CHUNK;
}

static enum err
part_tx(struct ctx *cx, void *arg)
{
	struct uploading *u = arg;

	int64_t id;

	TRY(store_next_id(cx, "attachment", &id));
	TRY(store_key_new(cx, &u->key));
	pthread_mutex_lock(&under_way_lock);
	u->id = id;
	pthread_mutex_unlock(&under_way_lock);
	return store_exec(cx, &part_insert, ARGS(INT(cx->account), INT(u->id), INT(u->key), INT(cx->now)), NULL);
}

struct chunk_work { struct uploading *u; str sealed; };

static enum err
chunk_tx(struct ctx *cx, void *arg)
{
	struct chunk_work *w = arg;

	return store_exec(cx, &insert_chunk, ARGS(INT(cx->account), INT(w->u->id), INT(w->u->n), BYTES(w->sealed)), NULL);
}

/* Sealed on this thread, so that the writer has the insert alone. */
static enum err
part_write(struct ctx *cx, struct uploading *u, str bytes)
{
	struct chunk_work w = { .u = u };

	TRY(chunk_seal(cx, u->id, u->key, u->n, false, bytes, &w.sealed));
	TRY(store_write(cx, chunk_tx, &w));
	u->n++;
	return OK;
}

enum err
upload_write(struct ctx *cx, struct uploading *u, str bytes)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	struct arena *own = cx->arena;
	enum err e = OK;

	if (bytes.n == 0 || bytes.n % CHUNK != 0)
		return fail(cx, E_FAULT, NULL, "a piece of an upload has an odd size");
	cx->arena = scratch;
	if (u->link == NULL) {
		listed(u);
		e = store_write(cx, part_tx, u);
		if (e != OK) {
			unlisted(u);
			u->id = 0;
		}
	}
	for (; bytes.n > 0 && e == OK; bytes = str_sub(bytes, CHUNK, bytes.n)) {
		e = part_write(cx, u, str_sub(bytes, 0, CHUNK));
		arena_reset(scratch);
	}
	cx->arena = own;
	return e;
}

/* What the policy destroys on arrival is not in what is written; what it holds, holds the comment that claims it. */
static enum err
treat_text_of(struct ctx *cx, struct uploading *u)
{
	struct treating t;

	if (u->id != 0) {
		if (u->u.scan == SCAN_DONE)
			u->u.scan = SCAN_TOO_LARGE;
		return OK;
	}
	treat_begin(cx, &t, str_of(cx->via ? cx->via : "api"));
	t.skip = 1u << PHI_HOLD | 1u << PHI_MOVE;
	TRY(treat_file_text(cx, &t, &u->u));
	return bad_check(cx);
}

/* The attachment, with what is left of its bytes. In a transaction. */
static enum err
finish(struct ctx *cx, struct uploading *u, str token, struct attachment *out)
{
	struct attachment f = { .id = u->id, .key = u->key, .size = u->n * (int64_t)CHUNK + (int64_t)u->u.bytes.n };
	CLEANUP(arena_free) struct arena *scratch = NULL;

	if (u->id == 0)
		return save(cx, 0, 0, cx->actor->user_id, token, &u->u, out);
	scratch = arena_new();
	TRY(chunk_put(cx, scratch, u->id, u->key, u->n, true, u->u.bytes));
	TRY(row_put(cx, cx->actor->user_id, token, &u->u, &f));
	TRY(store_exec(cx, &part_delete, ARGS(INT(cx->account), INT(u->id)), NULL));
	*out = f;
	return OK;
}

struct upload_work { struct uploading *u; struct attachment out; };

static enum err
upload_tx(struct ctx *cx, void *arg)
{
	struct upload_work *w = arg;

	TRY(finish(cx, w->u, w->u->token, &w->out));
	return trail_append(cx, &(struct event){ .action = "attachment.upload", .object = "attachment", .id = w->out.id });
}

/* All but the end of what came, which is for finish(). */
static enum err
rest(struct ctx *cx, struct uploading *u, str bytes)
{
	while (bytes.n > upload_piece(u)) {
		size_t some = upload_piece(u);
		TRY(upload_write(cx, u, str_sub(bytes, 0, some)));
		bytes = str_sub(bytes, some, bytes.n);
	}
	if (u->id != 0 && bytes.n == 0)
		return fail(cx, E_FAULT, NULL, "the last piece of an upload is empty");
	u->u.bytes = bytes;
	return treat_text_of(cx, u);
}

enum err
upload_done(struct ctx *cx, struct uploading *u, str bytes, str *token_out, struct attachment *out)
{
	struct upload_work w = { .u = u };

	TRY(rest(cx, u, bytes));
	TRY(store_write(cx, upload_tx, &w));
	unlisted(u);
	u->id = 0;
	*token_out = u->token;
	*out = w.out;
	return OK;
}

struct part { int64_t id, key, changed; };

static enum err
part_thin_tx(struct ctx *cx, void *arg)
{
	struct part *p = arg;

	return store_exec(cx, &part_thin, ARGS(INT(cx->account), INT(p->id)), &p->changed);
}

static enum err
part_drop_tx(struct ctx *cx, void *arg)
{
	struct part *p = arg;

	TRY(store_exec(cx, &part_delete, ARGS(INT(cx->account), INT(p->id)), &p->changed));
	return p->changed > 0 ? store_key_destroy(cx, p->key) : OK;
}

/* Its key is noted for the next store_erase(). */
static enum err
part_drop(struct ctx *cx, int64_t id, int64_t key)
{
	struct part p = { id, key, 1 };

	while (p.changed > 0)
		TRY(store_write(cx, part_thin_tx, &p));
	return store_write(cx, part_drop_tx, &p);
}

void
upload_drop(struct ctx *cx, struct uploading *u)
{
	struct ctx own = *cx;

	if (u->id == 0)
		return;
	own.fail.code = OK;                      /* why it is dropped stays what is told */
	(void)!part_drop(&own, u->id, u->key);   /* else the sweeper does it */
	cx->reader = own.reader;
	unlisted(u);
	u->id = 0;
}

enum err
upload_create(struct ctx *cx, str file_name, str content_type, str bytes, str token, str *token_out,
    struct attachment *out)
{
	struct uploading *u;
	enum err e;

	TRY(upload_begin(cx, file_name, content_type, token, &u));
	e = upload_done(cx, u, bytes, token_out, out);
	if (e != OK)
		upload_drop(cx, u);
	return e;
}

static enum err
expire_tx(struct ctx *cx, void *arg)
{
	const struct part *p = arg;
	struct row r;
	enum err e = store_one(cx, &by_id, ARGS(INT(cx->account), INT(p->id)), &r);

	if (e == E_ABSENT || (e == OK && (!row_null(&r, 3) || row_int(&r, 8) > cx->now - UPLOAD_KEPT_FOR))) {
		fail_forget(cx);
		return OK;                       /* claimed, deleted or held since it was read */
	}
	TRY(e);
	TRY(attachment_erase(cx, p->id, p->key));
	return trail_append(cx, &(struct event){ .action = "attachment.delete_upload", .object = "attachment", .id = p->id,
	    .cause = "nothing claimed it" });
}

enum err
uploads_sweep(struct ctx *cx)
{
	struct rows rs;

	TRY(store_all(cx, &parts, ARGS(INT(cx->account)), &rs));
	for (int i = 0; i < rs.count; i++)
		if (!is_under_way(cx->sys, cx->account, row_int(&rs.row[i], 0)))
			TRY(part_drop(cx, row_int(&rs.row[i], 0), row_int(&rs.row[i], 1)));
	TRY(store_all(cx, &forgotten, ARGS(INT(cx->account), INT(cx->now - UPLOAD_KEPT_FOR)), &rs));
	for (int i = 0; i < rs.count; i++)
		TRY(store_write(cx, expire_tx, &(struct part){ row_int(&rs.row[i], 0), row_int(&rs.row[i], 1), 0 }));
	return OK;
}

/* ---- of macros ---------------------------------------------------------------------------------------------- */

#define MACRO_FILES_MAX 5
static const str macro_token = { "macro-", 6 };

struct macro_file { int64_t macro_id, id; struct uploading *u; const int64_t *ids; int n; struct attachment out; };

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
	TRY(finish(cx, w->u, S(""), &w->out));
	TRY(store_exec(cx, &macro_put, ARGS(INT(cx->account), INT(w->out.id), ID(w->macro_id)), NULL));
	return trail_append(cx, &(struct event){ .action = "macro.attach", .object = "macro", .id = w->macro_id, .parent = w->out.id });
}

enum err
macro_file_add(struct ctx *cx, int64_t macro_id, str file_name, str content_type, str bytes, struct attachment *out)
{
	struct macro_file w = { .macro_id = macro_id };
	enum err e;

	TRY(gate_may(cx, MAY_WRITE_RULES, NULL));
	if (macro_id != 0)
		TRY(rule_may_write(cx, RULE_MACRO, macro_id));
	TRY(begin(cx, file_name, content_type, S(""), &w.u));
	e = rest(cx, w.u, bytes);
	if (e == OK)
		e = store_write(cx, macro_add_tx, &w);
	if (e != OK) {
		upload_drop(cx, w.u);
		return e;
	}
	unlisted(w.u);
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
macro_file_open(struct ctx *cx, int64_t id, struct attachment *out)
{
	TRY(macro_file_get(cx, id, out));
	return may_open(cx, out);
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
	struct attachment f;
	sensitive all;
	struct row r;

	TRY(store_one(cx, &by_id, ARGS(INT(cx->account), INT(id)), &r));
	from_row(cx, &r, &f);
	TRY(load(cx, &f, &all));
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
	int64_t fresh, size = bytes != NULL ? (int64_t)bytes->n : f->size;
	int count = f->finding_count;
	str all;

	if (f->scan == SCAN_DONE) {
		if (bytes != NULL)
			all = *bytes;
		else
			TRY(attachment_load(cx, f->id, &all));
		TRY(desk_scan(cx, "attachment_text", HIDE(all), &found));
		kept = found.f;
		count = found.count;
	}
	TRY(store_key_new(cx, &fresh));
	if (bytes != NULL) {
		TRY(store_exec(cx, &delete_chunks, ARGS(INT(cx->account), INT(f->id)), NULL));
		TRY(chunks_put(cx, f->id, fresh, *bytes));
	} else
		TRY(chunks_reseal(cx, f, f->id, fresh));
	TRY(store_exec(cx, &set_doc, ARGS(INT(cx->account), INT(f->id), INT(fresh), INT(size), SEALED(fresh, HIDE(doc_of(cx,
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
