#!/usr/bin/env bats
# What a function does that wants out: machine code of its own behind the wall, as if the translator
# had been beaten. Each attack is run twice: without the wall, where it works, and behind it, where
# it ends as the test says: "syscall" (the filter ended the instance), an error, a crash, a limit.
load helper
load escape/escape

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    SHARE=$(realpath "$(mktemp -d /tmp/vireo-escape.XXXXXX)")
    export SHARE
    chmod 755 "$SHARE"
    mkdir -m 777 "$SHARE/open"
    echo secret >"$SHARE/text"
    echo granted >"$SHARE/open/text"
    ln -s /etc/passwd "$SHARE/open/leak"
    printf 'allow_grants:\n  files:\n    - %s/open\n' "$SHARE" >"$SHARE/vireo.conf"
    attacks_build
    daemon_start --config "$SHARE/vireo.conf"

    mkdir "$BATS_FILE_TMPDIR/base" "$BATS_FILE_TMPDIR/filed"
    printf 'name: base\nlimits:\n  memory: 16MiB\n  timeout: 5s\n' >"$BATS_FILE_TMPDIR/base/vireo.yaml"
    printf 'name: filed\nlimits:\n  timeout: 5s\ngrants:\n  files:\n    - path: /data\n      host: %s/open\n      writable: true\n' \
        "$SHARE" >"$BATS_FILE_TMPDIR/filed/vireo.yaml"
    native_deploy base "$BATS_FILE_TMPDIR/base"
    native_deploy filed "$BATS_FILE_TMPDIR/filed"
    # Somebody else's process, to be attacked.
    sleep 600 3>&- &
    export VICTIM=$!
}

teardown_file() {
    [ -z "${VICTIM-}" ] || kill -KILL "$VICTIM" || true
    daemon_clean
    [ -z "${SHARE-}" ] || rm -rf "$SHARE"
}

setup() {
    need_root
    attacks_load
    attacks=()
}

