/*
 * vireo vk learn: a run whose system calls are counted, and the smallest table that would have
 * allowed it. Of what `vireo run` takes the calls of its pVM; behind -- any program of this
 * machine.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/vk_learn.h"
#include "vkernel/learn.h"

DEFINE_CLEANUP(struct vk_learned, vk_learned_free)

/* The table, to the file or to standard error: standard output is the program's. */
static int report(const struct vk_learned *learned, const char *what, const char *file, bool flags)
{
    struct err err = {0};
    FILE *out = file ? fopen(file, "we") : stderr;

    if (!out) {
        err_set(&err, -errno, "cannot write '%s'", file);
        return cli_error(&err, NULL);
    }
    vk_learned_print(learned, what, flags, out);
    if (file && fclose(out) != 0) {
        err_set(&err, -errno, "cannot write '%s'", file);
        return cli_error(&err, NULL);
    }
    return CLI_OK;
}

static int learn_program(struct vk_learned *learned, char **argv, int *ret_exit)
{
    struct err err = {0};
    int status = 0;

    /* It and we are one job: who presses ^C means it, and wants the table. */
    signal(SIGINT, SIG_IGN);
    if (vk_learn_program(learned, argv, &status, &err) < 0)
        return cli_error(&err, NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        err_say(&err, -ENOENT, "cannot run '%s': there is no such program", argv[0]);
        return cli_error(&err, NULL);
    }
    *ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return CLI_OK;
}

int vk_learn(int argc, char **argv)
{
    _cleanup_(vk_learned_freep) struct vk_learned *learned = NULL;
    const char *file = NULL;
    bool flags = false, program = false;
    int at = 1, exit = CLI_OK;

    for (; at < argc && argv[at][0] == '-' && !program; at++) {
        if (strcmp(argv[at], "--flags") == 0)
            flags = true;
        else if (strcmp(argv[at], "--to") == 0 && at + 1 < argc)
            file = argv[++at];
        else if (strcmp(argv[at], "--") == 0)
            program = true;
        else
            return cli_usage("vk", "learn has no option '%s': --to FILE and --flags", argv[at]);
    }
    if (at >= argc)
        return cli_usage("vk", "learn needs a file as vireo run does, or -- and a program");
    if (vk_learned_new(&learned) < 0)
        return CLI_BUG;
    int r = program ? learn_program(learned, argv + at, &exit)
                    : run_learn(argc - at + 1, argv + at - 1, learned, &exit);
    if (r != CLI_OK)
        return r;
    r = report(learned, argv[at], file, flags);
    return r != CLI_OK ? r : exit;
}
