#!/bin/sh
# SPDX-License-Identifier: MIT
# How the program is built: hardened, and linked with no more than it needs.
. "${0%/*}/lib.sh"

readelf -Wa "$sc" >"$out" || exit 1
symbols() {
	grep -Eq " UND ($1)(@|\$| )" "$out"
}

if grep -Eq '__(asan|tsan|ubsan|gcov|llvm_profile)_' "$out" ||
    nm "$sc" 2>/dev/null | grep -Eq '__(asan|tsan|ubsan|gcov)_'; then
	skip_all 'an instrumented build'
fi

ok 'position independent' grep -Eq "^ *Type: *DYN" "$out"
ok 'an executable' grep -Eq "FLAGS_1.*PIE" "$out"
ok 'relocations are read-only' grep -q GNU_RELRO "$out"
ok 'and all of them, before main()' grep -Eq "FLAGS_1.*NOW" "$out"
ok 'no executable stack' grep -Eq "GNU_STACK.* RW +0x" "$out"
ok 'nothing is writable and executable' not grep -Eq "LOAD.* RWE +0x" "$out"
ok 'libraries from where they belong' \
    not grep -Eq "RPATH|RUNPATH|TEXTREL" "$out"
ok 'stack protector' symbols __stack_chk_fail
ok 'fortified functions' symbols "__[a-z_]+_chk"
for function in system popen 'exec[lv].*' vfork posix_spawn.* dlopen \
    strcpy strcat gets tmpnam tempnam mktemp; do
	ok "no $function" not symbols "$function"
done
for function in socket connect bind listen getaddrinfo; do
	ok "no $function: the network is libpq's" not symbols $function
done

others=$(sed -n 's/.*(NEEDED).*\[\(lib.*\)\.so.*/\1/p' "$out" |
    grep -Evx 'lib(c|m|z|cjson|pq)')
same "$others" '' 'no library but C, zlib, cJSON and libpq'

done_testing
