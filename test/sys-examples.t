#!/bin/sh
# SPDX-License-Identifier: MIT
# The files of man/examples: each is taken by the program it is for.
. "${0%/*}/lib.sh"

examples=$here/../man/examples
mkdir "$tmp/bin"
ln -s "$sc" "$tmp/bin/segment-coverage"
PATH=$tmp/bin:$PATH

case_dir 'alerts'
ok 'the rules are well' promtool check rules "$examples/segment-coverage.rules.yml"
ok 'and do as they should' \
    promtool test rules "$examples/segment-coverage.test.yml"
sed -n 's/.*alert: //p' "$examples/segment-coverage.rules.yml" |
    while read -r alert; do
	grep -A 1 "alertname: $alert$" "$examples/segment-coverage.test.yml" |
	    grep -q exp_alerts || echo "$alert"
done >"$out"
is_out 'a test makes each of them fire' </dev/null
cp "$examples"/*.yml .
ok 'prometheus.yml is well' promtool check config prometheus.yml
rm ./*.yml

case_dir 'units'
mkdir units
for unit in service timer; do
	sed "s:^ExecStart=:&$tmp/bin/:; /^Documentation=/d; /^User=/d" \
	    "$examples/segment-coverage@.$unit" \
	    >"units/segment-coverage@.$unit"
done
SYSTEMD_UNIT_PATH=$PWD/units: systemd-analyze verify \
    units/segment-coverage@.timer units/segment-coverage@.service \
    >"$out" 2>&1
is_out 'systemd-analyze verify has no complaint' </dev/null
ok 'an exposure below 3, of 10' systemd-analyze security --offline=true \
    --no-pager --threshold=29 units/segment-coverage@.service
rm -r units

# With the options of the unit, of a page, and of a check: no call that the
# unit's filter refuses.
case_dir 'system calls'
hour ch/source/2025-11-15T02
seg 00:00 5 full
systemd-analyze syscall-filter @system-service @default >"$tmp/groups"
grep -o '@[a-z-]*' "$tmp/groups" | sort -u |
    xargs systemd-analyze syscall-filter | sed 's/^ *//' |
    grep '^[a-z]' | sort -u >"$tmp/allowed"
strace -f -qq -o "$tmp/strace" "$sc" -f none -m m.prom --make-page \
    --connection-string 'host=127.0.0.1 port=1' ch 2>/dev/null
strace -f -qq -o "$tmp/strace2" "$sc" -c -v ch >"$out" 2>&1
sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$tmp/strace" "$tmp/strace2" |
    sort -u >"$tmp/called"
ok 'some are made' [ "$(wc -l <"$tmp/called")" -gt 20 ]
same "$(comm -23 "$tmp/called" "$tmp/allowed" | tr '\n' ' ')" '' \
    'all of them are in @system-service'

# types SHELL LINE...: what a TAB makes of each line in the shell
types() {
	/usr/bin/python3 - "$examples" "$@" <<'PYTHON'
import os, pty, re, select, signal, sys, time
examples, shell, *lines = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(PS1='> ', TERM='dumb', HISTFILE='', COLUMNS='200')
    if shell == 'bash':
        os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
    os.execvp('zsh', ['zsh', '-f', '-i'])

def read(until):
    text, end = '', time.time() + 20
    while until not in text and time.time() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 4096).decode()
    return text

def say(line):
    os.write(terminal, line.encode())

say({'bash': "bind 'set enable-bracketed-paste off'; . '%s/"
        "segment-coverage.bash'; echo rea''dy\n" % examples,
     'zsh': "fpath=('%s' $fpath); autoload -Uz compinit; compinit -u -D; "
        "PROMPT='> '; unsetopt zle_bracketed_paste 2>/dev/null; "
        "setopt no_beep list_packed; echo rea''dy\n" % examples}[shell])
