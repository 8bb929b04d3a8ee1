#!/usr/bin/env bats
# Libraries that were not built here as they are: forged, altered, cut, grown, of another key, with
# a note that lies, changed while they are loaded. Each is refused with one line that says why, and
# the daemon goes on.
load helper
load escape/escape

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-libraries.XXXXXX)
    export WORK
    # Every start makes a new template, which loads the library anew.
    printf 'template:\n  starts: 1\n' >"$WORK/vireo.conf"
    attacks_build
    daemon_start --config "$WORK/vireo.conf"
    mkdir "$WORK/sound"
    printf 'name: sound\nversion: "1"\nisolation: request\n' >"$WORK/sound/vireo.yaml"
    native_deploy sound "$WORK/sound"
    cp "$(library_path sound)" "$WORK/sound.so"
    cp "$BATS_FILE_TMPDIR/sound.elf" "$WORK/sound.elf"
    forge_all
    daemon_stop
    another_all
    daemon_start --config "$WORK/vireo.conf"
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# flip FILE OFFSET: one bit of one byte.
flip() {
    python3 -c 'import sys
f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1)
f.seek(int(sys.argv[2])); f.write(bytes([b[0] ^ 1]))' "$1" "$2"
}

sign() {
    rm -f "$2"
    "$FORGE" sign "${3-$VIREO_STATE/key}" "$1" "$2" >/dev/null
}

# Every forgery as $WORK/bad/NAME.
forge_all() {
    local elf=$WORK/sound.elf so=$WORK/sound.so bad=$WORK/bad size trailer=128 text
    size=$(stat -c %s "$elf")
    mkdir "$bad"
    cp "$elf" "$bad/unsigned"
    sign "$elf" "$bad/other-key" "$WORK/other"
    # Another's signature with this key's name on it: the trailer's 32 bytes from 32 on.
    cp "$bad/other-key" "$bad/borrowed-key"
    chmod u+w "$bad"/*
    dd if="$so" of="$bad/borrowed-key" bs=1 skip=$((size + 32)) seek=$((size + 32)) count=32 \
        conv=notrunc status=none
    # One bit: of the code, of the note's name, of the last byte, of each part of the trailer.
    text=$((0x$(readelf -S -W "$elf" | awk '{sub(/.*\] */, "")} $1 == ".text" {print $4}')))
    for place in "code $text" "header 40" "last $((size - 1))" "size $((size + 24))" \
        "version $((size + 16))" "magic $size" "signature $((size + 64))" \
        "end $((size + trailer - 1))"; do
        install -m 600 "$so" "$bad/flip-${place% *}"
        flip "$bad/flip-${place% *}" "${place#* }"
    done
    head -c $((size + trailer - 1)) "$so" >"$bad/short"
    { cat "$so"; echo; } >"$bad/long"
    { head -c $((size - 4096)) "$so"; tail -c "$trailer" "$so"; } >"$bad/cut"
    { cat "$elf"; head -c 4096 /dev/zero; tail -c "$trailer" "$so"; } >"$bad/stuffed"
    head -c 127 "$so" >"$bad/tiny"
    : >"$bad/empty"
    # Signed by the right key, but nothing that may run.
    head -c $((size - 4096)) "$elf" >"$WORK/part"
    sign "$WORK/part" "$bad/signed-part"
    head -c 100 "$elf" >"$WORK/part"
    sign "$WORK/part" "$bad/signed-stump"
    echo '#!/bin/sh' >"$WORK/part"
    sign "$WORK/part" "$bad/signed-script"
    # Notes that lie.
    native_link sound "$WORK/part" name=another
    sign "$WORK/part" "$bad/note-name"
    native_link sound "$WORK/part" name=note-version version=2
    sign "$WORK/part" "$bad/note-version"
    for lie in abi:4:7 safety:8:XXX kind:24:XXX layout:0:9; do
        cp "$elf" "$WORK/part"
        python3 -c 'import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = data.index(b"vireo\0\0\0") + 8 + int(sys.argv[2])
data[at:at + len(sys.argv[3])] = sys.argv[3].encode()
open(sys.argv[1], "wb").write(data)' "$WORK/part" "$(cut -d: -f2 <<<"$lie")" "$(cut -d: -f3 <<<"$lie")"
        sign "$WORK/part" "$bad/note-${lie%%:*}"
    done
}

# A function for each forgery, named after it, in the registry; the library in the store.
another_all() {
    local file hash
    for file in "$WORK"/bad/*; do
        hash=$(store_library "$file")
        echo "INSERT INTO functions (name, version, library_hash, source_hash, safety, kind, uid,
                created_at, updated_at, manifest)
            SELECT '${file##*/}', version, '$hash', source_hash, safety, kind,
                (SELECT max(uid) + 1 FROM functions), created_at, updated_at,
                replace(manifest, 'name: sound', 'name: ${file##*/}')
            FROM functions WHERE name = 'sound';"
    done >"$WORK/rows.sql"
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript(open(sys.argv[2]).read())
db.close()' "$VIREO_STATE/registry.db" "$WORK/rows.sql"
}

