#!/usr/bin/env bats
# Functions that carry eBPF programs: what they may, what they see, and what is left of them.
load helper
load bpf_own

setup_file() {
    MODULES=$(mktemp -d /tmp/vireo-bpf-test.XXXXXX)
    export MODULES LIBRARIES=
    export VIREO_STATE=$MODULES/state
    if [ "$(id -u)" = 0 ] && [ -r /sys/kernel/btf/vmlinux ]; then
        local example
        for example in execsnoop syscalls packets; do
            "$VIREO" -q bpf build "$TOP/examples/bpf/$example" -o "$MODULES/$example.wasm" || return 1
        done
        "$VIREO" -q bpf build "$FUNCTIONS/bpf" -o "$MODULES/attack.wasm"
        bpf_own_uids "$MODULES"
    fi
}

teardown_file() {
    bpf_own_end
    rm -rf "$MODULES"
}

setup() {
    need_root
    [ -r /sys/kernel/btf/vmlinux ] || skip "the kernel has no type information of its own"
    # What another test's guest said is no answer to this one's.
    rm -f "$MODULES/out" "$MODULES/err"
}

teardown() {
    local pid
    for pid in ${RUN_PID-} ${HELPERS-}; do
        kill -KILL "$pid" 2>/dev/null || true
    done
}

said() {
    grep -qs "$1" "$MODULES/$2"
}

@test "a tracepoint's events reach the guest through a ring buffer" {
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/execsnoop.wasm" \
        >"$MODULES/out" 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    eventually 30 said ready err
    cp /bin/true "$MODULES/a-program-of-ours"
    "$MODULES/a-program-of-ours"
    eventually 20 said " a-program-of-ou $MODULES/a-program-of-ours" out
    grep -Eq "^[0-9]+ $BASHPID a-program-of-ou" "$MODULES/out"
    # And of its end, with its status and how long it ran.
    ("$MODULES/a-program-of-ours" && exec -a ends-badly bash -c 'exit 7') || true
    bash -c 'kill -TERM $$' || true
    eventually 20 said "^[0-9]* [0-9]* a-program-of-ou ended with 0 after [1-9][0-9]* us" out
    eventually 20 said "^[0-9]* [0-9]* bash ended with 7 after [1-9]" out
    eventually 20 said "^[0-9]* [0-9]* bash ended by signal 15 after [1-9]" out
    kill -TERM "$RUN_PID"
    wait "$RUN_PID" || true
    eventually 10 nothing_left
}

@test "a hash and a map per processor are read by the guest, of its own control group alone" {
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/syscalls.wasm"
    # 25 of its own, however many others sleep on this machine.
    [[ $output == *$'sleeps 25\ncounted' ]]
    eventually 10 nothing_left
}

@test "packets of a control group are counted: its own, another only with bpf=host" {
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/packets.wasm"
    [[ $output == *"icmp 0 tcp 0 udp 0" ]]
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/packets.wasm" /
    [ "$status" = 1 ]
    [[ $output == *"cannot attach 'on_egress' to '/': Operation not permitted"* ]]
    # Where the tree is mounted its own group is all that there is.
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/packets.wasm" /sys/fs/cgroup/
    [[ $output == *"icmp 0 tcp 0 udp 0" ]]
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/packets.wasm" / 4 \
        >"$MODULES/out" 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    # As long as it counts, however late the one or the other is at it.
    while alive "$RUN_PID"; do
        echo x >/dev/udp/127.0.0.1/9 || true
        sleep 0.05
    done 2>/dev/null
    wait "$RUN_PID"
    RUN_PID=
    grep -Eq 'udp [1-9]' "$MODULES/out"
}

@test "each kind of the machine's is attached, or refused with the kernel's reason" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_kinds" -o "$MODULES/kinds.wasm"
    run "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/kinds.wasm"
    echo "$output"
    [ "$status" = 0 ]
    local kind probes=-95
    for kind in raw_tp tp_btf perf xdp tc socket sockops; do
        [[ $output == *"on_$kind 0"* ]]
    done
    [ ! -e /sys/bus/event_source/devices/kprobe ] || probes=0
    [[ $output == *"on_kprobe $probes"*"on_kretprobe $probes"*"on_xdp -16"*"on_nothing -2"* ]]
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/kinds.wasm"
    [ "$status" = 1 ]
    [[ $output == *"sees more than the function (that needs bpf: host)"* ]]
}

@test "a module that was written for wasm-bpf finds what it asks for there" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_public" -o "$MODULES/public.wasm"
    gcc -O1 -o "$MODULES/victim" "$FUNCTIONS/bpf_victim.c"
    "$MODULES/victim" 3>&- &
    HELPERS=$!
    local tree=/sys/fs/cgroup
    [ ! -d "$tree/unified" ] || tree=$tree/unified
    cd "$MODULES"
    run "$VIREO" run --grant bpf=host --timeout 60s --dir "$tree::/sys/fs/cgroup" public.wasm directory
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"directory yes"* ]]
}

