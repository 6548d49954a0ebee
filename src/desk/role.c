/* role.c - custom roles as Zendesk writes them, and what of them gate enforces.
 *
 * A row per key of a role's configuration: its words, its default, and the
 * limit that it sets when its value is one of `limiting`. Keys without a limit
 * are of things that an agent may not do here anyhow (docs/roles.md says which)
 * or of what Ward does not have.
 */
#include "desk/def.h"
#include "desk/in.h"

#define NEVER NULL, 0
static const struct {
	const char *key, *words, *otherwise;     /* words NULL: true or false */
	const char *limiting;                    /* "false", "none|readonly": values that limit; NULL: none does */
	unsigned    limit;
} permissions[] = {
	{ "assign_tickets_to_any_group", NULL, "false", "false", LIMIT_ASSIGN }, { "chat_access", NULL, "false", NEVER },
	{ "explore_access", "none|readonly|edit|full", "\"none\"", NEVER },
	{ "end_user_list_access", "none|full", "\"full\"", "none", LIMIT_USER_LIST },
	{ "end_user_profile_access", "readonly|edit-within-org|edit|full", "\"readonly\"", "readonly", LIMIT_USER_WRITE },
	{ "export_views", NULL, "false", NEVER }, { "forum_access", "readonly|edit-topics|full", "\"readonly\"", NEVER },
	{ "forum_access_restricted_content", NULL, "false", NEVER }, { "group_access", NULL, "false", NEVER },
	{ "light_agent", NULL, "false", "true", LIMIT_PUBLIC | LIMIT_EDIT | LIMIT_TAGS | LIMIT_DELETE | LIMIT_REDACT | LIMIT_MERGE | LIMIT_SUSPENDED },
	{ "macro_access", "readonly|manage-personal|manage-group|full", "\"readonly\"", "readonly", LIMIT_MACROS },
	{ "manage_api_credentials", NULL, "false", NEVER }, { "manage_business_rules", NULL, "false", NEVER },
	{ "manage_contextual_workspaces", NULL, "false", NEVER }, { "manage_dynamic_content", NULL, "false", NEVER },
	{ "manage_extensions_and_channels", NULL, "false", NEVER }, { "manage_facebook", NULL, "false", NEVER },
	{ "manage_organization_fields", NULL, "false", NEVER }, { "manage_ticket_fields", NULL, "false", NEVER },
	{ "manage_ticket_forms", NULL, "false", NEVER }, { "manage_user_fields", NULL, "false", NEVER },
	{ "moderate_forums", NULL, "false", NEVER }, { "manage_automations", NULL, "false", NEVER }, { "manage_triggers", NULL, "false", NEVER },
	{ "manage_slas", NULL, "false", NEVER }, { "manage_groups", NULL, "false", NEVER }, { "manage_group_memberships", NULL, "false", NEVER },
	{ "manage_organizations", NULL, "false", NEVER }, { "manage_suspended_tickets", NULL, "false", "false", LIMIT_SUSPENDED },
	{ "manage_deletion_schedules", NULL, "false", NEVER }, { "manage_roles", "none|all-except-self|all", "\"none\"", NEVER },
	{ "modify_closed_tickets", NULL, "false", NEVER }, { "organization_editing", NULL, "false", NEVER },
	{ "organization_notes_editing", NULL, "false", NEVER },
	{ "report_access", "none|readonly|full", "\"none\"", "none", LIMIT_REPORTS }, { "side_conversation_create", NULL, "false", NEVER },
	{ "ticket_access", "assigned-only|within-organization|within-groups|within-groups-and-public-groups|all", "\"all\"", NEVER },
	{ "ticket_comment_access", "public|none", "\"public\"", "none", LIMIT_PUBLIC },
	{ "ticket_deletion", NULL, "false", "false", LIMIT_DELETE }, { "ticket_editing", NULL, "true", "false", LIMIT_EDIT },
	{ "ticket_merge", NULL, "false", "false", LIMIT_MERGE }, { "ticket_redaction", NULL, "false", "false", LIMIT_REDACT },
	{ "ticket_tag_editing", NULL, "true", "false", LIMIT_TAGS }, { "twitter_search_access", NULL, "false", NEVER },
	{ "user_view_access", "readonly|manage-personal|manage-group|full|none|manage-team", "\"none\"", NEVER },
	{ "view_access", "readonly|manage-personal|manage-group|full|playonly|manage-team", "\"readonly\"", "readonly|playonly", LIMIT_VIEWS },
	{ "view_access_logs", NULL, "false", NEVER }, { "view_audit_logs", NULL, "false", NEVER },
	{ "view_deleted_tickets", NULL, "false", "false", LIMIT_DELETED }, { "view_filter_tickets", NULL, "true", NEVER },
	{ "voice_access", NULL, "false", NEVER }, { "voice_dashboard_access", NULL, "false", NEVER },
};

