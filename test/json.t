#!/bin/sh
# The JSON report: its form in every situation, whatever the names.
. "${0%/*}/lib.sh"

now=2025-11-15T06:00:00Z
mkdir "$tmp/json" || exit 1

# json NAME ARGUMENT...: a report that is JSON; it is kept, to be validated
json() {
	kept=$1
	shift
	run -n -f json --now "$now" "$@"
	ok "jq -e reads $kept" jq -e . "$out"
	ok "$kept is the first of its name" absent "$tmp/json/$kept"
	cp "$out" "$tmp/json/$kept"
}

# bytes FROM TO: each as a byte, in octal for printf
bytes() {
	byte=$1
	while [ "$byte" -le "$2" ]; do
		printf '\\%03o' "$byte"
		byte=$((byte + 1))
	done
}

case_dir 'byte for byte'
hour ch/source/2025-11-15T04
seg 00:00.5 10 full
seg 00:00.5 9 full 0 Others
seg 00:08 3 suspect 1
seg 00:08 3 suspect 2 Others
seg 00:12 2.002 partial
seg 59:59 2 full
seg 59:59.1 2 temp
seg 00:20 2 full
tomb 00:20 2 full
: >"$hour/zzz.ts"
mkdir ch/source/2025-11-15T05
hour ch/source/2025-11-15T07
seg 00:00 2 full
json bytes --first-hour 2025-11-15T04 -t 0.25 ch
is_status 0
sed -i '1s/\(generator":"segment-coverage \)[0-9.]*/\1N/' "$out"
is_out <<'EOT'
{"schema_version":1,"generator":"segment-coverage N","generated_at":"2025-11-15T06:00:00.000000Z","base_dir":".","tolerance":0.25,"first_hour":"2025-11-15T04","last_hour":null,"complete":true,"errors":[],"reports":[
{"channel":"ch","quality":"source","found":true,"start":"2025-11-15T04:00:00.500000Z","end":"2025-11-15T07:00:02.000000Z","age":-3602,"segments":{"full":{"count":4,"duration":23},"suspect":{"count":2,"duration":6},"partial":{"count":1,"duration":2.002},"temp":{"count":1},"bad":{"count":1},"tombstoned":{"count":1}},"overlaps":{"full":{"count":1,"duration":9},"suspect":{"count":2,"duration":5.5},"partial":{"count":0,"duration":0}},"raw":{"coverage":16.502,"ratio":0.001527,"hole_count":3,"hole_duration":10784.998,"longest_hole":{"start":"2025-11-15T05:00:01.000000Z","end":"2025-11-15T07:00:00.000000Z","duration":7199},"holes":[{"start":"2025-11-15T04:00:11.000000Z","end":"2025-11-15T04:00:12.000000Z","duration":1},{"start":"2025-11-15T04:00:14.002000Z","end":"2025-11-15T04:59:59.000000Z","duration":3584.998},{"start":"2025-11-15T05:00:01.000000Z","end":"2025-11-15T07:00:00.000000Z","duration":7199}]},"editable":{"coverage":16.002,"ratio":0.001481,"hole_count":3,"hole_duration":10785.498,"longest_hole":{"start":"2025-11-15T05:00:01.000000Z","end":"2025-11-15T07:00:00.000000Z","duration":7199},"holes":[{"start":"2025-11-15T04:00:10.500000Z","end":"2025-11-15T04:00:12.000000Z","duration":1.5},{"start":"2025-11-15T04:00:14.002000Z","end":"2025-11-15T04:59:59.000000Z","duration":3584.998},{"start":"2025-11-15T05:00:01.000000Z","end":"2025-11-15T07:00:00.000000Z","duration":7199}]},"incomplete":{"count":2,"duration":5.002,"spans":[{"start":"2025-11-15T04:00:08.000000Z","end":"2025-11-15T04:00:11.000000Z","duration":3},{"start":"2025-11-15T04:00:12.000000Z","end":"2025-11-15T04:00:14.002000Z","duration":2.002}]},"missing_hours":{"count":2,"ranges":[{"first":"2025-11-15T05","last":"2025-11-15T06","count":2}]},"hours":[
{"hour":"2025-11-15T04","start":"2025-11-15T04:00:00.500000Z","end":"2025-11-15T05:00:01.000000Z","segments":{"full":{"count":3,"duration":21},"suspect":{"count":2,"duration":6},"partial":{"count":1,"duration":2.002},"temp":{"count":1},"bad":{"count":1},"tombstoned":{"count":1}},"overlaps":{"full":{"count":1,"duration":9},"suspect":{"count":2,"duration":5.5},"partial":{"count":0,"duration":0}},"raw":{"coverage":14.502,"hole_count":2,"hole_duration":3585.998,"holes":[{"start":"2025-11-15T04:00:11.000000Z","end":"2025-11-15T04:00:12.000000Z","duration":1},{"start":"2025-11-15T04:00:14.002000Z","end":"2025-11-15T04:59:59.000000Z","duration":3584.998}]},"editable":{"coverage":14.002,"hole_count":2,"hole_duration":3586.498,"holes":[{"start":"2025-11-15T04:00:10.500000Z","end":"2025-11-15T04:00:12.000000Z","duration":1.5},{"start":"2025-11-15T04:00:14.002000Z","end":"2025-11-15T04:59:59.000000Z","duration":3584.998}]},"incomplete":{"count":2,"duration":5.002},"bad_names":["zzz.ts"],"readable":true},
{"hour":"2025-11-15T05","start":null,"end":null,"segments":{"full":{"count":0,"duration":0},"suspect":{"count":0,"duration":0},"partial":{"count":0,"duration":0},"temp":{"count":0},"bad":{"count":0},"tombstoned":{"count":0}},"overlaps":{"full":{"count":0,"duration":0},"suspect":{"count":0,"duration":0},"partial":{"count":0,"duration":0}},"raw":{"coverage":0,"hole_count":1,"hole_duration":3599,"holes":[{"start":"2025-11-15T05:00:01.000000Z","end":"2025-11-15T06:00:00.000000Z","duration":3599}]},"editable":{"coverage":0,"hole_count":1,"hole_duration":3599,"holes":[{"start":"2025-11-15T05:00:01.000000Z","end":"2025-11-15T06:00:00.000000Z","duration":3599}]},"incomplete":{"count":0,"duration":0},"bad_names":[],"readable":true},
{"hour":"2025-11-15T07","start":"2025-11-15T07:00:00.000000Z","end":"2025-11-15T07:00:02.000000Z","segments":{"full":{"count":1,"duration":2},"suspect":{"count":0,"duration":0},"partial":{"count":0,"duration":0},"temp":{"count":0},"bad":{"count":0},"tombstoned":{"count":0}},"overlaps":{"full":{"count":0,"duration":0},"suspect":{"count":0,"duration":0},"partial":{"count":0,"duration":0}},"raw":{"coverage":2,"hole_count":0,"hole_duration":0,"holes":[]},"editable":{"coverage":2,"hole_count":0,"hole_duration":0,"holes":[]},"incomplete":{"count":0,"duration":0},"bad_names":[],"readable":true}]}]}
EOT

