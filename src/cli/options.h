/* Options of the command line: a verb's own and the global ones, in any order, before and behind
 * the words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Most times that one option may be repeated. */
#define CLI_LIST_MAX 128

struct cli_list {
    const char *items[CLI_LIST_MAX]; /* as in argv; not copied */
    size_t count;
};

/* One option; exactly one of flag, text and list says where it goes. */
struct cli_option {
    const char *name; /* "--memory" */
    char letter;      /* 'm' for -m; 0: none */
    bool *flag;
    const char **text; /* the last one given wins; untouched when not given */
    struct cli_list *list;
};

/* What follows the first word belongs to somebody else (`run FILE ARG...`) and stays as it is. */
#define CLI_STOP_AT_FIRST 1u

/*
 * Reads argv[1..]: "--name value", "--name=value", "-n value", "-nvalue", "--" ends options. What
 * is no option of `options` is looked up among the global ones (a verb's own -o hides the global
 * -o). Words are moved to argv[1..*ret_words], and the element behind them is NULL. Returns true to
 * go on; false when the verb is to return *ret_exit: help was printed, or an error.
 */
bool cli_options(int argc, char **argv, const struct cli_option *options, size_t count,
                 unsigned flags, int *ret_words, int *ret_exit);

/* Global settings from the environment and defaults; once, before any cli_options(). */
void cli_globals_init(void);

/* Says that `verb` was called wrongly, and how to get help; returns CLI_USAGE. */
int cli_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
