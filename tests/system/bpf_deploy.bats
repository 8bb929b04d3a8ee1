#!/usr/bin/env bats
# eBPF of deployed functions: what the operator allows, and the broker that outlives them.
load helper
load bpf_own

setup_file() {
    [ "$(id -u)" = 0 ] && [ -r /sys/kernel/btf/vmlinux ] || return 0
    MODULES=$(mktemp -d /tmp/vireo-bpf-test.XXXXXX)
    export MODULES
    cat >"$MODULES/config.yaml" <<END
allow_grants:
  bpf:
    attach: ['raw_syscalls/*']
    map_memory: 1MiB
    share: [common]
END
    "$VIREO" -q bpf build "$TOP/examples/bpf/syscalls" -o "$MODULES/syscalls.wasm"
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_keep" -o "$MODULES/keep.wasm"
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_share" -o "$MODULES/share.wasm"
    bpf_own_uids "$MODULES"
    daemon_start --config "$MODULES/config.yaml"
}

teardown_file() {
    daemon_clean
    bpf_own_end
    rm -rf "${MODULES:-/nonexistent}"
}

setup() {
    need_root
    [ -r /sys/kernel/btf/vmlinux ] || skip "the kernel has no type information of its own"
}

# deploy_module NAME SECTION: the module with this section bpf.
deploy_module() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$MODULES/syscalls.wasm" "$folder"
    printf 'name: %s\ngrants:\n  bpf: true\nbpf: %s\n' "$1" "$2" >"$folder/vireo.yaml"
    run "$VIREO" deploy "$folder"
}

answers() {
    call counts
    [ "$code" = 200 ] && [[ $body == *"sleeps 25"* ]]
}

@test "a deployed function loads its programs, of its own group alone, and describe shows its calls" {
    deploy_module counts "{attach: ['raw_syscalls/*'], map_memory: 64KiB}"
    [ "$status" = 0 ]
    answers
    answers
    run "$VIREO" describe counts -o json
    jq -e '.syscalls.bpf | index("recvmsg") and index("ppoll") and (index("bpf") == null)' \
        <<<"$output"
    # A command has closed what it loaded when its call ends.
    eventually 10 nothing_left
}

# deploy_keep NAME VERSION
deploy_keep() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$MODULES/keep.wasm" "$folder"
    printf 'name: %s\nversion: "%s"\ngrants:\n  bpf: true\nbpf: {attach: ["raw_syscalls/*"], map_memory: 512KiB}\n' "$1" "$2" \
        >"$folder/vireo.yaml"
    "$VIREO" "${@:3}" deploy "$folder"
}
keeps() {
    body=$(curl -s --data "$2" "$VIREO_SERVER/function/$1")
}

@test "what is pinned, and samples that nobody took, are there for the next version; nobody else's name opens it" {
    for name in mine other; do
        "$VIREO" rm "$name" || true
    done
    deploy_keep mine 1
    # Two samples are left in the pinned ring buffer, and a number in a pinned map.
    keeps mine put
    [[ $body == "kept 2 untaken 2"* ]]
    deploy_keep mine 2
    keeps mine look
    [[ $body == "kept 2 untaken 2"* ]]
    # A function of another name has the same names for itself, and nothing in them.
    deploy_keep other 1
    keeps other look
    [[ $body == "kept 0 untaken 0"* ]]
    # A new function of an old name is another function.
    "$VIREO" rm mine
    deploy_keep mine 1
    keeps mine look
    [[ $body == "kept 0 untaken 0"* ]]
}

# looks NAME ANSWER
looks() {
    keeps "$1" look
    [[ $body == "$2"* ]]
}

