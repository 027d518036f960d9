#!/bin/sh
# SPDX-License-Identifier: MIT
# README: the run that it shows is a real one, it can be read on any terminal,
# and its commands are there.

. "${0%/*}/lib.sh"

readme=$here/../README

case_dir 'form'
ok 'under 110 lines' [ "$(wc -l <"$readme")" -lt 110 ]
same "$(LC_ALL=C.UTF-8 grep -E '^.{81}' "$readme")" '' 'at most 80 columns'
for target in demo check test install tests lint sanitize fuzz coverage bench \
    cross; do
	ok "it names make $target" grep -q "make.*$target" "$readme"
	ok 'which is there' \
	    grep -qE "^([a-z]+ )*$target( |:)" "$here/../Makefile"
done

# The archive of "make demo" is the same in the hours that are shown.
case_dir 'run'
command=$(sed -n 's/^\$ segment-coverage -b \/srv\/segments //p' "$readme")
sed '1,/^\$ segment-coverage/d; /^It also writes/,$d' "$readme" | sed '$d' >"$tmp/shown"
"$here/mkarchive" -h 5 -f 2025-11-15T17 -s 10 -t 12 archive
# shellcheck disable=SC2086
LC_ALL=C.UTF-8 run -b archive --now 2025-11-15T22:00:30Z --no-map $command
is_status 0
ok 'a run is shown' [ -s "$tmp/shown" ]
same_file "$tmp/shown" "$out" 'and is what the program prints'

case_dir 'cron'
for quality in source 480p; do
	hour segments/desertbus/$quality/2025-11-15T21
	seg 00:00 2.0 full
done
value=$(sed -n 's/^  out=//p' "$readme")
path=$(sed -n 's/^  PATH=//p' "$readme")
line=$(sed -n 's|^  \*/5 \* \* \* \* segment-coverage ||p' "$readme" |
    sed "s|\$out|$value|; s|/srv/|$PWD/|; s|/var/[^ ]*/|$PWD/|")
# cron takes each line by itself
ok 'the crontab' [ -n "$value" ]
ok 'is one line each' [ "$line" = "${line%\\}" ]
leaves coverage.prom segments/coverage-maps
for quality in source 480p; do
	leaves segments/coverage-maps/desertbus_${quality}_coverage.png
	leaves segments/coverage-maps/desertbus_${quality}_coverage.json
done
# as cron would: the program is where make install puts it
prefix=$(sed -n 's/^PREFIX ?= //p' "$here/../Makefile")
same "${path%%:*}" "$prefix/bin" 'PATH has where it is'
ok 'which the README says' grep -qF "($prefix)" "$readme"
# shellcheck disable=SC2086
runs env -i HOME="$PWD" PATH="$path" "$sc" $line
is_status 0
silent

done_testing
