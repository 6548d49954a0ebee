# make bench-search N=1000000: the index alone, without tickets.
$(B)/bench/search: bench/search.c $(foreach m,$(call closure,desk),$(B)/lib$(m).a)
	@mkdir -p $(@D)
	$(call say,bench,$<)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) -Wl,--start-group $(foreach m,$(call closure,desk),$(B)/lib$(m).a) -Wl,--end-group $(call libs_of,desk)

bench-search: $(B)/bench/search
	@$< $(or $(N),1000000)
.PHONY: bench-search
