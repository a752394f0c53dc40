# Sourced after cases.sh: VK_KHR_display on vkms, in kernels that have it.
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
    text=$(vkms vm-client list) || return
    echo "$text"
    [ "$(grep -c '^display' <<<"$text")" = 1 ] && grep -q '^mode 0 0 ' <<<"$text"
}

crc() { # crc VERB...: what vkms computes for a frame of vm-client's
    local node minor frame
    node=$(vkms_node)
    minor=${node#/dev/dri/card}
    start_client env VENUS_WSI_DRM_DEVICE="$node" VK_DRIVER_FILES=$venus_only vm-client "$@" >&2 || return
    echo auto >"/sys/kernel/debug/dri/$minor/crtc-0/crc/control"
    read -r _ frame < <(timeout 10 head -c 22 "/sys/kernel/debug/dri/$minor/crtc-0/crc/data")
    end_client >&2
    echo "$frame"
}

vkms_scans_out() {
    local red blue again
    red=$(crc show 0 0 ff0000) && blue=$(crc show 0 0 0000ff) && again=$(crc show 0 0 ff0000) || return
    echo "red $red, blue $blue, red again $again"
    [[ $red = 0x* ]] && [ "$red" = "$again" ] && [ "$red" != "$blue" ]
}

vkms_vblank() {
    local text
    text=$(vkms timeout 60 vm-client vblank 0 30) || { echo "$text"; return 1; }
    echo "$text"
    [[ $text =~ every\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 15 ] && [ "${BASH_REMATCH[1]}" -le 40 ]
}

vkms_presents() { vkms timeout 60 vm-client show 0 0 00ff00 30; }

vkms_part() {
    local whole part again
    whole=$(crc show 0 0 ff0000) && part=$(crc part ff0000 10 10 300 200) && again=$(crc part ff0000 10 10 300 200) || return
    echo "whole $whole, part $part, part again $again"
    [[ $part = 0x* ]] && [ "$part" = "$again" ] && [ "$part" != "$whole" ]
}

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
    case_ "vkms paces by its vertical blank" vkms_vblank
    case_ "vkms in four modes" vkms_modes
    case_ "vkms has one master" vkms_is_taken
    case_ "vkms goes on after SIGKILL" vkms_killed
}
