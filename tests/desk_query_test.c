/* The query language: what it parses to, and what it finds among a small desk's
 * tickets and people, for whom. */
#include "gate_world.h"

#include "desk/def.h"
#include "desk/query.h"
#include "phi.h"

/* ---- words -------------------------------------------------------------------------------------------- */

static const struct {
	const char *why, *text, *words;          /* compounds in [] behind their parts */
} word_rows[] = {
	{ "blanks and marks part words", "Chest pain, 3 days!", "chest pain 3 days" },
	{ "case is folded", "MRI of the KNEE", "mri of the knee" },
	{ "an address, whole and in parts", "Mail jane.doe@clinic.example.", "mail jane doe clinic example [jane.doe@clinic.example]" },
	{ "a record number", "see INV-2026-0042", "see inv 2026 0042 [inv-2026-0042]" },
	{ "a hyphen between blanks is none", "a - b", "a b" },
	{ "two hyphens part", "well--known", "well known" },
	{ "an English genitive", "the patient's chart", "the patient chart" },
	{ "a genitive with a curly apostrophe", "the patient\xe2\x80\x99s chart", "the patient chart" },
	{ "a name with an apostrophe", "Mia O'Brien", "mia o brien [o'brien]" },
	{ "the genitive of such a name", "O'Brien's", "o brien [o'brien]" },
	{ "diacritics go", "Jos\xc3\xa9 M\xc3\xbcller na\xc3\xafve", "jose muller naive" },
	{ "composed or not is the same", "Jose\xcc\x81", "jose" },
	{ "sharp s", "Stra\xc3\x9f""e STRASSE", "strasse strasse" },
	{ "full-width and ligatures", "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3 \xef\xac\x81nal", "abc final" },
	{ "Greek and Cyrillic", "\xce\x91\xce\xb8\xce\xae\xce\xbd\xce\xb1 \xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0",
	  "\xce\xb1\xce\xb8\xce\xb7\xce\xbd\xce\xb1 \xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0" },
	{ "Han: a word per character", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1 \xe4\xba\xac \xe9\x83\xbd" },
	{ "punctuation beyond ASCII", "one\xe2\x80\x94two \xe2\x80\x9cthree\xe2\x80\x9d", "one two three" },
	{ "a soft hyphen is nothing", "con\xc2\xadtrast", "contrast" },
	{ "invalid bytes part words", "a\xff" "b", "a b" },
	{ "nothing", " ,.- ", "" },
};

struct spell { struct ctx *cx; struct buf *b; };

static void
spell_word(void *arg, str w, bool whole)
{
	struct buf *b = arg;

	if (b->n > 0)
		buf_byte(b, ' ');
	buf_fmt(b, whole ? "[" STR_F "]" : STR_F, STR_A(w));
}

static void
words(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	struct buf b;

	ctx_init(&cx, NULL, 1);
	buf_init(&b, cx.arena, KiB);
	words_split(words_fold(cx.arena, str_of(word_rows[i].text)), spell_word, &b);
	buf_byte(&b, '\0');
	assert_string_equal(b.p, word_rows[i].words);
	ctx_done(&cx);
}

static const struct {
	const char *why, *word, *stem;
} stem_rows[] = {
	{ "plural", "tickets", "ticket" },
	{ "plural in es", "boxes", "box" },
	{ "plural in ies", "allergies", "allergy" },
	{ "plural in sses", "abscesses", "abscess" },
	{ "plural in ches", "aches", "ach" },            /* both forms alike, that is all it takes */
	{ "no plural: ss", "abscess", "abscess" },
	{ "no plural: us", "virus", "virus" },
	{ "no plural: is", "diagnosis", "diagnosis" },
	{ "short words stay", "gas", "gas" },
	{ "other alphabets stay", "mod\xc3\xa8s", "mod\xc3\xa8s" },
	{ "numbers stay", "90s", "90s" },
};

static void
stems(void **state)
{
	size_t i = ROW(state);
	char room[WORD_MAX];
	str s = word_stem(str_of(stem_rows[i].word), room);

	assert_int_equal(s.n, strlen(stem_rows[i].stem));
	assert_memory_equal(s.p, stem_rows[i].stem, s.n);
}

/* ---- parsing -------------------------------------------------------------------------------------------- */

static const struct {
	const char *why, *text, *printed;        /* printed NULL: refused */
	int count;
} parse_rows[] = {
	{ "one word", "pain", "pain", 1 },
	{ "words", "  chest \t pain\n", "chest pain", 2 },
	{ "a phrase", "\"chest pain\"", "\"chest pain\"", 1 },
	{ "an empty phrase is nothing", "\"\" pain", "pain", 1 },
	{ "nothing", "   ", "", 0 },
	{ "an open phrase", "\"chest pain", NULL, 0 },
	{ "a quotation mark inside a word is a letter", "5\" tube\"", "5\" tube\"", 2 },
	{ "words after a phrase", "\"a b\"c", "\"a b\" c", 2 },
	{ "without", "-pain", "-pain", 1 },
	{ "without a phrase", "-\"chest pain\"", "-\"chest pain\"", 1 },
	{ "a hyphen alone is a word", "a - b", "a - b", 3 },
	{ "two hyphens", "--pain", "--pain", 1 },
	{ "a hyphen inside is a letter", "x-ray", "x-ray", 1 },
	{ "a beginning", "cardio*", "cardio*", 1 },
	{ "stars beyond the first", "cardio***", "cardio*", 1 },
	{ "a star alone", "*", "*", 1 },
	{ "a star inside", "car*io", "car*io", 1 },
	{ "a field", "status:open", "status:open", 1 },
	{ "a field in capitals", "STATUS:open", "status:open", 1 },
	{ "a field with a phrase", "subject:\"chest pain\"", "subject:\"chest pain\"", 1 },
	{ "a field with an open phrase", "subject:\"chest", NULL, 0 },
	{ "a field with an empty phrase", "subject:\"\"", "subject:\"\"", 1 },
	{ "without a field's value", "-status:solved", "-status:solved", 1 },
	{ "less", "status<solved", "status<solved", 1 },
	{ "at most", "status<=solved", "status<=solved", 1 },
	{ "more", "priority>normal", "priority>normal", 1 },
	{ "at least", "priority>=normal", "priority>=normal", 1 },
	{ "less behind a colon", "created:<2026-01-01", "created<2026-01-01", 1 },
	{ "at least behind a colon", "created:>=2026-01-01", "created>=2026-01-01", 1 },
	{ "a text field is not compared", "subject>b", "subject>b", 1 },
	{ "a text field may hold such marks", "subject:<b>", "subject:<b>", 1 },
	{ "a field without a value is a word", "subject: pain", "subject: pain", 2 },
	{ "a comparison without a value is a word", "created> 2026", "created> 2026", 2 },
	{ "an unknown field is a word", "colour:red", "colour:red", 1 },
	{ "a time of day is a word", "12:30", "12:30", 1 },
	{ "an address of a page is a word", "https://desk.example/a?b=c", "https://desk.example/a?b=c", 1 },
	{ "any value", "assignee:*", "assignee:*", 1 },
	{ "no value", "assignee:none", "assignee:none", 1 },
	{ "a field's beginning", "subject:card*", "subject:card*", 1 },
	{ "another name of a field", "created_at>2026-01-01", "created>2026-01-01", 1 },
	{ "tag is tags", "tag:vip", "tags:vip", 1 },
	{ "comment is description", "comment:pain", "description:pain", 1 },
	{ "a custom field", "custom_field_401:yes", "custom_field_401:yes", 1 },
	{ "a custom field with a phrase", "custom_field_401:\"a b\"", "custom_field_401:\"a b\"", 1 },
	{ "a custom field without a number", "custom_field_:yes", "custom_field_:yes", 1 },
	{ "a custom field with no number", "custom_field_x1:yes", "custom_field_x1:yes", 1 },
	{ "any custom field", "fieldvalue:blue", "fieldvalue:blue", 1 },
	{ "an e-mail address", "requester:jane@north.example", "requester:jane@north.example", 1 },
	{ "an address alone", "jane@north.example", "jane@north.example", 1 },
	{ "a relative time", "created>4hours", "created>4hours", 1 },
	{ "a moment", "created<2026-01-31T09:30:00Z", "created<2026-01-31T09:30:00Z", 1 },
	{ "many fields", "type:ticket status:open status:pending -tags:vip \"chest pain\" order_by:updated sort:asc",
	  "type:ticket status:open status:pending -tags:vip \"chest pain\" order_by:updated sort:asc", 7 },
	{ "a number", "42", "42", 1 },
	{ "an id", "id:42", "id:42", 1 },
	{ "a phone number", "phone:+1-555-010-7788", "phone:+1-555-010-7788", 1 },
	{ "letters beyond ASCII", "\xc3\x84rztin m\xc3\xbcller*", "\xc3\x84rztin m\xc3\xbcller*", 2 },
	{ "a sealed field", "recipient:x", "recipient:x", 1 },
	{ "equals twice", "id<==5", "id<==5", 1 },
	{ "a colon twice", "status::open", "status::open", 1 },
	{ "a colon and a phrase apart", "status: \"open\"", "status: \"open\"", 2 },
	{ "a value with a quotation mark", "subject:5\"", "subject:5\"", 1 },
	{ "control characters are blanks", "a\001b", "a b", 2 },
};

static void
parse(void **state)
{
	size_t i = ROW(state);
	struct query q, again;
	struct ctx cx;
	str printed;

	ctx_init(&cx, NULL, 1);
	if (parse_rows[i].printed == NULL) {
		assert_int_equal(query_parse(&cx, str_of(parse_rows[i].text), &q), E_INVALID);
		assert_string_equal(cx.fail.field, "query");
		ctx_done(&cx);
		return;
	}
	assert_int_equal(query_parse(&cx, str_of(parse_rows[i].text), &q), OK);
	printed = str_dup(cx.arena, query_print(&cx, &q));
	assert_string_equal(printed.p, parse_rows[i].printed);
	assert_int_equal(q.count, parse_rows[i].count);
	assert_int_equal(query_parse(&cx, printed, &again), OK);
	assert_int_equal(again.count, q.count);
	for (int k = 0; k < q.count; k++) {
		assert_int_equal(q.item[k].field, again.item[k].field);
		assert_int_equal(q.item[k].op, again.item[k].op);
		assert_int_equal(q.item[k].negative, again.item[k].negative);
		assert_int_equal(q.item[k].quoted, again.item[k].quoted);
		assert_int_equal(q.item[k].prefix, again.item[k].prefix);
		assert_true(str_eq(q.item[k].value, again.item[k].value));
	}
	ctx_done(&cx);
}

static void
limits_of_a_query(void **state UNUSED)
{
	char text[QUERY_MAX + 2];
	struct query q;
	struct ctx cx;

	ctx_init(&cx, NULL, 1);
	memset(text, 'a', sizeof text);
	assert_int_equal(query_parse(&cx, (str){ text, QUERY_MAX }, &q), OK);
	assert_int_equal(query_parse(&cx, (str){ text, QUERY_MAX + 1 }, &q), E_INVALID);
	fail_clear(&cx);
	for (int i = 1; i < 2 * ITEMS_MAX + 2; i += 2)
		text[i] = ' ';
	assert_int_equal(query_parse(&cx, (str){ text, 2 * ITEMS_MAX }, &q), OK);
	assert_int_equal(q.count, ITEMS_MAX);
	assert_int_equal(query_parse(&cx, (str){ text, 2 * ITEMS_MAX + 1 }, &q), E_INVALID);
	ctx_done(&cx);
}

/* ---- a small desk ------------------------------------------------------------------------------------------ */

static struct world w;
static int64_t bea, carl, dan, eve, ria, josephine, karl, mia, north, cardiology, billing, hidden;

static uint64_t
test_key(struct sys *sys UNUSED, str term)
{
	unsigned char mac[32];
	uint64_t h;

	hmac_sha256(S("the tests' search key"), term, mac);
	memcpy(&h, mac, 8);
	return h;
}

struct made {
	const char *subject, *body, *tags;
	enum ticket_status status;
	enum ticket_priority priority;
	enum ticket_type type;
	int64_t *requester, *assignee, *group;
	int days;                                    /* before now */
};

static int64_t
make(const struct made *m)
{
	struct ticket_change in = { .has = T_SUBJECT | T_COMMENT | T_STATUS | T_PRIORITY | T_TYPE | T_REQUESTER };
	struct ticket t;
	struct ctx cx;
	sensitive tag = HIDE(str_of(m->tags));
	str field = S("\"Left knee\"");

	ask(&w, &cx);
	be_system(&cx);
	in.subject = HIDE(str_of(m->subject));
	in.body = HIDE(str_of(m->body));
	in.status = m->status;
	in.priority = m->priority;
	in.type = m->type;
	in.requester_id = *m->requester;
	if (m->assignee != NULL) {
		in.has |= T_ASSIGNEE;
		in.assignee_id = *m->assignee;
	}
	if (m->group != NULL) {
		in.has |= T_GROUP;
		in.group_id = *m->group;
	}
	if (m->tags != NULL) {
		in.has |= T_TAGS;
		in.tag = &tag;
		in.tag_count = 1;
	}
	in.created_at = w.now - (usec)m->days * 86400 * SECOND;
	in.channel = m->days == 9 ? "email" : "web";
	if (m->days == 6) {
		in.has |= T_CUSTOM | T_EXTERNAL_ID | T_DUE;
		in.custom = NEW(cx.arena, __typeof__(*in.custom), 1);
		in.custom[0].id = 401;
		in.custom[0].value_json = field;
		in.custom_count = 1;
		in.external_id = HIDE(S("LEGACY-77"));
		in.due_at = w.now + 86400 * SECOND;
	}
	MUST(&cx, ticket_create(&cx, &in, &t, NULL));
	ctx_done(&cx);
	return t.id;
}

static void
say(int64_t id, int64_t who, const char *body, bool is_public)
{
	struct ticket_change in = { .has = T_COMMENT, .body = HIDE(str_of(body)), .comment_public = is_public,
	    .comment_public_set = true };
	struct ticket t;
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, who);
	MUST(&cx, ticket_update(&cx, id, &in, &t, NULL));
	ctx_done(&cx);
}

