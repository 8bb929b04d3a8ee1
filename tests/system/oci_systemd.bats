#!/usr/bin/env bats
# The systemd manager of control groups, with a real systemd and a real bus in namespaces of their
# own: containers are scopes that systemd knows, limits, keeps over a reload, and forgets.
load helper
load oci_bundle

setup_file() {
    need_root
    [ -x /lib/systemd/systemd ] && [ -x /usr/bin/busctl ] && [ -x /usr/bin/dbus-daemon ] ||
        skip "systemd, busctl or dbus-daemon is not here"
    BED=$(mktemp -d /tmp/vireo-systemd.XXXXXX)
    export BED GROUP=vireo-systemd-$$
    local tree
    for tree in $(trees); do
        mkdir "$tree/$GROUP"
        [ ! -e "$tree/cpuset.cpus" ] || [ -e "$tree/cgroup.controllers" ] || {
            cat "$tree/cpuset.cpus" >"$tree/$GROUP/cpuset.cpus"
            cat "$tree/cpuset.mems" >"$tree/$GROUP/cpuset.mems"
        }
    done
    trees >"$BED/trees"
    sh -c 'while read -r tree; do echo 0 >"$tree/$2/cgroup.procs"; done <"$1/trees"
        exec "$0" "$1"' "$BATS_TEST_DIRNAME/systemd_bed.sh" "$BED" "$GROUP" >"$BED/log" 2>&1 3>&- &
    echo $! >"$BED/pid"
    eventually 20 first_there
    # Neither who has made the namespaces nor who enters them is in the root of its groups.
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        export CALLERS=/sys/fs/cgroup/$GROUP/callers
        mkdir "$CALLERS" "/sys/fs/cgroup/$GROUP-outside"
        cat "$BED/pid" >"/sys/fs/cgroup/$GROUP-outside/cgroup.procs"
    fi
    touch "$BED/alone"
    eventually 60 inside busctl --no-pager status org.freedesktop.systemd1
}

teardown_file() {
    [ -d "${BED-}" ] || return 0
    kill -9 "$(cat "$BED/pid")" # its child, process 1 there, dies with it
    eventually 10 groups_gone
    rm -rf "$BED"
}

# The directories of all trees.
trees() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo /sys/fs/cgroup
    else
        find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d
    fi
}

groups_gone() {
    local tree
    while read -r tree; do
        find "$tree/$GROUP" "$tree/$GROUP-outside" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        [ ! -e "$tree/$GROUP" ] && [ ! -e "$tree/$GROUP-outside" ] || return 1
    done <"$BED/trees"
}

# Process 1 of the namespaces, as the machine counts it; one word with a space at its end.
first() {
    cat "/proc/$(cat "$BED/pid")/task/$(cat "$BED/pid")/children"
}

first_there() {
    [ -n "$(first)" ]
}

inside() (
    [ -z "${CALLERS-}" ] || echo "$BASHPID" >"$CALLERS/cgroup.procs"
    # shellcheck disable=SC2046
    exec nsenter -t $(first) -m -p -C "$@" >"$BED/out" 2>&1
)

runtime() {
    inside "$RUNTIME" --root /run/vireo-test --cgroup-manager systemd "$@" </dev/null
}

property() {
    inside systemctl show -P "$1" "vireo-$ID.scope"
    cat "$BED/out"
}

forgotten() {
    [ "$(property LoadState)" = not-found ]
}

setup() { bundle_begin; }
teardown() {
    runtime delete --force "$ID" || true
    bundle_end
}

limits='.linux.cgroupsPath = $path | .linux.resources += {memory: {limit: 67108864}, pids: {limit: 50},
    cpu: {shares: 512, quota: 50000, period: 100000}}
    | .annotations = {"org.systemd.property.TimeoutStopUSec": "uint64 5000000"}'

# contained PATH ARG...: the configuration with limits and that path.
contained() {
    local path=$1
    shift
    bundle "\"$path\" as \$path | $limits" "$@"
}

