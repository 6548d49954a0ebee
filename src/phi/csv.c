/* csv.c - RFC 4180: records cut into cells and put together again. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static bool
cell_add(struct row *r, size_t at, bool quoted)
{
	if (r->cells == r->cap) {
		unsigned cap = r->cap ? r->cap * 2 : 16;
		struct cell *q = realloc(r->cell, cap * sizeof *q);
		if (!q)
			return false;
		r->cell = q;
		r->cap = cap;
	}
	/* Offsets until all is there: the bytes may move. */
	r->cell[r->cells++] = (struct cell){ NULL, at, quoted };
	return true;
}

const char *
csv_cut(struct row *r, const char *p, size_t n, char delimiter)
{
	size_t i = 0;
	r->cells = 0;
	r->bytes.n = 0;
	text_add(&r->bytes, "", 0);
	/* The line end is not of the last cell. */
	size_t end = n;
	if (end && p[end - 1] == '\n')
		end--;
	if (end && end < n && p[end - 1] == '\r')
		end--;
	r->end = p + end;
	for (;;) {
		bool quoted = i < end && p[i] == '"';
		if (!cell_add(r, r->bytes.n, quoted))
			return "out of memory";
		if (quoted) {
			for (i++;; i++) {
				size_t from = i;
				while (i < end && p[i] != '"')
					i++;
				text_add(&r->bytes, p + from, i - from);
				if (i == end)
					return "a quote is never closed";
				if (i + 1 < end && p[i + 1] == '"') {
					text_add(&r->bytes, "\"", 1);
					i++;
					continue;
				}
				break;
			}
			i++;
			if (i < end && p[i] != delimiter)
				return "something stands behind a closing quote";
		} else {
			size_t from = i;
			while (i < end && p[i] != delimiter && p[i] != '"')
				i++;
			if (i < end && p[i] == '"')
				return "a quote inside of a cell without quotes";
			text_add(&r->bytes, p + from, i - from);
		}
		if (i == end)
			break;
		i++;                         /* the delimiter */
	}
	for (unsigned k = 0; k < r->cells; k++) {
		size_t at = r->cell[k].n, next = k + 1 < r->cells ? r->cell[k + 1].n : r->bytes.n;
		r->cell[k].p = r->bytes.p + at;
		r->bytes.p[r->bytes.n] = 0;
		/* The next cell's offset is still in its n. */
		r->cell[k].n = next - at;
	}
	return NULL;
}

void
csv_put(struct text *to, const char *p, size_t n, bool quoted, char delimiter)
{
	for (size_t i = 0; !quoted && i < n; i++)
		quoted = p[i] == '"' || p[i] == '\n' || p[i] == '\r' || p[i] == delimiter;
	if (!quoted) {
		text_add(to, p, n);
		return;
	}
	text_add(to, "\"", 1);
	for (size_t i = 0, from = 0; i <= n; i++)
		if (i == n || p[i] == '"') {
			text_add(to, p + from, i - from);
			if (i < n)
				text_add(to, "\"", 1);
			from = i;
		}
	text_add(to, "\"", 1);
}

void
csv_done(struct row *r)
{
	free(r->cell);
	text_free(&r->bytes);
	memset(r, 0, sizeof *r);
}