# A script with the names of system calls, each '@name', as numbers.
script() {
    local word out=
    for word in $1; do
        [[ $word != @* ]] || word=${NR[${word#@}]}
        out+="$word "
    done
    echo "${out% }"
}

# refused OUTSIDE SCRIPT [INSIDE]: without the wall the results match; behind it, at the test's end,
# the filter ends it. INSIDE: another script there, where the first steps would be its end already.
refused() {
    outside "$(script "$2")"
    expect "outside: $2" "$1"
    attacks+=("$(script "${3-$2}")")
}

# Runs what was gathered: every one ends like this.
behind_the_wall() {
    local i
    inside_all base "${attacks[@]}"
    for i in "${!attacks[@]}"; do
        result=${results[i]}
        expect "inside: ${attacks[i]}" "${1-syscall}"
    done
    attacks=()
}

@test "a native guest runs, and its harmless calls work" {
    inside base "$(script 'run c ; @getrandom b 8 0 ; @clock_gettime 0 b')"
    expect harmless '42 8 0'
    outside "$(script 'run c ; @getrandom b 8 0 ; @clock_gettime 0 b')"
    expect harmless '42 8 0'
}

@test "files of the host, /proc of others and control groups can't be opened" {
    refused "[3-9] 6 0"$'\n'secret "@open s:$SHARE/text 0 ; @read \$1 b 6 ; say b 6"
    refused '[3-9]' "@openat -100 s:$SHARE/text 0"
    refused '24 [3-9]' "put b+8 24 ; @openat2 -100 s:$SHARE/text b+64 24"
    refused '[3-9]' "@open s:/proc/$VICTIM/environ 0"
    refused '[3-9]' "@open s:/proc/$VICTIM/mem 2"
    refused '[3-9]' '@open s:/proc/self/cgroup 0'
    refused '[3-9]' '@open s:/sys/fs/cgroup 0'
    refused '[3-9]' '@open_tree -100 s:/ 1'
    refused '[0-9]*' '@readlink s:/proc/self/exe b 64'
    refused 0 '@stat s:/etc/passwd b'
    refused 0 '@access s:/etc/passwd 4'
    refused 0 '@chdir s:/proc'
    refused 0 "@truncate s:$SHARE/text 7"
    refused 0 '@statfs s:/ b'
    behind_the_wall
}

@test "other processes can't be traced, read, written or signalled, nor can it signal itself" {
    stack=0x$(awk '/\[stack\]/ {split($1, a, "-"); print a[1]}' "/proc/$VICTIM/maps")
    vectors="put b b+1024 ; put b+8 8 ; put b+16 $stack ; put b+24 8 ;"
    refused '* 8' "$vectors @process_vm_readv $VICTIM b 1 b+16 1 0"
    refused '* 8' "$vectors @process_vm_writev $VICTIM b 1 b+16 1 0"
    refused 0 "@ptrace 0x4206 $VICTIM 0 0"
    refused 0 "@kill $VICTIM 0"
    refused 0 "@tkill $VICTIM 0"
    refused 0 "@tgkill $VICTIM $VICTIM 0"
    refused '[3-9] 0' "@pidfd_open $VICTIM 0 ; @pidfd_send_signal \$1 0 0 0"
    refused '[3-9] [3-9]' "@pidfd_open $VICTIM 0 ; @pidfd_getfd \$1 1 0" '@pidfd_getfd 3 1 0'
    refused 0 "@setpriority 0 $VICTIM 1"
    refused 0 "@sched_setscheduler $VICTIM 0 b"
    refused '[0-9]*' "@kcmp $VICTIM $VICTIM 1 0 0"
    refused 0 '@kill 0 0'
    refused '[1-9]* 0' '@getpid ; @kill $1 0'
    refused '[1-9]* [1-9]* 0' '@getpid ; @gettid ; @tgkill $1 $2 0' '@tgkill 1 1 0'
    alive "$VICTIM"
    behind_the_wall
}

@test "no mount, no namespace, no other identity" {
    refused 0 '@mount s:none s:/mnt s:tmpfs 0 0'
    refused '[3-9]' '@fsopen s:tmpfs 0'
    refused '[3-9]' '@open_tree -100 s:/ 0'
    refused '0 0' '@mount s:none s:/mnt s:tmpfs 0 0 ; @umount2 s:/mnt 2' '@umount2 s:/ 2'
    refused 0 '@chroot s:/'
    for flag in 0x10000000 0x20000 0x20000000 0x40000000 0x4000000 0x8000000 0x2000000 0x80; do
        refused 0 "@unshare $flag"
    done
    refused '[3-9] 0' '@open s:/proc/self/ns/uts 0 ; @setns $1 0' '@setns 3 0'
    refused 0 '@setuid 0'
    refused 0 '@setresuid 0 0 0'
    refused 0 '@setgroups 0 0'
    refused '* 0 0' 'put b 0x20080522 ; @capget b b+8 ; @capset b b+8' '@capset b b+8'
    refused 0 '@prctl 4 1 0 0 0'
    refused 0 '@prctl 15 s:other 0 0 0'
    refused 0 '@sethostname s:other 5'
    refused '[0-9]*' '@personality 0x400000'
    behind_the_wall
}

@test "no socket of any family" {
    for kind in '1 1' '1 2' '2 1' '2 2' '10 1' '16 3' '17 3'; do
        refused '[3-9]' "@socket $kind 0"
    done
    refused 0 '@socketpair 1 1 0 b'
    behind_the_wall
}

@test "no process beside it: the first step of a fork bomb is its last" {
    refused '*[0-9]*' '@fork'
    refused '*[0-9]*' '@clone 17'
    inside base "$(script @vfork)"
    expect vfork syscall
    # Whoever asks for threads by clone3 is told that there is no such call, and goes on.
    outside "$(script 'put b+32 17 ; @clone3 b 64')"
    expect clone3 '17 *[0-9]*'
    for flags in 0 0x10000000 0x10f00 0x200000000; do
        inside base "$(script "put b $flags ; put b+32 17 ; @clone3 b 88 ; run c")"
        expect clone3 '* -38 42'
    done
    refused '' '@execve s:/bin/true 0 0'
    refused '' '@execveat -100 s:/bin/true 0 0 0'
    behind_the_wall
}

@test "none of the kernel's larger doors: io_uring, bpf, userfaultfd, keys, perf, timers, queues" {
    refused '[3-9]' '@io_uring_setup 8 b'
    refused '[3-9]' '@userfaultfd 1'
    refused '* [3-9]' 'put b 0x400000002 ; put b+8 0x100000004 ; @bpf 0 b 72'
    refused '* [3-9]' 'put b 0x7000000001 ; @perf_event_open b 0 -1 -1 0'
    refused '[1-9]*' '@keyctl 0 -2 1'
    refused '[1-9]*' '@add_key s:user s:vireo-test s:x 1 -1'
    refused 0 '@seccomp 2 0 b'
    refused 0 '@arch_prctl 0x1003 b'
    refused 0 '@arch_prctl 0x1001 b'
    refused '[0-9]*' '@modify_ldt 0 b 64'
    refused 0 '@timer_create 1 0 b'
    refused 0 '@setitimer 0 b 0'
    refused 0 '@alarm 0'
    refused '[3-9]' '@timerfd_create 1 0'
    refused '[3-9]' '@signalfd4 -1 b 8 0'
    refused '[3-9]' '@fanotify_init 0 0'
    refused '[3-9]' '@inotify_init1 0'
    refused '[0-9]*' '@shmget 0 4096 0600'
    refused '[0-9]*' '@msgget 0 0600'
    refused '[0-9]*' '@semget 0 1 0600'
    refused '1 [3-9]' 'put b 1 ; @landlock_create_ruleset b 8 0'
    refused 0 '@sigaltstack 0 b'
    refused '[0-9]*' '@syslog 10 0 0'
    behind_the_wall
}

@test "the other entries of the kernel are shut: 32 bits, x32, the old page of calls" {
    # getpid and write by the 32-bit numbers; x32 may not be built in: then it says so.
    refused '[1-9]*' 'int80 20 0 0 0'
    refused '[0-9]*' 'int80 4 1 b 0'
    refused '-38' '0x40000027'
    refused '-38' '0x40000001 3 b 8'
    outside 'run 0xffffffffff600400'
    expect vsyscall '1[0-9]*'
    inside base 'run 0xffffffffff600400'
    expect vsyscall '@(syscall|crash)'
    behind_the_wall
}

# The calls of the base table, as the documentation has them.
documented() {
    sed -n '/^## Base/,/^## Grants/ s/^| \(`[^|]*\) |.*/\1/p' "$TOP/docs/syscalls.md" | tr -d '`'
}

@test "every number from 0 to 1023 is in the documented table or ends the instance" {
    mapfile -t numbers < <(seq 0 1023)
    # Each has an instance of its own: its predecessor's has ended.
    inside_all base "${numbers[@]/#/run c ; }"

    declare -A allowed
    for name in $(documented); do
        allowed[${NR[$name]}]=$name
    done
    [ "${#allowed[@]}" = 19 ]
    for number in $(seq 0 1023); do
        name=${allowed[$number]-}
        case ${name:-$number}:${results[number]} in
        "$number":syscall) ;;
        # Not there, says the kernel's voice; the program goes on.
        "${NR[clone3]}:42 -38") ;;
        # uretprobe and uprobe, which new kernels let past every filter: they refuse whoever does not
        # come from a probe's own page, by SIGILL or ENXIO.
        335:crash | 336:crash | 336:"42 -6") ;;
        # Without arguments these ask for what is not in their rules.
        write:syscall | mmap:syscall) ;;
        # They end the program, or tear its stack.
        exit:exit | exit_group:exit | rt_sigreturn:crash) ;;
        "$number":*)
            echo "call $number: ${results[number]}" >&2
            return 1
            ;;
        *:'42 '*) ;;
        *)
            echo "$name: ${results[number]}" >&2
            return 1
            ;;
        esac
    done
}

