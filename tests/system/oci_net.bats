#!/usr/bin/env bats
# linux.netDevices: devices of the runtime's network that move into the container's. Each test is in
# a network of its own, with a pair of virtual devices.

load helper
load oci_bundle

setup() {
    bundle_begin
    ip netns list >/dev/null 2>&1 || skip "ip (iproute2) is not installed"
    ln -s busybox "$ROOTFS/bin/ip"
    # Nobody's network: it ends with its last process.
    unshare --net sleep 600 3>&- &
    NETWORK=$!
    eventually 10 other_network "$NETWORK"
    in_network ip link add vireo-a type veth peer name vireo-b || skip "no veth in this kernel"
    in_network sh -c 'ip link set vireo-a mtu 1400 address 02:11:22:33:44:55 &&
        ip addr add 10.9.8.7/24 dev vireo-a && ip link set vireo-a up && ip link set vireo-b up &&
        ip addr add fd00:9::7/64 dev vireo-a nodad && ip addr add 169.254.3.4/16 scope link dev vireo-a'
}

teardown() {
    [ -z "${NETWORK-}" ] || kill "$NETWORK" 2>/dev/null || true
    bundle_end
}

other_network() {
    [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

in_network() {
    nsenter --net="/proc/$NETWORK/ns/net" "$@"
}

# moved FILTER ARG...: as `contain`, in that network.
moved() {
    bundle "$@"
    in_network "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID" </dev/null
}

# Both are where they were, as they were.
nothing_moved() {
    local said
    said=$(in_network ip addr show vireo-a)
    [[ $said == *"mtu 1400"* && $said == *10.9.8.7/24* && $said == *fd00:9::7/64* ]]
    in_network ip link show vireo-b >/dev/null
}

@test "a device moves under its new name, with addresses, mtu and hardware address, and is up" {
    run moved '.linux.netDevices = {"vireo-a": {"name": "inner0"}, "vireo-b": {}}' ip addr
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *": inner0@"*",UP,"*"mtu 1400"*02:11:22:33:44:55*"inet 10.9.8.7/24 scope global inner0"* ]]
    [[ $output == *"inet6 fd00:9::7/64 scope global"* ]]
    [[ $output == *": vireo-b@"*",UP,"* ]]
    # Of its link alone, or what somebody lent for a while, is not ours to take along.
    [[ $output != *169.254.3.4* ]]
    not in_network ip link show vireo-a
    nothing_left
}

@test "a device moves into the network of a user namespace, and into one that is joined" {
    run moved "$USERS"' | .linux.netDevices = {"vireo-a": {"name": "inner0"}}' ip -o -4 addr show inner0
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *10.9.8.7/24* ]]
    unshare --net sleep 600 3>&- &
    local other=$!
    eventually 10 other_network "$other"
    in_network ip link add vireo-c type veth peer name vireo-d
    run moved '.linux.netDevices = {"vireo-c": {}} | (.linux.namespaces[] | select(.type == "network")).path = "/proc/'$other'/ns/net"' \
        ip -o link show vireo-c
    nsenter --net="/proc/$other/ns/net" ip link show vireo-c
    kill $other
    [ "$status" = 0 ]
    nothing_left
}

@test "what can't be moved is refused by name, and all of it is where it was" {
    run moved '.linux.netDevices = {"vireo-a": {}, "nosuch0": {}}' true
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"cannot move network device 'nosuch0' to 'nosuch0': No such device (linux.netDevices)"* ]]
    nothing_moved
    # A name that is taken there.
    run moved '.linux.netDevices = {"vireo-a": {"name": "lo"}}' true
    [ "$status" = 1 ]
    [[ $output == *"'vireo-a' to 'lo': File exists (linux.netDevices)"* ]]
    nothing_moved
    # A loopback belongs to its network for ever.
    run moved '.linux.netDevices = {"vireo-a": {}, "lo": {"name": "other"}}' true
    [ "$status" = 1 ]
    [[ $output == *"cannot move network device 'lo'"* ]]
    nothing_moved
    run moved '.linux.netDevices = {"vireo-a": {}} | (.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/net"' true
    [ "$status" = 1 ]
    [[ $output == *"the container's network is the runtime's own"* ]]
    nothing_moved
    nothing_left
}

@test "a device of the network that is joined is not taken from it when one of ours is missing" {
    unshare --net sh -c 'ip link add theirs type veth peer name theirs2 && exec sleep 600' 3>&- &
    local other=$!
    eventually 10 nsenter --net="/proc/$other/ns/net" ip link show theirs
    run moved '.linux.netDevices = {"nosuch0": {"name": "theirs"}} | (.linux.namespaces[] | select(.type == "network")).path = "/proc/'$other'/ns/net"' true
    local still=0
    nsenter --net="/proc/$other/ns/net" ip link show theirs || still=1
    kill $other
    [ "$status" = 1 ]
    [ "$still" = 0 ]
    not in_network ip link show nosuch0
}

@test "a create that fails after the move gives devices back" {
    run moved '.linux.netDevices = {"vireo-a": {"name": "inner0"}}
        | .mounts += [{"destination": "/mnt", "type": "nosuchfs", "source": "x"}]' true
    echo "$output"
    [ "$status" = 1 ]
    nothing_moved
    run moved '.linux.netDevices = {"vireo-a": {"name": "inner0"}} | .hooks = {"createRuntime": [{"path": "/bin/false"}]}' true
    [ "$status" = 1 ]
    nothing_moved
    nothing_left
}
