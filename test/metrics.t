#!/bin/sh
# Metrics, as a real node_exporter and promtool take them.
. "${0%/*}/lib.sh"

now=2025-11-15T08:00:00.25Z

# exporter DIR: a node_exporter that serves the directory's *.prom files, as
# another user where we may choose; $url is where
exporter=''
trap '[ -z "$exporter" ] || kill $exporter; cd /; rm -rf "$tmp"' EXIT
exporter() {
	port=$(/usr/bin/python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])')
	url=http://127.0.0.1:$port/metrics
	set -- prometheus-node-exporter --collector.disable-defaults \
	    --collector.textfile --collector.textfile.directory="$1" \
	    --web.listen-address="127.0.0.1:$port" --web.disable-exporter-metrics
	if [ "$(id -u)" -eq 0 ]; then
		chmod 711 "$tmp" "$tmp/cases"
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
	"$@" >"$tmp/exporter" 2>&1 &
	exporter=$!
}

# scrape: what is served, in the file $served; waits for it at first
served=$tmp/served
scrape() {
	/usr/bin/python3 - "$url" >"$served" 2>"$tmp/scrape" <<'EOT'
import sys
import time
import urllib.request
for _ in range(300):
    try:
        sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())
        break
    except ConnectionError:
        time.sleep(0.1)
    except OSError as error:
        if not isinstance(getattr(error, "reason", None), ConnectionError):
            raise
        time.sleep(0.1)
else:
    sys.exit("nobody answers")
EOT
	ok 'node_exporter answers' [ $? -eq 0 ] ||
	    cat "$tmp/scrape" "$tmp/exporter" | diag
	same "$(grep ^node_textfile_scrape_error "$served")" \
	    'node_textfile_scrape_error 0' 'and takes every file'
}

# agree [--served] HOURS METRICS JSON...: the same values
agree() {
	"$here/metrics.py" "$@" >"$tmp/differences" 2>&1
	ok "metrics are JSON's ($1 $2)" [ $? -eq 0 ] ||
	    head "$tmp/differences" | diag
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
promtool check metrics <m.prom >"$tmp/lint" 2>&1
same "$?" 3 'it has something to say'
cat >"$tmp/wanted" <<'EOT'
overlap_count non-histogram and non-summary metrics should not have "_count" suffix
segment_count non-histogram and non-summary metrics should not have "_count" suffix
EOT
same_file "$tmp/wanted" "$tmp/lint" 'of the two names that are not ours'
agree 168 m.prom "$out"
grep -e T02 -e '_covered_.*source' -e '_timestamp_' m.prom |
    grep -v -e '^segment_d' -e '^overlap_' >"$tmp/got"
cat >"$tmp/wanted" <<'EOT'
segment_count{channel="ch",quality="source",hour="2025-11-15T02",type="full"} 3
segment_count{channel="ch",quality="source",hour="2025-11-15T02",type="suspect"} 2
segment_count{channel="ch",quality="source",hour="2025-11-15T02",type="partial"} 1
segment_count{channel="ch",quality="source",hour="2025-11-15T02",type="bad"} 1
raw_coverage{channel="ch",quality="source",hour="2025-11-15T02"} 14.502001
editable_coverage{channel="ch",quality="source",hour="2025-11-15T02"} 14.002001
raw_holes{channel="ch",quality="source",hour="2025-11-15T02"} 2
editable_holes{channel="ch",quality="source",hour="2025-11-15T02"} 2
segment_coverage_raw_covered_seconds{channel="ch",quality="source"} 7214.402001
segment_coverage_editable_covered_seconds{channel="ch",quality="source"} 7213.902001
# HELP segment_coverage_oldest_segment_timestamp_seconds When the oldest segment starts; none without a segment.
# TYPE segment_coverage_oldest_segment_timestamp_seconds gauge
segment_coverage_oldest_segment_timestamp_seconds{channel="ch",quality="source"} 1763172000.5
# HELP segment_coverage_newest_segment_timestamp_seconds When the newest segment ends; none without a segment.
# TYPE segment_coverage_newest_segment_timestamp_seconds gauge
segment_coverage_newest_segment_timestamp_seconds{channel="ch",quality="source"} 1763193600
# HELP segment_coverage_run_timestamp_seconds When the program ran.
# TYPE segment_coverage_run_timestamp_seconds gauge
segment_coverage_run_timestamp_seconds{channel="ch",quality="source"} 1763193600.25
segment_coverage_run_timestamp_seconds{channel="ch",quality="480p"} 1763193600.25
segment_coverage_run_timestamp_seconds{channel="ch",quality="180p"} 1763193600.25
segment_coverage_run_timestamp_seconds{channel="ch",quality="none"} 1763193600.25
EOT
same_file "$tmp/wanted" "$tmp/got" 'byte for byte'
same "$(grep -c '^# HELP segment_coverage_found Whether .*[.]$' m.prom)" 1 \
    'help once for each'
same "$(grep -v -e '^#' -e ' [0-9.]*$' m.prom)" '' 'no timestamps'
same "$(tail -c 1 m.prom | od -An -c | tr -d ' ')" '\n' 'the last line ends'
same "$(stat -c %a m.prom)" 644 'readable for others'

case_dir 'two files of two channels at one time'
archive ch
archive 'other'
hour other/source/2025-11-15T07
seg 59:59 12.5 full
mkdir metrics
(umask 077 && "$sc" -n -f json --now "$now" -m metrics/ch.prom \
    -q source,480p ch >"$tmp/ch.json" 2>"$err")
run -n -f json --now "$now" --first-hour 2025-11-15T03 --metrics-hours 2 \
    -q source,none -m metrics/other.prom other
cp "$out" "$tmp/other.json"
leaves metrics/other.prom
same "$(stat -c %a metrics/ch.prom)" 644 'mode 0644 under umask 077'
agree 168 metrics/ch.prom "$tmp/ch.json"
agree 2 metrics/other.prom "$tmp/other.json"
grep '^# HELP' metrics/ch.prom >"$tmp/ch.help"
grep '^# HELP' metrics/other.prom >"$tmp/other.help"
same_file "$tmp/ch.help" "$tmp/other.help" 'the same help, in every run'
exporter "$PWD/metrics"
scrape
# in the second run only two hours have series of their own
jq '.reports |= map(.hours |= .[-2:])' "$tmp/other.json" >"$tmp/two.json"
agree --served 168 "$served" "$tmp/ch.json" "$tmp/two.json"

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
same "$(grep '^raw_holes' m.prom)" \
    "$(printf 'raw_holes{channel="ch",quality="source",hour="2025-11-15T0%s\n' \
    '2"} 2' '3"} 1' '5"} 0' '7"} 1')" 'holes of each hour that was read'
