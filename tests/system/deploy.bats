#!/usr/bin/env bats
# What can be deployed, and what is told about it.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name tool
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

@test "a C handler is deployed from one file and called" {
    call tool --data-binary "as it came"
    [ "$code" = 200 ]
    [ "$body" = "as it came" ]
}

@test "deploy says where the function is and how it is called" {
    run "$VIREO" deploy "$FUNCTIONS/tool.c" --name told
    [ "$status" -eq 0 ]
    [[ $output == *"$VIREO_SERVER/function/told"* ]]
    [[ $output == *"vireo invoke told"* ]]
    "$VIREO" rm told
}

@test "deploy -q prints the address alone, and it answers" {
    url=$("$VIREO" deploy -q "$FUNCTIONS/tool.c" --name quiet)
    [ "$(curl -s --data-binary yes "$url")" = yes ]
    "$VIREO" rm quiet
}

@test "deploy -v names the stages of the build" {
    # A source of its own: one that was built before has no stages.
    sed "s/static int calls;/static int calls; int other_$RANDOM$RANDOM;/" "$FUNCTIONS/tool.c" \
        >"$BATS_TEST_TMPDIR/fresh.c"
    run bash -c '"$VIREO" deploy -v "$BATS_TEST_TMPDIR/fresh.c" --name staged 2>&1 >/dev/null'
    [ "$status" -eq 0 ]
    [[ $output == *compile* ]]
    [[ $output == *translate* ]]
    "$VIREO" rm staged
}

@test "a plain main reads standard input and writes standard output" {
    "$VIREO" deploy "$FUNCTIONS/filter.c" --name filter
    call filter --data-binary "shout"
    [ "$code" = 200 ]
    [ "$body" = "SHOUT" ]
}

@test "a CGI program has the variables of RFC 3875 and sets status and headers" {
    "$VIREO" deploy "$FUNCTIONS/cgi" --name cgi
    call "cgi/some%2Fpath?a=1&b=2" -H 'X-Mark: yes' -H 'Content-Type: text/x-in' -H 'Proxy: evil' \
        --data-binary "the body"
    [ "$code" = 201 ]
    [ "$(header content-type)" = text/x-cgi ]
    [ "$(header x-own)" = yes ]
    grep -qx 'GATEWAY_INTERFACE=CGI/1.1' <<<"$body"
    grep -qx 'REQUEST_METHOD=POST' <<<"$body"
    grep -qx 'PATH_INFO=/some/path' <<<"$body"
    grep -qx 'QUERY_STRING=a=1&b=2' <<<"$body"
    grep -qx 'CONTENT_LENGTH=8' <<<"$body"
    grep -qx 'CONTENT_TYPE=text/x-in' <<<"$body"
    grep -qx 'SCRIPT_NAME=/function/cgi' <<<"$body"
    grep -qx 'HTTP_X_MARK=yes' <<<"$body"
    # httpoxy: a client must not set HTTP_PROXY.
    grep -qx 'HTTP_PROXY=(unset)' <<<"$body"
    grep -qx 'body=the body' <<<"$body"
    # What has no type is bytes, not a form.
    grep -qx 'CONTENT_TYPE=application/octet-stream' <<<"$("$VIREO" invoke cgi --data x)"
}

@test "output of a CGI program without a header block is no answer, and no fault of its set-up" {
    mkdir "$BATS_TEST_TMPDIR/headless"
    cp "$FUNCTIONS/filter.c" "$BATS_TEST_TMPDIR/headless"
    printf 'name: headless\nhttp: cgi\n' >"$BATS_TEST_TMPDIR/headless/vireo.yaml"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/headless"
    call headless --data-binary "no header"
    refused_with 502 bad-answer
    [[ $body == *"does not begin with a CGI header block"* ]]
    "$VIREO" rm headless
}

