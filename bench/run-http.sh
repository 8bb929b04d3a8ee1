#!/bin/sh
# HTTP: a warm call of vireo's 1 KiB echo beside a bare libmicrohttpd echo and nginx's static 1 KiB
# file, all on loopback and on this machine, wrk with one thread and 64 connections. Rounds are
# interleaved; each figure is the median of its rounds.
# Usage: bench/run-http.sh [ROUNDS] [SECONDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-3}
seconds=${2:-10}
connections=64
port=${BENCH_PORT:-18080} # and the two above it
bench_need gcc wrk curl
PATH=$PATH:/usr/sbin
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}

wait_for() { # URL PID
    n=0
    until curl -fsS -o /dev/null --max-time 2 "$1" 2>/dev/null; do
        n=$((n + 1))
        if [ $n -gt 100 ] || ! kill -0 "$2" 2>/dev/null; then
            echo "cannot measure: nothing answers at $1" >&2
            tail -n 5 "$bench_work"/*.log >&2 || :
            exit 1
        fi
        sleep 0.1
    done
}

start_nginx() {
    mkdir -p "$bench_work/nginx/www" "$bench_work/nginx/tmp"
    head -c 1024 /dev/zero | tr '\0' x >"$bench_work/nginx/www/1k"
    chmod -R a+rX "$bench_work"
    cat >"$bench_work/nginx/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $bench_work/nginx/pid;
error_log $bench_work/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    sendfile on;
    client_body_temp_path $bench_work/nginx/tmp;
    proxy_temp_path $bench_work/nginx/tmp;
    fastcgi_temp_path $bench_work/nginx/tmp;
    uwsgi_temp_path $bench_work/nginx/tmp;
    scgi_temp_path $bench_work/nginx/tmp;
    server {
        listen 127.0.0.1:$1;
        root $bench_work/nginx/www;
        open_file_cache max=10;
    }
}
END
    nginx -p "$bench_work/nginx" -c "$bench_work/nginx/nginx.conf" -e "$bench_work/nginx.log" &
    bench_pids="$bench_pids $!"
    wait_for "http://127.0.0.1:$1/1k" $!
}

start_mhd() {
    gcc -std=gnu17 -O2 -D_GNU_SOURCE -o "$bench_work/mhd_echo" "$bench_root/bench/mhd_echo.c" -lmicrohttpd
    "$bench_work/mhd_echo" "$1" >"$bench_work/mhd.log" 2>&1 &
    bench_pids="$bench_pids $!"
    wait_for "http://127.0.0.1:$1/" $!
}

# A copy of the echo with its own manifest: how it is isolated, how many spares.
deploy() { # NAME ISOLATION SPARES INSTANCES
    mkdir -p "$bench_work/$1"
    cp "$bench_root/examples/echo/echo.c" "$bench_work/$1/"
    cat >"$bench_work/$1/vireo.yaml" <<END
name: $1
version: "1.0"
sources: [echo.c]
isolation: $2
limits:
  memory: 32MiB
  timeout: 5s
pool:
  instances: $4
  spares: $3
END
    "$bench_vireo" deploy "$bench_work/$1" --name "$1" --state "$bench_work/state" \
        >"$bench_work/deploy.log" 2>&1 || {
        cat "$bench_work/deploy.log" >&2
        exit 1
    }
    curl -fsS -o "$bench_work/answer" --max-time 10 --data-binary @"$bench_root/examples/echo/sample" \
        "http://127.0.0.1:$port/function/$1"
    cmp -s "$bench_work/answer" "$bench_root/examples/echo/sample" || {
        echo "cannot measure: '$1' does not echo" >&2
        exit 1
    }
}

start_vireo() {
    mkdir -p "$bench_work/state"
    "$bench_vireo" serve --listen "127.0.0.1:$port" --state "$bench_work/state" \
        >"$bench_work/vireo.log" 2>&1 &
    bench_pids="$! $bench_pids"
    wait_for "http://127.0.0.1:$port/healthz" $!
    deploy echo instance 0 4 # as many as a manifest that says nothing has
    deploy echo-request request 0 32
    deploy echo-spares request "${SPARES:-16}" 32
}

load_before=$(bench_load)
start_vireo
targets='vireo vireo-request vireo-spares'
if [ -f "$bench_root/bench/mhd_echo.c" ]; then
    start_mhd $((port + 1))
    targets="$targets mhd"
fi
if command -v nginx >/dev/null 2>&1; then
    start_nginx $((port + 2))
    targets="$targets nginx"
fi

one() { # TARGET: appends "target requests/s p50 p99 errors"
    method=post
    case $1 in
    vireo) url=http://127.0.0.1:$port/function/echo ;;
    vireo-request) url=http://127.0.0.1:$port/function/echo-request ;;
    vireo-spares) url=http://127.0.0.1:$port/function/echo-spares ;;
    mhd) url=http://127.0.0.1:$((port + 1))/ ;;
    nginx) url=http://127.0.0.1:$((port + 2))/1k method=get ;;
    esac
    wrk -t1 -c$connections -d"${seconds}s" -s "$bench_root/bench/http/echo.lua" "$url" -- $method \
        >"$bench_work/wrk.out" 2>&1 || {
        cat "$bench_work/wrk.out" >&2
        exit 1
    }
    echo "$1 $(sed -n 's/^figures //p' "$bench_work/wrk.out")" >>"$bench_work/figures"
}

round=0
while [ $round -lt "$rounds" ]; do
    for target in $targets; do
        one "$target"
    done
    round=$((round + 1))
done

pick() { # TARGET FIELD
    awk -v t="$1" -v f="$2" '$1 == t { print $f }' "$bench_work/figures" | bench_percentile 50
}
errors_of() {
    awk -v t="$1" '$1 == t { n += $5 } END { print n + 0 }' "$bench_work/figures"
}
for target in $targets; do
    echo "$target $(pick "$target" 2) $(pick "$target" 3) $(pick "$target" 4) $(errors_of "$target")"
done >"$bench_work/table"

echo "## HTTP"
echo
echo "$(bench_machine); load before: $load_before; wrk $connections connections, n = $rounds rounds of $seconds s; 1 KiB."
echo
awk '
    BEGIN { name["vireo"] = "vireo, warm call"
            name["vireo-request"] = "vireo, `isolation: request`, no spares"
            name["vireo-spares"] = "vireo, `isolation: request`, spares"
            name["mhd"] = "bare libmicrohttpd echo"
            name["nginx"] = "nginx, static file"
            print "| what | requests a second | p50 µs | p99 µs | errors |"
            print "| --- | ---: | ---: | ---: | ---: |" }
    { printf "| %s | %.0f | %.0f | %.0f | %d |\n", name[$1], $2, $3, $4, $5; rate[$1] = $2 }
    END { print ""
          if ("mhd" in rate)
              printf "Warm call / bare libmicrohttpd: %.2f (target at least 0.50: %s). ",
                  rate["vireo"] / rate["mhd"], (rate["vireo"] >= rate["mhd"] / 2) ? "met" : "missed"
          printf "`isolation: request`: target 1,200 without spares (%s), 2,500 with (%s).\n\n",
              (rate["vireo-request"] >= 1200) ? "met" : "missed",
              (rate["vireo-spares"] >= 2500) ? "met" : "missed" }' \
    "$bench_work/table"
awk -v machine="$(bench_machine_json)" -v rounds="$rounds" -v seconds="$seconds" -v c="$connections" '
    BEGIN { printf "{\"bench\":\"http\",%s,\"n\":%d,\"seconds\":%d,\"connections\":%d,\"rows\":{", machine, rounds, seconds, c }
    { printf "%s\"%s\":{\"per_second\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"errors\":%d}", (NR > 1) ? "," : "", $1, $2, $3, $4, $5 }
    END { print "}}" }' "$bench_work/table"
