/* vireo-runtime: what stands before the verb, the dispatch to it, and how errors are told. */
#include "oci/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/printable.h"
#include "base/suggest.h"

static char *json_line(const char *level, const char *message, const char *now)
{
    struct json_object *line = json_object_new_object();

    json_object_object_add(line, "level", json_object_new_string(level));
    json_object_object_add(line, "msg", json_object_new_string(message));
    json_object_object_add(line, "time", json_object_new_string(now));
    char *text = NULL;
    if (asprintf(&text, "%s\n",
                 json_object_to_json_string_ext(line, JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
        text = NULL;
    json_object_put(line);
    return text;
}

/* Of a pipe that nobody reads ENXIO, instead of a wait for who does. One that is full is waited
 * for: no line is lost. */
static int open_log(struct runtime *runtime)
{
    if (runtime->log_fd >= 0)
        return 0;
    runtime->log_fd = open(runtime->log_file,
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    return runtime->log_fd < 0 || fcntl(runtime->log_fd, F_SETFL, O_APPEND) < 0 ? -errno : 0;
}

void runtime_report(struct runtime *runtime, const char *level, const char *message)
{
    char now[40], harmless[600];
    struct tm utc;
    time_t seconds = time(NULL);

    const bool quiet = strcmp(level, "debug") == 0 || strcmp(level, "info") == 0;

    if (quiet && !runtime->log_file && !runtime->debug)
        return;
    if (strcmp(level, "debug") == 0 && !runtime->debug)
        return;
    size_t bytes = printable(harmless, sizeof harmless - 1, message, strlen(message));
    harmless[bytes] = '\0';
    /* Under an engine this is the container's own standard error, and its log: what the verb does
     * not fail for goes to the file alone. */
    if (!runtime->log_file || strcmp(level, "error") == 0)
        fprintf(stderr, "vireo-runtime: %s%s\n", strcmp(level, "warning") == 0 ? "warning: " : "",
                harmless);
    if (!runtime->log_file)
        return;
    gmtime_r(&seconds, &utc);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    _cleanup_(freep) char *line = NULL;
    if (runtime->log_json)
        line = json_line(level, harmless, now);
    else if (asprintf(&line, "time=\"%s\" level=%s msg=\"%s\"\n", now, level, harmless) < 0)
        line = NULL;
    if (line && open_log(runtime) == 0)
        fd_write_full(runtime->log_fd, line, strlen(line));
}

void runtime_warn(void *runtime, const char *message)
{
    runtime_report(runtime, "warning", message);
}

void runtime_debug(struct runtime *runtime, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!runtime->debug)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    runtime_report(runtime, "debug", text);
}

const struct runtime_verb runtime_verbs[] = {
    {"create", "[OPTION...] ID",
     "make a container; its process waits for start\n"
     "  -b, --bundle DIR         where config.json is (default: here)\n"
     "  -f, --config FILE        another name than config.json in the bundle\n"
     "      --console-socket SOCKET  a UNIX socket that gets the terminal\n"
     "      --pid-file FILE      gets the pid of the container's process\n"
     "      --preserve-fds N     descriptors 3 to 3+N-1 go to the container\n"
     "      --no-pivot           move the root instead of pivot_root (root on a ramfs)\n"
     "      --no-new-keyring     keep the session's keyring",
     verb_create},
    {"start", "ID", "let the process of a created container go", verb_start},
    {"run", "[OPTION...] ID",
     "create and start; wait for the end and delete\n"
     "  the flags of create, and\n"
     "  -d, --detach             do not wait\n"
     "      --keep               do not delete it when it has ended",
     verb_run},
    {"state", "ID", "print a container's state as JSON", verb_state},
    {"kill", "[-a] ID [SIGNAL]",
     "send a signal (name or number; default TERM)\n"
     "  -a, --all                to all processes of the container",
     verb_kill},
    {"delete", "[-f] ID",
     "remove a container that has stopped\n"
     "  -f, --force              end it if need be; fine if there is none",
     verb_delete},
    {"list", "[-q] [-f table|json]",
     "list the containers\n"
     "  -q, --quiet              ids alone\n"
     "  -f, --format FORMAT      table or json",
     verb_list},
    {"ps", "[-f table|json] ID [PS-OPTION...]",
     "show the processes of a container\n"
     "  -f, --format FORMAT      table or json (the pids)",
     verb_ps},
    {"exec", "[OPTION...] ID COMMAND [ARG...]",
     "run a further process in a container\n"
     "  -p, --process FILE       its description, as config.json's process\n"
     "  -t, --tty                with a terminal\n"
     "  -d, --detach             do not wait\n"
     "  -e, --env NAME=VALUE     a variable; repeatable\n"
     "  -u, --user UID[:GID]     as this user\n"
     "  -g, --additional-gids N  a further group; repeatable\n"
     "  -c, --cap CAPABILITY     a further capability; repeatable\n"
     "      --cwd DIR            its directory\n"
     "      --console-socket SOCKET, --pid-file FILE, --preserve-fds N  as of create\n"
     "      --cgroup PATH        a control group below the container's\n"
     "      --apparmor PROFILE, --process-label LABEL\n"
     "      --no-new-privs       it can't gain privileges (without: it can)\n"
     "      --ignore-paused      also when the container is paused",
     verb_exec},
    {"pause", "ID", "freeze all processes of a container", verb_pause},
    {"resume", "ID", "let a paused container go on", verb_resume},
    {"update", "[OPTION...] ID",
     "change the limits of a container\n"
     "  -r, --resources FILE     as linux.resources of config.json; - is standard input\n"
     "      --memory, --memory-reservation, --memory-swap BYTES\n"
     "      --kernel-memory, --kernel-memory-tcp BYTES\n"
     "      --cpu-quota, --cpu-period, --cpu-share, --cpu-burst, --cpu-idle,\n"
     "      --cpu-rt-period, --cpu-rt-runtime N\n"
     "      --cpuset-cpus, --cpuset-mems LIST   --pids-limit N   --blkio-weight N",
     verb_update},
    {"spec", "[--rootless] [-b DIR] [-f FILE]",
     "write a config.json to begin with\n"
     "  -b, --bundle DIR         where to (default: here)\n"
     "  -f, --file FILE          its name there, or in full (default: config.json)\n"
     "      --rootless           for who is not root",
     verb_spec},
    {"features", "", "print what this runtime can do as JSON", verb_features},
    {"events", "[--stats] [--interval SECONDS] ID",
     "print figures of a container as JSON\n"
     "      --stats              once, and end\n"
     "      --interval SECONDS   between two (default 5)",
     verb_events},
    {"vk", "get ID | set ID KEY VALUE | ls | explain ID CALL [ARGUMENTS] | log [ID]",
     "print or change a container's virtual kernel, as JSON\n"
     "  KEYs are named by annotations (io.vireo.vkernel.KEY) and --vkernel KEY=VALUE;\n"
     "  ARGUMENTS are numbers with commas between them",
     verb_vk},
    {NULL, NULL, NULL, NULL},
};

static void print_usage(void)
{
    printf("usage: vireo-runtime [OPTION...] VERB ...\n\n"
           "  --root DIR               state of containers (default /run/vireo-oci)\n"
           "  --log FILE               errors and warnings, besides standard error\n"
           "  --log-format text|json   of that file\n"
           "  --cgroup-manager cgroupfs|systemd|disabled\n"
           "  --systemd-cgroup         the same as --cgroup-manager systemd\n"
           "  --vkernel KEY=VALUE      of a container's virtual kernel; repeatable\n"
           "  --debug                  say each step, on standard error or in the log\n"
           "  -v, --version            the version\n\n");
    for (const struct runtime_verb *verb = runtime_verbs; verb->name; verb++)
        printf("  %-9s %.*s\n", verb->name, (int)strcspn(verb->help, "\n"), verb->help);
    printf("\nvireo-runtime VERB --help shows a verb's flags.\n");
}

static void print_version(void)
{
    /* Engines read these lines by their first words. */
    printf("vireo-runtime version %s\nspec: 1.2.0\n", VIREO_VERSION);
}

static const struct runtime_verb *find_verb(const char *name, struct err *err)
{
    struct suggestion near;

    if (strcmp(name, "checkpoint") == 0 || strcmp(name, "restore") == 0) {
        err_say(err, -ENOTSUP, "cannot run '%s': containers are not checkpointed by this runtime",
                name);
        return NULL;
    }
    suggestion_begin(&near, name, strlen(name));
    for (const struct runtime_verb *verb = runtime_verbs; verb->name; verb++) {
        if (strcmp(verb->name, name) == 0)
            return verb;
        suggestion_try(&near, verb->name);
    }
    err_say(err, -EINVAL, "cannot run '%s': there is no such verb%s%s%s", name,
            near.word ? " (did you mean '" : "", near.word ? near.word : "",
            near.word ? "'?)" : "");
    return NULL;
}

static int take_manager(void *data, const char *value, struct err *err)
{
    static const char *const names[] = {
        [OCI_CGROUP_CGROUPFS] = "cgroupfs",
        [OCI_CGROUP_SYSTEMD] = "systemd",
        [OCI_CGROUP_DISABLED] = "disabled",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], value) == 0) {
            *(enum oci_cgroup_manager *)data = (enum oci_cgroup_manager)i;
            return 0;
        }
    }
    return err_say(err, -EINVAL,
                   "cannot use '%s' as the manager of control groups: there are cgroupfs, systemd "
                   "and disabled",
                   value);
}

