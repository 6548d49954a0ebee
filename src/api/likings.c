/* likings.c - /users/me/settings: how an agent likes the desk to look; and asking for another agent. */
#include "api/in.h"
#include "flow/flow.h"

/* Zendesk's own, with the value of who set none. */
static const struct { const char *section, *key, *otherwise; bool theme; } known[] = {
	{ "lotus", "agent_workspace_theme_preference", "\"0\"", true },
	{ "lotus", "agent_workspace_theme_preference_for_conversation_panel", "\"0\"", true },
	{ "lotus", "keyboard_shortcuts_enabled", "true", false },
	{ "lotus", "macro_shortcuts_enabled", "false", false },
	{ "lotus", "show_onboarding_tooltips", "true", false },
	{ "lotus", "show_welcome_dialog", "false", false },
	{ "admin_center", "has_admin_center_side_nav_open", "true", false },
};
enum { OTHERS_MAX = 50 };

static enum err
reply(struct ctx *cx, struct http_reply *rp)
{
	static const char *const sections[] = { "lotus", "admin_center" };
	json_t *mine, *v;
	struct json j;
	const char *key;
	str text;

	TRY(user_settings(cx, &text));
	TRY(json_parse(cx, text, &mine));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "settings");
	jw_obj(&j);
	for (size_t s = 0; s < COUNT(sections); s++) {
		json_t *own = json_object_get(mine, sections[s]);
		jw_key(&j, sections[s]);
		jw_obj(&j);
		for (size_t i = 0; i < COUNT(known); i++)
			if (strcmp(known[i].section, sections[s]) == 0 && json_object_get(own, known[i].key) == NULL)
				jw_kraw(&j, known[i].key, str_of(known[i].otherwise));
		json_object_foreach(own, key, v)
			jw_kraw(&j, key, json_compact(cx, v));
		if (s == 0)
			jw_kbool(&j, "two_factor_authentication", true);       /* everybody may have a second factor */
		jw_end_obj(&j);
	}
	v = json_object_get(mine, "shared_views_order");
	jw_kraw(&j, "shared_views_order", v ? json_compact(cx, v) : S("null"));
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	return reply(cx, rp);
}

static bool
plain_key(const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (!((key[i] >= 'a' && key[i] <= 'z') || (key[i] >= '0' && key[i] <= '9') || key[i] == '_'))
			return false;
	return n > 0 && n <= 64 && strcmp(key, "two_factor_authentication") != 0;
}

static void
take(struct ctx *cx, const char *section, const json_t *in, json_t *mine)
{
	json_t *own = json_object_get(mine, section), *v;
	const char *key;

	if (in == NULL)
		return;
	if (!json_is_object(in)) {
		bad(cx, section, "InvalidValue", "Settings: a section must be an object");
		return;
	}
	if (!json_is_object(own)) {
		own = json_object();
		json_object_set_new(mine, section, own);
	}
	json_object_foreach((json_t *)(uintptr_t)in, key, v) {
		bool ours = false;
		for (size_t i = 0; i < COUNT(known); i++)
			if (strcmp(known[i].section, section) == 0 && strcmp(known[i].key, key) == 0) {
				str s = json_text(cx, v);
				ours = true;
				if (known[i].theme ? !(s.n == 1 && s.p[0] >= '0' && s.p[0] <= '2') : !json_is_boolean(v))
					bad(cx, known[i].key, "InvalidValue", known[i].theme ? "Theme: must be \"0\", \"1\" or \"2\"" : "Setting: must be true or false");
			}
		if (!ours && (!plain_key(key) || !json_is_boolean(v)))
			continue;                              /* what nobody knows is read past */
		json_object_set(own, key, v);
	}
	if (json_object_size(own) > OTHERS_MAX)
		bad(cx, section, "TooManyValues", "Settings: there are more than 50");
}

