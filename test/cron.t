#!/bin/sh
# Life under cron: not a byte where all is well, and whom --check wakes up for
# what; and the command line that wubloader's docker-compose has.
. "${0%/*}/lib.sh"

now=2025-11-15T03:00:00Z

# check [OPTION...]: of channel ch
check() {
	run --check -f none --now $now "$@" ch
}

# finds LINE...: exit status 1, just these lines on stderr
finds() {
	is_status 1
	said "$@"
}

# troubled LINE...: exit status 2, just these lines on stderr
troubled() {
	is_status 2
	said "$@"
}

said() {
	printf 'segment-coverage: %s\n' "$@" >"$tmp/said"
	is_err 'what it says' <"$tmp/said"
	is_out 'nothing on stdout' </dev/null
}

# well: exit status 0 and not one byte
well() {
	is_status 0
	silent
}

# minute FROM TO: segments of ten seconds, from the one second to the other
# of the hour's minute 59
minute() {
	for second in 00 10 20 30 40 50; do
		if [ "$second" -ge "$1" ] && [ "$second" -lt "$2" ]; then
			seg "59:$second" 10.0 full
		fi
	done
}

case_dir 'all is well'
hour ch/source/2025-11-15T02
seg 00:00 3540 full
minute 0 60
check
well
check --first-hour -2h --max-age 60
well
check --max-age 0
well
check --settle 0 --max-age 0 --first-hour 2025-11-15T02 --last-hour now
well
run -c -f none --now $now ch --first-hour=-2h
well
runs env -i "$sc" -c -f none --now $now --first-hour -2h --max-age 60 ch
well
runs env -i "$sc" -c -f none --now 2025-11-15T03:00:01 --settle 0 ch
well
runs sh -c '"$0" -c -f none --now "$1" ch || echo page' "$sc" $now
well

case_dir 'still arriving'
hour ch/source/2025-11-15T02
seg 00:00 3540 full
minute 0 20
seg 59:20 5.0 temp 5000 00000000-0000-0000-0000-000000000000
minute 40 60
check --first-hour -2h --max-age 60
well
run -c -f none --now 2025-11-15T03:00:19 --first-hour -2h --max-age 60 ch
well
run -c -f none --now 2025-11-15T03:00:20 --first-hour -2h --max-age 60 ch
finds 'ch/source: a hole of 20 s from 2025-11-15T02:59:20.000000Z to 2025-11-15T02:59:40.000000Z'
mv "$hour/59:20-5.0-temp-00000000-0000-0000-0000-000000000000.ts" \
    "$hour/59:20-10.0-full-Hash.ts"
seg 59:30 10.0 full
run -c -f none --now 2025-11-15T03:00:20 --first-hour -2h --max-age 60 ch
well

case_dir 'windows'
hour ch/source/2025-11-15T00
seg 00:00 1800 full
seg 30:10 1780 full
hour ch/source/2025-11-15T01
seg 10:00 3000 full
hour ch/source/2025-11-15T02
seg 00:00 1800 full
seg 31:00 1740 full
hole1='ch/source: a hole of 10 s from 2025-11-15T00:30:00.000000Z to 2025-11-15T00:30:10.000000Z'
hole2='ch/source: a hole of 610 s from 2025-11-15T00:59:50.000000Z to 2025-11-15T01:10:00.000000Z'
hole3='ch/source: a hole of 60 s from 2025-11-15T02:30:00.000000Z to 2025-11-15T02:31:00.000000Z'
check
finds "$hole2" "$hole3" "$hole1"
check --first-hour 2025-11-15
finds "$hole2" "$hole3" "$hole1"
check --last-hour 2025-11-15T00
finds "$hole1" 'ch/source: a hole of 10 s from 2025-11-15T00:59:50.000000Z to 2025-11-15T01:00:00.000000Z'
check --first-hour -2h
finds 'ch/source: a hole of 600 s from 2025-11-15T01:00:00.000000Z to 2025-11-15T01:10:00.000000Z' \
    "$hole3"
