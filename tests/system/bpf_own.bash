# What the kernel has of a test's own eBPF: others on the machine load programs meanwhile, of the same names.
# shellcheck shell=bash

# From here on vireo takes its uids from a range that nobody else has, for brokers have one each and
# the kernel says of a program whose it is: FOLDER, for what that takes.
bpf_own_uids() {
    OWN_UIDS=$(((16384 + RANDOM % 16383) * 65536))
    export OWN_UIDS
    echo "vireo:$OWN_UIDS:65536" >"$1/subid"
    cat >"$1/vireo" <<END
#!/bin/sh
exec unshare -m sh -c 'mount --bind "\$0" /etc/subuid && mount --bind "\$0" /etc/subgid && exec "\$@"' \
    "$1/subid" "$VIREO" "\$@"
END
    chmod 755 "$1/vireo"
    export VIREO=$1/vireo OWN_VIREO=$1/vireo
}
# Each test is a process of its own, for which the helper has named the built one again.
VIREO=${OWN_VIREO:-$VIREO}

# For teardown_file: the files of the range's locks.
bpf_own_end() {
    local file uid
    [ -n "${OWN_UIDS-}" ] || return 0
    for file in /run/vireo/uid/*; do
        uid=${file##*/}
        [[ $uid == *[!0-9]* ]] || ((uid < OWN_UIDS || uid >= OWN_UIDS + 65536)) || rm -f "$file"
    done
}

# Own programs, one id a line.
bpf_own_programs() {
    bpftool -j prog show | jq --argjson first "$OWN_UIDS" '.[] | select(.uid >= $first and .uid < $first + 65536).id'
}

# A link holds its program: when none is left, neither is a link.
nothing_left() {
    [ -z "$(bpf_own_programs)" ]
}

# Maps, which have no uid: those that no broker but our own holds.
bpf_maps() {
    local pid others=
    for pid in $(pgrep vireo-broker); do
        if ! awk -v first="$OWN_UIDS" '$1 == "Uid:" {exit !($2 >= first && $2 < first + 65536)}' "/proc/$pid/status"; then
            others+=$(cat "/proc/$pid/fdinfo/"* | sed -n 's/^map_id:[[:space:]]*//p')$'\n'
        fi
    done 2>/dev/null
    bpftool -j map show | jq '.[].id' | grep -vxF "$others" | sort
}
no_map_since() {
    [ -z "$(comm -13 <(echo "$1") <(bpf_maps))" ]
}

# What a `vireo run` with eBPF has its session for counts as the instance's: of v1 the groups for
# memory and processors, of v2 one below its own, for a function's programs see all of that.
session_is_charged() {
    local session instance tree own its
    session=$(pgrep -P "$(pgrep -P "$1" vireo-broker | head -n 1)" vireo-broker | head -n 1)
    instance=$(descendants "$1" | while read -r pid; do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = vireo-guest ] && echo "$pid"
    done | tail -n 1)
    cat "/proc/$session/cgroup" "/proc/$instance/cgroup"
    while IFS=: read -r _ tree own; do
        its=$(awk -F : -v tree="$tree" '$2 == tree {print $3}' "/proc/$session/cgroup")
        case ,$tree, in
        *,memory,* | *,cpu,*) [ "$its" = "$own" ] || return 1 ;;
        ,,) [ "$its" != "$own" ] || return 1 ;;
        esac
        if [ -z "$tree" ] && grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
            [ "$its" = "$own/helpers" ] || return 1
        fi
    done <"/proc/$instance/cgroup"
}
