#!/bin/sh
# valgrind: no leak and no invalid access, on ordinary runs and where
# something is wrong. The sanitizers run all tests, but see no leak in those
# where strace makes a system call fail.
. "${0%/*}/lib.sh"

[ -z "${SANITIZE-}" ] || skip_all 'the sanitizers do not go with valgrind'
command -v valgrind >/dev/null || skip_all 'valgrind is not installed'

# The program has freed all that it allocated when main() ends, and so have
# the libraries. What ends earlier, of wrong usage, has at least lost nothing.
all=definite,indirect,possible,reachable
lost=definite,indirect,possible
export kinds=$all
# a copy, where every user can read it
program=$tmp/program
cp "$(command -v "$sc")" "$program" && chmod 755 "$program" || exit 1
cat >"$tmp/checked" <<EOT
#!/bin/sh
exec valgrind -q --vgdb=no --log-file='$tmp/valgrind' --error-exitcode=99 \
    --leak-check=full --show-leak-kinds=\$kinds \
    --errors-for-leak-kinds=\$kinds '$program' "\$@"
EOT
chmod 755 "$tmp/checked"
sc=$tmp/checked

as_nobody=''
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$tmp"
	mkdir "$tmp/cases"
	: >"$tmp/valgrind"
	chmod 666 "$tmp/valgrind"
	as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi

# found_nothing STATUS: valgrind did, and the program ended with that
found_nothing() {
	is_status "$1"
	same_file /dev/null "$tmp/valgrind" 'valgrind has nothing to say'
	: >"$tmp/valgrind"
}

# clean STATUS ARGUMENT...
clean() {
	wanted=$1
	shift
	run "$@"
	found_nothing "$wanted"
}

# redirected STATUS REDIRECTION ARGUMENT...
redirected() {
	wanted=$1 redirection=$2
	shift 2
	runs sh -c "\"\$@\" $redirection" sh "$sc" "$@"
	found_nothing "$wanted"
}

# struck STATUS FAULT PATH ARGUMENT...: the calls about PATH fail, or all
struck() {
	wanted=$1 fault=$2 path=$3
	shift 3
	runs strace -f -e quiet=all -o "$tmp/strace" ${path:+-P "$path"} \
	    -e trace="${fault%%:*}" -e inject="$fault" "$sc" "$@"
	found_nothing "$wanted"
	ok "$fault was met" grep -q INJECTED "$tmp/strace"
}

# archive NAME: a case with hours that have all that makes a difference
archive() {
	case_dir "$1"
	"$here/mkarchive" -c ch -q source,480p -f 2025-11-15T00 -h 4 -n 300 \
	    -t 60 b
	mkdir b/ch/source/2025-11-15T08 b/ch/source/stray b/out
	hour b/ch/source/2025-11-15T07
	for n in 1 2 3 4 5 6 7 8 9; do
		seg 00:00 $n.0 full
		seg 00:09 $n.0 partial $n
		seg 00:09 1$n.0 partial $n
		seg 00:09 2$n.0 temp
		seg 00:09 1.$n suspect $n
	done
	seg 00:02 2.0 full
	tomb 00:02 2.0 full
	seg 00:30 bad full
	tomb 00:30 bad full
	seg 00:30 worse full
	ln -s nowhere "$hour/00:40-2.0-full-Link.ts"
	ln -s nowhere b/ch/source/2025-11-15T09
	# of the future, so that it is listed twice
	touch -d 2100-01-01 "$hour"
}
source=b/ch/source
outputs='out/ch_source_coverage.png out/ch_source_coverage.html
    out/ch_480p_coverage.png out/ch_480p_coverage.html
    out/ch_none_coverage.html m.prom r.txt'

archive 'ordinary runs'
clean 0 -b b -q source,480p,none -a -v --output-dir out --make-page \
    --node n=https://n.example --node here=http://here.example/ \
    -m b/m.prom -r b/r.txt ch
for file in $outputs; do
	leaves "b/$file"
	ok "$file" [ -s "b/$file" ]
done
clean 0 -n -b b -f json -j 4 -q source,480p --metrics-hours 1 -m b/m.prom ch
clean 0 -n -b b -f json -v -j 1 --first-hour 2025-11-15T02 \
    --last-hour 2025-11-15T04 ch
clean 1 -b b --check --max-age 60 -q source,none ch

case_dir 'no run at all'
kinds=$lost
clean 0 --help
redirected 2 '>/dev/full' --version
clean 2
clean 2 --nonsense ch
clean 2 -q a,b_c,a_b c_a c
clean 2 -t -1 ch
clean 2 --first-hour now --last-hour -2d ch
clean 2 --node n=https://n.example --node n=ftp://n.example ch
kinds=$all

archive 'nothing to read'
clean 2 -b missing ch
: >b/ch/file
ln -s 2025-11-15T10 $source/2025-11-15T10
ln -s 00:50-2.0-full-Loop.ts "$hour/00:50-2.0-full-Loop.ts"
clean 2 -n -b b -f json -v -q file,source ch nothing
clean 2 -n -b b -f none --first-hour 2025-11-15T11 ch
chmod 000 "$hour"
# shellcheck disable=SC2086
if $as_nobody "$program" --version >/dev/null 2>&1; then
	runs $as_nobody "$sc" -n -b b -f json ch
	found_nothing 2
	err_has "$hour: Permission denied"
else
	skip 'unreadable' 'no other user can run the program here'
fi
chmod 755 "$hour"
struck 2 getdents64:error=EIO $source/2025-11-15T01 -n -b b -f json ch
struck 2 newfstatat,statx:error=EIO b/ch -n -b b -f json ch
struck 2 clone,clone3:error=EAGAIN "" -n -b b -f json -j 4 ch

archive 'nothing to write to'
redirected 2 '>/dev/full' -n -b b ch
redirected 2 '>/dev/full' -n -b b -f json ch
# where it is closed valgrind takes it
redirected 2 '>&0' -n -b b -f json ch
redirected 2 '>&0 2>&0' -n -b b -f json missing
: >b/file
mkdir b/directory
hour $source/1936-08-01T00
seg 00:00 2.0 full
clean 2 -b b --output-dir file --make-page --node n=https://n.example \
    -m b/directory -r b/file/r.txt ch
rm -r "$hour"
all_outputs() {
	"$@" -b b --output-dir out --make-page --node n=https://n.example \
	    -f none -m b/out/m.prom ch
}
all_outputs struck 2 rename:error=EXDEV ""
all_outputs struck 2 fchmod:error=EPERM ""
runs prlimit --fsize=4096 "$sc" -n -b b -f none -m b/out/m.prom ch
found_nothing 2
err_has 'b/out/m.prom: File too large'
all_outputs struck 0 linkat:error=EEXIST:when=1 ""
all_outputs struck 0 access:error=ENOENT /proc/self/fd
leaves b/out/ch_source_coverage.png b/out/ch_source_coverage.html b/out/m.prom

archive 'no nodes'
page() {
	clean 2 -n -b b --make-page -f none --connection-string "$1" ch
}
page 'host=127.0.0.1 port=1 password=SECRET'
page 'password=the SECRET'
"$here/pgfake.py" rude >"$tmp/port" &
fake=$!
trap 'kill $fake; cd /; rm -rf "$tmp"' EXIT
while [ ! -s "$tmp/port" ]; do
	sleep 0.1
done
page "host=127.0.0.1 port=$(cat "$tmp/port")"

done_testing
