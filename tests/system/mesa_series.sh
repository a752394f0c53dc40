#!/usr/bin/env bash
# The patches of mesa-patches/25.0 apply to Debian's Mesa with no fuzz, and mesa-patches/check sees when they do not.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/system/mesa_cases.bash"
cd "$root"

check=$root/mesa-patches/check
built "Debian's Mesa builds with the series" "$root/mesa-patches/build"
mesa=$place/debian-mesa
without='not ok|other lines' expect "25.0 applies exactly" 0 '^([0-9]+) of \1 patches of 25.0 apply' \
    "$check" 25.0 --mesa "$mesa"
expect "the series that must hang applies" 0 '^4 of 4 patches' "$check" testing/25.0-naive --mesa "$mesa"
for series in "$root"/mesa-patches/2*/; do
    name=$(basename "$series")
    expect "$name lists every patch once" 0 '^same$' bash -c \
        'cmp <(sed "/^#/d;/^$/d" "$1/series" | sort) <(cd "$1" && ls -- *.patch | sort) && echo same' bash "$series"
    without='^(index|GIT binary)' expect "$name says why, what it costs and what upstream does" 0 '^all$' bash -c '
        for patch in "$1"/*.patch; do
            for part in "^Subject: " "^Cost: " "^Upstream: "; do
                grep -q "$part" "$patch" || { echo "$patch has no $part"; exit 1; }
            done
        done
        echo all' bash "$series"
done

# The check must be able to fail: a context line that is not Mesa's needs fuzz.
broken=$place/broken-series
rm -rf "$broken"
cp -r "$root/mesa-patches/25.0" "$broken"
sed -i '0,/^ \(.*has_wsi.*\)$/s//  \1/' "$broken/0001-wsi-renderer-extensions.patch"
expect "a patch that needs fuzz is refused" 1 '^not ok 0001' "$check" "$broken" --mesa "$mesa"
expect "a tree that is none is refused" 2 'no Mesa source tree' "$check" 25.0 --mesa "$root"
expect "a series that is none is refused" 2 'no series file' "$check" 9.9 --mesa "$mesa"
expect "the build refuses a foreign tree" 1 'no Mesa source tree' "$root/mesa-patches/build" --mesa "$root"
expect "the build refuses a patch that needs fuzz" 1 '0001-wsi-renderer-extensions.patch does not apply' \
    "$root/mesa-patches/build" --series "$broken" --name broken
rm -rf "$broken"
finish
