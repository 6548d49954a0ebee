/* command.h - what the files of the command `phi` share; libphi has none of it. */
#ifndef PHI_COMMAND_H
#define PHI_COMMAND_H
#include "phi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Exit statuses, as phi(1) has them. */
enum { DONE = 0, SOME_BAD = 1, WRONG_USE = 2, CANNOT_START = 3, INTERRUPTED = 4 };

enum format { PLAIN, JSONL, CSV, MBOX };

struct options {
	struct phi_opts        scan;
	struct phi_redact_opts redact;
	const char  *rules;
	enum format  format;
	bool         json, progress, no_header;
	char         delimiter;
	const char  *columns, *field, *out, *map, *sealed, *map_key, *resume, *listen, *socket, *html;
	unsigned     jobs, show;
	unsigned char secret[32];
	const char  *const *file;
	int          files;
};

/* ---- growing bytes; out of memory ends the program with words ------------------------------- */

struct text { char *p; size_t n, cap; };
void text_add(struct text *t, const char *p, size_t n);
void text_z(struct text *t, const char *z);
void text_json(struct text *t, const char *p, size_t n);   /* as a JSON string, quotes and all */
int  text_write(void *arg, const char *p, size_t n);       /* a phi_write */
void text_free(struct text *t);                            /* wipes */

/* ---- csv.c: RFC 4180 --------------------------------------------------------------------------- */

struct cell { char *p; size_t n; bool quoted; };
struct row  { struct cell *cell; unsigned cells, cap; struct text bytes; const char *end; };
/* Cuts one record, its line end included or not, into cells; NULL, or fixed words for what is wrong. */
const char *csv_cut(struct row *r, const char *p, size_t n, char delimiter);
/* Quoted where it was, or where it has to be. */
void csv_put(struct text *to, const char *p, size_t n, bool quoted, char delimiter);
void csv_done(struct row *r);

/* ---- read.c: records of a file, in bounded memory ------------------------------------------------- */

#define RECORD_MAX ((size_t)64 << 20)
struct reader {
	FILE    *f;
	uint64_t at;          /* offset of the next byte */
	size_t   number;      /* records (lines, messages) begun so far */
	size_t   line;        /* lines passed */
	char    *b;           /* what was read and not used */
	size_t   from, n;
	bool     end;
};
enum got { GOT_NONE, GOT_ONE, GOT_LONG, GOT_ERROR };      /* LONG: skipped, too large; ERROR: errno */
enum got read_line(struct reader *r, struct text *to);
enum got read_row(struct reader *r, struct text *to);      /* CSV: to the line end outside of quotes */
enum got read_message(struct reader *r, struct text *to);  /* mbox: to the next From line behind an empty one */
enum got read_some(struct reader *r, struct text *to, size_t max);
void reader_done(struct reader *r);

/* ---- mail.c ------------------------------------------------------------------------------------------ */

/* The message as the text that people read: headers with their encoded words
 * decoded, text parts decoded and said to be 8bit, other parts left out and
 * counted in *left_out. */
void mail_text(struct text *to, const char *p, size_t n, unsigned *left_out);

/* ---- seal.c: the reversible map ---------------------------------------------------------------------- */

struct sealed;
bool key_read(const char *path, unsigned char key[32]);                   /* false: said why */
int  command_key(const struct options *o);
struct sealed *sealed_new(const char *path, const char *key_path);        /* NULL: said why */
bool sealed_add(struct sealed *s, const char *json, size_t n);
bool sealed_end(struct sealed **s, bool keep);
int  command_restore(const struct options *o);

/* ---- the commands ----------------------------------------------------------------------------------------- */

int command_run(struct phi *p, const struct options *o, bool redact);      /* run.c: scan and redact */
int command_rules_check(const char *const *file, int files);
int command_bench(struct phi *p, const struct phi_opts *o, const char *const *file, int files);
int command_eval(struct phi *p, const struct phi_opts *o, const char *const *file, int files, unsigned show, const char *html);
int command_explain(struct phi *p, const struct options *o);
int command_serve(const struct options *o);
int command_train(int argc, char **argv);
int command_generate(int argc, char **argv);

/* jsonl.c: one line worked on; NULL, or fixed words for what is wrong. */
struct line_job { const struct phi *phi; const struct options *o; bool redact; };
const char *jsonl_line(const struct line_job *j, const char *p, size_t n, size_t number, struct text *out, struct text *map,
    struct text *sealed, size_t *findings);
#endif
