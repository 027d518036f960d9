#!/bin/sh
# SPDX-License-Identifier: MIT
# What is reported of a timeline: windows, hours that cannot be read or change
# meanwhile, time that is ahead of the clock or expected.
. "${0%/*}/lib.sh"

# late PATH COMMANDS OPTION...: COMMANDS are run while PATH is about to be opened
late() {
	path=$1 meanwhile=$2
	shift 2
	: >"$tmp/strace"
	runs sh -c '{ until [ -s "$0" ]; do sleep 0.01; done; eval "$1"; } &
	    shift; "$@"; status=$?; wait; [ ! -d ch/old ] || mv ch/old ch/source
	    exit $status' "$tmp/strace" "$meanwhile" \
	    strace -f -e quiet=all -o "$tmp/strace" \
	    -E ASAN_OPTIONS=detect_leaks=0 -P "$path" -P "./$path" \
	    -P "${path##*/}" -e inject=open,openat:delay_enter=400000 \
	    "$sc" -n -f json "$@" ch
	ok "$path is late" grep -q DELAYED "$tmp/strace"
}

# Windows

case_dir 'a window: what spills into it'
at 02 '00:00 2 full, 59:58 4 full'
at 03 '00:00 4 full, 00:04 3586 full'
at 05 '00:10 2 full'
report --first-hour 2025-11-15T03 --last-hour 2025-11-15T03
is '[.start, .end]' \
    '["2025-11-15T03:00:00.000000Z","2025-11-15T03:59:50.000000Z"]'
is '[.segments.full.count, .raw.coverage, .overlaps.full.duration,
    .editable.coverage]' '[2,3588,2,3586]'
is '[.raw.hole_count, .raw.hole_duration, .missing_hours.count]' '[1,10,0]'
is '[.hours[] | .hour]' '["2025-11-15T03"]'
report --last-hour 2025-11-15T04
is '[.raw.hole_duration, .missing_hours.ranges]' '[7206,[{'\
'"first":"2025-11-15T04","last":"2025-11-15T04","count":1}]]'

# What could not be read

case_dir 'an unreadable hour'
at 02 '59:40 10 full'
ln -s /nonexistent/disk2 ch/source/2025-11-15T03
at 04 '00:05 2 full'
report
is_status 2
is_err <<'EOT'
segment-coverage: ./ch/source/2025-11-15T03: No such file or directory
EOT
jq_is '[.complete, (.errors | map(.path))]' \
    '[false,["./ch/source/2025-11-15T03"]]'
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration,
    .editable.hole_duration, .missing_hours.count]' '[12,2,15,15,0]'
is '[.hours[] | [.hour[11:], .readable, .raw.hole_duration]]' \
    '[["02",true,10],["03",false,0],["04",true,5]]'
is .unreadable_hours '{"count":1,"ranges":[{"first":"2025-11-15T03",'\
'"last":"2025-11-15T03","count":1}]}'

case_dir 'an hour that goes before it is read'
at 02 '00:00 3600 full'
at 03
at 04 '00:00 3600 full'
late ch/source/2025-11-15T03 'rmdir ch/source/2025-11-15T03' --now 2025-11-16
is_status 0
is_err </dev/null
is '[.hours[] | .hour[11:]]' '["02","04"]' 'gone is as if never there'
is '[.raw.hole_duration, .missing_hours.count]' '[3600,1]'

case_dir 'an hour that goes before it is read again'
at 02 '00:00 2 full'
at 03 '30:00 2 full'
late ch/source/2025-11-15T03 'rm -r ch/source/2025-11-15T02' --now 2025-11-16 \
    -j 1
is_status 0
is_err </dev/null
is '[.hours[] | .hour[11:]], .raw.hole_count' '["03"]
0'

# Ahead of the clock, expected

case_dir 'a segment ahead of the clock'
at 02 '00:00 2 full'
at 03 '00:00 2 full, 01:00 2 full, 01:00.000001 2 full, 05:00 2 temp'
at 05 '00:00 2 partial'
report --now 2025-11-15T03:00:00
is_status 0
is '[.segments[] | .count]' '[3,0,0,1,0,0,2,0]'
is '[.end, .age, .raw.coverage, .raw.hole_duration]' \
    '["2025-11-15T03:01:02.000000Z",-62,6,3656]'
is '[.hours[] | .segments.ahead.count]' '[0,1,1]'

case_dir 'a stream that was to begin'
at 02 '30:00 2 full'
at 04 '00:00 2 full'
report --expect 2025-11-15T02:29:00
is '[.raw.hole_count, .editable.hole_duration, .raw.holes[0].duration, .start]' \
    '[2,5458,60,"2025-11-15T02:30:00.000000Z"]'
for time in 2025-11-15T02:30:00 2025-11-15T02:30:01 2025-11-15T05:00; do
	report --expect $time
	is '[.raw.hole_count, .raw.hole_duration]' '[1,5398]' \
	    "expected $time, it was there"
done
report --expect 2025-11-15T02:29 --first-hour 2025-11-15T03
is '[.raw.hole_count, .raw.hole_duration]' '[1,3600]' 'not in the window'
rm -r ch/source/2025-11-15T02
report --expect 2025-11-15T02:29 --first-hour 2025-11-15T03
is .raw.hole_count 0 'nor is it where nothing was before'

# While it is read

case_dir 'a quality that is renamed while it is read'
for hour in 00 01 02 03 04 05; do
	at $hour '00:00 3600 full'
done
late ch/source/2025-11-15T05 'mv ch/source ch/old' --now 2025-11-15T06 -j 1
is_status 0
is '[.raw.coverage, .raw.hole_count, .missing_hours.count]' '[21600,0,0]'

# An hour is read late: meanwhile a segment ends the hour 01 and one begins 02,
# the newest one with segments.
last=ch/source/2025-11-15T01/59:58-2-full-Hash.ts
first=ch/source/2025-11-15T02/00:00-2-full-Hash.ts
for order in '01 1' '02 8' '01 1 03' '02 1 03' '03 1 03' '01 8 03' '02 8 03' \
    '03 8 03'; do
	case_dir "read late, --jobs, later without segments: $order"
	# shellcheck disable=SC2086
	set -- $order
	at 01 '00:00 3598 full'
	at 02
	: >"$hour/chat.json"
	[ $# -eq 2 ] || at "$3"
	leaves $last $first
	touch -d '1 hour ago' ch/source/*
	late "ch/source/2025-11-15T$1" ": >$last; : >$first" \
	    --now 2025-11-15T02:10:00 --jobs "$2"
	is_status 0
	jq_is '.complete, .reports[0].raw.holes' 'true
[]' 'no hole'
done

case_dir 'an hour is finished before an old one'
at 03 '00:00 2 full'
at 02 '00:00 3598 full'
last=$hour/59:58-2-full-Hash.ts
leaves "$last"
touch -d '1 hour ago' ch/source/2025-11-15T03
late ch/source/2025-11-15T03 ": >'$last'" --now 2025-11-15T03:10:00
is_status 0
jq_is '.complete, .reports[0].raw.holes' 'true
[]' 'no hole'

done_testing
