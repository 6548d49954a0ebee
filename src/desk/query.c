/* query.c - Zendesk's query language: parsed, planned and run.
 *
 *   query  = { ["-"] item }
 *   item   = word | "phrase" | field op value | field op "phrase"
 *   op     = ":" | "<" | "<=" | ">" | ">=" | ":<" ...       (only what can be compared)
 *   value  = anything without blanks; ending with * it is the beginning of a word
 *
 * Items are ANDed, several values of one field ORed, those with "-" excluded;
 * comparisons of one field narrow each other. What looks like a field but is
 * none ("12:30", "re:") is a word. An item on a field that a type does not have
 * leaves that type out.
 *
 * Plan. For each type the items become leaves (words: answered by the index) and
 * conditions (facts: answered by clear columns of the row). A leaf has
 * alternatives; of each the index says yes, no or perhaps. Perhaps is for what
 * the index does not hold (the order of words, which comment or field they are
 * in, the rest of a long beginning), and is settled by opening the texts, last,
 * for what has passed all else.
 *
 * Run. Candidates come, in descending order of ids, from the cheapest source:
 * ids from an index of the table when they are few, else the leaves (each
 * seeks in turn to the next document that all have), else a walk along the
 * table. Each batch's facts are read, what the actor may not see is left out by
 * gate_may(), and what remains is a match. Only when everything is sure and the
 * actor sees all tickets are the facts not needed. Nothing is shown of a ticket
 * here but its id, so nothing is a look; opening texts to compare is not either.
 *
 * A run that meets a change of the index that matters (E_CONFLICT, or
 * something replaced after its view) begins again.
 */
#include <jansson.h>
#include <stdlib.h>

#include "desk/def.h"
#include "desk/query.h"

enum { ALTS_MAX = 64, TOTAL_MAX = 10000, EXAMINE_MAX = 1000000, FEW = 20000, BATCH = 256, PAGE = 512, RETRIES = 5, NAMES_MAX = 10000 };

#define TICKET  FOUND_TICKET
#define USER    FOUND_USER
#define ORG     FOUND_ORG
#define GROUP   FOUND_GROUP
#define ALL     (TICKET | USER | ORG | GROUP)

/* ---- SQL ----------------------------------------------------------------------------------------------- */

#define FACTS "t.id, t.status, t.priority, t.type, t.requester_id, t.submitter_id, t.assignee_id, t.group_id," \
	" t.organization_id, t.brand_id, t.form_id, t.channel, t.created_at, t.updated_at, t.due_at, t.solved_at, t.cc"
#define FACTS_OUT "iiiiiii?i?i?i?i?tiii?i?b?"
#define IN_LIST(n) "(SELECT value FROM json_each($" #n "))"
#define IN_LIST_PG(n) "(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($" #n " AS json)))"

/* The index has all these columns and holds what has status >= 0; without being
 * told, SQLite would take the primary key and then open the row itself. */
const struct stmt st_ticket_facts = {
	.name = "search.tickets",
	.sql  = "SELECT " FACTS " FROM ticket t INDEXED BY ticket_search WHERE t.account_id = $1 AND t.id IN " IN_LIST(2)
	        " AND t.status >= 0 AND t.deleted_at IS NULL",
	.pg   = "SELECT " FACTS " FROM ticket t WHERE t.account_id = $1 AND t.id IN " IN_LIST_PG(2)
	        " AND t.status >= 0 AND t.deleted_at IS NULL",
	.in   = "it", .out = FACTS_OUT,
};

/* $3-$5: allowed values of status, priority, type; then bounds of created_at, updated_at. */
#define NARROW(list) " AND t.deleted_at IS NULL AND t.status IN " list(3) " AND t.priority IN " list(4) \
	" AND t.type IN " list(5) " AND t.created_at >= $6 AND t.created_at < $7 AND t.updated_at >= $8 AND t.updated_at < $9"
const struct stmt st_ticket_scan = {
	.name = "search.ticket_scan",
	.sql  = "SELECT " FACTS " FROM ticket t INDEXED BY ticket_search WHERE t.account_id = $1 AND t.id < $2 AND t.status >= 0"
	        NARROW(IN_LIST)
	        " ORDER BY t.id DESC LIMIT $10",
	.pg   = "SELECT " FACTS " FROM ticket t WHERE t.account_id = $1 AND t.id < $2 AND t.status >= 0" NARROW(IN_LIST_PG)
	        " ORDER BY t.id DESC LIMIT $10",
	.in   = "iitttiiiii", .out = FACTS_OUT,
};

/* There is an index by updated_at for each status, and none for all: the six are merged while they are read. */
#define EACH_STATUS(one) one("0") " UNION ALL " one("1") " UNION ALL " one("2") " UNION ALL " one("3") " UNION ALL " one("4") " UNION ALL " one("5")
#define SCAN_FROM "SELECT " FACTS " FROM ticket t WHERE t.account_id = $1 AND (t.updated_at, t.id) < ($11, $2) AND t.status = "
#define SCAN(status) SCAN_FROM status NARROW(IN_LIST)
#define SCAN_PG(status) SCAN_FROM status NARROW(IN_LIST_PG)
const struct stmt st_ticket_scan_updated = {
	.name = "search.ticket_scan_updated",
	.sql  = EACH_STATUS(SCAN) " ORDER BY updated_at DESC, id DESC LIMIT $10",
	.pg   = EACH_STATUS(SCAN_PG) " ORDER BY updated_at DESC, id DESC LIMIT $10",
	.in   = "iitttiiiiii", .out = FACTS_OUT,
};

#define BY(column) \
	"SELECT id FROM ticket WHERE account_id = $1 AND " column " = $2 ORDER BY id DESC LIMIT $3"
const struct stmt st_by_requester = { .name = "search.by_requester", .sql = BY("requester_id"), .in = "iii", .out = "i" };
const struct stmt st_by_assignee = { .name = "search.by_assignee", .sql = BY("assignee_id"), .in = "iii", .out = "i" };
const struct stmt st_by_group = { .name = "search.by_group", .sql = BY("group_id"), .in = "iii", .out = "i" };
const struct stmt st_by_organization = { .name = "search.by_organization", .sql = BY("organization_id"), .in = "iii", .out = "i" };
const struct stmt st_by_cc = {
	.name = "search.by_cc",
	.sql  = "SELECT ticket_id FROM ticket_cc WHERE account_id = $1 AND user_id = $2 LIMIT $3",
	.in   = "iii", .out = "i",
};
const struct stmt st_by_status = {
	.name = "search.by_status",
	.sql  = "SELECT id FROM ticket WHERE account_id = $1 AND status = $2 AND deleted_at IS NULL ORDER BY id DESC LIMIT $3",
	.in   = "iii", .out = "i",
};
#define SINCE(status) "SELECT id, updated_at FROM ticket WHERE account_id = $1 AND status = " status " AND updated_at >= $2" \
	" AND deleted_at IS NULL"
const struct stmt st_by_updated = {
	.name = "search.by_updated",
	.sql  = "SELECT id FROM (" EACH_STATUS(SINCE) " ORDER BY updated_at DESC LIMIT $3) AS newest",
	.in   = "iii", .out = "i",
};
const struct stmt st_by_external = {
	.name = "search.by_external_id",
	.sql  = "SELECT id FROM ticket WHERE account_id = $1 AND external_id_x = $2 ORDER BY id DESC LIMIT $3",
	.in   = "iXi", .out = "i", .blind = { "ticket.external_id" },
};
const struct stmt st_has_comment_by = {
	.name = "search.has_comment_by",
	.sql  = "SELECT count(*)" OF_TICKET("c", "$2") " AND c.author_id IN " IN_LIST(3),
	.pg   = "SELECT count(*)" OF_TICKET("c", "$2") " AND c.author_id IN " IN_LIST_PG(3),
	.in   = "iit", .out = "i",
};
const struct stmt st_has_attachment = {
	.name = "search.has_attachment",
	.sql  = "SELECT count(*)" OF_TICKET("c", "$2") " AND c.attachments > 0",
	.in   = "ii", .out = "i",
};
/* 0: not rated; 1 bad, 2 good, 3 and 4 the same with words. */
const struct stmt st_satisfaction = {
	.name = "search.satisfaction",
	.sql  = "SELECT COALESCE(MAX(1 + score + 2 * has_comment), 0) FROM satisfaction_rating WHERE account_id = $1 AND ticket_id = $2",
	.in   = "ii", .out = "i",
};
const struct stmt st_ticket_doc = {
	.name = "search.ticket_doc",
	.sql  = "SELECT id, doc FROM ticket WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "iS", .seal_out = { { "ticket", "doc", 0 } },
};
const struct stmt st_comment_docs = {
	.name = "search.comment_docs",
	.sql  = "SELECT c.id, c.attachments, c.doc" OF_TICKET("c", "$2") " ORDER BY a.id",
	.in   = "ii", .out = "iiS", .seal_out = { { "comment", "doc", 0 } },
};
const struct stmt st_attachment_docs = {
	.name = "search.attachment_docs",
	.sql  = "SELECT id, doc FROM attachment WHERE account_id = $1 AND comment_id = $2 AND redacted = 0 ORDER BY id",
	.in   = "ii", .out = "iS", .seal_out = { { "attachment", "doc", 0 } },
};

#define USER_FACTS "u.id, u.role, u.organization_id, u.suspended, u.verified, u.created_at, u.updated_at"
#define USER_FACTS_OUT "iii?iiii"
const struct stmt st_user_facts = {
	.name = "search.users",
	.sql  = "SELECT " USER_FACTS " FROM users u WHERE u.account_id = $1 AND u.id IN " IN_LIST(2) " AND u.active = 1",
	.pg   = "SELECT " USER_FACTS " FROM users u WHERE u.account_id = $1 AND u.id IN " IN_LIST_PG(2) " AND u.active = 1",
	.in   = "it", .out = USER_FACTS_OUT,
};
const struct stmt st_user_scan = {
	.name = "search.user_scan",
	.sql  = "SELECT " USER_FACTS " FROM users u WHERE u.account_id = $1 AND u.id < $2 AND u.active = 1"
	        " ORDER BY u.id DESC LIMIT $3",
	.in   = "iii", .out = USER_FACTS_OUT,
};
const struct stmt st_org_facts = {
	.name = "search.organizations",
	.sql  = "SELECT o.id, o.created_at, o.updated_at FROM organization o WHERE o.account_id = $1 AND o.id IN " IN_LIST(2),
	.pg   = "SELECT o.id, o.created_at, o.updated_at FROM organization o WHERE o.account_id = $1 AND o.id IN " IN_LIST_PG(2),
	.in   = "it", .out = "iii",
};
const struct stmt st_org_scan = {
	.name = "search.organization_scan",
	.sql  = "SELECT o.id, o.created_at, o.updated_at FROM organization o WHERE o.account_id = $1 AND o.id < $2"
	        " ORDER BY o.id DESC LIMIT $3",
	.in   = "iii", .out = "iii",
};
const struct stmt st_groups = {
	.name = "search.groups",
	.sql  = "SELECT id, name, description, created_at, updated_at FROM agent_group WHERE account_id = $1 AND deleted = 0"
	        " ORDER BY id DESC",
	.in   = "i", .out = "ittii",
};
const struct stmt st_members = {
	.name = "search.members",
	.sql  = "SELECT user_id FROM group_membership WHERE account_id = $1 AND group_id = $2 ORDER BY user_id",
	.in   = "ii", .out = "i",
};

/* ---- fields -------------------------------------------------------------------------------------------- */