check --first-hour -1h
finds "$hole3"
check --first-hour -1h --settle 1800.000001
well
check --first-hour -1h --settle 1800
finds "$hole3"
check --first-hour 2025-11-15T01 --last-hour 2025-11-15T01
finds 'ch/source: a hole of 600 s from 2025-11-15T01:00:00.000000Z to 2025-11-15T01:10:00.000000Z'
check --first-hour 2025-11-15T01 --last-hour 2025-11-15T01 -t 600
finds 'ch/source: a hole of 600 s from 2025-11-15T01:00:00.000000Z to 2025-11-15T01:10:00.000000Z'
check --first-hour 2025-11-15T01 --last-hour 2025-11-15T01 -t 610
well

case_dir 'everything at once'
hour ch/source/2025-11-15T02
seg 00:00 1800 full
seg 30:01 10 full
mkdir -p ch/empty
hour ch/480p/2025-11-15T02
seg 00:00 3599 full
weird='we"ird\x'
weird=${weird%x}
hour "$weird/source/2025-11-15T02"
seg 00:00 1800 full
esc=$(printf '\033')
hour "esc${esc}[31m/480p/2025-11-15T02"
seg 00:00 3540 full
seg 59:00 60 full
run -c -f none --now $now --max-age 60 -q source,480p,empty,none \
    ch "$weird" "esc${esc}[31m"
finds 'ch/source: a hole of 1 s from 2025-11-15T02:30:00.000000Z to 2025-11-15T02:30:01.000000Z' \
    'ch/source: the newest segment ended 1789 s ago, at 2025-11-15T02:30:11.000000Z; --max-age is 60 s' \
    'ch/empty: no segments' \
    'ch/none: no segments: no such quality' \
    'we"ird\\/source: the newest segment ended 1800 s ago, at 2025-11-15T02:30:00.000000Z; --max-age is 60 s' \
    'we"ird\\/480p: no segments: no such quality' \
    'we"ird\\/empty: no segments: no such quality' \
    'we"ird\\/none: no segments: no such quality' \
    'esc\x1b[31m/source: no segments: no such quality' \
    'esc\x1b[31m/empty: no segments: no such quality' \
    'esc\x1b[31m/none: no segments: no such quality'
check -q 480p --max-age 60
well

case_dir 'it only looks'
hour ch/source/2025-11-15T02
seg 00:00 1800 full
seg 30:01 1799 full
hole='ch/source: a hole of 1 s from 2025-11-15T02:30:00.000000Z to 2025-11-15T02:30:01.000000Z'
check --make-page --connection-string 'host=/nonexistent'
finds "$hole"
check --make-page --node here=https://node.example.org --output-dir maps
finds "$hole"
ok 'no map and no page' absent coverage-maps maps
run -c -f json --now $now ch
is_status 1
jq_is '.errors, .complete, .reports[0].raw.hole_count' '[]
true
1' 'the report is on stdout'
is_err <"$tmp/said"
run -c --now $now ch
is_status 1
ok 'as text too' grep -q "^ch/source: 99.97 % covered" "$out"
is_err <"$tmp/said"
check -m metrics.prom
finds "$hole"
ok 'metrics too' grep -q "^segment_coverage_raw_holes{.*} 1\$" metrics.prom
run -c -f json -r report.json --now $now ch
finds "$hole"
same "$(jq '.reports[0].raw.hole_count' report.json)" 1 'or in a file'
leaves metrics.prom report.json

