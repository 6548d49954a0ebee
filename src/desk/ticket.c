/* ticket.c - the waist: how a ticket comes to be, changes and is read; who is in it is who.c, how it goes gone.c.
 *
 * ticket_create() and ticket_update() do what is slow (PHI scan, search terms)
 * before the transaction, on the caller's thread; the rest runs on the writer
 * in one transaction: data key, rows, audit, search delta, trail. Nothing of
 * it is seen by anybody before it is on disk.
 */
#include <jansson.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "desk/def.h"
#include "desk/in.h"
#include "desk/known.h"
#include "desk/rule.h"
#include "flow/flow.h"

#define TICKET_COLS "t.id, t.key_id, t.requester_id, t.submitter_id, t.assignee_id, t.group_id, t.organization_id," \
	" t.problem_id, t.brand_id, t.form_id, t.followup_source_id, t.status, t.priority, t.type, t.is_public," \
	" t.has_incidents, t.comment_count, t.channel, t.created_at, t.updated_at, t.generated_at, t.due_at, t.solved_at," \
	" t.deleted_at, t.cc, t.doc"
#define TICKET_OUT "iiiii?i?i?i?i?i?i?iiiiiitiiii?i?i?b?S"
#define TICKET_SEAL { { "ticket", "doc", 0 } }

static const struct stmt select_ticket = {
	.name = "ticket.get",
	.sql  = "SELECT " TICKET_COLS " FROM ticket t WHERE t.account_id = $1 AND t.id = $2",
	.in   = "ii",
	.out  = TICKET_OUT,
	.seal_out = TICKET_SEAL,
};

static const struct stmt insert_ticket = {
	.name = "ticket.insert",
	.sql  = "INSERT INTO ticket (account_id, id, key_id, requester_id, submitter_id, assignee_id, group_id,"
	        " organization_id, problem_id, brand_id, form_id, followup_source_id, status, priority, type, is_public,"
	        " comment_count, channel, created_at, updated_at, generated_at, due_at, solved_at, external_id_x, cc, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,"
	        " $21, $22, $23, $24, $25, $26)",
	.in   = "iiiiii?i?i?i?i?i?i?iiiiitiiii?i?X?b?S",
	.seal_in = { { "ticket", "doc", 1 } },
	.blind = { "ticket.external_id" },
};

/* What an update does not change is not named: SQLite writes each index anew that has a named column, each in a page
 * of its own, and those pages are what an update costs on a large desk. */
#define UPDATE_PLAIN "UPDATE ticket SET key_id = $3, brand_id = $4, form_id = $5, priority = $6, is_public = $7, comment_count = $8," \
	" updated_at = $9, generated_at = $10, due_at = $11, solved_at = $12, cc = $13, doc = $14"
#define UPDATE_WHERE " WHERE account_id = $1 AND id = $2"

static const struct stmt update_plain = {
	.name = "ticket.update_plain",
	.sql  = UPDATE_PLAIN UPDATE_WHERE,
	.in   = "iiii?i?iiiiii?i?b?S",
	.seal_in = { { "ticket", "doc", 1 } },
};

static const struct stmt update_status = {
	.name = "ticket.update_status",
	.sql  = UPDATE_PLAIN ", status = $15" UPDATE_WHERE,
	.in   = "iiii?i?iiiiii?i?b?Si",
	.seal_in = { { "ticket", "doc", 1 } },
};

static const struct stmt update_assigned = {
	.name = "ticket.update_assigned",
	.sql  = UPDATE_PLAIN ", status = $15, assignee_id = $16, group_id = $17" UPDATE_WHERE,
	.in   = "iiii?i?iiiiii?i?b?Sii?i?",
	.seal_in = { { "ticket", "doc", 1 } },
};

static const struct stmt update_ticket = {
	.name = "ticket.update",
	.sql  = UPDATE_PLAIN ", status = $15, assignee_id = $16, group_id = $17, requester_id = $18, organization_id = $19,"
	        " problem_id = $20, type = $21" UPDATE_WHERE,
	.in   = "iiii?i?iiiiii?i?b?Sii?i?ii?i?i",
	.seal_in = { { "ticket", "doc", 1 } },
};

static const struct stmt set_external = {
	.name = "ticket.set_external",
	.sql  = "UPDATE ticket SET external_id_x = $3 WHERE account_id = $1 AND id = $2",
	.in   = "iiX?",
	.blind = { "ticket.external_id" },
};

static const struct stmt set_doc = {
	.name = "ticket.set_doc",
	.sql  = "UPDATE ticket SET doc = $3, key_id = $4, generated_at = $5 WHERE account_id = $1 AND id = $2",
	.in   = "iiSii",
	.seal_in = { { "ticket", "doc", 1 } },
};

/* The entries that an update takes out of indexes or puts beside, each in a page of its own: read for that alone. $3: the
 * new status, or -1. Two statements, so that none of them is large. */
#define OF(index) " INDEXED BY " index " WHERE o.account_id = t.account_id AND o.deleted_at IS NULL"
static const struct stmt ahead_indexes = {
	.name = "ticket.ahead_indexes",
	.sql  = "SELECT t.key_id, (SELECT 1 FROM ticket o" OF("ticket_search") " AND o.id = t.id AND o.status >= 0),"
	        " (SELECT 1 FROM ticket o INDEXED BY ticket_generated WHERE o.account_id = t.account_id AND o.generated_at = t.generated_at),"
	        " (SELECT 1 FROM ticket o" OF("ticket_view_status") " AND o.status = t.status AND o.updated_at = t.updated_at AND o.id = t.id),"
	        " (SELECT 1 FROM ticket o" OF("ticket_view_assignee") " AND o.assignee_id IS t.assignee_id AND o.status = t.status"
	        " AND o.updated_at = t.updated_at AND o.id = t.id),"
	        " (SELECT 1 FROM ticket o" OF("ticket_view_group") " AND o.group_id IS t.group_id AND o.status = t.status"
	        " AND o.updated_at = t.updated_at AND o.id = t.id),"
	        " (SELECT 1 FROM ticket o" OF("ticket_status") " AND $3 >= 0 AND o.status = t.status AND o.id = t.id),"
	        " (SELECT 1 FROM ticket o" OF("ticket_status") " AND o.status = $3 AND o.id >= t.id LIMIT 1)"
	        " FROM ticket t WHERE t.account_id = $1 AND t.id = $2",
	.pg   = "SELECT t.key_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM ticket t WHERE t.account_id = $1 AND t.id = $2 AND $3 <> -2",
	.in   = "iii",
	.out  = "ii?i?i?i?i?i?i?",
};

static const struct stmt ahead_beside = {
	.name = "ticket.ahead_beside",
	.sql  = "SELECT (SELECT m.breach_at FROM ticket_metric m WHERE m.account_id = $1 AND m.ticket_id = $2),"
	        " (SELECT MAX(s.since) FROM sla_target s WHERE s.account_id = $1 AND s.ticket_id = $2),"
	        " (SELECT MAX(a.id) FROM ticket_audit a WHERE a.account_id = $1 AND a.ticket_id = $2)",
	.in   = "ii",
	.out  = "i?i?i?",
};

static const struct stmt last_generated = {
	.name = "ticket.last_generated",
	.sql  = "SELECT generated_at FROM ticket WHERE account_id = $1 ORDER BY generated_at DESC, id DESC LIMIT 1",
	.in   = "i",
	.out  = "i",
};

static const struct stmt counter_up = {
	.name = "desk_counter.add",
	.sql  = "INSERT INTO desk_counter (account_id, name, n) VALUES ($1, $2, $3)"
	        " ON CONFLICT (account_id, name) DO UPDATE SET n = desk_counter.n + excluded.n",
	.in   = "iti",
};

static const struct stmt counter_read = {
	.name = "desk_counter.get",
	.sql  = "SELECT n FROM desk_counter WHERE account_id = $1 AND name = $2",
	.in   = "it",
	.out  = "i",
};