static const struct made desk[] = {
	/* 1 */ { "Chest pain after exercise", "Since Monday, worse on stairs.", "urgent-care vip", TICKET_OPEN, PRIORITY_URGENT,
	          TYPE_INCIDENT, &josephine, &bea, &cardiology, 12 },
	/* 2 */ { "Prescription refill", "Metoprolol, please send it to the usual pharmacy.", "refill", TICKET_NEW, PRIORITY_NONE,
	          TYPE_NONE, &karl, NULL, NULL, 11 },
	/* 3 */ { "A bill too high", "The bill for my knee operation has a pain of a number on it.", "billing", TICKET_PENDING,
	          PRIORITY_LOW, TYPE_QUESTION, &karl, &carl, &billing, 10 },
	/* 4 */ { "Appointment", "Could I come on Friday? My chest is fine now, no pain.", NULL, TICKET_NEW, PRIORITY_NORMAL,
	          TYPE_NONE, &mia, NULL, &cardiology, 9 },
	/* 5 */ { "Results of the MRI", "Two MRIs were made, the allergies are noted in chart INV-2026-0042.", "vip", TICKET_SOLVED,
	          PRIORITY_HIGH, TYPE_TASK, &josephine, &bea, &cardiology, 8 },
	/* 6 */ { "Records", "Die \xc3\x84rztin M\xc3\xbcller braucht die Akte. Refills are fine.", NULL, TICKET_OPEN, PRIORITY_NONE,
	          TYPE_PROBLEM, &mia, NULL, NULL, 6 },
	/* 7 */ { "Secret matter", "This one is in a private group.", "vip", TICKET_OPEN, PRIORITY_NORMAL, TYPE_NONE, &karl, NULL,
	          &hidden, 3 },
	/* 8 */ { "Cardiology referral", "Cardiologist wanted; number 42 on the list. \xe6\x9d\xb1\xe4\xba\xac", NULL, TICKET_HOLD,
	          PRIORITY_NONE, TYPE_NONE, &josephine, &dan, &cardiology, 1 },
};

