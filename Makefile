# Ward's only build file. `make help` lists what it can do.
#
# A variant (plain, asan, tsan, cov, fuzz) has its own build folder B, so that
# none disturbs another. Each folder under src/ is a module and becomes
# $(B)/lib<module>.a; tests/<module>_<what>_test.c links against its module and
# what tools/layers.txt lets that module know; so does fuzz/<name>.c, whose
# first line names its module: /* module: base */ (and max_len=N, if 4096 bytes
# are too few for it).

B        ?= build
CC       ?= cc
PKG      ?= pkg-config
T        ?= 60
DATA     ?= $(B)/demo-data
PORT     ?= 8443
PREFIX   ?= /usr/local
.DEFAULT_GOAL := all
Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# Scripts that test the built programs, run by check, asan and tsan after the
# unit tests, with B in the environment. One that cannot run here says why and
# ends with 77.
CHECKS   := tests/system/api.py tests/system/fields.py tests/system/tickets.py tests/system/people.py tests/system/canary.py tests/system/mail.py tests/system/matrix.py \
            tests/system/rules.py tests/system/views.py tests/system/views_large.py \
            tests/system/kill.py tests/system/kill_jobs.py tests/system/full.py tests/system/trail.py tests/system/erase.py tests/system/keys.py tests/system/node.py tests/system/web.py tests/system/help.py tests/system/secure.py tests/system/demo.py
CHECKS   += tests/system/ask.py tests/system/articles.py tests/system/web_help.py tests/system/web_work.py
CHECKS   += tests/system/office.py tests/system/webadmin.py tests/system/outbox.py tests/system/postfix.py tests/system/webhooks.py tests/system/exports.py
CHECKS   += tests/system/policy.py tests/system/mask.py tests/system/scan.py
CHECKS   += tests/system/phi_eval.py tests/system/phi_command.py tests/system/phi_serve.py tests/system/phi_library.py
CHECKS   += tests/system/contract.py tests/system/clinic_day.py
CHECKS   += tests/system/live.py tests/system/compose.py

MODULES  := base phi vault store http mail trail flow gate desk comply api cli
LAYERS   := tools/layers.txt
CHECKS   += tests/system/operations.py
CHECKS   += tests/system/account.py tests/system/badinput.py tests/system/schema.py
CHECKS   += tests/system/oauth.py tests/system/addresses.py tests/system/roles.py tests/system/reset.py tests/system/rates.py
CHECKS   += tests/system/schedules.py tests/system/retention.py tests/system/asides.py tests/system/macrofiles.py tests/system/conversation.py tests/system/streams.py tests/system/worst_day.py
CHECKS   += tests/system/web_keys.py

# What a module may know, closed over the table; the order is the link order.
closure   = $(shell awk -v m=$(1) '/^[a-z]+:/ { n = $$1; sub(":", "", n); $$1 = ""; d[n] = $$0 } \
	function walk(x, k, a, i) { if (seen[x]++) return; k = split(d[x], a, " "); for (i = 1; i <= k; i++) walk(a[i]); out = x " " out } \
	END { walk(m); print out }' $(LAYERS))

PKGS_base  := jansson
PKGS_phi   := icu-uc libsodium jansson
PKGS_vault := libcrypto libsodium
PKGS_store := sqlite3
PKGS_http  := libmicrohttpd gnutls zlib libcurl
PKGS_mail  := gmime-3.0 libseccomp libxml-2.0 libcurl
PKGS_trail := libcrypto
PKGS_flow  := libcrypto
PKGS_gate  := libcrypto liboath
PKGS_desk  := libcrypto icu-uc icu-i18n
PKGS_comply:=
PKGS_api   := jansson
PKGS_cli   := libcrypto libsodium libseccomp gnutls
ALL_PKGS   := $(sort $(foreach m,$(MODULES),$(PKGS_$(m))))

ifneq ($(filter-out setup help clean check asan tsan fuzz cov,$(or $(MAKECMDGOALS),all)),)
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
# What sanitizers add makes gcc see truncations that are none; the plain build is the one without warnings.
WERROR   :=
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
	$$(call say,ar,$$@)
	$(Q)ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m))))

all: $(B)/ward $(B)/phi                        ## build the programs ward and phi

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

$(B)/ward: $(B)/obj/cli/main.o $(foreach m,$(MODULES),$(B)/lib$(m).a)
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(B)/obj/cli/main.o -Wl,--start-group $(foreach m,$(MODULES),$(B)/lib$(m).a) -Wl,--end-group $(call libs_of,cli)

