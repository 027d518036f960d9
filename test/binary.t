#!/bin/sh
# How the program is built: hardened, and linked with no more than it needs.
. "${0%/*}/lib.sh"

sc=$(command -v "$sc") || exit 1
readelf -Wa "$sc" >"$out" || exit 1
symbols() {
	grep -Eq " UND ($1)(@|\$| )" "$out"
}

if grep -Eq '__(asan|tsan|ubsan|gcov|llvm_profile)_' "$out" ||
    nm "$sc" 2>/dev/null | grep -Eq '__(asan|tsan|ubsan|gcov)_'; then
	skip_all 'an instrumented build'
fi

ok 'grep -Eq "^ *Type: *DYN" "$out"' 'position independent'
ok 'grep -Eq "FLAGS_1.*PIE" "$out"' 'an executable'
ok 'grep -q GNU_RELRO "$out"' 'relocations are read-only'
ok 'grep -Eq "FLAGS_1.*NOW" "$out"' 'and all of them, before main()'
ok 'grep -Eq "GNU_STACK.* RW +0x" "$out"' 'no executable stack'
ok '! grep -Eq "LOAD.* RWE +0x" "$out"' 'nothing is writable and executable'
ok '! grep -Eq "RPATH|RUNPATH|TEXTREL" "$out"' 'libraries from where they belong'
ok 'symbols __stack_chk_fail' 'stack protector'
ok 'symbols "__[a-z_]+_chk"' 'fortified functions'
for function in system popen 'exec[lv].*' fork vfork posix_spawn.* dlopen \
    strcpy strcat gets tmpnam tempnam mktemp; do
	ok "! symbols '$function'" "no $function"
done
for function in socket connect bind listen getaddrinfo; do
	ok "! symbols $function" "no $function: the network is libpq's"
done

others=$(sed -n 's/.*(NEEDED).*\[\(lib.*\)\.so.*/\1/p' "$out" |
    grep -Evx 'lib(c|m|cjson|pq)')
same "$others" '' 'no library but C, cJSON and libpq'

done_testing
