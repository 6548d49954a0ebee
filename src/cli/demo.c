/* demo.c - fills an empty desk with an invented clinic, so that a newcomer has
 * something to look at. Nobody named here exists; numbers are of ranges that
 * are never given out (555-01xx, 900-xx SSNs, example domains). */
#include <stdio.h>

#include "cli/cli.h"

static const struct { const char *role, *name, *email; enum role is; enum restriction sees; const char *group; } people[] = {
	{ "administrator",             "Avery Lindqvist",  "admin@lakeside.example",    ROLE_ADMIN,    SEE_ALL,    NULL },
	{ "agent (all tickets)",       "Marisol Okafor",   "marisol@lakeside.example",  ROLE_AGENT,    SEE_ALL,    "Front desk" },
	{ "agent (own groups)",        "Tobias Hartwell",  "tobias@lakeside.example",   ROLE_AGENT,    SEE_GROUPS, "Billing" },
	{ "agent (assigned only)",     "Priya Venkataraman", "priya@lakeside.example",  ROLE_AGENT,    SEE_ASSIGNED, "Nurse line" },
	{ "patient (end user)",        "Jordan Abernathy", "jordan@patients.example",   ROLE_END_USER, SEE_ALL,    NULL },
};

static const struct { const char *name, *email; } patients[] = {
	{ "Noelle Castellanos", "noelle.castellanos@patients.example" }, { "Desmond Achterberg", "d.achterberg@patients.example" },
	{ "Imani Whitlock", "imani.whitlock@patients.example" },         { "Rosalind Petrakis", "rosalind@patients.example" },
	{ "Theo Brannigan", "theo.brannigan@patients.example" },         { "Xiomara Delacroix", "xiomara@patients.example" },
	{ "Walt Ostrander", "walt.ostrander@patients.example" },         { "Henrietta Mbeki", "henrietta@patients.example" },
};

static const struct { const char *subject, *body, *tag; } cases[] = {
	{ "Refill of lisinopril", "Hello,\n\nI need a refill of lisinopril 10 mg before Friday. My date of birth is 03/14/1968 and my MRN is"
	    " 00482913. Please call me at (312) 555-0148 when it is ready.\n\nThank you", "refill" },
	{ "Bill for my visit", "I was charged twice for my visit on March 3, 2026. The card ending in 4242 was used. My member ID is"
	    " XEH904417283. Can somebody look at it?", "billing" },
	{ "Portal password", "The portal says my account is locked. My user name is the e-mail address I write from. I tried from"
	    " 192.0.2.44 at home.", "portal" },
	{ "Records for my new doctor", "Please send my records to Dr. Fairweather, fax 312-555-0119. The address is 1420 Juniper Street,"
	    " Evanston, IL 60201.", "records" },
	{ "Reschedule appointment", "I cannot come on Tuesday. Is there something free next week, best in the morning?", "appointment" },
	{ "Insurance changed", "My new insurance starts on 01/01/2027. Policy number BCX-55820194, group 00731. The old one ends in"
	    " December.", "insurance" },
	{ "Question about lab results", "The A1C came back at 6.1, is that something to worry about? The order number was LB-2026-118842.", "lab" },
	{ "Complaint about waiting time", "I waited 90 minutes past my appointment and nobody told me anything. That is not acceptable.", "complaint" },
	{ "Pump shows error E12", "My insulin pump, serial number PX4-8829104, shows E12 since last night. What should I do?", "device" },
	{ "Thank you", "I just wanted to thank the nurses of the day clinic. You were wonderful.", "praise" },
};

static const char *const replies[] = {
	"Thank you for writing. We are looking into it and will be back before the end of the day.",
	"We have what we need, no further details please. Somebody will call you.",
	"Checked with the nurse line: this is fine to wait until tomorrow.",
};

static str
word(struct ctx *cx)
{
	unsigned char r[9];

	rand_bytes(r, sizeof r);
	return base64url_of(cx->arena, (str){ (char *)r, sizeof r });
}

