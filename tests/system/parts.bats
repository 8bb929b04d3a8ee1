#!/usr/bin/env bats
# Libraries of translated code: linked with a function when it is deployed, or while it runs, in one
# linear memory, and with a server at its update points.
load helper

LIBRARIES=

# What makes money a library of translated code: it is somebody's.
STORE='s/^version.*/&\napplication: store/'

# part NAME SOURCE [SED]: builds $WORK/NAME.so, its manifest changed by a sed command.
part() {
    local from=$WORK/source-$1
    rm -rf "$from"
    cp -r "$FUNCTIONS/$2" "$from"
    [ -z "${3-}" ] || sed -i "$3" "$from/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q "$from" -o "$WORK/$1.so"
}

# library NAME TEXT: the same of C that is given, deployed.
library() {
    mkdir -p "$WORK/text-$1"
    printf '%s\n' "$2" >"$WORK/text-$1/a.c"
    printf 'name: %s\nversion: "1"\napplication: store\n' "$1" >"$WORK/text-$1/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q "$WORK/text-$1" -o "$WORK/$1.so"
    "$VIREO" deploy -q "$WORK/$1.so" --name "$1"
}

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-parts.XXXXXX) PORT=$(free_port)
    export WORK PORT
    part tax link/tax 's/^version.*/&\nupdate: {slack: 1KiB}/'
    part money link/money "$STORE"
    KEY=$(VIREO_STATE=$WORK/signer "$VIREO" build --json "$WORK/source-money" -o "$WORK/any.so" | jq -r .signed_by)
    export KEY
    printf 'keys:\n  trusted: [%s]\nallow_grants: {link: true, fork: true, listen: ["127.0.0.1:%s"]}\n' "$KEY" "$PORT" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    for name in money tax; do
        "$VIREO" deploy -q "$WORK/$name.so" --name "$name"
    done
    # Once: its build is the long one.
    "$VIREO" deploy -q "$FUNCTIONS/link/shop" --name shop
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# A fresh instance of a function, called once: $pvm.
fresh() {
    local id
    for id in $("$VIREO" ps -o json | jq -r --arg name "$1" '.[] | select(.function == $name).id'); do
        "$VIREO" kill "$id"
    done
    eventually 5 says "$1" "tax 0 calls 1"$'\n'
    pvm=$("$VIREO" ps -o json | jq -r --arg name "$1" '[.[] | select(.function == $name)][0].id')
}

says() {
    call "$1" -d hello
    [ "$code" = 200 ] && [ "$body" = "${2%$'\n'}" ]
}

@test "a translated function is linked while it runs, by name, with what the library needs" {
    [ "$("$VIREO" describe -o json shop | jq -r .safety)" = sfi ]
    fresh shop
    call shop -d 1000
    refused_with 502 trap
    [[ $body == *"trap in 'handler': no library that is linked has 'tax_of'"* ]]
    fresh shop
    run "$VIREO" link "$pvm" tax
    [ "$status" -eq 0 ]
    [[ $output == "linked tax 2.1.0 into $pvm in "*" us, with money" ]]
    call shop -d 1000
    [ "$body" = "tax 190 calls 2" ]
    [ "$("$VIREO" ps -o json | jq -c --arg id "$pvm" '.[] | select(.id == $id).libraries')" = '["tax 2.1.0","money 1.4.0"]' ]
    run "$VIREO" link "$pvm" tax
    refused 2 "it is linked already"
}

@test "what it must not have is refused by name, and the pVM serves on" {
    fresh shop
    library clash '__attribute__((visibility("default"))) long tax_of(long c) { return c; }'
    library needy 'extern int nobody; __attribute__((visibility("default"))) int *needy(void) { return &nobody; }'
    library bad '__attribute__((constructor)) static void start(void) { __builtin_trap(); }
__attribute__((visibility("default"))) int bad(void) { return 0; }'
    library other '__attribute__((visibility("default"))) int tax_of(double c) { return (int)c; }'
    "$VIREO" link -q "$pvm" tax
    run "$VIREO" link "$pvm" clash
    refused 4 "symbol clash: 'tax_of' is 'tax' library's too"
    run "$VIREO" link "$pvm" needy
    refused 4 "it needs 'nobody', which nobody has"
    run "$VIREO" link "$pvm" bad
    refused 2 "its start failed: unreachable"
    call shop -d 1000
    [ "$body" = "tax 190 calls 2" ]
    # A call never has other arguments than what is called takes.
    fresh shop
    "$VIREO" link -q "$pvm" other
    call shop -d 1000
    refused_with 502 trap
    [[ $body == *"'tax_of' is linked with another type"* ]]
    # Native code is of another kind, either way.
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$FUNCTIONS/link/money" -o "$WORK/native.so"
    "$VIREO" deploy -q "$WORK/native.so" --name native
    fresh shop
    run "$VIREO" link "$pvm" native
    refused 2 "the function is translated code, and it is not"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$FUNCTIONS/link/shop" -o "$WORK/nshop.so"
    "$VIREO" deploy -q "$WORK/nshop.so" --name nshop
    fresh nshop
    run "$VIREO" link "$pvm" money
    [ "$status" -ne 0 ]
    says nshop "tax 0 calls 2"
    "$VIREO" rm -q nshop clash needy bad other native
}

