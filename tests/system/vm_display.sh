#!/usr/bin/env bash
# VK_KHR_display in a booted arm64 guest with 16 KiB pages: Venus, no sync files, no dma-bufs, QEMU unchanged.
# Usage: tests/system/vm_display.sh     (two boots, a few minutes under emulation)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
vm=$root/tests/rig/vm
"$vm/make-image"
"$vm/cross" >/dev/null
"$vm/vkms" >/dev/null
rc=0
"$vm/run" --name display --append vm.vkms --timeout 900 tests/system/vm_guest/display || rc=1
"$vm/run" --name hotplug --outputs 2 --plug --timeout 200 tests/system/vm_guest/hotplug || rc=1
exit $rc
