#!/bin/sh
# What is counted, and how: small archives, every figure worked out by hand.
. "${0%/*}/lib.sh"

# report [OPTION...]: of channel ch, as JSON, on the day after
report() {
	run -n -f json --now 2025-11-16 "$@" ch
}

# is FILTER WANTED [DESC]: of the first quality
is() {
	jq_is ".reports[0] | $1" "$2" "${3-$1}"
}

# reads CALLS OPTION...: the system calls of a run, in the file $calls
calls=$tmp/calls
reads() {
	trace=$1
	shift
	runs strace -f -e quiet=all -o "$calls" -E ASAN_OPTIONS=detect_leaks=0 \
	    -e trace="$trace" "$sc" -n -f json --now 2025-11-16 "$@" ch
}

# strikes SYSCALL:FAULT NAME: a run in which the calls that are about NAME,
# a file or a directory of ch/source/..., fail
strikes() {
	strike=$1 path=$2
	shift 2
	runs strace -f -e quiet=all -o "$calls" -E ASAN_OPTIONS=detect_leaks=0 \
	    -P "${path##*/}" -P "$path" -P "./$path" -P "$PWD/$path" \
	    -e trace="${strike%%:*}" -e inject="$strike" \
	    "$sc" -n -f json --now 2025-11-16 "$@" ch
	ok 'the fault was met' grep -q INJECTED "$calls"
}

# Hours

case_dir 'hours'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
hour ch/source/2025-11-15T03
hour elsewhere
seg 00:00 2.5 full
ln -s ../../elsewhere ch/source/2025-11-15T04
mkdir ch/source/.hidden ch/source/2025-11-15T05.bak ch/source/2025-02-29T00 \
    ch/source/2025-11-15t06 ch/source/zzz "ch/source/$(printf '\377\376')" \
    "ch/source/2025-11-15T06
2025-11-15T07"
: >ch/source/README
: >ch/source/2025-11-15T08
ln -s nowhere ch/source/2025-11-15T09
ln -s README ch/source/2025-11-15T10
report
is_status 0
is_err </dev/null
is '[.hours[] | .hour]' '["2025-11-15T02","2025-11-15T03","2025-11-15T04"]'
is '[.hours[] | .raw.coverage]' '[2,0,2.5]'
is '.raw.coverage' 4.5
is '.segments.full' '{"count":2,"duration":4.5}'
jq_is '.complete, .errors' 'true
[]'
report -v
is_status 0
err_lines 10
for stray in README zzz 2025-11-15T05.bak 2025-02-29T00 2025-11-15t06 \
    2025-11-15T08 2025-11-15T09 2025-11-15T10 '\xff\xfe' \
    '2025-11-15T06\x0a2025-11-15T07'; do
	err_has "$stray"
done

case_dir 'links on the way'
hour there/q/2025-11-15T02
seg 00:00 2.0 full
mkdir real
ln -s ../there/q real/source
ln -s real ch
report
is_status 0
is .raw.coverage 2

case_dir 'hours far away'
for hour in 0001-01-01T00 1936-08-01T12 1970-01-01T00 2999-12-31T23; do
	hour ch/source/$hour
	seg 00:00 2.0 full
done
hour ch/source/9999-12-31T23
seg 59:59 6.0 full
report
is_status 0
is '[.start, .end]' \
    '["0001-01-01T00:00:00.000000Z","10000-01-01T00:00:05.000000Z"]'
is .missing_hours.count 87649411
is '[.hours[] | .start][1:]' '["1936-08-01T12:00:00.000000Z",'\
'"1970-01-01T00:00:00.000000Z","2999-12-31T23:00:00.000000Z",'\
'"9999-12-31T23:59:59.000000Z"]'
is .raw.coverage 14

case_dir 'hours in the future'
hour ch/source/2025-11-16T01
seg 00:00 2.0 full
report
is_status 0
is '[.age, .raw.coverage]' '[-3602,2]'

case_dir 'nothing'
mkdir -p ch/source ch/low/2025-11-15T02
report -q source,low,none
is_status 0
is_err </dev/null
jq_is '.complete' true
jq_is '[.reports[] | [.quality, .found, .start, .end, .age, .raw.ratio,
    .raw.holes, .raw.longest_hole, .editable.ratio, .incomplete.spans,
    .missing_hours, (.hours | length)]]' \
    '[["source",true,null,null,null,null,[],null,null,[],'\
'{"count":0,"ranges":[]},0],["low",true,null,null,null,null,[],null,null,[],'\
'{"count":0,"ranges":[]},1],["none",false,null,null,null,null,[],null,null,'\
'[],{"count":0,"ranges":[]},0]]' 'all keys, and nothing in them'
report -v -q source,low,none
is_status 0
err_lines 1
err_has ch/none