@test "memory can't become code" {
    # Its own code, written anew.
    refused '0 * 43' '@mprotect c 4096 7 ; put c w ; run c'
    refused '0 * 0 43' '@mprotect c 4096 3 ; put c w ; @mprotect c 4096 5 ; run c'
    refused '* * 43' '@mmap 0 4096 7 34 -1 0 ; put $1 w ; run $1'
    refused '* * 0 43' '@mmap 0 4096 3 34 -1 0 ; put $1 w ; @mprotect $1 4096 5 ; run $1'
    refused '* * 0 43' '@mmap 0 4096 3 34 -1 0 ; put $1 w ; @pkey_mprotect $1 4096 5 -1 ; run $1'
    # Over its own code's place; with the high half of a word set, which the kernel does not read.
    refused '* * * 0 43' \
        '@mmap 0 4096 3 34 -1 0 ; put $1 w ; @mremap $1 4096 4096 3 c ; @mprotect c 4096 5 ; run c'
    refused '* * 43' '@mmap 0 4096 0x100000007 34 -1 0 ; put $1 w ; run $1'
    refused '* * * 43' '@personality 0x400000 ; @mmap 0 4096 3 34 -1 0 ; put $2 w ; run $2'
    behind_the_wall
}

@test "what was written is not run: it has no page that is both" {
    # The filter lets it write; the processor refuses.
    local attack
    for attack in '@mprotect c 4096 3 ; put c w ; run c' 'put b w ; run b' \
        '@mmap 0 4096 3 34 -1 0 ; put $1 w ; run $1' \
        '@mmap 0 4096 3 34 -1 0 ; put $1 w ; @mremap $1 4096 4096 3 c ; run c' \
        'put c w'; do
        attacks+=("$(script "$attack")")
    done
    behind_the_wall crash
    # Its own code may lie elsewhere.
    inside base "$(script '@mremap c 4096 4096 3 0x10000000 ; run $1')"
    expect moved '268435456 42'
}

