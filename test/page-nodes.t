#!/bin/sh
# SPDX-License-Identifier: MIT
# The nodes of a page, from a real PostgreSQL and from what only looks like
# one: what it lists, however hostile, and the ways in which it can fail.

for tool in pg_virtualenv psql; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # skip $tool is not installed"
		exit 0
	fi
done
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

# archive NAME: a case with an hour, and the page of an earlier run
archive() {
	case_dir "$1"
	hour b/ch/source/2025-11-15T02
	seg 00:00 3600 full
	mkdir b/coverage-maps
	echo old >"$page"
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

# failed: the database did, and nothing else
failed() {
	is_status 2
	err_lines 1
	err_has 'segment-coverage: database: '
	ok 'no escape reaches the terminal' not grep -q "$esc" "$err"
	ok 'the old page stays' [ "$(cat "$page")" = old ]
	ok 'the map is there' pngcheck -q "$map"
	ok 'and the report' grep -q 'source  *OK ' "$out"
}

# fake NAME MODE: a server that fails; its port is $port
fake() {
	"$here/pgfake.py" "$1" >"$tmp/port" &
	fakes="$fakes $!"
	while [ ! -s "$tmp/port" ]; do
		sleep 0.1
	done
	port=$(cat "$tmp/port")
	: >"$tmp/port"
}

sql "CREATE TABLE nodes (name TEXT PRIMARY KEY, url TEXT NOT NULL,
    backfill_from BOOLEAN NOT NULL DEFAULT TRUE)"

archive 'no node'
pages --connection-string "$pg dbname=postgres"
failed
err_has 'database: no node is marked backfill_from'

sql "INSERT INTO nodes VALUES
    ('chulak', 'https://chulak.example:1337/', true),
    ('asleep', 'https://asleep.example', false),
    ('minibus', 'http://minibus.example/deep/er', true),
    ('<b>\"it''s\" & é', 'https://é.example/a&b\"<c>''d', true)"

archive 'key=value'
pages --connection-string "$pg dbname=postgres"
is_status 0
err_lines 0
lists '&#60;b&#62;&#34;it&#39;s&#34; &#38; é' chulak minibus
for url in https://chulak.example:1337 http://minibus.example/deep/er \
    "https://%C3%A9.example/a&amp;b%22%3Cc%3E%27d"; do
	url=$url/segments/coverage-maps/ch_source_coverage.png
	ok "a link to $url" grep -qF " href='$url'><" "$page" &&
	    ok 'and the map' grep -qF "<img src='$url' " "$page"
done

archive 'a URI'
pages --connection-string "${uri%/*}/postgres"
is_status 0
lists '&#60;b&#62;&#34;it&#39;s&#34; &#38; é' chulak minibus

archive 'environment'
environment() {
	PGHOST=$1 PGPORT=$2 PGUSER=$3 PGPASSWORD=$4 PGDATABASE=postgres \
	    "$sc" -b b --name me --make-page ch
}
# shellcheck disable=SC2046 # its words are the values of the keys
runs environment $(echo "$pg" | sed 's/[a-z]*=//g')
is_status 0
lists '&#60;b&#62;&#34;it&#39;s&#34; &#38; é' chulak minibus

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
lists '&#60;b&#62;&#34;it&#39;s&#34; &#38; é' "a$fffd$fffd$fffd$fffd${fffd}z" \
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
failed
err_has 'database: more than 1000 nodes'

# refused NAME DSN MESSAGE: and the password stays where it is
refused() {
	archive "$1"
	pages --connection-string "$2"
	failed
	err_has "$3"
	ok 'nobody reads the password' not grep -qi SECRET "$out" "$err"
}
other=$(echo "$pg" | sed 's/password=[^ ]*/password=SECRET/')
uri_of() {
	echo "postgresql://me:$1"
}
sql "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'
    TEMPLATE template0"
refused 'wrong password' "$other" 'password authentication failed'
refused 'no TLS' "$pg dbname=postgres sslmode=require" 'SSL'
refused 'no such database' "$pg dbname=nowhere" '"nowhere" does not exist'
sql "CREATE TABLE nodes AS SELECT E'\\xff' AS name, 'http://x.example' AS url,
    true AS backfill_from" "$pg dbname=ascii"
refused 'not UTF-8' "$pg dbname=ascii" 'invalid byte sequence'
refused 'no such table' "$pg dbname=template1" '"nodes" does not exist'
refused 'refused' 'host=127.0.0.1 port=1 password=SECRET' 'refused'
refused 'no such service' 'service=nowhere password=SECRET' \
    'definition of service "nowhere" not found'
