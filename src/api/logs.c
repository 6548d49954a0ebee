/* logs.c - /api/v2/audit_logs and /access_logs, read from the trail. */
#include <stdlib.h>

#include "api/in.h"

/* filter[x]; the first of that name. */
static const str *
filter(const struct http_req *rq, const char *name)
{
	return http_query(rq, name);
}

static bool
filter_id(const struct http_req *rq, struct http_reply *rp, const char *name, int64_t *out)
{
	const str *v = filter(rq, name);

	if (v == NULL || (str_int(*v, out) && *out > 0))
		return true;
	(void)!api_errors(rp, 400, "InvalidFilter", "Invalid filter", "an id filter must be a positive integer");
	return false;
}

/* filter[created_at] is given twice: from, to. */
static bool
filter_times(const struct http_req *rq, struct http_reply *rp, struct trail_filter *f)
{
	int seen = 0;

	for (int i = 0; i < rq->query_count; i++) {
		str name = rq->query[i].name;
		if (!str_eq(name, S("filter[created_at]")) && !str_eq(name, S("filter[created_at][]")))
			continue;
		if (!time_parse(rq->query[i].value, seen == 0 ? &f->from : &f->to)) {
			(void)!api_errors(rp, 400, "InvalidFilter", "Invalid filter", "filter[created_at] must be a time, given twice");
			return false;
		}
		seen++;
	}
	return true;
}

/* Zendesk's five words for what was done. */
static const char *
action_word(str action)
{
	str verb = action;

	(void)str_cut(&verb, '.');
	if (str_starts(verb, S("create")) || str_eq(verb, S("upload")))
		return "create";
	if (str_starts(verb, S("delete")) || str_eq(verb, S("purge")) || str_eq(verb, S("revoke")) || str_starts(verb, S("redact")))
		return "destroy";
	if (str_starts(verb, S("login")))
		return "login";
	if (str_starts(verb, S("export")))
		return "exported";
	return "update";
}

static const char *
action_label(const char *word)
{
	return strcmp(word, "create") == 0 ? "Created" : strcmp(word, "destroy") == 0 ? "Deleted"
	    : strcmp(word, "login") == 0 ? "Signed in" : strcmp(word, "exported") == 0 ? "Exported" : "Updated";
}

struct names { int64_t *id; str *name; bool *staff; int n; };

static enum err
actor_names(struct ctx *cx, const struct trail_event *e, int n, struct names *out)
{
	struct user *u;
	int count;

	out->id = NEW(cx->arena, int64_t, n + 1);
	for (int i = 0; i < n; i++)
		out->id[i] = e[i].actor_id;
	out->n = ids_unique(out->id, n);
	TRY(user_many(cx, out->id, out->n, &u, &count));
	out->name = NEW(cx->arena, str, count + 1);
	out->staff = NEW(cx->arena, bool, count + 1);
	for (int i = 0; i < count; i++) {
		out->id[i] = u[i].id;
		out->staff[i] = u[i].role >= ROLE_AGENT;
		out->name[i] = out->staff[i] ? reveal_clear(cx, u[i].name) : reveal(cx, u[i].name, TO_SHOW_ACTOR);
	}
	out->n = count;
	return OK;
}

static str
name_of(const struct names *names, int64_t id)
{
	for (int i = 0; i < names->n; i++)
		if (names->id[i] == id)
			return names->name[i];
	return id == 0 ? S("System") : S("");
}

/* From where: of staff it is shown to whoever reads the trail, of a patient it identifies one. */
static str
address_of(struct ctx *cx, const struct names *names, const struct trail_event *e)
{
	for (int i = 0; i < names->n; i++)
		if (names->id[i] == e->actor_id && names->staff[i])
			return reveal_clear(cx, e->address);
	return reveal(cx, e->address, TO_SHOW_ACTOR);
}

