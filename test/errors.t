#!/bin/sh
# Trouble: one line for each on stderr, exit status 2, and all else is done.
. "${0%/*}/lib.sh"

full() {
	hour "$1/2025-11-15T02"
	seg 00:00 2.0 full
}

# injected FAULT PATH ARGUMENT...: the program's calls about PATH fail
injected() {
	inject=$1 path=$2
	shift 2
	runs strace -f -e quiet=all -o "$tmp/calls" \
	    -E ASAN_OPTIONS=detect_leaks=0 -P "$path" -P "${path##*/}" \
	    -P "./$path" -P "$PWD/$path" -e trace="${inject%%:*}" \
	    -e inject="$inject" "$sc" "$@"
	ok 'the fault was met' grep -q INJECTED "$tmp/calls"
}

# unprivileged ARGUMENT...: the program as somebody who may not pass over
# permissions; as it is where that is what we are
as_nobody=''
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$tmp"
	mkdir "$tmp/cases"
	as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
unprivileged() {
	# shellcheck disable=SC2086
	runs $as_nobody "$sc" "$@"
}
can_unprivileged() {
	# shellcheck disable=SC2086
	$as_nobody "$sc" --version >/dev/null 2>&1 && return
	skip "$1" 'no other user can run the program here'
	return 1
}

# What does not exist, or is no directory

case_dir 'no base directory'
run -n -f json -b missing ch
is_status 2
err_lines 1
err_has missing
err_has --base-dir
jq_is '.complete, (.errors | length), .errors[0].path' 'false
1
"missing"'
jq_is '[.reports[] | [.channel, .found, .raw.hole_count]]' '[["ch",false,0]]'
run -b missing ch
is_status 2
err_lines 1
ok 'a report' [ -s "$out" ]
ok 'and nothing made' absent missing

case_dir 'a file in place of the base directory'
: >base
run -n -f json -b base ch
is_status 2
err_lines 1
err_has base
jq_is '.complete, .reports[0].found' 'false
false'

case_dir 'no such channel'
full desertbus/source
full beta/low
full coverage-maps/source
full .hidden/source
mkdir -p empty not-hours/source/README no-quality
: >file
run -n -f json desertbuss beta -q source,low
is_status 2
err_lines 1
err_has desertbuss
err_has 'beta, desertbus'
ok 'none but channels are named' \
    not grep -Eq "coverage-maps|hidden|empty|not-|file" "$err"
jq_is '.complete, (.errors | length)' 'false
1'
jq_is '[.reports[] | [.channel, .quality, .found, .raw.coverage]]' \
    '[["desertbuss","source",false,0],["desertbuss","low",false,0],'\
'["beta","source",false,0],["beta","low",true,2]]' 'the other one is reported'
run -n -f none file beta desertbus
is_status 2
err_lines 1
err_has ./file
err_has 'beta, desertbus'

case_dir 'no channel at all'
run -n -f none ch
is_status 2
err_lines 1
err_has ch

case_dir 'more channels than a line has room for'
for n in 01 02 03 04 05 06 07 08 09 10 11 12; do
	full "c$n/source"
done
run -n -f none nothing
is_status 2
err_lines 1
err_has 'there are: c01, c02, c03, c04, c05, c06, c07, c08, c09, c10 and 2 more'

case_dir 'channels that cannot be listed'
full base/ch/source
for error in EACCES EIO; do
	injected openat,openat2:error=$error base -b base -n -f none nothing
	is_status 2
	is_err <<'EOT'
segment-coverage: base/nothing: no such channel
EOT
done

case_dir 'channels of any name'
full "$(printf 'a\033[31m\nb')/source"
run -n -f none nothing
is_status 2
err_lines 1
err_has 'a\x1b[31m\x0ab'

case_dir 'a missing quality is no trouble'
full ch/source
run -n -f json -q source,low ch
is_status 0
is_err </dev/null
jq_is '.complete, .errors, [.reports[] | .found]' 'true
[]
[true,false]'
run -n -q low ch
is_status 0
is_err </dev/null
ok 'the text says it' grep -q low "$out"
run -n -v -f none -q low ch
is_status 0
err_lines 1
err_has ch/low

case_dir 'a file in place of a quality'
full ch/source
full ch/low
full ch/high
rm -r ch/low
: >ch/low
run -n -f json -q source,low,high ch
is_status 2
err_lines 1
err_has ch/low
jq_is '.complete, (.errors | length)' 'false
1'
jq_is '.errors[0].path | endswith("ch/low")' true
jq_is '[.reports[] | [.quality, .raw.coverage]]' \
    '[["source",2],["low",0],["high",2]]' 'each quality is its own'

