/* vireo link: a library that is deployed, or the file of one, goes into a pVM that runs. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"

/* A path, as against a name, which has neither. */
static bool is_file(const char *library)
{
    const char *end = strrchr(library, '.');

    return strchr(library, '/') || (end && strcmp(end, ".so") == 0);
}

/* The name of PATH/NAME.so; malloc'ed. */
static char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);

    if (length > 3 && strcmp(name + length - 3, ".so") == 0)
        length -= 3;
    return strndup(name, length);
}

static void deployed(struct json_object *library, unsigned long long ms)
{
    (void)ms;
    if (!cli.quiet && !cli.json)
        printf("deployed %s %s\n", json_text(library, "name", "?"),
               json_text(library, "version", ""));
}

/* Has the daemon know the library by its name; an exit code. */
static int deploy_file(const char *path, const char *name)
{
    _cleanup_(freep) char *target = NULL;
    _cleanup_(freep) char *escaped = http_escape(name);

    if (escaped && asprintf(&target, "/system/functions?name=%s", escaped) < 0)
        target = NULL;
    const struct deploy_upload upload = {
        .verb = "deploy", .source = path, .name = name, .target = target, .report = deployed};
    return deploy_upload(&upload);
}

static void show(const char *pvm, struct json_object *answer)
{
    const char *replaced = json_text(answer, "replaced", NULL);
    struct json_object *names = NULL;

    printf(
        replaced ? "updated %s to %s %s in %s in %llu us" : "linked %.0s%s %s into %s in %llu us",
        replaced ? replaced : "", json_text(answer, "library", "?"),
        json_text(answer, "version", ""), pvm, (unsigned long long)json_number(answer, "total_us"));
    if (json_object_object_get_ex(answer, "linked", &names))
        for (size_t i = 1; i < json_object_array_length(names); i++)
            printf("%s%s", i == 1 ? ", with " : ", ",
                   json_object_get_string(json_object_array_get_idx(names, i)));
    putchar('\n');
}

static int link_named(const char *pvm, const char *library, const char *replaces)
{
    _cleanup_(json_freep) struct json_object *answer = NULL;
    _cleanup_(freep) char *escaped = http_escape(library);
    _cleanup_(freep) char *other = http_escape(replaces ? replaces : "");
    _cleanup_(freep) char *rest = NULL;
    struct err err = {0};

    if (!escaped || !other ||
        asprintf(&rest, "/link?library=%s%s%s", escaped, replaces ? "&replaces=" : "", other) < 0) {
        rest = NULL;
        err_set(&err, -ENOMEM, "cannot link '%s'", library);
        return cli_error(&err, NULL);
    }
    _cleanup_(freep) char *target = pvm_target(pvm, rest);
    if (!target) {
        err_set(&err, -ENOMEM, "cannot link '%s'", library);
        return cli_error(&err, NULL);
    }
    int exit = admin_ask("POST", replaces ? "update" : "link into", pvm, target, &answer);
    if (exit == CLI_OK && cli.json)
        puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
    else if (exit == CLI_OK && !cli.quiet)
        show(pvm, answer);
    return exit;
}

int link_library(const char *pvm, const char *library, const char *replaces)
{
    if (!is_file(library))
        return link_named(pvm, library, replaces);
    _cleanup_(freep) char *name = name_of_file(library);
    if (!name)
        return CLI_BUG;
    int exit = deploy_file(library, name);
    return exit == CLI_OK ? link_named(pvm, name, replaces) : exit;
}

int cli_link(int argc, char **argv)
{
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words != 2)
        return cli_usage("link", "it needs a pVM, as vireo ps shows it, and a library");
    return link_library(argv[1], argv[2], NULL);
}
