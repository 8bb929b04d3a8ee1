#!/usr/bin/env bash
# A journald of its own and a daemon whose standard error it is said to read; what the daemon told it
# goes to DIR/journal.json. In a mount namespace of its own: unshare -m journal.sh DIR
set -euo pipefail
# shellcheck source=tests/system/helper.bash
. "$(dirname "$0")/helper.bash"
dir=$1
mount --make-rprivate /
mkdir -p /run/log
mount -t tmpfs tmpfs /run/log
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/journal /run/log/journal
if [ ! -s /etc/machine-id ]; then
    head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/machine-id"
    echo >>"$dir/machine-id"
    mount --bind "$dir/machine-id" /etc/machine-id
fi
mkdir "$dir/state"
/lib/systemd/systemd-journald >/dev/null 2>&1 3>&- &
journald=$!
pid=
finish() {
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true
    [ -z "$pid" ] || wait "$pid" || true
    kill -TERM "$journald" 2>/dev/null || true
    wait "$journald" 2>/dev/null || true
}
trap finish EXIT
eventually 10 test -S /run/systemd/journal/socket

port=$(free_port)
: >"$dir/journal.err"
JOURNAL_STREAM=$(stat -c %d:%i "$dir/journal.err") "$VIREO" serve --listen "127.0.0.1:$port" \
    --state "$dir/state" 2>>"$dir/journal.err" 3>&- &
pid=$!
eventually 15 curl -sf -o /dev/null "http://127.0.0.1:$port/readyz"
VIREO_STATE=$dir/state "$VIREO" deploy "$FUNCTIONS/burn.c" --name burn >/dev/null
curl -s -o /dev/null -H 'X-Request-Id: journal-1' "http://127.0.0.1:$port/function/burn?say"
curl -s -o /dev/null -H 'X-Request-Id: journal-2' "http://127.0.0.1:$port/function/burn?trap"
messages() {
    journalctl -D /run/log/journal/* -o json --no-pager SYSLOG_IDENTIFIER=vireo >"$dir/journal.json" 2>/dev/null &&
        grep -q '"REQUEST_ID":"journal-2"' "$dir/journal.json"
}
eventually 10 messages