# What cannot be read

case_dir 'unreadable on the way'
full ch/source
full ch/low
for path in ch ch/source ch/source/2025-11-15T02; do
	calls=openat,openat2
	[ "$path" != ch ] || calls=newfstatat,statx
	for error in EACCES EIO EMFILE ELOOP; do
		injected $calls:error=$error "$path" -n -f json \
		    -q source,low ch
		is_status 2
		err_lines 1
		err_has "$path"
		jq_is '[.complete, (.errors | length),
		    ([.reports[].raw.hole_count] | add)]' '[false,1,0]' \
		    "$error: not complete, and no hole"
		[ "$path" = ch ] || jq_is '.reports[1].raw.coverage' 2 \
		    "$error: the other quality is reported"
	done
done

case_dir 'a listing that fails'
full ch/source
hour ch/source/2025-11-15T03
seg 00:00 2.0 full
injected getdents64:error=EIO:when=2 ch/source -n -f json ch
is_status 2
err_lines 1
jq_is '[.complete, .reports[0].raw.hole_count]' '[false,0]'

case_dir 'a second listing that fails'
full ch/source
# of the future, so that there is one
touch -d 2100-01-01 ch/source/2025-11-15T02
for fault in lseek:error=EIO fstat,newfstatat:error=EIO:when=2 \
    getdents64:error=EIO:when=3; do
	injected $fault ch/source/2025-11-15T02 -n -f json ch
	is_status 2
	is_err <<'EOT'
segment-coverage: ./ch/source/2025-11-15T02: Input/output error
EOT
	jq_is '[.complete, .reports[0].hours[0].readable]' '[false,false]'
done

case_dir 'few file descriptors'
for n in 00 01 02 03 04 05 06 07 08 09 10 11 12; do
	hour ch/source/2025-11-15T$n
	seg 00:00 3600 full
done
for limit in 4 5 6 8 12; do
	runs prlimit --nofile=$limit "$sc" -n -f json ch
	case $status in
	0)	jq_is '[.complete, .reports[0].raw.coverage]' '[true,46800]' \
		    "with $limit all is read" ;;
	2)	jq_is '[.complete, .reports[0].raw.hole_count,
		    .reports[0].missing_hours.count]' '[false,0,0]' \
		    "with $limit not all, and that is said" ;;
	*)	ok "with $limit: status $status" false ;;
	esac
done

case_dir 'permissions'
full ch/source
hour ch/source/2025-11-15T03
seg 00:00 2.0 full
full ch/low
full other/source
chmod 000 ch/source/2025-11-15T03 ch/low other
if can_unprivileged 'unreadable hour, quality, channel'; then
	unprivileged -n -f json -q source,low ch other
	is_status 2
	err_lines 4
	err_has 'ch/source/2025-11-15T03: Permission denied'
	err_has 'ch/low: Permission denied'
	err_has 'other/source: Permission denied'
	err_has 'other/low: Permission denied'
	jq_is '[.reports[0].raw.coverage, .reports[0].raw.hole_duration,
	    .complete, (.errors | length)]' '[2,3598,false,4]'
	chmod 111 ch/source/2025-11-15T03 ch/low other
	unprivileged -n -f none -q source,low ch
	is_status 2
	err_lines 2
	chmod 444 ch/source
	unprivileged -n -f json ch
	is_status 2
	jq_is '[.complete, .reports[0].raw.hole_count]' '[false,0]'
fi
chmod -R u+rwx .

case_dir 'a name too long'
full ch/source
long=$(printf '%0256d' 0)
run -n -f json "$long" ch
is_status 2
err_lines 1
err_has 'File name too long'
jq_is '[.reports[] | .raw.coverage]' '[0,2]'
run -n -f json -q "$long,source" ch
is_status 2
err_lines 1
jq_is '[.reports[] | .raw.coverage]' '[0,2]'

case_dir 'the working directory is gone'
full archive/ch/source
mkdir gone
runs sh -c 'cd gone && rmdir ../gone && exec "$@"' sh "$sc" -n -f json \
    -b "$PWD/archive" ch
is_status 0
is_err </dev/null
jq_is '.reports[0].raw.coverage' 2
mkdir gone
runs sh -c 'cd gone && rmdir ../gone && exec "$@"' sh "$sc" -n -f none ch
is_status 2
err_lines 1

