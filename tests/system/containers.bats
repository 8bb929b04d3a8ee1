#!/usr/bin/env bats
# Functions in containers: three ways to talk, the wall, limits, and what is left of them.
load helper
load engines

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    ROOTFS=$(mktemp -d /tmp/vireo-test-rootfs.XXXXXX)
    export ROOTFS
    engine_rootfs "$ROOTFS"
    mkdir -p "$ROOTFS/var/task" "$ROOTFS/www/cgi-bin"
    cp "$TOP/tests/system/containers/bootstrap" "$TOP/tests/system/containers/hostile" "$ROOTFS/var/task/"
    echo page >"$ROOTFS/www/index.html"
    printf '#!/bin/sh\necho\necho "$REQUEST_METHOD $QUERY_STRING"\ncat\n' >"$ROOTFS/www/cgi-bin/echo"
    printf '#!/bin/sh\necho\necho part\nsleep 1\necho rest\n' >"$ROOTFS/www/cgi-bin/slow"
    chmod 755 "$ROOTFS" "$ROOTFS/www/cgi-bin/echo" "$ROOTFS/www/cgi-bin/slow"
    daemon_start
}

teardown_file() {
    daemon_clean
    rm -rf "${ROOTFS-}"
}

setup() {
    need_root
}

# deploy NAME [OPTION...] -- CMD...
deploy() {
    local name=$1
    shift
    "$VIREO" deploy "$ROOTFS" --name "$name" -q "$@"
}

@test "stdio: the body is standard input, standard output the answer, standard error the log" {
    deploy shell -- sh -c 'read -r word; echo "hello $word"; echo noted >&2'
    [ "$(echo world | "$VIREO" invoke shell)" = "hello world" ]
    eventually 20 sh -c '"$VIREO" logs shell | grep -q noted'
    [ "$("$VIREO" ls -o json | jq -r '.[] | select(.name == "shell").safety')" = container ]
    "$VIREO" describe shell | grep -q 'container: taken'
    deploy cgi --param HTTP_MINE=said -- sh -c 'echo "$REQUEST_METHOD $PATH_INFO $QUERY_STRING $CONTENT_TYPE $CONTENT_LENGTH $HTTP_X_WORD $HTTP_MINE $VIREO_FUNCTION"'
    call 'cgi/a%20b?c=d' -X PUT -d body -H 'Content-Type: text/x' -H 'X-Word: a word' -H 'Mine: other' -H 'Vireo-Function: x'
    [ "$code $body" = "200 PUT /a b c=d text/x 4 a word said cgi" ]
    call shell --data-binary again
    [ "$code $body" = "200 hello again" ]
}

@test "stdio: an exit status, a missing program and a large answer are told" {
    deploy fails -- sh -c 'exit 3'
    call fails -d x
    refused_with 502 exit
    grep -q 'exit status 3' <<<"$body"
    deploy missing -- /no/such
    call missing -d x
    refused_with 502 start
    grep -q "'/no/such'" <<<"$body"
    deploy floods -- sh -c 'cat /dev/zero'
    call floods -d x
    refused_with 502 answer-too-large
    deploy pipes -- wc -c
    head -c 3000000 /dev/zero >"$BATS_TEST_TMPDIR/zeros"
    call pipes --data-binary @"$BATS_TEST_TMPDIR/zeros"
    [ "$body" = 3000000 ]
}