@test "a folder's vireo.yaml gives name, version, sources and limits" {
    run "$VIREO" deploy "$FUNCTIONS/two-files"
    [ "$status" -eq 0 ]
    call two
    [ "$body" = "the answer is 42" ]
    run "$VIREO" describe -o json two
    [ "$(jq -r .version <<<"$output")" = 3 ]
    [ "$(jq -r .memory_bytes <<<"$output")" = $((8 << 20)) ]
    [ "$(jq -r .timeout_ms <<<"$output")" = 750 ]
}

@test "options go before what vireo.yaml says" {
    "$VIREO" deploy "$FUNCTIONS/two-files" --name other --memory 32MiB --timeout 3s --cpus 0.5 \
        --isolation request
    run "$VIREO" describe -o json other
    [ "$(jq -r .memory_bytes <<<"$output")" = $((32 << 20)) ]
    [ "$(jq -r .timeout_ms <<<"$output")" = 3000 ]
    [ "$(jq -r .cpu_millis <<<"$output")" = 500 ]
    [ "$(jq -r .isolation <<<"$output")" = request ]
    "$VIREO" rm other
}

@test "--param is an environment variable of the function" {
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name greeter --param "GREETING=good day"
    call "greeter?env"
    [ "$body" = "good day" ]
    "$VIREO" rm greeter
}

@test "a WASI command of another tool-chain works as it is" {
    wat2wasm "$FUNCTIONS/hello.wat" -o "$BATS_TEST_TMPDIR/hello.wasm"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/hello.wasm" --name wasm-hello
    call wasm-hello
    [ "$code" = 200 ]
    [ "$body" = "hello from wasm" ]
}

@test "a module that needs SIMD is refused by the feature's name and offset" {
    wat2wasm "$FUNCTIONS/simd.wat" -o "$BATS_TEST_TMPDIR/simd.wasm"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/simd.wasm" --name simd
    [ "$status" -eq 2 ]
    [[ $output == *SIMD* ]]
    [[ $output =~ offset\ (0x)?[0-9a-f]+ ]]
}

@test "a module that imports what nobody offers is refused by the import's name" {
    wat2wasm "$FUNCTIONS/unknown-import.wat" -o "$BATS_TEST_TMPDIR/unknown.wasm"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/unknown.wasm" --name unknown
    [ "$status" -eq 2 ]
    [[ $output == *env.launch_missiles* ]]
}

@test "an unknown key of vireo.yaml is refused with its line and a suggestion" {
    run "$VIREO" deploy "$FUNCTIONS/broken-yaml" --name broken
    [ "$status" -eq 2 ]
    [[ $output == *"line 3"* ]]
    [[ $output == *"memroy"* ]]
    [[ $output == *"did you mean 'memory'"* ]]
    call broken
    refused_with 404 not-found
}

@test "names and limits that are none are refused" {
    for name in "" UPPER "a b" "../up" "-first" "$(printf 'n%.0s' $(seq 64))"; do
        run "$VIREO" deploy "$FUNCTIONS/tool.c" --name "$name"
        [ "$status" -eq 2 ]
    done
    for option in "--memory 1" "--memory lots" "--memory 5GiB" "--cpus -1" "--cpus many" \
        "--timeout 0" "--timeout 2h" "--timeout soon" "--isolation none" "--require magic"; do
        # shellcheck disable=SC2086
        run "$VIREO" deploy "$FUNCTIONS/tool.c" --name wrong $option
        [ "$status" -eq 2 ]
    done
    call wrong
    refused_with 404 not-found
}

@test "what can't be had is refused by policy: --require proved of C that was not proved" {
    run "$VIREO" deploy "$FUNCTIONS/tool.c" --name strict --require proved
    [ "$status" -eq 4 ]
    call strict
    refused_with 404 not-found
}

@test "a compiler's error reaches the user, and the old version stays" {
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name stays
    echo 'int main(void) { return undeclared_thing; }' >"$BATS_TEST_TMPDIR/bad.c"
    run "$VIREO" deploy "$BATS_TEST_TMPDIR/bad.c" --name stays
    [ "$status" -eq 2 ]
    [[ $output == *undeclared_thing* ]]
    call stays --data-binary still
    [ "$body" = still ]
    "$VIREO" rm stays
}