/* What changed, in words: names of fields with before and after where they are kept. */
static str
describe(struct ctx *cx, const struct trail_event *e)
{
	int64_t custom;
	struct buf b;

	buf_init(&b, cx->arena, 64 * KiB);
	for (int i = 0; i < e->field_count; i++) {
		if (b.n)
			buf_add(&b, S("; "));
		buf_add(&b, e->field[i].name);
		if (e->field[i].cause.n)
			buf_add(&b, str_printf(cx->arena, " (" STR_F ")", STR_A(e->field[i].cause)));
		/* A custom field goes by its number; its value is for who may read the field. */
		if (str_eq(e->object, S("ticket")) && str_int(e->field[i].name, &custom) && !field_readable(cx, custom)) {
			buf_add(&b, S(" (not shown)"));
			continue;
		}
		if (e->field[i].erased) {
			buf_add(&b, S(" (erased)"));
			continue;
		}
		if (e->field[i].has_before) {
			buf_add(&b, S(" from "));
			buf_add(&b, str_sub(reveal(cx, e->field[i].before, TO_SHOW_ACTOR), 0, 200));
		}
		if (e->field[i].has_after && e->field[i].after.hidden.n) {
			buf_add(&b, S(" to "));
			buf_add(&b, str_sub(reveal(cx, e->field[i].after, TO_SHOW_ACTOR), 0, 200));
		}
	}
	return buf_str(&b);
}

