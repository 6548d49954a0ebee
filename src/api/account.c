/* account.c - the account's settings, its languages, what requesters said, and tickets that agents passed by. */
#include "api/in.h"

/* ---- locales: what the desk speaks ---------------------------------------------------------------------------- */

static void
json_locale(struct json *j, struct ctx *cx, const char *base, int i)
{
	jw_obj(j);
	url_of(j, cx, base, "locales", desk_locale[i].id);
	jw_kint(j, "id", desk_locale[i].id);
	jw_kz(j, "locale", desk_locale[i].locale);
	jw_kz(j, "name", desk_locale[i].name);
	jw_kz(j, "native_name", desk_locale[i].name);
	jw_kz(j, "presentation_name", desk_locale[i].name);
	jw_kbool(j, "rtl", false);
	jw_kbool(j, "default", i == 0);
	jw_kz(j, "created_at", "2026-01-01T00:00:00Z");
	jw_kz(j, "updated_at", "2026-01-01T00:00:00Z");
	jw_end_obj(j);
}

static enum err
locale_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, int i)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "locale");
	json_locale(&j, cx, z_of(cx, api_base(cx, rq)), i);
	jw_end_obj(&j);
	return OK;
}

static enum err
locale_list(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct paging p = { .limit = 100, .page = 1 };
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "locales");
	jw_arr(&j);
	for (int i = 0; i < LOCALES; i++)
		json_locale(&j, cx, z_of(cx, api_base(cx, rq)), i);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, LOCALES, false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, LOCALES);
	jw_end_obj(&j);
	return OK;
}

/* By number or by name: /locales/1, /locales/de */
static enum err
locale_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	for (int i = 0; i < LOCALES; i++)
		if (rq->word[0].n ? str_eqi(rq->word[0], str_of(desk_locale[i].locale)) : rq->param[0] == desk_locale[i].id)
			return locale_reply(cx, rq, rp, i);
	return fail(cx, E_ABSENT, NULL, "no such locale");
}

static enum err
locale_current(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct user u;
	int at = 0;

	if (cx->actor->user_id != 0 && user_load(cx, cx->actor->user_id, &u) == OK)
		for (int i = 0; i < LOCALES; i++)
			if (str_eqi(u.locale, str_of(desk_locale[i].locale)))
				at = i;
	fail_forget(cx);
	return locale_reply(cx, rq, rp, at);
}