case_dir 'nothing there'
hour ch/source/2025-11-15T04
mkdir ch/480p
json nothing -q source,480p,none ch
is_status 0
jq_is '[.reports[] | [.found, .start, .end, .age, .raw.ratio,
    .raw.longest_hole, .editable.ratio, (.hours | length)]]' \
    '[[true,null,null,null,null,null,null,1],[true,null,null,null,null,null,null,0],[false,null,null,null,null,null,null,0]]'
jq_is '.complete, .errors' 'true
[]'
jq_is '.reports[2] | del(.channel, .quality, .found)' \
    "$(jq -c '.reports[1] | del(.channel, .quality, .found)' "$out")" \
    'a quality that is not there has every key'
json nobody nobody
is_status 2
jq_is '[.complete, .reports[0].found, (.errors | length), .errors[0].path]' \
    '[false,false,1,"./nobody"]'
json nowhere -b nowhere ch
is_status 2
jq_is '[.complete, .base_dir, .reports[0].found]' '[false,"nowhere",false]'

case_dir 'numbers'
hour ch/source/2025-11-15T05
seg 00:00 1 full
seg 00:01.000001 2.5 full
seg 00:03.500002 .1 full
seg 59:59.999999 12.500001 full
json numbers -t 0 ch
out_has '"age":-12.5,'
out_has '"duration":0.000001}'
out_has '"hole_duration":3596.399999,'
out_has '"coverage":16.100001,"ratio":0.004456,'
out_has '"tolerance":0,'
json tolerance -t 0.000001 ch
out_has '"tolerance":0.000001,'
jq_is .reports[0].raw.hole_count 1

