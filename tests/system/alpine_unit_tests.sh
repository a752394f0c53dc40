#!/usr/bin/env bash
# The layer's unit tests, built for musl, run in Alpine.
# Usage: tests/system/alpine_unit_tests.sh [NAME...]      names of unit tests, for example unit-ledger; default: all
# Exit status: 0 all passed, 1 one failed, 77 Alpine's minirootfs is not on this machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rig=$root/tests/rig/alpine
tree=$root/build/alpine/test-unit
build=$root/build/alpine/unit-x86_64
log=$root/build/logs/alpine-unit.log

if [ "$(id -u)" != 0 ]; then
    echo "entering Alpine's tree needs root"
    exit 77
fi
rm -rf --one-file-system "$tree"
"$rig/minirootfs" x86_64 "$tree" || exit
"$rig/setup" || exit
"$rig/sysroot" x86_64
# shellcheck source=tests/rig/alpine/lib.sh
. "$rig/lib.sh"
headers=''
[ ! -d "$newest_headers" ] || headers=$newest_headers
# One case opens the real library.
cp -P "$cache"/sysroot/x86_64/usr/lib/libdrm.so.2* "$tree/usr/lib/"

# Only what the unit tests are made of: the other suites need window systems that the sysroot does not have.
source=$root/build/alpine/unit-source
rm -rf "$source.new"
mkdir -p "$source" "$source.new/tests"
cp -R "$root"/{layer,manifests,meson.build,meson.options,README.md} "$source.new/"
cp -R "$root"/tests/{meson.build,unit,rig} "$source.new/tests/"
# Files that have changed get the time of their copy: one that is older than an object may yet be newer than what the
# object was made from.
(cd "$source" && find . -type f) | while read -r file; do [ -e "$source.new/$file" ] || rm "$source/$file"; done
(cd "$source.new" && find . -type f) | while read -r file; do
    cmp -s "$source.new/$file" "$source/$file" || install -D -m "$(stat -c %a "$source.new/$file")" "$source.new/$file" "$source/$file"
done
rm -rf "$source.new"

inside() { "$root/tests/rig/enter" env PATH="$root/build/alpine/toolchain/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"; }
again=()
[ ! -e "$build/build.ninja" ] || again=(--reconfigure)
inside meson setup "${again[@]}" "$build" "$source" --cross-file "$rig/musl-x86_64.ini" -Dtests=enabled \
    -Dbench=disabled -Dbuildtype=plain -Doptimization=s -Db_pch=false -Dvulkan_headers="$headers" >"$log" 2>&1 || {
    tail -n 30 "$log"
    echo "the build for musl was not configured; the whole log is build/logs/alpine-unit.log"
    exit 1
}
# NAME, PROGRAM and ARGUMENTS of every unit test, tab-separated.
list() {
    inside meson introspect --tests "$build" | python3 -c '
import json, sys
for test in json.load(sys.stdin):
    if any(suite.split(":")[-1] == "unit" for suite in test["suite"]):
        print("\t".join([test["name"], *test["cmd"]]))'
}
inside ninja -C "$build" build.ninja >"$log" 2>&1 || { tail -n 30 "$log"; exit 1; }
tests=$(list)
if [ $# -gt 0 ]; then
    tests=$(grep -E "^($(IFS='|'; echo "$*"))	" <<<"$tests") || tests=''
fi
[ -n "$tests" ] || { echo "meson knows no such unit test"; exit 1; }
# shellcheck disable=SC2046
inside nice ninja -C "$build" -j 2 layer/libVkLayer_VENUS_wsi.so \
    $(cut -f 2 <<<"$tests" | sort -u | sed -n "s,^$build/,,p") >"$log" 2>&1 || {
    grep -A 8 -m 3 '^FAILED' "$log" || tail -n 30 "$log"
    echo "the unit tests were not built for musl; the whole log is build/logs/alpine-unit.log"
    exit 1
}

passed=0 failed=0 cases=0
while IFS=$'\t' read -r name program arguments; do
    output=$root/build/logs/alpine-unit-$name.log
    case $program in
    "$build"/*) ;;
    # A script needs what Alpine's bare tree lacks, and tests nothing that depends on the C library.
    *) echo "skip - $name: $program is no program of this build"; continue ;;
    esac
    # shellcheck disable=SC2086
    if "$rig/chroot" "$tree" "$build:$build" "$source:$source" -- "$program" ${arguments//$'\t'/ } >"$output" 2>&1 </dev/null; then
        ran=$(sed -n 's/^\[==========\] \([0-9]*\) tests\{0,1\} from .* ran.*/\1/p' "$output")
        if [ "${ran:-0}" -gt 0 ]; then
            echo "ok - $name: $ran cases"
            passed=$((passed + 1)) cases=$((cases + ran))
            continue
        fi
        echo "no case was run" >>"$output"
    fi
    echo "not ok - $name (build/logs/alpine-unit-$name.log)"
    grep -E '^\[  FAILED|Failure|no case' "$output" | sort -u | head -n 30 || tail -n 10 "$output"
    failed=$((failed + 1))
done <<<"$tests"
echo "$passed programs with $cases cases passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
