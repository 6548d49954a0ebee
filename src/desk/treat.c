/* treat.c - the PHI policy at work: on each text of a change, before anything
 * of it is stored.
 *
 *   keep    nothing: sealed and marked like any finding
 *   move    (subjects) a redacted subject stays; the original line, less what is
 *           redacted, begins the comment that comes with it: "Subject: ..."
 *   redact  the value is not stored anywhere: "[SSN]" stands for it
 *   hold    the change waits as a suspended ticket (held.c; mail: inbound.c)
 *   block   a wrong field, named with the kind, never quoted
 *
 * Findings of what remains are shifted to where it stands then. A change
 * without a finding costs nothing here but its scan.
 */
#include <jansson.h>
#include <stdlib.h>

#include "desk/in.h"

#define SUBJECT_PREFIX "Subject: "

void
treat_begin(struct ctx *cx, struct treating *t, str channel)
{
	*t = (struct treating){ .p = policy_current(cx), .channel = policy_channel(channel) };
	buf_init(&t->note, cx->arena, 4 * KiB);
}

/* "redact SSN body; " once for each. */
static void
note(struct treating *t, enum treatment what, int kind, const char *field)
{
	struct buf one;
	str s;

	buf_init(&one, t->note.a, 256);
	buf_fmt(&one, "%s%s %s in %s", t->note.n ? "; " : "", treatment_name(what), policy_kind_name(kind), field);
	s = buf_str(&one);
	if (str_find(buf_str(&t->note), str_starts(s, S("; ")) ? str_sub(s, 2, s.n) : s) == SIZE_MAX)
		buf_add(&t->note, s);
	t->v.note = buf_str(&t->note);
}

static void
label(struct buf *b, const struct policy_doc *p, int kind, str value)
{
	if (!p->mask) {
		buf_fmt(b, "[%s]", policy_kind_name(kind));
		return;
	}
	for (size_t n = utf8_count(value); n > 0; n--)
		buf_byte(b, 'X');
}

struct seen { struct finding *f; uint8_t *what, *kind; int n; };

/* A copy of the text with the findings of `mask` replaced; the others, shifted, go to *kept. */
static str
rewrite(struct ctx *cx, const struct treating *t, str s, const struct seen *seen, unsigned mask, struct findings *kept)
{
	size_t at = 0;
	struct buf b;

	buf_init(&b, cx->arena, DOC_MAX);
	kept->f = NEW(cx->arena, struct finding, seen->n + 1);
	kept->count = 0;
	kept->cap = seen->n + 1;
	for (int i = 0; i < seen->n; i++) {
		const struct finding *f = &seen->f[i];
		size_t from = (size_t)f->at;
		buf_add(&b, str_sub(s, at, from - at));
		at = from + (size_t)f->len;
		if (mask >> seen->what[i] & 1)
			label(&b, t->p, seen->kind[i], str_sub(s, from, (size_t)f->len));
		else {
			kept->f[kept->count] = *f;
			kept->f[kept->count++].at = (int64_t)b.n;
			buf_add(&b, str_sub(s, from, (size_t)f->len));
		}
	}
	buf_add(&b, str_sub(s, at, s.n - at));
	return buf_str(&b);
}

static void
blocked(struct ctx *cx, const char *field, int kind)
{
	static const char *const names[] = { "subject", "body", "tags", "external_id", "attachment", "attachment_text", "metadata" };
	static const char *const shown[] = { "Subject", "Comment", "Tags", "External id", "Attachment name", "Attachment", "Metadata" };
	const char *what = "Custom fields";

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(field, names[i]) == 0)
			what = shown[i];
	bad(cx, strcmp(field, "body") == 0 ? "comment" : field, "PolicyBlocked", str_z(cx->arena, str_printf(cx->arena,
	    "%s: holds %s (%s), which this account does not take here; leave it out and send again", what,
	    policy_kind_words(kind), policy_kind_name(kind))));
}

