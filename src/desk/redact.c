/* redact.c - taking words out of a ticket for good (P6).
 *
 * One transaction: every row of the ticket that is sealed under its data key
 * is opened, rewritten and sealed under a new key; kept before/after values
 * of the trail likewise; the raw mail that brought the comment is erased, and
 * with it every stored answer to an idempotent request; the search index gets
 * the ticket anew. After the commit the old key is destroyed, and with it the
 * old bytes wherever they still lie (free pages, WAL, an older backup). The
 * request is answered after that, not before.
 */
#include "desk/in.h"
#include "flow/flow.h"
#include "phi.h"

#define MARK "\xE2\x96\x87"          /* U+2587, as Zendesk shows it */

static const struct stmt reseal_comment = {
	.name = "comment.reseal",
	.sql  = "UPDATE comment SET key_id = $3, doc = $4, redacted = CASE WHEN $5 = 1 THEN 1 ELSE redacted END,"
	        " raw_id = CASE WHEN $5 = 1 THEN NULL ELSE raw_id END WHERE account_id = $1 AND id = $2",
	.in   = "iiiSi", .seal_in = { { "comment", "doc", 1 } },
};

static const struct stmt reseal_audit = {
	.name = "ticket_audit.reseal",
	.sql  = "UPDATE ticket_audit SET key_id = $3, doc = $4 WHERE account_id = $1 AND id = $2",
	.in   = "iiiS", .seal_in = { { "ticket_audit", "doc", 1 } },
};

static const struct stmt raw_of_comment = {
	.name = "comment.raw",
	.sql  = "SELECT raw_id FROM comment WHERE account_id = $1 AND id = $2 AND raw_id IS NOT NULL",
	.in   = "ii", .out = "i",
};

static const struct stmt insert_audit = {
	.name = "redact.audit",
	.sql  = "INSERT INTO ticket_audit (account_id, id, ticket_id, key_id, author_id, comment_id, channel, created_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, NULL, $6, $7, $8)",
	.in   = "iiiiitiS", .seal_in = { { "ticket_audit", "doc", 1 } },
};

static const struct stmt set_updated = {
	.name = "redact.updated",
	.sql  = "UPDATE ticket SET updated_at = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iii",
};

static const struct stmt drop_replies = {
	.name = "redact.drop_idempotent",
	.sql  = "DELETE FROM idempotency WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii",
};

static const struct stmt reply_keys = {
	.name = "redact.idempotent_keys",
	.sql  = "SELECT key_id FROM idempotency WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii", .out = "i",
};

const struct stmt *const redact_stmts[] = {
	&reseal_comment, &reseal_audit, &raw_of_comment, &insert_audit, &set_updated, &drop_replies, &reply_keys, NULL
};

struct work {
	int64_t ticket_id, comment_id, attachment_id;
	str    *secret;                   /* longest first */
	int     secrets;
	struct comment out;
};

/* Every occurrence of every secret becomes one mark per character. */
static str
without(struct ctx *cx, const struct work *w, str s)
{
	struct buf b;
	size_t at = 0;
	bool any = false;

	for (int i = 0; i < w->secrets && !any; i++)
		any = str_find(s, w->secret[i]) != SIZE_MAX;
	if (!any)
		return s;
	buf_init(&b, cx->arena, DOC_MAX);
	while (at < s.n) {
		int hit = -1;
		for (int i = 0; i < w->secrets && hit < 0; i++)
			if (str_starts(str_sub(s, at, s.n - at), w->secret[i]))
				hit = i;
		if (hit < 0) {
			buf_byte(&b, s.p[at++]);
			continue;
		}
		for (size_t k = utf8_count(w->secret[hit]); k > 0; k--)
			buf_add(&b, S(MARK));
		at += w->secret[hit].n;
	}
	return buf_str(&b);
}

