# SPDX-License-Identifier: MIT
# make builds ./segment-coverage, make test only tests; make demo and
# make check first install the Debian packages that they need.

PREFIX ?= /usr/local
MANDIR ?= $(PREFIX)/share/man
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
PKG_CONFIG ?= pkg-config
PROGRAM = segment-coverage
OBJS = coverage.o segparse.o render.o report.o
TOOLS = test/parse test/walk
TESTS = test/*.t

# CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS are the user's, and come last.
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes \
	-Wstrict-prototypes -Wwrite-strings
PKGS = libcjson libpq zlib
# $(call once,NAME,COMMAND) runs the command when NAME is first used
once = $(eval $1 := $(shell $2))$($1)
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(PKG_CONFIG) --cflags $(PKGS) stb || \
	echo 'Run "make deps" first.' >&2)
LIBS = $(call once,LIBS,$(PKG_CONFIG) --libs $(PKGS))
# what the compiler can do, and _FORTIFY_SOURCE where it is not set already
HARDEN = -fstack-protector-strong -fPIE $(CAN) \
	$(if $(filter _FORTIFY%,$(MACROS)),,$(MACROS:__O%=-D_FORTIFY_SOURCE=2))
CAN = $(call once,CAN,for f in -fstack-clash-protection -fcf-protection; do \
	$(CC) -Werror $$f -E -x c /dev/null >/dev/null 2>&1 && echo $$f; done)
MACROS = $(call once,MACROS,$(CC) $(CPPFLAGS) $(CFLAGS) -dM -E -x c \
	/dev/null 2>/dev/null | grep -oE '_FORTIFY_SOURCE|__OPTIMIZE__ ')
FLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-pthread '-ffile-prefix-map=$(CURDIR)=.' \
	$(patsubst -I%,-isystem %,$(PKG_CFLAGS)) $(WARN) $(HARDEN)
COMPILE = $(CC) $(FLAGS) $(CPPFLAGS) $(CFLAGS)
LINK = $(COMPILE) -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS) -o $@

all: $(PROGRAM)
tests: all $(TOOLS) test/nomem.so

$(PROGRAM): $(OBJS)
	$(LINK) $(OBJS) $(LIBS) $(LDLIBS)
$(OBJS): segparse.h Makefile
coverage.o: .build/help.txt.h
report.o: .build/metrics.txt.h
render.o: .build/page.css.h .build/page.html.h .build/page.js.h
.build/%.h: man/% man/embed
	@mkdir -p .build && man/embed $< >$@.new && mv $@.new $@
.c.o:
	$(COMPILE) -c -o $@ $<
test/parse: segparse.c segparse.h
$(TOOLS): %: %.c Makefile
	$(LINK) $< $(LIBS) $(LDLIBS)
test/nomem.so: test/nomem.c Makefile
	$(COMPILE) -fPIC -shared -o $@ $<

test: tests
	@test/run $(TESTS)
check:
	@test/deps check && $(MAKE) --no-print-directory test
deps:
	@test/deps build
demo:
	@test/deps demo && $(MAKE) --no-print-directory all
	@test/demo
bench cross lint:
	@test/deps $(if $(filter cross,$@),cross,work) && test/$@

# These work in copies of the tree, which are left for a look.
COPY = test/deps work && rm -rf .build/$@ && mkdir -p .build/$@ && cp -R \
	Makefile README man test *.[ch] .build/$@ && $(MAKE) -s -C .build/$@ clean
SAN = address,undefined
thread: SAN = thread
clang: CC = clang
sanitize: address clang thread
address clang thread:
	@$(COPY)
	SANITIZE=$(SAN) $(MAKE) -C .build/$@ test CC='$(CC)' CFLAGS="-O1 -g \
	    -U_FORTIFY_SOURCE -fno-omit-frame-pointer -fsanitize=$(SAN) \
	    -fno-sanitize-recover=all"
coverage fuzz:
	@$(COPY) && cd .build/$@ && test/$@

AT = '$(DESTDIR)$(PREFIX)'
ZSH = '$(DESTDIR)$(ZSHDIR)'
BASH = $(AT)/share/bash-completion/completions/$(PROGRAM)
UNITDIR = $(AT)/lib/systemd/system
DOC = $(AT)/share/doc/$(PROGRAM)
FROM = man/examples
install: all
	install -D -t $(AT)/bin $(PROGRAM)
	install -D -m 644 -t '$(DESTDIR)$(MANDIR)'/man1 man/$(PROGRAM).1
	install -D -m 644 -t $(AT)/share/$(PROGRAM) test/report.schema.json
	install -D -m 644 -t $(DOC)/examples $(FROM)/*file $(FROM)/*.yml
	install -D -t $(DOC)/examples $(FROM)/*.sh
	install -D -m 644 -t $(UNITDIR) $(FROM)/$(PROGRAM)@.*
	install -D -m 644 -t $(ZSH) $(FROM)/_$(PROGRAM)
	install -D -m 644 $(FROM)/$(PROGRAM).bash $(BASH)
uninstall:
	rm -f $(AT)/bin/$(PROGRAM) '$(DESTDIR)$(MANDIR)'/man1/$(PROGRAM).1 \
	    $(BASH) $(ZSH)/_$(PROGRAM) $(UNITDIR)/$(PROGRAM)@.*
	rm -rf $(AT)/share/$(PROGRAM) $(DOC)
clean:
	rm -rf $(PROGRAM) $(OBJS) $(TOOLS) test/nomem.so .build

.PHONY: all tests test check deps demo bench cross lint sanitize address \
	clang thread coverage fuzz install uninstall clean