/* ---- rows ---------------------------------------------------------------------------------------------- */

static void
read_cc(struct ctx *cx, str bytes, struct ticket *t)
{
	uint64_t kind, id;
	str rest = bytes;
	int n[3] = { 0 };

	while (get_varint(&rest, &kind) && get_varint(&rest, &id))
		if (kind == 1 || kind == 2)
			n[kind]++;
	t->cc = n[1] ? NEW(cx->arena, int64_t, n[1]) : NULL;
	t->follower = n[2] ? NEW(cx->arena, int64_t, n[2]) : NULL;
	for (rest = bytes; get_varint(&rest, &kind) && get_varint(&rest, &id);)
		if (kind == 1)
			t->cc[t->cc_count++] = (int64_t)id;
		else if (kind == 2)
			t->follower[t->follower_count++] = (int64_t)id;
}

str
ticket_cc_bytes(struct ctx *cx, const struct ticket *t)
{
	struct buf b;

	buf_init(&b, cx->arena, 64 * KiB);
	for (int i = 0; i < t->cc_count; i++)
		put_varint(&b, 1), put_varint(&b, (uint64_t)t->cc[i]);
	for (int i = 0; i < t->follower_count; i++)
		put_varint(&b, 2), put_varint(&b, (uint64_t)t->follower[i]);
	return buf_str(&b);
}

void
ticket_from_row(struct ctx *cx, const struct row *r, struct ticket *t)
{
	str rest, v;
	uint8_t tag;
	int c = 0, n = 0;

	*t = (struct ticket){ .id = row_int(r, c++) };
	t->key = row_int(r, c++);
	t->requester_id = row_int(r, c++);
	t->submitter_id = row_int(r, c++);
	t->assignee_id = row_int(r, c++);
	t->group_id = row_int(r, c++);
	t->organization_id = row_int(r, c++);
	t->problem_id = row_int(r, c++);
	t->brand_id = row_int(r, c++);
	t->form_id = row_int(r, c++);
	t->followup_source_id = row_int(r, c++);
	t->status = (enum ticket_status)row_int(r, c++);
	t->priority = (enum ticket_priority)row_int(r, c++);
	t->type = (enum ticket_type)row_int(r, c++);
	t->is_public = row_int(r, c++) != 0;
	t->has_incidents = row_int(r, c++) != 0;
	t->comment_count = row_int(r, c++);
	t->channel = row_str(r, c++);
	t->created_at = row_int(r, c++);
	t->updated_at = row_int(r, c++);
	t->generated_at = row_int(r, c++);
	t->due_at = row_int(r, c++);
	t->solved_at = row_int(r, c++);
	t->deleted_at = row_int(r, c++);
	read_cc(cx, row_str(r, c++), t);
	t->tags = HIDE(S("[]"));
	t->custom_fields = HIDE(S("[]"));
	t->erased = row_erased(r, c);
	rest = row_sensitive(r, c).hidden;
	for (str again = rest; pack_next(&again, &tag, &v);)
		n += tag == DOC_FINDING;
	t->finding = n ? NEW(cx->arena, struct finding, n) : NULL;
	while (pack_next(&rest, &tag, &v))
		switch (tag) {
		case DOC_SUBJECT:     t->subject = HIDE(v); break;
		case DOC_DESCRIPTION: t->description = HIDE(v); break;
		case DOC_TAGS:        t->tags = HIDE(v); break;
		case DOC_CUSTOM:      t->custom_fields = HIDE(v); break;
		case DOC_EXTERNAL_ID: t->external_id = HIDE(v); break;
		case DOC_RECIPIENT:   t->recipient = HIDE(v); break;
		case DOC_VIA:         t->via_source = HIDE(v); break;
		case DOC_RATING:      t->rating = HIDE(v); break;
		case DOC_SCORE:       t->rating_score = (int)pack_get_int(v); break;
		case DOC_STATUS:      t->custom_status_id = pack_get_int(v); break;
		case DOC_SCHEDULE:    t->schedule_id = pack_get_int(v); break;
		case DOC_FINDING:
			if (unpack_finding(v, &t->finding[t->finding_count]))
				t->finding_count++;
			break;
		default: break;
		}
	if (t->erased)
		t->subject = t->description = HIDE(S("SCRUBBED"));
}

str
ticket_doc(struct ctx *cx, const struct ticket *t)
{
	struct buf b;

	buf_init(&b, cx->arena, DOC_MAX);
	pack_put(&b, DOC_SUBJECT, reveal(cx, t->subject, TO_STORE));
	pack_put(&b, DOC_DESCRIPTION, reveal(cx, t->description, TO_STORE));
	if (t->tags.hidden.n > 2)
		pack_put(&b, DOC_TAGS, reveal(cx, t->tags, TO_STORE));
	if (t->custom_fields.hidden.n > 2)
		pack_put(&b, DOC_CUSTOM, reveal(cx, t->custom_fields, TO_STORE));
	if (t->external_id.hidden.n)
		pack_put(&b, DOC_EXTERNAL_ID, reveal(cx, t->external_id, TO_STORE));
	if (t->recipient.hidden.n)
		pack_put(&b, DOC_RECIPIENT, reveal(cx, t->recipient, TO_STORE));
	if (t->via_source.hidden.n)
		pack_put(&b, DOC_VIA, reveal(cx, t->via_source, TO_STORE));
	if (t->rating.hidden.n)
		pack_put(&b, DOC_RATING, reveal(cx, t->rating, TO_STORE));
	if (t->rating_score)
		pack_int(&b, DOC_SCORE, t->rating_score);
	if (t->custom_status_id)
		pack_int(&b, DOC_STATUS, t->custom_status_id);
	if (t->schedule_id)
		pack_int(&b, DOC_SCHEDULE, t->schedule_id);
	pack_findings(&b, DOC_FINDING, &(struct findings){ t->finding, t->finding_count, 0 });
	return buf_str(&b);
}

/* That this thread has waited for. */
static long
blocks_read(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) == 0 ? u.ru_inblock : 0;
}

enum err
ticket_row(struct ctx *cx, int64_t id, struct ticket *out)
{
	long before = cx->tx == NULL ? blocks_read() : 0;
	struct row r;

	TRY(store_one(cx, &select_ticket, ARGS(INT(cx->account), INT(id)), &r));
	ticket_from_row(cx, &r, out);
	cx->about_ticket = out->id;
	cx->about_user = out->requester_id;
	cx->about_cold = cx->tx == NULL && blocks_read() != before;
	return OK;
}

enum err
ticket_save_doc(struct ctx *cx, const struct ticket *t)
{
	return store_exec(cx, &set_doc, ARGS(INT(cx->account), INT(t->id), SEALED(t->key, HIDE(ticket_doc(cx, t))),
	    INT(t->key), INT(t->generated_at)), NULL);
}

/* Only the writer thread comes here, so one variable per process will do; it
 * starts from the table, because the clock may have been set back. */
enum err
next_generated(struct ctx *cx, usec *out)
{
	static usec last;
	static struct store *of;
	usec now = time_now();
	struct row r;

	if (of != cx->sys->store) {
		enum err e = store_one(cx, &last_generated, ARGS(INT(cx->account)), &r);
		if (e != OK && e != E_ABSENT)
			return e;
		last = e == OK ? row_int(&r, 0) : 0;
		if (e == E_ABSENT)
			fail_forget(cx);
		of = cx->sys->store;
	}
	last = now > last ? now : last + 1;
	*out = last;
	return OK;
}

enum err
desk_counter_add(struct ctx *cx, const char *name, int64_t by)
{
	return store_exec(cx, &counter_up, ARGS(INT(cx->account), TEXT(str_of(name)), INT(by)), NULL);
}

enum err
desk_counter_get(struct ctx *cx, const char *name, int64_t *n)
{
	struct row r;
	enum err e = store_one(cx, &counter_read, ARGS(INT(cx->account), TEXT(str_of(name))), &r);

	if (e == E_ABSENT) {
		fail_forget(cx);
		*n = 0;
		return OK;
	}
	if (e == OK)
		*n = row_int(&r, 0);
	return e;
}

