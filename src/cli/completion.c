/*
 * Completions for bash, zsh and fish. What a verb takes is read from its row of the table: options
 * from the lines of its help text, the kind of its words from its usage. So whoever writes a verb's
 * help has written its completion.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/completion_internal.h"

/* Values by the name that help texts give them; of another one nothing is known. */
static const struct {
    const char *value;
    struct completion_place place;
} values[] = {
    {"DIR", {KIND_DIRECTORIES, NULL}},
    {"FILE", {KIND_FILES, NULL}},
    {"LIB", {KIND_FILES, NULL}},
    {"HOST[::GUEST]", {KIND_DIRECTORIES, NULL}},
    {"KIND", {KIND_WORDS, "instance request"}},
    {"SAFETY", {KIND_WORDS, "proved sfi container"}},
    {"RUNG", {KIND_WORDS, "proved sfi"}},
    {"WAY", {KIND_WORDS, "stdio http lambda"}},
    {"GRANT", {KIND_WORDS, "fork ipc bpf bpf=host"}},
    {"ORDER", {KIND_WORDS, "cpu calls memory name"}},
    {"FORMAT", {KIND_WORDS, "text json journal"}},
    {"SIGNAL", {KIND_WORDS, "KILL TERM INT HUP USR1 USR2 STOP CONT"}},
    {"KEY", {KIND_FILES, NULL}},
    {"PVM", {KIND_PVMS, NULL}},
    {"SHELL", {KIND_WORDS, "bash zsh fish"}},
    {"METHOD", {KIND_WORDS, "GET HEAD POST PUT PATCH DELETE OPTIONS"}},
    {"json", {KIND_WORDS, "json text"}},
};

struct completion_place completion_of_value(const struct completion_option *shown)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (strlen(values[i].value) == (size_t)shown->value_length &&
            memcmp(values[i].value, shown->value, (size_t)shown->value_length) == 0)
            return values[i].place;
    return (struct completion_place){KIND_NONE, NULL};
}

static bool passes_on(const struct cli_verb *verb)
{
    return verb && verb->run == cli_oci;
}

/* The words that begin the forms of a verb ("get PVM [KEY]", "propose|remove ENTRY"), with spaces
 * between; "" when they begin with something else. Valid until the next call. */
static const char *actions_of(const struct cli_verb *verb)
{
    static char actions[128];
    const char *form = verb->arguments;
    size_t used = 0;

    actions[0] = '\0';
    while (form && islower((unsigned char)*form) && used < sizeof actions) {
        int length = (int)strcspn(form, " |\n");
        if (!memmem(actions, used, form, (size_t)length))
            used += (size_t)snprintf(actions + used, sizeof actions - used, "%s%.*s",
                                     used ? " " : "", length, form);
        if (form[length] == '|') {
            form += length + 1;
        } else {
            form = strchr(form, '\n');
            form = form ? form + 1 : NULL;
        }
    }
    return actions;
}

/* A verb's first word. */
struct completion_place completion_of_first(const struct cli_verb *verb)
{
    static const struct {
        const char *begins;
        enum completion_kind kind;
    } kinds[] = {
        {"NAME", KIND_FUNCTIONS},
        {"PVM", KIND_PVMS},
        {"[VERB", KIND_VERBS},
        {"SRC", KIND_FILES},
        {"[OPTION...] FILE", KIND_FILES},
    };
    const char *actions = actions_of(verb);

    if (*actions)
        return (struct completion_place){KIND_WORDS, actions};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strncmp(verb->arguments, kinds[i].begins, strlen(kinds[i].begins)) == 0)
            return (struct completion_place){kinds[i].kind, NULL};
    return (struct completion_place){KIND_NONE, NULL};
}

/* The words behind it. */
struct completion_place completion_of_rest(const struct cli_verb *verb)
{
    static const char *const files[] = {" SRC", " LIB", " MODULE", "[MODULE"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (strstr(verb->arguments, files[i]))
            return (struct completion_place){KIND_FILES, NULL};
    struct completion_place first = completion_of_first(verb);
    if (first.kind != KIND_WORDS)
        return first;
    return (struct completion_place){strstr(verb->arguments, " PVM") ? KIND_PVMS : KIND_NONE, NULL};
}

static int length_until(const char *text, const char *end)
{
    return (int)strcspn(text, end);
}

/* Reads the option that a line shows; false when it shows none. */
static bool line_parse(const char *line, struct completion_option *ret)
{
    struct completion_option shown = {0};
    const char *at = line + 2;

    if (strncmp(line, "  -", 3) != 0)
        return false;
    if (at[1] != '-') {
        shown.letter = at[1];
        at += 2;
        if (strncmp(at, ", --", 4) == 0)
            at += 2;
    }
    if (strncmp(at, "--", 2) == 0) {
        shown.name = at;
        shown.name_length = length_until(at, " \n");
        at += shown.name_length;
    }
    if (at[0] == ' ' && at[1] != ' ') {
        shown.value = at + 1;
        shown.value_length = length_until(at + 1, " \n");
        at += 1 + shown.value_length;
    }
    at += strspn(at, " ");
    shown.text = at;
    shown.text_length = length_until(at, "\n");
    *ret = shown;
    return shown.letter || shown.name_length > 2;
}

bool completion_option_next(const char **at, struct completion_option *ret)
{
    while (**at) {
        const char *line = *at;
        *at += length_until(line, "\n");
        *at += **at == '\n';
        if (line_parse(line, ret))
            return true;
    }
    return false;
}

/* Whether a help text shows this letter or name already. */
static bool is_shown(const char *help, const struct completion_option *wanted)
{
    struct completion_option shown;

    while (completion_option_next(&help, &shown))
        if ((wanted->letter && shown.letter == wanted->letter) ||
            (wanted->name_length && shown.name_length == wanted->name_length &&
             memcmp(shown.name, wanted->name, (size_t)wanted->name_length) == 0))
            return true;
    return false;
}

bool completion_verb_option_next(const struct cli_verb *verb, const char **own, const char **global,
                                 struct completion_option *ret)
{
    if (completion_option_next(own, ret))
        return true;
    if (passes_on(verb))
        return false;
    while (completion_option_next(global, ret))
        if (!verb || !is_shown(verb->help, ret))
            return true;
    return false;
}

bool cli_completion_print(const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", completion_bash_print},
                  {"zsh", completion_zsh_print},
                  {"fish", completion_fish_print}};

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].print();
            return true;
        }
    }
    return false;
}
