#!/usr/bin/env bats
# examples/web: a parent, forked workers, and real clients.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    VIREO_STATE=$(mktemp -d /tmp/vireo-test-web.XXXXXX)
    libraries_take
    PORT=$(free_port) ROOT=$VIREO_STATE/www
    export PORT ROOT
    mkdir -p "$ROOT/sub"
    chmod 711 "$VIREO_STATE"
    echo '<h1>here</h1>' >"$ROOT/index.html"
    echo '<p>below</p>' >"$ROOT/sub/index.html"
    head -c 300000 /dev/urandom >"$ROOT/large file.bin"
    echo secret >"$VIREO_STATE/secret"
    chmod -R a+rX "$ROOT"
    printf 'allow_grants:\n  fork: true\n  files: ["%s"]\n  listen: ["127.0.0.1:%s"]\n' "$ROOT" "$PORT" \
        >"$VIREO_STATE/vireo.conf"
    daemon_start --config "$VIREO_STATE/vireo.conf"
    cp -r "$TOP/examples/web" "$BATS_FILE_TMPDIR/web"
    sed -i -e "s|/var/www/html|$ROOT|; s/127.0.0.1:8081/127.0.0.1:$PORT/" "$BATS_FILE_TMPDIR/web/vireo.yaml"
    "$VIREO" deploy "$BATS_FILE_TMPDIR/web"
    eventually 10 ready
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

get() {
    curl -s --path-as-is --max-time 10 "http://127.0.0.1:$PORT/$1" "${@:2}"
}

ready() {
    [ "$(get '')" = '<h1>here</h1>' ]
}

status_of() {
    get "$1" -o /dev/null -w '%{http_code}' "${@:2}"
}

workers() {
    "$VIREO" ps -o json | jq -r '.[] | select(.function == "web" and .parent != null).id'
}

@test "files are served whole, by their type and age, and nothing else" {
    [ "$(get sub/)" = '<p>below</p>' ]
    get large%20file.bin | cmp - "$ROOT/large file.bin"
    [ "$(get index.html -I -o /dev/null -w '%{http_code} %{content_type} %header{content-length}')" = \
        "200 text/html; charset=utf-8 14" ]
    local age
    age=$(get index.html -o /dev/null -w '%header{last-modified}')
    [ "$(status_of index.html -H "If-Modified-Since: $age")" = 304 ]
    [ "$(status_of none)" = 404 ]
    [ "$(status_of sub)" = 404 ]
    for path in ../secret sub/../../secret ..%2fsecret %2e%2e/secret sub//index.html %00 %zz; do
        [ "$(status_of "$path")" = 400 ]
    done
    [ "$(status_of '' -d x)" = 405 ]
    [ "$(status_of '' -X GET -d x)" = 413 ]
    [ "$(status_of '' -H "X: $(printf 'x%.0s' {1..9000})")" = 431 ]
    # A file that changes is seen within a second.
    echo new >"$ROOT/index.html"
    eventually 5 eval '[ "$(get "")" = new ]'
    echo '<h1>here</h1>' >"$ROOT/index.html"
    eventually 5 ready
}

@test "requests in one segment are answered in their order" {
    exec 4<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /sub/ HTTP/1.1\r\nConnection: close\r\n\r\n' >&4
    [ "$(timeout 5 cat <&4 | grep -a -o -E 'HTTP/1.1 [0-9]+|<p>below' | tr '\n' ' ')" = \
        "HTTP/1.1 200 <p>below HTTP/1.1 404 HTTP/1.1 200 <p>below " ]
    exec 4>&-
}

@test "wrk meets no error, and a worker that ends is another's place" {
    command -v wrk >/dev/null || skip "wrk is missing"
    local before out
    eventually 5 eval '[ "$(workers | wc -l)" = 2 ]'
    before=$(workers | head -n 1)
    out=$(wrk -t 1 -c 32 -d 2s "http://127.0.0.1:$PORT/")
    not grep -E 'Non-2xx|Socket errors' <<<"$out"
    "$VIREO" kill "$before"
    eventually 10 eval '[ "$(workers | wc -l)" = 2 ] && ! workers | grep -qx "$before"'
    ready
}

@test "a worker from outside serves with the others" {
    local root more
    root=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "web" and .parent == null).id')
    more=$("$VIREO" fork "$(workers | head -n 1)")
    for _ in 1 2 3 4 5 6 7 8; do
        ready
    done
    eventually 5 eval '"$VIREO" ps -o json | jq -e ".[] | select(.id == \"$more\" and .state == \"waiting\")"'
    "$VIREO" kill "$root"
    eventually 20 ready
}
