/* demo.c - fills an empty desk with an invented clinic, so that a newcomer has
 * something to look at: five people to sign in as, forty patients, two hundred
 * tickets with their threads, forms, an SLA, ratings, articles. */
#include <jansson.h>
#include <stdio.h>

#include "cli/demo.h"

#define TICKETS 200

/* A role that only reads and takes notes is made of what the gate knows: private comments only, PHI masked. */
static const struct { const char *role, *name, *email; enum role is; enum restriction sees; int group; bool light; } people[] = {
	{ "administrator",             "Avery Lindqvist",  "admin@lakeside.example",    ROLE_ADMIN,    SEE_ALL,    -1,      false },
	{ "compliance officer",        "Soledad Marchetti", "compliance@lakeside.example", ROLE_AGENT, SEE_ALL,    -1,      false },
	{ "agent (all tickets)",       "Marisol Okafor",   "marisol@lakeside.example",  ROLE_AGENT,    SEE_ALL,    FRONT,   false },
	{ "light agent (masked)",      "Tobias Hartwell",  "tobias@lakeside.example",   ROLE_AGENT,    SEE_GROUPS, BILLING, true },
	{ "patient (end user)",        "Jordan Abernathy", "jordan@patients.example",   ROLE_END_USER, SEE_ALL,    -1,      false },
	{ NULL,                        "Priya Venkataraman", "priya@lakeside.example",  ROLE_AGENT,    SEE_GROUPS, NURSES,  false },
	{ NULL,                        "Gideon Aldous",    "gideon@lakeside.example",   ROLE_AGENT,    SEE_GROUPS, BILLING, false },
};
enum { ADMIN, COMPLIANCE, AGENT, LIGHT, PATIENT, NURSE, BILLER };

static const char *const firsts[] = { "Noelle", "Desmond", "Imani", "Rosalind", "Theo", "Xiomara", "Walt", "Henrietta", "Lucinda", "Amadou", "Bettina", "Kaspar",
	"Odalys", "Reginald", "Saoirse", "Tomasz", "Ursula", "Vikram", "Wilhelmina", "Yusuf" };
static const char *const lasts[] = { "Castellanos", "Achterberg", "Whitlock", "Petrakis", "Brannigan", "Delacroix", "Ostrander", "Mbeki", "Fairbanks", "Quisling",
	"Rademacher", "Santangelo", "Thistlewood", "Underhill", "Vanterpool", "Wojcik", "Yardley", "Zamora", "Ibekwe" };
static const char *const streets[] = { "1420 Juniper Street, Evanston, IL 60201", "77 Harbor Lane, Waukegan, IL 60085", "903 Prairie Avenue, Skokie, IL 60076", "12 Oak Court, Wilmette, IL 60091" };
static const char *const days[] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday" };
#define PATIENTS 40

struct patient { str name, email; int n; };

static struct patient
patient_of(struct ctx *cx, int n)
{
	const char *first = firsts[n % (int)COUNT(firsts)], *last = lasts[(n * 7 + n / (int)COUNT(firsts)) % (int)COUNT(lasts)];

	if (n == 0)
		return (struct patient){ str_of(people[PATIENT].name), str_of(people[PATIENT].email), 0 };
	return (struct patient){ str_printf(cx->arena, "%s %s", first, last), str_lower(cx->arena, str_printf(cx->arena, "%s.%s@patients.example", first, last)), n };
}

/* The words of a case with this patient's own in them. */
static str
fill(struct ctx *cx, const char *text, const struct patient *p)
{
	struct buf b;
	str rest = str_of(text);

	buf_init(&b, cx->arena, 64 * KiB);
	while (rest.n > 0) {
		str plain = str_cut(&rest, '{'), what;
		buf_add(&b, plain);
		if (rest.n == 0)
			break;
		what = str_cut(&rest, '}');
		if (str_eq(what, S("name")))
			buf_add(&b, p->name);
		else if (str_eq(what, S("dob")))
			buf_fmt(&b, "%02d/%02d/%d", 1 + p->n * 5 % 12, 1 + p->n * 11 % 28, 1938 + p->n * 13 % 66);
		else if (str_eq(what, S("mrn")))
			buf_fmt(&b, "%08d", 482913 + p->n * 7919);
		else if (str_eq(what, S("phone")))
			buf_fmt(&b, "(312) 555-01%02d", p->n);
		else if (str_eq(what, S("member")))
			buf_fmt(&b, "XEH%09d", 904417283 + p->n * 104729);
		else if (str_eq(what, S("street")))
			buf_add(&b, str_of(streets[p->n % (int)COUNT(streets)]));
		else
			buf_add(&b, str_of(days[p->n % (int)COUNT(days)]));
	}
	return buf_str(&b);
}