run -n -f none --now "$now" -m m.prom --metrics-hours 0 ch
same "$(grep -c -e '^segment_c[^o]' -e _coverage -e _holes m.prom)" \
    "$(grep -c segment_coverage_ m.prom)" 'without them not even their help'

case_dir 'nothing is known of what could not be read'
archive ch
: >ch/file
ln -s /nonexistent/disk/720p ch/away
run -f none -n -m m.prom -q source,file,away,none ch
leaves m.prom
is_status 2
err_lines 3
grep -e '"file"' -e '"away"' m.prom | grep -v -e _run_timestamp -e _run_dur >"$out"
is_out <<'EOT'
segment_coverage_found{channel="ch",quality="file"} 1
segment_coverage_found{channel="ch",quality="away"} 1
segment_coverage_run_errors{channel="ch",quality="file"} 3
segment_coverage_run_errors{channel="ch",quality="away"} 3
segment_coverage_run_complete{channel="ch",quality="file"} 0
segment_coverage_run_complete{channel="ch",quality="away"} 0
EOT
ok 'what has not begun has no holes' grep -q 'raw_holes.*"none"} 0' m.prom

case_dir 'names as labels'
evil=$(printf 'a"b\\c\nd\\n\t\033[31m\303\244\360\237\232\214{x="y"} 1 #')
broken=$(printf '\377\342\202')
hour "$evil/$evil/2025-11-15T07"
seg 00:00 1800.5 full
seg 30:01 10 full
hour "$evil/$broken/2025-11-15T07"
seg 00:00 2 full
mkdir metrics
run -n -f json --now "$now" -m metrics/evil.prom -q "$evil,$broken" "$evil"
leaves metrics/evil.prom
is_status 0
cp "$out" "$tmp/evil.json"
agree 168 metrics/evil.prom "$tmp/evil.json"
same "$(grep -v '^#' metrics/evil.prom | grep -vc '^[a-z_]*{channel="a\\"b')" 0 \
    'each on one line'
kill $exporter
exporter "$PWD/metrics"
scrape
agree --served 168 "$served" "$tmp/evil.json"
done_testing
