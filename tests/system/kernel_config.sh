#!/usr/bin/env bash
# The kernel fragments survive Kconfig: on every base each wanted value is kept, and kernel/check notices losses.
# Usage: tests/system/kernel_config.sh [SOURCE]   (a Linux tree or version; default 6.12 from the source package)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[ "${RIG_INSIDE:-}" = 1 ] || { "$root/tests/rig/rootfs" kernel; RIG_NET=1 exec "$root/tests/rig/enter" "$0" "$@"; }
source=${1:-6.12}
work=$root/build/kernel/config-test
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0
result() { # result NAME STATUS-OF-CHECK
    if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"; else failed=$((failed + 1)); echo "not ok $1"; fi
}
expect() { # expect NAME WANTED-STATUS PATTERN COMMAND...
    local name=$1 want=$2 pattern=$3 rc=0 text
    shift 3
    text=$("$@" 2>&1) || rc=$?
    if [ $rc = "$want" ] && grep -q -e "$pattern" <<<"$text"; then
        result "$name" 0
    else
        printf '%s\n' "$text" | tail -n 20
        echo "exit status $rc (wanted $want), text must match: $pattern"
        result "$name" 1
    fi
}

# One build directory for all, so that Kconfig's own programs are built once.
configure() { "$root/kernel/build" --config-only --output "$work/build" "$@" "$source"; }
expect "the fragments alone are enough" 0 'every needed option is there' configure
for base in defconfig allnoconfig; do
    expect "$base keeps every wanted value" 0 'every needed option is there' \
        configure --base $base --fragment "$root/kernel/optional/vkms.config"
done
small=$work/small
cp "$work/build/.config" "$small"
expect "no module is needed to boot" 1 '^$' grep "=m\$" "$small"

# Each way to be wrong is seen.
sed -e 's/^CONFIG_ARM64_16K_PAGES=y/# CONFIG_ARM64_16K_PAGES is not set/' \
    -e 's/^# CONFIG_ARM64_4K_PAGES is not set/CONFIG_ARM64_4K_PAGES=y/' "$small" >"$work/4k"
expect "4 KiB pages are refused" 1 'wrong: the kernel has 4 KiB pages' "$root/kernel/check" "$work/4k"
sed 's/^CONFIG_DRM_VIRTIO_GPU_KMS=y/# CONFIG_DRM_VIRTIO_GPU_KMS is not set/' "$small" >"$work/nokms"
expect "a missing option is named" 1 'missing: CONFIG_DRM_VIRTIO_GPU_KMS=y (virtio-gpu.config)' \
    "$root/kernel/check" "$work/nokms"
sed 's/^CONFIG_DRM_VIRTIO_GPU=y/CONFIG_DRM_VIRTIO_GPU=m/' "$small" >"$work/module"
expect "a module passes with a note" 0 'note: CONFIG_DRM_VIRTIO_GPU is a module' "$root/kernel/check" "$work/module"
expect "a module does not pass strictly" 1 'wrong: CONFIG_DRM_VIRTIO_GPU=m, wanted y' \
    "$root/kernel/check" --strict "$work/module"
gzip -c "$small" >"$work/config.gz"
expect "a gzipped configuration is read" 0 'every needed option' "$root/kernel/check" --strict "$work/config.gz"
expect "another file is no configuration" 2 'not a kernel configuration' "$root/kernel/check" "$root/kernel/check"
sed 's/^CONFIG_ARM64=y/CONFIG_X86=y/' "$small" >"$work/x86"
expect "another architecture is refused" 2 'not an arm64' "$root/kernel/check" "$work/x86"
echo 'CONFIG_NO_SUCH_OPTION=y' >"$work/bad.config"
expect "a lost value stops the build" 1 'missing: CONFIG_NO_SUCH_OPTION=y' \
    configure --fragment "$work/bad.config"
expect "a tree that is none is refused" 1 'neither a Linux source tree nor a version' \
    "$root/kernel/build" --config-only "$work"
expect "a missing compiler is named" 1 'missing tools: no-such-gcc' \
    configure --cross no-such-
rm -rf "$work"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