/* What changed, field by field: for who compares. */
static void
json_changes(struct json *j, struct ctx *cx, const struct trail_event *e)
{
	int64_t custom;

	jw_key(j, "ward_changes");
	jw_arr(j);
	for (int i = 0; i < e->field_count; i++) {
		bool hidden = str_eq(e->object, S("ticket")) && str_int(e->field[i].name, &custom) && !field_readable(cx, custom);
		bool shown = !hidden && !e->field[i].erased;
		jw_obj(j);
		jw_kstr(j, "field", e->field[i].name);
		jw_kstr(j, "cause", e->field[i].cause);
		jw_kbool(j, "erased", e->field[i].erased);
		jw_kbool(j, "hidden", hidden);
		jw_kstr(j, "before", shown && e->field[i].has_before ? reveal(cx, e->field[i].before, TO_SHOW_ACTOR) : S(""));
		jw_kstr(j, "after", shown && e->field[i].has_after ? reveal(cx, e->field[i].after, TO_SHOW_ACTOR) : S(""));
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static void
json_audit_log(struct json *j, struct ctx *cx, const char *base, const struct trail_event *e, const struct names *names)
{
	const char *word = action_word(e->action);

	if (!actor_sees_phi(cx->actor) && (str_eq(e->object, S("ticket")) || e->parent != 0))
		desk_about(cx, str_eq(e->object, S("ticket")) ? e->object_id : e->parent);

	jw_obj(j);
	url_of(j, cx, base, "audit_logs", e->seq);
	jw_kint(j, "id", e->seq);
	jw_kstr(j, "action", str_of(word));
	jw_kz(j, "action_label", action_label(word));
	jw_kid(j, "actor_id", e->actor_id);
	jw_kstr(j, "actor_name", name_of(names, e->actor_id));
	jw_kid(j, "source_id", e->object_id);
	jw_kstr(j, "source_type", e->object);
	jw_kstr(j, "source_label", str_printf(cx->arena, STR_F " %lld", STR_A(e->object), (long long)e->object_id));
	jw_kstr(j, "change_description", describe(cx, e));
	jw_kstr(j, "ward_action", e->action);
	json_changes(j, cx, e);
	jw_kstr(j, "ward_hash", hex_of(cx->arena, e->hash));
	jw_kstr(j, "ip_address", address_of(cx, names, e));
	jw_ktime(j, "created_at", e->at);
	jw_end_obj(j);
}

/* False: an error is in rp. */
static bool
change_filter(const struct http_req *rq, struct http_reply *rp, struct trail_filter *f)
{
	const str *type = filter(rq, "filter[source_type]"), *action = filter(rq, "filter[ward_action]");

	if (!filter_id(rq, rp, "filter[actor_id]", &f->actor_id) || !filter_id(rq, rp, "filter[source_id]", &f->object_id)
	    || !filter_times(rq, rp, f))
		return false;
	if (f->object_id && type == NULL) {
		(void)!api_errors(rp, 400, "InvalidFilter", "Invalid filter", "filter[source_id] needs filter[source_type]");
		return false;
	}
	if (type != NULL)
		f->object = *type;
	if (action != NULL)
		f->action = *action;
	return true;
}

static bool
look_filter(const struct http_req *rq, struct http_reply *rp, struct trail_filter *f)
{
	const str *start = filter(rq, "filter[start]"), *end = filter(rq, "filter[end]"), *object = filter(rq, "filter[object]");

	if (!filter_id(rq, rp, "filter[user_id]", &f->actor_id) || !filter_id(rq, rp, "filter[object_id]", &f->object_id))
		return false;
	if (object != NULL)
		f->object = *object;
	if ((start == NULL || time_parse(*start, &f->from)) && (end == NULL || time_parse(*end, &f->to)))
		return true;
	(void)!api_errors(rp, 400, "InvalidFilter", "Invalid filter", "filter[start] and filter[end] must be times");
	return false;
}

static enum err
audit_logs(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "created_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct trail_filter f = { .kind = TRAIL_CHANGE };
	struct trail_event *e;
	struct names names;
	struct paging p;
	struct json j;
	int64_t total = 0, shown[1] = { 0 };
	int n, skip = 0;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	if (!change_filter(rq, rp, &f))
		return OK;
	/* Newest first unless sort=created_at or sort_order=asc says otherwise. */
	f.oldest_first = p.cursor ? http_query(rq, "sort") != NULL && !p.descending : api_query_is(rq, "sort_order", "asc");
	if (p.after)
		*(f.oldest_first ? &f.after_seq : &f.before_seq) = p.id;
	if (p.before) {
		*(f.oldest_first ? &f.before_seq : &f.after_seq) = p.id;
		f.oldest_first = !f.oldest_first;
	}
	skip = (int)p.offset;
	f.limit = p.limit + skip + 1;
	TRY(trail_list(cx, &f, &e, &n));
	if (skip > n)
		skip = n;
	e += skip;
	n -= skip;
	more = n > p.limit;
	if (more)
		n = p.limit;
	if (p.before)
		for (int i = 0; i < n / 2; i++) {
			struct trail_event swap = e[i];
			e[i] = e[n - 1 - i];
			e[n - 1 - i] = swap;
		}
	total = p.offset + n + (more ? 1 : 0);
	TRY(actor_names(cx, e, n, &names));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "audit_logs");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_audit_log(&j, cx, base, &e[i], &names);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? (struct place){ e[0].seq, e[0].seq } : (struct place){ 0, 0 },
	    n ? (struct place){ e[n - 1].seq, e[n - 1].seq } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return trail_look(cx, "audit_log", shown, 1, "events");
}

static enum err
audit_log_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct trail_filter f = { .kind = TRAIL_CHANGE, .after_seq = rq->param[0] - 1, .oldest_first = true, .limit = 1 };
	struct trail_event *e;
	struct names names;
	struct json j;
	int n;

	if (f.after_seq == 0) {
		f.after_seq = 0;
		f.before_seq = 2;
	}
	TRY(trail_list(cx, &f, &e, &n));
	if (n == 0 || e->seq != rq->param[0])
		return fail(cx, E_ABSENT, NULL, "no such event");
	TRY(actor_names(cx, e, 1, &names));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "audit_log");
	json_audit_log(&j, cx, z_of(cx, api_base(cx, rq)), e, &names);
	jw_end_obj(&j);
	return look_one(cx, "audit_log", e->seq, "events");
}

/* A ULID (26 characters of Crockford's base 32): 48 bits of milliseconds, the
 * rest is the event's number, so it sorts as the trail does. */
static str
ulid(struct ctx *cx, const struct trail_event *e)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t ms = (uint64_t)(e->at / 1000), seq = (uint64_t)e->seq;
	char out[26];

	for (int i = 25; i >= 10; i--) {
		out[i] = digits[seq & 31];
		seq >>= 5;
	}
	for (int i = 9; i >= 0; i--) {
		out[i] = digits[ms & 31];
		ms >>= 5;
	}
	return str_dup(cx->arena, (str){ out, sizeof out });
}

/* ---- who saw a person: looks at the record and at each ticket that the person asked for ------------------------------ */

