#!/usr/bin/env bats
# The verbs of vireo-runtime: a container's life, what is an error, what survives a crash.

load helper
load engines

setup_file() {
    need_root
    BUNDLES=$(mktemp -d /tmp/vireo-oci.XXXXXX)
    export BUNDLES
    engine_rootfs "$BUNDLES/rootfs"
}

teardown_file() {
    rm -rf "${BUNDLES-}"
}

setup() {
    need_root
    DIR=$(mktemp -d "$BUNDLES/XXXXXX")
    ROOT=$DIR/state
    ID=vireo-verbs-$$-$BATS_TEST_NUMBER
    ln -s "$BUNDLES/rootfs" "$DIR/rootfs"
    "$BUILD/vireo-runtime" spec -b "$DIR"
    edit '.process.terminal = false | .linux.namespaces |= map(select(.type != "network"))
        | .process.args = ["sleep", "100"] | .root.readonly = false'
}

teardown() {
    runtime delete --force "$ID" >/dev/null 2>&1 || true
    rm -rf "$DIR"
}

# Changes the bundle's configuration by a jq expression.
edit() {
    jq "$@" "$DIR/config.json" >"$DIR/new.json"
    mv "$DIR/new.json" "$DIR/config.json"
}

runtime() {
    timeout 60 "$BUILD/vireo-runtime" --root "$ROOT" "$@" 3>&-
}

# Engines keep the streams open for as long as the container; here nobody reads them.
create() {
    runtime create -b "$DIR" "$@" "$ID" </dev/null >"$DIR/out" 2>&1
}

status() {
    runtime state "$ID" | jq -r .status
}

is() {
    [ "$(status)" = "$1" ]
}

nothing_left() {
    [ -z "$(ls "$ROOT")" ]
    [ -z "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" ]
    eventually 20 nobody_of "$DIR" "$ID"
}

@test "a bundle that is named in full is called so in the state, whatever leads there" {
    ln -s "$DIR" "$DIR/link"
    runtime create -b "$DIR/link/" "$ID" </dev/null >/dev/null 2>&1
    [ "$(runtime state "$ID" | jq -r .bundle)" = "$DIR/link" ]
    runtime delete --force "$ID"
}

@test "--pid-file takes nothing's place but a regular file's, and the container goes where it can't be written" {
    local file
    mkfifo "$DIR/pipe"
    ln -s "$DIR/elsewhere" "$DIR/link"
    for file in "$DIR/pipe" "$DIR/link" "$DIR" "$DIR/none/pid"; do
        run runtime create -b "$DIR" --pid-file "$file" "$ID" </dev/null
        echo "$file: $output"
        [ "$status" = 1 ]
        [[ $output == "vireo-runtime: cannot write '$file': "* ]]
        nothing_left
    done
    [ -p "$DIR/pipe" ]
    [ -L "$DIR/link" ]
    echo old >"$DIR/pid"
    create --pid-file "$DIR/pid"
    [ "$(runtime state "$ID" | jq .pid)" = "$(cat "$DIR/pid")" ]
}

@test "a container is created, started, stopped and deleted, and nothing is left" {
    create --pid-file "$DIR/pid"
    is created
    local pid
    pid=$(cat "$DIR/pid")
    [ "$(runtime state "$ID" | jq .pid)" = "$pid" ]
    [ "$(runtime state "$ID" | jq -r .bundle)" = "$(realpath "$DIR")" ]
    [ "$(runtime state "$ID" | jq -r .ociVersion)" = 1.2.0 ]
    [ "$(wc -c <"$DIR/pid")" = "${#pid}" ]
    runtime start "$ID"
    is running
    runtime kill "$ID" KILL
    eventually 10 is stopped
    [ "$(runtime state "$ID" | jq .pid)" = 0 ]
    runtime delete "$ID"
    not runtime state "$ID"
    nothing_left
}

@test "each operation is an error in the states that it is not for" {
    for verb in start state delete pause resume; do
        run runtime "$verb" "$ID"
        [ "$status" = 1 ]
        [[ $output == *"container does not exist"* ]]
    done
    run runtime kill "$ID" TERM
    [ "$status" = 1 ]
    for verb in create start run state kill delete exec pause resume update events ps; do
        run runtime "$verb"
        [ "$status" = 1 ]
        [[ $output == *missing* ]]
    done
    create
    run runtime delete "$ID"
    [ "$status" = 1 ]
    is created
    run create
    [ "$status" = 1 ]
    [[ $(cat "$DIR/out") == *"a container of this id exists"* ]]
    run runtime resume "$ID"
    [ "$status" = 1 ]
    runtime start "$ID"
    run runtime start "$ID"
    [ "$status" = 1 ]
    [[ $output == *"is running, not created"* ]]
    run runtime delete "$ID"
    [ "$status" = 1 ]
    is running
    runtime kill "$ID" 9
    eventually 10 is stopped
    run runtime kill "$ID" KILL
    [ "$status" = 1 ]
    [[ $output == *"not running"* ]]
    run runtime start "$ID"
    [ "$status" = 1 ]
    run runtime exec "$ID" true
    [ "$status" = 1 ]
}