# refuse NAME PATTERN: the call is answered with it, the log has one line of it, and nothing ran.
refuse() {
    local lines=$VIREO_STATE/daemon.log before
    before=$(wc -l <"$lines")
    call "$1" --data-binary 'run c'
    [[ $code == 50? ]] || {
        echo "$1: status $code: $body" >&2
        return 1
    }
    # shellcheck disable=SC2053
    [[ $(jq -r .detail <<<"$body") == "cannot start an instance: "$2 ]] || {
        echo "$1: $body" >&2
        return 1
    }
    [ "$(tail -n +$((before + 1)) "$lines" | grep -c "cannot ")" = 1 ]
}

goes_on() {
    call sound --data-binary 'run c'
    [ "$body" = 42 ]
}

@test "what is not signed, or not to its end, is refused" {
    for name in unsigned flip-magic short long tiny; do
        refuse "$name" 'cannot accept a library: it is not signed'
    done
    refuse flip-version 'cannot accept a library: its signature is of version *'
    for name in cut stuffed flip-size; do
        refuse "$name" 'cannot accept a library: its size is not the one that was signed'
    done
    refuse empty "cannot use library '*': its file is damaged"
    goes_on
}

@test "what another key signed is refused, and so is a borrowed name of a key" {
    refuse other-key 'cannot accept a library: it is signed by another key'
    refuse borrowed-key 'cannot accept a library: it was altered after it was signed'
    goes_on
}

@test "one bit that was changed anywhere is refused" {
    for name in flip-code flip-header flip-last flip-signature flip-end; do
        refuse "$name" 'cannot accept a library: it was altered after it was signed'
    done
    goes_on
}

@test "what is signed but no library is refused" {
    refuse signed-part 'cannot accept a built library: a segment goes on behind the file'
    refuse signed-stump "cannot accept a built library: its segments' table is behind the file"
    refuse signed-script 'cannot accept a built library: it is not an ELF file'
    goes_on
}

@test "a note that lies is refused" {
    refuse note-name "cannot use library '*' for 'note-name': its note says 'another' version '1'"
    refuse note-version "cannot use library '*' for 'note-version': its note says 'note-version' version '2'"
    refuse note-abi "cannot accept a built library: cannot use a library's note: it is for another version of vireo (ABI): build or deploy it again"
    refuse note-safety "cannot accept a built library: cannot use a library's note: it is without a known safety"
    refuse note-kind "cannot accept a built library: cannot use a library's note: it is without a known kind"
    refuse note-layout "cannot accept a built library: cannot use a library's note: it is of another layout: another version of vireo built it, build or deploy it again"
    # Its bytes are those of a library that runs, under its own name only.
    goes_on
}

@test "what stands in a library's place in the store and is no file of its own is refused" {
    place=$(library_path flip-code)
    for kind in link fifo folder device; do
        rm -rf "$place"
        case $kind in
        link) ln -s "$WORK/sound.so" "$place" ;;
        fifo) mkfifo "$place" ;;
        folder) mkdir "$place" ;;
        device) mknod "$place" c 1 5 ;;
        esac
        refuse flip-code "cannot * library '*'*"
    done
    rm -rf "$place"
    refuse flip-code "cannot find library '*' in the store"
    # As large as a library may not be, without taking the room.
    truncate -s 4G "$place"
    refuse flip-code "cannot use library '*': its file is damaged"
    goes_on
}

@test "bytes that change while it is loaded never run" {
    place=$(library_path sound)
    # Code that returns 44 instead of 42, with nothing else changed.
    python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
old, new = bytes([0xb8, 42, 0, 0, 0, 0xc3]), bytes([0xb8, 44, 0, 0, 0, 0xc3])
assert data.count(old) == 1
open(sys.argv[2], "wb").write(data.replace(old, new))' "$WORK/sound.so" "$WORK/evil.so"
    chmod u+w "$place"
    "$FORGE" churn "$place" "$WORK/sound.so" "$WORK/evil.so" 3>&- &
    churner=$!
    before=$(wc -l <"$VIREO_STATE/daemon.log")
    for _ in $(seq 40); do
        call sound --data-binary 'run c'
        case $code:$body in
        200:42) ;;
        50?:*) [[ $(jq -r .detail <<<"$body") == "cannot "* ]] ;;
        *)
            echo "status $code: $body" >&2
            kill "$churner"
            return 1
            ;;
        esac
    done
    kill "$churner"
    wait "$churner" || true
    # The race was run: loads met the other bytes, or half of them, and said so.
    tail -n +$((before + 1)) "$VIREO_STATE/daemon.log" | grep -q 'its file is damaged'
    # Sound again, it is loaded again.
    cp "$WORK/sound.so" "$place"
    eventually 5 goes_on
}
