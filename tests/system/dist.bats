#!/usr/bin/env bats
# Modules in OCI registries: Debian's docker-registry with a login and TLS, and one that misbehaves.
load helper

setup_file() {
    PLACE=$(mktemp -d /tmp/vireo-dist-test.XXXXXX)
    export PLACE HOME=$PLACE
    unset DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR
    mkdir "$PLACE/tool"
    wat2wasm -o "$PLACE/tool/tool.wasm" "$FUNCTIONS/hello.wat"
    printf 'name: tool\nlimits:\n  memory: 8MiB\n' >"$PLACE/tool/vireo.yaml"
    command -v docker-registry >/dev/null || return 0
    PORT=$(free_port) TLS_PORT=$(free_port)
    until [ "$TLS_PORT" != "$PORT" ]; do TLS_PORT=$(free_port); done
    export PORT TLS_PORT
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$PLACE/tls.key" -out "$PLACE/tls.crt" 2>/dev/null
    perl -e 'print "me:", crypt("word", q($2y$05$abcdefghijklmnopqrstuu)), "\n"' >"$PLACE/passwords"
    registry_config "$PORT" >"$PLACE/plain.yml"
    {
        registry_config "$TLS_PORT"
        printf '  tls: {certificate: %s, key: %s}\n' "$PLACE/tls.crt" "$PLACE/tls.key"
        printf 'auth:\n  htpasswd: {realm: here, path: %s}\n' "$PLACE/passwords"
    } >"$PLACE/tls.yml"
    docker-registry serve "$PLACE/plain.yml" >"$PLACE/plain.log" 2>&1 3>&- &
    echo $! >"$PLACE/pids"
    docker-registry serve "$PLACE/tls.yml" >"$PLACE/tls.log" 2>&1 3>&- &
    echo $! >>"$PLACE/pids"
    eventually 20 curl -sf -o /dev/null "http://localhost:$PORT/v2/"
    eventually 20 curl -s -o /dev/null --cacert "$PLACE/tls.crt" "https://localhost:$TLS_PORT/v2/"
}

registry_config() {
    printf 'version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: %s}\nhttp:\n  addr: 127.0.0.1:%s\n' \
        "$PLACE/blobs-$1" "$1"
}

teardown_file() {
    local pid
    for pid in $(cat "$PLACE/pids" 2>/dev/null); do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$PLACE"
}

teardown() {
    [ -z "${LIAR-}" ] || kill -KILL "$LIAR" 2>/dev/null || true
}

need_registry() {
    command -v docker-registry >/dev/null || skip "docker-registry is not installed"
}

@test "a module and its policy come back as they went, and are signed by whom they say" {
    need_registry
    cd "$PLACE"
    run "$VIREO" push -o json "localhost:$PORT/some/tool:1.0" tool --sign key
    [ "$status" = 0 ]
    local digest signer
    digest=$(jq -r .digest <<<"$output")
    signer=$(jq -r .signed_by <<<"$output")
    "$VIREO" pull "localhost:$PORT/some/tool:1.0" -o back --key "$signer"
    cmp tool/tool.wasm back/tool.wasm
    cmp tool/vireo.yaml back/vireo.yaml
    "$VIREO" -q pull "localhost:$PORT/some/tool@$digest" -o by-digest
    cmp tool/tool.wasm by-digest/tool.wasm
    # Another key has not signed it.
    run "$VIREO" pull "localhost:$PORT/some/tool:1.0" -o no --key "${signer//[0-9]/7}"
    [ "$status" = 4 ]
    [[ $output == *"is not signed by key"* ]]
    [ ! -e no ]
    "$VIREO" run back/tool.wasm
}

@test "it is the CNCF's artifact, which skopeo copies, and what skopeo copied is pulled" {
    need_registry
    command -v skopeo >/dev/null || skip "skopeo is not installed"
    cd "$PLACE"
    "$VIREO" -q push "localhost:$PORT/some/tool:2" tool
    run skopeo inspect --raw --tls-verify=false "docker://localhost:$PORT/some/tool:2"
    [ "$(jq -r .config.mediaType <<<"$output")" = application/vnd.wasm.config.v0+json ]
    [ "$(jq -r '.layers[0].mediaType' <<<"$output")" = application/wasm ]
    [ "$(jq -r '.layers[1].mediaType' <<<"$output")" = application/vnd.vireo.policy.v1+yaml ]
    skopeo copy -q --src-tls-verify=false --dest-tls-verify=false \
        "docker://localhost:$PORT/some/tool:2" "docker://localhost:$PORT/copied/tool:2"
    "$VIREO" -q pull "localhost:$PORT/copied/tool:2" -o copied
    cmp tool/tool.wasm copied/tool.wasm
}