/* As it may stand inside HTML or JSON text: escaped forms too. */
static void
add_secret(struct ctx *cx, struct work *w, str s)
{
	struct buf html;
	str quoted, forms[3];

	buf_init(&html, cx->arena, 8 * MiB);
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '&': buf_add(&html, S("&amp;")); break;
		case '<': buf_add(&html, S("&lt;")); break;
		case '>': buf_add(&html, S("&gt;")); break;
		case '"': buf_add(&html, S("&quot;")); break;
		default: buf_byte(&html, s.p[i]); break;
		}
	quoted = json_quote(cx, s);
	forms[0] = s;
	forms[1] = buf_str(&html);
	forms[2] = str_sub(quoted, 1, quoted.n - 2);
	for (int f = 0; f < 3; f++) {
		bool have = forms[f].n == 0;
		int at = w->secrets;
		for (int i = 0; i < w->secrets && !have; i++)
			have = str_eq(w->secret[i], forms[f]);
		if (have)
			continue;
		while (at > 0 && w->secret[at - 1].n < forms[f].n)
			w->secret[at] = w->secret[at - 1], at--;
		w->secret[at] = forms[f];
		w->secrets++;
	}
}

static sensitive
clean(struct ctx *cx, const struct work *w, sensitive s)
{
	return HIDE(without(cx, w, reveal(cx, s, TO_STORE)));
}

static str
rewrite_value(struct ctx *cx, void *arg, const char *field, str value)
{
	(void)field;
	return without(cx, arg, value);
}

/* Findings move when the text before them changes: the text is scanned again. */
static enum err
rescan(struct ctx *cx, struct comment *c)
{
	struct findings fresh = { 0 };

	TRY(desk_scan(cx, "body", c->body, &fresh));
	for (int i = 0; i < c->finding_count; i++)
		if (!str_eq(c->finding[i].field, S("body"))) {
			struct finding *all = NEW(cx->arena, struct finding, fresh.count + 1);
			memcpy(all, fresh.count ? fresh.f : all, sizeof *all * (size_t)fresh.count);
			all[fresh.count] = c->finding[i];
			fresh.f = all;
			fresh.cap = ++fresh.count;
		}
	c->finding = fresh.f;
	c->finding_count = fresh.count;
	return OK;
}

