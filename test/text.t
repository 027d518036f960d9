#!/bin/sh
# The report for people, byte for byte.
. "${0%/*}/lib.sh"

now=2025-11-15T06:00:00Z

# text ARGUMENT...: at $now, without a map
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

# pty COMMAND: what it shows on a terminal
pty() {
	runs env TERM=xterm script -qec "$1" /dev/null
	tr -d '\r' <"$out" >"$tmp/shown"
	mv "$tmp/shown" "$out"
}

# marked: a terminal's colours as <CODE> and <>
marked() {
	esc=$(printf '\033')
	sed "s/$esc\\[0m/<>/g;s/$esc\\[\\([0-9;]*\\)m/<\\1>/g" "$out" \
	    >"$tmp/shown"
	mv "$tmp/shown" "$out"
}

# plain: of the bytes on stdout and stderr none is a control but newline,
# and in C none is above 0x7e
plain() {
	controls=$(cat "$out" "$err" | tr -d '\n\040-\176' |
	    if [ "$1" = ascii ]; then cat; else
		LC_ALL=C tr -d '\200-\377'; fi | od -An -tx1)
	same "$controls" '' "no byte that a terminal obeys ($1)"
}

# narrow: no line has more than 80 columns
narrow() {
	ok '80 columns' [ "$(LC_ALL=C.UTF-8 wc -L <"$out")" -le 80 ]
}

# Headlines

case_dir 'all is well'
whole 15T02 15T03
now=2025-11-15T04:00:12.5Z
text ch
is_status 0
is_out <<'EOT'
ch/source: 100 % covered, no holes
  2025-11-15 02:00:00 to 2025-11-15 04:00:00 UTC; newest segment 12.5s old
  2 hours, every one whole
EOT
is_err </dev/null
text --first-hour 2025-11-15T03 ch
is_out <<'EOT'
ch/source: 100 % covered, no holes
  window: all hours from 2025-11-15T03
  2025-11-15 03:00:00 to 2025-11-15 04:00:00 UTC; newest segment 12.5s old
  1 hour, and it is whole
EOT
text --last-hour 2025-11-15T02 ch
out_has '  window: all hours up to 2025-11-15T02'
text --first-hour 2025-11-15T02 --last-hour 2025-11-15T05 ch
out_has '  window: 2025-11-15T02 to 2025-11-15T05'

case_dir 'one of each'
now=2025-11-15T06:00:00Z
whole 15T02 15T04
hour ch/source/2025-11-15T05
seg 00:00 600 full
seg 10:02.002 1000 suspect
: >"$hour/zzz.ts"
text ch
is_out <<'EOT'
ch/source: 70.95 % covered, 2 holes lose 1h00m02s; STOPPED 33m18.0s ago
  2025-11-15 02:00:00 to 2025-11-15 05:26:42 UTC
  longest hole 1h00m00s at 2025-11-15 03:00:00; incomplete 16m40.0s in 1 place;
  1 hour missing; 1 bad name

  Holes, longest first
    1h00m00s  2025-11-15 03:00:00.000 to 04:00:00.000
        2.0s  2025-11-15 05:10:00.000 to 05:10:02.002

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T02  1 whole hour
  2025-11-15T03  1 hour MISSING
  2025-11-15T04  1 whole hour
  2025-11-15T05  #####.++++++++                      1      2.0s  16m40.0s     1

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
narrow

