/* vireo rm: removes functions and ends their pVMs. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"

static int remove_one(const char *name, const void *user)
{
    _cleanup_(freep) char *target = function_target(name, "");
    struct http_request request = {.method = "DELETE", .target = target};
    struct http_answer answer = {0};
    struct err err = {0};

    (void)user;
    if (!target) {
        err_set(&err, -ENOMEM, "cannot remove '%s'", name);
        return cli_error(&err, NULL);
    }
    if (http_admin(&request, &answer, &err) < 0)
        return problem_unreachable(&err);
    int exit = CLI_OK;
    if (answer.status != 200)
        exit = problem_print("remove", name, &answer);
    else if (!cli.quiet)
        printf("removed %s\n", name);
    http_answer_clear(&answer);
    return exit;
}

int cli_rm(int argc, char **argv)
{
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words == 0)
        return cli_usage("rm", "it needs a function's name");
    return cli_each(words, argv + 1, remove_one, NULL);
}