static enum err
redact_tx(struct ctx *cx, void *arg)
{
	struct work *w = arg;
	struct ticket t;
	struct comment *c;
	struct audit *a, mine;
	struct attachment *gone = NULL;
	struct terms terms = { 0 };
	struct rows raws, replies;
	struct about about;
	str *tags;
	int64_t old, fresh, n;
	int comments, audits, target = -1, tag_count;
	bool seen = false, tagged = false;

	TRY(ticket_row(cx, w->ticket_id, &t));
	TRY(ticket_visible(cx, t.id));
	about_ticket(&t, &about);
	TRY(gate_may(cx, MAY_REDACT, &about));
	if (t.erased)
		return fail(cx, E_ABSENT, NULL, "no such ticket");
	TRY(comments_of(cx, t.id, &c, &comments));
	TRY(audits_of(cx, t.id, &a, &audits));
	for (int i = 0; i < comments; i++)
		if (c[i].id == w->comment_id)
			target = i;
	if (target < 0)
		return fail(cx, E_ABSENT, NULL, "no such comment");
	if (w->attachment_id) {
		for (int k = 0; k < c[target].attachment_count; k++)
			if (c[target].attachment[k].id == w->attachment_id)
				gone = &c[target].attachment[k];
		if (gone == NULL)
			return fail(cx, E_ABSENT, NULL, "no such attachment");
		if (!gone->redacted)
			TRY(attachment_erase(cx, gone->id, gone->key));
		add_secret(cx, w, reveal(cx, gone->file_name, TO_STORE));
	} else {
		for (int i = 0; i < w->secrets; i++)
			seen = seen || str_find(reveal(cx, c[target].body, TO_STORE), w->secret[i]) != SIZE_MAX
			    || str_find(reveal(cx, c[target].html, TO_STORE), w->secret[i]) != SIZE_MAX;
		if (!seen) {
			bad(cx, "text", "InvalidValue", "Text: does not occur in this comment");
			return bad_check(cx);
		}
	}

	old = t.key;
	TRY(store_key_new(cx, &fresh));
	t.key = fresh;
	t.subject = clean(cx, w, t.subject);
	t.description = clean(cx, w, t.description);
	t.custom_fields = clean(cx, w, t.custom_fields);
	t.via_source = clean(cx, w, t.via_source);
	t.finding_count = 0;
	{
		struct findings head = { 0 };
		TRY(desk_scan(cx, "subject", t.subject, &head));
		t.finding = head.f;
		t.finding_count = head.count;
	}
	tag_count = json_words(cx, reveal(cx, t.tags, TO_STORE), &tags);
	{
		str *more = NEW(cx->arena, str, tag_count + 1);
		sensitive was;
		int k = 0;
		for (int i = 0; i < tag_count; i++) {
			more[k++] = without(cx, w, tags[i]);
			tagged = tagged || str_eq(tags[i], S("redacted_content"));
		}
		if (!tagged)
			more[k++] = S("redacted_content");
		was = t.tags;
		t.tags = HIDE(json_of_words(cx, more, k));
		if (t.deleted_at == 0)
			TRY(tags_changed(cx, was, t.tags));
	}
	TRY(next_generated(cx, &t.generated_at));
	TRY(ticket_save_doc(cx, &t));
	TRY(store_exec(cx, &set_updated, ARGS(INT(cx->account), INT(t.id), INT(cx->now)), NULL));

	for (int i = 0; i < comments; i++) {
		bool hit;
		str before = reveal(cx, c[i].body, TO_STORE), html = reveal(cx, c[i].html, TO_STORE);
		c[i].key = fresh;
		c[i].body = clean(cx, w, c[i].body);
		c[i].html = clean(cx, w, c[i].html);
		c[i].metadata = clean(cx, w, c[i].metadata);
		c[i].via_source = clean(cx, w, c[i].via_source);
		hit = i == target || !str_eq(before, c[i].body.hidden) || !str_eq(html, c[i].html.hidden);
		if (hit) {
			TRY(rescan(cx, &c[i]));
			TRY(store_all(cx, &raw_of_comment, ARGS(INT(cx->account), INT(c[i].id)), &raws));
			for (int k = 0; k < raws.count; k++)
				TRY(raw_mail_erase(cx, row_int(&raws.row[k], 0)));
		}
		TRY(store_exec(cx, &reseal_comment, ARGS(INT(cx->account), INT(c[i].id), INT(fresh),
		    SEALED(fresh, HIDE(comment_doc(cx, &c[i]))), INT(hit)), NULL));
	}
	for (int i = 0; i < audits; i++) {
		for (int k = 0; k < a[i].event_count; k++) {
			a[i].event[k].value = clean(cx, w, a[i].event[k].value);
			a[i].event[k].previous = clean(cx, w, a[i].event[k].previous);
		}
		a[i].metadata = clean(cx, w, a[i].metadata);
		a[i].via_source = clean(cx, w, a[i].via_source);
		TRY(store_exec(cx, &reseal_audit, ARGS(INT(cx->account), INT(a[i].id), INT(fresh),
		    SEALED(fresh, HIDE(audit_doc(cx, &a[i])))), NULL));
	}
	TRY(store_all(cx, &reply_keys, ARGS(INT(cx->account), INT(t.id)), &replies));
	for (int i = 0; i < replies.count; i++)
		TRY(store_key_destroy(cx, row_int(&replies.row[i], 0)));
	TRY(store_exec(cx, &drop_replies, ARGS(INT(cx->account), INT(t.id)), NULL));

	TRY(store_next_id(cx, "audit", &n));
	mine = (struct audit){ .id = n * AUDIT_STEP, .event_count = 1, .event = NEW(cx->arena, struct audit_event, 1),
	    .metadata = HIDE(S("{\"system\":{},\"custom\":{}}")) };
	mine.event[0] = (struct audit_event){ .id = mine.id + 2, .field = S("comment_id"), .previous = HIDE(S("null")),
	    .type = w->attachment_id ? S("AttachmentRedactionEvent") : S("CommentRedactionEvent"),
	    .value = HIDE(str_printf(cx->arena, "%lld", (long long)w->comment_id)) };
	TRY(store_exec(cx, &insert_audit, ARGS(INT(cx->account), INT(mine.id), INT(t.id), INT(fresh),
	    INT(cx->actor->user_id), TEXT(str_of(cx->via ? cx->via : "api")), INT(cx->now),
	    SEALED(fresh, HIDE(audit_doc(cx, &mine)))), NULL));
	TRY(ticket_terms(cx, &t, &terms));
	TRY(search_replace(cx, 't', t.id, &terms));
	TRY(flow_forget_ticket(cx, t.id));
	TRY(trail_reseal(cx, old, fresh, rewrite_value, w));
	TRY(store_key_destroy(cx, old));
	c[target].redacted = true;
	w->out = c[target];
	return trail_append(cx, &(struct event){ .action = w->attachment_id ? "attachment.redact" : "comment.redact",
	    .object = "comment", .id = w->comment_id, .parent = t.id, .key = fresh });
}