# The object alone, as wasm-bpf's modules carry it: NAME.
bare_object() {
    clang -g -O2 -target bpf -idirafter /usr/include/x86_64-linux-gnu -c "$FUNCTIONS/$1.bpf.c" -o "$MODULES/$1.bpf.o"
    llvm-strip -g "$MODULES/$1.bpf.o"
}

@test "a module that was built by other tools imports the six by their bare types, of 'wasm_bpf' or of 'env': every result" {
    local module
    bare_object bpf_imports
    xxd -i -n object "$MODULES/bpf_imports.bpf.o" >"$MODULES/object.h"
    for module in '-DMODULE="wasm_bpf"' -Wl,--allow-undefined; do
        clang --target=wasm32-wasi -O2 "$module" -I "$MODULES" "$FUNCTIONS/bpf_imports.c" -o "$MODULES/imports.wasm"
        run "$VIREO" run --grant bpf --timeout 60s "$MODULES/imports.wasm"
        echo "$module: $output"
        [ "$status" -eq 0 ] # else the line of tests/system/functions/bpf_imports.c
    done
    # The grant is needed by that name too, and nothing else is there.
    run "$VIREO" run "$MODULES/imports.wasm"
    [ "$status" -eq 4 ]
    [[ $output == *"(eBPF), which needs the grant bpf"* ]]
}

@test "each kind acts: probes, iterators, sockets, struct_ops; what goes beyond wasm-bpf does what it says" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_acts" -o "$MODULES/acts.wasm"
    gcc -O1 -o "$MODULES/victim" "$FUNCTIONS/bpf_victim.c"
    "$MODULES/victim" 3>&- &
    HELPERS=$!
    python3 "$BATS_TEST_DIRNAME/bpf_traffic.py" 3>&- &
    HELPERS="$HELPERS $!"
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/acts.wasm" "$MODULES/victim:probed_here" \
        >"$MODULES/out" 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    # While a struct_ops is attached the kernel offers it.
    if ! eventually 40 said '^struct_ops' out; then cat "$MODULES/out" "$MODULES/err"; false; fi
    if said '^struct_ops acts' out; then
        grep -q vireo_steady /proc/sys/net/ipv4/tcp_available_congestion_control
    fi
    wait "$RUN_PID" || true
    RUN_PID=
    cat "$MODULES/out" "$MODULES/err"
    grep -q '^all as it should be' "$MODULES/out"
    not grep -q ' idle$' "$MODULES/out"
    not grep -q vireo_steady /proc/sys/net/ipv4/tcp_available_congestion_control
    # What this kernel has not, it has refused itself.
    local kind
    for kind in fentry fexit lsm; do
        said "^on_$kind acts" out || said "load program 'on_$kind': the kernel refuses it: " err
    done
    eventually 10 nothing_left
}

@test "every section that libbpf attaches by its name is attached, or refused with the reason" {
    # shellcheck source=../vm/sections.bash
    source "$TOP/tests/vm/sections.bash"
    "$VIREO" -q bpf build "$TOP/tests/vm/functions/sections" -o "$MODULES/sections.wasm"
    "$VIREO" run --grant bpf=host --timeout 120s "$MODULES/sections.wasm" >"$MODULES/out" 2>"$MODULES/err"
    # A kernel without kprobes, trampolines for functions or a list of them says so; nothing else is missing.
    sections_check "$MODULES/out" "$MODULES/err" '^(kprobe|kretprobe|ksyscall|kretsyscall|fentry|fexit|fmod_ret|lsm)'
    # Without host only those that see their own group are let in: a socket's map has none in it yet.
    "$VIREO" run --grant bpf --timeout 120s "$MODULES/sections.wasm" >"$MODULES/out" 2>"$MODULES/err"
    [ -z "$(grep ' attached$' "$MODULES/out" | grep -vE '^(tracepoint/syscalls|tp/sched/sched_process_exit|sk_skb|sk_msg)' || true)" ]
    eventually 10 nothing_left
}

# example NAME ARGUMENT...: its output, with the whole machine granted.
example() {
    [ -e "$MODULES/$1.wasm" ] ||
        "$VIREO" -q bpf build "$TOP/examples/bpf/$1" -o "$MODULES/$1.wasm"
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/$1.wasm" "${@:2}"
}

