/* copier.h - a thread that copies a WAL back into its database. */
#ifndef WARD_STORE_COPIER_H
#define WARD_STORE_COPIER_H

#include <stdbool.h>

struct copier;
struct copier *copier_new(const char *path);  /* NULL: the thread or its connection could not be made */
void           copier_free(struct copier **c);
/* `all`: also what is added meanwhile, until hardly any is. */
void           copier_start(struct copier *c, bool all);
/* True when what copier_start() began is done (if `wait`, then always); then
 * *copied pages of the WAL are in the database. */
bool           copier_done(struct copier *c, bool wait, int *copied);

#endif
