# What the tests of families share: words for a function and its answer, its pVM, the daemon's
# counters, and UNIX programs that say the same as a function.
# shellcheck shell=bash

# ask NAME WORDS: the answer is in body.
ask() {
    call "$1" --data-binary "$2"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

# The first instance of a function, by its name; nothing when it has none.
root_of() {
    "$VIREO" ps -o json |
        jq -r --arg name "$1" '[.[] | select(.function == $name and .parent == null)][0].id // empty'
}

metric() {
    admin GET /metrics | awk -v name="$1" '$1 == name {print $2}'
}

# unix_says SOURCE [FLAG...]: what the program says when gcc has built it is kept for as_unix.
unix_says() {
    gcc -w -pthread "${@:2}" -o "$BATS_TEST_TMPDIR/program" -x c "$1"
    timeout 30 setsid -w "$BATS_TEST_TMPDIR/program" >"$BATS_TEST_TMPDIR/expected"
}

# as_unix NAME [COMMAND]: the function says just that, twice, each time after the command.
as_unix() {
    local i
    for i in 1 2; do
        "${@:2}"
        ask "$1" ''
        diff "$BATS_TEST_TMPDIR/expected" <(echo "$body")
    done
}