enum { PERSON_TICKETS = 500 };          /* the newest of them, and as many deleted ones */

static int
newest_first(const void *a, const void *b)
{
	const struct trail_event *x = a, *y = b;

	return x->seq < y->seq ? 1 : x->seq > y->seq ? -1 : 0;
}

static enum err
person_looks(struct ctx *cx, const struct trail_filter *f, int64_t person, struct trail_event **out, int *count)
{
	struct ticket_filter of = { .requester_id = person, .sort = SORT_ID, .descending = true, .limit = PERSON_TICKETS };
	struct trail_filter one = *f;
	struct trail_event *e, *all = NULL;
	struct ticket *t;
	const struct actor *who = cx->actor;
	enum err got;
	int64_t *ids = NEW(cx->arena, int64_t, 2 * PERSON_TICKETS);
	int n, tickets = 0, have = 0, room = 0;

	for (int gone = 0; gone < 2; gone++) {
		of.deleted = gone;
		/* Proof is of all tickets, those of private groups too; only their numbers are used. */
		gate_as_system(cx, "looks");
		got = ticket_list(cx, &of, &t, &n);
		cx->actor = who;
		TRY(got);
		for (int i = 0; i < n && tickets < 2 * PERSON_TICKETS; i++)
			ids[tickets++] = t[i].id;
	}
	for (int i = -1; i < tickets; i++) {
		one.object = i < 0 ? S("user") : S("ticket");
		one.object_id = i < 0 ? person : ids[i];
		TRY(trail_list(cx, &one, &e, &n));
		if (have + n > room) {
			struct trail_event *more = NEW(cx->arena, struct trail_event, (have + n) * 2);
			if (have)
				memcpy(more, all, sizeof *more * (size_t)have);
			all = more;
			room = (have + n) * 2;
		}
		if (n)
			memcpy(all + have, e, sizeof *all * (size_t)n);
		have += n;
		/* Only the newest `limit` can be shown. */
		if (have > 4 * f->limit || i == tickets - 1) {
			int kept = 0;
			qsort(all, (size_t)have, sizeof *all, newest_first);
			for (int k = 0; k < have && kept < f->limit; k++)
				if (kept == 0 || all[k].seq != all[kept - 1].seq)      /* a look at several of them is one event */
					all[kept++] = all[k];
			have = kept;
		}
	}
	*out = all;
	*count = have;
	return OK;
}

static enum err
access_logs(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "timestamp", "created_at", NULL };
	struct trail_filter f = { .kind = TRAIL_LOOK };
	const str *size = http_query(rq, "page[size]"), *sort = http_query(rq, "sort");
	struct http_req copy = *rq;
	int64_t person = 0;
	struct trail_event *e;
	struct names names;
	struct paging p;
	struct json j;
	int64_t shown[1] = { 0 };
	int n;
	bool more;

	/* Cursor only, 1000 a page unless asked otherwise, at most 2500. */
	if (!api_paging(cx, &copy, rp, sorts, 2, 2500, &p))
		return OK;
	p.cursor = true;
	if (size == NULL)
		p.limit = 1000;
	if (!look_filter(rq, rp, &f) || !filter_id(rq, rp, "filter[person_id]", &person))
		return OK;
	if (person && (f.object.n || (sort != NULL && !p.descending)))
		return api_errors(rp, 400, "InvalidFilter", "Invalid filter", "filter[person_id] goes without filter[object], newest first");
	f.oldest_first = sort != NULL && !p.descending;
	if (p.after)
		*(f.oldest_first ? &f.after_seq : &f.before_seq) = p.id;
	if (p.before)
		*(f.oldest_first ? &f.before_seq : &f.after_seq) = p.id;
	f.limit = p.limit + 1;
	TRY(person ? person_looks(cx, &f, person, &e, &n) : trail_list(cx, &f, &e, &n));
	more = n > p.limit;
	if (more)
		n = p.limit;
	TRY(actor_names(cx, e, n, &names));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "access_logs");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		jw_kstr(&j, "id", ulid(cx, &e[i]));
		jw_ktime(&j, "timestamp", e[i].at);
		jw_kid(&j, "user_id", e[i].actor_id);
		jw_kstr(&j, "ip_address", address_of(cx, &names, &e[i]));
		jw_kz(&j, "method", "GET");
		jw_kstr(&j, "url", e[i].object_id ? str_printf(cx->arena, "/api/v2/" STR_F "s/%lld", STR_A(e[i].object),
		    (long long)e[i].object_id) : str_printf(cx->arena, "/api/v2/" STR_F "s", STR_A(e[i].object)));
		jw_kint(&j, "status", 200);
		jw_kstr(&j, "authorization_type", e[i].how);
		jw_kstr(&j, "client", reveal(cx, e[i].client, TO_SHOW_ACTOR));
		jw_knull(&j, "referer");
		jw_knull(&j, "bytes_sent");
		jw_kstr(&j, "category", e[i].object);
		jw_kstr(&j, "summary", e[i].shown);
		jw_knull(&j, "graphql");
		jw_kstr(&j, "object", e[i].object);
		jw_key(&j, "object_ids");
		jw_arr(&j);
		for (int k = 0; k < e[i].id_count; k++)
			jw_int(&j, e[i].ids[k]);
		jw_end_arr(&j);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ e[0].seq, e[0].seq } : (struct place){ 0, 0 },
	    n ? (struct place){ e[n - 1].seq, e[n - 1].seq } : (struct place){ 0, 0 }, 0);
	jw_end_obj(&j);
	return trail_look(cx, "access_log", shown, 1, "events");
}