/* Scans; what each finding meets is in *seen. */
static enum err
look(struct ctx *cx, struct treating *t, enum phi_place place, const char *field, str text, struct seen *seen)
{
	struct findings fresh = { 0 };
	uint32_t told = 0;

	TRY(desk_scan(cx, field, HIDE(text), &fresh));
	*seen = (struct seen){ .f = fresh.f, .n = fresh.count };
	if (fresh.count == 0)
		return OK;
	seen->what = NEW(cx->arena, uint8_t, fresh.count);
	seen->kind = NEW(cx->arena, uint8_t, fresh.count);
	for (int i = 0; i < fresh.count; i++) {
		const struct finding *f = &fresh.f[i];
		int kind = policy_kind(f->label, f->rule, str_sub(text, (size_t)f->at, (size_t)f->len));
		enum treatment what = policy_treatment(t->p, kind, place, t->channel, f->score);
		if (t->skip >> what & 1)
			what = PHI_KEEP;
		seen->kind[i] = (uint8_t)kind;
		seen->what[i] = (uint8_t)what;
		if (kind >= 0 && kind < POLICY_KINDS && t->v.found[kind] < UINT16_MAX) {
			t->v.found[kind]++;
			if (what == PHI_REDACT)
				t->v.gone[kind]++;
		}
		if (what == PHI_KEEP)
			continue;
		if (what > t->v.worst)
			t->v.worst = what;
		t->v.redacted += what == PHI_REDACT;
		t->v.moved += what == PHI_MOVE;
		t->v.held += what == PHI_HOLD;
		if (what == PHI_BLOCK && !(told >> kind & 1)) {
			blocked(cx, field, kind);
			told |= 1u << kind;
		}
		note(t, what, kind, field);
	}
	return OK;
}

static void
append(struct ctx *cx, struct findings *into, const struct finding *f, int n, int64_t shift)
{
	if (n == 0)
		return;
	if (into->count + n > into->cap) {
		int cap = (into->count + n) * 2;
		struct finding *more = NEW(cx->arena, struct finding, cap);
		if (into->count)
			memcpy(more, into->f, sizeof *more * (size_t)into->count);
		into->f = more;
		into->cap = cap;
	}
	for (int i = 0; i < n; i++) {
		into->f[into->count] = f[i];
		into->f[into->count++].at += shift;
	}
}

void
findings_add(struct ctx *cx, struct findings *into, const struct finding *f)
{
	append(cx, into, f, 1, 0);
}

static bool
any(const struct seen *s, unsigned mask)
{
	for (int i = 0; i < s->n; i++)
		if (mask >> s->what[i] & 1)
			return true;
	return false;
}

enum err
treat_text(struct ctx *cx, struct treating *t, enum phi_place place, const char *field, sensitive *text, struct findings *into)
{
	str s = reveal(cx, *text, TO_SCAN);
	struct findings kept;
	struct seen seen;

	TRY(look(cx, t, place, field, s, &seen));
	if (seen.n == 0)
		return OK;
	if (!any(&seen, 1u << PHI_REDACT)) {
		append(cx, into, seen.f, seen.n, 0);
		return OK;
	}
	*text = HIDE(rewrite(cx, t, s, &seen, 1u << PHI_REDACT, &kept));
	append(cx, into, kept.f, kept.count, 0);
	return OK;
}

/* ---- JSON values ------------------------------------------------------------------------------------------ */

static enum err
treat_tree(struct ctx *cx, struct treating *t, const char *field, json_t *v, struct findings *into, json_t **out, int depth)
{
	size_t i;
	json_t *one, *fresh;
	const char *key;
	sensitive s;

	*out = NULL;
	if (json_is_string(v)) {
		s = HIDE(((str){ json_string_value(v), json_string_length(v) }));
		TRY(treat_text(cx, t, t->tree_place, field, &s, into));
		if (s.hidden.p != json_string_value(v))
			*out = json_stringn(s.hidden.p, s.hidden.n);
	} else if (json_is_number(v)) {
		char *z = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		str text = str_dup(cx->arena, str_of(z));
		free(z);
		s = HIDE(text);
		TRY(treat_text(cx, t, t->tree_place, field, &s, into));
		if (s.hidden.p != text.p)
			*out = json_stringn(s.hidden.p, s.hidden.n);
	} else if (depth < 64 && json_is_array(v)) {
		json_array_foreach(v, i, one) {
			TRY(treat_tree(cx, t, field, one, into, &fresh, depth + 1));
			if (fresh != NULL)
				json_array_set_new(v, i, fresh);
		}
	} else if (depth < 64 && json_is_object(v)) {
		json_object_foreach(v, key, one) {
			TRY(treat_tree(cx, t, field, one, into, &fresh, depth + 1));
			if (fresh != NULL)
				json_object_set_new(v, key, fresh);
		}
	}
	return OK;
}

