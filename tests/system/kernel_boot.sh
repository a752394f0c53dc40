#!/usr/bin/env bash
# A kernel with 4 KiB pages is refused by what needs 16 KiB; the kernel of kernel/build boots in the VM with an initial
# RAM disk without modules and carries Venus and KHR_display.
# Usage: tests/system/kernel_boot.sh [IMAGE]
# Building a kernel takes an hour on two processors, so the second part runs when one was built:
#   tests/rig/enter kernel/build --fragment kernel/optional/vkms.config
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
vm=$root/tests/rig/vm
shopt -s nullglob
images=("$root"/build/kernel/*-allnoconfig/install/Image)
image=${1:-${images[0]:-}}
"$vm/make-image"
"$vm/cross" >/dev/null
rc=0
for size in 16 4; do
    answer=0
    "$root/kernel/check" "$root/build/vm/kernel-${size}k/config" || answer=$?
    if [ $answer = $((size == 4)) ]; then
        echo "ok kernel/check knows the distribution's kernel with $size KiB pages"
    else
        echo "not ok kernel/check knows the distribution's kernel with $size KiB pages"
        rc=1
    fi
done
"$vm/run" --name kernel-4k --kernel 4k --timeout 300 tests/system/vm_guest/small_pages || rc=1
if [ -n "$image" ]; then
    "$vm/run" --name kernel --kernel "$image" --append vm.vkms --timeout 400 tests/system/vm_guest/own_kernel || rc=1
else
    echo "ok the kernel of kernel/build boots # SKIP run tests/rig/enter kernel/build --fragment kernel/optional/vkms.config"
fi
exit $rc
