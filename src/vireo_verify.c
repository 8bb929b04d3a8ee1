/*
 * vireo-verify: the static verifier, in the sandbox that build/sandbox.c made for it. Not for
 * people: the descriptors are build/stage.h's; its arguments are a stage, memory, CPU seconds, and
 * the stage's own:
 *
 *   verify source|ir ENTRY NAME...   compiles the source to LLVM IR (or takes IR), writes the
 * report
 *
 * and for a library that is to be proved, each in a sandbox of its own, so that no compiler that a
 * source subverts is where the verdict is made, and nobody where code is:
 *
 *   modules ENTRY NAME...   a packed source -> its modules of IR
 *   prove ENTRY             modules -> facts, the IR that was verified, the report
 *   generate ENTRY          that IR -> an object
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
#include "verify/generate.h"
#include "verify/verify.h"

#define OBJECTS STAGE_SCRATCH "/objects"
#define REPORT STAGE_SCRATCH "/report"
#define BASE STAGE_SDK "/base.c"
#define FACTS STAGE_SCRATCH "/facts"
#define PROVED_IR STAGE_SCRATCH "/proved.bc"
#define OPTIMISED STAGE_SCRATCH "/optimised.bc"
#define OBJECT STAGE_SCRATCH "/proved.o"
/* Address space beside the memory that counts: the stack, which is mapped whole, and libraries. */
#define SPACE_BYTES (2ULL << 30)
#define INPUT_MAX_BYTES (64 << 20)