static int take_vkernel(void *data, const char *value, struct err *err)
{
    return oci_vkernel_take(data, value, err);
}

/* "PATH", or as crun has it "file:PATH"; nothing else is written to from here. */
static int take_log(void *data, const char *value, struct err *err)
{
    const size_t kind = strcspn(value, ":/");

    if (strncmp(value, "file:", 5) == 0)
        value += 5;
    else if (value[kind] == ':')
        return err_say(err, -EINVAL, "cannot log to '%s': there are PATH and file:PATH", value);
    *(const char **)data = value;
    return 0;
}

static int take_log_format(void *data, const char *value, struct err *err)
{
    if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
        return err_say(err, -EINVAL, "cannot log as '%s': there are text and json", value);
    *(bool *)data = strcmp(value, "json") == 0;
    return 0;
}

static int run(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    bool version = false, help = false, systemd = false;
    const char *rootless = NULL;
    char **words;
    const struct verb_option options[] = {
        {.name = "root", .value = &runtime->root},
        {.name = "log", .take = take_log, .data = &runtime->log_file},
        {.name = "log-format", .take = take_log_format, .data = &runtime->log_json},
        {.name = "cgroup-manager", .take = take_manager, .data = &runtime->manager},
        {.name = "systemd-cgroup", .flag = &systemd},
        /* runc's: what a user may do is found out here, whatever it says. */
        {.name = "rootless", .value = &rootless},
        {.name = "vkernel", .take = take_vkernel, .data = &runtime->vkernel},
        {.name = "debug", .flag = &runtime->debug},
        {.name = "version", .letter = 'v', .flag = &version},
        {.name = "help", .letter = 'h', .flag = &help},
        {NULL},
    };
    int count = verb_options(argc, argv, options, true, 0, 0, &words, err);
    if (count < 0)
        return count;
    if (version || help) {
        version ? print_version() : print_usage();
        return 0;
    }
    if (count == 0) {
        print_usage();
        return 1;
    }
    /* Before anything is done that could not be told of. */
    int r = runtime->log_file ? open_log(runtime) : 0;
    if (r < 0) {
        err_set(err, r, "cannot log to '%s'", runtime->log_file);
        runtime->log_file = NULL;
        return r;
    }
    if (systemd)
        runtime->manager = OCI_CGROUP_SYSTEMD;
    const struct runtime_verb *verb = find_verb(words[0], err);
    if (!verb)
        return -EINVAL;
    if (count == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)) {
        printf("usage: vireo-runtime %s %s\n\n%s\n", verb->name, verb->usage, verb->help);
        return 0;
    }
    if (!runtime->root || !runtime->root[0])
        runtime->root = runtime->default_root = oci_state_default_root();
    if (!runtime->root)
        return err_set(err, -ENOMEM, "cannot run '%s'", words[0]);
    runtime->verb = verb->name;
    runtime_debug(runtime, "%s, state in '%s'", verb->name, runtime->root);
    return verb->run(runtime, count, words, err);
}

