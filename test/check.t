#!/bin/sh
# --check: every reason to find something, and no reason.
. "${0%/*}/lib.sh"

# check [OPTION...]: channel ch, quietly, ten minutes past the hour
check() {
	run --check -f none --now 2025-11-15T02:10:00 "$@" ch
}

case_dir 'no reason'
hour ch/source/2025-11-15T01
seg 59:58 2.0 full
hour ch/source/2025-11-15T02
seg 00:00 590.0 full
for options in '' '--max-age 60' '--settle 0' '--first-hour -1h --max-age 10' \
    '--first-hour now --last-hour now' '-q source -a -v'; do
	# shellcheck disable=SC2086
	check $options
	is_status 0
	silent
done
runs env -i "$sc" -c --first-hour -2h --max-age 10 --now 2025-11-15T02:10:00 \
    -f none -b "$PWD" ch
is_status 0
silent

case_dir 'an editable hole is none'
hour ch/source/2025-11-15T02
seg 00:00 4.0 full
seg 00:03 3.0 full
seg 00:06 2.0 suspect
seg 00:07 9.0 temp
check
is_status 0
silent

case_dir 'holes'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
seg 00:04.5 2.0 full
seg 00:06.510000 2.0 full
seg 00:08.520001 2.0 partial
check
is_status 1
is_out </dev/null
is_err <<'EOT'
segment-coverage: ch/source: a hole of 2.5 s from 2025-11-15T02:00:02.000000Z to 2025-11-15T02:00:04.500000Z
segment-coverage: ch/source: a hole of 0.010001 s from 2025-11-15T02:00:08.510000Z to 2025-11-15T02:00:08.520001Z
EOT
check -t 1
is_status 1
err_lines 1
check -t 2.5
is_status 0
silent
run --check -n --now 2025-11-15T02:10:00 ch
is_status 1
err_lines 2
ok 'the report is still written' [ -s "$out" ]

case_dir 'the longest of many'
hour ch/source/2025-11-15T02
for minute in 00 01 02 03 04 05 06; do
	seg $minute:00 29.0 full
	seg $minute:30 2$minute full
done
mv "$hour/03:30-203-full-Hash.ts" "$hour/03:30-10-full-Hash.ts"
for minute in 00 01 02 04 05 06; do
	mv "$hour/$minute:30-2$minute-full-Hash.ts" \
	    "$hour/$minute:30-29.${minute}-full-Hash.ts"
done
seg 07:00 1 full
check
is_status 1
err_lines 11
same "$(head -n 2 "$err")" "\
segment-coverage: ch/source: a hole of 20 s from 2025-11-15T02:03:40.000000Z to 2025-11-15T02:04:00.000000Z
segment-coverage: ch/source: a hole of 1 s from 2025-11-15T02:00:29.000000Z to 2025-11-15T02:00:30.000000Z" \
    'the longest first, then in order of time'
same "$(tail -n 1 "$err")" \
    'segment-coverage: ch/source: and 4 more, 3.83 s in all' 'and the rest'
check -t 0.96
err_lines 11
check --now 2025-11-15T02:06:40
same "$(tail -n 1 "$err")" \
    'segment-coverage: ch/source: and 1 more, 0.96 s in all' \
    'without those that are still settling'

case_dir 'what is not known is not said'
hour ch/source/2025-11-15T01
seg 00:00 3600.0 full
ln -s 2025-11-15T02 ch/source/2025-11-15T02
check --max-age 60
is_status 2
err_lines 1
rm ch/source/2025-11-15T02
ln -s 2025-11-15T00 ch/source/2025-11-15T00
check --max-age 60
is_status 2
err_lines 2

case_dir 'missing hours are a hole'
hour ch/source/2025-11-14T22
seg 59:58 2.0 full
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
check
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: a hole of 10800 s from 2025-11-14T23:00:00.000000Z to 2025-11-15T02:00:00.000000Z
EOT

case_dir 'what is still arriving'
hour ch/source/2025-11-15T02
seg 08:58 2.0 full
seg 09:02 2.0 full
check
is_status 1
err_lines 1
err_has 'a hole of 2 s from 2025-11-15T02:09:00.000000Z'
check --settle 60.000001
is_status 0
silent
check --settle 61
silent
check --settle 0
is_status 1
run --check -f none --now 2025-11-15T02:09:59.999999 ch
is_status 0
silent
run --check -f none --now 2025-11-15T02:00:00 --settle 0 ch
is_status 0
silent

case_dir 'the window cuts a hole, not how long ago it began'
hour ch/source/2025-11-15T01
seg 57:58 2.0 full
hour ch/source/2025-11-15T02
seg 00:20 10.0 full
seg 00:35 5.0 full
run --check -f none --now 2025-11-15T02:00:40 --first-hour 2025-11-15T02 ch
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: a hole of 20 s from 2025-11-15T02:00:00.000000Z to 2025-11-15T02:00:20.000000Z
EOT

case_dir 'the newest segment'
hour ch/source/2025-11-15T02
seg 00:00 540.0 full
check --max-age 60
is_status 0
silent
check --max-age 59.999999
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: the newest segment ended 60 s ago, at 2025-11-15T02:09:00.000000Z; --max-age is 59.999999 s
EOT
check --max-age 0
is_status 1
err_lines 1
seg 09:00 90 temp
check --max-age 50
is_status 1
seg 09:00 90 partial
check --max-age 0
is_status 0
silent