@test "a pinned ring buffer has one reader among the instances of its function, and within one" {
    local reading
    "$VIREO" rm readonce || true
    deploy_keep readonce 1
    keeps readonce put
    [[ $body == "kept 2 untaken 2"* ]]
    curl -s --data read "$VIREO_SERVER/function/readonce" >"$MODULES/read" 3>&- &
    reading=$!
    sleep 1
    keeps readonce look
    echo "$body"
    [[ $body == "kept 2 untaken -16"* ]] # EBUSY
    wait "$reading"
    cat "$MODULES/read"
    [[ $(cat "$MODULES/read") == "taken 2 by its name -16"* ]]
    # What comes when nobody reads is the next one's, once.
    keeps readonce put
    eventually 5 looks readonce "kept 4 untaken 2" # what ended may have it for a moment still
    keeps readonce look
    [[ $body == "kept 4 untaken 0"* ]]
}

@test "instances that begin at once and pin the same names have the same maps" {
    local round i calls
    for round in 1 2 3 4 5 6; do
        deploy_keep "atonce$round" 1 -q >/dev/null
        calls=()
        for i in 1 2 3 4; do
            curl -s --data look "$VIREO_SERVER/function/atonce$round" >"$MODULES/atonce.$i" 3>&- &
            calls+=($!)
        done
        wait "${calls[@]}"
        for i in 1 2 3 4; do
            [[ $(cat "$MODULES/atonce.$i") == "kept 0 untaken "* ]] || {
                cat "$MODULES/atonce.$i"
                "$VIREO" logs "atonce$round"
                false
            }
        done
        "$VIREO" rm "atonce$round"
    done
}

# Hundredths of a second of processors that this daemon's processes of the name have had, and their children: NAME.
processors_of() {
    local pid
    for pid in $(pgrep -x "$1"); do
        awk -v first="$OWN_UIDS" '$1 == "Uid:" {exit !($2 >= first && $2 < first + 65536)}' "/proc/$pid/status" 2>/dev/null &&
            awk '{print $14 + $15 + $16 + $17}' "/proc/$pid/stat" 2>/dev/null
    done | awk '{sum += $1} END {print sum + 0}'
}
# has_half NAME FUNCTION WORD: three instances of it have a second at once, half of a processor after that, and what had
# begun, of whatever time it takes: of those processes that the name is of. What they say is in $said.
has_half() {
    local before begin used elapsed i calls=()
    before=$(processors_of "$1") begin=$(date +%s%N)
    for i in 1 2 3; do
        curl -s --data "$3" "$VIREO_SERVER/function/$2" >"$MODULES/said-$2.$i" 3>&- &
        calls+=($!)
    done
    sleep 6
    used=$(($(processors_of "$1") - before)) elapsed=$((($(date +%s%N) - begin) / 10000000))
    wait "${calls[@]}"
    said=$(cat "$MODULES/said-$2".*)
    echo "$used of $elapsed $said"
    [ "$used" -le $((100 + elapsed / 2 + 120)) ]
}

@test "a function that only loads has half a processor for that, and its answer says what it tried" {
    deploy_keep loads 1
    has_half vireo-broker loads load
    "$VIREO" logs loads | grep -v 'too complex' || true
    [[ $said == "tried "[1-9]*" let 0" ]]
}

@test "a function whose objects take long to read has half a processor for that" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_slow" -o "$MODULES/slow.wasm"
    mkdir "$BATS_TEST_TMPDIR/slow"
    cp "$MODULES/slow.wasm" "$BATS_TEST_TMPDIR/slow"
    printf 'name: slow\ngrants: {bpf: true}\nlimits: {timeout: 60s}\nbpf: {attach: ["raw_syscalls/*"], map_memory: 512KiB}\n' \
        >"$BATS_TEST_TMPDIR/slow/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/slow"
    has_half vireo-bpf slow ''
    [[ $said == "read "[1-9]* ]]
}

# Guests of this daemon's, by the uids that nobody else has.
own_guests() {
    local pid
    for pid in $(pgrep vireo-guest); do
        awk -v first="$OWN_UIDS" '$1 == "Uid:" {exit !($2 >= first && $2 < first + 65536)}' "/proc/$pid/status" 2>/dev/null &&
            echo "$pid"
    done
    true
}