/*
 * Engines tell "not found" (127) and "can't be run" (126) by searching the message for errno's
 * texts as Go has them, which begins them with a small letter. Of a configuration that is said of
 * the program alone, not of what is mounted or hooked in.
 */
static void use_small_letters(struct err *err)
{
    static const char program[] = " (process.args[0])";
    const char *cause = strerror(-err->code);
    size_t end = strlen(err->message), length = strlen(cause);

    if (err->code != -ENOENT && err->code != -EACCES)
        return;
    if (end > sizeof program && strcmp(err->message + end - (sizeof program - 1), program) == 0)
        end -= sizeof program - 1;
    if (end >= length && memcmp(err->message + end - length, cause, length) == 0)
        err->message[end - length] |= 0x20;
}

int runtime_main(int argc, char **argv)
{
    struct runtime runtime = {.manager = OCI_CGROUP_CGROUPFS, .log_fd = -1};
    struct err err = {0};
    int exit_status = run(&runtime, argc, argv, &err);

    if (exit_status < 0) {
        use_small_letters(&err);
        runtime_report(&runtime, "error", err.message[0] ? err.message : strerror(-exit_status));
        exit_status = 1;
    }
    free(runtime.default_root);
    closep(&runtime.log_fd);
    /* An answer that did not reach its reader is not success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_status == 0)
        exit_status = 1;
    return exit_status;
}
