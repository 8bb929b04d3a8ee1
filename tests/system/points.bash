# What the tests of updated servers ask of functions/points.c, which listens on PORT.
# shellcheck shell=bash

# The answer to one line, over a connection of its own.
ask() {
    printf '%s\n' "${1-x}" | timeout "${2-10}" bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && cat >&3 && head -1 <&3' "$PORT" 2>/dev/null |
        sed 's,.*\*/ ,,'
}

# How many answers it has given, this one among them.
count() {
    local answer
    answer=$(ask)
    [[ $answer =~ ^one\ ([0-9]+)\ first\  ]] || return 1
    echo "${BASH_REMATCH[1]}"
}

answers() {
    [ "$(ask)" = "$1" ]
}

# again FOLDER: each test goes on with the server that the one before left. A second try has a new one, of this folder.
again() {
    [ "$BATS_TEST_TRY_NUMBER" -gt 1 ] || return 0
    "$VIREO" rm -q points || true
    "$VIREO" deploy -q "$1"
    eventually 10 answers "one 1 first 0"
}

pvm() {
    "$VIREO" ps -o json | jq -r '.[] | select(.function == "points" and .parent == null) | .id'
}
