/* Options: one pass over argv that sorts what is an option from what is a word. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/suggest.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/options.h"

struct cli_globals cli = {
    .state_dir = "/var/lib/vireo",
    .server = "http://127.0.0.1:8080",
};

static const char *output_format;
static bool help_wanted;

static const struct cli_option global_options[] = {
    {.name = "--output", .letter = 'o', .text = &output_format},
    {.name = "--json", .flag = &cli.json},
    {.name = "--quiet", .letter = 'q', .flag = &cli.quiet},
    {.name = "--verbose", .letter = 'v', .flag = &cli.verbose},
    {.name = "--state", .text = &cli.state_dir},
    {.name = "--server", .text = &cli.server},
    {.name = "--help", .letter = 'h', .flag = &help_wanted},
};

void cli_globals_init(void)
{
    const char *state = getenv("VIREO_STATE");
    const char *server = getenv("VIREO_SERVER");

    if (state && *state)
        cli.state_dir = state;
    if (server && *server)
        cli.server = server;
}

int cli_usage(const char *verb, const char *format, ...)
{
    bool known = cli_verb_find(verb) != NULL;
    struct err err = {.code = -EINVAL};
    char next[64];
    va_list args;

    int used =
        known ? snprintf(err.message, sizeof err.message, "cannot %s: ", verb)
              : snprintf(err.message, sizeof err.message, "cannot understand the command line: ");
    va_start(args, format);
    vsnprintf(err.message + used, sizeof err.message - (size_t)used, format, args);
    va_end(args);
    snprintf(next, sizeof next, "vireo %s%s", known ? "help " : "--help", known ? verb : "");
    return cli_error(&err, next);
}

struct parse {
    const char *verb;
    const struct cli_option *own;
    size_t own_count;
};

static const struct cli_option *option_of_letter(const struct parse *parse, char letter)
{
    for (size_t i = 0; i < parse->own_count; i++)
        if (parse->own[i].letter == letter)
            return &parse->own[i];
    for (size_t i = 0; i < ARRAY_LEN(global_options); i++)
        if (global_options[i].letter == letter)
            return &global_options[i];
    return NULL;
}

static bool name_is(const struct cli_option *option, const char *name, size_t length)
{
    return strlen(option->name) == length && memcmp(option->name, name, length) == 0;
}

static const struct cli_option *option_of_name(const struct parse *parse, const char *name,
                                               size_t length)
{
    for (size_t i = 0; i < parse->own_count; i++)
        if (name_is(&parse->own[i], name, length))
            return &parse->own[i];
    for (size_t i = 0; i < ARRAY_LEN(global_options); i++)
        if (name_is(&global_options[i], name, length))
            return &global_options[i];
    return NULL;
}

static int unknown_option(const struct parse *parse, const char *name)
{
    const char *names[64];
    size_t count = 0;

    for (size_t i = 0; i < parse->own_count && count < ARRAY_LEN(names); i++)
        names[count++] = parse->own[i].name;
    for (size_t i = 0; i < ARRAY_LEN(global_options) && count < ARRAY_LEN(names); i++)
        names[count++] = global_options[i].name;
    const char *near = suggest_word(name, names, count);
    if (near)
        return cli_usage(parse->verb, "unknown option '%s' (did you mean '%s'?)", name, near);
    return cli_usage(parse->verb, "unknown option '%s'", name);
}

/* Stores one option's value; 0 or an exit code. */
static int option_store(const struct parse *parse, const struct cli_option *option,
                        const char *value)
{
    if (option->text) {
        *option->text = value;
        return 0;
    }
    if (option->list->count == CLI_LIST_MAX)
        return cli_usage(parse->verb, "'%s' is given more than %d times", option->name,
                         CLI_LIST_MAX);
    option->list->items[option->list->count++] = value;
    return 0;
}

/* argv[*at] is an option: stores it, moves *at past what it took. 0 or an exit code. */
static int option_take(const struct parse *parse, int argc, char **argv, int *at)
{
    const char *word = argv[(*at)++];
    const struct cli_option *option;
    const char *value = NULL;

    if (word[1] == '-') {
        size_t length = strcspn(word, "=");
        option = option_of_name(parse, word, length);
        if (!option)
            return unknown_option(parse, word);
        if (word[length] == '=')
            value = word + length + 1;
    } else {
        option = option_of_letter(parse, word[1]);
        if (!option)
            return unknown_option(parse, word);
        if (word[2] != '\0')
            value = word + 2;
    }

    if (option->flag) {
        if (value)
            return cli_usage(parse->verb, "'%s' takes no value", option->name);
        *option->flag = true;
        return 0;
    }
    if (!value) {
        if (*at >= argc)
            return cli_usage(parse->verb, "'%s' needs a value", word);
        value = argv[(*at)++];
    }
    return option_store(parse, option, value);
}

/* What depends on global options once all are read. 0 or an exit code. */
static int globals_finish(const struct parse *parse)
{
    if (output_format) {
        if (strcmp(output_format, "json") != 0 && strcmp(output_format, "text") != 0)
            return cli_usage(parse->verb, "'-o %s': the formats are json and text", output_format);
        cli.json = strcmp(output_format, "json") == 0;
    }
    if (*cli.state_dir == '\0')
        return cli_usage(parse->verb, "'--state' needs a directory");
    return 0;
}

bool cli_options(int argc, char **argv, const struct cli_option *options, size_t count,
                 unsigned flags, int *ret_words, int *ret_exit)
{
    struct parse parse = {.verb = argv[0], .own = options, .own_count = count};
    bool ended = false;
    int words = 0;

    for (int at = 1; at < argc;) {
        char *word = argv[at];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            at++;
        } else if (!ended && word[0] == '-' && word[1] != '\0') {
            *ret_exit = option_take(&parse, argc, argv, &at);
            if (*ret_exit != 0)
                return false;
        } else {
            argv[1 + words++] = word;
            at++;
            ended |= (flags & CLI_STOP_AT_FIRST) != 0;
        }
    }
    if (1 + words < argc)
        argv[1 + words] = NULL;

    *ret_exit = globals_finish(&parse);
    if (*ret_exit != 0)
        return false;
    if (help_wanted) {
        cli_help_print(argv[0]);
        *ret_exit = CLI_OK;
        return false;
    }
    *ret_words = words;
    return true;
}