case_dir 'a ratio of 1 means no hole'
hour ch/source/2025-11-15T05
seg 00:00 3000 full
seg 50:00.000001 5 full
json ratio -t 0 ch
out_has '"ratio":0.999999,"hole_count":1,"hole_duration":0.000001,'
json one ch
out_has '"ratio":1,"hole_count":0,"hole_duration":0,'

case_dir 'the ends of time'
hour ch/source/0001-01-01T00
seg 00:00 2 full
hour ch/source/9999-12-31T23
seg 59:59.5 10 full
json ends --first-hour 0001-01-01T00 --last-hour 9999-12-31T23 ch
out_has '"start":"0001-01-01T00:00:00.000000Z","end":"10000-01-01T00:00:09.500000Z","age":-251639114409.5,'
out_has '"coverage":12,"ratio":0,"hole_count":1,"hole_duration":315537897597.5,'
jq_is '.reports[0].missing_hours' '{"count":87649414,"ranges":[{"first":"0001-01-01T01","last":"9999-12-31T22","count":87649414}]}'
jq_is '.first_hour, .last_hour' '"0001-01-01T00"
"9999-12-31T23"'

case_dir 'hours that could not be read'
hour ch/source/2025-11-15T02
seg 00:00 3600 full
ln -s 2025-11-15T03 ch/source/2025-11-15T03
: >ch/file
json unreadable -q source,file ch
is_status 2
jq_is '[.complete, [.errors[].path]]' \
    '[false,["./ch/source/2025-11-15T03","./ch/file"]]'
jq_is '[.reports[0].hours[] | [.hour, .readable, .start, .raw.hole_count]]' \
    '[["2025-11-15T02",true,"2025-11-15T02:00:00.000000Z",0],["2025-11-15T03",false,null,0]]'
json output -m no/metrics ch
is_status 2
jq_is '.errors[1].path' '"no/metrics"'
rm ch/source/2025-11-15T03
json output-only -m no/metrics ch
is_status 2
jq_is '[.complete, (.errors | length)]' '[true,1]'

# Names

case_dir 'names of any bytes'
hour ch/source/2025-11-15T05
seg 00:00 3600 full
for name in "$(bytes 1 46)" "$(bytes 48 127)" "$(bytes 128 255)" \
    '\303\244\342\202\254\360\237\232\214' '\302\205\342\200\250\342\200\256' \
    '\300\200\340\200\257\355\240\200\355\277\277\364\220\200\200' \
    '\303' '\342\202' '\360\237\232' '\\\\\357\273\277"'; do
	# shellcheck disable=SC2059
	name=$(printf "$name.") && : >"$hour/ $name.ts"
done
: >"$hour/$(printf '%0252d' 0).ts"
json names ch
is_status 0
jq_is '.reports[0].segments.bad' '{"count":11}'
jq_is '.reports[0].hours[0].bad_names | map(select(startswith(" ") | not)) | map(length)' '[255]'
ok 'valid UTF-8' iconv -f UTF-8 -t UTF-16 "$out"

