/*
 * vireo-build: one stage of a build, in the sandbox that build/sandbox.c made for it. Links nothing
 * of the supervisor's, sees no key and no network. Not for people: the descriptors and arguments
 * are build/stage.h's.
 */
#include <string.h>

#include "base/cleanup.h"
#include "build/stage.h"

static const struct {
    const char *name;
    stage_function *run;
} STAGES[] = {
    {"compile", stage_compile}, {"translate", stage_translate}, {"native", stage_native},
    {"library", stage_library}, {"link", stage_link},           {"program", stage_program},
    {"quick", stage_quick},
};

int main(int argc, char **argv)
{
    struct stage stage;
    int status = stage_begin(argc, argv, 0, &stage);

    if (status != STAGE_OK)
        return status;
    for (size_t i = 0; i < ARRAY_LEN(STAGES); i++)
        if (strcmp(argv[1], STAGES[i].name) == 0)
            return STAGES[i].run(&stage);
    return stage_say(STAGE_BROKEN, "error: unknown stage '%s'", argv[1]);
}
