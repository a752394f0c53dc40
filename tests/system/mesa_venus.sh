#!/usr/bin/env bash
# Patched Venus on the macOS-like host: what it offers, that it presents and synchronizes without hanging, and that
# these tests would see a hang. Builds stock, patched and naively patched drivers first (minutes, the first time).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/system/mesa_cases.bash"
cd "$root"

if [ "${RIG_INSIDE:-}" != 1 ]; then
    built "stock Venus builds" "$root/mesa-patches/build" --unpatched --name unpatched
    built "naively patched Venus builds" "$root/mesa-patches/build" --series mesa-patches/testing/25.0-naive
    built "patched Venus builds" "$root/mesa-patches/build"
    built_cases=$passed
    "$root/tests/rig/enter" "$root/tests/system/mesa_venus.sh" "$built_cases"
    exit
fi
passed=${1:-0}

arch=$(uname -m)
arch=${arch/x86_64/amd64} arch=${arch/aarch64/arm64}
stock=$place/unpatched-$arch/virtio_icd.json
patched=$place/25.0-$arch/virtio_icd.json
naive=$place/25.0-naive-$arch/virtio_icd.json
lavapipe=/usr/share/vulkan/icd.d/lvp_icd.json
source=$root/tests/system
export RIG_NO_LOGS=1 RIG_LABEL=mesa-venus

for name in sync2 acquire; do
    expect "the $name client builds" 0 '^built$' bash -c 'source "$1"; shift; client "$@" && echo built' bash \
        <(declare -f client) "$clients/mesa_${name}_client" g++ -lvulkan -- "$source/mesa_${name}_client.cpp" "$source/mesa_client.cpp"
done
expect "the map failure builds" 0 '^built$' bash -c 'source "$1"; shift; client "$@" && echo built' bash \
    <(declare -f client) "$clients/libmesa_map_failure.so" g++ -shared -fPIC -ldl -- "$source/mesa_map_failure.cpp"

# The layer is off wherever it is not named.
venus() { # venus DRIVERS COMMAND...
    local drivers=$1
    shift
    "$root/tests/rig/with-venus" env DISABLE_VENUS_WSI=1 VK_DRIVER_FILES="$drivers" timeout -k 2 60 "$@"
}
cube() { "$root/tests/rig/with-xvfb" 800x600 "${BASH_SOURCE[0]%/*}/mesa_cube" "$@"; }
validated() { # validated DRIVERS COMMAND...
    local drivers=$1
    shift
    venus "$drivers" env VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation "$@"
}

# What is offered.
without='VK_KHR_(swapchain|synchronization2) ' expect "stock Venus stays at 1.2 on this host" 0 \
    'apiVersion +=  *1\.2\.' venus "$stock" vulkaninfo
expect "patched Venus has Vulkan 1.3" 0 'apiVersion +=  *1\.3\.' venus "$patched" vulkaninfo
listed=$said
expect "patched Venus has VK_KHR_swapchain" 0 'VK_KHR_swapchain  ' printf '%s\n' "$listed"
expect "patched Venus has VK_KHR_synchronization2" 0 'VK_KHR_synchronization2  ' printf '%s\n' "$listed"
without='VK_KHR_external_(semaphore|fence)_fd' expect "patched Venus offers no sync files" 0 apiVersion printf '%s\n' "$listed"

# Its own presentation, with no layer.
expect "300 frames of vkcube on X11" 0 'Selected GPU 0: Virtio-GPU Venus' cube "$patched" off 300
expect "vkcube in a window of odd size" 0 'Selected GPU 0: Virtio-GPU Venus' cube "$patched" off 60 --width 333 --height 217
expect "300 headless frames, acquired in every way" 0 '^300 headless frames, 4 ways to wait.*validation on, 0 errors' \
    validated "$patched" "$clients/mesa_acquire_client" 300
expect "naively patched Venus hangs on X11" '124|134|137' 'stuck in (fence|ring seqno) wait' cube "$naive" off 300
expect "naively patched Venus hangs on headless frames" '124|134|137' 'stuck in (fence|ring seqno) wait' \
    venus "$naive" "$clients/mesa_acquire_client" 300

# The layer's presentation, on both.
if [ -e "${RIG_BUILD:-$root/build/trixie}/layer/VkLayer_VENUS_wsi.json" ]; then
    # The layer says whom it serves.
    export VENUS_WSI_LOG=info
    expect "vkcube through the layer on patched Venus" 0 'Virtio-GPU Venus.*: served' cube "$patched" on 300
    expect "vkcube through the layer on stock Venus" 0 'Virtio-GPU Venus.*: served' cube "$stock" on 300
    unset VENUS_WSI_LOG
else
    failed=$((failed + 1))
    echo "not ok vkcube through the layer: it is not built"
fi

# Synchronization2.
expect "10,000 submissions with synchronization2" 0 '^10000 submissions, 10000 results right; validation on, 0 errors' \
    validated "$patched" "$clients/mesa_sync2_client" 10000
expect "the synchronization2 client refuses stock Venus" 1 'failed: the device has Vulkan 1.3' \
    venus "$stock" "$clients/mesa_sync2_client" 1

# Blobs are the VM's test; here, that the setting does no harm and takes no nonsense.
VN_BLOB_ALIGN=16384 expect "frames with aligned blobs" 0 '^60 headless frames.*validation on, 0 errors' \
    validated "$patched" "$clients/mesa_acquire_client" 60
for align in 0 3 -16384; do
    VN_BLOB_ALIGN=$align VN_DEBUG=init expect "an alignment of $align is off" 0 'blob_align = 1$' \
        venus "$patched" vulkaninfo --summary
done

# Renderers that are none, beside lavapipe.
nowhere() { # nowhere DRIVERS: no Venus host at all
    env VN_DEBUG=vtest VTEST_SOCKET_NAME=/nonexistent VK_DRIVER_FILES="$1" vulkaninfo --summary
}
unmappable() { # unmappable DRIVERS: a Venus host whose memory cannot be mapped
    venus "$1" env LD_PRELOAD="$clients/libmesa_map_failure.so" vulkaninfo --summary
}
without='Venus' expect "no host: lavapipe is there" 0 'deviceName += llvmpipe' nowhere "$patched:$lavapipe"
without='Virtio-GPU' expect "a host whose memory cannot be mapped: lavapipe is there" 0 'deviceName += llvmpipe' \
    unmappable "$patched:$lavapipe"
expect "the driver says why it has no devices" 0 'no devices: renderer initialization failed' printf '%s\n' "$said"
without='llvmpipe' expect "stock Venus takes lavapipe down with it" '1|255' 'ERROR_OUT_OF_HOST_MEMORY' \
    unmappable "$stock:$lavapipe"
finish
