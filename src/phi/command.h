/* command.h - the parts of the command phi that have a file of their own. */
#ifndef PHI_COMMAND_H
#define PHI_COMMAND_H
#include "phi.h"

#include <stdio.h>

int command_rules_check(const char *const *file, int files);
int command_bench(struct phi *p, const struct phi_opts *o, const char *const *file, int files);
int command_eval(struct phi *p, const struct phi_opts *o, const char *const *file, int files, unsigned show);
int command_explain(struct phi *p, const struct phi_opts *o, FILE *in);
int command_serve(struct phi *p, const char *listen);
int command_train(int argc, char **argv);
int command_generate(int argc, char **argv);
#endif