static enum err
treat_json(struct ctx *cx, struct treating *t, const char *field, str *json, struct findings *into)
{
	json_t *v, *fresh = NULL;
	int before = t->v.redacted;
	char *z;
	enum err e;

	if (json->n == 0 || str_eq(*json, S("null")) || str_eq(*json, S("true")) || str_eq(*json, S("false")) || str_eq(*json, S("{}"))
	    || str_eq(*json, S("\"\"")))
		return OK;
	if ((v = json_again(cx, *json)) == NULL) {
		sensitive s = HIDE(*json);
		return treat_text(cx, t, PLACE_FIELD, field, &s, into);
	}
	t->tree_place = PLACE_FIELD;
	e = treat_tree(cx, t, field, v, into, &fresh, 0);
	if (e == OK && t->v.redacted > before) {
		z = json_dumps(fresh != NULL ? fresh : v, JSON_ENCODE_ANY | JSON_COMPACT);
		*json = str_dup(cx->arena, str_of(z));
		wipe(z, json->n);
		free(z);
	}
	json_decref(fresh);
	return e;
}

enum err
ticket_scan(struct ctx *cx, const struct ticket *t, struct findings *into)
{
	str fields = reveal(cx, t->custom_fields, TO_SCAN), *tag;
	json_t *list, *one, *fresh;
	struct treating none;
	size_t i;
	int n;
	enum err e = OK;

	TRY(desk_scan(cx, "subject", t->subject, into));
	TRY(desk_scan(cx, "external_id", t->external_id, into));
	TRY(desk_scan(cx, "satisfaction_rating", t->rating, into));
	n = json_words(cx, reveal(cx, t->tags, TO_SCAN), &tag);
	for (int k = 0; k < n; k++)
		TRY(desk_scan(cx, "tags", HIDE(tag[k]), into));
	list = fields.n > 2 ? json_loadb(fields.p, fields.n, JSON_ALLOW_NUL, NULL) : NULL;
	treat_begin(cx, &none, S("api"));
	none.skip = ~0u;                        /* only seen */
	none.tree_place = PLACE_FIELD;
	json_array_foreach(list, i, one)
		if (e == OK) {
			e = treat_tree(cx, &none, str_z(cx->arena, str_printf(cx->arena, "custom_fields.%lld",
			    (long long)json_integer_value(json_object_get(one, "id")))), json_object_get(one, "value"), into, &fresh, 0);
			json_decref(fresh);
		}
	json_decref(list);
	return e;
}

