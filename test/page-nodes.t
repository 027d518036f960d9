#!/bin/sh
# SPDX-License-Identifier: MIT
# The nodes of a page, from a real PostgreSQL and from what only looks like
# one: what it lists, however hostile, and the ways in which it can fail.

if [ "${1-}" != inside ]; then
	exec pg_virtualenv -t -o ssl=off "$0" inside
fi
pg="host=$PGHOST port=$PGPORT user=$PGUSER password=$PGPASSWORD"
uri="postgresql://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE"
# shellcheck source=test/lib.sh
. "${0%/*}/lib.sh"

page=b/coverage-maps/ch_source_coverage.html
map=b/coverage-maps/ch_source_coverage.png
twin=b/coverage-maps/ch_source_coverage.json
esc=$(printf '\033')
fakes=''
trap 'kill $fakes 2>/dev/null; cd /; rm -rf "$tmp"' EXIT
export PGCLIENTENCODING=UTF8

sql() {
	psql -qX -v ON_ERROR_STOP=1 "${2-$pg dbname=postgres}" -c "$1" ||
	    ok "psql: $1" false
}

# stale: an hour, and the page of an earlier run
stale() {
	hour b/ch/source/2025-11-15T02
	seg 00:00 3600 full
	mkdir b/coverage-maps
	echo old >"$page"
}

archive() {
	case_dir "$1"
	stale
	leaves "$map" "$twin"
}

pages() {
	run -b b --now 2025-11-15T03:00:00Z --name me --make-page "$@" ch
}

# lists NAME...: these nodes and no others are on the page, in this order
lists() {
	same "$(sed -n 's:.*<h2><a .*<bdi>\(.*\)</bdi></a></h2>.*:\1:p' "$page")" \
	    "$(printf '%s\n' me "$@")" 'nodes on the page, after this one'
	ok 'which is valid' tidy -q -e "$page"
}
good='&#60;b&#62;&#34;it&#39;s&#34; &#38; é'

# failed MESSAGE: the database did, and nothing else
failed() {
	is_status 2
	err_lines 1
	err_has "segment-coverage: database: "
	err_has "$1"
	ok 'no escape reaches the terminal' not grep -q "$esc" "$err"
	ok 'nobody reads the password' not grep -qi SECRET "$out" "$err"
	same "$(cat "$page")" old 'the old page stays'
	ok 'the map is there' pngcheck -q "$map"
	ok 'and the report' grep -q 'source  *OK ' "$out"
}

# fails NAME DSN MESSAGE [COMMAND...]: a run that fails so, at the same time as
# others; they are judged at the end
running=''
fails() {
	mkdir -p "$tmp/fails/$1" && cd "$tmp/fails/$1" || exit 1
	stale
	echo "$3" >message
	dsn=$2
	shift 3
	{
		begun=$(date +%s)
		"$@" "$sc" -b b --now 2025-11-15T03:00:00Z --make-page \
		    --connection-string "$dsn" ch >out 2>err </dev/null
		echo $? $(($(date +%s) - begun)) >ended
	} &
	running="$running $!" fakes="$fakes $!"
}

# fake MODE: a server that fails; its port is $port, how to get there $at
fake() {
	"$here/pgfake.py" "$1" >"$tmp/port" &
	fakes="$fakes $!"
	while [ ! -s "$tmp/port" ]; do
		sleep 0.1
	done
	port=$(cat "$tmp/port") at="host=127.0.0.1 port=$port"
	: >"$tmp/port"
}

sql "CREATE TABLE nodes (name TEXT PRIMARY KEY, url TEXT NOT NULL,
    backfill_from BOOLEAN NOT NULL DEFAULT TRUE)"

archive 'no node'
pages --connection-string "$pg dbname=postgres"
failed 'database: no node is marked backfill_from'

sql "INSERT INTO nodes VALUES
    ('chulak', 'https://chulak.example:1337/', true),
    ('asleep', 'https://asleep.example', false),
    ('minibus', 'http://minibus.example/deep/er', true),
    ('<b>\"it''s\" & é', 'https://é.example/a&b\"<c>''d', true)"

archive 'key=value'
pages --connection-string "$pg dbname=postgres"
is_status 0
err_lines 0
lists "$good" chulak minibus
for url in https://chulak.example:1337 http://minibus.example/deep/er \
    "https://%C3%A9.example/a&amp;b%22%3Cc%3E%27d"; do
	url=$url/segments/coverage-maps/ch_source_coverage.png
	ok "a link to $url" grep -qF " href='$url'><" "$page" &&
	    ok 'and the map' grep -qF "<img src='$url' " "$page"
done

archive 'a URI, the environment'
pages --connection-string "${uri%/*}/postgres"
is_status 0
lists "$good" chulak minibus
# shellcheck disable=SC2046 # its words are the variables
runs env --ignore-signal=CHLD PGDATABASE=postgres $(echo "$pg" | sed 's/[a-z]*=/PG\U&/g') \
    "$sc" -b b --name me --make-page ch
is_status 0
lists "$good" chulak minibus

archive 'other encodings'
sql "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'
    TEMPLATE template0"