@test "the examples show what the machine does: waits, calls, packets, connections, files, processes" {
    gcc -O1 -o "$MODULES/victim" "$FUNCTIONS/bpf_victim.c"
    "$MODULES/victim" 3>&- &
    HELPERS=$!
    python3 "$BATS_TEST_DIRNAME/bpf_traffic.py" 3>&- &
    HELPERS="$HELPERS $!"
    while sleep 0.05; do echo x >/dev/udp/127.0.0.1/17326 || true; done 2>/dev/null 3>&- &
    HELPERS="$HELPERS $!"
    run example runqlat 1
    [[ $output == *"us below"*"*"* ]]
    run example calls "$MODULES/victim:probed_here" 1
    [[ $output == [1-9]*" calls, "* ]]
    run example calls "$MODULES/victim:no_such_function" 1
    [[ $output == *"No such file or directory"* ]]
    run example xdpcount lo 1 17326
    [[ $output == *$'packets '[1-9]*$'dropped '[1-9]* ]]
    run example relay 1 /
    [[ $output == *"connections "[1-9]*" messages "[1-9]* ]]
    run example opens 3
    [ "$status" = 0 ]
    run example top
    [[ $output == *PID*CPU%*NAME* ]]
    # Without host those that look at the machine are refused, by the kind or by what it sees.
    run "$VIREO" run --grant bpf "$MODULES/runqlat.wasm" 1
    [[ $output == *"is of kind tp_btf, which sees more than the function"* ]]
    run "$VIREO" run --grant bpf "$MODULES/calls.wasm" "$MODULES/victim:probed_here" 1
    [[ $output == *"is of kind uprobe, which sees more than the function"* ]]
    # Its own sockets are its own to relay.
    run "$VIREO" run --grant bpf "$MODULES/relay.wasm" 1
    [[ $output == *"connections 0 messages 0"* ]]
}

# Opens the file once more, for a busy machine fills the ring with others' files: FILE.
opened() {
    echo opened >"$1"
    said "^[0-9]* [^ ]* $1\$" out
}

# A guest in another language, which prints files as they are opened: LANGUAGE.
opens_in() {
    "$TOP/examples/bpf/opens-$1/build" "$MODULES/opens-$1.wasm"
    "$VIREO" run --grant bpf=host --timeout "${2:-30s}" "$MODULES/opens-$1.wasm" >"$MODULES/out" 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    eventually "${3:-30}" said '^ready' err
    eventually 10 opened "$MODULES/opened-by-$1"
    kill -TERM "$RUN_PID"
    wait "$RUN_PID" || true
    RUN_PID=
}

@test "tracepoints are found where tracefs is mounted nowhere" {
    run unshare -m sh -c 'mount -t tmpfs none /sys/kernel/tracing && exec "$@"' sh \
        "$VIREO" run --grant bpf --timeout 60s "$MODULES/syscalls.wasm"
    echo "$output"
    [[ $output == *$'sleeps 25\ncounted' ]]
}

@test "a guest in Rust loads, attaches and is called with samples" {
    [ -x "${RUSTC:-/usr/bin/rustc}" ] || skip "Debian's rustc is missing"
    opens_in rust
}

@test "a guest in AssemblyScript loads, attaches and is called with samples" {
    command -v "${ASC:-asc}" >/dev/null || command -v npm >/dev/null || skip "npm is missing (scripts/deps npm)"
    XDG_CACHE_HOME=${XDG_CACHE_HOME:-$BUILD/test-cache}
    export XDG_CACHE_HOME
    opens_in assemblyscript
}

# Its module is 2.4 MB, which begins as it is compiled first.
@test "a guest in Go loads, attaches and takes samples" {
    [ -x "${GO:-/usr/lib/go-1.23/bin/go}" ] || skip "golang-1.23-go is missing (scripts/deps go)"
    opens_in go 300s 240
}

@test "a guest of TinyGo polls by its own import, and is called by its export" {
    bare_object bpf_tinygo
    # The object, as the data of a module that is written by hand.
    python3 - "$FUNCTIONS/bpf_tinygo.wat" "$MODULES/bpf_tinygo.bpf.o" >"$MODULES/tinygo.wat" <<'END'
import sys
text, data = open(sys.argv[1]).read(), open(sys.argv[2], "rb").read()
text = text.replace("OBJECT_BYTES", str(len(data)))
print(text.replace("OBJECT", "".join("\\%02x" % byte for byte in data)))
END
    wat2wasm -o "$MODULES/tinygo.wasm" "$MODULES/tinygo.wat"
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/tinygo.wasm"
    echo "$output"
    # Its exit status is the number of samples that its export was called with.
    [ "$status" = 3 ]
}

@test "a skeleton's structures are where the programs have them, and --events json prints them" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_shapes" -o "$MODULES/shapes.wasm"
    run "$VIREO" bpf run "$MODULES/shapes.wasm"
    [ "$status" = 0 ]
    [ "$output" = "as the program wrote it" ]
    "$VIREO" bpf run "$MODULES/shapes.wasm" --events json >"$MODULES/out" 2>"$MODULES/err"
    # What the module prints is not among the samples.
    grep -q "as the program wrote it" "$MODULES/err"
    jq -e '.map == "events" and .type == "shape" and .name == "a\"b\n" and .where == "0x123456789abcdef0"
        and .bytes == 1099511627776 and .after == -5 and .low == 1 and .high == -1 and .whole == -65535
        and .colour == 7 and .["inner.mark"] == 120 and .numbers == [-1, 0, 3]
        and .flag == -2 and .other == 100 and .apart == 536870912 and .["two.1.large"] == -70000' "$MODULES/out"
    run "$VIREO" bpf run "$MODULES/shapes.wasm" --events xml
    [ "$status" = 2 ]
}

