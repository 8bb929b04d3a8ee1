/* vireo update: a new version of a function, for the pVMs that run too. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
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
    struct json_object *update = NULL;
    json_object_object_get_ex(function, "update", &update);
    if (json_number(update, "pvms") > 0)
        printf("%lld pVM%s with it: %lld us in all, at most %lld us stood still\n",
               json_number(update, "pvms"),
               json_number(update, "pvms") == 1 ? " goes on" : "s go on",
               json_number(update, "total_us"), json_number(update, "stopped_us"));
    printf("updated %s%s%s in %s\n", json_text(function, "name", "?"), version[0] ? " to " : "",
           version, time_text);
    printf("  back: vireo rollback %s\n", json_text(function, "name", "?"));
}

int cli_update(int argc, char **argv)
{
    const char *canary = NULL, *pvm = NULL;
    const struct cli_option options[] = {{.name = "--canary", .text = &canary},
                                         {.name = "--pvm", .text = &pvm}};
    _cleanup_(freep) char *page = NULL;
    _cleanup_(freep) char *target = NULL;
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (pvm && (words != 2 || canary))
        return cli_usage("update",
                         "--pvm needs two libraries: the new one, and the one it replaces");
    if (pvm)
        return link_library(pvm, argv[1], argv[2]);
    if (words != 2)
        return cli_usage("update", "it needs a function's name and a source");
    if (canary) {
        char *end;
        long count = strtol(canary, &end, 10);
        if (*end || end == canary || count < 1 || count > 1024)
            return cli_usage("update", "'--canary %s': it must be a number of pVMs", canary);
    }
    page = function_target(argv[1], "/update");
    if (page &&
        asprintf(&target, "%s%s%s", page, canary ? "?canary=" : "", canary ? canary : "") < 0)
        target = NULL;
    const struct deploy_upload upload = {
        .verb = "update",
        .source = argv[2],
        .name = argv[1],
        .target = target,
        .report = report,
    };
    return deploy_upload(&upload);
}