sql "SET client_encoding = 'UTF8'; CREATE TABLE nodes AS
    SELECT 'café' AS name, 'http://x.example' AS url, true AS backfill_from" \
    "$pg dbname=latin"
pages --connection-string "$pg dbname=latin"
is_status 0
lists 'café'

archive 'hostile rows'
sql "ALTER TABLE nodes RENAME TO good; CREATE TABLE nodes AS TABLE good;
    INSERT INTO nodes VALUES (NULL, 'http://null.example', true),
    ('null', NULL, true), ('', 'http://empty.example', true),
    ('empty', '', true), ('js', 'javascript:alert(1)', true),
    ('chulak', 'https://chulak.example', true),
    ('query', 'http://q.example/?a=b', true),
    (E'two\\nlines' || chr(27) || chr(127) || chr(8238),
        E'http://x.example/\\n', true),
    (E'a\\n' || chr(27) || chr(127) || chr(8238) || chr(65534) || 'z',
        'http://z.example', true),
    (repeat('n', 256), 'http://n.example', true),
    (repeat('é', 255), 'http://e.example', true),
    ('long', 'http://' || repeat('u', 3000), true)"
pages --connection-string "$pg dbname=postgres"
is_status 2
err_lines 10
ok 'no escape reaches the terminal' not grep -q "$esc" "$err"
for line in "node '': no name" "node 'null': no URL" "node 'empty': no URL" \
    "node 'js': a URL that is not http or https" \
    "node 'query': a URL with a query or a fragment" \
    "node 'two\\x0alines\\x1b\\x7f\\xe2\\x80\\xae': a URL with a space or a con" \
    "node 'long': a URL of more than 2047 characters" \
    "node 'chulak': listed twice" \
    "nn': a name of more than 255 characters"; do
	err_has "$line"
done
fffd=$(printf '\357\277\275')
lists "$good" "a$fffd$fffd$fffd$fffd${fffd}z" \
    chulak minibus "$(printf '%0255d' 0 | sed 's/0/é/g')"
ok 'the page says how many are not' grep -q "cannot be used: 10\." "$page"

archive 'a thousand nodes'
sql "TRUNCATE nodes; INSERT INTO nodes VALUES
    ('0', 'http://' || repeat('u', 50000000), true);
    INSERT INTO nodes SELECT 'n' || i, 'http://x.example', true
    FROM generate_series(1, 999) AS i"
pages --connection-string "$pg dbname=postgres"
is_status 2
err_lines 1
err_has "node '0': a URL of more than 2047 characters"
same "$(grep -c "<figure class='apart'>" "$page")" 999 'all but one'

archive 'more than a thousand'
sql "INSERT INTO nodes VALUES ('last', 'http://x.example', true)"
pages --connection-string "$pg dbname=postgres"
failed 'database: more than 1000 nodes'

# Failures, most of them with a password that has to stay where it is
sql "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'
    TEMPLATE template0"
sql "CREATE TABLE nodes AS SELECT E'\\xff' AS name, 'http://x.example' AS url,
    true AS backfill_from" "$pg dbname=ascii"
fails 'wrong password' "$(echo "$pg" | sed 's/password=[^ ]*/password=SECRET/')" \
    'password authentication failed'
fails 'no TLS' "$pg dbname=postgres sslmode=require" 'SSL'
fails 'no such database' "$pg dbname=nowhere" '"nowhere" does not exist'
fails 'not UTF-8' "$pg dbname=ascii" 'invalid byte sequence'
fails 'no such table' "$pg dbname=template1" '"nodes" does not exist'
fails 'refused' 'host=127.0.0.1 port=1 password=SECRET' 'refused'
fails 'no such service' 'service=nowhere password=SECRET' \
    'definition of service "nowhere" not found'
fails 'no such sslmode' 'sslmode=foo password=SECRET' \
    'invalid sslmode value: "foo"'
for dsn in 'SECRET' 'password=the SECRET' "password='the SECRET" \
    'host=x passwrd=SECRET' 'postgresql:/me:SECRET@h/d' 'host=h port=SECRET' \
    postgresql://me:SECRET postgresql://me:x@SECRET@h/d \
    postgresql://me:x/SECRET@h/d postgresql://me:SECRET%zz@h/d \
    'postgresql://me:SECRET@h/d?sslmod=x'; do
	fails "malformed, $(echo "$dsn" | tr / _)" "$dsn" \
	    'malformed connection string'
done
fake rude
fails 'a rude server' "$at" 'ERROR:  no \x1b[31m\x07'
for mode in odd three ready copy; do
	fake $mode
	fails "it answers: $mode" "$at" 'no list of nodes'
done
fake hasty
fails 'a hasty server' "$at" 'closed the connection'

# What would take all memory is cut short; peak is what the run has taken at
# most, and any process, in KiB.
cat >"$tmp/peak.py" <<'PYTHON'
import re, resource, subprocess, sys, time
run, peak = subprocess.Popen(sys.argv[1:]), 0
while run.poll() is None:
    with open('/proc/%d/status' % run.pid) as status:
        found = re.search(r'VmHWM:\s*(\d+)', status.read())
    peak = found.group(1) if found else peak
    time.sleep(0.01)