read('ready')
for line in lines:
    # the line as it was completed, given to echo
    say('segment-coverage ' + line + '\t\x01echo "=" \x05 "="\n')
    text = read(' =\r\n')
    found = re.findall(r'^= (.*?) =\r?$', text, re.M)
    print(found[-1].strip(' =/') if found else repr(text))
os.kill(pid, signal.SIGKILL)
PYTHON
}
for shell in bash zsh; do
	case_dir "$shell"
	mkdir -p 'srv/desertbus/source' 'srv/desertbus/480p' srv/coverage-maps
	: >peer.json
	types $shell '--first-h' '-b sr' '-b srv des' '-b srv -q sou' \
	    '-b srv -q source,48' '--format js' '--report pee' >"$out"
	is_out 'completes' <<'EOT'
segment-coverage --first-hour
segment-coverage -b srv
segment-coverage -b srv desertbus
segment-coverage -b srv -q source
segment-coverage -b srv -q source,480p
segment-coverage --format json
segment-coverage --report peer.json
EOT
	rm peer.json
done

# The entry of compose.yml, as process 1: it runs the program again and again,
# and TERM ends it at once, whether it sleeps or works.
case_dir 'compose'
hour mnt/desertbus/source/2025-11-15T02
seg 00:00 5 full
loop=$(sed -n 's/^ *entrypoint: //p' "$examples/compose.yml" |
    jq -r '.[2]' | sed 's/\$\$/$/g')
# ends FILE: sends TERM when it is there; prints exit status and seconds
ends() {
	unshare --pid --fork --kill-child sh -c "$loop" sh -b mnt \
	    -f none -n -m mnt/m.prom desertbus >"$out" 2>"$err" &
	loop_pid=$!
	until [ -s "$1" ] || [ ! -e /proc/$loop_pid ]; do
		sleep 0.1
	done
	begun=$(date +%s)
	read -r first <"/proc/$loop_pid/task/$loop_pid/children"
	kill "$first"
	wait $loop_pid
	echo $? $(($(date +%s) - begun))
}
if unshare --pid --fork true 2>/dev/null; then
	ended=$(ends mnt/m.prom)
	ok "TERM ends it well, while it sleeps: $ended" expr "$ended" : '0 [0-4]$'
	cat >"$tmp/slow" <<-EOT
		#!/bin/sh
		trap 'echo >"$tmp/told"; kill \$!; exit' TERM
		sleep 100 & echo >"$tmp/began"; wait
	EOT
	chmod 755 "$tmp/slow"
	ln -sf "$tmp/slow" "$tmp/bin/segment-coverage"
	ended=$(ends "$tmp/began")
	ok "and while the program works: $ended" expr "$ended" : '0 [0-4]$'
	ln -sf "$sc" "$tmp/bin/segment-coverage"
	ok 'which is told' [ -s "$tmp/told" ]
else
	skip 'the loop' 'it needs root'
fi

# The image has what "make deps" installs to build, and what that links with.
case_dir 'container'
packages() {
	sed -n "/^FROM.*$1/,/^[CE]/p" "$examples/Containerfile" |
	    grep '^    ' | sed 's/&&.*//; s/\\//' | tr -s ' ' '\n' |
	    grep . | sort
}
{
	sed -n 's/^build \([^ ]*\) .*/\1/p' "$here/deps"
	printf '%s\n' gcc make
} | sort >"$tmp/wanted"
packages build >"$out"
same_file "$tmp/wanted" "$out" 'what it builds with'

case_dir 'nagios'
hour ch/source/2025-11-15T02
seg 00:00 5 full
plugin() {
	runs "$examples/nagios.sh" --now 2025-11-15T02:01:00Z "$@"
}
plugin ch
is_status 0
is_out <<'EOT'
COVERAGE OK
EOT
plugin --max-age 10 ch
is_status 2
out_has 'COVERAGE CRITICAL - segment-coverage: ch/source: '
plugin missing
is_status 3
out_has 'COVERAGE UNKNOWN - segment-coverage: '
same "$(cat "$err")" '' 'nothing on stderr'
done_testing
