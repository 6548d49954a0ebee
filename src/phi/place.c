/* place.c - addresses and facilities. (Being written: see below.) */
#include "engine.h"
void phi_places(struct scan *s) { (void)s; }
