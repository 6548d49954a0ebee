/* read.c - the records of a file: lines, CSV rows, mbox messages; what is
 * above RECORD_MAX is skipped without being kept. And growing bytes. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)256 << 10)

void
text_add(struct text *t, const char *p, size_t n)
{
	if (t->n + n + 1 > t->cap) {
		size_t cap = (t->n + n + 1) * 3 / 2 + 64;
		char *q = malloc(cap);
		if (!q) {
			fputs("phi: out of memory\n", stderr);
			exit(CANNOT_START);
		}
		if (t->p) {
			memcpy(q, t->p, t->n);
			explicit_bzero(t->p, t->n);
			free(t->p);
		}
		t->p = q, t->cap = cap;
	}
	if (n)
		memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = 0;
}

void
text_z(struct text *t, const char *z)
{
	text_add(t, z, strlen(z));
}

int
text_write(void *arg, const char *p, size_t n)
{
	text_add(arg, p, n);
	return 0;
}

void
text_free(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, t->cap);
	free(t->p);
	*t = (struct text){ 0 };
}

void
text_json(struct text *t, const char *p, size_t n)
{
	text_add(t, "\"", 1);
	for (size_t i = 0, from = 0; i <= n; i++) {
		unsigned char c = i < n ? (unsigned char)p[i] : 0;
		if (i < n && c >= 0x20 && c != '"' && c != '\\')
			continue;
		text_add(t, p + from, i - from);
		from = i + 1;
		if (i == n)
			break;
		char b[8];
		int k = c == '\n' ? snprintf(b, sizeof b, "\\n") : c == '"' || c == '\\' ? snprintf(b, sizeof b, "\\%c", c)
		    : snprintf(b, sizeof b, "\\u%04x", c);
		text_add(t, b, (size_t)k);
	}
	text_add(t, "\"", 1);
}

/* Is there a byte? Reads on when there is none. */
static bool
fill(struct reader *r)
{
	if (r->from < r->n)
		return true;
	if (r->end)
		return false;
	if (!r->b && !(r->b = malloc(CHUNK))) {
		r->end = true;
		errno = ENOMEM;
		return false;
	}
	errno = 0;
	r->from = 0;
	r->n = fread(r->b, 1, CHUNK, r->f);
	if (r->n == 0)
		r->end = true;
	return r->n > 0;
}

/* One line with its end behind what is in `to`; adds nothing beyond RECORD_MAX
 * and says so in *large. False at the end of the file. */
static bool
line(struct reader *r, struct text *to, bool *large)
{
	bool any = false;
	while (fill(r)) {
		char *nl = memchr(r->b + r->from, '\n', r->n - r->from);
		size_t k = (nl ? (size_t)(nl - r->b) + 1 : r->n) - r->from;
		if (to->n + k > RECORD_MAX)
			*large = true;
		else
			text_add(to, r->b + r->from, k);
		r->from += k, r->at += k;
		any = true;
		if (nl) {
			r->line++;
			break;
		}
	}
	return any;
}

static enum got
result(const struct reader *r, bool any, bool large)
{
	if (ferror(r->f) || (!any && errno == ENOMEM))
		return GOT_ERROR;
	return !any ? GOT_NONE : large ? GOT_LONG : GOT_ONE;
}

enum got
read_line(struct reader *r, struct text *to)
{
	bool large = false;
	to->n = 0;
	bool any = line(r, to, &large);
	r->number += any;
	return result(r, any, large);
}

enum got
read_row(struct reader *r, struct text *to)
{
	bool large = false, any = false, open = false;
	size_t seen = 0;
	to->n = 0;
	do {
		if (!line(r, to, &large))
			break;
		any = true;
		for (; seen < to->n; seen++)
			open ^= to->p[seen] == '"';
	} while (open && !large);
	/* Where a row ends that is too large cannot be known: it takes the rest along. */
	while (large && line(r, to, &large))
		;
	r->number += any;
	return result(r, any, large);
}

enum got
read_message(struct reader *r, struct text *to)
{
	bool large = false, any = false, blank = false;
	to->n = 0;
	for (;;) {
		if (!fill(r))
			break;
		if (any && blank) {
			/* Five bytes are needed to know; they may lie across two chunks. */
			while (r->n - r->from < 5 && !r->end) {
				memmove(r->b, r->b + r->from, r->n - r->from);
				r->n -= r->from, r->from = 0;
				size_t k = fread(r->b + r->n, 1, CHUNK - r->n, r->f);
				if (k == 0)
					break;
				r->n += k;
			}
			if (r->n - r->from >= 5 && !memcmp(r->b + r->from, "From ", 5))
				break;
		}
		size_t was = to->n;
		if (!line(r, to, &large))
			break;
		any = true;
		blank = to->n - was == 1 || (to->n - was == 2 && to->p[was] == '\r');
	}
	r->number += any;
	return result(r, any, large);
}

enum got
read_some(struct reader *r, struct text *to, size_t max)
{
	bool any = false;
	to->n = 0;
	while (to->n < max && fill(r)) {
		size_t k = r->n - r->from < max - to->n ? r->n - r->from : max - to->n;
		text_add(to, r->b + r->from, k);
		r->from += k, r->at += k;
		any = true;
	}
	return result(r, any, false);
}

void
reader_done(struct reader *r)
{
	if (r->b)
		explicit_bzero(r->b, CHUNK);
	free(r->b);
	r->b = NULL;
}