@test "a created container can be killed, and delete --force ends one that runs" {
    create
    runtime kill "$ID" KILL
    eventually 10 is stopped
    runtime delete "$ID"
    create
    runtime start "$ID"
    runtime delete --force "$ID"
    nothing_left
    runtime delete --force "$ID"
}

@test "without a process create works and start is an error" {
    edit 'del(.process)'
    create
    is created
    run runtime start "$ID"
    [ "$status" = 1 ]
    [[ $output == *"has no process"* ]]
    eventually 10 is stopped
    runtime delete "$ID"
}

@test "run waits and gives the exit status and the signal, and takes signals itself" {
    edit '.process.args = ["sh", "-c", "echo in; exit 7"]'
    run runtime run -b "$DIR" "$ID"
    [ "$status" = 7 ]
    [ "$output" = in ]
    nothing_left
    edit '.process.args = ["sh", "-c", "trap \"exit 9\" TERM; touch /tmp/ready; while :; do sleep 0.05; done"]'
    rm -f "$BUNDLES/rootfs/tmp/ready"
    "$BUILD/vireo-runtime" --root "$ROOT" run -b "$DIR" "$ID" </dev/null 3>&- &
    local pid=$! code=0
    eventually 20 test -e "$BUNDLES/rootfs/tmp/ready"
    kill -TERM "$pid"
    wait "$pid" || code=$?
    [ "$code" = 9 ]
    nothing_left
}

@test "kill takes names, numbers and --all" {
    edit '.process.args = ["sh", "-c", "trap \"echo usr1 >/tmp/got\" USR1 37; touch /tmp/ready; while :; do sleep 0.05; done"]'
    rm -f "$BUNDLES"/rootfs/tmp/{got,ready}
    runtime run -d -b "$DIR" "$ID" </dev/null >/dev/null 2>&1
    eventually 10 test -e "$BUNDLES/rootfs/tmp/ready"
    # Real-time signals count as systemd, engines and glibc count them.
    for name in USR1 SIGUSR1 10 sigusr1 RTMIN+3 SIGRTMAX-27; do
        rm -f "$BUNDLES/rootfs/tmp/got"
        runtime kill "$ID" "$name"
        eventually 10 test -e "$BUNDLES/rootfs/tmp/got"
    done
    for name in NOSUCH 99 -1x ''; do
        run runtime kill "$ID" -- "$name"
        [ "$status" = 1 ]
    done
    runtime kill --all "$ID" KILL
    eventually 10 is stopped
}

@test "exec runs beside the process: flags, files, exit status, detached" {
    runtime run -d -b "$DIR" "$ID" </dev/null >/dev/null 2>&1
    run runtime exec -e A=b --cwd /tmp -u 3:4 -g 5 "$ID" sh -c 'echo $A; pwd; id -u; id -g; id -G; exit 6'
    [ "$status" = 6 ]
    [ "$output" = "$(printf 'b\n/tmp\n3\n4\n4 5')" ]
    jq '.process | .args = ["sh", "-c", "echo file; exit 3"]' "$DIR/config.json" >"$DIR/process.json"
    run runtime exec -p "$DIR/process.json" "$ID"
    [ "$status" = 3 ]
    [ "$output" = file ]
    runtime exec -d --pid-file "$DIR/pid" "$ID" sleep 50 </dev/null >/dev/null 2>&1
    [ "$(tr '\0' ' ' <"/proc/$(cat "$DIR/pid")/cmdline")" = "sleep 50 " ]
    [ "$(runtime ps -f json "$ID" | jq length)" = 2 ]
    run runtime exec "$ID" no-such-program
    [ "$status" = 1 ]
    [[ $output == *"no such file or directory"* ]]
    echo '{"args": "x"}' >"$DIR/process.json"
    run runtime exec -p "$DIR/process.json" "$ID"
    [ "$status" = 1 ]
    [[ $output == *"args: it must be a list"* ]]
}

