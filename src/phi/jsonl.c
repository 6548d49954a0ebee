/* jsonl.c - one line of JSONL scanned or redacted.
 *
 *   in   {"id": "t-1", "text": "..."}          the id may be missing: then the line's number
 *   out  {"id": "t-1", "spans": [{"start", "end", "label", "score", "rule"}]}
 *        {"id": "t-1", "text": "..."}          nothing else of the line: it may name a patient too
 */
#include "command.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct spans { const struct phi *phi; struct text *out; size_t count; };

static int
add_span(void *arg, const struct phi_finding *f)
{
	struct spans *s = arg;
	char b[256];
	int n = snprintf(b, sizeof b, "%s{\"start\": %zu, \"end\": %zu, \"label\": \"%s\", \"score\": %d, \"rule\": ",
	    s->count++ ? ", " : "", f->at, f->at + f->len, phi_kind_name(f->kind), f->score);
	text_add(s->out, b, (size_t)n);
	const char *rule = phi_rule_name(s->phi, f->rule);
	text_json(s->out, rule, strlen(rule));
	text_z(s->out, "}");
	return 0;
}

struct moves { struct text *map, *sealed; const char *id, *text; size_t count; };

static int
add_move(void *arg, const struct phi_moved *m)
{
	struct moves *v = arg;
	char b[200];
	v->count++;
	if (v->map) {
		text_z(v->map, "{\"id\": ");
		text_z(v->map, v->id);
		int n = snprintf(b, sizeof b, ", \"start\": %llu, \"end\": %llu, \"new_start\": %llu, \"new_end\": %llu, \"label\": \"%s\", \"score\": %d}\n",
		    (unsigned long long)m->old_at, (unsigned long long)(m->old_at + m->old_len), (unsigned long long)m->new_at,
		    (unsigned long long)(m->new_at + m->new_len), phi_kind_name(m->kind), m->score);
		text_add(v->map, b, (size_t)n);
	}
	if (v->sealed) {
		size_t want = sodium_base64_encoded_len(m->old_len, sodium_base64_VARIANT_ORIGINAL);
		char *z = malloc(want);
		if (!z)
			return 1;
		sodium_bin2base64(z, want, (const unsigned char *)v->text + m->old_at, m->old_len, sodium_base64_VARIANT_ORIGINAL);
		int n = snprintf(b, sizeof b, "%s[%llu,%llu,\"", v->count > 1 ? "," : "", (unsigned long long)m->new_at, (unsigned long long)m->new_len);
		text_add(v->sealed, b, (size_t)n);
		text_z(v->sealed, z);
		text_z(v->sealed, "\"]");
		explicit_bzero(z, want);
		free(z);
	}
	return 0;
}

const char *
jsonl_line(const struct line_job *j, const char *p, size_t n, size_t number, struct text *out, struct text *map,
    struct text *sealed, size_t *findings)
{
	const char *why = NULL, *field = j->o->field ? j->o->field : "text";
	size_t was = out->n;
	json_error_t je;
	json_t *doc = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	json_t *id = json_object_get(doc, "id"), *text = json_object_get(doc, field);
	if (!doc)
		why = "not JSON";
	else if (!json_is_object(doc))
		why = "not an object";
	else if (!json_is_string(text))
		why = "the text is missing or no string";
	else if (id && !json_is_string(id) && !json_is_integer(id))
		why = "the id is neither string nor integer";
	if (why) {
		json_decref(doc);
		return why;
	}
	char *dump = id ? json_dumps(id, JSON_ENCODE_ANY) : NULL, line_id[24];
	snprintf(line_id, sizeof line_id, "%zu", number);
	if (id && !dump) {
		json_decref(doc);
		return "out of memory";
	}
	const char *z = dump ? dump : line_id;
	enum phi_err e;
	text_z(out, "{\"id\": ");
	text_z(out, z);
	if (j->redact) {
		struct text t = { 0 };
		struct moves v = { map, sealed, z, json_string_value(text), 0 };
		struct phi_redact_opts r = j->o->redact;
		r.scan = &j->o->scan;
		r.moved = add_move;
		r.moved_arg = &v;
		text_add(&t, "", 0);
		if (sealed) {
			text_z(sealed, "{\"id\":");
			text_z(sealed, z);
			text_z(sealed, ",\"items\":[");
		}
		e = phi_redact(j->phi, &r, v.text, json_string_length(text), text_write, &t);
		if (sealed)
			text_z(sealed, "]}");
		text_z(out, ", ");
		text_json(out, field, strlen(field));
		text_z(out, ": ");
		text_json(out, t.p, t.n);
		text_free(&t);
		*findings += v.count;
	} else {
		struct spans s = { j->phi, out, 0 };
		text_z(out, ", \"spans\": [");
		e = phi_scan_opts(j->phi, &j->o->scan, json_string_value(text), json_string_length(text), add_span, &s);
		text_z(out, "]");
		*findings += s.count;
	}
	text_z(out, "}\n");
	if (e != PHI_OK) {
		why = phi_err_text(e);
		out->n = was;
		if (map)
			map->n = 0;
		if (sealed)
			sealed->n = 0;
	}
	free(dump);
	json_decref(doc);
	return why;
}
