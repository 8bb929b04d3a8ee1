#!/usr/bin/env bats
# Libraries that functions of native code are linked with: when they are deployed (dependencies), or
# while they run (vireo link), under the restrictions that the images state; refusals name the
# restriction and leave the pVM as it was.
load helper

LIBRARIES=

# native NAME SOURCE [SIGNER] [SED]: builds $WORK/NAME.so, its manifest changed by a sed command.
native() {
    local from=$WORK/source-$1
    rm -rf "$from"
    cp -r "$FUNCTIONS/link/$2" "$from"
    [ -z "${4-}" ] || sed -i "$4" "$from/vireo.yaml"
    VIREO_STATE=$WORK/${3:-signer} "$VIREO" build -q --native "$from" -o "$WORK/$1.so"
}

key_of() {
    VIREO_STATE=$WORK/$1 "$VIREO" build --json --native "$FUNCTIONS/link/money" -o "$WORK/any.so" |
        jq -r .signed_by
}

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-link.XXXXXX)
    export WORK
    for name in money tax shop; do
        native "$name" "$name"
    done
    KEY=$(key_of signer) OTHER=$(key_of other)
    export KEY OTHER
    printf 'keys:\n  trusted:\n    - %s\n    - %s\nallow_grants:\n  link: true\n' "$KEY" "$OTHER" \
        >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    for name in money tax; do
        "$VIREO" deploy -q "$WORK/$name.so" --name "$name"
    done
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# shop NAME [SED]: deploys the shop by this name, its manifest changed, and calls it once: $pvm.
shop() {
    native "$1" shop signer "${2-}"
    "$VIREO" deploy -q "$WORK/$1.so" --name "$1" --timeout 4s
    call "$1" -d hello
    [ "$code" = 200 ]
    pvm=$("$VIREO" ps -o json | jq -r --arg name "$1" '[.[] | select(.function == $name)][0].id')
}

# The instance of the shop is the one that was there, and serves.
untouched() {
    call "$1" -d hello
    [ "$code" = 200 ] && [[ $body == "tax 0 calls $2"* ]]
}

@test "a function that nobody has is a trap by its name; linked, with what it needs, it is called" {
    shop late
    call late -d 1000
    refused_with 502 trap
    [[ $body == *"no library that is linked has 'tax_of'"* ]]
    eventually 5 untouched late 1
    pvm=$("$VIREO" ps -o json | jq -r '[.[] | select(.function == "late")][0].id')
    run "$VIREO" link "$pvm" tax
    [ "$status" -eq 0 ]
    [[ $output == "linked tax 2.1.0 into $pvm in "*" us, with money" ]]
    call late -d 1000
    [[ $body == "tax 190 calls 2"* ]]
    [ "$("$VIREO" ps -o json | jq -c --arg id "$pvm" '.[] | select(.id == $id).libraries')" = '["tax 2.1.0","money 1.4.0"]' ]
    run "$VIREO" link "$pvm" tax
    refused 2 "it is linked already"
    "$VIREO" rm -q late
}

@test "a library too large to be looked at beside calls is checked by a thread, and linked" {
    mkdir -p "$WORK/source-large"
    printf 'name: large\nversion: "1"\n' >"$WORK/source-large/vireo.yaml"
    # Another library at a second try: the daemon knows the one that it has looked at.
    printf '%s\n' "__attribute__((visibility(\"default\"))) char large_table[100000] = {$BATS_TEST_TRY_NUMBER};" \
        '__attribute__((visibility("default"))) int large(int i) { return large_table[i]; }' \
        >"$WORK/source-large/large.c"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/source-large" -o "$WORK/large.so"
    [ "$(stat -c %s "$WORK/large.so")" -gt 65536 ]
    "$VIREO" deploy -q "$WORK/large.so" --name large
    shop looks 's/^name:.*/name: looks/'
    run "$VIREO" link -o json "$pvm" large
    [ "$status" -eq 0 ]
    [ "$(jq -r '.library + " " + (.cached | tostring)' <<<"$output")" = "large false" ]
    "$VIREO" rm -q looks
}

