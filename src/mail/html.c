/* html.c - HTML to readable text, in one pass.
 *
 * No tree is built: a tree is what nested tags make slow and deep in other
 * parsers. The tokens come and go, and what has to be remembered of the tags
 * that are open is a handful of counters and sixteen list levels; the deeper
 * ones are counted and look like the sixteenth. So a million nested tags cost
 * what a million tags cost.
 *
 * Linear in the worst case, too. Wherever something is searched for to the end
 * (the quote of an attribute, --> of a comment, </script>) and not found, the
 * scan either ends there or remembers that there is none, and never searches
 * for it again.
 *
 * What comes out:
 *   paragraphs, headings, lists, tables    a blank line before and after
 *   div, tr, li, br, other blocks          a new line
 *   td, th                                 a tab between cells with text
 *   li                                     "- " or "3. ", indented by level
 *   blockquote                             "> " in front of every line
 *   <a href>                               text <url>, unless they say the same
 *   <img alt>                              [alt]
 *   pre                                    its lines as they are
 *   script, style, title, comments, ...    nothing
 * Runs of blanks are one, runs of blank lines are one. "<" that starts no tag
 * is text, as in browsers. The output is UTF-8 without controls; a link's
 * address keeps no blanks, so a line is never broken from within a tag.
 */
#include "mail/mail.h"
#include "mail/entities.h"

enum { LEVELS = 16, QUOTES = 8, URL_MAX = 2048, ALT_MAX = 200, PAD_MAX = 64 };

struct out {
	struct buf b;
	int    lines;             /* line ends owed before the next character: 0 to 2 */
	bool   blank;             /* a blank is owed */
	bool   cell;              /* a tab is owed */
	int    quote, quoted;     /* blockquotes open; of the line before */
	int    depth;             /* lists open */
	struct { bool ordered; int number; } list[LEVELS];
	char   bullet[16];        /* to be written at the start of the next line; "" */
	int    pre, pad;          /* pre open; blanks owed at the start of its line */
	bool   link;
	size_t link_at;           /* where the open link's text begins; SIZE_MAX: no text yet */
	size_t url_n;
	char   url[URL_MAX];
};

/* ---- writing ---------------------------------------------------------------------------------- */

static void
line_start(struct out *o)
{
	int level = o->depth < LEVELS ? o->depth : LEVELS;

	for (int i = 0; i < o->quote && i < QUOTES; i++)
		buf_add(&o->b, S("> "));
	if (o->bullet[0] != 0)
		level--;
	for (int i = 0; i < level; i++)
		buf_add(&o->b, S("  "));
	buf_add(&o->b, str_of(o->bullet));
	o->bullet[0] = 0;
	for (; o->pad > 0; o->pad--)
		buf_byte(&o->b, ' ');
}

/* What is owed, then room for text. */
static void
settle(struct out *o)
{
	if (o->b.n == 0) {
		line_start(o);
	} else if (o->lines > 0) {
		int both = o->quote < o->quoted ? o->quote : o->quoted;

		buf_byte(&o->b, '\n');
		if (o->lines > 1) {
			for (int i = 0; i < both && i < QUOTES; i++)
				buf_byte(&o->b, '>');
			buf_byte(&o->b, '\n');
		}
		line_start(o);
	} else if (o->cell) {
		buf_byte(&o->b, '\t');
	} else if (o->blank) {
		buf_byte(&o->b, ' ');
	}
	o->quoted = o->quote;
	o->lines = o->pad = 0;
	o->blank = o->cell = false;
	if (o->link && o->link_at == SIZE_MAX)
		o->link_at = o->b.n;
}

static void
put(struct out *o, str s)
{
	settle(o);
	buf_add(&o->b, s);
}

static void
end_line(struct out *o, int lines)
{
	if (o->lines < lines)
		o->lines = lines;
	o->blank = o->cell = false;
	o->pad = 0;
}

static void
break_line(struct out *o)
{
	end_line(o, o->lines < 2 ? o->lines + 1 : 2);
}

