/* conf.c - the configuration file: `key = value` lines against a table.
 *
 *     # a line that starts with # is a comment, blank lines are skipped
 *     listen   = 127.0.0.1:8443    # so is what follows a blank and a #
 *     greeting = "keeps # and outer blanks"
 *     max_body = 64 MiB
 *
 * Quotes are taken off only when they enclose the whole value; inside there
 * are no escapes. A size is a number with an optional K, M, G, KiB, MiB or GiB
 * (powers of 1,024). A key may stand once. What is wrong is said with the
 * line's number and never with the line, which may hold a password.
 */
#include "base/base.h"

enum { CONF_MAX = 1 << 20 };

static bool
size_of(str s, int64_t *out)
{
	static const struct { str unit; int shift; } units[] = {
		{ S("KiB"), 10 }, { S("MiB"), 20 }, { S("GiB"), 30 },
		{ S("K"), 10 }, { S("M"), 20 }, { S("G"), 30 },
	};
	int shift = 0;
	int64_t v;

	for (size_t i = 0; i < COUNT(units); i++) {
		if (!str_ends(s, units[i].unit))
			continue;
		s = str_trim(str_sub(s, 0, s.n - units[i].unit.n));
		shift = units[i].shift;
		break;
	}
	if (!str_int(s, &v) || v < 0)
		return false;
	return !__builtin_mul_overflow(v, (int64_t)1 << shift, out);
}

static bool
bool_of(str s, bool *out)
{
	static const struct { str word; bool is; } words[] = {
		{ S("on"), true }, { S("yes"), true }, { S("true"), true }, { S("1"), true },
		{ S("off"), false }, { S("no"), false }, { S("false"), false }, { S("0"), false },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eqi(s, words[i].word))
			return *out = words[i].is, true;
	return false;
}

/* Puts a value into its member. NULL when it fits, else what should be there. */
static const char *
set(struct ctx *cx, const struct conf_row *row, str value, void *into)
{
	void *at = (char *)into + row->at;

	switch (row->type) {
	case CONF_TEXT:
		*(const char **)at = str_z(cx->arena, value);
		return NULL;
	case CONF_INT:
		return str_int(value, at) ? NULL : "must be a whole number";
	case CONF_BOOL:
		return bool_of(value, at) ? NULL : "must be on or off";
	case CONF_SIZE:
		return size_of(value, at) ? NULL : "must be a size such as 512 KiB";
	}
	return "has no type";
}

/* The value of a line without comment and quotes; false when a quote is open. */
static bool
value_of(str s, str *out)
{
	s = str_trim(s);
	if (s.n > 0 && s.p[0] == '"') {
		str rest = str_sub(s, 1, s.n), in = str_cut(&rest, '"');
		bool closed = in.n + 1 < s.n;

		rest = str_trim(rest);
		*out = in;
		return closed && (rest.n == 0 || rest.p[0] == '#');
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			s.n = i;
	*out = str_trim(s);
	return true;
}

static enum err
at_line(struct ctx *cx, int64_t number, const char *field, const char *why)
{
	return fail(cx, E_INVALID, field, str_printf(cx->arena, "line %jd: %s", (intmax_t)number, why).p);
}

enum err
conf_read(struct ctx *cx, const char *path, const struct conf_row *rows, size_t count, void *into)
{
	bool *seen = NEW(cx->arena, bool, count);
	const char *wrong;
	int64_t number = 0;
	str text, line, key, value;
	size_t i;

	for (i = 0; i < count; i++) {
		/* A member without a default is empty: NULL, 0, off. */
		if (rows[i].def == NULL)
			switch (rows[i].type) {
			case CONF_TEXT: *(const char **)((char *)into + rows[i].at) = NULL; break;
			case CONF_BOOL: *(bool *)((char *)into + rows[i].at) = false; break;
			default:        *(int64_t *)((char *)into + rows[i].at) = 0; break;
			}
		else if (set(cx, &rows[i], str_of(rows[i].def), into) != NULL)
			return fail(cx, E_FAULT, rows[i].key, "the built-in default does not fit");
	}
	TRY(file_read(cx, path, CONF_MAX, &text));
	while (text.n > 0) {
		line = str_trim(str_cut(&text, '\n'));
		number++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (memchr(line.p, 0, line.n) != NULL || !utf8_valid(line))
			return at_line(cx, number, NULL, "not text");
		if (memchr(line.p, '=', line.n) == NULL)
			return at_line(cx, number, NULL, "expected key = value");
		key = str_trim(str_cut(&line, '='));
		for (i = 0; i < count && !str_eq(key, str_of(rows[i].key)); i++)
			;
		if (i == count)
			return at_line(cx, number, NULL, "unknown key");
		if (seen[i])
			return at_line(cx, number, rows[i].key, "given a second time");
		seen[i] = true;
		if (!value_of(line, &value))
			return at_line(cx, number, rows[i].key, "the quotes do not match");
		if ((wrong = set(cx, &rows[i], value, into)) != NULL)
			return at_line(cx, number, rows[i].key, wrong);
	}
	return OK;
}