/* The first name of a field is the one it is printed with. */
static const struct field {
	const char *name;
	enum qfield field;
	unsigned    types;
	bool        compares;
} fields[] = {
	{ "type",           Q_TYPE,           ALL, false },
	{ "id",             Q_ID,             ALL, true },
	{ "status",         Q_STATUS,         TICKET, true },
	{ "priority",       Q_PRIORITY,       TICKET, true },
	{ "ticket_type",    Q_TICKET_TYPE,    TICKET, false },
	{ "assignee",       Q_ASSIGNEE,       TICKET, false },
	{ "requester",      Q_REQUESTER,      TICKET, false },
	{ "submitter",      Q_SUBMITTER,      TICKET, false },
	{ "cc",             Q_CC,             TICKET, false },
	{ "commenter",      Q_COMMENTER,      TICKET, false },
	{ "author",         Q_COMMENTER,      TICKET, false },
	{ "group",          Q_GROUP,          TICKET | USER, false },
	{ "organization",   Q_ORGANIZATION,   TICKET | USER, false },
	{ "brand",          Q_BRAND,          TICKET, false },
	{ "form",           Q_FORM,           TICKET, false },
	{ "ticket_form",    Q_FORM,           TICKET, false },
	{ "via",            Q_VIA,            TICKET, false },
	{ "created",        Q_CREATED,        ALL, true },
	{ "created_at",     Q_CREATED,        ALL, true },
	{ "updated",        Q_UPDATED,        ALL, true },
	{ "updated_at",     Q_UPDATED,        ALL, true },
	{ "solved",         Q_SOLVED,         TICKET, true },
	{ "solved_at",      Q_SOLVED,         TICKET, true },
	{ "due_date",       Q_DUE,            TICKET, true },
	{ "due_at",         Q_DUE,            TICKET, true },
	{ "has_attachment", Q_HAS_ATTACHMENT, TICKET, false },
	{ "satisfaction",   Q_SATISFACTION,   TICKET, false },
	{ "tags",           Q_TAGS,           TICKET | USER | ORG, false },
	{ "tag",            Q_TAGS,           TICKET | USER | ORG, false },
	{ "subject",        Q_SUBJECT,        TICKET, false },
	{ "description",    Q_DESCRIPTION,    TICKET, false },
	{ "comment",        Q_DESCRIPTION,    TICKET, false },
	{ "external_id",    Q_EXTERNAL_ID,    TICKET | USER | ORG, false },
	{ "fieldvalue",     Q_FIELDVALUE,     TICKET, false },
	{ "name",           Q_NAME,           USER | ORG | GROUP, false },
	{ "email",          Q_EMAIL,          USER, false },
	{ "role",           Q_ROLE,           USER, false },
	{ "phone",          Q_PHONE,          USER, false },
	{ "notes",          Q_NOTES,          USER | ORG, false },
	{ "details",        Q_DETAILS,        USER | ORG, false },
	{ "verified",       Q_VERIFIED,       USER, false },
	{ "is_suspended",   Q_SUSPENDED,      USER, false },
	{ "suspended",      Q_SUSPENDED,      USER, false },
	{ "domain_names",   Q_DOMAINS,        ORG, false },
	{ "domain",         Q_DOMAINS,        ORG, false },
	{ "order_by",       Q_ORDER_BY,       ALL, false },
	{ "sort",           Q_SORT,           ALL, false },
	{ "custom_status_id", Q_CUSTOM_STATUS, TICKET, true },
	{ "recipient",      Q_RECIPIENT,      TICKET, false },
};
#define CUSTOM_PREFIX S("custom_field_")

static enum err
wrong(struct ctx *cx, const char *why)
{
	return fail(cx, E_INVALID, "query", why);
}

static bool
is_blank(char c)
{
	return (unsigned char)c <= ' ';
}