/* ?available_locales[]=es&available_locales[]=de, or Accept-Language (RFC 9110 12.5.4), the first that is known. */
static enum err
locale_best(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str rest = http_header(rq, "accept-language");
	bool limited = false;

	for (int k = 0; k < rq->query_count; k++)
		limited = limited || str_starts(rq->query[k].name, S("available_locales"));
	while (rest.n) {
		str tag = str_cut(&rest, ','), all = str_trim(tag), lang = str_trim(str_cut(&all, ';')), head = lang;
		str primary = str_cut(&head, '-');
		for (int i = 0; i < LOCALES; i++) {
			bool may = !limited;
			str mine = str_of(desk_locale[i].locale), own = mine;
			for (int k = 0; k < rq->query_count && !may; k++)
				may = str_starts(rq->query[k].name, S("available_locales")) && str_eqi(rq->query[k].value, mine);
			if (may && (str_eqi(mine, lang) || str_eqi(str_cut(&own, '-'), primary)))
				return locale_reply(cx, rq, rp, i);
		}
	}
	return locale_reply(cx, rq, rp, 0);
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

/* What the desk really does. A row with a setting can be changed; one without says how it always is. */
static const struct { const char *section, *key, *setting; bool value; } switches[] = {
	{ "tickets", "agent_ticket_deletion", "agent_ticket_deletion", false },
	{ "tickets", "agent_ticket_redaction", "agent_ticket_redaction", false },
	{ "tickets", "agents_write_articles", "agents_write_articles", false },
	{ "tickets", "agents_see_phi", "agents_see_phi", true },
	{ "tickets", "private_attachments", NULL, true },
	{ "tickets", "email_attachments", NULL, false },
	{ "tickets", "comments_public_by_default", NULL, true },
	{ "tickets", "is_first_comment_private_enabled", "first_comment_private", true },
	{ "tickets", "collaboration", NULL, true },
	{ "tickets", "follower_and_email_cc_collaborations", NULL, true },
	{ "tickets", "assign_tickets_upon_solve", "assign_upon_solve", true },
	{ "tickets", "list_newest_comments_first", NULL, false },
	{ "tickets", "markdown_ticket_comments", NULL, false },
	{ "tickets", "rich_text_comments", NULL, false },
	{ "tickets", "status_hold", NULL, true },
	{ "tickets", "tagging", NULL, true },
	{ "tickets", "using_skill_based_routing", NULL, true },
	{ "api", "api_password_access_end_users", "api_password_access", false },
	{ "api", "oauth_password_grant", "oauth_password_grant", false },
	{ "user", "multiple_organizations", NULL, true },
	{ "user", "tagging", NULL, true },
	{ "user", "have_gravatars_enabled", NULL, false },
	{ "user", "agent_created_welcome_emails", NULL, false },
	{ "user", "end_user_phone_number_validation", NULL, false },
	{ "email", "rich_content_in_emails", NULL, false },
	{ "email", "email_template_photos", NULL, false },
	{ "active_features", "allow_ccs", NULL, true },
	{ "active_features", "business_hours", NULL, true },
	{ "active_features", "customer_satisfaction", "customer_satisfaction", true },
	{ "active_features", "customer_satisfaction_survey", "satisfaction_mail", false },
	{ "active_features", "csat_reason_code", NULL, true },
	{ "active_features", "dynamic_contents", NULL, true },
	{ "active_features", "on_hold_status", NULL, true },
	{ "active_features", "ticket_forms", NULL, true },
	{ "active_features", "ticket_tagging", NULL, true },
	{ "active_features", "user_org_fields", NULL, true },
	{ "active_features", "user_tagging", NULL, true },
	{ "active_features", "organization_access_enabled", NULL, true },
	{ "active_features", "automatic_answers", NULL, false },
	{ "active_features", "bcc_archiving", NULL, false },
	{ "active_features", "chat", NULL, false },
	{ "active_features", "explore", NULL, false },
	{ "active_features", "facebook", NULL, false },
	{ "active_features", "google_login", NULL, false },
	{ "active_features", "sandbox", NULL, false },
	{ "active_features", "twitter", NULL, false },
	{ "active_features", "voice", NULL, false },
	{ "side_conversations", "email_channel", NULL, false },
	{ "side_conversations", "msteams_channel", NULL, false },
	{ "side_conversations", "slack_channel", NULL, false },
	{ "side_conversations", "tickets_channel", NULL, false },
	{ "chat", "enabled", NULL, false },
	{ "voice", "enabled", NULL, false },
	{ "groups", "check_group_name_uniqueness", "unique_group_names", false },
	{ "brands", "require_brand_on_new_tickets", NULL, false },
};

static enum err
settings_reply(struct ctx *cx, struct http_reply *rp)
{
	const struct def *const *brand;
	const struct defs *d;
	const char *open = NULL;
	struct json j;
	int n;

	TRY(defs_get(cx, &d));
	brand = def_all(d, DEF_BRAND, &n);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "settings");
	jw_obj(&j);
	for (size_t i = 0; i < COUNT(switches); i++) {
		if (open == NULL || strcmp(open, switches[i].section) != 0) {
			if (open != NULL)
				jw_end_obj(&j);
			jw_key(&j, open = switches[i].section);
			jw_obj(&j);
			if (strcmp(open, "brands") == 0)
				for (int k = 0; k < n; k++)
					if (def_bool(brand[k], "default"))
						jw_kint(&j, "default_brand_id", brand[k]->id);
			if (strcmp(open, "api") == 0)
				jw_kz(&j, "api_token_access", "true");
		}
		jw_kbool(&j, switches[i].key, switches[i].setting ? gate_setting_bool(cx, switches[i].setting, switches[i].value)
		    : switches[i].value);
	}
	jw_end_obj(&j);
	jw_key(&j, "limits");
	jw_obj(&j);
	jw_kint(&j, "attachment_size", (int64_t)(50 * MiB));
	jw_end_obj(&j);
	jw_key(&j, "localization");
	jw_obj(&j);
	jw_key(&j, "locale_ids");
	jw_arr(&j);
	for (int i = 0; i < LOCALES; i++)
		jw_int(&j, desk_locale[i].id);
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
settings(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	return settings_reply(cx, rp);
}

static enum err
settings_tx(struct ctx *cx, void *arg)
{
	const json_t *in = arg, *brand = json_object_get(json_object_get(in, "brands"), "default_brand_id");
	int64_t brand_id = 0;
	struct def d;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	if (brand != NULL && !json_is_null(brand) && !json_id(brand, &brand_id))
		bad(cx, "default_brand_id", "InvalidValue", "Default brand: must be the id of a brand");
	for (size_t i = 0; i < COUNT(switches); i++) {
		const json_t *v = json_object_get(json_object_get(in, switches[i].section), switches[i].key);
		if (v == NULL || json_is_null(v))
			continue;
		if (!json_is_boolean(v))
			bad(cx, switches[i].key, "InvalidValue", "Setting: must be true or false");
		else if (switches[i].setting == NULL && json_is_true(v) != switches[i].value)
			bad(cx, switches[i].key, "InvalidValue", "Setting: is always like this here");
	}
	TRY(bad_check(cx));
	for (size_t i = 0; i < COUNT(switches); i++) {
		const json_t *v = json_object_get(json_object_get(in, switches[i].section), switches[i].key);
		if (json_is_boolean(v) && switches[i].setting != NULL)
			TRY(gate_setting_set(cx, switches[i].setting, json_is_true(v) ? S("true") : S("false")));
	}
	if (brand_id != 0) {
		json_t *is_default = json_pack("{s:b}", "default", 1);
		enum err e;
		arena_defer(cx->arena, (void (*)(void *))json_decref, is_default);
		e = def_update(cx, DEF_BRAND, brand_id, is_default, &d);
		if (e == E_ABSENT) {
			fail_forget(cx);
			bad(cx, "default_brand_id", "InvalidValue", "Default brand: is not a known brand");
			return bad_check(cx);
		}
		return e;
	}
	return OK;
}

static enum err
settings_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj;

	TRY(api_body(cx, rq, rp, "settings", &obj));
	if (obj == NULL)
		return OK;
	TRY(store_write(cx, settings_tx, (void *)(uintptr_t)obj));
	return settings_reply(cx, rp);
}