@test "a member whose name lies outside of the object has none in its skeleton" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_shapes/shapes.bpf.c" -o "$MODULES/nameless.bpf.o"
    "$VIREO" bpf skel "$MODULES/nameless.bpf.o" | grep -q '"shape.where"'
    python3 "$BATS_TEST_DIRNAME/bpf_self.py" "$MODULES/nameless.bpf.o" shape where name
    "$VIREO" bpf skel "$MODULES/nameless.bpf.o" >"$MODULES/skeleton"
    grep -q '"shape.whole"\|"shape.after"' "$MODULES/skeleton"
    ! grep -q '"shape.where"' "$MODULES/skeleton"
}

@test "an object that is cut or has a structure within itself gets no skeleton, but the reason" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_shapes/shapes.bpf.c" -o "$MODULES/whole.bpf.o"
    local bytes
    for bytes in 0 20 64 500 1500; do
        head -c "$bytes" "$MODULES/whole.bpf.o" >"$MODULES/cut.bpf.o"
        run "$VIREO" bpf skel "$MODULES/cut.bpf.o"
        [ "$status" != 0 ]
        [ "${#lines[@]}" -eq 1 ]
        [[ $output == "vireo: cannot make the skeleton of '$MODULES/cut.bpf.o': "* && $output != *"Unknown error"* ]]
    done
    python3 "$BATS_TEST_DIRNAME/bpf_self.py" "$MODULES/whole.bpf.o" shape inner
    run "$VIREO" bpf skel "$MODULES/whole.bpf.o"
    [[ $output == *": its type information: a structure has itself"* ]]
}

@test "a uprobe's file is where the policy says, not where links from there lead" {
    [ -e "$MODULES/calls.wasm" ] || "$VIREO" -q bpf build "$TOP/examples/bpf/calls" -o "$MODULES/calls.wasm"
    mkdir -p "$MODULES/probes" "$MODULES/may" "$MODULES/other"
    gcc -O1 -o "$MODULES/other/victim" "$FUNCTIONS/bpf_victim.c"
    cp "$MODULES/other/victim" "$MODULES/may/victim"
    ln -sfn ../other/victim "$MODULES/may/link"
    ln -sfn "$MODULES/other" "$MODULES/may/folder"
    ln -sfn victim "$MODULES/may/near"
    cp "$MODULES/calls.wasm" "$MODULES/probes/"
    printf 'name: probes\nsources: [calls.wasm]\ngrants:\n  bpf: true\nbpf: {host: true, attach: ["%s/may/*"]}\n' "$MODULES" \
        >"$MODULES/probes/vireo.yaml"
    local path
    for path in victim near ./victim; do
        run "$VIREO" run --grant bpf=host "$MODULES/probes" "$MODULES/may/$path:probed_here" 0
        echo "$output"
        [[ $output == *" calls, "* ]]
    done
    for path in link folder/victim; do
        run "$VIREO" run --grant bpf=host "$MODULES/probes" "$MODULES/may/$path:probed_here" 0
        echo "$output"
        [[ $output == *"its links lead to a file that the policy's attach points do not have"* ]]
    done
}

# kfunc_run POLICY
kfunc_run() {
    mkdir -p "$MODULES/kfunc"
    [ -e "$MODULES/kfunc/kfunc.wasm" ] || "$VIREO" -q bpf build "$FUNCTIONS/bpf_kfunc" -o "$MODULES/kfunc/kfunc.wasm"
    printf 'name: kfunc\nsources: [kfunc.wasm]\ngrants:\n  bpf: true\nbpf: %s\n' "$1" >"$MODULES/kfunc/vireo.yaml"
    while sleep 0.1; do /bin/true; done 3>&- &
    HELPERS=$!
    run "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/kfunc"
    kill "$HELPERS"
    echo "$output"
}

@test "functions of the kernel are called as the policy names them, and with host alone" {
    kfunc_run "{host: true, kfuncs: [bpf_task_acquire, bpf_task_release]}"
    [ "$status" = 0 ]
    [ "$output" = acquired ]
    local policy
    for policy in "{host: true}" "{host: true, kfuncs: [bpf_task_acquire]}" "{host: true, kfuncs: [bpf_task_acquire, no_such]}"; do
        kfunc_run "$policy"
        [ "$status" = 1 ]
        [[ $output == *"it calls a function of the kernel (kfunc) that the policy does not allow"* ]]
    done
    kfunc_run "{kfuncs: [bpf_task_acquire]}"
    [[ $output == *"the kfunc 'bpf_task_acquire' can't be asked for without host"* ]]
}

