#!/bin/sh
# SPDX-License-Identifier: MIT
# --check, --known and -f holes: every reason to find something, and none.
. "${0%/*}/lib.sh"

# check [OPTION...]: channel ch, ten minutes past the hour
check() {
	run --check --now 2025-11-15T02:10:00 "$@" ch
}

# fine [OPTION...]: nothing is found
fine() {
	check "$@"
	same "$status $(sed 's/, .*//' "$out" "$err")" '0 COVERAGE OK: 1 quality' \
	    "fine: $*"
}

# finds [OPTION...]: stdin's findings
finds() {
	check "$@"
	same "$status $(sed 's/^segment-coverage: //' "$err")" "1 $(cat)" \
	    "findings: $*"
}

case_dir 'no reason'
at 01 '59:58 2.0 full'
at 02 '00:00 590.0 full'
for options in '' '--max-age 60 --settle 0' '--first-hour -1h -a -v'; do
	# shellcheck disable=SC2086
	fine $options
done

case_dir 'what is said on stdout'
at 01 '00:00 3600 full, 20:00 10 full'
at 02 '00:00 600 full'
cp -r ch/source ch/480p
check -q source,480p
is_out <<'EOT'
COVERAGE OK: 2 qualities, 1 h
EOT
rm ch/480p/2025-11-15T02/*
: >ch/file
check -q source,480p,file --max-age 60
is_status 2
is_out 'findings before errors' <<'EOT'
COVERAGE CRITICAL: ch/480p: the newest segment ended 10m00s ago, at 2025-11-15T02:00:00.000000Z; --max-age is 1m00.0s
EOT
: >"ch/480p/2025-11-15T02/01:00-2.0-full-Hash.ts"
check -q source,480p --max-age 60
is_out 'the first, and how many more' <<'EOT'
COVERAGE CRITICAL: ch/480p: the newest segment ended 8m58s ago, at 2025-11-15T02:01:02.000000Z; --max-age is 1m00.0s (and 1 more)
EOT
check -f none
is_status 0
silent
check -f json
jq_is '.reports | length' 1 'a report if it is asked for'
check -q 720p
is_status 1
out_has 'CRITICAL: ch/720p: no segments'
run --check nobody
is_status 2
out_has 'COVERAGE UNKNOWN: ./nobody: no such channel; there are: ch'

case_dir 'holes'
at 02 '00:00 2.0 full, 00:04.5 2.0 full, 00:06.51 2.0 full,
    00:08.520001 591 full'
finds <<'EOT'
ch/source: a hole of 2.5s from 2025-11-15T02:00:02.000000Z to 2025-11-15T02:00:04.500000Z
ch/source: a hole of 0.010s from 2025-11-15T02:00:08.510000Z to 2025-11-15T02:00:08.520001Z
EOT
finds --min-hole 2.5 <<'EOT'
ch/source: a hole of 2.5s from 2025-11-15T02:00:02.000000Z to 2025-11-15T02:00:04.500000Z
EOT
fine --min-hole 2.500001
fine -t 2.5

case_dir 'the longest of many'
at 02
for minute in 00 01 02 03 04 05 06; do
	seg $minute:00 29.0 full
	seg $minute:30 29.0$minute full
done
seg 03:40 10 full
mv "$hour/03:30-29.003-full-Hash.ts" "$hour/03:30-5-full-Hash.ts"
check
err_lines 11
same "$(sed -n '1,2s/.*\(a hole of.*\) from.*/\1/p;$s/.*and/and/p' "$err")" \
    'a hole of 10.0s
a hole of 5.0s
and 4 more, 4.0s in all' 'the longest first, the rest in one line'