static void
authentication(struct json *j, struct ctx *cx, const char *who, bool staff)
{
	jw_key(j, who);
	jw_obj(j);
	jw_kbool(j, "zendesk_login", true);
	if (staff)
		jw_kbool(j, "two_factor_enforce", gate_setting_bool(cx, "staff_second_factor", true));
	jw_kint(j, "security_policy_id", 500);
	jw_kz(j, "security_policy_name", "custom");
	jw_kbool(j, "enforce_sso", false);
	jw_kbool(j, "remote_login", false);
	jw_knull(j, "primary_external_auth");
	jw_kbool(j, "sso_auto_redirect", false);
	jw_kbool(j, "google_login", false);
	jw_kbool(j, "office_365_login", false);
	if (!staff) {
		jw_kbool(j, "facebook_login", false);
		jw_kbool(j, "twitter_login", false);
	}
	jw_key(j, "password");
	jw_obj(j);
	jw_kint(j, "password_length", sign_in_setting(cx, SIGN_IN_PASSWORD));
	jw_kint(j, "password_complexity", 0);
	jw_kbool(j, "password_in_mixed_case", false);
	jw_knull(j, "max_sequence");
	jw_kint(j, "password_history_length", 0);
	jw_kint(j, "password_duration", 0);
	jw_kint(j, "failed_attempts_allowed", sign_in_setting(cx, SIGN_IN_FAILURES));
	jw_kbool(j, "disallow_local_part_from_email", false);
	jw_kbool(j, "is_available", true);
	jw_end_obj(j);
	jw_end_obj(j);
}

