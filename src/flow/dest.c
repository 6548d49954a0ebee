/* dest.c - the destinations that an administrator listed, and addresses whose mail came back. */
#include "flow/in.h"
#include "http/http.h"

#define D_COLS "id, key_id, kind, content, plain_http, created_at, updated_at, doc"
#define D_OUT "iiiiiiiS"
#define D_SEAL { { "destination", "doc", 0 } }

static const struct stmt insert = {
	.name = "destination.insert",
	.sql  = "INSERT INTO destination (account_id, id, key_id, kind, content, plain_http, pattern_x, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
	.in   = "iiiiiiXiS", .seal_in = { { "destination", "doc", 1 } }, .blind = { "destination.pattern" },
};
static const struct stmt update = {
	.name = "destination.update",
	.sql  = "UPDATE destination SET kind = $3, content = $4, plain_http = $5, pattern_x = $6, updated_at = $7, doc = $8"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiiiiXiS", .seal_in = { { "destination", "doc", 1 } }, .blind = { "destination.pattern" },
};
static const struct stmt get = {
	.name = "destination.get",
	.sql  = "SELECT " D_COLS " FROM destination WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = D_OUT, .seal_out = D_SEAL,
};
static const struct stmt list = {
	.name = "destination.list",
	.sql  = "SELECT " D_COLS " FROM destination WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
	.in   = "iii", .out = D_OUT, .seal_out = D_SEAL,
};
static const struct stmt same = {
	.name = "destination.same",
	.sql  = "SELECT id FROM destination WHERE account_id = $1 AND kind = $2 AND pattern_x = $3 AND id <> $4",
	.in   = "iiXi", .out = "i", .blind = { "destination.pattern" },
};
static const struct stmt delete = {
	.name = "destination.delete",
	.sql  = "DELETE FROM destination WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};
/* The most exact first. */
static const struct stmt match = {
	.name = "destination.match",
	.sql  = "SELECT " D_COLS " FROM destination WHERE account_id = $1 AND kind = $2 AND pattern_x IN ($3, $4, $5)"
	        " ORDER BY CASE WHEN pattern_x = $3 THEN 0 WHEN pattern_x = $4 THEN 1 ELSE 2 END LIMIT 1",
	.in   = "iiXXX", .out = D_OUT, .seal_out = D_SEAL,
	.blind = { "destination.pattern", "destination.pattern", "destination.pattern" },
};
static const struct stmt bounce_get = {
	.name = "bounced.get",
	.sql  = "SELECT outbox_id FROM bounced WHERE account_id = $1 AND address_x = $2",
	.in   = "iX", .out = "i", .blind = { "outbox.to" },
};
static const struct stmt bounce_put = {
	.name = "bounced.put",
	.sql  = "INSERT INTO bounced (account_id, address_x, outbox_id, at) VALUES ($1, $2, $3, $4)"
	        " ON CONFLICT (account_id, address_x) DO UPDATE SET outbox_id = excluded.outbox_id, at = excluded.at",
	.in   = "iXii", .blind = { "outbox.to" },
};
static const struct stmt bounce_drop = {
	.name = "bounced.drop",
	.sql  = "DELETE FROM bounced WHERE account_id = $1 AND address_x = $2",
	.in   = "iX", .blind = { "outbox.to" },
};

const struct stmt *const dest_stmts[] = {
	&insert, &update, &get, &list, &same, &delete, &match, &bounce_get, &bounce_put, &bounce_drop, NULL
};

static void
dest_of(const struct row *r, struct destination *d, int64_t *key)
{
	str rest, v;
	uint8_t tag;

	*d = (struct destination){ .id = row_int(r, 0), .kind = (enum dest_kind)row_int(r, 2), .content = row_int(r, 3) != 0,
	    .plain_http = row_int(r, 4) != 0, .created_at = row_int(r, 5), .updated_at = row_int(r, 6) };
	if (key != NULL)
		*key = row_int(r, 1);
	for (rest = row_sensitive(r, 7).hidden; pack_next(&rest, &tag, &v);)
		switch (tag) {
		case DDOC_PATTERN: d->pattern = HIDE(v); break;
		case DDOC_NOTE:    d->note = HIDE(v); break;
		case DDOC_RANGES:  d->ranges = v; break;
		case DDOC_CA:      d->ca_pem = v; break;
		default: break;
		}
}

static str
dest_doc(struct ctx *cx, const struct destination *d)
{
	struct buf b;

	buf_init(&b, cx->arena, 256 * KiB);
	pack_put(&b, DDOC_PATTERN, d->pattern.hidden);
	pack_put(&b, DDOC_NOTE, d->note.hidden);
	pack_put(&b, DDOC_RANGES, d->ranges);
	pack_put(&b, DDOC_CA, d->ca_pem);
	return buf_str(&b);
}

/* ---- matching ------------------------------------------------------------------------------------------------- */

static enum err
find(struct ctx *cx, enum dest_kind kind, str exact, str wider, str widest, struct allowed *out)
{
	struct destination d;
	struct row r;
	enum err e = store_one(cx, &match, ARGS(INT(cx->account), INT(kind), BLIND(HIDE(exact)), BLIND(HIDE(wider)),
	    BLIND(HIDE(widest))), &r);

	*out = (struct allowed){ 0 };
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	dest_of(&r, &d, NULL);
	*out = (struct allowed){ .found = true, .content = d.content, .plain_http = d.plain_http, .ranges = d.ranges,
	    .ca_pem = d.ca_pem };
	return OK;
}

enum err
destination_for_mail(struct ctx *cx, str address, struct allowed *out)
{
	str low = str_lower(cx->arena, address), domain = low;

	(void)str_cut(&domain, '@');
	return find(cx, DEST_RECIPIENT, low, domain, S("*"), out);
}

enum err
destination_for_host(struct ctx *cx, str host, int port, struct allowed *out)
{
	str low = str_lower(cx->arena, host), exact = str_printf(cx->arena, STR_F ":%d", STR_A(low), port);

	return find(cx, DEST_WEBHOOK, exact, port == 443 ? low : exact, exact, out);
}

/* ---- changing --------------------------------------------------------------------------------------------------- */

static bool
host_chars(str s)
{
	if (s.n == 0 || s.n > 253 || s.p[0] == '.' || s.p[0] == '-' || s.p[s.n - 1] == '.' || str_find(s, S("..")) != SIZE_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static bool
pattern_ok(enum dest_kind kind, str p)
{
	int64_t port;
	str host;

	if (kind == DEST_RECIPIENT) {
		if (str_eq(p, S("*")))
			return true;
		if (str_find(p, S("@")) != SIZE_MAX)
			return address_ok(p);
		return host_chars(p);
	}
	if (str_starts(p, S("["))) {
		size_t end = str_find(p, S("]"));
		if (end == SIZE_MAX || end < 3)
			return false;
		for (size_t i = 1; i < end; i++)
			if (strchr("0123456789abcdef:.", p.p[i]) == NULL)
				return false;
		host = str_sub(p, end + 1, p.n);
		return host.n == 0 || (host.p[0] == ':' && str_int(str_sub(host, 1, host.n), &port) && port > 0 && port < 65536);
	}
	if (str_ends(p, S(":")))
		return false;
	host = str_cut(&p, ':');
	return host_chars(host) && (p.n == 0 || (str_int(p, &port) && port > 0 && port < 65536));
}

struct edit { int64_t id; unsigned has; const struct destination *in; struct destination out; bool remove; };

static enum err
edit_tx(struct ctx *cx, void *arg)
{
	struct edit *ed = arg;
	const struct destination *in = ed->in;
	struct destination d = { 0 }, was = { 0 };
	struct trail_field f[6];
	int64_t key = 0;
	struct row r;
	int n = 0;
	enum err e;

	if (ed->id) {
		TRY(store_one(cx, &get, ARGS(INT(cx->account), INT(ed->id)), &r));
		dest_of(&r, &d, &key);
		was = d;
	}
	if (ed->remove) {
		TRY(store_exec(cx, &delete, ARGS(INT(cx->account), INT(ed->id)), NULL));
		TRY(store_key_destroy(cx, key));
		f[0] = (struct trail_field){ .name = "pattern", .before = was.pattern, .has_before = true };
		return trail_append(cx, &(struct event){ .action = "destination.delete", .object = "destination", .id = ed->id,
		    .field = f, .count = 1 });
	}
	if (ed->has & DEST_KIND)
		d.kind = in->kind;
	if (ed->has & DEST_PATTERN)
		d.pattern = HIDE(str_lower(cx->arena, str_trim(in->pattern.hidden)));
	if (ed->has & DEST_NOTE)
		d.note = in->note;
	if (ed->has & DEST_CONTENT)
		d.content = in->content;
	if (ed->has & DEST_PLAIN)
		d.plain_http = in->plain_http;
	if (ed->has & DEST_RANGES)
		d.ranges = in->ranges;
	if (ed->has & DEST_CA)
		d.ca_pem = in->ca_pem;
	if (d.ca_pem.n > 128 * KiB || (d.ca_pem.n && str_find(d.ca_pem, S("-----BEGIN CERTIFICATE-----")) == SIZE_MAX))
		bad(cx, "ca_pem", "InvalidFormat", "Ca pem: must be certificates in PEM, at most 128 KiB");
	if (d.kind == 0)
		bad(cx, "kind", "BlankValue", "Kind: must be recipient or webhook");
	if (d.pattern.hidden.n == 0)
		bad(cx, "pattern", "BlankValue", "Pattern: cannot be blank");
	else if (d.kind != 0 && !pattern_ok(d.kind, d.pattern.hidden))
		bad(cx, "pattern", "InvalidFormat", d.kind == DEST_RECIPIENT
		    ? "Pattern: must be an address, a domain, or * for every recipient"
		    : "Pattern: must be a host, or host:port; no scheme and no path");
	if (d.note.hidden.n > 4096 || !utf8_valid(d.note.hidden))
		bad(cx, "note", "TooLong", "Note: is too long (maximum is 4096 bytes)");
	if (!ranges_ok(d.ranges))
		bad(cx, "allow_addresses", "InvalidFormat", "Allow addresses: must be ranges such as 10.1.0.0/16, fd00::/8");
	if (d.kind == DEST_RECIPIENT && (d.plain_http || d.ranges.n || d.ca_pem.n))
		bad(cx, "kind", "InvalidValue", "Kind: allow_http, allow_addresses and ca_pem are for webhooks only");
	if (d.kind != 0 && d.pattern.hidden.n) {
		e = store_one(cx, &same, ARGS(INT(cx->account), INT(d.kind), BLIND(d.pattern), INT(ed->id)), &r);
		if (e == OK)
			bad(cx, "pattern", "DuplicateValue", "Pattern: is listed already");
		else if (e != E_ABSENT)
			return e;
		fail_forget(cx);
	}
	TRY(bad_check(cx));
	d.updated_at = cx->now;
	f[n++] = (struct trail_field){ .name = "pattern", .before = was.pattern, .has_before = ed->id != 0, .after = d.pattern, .has_after = true };
	f[n++] = (struct trail_field){ .name = "content", .before = HIDE(was.content ? S("true") : S("false")),
	    .has_before = ed->id != 0, .after = HIDE(d.content ? S("true") : S("false")), .has_after = true };
	f[n++] = (struct trail_field){ .name = "allow_http", .before = HIDE(was.plain_http ? S("true") : S("false")),
	    .has_before = ed->id != 0, .after = HIDE(d.plain_http ? S("true") : S("false")), .has_after = true };
	f[n++] = (struct trail_field){ .name = "ca_pem", .before = HIDE(was.ca_pem), .has_before = ed->id != 0,
	    .after = HIDE(d.ca_pem), .has_after = true };
	f[n++] = (struct trail_field){ .name = "allow_addresses", .before = HIDE(was.ranges), .has_before = ed->id != 0,
	    .after = HIDE(d.ranges), .has_after = true };
	if (ed->id == 0) {
		d.created_at = cx->now;
		TRY(store_next_id(cx, "destination", &d.id));
		TRY(store_key_new(cx, &key));
		TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(d.id), INT(key), INT(d.kind), INT(d.content), INT(d.plain_http),
		    BLIND(d.pattern), INT(cx->now), SEALED(key, HIDE(dest_doc(cx, &d)))), NULL));
	} else
		TRY(store_exec(cx, &update, ARGS(INT(cx->account), INT(d.id), INT(d.kind), INT(d.content), INT(d.plain_http),
		    BLIND(d.pattern), INT(cx->now), SEALED(key, HIDE(dest_doc(cx, &d)))), NULL));
	ed->out = d;
	TRY(outbox_release(cx));
	return trail_append(cx, &(struct event){ .action = ed->id ? "destination.update" : "destination.create",
	    .object = "destination", .id = d.id, .field = f, .count = n });
}

