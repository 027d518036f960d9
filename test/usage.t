#!/bin/sh
# The command line: what each option takes, and how it refuses the rest.
. "${0%/*}/lib.sh"

# refused OPTION VALUE ARGUMENT...: one line that names both and goes on to
# say what would be right; exit status 2; nothing on stdout, nothing made
newline='
'
refused() {
	option=$1 value=$2
	shift 2
	line=$("$sc" "$@" </dev/null 2>&1 >"$out")
	status=$?
	case $line in
	*"$newline"*)
		;;
	"segment-coverage: "*"$option"*"$value"*[a-z]*[a-z]*[a-z]*)
		if [ $status -eq 2 ] && ! [ -s "$out" ] &&
		    ! [ -e coverage-maps ]; then
			ok "$* is refused" true
			return
		fi ;;
	esac
	ok "$* is refused" false
	echo "status $status: $line" | diag
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

# An archive that would leave a map, if any of these runs went on to it.
archive() {
	case_dir "$1"
	hour ch/source/2025-11-15T02
	seg 00:00 2.0 full
}

archive 'no such option'
refused --nonsense '' --nonsense ch
refused x '' -x ch
refused --nonsense '' --nonsense=1 ch
refused --all-hours '' --all-hours=yes ch
refused --m '' --m ch
refused -b 'needs a value' -nb
refused '-Z' '' -nZ ch
for option in --connectionstring= --make-page= --nonsense=; do
	refused "${option%=}" '' ${option}postgresql://u:SECRET@h/db ch
	ok 'and no password is shown' [ "${line#*SECRET}" = "$line" ]
done
ok 'the remedy is --help' [ "${line%--help*}" != "$line" ]

archive 'no channel'
refused channel ''
refused channel '' -n -f json
refused channel '' -q source --

archive 'option without its value'
for option in --base-dir --qualities --first-hour --last-hour --tolerance \
    --format --report --metrics --metrics-hours --output-dir \
    --connection-string --node --settle --max-age --jobs --now; do
	refused "$option" '' ch "$option"
done
for option in b q t f r m j; do
	refused "$option" '' ch "-$option"
done

archive 'channels'
for channel in '' . .. .hidden /ch ch/ ch/source ../ch; do
	refused channel "$channel" "$channel"
	refused channel "$channel" ch "$channel"
done
refused channel ch ch ch
refused channel ch ch other ch

archive 'qualities'
for list in '' ',' 'source,' ',source' 'source,,480p' ' ' 'source, '; do
	refused --qualities "'$list'" -q "$list" ch
done
refused --qualities .hidden -q source,.hidden ch
refused --qualities .. -q .. ch
refused --qualities a/b -q 'source, a/b' ch
refused --qualities source -q source,source ch
refused --qualities source --qualities=source,480p,\ source\  ch

archive 'files'
refused --report dir/ -r dir/ ch
refused --metrics ./dir/ --metrics=./dir/ ch
refused --metrics both -r both -m both ch
ok 'nothing is written' absent both dir

archive 'two of one map'
refused a_b c -q b_c,c a a_b
refused --qualities b_c -n -f json -q c,b_c a_b a

archive 'format'
values_refused --format '' xml TEXT 'json ' text,json nonet

archive 'seconds'
values_refused --tolerance '' x -1 -0.01 1x 0,01 ' 1' '1 ' 1e 1e-3 nan inf \
    0x1 +1 1_000 . 1e400
for option in --settle --max-age; do
	for value in '' x -1 60s ' 60' 1e nan inf 0x1 . 1e400; do
		refused "$option" "$value" --check "$option" "$value" ch
	done
done

archive 'numbers'
values_refused --jobs '' x 0 -1 1.5 4x ' 4' '4,' 0x4 99999999999999999999
values_refused --metrics-hours '' x -1 1.5 168h ' 1' 0x4 99999999999999999999