/* ---- as CSV: what the filters name, newest first, CSV_MAX events looked at; a header says where it goes on ---------------------------------------------------- */

enum { CSV_MAX = 10000, CSV_STEP = 500 };

static str
number(struct ctx *cx, int64_t n)
{
	return n ? str_printf(cx->arena, "%lld", (long long)n) : S("");
}

static void
csv_line(struct ctx *cx, struct buf *b, const struct trail_event *e, const struct names *names)
{
	struct buf ids;

	if (e->kind == TRAIL_CHANGE && !actor_sees_phi(cx->actor) && (str_eq(e->object, S("ticket")) || e->parent != 0))
		desk_about(cx, str_eq(e->object, S("ticket")) ? e->object_id : e->parent);
	buf_init(&ids, cx->arena, 64 * KiB);
	for (int i = 0; i < e->id_count; i++)
		buf_fmt(&ids, "%s%lld", i ? " " : "", (long long)e->ids[i]);
	csv_cell(b, true, number(cx, e->seq));
	csv_cell(b, false, time_iso(cx->arena, e->at));
	csv_cell(b, false, number(cx, e->actor_id));
	csv_cell(b, false, name_of(names, e->actor_id));
	csv_cell(b, false, e->action);
	csv_cell(b, false, e->object);
	csv_cell(b, false, e->id_count ? buf_str(&ids) : number(cx, e->object_id));
	csv_cell(b, false, e->kind == TRAIL_LOOK ? e->shown : describe(cx, e));
	csv_cell(b, false, address_of(cx, names, e));
	csv_cell(b, false, hex_of(cx->arena, e->hash));
	buf_add(b, S("\r\n"));
}

/* What the list cannot be narrowed by, looked at row by row. */
static bool
wanted(struct ctx *cx, const struct http_req *rq, const struct trail_event *e, const struct names *names)
{
	const str *action = filter(rq, "filter[action]"), *address = filter(rq, "filter[ip_address]");

	return (action == NULL || str_eq(*action, str_of(action_word(e->action))))
	    && (address == NULL || str_eq(*address, address_of(cx, names, e)));
}

/* Where the same goes on: this query, from there on. */
static str
csv_from(struct ctx *cx, const struct http_req *rq, int64_t before)
{
	struct buf b;

	buf_init(&b, cx->arena, 16 * KiB);
	buf_add(&b, api_base(cx, rq));
	buf_fmt(&b, "/api/ward/v1/trail/csv?before=%lld", (long long)before);
	for (int i = 0; i < rq->query_count; i++)
		if (str_starts(rq->query[i].name, S("filter["))) {
			buf_byte(&b, '&');
			buf_percent(&b, rq->query[i].name);
			buf_byte(&b, '=');
			buf_percent(&b, rq->query[i].value);
		}
	return buf_str(&b);
}

