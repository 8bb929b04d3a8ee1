/* The completion for zsh. */
#include <stdio.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/completion_internal.h"

/* Inside '...[here]': what _arguments would read is escaped, and so is the quote. */
static void zsh_text(const char *text, int length)
{
    for (int i = 0; i < length; i++) {
        if (text[i] == '\'')
            fputs("'\\'", stdout);
        else if (strchr("[]:\\", text[i]))
            putchar('\\');
        putchar(text[i]);
    }
}

static void zsh_place(struct completion_place place)
{
    switch (place.kind) {
    case KIND_WORDS:
        printf("(%s)", place.words);
        break;
    case KIND_FILES:
        printf("_files");
        break;
    case KIND_DIRECTORIES:
        printf("_files -/");
        break;
    case KIND_FUNCTIONS:
        printf("_vireo_functions");
        break;
    case KIND_PVMS:
        printf("_vireo_pvms");
        break;
    case KIND_VERBS:
        printf("_vireo_verbs");
        break;
    default:
        putchar(' ');
    }
}

/* One specification for each option; see _arguments in zshcompsys(1). */
static void zsh_options(const struct cli_verb *verb)
{
    const char *own = verb ? verb->help : "", *global = cli_global_help;
    struct completion_option shown;

    while (completion_verb_option_next(verb, &own, &global, &shown)) {
        bool repeats = memmem(shown.text, (size_t)shown.text_length, "repeatable", 10) != NULL;
        printf(" \\\n        ");
        if (shown.letter && shown.name)
            printf("%s'{-%c%s,%.*s%s}'", repeats ? "'*" : "'", shown.letter, shown.value ? "+" : "",
                   shown.name_length, shown.name, shown.value ? "=" : "");
        else if (shown.name)
            printf("'%s%.*s%s", repeats ? "*" : "", shown.name_length, shown.name,
                   shown.value ? "=" : "");
        else
            printf("'-%c", shown.letter);
        putchar('[');
        zsh_text(shown.text, shown.text_length);
        putchar(']');
        if (shown.value) {
            putchar(':');
            zsh_text(shown.value, shown.value_length);
            putchar(':');
            zsh_place(completion_of_value(&shown));
        }
        putchar('\'');
    }
}

void completion_zsh_print(void)
{
    printf("#compdef vireo\n"
           "# zsh completion of vireo %s; made by: vireo help --complete zsh\n"
           "_vireo_names() {\n"
           "    local -a names where=($before)\n"
           "    [[ -n ${opt_args[--state]} ]] && where=(--state ${opt_args[--state]})\n"
           "    names=(${(f)\"$(vireo -q $where $1 2>/dev/null)\"})\n"
           "    compadd -a names\n"
           "}\n"
           "_vireo_functions() { _vireo_names ls }\n"
           "_vireo_pvms() { _vireo_names ps }\n"
           "_vireo_verbs() {\n"
           "    local -a verbs=(",
           VIREO_VERSION);
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
        printf("\n        '%s:", verb->name);
        zsh_text(verb->summary, (int)strlen(verb->summary));
        putchar('\'');
    }
    printf("\n    )\n"
           "    _describe verb verbs\n"
           "}\n"
           "_vireo() {\n"
           "    local curcontext=$curcontext context state line\n"
           "    typeset -A opt_args\n"
           "    _arguments -C '--version[print the version]' '1:verb:_vireo_verbs' "
           "'*::argument:->argument'");
    zsh_options(NULL);
    /* The options before the verb: what follows has options of its own. */
    printf("\n    [[ $state == argument ]] || return\n"
           "    local -a before\n"
           "    [[ -n ${opt_args[--state]} ]] && before=(--state ${opt_args[--state]})\n"
           "    case $words[1] in\n");
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
        printf("    %s) _arguments", verb->name);
        zsh_options(verb);
        printf(" \\\n        '1:argument:");
        zsh_place(completion_of_first(verb));
        printf("' \\\n        '*:argument:");
        zsh_place(completion_of_rest(verb));
        printf("' ;;\n");
    }
    printf("    esac\n}\n_vireo \"$@\"\n");
}
