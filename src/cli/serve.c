/* vireo serve: becomes the supervisor, the daemon's privileged part. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/options.h"

/* What the supervisor would refuse too, but before anything is made. */
static bool address_holds(const char *option, const char *address, int *ret_exit)
{
    struct endpoint endpoint;
    struct err reason = {0};

    if (!address || endpoint_listen_parse(address, &endpoint, &reason) == 0)
        return true;
    *ret_exit = cli_usage("serve", "'%s %s': %s", option, address, reason.message);
    return false;
}

int cli_serve(int argc, char **argv)
{
    const char *listen = "127.0.0.1:8080";
    const char *config = NULL;
    const char *admin_listen = NULL;
    const char *admin_token = NULL;
    const char *log_format = NULL;
    bool log_calls = false;
    const struct cli_option options[] = {
        {.name = "--listen", .text = &listen},
        {.name = "--config", .text = &config},
        {.name = "--admin-listen", .text = &admin_listen},
        {.name = "--admin-token", .text = &admin_token},
        {.name = "--log-format", .text = &log_format},
        {.name = "--log-calls", .flag = &log_calls},
    };
    struct err err = {0};
    int words, exit;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 0)
        return cli_usage("serve", "it takes no '%s'", argv[1]);
    if ((admin_listen != NULL) != (admin_token != NULL))
        return cli_usage("serve", "--admin-listen and --admin-token FILE go together: "
                                  "administration over TCP needs a token");
    if (!address_holds("--listen", listen, &exit) ||
        !address_holds("--admin-listen", admin_listen, &exit))
        return exit;
    if (geteuid() != 0) {
        err_say(&err, -EPERM,
                "cannot serve: the supervisor makes namespaces, control groups and "
                "uids, which needs root");
        return cli_error(&err, "sudo vireo serve, or vireo run FILE, which needs no daemon");
    }

    _cleanup_(freep) char *program = cli_program_path("vireo-supervisor");
    if (!program) {
        err_set(&err, -ENOMEM, "cannot serve");
        return cli_error(&err, NULL);
    }
    const char *args[16] = {"vireo-supervisor", "--listen", listen, "--state", cli.state_dir};
    size_t count = 5;
    const struct {
        const char *name, *value;
    } others[] = {{"--config", config},
                  {"--admin-listen", admin_listen},
                  {"--admin-token", admin_token},
                  {"--log-format", log_format}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (others[i].value) {
            args[count++] = others[i].name;
            args[count++] = others[i].value;
        }
    }
    if (log_calls)
        args[count++] = "--log-calls";
    execv(program, (char *const *)(uintptr_t)args);
    err_set(&err, -errno, "cannot run '%s'", program);
    return cli_error(&err, NULL);
}
