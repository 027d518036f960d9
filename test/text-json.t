#!/bin/sh
# SPDX-License-Identifier: MIT
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
	seq "$1" "$2" | while read -r byte; do
		printf '\\%03o' "$byte"
	done
}

case_dir 'a head, and each quality and hour on a line of its own'
at 04 '00:00.5 10 full, 00:00.5 9 full 0 Others, 00:08 3 suspect 1,
    00:12 2.002 partial, 59:59 2 full, 59:59.1 2 temp'
: >"$hour/zzz.ts"
at 07
hour ch/480p/2025-11-15T05
seg 00:00 3600 full
json lines -q source,480p --first-hour 2025-11-15T04 -t 0.25 ch
is_status 0
sed -i 's/"errors":.*//; s/"segments":.*//; s/"generator":"[^"]*"/N/' "$out"
is_out <<'EOT'
{"schema_version":1,N,"generated_at":"2025-11-15T06:00:00.000000Z","base_dir":".","tolerance":0.25,"first_hour":"2025-11-15T04","last_hour":null,"complete":true,
{"channel":"ch","quality":"source","found":true,"start":"2025-11-15T04:00:00.500000Z","end":"2025-11-15T05:00:01.000000Z","age":3599,
{"hour":"2025-11-15T04","start":"2025-11-15T04:00:00.500000Z","end":"2025-11-15T05:00:01.000000Z",
{"hour":"2025-11-15T07","start":null,"end":null,
{"channel":"ch","quality":"480p","found":true,"start":"2025-11-15T05:00:00.000000Z","end":"2025-11-15T06:00:00.000000Z","age":0,
{"hour":"2025-11-15T05","start":"2025-11-15T05:00:00.000000Z","end":"2025-11-15T06:00:00.000000Z",
EOT

case_dir "a map's twin is the report of its quality, without hours"
at 04 '00:00 10 full, 00:12 2 partial'
: >"$hour/zzz.ts"
ln -s 2025-11-15T03 ch/source/2025-11-15T03
hour ch/480p/2025-11-15T05
seg 00:00 3600 full
run -f json --now $now -q source,480p ch
is_status 2
number=0
for quality in source 480p; do
	twin=coverage-maps/ch_${quality}_coverage.json
	leaves ${twin%json}png $twin
	cp $twin "$tmp/json/twin-$quality"
	jq -S ".reports |= [.[$number] | .hours = []]" "$out" >"$tmp/wanted"
	jq -S . $twin >"$tmp/twin"
	same_file "$tmp/wanted" "$tmp/twin" $quality
	number=$((number + 1))
done
leaves coverage-maps

case_dir 'nothing there'
at 04
mkdir ch/480p
json nothing -q source,480p ch
is_status 0
json nobody -q source,480p,none ch nobody
is_status 2
jq_is '[.reports[] | .found], [.complete, (.errors | map(.path))]' \
    '[true,true,false,false,false,false]
[false,["./ch/none","./nobody"]]'
jq_is '[.reports[1, 2, 3] | del(.channel, .quality, .found)] | unique | length' \
    1 'a quality that is not there has every key'
json nowhere -b nowhere ch
is_status 2
jq_is '[.complete, .base_dir, .reports[0].found]' '[false,"nowhere",false]'

case_dir 'numbers'
at 05 '00:00 1 full, 00:01.000001 2.5 full, 00:03.500002 .1 full,
    59:59.999999 12.500001 full'
json numbers -t 0 ch
out_has '"age":-12.5,'
out_has '"duration":0.000001,'
out_has '"hole_duration":3596.399999,'
out_has '"coverage":16.100001,"ratio":0.004456,'
out_has '"tolerance":0,'
rm "$hour"/*
seg 00:00 3000 full
seg 50:00.000001 5 full
json ratio -t 0 ch
out_has '"ratio":0.999999,"hole_count":1,"hole_duration":0.000001,'
json one -t 0.000001 ch
out_has '"tolerance":0.000001,'
out_has '"ratio":1,"hole_count":0,"hole_duration":0,'

case_dir 'the ends of time'
hour ch/source/0001-01-01T00
seg 00:00 2 full
hour ch/source/9999-12-31T23
seg 59:59.5 10 full
now=9999-12-31T23:59:59Z
json ends --first-hour 0001-01-01T00 --last-hour 9999-12-31T23 ch
now=2025-11-15T06:00:00Z
out_has '"start":"0001-01-01T00:00:00.000000Z","end":"10000-01-01T00:00:09.500000Z","age":-10.5,'
out_has '"coverage":12,"ratio":0,"hole_count":1,"hole_duration":315537897597.5,'
out_has '"missing_hours":{"count":87649414,'

case_dir 'errors'
at 02 '00:00 3600 full'
ln -s 2025-11-15T03 ch/source/2025-11-15T03
: >ch/file
json unreadable -q source,file -m no/metrics ch
is_status 2
jq_is '[.complete, [.errors[].path]]' \
    '[false,["./ch/source/2025-11-15T03","./ch/file","no/metrics"]]'

# Names

case_dir 'names of any bytes'
at 05 '00:00 3600 full'
for name in "$(bytes 1 46)" "$(bytes 48 127)" "$(bytes 128 255)" \
    '\303\244\342\202\254\360\237\232\214' '\302\205\342\200\250\342\200\256' \
    '\300\200\340\200\257\355\240\200\355\277\277\364\220\200\200' \
    '\303' '\342\202' '\360\237\232' '\\\\\357\273\277"'; do
	: >"$hour/$(printf %b " $name").ts"
done
: >"$hour/$(printf '%0252d' 0).ts"
json names ch
is_status 0
is '.segments.bad' '{"count":11}'
is '.hours[0].bad_names | map(select(startswith(" ") | not)) | map(length)' '[255]'
ok 'valid UTF-8' iconv -f UTF-8 -t UTF-16 "$out"

case_dir 'names on the command line'
evil=$(printf 'a"\\\033[m\001\n\t\377\302\205\303\244')
hour "$evil/ch/q/2025-11-15T05"
seg 00:00 3600 full
mkdir "$evil/$evil"
: >"$evil/$evil/$evil"
json arguments -b "$evil" -q "q,$evil" ch "$evil" "no$evil"
is_status 2
jq_is '.base_dir | explode' '[97,34,92,27,91,109,1,10,9,65533,133,228]'
jq_is '.base_dir as $evil | [.reports[].channel]
    == ["ch", "ch", $evil, $evil, "no" + $evil, "no" + $evil]' true
jq_is '.errors[-1].path == .base_dir + "/no" + .base_dir' true

case_dir 'valid by the schema'
ok 'every report above' "$here/validate.py" "$tmp/json/"*
for edit in 's/"age"/"aged"/' 's/"age":[^,]*,//' 's/"found":true/"found":1/' \
    's/"ratio":[^,]*/"ratio":1.1/' 's/T04"/T24"/' 's/"complete":/"&/'; do
	sed "$edit" "$tmp/json/lines" >"$tmp/edited"
	ok "but not after $edit" not "$here/validate.py" "$tmp/edited"
done
done_testing