/* ---- permission ---------------------------------------------------------------------------------------- */

void
about_ticket(const struct ticket *t, struct about *a)
{
	*a = (struct about){ .requester_id = t->requester_id, .assignee_id = t->assignee_id, .group_id = t->group_id,
	    .organization_id = t->organization_id, .has_object = true };
}

/* CCs and followers both open a ticket; gate takes one list. */
enum err
ticket_may(struct ctx *cx, enum may staff, enum may end_user, const struct ticket *t)
{
	struct about a;
	int64_t *all;

	about_ticket(t, &a);
	if (t->cc_count + t->follower_count > 0) {
		all = NEW(cx->arena, int64_t, t->cc_count + t->follower_count);
		for (int i = 0; i < t->cc_count; i++)
			all[a.cc_count++] = t->cc[i];
		for (int i = 0; i < t->follower_count; i++)
			all[a.cc_count++] = t->follower[i];
		a.cc = all;
	}
	return gate_may(cx, cx->actor != NULL && cx->actor->role == ROLE_END_USER ? end_user : staff, &a);
}

static enum err
may_see(struct ctx *cx, const struct ticket *t)
{
	return ticket_may(cx, MAY_READ_TICKET, MAY_READ_REQUEST, t);
}

static bool
is_end_user(const struct ctx *cx)
{
	return cx->actor != NULL && cx->actor->role == ROLE_END_USER;
}

/* ---- tags, custom fields ---------------------------------------------------------------------------------- */

/* Tags are lower case and hold neither blanks nor commas: "a b" and "a,b" are two, as Zendesk takes them. */
str
tag_cut(str *rest)
{
	size_t n = 0;
	str w;

	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != ',')
		n++;
	w = str_trim(str_sub(*rest, 0, n));
	*rest = str_sub(*rest, n + 1, rest->n);
	return w;
}

static int
clean_tags(struct ctx *cx, const sensitive *in, int n, str **out)
{
	int count = 0, cap = 0;

	for (int i = 0; i < n; i++)
		for (str rest = in[i].hidden; rest.n; cap++)
			(void)tag_cut(&rest);
	*out = NEW(cx->arena, str, cap + 1);
	for (int i = 0; i < n; i++) {
		str rest = tag_lower(cx, reveal(cx, in[i], TO_STORE));
		while (rest.n) {
			str w = tag_cut(&rest);
			bool have = w.n == 0;
			for (int k = 0; k < count && !have; k++)
				have = str_eq((*out)[k], w);
			if (!have)
				(*out)[count++] = w;
		}
	}
	return count;
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const str *)a, *(const str *)b);
}

static int
without(str *w, int n, const str *drop, int drops)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		bool gone = false;
		for (int k = 0; k < drops && !gone; k++)
			gone = str_eq(w[i], drop[k]);
		if (!gone)
			w[kept++] = w[i];
	}
	return kept;
}

str
ticket_tags_after(struct ctx *cx, str old_json, const struct ticket_change *in)
{
	str *old, *given, *drop, *all;
	int n = json_words(cx, old_json, &old);
	int n_given = clean_tags(cx, in->tag, in->tag_count, &given);
	int n_drop = clean_tags(cx, in->drop_tag, in->drop_count, &drop);

	for (int i = 0; i < n; i++)          /* kept before capitals beyond ASCII were lowered */
		old[i] = tag_lower(cx, old[i]);
	n = in->has & T_TAGS ? 0 : without(old, n, given, n_given);
	all = NEW(cx->arena, str, n + n_given + 1);
	for (int i = 0; i < n; i++)
		all[i] = old[i];
	for (int i = 0; i < n_given; i++)
		all[n++] = given[i];
	n = without(all, n, drop, n_drop);
	qsort(all, (size_t)n, sizeof *all, by_bytes);
	return json_of_words(cx, all, n);
}

/* ---- audits ------------------------------------------------------------------------------------------------ */

#define FIELDS 18                    /* that note_changes() may note, beside custom fields */
#define TRAIL_PART (256 * KiB)       /* bytes of values in one event of the trail, where triggers change much */

static void
add_event(struct audit *a, const char *type, str field, str value, str previous)
{
	a->event[a->event_count] = (struct audit_event){ .type = str_of(type), .field = field,
	    .value = HIDE(value), .previous = HIDE(previous), .id = a->id + 2 + a->event_count };
	a->event_count++;
}

/* A Create event, or a Change event when there was another value before. */
static void
note(struct audit *a, bool created, const char *field, str value, str previous)
{
	if (created ? value.n && !str_eq(value, S("null")) && !str_eq(value, S("[]")) : !str_eq(value, previous))
		add_event(a, created ? "Create" : "Change", str_of(field), value, created ? S("null") : previous);
}

/* People are noted by their ids: an address goes with its person. */
static void
note_people(struct ctx *cx, struct audit *a, const char *type, const char *field, const int64_t *now, int n, const int64_t *was, int m)
{
	struct buf b[2];

	if (n == m && (n == 0 || memcmp(now, was, sizeof *now * (size_t)n) == 0))
		return;
	for (int k = 0; k < 2; k++) {
		buf_init(&b[k], cx->arena, 4 * KiB);
		for (int i = 0; i < (k ? m : n); i++)
			buf_fmt(&b[k], "%s%lld", i ? "," : "[", (long long)(k ? was : now)[i]);
		buf_fmt(&b[k], "%s", (k ? m : n) ? "]" : "[]");
	}
	add_event(a, type, str_of(field), buf_str(&b[0]), buf_str(&b[1]));
}

/* What did not change is not even put into words: most rules change one field. */
static void
note_name(struct ctx *cx, struct audit *a, bool created, const char *field, const char *now, const char *was)
{
	if (created || now != was)
		note(a, created, field, now ? json_quote(cx, str_of(now)) : S("null"), was ? json_quote(cx, str_of(was)) : S("null"));
}

static void
note_id(struct ctx *cx, struct audit *a, bool created, const char *field, int64_t now, int64_t was)
{
	if (now != was)
		note(a, created, field, json_number(cx, now), json_number(cx, was));
}

static str
quote_time(struct ctx *cx, usec t)
{
	return t == 0 ? S("null") : json_quote(cx, time_iso(cx->arena, t));
}

static str
quote_text(struct ctx *cx, sensitive s)
{
	return s.hidden.n == 0 ? S("null") : json_quote(cx, reveal(cx, s, TO_STORE));
}

static void
note_text(struct ctx *cx, struct audit *a, bool created, const char *field, sensitive now, sensitive was)
{
	if (!str_eq(now.hidden, was.hidden))
		note(a, created, field, quote_text(cx, now), quote_text(cx, was));
}

static str
custom_was(struct ctx *cx, const json_t *list, int64_t id)
{
	const json_t *one;
	str was = S("null");
	size_t k;

	json_array_foreach(list, k, one)
		if (json_integer_value(json_object_get(one, "id")) == id) {
			char *z = json_dumps(json_object_get(one, "value"), JSON_COMPACT | JSON_ENCODE_ANY);
			if (z != NULL) {
				was = str_dup(cx->arena, str_of(z));
				wipe(z, was.n);
			}
			free(z);
		}
	return was;
}

