/* Flags of the verbs, by getopt_long(3). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/runtime.h"

#define OPTIONS_MAX 40

static int take_option(const struct verb_option *option, const char *value, struct err *err)
{
    if (option->flag)
        *option->flag = true;
    if (option->value)
        *option->value = value;
    return option->take ? option->take(option->data, value, err) : 0;
}

int verb_options(int argc, char **argv, const struct verb_option *options, bool stop, int min,
                 int max, char ***ret_words, struct err *err)
{
    struct option longs[OPTIONS_MAX + 1] = {0};
    char shorts[3 * OPTIONS_MAX] = "", *p = shorts;
    int found;

    *p++ = stop ? '+' : ':';
    if (stop)
        *p++ = ':';
    for (size_t i = 0; options[i].name && i < OPTIONS_MAX; i++) {
        longs[i] = (struct option){.name = options[i].name,
                                   .has_arg = options[i].flag ? no_argument : required_argument,
                                   .val = 256 + (int)i};
        if (options[i].letter) {
            *p++ = options[i].letter;
            if (!options[i].flag)
                *p++ = ':';
        }
    }
    *p = '\0';
    optind = 0;
    opterr = 0;
    while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        size_t i = found >= 256 ? (size_t)found - 256 : 0;
        if (found == ':')
            return err_say(err, -EINVAL, "cannot read the flag '%s': it needs a value",
                           argv[optind - 1]);
        if (found == '?')
            return err_say(err, -EINVAL,
                           "cannot read the flag '%s': %s has no such flag (see --help)",
                           argv[optind - 1], argv[0]);
        if (found < 256)
            while (options[i].letter != found)
                i++;
        int r = take_option(&options[i], optarg, err);
        if (r < 0)
            return r;
    }
    int words = argc - optind;
    if (words < min)
        return err_say(err, -EINVAL, "cannot run '%s': %s is missing (see --help)", argv[0],
                       words == 0 ? "the container's id" : "a word");
    if (max > 0 && words > max)
        return err_say(err, -EINVAL, "cannot run '%s': '%s' is a word too many", argv[0],
                       argv[optind + max]);
    *ret_words = argv + optind;
    return words;
}

int verb_container(const struct runtime *runtime, int argc, char **argv,
                   struct oci_state **ret_state, struct err *err)
{
    const struct verb_option none[] = {{NULL}};
    char **words;
    int r = verb_options(argc, argv, none, false, 1, 1, &words, err);

    return r < 0 ? r : oci_state_open(runtime->root, words[0], ret_state, err);
}

int verb_number(const char *flag, const char *text, long long min, long long max,
                long long *ret_number, struct err *err)
{
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
        return err_say(err, -EINVAL, "cannot read --%s '%s': it is a number from %lld to %lld",
                       flag, text, min, max);
    *ret_number = number;
    return 0;
}

int verb_write_pid(const char *path, pid_t pid, struct err *err)
{
    _cleanup_(freep) char *aside = NULL;
    char text[16];
    int length = snprintf(text, sizeof text, "%d", pid);
    struct stat status;

    /* The rename would take the place of a device, a pipe or a link such as /dev/stdout. */
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return err_say(err, -EEXIST, "cannot write '%s': it is there, and no regular file", path);
    if (asprintf(&aside, "%s.new", path) < 0)
        return err_set(err, -ENOMEM, "cannot write '%s'", path);
    _cleanup_(closep) int fd =
        open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    int r = fd < 0 ? -errno : fd_write_full(fd, text, (size_t)length);
    if (r == 0 && rename(aside, path) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        unlink(aside);
    return r < 0 ? err_set(err, r, "cannot write '%s'", path) : 0;
}

void runtime_environment(struct oci_launch_options *options)
{
    const char *fds = getenv("LISTEN_FDS");

    /* As runc and crun: whoever starts a runtime with the variable means it. */
    if (fds) {
        long count = strtol(fds, NULL, 10);
        if (count > 0 && count < 1024)
            options->listen_fds = (unsigned)count;
    }
    const char *notify = getenv("NOTIFY_SOCKET");
    if (notify && notify[0] == '/')
        options->notify_socket = notify;
}
