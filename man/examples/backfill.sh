#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetch what other nodes have of our holes, by rsync, and no hour but those.
#
#	backfill.sh BASE [OPTION...] --peer NODE=FILE... CHANNEL
#
# NODE is the host to fetch from, where the archive has the same BASE.

base=$1
shift
segment-coverage -n -f holes -b "$base" "$@" | jq -rR '
	def seconds: (.[:19] + "Z" | fromdate) + (.[20:26] | tonumber) / 1e6;
	split("\t") | select(.[5] == "elsewhere")
	| (.[6] | split(",")[0]) + "\t\(.[0])/\(.[1])/"
	  + (range(.[2] | seconds / 3600 | floor;
		.[3] | seconds / 3600 | ceil) | . * 3600 | todate[:13])' |
    sort -u | while IFS='	' read -r node hour; do
	mkdir -p "$base/$hour" && rsync -a --ignore-existing \
	    --exclude='*-temp-*' --include='*.ts' --exclude='*' \
	    "$node:$base/$hour/" "$base/$hour/" </dev/null || exit
done
