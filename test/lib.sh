# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What every shell test is written in. A test file is a list of cases:
#
#	. "${0%/*}/lib.sh"
#	case_dir hole			a fresh, empty directory; we are in it
#	hour ch/source/2025-11-15T02	an hour of the archive
#	seg 00:00 2.0 full		its segments; $ts is the file just made
#	seg 00:05 2.0 full
#	run -n -f json ch		the program: $out, $err, $status
#	is_status 0
#	jq_is '.reports[0].raw.hole_count' 1
#	done_testing
#
# What a run makes in the directory of its case has to be named with
# "leaves", or the case fails: so a temporary file never goes unseen.

set -u
export TZ=UTC LC_ALL=C
unset NO_COLOR PGHOST PGPORT PGUSER PGDATABASE PGSERVICE PGPASSWORD
umask 022

# shellcheck disable=SC2034 # $here is for the test files
here=$(cd "${0%/*}" && pwd) || exit 1
sc=$(command -v "${SEGMENT_COVERAGE-$here/../segment-coverage}") &&
    sc=$(realpath "$sc") || exit 1
tmp=$(mktemp -d "${TMPDIR:-/tmp}/coverage-test.XXXXXX") || exit 1
trap 'cd /; rm -rf "$tmp" || { chmod -R u+rwx "$tmp"; rm -rf "$tmp"; }' EXIT
trap 'exit 1' HUP INT PIPE TERM
out=$tmp/out err=$tmp/err status=0
tests=0 failures=0 case='' dir=''

# diag: the first 20 lines of stdin as TAP diagnostics
diag() {
	sed -n -e 's/^/#	/' -e '20s/$/ .../' -e 1,20p >&2
}

# ok DESC COMMAND ARGUMENT...: the command succeeds
ok() {
	tests=$((tests + 1))
	ok=${case:+$case: }$1
	shift
	if "$@" >"$tmp/noise" 2>&1; then
		echo "ok $tests - $ok"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $ok"
	printf '# failed: %s\n' "$ok" >&2
	[ -s "$tmp/noise" ] || printf '%s\n' "$*" >"$tmp/noise"
	diag <"$tmp/noise"
	return 1
}

not() {
	! "$@"
}

absent() {
	for named; do
		[ ! -e "$named" ] && [ ! -L "$named" ] || return
	done
}

# skip DESC WHY
skip() {
	tests=$((tests + 1))
	echo "ok $tests - ${case:+$case: }$1 # skip $2"
}

# skip_all WHY: ends a test file that cannot run here
skip_all() {
	echo "1..0 # skip $1"
	exit 0
}

# same GOT WANTED DESC: two strings
same() {
	[ "$1" = "$2" ] && { ok "$3" true; return; }
	printf '%s\n' "$1" >"$tmp/got"
	printf '%s\n' "$2" >"$tmp/same"
	same_file "$tmp/same" "$tmp/got" "$3"
}

# same_file WANTED GOT DESC: two files, byte for byte
same_file() {
	ok "$3" diff -a -U 1 --label wanted --label got "$1" "$2"
}

# case_dir NAME: ends the case before and starts one in a fresh directory
case_dir() {
	case_end
	case=$1
	dir=$tmp/cases/$1
	mkdir -p "$dir" && cd "$dir" || exit 1
	: >"$tmp/made"
	: >"$tmp/left"
}

case_end() {
	[ -z "$dir" ] && return
	sort -u -o "$tmp/made" "$tmp/made"
	sort -u -o "$tmp/left" "$tmp/left"
	same_file "$tmp/left" "$tmp/made" 'nothing else is left behind'
	dir=''
}

# leaves PATH...: what the case's runs make and leave, below its directory
leaves() {
	printf './%s\n' "$@" >>"$tmp/left"
}

# hour PATH: the hour directory that seg and tomb work in
hour() {
	hour=$1
	mkdir -p "$hour"
}

# seg TIME DURATION TYPE [SIZE [HASH]]
seg() {
	ts=$hour/$1-$2-$3-${5-Hash}.ts
	: >"$ts"
	[ -z "${4-}" ] || truncate -s "$4" "$ts"
}

# at HH 'TIME DURATION TYPE [SIZE [HASH]], ...': an hour of ch/source on
# 2025-11-15 and its segments
at() {
	hour "ch/source/2025-11-15T$1"
	while read -r time duration type size hash; do
		[ -z "$time" ] ||
		    seg "$time" "$duration" "$type" "$size" "${hash:-Hash}"
	done <<-EOT
	$(echo "${2-}" | tr , '\n')
	EOT
}

# tomb TIME DURATION TYPE [SIZE [HASH]]: the tombstone that hides it
tomb() {
	: >"$hour/$1-$2-$3-${5-Hash}.tombstone"
}

# runs COMMAND...: with an empty stdin; sets $status, fills $out and $err
runs() {
	find . >"$tmp/before"
	status=0
	"$@" </dev/null >"$out" 2>"$err" || status=$?
	find . >"$tmp/after"
	cmp -s "$tmp/before" "$tmp/after" ||
	    grep -Fxvf "$tmp/before" "$tmp/after" >>"$tmp/made"
}

# run ARGUMENT...: the program
run() {
	runs "$sc" "$@"
}

# strikes PATH SYSCALL:FAULT ARGUMENT...: the program, with a fault in the
# calls that are about PATH
strikes() {
	path=$1 fault=$2
	shift 2
	runs strace -f -e quiet=all -o "$tmp/strace" \
	    -E ASAN_OPTIONS=detect_leaks=0 -P "${path##*/}" -P "$path" \
	    -P "./$path" -P "$PWD/$path" -e trace="${fault%%:*}" \
	    -e inject="$fault" "$sc" "$@"
	ok 'the fault was met' grep -Eq 'INJECTED|DELAYED' "$tmp/strace"
}

# is_status N
is_status() {
	same "$status" "$1" "exit status $1" || diag <"$err"
}

# is_out, is_err [DESC]: stdout or stderr is what comes in on stdin, from a
# here-document (behind a pipe the count of the tests would get lost)
is_out() {
	cat >"$tmp/wanted"
	same_file "$tmp/wanted" "$out" "${1-stdout}"
}

is_err() {
	cat >"$tmp/wanted"
	same_file "$tmp/wanted" "$err" "${1-stderr}"
}

# silent: not one byte on stdout or stderr
silent() {
	is_out 'nothing on stdout' </dev/null
	is_err 'nothing on stderr' </dev/null
}

# err_lines N: stderr has so many lines
err_lines() {
	ok "$1 line(s) on stderr" [ "$(wc -l <"$err")" -eq "$1" ] || diag <"$err"
}

# out_has, err_has STRING: it stands somewhere in there
out_has() {
	ok "stdout has: $1" grep -qFe "$1" "$out" || diag <"$out"
}

err_has() {
	ok "stderr has: $1" grep -qFe "$1" "$err" || diag <"$err"
}

# jq_is FILTER WANTED [DESC]: of stdout, as compact JSON
jq_is() {
	same "$(jq -c "$1" "$out" 2>&1)" "$2" \
	    "${3:-$(printf %s "$1" | tr -s ' \t\n' ' ')}"
}

# is FILTER WANTED [DESC]: of the first quality
is() {
	jq_is ".reports[0] | $1" "$2" "${3-}"
}

# report [OPTION...]: of channel ch, as JSON, the day after
report() {
	run -n -f json --now 2025-11-16 "$@" ch
}

# done_testing: the last line of a test file
done_testing() {
	case_end
	echo "1..$tests"
	[ "$failures" -eq 0 ]
	exit
}
