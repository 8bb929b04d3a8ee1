#!/usr/bin/env bats
# The command line by itself: help, exit codes, suggestions. No daemon.
load helper

setup() {
    export VIREO_STATE=$BATS_TEST_TMPDIR/nobody-here VIREO_SERVER=http://127.0.0.1:1
}

@test "--version says the version" {
    run "$VIREO" --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^vireo\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "--help names every verb and every exit code" {
    run "$VIREO" --help
    [ "$status" -eq 0 ]
    for verb in run build deploy invoke ls describe rm logs serve doctor help; do
        grep -q "^  $verb " <<<"$output"
    done
    for code in 0 1 2 3 4 5 6 70; do
        grep -q " $code [a-z]" <<<"$output"
    done
}

# All that the overview names, but oci, whose words are the runtime's own.
own_verbs() {
    "$VIREO" help | sed -n 's/^  \([a-z]\{2,\}\)  *[a-z].*/\1/p' | grep -vx oci
}

@test "help VERB, VERB --help and VERB -h are the same, and fit a terminal" {
    [ "$(own_verbs | wc -l)" -ge 25 ]
    for verb in $(own_verbs); do
        expected=$("$VIREO" help "$verb")
        [ "$expected" = "$("$VIREO" "$verb" --help)" ]
        [ "$expected" = "$("$VIREO" "$verb" -h)" ]
        [[ $expected == "usage: vireo $verb"* ]]
        [ -z "$(awk 'length > 95' <<<"$expected")" ]
    done
}

@test "every option that a verb's help has is one that the verb takes" {
    for verb in $(own_verbs); do
        for option in $("$VIREO" help "$verb" | sed -n '/^options of every verb/,$!p' |
            sed -n 's/^  \(-[^ ].*\)/\1/p' | sed 's/   .*//' | grep -oE -- '--[a-z-]+' | sort -u); do
            word=
            [ "$verb" != vk ] || word=learn
            # The first is the value of an option that has one.
            run "$VIREO" "$verb" $word "$option" --frobnicate --frobnicate
            [ "$status" -eq 2 ]
            [[ $output == *" option '--frobnicate'"* ]]
        done
    done
}

@test "no verb, an unknown verb and an unknown option are usage errors" {
    run "$VIREO"
    [ "$status" -eq 2 ]
    run "$VIREO" xyzzy
    [ "$status" -eq 2 ]
    [[ $output == *"there is no verb 'xyzzy'"* ]]
    [[ $output != *"did you mean"* ]]
    run "$VIREO" ls --frobnicate
    [ "$status" -eq 2 ]
}

@test "a mistyped verb and a mistyped option are suggested" {
    run "$VIREO" delpoy x.c
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'deploy'?"* ]]
    run "$VIREO" deploy x.c --isolatoin request
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean '--isolation'?"* ]]
    run "$VIREO" help biuld
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'build'?"* ]]
}

@test "a usage error says what can't be done, and why" {
    run "$VIREO" run --timeout
    [ "$status" -eq 2 ]
    [[ $output == "vireo: cannot run: '--timeout' needs a value"* ]]
    [[ $output == *"try: vireo help run"* ]]
    run "$VIREO" deploy --frobnicate
    [ "$status" -eq 2 ]
    [[ $output == "vireo: cannot deploy: unknown option '--frobnicate'"* ]]
    run "$VIREO" deploy "$FUNCTIONS/tool.c" --name ""
    [ "$status" -eq 2 ]
    [[ $output == "vireo: cannot deploy: '--name' is empty"* ]]
}

@test "verbs without their words are usage errors, each with its own help" {
    for verb in deploy invoke describe rm logs run build; do
        run "$VIREO" "$verb"
        [ "$status" -eq 2 ]
        [[ $output == *"vireo help $verb"* ]]
    done
    run "$VIREO" audit --check --head 12
    [ "$status" -eq 2 ]
    [[ $output == "vireo: cannot audit: --head '12' is no NUMBER:HASH"* ]]
}

@test "the skeleton of what is no object, or not there, is refused in plain words" {
    run "$VIREO" bpf skel "$FUNCTIONS/tool.c"
    [ "$status" -eq 2 ]
    [ "$output" = "vireo: cannot make the skeleton of '$FUNCTIONS/tool.c': BPF object format invalid" ]
    [[ $output != *libbpf* ]]
    run "$VIREO" bpf skel nosuch.bpf.o
    [ "$status" -eq 3 ]
}

@test "wrong options are refused before anything is done" {
    run "$VIREO" -o yaml ls
    [ "$status" -eq 2 ]
    run "$VIREO" build "$FUNCTIONS/tool.c"
    [ "$status" -eq 2 ]
    run "$VIREO" invoke hello --data a --file b
    [ "$status" -eq 2 ]
    run "$VIREO" deploy "$FUNCTIONS/tool.c" --param novalue
    [ "$status" -eq 2 ]
    run "$VIREO" serve --admin-listen 127.0.0.1:1
    [ "$status" -eq 2 ]
    run "$VIREO" serve nonsense
    [ "$status" -eq 2 ]
}

@test "without a daemon every verb that needs one exits 6 and says how to start it" {
    for words in "ls" "describe x" "rm x" "logs x" "deploy $FUNCTIONS/tool.c --name x"; do
        # shellcheck disable=SC2086
        run "$VIREO" $words
        [ "$status" -eq 6 ]
        [[ $output == *"cannot reach the daemon"* ]]
        [[ $output == *"vireo serve"* ]]
    done
    run "$VIREO" invoke x --data y
    [ "$status" -eq 6 ]
}

@test "a source that is not there is not found" {
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/nothing.c" --name x
    [ "$status" -eq 3 ]
    [[ $output == *nothing.c* ]]
}

@test "errors go to standard error, as one line and a next step" {
    run bash -c '"$VIREO" ls 2>/dev/null'
    [ -z "$output" ]
    run bash -c '"$VIREO" ls 2>&1 >/dev/null'
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == "vireo: cannot "* ]]
    [[ ${lines[1]} == "  try: "* ]]
}

