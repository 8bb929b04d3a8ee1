#!/usr/bin/env bats
# What can be seen of functions from outside: metrics, logs, costs, vireo top.
load helper

setup_file() {
    need_root
    daemon_start --log-format json --log-calls
    "$VIREO" deploy "$FUNCTIONS/burn.c" --name burn
    "$VIREO" deploy "$FUNCTIONS/burn.c" --name once --isolation request
    curl -s -o /dev/null "$VIREO_SERVER/function/burn"
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

# A metric's value: metric NAME-WITH-LABELS
metric() {
    admin GET /metrics | awk -v name="$1" '$1 == name {print $2}'
}

# The log's lines about a request id.
lines_of() {
    jq -c --arg id "$1" 'select(.request_id == $id)' "$VIREO_STATE/daemon.log"
}

# The log has the line of a call's end.
call_is_logged() {
    [ -n "$(lines_of "$1" | jq -r 'select(.message == "call")')" ]
}

@test "metrics are Prometheus' format, strictly" {
    call burn
    call once
    call "burn?trap"
    admin GET /metrics | "$TOP/tests/metrics_check"
}

@test "metrics count calls, starts, errors, and what is ready" {
    before=$(metric 'faas_invocations_total{function="once"}')
    cold=$(metric 'faas_coldstarts_total{function="once",kind="fork"}')
    traps=$(metric 'faas_errors_total{function="once",cause="trap"}')
    call once
    [ "$code" = 200 ]
    call "once?trap"
    [ "$code" = 502 ]
    [ "$(metric 'faas_invocations_total{function="once"}')" -eq $((before + 1)) ]
    [ "$(metric 'faas_coldstarts_total{function="once",kind="fork"}')" -eq $((cold + 1)) ]
    [ "$(metric 'faas_errors_total{function="once",cause="trap"}')" -eq $((${traps:-0} + 1)) ]
    [ "$(metric 'vireo_cgroup_pool_groups{state="ready"}')" -gt 0 ]
    call burn
    [ "$(metric vireo_instances_live)" -gt 0 ]
    [ "$(metric 'vireo_memory_bytes{function="burn"}')" -gt 4096 ]
}

@test "a call's processor time is the kernel's count, not its duration" {
    local id try=$BATS_TEST_TRY_NUMBER
    for name in burn once; do
        call "$name?wait=120" -H "X-Request-Id: wait-$name-$try"
        call "$name?work=120" -H "X-Request-Id: work-$name-$try"
        eventually 5 call_is_logged "wait-$name-$try"
        eventually 5 call_is_logged "work-$name-$try"
        id=$(lines_of "wait-$name-$try" | jq -r 'select(.message == "call") | "\(.duration_ms) \(.cpu_ms)"')
        read -r duration cpu <<<"$id"
        [ "$duration" -ge 120 ]
        [ "$cpu" -ge 1 ]
        [ "$cpu" -le 30 ]
        id=$(lines_of "work-$name-$try" | jq -r 'select(.message == "call") | "\(.duration_ms) \(.cpu_ms)"')
        read -r duration cpu <<<"$id"
        echo "$name: $cpu ms of $duration ms"
        [ "$cpu" -ge 30 ]
        [ "$cpu" -le "$((duration + 5))" ]
    done
    # isolation: request has its memory's peak too.
    [ "$(lines_of "work-once-$try" | jq -r 'select(.message == "call") | .memory_bytes')" -gt 4096 ]
}

@test "costs are summed for each function, and describe shows them" {
    before=$("$VIREO" describe -o json once | jq .usage)
    for _ in 1 2 3; do
        call "once?work=10"
        [ "$code" = 200 ]
    done
    ended() {
        after=$("$VIREO" describe -o json once | jq .usage)
        [ "$(jq -n --argjson a "$before" --argjson b "$after" '$b.billed_memory_kib_ms > $a.billed_memory_kib_ms')" = true ] &&
            [ "$(jq -n --argjson a "$before" --argjson b "$after" '$b.cpu_us - $a.cpu_us > 5000')" = true ]
    }
    eventually 5 ended
    jq -n -e --argjson a "$before" --argjson b "$after" '
        ($b.invocations - $a.invocations == 3) and
        ($b.billed_duration_ms - $a.billed_duration_ms >= 9) and
        ($b.billed_duration_ms - $a.billed_duration_ms) * 1000 >= $b.duration_us - $a.duration_us'
    "$VIREO" describe once | grep -q 'billed_cpu_ms'
}

@test "every line of the JSON log is an object with time, level and program" {
    call "burn?say"
    jq -s -e 'all((.time | test("^[0-9]{4}-[0-9-]{5}T[0-9:]{8}\\.[0-9]{3}Z$"))
        and (.level | IN("error", "warning", "notice", "info"))
        and (.program | startswith("vireo-")) and (.message | type == "string"))' "$VIREO_STATE/daemon.log"
    # One a line: as many as lines that each are an object.
    [ "$(jq -c . "$VIREO_STATE/daemon.log" | wc -l)" -eq "$(wc -l <"$VIREO_STATE/daemon.log")" ]
    jq -r 'select(.program == "vireo-supervisor") | .message' "$VIREO_STATE/daemon.log" | grep -q '^ready on '
}

