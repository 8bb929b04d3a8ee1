#!/usr/bin/env bats
# What the shells complete, asked of the shells themselves, with a daemon that has functions.

load helper

setup_file() {
    need_root
    daemon_start
    "$VIREO" -q deploy "$FUNCTIONS/tool.c" --name first-function
    "$VIREO" -q deploy "$FUNCTIONS/tool.c" --name other
    "$VIREO" -q invoke other --data x >/dev/null
    PVM=$("$VIREO" -q ps)
    export PVM PATH=$BUILD:$PATH
}

teardown_file() {
    daemon_clean
}

setup() {
    SHELL_DIR=$BATS_TEST_TMPDIR/shell
    mkdir -p "$SHELL_DIR" "$BATS_TEST_TMPDIR/place/folder"
    cd "$BATS_TEST_TMPDIR/place" || return 1
    touch source.c
}

# Each shell_SHELL WORD...: what the shell offers for the last word, one a line.
offers_bash() {
    "$VIREO" help --complete bash >"$SHELL_DIR/vireo.bash"
    bash --norc -c '. "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _vireo vireo "${@: -1}" "${@: -2:1}"
        printf "%s\n" "${COMPREPLY[@]}"' "$SHELL_DIR/vireo.bash" "$@"
}

offers_fish() {
    "$VIREO" help --complete fish >"$SHELL_DIR/vireo.fish"
    HOME=$SHELL_DIR fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' \
        "$SHELL_DIR/vireo.fish" "$*" | cut -f 1
}

# An interactive zsh on a terminal of its own is given the line and a tab; ^G writes what came of it.
offers_zsh() {
    "$VIREO" help --complete zsh >"$SHELL_DIR/_vireo"
    cat >"$SHELL_DIR/.zshrc" <<'END'
fpath=($ZDOTDIR $fpath)
autoload -U compinit
compinit -u -d $ZDOTDIR/dump
setopt no_beep
# All that fits, written into the line.
bindkey '^I' all
zle -C all complete-word _generic
zstyle ':completion:all:*' completer _all_matches _complete
zstyle ':completion:all:*' old-matches false
zstyle ':completion:all:*' insert yes
report() { print -r -- $BUFFER >$ZDOTDIR/out.new; mv $ZDOTDIR/out.new $ZDOTDIR/out; }
zle -N report
bindkey '^G' report
END
    rm -f "$SHELL_DIR/out"
    # shellcheck disable=SC2016 # for zsh
    ZDOTDIR=$SHELL_DIR LINE="$*" timeout 20 zsh -f -c 'zmodload zsh/zpty
        zpty shell "stty rows 50 cols 200; exec zsh -i"
        zpty -w -n shell $LINE$'"'"'\t\a'"'"'
        for ((i = 0; i < 1000; i++)); do
            [[ -e $ZDOTDIR/out ]] && break
            zpty -r -t shell >/dev/null
            sleep 0.01
        done
        zpty -d shell'
    # Words that begin the line stay; what is offered follows, with its slash or equals sign.
    sed 's/\\//g' "$SHELL_DIR/out" | tr ' ' '\n'
}

# offered WORD...: the last offer has each of these, and not what follows "--not".
offered() {
    local wanted=yes word
    for word; do
        if [ "$word" = --not ]; then
            wanted=
        elif [ -n "$wanted" ]; then
            grep -qxE -- "$word[=/]?" <<<"$output" || {
                echo "not offered: '$word'" >&2
                echo "$output" >&2
                return 1
            }
        elif grep -qxE -- "$word[=/]?" <<<"$output"; then
            echo "offered: '$word'" >&2
            return 1
        fi
    done
}

completes() {
    local shell=$1
    command -v "$shell" >/dev/null || skip "$shell is not installed"
    run "offers_$shell" vireo de
    offered deploy describe --not ls help
    run "offers_$shell" vireo deploy --i
    offered --isolation --not --memory
    run "offers_$shell" vireo deploy --isolation ''
    offered instance request --not source.c
    run "offers_$shell" vireo deploy --st
    offered --state --not --isolation
    run "offers_$shell" vireo deploy s
    offered source.c --not serve
    run "offers_$shell" vireo describe ''
    offered first-function other --not source.c
    run "offers_$shell" vireo logs fi
    offered first-function --not other
    run "offers_$shell" vireo --state "$VIREO_STATE" rm o
    offered other --not first-function
    run "offers_$shell" vireo --state /nonexistent rm o
    offered --not other first-function
    run "offers_$shell" vireo serve --state ''
    offered folder --not source.c
    run "offers_$shell" vireo help de
    offered deploy describe --not ls
    run "offers_$shell" vireo update ''
    offered first-function --not source.c
    run "offers_$shell" vireo update other s
    offered source.c --not first-function
    run "offers_$shell" vireo vk ''
    offered get set explain --not source.c
    run "offers_$shell" vireo vk get ''
    offered "$PVM" --not set source.c
    run "offers_$shell" vireo kill ''
    offered "$PVM" --not other
    run "offers_$shell" vireo kill -s T
    offered TERM --not "$PVM"
    run "offers_$shell" vireo top --sort ''
    offered cpu memory --not source.c
    run "offers_$shell" vireo oci --
    offered --not --quiet
    # Every verb, and every long option that a verb's help shows.
    run "offers_$shell" vireo ''
    # shellcheck disable=SC2046 # words
    offered $("$VIREO" help | awk '/^  [a-z]+ +/ {print $1}')
    for verb in run build invoke; do
        run "offers_$shell" vireo $verb --
        # shellcheck disable=SC2046
        offered $("$VIREO" help $verb | sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*\).*/\2/p')
    done
}

@test "bash completes verbs, options, values, files and the daemon's functions" {
    completes bash
}

@test "zsh completes verbs, options, values, files and the daemon's functions" {
    completes zsh
}

@test "fish completes verbs, options, values, files and the daemon's functions" {
    completes fish
}

@test "a shell that there is no completion for is refused" {
    run "$VIREO" help --complete tcsh
    [ "$status" -eq 2 ]
    [[ $output == *"bash, zsh and fish"* ]]
}
