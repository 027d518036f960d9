#!/bin/sh
# SPDX-License-Identifier: MIT
# From cron: fetch the other nodes' reports and run with them as peers.
#
#	fleet.sh CHANNEL QUALITY,... [OPTION...]
#
# NODES is a file with a line "URL NAME" for each node, this one too:
#	psql -At -F ' ' -c 'SELECT url, name FROM nodes WHERE backfill_from'
# A node that does not answer is taken by its last report, which CACHE keeps.

base=${BASE-/srv/segments}
nodes=${NODES-/etc/segment-coverage.nodes}
cache=${CACHE-/var/cache/segment-coverage}
here=${HERE-$(hostname)}
channel=$1 qualities=$2
shift 2

# fetch URL FILE
fetch() {
	curl -fsS -m 20 -o "$2.new" "$1" && mv "$2.new" "$2"
	rm -f "$2.new"
}

while read -r url name; do
	case $name in
	'' | */*)	continue ;;
	esac
	set -- "$@" --node "$name=$url"
	[ "$name" != "$here" ] || continue
	for quality in $(echo "$qualities" | tr , ' '); do
		file=${channel}_${quality}_coverage.json
		fetch "${url%/}/segments/coverage-maps/$file" \
		    "$cache/$name.$file" &
		set -- "$@" --peer "$name=$cache/$name.$file"
	done
done <"$nodes"
wait
exec segment-coverage -b "$base" -q "$qualities" -f none --make-page \
    --name "$here" "$@" "$channel"