case_dir 'channels and qualities'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
hour ch/low/2025-11-15T03
seg 00:00 3.0 full
hour 2ch/low/2025-11-15T04
seg 00:00 4.0 full
seg 00:05 1.0 full
run -n -f json --now 2025-11-15T04:00:10 -q low,source ch 2ch
is_status 0
jq_is '[.reports[] | [.channel, .quality, .found, .raw.coverage,
    .raw.hole_count, .age]]' '[["ch","low",true,3,0,3607],'\
'["ch","source",true,2,0,7208],["2ch","low",true,5,1,4],'\
'["2ch","source",false,0,0,null]]' 'each on its own, in the order given'
cp "$out" "$tmp/once"
run -n -f json --now 2025-11-15T04:00:10 -q low,source ch 2ch
same_file "$tmp/once" "$out" 'the same bytes once more'
run -n -f json --now 2025-11-15T04:00:10 -q low,source -j 1 ch 2ch
same_file "$tmp/once" "$out" 'and with -j 1'

# Names

case_dir 'names'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:02.5 1.50 suspect
seg 00:04.123456 .5 partial
seg 00:05 1.e0 temp '' not-checked.at.all
seg 00:06 2.0 temp '' A
report
is_status 0
is .segments '{"full":{"count":1,"duration":2},'\
'"suspect":{"count":1,"duration":1.5},"partial":{"count":1,"duration":0.5},'\
'"temp":{"count":2},"bad":{"count":0},"tombstoned":{"count":0}}'
is '[.start, .end]' \
    '["2025-11-15T02:00:00.000000Z","2025-11-15T02:00:04.623456Z"]'
is '.segments == .hours[0].segments' true
is '.overlaps == .hours[0].overlaps' true

case_dir 'names that are not looked at'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
for name in .hidden.ts .00:10-2.0-full-Hash.ts .ts chat.json 00:10.json \
    00:10-2.0-full-Hash.TS 00:10-2.0-full-Hash.ts.part 00:10-2.0-full-Hash; do
	: >"$hour/$name"
done
mkdir "$hour/directory"
report
is_status 0
is '.segments | [.full.count, .bad.count]' '[1,0]'
report -v
is_err </dev/null

case_dir 'bad names'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:10 inf full
seg 00:10 1e309 full
seg 00:10 1e12 full
seg 00:10 3600.000001 full
seg 00:10 999999999 full
seg 00:10 +2 full
seg 00:10 1_000 full
seg 00:10 -2 full
seg 60:00 2.0 full
seg ' 0:10' 2.0 full
seg +0:10 2.0 full
seg 00:10.1234567 2.0 full
seg ٠٠:١٠ 2.0 full
seg 00:10 2.0 whole
seg 00:10 2.0 full '' Hash=
seg 00:10 2.0 full '' Hashe
seg 00:10 inf temp
: >"$hour/x.ts"
: >"$hour/00:10-2.0-full.ts"
report
is_status 0
is_err </dev/null
is '[.segments.full.count, .segments.temp.count, .segments.bad.count]' \
    '[1,0,19]'
is '[.raw.coverage, .raw.hole_count]' '[2,0]'
is '.hours[0].bad_names | length' 19
same "$(jq -r '.reports[0].hours[0].bad_names[]' "$out")" \
    "$(cd "$hour" && find . -name '*.ts' ! -name 00:00-2.0-full-Hash.ts |
    cut -c 3- | sort)" 'in byte order'
report -v
is_status 0
err_lines 19
err_has 60:00-2.0-full-Hash.ts

case_dir 'durations at their end'
hour ch/source/2025-11-15T02
seg 00:00 3600 full
hour ch/source/2025-11-15T03
seg 00:00 1e3 full
seg 16:40 0 full
seg 16:40 0.0000025 full '' Abcd
report
is_status 0
is '.segments.full, .raw.coverage, .raw.hole_count' \
    '{"count":4,"duration":4600.000002}
4600.000002
0'

case_dir 'more bad names than are kept'
hour ch/source/2025-11-15T02
i=100
while [ $i -lt 203 ]; do
	: >"$hour/b$i.ts"
	i=$((i + 1))
done
report
is_status 0
is '.segments.bad.count, (.hours[0].bad_names | length, .[0], .[99])' '103
100
"b100.ts"
"b199.ts"'

