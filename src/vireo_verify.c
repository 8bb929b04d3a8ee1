/*
 * vireo-verify: the static verifier, in the sandbox that build/sandbox.c made for it. It compiles
 * the source to LLVM IR (or takes IR as it is) and writes the report. Not for people: the
 * descriptors are build/stage.h's; its arguments are memory, CPU seconds, "source" or "ir", the
 * entry, and the sources' names.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "build/stage.h"
#include "verify/verify.h"

#define OBJECTS STAGE_SCRATCH "/objects"
#define REPORT STAGE_SCRATCH "/report"
#define BASE STAGE_SDK "/base.c"
/* Address space beside the memory that counts: the stack, which is mapped whole, and libraries. */
#define SPACE_BYTES (2ULL << 30)
#define INPUT_MAX_BYTES (64 << 20)

/*
 * No optimisation: what a compiler may drop as undefined is to be looked at. Signed numbers wrap,
 * types alias, a null pointer is not assumed away; the library's character classes are functions,
 * not tables behind a call, and its short functions not copied in from headers.
 */
static int compile_one(const struct stage *stage, const char *cwd, const char *source,
                       const char *object)
{
    const char *command[] = {
        "/usr/bin/clang-14",
        "-std=gnu17",
        "-O1",
        "-Xclang",
        "-disable-llvm-passes",
        "-fno-discard-value-names",
        "-g",
        "-fwrapv",
        "-fno-strict-aliasing",
        "-fno-delete-null-pointer-checks",
        "-fno-math-errno",
        "-fno-jump-tables",
        "-ffp-contract=off",
        "-U_FORTIFY_SOURCE",
        "-D__NO_CTYPE",
        "-D__NO_INLINE__",
        "-w",
        "-fno-color-diagnostics",
        "-fno-crash-diagnostics",
        "-ferror-limit=10",
        "-fmacro-backtrace-limit=3",
        "-I.",
        "-I" STAGE_SDK "/include",
        "-c",
        "-emit-llvm",
        "-o",
        object,
        "--",
        source,
        NULL,
    };

    return stage_run_tool(stage, cwd, command, NULL);
}

struct inputs {
    struct verify_input items[BUILD_SOURCES_MAX + 1];
    size_t count;
};

static int add_file(struct inputs *inputs, const char *path, const char *name)
{
    struct err err = {0};
    char *data;
    size_t size;

    int r = fd_read_file(AT_FDCWD, path, INPUT_MAX_BYTES, &data, &size, &err);
    if (r < 0)
        return stage_say(r == -EFBIG ? STAGE_REFUSED : STAGE_BROKEN, "error: %s", err.message);
    inputs->items[inputs->count++] = (struct verify_input){data, size, name};
    return STAGE_OK;
}

static int compile_all(const struct stage *stage, struct inputs *inputs)
{
    size_t sources = stage->arg_count - 2;

    if (sources == 0 || sources > BUILD_SOURCES_MAX)
        return stage_say(STAGE_BROKEN, "error: cannot compile %zu sources", sources);
    int status = stage_unpack();
    if (status == STAGE_OK && mkdir(OBJECTS, 0755) < 0)
        status = stage_say(STAGE_BROKEN, "error: cannot make '%s': %s", OBJECTS, strerror(errno));
    if (status == STAGE_OK)
        status = stage_write_sdk();
    for (size_t i = 0; status == STAGE_OK && i <= sources; i++) {
        char object[64], source[STAGE_NAME_BYTES];
        /* The base library, in C, is verified with the function that calls it. */
        bool base = i == sources;
        const char *name = base ? BASE : stage->args[2 + i];
        snprintf(object, sizeof object, OBJECTS "/%zu.bc", i);
        stage_file_argument(name, source);
        status = compile_one(stage, base ? STAGE_SDK : STAGE_SOURCE, source, object);
        if (status == STAGE_OK)
            status = add_file(inputs, object, base ? VERIFY_BASE_NAME : name);
    }
    return status;
}

static int read_ir(struct inputs *inputs)
{
    const uint8_t *data;
    size_t size;

    if (stage_map_input(&data, &size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot read the input: %s", strerror(errno));
    if (size > INPUT_MAX_BYTES)
        return stage_say(STAGE_REFUSED, "error: IR of more than %d MiB", INPUT_MAX_BYTES >> 20);
    inputs->items[inputs->count++] = (struct verify_input){data, size, "input"};
    return STAGE_OK;
}

static void limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    if (setrlimit(resource, &(struct rlimit){.rlim_cur = soft, .rlim_max = hard}) < 0)
        _exit(STAGE_BROKEN);
}

_Noreturn static void verify(const struct stage *stage, const struct inputs *inputs)
{
    struct verify_options options = {
        .inputs = inputs->items,
        .input_count = inputs->count,
        .entry = stage->args[1],
        .buffer_max = REQUEST_BODY_MAX_BYTES,
    };
    struct err err = {0};
    char *json;

    limit(RLIMIT_CPU, stage->cpu_seconds, stage->cpu_seconds + 2);
    limit(RLIMIT_AS, stage->memory_bytes + SPACE_BYTES, stage->memory_bytes + SPACE_BYTES);
    if (verify_run(&options, &json, &err) < 0)
        _exit(stage_say(STAGE_REFUSED, "error: %s (out of memory)", err.message));
    int fd = open(REPORT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    _exit(fd < 0 || fd_write_full(fd, json, strlen(json)) < 0 ? STAGE_BROKEN : STAGE_OK);
}

/* In a process of its own: what LLVM or Z3 do with what they are given ends that one at most. */
static int verify_apart(const struct stage *stage, const struct inputs *inputs)
{
    int status;

    pid_t pid = fork();
    if (pid < 0)
        return stage_say(STAGE_BROKEN, "error: cannot start the verifier: %s", strerror(errno));
    if (pid == 0)
        verify(stage, inputs);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return stage_say(STAGE_BROKEN, "error: cannot wait for the verifier");
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return STAGE_TIME;
    if (WIFSIGNALED(status))
        return stage_say(STAGE_CRASHED, "error: the verifier died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static int run(const struct stage *stage)
{
    /* Large: not on the stack. */
    static struct inputs inputs;

    int status = strcmp(stage->args[0], "ir") == 0 ? read_ir(&inputs) : compile_all(stage, &inputs);
    if (status == STAGE_OK)
        status = verify_apart(stage, &inputs);
    return status == STAGE_OK ? stage_send_file(REPORT) : status;
}

int main(int argc, char **argv)
{
    struct stage stage;
    int status = stage_begin(argc, argv, 2, &stage);

    return status == STAGE_OK ? run(&stage) : status;
}