archive 'hours'
for option in --first-hour --last-hour; do
	values_refused $option '' x NOW today 2025 2025-11 2025-11-15T \
	    2025-11-15T24 2025-11-15T2 2025-11-15T02: 2025-11-15T02:60 \
	    2025-02-29 2025-02-29T00 2025-04-31T00 2025-13-01T00 0000-01-01T00 \
	    2025-11-15T02+1 2025-11-15T02+24:00 2025-11-15T02:45:51x \
	    2025-11-15T02.bak ' 2025-11-15T02' '2025-11-15T02 ' 6h -6 -h -d \
	    -6m -6hh -6.5h '-6 h' --6h -+6h +6h -0x6h -6H '-6h ' \
	    -99999999999999999999h -9223372036854775808h -9999999d
done

archive 'hours before the year 1'
refused --first-hour -9999d --now 0027-01-01T00 --first-hour -9999d ch
run -n --now 0028-01-01T00 --first-hour -9800d -f none ch
is_status 0

archive 'first hour after the last'
refused --first-hour 2025-11-15T03 --first-hour 2025-11-15T03 \
    --last-hour 2025-11-15T02 ch
ok 'and the last hour' [ "${line#*--last-hour*2025-11-15T02}" != "$line" ]
refused --first-hour now --first-hour now --last-hour -1h ch
refused --first-hour 2025-11-16 --last-hour 2025-11-15 \
    --first-hour 2025-11-16 ch

archive 'now'
values_refused --now '' x yesterday 2025-13-01 2025-11-15T24 \
    2025-11-15T02:45:51x 2025-11-15T02:45:51.1234567 1763172000 -6h

archive 'nodes'
for node in '' x =http://x n= n=x n=//x n=ftp://x n=javascript:alert\(1\) \
    'n= http://x' n=file:///etc/passwd n=data:text/html,x n=httpx://x \
    n=http:// n=https:///x n=http://:80 n=http://@x n=http://#x; do
	refused --node "$node" --make-page --node "$node" ch
	refused --node "$node" --make-page --node good=https://good.example \
	    --node "$node" ch
done

archive 'options of one another'
refused --settle --check --settle 60 ch
refused --max-age --check --max-age 60 ch
refused --output-dir "$PWD/out" --make-page --node n=http://x \
    --output-dir "$PWD/out" ch

refused --report r.txt -f none --report r.txt ch
for option in --base-dir --report --metrics --output-dir; do
	refused $option '' $option '' ch
done

archive 'no control bytes come out'
esc=$(printf '\033')
refused --format '\x1b[31m' --format "${esc}[31m" ch
refused channel '/\x1b[31m' "/${esc}[31m"
refused --node 'x\x1b[31m' --make-page --node "x${esc}[31m" ch

archive 'before anything is read'
refused channel a/b -b missing a/b
refused --tolerance x -b missing --tolerance x ch

case_dir 'help'
for option in -h --help; do
	run $option
	is_status 0
	is_err </dev/null
	ok 'a page' [ -s "$out" ]
	ok 'and no more' [ "$(wc -l <"$out")" -le 60 ]
	ok 'of 80 columns' not grep -q ".\{81\}" "$out"
	out_has 'segment-coverage [options] CHANNEL...'
done
for option in -b -q -t -f -a -r -m -n -c -j -v -h -V; do
	out_has "$option, --"
done
for option in --base-dir --qualities --first-hour --last-hour --tolerance \
    --format --all-hours --report --metrics --metrics-hours --output-dir \
    --no-map --make-page --connection-string --node --check --settle \
    --max-age --jobs --now --verbose --help --version; do
	out_has "$option"
done

case_dir 'version'
version=$(sed -n 's/^#define VERSION.*"\(.*\)".*/\1/p' "$here/../segparse.h")
for option in -V --version; do
	run $option
	is_status 0
	is_err </dev/null
	is_out <<-EOF
	segment-coverage $version
	EOF
done

# what is taken: windows, as the report gives them
now=2025-11-15T02:45:51.608
window_is() {
	json=$("$sc" -n -f json --now $now "$1" "$2" ch 2>&1)
	case $json in
	*"\"$3\": \"$4\""* | *"\"$3\":\"$4\""*)
		ok "$1 $2" true ;;
	*)
		ok "$1 $2" false
		echo "$json" | head -n 9 | diag ;;
	esac
}