static void
desk_start(void)
{
	struct ctx cx;
	char why[256];

	ask(&w, &cx);
	MUST(&cx, desk_prepare(&cx));
	assert_int_equal(phi_open(NULL, &w.d.sys.phi, why, sizeof why), PHI_OK);
	MUST(&cx, search_open(&cx, &w.d.sys.search));
	search_tune(w.d.sys.search, 8, 1 << 20, 3);
	ctx_done(&cx);
}

static enum err
fields_tx(struct ctx *cx, void *arg UNUSED)
{
	json_t *in = json_pack("{s:s,s:s}", "type", "text", "title", "Knee");
	struct def d = { 0 };
	int64_t id;

	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	for (id = 0; id < 400;)
		TRY(store_next_id(cx, "definition", &id));
	while (d.id < 402)
		TRY(def_create(cx, DEF_TICKET_FIELD, in, &d));
	return OK;
}

/* The fields 401 and 402, of which the rows speak. */
static void
make_fields(void)
{
	struct ctx cx;

	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, store_write(&cx, fields_tx, NULL));
	ctx_done(&cx);
}

static int
open_desk(void **state UNUSED)
{
	struct ctx cx;

	search_term_key = test_key;
	segment_bucket_bytes = 256;
	gate_on_user_changed = search_user_changed;
	gate_on_org_changed = search_org_changed;
	w = (struct world){ .now = T0 };
	db_open(&w.d, NULL);
	world_start(&w);
	desk_start();
	w.admin = person(&w, "Ada Admin", "ada@clinic.example", ROLE_ADMIN);
	make_fields();
	cardiology = make_group(&w, "Cardiology", true);
	billing = make_group(&w, "Billing Desk", true);
	hidden = make_group(&w, "Board", false);
	north = make_org(&w, "North Clinic", false);
	bea = person(&w, "Bea Bell", "bea@clinic.example", ROLE_AGENT);
	carl = person(&w, "Carl Cross", "carl@clinic.example", ROLE_AGENT);
	dan = person(&w, "Dan Dune", "dan@clinic.example", ROLE_AGENT);
	eve = person(&w, "Eve Ember", "eve@clinic.example", ROLE_AGENT);
	ria = person(&w, "Ria Reed", "ria@clinic.example", ROLE_AGENT);
	josephine = person(&w, "Josephine Applegate", "josephine.applegate@north.example", ROLE_END_USER);
	karl = person(&w, "Karl Kr\xc3\xbcger", "karl@south.example", ROLE_END_USER);
	mia = person(&w, "Mia O'Brien", NULL, ROLE_END_USER);
	join(&w, bea, cardiology);
	join(&w, carl, billing);
	join(&w, dan, cardiology);
	SET(&w, carl, USER_SEES, .sees = SEE_GROUPS);
	SET(&w, dan, USER_SEES, .sees = SEE_ASSIGNED);
	SET(&w, eve, USER_SEES | USER_ORG, .sees = SEE_ORGANIZATION, .organization_id = north);
	SET(&w, josephine, USER_ORG | USER_PHONE | USER_NOTES | USER_EXTERNAL_ID | USER_TAGS, .organization_id = north,
	    .phone = HIDE(S("+1 (555) 010-7788")), .notes = HIDE(S("Prefers calls in the morning")),
	    .external_id = HIDE(S("P-9981")), .tags = HIDE(S("[\"gold\",\"vip\"]")));
	for (size_t i = 0; i < COUNT(desk); i++)
		assert_int_equal(make(&desk[i]), (int64_t)i + 1);
	say(4, w.admin, "Booked. The ward round is on Thursday.", true);
	say(2, bea, "Note: check interactions with verapamil first.", false);
	ask(&w, &cx);
	be_system(&cx);
	{
		struct ticket_change in = { .has = T_CC, .cc = &(struct cc_change){ .user_id = ria }, .cc_count = 1 };
		struct ticket t;
		MUST(&cx, ticket_update(&cx, 7, &in, &t, NULL));
	}
	ctx_done(&cx);
	return 0;
}