@test "pause and resume, and list, ps and events show it" {
    runtime run -d -b "$DIR" "$ID" </dev/null >/dev/null 2>&1
    runtime pause "$ID"
    is paused
    run runtime exec "$ID" true
    [ "$status" = 1 ]
    [[ $(runtime list) == *"$ID"*paused* ]]
    runtime resume "$ID"
    is running
    [ "$(runtime list -q)" = "$ID" ]
    [ "$(runtime list -f json | jq -r '.[0].id')" = "$ID" ]
    [[ $(runtime ps "$ID") == *"sleep 100"* ]]
    [ "$(runtime events --stats "$ID" | jq .data.pids.current)" = 1 ]
    [ "$(runtime events --stats "$ID" | jq -r .id)" = "$ID" ]
}

@test "update takes flags and a file, and the limits arrive" {
    runtime run -d -b "$DIR" "$ID" </dev/null >/dev/null 2>&1
    runtime update --memory 64M --pids-limit 20 "$ID"
    [ "$(runtime events --stats "$ID" | jq .data.memory.usage.limit)" = $((64 << 20)) ]
    [ "$(runtime events --stats "$ID" | jq .data.pids.limit)" = 20 ]
    echo '{"pids": {"limit": 30}}' | runtime update -r - "$ID"
    [ "$(runtime events --stats "$ID" | jq .data.pids.limit)" = 30 ]
    for wrong in '--memory 1x' '--memory -2' '--cpuset-cpus 0-' '--blkio-weight 5' '--pids-limit many'; do
        # shellcheck disable=SC2086
        run runtime update $wrong "$ID"
        [ "$status" = 1 ]
        [[ $output == *"cannot read --"* ]]
    done
    echo '{"pids": {"limit": "x"}}' >"$DIR/resources.json"
    run runtime update -r "$DIR/resources.json" "$ID"
    [[ $output == *"pids.limit: it must be a whole number"* ]]
    [ "$(runtime events --stats "$ID" | jq .data.pids.limit)" = 30 ]
}

hook() { # NAME [COMMAND]
    jq -nc --arg n "$1" --arg out "$DIR/hooks" --arg more "${2:-true}" \
        '[{path: "/bin/sh", args: ["sh", "-c", ("echo " + $n + " $(jq -r .status) >>" + $out + "; " + $more)], env: ["PATH=/usr/bin:/bin"]}]'
}

@test "what other runtimes have and this one has not is said; a flag of theirs that changes nothing is taken" {
    local verb
    for verb in checkpoint restore; do
        run runtime $verb "$ID"
        [ "$status" = 1 ]
        [[ $output == *"cannot run '$verb': containers are not checkpointed by this runtime"* ]]
    done
    runtime --rootless auto list
    [ "$(runtime features | jq -c .potentiallyUnsafeConfigAnnotations)" != null ]
    run runtime --log "file:$DIR/log" --log-format json state no-such
    [ "$status" = 1 ]
    [ "$(jq -r .level "$DIR/log")" = error ]
    run runtime --log syslog:x list
    [ "$status" = 1 ]
    [[ $output == *"cannot log to 'syslog:x': there are PATH and file:PATH"* ]]
}

@test "--debug says each step, in the log or on standard error, and nothing without it" {
    local step
    edit --argjson a "$(hook createRuntime)" '.hooks = {createRuntime: $a} | .process.args = ["true"]'
    run runtime --log "$DIR/log" --log-format json run -b "$DIR" "$ID"
    [ "$status" = 0 ]
    [ -z "$output" ]
    [ ! -s "$DIR/log" ]
    run runtime --debug --log "$DIR/log" --log-format json run -b "$DIR" "$ID"
    [ -z "$output" ]
    [ "$(jq -r .level "$DIR/log" | sort -u)" = debug ]
    for step in "run, state in '$ROOT'" "control groups '/$ID' are made" "the container's process is" \
        "the namespaces are made" "1 hooks run: createRuntime" "all is mounted" "has executed its program"; do
        jq -r .msg "$DIR/log" | grep -F "$step"
    done
    run runtime --debug run -b "$DIR" "$ID"
    [[ $output == *"all is mounted"* ]]
}

@test "hooks run in their order with the state on standard input" {
    edit --argjson a "$(hook prestart)" --argjson b "$(hook createRuntime)" --argjson e "$(hook poststart)" \
        --argjson f "$(hook poststop)" '.hooks = {prestart: $a, createRuntime: $b, poststart: $e, poststop: $f}'
    create
    [ "$(cat "$DIR/hooks")" = "$(printf 'prestart created\ncreateRuntime creating')" ]
    runtime start "$ID"
    [ "$(tail -n 1 "$DIR/hooks")" = "poststart running" ]
    runtime delete --force "$ID"
    [ "$(tail -n 1 "$DIR/hooks")" = "poststop stopped" ]
    [ "$(wc -l <"$DIR/hooks")" = 4 ]
}