/*
 * No optimisation: what a compiler may drop as undefined is to be looked at. Signed numbers wrap,
 * types alias, a null pointer is not assumed away; a constant subscript outside its array, which
 * LLVM folds into one of its neighbour's, is for the compiler to refuse; the library's character
 * classes are functions, not tables behind a call, and its short functions not copied in from
 * headers.
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
        "-Wno-everything",
        "-Werror=array-bounds",
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

static bool is_ir(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (strcmp(dot, ".ll") == 0 || strcmp(dot, ".bc") == 0);
}

static int compile_all(const struct stage *stage, const char *const *names, size_t sources,
                       struct inputs *inputs)
{

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
        const char *name = base ? BASE : names[i];
        snprintf(object, sizeof object, OBJECTS "/%zu.bc", i);
        if (is_ir(name)) {
            snprintf(source, sizeof source, STAGE_SOURCE "/%s", name);
            status = add_file(inputs, source, name);
            continue;
        }
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

static void limit_memory_and_time(const struct stage *stage)
{
    limit(RLIMIT_CPU, stage->cpu_seconds, stage->cpu_seconds + 2);
    limit(RLIMIT_AS, stage->memory_bytes + SPACE_BYTES, stage->memory_bytes + SPACE_BYTES);
}

static int write_new(const char *path, const void *data, size_t size)
{
    return stage_write_file(AT_FDCWD, path, data, size) < 0
               ? stage_say(STAGE_BROKEN, "error: cannot write '%s'", path)
               : STAGE_OK;
}

/* In a process of its own: what LLVM or Z3 do with what they are given ends that one at most. */
static int run_apart(const struct stage *stage, const struct inputs *inputs, const char *entry,
                     int (*work)(const struct inputs *inputs, const char *entry))
{
    int status;

    pid_t pid = fork();
    if (pid < 0)
        return stage_say(STAGE_BROKEN, "error: cannot start the verifier: %s", strerror(errno));
    if (pid == 0) {
        limit_memory_and_time(stage);
        _exit(work(inputs, entry));
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return stage_say(STAGE_BROKEN, "error: cannot wait for the verifier");
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return STAGE_TIME;
    if (WIFSIGNALED(status))
        return stage_say(STAGE_CRASHED, "error: the verifier died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ---- verify ---- */

static int verify(const struct inputs *inputs, const char *entry)
{
    struct verify_options options = {
        .inputs = inputs->items,
        .input_count = inputs->count,
        .entry = entry,
        .library_folder = STAGE_SDK,
        .buffer_max = REQUEST_BODY_MAX_BYTES,
    };
    struct verify_result result;
    struct err err = {0};

    if (verify_prove(&options, &result, &err) < 0)
        return stage_say(STAGE_REFUSED, "error: %s (out of memory)", err.message);
    int status = write_new(REPORT, result.json, strlen(result.json));
    if (status == STAGE_OK)
        status = write_new(PROVED_IR, result.ir, result.ir ? result.ir_size : 0);
    struct stage_facts facts = {
        .version = STAGE_FACTS_VERSION,
        .proved = result.facts.verdict == VERIFY_PROVED && result.facts.repeated,
        .instructions = result.facts.instructions,
        .ns = result.facts.ns,
    };
    snprintf(facts.entry, sizeof facts.entry, "%s", result.facts.entry);
    snprintf(facts.reason, sizeof facts.reason, "%s",
             result.facts.verdict == VERIFY_PROVED ? "its entry is not a handler"
                                                   : result.facts.reason);
    return status == STAGE_OK ? write_new(FACTS, &facts, sizeof facts) : status;
}

/* Large: not on the stack. */
static struct inputs inputs;

static int stage_verify(const struct stage *stage)
{
    int status = strcmp(stage->args[0], "ir") == 0
                     ? read_ir(&inputs)
                     : compile_all(stage, stage->args + 2, stage->arg_count - 2, &inputs);

    if (status == STAGE_OK)
        status = run_apart(stage, &inputs, stage->args[1], verify);
    return status == STAGE_OK ? stage_send_file(REPORT) : status;
}

/* ---- modules, prove, generate ---- */

/* Before the bytes of each module. */
struct module_head {
    uint64_t size;
    char name[STAGE_NAME_BYTES];
};

static int stage_modules(const struct stage *stage)
{
    int status = compile_all(stage, stage->args + 1, stage->arg_count - 1, &inputs);

    if (status != STAGE_OK)
        return status;
    for (size_t i = 0; i < inputs.count; i++) {
        struct module_head head = {.size = inputs.items[i].size};
        snprintf(head.name, sizeof head.name, "%s", inputs.items[i].name);
        if (fd_write_full(STDOUT_FILENO, &head, sizeof head) < 0 ||
            fd_write_full(STDOUT_FILENO, inputs.items[i].bytes, inputs.items[i].size) < 0)
            return stage_say(STAGE_BROKEN, "error: cannot send the modules");
    }
    return STAGE_OK;
}

/* Whoever wrote them: sizes and names are looked at. The base library is told by its place. */
static int take_modules(void)
{
    const uint8_t *data;
    size_t size, at = 0;

    if (stage_map_input(&data, &size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot read the modules: %s", strerror(errno));
    while (at < size) {
        static struct module_head heads[BUILD_SOURCES_MAX + 1];
        struct module_head *head = &heads[inputs.count];
        if (inputs.count == BUILD_SOURCES_MAX + 1 || size - at < sizeof *head)
            return stage_say(STAGE_REFUSED, "error: the modules are cut off, or too many");
        memcpy(head, data + at, sizeof *head);
        at += sizeof *head;
        head->name[sizeof head->name - 1] = '\0';
        if (head->size > size - at)
            return stage_say(STAGE_REFUSED, "error: a module is cut off");
        inputs.items[inputs.count++] =
            (struct verify_input){data + at, (size_t)head->size, head->name};
        at += (size_t)head->size;
    }
    return STAGE_OK;
}

static int stage_prove(const struct stage *stage)
{
    static const char *const paths[] = {FACTS, PROVED_IR, REPORT};
    int status = take_modules();

    if (status == STAGE_OK)
        status = run_apart(stage, &inputs, stage->args[0], verify);
    return status == STAGE_OK ? stage_send_bundle(paths, ARRAY_LEN(paths)) : status;
}

static int generate(const struct inputs *ir, const char *entry)
{
    struct err err = {0};

    if (generate_bitcode(ir->items[0].bytes, ir->items[0].size, entry, STAGE_PROVED_ENTRY,
                         OPTIMISED, &err) < 0)
        return stage_say(STAGE_REFUSED, "error: %s", err.message);
    return STAGE_OK;
}

/*
 * --stack-size-section: the trusted side adds the frames up. --trap-unreachable: a function whose
 * end nobody reaches would have no code, and the address of the next one.
 */
static int stage_generate(const struct stage *stage)
{
    static const char *const command[] = {
        "/usr/bin/llc-14",
        "-O2",
        "-filetype=obj",
        "-relocation-model=pic",
        "-fp-contract=off",
        "--stack-size-section",
        "--trap-unreachable",
        "-o",
        OBJECT,
        OPTIMISED,
        NULL,
    };
    int status = read_ir(&inputs);

    if (status == STAGE_OK)
        status = run_apart(stage, &inputs, stage->args[0], generate);
    if (status == STAGE_OK)
        status = stage_run_tool(stage, STAGE_SCRATCH, command, NULL);
    return status == STAGE_OK ? stage_send_file(OBJECT) : status;
}

static const struct {
    const char *name;
    size_t arguments; /* at least */
    stage_function *run;
} STAGES[] = {
    {"verify", 2, stage_verify},
    {"modules", 2, stage_modules},
    {"prove", 1, stage_prove},
    {"generate", 1, stage_generate},
};

int main(int argc, char **argv)
{
    struct stage stage;
    int status = stage_begin(argc, argv, 1, &stage);

    if (status != STAGE_OK)
        return status;
    for (size_t i = 0; i < ARRAY_LEN(STAGES); i++)
        if (strcmp(argv[1], STAGES[i].name) == 0 && stage.arg_count >= STAGES[i].arguments)
            return STAGES[i].run(&stage);
    return stage_say(STAGE_BROKEN, "error: unknown stage '%s'", argv[1]);
}