static int
close_desk(void **state UNUSED)
{
	search_close(&w.d.sys.search);
	phi_close(w.d.sys.phi);
	world_close(&w);
	segment_bucket_bytes = 12 * KiB;
	return 0;
}

static void
build_all(void)
{
	bool more = true;

	while (more) {
		struct ctx cx;
		ask(&w, &cx);
		MUST(&cx, search_step(&cx, &more));
		ctx_done(&cx);
	}
}

static const char *
name_of(struct ctx *cx, const struct found *f)
{
	struct user u;
	struct group g;

	switch (f->type) {
	case FOUND_TICKET:
		return str_z(cx->arena, str_printf(cx->arena, "%lld", (long long)f->id));
	case FOUND_USER:
		MUST(cx, user_load(cx, f->id, &u));
		return str_z(cx->arena, str_lower(cx->arena, str_cut(&u.name.hidden, ' ')));
	case FOUND_ORG:
		return f->id == north ? "north" : "org?";
	default:
		MUST(cx, group_get(cx, f->id, &g));
		return str_z(cx->arena, str_printf(cx->arena, "g:" STR_F, STR_A(g.name)));
	}
}

/* "8 5 1" or "!what was wrong" */
static void
expect(int64_t who, const char *query, const char *sort, bool ascending, const char *found)
{
	struct search_page p = { .query = str_of(query), .sort_by = str_of(sort), .ascending = ascending, .limit = 100 };
	struct found *f;
	struct buf b;
	struct ctx cx;
	int64_t total;
	enum err e;
	int n = 0;

	ask(&w, &cx);
	be(&cx, who);
	buf_init(&b, cx.arena, 4 * KiB);
	e = search_run(&cx, &p, &f, &n, &total);
	if (e != OK)
		buf_fmt(&b, "!%s", cx.fail.why);
	else
		assert_int_equal(n, total);
	for (int i = 0; e == OK && i < n; i++)
		buf_fmt(&b, i > 0 ? " %s" : "%s", name_of(&cx, &f[i]));
	buf_byte(&b, '\0');
	if (found[0] == '!' ? strncmp(b.p, found, strlen(found)) != 0 : strcmp(b.p, found) != 0)
		BROKEN("%s: \"%s\", expected \"%s\"", query, b.p, found);
	ctx_done(&cx);
}