@test "no descriptor becomes memory, and none is what it is not" {
    # As code and as data, private and shared, whatever the descriptor.
    for fd in 0 1 2 3 4 5 63 1023; do
        for how in '1 1' '1 2' '3 1' '3 2' '5 1' '5 2' '7 2'; do
            attacks+=("$(script "@mmap 0 4096 $how $fd 0")")
        done
        [ "$fd" = 3 ] || attacks+=("$(script "@write $fd b 8")")
    done
    # Without the wall the same makes a file's bytes run.
    printf '\xb8\x2b\0\0\0\xc3' >"$SHARE/code"
    outside "$(script "@open s:$SHARE/code 0 ; @mmap 0 4096 5 2 \$1 0 ; run \$2")"
    expect 'mmap of a file' '* 43'
    refused 0 '@read 0 b 8' '@read 3 b 8'
    for use in '@readv 3 b 1' '@pread64 3 b 8 0' '@writev 3 b 1' '@sendto 3 b 8 0 0 0' \
        '@sendmsg 3 b 0' '@recvmsg 3 b 0' '@ioctl 3 0x5421 b' '@fchdir 3' '@openat 3 s:x 0' \
        '@getdents64 3 b 64' '@dup 3' '@dup3 3 9 0' '@fcntl 3 0 0' '@fstat 3 b' '@lseek 3 0 0' \
        '@ftruncate 3 0' '@fchmod 3 0777' '@fchown 3 0 0' '@close 3' '@close_range 0 -1 0' \
        '@splice 3 0 3 0 8 0' '@sendfile 3 3 0 8' '@poll b 1 0' '@ppoll b 0 0 0' '@flock 3 1'; do
        attacks+=("$(script "$use")")
    done
    behind_the_wall
}

@test "a flood of descriptors can't begin" {
    for make in '@eventfd2 0 0' '@pipe2 b 0' '@dup 0' '@epoll_create1 0' '@memfd_create s:x 0'; do
        refused '[0-9]*' "$make" "${make/dup 0/dup 3}"
    done
    behind_the_wall
}

@test "a memory bomb of any kind ends at the memory limit, by its name" {
    # The limit is 16 MiB, and 16 of what is the run time's.
    for how in map brk shared remap tables; do
        outside "memory 4 $how"
        expect "outside: $how" 4
    done
    inside_all base 'memory 4 '{map,brk,shared,remap,tables} 'memory 400 '{map,brk,shared,remap,tables}
    [ "${results[*]}" = '4 4 4 4 4 memory memory memory memory memory' ]
    # A mapping in pieces: either the limit of mappings or that of memory.
    inside base 'memory 1024 pieces'
    expect pieces '@(-12|memory)'
    # Memory of the host's reserve, which no group counts.
    inside base "$(script '@mmap 0 0x200000 3 0x40022 -1 0')"
    expect 'huge pages' syscall
    inside base 'run c'
    expect 'the next call' 42
}

# ---- with a granted directory ----

