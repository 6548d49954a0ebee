# What the program carries inside: the migrations and the web page.
$(B)/obj/cli/schema.o: $(wildcard data/schema/*.sql)
$(B)/obj/cli/serve.o: $(wildcard web/*)