enum err
flow_dest_create(struct ctx *cx, unsigned has, const struct destination *in, struct destination *out)
{
	struct edit ed = { .has = has, .in = in };

	TRY(store_write(cx, edit_tx, &ed));
	*out = ed.out;
	return OK;
}

enum err
flow_dest_update(struct ctx *cx, int64_t id, unsigned has, const struct destination *in, struct destination *out)
{
	struct edit ed = { .id = id, .has = has, .in = in };

	TRY(store_write(cx, edit_tx, &ed));
	*out = ed.out;
	return OK;
}

enum err
flow_dest_delete(struct ctx *cx, int64_t id)
{
	TRY(store_write(cx, edit_tx, &(struct edit){ .id = id, .remove = true }));
	return store_erase(cx);
}

enum err
flow_dest_get(struct ctx *cx, int64_t id, struct destination *out)
{
	struct row r;

	TRY(store_one(cx, &get, ARGS(INT(cx->account), INT(id)), &r));
	dest_of(&r, out, NULL);
	return OK;
}

enum err
flow_dest_list(struct ctx *cx, int64_t after, int limit, struct destination **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &list, ARGS(INT(cx->account), INT(after), INT(limit)), &rs));
	*out = NEW(cx->arena, struct destination, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		dest_of(&rs.row[i], &(*out)[i], NULL);
	*count = rs.count;
	return OK;
}

