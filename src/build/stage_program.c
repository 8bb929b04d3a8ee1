/*
 * "program": C sources become a root file system of one file, a static program for this machine:
 * what a function runs as that can neither be proved nor translated. Arguments: the sources' names;
 * the input is the packed source, the result a tar.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "build/stage.h"

#define ROOT STAGE_SCRATCH "/root"
#define IMAGE STAGE_SCRATCH "/rootfs.tar"

static int compile(const struct stage *stage)
{
    static char names[BUILD_SOURCES_MAX][STAGE_NAME_BYTES];
    const char *command[BUILD_SOURCES_MAX + 24] = {
        "/usr/bin/gcc",
        "-std=gnu17",
        "-O2",
        "-march=x86-64-v2",
        "-static",
        "-fstack-protector-strong",
        "-fstack-clash-protection",
        "-fdiagnostics-color=never",
        "-fmax-errors=10",
        "-I.",
        "-Wl,-z,relro,-z,now,-z,noexecstack,--build-id=none,--strip-all",
        "-o",
        ROOT "/function",
    };
    size_t count = 0;

    while (command[count])
        count++;
    for (size_t i = 0; i < stage->arg_count; i++) {
        stage_file_argument(stage->args[i], names[i]);
        command[count++] = names[i];
    }
    command[count++] = "-lm";
    command[count++] = "-pthread";
    return stage_run_tool(stage, STAGE_SOURCE, command, NULL);
}

/* Equal programs are equal images. */
static int pack(const struct stage *stage)
{
    static const char *const command[] = {
        "/usr/bin/tar",    "--create",    "--format=ustar", "--mtime=@0", "--owner=0", "--group=0",
        "--numeric-owner", "--mode=0755", "--file=" IMAGE,  "function",   NULL};

    return stage_run_tool(stage, ROOT, command, NULL);
}

int stage_program(const struct stage *stage)
{
    if (stage->arg_count == 0 || stage->arg_count > BUILD_SOURCES_MAX)
        return stage_say(STAGE_BROKEN, "error: cannot compile %zu sources", stage->arg_count);
    if (mkdir(ROOT, 0755) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot make '%s': %s", ROOT, strerror(errno));
    int status = stage_unpack();
    if (status == STAGE_OK)
        status = compile(stage);
    if (status == STAGE_OK)
        status = pack(stage);
    return status == STAGE_OK ? stage_send_file(IMAGE) : status;
}
