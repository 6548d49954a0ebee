/* embed.c - rules, lexicon and model inside of the program, as read-only
 * pages: one file to install, mapped at start, shared by processes. PHI_GEN is
 * the folder in which the build puts them. */
#include "engine.h"

#define EMBED(name, file)                                                                 \
	__asm__(".section .rodata\n\t.balign 4096\n\t.globl phi_" name "_start\n\t"       \
	        ".hidden phi_" name "_start\n\t.globl phi_" name "_end\n\t"               \
	        ".hidden phi_" name "_end\nphi_" name "_start:\n\t.incbin \"" PHI_GEN "/" file "\"\n" \
	        "phi_" name "_end:\n\t.byte 0\n\t.balign 16\n\t.previous")

EMBED("lex", "phi.lex");
EMBED("model", "phi.model");
EMBED("rules", "phi.rules");
