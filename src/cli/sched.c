/* vireo sched: becomes vireo-sched, which loads the BPF scheduler and holds it. */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/options.h"

int cli_sched(int argc, char **argv)
{
    const char *timeout = NULL;
    const struct cli_option options[] = {{.name = "--timeout", .text = &timeout}};
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 0)
        return cli_usage("sched", "it takes no '%s'", argv[1]);
    _cleanup_(freep) char *program = cli_program_path("vireo-sched");
    const char *args[] = {"vireo-sched", timeout ? "--timeout" : NULL, timeout, NULL};
    if (program)
        execv(program, (char *const *)(uintptr_t)args);
    err_set(&err, program ? -errno : -ENOMEM, "cannot run '%s'", program ? program : "vireo-sched");
    return cli_error(&err, NULL);
}
