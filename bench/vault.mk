# What the vault costs per value, word, key and token: $(B)/bench/vault

$(B)/bench/vault: bench/vault.c $(B)/libvault.a $(B)/libbase.a
	@mkdir -p $(@D)
	$(call say,bench,$<)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) -Wl,--start-group $(B)/libvault.a $(B)/libbase.a -Wl,--end-group $(call libs_of,vault)
