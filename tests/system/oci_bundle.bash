# What the tests of container starts share: a root file system of busybox, bundles made from one
# configuration and a jq filter, and a state root that is emptied at the end.
# shellcheck shell=bash

bundle_begin() {
    need_root
    RUNTIME=$BUILD/vireo-runtime
    DIR=$(mktemp -d /tmp/vireo-oci.XXXXXX)
    chmod 755 "$DIR"
    ROOT=$DIR/state
    ID=vireo-test-$$-$BATS_TEST_NUMBER
    ROOTFS=$DIR/bundle/rootfs
    mkdir -p "$ROOTFS"/{bin,dev,etc,mnt,proc,sys,tmp}
    cp /bin/busybox "$ROOTFS/bin/busybox"
    for applet in sh true false cat ls id mount touch mkdir grep sleep stat env hostname dd readlink \
        head tail ln rm chmod tr seq dmesg wc ps uname stty echo test nproc; do
        ln -s busybox "$ROOTFS/bin/$applet"
    done
    export RUNTIME DIR ROOT ID ROOTFS
    bundle_config=$DIR/base.json
    "$RUNTIME" spec -b "$DIR/bundle"
    jq '.process.terminal = false | .root.readonly = false
        | .process.args = ["true"] | .process.env = ["PATH=/bin"]' \
        "$DIR/bundle/config.json" >"$bundle_config"
}

bundle_end() {
    local id
    for id in $("$RUNTIME" --root "$ROOT" list -q 2>/dev/null); do
        "$RUNTIME" --root "$ROOT" delete --force "$id" || true
    done
    rm -rf "$DIR"
}

# bundle FILTER ARG...: the configuration for ARG..., changed by a jq filter.
bundle() {
    local filter=$1
    shift
    # Not --args: jq takes an argument that begins with "-" for its own.
    printf '%s\037' "$@" | jq -Rs 'split("\u001f")[:-1]' >"$DIR/args.json"
    jq --slurpfile args "$DIR/args.json" "$filter | .process.args = \$args[0]" "$bundle_config" \
        >"$DIR/bundle/config.json"
}

oci() {
    "$RUNTIME" --root "$ROOT" "$@" </dev/null
}

# contain FILTER ARG...: runs ARG... in a container of that configuration; for `run`.
contain() {
    bundle "$@"
    oci run -b "$DIR/bundle" "$ID"
}

# Nothing of the container is left: state, groups, mounts, processes.
nothing_left() {
    [ -z "$(ls "$ROOT" 2>/dev/null)" ]
    [ -z "$(find /sys/fs/cgroup -maxdepth 3 -name "*$ID*" 2>/dev/null)" ]
    not grep -q "$DIR" /proc/self/mountinfo
    eventually 5 nobody_of "$DIR" "$ID"
}

# shellcheck disable=SC2034 # of the test files
USERS='.linux.namespaces += [{"type": "user"}]
    | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    | .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