case_dir 'as many bad names as are kept'
hour ch/source/2025-11-15T05
at=100
while [ $at -lt 205 ]; do
	: >"$hour/$at.ts"
	at=$((at + 1))
done
json kept ch
jq_is '.reports[0].segments.bad, (.reports[0].hours[0].bad_names |
    [length, .[0], .[99]])' '{"count":105}
[100,"100.ts","199.ts"]'

case_dir 'names on the command line'
evil=$(printf 'a"\\\033[m\001\n\t\377\302\205\303\244')
hour "$evil/ch/q/2025-11-15T05"
seg 00:00 3600 full
mkdir "$evil/$evil"
: >"$evil/$evil/$evil"
json arguments -b "$evil" -q "q,$evil" ch "$evil" "no$evil"
is_status 2
jq_is '.base_dir | explode' '[97,34,92,27,91,109,1,10,9,65533,133,228]'
jq_is '. as $doc | [.reports[].channel]
    == ["ch", "ch"] + [$doc.base_dir, $doc.base_dir]
    + ["no" + $doc.base_dir, "no" + $doc.base_dir]' true
jq_is '. as $doc | .errors[-1].path == $doc.base_dir + "/no" + $doc.base_dir' \
    true

# The same bytes

case_dir 'the same archive, the same bytes'
mkdir "$tmp/locale"
localedef -i de_DE -f ISO-8859-1 "$tmp/locale/de_DE"
localedef -i tr_TR -f ISO-8859-9 "$tmp/locale/tr_TR"
export LOCPATH="$tmp/locale"
same "$(LC_ALL=de_DE locale decimal_point charmap | tr '\n' ' ')" \
    ', ISO-8859-1 ' 'there is a locale with a decimal comma'
hour ch/source/2025-03-30T01
seg 00:00.25 1800.5 full
seg 31:00 1801 partial
: >"$hour/$(printf '\344\303\244I\304\261').ts"
hour ch/source/2025-03-30T02
seg 00:01.5 2.002 full
json first -m first.prom ch
leaves first.prom
cp "$out" "$tmp/first"
while read -r locale zone; do
	LC_ALL=$locale TZ=$zone run -n -f json --now "$now" -r report \
	    -m metrics ch
	leaves report metrics
	same_file "$tmp/first" report "JSON with $locale and $zone"
	grep -v _duration_seconds first.prom >"$tmp/wanted"
	grep -v _duration_seconds metrics >"$tmp/got"
	same_file "$tmp/wanted" "$tmp/got" "metrics with $locale and $zone"
done <<'EOT'
C Europe/Berlin
C.UTF-8 Asia/Kolkata
de_DE UTC
de_DE Europe/Berlin
tr_TR America/St_Johns
xx_XX ABC-13:37
de_DE :/none
EOT
unset LOCPATH

case_dir 'a head and each hour on a line of its own'
for name in 01 02 03; do
	hour "ch/source/2025-11-15T$name"
	seg 00:00 3600 full
	hour "ch/480p/2025-11-15T$name"
	seg 00:00 3500 full
done
json lines -q source,480p ch
same "$(grep -c '^{"channel":' "$out") $(grep -c '^{"hour":' "$out")" '2 6' \
    'greppable'
same "$(wc -l <"$out")" 9 'and nothing else'

case_dir 'valid by the schema'
ok 'every report above' "$here/validate.py" "$tmp/json/"*
for edit in 's/"age"/"aged"/' 's/"age":[^,]*,//' 's/"found":true/"found":1/' \
    's/"ratio":[^,]*/"ratio":1.1/' 's/T01"/T24"/' 's/"complete":/"&/'; do
	sed "$edit" "$tmp/json/lines" >"$tmp/edited"
	ok "but not after $edit" not "$here/validate.py" "$tmp/edited"
done
done_testing
