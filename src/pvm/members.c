/* Members of a family, as the kernel sees them. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "pvm/members.h"

/* struct pidfd_info of linux/pidfd.h, first version; Debian's headers are older. */
struct exit_info {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_code;
};
_Static_assert(sizeof(struct exit_info) == 64, "PIDFD_INFO_SIZE_VER0");
#define PIDFD_GET_INFO _IOWR(0xff, 11, struct exit_info)
#define PIDFD_INFO_EXIT (1u << 3)

static int proc_read(pid_t pid, const char *file, char *text, size_t size)
{
    char path[48];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = fd_read_full(fd, text, size - 1);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    return 0;
}

/* What follows "KEY:" on its line; NULL when there is no such line. */
static const char *line_of(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, length) == 0 && at[length] == ':')
            return at + length + 1 + strspn(at + length + 1, " \t");
        if (!*at)
            break;
    }
    return NULL;
}

/* The last number of "NSpid: 4711 12 1": the innermost namespace's. */
static pid_t inner_pid(const char *line)
{
    long last = 0;
    char *end;

    for (long number = strtol(line, &end, 10); end != line; number = strtol(line, &end, 10)) {
        last = number;
        line = end;
        if (*line == '\n')
            break;
    }
    return (pid_t)last;
}

/* The parent's number is its outer one for now. */
static int member_read(pid_t pid, struct pvm_member *member)
{
    char text[4096];

    int r = proc_read(pid, "status", text, sizeof text);
    if (r < 0)
        return r;
    const char *state = line_of(text, "State");
    const char *parent = line_of(text, "PPid");
    const char *inner = line_of(text, "NSpid");
    if (!state || !parent || !inner)
        return -EBADMSG;
    *member = (struct pvm_member){
        .pid = pid,
        .inner = inner_pid(inner),
        .parent_inner = (pid_t)strtol(parent, NULL, 10),
        .state = *state,
    };
    /* Its share of what members have in common: the sum over a family is what it has. */
    if (proc_read(pid, "smaps_rollup", text, sizeof text) == 0) {
        const char *share = line_of(text, "Pss");
        member->memory_bytes = share ? strtoull(share, NULL, 10) << 10 : 0;
    }
    return 0;
}

static int by_inner(const void *a, const void *b)
{
    const struct pvm_member *one = a, *two = b;

    return (one->inner > two->inner) - (one->inner < two->inner);
}

int pvm_members_read(const pid_t *pids, int listed, struct pvm_member *ret_members)
{
    int count = 0;

    for (int i = 0; i < listed; i++)
        if (member_read(pids[i], &ret_members[count]) == 0)
            count++;
    for (int i = 0; i < count; i++) {
        pid_t parent = ret_members[i].parent_inner;
        ret_members[i].parent_inner = 0;
        for (int k = 0; k < count; k++)
            if (ret_members[k].pid == parent)
                ret_members[i].parent_inner = ret_members[k].inner;
    }
    if (count > 0)
        qsort(ret_members, (size_t)count, sizeof *ret_members, by_inner);
    return count;
}

pid_t pvm_inner_pid(pid_t pid)
{
    char text[4096];
    const char *line;

    if (pid <= 0 || proc_read(pid, "status", text, sizeof text) < 0)
        return 0;
    line = line_of(text, "NSpid");
    return line ? inner_pid(line) : 0;
}

/* Who can't fork is alone in its group, and has a number of its function's namespace. */
static bool is_called(const struct pvm_member *member, pid_t inner, int count)
{
    return inner == 0 ? member->inner == 1 || count == 1 : member->inner == inner;
}

int pvm_member_open(const pid_t *pids, int count, pid_t inner, int *ret_pidfd, pid_t *ret_pid)
{
    for (int i = 0; i < count; i++) {
        struct pvm_member member;
        /* The descriptor first: what is looked at then can't be another one's. */
        _cleanup_(closep) int fd = (int)syscall(SYS_pidfd_open, pids[i], 0);
        if (fd < 0 || member_read(pids[i], &member) < 0 || !is_called(&member, inner, count))
            continue;
        *ret_pid = pids[i];
        *ret_pidfd = steal_fd(&fd);
        return 0;
    }
    return -ESRCH;
}

int pvm_status_recorded(int pidfd, int *ret_status)
{
    struct exit_info info = {.mask = PIDFD_INFO_EXIT};

    if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 || !(info.mask & PIDFD_INFO_EXIT))
        return -ENODATA;
    *ret_status = info.exit_code;
    return 0;
}

/* The last field of /proc/PID/stat, behind a name that may hold anything. */
static int status_of_zombie(pid_t pid, int *ret_status)
{
    char text[2048];

    if (proc_read(pid, "stat", text, sizeof text) < 0)
        return -ENODATA;
    const char *behind = strrchr(text, ')');
    const char *last = strrchr(text, ' ');
    if (!behind || !last || behind[1] != ' ' || behind[2] != 'Z')
        return -ENODATA;
    *ret_status = (int)strtol(last, NULL, 10);
    return 0;
}

int pvm_member_status(int pidfd, pid_t pid, int *ret_status)
{
    if (pvm_status_recorded(pidfd, ret_status) == 0 || status_of_zombie(pid, ret_status) == 0)
        return 0;
    /* Reaped between the two. */
    return pvm_status_recorded(pidfd, ret_status);
}
