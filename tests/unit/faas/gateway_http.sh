#!/bin/sh
# Both gateways over real HTTP, with a supervisor and instances that are made for the test.
#   gateway_http.sh FAKE_SUPERVISOR GATEWAY
set -eu

# LeakSanitizer's own process can't trace one that is under the gateway's filter.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

supervisor=$1
gateway=$2
checker=$(dirname "$0")/../../metrics_check
dir=$(mktemp -d)
failed=0
count=0

finish() {
    exec 9>&- || true
    [ -n "${pid:-}" ] && kill "$pid" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

mkfifo "$dir/commands"
"$supervisor" "$gateway" "$dir" <"$dir/commands" >"$dir/out" 2>"$dir/err" &
pid=$!
exec 9>"$dir/commands"
tries=0
while ! grep -q ready "$dir/out" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "the gateways did not start"; cat "$dir/err"; exit 1; }
    sleep 0.05
done
read -r _ port calls_pid admin_pid <"$dir/out"
url="http://127.0.0.1:$port"

# is NAME EXPECTED ACTUAL
is() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $1"
    else
        failed=$((failed + 1))
        printf 'not ok %d - %s\n  expected: %s\n  got: %s\n' "$count" "$1" "$2" "$3"
    fi
}
# has NAME PATTERN TEXT
has() {
    case $3 in
    *"$2"*) is "$1" yes yes ;;
    *) is "$1" "...$2..." "$3" ;;
    esac
}
status() { curl -s -m 20 -o "$dir/body" -w '%{http_code}' "$@" || true; }
cause() { sed -n 's/.*"cause":"\([^"]*\)".*/\1/p' "$dir/body"; }
detail() { sed -n 's/.*"detail":"\(.*\)","cause.*/\1/p' "$dir/body"; }
problem() { # problem NAME STATUS CAUSE CURL-ARGUMENTS...
    name=$1 want="$2 $3"
    shift 3
    got=$(status "$@")
    is "$name" "$want" "$got $(cause)"
}

# ---- pages ----
tries=0
while [ "$(status "$url/readyz")" != 200 ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
is "readyz says ready" ready "$(cat "$dir/body")"
is "healthz says ok" ok "$(curl -s "$url/healthz")"
problem "a page has its methods only" 405 method -X POST "$url/healthz"
has "and says which" "Allow: GET, HEAD" "$(curl -si -X POST "$url/healthz")"
problem "an unknown page is not found" 404 not-found "$url/nothing"
problem "an unknown function is not found" 404 not-found "$url/function/absent"
status "$url/function/ehco" >/dev/null
is "a near name is suggested" "no function 'ehco'; did you mean 'echo'?" "$(detail)"

# ---- calls ----
is "a small body comes back" hello "$(curl -s -d hello "$url/function/echo")"
head -c 6291456 /dev/urandom >"$dir/6m"
curl -s --data-binary @"$dir/6m" "$url/function/echo" >"$dir/back"
is "six MiB come back" "$(sha256sum <"$dir/6m")" "$(sha256sum <"$dir/back")"
curl -s -H 'Expect:' --data-binary @"$dir/6m" "$url/function/echo" >"$dir/back"
is "six MiB without 100-continue, too" "$(sha256sum <"$dir/6m")" "$(sha256sum <"$dir/back")"
curl -s -H 'Transfer-Encoding: chunked' --data-binary @"$dir/6m" "$url/function/echo" >"$dir/back"
is "six MiB in chunks, too" "$(sha256sum <"$dir/6m")" "$(sha256sum <"$dir/back")"
head -c 8000 "$dir/6m" >"$dir/8k"
curl -s --data-binary @"$dir/8k" "$url/function/echo" >"$dir/back"
is "a body at the edge of the small area comes back" "$(sha256sum <"$dir/8k")" "$(sha256sum <"$dir/back")"
got=$(curl -s -D - -o /dev/null -d x "$url/function/echo")
has "the answer has a request id" "X-Request-Id: " "$got"
has "and says how its instance came" "X-Vireo-Start: warm" "$got"
has "and its function's headers" "content-type: text/plain" "$got"
got=$(curl -s -I "$url/function/head")
has "HEAD has a length and no body" "Content-Length: " "$got"
is "empty body, empty answer" 200 "$(status -X POST "$url/function/echo")"

got=$(curl -s -H 'X-Thing: 1' -H 'Connection: x-secret' -H 'X-Secret: 2' -H 'Proxy: evil' -H 'TE: trailers' \
    -H 'X-Request-Id: mi ne' -X PURGE "$url/function/head/a%2Fb/c?q=%41&r")
is "the function sees method, path and query as sent" "PURGE
/a%2Fb/c
q=%41&r
http://127.0.0.1:$port
127.0.0.1" "$(echo "$got" | head -5)"
has "and headers in lower case" "x-thing
1" "$got"
has "a traceparent is made" "traceparent
00-" "$got"
for gone in secret evil trailers mine; do
    case $got in *"$gone"*) is "hop-by-hop '$gone' is not passed" no yes ;; *) is "hop-by-hop '$gone' is not passed" no no ;; esac
