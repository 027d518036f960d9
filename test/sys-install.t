#!/bin/sh
# SPDX-License-Identifier: MIT
# make install and uninstall, and that a build depends on its source alone.
. "${0%/*}/lib.sh"

unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX MANDIR ZSHDIR
[ -z "${SANITIZE-}" ] || skip_all 'an instrumented build'

# copy DIR: the source, as it is in a new checkout
copy() {
	mkdir -p "$1/test" &&
	    cp "$here"/../Makefile "$here"/../*.[ch] "$1" &&
	    cp -R "$here/../man" "$1" &&
	    cp "$here/report.schema.json" "$1/test"
}

# listed DIR: the files in it, with their modes
listed() {
	(cd "$1" && find . -type f -printf '%m %P\n' | sort -k 2)
}

mkdir "$tmp/one" "$tmp/another place" && copy "$tmp/one" &&
    copy "$tmp/another place" || exit 1
cd "$tmp/one" || exit 1
root="$tmp/the root"
runs make -j 2 install DESTDIR="$root" PREFIX=/usr
is_status 0
listed "$root" >"$out"
is_out 'what is installed' <<EOT
755 usr/bin/segment-coverage
644 usr/lib/systemd/system/segment-coverage@.service
644 usr/lib/systemd/system/segment-coverage@.timer
644 usr/share/bash-completion/completions/segment-coverage
$(cd man/examples && find ./*[a-z]file ./*.sh ./*.yml \
	\( -name '*.sh' -printf 755 -o -printf 644 \) \
	-printf ' usr/share/doc/segment-coverage/examples/%f\n' | sort -k 2)
644 usr/share/man/man1/segment-coverage.1
644 usr/share/segment-coverage/report.schema.json
644 usr/share/zsh/site-functions/_segment-coverage
EOT
same_file man/segment-coverage.1 \
    "$root/usr/share/man/man1/segment-coverage.1" 'the manual'
same_file test/report.schema.json \
    "$root/usr/share/segment-coverage/report.schema.json" 'the schema'
runs "$root/usr/bin/segment-coverage" --version
is_status 0
same_file segment-coverage "$root/usr/bin/segment-coverage" 'the program'

touch "$root/usr/bin/other" "$root/usr/share/man/man1/other.1"
runs make uninstall DESTDIR="$root" PREFIX=/usr
is_status 0
listed "$root" >"$out"
is_out 'only what others have put there is left' <<'EOT'
644 usr/bin/other
644 usr/share/man/man1/other.1
EOT
ok 'nor is a directory left' absent "$root/usr/share/segment-coverage" \
    "$root/usr/share/doc/segment-coverage"
runs make uninstall DESTDIR="$root" PREFIX=/usr
is_status 0

runs make install DESTDIR="$root" PREFIX=/opt/sc MANDIR=/man ZSHDIR=/zsh
is_status 0
for file in opt/sc/bin/segment-coverage man/man1 zsh/_segment-coverage; do
	ok "another place: $file" [ -e "$root/$file" ]
done
runs make install DESTDIR='a stage'
ok 'a relative DESTDIR' [ -x "a stage/usr/local/bin/segment-coverage" ]

cd "$tmp/another place" || exit 1
runs env LC_ALL=C.UTF-8 TZ=Asia/Tokyo make -s
is_status 0
ok 'the same bytes, wherever and whenever it is built' \
    cmp -s segment-coverage "$tmp/one/segment-coverage"
runs make -s clean
find . -type f -newer Makefile ! -name '*.[ch]' ! -path './man/*' \
    ! -name '*.json' >"$out"
is_out 'make clean leaves the source' </dev/null

# What comes from outside: each is seen in the commands that make would run.
would() {
	make -nB PKG_CONFIG=true "$@" 2>"$err" | tr ' ' '\n'
}
same "$(would CPPFLAGS=-DFROM_CPPFLAGS | grep -c FROM_CPPFLAGS)" 5 \
    'CPPFLAGS reach each compiler'
same "$(would LDLIBS=-lmine | grep -c -e -lmine)" 1 'LDLIBS the linker'
same "$(make -nB PKG_CONFIG='echo -DASKED' | grep -c DASKED)" 5 \
    'PKG_CONFIG is asked'
for flags in 'CFLAGS=-O2 -D_FORTIFY_SOURCE=3' CPPFLAGS=-D_FORTIFY_SOURCE=3 \
    'CFLAGS=-O2 -Wp,-D_FORTIFY_SOURCE=3' 'CC=cc -D_FORTIFY_SOURCE=3'; do
	same "$(would "$flags" | grep -c _FORTIFY_SOURCE)" 5 \
	    "$flags: defined once"
done
same "$(would CFLAGS=-O0 | grep -c _FORTIFY_SOURCE)" 0 'none without -O'
same "$(would CFLAGS=-O1 | grep -c _FORTIFY_SOURCE=2)" 5 'otherwise ours'
done_testing
