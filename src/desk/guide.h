/* guide.h - the help centre's texts: categories, sections, articles, in the account's languages.
 *
 * Hundreds, not millions: a list is whole and in order. HTML is washed when it
 * comes in (mail's html_wash), so what is kept is ours. Reading asks what the
 * reader may see: drafts, archived ones and what belongs to another brand's
 * readers are for who writes articles (MAY_WRITE_ARTICLES); what is for people
 * who are signed in does not exist for others. Every change is in the trail.
 */
#ifndef WARD_DESK_GUIDE_H
#define WARD_DESK_GUIDE_H

#include "desk/desk.h"

enum guide_kind { GUIDE_CATEGORY = 1, GUIDE_SECTION, GUIDE_ARTICLE };
const char *guide_object(enum guide_kind k);              /* "category" */

#define GUIDE_LOCALES 2
extern const char *const guide_locale[GUIDE_LOCALES];     /* "en-us", "es" */
int guide_locale_of(str s);                               /* -1: not spoken; "es-mx" is "es" */

struct guide_text { bool there, draft; str title, body; usec updated_at; };
struct guide {
	int64_t id, key, parent_id, position, brand_id, author_id;       /* parent_id 0: a category; brand_id 0: every brand */
	enum guide_kind kind;
	bool    signed_in, promoted;
	usec    created_at, updated_at, edited_at, archived_at;
	int     source;                                                    /* the locale it was written in */
	struct guide_text text[GUIDE_LOCALES];                             /* body only where it was asked for */
	str     labels;                                                    /* JSON array text */
};
enum guide_has { GUIDE_PARENT = 1, GUIDE_POSITION = 2, GUIDE_BRAND = 4, GUIDE_SIGNED_IN = 8, GUIDE_PROMOTED = 16, GUIDE_LABELS = 32,
	GUIDE_TITLE = 64, GUIDE_BODY = 128, GUIDE_DRAFT = 256, GUIDE_SOURCE = 512 };
struct guide_change {
	unsigned has;
	int      locale;                     /* of title, body, draft */
	int64_t  parent_id, position, brand_id;
	bool     signed_in, promoted, draft;
	str      title, body, labels;
};
/* All wrong fields at once. */
enum err guide_create(struct ctx *cx, enum guide_kind kind, const struct guide_change *in, struct guide *out) MUST_CHECK;
enum err guide_update(struct ctx *cx, enum guide_kind kind, int64_t id, const struct guide_change *in, struct guide *out) MUST_CHECK;
/* An article is archived (drafts and all); a section or category must be empty of what is not, and is gone. */
enum err guide_delete(struct ctx *cx, enum guide_kind kind, int64_t id) MUST_CHECK;
enum err guide_translation_delete(struct ctx *cx, enum guide_kind kind, int64_t id, int locale) MUST_CHECK;   /* not the source */
enum err guide_get(struct ctx *cx, enum guide_kind kind, int64_t id, struct guide *out) MUST_CHECK;           /* with bodies */
struct guide_filter { int64_t parent_id, category_id, brand_id; int locale; bool bodies; };    /* zeros: any; locale -1: any */
enum err guide_list(struct ctx *cx, enum guide_kind kind, const struct guide_filter *f, struct guide **out, int *count) MUST_CHECK;
/* Articles that hold every word (`any`: most of them first) in that language, best first. The words stand nowhere. */
enum err guide_search(struct ctx *cx, str words, int locale, bool any, int limit, struct guide **out, int *count) MUST_CHECK;
/* The text for a reader of that language, else of the source; NULL: none that may be shown. */
const struct guide_text *guide_text_for(const struct guide *g, int locale, bool drafts, int *which);

extern const struct stmt *const guide_stmts[];
#endif
