/* Learning a table of system calls from a run: learn.h. */
#include "vkernel/learn.h"

#include <dirent.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/printable.h"
#include "vkernel/syscalls_internal.h"

DEFINE_CLEANUP(struct vk_table, vk_table_free)

/* Of an argument that chooses what a call does: as many values are told apart; beyond, any. */
#define VALUES_MAX 6

struct seen {
    uint64_t times;
    unsigned value_count; /* VALUES_MAX + 1: too many */
    uint32_t values[VALUES_MAX];
};

struct vk_learned {
    struct seen calls[VK_CALLS_MAX];
};

/* Calls whose argument chooses what they do; an int each. */
static const struct {
    uint16_t number;
    uint8_t argument;
} chosen[] = {
    {__NR_socket, 0}, {__NR_ioctl, 1}, {__NR_prctl, 0},   {__NR_fcntl, 1},
    {__NR_clone, 0},  {__NR_futex, 1}, {__NR_madvise, 2}, {__NR_unshare, 0},
};

static int argument_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(chosen); i++)
        if (chosen[i].number == number)
            return chosen[i].argument;
    return -1;
}

int vk_learned_new(struct vk_learned **ret_learned)
{
    *ret_learned = calloc(1, sizeof **ret_learned);
    return *ret_learned ? 0 : -ENOMEM;
}

void vk_learned_free(struct vk_learned *learned)
{
    free(learned);
}

int vk_table_listen(const struct vk_table *table, struct vk_table **ret_table)
{
    _cleanup_(vk_table_freep) struct vk_table *told = NULL;
    struct vk_rule rules[VK_RULES_MAX];
    struct vk_verdict otherwise = table->otherwise.verdict;

    if (otherwise.action == VK_NATIVE)
        otherwise.action = VK_NOTIFY;
    int r = vk_table_new(otherwise, &told);
    for (unsigned i = 0; r == 0 && i < VK_CALLS_MAX; i++) {
        const struct vk_list *list = table->lists[i];
        for (size_t k = 0; list && k < list->count; k++) {
            rules[k] = list->rules[k];
            if (rules[k].verdict.action == VK_NATIVE)
                rules[k].verdict.action = VK_NOTIFY;
        }
        if (list)
            r = vk_table_put(told, i, rules, list->count);
    }
    if (r == 0)
        *ret_table = steal_ptr(&told);
    return r;
}

/* ---- the listener ---- */

static bool is_listener(int directory, const char *name)
{
    char target[64];
    ssize_t n = readlinkat(directory, name, target, sizeof target - 1);

    if (n < 0)
        return false;
    target[n] = '\0';
    return strcmp(target, "anon_inode:seccomp notify") == 0;
}