static const struct {
	const char *why, *query, *found;
} run_rows[] = {
	{ "a word in subjects and texts", "chest", "4 1" },
	{ "words are ANDed", "chest pain", "4 1" },
	{ "words in different comments", "appointment thursday", "4" },
	{ "a plural finds the singular", "pains", "4 3 1" },
	{ "a singular finds the plural", "allergy", "5" },
	{ "case and diacritics", "MULLER", "6" },
	{ "diacritics in the query", "\xc3\xa4rztin", "6" },
	{ "without a word", "pain -knee", "4 1" },
	{ "without two", "chest -stairs -friday", "" },
	{ "a phrase", "\"chest pain\"", "1" },
	{ "a phrase in the other order", "\"pain chest\"", "" },
	{ "a phrase across a line and marks", "\"now no pain\"", "4" },
	{ "without a phrase", "chest -\"chest pain\"", "4" },
	{ "a phrase is not stemmed", "\"refills are\"", "6" },
	{ "a phrase of another form", "\"refill are\"", "" },
	{ "one quoted word as it stands", "\"refills\"", "6" },
	{ "a compound", "INV-2026-0042", "5" },
	{ "a part of a compound", "0042", "5" },
	{ "neighbouring parts of a compound", "2026-0042", "5" },
	{ "parts that are no neighbours", "INV-0042", "" },
	{ "a beginning of three letters", "type:ticket car*", "8 1" },
	{ "a longer beginning", "type:ticket cardiol*", "8" },
	{ "a beginning that is a whole word", "chest*", "4 1" },
	{ "a beginning that nothing has", "cardiox*", "" },
	{ "a beginning too short", "ca*", "!a word needs at least three letters" },
	{ "a star in the middle", "ca*io", "!a * can only stand at the end" },
	{ "a star is everything", "* status:hold", "8" },
	{ "Han, as a phrase", "\xe6\x9d\xb1\xe4\xba\xac", "8" },
	{ "Han, turned round", "\xe4\xba\xac\xe6\x9d\xb1", "" },
	{ "an internal note", "verapamil", "2" },
	{ "a number in a text and an id", "42", "8" },
	{ "a number that is an id", "type:ticket 3", "3" },
	{ "no letter or digit", "!!!", "" },
	{ "an empty query", "  ", "!the query is empty" },
	{ "an open quotation mark", "\"chest", "!a quotation mark" },
	{ "by id", "type:ticket id:5", "5" },
	{ "several ids", "type:ticket id:5 id:7 id:99", "7 5" },
	{ "ids above", "type:ticket id>6", "8 7" },
	{ "an id that is none", "id:five", "!an id is a number" },
	{ "a status", "status:open", "7 6 1" },
	{ "statuses are ORed", "status:open status:pending", "7 6 3 1" },
	{ "below a status", "status<solved", "8 7 6 4 3 2 1" },
	{ "up to a status", "status<=open", "7 6 4 2 1" },
	{ "above a status", "status>pending", "8 5" },
	{ "between statuses", "status>new status<hold", "7 6 3 1" },
	{ "without a status", "-status:open -status:new", "8 5 3" },
	{ "no such status", "status:opened", "!a status is new" },
	{ "a priority", "priority:urgent", "1" },
	{ "priorities above", "priority>=high", "5 1" },
	{ "priorities below leave out none", "priority<high", "7 4 3" },
	{ "no priority", "priority:none", "8 6 2" },
	{ "any priority", "priority:*", "7 5 4 3 1" },
	{ "a type of ticket", "ticket_type:incident ticket_type:problem", "6 1" },
	{ "types are not compared", "ticket_type>incident", "" },
	{ "an assignee by name", "assignee:\"Bea Bell\"", "5 1" },
	{ "an assignee by address", "assignee:carl@clinic.example", "3" },
	{ "an assignee by part of the name", "assignee:dune", "8" },
	{ "assignees are ORed", "assignee:carl assignee:dan", "8 3" },
	{ "nobody's", "assignee:none", "7 6 4 2" },
	{ "somebody's", "assignee:*", "8 5 3 1" },
	{ "mine", "assignee:me", "" },
	{ "no such person", "assignee:nobody-at-all", "" },
	{ "a requester by name without diacritics", "requester:kruger", "7 3 2" },
	{ "a requester and a word", "requester:karl bill", "3" },
	{ "without a requester", "-requester:karl -requester:josephine", "6 4" },
	{ "a requester with an apostrophe", "requester:o'brien", "6 4" },
	{ "a submitter", "submitter:mia", "6 4" },
	{ "a CC", "cc:ria@clinic.example", "7" },
	{ "who commented", "commenter:ada", "4" },
	{ "a group by name", "type:ticket group:cardiology", "8 5 4 1" },
	{ "a group by part of the name", "type:ticket group:billing", "3" },
	{ "no group", "type:ticket group:none", "6 2" },
	{ "an organization by name", "type:ticket organization:\"North Clinic\"", "8 5 1" },
	{ "an organization by part of the name", "type:ticket organization:north", "8 5 1" },
	{ "no organization", "type:ticket organization:none", "7 6 4 3 2" },
	{ "a tag", "type:ticket tags:vip", "7 5 1" },
	{ "a tag with a hyphen", "tags:urgent-care", "1" },
	{ "a part of a tag is none", "tags:urgent", "" },
	{ "tags are ORed", "tags:refill tags:billing", "3 2" },
	{ "without a tag", "type:ticket tags:vip -tags:urgent-care", "7 5" },
	{ "no tags", "type:ticket tags:none", "8 6 4" },
	{ "any tags", "type:ticket tags:*", "7 5 3 2 1" },
	{ "a tag as a word", "billing type:ticket", "3" },
	{ "in the subject", "subject:bill", "3" },
	{ "not in the subject", "pain -subject:pain", "4 3" },
	{ "a phrase in the subject", "subject:\"chest pain\"", "1" },
	{ "a beginning in the subject", "subject:prescr*", "2" },
	{ "a beginning that is only in a text", "subject:metop*", "" },
	{ "subjects are ORed", "subject:mri subject:records", "6 5" },
	{ "in the comments", "description:pain", "4 3" },
	{ "a phrase in the comments", "description:\"usual pharmacy\"", "2" },
	{ "a custom field", "custom_field_401:knee", "6" },
	{ "a custom field's phrase", "custom_field_401:\"left knee\"", "6" },
	{ "another custom field", "custom_field_402:knee", "" },
	{ "any custom field", "fieldvalue:knee", "6" },
	{ "a custom field as a word", "knee", "6 3" },
	{ "an external id", "type:ticket external_id:LEGACY-77", "6" },
	{ "an external id in parts", "legacy", "6" },
	{ "another external id", "external_id:LEGACY-7", "" },
	{ "created since a day", "type:ticket created>=2026-01-02", "8 7" },
	{ "created after a day", "type:ticket created>2026-01-02", "8" },
	{ "created before a day", "type:ticket created<2025-12-26", "2 1" },
	{ "created on a day", "type:ticket created:2025-12-30", "6" },
	{ "created on one of two days", "type:ticket created:2025-12-30 created:2025-12-28", "6 5" },
	{ "created within hours", "type:ticket created>30hours", "8" },
	{ "created within a week", "type:ticket created>1week", "8 7 6" },
	{ "created longer ago", "type:ticket created<10days", "2 1" },
	{ "created between", "type:ticket created>2025-12-26 created<2025-12-31", "6 5 4" },
	{ "updated within hours", "type:ticket updated>1hour", "7 4 2" },
	{ "at a moment", "type:ticket created:2026-01-04T10:00:00Z", "8" },
	{ "a month", "type:ticket created>1month", "8 7 6 5 4 3 2 1" },
	{ "no time", "created>yesterdayish", "!a time is written" },
	{ "solved", "solved>2025-12-01", "5" },
	{ "not solved", "type:ticket solved:none status<solved", "8 7 6 4 3 2 1" },
	{ "due", "due_date<2026-01-07", "6" },
	{ "due sometime", "due_date:*", "6" },
	{ "a channel", "via:mail", "4" },
	{ "no attachments", "has_attachment:true", "" },
	{ "fields and words", "status<solved pain priority:*", "4 3 1" },
	{ "only fields that exclude", "-status:new -status:open -status:pending", "8 5" },
	{ "a recipient by its beginning", "recipient:x*", "!a recipient is searched for as a whole" },
	{ "a custom status by its name", "custom_status_id:open", "!an id is a number" },
	{ "a type that is none", "type:topic", "!a type is ticket" },
	{ "an id of any type", "id:5", "5 eve" },
	{ "all types", "cardiology", "8 g:Cardiology" },
	{ "a tag of all types", "tags:vip", "7 5 1 josephine" },
	{ "without tickets", "-type:ticket north", "josephine north" },
	{ "a person by name", "josephine", "josephine" },
	{ "a person's whole name", "\"josephine applegate\"", "josephine" },
	{ "a person by beginning", "type:user jos*", "josephine" },
	{ "a person by a longer beginning", "type:user applegat*", "josephine" },
	{ "a person by address", "josephine.applegate@north.example", "josephine" },
	{ "a person by field and address", "email:karl@south.example", "karl" },
	{ "people by a part of the address", "type:user email:clinic", "ria eve dan carl bea ada" },
	{ "people by domain in another part", "type:user email:north -name:north", "josephine" },
	{ "a person by phone", "phone:15550107788", "josephine" },
	{ "a person by the end of a phone number", "phone:555-010-7788", "josephine" },
	{ "a phone number as it was written", "type:user \"555 010\"", "josephine" },
	{ "a person by external id", "type:user external_id:P-9981", "josephine" },
	{ "a person by notes", "notes:morning", "josephine" },
	{ "a person by a word of the notes", "type:user prefers", "josephine" },
	{ "details are not notes", "details:morning", "" },
	{ "a person by tag", "type:user tags:gold", "josephine" },
	{ "people without tags", "type:user -tags:* role:end-user", "mia karl" },
	{ "admins", "role:admin", "ada" },
	{ "agents", "role:agent", "ria eve dan carl bea" },
	{ "agents of a group", "role:agent group:cardiology", "dan bea" },
	{ "people of an organization", "type:user organization:north", "josephine eve" },
	{ "people of no organization", "role:end-user organization:none", "mia karl" },
	{ "a role that is none", "role:owner", "!a role is" },
	{ "people's names", "name:bell", "bea" },
	{ "an organization", "type:organization north", "north" },
	{ "an organization by beginning", "type:organization cli*", "north" },
	{ "all organizations", "type:organization created>1day", "north" },
	{ "a group by a word", "type:group desk", "g:Billing Desk" },
	{ "a group by beginning", "type:group card*", "g:Cardiology" },
};

