#!/usr/bin/env bats
# Plain programs as native code that an operator's key has signed: main(), the C library's streams,
# files and options, unchanged. What they print is what they print when gcc builds them, and what
# translated code prints.
load helper

# native FOLDER: builds and signs the folder with its vireo.yaml, and deploys the library.
native() {
    local name=${1##*/}
    mkdir -p "$WORK/lib/$name"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$1" -o "$WORK/lib/$name/$name.so"
    grep -v "^sources:" "$1/vireo.yaml" >"$WORK/lib/$name/vireo.yaml"
    "$VIREO" deploy -q "$WORK/lib/$name"
}

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-native-main.XXXXXX)
    export WORK
    mkdir -p "$WORK/any" "$WORK/book"
    echo 'int main(void) { return 0; }' >"$WORK/any/any.c"
    VIREO_STATE=$WORK/signer "$VIREO" build --json --native "$WORK/any" -o "$WORK/any.so" >"$WORK/built.json"
    mkdir -m 777 "$WORK/data"
    chmod 711 "$WORK"
    printf 'keys: {trusted: [%s]}\nallow_grants: {files: ["%s"]}\n' "$(jq -r .signed_by "$WORK/built.json")" "$WORK/data" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    cp "$FUNCTIONS/native_main.c" "$WORK/book"
    printf 'name: book\npool: {instances: 1}\ngrants: {files: [{path: /tmp}], env: {HERE: x}}\n' >"$WORK/book/vireo.yaml"
    native "$WORK/book"
    gcc -w -D_GNU_SOURCE -O2 -o "$WORK/program" "$FUNCTIONS/native_main.c"
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

@test "a function that is nowhere declared is refused when it is built, not when its pointer is cut to 32 bits" {
    mkdir -p "$WORK/undeclared"
    echo 'int main(void) { char *p = nowhere(); return *p; }' >"$WORK/undeclared/main.c"
    run env VIREO_STATE="$WORK/signer" "$VIREO" build -q --native "$WORK/undeclared" -o "$WORK/undeclared.so"
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"implicit declaration of function 'nowhere'"* ]]
    # The C library's own beyond the standard are declared, as they are for translated code.
    echo 'int main(int c, char **v) { char *p; return asprintf(&p, "%s", v[c - 1]) < 0 || !memmem(p, 4, "x", 1); }' |
        cat <(printf '#include <stdio.h>\n#include <string.h>\n') - >"$WORK/undeclared/main.c"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/undeclared" -o "$WORK/undeclared.so"
}

@test "a program of native code says what it is, and runs from its file as gcc's does" {
    [ "$(jq -r '.safety, .kind' "$WORK/built.json" | xargs)" = "native command" ]
    mkdir -p "$BATS_TEST_TMPDIR/tmp"
    export HERE="over there"
    printf 'one\ntwo\nthree\n' >"$BATS_TEST_TMPDIR/in"
    "$WORK/program" -v -q 1 a b <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/expected"
    VIREO_STATE=$WORK/signer "$VIREO" run --dir "$BATS_TEST_TMPDIR/tmp::/tmp" --env HERE="$HERE" \
        "$WORK/lib/book/book.so" -v -q 1 a b <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/said"
    diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/said"
    # Its status is the run's, by exit() and by a trap.
    run bash -c 'echo status | VIREO_STATE=$WORK/signer "$VIREO" run "$WORK/lib/book/book.so"'
    [ "$status" -eq 3 ]
    [[ $output == *"STATUS"*"the end" ]]
    run bash -c 'echo assert | VIREO_STATE=$WORK/signer "$VIREO" run "$WORK/lib/book/book.so" 2>&1'
    [ "$status" -eq 1 ]
    [[ $output == *"Assertion \`lines == 0' failed."*"trap: abort() was called"* ]]
    [[ $output != *"the end"* ]]
}