/* A bulk job's items before they are queued: what is to be destroyed does not wait anywhere. */
enum err
desk_treat_payload(struct ctx *cx, str *json)
{
	static const struct { const char *key; enum phi_place place; } places[] = {
		{ "subject", PLACE_SUBJECT }, { "comment", PLACE_COMMENT }, { "description", PLACE_COMMENT },
		{ "comments", PLACE_COMMENT }, { "source_comment", PLACE_COMMENT }, { "target_comment", PLACE_COMMENT },
	};
	struct findings drop = { 0 };
	struct treating t;
	json_t *list, *one, *v, *fresh;
	const char *key;
	size_t i;
	char *z;
	enum err e = OK;

	treat_begin(cx, &t, str_of(cx->via ? cx->via : "api"));
	t.skip = 1u << PHI_MOVE | 1u << PHI_HOLD | 1u << PHI_BLOCK;
	if ((list = json_loadb(json->p, json->n, JSON_ALLOW_NUL, NULL)) == NULL)
		return OK;
	json_array_foreach(list, i, one)
		json_object_foreach(one, key, v) {
			t.tree_place = PLACE_FIELD;
			for (size_t k = 0; k < COUNT(places); k++)
				if (strcmp(key, places[k].key) == 0)
					t.tree_place = places[k].place;
			if (e == OK)
				e = treat_tree(cx, &t, key, v, &drop, &fresh, 0);
			if (e == OK && fresh != NULL)
				json_object_set_new(one, key, fresh);
		}
	if (e == OK && t.v.redacted) {
		z = json_dumps(list, JSON_COMPACT);
		*json = str_dup(cx->arena, str_of(z));
		wipe(z, json->n);
		free(z);
	}
	json_decref(list);
	return e;
}

/* ---- files --------------------------------------------------------------------------------------------------- */

/* Is it text by what it says of itself? */
static bool
is_text(str type, str name)
{
	static const char *const types[] = { "text/", "application/json", "application/csv", "application/xml", "application/xhtml",
	    "application/x-ndjson", "application/hl7", "application/fhir", "message/" };
	static const char *const ends[] = { ".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".htm", ".md", ".log", ".hl7",
	    ".eml", ".vcf", ".ics", ".yaml", ".yml" };

	for (size_t i = 0; i < COUNT(types); i++)
		if (str_eqi(str_sub(type, 0, strlen(types[i])), str_of(types[i])))
			return true;
	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t n = strlen(ends[i]);
		if (name.n > n && str_eqi(str_sub(name, name.n - n, n), str_of(ends[i])))
			return true;
	}
	return false;
}

/* And by what it holds? */
static enum scan_state
scannable(str bytes)
{
	if (bytes.n > SCAN_TEXT_MAX)
		return SCAN_TOO_LARGE;
	/* UTF-16 and the like: its letters are not bytes. */
	return bytes.n && memchr(bytes.p, 0, bytes.n) != NULL ? SCAN_NOT_TEXT : SCAN_DONE;
}

enum err
treat_file_name(struct ctx *cx, struct treating *t, struct upload *u, struct findings *names)
{
	sensitive s = HIDE(u->file_name);

	u->scan = is_text(u->content_type, u->file_name) ? SCAN_DONE : SCAN_NOT_TEXT;
	TRY(treat_text(cx, t, PLACE_FILE_NAME, "attachment", &s, names));
	u->file_name = s.hidden;
	return OK;
}

enum err
treat_file_text(struct ctx *cx, struct treating *t, struct upload *u)
{
	struct findings text = { 0 };
	sensitive s = HIDE(u->bytes);

	if (u->scan == SCAN_DONE)
		u->scan = scannable(u->bytes);
	if (u->scan == SCAN_DONE) {
		TRY(treat_text(cx, t, PLACE_FILE_TEXT, "attachment_text", &s, &text));
		u->bytes = s.hidden;
	}
	u->finding = text.f;
	u->finding_count = text.count;
	return OK;
}

enum err
treat_upload(struct ctx *cx, struct treating *t, struct upload *u, struct findings *names)
{
	TRY(treat_file_name(cx, t, u, names));
	return treat_file_text(cx, t, u);
}

/* Uploads that were treated when they came: what was to be held, holds the comment that claims them. */
static enum err
treat_token(struct ctx *cx, struct treating *t, str token)
{
	struct attachment *a;
	struct findings names = { 0 };
	int n;

	TRY(attachments_look(cx, token, &a, &n));
	for (int i = 0; i < n; i++) {
		sensitive name = a[i].file_name;
		unsigned skip = t->skip;
		t->skip |= 1u << PHI_REDACT | 1u << PHI_MOVE;
		TRY(treat_text(cx, t, PLACE_FILE_NAME, "attachment", &name, &names));
		t->skip = skip;
		for (int k = 0; k < a[i].finding_count; k++) {
			const struct finding *f = &a[i].finding[k];
			int kind = policy_kind(f->label, f->rule, S(""));
			enum treatment what = policy_treatment(t->p, kind, PLACE_FILE_TEXT, t->channel, f->score);
			if (what == PHI_HOLD && !(t->skip >> what & 1)) {
				t->v.held++;
				t->v.worst = what > t->v.worst ? what : t->v.worst;
				note(t, what, kind, "attachment_text");
			}
		}
	}
	return OK;
}

