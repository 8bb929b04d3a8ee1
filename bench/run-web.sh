#!/bin/sh
# examples/web beside nginx: one 1 KiB file, two workers each, wrk with ever more connections, turn
# and turn about.
# Usage: bench/run-web.sh [ROUNDS] [SECONDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-3}
seconds=${2:-3}
port=${BENCH_PORT:-18090} # and the one above it
PATH=$PATH:/usr/sbin
bench_need wrk nginx curl
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}

wait_for() { # URL
    n=0
    until curl -fsS -o /dev/null --max-time 2 "$1" 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 100 ] || {
            echo "cannot measure: nothing answers at $1" >&2
            tail -n 5 "$bench_work"/*.log >&2
            exit 1
        }
        sleep 0.1
    done
}

www=$bench_work/www
mkdir "$www" "$bench_work/nginx" "$bench_work/state" "$bench_work/web"
head -c 1024 /dev/zero | tr '\0' x >"$www/1k.txt"
chmod 755 "$bench_work" "$www"
chmod 644 "$www/1k.txt"
cat >"$bench_work/nginx/conf" <<END
daemon off;
worker_processes 2;
pid $bench_work/nginx/pid;
error_log $bench_work/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    sendfile on;
    client_body_temp_path $bench_work/nginx;
    proxy_temp_path $bench_work/nginx;
    fastcgi_temp_path $bench_work/nginx;
    uwsgi_temp_path $bench_work/nginx;
    scgi_temp_path $bench_work/nginx;
    server {
        listen 127.0.0.1:$((port + 1));
        root $www;
        open_file_cache max=10;
    }
}
END
nginx -p "$bench_work/nginx" -c "$bench_work/nginx/conf" -e "$bench_work/nginx.log" &
bench_pids="$bench_pids $!"
export VIREO_STATE="$bench_work/state"
printf 'allow_grants:\n  fork: true\n  files: ["%s"]\n  listen: ["127.0.0.1:%s"]\n' "$www" "$port" >"$bench_work/conf"
"$bench_vireo" serve --listen 127.0.0.1:0 --config "$bench_work/conf" >"$bench_work/vireo.log" 2>&1 &
bench_pids="$bench_pids $!"
n=0
until "$bench_vireo" ls >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n -lt 100 ] || exit 1
    sleep 0.1
done
cp "$bench_root"/examples/web/*.[ch] "$bench_work/web"
sed "s|/var/www/html|$www|; s/127.0.0.1:8081/127.0.0.1:$port/" "$bench_root/examples/web/vireo.yaml" >"$bench_work/web/vireo.yaml"
"$bench_vireo" deploy -q "$bench_work/web" >/dev/null
wait_for "http://127.0.0.1:$port/1k.txt"
wait_for "http://127.0.0.1:$((port + 1))/1k.txt"

measure() { # PORT CONNECTIONS
    wrk -t 1 -c "$2" -d "$seconds" --latency "http://127.0.0.1:$1/1k.txt" >"$bench_work/wrk"
    if grep -E 'Non-2xx|Socket errors' "$bench_work/wrk" >&2; then
        exit 1
    fi
    sed -n 's/^Requests\/sec: *//p' "$bench_work/wrk"
}

clients="1 2 4 8 16 32 64 128 256 512"
load_before=$(bench_load)
for _ in $(seq "$rounds"); do
    for connections in $clients; do
        measure "$port" "$connections" >>"$bench_work/web.$connections"
        measure $((port + 1)) "$connections" >>"$bench_work/nginx.$connections"
    done
done

echo "## Static files"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "A file of 1 KiB, two workers each, wrk -t 1 for $seconds s; $rounds rounds in turns, requests/s: median (least–most)."
echo
echo "| connections | web in pVMs | nginx | web / nginx |"
echo "| --- | --- | --- | --- |"
for connections in $clients; do
    a=$(bench_percentile 50 <"$bench_work/web.$connections") b=$(bench_percentile 50 <"$bench_work/nginx.$connections")
    echo "| $connections | $(bench_spread 0 <"$bench_work/web.$connections") | $(bench_spread 0 <"$bench_work/nginx.$connections") |" \
        "$(bench_ratio "$a" "$b") |"
done