@test "its standard input is the call's body, its output the answer, its errors the log" {
    printf 'one\ntwo\nthree\n' >"$BATS_TEST_TMPDIR/in"
    HERE=x "$WORK/program" <"$BATS_TEST_TMPDIR/in" 2>/dev/null >"$BATS_TEST_TMPDIR/expected"
    lines() { "$VIREO" logs book | grep -c "read 3 lines"; }
    local before
    before=$(lines) || true
    # Each call finds its variables, files and ends as the first one did.
    for _ in 1 2 3; do
        call book --data-binary "@$BATS_TEST_TMPDIR/in"
        [ "$code" = 200 ]
        diff "$BATS_TEST_TMPDIR/expected" <(echo "$body")
    done
    eventually 5 eval '[ "$(lines)" = $((before + 3)) ]'
    call book --data-binary status
    [ "$code" = 200 ]
    call book --data-binary $'status\n'
    refused_with 502 exit
    call book --data-binary $'assert\n'
    refused_with 502 trap
    eventually 5 eval '"$VIREO" logs book | grep -q "Assertion .lines == 0. failed"'
    # More than fits a buffer, and more than an answer may have.
    yes 'a line of text' | head -c 3000000 >"$BATS_TEST_TMPDIR/long"
    call book --data-binary "@$BATS_TEST_TMPDIR/long"
    [ "$code" = 200 ]
    [[ $body == *"3000000 bytes in 200000 lines"* ]]
}

@test "CGI by native code is what it is by translated code" {
    local safety
    cp -r "$FUNCTIONS/cgi" "$WORK/cgi-native"
    sed -i 's/^name:.*/name: cgi-native/' "$WORK/cgi-native/vireo.yaml"
    native "$WORK/cgi-native"
    cp -r "$FUNCTIONS/cgi" "$WORK/cgi-translated"
    sed -i 's/^name:.*/name: cgi-translated/' "$WORK/cgi-translated/vireo.yaml"
    "$VIREO" deploy -q "$WORK/cgi-translated"
    for safety in native translated; do
        call "cgi-$safety/a%20b?q=1" -d 'some body' -H 'X-Mark: m' -H 'Content-Type: text/odd'
        [ "$code" = 201 ]
        [ "$(header x-own)" = yes ]
        echo "$body" | sed "s/cgi-$safety/cgi/" >"$BATS_TEST_TMPDIR/$safety"
    done
    diff "$BATS_TEST_TMPDIR/native" "$BATS_TEST_TMPDIR/translated"
    grep -q 'PATH_INFO=/a b' "$BATS_TEST_TMPDIR/native"
    grep -q 'body=some body' "$BATS_TEST_TMPDIR/native"
}

@test "what a handler prints is the call's log at once, and it may not print what is the answer" {
    mkdir -p "$WORK/prints"
    printf '%s\n' '#include <stdio.h>' '#include <stdlib.h>' '#include <string.h>' 'static int n;' \
        'long handler(const char *in, size_t bytes, char *out, size_t room)' '{' \
        '    (void)room; printf("printed %d of %.*s\n", ++n, (int)bytes, in);' \
        '    strcpy(out, getenv("HERE")); return (long)strlen(out);' '}' >"$WORK/prints/prints.c"
    printf 'name: prints\npool: {instances: 1}\ngrants: {env: {HERE: there}}\n' >"$WORK/prints/vireo.yaml"
    native "$WORK/prints"
    call prints -d first
    [ "$body" = there ]
    eventually 5 eval '"$VIREO" logs prints | grep -q "printed 1 of first"'
    call prints -d second
    eventually 5 eval '"$VIREO" logs prints | grep -q "printed 2 of second"'
}

@test "streams reach what is granted, and nothing else of the process or the machine" {
    mkdir -p "$WORK/reach"
    cat >"$WORK/reach/reach.c" <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void tried(const char *what, int done)
{
    printf("%s: %s\n", what, done ? "done" : strerror(errno));
}

int main(void)
{
    static const char *const paths[] = {"/etc/passwd", "/proc/self/maps", "/tmp/../etc/passwd",
                                        "/tmp/out", "/dev/null", ""};
    char byte;

    for (int i = 0; i < 6; i++)
        tried(paths[i], fopen(paths[i], "r") != NULL);
    /* Numbers of the process's own: the event, the folder, sockets. */
    for (int fd = 3; fd < 64; fd++)
        if (fdopen(fd, "r+") && read(fd, &byte, 1) >= 0)
            printf("read from %d\n", fd);
    tried("execute", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                         MAP_FAILED);
    tried("map a file", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) != MAP_FAILED);
    tried("mode", fopen("/tmp/x", "q") != NULL);
    fclose(stdout);
    fclose(stdin);
    fprintf(stderr, "still there\n");
    return 0;
}
END
    printf 'name: reach\ngrants: {files: [{path: /tmp}]}\n' >"$WORK/reach/vireo.yaml"
    native "$WORK/reach"
    call reach
    [ "$code" = 200 ]
    diff - <(echo "$body") <<'END'
