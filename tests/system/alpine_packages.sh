#!/usr/bin/env bash
# Alpine's own apk takes our signed repository: installs, upgrades, removes, and refuses what was tampered with.
# Usage: tests/system/alpine_packages.sh [--repack] [PORT]      PORT: default venus-wsi-layer
#   --repack   do not build it again
# Exit status: 0 all passed, 1 a check failed, 77 Alpine's minirootfs is not on this machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rig=$root/tests/rig/alpine
tools=$root/manifests/alpine
work=$root/build/alpine/test-packages
repack=''
if [ "${1:-}" = --repack ]; then
    repack=$1
    shift
fi
port=${1:-venus-wsi-layer}
package=${port##*/}
arch=x86_64

# The time is part of a package; commits that are made meanwhile must not change it.
export SOURCE_DATE_EPOCH=1700000000
passed=0 failed=0
check() { # check WHAT COMMAND...: passes when the command succeeds
    local what=$1
    shift
    if "$@" >"$work/last.log" 2>&1; then
        echo "ok - $what"
        passed=$((passed + 1))
    else
        echo "not ok - $what"
        sed 's/^/    /' "$work/last.log"
        failed=$((failed + 1))
    fi
}
refused() { # refused PATTERN COMMAND...: the command must fail, and say why
    local pattern=$1
    shift
    if "$@" >"$work/refused.log" 2>&1; then
        echo "it was accepted:"
        cat "$work/refused.log"
        return 1
    fi
    cat "$work/refused.log"
    grep -Eiq "$pattern" "$work/refused.log"
}
fresh_tree() { # fresh_tree NAME: an Alpine that knows our key and no repository
    rm -rf --one-file-system "${work:?}/$1"
    "$rig/minirootfs" $arch "$work/$1"
    cp "$work/keys/"*.pub "$work/$1/etc/apk/keys/"
    echo /mnt/repository >"$work/$1/etc/apk/repositories"
}
apk() { # apk TREE REPOSITORY ARGUMENT...
    local tree=$1 repository=$2
    shift 2
    "$rig/chroot" "$work/$tree" "$repository:/mnt/repository" -- apk --no-progress "$@"
}
inside() { # inside TREE COMMAND...
    local tree=$1
    shift
    "$rig/chroot" "$work/$tree" -- "$@"
}
# Every file of the tree but apk's own records of the repositories, which it keeps on purpose.
contents() { (cd "$work/$1" && find . -mindepth 1 ! -path './var/cache/apk/*' ! -path './lib/apk/db/*' \
    ! -path './mnt/*' ! -path ./etc/apk/world | LC_ALL=C sort); }
installed() { apk "$1" "$2" info -e "$package" >/dev/null; }
version() { grep -A1 "^P:$package\$" "$work/tree/lib/apk/db/installed" | sed -n 's/^V://p'; }
repo() { "$root/tests/rig/enter" env SOURCE_DATE_EPOCH=1700000000 "$tools/tools/apkrepo" "$@"; }

if [ "$(id -u)" != 0 ]; then
    echo "entering Alpine's tree needs root"
    exit 77
fi
rm -rf --one-file-system "$work"
mkdir -p "$work/keys"
"$rig/minirootfs" $arch "$work/tree" || exit
"$rig/setup" || exit

echo "# the repository"
key=$root/build/alpine/keys/venus-wsi.rsa
log=$root/build/logs/alpine-repository.log
"$tools/make-repository" $repack --arch $arch --stand-ins --output "$work/one" --key "$key" --pkgrel 0 "$port" >"$log" 2>&1 || {
    tail -n 30 "$log"
    echo "the repository was not made; the whole log is build/logs/alpine-repository.log"
    exit 1
}
cp "$key.pub" "$work/keys/"
ls "$work/one/$arch"
first=$(basename "$(ls "$work/one/$arch/$package"-[0-9]*.apk)")
check "our own reader verifies every package and the index" \
    repo verify "$work/one/$arch"/*.apk "$work/one/$arch/APKINDEX.tar.gz" --keys "$work/keys"
check "packing again gives the same bytes" bash -euc '
    "$1/tests/rig/alpine/make-package" --repack "$2" '$arch' "$3/again" "$4"
    cmp "$3/one/'$arch'/$5" "$3/again/'$arch'/$5"' \
    same "$root" "$([ -d "$tools/$port" ] && echo "$root/build/alpine/staged/$arch/$port" || echo "$port")" "$work" "$key" "$first"

echo "# signatures"
fresh_tree tree
check "apk verifies the package's signature" apk tree "$work/one" verify "/mnt/repository/$arch/$first"
check "the index is accepted with our key" apk tree "$work/one" update
fresh_tree stranger
rm "$work/stranger/etc/apk/keys/$(basename "$key").pub"
check "the index is refused without our key" \
    refused 'UNTRUSTED|unable to select' apk stranger "$work/one" add "$package"
missing() { ! installed "$@"; }
check "nothing was installed without our key" missing stranger "$work/one"
check "the package itself is refused without our key" \
    refused UNTRUSTED apk stranger "$work/one" add "/mnt/repository/$arch/$first"

echo "# installing"
contents tree >"$work/before"
check "apk adds $package" apk tree "$work/one" add "$package"
check "apk says it is installed" installed tree "$work/one"
check "its libraries and commands find all they link to" bash -euc '
    tree=$1/tree; shift
    for file in $(sed -n "/^P:$2\$/,/^\$/p" "$tree/lib/apk/db/installed" | awk "/^F:/{d=substr(\$0,3)} /^R:/{print d\"/\"substr(\$0,3)}"); do
        [ "$(head -c 4 "$tree/$file" | tail -c 3)" = ELF ] || continue
        echo "$file"
        "$1/tests/rig/alpine/chroot" "$tree" -- /lib/ld-musl-x86_64.so.1 --list "/$file"
    done' ldd "$work" "$root" "$package"
unchanged() {
    local text
    text=$(inside tree apk audit --system) || return
    ! grep -v ' etc/' <<<"$text" | grep .
}
check "apk audit finds nothing changed" unchanged
contents tree >"$work/after"
comm -13 "$work/before" "$work/after" | sed 's/^/#   /'
if [ "$package" = venus-wsi-layer ]; then
    manifests=$(cd "$work/tree" && ls usr/share/vulkan/implicit_layer.d/VkLayer_*.json 2>/dev/null || true)
    check "the manifest is where the loader looks" test -n "$manifests"
    for manifest in $manifests; do
        library=$(sed -n 's/.*"library_path": *"\([^"]*\)".*/\1/p' "$work/tree/$manifest")
        check "the layer's library is where the manifest says ($library)" bash -c \
            'ls "$1/usr/lib/$2" "$1$2" 2>/dev/null | grep -q .' found "$work/tree" "$library"
        check "the layer links the C library only" bash -euc '
            needed=$(readelf -d "$1"/usr/lib/"${2##*/}" | sed -n "s/.*NEEDED.*\[\(.*\)\]/\1/p")
            echo "$needed"; [ "$needed" = libc.musl-'$arch'.so.1 ]' needed "$work/tree" "$library"
        check "no path of the building machine is in it" bash -euc \
            'if readelf -d "$1"/usr/lib/"${2##*/}" | grep -E "RPATH|RUNPATH"; then exit 1; fi
            if grep -q "$3" "$1"/usr/lib/"${2##*/}"; then echo "it has $3"; exit 1; fi' \
            paths "$work/tree" "$library" "$root"
        check "the layer shows the loader's interface and no more" bash -euc '
            names=$(nm -D --defined-only "$1"/usr/lib/"${2##*/}" | cut -d" " -f3)
            echo "$names"; [ -n "$names" ]; ! grep -v "^vk" <<<"$names"' names "$work/tree" "$library"
    done
    check "the documentation is a package of its own" apk tree "$work/one" add "$package-doc"
    check "the licence is in it" inside tree test -s "/usr/share/licenses/$package/LICENSE"
    check "the README is in it" inside tree grep -q VENUS_WSI_POLICY "/usr/share/doc/$package/README.md"
    fresh_tree reader
    : >"$work/reader/etc/apk/repositories"
    rm "$work/reader/etc/apk/keys/$(basename "$key").pub"
    lines=$(sed -n 's,^    \(.*REPOSITORY.*\|apk add venus-wsi-layer\)$,\1,p' "$root/README.md")
    check "the README has three lines for it" test "$(wc -l <<<"$lines")" = 3
    check "the three lines install it" bash -euc '
        tree=$1 rig=$2 repository=$3
        "$rig/chroot" "$tree" "$repository:/mnt/repository" -- sh -euc "$4"
        test -s "$tree/usr/lib/libVkLayer_VENUS_wsi.so"' \
        lines "$work/reader" "$rig" "$work/one" "${lines//REPOSITORY//mnt/repository}"
fi

if [ "$package" = venus-wsi-layer ]; then
    echo "# the patched driver in place of Alpine's"
    tiny() { # tiny NAME VERSION PATH [LINE...]: a package with one file
        rm -rf "$work/tiny" "$work/tiny.fields"
        mkdir -p "$work/tiny/${3%/*}"
        echo "$1" >"$work/tiny/$3"
        printf '%s\n' "pkgname = $1" "pkgver = $2" "pkgdesc = Stand-in" "url = https://www.mesa3d.org" "arch = $arch" \
            "license = MIT" "origin = $1" "${@:4}" >"$work/tiny.fields"
        repo package "$work/tiny.fields" "$work/tiny" --key "$key" --out "$work/drivers/$arch" >/dev/null
    }
    # The relation is the recipe's own; the drivers are none.
    # shellcheck disable=SC2016
    relation=$(srcdir=. CARCH=$arch subpkgdir=$work/split sh -euc '. "$1"; depends="" provides=""; _default
        for value in $depends; do echo "depend = $value"; done
        for value in $provides; do echo "provides = $value"; done' recipe "$tools/venus-mesa/APKBUILD")
    tiny venus-mesa 25.0.7-r0 usr/share/venus-mesa/icd.d/virtio_icd.json
    tiny venus-mesa-default 25.0.7-r0 usr/share/vulkan/icd.d/venus-mesa_icd.json "depend = venus-mesa" "$relation"
    tiny mesa-vulkan-virtio 99.1-r0 usr/share/vulkan/icd.d/virtio_icd.$arch.json
    repo index "$work/drivers/$arch" --key "$key" >/dev/null
    fresh_tree driver
    manifests() { (cd "$work/driver/usr/share" && echo $(ls */icd.d)) 2>/dev/null; }
    shows() { local found; found=$(manifests); echo "$found"; [ "$found" = "$1" ]; }
    alpines="virtio_icd.$arch.json"
    check "Alpine's driver is installed" apk driver "$work/drivers" add mesa-vulkan-virtio
    check "the patched one is added beside it" apk driver "$work/drivers" add venus-mesa
    check "both manifests are there" shows "venus-mesa/icd.d: virtio_icd.json vulkan/icd.d: $alpines"
    check "it takes the place of Alpine's" apk driver "$work/drivers" add venus-mesa-default
    ours="venus-mesa/icd.d: virtio_icd.json vulkan/icd.d: venus-mesa_icd.json"
    check "one manifest is where the loader looks" shows "$ours"
    check "an upgrade leaves it there" apk driver "$work/drivers" upgrade --no-self-upgrade
    check "nor brings Alpine's back" shows "$ours"
    check "it goes" apk driver "$work/drivers" del venus-mesa-default venus-mesa
    check "Alpine's comes back" apk driver "$work/drivers" add -u mesa-vulkan-virtio
    check "and is alone" shows "$alpines"
fi

echo "# upgrading and removing"
if [ -d "$tools/$port" ]; then
    "$tools/make-repository" --repack --arch $arch --stand-ins --output "$work/two" --key "$key" --pkgrel 1 "$port" >"$log" 2>&1 || {
        tail -n 30 "$log"
        exit 1
    }
    check "release 0 is installed" bash -c '[[ $1 == *-r0 ]]' version "$(version)"
    check "apk upgrades it" apk tree "$work/two" upgrade --no-self-upgrade
    check "release 1 is installed" bash -c '[[ $1 == *-r1 ]]' version "$(version)"
fi
apk tree "$work/one" del "$package" "$package-doc" >"$work/del.log" 2>&1 || apk tree "$work/one" del "$package" >>"$work/del.log" 2>&1 || true
contents tree >"$work/left"
check "apk del leaves nothing" diff "$work/before" "$work/left"

echo "# tampering"
mkdir -p "$work/bent/$arch"
bend() { # bend KIND: a repository whose package was changed after signing
    rm -rf "${work:?}/bent"
    cp -r "$work/one" "$work/bent"
    "$root/tests/rig/enter" python3 - "$1" "$work/bent/$arch/$first" "$work/bent/$arch/APKINDEX.tar.gz" "$tools/tools" <<'PYTHON'
import gzip, sys
kind, package, index, tools = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path.insert(0, tools)
from apk_archive import split_streams
path = index if kind == "index" else package
streams = split_streams(open(path, "rb").read())
which = {"data": 2, "control": 1, "index": 1, "signature": 0}[kind]
plain = bytearray(gzip.decompress(streams[which]))
at = {"data": len(plain) // 2, "control": plain.index(b"pkgdesc = ") + 12 if kind == "control" else 0,
      "index": plain.rindex(b"\nT:") + 4 if kind == "index" else 0, "signature": 600}[kind]
plain[at] ^= 1
streams[which] = gzip.compress(bytes(plain), mtime=0)
open(path, "wb").write(b"".join(streams))
PYTHON
}
for kind in data control signature; do
    bend $kind
    fresh_tree bent-tree
    check "a package with changed $kind is not verified" \
        refused 'UNTRUSTED|BAD|corrupt|invalid|mismatch|ERROR' apk bent-tree "$work/bent" verify "/mnt/repository/$arch/$first"
    # From a repository, the signed index names the package's content, and so vouches for it.
    what=$package
    [ $kind != signature ] || what=/mnt/repository/$arch/$first
    check "a package with changed $kind is not installed" \
        refused 'BAD|UNTRUSTED|corrupt|mismatch|invalid|error' apk bent-tree "$work/bent" add "$what"
    check "nothing of it stays" missing bent-tree "$work/bent"
done
bend index
fresh_tree bent-tree
check "nothing is installed from a changed index" refused 'BAD signature' apk bent-tree "$work/bent" add "$package"
check "nothing of it stays" missing bent-tree "$work/bent"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
