/* invent.h - what generate.c asks of invent.c: chance, people, values in a text. */
#ifndef PHI_INVENT_H
#define PHI_INVENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MADE_CAP 60000

/* The text being made, NUL-terminated, and its spans in ascending order. */
struct made {
	char    *text;          /* MADE_CAP bytes and some */
	size_t   n;
	struct { size_t at, end; const char *label; } span[2000];
	unsigned spans;
};
extern struct made made;

/* Lists are read once, from DIR/lexicon and DIR/carrier.txt; exits when one is missing. */
void     invent_open(const char *dir, uint64_t seed);
unsigned below(unsigned n);                     /* 0 .. n - 1, from the seed */
bool     chance(unsigned percent);
void     people_new(void);                      /* the cast of the next ticket */
void     put(const char *z);
bool     slot(const char *name);                /* false: there is no such slot */
char    *slurp(const char *path, size_t *n);
#endif