static bool
is_ident(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool
field_of(str name, struct qitem *it, bool *compares)
{
	if (name.n > CUSTOM_PREFIX.n && name.n <= CUSTOM_PREFIX.n + 18 &&
	    str_eqi(str_sub(name, 0, CUSTOM_PREFIX.n), CUSTOM_PREFIX) &&
	    str_int(str_sub(name, CUSTOM_PREFIX.n, name.n), &it->number) && it->number >= 0) {
		it->field = Q_CUSTOM;
		*compares = false;
		return true;
	}
	for (size_t i = 0; i < COUNT(fields); i++)
		if (str_eqi(name, str_of(fields[i].name))) {
			it->field = fields[i].field;
			it->number = 0;
			*compares = fields[i].compares;
			return true;
		}
	return false;
}

/* ---- the parser ---------------------------------------------------------------------------------------- */

/* Of stars at the end only one counts; alone it is a value. */
static void
take_star(struct qitem *it)
{
	size_t n = it->value.n;

	while (n > 0 && it->value.p[n - 1] == '*')
		n--;
	if (n == it->value.n)
		return;
	it->prefix = n > 0;
	it->value.n = n > 0 ? n : 1;
}

/* A text in quotation marks at the beginning of *s. */
static bool
take_quoted(str *s, str *out)
{
	const char *end = memchr(s->p + 1, '"', s->n - 1);

	if (end == NULL)
		return false;
	*out = (str){ s->p + 1, (size_t)(end - s->p - 1) };
	*s = str_sub(*s, (size_t)(end + 1 - s->p), s->n);
	return true;
}

/* field op value; false: that is not what it is, and nothing was taken. */
static enum err
take_field(struct ctx *cx, str *s, str token, struct qitem *it, bool *found)
{
	size_t i = 0;
	bool compares;

	*found = false;
	while (i < token.n && is_ident(token.p[i]))
		i++;
	if (i == 0 || i >= token.n || memchr(":<>", token.p[i], 3) == NULL || !field_of(str_sub(token, 0, i), it, &compares))
		return OK;
	if (token.p[i] != ':' && !compares)
		return OK;
	if (token.p[i] == ':')
		i++;
	if (compares && i < token.n && (token.p[i] == '<' || token.p[i] == '>')) {
		it->op = token.p[i++] == '<' ? OP_LESS : OP_MORE;
		if (i < token.n && token.p[i] == '=') {
			it->op++;
			i++;
		}
	}
	if (i == token.n)
		return OK;
	*found = true;
	if (token.p[i] == '"') {
		*s = str_sub(*s, i, s->n);
		it->quoted = true;
		return take_quoted(s, &it->value) ? OK : wrong(cx, "a quotation mark is not closed");
	}
	it->value = str_sub(token, i, token.n);
	*s = str_sub(*s, token.n, s->n);
	take_star(it);
	return OK;
}

enum err
query_parse(struct ctx *cx, str text, struct query *out)
{
	struct query q = { NEW(cx->arena, struct qitem, ITEMS_MAX), 0 };
	str s = text;

	if (text.n > QUERY_MAX)
		return wrong(cx, "the query is too long (maximum is 4096 bytes)");
	for (;;) {
		struct qitem it = { .field = Q_TEXT };
		struct qitem field;
		str token;
		bool found;

		while (s.n > 0 && is_blank(s.p[0]))
			s = str_sub(s, 1, s.n);
		if (s.n == 0)
			break;
		if (s.p[0] == '-' && s.n > 1 && !is_blank(s.p[1])) {
			it.negative = true;
			s = str_sub(s, 1, s.n);
		}
		if (s.p[0] == '"') {
			it.quoted = true;
			if (!take_quoted(&s, &it.value))
				return wrong(cx, "a quotation mark is not closed");
			if (it.value.n == 0)
				continue;
		} else {
			for (token = s, token.n = 0; token.n < s.n && !is_blank(s.p[token.n]);)
				token.n++;
			field = it;
			TRY(take_field(cx, &s, token, &field, &found));
			if (found)
				it = field;
			else {
				it.value = token;
				s = str_sub(s, token.n, s.n);
				take_star(&it);
			}
		}
		if (q.count == ITEMS_MAX)
			return wrong(cx, "the query has too many parts (maximum is 60)");
		q.item[q.count++] = it;
	}
	*out = q;
	return OK;
}

str
query_print(struct ctx *cx, const struct query *q)
{
	static const char *const ops[] = { [OP_IS] = ":", [OP_LESS] = "<", [OP_AT_MOST] = "<=", [OP_MORE] = ">",
	    [OP_AT_LEAST] = ">=" };
	struct buf b;

	buf_init(&b, cx->arena, 8 * QUERY_MAX);
	for (int i = 0; i < q->count; i++) {
		const struct qitem *it = &q->item[i];
		if (i > 0)
			buf_byte(&b, ' ');
		if (it->negative)
			buf_byte(&b, '-');
		if (it->field == Q_CUSTOM)
			buf_fmt(&b, "custom_field_%lld", (long long)it->number);
		else
			for (size_t k = 0; it->field != Q_TEXT && k < COUNT(fields); k++)
				if (fields[k].field == it->field) {
					buf_add(&b, str_of(fields[k].name));
					break;
				}
		if (it->field != Q_TEXT)
			buf_add(&b, str_of(ops[it->op]));
		if (it->quoted)
			buf_byte(&b, '"');
		buf_add(&b, it->value);
		if (it->quoted)
			buf_byte(&b, '"');
		if (it->prefix)
			buf_byte(&b, '*');
	}
	return buf_str(&b);
}

/* ---- plans: leaves -------------------------------------------------------------------------------------- */

/* What a text is, for checks that open it. */
enum { ON_TITLE = 1, ON_BODY = 2, ON_CUSTOM = 4, ON_EMAIL = 8, ON_NOTES = 16, ON_DETAILS = 32, ON_REST = 64, ON_ANY = 127 };

struct check {
	unsigned on;
	int64_t  custom;                     /* that field only; -1: any */
	str     *word;                       /* in this order, one behind the other */
	int      words;
	bool     exact, head;                /* compare words, not stems; the last one is the beginning of a word */
};

struct alt {
	uint64_t    *sure;                   /* any of these: yes */
	uint64_t    *all;                    /* all of these: perhaps; yes when `certain` */
	int          sures, alls;
	bool         certain;
	int64_t      id;                     /* or it is this one; 0: none */
	struct check check;
	/* while it runs */
	struct cursor *cs, *ca;
	int64_t      count, all_doc, all_stamp;
};

struct leaf {
	enum qfield field;
	int64_t     number;
	bool        negative;
	struct alt *alt;
	int         alts;
	int64_t     count, doc;              /* while it runs */
};

/* ---- plans: conditions ------------------------------------------------------------------------------------ */

struct cond {
	enum qfield field;
	bool     negative, range;            /* range: narrows; else one of several values */
	bool     none, any;
	unsigned mask;                       /* enumerations: a bit per value */
	int64_t *id;                         /* ascending */
	int      ids;
	int64_t  lo, hi;                     /* lo <= value < hi */
	str      word;
};

struct plan {
	int          type;                   /* FOUND_... */
	enum doc_kind kind;
	bool         out;                    /* nothing of this type can match */
	struct leaf  leaf[ITEMS_MAX];
	struct cond  cond[ITEMS_MAX];
	int          leaves, conds;
};

struct facts {
	int64_t id, v[Q_FIELDS];             /* 0: none */
	str     channel, cc;
};

enum order { BY_RELEVANCE, BY_CREATED, BY_UPDATED, BY_PRIORITY, BY_STATUS, BY_TYPE };
struct match { int64_t key, id; int type; };

struct run {
	struct ctx  *cx;
	struct arena *keep;                  /* the request's; cx->arena is for a batch */
	enum order   order;
	bool         ascending, heads;       /* heads: words are beginnings */
	const struct query *q;
	struct view  view;
	struct match *m;
	int          count, cap;
	int64_t      examined;
	bool         more;                   /* relevance: enough is known */
};

/* ---- texts into terms ---------------------------------------------------------------------------------------- */

struct words { struct arena *a; str *w; int n, cap; str whole; int wholes; };

static void
collect_word(void *arg, str w, bool whole)
{
	struct words *l = arg;

	if (whole) {
		l->whole = w;
		l->wholes++;
		return;
	}
	if (l->n == l->cap) {
		str *old = l->w;
		l->cap = l->cap == 0 ? 16 : l->cap * 4;
		l->w = NEW(l->a, str, l->cap);
		if (old != NULL)
			memcpy(l->w, old, sizeof(*old) * (size_t)l->n);
	}
	l->w[l->n++] = w;
}

static struct words
words_of(struct arena *a, str folded)
{
	struct words l = { .a = a };

	words_split(folded, collect_word, &l);
	return l;
}

static uint64_t
word_term(struct ctx *cx, enum doc_kind kind, char space, str word)
{
	char room[WORD_MAX];

	return term_of(cx, kind, space, word_stem(word, room));
}

static void
add_term(uint64_t *t, int *n, uint64_t term)
{
	for (int i = 0; i < *n; i++)
		if (t[i] == term)
			return;
	t[(*n)++] = term;
}

/* The terms of a text that is searched for in `space`, on texts of `on`. */
static enum err
text_alt(struct ctx *cx, enum doc_kind kind, char space, unsigned on, str text, bool quoted, bool head, struct alt *a)
{
	str folded = words_fold(cx->arena, text);
	struct words l = words_of(cx->arena, folded);
	/* A title has terms of its own; of other parts only opening tells. */
	bool apart = on != ON_ANY && space != IN_TITLE, exact_head = false;
	size_t h = 0;

	*a = (struct alt){ .sure = NEW(cx->arena, uint64_t, 4), .all = NEW(cx->arena, uint64_t, l.n + 2) };
	if (l.n == 0)
		return OK;
	a->check = (struct check){ .on = on, .custom = -1, .word = l.w, .words = l.n, .exact = quoted || l.n > 1, .head = head };
	if (head) {
		h = head_of(kind, l.w[l.n - 1], &exact_head);
		if (h == 0 && l.n == 1)
			return wrong(cx, "a word needs at least three letters before the *");
	}
	for (int i = 0; i < l.n - head; i++)
		add_term(a->all, &a->alls, word_term(cx, kind, space, l.w[i]));
	if (h > 0)
		add_term(a->all, &a->alls, term_of(cx, kind, IN_HEAD, str_sub(l.w[l.n - 1], 0, h)));
	if (l.n == 1 && !quoted && !apart) {
		if (head) {
			/* Heads are only of longer words, and of titles and texts alike. */
			add_term(a->sure, &a->sures, word_term(cx, kind, space, l.w[0]));
			a->certain = exact_head && space != IN_TITLE;
		} else
			a->certain = true;
	} else if (l.wholes == 1 && l.whole.n == str_trim(folded).n && !quoted && !head && on == ON_ANY) {
		a->sure[a->sures++] = term_of(cx, kind, space, l.whole);
		if (memchr(l.whole.p, '@', l.whole.n) != NULL)
			a->alls = 0;
	} else if (l.n == 1 && quoted && !apart && !head)
		/* One word in quotation marks is meant as it stands; its stem is what is indexed. */
		a->certain = false;
	return OK;
}

static void
value_alt(struct ctx *cx, enum doc_kind kind, char space, str value, struct alt *a)
{
	*a = (struct alt){ .sure = NEW(cx->arena, uint64_t, 4) };
	a->sure[a->sures++] = term_of(cx, kind, space, str_sub(value, 0, 255));
}

static struct leaf *
leaf_for(struct run *r, struct plan *p, const struct qitem *it)
{
	struct leaf *l;

	/* Words are each for themselves; values of one field are alternatives. */
	for (int i = 0; it->field != Q_TEXT && !it->negative && i < p->leaves; i++)
		if (p->leaf[i].field == it->field && p->leaf[i].number == it->number && !p->leaf[i].negative)
			return &p->leaf[i];
	l = &p->leaf[p->leaves++];
	*l = (struct leaf){ .field = it->field, .number = it->number, .negative = it->negative,
	    .alt = NEW(r->cx->arena, struct alt, it->field == Q_TEXT ? 2 : ALTS_MAX) };
	return l;
}

static bool
is_any(const struct qitem *it)
{
	return !it->quoted && str_eq(it->value, S("*"));
}

static bool
is_none(const struct qitem *it)
{
	return !it->quoted && str_eqi(it->value, S("none"));
}

static enum err
leaf_alt(struct run *r, struct plan *p, const struct qitem *it, struct alt *a)
{
	struct ctx *cx = r->cx;
	enum doc_kind kind = p->kind;
	bool head = it->prefix, user = p->type == USER;
	str v = it->value, digits;

	switch (it->field) {
	case Q_TEXT:
		TRY(text_alt(cx, kind, IN_TEXT, ON_ANY, v, it->quoted, head || (r->heads && !it->quoted), a));
		if (p->type == TICKET && !it->quoted && !head && v.n <= 18 && str_int(v, &a->id) && a->id < 0)
			a->id = 0;
		return OK;
	case Q_SUBJECT:
	case Q_NAME:
		return text_alt(cx, kind, IN_TITLE, ON_TITLE, v, it->quoted, head, a);
	case Q_DESCRIPTION:
		return text_alt(cx, kind, IN_TEXT, ON_BODY, v, it->quoted, head, a);
	case Q_FIELDVALUE:
	case Q_CUSTOM:
		TRY(text_alt(cx, kind, IN_TEXT, ON_CUSTOM, v, it->quoted, head, a));
		a->check.custom = it->field == Q_CUSTOM ? it->number : -1;
		return OK;
	case Q_NOTES:
		return text_alt(cx, kind, IN_TEXT, ON_NOTES, v, it->quoted, head, a);
	case Q_DETAILS:
		return text_alt(cx, kind, IN_TEXT, ON_DETAILS, v, it->quoted, head, a);
	case Q_EMAIL:
		if (!head && memchr(v.p, '@', v.n) != NULL)
			value_alt(cx, kind, IN_EMAIL, fold_value(cx, v), a);
		else
			return text_alt(cx, kind, IN_TEXT, ON_EMAIL, v, it->quoted, head, a);
		return OK;
	case Q_DOMAINS:
		value_alt(cx, kind, IN_EMAIL, fold_value(cx, v), a);
		return OK;
	case Q_EXTERNAL_ID:
		value_alt(cx, kind, IN_FOREIGN, fold_value(cx, v), a);
		return OK;
	case Q_PHONE:
		digits = digits_of(cx->arena, v);
		value_alt(cx, kind, IN_PHONE, digits, a);
		if (digits.n > 10)
			add_term(a->sure, &a->sures, term_of(cx, kind, IN_PHONE, str_sub(digits, digits.n - 10, 10)));
		if (digits.n == 0)
			a->sures = 0;
		return OK;
	case Q_TAGS:
		if (head)
			return wrong(cx, "a tag is searched for as a whole; leave the * out");
		value_alt(cx, kind, IN_TAG, fold_value(cx, v), a);
		return OK;
	default:
		return fail(cx, E_FAULT, "query", user ? "no leaf for a user" : "no leaf for a ticket");
	}
}

/* A field of options with any of them, or with none. Whether another one has a value stands in no index. */
static enum err
plan_options(struct run *r, struct plan *p, const struct qitem *it)
{
	struct qitem one = *it;
	const struct defs *d;
	const struct def *f;
	struct leaf *l;
	json_t *o;
	size_t i;

	TRY(defs_get(r->cx, &d));
	f = def_find(d, DEF_TICKET_FIELD, it->number);
	if (f == NULL || (!str_eq(def_text(f, "type"), S("tagger")) && !str_eq(def_text(f, "type"), S("multiselect"))))
		return wrong(r->cx, "any or none is searched for in fields of options only");
	one.negative = it->negative != is_none(it);
	one.quoted = true;
	l = leaf_for(r, p, &one);
	json_array_foreach(json_object_get(f->doc, "custom_field_options"), i, o) {
		if (l->alts + 2 > ALTS_MAX)
			return wrong(r->cx, "the query has too many values for one field");
		one.value = str_of(json_string_value(json_object_get(o, "value")));
		TRY(leaf_alt(r, p, &one, &l->alt[l->alts]));
		l->alts++;
	}
	return OK;
}

static enum err
plan_leaf(struct run *r, struct plan *p, const struct qitem *it)
{
	struct leaf *l;
	struct qitem other = *it;

	if (it->op != OP_IS)
		return wrong(r->cx, "this field cannot be compared with < or >");
	if (memchr(it->value.p != NULL ? it->value.p : "", '*', it->value.n) != NULL && !is_any(it) && !it->quoted)
		return wrong(r->cx, "a * can only stand at the end of a word");
	if (it->field == Q_TAGS && (is_any(it) || is_none(it))) {
		other.negative = it->negative != is_none(it);
		other.field = Q_FIELDS;             /* no alternative to named tags */
		l = leaf_for(r, p, &other);
		value_alt(r->cx, p->kind, IN_TAGGED, S(""), &l->alt[l->alts++]);
		return OK;
	}
	if (it->field == Q_CUSTOM && (is_any(it) || is_none(it)))
		return plan_options(r, p, it);
	if (is_any(it)) {
		if (it->field == Q_FIELDVALUE || it->field == Q_PHONE || it->field == Q_NOTES || it->field == Q_DETAILS || it->field == Q_EMAIL || it->field == Q_EXTERNAL_ID)
			return wrong(r->cx, "a * alone is not known for this field");
		p->out = p->out || it->negative;     /* all have some text */
		return OK;
	}
	if (it->field != Q_TEXT && is_none(it)) {
		if (it->field != Q_SUBJECT && it->field != Q_DESCRIPTION && it->field != Q_NAME)
			return wrong(r->cx, "none is not known for this field");
		p->out = p->out || !it->negative;
		return OK;
	}
	l = leaf_for(r, p, it);
	if (it->field != Q_TEXT && l->alts + 2 > ALTS_MAX)
		return wrong(r->cx, "the query has too many values for one field");
	TRY(leaf_alt(r, p, it, &l->alt[l->alts]));
	l->alts++;
	if (l->alt[l->alts - 1].check.head && l->alt[l->alts - 1].check.words > 1) {
		/* Only longer words have a head: the last word may also be just that. */
		bool heads = r->heads;
		r->heads = false;
		other.prefix = false;
		TRY(leaf_alt(r, p, &other, &l->alt[l->alts]));
		r->heads = heads;
		l->alts++;
	}
	return OK;
}

/* ---- values into conditions -------------------------------------------------------------------------------------- */

static const char *const status_words[] = { "new", "open", "pending", "hold", "solved", "closed", NULL };
static const char *const priority_words[] = { "none", "low", "normal", "high", "urgent", NULL };
static const char *const type_words[] = { "none", "problem", "incident", "question", "task", NULL };
static const char *const role_words[] = { "end-user", "agent", "admin", NULL };
static const char *const bool_words[] = { "false", "true", NULL };

/* `least`: the lowest value that is compared; below it is "none". */
static enum err
enum_cond(struct ctx *cx, const struct qitem *it, const char *const *words, int least, const char *why, struct cond *c)
{
	int n = 0, value = -1;

	for (; words[n] != NULL; n++)
		if (str_eqi(it->value, str_of(words[n])))
			value = n;
	if (is_any(it) && it->op == OP_IS) {
		for (int i = least; i < n; i++)
			c->mask |= 1u << i;
		return OK;
	}
	if (it->field == Q_ROLE && value < 0 && str_eqi(it->value, S("end_user")))
		value = 0;
	if (value < 0 || it->prefix)
		return wrong(cx, why);
	for (int i = 0; i < n; i++) {
		bool in = it->op == OP_IS ? i == value : it->op == OP_LESS ? i < value : it->op == OP_AT_MOST ? i <= value
		    : it->op == OP_MORE ? i > value : i >= value;
		if (in && (it->op == OP_IS || i >= least))
			c->mask |= 1u << i;
	}
	c->range = it->op != OP_IS;
	return OK;
}

static enum err
satisfaction_cond(struct ctx *cx, const struct qitem *it, struct cond *c)
{
	static const struct { const char *word; unsigned mask; } words[] = {
		{ "good", 1u << 2 | 1u << 4 }, { "bad", 1u << 1 | 1u << 3 }, { "goodwithcomment", 1u << 4 }, { "good_with_comment", 1u << 4 },
		{ "badwithcomment", 1u << 3 }, { "bad_with_comment", 1u << 3 }, { "unoffered", 1 }, { "none", 1 },
		{ "offered", 0 },                     /* a rating counts as offered only once it is given */
	};

	if (is_any(it))
		c->mask = 0x1e;
	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eqi(it->value, str_of(words[i].word))) {
			c->mask = words[i].mask;
			return OK;
		}
	return is_any(it) ? OK : wrong(cx, "a satisfaction is good, bad, goodwithcomment, badwithcomment, offered or unoffered");
}

/* "4hours": *span, or months for what has no fixed length. */
static bool
span_of(str v, int64_t *usecs, int *months)
{
	static const struct { const char *name; usec span; int months; } units[] = {
		{ "minute", 60 * SECOND, 0 }, { "hour", 3600 * SECOND, 0 }, { "day", 86400 * SECOND, 0 },
		{ "week", 7 * 86400 * SECOND, 0 }, { "month", 0, 1 }, { "year", 0, 12 },
	};
	int64_t n;
	size_t i = 0;

	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	if (i == 0 || i > 6 || !str_int(str_sub(v, 0, i), &n))
		return false;
	v = str_sub(v, i, v.n);
	if (v.n > 1 && (v.p[v.n - 1] == 's' || v.p[v.n - 1] == 'S'))
		v.n--;
	for (size_t k = 0; k < COUNT(units); k++)
		if (str_eqi(v, str_of(units[k].name))) {
			*usecs = n * units[k].span;
			*months = (int)n * units[k].months;
			return true;
		}
	return false;
}

