# Who may administer: root over the socket, the token's bearer over TCP, and no page in a browser.
load helper
bats_require_minimum_version 1.5.0

setup_file() {
    need_root
    export VIREO_STATE TOKEN ADMIN_PORT VIREO_PORT
    VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
    TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && echo "$TOKEN" >"$VIREO_STATE/token")
    VIREO_PORT=$(free_port)
    # Another than the first, and below the ports that the kernel gives to clients.
    ADMIN_PORT=$((VIREO_PORT - 10000))
    daemon_start --admin-listen "127.0.0.1:$ADMIN_PORT" --admin-token "$VIREO_STATE/token"
    "$VIREO" -q deploy "$FUNCTIONS/page.c" --name page
    "$VIREO" -q deploy "$FUNCTIONS/page.c" --name victim
}

teardown_file() {
    daemon_clean
}

# over_tcp PAGE [curl arguments]: sets code, body and HEAD, BODY.
over_tcp() {
    local page=$1
    shift
    HEAD=$BATS_TEST_TMPDIR/head BODY=$BATS_TEST_TMPDIR/body
    : >"$BODY"
    code=$(curl -s --max-time 20 -o "$BODY" -D "$HEAD" -w '%{http_code}' "$@" \
        "http://127.0.0.1:$ADMIN_PORT$page") || true
    body=$(tr -d '\0' <"$BODY")
}

@test "the token's bearer administers over TCP" {
    over_tcp /system/functions -H "Authorization: Bearer $TOKEN"
    [ "$code" = 200 ]
    [ "$(jq -r '.[].name' <<<"$body" | sort | tr '\n' ' ')" = "page victim " ]
    over_tcp /system/functions -H "authorization: bearer $TOKEN" -H "Host: localhost:$ADMIN_PORT"
    [ "$code" = 200 ]
    over_tcp /metrics -H "Authorization: Bearer $TOKEN"
    grep -q '^vireo_functions 2$' <<<"$body"
}

@test "without the token, or with another, it is 401" {
    local wrong
    over_tcp /system/functions
    refused_with 401 unauthorized
    [ "$(header www-authenticate)" = Bearer ]
    for wrong in "Bearer" "Bearer " "Bearer ${TOKEN%?}" "Bearer ${TOKEN}0" "Bearer x${TOKEN#?}" \
        "Basic $TOKEN" "$TOKEN" "Bearer $TOKEN$TOKEN" "Bearer  $TOKEN"; do
        over_tcp /system/functions -H "Authorization: $wrong"
        refused_with 401 unauthorized
    done
    over_tcp /system/functions/victim -X DELETE
    refused_with 401 unauthorized
    over_tcp "/system/functions?token=$TOKEN&access_token=$TOKEN"
    refused_with 401 unauthorized
}

@test "what a page in a browser sends is refused, even with the token" {
    local header
    for header in "Origin: http://evil.example" "Origin: null" "Origin: http://127.0.0.1:$ADMIN_PORT" \
        "Sec-Fetch-Site: cross-site" "Sec-Fetch-Site: same-site" "Sec-Fetch-Site: same-origin"; do
        over_tcp /system/functions -H "Authorization: Bearer $TOKEN" -H "$header"
        refused_with 403 forbidden
        run -0 admin GET /system/functions -H "$header"
        [ "$(jq -r .status <<<"$output")" = 403 ]
    done
}

@test "a foreign Host is refused, even with the token" {
    local host
    for host in evil.example "evil.example:$ADMIN_PORT" localhost.evil.example 127.0.0.1.evil.example \
        10.1.2.3 '[2001:db8::1]' 0x7f000001 2130706433 '' 'localhost:80:80' 'localhost.'; do
        over_tcp /system/functions -H "Authorization: Bearer $TOKEN" -H "Host: $host"
        [ "$code" = 403 ]
        not grep -q victim <<<"$body"
    done
    # Nor may the target say another than Host.
    over_tcp / -H "Authorization: Bearer $TOKEN" --request-target http://evil.example/system/functions
    refused_with 400 bad-request
}

