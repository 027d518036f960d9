# make builds ./segment-coverage; "make demo" and "make check" first install
# the Debian packages that they need.

PREFIX ?= /usr/local
MANDIR ?= $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/segment-coverage
PROGRAM = segment-coverage
OBJS = coverage.o segparse.o render.o report.o
TOOLS = test/mkarchive test/walk
TESTS = test/*.t
UNITS = $(patsubst %.c,%,$(filter-out $(TOOLS:=.c) test/fuzz% test/nomem.c, \
	$(wildcard test/*.c)))

# CFLAGS and LDFLAGS are the user's; what follows is added to them.
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wwrite-strings
CAN := $(foreach f,-fstack-clash-protection -fcf-protection,$(shell \
	$(CC) -Werror $(f) -E -x c /dev/null >/dev/null 2>&1 && echo $(f)))
HARDEN = $(CAN) -fstack-protector-strong -fPIE $(if $(filter-out -O0, \
	$(filter -O%,$(CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
PKGS = libcjson libpq zlib
FLAGS = -std=c11 -D_GNU_SOURCE -pthread '-ffile-prefix-map=$(CURDIR)=.' \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) stb \
	|| echo 'Run "make deps" first.' >&2)) $(WARN) $(HARDEN)
LINK = $(CC) $(FLAGS) $(CFLAGS) -pie -Wl,-z,relro,-z,now,--as-needed \
	$(LDFLAGS) -o $@
LIBS = $(shell pkg-config --libs $(PKGS)) $(LDLIBS)

all: $(PROGRAM)
tests: all $(TOOLS) $(UNITS) test/nomem.so

$(PROGRAM): $(OBJS)
	$(LINK) $(OBJS) $(LIBS)
$(OBJS): segparse.h Makefile
# the page's style and script as arrays, and their hashes for its policy
render.o: .build/page.h
.build/page.h: man/page.css man/page.js Makefile
	@mkdir -p .build
	@for name in css js; do \
		hash=$$(sha256sum <man/page.$$name | sed 's/ .*//; s/../\\x&/g') && \
		hash=$$(env printf "$$hash" | base64) && \
		echo "#define $$(echo $$name | tr a-z A-Z)_HASH \"$$hash\"" && \
		echo "static const unsigned char $$name[] = {" && \
		od -An -v -tu1 man/page.$$name | sed 's/[0-9][0-9]*/&,/g' && \
		echo '};' || exit; \
	done >$@.new
	@mv $@.new $@
.c.o:
	$(CC) $(FLAGS) $(CFLAGS) -c -o $@ $<
$(TOOLS): %: %.c Makefile
	$(LINK) $<
# a unit test may include coverage.c, whose main it calls coverage_main
$(UNITS): %: %.c coverage.c $(OBJS)
	$(LINK) -I. $< $(filter-out coverage.o,$(OBJS)) $(LIBS)
test/nomem.so: test/nomem.c Makefile
	$(CC) $(FLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

deps:
	@test/deps build
demo:
	@test/deps demo
	@$(MAKE) --no-print-directory all test/mkarchive
	@test/demo
check:
	@test/deps check
	@$(MAKE) --no-print-directory tests
	@test/run $(TESTS)
bench:
	@test/deps work
	@$(MAKE) --no-print-directory all $(TOOLS)
	@test/bench

# These work in copies of the tree, which are left for a look.
COPY = rm -rf .build/$@ && mkdir -p .build/$@ && \
	cp -R Makefile README man test *.[ch] .build/$@ && $(MAKE) -s -C .build/$@ clean && \
	$(MAKE) -s -C .build/$@ .build/page.h
SAN_address = address,undefined
SAN_thread = thread
sanitize: address thread
address thread:
	@$(COPY)
	SANITIZE=$@ $(MAKE) -C .build/$@ check CFLAGS="-O1 -g -U_FORTIFY_SOURCE \
	    -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$(SAN_$@)"
coverage fuzz:
	@test/deps work
	@$(COPY)
	@cd .build/$@ && test/$@
lint: .build/page.h
	@test/deps work
	@test/lint

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(MANDIR)/man1
	install -d $(DESTDIR)$(DATADIR)
	install $(PROGRAM) $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/$(PROGRAM).1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 test/report.schema.json $(DESTDIR)$(DATADIR)
installcheck: tests
	SEGMENT_COVERAGE=$(DESTDIR)$(PREFIX)/bin/$(PROGRAM) test/run $(TESTS)
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/$(PROGRAM)
	rm -f $(DESTDIR)$(MANDIR)/man1/$(PROGRAM).1
	rm -f $(DESTDIR)$(DATADIR)/report.schema.json
	-rmdir $(DESTDIR)$(DATADIR)
clean:
	rm -rf $(PROGRAM) $(OBJS) $(TOOLS) $(UNITS) test/nomem.so .build

.PHONY: all tests deps demo check bench sanitize address thread coverage fuzz \
	lint install installcheck uninstall clean