@test "deploying a name again replaces the function" {
    "$VIREO" deploy "$FUNCTIONS/filter.c" --name changing
    call changing --data-binary abc
    [ "$body" = ABC ]
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name changing
    call changing --data-binary abc
    [ "$body" = abc ]
    "$VIREO" rm changing
}

@test "unchanged input is not built twice" {
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name again
    first=$("$VIREO" describe -o json again | jq -r .library)
    run bash -c '"$VIREO" deploy -v "$FUNCTIONS/tool.c" --name again 2>&1'
    [ "$status" -eq 0 ]
    [[ $output != *compile* ]]
    [ "$("$VIREO" describe -o json again | jq -r .library)" = "$first" ]
    "$VIREO" rm again
}

@test "a change of limits alone is no other source, a change of a file or of what makes code is" {
    local folder=$BATS_TEST_TMPDIR/limits
    mkdir "$folder"
    cp "$FUNCTIONS/env.c" "$folder"
    library() { "$VIREO" describe -o json limits | jq -r .library; }
    echo "name: limits" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    first=$(library)
    printf 'name: limits\nlimits: {memory: 32MiB, timeout: 3s}\n' >"$folder/vireo.yaml"
    run "$VIREO" deploy -v "$folder"
    [[ $output != *compile* ]]
    [ "$(library)" = "$first" ]
    [ "$("$VIREO" describe -o json limits | jq .timeout_ms)" = 3000 ]
    printf 'name: limits\nversion: 2\n' >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    second=$(library)
    [ "$second" != "$first" ]
    echo "/* another */" >>"$folder/env.c"
    "$VIREO" deploy "$folder"
    [ "$(library)" != "$second" ]
    # No compiler sees the manifest.
    echo '#include "vireo.yaml"' >>"$folder/env.c"
    run "$VIREO" deploy "$folder"
    [ "$status" -eq 2 ]
    [[ $output == *"vireo.yaml"*"not found"* ]]
    "$VIREO" rm limits
}

@test "ls is a table that lines up, JSON and bare names" {
    run "$VIREO" ls
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == NAME* ]]
    column=$(awk '{print index($0, "SAFETY"); exit}' <<<"$output")
    [ "$(awk -v c="$column" 'NR > 1 {print substr($0, c, 3)}' <<<"$output" | sort -u)" = sfi ]
    run "$VIREO" ls -o json
    jq -e 'any(.name == "tool" and .safety == "sfi" and .memory_bytes > 0)' <<<"$output"
    jq -e 'all(.updated_at | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z$"))' <<<"$output"
    run "$VIREO" ls -q
    grep -qx tool <<<"$output"
}

@test "describe tells limits, signer, namespaces and the table of system calls" {
    run "$VIREO" describe -o json tool
    [ "$status" -eq 0 ]
    for field in name version safety kind isolation memory_bytes timeout_ms library source uid \
        created_at updated_at url manifest signed_by syscalls namespaces instances; do
        jq -e "has(\"$field\")" <<<"$output"
    done
    jq -e '.library | test("^[0-9a-f]{64}$")' <<<"$output"
    # The base table: at most 25 calls, none of those that are never granted.
    jq -e '[.syscalls | .. | strings] | index("execve") == null and index("ptrace") == null and
        index("clone3") == null and index("bpf") == null' <<<"$output"
    jq -e '.syscalls.base | length > 5 and length <= 25' <<<"$output"
    jq -e '.namespaces | length == 8' <<<"$output"
    run "$VIREO" describe tool
    [ "$status" -eq 0 ]
    [[ $output == *futex* ]]
}

@test "a mistyped function is suggested, by every verb" {
    for words in "describe tol" "rm tol" "logs tol" "invoke tol --data x"; do
        # shellcheck disable=SC2086
        run "$VIREO" $words
        [ "$status" -eq 3 ]
        [[ ${lines[0]} == *"did you mean 'tool'"* ]]
        [ "${lines[1]}" = "  try: vireo ls" ]
        [ "${#lines[@]}" -eq 2 ]
    done
}

