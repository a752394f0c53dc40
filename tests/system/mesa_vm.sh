#!/usr/bin/env bash
# A guest with 4 KiB pages, seen from the host: with the patches every blob that a Venus process maps is at a multiple
# of 16 KiB and as large as one, without the alignment some are not. A guest with 16 KiB pages needs none and pays
# nothing. In both, patched Venus works on virtio-gpu, and shows a cube on the display itself with no window system,
# as DRM master no longer than it must. (arm64 in QEMU; a minute each, after the builds.)
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
    unset VN_BLOB_ALIGN
    masters() { awk '$4 == "y" { print "master: " $1 } END { print "masters listed" }' /sys/kernel/debug/dri/0/clients; }
    echo "== displays"
    "$clients-arm64/mesa_display_client" cat /sys/kernel/debug/dri/0/clients
    echo "== cube"
    timeout 120 vkcube --wsi display --c 400 &
    cube=$!
    for _ in {1..60}; do ! masters | grep -q vkcube || break; sleep 0.5; done
    masters
    sleep 3
    vm-host capture cube-first
    sleep 1
    vm-host capture cube-later
    echo "== displays of another master"
    "$clients-arm64/mesa_display_client" true || echo "none to use"
    wait $cube
    echo "cube: exit status $?"
    masters
    exit 0
fi

built "patched Venus builds for arm64" "$root/mesa-patches/build" --arch arm64
driver=$built/virtio_icd.json
sources=tests/system
for name in blobs sync2 display; do
    expect "the $name client builds for arm64" 0 '^built$' "$root/mesa-patches/environment" bash -c \
        "$(declare -f client)"'; client "$@" && echo built' bash "$clients-arm64/mesa_${name}_client" \
        aarch64-linux-gnu-g++ -lvulkan -- "$sources/mesa_${name}_client.cpp" \
        $([ $name = display ] || echo "$sources/mesa_client.cpp")
done

# seen_with ALIGNMENT: the blobs that were mapped under it, first and last byte.
seen_with() {
    awk -v want="== alignment $1" '/^==/ { on = $0 == want } on && /^blob/ { print $2 }' <<<"$seen"
}

# blobs WORD ALIGNMENT: how many of them are whole multiples of 16 KiB at multiples of it ("whole") or not ("odd"), or
# are at multiples of it ("placed").
blobs() {
    local word=$1 first last whole=0 odd=0 placed=0
    while IFS=- read -r first last; do
        ((0x$first % 16384)) || placed=$((placed + 1))
        if ((0x$first % 16384 == 0 && (0x$last + 1) % 16384 == 0)); then whole=$((whole + 1)); else odd=$((odd + 1)); fi
    done < <(seen_with "$2")
    echo "${!word} $word"
}

for kernel in 4k 16k; do
    expect "the guest with ${kernel/k/ KiB} pages runs" 0 '^== sync2' "$root/tests/rig/vm/run" --name "mesa-$kernel" \
        --kernel $kernel --install "" env "VK_DRIVER_FILES=$driver" "$root/tests/system/mesa_vm.sh" default 16384 1
    seen=$said
    expect "$kernel: memory keeps its bytes with any alignment" 0 '^3$' grep -c '^mapped 10 memories.* 0 errors' \
        <(printf '%s\n' "$seen")
    expect "$kernel: 200 submissions with synchronization2 on virtio-gpu" 0 '^200 submissions, 200 results right' \
        printf '%s\n' "$seen"
    part() { awk -v want="== $1" '/^==/ { on = $0 == want } on' <<<"$seen"; }
    without='^ *mesa_display_cl +[0-9]+ +[0-9]+ +y' expect "$kernel: listing displays keeps no master" 0 \
        '^ *mesa_display_cl +[0-9]+ +0 +n' part displays
    expect "$kernel: the display has modes" 0 '^display 1280x800, [1-9][0-9]* modes' part displays
    expect "$kernel: a cube on the display is master" 0 '^master: vkcube' part cube
    expect "$kernel: no display while another is master" 0 '^0 displays' part "displays of another master"
    without='^master: ' expect "$kernel: 400 frames on the display, and no master after" 0 '^cube: exit status 0' \
        part "displays of another master"
    pictures=build/vm/out/mesa-$kernel
    expect "$kernel: the display shows a turning cube" 0 '^a cube of .* moved$' "$root/tests/rig/cube-check" \
        "$pictures/cube-first.png" "$pictures/cube-later.png"
    # Twelve are ten memories, the ring and the pool of the command stream.
    expect "$kernel: with an alignment of 16384 every blob is whole" 0 '^0 odd$' blobs odd 16384
    expect "$kernel: with an alignment of 16384 there are blobs" 0 '^(1[2-9]|[2-9][0-9]) whole$' blobs whole 16384
    if [ $kernel = 4k ]; then
        expect "4k: that is the default" 0 '^same$' bash -c '[ "$1" = "$2" ] && echo same' bash \
            "$(seen_with default)" "$(seen_with 16384)"
        without='^0 odd' expect "4k: without alignment some are not" 0 '^[0-9]+ odd$' blobs odd 1
    else
        # The kernel places blobs well, and the driver leaves them as they are.
        expect "16k: nothing is rounded by default" 0 '^same$' bash -c '[ "$1" = "$2" ] && echo same' bash \
            "$(seen_with default)" "$(seen_with 1)"
        expect "16k: every blob is placed well all the same" 0 '^(1[2-9]|[2-9][0-9]) placed$' blobs placed default
    fi
done
finish
