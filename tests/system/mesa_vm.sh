#!/usr/bin/env bash
# A guest with 4 KiB pages, seen from the host: with the patches every blob that a Venus process maps is at a multiple
# of 16 KiB and as large as one, without the alignment some are not. A guest with 16 KiB pages needs none and pays
# nothing. In both, patched Venus works on virtio-gpu. (arm64 in QEMU; a minute each, after the builds.)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/system/mesa_cases.bash"
cd "$root"

if [ "${VM_OUT:-}" ]; then
    # In the guest: one look at the blobs for each alignment asked for.
    for align in "$@"; do
        echo "== alignment $align"
        if [ "$align" = default ]; then unset VN_BLOB_ALIGN; else export VN_BLOB_ALIGN=$align; fi
        "$clients-arm64/mesa_blobs_client" vm-host hmp "info mtree" |
            sed -n -e '/^mapped/p' -e '/virtio-gpu-hostmem$/,/virtio-pci$/s/.* \([0-9a-f]\{16\}-[0-9a-f]\{16\}\) .*: mr$/blob \1/p'
    done
    echo "== sync2"
    "$clients-arm64/mesa_sync2_client" 200
    echo "== display"
    vulkaninfo --summary | grep -E 'apiVersion|deviceName'
    exit
fi

built "patched Venus builds for arm64" "$root/mesa-patches/build" --arch arm64
driver=$built/virtio_icd.json
sources=tests/system
for name in blobs sync2; do
    expect "the $name client builds for arm64" 0 '^built$' "$root/mesa-patches/environment" bash -c \
        "$(declare -f client)"'; client "$@" && echo built' bash "$clients-arm64/mesa_${name}_client" \
        aarch64-linux-gnu-g++ -lvulkan -- "$sources/mesa_${name}_client.cpp" "$sources/mesa_client.cpp"
done

# blobs WORD ALIGNMENT: how many of the blobs seen under an alignment are whole ("aligned") or not ("odd").
blobs() {
    local word=$1 align=$2 first last aligned=0 odd=0
    while IFS=- read -r first last; do
        if ((0x$first % 16384 == 0 && (0x$last + 1) % 16384 == 0)); then
            aligned=$((aligned + 1))
        else
            odd=$((odd + 1))
        fi
    done < <(awk -v want="== alignment $align" '/^==/ { on = $0 == want } on && /^blob/ { print $2 }' <<<"$seen")
    if [ "$word" = aligned ]; then echo "$aligned $word"; else echo "$odd $word"; fi
}

for kernel in 4k 16k; do
    expect "the guest with ${kernel/k/ KiB} pages runs" 0 '^== sync2' "$root/tests/rig/vm/run" --name "mesa-$kernel" \
        --kernel $kernel --install "" env "VK_DRIVER_FILES=$driver" "$root/tests/system/mesa_vm.sh" default 16384 1
    seen=$said
    expect "$kernel: memory keeps its bytes with any alignment" 0 '^3$' grep -c '^mapped 10 memories.* 0 errors' \
        <(printf '%s\n' "$seen")
    expect "$kernel: 200 submissions with synchronization2 on virtio-gpu" 0 '^200 submissions, 200 results right' \
        printf '%s\n' "$seen"
    # Ten memories, the ring and the pool of the command stream.
    for align in default 16384; do
        expect "$kernel: with the alignment $align every blob is whole" 0 '^0 odd$' blobs odd $align
        expect "$kernel: with the alignment $align there are blobs" 0 '^(1[2-9]|[2-9][0-9]) aligned$' blobs aligned $align
    done
    if [ $kernel = 4k ]; then
        without='^0 odd' expect "4k: without alignment some are not" 0 '^[0-9]+ odd$' blobs odd 1
    fi
done
finish
