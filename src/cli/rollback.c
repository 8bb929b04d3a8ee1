/* vireo rollback: a function's former version again. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

static void report(const struct http_answer *answer, const char *name)
{
    struct json_object *function = json_tokener_parse(answer->body);
    const char *version = json_text(function, "version", "");

    if (cli.json)
        puts(json_object_to_json_string_ext(function, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (!cli.quiet)
        printf("rolled %s back%s%s (library %.12s)\n", name, version[0] ? " to " : "", version,
               json_text(function, "library", "?"));
    json_free(function);
}

int cli_rollback(int argc, char **argv)
{
    struct http_answer answer = {0};
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words != 1)
        return cli_usage("rollback", "it needs one function's name");
    _cleanup_(freep) char *target = function_target(argv[1], "/rollback");
    struct http_request request = {.method = "POST", .target = target};
    if (!target) {
        err_set(&err, -ENOMEM, "cannot roll '%s' back", argv[1]);
        return cli_error(&err, NULL);
    }
    if (http_admin(&request, &answer, &err) < 0)
        return problem_unreachable(&err);
    if (answer.status == 200)
        report(&answer, argv[1]);
    exit = answer.status == 200 ? CLI_OK : problem_print("roll back", argv[1], &answer);
    http_answer_clear(&answer);
    return exit;
}
