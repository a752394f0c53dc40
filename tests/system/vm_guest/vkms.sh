# Sourced after cases.sh: VK_KHR_display on vkms, in kernels that have it built in or get it as a module.
# vkms is a KMS driver with real vertical blanks and no screen: what it scans out is known by its CRC.
vkms_node() {
    local card
    for card in /sys/class/drm/card[0-9]; do
        case $(readlink -f "$card/device") in *vkms*) echo "/dev/dri/${card##*/}"; return ;; esac
    done
    return 1
}
# Without lavapipe: it opens vkms for itself, and whoever opens a node first is its master.
venus_only=/usr/share/vulkan/icd.d/virtio_icd.json
vkms() { VENUS_WSI_DRM_DEVICE=$(vkms_node) VK_DRIVER_FILES=$venus_only "$@"; }

vkms_lists() {
    local text
    text=$(vkms list) || return
    echo "$text"
    [ "$(grep -c '^display' <<<"$text")" = 1 ] && grep -q '^mode 0 0 ' <<<"$text"
}

vkms_size() { vkms list | sed -n 's/^mode 0 0 \([0-9]*\)x\([0-9]*\) .*/\1 \2/p'; }

crc() { # crc VERB...: what vkms computes for a frame of vm-client's
    local node minor frame
    node=$(vkms_node)
    minor=${node#/dev/dri/card}
    start_client env VENUS_WSI_DRM_DEVICE="$node" VK_DRIVER_FILES=$venus_only vm-client "$@" >&2 || return
    echo auto >"/sys/kernel/debug/dri/$minor/crtc-0/crc/control"
    # One read gives one line, and a buffer for less than that is refused.
    read -r _ frame < <(timeout 10 dd bs=64 count=1 status=none if="/sys/kernel/debug/dri/$minor/crtc-0/crc/data")
    end_client >&2
    echo "$frame"
}

# scans_out WANTED VERB...: each pixel is right, as the sum over all of them is.
scans_out() {
    local seen
    seen=$(crc "${@:2}") || return
    echo "${*:2}: $seen, wanted $1"
    [ "$seen" = "$1" ]
}
vkms_scans_out() {
    local size colour
    size=$(vkms_size)
    for colour in ff0000 0000ff 12ab40; do
        # shellcheck disable=SC2086
        scans_out "$(vm-client crc $size $colour)" show 0 0 $colour || return
    done
}

vkms_vblank() {
    local text
    text=$(vkms timeout 60 vm-client vblank 0 30) || { echo "$text"; return 1; }
    echo "$text"
    [[ $text =~ every\ ([0-9]+).*within\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 15 ] && [ "${BASH_REMATCH[2]}" -le 40 ]
}

vkms_presents() { vkms timeout 60 vm-client show 0 0 00ff00 30; }

# shellcheck disable=SC2046
vkms_part() { scans_out "$(vm-client crc $(vkms_size) ff8000 10 20 300 200)" part ff8000 10 20 300 200; }

vkms_pace() { vkms timeout 60 vm-client pace 0 120; }

vkms_modes() {
    local text
    text=$(vkms timeout 120 vm-client modes 0 4) || { echo "$text"; return 1; }
    echo "$text"
    [ "$(grep -c ' shown$' <<<"$text")" = 4 ]
}

vkms_is_taken() {
    local rc=0
    start_client env VENUS_WSI_DRM_DEVICE="$(vkms_node)" VK_DRIVER_FILES=$venus_only vm-client show 0 0 ff0000 || return
    vkms timeout 60 vm-client show 0 0 00ff00 5 >/tmp/second 2>&1 || rc=$?
    cat /tmp/second
    [ $rc = 1 ] && grep -q 'vkCreateSwapchainKHR: VK_ERROR' /tmp/second && kill -0 "$client"
}

vkms_killed() {
    start_client env VENUS_WSI_DRM_DEVICE="$(vkms_node)" VK_DRIVER_FILES=$venus_only vm-client show 0 0 ff0000 || return
    kill -KILL "$client"
    wait "$client" 2>/dev/null
    client=
    vkms_presents
}

vkms_cases() {
    if ! vkms_node >/dev/null; then
        echo "ok vkms # SKIP ${vkms_missing:-the VM was started without vkms}"
        return
    fi
    case_ "vkms lists its display" vkms_lists
    case_ "vkms presents thirty frames" vkms_presents
    if [ -d /sys/kernel/debug/dri ]; then
        case_ "vkms scans out what was presented" vkms_scans_out
        case_ "vkms scans out a part of the display" vkms_part
    else
        echo "ok vkms scans out what was presented # SKIP the kernel has no debugfs"
    fi
    case_ "vkms paces frames by its vertical blanks" vkms_pace
    case_ "vkms has vertical blank fences" vkms_vblank
    case_ "vkms in four modes" vkms_modes
    case_ "vkms has one master" vkms_is_taken
    case_ "vkms goes on after SIGKILL" vkms_killed
}
