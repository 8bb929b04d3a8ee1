/* vireo logs: what a function wrote to its standard error. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

/* A tenant chose these bytes: on a terminal none of them may be a command to it. */
static int on_piece(const char *data, size_t size, void *user)
{
    const bool *terminal = user;
    _cleanup_(freep) char *safe = NULL;

    if (*terminal) {
        safe = malloc(size);
        if (!safe)
            return -1;
        memcpy(safe, data, size);
        text_make_printable(safe, size, 1);
        data = safe;
    }
    if (fwrite(data, 1, size, stdout) != size || fflush(stdout) != 0)
        return -1;
    return 0;
}

int cli_logs(int argc, char **argv)
{
    bool follow = false;
    const struct cli_option options[] = {
        {.name = "--follow", .letter = 'f', .flag = &follow},
    };
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct http_answer answer = {0};
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("logs",
                         words == 0 ? "it needs a function's name" : "one function at a time");
    _cleanup_(freep) char *target = function_target(argv[1], follow ? "/logs?follow=1" : "/logs");
    if (!target) {
        err_set(&err, -ENOMEM, "cannot read the log of '%s'", argv[1]);
        return cli_error(&err, NULL);
    }
    struct http_request request = {
        .method = "GET", .target = target, .piece = on_piece, .user = &terminal};
    if (http_admin(&request, &answer, &err) < 0)
        return problem_unreachable(&err);
    exit = answer.status == 200 ? CLI_OK : problem_print("read the log of", argv[1], &answer);
    http_answer_clear(&answer);
    return exit;
}