static enum err
security(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	int64_t idle = sign_in_setting(cx, SIGN_IN_IDLE);
	struct json j;

	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "security_settings");
	jw_obj(&j);
	jw_kbool(&j, "admins_can_set_user_passwords", gate_setting_bool(cx, "admins_can_set_user_passwords", false));
	jw_kint(&j, "agent_session_timeout", idle);
	jw_kint(&j, "end_user_session_timeout", idle);
	jw_kbool(&j, "maximum_session_duration_enabled", true);
	jw_kint(&j, "maximum_session_duration", sign_in_setting(cx, SIGN_IN_HOURS) * 60);
	jw_kbool(&j, "mobile_app_access", false);
	jw_kint(&j, "mobile_app_session_timeout", idle);
	jw_kbool(&j, "assumable", false);
	jw_kbool(&j, "assumable_account_type", false);
	jw_kz(&j, "assumption_duration", "off");
	jw_knull(&j, "assumption_expiration");
	jw_kbool(&j, "csp_blocking_enabled", true);
	jw_kbool(&j, "email_agent_when_sensitive_fields_changed", false);
	jw_knull(&j, "two_factor_last_update");
	jw_kraw(&j, "ip", S("{\"ip_restriction_enabled\":false,\"enable_agent_ip_restrictions\":false,\"ip_ranges\":\"\"}"));
	jw_key(&j, "authentication");
	jw_obj(&j);
	authentication(&j, cx, "agent", true);
	authentication(&j, cx, "end_user", false);
	jw_end_obj(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return OK;
}

/* ---- satisfaction ---------------------------------------------------------------------------------------------------- */

static void
json_rating(struct json *j, struct ctx *cx, const char *base, const struct rating *r)
{
	const char *why = NULL;
	int code;

	for (int i = 0; i < rating_reasons(); i++) {
		const char *w = rating_reason(i, &code);
		if (code == r->reason_code)
			why = w;
	}
	jw_obj(j);
	url_of(j, cx, base, "satisfaction_ratings", r->id);
	jw_kint(j, "id", r->id);
	jw_kid(j, "assignee_id", r->assignee_id);
	jw_kid(j, "group_id", r->group_id);
	jw_kint(j, "requester_id", r->requester_id);
	jw_kint(j, "ticket_id", r->ticket_id);
	jw_kz(j, "score", r->good ? "good" : "bad");
	if (r->comment.hidden.n)
		jw_kstr(j, "comment", reveal(cx, r->comment, TO_SHOW_ACTOR));
	else
		jw_knull(j, "comment");
	jw_kz(j, "reason", why);
	jw_kid(j, "reason_code", r->reason_code);
	jw_kid(j, "reason_id", r->reason_code);
	jw_ktime(j, "created_at", r->created_at);
	jw_ktime(j, "updated_at", r->updated_at);
	jw_end_obj(j);
}

static enum err
rating_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct rating *r)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "satisfaction_rating");
	json_rating(&j, cx, z_of(cx, api_base(cx, rq)), r);
	jw_end_obj(&j);
	return look_one(cx, "ticket", r->ticket_id, "satisfaction_rating");
}

static enum err
rate(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rating r = { .ticket_id = rq->param[0] };
	const json_t *obj, *v;
	struct ticket t;
	int64_t code;
	str score;

	TRY(api_body(cx, rq, rp, "satisfaction_rating", &obj));
	if (obj == NULL)
		return OK;
	TRY(request_get(cx, r.ticket_id, &t));
	score = json_text(cx, json_object_get(obj, "score"));
	r.good = str_starts(score, S("good"));
	if (!str_eq(score, S("good")) && !str_eq(score, S("bad")))
		bad(cx, "score", "InvalidValue", "Score: must be good or bad");
	v = json_object_get(obj, "comment");
	if (v != NULL && !json_is_null(v) && !json_is_string(v))
		bad(cx, "comment", "InvalidValue", "Comment: must be a string");
	r.comment = HIDE(json_text(cx, v));
	v = json_object_get(obj, "reason_code");
	if (v != NULL && !json_is_null(v)) {
		bool known = false;
		int c;
		if (json_id(v, &code))
			for (int i = 0; i < rating_reasons(); i++) {
				(void)rating_reason(i, &c);
				known = known || c == code;
			}
		if (!known)
			bad(cx, "reason_code", "InvalidValue", "Reason code: is not known");
		else
			r.reason_code = (int)code;
	}
	TRY(bad_check(cx));
	if (!gate_setting_bool(cx, "customer_satisfaction", true))
		return api_error_object(rp, 403, "Forbidden", "This help desk does not ask how satisfied its requesters are.");
	TRY(rating_set(cx, &r));
	return rating_reply(cx, rq, rp, &r);
}