void
ticket_note_changes(struct ctx *cx, struct audit *a, bool created, const struct ticket *old, const struct ticket *t,
    const struct ticket_change *in)
{
	struct audit_event *room = NEW(cx->arena, struct audit_event, a->event_count + FIELDS + in->custom_count + in->macro_count);
	json_t *list = NULL;

	if (a->event_count)
		memcpy(room, a->event, sizeof *room * (size_t)a->event_count);
	a->event = room;
	note_text(cx, a, created, "subject", t->subject, old->subject);
	note_name(cx, a, created, "status", status_name(t->status), status_name(old->status));
	note_id(cx, a, created, "custom_status_id", t->custom_status_id, old->custom_status_id);
	note_name(cx, a, created, "priority", priority_name(t->priority), priority_name(old->priority));
	note_name(cx, a, created, "type", type_name(t->type), type_name(old->type));
	note_id(cx, a, created, "requester_id", t->requester_id, old->requester_id);
	note_id(cx, a, created, "assignee_id", t->assignee_id, old->assignee_id);
	note_id(cx, a, created, "group_id", t->group_id, old->group_id);
	note_id(cx, a, created, "organization_id", t->organization_id, old->organization_id);
	note_id(cx, a, created, "problem_id", t->problem_id, old->problem_id);
	note_id(cx, a, created, "brand_id", t->brand_id, old->brand_id);
	note_id(cx, a, created, "ticket_form_id", t->form_id, old->form_id);
	if (t->due_at != old->due_at)
		note(a, created, "due_at", quote_time(cx, t->due_at), quote_time(cx, old->due_at));
	note_text(cx, a, created, "external_id", t->external_id, old->external_id);
	note(a, created, "tags", t->tags.hidden, old->tags.hidden);
	note_people(cx, a, "EmailCcChange", "email_cc_ids", t->cc, t->cc_count, old->cc, old->cc_count);
	note_people(cx, a, "FollowerChange", "follower_ids", t->follower, t->follower_count, old->follower, old->follower_count);
	if (t->schedule_id != old->schedule_id)
		add_event(a, "ScheduleAssignment", S("schedule_id"), json_number(cx, t->schedule_id), json_number(cx, old->schedule_id));
	if (in->custom_count > 0 && old->custom_fields.hidden.n > 2)
		list = json_again(cx, old->custom_fields.hidden);
	for (int i = 0; i < in->custom_count; i++)
		note(a, created, str_z(cx->arena, str_printf(cx->arena, "%lld", (long long)in->custom[i].id)),
		    in->custom[i].value_json, custom_was(cx, list, in->custom[i].id));
	for (int i = 0; i < in->macro_count; i++)
		add_event(a, "AgentMacroReference", S("macro_id"), json_number(cx, in->macro[i]), S("null"));
}

/* Macros that the actor may see. */
static enum err
macros_used(struct ctx *cx, const struct ticket_change *in)
{
	struct rule r;

	for (int i = 0; i < in->macro_count; i++) {
		enum err e = rule_get(cx, RULE_MACRO, in->macro[i], &r);
		if (e == E_ABSENT || e == E_DENIED) {
			fail_forget(cx);
			bad(cx, "macro_ids", "InvalidValue", "Macro: is not a known macro");
		} else
			TRY(e);
		TRY(rule_used(cx, in->macro[i]));
	}
	return OK;
}

/* One event for the change and what triggers made of it: their fields name them as their cause. Of what is very large they
 * become events of their own. The text of a comment is committed to only. */
static enum err
trail_ticket(struct ctx *cx, const char *action, const struct ticket *t, const struct audit *a,
    const struct comment *c, str policy, const char *cause, const struct compiled *automation)
{
	struct trail_field *f = NEW(cx->arena, struct trail_field, a->event_count + 3);
	struct event ev = { .action = action, .object = "ticket", .id = t->id, .parent = a->id, .key = t->key, .field = f, .cause = cause };
	int64_t first = automation != NULL ? automation->r.id : 0;
	size_t bytes = 0;

	for (int own = 1; own >= 0; own--) {
		for (int i = 0; i < a->event_count; i++) {
			const struct audit_event *e = &a->event[i];
			if (e->field.n == 0 || (e->rule_id == first) != own)
				continue;
			if (!own && bytes > TRAIL_PART) {
				TRY(trail_append(cx, &ev));
				ev.action = "ticket.update";
				ev.cause = NULL;
				ev.count = 0;
				bytes = 0;
			}
			f[ev.count++] = (struct trail_field){ .name = str_z(cx->arena, e->field), .before = e->previous, .after = e->value,
			    .has_before = !str_eq(e->previous.hidden, S("null")), .has_after = true,
			    .cause = own ? S("") : str_printf(cx->arena, "trigger:%lld", (long long)e->rule_id) };
			bytes += e->previous.hidden.n + e->value.hidden.n;
		}
		if (own && c != NULL)
			f[ev.count++] = (struct trail_field){ .name = c->is_public ? "comment.public" : "comment.private",
			    .after = c->body, .has_after = true, .commit_only = true };
		if (own && policy.n)
			f[ev.count++] = (struct trail_field){ .name = "phi_policy", .after = HIDE(policy), .has_after = true };
	}
	return trail_append(cx, &ev);
}

static const struct stmt insert_comment = {
	.name = "comment.insert",
	.sql  = "INSERT INTO comment (account_id, id, ticket_id, key_id, author_id, audit_id, is_public, raw_id, attachments,"
	        " channel, created_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
	.in   = "iiiiiiii?itiS",
	.seal_in = { { "comment", "doc", 1 } },
};

static const struct stmt insert_audit = {
	.name = "ticket_audit.insert",
	.sql  = "INSERT INTO ticket_audit (account_id, id, ticket_id, key_id, author_id, comment_id, channel, created_at, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	.in   = "iiiiii?tiS",
	.seal_in = { { "ticket_audit", "doc", 1 } },
};

const struct stmt *const ticket_stmts[] = {
	&select_ticket, &insert_ticket, &update_plain, &update_status, &update_assigned, &update_ticket, &set_external, &set_doc,
	&ahead_indexes, &ahead_beside, &last_generated, &counter_up, &counter_read,
	&insert_comment, &insert_audit, NULL
};

/* What a write carries from its preparation into its transaction. */
struct work {
	const struct ticket_change *in;
	int64_t         id;
	struct findings head, body;      /* of subject and custom fields; of the comment */
	struct terms    terms;
	struct ticket   t;
	struct audit    a;
	struct comment  c;
	struct ticket_change own;        /* `in` after the policy */
	struct verdict  verdict;
	bool            doubted;         /* said without a sign-in in the name of somebody known */
};

static str
metadata_of(struct ctx *cx, str custom, bool doubted)
{
	struct buf b;
	struct json j;

	buf_init(&b, cx->arena, 1 * MiB);
	jw_init(&j, &b);
	jw_obj(&j);
	jw_key(&j, "system");
	jw_obj(&j);
	jw_kstr(&j, "client", str_sub(cx->client, 0, 512));
	jw_kstr(&j, "ip_address", cx->address);
	jw_knull(&j, "location");
	jw_knull(&j, "latitude");
	jw_knull(&j, "longitude");
	jw_end_obj(&j);
	jw_kraw(&j, "custom", custom.n ? custom : S("{}"));
	if (doubted) {
		jw_kraw(&j, "flags", S("[3]"));          /* Zendesk's: the author was not signed in */
		jw_kraw(&j, "flags_options", S("{\"3\":{\"trusted\":false}}"));
		jw_kbool(&j, "trusted", false);
	}
	jw_end_obj(&j);
	return buf_str(&b);
}

/* The comment row, its attachments and raw mail. w->a.id and w->t are set. */
static enum err
save_comment(struct ctx *cx, struct work *w, const char *channel, usec at)
{
	const struct ticket_change *in = w->in;
	struct comment *c = &w->c;
	int64_t raw_id = 0;

	*c = (struct comment){ .id = w->a.id + 1, .ticket_id = w->t.id, .audit_id = w->a.id, .key = w->t.key,
	    .author_id = w->a.author_id, .is_public = w->c.is_public, .secure = in->secure, .created_at = at, .channel = str_of(channel),
	    .body = in->body, .html = in->html, .metadata = HIDE(metadata_of(cx, in->metadata_json, w->doubted)),
	    .via_source = HIDE(in->via_source_json), .policy = w->verdict.note, .finding = w->body.f, .finding_count = w->body.count };
	if (in->upload_count)
		TRY(attachments_save(cx, w->t.id, c->id, in->upload, in->upload_count));
	c->attachment_count = in->upload_count;
	for (int i = 0; i < in->token_count; i++)
		TRY(attachments_claim(cx, in->upload_token[i], w->t.id, c->id, &w->body, &w->terms, &c->attachment_count));
	TRY(bad_check(cx));
	c->finding = w->body.f;
	c->finding_count = w->body.count;
	if (in->inbound != NULL)
		TRY(raw_mail_save(cx, in->inbound, w->t.id, c->id, 0, &raw_id));
	TRY(store_exec(cx, &insert_comment, ARGS(INT(cx->account), INT(c->id), INT(c->ticket_id), INT(c->key),
	    INT(c->author_id), INT(c->audit_id), INT(c->is_public), ID(raw_id), INT(c->attachment_count),
	    TEXT(c->channel), INT(c->created_at), SEALED(c->key, HIDE(comment_doc(cx, c)))), NULL));
	w->a.comment_id = c->id;
	return comment_attachments(cx, c, 1);
}

