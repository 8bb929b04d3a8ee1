/* vireo invoke: calls a function; its answer goes to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/options.h"
#include "cli/problem.h"

struct invoke_options {
    const char *data, *file, *path, *method;
    struct cli_list headers;
};

/* A token of RFC 9110: with anything else in it the request's first line would say another thing.
 */
static bool is_method(const char *text)
{
    static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "!#$%&'*+-.^_`|~";

    return text[0] != '\0' && text[strspn(text, token)] == '\0';
}

/* As it stands in a URL: with a space in it the request's first line would say another thing, and
 * what follows a '#' is never sent. */
static bool is_path(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '#')
            return false;
    return true;
}

/* One byte above the limit is read, so that the daemon's own refusal (413) is what is reported. */
#define BODY_READ_MAX (REQUEST_BODY_MAX_BYTES + 1)

/* All of a descriptor, up to BODY_READ_MAX. */
static int body_read(int fd, const char *where, char **ret_body, size_t *ret_size, struct err *err)
{
    _cleanup_(freep) char *body = malloc(BODY_READ_MAX);

    if (!body)
        return err_set(err, -ENOMEM, "cannot read '%s'", where);
    ssize_t n = fd_read_full(fd, body, BODY_READ_MAX);
    if (n < 0)
        return err_set(err, (int)n, "cannot read '%s'", where);
    *ret_body = steal_ptr(&body);
    *ret_size = (size_t)n;
    return 0;
}

/* The request's body: --data, --file, else standard input unless that is a terminal. */
static int body_get(const struct invoke_options *options, char **ret_body, size_t *ret_size,
                    struct err *err)
{
    if (options->data) {
        *ret_body = strdup(options->data);
        *ret_size = strlen(options->data);
        return *ret_body ? 0 : err_set(err, -ENOMEM, "cannot take --data");
    }
    if (options->file && strcmp(options->file, "-") != 0) {
        _cleanup_(closep) int fd = open(options->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            return err_set(err, -errno, "cannot open '%s'", options->file);
        return body_read(fd, options->file, ret_body, ret_size, err);
    }
    if (!options->file && isatty(STDIN_FILENO))
        return 0;
    return body_read(STDIN_FILENO, "standard input", ret_body, ret_size, err);
}

/* "/function/NAME" and the path behind it, which the user wrote encoded; malloc'ed. */
static char *target_make(const char *name, const char *path)
{
    _cleanup_(freep) char *segment = http_escape(name);
    char *target = NULL;

    if (!segment ||
        asprintf(&target, "/function/%s%s%s", segment,
                 path && path[0] != '/' && path[0] != '?' ? "/" : "", path ? path : "") < 0)
        return NULL;
    return target;
}

static int answer_print(const char *name, const struct http_answer *answer)
{
    if (problem_is(answer))
        return problem_print("invoke", name, answer);
    if (answer->size > 0 && fwrite(answer->body, 1, answer->size, stdout) != answer->size)
        return CLI_FAILED;
    if (cli.verbose)
        fprintf(stderr, "status %d, start %s, %lld.%03lld ms, request %s\n", answer->status,
                *answer->start ? answer->start : "unknown", answer->total_us / 1000,
                answer->total_us % 1000, answer->request_id);
    if (answer->status >= 400) {
        /* The function's own answer, but it says itself that it failed. */
        fflush(stdout);
        fprintf(stderr, "vireo: function '%s' answered with status %d\n", name, answer->status);
        return CLI_FAILED;
    }
    return CLI_OK;
}

int cli_invoke(int argc, char **argv)
{
    struct invoke_options invoke = {.method = "POST"};
    const struct cli_option options[] = {
        {.name = "--data", .letter = 'd', .text = &invoke.data},
        {.name = "--file", .letter = 'f', .text = &invoke.file},
        {.name = "--path", .text = &invoke.path},
        {.name = "--method", .letter = 'X', .text = &invoke.method},
        {.name = "--header", .letter = 'H', .list = &invoke.headers},
    };
    _cleanup_(freep) char *body = NULL;
    struct http_answer answer = {0};
    struct err err = {0};
    size_t body_size = 0;
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    /* `invoke N -`: standard input, said aloud. */
    if (words == 2 && strcmp(argv[2], "-") == 0 && !invoke.file) {
        invoke.file = "-";
        words = 1;
    }
    if (words != 1)
        return cli_usage("invoke",
                         words == 0 ? "it needs a function's name" : "one function at a time");
    if (!is_method(invoke.method))
        return cli_usage("invoke", "'--method %s': a method is one word, as GET", invoke.method);
    if (invoke.path && !is_path(invoke.path))
        return cli_usage("invoke", "'--path %s': it is written as in a URL, a space as %%20",
                         invoke.path);
    if (invoke.data && invoke.file)
        return cli_usage("invoke", "--data and --file exclude each other");

    _cleanup_(freep) char *target = target_make(argv[1], invoke.path);
    if (!target)
        err_set(&err, -ENOMEM, "cannot invoke '%s'", argv[1]);
    if (!target || body_get(&invoke, &body, &body_size, &err) < 0)
        return cli_error(&err, NULL);
    struct http_request request = {
        .method = invoke.method,
        .target = target,
        .headers = invoke.headers.items,
        .header_count = invoke.headers.count,
        .body = body,
        .body_size = body_size,
        .has_body = body && strcmp(invoke.method, "HEAD") != 0,
    };
    if (http_call(&request, &answer, &err) < 0)
        return problem_unreachable(&err);
    exit = answer_print(argv[1], &answer);
    http_answer_clear(&answer);
    return exit;
}