static void
run(void **state)
{
	size_t i = ROW(state);

	expect(w.admin, run_rows[i].query, "", false, run_rows[i].found);
}

/* All rows again when everything is in segments, and after a restart. */
static void
all_again(void **state UNUSED)
{
	struct index_stats s;

	search_stats(w.d.sys.search, &s);
	assert_int_equal(s.segments, 0);
	for (int round = 0; round < 2; round++) {
		build_all();
		search_stats(w.d.sys.search, &s);
		assert_true(s.segments > 0);
		for (size_t i = 0; i < COUNT(run_rows); i++)
			expect(w.admin, run_rows[i].query, "", false, run_rows[i].found);
		search_close(&w.d.sys.search);
		phi_close(w.d.sys.phi);
		w.d.sys.phi = NULL;
		world_stop(&w);
		db_reopen(&w.d, NULL);
		world_start(&w);
		desk_start();
	}
}

static const struct {
	const char *why, *query, *sort;
	bool ascending;
	const char *found;
} sort_rows[] = {
	{ "newest first", "type:ticket status:*", "", false, "8 7 6 5 4 3 2 1" },
	{ "by creation", "type:ticket status<solved", "created_at", false, "8 7 6 4 3 2 1" },
	{ "by creation, oldest first", "type:ticket status<solved", "created_at", true, "1 2 3 4 6 7 8" },
	{ "by change", "type:ticket", "updated_at", false, "7 4 2 8 6 5 3 1" },
	{ "by change, of words", "pain", "updated_at", false, "4 3 1" },
	{ "by change, oldest first", "pain", "updated_at", true, "1 3 4" },
	{ "by priority", "type:ticket", "priority", false, "1 5 7 4 3 8 6 2" },
	{ "by priority, lowest first", "pain", "priority", true, "3 4 1" },
	{ "by status", "type:ticket", "status", true, "2 4 1 6 7 3 8 5" },
	{ "by type", "type:ticket", "ticket_type", false, "5 3 1 6 8 7 4 2" },
	{ "order_by in the query", "type:ticket order_by:priority sort:desc", "", false, "1 5 7 4 3 8 6 2" },
	{ "order_by comes first", "pain order_by:created sort:asc", "priority", false, "1 3 4" },
	{ "no such order", "pain", "subject", false, "!results are ordered by" },
	{ "no such direction", "pain sort:up", "", false, "!sort is asc or desc" },
};