static usec
months_before(usec t, int months)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d, hh, mm, ss, last;

	time_civil(t, &y, &m, &d, &hh, &mm, &ss);
	m = y * 12 + m - 1 - months;
	if (m < 12)
		return 0;
	y = m / 12;
	m = m % 12;
	last = days[m] + (m == 1 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
	return time_of_civil(y, m + 1, d < last ? d : last, hh, mm, ss);
}

/* The moments that are meant: a whole day, a whole second. */
static enum err
time_cond(struct ctx *cx, const struct qitem *it, struct cond *c)
{
	enum qop op = it->op;
	usec from, to;
	int64_t span;
	int months;

	if (op == OP_IS && (is_any(it) || is_none(it))) {
		c->any = is_any(it);
		c->none = !c->any;
		return OK;
	}
	if (span_of(it->value, &span, &months) && !it->prefix) {
		from = to = months > 0 ? months_before(cx->now, months) : cx->now - span;
		op = op == OP_IS ? OP_MORE : op;     /* created:4hours */
	} else if (time_parse(it->value, &from) && !it->prefix) {
		to = from + (it->value.n == 10 ? 86400 * SECOND : SECOND);
	} else
		return wrong(cx, "a time is written 2026-01-31, 2026-01-31T09:30:00Z, or 4hours, 3days, 2weeks, 1month");
	c->range = op != OP_IS;
	c->lo = op == OP_MORE ? to : op == OP_AT_LEAST || op == OP_IS ? from : INT64_MIN;
	c->hi = op == OP_LESS ? from : op == OP_AT_MOST || op == OP_IS ? to : INT64_MAX;
	return OK;
}

static int
ascending_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
set_ids(struct cond *c, int64_t *id, int n)
{
	if (n > 1)
		qsort(id, (size_t)n, sizeof(*id), ascending_ids);
	c->id = id;
	c->ids = n;
}

static enum err find_named(struct run *r, int type, const struct qitem *it, int64_t **ids, int *n);

static enum err
user_cond(struct run *r, const struct qitem *it, struct cond *c)
{
	struct ctx *cx = r->cx;
	struct user u;
	int64_t *id, n;
	int count = 0;
	enum err e;

	c->any = is_any(it);
	c->none = is_none(it);
	if (c->any || c->none)
		return OK;
	id = NEW(cx->arena, int64_t, 1);
	if (!it->quoted && str_int(it->value, &n) && n > 0)
		id[count++] = n;
	else if (!it->quoted && str_eqi(it->value, S("me")))
		id[count++] = cx->actor != NULL && cx->actor->user_id != 0 ? cx->actor->user_id : -1;
	else if (memchr(it->value.p, '@', it->value.n) != NULL && !it->prefix) {
		if ((e = user_by_email(cx, it->value, &u)) == E_ABSENT)
			fail_forget(cx);
		else {
			TRY(e);
			id[count++] = u.id;
		}
	} else
		TRY(find_named(r, USER, it, &id, &count));
	set_ids(c, id, count);
	return OK;
}

static enum err
org_cond(struct run *r, const struct qitem *it, struct cond *c)
{
	struct ctx *cx = r->cx;
	struct organization o;
	int64_t *id, n;
	int count = 0;
	enum err e;

	c->any = is_any(it);
	c->none = is_none(it);
	if (c->any || c->none)
		return OK;
	id = NEW(cx->arena, int64_t, 1);
	if (!it->quoted && str_int(it->value, &n) && n > 0)
		id[count++] = n;
	else if (!it->quoted && str_eqi(it->value, S("me"))) {
		if (cx->actor != NULL && cx->actor->organization_id != 0)
			id[count++] = cx->actor->organization_id;
	} else {
		TRY(find_named(r, ORG, it, &id, &count));
		if ((e = org_by_name(cx, it->value, &o)) == E_ABSENT)
			fail_forget(cx);
		else {
			int64_t *more = NEW(cx->arena, int64_t, count + 1);
			TRY(e);
			if (count > 0)
				memcpy(more, id, sizeof(*id) * (size_t)count);
			more[count++] = o.id;
			id = more;
		}
	}
	set_ids(c, id, count);
	return OK;
}

static enum err
group_cond(struct run *r, const struct qitem *it, struct cond *c)
{
	struct ctx *cx = r->cx;
	const int64_t *mine;
	int64_t *id, n;
	int count = 0;

	c->any = is_any(it);
	c->none = is_none(it);
	if (c->any || c->none)
		return OK;
	id = NEW(cx->arena, int64_t, 1);
	if (!it->quoted && str_int(it->value, &n) && n > 0)
		id[count++] = n;
	else if (!it->quoted && str_eqi(it->value, S("me"))) {
		TRY(gate_my_groups(cx, &mine, &count));
		id = NEW(cx->arena, int64_t, count + 1);
		if (count > 0)
			memcpy(id, mine, sizeof(*id) * (size_t)count);
	} else
		TRY(find_named(r, GROUP, it, &id, &count));
	set_ids(c, id, count);
	return OK;
}

/* Of users: the groups' members. */
static enum err
member_cond(struct run *r, const struct qitem *it, struct cond *c)
{
	struct ctx *cx = r->cx;
	struct cond groups = { .field = Q_GROUP };
	struct rows rs;
	int64_t *id = NULL;
	int n = 0;

	TRY(group_cond(r, it, &groups));
	if (groups.any || groups.none)
		return wrong(cx, "of users, groups are searched for by name or id");
	for (int i = 0; i < groups.ids; i++) {
		int64_t *more;
		TRY(store_all(cx, &st_members, ARGS(INT(cx->account), INT(groups.id[i])), &rs));
		more = NEW(cx->arena, int64_t, n + rs.count + 1);
		if (n > 0)
			memcpy(more, id, sizeof(*id) * (size_t)n);
		id = more;
		for (int k = 0; k < rs.count; k++)
			id[n++] = row_int(&rs.row[k], 0);
	}
	c->field = Q_GROUP;
	set_ids(c, id != NULL ? id : NEW(cx->arena, int64_t, 1), n);
	return OK;
}

static enum err
id_cond(struct ctx *cx, const struct qitem *it, struct cond *c)
{
	int64_t n;

	if (it->prefix || !str_int(it->value, &n) || n < 0 || n > (int64_t)1 << 60)
		return wrong(cx, "an id is a number");
	if (it->op == OP_IS) {
		c->id = NEW(cx->arena, int64_t, 1);
		c->id[c->ids++] = n;
		return OK;
	}
	c->range = true;
	c->lo = it->op == OP_MORE ? n + 1 : it->op == OP_AT_LEAST ? n : INT64_MIN;
	c->hi = it->op == OP_LESS ? n : it->op == OP_AT_MOST ? n + 1 : INT64_MAX;
	return OK;
}

static enum err
external_cond(struct ctx *cx, const struct qitem *it, struct cond *c)
{
	struct rows rs;

	if (it->prefix || is_any(it) || is_none(it))
		return wrong(cx, "an external id is searched for as a whole");
	TRY(store_all(cx, &st_by_external, ARGS(INT(cx->account), BLIND(HIDE(it->value)), INT(FEW)), &rs));
	c->field = Q_ID;
	c->id = NEW(cx->arena, int64_t, rs.count + 1);
	for (int i = 0; i < rs.count; i++)
		c->id[c->ids++] = row_int(&rs.row[i], 0);
	set_ids(c, c->id, c->ids);
	return OK;
}

static enum err
plan_cond(struct run *r, struct plan *p, const struct qitem *it)
{
	struct ctx *cx = r->cx;
	struct cond *c = &p->cond[p->conds++];

	*c = (struct cond){ .field = it->field, .negative = it->negative, .lo = INT64_MIN, .hi = INT64_MAX };
	switch (it->field) {
	case Q_ID:
		return id_cond(cx, it, c);
	case Q_EXTERNAL_ID:
		return external_cond(cx, it, c);
	case Q_STATUS:
		return enum_cond(cx, it, status_words, 0, "a status is new, open, pending, hold, solved or closed", c);
	case Q_PRIORITY:
		return enum_cond(cx, it, priority_words, 1, "a priority is low, normal, high, urgent or none", c);
	case Q_TICKET_TYPE:
		return enum_cond(cx, it, type_words, 1, "a ticket_type is problem, incident, question, task or none", c);
	case Q_ROLE:
		return enum_cond(cx, it, role_words, 0, "a role is end-user, agent or admin", c);
	case Q_VERIFIED:
	case Q_SUSPENDED:
	case Q_HAS_ATTACHMENT:
		return enum_cond(cx, it, bool_words, 0, "this field is true or false", c);
	case Q_SATISFACTION:
		return satisfaction_cond(cx, it, c);
	case Q_CREATED:
	case Q_UPDATED:
	case Q_SOLVED:
	case Q_DUE:
		return time_cond(cx, it, c);
	case Q_ASSIGNEE:
	case Q_REQUESTER:
	case Q_SUBMITTER:
	case Q_CC:
	case Q_COMMENTER:
		return user_cond(r, it, c);
	case Q_ORGANIZATION:
		return org_cond(r, it, c);
	case Q_GROUP:
		return p->type == USER ? member_cond(r, it, c) : group_cond(r, it, c);
	case Q_BRAND:
	case Q_FORM:
		c->any = is_any(it);
		c->none = is_none(it);
		return c->any || c->none ? OK : id_cond(cx, it, c);
	case Q_CUSTOM_STATUS:
		return id_cond(cx, it, c);
	case Q_RECIPIENT:
		if (it->prefix)
			return wrong(cx, "a recipient is searched for as a whole");
		c->any = is_any(it);
		c->none = is_none(it);
		c->word = it->value;
		return OK;
	case Q_VIA:
		c->word = str_lower(cx->arena, it->value);
		if (str_eq(c->word, S("mail")))
			c->word = S("email");
		return OK;
	default:
		return fail(cx, E_FAULT, "query", "no condition");
	}
}

static unsigned
types_of(enum qfield f)
{
	if (f == Q_TEXT)
		return ALL;
	if (f == Q_CUSTOM)
		return TICKET;
	for (size_t i = 0; i < COUNT(fields); i++)
		if (fields[i].field == f)
			return fields[i].types;
	return 0;
}

static bool
is_leaf(enum qfield f, int type)
{
	switch (f) {
	case Q_TEXT: case Q_SUBJECT: case Q_DESCRIPTION: case Q_TAGS: case Q_FIELDVALUE: case Q_CUSTOM: case Q_NAME:
	case Q_EMAIL: case Q_PHONE: case Q_NOTES: case Q_DETAILS: case Q_DOMAINS:
		return true;
	case Q_EXTERNAL_ID:
		return type != TICKET;
	default:
		return false;
	}
}

static enum err
plan_make(struct run *r, int type, struct plan *p)
{
	*p = (struct plan){ .type = type, .kind = type == USER ? KIND_USER : type == ORG ? KIND_ORG : KIND_TICKET };
	for (int i = 0; i < r->q->count; i++) {
		const struct qitem *it = &r->q->item[i];
		if (it->field == Q_TYPE || it->field == Q_ORDER_BY || it->field == Q_SORT)
			continue;
		if (!(types_of(it->field) & (unsigned)type)) {
			p->out = true;
			continue;
		}
		TRY(is_leaf(it->field, type) ? plan_leaf(r, p, it) : plan_cond(r, p, it));
	}
	return OK;
}

/* ---- conditions against facts -------------------------------------------------------------------------------------- */

static bool
has_id(const struct cond *c, int64_t id)
{
	return c->ids > 0 && bsearch(&id, c->id, (size_t)c->ids, sizeof(id), ascending_ids) != NULL;
}

static str
ids_text(struct ctx *cx, const int64_t *id, int n)
{
	struct buf b;

	buf_init(&b, cx->arena, 1 * MiB);
	buf_byte(&b, '[');
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(&b, ',');
		buf_int(&b, id[i]);
	}
	buf_byte(&b, ']');
	return buf_str(&b);
}