@test "a map that was closed counts as long as a program has it" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_held" -o "$MODULES/held.wasm"
    run "$VIREO" run --grant bpf "$MODULES/held.wasm"
    [ "$status" -eq 0 ]
    [ "${lines[-1]}" = "1 0 1" ]
    [[ $output == *"larger than"*"which the policy allows"* ]]
}

need_bombs() {
    [ -e "$MODULES/bombs.wasm" ] || "$VIREO" -q bpf build "$FUNCTIONS/bpf_bombs" -o "$MODULES/bombs.wasm"
}

@test "functions that call functions are counted as the kernel would go through them" {
    need_bombs
    run "$VIREO" run --grant bpf "$MODULES/bombs.wasm" deep
    echo "$output"
    [[ $output == *"program 'on_deep' calls its functions, and these theirs, over more than 1000000 instructions"*"on_deep refused"* ]]
    [[ $output == *"on_flat loaded"* ]]
    # Each is gone through where it is called, and its steps counted: none is taken for itself.
    [[ $output == *"on_static loaded"* ]]
}

@test "a map that another map, a jump table or a socket holds counts, whoever names that" {
    need_bombs
    run "$VIREO" run --grant bpf "$MODULES/bombs.wasm"
    echo "$output"
    local what
    for what in "a program's jumps" "a program's map of maps" "a program's sockets"; do
        [[ $output == *"$what: 1"* ]]
    done
    for what in "pinned jumps" "a pinned map of maps" "pinned sockets"; do
        [[ $output == *"$what: can't be held"* ]]
    done
    eventually 10 nothing_left
}

@test "no more programs are loaded than the policy says" {
    need_bombs
    mkdir -p "$MODULES/few"
    cp "$MODULES/bombs.wasm" "$MODULES/few/"
    printf 'name: few\nsources: [bombs.wasm]\ngrants:\n  bpf: true\nbpf: {program_count: 5}\n' >"$MODULES/few/vireo.yaml"
    run "$VIREO" run --grant bpf "$MODULES/few" programs
    echo "$output"
    # Five at once, each closed before the next five.
    [ "$(grep -c '^programs: 5$' <<<"$output")" = 2 ]
    [[ $output == *"it has 0 maps and 1 programs, the policy allows "*" and 0"* ]]
    eventually 10 nothing_left
}

@test "of all helper functions, by number, those of the caller alone get past the policy" {
    local number past
    local own="1 2 3 5 7 8 12 14 15 16 25 26 28 46 47 52 53 59 60 61 62 63 68 70 71 72 80 81 87 88 89 93 94 95 96 101 102 103"
    own+=" 105 106 107 108 112 114 118 125 130 131 132 133 134 160 174 182 186 195 208 42"
    need_bombs
    run "$VIREO" run --grant bpf "$MODULES/bombs.wasm" helpers
    [ "$status" = 0 ]
    past=$(grep -A1 '^-- packet ' <<<"$output" | grep -v '^--$' | paste - - | grep -v 'which the policy does not allow' |
        sed 's/^-- packet \([0-9]*\).*/\1/' | sort -n)
    # Of a packet's program less what tells of whoever runs at the moment.
    [ "$past" = "$(tr ' ' '\n' <<<"$own" | grep -vxE '14|15|16|80|112|114' | sort -n)" ]
    past=$(grep -A1 '^-- tracepoint ' <<<"$output" | grep -v '^--$' | paste - - | grep -v 'which the policy does not allow' |
        sed 's/^-- tracepoint \([0-9]*\).*/\1/' | sort -n)
    [ "$past" = "$(tr ' ' '\n' <<<"$own" | grep -vx 12 | sort -n)" ]
}

@test "a build that is interrupted leaves no folder of its own" {
    local before builder folder
    before=$(ls -d /tmp/vireo-bpf.* 2>/dev/null || true)
    "$VIREO" bpf build "$FUNCTIONS/bpf_shapes" -o "$MODULES/never.wasm" >/dev/null 2>&1 3>&- &
    builder=$!
    new_folder() {
        folder=$(comm -13 <(sort <<<"$before") <(ls -d /tmp/vireo-bpf.* 2>/dev/null | sort) | head -n 1)
        [ -n "$folder" ]
    }
    eventually 10 new_folder
    kill -TERM "$builder"
    wait "$builder" || [ $? -eq 143 ]
    [ ! -e "$folder" ]
    [ ! -e "$MODULES/never.wasm" ]
}

# sum_lost FILE PATTERN: of the numbers behind it.
sum_lost() {
    grep -o "$2[0-9]*" "$1" | grep -o '[0-9]*$' | awk '{sum += $1} END {print sum + 0}'
}

