/*
 * Stage one: C sources become one WebAssembly module. Arguments: the entry ("" when it is to be
 * found), bytes of stack, then the sources' names, all chosen by the trusted side; the input is the
 * packed source.
 */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/stage.h"

#define SOURCE STAGE_SOURCE
#define MODULE STAGE_SCRATCH "/module.wasm"

/* What clang calls a main() with and without arguments. */
static const char *const MAIN_NAMES[] = {"__main_argc_argv", "__main_void", "__original_main",
                                         "main"};

/*
 * Tools are started in the sources' (or objects') directory with relative names, so that messages
 * show names that the author knows.
 *
 * sign-ext and nontrapping-fptoint are in every wasm2c and save code on each of their uses; bulk
 * memory is for memory.c alone, which says why. Reports and reproducers of a crashed compiler are
 * of no use to the author.
 */
static int compile_one(const struct stage *stage, const char *cwd, const char *source,
                       const char *object, const char *option)
{
    const char *command[] = {
        "/usr/bin/clang",
        "--target=wasm32-wasi",
        "-std=gnu17",
        "-O2",
        "-msign-ext",
        "-mnontrapping-fptoint",
        "-fno-crash-diagnostics",
        "-fno-color-diagnostics",
        "-ferror-limit=10",
        "-fmacro-backtrace-limit=3",
        "-I.",
        "-I" STAGE_SDK "/include",
        "-isystem" STAGE_SDK "/posix",
        "-c",
        "-o",
        object,
        option ? option : "-DVIREO",
        "--",
        source,
        NULL,
    };

    return stage_run_tool(stage, cwd, command, NULL);
}

static int compile_all(const struct stage *stage, struct stage_objects *objects)
{
    size_t sources = stage->arg_count - 2;

    if (sources == 0 || sources > BUILD_SOURCES_MAX)
        return stage_say(STAGE_BROKEN, "error: cannot compile %zu sources", sources);
    for (size_t i = 0; i < sources; i++) {
        char source[STAGE_NAME_BYTES], object[STAGE_NAME_BYTES + sizeof STAGE_OBJECTS];
        const char *name = stage->args[2 + i];
        int status = stage_object_make(name, objects->names[objects->count]);
        if (status != STAGE_OK)
            return status;
        stage_file_argument(name, source);
        snprintf(object, sizeof object, STAGE_OBJECTS "/%s", objects->names[objects->count++]);
        status = compile_one(stage, SOURCE, source, object, NULL);
        if (status != STAGE_OK)
            return status;
    }
    return STAGE_OK;
}

/* Settles what is called: *ret_entry is "main" or the name of a handler that is there. */
static int find_entry(const struct stage *stage, const struct stage_objects *objects,
                      const char **ret_entry)
{
    _cleanup_(freep) char *symbols = NULL;
    const char *wanted = stage->args[0];
    bool has_main = false;

    int status = stage_read_symbols(stage, objects, &symbols);
    if (status != STAGE_OK)
        return status;
    for (size_t i = 0; i < ARRAY_LEN(MAIN_NAMES); i++)
        has_main = has_main || stage_defines(symbols, MAIN_NAMES[i]);
    if (*wanted) {
        if (strcmp(wanted, "main") == 0 ? !has_main : !stage_defines(symbols, wanted))
            return stage_say(STAGE_REFUSED, "error: the source does not define its entry '%s'",
                             wanted);
        *ret_entry = wanted;
    } else if (stage_defines(symbols, "handler")) {
        *ret_entry = "handler";
    } else if (has_main) {
        *ret_entry = "main";
    } else {
        return stage_say(STAGE_REFUSED,
                         "error: the source defines neither 'handler' nor 'main' as a function");
    }
    return STAGE_OK;
}

/*
 * --stack-first: a stack that overflows runs into address 0 and traps, instead of into the data.
 * The name section stays: traps take function names from it.
 */
static int link_module(const struct stage *stage, const struct stage_objects *objects, bool handler)
{
    char stack[64];
    const char *command[BUILD_SOURCES_MAX + 16] = {
        "/usr/bin/clang",
        "--target=wasm32-wasi",
        "-fno-color-diagnostics",
        "-Wl,--stack-first",
        "-Wl,--threads=2",
        "-Wl,--error-limit=10",
        "-Wl,--strip-debug",
        stack,
        handler ? "-mexec-model=reactor" : "-O2",
        "-o",
        MODULE,
    };
    size_t count = 0;

    snprintf(stack, sizeof stack, "-Wl,-z,stack-size=%s", stage->args[1]);
    while (command[count])
        count++;
    for (size_t i = 0; i < objects->count; i++)
        command[count++] = objects->names[i];
    /* signal() and raise(), for those that use them. */
    command[count++] = "-lwasi-emulated-signal";
    command[count] = NULL;
    return stage_run_tool(stage, STAGE_OBJECTS, command, NULL);
}

int stage_compile(const struct stage *stage)
{
    struct stage_objects objects = {0};
    const char *entry = NULL;
    char define[128];

    if (stage->arg_count < 2)
        return stage_say(STAGE_BROKEN, "error: too few arguments");
    int status = stage_unpack();
    if (status == STAGE_OK)
        status = stage_prepare_objects();
    if (status == STAGE_OK)
        status = compile_all(stage, &objects);
    if (status == STAGE_OK)
        status = find_entry(stage, &objects, &entry);
    if (status != STAGE_OK)
        return status;

    bool handler = strcmp(entry, "main") != 0;
    char *memory = objects.names[objects.count++];
    snprintf(memory, sizeof objects.names[0], STAGE_SDK "/memory.o");
    status = compile_one(stage, STAGE_SDK, "memory.c", memory, "-mbulk-memory");
    if (status == STAGE_OK && handler) {
        /* function.c has the exports, and calls the entry. */
        snprintf(define, sizeof define, "-DVIREO_ENTRY=%s", entry);
        char *object = objects.names[objects.count++];
        snprintf(object, sizeof objects.names[0], STAGE_SDK "/function.o");
        status = compile_one(stage, STAGE_SDK, "function.c", object, define);
    }
    if (status == STAGE_OK)
        status = link_module(stage, &objects, handler);
    return status == STAGE_OK ? stage_send_file(MODULE) : status;
}
