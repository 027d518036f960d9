#!/bin/sh
# SPDX-License-Identifier: MIT
# The command line: what each option takes, how it refuses the rest, and what
# is said to the mistakes that one makes at a shell.
. "${0%/*}/lib.sh"

now=2025-11-15T02:45:51.608

# An archive that would leave a map, if any of these runs went on to it.
archive() {
	case_dir "$1"
	at 02 '00:00 2 full'
}

# refused OPTION VALUE ARGUMENT...: one line that names both and goes on to
# say what would be right; exit status 2; nothing on stdout, nothing made
refused() {
	option=$1 value=$2
	shift 2
	line=$("$sc" "$@" </dev/null 2>&1 >"$out") && line="taken: $line"
	case $?:$(echo "$line" | wc -l):$line in
	2:1:"segment-coverage: "*"$option"*"$value"*[a-z]*[a-z]*[a-z]*)
		ok "$* is refused" absent coverage-maps
		return ;;
	esac
	ok "$* is refused" not echo "$line"
}

# each value of an option that is refused, in both spellings
values_refused() {
	option=$1
	shift
	for value; do
		refused "$option" "$value" "$option" "$value" ch
	done
	refused "$option" "$value" "$option=$value" ch
}

archive 'no such option'
refused --nonsense see --nonsense ch
refused x '' -x ch
refused --all-hours '' --all-hours=yes ch
refused --m '' --m ch
refused -b 'needs a value' -nb
refused '-Z' '' -nZ ch
refused '-Z' '' --make-page -Zn ch
for option in --connectionstring --make-page; do
	refused $option '' $option=postgresql://u:SECRET@h/db ch
	ok 'and no password is shown' [ "${line#*SECRET}" = "$line" ]
done

archive 'no channel'
refused channel '' -n -f json
refused channel '' -q source --

archive 'option without its value'
for option in $("$sc" --help | grep -oE -e '--[a-z-]+ [A-Z]' | sed 's/ .//') \
    -b -q -t -f -r -m -j; do
	refused "$option" '' ch "$option"
done

archive 'channels and qualities'
for channel in '' . .. .hidden /ch ch/source ../ch; do
	refused channel "$channel" "$channel"
	refused channel "$channel" ch "$channel"
done
refused channel ch ch other ch/
for list in '' ',' 'source,' ',source' 'source,,480p' ' '; do
	refused --qualities "'$list'" -q "$list" ch
done
refused --qualities .hidden -q source,.hidden ch
refused --qualities a/b -q 'source, a/b' ch
refused --qualities source --qualities=source,480p,\ source\  ch
refused --qualities source -q source -q 480p,source ch

archive 'files and directories'
for option in --base-dir --report --metrics --output-dir --known --name; do
	refused $option '' $option '' ch
done
refused --report dir/ -r dir/ ch
refused --metrics ./dir/ --metrics=./dir/ ch
refused --report r.txt -f none --report r.txt ch
for dir in "$PWD/out" ../out out/../../out ..; do
	refused --output-dir "$dir" --make-page --node n=http://x \
	    --output-dir "$dir" ch
done

archive 'words and numbers'
values_refused --format '' xml TEXT 'json ' text,json nonet
values_refused --color '' yes AUTO
values_refused --jobs '' x 0 -1 1.5 4x ' 4' '4,' 0x4 99999999999999999999
values_refused --metrics-hours '' x -1 1.5 168h ' 1' 0x4 99999999999999999999

# What names-parse.t tells of times and seconds is not said again.
archive 'seconds'
values_refused --tolerance '' -1 1x 10ms ' 1' 1e-3 1e400 m -5m 5M 5mm 999999999d
for option in --settle --max-age --min-hole --backfill; do
	refused "$option" 60sec --check "$option" 60sec ch
	[ "$option" = --settle ] ||
	    refused "$option" --check "$option" 60 ch
done

archive 'times'
for option in --first-hour --last-hour; do
	values_refused $option '' x NOW today 2025-11-15T24 2025-11-15T02:45:51x \
	    6h -6 -h -d -6m -6hh -6.5h '-6 h' --6h -+6h +6h -0x6h -6H '-6h ' \
	    -99999999999999999999h -9223372036854775808h -9999999d
done
for option in --now --expect; do
	values_refused $option '' x 2025-13-01 1763172000 -6h
done
refused --first-hour -9999d --now 0027-01-01T00 --first-hour -9999d ch
refused --first-hour 2025-11-15T03 --first-hour 2025-11-15T03 \
    --last-hour 2025-11-15T02 ch
ok 'and the last hour' [ "${line#*--last-hour*2025-11-15T02}" != "$line" ]
refused --first-hour now --first-hour now --last-hour -1h ch

archive 'nodes and peers'
for node in '' x =http://x n= n=x n=//x n=ftp://x n=javascript:alert\(1\) \
    'n= http://x' n=file:///etc/passwd n=data:text/html,x n=httpx://x \
    n=http:// n=https:///x n=http://:80 n=http://@x n=http://#x; do
	refused --node "$node" --make-page --node good=https://good.example \
	    --node "$node" ch
