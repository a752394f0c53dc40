# Sourced by the guest's side of the VM tests: cases in TAP form, clients in the background, what the screen shows.
# A script's argument is an expression: only cases whose names match it run.
only=${1:-}
export VENUS_WSI_LOG=info
failed=0
client=

# Whether stock Mesa stood still before the program had a swapchain. Where there is no device yet, nobody but Mesa can
# wake its ring (mesa-patches, ring-notification). A program that stands still later is the layer's to wake.
slept_at_start() {
    awk '/swapchain of/ { exit } /stuck in ring seqno wait/ { slept = 1; exit } END { exit !slept }' "$1"
}

# case_ NAME FUNCTION [ARGUMENT...]: the function's status decides; what it printed is shown when it failed. One that
# Mesa let down at its start has a second chance, and says so.
case_() {
    local name=$1 begin=$SECONDS log
    shift
    [[ $name =~ $only ]] || return 0
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        echo "ok $name # $((SECONDS - begin)) s"
    elif slept_at_start "$log" && end_client && "$@" >"$log" 2>&1; then
        echo "# $name: Mesa's ring fell asleep at the first start"
        echo "ok $name # $((SECONDS - begin)) s"
    else
        echo "not ok $name # $((SECONDS - begin)) s"
        tail -n 25 "$log" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
    end_client
    rm -f "$log"
}

# start_client COMMAND...: in the background, its words in /tmp/client; returns when it says "shown" or "waiting".
start_client() {
    : >/tmp/client
    "$@" >/tmp/client 2>&1 &
    client=$!
    local tries
    for tries in {1..150}; do
        grep -q -e '^shown' -e '^waiting' /tmp/client && return
        kill -0 "$client" 2>/dev/null || break
        sleep 0.2
    done
    echo "the client did not come up: $*"
    cat /tmp/client
    return 1
}

end_client() {
    [ -z "$client" ] || kill "$client" 2>/dev/null
    # SIGTERM lets a client finish its frame; one that hangs must not hang the tests.
    local tries
    for tries in {1..50}; do
        [ -n "$client" ] && kill -0 "$client" 2>/dev/null || break
        sleep 0.1
    done
    [ -z "$client" ] || kill -KILL "$client" 2>/dev/null
    wait "$client" 2>/dev/null
    client=
}

# client_ends STATUS WORDS: the client ends by itself within 20 s.
client_ends() {
    local tries rc=0
    for tries in {1..100}; do
        kill -0 "$client" 2>/dev/null || break
        sleep 0.2
    done
    if kill -0 "$client" 2>/dev/null; then
        echo "the client still runs"
        cat /tmp/client
        return 1
    fi
    wait "$client" || rc=$?
    client=
    cat /tmp/client
    [ "$rc" = "$1" ] && grep -q -e "$2" /tmp/client
}

# screen_is COLOUR [HEAD]: within 5 s the whole screen has this colour. not_screen: within 5 s it has not.
screen_is() {
    local tries seen
    for tries in {1..10}; do
        vm-host capture "screen${2:-0}" "${2:-0}" >/dev/null
        seen=$(vm-host colour "screen${2:-0}")
        [ "$seen" = "$1" ] && return
        sleep 0.5
    done
    echo "output ${2:-0} shows $seen, not $1"
    [ -z "$client" ] || cat /tmp/client
    return 1
}
screen_is_not() {
    local tries seen
    for tries in {1..10}; do
        vm-host capture "screen${2:-0}" "${2:-0}" >/dev/null
        seen=$(vm-host colour "screen${2:-0}")
        [ "$seen" != "$1" ] && return
        sleep 0.5
    done
    echo "output ${2:-0} still shows $1"
    return 1
}

finish_cases() {
    [ $failed = 0 ]
}
