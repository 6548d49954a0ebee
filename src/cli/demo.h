/* demo.h - the invented clinic: its cases and texts. */
#ifndef WARD_CLI_DEMO_H
#define WARD_CLI_DEMO_H

#include "cli/cli.h"

enum { FRONT, BILLING, NURSES, DEMO_GROUPS };
enum { FORM_OTHER, FORM_REFILL, FORM_BILL, FORM_RECORDS, DEMO_FORMS };
struct demo_case {
	const char *subject, *body;
	int         group, form;
	const char *tag;
	enum ticket_priority priority;
	struct { char by; const char *text; } turn[3];      /* 'a' agent in public, 'n' a note, 'r' the requester */
	int         rating;                                   /* of who rates it: 1 good, -1 bad, 2 good without words, 0 nobody does */
};
extern const struct demo_case demo_cases[];
extern const int demo_case_count;
struct demo_article { int category, section; bool promoted, signed_in; const char *title, *title_es, *body, *body_es; };
extern const struct demo_article demo_articles[];
extern const int demo_article_count;

#endif