case_dir 'names of any bytes'
hour ch/source/2025-11-15T02
: >"$hour/$(printf 'a\377\376z').ts"
: >"$hour/$(printf 'b\033]0;title\007"quotes\134').ts"
: >"$hour/ü.ts"
: >"$hour/d
e.ts"
: >"$hour/$(printf 'c%0250d' 0).ts"
report
is_status 0
is '.hours[0].bad_names | [.[0], .[1], .[3], .[4]]' \
    '["a��z.ts","b\u001b]0;title\u0007\"quotes\\.ts","d\ne.ts","ü.ts"]'
is '.hours[0].bad_names[2] | length' 254
ok 'no control bytes in JSON' not grep -qP '(?!\t)[[:cntrl:]]' "$out"
for locale in C C.UTF-8; do
	runs env LC_ALL=$locale "$sc" -n -v -a ch
	is_status 0
	err_lines 5
	ok "no control bytes in text and messages, $locale" \
	    not grep -q '[[:cntrl:]]' "$err" "$out"
	err_has 'a\xff\xfez.ts'
	err_has 'd\x0ae.ts'
done
err_has ü.ts

# Tombstones

case_dir 'tombstones'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
tomb 00:00 2.0 full
seg 00:02 2.0 full
seg 00:04 2.0 suspect
tomb 00:04 2.0 suspect
seg 00:06 2.0 partial
tomb 00:06 2.0 partial
seg 00:08 2.0 temp
tomb 00:08 2.0 temp
: >"$hour/bad.ts"
: >"$hour/bad.tombstone"
: >"$hour/00:02-2.0-full-Hash.tombstone.ts.tombstone"
: >"$hour/00:02-2.0-full-Hash.ts.tombstone"
: >"$hour/.00:02-2.0-full-Hash.tombstone"
: >"$hour/nothing.tombstone"
seg 00:10 2.0 full
mkdir "$hour/00:10-2.0-full-Hash.tombstone"
seg 00:12 2.0 full
ln -s nowhere "$hour/00:12-2.0-full-Hash.tombstone"
report
is_status 0
is .segments '{"full":{"count":1,"duration":2},'\
'"suspect":{"count":0,"duration":0},"partial":{"count":0,"duration":0},'\
'"temp":{"count":0},"bad":{"count":0},"tombstoned":{"count":7}}'
is '[.start, .raw.coverage, .raw.hole_count]' \
    '["2025-11-15T02:00:02.000000Z",2,0]'

case_dir 'a tombstone makes room for the next best'
hour ch/source/2025-11-15T02
seg 00:00 4.0 full
tomb 00:00 4.0 full
seg 00:00 3.0 full
seg 00:00 2.0 suspect
report
is '[.raw.coverage, .segments.tombstoned.count, .overlaps.full.count,
    .overlaps.suspect.count]' '[3,1,0,1]'

# What is no regular file is bad, and is not opened

case_dir 'no regular files'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
: >"$hour/elsewhere"
ln -s elsewhere "$hour/00:02-2.0-full-Hash.ts"
mkfifo "$hour/00:10-2.0-full-Fifo.ts"
mkdir "$hour/00:10-2.0-full-Dire.ts"
ln -s nowhere "$hour/00:10-2.0-full-Dang.ts"
ln -s . "$hour/00:10-2.0-full-Link.ts"
ln -s 00:10-2.0-full-Loop.ts "$hour/00:10-2.0-full-Loop.ts"
ln -s 00:10-2.0-full-Fifo.ts "$hour/00:10-2.0-full-Fi2o.ts"
ln -s /dev/zero "$hour/00:10-2.0-full-Zero.ts"
mkfifo "$hour/00:10-2.0-temp-Fifo.ts"
/usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$hour/00:10-2.0-full-Sock.ts"
bad=9
mknod "$hour/00:10-2.0-full-Node.ts" c 1 5 2>/dev/null && bad=10
reads open,openat,openat2
is_status 0
is_err </dev/null
is '[.segments.full, .segments.temp.count, .segments.bad.count]' \
    '[{"count":2,"duration":4},0,'$bad']'
is '[.raw.coverage, .raw.hole_count]' '[4,0]'
is '.hours[0].bad_names | length' $bad
ok 'directories are opened' grep -q 2025-11-15T02 "$calls"
ok 'and nothing else' not grep -F .ts "$calls"

# Best segments

case_dir 'the longest of the full'
hour ch/source/2025-11-15T02
seg 00:00 1.0 full 1000
seg 00:00 2.0 full
seg 00:00 1.5 full
seg 00:02 1.0 full
report
is '[.raw.coverage, .overlaps.full, .raw.hole_count]' \
    '[3,{"count":2,"duration":2.5},0]'
