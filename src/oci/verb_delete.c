/* kill and delete. */
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "oci/hooks.h"
#include "oci/host_root.h"
#include "oci/realtime.h"
#include "oci/runtime.h"

DEFINE_CLEANUP(struct oci_config, oci_config_free)
DEFINE_CLEANUP(struct oci_state, oci_state_close)

/* Real-time signals as glibc counts them, and with it systemd, engines and most images: musl's
 * SIGRTMIN is another number. */
#define REALTIME_FIRST 34
#define REALTIME_LAST 64

/* "9", "KILL", "SIGKILL", "sigkill", "RTMIN+3". -1: none of these. */
static int signal_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end != text)
        return *end == '\0' && number >= 0 && number < NSIG ? (int)number : -1;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (int i = 1; i < REALTIME_FIRST; i++) {
        const char *name = sigabbrev_np(i);
        if (name && strcasecmp(name, text) == 0)
            return i;
    }
    const bool from_end = strncasecmp(text, "RTMAX", 5) == 0;
    if (!from_end && strncasecmp(text, "RTMIN", 5) != 0)
        return -1;
    if (text[5] == '\0')
        return from_end ? REALTIME_LAST : REALTIME_FIRST;
    number = strtol(text + 5, &end, 10); /* with its sign */
    if (*end != '\0' || (text[5] != '+' && text[5] != '-'))
        return -1;
    number += from_end ? REALTIME_LAST : REALTIME_FIRST;
    return number >= REALTIME_FIRST && number <= REALTIME_LAST ? (int)number : -1;
}

static int kill_one(struct runtime *runtime, const char *id, int number, bool all, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    int r = oci_state_open(runtime->root, id, &state, err);

    if (r < 0)
        return r;
    /* Those that the container's process left behind may still be there: no look at the status. */
    if (all)
        return oci_launch_kill_all(&state->place, number, err);
    enum oci_status status = oci_state_status(state);
    if (status == OCI_STOPPED || status == OCI_CREATING)
        return err_say(err, -ESRCH, "cannot kill '%s': container not running (it is %s)", id,
                       oci_status_name(status));
    return oci_launch_kill(&state->place, number, err);
}

/* Does something to every container whose id the expression matches. */
static int for_each_match(struct runtime *runtime, const char *expression,
                          int (*act)(struct runtime *, const char *id, int number, bool flag,
                                     struct err *),
                          int number, bool flag, struct err *err)
{
    regex_t regex;
    char **ids;
    size_t count;
    int r = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);

    if (r != 0)
        return err_say(err, -EINVAL, "cannot use '%s': it is no regular expression", expression);
    r = oci_state_ids(runtime->root, &ids, &count, err);
    for (size_t i = 0; i < count; i++) {
        if (r >= 0 && regexec(&regex, ids[i], 0, NULL, 0) == 0)
            r = act(runtime, ids[i], number, flag, err);
        free(ids[i]);
    }
    free(ids);
    regfree(&regex);
    return r;
}

int verb_kill(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    bool all = false, regex = false;
    char **words;
    const struct verb_option options[] = {
        {.name = "all", .letter = 'a', .flag = &all},
        {.name = "regex", .letter = 'r', .flag = &regex},
        {NULL},
    };
    int r = verb_options(argc, argv, options, false, 1, 2, &words, err);

    if (r < 0)
        return r;
    int number = r < 2 ? SIGTERM : signal_number(words[1]);
    if (number < 0)
        return err_say(err, -EINVAL, "cannot send '%s': there is no such signal", words[1]);
    return regex ? for_each_match(runtime, words[0], kill_one, number, all, err)
                 : kill_one(runtime, words[0], number, all, err);
}

int runtime_poststop(struct runtime *runtime, const struct oci_state *state,
                     const struct oci_config *config, struct err *err)
{
    if (config->hooks[OCI_HOOK_POSTSTOP].count == 0 || !state->bundle)
        return 0;
    _cleanup_(freep) char *text = oci_state_text_of(state, "stopped", 0);
    if (!text)
        return err_set(err, -ENOMEM, "cannot run hooks of '%s'", state->id);
    /* The specification: a poststop hook that fails is a warning. */
    oci_hooks_run_all(config, OCI_HOOK_POSTSTOP, text, state->bundle, runtime_warn, runtime);
    return 0;
}

