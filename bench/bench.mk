# The programs that `make bench` measures with. None of them is installed.

$(B)/bench/load: bench/load.c
	@mkdir -p $(@D)
	$(call say,bench,$<)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) $(shell $(PKG) --libs libssl libcrypto)

$(B)/bench/http_serve: bench/http_serve.c $(B)/libhttp.a $(B)/libbase.a
	@mkdir -p $(@D)
	$(call say,bench,$<)
	$(Q)$(CC) $(CFLAGS) -o $@ $< $(LDFLAGS) -Wl,--start-group $(B)/libhttp.a $(B)/libbase.a -Wl,--end-group $(call libs_of,http)
