#!/usr/bin/env bats
# Programs that translated functions run: vireo_exec(), which takes a vote, the operator and the
# manifest, and runs nothing but a container that somebody deployed.
load helper
load engines

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    HERE=$(mktemp -d /tmp/vireo-test-exec.XXXXXX)
    export HERE
    mkdir "$HERE/root" "$HERE/user" "$HERE/other"
    engine_rootfs "$HERE/root"
    chmod 755 "$HERE/root"
    {
        printf 'allow_layers: {platform: ["*"]}\nallow_grants: {exec: [sorter, fails, "slow*", floods, talks, user, gone, other]}\n'
        printf 'allow_votes:\n  quorum: 1\n  voters:\n    ann: %s\n' "$("$VIREO" allow key "$HERE/ann")"
    } >"$HERE/conf"
    daemon_start --config "$HERE/conf"
    cp "$FUNCTIONS/platform.c" "$HERE/user"
    cp "$FUNCTIONS/platform.c" "$HERE/other"
    program sorter -- sort -u
    program fails -- sh -c 'echo before; exit 3'
    program slow --timeout 1s -- sleep 60
    program floods -- sh -c 'head -c 70000 /dev/zero'
    program talks --talk http -- httpd -f -p 8080
    program free -- id
    printf 'name: user\nallow: [base, platform]\ngrants: {exec: [sorter, fails, slow, floods, talks, user, gone, other]}\n' >"$HERE/user/vireo.yaml"
    printf 'name: other\nallow: [base, platform]\n' >"$HERE/other/vireo.yaml"
    "$VIREO" deploy "$HERE/user" >/dev/null
    "$VIREO" deploy "$HERE/other" >/dev/null
}

teardown_file() {
    daemon_clean
    rm -rf "${HERE-}"
}

setup() {
    need_root
}

program() {
    local name=$1
    shift
    "$VIREO" deploy "$HERE/root" --name "$name" -q "$@"
}

answers() {
    call "${2-user}" --data-binary "$1"
    echo "$1: $code $body"
    [ "$code $body" = "200 ${3-}" ]
}

entry_is() {
    [ "$("$VIREO" allow ls -o json | jq -r --arg name "$1" --arg member "$2" '.entries[] | select(.name == $name)[$member]')" = "$3" ]
}

# Has it allowed, by a vote, unless it is.
vote() {
    local id
    ! entry_is vireo_exec allowed true || return 0
    "$VIREO" allow propose vireo_exec --reason "tools"
    id=$("$VIREO" allow ls -o json | jq '.proposals[] | select(.state == "open").id')
    "$VIREO" allow vote "$id" yes --key "$HERE/ann" --reason "reviewed"
    eventually 10 entry_is vireo_exec allowed true
    # At the next start of the function.
    "$VIREO" deploy "$HERE/user" -q
}

@test "without a vote no program runs, and the attempt is counted" {
    answers "exec sorter b" user "Permission denied"
    eventually 10 entry_is vireo_exec denied 1
    entry_is vireo_exec layer risky
    entry_is vireo_exec allowed false
}

@test "with a vote a program runs: its input, its output, and what it ended with" {
    vote
    eventually 10 answers $'exec sorter b\na\nb' user $'a\nb'
    answers "exec fails x" user "Protocol error"
    answers "exec slow x" user "Operation timed out"
    answers "exec floods x" user "Message too large"
    # What it wrote is its own log, and it ran in a container.
    "$VIREO" describe sorter | grep -q 'container'
    eventually 10 entry_is vireo_exec functions 1
}

@test "what the manifest does not name, what is no program and what is another's is refused" {
    # There, but not named; named, but not there, no standard input, translated, itself.
    local word
    for word in free gone talks other user; do
        answers "exec $word x" user "Permission denied"
    done
    # Names that are none, and more than a name.
    for word in sorter/../free 'sorter?x' sorter%20 /bin/sh ../sorter SORTER sorter- ''; do
        answers "exec $word x" user "Permission denied"
    done
    answers "exec sorter x" other "Permission denied"
}

@test "a program that is replaced by translated code is none at the next start" {
    program gone -- cat
    "$VIREO" deploy "$HERE/user" -q
    eventually 10 answers "exec gone x" user x
    "$VIREO" rm gone
    answers "exec gone x" user "No such file or directory"
    sed 's/name: other/name: gone/' "$HERE/other/vireo.yaml" >"$BATS_TEST_TMPDIR/yaml"
    mkdir "$BATS_TEST_TMPDIR/gone"
    cp "$HERE/other/platform.c" "$BATS_TEST_TMPDIR/gone"
    cp "$BATS_TEST_TMPDIR/yaml" "$BATS_TEST_TMPDIR/gone/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/gone" -q
    "$VIREO" deploy "$HERE/user" -q
    eventually 10 answers "exec gone x" user "Permission denied"
}

@test "the operator's word and the manifest's layers are looked at when it is deployed" {
    mkdir "$BATS_TEST_TMPDIR/f"
    cp "$FUNCTIONS/platform.c" "$BATS_TEST_TMPDIR/f"
    printf 'name: f\nallow: [base, platform]\ngrants: {exec: [free]}\n' >"$BATS_TEST_TMPDIR/f/vireo.yaml"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/f"
    [ "$status" -eq 4 ]
    [[ $output == *"cannot grant exec 'free' to 'f': it is not in the operator's allow_grants"* ]]
    printf 'name: f\ngrants: {exec: [sorter]}\n' >"$BATS_TEST_TMPDIR/f/vireo.yaml"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/f"
    [ "$status" -eq 2 ]
    [[ $output == *"needs the layer platform"* ]]
    # A container runs no other program.
    mkdir "$BATS_TEST_TMPDIR/c"
    ln -s "$HERE/root" "$BATS_TEST_TMPDIR/c/rootfs"
    printf 'name: c\nallow: [base, platform]\ncommand: [cat]\ngrants: {exec: [sorter]}\n' >"$BATS_TEST_TMPDIR/c/vireo.yaml"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/c"
    [ "$status" -eq 2 ]
    [[ $output == *"no grants but files and env"* ]]
}

@test "code that runs programs is not proved" {
    mkdir "$BATS_TEST_TMPDIR/p"
    cat >"$BATS_TEST_TMPDIR/p/p.c" <<'C'
#include <vireo/function.h>
#include <vireo/platform.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint8_t to[16];
    return vireo_exec("sorter", "b", 1, to, sizeof to);
}
C
    printf 'name: p\nallow: [base, platform]\ngrants: {exec: [sorter]}\n' >"$BATS_TEST_TMPDIR/p/vireo.yaml"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/p" --require proved
    [ "$status" -eq 4 ]
    "$VIREO" deploy "$BATS_TEST_TMPDIR/p" -q
    [ "$("$VIREO" ls -o json | jq -r '.[] | select(.name == "p").safety')" = sfi ]
}

@test "demoted, functions that ran programs are not served, and programs are" {
    "$VIREO" allow demote vireo_exec --reason "no more"
    eventually 10 entry_is vireo_exec allowed false
    refused() {
        call user --data-binary "exec sorter x"
        [ "$code" = 403 ]
    }
    eventually 10 refused
    "$VIREO" describe user | grep -q "it uses 'vireo_exec', which is not allowed any more"
    [ "$(printf 'b\na\n' | "$VIREO" invoke sorter)" = $'a\nb' ]
    vote
    eventually 10 answers $'exec sorter b\na' user $'a\nb'
    "$VIREO" audit --check | grep -q "each as it was written"
}
