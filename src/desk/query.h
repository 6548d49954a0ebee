/* query.h - the query language as a tree, for query.c, its tests and its fuzzer. */
#ifndef WARD_DESK_QUERY_H
#define WARD_DESK_QUERY_H

#include "desk/index.h"

enum qfield {
	Q_TEXT, Q_TYPE, Q_ID, Q_STATUS, Q_PRIORITY, Q_TICKET_TYPE, Q_ASSIGNEE, Q_REQUESTER, Q_SUBMITTER, Q_CC,
	Q_COMMENTER, Q_GROUP, Q_ORGANIZATION, Q_BRAND, Q_FORM, Q_VIA, Q_CREATED, Q_UPDATED, Q_SOLVED, Q_DUE,
	Q_HAS_ATTACHMENT, Q_SATISFACTION, Q_TAGS, Q_SUBJECT, Q_DESCRIPTION, Q_EXTERNAL_ID, Q_FIELDVALUE, Q_CUSTOM, Q_NAME, Q_EMAIL,
	Q_ROLE, Q_PHONE, Q_NOTES, Q_DETAILS, Q_VERIFIED, Q_SUSPENDED, Q_DOMAINS, Q_ORDER_BY, Q_SORT, Q_CUSTOM_STATUS, Q_RECIPIENT,
	Q_FIELDS
};
enum qop { OP_IS, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST };

struct qitem {
	enum qfield field;
	enum qop    op;
	bool        negative, quoted, prefix;    /* prefix: ended with *; value is without it */
	int64_t     number;                      /* Q_CUSTOM: the field's id */
	str         value;                       /* of the query's text */
};
struct query { struct qitem *item; int count; };

#define QUERY_MAX 4096                           /* bytes */
#define ITEMS_MAX 60
/* The syntax alone: E_INVALID "query" for what is too long or not closed. */
enum err query_parse(struct ctx *cx, str text, struct query *out) MUST_CHECK;
/* A text that parses to the same tree. */
str      query_print(struct ctx *cx, const struct query *q);

#endif
