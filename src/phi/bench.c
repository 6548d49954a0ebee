/* bench.c - `phi bench`: how fast the texts of JSONL files are scanned. */
#include "command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int
count(void *arg, const struct phi_finding *f)
{
	(void)f;
	++*(size_t *)arg;
	return 0;
}

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);    /* others may share the core */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* Texts are joined with blank lines to pieces of about 2 KB, as tickets are. */
int
command_bench(struct phi *p, const struct phi_opts *o, const char *const *file, int files)
{
	char **text = NULL, *line = NULL;
	size_t n = 0, cap = 0, total = 0, line_cap = 0, *len = NULL;
	for (int i = 0; i < files; i++) {
		FILE *f = fopen(file[i], "r");
		if (!f) {
			perror(file[i]);
			return 1;
		}
		while (getline(&line, &line_cap, f) >= 0) {
			json_t *d = json_loads(line, 0, NULL), *t = json_object_get(d, "text");
			if (json_is_string(t)) {
				size_t k = json_string_length(t);
				if (n == 0 || len[n - 1] + k > 2200) {
					if (n == cap) {
						cap = cap ? cap * 2 : 1024;
						text = realloc(text, cap * sizeof *text);
						len = realloc(len, cap * sizeof *len);
						if (!text || !len)
							return 3;
					}
					text[n] = NULL;
					len[n++] = 0;
				}
				char *q = realloc(text[n - 1], len[n - 1] + k + 3);
				if (!q)
					return 3;
				text[n - 1] = q;
				if (len[n - 1])
					memcpy(q + len[n - 1], "\n\n", 2), len[n - 1] += 2;
				memcpy(q + len[n - 1], json_string_value(t), k);
				len[n - 1] += k;
				total += k;
			}
			json_decref(d);
		}
		fclose(f);
	}
	free(line);
	if (total == 0) {
		fputs("phi: bench needs JSONL files with texts\n", stderr);
		return 2;
	}
	static const struct { const char *name; unsigned flags; } runs[] = { { "rules and lexicon", PHI_NO_TAGGER }, { "all", 0 } };
	for (size_t r = 0; r < 2; r++) {
		struct phi_opts q = *o;
		q.flags |= runs[r].flags;
		size_t found = 0, bytes = 0, rounds = 0;
		double *took = calloc(n, sizeof *took);
		if (!took)
			return 3;
		for (size_t i = 0; i < n; i++)
			if (phi_scan_opts(p, &q, text[i], len[i], count, &found) != PHI_OK)
				return 1;
		found = 0;
		double from = now(), end;
		do {
			for (size_t i = 0; i < n; i++) {
				double a = now();
				phi_scan_opts(p, &q, text[i], len[i], count, &found);
				took[i] = now() - a;
				bytes += len[i];
			}
			rounds++;
			end = now();
		} while (end - from < 1.0);
		qsort(took, n, sizeof *took, by_value);
		printf("%-18s %8.1f MB/s  %zu texts, %zu findings, p50 %.0f us, p99 %.0f us\n", runs[r].name,
		    (double)bytes / (end - from) / 1e6, n, found / rounds, took[n / 2] * 1e6, took[n * 99 / 100] * 1e6);
		free(took);
	}
	for (size_t i = 0; i < n; i++)
		free(text[i]);
	free(text);
	free(len);
	return 0;
}