done
refused --node n --make-page --node n=http://x --node n=http://y ch
for peer in '' x =x x= here=x "$(printf '%0256d' 1)=x"; do
	refused --peer "${peer%?x}" --peer "$peer" ch
done
refused --peer n --name n --peer n=x ch
refused --peer here --name n --peer here=x ch

archive 'no control bytes come out'
esc=$(printf '\033')
refused --format '\x1b[31m' --format "${esc}[31m" ch
refused channel '/\x1b[31m' "/${esc}[31m"
refused --node 'x\x1b[31m' --make-page --node "x${esc}[31m" ch

archive 'before anything is read, and before channels are counted'
refused channel a/b -b missing a/b
refused --tolerance x -b missing --tolerance x ch
refused --first-hour "'ch'" --first-hour ch
refused --last-hour "'ch'" --last ch

archive 'options of the Python'
for given in --metrics-port --check-interval --backdoor-port; do
	refused 'use cron' '' $given 1234 ch
	refused 'use cron' '' ch "$given=1234"
done
run -n --run-once -f json ch
is_status 0

# Mistakes: says STATUS TEXT ARGUMENT...
says() {
	wanted=$1 text=$2
	shift 2
	run -n --now 2025-11-16 "$@"
	is_status "$wanted"
	err_has "$text"
}

archive 'mistakes'
hour ch/480p/2025-11-15T02
mkdir -p new/ch
says 2 'ch/480: no such quality; there are: 480p, source' -q 480 ch
says 2 'ch/Source: no such quality; there are: ' -q Source ch
says 1 'ch/480: no segments: no such quality' -c -q 480 ch
run -n -f json -b new ch
is_status 0
is_err 'a channel that is empty has not begun' </dev/null
says 2 'no such channel; there are: ch, ' desertbus
says 2 'is a channel: use -b ch/..' -b ch ch
says 2 'its channel: use -b ch/..' -b ch source
says 2 'nothing to write: add ' -f none ch
says 2 'there are: ch' -f json ch typo
says 0 "'x.json': " -r x.json ch
leaves x.json

case_dir 'two maps that are one file'
for quality in a/b_c a_b/c; do
	hour ch_$quality/2025-11-15T02
	seg 00:00 2 full
done
run -q b_c,c -f none ch_a ch_a_b
is_status 2
err_has 'give two names'
leaves coverage-maps coverage-maps/ch_a_b_c_coverage.png \
    coverage-maps/ch_a_b_c_coverage.json

# What is taken

case_dir 'help and version'
version=$(sed -n 's/^#define VERSION.*"\(.*\)".*/\1/p' "$here/../segparse.h")
for option in -h --help -V --version; do
	run $option
	is_status 0
	is_err </dev/null
	ok 'a page' grep -qiE '^(usage:|segment-)' "$out"
done
same "$(cat "$out")" "segment-coverage $version" '--version'

archive 'windows'
while read -r hour first last; do
	run -n -f json --now $now --first-hour "$hour" --last-hour 9999-01-01 ch
	jq_is .first_hour "\"$first\"" "--first-hour $hour"
	run -n -f json --now $now --last-hour "$hour" ch
	jq_is .last_hour "\"${last:-$first}\"" "--last-hour $hour"
done <<'EOT'
2025-11-15T02:59:59.999999Z 2025-11-15T02
1969-12-31T23:59:59.5 1969-12-31T23
2025-11-15 2025-11-15T00 2025-11-15T23
now 2025-11-15T02
-0h 2025-11-15T02
-26h 2025-11-14T00
-2d 2025-11-13T02
EOT
run -n --now 0028-01-01T00 --first-hour -9800d -f json ch
is_status 0

archive 'the present'
run -n -f json --now 2025-11-15T03:45:51.25+01:00 ch
jq_is .generated_at '"2025-11-15T02:45:51.250000Z"'
run -n -f json ch
jq_is "(.generated_at | sub(\"\\\\.[0-9]+Z\"; \"Z\") | fromdate) - $(date +%s)
    | . >= -5 and . <= 5" true 'without --now it is the clock'

archive 'taken'
mkdir ch/480p ch/720p -- -ch
run -n -f json -q ' source , 480p ' -q 720p ch//
is_status 0
jq_is '[.reports[] | .channel, .quality]' \
    '["ch","source","ch","480p","ch","720p"]' 'lists add up, slashes go'
run -n -f json -- -ch
jq_is '[.reports[].channel]' '["-ch"]'
run ch --no-map --form none --metrics m.prom
leaves m.prom
is_status 0
silent
for value in .5=0.5 0.0025=0.0025 90s=90 1.5m=90 1h=3600; do
	run -n -f json --tolerance "${value%=*}" ch
	jq_is .tolerance "${value#*=}" "--tolerance $value"
done
run -n -f text -f json -j 64 --metrics-hours 0 ch
jq_is '.generator, .base_dir, .tolerance' "\"segment-coverage $version\"
\".\"
0.01" 'the last of one option counts; defaults'

done_testing