/* Costs a statement. */
static bool
asks_rows(const struct cond *c)
{
	return c->field == Q_COMMENTER || c->field == Q_HAS_ATTACHMENT || c->field == Q_SATISFACTION || c->field == Q_CUSTOM_STATUS
	    || c->field == Q_RECIPIENT;
}

/* What of a ticket is sealed with it, and is no text. */
static enum err
sealed_facts(struct ctx *cx, const struct facts *f, int64_t *custom_status, str *recipient)
{
	struct ticket t = { .id = f->id, .status = (enum ticket_status)f->v[Q_STATUS] };
	struct row r;
	str rest, v;
	uint8_t tag;

	*recipient = S("");
	TRY(store_one(cx, &st_ticket_doc, ARGS(INT(cx->account), INT(f->id)), &r));
	for (rest = row_sensitive(&r, 1).hidden; pack_next(&rest, &tag, &v);)
		if (tag == DOC_STATUS)
			t.custom_status_id = pack_get_int(v);
		else if (tag == DOC_RECIPIENT)
			*recipient = v;
	*custom_status = ticket_custom_status(cx, &t);
	return OK;
}

static enum err
holds(struct ctx *cx, const struct cond *c, const struct facts *f, bool *yes)
{
	uint64_t kind, id;
	str rest = f->cc, word;
	struct row row;
	int64_t n;

	*yes = false;
	switch (c->field) {
	case Q_STATUS: case Q_PRIORITY: case Q_TICKET_TYPE: case Q_ROLE: case Q_VERIFIED: case Q_SUSPENDED:
		*yes = c->mask >> f->v[c->field] & 1;
		return OK;
	case Q_VIA:
		*yes = str_eq(c->word, channel_shown(f->channel)) || str_eq(c->word, S("*"));
		return OK;
	case Q_CC:
		*yes = c->none ? rest.n == 0 : c->any && rest.n > 0;
		while (!*yes && get_varint(&rest, &kind) && get_varint(&rest, &id))
			*yes = has_id(c, (int64_t)id);
		return OK;
	case Q_COMMENTER:
		if (c->any || c->none) {
			*yes = c->any;
			return OK;
		}
		TRY(store_one(cx, &st_has_comment_by, ARGS(INT(cx->account), INT(f->id), TEXT(ids_text(cx, c->id, c->ids))), &row));
		*yes = row_int(&row, 0) > 0;
		return OK;
	case Q_HAS_ATTACHMENT:
		TRY(store_one(cx, &st_has_attachment, ARGS(INT(cx->account), INT(f->id)), &row));
		*yes = c->mask >> (row_int(&row, 0) > 0) & 1;
		return OK;
	case Q_SATISFACTION:
		TRY(store_one(cx, &st_satisfaction, ARGS(INT(cx->account), INT(f->id)), &row));
		*yes = c->mask >> row_int(&row, 0) & 1;
		return OK;
	case Q_CUSTOM_STATUS:
		TRY(sealed_facts(cx, f, &n, &word));
		*yes = c->range ? n >= c->lo && n < c->hi : has_id(c, n);
		return OK;
	case Q_RECIPIENT:
		TRY(sealed_facts(cx, f, &n, &word));
		*yes = c->none ? word.n == 0 : c->any ? word.n > 0 : str_eqi(c->word, word);
		return OK;
	case Q_CREATED: case Q_UPDATED: case Q_SOLVED: case Q_DUE:
		*yes = c->none ? f->v[c->field] == 0 : f->v[c->field] != 0 && (c->any ||
		    (f->v[c->field] >= c->lo && f->v[c->field] < c->hi));
		return OK;
	default:
		*yes = c->none ? f->v[c->field] == 0 : c->any ? f->v[c->field] != 0
		    : c->range ? f->v[c->field] >= c->lo && f->v[c->field] < c->hi : has_id(c, f->v[c->field]);
		return OK;
	}
}

/* Values of one field are alternatives, ranges and negations hold each. */
static enum err
conds_hold(struct ctx *cx, const struct plan *p, const struct facts *f, bool costly, bool *yes)
{
	*yes = false;
	for (int i = 0; i < p->conds; i++) {
		const struct cond *c = &p->cond[i];
		bool one, first = true, some = false;
		if (asks_rows(c) != costly)
			continue;
		if (c->negative || c->range) {
			TRY(holds(cx, c, f, &one));
			if (one == c->negative)
				return OK;
			continue;
		}
		for (int k = 0; k < i && first; k++)
			first = p->cond[k].field != c->field || p->cond[k].negative || p->cond[k].range;
		for (int k = i; first && !some && k < p->conds; k++)
			if (p->cond[k].field == c->field && !p->cond[k].negative && !p->cond[k].range)
				TRY(holds(cx, &p->cond[k], f, &some));
		if (first && !some)
			return OK;
	}
	*yes = true;
	return OK;
}

static void
ticket_facts(const struct row *r, struct facts *f)
{
	*f = (struct facts){ .id = row_int(r, 0), .channel = row_str(r, 11), .cc = row_str(r, 16) };
	f->v[Q_ID] = f->id;
	f->v[Q_STATUS] = row_int(r, 1);
	f->v[Q_PRIORITY] = row_int(r, 2);
	f->v[Q_TICKET_TYPE] = row_int(r, 3);
	f->v[Q_REQUESTER] = row_int(r, 4);
	f->v[Q_SUBMITTER] = row_int(r, 5);
	f->v[Q_ASSIGNEE] = row_int(r, 6);
	f->v[Q_GROUP] = row_int(r, 7);
	f->v[Q_ORGANIZATION] = row_int(r, 8);
	f->v[Q_BRAND] = row_int(r, 9);
	f->v[Q_FORM] = row_int(r, 10);
	f->v[Q_CREATED] = row_int(r, 12);
	f->v[Q_UPDATED] = row_int(r, 13);
	f->v[Q_DUE] = row_int(r, 14);
	f->v[Q_SOLVED] = row_int(r, 15);
}

static void
user_facts(const struct row *r, struct facts *f)
{
	*f = (struct facts){ .id = row_int(r, 0) };
	f->v[Q_ID] = f->v[Q_GROUP] = f->id;          /* a group's condition holds its members */
	f->v[Q_ROLE] = row_int(r, 1);
	f->v[Q_ORGANIZATION] = row_int(r, 2);
	f->v[Q_SUSPENDED] = row_int(r, 3);
	f->v[Q_VERIFIED] = row_int(r, 4);
	f->v[Q_CREATED] = row_int(r, 5);
	f->v[Q_UPDATED] = row_int(r, 6);
}

static void
org_facts(const struct row *r, struct facts *f)
{
	*f = (struct facts){ .id = row_int(r, 0) };
	f->v[Q_ID] = f->id;
	f->v[Q_CREATED] = row_int(r, 1);
	f->v[Q_UPDATED] = row_int(r, 2);
}

static void
facts_of(int type, const struct row *r, struct facts *f)
{
	if (type == TICKET)
		ticket_facts(r, f);
	else if (type == USER)
		user_facts(r, f);
	else
		org_facts(r, f);
}

/* Tickets alone are not the same for all staff. */
static enum err
visible(struct ctx *cx, const struct facts *f, bool *yes)
{
	struct about a = { .has_object = true, .requester_id = f->v[Q_REQUESTER], .assignee_id = f->v[Q_ASSIGNEE],
	    .group_id = f->v[Q_GROUP], .organization_id = f->v[Q_ORGANIZATION] };
	int64_t *cc = NEW(cx->arena, int64_t, f->cc.n + 1);
	uint64_t kind, id;
	str rest = f->cc;
	enum err e;

	while (get_varint(&rest, &kind) && get_varint(&rest, &id))
		cc[a.cc_count++] = (int64_t)id;
	a.cc = cc;
	e = gate_may(cx, MAY_READ_TICKET, &a);
	*yes = e == OK;
	if (e == E_ABSENT || e == E_DENIED) {
		fail_forget(cx);
		e = OK;
	}
	return e;
}

/* ---- checks: opening the texts ----------------------------------------------------------------------------------------- */

struct part_text { unsigned on; int64_t custom; struct words words; struct part_text *next; };
struct texts { bool open; struct part_text *first; };

static void
text_add(struct ctx *cx, struct texts *t, unsigned on, int64_t custom, sensitive text)
{
	struct part_text *p;
	str s = reveal(cx, text, TO_INDEX);

	if (s.n == 0)
		return;
	p = NEW(cx->arena, struct part_text, 1);
	*p = (struct part_text){ on, custom, words_of(cx->arena, words_fold(cx->arena, s)), t->first };
	t->first = p;
}

