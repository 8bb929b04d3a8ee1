/* What the daemon answers: JSON that is what it should be, or a problem with its exit code. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/printable.h"
#include "base/suggest.h"
#include "cli/cli.h"
#include "cli/http.h"
#include "cli/problem.h"
#include "cli/table.h"

/* Deepest nesting of an answer that is read. */
#define JSON_DEPTH_MAX 32
/* Most names that a mistyped one is compared with. */
#define SUGGEST_MAX 1024
/* How often a request asks for its turn: some ten minutes. */
#define TURN_TRIES 2000

DEFINE_CLEANUP(struct json_tokener, json_tokener_free)

void json_free(struct json_object *json)
{
    json_object_put(json);
}

/* The whole body as JSON, or NULL. */
static struct json_object *answer_json(const struct http_answer *answer)
{
    _cleanup_(json_tokener_freep) struct json_tokener *tokener =
        json_tokener_new_ex(JSON_DEPTH_MAX);

    if (!tokener || !answer->body || answer->size > HTTP_ANSWER_MAX_BYTES)
        return NULL;
    return json_tokener_parse_ex(tokener, answer->body, (int)answer->size);
}

const char *json_text(struct json_object *object, const char *key, const char *otherwise)
{
    struct json_object *member;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &member) || !member)
        return otherwise;
    return json_object_get_string(member);
}

long long json_number(struct json_object *object, const char *key)
{
    struct json_object *member;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &member))
        return 0;
    return json_object_get_int64(member);
}

bool problem_is(const struct http_answer *answer)
{
    if (answer->status < 400 || strncmp(answer->content_type, "application/problem+json", 24) != 0)
        return false;
    _cleanup_(json_freep) struct json_object *problem = answer_json(answer);
    return json_text(problem, "cause", NULL) && json_text(problem, "detail", NULL);
}

int problem_exit(int status, const char *cause)
{
    static const char *const limits[] = {"memory", "pids", "timeout", "limit", "in-use"};

    for (size_t i = 0; cause && i < ARRAY_LEN(limits); i++)
        if (strcmp(cause, limits[i]) == 0)
            return CLI_LIMIT;
    switch (status) {
    case 400:
    case 405:
    case 409:
    case 422:
        return CLI_USAGE;
    case 404:
        return CLI_NOT_FOUND;
    case 401:
    case 403:
        return CLI_REFUSED;
    case 413:
    case 429:
    case 431:
    case 504:
    case 507:
        return CLI_LIMIT;
    case 503:
        return CLI_UNREACHABLE;
    default:
        return CLI_FAILED;
    }
}

int problem_unreachable(const struct err *err)
{
    if (cli_exit_code(err->code) == CLI_UNREACHABLE || err->code == -ENOENT)
        return cli_error(err, "vireo serve --listen 127.0.0.1:8080 --state DIR, and the same "
                              "--state or --server here");
    if (err->code == -EACCES)
        return cli_error(err, "sudo vireo ..., or as the user that the daemon runs as");
    return cli_error(err, NULL);
}

/* The deployed function with a name like this; malloc'ed, NULL: none. */
static char *suggest_function(const char *name)
{
    struct http_request request = {.method = "GET", .target = "/system/functions"};
    struct http_answer answer = {0};
    const char *names[SUGGEST_MAX];
    size_t count = 0;

    if (http_admin(&request, &answer, NULL) < 0)
        return NULL;
    _cleanup_(json_freep) struct json_object *list =
        answer.status == 200 ? answer_json(&answer) : NULL;
    http_answer_clear(&answer);
    if (!json_object_is_type(list, json_type_array))
        return NULL;
    for (size_t i = 0; i < json_object_array_length(list) && count < ARRAY_LEN(names); i++) {
        const char *other = json_text(json_object_array_get_idx(list, i), "name", NULL);
        if (other && strcmp(other, name) == 0)
            return NULL; /* it is there: what was not found is something of it */
        if (other)
            names[count++] = other;
    }
    const char *near = suggest_word(name, names, count);
    return near ? strdup(near) : NULL;
}

/*
 * One line. The daemon's own messages may begin with what could not be done, as ours do: it is said
 * once. "cannot deploy 'a': ..." is whole, "cannot deploy: ..." lacks the name.
 */
static void print_line(const char *verb, const char *name, const char *detail, const char *near)
{
    char doing[64];
    size_t length = (size_t)snprintf(doing, sizeof doing, "cannot %s", verb);
    bool begins = length < sizeof doing && strncmp(detail, doing, length) == 0;

    fputs("vireo: ", stderr);
    if (begins && strncmp(detail + length, ": ", 2) == 0)
        detail += length + 2;
    if (!begins || strncmp(detail, doing, length) != 0) {
        char shown[256];
        int bytes = name ? (int)printable(shown, sizeof shown, name, strlen(name)) : 0;
        fprintf(stderr, "cannot %s%s%.*s%s: ", verb, name ? " '" : "", bytes, shown,
                name ? "'" : "");
    }
    fputs(detail, stderr);
    if (near)
        fprintf(stderr, " (did you mean '%s'?)", near);
    fputc('\n', stderr);
}

