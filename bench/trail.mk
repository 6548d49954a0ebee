# What a look, a change and verifying cost: $(B)/bench/trail

$(B)/bench/trail: bench/trail.c $(foreach m,trail store vault base,$(B)/lib$(m).a)
	@mkdir -p $(@D)
	$(call say,bench,$<)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) -Wl,--start-group $(foreach m,trail store vault base,$(B)/lib$(m).a) -Wl,--end-group $(call libs_of,trail) $(call libs_of,vault)