static bool
filter_of(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, struct rating_filter *f)
{
	const str *score = http_query(rq, "score"), *from = http_query(rq, "start_time"), *to = http_query(rq, "end_time");
	int64_t n;

	(void)cx;
	if (score != NULL) {
		f->only_good = str_starts(*score, S("good")) || str_eq(*score, S("received_good"));
		f->only_bad = str_starts(*score, S("bad"));
		f->words = str_find(*score, S("with_comment")) != SIZE_MAX && !str_ends(*score, S("without_comment")) ? 2
		    : str_ends(*score, S("without_comment")) ? 1 : 0;
		/* Nobody is offered a rating that is then counted as unanswered. */
		if (str_eq(*score, S("offered")) || str_eq(*score, S("unoffered")))
			f->only_good = f->only_bad = true;
	}
	if ((from != NULL && (!str_int(*from, &n) || n < 0 || n > 99999999999)) || (to != NULL && (!str_int(*to, &n) || n < 0 || n > 99999999999))) {
		(void)!api_error(rp, 400, "InvalidValue", "start_time and end_time are seconds since 1970");
		return false;
	}
	if (from != NULL && str_int(*from, &n))
		f->from = n * SECOND;
	if (to != NULL && str_int(*to, &n))
		f->to = n * SECOND;
	return true;
}

static enum err
ratings(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", "created_at", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct rating_filter f = { 0 };
	int64_t *ids, total = 0;
	struct rating *r;
	struct paging p;
	struct json j;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 2, 100, &p) || !filter_of(cx, rq, rp, &f))
		return OK;
	f.newest = p.descending;
	f.after = p.after ? p.id : 0;
	f.offset = p.offset;
	f.limit = p.limit + (p.cursor ? 1 : 0);
	TRY(rating_list(cx, &f, &r, &n));
	more = p.cursor && n > p.limit;
	n = more ? p.limit : n;
	if (!p.cursor)
		TRY(rating_total(cx, &f, &total));
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "satisfaction_ratings");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		json_rating(&j, cx, base, &r[i]);
		ids[i] = r[i].ticket_id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ r[0].id, r[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ r[n - 1].id, r[n - 1].id } : (struct place){ 0, 0 }, total);
	jw_end_obj(&j);
	n = ids_unique(ids, n);
	return n ? trail_look(cx, "ticket", ids, n, "satisfaction_rating") : OK;
}

static enum err
ratings_count(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rating_filter f = { 0 };
	int64_t n;

	if (!filter_of(cx, rq, rp, &f))
		return OK;
	TRY(rating_total(cx, &f, &n));
	count_reply(cx, rp, n);
	return OK;
}

static enum err
rating_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct rating r;

	TRY(rating_get(cx, rq->param[0], &r));
	return rating_reply(cx, rq, rp, &r);
}

static void
json_reason(struct json *j, struct ctx *cx, const char *base, int i)
{
	int code;
	const char *value = rating_reason(i, &code);

	jw_obj(j);
	url_of(j, cx, base, "satisfaction_reasons", code);
	jw_kint(j, "id", code);
	jw_kint(j, "reason_code", code);
	jw_kz(j, "value", value);
	jw_kz(j, "raw_value", value);
	jw_kz(j, "created_at", "2026-01-01T00:00:00Z");
	jw_kz(j, "updated_at", "2026-01-01T00:00:00Z");
	jw_knull(j, "deleted_at");
	jw_end_obj(j);
}

static enum err
reasons(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct paging p = { .limit = 100, .page = 1 };
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "reasons");
	jw_arr(&j);
	for (int i = 0; i < rating_reasons(); i++)
		json_reason(&j, cx, base, i);
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, rating_reasons(), false, (struct place){ 0, 0 }, (struct place){ 0, 0 }, rating_reasons());
	jw_end_obj(&j);
	return OK;
}

static enum err
reason(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;
	int code;

	for (int i = 0; i < rating_reasons(); i++)
		if (rating_reason(i, &code) != NULL && code == rq->param[0]) {
			api_begin(rp, &j, 200);
			jw_obj(&j);
			jw_key(&j, "reason");         /* a list of one, as the vendor has it */
			jw_arr(&j);
			json_reason(&j, cx, z_of(cx, api_base(cx, rq)), i);
			jw_end_arr(&j);
			jw_end_obj(&j);
			return OK;
		}
	return fail(cx, E_ABSENT, NULL, "no such reason");
}

/* ---- skips ----------------------------------------------------------------------------------------------------------- */