@test "http: a program that listens on PORT is called with path, query, method and body" {
    deploy web --talk http -- sh -c 'exec httpd -f -p "$PORT" -h /www'
    call web/index.html
    [ "$code $body" = "200 page" ]
    call web/none
    [ "$code" = 404 ]
    call 'web/cgi-bin/echo?a=b' -d body
    [ "$code $body" = "200 POST a=b
body" ]
    # Busybox answers HEAD with the length that GET would bring, and no body follows.
    [[ $(curl -s -I "$VIREO_SERVER/function/web/index.html") == *"Content-Length: 5"* ]]
    [ "$(curl -s -I -o /dev/null -w '%{http_code} %{size_download}' "$VIREO_SERVER/function/web/index.html")" = "200 0" ]
    [ "$("$VIREO" ps -o json | jq -r '[.[] | select(.function == "web").wall] | unique[]')" = container ]
}

# shellcheck disable=SC2016 # of the container's shell
@test "http: HEAD and 304 say what length there would be, however large, and no body follows" {
    local head
    printf '#!/bin/sh\n[ "$QUERY_STRING" != 304 ] || { printf "Status: 304 Not Modified\\r\\nETag: \\"a\\"\\r\\n\\r\\n"; exit; }\nprintf "Content-Length: %%s\\r\\n\\r\\n" "$QUERY_STRING"\n' \
        >"$ROOTFS/www/cgi-bin/length"
    chmod 755 "$ROOTFS/www/cgi-bin/length"
    deploy heads --talk http -- sh -c 'exec httpd -f -p "$PORT" -h /www'
    head=$(curl -s -m 10 -I "$VIREO_SERVER/function/heads/cgi-bin/length?9007199254740993")
    echo "$head"
    [[ $head == *" 200 "*"Content-Length: 9007199254740993"* ]]
    [[ $(curl -s -m 10 -I "$VIREO_SERVER/function/heads/cgi-bin/length?0") == *" 200 "*"Content-Length: 0"* ]]
    [[ $(curl -s -m 10 -D - "$VIREO_SERVER/function/heads/cgi-bin/length?304") == *" 304 "* ]]
    # What is no length is not passed on; to GET a body is missing.
    head=$(curl -s -m 10 -I "$VIREO_SERVER/function/heads/cgi-bin/length?99999999999999999999999")
    echo "$head"
    [[ $head != *99999* ]]
    call "heads/cgi-bin/length?5000"
    [ "$code" = 502 ]
}

@test "http: a program that ends between two calls costs no caller anything" {
    deploy mortal --talk http -- sh -c 'httpd -p "$PORT" -h /www; sleep 0.7'
    call mortal/index.html
    [ "$code $body" = "200 page" ]
    eventually 20 sh -c '! "$VIREO" ps -o json | jq -e "any(.[]; .function == \"mortal\" and .start == \"container\")" >/dev/null'
    call mortal/index.html
    [ "$code $body" = "200 page" ]
}

@test "lambda: an unmodified bootstrap asks for calls, answers and fails" {
    deploy lambda --talk lambda -- /var/task/bootstrap
    call lambda -d one
    [ "$code $body" = "200 1 one" ]
    call lambda -d two
    [ "$code $body" = "200 2 two" ]
    call lambda -d stray
    [ "$code $body" = "200 3 stray" ]
    call lambda -d error
    refused_with 502 failed
    grep -q 'Bad: it is bad' <<<"$body"
    call lambda -d exit
    refused_with 502 exit
    call lambda -d anew
    [ "$code $body" = "200 1 anew" ]
    call lambda -d environment
    [ "$code $body" = "200 function.handler /var/task lambda 64" ]
    [ "$(header content-type)" = text/plain ]
    call lambda -d large
    refused_with 502 answer-too-large
    call lambda -d stream
    [ "$code $body" = "201 made" ]
    [ "$(header x-mine) $(header set-cookie)" = "a c=d" ]
    call lambda -d breaks
    refused_with 502 failed
    grep -q 'Function.Bad' <<<"$body"
    call lambda -d half
    [ "$code $body" = "200 whole 403" ]
}

# shellcheck disable=SC2016 # of the container's shell
@test "lambda: a start that the runtime itself calls failed is its callers' answer, with type and message" {
    local says='wget -q -O /dev/null --post-data "{\"errorMessage\":\"no module there\",\"errorType\":\"Runtime.ImportError\"}" http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error; exec sleep 77'
    deploy unready --talk lambda --timeout 60s -- sh -c "$says"
    call unready -d x
    echo "$code $body"
    refused_with 502 start
    grep -q 'Runtime.ImportError: no module there' <<<"$body"
    # Of a spare it is found before anybody calls.
    mkdir "$BATS_TEST_TMPDIR/failing"
    ln -s "$ROOTFS" "$BATS_TEST_TMPDIR/failing/rootfs"
    printf 'talk: lambda\ncommand: [sh, -c, %s]\npool:\n  spares: 1\n  started: true\nlimits:\n  timeout: 60s\n' "'$says'" \
        >"$BATS_TEST_TMPDIR/failing/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/failing" --name failing -q
    call failing -d x
    echo "$code $body"
    refused_with 502 start
    grep -q 'Runtime.ImportError: no module there' <<<"$body"
    "$VIREO" rm failing unready
}

asked_and_left() {
    eventually 10 pgrep -fx 'nc -w 77 127.0.0.1 9001' && eventually 10 not pgrep -fx 'nc -w 77 127.0.0.1 9001'
}

@test "lambda: who asked for a call and has gone loses none" {
    deploy leaves --talk lambda --timeout 20s -- /var/task/bootstrap
    # A call comes before anybody else asks; then, after another has asked.
    call leaves -d leaves
    [ "$code $body" = "200 left" ]
    asked_and_left
    call leaves -d one
    echo "$code: $body"
    [ "$code $body" = "200 1 one" ]
    call leaves -d leaves
    [ "$code $body" = "200 left" ]
    asked_and_left
    sleep 2
    call leaves -d two
    [ "$code $body" = "200 2 two" ]
    [ "$(header x-vireo-start)" = warm ]
}

@test "lambda: a response without end, and one that comes too late, are their own call's alone" {
    deploy endless --talk lambda --timeout 1s -- /var/task/bootstrap
    call endless -d endless
    refused_with 504 timeout
    call endless -d late
    refused_with 504 timeout
    call endless -d own
    [ "$code $body" = "200 1 own" ]
}

@test "lambda: a runtime that took a call and died fails it at once, and the one in its place serves on" {
    deploy again --talk lambda --timeout 60s -- sh -c 'while :; do /var/task/bootstrap; sleep 0.1; done'
    call again -d one
    [ "$code $body" = "200 1 one" ]
    begin=$SECONDS
    call again -d exit
    refused_with 502 failed
    grep -q 'Runtime.ExitError' <<<"$body"
    [ $((SECONDS - begin)) -lt 20 ]
    call again -d two
    [ "$code $body" = "200 1 two" ]
    [ "$(header x-vireo-start)" = warm ]
}

@test "lambda: what a hostile runtime sends harms its own call at most" {
    mkdir "$BATS_TEST_TMPDIR/hostile"
    ln -s "$ROOTFS" "$BATS_TEST_TMPDIR/hostile/rootfs"
    printf 'command: [/var/task/hostile]\ntalk: lambda\nlimits:\n  pids: 150\n  timeout: 30s\n' >"$BATS_TEST_TMPDIR/hostile/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/hostile" --name hostile -q
    call hostile -d one
    refused_with 502 failed
    [ "$(grep -c '[[:cntrl:]]' <<<"$body")" = 0 ]
    call hostile -d two
    echo "$code $body"
    [ "$code $body" = "200 still here" ]
    [ "$(header x-vireo-start)" = warm ]
}

@test "an image that attacks its unpacker is refused, or stays in its own root" {
    local name kind
    "$TOP/tests/system/containers/images.py" "$ROOTFS/bin/busybox" "$BATS_TEST_TMPDIR"
    for kind in climbs:400 absolute:400 hard-link:400 cut:400 sparse:413 through-link:200 hosts-link:200 devices:200; do
        name=${kind%:*}
        [ "$(curl -s -o "$BATS_TEST_TMPDIR/said" -w '%{http_code}' --unix-socket "$VIREO_STATE/admin.sock" \
            --data-binary @"$BATS_TEST_TMPDIR/$name.tar" -H 'Content-Type: application/x-tar' \
            "http://localhost/system/functions?name=$name")" = "${kind#*:}" ] || {
            echo "$kind: $(cat "$BATS_TEST_TMPDIR/said")" >&2
            return 1
        }
    done
    call through-link -d x
    [ "$(grep -c escaped <<<"$body")" = 2 ] # both where the links were, and nowhere else
    call devices -d x
    not grep -qE 'mem|disk|pipe|^-rws' <<<"$body"
    [ -z "$(find "$VIREO_STATE" /run -xdev -name escaped -not -path '*/rootfs/*' 2>/dev/null)" ]
    [ "$(ls "$VIREO_STATE/containers" | wc -l)" -le "$(pgrep -c -P "$VIREO_DAEMON" vireo-contain)" ]
}

@test "a root file system without its command is refused with the next step" {
    run "$VIREO" deploy "$ROOTFS" --name nothing
    [ "$status" -eq 2 ]
    [ "${lines[-1]}" = "  try: vireo deploy ROOTFS --name NAME -- CMD..., for a root file system: docs/containers.md" ]
}

@test "the wall: no capability, no way to write, nobody else, the profile of podman" {
    deploy wall -- sh -c 'grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp):" /proc/self/status; ls /proc | grep -c "^[0-9]"
        exec 3<>/dev/ptmx; ls /dev/pts | wc -l
        ls /sys/class/net | wc -l; touch /sys/kernel/x 2>/dev/null || touch /x 2>/dev/null || echo read-only; touch /tmp/x && echo tmp'
    call wall -d x
    [ "$(tr '\n\t' '  ' <<<"$body")" = "CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 3 2 1 read-only tmp " ]
    # Of its keeper as little is left: no capability, no system call but those to speak and wait.
    local launcher keeper keepers=0
    deploy keeps --talk http -- sh -c 'exec httpd -f -p "$PORT" -h /www'
    call keeps/index.html
    [ "$code" = 200 ]
    for launcher in $(pgrep -P "$VIREO_DAEMON" vireo-contain); do
        for keeper in $(pgrep -P "$launcher"); do
            grep -q '^Seccomp:.2$' "/proc/$keeper/status"
            grep -q '^CapPrm:.0*$' "/proc/$keeper/status"
            keepers=$((keepers + 1))
        done
    done
    [ "$keepers" -gt 0 ]
    # What one call left in /tmp is not the next one's.
    deploy forgets -- sh -c 'ls /tmp | wc -l; touch /tmp/left'
    call forgets -d x
    call forgets -d x
    [ "$body" = 0 ]
}

@test "the wall: a function's own virtual kernel makes the profile stricter, never wider" {
    local own folder=$BATS_TEST_TMPDIR/wider
    mkdir -p "$folder/rootfs"
    gcc -static -o "$folder/rootfs/calls" "$TOP/tests/system/containers/calls.c"
    for own in 'profile: none' 'default: native' \
        'profile: none, calls: {perf_event_open: native, userfaultfd: native, io_uring_setup: native, bpf: native}'; do
        printf 'name: wider\ncommand: [/calls]\nvkernel: {syscalls: {%s}}\n' "$own" >"$folder/vireo.yaml"
        "$VIREO" -q deploy "$folder"
        call wider -d x
        [ "$body" = "perf_event_open EPERM userfaultfd EPERM io_uring_setup ENOSYS bpf EPERM add_key ENOSYS keyctl ENOSYS " ]
    done
    [ "$("$VIREO" describe wider -o json | jq -c .syscalls)" = '{"profile":"podman"}' ]
    printf 'name: wider\ncommand: [/calls]\nvkernel: {syscalls: {calls: {bpf: kill}}}\n' >"$folder/vireo.yaml"
    "$VIREO" -q deploy "$folder"
    call wider -d x
    [[ $body == *"exit status 159"* ]] # SIGSYS
}

@test "a function in a container is held to its lists of files, and what takes root's rights is refused by name" {
    local key folder=$BATS_TEST_TMPDIR/listed
    mkdir -p "$folder"
    cp -a "$ROOTFS" "$folder/rootfs"
    cat >"$folder/vireo.yaml" <<'END'
name: listed
pool: {spares: 1}
vkernel:
  files: {write: /tmp:/dev, execute: /bin, list: none, read: "/bin:/etc:/proc:/sys:-/nowhere"}
command: [sh, -c, 'echo x >/tmp/f && echo written; echo x >/dev/shm/f && echo shared; echo x >/x; ls /etc; cat /tmp/f; cp /bin/busybox /tmp/sh; /tmp/sh true; cat /www/index.html; head -c 1 /etc/passwd >/dev/null && echo read; exit 0']
END
    printf 'root:x:0:0::/:/bin/sh\n' >"$folder/rootfs/etc/passwd" 2>/dev/null || { mkdir -p "$folder/rootfs/etc" && echo x >"$folder/rootfs/etc/passwd"; }
    "$VIREO" -q deploy "$folder"
    # What a program says of its failures is in its log.
    call listed -d x
    echo "$code: $body"
    [ "$code $body" = "200 written
shared
read" ]
    said() {
        "$VIREO" logs listed >"$BATS_TEST_TMPDIR/said"
        [ "$(grep -c 'ermission denied' "$BATS_TEST_TMPDIR/said")" -ge 4 ]
    }
    eventually 20 said
    grep -q "ls: can't open '/etc': Permission denied" "$BATS_TEST_TMPDIR/said"
    grep -q "/tmp/sh: Permission denied" "$BATS_TEST_TMPDIR/said"
    grep -q "/www/index.html.*Permission denied" "$BATS_TEST_TMPDIR/said"
    # Shown as a container's; those that there are no rights for are neither shown nor taken.
    shown() {
        [ "$("$VIREO" vk ls -o json | jq -r '[.[] | select(.function == "listed")][0].keys | .["files.list"].value, has("log.size")' | xargs)" = "none false" ]
    }
    eventually 10 shown
    for key in 'log: {size: 64KiB}' 'params: {view: on}' 'caps: {keep: none}' 'memory: {overcommit: 2}' 'sched: {realtime: 10%}'; do
        printf 'name: listed\ncommand: [sh]\nvkernel: {%s}\n' "$key" >"$folder/vireo.yaml"
        run "$VIREO" -q deploy "$folder"
        echo "$output"
        [ "$status" -eq 2 ]
        [[ $output == *"vkernel.${key%%:*}."*"is for containers: "* ]]
    done
}

@test "limits: memory and time end a container, and all that is in it" {
    deploy eats --memory 16MiB -- sh -c 'a=x; while :; do a=$a$a; done'
    call eats -d x
    refused_with 502 memory
    deploy sleeps --timeout 300ms -- sh -c 'sleep 1234 & sleep 1234'
    call sleeps -d x
    refused_with 504 timeout
    eventually 20 not pgrep -f 'sleep 1234'
}

@test "a bundle is deployed with its own command, variables and directory; vireo.yaml beside it counts" {
    local bundle=$BATS_TEST_TMPDIR/bundle
    mkdir "$bundle"
    cp -r "$ROOTFS" "$bundle/rootfs"
    "$BUILD/vireo-runtime" spec -b "$bundle"
    jq '.process.args = ["sh", "-c", "pwd; echo $WORD"] | .process.env += ["WORD=said"] | .process.cwd = "/etc"' \
        "$bundle/config.json" >"$bundle/new" && mv "$bundle/new" "$bundle/config.json"
    printf 'limits:\n  memory: 32MiB\n' >"$bundle/vireo.yaml"
    "$VIREO" deploy "$bundle" --name bundle -q
    call bundle -d x
    [ "$body" = "/etc
said" ]
    "$VIREO" describe bundle | grep -q 'memory *32 MiB'
    # A program's own file of that name makes no bundle of its root file system.
    mkdir -p "$BATS_TEST_TMPDIR/app/bin"
    cp /bin/busybox "$BATS_TEST_TMPDIR/app/bin/cat"
    echo '{"mine": true}' >"$BATS_TEST_TMPDIR/app/config.json"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/app" --name app -q -- cat /config.json
    call app -d x
    [ "$body" = '{"mine": true}' ]
}

@test "spares are containers that wait before their program starts" {
    printf 'pool:\n  spares: 2\n' >"$BATS_TEST_TMPDIR/vireo.yaml"
    mkdir "$BATS_TEST_TMPDIR/warm"
    mv "$BATS_TEST_TMPDIR/vireo.yaml" "$BATS_TEST_TMPDIR/warm"
    ln -s "$ROOTFS" "$BATS_TEST_TMPDIR/warm/rootfs"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/warm" --name warm -q -- cat
    call warm -d first
    eventually 10 sh -c '[ "$("$VIREO" ps -o json | jq "[.[] | select(.function == \"warm\" and .parent == null)] | length")" -ge 2 ]'
    call warm -d second
    [ "$code $body" = "200 second" ]
}

@test "spares by rate come with the calls and go with them" {
    mkdir "$BATS_TEST_TMPDIR/rate"
    ln -s "$ROOTFS" "$BATS_TEST_TMPDIR/rate/rootfs"
    printf 'pool:\n  spares: 3\n  policy: rate\n  idle: 1s\n' >"$BATS_TEST_TMPDIR/rate/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/rate" --name rate -q -- cat
    spares() { "$VIREO" ps -o json | jq '[.[] | select(.function == "rate" and .parent == null)] | length'; }
    come() {
        # On a busy machine those of one round may be too slow.
        for _ in $(seq 15); do call rate -d x; done
        [ "$(spares)" -ge 2 ]
    }
    go() { [ "$(spares)" = 0 ]; }
    eventually 30 come
    eventually 20 go
}

# vireo_NAME of the metrics.
metric() {
    admin GET /metrics | sed -n "s/^vireo_$1 //p"
}

@test "a generic container becomes a function's: its own uid, and nobody else's afterwards" {
    local before spare
    local who='grep Uid: /proc/self/status; cat /proc/sys/kernel/hostname'
    deploy first -- sleep 1
    eventually 10 sh -c '[ "$(curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/metrics | grep -c "^vireo_container_spares 1")" = 1 ]'
    before=$(metric container_spares_taken_total)
    deploy second -- sh -c "$who"
    [ "$(metric container_spares_taken_total)" = $((before + 1)) ]
    call second -d x
    [ "$(tr '\n\t' '  ' <<<"$body")" = "Uid: 0 0 0 0 second " ]
    # One that has died is not taken.
    eventually 10 sh -c '[ "$(curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/metrics | grep -c "^vireo_container_spares 1")" = 1 ]'
    # Each launcher is another user.
    [ -z "$(pgrep -P "$VIREO_DAEMON" vireo-contain | xargs -I{} stat -c %u /proc/{} | sort | uniq -d)" ]
    spare=$(pgrep -n -P "$VIREO_DAEMON" vireo-contain)
    kill -KILL "$spare"
    deploy third -- sh -c "$who"
    call third -d x
    [ "$code" = 200 ]
}

spares_are() {
    [ "$(metric container_spares)" = "$1" ]
}

spares_are_more() {
    [ "$(metric container_spares)" -gt 1 ]
}

# A daemon beside the file's own, with another configuration; it ends with this test's shell.
daemon_beside() {
    VIREO_STATE=$BATS_TEST_TMPDIR/$1 VIREO_PORT=$(free_port)
    mkdir "$VIREO_STATE"
    daemon_start --config "$2"
}

# runtime_serves NAME: containers are made by this one, warm ones too, in all three ways.
runtime_serves() {
    local config=$BATS_TEST_TMPDIR/$1.yaml
    printf 'containers:\n  runtime: %s\nallow_grants:\n  limits: {memory: 256MiB}\n' "$1" >"$config"
    daemon_beside "state-$1" "$config"
    mkdir "$BATS_TEST_TMPDIR/$1"
    ln -s "$ROOTFS" "$BATS_TEST_TMPDIR/$1/rootfs"
    printf 'limits:\n  pids: 1\n  memory: 2MiB\npool:\n  spares: 1\n' >"$BATS_TEST_TMPDIR/$1/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/$1" --name shell -q -- sh -c 'read -r word; hostname; grep -E "^(CapEff|Seccomp):" /proc/self/status; exec echo "$word"'
    call shell -d one
    [ "$(tr '\n\t' '  ' <<<"$body")" = "shell CapEff: 0000000000000000 Seccomp: 2 one " ]
    # A spare's is created and not started: of its process the runtime is still the program.
    eventually 10 sh -c "descendants() { for c in \$(cat /proc/\$1/task/*/children 2>/dev/null); do cat /proc/\$c/cmdline | tr '\\0' ' '; descendants \$c; done; }; descendants $VIREO_DAEMON | grep -qE '/run/runtime|runc.* init|^init'"
    call shell -d two
    [ "$(tail -n 1 <<<"$body")" = two ]
    deploy lambda --talk lambda -- /var/task/bootstrap
    call lambda -d one
    [ "$code $body" = "200 1 one" ]
    deploy missing -- /no/such
    call missing -d x
    refused_with 502 start
    grep -q '/no/such' <<<"$body"
    # What it can't do is refused, with the reason.
    printf 'http: cgi\n' >"$BATS_TEST_TMPDIR/$1/vireo.yaml"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/$1" --name cgi -- true
    [ "$status" = 4 ]
    [[ $output == *"'http: cgi' is for containers of vireo's own runtime"* ]]
    daemon_kill 15
}

@test "generic containers by rate: as many as were wanted within a second, and one after ten quiet seconds" {
    local i round pids
    printf 'containers:\n  spares: 4\n  policy: rate\n' >"$BATS_TEST_TMPDIR/rate.yaml"
    daemon_beside "state-rate-$BATS_TEST_TRY_NUMBER" "$BATS_TEST_TMPDIR/rate.yaml"
    deploy first -- cat
    eventually 20 spares_are 1
    # A busy machine may take longer than the second for those of one round.
    for round in 1 2 3 4 5; do
        pids=()
        for i in 1 2 3 4 5; do
            deploy "many$round$i" -- cat &
            pids+=($!)
        done
        wait "${pids[@]}"
        sleep 0.5
        spares_are_more && break
    done
    eventually 20 spares_are_more
    [ "$(metric container_spares)" -le 4 ]
    eventually 20 spares_are 1
    printf 'containers:\n  policy: sometimes\n' >"$BATS_TEST_TMPDIR/wrong.yaml"
    run "$BUILD/vireo" serve --config "$BATS_TEST_TMPDIR/wrong.yaml" --state "$BATS_TEST_TMPDIR/none"
    [ "$status" != 0 ]
    [[ $output == *"fixed or rate is expected here"* ]]
    daemon_stop
    [ -z "$(ls "$VIREO_STATE/containers")" ]
}

@test "the pool's runtime is crun where the operator says so" {
    command -v crun >/dev/null || skip "crun is not installed"
    runtime_serves crun
}

@test "the pool's runtime is runc where the operator says so; what is neither is refused" {
    command -v runc >/dev/null || skip "runc is not installed"
    runtime_serves runc
    printf 'containers:\n  runtime: /bin/sh\n' >"$BATS_TEST_TMPDIR/bad.yaml"
    run "$VIREO" serve --state "$BATS_TEST_TMPDIR/bad" --config "$BATS_TEST_TMPDIR/bad.yaml"
    [ "$status" = 2 ]
    [[ $output == *"line 2, column 12: vireo, crun or runc"* ]]
}

@test "what is not a container's is refused: no command, talk of C, grants, no root file system" {
    run "$VIREO" deploy "$ROOTFS" --name none
    [ "$status" -ne 0 ]
    run "$VIREO" deploy "$ROOTFS" --name none --talk shout -- cat
    [ "$status" = 2 ]
    [[ $output == *"stdio, http or lambda"* ]]
    run "$VIREO" deploy "$FUNCTIONS/hello.c" --name none -- cat
    [ "$status" = 2 ]
    [[ $output == *"no folder"* ]]
    run "$VIREO" deploy "$ROOTFS" --name none --require sfi -- cat
    [ "$status" = 4 ]
}

# falls RUNG REASON: the counter.
falls() {
    admin GET /metrics | sed -n "s/^vireo_falls_total{rung=\"$1\",reason=\"$2\"} //p"
}

@test "C that needs sockets and fork falls to the container; describe says why, and it is counted" {
    before=$(falls container not-translated)
    unproved=$(falls sfi not-proved)
    "$VIREO" deploy "$FUNCTIONS/sockets.c" --name sockets -q
    [ "$(falls container not-translated)" -eq $((before + 1)) ]
    [ "$(falls sfi not-proved)" -eq "$unproved" ]
    call sockets -d hello
    [ "$code $body" = "200 HELLO" ]
    run "$VIREO" describe sockets
    [[ $output == *"proved: refused"* ]]
    [[ $output == *"sfi: refused"* ]]
    [[ $output == *"container: taken"* ]]
    run "$VIREO" deploy "$FUNCTIONS/sockets.c" --name sockets --require sfi
    [ "$status" = 4 ]
    [[ $output == *"not translated"* ]]
    # What is refused, and an image, fell to nothing.
    deploy image -- cat
    [ "$(falls container not-translated)" -eq $((before + 1)) ]
}

@test "pool: started: a spare's program runs before it is called" {
    mkdir "$BATS_TEST_TMPDIR/early"
    ln -s "$ROOTFS" "$BATS_TEST_TMPDIR/early/rootfs"
    printf 'command: [sh, -c, "exec httpd -f -p $PORT -h /www -r early"]\ntalk: http\npool:\n  spares: 2\n  started: true\n' \
        >"$BATS_TEST_TMPDIR/early/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/early" --name early -q
    eventually 10 sh -c '[ "$(pgrep -fc "^httpd .* -r early")" = 2 ]'
    call early/index.html
    [ "$code $body" = "200 page" ]
    [ "$(header x-vireo-start)" = warm ]
    admin GET /metrics | grep -q '^vireo_starts_total{kind="container"} [1-9]'
}

# A root file system with Debian's python3 and the modules that a program imports.
python_rootfs() {
    local file
    mkdir -p "$1"/usr/bin "$1"/tmp "$1"/proc "$1"/dev
    {
        ldd /usr/bin/python3 | grep -o '/[^ ]*'
        /usr/bin/python3 -S -c 'import sys, json, re, socket
for m in sys.modules.values():
    if getattr(m, "__file__", None): print(m.__file__)'
        echo /usr/lib/python3.11/os.py
    } | while read -r file; do
        mkdir -p "$1${file%/*}"
        cp -L "$file" "$1$file"
    done
    cp -L /usr/bin/python3 "$1/usr/bin/python3"
}

@test "a Python function of Debian's python3 answers, by standard streams" {
    [ -x /usr/bin/python3.11 ] || skip "python3.11 is not installed"
    local root=$BATS_TEST_TMPDIR/python
    python_rootfs "$root"
    cat >"$root/handler.py" <<'PYTHON'
import json, re, socket, sys
event = json.load(sys.stdin)
print(json.dumps({"words": re.findall(r"\w+", event["text"]), "here": socket.gethostbyname(b"localhost")}))
PYTHON
    "$VIREO" deploy "$root" --name python -q -- python3 -S /handler.py
    call python -d '{"text": "two words"}'
    [ "$code" = 200 ]
    [ "$(jq -c .words <<<"$body")" = '["two","words"]' ]
    [ "$(jq -r .here <<<"$body")" = 127.0.0.1 ]
}

@test "the wall: two containers of one function, both made ahead, share no signal, file, descriptor, variable or layout" {
    local folder=$BATS_TEST_TMPDIR/twins first nap
    mkdir "$folder"
    ln -s "$ROOTFS" "$folder/rootfs"
    printf 'pool: {spares: 2}\n' >"$folder/vireo.yaml"
    # shellcheck disable=SC2016 # of the container's shell
    "$VIREO" deploy "$folder" --name twins -q -- sh -c 'read -r word
        case $word in nap) sleep 1; echo slept; exit ;; kill) kill -KILL 0; kill -KILL -1; echo sent; exit ;; esac
        (ls /proc/$$/fd >/tmp/fds) # by a process of its own: for a pipe or a file the shell has one more, at times
        tr "\n" " " </tmp/fds; rm /tmp/fds
        echo $(ls -A /tmp /dev/shm | grep -v : | wc -w) $(tr "\0" "\n" </proc/1/environ | grep -c foreign)
        grep stack /proc/$$/maps
        touch /tmp/left /dev/shm/left'
    curl -s --max-time 30 -d nap "$VIREO_SERVER/function/twins" >"$BATS_TEST_TMPDIR/nap" &
    nap=$!
    sleep 0.4
    call twins -d kill -H 'X-Word: foreign'
    [ "$code $body" = "200 sent" ]
    wait "$nap"
    [ "$(cat "$BATS_TEST_TMPDIR/nap")" = slept ]
    call twins -d one
    first=$body
    echo "$first"
    [ "$(head -n 1 <<<"$first")" = "0 1 2 0 0" ]
    call twins -d two
    [ "$(head -n 1 <<<"$body")" = "0 1 2 0 0" ]
    [ "$(tail -n 1 <<<"$body")" != "$(tail -n 1 <<<"$first")" ]
}

@test "http: an answer without end, and a caller who goes away, cost the next caller nothing" {
    printf '#!/bin/sh\necho\nexec cat /dev/zero\n' >"$ROOTFS/www/cgi-bin/endless"
    printf '#!/bin/sh\necho\nsleep 8\n' >"$ROOTFS/www/cgi-bin/slower"
    chmod 755 "$ROOTFS/www/cgi-bin/endless" "$ROOTFS/www/cgi-bin/slower"
    # shellcheck disable=SC2016
    deploy streams --talk http --timeout 10s -- sh -c 'exec httpd -f -p "$PORT" -h /www'
    call streams/cgi-bin/endless
    refused_with 502 answer-too-large
    call streams/cgi-bin/slower --max-time 0.3
    [ "$code" = 000 ]
    call streams/cgi-bin/slow
    [ "$code $body" = "200 part
rest" ]
}

@test "rm and a new version let the calls that run end with their own answer" {
    local how talk
    printf '#!/bin/sh\necho\necho part\nsleep 4.2\necho rest\n' >"$ROOTFS/www/cgi-bin/leaving"
    chmod 755 "$ROOTFS/www/cgi-bin/leaving"
    # shellcheck disable=SC2016
    for how in rm deploy; do
        deploy leaving -- sh -c 'sleep 4.1; echo old'
        deploy served --talk http -- sh -c 'exec httpd -f -p "$PORT" -h /www'
        call served/index.html
        curl -s --max-time 30 -d x "$VIREO_SERVER/function/leaving" >"$BATS_TEST_TMPDIR/old" &
        talk=$!
        curl -s --max-time 30 "$VIREO_SERVER/function/served/cgi-bin/leaving" >"$BATS_TEST_TMPDIR/slow" &
        talk="$talk $!"
        eventually 10 pgrep -fx 'sleep 4.1'
        eventually 10 pgrep -fx 'sleep 4.2'
        if [ "$how" = rm ]; then
            "$VIREO" rm leaving
            "$VIREO" rm served
            call leaving -d x
            [ "$code" = 404 ]
        else
            deploy leaving -- echo new
            deploy served --talk http -- sh -c 'exec httpd -f -p "$PORT" -h /var'
            call leaving -d x
            [ "$code $body" = "200 new" ]
            call served/index.html
            [ "$code" = 404 ]
        fi
        # shellcheck disable=SC2086
        wait $talk
        [ "$(cat "$BATS_TEST_TMPDIR/old")" = old ]
        [ "$(cat "$BATS_TEST_TMPDIR/slow")" = "part
rest" ]
    done
    "$VIREO" rm leaving
    "$VIREO" rm served
    eventually 10 sh -c '! "$VIREO" ps | grep -qE "leaving|served"'
}

@test "rm and the supervisor's death leave no container, no mount, no file" {
    daemon_there
    # Told from those of other daemons by its folder.
    ln -sfn www "$ROOTFS/www-$VIREO_PORT"
    local serves="exec httpd -f -p \"\$PORT\" -h /www-$VIREO_PORT"
    deploy gone --talk http -- sh -c "$serves"
    call gone/index.html
    [ "$code" = 200 ]
    "$VIREO" rm gone
    eventually 10 sh -c '! "$VIREO" ps | grep -q gone'
    deploy killed --talk http -- sh -c "$serves"
    call killed/index.html
    pgrep -f "httpd -f -p 8080 -h /www-$VIREO_PORT"
    daemon_kill 15
    # One that was being made when the daemon was killed goes a moment later.
    eventually 20 none pgrep -f "httpd -f -p 8080 -h /www-$VIREO_PORT"
    not grep -q "$VIREO_STATE" /proc/self/mountinfo
    daemon_start
    # Those of functions whose spares were started again.
    eventually 10 sh -c '[ "$(ls "$VIREO_STATE/containers" | wc -l)" -le "$(pgrep -c -P "$VIREO_DAEMON" vireo-contain)" ]'
    call killed/index.html
    [ "$code $body" = "200 page" ]
}
