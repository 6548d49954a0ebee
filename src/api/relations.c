/* relations.c - what names a thing in a lookup field: /api/v2/zen:user/7/relationship_fields/401/zen:ticket.
 *
 * The index finds what has the number among its words; whoever has it in this
 * very field is shown, newest first, of the newest thousand that were found.
 */
#include "api/in.h"

enum { FOUND_MAX = 1000, FOUND_STEP = 100 };

static const struct type { const char *name, *word, *many, *shown; enum def_kind field; int found; } types[] = {
	{ "zen:ticket", "ticket", "tickets", "subject,description,tags,custom_fields,external_id", DEF_TICKET_FIELD, FOUND_TICKET },
	{ "zen:user", "user", "users", "name,email,phone", DEF_USER_FIELD, FOUND_USER },
	{ "zen:organization", "organization", "organizations", "name", DEF_ORG_FIELD, FOUND_ORG },
};

static const struct type *
type_of_word(str word)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_eq(word, str_of(types[i].name)))
			return &types[i];
	return NULL;
}

static enum err
there(struct ctx *cx, const struct type *t, int64_t id)
{
	struct organization o;
	struct user u;

	switch (t->found) {
	case FOUND_TICKET: return ticket_visible(cx, id);
	case FOUND_USER:   return user_get(cx, id, &u);
	default:           return org_get(cx, id, &o);
	}
}

static bool
names(struct ctx *cx, sensitive fields, str key, int64_t target)
{
	json_t *all;
	int64_t n = 0;
	str v;

	if (fields.hidden.n == 0 || json_parse(cx, reveal(cx, fields, TO_SCAN), &all) != OK) {
		fail_forget(cx);
		return false;
	}
	v = json_text(cx, json_object_get(all, z_of(cx, key)));
	return str_int(v, &n) && n == target;
}

/* Has this one the target in the field; one that went meanwhile has not. */
static enum err
has(struct ctx *cx, const struct type *t, const struct def *field, int64_t id, int64_t target, bool *yes)
{
	struct organization o;
	struct user u;
	enum err e = OK;

	*yes = t->found == FOUND_TICKET;             /* the query asked for the field */
	if (t->found == FOUND_USER && (e = user_get(cx, id, &u)) == OK)
		*yes = names(cx, u.user_fields, def_text(field, "key"), target);
	else if (t->found == FOUND_ORG && (e = org_get(cx, id, &o)) == OK)
		*yes = names(cx, o.fields, def_text(field, "key"), target);
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

static enum err
sources(struct ctx *cx, const struct type *t, const struct def *field, int64_t target, int64_t *ids, int *count)
{
	str of_field = t->found == FOUND_TICKET ? str_printf(cx->arena, "custom_field_%lld:", (long long)field->id) : S("");
	struct search_page sp = { .query = str_printf(cx->arena, "type:%s " STR_F "%lld", t->word, STR_A(of_field), (long long)target),
	    .limit = FOUND_STEP };
	struct found *f;
	int64_t total;
	int n;

	*count = 0;
	do {
		TRY(search_run(cx, &sp, &f, &n, &total));
		for (int i = 0; i < n; i++) {
			bool yes;
			TRY(has(cx, t, field, f[i].id, target, &yes));
			if (yes)
				ids[(*count)++] = f[i].id;
		}
		sp.offset += n;
	} while (n == FOUND_STEP && sp.offset < FOUND_MAX);
	return OK;
}

static enum err
show(struct ctx *cx, const char *base, struct json *j, const struct type *t, int64_t id)
{
	struct organization o;
	struct ticket k;
	struct user u;
	enum err e;

	switch (t->found) {
	case FOUND_TICKET:
		if ((e = ticket_get(cx, id, &k)) == OK) {
			shows_of(cx, &k);
			json_ticket(j, cx, base, &k, false);
		}
		break;
	case FOUND_USER:
		if ((e = user_get(cx, id, &u)) == OK)
			json_user(j, cx, base, &u);
		break;
	default:
		if ((e = org_get(cx, id, &o)) == OK)
			json_org(j, cx, base, &o);
		break;
	}
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		return OK;
	}
	return e;
}

static enum err
related(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const struct type *target = type_of_word(rq->word[0]), *source = type_of_word(rq->word[1]);
	const char *base = z_of(cx, api_base(cx, rq));
	int64_t ids[FOUND_MAX];
	struct place first, last;
	const struct defs *d;
	const struct def *field;
	struct paging p;
	struct json j;
	int n, from, to;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(defs_get(cx, &d));
	if (target == NULL || source == NULL || (field = def_find(d, source->field, rq->param[1])) == NULL
	    || !str_eq(def_text(field, "type"), S("lookup")) || !str_eq(def_text(field, "relationship_target_type"), rq->word[0])
	    || (source->found == FOUND_TICKET && !field_readable(cx, field->id)))
		return fail(cx, E_ABSENT, NULL, "no such field");
	TRY(there(cx, target, rq->param[0]));
	if (source->found == FOUND_TICKET && !field_searchable(cx, field->id))
		return api_error(rp, 422, "RecordInvalid", "Values of a field that not every role may read are not searched for");
	TRY(sources(cx, source, field, rq->param[0], ids, &n));
	api_cut(&p, ids, sizeof *ids, n, &from, &to, &more, &first, &last);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, source->many);
	jw_arr(&j);
	for (int i = from; i < to; i++)
		TRY(show(cx, base, &j, source, ids[i]));
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, to - from, more, first, last, n);
	jw_end_obj(&j);
	cx->looked = cx->looked || to == from;
	return to > from ? trail_look(cx, source->word, ids + from, to - from, source->shown) : OK;
}

const struct route relation_routes[] = {
	{ GET, "/api/v2/{word}/{id}/relationship_fields/{id}/{word}", MAY_SEARCH, 0, related, 0 },
	{ 0 }
};