first_is() {
	window_is --first-hour "$1" first_hour "$2"
}

last_is() {
	window_is --last-hour "$1" last_hour "$2"
}

both_are() {
	first_is "$1" "$2"
	last_is "$1" "$2"
}

archive 'windows'
run -n -f json --now $now ch
is_status 0
is_err </dev/null
jq_is '[.first_hour, .last_hour, .generated_at]' \
    '[null,null,"2025-11-15T02:45:51.608000Z"]'
both_are 2025-11-15T02 2025-11-15T02
both_are 2024-02-29T23 2024-02-29T23
both_are 2025-11-15T02:45 2025-11-15T02
both_are '2025-11-15 02:45:51' 2025-11-15T02
both_are 2025-11-15T02:59:59.999999Z 2025-11-15T02
both_are 2025-11-15T02Z 2025-11-15T02
both_are 2025-11-15T00:30+01:00 2025-11-14T23
both_are '2025-11-15 23:45-01:00' 2025-11-16T00
both_are 2025-11-15T02+05:30 2025-11-14T20
both_are 1969-12-31T23:59:59.5 1969-12-31T23
first_is 2025-11-15 2025-11-15T00
last_is 2025-11-15 2025-11-15T23
both_are now 2025-11-15T02
both_are -0h 2025-11-15T02
both_are -1h 2025-11-15T01
both_are -6h 2025-11-14T20
both_are -26h 2025-11-14T00
both_are -2d 2025-11-13T02
both_are -365d 2024-11-15T02
both_are 0001-01-01T00 0001-01-01T00
both_are 9999-12-31T23 9999-12-31T23
run -n -f json --now $now --first-hour 2031-01-01 --last-hour 2031-01-01 ch
is_status 0
is_err </dev/null
jq_is '[.first_hour, .last_hour, .reports[0].hours]' \
    '["2031-01-01T00","2031-01-01T23",[]]' 'a window in the future'
run -n -f json --now $now --first-hour -1h --last-hour -1h ch
is_status 0
jq_is '[.first_hour, .last_hour]' '["2025-11-15T01","2025-11-15T01"]'

archive 'the present'
run -n -f json --now 2025-11-15T03:45:51+01:00 ch
jq_is .generated_at '"2025-11-15T02:45:51.000000Z"'
run -n -f json --now 2025-11-15 ch
jq_is .generated_at '"2025-11-15T00:00:00.000000Z"'
run -n -f json --now '2025-11-15 02:00:01.25' ch
jq_is '.generated_at, .reports[0].age' '"2025-11-15T02:00:01.250000Z"
-0.75'
run -n -f json ch
jq_is "(.generated_at | sub(\"\\\\.[0-9]+Z\"; \"Z\") | fromdate) - $(date +%s)
    | . >= -5 and . <= 5" true 'without --now it is the clock'

archive 'taken'
mkdir ch/480p -- -ch
run -n -f json -q ' source , 480p ' ch
is_status 0
jq_is '[.reports[].quality]' '["source","480p"]' 'spaces are trimmed'
run -n -f json -- -ch
is_status 0
jq_is '[.reports[].channel]' '["-ch"]'
run ch -n -f none
is_status 0
silent
run -nf none ch
silent
run --no-map --form none ch
silent
for value in 0 0.01 1 .5 2. 1e1 3600; do
	run -n -f json --tolerance $value ch
	is_status 0
done
jq_is .tolerance 3600
run -n -f json -t 0.0025 ch
jq_is .tolerance 0.0025
run -n -f none -j 1 ch
silent
run -n -f none --jobs 64 ch
silent
run -n -f none --metrics-hours 0 ch
silent
run -n -f text -f json ch
jq_is .schema_version 1 'the last of one option counts'
run -n -f json ch
jq_is '.generator, .base_dir, .tolerance' "\"segment-coverage $version\"
\".\"
0.01" 'defaults'
run -n -f json -b "$PWD" ch
jq_is '.base_dir' "\"$PWD\""

done_testing