case_dir 'trouble'
hour ch/source/2025-11-15T01
seg 59:00 60 full
hour ch/source/2025-11-15T02
seg 00:00 1800 full
seg 30:01 1799 full
mkdir ch/low
: >ch/file
ln -s 2025-11-15T00 ch/source/2025-11-15T00
hole='ch/source: a hole of 1 s from 2025-11-15T02:30:00.000000Z to 2025-11-15T02:30:01.000000Z'
loop='./ch/source/2025-11-15T00: Too many levels of symbolic links'
gap='ch/source: a hole of 3540 s from 2025-11-15T01:00:00.000000Z to 2025-11-15T01:59:00.000000Z'
check
troubled "$loop" "$gap" "$hole"
check -q low,source
troubled "$loop" 'ch/low: no segments' "$gap" "$hole"
check --first-hour 2025-11-15T02
finds "$hole"
check --first-hour 2025-11-15T02 -t 1
well
check -q source --first-hour 2025-11-15T02 -m /nonexistent/metrics.prom
troubled '/nonexistent/metrics.prom: the directory that it goes to does not exist: make it' "$hole"
check -q source --first-hour 2025-11-15T02 -t 1 -m /nonexistent/metrics.prom
troubled '/nonexistent/metrics.prom: the directory that it goes to does not exist: make it'
run -c -f none --now $now --first-hour 2025-11-15T02 ch other
is_status 2
err_has "segment-coverage: ./other: no such channel; there are: ch"
err_has "segment-coverage: $hole"

case_dir 'silence'
hour desertbus/source/2025-11-15T02
seg 00:00 3600 full
hour desertbus/480p/2025-11-15T02
seg 00:00 3600 full
run -f none --now $now -q source,480p desertbus
well
runs env -i "$sc" -b "$PWD" -f none --now $now -q source,480p \
    -m "$PWD/coverage.prom" desertbus
well
runs env -i sh -c 'cd /; exec "$0" "$@"' "$sc" -b "$PWD" -f none --now $now \
    -q source,480p --make-page --node here=https://node.example.org desertbus
well
runs env -i sh -c '"$0" "$@" >&- 2>&-' "$sc" -c -f none --now $now desertbus
well
runs env -i sh -c '"$0" "$@" >/dev/full 2>/dev/full' "$sc" -c -f none \
    --now $now desertbus
well
leaves coverage-maps coverage.prom \
    coverage-maps/desertbus_source_coverage.png \
    coverage-maps/desertbus_source_coverage.html \
    coverage-maps/desertbus_480p_coverage.png \
    coverage-maps/desertbus_480p_coverage.html

# What wubloader's docker-compose passes, word for word, in the order that it
# has: the last hour is in the future for as long as the event goes on.
case_dir 'compose'
for quality in source 480p; do
	for hour in 2025-11-15T01 2025-11-15T02; do
		hour desertbus/$quality/$hour
		seg 00:00 3600 full
	done
done
compose() {
	run desertbus --base-dir "$PWD" --qualities source,480p \
	    --first-hour 2025-11-14T00:00:00Z --last-hour 2025-11-22T00:00:00Z \
	    --make-page "$@"
}
compose --connection-string "dbname='wubloader' host='postgres' \
password='dbfh2019' port='5432' user='vst'" --check --format none --now $now \
    --max-age 60
well
compose --node node1=https://node1.example.org --format none --now $now
well
# width of the map: 8 days and an hour, ten minutes a column
ok 'the map is the whole event' \
    [ "$(od -An -tu1 -j16 -N8 coverage-maps/desertbus_480p_coverage.png |
    tr -s " ")" = " 0 0 4 134 0 0 1 44" ]
compose --no-map --node node1=https://node1.example.org --format json \
    --now $now
is_status 0
is_err </dev/null
jq_is '.first_hour, .last_hour, [.reports[] | [.quality, .start, .end, .age,
    .raw.hole_count, .raw.ratio]]' '"2025-11-14T00"
"2025-11-22T00"
[["source","2025-11-15T01:00:00.000000Z","2025-11-15T03:00:00.000000Z",0,0,1],'\
'["480p","2025-11-15T01:00:00.000000Z","2025-11-15T03:00:00.000000Z",0,0,1]]' \
    'what is yet to come is no hole'
leaves coverage-maps \
    coverage-maps/desertbus_source_coverage.png \
    coverage-maps/desertbus_source_coverage.html \
    coverage-maps/desertbus_480p_coverage.png \
    coverage-maps/desertbus_480p_coverage.html

done_testing
