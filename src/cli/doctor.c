/* vireo doctor: what this kernel offers, and which mechanism each part takes. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"

DEFINE_CLEANUP(struct table, table_free)

static const char *const status_names[] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_FALLBACK] = "fallback",
    [DOCTOR_MISSING] = "missing",
    [DOCTOR_REQUIRED] = "required",
};

struct doctor {
    struct table *table;
    struct json_object *list;
    unsigned counts[ARRAY_LEN(status_names)];
};

void doctor_line(struct doctor *doctor, enum doctor_status status, const char *part,
                 const char *mechanism, const char *detail, ...)
{
    char text[512];
    va_list args;

    va_start(args, detail);
    vsnprintf(text, sizeof text, detail, args);
    va_end(args);
    doctor->counts[status]++;

    const char *const cells[] = {status_names[status], part, mechanism, text};
    table_row(doctor->table, cells);
    struct json_object *line = json_object_new_object();
    json_object_object_add(line, "part", json_object_new_string(part));
    json_object_object_add(line, "status", json_object_new_string(status_names[status]));
    json_object_object_add(line, "mechanism", json_object_new_string(mechanism));
    json_object_object_add(line, "detail", json_object_new_string(text));
    json_object_array_add(doctor->list, line);
}

int doctor_try(int (*attempt)(const void *argument), const void *argument)
{
    int status;

    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0)
        _exit(-attempt(argument) & 0xff);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
}

int doctor_program(char *const *argv, const char *input, char *line, size_t size)
{
    posix_spawn_file_actions_t actions;
    char *const environment[] = {(char[]){"PATH=/usr/local/bin:/usr/bin:/bin"},
                                 (char[]){"LC_ALL=C"}, (char[]){"TMPDIR=/tmp"}, NULL};
    int in_fd = -1, out[2], status;
    pid_t child;

    int r = fd_sealed_copy("input", input, strlen(input), &in_fd, NULL);
    if (r < 0)
        return r;
    lseek(in_fd, 0, SEEK_SET);
    if (pipe2(out, O_CLOEXEC) < 0) {
        close(in_fd);
        return -errno;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_fd, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    r = -posix_spawnp(&child, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(in_fd);
    close(out[1]);
    if (r == 0) {
        /* All is read, so that the program is never stopped by a full pipe. */
        char rest[4096];
        ssize_t n = fd_read_full(out[0], line, size - 1);
        line[n > 0 ? n : 0] = '\0';
        line[strcspn(line, "\n")] = '\0';
        while (fd_read_full(out[0], rest, sizeof rest) > 0)
            ;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        r = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
    }
    close(out[0]);
    return r;
}

static void print(const struct doctor *doctor)
{
    if (cli.json) {
        puts(json_object_to_json_string_ext(doctor->list, JSON_C_TO_STRING_PRETTY |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    if (!cli.quiet)
        table_print(doctor->table, stdout);
    if (doctor->counts[DOCTOR_REQUIRED] > 0)
        printf("%u required, missing: functions can't run here\n", doctor->counts[DOCTOR_REQUIRED]);
    else
        printf("functions can run here: %u ok, %u by a fallback, %u missing but not needed\n",
               doctor->counts[DOCTOR_OK], doctor->counts[DOCTOR_FALLBACK],
               doctor->counts[DOCTOR_MISSING]);
}

int cli_doctor(int argc, char **argv)
{
    static const char *const headings[] = {"STATUS", "PART", "MECHANISM", "WHY", NULL};
    struct doctor doctor = {0};
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, NULL, 0, 0, &words, &exit))
        return exit;
    if (words != 0)
        return cli_usage("doctor", "it takes no '%s'", argv[1]);

    _cleanup_(table_freep) struct table *table = table_new(headings);
    _cleanup_(json_freep) struct json_object *list = json_object_new_array();
    if (!table || !list) {
        err_set(&err, -ENOMEM, "cannot examine this machine");
        return cli_error(&err, NULL);
    }
    doctor.table = table;
    doctor.list = list;
    doctor_namespaces(&doctor);
    doctor_security(&doctor);
    doctor_processes(&doctor);
    doctor_cgroups(&doctor);
    doctor_vkernel(&doctor);
    doctor_machine(&doctor);
    doctor_tools(&doctor);
    print(&doctor);
    return doctor.counts[DOCTOR_REQUIRED] > 0 ? CLI_FAILED : CLI_OK;
}
