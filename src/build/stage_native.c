/*
 * Stage three: C from wasm2c becomes a shared object. Arguments: the optimisation ("-O2", "-O1")
 * and the macros of guest/sdk/shim.c, all chosen by the trusted side.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/stage.h"

/* The reasons are at the top of guest/sdk/shim.c. */
static const char *const FLAGS[] = {
    "/usr/bin/gcc",
    "-I" STAGE_SCRATCH,
    "-I" STAGE_SDK,
    "-std=gnu17",
    "-w",
    "-DNDEBUG",
    "-march=x86-64-v2",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-plt",
    "-fno-math-errno",
    "-frounding-math",
    "-fsignaling-nans",
    "-ffp-contract=off",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fno-delete-null-pointer-checks",
    "-fstack-clash-protection",
    "-fno-tree-loop-distribute-patterns",
    "-fno-ipa-icf",
    "-fno-inline-functions",
    "-fno-inline-small-functions",
    "-fno-inline-functions-called-once",
    "-fno-partial-inlining",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-U_FORTIFY_SOURCE",
    "-U__SUPPORT_SNAN__",
};

static const char *const LINK[] = {
    "-shared",
    "-nostdlib",
    "-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code",
    "-Wl,--build-id=none,--hash-style=sysv",
    STAGE_SDK "/shim.c",
    STAGE_SCRATCH "/note.c",
    "-o",
    STAGE_SCRATCH "/library.so",
};

#define MODULE_TEXT STAGE_SCRATCH "/m.c" /* module.c includes it */
#define MODULE_C STAGE_SDK "/module.c"
/* 600 MiB for gcc -O1. */
#define PIECE_BYTES (8u << 20)
#define OBJECTS_MAX 65 /* of the largest translation: 512 MiB */
#define ARGS_MAX 16

/* What gcc is called with. */
struct command {
    const char *args[ARRAY_LEN(FLAGS) + ARGS_MAX + ARRAY_LEN(LINK) + OBJECTS_MAX + 1];
    size_t count;
};

static void add(struct command *command, const char *arg)
{
    command->args[command->count++] = arg;
    command->args[command->count] = NULL;
}

static void command_begin(struct command *command, const struct stage *stage)
{
    command->count = 0;
    add(command, FLAGS[0]);
    for (size_t i = 0; i < stage->arg_count; i++)
        add(command, stage->args[i]);
    for (size_t i = 1; i < ARRAY_LEN(FLAGS); i++)
        add(command, FLAGS[i]);
}

/* m.c is left in the input: `ret_text` points there. */
static int unpack(const char **ret_text, size_t *ret_size)
{
    static const char *const names[] = {NULL, STAGE_SCRATCH "/m.h", STAGE_SCRATCH "/note.c"};
    struct stage_bundle bundle;
    const uint8_t *data;
    size_t size, at = sizeof bundle;

    if (stage_map_input(&data, &size) < 0 || size < sizeof bundle)
        return -1;
    memcpy(&bundle, data, sizeof bundle);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (bundle.sizes[i] > size - at ||
            (names[i] &&
             stage_write_file(AT_FDCWD, names[i], data + at, (size_t)bundle.sizes[i]) < 0))
            return -1;
        if (i == 0) {
            *ret_text = (const char *)data + at;
            *ret_size = (size_t)bundle.sizes[i];
        }
        at += (size_t)bundle.sizes[i];
    }
    return 0;
}

static int compile_piece(const struct stage *stage, const char *text, size_t size, size_t piece,
                         const char *object)
{
    struct command command;

    if (stage_write_piece(MODULE_TEXT, text, size, PIECE_BYTES, piece) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write piece %zu of the module", piece);
    command_begin(&command, stage);
    add(&command, MODULE_C);
    add(&command, "-c");
    add(&command, "-o");
    add(&command, object);
    int status = stage_run_tool(stage, STAGE_SCRATCH, command.args, NULL);
    unlink(MODULE_TEXT);
    return status;
}

/* At once if it is small: gcc sees most then. */
static int compile_and_link(const struct stage *stage, const char *text, size_t size)
{
    char objects[OBJECTS_MAX][sizeof STAGE_SCRATCH + sizeof "/piece-18446744073709551615.o"];
    size_t count = stage_piece_count(size, PIECE_BYTES);
    struct command command;

    if (count > ARRAY_LEN(objects))
        return stage_say(STAGE_BROKEN, "error: the translated module is too large");
    for (size_t i = 0; i < count && count > 1; i++) {
        snprintf(objects[i], sizeof objects[i], STAGE_SCRATCH "/piece-%zu.o", i);
        int status = compile_piece(stage, text, size, i, objects[i]);
        if (status != STAGE_OK)
            return status;
    }
    if (count == 1 && stage_write_file(AT_FDCWD, MODULE_TEXT, text, size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot write the translated module");
    command_begin(&command, stage);
    for (size_t i = 0; i < ARRAY_LEN(LINK); i++)
        add(&command, LINK[i]);
    if (count == 1)
        add(&command, MODULE_C);
    for (size_t i = 0; i < count && count > 1; i++)
        add(&command, objects[i]);
    return stage_run_tool(stage, STAGE_SCRATCH, command.args, NULL);
}

int stage_native(const struct stage *stage)
{
    const char *text;
    size_t size;

    if (stage->arg_count > ARGS_MAX)
        return stage_say(STAGE_BROKEN, "error: too many arguments");
    if (unpack(&text, &size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the translated module");
    int status = stage_write_sdk();
    if (status == STAGE_OK)
        status = compile_and_link(stage, text, size);
    return status == STAGE_OK ? stage_send_file(STAGE_SCRATCH "/library.so") : status;
}
