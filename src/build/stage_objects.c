/* Objects of the sources of a stage, and what they define. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/stage.h"

#define SYMBOLS_MAX_BYTES (16 << 20)

int stage_prepare_objects(void)
{
    if (mkdir(STAGE_OBJECTS, 0755) < 0)
        return stage_say(STAGE_BROKEN, "error: cannot make '%s': %s", STAGE_OBJECTS,
                         strerror(errno));
    return stage_write_sdk();
}

int stage_object_make(const char *source, char name[STAGE_NAME_BYTES])
{
    _cleanup_(closep) int directory = open(STAGE_OBJECTS, O_DIRECTORY | O_PATH | O_CLOEXEC);

    /* The tar's paths are shorter than the argument's room. */
    stage_file_argument(source, name);
    name[strlen(name) - 1] = 'o';
    /* An empty file, so that its folder is there: a compiler that wrote none fails the link. */
    int r = stage_write_file(directory, name, "", 0);
    if (r < 0)
        return stage_say(STAGE_REFUSED, "error: cannot make the object of '%s': %s", source,
                         strerror(-r));
    return STAGE_OK;
}

bool stage_defines(const char *symbols, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = symbols; line && *line;) {
        if (strncmp(line, name, length) == 0 &&
            (strncmp(line + length, " T ", 3) == 0 || strncmp(line + length, " W ", 3) == 0))
            return true;
        line = strchr(line, '\n');
        if (line)
            line++;
    }
    return false;
}

int stage_read_symbols(const struct stage *stage, const struct stage_objects *objects,
                       char **ret_text)
{
    const char *command[BUILD_SOURCES_MAX + 8] = {"/usr/bin/llvm-nm-14", "--format=posix",
                                                  "--defined-only", "--extern-only"};
    struct err err = {0};
    size_t size, count = 4;

    for (size_t i = 0; i < objects->count; i++)
        command[count++] = objects->names[i];
    command[count] = NULL;
    int status = stage_run_tool(stage, STAGE_OBJECTS, command, STAGE_SCRATCH "/symbols");
    if (status != STAGE_OK)
        return status;
    if (fd_read_file(AT_FDCWD, STAGE_SCRATCH "/symbols", SYMBOLS_MAX_BYTES, ret_text, &size, &err) <
        0)
        return stage_say(STAGE_BROKEN, "error: %s", err.message);
    return STAGE_OK;
}