@test "a hook of create that fails or takes too long undoes it; one after start only warns" {
    edit --argjson a "$(hook prestart 'exit 5')" '.hooks = {prestart: $a}'
    run create
    [ "$status" = 1 ]
    [[ $(cat "$DIR/out") == *"cannot run the hook '/bin/sh': prestart hook failed with exit code 5"* ]]
    nothing_left
    edit --argjson a "$(hook createRuntime 'exec sleep 60')" '.hooks = {createRuntime: ($a | map(.timeout = 1))}'
    run create
    [ "$status" = 1 ]
    [[ $(cat "$DIR/out") == *"took longer than 1 s"* ]]
    nothing_left
    edit --argjson a "$(hook poststart 'exit 5')" --argjson b "$(hook poststop 'exit 6')" \
        '.hooks = {poststart: $a, poststop: $b}'
    create
    run runtime start "$ID"
    [ "$status" = 0 ]
    [[ $output == *warning*"poststart hook failed with exit code 5"* ]]
    is running
    run runtime delete --force "$ID"
    [ "$status" = 0 ]
    [[ $output == *warning*"poststop hook failed with exit code 6"* ]]
    nothing_left
}

@test "after a create that was killed, list works, the id is seen, and delete --force removes it all" {
    edit --argjson a "$(hook createRuntime 'kill -KILL $PPID; sleep 0.1')" '.hooks = {createRuntime: $a}'
    run create
    [ "$status" != 0 ]
    [ "$(runtime list -q)" = "$ID" ]
    run runtime list
    [ "$status" = 0 ]
    runtime delete --force "$ID"
    nothing_left
    # Not even the state file was written.
    touch "$ROOT/$ID.json"
    [ "$(runtime list -q)" = "$ID" ]
    [[ $(runtime list) == *"$ID"*stopped* ]]
    [ "$(runtime list -f json | jq length)" = 0 ]
    runtime delete --force "$ID"
    [ -z "$(ls "$ROOT")" ]
}

@test "a create that is killed at whatever moment leaves no process, and only what delete --force takes away" {
    local manager pause reader output
    mkfifo "$DIR/output"
    for manager in cgroupfs disabled; do
        for pause in 001 003 005 006 007 008 010 013; do
            # It reads as long as anybody has the container's output.
            cat "$DIR/output" >/dev/null 3>&- &
            reader=$!
            exec {output}>"$DIR/output"
            "$BUILD/vireo-runtime" --root "$ROOT" --cgroup-manager $manager create -b "$DIR" "$ID" \
                </dev/null >&"$output" 2>&1 {output}>&- 3>&- &
            exec {output}>&-
            sleep "0.$pause"
            kill -9 $! || true
            wait $! || true
            runtime delete --force "$ID"
            timeout 5 tail --pid=$reader -f /dev/null
            nothing_left
        done
    done
}

@test "a control group in which somebody lives, or below which, is not made a container's" {
    local path
    edit ".linux.cgroupsPath = \"/$ID/inner\""
    create
    for path in "/$ID/inner" "/$ID" "$ID/./inner"; do
        edit --arg p "$path" '.linux.cgroupsPath = $p'
        run runtime create -b "$DIR" "$ID-other" </dev/null
        echo "$output"
        [ "$status" != 0 ]
        [[ $output == *"cannot use control group '"*"there are processes in it"* ]]
    done
    is created
    runtime start "$ID"
    is running
    runtime delete --force "$ID"
    # As `cgroupsPath` was made with its parents, so it goes without them.
    find /sys/fs/cgroup -depth -type d -name "$ID" -exec rmdir {} + 2>/dev/null || true
    nothing_left
}

@test "a state file that is damaged is told, and hides no other container" {
    create
    printf '{"pid": 0\n{"id": 3\n' >"$ROOT/broken.json"
    run runtime list
    [ "$status" = 0 ]
    [[ $output == *"$ID"* ]]
    [[ $output == *"cannot read '$ROOT/broken.json'"* ]]
    # Nor does one that a full disk cut off.
    head -c 5000 /dev/zero | tr '\0' ' ' >"$ROOT/broken.json"
    [[ $(runtime list 2>&1) == *"$ROOT/broken.json': it is no container's state"* ]]
    # It goes by force alone.
    run runtime delete broken
    [ "$status" = 1 ]
    run runtime delete --force broken
    [ "$status" = 0 ]
    [[ $output == *"warning: 'broken': its state file is damaged: what it had besides is not known, and left" ]]
    [ ! -e "$ROOT/broken.json" ]
    is created
    # Of one that runs the first line has what is to be ended.
    runtime start "$ID"
    truncate -s 4200 "$ROOT/$ID.json"
    run runtime delete "$ID"
    [ "$status" = 1 ]
    run runtime delete --force "$ID"
    [ "$status" = 0 ]
    [[ $output == *"warning: '$ID': its state file is damaged: its processes and groups are removed, its hooks not run" ]]
    nothing_left
}