done
trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
has "a traceparent is passed on" "traceparent
$trace" "$(curl -s -H "traceparent: $trace" "$url/function/head")"
got=$(curl -s -D - -H "traceparent: $trace" -H 'tracestate: a=1' -H 'X-Request-Id: order-77' "$url/function/head")
has "and back" "traceparent: $trace" "$got"
has "with its state" "tracestate
a=1" "$got"
has "a request id is passed on" "x-request-id
order-77" "$got"
has "and back" "X-Request-Id: order-77" "$got"
got=$(curl -s -D - -H 'traceparent: 00-nonsense' -H 'tracestate: secret' -H 'X-Request-Id: a"b' "$url/function/head" | tr -d '\r')
is "a bad request id is replaced" 1 "$(echo "$got" | grep -Exc 'X-Request-Id: [0-9a-f]{32}')"
is "a bad traceparent too" 1 "$(echo "$got" | grep -Exc 'traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01')"
is "function and caller see the same trace" 2 "$(echo "$got" | grep -c "$(echo "$got" | sed -n 's/^traceparent: //p')")"
case $got in *nonsense* | *secret* | *'a"b'*) is "nothing of them is passed on" no yes ;; *) is "nothing of them is passed on" no no ;; esac
has "problems have both, too" "traceparent: $trace" "$(curl -s -D - -o /dev/null -H "traceparent: $trace" "$url/function/absent")"
has "a call without a path has /" "
/
" "$(curl -s "$url/function/head")"
problem "a method that is no token is refused" 400 bad-request -X "$(printf 'P\310T')" "$url/function/echo"
problem "a host that is none is refused" 400 bad-request -H 'Host: a/b' "$url/function/echo"
has "two hosts are refused" "HTTP/1.1 400" "$(printf \
    'GET /function/echo HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n' |
    curl -s -m 5 "telnet://127.0.0.1:$port")"
is "an address with its port is a host" 200 "$(status -H 'Host: [::1]:80' "$url/function/echo")"

# ---- limits ----
problem "a body past the limit is refused" 413 request-too-large --data-binary @"$dir/8k" "$url/function/small"
problem "also in chunks" 413 request-too-large -H 'Transfer-Encoding: chunked' --data-binary @"$dir/8k" "$url/function/small"
problem "also before it is sent" 413 request-too-large -H 'Expect: 100-continue' --data-binary @"$dir/6m" "$url/function/small"
problem "also when it is sent without asking" 413 request-too-large -H 'Expect:' --data-binary @"$dir/6m" "$url/function/small"
problem "an answer past the limit is an error" 502 answer-too-large "$url/function/large"
long=$(head -c 33000 /dev/zero | tr '\0' a)
problem "a head past 32 KiB is refused" 431 head-too-large -H "X-Long: $long" "$url/function/echo"
long=$(head -c 20000 /dev/zero | tr '\0' a)
is "a head of 20 KiB is not" 200 "$(status -H "X-Long: $long" "$url/function/echo")"
is "an answer may have 30,000 bytes of headers" 200 "$(status "$url/function/headers")"
problem "but not beside a long request head" 502 answer-too-large -H "X-Long: $long" "$url/function/headers"
is "a head of nearly 32 KiB is taken" 200 "$(status -H "X-Long: $long" -H "X-More: $(head -c 12000 /dev/zero | tr '\\0' b)" "$url/function/echo")"
many=
i=0
while [ $i -lt 130 ]; do many="$many -H X-$i:1" i=$((i + 1)); done
# shellcheck disable=SC2086
problem "too many headers are refused" 431 head-too-large $many "$url/function/echo"

# An instance is there when they come.
status "$url/function/sleep" >/dev/null
for i in 1 2 3 4 5 6; do
    curl -s -m 10 -o "$dir/busy.$i" -D "$dir/busy.head.$i" -w '%{http_code}\n' "$url/function/sleep" >"$dir/busy.status.$i" &
    eval "busy$i=$!"