is '.segments.full' '{"count":4,"duration":5.5}'

case_dir 'full before suspect before partial'
hour ch/source/2025-11-15T02
seg 00:00 1.0 full
seg 00:00 5.0 suspect 1000
seg 00:00 6.0 partial 2000
seg 00:10 1.0 suspect
seg 00:10 5.0 partial 1000
seg 00:10 9.0 temp 5000
report
is '[.raw.coverage, .raw.hole_duration]' '[2,9]'
is .overlaps '{"full":{"count":0,"duration":0},'\
'"suspect":{"count":1,"duration":5},"partial":{"count":2,"duration":11}}'
is '[.incomplete.count, .incomplete.duration]' '[1,1]'

case_dir 'the largest of the suspect'
hour ch/source/2025-11-15T02
seg 00:00 4.0 suspect 50
seg 00:00 7.0 suspect 49
seg 00:00 9.0 suspect
report
is '[.raw.coverage, .overlaps.suspect]' '[4,{"count":2,"duration":16}]'

case_dir 'the largest of the partial'
hour ch/source/2025-11-15T02
seg 00:00 7.0 partial 1
seg 00:00 4.0 partial 5000000000
seg 00:00 9.0 partial
report
is '[.raw.coverage, .overlaps.partial]' '[4,{"count":2,"duration":16}]'

case_dir 'of the same size, the name that sorts last'
hour ch/source/2025-11-15T02
seg 00:00 10 suspect 7
seg 00:00 9 suspect 7
seg 00:20.0 1 partial
seg 00:20 2 partial
seg 00:40 3 partial 7 aaaa
seg 00:40 3.5 partial 7 AAAA
report
is '[.segments.suspect.count, .raw.coverage]' '[2,13.5]'
is '[.overlaps.suspect.duration, .overlaps.partial.duration]' '[10,5]'

case_dir 'one start in several spellings'
hour ch/source/2025-11-15T02
seg 00:00 1.0 full
seg 00:00.0 2.0 full
seg 00:00.000000 3.0 full
report
is '[.raw.coverage, .overlaps.full]' '[3,{"count":2,"duration":3}]'

case_dir 'the size of a link is that of its file'
hour ch/source/2025-11-15T02
seg 00:00 2.0 partial 100
truncate -s 200 big
ln -s ../../../big "$hour/00:00-1.0-partial-Hash.ts"
report
is .raw.coverage 1

case_dir 'sizes are asked for to settle ties, else never'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:02 2.0 suspect
seg 00:04 2.0 partial
seg 00:06 2.0 full '' AAAA
seg 00:06 2.0 full '' BBBB
seg 00:08 2.0 full
seg 00:08 2.0 suspect '' AAAA
seg 00:08 2.0 suspect '' BBBB
seg 00:08 2.0 partial '' AAAA
seg 00:08 2.0 partial '' BBBB
seg 00:10 2.0 suspect
seg 00:10 2.0 partial '' AAAA
seg 00:10 2.0 partial '' BBBB
seg 00:12 2.0 temp '' AAAA
seg 00:12 2.0 temp '' BBBB
reads %file
is_status 0
is .raw.coverage 12
same "$(grep -c '\.ts' "$calls")" 0 'no file is asked about'
seg 00:14 2.0 suspect '' AAAA
seg 00:14 3.0 suspect '' BBBB
seg 00:14 4.0 partial '' AAAA
seg 00:20 2.0 partial '' AAAA
seg 00:20 2.0 partial '' BBBB
seg 00:20 2.0 partial '' CCCC
reads %file
is .raw.coverage 17
same "$(grep -c '\.ts' "$calls")" 5 'five candidates, five questions'

case_dir 'gone before its size was asked for'
hour ch/source/2025-11-15T02
seg 00:00 2.0 partial 100
seg 00:00 5.0 partial 50
strikes newfstatat,statx:error=ENOENT "$hour/00:00-2.0-partial-Hash.ts"
is_status 0
is_err </dev/null
is '[.raw.coverage, .segments.partial.count]' '[5,2]'
jq_is .complete true

case_dir 'a size that cannot be had'
hour ch/source/2025-11-15T02
seg 00:00 2.0 partial 100
seg 00:00 5.0 partial 50
for error in EACCES EIO; do
	strikes newfstatat,statx:error=$error "$hour/00:00-2.0-partial-Hash.ts"
	is_status 2
	err_lines 1
	err_has 00:00-2.0-partial-Hash.ts
	jq_is '[.complete, (.errors | length)]' '[false,1]'
	jq_is '.errors[0].path | contains("00:00-2.0-partial-Hash.ts")' true
	is .segments.partial.count 2
