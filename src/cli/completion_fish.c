/* The completion for fish. */
#include <stdio.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/completion_internal.h"

static void fish_text(const char *text, int length)
{
    putchar('\'');
    for (int i = 0; i < length; i++) {
        if (text[i] == '\'' || text[i] == '\\')
            putchar('\\');
        putchar(text[i]);
    }
    putchar('\'');
}

static void fish_place(struct completion_place place)
{
    switch (place.kind) {
    case KIND_WORDS:
        printf(" -a '%s'", place.words);
        break;
    case KIND_FILES:
        printf(" -F");
        break;
    case KIND_DIRECTORIES:
        printf(" -a '(__fish_complete_directories (commandline -ct))'");
        break;
    case KIND_FUNCTIONS:
        printf(" -a '(__vireo_names ls)'");
        break;
    case KIND_PVMS:
        printf(" -a '(__vireo_names ps)'");
        break;
    case KIND_VERBS:
        printf(" -a '(__vireo_verbs)'");
        break;
    default:
        break;
    }
}

static void fish_options(const char *condition, const struct cli_verb *verb)
{
    const char *own = verb ? verb->help : "", *global = cli_global_help;
    struct completion_option shown;

    while (completion_verb_option_next(verb, &own, &global, &shown)) {
        printf("complete -c vireo %s", condition);
        if (shown.letter)
            printf(" -s %c", shown.letter);
        if (shown.name)
            printf(" -l %.*s", shown.name_length - 2, shown.name + 2);
        if (shown.value) {
            printf(completion_of_value(&shown).kind == KIND_FILES ? " -r" : " -x");
            fish_place(completion_of_value(&shown));
        }
        printf(" -d ");
        fish_text(shown.text, shown.text_length);
        putchar('\n');
    }
}

static void fish_words(const struct cli_verb *verb, const char *where,
                       struct completion_place place)
{
    if (place.kind == KIND_NONE)
        return;
    printf("complete -c vireo -n '__vireo_is %s; and %s'", verb->name, where);
    fish_place(place);
    putchar('\n');
}

void completion_fish_print(void)
{
    char condition[64];

    printf("# fish completion of vireo %s; made by: vireo help --complete fish\n"
           "function __vireo_words\n"
           "    set -l words (commandline -opc)\n"
           "    set -e words[1]\n"
           "    while set -q words[1]\n"
           "        switch $words[1]\n"
           "            case --state --server -o\n"
           "                set -e words[1]\n"
           "            case '-*'\n"
           "            case '*'\n"
           "                echo $words[1]\n"
           "        end\n"
           "        set -e words[1]\n"
           "    end\n"
           "end\n"
           "function __vireo_verb\n"
           "    set -l words (__vireo_words)\n"
           "    set -q words[1]; and echo $words[1]\n"
           "end\n"
           "function __vireo_rest\n"
           "    set -l words (__vireo_words)\n"
           "    set -q words[2]\n"
           "end\n"
           "function __vireo_is\n"
           "    test \"$(__vireo_verb)\" = $argv[1]\n"
           "end\n"
           "function __vireo_names\n"
           "    set -l words (commandline -opc)\n"
           "    set -l where\n"
           "    if set -l at (contains -i -- --state $words)\n"
           "        set where --state $words[(math $at + 1)]\n"
           "    end\n"
           "    vireo -q $where $argv[1] 2>/dev/null\n"
           "end\n"
           "function __vireo_verbs\n",
           VIREO_VERSION);
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        printf("    echo %s\n", verb->name);
    printf(
        "end\ncomplete -c vireo -f\n"
        "complete -c vireo -n 'not __vireo_verb >/dev/null' -l version -d 'print the version'\n");
    fish_options("-n 'not __vireo_verb >/dev/null'", NULL);
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
        printf("complete -c vireo -n 'not __vireo_verb >/dev/null' -a %s -d ", verb->name);
        fish_text(verb->summary, (int)strlen(verb->summary));
        snprintf(condition, sizeof condition, "-n '__vireo_is %s'", verb->name);
        putchar('\n');
        fish_options(condition, verb);
        fish_words(verb, "not __vireo_rest", completion_of_first(verb));
        fish_words(verb, "__vireo_rest", completion_of_rest(verb));
    }
}