@test "a container is a scope of its slice, limited by systemd and the kernel alike, until it is deleted" {
    contained "machine-test.slice:vireo:$ID" sleep 1000
    runtime run -d -b "$DIR/bundle" "$ID" || { cat "$BED/out"; false; }
    [ "$(property ActiveState)" = active ]
    [ "$(property Slice)" = machine-test.slice ]
    [ "$(property Delegate)" = yes ]
    [ "$(property TasksMax)" = 50 ]
    [ "$(property CPUQuotaPerSecUSec)" = 500ms ]
    [ "$(property TimeoutStopUSec)" = 5s ]
    [ "$(property DevicePolicy)" = strict ]
    [[ $(property MemoryLimit)$(property MemoryMax) == *67108864* ]]

    runtime exec "$ID" cat /proc/self/cgroup
    cp "$BED/out" "$DIR/groups"
    runtime state "$ID"
    local pid path
    pid=$(jq .pid "$BED/out")
    inside cat "/proc/$pid/cgroup"
    path=$(sed -n 's/^.*\(name=systemd\|0:\):\(.*\.scope\)$/\2/p' "$BED/out" | head -n 1)
    [ "$path" = "/machine.slice/machine-test.slice/vireo-$ID.scope" ]
    [ "$(grep -c "vireo-$ID.scope" "$BED/out")" -ge 1 ]

    runtime update --memory 33554432 --pids-limit 77 "$ID"
    [ "$(property TasksMax)" = 77 ]
    inside systemctl daemon-reload
    [ "$(property TasksMax)" = 77 ]
    inside sh -c "cat /sys/fs/cgroup/memory$path/memory.limit_in_bytes || cat /sys/fs/cgroup$path/memory.max"
    [ "$(tail -n 1 "$BED/out")" = 33554432 ]
    # Its reload must not have opened devices to the container.
    not runtime exec "$ID" sh -c 'busybox mknod /tmp/mem c 1 1; cat /tmp/mem >/dev/null'
    grep -q "Operation not permitted" "$BED/out"

    runtime pause "$ID"
    runtime state "$ID"
    [ "$(jq -r .status "$BED/out")" = paused ]
    runtime resume "$ID"
    runtime delete --force "$ID"
    forgotten
    [ -z "$(find /sys/fs/cgroup -name "vireo-$ID.scope")" ]
}

@test "a scope ends with the run, or with a start that fails; without a path it is the id's" {
    bundle . cat /proc/self/cgroup
    runtime run -b "$DIR/bundle" "$ID" || { cat "$BED/out"; false; }
    eventually 10 forgotten
    contained ":vireo:$ID" /no/such/program
    not runtime run -b "$DIR/bundle" "$ID"
    grep -q "cannot execute '/no/such/program'" "$BED/out"
    forgotten
    [ -z "$(find /sys/fs/cgroup -name "vireo-$ID.scope")" ]
}

# What a user does whom the system's manager has given a manager of the user's own.
# One that every Debian has: units take no number that is nobody's.
USER_NAME=games
USER_ID=$(id -u "$USER_NAME")

as_user() {
    inside setpriv --reuid "$USER_ID" --regid "$(id -g "$USER_NAME")" --clear-groups env -i PATH="$PATH" HOME=/ \
        XDG_RUNTIME_DIR="/run/user/$USER_NAME" "$@" </dev/null
}

user_runtime() {
    as_user "$RUNTIME" --cgroup-manager systemd "$@"
}

user_property() {
    as_user systemctl --user show -P "$1" "vireo-$ID.scope"
    cat "$BED/out"
}

user_forgotten() {
    [ "$(user_property LoadState)" = not-found ]
}

# The user's container of one id, in a scope with limits.
user_bundle() {
    chmod -R o+rX "$DIR"
    as_user sh -c "cd /run/user/$USER_NAME && rm -f config.json && '$RUNTIME' spec --rootless -b . && cat config.json"
    jq ".process.terminal = false | .root.readonly = false | .process.env = [\"PATH=/bin\"]
        | .linux.cgroupsPath = \"machine-test.slice:vireo:$ID\"" "$BED/out" >"$bundle_config"
    bundle "$@"
    chmod o+r "$DIR/bundle/config.json"
}

user_manager() {
    inside systemctl start "user@$USER_NAME.service" || { cat "$BED/out" "$BED/log"; false; }
    eventually 10 as_user busctl --user --no-pager status org.freedesktop.systemd1
}

nothing_of_the_users() {
    eventually 10 user_forgotten
    inside find /sys/fs/cgroup -name "vireo-$ID.scope"
    [ ! -s "$BED/out" ]
    as_user ls "/run/user/$USER_NAME/vireo-oci"
    not grep -q "$ID" "$BED/out"
}

