#!/usr/bin/env bats
# A container's own vm.overcommit_memory and vm.overcommit_ratio: Linux 6.12 and later.
load vm
load ../system/oci_bundle

bats_require_minimum_version 1.5.0

setup() {
    need_guest
    need_v2
    [ "$VM_KERNEL" != 6.1 ] || skip "BPF programs iterate over tasks since Linux 6.7"
    bundle_begin
    cp "$PREPARED/commit" "$ROOTFS/bin/"
}

teardown() {
    echo 0 >/proc/sys/vm/overcommit_memory
    rm -f /sys/fs/bpf/foreign
    bundle_end
}

LIMIT='.linux.resources += {memory: {limit: 209715200, swap: 209715200}}'
# 100 of 200 MiB.
STRICT="$LIMIT | .annotations += {\"io.vireo.vkernel.memory.overcommit\": \"2\", \"io.vireo.vkernel.memory.overcommit_ratio\": \"50\"}"
VIEW='.annotations += {"io.vireo.vkernel.params.view": "on"}'

# The number behind a word of the output.
number() {
    sed -n "s/^$1 //p" <<<"$output" | sort -n | sed -n "${2-1}p"
}

@test "who commits all that the container may have gets ENOMEM, whatever the way, and what is given back is there again" {
    run contain "$STRICT" commit most map=150 noreserve=150 protect=150 grow=150 heap=150 fork=60 gone=30 most most
    echo "$output"
    # All but what the program itself has.
    [ "$(number most 1)" -ge 90 ]
    [ "$(number most 3)" -le 100 ]
    [ "$(number most 1)" = "$(number most 3)" ]
    for way in map noreserve protect grow heap fork; do
        [ "$(number "$way")" = ENOMEM ]
    done
    [ "$(number none)" = ok ]
    [[ $output == *"come and go 0 failed"* ]]
    nothing_left
}

@test "memory that the kernel does not count is no way round: not as it grows, nor by the calls of 32 bits" {
    run contain "$STRICT" commit grown=150 i386=150 grown=20
    echo "$output"
    [ "$(number grown 1)" = ENOMEM ]
    [ "$(number grown 2)" = ok ]
    [ "$(number widened 1)" = ENOMEM ]
    [ "$(number widened 2)" = ok ]
    if [[ $output != *"Function not implemented"* ]]; then
        [ "$(number "i386 none")" = ok ]
        [ "$(number "i386 map")" = ENOMEM ]
        [ "$(number "i386 protect")" = ENOMEM ]
    fi
    nothing_left
}