/* ---- a change -------------------------------------------------------------------------------------------------- */

static enum err
treat_subject(struct ctx *cx, struct treating *t, struct ticket_change *ch, struct findings *head, str *line,
    struct findings *moved)
{
	str s = reveal(cx, ch->subject, TO_SCAN);
	struct findings kept;
	struct seen seen;

	*line = S("");
	TRY(look(cx, t, PLACE_SUBJECT, "subject", s, &seen));
	if (seen.n == 0)
		return OK;
	if (any(&seen, 1u << PHI_MOVE))
		*line = rewrite(cx, t, s, &seen, 1u << PHI_REDACT, moved);
	ch->subject = HIDE(rewrite(cx, t, s, &seen, 1u << PHI_REDACT | 1u << PHI_MOVE, &kept));
	append(cx, head, kept.f, kept.count, 0);
	return OK;
}

enum err
treat_change(struct ctx *cx, struct treating *t, struct ticket_change *ch, bool is_note, struct findings *head,
    struct findings *body)
{
	enum phi_place place = is_note ? PLACE_NOTE : PLACE_COMMENT;
	struct findings moved = { 0 }, text = { 0 };
	str line = S("");
	int before;

	if (ch->has & T_SUBJECT)
		TRY(treat_subject(cx, t, ch, head, &line, &moved));
	if (ch->has & T_EXTERNAL_ID)
		TRY(treat_text(cx, t, PLACE_FIELD, "external_id", &ch->external_id, head));
	if (ch->custom_count) {
		void *own = arena_alloc(cx->arena, sizeof *ch->custom, (size_t)ch->custom_count, 16);
		memcpy(own, ch->custom, sizeof *ch->custom * (size_t)ch->custom_count);
		ch->custom = own;
		for (int i = 0; i < ch->custom_count; i++)
			TRY(treat_json(cx, t, str_z(cx->arena, str_printf(cx->arena, "custom_fields.%lld", (long long)ch->custom[i].id)),
			    &ch->custom[i].value_json, head));
	}
	if (ch->tag_count) {
		sensitive *own = NEW(cx->arena, sensitive, ch->tag_count);
		memcpy(own, ch->tag, sizeof *own * (size_t)ch->tag_count);
		ch->tag = own;
		for (int i = 0; i < ch->tag_count; i++)
			TRY(treat_text(cx, t, PLACE_FIELD, "tags", &ch->tag[i], head));
	}
	if (ch->has & T_COMMENT) {
		before = t->v.redacted;
		TRY(treat_text(cx, t, place, "body", &ch->body, &text));
		if (t->v.redacted > before)
			ch->html = (sensitive){ 0 };    /* the same words stand there */
		if (ch->upload_count) {
			struct upload *own = NEW(cx->arena, struct upload, ch->upload_count);
			memcpy(own, ch->upload, sizeof *own * (size_t)ch->upload_count);
			ch->upload = own;
			for (int i = 0; i < ch->upload_count; i++)
				TRY(treat_upload(cx, t, &ch->upload[i], body));
		}
		for (int i = 0; i < ch->token_count; i++)
			TRY(treat_token(cx, t, ch->upload_token[i]));
	}
	if (ch->metadata_json.n)
		TRY(treat_json(cx, t, "metadata", &ch->metadata_json, body));
	if (line.n == 0) {
		append(cx, body, text.f, text.count, 0);
		return OK;
	}
	if (!(ch->has & T_COMMENT)) {
		/* The line has to stand somewhere: a note of its own. */
		ch->has |= T_COMMENT;
		ch->comment_public = false;
		ch->comment_public_set = true;
		ch->body = HIDE(str_printf(cx->arena, SUBJECT_PREFIX STR_F, STR_A(line)));
	} else {
		size_t n = strlen(SUBJECT_PREFIX) + line.n + 2;
		struct buf b;
		buf_init(&b, cx->arena, DOC_MAX);
		buf_add(&b, S(SUBJECT_PREFIX));
		buf_add(&b, line);
		buf_add(&b, S("\n\n"));
		buf_add(&b, reveal(cx, ch->body, TO_STORE));
		ch->body = HIDE(buf_str(&b));
		if (ch->html.hidden.n)
			ch->html = (sensitive){ 0 };    /* body and html say the same, or only one of them is there */
		for (int i = 0; i < moved.count; i++)
			moved.f[i].field = S("body");
		append(cx, body, moved.f, moved.count, (int64_t)strlen(SUBJECT_PREFIX));
		append(cx, body, text.f, text.count, (int64_t)n);
		return OK;
	}
	for (int i = 0; i < moved.count; i++)
		moved.f[i].field = S("body");
	append(cx, body, moved.f, moved.count, (int64_t)strlen(SUBJECT_PREFIX));
	return OK;
}