# Standard streams

case_dir 'stdout'
full ch/source
for format in text json; do
	runs sh -c '"$@" >/dev/full' sh "$sc" -n -f $format -m m.prom ch
	is_status 2
	err_lines 1
	err_has 'No space left on device'
	ok 'the metrics are written' grep -q "^raw_coverage.* 2" m.prom
	rm -f m.prom
	runs sh -c '"$@" >&-' sh "$sc" -n -f $format ch
	is_status 2
	err_lines 1
	err_has stdout
done
leaves m.prom
: >m.prom
runs sh -c '"$@" >/dev/full' sh "$sc" -n -f none ch
is_status 0
silent
runs sh -c '"$@" >/dev/full' sh "$sc" -n -r m.prom ch
is_status 0
silent
for option in --help --version; do
	runs sh -c '"$@" >/dev/full' sh "$sc" $option
	is_status 2
	err_lines 1
	runs sh -c '"$@" >&-' sh "$sc" $option
	is_status 2
	err_lines 1
done

case_dir 'a report larger than a buffer to a full disk'
mkdir -p ch/source
for day in 01 02 03 04 05 06 07 08 09; do
	for n in 00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17; do
		full ch/source
		mv "$hour" "ch/source/2025-11-${day}T$n"
	done
done
for format in text json; do
	runs sh -c '"$@" >/dev/full' sh "$sc" -n -a -f $format ch
	is_status 2
	err_lines 1
	# that sanitizer's own writes come first
	[ "${SANITIZE-}" != thread ] || continue
	inject write:error=EIO:when=1 -n -a -f $format ch
	is_status 2
	ok 'though what followed was written' \
	    sh -c 'tail -n 1 "$0" | grep -vq INJECTED' "$tmp/strace"
done

case_dir 'a reader that has gone'
full ch/source
mkfifo pipe
runs sh -c 'exec 3<>pipe 4>pipe 3<&-; "$@" >&4' sh "$sc" -n -r kept.txt ch
is_status 0
runs sh -c 'exec 3<>pipe 4>pipe 3<&-; "$@" >&4' sh "$sc" -m kept.prom -n ch
is_status 141
is_err </dev/null
leaves kept.txt kept.prom
ok 'what was published is whole' grep -q "^raw_coverage.* 2" kept.prom
runs sh -c 'trap "" PIPE; exec 3<>pipe 4>pipe 3<&-; "$@" >&4' sh "$sc" -n ch
is_status 2
err_lines 1
err_has 'Broken pipe'

case_dir 'calls that are interrupted'
full ch/source
run -n -a --now 2025-11-16 ch
cp "$out" "$tmp/undisturbed"
for call in getdents64 write; do
	inject $call:error=EINTR:when=1 -n -a --now 2025-11-16 ch
	is_status 0
	is_err </dev/null
	ok "$call was interrupted" grep -q INJECTED "$tmp/strace"
	same_file "$tmp/undisturbed" "$out" "$call: the same report"
done

case_dir 'stderr and stdin'
full ch/source
mkdir -p ch/low
ln -s 2025-11-15T02 ch/low/2025-11-15T02
for redirected in '2>&-' '2>/dev/full' '<&- 2>&-' '<&-'; do
	runs sh -c "\"\$@\" $redirected" sh "$sc" -n -v -f json -r r.json \
	    -q source,low,none ch
	is_status 2
	ok "a whole report with $redirected" jq -e .schema_version r.json
done
leaves r.json
runs sh -c '"$@" <&- >&- 2>&-' sh "$sc" -n -v -f json -r r.json ch
is_status 0
ok 'a whole report with no streams' jq -e .schema_version r.json

case_dir 'no thread for the database'
full ch/source
inject clone,clone3:error=EAGAIN -n -f none --make-page \
    --connection-string 'host=127.0.0.1 port=1' ch
is_status 2
is_err <<'EOT'
segment-coverage: database: Resource temporarily unavailable
EOT
ok 'and no page' absent coverage-maps

# Silence

case_dir 'all is well'
full ch/source
for options in '' '-a' '-q source,none' '--first-hour 2031-01-01' '-j 1' \
    '--metrics-hours 0'; do
	# shellcheck disable=SC2086
	run -n -f none $options ch
	is_status 0
	silent
done
runs env -i "$sc" -n -f none ch
is_status 0
silent
for format in text json; do
	run -n -f $format ch
	is_status 0
	is_err </dev/null
done

done_testing
