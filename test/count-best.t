#!/bin/sh
# SPDX-License-Identifier: MIT
# The best segment of each start, and what the others are; sizes settle ties.
. "${0%/*}/lib.sh"

case_dir 'full before suspect before partial, and the longest of the full'
at 02 '00:00 1 full 1000, 00:00 2 full, 00:00.0 1.5 full, 00:00 5 suspect 1000,
    00:00 6 partial 2000, 00:10 1 suspect, 00:10 5 partial 1000,
    00:10 9 temp 5000, 00:11 1 partial, 00:11 2 full, 00:11 3 full'
run -n -f json ch
is '[.raw.coverage, .raw.hole_duration]' '[6,8]'
is '[.overlaps[] | .count, .duration]' '[3,4.5,1,5,3,12]'

case_dir 'the largest of the suspect, of the partial; then the last name'
at 02 '00:00 4 suspect 50, 00:00 7 suspect 49, 00:00 9 suspect,
    00:10 7 partial 1, 00:10 4 partial 5000000000, 00:10 9 partial,
    00:20 10 suspect 7, 00:20 9 suspect 7, 00:40 3 partial 7 aaaa,
    00:40 3.5 partial 7 AAAA'
run -n -f json ch
is .raw.coverage 20.5
truncate -s 200 big
ln -s ../../../big "$hour/00:00-1-suspect-Hash.ts"
run -n -f json ch
is .raw.coverage 17.5 'the size of a link is that of its file'

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

# The file that is asked for its size has gone, or will not tell.
for file in 00:00-2-partial 00:00-2-full; do
	case_dir "no size of $file"
	at 02 "00:00 2 ${file##*-} 100, 00:00 5 partial 50"
	sizes=
	[ $file != 00:00-2-full ] || sizes=-s
	for error in ENOENT EACCES EIO; do
		# shellcheck disable=SC2086
		strikes "$hour/$file-Hash.ts" newfstatat,statx:error=$error \
		    -n -f json $sizes ch
		is '[.segments[] | .count] | add' 2
		if [ $error = ENOENT ]; then
			is_status 0
			is_err </dev/null
			jq_is .complete true
			continue
		fi
		is_status 2
		err_lines 1
		err_has "$file-Hash.ts"
		jq_is '[.complete, (.errors | length)]' '[false,1]'
		jq_is ".errors[0].path | endswith(\"/$file-Hash.ts\")" true
	done
done

done_testing
