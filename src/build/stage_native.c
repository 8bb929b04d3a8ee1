/*
 * Stage three: C from wasm2c becomes a shared object. Arguments: the optimisation ("-O2", "-O1")
 * and the macros of guest/sdk/shim.c, all chosen by the trusted side.
 */
#include <fcntl.h>
#include <string.h>

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
    "-shared",
    "-nostdlib",
    "-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code",
    "-Wl,--build-id=none,--hash-style=sysv",
    STAGE_SDK "/shim.c",
    STAGE_SDK "/module.c",
    STAGE_SCRATCH "/note.c",
    "-o",
    STAGE_SCRATCH "/library.so",
};

#define ARGS_MAX 16

static int unpack(void)
{
    static const char *const names[] = {STAGE_SCRATCH "/m.c", STAGE_SCRATCH "/m.h",
                                        STAGE_SCRATCH "/note.c"};
    struct stage_bundle bundle;
    const uint8_t *data;
    size_t size, at = sizeof bundle;

    if (stage_map_input(&data, &size) < 0 || size < sizeof bundle)
        return -1;
    memcpy(&bundle, data, sizeof bundle);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (bundle.sizes[i] > size - at ||
            stage_write_file(AT_FDCWD, names[i], data + at, (size_t)bundle.sizes[i]) < 0)
            return -1;
        at += (size_t)bundle.sizes[i];
    }
    return 0;
}

int stage_native(const struct stage *stage)
{
    const char *command[ARRAY_LEN(FLAGS) + ARGS_MAX + 1];
    size_t count = 0;

    if (stage->arg_count > ARGS_MAX)
        return stage_say(STAGE_BROKEN, "error: too many arguments");
    command[count++] = FLAGS[0];
    for (size_t i = 0; i < stage->arg_count; i++)
        command[count++] = stage->args[i];
    for (size_t i = 1; i < ARRAY_LEN(FLAGS); i++)
        command[count++] = FLAGS[i];
    command[count] = NULL;

    if (unpack() < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the translated module");
    int status = stage_write_sdk();
    if (status == STAGE_OK)
        status = stage_run_tool(stage, STAGE_SCRATCH, command, NULL);
    return status == STAGE_OK ? stage_send_file(STAGE_SCRATCH "/library.so") : status;
}
