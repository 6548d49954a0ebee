/* requests.c - /api/v2/requests: a ticket as its requester sees it. */
#include "api/in.h"

#define SHOWN "subject,description,custom_fields"

static void
json_request(struct json *j, struct ctx *cx, const char *base, const struct ticket *t)
{
	shows_of(cx, t);
	jw_obj(j);
	url_of(j, cx, base, "requests", t->id);
	jw_kint(j, "id", t->id);
	jw_kz(j, "status", t->status == TICKET_NEW || t->status == TICKET_HOLD ? "open" : status_name(t->status));
	jw_kz(j, "priority", priority_name(t->priority));
	jw_kz(j, "type", type_name(t->type));
	jw_kstr(j, "subject", reveal(cx, t->subject, TO_SHOW_ACTOR));
	jw_kstr(j, "description", reveal(cx, t->description, TO_SHOW_ACTOR));
	jw_kid(j, "organization_id", t->organization_id);
	json_via(j, cx, t->channel, (sensitive){ 0 });
	jw_kraw(j, "custom_fields", reveal(cx, fields_shown(cx, t), TO_SHOW_ACTOR));
	jw_kraw(j, "fields", reveal(cx, fields_shown(cx, t), TO_SHOW_ACTOR));
	jw_kid(j, "requester_id", t->requester_id);
	jw_key(j, "collaborator_ids");
	jw_arr(j);
	for (int i = 0; i < t->cc_count; i++)
		jw_int(j, t->cc[i]);
	jw_end_arr(j);
	jw_key(j, "email_cc_ids");
	jw_arr(j);
	for (int i = 0; i < t->cc_count; i++)
		jw_int(j, t->cc[i]);
	jw_end_arr(j);
	jw_kbool(j, "is_public", t->is_public);
	jw_ktime(j, "due_at", t->due_at);
	jw_kbool(j, "can_be_solved_by_me", t->assignee_id != 0 && t->status < TICKET_SOLVED && cx->actor
	    && cx->actor->user_id == t->requester_id);
	jw_kbool(j, "solved", t->status >= TICKET_SOLVED);
	jw_ktime(j, "created_at", t->created_at);
	jw_ktime(j, "updated_at", t->updated_at);
	jw_knull(j, "recipient");
	jw_kid(j, "followup_source_id", t->followup_source_id);
	jw_kid(j, "assignee_id", t->assignee_id);
	jw_kid(j, "group_id", t->group_id);
	jw_kid(j, "ticket_form_id", t->form_id);
	jw_kid(j, "custom_status_id", ticket_custom_status(cx, t));
	jw_end_obj(j);
}

static enum err
request_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int status, const struct ticket *t)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "request");
	json_request(&j, cx, z_of(cx, api_base(cx, rq)), t);
	jw_end_obj(&j);
	return look_one(cx, "ticket", t->id, SHOWN);
}

/* A private ticket (no public comment) is no request that anybody made. */
static enum err
get(struct ctx *cx, int64_t id, struct ticket *t)
{
	TRY(request_get(cx, id, t));
	if (!t->is_public && cx->actor->role == ROLE_END_USER)
		return fail(cx, E_ABSENT, NULL, "no such request");
	return OK;
}

static const char *const sorts[] = { "id", "updated_at", "status", "created_at", NULL };

static enum err
list_with(struct ctx *cx, struct http_req *rq, struct http_reply *rp, struct ticket_filter *f)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct ticket *t;
	struct json j;
	int64_t total = 0;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 3, 100, &p))
		return OK;
	f->sort = p.sort == 1 ? SORT_UPDATED : p.sort == 2 ? SORT_STATUS : SORT_ID;
	f->descending = p.descending;
	f->limit = p.limit + (p.cursor ? 1 : 0);
	f->offset = p.offset;
	f->after_set = p.after;
	f->before_set = p.before;
	f->after_value = p.value;
	f->after_id = p.id;
	TRY(ticket_list(cx, f, &t, &n));
	more = p.cursor && n > p.limit;
	if (more) {
		if (p.before)
			t++;
		n = p.limit;
	}
	if (!p.cursor)
		TRY(ticket_count(cx, f, &total));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "requests");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		if (t[i].is_public || cx->actor->role != ROLE_END_USER)
			json_request(&j, cx, base, &t[i]);
	jw_end_arr(&j);