done
for i in 1 2 3 4 5 6; do eval "wait \$busy$i"; done
is "three are served, the others refused" "3 200, 3 429" "$(cat "$dir"/busy.status.* | sort | uniq -c | awk '{printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2}')"
has "with a time to come back" "Retry-After: 1" "$(cat "$dir"/busy.head.*)"

# ---- functions that don't answer properly ----
problem "the time limit ends a call" 504 timeout "$url/function/hang"
is "and says which" "time limit 300 ms reached" "$(detail)"
problem "and the next call's, too" 504 timeout "$url/function/hang"
problem "a crash is named" 502 crash "$url/function/crash"
is "with its signal" "crashed: signal 11 (SIGSEGV)" "$(detail)"
problem "an exit status is named" 502 exit "$url/function/exit"
is "with its number" "exit status 3" "$(detail)"
problem "a handler's failure is named" 502 failed "$url/function/fail"
is "with its number" "the handler returned -5" "$(detail)"
problem "a trap is named" 502 trap "$url/function/trap"
is "with WebAssembly's words" "trap in f: out of bounds memory access" "$(detail)"
problem "a refused memory.grow is the memory limit" 502 memory "$url/function/memory"
is "with its size" "memory limit 64 MiB reached" "$(detail)"
problem "a start that fails is named" 502 start "$url/function/unborn"

# ---- instances that lie, and beside them one that does not: each of its answers is its own ----
(
    n=0
    while [ ! -e "$dir/lied" ]; do
        n=$((n + 1))
        [ "$(curl -s -m 20 -d "mine $n" "$url/function/echo")" = "mine $n" ] || echo "answer $n" >>"$dir/wrong"
    done
    echo $n >"$dir/beside"
) &
beside=$!
for lie in split hop measured closing blank colon nul fewer length wrap counted outcome interim status early ahead noise bodiless endless both; do
    problem "'$lie' is refused" 502 bad-answer "$url/function/$lie"
    has "and says why" "the answer is not proper: " "$(detail)"
done
is "a length to HEAD is passed on without a body" "Content-Length: 5" \
    "$(curl -sI "$url/function/bodiless" | tr -d '\r' | grep -i '^content-length')"
for lie in endless both; do
    has "'$lie' is refused to HEAD too" " 502 " "$(curl -sI "$url/function/$lie" | head -n 1)"
done
for i in 1 2 3 4 5; do
    got=$(status "$url/function/race")
    case $got in
    200) is "lengths that change: the whole answer" x "$(cat "$dir/body")" ;;
    *) is "lengths that change: none" "502 bad-answer" "$got $(cause)" ;;
    esac
done
is "cursors that lie cost a log line" "200 200" "$(status "$url/function/cursors") $(status "$url/function/cursors")"
is "a channel that is scribbled over answers its call" 200 "$(status "$url/function/scribble")"
is "a channel's memory can't be taken away" refused "$(curl -s "$url/function/shrink")"
problem "one that could be is not taken" 502 start "$url/function/unsealed"
touch "$dir/lied"
wait $beside
is "nobody else's answer was touched" "" "$(cat "$dir/wrong" 2>/dev/null)"
is "and there were some" yes "$([ "$(cat "$dir/beside")" -gt 10 ] && echo yes)"
is "the gateway is the same" yes "$(kill -0 "$calls_pid" && echo yes)"
is "all others still serve" again "$(curl -s -d again "$url/function/echo")"

# ---- instances ----
is "an instance serves many calls" "$(curl -s "$url/function/pid")" "$(curl -s "$url/function/pid")"
a=$(curl -s "$url/function/once") b=$(curl -s "$url/function/once")
[ "$a" != "$b" ] && is "isolation: request has a new one each time" yes yes || is "isolation: request has a new one each time" yes "no: $a $b"
a=$(curl -s "$url/function/spare") b=$(curl -s "$url/function/spare") c=$(curl -s "$url/function/spare")
[ "$a" != "$b" ] && [ "$b" != "$c" ] && is "with spares, too" yes yes || is "with spares, too" yes "no: $a $b $c"
has "and a spare is warm" "X-Vireo-Start: warm" "$(sleep 0.2; curl -s -D - -o /dev/null "$url/function/spare")"
a=$(curl -s "$url/function/pid")
echo "redeploy pid" >&9
sleep 0.2
b=$(curl -s "$url/function/pid")
[ "$a" != "$b" ] && is "after a deploy the old instance is not used" yes yes || is "after a deploy the old instance is not used" yes no
a=$(curl -s "$url/function/quick")
sleep 0.5
if kill -0 "$a" 2>/dev/null; then is "an idle instance is ended" yes no; else is "an idle instance is ended" yes yes; fi
echo "gone quick" >&9
sleep 0.2
problem "a removed function is not found" 404 not-found "$url/function/quick"

