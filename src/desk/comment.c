/* comment.c - the messages of a ticket and the audits that record its changes. */
#include <jansson.h>
#include <stdlib.h>

#include "desk/def.h"
#include "desk/in.h"
#include "flow/flow.h"
#include "phi.h"

#define COMMENT_COLS "c.id, c.ticket_id, c.key_id, c.author_id, c.audit_id, c.is_public, c.redacted, c.attachments," \
	" c.channel, c.created_at, c.doc"
#define COMMENT_OUT "iiiiiiiitiS"
#define COMMENT_SEAL { { "comment", "doc", 0 } }
#define AUDIT_COLS "a.id, a.ticket_id, a.author_id, a.comment_id, a.channel, a.created_at, a.doc"
#define AUDIT_OUT "iiii?tiS"
#define AUDIT_SEAL { { "ticket_audit", "doc", 0 } }

/* $3: 1 shows public ones only. $4: id to go on from. */
static const struct stmt list_up = {
	.name = "comment.list_up",
	.sql  = "SELECT " COMMENT_COLS OF_TICKET("c", "$2") " AND c.is_public >= $3 AND a.id >= $4 ORDER BY a.id LIMIT $5 OFFSET $6",
	.in   = "iiiiii", .out = COMMENT_OUT, .seal_out = COMMENT_SEAL,
};

static const struct stmt list_down = {
	.name = "comment.list_down",
	.sql  = "SELECT " COMMENT_COLS OF_TICKET("c", "$2") " AND c.is_public >= $3 AND a.id < $4 - 1 ORDER BY a.id DESC LIMIT $5 OFFSET $6",
	.in   = "iiiiii", .out = COMMENT_OUT, .seal_out = COMMENT_SEAL,
};

static const struct stmt count_comments = {
	.name = "comment.count",
	.sql  = "SELECT count(*)" OF_TICKET("c", "$2") " AND c.is_public >= $3",
	.in   = "iii", .out = "i",
};

static const struct stmt select_comment = {
	.name = "comment.get",
	.sql  = "SELECT " COMMENT_COLS " FROM comment c WHERE c.account_id = $1 AND c.id = $2",
	.in   = "ii", .out = COMMENT_OUT, .seal_out = COMMENT_SEAL,
};