# Without the programs that the build's package depends on, as a machine has it that only runs functions.
without_compilers() {
    # shellcheck disable=SC2016 # for the shell inside
    exec unshare -m sh -c 'mount -t tmpfs none /usr/lib/llvm-14 && mount -t tmpfs none /usr/lib/gcc
        for tool in clang clang-14 gcc gcc-12 cc as ld wasm2c wasm-ld tcc llc-14 llvm-nm-14; do
            [ ! -e "/usr/bin/$tool" ] || mount --bind /dev/null "$(readlink -f "/usr/bin/$tool")"
        done 2>/dev/null
        exec "$@"' sh "$@"
}

@test "a library goes from its builder to a machine that has no compilers and trusts it" {
    need_root
    need_registry
    cd "$PLACE"
    mkdir -p built
    VIREO_STATE=$PLACE/builder "$VIREO" build tool -o built/tool.so --json >built.json
    printf 'name: tool\nlimits: {memory: 8MiB}\n' >built/vireo.yaml
    "$VIREO" -q push "localhost:$PORT/built/tool:1" built
    run skopeo inspect --raw --tls-verify=false "docker://localhost:$PORT/built/tool:1"
    [ "$(jq -r '.layers[0].mediaType' <<<"$output")" = application/vnd.vireo.library.v1 ]
    "$VIREO" -q pull "localhost:$PORT/built/tool:1" -o runner
    cmp built/tool.so runner/tool.so
    cmp built/vireo.yaml runner/vireo.yaml
    # What is no library is not pushed as one, and a machine that does not trust it does not run it.
    mkdir -p none && head -c 5000 built/tool.so >none/tool.so
    run "$VIREO" push "localhost:$PORT/none/tool:1" none
    [ "$status" -eq 2 ]
    [[ $output == *"it is no library that vireo build made"* ]]
    local state=$PLACE/runner-state port
    port=$(free_port)
    run "$VIREO" run --memory 8MiB runner/tool.so
    [ "$status" -eq 4 ]
    local signer
    signer=$(jq -r .signed_by built.json)
    [ "$(without_compilers "$VIREO" run --key "$signer" --memory 8MiB runner/tool.so)" = "hello from wasm" ]
    [ "$(without_compilers "$VIREO" run --key "$signer" runner)" = "hello from wasm" ]
    run "$VIREO" run --key "${signer%?}" runner/tool.so
    [ "$status" -eq 2 ]
    run "$VIREO" run --key "$(printf '%064d' 7)" --memory 8MiB runner/tool.so
    [ "$status" -eq 4 ]
    printf 'keys: {trusted: [%s]}\n' "$(jq -r .signed_by built.json)" >config.yaml
    without_compilers "$VIREO" serve --state "$state" --listen "127.0.0.1:$port" --config config.yaml >serve.log 2>&1 3>&- &
    local pid=$!
    echo "$pid" >>pids
    eventually 20 curl -sf -o /dev/null "http://127.0.0.1:$port/readyz"
    "$VIREO" --state "$state" --server "http://127.0.0.1:$port" deploy runner
    [ "$(curl -s "http://127.0.0.1:$port/function/tool")" = "hello from wasm" ]
    # It can't build anything, and says so.
    run "$VIREO" --state "$state" --server "http://127.0.0.1:$port" deploy "$FUNCTIONS/filter.c"
    [ "$status" -ne 0 ]
    kill "$pid"
    wait "$pid" || true
}

@test "a registry with a login and a certificate of its own: both are needed" {
    need_registry
    cd "$PLACE"
    rm -rf .docker
    run "$VIREO" push "localhost:$TLS_PORT/tool:1" tool --ca tls.crt
    [ "$status" = 4 ]
    [[ $output == *"the registry answers 401"* ]]
    mkdir -p .docker
    printf '{"auths": {"localhost:%s": {"auth": "%s"}}}' "$TLS_PORT" "$(printf me:word | base64)" \
        >.docker/config.json
    "$VIREO" -q push "localhost:$TLS_PORT/tool:1" tool --ca tls.crt
    "$VIREO" -q pull "localhost:$TLS_PORT/tool:1" -o over-tls --ca tls.crt
    cmp tool/tool.wasm over-tls/tool.wasm
    run "$VIREO" pull "localhost:$TLS_PORT/tool:1" -o no --ca /etc/ssl/certs/ca-certificates.crt
    [ "$status" != 0 ]
    [[ $output == *"cannot reach registry"*"certificate"* ]]
}

@test "a blob that was altered in the registry is refused, and nothing of it is left" {
    need_registry
    cd "$PLACE"
    "$VIREO" -q push "localhost:$PORT/spoilt:1" tool
    local hash
    hash=$(sha256sum <tool/tool.wasm | cut -d' ' -f1)
    cp "$PLACE/blobs-$PORT/docker/registry/v2/blobs/sha256/${hash:0:2}/$hash/data" data
    printf '?' | dd of="$PLACE/blobs-$PORT/docker/registry/v2/blobs/sha256/${hash:0:2}/$hash/data" bs=1 seek=9 conv=notrunc status=none
    run "$VIREO" pull "localhost:$PORT/spoilt:1" -o no
    cp data "$PLACE/blobs-$PORT/docker/registry/v2/blobs/sha256/${hash:0:2}/$hash/data"
    [ "$status" != 0 ]
    [[ $output == *"what the registry gives as sha256:$hash is"* ]]
    [ ! -e no/spoilt.wasm ] && [ ! -e no/spoilt.wasm.part ]
}

@test "the part of a pull that broke off, of a module whose tag has moved since, is pulled from the beginning" {
    need_registry
    cd "$PLACE"
    local bytes
    bytes=$(stat -c %s tool/tool.wasm)
    "$VIREO" -q push "localhost:$PORT/moved:1" tool
    mkdir -p moved
    # Of another module: a piece, and one of just this length.
    for count in 100 "$bytes"; do
        head -c "$count" /dev/zero >moved/moved.wasm.part
        rm -f moved/moved.wasm
        "$VIREO" -q pull "localhost:$PORT/moved:1" -o moved
        cmp tool/tool.wasm moved/moved.wasm
        [ ! -e moved/moved.wasm.part ]
    done
}

@test "a token, an older kind of artifact, a transfer that breaks off: it is gone on with" {
    cd "$PLACE"
    rm -f liar.port
    python3 "$BATS_TEST_DIRNAME/dist_registry.py" tool/tool.wasm >liar.port 2>liar.log 3>&- &
    LIAR=$!
    eventually 20 test -s liar.port
    "$VIREO" -q pull "127.0.0.1:$(cat liar.port)/old/tool:1" -o old
    cmp tool/tool.wasm old/tool.wasm
    grep -q 'blobs/.*range=None' liar.log
    grep -q 'blobs/.*range=bytes=' liar.log
    kill "$LIAR"
    rm liar.port
    python3 "$BATS_TEST_DIRNAME/dist_registry.py" tool/tool.wasm lies >liar.port 2>liar.log 3>&- &
    LIAR=$!
    eventually 20 test -s liar.port
    run "$VIREO" pull "127.0.0.1:$(cat liar.port)/old/tool:1" -o lied
    [ "$status" != 0 ]
    [[ $output == *"what the registry gives as"* ]]
    [ ! -e lied ]
    kill "$LIAR"
    rm liar.port
    python3 "$BATS_TEST_DIRNAME/dist_registry.py" tool/tool.wasm lures >liar.port 2>liar.log 3>&- &
    LIAR=$!
    eventually 20 test -s liar.port
    run "$VIREO" pull "127.0.0.1:$(cat liar.port)/old/tool:1" -o lured
    [ "$status" != 0 ]
    [[ $output == *"for a token: it has a user in it"* ]]
}

@test "a registry with a list of referrers keeps the signature there, and no tag of vireo's" {
    cd "$PLACE"
    local signer reference
    rm -f referrers.port
    python3 "$BATS_TEST_DIRNAME/dist_referrers.py" >referrers.port 2>referrers.log 3>&- &
    LIAR=$!
    eventually 20 test -s referrers.port
    reference=127.0.0.1:$(cat referrers.port)/some/tool:1
    "$VIREO" -q push "$reference" tool
    run "$VIREO" pull "$reference" -o unsigned --key "$(printf '%064d' 7)"
    [ "$status" -eq 4 ]
    signer=$("$VIREO" push -o json "$reference" tool --sign key | jq -r .signed_by)
    "$VIREO" -q pull "$reference" -o referred --key "$signer"
    cmp tool/tool.wasm referred/tool.wasm
    grep -q 'GET /v2/some/tool/referrers/sha256:' referrers.log
    not grep -q 'sha256-' referrers.log
    run "$VIREO" pull "$reference" -o unsigned --key "${signer//[0-9]/7}"
    [ "$status" -eq 4 ]
    [[ $output == *"is not signed by key"* ]]
    [ ! -e unsigned ]
}

@test "what is no reference, no module, no policy is refused before anybody is asked" {
    cd "$PLACE"
    local bad
    for bad in tool localhost:1/ localhost:1/a//b localhost:1/A:1 localhost:1/a:.x localhost:1/-a \
        localhost:1/a@1 localhost:1/a@sha256:12 'local host/a' localhost:1/a/; do
        run "$VIREO" pull "$bad"
        [ "$status" = 2 ]
    done
    echo no >no.wasm
    run "$VIREO" push localhost:1/a:1 no.wasm
    [ "$status" = 2 ]
    [[ $output == *"it is no WebAssembly module"* ]]
    echo 'memroy: 1' >no.yaml
    run "$VIREO" push localhost:1/a:1 tool/tool.wasm --policy no.yaml
    [ "$status" = 2 ]
    [[ $output == *"unknown key 'memroy'"* ]]
    run "$VIREO" pull localhost:1/a:1 -o nobody
    [ "$status" != 0 ]
    [[ $output == *"cannot reach registry 'localhost:1'"* ]]
}
