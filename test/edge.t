#!/bin/sh
# The edge of a stream that goes on: segments that are published, in order,
# while the hours on both sides of the hour's turn are read.
. "${0%/*}/lib.sh"

command -v strace >/dev/null || skip_all 'no strace here'

# turn HOUR [OPTION...]: what a run says that comes to HOUR a second late,
# while a segment ends hour 01 and one begins hour 02
turn() {
	path=ch/source/2025-11-15T$1
	shift
	leaves ch/source/2025-11-15T01/59:58-2.0-full-Hash.ts \
	    ch/source/2025-11-15T02/00:00-2.0-full-Hash.ts
	hour ch/source/2025-11-15T01
	seg 59:56 2.0 full
	hour ch/source/2025-11-15T02
	seg 00:00 2.0 temp
	sleep 0.1	# what is younger is read twice
	# shellcheck disable=SC2016
	runs sh -c '{ sleep 0.5; : >"$1"; : >"$2"; } & shift 2; exec "$@"' sh \
	    ch/source/2025-11-15T01/59:58-2.0-full-Hash.ts \
	    ch/source/2025-11-15T02/00:00-2.0-full-Hash.ts \
	    strace -f -e quiet=all -o "$tmp/strace" \
	    -E ASAN_OPTIONS=detect_leaks=0 -e trace=open,openat \
	    -P "$path" -P "./$path" -e inject=open,openat:delay_enter=1000000 \
	    "$sc" -n -f json --now 2025-11-15T02:10:00 "$@" ch
	is_status 0
	ok "$path is late" grep -q DELAYED "$tmp/strace"
	jq_is '.complete, .reports[0].raw.holes' 'true
[]' 'no hole'
}

for jobs in 1 2 8; do
	for late in 01 02; do
		case_dir "hour $late is late, --jobs $jobs"
		turn "$late" --jobs $jobs
		case_dir "hour $late is late, --jobs $jobs, before the window"
		turn "$late" --jobs $jobs --first-hour 2025-11-15T02
		case_dir "hour $late is late, --jobs $jobs, after the window"
		turn "$late" --jobs $jobs --last-hour 2025-11-15T01
	done
done

case_dir 'many hours'
for number in $(seq -w 0 23); do
	hour "ch/source/2025-11-14T$number"
	seg 00:00 3600 full
done
hour ch/source/2025-11-15T00
seg 00:00 3600 full
hour ch/source/2025-11-15T01
seg 00:00 3596 full
turn 02
jq_is '.reports[0].hours | length' 27

done_testing