done

# The timeline of one quality

case_dir 'holes and the tolerance'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:02.010000 2.0 full
seg 00:04.020001 2.0 full
seg 00:08.020001 2.0 full
report
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration]' '[8,2,2.010001]'
is .raw.holes '[{"start":"2025-11-15T02:00:04.010000Z",'\
'"end":"2025-11-15T02:00:04.020001Z","duration":0.010001},'\
'{"start":"2025-11-15T02:00:06.020001Z",'\
'"end":"2025-11-15T02:00:08.020001Z","duration":2}]'
is '.raw.longest_hole == .raw.holes[1]' true
is '.raw == .editable' true
is '[.raw.ratio, .hours[0].raw.hole_count]' '[0.7992,2]'
is '.hours[0].raw.holes == .raw.holes' true
report -t 0
is '[.raw.hole_count, .raw.hole_duration, .raw.holes[0].duration]' \
    '[3,2.020001,0.01]'
report -t 2
is '[.raw.hole_count, .raw.hole_duration, .raw.ratio]' '[0,0,1]'
report -t 1.999999
is '[.raw.hole_count, .raw.hole_duration]' '[1,2]'

case_dir 'the earliest of the longest'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:03 2.0 full
seg 00:07 2.0 full
seg 00:11 2.0 full
report
is '.raw.longest_hole' '{"start":"2025-11-15T02:00:05.000000Z",'\
'"end":"2025-11-15T02:00:07.000000Z","duration":2}'

case_dir 'overlaps and the tolerance'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:01.990000 2.0 suspect
seg 00:03.979999 2.0 partial
seg 00:04 1.0 full
report
is .overlaps '{"full":{"count":1,"duration":1},'\
'"suspect":{"count":0,"duration":0},'\
'"partial":{"count":1,"duration":0.010001}}'
is '[.raw.coverage, .raw.hole_count, .raw.ratio]' '[5.979999,0,1]'
report -t 0
is '[.overlaps[] | .count]' '[1,1,1]'
is '[.overlaps[] | .duration]' '[1,0.01,0.010001]'

case_dir 'a segment inside a longer one'
hour ch/source/2025-11-15T02
seg 00:00 10.0 full
seg 00:02 1.0 full
seg 00:10 2.0 full
report
is '[.raw.coverage, .raw.hole_count, .overlaps.full]' \
    '[12,0,{"count":1,"duration":1}]'
is '[.editable.coverage, .editable.hole_count]' '[12,0]'

case_dir 'editable: what a cutter would join'
hour ch/source/2025-11-15T02
seg 00:00 4.0 full
seg 00:03 3.0 full
seg 00:06 2.0 full
report
is '[.raw.coverage, .raw.hole_count, .raw.ratio]' '[8,0,1]'
is '[.editable.coverage, .editable.hole_count, .editable.ratio]' '[6,1,0.75]'
is .editable.holes '[{"start":"2025-11-15T02:00:04.000000Z",'\
'"end":"2025-11-15T02:00:06.000000Z","duration":2}]'
is '.hours[0].editable | del(.holes)' \
    '{"coverage":6,"hole_count":1,"hole_duration":2}'

case_dir 'editable: one that was left out does not count'
hour ch/source/2025-11-15T02
seg 00:00 4.0 full
seg 00:03 2.0 full
seg 00:04 2.0 full
report
is '[.raw.coverage, .editable.coverage, .editable.hole_count]' '[6,6,0]'
is .overlaps.full '{"count":2,"duration":2}'

case_dir 'editable within the tolerance'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:01.990000 2.0 full
report
is '[.raw.coverage, .editable.coverage]' '[3.99,4]'
report -t 0
is '[.editable.coverage, .editable.hole_count]' '[2,0]'

case_dir 'a zero-length segment'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:01 0 full
seg 00:05 0 suspect
seg 00:09 1.0 full
report
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration]' '[3,2,7]'
is .overlaps.full '{"count":1,"duration":0}'
is '[.incomplete.count, .incomplete.duration, .incomplete.spans]' '[1,0,[]]'

case_dir 'all holes and no coverage'
hour ch/source/2025-11-15T02
seg 00:00 0 full
seg 00:05 0 full
report
is '[.raw.coverage, .raw.hole_duration, .raw.ratio]' '[0,5,0]'

