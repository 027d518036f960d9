#!/bin/sh
# Life under cron: not a byte where all is well, a line for each thing that is
# not; and the command line that wubloader's docker-compose has.
. "${0%/*}/lib.sh"

now=2025-11-15T03:00:00Z

# check [OPTION...]: of channel ch
check() {
	run --check -f none --now $now "$@" ch
}

# well: exit status 0 and not one byte
well() {
	is_status 0
	silent
}

# finds STATUS LINES
finds() {
	is_status "$1"
	err_lines "$2"
	is_out 'nothing on stdout' </dev/null
}

case_dir 'all is well'
at 02 '00:00 3540 full, 59:00 60 full'
check
well
check --first-hour -2h --max-age 60
well
check --max-age 0
well
check --settle 0 --max-age 0 --first-hour 2025-11-15T02 --last-hour now
well
runs env -i "$sc" -c -f none --now $now --first-hour -2h --max-age 60 ch
well
runs sh -c '"$0" -c -f none --now "$1" ch || echo page' "$sc" $now
well

case_dir 'after the event'
at 02 '00:00 3600 full'
run -c -f none --now 2025-11-17 --last-hour 2025-11-15T02 --max-age 60 ch
well
run -c -f none --now 2025-11-17 --last-hour 2025-11-15T03 --max-age 1h ch
well
run -c -f none --now 2025-11-17 --last-hour 2025-11-15T03 --max-age 59m ch
finds 1 1
run -c -f none --now 2025-11-17 --max-age 60 ch
finds 1 1

case_dir 'still arriving'
at 02 '00:00 3560 full, 59:20 5 temp 5000 a, 59:40 20 full'
check --first-hour -2h --max-age 60
well
run -c -f none --now 2025-11-15T03:00:19 --first-hour -2h --max-age 60 ch
well
run -c -f none --now 2025-11-15T03:00:20 --first-hour -2h --max-age 60 ch
finds 1 1
err_has 'ch/source: a hole of 20'
mv "$hour/59:20-5-temp-a.ts" "$hour/59:20-20-full-Hash.ts"
run -c -f none --now 2025-11-15T03:00:20 --first-hour -2h --max-age 60 ch
well
run -c -f none --now 2025-11-15T03:02 --max-age 60 ch
finds 1 1
err_has 'ch/source: the newest segment ended '

case_dir 'windows'
at 00 '00:00 1800 full, 30:10 1780 full'
at 01 '10:00 3000 full'
at 02 '00:00 1800 full, 31:00 1740 full'
check
finds 1 3
check --last-hour 2025-11-15T00
finds 1 2
check --first-hour -2h
finds 1 2
check --first-hour -1h --settle 1800.000001
well
check --first-hour -1h --settle 30m
finds 1 1
check --first-hour 2025-11-15T01 --last-hour 2025-11-15T01 -t 609
finds 1 1
check --first-hour 2025-11-15T01 --last-hour 2025-11-15T01 -t 610
well
check --min-hole 600
finds 1 1
check --min-hole 611
well

case_dir 'everything at once'
at 02 '00:00 1800 full, 30:01 10 full'
mkdir -p ch/empty
hour ch/480p/2025-11-15T02
seg 00:00 3599 full
esc=$(printf '\033')
hour "esc${esc}[31m/480p/2025-11-15T02"
seg 00:00 3600 full
run -c -f none --now $now --max-age 60 -q source,480p,empty,none \
    ch "esc${esc}[31m"
finds 1 7
err_has 'ch/source: a hole of '
err_has 'ch/source: the newest segment ended '
err_has 'ch/empty: no segments'
err_has 'ch/none: no segments: no such quality'
err_has 'esc\x1b[31m/source: no segments: no such quality'
check -q 480p --max-age 60
well

case_dir 'it only looks'
at 02 '00:00 1800 full, 30:01 1799 full'
check --make-page --connection-string 'host=/nonexistent'
finds 1 1
check --make-page --node here=https://node.example.org --output-dir maps
finds 1 1
ok 'no map and no page' absent coverage-maps maps
run -c -f json --now $now ch
is_status 1
jq_is '.errors, .complete, .reports[0].raw.hole_count' '[]
true
1' 'the report is on stdout'
err_lines 1
check -m metrics.prom
finds 1 1
ok 'metrics too' grep -q '^segment_coverage_raw_holes{.*} 1$' metrics.prom
run -c -f json -r report.json --now $now ch
finds 1 1
same "$(jq '.reports[0].raw.hole_count' report.json)" 1 'or in a file'
leaves metrics.prom report.json

case_dir 'trouble'
at 02 '00:00 1800 full, 30:01 1799 full'
ln -s 2025-11-15T01 ch/source/2025-11-15T01
check
finds 2 2
err_has './ch/source/2025-11-15T01: Too many levels of symbolic links'
rm ch/source/2025-11-15T01
check -m /nonexistent/metrics.prom
finds 2 2
err_has '/nonexistent/metrics.prom: '
check -t 1 -m /nonexistent/metrics.prom
finds 2 1
run -c -f none --now $now ch other
finds 2 2
err_has 'segment-coverage: ./other: no such channel; there are: ch'

case_dir 'silence'
for quality in source 480p; do
	hour desertbus/$quality/2025-11-15T02
	seg 00:00 3600 full
done
run -f none --now $now -q source,480p desertbus
well
runs env -i sh -c 'cd /; exec "$0" "$@"' "$sc" -b "$PWD" -f none --now $now \
    -q source,480p --make-page --node here=https://node.example.org \
    -m "$PWD/coverage.prom" desertbus
well
for streams in '>&- 2>&-' '>/dev/full 2>/dev/full'; do
	runs env -i sh -c "\"\$0\" \"\$@\" $streams" "$sc" -c -f none \
	    --now $now desertbus
	well
done
leaves coverage-maps coverage.prom
for quality in source 480p; do
	for suffix in png json html; do
		leaves coverage-maps/desertbus_${quality}_coverage.$suffix
	done
done

# What wubloader's docker-compose passes, word for word, in the order that it
# has: the last hour is in the future for as long as the event goes on.
case_dir 'compose'
for quality in source 480p; do
	for hour in 2025-11-15T01 2025-11-15T02; do
		hour desertbus/$quality/$hour
		seg 00:00 3600 full
	done
	for suffix in png json html; do
		leaves coverage-maps/desertbus_${quality}_coverage.$suffix
	done
done
leaves coverage-maps
compose() {
	run desertbus --base-dir "$PWD" --qualities source,480p \
	    --first-hour 2025-11-14T00:00:00Z --last-hour 2025-11-22T00:00:00Z \
	    --make-page --now $now "$@"
}
compose --connection-string "dbname='wubloader' host='postgres' \
password='dbfh2019' port='5432' user='vst'" --check --format none --max-age 60
well
compose --node node1=https://node1.example.org --format none --run-once
well
# width of the map: 8 days and an hour, ten minutes a column
same "$(od -An -tu1 -j16 -N8 coverage-maps/desertbus_480p_coverage.png |
    tr -s ' ')" ' 0 0 4 134 0 0 1 44' 'the map is the whole event'
compose --no-map --node node1=https://node1.example.org --format json
is_status 0
is_err </dev/null
jq_is '[.first_hour, .last_hour], (.reports[] | [.age, .raw.hole_count,
    .raw.ratio])' '["2025-11-14T00","2025-11-22T00"]
[0,0,1]
[0,0,1]' 'what is yet to come is no hole'

done_testing