static str
word(struct ctx *cx)
{
	unsigned char r[9];

	rand_bytes(r, sizeof r);
	return base64url_of(cx->arena, (str){ (char *)r, sizeof r });
}

struct clinic { int out; int64_t person[COUNT(people)], group[DEMO_GROUPS], form[DEMO_FORMS], reason; };

static enum err
make_people(struct ctx *cx, struct clinic *c)
{
	static const char *const groups[DEMO_GROUPS] = { "Front desk", "Billing", "Nurse line" };
	const struct defs *d;

	TRY(defs_get(cx, &d));
	for (size_t i = 0; i < COUNT(groups); i++) {
		struct group g = { .name = str_of(groups[i]), .is_public = true }, made;
		TRY(group_create(cx, GROUP_NAME | GROUP_PUBLIC, &g, &made));
		c->group[i] = made.id;
	}
	for (size_t i = 0; i < COUNT(people); i++) {
		struct user_change ch = { .has = USER_NAME | USER_EMAIL | USER_ROLE | USER_SEES | USER_PASSWORD | USER_VERIFIED };
		struct membership m;
		struct api_token t;
		struct user u;
		str secret = S("-"), uri, *recovery;
		int codes;
		str password = word(cx), token;
		enum err e;
		ch.u.name = HIDE(str_of(people[i].name));
		ch.u.email = HIDE(str_of(people[i].email));
		ch.u.role = people[i].is;
		ch.u.sees = people[i].sees;
		ch.u.verified = true;
		ch.password = HIDE(password);
		if (people[i].light) {
			ch.has |= USER_PRIVATE_ONLY;
			ch.u.only_private_comments = true;
		}
		if (i == COMPLIANCE) {
			ch.has |= USER_CUSTOM_ROLE;
			ch.u.custom_role_id = role_officer(d)->id;
		}
		e = user_by_email(cx, str_of(people[i].email), &u);
		if (e == OK)
			TRY(user_update(cx, u.id, &ch, &u));
		else if (e == E_ABSENT) {
			fail_clear(cx);
			TRY(user_create(cx, &ch, &u));
		} else
			return e;
		c->person[i] = u.id;
		if (people[i].group >= 0)
			TRY(membership_create(cx, u.id, c->group[people[i].group], true, &m));
		if (people[i].light)
			TRY(user_set_phi(cx, u.id, 0));
		if (people[i].role == NULL)
			continue;
		TRY(token_create(cx, u.id, S("demo"), false, false, &token, &t));
		if (people[i].is != ROLE_END_USER)
			TRY(factor_issue(cx, u.id, &secret, &uri, &recovery, &codes));
		dprintf(c->out, "%-24s %-28s %-14.*s %-44.*s %.*s\n", people[i].role, people[i].email, (int)password.n, password.p,
		    (int)token.n, token.p, (int)secret.n, secret.p);
	}
	return OK;
}

/* Makes a definition of this JSON text; its id. */
static enum err
define(struct ctx *cx, enum def_kind kind, str json, int64_t *id)
{
	json_t *in = json_loadb(json.p, json.n, 0, NULL);
	struct def d;
	enum err e = in == NULL ? fail(cx, E_FAULT, NULL, "the demo's own text is no JSON") : def_create(cx, kind, in, &d);

	json_decref(in);
	TRY(e);
	*id = d.id;
	return OK;
}

