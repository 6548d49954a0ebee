# What the program carries inside: the migrations and the web page.
$(B)/obj/cli/schema.o: $(wildcard data/schema/*.sql)

# The page is built once, whatever the variant: web/ and its lock file in,
# build/web out. npm's packages are installed when the lock file changed.
WEB     := build/web
WEB_SRC := $(wildcard web/*.json web/*.ts web/*.html web/public/* web/src/*.* web/src/*/*.*)
NPM     := npm --no-audit --no-fund --no-update-notifier

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	$(call say,npm,web/)
	$(Q)cd web && $(NPM) ci --ignore-scripts --loglevel=error >/dev/null
	@touch $@

$(WEB)/index.html: web/node_modules/.package-lock.json $(WEB_SRC)
	$(call say,web,$(WEB))
	$(Q)cd web && WARD_WEB_OUT=../$(WEB) $(NPM) run --silent build -- --logLevel warn
	@touch $@

$(B)/gen/web.s: $(WEB)/index.html tools/embed-web
	@mkdir -p $(B)/gen
	$(Q)tools/embed-web $(WEB) $@

$(B)/obj/cli/web_files.o: $(B)/gen/web.s
	@mkdir -p $(@D)
	$(Q)$(CC) -c $< -o $@
$(B)/libcli.a: $(B)/obj/cli/web_files.o