static void
sorted(void **state)
{
	size_t i = ROW(state);

	expect(w.admin, sort_rows[i].query, sort_rows[i].sort, sort_rows[i].ascending, sort_rows[i].found);
}

/* ---- who sees what ------------------------------------------------------------------------------------------- */

static const struct {
	const char *why;
	int64_t    *who;
	const char *query, *found;
} seen_rows[] = {
	{ "an agent: not the private group", &bea, "type:ticket", "8 6 5 4 3 2 1" },
	{ "an agent, by words", &bea, "secret matter", "" },
	{ "an agent, by id", &bea, "type:ticket id:7", "" },
	{ "an agent, by tag", &bea, "type:ticket tags:vip", "5 1" },
	{ "an agent, by phrase", &bea, "\"private group\"", "" },
	{ "an agent, mine", &bea, "assignee:me", "5 1" },
	{ "an agent, my groups", &bea, "type:ticket group:me", "8 5 4 1" },
	{ "the CC sees it", &ria, "secret matter", "7" },
	{ "the CC, by fields", &ria, "status:open", "7 6 1" },
	{ "groups only", &carl, "type:ticket", "3" },
	{ "groups only, by words", &carl, "pain", "3" },
	{ "groups only, not others'", &carl, "chest", "" },
	{ "groups only, negated", &carl, "type:ticket -pain", "" },
	{ "assigned only", &dan, "type:ticket", "8" },
	{ "assigned only, by words", &dan, "number", "8" },
	{ "assigned only, not others'", &dan, "chest", "" },
	{ "organization only", &eve, "type:ticket", "8 5 1" },
	{ "organization only, by words", &eve, "pain", "1" },
	{ "organization only, by status", &eve, "status<solved", "8 1" },
	{ "people are the same for all agents", &dan, "type:user karl", "karl" },
};

static void
seen(void **state)
{
	size_t i = ROW(state);

	expect(*seen_rows[i].who, seen_rows[i].query, "", false, seen_rows[i].found);
}

static void
end_users_search_nothing(void **state UNUSED)
{
	struct search_page p = { .query = S("chest"), .limit = 10 };
	struct found *f;
	struct ctx cx;
	int64_t total, *ids;
	int n;

	ask(&w, &cx);
	be(&cx, josephine);
	assert_int_equal(search_run(&cx, &p, &f, &n, &total), E_DENIED);
	fail_clear(&cx);
	assert_int_equal(search_users(&cx, S("karl"), 0, 10, &ids, &n, &total), E_DENIED);
	fail_clear(&cx);
	cx.actor = NULL;
	assert_int_equal(search_run(&cx, &p, &f, &n, &total), E_WHO);
	ctx_done(&cx);
}

/* ---- people while they are typed ------------------------------------------------------------------------------- */

static const struct {
	const char *why, *query, *found;
} user_rows[] = {
	{ "one letter", "b", "mia bea" },
	{ "the beginning of a name", "jos", "josephine" },
	{ "a whole name", "josephine", "josephine" },
	{ "more letters than are indexed", "applegat", "josephine" },
	{ "more letters than the name has", "applegatex", "" },
	{ "two beginnings", "jo app", "josephine" },
	{ "the same from the other side", "app jo", "josephine" },
	{ "an address", "karl@south.example", "karl" },
	{ "the beginning of an address", "josephine.app", "josephine" },
	{ "an address up to its host", "karl@sou", "karl" },
	{ "a name with an apostrophe", "o'br", "mia" },
	{ "diacritics left out", "krug", "karl" },
	{ "many", "clinic", "ria eve dan carl bea ada" },
	{ "the language", "clinic role:admin", "ada" },
	{ "a field alone", "role:agent organization:north", "eve" },
	{ "quoted is not a beginning", "\"jos\"", "" },
	{ "nobody", "zz", "" },
};

static void
typed(void **state)
{
	size_t i = ROW(state);
	int64_t *ids, total;
	struct buf b;
	struct ctx cx;
	int n;

	ask(&w, &cx);
	be(&cx, bea);
	buf_init(&b, cx.arena, KiB);
	MUST(&cx, search_users(&cx, str_of(user_rows[i].query), 0, 100, &ids, &n, &total));
	assert_int_equal(n, total);
	for (int k = 0; k < n; k++)
		buf_fmt(&b, k > 0 ? " %s" : "%s", name_of(&cx, &(struct found){ FOUND_USER, ids[k] }));
	buf_byte(&b, '\0');
	assert_string_equal(b.p, user_rows[i].found);
	ctx_done(&cx);
}

/* ---- pages, totals ------------------------------------------------------------------------------------------------ */

static void
pages_and_totals(void **state UNUSED)
{
	struct search_page p = { .query = S("type:ticket"), .limit = 3 };
	struct found *f;
	struct ctx cx;
	int64_t total, last = INT64_MAX;
	int n, seen_count = 0;

	ask(&w, &cx);
	be(&cx, w.admin);
	for (;; p.offset += n) {
		MUST(&cx, search_run(&cx, &p, &f, &n, &total));
		assert_int_equal(total, 8);
		if (n == 0)
			break;
		for (int i = 0; i < n; i++) {
			assert_true(f[i].id < last);
			last = f[i].id;
			seen_count++;
		}
	}
	assert_int_equal(seen_count, 8);
	assert_int_equal(p.offset, 8);
	ctx_done(&cx);
}

