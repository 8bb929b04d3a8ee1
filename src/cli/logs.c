/* vireo logs: what a function wrote to its standard error. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

/* More than the longest line that the daemon keeps, each byte of it shown as \xHH. */
#define LINE_MAX_BYTES (64u << 10)

struct output {
    bool terminal;
    /* -o json: what came of a line whose end did not come yet; what is longer is cut. */
    size_t used;
    char line[LINE_MAX_BYTES];
};

/* "TIME INSTANCE TEXT" as an object. */
static int print_object(char *line)
{
    char *instance = strchr(line, ' ');
    char *text = instance ? strchr(instance + 1, ' ') : NULL;

    if (!text)
        return 0;
    *instance++ = '\0';
    *text++ = '\0';
    _cleanup_(json_freep) struct json_object *object = json_object_new_object();
    json_object_object_add(object, "time", json_object_new_string(line));
    json_object_object_add(object, "instance",
                           json_object_new_uint64(strtoull(instance, NULL, 10)));
    json_object_object_add(object, "message", json_object_new_string(text));
    return puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE)) < 0 ? -1
                                                                                            : 0;
}

static int print_objects(struct output *output, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            if (output->used < sizeof output->line - 1)
                output->line[output->used++] = data[i];
            continue;
        }
        output->line[output->used] = '\0';
        output->used = 0;
        if (print_object(output->line) < 0)
            return -1;
    }
    return fflush(stdout) != 0 ? -1 : 0;
}

/* A tenant chose these bytes: on a terminal none of them may be a command to it. */
static int on_piece(const char *data, size_t size, void *user)
{
    struct output *output = user;
    _cleanup_(freep) char *safe = NULL;

    if (cli.json)
        return print_objects(output, data, size);
    if (output->terminal) {
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
    static struct output output; /* large */
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
    output.terminal = isatty(STDOUT_FILENO) == 1;
    struct http_request request = {
        .method = "GET", .target = target, .piece = on_piece, .user = &output};
    if (http_admin(&request, &answer, &err) < 0)
        return problem_unreachable(&err);
    exit = answer.status == 200 ? CLI_OK : problem_print("read the log of", argv[1], &answer);
    http_answer_clear(&answer);
    return exit;
}
