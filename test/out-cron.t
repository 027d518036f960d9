#!/bin/sh
# SPDX-License-Identifier: MIT
# Life under cron: not a byte where all is well; and the command line that
# wubloader's docker-compose has.
. "${0%/*}/lib.sh"

now=2025-11-15T03:00:00Z

# well: exit status 0 and not one byte
well() {
	is_status 0
	silent
}

case_dir 'all is well, and it only looks'
at 02 '00:00 3540 full, 59:00 60 full'
runs env -i "$sc" --check -f none --now $now --first-hour -2h --last-hour now \
    --settle 0 --max-age 60 --make-page --output-dir maps \
    --connection-string host=/nonexistent ch
well

leaves_maps() {
	for quality in source 480p; do
		at=coverage-maps/desertbus_${quality}_coverage
		leaves coverage-maps $at.png $at.json $at.html
	done
}

case_dir 'silence'
for quality in source 480p; do
	hour desertbus/$quality/2025-11-15T02
	seg 00:00 3600 full
done
run -f none --now $now -q source,480p desertbus
well
runs env -i sh -c 'cd /; exec "$0" "$@"' "$sc" -b "$PWD" -f none --now $now \
    -q source,480p --make-page --node here=https://node.example.org \
    -m "$PWD/coverage.prom" desertbus
well
for streams in '>&- 2>&-' '>/dev/full 2>/dev/full'; do
	runs env -i sh -c "\"\$0\" \"\$@\" $streams" "$sc" -c -f none \
	    --now $now desertbus
	well
done
leaves coverage.prom
leaves_maps

# What wubloader's docker-compose passes, word for word, in the order that it
# has: the last hour is in the future for as long as the event goes on.
case_dir 'compose'
for quality in source 480p; do
	for hour in 2025-11-15T01 2025-11-15T02; do
		hour desertbus/$quality/$hour
		seg 00:00 3600 full
	done
done
leaves_maps
compose() {
	run desertbus --base-dir "$PWD" --qualities source,480p \
	    --first-hour 2025-11-14T00:00:00Z --last-hour 2025-11-22T00:00:00Z \
	    --make-page --now $now "$@"
}
compose --connection-string "dbname='wubloader' host='postgres' \
password='dbfh2019' port='5432' user='vst'" --check --format none --max-age 60
well
compose --node node1=https://node1.example.org --format none --run-once
well
# width of the map: 8 days and an hour, ten minutes a column
same "$(od -An -tu1 -j16 -N8 coverage-maps/desertbus_480p_coverage.png |
    tr -s ' ')" ' 0 0 4 134 0 0 1 44' 'the map is the whole event'
compose --no-map --node node1=https://node1.example.org --format json
is_status 0
is_err </dev/null
jq_is '[.first_hour, .last_hour], (.reports[] | [.age, .raw.hole_count,
    .raw.ratio])' '["2025-11-14T00","2025-11-22T00"]
[0,0,1]
[0,0,1]' 'what is yet to come is no hole'

done_testing