$(B)/phi: $(B)/obj/phi/main.o $(B)/libphi.a $(B)/libbase.a
	$(call say,link,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(B)/obj/phi/main.o $(B)/libphi.a $(B)/libbase.a $(call libs_of,phi)

# What a module generates, it says in its own <module>.mk.
-include $(wildcard src/*/*.mk)
-include $(wildcard bench/*.mk)

# ---- tests -------------------------------------------------------------------------------------

TESTS     := $(wildcard tests/*_test.c)
TEST_BINS := $(TESTS:tests/%.c=$(B)/tests/%)
module_of  = $(firstword $(subst _, ,$(1)))

define test
$(B)/tests/$(1): tests/$(1).c $(foreach m,$(call closure,$(call module_of,$(1))),$(B)/lib$(m).a)
	@mkdir -p $(B)/tests
	$$(call say,test,$$<)
	$(Q)$(CC) $(CFLAGS) -Itests -o $$@ $$< $(LDFLAGS) -Wl,--start-group $(foreach m,$(call closure,$(call module_of,$(1))),$(B)/lib$(m).a) -Wl,--end-group $$(call libs_of,$(call module_of,$(1))) -lcmocka
endef
$(foreach t,$(TESTS:tests/%.c=%),$(eval $(call test,$(t))))

# make unit M=store: only that module's tests (all without M).
unit: $(if $(M),$(filter $(B)/tests/$(M)_%,$(TEST_BINS)),$(TEST_BINS))     ## unit tests; M=module for one
	@tools/run-tests $^

# ---- fuzzing -----------------------------------------------------------------------------------

FUZZ       := $(filter-out replay,$(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c)))
fuzz_module = $(shell sed -n '1s|^/\* module: \([a-z]*\).*|\1|p' fuzz/$(1).c)
fuzz_libs   = $(foreach m,$(call closure,$(call fuzz_module,$(1))),$(B)/lib$(m).a)

# A target is built twice: with replay.c as its main, to run the committed
# corpus with any compiler, and with libFuzzer (in its own build folder).
define fuzz_target
$(B)/replay/$(1): fuzz/$(1).c fuzz/replay.c $(call fuzz_libs,$(1))
	@mkdir -p $(B)/replay
	$$(call say,fuzz,$$<)
	$(Q)$(CC) $(CFLAGS) -c fuzz/replay.c -o $(B)/replay/$(1).main.o
	$(Q)$(CC) $(CFLAGS) -o $$@ $$< $(B)/replay/$(1).main.o $(LDFLAGS) -Wl,--start-group $(call fuzz_libs,$(1)) -Wl,--end-group $$(call libs_of,$(call fuzz_module,$(1)))

$(B)/$(1).fuzz: fuzz/$(1).c $(call fuzz_libs,$(1))
	$$(call say,fuzz,$$<)
	$(Q)$(CC) $(CFLAGS) -o $$@ $$< $(LDFLAGS) -fsanitize=fuzzer -Wl,--start-group $(call fuzz_libs,$(1)) -Wl,--end-group $$(call libs_of,$(call fuzz_module,$(1)))
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_target,$(f))))

REPLAYS := $(FUZZ:%=replay-%)
$(REPLAYS): replay-%: $(B)/replay/%
	@out=$$($< fuzz/corpus/$* 2>&1) && echo "ok   fuzz $*: $$out" || { echo "FAIL fuzz $*"; printf '%s\n' "$$out" | tail -n 60; exit 1; }
replay: $(REPLAYS)                             ## run the fuzz corpora through their targets

fuzz:                                          ## fuzz for T=60 seconds each target, or only N=name
	@$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang SAN=fuzzer-no-link,address,undefined $(patsubst %,$(B)/fuzz/%.fuzz,$(or $(N),$(FUZZ)))
	@tools/run-fuzz $(T) $(B)/fuzz $(or $(N),$(FUZZ))

# ---- all tests, in their variants ----------------------------------------------------------------

setup:                                         ## install the Debian packages that are missing
	@tools/setup check

# In a make of its own, because flags are asked from what setup installs.
check: setup                                   ## everything that must hold before a change goes in
	@$(MAKE) --no-print-directory lint-layers lint-banned all unit replay
	@$(MAKE) --no-print-directory scripts

demo:                                          ## a running desk with an invented clinic (DATA=DIR PORT=N LIVE=1)
	@tools/setup
	@$(MAKE) --no-print-directory all
	@exec tools/demo $(B) $(DATA) $(PORT)

scripts: $(if $(strip $(CHECKS)),all)          ## the test scripts of CHECKS
	@B=$(B) tools/run-scripts $(CHECKS)

check-web: all                                 ## the screens in Chromium, part of check (SHOTS=folder keeps pictures)
	@B=$(B) tools/run-scripts tests/system/web.py tests/system/web_work.py tests/system/web_keys.py tests/system/webadmin.py tests/system/web_help.py tests/system/help.py

check-clients: all                             ## unmodified clients, as their makers publish them (needs their registries)
	@B=$(B) tools/run-scripts tests/system/node.py tests/system/client_zcli.py tests/system/client_zenpy.py tests/system/client_tap.py

asan:                                          ## tests under AddressSanitizer and UBSan
	@UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) --no-print-directory B=$(B)/asan SAN=address,undefined unit replay scripts

tsan:                                          ## tests under ThreadSanitizer
	@$(MAKE) --no-print-directory B=$(B)/tsan SAN=thread unit scripts

cov:                                           ## coverage of the tests, as a page in $(B)/cov
	@$(MAKE) --no-print-directory B=$(B)/cov OPT='-O0 -g --coverage' HARDEN=-fPIE LDHARDEN='-pie --coverage' unit replay scripts
	@gcovr --root . --filter src/ --object-directory $(B)/cov/obj --html-details $(B)/cov/index.html --print-summary --sort-uncovered | tail -n 40
	@echo "see $(B)/cov/index.html"

bench: all $(B)/bench/load $(B)/bench/store    ## measure the desk; writes docs/PERFORMANCE.md (N=tickets SECONDS=each MINUTES=to fill)
	@B=$(B) bench/ward.py
	@B=$(B) bench/busy.py

pictures: all                                  ## the pictures of README and docs anew, from a fresh demo, in Chromium
	@tools/pictures $(B)

bench-web: all $(B)/bench/load                 ## what an agent waits for, in Chromium; writes docs/PERFORMANCE.md (N=tickets MINUTES=to fill ROUNDS=each KEEP=filled desk)
	@B=$(B) bench/web.py

bench-busy: all $(B)/bench/load                ## only the desk with its rules (N=tickets SECONDS=each MINUTES=to fill KEEP=folder for the filled desk)
	@B=$(B) bench/busy.py

torture:                                       ## thousands of kills under load, hundreds in jobs (KILLS=5000 JOBKILLS=200)
	@$(MAKE) --no-print-directory all
	@B=$(B) KILLS=$(or $(KILLS),5000) tests/system/kill.py
	@B=$(B) KILLS=$(or $(JOBKILLS),200) tests/system/kill_jobs.py

# ---- lint ----------------------------------------------------------------------------------------

C_FILES := $(wildcard src/*/*.c fuzz/*.c tests/*_test.c)

lint: lint-layers lint-banned                  ## clang-tidy (M=module for one), layers, banned calls
	@printf '%s\n' $(wildcard $(if $(M),src/$(M)/*.c,src/*/*.c fuzz/*.c)) | xargs -n 4 -P 2 sh -c 'clang-tidy --quiet "$$@" -- $(filter-out -MMD -MP $(WERROR),$(CFLAGS)) 2>/dev/null' tidy

lint-layers:
	@tools/lint-layers

lint-banned:
	@tools/lint-banned

compile_commands.json: Makefile                ## for editors: how each file is compiled
	@{ sep='['; for f in $(C_FILES); do \
		printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" '$(CURDIR)' "$$f" '$(CC) $(CFLAGS) -Itests -c '"$$f"; \
		sep=,; \
	done; printf '\n]\n'; } > $@

# ---- install -------------------------------------------------------------------------------------

install: all install-libphi                    ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(B)/ward $(B)/phi $(DESTDIR)$(PREFIX)/bin/
	@for page in $(wildcard docs/man/*.[1-8]); do \
		dir=$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}; \
		echo "install $$page"; install -d $$dir && install -m 644 $$page $$dir/ || exit 1; \
	done

-include $(wildcard $(B)/obj/*/*.d $(B)/tests/*.d $(B)/replay/*.d $(B)/*.d)

help:                                          ## this list
	@sed -n 's/^\([a-z][a-z_.-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{ printf "  make %-22s %s\n", $$1, $$2 }'

clean:                                         ## remove the build folder
	rm -rf $(B)

.PHONY: all check-web check-clients unit replay $(REPLAYS) fuzz setup check demo bench bench-web bench-busy pictures torture scripts asan tsan cov lint lint-layers lint-banned \
	install help clean