static enum err
make_forms(struct ctx *cx, struct clinic *c)
{
	const struct def *const *all;
	const struct defs *d;
	int64_t reason, days_left, invoice, where, subject = 0, body = 0;
	str head, forms[DEMO_FORMS];
	int n;

	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_TICKET_FIELD, &n);
	for (int i = 0; i < n; i++) {
		if (str_eq(def_text(all[i], "type"), S("subject")))
			subject = all[i]->id;
		if (str_eq(def_text(all[i], "type"), S("description")))
			body = all[i]->id;
	}
	TRY(define(cx, DEF_TICKET_FIELD, S("{\"title\":\"What about the bill?\",\"type\":\"tagger\",\"visible_in_portal\":true,\"editable_in_portal\":true,\"required_in_portal\":true,"
	    "\"custom_field_options\":[{\"name\":\"A charge I do not know\",\"value\":\"bill_charge\"},{\"name\":\"My insurance\",\"value\":\"bill_insurance\"},{\"name\":\"Paying in parts\",\"value\":\"bill_plan\"}]}"), &reason));
	TRY(define(cx, DEF_TICKET_FIELD, S("{\"title\":\"Invoice number\",\"type\":\"text\",\"description\":\"It stands at the top right of the invoice.\",\"visible_in_portal\":true,\"editable_in_portal\":true}"), &invoice));
	TRY(define(cx, DEF_TICKET_FIELD, S("{\"title\":\"How many days are left?\",\"type\":\"integer\",\"visible_in_portal\":true,\"editable_in_portal\":true}"), &days_left));
	TRY(define(cx, DEF_TICKET_FIELD, S("{\"title\":\"Where shall they go?\",\"type\":\"tagger\",\"visible_in_portal\":true,\"editable_in_portal\":true,\"custom_field_options\":[{\"name\":\"To me, in the portal\",\"value\":\"records_portal\"},"
	    "{\"name\":\"To another doctor\",\"value\":\"records_doctor\"}]}"), &where));
	head = str_printf(cx->arena, "\"end_user_visible\":true,\"ticket_field_ids\":[%lld,%lld", (long long)subject, (long long)body);
	forms[FORM_OTHER] = str_printf(cx->arena, "{\"name\":\"Something else\"," STR_F "]}", STR_A(head));
	forms[FORM_REFILL] = str_printf(cx->arena, "{\"name\":\"A refill\"," STR_F ",%lld]}", STR_A(head), (long long)days_left);
	forms[FORM_BILL] = str_printf(cx->arena, "{\"name\":\"A bill\"," STR_F ",%lld,%lld],\"end_user_conditions\":[{\"parent_field_id\":%lld,\"value\":\"bill_charge\",\"child_fields\":[{\"id\":%lld,\"is_required\":true}]}]}",
	    STR_A(head), (long long)reason, (long long)invoice, (long long)reason, (long long)invoice);
	forms[FORM_RECORDS] = str_printf(cx->arena, "{\"name\":\"My records\"," STR_F ",%lld]}", STR_A(head), (long long)where);
	for (int i = 0; i < DEMO_FORMS; i++)
		TRY(define(cx, DEF_TICKET_FORM, forms[i], &c->form[i]));
	c->reason = reason;
	return OK;
}

static enum err
make_rules(struct ctx *cx)
{
	struct rule made, sla = { .title = S("Clinic hours"), .description = S("First reply and next reply"), .conditions = S("{\"all\":[],\"any\":[]}"), .active = true,
	    .extra = S("{\"policy_metrics\":[{\"priority\":\"urgent\",\"metric\":\"first_reply_time\",\"target\":30,\"business_hours\":false},{\"priority\":\"high\",\"metric\":\"first_reply_time\",\"target\":120,\"business_hours\":false},"
	    "{\"priority\":\"normal\",\"metric\":\"first_reply_time\",\"target\":480,\"business_hours\":false},{\"priority\":\"low\",\"metric\":\"first_reply_time\",\"target\":1440,\"business_hours\":false}]}") };

	return rule_create(cx, RULE_SLA, RULE_TITLE | RULE_DESCRIPTION | RULE_CONDITIONS | RULE_EXTRA | RULE_ACTIVE, &sla, &made);
}

static enum err
make_brand(struct ctx *cx)
{
	const struct def *const *all;
	const struct defs *d;
	struct def out;
	json_t *in = json_pack("{s:s,s:s}", "name", "Lakeside Clinic", "color", "#1f4e79");
	enum err e = OK;
	int n;

	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_BRAND, &n);
	for (int i = 0; i < n && e == OK; i++)
		if (def_bool(all[i], "default"))
			e = def_update(cx, DEF_BRAND, all[i]->id, in, &out);
	json_decref(in);
	return e;
}

