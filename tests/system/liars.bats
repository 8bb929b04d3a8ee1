#!/usr/bin/env bats
# A calls gateway that lies to the supervisor (tests/liars/lying_gateway.c): what it may not say ends
# it, what it may say gets it no more than the real one has, and the daemon goes on as before.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    # A daemon's programs lie beside the supervisor: there the liar is called vireo-gateway.
    mkdir "$BATS_FILE_TMPDIR/programs"
    find "$BUILD" -maxdepth 1 -type f -executable -name 'vireo*' \
        -exec cp -t "$BATS_FILE_TMPDIR/programs" {} +
    cp "$BUILD/tests/liars/lying_gateway" "$BATS_FILE_TMPDIR/programs/vireo-gateway"
    export VIREO="$BATS_FILE_TMPDIR/programs/vireo"
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name victim
    # From a gateway that was ended on, so that what one leaves is seen.
    lie short || true
    eventually 5 daemon_ready
    lies=0
}

teardown_file() {
    daemon_clean
}

# At a second try what the first one's gateway had is gone with it.
setup() {
    need_root
    [ "$BATS_TEST_TRY_NUMBER" -eq 1 ] || { ended_for short && eventually 10 none_runs; }
}

# Tells one lie: prints what the liar says came of it, and fails when it was ended for it.
lie() {
    curl -s -f --max-time 60 "$VIREO_SERVER/lie/$1"
}

# The pid of the running gateway of a role.
gateway() {
    local pid
    for pid in $(descendants "$VIREO_DAEMON"); do
        if alive "$pid" && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
            grep -q "^vireo-gateway $1"; then
            echo "$pid"
            return
        fi
    done
    return 1
}

# Another calls gateway than $1 serves.
replaced() {
    local now
    now=$(gateway calls) && [ "$now" != "$1" ] && daemon_ready
}

# Everything that a lie might leave: descriptors, processes, groups.
belongings() {
    local supervisor
    supervisor=$VIREO_DAEMON
    echo "descriptors $(ls "/proc/$supervisor/fd" | wc -l)"
    echo "processes $(descendants "$supervisor" | while read -r pid; do alive "$pid" && echo x; done | wc -l)"
    admin GET /metrics | grep -E '^vireo_(instances_live|cgroup_pool_groups.*used)' || true
}

none_runs() {
    [ "$(admin GET /metrics | grep '^vireo_instances_live ')" = "vireo_instances_live 0" ]
}

as_before() {
    [ "$(belongings)" = "$1" ]
}

# It is ended for this lie; the admin gateway, what is deployed and the daemon's belongings stay.
ended_for() {
    local before calls admin
    # Five gateways in a row that live less than a second would end the daemon.
    lies=$((${lies:-0} + 1))
    [ $((lies % 3)) -ne 0 ] || sleep 1.1
    eventually 5 daemon_ready
    calls=$(gateway calls) admin=$(gateway admin)
    not lie "$1"
    eventually 5 replaced "$calls"
    [ "$(gateway admin)" = "$admin" ]
    "$VIREO" ls | grep -q victim
}

@test "a message of another length ends the gateway" {
    before=$(belongings)
    for name in short cut_start long_start oversize; do
        ended_for "$name"
    done
    eventually 5 as_before "$before" || { echo "$before"; belongings; false; }
}

@test "a message of no kind, or with descriptors, ends the gateway" {
    before=$(belongings)
    for name in empty unknown descriptor descriptors; do
        ended_for "$name"
    done
    eventually 5 as_before "$before" || { echo "$before"; belongings; false; }
}

@test "the gateway that faces the network can't deploy or remove" {
    for name in deploy remove; do
        ended_for "$name"
    done
    grep -q 'calls gateway sent what it may not send: ending it' "$VIREO_STATE/daemon.log"
}

@test "a gateway that does not read its messages is ended, and meanwhile administration answers" {
    calls=$(gateway calls)
    lie deaf 3>&- &
    sleep 0.3
    timeout 10 "$VIREO" ls | grep -q victim
    not wait $!
    eventually 10 replaced "$calls"
}

@test "starts of functions that are none are refused one by one" {
    [[ $(lie no_function) == "started 0, not started 100, ended 0: the function is gone" ]]
}

@test "a flood of starts gets no more instances than the manifest has" {
    [[ $(lie flood) == "started 4, not started 8996, ended 0: too many instances" ]]
    # They are the gateway's: with it they go.
    before=$(admin GET /metrics | grep '^vireo_instances_live ')
    [ "${before#* }" -ge 4 ]
    ended_for short
    eventually 5 none_runs
}

@test "a token is one instance, and stopping what is not there stops nothing" {
    [[ $(lie twice) == "started 1, not started 0, ended 0: " ]]
    [[ $(lie stop) == *"ended 1: " ]]
    [[ $(lie stop) == "started 0, not started 0, ended 0: " ]]
}

@test "what it says to the admin gateway shows at worst a wrong line" {
    admin=$(gateway admin)
    [[ $(lie admin) == "started 0"* ]]
    "$VIREO" ls | grep -q victim
    [ "$(gateway admin)" = "$admin" ]
    run "$VIREO" logs victim
    [[ $output != *$'\033'* ]]
}

@test "the sockets that it shares with its successor it can't break" {
    [ "$(lie sockets)" = "refused 6 of 6" ]
    ended_for short
    [[ $(lie twice) == "started 1"* ]]
}
