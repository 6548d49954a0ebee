/* brand_agents.c - /api/v2/brand_agents: which agents work for which brands.
 *
 * Every agent works for every brand, so a membership is not kept: it is an agent
 * and an active brand, its id "AGENT-BRAND", and it is there for as long as both
 * are. The list goes by agents, and through the brands of each: place n is
 * brand n % brands of agent n / brands.
 */
#include "api/in.h"

#define STAFF (1 << ROLE_AGENT | 1 << ROLE_ADMIN)

struct member { const struct user *user; const struct def *brand; };

static void
json_member(struct json *j, struct ctx *cx, const char *base, const struct member *m)
{
	usec made = m->user->created_at > m->brand->created_at ? m->user->created_at : m->brand->created_at;
	str id = str_printf(cx->arena, "%lld-%lld", (long long)m->user->id, (long long)m->brand->id);

	jw_obj(j);
	jw_kstr(j, "url", str_printf(cx->arena, "%s/api/v2/brand_agents/" STR_F ".json", base, STR_A(id)));
	jw_kstr(j, "id", id);
	jw_kint(j, "user_id", m->user->id);
	jw_kint(j, "brand_id", m->brand->id);
	jw_ktime(j, "created_at", made);
	jw_ktime(j, "updated_at", made);
	jw_end_obj(j);
}

/* Active brands by id; or the one that is asked for. */
static enum err
brands_of(struct ctx *cx, int64_t only, const struct def ***out, int *count)
{
	const struct def *const *all;
	const struct defs *d;
	int n, kept = 0;

	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_BRAND, &n);
	*out = arena_alloc(cx->arena, sizeof **out, (size_t)n + 1, 16);
	for (int i = 0; i < n; i++) {
		int at = kept;
		if (!all[i]->active || (only && all[i]->id != only))
			continue;
		for (; at > 0 && (*out)[at - 1]->id > all[i]->id; at--)
			(*out)[at] = (*out)[at - 1];
		(*out)[at] = all[i];
		kept++;
	}
	*count = kept;
	return only && kept == 0 ? fail(cx, E_ABSENT, NULL, "no such brand") : OK;
}

static bool
works(const struct user *u)
{
	return u->active && u->role >= ROLE_AGENT;
}

static enum err
list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	bool of_user = str_starts(rq->path, S("/api/v2/users/")), of_brand = str_starts(rq->path, S("/api/v2/brands/"));
	const char *base = z_of(cx, api_base(cx, rq));
	struct user_filter f = { .role_mask = STAFF };
	const struct def **brand;
	int64_t total = 1, from, n;
	struct user *u, one;
	struct paging p;
	struct json j;
	int brands, users;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(brands_of(cx, of_brand ? rq->param[0] : 0, &brand, &brands));
	if (of_user) {
		TRY(user_get(cx, rq->param[0], &one));
		total = works(&one);
	} else
		TRY(user_count(cx, &f, &total));
	total *= brands;
	from = !p.cursor ? p.offset : p.after ? p.id + 1 : p.before ? p.id - p.limit : 0;
	n = p.before ? p.id : from + p.limit;
	from = from < 0 ? 0 : from < total ? from : total;
	n = (n < total ? n : total) - from;
	if (n < 0)
		n = 0;
	u = &one;
	users = 1;
	if (!of_user && n > 0) {
		f.offset = from / brands;
		f.limit = (int)((from + n - 1) / brands - f.offset + 1);
		TRY(user_list(cx, &f, &u, &users));
	}
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "brand_agents");
	jw_arr(&j);
	for (int64_t i = from; i < from + n && i / brands - f.offset < users; i++)
		json_member(&j, cx, base, &(struct member){ &u[i / brands - f.offset], brand[i % brands] });
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, (int)n, p.before ? from > 0 : from + n < total, (struct place){ from, from },
	    (struct place){ from + n - 1, from + n - 1 }, total);
	jw_end_obj(&j);
	return OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str rest = rq->word[0], first = str_cut(&rest, '-');
	const struct def **brand;
	int64_t user_id, brand_id;
	struct user u;
	struct json j;
	int n;

	if (!str_int(first, &user_id) || !str_int(rest, &brand_id) || user_id <= 0 || brand_id <= 0
	    || (rq->param[0] != 0 && rq->param[0] != user_id))
		return fail(cx, E_ABSENT, NULL, "no such membership");
	TRY(user_get(cx, user_id, &u));
	if (!works(&u))
		return fail(cx, E_ABSENT, NULL, "no such membership");
	TRY(brands_of(cx, brand_id, &brand, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "brand_agent");
	json_member(&j, cx, z_of(cx, api_base(cx, rq)), &(struct member){ &u, brand[0] });
	jw_end_obj(&j);
	return OK;
}

const struct route brand_agent_routes[] = {
	{ GET, "/api/v2/brand_agents",                   MAY_ADMIN, 0, list, 0 },
	{ GET, "/api/v2/brand_agents/{word}",            MAY_ADMIN, 0, show, 0 },
	{ GET, "/api/v2/brands/{id}/agents",             MAY_ADMIN, 0, list, 0 },
	{ GET, "/api/v2/users/{id}/brand_agents",        MAY_ADMIN, 0, list, 0 },
	{ GET, "/api/v2/users/{id}/brand_agents/{word}", MAY_ADMIN, 0, show, 0 },
	{ 0 }
};
