#!/bin/sh
# SPDX-License-Identifier: MIT
# What a name means: hours and strays, segments, bad names, tombstones.
. "${0%/*}/lib.sh"

case_dir 'hours'
at 02 '00:00 2 full'
at 03
hour elsewhere
seg 00:00 2.5 full
ln -s ../../elsewhere ch/source/2025-11-15T04	# from there/q
mkdir there real
mv ch/source there/q
ln -s ../there/q real/source
rmdir ch
ln -s real ch
mkdir ch/source/.hidden ch/source/2025-11-15T05.bak ch/source/2025-02-29T00 \
    ch/source/2025-11-15t06 ch/source/zzz "ch/source/$(printf '\377\376')" \
    "ch/source/2025-11-15T06
2025-11-15T07"
: >ch/source/README
: >ch/source/2025-11-15T08
ln -s README ch/source/2025-11-15T10
report
is_status 0
is_err </dev/null
is '[.hours[] | .hour]' '["2025-11-15T02","2025-11-15T03","2025-11-15T04"]'
is '[.hours[] | .raw.coverage]' '[2,0,2.5]'
is '.segments.full' '{"count":2,"duration":4.5}'
jq_is '.complete, .errors' 'true
[]'
report -v
is_status 0
err_lines 9
for stray in README zzz 2025-11-15T05.bak 2025-02-29T00 2025-11-15t06 \
    2025-11-15T08 2025-11-15T10 '\xff\xfe' '2025-11-15T06\x0a2025-11-15T07'; do
	err_has "$stray"
done

case_dir 'channels and qualities'
at 02 '00:00 2 full'
hour 2ch/low/2025-11-15T04
seg 00:00 4 full
seg 00:05 1 full
mkdir 2ch/source ch/low
for jobs in 1 8; do
	run -n -f json --now 2025-11-15T04:00:10 -q low,source -j $jobs ch 2ch
	jq_is '[.reports[] | [.channel, .quality, .raw.coverage, .age]]' \
	    '[["ch","low",0,null],["ch","source",2,7208],["2ch","low",5,4],'\
'["2ch","source",0,null]]' 'each on its own, in order'
done

# Segments

case_dir 'names'
at 02 '00:00 2.0 full, 00:02.5 1.50 suspect, 00:04.123456 .5 partial,
    00:06 2.0 temp 0 A'
seg 00:05 1.e0 temp '' not-checked.at.all
for name in .hidden.ts .00:10-2.0-full-Hash.ts .ts chat.json 00:10.json \
    00:10-2.0-full-Hash.TS 00:10-2.0-full-Hash.ts.part 00:10-2.0-full-Hash; do
	: >"$hour/$name"
done
mkdir "$hour/directory"
report -v
is_status 0
is_err </dev/null
is '[.segments[] | .count]' '[1,1,1,2,0,0,0,0]'
is '[.segments[] | .duration]' '[2,1.5,0.5,null,null,null,null,null]'

case_dir 'bad names'
at 02 '00:00 2 full, 00:10 inf full, 00:10 1e309 full, 00:10 3600.000001 full,
    60:00 2.0 full, 00:10.1234567 2.0 full, ٠٠:١٠ 2.0 full, 00:10 2.0 whole,
    00:10 2.0 full 0 Hashe, 00:10 inf temp'
: >"$hour/x.ts"
report -v
is_status 0
err_lines 10
err_has 60:00-2.0-full-Hash.ts
is '[.segments.full.count, .segments.temp.count, .segments.bad.count]' '[1,0,10]'
same "$(jq -r '.reports[0].hours[0].bad_names[]' "$out")" \
    "$(cd "$hour" && find . -name '*.ts' ! -name 00:00-2-full-Hash.ts |
    cut -c 3- | sort)" 'in byte order'

# Tombstones

case_dir 'tombstones'
at 02 '00:00 2 full, 00:02 2 full, 00:04 2 suspect, 00:08 2 temp, 00:10 2 full,
    00:12 2 full'
tomb 00:00 2 full
tomb 00:04 2 suspect
tomb 00:08 2 temp
mkdir "$hour/00:10-2-full-Hash.tombstone"
ln -s nowhere "$hour/00:12-2-full-Hash.tombstone"
for name in bad 00:02-2-full-Hash.tombstone.ts 00:02-2-full-Hash.ts \
    .00:02-2-full-Hash; do
	: >"$hour/$name.tombstone"
done
: >"$hour/bad.ts"
report
is '[.segments[] | .count], .raw.coverage' '[1,0,0,0,0,6,0,0]
2'

case_dir 'what is no regular file is bad, and is not opened'
at 02 '00:00 2 full'
: >"$hour/elsewhere"
ln -s elsewhere "$hour/00:02-2-full-Hash.ts"
mkfifo "$hour/00:10-2.0-full-Fifo.ts" "$hour/00:10-2.0-temp-Fifo.ts"
mkdir "$hour/00:10-2.0-full-Dire.ts"
ln -s nowhere "$hour/00:10-2.0-full-Dang.ts"
ln -s . "$hour/00:10-2.0-full-Link.ts"
ln -s 00:10-2.0-full-Loop.ts "$hour/00:10-2.0-full-Loop.ts"
ln -s /dev/zero "$hour/00:10-2.0-full-Zero.ts"
ln -s "$(printf %0256d 0)" "$hour/00:10-2.0-full-Name.ts"
/usr/bin/python3 -c 'import os, sys
os.mknod(sys.argv[1], 0o140644)' "$hour/00:10-2.0-full-Sock.ts"
runs strace -f -e quiet=all -o "$tmp/strace" -E ASAN_OPTIONS=detect_leaks=0 \
    -e trace=open,openat,openat2 "$sc" -n -f json --now 2025-11-16 ch
is_status 0
is_err </dev/null
is '[.segments.full.count, .segments.temp.count, .segments.bad.count,
    .raw.coverage]' '[2,0,9,4]'
ok 'directories are opened' grep -q 2025-11-15T02 "$tmp/strace"
ok 'and nothing else' not grep -F .ts "$tmp/strace"

done_testing
