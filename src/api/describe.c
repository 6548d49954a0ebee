/* describe.c - the API as an OpenAPI 3.1 document, printed from the route and field tables.
 *
 * Nothing is written down twice: a route that exists is in it, with its
 * permission and how much it takes; a body's members are those of the table
 * that reads it. Only which table reads which route's body, and what is read
 * beside the table, stands here; a test sees that each named route exists.
 */
#include <stdlib.h>

#include "api/in.h"

static const struct {
	const char *routes;              /* "METHOD path", one a line */
	const char *wrapper;             /* the member that holds the object; NULL: the body itself */
	const struct fieldset *set;      /* may be NULL */
	const char *more;                /* read beside the table: "name:type ..." */
} bodies[] = {
	{ "POST /api/v2/tickets\nPUT /api/v2/tickets/{id}\nPOST /api/v2/imports/tickets\nPUT /api/v2/tickets/update_many", "ticket", &ticket_fieldset,
	  "requester:any comment:object description:string tags:array additional_tags:array remove_tags:array custom_fields:array"
	  " email_ccs:array followers:array collaborators:array metadata:object safe_update:boolean updated_stamp:string" },
	{ "POST /api/v2/tickets/create_many", NULL, NULL, "tickets:array" },
	{ "POST /api/v2/requests\nPUT /api/v2/requests/{id}", "request", NULL,
	  "subject:string comment:object requester:object priority:string type:string custom_fields:array solved:boolean collaborators:array ticket_form_id:integer" },
	{ "POST /api/v2/users", "user", &user_fieldset, "user_fields:object organization:object role_type:integer skip_verify_email:boolean" },
	{ "PUT /api/v2/users/{id}\nPOST /api/v2/users/create_or_update", "user", &user_fieldset, "user_fields:object organization:object role_type:integer" },
	{ "POST /api/v2/users/create_many\nPOST /api/v2/users/create_or_update_many", NULL, NULL, "users:array" },
	{ "POST /api/v2/users/{id}/identities\nPUT /api/v2/users/{id}/identities/{id}", "identity", &identity_fieldset, NULL },
	{ "POST /api/v2/organizations\nPUT /api/v2/organizations/{id}", "organization", &org_fieldset, "organization_fields:object" },
	{ "POST /api/v2/organizations/create_many", NULL, NULL, "organizations:array" },
	{ "POST /api/v2/organization_memberships", "organization_membership", &belong_fieldset, NULL },
	{ "POST /api/v2/groups\nPUT /api/v2/groups/{id}", "group", &group_fieldset, NULL },
	{ "POST /api/v2/group_memberships", "group_membership", NULL, "user_id:integer group_id:integer default:boolean" },
	{ "POST /api/v2/views\nPUT /api/v2/views/{id}", "view", &rule_fieldset, "all:array any:array conditions:object output:object restriction:object" },
	{ "POST /api/v2/macros\nPUT /api/v2/macros/{id}", "macro", &rule_fieldset, "actions:array restriction:object attachments:array" },
	{ "POST /api/v2/triggers\nPUT /api/v2/triggers/{id}", "trigger", &rule_fieldset, "conditions:object actions:array category_id:string" },
	{ "POST /api/v2/routing/attributes\nPUT /api/v2/routing/attributes/{id}", "attribute", NULL, "name:string" },
	{ "POST /api/v2/routing/attributes/{id}/values\nPATCH /api/v2/routing/attributes/{id}/values/{id}", "attribute_value", NULL, "name:string conditions:object" },
	{ "POST /api/v2/workspaces\nPUT /api/v2/workspaces/{id}", "workspace", &rule_fieldset, "conditions:object macros:array ticket_form_id:integer activated:boolean" },
	{ "POST /api/v2/automations\nPUT /api/v2/automations/{id}", "automation", &rule_fieldset, "conditions:object all:array any:array actions:array" },
	{ "POST /api/v2/webhooks\nPUT /api/v2/webhooks/{word}\nPATCH /api/v2/webhooks/{word}", "webhook", &webhook_fieldset,
	  "status:string subscriptions:array authentication:object custom_headers:object" },
	{ "POST /api/v2/webhooks/test", "request", &webhook_fieldset, "payload:any authentication:object custom_headers:object" },
	{ "POST /api/ward/v1/destinations\nPUT /api/ward/v1/destinations/{id}", "destination", &dest_fieldset, "kind:string" },
	{ "PUT /api/ward/v1/mail", "mail", &mail_fieldset, "tls:string" },
	{ "POST /api/ward/v1/phi/scan", NULL, NULL, "text:string" },
	{ "POST /api/ward/v1/phi/policies", "policy", NULL, "rules:array why:string style:string allow:array" },
	{ "POST /api/ward/v1/phi/policies/{id}/activate\nPOST /api/ward/v1/phi/policy/defaults/activate", NULL, NULL, "expected:integer" },
	{ "POST /api/ward/v1/phi/policies/{id}/trial\nPOST /api/ward/v1/phi/policy/defaults/trial\nPOST /api/ward/v1/phi/scans", NULL, NULL, "query:string" },
	{ "POST /api/ward/v1/phi/scans/{id}/redactions", NULL, NULL, "kinds:any places:any min_score:integer confirm:integer" },
	{ "POST /api/ward/v1/phi/scans/{id}/redactions/preview", NULL, NULL, "kinds:any places:any min_score:integer" },
	{ "PUT /api/ward/v1/phi/users/{id}", NULL, NULL, "setting:boolean" },
	{ "POST /api/ward/v1/tickets/{id}/unmask", NULL, NULL, "purpose:string" },
	{ "POST /api/ward/v1/tickets/{id}/redactions\nPOST /api/ward/v1/tickets/{id}/redactions/preview", NULL, NULL, "spans:array comment_id:integer" },
	{ "POST /api/v2/saved_searches\nPUT /api/v2/saved_searches/{word}", "saved_search", NULL, "name:string type:string query:string filters:string" },
	{ "POST /api/v2/suspended_tickets/attachments", NULL, NULL, "id:integer" },
	{ "POST /api/v2/ticket_content_pins", "ticket_content_pin", NULL, "ticket_id:string content_id:string content_type:string locale:string" },
	{ "POST /api/v2/task_list_templates\nPUT /api/v2/task_list_templates/{id}", "task_list_template", NULL,
	  "name:string description:string is_active:boolean is_required:boolean tasks:array" },
	{ "POST /api/v2/tickets/{id}/task_lists", "task_list", NULL, "task_list_template_id:string" },
	{ "PUT /api/ward/v1/tickets/{id}/task_lists/{id}/tasks/{id}", "task", NULL, "completed:boolean" },
	{ "PUT /api/ward/v1/setup/{word}", NULL, NULL, "reason:string reopen:boolean fingerprint:string outbox_id:integer version:integer" },
	{ "POST /api/ward/v1/api_tokens", "api_token", NULL, "user_id:integer description:string bearer:boolean read_only:boolean" },
	{ "POST /api/ward/v1/keys/rotations", NULL, NULL, "key:string expected_version:integer" },
	{ "PUT /api/ward/v1/tickets/{id}/presence", NULL, NULL, "state:string" },
	{ "PUT /api/ward/v1/tickets/{id}/draft", "draft", NULL, "body:string html_body:string public:boolean version:integer uploads:array" },
	{ "PUT /api/ward/v1/draft", "draft", NULL, "body:string html_body:string public:boolean version:integer uploads:array fields:object" },
	{ "POST /api/ward/v1/tickets/{id}/placeholders", NULL, NULL, "text:string" },
	{ "POST /api/ward/v1/tickets/{id}/split", NULL, NULL, "comment_id:integer subject:string" },
	{ "POST /api/v2/help_center/categories\nPUT /api/v2/help_center/categories/{id}", "category", NULL, "name:string description:string locale:string position:integer" },
	{ "POST /api/v2/help_center/categories/{id}/sections\nPUT /api/v2/help_center/sections/{id}", "section", NULL,
	  "name:string description:string locale:string position:integer category_id:integer" },
	{ "POST /api/v2/help_center/sections/{id}/articles\nPUT /api/v2/help_center/articles/{id}", "article", NULL,
	  "title:string body:string locale:string draft:boolean promoted:boolean position:integer section_id:integer label_names:array user_segment_id:integer brand_id:integer source_locale:string" },
	{ "POST /api/v2/help_center/articles/{id}/translations\nPUT /api/v2/help_center/articles/{id}/translations/{word}", "translation", NULL,
	  "title:string body:string locale:string draft:boolean" },
	{ "POST /api/ward/v1/tickets/{id}/secure_links", "secure_link", NULL,
	  "comment:object comment_id:integer status:string proof:string question:string answer:string expires_in_hours:integer" },
	{ "POST /api/ward/v1/session", NULL, NULL, "email:string password:string" },
	{ "POST /api/ward/v1/password_resets", NULL, NULL, "email:string" },
	{ "PUT /api/ward/v1/sign_in", "sign_in", NULL,
	  "idle_minutes:integer session_hours:integer password_characters:integer failures_allowed:integer invitation_days:integer second_factor:string admins_set_passwords:boolean" },
	{ "POST /api/ward/v1/invitations", "invitation", NULL, "user_id:integer by:string" },
};

