# Sourced by ./run and the rig: telling what happens, and running long commands quietly.

say_log=/dev/null
say_pid=

say() {
    if [ -t 1 ]; then
        printf '\033[1m==>\033[0m %s\n' "$*"
    else
        printf '==> %s\n' "$*"
    fi
}

fail() {
    printf '%s: error: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Says how far it is: on a terminal in one line that is written over, else in one more line.
say_progress() {
    if [ -t 1 ]; then
        printf '\r\033[K%s' "$(printf '==> %s' "$*" | cut -c "-$(($(tput cols 2>/dev/null || echo 80) - 1))")"
    else
        say "$*"
    fi
}

# quietly WHAT COMMAND...: the output goes to $say_log; every ten seconds (on a terminal: every second) it is told how
# far it is, and on failure the end of the log is shown and the script ends.
quietly() {
    local what=$1 begin=$SECONDS told=$SECONDS every=10 rc=0 from
    [ ! -t 1 ] || every=1
    shift
    from=$(stat -c %s "$say_log" 2>/dev/null || echo 0)
    "$@" >>"$say_log" 2>&1 </dev/null &
    say_pid=$!
    # What it leaves mounted or half written it takes away itself, and the next run must not meet it.
    trap 'kill -TERM "$say_pid" 2>/dev/null || true; wait "$say_pid" || true; exit 130' INT TERM HUP
    while kill -0 "$say_pid" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - told >= every)); then
            told=$SECONDS
            say_progress "$what: $((SECONDS - begin)) s ... $(tail -n 1 "$say_log" | tr -d '\r' | cut -c -90)"
        fi
    done
    wait "$say_pid" || rc=$?
    trap - INT TERM HUP
    [ ! -t 1 ] || printf '\r\033[K'
    if [ $rc != 0 ]; then
        tail -c "+$((from + 1))" "$say_log" | tail -n 60 >&2
        fail "$what failed (exit $rc); the whole log is $say_log"
    fi
    if ((SECONDS - begin >= 2)); then
        say "$what: done in $((SECONDS - begin)) s"
    fi
}
