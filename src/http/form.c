/* form.c - a body of type multipart/form-data (RFC 7578, RFC 2046 5.1), cut into its parts in place.
 *
 * The parts are slices of the body: a file in a form costs no second copy. What
 * stands before the first delimiter and behind the last one is not heeded.
 */
#include "http/wire.h"

enum { PARTS_MAX = 512, BOUNDARY_MAX = 70 };

/* Of "form-data; name=a; filename="b"". A quoted value ends at the next quote: browsers write %22 for one in it. */
static str
param(str line, str name)
{
	str key, value;

	str_cut(&line, ';');
	while (line.n > 0) {
		key = str_trim(str_cut(&line, '='));
		if (line.n > 0 && line.p[0] == '"') {
			str_cut(&line, '"');
			value = str_cut(&line, '"');
			str_cut(&line, ';');
		} else
			value = str_trim(str_cut(&line, ';'));
		if (str_eqi(key, name))
			return value;
	}
	return S("");
}

/* The header lines of a part, up to the empty one. */
static bool
part_head(str *rest, struct http_part *part)
{
	for (;;) {
		size_t end = str_find(*rest, S("\r\n"));
		str value, name;
		if (end == SIZE_MAX)
			return false;
		value = str_sub(*rest, 0, end);
		*rest = str_sub(*rest, end + 2, rest->n);
		if (value.n == 0)
			return true;
		name = str_trim(str_cut(&value, ':'));
		if (str_eqi(name, S("Content-Disposition"))) {
			part->name = param(value, S("name"));
			part->file_name = param(value, S("filename"));
		} else if (str_eqi(name, S("Content-Type")))
			part->type = str_trim(value);
	}
}

bool
form_cut(str type, str body, struct http_part *part, int max, int *count)
{
	char mark[4 + BOUNDARY_MAX] = "\r\n--";
	str boundary = param(type, S("boundary")), delimiter, rest = body;
	size_t at;

	*count = 0;
	if (boundary.n == 0 || boundary.n > BOUNDARY_MAX)
		return false;
	memcpy(mark + 4, boundary.p, boundary.n);
	delimiter = (str){ mark, 4 + boundary.n };
	if (str_starts(rest, str_sub(delimiter, 2, delimiter.n)))
		rest = str_sub(rest, delimiter.n - 2, rest.n);
	else if ((at = str_find(rest, delimiter)) != SIZE_MAX)
		rest = str_sub(rest, at + delimiter.n, rest.n);
	else
		return false;
	while (!str_starts(rest, S("--"))) {
		while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
			rest = str_sub(rest, 1, rest.n);
		if (*count == max || !str_starts(rest, S("\r\n")))
			return false;
		rest = str_sub(rest, 2, rest.n);
		part[*count] = (struct http_part){ S(""), S(""), S(""), S("") };
		if (!part_head(&rest, &part[*count]) || (at = str_find(rest, delimiter)) == SIZE_MAX)
			return false;
		part[(*count)++].bytes = str_sub(rest, 0, at);
		rest = str_sub(rest, at + delimiter.n, rest.n);
	}
	return true;
}

enum err
http_form(struct ctx *cx, const struct http_req *rq, struct http_part **out, int *count)
{
	static const str multipart = { "multipart/form-data", 19 };
	struct http_part *part = NEW(cx->arena, struct http_part, PARTS_MAX);
	str type = http_header(rq, "content-type");

	if (!str_eqi(str_sub(type, 0, multipart.n), multipart))
		return fail(cx, E_INVALID, "body", "is not multipart/form-data");
	if (!form_cut(type, rq->body, part, PARTS_MAX, count))
		return fail(cx, E_INVALID, "body", "is a form that is cut short, or has more than 512 parts");
	*out = part;
	return OK;
}
