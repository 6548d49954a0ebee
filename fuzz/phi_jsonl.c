/* module: phi */
/* A line is refused with words and no output, or gives one line of JSON with
 * the same id: the text with its replacements (and a map that leads from one to
 * the other), or spans inside of the text. The first byte chooses. */
#include "phi/command.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	if (!p && phi_open(NULL, &p, NULL, 0) != PHI_OK)
		abort();
	if (size == 0)
		return 0;
	struct options o = { .scan.size = sizeof o.scan, .redact.size = sizeof o.redact, .redact.style = (enum phi_style)((data[0] >> 1) % 5) };
	struct line_job j = { p, &o, data[0] & 1 };
	struct text out = { 0 }, map = { 0 }, sealed = { 0 };
	size_t found = 0;
	const char *why = jsonl_line(&j, (const char *)data + 1, size - 1, 7, &out, &map, &sealed, &found);
	assert(why ? out.n == 0 : out.n > 0 && out.p[out.n - 1] == '\n' && !memchr(out.p, '\n', out.n - 1));
	if (!why) {
		json_t *in = json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL), *got = json_loadb(out.p, out.n, JSON_ALLOW_NUL, NULL);
		json_t *id = json_object_get(in, "id"), *text = json_object_get(in, "text"), *s;
		size_t i, end = 0, n = json_string_length(text);
		assert(got && text);
		assert(id ? json_equal(id, json_object_get(got, "id")) : json_integer_value(json_object_get(got, "id")) == 7);
		if (j.redact) {
			json_t *items = json_loadb(sealed.p, sealed.n, 0, NULL);
			assert(json_is_string(json_object_get(got, "text")));
			assert(json_array_size(json_object_get(items, "items")) == found);
			json_decref(items);
		} else {
			assert(json_array_size(json_object_get(got, "spans")) == found);
			json_array_foreach(json_object_get(got, "spans"), i, s) {
				size_t a = (size_t)json_integer_value(json_object_get(s, "start")), z = (size_t)json_integer_value(json_object_get(s, "end"));
				assert(a >= end && z > a && z <= n);
				end = z;
			}
		}
		json_decref(in);
		json_decref(got);
	}
	text_free(&out), text_free(&map), text_free(&sealed);
	return 0;
}
