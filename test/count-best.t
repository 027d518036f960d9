#!/bin/sh
# SPDX-License-Identifier: MIT
# The best segment of each start, and what the others are; sizes settle ties.
. "${0%/*}/lib.sh"

case_dir 'the longest of the full'
at 02 '00:00 1 full 1000, 00:00 2 full, 00:00 1.5 full, 00:02 1 full'
run -n -f json ch
is '[.raw.coverage, .overlaps.full, .raw.hole_count]' \
    '[3,{"count":2,"duration":2.5},0]'
is '.segments.full' '{"count":4,"duration":5.5}'

case_dir 'full before suspect before partial'
at 02 '00:00 1 full, 00:00 5 suspect 1000, 00:00 6 partial 2000,
    00:10 1 suspect, 00:10 5 partial 1000, 00:10 9 temp 5000'
run -n -f json ch
is '[.raw.coverage, .raw.hole_duration]' '[2,9]'
is '[.overlaps[] | .count, .duration]' '[0,0,1,5,2,11]'
is '[.incomplete.count, .incomplete.duration]' '[1,1]'

case_dir 'the largest of the suspect, of the partial'
at 02 '00:00 4 suspect 50, 00:00 7 suspect 49, 00:00 9 suspect,
    00:10 7 partial 1, 00:10 4 partial 5000000000, 00:10 9 partial'
run -n -f json ch
is '[.raw.coverage, .overlaps.suspect.duration, .overlaps.partial.duration]' \
    '[8,16,16]'

case_dir 'of the same size, the name that sorts last'
at 02 '00:00 10 suspect 7, 00:00 9 suspect 7, 00:20.0 1 partial,
    00:20 2 partial, 00:40 3 partial 7 aaaa, 00:40 3.5 partial 7 AAAA'
run -n -f json ch
is '[.segments.suspect.count, .raw.coverage]' '[2,13.5]'
is '[.overlaps.suspect.duration, .overlaps.partial.duration]' '[10,5]'

case_dir 'one start in several spellings'
at 02 '00:00 1 full, 00:00.0 2 full, 00:00.000000 3 full'
run -n -f json ch
is '[.raw.coverage, .overlaps.full]' '[3,{"count":2,"duration":3}]'

case_dir 'the size of a link is that of its file'
at 02 '00:00 2 partial 100'
truncate -s 200 big
ln -s ../../../big "$hour/00:00-1-partial-Hash.ts"
run -n -f json ch
is .raw.coverage 1

case_dir 'sizes settle ties; else nobody asks'
at 02 '00:00 2 full, 00:02 2 suspect, 00:04 2 partial, 00:06 2 full 0 AAAA,
    00:06 2 full 0 BBBB, 00:08 2 full, 00:08 2 suspect 0 AAAA,
    00:08 2 suspect 0 BBBB, 00:08 2 partial 0 AAAA, 00:08 2 partial 0 BBBB,
    00:10 2 suspect, 00:10 2 partial 0 AAAA, 00:10 2 partial 0 BBBB'
asked() {
	runs strace -f -e quiet=all -o "$tmp/strace" -e trace=%file \
	    -E ASAN_OPTIONS=detect_leaks=0 "$sc" -n -f json --now 2025-11-16 ch
	is_status 0
	is .raw.coverage "$1"
	same "$(grep -c '\.ts' "$tmp/strace")" "$2" "$2 candidates"
}
asked 12 0
at 02 '00:12 2 suspect 0 AAAA, 00:12 3 suspect 0 BBBB, 00:12 4 partial,
    00:15 2 partial 0 AAAA, 00:15 2 partial 0 BBBB, 00:15 2 partial 0 CCCC'
asked 17 5

case_dir 'gone before its size was asked for'
at 02 '00:00 2 partial 100, 00:00 5 partial 50'
strikes "$hour/00:00-2-partial-Hash.ts" newfstatat,statx:error=ENOENT \
    -n -f json ch
is_status 0
is_err </dev/null
is '[.raw.coverage, .segments.partial.count]' '[5,2]'
jq_is .complete true

case_dir 'a size that cannot be had'
at 02 '00:00 2 partial 100, 00:00 5 partial 50'
for error in EACCES EIO; do
	strikes "$hour/00:00-2-partial-Hash.ts" \
	    newfstatat,statx:error=$error -n -f json ch
	is_status 2
	err_lines 1
	err_has 00:00-2-partial-Hash.ts
	jq_is '[.complete, (.errors | length)]' '[false,1]'
	jq_is '.errors[0].path | contains("00:00-2-partial-Hash.ts")' true
	is .segments.partial.count 2
done

case_dir 'a size that cannot be had, with --sizes'
at 02 '00:00 2 full 9, 00:02 2 full 9'
strikes "$hour/00:02-2-full-Hash.ts" newfstatat,statx:error=EACCES \
    -n -s -f json ch
is_status 2
err_lines 1
err_has 00:02-2-full-Hash.ts
is '[.segments.full.count, .segments.empty.count, .raw.coverage]' '[2,0,4]'

case_dir 'gone before its size was asked for, with --sizes'
at 02 '00:00 2 full 9, 00:02 2 full 9'
strikes "$hour/00:02-2-full-Hash.ts" newfstatat,statx:error=ENOENT \
    -n -s -f json ch
is_status 0
is '[.segments.full.count, .segments.empty.count, .raw.coverage]' '[2,0,4]'

done_testing