@test "signature, version and loader hold for translated libraries; altered files come in nowhere" {
    fresh shop
    cp "$WORK/tax.so" "$WORK/altered.so"
    printf x | dd of="$WORK/altered.so" bs=1 seek=4200 conv=notrunc status=none
    run "$VIREO" link "$pvm" "$WORK/altered.so"
    refused 4 "it was altered after it was signed"
    for ask in 'loader: blank' 'versions: ">=9"' "signature: $(printf '0%.0s' {1..64})"; do
        part strict link/tax "s/^application: .*/&\nlibrary: {$ask}/;s/^name: .*/name: strict/"
        "$VIREO" deploy -q "$WORK/strict.so" --name strict
        run "$VIREO" link "$pvm" strict
        word=${ask%%:*}
        refused 4 "${word%s}: 'strict' "
    done
    says shop "tax 0 calls 2"
    "$VIREO" rm -q strict
}

@test "dependencies are linked at deploy: variables, constructors, callbacks, the C library" {
    local name
    for name in desk ledger; do
        "$VIREO" rm -q "$name" || true
    done
    rm -rf "$WORK/desk"
    part ledger parts/ledger
    run "$VIREO" deploy "$FUNCTIONS/parts/desk"
    refused 3 "cannot link 'ledger' with 'desk': no such library is deployed"
    "$VIREO" deploy -q "$WORK/ledger.so" --name ledger
    "$VIREO" deploy -q "$FUNCTIONS/parts/desk"
    call desk -d 7
    [ "$body" = "odd 61 14 14 6 1.75; calls 1" ]
    call desk -d 2
    [ "$body" = "even 46 4 6 7 0.50; calls 2" ]
    "$VIREO" describe -o json desk | jq -r .manifest | grep -q "hash: \"$("$VIREO" describe -o json ledger | jq -r .library)\""
    # Each call alone, and in the place of an ended one.
    for more in 'isolation: request' 'recycle: reuse'; do
        cp -r "$FUNCTIONS/parts/desk" "$WORK/desk"
        echo "$more" >>"$WORK/desk/vireo.yaml"
        "$VIREO" deploy -q "$WORK/desk"
        call desk -d 7
        [ "$body" = "odd 61 14 14 6 1.75; calls 1" ]
        "$VIREO" kill "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "desk").id')" || true
        eventually 5 answers_first
        rm -rf "$WORK/desk"
    done
    "$VIREO" rm -q desk ledger
}

answers_first() {
    call desk -d 7
    [ "$body" = "odd 61 14 14 6 1.75; calls 1" ]
}

