/* vireo oci: the OCI runtime by the name of the command line. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"

int cli_oci(int argc, char **argv)
{
    _cleanup_(freep) char *path = cli_program_path("vireo-runtime");
    struct err err = {0};
    (void)argc;

    /* Every word is the runtime's own, options too. */
    argv[0] = (char *)"vireo-runtime";
    if (path)
        execv(path, argv);
    err_set(&err, path ? -errno : -ENOMEM, "cannot run '%s'", path ? path : "vireo-runtime");
    return cli_error(&err, NULL);
}