@test "what a function says has its name, its request and its trace" {
    local said=said-$BATS_TEST_TRY_NUMBER trapped=trapped-$BATS_TEST_TRY_NUMBER
    trace=0af7651916cd43dd8448eb211c80319c
    call "burn?say" -H "X-Request-Id: $said" -H "traceparent: 00-$trace-b7ad6b7169203331-01"
    [ "$body" = "$said 00-$trace-b7ad6b7169203331-01" ]
    [ "$(header x-request-id)" = "$said" ]
    [ "$(header traceparent)" = "00-$trace-b7ad6b7169203331-01" ]
    eventually 5 call_is_logged "$said"
    [ "$(lines_of "$said" | jq -r 'select(.message != "call") | "\(.function) \(.level) \(.trace_id) \(.message)"')" = \
        "burn info $trace first \"line\"
burn info $trace second	line" ]
    # vireo logs has them as before.
    "$VIREO" logs burn | grep -q 'Z [0-9]* first "line"$'
    # As objects: one a line, the same lines.
    "$VIREO" logs -o json burn | jq -s -e 'any(.message == "first \"line\"") and
        all((.time | test("^[0-9-]{10}T[0-9:.]{12}Z$")) and (.instance | type == "number"))'
    [ "$("$VIREO" logs -o json burn | jq -r .message)" = "$("$VIREO" logs burn | cut -d' ' -f3-)" ]
    call "burn?trap" -H "X-Request-Id: $trapped"
    eventually 5 call_is_logged "$trapped"
    [ "$(lines_of "$trapped" | jq -r 'select(.message == "call") | "\(.status) \(.cause)"')" = "502 trap" ]
    [ "$(lines_of "$trapped" | jq -r 'select(.level == "error") | .message')" = \
        "vireo: trap in '__original_main': unreachable" ]
}

@test "top shows a row for each function, busiest first, as often as asked" {
    (
        end=$((SECONDS + 60))
        while [ $SECONDS -lt $end ]; do curl -s -o /dev/null "$VIREO_SERVER/function/burn?work=20"; done
    ) 3>&- &
    load=$!
    run "$VIREO" top -n 2 --interval 0.5
    rounds=$("$VIREO" top -o json -n 2 --interval 0.5)
    kill $load 2>/dev/null || true
    wait $load 2>/dev/null || true
    [ "$status" -eq 0 ]
    [ "$(grep -c '^NAME  *CALLS/S  *ERRORS/S  *P50  *P99  *CPU%  *MEMORY  *BUSY/INST  *QUEUE$' <<<"$output")" -eq 2 ]
    [ "$(grep -c '^once ' <<<"$output")" -eq 2 ]
    [ "$(wc -l <<<"$rounds")" -eq 2 ]
    jq -s -e 'all(.functions[0].name == "burn" and .functions[0].calls_per_s > 0
        and .functions[0].cpu_percent > 1 and .functions[0].p50_us > 3000
        and .functions[0].p99_us >= .functions[0].p50_us and .functions[0].memory_bytes > 0
        and .interval_s > 0.4)' <<<"$rounds"
}

@test "top on a terminal is made anew until q" {
    # script(1) gives it a terminal; n after two rounds, q after another.
    by() { [ "$(grep -c "functions, .*by $1" "$BATS_TEST_TMPDIR/screen")" -ge "$2" ]; }
    : >"$BATS_TEST_TMPDIR/screen"
    (eventually 20 by cpu 2; printf n; eventually 20 by calls 1; printf q) |
        TERM=xterm timeout 60 script -qec "stty rows 24 cols 100; $VIREO top --interval 0.4" /dev/null \
            >"$BATS_TEST_TMPDIR/screen"
    by cpu 2
    by calls 1
    grep -q '^burn ' "$BATS_TEST_TMPDIR/screen"
    # The cursor is back.
    tail -c 20 "$BATS_TEST_TMPDIR/screen" | grep -q $'\x1b\[?25h'
}

@test "top refuses what it can't do, and says when there is no daemon" {
    for words in "-n 0" "-n x" "-n -1" "--interval 0" "--interval nan" "--sort size" "burn"; do
        # shellcheck disable=SC2086
        run "$VIREO" top $words
        [ "$status" -eq 2 ]
    done
    run "$VIREO" top -n 1 --state /nonexistent
    [ "$status" -eq 6 ]
}

@test "a format that is none is refused" {
    run timeout 10 "$VIREO" serve --log-format xml --state "$BATS_TEST_TMPDIR/state"
    [ "$status" -eq 2 ]
    [[ $output == *"cannot log as 'xml'"* ]]
}

@test "journald gets messages with their fields, when it reads standard error" {
    [ -x /lib/systemd/systemd-journald ] || skip "there is no journald"
    run timeout 60 unshare -m "$TOP/tests/system/journal.sh" "$BATS_TEST_TMPDIR"
    [ "$status" -eq 0 ] || {
        echo "$output" >&2
        return 1
    }
    out=$BATS_TEST_TMPDIR/journal.json
    jq -s -e 'any(.SYSLOG_IDENTIFIER == "vireo" and .VIREO_PROGRAM == "vireo-supervisor" and .PRIORITY == "5"
        and (.MESSAGE | startswith("ready on ")))' "$out"
    jq -s -e 'any(.FUNCTION == "burn" and .REQUEST_ID == "journal-1" and .PRIORITY == "6"
        and .MESSAGE == "first \"line\"" and (.TRACE_ID | length == 32) and (.INSTANCE | tonumber > 0))' "$out"
    jq -s -e 'any(.FUNCTION == "burn" and .REQUEST_ID == "journal-2" and .PRIORITY == "3"
        and (.MESSAGE | startswith("vireo: trap")))' "$out"
    # Nothing came twice, as text.
    [ ! -s "$BATS_TEST_TMPDIR/journal.err" ]
}
