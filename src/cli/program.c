/* Where our other programs are: beside this one in a build tree, else where they are installed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"

char *cli_program_path(const char *program)
{
    char self[PATH_MAX];
    char *path = NULL;

    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        if (asprintf(&path, "%s/%s", self, program) < 0)
            return NULL;
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    if (asprintf(&path, "%s/%s", VIREO_LIBEXECDIR, program) < 0)
        return NULL;
    return path;
}
