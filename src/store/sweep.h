/* sweep.h - zeroes what SQLite leaves behind in the free room of its pages. */
#ifndef WARD_STORE_SWEEP_H
#define WARD_STORE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

struct sweep {
	bool           all;        /* not known which pages were written: sweep all */
	unsigned char *written;    /* a bit per page */
	size_t         pages;      /* bits there are, a multiple of 8 */
};

/* Notes the pages in the WAL, which has `frames` of them; before every
 * checkpoint, for after one that copied all of it SQLite begins it again. */
void sweep_note(struct sweep *s, sqlite3 *h, int frames);
/* Sweeps the pages that were noted. On the only connection that writes, with
 * no transaction open, right after a checkpoint that left the WAL empty.
 * False: the file could not be read or written; what was noted stays noted. */
bool sweep_run(struct sweep *s, sqlite3 *h);
void sweep_done(struct sweep *s);

#endif
