/*
 * vireo-gateway: HTTP, without privileges. `calls` serves the public port, `admin` the admin
 * socket; the supervisor starts each as a uid of its own with the descriptors of faas/protocol.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "faas/gateway.h"
#include "faas/protocol.h"

static void usage(FILE *to)
{
    fputs("usage: vireo-gateway calls [--log FORMAT] [--log-rate BYTES] [--log-calls]\n"
          "       vireo-gateway admin [--log FORMAT] [--log-ring BYTES] [--allow-uid UID]...\n"
          "                           [--admin-tcp [--admin-host NAME]]\n"
          "Started by vireo-supervisor.\n",
          to);
}

/* Whoever starts it must have dropped everything: root, and every capability. */
static int check_unprivileged(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    if (getenv("VIREO_TEST"))
        return 0;
    if (getuid() == 0 || geteuid() == 0)
        return err_say(err, -EPERM, "cannot start as root: HTTP is served without privileges");
    if (syscall(SYS_capget, &head, data) < 0)
        return err_set(err, -errno, "cannot read the gateway's capabilities");
    if (data[0].permitted | data[1].permitted | data[0].inheritable | data[1].inheritable)
        return err_say(err, -EPERM, "cannot start with capabilities: drop them all");
    return 0;
}

static int check_descriptors(int last, struct err *err)
{
    for (int fd = GATEWAY_SUPERVISOR_FD; fd <= last; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return err_set(err, -errno, "cannot start: descriptor %d", fd);
    return 0;
}

/* A number up to `max`. */
static int parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int parse_calls(int argc, char **argv, struct gateway_calls_options *ret_options,
                       enum log_format *ret_format)
{
    static const struct option table[] = {
        {"log", required_argument, NULL, 'f'},
        {"log-rate", required_argument, NULL, 'r'},
        {"log-calls", no_argument, NULL, 'c'},
        {0},
    };
    struct gateway_calls_options options = {.log_rate = LOG_RATE_BYTES};
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (c == 'c')
            options.log_calls = true;
        else if (c == 'f'
                     ? !log_format_parse(optarg, ret_format)
                     : c != 'r' || parse_number(optarg, LOG_RATE_MAX_BYTES, &options.log_rate) < 0)
            return -EINVAL;
    }
    if (optind != argc)
        return -EINVAL;
    *ret_options = options;
    return 0;
}

static int parse_admin(int argc, char **argv, struct gateway_admin_options *ret_options,
                       enum log_format *ret_format)
{
    static const struct option table[] = {
        {"allow-uid", required_argument, NULL, 'u'},  {"log", required_argument, NULL, 'f'},
        {"log-ring", required_argument, NULL, 'l'},   {"admin-tcp", no_argument, NULL, 't'},
        {"admin-host", required_argument, NULL, 'h'}, {0},
    };
    struct gateway_admin_options options = {.log_ring_bytes = LOG_RING_BYTES};
    uint64_t number;
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case 'u':
            if (parse_number(optarg, (uid_t)-2, &number) < 0 || options.allow_uid_count == 8)
                return -EINVAL;
            options.allow_uids[options.allow_uid_count++] = (uid_t)number;
            break;
        case 'l':
            if (parse_number(optarg, LOG_RING_MAX_BYTES, &number) < 0 ||
                number < LOG_RING_MIN_BYTES || (number & (number - 1)) != 0)
                return -EINVAL;
            options.log_ring_bytes = (size_t)number;
            break;
        case 'f':
            if (!log_format_parse(optarg, ret_format))
                return -EINVAL;
            break;
        case 't':
            options.tcp = true;
            break;
        case 'h':
            options.tcp_host = optarg;
            break;
        default:
            return -EINVAL;
        }
    }
    if (optind != argc)
        return -EINVAL;
    *ret_options = options;
    return 0;
}

static int run(int argc, char **argv, struct err *err)
{
    struct gateway_calls_options calls_options;
    struct gateway_admin_options options;
    enum log_format format = LOG_TEXT;
    const char *role = argc > 1 ? argv[1] : "";
    bool calls = strcmp(role, "calls") == 0;
    int parsed = calls ? parse_calls(argc - 1, argv + 1, &calls_options, &format)
                 : strcmp(role, "admin") == 0 ? parse_admin(argc - 1, argv + 1, &options, &format)
                                              : -EINVAL;

    if (parsed < 0) {
        usage(stderr);
        return -EINVAL;
    }
    int last = calls || !options.tcp ? GATEWAY_LISTEN_FD : GATEWAY_TOKEN_FD;
    int r = check_unprivileged(err);
    if (r == 0)
        r = check_descriptors(last, err);
    if (r < 0)
        return r;
    log_open(format, calls ? "vireo-gateway calls" : "vireo-gateway admin",
             format == LOG_JOURNAL ? GATEWAY_JOURNAL_FD : -1);
    return calls ? gateway_calls_run(&calls_options, err) : gateway_admin_run(&options, err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int r = run(argc, argv, &err);

    if (r == 0)
        return 0;
    if (err.code)
        log_line(LOG_ERROR, "%s", err.message);
    return r == -EINVAL ? 2 : 1;
}
