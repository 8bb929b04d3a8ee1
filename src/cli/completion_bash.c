/* The completion for bash. */
#include <stdio.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/completion_internal.h"

static void bash_place(struct completion_place place)
{
    switch (place.kind) {
    case KIND_WORDS:
        printf("_vireo_words '%s'", place.words);
        break;
    case KIND_FILES:
        printf("_vireo_files -f");
        break;
    case KIND_DIRECTORIES:
        printf("_vireo_files -d");
        break;
    case KIND_FUNCTIONS:
        printf("_vireo_words \"$(vireo -q \"${state[@]}\" ls 2>/dev/null)\"");
        break;
    case KIND_PVMS:
        printf("_vireo_words \"$(vireo -q \"${state[@]}\" ps 2>/dev/null)\"");
        break;
    case KIND_VERBS:
        printf("_vireo_words \"$verbs\"");
        break;
    default:
        printf("COMPREPLY=()");
    }
}

/* A case for each option that takes a value: what is completed behind it. */
static void bash_values(const char *verb, const char *help)
{
    struct completion_option shown;

    while (completion_option_next(&help, &shown)) {
        if (!shown.value)
            continue;
        printf("    ");
        if (shown.letter)
            printf("%s:-%c%s", verb, shown.letter, shown.name ? " | " : "");
        if (shown.name)
            printf("%s:%.*s", verb, shown.name_length, shown.name);
        printf(") ");
        bash_place(completion_of_value(&shown));
        printf("; return ;;\n");
    }
}

static void bash_names(const struct cli_verb *verb)
{
    const char *own = verb ? verb->help : "", *global = cli_global_help;
    struct completion_option shown;

    while (completion_verb_option_next(verb, &own, &global, &shown)) {
        if (shown.name)
            printf(" %.*s", shown.name_length, shown.name);
        else
            printf(" -%c", shown.letter);
    }
}

void completion_bash_print(void)
{
    printf("# bash completion of vireo %s; made by: vireo help --complete bash\n"
           "_vireo_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
           "_vireo_files() { compopt -o filenames 2>/dev/null; "
           "mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\"); }\n"
           "_vireo()\n{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local verb= rest= state=() i verbs='",
           VIREO_VERSION);
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        printf("%s%s", verb == cli_verbs ? "" : " ", verb->name);
    printf("'\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "        --state) state=(--state \"${COMP_WORDS[++i]}\") ;;\n"
           "        --server | -o) ((i++)) ;;\n"
           "        -*) ;;\n"
           "        *) [[ -z $verb ]] || rest=1; verb=${verb:-${COMP_WORDS[i]}} ;;\n"
           "        esac\n"
           "    done\n"
           "    case $verb:$before in\n");
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        bash_values(verb->name, verb->help);
    bash_values("*", cli_global_help);
    printf("    esac\n    case $verb:$word in\n    :*) _vireo_words \"$verbs");
    bash_names(NULL);
    printf(" --version\" ;;\n");
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
        printf("    %s:-*) _vireo_words '", verb->name);
        bash_names(verb);
        printf("' ;;\n    %s:*) [[ $rest ]] || { ", verb->name);
        bash_place(completion_of_first(verb));
        printf("; return; }\n        ");
        bash_place(completion_of_rest(verb));
        printf(" ;;\n");
    }
    printf("    esac\n}\ncomplete -F _vireo vireo\n");
}
