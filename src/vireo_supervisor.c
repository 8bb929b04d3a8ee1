/* vireo-supervisor: the privileged half of `vireo serve`, which executes it with its own options.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_main.h"
#include "pvm/pvm.h"

static int usage(void)
{
    fputs("usage: vireo-supervisor --listen ADDR:PORT --state DIR [--config FILE]\n"
          "                        [--admin-listen ADDR:PORT --admin-token FILE]\n"
          "                        [--log-format text|json|journal] [--log-calls]\n"
          "       vireo-supervisor --reserve-uids\n"
          "It is started by `vireo serve`. --reserve-uids makes the range of sandboxes' uids in\n"
          "/etc/subuid and /etc/subgid, unless it is there, and ends.\n",
          stderr);
    return 2;
}

/* For the installer of a package: the service then needs not write to /etc. */
static int reserve_uids(void)
{
    struct err err = {0};
    uint32_t count;
    uid_t first;
    bool added;

    int r = pvm_uid_range(&first, &count, &added, &err);
    if (r < 0)
        fprintf(stderr, "vireo: %s\n", err.message);
    return r < 0 ? 1 : 0;
}

/* In the form asked for (NULL: not), else to journald when that reads standard error, else as text.
 */
static int open_log(const char *word, int *ret_journal_fd, struct err *err)
{
    enum log_format format = !word && log_stderr_is_journal() ? LOG_JOURNAL : LOG_TEXT;
    int fd = -1;

    if (word && !log_format_parse(word, &format))
        return err_say(err, -EINVAL, "cannot log as '%s': text, json and journal are known", word);
    if (format == LOG_JOURNAL) {
        int r = log_journal_connect(&fd, err);
        if (r < 0 && word)
            return r;
        if (r < 0)
            format = LOG_TEXT;
    }
    log_open(format, "vireo-supervisor", fd);
    *ret_journal_fd = fd;
    return 0;
}

/* As docs/cli.md has them. */
static int exit_code(int negative_errno)
{
    switch (negative_errno) {
    case -EINVAL:
        return 2;
    case -ENOENT:
        return 3;
    case -EPERM:
    case -EACCES:
        return 4;
    case -ENOSPC:
    case -EDQUOT:
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
        return 5;
    default:
        return 1;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"state", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'},
        {"admin-listen", required_argument, NULL, 'a'},
        {"admin-token", required_argument, NULL, 't'},
        {"verbose", no_argument, NULL, 'v'},
        {"quiet", no_argument, NULL, 'q'},
        {"reserve-uids", no_argument, NULL, 'r'},
        {"log-format", required_argument, NULL, 'f'},
        {"log-calls", no_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    struct supervisor_config config = {
        .listen = "127.0.0.1:8080",
        .state_dir = "/var/lib/vireo",
        .allow_uid = getuid(),
        .journal_fd = -1,
    };
    const char *log_word = NULL;
    char self[4096];
    struct err err = {0};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            config.listen = optarg;
            break;
        case 's':
            config.state_dir = optarg;
            break;
        case 'c':
            config.config_file = optarg;
            break;
        case 'a':
            config.admin_listen = optarg;
            break;
        case 't':
            config.admin_token_file = optarg;
            break;
        case 'f':
            log_word = optarg;
            break;
        case 'i':
            config.log_calls = true;
            break;
        case 'v':
            log_set_level(LOG_DEBUG);
            break;
        case 'q':
            log_set_level(LOG_WARNING);
            break;
        case 'r':
            return reserve_uids();
        default:
            return usage();
        }
    }
    if (optind != argc)
        return usage();
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) {
        perror("vireo: cannot find itself");
        return 70;
    }
    self[n] = '\0';
    config.program_dir = dirname(self);

    int r = open_log(log_word, &config.journal_fd, &err);
    if (r == 0)
        r = supervisor_serve(&config, &err);
    if (r < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        return exit_code(r);
    }
    return 0;
}