refused 'no such sslmode' 'sslmode=foo password=SECRET' \
    'invalid sslmode value: "foo"'
for dsn in 'SECRET' 'password=the SECRET' "password='the SECRET" \
    'host=x passwrd=SECRET' "$(uri_of 'SECRET')" "$(uri_of 'x@SECRET@h/d')" \
    "$(uri_of 'x/SECRET@h/d')" "$(uri_of 'SECRET%zz@h/d')" \
    "$(uri_of 'SECRET@h/d?sslmod=x')" 'postgresql:/me:SECRET@h/d' \
    'host=h port=SECRET'; do
	refused "malformed, $(echo "$dsn" | tr / _)" "$dsn" \
	    'malformed connection string'
done

fake rude
refused 'a rude server' "host=127.0.0.1 port=$port" 'ERROR:  no \x1b[31m\x07'
fake odd
refused 'an odd server' "host=127.0.0.1 port=$port" 'no list of nodes'
fake three
refused 'three columns' "host=127.0.0.1 port=$port" 'no list of nodes'
fake ready
refused 'no answer' "host=127.0.0.1 port=$port" 'no list of nodes'
fake copy
refused 'a copy' "host=127.0.0.1 port=$port" 'no list of nodes'
fake hasty
refused 'a hasty server' "host=127.0.0.1 port=$port" 'closed the connection'

# What would take all memory is cut short. $peak is what the run has taken at
# most, and the child that asks: KiB that are its own.
cat >"$tmp/peak.py" <<'PYTHON'
import subprocess, sys, time

def own(pid):
    try:
        with open('/proc/%d/smaps_rollup' % pid) as file:
            return sum(int(line.split()[1]) for line in file
                       if line.startswith(('Private', 'Swap:')))
    except (OSError, IndexError):
        return 0

def children(pid):
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []

begun = time.monotonic()
process = subprocess.Popen(sys.argv[2:])
run = child = 0
while process.poll() is None:
    run = max(run, own(process.pid))
    child = max([child] + [own(pid) for pid in children(process.pid)])
    time.sleep(.02)
with open(sys.argv[1], 'w') as file:
    print('run=%d child=%d ms=%d' % (
        run, child, (time.monotonic() - begun) * 1000), file=file)
sys.exit(process.returncode)
PYTHON
bounded() {
	run=lost child=lost
	# shellcheck disable=SC1090
	. "$tmp/$1.peak"
	ok "$ms ms" [ "$ms" -lt 15000 ]
	if [ -n "${SANITIZE-}" ]; then
		skip 'memory' 'with a sanitizer it means nothing'
	else
		ok "$run KiB for the run" [ "$run" -lt 24000 ]
		ok "$child KiB for the child" [ "$child" -lt 307200 ]
	fi
}
flood() {
	fake "$1"
	archive "flood: $1"
	runs /usr/bin/python3 "$tmp/peak.py" "$tmp/$1.peak" "$sc" -b b \
	    --now 2025-11-15T03:00:00Z --name me --make-page \
	    --connection-string "host=127.0.0.1 port=$port" ch
	failed
	err_has "$2"
	bounded "$1"
}
flood rows 'more than 1000 nodes'
flood million 'more than 1000 nodes'
flood wide 'more than 4 MiB of names and URLs'
flood long 'more than 4 MiB of names and URLs'
if [ -n "${SANITIZE-}" ]; then
	flood giant 'ends early' # a sanitizer's malloc() does not fail, it dies
else
	flood giant 'memory'
fi

# Those that hang do so at the same time. hang NAME DSN MESSAGE [COMMAND...]
hanging=''
hang() {
	mkdir -p "$tmp/hang/$1" && cd "$tmp/hang/$1" || exit 1
	hour b/ch/source/2025-11-15T02
	seg 00:00 3600 full
	mkdir b/coverage-maps
	echo old >"$page"
	echo "$2" >"$tmp/hang/$1.dsn"
	echo "$3" >"$tmp/hang/$1.message"
	hang=$1 dsn=$2
	hanging="$hanging $1"
	shift 3
	{
		begun=$(date +%s%N)
		"$@" "$sc" -b b --now 2025-11-15T03:00:00Z --make-page \
		    --connection-string "$dsn" ch >"$tmp/hang/$hang.out" \
		    2>"$tmp/hang/$hang.err" </dev/null
		echo "status=$?" >"$tmp/hang/$hang.status"
		echo "ms=$((($(date +%s%N) - begun) / 1000000))" \
		    >>"$tmp/hang/$hang.status"
	} &
	fakes="$fakes $!" hung="${hung-} $!"
}

