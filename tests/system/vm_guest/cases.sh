# Sourced by the guest's side of the VM tests: cases in TAP form, clients in the background, what the screen shows.
# A script's argument is an expression: only cases whose names match it run.
only=${1:-}
export VENUS_WSI_LOG=info
failed=0
client=
# Seconds from the beginning of a case until what it still runs is ended.
case_limit=${CASE_LIMIT:-150}
# Never has a line: a wait on it needs no process that would have to be ended as well.
exec {silence}<> <(:)

# Whether stock Mesa stood still before the program had a swapchain. Where there is no device yet, nobody but Mesa can
# wake its ring (mesa-patches, ring-notification). A program that stands still later is the layer's to wake.
slept_at_start() {
    awk '/swapchain of/ { exit } /stuck in ring seqno wait/ { slept = 1; exit } END { exit !slept }' "$1"
}

# started WATCHER: the processes that this script started, but the watcher. Those of its session, except its leader: the
# guest's init makes one for each command.
started() {
    local stat pid session fields
    session=$(cut -d' ' -f6 "/proc/$$/stat")
    for stat in /proc/[0-9]*/stat; do
        pid=${stat//[!0-9]/}
        # There may be blanks in a name, which stands in brackets.
        read -r stat 2>/dev/null <"$stat" || continue
        read -ra fields <<<"${stat##*) }"
        case $pid in $$ | "$1" | "$BASHPID" | "$session") continue ;; esac
        [ "${fields[3]}" != "$session" ] || echo "$pid"
    done
}

# doings PID: what each thread of a process waits for, in the kernel's words.
doings() {
    local task name state
    tr '\0' ' ' <"/proc/$1/cmdline"
    echo
    for task in "/proc/$1/task"/*; do
        name=$(<"$task/comm")
        state=$(sed -n 's/^State:[[:space:]]*//p' "$task/status")
        echo "    $name, $state: $(sed 's/^\[<0>\] //' "$task/stack" | head -n 6 | paste -sd' ')"
    done
}

# end_at_limit: says at the end of a case's time what its processes are at, and ends them, again and again until the
# case is through, as it goes on to its next command.
end_at_limit() {
    local pid pids watcher=$BASHPID
    read -r -t "$case_limit" <&"$silence"
    echo "not through after $case_limit s"
    while :; do
        mapfile -t pids < <(started "$watcher")
        for pid in "${pids[@]}"; do doings "$pid"; done
        kill -KILL "${pids[@]}"
        read -r -t 1 <&"$silence"
    done 2>/dev/null
}

# within_limit COMMAND...
within_limit() {
    local rc=0 watch
    end_at_limit &
    watch=$!
    "$@" || rc=$?
    kill "$watch"
    wait "$watch" 2>/dev/null
    return $rc
}

# case_ NAME FUNCTION [ARGUMENT...]: the function's status decides; what it printed is shown when it failed. One that
# Mesa let down at its start has a second chance, and says so.
case_() {
    local name=$1 begin=$SECONDS log
    shift
    [[ $name =~ $only ]] || return 0
    log=$(mktemp)
    if within_limit "$@" >"$log" 2>&1; then
        echo "ok $name # $((SECONDS - begin)) s"
    elif slept_at_start "$log" && end_client && within_limit "$@" >"$log" 2>&1; then
        echo "# $name: Mesa's ring fell asleep at the first start"
        echo "ok $name # $((SECONDS - begin)) s"
    else
        echo "not ok $name # $((SECONDS - begin)) s"
        tail -n 60 "$log" | sed 's/^/    /'
        failed=$((failed + 1))
    fi
    end_client
    rm -f "$log"
}

# The answer of a driver that stands still does not come by itself.
list() { timeout --kill-after=5 60 vm-client list; }

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
