/*
 * vireo-gateway: HTTP, without privileges. `calls` serves the public port, `admin` the admin
 * socket; the supervisor starts each as a uid of its own with the descriptors of faas/protocol.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "faas/gateway.h"
#include "faas/protocol.h"

static void usage(FILE *to)
{
    fputs("usage: vireo-gateway calls\n"
          "       vireo-gateway admin [--allow-uid UID]... [--admin-tcp [--admin-host NAME]]\n"
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

static int parse_admin(int argc, char **argv, struct gateway_admin_options *ret_options)
{
    static const struct option table[] = {
        {"allow-uid", required_argument, NULL, 'u'},
        {"admin-tcp", no_argument, NULL, 't'},
        {"admin-host", required_argument, NULL, 'h'},
        {0},
    };
    struct gateway_admin_options options = {0};
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        char *end;
        switch (c) {
        case 'u':
            errno = 0;
            unsigned long uid = strtoul(optarg, &end, 10);
            if (errno || *end || end == optarg || uid >= (uid_t)-1 || options.allow_uid_count == 8)
                return -EINVAL;
            options.allow_uids[options.allow_uid_count++] = (uid_t)uid;
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
    struct gateway_admin_options options;
    bool calls = argc == 2 && strcmp(argv[1], "calls") == 0;

    if (!calls && (argc < 2 || strcmp(argv[1], "admin") != 0 ||
                   parse_admin(argc - 1, argv + 1, &options) < 0)) {
        usage(stderr);
        return -EINVAL;
    }
    int last = calls || !options.tcp ? GATEWAY_LISTEN_FD : GATEWAY_TOKEN_FD;
    int r = check_unprivileged(err);
    if (r == 0)
        r = check_descriptors(last, err);
    if (r < 0)
        return r;
    return calls ? gateway_calls_run(err) : gateway_admin_run(&options, err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int r = run(argc, argv, &err);

    if (r == 0)
        return 0;
    if (err.code)
        fprintf(stderr, "vireo-gateway: %s\n", err.message);
    return r == -EINVAL ? 2 : 1;
}