int runtime_remove(struct runtime *runtime, struct oci_state *state,
                   const struct oci_config *config, struct err *err)
{
    _cleanup_(oci_config_freep) struct oci_config *read = NULL;
    struct err unread = {0};
    struct vkernel vkernel;
    oci_vkernel_load(state->fd, &vkernel, NULL);
    const bool had_realtime = vkernel.sched.realtime > 0;
    if (had_realtime)
        realtime_take_back(state->place.cgroup_path);
    int r = oci_launch_remove(&state->place, err);
    if (r == 0 && had_realtime) /* where somebody was left */
        realtime_take_back(state->place.cgroup_path);
    /* Its broker, and who looks at its scheduling, outlive it for a moment: they have made their
     * change, or find that it is gone, before another container has its name. */
    _cleanup_(closep) int lock = vkernel_is_set(&vkernel) ? oci_vkernel_lock(state->fd, NULL) : -1;
    if (r == 0 && state->rootfs)
        r = host_root_remove(state->rootfs, state->place.root_mount, err);
    if (r < 0)
        return r;
    /* A create that crashed may not have written it. */
    if (!config && oci_state_config(state, &read, &unread) == 0)
        config = read;
    r = oci_state_remove(state, err);
    return r < 0 || !config ? r : runtime_poststop(runtime, state, config, err);
}

/* Until process 1 is gone; the kernel may take its time, but not for ever. */
static void wait_until_stopped(const struct oci_state *state)
{
    const int64_t deadline = clock_now_ns() + 10ll * 1000000000;
    struct timespec pause = {.tv_nsec = 1000000};

    while (oci_state_status(state) != OCI_STOPPED && clock_now_ns() < deadline) {
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 50000000)
            pause.tv_nsec *= 2;
    }
}

static int delete_one(struct runtime *runtime, const char *id, int unused, bool force,
                      struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    struct err missing = {0};
    (void)unused;
    int r = force ? oci_state_open_damaged(runtime->root, id, &state, &missing)
                  : oci_state_open(runtime->root, id, &state, &missing);

    if (r >= 0 && !force) {
        /* Before the lock: a create that works must be an error now, not in a while. */
        enum oci_status status = oci_state_status(state);
        if (status != OCI_STOPPED)
            return err_say(err, -EBUSY, "cannot delete '%s': the container is %s, not stopped", id,
                           oci_status_name(status));
    }
    if (r >= 0)
        r = oci_state_lock(state, &missing);
    if (r == -ENOENT && force)
        return 0;
    if (r < 0) {
        *err = missing;
        return r;
    }
    if (state->damaged) {
        char text[OCI_ID_MAX_BYTES + 120];
        snprintf(text, sizeof text, "'%s': its state file is damaged: %s", id,
                 state->place.cgroup_path[0]
                     ? "its processes and groups are removed, its hooks not run"
                     : "what it had besides is not known, and left");
        runtime_report(runtime, "warning", text);
    }
    if (oci_state_status(state) != OCI_STOPPED && !force)
        return err_say(err, -EBUSY, "cannot delete '%s': the container is not stopped", id);
    if (oci_state_status(state) != OCI_STOPPED) {
        oci_launch_kill(&state->place, SIGKILL, NULL);
        oci_launch_kill_all(&state->place, SIGKILL, NULL);
        oci_launch_freeze(&state->place, false, NULL);
        wait_until_stopped(state);
    }
    return runtime_remove(runtime, state, NULL, err);
}

int verb_delete(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    bool force = false, regex = false;
    char **words;
    const struct verb_option options[] = {
        {.name = "force", .letter = 'f', .flag = &force},
        {.name = "regex", .letter = 'r', .flag = &regex},
        {NULL},
    };
    int r = verb_options(argc, argv, options, false, 1, 1, &words, err);

    if (r < 0)
        return r;
    return regex ? for_each_match(runtime, words[0], delete_one, 0, force, err)
                 : delete_one(runtime, words[0], 0, force, err);
}