case_dir 'a ratio is rounded down'
hour ch/source/2025-11-15T02
seg 00:00 3600 full
hour ch/source/2025-11-15T03
seg 00:00.000001 3599 full
report
is '[.raw.hole_count, .raw.ratio]' '[0,1]'
report -t 0
is '[.raw.hole_count, .raw.hole_duration == 0.000001, .raw.ratio]' \
    '[1,true,0.999999]'

# Over the hour

case_dir 'one hole over the hour'
hour ch/source/2025-11-15T02
seg 59:58 1.0 full
hour ch/source/2025-11-15T03
seg 00:05 2.0 full
report
is .raw.holes '[{"start":"2025-11-15T02:59:59.000000Z",'\
'"end":"2025-11-15T03:00:05.000000Z","duration":6}]'
is '[.hours[] | .raw | [.hole_count, .hole_duration]]' '[[1,1],[1,5]]'
is '.hours[1].raw.holes' '[{"start":"2025-11-15T03:00:00.000000Z",'\
'"end":"2025-11-15T03:00:05.000000Z","duration":5}]'
is '.missing_hours.count' 0

case_dir 'a hole that ends with the hour'
hour ch/source/2025-11-15T02
seg 59:56 2.0 full
hour ch/source/2025-11-15T03
seg 00:00 2.0 full
report
is '[.hours[] | .raw | [.hole_count, .hole_duration]]' '[[1,2],[0,0]]'

case_dir 'a segment over the hour'
hour ch/source/2025-11-15T02
seg 59:58 5.0 full
hour ch/source/2025-11-15T03
seg 00:05 2.0 full
report
is .raw.holes '[{"start":"2025-11-15T03:00:03.000000Z",'\
'"end":"2025-11-15T03:00:05.000000Z","duration":2}]'
is '[.hours[] | [.end, .raw.coverage, .raw.hole_count]]' \
    '[["2025-11-15T03:00:03.000000Z",5,0],["2025-11-15T03:00:07.000000Z",2,1]]'

case_dir 'an overlap over the hour is the later one'
hour ch/source/2025-11-15T02
seg 59:58 5.0 full
hour ch/source/2025-11-15T03
seg 00:00 6.0 suspect
report
is '[.hours[] | [.overlaps.full.count, .overlaps.suspect.duration,
    .raw.coverage, .editable.coverage]]' '[[0,0,5,5],[0,3,3,0]]'
is '[.raw.coverage, .editable.coverage, .raw.hole_count,
    .editable.hole_count]' '[8,5,0,0]'

case_dir 'a microsecond over the hour'
hour ch/source/2025-11-15T02
seg 59:58 1.999999 full
hour ch/source/2025-11-15T03
seg 00:00 2.0 full
report
is .raw.hole_count 0
report -t 0
is '[.raw.hole_count, .raw.hole_duration == 0.000001,
    .hours[0].raw.hole_count, .hours[1].raw.hole_count]' '[1,true,1,0]'

case_dir 'missing hours'
hour ch/source/2025-11-15T00
hour ch/source/2025-11-15T02
seg 59:00 60.0 full
hour ch/source/2025-11-15T04
hour ch/source/2025-11-15T05
seg 00:00 2.0 full
hour ch/source/2025-11-15T06
seg 00:00 2.0 temp
hour ch/source/2025-11-15T07
seg 00:00 2.0 full
tomb 00:00 2.0 full
hour ch/source/2025-11-15T08
: >"$hour/bad.ts"
hour ch/source/2025-11-16T01
seg 00:00 2.0 full
hour ch/source/2025-11-16T05
report
is_status 0
is .missing_hours '{"count":21,"ranges":['\
'{"first":"2025-11-15T03","last":"2025-11-15T04","count":2},'\
'{"first":"2025-11-15T06","last":"2025-11-16T00","count":19}]}'
is '[.raw.hole_count, .raw.hole_duration]' '[2,79198]'
is '[.hours[] | [.hour[8:], .raw.hole_count, .raw.hole_duration, .start]]' \
    '[["15T00",0,0,null],'\
'["15T02",0,0,"2025-11-15T02:59:00.000000Z"],["15T04",1,3600,null],'\
'["15T05",1,3598,"2025-11-15T05:00:00.000000Z"],["15T06",1,3600,null],'\
'["15T07",1,3600,null],["15T08",1,3600,null],'\
'["16T01",0,0,"2025-11-16T01:00:00.000000Z"],["16T05",0,0,null]]' \
    'before the first segment and after the last nothing is a hole'