static enum err
save_audit(struct ctx *cx, struct work *w)
{
	struct audit *a = &w->a;

	a->ticket_id = w->t.id;
	a->metadata = HIDE(metadata_of(cx, w->in->metadata_json, w->doubted));
	a->via_source = HIDE(w->in->via_source_json);
	a->comment = w->c;
	return store_exec(cx, &insert_audit, ARGS(INT(cx->account), INT(a->id), INT(a->ticket_id), INT(w->t.key),
	    INT(a->author_id), ID(a->comment_id), TEXT(a->channel), INT(a->created_at),
	    SEALED(w->t.key, HIDE(audit_doc(cx, a)))), NULL);
}

/* ---- preparation: what needs no database --------------------------------------------------------------- */

static void
check_texts(struct ctx *cx, const struct ticket_change *in)
{
	size_t tags = 0;

	if (in->subject.hidden.n > SUBJECT_MAX)
		bad(cx, "subject", "TooLong", "Subject: is too long (maximum is 1000 bytes)");
	if (in->body.hidden.n > BODY_MAX)
		bad(cx, "comment", "TooLong", "Comment: is too long (maximum is 1 MiB)");
	if (in->external_id.hidden.n > 255)
		bad(cx, "external_id", "TooLong", "External: is too long (maximum is 255 bytes)");
	for (int i = 0; i < in->tag_count; i++)
		tags += in->tag[i].hidden.n + 1;
	if (tags > 5096)
		bad(cx, "tags", "TooLong", "Tags: are too long (maximum is 5096 bytes in all)");
	if (in->custom_count > 400)
		bad(cx, "custom_fields", "TooManyValues", "Custom fields: at most 400 are allowed");
}

/* On a desk larger than the memory, most of what an update touches is on the disk. The writer would wait for one page
 * after the other, and everybody for the writer; here, many requests wait at once. Whether it is so, the ticket's own row
 * has shown. */
static enum err
read_ahead(struct ctx *cx, const struct ticket_change *in, int64_t id)
{
	struct row r;

	if (!cx->about_cold || cx->tx != NULL)
		return OK;
	cx->about_cold = false;
	TRY(store_one(cx, &ahead_indexes, ARGS(INT(cx->account), INT(id), INT(in->has & T_STATUS ? (int64_t)in->status : -1)), &r));
	TRY(trail_ahead(cx, row_int(&r, 0)));
	return store_one(cx, &ahead_beside, ARGS(INT(cx->account), INT(id)), &r);
}

/* Whose values the scan shall know. */
static enum err
know(struct ctx *cx, const struct ticket_change *in, int64_t id)
{
	struct known_ticket k = { .ticket_id = id, .name = in->requester_name, .email = in->requester_email,
	    .recipient = in->recipient };
	struct ticket t;

	if (id != 0 && cx->about_ticket != id) {
		enum err e = ticket_row(cx, id, &t);    /* whether they may see it is asked in the transaction */
		if (e == E_ABSENT)
			fail_forget(cx);
		else
			TRY(e);
	}
	if (id != 0 && cx->about_ticket == id)
		TRY(read_ahead(cx, in, id));
	k.user_id = in->requester_id ? in->requester_id : id ? cx->about_user : in->requester_email.hidden.n ? 0
	    : cx->actor != NULL ? cx->actor->user_id : 0;
	return known_for(cx, &k);
}

/* Scans every text and does what the policy says; from here on w->in is what may be stored. */
static enum err
prepare(struct ctx *cx, struct work *w, bool is_note)
{
	const struct ticket_change *in = w->in;
	struct treating t;
	struct ticket seen;

	w->own = *in;
	w->in = &w->own;
	TRY(know(cx, in, w->id));
	treat_begin(cx, &t, str_of(in->channel ? in->channel : cx->via ? cx->via : "api"));
	if (in->released)
		t.skip = 1u << PHI_HOLD;
	TRY(treat_change(cx, &t, &w->own, is_note, &w->head, &w->body));
	if (w->id == 0 && str_trim(w->own.subject.hidden).n == 0) {
		str body = w->own.body.hidden;
		size_t n = utf8_floor(body, body.n < 100 ? body.n : 100);
		for (int i = 0; i < w->body.count; i++)         /* half an identifier would not be seen as one */
			if (str_eq(w->body.f[i].field, S("body")) && (size_t)w->body.f[i].at < n
			    && (size_t)(w->body.f[i].at + w->body.f[i].len) > n)
				n = (size_t)w->body.f[i].at;
		w->t.subject = HIDE(str_sub(body, 0, n));
		if (w->body.count)
			TRY(treat_derived(cx, &t, &w->t.subject, &w->head));
	} else
		w->t.subject = HIDE(str_trim(w->own.subject.hidden));
	w->verdict = t.v;
	if (t.v.worst == PHI_HOLD) {
		TRY(bad_check(cx));
		if (w->id != 0)
			TRY(in->as_request ? request_get(cx, w->id, &seen) : ticket_get(cx, w->id, &seen));
		if (in->inbound != NULL)
			return fail(cx, E_INVALID, POLICY_HELD, CAUSE_HELD_WORDS);
		if (cx->tx != NULL && !in->may_hold) {
			bad(cx, "comment", "PolicyBlocked", "Comment: holds what this account lets in only when somebody has looked at it,"
			    " which is not possible here");
			return bad_check(cx);
		}
		return held_keep(cx, w->in, w->id, &w->verdict);
	}
	terms_of_change(cx, w->in, w->id == 0, &w->terms);
	return OK;
}

/* The triggers, on the ticket as it will be written. Imports of old tickets go past them. */
static enum err
run_rules(struct ctx *cx, struct work *w, const struct ticket *old)
{
	const struct ticket_change *in = w->in;
	const struct comment said = { .id = w->a.id + 1, .ticket_id = w->t.id, .author_id = w->a.author_id, .body = in->body,
	    .is_public = w->c.is_public, .channel = w->a.channel, .created_at = w->a.created_at,
	    .attachment_count = in->upload_count + in->token_count };
	const struct ticket before = w->t;

	TRY(rules_on_ticket(cx, &(struct rule_event){ .old = old, .t = &w->t, .a = &w->a, .automation = in->rule,
	    .comment = in->has & T_COMMENT ? &said : NULL, .import = in->imported }));
	if (old == NULL)
		(void)terms_of_more(cx, &before, &w->t, &w->terms);
	return OK;
}

/* Some agents talk to their colleagues only: whatever they say is a note. */
static enum err
notes_only(struct ctx *cx, struct ticket_change *in)
{
	bool yes;

	if (!(in->has & T_COMMENT) || in->as_request || (in->comment_public_set && !in->comment_public))
		return OK;
	TRY(gate_private_only(cx, &yes));
	if (yes)
		in->comment_public = !(in->comment_public_set = true);
	return OK;
}

