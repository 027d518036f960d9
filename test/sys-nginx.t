#!/bin/sh
# SPDX-License-Identifier: MIT
# What a node's nginx serves: metrics for a real Prometheus, and its report
# for the other nodes, of whom one is down, one answers with a page, and one
# has not run for two hours.
. "${0%/*}/lib.sh"

examples=$here/../man/examples
mkdir "$tmp/bin"
ln -s "$sc" "$tmp/bin/segment-coverage"
PATH=$tmp/bin:$PATH:/usr/sbin
now=2025-11-15T05:30:00Z

pids=''
# shellcheck disable=SC2086
trap 'kill $pids 2>/dev/null; wait; cd /; rm -rf "$tmp"' EXIT

# three ports that are free
# shellcheck disable=SC2046
set -- $(/usr/bin/python3 -c 'import socket
all = [socket.create_server(("127.0.0.1", 0)) for i in range(3)]
print(*[s.getsockname()[1] for s in all])')
web=$1 prometheus=$2 nobody=$3

# As wubloader has it, /segments is the archive; here one for each node.
mkdir -p "$tmp/www/html"
echo '<h1>Welcome to nginx!</h1>' >"$tmp/www/html/index.html"
[ "$(id -u)" -ne 0 ] || user='user root;'
cat >"$tmp/nginx.conf" <<EOT
${user-}
daemon off;
pid $tmp/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path $tmp/www/body;
	proxy_temp_path $tmp/www/proxy;
	fastcgi_temp_path $tmp/www/fastcgi;
	uwsgi_temp_path $tmp/www/uwsgi;
	scgi_temp_path $tmp/www/scgi;
	server {
		listen 127.0.0.1:$web;
		location /segments { alias $tmp/here/srv; }
		location /node2/segments { alias $tmp/node2/srv; }
		location /node4 {
			root $tmp/www/html;
			try_files /index.html =404;
		}
		location /node5/segments { alias $tmp/node5/srv; }
	}
}
EOT
mkdir -p "$tmp/here/srv" "$tmp/node2/srv" "$tmp/node5/srv"
nginx -p "$tmp" -c "$tmp/nginx.conf" >"$tmp/nginx" 2>&1 &
pids="$pids $!"

# archive NODE MINUTE...: an hour of it that lacks these minutes
archive() {
	hour "$tmp/$1/srv/ch/source/2025-11-15T03"
	shift
	for minute in $(seq -w 0 59); do
		case " $* " in
		*" $minute "*)	continue ;;
		esac
		seg "$minute:00" 60 full
	done
}
archive here 10 30

case_dir 'Prometheus'
cd "$tmp/here" || exit 1
mkdir srv/coverage-maps
"$sc" -b srv -f none -m srv/coverage-maps/segment_coverage.prom --now $now ch
mkdir "$tmp/prometheus"
cp "$examples/segment-coverage.rules.yml" "$tmp/prometheus"
sed "s/node1.example.org/127.0.0.1:$web/
    s/scrape_interval: .*/scrape_interval: 1s/" "$examples/prometheus.yml" \
    >"$tmp/prometheus/prometheus.yml"
prometheus --config.file="$tmp/prometheus/prometheus.yml" \
    --storage.tsdb.path="$tmp/prometheus/data" \
    --web.listen-address="127.0.0.1:$prometheus" >"$tmp/prometheus/log" 2>&1 &
pids="$pids $!"
api=http://127.0.0.1:$prometheus/api/v1
query() {
	curl -fs -m 5 -G "$api/query" --data-urlencode "query=$1" |
	    jq -c '[.data.result[] | [.metric.instance, .value[1]]]'
}
for _ in $(seq 200); do
	up=$(query 'sum(up{service="segment_coverage"}) by (instance)')
	[ "$up" != '[["node1","1"]]' ] || break
	sleep 0.1
done
same "$up" '[["node1","1"]]' "wubloader's dashboard says that it is up" ||
    tail -n 5 "$tmp/prometheus/log" "$tmp/nginx" | diag
same "$(query 'segment_coverage_raw_hole_seconds{channel="ch"}')" \
    '[["node1","120"]]' 'and its metrics are there'
same "$(curl -fs "$api/rules" | jq '[.data.groups[].rules[]] | length')" \
    "$(grep -c alert: "$examples/segment-coverage.rules.yml")" \
    'the alerts are loaded'

