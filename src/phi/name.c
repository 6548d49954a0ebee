#include "engine.h"
void phi_names(struct scan *s) { (void)s; }
void phi_memory(struct scan *s) { (void)s; }