@test "a message is one line and has its cause, whatever the name that it speaks of" {
    cd "$BATS_TEST_TMPDIR"
    local name long
    long=$(printf 'd/%.0s' $(seq 1000))
    for name in $'a\nb' $'a\e[2Jb' "$long"; do
        for words in run "build -o x.so" verify "deploy --name x" "bpf skel"; do
            # shellcheck disable=SC2086
            run "$VIREO" $words "$name"
            [ "$status" -ne 0 ]
            [[ ${lines[0]} == "vireo: cannot "*": No such file or directory" ]]
            [ "${#lines[@]}" -eq 1 ] || [[ ${#lines[@]} -eq 2 && ${lines[1]} == "  try: "* ]]
        done
        run "$VIREO" "$name"
        [ "${#lines[@]}" -eq 2 ]
    done
    [[ $output != *$'\e'* ]]
}

@test "a mistake in vireo.yaml is named by its path, before anybody is asked" {
    cd "$BATS_TEST_TMPDIR"
    mkdir -p some/rootfs
    printf 'name: x\nmemroy: 1\n' >some/vireo.yaml
    echo 'int main(void) { return 0; }' >some/x.c
    for words in "run some" "build some/ -o x.so" "verify some" "deploy some" "update x some" \
        "deploy some --name x -- true"; do
        # shellcheck disable=SC2086
        run "$VIREO" $words
        [ "$status" -eq 2 ]
        [ "${lines[0]}" = "vireo: cannot read 'some/vireo.yaml': line 2, column 1: unknown key 'memroy'" ]
    done
}

@test "a file that is no source for a verb is named as what it is" {
    cd "$BATS_TEST_TMPDIR"
    echo 'def handler(request): return 1' >app.py
    head -c 300 /dev/zero >lib.so
    run "$VIREO" verify app.py
    [ "$status" -eq 2 ]
    [ "$output" = "vireo: cannot verify 'app.py': it is Python, and what is proved is C" ]
    run "$VIREO" verify lib.so
    [ "$status" -eq 2 ]
    [ "$output" = "vireo: cannot verify 'lib.so': it is a library, and what is proved is C" ]
}

@test "what a pull is told to go by is looked at before the registry is" {
    cd "$BATS_TEST_TMPDIR"
    run "$VIREO" pull localhost:1/a:b --key zz
    [ "$status" -eq 2 ]
    [[ $output == "vireo: cannot use key 'zz': "* ]]
    for option in --ca --auth-file; do
        run "$VIREO" pull localhost:1/a:b "$option" nosuch
        [ "$status" -eq 3 ]
        [ "$output" = "vireo: cannot read 'nosuch': No such file or directory" ]
    done
    [ ! -e a ]
}

@test "an answer that can't be written is not success" {
    [ -c /dev/full ] || skip "no /dev/full"
    run bash -c '"$VIREO" --help >/dev/full'
    [ "$status" -eq 1 ]
    run bash -c 'echo x | "$VIREO" -q run "$TOP/examples/hello/hello.c" 2>&1 >/dev/full'
    [ "$status" -eq 1 ]
    [ "$output" = "vireo: cannot write standard output: No space left on device" ]
}

@test "a folder is no file to build into, and nothing is left in it" {
    cd "$BATS_TEST_TMPDIR"
    mkdir -p in/folder
    cd in
    for place in . folder folder/; do
        run "$VIREO" build "$TOP/examples/hello/hello.c" -o "$place"
        [ "$status" -eq 2 ]
        [ "${lines[-1]}" = "vireo: cannot write '$place': Is a directory" ]
    done
    [ "$(find . -mindepth 1)" = ./folder ]
}

@test "doctor's lines have part, mechanism and status, and agree with its exit code" {
    run bash -c '"$VIREO" doctor -o json'
    jq -e 'length > 20' <<<"$output"
    jq -e 'all(has("part") and has("mechanism") and has("detail"))' <<<"$output"
    jq -e 'all(.status | IN("ok", "fallback", "missing", "required"))' <<<"$output"
    required=$(jq '[.[] | select(.status == "required")] | length' <<<"$output")
    [ "$status" -eq "$((required > 0))" ]
    for part in "namespace user" "system calls" files "memory limit" CPU "W^X" vireo-verify vireo-contain vireo-broker; do
        jq -e --arg part "$part" 'any(.part == $part)' <<<"$output"
    done
}

@test "doctor works for an ordinary user, and leaves nothing behind" {
    need_root
    copy=$BATS_TEST_TMPDIR/vireo
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
    cp "$VIREO" "$copy"
    run setpriv --reuid 65534 --regid 65534 --clear-groups "$copy" doctor
    [ "$status" -le 1 ]
    [[ $output == *"namespace user"* ]]
    "$VIREO" doctor >/dev/null 3>&- &
    wait "$!" || true
    none find /sys/fs/cgroup -name "vireo-doctor-$!"
}

@test "an ordinary user can't serve" {
    need_root
    copy=$BATS_TEST_TMPDIR/vireo
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
    cp "$VIREO" "$copy"
    run setpriv --reuid 65534 --regid 65534 --clear-groups "$copy" serve --state /tmp/x
    [ "$status" -eq 4 ]
    [[ $output == *root* ]]
}

@test "the completion is a script that bash accepts, and completes verbs" {
    "$VIREO" help --complete bash >"$BATS_TEST_TMPDIR/c"
    bash -n "$BATS_TEST_TMPDIR/c"
    run bash -c "source '$BATS_TEST_TMPDIR/c'; COMP_WORDS=(vireo dep); COMP_CWORD=1; _vireo; echo \${COMPREPLY[*]}"
    [ "$output" = deploy ]
    run bash -c "source '$BATS_TEST_TMPDIR/c'; COMP_WORDS=(vireo deploy --iso); COMP_CWORD=2; _vireo; echo \${COMPREPLY[*]}"
    [ "$output" = --isolation ]
}

@test "the man page names every verb and is well-formed" {
    command -v man >/dev/null || skip "man is not installed"
    "$VIREO" help --man >"$BATS_TEST_TMPDIR/vireo.1"
    run man --warnings -l "$BATS_TEST_TMPDIR/vireo.1"
    [ "$status" -eq 0 ]
    [[ $output != *warning* ]]
    for verb in $(own_verbs); do
        grep -q "vireo $verb" <<<"$output"
    done
}

@test "an address to listen on is refused before anything is made, with its reason" {
    for address in 127.0.0.1:99999 :65536 127.0.0.1:4294985296 :+18778 ": 18779" foo foo:80 127.1:80 ::1:80; do
        run "$VIREO" serve --listen "$address"
        [ "$status" -eq 2 ]
        [ "${#lines[@]}" -eq 2 ]
        [[ ${lines[0]} == "vireo: cannot serve: '--listen $address': "* ]]
        [ ! -e "$VIREO_STATE" ]
    done
    run "$VIREO" serve --admin-listen 127.0.0.1:70000 --admin-token /dev/null
    [ "$status" -eq 2 ]
    [[ $output == *"'--admin-listen 127.0.0.1:70000': its port is no number from 0 to 65535"* ]]
    # The supervisor does not rely on it.
    need_root
    local option
    for option in --listen --admin-listen; do
        run "$BUILD/vireo-supervisor" "$option" :+18778 --admin-token /dev/null --state "$VIREO_STATE"
        [ "$status" -eq 2 ]
        [ "$output" = "vireo: cannot listen on ':+18778': its port is no number from 0 to 65535" ]
        [ ! -e "$VIREO_STATE" ]
    done
}

@test "a method that is no word is refused before it is sent" {
    for method in "B AD" "" $'GET\r\nX: y' "GET:"; do
        run "$VIREO" invoke x --data y -X "$method"
        [ "$status" -eq 2 ]
        [[ ${lines[0]} == "vireo: cannot invoke: '--method ${method//$'\r\n'/\\x0d\\x0a}': "* ]]
    done
    # This one is: nobody is there.
    run "$VIREO" invoke x --data y -X "M-SEARCH"
    [ "$status" -eq 6 ]
}

@test "a path that would not arrive as it was written is refused before it is sent" {
    for path in "/a b" "/ä" "/a#b" $'/a\tb'; do
        run "$VIREO" invoke x --data y --path "$path"
        [ "$status" -eq 2 ]
        [[ ${lines[0]} == "vireo: cannot invoke: '--path "*"': it is written as in a URL, a space as %20" ]]
    done
    run "$VIREO" invoke x --data y --path "/a%20b?c=%23"
    [ "$status" -eq 6 ]
    run "$VIREO" --server http://127.0.0.1:99999 invoke x --data y
    refused 2 "cannot reach the daemon at 'http://127.0.0.1:99999': it is not http://HOST:PORT"
}

@test "without a daemon several names get one answer" {
    for verb in rm kill wait; do
        run "$VIREO" "$verb" 1 2 3
        [ "$status" -eq 6 ]
        [ "${#lines[@]}" -eq 2 ]
    done
}

@test "what is not there is not found, by verify too, and a rung that is none is wrong usage" {
    run "$VIREO" verify nosuch.c
    [ "$status" -eq 3 ]
    [ "$output" = "vireo: cannot open 'nosuch.c': No such file or directory" ]
    run "$VIREO" build "$FUNCTIONS/tool.c" -o "$BATS_TEST_TMPDIR/out.so" --require safe
    refused 2 "cannot build: '--require safe': it is proved or sfi"
}

@test "bpf build says before it builds that it can't write, and what it builds from" {
    run "$VIREO" bpf build "$TOP/examples/bpf/execsnoop" -o /nosuch/x.wasm
    [ "$status" -eq 3 ]
    [ "$output" = "vireo: cannot write '/nosuch/x.wasm': No such file or directory" ]
    # Nor where it is when no other place is said: what is built has not been looked for yet.
    need_root
    run unshare -m sh -c 'mount -t tmpfs -o ro none "$1" && cd "$1" && exec "$0" bpf build "$2"' "$(realpath "$VIREO")" "$BATS_TEST_TMPDIR" "$TOP/nosuch.bpf.c"
    [ "$status" -eq 4 ]
    [ "$output" = "vireo: cannot write 'nosuch.bpf.o': Read-only file system" ]
    run "$VIREO" bpf build "$FUNCTIONS/tool.c"
    [ "$status" -eq 2 ]
    [ "$output" = "vireo: cannot build '$FUNCTIONS/tool.c': it is no folder and no .bpf.c file" ]
}

@test "help of oci has no options but the runtime's own, which it takes" {
    run "$VIREO" help oci
    [[ $output != *"options of every verb"* ]]
    run "$VIREO" oci --help
    [ "$status" -eq 0 ]
}

@test "help --man and help --complete are of all verbs" {
    run "$VIREO" help --man nosuch
    refused 2 "--man is of all verbs: 'nosuch' is one word too many"
    run "$VIREO" help --complete bash run
    refused 2 "--complete is of all verbs: 'run' is one word too many"
}

@test "help for a mistyped verb names the next step once" {
    run "$VIREO" help deplo
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == *"there is no verb 'deplo' (did you mean 'deploy'?)" ]]
    [ "${lines[1]}" = "  try: vireo --help" ]
}
