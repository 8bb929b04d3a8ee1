/*
 * vireo-build: one stage of a build, in the sandbox that build/sandbox.c made for it. Links nothing
 * of the supervisor's, sees no key and no network. Not for people: the descriptors and arguments
 * are build/stage.h's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/stage.h"

static const struct {
    const char *name;
    stage_function *run;
} STAGES[] = {
    {"compile", stage_compile},
    {"translate", stage_translate},
    {"native", stage_native},
};

#ifdef __SANITIZE_ADDRESS__
/* Of leaks the sanitizer learns from /proc, which the sandbox has not; all else it finds here too.
 */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

int main(int argc, char **argv)
{
    /* Outside a pid namespace of its own it would leave processes behind, and write to the host. */
    if (argc < 4 || getpid() != 1)
        return stage_say(STAGE_BROKEN, "vireo-build: started by vireo in a sandbox, not by hand");

    struct stage stage = {
        .memory_bytes = strtoull(argv[2], NULL, 10),
        .cpu_seconds = (uint32_t)strtoul(argv[3], NULL, 10),
        .args = (const char *const *)argv + 4,
        .arg_count = (size_t)argc - 4,
    };
    int r = stage_forbid_calls();
    if (r < 0)
        return stage_say(STAGE_BROKEN, "error: cannot filter system calls: %s", strerror(-r));
    if (mkdir("/work/tmp", 0700) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot make '/work/tmp': %s", strerror(errno));
    for (size_t i = 0; i < ARRAY_LEN(STAGES); i++)
        if (strcmp(argv[1], STAGES[i].name) == 0)
            return STAGES[i].run(&stage);
    return stage_say(STAGE_BROKEN, "error: unknown stage '%s'", argv[1]);
}
