#!/usr/bin/env bats
# A daemon on this kernel and these control groups serves: the short pass of it, of which serve.bats is the rest.
load vm

setup_file() {
    need_guest
    prepared_daemon
    prepared_deploy plain
    prepared_deploy single
}

teardown_file() {
    daemon_clean
}

setup() {
    need_guest
}

@test "functions answer, in instances that serve many calls and in one for each" {
    for word in one two three; do
        call plain --data-binary "$word"
        [ "$code:$body" = "200:$word" ]
        call 'single?calls'
        [ "$code:$body" = 200:1 ]
    done
}
