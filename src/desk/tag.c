/* tag.c - which tags there are, and on how many tickets each is.
 *
 * Most tickets of a commit have tags that others of it have too, and each row
 * changed moves in two indexes. So what a ticket adds and takes is only noted,
 * by the writer's thread, and written once for all just before their commit.
 */
#include <stdlib.h>
#include <unicode/ucasemap.h>

#include "desk/in.h"

static const struct stmt tag_count = {
	.name = "tag.count",
	.sql  = "UPDATE tag SET n = n + $3 WHERE account_id = $1 AND name_x = $2 RETURNING id, data_key, n",
	.in   = "iXi", .out = "iii", .blind = { "tag.name" },
};

static const struct stmt tag_insert = {
	.name = "tag.insert",
	.sql  = "INSERT INTO tag (account_id, id, data_key, name_x, head_x, n, name) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	.in   = "iiiXXiS", .blind = { "tag.name", "tag.head" }, .seal_in = { { "tag", "name", 1 } },
};

static const struct stmt tag_delete = {
	.name = "tag.delete",
	.sql  = "DELETE FROM tag WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

#define COLS "id, n, name"
#define OUT "iiS"
#define SEAL { { "tag", "name", 0 } }
static const struct stmt tag_popular = {
	.name = "tag.popular",
	.sql  = "SELECT " COLS " FROM tag WHERE account_id = $1 ORDER BY n DESC, id DESC LIMIT $2 OFFSET $3",
	.in   = "iii", .out = OUT, .seal_out = SEAL,
};

static const struct stmt tag_after = {
	.name = "tag.after",
	.sql  = "SELECT " COLS " FROM tag WHERE account_id = $1 AND (n, id) < ($2, $3) ORDER BY n DESC, id DESC LIMIT $4",
	.in   = "iiii", .out = OUT, .seal_out = SEAL,
};

static const struct stmt tag_before = {
	.name = "tag.before",
	.sql  = "SELECT " COLS " FROM tag WHERE account_id = $1 AND (n, id) > ($2, $3) ORDER BY n, id LIMIT $4",
	.in   = "iiii", .out = OUT, .seal_out = SEAL,
};

static const struct stmt tag_by_head = {
	.name = "tag.by_head",
	.sql  = "SELECT " COLS " FROM tag WHERE account_id = $1 AND head_x = $2 ORDER BY n DESC LIMIT 2000",
	.in   = "iX", .out = OUT, .seal_out = SEAL, .blind = { "tag.head" },
};

static const struct stmt tagged_tickets = {
	.name = "tag.tickets",
	.sql  = "SELECT t.id, t.doc FROM ticket t WHERE t.account_id = $1 AND t.deleted_at IS NULL ORDER BY t.id",
	.in   = "i", .out = "iS", .seal_out = { { "ticket", "doc", 0 } },
};

static const struct stmt tag_totals = {
	.name = "tag.total",
	.sql  = "SELECT count(*) FROM (SELECT 1 AS one FROM tag WHERE account_id = $1 LIMIT 20000) AS capped",
	.in   = "i", .out = "i",
};

static const struct stmt tag_named = {
	.name = "tag.named",
	.sql  = "SELECT id FROM tag WHERE account_id = $1 AND name_x = $2",
	.in   = "iX", .out = "i", .blind = { "tag.name" },
};

const struct stmt *const tag_stmts[] = {
	&tag_named, &tag_totals, &tag_count, &tag_insert, &tag_delete, &tag_popular, &tag_after, &tag_before, &tag_by_head, &tagged_tickets, NULL
};

static bool
ascii_only(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

str
tag_lower(struct ctx *cx, str s)
{
	size_t room = s.n * 3 + 1;       /* U+0130 has the most: two bytes become three */
	UErrorCode e = U_ZERO_ERROR;
	UCaseMap *map;
	int32_t n = 0;
	char *to;

	if (ascii_only(s) || s.n > 1 * MiB)
		return str_lower(cx->arena, s);
	to = NEW(cx->arena, char, room);
	map = ucasemap_open("", 0, &e);
	n = ucasemap_utf8ToLower(map, to, (int32_t)room, s.p, (int32_t)s.n, &e);
	ucasemap_close(map);
	return U_FAILURE(e) ? str_lower(cx->arena, s) : (str){ to, (size_t)n };
}

static str
head_of(str name)
{
	uint32_t cp;
	size_t n = name.n ? utf8_next(name, 0, &cp) : 0;

	if (n < name.n)
		n += utf8_next(name, n, &cp);
	return str_sub(name, 0, n);
}

static enum err
count_one(struct ctx *cx, str name, int64_t by)
{
	int64_t id, key;
	struct row r;
	enum err e = store_one(cx, &tag_count, ARGS(INT(cx->account), BLIND(HIDE(name)), INT(by)), &r);

	if (e == E_ABSENT) {
		fail_forget(cx);
		if (by <= 0)
			return OK;
		TRY(store_next_id(cx, "tag", &id));
		TRY(store_key_new(cx, &key));
		e = store_exec(cx, &tag_insert, ARGS(INT(cx->account), INT(id), INT(key), BLIND(HIDE(name)), BLIND(HIDE(head_of(name))),
		    INT(by), SEALED(key, HIDE(name))), NULL);
	} else if (e == OK && row_int(&r, 2) <= 0) {
		TRY(store_exec(cx, &tag_delete, ARGS(INT(cx->account), INT(row_int(&r, 0))), NULL));
		TRY(store_key_destroy(cx, row_int(&r, 1)));
	}
	return e;
}

/* What the tickets of this commit change. Only the writer's thread comes here;
 * every number goes back to 0 when the tickets are rolled back. */
struct due { int64_t account, by; str name; uint32_t next; };     /* next: of its slot, from 1; the name is malloc'ed */
enum { DUE_SLOTS = 1024 };
static struct { struct due *d; uint32_t n, cap, slot[DUE_SLOTS]; } dues;

static void
dues_clear(struct sys *sys UNUSED, void *arg UNUSED)
{
	for (uint32_t i = 0; i < dues.n; i++) {
		wipe((char *)dues.d[i].name.p, dues.d[i].name.n);
		free((char *)dues.d[i].name.p);
	}
	memset(dues.slot, 0, sizeof dues.slot);
	dues.n = 0;
}

static enum err
dues_write(struct ctx *cx, void *arg UNUSED)
{
	int64_t own = cx->account;
	enum err e = OK;

	for (uint32_t i = 0; i < dues.n && e == OK; i++) {
		cx->account = dues.d[i].account;
		e = dues.d[i].by != 0 ? count_one(cx, dues.d[i].name, dues.d[i].by) : OK;
	}
	cx->account = own;
	store_after(cx, dues_clear, NULL);
	return e;
}

struct due_step { uint32_t at; int64_t by; };

static void
due_back(struct sys *sys UNUSED, void *arg)
{
	const struct due_step *s = arg;

	dues.d[s->at].by -= s->by;
}

static enum err
count_later(struct ctx *cx, str name, int64_t by)
{
	struct due_step *s = NEW(cx->arena, struct due_step, 1);
	uint32_t h = 0, *slot, at;

	for (size_t i = 0; i < name.n; i++)
		h = h * 31 + (unsigned char)name.p[i];
	slot = &dues.slot[(h ^ h >> 15) % DUE_SLOTS];
	for (at = *slot; at != 0 && (dues.d[at - 1].account != cx->account || !str_eq(dues.d[at - 1].name, name));)
		at = dues.d[at - 1].next;
	if (at == 0) {
		char *copy = malloc(name.n + 1);
		if (dues.n == dues.cap) {
			uint32_t cap = dues.cap == 0 ? 64 : dues.cap * 2;
			struct due *more = realloc(dues.d, cap * sizeof *more);
			if (more != NULL) {
				dues.d = more;
				dues.cap = cap;
			}
		}
		if (copy == NULL || dues.n == dues.cap) {
			free(copy);
			return fail(cx, E_FAULT, NULL, "out of memory");
		}
		memcpy(copy, name.p != NULL ? name.p : "", name.n);
		dues.d[dues.n] = (struct due){ cx->account, 0, { copy, name.n }, *slot };
		at = *slot = ++dues.n;
	}
	*s = (struct due_step){ at - 1, by };
	dues.d[s->at].by += by;
	store_undo(cx, due_back, s);
	store_before_commit(cx, dues_write, NULL);
	return OK;
}

static bool
among(const str *w, int n, str one)
{
	for (int i = 0; i < n; i++)
		if (str_eq(w[i], one))
			return true;
	return false;
}

enum err
tags_changed(struct ctx *cx, sensitive before, sensitive after)
{
	str *was, *is;
	int n_was, n_is;

	if (str_eq(before.hidden, after.hidden))
		return OK;
	n_was = json_words(cx, reveal(cx, before, TO_STORE), &was);
	n_is = json_words(cx, reveal(cx, after, TO_STORE), &is);
	for (int i = 0; i < n_was; i++)
		if (!among(is, n_is, was[i]) && !among(was, i, was[i]))
			TRY(count_later(cx, was[i], -1));
	for (int i = 0; i < n_is; i++)
		if (!among(was, n_was, is[i]) && !among(is, i, is[i]))
			TRY(count_later(cx, is[i], 1));
	return OK;
}

static struct tag *
tags_from(struct ctx *cx, const struct rows *rs, bool reverse)
{
	struct tag *t = NEW(cx->arena, struct tag, rs->count + 1);

	for (int i = 0; i < rs->count; i++) {
		const struct row *r = &rs->row[reverse ? rs->count - 1 - i : i];
		t[i] = (struct tag){ row_int(r, 0), row_int(r, 1), row_sensitive(r, 2) };
	}
	return t;
}

/* ---- of agents who do not see every ticket: the tags of those they see, counted as often ---- */

#define OWN_TICKETS 5000             /* their newest ones */
#define OWN_TAGS    2000

static bool
sees_all(const struct ctx *cx)
{
	return cx->actor->role != ROLE_AGENT || cx->actor->sees == SEE_ALL;
}

static int
by_name(const void *a, const void *b)
{
	return str_cmp(*(const str *)a, *(const str *)b);
}

/* As the table is ordered: most used first, then the later number. */
static int
by_use(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->id < y->id) - (x->id > y->id);
}

static enum err
own_tags(struct ctx *cx, struct tag **out, int *count)
{
	struct ticket_filter f = { .descending = true, .limit = 500 };
	str *all = NULL, *words;
	struct ticket *t;
	int n = 0, cap = 0, got, seen = 0;

	do {
		TRY(ticket_list(cx, &f, &t, &got));
		for (int i = 0; i < got; i++) {
			int k = json_words(cx, reveal(cx, t[i].tags, TO_INDEX), &words);
			if (n + k > cap) {
				str *more = NEW(cx->arena, str, cap = (n + k) * 2);
				if (n)
					memcpy(more, all, sizeof *more * (size_t)n);
				all = more;
			}
			if (k)
				memcpy(all + n, words, sizeof *all * (size_t)k);
			n += k;
		}
		seen += got;
		if (got) {
			f.after_set = true;
			f.after_value = f.after_id = t[got - 1].id;
		}
	} while (got == f.limit && seen < OWN_TICKETS);
	if (n > 1)
		qsort(all, (size_t)n, sizeof *all, by_name);
	*out = NEW(cx->arena, struct tag, n + 1);
	*count = 0;
	for (int i = 0, k; i < n; i = k) {
		for (k = i; k < n && str_eq(all[k], all[i]); k++)
			;
		(*out)[(*count)++] = (struct tag){ .n = k - i, .name = HIDE(all[i]) };
	}
	qsort(*out, (size_t)*count, sizeof **out, by_use);
	*count = *count < OWN_TAGS ? *count : OWN_TAGS;
	for (int i = 0; i < *count; i++) {
		struct rows rs;
		TRY(store_all(cx, &tag_named, ARGS(INT(cx->account), BLIND((*out)[i].name)), &rs));
		(*out)[i].id = rs.count ? row_int(&rs.row[0], 0) : 0;
	}
	qsort(*out, (size_t)*count, sizeof **out, by_use);
	return OK;
}

enum err
tag_list(struct ctx *cx, bool after, bool before, int64_t n, int64_t id, int64_t offset, int limit, struct tag **out, int *count)
{
	const struct tag place = { .n = n, .id = id };
	struct rows rs;
	struct tag *own;
	int owned, from, to;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (!sees_all(cx)) {
		TRY(own_tags(cx, &own, &owned));
		for (from = 0; after && from < owned && by_use(&own[from], &place) <= 0; from++)
			;
		for (to = 0; before && to < owned && by_use(&own[to], &place) < 0; to++)
			;
		from = after ? from : before ? (to > limit ? to - limit : 0) : offset < owned ? (int)offset : owned;
		to = before ? to : from + limit < owned ? from + limit : owned;
		*out = own + from;
		*count = to - from;
		return OK;
	}
	if (after)
		TRY(store_all(cx, &tag_after, ARGS(INT(cx->account), INT(n), INT(id), INT(limit)), &rs));
	else if (before)
		TRY(store_all(cx, &tag_before, ARGS(INT(cx->account), INT(n), INT(id), INT(limit)), &rs));
	else
		TRY(store_all(cx, &tag_popular, ARGS(INT(cx->account), INT(limit), INT(offset)), &rs));
	*out = tags_from(cx, &rs, before);
	*count = rs.count;
	return OK;
}

enum err
tag_total(struct ctx *cx, int64_t *n)
{
	struct tag *own;
	struct row r;
	int owned;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (!sees_all(cx)) {
		TRY(own_tags(cx, &own, &owned));
		*n = owned;
		return OK;
	}
	TRY(store_one(cx, &tag_totals, ARGS(INT(cx->account)), &r));
	*n = row_int(&r, 0);
	return OK;
}

/* Does a word of the tag begin so? Whatever is no letter and no digit stands between words. */
static bool
word_begins(str tag, str with)
{
	for (size_t i = 0; i < tag.n; i++) {
		char c = i ? tag.p[i - 1] : ' ';
		bool inside = (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
		if (!inside && str_starts(str_sub(tag, i, tag.n - i), with))
			return true;
	}
	return false;
}

enum err
tag_complete(struct ctx *cx, str beginning, int limit, struct tag **out, int *count)
{
	str b = tag_lower(cx, str_trim(beginning));
	struct rows heads = { 0 }, popular = { 0 };
	struct tag *all, *more;
	int n = 0, have;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (sees_all(cx)) {
		TRY(store_all(cx, &tag_by_head, ARGS(INT(cx->account), BLIND(HIDE(head_of(b)))), &heads));
		TRY(store_all(cx, &tag_popular, ARGS(INT(cx->account), INT(OWN_TAGS), INT(0)), &popular));
		more = tags_from(cx, &popular, false);
		have = popular.count;
	} else
		TRY(own_tags(cx, &more, &have));
	all = NEW(cx->arena, struct tag, heads.count + have + 1);
	memcpy(all, tags_from(cx, &heads, false), sizeof *all * (size_t)heads.count);
	for (int i = 0; i < heads.count; i++)
		if (str_starts(all[i].name.hidden, b))
			all[n++] = all[i];
	for (int i = 0; i < have; i++) {
		bool twice = !word_begins(more[i].name.hidden, b);
		for (int k = 0; k < n && !twice; k++)
			twice = all[k].id == more[i].id;
		if (!twice)
			all[n++] = more[i];
	}
	qsort(all, (size_t)n, sizeof *all, by_use);
	*out = all;
	*count = n < limit ? n : limit;
	return OK;
}

static enum err
count_ticket(struct ctx *cx, const struct row *r, void *arg UNUSED)
{
	str rest = row_sensitive(r, 1).hidden, v;
	uint8_t tag;

	while (pack_next(&rest, &tag, &v))
		if (tag == DOC_TAGS)
			TRY(tags_changed(cx, HIDE(S("[]")), HIDE(v)));
	return OK;
}

/* A desk that is older than this table: its tickets' tags are counted once. */
static enum err
count_all_tx(struct ctx *cx, void *arg UNUSED)
{
	int64_t done;

	TRY(desk_counter_get(cx, "tags_counted", &done));
	if (done)
		return OK;
	TRY(store_each(cx, &tagged_tickets, ARGS(INT(cx->account)), count_ticket, NULL));
	return desk_counter_add(cx, "tags_counted", 1);
}

enum err
tags_seed(struct ctx *cx)
{
	int64_t done;

	TRY(desk_counter_get(cx, "tags_counted", &done));
	return done ? OK : store_write(cx, count_all_tx, NULL);
}