@test "a pid that was used again is not taken for the container" {
    create
    runtime kill "$ID" KILL
    eventually 10 is stopped
    sed -i "1s/\"pid\":[0-9]*/\"pid\":$$/" "$ROOT/$ID.json"
    [ "$(head -n 1 "$ROOT/$ID.json" | jq .pid)" = $$ ]
    is stopped
    run runtime kill "$ID" TERM
    [ "$status" = 1 ]
}

@test "features and spec are what the specification says; vireo oci runs the same" {
    runtime features >"$DIR/features"
    [ "$(jq -r .ociVersionMin "$DIR/features")" = 1.0.0 ]
    [ "$(jq -r '.linux.seccomp.enabled' "$DIR/features")" = true ]
    [ "$(jq '.linux.namespaces | length' "$DIR/features")" = 8 ]
    jq -e '.mountOptions | index("rro")' "$DIR/features"
    [ "$("$VIREO" oci --version | head -n 1)" = "$(runtime --version | head -n 1)" ]
    [[ $(runtime --version) == *"spec: 1.2.0"* ]]
    run runtime spec -b "$DIR"
    [ "$status" = 1 ]
    [[ $output == *"File exists"* ]]
    runtime spec -b "$DIR" -f other.json
    cmp <(jq .ociVersion "$DIR/other.json") <(jq .ociVersion "$DIR/config.json")
    run runtime update --l3-cache-schema L3:0=f --mem-bw-schema MB:0=20 "$ID"
    [ "$status" = 1 ]
    [[ $output == *"no resctrl file system"* ]]
    for verb in create start run state kill delete list ps exec pause resume update spec features events; do
        run runtime "$verb" --help
        [ "$status" = 0 ]
        [[ $output == "usage: vireo-runtime $verb"* ]]
    done
}

@test "who is not root runs containers, in its own state directory" {
    local as=(setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$PATH" XDG_RUNTIME_DIR="$DIR/run")
    chmod 755 "$BUNDLES" "$DIR"
    mkdir -p "$DIR/own/rootfs" "$DIR/run"
    cp -r "$BUNDLES"/rootfs/. "$DIR/own/rootfs"
    cp "$BUILD/vireo-runtime" "$DIR/own/runtime"
    chown -R 65534:65534 "$DIR/own" "$DIR/run"
    "${as[@]}" "$DIR/own/runtime" spec --rootless -b "$DIR/own"
    sed -i -e 's/"terminal": true/"terminal": false/' -e 's/\["sh"\]/["sh", "-c", "id -u; exit 4"]/' "$DIR/own/config.json"
    run "${as[@]}" "$DIR/own/runtime" run -b "$DIR/own" "$ID"
    [ "$status" = 4 ]
    [ "$output" = 0 ]
    [ -d "$DIR/run/vireo-oci" ]
    [ -z "$(ls "$DIR/run/vireo-oci")" ]
}

@test "a seccomp program is compiled once and kept for its own text alone" {
    edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13}]}
        | .process.args = ["mkdir", "/tmp/made"]'
    cp "$DIR/config.json" "$DIR/denied.json"
    jq '.linux.seccomp.syscalls[0].errnoRet = 28' "$DIR/denied.json" >"$DIR/other.json"
    cat >"$DIR/script" <<'END2'
set -e
mount -t tmpfs tmpfs /run
run() { cp "$1" config.json; "$RUNTIME" --root "$PWD/state" run -b . "$ID" 2>&1 </dev/null || true; }
run denied.json
run denied.json
run other.json
run denied.json
for file in /run/vireo-oci-cache/seccomp-*; do [ -s "$file" ]; echo 'vireo' >"$file"; done
run denied.json
# What is not ours alone is not believed, nor written.
rm -r /run/vireo-oci-cache
mkdir -m 777 /run/vireo-oci-cache
run denied.json
[ -z "$(ls /run/vireo-oci-cache)" ]
END2
    run env -C "$DIR" RUNTIME="$BUILD/vireo-runtime" ID="$ID" unshare -m --propagation private sh script
    [ "$status" = 0 ]
    [ "$(grep -c 'Permission denied' <<<"$output")" = 5 ]
    [ "$(grep -c 'No space left' <<<"$output")" = 1 ]
}