with open('peak', 'w') as file:
    print(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
          file=file)
sys.exit(run.returncode)
PYTHON
while read -r mode message; do
	fake "$mode"
	fails "flood: $mode" "$at" "$message" /usr/bin/python3 "$tmp/peak.py"
done <<EOT
rows no answer within 10 s
million more than 1000 nodes
wide no answer within 10 s
long more than 4 MiB of names and URLs
giant memory
notify database:
settings database:
EOT

sql "DROP TABLE nodes; CREATE VIEW nodes AS
    SELECT name, url, pg_sleep(60) IS NOT NULL AS backfill_from FROM good"
fails sleep "$pg dbname=postgres" 'no answer within 10 s'
fake frozen
fails frozen "$at password=SECRET" 'no answer within 10 s'
# hit SIGNAL MESSAGE: what happens to the child
hit() {
	# shellcheck disable=SC2016
	fails "$1" "$at" "$2" timeout -s KILL 20 \
	    sh -c 'echo $$ >pid; exec "$@"' sh
	for _ in $(seq 50); do
		[ -s pid ] && pkill "-$1" -P "$(cat pid)" && break
		sleep 0.1
	done
}
hit SEGV 'the process that asks it has crashed'
hit KILL 'the process that asks it has crashed'
hit STOP 'within 10 s'
fake trickle
fails trickle "$at" 'no answer within 10 s'
fake silent
one=$port
fails silent "$at" 'timeout expired'
fails patient "$at connect_timeout=60" 'no connection within 10 s'
fake silent
two=$port
fake silent
fails three "host=127.0.0.1,127.0.0.1,127.0.0.1 port=$one,$two,$port" \
    'no connection within 10 s'

# the look-up of a host name, which no timeout of libpq bounds
/usr/bin/python3 -c 'import socket, time
peer = socket.socket(type=socket.SOCK_DGRAM)
peer.bind(("127.0.0.99", 53))
print("ready", flush=True)
time.sleep(600)' >"$tmp/dns" 2>&1 &
fakes="$fakes $!"
until [ -s "$tmp/dns" ]; do
	sleep 0.1
done
printf 'nameserver 127.0.0.99\noptions timeout:30\n' >"$tmp/resolv.conf"
# shellcheck disable=SC2016
if unshare -m mount --bind "$tmp/resolv.conf" /etc/resolv.conf 2>/dev/null
then
	fails lookup 'host=nowhere.example' 'no connection within 10 s' \
	    unshare -m sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' \
	    "$tmp/resolv.conf"
else
	skip 'a name server that never answers' 'it needs root'
fi

sleep 2
pgrep -af "[-]-make-page --connection-string" >"$tmp/ps"
case='password'
ok 'the list of processes' grep -q make-page "$tmp/ps"
ok 'has no password' not grep -q SECRET "$tmp/ps" || diag <"$tmp/ps"

# shellcheck disable=SC2086
wait $running
for at in "$tmp/fails"/*; do
	cd "$at" || exit 1
	case=${at##*/}
	cp out "$out"
	cp err "$err"
	read -r status seconds <ended
	failed "$(cat message)"
	ok "in 10 s, or little more: $seconds" [ "$seconds" -lt 12 ]
	if [ -s peak ] && [ -z "${SANITIZE-}" ]; then
		read -r own all <peak
		ok "$own KiB for the run" [ "$own" -lt 24000 ]
		ok "$all KiB for the child" [ "$all" -lt 307200 ]
	fi
	same "$(ls -A b/coverage-maps)" "$(cd b/coverage-maps && ls ch_*)" \
	    'nothing else is left behind'
done

case='a query that was left'
for _ in $(seq 10); do
	left=$(psql -qXAt "$pg dbname=postgres" -c "SELECT count(*) FROM
	    pg_stat_activity WHERE query LIKE '%left(url%'
	    AND state = 'active' AND pid <> pg_backend_pid()")
	[ "$left" != 0 ] || break
	sleep 1
done
same "$left" 0 'ends on the server, too'

case_dir 'a run that is ended'
fake frozen
hour b/ch/source/2025-11-15T02
"$sc" -b b --make-page --connection-string "$at" ch >"$out" 2>"$err" &
run=$!
for _ in $(seq 50); do
	child=$(pgrep -P "$run") && break
	sleep 0.1
done
kill "$run"
wait "$run" 2>/dev/null
sleep 0.5
# it may still wait for somebody to collect it
ok 'takes with it the process that asks' \
    not grep -qs '^State:.[^ZX]' "/proc/$child/status"

case_dir 'two silent hosts before a good one'
sql "DROP VIEW nodes; CREATE TABLE nodes AS TABLE good"
hour b/ch/source/2025-11-15T02
seg 00:00 3600 full
leaves b/coverage-maps "$map" "$twin" "$page"
pages --connection-string "$(echo "$pg" | sed "
    s/host=\([^ ]*\)/host=127.0.0.1,127.0.0.1,\1/
    s/port=/port=$one,$two,/") dbname=postgres"
is_status 0
lists "$good" chulak minibus

done_testing