static void
custom_texts(struct ctx *cx, struct texts *t, sensitive fields_json)
{
	str s = reveal(cx, fields_json, TO_INDEX);
	json_t *list = s.n > 0 ? json_loadb(s.p, s.n, JSON_ALLOW_NUL, NULL) : NULL, *one;
	size_t i;

	json_array_foreach(list, i, one) {
		int64_t id = json_integer_value(json_object_get(one, "id"));
		char *z = field_searchable(cx, id) ? json_dumps(json_object_get(one, "value"), JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		if (z != NULL) {
			text_add(cx, t, ON_CUSTOM, id, HIDE(str_dup(cx->arena, str_of(z))));
			wipe(z, strlen(z));
		}
		free(z);
	}
	json_decref(list);
}

static enum err
ticket_texts(struct ctx *cx, int64_t id, struct texts *t)
{
	struct rows rs, files;
	struct row r;
	str rest, v;
	uint8_t tag;

	TRY(store_one(cx, &st_ticket_doc, ARGS(INT(cx->account), INT(id)), &r));
	for (rest = row_sensitive(&r, 1).hidden; pack_next(&rest, &tag, &v);)
		if (tag == DOC_SUBJECT)
			text_add(cx, t, ON_TITLE, -1, HIDE(v));
		else if (tag == DOC_CUSTOM)
			custom_texts(cx, t, HIDE(v));
		else if (tag == DOC_TAGS || tag == DOC_EXTERNAL_ID)
			text_add(cx, t, ON_REST, -1, HIDE(v));
	TRY(store_all(cx, &st_comment_docs, ARGS(INT(cx->account), INT(id)), &rs));
	for (int i = 0; i < rs.count; i++) {
		for (rest = row_sensitive(&rs.row[i], 2).hidden; pack_next(&rest, &tag, &v);)
			if (tag == CDOC_BODY)
				text_add(cx, t, ON_BODY, -1, HIDE(v));
		if (row_int(&rs.row[i], 1) == 0)
			continue;
		TRY(store_all(cx, &st_attachment_docs, ARGS(INT(cx->account), INT(row_int(&rs.row[i], 0))), &files));
		for (int k = 0; k < files.count; k++)
			for (rest = row_sensitive(&files.row[k], 1).hidden; pack_next(&rest, &tag, &v);)
				if (tag == FDOC_NAME)
					text_add(cx, t, ON_REST, -1, HIDE(v));
	}
	return OK;
}

static enum err
user_texts(struct ctx *cx, int64_t id, struct texts *t)
{
	struct user u;

	TRY(user_load(cx, id, &u));
	text_add(cx, t, ON_TITLE, -1, u.name);
	text_add(cx, t, ON_TITLE, -1, u.alias);
	text_add(cx, t, ON_EMAIL, -1, u.email);
	text_add(cx, t, ON_NOTES, -1, u.notes);
	text_add(cx, t, ON_DETAILS, -1, u.details);
	text_add(cx, t, ON_REST, -1, u.phone);
	text_add(cx, t, ON_REST, -1, u.external_id);
	text_add(cx, t, ON_REST, -1, u.tags);
	text_add(cx, t, ON_REST, -1, u.user_fields);
	return OK;
}

static enum err
org_texts(struct ctx *cx, int64_t id, struct texts *t)
{
	struct organization o;

	TRY(org_get(cx, id, &o));
	text_add(cx, t, ON_TITLE, -1, o.name);
	text_add(cx, t, ON_NOTES, -1, o.notes);
	text_add(cx, t, ON_DETAILS, -1, o.details);
	text_add(cx, t, ON_REST, -1, o.external_id);
	text_add(cx, t, ON_REST, -1, o.tags);
	text_add(cx, t, ON_REST, -1, o.domain_names);
	text_add(cx, t, ON_REST, -1, o.fields);
	return OK;
}

static enum err
texts_open(struct ctx *cx, int type, int64_t id, struct texts *t)
{
	enum err e;

	if (t->open)
		return OK;
	t->open = true;
	e = type == TICKET ? ticket_texts(cx, id, t) : type == USER ? user_texts(cx, id, t) : org_texts(cx, id, t);
	if (e == E_ABSENT || e == E_DENIED) {        /* gone meanwhile */
		fail_forget(cx);
		e = OK;
	}
	return e;
}

static bool
same_word(const struct check *c, int i, str word)
{
	char a[WORD_MAX], b[WORD_MAX];

	if (c->head && i == c->words - 1)
		return str_starts(word, c->word[i]);
	return c->exact ? str_eq(word, c->word[i]) : str_eq(word_stem(word, a), word_stem(c->word[i], b));
}

static bool
check_text(const struct check *c, const struct texts *t)
{
	for (const struct part_text *p = t->first; p != NULL; p = p->next) {
		if (!(p->on & c->on) || (c->custom >= 0 && p->custom != c->custom))
			continue;
		for (int at = 0; at + c->words <= p->words.n; at++) {
			int i = 0;
			while (i < c->words && same_word(c, i, p->words.w[at + i]))
				i++;
			if (i == c->words)
				return true;
		}
	}
	return false;
}

/* ---- leaves against the index --------------------------------------------------------------------------------------------- */

static int
plan_terms(const struct plan *p, uint64_t *terms)
{
	int n = 0;

	for (int l = 0; l < p->leaves; l++)
		for (int i = 0; i < p->leaf[l].alts; i++) {
			const struct alt *a = &p->leaf[l].alt[i];
			for (int k = 0; k < a->sures + a->alls; k++) {
				if (terms != NULL)
					terms[n] = k < a->sures ? a->sure[k] : a->all[k - a->sures];
				n++;
			}
		}
	return n;
}

static enum err
leaves_open(struct run *r, struct plan *p)
{
	struct ctx *cx = r->cx;
	uint64_t *terms = NEW(cx->arena, uint64_t, plan_terms(p, NULL) + 1);

	TRY(view_open(cx, terms, plan_terms(p, terms), &r->view));
	for (int l = 0; l < p->leaves; l++) {
		struct leaf *leaf = &p->leaf[l];
		leaf->count = 0;
		leaf->doc = INT64_MAX;
		for (int i = 0; i < leaf->alts; i++) {
			struct alt *a = &leaf->alt[i];
			int64_t least = INT64_MAX;
			a->cs = NEW(cx->arena, struct cursor, a->sures + 1);
			a->ca = NEW(cx->arena, struct cursor, a->alls + 1);
			a->all_doc = a->alls > 0 ? INT64_MAX : NO_DOC;
			a->count = a->id != 0;
			for (int k = 0; k < a->sures; k++) {
				TRY(cursor_open(&r->view, a->sure[k], &a->cs[k]));
				a->count += a->cs[k].count;
			}
			for (int k = 0; k < a->alls; k++) {
				TRY(cursor_open(&r->view, a->all[k], &a->ca[k]));
				least = a->ca[k].count < least ? a->ca[k].count : least;
				/* rarest first */
				for (int m = k; m > 0 && a->ca[m].count < a->ca[m - 1].count; m--) {
					struct cursor x = a->ca[m];
					a->ca[m] = a->ca[m - 1];
					a->ca[m - 1] = x;
				}
			}
			a->count += a->alls > 0 ? least : 0;
			leaf->count += a->count;
		}
	}
	return OK;
}

static enum err
all_seek(struct alt *a, int64_t upto)
{
	int64_t d = upto;

	if (a->all_doc <= upto)
		return OK;
	for (int k = 0; k < a->alls;) {
		TRY(cursor_seek(&a->ca[k], d));
		if (a->ca[k].doc == NO_DOC) {
			a->all_doc = NO_DOC;
			return OK;
		}
		if (a->ca[k].doc == d || k == 0) {
			d = a->ca[k++].doc;
			continue;
		}
		d = a->ca[k].doc;
		k = 0;
	}
	a->all_doc = d;
	a->all_stamp = STAMP_MAX;
	for (int k = 0; k < a->alls; k++)
		a->all_stamp = a->ca[k].stamp < a->all_stamp ? a->ca[k].stamp : a->all_stamp;
	return OK;
}

/* To the highest document not above `upto` that the leaf may hold for. */
static enum err
leaf_seek(struct leaf *l, int64_t upto)
{
	int64_t best = NO_DOC;

	if (l->doc <= upto)
		return OK;
	for (int i = 0; i < l->alts; i++) {
		struct alt *a = &l->alt[i];
		for (int k = 0; k < a->sures; k++) {
			TRY(cursor_seek(&a->cs[k], upto));
			best = a->cs[k].doc > best ? a->cs[k].doc : best;
		}
		TRY(all_seek(a, upto));
		best = a->all_doc > best ? a->all_doc : best;
		if (a->id != 0 && a->id <= upto && a->id > best)
			best = a->id;
	}
	l->doc = best;
	return OK;
}

/* What the index says of a document that the leaf was sought to: yes, or the
 * alternatives that have to be checked. */
static bool
leaf_says(const struct leaf *l, int64_t doc, int64_t dead_before, uint64_t *maybe)
{
	*maybe = 0;
	for (int i = 0; i < l->alts; i++) {
		const struct alt *a = &l->alt[i];
		if (a->id == doc)
			return true;
		for (int k = 0; k < a->sures; k++)
			if (a->cs[k].doc == doc && a->cs[k].stamp >= dead_before)
				return true;
		if (a->all_doc != doc || a->all_stamp < dead_before)
			continue;
		if (a->certain)
			return true;
		*maybe |= (uint64_t)1 << i;
	}
	return false;
}

struct candidate { int64_t id; bool checks; uint64_t *maybe; };      /* per leaf; 0: it is settled */

/* Is `doc` a candidate as far as the index knows? */
static enum err
leaves_say(struct run *r, struct plan *p, int64_t doc, struct candidate *c, bool *yes)
{
	int64_t dead_before = p->leaves > 0 ? view_dead_before(&r->view, p->kind, doc) : 0;   /* no words: no view */

	*yes = false;
	c->id = doc;
	c->checks = false;
	for (int i = 0; i < p->leaves; i++) {
		bool sure;
		TRY(leaf_seek(&p->leaf[i], doc));
		sure = leaf_says(&p->leaf[i], doc, dead_before, &c->maybe[i]);
		if (sure ? p->leaf[i].negative : c->maybe[i] == 0 && !p->leaf[i].negative)
			return OK;
		c->maybe[i] = sure ? 0 : c->maybe[i];
		c->checks = c->checks || c->maybe[i] != 0;
	}
	*yes = true;
	return OK;
}

/* ---- matches ----------------------------------------------------------------------------------------------------------------- */

static int64_t
key_of(const struct run *r, const struct facts *f)
{
	switch (r->order) {
	case BY_CREATED:  return f->v[Q_CREATED];
	case BY_UPDATED:  return f->v[Q_UPDATED];
	case BY_PRIORITY: return f->v[Q_PRIORITY];
	case BY_STATUS:   return f->v[Q_STATUS];
	case BY_TYPE:     return f->v[Q_TICKET_TYPE];
	case BY_RELEVANCE: break;
	}
	return 0;
}

static void
add_match(struct run *r, int type, int64_t id, int64_t key)
{
	if (r->count == r->cap) {
		struct match *old = r->m;
		r->cap = r->cap == 0 ? 256 : r->cap * 2;
		r->m = NEW(r->keep, struct match, r->cap);
		if (old != NULL)
			memcpy(r->m, old, sizeof(*old) * (size_t)r->count);
	}
	r->m[r->count++] = (struct match){ key, id, type };
}

/* Enough is known when more would only come behind. */
static bool
enough(const struct run *r)
{
	return r->examined >= EXAMINE_MAX || (r->order == BY_RELEVANCE && r->count >= TOTAL_MAX) ||
	    (r->cx->stop != NULL && *r->cx->stop);
}

/* All that is asked of facts and texts. */
static enum err
take_if(struct run *r, const struct plan *p, const struct facts *f, const struct candidate *c)
{
	struct ctx *cx = r->cx;
	struct texts texts = { 0 };
	bool yes;

	r->examined++;
	TRY(conds_hold(cx, p, f, false, &yes));
	if (yes && p->type == TICKET)
		TRY(visible(cx, f, &yes));
	if (yes)
		TRY(conds_hold(cx, p, f, true, &yes));
	for (int i = 0; yes && c->checks && i < p->leaves; i++) {
		bool found = false;
		if (c->maybe[i] == 0)
			continue;
		TRY(texts_open(cx, p->type, f->id, &texts));
		for (int k = 0; k < p->leaf[i].alts && !found; k++)
			found = (c->maybe[i] >> k & 1) != 0 && check_text(&p->leaf[i].alt[k].check, &texts);
		yes = found != p->leaf[i].negative;
	}
	if (yes)
		add_match(r, p->type, f->id, key_of(r, f));
	return OK;
}

static int
by_id_down(const void *a, const void *b)
{
	int64_t x = row_int(a, 0), y = row_int(b, 0);

	return x > y ? -1 : x < y;
}

static enum err
take_batch(struct run *r, const struct plan *p, const struct candidate *c, int n)
{
	struct ctx *cx = r->cx;
	const struct stmt *st = p->type == TICKET ? &st_ticket_facts : p->type == USER ? &st_user_facts : &st_org_facts;
	int64_t id[BATCH];
	struct rows rs;
	struct facts f;

	if (n == 0)
		return OK;
	for (int i = 0; i < n; i++)
		id[i] = c[i].id;
	TRY(store_all(cx, st, ARGS(INT(cx->account), TEXT(ids_text(cx, id, n))), &rs));
	if (rs.count > 1)
		qsort(rs.row, (size_t)rs.count, sizeof(*rs.row), by_id_down);
	for (int i = 0, k = 0; i < rs.count; i++) {
		facts_of(p->type, &rs.row[i], &f);
		while (k < n && c[k].id > f.id)
			k++;
		if (k < n && c[k].id == f.id)
			TRY(take_if(r, p, &f, &c[k]));
	}
	return OK;
}

/* ---- sources -------------------------------------------------------------------------------------------------------------------- */

struct ids { int64_t *id; int n, limit; bool over; };

static enum err
ids_add(struct run *r, struct ids *l, const struct stmt *st, int64_t value)
{
	struct ctx *cx = r->cx;
	struct rows rs;
	int64_t *more;

	if (l->over)
		return OK;
	TRY(store_all(cx, st, ARGS(INT(cx->account), INT(value), INT(l->limit - l->n + 1)), &rs));
	if (l->n + rs.count > l->limit) {
		l->over = true;
		return OK;
	}
	more = NEW(cx->arena, int64_t, l->n + rs.count + 1);
	if (l->n > 0)
		memcpy(more, l->id, sizeof(*more) * (size_t)l->n);
	for (int i = 0; i < rs.count; i++)
		more[l->n++] = row_int(&rs.row[i], 0);
	l->id = more;
	return OK;
}

/* All positive values of a field, when they are ids. */
static bool
ids_of_field(const struct plan *p, enum qfield field, const struct cond **one, int *n)
{
	*n = 0;
	for (int i = 0; i < p->conds; i++) {
		const struct cond *c = &p->cond[i];
		if (c->field != field || c->negative || c->range)
			continue;
		if (c->any || c->none)
			return false;
		one[(*n)++] = c;
	}
	return *n > 0;
}

static unsigned
mask_of(const struct plan *p, enum qfield field)
{
	unsigned some = 0, all = ~0u;
	bool have = false;

	for (int i = 0; i < p->conds; i++) {
		const struct cond *c = &p->cond[i];
		if (c->field != field)
			continue;
		if (c->negative)
			all &= ~c->mask;
		else if (c->range)
			all &= c->mask;
		else {
			some |= c->mask;
			have = true;
		}
	}
	return have ? some & all : all;
}

/* Bounds that all matches keep. */
static void
bounds_of(const struct plan *p, enum qfield field, int64_t *lo, int64_t *hi)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	bool have = false, open = false;

	*lo = INT64_MIN;
	*hi = INT64_MAX;
	for (int i = 0; i < p->conds; i++) {
		const struct cond *c = &p->cond[i];
		if (c->field != field || c->negative)
			continue;
		if (c->range) {
			*lo = c->lo > *lo ? c->lo : *lo;
			*hi = c->hi < *hi ? c->hi : *hi;
			continue;
		}
		have = true;
		open = open || c->any || c->none;
		first = c->lo < first ? c->lo : first;
		last = c->hi > last ? c->hi : last;
	}
	if (have && !open) {
		*lo = first > *lo ? first : *lo;
		*hi = last < *hi ? last : *hi;
	}
}