@test "a server is linked at its update point, and updated then: its connection and its state stay" {
    rm -rf "$WORK/till"
    cp -r "$FUNCTIONS/parts/till" "$WORK/till"
    sed -i "s/@PORT@/$PORT/" "$WORK/till/vireo.yaml"
    "$VIREO" deploy -q "$WORK/till"
    eventually 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/$PORT && echo x >&3 && read -t 2 -r -u 3 line && [[ $line == count* ]]'
    exec 4<>"/dev/tcp/127.0.0.1/$PORT"
    ask() {
        echo "$1" >&4
        read -t 10 -r -u 4 line
    }
    ask hello
    [[ $line =~ ^count\ ([0-9]+)$ ]]
    before=${BASH_REMATCH[1]}
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "till" and .parent == null).id')
    "$VIREO" link "$pvm" tax
    ask 1000
    [ "$line" = "tax 190" ]
    ask "fork 1000"
    [ "$line" = "child 7" ]
    ask hello
    [ "$line" = "count $((before + 2))" ]
    [ "$("$VIREO" ps -o json | jq -r --arg id "$pvm" '.[] | select(.id == $id).libraries[0]')" = "tax 2.1.0" ]
    # A new version takes it over, and the one before again.
    sed -i 's/"tax %ld/"duty %ld/; s/"count %u/"total %u/; s/^static unsigned count;/&\nstatic unsigned added = 3;/; s/    count++;/&\n    added++;/' "$WORK/till/till.c"
    run "$VIREO" update till "$WORK/till"
    [ "$status" -eq 0 ]
    [[ $output == *" on with it: "* ]]
    ask 1000
    [ "$line" = "duty 190" ]
    ask "fork 1000"
    [ "$line" = "child 7" ]
    ask hello
    [ "$line" = "total $((before + 4))" ]
    "$VIREO" rollback till
    ask 1000
    [ "$line" = "tax 190" ]
    ask hello
    [ "$line" = "count $((before + 6))" ]
    # One library of it alone, at that point, but never from within a call of the library's.
    rm -rf "$WORK/tax2"
    cp -r "$WORK/source-tax" "$WORK/tax2"
    sed -i 's/^long money_round.*/&\nint till_wait(void);/; s/cents \* 19/cents * (till_wait() + 20)/' "$WORK/tax2/tax.c"
    VIREO_STATE=$WORK/signer "$VIREO" build -q "$WORK/tax2" --against "$WORK/tax.so" -o "$WORK/tax2.so"
    "$VIREO" update -q --pvm "$pvm" "$WORK/tax2.so" tax
    ask 1000
    [ "$line" = "tax 200" ]
    ask wait
    echo 1000 >&4
    sleep 0.1
    run "$VIREO" update --pvm "$pvm" "$WORK/tax.so" tax2
    [ "$status" -ne 0 ]
    [[ $output == *"it is on the stack: vireo_update_point() is called from within it"* ]]
    read -t 10 -r -u 4 line
    [ "$line" = "tax 200" ]
    "$VIREO" update -q --pvm "$pvm" tax tax2
    ask 1000
    [ "$line" = "tax 190" ]
    exec 4>&-
    # What a library has itself, the program must not have.
    printf '%s\n' '__attribute__((visibility("default"))) long money_round(long cents) { return cents; }' >>"$WORK/till/till.c"
    run "$VIREO" update till "$WORK/till"
    refused 4 "its 'money_round' is that of library 'money', which is linked"
    "$VIREO" rm -q till
}

@test "an instance that is updated keeps its libraries, with what is in them" {
    rm -rf "$WORK/desk" "$WORK/source-ledger"
    cp -r "$FUNCTIONS/parts/desk" "$WORK/desk"
    cp -r "$FUNCTIONS/parts/ledger" "$WORK/source-ledger"
    # With slack the program has no variables for libraries, but functions.
    sed -i 's/^EXPORT int desk_factor/static int desk_factor/; s/^EXPORT int desk_twice/EXPORT int desk_get(void) { return desk_factor; }\n&/' "$WORK/desk/desk.c"
    sed -i 's/^extern int desk_factor;/int desk_get(void);/; s/desk_factor/desk_get()/' "$WORK/source-ledger/ledger.c"
    VIREO_STATE=$WORK/signer "$VIREO" build -q "$WORK/source-ledger" -o "$WORK/ledger.so"
    "$VIREO" deploy -q "$WORK/ledger.so" --name ledger
    printf 'update: {slack: 16KiB}\n' >>"$WORK/desk/vireo.yaml"
    "$VIREO" deploy -q "$WORK/desk"
    call desk -d 7
    [ "$body" = "odd 61 14 14 6 1.75; calls 1" ]
    sed -i 's/return 2 \* value;/return 20 * value;/; s/calls %u/asked %u/' "$WORK/desk/desk.c"
    run "$VIREO" update desk "$WORK/desk"
    [ "$status" -eq 0 ]
    [[ $output == *" on with it: "* ]]
    call desk -d 7
    [ "$body" = "odd 61 140 14 7 1.75; asked 2" ]
    "$VIREO" rollback desk
    call desk -d 7
    [ "$body" = "odd 61 14 14 8 1.75; calls 3" ]
    "$VIREO" rm -q desk ledger
    fresh shop
    "$VIREO" link -q "$pvm" money
    part money2 link/money 's/^version: .*/version: 1.9.0\napplication: store/'
    run "$VIREO" update --pvm "$pvm" "$WORK/money2.so" money
    refused 4 "the running library has no symbol map"
    says shop "tax 0 calls 2"
}

# book NAME [SED of book.c] [LIBRARY it is built against] [SED of vireo.yaml]
book() {
    rm -rf "$WORK/source-$1"
    cp -r "$FUNCTIONS/parts/book" "$WORK/source-$1"
    sed -i "${2-}" "$WORK/source-$1/book.c"
    sed -i "${4-}" "$WORK/source-$1/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q "$WORK/source-$1" ${3:+--against "$WORK/$3.so"} -o "$WORK/$1.so"
}

