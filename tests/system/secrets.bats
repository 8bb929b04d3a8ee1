#!/usr/bin/env bats
# Secret variables: the function has them, and nothing else that anyone could look into.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    # Not below a link, whatever the machine's /tmp is.
    VAULT=$(realpath "$(mktemp -d /tmp/vireo-test-secrets.XXXXXX)")
    export VAULT
    # Not exported, and so in no environment: its only places are these files.
    local SECRET
    SECRET=$(printf '%s-%s' "s3cr3t" "$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')")
    mkdir -m 755 "$VAULT/allowed" "$VAULT/other"
    mkdir -m 777 "$VAULT/open"
    for place in allowed other open; do
        (umask 077 && echo "$SECRET" >"$VAULT/$place/key")
    done
    printf 'allow_grants:\n  secrets:\n    - %s\n    - %s\n' "$VAULT/allowed" "$VAULT/open" >"$VAULT/vireo.conf"
    daemon_start --config "$VAULT/vireo.conf"
}

teardown_file() {
    daemon_clean
    [ -z "${VAULT-}" ] || rm -rf "$VAULT"
}

setup() {
    need_root
    SECRET=$(cat "$VAULT/other/key")
}

# deploy_secret NAME FILE [more of vireo.yaml]
deploy_secret() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/env.c" "$folder"
    printf 'name: %s\ngrants:\n  env:\n    KEY: {file: %s}\n    MODE: plain\n%s\n' "$1" "$2" "${3-}" \
        >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

# The variable NAME of a function, into body.
ask() {
    call "$1" --data-binary "$2"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

# refused FILE REASON: a deploy that asks for it is refused by policy, in these words, and leaves nothing.
refused() {
    run deploy_secret refused "$1"
    [ "$status" -eq 4 ] || {
        echo "exit $status: $output" >&2
        return 1
    }
    [[ $output == *"env 'KEY'"* && $output == *"'$1'"* && $output == *"$2"* ]] || {
        echo "$output" >&2
        return 1
    }
    [[ $output != *"$SECRET"* ]] || return 1
    run "$VIREO" describe refused
    [ "$status" -eq 3 ]
}

@test "a function has its secret variable, without the newline at the file's end" {
    deploy_secret keeper "$VAULT/allowed/key"
    ask keeper KEY
    [ "$body" = "$SECRET" ]
    ask keeper MODE
    [ "$body" = plain ]
}

@test "a secret is in no list, no description, no log, no metric and no file of the daemon" {
    ask keeper KEY
    [ "$body" = "$SECRET" ]
    {
        "$VIREO" ls
        "$VIREO" ls -o json
        "$VIREO" describe keeper
        "$VIREO" describe -o json keeper
        "$VIREO" logs keeper
        admin GET /metrics
        admin GET /system/functions
        cat "$VIREO_STATE/daemon.log"
    } >"$BATS_TEST_TMPDIR/said"
    [ -s "$BATS_TEST_TMPDIR/said" ]
    grep -q "$VAULT/allowed/key" "$BATS_TEST_TMPDIR/said"
    not grep -a -q -F "$SECRET" "$BATS_TEST_TMPDIR/said"
    not grep -r -a -q -F "$SECRET" "$VIREO_STATE"
    # The search finds what is there: the variable that is none.
    grep -r -a -q -F MODE "$VIREO_STATE"
}

@test "a secret is in no argument and no environment, and no other uid can look into a process" {
    local pid uid count=0
    uid=$("$VIREO" describe -o json keeper | jq .uid)
    ask keeper KEY
    for pid in "$VIREO_DAEMON" $(descendants "$VIREO_DAEMON"); do
        alive "$pid" || continue
        count=$((count + 1))
        not grep -a -q -F "$SECRET" "/proc/$pid/cmdline" "/proc/$pid/environ"
        # As anybody else, and as the function's own uid.
        for other in 65534 "$uid"; do
            for file in environ mem maps auxv stack; do
                not setpriv --reuid "$other" --regid "$other" --clear-groups \
                    head -c 1 "/proc/$pid/$file" 2>/dev/null
            done
            not setpriv --reuid "$other" --regid "$other" --clear-groups \
                readlink "/proc/$pid/fd/3"
        done
    done
    [ "$count" -ge 4 ]
}

@test "no process of the daemon leaves a core" {
    local pid cores=$BATS_TEST_TMPDIR/cores
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = vireo-guest ] || continue
        [ "$(awk '/Max core file size/ {print $5, $6}' "/proc/$pid/limits")" = "0 0" ]
    done
    # The supervisor has no such limit: it is not dumpable. A shell in its place leaves a core.
    mkdir -p "$cores/shell" "$cores/daemon"
    (cd "$cores/shell" && ulimit -c unlimited && sh -c 'kill -SEGV $$') 2>/dev/null || true
    [ -n "$(ls "$cores/shell")" ] || skip "this machine keeps no core files"
    (
        unset VIREO_STATE VIREO_PORT
        trap daemon_clean EXIT
        cd "$cores/daemon"
        ulimit -c unlimited
        daemon_start
        kill -SEGV "$VIREO_DAEMON"
        eventually 10 not alive "$VIREO_DAEMON"
    )
    [ -z "$(ls "$cores/daemon")" ]
}

@test "what is outside of allow_grants is refused with exit code 4, by its name" {
    refused "$VAULT/other/key" "not below a directory of the operator's allow_grants secrets"
    refused "/etc/shadow" "not below a directory of the operator's allow_grants secrets"
    refused "$VAULT/allowedkey" "not below a directory"
}