static enum err
make_people(struct ctx *cx, int out, int64_t *ids)
{
	static const char *const groups[] = { "Front desk", "Billing", "Nurse line" };
	int64_t group_id[COUNT(groups)];

	for (size_t i = 0; i < COUNT(groups); i++) {
		struct group g = { .name = str_of(groups[i]), .is_public = true }, made;
		TRY(group_create(cx, GROUP_NAME | GROUP_PUBLIC, &g, &made));
		group_id[i] = made.id;
	}
	for (size_t i = 0; i < COUNT(people); i++) {
		struct user_change ch = { .has = USER_NAME | USER_EMAIL | USER_ROLE | USER_SEES | USER_PASSWORD | USER_VERIFIED };
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
		e = user_by_email(cx, str_of(people[i].email), &u);
		if (e == OK)
			TRY(user_update(cx, u.id, &ch, &u));
		else if (e == E_ABSENT) {
			fail_clear(cx);
			TRY(user_create(cx, &ch, &u));
		} else
			return e;
		ids[i] = u.id;
		for (size_t g = 0; g < COUNT(groups); g++)
			if (people[i].group != NULL && strcmp(groups[g], people[i].group) == 0) {
				struct membership m;
				TRY(membership_create(cx, u.id, group_id[g], true, &m));
			}
		TRY(token_create(cx, u.id, S("demo"), false, false, &token, &t));
		if (people[i].is != ROLE_END_USER)
			TRY(factor_issue(cx, u.id, &secret, &uri, &recovery, &codes));
		dprintf(out, "%-24s %-28s %-14.*s %-44.*s %.*s\n", people[i].role, people[i].email, (int)password.n, password.p,
		    (int)token.n, token.p, (int)secret.n, secret.p);
	}
	return OK;
}

static enum err
make_tickets(struct ctx *cx, const int64_t *ids)
{
	for (int i = 0; i < 40; i++) {
		size_t c = (size_t)i % COUNT(cases), p = (size_t)i % (COUNT(patients) + 1);
		bool jordan = p == COUNT(patients);
		sensitive tag = HIDE(str_of(cases[c].tag));
		struct ticket_change ch = { .has = T_SUBJECT | T_COMMENT | T_REQUESTER | T_TAGS | T_PRIORITY, .tag = &tag,
		    .tag_count = 1, .channel = i % 3 ? "email" : "web" }, reply = { .has = T_COMMENT | T_STATUS };
		struct ticket t;
		ch.subject = HIDE(str_of(cases[c].subject));
		ch.body = HIDE(str_of(cases[c].body));
		ch.requester_name = HIDE(str_of(jordan ? people[4].name : patients[p].name));
		ch.requester_email = HIDE(str_of(jordan ? people[4].email : patients[p].email));
		ch.priority = (enum ticket_priority)(i % 5);
		ch.created_at = cx->now - (usec)(40 - i) * 3 * 3600 * SECOND;
		if (i % 2) {
			ch.has |= T_ASSIGNEE;
			ch.assignee_id = ids[1 + i % 3];
		}
		TRY(ticket_create(cx, &ch, &t, NULL));
		if (i % 2 == 0)
			continue;
		reply.body = HIDE(str_of(replies[(size_t)i % COUNT(replies)]));
		reply.author_id = ids[1 + i % 3];
		reply.comment_public = i % 5 != 0;
		reply.comment_public_set = true;
		reply.status = i % 7 == 0 ? TICKET_SOLVED : i % 3 == 0 ? TICKET_PENDING : TICKET_OPEN;
		reply.created_at = ch.created_at + 3600 * SECOND;
		TRY(ticket_update(cx, t.id, &reply, &t, NULL));
	}
	return OK;
}

int
demo_fill(struct ward *w, int out, int err)
{
	struct ticket_filter all = { 0 };
	int64_t n, ids[COUNT(people)];
	struct ctx cx;
	enum err e;
	int code = 0;

	ward_ctx(w, &cx, "demo");
	if ((e = ticket_count(&cx, &all, &n)) == OK && n > 0) {
		dprintf(err, "ward: this desk has tickets already; the demo fills empty ones only\n");
		ctx_done(&cx);
		return 73;
	}
	if (e != OK || (e = make_people(&cx, out, ids)) != OK || (e = make_tickets(&cx, ids)) != OK) {
		dprintf(err, "ward: demo: %s\n", cx.fail.why ? cx.fail.why : err_name(e));
		code = exit_of(e);
	}
	ctx_done(&cx);
	return code;
}
