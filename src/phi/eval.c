/* eval.c - `phi eval FILE.jsonl...`: what leaks, by file and kind.
 *
 * A line is {"id","text","spans":[{"start","end","label"}]}, byte offsets. A
 * span leaks when some letter or digit of it is in no finding, whatever the
 * kind. Recall is the share of spans touched, precision the share of letters
 * and digits found that lie in a span; spans whose label begins with X_ are
 * neither wanted nor wrong. Letters are bytes above 0x7f as well.
 */
#include "command.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sums { size_t spans, touched, leaks, chars, right; };

static int
mark(void *arg, const struct phi_finding *f)
{
	memset((char *)arg + f->at, (int)f->kind + 1, f->len);
	return 0;
}

static bool
counts(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void
row(const char *name, const struct sums *s)
{
	printf("%-24s %6zu  recall %5.1f %%  leak %5.1f %%", name, s->spans, s->spans ? 100.0 * (double)s->touched / (double)s->spans : 100,
	    s->spans ? 100.0 * (double)s->leaks / (double)s->spans : 0);
	if (s->chars)
		printf("  precision %5.1f %%", 100.0 * (double)s->right / (double)s->chars);
	putchar('\n');
}

static void
one_doc(struct phi *p, const struct phi_opts *o, json_t *doc, struct sums *all, struct sums *kind, unsigned *show, enum phi_err *err)
{
	json_t *t = json_object_get(doc, "text"), *ss = json_object_get(doc, "spans"), *s;
	const char *text = json_string_value(t), *id = json_string_value(json_object_get(doc, "id"));
	size_t n = json_string_length(t), i;
	char *found = calloc(1, n + 1), *gold = calloc(1, n + 1);
	if (!text || !found || !gold) {
		free(found), free(gold);
		return;
	}
	*err = phi_scan_opts(p, o, text, n, mark, found);
	json_array_foreach(ss, i, s) {
		size_t at = (size_t)json_integer_value(json_object_get(s, "start")), end = (size_t)json_integer_value(json_object_get(s, "end"));
		const char *label = json_string_value(json_object_get(s, "label"));
		if (!label || at >= end || end > n)
			continue;
		bool care = strncmp(label, "X_", 2) != 0, touched = false, leak = false;
		for (size_t k = at; k < end; k++) {
			gold[k] = care ? 1 : 2;
			if (counts((unsigned char)text[k]))
				touched |= found[k] != 0, leak |= found[k] == 0;
		}
		if (!care)
			continue;
		int k = phi_kind_of(label, strlen(label));
		struct sums *both[2] = { all, k >= 0 ? &kind[k] : NULL };
		for (int b = 0; b < 2 && both[b]; b++)
			both[b]->spans++, both[b]->touched += touched, both[b]->leaks += leak;
		if (leak && *show) {
			--*show;
			printf("  leak %s %s [%.*s]\n", id ? id : "?", label, (int)(end - at), text + at);
		}
	}
	for (size_t k = 0; k < n; k++)
		if (found[k] && gold[k] != 2 && counts((unsigned char)text[k]))
			all->chars++, all->right += gold[k] == 1;
	free(found), free(gold);
}

int
command_eval(struct phi *p, const struct phi_opts *o, const char *const *file, int files, unsigned show, const char *html)
{
	(void)html;
	int bad = 0;
	for (int i = 0; i < files; i++) {
		struct sums all = { 0 }, kind[PHI_KINDS] = { { 0 } };
		FILE *f = fopen(file[i], "r");
		char *line = NULL;
		size_t cap = 0, number = 0;
		if (!f) {
			perror(file[i]);
			bad = 1;
			continue;
		}
		while (getline(&line, &cap, f) >= 0) {
			number++;
			json_t *doc = json_loads(line, JSON_ALLOW_NUL, NULL);
			enum phi_err e = PHI_OK;
			if (!doc || !json_is_string(json_object_get(doc, "text"))) {
				fprintf(stderr, "phi: %s:%zu: not a document\n", file[i], number);
				bad = 1;
			} else
				one_doc(p, o, doc, &all, kind, &show, &e);
			if (e != PHI_OK) {
				fprintf(stderr, "phi: %s:%zu: %s\n", file[i], number, phi_err_text(e));
				bad = 1;
			}
			json_decref(doc);
		}
		free(line);
		fclose(f);
		const char *slash = strrchr(file[i], '/');
		row(slash ? slash + 1 : file[i], &all);
		for (int k = 0; k < PHI_KINDS; k++)
			if (kind[k].spans) {
				char name[32];
				snprintf(name, sizeof name, "    %s", phi_kind_name((enum phi_kind)k));
				row(name, &kind[k]);
			}
	}
	return bad;
}