@test "a path with .. is no way out of what is allowed" {
    run deploy_secret dots "$VAULT/allowed/../other/key"
    [ "$status" -eq 2 ]
    [[ $output == *"'..'"* ]]
}

@test "a file that others may use is refused, as is one of somebody else" {
    for mode in 0640 0604 0644 0620 0602; do
        (umask 077 && echo "$SECRET" >"$VAULT/allowed/weak")
        chmod "$mode" "$VAULT/allowed/weak"
        refused "$VAULT/allowed/weak" "others may use it"
    done
    chmod 0600 "$VAULT/allowed/weak"
    chown 65534 "$VAULT/allowed/weak"
    refused "$VAULT/allowed/weak" "neither root's nor the operator's"
    chown 0 "$VAULT/allowed/weak"
    deploy_secret strong "$VAULT/allowed/weak"
    "$VIREO" rm strong
}

@test "a directory that others may write to is refused" {
    refused "$VAULT/open/key" "can be written by others"
}

@test "links, devices, folders and what is too long are refused" {
    rm -rf "$VAULT/allowed/"{link,way,first,second,pipe,folder,long,nul}
    ln -s "$VAULT/other/key" "$VAULT/allowed/link"
    refused "$VAULT/allowed/link" "symbolic links"
    ln -s "$VAULT/other" "$VAULT/allowed/way"
    refused "$VAULT/allowed/way/key" "symbolic links"
    (umask 077 && echo "$SECRET" >"$VAULT/allowed/first" && ln "$VAULT/allowed/first" "$VAULT/allowed/second")
    refused "$VAULT/allowed/second" "hard link"
    mkfifo -m 600 "$VAULT/allowed/pipe"
    refused "$VAULT/allowed/pipe" "no regular file"
    mkdir -m 700 "$VAULT/allowed/folder"
    refused "$VAULT/allowed/folder" "no regular file"
    (umask 077 && head -c 9000 /dev/zero | tr '\0' x >"$VAULT/allowed/long")
    refused "$VAULT/allowed/long" "longer than 8 KiB"
    (umask 077 && printf 'a\0b' >"$VAULT/allowed/nul")
    refused "$VAULT/allowed/nul" "has a NUL"
    refused "$VAULT/allowed/missing" "No such file"
}

@test "a changed secret is the next instance's, and a bad one stops it by name" {
    (umask 077 && echo one >"$VAULT/allowed/turning")
    deploy_secret turning "$VAULT/allowed/turning" "isolation: request"
    ask turning KEY
    [ "$body" = one ]
    # As people rotate: a new file in place of the old one; and the old one written over.
    (umask 077 && echo two >"$VAULT/allowed/new" && mv "$VAULT/allowed/new" "$VAULT/allowed/turning")
    ask turning KEY
    [ "$body" = two ]
    echo three >"$VAULT/allowed/turning"
    ask turning KEY
    [ "$body" = three ]
    chmod 644 "$VAULT/allowed/turning"
    call turning --data-binary KEY
    refused_with 502 start
    [[ $body == *"env 'KEY'"*"others may use it"* ]]
    chmod 600 "$VAULT/allowed/turning"
    ask turning KEY
    [ "$body" = three ]
}

@test "idle instances with an old secret end when the first with the new one starts" {
    (umask 077 && echo old >"$VAULT/allowed/shared")
    deploy_secret sharing "$VAULT/allowed/shared" "pool: {instances: 4, spares: 2}"
    idle() { "$VIREO" describe -o json sharing | jq -e ".instances | length == $1"; }
    eventually 5 idle 2
    ask sharing KEY
    [ "$body" = old ]
    (umask 077 && echo new >"$VAULT/allowed/next" && mv "$VAULT/allowed/next" "$VAULT/allowed/shared")
    # One ends, and the spare that takes its place is the first to have the new secret.
    local uid pid parent
    uid=$("$VIREO" describe -o json sharing | jq .uid)
    of_uid() { [ "$(awk '/^Uid:/ {print $2}' "/proc/$1/status" 2>/dev/null)" = "$uid" ]; }
    for pid in $(descendants "$VIREO_DAEMON"); do
        parent=$(awk '/^PPid:/ {print $2}' "/proc/$pid/status" 2>/dev/null) || continue
        if of_uid "$pid" && of_uid "$parent"; then # an instance; its template is its parent
            kill -KILL "$pid"
            break
        fi
    done
    fresh() { ask sharing KEY && [ "$body" = new ]; }
    eventually 5 fresh
    for _ in $(seq 8); do
        ask sharing KEY
        [ "$body" = new ]
    done
}

@test "a value on the command line takes the place of a secret" {
    mkdir -p "$BATS_TEST_TMPDIR/over"
    cp "$FUNCTIONS/env.c" "$BATS_TEST_TMPDIR/over"
    printf 'name: over\ngrants: {env: {KEY: {file: /nowhere/at/all}}}\n' >"$BATS_TEST_TMPDIR/over/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/over" --param KEY=said
    ask over KEY
    [ "$body" = said ]
    run "$VIREO" run "$BATS_TEST_TMPDIR/over" </dev/null
    [ "$status" -eq 4 ]
    [[ $output == *"takes 'KEY' from '/nowhere/at/all'"* ]]
}

@test "a secret is there after a restart of the daemon, and still nowhere in its files" {
    daemon_stop || true
    daemon_gone
    daemon_start --config "$VAULT/vireo.conf"
    ask keeper KEY
    [ "$body" = "$SECRET" ]
    not grep -r -a -q -F "$SECRET" "$VIREO_STATE"
    # The daemon of this test, not of the file: stopped by who started it.
    daemon_stop
}