case_dir 'an hour that is missing and covered'
hour ch/source/2025-11-15T02
seg 59:59 3600 full
hour ch/source/2025-11-15T04
seg 00:00 2.0 full
report
is '[.missing_hours.count, .raw.hole_count, .raw.hole_duration]' '[1,1,1]'

# Windows

case_dir 'a window: what spills into it'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 59:58 4.0 full
hour ch/source/2025-11-15T03
seg 00:02 3590.0 full
hour ch/source/2025-11-15T05
seg 00:10 2.0 full
report --first-hour 2025-11-15T03 --last-hour 2025-11-15T03
is_status 0
is '[.start, .end]' \
    '["2025-11-15T03:00:02.000000Z","2025-11-15T03:59:52.000000Z"]'
is '[.segments.full.count, .raw.coverage, .raw.hole_count]' '[1,3590,1]'
is .raw.holes '[{"start":"2025-11-15T03:59:52.000000Z",'\
'"end":"2025-11-15T04:00:00.000000Z","duration":8}]'
is '[.hours[] | .hour]' '["2025-11-15T03"]'
is .missing_hours.count 0
report --first-hour 2025-11-15T03
is '[.raw.hole_duration, .missing_hours.count]' '[3618,1]'
report --last-hour 2025-11-15T04
is '[.raw.hole_duration, .missing_hours.ranges]' '[7204,[{'\
'"first":"2025-11-15T04","last":"2025-11-15T04","count":1}]]'
report --last-hour 2025-11-15T02
is '[.raw.hole_duration, .raw.coverage]' '[3596,6]'

case_dir 'a window: an overlap from before it'
hour ch/source/2025-11-15T02
seg 59:58 4.0 full
hour ch/source/2025-11-15T03
seg 00:00 4.0 full
report --first-hour 2025-11-15T03
is '[.overlaps.full.duration, .raw.coverage, .editable.coverage,
    .raw.hole_count, .editable.hole_count]' '[2,2,0,0,0]'

case_dir 'a window: segments long before and after'
hour ch/source/2025-11-15T00
seg 00:00 2.0 full
hour ch/source/2025-11-15T01
seg 00:00 2.0 temp
hour ch/source/2025-11-15T03
seg 10:00 1800.0 full
hour ch/source/2025-11-15T07
report --first-hour 2025-11-15T02 --last-hour 2025-11-15T04
is '[.raw.hole_count, .raw.hole_duration]' '[1,4200]'
is .missing_hours '{"count":1,"ranges":[{"first":"2025-11-15T02",'\
'"last":"2025-11-15T02","count":1}]}'
report --first-hour 2025-11-14T22 --last-hour 2025-11-15T04
is '[.raw.hole_count, .raw.hole_duration, .missing_hours.count]' '[1,11398,2]'
hour ch/source/2025-11-15T09
seg 00:00 2.0 full
report --first-hour 2025-11-15T02 --last-hour 2025-11-15T04
is '[.raw.hole_count, .raw.hole_duration, .missing_hours.count]' '[2,9000,2]'

case_dir 'a window without segments'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
hour ch/source/2025-11-15T05
seg 00:00 2.0 full
report --first-hour 2025-11-15T03 --last-hour 2025-11-15T03
is_status 0
is '[.found, .start, .end, .age, .hours]' '[true,null,null,null,[]]'
is '[.raw.coverage, .raw.hole_duration, .raw.ratio]' '[0,3600,0]'
is .missing_hours.count 1
report --first-hour 2025-11-15T07
is '[.raw.hole_count, .raw.ratio, .missing_hours.count]' '[0,null,0]'
report --last-hour 2025-11-15T01
is '[.raw.hole_count, .raw.ratio, .missing_hours.count]' '[0,null,0]'

case_dir 'a window covered from outside'
hour ch/source/2025-11-15T02
seg 59:59 3600 full
hour ch/source/2025-11-15T04
seg 00:00 2.0 full
report --first-hour 2025-11-15T03 --last-hour 2025-11-15T03
is '[.raw.coverage, .raw.hole_duration, .raw.ratio]' '[0,1,0]'

# What could not be read

case_dir 'an unreadable hour'
hour ch/source/2025-11-15T02
seg 59:40 10.0 full
ln -s 2025-11-15T03 ch/source/2025-11-15T03
hour ch/source/2025-11-15T04
seg 00:05 2.0 full
report
is_status 2
err_lines 1
err_has ch/source/2025-11-15T03
jq_is '[.complete, (.errors | length)]' '[false,1]'
jq_is '.errors[0].path | endswith("ch/source/2025-11-15T03")' true
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration,
    .editable.hole_duration, .missing_hours.count]' '[12,2,15,15,0]'
