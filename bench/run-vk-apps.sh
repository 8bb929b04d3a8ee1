#!/bin/sh
# What a virtual kernel costs an application: nginx under wrk (both in the container, by loopback),
# pwgen and hackbench, in the same container without one and with all of it, beside the host,
# docker's default (runc) and gVisor's runsc. In turns, in one run. Root.
# Usage: bench/run-vk-apps.sh [ROUNDS]; SECONDS_WRK says how long wrk takes.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vk_lib.sh"

rounds=${1:-7}
bench_need gcc jq python3 busybox nginx wrk pwgen hackbench
gcc -std=gnu17 -O2 -static -pthread -o "$bench_work/vk_probe" "$bench_root/bench/vk_probe.c"
PATH=$bench_work:$PATH
vk_rootfs nginx wrk pwgen hackbench vk_probe
mkdir -p "$vk_root/www"
head -c 1024 /dev/zero | tr '\0' x >"$vk_root/www/index.html"
cat >"$vk_root/etc/bench.conf" <<END
user root; worker_processes 1; daemon on; pid /tmp/nginx.pid; error_log /tmp/error.log;
events { worker_connections 256; }
http {
    access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
    uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; keepalive_requests 1000000;
    server { listen 127.0.0.1:18080; root $vk_root/www; }
}
END
# The host finds the files at their own place, the others below their root.
sed "s|root $vk_root/www|root /www|" "$vk_root/etc/bench.conf" >"$vk_root/etc/inside.conf"
vk_bundle none .
vk_bundle unlisted "$vk_unlisted"
vk_bundle full "$vk_full"

# Each prints lines "COLUMN VALUE".
inside() { # CONF [LOOPS of hackbench]
    # shellcheck disable=SC2016
    echo 'nginx -c '"$1"' -e /tmp/error.log && wrk -t1 -c16 -d'"${SECONDS_WRK:-2}"'s http://127.0.0.1:18080/index.html |
            while read -r a b c; do case $a in Requests/sec:) echo "nginx $b";; Non-2xx*) echo "failed: $a $b $c" >&2;; esac; done
        read -r pid </tmp/nginx.pid; kill $pid
        { time -p pwgen -s 64 10000 >/dev/null; } 2>&1 | while read -r a b; do [ "$a" != real ] || echo "pwgen $b"; done
        hackbench -g 2 -f 5 -l '"${2:-2000}"' | while read -r a b c; do [ "$a" != Time: ] || echo "hackbench $b"; done'
}
take() { # ROW [TIMES]: what was printed, as lines of the table; of hackbench so many times
    while read -r column value; do
        [ "$column" != hackbench ] || value=$(echo "$value ${2:-1}" | awk '{ print $1 * $2 }')
        printf '%s\t%s\t%s\n' "$1" "$column" "$value" >>"$bench_work/rows"
    done
}

load_before=$(bench_load)
docker=
! vk_docker_begin || docker=yes
i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    vk_run none "$(inside /etc/inside.conf)" | take 'container'
    # What any filter at all costs: the least that a table can.
    vk_run none "exec vk_probe allowed sh -c '$(inside /etc/inside.conf)'" | take 'a filter of one instruction'
    vk_run unlisted "$(inside /etc/inside.conf)" | take 'all of a virtual kernel but lists of files'
    vk_run full "$(inside /etc/inside.conf)" | take 'all of it'
    busybox sh -c "$(inside "$vk_root/etc/bench.conf")" | take 'host'
    [ -z "$docker" ] || vk_run_docker "$(inside /etc/inside.conf)" | take "docker's default"
    # It is an order away: fewer rounds, and of hackbench a fortieth, multiplied.
    [ $i -gt 2 ] || ! command -v runsc >/dev/null ||
        vk_run_runsc none "$(inside /etc/inside.conf 50)" 2>"$bench_work/runsc.err" | take 'runsc (ptrace)' 40
done

echo "## Virtual kernels: applications"
echo
echo "$(bench_machine); load before: $load_before. Medians of $rounds (least–most), beside the container without one;" \
    "nginx in requests a second, the others in seconds; of runsc two rounds, and a fortieth of hackbench, times 40."
echo
vk_table container nginx pwgen hackbench <"$bench_work/rows"
