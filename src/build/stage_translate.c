/* Stage two: a module, already checked by the trusted side, becomes C. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/stage.h"

int stage_translate(const struct stage *stage)
{
    static const char *const command[] = {
        "/usr/bin/wasm2c",    "-n", "m", STAGE_SCRATCH "/module.wasm", "-o",
        STAGE_SCRATCH "/m.c", NULL};
    static const char *const results[] = {STAGE_SCRATCH "/m.c", STAGE_SCRATCH "/m.h"};
    const uint8_t *module;
    size_t size;

    if (stage_map_input(&module, &size) < 0 ||
        stage_write_file(AT_FDCWD, STAGE_SCRATCH "/module.wasm", module, size) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot unpack the module");
    int status = stage_run_tool(stage, STAGE_SCRATCH, command, NULL);
    if (status != STAGE_OK)
        return status;
    return stage_send_bundle(results, ARRAY_LEN(results));
}