@test "a process without its first thread and one that was started beside it are counted" {
    run contain "$STRICT" commit orphan=60
    echo "$output"
    [ "$(number orphan)" = ENOMEM ]
    bundle "$STRICT" commit hold=60
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    run oci exec "$ID" commit map=30 map=60
    echo "$output"
    [ "$output" = "map ok
map ENOMEM" ]
    oci delete -f "$ID"
    nothing_left
}

@test "a group below counts for the container, and has its mode" {
    local group
    bundle "$STRICT" commit hold=60
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    group=$(find /sys/fs/cgroup -type d -name "*$ID*" | head -n 1)
    mkdir "$group/nested"
    run oci exec --cgroup nested "$ID" commit map=30 map=60 noreserve=60
    echo "$output"
    [ "$output" = "map ok
map ENOMEM
noreserve ENOMEM" ]
    oci delete -f "$ID"
    nothing_left
}

@test "that this process could not look is no verdict on the kernel" {
    rm -f /run/vireo-overcommit
    bundle "$STRICT" commit map=150
    run setpriv --bounding-set -bpf,-sys_admin,-perfmon "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID"
    echo "$output"
    [ "$status" -ne 0 ]
    [ ! -e /run/vireo-overcommit ]
    run oci run -b "$DIR/bundle" "$ID"
    [ "$output" = "map ENOMEM" ]
    [ -s /run/vireo-overcommit ]
    nothing_left
}

@test "a map that is named like ours is not ours: what is told to the program acts, and the other map stays empty" {
    mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
    bpftool map create /sys/fs/bpf/foreign type hash key 8 value 32 entries 4096 name vireo_commit flags 1
    [ "$(bpftool map show pinned /sys/fs/bpf/foreign | grep -c 'name vireo_commit')" = 1 ]
    bundle "$STRICT" commit hold=60
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    [ "$(oci exec "$ID" commit map=30 map=60)" = "map ok
map ENOMEM" ]
    [ "$(bpftool -j map dump pinned /sys/fs/bpf/foreign | jq length)" = 0 ]
    oci delete -f "$ID"
    nothing_left
}

@test "who has no view of its own that holds the program is refused, though a neighbour's holds one" {
    local view
    bundle "$LIMIT | $VIEW" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    bundle "$LIMIT" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID-b" >/dev/null
    run oci vk set "$ID-b" memory.overcommit 2
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"the container has no view that holds what would act"* ]]
    [ "$(oci vk get "$ID-b" | jq -r '.keys["memory.overcommit"].value')" = default ]
    [ "$(oci exec "$ID-b" commit map=1000)" = "map ok" ]
    # Taken back and said again, it is held; not after the end of what holds it.
    oci vk set "$ID" memory.overcommit 2 >/dev/null
    oci vk set "$ID" memory.overcommit default >/dev/null
    [ "$(oci exec "$ID" commit map=150)" = "map ok" ]
    oci vk set "$ID" memory.overcommit 2 >/dev/null
    view=$(grep -lz -x -- "$ID" $(grep -l '^vireo-view$' /proc/[0-9]*/comm | sed 's/comm$/cmdline/') | cut -d/ -f3)
    [ -n "$view" ]
    kill -KILL "$view"
    eventually 10 test ! -e "/proc/$view"
    run oci vk set "$ID" memory.overcommit 0
    echo "$output"
    [ "$status" -ne 0 ]
    oci delete -f "$ID"
    oci delete -f "$ID-b"
    nothing_left
}

@test "the neighbour and the host have what they had" {
    bundle "$STRICT" commit hold=95
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    bundle "$LIMIT" commit hold=1
    oci run -d -b "$DIR/bundle" "$ID-b" >/dev/null
    [ "$(oci exec "$ID" commit map=50)" = "map ENOMEM" ]
    [ "$(oci exec "$ID-b" commit map=1000)" = "map ok" ]
    [ "$("$ROOTFS/bin/commit" map=1000)" = "map ok" ]
    oci delete -f "$ID"
    oci delete -f "$ID-b"
}

@test "its root reads and writes it under its own name; what is looser than the host's is refused and not shown" {
    bundle "$LIMIT | $VIEW" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    run oci exec "$ID" sh -c 'cd /proc/sys/vm; cat overcommit_memory overcommit_ratio; commit map=1000
        echo 40 >overcommit_ratio; echo 2 >overcommit_memory; cat overcommit_memory overcommit_ratio; commit map=90 map=70
        echo 1 >overcommit_memory; echo 3 >overcommit_memory; echo x >overcommit_ratio; cat overcommit_memory
        echo 0 >overcommit_memory; cat overcommit_memory; commit map=150 map=250 noreserve=250 grown=250'
    echo "$output"
    # With 0 one request may have all that the container has; what need not be reserved isn't asked for.
    [ "$(grep -v nvalid <<<"$output" | grep -v permitted)" = "0
50
map ok
2
40
map ENOMEM
map ok
2
0
map ok
map ENOMEM
noreserve ok
grown ok
widened ok" ]
    [[ $output == *"not permitted"* && $(grep -c "Invalid argument" <<<"$output") = 2 ]]
    [ "$(cat /proc/sys/vm/overcommit_memory /proc/sys/vm/overcommit_ratio)" = "0
50" ]
    [ "$(oci vk get "$ID" | jq -r '.keys["memory.overcommit"].value, .keys["memory.overcommit_ratio"].value')" = "0
40" ]
    run oci vk set "$ID" memory.overcommit 1
    [ "$status" -ne 0 ]
    [[ $output == *"the host's vm.overcommit_memory is 0"* ]]
    oci vk set "$ID" memory.overcommit 2 >/dev/null
    [ "$(oci exec "$ID" commit map=90)" = "map ENOMEM" ]
    # It follows the limit of memory.
    echo '{"memory": {"limit": 419430400, "swap": 419430400}}' | "$RUNTIME" --root "$ROOT" update --resources - "$ID"
    [ "$(oci exec "$ID" commit map=90)" = "map ok" ]
    oci delete -f "$ID"
    nothing_left
}

@test "a container that asks for a looser mode is refused, and nothing of it stays" {
    echo 2 >/proc/sys/vm/overcommit_memory
    run contain "$LIMIT | .annotations += {\"io.vireo.vkernel.memory.overcommit\": \"0\"}" true
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"cannot set memory.overcommit to 0: the host's vm.overcommit_memory is 2"* ]]
    nothing_left
}

@test "a fresh procfs is no way round, and doctor names the mechanism" {
    bundle "$STRICT | $VIEW | .process.capabilities |= map_values(. + [\"CAP_SYS_ADMIN\"]) | .linux.seccomp = null" \
        sh -c 'mkdir /tmp/p; mount -t proc proc /tmp/p; cat /tmp/p/sys/vm/overcommit_memory; echo 0 >/tmp/p/sys/vm/overcommit_memory; commit map=150'
    run oci run -b "$DIR/bundle" "$ID"
    echo "$output"
    [ "$(grep -c "not permitted" <<<"$output")" = 2 ]
    [[ $output == *"map ENOMEM"* ]]
    [ "$(cat /proc/sys/vm/overcommit_memory)" = 0 ]
    [[ $("$VIREO" doctor | grep 'vkernel: memory') == *"BPF on commits"* ]]
}