/* What the agent's custom role lets be changed. */
static enum err
within_role(struct ctx *cx, const struct ticket_change *in)
{
	const unsigned tags = T_TAGS | T_ADD_TAGS | T_REMOVE_TAGS;
	const int64_t *mine;
	bool own = false;
	int n;

	if (in->as_request || cx->actor == NULL || cx->actor->limits == 0)
		return OK;
	if (gate_limited(cx, LIMIT_EDIT) && ((in->has & ~(unsigned)(T_COMMENT | T_SAFE | T_METADATA)) != 0 || in->custom_count != 0))
		return fail(cx, E_DENIED, NULL, "the role lets comment, not change");
	if (gate_limited(cx, LIMIT_TAGS) && (in->has & tags))
		return fail(cx, E_DENIED, NULL, "the role does not let change tags");
	if (gate_limited(cx, LIMIT_ASSIGN) && (in->has & T_GROUP) && in->group_id != 0) {
		TRY(gate_my_groups(cx, &mine, &n));
		for (int i = 0; i < n; i++)
			own = own || mine[i] == in->group_id;
		if (!own)
			bad(cx, "group_id", "InvalidValue", "Group: the role lets assign to one's own groups only");
	}
	return bad_check(cx);
}

/* ---- create ---------------------------------------------------------------------------------------------- */

/* Anybody may type anybody's address. For staff, and for who has proven an address, that must not pass as their word;
 * who has proven nothing is not more than a name anyhow. */
static enum err
doubt(struct ctx *cx, struct work *w)
{
	struct user u;

	if (!w->in->nobody || w->t.requester_id == 0)
		return OK;
	TRY(user_load(cx, w->t.requester_id, &u));
	w->doubted = u.role >= ROLE_AGENT || u.verified;
	return OK;
}

static enum err
create_tx(struct ctx *cx, void *arg)
{
	struct work *w = arg;
	const struct ticket_change *in = w->in;
	const struct ticket none = { .tags = HIDE(S("[]")), .custom_fields = HIDE(S("[]")) };
	const char *channel = in->channel ? in->channel : cx->via ? cx->via : "api";
	int64_t n;
	struct ticket *t = &w->t;
	struct ticket_change tagged;

	*t = (struct ticket){ .subject = w->t.subject, .status = in->status, .priority = in->priority, .type = in->type,
	    .assignee_id = in->assignee_id, .group_id = in->group_id, .problem_id = in->problem_id,
	    .brand_id = in->brand_id, .form_id = in->form_id, .followup_source_id = in->followup_source_id, .due_at = in->due_at, .channel = str_of(channel),
	    .external_id = in->external_id, .recipient = in->recipient, .description = in->body,
	    .via_source = HIDE(in->via_source_json), .tags = none.tags, .custom_fields = none.custom_fields,
	    .finding = w->head.f, .finding_count = w->head.count, .comment_count = 1 };
	w->a = (struct audit){ 0 };
	TRY(ticket_requester(cx, in, &t->requester_id, &t->organization_id));
	TRY(doubt(cx, w));
	if (in->has & T_ORG)
		t->organization_id = in->organization_id;
	TRY(ticket_assignee(cx, in, t));
	TRY(ticket_links(cx, in, t));
	TRY(macros_used(cx, in));
	TRY(ticket_follow_up(cx, in, t));
	t->submitter_id = in->submitter_id ? in->submitter_id : cx->actor && cx->actor->user_id ? cx->actor->user_id
	    : t->requester_id;
	if (in->submitter_id != 0 && in->submitter_id != t->requester_id) {
		struct user u;
		enum err e = user_brief(cx, in->submitter_id, &u);
		if (e == E_ABSENT) {
			fail_forget(cx);
			bad(cx, "submitter_id", "InvalidValue", "Submitter: is not a known user");
		} else
			TRY(e);
	}
	if (t->assignee_id != 0 && t->status == TICKET_NEW)
		t->status = TICKET_OPEN;
	if (in->has & (T_TAGS | T_ADD_TAGS | T_REMOVE_TAGS))
		t->tags = HIDE(ticket_tags_after(cx, t->tags.hidden, in));
	tagged = *in;
	TRY(fields_from_tags(cx, &none, t, &tagged));
	for (int i = in->custom_count; i < tagged.custom_count; i++)
		if (field_searchable(cx, tagged.custom[i].id))
			search_terms(cx, 't', tagged.custom[i].value_json, &w->terms);
	w->in = in = &tagged;
	TRY(fields_apply(cx, &none, t, in, !is_end_user(cx), in->imported || in->lenient));
	(void)terms_of_tags(cx, none.tags, t->tags, &w->terms);
	t->created_at = t->updated_at = in->created_at ? in->created_at : cx->now;
	if (t->status >= TICKET_SOLVED)
		t->solved_at = t->created_at;
	t->is_public = w->c.is_public;

	TRY(store_next_id(cx, "ticket", &t->id));
	if (in->cc_count)
		TRY(ticket_change_people(cx, t, 1, in->cc, in->cc_count));
	if (in->follower_count)
		TRY(ticket_change_people(cx, t, 2, in->follower, in->follower_count));
	TRY(bad_check(cx));
	/* The agent who may see only a part still may not put a ticket out of his own sight unseen: that is
	 * allowed, as in Zendesk; what he gets back is this answer alone. */

	TRY(store_key_new(cx, &t->key));
	TRY(next_generated(cx, &t->generated_at));
	TRY(store_next_id(cx, "audit", &n));
	w->a.id = n * AUDIT_STEP;
	w->a.author_id = in->author_id ? in->author_id : t->submitter_id;
	w->a.created_at = t->created_at;
	w->a.channel = t->channel;
	ticket_note_changes(cx, &w->a, true, &none, t, in);
	TRY(run_rules(cx, w, NULL));
	TRY(store_exec(cx, &insert_ticket, ARGS(INT(cx->account), INT(t->id), INT(t->key), INT(t->requester_id),
	    INT(t->submitter_id), ID(t->assignee_id), ID(t->group_id), ID(t->organization_id), ID(t->problem_id),
	    ID(t->brand_id), ID(t->form_id), ID(in->followup_source_id), INT(t->status), INT(t->priority), INT(t->type),
	    INT(t->is_public), INT(1), TEXT(t->channel), INT(t->created_at), INT(t->updated_at), INT(t->generated_at),
	    ID(t->due_at), ID(t->solved_at), t->external_id.hidden.n ? BLIND(t->external_id) : NIL,
	    BYTES(ticket_cc_bytes(cx, t)), SEALED(t->key, HIDE(ticket_doc(cx, t)))), NULL));
	TRY(save_comment(cx, w, channel, t->created_at));
	TRY(save_audit(cx, w));
	TRY(search_add(cx, 't', t->id, &w->terms));
	TRY(desk_counter_add(cx, "tickets", 1));
	TRY(report_add(cx, FIG_CREATED, t->created_at, policy_channel(t->channel), 0, 1));
	TRY(report_add(cx, t->status < TICKET_SOLVED ? FIG_UNSOLVED : FIG_SOLVED, t->solved_at ? t->solved_at : t->created_at, 0, 0, 1));
	TRY(report_phi(cx, &w->verdict, in->inbound ? in->inbound->gone : NULL, t->created_at, t->channel));
	TRY(tags_changed(cx, none.tags, t->tags));
	if (!in->imported)
		TRY(activity_note(cx, NULL, t, &w->c, w->a.author_id));
	TRY(trail_ticket(cx, "ticket.create", t, &w->a, &w->c, w->verdict.note, in->cause, NULL));
	TRY(notify_ticket(cx, NULL, t, &w->c, in));
	view_note(cx, NULL, t);
	news_note(cx, NEWS_CREATED, t, w->c.id, w->c.is_public);
	return in->shown ? trail_look(cx, "ticket", &t->id, 1, in->shown) : OK;
}

