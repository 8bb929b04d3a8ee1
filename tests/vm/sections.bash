# What a run of functions/sections must have said.
# shellcheck shell=bash

# Nobody's: they change other programs, or are attached by no name.
SECTIONS_NEVER='^(freplace|syscall|sk_reuseport|lwt_in|lirc_mode2|xdp/devmap|xdp/cpumap|cgroup/skb|action)(/| |$)'

# sections_check OUT ERR LACKS: all are attached, but for those above and those that the kernel LACKS,
# with its reason; `lo` is no netkit, and one pattern is nobody's.
sections_check() {
    local section state reason all=0
    while read -r section state; do
        all=$((all + 1))
        reason=$(awk -v section="-- $section" '$0 == section {getline; print; exit}' "$2")
        if [[ $section =~ $SECTIONS_NEVER ]]; then
            [ "$state" = refused ] && [[ $reason == *"cannot load object: "* || $reason == *"cannot relocate object: "* ]]
        elif [ "$state" = refused ]; then
            [[ $section =~ $3 || $section == netkit/primary || $section == */no_such_function_\* ]] &&
                [[ $reason =~ :\ (Operation\ not\ (supported|permitted)|Invalid\ argument|No\ such\ (file|device)\ or\ (directory|address)|the\ kernel\ refuses\ it) ]]
        else
            [ "$state" = attached ] && [[ $section != */no_such_function_\* ]]
        fi || {
            echo "$section is $state: $reason"
            return 1
        }
    done <"$1"
    [ "$all" = 78 ]
}
