#!/usr/bin/env bats
# bats file_tags=alone
# The Debian package, in a bare Debian 12 whose PID 1 is systemd: installed, used, restarted,
# upgraded, removed, purged. The tests build on each other, in this order.

load helper
load ../package/machine

setup_file() {
    need_root
    local tool names
    for tool in dh lintian mmdebstrap systemd-nspawn; do
        command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/deps test)"
    done
    DEB=$(JOBS=2 "$TOP/scripts/package" "$BATS_FILE_TMPDIR")
    export DEB
    names=$(dpkg-deb -f "$DEB" Depends | tr ',' '\n' | sed 's/(.*//; s/ //g')
    # shellcheck disable=SC2086 # a list of words
    ROOT=$(machine_root systemd curl python3 $names) || skip "a bare Debian can't be fetched"
    machine_start "$ROOT"
    machine_copy "$DEB" /root/vireo.deb
    mkdir "$BATS_FILE_TMPDIR/source"
    cp -r "$TOP/examples/hello" "$TOP/examples/markdown" "$TOP/examples/invoices" "$BATS_FILE_TMPDIR/source"
    tar -C "$BATS_FILE_TMPDIR/source" -c . | machine_run tar -C /root -x
    everything_there >"$BATS_FILE_TMPDIR/before"
}

teardown_file() {
    machine_stop
}

# Every path of the machine with its owner and mode, and who has accounts and uids. Not what dpkg
# and the journal write about any package.
everything_there() {
    machine_run sh -c 'find / -xdev -path /var/log -prune -o -path /var/lib/dpkg -prune -o \
        -path /var/cache -prune -o -path /tmp -prune -o -path "/root/vireo.deb" -prune -o \
        -printf "%p %u:%g %m %l\n" | sort
        find /run -path /run/systemd -prune -o -path /run/log -prune -o -print | sort
        cat /etc/passwd /etc/group /etc/subuid /etc/subgid'
}

install_it() {
    machine_run dpkg -i /root/vireo.deb >"$BATS_TEST_TMPDIR/dpkg" 2>&1 || {
        cat "$BATS_TEST_TMPDIR/dpkg" >&2
        return 1
    }
}

# property NAME: of the service.
property() {
    machine_run systemctl show vireo -p "$1" --value
}

# supervisor_signal NAME: never to 0, which is everybody.
supervisor_signal() {
    local pid
    pid=$(property MainPID)
    [ "$pid" -gt 1 ] && machine_run sh -c "kill -$1 $pid"
}

hello_answers() {
    [ "$(machine_run curl -s --max-time 5 --data you http://127.0.0.1:8080/function/hello)" = "hello, you" ]
}

# Processes of the machine that are ours.
ours() {
    machine_run sh -c 'for p in /proc/[0-9]*; do
        read -r name <$p/comm 2>/dev/null && case $name in vireo*) echo "$p $name" ;; esac
    done; true'
}