@test "an instance that is killed in the middle of a load, and its function removed: no map or pin is left" {
    local before moment pid
    before=$(bpf_maps)
    deploy_keep dying 1
    for moment in 0 0.01 0.03 0.1; do
        curl -s --data put "$VIREO_SERVER/function/dying" >/dev/null 3>&- &
        sleep "$moment"
        for pid in $(own_guests); do kill -KILL "$pid" 2>/dev/null || true; done
        wait $! || true
    done
    # What a load that was not killed has pinned is the function's, until that is removed.
    keeps dying put
    [[ $body == "kept "* ]]
    [ -n "$(comm -13 <(echo "$before") <(bpf_maps))" ]
    "$VIREO" rm dying
    eventually 10 no_map_since "$before"
    eventually 10 nothing_left
}

# deploy_share NAME SHARE
deploy_share() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$MODULES/share.wasm" "$folder"
    printf 'name: %s\ngrants:\n  bpf: true\nbpf: {attach: ["raw_syscalls/*"], map_memory: 512KiB%s}\n' "$1" "$2" \
        >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

@test "an object is shared by a name that is granted, outlives who loaded it, and ends with the last" {
    deploy_share sharer ", share: [common]"
    deploy_share joiner ", share: [common]"
    deploy_share stranger ""
    run deploy_share another ", share: [other]"
    [[ $output == *"the operator's allow_grants do not have the shared object 'other'"* ]]
    curl -s --data share "$VIREO_SERVER/function/sharer" >"$MODULES/shared" 3>&- &
    keeps joiner join
    wait $!
    [ "$(cat "$MODULES/shared")" = "share 0 again -16" ]
    # The buffer is the sharer's as long as it is there (EBUSY); what it left is the other's then.
    echo "$body"
    [[ $body == "read 4711 reader -16 read 4711 samples "[1-9]* ]]
    keeps joiner look
    [[ $body == "not there"* ]]
    keeps stranger look
    [[ $body == "not there"* ]]
    "$VIREO" logs stranger | grep -q "cannot share 'common': it is not granted"
}

@test "what the operator does not allow is refused at the deploy, by name" {
    deploy_module more "{}"
    [ "$status" != 0 ]
    [[ $output == *"the operator's allow_grants do not have"*"bytes of maps"* ]]
    deploy_module more "{attach: ['syscalls/*'], map_memory: 64KiB}"
    [ "$status" != 0 ]
    [[ $output == *"the attach point 'syscalls/*'"* ]]
    deploy_module more "{host: true, attach: ['raw_syscalls/*'], map_memory: 64KiB}"
    [[ $output == *"the whole machine (host)"* ]]
    deploy_module more "{programs: [kprobe], host: true}"
    [[ $output == *"the operator's allow_grants do not have"* ]]
}

@test "an empty list, which would be the default, is refused of operator and author" {
    local key
    for key in programs maps helpers attach; do
        printf 'allow_grants:\n  bpf:\n    %s: []\n' "$key" >"$BATS_TEST_TMPDIR/config.yaml"
        run timeout 20 "$VIREO" serve --config "$BATS_TEST_TMPDIR/config.yaml" --state "$BATS_TEST_TMPDIR/state"
        [ "$status" != 0 ]
        [ "$status" != 124 ]
        [[ $output == *"$key: the list is empty"* ]]
        deploy_module empty "{$key: []}"
        [ "$status" != 0 ]
        [[ $output == *"$key: the list is empty"* ]]
    done
}

@test "the broker that is killed is started again, and functions load again" {
    local broker
    broker=$(pgrep -P "$VIREO_DAEMON" vireo-broker)
    kill -KILL "$broker"
    eventually 20 answers
    eventually 10 nothing_left
}
