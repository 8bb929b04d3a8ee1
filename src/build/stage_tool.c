/* Starts a compiler and waits for it. vireo-build has one thread and is init of its namespace. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/stage.h"

int stage_say(int status, const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    dprintf(STDERR_FILENO, "%s\n", line);
    return status;
}

#ifdef __SANITIZE_ADDRESS__
/* Of leaks the sanitizer learns from /proc, which the sandbox has not; all else it finds here too.
 */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

int stage_begin(int argc, char **argv, size_t min, struct stage *ret_stage)
{
    if (argc < 4 + (int)min || getpid() != 1)
        return stage_say(STAGE_BROKEN, "%s: started by vireo in a sandbox, not by hand",
                         program_invocation_short_name);
    *ret_stage = (struct stage){
        .memory_bytes = strtoull(argv[2], NULL, 10),
        .cpu_seconds = (uint32_t)strtoul(argv[3], NULL, 10),
        .args = (const char *const *)argv + 4,
        .arg_count = (size_t)argc - 4,
    };
    int r = stage_forbid_calls();
    if (r < 0)
        return stage_say(STAGE_BROKEN, "error: cannot filter system calls: %s", strerror(-r));
    if (mkdir(STAGE_SCRATCH "/tmp", 0700) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot make '" STAGE_SCRATCH "/tmp': %s",
                         strerror(errno));
    return STAGE_OK;
}

void stage_file_argument(const char *name, char text[STAGE_NAME_BYTES])
{
    /* A whole path is one of ours: authors' names are relative. */
    bool plain = isalnum((unsigned char)*name) || *name == '_' || *name == '/';

    snprintf(text, STAGE_NAME_BYTES, "%s%s", plain ? "" : "./", name);
}

static void limit_or_die(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) == 0) {
        limit.rlim_max = hard < limit.rlim_max ? hard : limit.rlim_max;
        limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
        if (setrlimit(resource, &limit) == 0)
            return;
    }
    _exit(126);
}

_Noreturn static void become_tool(const struct stage *stage, const char *cwd,
                                  const char *const *argv, int output_fd)
{
    /* SIGXCPU two seconds before SIGKILL, so that the cause can be told. */
    limit_or_die(RLIMIT_CPU, stage->cpu_seconds, stage->cpu_seconds + 2);
    limit_or_die(RLIMIT_AS, stage->memory_bytes, stage->memory_bytes);
    if (chdir(cwd) < 0 || dup2(output_fd, STDOUT_FILENO) < 0)
        _exit(126);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        _exit(126);
    execv(argv[0], (char *const *)argv);
    dprintf(STDERR_FILENO, "error: cannot execute '%s': %s\n", argv[0], strerror(errno));
    _exit(126);
}

/*
 * Drivers start the real compiler as a child and report its death as a plain failure: the CPU time
 * of all that has ended since tells whether that was it.
 */
static bool used_up(const struct stage *stage, const struct rusage *before)
{
    struct rusage after;

    getrusage(RUSAGE_CHILDREN, &after);
    long seconds = after.ru_utime.tv_sec - before->ru_utime.tv_sec + after.ru_stime.tv_sec -
                   before->ru_stime.tv_sec;
    return seconds + 1 >= (long)stage->cpu_seconds;
}

int stage_run_tool(const struct stage *stage, const char *cwd, const char *const *argv,
                   const char *output)
{
    _cleanup_(closep) int output_fd = -1;
    struct rusage before;
    int status;

    if (output) {
        output_fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (output_fd < 0)
            return stage_say(STAGE_BROKEN, "error: cannot make '%s': %s", output, strerror(errno));
    }
    getrusage(RUSAGE_CHILDREN, &before);
    pid_t pid = fork();
    if (pid < 0)
        return stage_say(STAGE_BROKEN, "error: cannot start '%s': %s", argv[0], strerror(errno));
    if (pid == 0)
        become_tool(stage, cwd, argv, output_fd < 0 ? STDERR_FILENO : output_fd);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return stage_say(STAGE_BROKEN, "error: cannot wait for '%s'", argv[0]);

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return STAGE_OK;
    if (used_up(stage, &before) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
        return STAGE_TIME;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
        return STAGE_SIZE;
    if (WIFSIGNALED(status))
        return stage_say(STAGE_CRASHED, "error: %s died of signal %d", argv[0], WTERMSIG(status));
    return WEXITSTATUS(status) == 126 ? STAGE_BROKEN : STAGE_REFUSED;
}
