# libphi's data: the lexicon compiled from its lists, the rule files joined,
# the model as committed; all three are embedded by src/phi/embed.c.

PHI_RULES := $(sort $(wildcard data/phi/*.rules))
PHI_LISTS := $(wildcard data/phi/lexicon/*.txt data/phi/lexicon/*.tsv)

$(B)/gen/lexc: src/phi/tools/lexc.c src/phi/hash.c src/phi/engine.h
	@mkdir -p $(B)/gen
	$(CC) -std=gnu17 -O2 -D_GNU_SOURCE -Isrc/phi -Iinclude -o $@ src/phi/tools/lexc.c

$(B)/gen/phi.lex: $(B)/gen/lexc $(PHI_LISTS)
	$(B)/gen/lexc data/phi/lexicon $@

$(B)/gen/phi.rules: $(PHI_RULES)
	@mkdir -p $(B)/gen
	cat $(PHI_RULES) > $@

$(B)/gen/phi.model: $(wildcard data/phi/phi.model)
	@mkdir -p $(B)/gen
	if [ -f data/phi/phi.model ]; then cp data/phi/phi.model $@; else : > $@; fi

$(B)/obj/phi/embed.o: CFLAGS += -DPHI_GEN='"$(B)/gen"'
$(B)/obj/phi/embed.o: $(B)/gen/phi.lex $(B)/gen/phi.rules $(B)/gen/phi.model

# The model, byte for byte: invented tickets from the grammar, public texts for
# names outside of clinics, training. Two minutes on one core.
PHI_CORPORA := $(sort $(wildcard data/phi/corpora/*.jsonl.xz))
model: $(B)/phi                                ## train data/phi/phi.model again
	$(B)/phi generate --data data/phi --count 150000 --seed 1 > $(B)/gen/train.jsonl
	for f in $(PHI_CORPORA); do xz -dc $$f > $(B)/gen/$$(basename $$f .xz) || exit 1; done
	$(B)/phi train --epochs 6 --rows 131072 --out data/phi/phi.model $(B)/gen/train.jsonl \
		$(patsubst data/phi/corpora/%.xz,$(B)/gen/%,$(PHI_CORPORA))
.PHONY: model

# The shared object: the library's files alone (what speaks of command.h is the
# command's), and of them only what phi.h declares is visible (phi.map). Its ABI
# is written down in tests/phi/abi.txt; tests/system/phi_library.py compares.
PHI_SO_SRC := $(filter-out $(shell grep -l '"command.h"' src/phi/*.c) src/phi/generate.c src/phi/invent.c,$(wildcard src/phi/*.c)) src/phi/check_rules.c
PHI_SO_OBJ := $(PHI_SO_SRC:src/phi/%.c=$(B)/obj/so/%.o)
PHI_SO_LIBS = $(shell $(PKG) --libs icu-uc libsodium 2>/dev/null) -lpthread
$(B)/obj/so/%.o: src/phi/%.c
	@mkdir -p $(@D)
	$(call say,cc,$< (shared))
	$(Q)$(CC) $(CFLAGS) -DPHI_GEN='"$(B)/gen"' -fPIC -c $< -o $@
$(B)/obj/so/embed.o: $(B)/gen/phi.lex $(B)/gen/phi.rules $(B)/gen/phi.model
$(B)/libphi.so.1: $(PHI_SO_OBJ) src/phi/phi.map
	$(call say,link,$@)
	$(Q)$(CC) $(filter-out -pie,$(LDHARDEN)) -shared -Wl,-soname,libphi.so.1 -Wl,--version-script=src/phi/phi.map -Wl,-z,defs \
		-o $@ $(PHI_SO_OBJ) $(PHI_SO_LIBS)
$(B)/libphi.so: $(B)/libphi.so.1
	$(Q)ln -sf libphi.so.1 $@
# SQLite's phi_redact(), phi_scan() and phi_findings.
$(B)/phi_sqlite.so: bindings/phi_sqlite.c include/phi.h $(B)/libphi.so
	$(call say,link,$@)
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS)) -fPIC -shared -o $@ bindings/phi_sqlite.c -L$(B) -lphi -Wl,-rpath,'$$ORIGIN'
libphi: $(B)/libphi.so $(B)/phi_sqlite.so      ## the shared object and the binding to SQLite
all: $(B)/libphi.so $(B)/phi_sqlite.so

# ABI is short for what programs built against phi.h rely on: make abi writes it down anew.
abi: $(B)/libphi.so
	@B=$(B) tests/system/phi_library.py --write

install-libphi: $(B)/libphi.so
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(B)/libphi.so.1 $(DESTDIR)$(PREFIX)/lib/libphi.so.1.0
	ln -sf libphi.so.1.0 $(DESTDIR)$(PREFIX)/lib/libphi.so.1
	ln -sf libphi.so.1 $(DESTDIR)$(PREFIX)/lib/libphi.so
	install -m 644 include/phi.h $(DESTDIR)$(PREFIX)/include/
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: libphi' \
		'Description: finds what identifies a person in text, and takes it out' 'Version: 1.0' 'Requires.private: icu-uc libsodium' \
		'Libs: -L$${libdir} -lphi' 'Libs.private: -lpthread' 'Cflags: -I$${includedir}' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/libphi.pc
.PHONY: libphi abi install-libphi

# The patterns are our own automata (dfa.c): neither Vectorscan nor PCRE2 is linked.

# Leaks, recall and precision: of the development sets, with their goals, and
# of the hand-written tickets; or of texts of your own: make eval EVAL="a.jsonl b.jsonl"
eval: $(B)/phi                                 ## measure phi, or on EVAL="file.jsonl ..."
	$(if $(EVAL),$(B)/phi eval $(EVAL),python3 tests/phi/eval.py $(B)/phi)
.PHONY: eval
