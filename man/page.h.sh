#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the page's style and script as arrays of C, and the hashes by which
# its Content-Security-Policy allows them.
set -e
cd "${0%/*}"
for name in css js; do
	hash=$(sha256sum <page.$name | sed 's/ .*//; s/../\\x&/g')
	hash=$(env printf "$hash" | base64)
	echo "#define $(echo $name | tr '[:lower:]' '[:upper:]')_HASH \"$hash\""
	echo "static const unsigned char ${name}[] = {"
	od -An -v -tu1 page.$name | sed 's/[0-9][0-9]*/&,/g'
	echo '};'
done
