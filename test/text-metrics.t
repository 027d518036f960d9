#!/bin/sh
# SPDX-License-Identifier: MIT
# Metrics, as a real node_exporter and promtool take them.
. "${0%/*}/lib.sh"

now=2025-11-15T08:00:00.25Z

# exporter DIR: a node_exporter that serves its *.prom files; $url is where
exporter=''
trap '[ -z "$exporter" ] || kill $exporter; cd /; rm -rf "$tmp"' EXIT
exporter() {
	port=$(/usr/bin/python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])')
	url=http://127.0.0.1:$port/metrics
	prometheus-node-exporter --collector.disable-defaults \
	    --collector.textfile --collector.textfile.directory="$1" \
	    --web.listen-address="127.0.0.1:$port" \
	    --web.disable-exporter-metrics >"$tmp/exporter" 2>&1 &
	exporter=$!
}

# agree [--served] HOURS METRICS JSON...: the same values
agree() {
	ok "metrics are JSON's ($1 $2)" "$here/metrics.py" "$@"
}

# archive CHANNEL: in source a bit of everything, in 480p next to nothing
archive() {
	hour "$1/source/2025-11-15T02"
	seg 00:00.5 10 full
	seg 00:00.5 9 full 0 Others
	seg 00:08 3 suspect 1
	seg 00:08 3 suspect 2 Others
	seg 00:12 2.002 partial
	seg 59:59 2.000001 full
	seg 59:59.1 2 temp
	seg 00:20 2 full
	tomb 00:20 2 full
	: >"$hour/zzz.ts"
	mkdir "$1/source/2025-11-15T03"
	hour "$1/source/2025-11-15T05"
	seg 00:00 3600 full
	ln -s 2025-11-15T06 "$1/source/2025-11-15T06"
	hour "$1/source/2025-11-15T07"
	seg 00:00.1 3599.9 full
	mkdir -p "$1/480p/2025-11-15T07"
}

case_dir 'promtool'
archive ch
mkdir ch/180p
run -n -f json --now "$now" -m m.prom -q source,480p,180p,none ch
leaves m.prom
is_status 2
promtool check metrics <m.prom >"$out" 2>&1
is_out 'it dislikes only the two names that are not ours' <<'EOT'
overlap_count non-histogram and non-summary metrics should not have "_count" suffix
segment_count non-histogram and non-summary metrics should not have "_count" suffix
EOT
run -n -f json --now "$now" -m m.prom -q source ch
agree 168 m.prom "$out"
sed -n '/^raw_coverage/p;/^segment_count.*full/p;/_covered_/p;/newest_/p' m.prom |
    grep -v -e 'T0[357]' -e 480p -e editable >"$out"
is_out 'byte for byte' <<'EOT'
segment_count{channel="ch",quality="source",hour="2025-11-15T02",type="full"} 3
raw_coverage{channel="ch",quality="source",hour="2025-11-15T02"} 14.502001
# HELP segment_coverage_raw_covered_seconds Seconds that segments cover.
# TYPE segment_coverage_raw_covered_seconds gauge
segment_coverage_raw_covered_seconds{channel="ch",quality="source"} 7214.402001
# HELP segment_coverage_newest_segment_timestamp_seconds When the stream's newest segment ends, in the window or not.
# TYPE segment_coverage_newest_segment_timestamp_seconds gauge
segment_coverage_newest_segment_timestamp_seconds{channel="ch",quality="source"} 1763193600
EOT

case_dir 'two files at one time, and hostile labels'
archive ch
evil=$(printf 'a"b\\c\nd\\n\t\033[31m\303\244\360\237\232\214{x="y"} 1 #')
broken=$(printf '\377\342\202')
archive "$evil"
mkdir "$evil/$broken" metrics
"$sc" -n -f json --now "$now" -m metrics/ch.prom -q source,480p ch \
    >"$tmp/ch.json" 2>"$err"
run -n -f json --now "$now" --metrics-hours 2 -q "source,$broken" \
    -m metrics/evil.prom "$evil"
cp "$out" "$tmp/evil.json"
leaves metrics/evil.prom
agree 168 metrics/ch.prom "$tmp/ch.json"
agree 2 metrics/evil.prom "$tmp/evil.json"
exporter "$PWD/metrics"
ok 'node_exporter answers' curl -sSf --retry 30 --retry-delay 1 \
    --retry-connrefused -o served "$url" || diag <"$tmp/exporter"
same "$(grep ^node_textfile_scrape_error served)" \
    'node_textfile_scrape_error 0' 'and takes every file'
# of the second only two hours have series of their own
jq '.reports |= map(.hours |= .[-2:])' "$tmp/evil.json" >"$tmp/two.json"
agree --served 168 served "$tmp/ch.json" "$tmp/two.json"

case_dir 'hours that have series of their own'
archive ch
# the newest but one cannot be read
for hours in 0:0 1:1 2:1 4:3 5:4 1000000:4; do
	run -n -f json --now "$now" -m m.prom --metrics-hours "${hours%:*}" ch
	leaves m.prom
	agree "${hours%:*}" m.prom "$out"
	same "$(grep -c ^raw_holes m.prom)" "${hours#*:}" \
	    "series of ${hours#*:} with --metrics-hours ${hours%:*}"
done
run -n -f none --now "$now" -m m.prom --metrics-hours 0 ch
same "$(grep -v '^#' m.prom | grep -vc ^segment_coverage_)" 0 \
    'none without them'

case_dir 'nothing is known of what could not be read'
mkdir ch
: >ch/file
run -f none -n -m m.prom -q file,none ch
leaves m.prom
grep '"file"' m.prom | grep -v -e _run_ -e _build_ >"$out"
is_out <<'EOT'
segment_coverage_found{channel="ch",quality="file"} 1
EOT
ok 'what has not begun has no holes' grep -q 'raw_holes.*"none"} 0' m.prom

# gauges WANTED OPTION...: those that alerts read: of known and recent holes,
# segments ahead and how long the stream has stalled
gauges() {
	wanted=$1
	shift
	run -n -f none -m m.prom "$@" ch
	leaves m.prom
	same "$(sed -n 's/^segment_coverage_\(.*\){.*} /\1 /p' m.prom | sort |
	    grep -e recent_ -e known_ -e stalled_ -e ahead_ -e newest_ |
	    sed 's/.* //' | tr '\n' ' ')" "$wanted " "$*"
}

case_dir 'what alerts read'
at 06 '00:00 3600 full'
at 07 '00:00 600 full, 10:10 590 full, 20:20 2375 full, 59:56 2 full'
# the hole that still settles is not recent
gauges '0 0 1763193598 30 0' --now 2025-11-15T08:00:00
# nor is what began an hour ago; the stream has stopped
gauges '0 0 1763193598 21 902' --now 2025-11-15T08:15:00
gauges '0 0 1763193598 0 0' --now 2025-11-15T12:00 --last-hour 2025-11-15T08
at 09 '00:00 2 full, 00:02 2 full'
printf '*\t*\t2025-11-15T07:20:00Z\t2025-11-15T07:20:20Z\n' >known
# the newest is the stream's; nothing stalls once the window has ended
gauges '0 0 1763193598 0 0' --now 2025-11-15T08:15:00 \
    --last-hour 2025-11-15T06 --known known
gauges '2 20 1763193598 21 902' --now 2025-11-15T08:15:00 \
    --first-hour 2025-11-15T07 --known known
done_testing
