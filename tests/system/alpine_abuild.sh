#!/usr/bin/env bash
# Alpine's own abuild takes our recipes, and the packages and the index it makes of them are those of our packer.
# Usage: RIG_ABUILD=FOLDER tests/system/alpine_abuild.sh [--repack] [--built [--aarch64] | --check] [PORT...]
#   RIG_ABUILD   abuild's source, a folder or a git repository. It is Alpine's, and no part of this project.
#   --repack     take what the packer built last
#   --built      abuild installs, splits, packs and signs what the packer compiled, and compiles nothing itself
#   --aarch64    for that machine, which abuild then believes to compile for
#   --check      abuild's check phase too, which builds and runs the layer's unit tests
#   PORT         default venus-wsi-layer and venus-mesa. The others are validated only, and linux-virt16k can be packed
#                with --aarch64 only.
# The compiler is the one of tests/rig/alpine, for abuild as for the packer, in an x86_64 Alpine.
# Exit status: 0 all passed, 1 a check failed, 77 abuild or Alpine's minirootfs is not on this machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rig=$root/tests/rig/alpine
alpine=$root/manifests/alpine
work=$root/build/alpine/test-abuild
tree=$work/tree
log=$root/build/logs/alpine-abuild.log
if [ -z "${RIG_ABUILD:-}" ]; then
    echo "skipped: abuild is not part of this project; name a folder with its source in RIG_ABUILD"
    exit 77
fi
if [ "$(id -u)" != 0 ]; then
    echo "skipped: entering Alpine's tree needs root"
    exit 77
fi
repack='' built='' check='' arch=x86_64 ports=()
for argument in "$@"; do
    case $argument in
    --repack) repack=$argument ;;
    --built) built=1 ;;
    --aarch64) arch=aarch64 ;;
    --check) check=1 ;;
    -*)
        echo "unknown option $argument"
        exit 1
        ;;
    *) ports+=("$argument") ;;
    esac
done
if [ $arch = aarch64 ] && [ -z "$built" ]; then
    echo "--aarch64 goes with --built: what is compiled for that machine cannot be run here"
    exit 1