@test "samples that a full perf event array dropped are counted, and told of; what could be two structures is bytes" {
    local taken
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_lost" -o "$MODULES/lost.wasm"
    # On one processor, whose buffer is the one that is full.
    taskset -c 0 "$VIREO" run --grant bpf --timeout 60s "$MODULES/lost.wasm" >"$MODULES/out" 2>"$MODULES/err"
    cat "$MODULES/out" "$MODULES/err"
    taken=$(sed -n 's/^taken \([0-9]*\) of 310$/\1/p' "$MODULES/out")
    [ "$taken" -gt 10 ]
    [ "$(sum_lost "$MODULES/err" "lost ")" -eq $((310 - taken)) ]
    grep -q "samples of 'events', whose buffer was full" "$MODULES/err"
    taskset -c 0 "$VIREO" bpf run "$MODULES/lost.wasm" --events json >"$MODULES/out" 2>"$MODULES/err"
    [ "$(grep -c '"bytes":"' "$MODULES/out")" -eq "$(sed -n 's/^taken \([0-9]*\) of 310$/\1/p' "$MODULES/err")" ]
    [ "$(jq -s 'map(.lost // 0) | add' "$MODULES/out")" -eq $((310 - $(grep -c '"bytes":"' "$MODULES/out"))) ]
}

@test "the buffers of a perf event array are map memory" {
    local folder=$MODULES/buffers memory
    [ -e "$MODULES/lost.wasm" ] || "$VIREO" -q bpf build "$FUNCTIONS/bpf_lost" -o "$MODULES/lost.wasm"
    mkdir -p "$folder"
    cp "$MODULES/lost.wasm" "$folder/"
    for memory in 16MiB 28KiB; do
        printf 'name: buffers\nsources: [lost.wasm]\ngrants:\n  bpf: true\nbpf: {map_memory: %s}\n' "$memory" >"$folder/vireo.yaml"
        run "$VIREO" run --grant bpf --timeout 60s "$folder"
        echo "$output"
        if [ "$memory" = 16MiB ]; then
            [[ $output == *"taken "* ]]
        else
            [[ $output != *"taken "* && $output == *"with map 'events' its maps are larger than 28672 bytes"* ]]
        fi
    done
    eventually 10 nothing_left
}

@test "no more samples a second than the policy says, and none is lost meanwhile" {
    mkdir -p "$MODULES/slow"
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_pace" -o "$MODULES/slow/pace.wasm"
    printf 'name: slow\nsources: [pace.wasm]\ngrants:\n  bpf: true\nbpf:\n  events: 10\n' >"$MODULES/slow/vireo.yaml"
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/slow"
    echo "$output"
    [[ $output == "25 samples in order, 2"* || $output == "25 samples in order, 3"* ]]
}

@test "without the grant it is refused by name, and a manifest's wish is the user's to grant" {
    run "$VIREO" run "$MODULES/syscalls.wasm"
    [ "$status" = 4 ]
    [[ $output == *"it imports 'wasm_bpf' (eBPF), which needs the grant bpf"* ]]
    mkdir -p "$MODULES/wish"
    cp "$MODULES/syscalls.wasm" "$MODULES/wish/"
    printf 'name: wish\nsources: [syscalls.wasm]\ngrants:\n  bpf: true\n' >"$MODULES/wish/vireo.yaml"
    run "$VIREO" run "$MODULES/wish"
    [[ $output == *"asks for 'bpf' (grant it by --grant bpf)"* ]]
}

@test "functions share a tracepoint: each sees its own group, four programs each, and none reads behind the record" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_hooks" -o "$MODULES/hooks.wasm"
    local pids=() pid i
    for i in 1 2 3; do
        "$VIREO" run --grant bpf --timeout 60s "$MODULES/hooks.wasm" >"$MODULES/out$i" 2>&1 3>&- &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || true
    done
    cat "$MODULES"/out[123]
    [ "$(grep -cx 'as it should be' "$MODULES"/out[123] | grep -c ':1$')" = 3 ]
    grep -q "cannot attach 'on_4' to 'raw_syscalls/sys_enter': the function has 4 programs there" "$MODULES/out1"
    eventually 10 nothing_left
}

# refused PROGRAM WORDS...: the line about it, on standard error, has them.
refused() {
    grep -qx "$1 refused" "$MODULES/out"
    sed -n "/^-- $1\$/{n;p}" "$MODULES/err" | grep -qF "${*:2}"
}

