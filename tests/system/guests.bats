#!/usr/bin/env bats
# What WebAssembly guests try that want out: through WASI, and past the edges of their memory.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
    "$VIREO" deploy "$TOP/tests/system/escape/guest.c" --name guest --memory 16MiB
    wat2wasm "$TOP/tests/system/escape/module.wat" -o "$BATS_FILE_TMPDIR/module.wasm"
    "$VIREO" deploy "$BATS_FILE_TMPDIR/module.wasm" --name edges
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

# answer QUERY: what the guest says of its attempts.
answer() {
    call "guest?$1"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

@test "what WASI gives works" {
    answer works
    [ "$body" = '3 of 3' ]
}

@test "no descriptor but its streams exists for it, whatever it is used for" {
    # 22 uses each of 2,047 numbers: among them 3, which is the instance's event.
    answer descriptors
    [ "$body" = '0 of 45034' ]
    answer works
    [ "$body" = '3 of 3' ]
}

@test "no name of the host can be opened" {
    answer names
    [ "$body" = '0 of 8' ]
}

@test "addresses outside of its memory are refused by every call" {
    answer pointers
    [ "$body" = '0 of 54' ]
}

@test "the host gives each instance its own random bytes" {
    declare -A seen
    for _ in 1 2 3 4; do
        call 'guest?random'
        value=$(od -An -tx1 "$BODY")
        [ -z "${seen[$value]-}" ]
        seen[$value]=yes
    done
}

@test "loads, stores, bulk operations, tables and the stack end at their edges" {
    call edges --data-binary a
    [ "$code:$body" = '200:in bounds' ]
    declare -A text=([memory]='out of bounds memory access'
        [bulk]='out of bounds memory or table access'
        [indirect]='undefined element or indirect call type mismatch' [stack]='call stack exhausted')
    for attack in b:memory c:memory d:memory e:memory f:memory g:memory h:bulk i:bulk j:bulk k:bulk \
        l:bulk m:indirect n:indirect o:indirect p:indirect q:bulk r:bulk s:stack t:memory u:memory; do
        call edges --data-binary "${attack%:*}"
        refused_with 502 trap
        [[ $(jq -r .detail <<<"$body") == *"${text[${attack#*:}]}"* ]] || {
            echo "$attack: $body" >&2
            return 1
        }
    done
    call edges --data-binary a
    [ "$code:$body" = '200:in bounds' ]
}
