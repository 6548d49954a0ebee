/* Conditions on a ticket in memory, by rows: what holds, before and after an update; what is refused; placeholders. */
#include "rows.h"

#include "desk/rule.h"

#define HOUR ((usec)3600 * SECOND)
#define NOW  ((usec)1767607200 * SECOND)     /* 2026-01-05T10:00:00Z, a Monday */

struct t {                                   /* what the rows say of a ticket; ids: requester 7, me 5 */
	enum ticket_status status;
	enum ticket_priority priority;
	int64_t assignee, group;
	const char *tags, *custom, *subject, *channel;
};
enum how { NOTHING, MADE, CHANGED };
enum said { SILENT, PUBLIC, PRIVATE };

static const struct {
	const char *why, *field, *op, *value;    /* value: JSON */
	enum how how;
	struct t was, is;
	enum said said;
	const char *words;                       /* of the comment */
	bool holds;
} rows[] = {
	{ "status is",                   "status", "is", "\"open\"", CHANGED, { .status = TICKET_NEW }, { .status = TICKET_OPEN }, 0, NULL, true },
	{ "status is another",           "status", "is", "\"open\"", CHANGED, { .status = TICKET_OPEN }, { .status = TICKET_PENDING }, 0, NULL, false },
	{ "status is one of several",    "status", "includes", "[\"open\",\"pending\"]", NOTHING, { 0 }, { .status = TICKET_PENDING }, 0, NULL, true },
	{ "status is none of several",   "status", "not_includes", "[\"open\",\"pending\"]", NOTHING, { 0 }, { .status = TICKET_SOLVED }, 0, NULL, true },
	{ "less than solved",            "status", "less_than", "\"solved\"", NOTHING, { 0 }, { .status = TICKET_HOLD }, 0, NULL, true },
	{ "solved is not less",          "status", "less_than", "\"solved\"", NOTHING, { 0 }, { .status = TICKET_SOLVED }, 0, NULL, false },
	{ "greater than pending",        "status", "greater_than", "\"pending\"", NOTHING, { 0 }, { .status = TICKET_CLOSED }, 0, NULL, true },
	{ "changed",                     "status", "changed", "null", CHANGED, { .status = TICKET_NEW }, { .status = TICKET_OPEN }, 0, NULL, true },
	{ "not changed",                 "status", "not_changed", "null", CHANGED, { .status = TICKET_OPEN }, { .status = TICKET_OPEN }, 0, NULL, true },
	{ "changed to",                  "status", "value", "\"solved\"", CHANGED, { .status = TICKET_OPEN }, { .status = TICKET_SOLVED }, 0, NULL, true },
	{ "is it already, did not change to it", "status", "value", "\"solved\"", CHANGED, { .status = TICKET_SOLVED }, { .status = TICKET_SOLVED }, 0, NULL, false },
	{ "a client's word for it",      "status", "changed_to", "\"solved\"", CHANGED, { .status = TICKET_OPEN }, { .status = TICKET_SOLVED }, 0, NULL, true },
	{ "changed from",                "status", "value_previous", "\"solved\"", CHANGED, { .status = TICKET_SOLVED }, { .status = TICKET_OPEN }, 0, NULL, true },
	{ "not changed from",            "status", "not_value_previous", "\"solved\"", CHANGED, { .status = TICKET_PENDING }, { .status = TICKET_OPEN }, 0, NULL, true },
	{ "not changed to",              "status", "not_value", "\"open\"", CHANGED, { .status = TICKET_SOLVED }, { .status = TICKET_OPEN }, 0, NULL, false },
	{ "a new ticket has nothing before", "status", "value_previous", "\"new\"", MADE, { 0 }, { .status = TICKET_OPEN }, 0, NULL, false },
	{ "made with a group is a change of group", "group_id", "changed", "null", MADE, { 0 }, { .group = 3 }, 0, NULL, true },
	{ "made without one is none",    "group_id", "changed", "null", MADE, { 0 }, { 0 }, 0, NULL, false },
	{ "nothing happens, nothing changes", "status", "changed", "null", NOTHING, { 0 }, { .status = TICKET_OPEN }, 0, NULL, false },
	{ "priority order",              "priority", "greater_than", "\"normal\"", NOTHING, { 0 }, { .priority = PRIORITY_HIGH }, 0, NULL, true },
	{ "no priority",                 "priority", "is", "\"\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "nobody's",                    "assignee_id", "is", "\"\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "somebody's",                  "assignee_id", "is_not", "null", NOTHING, { 0 }, { .assignee = 9 }, 0, NULL, true },
	{ "mine",                        "assignee_id", "is", "\"current_user\"", NOTHING, { 0 }, { .assignee = 5 }, 0, NULL, true },
	{ "not mine",                    "assignee_id", "is", "\"current_user\"", NOTHING, { 0 }, { .assignee = 6 }, 0, NULL, false },
	{ "nobody's is not mine",        "assignee_id", "is_not", "\"current_user\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "the requester's own",         "assignee_id", "is", "\"requester_id\"", NOTHING, { 0 }, { .assignee = 7 }, 0, NULL, true },
	{ "by number or text",           "group_id", "is", "3", NOTHING, { 0 }, { .group = 3 }, 0, NULL, true },
	{ "present",                     "group_id", "present", "null", NOTHING, { 0 }, { .group = 3 }, 0, NULL, true },
	{ "not present",                 "group_id", "not_present", "null", NOTHING, { 0 }, { .group = 3 }, 0, NULL, false },
	{ "one of the tags",             "current_tags", "includes", "\"vip gold\"", NOTHING, { 0 }, { .tags = "[\"gold\",\"x\"]" }, 0, NULL, true },
	{ "tags are whole",              "current_tags", "includes", "\"vi\"", NOTHING, { 0 }, { .tags = "[\"vip\"]" }, 0, NULL, false },
	{ "none of the tags",            "current_tags", "not_includes", "\"vip gold\"", NOTHING, { 0 }, { .tags = "[\"x\"]" }, 0, NULL, true },
	{ "all of the tags",             "current_tags", "is", "\"vip gold\"", NOTHING, { 0 }, { .tags = "[\"gold\",\"vip\"]" }, 0, NULL, true },
	{ "tags in capitals",            "current_tags", "includes", "\"VIP\"", NOTHING, { 0 }, { .tags = "[\"vip\"]" }, 0, NULL, true },
	{ "the channel by number",       "via_id", "is", "\"4\"", NOTHING, { 0 }, { .channel = "email" }, 0, NULL, true },
	{ "the web form is number 0",    "via_id", "is", "\"0\"", NOTHING, { 0 }, { .channel = "web" }, 0, NULL, true },
	{ "and not the API",             "via_id", "is", "\"0\"", NOTHING, { 0 }, { .channel = "api" }, 0, NULL, false },
	{ "created",                     "update_type", "is", "\"Create\"", MADE, { 0 }, { 0 }, 0, NULL, true },
	{ "changed, not created",        "update_type", "is", "\"Create\"", CHANGED, { 0 }, { 0 }, 0, NULL, false },
	{ "a public comment",            "comment_is_public", "is", "\"true\"", CHANGED, { 0 }, { 0 }, PUBLIC, "x", true },
	{ "a note is not public",        "comment_is_public", "is", "\"true\"", CHANGED, { 0 }, { 0 }, PRIVATE, "x", false },
	{ "any comment",                 "comment_is_public", "is", "\"not_relevant\"", CHANGED, { 0 }, { 0 }, PRIVATE, "x", true },
	{ "no comment",                  "comment_is_public", "is", "\"not_relevant\"", CHANGED, { 0 }, { 0 }, SILENT, NULL, false },
	{ "a word of the comment",       "comment_includes_word", "includes", "\"refund invoice\"", CHANGED, { 0 }, { 0 }, PUBLIC, "The INVOICE, please!", true },
	{ "half a word is none",         "comment_includes_word", "includes", "\"voice\"", CHANGED, { 0 }, { 0 }, PUBLIC, "The invoice", false },
	{ "the whole string",            "comment_includes_word", "is", "\"the invoice\"", CHANGED, { 0 }, { 0 }, PUBLIC, "Send the invoice.", true },
	{ "without the string",          "comment_includes_word", "is_not", "\"the bill\"", CHANGED, { 0 }, { 0 }, PUBLIC, "Send the invoice.", true },
	{ "no comment has no word",      "comment_includes_word", "not_includes", "\"x\"", CHANGED, { 0 }, { 0 }, SILENT, NULL, true },
	{ "accents are folded",          "subject_includes_word", "includes", "\"resume\"", NOTHING, { 0 }, { .subject = "R\xc3\xa9sum\xc3\xa9 lost" }, 0, NULL, true },
	{ "a custom value",              "custom_fields_401", "is", "\"blue\"", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":\"blue\"}]" }, 0, NULL, true },
	{ "another field's value",       "custom_fields_402", "is", "\"blue\"", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":\"blue\"}]" }, 0, NULL, false },
	{ "a tick",                      "custom_fields_401", "is", "\"true\"", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":true}]" }, 0, NULL, true },
	{ "no tick was ever set",        "custom_fields_401", "is", "\"false\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "one of many values",          "custom_fields_401", "includes", "[\"b\"]", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":[\"a\",\"b\"]}]" }, 0, NULL, true },
	{ "a number by size",            "custom_fields_401", "greater_than", "\"9\"", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":10}]" }, 0, NULL, true },
	{ "a date by order",             "custom_fields_401", "less_than", "\"2026-01-02\"", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":\"2026-01-01\"}]" }, 0, NULL, true },
	{ "a custom value that changed", "custom_fields_401", "changed", "null", CHANGED, { .custom = "[{\"id\":401,\"value\":\"a\"}]" }, { .custom = "[{\"id\":401,\"value\":\"b\"}]" }, 0, NULL, true },
	{ "and changed from",            "custom_fields_401", "value_previous", "\"a\"", CHANGED, { .custom = "[{\"id\":401,\"value\":\"a\"}]" }, { .custom = "[{\"id\":401,\"value\":\"b\"}]" }, 0, NULL, true },
	{ "no custom value",             "custom_fields_401", "not_present", "null", NOTHING, { 0 }, { .custom = "[{\"id\":401,\"value\":null}]" }, 0, NULL, true },
	/* The requester and the organization below. */
	{ "a value of the requester",    "requester.custom_fields.plan", "is", "\"Gold\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "another value of theirs",     "requester.custom_fields.plan", "is_not", "\"silver\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "a value they do not have",    "requester.custom_fields.shoe", "not_present", "null", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "their number by size",        "requester.custom_fields.visits", "greater_than", "\"9\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "their tick",                  "requester.custom_fields.vip", "is", "\"true\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "a tick they never had",       "requester.custom_fields.shoe", "is", "\"false\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "their day within days",       "requester.custom_fields.since", "within_previous_n_days", "\"5\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "one of their many",           "requester.custom_fields.many", "includes", "[\"b\"]", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "a value of the organization", "organization.custom_fields.region", "is", "\"north\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "which is not the requester's", "organization.custom_fields.plan", "present", "null", NOTHING, { 0 }, { 0 }, 0, NULL, false },
	{ "the requester's language",    "locale_id", "is", "\"2\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "by name",                     "locale_id", "is", "\"es\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "another language",            "locale_id", "is_not", "\"1\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "a file came with it",         "attachment", "is", "\"present\"", CHANGED, { 0 }, { 0 }, PUBLIC, "enclosed", true },
	{ "no file came",                "attachment", "present", "null", CHANGED, { 0 }, { 0 }, PUBLIC, "x", false },
	{ "no comment has no file",      "attachment", "is", "\"not_present\"", CHANGED, { 0 }, { 0 }, SILENT, NULL, true },
	{ "the current user is an agent", "role", "is", "\"agent\"", CHANGED, { 0 }, { 0 }, 0, NULL, true },
	{ "or a certain one",            "role", "is", "\"5\"", CHANGED, { 0 }, { 0 }, 0, NULL, true },
	{ "not an end user",             "role", "is_not", "\"end_user\"", CHANGED, { 0 }, { 0 }, 0, NULL, true },
	/* The metric below: pending 30 hours and 20 minutes ago, solved never, due in 5 hours. */
	{ "hours since pending",         "PENDING", "greater_than", "\"30\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "not so many",                 "PENDING", "greater_than", "\"31\"", NOTHING, { 0 }, { 0 }, 0, NULL, false },
	{ "in just this hour",           "PENDING", "is", "\"30\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "not in the next",             "PENDING", "is", "\"31\"", NOTHING, { 0 }, { 0 }, 0, NULL, false },
	{ "fewer hours",                 "PENDING", "less_than", "\"31\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "never is no hour",            "SOLVED", "greater_than", "\"1\"", NOTHING, { 0 }, { 0 }, 0, NULL, false },
	{ "never is not few hours either", "SOLVED", "less_than", "\"100\"", NOTHING, { 0 }, { 0 }, 0, NULL, false },
	{ "hours until due",             "until_due_date", "less_than", "\"6\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "not overdue",                 "due_date", "greater_than", "\"0\"", NOTHING, { 0 }, { 0 }, 0, NULL, false },
	{ "within the next days",        "due_at", "within_next_n_days", "\"1\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
	{ "reopened often",              "reopens", "greater_than", "\"2\"", NOTHING, { 0 }, { 0 }, 0, NULL, true },
};

static const struct metric counted = { .ticket_id = 1, .pending_at = NOW - 30 * HOUR - HOUR / 3, .reopens = 3 };

static struct ticket
made(const struct t *t)
{
	return (struct ticket){ .id = 1, .requester_id = 7, .status = t->status, .priority = t->priority, .assignee_id = t->assignee,
	    .group_id = t->group, .tags = HIDE(str_of(t->tags ? t->tags : "[]")), .custom_fields = HIDE(str_of(t->custom ? t->custom : "[]")),
	    .subject = HIDE(str_of(t->subject ? t->subject : "s")), .channel = str_of(t->channel ? t->channel : "api"),
	    .created_at = NOW - 100 * HOUR, .updated_at = NOW, .due_at = NOW + 5 * HOUR };
}

static struct sys sys;

static void
begin(struct ctx *cx)
{
	ctx_init(cx, &sys, 1);
	cx->now = NOW;
}

static void
holds(void **state)
{
	size_t i = ROW(state);
	bool hours = false;
	struct ticket was = made(&rows[i].was), is = made(&rows[i].is);
	struct comment c = { .id = 2, .is_public = rows[i].said == PUBLIC, .body = HIDE(str_of(rows[i].words)),
	    .attachment_count = rows[i].words && strcmp(rows[i].words, "enclosed") == 0 };
	struct user person = { .id = 7, .locale = S("es"), .user_fields = HIDE(S("{\"plan\":\"gold\",\"visits\":12,\"vip\":true,"
	    "\"since\":\"2026-01-02\",\"many\":[\"a\",\"b\"]}")) };
	struct organization house = { .id = 8, .fields = HIDE(S("{\"region\":\"north\"}")) };
	struct compiled k;
	struct rule r;
	struct ctx cx;
	struct subject s;

	begin(&cx);
	for (const char *p = rows[i].field; *p; p++)
		hours = hours || (*p >= 'A' && *p <= 'Z');
	r = (struct rule){ .kind = hours || str_find(str_of(rows[i].field), S("du")) == 0 || str_starts(str_of(rows[i].field), S("until")) ? RULE_VIEW : RULE_TRIGGER,
	    .actions = S("[{\"field\":\"status\",\"value\":\"open\"}]"),
	    .conditions = str_printf(cx.arena, "{\"all\":[{\"field\":\"%s\",\"operator\":\"%s\",\"value\":%s}],\"any\":[]}", rows[i].field, rows[i].op, rows[i].value) };
	rule_compile(&cx, &r, &k);
	if (cx.bad != NULL)
		print_error("%s\n", cx.bad->why);
	assert_null(cx.bad);
	assert_int_equal(k.alls, 1);
	s = (struct subject){ .cx = &cx, .t = &is, .old = rows[i].how == CHANGED ? &was : NULL, .update = rows[i].how != NOTHING,
	    .created = rows[i].how == MADE, .comment = rows[i].said != SILENT ? &c : NULL, .user_id = 5, .role = ROLE_AGENT, .now = NOW, .m = &counted,
	    .requester = &person, .organization = &house };
	assert_int_equal(rule_holds(&s, &k), rows[i].holds);
	assert_int_equal(s.e, OK);
	ctx_done(&cx);
}

static const struct {
	const char *why;
	enum rule_kind kind;
	const char *conditions, *actions;        /* NULL: fine ones */
	int wrong;
} refused[] = {
	{ "a good one",                     RULE_TRIGGER, NULL, NULL, 0 },
	{ "an unknown field",               RULE_TRIGGER, "[{\"field\":\"mood\",\"operator\":\"is\",\"value\":\"x\"}]", NULL, 1 },
	{ "two wrong things are two",       RULE_TRIGGER, "[{\"field\":\"mood\"},{\"field\":\"status\",\"operator\":\"is\",\"value\":\"x\"}]", NULL, 2 },
	{ "an operator of another field",   RULE_TRIGGER, "[{\"field\":\"assignee_id\",\"operator\":\"less_than\",\"value\":\"3\"}]", NULL, 1 },
	{ "changed, in a view",             RULE_VIEW, "[{\"field\":\"status\",\"operator\":\"changed\"}]", NULL, 1 },
	{ "hours in a trigger",             RULE_TRIGGER, "[{\"field\":\"SOLVED\",\"operator\":\"is\",\"value\":\"3\"}]", NULL, 1 },
	{ "comments in a view",             RULE_VIEW, "[{\"field\":\"comment_is_public\",\"operator\":\"is\",\"value\":\"true\"}]", NULL, 1 },
	{ "no value where none means nothing", RULE_TRIGGER, "[{\"field\":\"status\",\"operator\":\"is\"}]", NULL, 1 },
	{ "hours below zero",               RULE_AUTOMATION, "[{\"field\":\"OPEN\",\"operator\":\"is\",\"value\":\"-1\"}]", NULL, 1 },
	{ "a value that is an object",      RULE_TRIGGER, "[{\"field\":\"status\",\"operator\":\"is\",\"value\":{\"a\":1}}]", NULL, 1 },
	{ "a custom field without a number", RULE_TRIGGER, "[{\"field\":\"custom_fields_x\",\"operator\":\"is\",\"value\":\"a\"}]", NULL, 1 },
	{ "a requester's field without a key", RULE_TRIGGER, "[{\"field\":\"requester.custom_fields.\",\"operator\":\"is\",\"value\":\"a\"}]", NULL, 1 },
	{ "a requester's field that changed", RULE_TRIGGER, "[{\"field\":\"requester.custom_fields.plan\",\"operator\":\"changed\"}]", NULL, 1 },
	{ "a file in a view",               RULE_VIEW, "[{\"field\":\"attachment\",\"operator\":\"is\",\"value\":\"present\"}]", NULL, 1 },
	{ "a language that is not known",   RULE_TRIGGER, "[{\"field\":\"locale_id\",\"operator\":\"is\",\"value\":\"77\"}]", NULL, 1 },
	{ "conditions that are words",      RULE_TRIGGER, "[\"status\"]", NULL, 1 },
	{ "no actions",                     RULE_TRIGGER, NULL, "[]", 1 },
	{ "an unknown action",              RULE_TRIGGER, NULL, "[{\"field\":\"explode\",\"value\":\"now\"}]", 1 },
	{ "a comment by a trigger",         RULE_TRIGGER, NULL, "[{\"field\":\"comment_value\",\"value\":\"x\"}]", 1 },
	{ "a notification by a macro",      RULE_MACRO, NULL, "[{\"field\":\"notification_user\",\"value\":[\"requester_id\",\"a\",\"b\"]}]", 1 },
	{ "a notification of nobody",       RULE_TRIGGER, NULL, "[{\"field\":\"notification_user\",\"value\":[\"the boss\",\"a\",\"b\"]}]", 1 },
	{ "a notification without a text",  RULE_TRIGGER, NULL, "[{\"field\":\"notification_user\",\"value\":[\"requester_id\",\"a\"]}]", 1 },
	{ "Liquid",                         RULE_MACRO, NULL, "[{\"field\":\"comment_value\",\"value\":\"{% if a %}b{% endif %}\"}]", 1 },
	{ "a filter",                       RULE_MACRO, NULL, "[{\"field\":\"comment_value\",\"value\":\"{{ticket.title | upcase}}\"}]", 1 },
	{ "a wrong status",                 RULE_TRIGGER, NULL, "[{\"field\":\"status\",\"value\":\"broken\"}]", 1 },
	{ "a status that is none",          RULE_TRIGGER, NULL, "[{\"field\":\"status\",\"value\":null}]", 1 },
};

static void
refuses(void **state)
{
	size_t i = ROW(state);
	struct compiled k;
	struct ctx cx;
	int n = 0;

	begin(&cx);
	rule_compile(&cx, &(struct rule){ .kind = refused[i].kind, .conditions = str_printf(cx.arena, "{\"all\":%s,\"any\":[]}",
	    refused[i].conditions ? refused[i].conditions : "[{\"field\":\"status\",\"operator\":\"is\",\"value\":\"open\"}]"),
	    .actions = str_of(refused[i].actions ? refused[i].actions : "[{\"field\":\"priority\",\"value\":\"high\"}]") }, &k);
	for (struct bad_field *b = cx.bad; b != NULL; b = b->next)
		n++;
	assert_int_equal(n, refused[i].wrong);
	ctx_done(&cx);
}

static void
any_and_all(void **state UNUSED)
{
	struct ticket t = made(&(struct t){ .status = TICKET_OPEN, .priority = PRIORITY_LOW });
	static const struct { const char *conditions; bool holds; } c[] = {
		{ "{\"all\":[],\"any\":[]}", true },
		{ "{\"all\":[{\"field\":\"status\",\"operator\":\"is\",\"value\":\"open\"}],\"any\":[{\"field\":\"priority\",\"operator\":\"is\",\"value\":\"high\"}]}", false },
		{ "{\"all\":[{\"field\":\"status\",\"operator\":\"is\",\"value\":\"open\"}],\"any\":[{\"field\":\"priority\",\"operator\":\"is\",\"value\":\"high\"},"
		  "{\"field\":\"priority\",\"operator\":\"is\",\"value\":\"low\"}]}", true },
		{ "{\"all\":[{\"field\":\"status\",\"operator\":\"is\",\"value\":\"new\"}],\"any\":[{\"field\":\"priority\",\"operator\":\"is\",\"value\":\"low\"}]}", false },
	};

	for (size_t i = 0; i < COUNT(c); i++) {
		struct compiled k;
		struct ctx cx;
		begin(&cx);
		rule_compile(&cx, &(struct rule){ .kind = RULE_VIEW, .conditions = str_of(c[i].conditions) }, &k);
		assert_null(cx.bad);
		assert_int_equal(rule_holds(&(struct subject){ .cx = &cx, .t = &t, .now = NOW }, &k), c[i].holds);
		ctx_done(&cx);
	}
}

static const struct { const char *why, *text, *out; } placeholders[] = {
	{ "none",                "Nothing here", "Nothing here" },
	{ "number and words",    "#{{ticket.id}} is {{ ticket.status }}", "#1 is open" },
	{ "an unknown one",      "a{{ticket.soul}}b{{x}}c", "abc" },
	{ "one that is not ended", "a {{ticket.id", "a {{ticket.id" },
	{ "a value is not rendered again", "{{ticket.title}}", "{{ticket.id}}" },
	{ "tags",                "{{ticket.tags}}", "a b" },
	{ "a custom value",      "{{ticket.ticket_field_401}}!", "blue!" },
	{ "braces alone",        "} { }} {{}}", "} { }} " },
};

static void
renders(void **state)
{
	size_t i = ROW(state);
	struct ticket t = made(&(struct t){ .status = TICKET_OPEN, .subject = "{{ticket.id}}", .tags = "[\"a\",\"b\"]", .custom = "[{\"id\":401,\"value\":\"blue\"}]" });
	struct ctx cx;
	str out;

	begin(&cx);
	assert_int_equal(template_render(&cx, str_of(placeholders[i].text), &(struct subject){ .cx = &cx, .t = &t, .now = NOW, .role = ROLE_SYSTEM }, &out), OK);
	assert_string_equal(str_z(cx.arena, out), placeholders[i].out);
	ctx_done(&cx);
}

int
main(void)
{
	static struct CMUnitTest t[COUNT(rows) + COUNT(refused) + COUNT(placeholders) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, rows, holds);
	ADD_ROWS(t, n, refused, refuses);
	ADD_ROWS(t, n, placeholders, renders);
	ADD(t, n, any_and_all);
	return RUN_ROWS("desk rules", t, n);
}