/* What an agent with a restriction may see at most. */
static enum err
ids_of_scope(struct run *r, struct ids *l)
{
	struct ctx *cx = r->cx;
	const int64_t *group;
	int groups;

	TRY(ids_add(r, l, &st_by_assignee, cx->actor->user_id));
	TRY(ids_add(r, l, &st_by_cc, cx->actor->user_id));
	switch (cx->actor->sees) {
	case SEE_GROUPS:
		TRY(gate_my_groups(cx, &group, &groups));
		for (int i = 0; i < groups; i++)
			TRY(ids_add(r, l, &st_by_group, group[i]));
		break;
	case SEE_ORGANIZATION:
		if (cx->actor->organization_id != 0)
			TRY(ids_add(r, l, &st_by_organization, cx->actor->organization_id));
		break;
	case SEE_REQUESTED:
		TRY(ids_add(r, l, &st_by_requester, cx->actor->user_id));
		break;
	case SEE_ASSIGNED:
	case SEE_ALL:
		break;
	}
	return OK;
}

static bool
is_restricted(const struct ctx *cx)
{
	return cx->actor != NULL && cx->actor->role == ROLE_AGENT && cx->actor->sees != SEE_ALL;
}

/* Few ids that hold all matches, descending; l->over: there is no such list of at most `limit`. */
static enum err
ids_find(struct run *r, const struct plan *p, int limit, struct ids *l)
{
	static const struct { enum qfield field; const struct stmt *st; } columns[] = {
		{ Q_REQUESTER, &st_by_requester }, { Q_CC, &st_by_cc }, { Q_ASSIGNEE, &st_by_assignee },
		{ Q_ORGANIZATION, &st_by_organization }, { Q_GROUP, &st_by_group },
	};
	const struct cond *one[ITEMS_MAX];
	unsigned mask = mask_of(p, Q_STATUS);
	int64_t lo, hi, newest = INT64_MIN;
	int n;

	*l = (struct ids){ .limit = limit };
	if (ids_of_field(p, Q_ID, one, &n)) {
		for (int i = 0; i < n; i++)
			l->n += one[i]->ids;
		l->id = NEW(r->cx->arena, int64_t, l->n + 1);
		l->n = 0;
		for (int i = 0; i < n; i++)
			for (int k = 0; k < one[i]->ids; k++)
				l->id[l->n++] = one[i]->id[k];
		return OK;
	}
	l->over = true;
	if (p->type == USER && ids_of_field(p, Q_GROUP, one, &n) && n == 1 && one[0]->ids <= limit) {
		*l = (struct ids){ .limit = limit, .id = NEW(r->cx->arena, int64_t, one[0]->ids + 1), .n = one[0]->ids };
		for (int i = 0; i < l->n; i++)
			l->id[i] = one[0]->id[i];
		return OK;
	}
	if (p->type != TICKET)
		return OK;
	for (size_t i = 0; i < COUNT(columns) && l->over; i++) {
		if (!ids_of_field(p, columns[i].field, one, &n))
			continue;
		*l = (struct ids){ .limit = limit };
		for (int k = 0; k < n; k++)
			for (int m = 0; m < one[k]->ids; m++)
				TRY(ids_add(r, l, columns[i].st, one[k]->id[m]));
	}
	if (l->over && is_restricted(r->cx)) {
		*l = (struct ids){ .limit = limit };
		TRY(ids_of_scope(r, l));
	}
	if (l->over && (mask & (1u << TICKET_SOLVED | 1u << TICKET_CLOSED)) == 0) {
		*l = (struct ids){ .limit = limit };
		for (int s = 0; s < TICKET_SOLVED; s++)
			if (mask >> s & 1)
				TRY(ids_add(r, l, &st_by_status, s));
	}
	/* What was created or solved since then was updated since then. */
	for (enum qfield f = Q_CREATED; f <= Q_SOLVED; f++) {
		bounds_of(p, f, &lo, &hi);
		newest = lo > newest ? lo : newest;
	}
	if (l->over && newest > INT64_MIN) {
		*l = (struct ids){ .limit = limit };
		TRY(ids_add(r, l, &st_by_updated, newest));
	}
	return OK;
}

static int
descending_ids(const void *a, const void *b)
{
	return ascending_ids(b, a);
}

/* ---- the three ways to candidates ----------------------------------------------------------------------------------------------------- */

/* A batch has its own arena, wiped after it. */
struct batch { struct candidate *c; int n; struct arena *arena; };

static enum err
batch_flush(struct run *r, const struct plan *p, struct batch *b)
{
	struct arena *own = r->cx->arena;
	enum err e;

	r->cx->arena = b->arena;
	e = take_batch(r, p, b->c, b->n);
	r->cx->arena = own;
	arena_reset(b->arena);
	b->n = 0;
	return e;
}

static enum err
from_ids(struct run *r, struct plan *p, struct ids *l, struct batch *b)
{
	int64_t last = NO_DOC;

	if (l->n > 1)
		qsort(l->id, (size_t)l->n, sizeof(*l->id), descending_ids);
	for (int i = 0; i < l->n && !enough(r); i++) {
		bool yes = true;
		if (l->id[i] == last)
			continue;
		last = l->id[i];
		TRY(leaves_say(r, p, last, &b->c[b->n], &yes));
		if (yes && ++b->n == BATCH)
			TRY(batch_flush(r, p, b));
	}
	return batch_flush(r, p, b);
}

/* Seeing all and asking nothing of facts: the index alone knows. */
static bool
needs_no_facts(const struct run *r, const struct plan *p)
{
	const struct actor *a = r->cx->actor;

	if (p->type != TICKET || p->conds > 0 || r->order != BY_RELEVANCE || a == NULL || a->role < ROLE_ADMIN)
		return false;
	for (int i = 0; i < p->leaves; i++)
		for (int k = 0; k < p->leaf[i].alts; k++)
			if (p->leaf[i].alt[k].id != 0)
				return false;
	return true;
}

static enum err
from_leaves(struct run *r, struct plan *p, struct batch *b)
{
	struct leaf *l[ITEMS_MAX];
	int n = 0;
	bool bare = needs_no_facts(r, p), yes;
	int64_t d = INT64_MAX - 1;

	for (int i = 0; i < p->leaves; i++)
		if (!p->leaf[i].negative) {
			int k = n++;
			while (k > 0 && l[k - 1]->count > p->leaf[i].count) {
				l[k] = l[k - 1];
				k--;
			}
			l[k] = &p->leaf[i];
		}
	while (!enough(r)) {
		for (int k = 0; k < n;) {
			TRY(leaf_seek(l[k], d));
			if (l[k]->doc == NO_DOC)
				return batch_flush(r, p, b);
			if (l[k]->doc == d || k == 0) {
				d = l[k++]->doc;
				continue;
			}
			d = l[k]->doc;
			k = 0;
		}
		TRY(leaves_say(r, p, d, &b->c[b->n], &yes));
		if (yes && bare && !b->c[b->n].checks)
			add_match(r, p->type, d, 0);
		else if (yes && ++b->n == BATCH)
			TRY(batch_flush(r, p, b));
		if (bare && b->n > 0)                /* in order */
			TRY(batch_flush(r, p, b));
		if (--d < 0)
			break;
	}
	return batch_flush(r, p, b);
}

struct scan { struct run *r; struct plan *p; struct batch *b; int n; int64_t id, updated; };

static enum err
scan_row(struct ctx *cx, const struct row *row, void *arg)
{
	struct scan *s = arg;
	struct arena *own = cx->arena;
	struct candidate *c = &s->b->c[0];
	struct facts f;
	bool yes = true;
	enum err e = OK;

	facts_of(s->p->type, row, &f);
	s->n++;
	s->id = f.id;
	s->updated = f.v[Q_UPDATED];
	if (enough(s->r))
		return OK;
	e = leaves_say(s->r, s->p, f.id, c, &yes);
	if (e != OK || !yes)
		return e;
	cx->arena = s->b->arena;
	e = take_if(s->r, s->p, &f, c);
	cx->arena = own;
	return e;
}

static str
mask_text(struct ctx *cx, unsigned mask, int values)
{
	int64_t id[8];
	int n = 0;

	for (int i = 0; i < values; i++)
		if (mask >> i & 1)
			id[n++] = i;
	return ids_text(cx, id, n);
}

static enum err
from_scan(struct run *r, struct plan *p, struct batch *b)
{
	struct ctx *cx = r->cx;
	struct scan s = { .r = r, .p = p, .b = b, .id = INT64_MAX, .updated = INT64_MAX, .n = PAGE };
	bool updated = p->type == TICKET && r->order == BY_UPDATED && !r->ascending && p->leaves == 0;
	int64_t created_lo, created_hi, updated_lo, updated_hi;
	str status = mask_text(cx, mask_of(p, Q_STATUS), 6), priority = mask_text(cx, mask_of(p, Q_PRIORITY), 5),
	    type = mask_text(cx, mask_of(p, Q_TICKET_TYPE), 5);

	bounds_of(p, Q_CREATED, &created_lo, &created_hi);
	bounds_of(p, Q_UPDATED, &updated_lo, &updated_hi);
	while (s.n == PAGE && !enough(r) && !(updated && r->count >= TOTAL_MAX)) {
		s.n = 0;
		if (p->type == USER)
			TRY(store_each(cx, &st_user_scan, ARGS(INT(cx->account), INT(s.id), INT(PAGE)), scan_row, &s));
		else if (p->type == ORG)
			TRY(store_each(cx, &st_org_scan, ARGS(INT(cx->account), INT(s.id), INT(PAGE)), scan_row, &s));
		else if (updated)
			TRY(store_each(cx, &st_ticket_scan_updated, ARGS(INT(cx->account), INT(s.id), TEXT(status), TEXT(priority),
			    TEXT(type), INT(created_lo), INT(created_hi), INT(updated_lo), INT(updated_hi), INT(PAGE),
			    INT(s.updated)), scan_row, &s));
		else
			TRY(store_each(cx, &st_ticket_scan, ARGS(INT(cx->account), INT(s.id), TEXT(status), TEXT(priority), TEXT(type),
			    INT(created_lo), INT(created_hi), INT(updated_lo), INT(updated_hi), INT(PAGE)), scan_row, &s));
		arena_reset(b->arena);
	}
	return OK;
}

static enum err
from_groups(struct run *r, struct plan *p)
{
	struct ctx *cx = r->cx;
	struct rows rs;

	TRY(store_all(cx, &st_groups, ARGS(INT(cx->account)), &rs));
	for (int g = 0; g < rs.count; g++) {
		struct facts f = { .id = row_int(&rs.row[g], 0) };
		struct texts t = { 0 };
		bool yes;
		f.v[Q_ID] = f.id;
		f.v[Q_CREATED] = row_int(&rs.row[g], 3);
		f.v[Q_UPDATED] = row_int(&rs.row[g], 4);
		text_add(cx, &t, ON_TITLE, -1, HIDE(row_str(&rs.row[g], 1)));
		text_add(cx, &t, ON_REST, -1, HIDE(row_str(&rs.row[g], 2)));
		TRY(conds_hold(cx, p, &f, false, &yes));
		for (int i = 0; i < p->leaves && yes; i++) {
			bool found = false;
			for (int k = 0; k < p->leaf[i].alts && !found; k++)
				found = p->leaf[i].alt[k].check.words > 0 && check_text(&p->leaf[i].alt[k].check, &t);
			yes = found != p->leaf[i].negative;
		}
		if (yes)
			add_match(r, GROUP, f.id, key_of(r, &f));
	}
	return OK;
}