@test "a link while a call runs waits for its end, and not for ever" {
    shop busy
    curl -s --max-time 60 -d busy -o "$BATS_TEST_TMPDIR/busy" "$VIREO_SERVER/function/busy" 3>&- &
    eventually 5 bash -c '"$VIREO" ps -o json | jq -e ".[] | select(.function == \"busy\" and .state == \"running\")"'
    run "$VIREO" link "$pvm" tax
    refused 2 "in a call that takes long; nothing was linked"
    "$VIREO" rm -q busy
    wait
}

@test "dependencies are resolved over the whole tree at deploy, and pinned by hash" {
    native pinned shop signer 's/^grants: .*/dependencies: [{name: tax, versions: ">=2", signer: "'"$KEY"'"}]/'
    "$VIREO" deploy -q "$WORK/pinned.so" --name pinned
    call pinned -d 1000
    [[ $body == "tax 190 calls 1"* ]]
    "$VIREO" describe -o json pinned | jq -r .manifest >"$WORK/manifest"
    for name in tax money; do
        grep -A4 "name: \"$name\"" "$WORK/manifest" | grep -q \
            "hash: \"$("$VIREO" describe -o json "$name" | jq -r .library)\""
    done
    # Another version of a dependency changes nothing for who is pinned to the one before.
    native money2 money signer 's/^version: .*/version: 1.9.0/'
    "$VIREO" deploy -q "$WORK/money2.so" --name money
    "$VIREO" kill "$("$VIREO" ps -o json | jq -r '[.[] | select(.function == "pinned")][0].id')"
    call pinned -d 1000
    [[ $body == "tax 190 calls 1"* ]]
    "$VIREO" deploy -q "$WORK/money.so" --name money
    "$VIREO" rm -q pinned
}

@test "a deploy is refused by the restriction that a dependency does not meet" {
    refuse() {
        native bad shop signer "s/^grants: .*/dependencies: [$1]/;${2-}"
        run "$VIREO" deploy "$WORK/bad.so" --name bad
        refused "$3" "$4"
    }
    refuse '{name: tax, versions: "<2"}' '' 4 "cannot link 'tax' with 'bad': version: '<2' is asked for, and it is version '2.1.0'"
    refuse "{name: tax, signer: $OTHER}" '' 4 "cannot link 'tax' with 'bad': signature: key ${OTHER:0:16}... is asked for"
    refuse '{name: none}' '' 3 "cannot link 'none' with 'bad': no such library is deployed"
    refuse '{name: tax, versions: ">=2"}' 's/^name: .*/&\nlibrary: {loader: blank}/' 4 "loader: 'bad' is for blank pVMs"
    # What a dependency needs in turn counts too.
    native tax-new tax signer 's/>=1.2 <2/>=7/'
    "$VIREO" deploy -q "$WORK/tax-new.so" --name tax-new
    refuse '{name: tax-new}' '' 4 "cannot link 'money' with 'bad': version: '>=7' is asked for"
    "$VIREO" rm -q tax-new
    run "$VIREO" describe bad
    refused 3 "no function 'bad'"
}

@test "signature, version and loader: vireo link is refused by name, the pVM serves on untouched" {
    shop strict 's/^grants/library: {signature: '"$KEY"', versions: ">=2", loader: application}\ngrants/'
    native tax-other tax other
    "$VIREO" deploy -q "$WORK/tax-other.so" --name tax-other
    run "$VIREO" link "$pvm" tax-other
    refused 4 "cannot link 'tax-other' with 'strict': signature: 'strict' asks for key ${KEY:0:16}..."
    native tax-old tax signer 's/^version: .*/version: 1.0/'
    "$VIREO" deploy -q "$WORK/tax-old.so" --name tax-old
    run "$VIREO" link "$pvm" tax-old
    refused 4 "version: 'strict' asks for '>=2', and 'tax-old' is version '1.0'"
    native tax-foreign tax signer 's/^application: .*/application: elsewhere/'
    "$VIREO" deploy -q "$WORK/tax-foreign.so" --name tax-foreign
    run "$VIREO" link "$pvm" tax-foreign
    refused 4 "loader: 'strict' is for pVMs of its own application"
    untouched strict 2
    "$VIREO" rm -q tax-other tax-old tax-foreign strict
}