static void
put_cp(struct out *o, uint32_t cp)
{
	if (cp == ' ' || cp == 0xA0 || cp == '\t' || cp == '\n' || cp == '\r' || cp == '\f') {
		if (o->pre == 0 || cp == '\r')
			o->blank = true;
		else if (cp == '\n')
			break_line(o);
		else if (o->lines > 0 || o->b.n == 0)
			o->pad += o->pad < PAD_MAX ? 1 : 0;
		else
			put(o, cp == '\t' ? S("\t") : S(" "));
		return;
	}
	/* Controls; what is invisible on purpose (soft hyphens, zero-width fill of newsletters). */
	if (cp < 32 || (cp >= 0x7F && cp < 0xA0) || cp == 0xAD || cp == 0x34F || cp == 0x200B || cp == 0x2060 ||
	    cp == 0xFEFF || cp == 0x2028 || cp == 0x2029)
		return;
	settle(o);
	utf8_put(&o->b, cp);
}

/* ---- entities --------------------------------------------------------------------------------- */

static uint32_t
by_name(str name)
{
	size_t lo = 0, hi = COUNT(entities);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = str_cmp(name, str_of(entities[mid].name));

		if (d == 0)
			return entities[mid].cp;
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return 0;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The character reference at s[at], which is '&'. Returns the bytes taken, 0
 * when it is none. Numbers from 128 to 159 mean windows-1252 (HTML 13.2.5.80). */
static size_t
entity(str s, size_t at, uint32_t *cp)
{
	static const uint16_t c1[32] = {
		0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D, 0x8F,
		0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178,
	};
	size_t i = at + 1, digits = 0;
	uint32_t v = 0;

	if (i < s.n && s.p[i] == '#') {
		bool hex = ++i < s.n && (s.p[i] | 0x20) == 'x';

		for (i += hex; i < s.n; i++, digits++) {
			char c = s.p[i], lower = (char)(c | 0x20);
			uint32_t d;

			if (c >= '0' && c <= '9')
				d = (uint32_t)(c - '0');
			else if (hex && lower >= 'a' && lower <= 'f')
				d = (uint32_t)(lower - 'a' + 10);
			else
				break;
			v = v > 0x110000 ? v : v * (hex ? 16 : 10) + d;
		}
		if (digits == 0)
			return 0;
		if (v >= 0x80 && v < 0xA0)
			v = c1[v - 0x80];
		if (v == 0 || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
			v = 0xFFFD;
	} else {
		while (i < s.n && i - at <= 24 && is_alnum(s.p[i]))
			i++;
		v = by_name(str_sub(s, at + 1, i - at - 1));
		/* Without its semicolon only where nothing can be meant but it: not in ?a=1&copy=2 */
		if (v == 0 || (i < s.n && s.p[i] != ';' && (s.p[i] == '=' || v > 0xFF)))
			return 0;
	}
	*cp = v;
	return i + (i < s.n && s.p[i] == ';') - at;
}

/* ---- tags ------------------------------------------------------------------------------------- */

enum act {
	NONE, LINE, PARAGRAPH, BREAK, CELL, ROW, ITEM, LIST, NUMBERED, QUOTE, PRE, LINK, IMAGE, RULE,
	SKIP         /* with everything up to its end tag */
};

/* In byte order of the names. Unknown tags do nothing. */
static const struct tag { const char *name; enum act act; } tags[] = {
	{ "a", LINK }, { "address", LINE }, { "article", PARAGRAPH }, { "aside", PARAGRAPH }, { "audio", SKIP },
	{ "blockquote", QUOTE }, { "body", LINE }, { "br", BREAK }, { "canvas", SKIP }, { "caption", LINE },
	{ "center", LINE }, { "dd", LINE }, { "div", LINE }, { "dl", PARAGRAPH }, { "dt", LINE },
	{ "fieldset", PARAGRAPH }, { "figcaption", LINE }, { "figure", PARAGRAPH }, { "footer", PARAGRAPH },
	{ "form", LINE }, { "h1", PARAGRAPH }, { "h2", PARAGRAPH }, { "h3", PARAGRAPH }, { "h4", PARAGRAPH },
	{ "h5", PARAGRAPH }, { "h6", PARAGRAPH }, { "header", PARAGRAPH }, { "hr", RULE }, { "iframe", SKIP },
	{ "img", IMAGE }, { "legend", LINE }, { "li", ITEM }, { "main", PARAGRAPH }, { "math", SKIP },
	{ "nav", PARAGRAPH }, { "noembed", SKIP }, { "noframes", SKIP }, { "object", SKIP }, { "ol", NUMBERED },
	{ "option", LINE }, { "p", PARAGRAPH }, { "pre", PRE }, { "script", SKIP }, { "section", PARAGRAPH },
	{ "style", SKIP }, { "svg", SKIP }, { "table", PARAGRAPH }, { "tbody", LINE }, { "td", CELL },
	{ "template", SKIP }, { "tfoot", LINE }, { "th", CELL }, { "thead", LINE }, { "title", SKIP },
	{ "tr", ROW }, { "ul", LIST }, { "video", SKIP }, { "xmp", PRE },
};

_Static_assert(COUNT(tags) <= 64, "a bit for each in scan.no_end");

struct scan {
	str    s;
	size_t at;
	bool   no_double, no_single, no_comment;   /* no more of them up to the end */
	uint64_t no_end;                           /* bit per row of tags: no end tag of it */
};

/* Compares a name of the input, any case, with one of the table. */
static int
name_cmp(str a, const char *z)
{
	for (size_t i = 0; i < a.n; i++) {
		unsigned char c = (unsigned char)(a.p[i] >= 'A' && a.p[i] <= 'Z' ? a.p[i] | 0x20 : a.p[i]);

		if (z[i] == 0)         /* a NUL in the input is no end of a name */
			return 1;
		if (c != (unsigned char)z[i])
			return c < (unsigned char)z[i] ? -1 : 1;
	}
	return z[a.n] == 0 ? 0 : -1;
}

static const struct tag *
tag_find(str name)
{
	size_t lo = 0, hi = COUNT(tags);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = name_cmp(name, tags[mid].name);

		if (d == 0)
			return &tags[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* The value of an attribute at sc->at, behind '='. */
static str
attr_value(struct scan *sc)
{
	str s = sc->s, v;
	size_t i = sc->at;
	char q = i < s.n ? s.p[i] : ' ';
	bool *none = q == '"' ? &sc->no_double : &sc->no_single;

	if ((q == '"' || q == '\'') && !*none) {
		const char *end = memchr(s.p + i + 1, q, s.n - i - 1);

		if (end != NULL) {
			v = str_sub(s, i + 1, (size_t)(end - s.p) - i - 1);
			sc->at = (size_t)(end - s.p) + 1;
			return v;
		}
		*none = true;
	}
	while (i < s.n && !is_space(s.p[i]) && s.p[i] != '>')
		i++;
	v = str_sub(s, sc->at, i - sc->at);
	sc->at = i;
	return v;
}

/* Reads attributes up to and including '>'; *wanted gets the value of the one
 * called `name` (the first of them). True for a tag that closes itself. */
static bool
attributes(struct scan *sc, const char *name, str *wanted)
{
	str s = sc->s;
	bool found = false, slash = false;

	while (sc->at < s.n && s.p[sc->at] != '>') {
		size_t start = sc->at;
		str key, value = S("");

		slash = s.p[start] == '/';
		if (is_space(s.p[start]) || slash) {
			sc->at++;
			continue;
		}
		do
			sc->at++;
		while (sc->at < s.n && !is_space(s.p[sc->at]) && s.p[sc->at] != '=' && s.p[sc->at] != '>' && s.p[sc->at] != '/');
		key = str_sub(s, start, sc->at - start);
		while (sc->at < s.n && is_space(s.p[sc->at]))
			sc->at++;
		if (sc->at < s.n && s.p[sc->at] == '=') {
			sc->at++;
			while (sc->at < s.n && is_space(s.p[sc->at]))
				sc->at++;
			value = attr_value(sc);
		}
		if (name != NULL && !found && name_cmp(key, name) == 0) {
			*wanted = value;
			found = true;
		}
	}
	if (sc->at < s.n)
		sc->at++;
	return slash;
}

/* An attribute's text without blanks around and controls, entities resolved,
 * into `into`; without any blanks at all for a URL. */
static size_t
attr_text(str v, char *into, size_t max, bool url)
{
	struct buf b = { .p = into, .cap = max, .max = max };   /* full is over: it never grows */
	size_t n;
	uint32_t cp;

	v = str_trim(v);
	for (size_t at = 0; at < v.n && !b.over; at += n) {
		if (v.p[at] != '&' || (n = entity(v, at, &cp)) == 0)
			n = utf8_next(v, at, &cp);
		if (cp < 32 || (cp >= 0x7F && cp < 0xA0) || (url && (cp == ' ' || cp == '<' || cp == '>')))
			continue;
		utf8_put(&b, cp);
	}
	return b.n;
}

static void
link_end(struct out *o)
{
	str url = { o->url, o->url_n }, text, plain = url;
	int lines = o->lines;

	if (!o->link)
		return;
	o->link = false;
	if (o->link_at > o->b.n)
		return;
	text = str_trim(str_sub(buf_str(&o->b), o->link_at, o->b.n));
	if (text.n == 0 || str_eqi(text, url))
		return;
	if (str_starts(plain, S("mailto:")) || str_starts(plain, S("tel:"))) {
		str_cut(&plain, ':');
		plain = str_cut(&plain, '?');
	} else if (str_starts(plain, S("http://")) || str_starts(plain, S("https://"))) {
		plain = str_sub(plain, str_find(plain, S("//")) + 2, plain.n);
	} else {
		return;                /* within the page, or code */
	}
	if (str_ends(plain, S("/")))
		plain.n--;
	if (str_eqi(text, plain))
		return;
	o->lines = 0;                  /* beside its text, also when that ended in a block */
	o->blank = true;
	settle(o);
	o->lines = lines;
	/* Whole or not at all: half an address leads elsewhere. */
	if (url.n + 2 <= o->b.max - o->b.n) {
		buf_byte(&o->b, '<');
		buf_add(&o->b, url);
		buf_byte(&o->b, '>');
	} else {
		o->b.over = true;
	}
}

static void
link_begin(struct out *o, str href)
{
	link_end(o);
	o->url_n = attr_text(href, o->url, sizeof(o->url), true);
	if (o->url_n == 0 || o->url_n > sizeof(o->url) - 4)
		return;                /* none, or cut */
	o->link = true;
	o->link_at = SIZE_MAX;
}

static void
list_begin(struct out *o, bool ordered)
{
	end_line(o, o->depth == 0 ? 2 : 1);
	if (o->depth < LEVELS) {
		o->list[o->depth].ordered = ordered;
		o->list[o->depth].number = 0;
	}
	if (o->depth < 1 << 30)
		o->depth++;
}

static void
item_begin(struct out *o)
{
	int level = o->depth < LEVELS ? o->depth : LEVELS;

	end_line(o, 1);
	memcpy(o->bullet, "- ", 3);
	if (level > 0 && o->list[level - 1].ordered) {
		struct buf b = { .p = o->bullet, .cap = sizeof(o->bullet) - 1, .max = sizeof(o->bullet) - 1 };

		buf_int(&b, ++o->list[level - 1].number);
		buf_add(&b, S(". "));
		o->bullet[b.n] = 0;
	}
}

/* False when the tag closed itself. */
static bool
open_tag(struct scan *sc, struct out *o, const struct tag *t)
{
	enum act act = t != NULL ? t->act : NONE;
	str wanted = S("");
	char alt[ALT_MAX];
	size_t n;
	bool closed;

	closed = attributes(sc, act == LINK ? "href" : act == IMAGE ? "alt" : NULL, &wanted);
	switch (act) {
	case NONE: case SKIP:
		break;
	case LINE: case ROW:
		end_line(o, 1);
		break;
	case PARAGRAPH:
		end_line(o, 2);
		break;
	case BREAK:
		break_line(o);
		break;
	case CELL:
		if (o->lines == 0 && o->b.n > 0)
			o->cell = true;
		break;
	case ITEM:
		item_begin(o);
		break;
	case LIST: case NUMBERED:
		list_begin(o, act == NUMBERED);
		break;
	case QUOTE:
		end_line(o, 2);
		if (o->quote < 1 << 30)
			o->quote++;
		break;
	case PRE:
		end_line(o, 2);
		if (o->pre < 1 << 30)
			o->pre++;
		break;
	case LINK:
		link_begin(o, wanted);
		break;
	case IMAGE:
		n = attr_text(wanted, alt, sizeof(alt), false);
		if (n > 0) {
			put(o, S("["));
			buf_add(&o->b, (str){ alt, n });
			buf_byte(&o->b, ']');
		}
		break;
	case RULE:
		end_line(o, 1);
		put(o, S("----------"));
		end_line(o, 1);
		break;
	}
	return !closed;
}

static void
close_tag(struct out *o, const struct tag *t)
{
	switch (t != NULL ? t->act : NONE) {
	case NONE: case SKIP: case IMAGE: case RULE: case CELL:
		break;
	case BREAK:                    /* </br> is read as <br> */
		break_line(o);
		break;
	case LINE: case ROW:
		end_line(o, 1);
		break;
	case ITEM:
		end_line(o, 1);
		o->bullet[0] = 0;
		break;
	case PARAGRAPH:
		end_line(o, 2);
		break;
	case LIST: case NUMBERED:
		if (o->depth > 0)
			o->depth--;
		o->bullet[0] = 0;
		end_line(o, o->depth == 0 ? 2 : 1);
		break;
	case QUOTE:
		end_line(o, 2);
		if (o->quote > 0)
			o->quote--;
		break;
	case PRE:
		end_line(o, 2);
		if (o->pre > 0)
			o->pre--;
		break;
	case LINK:
		link_end(o);
		break;
	}
}

/* Moves behind the end tag of an element of which nothing is kept. One that is
 * never closed hides nothing, unless it is code, which is no text. */
static void
skip_element(struct scan *sc, const struct tag *t)
{
	str s = sc->s;
	const char *name = t->name;
	size_t n = strlen(name), from = sc->at;
	uint64_t bit = (uint64_t)1 << (t - tags);

	if (sc->no_end & bit)
		return;

	while (sc->at < s.n) {
		const char *lt = memchr(s.p + sc->at, '<', s.n - sc->at);
		size_t i;

		if (lt == NULL)
			break;
		i = (size_t)(lt - s.p) + 1;
		sc->at = i;
		if (i + n < s.n && s.p[i] == '/' && name_cmp(str_sub(s, i + 1, n), name) == 0 &&
		    (i + 1 + n == s.n || !is_alnum(s.p[i + 1 + n]))) {
			sc->at = i + 1 + n;
			attributes(sc, NULL, NULL);
			return;
		}
	}
	sc->no_end |= bit;
	sc->at = strcmp(name, "script") == 0 || strcmp(name, "style") == 0 ? s.n : from;
}

/* The offset behind the comment whose text begins at `from`; 0: it never ends. */
static size_t
comment_end(str s, size_t from)
{
	if (from < s.n && s.p[from] == '>')     /* <!--> is a whole one */
		return from + 1;
	for (size_t at = from; at < s.n;) {
		const char *gt = memchr(s.p + at, '>', s.n - at);

		if (gt == NULL)
			break;
		at = (size_t)(gt - s.p) + 1;
		if (at >= from + 3 && s.p[at - 2] == '-' && s.p[at - 3] == '-')
			return at;
	}
	return 0;
}

/* What starts with '<' at sc->at. False when it is text. */
static bool
markup(struct scan *sc, struct out *o)
{
	str s = sc->s, name;
	size_t i = sc->at + 1, start;
	const struct tag *t;
	bool closes;

	if (i >= s.n)
		return false;
	if (s.p[i] == '!' || s.p[i] == '?') {
		const char *end = NULL;

		if (str_starts(str_sub(s, i, 3), S("!--")) && !sc->no_comment) {
			sc->at = comment_end(s, i + 3);
			if (sc->at > 0)
				return true;
			sc->no_comment = true;
		}
		end = memchr(s.p + i, '>', s.n - i);
		sc->at = end != NULL ? (size_t)(end - s.p) + 1 : s.n;
		return true;
	}
	closes = s.p[i] == '/';
	start = i += closes;
	if (i >= s.n || !((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z'))
		return false;
	while (i < s.n && !is_space(s.p[i]) && s.p[i] != '>' && s.p[i] != '/' && i - start < 64)
		i++;
	name = str_sub(s, start, i - start);
	t = tag_find(name);
	sc->at = i;
	if (closes) {
		attributes(sc, NULL, NULL);
		close_tag(o, t);
		return true;
	}
	if (open_tag(sc, o, t) && t != NULL && t->act == SKIP)
		skip_element(sc, t);
	return true;
}

str
html_to_text(struct arena *a, str html, size_t max)
{
	struct scan sc = { .s = html };
	struct out *o = NEW(a, struct out, 1);

	buf_init(&o->b, a, max);
	while (sc.at < html.n && !o->b.over) {
		size_t start = sc.at, n;
		uint32_t cp;
		char c = html.p[start];

		if (c == '<' && markup(&sc, o))
			continue;
		if (c == '&' && (n = entity(html, start, &cp)) > 0) {
			put_cp(o, cp);
			sc.at += n;
			continue;
		}
		/* A run of plain letters at once. */
		n = 0;
		while (start + n < html.n && html.p[start + n] > ' ' && html.p[start + n] < 127 &&
		    html.p[start + n] != '<' && html.p[start + n] != '&' && n < 512)
			n++;
		if (n > 0) {
			put(o, str_sub(html, start, n));
			sc.at += n;
			continue;
		}
		sc.at += utf8_next(html, start, &cp);
		put_cp(o, cp);
	}
	link_end(o);
	while (o->b.n > 0 && (o->b.p[o->b.n - 1] == ' ' || o->b.p[o->b.n - 1] == '\t'))
		o->b.n--;
	return buf_str(&o->b);
}

/* ---- HTML as HTML ------------------------------------------------------------------------------ */

enum { OPEN_MAX = 48 };

/* What a tag becomes; NULL: dropped. In byte order. */
static const struct kept { const char *name, *becomes; } kept[] = {
	{ "a", "a" }, { "b", "strong" }, { "blockquote", "blockquote" }, { "br", "br" }, { "code", "code" }, { "del", "s" },
	{ "div", "div" }, { "em", "em" }, { "h1", "h3" }, { "h2", "h3" }, { "h3", "h3" }, { "h4", "h4" }, { "h5", "h4" }, { "h6", "h4" },
	{ "hr", "hr" }, { "i", "em" }, { "ins", "u" }, { "li", "li" }, { "ol", "ol" }, { "p", "p" }, { "pre", "pre" }, { "s", "s" },
	{ "strike", "s" }, { "strong", "strong" }, { "table", "table" }, { "tbody", "tbody" }, { "td", "td" }, { "tfoot", "tfoot" },
	{ "th", "th" }, { "thead", "thead" }, { "tr", "tr" }, { "u", "u" }, { "ul", "ul" },
};

struct washing {
	struct buf  b;
	const char *open[OPEN_MAX];   /* literals of `kept` */
	int         depth;
	bool        rich;             /* something that plain text would not show */
	html_find_picture *find;      /* NULL: no pictures */
	void       *find_arg;
};

static const char *
kept_as(str name)
{
	size_t lo = 0, hi = COUNT(kept);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = name_cmp(name, kept[mid].name);

		if (d == 0)
			return kept[mid].becomes;
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static void
put_escaped(struct buf *b, uint32_t cp)
{
	switch (cp) {
	case '&': buf_add(b, S("&amp;")); break;
	case '<': buf_add(b, S("&lt;")); break;
	case '>': buf_add(b, S("&gt;")); break;
	case '"': buf_add(b, S("&quot;")); break;
	default:
		if (cp == '\n' || cp == '\t' || (cp >= 32 && cp != 0x7F && (cp < 0x80 || cp >= 0xA0)))
			utf8_put(b, cp);
	}
}

static int
hex_digit(char c)
{
	char lower = (char)(c | 0x20);

	return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool
link_allowed(str url)
{
	static const char *const schemes[] = { "http://", "https://", "mailto:" };

	for (size_t i = 0; i < COUNT(schemes); i++)
		if (str_eqi(str_sub(url, 0, strlen(schemes[i])), str_of(schemes[i])))
			return true;
	return false;
}

static void
put_attribute(struct buf *b, str v)
{
	uint32_t cp;

	for (size_t at = 0; at < v.n;) {
		at += utf8_next(v, at, &cp);
		put_escaped(b, cp);
	}
}

/* %xx as the byte it stands for, in place (RFC 2392: a Content-ID in a URL). */
static str
unpercent(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		int hi = i + 2 < n && p[i] == '%' ? hex_digit(p[i + 1]) : -1, lo = hi >= 0 ? hex_digit(p[i + 2]) : -1;
		p[out++] = lo >= 0 ? (char)(hi << 4 | lo) : p[i];
		i += lo >= 0 ? 2 : 0;
	}
	return (str){ p, out };
}

static void
wash_picture(struct scan *sc, struct washing *w)
{
	struct html_picture picture;
	char url[URL_MAX];
	str src = S("");
	size_t n;

	(void)attributes(sc, "src", &src);
	n = attr_text(src, url, sizeof(url), true);
	if (n < 5 || n > sizeof(url) - 4 || !str_eqi(str_sub((str){ url, n }, 0, 4), S("cid:")))
		return;
	picture = w->find(w->find_arg, unpercent(url + 4, n - 4));
	if (picture.url.n == 0)
		return;
	buf_add(&w->b, S("<img src=\""));
	put_attribute(&w->b, picture.url);
	buf_add(&w->b, S("\" alt=\""));
	put_attribute(&w->b, picture.alt);
	buf_add(&w->b, S("\">"));
	w->rich = true;
}

static void
wash_open(struct scan *sc, struct washing *w, const char *as)
{
	bool is_link = as != NULL && as[0] == 'a' && as[1] == 0;
	char url[URL_MAX];
	str href = S("");
	size_t n = 0;

	(void)attributes(sc, is_link ? "href" : NULL, &href);
	if (as == NULL)
		return;
	if (strcmp(as, "br") == 0 || strcmp(as, "hr") == 0) {
		buf_fmt(&w->b, "<%s>", as);
		w->rich = w->rich || as[0] == 'h';
		return;
	}
	if (is_link) {
		n = attr_text(href, url, sizeof(url), true);
		if (n == 0 || n > sizeof(url) - 4 || !link_allowed((str){ url, n }))
			return;                /* its text stays */
	}
	if (w->depth == OPEN_MAX)
		return;
	w->open[w->depth++] = as;
	if (is_link) {
		buf_add(&w->b, S("<a href=\""));
		put_attribute(&w->b, (str){ url, n });
		buf_add(&w->b, S("\" rel=\"noopener noreferrer\">"));
	} else
		buf_fmt(&w->b, "<%s>", as);
	w->rich = w->rich || (strcmp(as, "p") != 0 && strcmp(as, "div") != 0);
}

/* Ends what is open down to the tag; one that is not open ends nothing. */
static void
wash_close(struct washing *w, const char *as)
{
	int i = w->depth - 1;

	while (i >= 0 && as != NULL && w->open[i] != as && strcmp(w->open[i], as) != 0)
		i--;
	if (as == NULL || i < 0)
		return;
	while (w->depth > i)
		buf_fmt(&w->b, "</%s>", w->open[--w->depth]);
}

/* What starts with '<' at sc->at. False when it is text. */
static bool
wash_markup(struct scan *sc, struct washing *w)
{
	str s = sc->s, name;
	size_t i = sc->at + 1, start;
	const struct tag *t;
	bool closes;

	if (i >= s.n)
		return false;
	if (s.p[i] == '!' || s.p[i] == '?') {
		struct out none = { .quote = 0 };
		return markup(sc, &none);          /* writes nothing */
	}
	closes = s.p[i] == '/';
	start = i += closes;
	if (i >= s.n || !((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z'))
		return false;
	while (i < s.n && !is_space(s.p[i]) && s.p[i] != '>' && s.p[i] != '/' && i - start < 64)
		i++;
	name = str_sub(s, start, i - start);
	t = tag_find(name);
	sc->at = i;
	if (closes) {
		(void)attributes(sc, NULL, NULL);
		wash_close(w, kept_as(name));
		return true;
	}
	if (w->find != NULL && name_cmp(name, "img") == 0)
		wash_picture(sc, w);
	else
		wash_open(sc, w, kept_as(name));
	if (t != NULL && t->act == SKIP)
		skip_element(sc, t);
	return true;
}

str
html_wash(struct arena *a, str html, size_t max)
{
	return html_wash_mail(a, html, max, NULL, NULL);
}

str
html_wash_mail(struct arena *a, str html, size_t max, html_find_picture *find, void *arg)
{
	struct scan sc = { .s = html };
	struct washing w = { .find = find, .find_arg = arg };

	buf_init(&w.b, a, max);
	while (sc.at < html.n && !w.b.over) {
		uint32_t cp;
		size_t n;

		if (html.p[sc.at] == '<' && wash_markup(&sc, &w))
			continue;
		if (html.p[sc.at] != '&' || (n = entity(html, sc.at, &cp)) == 0)
			n = utf8_next(html, sc.at, &cp);
		put_escaped(&w.b, cp);
		sc.at += n;
	}
	while (w.depth > 0)
		buf_fmt(&w.b, "</%s>", w.open[--w.depth]);
	return w.b.over || !w.rich ? S("") : buf_str(&w.b);
}