#define PLACE(k) (struct place){ f->sort == SORT_UPDATED ? t[k].updated_at : f->sort == SORT_STATUS \
	? (int64_t)t[k].status : t[k].id, t[k].id }
	api_page_end(&j, cx, rq, &p, n, p.before ? true : more, n ? PLACE(0) : (struct place){ 0, 0 },
	    n ? PLACE(n - 1) : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_tickets(cx, t, n, SHOWN);
}

static int
statuses(const struct http_req *rq)
{
	const str *q = http_query(rq, "status");
	enum ticket_status s;
	str rest;
	int mask = 0;

	if (q == NULL)
		return 0;
	for (rest = *q; rest.n;)
		if (status_of(str_trim(str_cut(&rest, ',')), &s))
			mask |= s == TICKET_OPEN ? 1 << TICKET_NEW | 1 << TICKET_OPEN | 1 << TICKET_HOLD : 1 << s;
	return mask;
}

/* One's own, whatever one's role. */
static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .as_request = true, .requester_id = cx->actor->user_id, .status_mask = statuses(rq) };

	return list_with(cx, rq, rp, &f);
}

static enum err
list_open(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .as_request = true, .requester_id = cx->actor->user_id,
	    .status_mask = 1 << TICKET_NEW | 1 << TICKET_OPEN | 1 << TICKET_PENDING | 1 << TICKET_HOLD };

	return list_with(cx, rq, rp, &f);
}

static enum err
list_solved(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .as_request = true, .requester_id = cx->actor->user_id,
	    .status_mask = 1 << TICKET_SOLVED | 1 << TICKET_CLOSED };

	return list_with(cx, rq, rp, &f);
}

static enum err
list_ccd(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .as_request = true, .cc_id = cx->actor->user_id };

	return list_with(cx, rq, rp, &f);
}

/* Are all words of the query in the text, or in `more`? A phrase in quotes is one word, status: is a filter, a word that
 * begins with - may not be there. */
struct wanted { str word[32]; bool not[32]; int n; };

static bool
read_wanted(str rest, struct wanted *w, int *mask)
{
	w->n = 0;
	while ((rest = str_trim(rest)).n) {
		bool no = str_starts(rest, S("-"));
		str one;
		if (no)
			rest = str_sub(rest, 1, rest.n);
		if (str_starts(rest, S("\""))) {
			rest = str_sub(rest, 1, rest.n);
			one = str_cut(&rest, '"');
		} else
			one = str_cut(&rest, ' ');
		if (str_starts(one, S("status:"))) {
			enum ticket_status s;
			if (!status_of(str_sub(one, 7, one.n), &s))
				return false;
			*mask |= s == TICKET_OPEN ? 1 << TICKET_NEW | 1 << TICKET_OPEN | 1 << TICKET_HOLD : 1 << s;
			continue;
		}
		one = str_trim(one);
		if (str_ends(one, S("*")))
			one = str_sub(one, 0, one.n - 1);
		if (one.n == 0)
			continue;
		if (w->n == (int)COUNT(w->word))
			return false;
		w->not[w->n] = no;
		w->word[w->n++] = one;
	}
	return true;
}

/* The public words of a request: subject, description, and the comments if those are not enough. */
static enum err
has_wanted(struct ctx *cx, const struct ticket *t, const struct wanted *w, bool *yes)
{
	struct comment *c = NULL;
	int count = 0;

	*yes = true;
	for (int i = 0; i < w->n && *yes; i++) {
		bool in = str_findi(t->subject.hidden, w->word[i]) != SIZE_MAX || str_findi(t->description.hidden, w->word[i]) != SIZE_MAX;
		if (!in && t->comment_count > 1) {
			if (c == NULL)
				TRY(comment_list(cx, t->id, true, true, 0, 0, 100, &c, &count));
			for (int k = 0; k < count && !in; k++)
				in = str_findi(c[k].body.hidden, w->word[i]) != SIZE_MAX;
		}
		*yes = in != w->not[i];
	}
	return OK;
}

#define FOUND_MAX 1000               /* results of a search; Zendesk has no more either */

/* Through all of one's own requests, or of those one is copied on (?cc_id=), newest first; ?status= and
 * ?organization_id= narrow it down. The index is for staff: it holds notes, too. */