fi
[ ${#ports[@]} -gt 0 ] || ports=(venus-wsi-layer venus-mesa)

passed=0 failed=0
result() { # result STATUS WHAT [LOG]
    if [ "$1" = 0 ]; then
        echo "ok $2"
        passed=$((passed + 1))
    else
        echo "not ok $2"
        [ -z "${3:-}" ] || tail -n 30 "$3" | sed 's/^/#   /'
        failed=$((failed + 1))
    fi
}

rm -rf --one-file-system "$work"
mkdir -p "$work"
cross=()
[ $arch = x86_64 ] || cross=("$arch")
mounts=$("$rig/abuild-tree" "$RIG_ABUILD" "$tree" "${cross[@]}") || exit
# shellcheck source=tests/rig/alpine/lib.sh
. "$rig/lib.sh"
export SOURCE_DATE_EPOCH=1700000000
key=$cache/keys/venus-wsi.rsa
"$alpine/make-repository" $repack --arch $arch --stand-ins --output "$work/ours" "${ports[@]}" >"$log" 2>&1 || {
    tail -n 30 "$log"
    echo "the packer made no packages; the whole log is build/logs/alpine-abuild.log"
    exit 1
}

mkdir -p "$tree/home/aports/venus" "$tree/home/distfiles" "$tree/root/.abuild"
cp "$key" "$key.pub" "$tree/root/.abuild/"
cp "$key.pub" "$tree/etc/apk/keys/"
echo /ours >"$tree/etc/apk/repositories"
packager=$(sed -n 's/^# Maintainer: *//p' "$alpine/venus-wsi-layer/APKBUILD")
cat >"$tree/etc/abuild.conf" <<CONF
PACKAGER_PRIVKEY=/root/.abuild/${key##*/}
PACKAGER="$packager"
REPODEST=/home/packages
SRCDEST=/home/distfiles
DISTFILES_MIRROR=/distfiles
CONF
mapfile -t mounts <<<"$mounts"
mounts+=("$work/ours:/ours" "$cache/distfiles:/distfiles")
[ -z "$built" ] || mounts+=("$cache/work:$cache/work:rw")
settings=(SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH JOBS=2 VENUS_PLATFORMS=)
if [ -n "$check" ]; then settings+=(REQUIRE_CHECK=1); else settings+=(ABUILD_BOOTSTRAP=1); fi
[ $arch = x86_64 ] || settings+=(CHOST=aarch64 CBUILDROOT=/root/sysroot-aarch64 CROSS_COMPILE=aarch64-linux-gnu-)
kernel_tree=''
if [[ " ${ports[*]} " == *" linux-virt16k "* ]]; then
    eval "$("$rig/kernel-tree")"
    kernel_tree=$VENUS_KERNEL_TREE
    mounts+=("$kernel_tree:$kernel_tree")
fi
if [ -d "$newest_headers" ]; then
    mounts+=("$newest_headers:/headers")
    settings+=(VENUS_VULKAN_HEADERS=/headers)
fi
inside() { "$rig/chroot" "$tree" "${mounts[@]}" -- "$@"; }
# abuild PORT WORD...: in the port's folder; as root, and without looking for the build's dependencies, which cannot be
# installed here.
abuild() {
    local port=$1 own=()
    shift
    [ "$port" != linux-virt16k ] || own+=(VENUS_KERNEL_TREE="${kernel_tree:-/usr/src/linux}")
    [ -z "$built" ] || own+=(srcdir="$cache/work/$arch/$port/src")
    # shellcheck disable=SC2016
    inside env "${settings[@]}" "${own[@]}" sh -c 'cd "$1" && shift && exec abuild -F -d "$@"' sh \
        "/home/aports/venus/$port" "$@"
}

echo "# $(inside abuild -V)"
rc=0
stand_ins=(vulkan-loader libdrm expat)
if [ $arch = x86_64 ]; then
    inside apk --no-progress add "${stand_ins[@]}" >"$log" 2>&1 || rc=$?
else
    echo /ours >"$tree/root/sysroot-aarch64/etc/apk/repositories"
    cp "$key.pub" "$tree/root/sysroot-aarch64/etc/apk/keys/"
    inside apk --no-progress --root /root/sysroot-aarch64 --arch aarch64 add --no-scripts "${stand_ins[@]}" \
        >"$log" 2>&1 || rc=$?
fi
result $rc "the stand-ins for what our packages need are installed" "$log"

for port in venus-wsi-layer venus-mesa linux-virt16k; do
    rc=0 version=()
    [ $port != linux-virt16k ] || [ -z "$kernel_tree" ] || version=(--pkgver "$VENUS_KERNEL_VERSION")
    "$alpine/stage" $port "$tree/home/aports/venus/$port" "${version[@]}" >"$log" 2>&1 || rc=$?
    # Linux's own checksum comes from `abuild checksum`; with a tree that is there, the source is the flavor alone.
    [ $port != linux-virt16k ] || sed -i '/  linux-[0-9.]*\.tar\.xz$/d' "$tree/home/aports/venus/$port/APKBUILD"
    [ $rc != 0 ] || abuild $port validate >"$log" 2>&1 || rc=$?
    [ $rc != 0 ] || ! grep -E 'WARNING|ERROR' "$log" || rc=1
    result $rc "abuild validates $port and warns of nothing" "$log"
done

port=${ports[0]} rc=1
cp "$tree/home/aports/venus/$port/APKBUILD" "$work/APKBUILD"
sed -i '/^sha512sums="/,$s/^[0-9a-f]\{8\}/00000000/' "$tree/home/aports/venus/$port/APKBUILD"
abuild "$port" fetch >"$log" 2>&1 || { grep -q 'abuild checksum' "$log" && rc=0; }
result $rc "abuild refuses a source with another checksum" "$log"
cp "$work/APKBUILD" "$tree/home/aports/venus/$port/APKBUILD"

for port in "${ports[@]}"; do
    begin=$SECONDS rc=0 what=builds words=()
    [ -z "$built" ] || what=packs words=(rootpkg index)
    port_log=$root/build/logs/alpine-abuild-$port.log
    abuild "$port" "${words[@]}" >"$port_log" 2>&1 || rc=$?
    result $rc "abuild $what $port" "$port_log"
    echo "# $port: $((SECONDS - begin)) s"
    rc=0
    ! grep -E 'WARNING|ERROR' "$port_log" | sed 's/^/#   /' | grep . || rc=1
    result $rc "abuild warns of nothing in the packages of $port"
    if [ -n "$check" ] && [ "$port" = venus-wsi-layer ]; then
        ran=$(sed -n 's/^Ok: *\([0-9]*\)$/\1/p' "$port_log")
        result $((${ran:-0} == 0)) "its check passed ${ran:-0} tests" "$port_log"
    fi
done

compared=$work/compared
if [ -d "$tree/home/packages/venus/$arch" ]; then
    "$root/tests/rig/enter" python3 "$rig/compare-packages" "$tree/home/packages/venus/$arch" "$work/ours/$arch" \
        >"$compared" 2>&1 || grep -q '^not ok' "$compared" || echo "not ok the comparison ended" >>"$compared"
    cat "$compared"
    passed=$((passed + $(grep -c '^ok' "$compared" || true))) failed=$((failed + $(grep -c '^not ok' "$compared" || true)))
    # Alpine's apk on what abuild made.
    rc=0
    inside sh -c 'apk verify "$1"/*.apk "$1"/APKINDEX.tar.gz' verify /home/packages/venus/$arch >"$log" 2>&1 || rc=$?
    result $rc "apk verifies what abuild made" "$log"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
