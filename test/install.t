#!/bin/sh
# make install and uninstall, and that a build depends on its source alone.
. "${0%/*}/lib.sh"

unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX MANDIR
[ -z "${SANITIZE-}" ] || skip_all 'an instrumented build'
[ -e "$here/../Makefile" ] || skip_all 'no source here'

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
root=$tmp/root
runs make -j 2 install DESTDIR="$root" PREFIX=/usr
is_status 0
listed "$root" >"$out"
is_out 'what is installed' <<'EOT'
755 usr/bin/segment-coverage
644 usr/share/man/man1/segment-coverage.1
644 usr/share/segment-coverage/report.schema.json
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
is_out 'what is left, others have put there' <<'EOT'
644 usr/bin/other
644 usr/share/man/man1/other.1
EOT
ok 'nor is a directory left' absent "$root/usr/share/segment-coverage"
runs make uninstall DESTDIR="$root" PREFIX=/usr
is_status 0

runs make install DESTDIR="$root" PREFIX=/opt/sc MANDIR=/man
is_status 0
ok 'another PREFIX' [ -x "$root/opt/sc/bin/segment-coverage" ]
ok 'another MANDIR' [ -e "$root/man/man1/segment-coverage.1" ]

cd "$tmp/another place" || exit 1
runs env LC_ALL=C.UTF-8 TZ=Asia/Tokyo make -s
is_status 0
ok 'the same bytes, wherever and whenever it is built' \
    cmp -s segment-coverage "$tmp/one/segment-coverage"
runs make -s clean
find . -type f -newer Makefile ! -name '*.[ch]' ! -name '*.1' \
    ! -name '*.json' >"$out"
is_out 'make clean leaves the source' </dev/null
done_testing
