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

/* What may stand in a place: a word of a list, or of a kind. */
enum kind {
    KIND_NONE,
    KIND_WORDS,
    KIND_FILES,
    KIND_DIRECTORIES,
    KIND_FUNCTIONS,
    KIND_PVMS,
    KIND_VERBS,
};

struct place {
    enum kind kind;
    const char *words; /* of KIND_WORDS */
};

/* One line of a help text: "  -d, --data STR         the body". Points into it. */
struct shown {
    char letter;                     /* 0: none */
    const char *name, *value, *text; /* "--data", "STR", "the body" */
    int name_length, value_length, text_length;
};

/* Values by the name that help texts give them; of another one nothing is known. */
static const struct {
    const char *value;
    struct place place;
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

static struct place place_of_value(const struct shown *shown)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (strlen(values[i].value) == (size_t)shown->value_length &&
            memcmp(values[i].value, shown->value, (size_t)shown->value_length) == 0)
            return values[i].place;
    return (struct place){KIND_NONE, NULL};
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
static struct place place_of_first(const struct cli_verb *verb)
{
    static const struct {
        const char *begins;
        enum kind kind;
    } kinds[] = {
        {"NAME", KIND_FUNCTIONS},
        {"PVM", KIND_PVMS},
        {"[VERB", KIND_VERBS},
        {"SRC", KIND_FILES},
        {"[OPTION...] FILE", KIND_FILES},
    };
    const char *actions = actions_of(verb);

    if (*actions)
        return (struct place){KIND_WORDS, actions};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strncmp(verb->arguments, kinds[i].begins, strlen(kinds[i].begins)) == 0)
            return (struct place){kinds[i].kind, NULL};
    return (struct place){KIND_NONE, NULL};
}

/* The words behind it. */
static struct place place_of_rest(const struct cli_verb *verb)
{
    static const char *const files[] = {" SRC", " LIB", " MODULE", "[MODULE"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (strstr(verb->arguments, files[i]))
            return (struct place){KIND_FILES, NULL};
    struct place first = place_of_first(verb);
    if (first.kind != KIND_WORDS)
        return first;
    return (struct place){strstr(verb->arguments, " PVM") ? KIND_PVMS : KIND_NONE, NULL};
}

static int length_until(const char *text, const char *end)
{
    return (int)strcspn(text, end);
}

/* Reads the option that a line shows; false when it shows none. */
static bool line_parse(const char *line, struct shown *ret)
{
    struct shown shown = {0};
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

/* The next option of a help text; moves *at behind its line. */
static bool option_next(const char **at, struct shown *ret)
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
static bool is_shown(const char *help, const struct shown *wanted)
{
    struct shown shown;

    while (option_next(&help, &shown))
        if ((wanted->letter && shown.letter == wanted->letter) ||
            (wanted->name_length && shown.name_length == wanted->name_length &&
             memcmp(shown.name, wanted->name, (size_t)wanted->name_length) == 0))
            return true;
    return false;
}

/* The next option that a verb takes, or that stands before one (NULL): its own first, then the
 * global ones that it does not hide. *own and *global begin at the two help texts. */
static bool verb_option_next(const struct cli_verb *verb, const char **own, const char **global,
                             struct shown *ret)
{
    if (option_next(own, ret))
        return true;
    if (passes_on(verb))
        return false;
    while (option_next(global, ret))
        if (!verb || !is_shown(verb->help, ret))
            return true;
    return false;
}

/* ---- bash ---- */

static void bash_place(struct place place)
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
    struct shown shown;

    while (option_next(&help, &shown)) {
        if (!shown.value)
            continue;
        printf("    ");
        if (shown.letter)
            printf("%s:-%c%s", verb, shown.letter, shown.name ? " | " : "");
        if (shown.name)
            printf("%s:%.*s", verb, shown.name_length, shown.name);
        printf(") ");
        bash_place(place_of_value(&shown));
        printf("; return ;;\n");
    }
}

static void bash_names(const struct cli_verb *verb)
{
    const char *own = verb ? verb->help : "", *global = cli_global_help;
    struct shown shown;

    while (verb_option_next(verb, &own, &global, &shown)) {
        if (shown.name)
            printf(" %.*s", shown.name_length, shown.name);
        else
            printf(" -%c", shown.letter);
    }
}

static void bash_print(void)
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
        bash_place(place_of_first(verb));
        printf("; return; }\n        ");
        bash_place(place_of_rest(verb));
        printf(" ;;\n");
    }
    printf("    esac\n}\ncomplete -F _vireo vireo\n");
}

/* ---- zsh ---- */

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

static void zsh_place(struct place place)
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
    struct shown shown;

    while (verb_option_next(verb, &own, &global, &shown)) {
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
            zsh_place(place_of_value(&shown));
        }
        putchar('\'');
    }
}

static void zsh_print(void)
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
        zsh_place(place_of_first(verb));
        printf("' \\\n        '*:argument:");
        zsh_place(place_of_rest(verb));
        printf("' ;;\n");
    }
    printf("    esac\n}\n_vireo \"$@\"\n");
}

/* ---- fish ---- */

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

static void fish_place(struct place place)
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
    struct shown shown;

    while (verb_option_next(verb, &own, &global, &shown)) {
        printf("complete -c vireo %s", condition);
        if (shown.letter)
            printf(" -s %c", shown.letter);
        if (shown.name)
            printf(" -l %.*s", shown.name_length - 2, shown.name + 2);
        if (shown.value) {
            printf(place_of_value(&shown).kind == KIND_FILES ? " -r" : " -x");
            fish_place(place_of_value(&shown));
        }
        printf(" -d ");
        fish_text(shown.text, shown.text_length);
        putchar('\n');
    }
}

static void fish_words(const struct cli_verb *verb, const char *where, struct place place)
{
    if (place.kind == KIND_NONE)
        return;
    printf("complete -c vireo -n '__vireo_is %s; and %s'", verb->name, where);
    fish_place(place);
    putchar('\n');
}

static void fish_print(void)
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
        fish_words(verb, "not __vireo_rest", place_of_first(verb));
        fish_words(verb, "__vireo_rest", place_of_rest(verb));
    }
}

bool cli_completion_print(const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", bash_print}, {"zsh", zsh_print}, {"fish", fish_print}};

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].print();
            return true;
        }
    }
    return false;
}