enum err
ticket_create(struct ctx *cx, const struct ticket_change *in, struct ticket *out, struct audit *audit)
{
	struct work w = { .in = in };
	struct ticket_change mine;

	if (is_end_user(cx) || (cx->actor != NULL && cx->actor->officer)) {
		/* Theirs is what they ask for; who works it and how is not. */
		TRY(gate_may(cx, MAY_CREATE_REQUEST, NULL));
		mine = *in;
		mine.has &= T_SUBJECT | T_COMMENT | T_PRIORITY | T_TYPE | T_CUSTOM | T_CC | T_METADATA | T_FORM | T_DUE;
		mine.requester_id = cx->actor->user_id;
		mine.submitter_id = mine.author_id = mine.assignee_id = mine.group_id = mine.organization_id = 0;
		mine.problem_id = 0;
		if (!is_end_user(cx))
			mine.followup_source_id = 0;
		mine.status = TICKET_NEW;
		mine.tag_count = mine.drop_count = mine.follower_count = 0;
		mine.comment_public = mine.comment_public_set = true;
		mine.requester_email = mine.assignee_email = mine.external_id = (sensitive){ 0 };
	} else {
		TRY(gate_may(cx, MAY_CREATE_TICKET, NULL));
		mine = *in;
	}
	w.in = in = &mine;
	TRY(notes_only(cx, &mine));
	TRY(fields_settle(cx, &mine, true));
	check_texts(cx, in);
	if (!(in->has & T_COMMENT) || (str_trim(in->body.hidden).n == 0 && in->upload_count + in->token_count == 0))
		bad(cx, "comment", "BlankValue", "Description: cannot be blank");
	if ((in->has & T_STATUS) && in->status == TICKET_CLOSED && is_end_user(cx))
		bad(cx, "status", "InvalidValue", "Status: is invalid");
	if (cx->bad != NULL && !(in->has & (T_REQUESTER | T_ASSIGNEE | T_GROUP | T_ORG)))
		return bad_check(cx);
	/* With other things to look up, the transaction collects the rest of what is wrong. */
	w.c.is_public = in->comment_public_set ? in->comment_public : true;
	if (!w.c.is_public && !in->imported && !gate_setting_bool(cx, "first_comment_private", true)) {
		bad(cx, "comment", "InvalidValue", "Comment: the first one must be public");
		return bad_check(cx);
	}
	TRY(prepare(cx, &w, !w.c.is_public));
	TRY(store_write(cx, create_tx, &w));
	*out = w.t;
	if (audit != NULL)
		*audit = w.a;
	return OK;
}

/* ---- update ---------------------------------------------------------------------------------------------- */

static enum err
save_update(struct ctx *cx, const struct ticket *old, const struct ticket *t)
{
	static const struct stmt *const stmts[] = { &update_plain, &update_status, &update_assigned, &update_ticket };
	static const int args[] = { 14, 15, 17, 21 };
	bool moved = t->requester_id != old->requester_id || t->organization_id != old->organization_id
	    || t->problem_id != old->problem_id || t->type != old->type;
	int i = moved ? 3 : t->assignee_id != old->assignee_id || t->group_id != old->group_id ? 2 : t->status != old->status;
	const struct arg all[] = { INT(cx->account), INT(t->id), INT(t->key), ID(t->brand_id), ID(t->form_id), INT(t->priority),
	    INT(t->is_public), INT(t->comment_count), INT(t->updated_at), INT(t->generated_at), ID(t->due_at), ID(t->solved_at),
	    BYTES(ticket_cc_bytes(cx, t)), SEALED(t->key, HIDE(ticket_doc(cx, t))), INT(t->status), ID(t->assignee_id),
	    ID(t->group_id), INT(t->requester_id), ID(t->organization_id), ID(t->problem_id), INT(t->type) };

	return store_exec(cx, stmts[i], all, args[i], NULL);
}