static enum err
run_plan(struct run *r, struct plan *p, struct batch *b)
{
	int64_t least = INT64_MAX;
	struct ids l;
	bool words = false;

	if (p->type == GROUP)
		return from_groups(r, p);
	if (p->leaves > 0)
		TRY(leaves_open(r, p));
	for (int i = 0; i < p->leaves; i++)
		if (!p->leaf[i].negative) {
			words = true;
			least = p->leaf[i].count < least ? p->leaf[i].count : least;
		}
	if (words && least == 0)
		return OK;
	TRY(ids_find(r, p, least < FEW ? (int)least : FEW, &l));
	if (!l.over)
		return from_ids(r, p, &l, b);
	return words ? from_leaves(r, p, b) : from_scan(r, p, b);
}

static enum err
run_type(struct run *r, int type)
{
	struct ctx *cx = r->cx;
	struct plan *p = NEW(cx->arena, struct plan, 1);
	struct batch b = { .c = NEW(cx->arena, struct candidate, BATCH) };
	int before = r->count;
	enum err e;

	TRY(plan_make(r, type, p));
	if (p->out || (type != TICKET && r->order == BY_RELEVANCE && r->count >= TOTAL_MAX))
		return OK;
	for (int i = 0, n = p->leaves > 0 ? p->leaves : 1; i < BATCH; i++)
		b.c[i].maybe = (i == 0 ? NEW(cx->arena, uint64_t, n * BATCH) : b.c[i - 1].maybe + n);
	b.arena = arena_new();
	for (int tries = 0;; tries++) {
		bool stale;
		r->count = before;
		r->examined = 0;
		b.n = 0;
		arena_reset(b.arena);
		e = run_plan(r, p, &b);
		stale = r->view.s != NULL && r->view.stale;
		view_close(&r->view);
		if (e == E_CONFLICT && tries < RETRIES) {
			fail_forget(cx);
			continue;
		}
		if (e != OK || !stale || tries >= RETRIES)
			break;
	}
	arena_free(&b.arena);
	if (e != E_CONFLICT)
		return e;
	fail_forget(cx);
	return fail(cx, E_BUSY, "search", "the index changes too fast");
}

/* Those with that name; asked while a plan is made. */
static enum err
find_named(struct run *outer, int type, const struct qitem *it, int64_t **ids, int *n)
{
	struct ctx *cx = outer->cx;
	struct qitem name = *it;
	struct query q = { &name, 1 };
	struct run r = { .cx = cx, .keep = cx->arena, .q = &q };

	name.field = Q_NAME;
	name.negative = false;
	name.op = OP_IS;
	TRY(run_type(&r, type));
	*n = r.count < NAMES_MAX ? r.count : NAMES_MAX;
	*ids = NEW(cx->arena, int64_t, *n + 1);
	for (int i = 0; i < *n; i++)
		(*ids)[i] = r.m[i].id;
	return OK;
}

/* ---- desk.h ----------------------------------------------------------------------------------------------------------------------------- */

static const struct { const char *name; enum order order; } orders[] = {
	{ "", BY_RELEVANCE }, { "relevance", BY_RELEVANCE }, { "created_at", BY_CREATED }, { "created", BY_CREATED },
	{ "updated_at", BY_UPDATED }, { "updated", BY_UPDATED }, { "priority", BY_PRIORITY }, { "status", BY_STATUS },
	{ "ticket_type", BY_TYPE }, { "type", BY_TYPE },
};

static enum err
order_of(struct ctx *cx, str name, enum order *out)
{
	for (size_t i = 0; i < COUNT(orders); i++)
		if (str_eqi(name, str_of(orders[i].name))) {
			*out = orders[i].order;
			return OK;
		}
	return wrong(cx, "results are ordered by relevance, created_at, updated_at, priority, status or ticket_type");
}

static enum err
take_orders(struct run *r)
{
	for (int i = 0; i < r->q->count; i++) {
		const struct qitem *it = &r->q->item[i];
		if (it->field == Q_ORDER_BY)
			TRY(order_of(r->cx, it->value, &r->order));
		if (it->field != Q_SORT)
			continue;
		if (!str_eqi(it->value, S("asc")) && !str_eqi(it->value, S("desc")))
			return wrong(r->cx, "sort is asc or desc");
		r->ascending = str_eqi(it->value, S("asc"));
	}
	return OK;
}

static enum err
take_types(struct ctx *cx, const struct query *q, unsigned *types)
{
	static const struct { const char *name; unsigned type; } names[] = {
		{ "ticket", TICKET }, { "user", USER }, { "organization", ORG }, { "group", GROUP },
	};
	unsigned some = 0, not = 0;

	for (int i = 0; i < q->count; i++) {
		const struct qitem *it = &q->item[i];
		unsigned type = 0;
		if (it->field != Q_TYPE)
			continue;
		for (size_t k = 0; k < COUNT(names); k++)
			if (str_eqi(it->value, str_of(names[k].name)))
				type = names[k].type;
		if (type == 0)
			return wrong(cx, "a type is ticket, user, organization or group");
		if (it->negative)
			not |= type;
		else
			some |= type;
	}
	*types = (some != 0 ? some : ALL) & ~not;
	return OK;
}

/* A type whose permission is missing has no matches. */
static enum err
may_find(struct ctx *cx, int type, bool *yes)
{
	static const enum may needs[] = { [TICKET] = MAY_READ_TICKET, [USER] = MAY_LIST_USERS, [ORG] = MAY_READ_ORGS,
	    [GROUP] = MAY_READ_GROUPS };
	enum err e = gate_may(cx, needs[type], NULL);

	*yes = e == OK;
	if (e == E_DENIED) {
		fail_forget(cx);
		e = OK;
	}
	return e;
}

static int
by_rank(const void *a, const void *b, void *arg)
{
	const struct match *x = a, *y = b;
	const struct run *r = arg;

	if (x->key != y->key)
		return (x->key < y->key) == r->ascending ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->id == y->id)
		return 0;
	return (x->id < y->id) == r->ascending ? -1 : 1;
}

static enum err
run_query(struct run *r, unsigned types)
{
	for (int type = TICKET; type <= GROUP; type <<= 1) {
		bool may;
		if (!(types & (unsigned)type))
			continue;
		TRY(may_find(r->cx, type, &may));
		if (may)
			TRY(run_type(r, type));
	}
	if (r->count > 1)
		qsort_r(r->m, (size_t)r->count, sizeof(*r->m), by_rank, r);
	return OK;
}

/* Which of `count` are on the page. */
static int
page_of(int64_t offset, int limit, int count, int *from)
{
	if (offset < 0 || offset >= count || limit <= 0)
		return 0;
	*from = (int)offset;
	return count - *from < limit ? count - *from : limit;
}

/* By relevance, the last batch may have gone a little further than was needed. */
static int64_t
total_of(const struct run *r)
{
	return r->order == BY_RELEVANCE && r->count > TOTAL_MAX ? TOTAL_MAX : r->count;
}

enum err
search_run(struct ctx *cx, const struct search_page *page, struct found **out, int *count, int64_t *total)
{
	struct query q;
	struct run r = { .cx = cx, .keep = cx->arena, .q = &q, .ascending = page->ascending };
	unsigned types = 0;
	int from = 0;

	TRY(gate_may(cx, MAY_SEARCH, NULL));
	TRY(query_parse(cx, page->query, &q));
	if (q.count == 0)
		return wrong(cx, "the query is empty");
	TRY(order_of(cx, page->sort_by, &r.order));
	TRY(take_orders(&r));
	TRY(take_types(cx, &q, &types));
	TRY(run_query(&r, types));
	*count = page_of(page->offset, page->limit, r.count, &from);
	*out = NEW(cx->arena, struct found, *count + 1);
	for (int i = 0; i < *count; i++)
		(*out)[i] = (struct found){ r.m[from + i].type, r.m[from + i].id };
	*total = total_of(&r);
	return OK;
}

enum err
search_users(struct ctx *cx, str query, int64_t offset, int limit, int64_t **ids, int *count, int64_t *total)
{
	struct query q;
	struct run r = { .cx = cx, .keep = cx->arena, .q = &q, .heads = true };
	int from = 0;

	TRY(gate_may(cx, MAY_LIST_USERS, NULL));
	TRY(query_parse(cx, query, &q));
	if (q.count == 0)
		return wrong(cx, "the query is empty");
	TRY(take_orders(&r));
	TRY(run_query(&r, USER));
	*count = page_of(offset, limit, r.count, &from);
	*ids = NEW(cx->arena, int64_t, *count + 1);
	for (int i = 0; i < *count; i++)
		(*ids)[i] = r.m[from + i].id;
	*total = total_of(&r);
	return OK;
}

/* ---- users and organizations into the index ------------------------------------------------------------------------------------------------ */

static void
json_terms(struct ctx *cx, sensitive json, char space, struct terms *into)
{
	str s = reveal(cx, json, TO_INDEX);
	json_t *o = s.n > 2 ? json_loadb(s.p, s.n, JSON_ALLOW_NUL, NULL) : NULL, *v;
	const char *key;

	json_object_foreach(o, key, v) {
		char *z = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		if (z != NULL) {
			search_terms(cx, space, str_dup(cx->arena, str_of(z)), into);
			wipe(z, strlen(z));
		}
		free(z);
	}
	json_decref(o);
}

static void
tag_terms(struct ctx *cx, sensitive tags, char space, struct terms *into)
{
	str *w;
	int n = json_words(cx, reveal(cx, tags, TO_INDEX), &w);

	for (int i = 0; i < n; i++) {
		terms_value(cx, IN_TAG, fold_value(cx, w[i]), into);
		search_terms(cx, space, w[i], into);
	}
	if (n > 0)
		terms_value(cx, IN_TAGGED, S(""), into);
}

static void
value_terms(struct ctx *cx, char of, sensitive text, char space, struct terms *into)
{
	str v = fold_value(cx, reveal(cx, text, TO_INDEX));

	if (v.n == 0)
		return;
	terms_value(cx, of, v, into);
	search_terms(cx, space, v, into);
}

enum err
search_user_changed(struct ctx *cx, const struct user *u)
{
	struct terms t = { 0 };
	str digits;

	if (!u->active || u->erased)
		return search_replace(cx, 'u', u->id, &t);
	terms_heads(cx, KIND_USER, true, reveal(cx, u->name, TO_INDEX), &t);
	terms_heads(cx, KIND_USER, true, reveal(cx, u->alias, TO_INDEX), &t);
	terms_heads(cx, KIND_USER, false, reveal(cx, u->email, TO_INDEX), &t);
	value_terms(cx, IN_EMAIL, u->email, 'u', &t);
	digits = digits_of(cx->arena, reveal(cx, u->phone, TO_INDEX));
	if (digits.n > 0) {
		terms_value(cx, IN_PHONE, digits, &t);
		terms_value(cx, IN_TEXT, digits, &t);
		if (digits.n > 10)
			terms_value(cx, IN_PHONE, str_sub(digits, digits.n - 10, 10), &t);
		if (digits.n > 7)
			terms_value(cx, IN_PHONE, str_sub(digits, digits.n - 7, 7), &t);
		search_terms(cx, 'u', reveal(cx, u->phone, TO_INDEX), &t);
	}
	value_terms(cx, IN_FOREIGN, u->external_id, 'u', &t);
	tag_terms(cx, u->tags, 'u', &t);
	search_terms(cx, 'u', reveal(cx, u->notes, TO_INDEX), &t);
	search_terms(cx, 'u', reveal(cx, u->details, TO_INDEX), &t);
	json_terms(cx, u->user_fields, 'u', &t);
	return search_change(cx, 'u', u->id, &t);
}

enum err
search_org_changed(struct ctx *cx, const struct organization *o)
{
	struct terms t = { 0 };
	str *w;
	int n;

	terms_heads(cx, KIND_ORG, true, reveal(cx, o->name, TO_INDEX), &t);
	n = json_words(cx, reveal(cx, o->domain_names, TO_INDEX), &w);
	for (int i = 0; i < n; i++)
		value_terms(cx, IN_EMAIL, HIDE(w[i]), 'o', &t);
	value_terms(cx, IN_FOREIGN, o->external_id, 'o', &t);
	tag_terms(cx, o->tags, 'o', &t);
	search_terms(cx, 'o', reveal(cx, o->notes, TO_INDEX), &t);
	search_terms(cx, 'o', reveal(cx, o->details, TO_INDEX), &t);
	json_terms(cx, o->fields, 'o', &t);
	return search_change(cx, 'o', o->id, &t);
}