case_dir 'one hole, over midnight'
now=2025-11-16T01:00:00Z
whole 16T00
hour ch/source/2025-11-15T23
seg 00:00 3599 full
rm ch/source/2025-11-16T00/*
hour ch/source/2025-11-16T00
seg 00:01 3600 full
text ch
is_out <<'EOT'
ch/source: 99.97 % covered, 1 hole loses 2.0s
  2025-11-15 23:00:00 to 2025-11-16 01:00:01 UTC;
  newest segment ends 1.0s from now
  longest hole 2.0s at 2025-11-15 23:59:59

  The hole
        2.0s  2025-11-15 23:59:59.000 to 2025-11-16 00:00:01.000

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T23  #############################.      1      1.0s         -     -
  2025-11-16T00  .#############################      1      1.0s         -     -

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT

case_dir 'editable holes'
now=2025-11-15T06:00:00Z
hour ch/source/2025-11-15T05
seg 00:00 10 full
seg 00:08 10 full
seg 00:18 82 full
text ch
is_out <<'EOT'
ch/source: 100 % covered, no holes; STOPPED 58m20.0s ago
  2025-11-15 05:00:00 to 2025-11-15 05:01:40 UTC
  1 hour, and it is whole; editable: 92.00 % covered, 1 hole loses 8.0s
EOT

# Figures

case_dir 'never 100 % with a hole'
hour ch/source/2025-11-15T05
seg 00:00 3000 full
seg 50:00.000001 5 full
text -t 0 ch
out_has 'ch/source: 99.99 % covered, 1 hole loses 0.000001s'
out_has '  0.000001s  2025-11-15 05:50:00.000000 to 05:50:00.000001'

case_dir 'an incomplete segment of no time'
hour ch/source/2025-11-15T05
seg 00:00 3600 full
seg 00:05 0 suspect
text ch
is_out <<'EOT'
ch/source: 100 % covered, no holes
  2025-11-15 05:00:00 to 2025-11-15 06:00:00 UTC; newest segment 0s old

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T05  ##############################      -         -        0s     -

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT

case_dir 'durations'
now=2025-11-20T00:00:00Z
hour ch/source/2025-11-15T00
seg 00:00 1 full
seg 00:01.000001 1 full
seg 00:02.001 7.999 full
seg 00:10.0209 9.9791 full
seg 00:20.9994 9.0006 full
seg 00:30.9996 9.0004 full
seg 00:41.25 8.75 full
seg 01:49.949 0.051 full
seg 02:49.951 0.049 full
whole 15T01 15T04 19T01
text -t 0 ch
sed -n '/^  Holes/,/^$/p' "$out" >"$tmp/holes"
cat >"$tmp/wanted" <<'EOT'
  Holes, longest first (10 of 11; the rest are in the JSON)
       3d20h  2025-11-15 05:00:00.000 to 2025-11-19 01:00:00.000
    2h00m00s  2025-11-15 02:00:00.000 to 04:00:00.000
    57m10.0s  2025-11-15 00:02:50.000 to 01:00:00.000
     1m00.0s  2025-11-15 00:01:50.000 to 00:02:49.951
       59.9s  2025-11-15 00:00:50.000 to 00:01:49.949
        1.3s  2025-11-15 00:00:40.000 to 00:00:41.250
        1.0s  2025-11-15 00:00:30.000 to 00:00:30.999
      0.999s  2025-11-15 00:00:20.000 to 00:00:20.999
      0.021s  2025-11-15 00:00:10.000 to 00:00:10.020
   0.000999s  2025-11-15 00:00:02.000001 to 00:00:02.001000

EOT
same_file "$tmp/wanted" "$tmp/holes" 'each in its unit'
rm -r ch/source/2025-11-1[59]* && whole 14T04
text ch
out_has 'covered, no holes; STOPPED 5d19h ago'

case_dir 'the ten longest of twelve, the earliest first of one length'
now=2025-11-15T06:00:00Z
hour ch/source/2025-11-15T05
for at in 00 01 02 03 04 05 06 07 08 09 10 11; do
	seg "$at:00" 50 full
done
seg 12:20 10 full
seg 13:00 1 full
text ch
sed -n '/^  Holes/,/^$/p' "$out" >"$tmp/holes"
cat >"$tmp/wanted" <<'EOT'
  Holes, longest first (10 of 13; the rest are in the JSON)
       30.0s  2025-11-15 05:11:50.000 to 05:12:20.000
       30.0s  2025-11-15 05:12:30.000 to 05:13:00.000
       10.0s  2025-11-15 05:00:50.000 to 05:01:00.000
       10.0s  2025-11-15 05:01:50.000 to 05:02:00.000
       10.0s  2025-11-15 05:02:50.000 to 05:03:00.000
       10.0s  2025-11-15 05:03:50.000 to 05:04:00.000
       10.0s  2025-11-15 05:04:50.000 to 05:05:00.000
       10.0s  2025-11-15 05:05:50.000 to 05:06:00.000
       10.0s  2025-11-15 05:06:50.000 to 05:07:00.000
       10.0s  2025-11-15 05:07:50.000 to 05:08:00.000

EOT
same_file "$tmp/wanted" "$tmp/holes" 'as many as help'

# The strip

case_dir 'strips'
hour ch/source/2025-11-15T01	# 6 minutes before its first segment
seg 06:00 60 full
seg 07:00 2940 suspect		# up to a cell's last instant
seg 56:00 240 full
hour ch/source/2025-11-15T02	# a hole in one instant of a cell
seg 00:00 119.5 full
seg 02:00 120 full
seg 04:00.5 3359.5 full
seg 58:00 120 partial
hour ch/source/2025-11-15T03	# a hole from cell to cell, worse than partial
seg 00:00 600 full
seg 10:00 61 partial
seg 15:00 2700 full
mkdir ch/source/2025-11-15T04	# empty, and missing
hour ch/source/2025-11-15T05	# bad names only, and missing
: >"$hour/bad.ts"
hour ch/source/2025-11-15T06
seg 00:00 7.5 full
mkdir ch/source/2025-11-15T07	# empty, behind the stream
text ch
sed -n '/^  Hours/,$p' "$out" >"$tmp/hours"
cat >"$tmp/wanted" <<'EOT'
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T01     +++++++++++++++++++++++++##      -         -  49m00.0s     -
  2025-11-15T02  .#.##########################+      2      1.0s   2m00.0s     -
  2025-11-15T03  #####...######################      1   3m59.0s   1m01.0s     -
  2025-11-15T04  1 hour MISSING
  2025-11-15T05  ..............................      1  1h00m00s         -     1
  2025-11-15T06  1 whole hour
  2025-11-15T07                                  no segments                   -

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
same_file "$tmp/wanted" "$tmp/hours" 'ASCII'
LC_ALL=C.UTF-8 text ch
sed -n '/^  Hours/,$p' "$out" >"$tmp/hours"
cat >"$tmp/wanted" <<'EOT'
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T01     ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓██      -         -  49m00.0s     -
  2025-11-15T02  ░█░██████████████████████████▓      2      1.0s   2m00.0s     -
  2025-11-15T03  █████░░░██████████████████████      1   3m59.0s   1m01.0s     -
  2025-11-15T04  1 hour MISSING
  2025-11-15T05  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░      1  1h00m00s         -     1
  2025-11-15T06  1 whole hour
  2025-11-15T07                                  no segments                   -

  █ covered  ▓ incomplete  ░ hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
same_file "$tmp/wanted" "$tmp/hours" 'UTF-8'
narrow

case_dir 'runs of whole hours and of missing ones'
whole 14T22 14T23 15T00 15T04
hour ch/source/2025-11-15T05
seg 00:00 3600 partial
whole 15T06 15T07
text ch
sed -n '/^  Hours/,$p' "$out" >"$tmp/hours"
cat >"$tmp/wanted" <<'EOT'
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-14T22  to 2025-11-15T00  3 whole hours
  2025-11-15T01  to 2025-11-15T03  3 hours MISSING
  2025-11-15T04  1 whole hour
  2025-11-15T05  ++++++++++++++++++++++++++++++      -         -  1h00m00s     -
  2025-11-15T06  to 2025-11-15T07  2 whole hours

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
same_file "$tmp/wanted" "$tmp/hours" 'one line each'
text --first-hour 2025-11-15T02 --last-hour 2025-11-15T04 ch
is_out <<'EOT'
ch/source: 33.33 % covered, 1 hole loses 2h00m00s
  window: 2025-11-15T02 to 2025-11-15T04
  2025-11-15 04:00:00 to 2025-11-15 05:00:00 UTC; newest segment 1h00m00s old
  longest hole 2h00m00s at 2025-11-15 02:00:00; 2 hours missing

  The hole
    2h00m00s  2025-11-15 02:00:00.000 to 04:00:00.000

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T02  to 2025-11-15T03  2 hours MISSING
  2025-11-15T04  1 whole hour
EOT

case_dir 'all hours'
hour ch/source/2025-11-15T04
seg 00:00.5 1800 full
seg 00:00.5 1700 full 0 Others
seg 29:58.5 1802 suspect
seg 59:59 2 partial
seg 59:59.1 2 temp
seg 10:00 2 full
tomb 10:00 2 full
mkdir ch/source/2025-11-15T05
whole 15T06
now=2025-11-15T07:00:00Z
text -a ch
is_out <<'EOT'
ch/source: 66.67 % covered, 1 hole loses 59m59.0s
  2025-11-15 04:00:00 to 2025-11-15 07:00:00 UTC; newest segment 0s old
  longest hole 59m59.0s at 2025-11-15 05:00:01; incomplete 30m04.0s in 1 place;
  1 hour missing; editable: 50.02 % covered, 2 holes lose 1h29m58s

  The hole
    59m59.0s  2025-11-15 05:00:01.000 to 06:00:00.000

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T04  ##############++++++++++++++++      -         -  30m04.0s     -
    04:00:00.500000 to 05:00:01.000000, 1h00m01s; 1 temp, 1 tombstoned
    segments  full    2 58m20.0s  suspect    1 30m02.0s  partial    1     2.0s
    overlaps  full    1 28m20.0s  suspect    1     2.0s  partial    1     1.5s
    coverage  raw      1h00m01s  holes       0       0s
    coverage  editable 30m02.0s  holes       1 29m58.5s
  2025-11-15T05  ..............................      1  59m59.0s         -     -
    0 temp, 0 tombstoned
  2025-11-15T06  ##############################      -         -         -     -
    06:00:00.000000 to 07:00:00.000000, 1h00m00s; 0 temp, 0 tombstoned
    segments  full    1 1h00m00s  suspect    0       0s  partial    0       0s
    overlaps  full    0       0s  suspect    0       0s  partial    0       0s
    coverage  raw      1h00m00s  holes       0       0s
    coverage  editable 1h00m00s  holes       0       0s

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
narrow

case_dir 'whether the stream has stopped'
whole 15T02
for now in 2025-11-15T03:02:00 2025-11-15T03:02:00.001; do
	text -q source ch
	sed 1q "$out"
done >"$tmp/heads"
text --last-hour 2025-11-15T02 ch
sed 1q "$out" >>"$tmp/heads"
now=2025-11-15T12:00:00
text --first-hour -6h ch
cat "$out" >>"$tmp/heads"
text --first-hour -6h --last-hour -3h ch
cat "$out" >>"$tmp/heads"
hour ch/source/2025-11-15T11
seg 59:00 60 full
text --first-hour -9h --last-hour -3h ch
sed 2q "$out" >>"$tmp/heads"
cp "$tmp/heads" "$out"
is_out <<'EOT'
ch/source: 100 % covered, no holes
ch/source: 100 % covered, no holes; STOPPED 2m00.0s ago
ch/source: 100 % covered, no holes
ch/source: no segments; STOPPED 9h00m00s ago
  window: all hours from 2025-11-15T06
  the last before ended at 2025-11-15 03:00:00 UTC
ch/source: no segments
  window: 2025-11-15T06 to 2025-11-15T09
  the last before ended at 2025-11-15 03:00:00 UTC
ch/source: 0 % covered, 1 hole loses 7h00m00s
  window: 2025-11-15T03 to 2025-11-15T09
EOT
now=2025-11-15T07:00:00Z

case_dir 'a headline of more than 80 columns'
hour desertbus/a-long-quality/2025-11-15T02
seg 00:00 1000.5 full
seg 20:00 2400 full
now=2025-11-15T04:01:02
text -q a-long-quality desertbus
sed 3q "$out" >"$tmp/head" && cp "$tmp/head" "$out"
is_out <<'EOT'
desertbus/a-long-quality: 94.45 % covered, 1 hole loses 3m19.5s;
  STOPPED 1h01m02s ago
  2025-11-15 02:00:00 to 2025-11-15 03:00:00 UTC
EOT
now=2025-11-15T07:00:00Z

# What could not be read, and what is not there

case_dir 'several qualities, the headlines first'
whole 15T02
hour ch/source/2025-11-15T03
seg 00:10 3590 full
mkdir -p ch/empty/2025-11-15T03 ch/live/2025-11-15T03
hour ch/live/2025-11-15T03
seg 00:00 2 temp
: >ch/file
hour ch/none/2025-11-15T03
seg 00:00 0 full
text -q source,empty,live,480p,file,none ch
is_status 2
is_out <<'EOT'
NOT COMPLETE: 1 error; the figures below leave out what could not be read
  ./ch/file: Not a directory

ch/source: 99.86 % covered, 1 hole loses 10.0s; STOPPED 3h00m00s ago
  2025-11-15 02:00:00 to 2025-11-15 04:00:00 UTC
  longest hole 10.0s at 2025-11-15 03:00:00
ch/empty: no segments
ch/live: no segments
  1 being downloaded
ch/480p: no such quality (its directory does not exist)
ch/file: could not be read
ch/none: only segments of no duration; STOPPED 4h00m00s ago
  2025-11-15 03:00:00 to 2025-11-15 03:00:00 UTC

ch/source
  The hole
       10.0s  2025-11-15 03:00:00.000 to 03:00:10.000

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T02  1 whole hour
  2025-11-15T03  .#############################      1     10.0s         -     -

ch/empty
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T03                                  no segments                   -

ch/live
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T03                                  no segments                   -

ch/none
  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T03                                      -         -         -     -

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
is_err <<'EOT'
segment-coverage: ./ch/file: Not a directory
EOT

case_dir 'a channel that is not there'
whole 15T02
text nobody
is_status 2
is_out <<'EOT'
NOT COMPLETE: 1 error; the figures below leave out what could not be read
  ./nobody: no such channel; there are: ch

nobody/source: not looked at
EOT

case_dir 'hours that could not be read'
whole 15T02 15T04
for name in 03 05 06; do
	ln -s "2025-11-15T$name" "ch/source/2025-11-15T$name"
done
text ch
is_status 2
is_out <<'EOT'
NOT COMPLETE: 3 errors; the figures below leave out what could not be read
  ./ch/source/2025-11-15T03: Too many levels of symbolic links
  ./ch/source/2025-11-15T05: Too many levels of symbolic links
  ./ch/source/2025-11-15T06: Too many levels of symbolic links

ch/source: 100 % covered, no holes; 3 hours UNREADABLE
  2025-11-15 02:00:00 to 2025-11-15 05:00:00 UTC; newest segment 2h00m00s old

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T02  1 whole hour
  2025-11-15T03  ??????????????????????????????  UNREADABLE
  2025-11-15T04  1 whole hour
  2025-11-15T05  ??????????????????????????????  UNREADABLE
  2025-11-15T06  ??????????????????????????????  UNREADABLE

  # covered  + incomplete  . hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
for name in 07 08 09 10 11 12 13 14 15; do
	ln -s "2025-11-15T$name" "ch/source/2025-11-15T$name"
done
text ch
out_has 'NOT COMPLETE: 12 errors;'
out_has '  ./ch/source/2025-11-15T13: Too many'
out_has '  and 2 more, all in the JSON'
ok 'no more than ten' not grep -q ./ch/source/2025-11-15T14: "$out"

case_dir 'an output that fails is no hole in the figures'
whole 15T02
text -m no/metrics ch
is_status 2
head -n 3 "$out" >"$tmp/head"
cat >"$tmp/wanted" <<'EOT'
TROUBLE: 1 error; the figures below are complete
  no/metrics: the directory that it goes to does not exist: make it

EOT
same_file "$tmp/wanted" "$tmp/head" 'the head says so'

# Names of others

case_dir 'no name writes to the terminal'
evil=$(printf 'a\033[31m\001b\n\r\t\177\302\233c\342\200\256\377\\\303\244')
hour "$evil/source/2025-11-15T05"
seg 00:00 3600 full
: >"$hour/$evil.ts"
hour "$evil/$evil/2025-11-15T05"
seg 00:00 3600 full
ln -s "$evil" "$evil/loop"
mkdir "ch$evil"
: >"ch$evil/source"
text -v -a -q "source,$evil,no$evil" "$evil" nobody
is_status 2
plain ascii
out_has 'a\x1b[31m\x01b\x0a\x0d\x09\x7f\xc2\x9bc\xe2\x80\xae\xff\\\xc3\xa4/source: 100 %'
LC_ALL=C.UTF-8 text -v -a -q "source,$evil,no$evil" "$evil" nobody "ch$evil"
is_status 2
plain utf8
out_has 'a\x1b[31m\x01b\x0a\x0d\x09\x7f\xc2\x9bc\xe2\x80\xae\xff\\ä/source: 100 %'

# Colour

case_dir 'colour on a terminal, and only there'
now=2025-11-15T06:00:00Z
hour ch/source/2025-11-15T05
seg 00:00 600 full
seg 12:00 600 partial
seg 22:00 2280 full
whole 15T02
ln -s 2025-11-15T04 ch/source/2025-11-15T04
hour nl/source/2025-11-15T05
seg 00:00 3600 full
command="$sc -n --now $now -q source,none ch nl"
pty "LC_ALL=C.UTF-8 $command 2>$tmp/null"
marked
is_out <<'EOT'
<1;31>NOT COMPLETE: 1 error<>; the figures below leave out what could not be read
  ./ch/source/2025-11-15T04: Too many levels of symbolic links

<1>ch/source<>: <1;31>65.55 % covered, 2 holes lose 1h02m00s<>; <1;31>1 hour UNREADABLE<>
  2025-11-15 02:00:00 to 2025-11-15 06:00:00 UTC; newest segment 0s old
  longest hole 1h00m00s at 2025-11-15 03:00:00; <33>incomplete 10m00.0s in 1 place<>;
  <1;31>1 hour missing<>
<1>ch/none<>: <1;31>no such quality (its directory does not exist)<>
<1>nl/source<>: <32>100 % covered, no holes<>
  2025-11-15 05:00:00 to 2025-11-15 06:00:00 UTC; newest segment 0s old
  1 hour, and it is whole
<1>nl/none<>: <1;31>no such quality (its directory does not exist)<>

<1>ch/source<>
  Holes, longest first
    1h00m00s  2025-11-15 03:00:00.000 to 04:00:00.000
     2m00.0s  2025-11-15 05:10:00.000 to 05:12:00.000

  Hours          00   10   20   30   40   50     holes      lost  incompl.   bad
  2025-11-15T02  1 whole hour
  2025-11-15T03  <1;31>1 hour MISSING<>
  2025-11-15T04  ??????????????????????????????  <1;31>UNREADABLE<>
  2025-11-15T05  <34>█████<><37;41>░<><33>▓▓▓▓▓<><34>███████████████████<>      <1;31>1<>   <1;31>2m00.0s<>  <33>10m00.0s<>     -

  <34>█<> covered  <33>▓<> incomplete  <37;41>░<> hole  ? unreadable  blank: no stream; a cell: 2 min
EOT
pty "LC_ALL=C.UTF-8 NO_COLOR=1 $command 2>$tmp/null"
plain utf8
pty "LC_ALL=C.UTF-8 TERM=dumb $command 2>$tmp/null"
plain utf8
LC_ALL=C.UTF-8 text ch
plain utf8
pty "$command 2>$tmp/null"
grep 2025-11-15T05 "$out" >"$tmp/line"
mv "$tmp/line" "$out"
marked
is_out <<'EOT'
  2025-11-15T05  #####<37;41>.<><33>+++++<>###################      <1;31>1<>   <1;31>2m00.0s<>  <33>10m00.0s<>     -
EOT
done_testing
