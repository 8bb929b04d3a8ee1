# What the tests of recycled pVMs share beside family.bash: how a pVM was started, its end, and the guests of the daemon.
# shellcheck shell=bash

start_of() {
    "$VIREO" ps -o json | jq -r --arg name "$1" '[.[] | select(.function == $name)][0].start'
}

# Ends the function's pVM, so that the next one takes its place.
end_of() {
    "$VIREO" kill "$(root_of "$1")"
    eventually 5 bash -c "[ -z \"\$(\"\$VIREO\" ps -o json | jq -r '.[] | select(.function == \"$1\").id')\" ]"
}

guests() {
    local pid
    for pid in $(descendants "$VIREO_DAEMON"); do
        [[ $(cat "/proc/$pid/comm" 2>/dev/null) == *guest* || $(readlink "/proc/$pid/exe") == *guest* ]] && echo "$pid"
    done
    return 0
}
