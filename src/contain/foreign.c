/* runc and crun as makers of containers. */
#include "contain/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "contain/keeper.h"
#include "guest/seccomp.h"

#define STATE CONTAIN_SCRATCH "/runtime"
#define PID_FILE CONTAIN_SCRATCH "/pid"
#define LOG_FILE CONTAIN_SCRATCH "/log"
#define ID "function"
#define SAID_BYTES 4096

/*
 * Neither makes groups: the keeper's are the container's. crun is told so; runc, where it is
 * rootless, takes a read-only tree for that.
 */
#define SAYS "--root", STATE, "--log", LOG_FILE, "--log-format", "json"
#define CREATES SAYS, "create", "--bundle", CONTAIN_IMAGE, "--pid-file", PID_FILE, ID, NULL
#define STARTS SAYS, "start", ID, NULL
static const char *const crun_create[] = {"crun", "--cgroup-manager=disabled", CREATES};
static const char *const crun_start[] = {"crun", "--cgroup-manager=disabled", STARTS};
static const char *const runc_create[] = {"runc", "--rootless", "true", CREATES};
static const char *const runc_start[] = {"runc", "--rootless", "true", STARTS};

static const struct {
    const char *const *create, *const *start;
} runtimes[CONTAIN_RUNTIMES] = {
    [CONTAIN_CRUN] = {crun_create, crun_start},
    [CONTAIN_RUNC] = {runc_create, runc_start},
};

static int write_config(const char *text)
{
    _cleanup_(closep) int fd =
        open(CONTAIN_IMAGE "/config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
}

int foreign_prepare(const char *config, struct err *err)
{
    int r = write_config(config);
    return r < 0 ? err_set(err, r, "cannot write the container's configuration") : 0;
}

/* What the runtime finds made, or may not do under the function's filter. Groups are read-only: it
 * may look, and finds that it can't make any. */
static int make_ready(const char *name)
{
    if (sethostname(name, strlen(name)) < 0 || unshare(CLONE_NEWCGROUP) < 0 ||
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              NULL) < 0)
        return -errno;
    return 0;
}

_Noreturn static void execute(const struct contain *contain, const char *const *args)
{
    /* Of Go's threads few: they count for the function's limit. */
    char *const env[] = {(char[]){"PATH=/usr/bin"}, (char[]){"GOMAXPROCS=1"}, NULL};

    if (seccomp_load_program(contain->calls.filter, contain->calls.len, false) == 0)
        execve(CONTAIN_RUNTIME, (char *const *)args, env);
    _exit(127);
}

/* What the runtime wrote to its log last: a JSON object a line. */
static int say(int log_fd, int status, struct err *err)
{
    char text[SAID_BYTES];
    ssize_t n = read(log_fd, text, sizeof text - 1);
    struct json_object *object = NULL, *said = NULL;

    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n > 0 ? n : 0] = '\0';
    const char *line = strrchr(text, '\n');
    object = json_tokener_parse(line ? line + 1 : text);
    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, "msg", &said);
    int r =
        WIFSIGNALED(status)
            ? err_say(err, -EIO, "cannot create the container: its runtime was ended by signal %d",
                      WTERMSIG(status))
            : err_say(err, -EIO, "cannot create the container: %.200s",
                      said ? json_object_get_string(said) : "its runtime does not say why");
    json_object_put(object);
    return r;
}

static int await(pid_t pid, int log_fd, struct err *err)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(err, -errno, "cannot wait for the container's runtime");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : say(log_fd, status, err);
}

static int read_pid(pid_t *ret_pid, struct err *err)
{
    char text[32];
    _cleanup_(closep) int fd = open(PID_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (n <= 0)
        return err_set(err, -ESRCH, "cannot find the container's process");
    text[n] = '\0';
    *ret_pid = (pid_t)strtol(text, NULL, 10);
    return *ret_pid > 1 ? 0 : err_set(err, -ESRCH, "cannot find the container's process");
}

/* It must hold neither end of the program's streams, or their end would never be seen. */
_Noreturn static void wait_to_start(const struct contain *contain, int go, const char *const *args)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char byte;

    for (int i = 0; null >= 0 && i < 3; i++)
        dup2(null, i);
    if (null < 0 || dup2(go, 3) < 0 || close_range(4, ~0u, 0) < 0 || read(3, &byte, 1) != 1)
        _exit(127);
    close(3);
    execute(contain, args);
}

static int make_starter(struct keeper *keeper, const char *const *args, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot make a pipe");
    keeper->starter = fork();
    if (keeper->starter == 0)
        wait_to_start(keeper->contain, ends[0], args);
    close(ends[0]);
    keeper->hold = ends[1];
    return keeper->starter < 0 ? err_set(err, -errno, "cannot start the container's runtime") : 0;
}

int foreign_create(struct keeper *keeper, struct err *err)
{
    const struct contain *contain = keeper->contain;

    int r = make_ready(contain->setup.function);
    if (r < 0)
        return err_set(err, r, "cannot make ready for the container's runtime");
    keeper->runtime_log = open(LOG_FILE, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (keeper->runtime_log < 0)
        return err_set(err, -errno, "cannot make the log of the container's runtime");
    pid_t pid = fork();
    if (pid == 0)
        execute(contain, runtimes[contain->setup.runtime].create);
    if (pid < 0)
        return err_set(err, -errno, "cannot start the container's runtime");
    r = await(pid, keeper->runtime_log, err);
    if (r == 0)
        r = read_pid(&keeper->place.pid, err);
    return r == 0 ? make_starter(keeper, runtimes[contain->setup.runtime].start, err) : r;
}

int foreign_go(struct keeper *keeper, struct err *err)
{
    if (write(keeper->hold, "", 1) != 1)
        return err_set(err, -errno, "cannot start the container");
    return await(keeper->starter, keeper->runtime_log, err);
}
