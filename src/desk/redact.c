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
#include <jansson.h>
#include <stdlib.h>

#include "desk/in.h"
#include "desk/known.h"
#include "desk/rule.h"
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
	bool   *token;                    /* of each: only where it stands as a word of its own */
	int     secrets, room;
	const struct redaction *r;        /* what ticket_redact() was asked; NULL: one of the older doors */
	struct redaction_plan  *plan;
	str     stamp;
	struct comment out;
};

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Does secret i stand at `at`? A short one inside of a longer word is another word. */
static bool
stands(const struct work *w, int i, str s, size_t at)
{
	str x = w->secret[i];

	if (!str_starts(str_sub(s, at, s.n - at), x))
		return false;
	return !w->token[i] || ((at == 0 || !is_word(s.p[at - 1]) || !is_word(x.p[0]))
	    && (at + x.n == s.n || !is_word(s.p[at + x.n]) || !is_word(x.p[x.n - 1])));
}

static int64_t
count_in(const struct work *w, str s)
{
	int64_t n = 0;

	for (size_t at = 0; at < s.n; at++)
		for (int i = 0; i < w->secrets; i++)
			if (s.p[at] == w->secret[i].p[0] && stands(w, i, s, at)) {
				n++;
				at += w->secret[i].n - 1;
				break;
			}
	return n;
}

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
			if (s.p[at] == w->secret[i].p[0] && stands(w, i, s, at))
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
add_value(struct ctx *cx, struct work *w, str s, bool token)
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
		if (w->secrets == w->room) {
			int room = w->room * 2 + 16;
			str *more = NEW(cx->arena, str, room);
			bool *tokens = NEW(cx->arena, bool, room);
			if (w->secrets) {
				memcpy(more, w->secret, sizeof *more * (size_t)w->secrets);
				memcpy(tokens, w->token, sizeof *tokens * (size_t)w->secrets);
			}
			w->secret = more;
			w->token = tokens;
			w->room = room;
		}
		while (at > 0 && w->secret[at - 1].n < forms[f].n) {
			w->secret[at] = w->secret[at - 1];
			w->token[at] = w->token[at - 1];
			at--;
		}
		w->secret[at] = forms[f];
		w->token[at] = token;
		w->secrets++;
	}
}

static void
add_secret(struct ctx *cx, struct work *w, str s)
{
	add_value(cx, w, s, false);
}

static sensitive
clean(struct ctx *cx, const struct work *w, sensitive s)
{
	return HIDE(without(cx, w, reveal(cx, s, TO_STORE)));
}

/* Custom fields and the like: a number of which something goes becomes a string. */
static json_t *
clean_tree(struct ctx *cx, const struct work *w, json_t *v, int depth)
{
	json_t *one, *fresh;
	const char *key;
	size_t i;
	str s, t;
	char *z;

	if (json_is_string(v) || json_is_number(v)) {
		z = json_is_number(v) ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
		s = z != NULL ? str_dup(cx->arena, str_of(z)) : (str){ json_string_value(v), json_string_length(v) };
		free(z);
		t = without(cx, w, s);
		return t.p == s.p ? NULL : json_stringn(t.p, t.n);
	}
	if (json_is_array(v) && depth < 64)
		json_array_foreach(v, i, one)
			if ((fresh = clean_tree(cx, w, one, depth + 1)) != NULL)
				json_array_set_new(v, i, fresh);
	if (json_is_object(v) && depth < 64)
		json_object_foreach(v, key, one)
			if (strcmp(key, "id") != 0 && (fresh = clean_tree(cx, w, one, depth + 1)) != NULL)
				json_object_set_new(v, key, fresh);
	return NULL;
}