static bool
one_of(const char *words, str w)
{
	str rest = words ? str_of(words) : S("");

	while (rest.n)
		if (str_eq(str_cut(&rest, '|'), w))
			return true;
	return false;
}

static str
word_of(const json_t *v)
{
	if (json_is_boolean(v))
		return json_is_true(v) ? S("true") : S("false");
	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

#define OFFICER "compliance_officer"

enum err
role_check(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc)
{
	json_t *given = json_object_get(doc, "configuration"), *all = json_object();
	const json_t *old = was ? json_object_get(was->doc, "configuration") : NULL, *name = json_object_get(doc, "name");
	int n;
	const struct def *const *roles = def_all(d, DEF_ROLE, &n);

	if (was != NULL && def_text(was, "ward_built_in").n > 0) {
		bad(cx, "base", "InvalidValue", "Role: is built in and cannot be changed");
		return OK;
	}
	for (int i = 0; i < n; i++)
		if (roles[i]->id != is->id && json_is_string(name) && str_eqi(def_text(roles[i], "name"), word_of(name)))
			bad(cx, "name", "DuplicateValue", "Name: is already being used by another role");
	for (size_t i = 0; i < COUNT(permissions); i++) {
		json_t *v = json_object_get(given, permissions[i].key);
		bool fine = v == NULL || (permissions[i].words == NULL ? json_is_boolean(v) : json_is_string(v) && one_of(permissions[i].words, word_of(v)));
		if (!fine) {
			bad(cx, permissions[i].key, "InvalidValue", "Configuration: this is not a value that this permission has");
			continue;
		}
		if (v == NULL)
			v = json_object_get(old, permissions[i].key);
		if (v != NULL)
			json_object_set(all, permissions[i].key, v);
		else
			json_object_set_new(all, permissions[i].key, json_loads(permissions[i].otherwise, JSON_DECODE_ANY, NULL));
	}
	json_object_set_new(doc, "configuration", all);
	return OK;
}

enum err
role_saved(struct ctx *cx, const struct def *is)
{
	static const struct { const char *word; enum restriction sees; } access[] = {
		{ "assigned-only", SEE_ASSIGNED }, { "within-organization", SEE_ORGANIZATION }, { "within-groups", SEE_GROUPS },
	};
	const json_t *c = json_object_get(is->doc, "configuration");
	str tickets = word_of(json_object_get(c, "ticket_access")), people = word_of(json_object_get(c, "end_user_profile_access"));
	enum restriction sees = SEE_ALL;
	unsigned limits = 0;

	for (size_t i = 0; i < COUNT(permissions); i++)
		if (one_of(permissions[i].limiting, word_of(json_object_get(c, permissions[i].key))))
			limits |= permissions[i].limit;
	if (str_eq(people, S("edit-within-org")))
		limits |= LIMIT_USER_OUTSIDE;
	/* A light agent is one by its type as well; a chat agent or contributor writes no more than that. */
	if (def_int(is, "role_type") >= 1 && def_int(is, "role_type") <= 3)
		limits |= LIMIT_PUBLIC | LIMIT_EDIT | LIMIT_TAGS | LIMIT_DELETE | LIMIT_REDACT | LIMIT_MERGE | LIMIT_SUSPENDED;
	for (size_t i = 0; i < COUNT(access); i++)
		if (str_eq(tickets, str_of(access[i].word)))
			sees = access[i].sees;
	return gate_role_put(cx, is->id, limits, sees, str_eq(def_text(is, "ward_built_in"), S(OFFICER)));
}

const struct def *
role_officer(const struct defs *d)
{
	int n;
	const struct def *const *roles = def_all(d, DEF_ROLE, &n);

	for (int i = 0; i < n; i++)
		if (str_eq(def_text(roles[i], "ward_built_in"), S(OFFICER)))
			return roles[i];
	return NULL;
}

json_t *
role_officer_new(const struct defs *d)
{
	static const char *const names[] = { "Compliance officer", "Compliance officer (built in)" };
	int n, taken = 0;
	const struct def *const *roles = def_all(d, DEF_ROLE, &n);

	for (int i = 0; i < n; i++)
		taken |= str_eqi(def_text(roles[i], "name"), str_of(names[0]));
	/* For clients that read a role's keys: what they know of what the role may. */
	return json_pack("{s:s,s:s,s:s,s:{s:b,s:b,s:b,s:b,s:s,s:s,s:s}}", "name", names[taken], "ward_built_in", OFFICER, "description",
	    "Reads the trail, who saw whom, reports and how the desk is protected; changes nothing; health information is masked.", "configuration",
	    "view_audit_logs", 1, "view_access_logs", 1, "ticket_editing", 0, "ticket_tag_editing", 0, "ticket_comment_access", "none", "report_access", "readonly",
	    "end_user_profile_access", "readonly");
}
