#!/bin/sh
# SPDX-License-Identifier: MIT
# The report for people: what stands in it, and how long it is.
. "${0%/*}/lib.sh"

# text ARGUMENT...: without a map, at $now
now=2025-11-15T06:00:00Z
text() {
	run -n --now "$now" "$@"
}

# whole HOUR...: hours of ch/source, each with one segment that fills it
whole() {
	for name; do
		hour "ch/source/2025-11-$name"
		seg 00:00 3600 full
	done
}

# lines N: at most so many, none of more than 80 columns
lines() {
	ok "at most $1 lines" [ "$(wc -l <"$out")" -le "$1" ]
	ok '80 columns' [ "$(LC_ALL=C.UTF-8 wc -L <"$out")" -le 80 ]
}

# part FIRST [LAST]: only that part of stdout, by sed's addresses, and a
# terminal's colours as <CODE> and <>
part() {
	sed -n "$1,${2-\$}p" "$out" | sed 's/\x1b\[0m/<>/g
	    s/\x1b\[\([0-9;]*\)m/<\1>/g' >"$tmp/part" && mv "$tmp/part" "$out"
}

# The table of qualities

case_dir 'a verdict for each'
whole 15T05
for quality in holes lost stopped partial; do
	mkdir -p ch/$quality
	cp -r ch/source/2025-11-15T05 ch/$quality
done
hour ch/holes/2025-11-15T02
seg 00:00 3590 full
hour ch/lost/2025-11-15T03
ln -s 2025-11-15T04 ch/lost/2025-11-15T04
mv ch/stopped/2025-11-15T05 ch/stopped/2025-11-15T02
hour ch/partial/2025-11-15T04
seg 00:00 3500 full
seg 58:20 100 suspect
mkdir -p ch/empty/2025-11-15T03 ch/live ch/none
hour ch/live/2025-11-15T05
seg 00:00 2 temp
hour ch/none/2025-11-15T05
seg 00:00 0 full
: >ch/file
text -q source,holes,lost,stopped,partial,empty,live,none,720p,file ch
is_status 2
part 1 /UTC/
is_out <<'EOT'
NOT COMPLETE: 3 errors; what could not be read is left out below
  ./ch/lost/2025-11-15T04: Too many levels of symbolic links
  ./ch/720p: no such quality; there are: empty, holes, live, lost, none, partial, source, stopped
  ./ch/file: Not a directory

  ch                       covered  holes      lost   longest  incompl.  newest
    source  OK            100    %      -         -         -         -  0s
    holes   HOLES          49.93 %      1  2h00m10s  2h00m10s         -  0s
            2 hours missing
    lost    UNREADABLE    100    %      -         -         -         -  0s
            1 hour unreadable
    stopped STOPPED 3h00m 100    %      -         -         -         -  3h00m
    partial INCOMPLETE    100    %      -         -         -   1m40.0s  0s
    empty   NO SEGMENTS    (none at all)
    live    NO SEGMENTS    (none at all)
            1 being downloaded
    none    NO SEGMENTS    (only segments of no duration)
    720p    ABSENT         (there are: empty, holes, live, lost, none, ...)
    file    UNREADABLE     (could not be listed)
  2025-11-15T02:00:00 to 2025-11-15T06:00:00 UTC
EOT
text nobody
out_has '    source  UNREADABLE     (not looked at)'
text -q holes ch
out_has '    not asked for: empty, live, lost, none, partial, ...'
out_has '  2025-11-15T03  to 2025-11-15T04  MISSING           1  2h00m00s  '
text --color=always -q partial,source ch
part 1
out_has '    partial <33>INCOMPLETE<> '
out_has '    source  <32>OK<> '

case_dir 'what the figures do not say'
at 02 '00:00 3600 full, 10:00 10 full, 10:05 10 full'
: >"$hour/zzz.ts"
at 04 '00:00 1800 full, 20:00 1800 full, 50:00 600 partial'
at 09 '00:00 2 full, 00:02 2 full'
hour ch/source/2023-01-01T00
seg 00:00 3600 full
text ch
part 1 /UTC/
is_out <<'EOT'
  ch                       covered  holes      lost   longest  incompl.  newest
    source  STOPPED 1h00m   0.01 %      2  1049d02h  1049d01h  10m00.0s  1h00m
            2023-01-01T00 and 2025-11-15T02: more than a year apart;
            25178 hours missing; 2 segments ahead of the clock, ignored;
            1 bad name
  2023-01-01T00:00:00 to 2025-11-15T05:00:00 UTC
EOT
rm -r ch/source/2023*
printf 'ch\tsource\t2025-11-15T03:00:00Z\t2025-11-15T04:00:00Z\n' >known
text --known known ch
out_has '  ch/source: holes (1 known)'

case_dir 'whether the stream has stopped, and where it is if not in the window'
whole 15T03
for options in '--now 2025-11-15T04:02:00' '--now 2025-11-15T04:02:00.1' \
    '--now 2025-11-15T23:59 --last-hour 2025-11-15T03' \
    '--now 2025-11-15T23:59 --last-hour 2025-11-15T04' \
    '--now 2026-11-15T00:00' '--now 2025-11-15T03:59'; do
	# shellcheck disable=SC2086
	text $options ch
	sed -n 2p "$out"
done >"$tmp/rows"
mv "$tmp/rows" "$out"
is_out <<'EOT'
    source  OK            100    %      -         -         -         -  2m00s
    source  STOPPED 2m00s 100    %      -         -         -         -  2m00s
    source  OK            100    %      -         -         -         -  19h59m
    source  STOPPED 1h00m 100    %      -         -         -         -  19h59m
    source  STOPPED 364d  100    %      -         -         -         -  364d
    source  OK            100    %      -         -         -         -  0s
EOT
text --first-hour 2024-11-15 --last-hour 2024-11-16 ch
out_has 'source  NO SEGMENTS    (the first after begins 2025-11-15T03:00:00)'
text --first-hour 2025-11-15T06 --last-hour 2025-11-15T07 ch
out_has 'source  NO SEGMENTS    (the last before ended 2025-11-15T04:00:00)'
out_has '  2025-11-15T06:00:00 to 2025-11-15T08:00:00 UTC'
ln -s 2025-11-15T05 ch/source/2025-11-15T05
text ch
ok 'an unreadable hour may hold something newer' not grep -q STOPPED "$out"

case_dir 'long names'
hour channel-of-many-letters-and-more/a-long-quality/2025-11-15T05
seg 00:00 3600 full
text -q a-long-quality channel-of-many-letters-and-more
part 1 3
is_out <<'EOT'
  channel-of-many-letters-and-more
                           covered  holes      lost   longest  incompl.  newest
    a-long-quality
EOT

# Holes, days and hours

case_dir 'the longest holes'
at 05
for at in 00 01 02 03 04; do
	seg "$at:00" 50 full
done
seg 05:20 10 full
seg 06:00.5 1799.5 full
seg 36:00.000001 60 full
seg 37:00.002001 1379.997999 full
text -t 0 ch
part /:.holes/
sed '/Hours/,$d' "$out" >"$tmp/shown" && mv "$tmp/shown" "$out"
is_out 'those of one length in order of time' <<'EOT'
  ch/source: holes, longest first (5 of 8; all: -f holes)
       30.5s  2025-11-15T05:05:30.000  05:06:00.500
       30.0s  2025-11-15T05:04:50.000  05:05:20.000
       10.0s  2025-11-15T05:00:50.000  05:01:00.000
       10.0s  2025-11-15T05:01:50.000  05:02:00.000
       10.0s  2025-11-15T05:02:50.000  05:03:00.000
EOT
text -t 0 -a ch
out_has '   0.000001s  2025-11-15T05:36:00.000000  05:36:00.000001'
rm "$hour"/0*
text -t 0 ch
out_has ' 99.99 %      1    0.002s    0.002s '

case_dir 'cells'
at 01 '06:00 60 full, 07:00 2940 suspect, 56:00 240 full'
at 02 '00:00 119.5 full, 02:00 120 full, 04:00.5 11.5 full, 05:00 3180 full,
    58:00 119 full, 59:59 1 suspect'
at 03 '00:00 600 full, 10:00 61 partial, 15:00 2700 full'
mkdir ch/source/2025-11-15T04
at 06 '00:00 7.5 full'
mkdir ch/source/2025-11-15T07
: >ch/source/2025-11-15T04/bad.ts
now=2025-11-15T08:00:00Z
text ch
part /Hours/
is_out <<'EOT'
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T01     +++++++++++++++++++++++++##      -         -  49m00.0s     -
  2025-11-15T02  9#5###########################      3     49.0s      1.0s     -
  2025-11-15T03  #####505######################      1   3m59.0s   1m01.0s     -
  2025-11-15T04  000000000000000000000000000000      1  1h00m00s         -     1
  2025-11-15T05  MISSING                             1  1h00m00s         -     -
  # whole, 0 to 9 tenths of it, + incomplete, ? unreadable, blank: no stream
EOT
LC_ALL=C.UTF-8 text ch
part /Hours/
same_file "$tmp/wanted" "$out" 'no blocks without colour'
text -a ch
out_has '  2025-11-15T07   '
LC_ALL=C.UTF-8 text --color=always ch
part "/T01 /" "/whole,/"
is_out 'blocks in colour' <<'EOT'
  2025-11-15T01     <33>█████████████████████████<><34>██<>      -         -  <33>49m00.0s<>     -
  2025-11-15T02  <34;41>▇<><34>█<><34;41>▄<><34>███████████████████████████<>      <1;31>3<>     <1;31>49.0s<>      <33>1.0s<>     -
  2025-11-15T03  <34>█████<><34;41>▄ ▄<><34>██████████████████████<>      <1;31>1<>   <1;31>3m59.0s<>   <33>1m01.0s<>     -
  2025-11-15T04  <34;41>                              <>      <1;31>1<>  <1;31>1h00m00s<>         -     <33>1<>
  2025-11-15T05  <1;31>MISSING<>                             <1;31>1<>  <1;31>1h00m00s<>         -     -
  <34>█<> whole, <34;41>▁<> to <34;41>▇<> in part, <33>█<> incomplete, ? unreadable, blank: no stream
EOT
text --color=always ch
part '/^  2025-11-15T02 /' '//'
out_has '  <34;41>9<>#<34;41>5<>###########################      <1;31>3<> '
now=2025-11-15T06:00:00Z

case_dir 'hours worth a line'
whole 14T22 14T23 15T00
at 04 '00:00 3564 full, 59:24 36 partial'
at 05 '00:00 3563 full, 59:23 37 partial'
: >"$hour/bad.ts"
text ch
part /Hours/ /T05/
is_out 'more than 1 % incomplete, or missing' <<'EOT'
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T01  to 2025-11-15T03  MISSING           1  3h00m00s         -     -
  2025-11-15T05  #############################+      -         -     37.0s     1
EOT

case_dir 'the worst hours'
for at in $(seq -w 0 10); do
	at "$at" '00:00 3000 full, 50:00 600 partial'
done
at 11 '00:00 3000 full, 50:01 599 full'
now=2025-11-15T12:00:00Z
text ch
part /Worst.hours/
same "$(grep -c '^  2025-' "$out")" 10 'at most ten'
out_has '  2025-11-15T11  #########################9####      1      1.0s         -     -'

case_dir 'days'
now=2025-11-21T00:00:00Z
for day in 13 14 15 16 18 19 20; do
	for at in $(seq -w 0 23); do
		whole "${day}T$at"
	done
done
rm -r ch/source/2025-11-1[46]T1[01]
: >ch/source/2025-11-15T23/bad.ts
: >ch/source/2025-11-20T23/bad.ts
text ch
part /Days/ /Hours/
is_out 'runs of whole days, and of missing ones, are one line' <<'EOT'
  Days        00    06    12    18               holes      lost  incompl.   bad
  2025-11-13  ########################               -         -         -     -
  2025-11-14  ##########00############               1  2h00m00s         -     -
  2025-11-15  ########################               -         -         -     1
  2025-11-16  ##########00############               1  2h00m00s         -     -
  2025-11-17  MISSING                                1     1d00h         -     -
  2025-11-18  to 2025-11-20  whole                   -         -         -     1
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
EOT
text --first-hour 2025-11-18T03 --last-hour 2025-11-20T05 ch
same "$(wc -l <"$out")" 3 'of whole days only nothing is said'
text -a ch
same "$(grep -c '^  2025-11-[0-9]*  [#0-9]' "$out")" 7 'all of them'

case_dir 'every figure that the Python logged'
at 04 '00:00.5 1800 full, 00:00.5 1700 full 0 Others, 29:58.5 1802 suspect,
    59:59 2 partial, 59:59.1 2 temp, 10:00 2 full'
tomb 10:00 2 full
whole 15T06
now=2025-11-15T07:00:00Z
text -a ch
part '/T04  #/'
is_out <<'EOT'
  2025-11-15T04  ##############++++++++++++++++      -         -  30m04.0s     -
    2025-11-15T04:00:00.500000  2025-11-15T05:00:01.000000  temp 1, tombstoned 1
    segments  full    2 58m20.0s  suspect    1 30m02.0s  partial    1     2.0s
    overlaps  full    1 28m20.0s  suspect    1     2.0s  partial    1     1.5s
    coverage  raw 1h00m01s, 0 holes  editable 30m02.0s, 1 hole, 29m58.5s
  2025-11-15T05  MISSING                             1  59m59.0s         -     -
  2025-11-15T06  ##############################      -         -         -     -
    2025-11-15T06:00:00.000000  2025-11-15T07:00:00.000000  temp 0, tombstoned 0
    segments  full    1 1h00m00s  suspect    0       0s  partial    0       0s
    overlaps  full    0       0s  suspect    0       0s  partial    0       0s
    coverage  raw 1h00m00s, 0 holes  editable 1h00m00s, 0 holes, 0s
  # whole, 0 to 9 tenths of it, + incomplete, ? unreadable, blank: no stream
EOT
now=2025-11-15T06:00:00Z

case_dir 'a figure as wide as its column'
at 05
for at in 0 1 2 3 4 5 6 7 8 9; do
	seg "00:0$at" 3600 full
done
text -a ch
out_has '    segments  full   10 10h00m00s  suspect '

# In proportion

# broken CHANNEL/QUALITY DAYS [STEP]: from 2025-11-08 on, every STEPth hour
# with a hole of its own
broken() {
	/usr/bin/python3 - "$1" "$2" "${3-1}" <<'EOT'
import datetime, os, sys
for i in range(0, int(sys.argv[2]) * 24, int(sys.argv[3])):
    hour = datetime.datetime(2025, 11, 8) + datetime.timedelta(hours=i)
    name = sys.argv[1] + hour.strftime('/%Y-%m-%dT%H')
    os.makedirs(name)
    open(f'{name}/00:00-{1000 + i % 7}-full-Hash.ts', 'w').close()
EOT
}

case_dir 'a week of one quality'
now=2025-11-15T00:00:00Z
broken ch/source 7
mkdir ch/480p
: >ch/source/2025-11-08T01/bad.ts
run --now "$now" ch
leaves coverage-maps coverage-maps/ch_source_coverage.png \
    coverage-maps/ch_source_coverage.json
lines 24
same "$(tail -n 1 "$out")" '  map: ./coverage-maps/ch_source_coverage.png, 168 hours; -n to only look' \
    'the map is named last'
sed '1,/hours/d' "$out" | sed '/#/!d;/^  #/d' >"$tmp/hours"
ok 'the worst hours are in order of time' sort -c "$tmp/hours"
text -a ch
same "$(grep -c 'coverage  raw' "$out")" 168 'all hours'
run --now "$now" --first-hour 2025-11-08 --last-hour 2025-11-08T00 \
    -q source,480p ch
leaves coverage-maps/ch_480p_coverage.png coverage-maps/ch_480p_coverage.json
same "$(tail -n 1 "$out")" '  maps: 2 in coverage-maps, 1 hour; -n to only look' \
    'several are counted'

case_dir 'a year'
broken ch/source 365 12
text --now 2026-11-08 ch
lines 40
out_has 'Worst days'
out_has 'Worst hours'

case_dir 'sixteen qualities, three of them bad'
broken one/source 7
broken two/480p 7
broken four/160p 7
for channel in one two three four; do
	for quality in source 720p 480p 160p; do
		hour "$channel/$quality/2025-11-14T22"
		seg 00:00 3600 full
	done
done
text -q source,720p,480p,160p one two three four
lines 60
same "$(grep -c '^    [a-z0-9]* *[OHS]' "$out")" 16 'a row for each'
same "$(grep -c longest\ first "$out")" 3 'more of three'
same "$(grep -c Worst\ hours "$out")" 3 'days leave room for hours'

# Trouble

now=2025-11-15T06:00:00Z

case_dir 'hours that could not be read'
whole 15T02 15T05
for name in 03 04 $(seq -w 6 15); do
	ln -s "2025-11-15T$name" "ch/source/2025-11-15T$name"
done
text ch
is_status 2
out_has 'NOT COMPLETE: 12 errors; what could not be read is left out below'
out_has '  ./ch/source/2025-11-15T13: Too many'
out_has '  and 2 more, all in the JSON'
out_has '    source  UNREADABLE    100    %'
out_has '  2025-11-15T04  ??????????????????????????????  UNREADABLE'
ok 'no more than ten errors' not grep -q ./ch/source/2025-11-15T14: "$out"
text -m no/metrics -q 720p ch
is_status 2
out_has 'TROUBLE: '
out_has '; the figures below are complete'

case_dir 'no name writes to the terminal'
evil=$(printf 'a\033[31m\001b\n\r\t\177\302\233c\342\200\256\377\\\303\244')
hour "$evil/source/2025-11-15T05"
seg 00:00 3600 full
: >"$hour/$evil.ts"
hour "$evil/$evil/2025-11-15T05"
seg 00:00 10 full
seg 00:20 10 full
mkdir "$evil/x$evil" "$evil/source/2025-11-15T02$evil"
ln -s "$evil" "$evil/loop"
for locale in C C.UTF-8; do
	LC_ALL=$locale text -v -a -q "source,$evil,no$evil" "$evil" nobody
	cat "$out" "$err" | LC_ALL=C tr -d '\n\040-\176' |
	    if [ $locale = C ]; then cat; else LC_ALL=C tr -d '\200-\377'; fi \
	    >"$tmp/controls"
	ok "no byte that a terminal obeys ($locale)" \
	    not [ -s "$tmp/controls" ]
done
evil='a\x1b[31m\x01b\x0a\x0d\x09\x7f\xc2\x9bc\xe2\x80\xae\xff\\ä'
out_has "$evil"
err_has "$evil.ts"
err_has "2025-11-15T02$evil"

case_dir 'colour on a terminal, and only there'
whole 15T02 15T05
# pty ENVIRONMENT: what is shown on a terminal
pty() {
	runs env TERM=xterm script -qec "LC_ALL=C.UTF-8 $1 $sc -n --now $now \
	    -q source,none ch 2>$tmp/null" /dev/null
	sed -i 's/\r//' "$out"
}
pty ''
part /covered/ /missing/
is_out <<'EOT'
  <1>ch<>                       covered  holes      lost   longest  incompl.  newest
    source  <1;31>HOLES<>          50.00 %      <1;31>1<>  <1;31>2h00m00s<>  2h00m00s         -  0s
            <1;31>2 hours missing<>
EOT
for never in NO_COLOR=1 TERM=dumb; do
	pty $never
	ok "none with $never" not grep -q "$(printf '\033')" "$out"
done
LC_ALL=C.UTF-8 text ch
ok 'none in a file' not grep -q "$(printf '\033')" "$out"
done_testing