sql "DROP TABLE nodes; CREATE VIEW nodes AS
    SELECT name, url, pg_sleep(60) IS NOT NULL AS backfill_from FROM good"
hang sleep "$pg dbname=postgres" 'no answer within 10 s'
fake frozen
hang frozen "host=127.0.0.1 port=$port password=SECRET" 'no answer within 10 s'
# shellcheck disable=SC2016
hang crash "host=127.0.0.1 port=$port" 'the process that asks it has crashed' \
    sh -c 'echo $$ >"$0"; exec "$@"' "$tmp/crash.pid"
for _ in $(seq 50); do
	[ -s "$tmp/crash.pid" ] && pkill -ABRT -P "$(cat "$tmp/crash.pid")" && break
	sleep 0.1
done
for mode in notify settings; do
	fake "$mode"
	hang "$mode" "host=127.0.0.1 port=$port" 'database: ' \
	    /usr/bin/python3 "$tmp/peak.py" "$tmp/$mode.peak"
done
fake trickle
hang trickle "host=127.0.0.1 port=$port" 'no answer within 10 s'
fake silent
one=$port
hang silent "host=127.0.0.1 port=$one" 'timeout expired'
hang patient "host=127.0.0.1 port=$one connect_timeout=60" \
    'no connection within 10 s'
fake silent
two=$port
fake silent
hang three "host=127.0.0.1,127.0.0.1,127.0.0.1 port=$one,$two,$port" \
    'no connection within 10 s'

# the look-up of a host name, which no timeout of libpq bounds
cat >"$tmp/dns.py" <<'PYTHON'
import socket, time
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.bind(('127.0.0.99', 53))
print('ready', flush=True)
time.sleep(600)
PYTHON
printf 'nameserver 127.0.0.99\noptions timeout:30\n' >"$tmp/resolv.conf"
/usr/bin/python3 "$tmp/dns.py" >"$tmp/dns" 2>&1 &
fakes="$fakes $!"
while [ ! -s "$tmp/dns" ]; do
	sleep 0.1
done
# shellcheck disable=SC2016
if grep -q ready "$tmp/dns" &&
    unshare -m mount --bind "$tmp/resolv.conf" /etc/resolv.conf 2>/dev/null
then
	hang lookup 'host=nowhere.example' 'no connection within 10 s' \
	    unshare -m sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' \
	    "$tmp/resolv.conf"
else
	skip 'a name server that never answers' 'it needs root'
fi

sleep 2
pgrep -f "[-]-make-page --connection-string" >"$tmp/pids"
ok 'they all hang at the same time' [ -s "$tmp/pids" ]
case='password'
while read -r pid; do
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline"
done <"$tmp/pids" >"$tmp/ps"
ok 'the list of processes' grep -q make-page "$tmp/ps"
ok 'has no password' not grep -q SECRET "$tmp/ps" || diag <"$tmp/ps"

# shellcheck disable=SC2086
wait $hung
for case in $hanging; do
	cd "$tmp/hang/$case" || exit 1
	cp "$tmp/hang/$case.out" "$out"
	cp "$tmp/hang/$case.err" "$err"
	status=lost ms=lost
	# shellcheck disable=SC1090
	. "$tmp/hang/$case.status"
	failed
	err_has "$(cat "$tmp/hang/$case.message")"
	ok "in 10 s, or little more" [ "$ms" -lt 15000 ] || echo "$ms ms" | diag
done
for case in notify settings; do
	bounded "$case"
done

case='a query that was left'
left() {
	psql -qXAt "$pg dbname=postgres" -c "SELECT count(*) FROM
	    pg_stat_activity WHERE query LIKE '%left(url%'
	    AND state = 'active' AND pid <> pg_backend_pid()"
}
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(left)" = 0 ] && break
	sleep 1
done
same "$(left)" 0 'ends on the server, too'

case_dir 'a run that is ended'
fake frozen
hour b/ch/source/2025-11-15T02
seg 00:00 3600 full
"$sc" -b b --make-page --connection-string "host=127.0.0.1 port=$port" ch \
    >"$out" 2>"$err" &
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
lists '&#60;b&#62;&#34;it&#39;s&#34; &#38; é' chulak minibus

done_testing
