/* What the completions of all shells are made of: read from the table of verbs, for the files of
 * this folder that write them. */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"

/* What may stand in a place: a word of a list, or of a kind. */
enum completion_kind {
    KIND_NONE,
    KIND_WORDS,
    KIND_FILES,
    KIND_DIRECTORIES,
    KIND_FUNCTIONS,
    KIND_PVMS,
    KIND_VERBS,
};

struct completion_place {
    enum completion_kind kind;
    const char *words; /* of KIND_WORDS */
};

/* One line of a help text: "  -d, --data STR         the body". Points into it. */
struct completion_option {
    char letter;                     /* 0: none */
    const char *name, *value, *text; /* "--data", "STR", "the body" */
    int name_length, value_length, text_length;
};

/* What is completed behind an option that takes a value. */
struct completion_place completion_of_value(const struct completion_option *option);
/* What a verb's first word may be, and those behind it. The words of the first are valid until the
 * next call. */
struct completion_place completion_of_first(const struct cli_verb *verb);
struct completion_place completion_of_rest(const struct cli_verb *verb);

/* The next option of a help text; moves *at behind its line. False: there is none any more. */
bool completion_option_next(const char **at, struct completion_option *ret);
/* The next option that a verb takes, or that stands before one (NULL): its own first, then the
 * global ones that it does not hide. *own and *global begin at the two help texts. */
bool completion_verb_option_next(const struct cli_verb *verb, const char **own, const char **global,
                                 struct completion_option *ret);

/* Each prints its shell's completion to standard output. */
void completion_bash_print(void);
void completion_zsh_print(void);
void completion_fish_print(void);