static const struct stmt set_private = {
	.name = "comment.set_private",
	.sql  = "UPDATE comment SET is_public = 0 WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};

static const struct stmt audits_up = {
	.name = "ticket_audit.list_up",
	.sql  = "SELECT " AUDIT_COLS " FROM ticket_audit a WHERE a.account_id = $1 AND a.ticket_id = $2"
	        " AND a.id > $3 ORDER BY a.id LIMIT $4 OFFSET $5",
	.in   = "iiiii", .out = AUDIT_OUT, .seal_out = AUDIT_SEAL,
};

static const struct stmt audits_down = {
	.name = "ticket_audit.list_down",
	.sql  = "SELECT " AUDIT_COLS " FROM ticket_audit a WHERE a.account_id = $1 AND a.ticket_id = $2"
	        " AND a.id < $3 ORDER BY a.id DESC LIMIT $4 OFFSET $5",
	.in   = "iiiii", .out = AUDIT_OUT, .seal_out = AUDIT_SEAL,
};

static const struct stmt count_audits = {
	.name = "ticket_audit.count",
	.sql  = "SELECT count(*) FROM ticket_audit a WHERE a.account_id = $1 AND a.ticket_id = $2",
	.in   = "ii", .out = "i",
};

static const struct stmt select_audit = {
	.name = "ticket_audit.get",
	.sql  = "SELECT " AUDIT_COLS " FROM ticket_audit a WHERE a.account_id = $1 AND a.id = $2",
	.in   = "ii", .out = AUDIT_OUT, .seal_out = AUDIT_SEAL,
};

static const struct stmt event_audit = {
	.name = "comment.event_audit",
	.sql  = "INSERT INTO ticket_audit (account_id, id, ticket_id, key_id, author_id, comment_id, channel, created_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, NULL, $6, $7, $8)",
	.in   = "iiiiitiS", .seal_in = { { "ticket_audit", "doc", 1 } },
};

static const struct stmt has_attachments = {
	.name = "comment.has_attachments",
	.sql  = "UPDATE comment SET attachments = 1 WHERE account_id = $1 AND id = $2 AND attachments = 0",
	.in   = "ii",
};

static const struct stmt all_up = {
	.name = "ticket_audit.all_up",
	.sql  = "SELECT " AUDIT_COLS " FROM ticket_audit a WHERE a.account_id = $1 AND a.id > $2 ORDER BY a.id LIMIT $3",
	.in   = "iii", .out = AUDIT_OUT, .seal_out = AUDIT_SEAL,
};

static const struct stmt all_down = {
	.name = "ticket_audit.all_down",
	.sql  = "SELECT " AUDIT_COLS " FROM ticket_audit a WHERE a.account_id = $1 AND a.id < $2 ORDER BY a.id DESC LIMIT $3",
	.in   = "iii", .out = AUDIT_OUT, .seal_out = AUDIT_SEAL,
};

static const struct stmt audits_since = {
	.name = "ticket_audit.since",
	.sql  = "SELECT " AUDIT_COLS " FROM ticket_audit a WHERE a.account_id = $1 AND (a.created_at, a.id) > ($2, $3)"
	        " ORDER BY a.created_at, a.id LIMIT $4",
	.in   = "iiii", .out = AUDIT_OUT, .seal_out = AUDIT_SEAL,
};

const struct stmt *const comment_stmts[] = {
	&audits_since,
	&all_up, &all_down,
	&has_attachments,
	&list_up, &list_down, &count_comments, &select_comment, &set_private, &audits_up, &audits_down, &count_audits,
	&select_audit, &event_audit, NULL
};

/* ---- findings ------------------------------------------------------------------------------------------- */

struct scan { struct ctx *cx; struct findings *into; const struct phi *phi; str field; };

static int
found_one(void *arg, const struct phi_finding *f)
{
	struct scan *s = arg;
	struct findings *l = s->into;

	if (l->count == l->cap) {
		int cap = l->cap ? l->cap * 2 : 16;
		struct finding *more = NEW(s->cx->arena, struct finding, cap);
		if (l->count)
			memcpy(more, l->f, sizeof *more * (size_t)l->count);
		l->f = more;
		l->cap = cap;
	}
	l->f[l->count++] = (struct finding){ .label = str_of(phi_kind_name(f->kind)),
	    .rule = str_of(phi_rule_name(s->phi, f->rule)), .field = s->field, .at = (int64_t)f->at,
	    .len = (int64_t)f->len, .score = f->score };
	return 0;
}

enum err
desk_scan(struct ctx *cx, const char *field, sensitive text, struct findings *into)
{
	struct scan s = { cx, into, cx->sys->phi, str_of(field) };
	str t = reveal(cx, text, TO_SCAN);

	if (t.n == 0)
		return OK;
	if (s.phi == NULL)
		return fail(cx, E_FAULT, NULL, "the PHI engine is not loaded");
	switch (phi_scan_opts(s.phi, &(struct phi_opts){ .size = sizeof(struct phi_opts), .known = cx->known }, t.p, t.n, found_one, &s)) {
	case PHI_OK:
		return OK;
	case PHI_LIMIT:
		return fail(cx, E_LIMIT, NULL, "the text is too long, or too full of identifiers, to be scanned");
	default:
		return fail(cx, E_FAULT, NULL, "the PHI scan failed");
	}
}

enum err
desk_findings(struct ctx *cx, sensitive text, struct finding **out, int *count)
{
	struct findings f = { 0 };

	TRY(desk_scan(cx, "body", text, &f));
	*out = f.f;
	*count = f.count;
	return OK;
}

void
pack_findings(struct buf *b, uint8_t tag, const struct findings *list)
{
	for (int i = 0; i < list->count; i++) {
		const struct finding *f = &list->f[i];
		struct buf one;
		buf_init(&one, b->a, 4 * KiB);
		pack_put(&one, 1, f->label);
		pack_put(&one, 2, f->rule);
		pack_put(&one, 3, f->field);
		pack_int(&one, 4, f->at);
		pack_int(&one, 5, f->len);
		pack_int(&one, 6, f->score);
		pack_put(b, tag, buf_str(&one));
	}
}

bool
unpack_finding(str bytes, struct finding *out)
{
	uint8_t tag;
	str v;

	*out = (struct finding){ .score = 0 };
	while (pack_next(&bytes, &tag, &v))
		switch (tag) {
		case 1: out->label = v; break;
		case 2: out->rule = v; break;
		case 3: out->field = v; break;
		case 4: out->at = pack_get_int(v); break;
		case 5: out->len = pack_get_int(v); break;
		case 6: out->score = (int)pack_get_int(v); break;
		default: break;
		}
	return out->label.n != 0;
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

str
comment_doc(struct ctx *cx, const struct comment *c)
{
	struct buf b;

	buf_init(&b, cx->arena, DOC_MAX);
	pack_put(&b, CDOC_BODY, reveal(cx, c->body, TO_STORE));
	if (c->html.hidden.n)
		pack_put(&b, CDOC_HTML, reveal(cx, c->html, TO_STORE));
	if (c->metadata.hidden.n)
		pack_put(&b, CDOC_METADATA, reveal(cx, c->metadata, TO_STORE));
	if (c->via_source.hidden.n)
		pack_put(&b, CDOC_VIA, reveal(cx, c->via_source, TO_STORE));
	if (c->policy.n)
		pack_put(&b, CDOC_POLICY, c->policy);
	pack_findings(&b, CDOC_FINDING, &(struct findings){ c->finding, c->finding_count, 0 });
	if (c->secure)
		pack_int(&b, CDOC_SECURE, 1);
	return buf_str(&b);
}

void
comment_from_row(struct ctx *cx, const struct row *r, struct comment *c)
{
	str rest, v;
	uint8_t tag;
	int n = 0;

	*c = (struct comment){ .id = row_int(r, 0), .ticket_id = row_int(r, 1), .key = row_int(r, 2),
	    .author_id = row_int(r, 3), .audit_id = row_int(r, 4), .is_public = row_int(r, 5) != 0,
	    .redacted = row_int(r, 6) != 0, .attachment_count = (int)row_int(r, 7), .channel = row_str(r, 8),
	    .created_at = row_int(r, 9), .erased = row_erased(r, 10) };
	rest = row_sensitive(r, 10).hidden;
	for (str again = rest; pack_next(&again, &tag, &v);)
		n += tag == CDOC_FINDING;
	c->finding = n ? NEW(cx->arena, struct finding, n) : NULL;
	while (pack_next(&rest, &tag, &v))
		switch (tag) {
		case CDOC_BODY:     c->body = HIDE(v); break;
		case CDOC_HTML:     c->html = HIDE(v); break;
		case CDOC_METADATA: c->metadata = HIDE(v); break;
		case CDOC_VIA:      c->via_source = HIDE(v); break;
		case CDOC_SECURE:   c->secure = pack_get_int(v) != 0; break;
		case CDOC_POLICY:   c->policy = v; break;
		case CDOC_FINDING:
			if (unpack_finding(v, &c->finding[c->finding_count]))
				c->finding_count++;
			break;
		default: break;
		}
	if (c->erased)
		c->body = HIDE(S("SCRUBBED"));
}

str
audit_doc(struct ctx *cx, const struct audit *a)
{
	struct buf b;

	buf_init(&b, cx->arena, DOC_MAX);
	pack_put(&b, ADOC_METADATA, reveal(cx, a->metadata, TO_STORE));
	if (a->via_source.hidden.n)
		pack_put(&b, ADOC_VIA, reveal(cx, a->via_source, TO_STORE));
	for (int i = 0; i < a->event_count; i++) {
		const struct audit_event *e = &a->event[i];
		struct buf one;
		buf_init(&one, cx->arena, DOC_MAX);
		pack_put(&one, 1, e->type);
		pack_put(&one, 2, e->field);
		pack_put(&one, 3, reveal(cx, e->value, TO_STORE));
		pack_put(&one, 4, reveal(cx, e->previous, TO_STORE));
		pack_int(&one, 5, e->id);
		if (e->rule_id)
			pack_int(&one, 6, e->rule_id);
		pack_put(&b, ADOC_EVENT, buf_str(&one));
	}
	return buf_str(&b);
}

void
audit_from_row(struct ctx *cx, const struct row *r, struct audit *a)
{
	str rest, v, w;
	uint8_t tag, t2;
	int n = 0;

	*a = (struct audit){ .id = row_int(r, 0), .ticket_id = row_int(r, 1), .author_id = row_int(r, 2),
	    .comment_id = row_int(r, 3), .channel = row_str(r, 4), .created_at = row_int(r, 5) };
	rest = row_sensitive(r, 6).hidden;
	for (str again = rest; pack_next(&again, &tag, &v);)
		n += tag == ADOC_EVENT;
	a->event = n ? NEW(cx->arena, struct audit_event, n) : NULL;
	while (pack_next(&rest, &tag, &v)) {
		if (tag == ADOC_METADATA)
			a->metadata = HIDE(v);
		else if (tag == ADOC_VIA)
			a->via_source = HIDE(v);
		else if (tag == ADOC_EVENT) {
			struct audit_event *e = &a->event[a->event_count++];
			while (pack_next(&v, &t2, &w))
				switch (t2) {
				case 1: e->type = w; break;
				case 2: e->field = w; break;
				case 3: e->value = HIDE(w); break;
				case 4: e->previous = HIDE(w); break;
				case 5: e->id = pack_get_int(w); break;
				case 6: e->rule_id = pack_get_int(w); break;
				default: break;
				}
		}
	}
}

static enum err
to_comments(struct ctx *cx, const struct rows *rs, struct comment **out, int *count)
{
	struct comment *c = NEW(cx->arena, struct comment, rs->count ? rs->count : 1);

	for (int i = 0; i < rs->count; i++)
		comment_from_row(cx, &rs->row[i], &c[i]);
	TRY(comment_attachments(cx, c, rs->count));
	*out = c;
	*count = rs->count;
	return OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* Public ones alone come through the requests' door, which is wider for staff. */
static enum err
door(struct ctx *cx, int64_t ticket_id, bool public_only)
{
	struct ticket t;

	return public_only ? request_get(cx, ticket_id, &t) : ticket_get(cx, ticket_id, &t);
}

/* An end user never sees a note, whatever was asked for. */
static bool
only_public(const struct ctx *cx, bool asked)
{
	return asked || cx->actor == NULL || cx->actor->role == ROLE_END_USER;
}

enum err
comment_list(struct ctx *cx, int64_t ticket_id, bool public_only, bool newest, int64_t after_id, int64_t offset,
    int limit, struct comment **out, int *count)
{
	struct rows rs;

	TRY(door(cx, ticket_id, public_only));
	TRY(store_all(cx, newest ? &list_down : &list_up, ARGS(INT(cx->account), INT(ticket_id),
	    INT(only_public(cx, public_only)), INT(newest && after_id == 0 ? INT64_MAX : after_id), INT(limit),
	    INT(offset)), &rs));
	return to_comments(cx, &rs, out, count);
}

enum err
comment_count(struct ctx *cx, int64_t ticket_id, bool public_only, int64_t *count)
{
	struct row r;

	TRY(door(cx, ticket_id, public_only));
	TRY(store_one(cx, &count_comments, ARGS(INT(cx->account), INT(ticket_id), INT(only_public(cx, public_only))), &r));
	*count = row_int(&r, 0);
	return OK;
}

enum err
comment_get(struct ctx *cx, int64_t ticket_id, int64_t comment_id, struct comment *out)
{
	struct comment c;
	struct row r;

	TRY(store_one(cx, &select_comment, ARGS(INT(cx->account), INT(comment_id)), &r));
	comment_from_row(cx, &r, &c);
	if (ticket_id != 0 && c.ticket_id != ticket_id)
		return fail(cx, E_ABSENT, NULL, "no such comment");
	TRY(ticket_visible(cx, c.ticket_id));
	if (!c.is_public && only_public(cx, false))
		return fail(cx, E_ABSENT, NULL, "no such comment");
	TRY(comment_attachments(cx, &c, 1));
	*out = c;
	return OK;
}

enum err
comment_get_public(struct ctx *cx, int64_t ticket_id, int64_t comment_id, struct comment *out)
{
	struct comment c;
	struct row r;

	TRY(door(cx, ticket_id, true));
	TRY(store_one(cx, &select_comment, ARGS(INT(cx->account), INT(comment_id)), &r));
	comment_from_row(cx, &r, &c);
	if (c.ticket_id != ticket_id || !c.is_public)
		return fail(cx, E_ABSENT, NULL, "no such comment");
	TRY(comment_attachments(cx, &c, 1));
	*out = c;
	return OK;
}

enum err
comments_of(struct ctx *cx, int64_t ticket_id, struct comment **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &list_up, ARGS(INT(cx->account), INT(ticket_id), INT(0), INT(0), INT(INT64_MAX), INT(0)), &rs));
	return to_comments(cx, &rs, out, count);
}

static enum err
to_audits(struct ctx *cx, const struct rows *rs, struct audit **out, int *count)
{
	struct audit *a = NEW(cx->arena, struct audit, rs->count ? rs->count : 1);
	struct row r;

	for (int i = 0; i < rs->count; i++) {
		audit_from_row(cx, &rs->row[i], &a[i]);
		if (a[i].comment_id != 0) {
			TRY(store_one(cx, &select_comment, ARGS(INT(cx->account), INT(a[i].comment_id)), &r));
			comment_from_row(cx, &r, &a[i].comment);
			TRY(comment_attachments(cx, &a[i].comment, 1));
		}
	}
	*out = a;
	*count = rs->count;
	return OK;
}

enum err
audits_of(struct ctx *cx, int64_t ticket_id, struct audit **out, int *count)
{
	struct rows rs;
	struct audit *a;

	TRY(store_all(cx, &audits_up, ARGS(INT(cx->account), INT(ticket_id), INT(0), INT(INT64_MAX), INT(0)), &rs));
	a = NEW(cx->arena, struct audit, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		audit_from_row(cx, &rs.row[i], &a[i]);
	*out = a;
	*count = rs.count;
	return OK;
}

/* Audits show notes and every field: they are for staff. */
static enum err
staff_sees(struct ctx *cx, int64_t ticket_id)
{
	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	return ticket_visible(cx, ticket_id);
}

enum err
audit_list(struct ctx *cx, int64_t ticket_id, bool newest, int64_t after_id, int64_t offset, int limit,
    struct audit **out, int *count)
{
	struct rows rs;

	TRY(staff_sees(cx, ticket_id));
	TRY(store_all(cx, newest ? &audits_down : &audits_up, ARGS(INT(cx->account), INT(ticket_id),
	    INT(newest && after_id == 0 ? INT64_MAX : after_id), INT(limit), INT(offset)), &rs));
	return to_audits(cx, &rs, out, count);
}

enum err
audit_count(struct ctx *cx, int64_t ticket_id, int64_t *count)
{
	struct row r;

	TRY(staff_sees(cx, ticket_id));
	TRY(store_one(cx, &count_audits, ARGS(INT(cx->account), INT(ticket_id)), &r));
	*count = row_int(&r, 0);
	return OK;
}

enum err
audit_since(struct ctx *cx, usec at, int64_t id, int limit, struct audit **out, int *count)
{
	struct rows rs;

	TRY(gate_may(cx, MAY_EXPORT, NULL));
	TRY(store_all(cx, &audits_since, ARGS(INT(cx->account), INT(at), INT(id), INT(limit)), &rs));
	return to_audits(cx, &rs, out, count);
}

enum err
audit_all(struct ctx *cx, int64_t after, int64_t before, int limit, struct audit **out, int *count)
{
	bool up = before != 0;
	int64_t at = up ? before : after ? after : INT64_MAX, seen = 0, hidden = 0;
	struct audit *a = NEW(cx->arena, struct audit, limit + 1);
	struct rows rs = { .count = 1 };
	int n = 0;

	TRY(gate_may(cx, MAY_READ_TICKET, NULL));
	if (cx->actor->role == ROLE_AGENT && cx->actor->sees != SEE_ALL)
		return fail(cx, E_DENIED, NULL, "only who sees all tickets sees all audits");
	while (n < limit && rs.count > 0) {
		struct audit *page;
		int got;
		TRY(store_all(cx, up ? &all_up : &all_down, ARGS(INT(cx->account), INT(at), INT(limit)), &rs));
		TRY(to_audits(cx, &rs, &page, &got));
		for (int i = 0; i < got && n < limit; i++) {
			at = page[i].id;
			if (page[i].ticket_id == hidden)
				continue;
			if (page[i].ticket_id != seen) {
				enum err e = ticket_visible(cx, page[i].ticket_id);
				if (e == E_ABSENT || e == E_DENIED) {
					fail_forget(cx);
					hidden = page[i].ticket_id;
					continue;
				}
				TRY(e);
				seen = page[i].ticket_id;
			}
			a[n++] = page[i];
		}
		if (rs.count < limit)
			break;
	}
	for (int i = 0; up && i < n / 2; i++) {
		struct audit swap = a[i];
		a[i] = a[n - 1 - i];
		a[n - 1 - i] = swap;
	}
	*out = a;
	*count = n;
	return OK;
}

enum err
audit_get(struct ctx *cx, int64_t ticket_id, int64_t audit_id, struct audit *out)
{
	struct rows rs;
	struct audit *a;
	int n;

	TRY(staff_sees(cx, ticket_id));
	TRY(store_all(cx, &select_audit, ARGS(INT(cx->account), INT(audit_id)), &rs));
	TRY(to_audits(cx, &rs, &a, &n));
	if (n != 1 || a->ticket_id != ticket_id)
		return fail(cx, E_ABSENT, NULL, "no such audit");
	*out = *a;
	return OK;
}

enum err
audit_note(struct ctx *cx, const struct ticket *t, const char *type, const char *field, sensitive value)
{
	struct audit a = { .ticket_id = t->id, .author_id = cx->actor->user_id, .event_count = 1,
	    .event = NEW(cx->arena, struct audit_event, 1), .metadata = HIDE(S("{\"system\":{},\"custom\":{}}")) };
	int64_t n;

	TRY(store_next_id(cx, "audit", &n));
	a.id = n * AUDIT_STEP;
	a.event[0] = (struct audit_event){ .type = str_of(type), .field = str_of(field), .id = a.id + 2, .value = value,
	    .previous = HIDE(S("null")) };
	return store_exec(cx, &event_audit, ARGS(INT(cx->account), INT(a.id), INT(t->id), INT(t->key), INT(a.author_id),
	    TEXT(str_of(cx->via ? cx->via : "api")), INT(cx->now), SEALED(t->key, HIDE(audit_doc(cx, &a)))), NULL);
}

/* ---- make private -------------------------------------------------------------------------------------------- */

struct privacy { int64_t ticket, comment; };

static enum err
private_tx(struct ctx *cx, void *arg)
{
	struct privacy *p = arg;
	struct comment c;
	struct ticket t;
	struct audit a;
	struct about about;
	int64_t n;

	TRY(comment_get(cx, p->ticket, p->comment, &c));
	TRY(ticket_row(cx, p->ticket, &t));
	about_ticket(&t, &about);
	TRY(gate_may(cx, MAY_UPDATE_TICKET, &about));
	if (!c.is_public)
		return OK;
	TRY(store_exec(cx, &set_private, ARGS(INT(cx->account), INT(c.id)), NULL));
	TRY(flow_forget_ticket(cx, t.id));       /* what still waits to tell of it goes without its words */
	TRY(store_next_id(cx, "audit", &n));
	a = (struct audit){ .id = n * AUDIT_STEP, .ticket_id = t.id, .author_id = cx->actor->user_id, .event_count = 1,
	    .event = NEW(cx->arena, struct audit_event, 1), .metadata = HIDE(S("{\"system\":{},\"custom\":{}}")) };
	a.event[0] = (struct audit_event){ .type = S("CommentPrivacyChange"), .field = S("comment_id"), .id = a.id + 2,
	    .value = HIDE(str_printf(cx->arena, "%lld", (long long)c.id)), .previous = HIDE(S("null")) };
	TRY(store_exec(cx, &event_audit, ARGS(INT(cx->account), INT(a.id), INT(t.id), INT(t.key), INT(a.author_id),
	    TEXT(str_of(cx->via ? cx->via : "api")), INT(cx->now), SEALED(t.key, HIDE(audit_doc(cx, &a)))), NULL));
	TRY(next_generated(cx, &t.generated_at));
	TRY(ticket_save_doc(cx, &t));
	news_note(cx, NEWS_UPDATED, &t, c.id, false);
	return trail_append(cx, &(struct event){ .action = "comment.make_private", .object = "comment", .id = c.id,
	    .parent = t.id, .key = t.key });
}

enum err
comment_make_private(struct ctx *cx, int64_t ticket_id, int64_t comment_id)
{
	TRY(store_write(cx, private_tx, &(struct privacy){ ticket_id, comment_id }));
	return cx->tx != NULL ? OK : store_erase(cx);
}

enum err
comment_has_attachments(struct ctx *cx, int64_t comment_id)
{
	return store_exec(cx, &has_attachments, ARGS(INT(cx->account), INT(comment_id)), NULL);
}

/* ---- search terms ----------------------------------------------------------------------------------------------- */

void
terms_of_change(struct ctx *cx, const struct ticket_change *in, bool created, struct terms *into)
{
	if (in->has & T_COMMENT)
		search_terms(cx, 't', reveal(cx, in->body, TO_INDEX), into);
	for (int i = 0; i < in->upload_count; i++)
		search_terms(cx, 't', in->upload[i].file_name, into);
	if (!created)
		return;
	if (in->has & T_SUBJECT)
		search_terms(cx, 's', reveal(cx, in->subject, TO_INDEX), into);
	for (int i = 0; i < in->custom_count; i++)
		if (field_searchable(cx, in->custom[i].id))
			search_terms(cx, 't', in->custom[i].value_json, into);
	if ((in->has & T_EXTERNAL_ID) && in->external_id.hidden.n)
		search_terms(cx, 't', reveal(cx, in->external_id, TO_INDEX), into);
}

static void
terms_of_custom(struct ctx *cx, const json_t *one, struct terms *into)
{
	char *z = !field_searchable(cx, json_integer_value(json_object_get(one, "id"))) ? NULL
	    : json_dumps(json_object_get(one, "value"), JSON_COMPACT | JSON_ENCODE_ANY);

	if (z != NULL) {
		search_terms(cx, 't', str_of(z), into);
		wipe(z, strlen(z));
	}
	free(z);
}

static json_t *
customs_of(struct ctx *cx, const struct ticket *t)
{
	str cf = t->custom_fields.hidden.n > 2 ? reveal(cx, t->custom_fields, TO_INDEX) : S("[]");

	return json_again(cx, cf);
}

static const json_t *
custom_value(const json_t *list, const json_t *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_equal(json_object_get(one, "id"), id))
			return json_object_get(one, "value");
	return NULL;
}

/* False: a value went or became another. */
static bool
custom_more(struct ctx *cx, const struct ticket *old, const struct ticket *t, struct terms *into)
{
	json_t *was, *is;
	const json_t *one, *v;
	bool more = true;
	size_t i;

	if (str_eq(old->custom_fields.hidden, t->custom_fields.hidden))
		return true;
	was = customs_of(cx, old);
	is = customs_of(cx, t);
	json_array_foreach(was, i, one) {
		v = json_object_get(one, "value");
		more = more && (v == NULL || json_is_null(v) || json_equal(v, custom_value(is, json_object_get(one, "id"))));
	}
	json_array_foreach(is, i, one) {
		v = custom_value(was, json_object_get(one, "id"));
		if (v == NULL || json_is_null(v))
			terms_of_custom(cx, one, into);
	}
	return more;
}

bool
terms_of_tags(struct ctx *cx, sensitive before, sensitive after, struct terms *into)
{
	str *was, *is;
	int n_was, n_is, kept = 0;

	if (str_eq(before.hidden, after.hidden))
		return true;
	n_was = json_words(cx, reveal(cx, before, TO_INDEX), &was);
	n_is = json_words(cx, reveal(cx, after, TO_INDEX), &is);
	for (int i = 0; i < n_is; i++) {
		bool have = false;
		for (int k = 0; k < n_was && !have; k++)
			have = str_eq(is[i], was[k]);
		if (!have)
			search_terms(cx, 'g', is[i], into);
		kept += have;
	}
	return kept == n_was;
}

bool
terms_of_more(struct ctx *cx, const struct ticket *old, const struct ticket *t, struct terms *into)
{
	bool more = terms_of_tags(cx, old->tags, t->tags, into);

	return custom_more(cx, old, t, into) && more && str_eq(t->subject.hidden, old->subject.hidden)
	    && str_eq(t->external_id.hidden, old->external_id.hidden);
}

enum err
ticket_terms(struct ctx *cx, const struct ticket *t, struct terms *into)
{
	json_t *list = customs_of(cx, t), *one;
	struct comment *c;
	size_t at;
	int n;

	search_terms(cx, 's', reveal(cx, t->subject, TO_INDEX), into);
	json_array_foreach(list, at, one)
		terms_of_custom(cx, one, into);
	if (t->external_id.hidden.n)
		search_terms(cx, 't', reveal(cx, t->external_id, TO_INDEX), into);
	(void)terms_of_tags(cx, HIDE(S("[]")), t->tags, into);
	TRY(comments_of(cx, t->id, &c, &n));
	for (int i = 0; i < n; i++) {
		search_terms(cx, 't', reveal(cx, c[i].body, TO_INDEX), into);
		for (int k = 0; k < c[i].attachment_count; k++)
			search_terms(cx, 't', reveal(cx, c[i].attachment[k].file_name, TO_INDEX), into);
	}
	return OK;
}