static sensitive
clean_json(struct ctx *cx, const struct work *w, sensitive json)
{
	str s = reveal(cx, json, TO_STORE);
	json_t *v = s.n > 2 ? json_loadb(s.p, s.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL, *fresh;
	char *z;
	str out;

	if (v == NULL)
		return clean(cx, w, json);
	if (count_in(w, s) == 0) {
		json_decref(v);
		return json;
	}
	fresh = clean_tree(cx, w, v, 0);
	z = json_dumps(fresh != NULL ? fresh : v, JSON_ENCODE_ANY | JSON_COMPACT);
	out = str_dup(cx->arena, str_of(z));
	wipe(z, out.n);
	free(z);
	json_decref(fresh);
	json_decref(v);
	return HIDE(without(cx, w, out));       /* what still stands there, in keys */
}

static sensitive
clean_draft(struct ctx *cx, const void *arg, sensitive s)
{
	return clean(cx, arg, s);
}

static str
rewrite_value(struct ctx *cx, void *arg, const char *field, str value)
{
	(void)field;
	return value.n && (value.p[0] == '[' || value.p[0] == '{') ? clean_json(cx, arg, HIDE(value)).hidden : without(cx, arg, value);
}

/* ---- what ticket_redact() was asked, found in the ticket ------------------------------------------------------ */

str
text_stamp(struct ctx *cx, sensitive text)
{
	unsigned char x[16];

	if (cx->sys->codec == NULL || cx->sys->codec->blind(cx, "phi.stamp", reveal(cx, text, TO_STORE), x) != OK)
		return S("");
	return hex_of(cx->arena, (str){ (char *)x, 8 });
}

/* The comments' places of spans; of others (subject, custom fields, tags) the value alone counts. */
static enum err
resolve(struct ctx *cx, struct work *w, const struct ticket *t, struct comment *c, int comments)
{
	for (int i = 0; i < w->r->span_count; i++) {
		const struct span *sp = &w->r->span[i];
		str text = S(""), v;
		bool known = false;
		if (sp->comment_id == 0) {
			text = reveal(cx, t->subject, TO_STORE);
			known = true;
		}
		for (int k = 0; k < comments; k++)
			if (c[k].id == sp->comment_id) {
				text = reveal(cx, c[k].body, TO_STORE);
				known = true;
			}
		if (!known)
			return fail(cx, E_ABSENT, NULL, "no such comment");
		if (sp->stamp.n && !str_eq(sp->stamp, text_stamp(cx, HIDE(text))))
			return fail(cx, E_CONFLICT, "stamp", "the text has changed since it was looked at; look at it again");
		if (sp->at < 0 || sp->len <= 0 || (uint64_t)sp->at + (uint64_t)sp->len > text.n
		    || utf8_floor(text, (size_t)sp->at) != (size_t)sp->at
		    || ((size_t)(sp->at + sp->len) < text.n && utf8_floor(text, (size_t)(sp->at + sp->len)) != (size_t)(sp->at + sp->len))) {
			bad(cx, "spans", "InvalidValue", "Spans: start and end must lie in the text, between whole characters");
			return bad_check(cx);
		}
		v = str_sub(text, (size_t)sp->at, (size_t)sp->len);
		if (str_trim(v).n)
			add_value(cx, w, str_trim(v), true);
	}
	for (int i = 0; i < w->r->value_count; i++)
		if (str_trim(w->r->value[i].hidden).n)
			add_value(cx, w, str_trim(reveal(cx, w->r->value[i], TO_STORE)), true);
	for (int k = 0; k < comments; k++)
		if (c[k].id == w->r->whole_comment && w->r->whole_comment != 0) {
			/* A copy of all of it (a quote) goes as well; "ok" is said by many. */
			if (str_trim(c[k].body.hidden).n >= 20)
				add_value(cx, w, str_trim(reveal(cx, c[k].body, TO_STORE)), true);
			return OK;
		}
	return w->r->whole_comment != 0 ? fail(cx, E_ABSENT, NULL, "no such comment") : OK;
}

/* Spans are cut out where they stand, also when they are part of a word. */
static sensitive
cut_spans(struct ctx *cx, const struct work *w, int64_t comment_id, sensitive text)
{
	str s = reveal(cx, text, TO_STORE);
	struct buf b;
	bool all = w->r != NULL && comment_id != 0 && w->r->whole_comment == comment_id, any = all;

	for (int i = 0; w->r != NULL && i < w->r->span_count; i++)
		any = any || w->r->span[i].comment_id == comment_id;
	if (!any)
		return text;
	buf_init(&b, cx->arena, DOC_MAX);
	for (size_t at = 0; at < s.n;) {
		uint32_t cp;
		size_t n = utf8_next(s, at, &cp);
		bool in = all;
		for (int i = 0; i < w->r->span_count && !in; i++)
			in = w->r->span[i].comment_id == comment_id && (size_t)w->r->span[i].at <= at
			    && at < (size_t)(w->r->span[i].at + w->r->span[i].len);
		if (in)
			buf_add(&b, S(MARK));
		else
			buf_add(&b, str_sub(s, at, n));
		at += n;
	}
	return HIDE(buf_str(&b));
}

/* Names and text of files; a file of a comment that goes whole goes too. */
static enum err
redact_files(struct ctx *cx, struct work *w, struct comment *c)
{
	for (int k = 0; k < c->attachment_count; k++) {
		struct attachment *f = &c->attachment[k];
		str name = reveal(cx, f->file_name, TO_STORE), bytes = S(""), now, text;
		if (f->redacted)
			continue;
		if (w->r->whole_comment == c->id) {
			TRY(attachment_erase(cx, f->id, f->key));
			continue;
		}
		now = without(cx, w, name);
		if (f->scan == SCAN_DONE && f->size > 0)
			TRY(attachment_load(cx, f->id, &bytes));
		text = without(cx, w, bytes);
		if (now.p != name.p || text.p != bytes.p)
			TRY(attachment_rewrite(cx, f, now, text.p != bytes.p ? &text : NULL));
	}
	return OK;
}

static void
plan_add(struct ctx *cx, struct work *w, const char *place, int64_t comment_id, int64_t n)
{
	struct redaction_plan *p = w->plan;

	if (n == 0)
		return;
	if (p->count == p->room) {
		int room = p->room * 2 + 16;
		struct redaction_place *more = NEW(cx->arena, struct redaction_place, room);
		if (p->count)
			memcpy(more, p->place, sizeof *more * (size_t)p->count);
		p->place = more;
		p->room = room;
	}
	p->place[p->count++] = (struct redaction_place){ place, comment_id, n };
	p->occurrences += n;
}

/* What would go for good, and where. Nothing is changed. */
static enum err
plan(struct ctx *cx, struct work *w, const struct ticket *t, struct comment *c, int comments, struct audit *a, int audits)
{
	struct rows raws;

	*w->plan = (struct redaction_plan){ .values = 0 };
	plan_add(cx, w, "subject", 0, count_in(w, reveal(cx, t->subject, TO_STORE)));
	plan_add(cx, w, "custom_fields", 0, count_in(w, reveal(cx, t->custom_fields, TO_STORE)));
	plan_add(cx, w, "tags", 0, count_in(w, reveal(cx, t->tags, TO_STORE)));
	for (int i = 0; i < comments; i++) {
		bool whole = w->r->whole_comment == c[i].id, spans = false;
		int64_t n = whole ? 1 : count_in(w, reveal(cx, c[i].body, TO_STORE)), files = 0;
		for (int k = 0; k < w->r->span_count; k++)
			spans = spans || w->r->span[k].comment_id == c[i].id;
		if (n == 0 && spans)
			n = 1;
		plan_add(cx, w, whole ? "whole_comment" : "comment", c[i].id, n);
		for (int k = 0; k < c[i].attachment_count; k++) {
			const struct attachment *f = &c[i].attachment[k];
			str bytes = S("");
			if (f->redacted)
				continue;
			if (whole) {
				files++;
				continue;
			}
			if (f->scan == SCAN_DONE && f->size > 0)
				TRY(attachment_load(cx, f->id, &bytes));
			files += count_in(w, reveal(cx, f->file_name, TO_STORE)) + count_in(w, bytes);
			w->plan->files_unread += f->scan != SCAN_DONE;
		}
		plan_add(cx, w, "attachments", c[i].id, files);
		if (n > 0) {
			TRY(store_all(cx, &raw_of_comment, ARGS(INT(cx->account), INT(c[i].id)), &raws));
			w->plan->raw_mails += raws.count;
		}
	}
	for (int i = 0; i < audits; i++) {
		int64_t n = 0;
		for (int k = 0; k < a[i].event_count; k++)
			n += count_in(w, reveal(cx, a[i].event[k].value, TO_STORE)) + count_in(w, reveal(cx, a[i].event[k].previous, TO_STORE));
		plan_add(cx, w, "audits", 0, n);
	}
	w->plan->values = w->secrets;
	return OK;
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

/* Which kinds go with the secrets (or with a whole comment), for the reports. */
static void
tally(struct work *w, str text, const struct finding *f, int n, bool whole, int64_t *kinds, bool *marked)
{
	for (int i = 0; i < n; i++) {
		str v = str_sub(text, (size_t)f[i].at, (size_t)f[i].len);
		int kind = policy_kind(f[i].label, f[i].rule, v);
		bool hit = whole;
		for (int k = 0; k < w->secrets; k++)
			if (str_find(w->secret[k], v) != SIZE_MAX)
				hit = marked[k] = true;
		kinds[kind] += hit;
	}
}

static enum err
count_gone(struct ctx *cx, struct work *w, const struct ticket *t, const struct comment *c, int comments)
{
	bool bulk = w->r != NULL && w->r->cause != NULL && strncmp(w->r->cause, "phi_job:", 8) == 0;
	bool *marked = NEW(cx->arena, bool, w->secrets + 1);
	int64_t kinds[POLICY_KINDS + 1] = { 0 };

	for (int i = 0; i < t->finding_count; i++)
		if (str_eq(t->finding[i].field, S("subject")))
			tally(w, reveal(cx, t->subject, TO_STORE), &t->finding[i], 1, false, kinds, marked);
	for (int i = 0; i < comments; i++)
		for (int k = 0; k < c[i].finding_count; k++)
			if (str_eq(c[i].finding[k].field, S("body")))
				tally(w, reveal(cx, c[i].body, TO_STORE), &c[i].finding[k], 1, w->r != NULL && w->r->whole_comment == c[i].id, kinds, marked);
	for (int k = 0; k < w->secrets; k++)
		kinds[POLICY_KINDS] += !marked[k];
	for (int k = 0; k <= POLICY_KINDS; k++)
		TRY(report_add(cx, FIG_PHI_REMOVED, cx->now, k, bulk ? 2 : 1, kinds[k]));
	return OK;
}

static enum err
redact_tx(struct ctx *cx, void *arg)
{
	struct work *w = arg;
	struct ticket t, before_it;
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
	if (target < 0 && w->r == NULL)
		return fail(cx, E_ABSENT, NULL, "no such comment");
	TRY(known_for(cx, &(struct known_ticket){ .user_id = t.requester_id, .ticket_id = t.id, .recipient = t.recipient }));
	if (w->r != NULL) {
		TRY(resolve(cx, w, &t, c, comments));
		if (w->plan != NULL)
			return plan(cx, w, &t, c, comments, a, audits);
		if (w->secrets == 0 && w->r->whole_comment == 0) {
			bad(cx, "base", "BlankValue", "There is nothing to redact");
			return bad_check(cx);
		}
	} else if (w->attachment_id) {
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

	TRY(count_gone(cx, w, &t, c, comments));
	before_it = t;
	old = t.key;
	TRY(store_key_new(cx, &fresh));
	t.key = fresh;
	t.subject = clean(cx, w, cut_spans(cx, w, 0, t.subject));
	if (comments > 0 && str_eq(t.description.hidden, c[0].body.hidden))
		t.description = cut_spans(cx, w, c[0].id, t.description);
	t.description = clean(cx, w, t.description);
	t.custom_fields = clean_json(cx, w, t.custom_fields);
	t.via_source = clean_json(cx, w, t.via_source);
	t.external_id = clean(cx, w, t.external_id);
	t.rating = clean(cx, w, t.rating);
	{
		struct findings head = { 0 };
		TRY(ticket_scan(cx, &t, &head));
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
	t.updated_at = cx->now;
	TRY(store_exec(cx, &set_updated, ARGS(INT(cx->account), INT(t.id), INT(t.updated_at)), NULL));
	view_note(cx, &before_it, &t);

	for (int i = 0; i < comments; i++) {
		bool hit;
		str before = reveal(cx, c[i].body, TO_STORE), html = reveal(cx, c[i].html, TO_STORE);
		c[i].key = fresh;
		c[i].body = clean(cx, w, cut_spans(cx, w, c[i].id, c[i].body));
		c[i].html = !str_eq(before, c[i].body.hidden) ? (sensitive){ 0 } : clean(cx, w, c[i].html);
		c[i].metadata = clean_json(cx, w, c[i].metadata);
		c[i].via_source = clean_json(cx, w, c[i].via_source);
		if (w->r != NULL)
			TRY(redact_files(cx, w, &c[i]));
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
			a[i].event[k].value = clean_json(cx, w, a[i].event[k].value);
			a[i].event[k].previous = clean_json(cx, w, a[i].event[k].previous);
		}
		a[i].metadata = clean_json(cx, w, a[i].metadata);
		a[i].via_source = clean_json(cx, w, a[i].via_source);
		TRY(store_exec(cx, &reseal_audit, ARGS(INT(cx->account), INT(a[i].id), INT(fresh),
		    SEALED(fresh, HIDE(audit_doc(cx, &a[i])))), NULL));
	}
	TRY(store_all(cx, &reply_keys, ARGS(INT(cx->account), INT(t.id)), &replies));
	for (int i = 0; i < replies.count; i++)
		TRY(store_key_destroy(cx, row_int(&replies.row[i], 0)));
	TRY(drafts_rewrite(cx, t.id, fresh, clean_draft, w));
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
	if (target >= 0) {
		c[target].redacted = true;
		w->out = c[target];
	}
	news_note(cx, NEWS_REDACTED, &t, w->comment_id, false);
	if (w->r != NULL)
		return trail_append(cx, &(struct event){ .action = "ticket.redact", .object = "ticket", .id = t.id, .key = fresh,
		    .cause = w->r->cause });
	return trail_append(cx, &(struct event){ .action = w->attachment_id ? "attachment.redact" : "comment.redact",
	    .object = "comment", .id = w->comment_id, .parent = t.id, .key = fresh });
}

enum err
comment_redact(struct ctx *cx, int64_t ticket_id, int64_t comment_id, sensitive text, struct comment *out)
{
	struct work w = { .ticket_id = ticket_id, .comment_id = comment_id };
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

enum err
ticket_redact(struct ctx *cx, int64_t ticket_id, const struct redaction *r, struct redaction_plan *plan)
{
	struct work w = { .ticket_id = ticket_id, .r = r, .plan = plan, .comment_id = r->whole_comment ? r->whole_comment
	    : r->span_count ? r->span[0].comment_id : 0 };

	TRY(gate_may(cx, MAY_REDACT, NULL));
	if (plan != NULL)
		return redact_tx(cx, &w);
	TRY(store_write(cx, redact_tx, &w));
	return cx->tx != NULL || r->erase_later ? OK : store_erase(cx);
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
	    .secret = NULL };
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
	struct work w = { .ticket_id = ticket_id, .comment_id = comment_id, .attachment_id = attachment_id };

	TRY(gate_may(cx, MAY_REDACT, NULL));
	TRY(store_write(cx, redact_tx, &w));
	TRY(store_erase(cx));
	return attachment_get(cx, attachment_id, out);
}