@test "the public port has no administration" {
    local page
    for page in /system/functions /system/functions/victim /metrics /system /SYSTEM/functions \
        //system/functions /function/../system/functions /function/victim/../../system/functions \
        '/%73ystem/functions' /./metrics; do
        code=$(curl -s --path-as-is -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' \
            -H "Authorization: Bearer $TOKEN" "$VIREO_SERVER$page")
        not grep -q 'vireo_functions\|"isolation"' "$BATS_TEST_TMPDIR/body"
        case $page in /function/victim/*) ;; *) [ "$code" = 404 ] ;; esac
    done
    code=$(curl -s -o /dev/null -w '%{http_code}' -X DELETE -H "Authorization: Bearer $TOKEN" \
        "$VIREO_SERVER/system/functions/victim")
    [ "$code" = 404 ]
    [ "$(admin GET /system/functions/victim | jq -r .name)" = victim ]
}

@test "another uid is told by the kernel and refused, whatever the socket's mode" {
    run setpriv --reuid 65534 --regid 65534 --clear-groups \
        curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/system/functions
    [ "$status" -ne 0 ]
    chmod 0755 "$VIREO_STATE"
    chmod 0666 "$VIREO_STATE/admin.sock"
    run -0 setpriv --reuid 65534 --regid 65534 --clear-groups \
        curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/system/functions
    [ "$(jq -r .status <<<"$output")" = 403 ]
    run -0 setpriv --reuid 65534 --regid 65534 --clear-groups curl -s -X DELETE \
        --unix-socket "$VIREO_STATE/admin.sock" http://localhost/system/functions/victim
    [ "$(jq -r .status <<<"$output")" = 403 ]
    chmod 0600 "$VIREO_STATE/admin.sock"
    chmod 0700 "$VIREO_STATE"
    [ "$(admin GET /system/functions/victim | jq -r .name)" = victim ]
}

# serve_refuses WORD OPTION...: the daemon does not start, and says why.
serve_refuses() {
    local word=$1 state
    shift
    state=$(mktemp -d "$BATS_TEST_TMPDIR/state.XXXXXX")
    run timeout 20 "$VIREO" serve --listen 127.0.0.1:0 --state "$state" "$@" 3>&-
    echo "$output"
    [ "$status" -ne 0 ]
    [ "$status" -ne 124 ]
    grep -q "$word" <<<"$output"
}

@test "a token that others can read, choose or guess is refused" {
    local file=$BATS_TEST_TMPDIR/token mode listen
    listen=127.0.0.1:0
    echo "$TOKEN" >"$file"
    for mode in 0644 0640 0604 0660 0602; do
        chmod "$mode" "$file"
        serve_refuses "mode is $mode" --admin-listen "$listen" --admin-token "$file"
        [ "$status" = 4 ]
    done
    chmod 0600 "$file"
    chown 65534 "$file"
    serve_refuses "belongs to uid 65534" --admin-listen "$listen" --admin-token "$file"
    serve_refuses "No such file" --admin-listen "$listen" --admin-token "$file.absent"
    [ "$status" -eq 3 ]
    serve_refuses "not a file" --admin-listen "$listen" --admin-token "$BATS_TEST_TMPDIR"
    serve_refuses "go together" --admin-listen "$listen"
}

@test "administration over TCP has a port of its own" {
    local port
    port=$(free_port)
    serve_refuses "Address already in use" --listen "127.0.0.1:$port" \
        --admin-listen "127.0.0.1:$port" --admin-token "$VIREO_STATE/token"
}

@test "a function's own page can't administer from a browser" {
    [ -n "${VIREO_TEST_LONG-}" ] || skip "it takes a browser: scripts/test --long"
    command -v chromedriver >/dev/null || skip "chromedriver is not installed (scripts/deps browser)"
    local site
    for site in 127.0.0.1 rebind.example; do
        run -0 timeout 100 "$TOP/tests/system/browser.py" \
            "http://$site:$VIREO_PORT/function/page?$ADMIN_PORT" \
            "http://rebind.example:$ADMIN_PORT/system/functions"
        echo "$output"
        # Nine attempts at each of three names, and none read or opened anything.
        [ "$(head -n 1 <<<"$output" | jq length)" = 27 ]
        not grep -q 'READ\|OPENED' <<<"$output"
        # They did reach the port: it answered those that may be sent without being asked first.
        [ "$(head -n 1 <<<"$output" | jq -r '."127.0.0.1 blind"')" = opaque ]
        [ "$(head -n 1 <<<"$output" | jq -r '."127.0.0.1 deploy"')" = opaque ]
        # Somebody who follows a link to a name that was made to point here.
        grep -q "not this machine's address" <<<"$(tail -n 1 <<<"$output")"
        [ "$(admin GET /system/functions | jq -r '.[].name' | sort | tr '\n' ' ')" = "page victim " ]
    done
}