@test "without host no program gives out an address, reads the kernel, changes others or holds a processor" {
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_escape" -o "$MODULES/escape.wasm"
    "$VIREO" run --grant bpf --timeout 60s "$MODULES/escape.wasm" >"$MODULES/out" 2>"$MODULES/err"
    cat "$MODULES/out" "$MODULES/err"
    # What may be is loaded, and nothing else.
    [ "$(grep ' loaded$' "$MODULES/out")" = "on_good loaded" ]
    local name
    for name in context value stack sample event flags map map_sample map_event map_flags compare shift; do
        refused "leak_$name" "without host it may give out no address of the kernel: "
    done
    refused leak_packet "R6 leaks addr into map"
    refused leak_socket "R1 leaks addr into map"
    refused leak_tail "it calls the helper tail_call (12)"
    refused read_text "it calls the helper snprintf (165)"
    refused read_kernel "it calls the helper probe_read_kernel (113)"
    refused read_any "it calls the helper probe_read (4)"
    refused read_task "it calls the helper get_current_task (35)"
    refused signals "it calls the helper send_signal (109)"
    refused writes_user "it calls the helper probe_write_user (36)"
    refused by_number "it calls the helper unknown (4000)"
    refused loops "it calls the helper loop (181)"
    refused each "it calls the helper for_each_map_elem (164)"
    refused drains "it calls the helper user_ringbuf_drain (209)"
    refused is_long "steps to verify, without host it may be 131072"
    for name in raw_tp tp_btf fentry fexit fmod_ret kprobe kretprobe lsm iter perf_event xdp tc socket sk_lookup \
        flow_dissector; do
        refused "kind_$name" "is of kind $name, which sees more than the function (that needs bpf: host)"
    done
    refused kind_others_tracepoint "it tells of others than the function"
    refused kind_sleeps "is of kind uprobe, which sees more than the function"
    refused kind_system "is not supported"
    # With host what changes others is nobody's all the same.
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/escape.wasm" >"$MODULES/out" 2>"$MODULES/err"
    refused signals "it calls the helper send_signal (109)"
    refused writes_user "it calls the helper probe_write_user (36)"
    refused by_number "it calls the helper unknown (4000)"
    eventually 10 nothing_left
}

@test "what sees more than the function is refused without host, with the reason" {
    run "$VIREO" run --grant bpf "$MODULES/execsnoop.wasm"
    [ "$status" = 1 ]
    [[ $output == *"it calls the helper get_current_task (35), which the policy does not allow"* ]]
    eventually 10 nothing_left
}

@test "a guest that is killed in the middle of a poll leaves no program, map or link" {
    "$VIREO" run --grant bpf=host "$MODULES/execsnoop.wasm" >/dev/null 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    eventually 30 said ready err
    [ -n "$(bpf_own_programs)" ]
    kill -KILL "$(pgrep -P "$RUN_PID" vireo-guest)"
    wait "$RUN_PID" || true
    eventually 10 nothing_left
}

need_crafted() {
    [ -e "$MODULES/crafted.wasm" ] || "$VIREO" -q bpf build "$FUNCTIONS/bpf_crafted" -o "$MODULES/crafted.wasm"
}

@test "a module that only polls is told when its broker has gone" {
    local begin=$SECONDS
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/execsnoop.wasm" >/dev/null 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    eventually 30 said ready err
    kill -KILL "$(pgrep -P "$RUN_PID" vireo-broker)"
    eventually 20 not alive "$RUN_PID"
    cat "$MODULES/err"
    # By its own word, or with its command, which saw it first.
    said 'cannot poll: -5\|broker' err
    wait "$RUN_PID" || true
    RUN_PID=
    eventually 10 nothing_left
}

# A link holds its program, and so does a pin: none is left where no program and no map is.
@test "a module that is killed in the middle of a load leaves no program, link, map or pin" {
    local moment before
    need_crafted
    before=$(bpf_maps)
    for moment in 0 0.02 0.05 0.1 0.2; do
        "$VIREO" run --grant bpf --timeout 60s "$MODULES/crafted.wasm" loads >/dev/null 2>&1 3>&- &
        RUN_PID=$!
        # Wherever it is in its start or its loads: it loads the same object until it is killed.
        eventually 20 pgrep -P "$RUN_PID" vireo-guest
        sleep "$moment"
        kill -KILL $(pgrep -P "$RUN_PID" vireo-guest)
        wait "$RUN_PID" || true
    done
    RUN_PID=
    eventually 10 nothing_left
    eventually 10 no_map_since "$before"
}

@test "every attack of a module on its host is answered with an error, and ends nothing" {
    run "$VIREO" run --grant bpf --timeout 120s "$MODULES/attack.wasm"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"all refused"* ]]
    eventually 10 nothing_left
}

@test "an instance that writes to its broker by itself, of any length, order and descriptors, ends its session or hears an error; its neighbour is served" {
    local seed=$RANDOM
    run timeout 300 "$BUILD/tests/liars/lying_instance" "$BUILD/vireo-broker" "$BUILD/vireo-bpf" "$seed"
    echo "seed $seed: $output"
    [ "$status" = 0 ]
    [[ $output == *"ok all" ]]
}

