/* Help and the man page, made from the verb table. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/options.h"

/* Verbs that a table may have; the array of names for suggestions is this long. */
#define VERBS_MAX 64

const char cli_global_help[] =
    "  -o json          print JSON, also --json; field names are those of docs/api.md\n"
    "  -q, --quiet      print results only\n"
    "  -v, --verbose    say more, on standard error\n"
    "  --state DIR      the daemon's state, where admin.sock is (VIREO_STATE, /var/lib/vireo)\n"
    "  --server URL     where functions are called (VIREO_SERVER, http://127.0.0.1:8080)\n"
    "  -h, --help       help, also behind a verb\n";

static const struct {
    int code;
    const char *meaning;
} exit_codes[] = {
    {CLI_OK, "done"},
    {CLI_FAILED, "the function or the check failed"},
    {CLI_USAGE, "usage or bad input"},
    {CLI_NOT_FOUND, "not found"},
    {CLI_REFUSED, "refused by policy"},
    {CLI_LIMIT, "a limit was reached"},
    {CLI_UNREACHABLE, "the daemon can't be reached"},
    {CLI_BUG, "a bug of ours"},
};

const struct cli_verb *cli_verb_find(const char *name)
{
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

const char *cli_verb_suggest(const char *name)
{
    const char *names[VERBS_MAX];
    size_t count = 0;

    for (const struct cli_verb *verb = cli_verbs; verb->name && count < VERBS_MAX; verb++)
        names[count++] = verb->name;
    return suggest_word(name, names, count);
}

static void overview_print(void)
{
    printf("vireo runs untrusted functions in sandboxes that start like a process.\n\n"
           "usage: vireo [OPTION...] VERB [ARGUMENT...]\n\n");
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
        printf("  %-10s %s\n", verb->name, verb->summary);
    printf("\noptions of every verb:\n%s\nexit codes:", cli_global_help);
    for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
        printf("%s %d %s",
               i == 0   ? ""
               : i == 5 ? ",\n           "
                        : ",",
               exit_codes[i].code, exit_codes[i].meaning);
    printf("\n\nMore on one verb: vireo help VERB\n");
}

/* Each form of a verb on a line of its own. */
static void usage_print(const struct cli_verb *verb)
{
    const char *form = verb->arguments;

    for (const char *start = "usage: "; form; start = "       ") {
        size_t length = strcspn(form, "\n");
        printf("%svireo %s%s%.*s\n", start, verb->name, length > 0 ? " " : "", (int)length, form);
        form = form[length] == '\n' ? form + length + 1 : NULL;
    }
}

void cli_help_print(const char *verb)
{
    const struct cli_verb *row = cli_verb_find(verb);

    if (!row) {
        overview_print();
        return;
    }
    usage_print(row);
    printf("\n%s\n", row->summary);
    if (*row->help)
        printf("\n%s", row->help);
    if (row->run != cli_oci) /* every word is the runtime's */
        printf("\noptions of every verb:\n%s", cli_global_help);
}

/* Text for roff: backslashes and hyphens escaped, a leading dot or quote hidden. */
static void roff_print(const char *text)
{
    bool line_start = true;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        line_start = *text == '\n';
    }
}

static void man_print(void)
{
    printf(".TH VIREO 1 \"\" \"vireo %s\" \"User Commands\"\n"
           ".SH NAME\nvireo \\- a sandbox runtime for serverless functions\n"
           ".SH SYNOPSIS\n.B vireo\n[\\fIOPTION\\fR...] \\fIVERB\\fR [\\fIARGUMENT\\fR...]\n"
           ".SH DESCRIPTION\nBuilds functions from C or WebAssembly, runs each in a sandbox that "
           "starts\nlike a process, and serves them over HTTP.\n.SH VERBS\n",
           VIREO_VERSION);
    for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
        printf(".SS vireo ");
        roff_print(verb->name);
        putchar(' ');
        for (const char *at = verb->arguments; *at; at++)
            if (*at == '\n')
                fputs(" | ", stdout);
            else
                roff_print((const char[]){*at, '\0'});
        putchar('\n');
        roff_print(verb->summary);
        printf(".\n.PP\n.nf\n");
        roff_print(verb->help);
        printf(".fi\n");
    }
    printf(".SH OPTIONS\n.nf\n");
    roff_print(cli_global_help);
    printf(".fi\n.SH EXIT STATUS\n");
    for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
        printf(".TP\n%d\n%s\n", exit_codes[i].code, exit_codes[i].meaning);
    printf(".SH FILES\n.TP\n/var/lib/vireo\nthe daemon's state, unless \\-\\-state says otherwise\n"
           ".TP\n/var/lib/vireo/admin.sock\nadministration; root and the daemon's own user\n"
           ".TP\n/etc/vireo/config.yaml\nwhat functions may ask for, when the package's service "
           "runs the daemon\n"
           ".SH SEE ALSO\n.BR vireo.yaml (5),\n.BR vireo\\-config (5)\n");
}

int cli_help(int argc, char **argv)
{
    bool man = false;
    const char *complete = NULL;
    const struct cli_option options[] = {
        {.name = "--man", .flag = &man},
        {.name = "--complete", .text = &complete},
    };
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words > 0 && (man || complete))
        return cli_usage("help", "--%s is of all verbs: '%s' is one word too many",
                         man ? "man" : "complete", argv[1]);
    if (man) {
        man_print();
        return CLI_OK;
    }
    if (complete) {
        if (!cli_completion_print(complete))
            return cli_usage("help", "no completion for '%s': there are bash, zsh and fish",
                             complete);
        return CLI_OK;
    }
    if (words == 0) {
        overview_print();
        return CLI_OK;
    }
    if (words > 1)
        return cli_usage("help", "one verb at a time");
    if (!cli_verb_find(argv[1])) {
        const char *near = cli_verb_suggest(argv[1]);
        /* Of no verb: the next step is then the list of them. */
        if (near)
            return cli_usage("", "there is no verb '%s' (did you mean '%s'?)", argv[1], near);
        return cli_usage("", "there is no verb '%s'", argv[1]);
    }
    cli_help_print(argv[1]);
    return CLI_OK;
}