case_dir 'what is still arriving'
at 02 '08:58 2.0 full, 09:02 2.0 full'
finds <<'EOT'
ch/source: a hole of 2.0s from 2025-11-15T02:09:00.000000Z to 2025-11-15T02:09:02.000000Z
EOT
fine --settle 60.000001
check --settle 0
is_status 1
at 01 '57:58 2.0 full'
rm ch/source/*T02/*
at 02 '00:20 10.0 full, 00:35 560 full'
finds --first-hour 2025-11-15T02 --now 2025-11-15T02:00:40 <<'EOT'
ch/source: a hole of 20.0s from 2025-11-15T02:00:00.000000Z to 2025-11-15T02:00:20.000000Z
EOT

case_dir 'the newest segment'
at 01 '00:00 3600 full'
at 02 '00:00 540.0 full, 09:00 90 temp'
fine --max-age 60
finds --max-age 59.999999 <<'EOT'
ch/source: the newest segment ended 1m00s ago, at 2025-11-15T02:09:00.000000Z; --max-age is 1m00.0s
EOT
fine --max-age 0 --last-hour -1h
finds --max-age 50m --now 2025-11-15T23:00 --last-hour 2025-11-15T02 <<'EOT'
ch/source: the newest segment ended 51m00s before the window does, at 2025-11-15T02:09:00.000000Z; --max-age is 50m00.0s
EOT
fine --max-age 51m --now 2025-11-15T23:00 --last-hour 2025-11-15T02
ln -s 2025-11-15T03 ch/source/2025-11-15T03
check --now 2025-11-15T03:30 --max-age 60
is_status 2
ok 'an unreadable hour may hold a newer one' not grep -q newest "$err"

case_dir 'no segments'
at 00 '00:00 3600 full'
at 02 '00:00 2.0 temp'
mkdir ch/empty
finds -q empty <<'EOT'
ch/empty: no segments
EOT
finds --first-hour -1h <<'EOT'
ch/source: no segments
EOT
seg 00:00 2.0 full
finds --first-hour 2025-11-15T01 --last-hour 2025-11-15T01 <<'EOT'
ch/source: no segments
ch/source: a hole of 1h00m00s from 2025-11-15T01:00:00.000000Z to 2025-11-15T02:00:00.000000Z
EOT
ln -s 2025-11-15T03 ch/empty/
check -q source,empty --now 2025-11-15T04
is_status 2
ok 'unless an unreadable hour may hold one' not grep -q 'no segments' "$err"
err_has 'ch/source: a hole of 1h00m00s from '

case_dir 'incomplete'
at 02 '00:00 594 full, 09:54 6 suspect'
fine
seg 10:00 0.000001 partial
finds <<'EOT'
ch/source: INCOMPLETE: 6.0s of 10m00.0s
EOT

case_dir 'every reason at once'
at 01 '00:00 2.0 full, 00:04 2.0 partial'
hour ch/low/2025-11-15T05
seg 00:00 2 full
finds --max-age 60 -q source,low <<'EOT'
ch/source: the newest segment ended 1h09m ago, at 2025-11-15T01:00:06.000000Z; --max-age is 1m00.0s
ch/source: a hole of 2.0s from 2025-11-15T01:00:02.000000Z to 2025-11-15T01:00:04.000000Z
ch/source: INCOMPLETE: 2.0s of 4.0s
ch/low: no segments
ch/low: 1 segment ahead of the clock
EOT

# Holes as lines, and those that are known

case_dir 'lines'
at 01 '00:00 3600 full'
at 02 '00:00 2.0 full, 00:04.000001 300 full, 09:33 2 full'
mkdir -p zz
cp -r ch/source ch/480p
cp -r ch/480p zz/480p
run -n -f holes --now 2025-11-15T02:09:50 -q source,480p zz ch
ok 'seven columns' not grep -qv "^$(printf '[^\t]*\t%.0s' 1 2 3 4 5 6)\$" "$out"
same "$(cut -f 1-2 "$out" | tr '\t\n' '  ')" 'ch 480p ch 480p ch source ch '\
'source zz 480p zz 480p ' 'sorted'
tail -n 2 "$out" | cut -f 3-6 | tr '\t' ' ' >"$tmp/shown" && mv "$tmp/shown" "$out"
is_out <<'EOT'
2025-11-15T02:00:02.000000Z 2025-11-15T02:00:04.000001Z 2.000001 hole
2025-11-15T02:05:04.000001Z 2025-11-15T02:09:33.000000Z 268.999999 hole
EOT
run -n -f holes --now 2025-11-15T02:09:50 --settle 5m ch
same "$(cut -f 6 "$out" | tr '\n' ' ')" 'hole settling ' 'which still settles'

case_dir 'accepted losses'
at 01 '00:00 3600 full'
at 02 '00:00 2.0 full, 00:04 300 full, 06:00 240 full'
cp -r ch/source ch/480p
run -n -f holes --now 2025-11-15T02:10 -q source,480p ch
cp "$out" known
check -q source,480p --known known
is_status 0
run -n -f holes --now 2025-11-15T02:10 --known known ch
same "$(cut -f 6 "$out" | sort -u)" known 'its lines say so'
report --now 2025-11-15T02:10 --known known
is '.raw | [.hole_count, .holes[].known]' '[2,true,true]' 'a hole in every number'
rm "$hour"/00:0[04]-*
seg 00:00 1.99 full
seg 00:04.01 300 full
fine --known known
rm "$hour"/00:0[04]*
seg 00:00 2.0 full
seg 00:04.011 300 full
finds --known known <<'EOT'
ch/source: a hole of 2.0s from 2025-11-15T02:00:02.000000Z to 2025-11-15T02:00:04.011000Z
EOT
rm "$hour"/00:04.011-* ch/480p/*T02/00:04-*
finds --known known <<'EOT'
ch/source: a hole of 5m58.0s from 2025-11-15T02:00:02.000000Z to 2025-11-15T02:06:00.000000Z
EOT
{
	printf '# what we know\n\n*\t*\t2025-11-15T02:00:02Z\t2025-11-15T02:03:00Z\n'
	printf 'ch\t*\t2025-11-15T02:02:59Z\t2025-11-15T02:06:00Z\tx\ty\tz\n'
} >stars
fine --known stars
printf 'ch\tsource\t2025-11-15T02:00:02Z\n' >>stars
check --known stars
is_status 2
err_has 'stars:5: '

done_testing
