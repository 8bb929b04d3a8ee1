#!/usr/bin/env bats
# Images of functions in containers: where they are unpacked, and one that is damaged in the store.
load helper
load engines

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    ROOTFS=$(mktemp -d /tmp/vireo-test-rootfs.XXXXXX)
    export ROOTFS
    engine_rootfs "$ROOTFS"
    chmod 755 "$ROOTFS"
    daemon_start
}

teardown_file() {
    daemon_clean
    rm -rf "${ROOTFS-}"
}

setup() {
    need_root
}

# The type of the root's file system, the length of a file, and what else the image has there.
LOOK='awk "\$5 == \"/\"" /proc/self/mountinfo | sed "s/.* - \([^ ]*\) .*/\1/"; wc -c </large; ls /; grep -c localhost /etc/hosts'

@test "a small image lies in memory; one that is small when packed alone, on the disk, whole" {
    : >"$ROOTFS/large"
    "$VIREO" deploy "$ROOTFS" --name small -q -- sh -c "$LOOK"
    call small -d x
    local small=$body
    echo "$small"
    [ "$(head -n 2 <<<"$small" | xargs)" = "tmpfs 0" ]
    [ "$(tail -n 1 <<<"$small")" = 1 ]
    [ -z "$(find "$VIREO_STATE"/containers -mindepth 2)" ]
    head -c 20000000 /dev/zero >"$ROOTFS/large"
    "$VIREO" deploy "$ROOTFS" --name large -q -- sh -c "$LOOK"
    call large -d x
    echo "$body"
    [ "$(sed -n 2p <<<"$body")" = 20000000 ]
    [ "$(tail -n +3 <<<"$body")" = "$(tail -n +3 <<<"$small")" ]
    [ -n "$(find "$VIREO_STATE"/containers -name large -size 20000000c)" ]
    "$VIREO" rm large
    eventually 10 sh -c '[ -z "$(find "$VIREO_STATE"/containers -name large)" ]'
}

@test "an image that is small when packed is packed to be unpacked quickly; a larger one as small as before" {
    local quick best
    echo 12345 >"$ROOTFS/large"
    "$VIREO" deploy "$ROOTFS" --name packed -q -- sh -c "$LOOK"
    call packed -d x
    [ "$(sed -n 1,2p <<<"$body" | xargs)" = "tmpfs 6" ]
    quick=$(stat -c %s "$VIREO_STATE/store/lib/$("$VIREO" describe -o json packed | jq -r .library).so")
    # The same and 3 MiB that can't be packed smaller: all of it at the better level.
    head -c 3145728 /dev/urandom >"$ROOTFS/random"
    "$VIREO" deploy "$ROOTFS" --name packed -q -- sh -c "$LOOK"
    call packed -d x
    [ "$(sed -n 2p <<<"$body")" = 6 ]
    best=$(stat -c %s "$VIREO_STATE/store/lib/$("$VIREO" describe -o json packed | jq -r .library).so")
    best=$((best - 3145728))
    echo "$quick beside $best"
    [ "$quick" -lt 2097152 ] && [ "$best" -gt 0 ]
    [ $((quick * 100)) -gt $((best * 110)) ]
    rm "$ROOTFS/random"
}

@test "an image that is damaged in the store is told, and none of it runs" {
    daemon_there
    local image
    "$VIREO" deploy "$ROOTFS" --name marred -q -- sh -c 'echo ran'
    call marred -d x
    [ "$code $body" = "200 ran" ]
    image=$VIREO_STATE/store/lib/$("$VIREO" describe -o json marred | jq -r .library).so
    [ -s "$image" ]
    daemon_stop
    # Behind the tar's end: what would be unpacked is as proper as before.
    printf x >>"$image"
    daemon_start
    for _ in 1 2; do
        call marred -d x
        refused_with 502 start
        [[ $body == *"its file is damaged"* ]]
    done
    eventually 10 sh -c '[ "$(pgrep -c -P "$VIREO_DAEMON" vireo-contain)" = "$(curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/metrics | sed -n "s/^vireo_container_spares //p")" ]'
    eventually 10 sh -c '[ "$(ls "$VIREO_STATE/containers" | wc -l)" = "$(pgrep -c -P "$VIREO_DAEMON" vireo-contain)" ]'
}