enum err
comment_redact(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive text, struct comment *out)
{
	struct work w = { .ticket_id = ticket_id, .comment_id = comment_id, .secret = NEW(cx->arena, str, 8) };
	struct ticket t;

	TRY(gate_may(cx, MAY_REDACT, NULL));
	if (str_trim(text.hidden).n == 0) {
		bad(cx, "text", "BlankValue", "Text: cannot be blank");
		return bad_check(cx);
	}
	TRY(ticket_get(cx, ticket_id, &t));
	if (t.status == TICKET_CLOSED) {
		bad(cx, "status", "InvalidValue", "closed prevents ticket update");
		return bad_check(cx);
	}
	add_secret(cx, &w, reveal(cx, text, TO_STORE));
	TRY(store_write(cx, redact_tx, &w));
	TRY(store_erase(cx));
	*out = w.out;
	return OK;
}

/* HTML entities of what stands between the marks become characters again. */
static str
plain_of(struct ctx *cx, str html)
{
	return str_trim(html_to_text(cx->arena, html, BODY_MAX));
}

#define MARKED_MAX 200

enum err
comment_redact_marked(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive html_body, struct comment *out)
{
	struct work w = { .ticket_id = ticket_id, .comment_id = comment_id,
	    .secret = NEW(cx->arena, str, 6 * MARKED_MAX + 8) };
	str rest = reveal(cx, html_body, TO_STORE);
	int marked = 0;

	TRY(gate_may(cx, MAY_REDACT, NULL));
	for (;;) {
		size_t at = str_findi(rest, S("<redact>")), end;
		str inner, text;
		if (at == SIZE_MAX)
			break;
		rest = str_sub(rest, at + 8, rest.n);
		end = str_findi(rest, S("</redact>"));
		if (end == SIZE_MAX) {
			bad(cx, "html_body", "InvalidFormat", "Html body: <redact> is not closed");
			return bad_check(cx);
		}
		inner = str_sub(rest, 0, end);
		rest = str_sub(rest, end + 9, rest.n);
		text = plain_of(cx, inner);
		if (text.n == 0)
			continue;
		if (++marked > MARKED_MAX) {
			bad(cx, "html_body", "TooManyValues", "Html body: marks more than 200 places");
			return bad_check(cx);
		}
		add_secret(cx, &w, text);
		if (str_trim(inner).n)
			add_secret(cx, &w, str_trim(inner));
	}
	if (marked == 0) {
		bad(cx, "html_body", "BlankValue", "Html body: marks nothing with <redact>");
		return bad_check(cx);
	}
	TRY(store_write(cx, redact_tx, &w));
	TRY(store_erase(cx));
	*out = w.out;
	return OK;
}

enum err
attachment_redact(struct ctx *cx, int64_t ticket_id, int64_t comment_id, int64_t attachment_id, struct attachment *out)
{
	struct work w = { .ticket_id = ticket_id, .comment_id = comment_id, .attachment_id = attachment_id,
	    .secret = NEW(cx->arena, str, 8) };

	TRY(gate_may(cx, MAY_REDACT, NULL));
	TRY(store_write(cx, redact_tx, &w));
	TRY(store_erase(cx));
	return attachment_get(cx, attachment_id, out);
}