@test "a source without a name is refused in one line, with what to write" {
    run "$VIREO" deploy "$FUNCTIONS/tool.c"
    [ "$status" -eq 2 ]
    [ "${lines[0]}" = "vireo: cannot deploy '$FUNCTIONS/tool.c': the function has no name (vireo.yaml 'name' or --name)" ]
    [ "${lines[1]}" = "  try: vireo deploy $FUNCTIONS/tool.c --name NAME" ]
    [ "${#lines[@]}" -eq 2 ]
    run "$VIREO" deploy "$FUNCTIONS/tool.c" --name tool --require proved
    [ "$status" -eq 4 ]
    [[ ${lines[0]} == "vireo: cannot deploy 'tool': "*"it is not proved, and that is required: tool.c:"* ]]
}

@test "ten deploys at once are built in their turn, none is refused" {
    local i pids=()
    for i in $(seq 10); do
        printf '%s\n' '#include <vireo/function.h>' \
            'int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)' \
            "{ (void)in, (void)in_len; if (out_cap < 1) return -1; out[0] = 'a' + $i; return 1; }" \
            >"$BATS_TEST_TMPDIR/one$i.c"
        "$VIREO" deploy -q "$BATS_TEST_TMPDIR/one$i.c" --name "one$i" --require sfi 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    call one7
    [ "$body" = h ]
    "$VIREO" rm one{1..10}
}

@test "a deploy waits for its turn while as many are running as the daemon takes" {
    # Sources that don't come: each has its place for ten seconds at most.
    python3 - "$VIREO_STATE/admin.sock" 3>&- <<'END' &
import socket, sys, time
held = []
for _ in range(48):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(sys.argv[1])
    peer.sendall(b"POST /system/functions?name=held HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
                 b"Content-Type: application/x-tar\r\n\r\n" + b"x" * 100)
    held.append(peer)
print("held", flush=True)
time.sleep(4)
END
    local holder=$!
    sleep 1.5
    run curl -s --unix-socket "$VIREO_STATE/admin.sock" --data-binary x http://vireo/system/functions?name=x
    [[ $output == *"other deploys are running"* ]]
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name turn
    not alive "$holder"
    "$VIREO" rm turn
}

@test "rm removes it from list and port, and a second rm does not find it" {
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name gone
    call gone --data-binary x
    [ "$code" = 200 ]
    run "$VIREO" rm gone
    [ "$status" -eq 0 ]
    call gone --data-binary x
    refused_with 404 not-found
    run "$VIREO" rm gone
    [ "$status" -eq 3 ]
    [ -z "$("$VIREO" ls -q | grep -x gone)" ]
}

@test "the admin socket takes and gives what docs/api.md says" {
    [ "$(admin GET /system/functions | jq -r type)" = array ]
    [ "$(admin GET /system/functions/tool | jq -r .name)" = tool ]
    [ "$(admin GET /system/functions/nothing | jq -r .cause)" = not-found ]
    admin GET /metrics | grep -q '^# TYPE '
    [ "$(admin POST '/system/functions?name=x' --data-binary 'not a tar' | jq -r .status)" = 400 ]
}

@test "the public port does not administer" {
    for page in /system/functions /metrics /system/functions/tool; do
        [ "$(curl -s -o /dev/null -w '%{http_code}' "$VIREO_SERVER$page")" = 404 ]
        [ "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE "$VIREO_SERVER$page")" = 404 ]
    done
    call tool --data-binary here
    [ "$code" = 200 ]
}

@test "an ordinary user can't administer" {
    run setpriv --reuid 65534 --regid 65534 --clear-groups \
        curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/system/functions
    [ "$status" -ne 0 ] || [[ $output != *'"name"'* ]]
}

@test "health and readiness" {
    [ "$(curl -s "$VIREO_SERVER/healthz")" = ok ]
    [ "$(curl -s "$VIREO_SERVER/readyz")" = ready ]
    [ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$VIREO_SERVER/healthz")" = 405 ]
}
