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
# names outside of clinics, training. Some minutes on one core.
PHI_CORPORA := $(sort $(wildcard data/phi/corpora/*.jsonl.xz))
model: $(B)/phi                                ## train data/phi/phi.model again
	$(B)/phi generate --data data/phi --count 75000 --seed 1 > $(B)/gen/train.jsonl
	for f in $(PHI_CORPORA); do xz -dc $$f > $(B)/gen/$$(basename $$f .xz) || exit 1; done
	$(B)/phi train --epochs 6 --out data/phi/phi.model $(B)/gen/train.jsonl \
		$(patsubst data/phi/corpora/%.xz,$(B)/gen/%,$(PHI_CORPORA))
.PHONY: model

# The shared object: only what phi.h declares is visible (src/phi/phi.map).
PHI_SO_SRC := $(filter-out %/main.c %/bench.c %/train.c %/generate.c %/invent.c %/eval.c %/explain.c %/serve.c,$(wildcard src/phi/*.c))
$(B)/libphi.so: $(PHI_SO_SRC) src/phi/engine.h include/phi.h src/phi/phi.map $(B)/gen/phi.lex $(B)/gen/phi.rules $(B)/gen/phi.model
	$(CC) $(CFLAGS) -DPHI_GEN='"$(B)/gen"' -fPIC -shared -Wl,-soname,libphi.so.1 -Wl,--version-script=src/phi/phi.map \
		-o $@ $(PHI_SO_SRC) $(shell $(PKG) --libs icu-uc libsodium 2>/dev/null) -lpthread
$(B)/phi.pc:
	printf 'Name: libphi\nDescription: finds what identifies a person in text\nVersion: 1.0\nLibs: -L%s/lib -lphi\nCflags: -I%s/include\n' \
		$(PREFIX) $(PREFIX) > $@
libphi: $(B)/libphi.so $(B)/phi.pc             ## the shared object and its pkg-config file
.PHONY: libphi

# The patterns are our own automata (dfa.c): neither Vectorscan nor PCRE2 is linked.

# Leaks, recall and precision on texts of your own: make eval EVAL="a.jsonl b.jsonl"
eval: $(B)/phi                                 ## measure phi on EVAL="file.jsonl ..."
	$(B)/phi eval $(EVAL)
.PHONY: eval