static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *v, *one;
	json_t *mine, *copy;
	int64_t id;
	size_t i;
	str text;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	obj = json_object_get(obj, "settings");
	if (!json_is_object(obj) || json_object_size(obj) == 0)
		return api_error(rp, 400, "BadRequest", "settings must be an object with what is to change");
	TRY(user_settings(cx, &text));
	TRY(json_parse(cx, text, &mine));
	copy = json_deep_copy(mine);
	arena_defer(cx->arena, (void (*)(void *))json_decref, copy);
	take(cx, "lotus", json_object_get(obj, "lotus"), copy);
	take(cx, "admin_center", json_object_get(obj, "admin_center"), copy);
	v = json_object_get(obj, "shared_views_order");
	if (json_is_null(v))
		json_object_del(copy, "shared_views_order");
	else if (v != NULL) {
		if (!json_is_array(v) || json_array_size(v) > 1000)
			bad(cx, "shared_views_order", "InvalidValue", "Shared views order: must be an array of at most 1000 ids");
		json_array_foreach((json_t *)(uintptr_t)v, i, one)
			if (!json_is_integer(one) || !json_id(one, &id)) {
				bad(cx, "shared_views_order", "InvalidValue", "Shared views order: must be an array of ids");
				break;
			}
		json_object_set(copy, "shared_views_order", (json_t *)(uintptr_t)v);
	}
	TRY(bad_check(cx));
	TRY(user_settings_set(cx, json_compact(cx, copy)));
	return reply(cx, rp);
}

/* ---- asking for another agent ---------------------------------------------------------------------------- */

/* An administrator hears of it by a mail without words of anybody; who it is for is in the trail. */
static enum err
ask_tx(struct ctx *cx, void *arg)
{
	struct user *in = arg;
	struct trail_field f[] = { { .name = "name", .after = in->name, .has_after = true }, { .name = "email", .after = in->email, .has_after = true } };
	struct user_filter all = { .role_mask = 1 << ROLE_ADMIN, .limit = 20 };
	struct user *u;
	int n;

	TRY(trail_append(cx, &(struct event){ .action = "user.request", .object = "user", .id = cx->actor->user_id, .field = f, .count = 2 }));
	if (!flow_mail_on(cx))
		return OK;
	TRY(user_list(cx, &all, &u, &n));
	for (int i = 0; i < n; i++)
		if (u[i].role == ROLE_ADMIN && !u[i].suspended && email_valid(u[i].email.hidden))
			TRY(flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .event = "user_request", .user_id = u[i].id, .to = u[i].email, .to_name = u[i].name,
			    .staff = true, .line = "An agent asks for another agent to be added. Who asks, and for whom, is in the trail.", .link = HIDE(S("/admin/people")) }, NULL));
	return OK;
}

static enum err
ask(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;
	struct user in = { .id = 0 };

	TRY(api_body(cx, rq, rp, "user", &obj));
	if (obj == NULL)
		return OK;
	in.name = HIDE(str_trim(json_text(cx, json_object_get(obj, "name"))));
	in.email = HIDE(str_trim(json_text(cx, json_object_get(obj, "email"))));
	if (in.name.hidden.n == 0 || in.name.hidden.n > 255)
		bad(cx, "name", "BlankValue", "Name: must be a text of at most 255 bytes");
	if (!email_valid(in.email.hidden))
		bad(cx, "email", "InvalidFormat", "Email: is not properly formatted");
	TRY(bad_check(cx));
	TRY(store_write(cx, ask_tx, &in));
	api_empty(rp, 200);
	return OK;
}

const struct route liking_routes[] = {
	{ GET,  "/api/v2/users/me/settings",    MAY_READ_TICKET,   0,        show,   0 },
	{ PUT,  "/api/v2/users/me/settings",    MAY_READ_TICKET,   64 * KiB, update, 0 },
	{ POST, "/api/v2/users/request_create", MAY_CREATE_TICKET, 16 * KiB, ask,    0 },
	{ 0 }
};