static enum err
json_skip(struct json *j, struct ctx *cx, const char *base, const struct skip *s)
{
	struct ticket t;

	TRY(ticket_get(cx, s->ticket_id, &t));
	jw_obj(j);
	jw_kint(j, "id", s->id);
	jw_kint(j, "ticket_id", s->ticket_id);
	jw_kint(j, "user_id", s->user_id);
	jw_kstr(j, "reason", reveal(cx, s->reason, TO_SHOW_ACTOR));
	jw_ktime(j, "created_at", s->created_at);
	jw_ktime(j, "updated_at", s->created_at);
	jw_key(j, "ticket");
	json_ticket(j, cx, base, &t, false);
	jw_end_obj(j);
	return OK;
}

static enum err
skip_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const json_t *obj, *v;
	struct skip s = { 0 };
	struct json j;

	TRY(api_body(cx, rq, rp, "skip", &obj));
	if (obj == NULL)
		return OK;
	if (!json_id(json_object_get(obj, "ticket_id"), &s.ticket_id) || s.ticket_id == 0)
		bad(cx, "ticket_id", "BlankValue", "Ticket id: is required and must be an id");
	v = json_object_get(obj, "reason");
	if (v != NULL && !json_is_null(v) && !json_is_string(v))
		bad(cx, "reason", "InvalidValue", "Reason: must be a string");
	s.reason = HIDE(json_text(cx, v));
	TRY(bad_check(cx));
	TRY(skip_add(cx, &s));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "skip");
	TRY(json_skip(&j, cx, z_of(cx, api_base(cx, rq)), &s));
	jw_end_obj(&j);
	return look_one(cx, "ticket", s.ticket_id, "subject,description,tags,custom_fields,external_id,skips");
}

static enum err
skips(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	bool of_user = str_starts(rq->path, S("/api/v2/users/")), of_ticket = str_starts(rq->path, S("/api/v2/tickets/"));
	struct paging p;
	struct skip *s;
	struct json j;
	struct user u;
	int64_t *ids;
	bool more;
	int n;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	if (of_ticket)
		TRY(ticket_visible(cx, rq->param[0]));
	if (of_user)
		TRY(user_get(cx, rq->param[0], &u));
	TRY(skip_list(cx, of_ticket ? rq->param[0] : 0, of_user ? rq->param[0] : 0, p.after ? p.id : 0, p.offset, p.limit + 1, &s, &n));
	more = n > p.limit;
	n = more ? p.limit : n;
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "skips");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		TRY(json_skip(&j, cx, base, &s[i]));
		ids[i] = s[i].ticket_id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, n, more, n ? (struct place){ s[0].id, s[0].id } : (struct place){ 0, 0 },
	    n ? (struct place){ s[n - 1].id, s[n - 1].id } : (struct place){ 0, 0 }, p.offset + n + more);
	jw_end_obj(&j);
	n = ids_unique(ids, n);
	return n ? trail_look(cx, "ticket", ids, n, "subject,description,tags,custom_fields,external_id,skips") : OK;
}

/* ---- bookmarks ----------------------------------------------------------------------------------------------------------- */

static enum err
json_bookmark(struct json *j, struct ctx *cx, const char *base, const struct skip *s)
{
	struct ticket t;

	TRY(ticket_get(cx, s->ticket_id, &t));
	jw_obj(j);
	url_of(j, cx, base, "bookmarks", s->id);
	jw_kint(j, "id", s->id);
	jw_ktime(j, "created_at", s->created_at);
	jw_key(j, "ticket");
	json_ticket(j, cx, base, &t, false);
	jw_end_obj(j);
	return OK;
}

static enum err
bookmarks(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const sorts[] = { "id", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	struct place first, last;
	struct skip *s;
	struct paging p;
	struct json j;
	int64_t *ids;
	int n, from, to;
	bool more;

	if (!api_paging(cx, rq, rp, sorts, 1, 100, &p))
		return OK;
	TRY(bookmark_list(cx, &s, &n));
	api_cut(&p, &s[0].id, sizeof *s, n, &from, &to, &more, &first, &last);
	ids = NEW(cx->arena, int64_t, n + 1);
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "bookmarks");
	jw_arr(&j);
	for (int i = from; i < to; i++) {
		TRY(json_bookmark(&j, cx, base, &s[i]));
		ids[i - from] = s[i].ticket_id;
	}
	jw_end_arr(&j);
	api_page_end(&j, cx, rq, &p, to - from, more, first, last, n);
	jw_end_obj(&j);
	n = ids_unique(ids, to - from);
	return n ? trail_look(cx, "ticket", ids, n, "subject,description,tags,custom_fields,external_id") : OK;
}

