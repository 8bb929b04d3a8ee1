/* state, list and ps. */
#include <errno.h>
#include <json-c/json.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/runtime.h"

DEFINE_CLEANUP(struct oci_state, oci_state_close)

static void object_put(struct json_object **object)
{
    json_object_put(*object);
}

static void print_json(struct json_object *object, int how)
{
    printf("%s\n", json_object_to_json_string_ext(object, how | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static pid_t pid_shown(const struct oci_state *state, enum oci_status status)
{
    return status == OCI_STOPPED ? 0 : state->place.pid;
}

int verb_state(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    int r = verb_container(runtime, argc, argv, &state, err);

    if (r < 0)
        return r;
    if (!state->bundle)
        return err_say(err, -ENOENT, "cannot show '%s': its create did not end", state->id);
    enum oci_status status = oci_state_status(state);
    _cleanup_(object_put) struct json_object *object =
        oci_state_json(state, oci_status_name(status), pid_shown(state, status), true);
    print_json(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
    return 0;
}

/* "table" or "json". */
static int read_format(const char *format, bool *ret_json, struct err *err)
{
    *ret_json = format && strcmp(format, "json") == 0;
    if (format && !*ret_json && strcmp(format, "table") != 0)
        return err_say(err, -EINVAL, "cannot print as '%s': there are table and json", format);
    return 0;
}

/* The name by getpwuid_r would pull the name service into a static program: the file will do. */
static void owner_name(uint32_t uid, char *name, size_t size)
{
    char line[512];
    FILE *file = fopen("/etc/passwd", "re");

    snprintf(name, size, "#%u", uid);
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
        if (second && (uint32_t)strtoul(second + 1, NULL, 10) == uid) {
            snprintf(name, size, "%.*s", (int)(colon - line), line);
            break;
        }
    }
    fclosep(&file);
}

static void add_row(struct json_object *rows, const struct oci_state *state, bool json)
{
    enum oci_status status = oci_state_status(state);
    char owner[64];

    owner_name(state->owner, owner, sizeof owner);
    if (json) {
        struct json_object *row =
            oci_state_json(state, oci_status_name(status), pid_shown(state, status), true);
        json_object_object_add(row, "owner", json_object_new_string(owner));
        json_object_array_add(rows, row);
    } else {
        printf("%-24s %-8d %-9s %-40s %-31s %s\n", state->id, pid_shown(state, status),
               oci_status_name(status), state->bundle, state->created, owner);
    }
}

int verb_list(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    bool quiet = false, json = false;
    const char *format = NULL;
    char **words, **ids;
    size_t count;
    const struct verb_option options[] = {
        {.name = "quiet", .letter = 'q', .flag = &quiet},
        {.name = "format", .letter = 'f', .value = &format},
        {NULL},
    };
    int r = verb_options(argc, argv, options, false, 0, 0, &words, err);

    if (r >= 0)
        r = read_format(format, &json, err);
    if (r >= 0)
        r = oci_state_ids(runtime->root, &ids, &count, err);
    if (r < 0)
        return r;
    _cleanup_(object_put) struct json_object *rows = json_object_new_array();
    if (!quiet && !json)
        printf("%-24s %-8s %-9s %-40s %-31s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED",
               "OWNER");
    for (size_t i = 0; i < count; i++) {
        _cleanup_(oci_state_closep) struct oci_state *state = NULL;
        struct err one = {0};
        if (oci_state_open(runtime->root, ids[i], &state, &one) < 0) {
            if (one.code != -ENOENT)
                runtime_report(runtime, "warning", one.message);
        } else if (quiet) {
            printf("%s\n", ids[i]);
        } else if (state->bundle) {
            add_row(rows, state, json);
        } else if (!json) {
            /* A create that ended before it wrote anything: only `delete --force` is left. */
            printf("%-24s %-8d %-9s\n", ids[i], 0, oci_status_name(oci_state_status(state)));
        }
        free(ids[i]);
    }
    free(ids);
    if (json && !quiet)
        print_json(rows, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
    return 0;
}

static bool is_among(const pid_t *pids, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* The lines of ps(1) about these processes; the column PID is found in its head. */
static int filter_ps(char **words, const pid_t *pids, size_t count, struct err *err)
{
    char *standard[] = {"ps", "-ef", NULL}, line[4096];
    int ends[2], column = -1, status;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot run 'ps'");
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        words[0] = "ps";
        execvp("ps", words[1] ? words : standard);
        _exit(127);
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    for (bool head = true; lines && fgets(line, sizeof line, lines); head = false) {
        char copy[sizeof line], *rest = NULL;
        int index = 0;
        strcpy(copy, line);
        for (char *word = strtok_r(copy, " \n", &rest); word;
             word = strtok_r(NULL, " \n", &rest), index++) {
            if (head && strcmp(word, "PID") == 0)
                column = index;
            if (!head && index == column && is_among(pids, count, atoi(word)))
                fputs(line, stdout);
        }
        if (head)
            fputs(line, stdout);
    }
    fclosep(&lines);
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        return err_say(err, -ECHILD, "cannot run 'ps': it failed or is not installed");
    return column < 0 ? err_say(err, -EINVAL, "cannot run 'ps': it shows no column PID") : 0;
}

int verb_ps(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    _cleanup_(freep) pid_t *pids = NULL;
    _cleanup_(object_put) struct json_object *list = NULL;
    const char *format = NULL;
    bool json = false;
    size_t count = 0;
    char **words;
    const struct verb_option options[] = {
        {.name = "format", .letter = 'f', .value = &format},
        {NULL},
    };
    int r = verb_options(argc, argv, options, true, 1, 0, &words, err);

    if (r >= 0)
        r = read_format(format, &json, err);
    if (r >= 0)
        r = oci_state_open(runtime->root, words[0], &state, err);
    if (r >= 0)
        r = oci_launch_pids(&state->place, &pids, &count, err);
    if (r < 0)
        return r;
    if (!json)
        return filter_ps(words, pids, count, err);
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(list, json_object_new_int(pids[i]));
    print_json(list, JSON_C_TO_STRING_PLAIN);
    return 0;
}