static enum err
search(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *query = http_query(rq, "query"), *org = http_query(rq, "organization_id"), *cc = http_query(rq, "cc_id");
	struct ticket_filter f = { .as_request = true, .descending = true, .limit = 500, .status_mask = statuses(rq) };
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t org_id = 0, cc_id = 0;
	struct wanted words;
	struct paging p;
	struct ticket *t, *hit;
	struct json j;
	int n, total = 0, k = 0;

	if (!api_paging(cx, rq, rp, NULL, 0, 100, &p))
		return OK;
	if (p.cursor)
		return api_errors(rp, 400, "InvalidPaginationParameter", "Invalid pagination parameter", "page must be an integer");
	if (p.offset + p.limit > FOUND_MAX)
		return api_error(rp, 422, "invalid", "Requested response size was greater than Search Response Limits");
	if (query == NULL || str_trim(*query).n == 0 || query->n > 1000)
		return api_error(rp, 400, "ParameterMissing", "Parameter query is required (at most 1000 bytes)");
	if (cc != NULL && str_eq(*cc, S("true")))
		cc_id = cx->actor->user_id;
	else if (cc != NULL && (!str_int(*cc, &cc_id) || cc_id <= 0))
		return api_error(rp, 400, "InvalidValue", "organization_id must be an id, cc_id an id or true");
	if (org != NULL && (!str_int(*org, &org_id) || org_id <= 0))
		return api_error(rp, 400, "InvalidValue", "organization_id must be an id, cc_id an id or true");
	if (!read_wanted(*query, &words, &f.status_mask))
		return api_error(rp, 400, "InvalidValue", "query has more than 32 words, or a status that is not known");
	if (cc_id == cx->actor->user_id)
		f.cc_id = cc_id;
	else
		f.requester_id = cx->actor->user_id;
	f.organization_id = org_id;
	hit = NEW(cx->arena, struct ticket, p.limit + 1);
	do {
		TRY(ticket_list(cx, &f, &t, &n));
		for (int i = 0; i < n && total < FOUND_MAX; i++) {
			bool all = t[i].is_public || cx->actor->role != ROLE_END_USER;
			if (all)
				TRY(has_wanted(cx, &t[i], &words, &all));
			if (!all)
				continue;
			if (total >= p.offset && k < p.limit)
				hit[k++] = t[i];
			total++;
		}
		if (n > 0) {
			f.after_set = true;
			f.after_value = f.after_id = t[n - 1].id;
		}
	} while (n == f.limit && total < FOUND_MAX);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "requests");
	jw_arr(&j);
	for (int i = 0; i < k; i++)
		json_request(&j, cx, base, &hit[i]);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, k, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_tickets(cx, hit, k, SHOWN);
}

static enum err
list_of_user(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .requester_id = rq->param[0] };
	struct user u;

	TRY(user_get(cx, rq->param[0], &u));
	return list_with(cx, rq, rp, &f);
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket t;

	TRY(get(cx, rq->param[0], &t));
	return request_reply(cx, rq, rp, 200, &t);
}

static enum err
create(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { 0 };
	struct ticket t;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "request", &obj));
	if (obj == NULL)
		return OK;
	ticket_new_fields(cx, obj, &ch);
	ch.has &= ~(unsigned)(T_SAFE | T_STATUS | T_ASSIGNEE | T_GROUP | T_ORG | T_SUBMITTER | T_TAGS | T_ADD_TAGS | T_REMOVE_TAGS);
	ch.tag_count = ch.drop_count = 0;
	ch.assignee_id = ch.group_id = ch.organization_id = ch.submitter_id = 0;
	if (ch.has & T_SUBJECT) {
		if (str_trim(ch.subject.hidden).n == 0)
			bad(cx, "subject", "BlankValue", "Subject: cannot be blank");
	} else
		bad(cx, "subject", "BlankValue", "Subject: cannot be blank");
	if (cx->actor->user_id == 0) {
		if (!api_of(cx)->conf.open_requests)
			return fail(cx, E_WHO, NULL, "sign in to make a request");
		if (ch.requester_email.hidden.n == 0)
			bad(cx, "requester", "BlankValue", "Requester: name and email cannot be blank");
		TRY(ticket_by_nobody(cx, &ch));
		TRY(bad_check(cx));
		gate_as_system(cx, "form");
		ch.channel = "web";
	}
	TRY(ticket_create(cx, &ch, &t, NULL));
	api_location(cx, rq, rp, "requests", t.id);
	return request_reply(cx, rq, rp, 201, &t);
}

