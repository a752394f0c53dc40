#!/usr/bin/env bash
# The kernel of kernel/build as the package linux-virt16k: Alpine's own apk installs it into an aarch64 Alpine, and every
# file is where Alpine's boot loaders and mkinitfs look.
# Usage: tests/system/alpine_kernel.sh [--repack]      --repack: do not run make again
# Exit status: 0 all passed, 1 a check failed, 77 Alpine's minirootfs is not on this machine, or no kernel was built.
# Building a kernel takes an hour on two processors, so this runs when one was built: tests/rig/enter kernel/build
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rig=$root/tests/rig/alpine
work=$root/build/alpine/test-kernel
log=$root/build/logs/alpine-kernel.log
package=linux-virt16k
repack=()
[ "${1:-}" != --repack ] || repack=(--repack)

passed=0 failed=0
check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$work/last.log" 2>&1; then
        echo "ok - $what"
        passed=$((passed + 1))
    else
        echo "not ok - $what"
        tail -n 30 "$work/last.log" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
}

if [ "$(id -u)" != 0 ]; then
    echo "entering Alpine's tree needs root"
    exit 77
fi
rm -rf --one-file-system "$work"
mkdir -p "$work"
# The x86_64 Alpine runs apk, the aarch64 one in it takes the kernel.
"$rig/minirootfs" x86_64 "$work/host" || exit
"$rig/minirootfs" aarch64 "$work/host/guest" || exit
eval "$("$rig/kernel-tree")"
if [ -z "$VENUS_KERNEL_OBJECTS" ]; then
    echo "no kernel was built: tests/rig/enter kernel/build"
    exit 77
fi

export SOURCE_DATE_EPOCH=1700000000
"$root/manifests/alpine/make-repository" "${repack[@]}" --arch aarch64 --output "$work/repository" \
    "$package" "$rig/ports/initramfs-generator" >"$log" 2>&1 || {
    tail -n 30 "$log"
    echo "the package was not made; the whole log is build/logs/alpine-kernel.log"
    exit 1
}
cp "$work/repository"/*.rsa.pub "$work/host/etc/apk/keys/"
cp "$work/repository"/*.rsa.pub "$work/host/guest/etc/apk/keys/"
echo /mnt/repository >"$work/host/guest/etc/apk/repositories"
file=$(cd "$work/repository/aarch64" && ls "$package"-[0-9]*.apk)
apk() { "$rig/chroot" "$work/host" "$work/repository:/mnt/repository" -- apk --no-progress "$@"; }
guest_apk() { apk --root /guest --arch aarch64 "$@"; }
guest=$work/host/guest
contents() { (cd "$guest" && find . -mindepth 1 ! -path './var/cache/apk/*' ! -path './lib/apk/db/*' \
    ! -path ./etc/apk/world | LC_ALL=C sort); }

check "apk verifies the package's signature" apk verify "/mnt/repository/aarch64/$file"
contents >"$work/before"
# The guest's own programs, which scripts would call, are another machine's.
check "apk adds $package" guest_apk add --no-scripts "$package"
check "apk says it is installed" guest_apk info -e "$package"
unchanged() {
    local text
    text=$(guest_apk audit --system) || return
    ! grep -v ' etc/' <<<"$text" | grep .
}
check "apk audit finds nothing changed" unchanged

release=$(cat "$guest/usr/share/kernel/virt16k/kernel.release")
echo "# release $release: $(stat -c %s "$guest/boot/vmlinuz-virt16k") bytes, the package $(stat -c %s "$work/repository/aarch64/$file")"
check "the release is $VENUS_KERNEL_VERSION-0-virt16k" test "$release" = "$VENUS_KERNEL_VERSION-0-virt16k"
check "the image says so itself" grep -aqF "Linux version $release (" "$guest/boot/vmlinuz-virt16k"
# Documentation/arch/arm64/booting.rst: "ARM\x64" at 56; bits 1 and 2 of the flags at 24 are 2 for 16 KiB.
check "it is an arm64 image" test "$(od -An -tx1 -j 56 -N 4 "$guest/boot/vmlinuz-virt16k")" = " 41 52 4d 64"
check "its pages have 16 KiB" test $(($(od -An -tu1 -j 24 -N 1 "$guest/boot/vmlinuz-virt16k") >> 1 & 3)) = 2
check "its configuration has every wanted value" "$root/kernel/check" --strict "$guest/boot/config-virt16k"
check "its symbols are there" grep -q ' T start_kernel$' "$guest/boot/System.map-virt16k"
for list in modules.order modules.builtin modules.builtin.modinfo; do
    check "/lib/modules/$release/$list is there" test -e "$guest/lib/modules/$release/$list"
done
check "virtio-gpu is built in" grep -q '/virtio-gpu.ko$' "$guest/lib/modules/$release/modules.builtin"
check "no link leads to the building machine" bash -euc '! find "$1/boot" "$1/lib/modules" -type l | grep .' links "$guest"
check "no path of the building machine is in it" bash -euc \
    '! grep -raF "$2" "$1/boot" "$1/lib/modules" "$1/usr/share/kernel" | cut -c 1-200 | grep .' paths "$guest" "$root"
check "nothing lies elsewhere" bash -euc \
    '! comm -13 "$1" - | grep -Ev "^\./(boot|lib/modules|usr/share/kernel)(/|$)"' elsewhere "$work/before" < <(contents)
contents | comm -13 "$work/before" - | sed 's/^/#   /'

check "apk removes it" guest_apk del --no-scripts "$package"
contents >"$work/left"
check "and leaves nothing" diff "$work/before" "$work/left"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