/* ---- changes -------------------------------------------------------------------------------------------------------- */

static void
what_changes_is_found_anew(void **state UNUSED)
{
	struct ticket_change in = { .has = T_SUBJECT | T_TAGS, .subject = HIDE(S("Renamed altogether")),
	    .tag = &(sensitive){ S("fresh") }, .tag_count = 1 };
	static const struct made m = { "Original words", "A body that stays", "stale", TICKET_OPEN, PRIORITY_NORMAL, TYPE_NONE,
	    &karl, NULL, NULL, 0 };
	struct ticket t;
	struct comment c, *list;
	struct ctx cx;
	int64_t id = make(&m);
	char number[32];
	int n;

	snprintf(number, sizeof number, "%lld", (long long)id);
	for (int built = 0; built < 2; built++) {
		if (built)
			build_all();
		expect(w.admin, "original", "", false, number);
		expect(w.admin, "tags:stale", "", false, number);
	}
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, ticket_update(&cx, id, &in, &t, NULL));
	expect(w.admin, "original", "", false, "");
	expect(w.admin, "tags:stale", "", false, "");
	expect(w.admin, "tags:fresh renamed body", "", false, number);
	/* redacted */
	MUST(&cx, comment_list(&cx, id, false, false, 0, 0, 10, &list, &n));
	MUST(&cx, comment_redact(&cx, id, list[0].id, HIDE(S("stays")), &c));
	expect(w.admin, "body stays", "", false, "");
	expect(w.admin, "renamed body", "", false, number);
	/* deleted and back */
	MUST(&cx, ticket_delete(&cx, id));
	expect(w.admin, "renamed", "", false, "");
	expect(w.admin, "tags:fresh", "", false, "");
	MUST(&cx, ticket_restore(&cx, id));
	expect(w.admin, "renamed", "", false, number);
	MUST(&cx, ticket_delete(&cx, id));
	MUST(&cx, ticket_purge(&cx, id));
	expect(w.admin, "renamed", "", false, "");
	ctx_done(&cx);
}

static void
people_change_too(void **state UNUSED)
{
	int64_t id = person(&w, "Olga Orchid", "olga@east.example", ROLE_END_USER);
	struct user u;
	struct ctx cx;

	expect(w.admin, "orchid", "", false, "olga");
	SET(&w, id, USER_NAME | USER_EXTERNAL_ID, .name = HIDE(S("Olga Iris")), .external_id = HIDE(S("hub-iris")));
	expect(w.admin, "orchid", "", false, "");
	expect(w.admin, "iris", "", false, "olga");
	expect(w.admin, "external_id:hub-iris", "", false, "olga");
	build_all();
	expect(w.admin, "iris", "", false, "olga");
	ask(&w, &cx);
	be(&cx, w.admin);
	MUST(&cx, user_delete(&cx, id, &u));
	expect(w.admin, "iris", "", false, "");
	expect(w.admin, "type:user email:olga@east.example", "", false, "");
	ctx_done(&cx);
}

/* Many matches: totals, the order, a word that all have. */
static void
three_hundred(void **state UNUSED)
{
	struct search_page p = { .query = S("flood"), .limit = 1 };
	static const struct made m = { "Flood of tickets", "One of many, each alike", NULL, TICKET_OPEN, PRIORITY_NORMAL, TYPE_NONE,
	    &karl, NULL, NULL, 0 };
	struct found *f;
	struct ctx cx;
	int64_t total, first = 0, last = 0;
	int n;

	for (int i = 0; i < 300; i++) {
		last = make(&m);
		first = first == 0 ? last : first;
		if (i == 150)
			build_all();
	}
	ask(&w, &cx);
	for (int who = 0; who < 2; who++) {
		be(&cx, who == 0 ? w.admin : bea);
		p.offset = 0;
		p.query = S("flood");
		MUST(&cx, search_run(&cx, &p, &f, &n, &total));
		assert_int_equal(total, 300);
		assert_int_equal(f[0].id, last);
		p.offset = 299;
		MUST(&cx, search_run(&cx, &p, &f, &n, &total));
		assert_int_equal(n, 1);
		assert_int_equal(f[0].id, first);
		p.query = S("\"flood of\" alike status:open");
		MUST(&cx, search_run(&cx, &p, &f, &n, &total));
		assert_int_equal(total, 300);
		p.query = S("requester:karl status:open -secret");
		MUST(&cx, search_run(&cx, &p, &f, &n, &total));
		assert_int_equal(total, 300);
	}
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(word_rows) + COUNT(stem_rows) + COUNT(parse_rows) + COUNT(run_rows) + COUNT(sort_rows) +
	    COUNT(seen_rows) + COUNT(user_rows) + 16];
	size_t n = 0;

	ADD_ROWS(t, n, word_rows, words);
	ADD_ROWS(t, n, stem_rows, stems);
	ADD_ROWS(t, n, parse_rows, parse);
	ADD(t, n, limits_of_a_query);
	ADD_ROWS(t, n, run_rows, run);
	ADD_ROWS(t, n, sort_rows, sorted);
	ADD_ROWS(t, n, seen_rows, seen);
	ADD_ROWS(t, n, user_rows, typed);
	ADD(t, n, end_users_search_nothing);
	ADD(t, n, pages_and_totals);
	ADD(t, n, all_again);
	ADD(t, n, what_changes_is_found_anew);
	ADD(t, n, people_change_too);
	ADD(t, n, three_hundred);
	return _cmocka_run_group_tests("desk query", t, n, open_desk, close_desk);
}
