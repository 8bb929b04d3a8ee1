/*
 * What a system call costs under tables of 20 and of 350 calls, beside no filter, beside a chain of
 * comparisons (a filter as it is written by hand), and beside libseccomp's tree. Each runs in a
 * child of its own, for a filter stays. getpid under a condition on an argument, so that the
 * kernel's bitmap of calls that are always native does not hide the filter; and native.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "vkernel/syscalls.h"

#define ROUNDS 1000

static struct sock_filter program[VK_PROGRAM_MAX];

/* The calls of the table: getpid with a condition that never holds, the others in turn an error or
 * native, as no two neighbours are alike: the largest tree that there is. */
static int ours(unsigned calls, bool conditional)
{
    struct vk_table *table = NULL;
    const struct vk_rule native = {.verdict = {.action = VK_NATIVE}};
    struct vk_rule rules[2] = {
        {.verdict = {.action = VK_KILL},
         .condition_count = 1,
         .conditions = {{.argument = 0, .compare = VK_EQ, .mask = UINT64_MAX, .value = 77}}},
        native};

    if (vk_table_new(native.verdict, &table) < 0)
        return -1;
    for (unsigned i = 0; i < calls; i++) {
        const struct vk_rule error = {.verdict = {.action = VK_ERRNO, .error = (uint16_t)(i + 1)}};
        vk_table_put(table, 460 - i, &error, 1);
    }
    vk_table_put(table, __NR_getpid, conditional ? rules : &native, conditional ? 2 : 1);
    for (unsigned i = 0; i < 4; i++) /* what the measurement needs itself */
        vk_table_put(table,
                     (unsigned[]){__NR_write, __NR_exit_group, __NR_clock_gettime, __NR_exit}[i],
                     &native, 1);
    int count = vk_table_compile(table, program, VK_PROGRAM_MAX);
    vk_table_free(table);
    return count;
}

static int chain(unsigned calls)
{
    int n = 0;

    program[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < calls; i++) {
        if (460 - i == __NR_getpid || 460 - i == __NR_write || 460 - i == __NR_exit_group ||
            460 - i == __NR_clock_gettime)
            continue;
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 460 - i, 0, 1);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (i + 1));
    }
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getpid, 0, 3);
    program[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args));
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 77, 0, 1);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return n;
}

static int library(unsigned calls)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int fd = memfd_create("filter", MFD_CLOEXEC);

    if (!filter || fd < 0)
        return -1;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (unsigned i = 0; i < calls; i++) {
        unsigned number = 460 - i;
        if (number != __NR_getpid && number != __NR_write && number != __NR_exit_group &&
            number != __NR_clock_gettime)
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(i + 1), (int)number, 0);
    }
    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, __NR_getpid, 1, SCMP_A0(SCMP_CMP_EQ, 77));
    int r = seccomp_export_bpf(filter, fd);
    seccomp_release(filter);
    ssize_t bytes = r == 0 ? pread(fd, program, sizeof program, 0) : -1;
    close(fd);
    return bytes < 0 ? -1 : (int)((size_t)bytes / sizeof *program);
}

static double round_ns(long count)
{
    int64_t begin = clock_now_ns();

    for (long i = 0; i < count; i++)
        syscall(__NR_getpid, 0);
    return (double)(clock_now_ns() - begin) / (double)count;
}

/* The least of so many rounds: what the call costs where nobody else has the CPU. */
static int measure(int count, long calls, double *ret_ns, double *ret_install_us)
{
    int ends[2], status;
    double figures[2];

    if (count < 0 || pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        const struct sock_fprog filter = {.len = (unsigned short)count, .filter = program};
        int64_t begin = clock_now_ns();
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            (count > 0 && syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                                  SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0))
            _exit(1);
        figures[1] = (double)(clock_now_ns() - begin) / 1000;
        figures[0] = 1e9;
        for (int i = 0; i < ROUNDS; i++) {
            double ns = round_ns(calls);
            figures[0] = ns < figures[0] ? ns : figures[0];
        }
        _exit(write(ends[1], figures, sizeof figures) != sizeof figures);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], figures, sizeof figures);
    close(ends[0]);
    waitpid(pid, &status, 0);
    *ret_ns = figures[0];
    *ret_install_us = figures[1];
    return n == sizeof figures && status == 0 ? 0 : -1;
}

static int line(const char *name, unsigned table, int count, long calls, double without)
{
    double ns, install_us;

    if (measure(count, calls, &ns, &install_us) < 0) {
        fprintf(stderr, "cannot measure '%s'\n", name);
        return 1;
    }
    printf("| %s | %u | %d | %.1f | %.1f | %.0f |\n", name, table, count, ns, ns - without,
           install_us);
    return 0;
}

int main(int argc, char **argv)
{
    long calls = argc > 1 ? atol(argv[1]) : 2000;
    double without, install_us;
    int failed = 0;

    if (measure(0, calls, &without, &install_us) < 0)
        return 1;
    printf("| filter | calls in the table | instructions | ns a call | over none | installed in us "
           "|\n|---|---|---|---|---|---|\n| none | 0 | 0 | %.1f | 0.0 | 0 |\n",
           without);
    /* What no filter can be below: it allows all in one instruction, so all is in the bitmap. */
    program[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    failed |= line("all allowed", 0, 1, calls, without);
    static const unsigned tables[] = {20, 350};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        unsigned table = tables[i];
        failed |= line("ours, native", table, ours(table, false), calls, without);
        failed |= line("ours, an argument is looked at", table, ours(table, true), calls, without);
        failed |= line("libseccomp's tree, the same", table, library(table), calls, without);
        failed |= line("a chain, the same", table, chain(table), calls, without);
    }
    return failed;
}