static enum err
bookmark_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct skip s = { 0 };
	const json_t *obj;
	struct json j;

	TRY(api_body(cx, rq, rp, "bookmark", &obj));
	if (obj == NULL)
		return OK;
	if (!json_id(json_object_get(obj, "ticket_id"), &s.ticket_id) || s.ticket_id == 0) {
		bad(cx, "ticket_id", "BlankValue", "Ticket id: is required and must be an id");
		return bad_check(cx);
	}
	TRY(bookmark_add(cx, &s));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "bookmark");
	TRY(json_bookmark(&j, cx, z_of(cx, api_base(cx, rq)), &s));
	jw_end_obj(&j);
	return look_one(cx, "ticket", s.ticket_id, "subject,description,tags,custom_fields,external_id");
}

static enum err
bookmark_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(bookmark_delete(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* No telephony: the answer of an account that did not buy it, by which tap-zendesk leaves the stream out. */
static enum err
no_voice(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)cx, (void)rq;
	return api_error_object(rp, 403, "Forbidden",
	    "Access to this resource is restricted. Please contact the account administrator for assistance.");
}

const struct route account_routes[] = {
	{ GET,  "/api/v2/channels/voice/phone_numbers",   MAY_EXPORT,       0,        no_voice,       0 },
	{ GET,  "/api/v2/bookmarks",                      MAY_READ_TICKET,  0,        bookmarks,      0 },
	{ POST, "/api/v2/bookmarks",                      MAY_UPDATE_TICKET, 16 * KiB, bookmark_post, 0 },
	{ DELETE, "/api/v2/bookmarks/{id}",               MAY_UPDATE_TICKET, 0,       bookmark_remove, 0 },
	{ GET,  "/api/v2/locales",                        MAY_SIGNED_IN,    0,        locale_list,    0 },
	{ GET,  "/api/v2/locales/agent",                  MAY_SIGNED_IN,    0,        locale_list,    0 },
	{ GET,  "/api/v2/locales/public",                 MAY_SIGNED_IN,    0,        locale_list,    0 },
	{ GET,  "/api/v2/locales/current",                MAY_SIGNED_IN,    0,        locale_current, 0 },
	{ GET,  "/api/v2/locales/detect_best_locale",     MAY_SIGNED_IN,    0,        locale_best,    0 },
	{ GET,  "/api/v2/locales/{id}",                   MAY_SIGNED_IN,    0,        locale_show,    0 },
	{ GET,  "/api/v2/locales/{word}",                 MAY_SIGNED_IN,    0,        locale_show,    0 },
	{ GET,  "/api/v2/account/settings",               MAY_READ_TICKET,  0,        settings,       0 },
	{ PUT,  "/api/v2/account/settings",               MAY_ADMIN,        64 * KiB, settings_put,   0 },
	{ GET,  "/api/v2/security_settings",              MAY_ADMIN,        0,        security,       0 },
	{ POST, "/api/v2/tickets/{id}/satisfaction_rating", MAY_READ_REQUEST, 128 * KiB, rate,        0 },
	{ GET,  "/api/v2/satisfaction_ratings",           MAY_READ_TICKET,  0,        ratings,        0 },
	{ GET,  "/api/v2/satisfaction_ratings/count",     MAY_READ_TICKET,  0,        ratings_count,  0 },
	{ GET,  "/api/v2/satisfaction_ratings/{id}",      MAY_READ_TICKET,  0,        rating_show,    0 },
	{ GET,  "/api/v2/satisfaction_reasons",           MAY_READ_TICKET,  0,        reasons,        0 },
	{ GET,  "/api/v2/satisfaction_reasons/{id}",      MAY_READ_TICKET,  0,        reason,         0 },
	{ POST, "/api/v2/skips",                          MAY_UPDATE_TICKET, 128 * KiB, skip_post,    0 },
	{ GET,  "/api/v2/skips",                          MAY_READ_TICKET,  0,        skips,          0 },
	{ GET,  "/api/v2/tickets/{id}/skips",             MAY_READ_TICKET,  0,        skips,          0 },
	{ GET,  "/api/v2/users/{id}/skips",               MAY_READ_TICKET,  0,        skips,          0 },
	{ 0 }
};