static enum err
make_articles(struct ctx *cx)
{
	static const char *const categories[][2] = { { "Your visit", "Su visita" }, { "Medicine and results", "Medicinas y resultados" }, { "Bills and privacy", "Facturas y privacidad" } };
	static const struct { int category; const char *en, *es; } sections[] = { { 0, "Getting here", "Cómo llegar" }, { 0, "Appointments", "Citas" }, { 1, "Refills and labs", "Recetas y análisis" },
		{ 2, "Paying", "Pagos" }, { 2, "Privacy", "Privacidad" } };
	int64_t category[COUNT(categories)], section[COUNT(sections)];
	struct guide g;

	for (size_t i = 0; i < COUNT(categories); i++) {
		TRY(guide_create(cx, GUIDE_CATEGORY, &(struct guide_change){ .has = GUIDE_TITLE | GUIDE_POSITION, .title = str_of(categories[i][0]), .position = (int64_t)i }, &g));
		category[i] = g.id;
		TRY(guide_update(cx, GUIDE_CATEGORY, g.id, &(struct guide_change){ .has = GUIDE_TITLE, .locale = 1, .title = str_of(categories[i][1]) }, &g));
	}
	for (size_t i = 0; i < COUNT(sections); i++) {
		TRY(guide_create(cx, GUIDE_SECTION, &(struct guide_change){ .has = GUIDE_TITLE | GUIDE_PARENT | GUIDE_POSITION, .title = str_of(sections[i].en),
		    .parent_id = category[sections[i].category], .position = (int64_t)i }, &g));
		section[i] = g.id;
		TRY(guide_update(cx, GUIDE_SECTION, g.id, &(struct guide_change){ .has = GUIDE_TITLE, .locale = 1, .title = str_of(sections[i].es) }, &g));
	}
	for (int i = 0; i < demo_article_count; i++) {
		const struct demo_article *a = &demo_articles[i];
		TRY(guide_create(cx, GUIDE_ARTICLE, &(struct guide_change){ .has = GUIDE_TITLE | GUIDE_BODY | GUIDE_PARENT | GUIDE_PROMOTED | GUIDE_SIGNED_IN | GUIDE_POSITION,
		    .title = str_of(a->title), .body = str_of(a->body), .parent_id = section[a->section], .promoted = a->promoted, .signed_in = a->signed_in, .position = i }, &g));
		if (a->title_es != NULL)
			TRY(guide_update(cx, GUIDE_ARTICLE, g.id, &(struct guide_change){ .has = GUIDE_TITLE | GUIDE_BODY, .locale = 1, .title = str_of(a->title_es), .body = str_of(a->body_es) }, &g));
	}
	return OK;
}

/* Minutes until somebody answers: sooner what is urgent, and mostly within the policy of make_rules(). */
static int
first_reply(enum ticket_priority priority, int i)
{
	static const struct { int least, spread; } of[] = { [PRIORITY_URGENT] = { 4, 35 }, [PRIORITY_HIGH] = { 12, 135 },
		[PRIORITY_NORMAL] = { 35, 530 }, [PRIORITY_LOW] = { 90, 1500 }, [PRIORITY_NONE] = { 35, 530 } };

	return of[priority].least + i * 97 % of[priority].spread;
}

