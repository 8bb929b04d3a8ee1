#!/usr/bin/env bats
# SELinux labels of containers, enforced under a policy of our own: tests/vm/run --security selinux
load vm
load ../system/oci_bundle

LABEL=system_u:system_r:container_t:s0:c1,c2
FILES=system_u:object_r:container_file_t:s0:c1,c2

setup_file() {
    [ "${VM_SECURITY-}" = selinux ] || return 0
    secilc -N -c 33 -o "$BATS_FILE_TMPDIR/policy" -f "$BATS_FILE_TMPDIR/contexts" "${BATS_TEST_FILENAME%.bats}.cil"
    mount -t selinuxfs selinuxfs /sys/fs/selinux
    cat "$BATS_FILE_TMPDIR/policy" >/sys/fs/selinux/load
    echo 1 >/sys/fs/selinux/enforce
}

setup() {
    need_guest
    [ "$VM_SECURITY" = selinux ] || skip "this guest has no SELinux: tests/vm/run --security selinux"
    bundle_begin
    [[ $(tr -d '\0' </proc/self/attr/current) == *:host_t:* ]]
    # What is forbidden shows that a label is in force, not merely named.
    touch "$ROOTFS"/tmp/{allowed,forbidden}
    chmod 666 "$ROOTFS"/tmp/*
    chcon system_u:object_r:forbidden_t:s0 "$ROOTFS/tmp/forbidden"
    cp "$PREPARED/labels" "$ROOTFS/bin"
}

teardown() {
    bundle_end
}

# shellcheck disable=SC2016 # of the container's shell
LOOK='tr -d "\0" </proc/self/attr/current; echo; labels; echo >/tmp/allowed && echo wrote; echo >/tmp/forbidden || echo kept'

# confined OUTPUT
confined() {
    [[ $1 == *"$LABEL"*"$LABEL"*wrote*"Permission denied"*kept* ]]
}

@test "SELinux: a container and what is executed in it later have the label, which is in force" {
    run contain ". | del(.linux.seccomp)" sh -c 'cat /proc/self/attr/current | tr -d "\0"; echo >/tmp/forbidden && echo open'
    [[ $output == *:host_t:*open* ]]
    run contain ".process.selinuxLabel = \"$LABEL\"" sh -c "$LOOK"
    echo "$output"
    [ "$status" = 0 ]
    confined "$output"
    # Without no_new_privs too, where the order of the steps is another one.
    run contain ".process.selinuxLabel = \"$LABEL\" | .process.noNewPrivileges = false" sh -c "$LOOK"
    confined "$output"
    bundle ".process.selinuxLabel = \"$LABEL\"" sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    confined "$(oci exec "$ID" sh -c "$LOOK" 2>&1)"
    oci delete --force "$ID"
    bundle . sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    [[ $(oci exec "$ID" cat /proc/self/attr/current | tr -d "\0") == *:host_t:* ]]
    confined "$(oci exec --process-label "$LABEL" "$ID" sh -c "$LOOK" 2>&1)"
}

@test "SELinux: a container with users of its own has the label" {
    run contain "$USERS | .process.selinuxLabel = \"$LABEL\"" sh -c "$LOOK"
    echo "$output"
    [ "$status" = 0 ]
    confined "$output"
}

@test "SELinux: a label for mounts is that of the container's new file systems, and of no others" {
    run contain ".linux.mountLabel = \"$FILES\" | .process.selinuxLabel = \"$LABEL\"" \
        labels /dev /dev/null /dev/shm /dev/pts /dev/mqueue /proc/version /tmp/allowed
    echo "$output"
    [ "$status" = 0 ]
    for place in /dev /dev/null /dev/shm /dev/pts /dev/mqueue; do
        grep -qxF "$place $FILES" <<<"$output"
    done
    grep -q '^/proc/version .*:host_t:' <<<"$output"
    grep -q '^/tmp/allowed .*:host_t:' <<<"$output"
}

@test "SELinux: labels that the policy does not know, or two at once, are refused, and nothing is left" {
    run contain '.process.selinuxLabel = "system_u:system_r:never_loaded_t:s0"' true
    echo "$output"
    [ "$status" = 1 ]
    [ "${#lines[@]}" = 1 ]
    [[ $output == *"cannot set label 'system_u:system_r:never_loaded_t:s0'"*"Invalid argument"* ]]
    nothing_left
    run contain '.linux.mountLabel = "system_u:object_r:never_loaded_t:s0"' true
    echo "$output"
    [ "$status" = 1 ]
    [ "${#lines[@]}" = 1 ]
    [[ $output == *"cannot mount"*"context"*"Invalid argument"*"(mounts["* ]]
    nothing_left
    run contain ".process.selinuxLabel = \"$LABEL\" | .process.apparmorProfile = \"some\"" true
    echo "$output"
    [ "$status" = 1 ]
    [ "${#lines[@]}" = 1 ]
    [[ $output == *"cannot set label '$LABEL': the process has an AppArmor profile too"* ]]
    # A domain that has no way from here to there.
    bundle ".process.selinuxLabel = \"$LABEL\"" sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    run oci exec --process-label system_u:object_r:container_file_t:s0 "$ID" true
    echo "$output"
    [ "$status" != 0 ]
    oci delete --force "$ID"
    nothing_left
}

@test "SELinux: a label of an exec is written to the kernel, never to a file that the image has there" {
    mkdir -p "$ROOTFS/proc/self/attr"
    touch "$ROOTFS"/proc/self/attr/{exec,keycreate}
    bundle 'del(.mounts[] | select(.destination == "/proc")) | del(.linux.maskedPaths) | del(.linux.readonlyPaths)' \
        sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    run oci exec --process-label "$LABEL" "$ID" true
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"cannot set label '$LABEL': '/proc' there is no procfs"* ]]
    [ ! -s "$ROOTFS/proc/self/attr/exec" ]
    [ ! -s "$ROOTFS/proc/self/attr/keycreate" ]
}
