# What store_write() costs above plain SQLite on this disk: $(B)/bench/store

$(B)/bench/store: bench/store.c $(B)/libstore.a $(B)/libbase.a
	@mkdir -p $(@D)
	$(call say,bench,$<)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) -Wl,--start-group $(B)/libstore.a $(B)/libbase.a -Wl,--end-group $(call libs_of,store)
