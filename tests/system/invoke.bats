#!/usr/bin/env bats
# Calls and their answers; and each way in which a call can fail, told by name.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name tool --timeout 1s --memory 16MiB
    "$VIREO" deploy "$FUNCTIONS/filter.c" --name filter
    mkdir "$VIREO_STATE/narrow"
    cp "$FUNCTIONS/tool.c" "$VIREO_STATE/narrow"
    printf 'name: narrow\nlimits:\n  timeout: 2s\n  request: 1KiB\n  answer: 1KiB\npool:\n  instances: 1\n  queue: 1\n' \
        >"$VIREO_STATE/narrow/vireo.yaml"
    "$VIREO" deploy "$VIREO_STATE/narrow"
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

@test "invoke sends standard input and prints the answer, byte for byte" {
    head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    "$VIREO" invoke tool <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "invoke takes its body from --data, --file and -" {
    [ "$("$VIREO" invoke tool --data text)" = text ]
    echo file >"$BATS_TEST_TMPDIR/f"
    [ "$("$VIREO" invoke tool --file "$BATS_TEST_TMPDIR/f")" = file ]
    [ "$(echo dash | "$VIREO" invoke tool -)" = dash ]
    run "$VIREO" invoke tool --file "$BATS_TEST_TMPDIR/absent"
    [ "$status" -eq 3 ]
}

@test "a function sees method, path, query and headers" {
    run "$VIREO" invoke tool --data x --method PUT --path '/a/b?describe&c=%20d' -H 'X-Mark: here'
    [ "$status" -eq 0 ]
    [ "$output" = "PUT /a/b describe&c=%20d here" ]
    for method in GET DELETE PATCH OPTIONS; do
        call "tool/x?describe" -X "$method"
        [ "$body" = "$method /x describe -" ]
    done
}

@test "a function sets status and headers" {
    call "tool?teapot"
    [ "$code" = 418 ]
    [ "$body" = tea ]
    [ "$(header content-type)" = text/x-tea ]
    [ "$(header x-kind)" = "short and stout" ]
    # It is the function's own word: told, and not taken for a fault of the daemon.
    run "$VIREO" invoke tool --path '?teapot' --data x
    [ "$status" -eq 1 ]
    [[ $output == *418* ]]
}

@test "a status that is none makes no answer of it" {
    for bad in 999 0 99 101 600 -1; do
        call "tool?status=$bad"
        refused_with 502 bad-answer
        [[ $body == *"status $bad is not within 200 and 599"* ]]
    done
    # The instance is well: it goes on.
    call "tool?status=599"
    [ "$code" = 599 ]
    call "tool?status=200"
    [ "$body" = said ]
}

@test "a header with a line break is not sent" {
    call "tool?split"
    [ -z "$(header x-injected)" ]
}

@test "every answer has a request id of its own, and says how it was started" {
    call tool --data-binary x
    first=$(header x-request-id)
    [ -n "$first" ]
    [[ $(header x-vireo-start) =~ ^(warm|fork|cold)$ ]]
    call tool --data-binary x
    [ "$(header x-request-id)" != "$first" ]
    [ "$(header x-vireo-start)" = warm ]
    curl -s -D "$HEAD" -o /dev/null "$VIREO_SERVER/function/nothing"
    [ -n "$(header x-request-id)" ]
}

@test "one instance serves many calls" {
    call "tool?calls"
    first=$body
    call "tool?calls"
    [ "$body" -gt "$first" ] || [ "$body" -ge 1 ]
    [ "$code" = 200 ]
}

@test "bodies of many sizes come back whole" {
    # 6 MiB come in and go out, each in memory of its own.
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name wide --memory 64MiB
    for size in 0 1 8191 8192 8193 65536 1000000 6291456; do
        head -c "$size" /dev/urandom >"$BATS_TEST_TMPDIR/in"
        call wide --data-binary "@$BATS_TEST_TMPDIR/in"
        [ "$code" = 200 ] || {
            echo "$size bytes: $code $(head -c 300 "$BODY")" >&2
            return 1
        }
        cmp "$BATS_TEST_TMPDIR/in" "$BODY"
    done
}

@test "chunked bodies and answers to HEAD are right" {
    head -c 50000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    call tool -H 'Transfer-Encoding: chunked' --data-binary "@$BATS_TEST_TMPDIR/in"
    cmp "$BATS_TEST_TMPDIR/in" "$BODY"
    [ "$(curl -s -I -o /dev/null -w '%{http_code} %{size_download}' "$VIREO_SERVER/function/tool")" = "200 0" ]
}

@test "an unknown function is 404 with a suggestion" {
    call tolo
    refused_with 404 not-found
    [[ $body == *"tool"* ]]
    run "$VIREO" invoke tolo --data x
    [ "$status" -eq 3 ]
}

@test "a body above 6 MiB is 413" {
    head -c 6291457 /dev/zero >"$BATS_TEST_TMPDIR/in"
    call tool --data-binary "@$BATS_TEST_TMPDIR/in"
    refused_with 413 request-too-large
    run "$VIREO" invoke tool --file "$BATS_TEST_TMPDIR/in"
    [ "$status" -eq 5 ]
}

@test "a body above the function's own limit is 413, also when it is chunked" {
    head -c 1024 /dev/zero >"$BATS_TEST_TMPDIR/fits"
    head -c 1025 /dev/zero >"$BATS_TEST_TMPDIR/large"
    call narrow --data-binary "@$BATS_TEST_TMPDIR/fits"
    [ "$code" = 200 ]
    call narrow --data-binary "@$BATS_TEST_TMPDIR/large"
    refused_with 413 request-too-large
    call narrow -H 'Transfer-Encoding: chunked' --data-binary "@$BATS_TEST_TMPDIR/large"
    refused_with 413 request-too-large
}

@test "headers above 32 KiB are 431" {
    call tool -H "X-Long: $(head -c 40000 /dev/zero | tr '\0' a)" --data-binary x
    [ "$code" = 431 ]
}

@test "a call beyond the time limit is 504 within a second of it, and the next one works" {
    # The quickest of three: the machine may stall.
    for _ in 1 2 3; do
        begin=$(date +%s%N)
        call "tool?loop"
        took=$((($(date +%s%N) - begin) / 1000000))
        refused_with 504 timeout
        [[ $body == *"1 s"* ]] || [[ $body == *"1000 ms"* ]]
        [ "$took" -ge 1000 ]
        [ "$took" -ge 2000 ] || break
    done
    [ "$took" -lt 2000 ]
    call tool --data-binary next
    [ "$body" = next ]
    run "$VIREO" invoke tool --path '?loop' --data x
    [ "$status" -eq 5 ]
}

@test "a trap is 502 with its name and the function's" {
    call "tool?trap"
    refused_with 502 trap
    [[ $body == *unreachable* ]]
    [[ $body == *handler* ]]
    run "$VIREO" invoke tool --path '?trap' --data x
    [ "$status" -eq 1 ]
    [[ $output == *unreachable* ]]
    call "tool?wild"
    refused_with 502 trap
    [[ $body == *"out of bounds memory access"* ]]
    call "tool?stack"
    refused_with 502 trap
    [[ $body == *"call stack exhausted"* ]]
    call tool --data-binary on
    [ "$body" = on ]
}

@test "running out of memory is told by the limit's name and size" {
    call "tool?memory"
    refused_with 502 memory
    [[ $body == *"memory limit 16 MiB reached"* ]]
    run "$VIREO" invoke tool --path '?memory' --data x
    [ "$status" -eq 5 ]
    [[ $output == *"memory limit 16 MiB reached"* ]]
    call tool --data-binary on
    [ "$body" = on ]
}

@test "a handler's negative return and a program's exit status are 502" {
    call "tool?fail"
    refused_with 502 failed
    [[ $body == *-7* ]]
    call "filter?exit" --data-binary x
    refused_with 502 exit
    [[ $body == *3* ]]
}

@test "an answer that is none is 502" {
    call "tool?long"
    [ "$code" = 502 ]
    [[ $(jq -r .cause <<<"$body") =~ ^(answer-too-large|bad-answer)$ ]]
    call "narrow?fill"
    [ "$code" = 200 ]
    [ "$(wc -c <"$BODY")" -eq 1024 ]
    head -c 2000 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/in"
    "$VIREO" deploy "$FUNCTIONS/filter.c" --name filter
    call filter --data-binary "@$BATS_TEST_TMPDIR/in"
    [ "$code" = 200 ]
}

@test "a full queue is 429 with Retry-After" {
    # One instance and one place to wait: of six at once some must be turned away.
    for i in 1 2 3 4 5 6; do
        curl -s -o /dev/null -D "$BATS_TEST_TMPDIR/h$i" --data-binary x \
            "$VIREO_SERVER/function/narrow?sleep" 3>&- &
    done
    wait
    refused=$(cat "$BATS_TEST_TMPDIR"/h? | grep -c '^HTTP/1.1 429')
    served=$(cat "$BATS_TEST_TMPDIR"/h? | grep -c '^HTTP/1.1 200')
    [ "$refused" -ge 1 ]
    [ "$served" -ge 1 ]
    [ $((refused + served)) -eq 6 ]
    grep -qi '^retry-after: [0-9]' <(cat "$BATS_TEST_TMPDIR"/h?)
}

@test "what a function writes to standard error is in its log" {
    call "tool?log"
    eventually 5 eval '"$VIREO" logs tool | grep -q "a line for the log"'
    run "$VIREO" logs tool
    [[ $output =~ [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z\ .*a\ line\ for\ the\ log ]]
    run "$VIREO" logs nothing
    [ "$status" -eq 3 ]
}

@test "logs -f goes on as it is written" {
    "$VIREO" logs -f filter >"$BATS_TEST_TMPDIR/log" 3>&- &
    follower=$!
    call "filter?exit" --data-binary x
    eventually 5 grep -q "ending with 3" "$BATS_TEST_TMPDIR/log"
    kill "$follower"
}

@test "64 connections of wrk are all answered" {
    command -v wrk >/dev/null || skip "wrk is not installed"
    cat >"$BATS_TEST_TMPDIR/post.lua" <<'END'
wrk.method = "POST"
wrk.body = string.rep("x", 1024)
END
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name busy
    run wrk -t 2 -c 64 -d 2s -s "$BATS_TEST_TMPDIR/post.lua" "$VIREO_SERVER/function/busy"
    [ "$status" -eq 0 ]
    [[ $output != *"Non-2xx"* ]]
    [[ $output != *"Socket errors"* ]]
}