static int print(const char *verb, const char *name, int status, const char *cause,
                 const char *detail)
{
    _cleanup_(freep) char *safe = strdup(detail);
    _cleanup_(freep) char *near =
        status == 404 && name && !strstr(detail, "did you mean") && !strstr(detail, "pVM")
            ? suggest_function(name)
            : NULL;

    if (safe)
        text_make_printable(safe, strlen(safe), 1);
    print_line(verb, name, safe ? safe : "no memory", near);
    if (strstr(detail, "not a pVM's name") || (status == 404 && strstr(detail, "pVM") &&
                                               !strstr(detail, "no such library is deployed"))) {
        fprintf(stderr, "  try: vireo ps\n");
    } else if (strstr(detail, "no entry of the allow-list")) {
        fprintf(stderr, "  try: vireo allow ls\n");
    } else if (strstr(detail, "no former version")) {
        fprintf(stderr, "  try: vireo update %s SRC\n", name ? name : "NAME");
    } else if (status == 404 && name) {
        fprintf(stderr, "  try: vireo ls\n");
    } else if (name && strcmp(verb, "deploy") == 0 && strstr(detail, "has no name")) {
        fprintf(stderr, "  try: vireo deploy %s --name NAME\n", name);
    } else if (status == 502 && name) {
        fprintf(stderr, "  try: vireo logs %s\n", name);
    } else if (status == 429 && strcmp(verb, "invoke") != 0) {
        fprintf(stderr, "  try: again in a moment\n");
    } else if (status == 429) {
        fprintf(stderr, "  try: again, or raise pool: instances in vireo.yaml\n");
    }
    return problem_exit(status, cause);
}

int problem_print_json(const char *verb, const char *name, struct json_object *problem)
{
    return print(verb, name, (int)json_number(problem, "status"), json_text(problem, "cause", ""),
                 json_text(problem, "detail", "the daemon does not say why"));
}

int problem_print(const char *verb, const char *name, const struct http_answer *answer)
{
    char otherwise[64];
    _cleanup_(json_freep) struct json_object *problem = answer_json(answer);

    snprintf(otherwise, sizeof otherwise, "the daemon answered %d", answer->status);
    return print(verb, name, answer->status, json_text(problem, "cause", ""),
                 json_text(problem, "detail", otherwise));
}

/* The daemon has as many requests of this kind as it takes at once. */
static bool others_are_before(const struct http_answer *answer)
{
    if (answer->status != 429)
        return false;
    _cleanup_(json_freep) struct json_object *problem = answer_json(answer);
    const char *detail = json_text(problem, "detail", "");
    return strstr(detail, "other deploys are running") || strstr(detail, "others wait already");
}

int admin_send(const struct http_request *request, void (*on_wait)(void *user), void *user,
               struct http_answer *answer, struct err *err)
{
    /* Those that wait ask at moments of their own. */
    const struct timespec pause = {.tv_nsec = 100000000 + getpid() % 100 * 4000000};

    for (unsigned tries = 1;; tries++) {
        int r = http_admin(request, answer, err);
        if (r < 0 || tries == TURN_TRIES || !others_are_before(answer))
            return r;
        http_answer_clear(answer);
        *answer = (struct http_answer){0};
        if (on_wait)
            on_wait(user);
        nanosleep(&pause, NULL);
    }
}

int admin_ask(const char *method, const char *verb, const char *name, const char *target,
              struct json_object **ret_json)
{
    struct http_request request = {.method = method, .target = target};
    struct http_answer answer = {0};
    struct err err = {0};

    if (admin_send(&request, NULL, NULL, &answer, &err) < 0)
        return problem_unreachable(&err);
    int exit = CLI_OK;
    if (answer.status != 200) {
        exit = problem_print(verb, name, &answer);
    } else {
        *ret_json = answer_json(&answer);
        if (!*ret_json) {
            err_say(&err, -ENOTRECOVERABLE, "cannot %s: the daemon's answer is not JSON", verb);
            exit = cli_error(&err, NULL);
        }
    }
    http_answer_clear(&answer);
    return exit;
}

int admin_get(const char *verb, const char *name, const char *target, struct json_object **ret_json)
{
    return admin_ask("GET", verb, name, target, ret_json);
}

bool admin_list(const char *verb, const char *target, const char *key, const char *when_empty,
                struct json_object **ret_list, int *ret_exit)
{
    struct err err = {0};

    *ret_exit = admin_get(verb, NULL, target, ret_list);
    if (*ret_exit != CLI_OK)
        return false;
    if (!json_object_is_type(*ret_list, json_type_array)) {
        err_say(&err, -ENOTRECOVERABLE, "cannot %s: the answer is not a list", verb);
        *ret_exit = cli_error(&err, NULL);
        return false;
    }
    size_t count = json_object_array_length(*ret_list);
    if (cli.json) {
        puts(json_object_to_json_string_ext(*ret_list, JSON_C_TO_STRING_PRETTY |
                                                           JSON_C_TO_STRING_NOSLASHESCAPE));
        return false;
    }
    for (size_t i = 0; i < count && cli.quiet; i++)
        puts(json_text(json_object_array_get_idx(*ret_list, i), key, "?"));
    if (count == 0 && !cli.quiet)
        fprintf(stderr, "%s\n", when_empty);
    return count > 0 && !cli.quiet;
}

static char *page_target(const char *page, const char *name, const char *rest)
{
    _cleanup_(freep) char *segment = http_escape(name);
    char *target = NULL;

    if (!segment || asprintf(&target, "/system/%s/%s%s", page, segment, rest) < 0)
        return NULL;
    return target;
}

char *function_target(const char *name, const char *rest)
{
    return page_target("functions", name, rest);
}

char *pvm_target(const char *name, const char *rest)
{
    return page_target("pvms", name, rest);
}
