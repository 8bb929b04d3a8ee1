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
    # What a first try changed is as it was, and older than the second within which a change is seen.
    [ "$BATS_TEST_TRY_NUMBER" -eq 1 ] || { echo '<h1>here</h1>' >"$ROOT/index.html" && eventually 5 ready && sleep 2; }
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

# part PATH RANGE [curl's arguments]: status, Content-Range and length of the answer, whose body is in part.
part() {
    get "$1" -H "Range: $2" -o "$BATS_TEST_TMPDIR/part" -w '%{http_code} %header{content-range} %{size_download}' "${@:3}"
}

@test "a range of a file is that part of it, 206; one that it has not is 416" {
    local file name asked first bytes
    echo 'a small file' >"$ROOT/small.txt"
    for name in small.txt 'large file.bin'; do
        file=$ROOT/$name name=${name// /%20}
        local size
        size=$(stat -c %s "$file")
        # What is asked for, and which bytes of the file that is.
        while read -r asked first bytes; do
            [ "$(part "$name" "$asked")" = "206 bytes $first-$((first + bytes - 1))/$size $bytes" ]
            tail -c +$((first + 1)) "$file" | head -c "$bytes" | cmp - "$BATS_TEST_TMPDIR/part"
        done <<END
bytes=0-0 0 1
bytes=3-7 3 5
BYTES=3-7 3 5
bytes=5- 5 $((size - 5))
bytes=-4 $((size - 4)) 4
bytes=-99999999 0 $size
bytes=0- 0 $size
bytes=$((size - 1))- $((size - 1)) 1
bytes=2-99999999999999999999999 2 $((size - 2))
END
        for asked in "bytes=$size-" "bytes=$size-$((size + 5))" bytes=-0 bytes=99999999999999999999999-; do
            [ "$(part "$name" "$asked")" = "416 bytes */$size 0" ]
        done
        # Neither one range nor bytes: the whole, as if nothing had been asked for.
        for asked in bytes=7-3 bytes=a-b bytes= bytes=- bytes=0-1,3-4 bytes=-3-4 'bytes=0 -1' 'bytes=1-2x' \
            bytes=18446744073709551616 lines=0-1 0-1; do
            [ "$(part "$name" "$asked")" = "200  $size" ]
            cmp "$file" "$BATS_TEST_TMPDIR/part"
        done
        [ "$(get "$name" -I -H 'Range: bytes=0-3' -o /dev/null -w '%{http_code} %header{content-length} %header{accept-ranges}')" = \
            "200 $size bytes" ]
    done
    : >"$ROOT/empty"
    [ "$(part empty bytes=0-)" = "200  0" ]
    # What a client does with half of a file.
    head -c 123456 "$ROOT/large file.bin" >"$BATS_TEST_TMPDIR/half"
    get large%20file.bin -C - -o "$BATS_TEST_TMPDIR/half"
    cmp "$ROOT/large file.bin" "$BATS_TEST_TMPDIR/half"
}

@test "If-Range: a part of the same file only, else the whole of what there is now" {
    local age
    echo 'twelve bytes' | tee "$ROOT/old.txt" >"$ROOT/changing.txt"
    touch -d '1 hour ago' "$ROOT/old.txt"
    age=$(get old.txt -o /dev/null -w '%header{last-modified}')
    [ "$(part old.txt bytes=0-2 -H "If-Range: $age")" = "206 bytes 0-2/13 3" ]
    # Not ours, not this one's, longer than any date.
    for of in '"tag"' 'W/"tag"' 'Sun, 06 Nov 1994 08:49:37 GMT' "\"$(printf 'x%.0s' {1..200})\""; do
        [ "$(part old.txt bytes=0-2 -H "If-Range: $of")" = "200  13" ]
    done
    # Who has it needs no part.
    [ "$(part old.txt bytes=0-2 -H "If-Modified-Since: $age")" = "304  0" ]
    # Its second is not over: it may change twice in it, and have one date.
    touch -d '1 hour' "$ROOT/changing.txt"
    age=$(get changing.txt -o /dev/null -w '%header{last-modified}')
    [ "$(part changing.txt bytes=0-2 -H "If-Range: $age")" = "200  13" ]
}

@test "parts of a large file and whole ones follow each other on one connection" {
    local i
    # Each at its length, or the next answer would begin in the middle of one.
    for i in 0 1 2 3 4 5; do
        printf 'url = "http://127.0.0.1:%s/large%%20file.bin"\noutput = "%s/part%s"\nrange = "%s-%s"\nnext\nurl = "http://127.0.0.1:%s/sub/"\noutput = "%s/whole%s"\nnext\n' \
            "$PORT" "$BATS_TEST_TMPDIR" "$i" $((i * 50000)) $((i * 50000 + 49999)) "$PORT" "$BATS_TEST_TMPDIR" "$i"
    done | sed '$d' >"$BATS_TEST_TMPDIR/config"
    curl -s --max-time 20 -K "$BATS_TEST_TMPDIR/config"
    cat "$BATS_TEST_TMPDIR"/part[0-5] | cmp - "$ROOT/large file.bin"
    for i in 0 1 2 3 4 5; do
        [ "$(cat "$BATS_TEST_TMPDIR/whole$i")" = '<p>below</p>' ]
    done
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

@test "more connections than one worker has descriptors for are served by several" {
    eventually 5 eval '[ "$(workers | wc -l)" = 2 ]'
    [ "$(python3 "$BATS_TEST_DIRNAME/crowd.py" "$PORT" 1900 get)" = "1900 answered, 1900 again, 0 told that it is full" ]
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
