/* vireo update: a new version of a function, for the pVMs that run too. */
#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

static void report(struct json_object *function, unsigned long long ms)
{
    char time_text[32];
    const char *version = json_text(function, "version", "");

    if (cli.json) {
        puts(json_object_to_json_string_ext(function, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    if (cli.quiet)
        return;
    text_duration(ms, time_text, sizeof time_text);
    printf("updated %s%s%s in %s\n", json_text(function, "name", "?"), version[0] ? " to " : "",
           version, time_text);
    printf("  back: vireo rollback %s\n", json_text(function, "name", "?"));
}

int cli_update(int argc, char **argv)
{
    _cleanup_(freep) char *target = NULL;
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words != 2)
        return cli_usage("update", "it needs a function's name and a source");
    target = function_target(argv[1], "/update");
    const struct deploy_upload upload = {
        .verb = "update",
        .source = argv[2],
        .name = argv[1],
        .target = target,
        .report = report,
    };
    return deploy_upload(&upload);
}