# Another text, constant and static function; a variable more.
SECOND='s/"one %d/"two %d/; s/n + 1;/n + 10;/; s/^static int calls;/static int added[4] = {7};\n&/; s/calls++;/calls += added[0] == 7;/; s/"plain", "fine"/"bare", "best"/; s/"first"/"later"/'

reads() {
    call reader -d x
    [ "$body" = "$1" ] || { echo "'$body' instead of '$1'"; return 1; }
}

replaces() {
    run "$VIREO" update --pvm "$pvm" "$1" "$2"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

@test "a library of a pVM is replaced alone: what points to it, from wherever, is right" {
    book book
    book book2 "$SECOND" book 's/1.0.0/2.0.0/'
    book book3 "$SECOND; s/\"two %d/\"three %d/" book2 's/1.0.0/3.0.0/'
    for name in book book2 book3; do "$VIREO" deploy -q "$WORK/$name.so" --name "$name"; done
    "$VIREO" deploy -q "$FUNCTIONS/parts/reader"
    reads "one 41 1 first fine 7 6; 1 1"
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "reader").id')
    replaces book2 book
    [[ $output == "updated book to book2 2.0.0 in $pvm in "*" us" ]]
    reads "two 42 11 first best 8 15; 11 2"
    replaces book3 book2
    reads "three 43 21 first best 9 15; 21 3"
    # To what it was built against: what it had added goes.
    replaces book2 book3
    replaces book book2
    reads "one 44 22 first fine 10 6; 22 4"
    # By turns, many times: nothing of a library that was replaced stays. (A thousand updates with
    # scripts/test --long.)
    local turns=${VIREO_TEST_LONG:+500}
    turn() {
        admin POST "/system/pvms/$pvm/link?library=$1&replaces=$2" -f -o "$BATS_TEST_TMPDIR/out"
    }
    held() {
        local pid
        for pid in $(descendants "$VIREO_DAEMON"); do
            [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = vireo-guest ] || continue
            wc -l <"/proc/$pid/maps"
            find "/proc/$pid/fd" -mindepth 1 | wc -l
        done | paste -s -d ' '
        "$VIREO" ps -o json | jq '.[] | select(.function == "reader").memory_bytes / 1048576 | floor'
    }
    replaces book2 book
    # The heap takes its pages in steps: the first of them is over then.
    for i in $(seq "${turns:-3}"); do turn book3 book2 && turn book2 book3; done
    before=$(held)
    for i in $(seq "${turns:-25}"); do
        turn book3 book2 && turn book2 book3 || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
    done
    echo "$before, then $(held)"
    [ "$(held)" = "$before" ]
    reads "two 45 32 first best 11 15; 32 5"
}

# changed WORDS SED: the book changed so is refused in these words, by the build or by the pVM.
changed() {
    run book bad "$2" book2 "${3-}"
    [ "$status" -ne 0 ] || run "$VIREO" update --pvm "$pvm" "$WORK/bad.so" book2
    refused 4 "$1"
}

@test "a library that can't take the state over is refused by name, and the pVM goes on" {
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "reader").id')
    changed "variable 'added' was removed" ''
    changed "the type of variable 'calls' changed: int to long" "$SECOND; s/static int calls/static long long calls/"
    changed "function 'book_inner' was removed" "$SECOND; s/book_inner/book_outer/"
    changed "the signature of function 'book_inner' changed" "$SECOND; s/book_inner(void)/book_inner(int x)/"
    changed "the fields of 'struct note' changed" "$SECOND; s/^    int \*inner;/    int *pad, *inner;/"
    changed "its slack is exhausted" "$SECOND; s/static int calls;/static int more[512] = {1};\n&/; s/calls += /calls += more[calls] + /"
    # Built against another one, or none.
    book other "$SECOND; s/^static struct note/static long before[9] = {2};\n&/; s/n + 10;/n + before[0];/"
    run "$VIREO" update --pvm "$pvm" "$WORK/other.so" book2
    refused 4 "was not built against the other"
    changed "symbol clash: 'reader_apply' is 'the function' library's too" "$SECOND"'; $aEXPORT int reader_apply(int (*f)(int), int n) { return f(n); }' 's/^int reader_apply.*//'
    run "$VIREO" update --pvm "$pvm" book2 book
    refused 3 "no such library is linked"
    reads "two 46 42 first best 12 15; 42 6"
    "$VIREO" rm -q reader
}