case_dir 'the newest of the window'
hour ch/source/2025-11-15T00
seg 00:00 3600 full
hour ch/source/2025-11-15T01
seg 00:00 3600 full
hour ch/source/2025-11-15T02
seg 00:00 600.0 full
check --max-age 60 --last-hour -1h
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: the newest segment ended 600 s ago, at 2025-11-15T02:00:00.000000Z; --max-age is 60 s
EOT
check --max-age 600 --last-hour -1h
is_status 0
silent

case_dir 'the window'
hour ch/source/2025-11-14T20
seg 00:00 2.0 full
seg 00:04 2.0 full
hour ch/source/2025-11-15T01
seg 00:10 3590.0 full
hour ch/source/2025-11-15T02
seg 00:00 600.0 full
check --first-hour now
is_status 0
silent
check --first-hour -1h
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: a hole of 10 s from 2025-11-15T01:00:00.000000Z to 2025-11-15T01:00:10.000000Z
EOT
check --last-hour 2025-11-14T20
is_status 1
err_lines 2

case_dir 'no segments'
hour ch/source/2025-11-15T00
seg 00:00 2.0 full
hour ch/source/2025-11-15T02
seg 00:00 2.0 temp
mkdir ch/empty
check --first-hour -1h --max-age 60
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: no segments; the last before ended 7798 s ago, at 2025-11-15T00:00:02.000000Z
EOT
run --check -f none --now 2025-11-15T00:00:01 --first-hour -1h \
    --last-hour -1h ch
is_err <<'EOT'
segment-coverage: ch/source: no segments
EOT
mv ch/source/2025-11-15T00 ch/source/2025-11-14T23
mv ch/source/2025-11-14T23/00:00-2.0-full-Hash.ts \
    ch/source/2025-11-14T23/59:59-2.5-full-Hash.ts
run --check -f none --now 2025-11-15T00:00:01 --first-hour now ch
is_err <<'EOT'
segment-coverage: ch/source: no segments
EOT
run --check -f none --now 2025-11-15T00:00:01.5 --first-hour now ch
is_err <<'EOT'
segment-coverage: ch/source: no segments; the last before ended 0 s ago, at 2025-11-15T00:00:01.500000Z
EOT
mv ch/source/2025-11-14T23 ch/source/2025-11-15T00
check --last-hour 2025-11-14T23
is_err <<'EOT'
segment-coverage: ch/source: no segments
EOT
check -q source,empty,none
is_status 1
is_err <<'EOT'
segment-coverage: ch/empty: no segments
segment-coverage: ch/none: no segments: no such quality
EOT

case_dir 'no segments, but a hole'
hour ch/source/2025-11-14T20
seg 00:00 3600 full
hour ch/source/2025-11-15T03
seg 00:00 2.0 full
check --first-hour 2025-11-15T01 --last-hour 2025-11-15T01
is_status 1
is_err <<'EOT'
segment-coverage: ch/source: a hole of 3600 s from 2025-11-15T01:00:00.000000Z to 2025-11-15T02:00:00.000000Z
segment-coverage: ch/source: no segments
EOT

case_dir 'every reason at once'
hour 2ch/low/2025-11-15T01
seg 00:00 2.0 full
seg 00:04 2.0 full
hour ch/source/2025-11-15T02
seg 00:00 600.0 full
check --max-age 60 -q source,low 2ch
is_status 1
is_err <<'EOT'
segment-coverage: 2ch/source: no segments: no such quality
segment-coverage: 2ch/low: a hole of 2 s from 2025-11-15T01:00:02.000000Z to 2025-11-15T01:00:04.000000Z
segment-coverage: 2ch/low: the newest segment ended 4194 s ago, at 2025-11-15T01:00:06.000000Z; --max-age is 60 s
segment-coverage: ch/low: no segments: no such quality
EOT

case_dir 'trouble wins'
hour ch/source/2025-11-15T01
seg 00:00 2.0 full
seg 00:04 2.0 full
ln -s 2025-11-15T00 ch/source/2025-11-15T00
check
is_status 2
err_lines 2
err_has 'ch/source/2025-11-15T00: '
err_has 'segment-coverage: ch/source: a hole of 2 s'

case_dir 'what was not read is not found wanting'
mkdir ch
: >ch/source
ln -s low ch/low
check -q source,low
is_status 2
err_lines 2
ok 'nothing is said of its segments' not grep -q "no segments" "$err"
run --check -f none nowhere
is_status 2
err_lines 1
mkdir ch/high
ln -s 2025-11-15T02 ch/high/2025-11-15T02
check -q high
is_status 2
err_lines 1

case_dir 'looks only'
hour ch/source/2025-11-15T02
seg 00:00 600.0 full
check --make-page --node n=http://n.example -m metrics.prom
is_status 0
silent
leaves metrics.prom
run --check --now 2025-11-15T02:10 -f json -r report.json ch
is_status 0
silent
leaves report.json

case_dir 'as a condition of the shell'
hour ch/source/2025-11-15T02
seg 00:00 2.0 full
said=$(PATH=${sc%/*}:$PATH sh -c 'segment-coverage --check --first-hour -2h \
    --max-age 60 -f none --now 2025-11-15T03 ch 2>/dev/null || echo page')
same "$said" page 'somebody is paged'
said=$(PATH=${sc%/*}:$PATH sh -c 'segment-coverage --check --first-hour -2h \
    --max-age 60 -f none --now 2025-11-15T02 ch || echo page')
same "$said" '' 'nobody is'

done_testing