static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_change ch = { 0 }, only = { 0 };
	struct ticket t;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "request", &obj));
	if (obj == NULL)
		return OK;
	TRY(get(cx, rq->param[0], &t));
	ticket_fields(cx, obj, &ch);
	/* Words, CCs, "solved": nothing else is changed through a request, not by staff either. */
	only.has = ch.has & (T_COMMENT | T_CC);
	only.body = ch.body;
	only.upload_token = ch.upload_token;
	only.token_count = ch.token_count;
	only.cc = ch.cc;
	only.cc_count = ch.cc_count;
	only.comment_public = only.comment_public_set = only.as_request = true;
	if (json_is_true(json_object_get(obj, "solved"))) {
		only.has |= T_STATUS;
		only.status = TICKET_SOLVED;
	}
	TRY(bad_check(cx));
	TRY(ticket_update(cx, rq->param[0], &only, &t, NULL));
	return request_reply(cx, rq, rp, 200, &t);
}

/* ---- comments ------------------------------------------------------------------------------------------------------ */

static void
json_request_comment(struct json *j, struct ctx *cx, const char *base, const struct comment *c)
{
	struct comment shown = *c;

	/* Addresses and clients of others are not for the requester. */
	shown.metadata = (sensitive){ 0 };
	shown.via_source = (sensitive){ 0 };
	json_comment(j, cx, base, &shown);
}

static enum err
comments(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const created[] = { "created_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p;
	struct comment *c;
	struct ticket t;
	struct json j;
	int64_t total = 0, *ids;
	int n;
	bool more;

	if (!api_paging(cx, rq, rp, created, 1, 100, &p))
		return OK;
	TRY(get(cx, rq->param[0], &t));
	TRY(comment_list(cx, t.id, true, p.descending, p.id, p.offset, p.limit + (p.cursor ? 1 : 0), &c, &n));
	more = p.cursor && n > p.limit;
	if (more)
		n = p.limit;
	if (!p.cursor)
		TRY(comment_count(cx, t.id, true, &total));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "comments");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_request_comment(&j, cx, base, &c[i]);
		ids[i] = c[i].author_id;
	}
	jw_end_arr(&j);
	TRY(sideload_users(&j, cx, base, ids, n));
	jw_key(&j, "organizations");
	jw_raw(&j, S("[]"));
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ c[0].id, c[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ c[n - 1].id, c[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	return look_one(cx, "ticket", t.id, "comments");
}

static enum err
comment_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct comment c;
	struct ticket t;
	struct json j;

	TRY(get(cx, rq->param[0], &t));
	TRY(comment_get_public(cx, t.id, rq->param[1], &c));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "comment");
	json_request_comment(&j, cx, z_of(cx, api_base(cx, rq)), &c);
	jw_end_obj(&j);
	return look_one(cx, "ticket", t.id, "comments");
}

/* Of an organization: an end user's own only, and of those what is shared. */
static enum err
list_of_org(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct ticket_filter f = { .organization_id = rq->param[0], .status_mask = statuses(rq) };
	struct organization o;

	if (cx->actor->role == ROLE_END_USER) {
		if (cx->actor->organization_id != rq->param[0])
			return fail(cx, E_ABSENT, NULL, "Not found");
	} else
		TRY(org_get(cx, rq->param[0], &o));
	return list_with(cx, rq, rp, &f);
}

const struct route request_routes[] = {
	{ GET,  "/api/v2/organizations/{id}/requests", MAY_READ_REQUEST, 0, list_of_org, 0 },
	{ GET,  "/api/v2/requests",                    MAY_READ_REQUEST, 0,       list,         0 },
	{ POST, "/api/v2/requests",                    MAY_ANYONE,       2 * MiB, create,       0 },
	{ GET,  "/api/v2/requests/search",             MAY_READ_REQUEST, 0,       search,       0 },
	{ GET,  "/api/v2/requests/open",               MAY_READ_REQUEST, 0,       list_open,    0 },
	{ GET,  "/api/v2/requests/solved",             MAY_READ_REQUEST, 0,       list_solved,  0 },
	{ GET,  "/api/v2/requests/ccd",                MAY_READ_REQUEST, 0,       list_ccd,     0 },
	{ GET,  "/api/v2/requests/{id}",               MAY_READ_REQUEST, 0,       show,         0 },
	{ PUT,  "/api/v2/requests/{id}",               MAY_READ_REQUEST, 2 * MiB, update,       0 },
	{ GET,  "/api/v2/requests/{id}/comments",      MAY_READ_REQUEST, 0,       comments,     0 },
	{ GET,  "/api/v2/requests/{id}/comments/{id}", MAY_READ_REQUEST, 0,       comment_show, 0 },
	{ GET,  "/api/v2/users/{id}/requests",         MAY_LIST_USERS,   0,       list_of_user, 0 },
	{ 0 }
};