/* ---- addresses whose mail came back ------------------------------------------------------------------------------ */

enum err
address_bounced(struct ctx *cx, str address, bool *yes)
{
	struct row r;
	enum err e = store_one(cx, &bounce_get, ARGS(INT(cx->account), BLIND(HIDE(str_lower(cx->arena, address)))), &r);

	*yes = e == OK;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

enum err
address_unbounce(struct ctx *cx, str address)
{
	return store_exec(cx, &bounce_drop, ARGS(INT(cx->account), BLIND(HIDE(str_lower(cx->arena, address)))), NULL);
}

enum err
flow_undeliverable(struct ctx *cx, sensitive address, bool *yes)
{
	return address_bounced(cx, address.hidden, yes);
}

struct back { int64_t id; str failed; bool ours; };

static enum err
bounced_tx(struct ctx *cx, void *arg)
{
	struct back *b = arg;
	struct outbox_row o;
	enum err e = flow_get(cx, b->id, &o);

	b->ours = false;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	/* A report about somebody else than whom we wrote to (a forwarding) marks nobody. */
	if (o.kind != FLOW_MAIL || o.erased || o.state != FLOW_SENT || (b->failed.n && !str_eqi(b->failed, o.to.hidden)))
		return OK;
	b->ours = true;
	TRY(store_exec(cx, &bounce_put, ARGS(INT(cx->account), BLIND(o.to), INT(o.id), INT(cx->now)), NULL));
	return outbox_came_back(cx, o.id);
}

enum err
flow_bounced(struct ctx *cx, str rcpt, str failed, bool *ours)
{
	struct back b = { .failed = failed };

	*ours = false;
	TRY(flow_marked(cx, 'b', rcpt, &b.id));
	if (b.id == 0)
		return OK;
	TRY(store_write(cx, bounced_tx, &b));
	*ours = b.ours;
	return OK;
}