int vk_listener_take(pid_t pid, int *ret_fd)
{
    char path[32];
    int found = -1;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return errno == ENOENT ? -ESRCH : -errno;
    for (struct dirent *entry; found < 0 && (entry = readdir(directory));)
        if (is_listener(dirfd(directory), entry->d_name))
            found = (int)strtol(entry->d_name, NULL, 10);
    closedir(directory);
    if (found < 0)
        return -EAGAIN;
    _cleanup_(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, found, 0);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

static void count(struct vk_learned *learned, const struct seccomp_data *data)
{
    int argument = argument_of((unsigned)data->nr);

    if (data->nr < 0 || data->nr >= VK_CALLS_MAX)
        return;
    struct seen *seen = &learned->calls[data->nr];
    seen->times++;
    if (argument < 0 || seen->value_count > VALUES_MAX)
        return;
    uint32_t value = (uint32_t)data->args[argument];
    for (unsigned i = 0; i < seen->value_count; i++)
        if (seen->values[i] == value)
            return;
    if (seen->value_count < VALUES_MAX)
        seen->values[seen->value_count] = value;
    seen->value_count++;
}

int vk_learned_step(struct vk_learned *learned, int listener)
{
    struct seccomp_notif notice = {0};

    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
        return errno == ENOENT || errno == EINTR ? -ENOENT : -EPIPE;
    count(learned, &notice.data);
    struct seccomp_notif_resp answer = {.id = notice.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -ENOENT : 0;
}

/* ---- the table ---- */

static void rules_text(const struct seen *seen, int argument, char *text, size_t size)
{
    size_t used = 0;

    if (argument < 0 || seen->value_count == 0 || seen->value_count > VALUES_MAX) {
        snprintf(text, size, "native");
        return;
    }
    for (unsigned i = 0; i < seen->value_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "native if low%d == 0x%x; ", argument,
                                 seen->values[i]);
    if (used < size)
        snprintf(text + used, size - used, "kill");
}

void vk_learned_print(const struct vk_learned *learned, const char *what, bool flags, FILE *out)
{
    char name[VK_CALL_NAME_BYTES], rules[256], shown[512];
    unsigned calls = 0;
    unsigned long long times = 0;

    for (unsigned i = 0; i < VK_CALLS_MAX; i++) {
        calls += learned->calls[i].times > 0;
        times += learned->calls[i].times;
    }
    /* A name of two lines would have its second one be a line of the table. */
    int length = (int)printable(shown, sizeof shown, what, strlen(what));
    fprintf(out, "# learned from a run of %.*s: %u system calls, made %llu times\n", length, shown,
            calls, times);
    fputs(flags ? "syscalls.default=kill\n"
                : "vkernel:\n  syscalls:\n    default: kill\n    calls:\n",
          out);
    for (unsigned i = 0; i < VK_CALLS_MAX; i++) {
        const struct seen *seen = &learned->calls[i];
        if (seen->times == 0)
            continue;
        vk_call_name(i, name);
        rules_text(seen, argument_of(i), rules, sizeof rules);
        fprintf(out, flags ? "syscalls.calls.%s=%s\n" : "      \"%s\": \"%s\"\n", name, rules);
    }
}

/* ---- a program ---- */

/* In the child: from its next call on, every one is told. */
static void child(char *const *argv, const struct sock_filter *program, int length)
{
    const struct sock_fprog filter = {.len = (unsigned short)length,
                                      .filter = (struct sock_filter *)(uintptr_t)program};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter) <
            0)
        _exit(126);
    execvp(argv[0], argv);
    _exit(127);
}

/* It waits in its first call until its listener is taken; a program that failed before is gone. */
static int take_of_child(pid_t pid, int *ret_listener)
{
    int r;

    while ((r = vk_listener_take(pid, ret_listener)) == -EAGAIN) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
            return -ESRCH;
        poll(NULL, 0, 1);
    }
    return r;
}

int vk_learn_program(struct vk_learned *learned, char *const *argv, int *ret_status,
                     struct err *err)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;
    _cleanup_(freep) struct sock_filter *program = calloc(VK_PROGRAM_MAX, sizeof *program);
    _cleanup_(closep) int listener = -1;

    int r = program ? vk_table_new((struct vk_verdict){.action = VK_NOTIFY}, &table) : -ENOMEM;
    int length = r < 0 ? r : vk_table_compile(table, program, VK_PROGRAM_MAX);
    if (length < 0)
        return err_set(err, length, "cannot learn from '%s'", argv[0]);
    pid_t pid = fork();
    if (pid == 0)
        child(argv, program, length);
    if (pid < 0)
        return err_set(err, -errno, "cannot learn from '%s'", argv[0]);
    r = take_of_child(pid, &listener);
    if (r < 0 && r != -ESRCH) {
        kill(pid, SIGKILL);
        err_set(err, r, "cannot learn from '%s'", argv[0]);
    }
    /* To the end of all that it started: the listener hangs up when nobody has the filter. */
    for (struct pollfd one = {.fd = listener, .events = POLLIN}; listener >= 0;) {
        if (poll(&one, 1, -1) < 0 && errno != EINTR)
            break;
        if ((one.revents & POLLIN) ? vk_learned_step(learned, listener) == -EPIPE
                                   : (one.revents & (POLLHUP | POLLERR)) != 0)
            break;
    }
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    return r == -ESRCH ? 0 : r;
}
