#!/usr/bin/env bash
# The kernel of kernel/build boots in the VM with an initial RAM disk without modules and carries Venus and KHR_display.
# Usage: tests/system/kernel_boot.sh [IMAGE]
# Building a kernel takes half an hour on two processors, so this runs when one was built:
#   tests/rig/enter kernel/build --fragment kernel/optional/vkms.config
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
vm=$root/tests/rig/vm
shopt -s nullglob
images=("$root"/build/kernel/*-allnoconfig/install/Image)
image=${1:-${images[0]:-}}
if [ -z "$image" ]; then
    echo "no kernel was built: tests/rig/enter kernel/build --fragment kernel/optional/vkms.config"
    exit 77
fi
"$vm/make-image"
"$vm/cross" >/dev/null
exec "$vm/run" --name kernel --kernel "$image" --append vm.vkms --timeout 400 tests/system/vm_guest/own_kernel
