# Ward's only build file. `make help` lists what it can do.
#
# A variant (plain, asan, tsan, cov, fuzz) has its own build folder B, so that
# none disturbs another. Each folder under src/ is a module and becomes
# $(B)/lib<module>.a; tests/<module>_<what>_test.c links against its module and
# what tools/layers.txt lets that module know.

B        ?= build
CC       ?= cc
PKG      ?= pkg-config
T        ?= 60
DATA     ?= $(B)/demo-data
PORT     ?= 8443
PREFIX   ?= /usr/local

MODULES  := base phi vault store http mail trail flow gate desk comply api cli
LAYERS   := tools/layers.txt

# What a module may know, closed over the table; the order is the link order.
closure   = $(shell awk -v m=$(1) '/^[a-z]+:/ { n = $$1; sub(":", "", n); $$1 = ""; d[n] = $$0 } \
	function walk(x, k, a, i) { if (seen[x]++) return; k = split(d[x], a, " "); for (i = 1; i <= k; i++) walk(a[i]); out = x " " out } \
	END { walk(m); print out }' $(LAYERS))

PKGS_base  := jansson
PKGS_phi   := libhs libpcre2-8 icu-uc
PKGS_vault := libcrypto libsodium
PKGS_store := sqlite3
PKGS_http  := libmicrohttpd gnutls zlib
PKGS_mail  := gmime-3.0 libseccomp libxml-2.0
PKGS_trail := libcrypto
PKGS_flow  :=
PKGS_gate  := libcrypto
PKGS_desk  := libcrypto icu-uc
PKGS_comply:=
PKGS_api   := jansson
PKGS_cli   := libcrypto libsodium libseccomp gnutls
ALL_PKGS   := $(sort $(foreach m,$(MODULES),$(PKGS_$(m))))

ifeq ($(filter setup help clean,$(MAKECMDGOALS)),)
PKG_CFLAGS := $(shell $(PKG) --cflags $(ALL_PKGS) 2>/dev/null)
endif
libs_of     = $(shell $(PKG) --libs $(sort $(foreach m,$(call closure,$(1)),$(PKGS_$(m)))) 2>/dev/null) -lpthread -lm -ldl

WARN     := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes
WERROR   ?= -Werror
OPT      ?= -O2 -g
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDHARDEN ?= -pie -Wl,-z,relro,-z,now
SAN      ?=
ifneq ($(SAN),)
OPT      := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=undefined
HARDEN   := -fPIE
LDHARDEN := -pie -fsanitize=$(SAN)
endif
CFLAGS   += -std=gnu17 $(WARN) $(WERROR) $(OPT) $(HARDEN) -D_GNU_SOURCE -Isrc -Iinclude -I$(B)/gen $(PKG_CFLAGS) -MMD -MP
LDFLAGS  += $(LDHARDEN)

define module
SRC_$(1)  := $$(filter-out src/$(1)/main.c,$$(wildcard src/$(1)/*.c))
OBJ_$(1)  := $$(SRC_$(1):src/%.c=$(B)/obj/%.o)
$(B)/lib$(1).a: $$(OBJ_$(1))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m))))

all: $(B)/ward $(B)/phi                        ## build the programs ward and phi

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

$(B)/ward: $(B)/obj/cli/main.o $(foreach m,$(MODULES),$(B)/lib$(m).a)
	$(CC) $(LDFLAGS) -o $@ $(B)/obj/cli/main.o -Wl,--start-group $(foreach m,$(MODULES),$(B)/lib$(m).a) -Wl,--end-group $(call libs_of,cli)

$(B)/phi: $(B)/obj/phi/main.o $(B)/libphi.a $(B)/libbase.a
	$(CC) $(LDFLAGS) -o $@ $(B)/obj/phi/main.o $(B)/libphi.a $(B)/libbase.a $(call libs_of,phi)

# ---- tests -------------------------------------------------------------------------------------

TESTS     := $(wildcard tests/*_test.c)
TEST_BINS := $(TESTS:tests/%.c=$(B)/tests/%)
module_of  = $(firstword $(subst _, ,$(1)))

define test
$(B)/tests/$(1): tests/$(1).c $(foreach m,$(call closure,$(call module_of,$(1))),$(B)/lib$(m).a)
	@mkdir -p $(B)/tests
	$(CC) $(CFLAGS) -Itests -o $$@ $$< $(LDFLAGS) -Wl,--start-group $(foreach m,$(call closure,$(call module_of,$(1))),$(B)/lib$(m).a) -Wl,--end-group $$(call libs_of,$(call module_of,$(1))) -lcmocka
endef
$(foreach t,$(TESTS:tests/%.c=%),$(eval $(call test,$(t))))

# make unit M=store: only that module's tests (all without M).
unit: $(if $(M),$(filter $(B)/tests/$(M)_%,$(TEST_BINS)),$(TEST_BINS))     ## unit tests; M=module for one
	@tools/run-tests $^

-include $(shell find $(B) -name '*.d' 2>/dev/null)

help:                                          ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

clean:                                         ## remove the build folder
	rm -rf $(B)

.PHONY: all unit help clean