/* One ticket with its thread: how far it got depends on its age and on nothing else. */
static enum err
make_ticket(struct ctx *cx, const struct clinic *c, int i)
{
	static const int who[DEMO_GROUPS] = { AGENT, BILLER, NURSE };
	const struct demo_case *k = &demo_cases[i % demo_case_count];
	const struct patient p = patient_of(cx, i % 13 == 5 ? 0 : 1 + i * 17 % (PATIENTS - 1));
	sensitive tag[2] = { HIDE(str_of(k->tag)), HIDE(S("followup")) };
	usec age = (usec)(TICKETS - i) * 2 * 3600 * SECOND + (usec)(i * 37 % 60) * 60 * SECOND, at = cx->now - age;
	int64_t agent = c->person[who[k->group]];
	struct ticket_change ch = { .has = T_SUBJECT | T_COMMENT | T_REQUESTER | T_TAGS | T_PRIORITY | T_GROUP | T_FORM, .tag = tag, .tag_count = i % 9 == 0 ? 2 : 1,
	    .channel = i % 3 == 0 ? "web" : i % 7 == 0 ? "api" : "email", .group_id = c->group[k->group], .priority = k->priority, .form_id = c->form[k->form], .created_at = at };
	bool fresh = i >= TICKETS - 24;
	struct ticket t;
	int turns = 0;

	ch.subject = HIDE(fill(cx, k->subject, &p));
	ch.body = HIDE(fill(cx, k->body, &p));
	ch.requester_name = HIDE(p.name);
	ch.requester_email = HIDE(p.email);
	if (k->form == FORM_BILL) {
		ch.custom = arena_alloc(cx->arena, sizeof *ch.custom, 1, 16);
		ch.custom[0].id = c->reason;
		ch.custom[0].value_json = i % 2 ? S("\"bill_insurance\"") : S("\"bill_plan\"");
		ch.custom_count = 1;
		ch.has |= T_CUSTOM;
	}
	if (!fresh || i % 3 == 0) {
		ch.has |= T_ASSIGNEE;
		ch.assignee_id = agent;
	}
	TRY(ticket_create(cx, &ch, &t, NULL));
	while (turns < (int)COUNT(k->turn) && k->turn[turns].text != NULL)
		turns++;
	for (int n = 0; n < turns && !fresh; n++) {
		struct ticket_change say = { .has = T_COMMENT, .comment_public = k->turn[n].by != 'n', .comment_public_set = true, .channel = k->turn[n].by == 'r' ? "email" : "web" };
		bool last = n == turns - 1;
		at += (usec)(n == 0 ? first_reply(k->priority, i) : 20 + i * 13 % 200) * 60 * SECOND;
		if (at >= cx->now)
			break;
		say.created_at = at;
		say.body = HIDE(fill(cx, k->turn[n].text, &p));
		say.author_id = k->turn[n].by == 'r' ? t.requester_id : agent;
		if (last && i % 7 != 3) {
			say.has |= T_STATUS;
			say.status = i % 17 == 4 ? TICKET_HOLD : i % 11 == 2 ? TICKET_PENDING : i < TICKETS * 3 / 4 ? TICKET_SOLVED : TICKET_OPEN;
		} else if (k->turn[n].by == 'a') {
			say.has |= T_STATUS;
			say.status = TICKET_PENDING;
		}
		TRY(ticket_update(cx, t.id, &say, &t, NULL));
	}
	if (t.status == TICKET_SOLVED && k->rating != 0 && i / demo_case_count % 2 == 0) {
		struct rating r = { .ticket_id = t.id, .good = k->rating > 0, .reason_code = k->rating < 0 ? 1000 : 0 };
		const struct actor *system = cx->actor;
		if (k->rating == 1)
			r.comment = HIDE(S("Quick and kind, thank you."));
		else if (k->rating < 0)
			r.comment = HIDE(S("It took far too long until somebody answered."));
		TRY(gate_as_user(cx, t.requester_id, "demo"));
		TRY(rating_set(cx, &r));
		cx->actor = system;
	}
	return OK;
}

/* All in one transaction: a demo that was cut off leaves an empty desk. */
static enum err
fill_tx(struct ctx *cx, void *arg)
{
	struct clinic *c = arg;

	TRY(make_brand(cx));
	TRY(make_rules(cx));
	TRY(make_articles(cx));
	for (int i = 0; i < TICKETS; i++)
		TRY(make_ticket(cx, c, i));
	return OK;
}

/* What a demonstration cannot prove waits with a reason, so that it opens on tickets. */
static enum err
put_off(struct ctx *cx)
{
	static const enum setup_step steps[] = { SETUP_BACKUP, SETUP_MAIL, SETUP_POLICY };

	for (size_t i = 0; i < COUNT(steps); i++)
		TRY(setup_put(cx, steps[i], SETUP_DEFERRED, S(""), HIDE(S("A demonstration: the people in it are invented."))));
	return OK;
}

int
demo_fill(struct ward *w, int out, int err)
{
	struct ticket_filter all = { 0 };
	struct clinic c = { .out = out };
	struct ctx cx;
	int64_t n;
	enum err e;
	int code = 0;

	ward_ctx(w, &cx, "demo");
	if ((e = ticket_count(&cx, &all, &n)) == OK && n > 0) {
		dprintf(err, "ward: this desk has tickets already; the demo fills empty ones only\n");
		ctx_done(&cx);
		return 73;
	}
	if (e != OK || (e = make_people(&cx, &c)) != OK || (e = make_forms(&cx, &c)) != OK || (e = store_write(&cx, fill_tx, &c)) != OK || (e = put_off(&cx)) != OK) {
		dprintf(err, "ward: demo: %s\n", cx.fail.why ? cx.fail.why : cx.bad ? cx.bad->why : err_name(e));
		code = exit_of(e);
	}
	ctx_done(&cx);
	return code;
}