/etc/passwd: No such file or directory
/proc/self/maps: No such file or directory
/tmp/../etc/passwd: Operation not permitted
/tmp/out: No such file or directory
/dev/null: No such file or directory
: No such file or directory
execute: Permission denied
map a file: No such device
mode: Invalid argument
END
    eventually 5 eval '"$VIREO" logs reach | grep -q "still there"'
}

@test "the working directory, names relative to it and dates are what they are for gcc's program" {
    mkdir -p "$WORK/files" "$BATS_TEST_TMPDIR/gcc"
    cp "$FUNCTIONS/native_files.c" "$WORK/files"
    printf 'name: files\npool: {instances: 1}\ngrants: {files: [{path: /deep/er}], env: {ROOT: /deep/er}}\n' >"$WORK/files/vireo.yaml"
    native "$WORK/files"
    gcc -w -D_GNU_SOURCE -O2 -o "$BATS_TEST_TMPDIR/files" "$FUNCTIONS/native_files.c"
    "$BATS_TEST_TMPDIR/files" "$BATS_TEST_TMPDIR/gcc" >"$BATS_TEST_TMPDIR/expected"
    grep -q '^in /a/b$' "$BATS_TEST_TMPDIR/expected"
    # The second call begins where the first did.
    for _ in 1 2; do
        call files
        [ "$code" = 200 ]
        diff "$BATS_TEST_TMPDIR/expected" <(echo "$body")
    done
}

@test "no working directory leads out of a granted folder: not by .., a symlink, an absolute path, nor a change of it" {
    local data=$WORK/data
    mkdir -p "$WORK/reaches"
    rm -rf "${data:?}"/*
    mkdir -p -m 777 "$data/sub/below" "$data/other"
    chmod 777 "$data/sub"
    echo secret >"$WORK/secret"
    echo inside >"$data/inside"
    ln -s "$WORK" "$data/away"
    ln -s .. "$data/up"
    ln -s ../.. "$data/sub/far"
    ln -s sub/below "$data/link"
    cp "$FUNCTIONS/native_reaches.c" "$WORK/reaches"
    printf 'name: reaches\ngrants: {files: [{path: /www, host: "%s", writable: true}]}\n' "$data" >"$WORK/reaches/vireo.yaml"
    native "$WORK/reaches"
    call reaches
    [ "$code" = 200 ]
    diff - <(echo "$body") <<'END'
.. (Operation not permitted) secret: No such file or directory
/ (/) ../secret: No such file or directory
/ (/) www/inside: inside
/ (/) www/../secret: Operation not permitted
/www/../www (Operation not permitted) ../secret: Operation not permitted
sub/.. (/www) ../secret: Operation not permitted
sub/below (/www/sub/below) ../../../secret: Operation not permitted
sub/below (/www/sub/below) ../../inside: inside
link (/www/link) ../../../secret: Operation not permitted
link/.. (/www/link/..) ../inside: inside
link/.. (/www/link/..) ../../secret: Operation not permitted
away (Operation not permitted) secret: No such file or directory
up (Operation not permitted) secret: No such file or directory
sub/far (Operation not permitted) secret: No such file or directory
away/data (Operation not permitted) inside: inside
/proc/self/cwd (No such file or directory) secret: No such file or directory
/proc/self/root (No such file or directory) etc/passwd: No such file or directory
/proc/self/fd (No such file or directory) 0: No such file or directory
/etc (No such file or directory) passwd: No such file or directory
/wwwx (No such file or directory) secret: No such file or directory
. (/www) /etc/passwd: No such file or directory
. (/www) /proc/self/maps: No such file or directory
rename: done
rename: done
read: Operation not permitted
unlink: Operation not permitted
mkdir: Operation not permitted
long: Filename too long
0 failed, in /www/sub
END
    [ "$(cat "$WORK/secret")" = secret ]
    [ ! -e "$WORK/made" ]
}