is '[.hours[] | [.hour[11:], .readable, .raw.hole_duration, .start]]' \
    '[["02",true,10,"2025-11-15T02:59:40.000000Z"],["03",false,0,null],'\
'["04",true,5,"2025-11-15T04:00:05.000000Z"]]'
runs "$sc" -n ch
is_status 2
err_lines 1
out_has 2025-11-15T03

case_dir 'a quality whose disk is away'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
ln -s /nonexistent/disk2/480p ch/480p
run -n -f json -q 480p,source,720p ch
is_status 2
is_err <<'EOT'
segment-coverage: ./ch/480p: No such file or directory
EOT
jq_is '.complete, (.reports | map([.found, .raw.coverage]))' 'false
[[true,0],[true,2],[false,0]]'

case_dir 'an unreadable hour at an end'
mkdir -p ch/source
ln -s 2025-11-15T02 ch/source/2025-11-15T02
hour ch/source/2025-11-15T03
seg 00:05 2.0 full
ln -s 2025-11-15T05 ch/source/2025-11-15T05
report
is_status 2
is '[.start, .end]' \
    '["2025-11-15T03:00:05.000000Z","2025-11-15T03:00:07.000000Z"]'
is '[.raw.hole_count, .raw.hole_duration, .missing_hours.count]' '[2,7198,1]'

case_dir 'hours that fail'
for hour in 2025-11-15T02 2025-11-15T03 2025-11-15T04; do
	hour ch/source/$hour
	seg 00:00 3600 full
done
for fault in openat,openat2:error=EACCES openat,openat2:error=EIO \
    openat,openat2:error=ENAMETOOLONG getdents64:error=EIO:when=1 \
    getdents64:error=EIO:when=2; do
	strikes $fault ch/source/2025-11-15T03
	is_status 2
	err_lines 1
	err_has ch/source/2025-11-15T03
	is '[.raw.coverage, .raw.hole_count, .segments.full.count,
	    .missing_hours.count]' '[7200,0,2,0]' "$fault: no hole"
	is '.hours[1] | [.readable, .segments.full.count, .raw.coverage]' \
	    '[false,0,0]' "$fault: nothing of it is known"
done
strikes openat,openat2:error=ENOENT ch/source/2025-11-15T03
is_status 0
is_err </dev/null
is '[.hours[] | .hour[11:]]' '["02","04"]' 'gone is as if never there'
is '[.raw.hole_duration, .missing_hours.count]' '[3600,1]'

# Incomplete time

case_dir 'incomplete'
hour ch/source/2025-11-15T02
seg 00:00 2.0 suspect
seg 00:02.010000 2.0 partial
seg 00:04.010000 1.0 full
seg 00:05.010000 1.0 partial
seg 00:06.020001 1.0 partial
seg 00:08 2.0 full
seg 00:08 2.0 partial
seg 59:58 2.0 partial
hour ch/source/2025-11-15T03
seg 00:00 3.0 suspect
seg 00:01 1.0 suspect
report
is '.incomplete | [.count, .duration]' '[7,12]'
is '[.hours[] | .incomplete]' \
    '[{"count":5,"duration":8},{"count":2,"duration":4}]'
is .incomplete.spans '[{"start":"2025-11-15T02:00:00.000000Z",'\
'"end":"2025-11-15T02:00:04.010000Z","duration":4.01},'\
'{"start":"2025-11-15T02:00:05.010000Z",'\
'"end":"2025-11-15T02:00:06.010000Z","duration":1},'\
'{"start":"2025-11-15T02:00:06.020001Z",'\
'"end":"2025-11-15T02:00:07.020001Z","duration":1},'\
'{"start":"2025-11-15T02:59:58.000000Z",'\
'"end":"2025-11-15T03:00:03.000000Z","duration":5}]'
report --first-hour 2025-11-15T03
is .incomplete '{"count":2,"duration":4,"spans":['\
'{"start":"2025-11-15T03:00:00.000000Z",'\
'"end":"2025-11-15T03:00:03.000000Z","duration":3}]}'
report --last-hour 2025-11-15T02
is '.incomplete | [.count, .duration, .spans[-1].end]' \
    '[5,8,"2025-11-15T03:00:00.000000Z"]'

case_dir 'a zero-length one joins nothing'
hour ch/source/2025-11-15T02
seg 00:00 2.0 suspect
seg 00:02.005 0 suspect
seg 00:02.015 2.0 suspect
report
is '.incomplete | [.count, .duration, (.spans | length)]' '[3,4,2]'

done_testing