@test "a library says itself who may load it" {
    shop plain
    for loader in self blank application; do
        native "tax-$loader" tax signer "s/^application: .*/application: elsewhere\nlibrary: {loader: $loader}/"
        "$VIREO" deploy -q "$WORK/tax-$loader.so" --name "tax-$loader"
        run "$VIREO" link "$pvm" "tax-$loader"
        refused 4 "loader: 'tax-$loader' is for "
    done
    native tax-signer tax signer "s/^application: .*/library: {signature: $OTHER}/"
    "$VIREO" deploy -q "$WORK/tax-signer.so" --name tax-signer
    run "$VIREO" link "$pvm" tax-signer
    refused 4 "signature: 'tax-signer' asks for key ${OTHER:0:16}..."
    untouched plain 2
    "$VIREO" rm -q plain tax-self tax-blank tax-application tax-signer
}

@test "unsigned, altered after signing, cut off, of a key that nobody trusts: no way in by a file" {
    shop careful
    for how in unsigned altered cut; do
        cp "$WORK/tax.so" "$WORK/$how.so"
    done
    truncate -s -128 "$WORK/unsigned.so"
    printf x | dd of="$WORK/altered.so" bs=1 seek=4200 conv=notrunc status=none
    truncate -s 5000 "$WORK/cut.so"
    run "$VIREO" link "$pvm" "$WORK/unsigned.so"
    refused 4 "it is not signed"
    run "$VIREO" link "$pvm" "$WORK/altered.so"
    refused 4 "it was altered after it was signed"
    run "$VIREO" link "$pvm" "$WORK/cut.so"
    refused 4 "it is not signed"
    native stranger tax stranger
    run "$VIREO" link "$pvm" "$WORK/stranger.so"
    refused 4 "signed by another key"
    untouched careful 2
    "$VIREO" link -q "$pvm" "$WORK/tax.so"
    call careful -d 100
    [[ $body == "tax 20 calls 3"* ]]
    "$VIREO" rm -q careful
}

@test "a symbol clash, a library that needs data of nobody: refused inside, the pVM serves on" {
    shop clash
    mkdir -p "$WORK/clash-c"
    echo '__attribute__((visibility("default"))) long tax_of(long c) { return c; }' >"$WORK/clash-c/a.c"
    printf 'name: freetax\nversion: "1"\n' >"$WORK/clash-c/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/clash-c" -o "$WORK/freetax.so"
    "$VIREO" deploy -q "$WORK/freetax.so" --name freetax
    "$VIREO" link -q "$pvm" tax
    run "$VIREO" link "$pvm" freetax
    refused 4 "symbol clash: 'tax_of' is 'tax' library's too"
    printf 'extern int nobody; int *needs_nobody(void) { return &nobody; }\n__attribute__((visibility("default"))) int needy(void) { return *needs_nobody(); }\n' >"$WORK/clash-c/a.c"
    printf 'name: needy\nversion: "1"\ngrants: {link: true}\n' >"$WORK/clash-c/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/clash-c" -o "$WORK/needy.so"
    "$VIREO" deploy -q "$WORK/needy.so" --name needy
    run "$VIREO" link "$pvm" needy
    refused 4 "it needs 'nobody', which nobody has"
    call clash -d 1000
    [[ $body == "tax 190 calls 2"* ]]
    "$VIREO" rm -q clash freetax needy
}

@test "without the grant nothing is linked; the operator allows the grant; a library is not called" {
    shop granted
    native plain shop signer '/^grants/d;s/^limits.*/dependencies: [{name: tax}]/'
    "$VIREO" deploy -q "$WORK/plain.so" --name plain
    call plain -d 5
    pvm=$("$VIREO" ps -o json | jq -r '[.[] | select(.function == "plain")][0].id')
    run "$VIREO" link "$pvm" money
    refused 4 "no grant to have libraries linked"
    run "$VIREO" link 77 money
    refused 3 "there is no pVM '77'"
    run "$VIREO" link "$pvm" nothing
    [ "$status" -ne 0 ]
    "$VIREO" describe -o json granted | jq -e '.syscalls.link | index("futex_waitv")'
    "$VIREO" describe -o json plain | jq -e '.syscalls.link == null'
    call tax -d 5
    [ "$code" = 403 ]
    [[ $body == *"it is a library: others are linked with it, nobody calls it"* ]]
    "$VIREO" rm -q granted plain
}