need_delegation() {
    [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "v1 trees are not delegated to users: tests/vm/run oci_systemd"
}

runtimes_gone() {
    as_user systemctl --user list-units --all --no-legend 'vireo-runtime-*'
    [ ! -s "$BED/out" ]
}

user_stopped() {
    user_runtime state "$ID"
    [ "$(jq -r .status "$BED/out")" = stopped ]
}

# exec_says EXPECTED ARG...
exec_says() {
    local expected=$1
    shift
    user_runtime exec "$ID" "$@"
    [ "$(cat "$BED/out")" = "$expected" ] || { cat "$BED/out"; false; }
}

@test "a user's container is a scope of the user's own systemd with its limits, called from a login session" {
    need_delegation
    user_manager
    as_user cat /proc/self/cgroup
    [ "$(cat "$BED/out")" = 0::/callers ]
    user_bundle '.linux.resources += {memory: {limit: 67108864}, pids: {limit: 50}, cpu: {quota: 50000, period: 100000}}' sleep 1000
    user_runtime run -d -b "$DIR/bundle" "$ID" || { cat "$BED/out"; false; }
    eventually 10 runtimes_gone
    [ "$(user_property ActiveState)" = active ]
    [ "$(user_property Slice)" = machine-test.slice ]
    [ "$(user_property Delegate)" = yes ]
    [ "$(user_property MemoryMax)" = 67108864 ]
    [ "$(user_property TasksMax)" = 50 ]
    local group files='/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max'
    group=/sys/fs/cgroup/$GROUP$(user_property ControlGroup)
    [[ $group == */user@$USER_NAME.service/machine.slice/machine-test.slice/vireo-$ID.scope ]]
    [ "$(cat "$group/memory.max" "$group/pids.max" "$group/cpu.max")" = $'67108864\n50\n50000 100000' ]
    # shellcheck disable=SC2086
    exec_says $'0::/\n67108864\n50\n50000 100000' cat /proc/self/cgroup $files
    not user_runtime exec "$ID" sh -c 'for i in $(seq 60); do sleep 2 & done'
    grep -q "can't fork" "$BED/out"

    user_runtime update --memory 33554432 --pids-limit 77 "$ID"
    as_user systemctl --user daemon-reload
    [ "$(user_property MemoryMax)" = 33554432 ]
    [ "$(user_property TasksMax)" = 77 ]
    # shellcheck disable=SC2086
    exec_says $'33554432\n77\n50000 100000' cat $files
    user_runtime pause "$ID"
    user_runtime state "$ID"
    [ "$(jq -r .status "$BED/out")" = paused ]
    [ "$(cat "$group/cgroup.freeze")" = 1 ]
    user_runtime resume "$ID"
    [ "$(cat "$group/cgroup.freeze")" = 0 ]
    user_runtime kill "$ID" KILL
    eventually 10 user_stopped
    user_runtime delete "$ID"
    nothing_of_the_users
    [ ! -e "$group" ]
}

@test "a user's run below the user's own systemd ends its scope; so does one that fails" {
    need_delegation
    user_manager
    user_bundle '.linux.resources += {pids: {limit: 50}}' cat /sys/fs/cgroup/pids.max
    as_user systemd-run --user --scope --quiet --collect "$RUNTIME" --systemd-cgroup run -b "$DIR/bundle" "$ID"
    [ "$(cat "$BED/out")" = 50 ] || { cat "$BED/out"; false; }
    nothing_of_the_users
    user_bundle . /no/such/program
    not user_runtime run -b "$DIR/bundle" "$ID"
    [ "$(cat "$BED/out")" = "vireo-runtime: cannot execute '/no/such/program': no such file or directory (process.args[0])" ] || { cat "$BED/out"; false; }
    nothing_of_the_users
    eventually 10 runtimes_gone
}

# The user's podman, with systemd for its manager as it is by default.
user_podman() {
    as_user env HOME="$PODMAN" CONTAINERS_CONF="$DIR/containers.conf" podman --root "$PODMAN/storage" \
        --runroot "$PODMAN/run" --tmpdir "$PODMAN/tmp" --storage-driver vfs "$@" 3>&-
}

scope_of() {
    as_user systemctl --user show -P "$1" "libpod-$2.scope"
    cat "$BED/out"
}

no_scope_of() {
    [ "$(scope_of LoadState "$1")" = not-found ]
}

@test "a rootless podman's container is a scope of the user's own systemd, with its limits" {
    need_delegation
    command -v podman >/dev/null || skip "podman is not installed (scripts/deps engines)"
    user_manager
    PODMAN=/run/user/$USER_NAME/podman
    as_user mkdir -p "$PODMAN/rootfs"
    as_user cp -r "$ROOTFS/." "$PODMAN/rootfs"
    cat >"$DIR/containers.conf" <<END
[engine]
events_logger = "file"
cgroup_manager = "systemd"
runtime = "vireo"
[engine.runtimes]
vireo = ["$RUNTIME"]
[containers]
netns = "none"
END
    chmod -R o+rX "$DIR"
    user_podman run -d --name scoped --memory 64m --pids-limit 50 --rootfs "$PODMAN/rootfs" /bin/sleep 1000 ||
        { cat "$BED/out"; false; }
    local id group
    id=$(tail -n 1 "$BED/out")
    [ "$(scope_of ActiveState "$id")" = active ]
    [ "$(scope_of MemoryMax "$id")" = 67108864 ]
    [ "$(scope_of TasksMax "$id")" = 50 ]
    group=/sys/fs/cgroup/$GROUP$(scope_of ControlGroup "$id")
    [[ $group == */user@$USER_NAME.service/*/libpod-$id.scope ]]
    user_podman exec scoped cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
    [ "$(cat "$BED/out")" = $'67108864\n50' ] || { cat "$BED/out"; false; }
    user_podman pause scoped
    [ "$(cat "$group/cgroup.freeze")" = 1 ]
    user_podman unpause scoped
    user_podman rm -f -t 0 scoped
    eventually 10 no_scope_of "$id"
    [ ! -e "$group" ]
}

@test "a user's group that can't be entered from where the user is, is refused by its name" {
    need_delegation
    user_manager
    local group=/sys/fs/cgroup/$GROUP/users
    mkdir "$group"
    chown "$USER_ID" "$group" "$group"/cgroup.{procs,threads,subtree_control}
    user_bundle '.linux.cgroupsPath = "/users/own"' true
    not as_user "$RUNTIME" run -b "$DIR/bundle" "$ID"
    [ -z "$(find "$group" -mindepth 1 -type d)" ]
    rmdir "$group"
    [ "$(cat "$BED/out")" = "vireo-runtime: cannot enter control group '/users/own': permission denied" ] || { cat "$BED/out"; false; }
}

@test "a user's scope is refused where v1 trees are, which nobody delegates" {
    [ ! -e /sys/fs/cgroup/cgroup.controllers ] || skip "for v1 and hybrid"
    user_manager
    user_bundle . sleep 1000
    not user_runtime run -d -b "$DIR/bundle" "$ID"
    cat "$BED/out"
    [ "$(wc -l <"$BED/out")" = 1 ]
    grep -q "cannot use scope 'vireo-$ID.scope': .*: Permission denied (v1 trees are not delegated" "$BED/out"
    nothing_of_the_users
}

@test "a user without a manager of the user's own is told so in one line" {
    user_manager
    user_bundle . sleep 1000
    inside systemctl stop "user@$USER_NAME.service"
    not as_user "$RUNTIME" --root "$DIR/none" --cgroup-manager systemd run -b "$DIR/bundle" "$ID"
    cat "$BED/out"
    [ "$(wc -l <"$BED/out")" = 1 ]
    grep -q "cannot " "$BED/out"
}

@test "what is no slice and scope, no property or no bus is a one-line error, and nothing is left" {
    contained "/a/b" true
    not runtime run -b "$DIR/bundle" "$ID"
    grep -qx "vireo-runtime: cannot use linux.cgroupsPath '/a/b' with the systemd manager: it must be SLICE:PREFIX:NAME" "$BED/out"
    contained "no slice:a:b" true
    not runtime run -b "$DIR/bundle" "$ID"
    [ "$(wc -l <"$BED/out")" = 1 ]
    bundle '.annotations = {"org.systemd.property.TimeoutStopUSec": "five"}' true
    not runtime run -b "$DIR/bundle" "$ID"
    grep -q "cannot set systemd's property 'TimeoutStopUSec' to 'five'" "$BED/out"
    bundle . true
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere run oci --systemd-cgroup run -b "$DIR/bundle" "$ID"
    [ "$status" -eq 1 ]
    [[ $output == *"cannot start scope 'vireo-$ID.scope': "* ]]
    [ "${#lines[@]}" -eq 1 ]
    nothing_left
    [ -z "$(find /sys/fs/cgroup -name "vireo-$ID.scope")" ]
}