static enum err
csv(struct ctx *cx, struct http_req *rq, struct http_reply *rp, enum trail_kind kind)
{
	struct trail_filter f = { .kind = kind, .limit = CSV_STEP };
	const str *before = http_query(rq, "before");
	struct trail_event *e;
	struct names names;
	int64_t shown[1] = { 0 }, person = 0;
	int rows = 0, n;

	if (!(kind == TRAIL_LOOK ? look_filter(rq, rp, &f) && filter_id(rq, rp, "filter[person_id]", &person) : change_filter(rq, rp, &f)))
		return OK;
	if (before != NULL && (!str_int(*before, &f.before_seq) || f.before_seq <= 0))
		return api_errors(rp, 400, "InvalidFilter", "Invalid filter", "before must be the number of an event");
	rp->status = 200;
	rp->type = "text/csv; charset=utf-8";
	http_head(rp, "Content-Disposition", kind == TRAIL_LOOK ? S("attachment; filename=\"who-saw-what.csv\"") : S("attachment; filename=\"trail.csv\""));
	buf_fmt(&rp->body, "event,at,actor_id,actor,action,object,object_id,%s,address,hash\r\n", kind == TRAIL_LOOK ? "fields" : "change");
	do {
		TRY(person ? person_looks(cx, &f, person, &e, &n) : trail_list(cx, &f, &e, &n));
		TRY(actor_names(cx, e, n, &names));
		for (int i = 0; i < n; i++)
			if (kind == TRAIL_LOOK || wanted(cx, rq, &e[i], &names))
				csv_line(cx, &rp->body, &e[i], &names);
		rows += n;
		if (n > 0)
			f.before_seq = e[n - 1].seq;
	} while (n == CSV_STEP && rows < CSV_MAX);
	if (n == CSV_STEP && kind == TRAIL_CHANGE)
		http_head(rp, "Link", str_printf(cx->arena, "<" STR_F ">; rel=\"next\"", STR_A(csv_from(cx, rq, f.before_seq))));
	return trail_look(cx, kind == TRAIL_LOOK ? "access_log" : "audit_log", shown, 1, "events");
}

static enum err
changes_csv(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return csv(cx, rq, rp, TRAIL_CHANGE);
}

static enum err
looks_csv(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return csv(cx, rq, rp, TRAIL_LOOK);
}

static enum err
export_tx(struct ctx *cx, void *arg UNUSED)
{
	return trail_append(cx, &(struct event){ .action = "audit_log.export", .object = "account", .id = cx->account });
}

/* Nothing is written down: a copy would outlive what is erased. The CSV is made of the trail as it is when it is fetched,
 * up to the event of this request. */
static enum err
export(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct trail_filter f = { .kind = TRAIL_CHANGE }, last = { .limit = 1 };
	struct trail_event *e;
	int n;

	if (!change_filter(rq, rp, &f))
		return OK;
	TRY(store_write(cx, export_tx, NULL));
	TRY(trail_list(cx, &last, &e, &n));
	api_empty(rp, 202);
	http_head(rp, "Location", csv_from(cx, rq, n ? e->seq + 1 : 1));
	return OK;
}

const struct route log_routes[] = {
	{ POST, "/api/v2/audit_logs/export", MAY_READ_TRAIL, 16 * KiB, export, 0 },
	{ GET, "/api/v2/audit_logs",      MAY_READ_TRAIL, 0, audit_logs,     0 },
	{ GET, "/api/v2/audit_logs/{id}", MAY_READ_TRAIL, 0, audit_log_show, 0 },
	{ GET, "/api/v2/access_logs",     MAY_READ_TRAIL, 0, access_logs,    0 },
	{ GET, "/api/ward/v1/trail/csv",  MAY_READ_TRAIL, 0, changes_csv,    0 },
	{ GET, "/api/ward/v1/looks/csv",  MAY_READ_TRAIL, 0, looks_csv,      0 },
	{ 0 }
};