# Five nodes: this one lacks two minutes, node2 has one of them; node3 is
# down, node4 answers with a page, node5 has not run for two hours.
case_dir 'fleet'
cd "$tmp" || exit 1
archive node2 30
archive node5 10 $(seq 30 59)
"$sc" -b node2/srv -f none --now $now ch
"$sc" -b node5/srv -f none --now 2025-11-15T03:30:00Z ch
printf 'http://127.0.0.1:%s here\n' "$web/" >nodes
printf 'http://127.0.0.1:%s\n' "$web/node2/ node2" "$nobody node3" \
    "$web/node4 node4" "$web/node5 node5" "$web/x ../node6" >>nodes
mkdir cache
fleet() {
	runs env BASE=here/srv NODES=nodes CACHE=cache HERE=here \
	    "$examples/fleet.sh" ch source --now $now -f json \
	    -r report.json -m fleet.prom
}
# peers FIELD: of each, in the report
peers() {
	jq -c "[.peers[] | [.name, $1]]" report.json
}
fleet
is_status 2
same "$(peers .usable)" \
    '[["node2",true],["node3",false],["node4",false],["node5",true]]' \
    'whose reports can be used'
same "$(peers '.age > 7199')" \
    '[["node2",false],["node3",false],["node4",false],["node5",true]]' \
    'how old they are'
for node in node3 node4; do
	err_has "$node"
done
same "$(grep -c '^curl: ' "$err")" 1 'curl says who is down'
same "$(jq -c '.reports[0].fleet.elsewhere.spans' report.json)" \
    '[{"start":"2025-11-15T03:10:00.000000Z","end":"2025-11-15T03:11:00.000000Z","duration":60,"nodes":["node2"]}]' \
    'what node2 has'
for node in node2 node4 node5; do
	ok "$node is on the page" grep -q "/$node/segments" \
	    here/srv/coverage-maps/ch_source_coverage.html
done
same "$(find cache -type f | sort)" 'cache/node2.ch_source_coverage.json
cache/node4.ch_source_coverage.json
cache/node5.ch_source_coverage.json' 'what is kept of them'

# node2 goes, too: its last report stands.
mv node2/srv/coverage-maps node2/srv/gone
fleet
same "$(grep -c '^curl: ' "$err")" 2 'two are down'
same "$(jq -c '[.peers[0].usable, .reports[0].fleet.elsewhere.count]' \
    report.json)" '[true,1]' "node2's last report is used"
mv node2/srv/gone node2/srv/coverage-maps

# Each name of the alerts is one that the program writes.
case='alerts'
grep -o 'segment_coverage_[a-z_]*[a-z]' "$examples/segment-coverage.rules.yml" |
    sort -u >"$tmp/names"
ok 'there are some' [ "$(wc -l <"$tmp/names")" -ge 9 ]
while read -r name; do
	grep -q "^$name{" fleet.prom || echo "$name"
done <"$tmp/names" >"$out"
is_out 'the program has each metric that they ask for' </dev/null

# backfill.sh gets from node2 what it has; a shell that stands for ssh starts
# there.
case='backfill'
printf '#!/bin/sh\ncd "%s/$1" && shift && exec "$@"\n' "$tmp" >bin/rsh
chmod 755 bin/rsh
: >"node2/srv/ch/source/2025-11-15T03/10:30-5-temp-Hash.ts"
mkdir -p node2/srv/ch/source/2025-11-15T01 backfilled
cd here || exit 1
runs env RSYNC_RSH="$tmp/bin/rsh" "$examples/backfill.sh" srv --now $now \
    --peer node2="$tmp/cache/node2.ch_source_coverage.json" ch
is_status 0
silent
same "$(find srv/ch -name '10:*')" \
    'srv/ch/source/2025-11-15T03/10:00-60-full-Hash.ts' 'it is here now'
ok 'and nothing else' absent srv/ch/source/2025-11-15T01
run -n -f holes -b srv --now $now \
    --peer node2="$tmp/cache/node2.ch_source_coverage.json" ch
same "$(cut -f 3,6 "$out")" '2025-11-15T03:30:00.000000Z	lost' \
    'what is left nobody has'
dir=''
done_testing