# ---- HTTP itself ----
raw() { # raw TEXT...: what comes back on one connection; half a second between texts
    timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0; for t in "$@"; do printf "$t" | cat >&3; sleep 0.3; done; timeout 1 cat <&3 2>/dev/null' "$port" "$@" || true
}
got=$(raw 'POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nonePOST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo')
has "pipelined: the first" one "$got"
has "pipelined: the second" two "$got"
got=$(raw 'POST /function/echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nold')
has "HTTP/1.0 is served" old "$got"
got=$(raw 'POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
has "two framings at once are refused" "400 Bad Request" "$got"
is "and the rest is not read" 1 "$(printf %s "$got" | grep -c ^HTTP)"
got=$(raw 'POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello')
has "two lengths are refused" "400 Bad Request" "$got"
got=$(raw 'GET /function/echo HTTP/1.1\r\nHost: a\r\nX-A: b\001c\r\n\r\n')
has "a control character is refused" "bad-request" "$got"
has "a slow body is waited for" slowly "$(raw 'POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nConnection: close\r\n\r\nslo' wly)"

# ---- the admin socket ----
admin() { curl -s -m 20 --unix-socket "$dir/admin.sock" "$@"; }
is "functions are listed" '[{"name":"echo"}]' "$(admin http://vireo/system/functions)"
has "one is described" '{"name":"it"' "$(admin http://vireo/system/functions/echo)"
problem "an unknown one is not" 404 not-found --unix-socket "$dir/admin.sock" http://vireo/system/functions/absent
problem "a page of the web is refused" 403 forbidden --unix-socket "$dir/admin.sock" -H 'Origin: http://evil' http://vireo/system/functions
problem "a page has its methods only" 405 method --unix-socket "$dir/admin.sock" -X PUT http://vireo/system/functions
problem "no such page" 404 not-found --unix-socket "$dir/admin.sock" http://vireo/system/nothing
problem "a name that is none" 404 not-found --unix-socket "$dir/admin.sock" http://vireo/system/functions/..%2f
problem "an unknown parameter is refused" 400 bad-request --unix-socket "$dir/admin.sock" -d x 'http://vireo/system/functions?name=a&colour=red'
problem "an empty source is refused" 400 bad-request --unix-socket "$dir/admin.sock" -X POST 'http://vireo/system/functions?name=a'
is "a deploy reaches the supervisor sealed" '{"name":"a","bytes":6291456,"memory":"64MiB","param_bytes":4,"uid":'"$(id -u)"'}' \
    "$(admin --data-binary @"$dir/6m" 'http://vireo/system/functions?name=a&memory=64MiB&param=k%3Dv')"
is "its stages come as lines" '{"stage":"compile"}
{"stage":"link"}
{"function":{"name":"a","bytes":8000,"memory":"","param_bytes":0,"uid":'"$(id -u)"'}}' \
    "$(admin -H 'Accept: application/x-ndjson' --data-binary @"$dir/8k" 'http://vireo/system/functions?name=a')"
problem "a failed build is a problem" 400 bad-request --unix-socket "$dir/admin.sock" -d x 'http://vireo/system/functions?name=broken'
has "also as a line" '{"problem":{"type":' "$(admin -H 'Accept: application/x-ndjson' -d x 'http://vireo/system/functions?name=broken')"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$dir"
    chmod 666 "$dir/admin.sock"
    got=$(setpriv --reuid 65534 --clear-groups curl -s --unix-socket "$dir/admin.sock" http://vireo/system/functions)
    has "another user is refused" forbidden "$got"
fi

# ---- output ----
curl -s -d x "$url/function/log" >/dev/null
sleep 0.1
got=$(admin http://vireo/system/functions/log/logs)
has "output is kept" "a line of output" "$got"
has "what drives a terminal is shown, not done" '\x1b[2Jhidden' "$got"
has "a trap is in its function's log" "vireo: trap in f: out of bounds memory access" "$(admin http://vireo/system/functions/trap/logs)"
problem "an unknown function has no log" 404 not-found --unix-socket "$dir/admin.sock" http://vireo/system/functions/absent/logs
curl -sN -m 3 --unix-socket "$dir/admin.sock" 'http://vireo/system/functions/log/logs?follow=1' >"$dir/follow" &
follow=$!
sleep 0.3
before=$(grep -c 'line of output' "$dir/follow" || true)
curl -s -d x "$url/function/log" >/dev/null
sleep 0.3
is "a followed log goes on" "$((before + 1))" "$(grep -c 'line of output' "$dir/follow" || true)"
kill $follow 2>/dev/null || true
wait $follow 2>/dev/null || true

got=$(admin http://vireo/metrics)
has "metrics count calls" 'faas_invocations_total{function="log"} 2' "$got"
has "and errors by cause" 'faas_errors_total{function="trap",cause="trap"} 1' "$got"
has "and durations" 'faas_invoke_duration_seconds_bucket{function="echo",le="5e-05"}' "$got"
has "and what the supervisor says" 'vireo_cgroup_pool_groups{state="ready"} 7' "$got"
has "and live memory" 'vireo_memory_bytes{function="echo"} 1048576' "$got"
has "and all of it is Prometheus' format" "ok: " "$(echo "$got" | "$checker")"
# The checker finds what it is there for.
wrong() {
    if printf "$2" | "$checker" >/dev/null; then is "the checker refuses $1" no yes; else is "the checker refuses $1" no no; fi
}
wrong "nothing" ''
wrong "a sample without TYPE" 'a 1\n'
wrong "TYPE without HELP" '# TYPE a gauge\na 1\n'
wrong "a counter that is not _total" '# HELP a x\n# TYPE a counter\na 1\n'
wrong "a series that comes twice" '# HELP a x\n# TYPE a gauge\na 1\na 2\n'
wrong "a family that comes twice" '# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na{b="1"} 2\n'
wrong "a label without its end" '# HELP a x\n# TYPE a gauge\na{b="1} 2\n'
wrong "a value that is none" '# HELP a x\n# TYPE a gauge\na one\n'
wrong "a last line without its end" '# HELP a x\n# TYPE a gauge\na 1'
histogram='# HELP h x\n# TYPE h histogram\n'
wrong "a histogram without +Inf" "${histogram}h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"
wrong "buckets that fall" "${histogram}h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
wrong "a count that is not the last bucket's" "${histogram}h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n"
is "and takes what is right" 0 "$(printf "${histogram}h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n" | "$checker" >/dev/null; echo $?)"
got=$(admin http://vireo/system/usage)
has "usage is told as JSON" '"name":"echo","invocations":' "$got"
got=$(admin http://vireo/system/functions/echo)
has "and with its function" '"usage":{"name":"echo","invocations":' "$got"
problem "an unknown function has none" 404 not-found --unix-socket "$dir/admin.sock" http://vireo/system/functions/absent
case $got in *_Bad*) is "under proper names only" no yes ;; *) is "under proper names only" no no ;; esac

# ---- rights ----
if [ -r "/proc/$calls_pid/status" ]; then
    is "the calls gateway is filtered" "Seccomp:	2" "$(grep ^Seccomp: "/proc/$calls_pid/status")"
    is "the admin gateway is filtered" "Seccomp:	2" "$(grep ^Seccomp: "/proc/$admin_pid/status")"
    is "and gains no privileges" "NoNewPrivs:	1" "$(grep ^NoNewPrivs: "/proc/$calls_pid/status")"
fi
if [ "$(id -u)" = 0 ]; then
    got=$(env -u VIREO_TEST "$gateway" calls 3</dev/null 4</dev/null 5</dev/null 2>&1 || true)
    has "root is refused" "cannot start as root" "$got"
fi

# ---- the end ----
curl -s -m 5 "$url/function/sleep" >"$dir/last" &
last=$!
sleep 0.05
exec 9>&-
wait $last || true
is "a running call is finished before the end" slept "$(cat "$dir/last")"
if wait "$pid"; then is "both gateways end well" 0 0; else is "both gateways end well" 0 "$?: $(cat "$dir/err")"; fi
pid=
is "nothing else was complained of" "" "$(grep -v "'unsealed': its channel is not sealed" "$dir/err")"
echo "1..$count"
[ $failed -eq 0 ] || { echo "$failed failed"; exit 1; }
