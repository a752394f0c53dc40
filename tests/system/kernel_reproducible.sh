#!/usr/bin/env bash
# The same source gives the same bytes: kernel/build makes objects twice, the second time from a copy of the tree
# elsewhere, at another time, on a machine of another name, for a user with other settings.
# Usage: tests/system/kernel_reproducible.sh [--full] [SOURCE]
#   --full   the whole kernel, and its image is compared as well (two hours on two processors)
#   SOURCE   a Linux tree or version; default 6.12 from the source package
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[ "${RIG_INSIDE:-}" = 1 ] || { "$root/tests/rig/rootfs" vm; RIG_NET=1 exec "$root/tests/rig/enter" "$0" "$@"; }
# Where time, user, machine and version, an initial file system, linked code and paths could get in.
options=(--only init/ --only init/version-timestamp.o --only usr/ --only arch/arm64/kernel/vdso/
    --only drivers/virtio/ --only drivers/gpu/drm/virtio/)
full=0
if [ "${1:-}" = --full ]; then
    full=1 options=()
    shift
fi
work=$root/build/kernel/reproducible
log=$root/build/logs/kernel-reproducible.log
rm -rf "$work"
mkdir -p "$work" "${log%/*}"
shopt -s nullglob globstar

passed=0 failed=0
result() { # result NAME STATUS
    if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"; else failed=$((failed + 1)); echo "not ok $1"; fi
}
built() { # built NAME COMMAND...
    local name=$1 rc=0
    shift
    "$@" >"$log" 2>&1 || rc=$?
    [ $rc = 0 ] || tail -n 20 "$log"
    result "$name" $rc
    [ $rc = 0 ] || exit 1
}
# shellcheck disable=SC2016
elsewhere=(env TZ=Asia/Tokyo LANG=de_DE.UTF-8 USER=somebody LOGNAME=somebody CFLAGS=-O1 KCFLAGS=-O1 MAKEFLAGS=-k
    unshare --uts bash -c 'hostname another-machine && umask 077 && exec "$@"' elsewhere)

built "it is built" "$root/kernel/build" --output "$work/one" "${options[@]}" "${1:-6.12}"
cp -al "$(realpath "$work/one/source")" "$work/linux"
built "it is built elsewhere" "${elsewhere[@]}" "$root/kernel/build" --output "$work/two/deep/down" "${options[@]}" \
    "$work/linux"

compared=0 different=0 telling=0
cd "$work/one"
for object in **/*.o **/*.so; do
    # The build's own programs may know where they are.
    case $object in scripts/* | .tmp_*) continue ;; esac
    compared=$((compared + 1))
    cmp -s "$object" "$work/two/deep/down/$object" || { echo "# differs: $object"; different=$((different + 1)); }
    ! grep -qaF -e "$root" "$object" || { echo "# names $root: $object"; telling=$((telling + 1)); }
done
echo "# $compared objects compared"
result "there were objects to compare" $((compared < 40))
result "every object has the same bytes" $different
result "no object knows where it was built" $telling
result "the configurations are the same" "$(cmp -s .config ../two/deep/down/.config && echo 0 || echo 1)"
if [ $full = 1 ]; then
    result "the image has the same bytes" "$(cmp -s install/Image ../two/deep/down/install/Image && echo 0 || echo 1)"
fi
keys=(certs/*.pem certs/*.x509)
result "no key was made" ${#keys[@]}
rm -rf "$work"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
