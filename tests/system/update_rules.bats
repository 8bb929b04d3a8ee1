#!/usr/bin/env bats
# What an update carries over of state of every shape, and what a version may not change: of
# translated code and of native code the same, by name.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-update-rules.XXXXXX)
    export WORK
    chmod 755 "$WORK"
    version native one ''
    KEY=$("$VIREO" build --state "$WORK/signer" --json --native "$WORK/native-one" -o "$WORK/any.so" | jq -r .signed_by)
    printf 'keys: {trusted: [%s]}\n' "$KEY" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# version KIND NAME SED: the source of a version, changed so.
version() {
    mkdir -p "$WORK/$1-$2"
    sed -e "$3" "$FUNCTIONS/rules.c" >"$WORK/$1-$2/rules.c"
    printf 'name: rules-%s\nversion: "1"\nupdate: {slack: 16KiB}\npool: {instances: 1}\n' "$1" >"$WORK/$1-$2/vireo.yaml"
}

# What vireo takes of it: the folder itself, or one with the library that was built of it.
given() {
    [ "$1" = native ] || {
        echo "$WORK/$1-$2"
        return
    }
    mkdir -p "$WORK/given-$2"
    cp "$WORK/$1-$2/vireo.yaml" "$WORK/given-$2/"
    "$VIREO" build -q --state "$WORK/signer" --native "$WORK/$1-$2" -o "$WORK/given-$2/rules.so" || return
    echo "$WORK/given-$2"
}

# refused KIND SED WORDS
refused() {
    local from
    version "$1" changed "$2"
    from=$(given "$1" changed)
    run "$VIREO" update "rules-$1" "$from"
    [ "$status" -eq 4 ] && [[ $output == *"$3"* ]] || {
        echo "$2: exit $status: $output" >&2
        return 1
    }
}

says() {
    call "rules-$1" -d x
    [ "$code" = 200 ] && [ "$body" = "$2" ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

rules() {
    local kind=$1 from
    version "$kind" one ''
    "$VIREO" deploy -q "$(given "$kind" one)"
    says "$kind" "1: 2 3 5 5 6 0, row 14 14 at 4, 1.0, kept one"
    refused "$kind" 's/flags : 3/flags : 4/' "the fields of 'struct outer' changed"
    refused "$kind" 's/short b;/int b;/' "the fields of 'struct inner' changed"
    refused "$kind" 's/float part;/unsigned part;/' "the fields of 'union either' changed"
    refused "$kind" 's/row\[8\]/row[9]/' "variable 'row' changed"
    refused "$kind" 's/^static double ratio/static float ratio/' "variable 'ratio' changed"
    refused "$kind" 's/^int \*middle = /unsigned *middle = (unsigned *)/; s/middle - row/middle - (unsigned *)row/' "variable 'middle' changed"
    refused "$kind" 's/weak_one/weak_two/' "function 'weak_one' was removed"
    refused "$kind" 's/static int calls;/static float calls;/; s/return ++calls;/return (int)++calls;/' "calls' changed"
    # Nothing of that has left a trace.
    says "$kind" "2: 3 4 7 6 7 1, row 14 15 at 5, 2.0, kept two"
    # Values, constants, texts and code are the source's own.
    version "$kind" two 's/DARK, LIGHT/DARK, LIGHT, PALE/; s/{2, 3, 5}/{20, 3, 5}/; s/"nought"/"zero"/; s/return n + 1;/return n + 100;/'
    from=$(given "$kind" two)
    "$VIREO" update -q "rules-$kind" "$from"
    says "$kind" "3: 103 5 27 7 8 0, row 14 15 at 6, 4.0, kept zero"
    "$VIREO" rollback "rules-$kind"
    says "$kind" "4: 104 6 29 0 9 1, row 14 15 at 7, 8.0, kept one"
    "$VIREO" rm -q "rules-$kind"
}

@test "translated code: structures, bit-fields, unions, arrays, statics, pointers, weak functions" {
    rules translated
}

@test "native code: structures, bit-fields, unions, arrays, statics, pointers, weak functions" {
    rules native
}