struct taken { const struct route **r; int n, cap; };

static void
collect(void *arg, const struct route *r)
{
	struct taken *rows = arg;

	if (rows->n < rows->cap)
		rows->r[rows->n++] = r;
}

static str
with_ids(struct arena *a, str path)
{
	struct buf b;

	buf_init(&b, a, 4 * KiB);
	for (size_t at; (at = str_find(path, S("{word}"))) != SIZE_MAX; path = str_sub(path, at + 6, path.n))
		buf_fmt(&b, STR_F "{id}", STR_A(str_sub(path, 0, at)));
	buf_add(&b, path);
	return buf_str(&b);
}

/* OpenAPI knows no two paths that differ only in what a placeholder is called:
 * where an id or a key may stand, the id's row speaks for both. */
static void
without_twins(struct arena *a, struct taken *rows)
{
	int n = 0;

	for (int i = 0; i < rows->n; i++) {
		str path = str_of(rows->r[i]->path), ids = with_ids(a, path);
		bool twin = false;
		for (int k = 0; k < rows->n && !twin && !str_eq(ids, path); k++)
			twin = rows->r[k]->method == rows->r[i]->method && str_eq(str_of(rows->r[k]->path), ids);
		if (!twin)
			rows->r[n++] = rows->r[i];
	}
	rows->n = n;
}