/* A subject that was made of the beginning of the body: what would be moved is there already. */
enum err
treat_derived(struct ctx *cx, struct treating *t, sensitive *subject, struct findings *head)
{
	struct treating own = *t;
	struct findings kept;
	struct seen seen;
	str s = reveal(cx, *subject, TO_SCAN);

	own.skip |= 1u << PHI_HOLD | 1u << PHI_BLOCK;       /* the body has answered that */
	buf_init(&own.note, cx->arena, 4 * KiB);
	TRY(look(cx, &own, PLACE_SUBJECT, "subject", s, &seen));
	if (seen.n == 0)
		return OK;
	*subject = HIDE(rewrite(cx, t, s, &seen, 1u << PHI_REDACT | 1u << PHI_MOVE, &kept));
	append(cx, head, kept.f, kept.count, 0);
	return OK;
}

/* ---- a mail ------------------------------------------------------------------------------------------------------ */

enum err
treat_mail(struct ctx *cx, struct mail *m, struct inbound *in)
{
	struct treating t;
	struct findings drop = { 0 };
	struct { str *text; enum phi_place place; const char *field; } texts[] = {
		{ &m->subject, PLACE_SUBJECT, "subject" }, { &m->text, PLACE_COMMENT, "body" }, { &m->quoted, PLACE_COMMENT, "quoted" },
	};
	struct mail_attachment *own;
	sensitive s;

	in->kept = S("");
	treat_begin(cx, &t, S("email"));
	t.skip = 1u << PHI_MOVE | 1u << PHI_HOLD | 1u << PHI_BLOCK;
	for (size_t i = 0; i < COUNT(texts); i++) {
		s = HIDE(*texts[i].text);
		TRY(treat_text(cx, &t, texts[i].place, texts[i].field, &s, &drop));
		*texts[i].text = s.hidden;
	}
	/* An HTML part may say what the text part does not. */
	if (m->html.n && t.v.redacted == 0) {
		s = HIDE(html_to_text(cx->arena, m->html, 4 * MiB));
		TRY(treat_text(cx, &t, PLACE_COMMENT, "html", &s, &drop));
	}
	own = NEW(cx->arena, struct mail_attachment, m->attachment_count + 1);
	for (int i = 0; i < m->attachment_count; i++) {
		struct upload u = { .file_name = m->attachment[i].file_name, .content_type = m->attachment[i].content_type,
		    .bytes = m->attachment[i].bytes };
		TRY(treat_upload(cx, &t, &u, &drop));
		own[i] = m->attachment[i];
		own[i].file_name = u.file_name;
		own[i].bytes = u.bytes;
	}
	if (t.v.redacted == 0)
		return OK;
	m->attachment = own;
	m->html = S("");
	memcpy(in->gone, t.v.gone, sizeof in->gone);
	return mail_rebuild(cx, m, &in->kept);
}
