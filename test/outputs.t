#!/bin/sh
# Every output file: whole or as it was, and nothing beside it.
. "${0%/*}/lib.sh"

# archive NAME: a case with all that the outputs need
archive() {
	case_dir "$1"
	hour b/ch/source/2025-11-15T02
	seg 00:00 2.0 full
	seg 00:04 3590.0 partial
}

# outputs OPTION...: the program, with all four of its outputs in b/out
png=b/out/ch_source_coverage.png
html=b/out/ch_source_coverage.html
json=b/out/report.json
prom=b/out/metrics.prom
with_all() {
	set -- "$@" "$sc" -b b --output-dir out --make-page \
	    --node n=https://n.example -f json -r "$json" -m "$prom" \
	    --now 2025-11-16 -j 1 ch
	"$@"
}
outputs() {
	runs with_all "$@"
}

# old: outputs of an earlier run, which any failure has to leave alone
old() {
	mkdir -p b/out
	for file in $png $html $json $prom; do
		echo "old $file" >"$file"
	done
}

# untimed: metrics without what no two runs have in common
untimed() {
	sed '/^segment_coverage_run_duration_seconds{/d'
}

# are old|new FILE...: that is what they are, byte for byte
are() {
	age=$1
	shift
	for file; do
		new=$tmp/new/${file##*/}
		if [ "$age" = old ]; then
			echo "old $file" >"$tmp/wanted"
			same_file "$tmp/wanted" "$file" "$file is the old one"
		elif [ "$file" = "$prom" ]; then
			untimed <"$file" >"$tmp/got"
			same_file "$new" "$tmp/got" "$file is the new one"
		else
			same_file "$new" "$file" "$file is the new one"
		fi
	done
}

# failed N: so many lines of trouble, and the old files are as they were
failed() {
	is_status 2
	err_lines "$1"
	is_out </dev/null
	are old $png $html $json $prom
}

mode() {
	stat -c %a "$@" | tr '\n' ' '
}

as_nobody=''
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$tmp"
	mkdir "$tmp/cases"
	as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi

# disk OPTIONS: a small disk of its own at b/out; only root can have one
mounted=''
disk() {
	mkdir -p b/out
	mount -t tmpfs -o "$1" tmpfs b/out 2>/dev/null || return
	mounted=$PWD/b/out
}
disk_end() {
	umount "$mounted"
	mounted=''
}
trap '[ -z "$mounted" ] || umount -l "$mounted"
    cd /; rm -rf "$tmp" || { chmod -R u+rwx "$tmp"; rm -rf "$tmp"; }' EXIT

# What is written

archive 'all four'
outputs
is_status 0
silent
leaves b/out $png $html $json $prom
same "$(mode $png $html $json $prom b/out)" '644 644 644 644 755 ' \
    'others may read them'
ok 'a map' pngcheck -q "$png"
ok 'a page' grep -q "</html>" "$html"
ok 'a report' jq -e .schema_version "$json"
ok 'metrics' grep -q "^raw_coverage{.*} 3592$" "$prom"
mkdir "$tmp/new"
cp $png $html $json "$tmp/new"
untimed <$prom >"$tmp/new/${prom##*/}"

archive 'what was written is said with -v'
run -v -b b --output-dir out --make-page --node n=https://n.example -f json \
    -r $json -m $prom --now 2025-11-16 ch
leaves b/out $png $html $json $prom
is_status 0
is_out </dev/null
err_lines 4
for file in $png $html $json $prom; do
	err_has "$file: written"
done
run -v -n -f none ch -b b
silent

archive 'whatever the umask'
for mask in 077 000; do
	outputs sh -c "umask $mask; exec \"\$@\"" sh
	is_status 0
	same "$(mode $png $html $json $prom b/out)" '644 644 644 644 755 ' \
	    "mode with umask $mask"
	rm -r b/out
done
outputs sh -c 'umask 777; exec "$@"' sh
same "$(mode $png $html $json $prom b/out)" '644 644 644 644 755 ' \
    'mode with umask 777'
leaves b/out $png $html $json $prom

archive 'whatever the locale and the time zone'
old
for locale in de_DE tr_TR; do
	mkdir -p "$tmp/locales"
	[ -d "$tmp/locales/$locale.UTF-8" ] || localedef -i $locale -f UTF-8 \
	    "$tmp/locales/$locale.UTF-8" >/dev/null 2>&1
	if ! [ -d "$tmp/locales/$locale.UTF-8" ]; then
		skip "$locale" 'no such locale here'
		continue
	fi
	# the C library itself loses what it makes of LOCPATH
	outputs env LOCPATH="$tmp/locales" LC_ALL=$locale.UTF-8 \
	    LANGUAGE=${locale%_*} TZ=America/St_Johns \
	    ASAN_OPTIONS=detect_leaks=0
	is_status 0
	silent
	are new $png $html $json $prom
done
outputs env -i TZ=:/nowhere
are new $png $html $json $prom

archive 'in their places'
old
mkdir elsewhere
cd elsewhere || exit 1
runs "$sc" -b ../b -m here.prom -r here.txt ch
is_status 0
silent
cd .. || exit 1
ok 'report and metrics belong to the working directory' \
    filled elsewhere/here.prom elsewhere/here.txt
ok 'the map to the archive' [ -s b/coverage-maps/ch_source_coverage.png ]
runs "$sc" -b b --output-dir "$PWD/maps" -f none ch
is_status 0
silent
leaves maps maps/ch_source_coverage.png here.prom here.txt

archive 'as the nodes serve them'
runs "$sc" -b b -n -f none --output-dir .//maps/./here/ --make-page \
    --node n=https://n.example/ ch
is_status 0
silent
leaves b/maps b/maps/here b/maps/here/ch_source_coverage.html
url=https://n.example/segments/maps/here/ch_source_coverage.png
ok 'the URL of the map' \
    grep -qF "<img src=\"$url\"" b/maps/here/ch_source_coverage.html

archive 'directories are made where they are missing'
run -b b -f none --output-dir one/two/three ch
is_status 0
silent
leaves b/one b/one/two b/one/two/three \
    b/one/two/three/ch_source_coverage.png
same "$(mode b/one b/one/two)" '755 755 ' 'mode'
run -n -b b -r no/such/report.txt -m no/metrics.prom ch
is_status 2
err_lines 2
ok 'but not for report and metrics' absent no

archive 'a map for each'
hour b/ch/low/2025-11-15T03
seg 00:00 2.0 full
hour b/other/low/2025-11-15T03
seg 00:00 2.0 full
run -b b -f none -q source,low,none ch other
is_status 0
silent
d=b/coverage-maps
leaves $d $d/ch_source_coverage.png $d/ch_low_coverage.png \
    $d/other_low_coverage.png

# What is replaced

archive 'replaced, not rewritten'
old
mkdir kept
ln $png $html $json $prom kept
outputs
is_status 0
are new $png $html $json $prom
same "$(cat kept/*)" "old $html
old $png
old $prom
old $json" 'who still has an old file open reads all of it'

archive 'links are replaced, not followed'
old
mkdir kept
mv $png $html kept
ln -s ../../kept/ch_source_coverage.png $png
ln -s "$PWD/kept/ch_source_coverage.html" $html
ln -sf nowhere $json
ln -sf metrics.prom $prom
outputs
is_status 0
silent
are new $png $html $json $prom
for file in $png $html $json $prom; do
	ok "$file: no link any more" not [ -L "$file" ]
done
same "$(cat kept/*)" "old $html
old $png" 'what they led to is as it was'

archive 'a directory that is a link is followed'
mkdir elsewhere
ln -s ../elsewhere b/out
outputs
is_status 0
are new $png $html $json $prom
leaves elsewhere/ch_source_coverage.png elsewhere/ch_source_coverage.html \
    elsewhere/report.json elsewhere/metrics.prom

archive 'directories are not replaced'
mkdir -p b/out $png $html $json $prom
outputs
is_status 2
err_lines 4
for file in $png $html $json $prom; do
	err_has "$file"
	ok "$file stands" [ -d "$file" ]
done

archive 'nor what is no file'
mkdir b/out
mkfifo $png $html $json $prom
outputs timeout 10
is_status 2
err_lines 4
for file in $png $html $json $prom; do
	ok "$file stands" [ -p "$file" ]
done

archive 'one that fails does not stop the others'
for bad in $png $html $json $prom; do
	old
	rm "$bad"
	mkdir "$bad"
	outputs
	is_status 2
	err_lines 1
	err_has "$bad"
	for file in $png $html $prom $json; do
		[ -d "$file" ] ||
		    ok "$bad fails, $file is written" \
		    not grep -aq ^old "$file"
	done
	rmdir "$bad"
done

archive 'trouble with an output is in the report'
mkdir -p $png $html $prom
run -b b --output-dir out --make-page --node n=https://n.example -f json \
    -m $prom ch
is_status 2
err_lines 3
jq_is '.complete, [.errors[] | .path]' "true
[\"$png\",\"$html\",\"$prom\"]"

archive 'no output directory'
: >b/out
run -b b --output-dir out --make-page --node n=https://n.example -f json ch
is_status 2
err_lines 2
jq_is '.complete, (.errors | length), .reports[0].raw.coverage' 'true
2
3592'

archive 'planted names are not followed'
old
echo mine >victim
for name in .segment-coverage. .segment-coverage.tmp \
    .segment-coverage.tmp. .segment-coverage.tmp.1.0 \
    .segment-coverage.tmp.XXXXXX; do
	ln -s ../../victim b/out/$name
	ln -s nowhere b/out/${name}x
	mkdir b/out/${name}d
done
outputs
is_status 0
silent
are new $png $html $json $prom
same "$(cat victim)" mine 'the victim is well'

archive 'files of others'
old
echo mine | tee b/out/.segment-coverage.json b/out/.segment-coverage.report \
    b/out/.segment-coverage b/out/segment-coverage.tmp.1.0 >victim
outputs
is_status 0
silent
are new $png $html $json $prom
cat b/out/.seg* b/out/seg* >"$out"
is_out 'they are well' <<'EOT'
mine
mine
mine
mine
EOT

archive 'no link to what is no file is replaced'
mkdir dir
mkfifo fifo
ln -s fifo to-fifo
ln -s /dev/null to-null
ln -s /proc/self/fd/1 to-stdout
ln -s dir to-dir
for target in to-fifo to-null to-stdout; do
	run -b b -n -f none -m "$target" ch
	is_status 2
	is_err <<EOT
segment-coverage: $target: neither a file nor a link to one: give another name
EOT
	ok "$target is still a link" [ -L "$target" ]
done
run -b b -n -f none -m to-dir ch
is_status 2
is_err <<'EOT'
segment-coverage: to-dir: it is a directory: give the name of a file
EOT
: >file
ln -s file to-file
ln -s nowhere to-nowhere
run -b b -n -f none -m to-file ch
is_status 0
run -b b -n -f none -m to-nowhere ch
is_status 0
ok 'a link to a file is' not [ -L to-file ]
ok 'and one to nothing' not [ -L to-nowhere ]
ok 'both are written' filled to-file to-nowhere
ok 'not what the link named' not [ -s file ]

archive 'a pipe that is full for a while'
cat >slow.py <<'EOT'
import os, subprocess, sys, time
reading, writing = os.pipe()
os.set_blocking(writing, False)
run = subprocess.Popen(sys.argv[1:], stdout=writing)
os.close(writing)
time.sleep(1)
with open(reading, 'rb') as pipe:
    sys.stdout.buffer.write(pipe.read())
sys.exit(run.wait())
EOT
mkdir many
for hour in $(seq -w 0 23); do
	for day in $(seq -w 1 20); do
		mkdir -p "many/ch/source/2025-11-${day}T$hour"
		: >"many/ch/source/2025-11-${day}T$hour/00:00-2.0-full-Hash.ts"
	done
done
runs python3 slow.py "$sc" -b many -n -f json ch
is_status 0
ok 'it is more than a pipe holds' [ "$(wc -c <"$out")" -gt 200000 ]
jq_is '.reports[0].hours | length' 480

# What fails

archive 'a directory that may not be written'
old
chmod 555 b/out
# shellcheck disable=SC2086
if $as_nobody "$sc" --version >/dev/null 2>&1; then
	outputs $as_nobody
	failed 4
	err_has 'Permission denied'
	chmod 755 b/out
	rm -r b/out
	chmod 555 b
	outputs $as_nobody
	is_status 2
	err_lines 4
	ok 'nor can it be made' absent b/out
	chmod 755 b
else
	skip 'not writable' 'no other user can run the program here'
fi
chmod -R u+w b

archive 'files that may not grow'
old
with_all sh -c 'prlimit --fsize=50 "$@"; echo "status $?" >&2' sh \
    2>&1 >"$out" </dev/null | cat >"$err"
err_has 'status 2'
err_lines 5
are old $png $html $json $prom
ok 'nothing beside them' [ "$(find b/out -type f | wc -l)" -eq 4 ]

archive 'a disk that is full'
if disk size=64k; then
	old
	cat /dev/zero >b/out/fill 2>/dev/null
	outputs
	failed 4
	err_has 'No space left on device'
	outputs strace -f -e quiet=all -o "$tmp/calls" -e trace=access \
	    -e inject=access:error=ENOENT -E ASAN_OPTIONS=detect_leaks=0
	failed 4
	rm b/out/fill
	outputs
	is_status 0
	are new $png $html $json $prom
	disk_end
else
	skip 'a full disk' 'no file systems can be mounted here'
fi

archive 'a disk without inodes'
if disk size=1m,nr_inodes=16; then
	old
	n=0
	while touch b/out/fill$n 2>/dev/null; do
		n=$((n + 1))
	done
	outputs
	failed 4
	disk_end
else
	skip 'no inodes' 'no file systems can be mounted here'
fi

archive 'a disk that may only be read'
if disk size=1m; then
	old
	mount -o remount,ro "$mounted"
	outputs
	failed 4
	err_has 'Read-only file system'
	disk_end
else
	skip 'read-only' 'no file systems can be mounted here'
fi

archive 'a file that cannot be changed'
old
if chattr +i $png $json 2>/dev/null; then
	outputs
	chattr -i $png $json
	is_status 2
	err_lines 2
	err_has $png
	err_has $json
	are old $png $json
	are new $html
else
	skip 'immutable' 'no such attribute here'
fi

# Without O_TMPFILE

# tmpfiles: the calls of openat that ask for a file without a name
tmpfiles() {
	sed -n '/O_TMPFILE/=' "$tmp/calls"
}

archive 'a file system without O_TMPFILE'
for error in EOPNOTSUPP EISDIR; do
	outputs strace -e quiet=all -o "$tmp/calls" -e trace=openat \
	    -E ASAN_OPTIONS=detect_leaks=0
	first=$(tmpfiles | sed -n 1p)
	second=$(tmpfiles | sed -n 2p)
	old
	outputs strace -e quiet=all -o "$tmp/calls" -e trace=openat \
	    -e inject="openat:error=$error:when=$first+$((second - first + 1))" \
	    -E ASAN_OPTIONS=detect_leaks=0
	is_status 0
	silent
	same "$(grep -c "O_TMPFILE.*INJECTED" "$tmp/calls")" 4 "$error was met"
	same "$(grep -c "segment-coverage.*O_EXCL" "$tmp/calls")" 4 'got round'
	same "$(mode $png $html $json $prom)" '644 644 644 644 ' 'mode'
	are new $png $html $json $prom
done
leaves b/out $png $html $json $prom

# Wide maps

archive 'an hour of long ago'
hour b/ch/source/1936-08-01T00
seg 00:00 2.0 full
old
outputs
is_status 2
err_lines 1
err_has $png
err_has --first-hour
are old $png
ok 'the report stands' jq -e ".reports[0].raw.coverage == 3594" $json
ok 'so does the page' grep -q "</html>" $html
ok 'and the metrics' grep -q "^raw_coverage" $prom

archive 'as wide as can be'
old
run -b b -f none --output-dir out --first-hour 2025-01-01T00 \
    --last-hour 2026-04-01T01 ch
is_status 0
silent
ok '10,922 hours' sh -c 'pngcheck "$0" | grep -q 65532x300' "$png"
cp $png kept.png
run -b b -f none --output-dir out --first-hour 2025-01-01T00 \
    --last-hour 2026-04-01T02 ch
is_status 2
err_lines 1
err_has --last-hour
same_file kept.png $png 'the old map stays'

done_testing
