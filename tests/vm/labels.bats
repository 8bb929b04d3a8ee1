#!/usr/bin/env bats
# AppArmor labels of containers, on a kernel that has AppArmor (the host's may not).
load vm
load ../system/oci_bundle

setup() {
    need_guest
    [ -d /sys/kernel/security/apparmor ] || mount -t securityfs securityfs /sys/kernel/security
    [ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || skip "this kernel has no AppArmor"
    bundle_begin
    PROFILE=vireo-test-label
    # What it forbids shows that it is in force, not merely named.
    printf '%s\n' "profile $PROFILE flags=(attach_disconnected,mediate_deleted) {" '  file,' '  capability,' '  signal,' \
        '  network,' '  deny /tmp/forbidden w,' '}' >"$DIR/profile"
    apparmor_parser --skip-cache --replace "$DIR/profile"
}

teardown() {
    apparmor_parser --remove "$DIR/profile" || true
    bundle_end
}

# shellcheck disable=SC2016 # of the container's shell
LOOK='cat /proc/self/attr/current; touch /tmp/allowed && echo wrote; touch /tmp/forbidden || echo kept'

# confined OUTPUT
confined() {
    [[ $1 == *"$PROFILE (enforce)"*wrote*kept* ]]
}

@test "a container and what is executed in it later have the profile, which is in force" {
    run contain ".process.apparmorProfile = \"$PROFILE\"" sh -c "$LOOK"
    echo "$output"
    [ "$status" = 0 ]
    confined "$output"
    # Without no_new_privs too, where the order of the steps is another one.
    run contain ".process.apparmorProfile = \"$PROFILE\" | .process.noNewPrivileges = false" sh -c "$LOOK"
    confined "$output"
    bundle ".process.apparmorProfile = \"$PROFILE\"" sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    confined "$(oci exec "$ID" sh -c "$LOOK" 2>&1)"
    oci delete --force "$ID"
    bundle . sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    [ "$(oci exec "$ID" cat /proc/self/attr/current)" = unconfined ]
    confined "$(oci exec --apparmor "$PROFILE" "$ID" sh -c "$LOOK" 2>&1)"
}

@test "a container with users of its own has the profile" {
    chmod 1777 "$ROOTFS/tmp"
    run contain "$USERS | .process.apparmorProfile = \"$PROFILE\"" sh -c "$LOOK"
    echo "$output"
    [ "$status" = 0 ]
    confined "$output"
}

@test "a profile that is not loaded is refused, and nothing is left" {
    run contain '.process.apparmorProfile = "never-loaded"' true
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"apply apparmor profile \`never-loaded\`: profile not loaded"* ]]
    nothing_left
}
