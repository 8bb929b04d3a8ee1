/* Adaptive scheduling: what a group does, and which policy follows from it. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "vkernel/scheduling.h"

/* Of a /proc file that is read whole; both fit several times. */
#define TEXT_BYTES 4096

static ssize_t read_text(int directory, const char *path, char text[static TEXT_BYTES])
{
    _cleanup_(closep) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_BYTES - 1);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    return n;
}

static uint64_t number_behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* The idle time of all CPUs, waiting for a disk included. */
static int read_idle(uint64_t *ret_us)
{
    char text[TEXT_BYTES];
    unsigned long long idle = 0, wait = 0;
    ssize_t n = read_text(AT_FDCWD, "/proc/stat", text);

    if (n < 0)
        return (int)n;
    if (sscanf(text, "cpu %*u %*u %*u %llu %llu", &idle, &wait) != 2)
        return -EBADMSG;
    *ret_us = (idle + wait) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return 0;
}

static uint64_t process_switches(pid_t pid)
{
    char text[TEXT_BYTES], path[32];
    uint64_t switches = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return 0;
    for (struct dirent *entry; (entry = readdir(tasks));) {
        char name[sizeof entry->d_name + 8];
        snprintf(name, sizeof name, "%s/status", entry->d_name);
        if (entry->d_name[0] == '.' || read_text(dirfd(tasks), name, text) < 0)
            continue;
        switches += number_behind(text, "\nvoluntary_ctxt_switches:") +
                    number_behind(text, "\nnonvoluntary_ctxt_switches:");
    }
    closedir(tasks);
    return switches;
}

int vk_sched_count(vk_pids pids, void *user, struct vk_sched_count *ret_count)
{
    _cleanup_(freep) pid_t *list = malloc(VK_SCHED_PIDS_MAX * sizeof *list);

    if (!list)
        return -ENOMEM;
    ret_count->time_ns = clock_now_ns();
    ret_count->switches = 0;
    int r = read_idle(&ret_count->idle_us);
    int count = r < 0 ? r : pids(user, list, VK_SCHED_PIDS_MAX);
    for (int i = 0; i < count; i++)
        ret_count->switches += process_switches(list[i]);
    return count < 0 ? count : 0;
}

/* Threads that ended took their switches with them: less than before is none. */
static double grown(uint64_t before, uint64_t now)
{
    return now > before ? (double)(now - before) : 0;
}

struct vk_sched_load vk_sched_load(const struct vk_sched_count *before,
                                   const struct vk_sched_count *now)
{
    double own = grown(before->cpu_us, now->cpu_us);
    double idle = grown(before->idle_us, now->idle_us);
    double seconds = (double)(now->time_ns - before->time_ns) / 1e9;

    return (struct vk_sched_load){
        .use = own + idle > 0 ? 100 * own / (own + idle) : 0,
        .switches = seconds > 0 ? grown(before->switches, now->switches) / seconds : 0,
    };
}

enum vkernel_policy vk_sched_adapt(const struct vkernel *vkernel, enum vkernel_policy now,
                                   const struct vk_sched_load *load)
{
    const struct vk_sched_limits limits = vk_sched_limits(vkernel);

    if (load->use > limits.use_high && load->switches > limits.switches_high)
        return VKERNEL_POLICY_FIFO;
    if (load->use < limits.use_low && load->switches < limits.switches_low)
        return VKERNEL_POLICY_NORMAL;
    return now;
}