static enum err
update_tx(struct ctx *cx, void *arg)
{
	struct work *w = arg;
	const struct ticket_change *in = w->in;
	const char *channel = in->channel ? in->channel : cx->via ? cx->via : "api";
	bool agent = !is_end_user(cx) && !in->as_request, more;
	struct ticket old, *t = &w->t;
	usec at = in->created_at ? in->created_at : cx->now;
	struct ticket_change tagged;
	int64_t n;

	TRY(ticket_row(cx, w->id, &old));
	TRY(in->as_request ? ticket_may(cx, MAY_READ_REQUEST, MAY_READ_REQUEST, &old) : may_see(cx, &old));
	if (old.deleted_at)
		return fail(cx, E_ABSENT, NULL, "no such ticket");
	if (agent)
		TRY(ticket_may(cx, MAY_UPDATE_TICKET, MAY_UPDATE_TICKET, &old));
	if (old.erased)
		return fail(cx, E_INVALID, NULL, "this ticket was erased for good");
	if (old.status == TICKET_CLOSED) {
		bad(cx, "status", "InvalidValue", "closed prevents ticket update");
		return bad_check(cx);
	}
	if ((in->has & T_SAFE) && time_unix(in->safe_stamp) != time_unix(old.updated_at))
		return fail(cx, E_CONFLICT, "updated_stamp", "Safe Update prevented the update due to outdated ticket data."
		    " Please fetch the latest ticket data and try again.");
	*t = old;
	w->a = (struct audit){ 0 };
	if (in->has & T_SUBJECT) {
		str s = str_trim(in->subject.hidden);
		if (s.n == 0)
			bad(cx, "subject", "BlankValue", "Subject: cannot be blank");
		t->subject = HIDE(s);
	}
	if (in->has & T_STATUS) {
		if (in->status == TICKET_NEW && old.status != TICKET_NEW)
			bad(cx, "status", "InvalidValue", "Status: cannot be set back to new");
		t->status = in->status;
	}
	if (in->has & T_PRIORITY) {
		if (in->priority == PRIORITY_NONE && old.priority != PRIORITY_NONE)
			bad(cx, "priority", "InvalidValue", "Priority: cannot be reset");
		t->priority = in->priority;
	}
	if (in->has & T_TYPE)
		t->type = in->type;
	if (in->has & T_REQUESTER) {
		int64_t org = t->organization_id;
		TRY(ticket_requester(cx, in, &t->requester_id, &org));
		if (t->requester_id != old.requester_id)
			t->organization_id = org;
	}
	if (in->has & T_ORG)
		t->organization_id = in->organization_id;
	if (in->has & T_GROUP)
		t->group_id = in->group_id;
	if (in->has & T_ASSIGNEE)
		t->assignee_id = in->assignee_id;
	if (in->has & T_PROBLEM)
		t->problem_id = in->problem_id;
	if (in->has & T_BRAND)
		t->brand_id = in->brand_id;
	if (in->has & T_FORM)
		t->form_id = in->form_id;
	if (in->has & T_DUE)
		t->due_at = in->due_at;
	if (in->has & T_EXTERNAL_ID)
		t->external_id = in->external_id;
	if (in->has & T_RECIPIENT)
		t->recipient = in->recipient;
	TRY(ticket_assignee(cx, in, t));
	TRY(ticket_links(cx, in, t));
	TRY(macros_used(cx, in));
	/* Who solves what nobody has takes it, as Zendesk does. */
	if (t->status == TICKET_SOLVED && t->assignee_id == 0 && agent && cx->actor->user_id != 0
	    && old.status < TICKET_SOLVED && gate_setting_bool(cx, "assign_upon_solve", true)) {
		t->assignee_id = cx->actor->user_id;
		if (t->group_id == 0)
			t->group_id = cx->actor->default_group_id;
	}
	if (t->status == TICKET_NEW && t->assignee_id != 0)
		t->status = TICKET_OPEN;
	/* An answer of the requester opens the ticket again. */
	if ((in->has & T_COMMENT) && !agent && !(in->has & T_STATUS)
	    && (t->status == TICKET_PENDING || t->status == TICKET_HOLD || t->status == TICKET_SOLVED))
		t->status = TICKET_OPEN;
	if (t->status >= TICKET_SOLVED && old.status < TICKET_SOLVED) {
		t->solved_at = at;
		if (!in->imported && !in->lenient)
			TRY(tasks_done(cx, t->id));
	}
	if (t->status < TICKET_SOLVED)
		t->solved_at = 0;
	if (in->has & (T_TAGS | T_ADD_TAGS | T_REMOVE_TAGS)) {
		t->tags = HIDE(ticket_tags_after(cx, old.tags.hidden, in));
		tagged = *in;
		TRY(fields_from_tags(cx, &old, t, &tagged));
		in = &tagged;
	}
	TRY(fields_apply(cx, &old, t, in, agent, in->imported || in->lenient));
	if (in->cc_count)
		TRY(ticket_change_people(cx, t, 1, in->cc, in->cc_count));
	if (in->follower_count)
		TRY(ticket_change_people(cx, t, 2, in->follower, in->follower_count));
	TRY(bad_check(cx));

	/* Findings of texts that were replaced go, those of the new ones come. */
	if (w->head.count || (in->has & (T_SUBJECT | T_CUSTOM | T_TAGS | T_EXTERNAL_ID))) {
		struct findings all = { NEW(cx->arena, struct finding, old.finding_count + w->head.count + 1), 0, 0 };
		for (int i = 0; i < old.finding_count; i++) {
			str f = old.finding[i].field;
			bool gone = (str_eq(f, S("subject")) && (in->has & T_SUBJECT))
			    || (str_eq(f, S("tags")) && (in->has & T_TAGS))
			    || (str_eq(f, S("external_id")) && (in->has & T_EXTERNAL_ID));
			for (int k = 0; k < in->custom_count && !gone; k++)
				gone = str_eq(f, str_printf(cx->arena, "custom_fields.%lld", (long long)in->custom[k].id));
			if (!gone)
				all.f[all.count++] = old.finding[i];
		}
		for (int i = 0; i < w->head.count; i++)
			all.f[all.count++] = w->head.f[i];
		t->finding = all.f;
		t->finding_count = all.count;
	}

	TRY(store_next_id(cx, "audit", &n));
	w->a.id = n * AUDIT_STEP;
	w->a.author_id = in->author_id ? in->author_id : cx->actor && cx->actor->user_id ? cx->actor->user_id : t->requester_id;
	w->a.created_at = at;
	w->a.channel = str_of(channel);
	if (in->has & T_COMMENT) {
		w->c.is_public = !agent ? true : in->comment_public_set ? in->comment_public : t->is_public;
		if (w->c.is_public)
			t->is_public = true;
		t->comment_count++;
		TRY(save_comment(cx, w, channel, at));
		/* Sent from the screen: the draft is the comment now. */
		if (agent && cx->actor->session_id != 0)
			TRY(draft_end(cx, t->id, true));
	}
	ticket_note_changes(cx, &w->a, false, &old, t, in);
	TRY(run_rules(cx, w, &old));
	more = terms_of_more(cx, &old, t, &w->terms);
	t->updated_at = at > old.updated_at ? at : old.updated_at;
	/* Stamps are whole seconds: who saw the same one must not pass as well. */
	if ((in->has & T_SAFE) && time_unix(t->updated_at) == time_unix(in->safe_stamp))
		t->updated_at = (time_unix(in->safe_stamp) + 1) * SECOND;
	TRY(next_generated(cx, &t->generated_at));
	TRY(save_update(cx, &old, t));
	if (in->has & T_EXTERNAL_ID)
		TRY(store_exec(cx, &set_external, ARGS(INT(cx->account), INT(t->id),
		    t->external_id.hidden.n ? BLIND(t->external_id) : NIL), NULL));
	TRY(save_audit(cx, w));
	if ((old.status < TICKET_SOLVED) != (t->status < TICKET_SOLVED)) {
		bool solved = t->status >= TICKET_SOLVED;
		TRY(report_add(cx, solved ? FIG_SOLVED : FIG_REOPENED, at, 0, 0, 1));
		TRY(report_add(cx, FIG_UNSOLVED, at, 0, 0, solved ? -1 : 1));
	}
	TRY(report_phi(cx, &w->verdict, in->inbound ? in->inbound->gone : NULL, at, str_of(channel)));
	TRY(tags_changed(cx, old.tags, t->tags));
	if (!more) {
		struct terms all = { 0 };
		TRY(ticket_terms(cx, t, &all));
		TRY(search_replace(cx, 't', t->id, &all));
	} else if (w->terms.count)
		TRY(search_add(cx, 't', t->id, &w->terms));
	if (t->has_incidents && old.status < TICKET_SOLVED && t->status >= TICKET_SOLVED)
		TRY(incidents_follow(cx, t, w->a.author_id));
	if (!in->imported)
		TRY(activity_note(cx, &old, t, (in->has & T_COMMENT) ? &w->c : NULL, in->rule ? -1 : w->a.author_id));
	TRY(trail_ticket(cx, "ticket.update", t, &w->a, (in->has & T_COMMENT) ? &w->c : NULL, w->verdict.note, in->cause, in->rule));
	TRY(notify_ticket(cx, &old, t, (in->has & T_COMMENT) ? &w->c : NULL, in));
	view_note(cx, &old, t);
	news_note(cx, NEWS_UPDATED, t, (in->has & T_COMMENT) ? w->c.id : 0, (in->has & T_COMMENT) && w->c.is_public);
	return in->shown ? trail_look(cx, "ticket", &t->id, 1, in->shown) : OK;
}

enum err
ticket_update(struct ctx *cx, int64_t id, const struct ticket_change *in, struct ticket *out, struct audit *audit)
{
	struct work w = { .in = in, .id = id };
	struct ticket_change mine = *in;

	if (is_end_user(cx) || in->as_request) {
		/* Of an end user only words, CCs and "solved" are taken. */
		mine.has &= T_COMMENT | T_STATUS | T_CC | T_METADATA;
		if ((mine.has & T_STATUS) && mine.status != TICKET_SOLVED)
			mine.has &= ~(unsigned)T_STATUS;
		mine.custom_count = mine.tag_count = mine.drop_count = mine.follower_count = 0;
	}
	/* An empty comment is no comment: clients send it with every form. */
	if ((mine.has & T_COMMENT) && str_trim(mine.body.hidden).n == 0 && mine.upload_count + mine.token_count == 0)
		mine.has &= ~(unsigned)T_COMMENT;
	w.in = in = &mine;
	TRY(notes_only(cx, &mine));
	TRY(within_role(cx, &mine));
	TRY(fields_settle(cx, &mine, false));
	check_texts(cx, in);
	TRY(prepare(cx, &w, in->comment_public_set && !in->comment_public));
	TRY(store_write(cx, update_tx, &w));
	*out = w.t;
	if (audit != NULL)
		*audit = w.a;
	return OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

enum err
ticket_get(struct ctx *cx, int64_t id, struct ticket *out)
{
	struct ticket t;

	TRY(ticket_row(cx, id, &t));
	TRY(may_see(cx, &t));
	if (t.deleted_at)
		return fail(cx, E_ABSENT, NULL, "no such ticket");
	*out = t;
	return OK;
}

enum err
request_get(struct ctx *cx, int64_t id, struct ticket *out)
{
	struct ticket t;

	TRY(ticket_row(cx, id, &t));
	TRY(ticket_may(cx, MAY_READ_REQUEST, MAY_READ_REQUEST, &t));
	if (t.deleted_at)
		return fail(cx, E_ABSENT, NULL, "no such request");
	*out = t;
	return OK;
}

enum err
ticket_visible(struct ctx *cx, int64_t id)
{
	struct ticket t;

	return ticket_get(cx, id, &t);
}

enum err
ticket_many(struct ctx *cx, const int64_t *ids, int n, struct ticket **out, int *count)
{
	int got = 0;

	*out = NEW(cx->arena, struct ticket, n ? n : 1);
	for (int i = 0; i < n; i++) {
		enum err e = ticket_get(cx, ids[i], &(*out)[got]);
		if (e == E_ABSENT || e == E_DENIED)
			fail_forget(cx);
		else {
			TRY(e);
			got++;
		}
	}
	*count = got;
	return OK;
}