static int
by_path(const void *a, const void *b)
{
	const struct route *x = *(const struct route *const *)a, *y = *(const struct route *const *)b;
	int by = strcmp(x->path, y->path);

	return by != 0 ? by : (int)x->method - (int)y->method;
}

static const char *
method_name(enum http_method m, bool lower)
{
	static const char *const up[] = { "?", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" };
	static const char *const low[] = { "?", "get", "post", "put", "patch", "delete", "head", "options" };

	return (size_t)m < COUNT(up) ? (lower ? low : up)[m] : "?";
}

/* "tickets" is "ticket", "entries" is "entry", "statuses" is "status". */
static str
singular(struct arena *a, str s)
{
	if (str_ends(s, S("ies")))
		return str_printf(a, STR_F "y", STR_A(str_sub(s, 0, s.n - 3)));
	if (str_ends(s, S("ses")))
		return str_sub(s, 0, s.n - 2);
	if (str_ends(s, S("s")) && !str_ends(s, S("ss")) && !str_ends(s, S("us")))
		return str_sub(s, 0, s.n - 1);
	return s;
}

/* The path with its placeholders named after what stands before them. */
static str
named_path(struct arena *a, const char *path, str names[4], bool number[4], int *count)
{
	str rest = str_of(path), before = S("item");
	struct buf b;

	buf_init(&b, a, 4 * KiB);
	*count = 0;
	(void)str_cut(&rest, '/');
	while (rest.n) {
		str seg = str_cut(&rest, '/');
		buf_byte(&b, '/');
		if (str_starts(seg, S("{")) && *count < 4) {
			bool id = str_eq(seg, S("{id}"));
			str name = str_printf(a, STR_F "%s", STR_A(singular(a, before)), id ? "_id" : "_key");
			for (int i = 0; i < *count; i++)
				if (str_eq(names[i], name))
					name = str_printf(a, STR_F "_%d", STR_A(name), *count + 1);
			names[*count] = name;
			number[(*count)++] = id;
			buf_fmt(&b, "{" STR_F "}", STR_A(name));
		} else {
			buf_add(&b, seg);
			before = seg;
		}
	}
	return buf_str(&b);
}

static const char *
type_word(enum field_type t)
{
	switch (t) {
	case F_ID:    return "integer";
	case F_BOOL:  return "boolean";
	case F_WORDS: case F_TAGS: return "array";
	default:      return "string";
	}
}

static void
schema_of(struct json *j, const char *type, bool null_ok, const char *format, const char *const *words)
{
	jw_obj(j);
	if (strcmp(type, "any") != 0) {
		if (null_ok) {
			jw_key(j, "type");
			jw_arr(j);
			jw_str(j, str_of(type));
			jw_str(j, S("null"));
			jw_end_arr(j);
		} else
			jw_kz(j, "type", type);
	}
	if (format != NULL)
		jw_kz(j, "format", format);
	if (strcmp(type, "array") == 0) {
		jw_key(j, "items");
		jw_obj(j);
		jw_end_obj(j);
	}
	if (words != NULL) {
		jw_key(j, "enum");
		jw_arr(j);
		for (; *words; words++)
			jw_str(j, str_of(*words));
		if (null_ok)
			jw_null(j);
		jw_end_arr(j);
	}
	jw_end_obj(j);
}

static void
property(struct json *j, const struct field *f)
{
	static const char *const statuses[] = { "new", "open", "pending", "hold", "solved", "closed", NULL };
	static const char *const priorities[] = { "urgent", "high", "normal", "low", NULL };
	static const char *const types[] = { "problem", "incident", "question", "task", NULL };
	static const char *const roles[] = { "end-user", "agent", "admin", NULL };
	static const char *const sees[] = { "organization", "groups", "assigned", "requested", NULL };
	const char *const *words = f->type == F_STATUS ? statuses : f->type == F_PRIORITY ? priorities : f->type == F_TYPE ? types
	    : f->type == F_ROLE ? roles : f->type == F_SEES ? sees : NULL;

	jw_key(j, f->name);
	schema_of(j, type_word(f->type), f->null_ok, f->type == F_TIME ? "date-time" : f->type == F_ID ? "int64" : NULL, words);
}

static bool
has_line(const char *lines, str line)
{
	str rest = str_of(lines);

	while (rest.n)
		if (str_eq(str_cut(&rest, '\n'), line))
			return true;
	return false;
}

static void
request_body(struct json *j, struct arena *a, const struct route *r)
{
	str line = str_printf(a, "%s %s", method_name(r->method, false), r->path);
	bool json = true, upload = strstr(r->path, "/uploads") != NULL;

	if (r->body_max == 0 || r->method == GET)
		return;
	jw_key(j, "requestBody");
	jw_obj(j);
	jw_key(j, "content");
	jw_obj(j);
	json = !upload && (strstr(r->path, "/macros") == NULL || !str_ends(str_of(r->path), S("/attachments")));
	if (upload) {
		jw_key(j, "application/octet-stream");
		jw_raw(j, S("{\"schema\":{}}"));
	}
	jw_key(j, json ? "application/json" : "multipart/form-data");
	jw_obj(j);
	jw_key(j, "schema");
	jw_obj(j);
	if (json)
		jw_kz(j, "type", "object");
	for (size_t i = 0; i < COUNT(bodies) && json; i++) {
		str more = str_of(bodies[i].more);
		if (!has_line(bodies[i].routes, line))
			continue;
		jw_key(j, "properties");
		jw_obj(j);
		if (bodies[i].wrapper != NULL) {
			jw_key(j, bodies[i].wrapper);
			jw_obj(j);
			jw_kz(j, "type", "object");
			jw_key(j, "properties");
			jw_obj(j);
		}
		for (size_t k = 0; bodies[i].set != NULL && k < bodies[i].set->n; k++)
			property(j, &bodies[i].set->f[k]);
		while (more.n) {
			str type = str_cut(&more, ' '), name = str_cut(&type, ':');
			jw_key_str(j, name);
			schema_of(j, str_z(a, type), false, NULL, NULL);
		}
		if (bodies[i].wrapper != NULL) {
			jw_end_obj(j);
			if (strncmp(r->path, "/api/ward/", 10) == 0)
				jw_kbool(j, "additionalProperties", false);
			jw_end_obj(j);
		}
		jw_end_obj(j);
		if (bodies[i].wrapper != NULL) {
			jw_key(j, "required");
			jw_arr(j);
			jw_str(j, str_of(bodies[i].wrapper));
			jw_end_arr(j);
		}
	}
	jw_end_obj(j);
	jw_end_obj(j);
	jw_end_obj(j);
	jw_kint(j, "x-ward-max-bytes", (int64_t)r->body_max);
	jw_end_obj(j);
}

static void
response(struct json *j, const char *code, const char *words, bool object)
{
	jw_key(j, code);
	jw_obj(j);
	jw_kz(j, "description", words);
	jw_key(j, "headers");
	jw_obj(j);
	jw_key(j, "X-Request-Id");
	jw_raw(j, S("{\"$ref\":\"#/components/headers/RequestId\"}"));
	jw_end_obj(j);
	if (object) {
		jw_key(j, "content");
		jw_raw(j, S("{\"application/json\":{\"schema\":{\"type\":\"object\"}}}"));
	}
	jw_end_obj(j);
}

static void
operation(struct json *j, struct arena *a, const struct route *r, const str *names, const bool *number, int count)
{
	static const struct { const char *code, *ref; } errors[] = {
		{ "400", "Malformed" }, { "401", "NobodyKnown" }, { "403", "Forbidden" }, { "404", "NotFound" }, { "409", "Conflict" },
		{ "413", "TooLarge" }, { "422", "Invalid" }, { "429", "TooMany" }, { "500", "Fault" }, { "503", "Busy" },
	};
	bool list = r->method == GET && !str_ends(str_of(r->path), S("}"));
	struct buf id;
	str rest = str_of(r->path);

	jw_key(j, method_name(r->method, true));
	jw_obj(j);
	buf_init(&id, a, 4 * KiB);
	buf_fmt(&id, str_starts(rest, S("/api/")) ? "%s" : "%s_web", method_name(r->method, true));
	while (rest.n) {
		str seg = str_cut(&rest, '/');
		if (seg.n == 0 || str_eq(seg, S("api")) || str_eq(seg, S("v2")) || str_eq(seg, S("v1")))
			continue;
		buf_byte(&id, '_');
		for (size_t i = 0; i < seg.n; i++)
			if (seg.p[i] != '{' && seg.p[i] != '}')
				buf_byte(&id, seg.p[i]);
	}
	jw_kstr(j, "operationId", buf_str(&id));
	rest = str_of(r->path);
	for (int i = 0; i < 3; i++)
		(void)str_cut(&rest, '/');
	if (strncmp(r->path, "/api/ward/", 10) == 0)
		(void)str_cut(&rest, '/');
	rest = str_cut(&rest, '/');
	jw_key(j, "tags");
	jw_arr(j);
	jw_str(j, rest.n ? rest : S("probes"));
	jw_end_arr(j);
	jw_kz(j, "x-ward-permission", api_may_name(r->permission));
	if (r->permission == MAY_ANYONE)
		jw_kraw(j, "security", S("[{},{\"basic\":[]},{\"bearer\":[]},{\"session\":[]}]"));
	jw_key(j, "parameters");
	jw_arr(j);
	for (int i = 0; i < count; i++) {
		jw_obj(j);
		jw_kstr(j, "name", names[i]);
		jw_kz(j, "in", "path");
		jw_kbool(j, "required", true);
		jw_key(j, "schema");
		jw_raw(j, number[i] ? S("{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1}") : S("{\"type\":\"string\"}"));
		jw_end_obj(j);
	}
	if (list && (strncmp(r->path, "/api/v2/", 8) == 0)) {
		jw_raw(j, S("{\"$ref\":\"#/components/parameters/PageSize\"}"));
		jw_raw(j, S("{\"$ref\":\"#/components/parameters/PageAfter\"}"));
		jw_raw(j, S("{\"$ref\":\"#/components/parameters/PageBefore\"}"));
		jw_raw(j, S("{\"$ref\":\"#/components/parameters/Include\"}"));
	}
	if (r->method == POST && strcmp(r->path, "/api/v2/tickets") == 0)
		jw_raw(j, S("{\"$ref\":\"#/components/parameters/IdempotencyKey\"}"));
	jw_end_arr(j);
	request_body(j, a, r);
	jw_key(j, "responses");
	jw_obj(j);
	if (r->method == DELETE)
		response(j, "204", "Done; some resources answer 200 with an object", false);
	response(j, r->method == POST ? "2XX" : "200", "Done", strstr(r->path, "/metrics") == NULL || strncmp(r->path, "/api/", 5) == 0);
	for (size_t i = 0; i < COUNT(errors); i++) {
		jw_key(j, errors[i].code);
		jw_obj(j);
		jw_kstr(j, "$ref", str_printf(a, "#/components/responses/%s", errors[i].ref));
		jw_end_obj(j);
	}
	jw_end_obj(j);
	jw_end_obj(j);
}

static const char components[] =
    "{\"securitySchemes\":{"
    "\"basic\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"EMAIL/token as user name, an API token as password\"},"
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
    "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"ward_session\",\"description\":\"With X-CSRF-Token for everything but GET\"}},"
    "\"headers\":{\"RequestId\":{\"description\":\"Names the request in the log and the trail\",\"schema\":{\"type\":\"string\"}},"
    "\"RetryAfter\":{\"description\":\"Seconds to wait\",\"schema\":{\"type\":\"integer\"}}},"
    "\"parameters\":{"
    "\"PageSize\":{\"name\":\"page[size]\",\"in\":\"query\",\"description\":\"Cursor pagination, where the list has it; meta.has_more is the stop signal\","
    "\"schema\":{\"type\":\"integer\",\"minimum\":1}},"
    "\"PageAfter\":{\"name\":\"page[after]\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}},"
    "\"PageBefore\":{\"name\":\"page[before]\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}},"
    "\"Include\":{\"name\":\"include\",\"in\":\"query\",\"description\":\"Side loads, comma-separated\",\"schema\":{\"type\":\"string\"}},"
    "\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"At most 255 characters, kept two hours\",\"schema\":{\"type\":\"string\",\"maxLength\":255}}},"
    "\"schemas\":{"
    "\"Error\":{\"type\":\"object\",\"properties\":{\"error\":{\"description\":\"A code, or an object with title and message\"},\"description\":{\"type\":\"string\"},"
    "\"details\":{\"type\":\"object\",\"description\":\"Per field, all that is wrong with it\",\"additionalProperties\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"description\":{\"type\":\"string\"},\"error\":{\"type\":\"string\"}}}}}}}},"
    "\"responses\":{";

static void
error_response(struct json *j, struct arena *a, const char *name, const char *words, bool retry)
{
	(void)a;
	jw_key(j, name);
	jw_obj(j);
	jw_kz(j, "description", words);
	if (retry)
		jw_kraw(j, "headers", S("{\"Retry-After\":{\"$ref\":\"#/components/headers/RetryAfter\"}}"));
	jw_kraw(j, "content", S("{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}"));
	jw_end_obj(j);
}

void
api_describe(struct arena *a, const char *version, struct buf *out)
{
	struct taken rows = { NEW(a, const struct route *, 2000), 0, 2000 };
	struct json j;
	struct buf b;
	str last = S("");

	api_routes(collect, &rows);
	without_twins(a, &rows);
	qsort(rows.r, (size_t)rows.n, sizeof(const struct route *), by_path);
	jw_init(&j, out);
	jw_obj(&j);
	jw_kz(&j, "openapi", "3.1.0");
	jw_key(&j, "info");
	jw_obj(&j);
	jw_kz(&j, "title", "Ward");
	jw_kz(&j, "version", version);
	jw_kz(&j, "description", "A help desk that keeps health information safe. /api/v2 is compatible with the Zendesk Support API: unknown"
	    " members of a body are ignored there; under /api/ward/v1 they are refused. Every path may end with .json.");
	jw_end_obj(&j);
	jw_kraw(&j, "security", S("[{\"basic\":[]},{\"bearer\":[]},{\"session\":[]}]"));
	jw_key(&j, "paths");
	jw_obj(&j);
	for (int i = 0; i < rows.n; i++) {
		str names[4], path;
		bool number[4];
		int count;
		path = named_path(a, rows.r[i]->path, names, number, &count);
		if (!str_eq(path, last)) {
			if (last.n)
				jw_end_obj(&j);
			jw_key_str(&j, path);
			jw_obj(&j);
			last = path;
		}
		operation(&j, a, rows.r[i], names, number, count);
	}
	if (last.n)
		jw_end_obj(&j);
	jw_end_obj(&j);
	/* The fixed part, and the error responses within it. */
	buf_init(&b, a, 64 * KiB);
	buf_add(&b, str_of(components));
	{
		struct json e;
		struct buf eb;
		buf_init(&eb, a, 32 * KiB);
		jw_init(&e, &eb);
		jw_obj(&e);
		error_response(&e, a, "Malformed", "The request cannot be read", false);
		error_response(&e, a, "NobodyKnown", "Nobody is signed in, or wrong credentials", false);
		error_response(&e, a, "Forbidden", "Not allowed", false);
		error_response(&e, a, "NotFound", "No such thing, or not yours to know", false);
		error_response(&e, a, "Conflict", "Changed meanwhile, or already there", false);
		error_response(&e, a, "TooLarge", "Above a limit of size", false);
		error_response(&e, a, "Invalid", "Every wrong field with its rule", false);
		error_response(&e, a, "TooMany", "Above a limit of rate or number", true);
		error_response(&e, a, "Fault", "Our fault; nothing was changed", false);
		error_response(&e, a, "Busy", "Would work later", true);
		jw_end_obj(&e);
		buf_add(&b, str_sub(buf_str(&eb), 1, eb.n - 1));
	}
	buf_byte(&b, '}');
	jw_kraw(&j, "components", buf_str(&b));
	jw_end_obj(&j);
}

const char *
api_describe_wrong(struct arena *a)
{
	struct taken rows = { NEW(a, const struct route *, 2000), 0, 2000 };

	api_routes(collect, &rows);
	for (size_t i = 0; i < COUNT(bodies); i++) {
		str rest = str_of(bodies[i].routes);
		while (rest.n) {
			str line = str_cut(&rest, '\n');
			bool found = false;
			for (int k = 0; k < rows.n && !found; k++)
				found = str_eq(line, str_printf(a, "%s %s", method_name(rows.r[k]->method, false), rows.r[k]->path));
			if (!found)
				return str_z(a, line);
		}
	}
	return NULL;
}

static enum err
openapi(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	rp->status = 200;
	rp->type = "application/json; charset=utf-8";
	rp->body.n = 0;
	api_describe(cx->arena, api_of(cx)->conf.version, &rp->body);
	return OK;
}

const struct route describe_routes[] = {
	{ GET, "/api/ward/v1/openapi", MAY_SIGNED_IN, 0, openapi, 0 },
	{ 0 }
};