@test "a granted directory is all that is there of the machine's files" {
    inside filed "$(script '@openat2 4 s:text b+4096 24 ; @read $1 b 7 ; say b 7')"
    expect 'harmless' '[0-9] 7 0'$'\n''granted'
    # ENOENT: no such name in its world. EACCES, EROFS: its empty root is not its own.
    local name names=("s:$SHARE/text" s:/etc/passwd s:/proc/self/status s:/proc/1/mem s:/sys/fs/cgroup
        s:/dev/null s:/data/leak s:/data/../../etc/passwd)
    for name in "${names[@]}"; do
        attacks+=("$(script "@openat2 -100 $name b+4096 24")" "$(script "@newfstatat -100 $name b 0")")
    done
    attacks+=("$(script '@openat2 4 s:leak b+4096 24')" "$(script '@openat2 4 s:../../../etc/passwd b+4096 24')"
        "$(script '@symlinkat s:/proc/self/mem 4 s:later ; @unlinkat 4 s:later 0 ; @openat2 4 s:later b+4096 24')")
    inside_all filed "${attacks[@]}"
    local i
    for i in "${!attacks[@]}"; do
        result=${results[i]}
        expect "${attacks[i]}" '?(0 0 )-2'
    done
    # The root itself, a way to it by a descriptor, and what would be made in it.
    inside_all filed "$(script '@openat2 -100 s:/ b+4096 24')" \
        "$(script 'put b+128 0x200000 ; @openat2 -100 s:/ b+128 24 ; @openat2 $2 s:etc b+4096 24')" \
        "$(script '@mkdirat -100 s:/x 0700')" "$(script '@linkat 4 s:text -100 s:/x 0')" \
        "$(script '@renameat2 4 s:text -100 s:/x 0')" "$(script '@symlinkat s:x -100 s:/x')"
    [[ ${results[*]} == '-13 2097152 '[0-9]' -2 -30 -30 -18 -30' ]] || {
        echo "${results[*]}" >&2
        return 1
    }
}

@test "a granted file's bytes can't be run, and no descriptor lets it out" {
    local write='put b+64 0x42 ; put b+72 0x1c0 ; @openat2 4 s:code b+64 24 ; put b w ; @pwrite64 $3 b 8 0'
    inside filed "$(script "$write")"
    expect 'harmless' '66 448 [0-9] * 8'
    for how in '1 1' '1 2' '3 1' '5 1' '5 2' '7 2'; do
        attacks+=("$(script "$write ; @mmap 0 4096 $how \$3 0 ; run \$6")")
    done
    for use in '@execveat 4 s:code 0 0 0' '@ioctl 4 0x5421 b' '@fchdir 4' '@openat 4 s:text 0' \
        '@sendmsg 4 b 0' '@mknodat 4 s:node 8192 0' '@fchmodat 4 s:code 0777' '@dup 4' \
        '@fchown 4 0 0' '@name_to_handle_at 4 s:text b b+64 0' '@open_by_handle_at 4 b 0' \
        '@inotify_init1 0' '@fanotify_init 0 0' '@flock 4 2' '@memfd_create s:x 0' \
        '@fcntl 4 1030 0' '@fcntl 4 1033 1' '@fcntl 4 1024 1' '@fcntl 4 14 b' '@fcntl 4 38 b' \
        '@fcntl 3 8 1' '@fcntl 4 10 9' '@fcntl 4 1026 4' '@setxattr s:/data/text s:user.x b 1 0'; do
        attacks+=("$(script "$use")")
    done
    inside_all filed "${attacks[@]}"
    local i
    for i in "${!attacks[@]}"; do
        result=${results[i]}
        expect "${attacks[i]}" syscall
    done
    # The flood without the wall: 64 descriptors, as the shell's limit says.
    result=$(ulimit -n 64 && "$BATS_FILE_TMPDIR/outside" "$(script 'again @open s:/ 0')" </dev/null)
    expect 'flood' '[45]?'
    # What it holds: the event and the directory. A flood of more ends at the limit of descriptors.
    inside_all filed "$(script 'each @fcntl 1')" "$(script 'each @fstat b')" \
        "$(script 'each @getdents64 b 4096')" "$(script 'each @openat2 s:/etc/passwd b+4096 24')" \
        "$(script 'each @readlinkat s: b 64')" \
        "$(script 'put b+128 0x200000 ; again @openat2 4 s:. b+128 24 ; @openat2 4 s:. b+128 24')" \
        "$(script '@fcntl 4 0 1023 ; @fcntl 4 0 1024')" 'run c'
    [ "${results[*]}" = '2 2 1 0 0 2097152 1022 -24 -24 -22 42' ] || {
        echo "${results[*]}" >&2
        return 1
    }
}