@test "a callback that never returns is ended by the function's time" {
    run timeout 30 "$VIREO" run --grant bpf --timeout 1s "$MODULES/attack.wasm" spin
    echo "$output"
    [[ $status != 0 && $status != 124 ]]
    eventually 10 nothing_left
}

@test "the memory of maps is the function's own" {
    [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ] || skip "memory is counted in the tree of v2"
    mkdir -p "$MODULES/memory"
    cp "$MODULES/attack.wasm" "$MODULES/memory/"
    printf 'name: memory\nsources: [attack.wasm]\nlimits: {memory: 16MiB}\ngrants:\n  bpf: true\nbpf: {map_memory: 256MiB}\n' \
        >"$MODULES/memory/vireo.yaml"
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/memory" memory
    echo "$output"
    # 16 MiB, and what a function has for itself: not the 128 that the policy would allow.
    [[ $output == *"make map 'big': Cannot allocate memory"* && $output == *[1-5]" maps"* ]]
    eventually 10 nothing_left
}

@test "what takes a kept attachment over stays where that was, and its maps count with the pins" {
    mkdir -p "$MODULES/take"
    "$VIREO" -q bpf build "$FUNCTIONS/bpf_take" -o "$MODULES/take/take.wasm"
    printf 'name: take\nsources: [take.wasm]\ngrants:\n  bpf: true\nbpf: {host: true, map_memory: 8MiB}\n' \
        >"$MODULES/take/vireo.yaml"
    "$VIREO" run --grant bpf=host --timeout 60s "$MODULES/take" >"$MODULES/out" 2>"$MODULES/err"
    cat "$MODULES/out" "$MODULES/err"
    # 22 is EINVAL, 122 EDQUOT.
    diff "$MODULES/out" - <<'END'
keep: 0
take over: 0
pin beside it: -122
pin: 0
keep: 0
take over beside it: -122
replace beside it: -122
replace: 0
pin beside what replaced: -122
keep at a place: 0
take over elsewhere: -22
take over where it is: 0
END
    grep -q "cannot take 'place' over: it is at 'syscalls/sys_enter_close', not at 'syscalls/sys_enter_openat'" \
        "$MODULES/err"
    eventually 10 nothing_left
}

@test "what loads for a function is charged to its groups for memory and processors, and is in none that its programs see" {
    "$VIREO" run --grant bpf=host "$MODULES/execsnoop.wasm" >/dev/null 2>"$MODULES/err" 3>&- &
    RUN_PID=$!
    eventually 30 said ready err
    session_is_charged "$RUN_PID"
    kill -TERM "$RUN_PID"
    wait "$RUN_PID" || true
    RUN_PID=
    eventually 10 nothing_left
}

@test "a callback that traps ends the call, and nothing of it is left" {
    run "$VIREO" run --grant bpf --timeout 60s "$MODULES/attack.wasm" body
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"trap in "*"unreachable"* ]]
    eventually 10 nothing_left
}

@test "a callback that is no function is a trap, as call_indirect's" {
    local how
    for how in trap type; do
        run "$VIREO" run --grant bpf --timeout 60s "$MODULES/attack.wasm" "$how"
        echo "$output"
        [ "$status" = 1 ]
        [[ $output == *"trap in 'main': undefined element or indirect call type mismatch"* ]]
    done
    eventually 10 nothing_left
}

@test "objects whose parts lie, instructions made by hand, handles that were closed: errors, and nothing else" {
    need_crafted
    run "$VIREO" run --grant bpf --timeout 180s "$MODULES/crafted.wasm"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"all refused"* ]]
    eventually 10 nothing_left
}

@test "broker, session or reader killed at any moment of a load: the module ends or is told, and the kernel has what it had" {
    need_crafted
    local before moment victim pids
    before=$(bpf_maps)
    for victim in vireo-broker vireo-bpf; do
        for moment in 0 0.005 0.02 0.04 0.08; do
            "$VIREO" run --grant bpf --timeout 60s "$MODULES/crafted.wasm" loads >/dev/null 2>"$MODULES/err" 3>&- &
            RUN_PID=$!
            eventually 20 pgrep -P "$RUN_PID" vireo-guest
            eventually 20 pgrep -P "$RUN_PID" "$victim"
            sleep "$moment"
            # The newest first: a session, or the reader's child.
            pids=$(pgrep -P "$RUN_PID" "$victim")
            pids="$(pgrep -P "${pids%%$'\n'*}" || true) $pids"
            if [ "$moment" = 0.02 ]; then
                kill -KILL ${pids%% *} 2>/dev/null || true
            fi
            kill -KILL $pids 2>/dev/null || true
            eventually 20 not alive "$RUN_PID"
            wait "$RUN_PID" || [ $? -lt 128 ]
            RUN_PID=
        done
    done
    eventually 10 nothing_left
    eventually 10 no_map_since "$before"
}