@test "lintian finds nothing" {
    run lintian --allow-root --fail-on error,warning,info "$DEB"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "the package asks for every compiler that a build runs" {
    depends=$(dpkg-deb -f "$DEB" Depends)
    for program in $(grep -rhoE '"/usr/bin/[a-z0-9-]+"' "$TOP/src/build" | tr -d '"' | sort -u); do
        machine_run test -x "$program"
        machine_run dpkg-query -S "$program" "/bin/${program##*/}" 2>/dev/null |
            cut -d: -f1 | sort -u >"$BATS_TEST_TMPDIR/owners"
        # What every Debian has, no package may ask for.
        [ "$(machine_run dpkg-query -W -f '${Essential}' "$(head -n 1 "$BATS_TEST_TMPDIR/owners")")" != yes ] || continue
        # Named itself, not brought along by another package by chance.
        grep -qxF -f <(tr ',' '\n' <<<"$depends" | sed 's/(.*//; s/ //g') "$BATS_TEST_TMPDIR/owners" || {
            echo "no dependency for $program: $(cat "$BATS_TEST_TMPDIR/owners")" >&2
            return 1
        }
    done
}

@test "installing starts a service that says when it is ready" {
    install_it
    [ "$(property ActiveState)" = active ]
    [ "$(property StatusText)" = "serves http://127.0.0.1:8080" ]
    [ "$(property UnitFileState)" = enabled ]
    machine_run curl -s -f -o /dev/null http://127.0.0.1:8080/readyz
    for file in /etc/subuid /etc/subgid; do
        [ "$(machine_run grep -c '^vireo:[0-9]*:65536$' $file)" = 1 ]
    done
    [ "$(machine_run stat -c '%U %a' /var/lib/vireo /var/lib/vireo/admin.sock | sort -u)" = "root 600
root 700" ]
}

@test "systemd finds no mistake in the unit, and less exposed than most" {
    run machine_run systemd-analyze verify --man=no vireo.service
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    # What is left is what a supervisor of sandboxes is there for: it was 5.2 when this was written.
    run machine_run systemd-analyze security --no-pager --threshold=55 vireo.service
    tail -n 1 <<<"$output"
    [ "$status" -eq 0 ]
}

@test "the service has no capability that the unit does not name" {
    pid=$(property MainPID)
    bounding=$(machine_run sed -n 's/^CapBnd:[[:space:]]*//p' "/proc/$pid/status")
    all=$(machine_run sed -n 's/^CapBnd:[[:space:]]*//p' /proc/1/status)
    echo "bounding set: $bounding, of the machine: $all"
    # CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, NET_BIND_SERVICE 10,
    # SYS_CHROOT 18, SYS_PTRACE 19, SYS_ADMIN 21, SYS_NICE 23, SYS_RESOURCE 24
    wanted=$((1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 18 |
        1 << 19 | 1 << 21 | 1 << 23 | 1 << 24))
    [ $((16#$bounding)) = $((wanted & 16#$all)) ]
    [ "$(machine_run sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$pid/status")" = 1 ]
    [ "$(machine_run sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")" = 2 ]
}

@test "functions are deployed and called under the unit's walls" {
    machine_run vireo -q deploy /root/hello --name hello
    hello_answers
    machine_run vireo -q deploy /root/markdown --name markdown --isolation request
    machine_run sh -c 'vireo invoke markdown --file /root/markdown/sample | cmp - /root/markdown/expected'
    # The interpreter's template and its forks, too.
    machine_run vireo -q deploy /root/invoices --name invoices
    machine_run sh -c 'vireo invoke invoices --file /root/invoices/sample | cmp - /root/invoices/expected'
    # Instances live below the unit.
    machine_run sh -c 'find /sys/fs/cgroup -path "*/vireo.service/vireo/*" -name "g[0-9]*"' | grep -q .
}

@test "a function that takes too much memory leaves the service alone" {
    machine_copy "$FUNCTIONS/tool.c" /root/tool.c
    pid=$(property MainPID)
    machine_run vireo -q deploy /root/tool.c --name tool --memory 16MiB
    run machine_run vireo invoke tool --path '?memory' --data x
    echo "$output"
    [ "$status" -eq 5 ]
    [[ $output == *"memory limit 16 MiB reached"* ]]
    hello_answers
    [ "$(property MainPID)" = "$pid" ]
    machine_run vireo rm tool
}

@test "a restart keeps functions, and who calls as soon as it is ready is served" {
    for _ in 1 2 3; do
        # Or systemd would think that it fails too often.
        machine_run systemctl reset-failed vireo
        machine_run systemctl restart vireo
        hello_answers
        machine_run systemctl restart vireo
        machine_run curl -s -f -o /dev/null http://127.0.0.1:8080/readyz
    done
    count=$(machine_run vireo ls -o json | jq length)
    [ "$count" -gt 1 ]
    machine_run journalctl -u vireo --no-pager -o cat | grep -q "ready on http://127.0.0.1:8080 with $count functions"
}

@test "a supervisor that is killed or hangs is started again" {
    started_again() { [ "$(property NRestarts)" -ge "$1" ] && [ "$(property ActiveState)" = active ]; }
    supervisor_signal KILL
    eventually 10 started_again 1
    hello_answers

    machine_run mkdir -p /run/systemd/system/vireo.service.d
    printf '[Service]\nWatchdogSec=1s\n' | machine_run tee /run/systemd/system/vireo.service.d/test.conf >/dev/null
    machine_run systemctl daemon-reload
    machine_run systemctl restart vireo
    before=$(property NRestarts)
    # It gives signs of life as long as it is well.
    sleep 2
    [ "$(property NRestarts)" = "$before" ]
    pid=$(property MainPID)
    supervisor_signal STOP
    is_another() { [ "$(property MainPID)" != "$pid" ] && [ "$(property ActiveState)" = active ]; }
    eventually 15 is_another
    hello_answers
    machine_run rm -r /run/systemd/system/vireo.service.d
    machine_run systemctl daemon-reload
}

@test "options and grants are the operator's: /etc/default/vireo and /etc/vireo/config.yaml" {
    printf 'VIREO_OPTIONS="--listen 127.0.0.1:80"\n' | machine_run tee /etc/default/vireo >/dev/null
    printf 'allow_grants:\n  files:\n    - /srv/public\n' |
        machine_run tee /etc/vireo/config.yaml >/dev/null
    machine_run mkdir -p /srv/public
    machine_run sh -c 'mkdir -p /root/granted && cp /root/hello/hello.c /root/granted'
    printf 'name: granted\ngrants:\n  files:\n    - path: /data\n      host: /srv/public\n' |
        machine_run tee /root/granted/vireo.yaml >/dev/null
    machine_run systemctl restart vireo
    machine_run curl -s -f -o /dev/null http://127.0.0.1:80/readyz
    machine_run vireo -q deploy /root/granted
    [ "$(machine_run curl -s --data you http://127.0.0.1/function/granted)" = "hello, you" ]
    machine_run vireo rm granted
    machine_run rm -r /srv/public /root/granted
}

@test "an upgrade keeps functions, the signing key, the range of uids and what was configured" {
    pid=$(property MainPID)
    key=$(machine_run sha256sum /var/lib/vireo/key)
    range=$(machine_run cat /etc/subuid /etc/subgid)
    install_it
    [ "$(property MainPID)" != "$pid" ]
    [ "$(property ActiveState)" = active ]
    [ "$(machine_run curl -s --data you http://127.0.0.1/function/hello)" = "hello, you" ]
    [ "$(machine_run sha256sum /var/lib/vireo/key)" = "$key" ]
    [ "$(machine_run cat /etc/subuid /etc/subgid)" = "$range" ]
    machine_run grep -q 'allow_grants' /etc/vireo/config.yaml
}

@test "removing stops everything and keeps what is the operator's" {
    machine_run dpkg -r vireo
    [ "$(property ActiveState)" = inactive ]
    [ -z "$(ours)" ]
    machine_run test ! -e /usr/bin/vireo
    machine_run test -e /var/lib/vireo/registry.db
    machine_run test -e /etc/vireo/config.yaml
    machine_run grep -q '^vireo:' /etc/subuid
    [ -z "$(machine_run sh -c 'find /sys/fs/cgroup -name vireo.service -o -path "*/vireo/*" -name "g[0-9]*"')" ]
    # Installed again, it serves them again.
    install_it
    [ "$(machine_run curl -s --data you http://127.0.0.1/function/hello)" = "hello, you" ]
}

@test "after a purge nothing stays" {
    machine_run dpkg -P vireo
    [ -z "$(ours)" ]
    machine_run rm -f /root/tool.c
    everything_there >"$BATS_FILE_TMPDIR/after"
    diff "$BATS_FILE_TMPDIR/before" "$BATS_FILE_TMPDIR/after"
}
